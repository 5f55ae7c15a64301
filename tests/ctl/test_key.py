"""API keys: text, fields, life."""

import binascii
import datetime
import json
import os
import re
import sqlite3
import string
import subprocess

import pytest

from harness import TOP, Store, wait_for

BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
with open(os.path.join(TOP, "docs/security.md")) as page:
    PATTERN = re.compile(re.search(r"`(\^[^`]*\$)`", page.read()).group(1))  # the published form (KEY-01)
FIELDS = ["id", "name", "owner", "org", "status", "origin", "decoy", "created_at", "not_before", "expires_at", "revoked_at",
          "revoke_reason", "roles", "scopes", "cidrs", "hosts", "limit", "plan", "overrides", "kv", "old_valid_until",
          "old_ends_after_first_use", "last_used_at", "last_route", "last_address", "old_last_used_at", "old_last_route",
          "old_last_address", "due_at", "overdue"]
TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")


@pytest.fixture
def reader(store):
    store.role_create("reader", "GET /a")
    return store


def checksum(text):
    crc, out = binascii.crc32(text.encode()), ""
    for _ in range(6):
        crc, digit = divmod(crc, 62)
        out = BASE62[digit] + out
    return out


def seconds(text):
    assert TIME.match(text), text
    return datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").timestamp()


def apart(first, second):
    return seconds(second) - seconds(first)


def files_of(store):
    """Every file below the store, backups and journals too: (path, bytes)."""
    for above, _, names in os.walk(store.path):
        for name in names:
            path = os.path.join(above, name)
            with open(path, "rb") as seen:
                yield path, seen.read()


# ---- create


def test_create_prints_the_record_and_the_key(reader):
    made = reader.key_create("bob", role="reader")
    assert list(made) == FIELDS[:2] + ["key"] + FIELDS[2:]
    assert (made["name"], made["status"], made["roles"], made["kv"]) == ("bob", "active", ["reader"], 1)
    assert made["key"].split("_")[1] == made["id"]
    for field in ("owner", "org", "not_before", "revoked_at", "revoke_reason", "limit", "plan", "old_valid_until"):
        assert made[field] is None
    for field in ("scopes", "cidrs", "hosts", "overrides"):
        assert made[field] == []
    assert apart(made["created_at"], made["expires_at"]) == 365 * 86400  # KEY-11: no key lives for ever


def test_key_texts_match_the_published_pattern(reader):  # KEY-01, KEY-02, KEY-03
    seen = set()
    for i in range(8):
        text = reader.key_create("k%d" % i, role="reader")["key"]
        assert PATTERN.match(text), text
        assert not PATTERN.match("x" + text[6:]) and not PATTERN.match(text + "0") and not PATTERN.match(text[:-1])
        _, key_id, rest = text.split("_")
        assert rest[43:] == checksum(key_id + "_" + rest[:43])
        seen.update((key_id, rest[:43]))
    assert len(seen) == 16


def test_checksum_of_the_published_example():  # KEY-03
    assert checksum("zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ") == "0mLq17"


def test_key_is_in_no_file_nor_in_any_later_output(reader):  # KEY-04, CLI-02, CLI-03
    made = reader.key_create("bob", role="reader")
    turned = reader.json("key", "rotate", "bob")
    secrets = [text.split("_")[2][:43] for text in (made["key"], turned["key"])]
    runs = {secret[i:i + 8].encode() for secret in secrets for i in range(36)}
    for path, content in files_of(reader):
        for run in runs:
            assert run not in content, path
    for command in (["key", "show", "bob"], ["key", "list"], ["changes"], ["status"], ["role", "list"],
                    ["key", "set", "bob", "--owner", "x"], ["key", "revoke", "bob"]):
        for form in ([], ["--json"]):
            out = reader.ok(*form, *command)
            assert not any(run.decode() in out for run in runs), command


def test_master_key_is_in_no_other_file(reader):  # KEY-04, SEC-12
    reader.key_create("bob", role="reader")
    text = open(reader.file("master.key")).read().strip()
    for path, content in files_of(reader):
        if path != reader.file("master.key"):
            assert text.encode() not in content and bytes.fromhex(text) not in content, path


def test_all_fields_are_kept(reader):  # KEY-11
    reader.role_create("writer", "POST /a")
    made = reader.json("key", "create", "bob", "--role", "writer", "--role", "reader", "--owner", "Anna",
                       "--scope", "read", "--scope", "admin,write", "--expires", "90d", "--not-before", "1d",
                       "--limit", "100/m", "--cidr", "10.0.0.0/8", "--cidr", "2001:db8::/32", "--host",
                       "API.example.com", "--host", "b.example.com")
    made.pop("key")
    assert made == reader.json("key", "show", "bob") == reader.json("key", "show", made["id"])
    assert made["roles"] == ["reader", "writer"] and made["owner"] == "Anna"
    assert made["scopes"] == ["admin", "read", "write"]
    assert sorted(made["cidrs"]) == ["10.0.0.0/8", "2001:db8::/32"]
    assert made["hosts"] == ["api.example.com", "b.example.com"]
    assert made["limit"] == "100/m"
    assert apart(made["created_at"], made["expires_at"]) == 90 * 86400
    assert apart(made["created_at"], made["not_before"]) == 86400


@pytest.mark.parametrize("words", [
    ["--role", "a", "--role", "b"], ["--role", "a,b"], ["--role", "b,a"], ["--role", "a", "b"], ["--role=a,b"],
    ["--role", "a", "--role", "a,b"],
])
def test_several_roles_in_every_spelling(store, words):
    store.role_create("a")
    store.role_create("b")
    assert store.json("key", "create", "bob", *words)["roles"] == ["a", "b"]


@pytest.mark.parametrize("text, shown", [
    ("2090-01-31", "2090-01-31T00:00:00Z"), ("2090-01-31T12:00:00Z", "2090-01-31T12:00:00Z"),
    ("2090-01-31T12:00:00+02:00", "2090-01-31T10:00:00Z"),
])
def test_times_are_read_and_shown_in_utc(reader, text, shown):
    assert reader.key_create("bob", role="reader", expires=text)["expires_at"] == shown


def test_networks_are_shown_in_one_spelling(reader):  # AZ-15
    made = reader.key_create("bob", role="reader", cidr=["192.0.2.7", "2001:DB8:0::/48", "::ffff:198.51.100.0/120"])
    assert sorted(made["cidrs"]) == sorted(set(made["cidrs"]))
    assert any(net.startswith("192.0.2.7") for net in made["cidrs"])
    assert "2001:db8::/48" in made["cidrs"] and "198.51.100.0/24" in made["cidrs"]


def test_a_name_is_taken_once(reader):
    first = reader.key_create("bob", role="reader")
    result = reader.run("key", "create", "bob", "--role", "reader")
    assert (result.rc, result.out) == (4, "") and '"bob"' in result.err
    assert [row["id"] for row in reader.json("key", "list")] == [first["id"]]


def test_a_role_that_is_not_there_is_named(reader):
    result = reader.run("key", "create", "bob", "--role", "reader", "--role", "none")
    assert (result.rc, result.out) == (3, "") and '"none"' in result.err
    assert reader.json("key", "list") == []


def test_too_many_of_a_kind_are_refused(reader):
    for option, most, form in (("--scope", 64, "s%d"), ("--cidr", 64, "10.0.0.%d"), ("--host", 32, "h%d.example")):
        words = ",".join(form % i for i in range(most))
        assert reader.run("key", "create", "ok" + option[2:], "--role", "reader", option, words).rc == 0
        result = reader.run("key", "create", "no" + option[2:], "--role", "reader", option, words + "," + form % most)
        assert (result.rc, result.out) == (2, "") and str(most) in result.err


# ---- set


def test_set_changes_what_it_names_and_nothing_else(reader):
    before = reader.key_create("bob", role="reader", limit="5/s", owner="x")
    before.pop("key")
    after = reader.json("key", "set", before["id"], "--owner", "Anna")
    assert after == dict(before, owner="Anna") == reader.json("key", "show", "bob")


@pytest.mark.parametrize("option, field, value, shown, none", [
    ("--owner", "owner", "Anna", "Anna", None), ("--org", "org", "Acme, Inc.", "Acme, Inc.", None), ("--limit", "limit", "7/h", "7/h", None),
    ("--not-before", "not_before", "2080-01-01", "2080-01-01T00:00:00Z", None),
    ("--cidr", "cidrs", "10.0.0.0/8", ["10.0.0.0/8"], []), ("--host", "hosts", "a.example", ["a.example"], []),
    ("--scope", "scopes", "read", ["read"], []),
])
def test_what_is_set_can_be_cleared(reader, option, field, value, shown, none):
    reader.key_create("bob", role="reader", expires="2090-01-01")
    assert reader.json("key", "set", "bob", option, value)[field] == shown
    assert reader.json("key", "set", "bob", option, "none")[field] == none


def test_set_renames(reader):
    reader.key_create("bob", role="reader")
    reader.key_create("eve", role="reader")
    assert reader.json("key", "set", "bob", "--name", "rob")["name"] == "rob"
    assert reader.run("key", "show", "bob").rc == 3
    assert reader.run("key", "set", "rob", "--name", "eve").rc == 4


def test_set_expires_ends_a_key_and_prolongs_it(reader):  # KEY-11
    made = reader.key_create("bob", role="reader", expires="1s")
    wait_for(lambda: reader.json("key", "show", "bob")["status"] == "expired")
    after = reader.json("key", "set", "bob", "--expires", "30d")
    assert after["status"] == "active" and apart(made["created_at"], after["expires_at"]) >= 30 * 86400


@pytest.mark.parametrize("option, field, words", [
    ("--role", "roles", ["a", "b", "c"]), ("--scope", "scopes", ["a", "b", "c"]),
    ("--host", "hosts", ["a.example", "b.example", "c.example"]), ("--cidr", "cidrs", ["10.0.0.0/8", "11.0.0.0/8", "12.0.0.0/8"]),
])
def test_lists_are_added_to_taken_from_and_replaced(store, option, field, words):
    a, b, c = words
    for role in ("a", "b", "c"):
        store.role_create(role)
    store.json("key", "create", "bob", *(["--role", "a"] if option == "--role" else ["--role", "a", option, a]))

    def set_(*values):
        return store.json("key", "set", "bob", *[word for value in values for word in (option, value)])[field]

    assert set_("+" + b) == [a, b]
    assert set_("-" + a) == [b]
    assert set_("+" + a, "-" + b) == [a]
    assert set_("+" + b + ",+" + c) == [a, b, c]
    assert set_("+" + b) == [a, b, c]
    assert set_(c) == [c]
    assert set_(b, a) == [a, b]
    result = store.run("key", "set", "bob", option, "-" + c)
    assert result.rc == 3 and c in result.err
    result = store.run("key", "set", "bob", option, a, option, "+" + b)
    assert result.rc == 2 and "either" in result.err
    assert store.json("key", "show", "bob")[field] == [a, b]


@pytest.mark.parametrize("words", [["--role", "+reader"], ["--role", "reader", "--cidr", "-10.0.0.0/8"],
                                   ["--role", "reader", "--host=+a.example"]])
def test_a_new_key_has_nothing_to_add_to(reader, words):
    result = reader.run("key", "create", "bob", *words)
    assert (result.rc, result.out) == (2, "") and "a new key has nothing" in result.err


def test_set_of_nothing_is_a_usage_error(reader):
    reader.key_create("bob", role="reader")
    result = reader.run("key", "set", "bob")
    assert result.rc == 2 and "nothing to set" in result.err and "--owner" in result.err


@pytest.mark.parametrize("command", [
    ["show", "none"], ["set", "none", "--owner", "x"], ["rotate", "none"], ["revoke", "none"], ["delete", "none", "--yes"],
])
def test_a_key_that_is_not_there_is_named(reader, command):
    result = reader.run("key", *command)
    assert (result.rc, result.out) == (3, "") and '"none"' in result.err


# ---- rotate


def test_rotate_keeps_the_id_and_shows_a_new_key(reader):  # KEY-12
    made = reader.key_create("bob", role="reader")
    turned = reader.json("key", "rotate", "bob", "--overlap", "1h")
    assert list(turned) == list(made)
    assert turned["id"] == made["id"] and turned["kv"] == 2
    assert PATTERN.match(turned["key"]) and turned["key"] != made["key"]
    assert abs(apart(turned["created_at"], turned["old_valid_until"]) - 3600) < 60
    turned.pop("key")
    assert reader.json("key", "show", "bob") == turned


def test_overlap_is_a_day_by_default(reader):  # KEY-12
    made = reader.key_create("bob", role="reader")
    assert abs(apart(made["created_at"], reader.json("key", "rotate", "bob")["old_valid_until"]) - 86400) < 60


@pytest.mark.parametrize("overlap", ["0", "0s", "none"])
def test_no_overlap_ends_the_old_secret_at_once(reader, overlap):  # KEY-12
    reader.key_create("bob", role="reader")
    assert reader.json("key", "rotate", "bob", "--overlap", overlap)["old_valid_until"] is None


def test_overlap_ends(reader):  # KEY-12
    reader.key_create("bob", role="reader")
    assert reader.json("key", "rotate", "bob", "--overlap", "1s")["old_valid_until"]
    wait_for(lambda: reader.json("key", "show", "bob")["old_valid_until"] is None)


def test_overlap_never_outlives_the_key(reader):  # KEY-11, KEY-12
    reader.key_create("bob", role="reader", expires="1h")
    turned = reader.json("key", "rotate", "bob", "--overlap", "30d")
    assert turned["old_valid_until"] == turned["expires_at"]


def test_rotate_again_within_the_overlap_counts_on(reader):
    reader.key_create("bob", role="reader")
    texts = {reader.json("key", "rotate", "bob")["key"] for _ in range(3)}
    assert len(texts) == 3 and reader.json("key", "show", "bob")["kv"] == 4


@pytest.mark.parametrize("overlap", ["", "1", "-1h", "1y", "1.5h", "h"])
def test_a_malformed_overlap_is_refused(reader, overlap):
    reader.key_create("bob", role="reader")
    result = reader.run("key", "rotate", "bob", "--overlap=" + overlap)
    assert (result.rc, result.out) == (2, "")
    assert reader.json("key", "show", "bob")["kv"] == 1


def test_a_dead_key_cannot_be_rotated(reader):
    reader.key_create("bob", role="reader")
    reader.ok("key", "revoke", "bob")
    assert reader.run("key", "rotate", "bob").rc == 4
    reader.key_create("eve", role="reader", expires="1s")
    wait_for(lambda: reader.json("key", "show", "eve")["status"] == "expired")
    assert reader.run("key", "rotate", "eve").rc == 4


# ---- revoke, delete


def test_revoke_is_for_good_and_may_be_repeated(reader):
    reader.key_create("bob", role="reader")
    first = reader.json("key", "revoke", "bob", "--reason", "seen in a log")
    assert first["status"] == "revoked" and first["revoke_reason"] == "seen in a log" and TIME.match(first["revoked_at"])
    count = len(reader.json("changes"))
    assert reader.json("key", "revoke", "bob", "--reason", "again") == first
    assert len(reader.json("changes")) == count
    result = reader.run("key", "set", "bob", "--owner", "x")
    assert (result.rc, result.out) == (4, "") and "revoked" in result.err


def test_revoke_needs_no_reason(reader):
    reader.key_create("bob", role="reader")
    assert reader.json("key", "revoke", "bob")["revoke_reason"] is None


def test_only_a_revoked_key_is_deleted(reader):
    made = reader.key_create("bob", role="reader")
    result = reader.run("key", "delete", "bob", "--yes")
    assert (result.rc, result.out) == (4, "") and "revoke" in result.err
    reader.ok("key", "revoke", "bob")
    assert reader.json("key", "delete", "bob", "--yes") == {"id": made["id"], "name": "bob", "deleted": True}
    assert reader.run("key", "show", made["id"]).rc == 3
    assert reader.key_create("bob", role="reader")["id"] != made["id"]


def test_an_id_outweighs_a_name(reader):
    first = reader.key_create("bob", role="reader")
    reader.key_create(first["id"], role="reader")
    assert reader.json("key", "show", first["id"])["name"] == "bob"


@pytest.mark.parametrize("command", [
    ["set", "bob", "--owner", "Anna"], ["rotate", "bob"], ["revoke", "bob"], ["revoke", "bob", "--reason", "why"],
])
def test_dry_run_changes_nothing(reader, command):  # CLI-11
    reader.key_create("bob", role="reader")
    before = reader.json("key", "list"), reader.json("changes"), reader.json("status")["generation"]
    shown = reader.json("key", *command, "--dry-run")
    assert shown["dry_run"] is True and "key" not in shown
    changed = {name for name in FIELDS if shown[name] != before[0][0][name]}
    assert changed and changed <= {"owner", "kv", "old_valid_until", "status", "revoked_at", "revoke_reason"}
    assert (reader.json("key", "list"), reader.json("changes"), reader.json("status")["generation"]) == before


def test_dry_run_of_delete(reader):  # CLI-11
    reader.key_create("bob", role="reader")
    assert reader.run("key", "delete", "bob", "--dry-run").rc == 4
    reader.ok("key", "revoke", "bob")
    assert reader.json("key", "delete", "bob", "--dry-run")["dry_run"] is True
    assert reader.run("key", "show", "bob").rc == 0


# ---- list


def test_list_is_an_array_of_what_show_prints(reader):
    for name in ("zoe", "bob", "eve"):
        reader.key_create(name, role="reader")
    rows = reader.json("key", "list")
    assert [row["name"] for row in rows] == ["bob", "eve", "zoe"]
    assert all(list(row) == FIELDS for row in rows)
    assert rows[0] == reader.json("key", "show", "bob")


def test_table_for_people_is_aligned(reader):
    reader.key_create("bob", role="reader", owner="\u00fcber")
    reader.key_create("a-longer-name", role="reader", limit="10/m")
    lines = reader.ok("key", "list").splitlines()
    assert lines[0].split() == ["ID", "NAME", "OWNER", "STATUS", "DECOY", "ROLES", "LIMIT", "EXPIRES_AT"]
    assert len(lines) == 3
    starts = [lines[0].index(word) for word in lines[0].split()]
    for line in lines[1:]:
        assert all(line[at - 1] == " " and line[at] != " " for at in starts[1:]), line


# ---- where secrets come from

NO_RANDOM = """openssl_conf = init
[init]
random = random
[random]
random = NO-SUCH-GENERATOR
"""


@pytest.mark.parametrize("command", [["key", "create", "eve", "--role", "reader"], ["key", "rotate", "bob"]])
def test_without_random_numbers_nothing_is_written(reader, folder, command):  # KEY-02
    reader.key_create("bob", role="reader")
    before = dict(files_of(reader))
    result = reader.run(*command, env={"OPENSSL_CONF": folder.write("openssl.cnf", NO_RANDOM)})
    assert (result.rc, result.out) == (1, "") and "cryptographic" in result.err, result
    assert dict(files_of(reader)) == before


def test_init_without_random_numbers_makes_no_store(new_store, folder):  # KEY-02
    result = new_store.run("init", env={"OPENSSL_CONF": folder.write("openssl.cnf", NO_RANDOM)})
    assert (result.rc, result.out) == (1, "") and "cryptographic" in result.err, result
    assert not os.path.exists(new_store.file("master.key")) and not os.path.exists(new_store.file("store.db"))
    new_store.init()


def test_every_secret_is_generated_and_has_256_bits(reader):  # KEY-05
    """The stored MAC is a fast one, so nobody can bring a secret along, which could be weak; what
    `key import` reads from a file is examined (test_import.py)."""
    weak = "apisec_AAAAAAAAAAAA_" + "A" * 49
    texts = [reader.json(*command, input=weak + "\n")["key"] for command in (
        ["key", "create", "a", "--role", "reader"], ["key", "create", "b", "--role", "reader", "--owner", weak],
        ["key", "rotate", "a"], ["key", "rotate", "a", "--overlap", "0"])]
    secrets = [text.split("_")[2][:43] for text in texts]
    assert len(set(secrets)) == 4 and "A" * 43 not in secrets
    assert all(PATTERN.match(text) for text in texts) and 62 ** 43 > 2 ** 256
    values = set()
    for row in json.loads(Store.call("help", "--json").out):
        values.update(a or b for a, b in re.findall(r"(<[a-z]+>)|--([a-z-]+ [A-Z]+)", row["usage"]))
    known = {"after LAST", "below PATH", "title TEXT", "least N", "<name>", "<role>", "<grant>", "<parent>", "<key>", "<request>", "<word>", "<words>",
             "group GROUP", "prefix PREFIX", "log FILE", "grant GRANT", "deny GRANT", "inherit ROLE", "role ROLE", "owner TEXT",
             "org TEXT", "scope SCOPE", "expires TIME", "not-before TIME", "limit RATE", "cidr NET", "host HOST", "name NAME", "overlap DURATION", "reason TEXT",
             "until-used DURATION", "unused DURATION", "max-age DURATION", "warn DURATION",
             "key-id ID", "address ADDRESS", "after N", "after NAME", "max N", "name PATTERN", "status STATUS",
             "timeout DURATION", "<file>", "format FORMAT", "<plan>", "limit LIMIT", "description TEXT", "plan PLAN", "priority N",
             "override LIMIT", "<amount>", "limit NAME", "log-format FORMAT", "by-field FIELD", "<webhook>", "scheme SCHEME",
             "keyid KEYID", "<signer>", "<certificate>", "public FILE", "file FILE", "thumbprint HEX", "dn SUBJECT", "san-dns NAME",
             "san-uri URI", "san-email ADDRESS", "key FILE", "component COMPONENT", "field FIELD", "tag TAG", "created TIME", "alg ALG", "body FILE",
             "window DURATION", "signature-field NAME", "time-field NAME", "encoding ENCODING",
             "<issuer>", "issuer URL", "audience AUDIENCE", "leeway DURATION", "max-life DURATION", "need CLAIM", "role-claim RULE",
             "scope-claim RULE", "jwks SOURCE", "keys-ttl DURATION", "keys-stale DURATION", "fetch-interval DURATION",
             "introspect URL", "client-id CLIENT", "answer-ttl DURATION", "ca FILE", "without WHAT", "issuer ISSUER", "jti JTI",
             "cache DIR", "to FILE", "identity FILE", "passphrase SOURCE", "over WHAT", "kdf KDF", "new-passphrase SOURCE",
             "user USER", "httpd PROGRAM",
             "<master>", "<version>", "to SOURCE", "pepper VERSION", "<secret>", "on-expiry ACTION", "secret NAME", "only KIND",
             "<api>", "kind KIND", "api API", "at PATH", "require WORD", "undeclared WORD"}
    assert values == known, "what is new here must take no secret of a key, or refuse one below 112 bits"
    for option in ("--key", "--secret", "--text", "--value", "--token", "--hash", "--mac"):
        for command in (["key", "create", "c", "--role", "reader"], ["key", "set", "a"], ["key", "rotate", "a"]):
            assert reader.run(*command, option, weak).rc == 2, (command, option)
    assert reader.run("key", "import", input=weak).rc == 2


def test_what_is_deleted_is_overwritten(reader):  # SEC-17
    made = reader.key_create("bob", role="reader")
    path = reader.file("store.db")

    def record():
        with sqlite3.connect("file:%s?mode=ro" % path, uri=True) as db:
            return [row[0] for row in db.execute("SELECT record FROM key WHERE id = ?", (made["id"],))]

    (old,) = record()
    # Random bytes of the record, the MAC among them, that are nowhere else in the file.
    with open(path, "rb") as seen:
        whole = seen.read()
    runs = {old[i:i + 8] for i in range(len(old) - 8)
            if whole.count(old[i:i + 8]) == 1 and len(set(old[i:i + 8])) >= 7}
    assert len(runs) >= 24
    reader.ok("key", "revoke", "bob")
    reader.ok("key", "delete", "bob", "--yes")
    assert record() == []
    for path, content in files_of(reader):
        assert not [run for run in runs if run in content], path


# ---- secrets on their way out


def test_no_option_takes_a_secret():  # CLI-01
    rows = json.loads(Store.call("help", "--json").out)
    options = {option for row in rows for option in re.findall(r"--[a-z-]+", row["usage"])} - {"--secret"}  # the name of one
    assert not any(re.search("secret|password|token|text$", option) for option in options)


def full_pipe():
    """A pipe into which nothing more goes until it is read."""
    out, into = os.pipe()
    os.set_blocking(into, False)
    try:
        while True:
            os.write(into, b"x" * 65536)
    except BlockingIOError:
        pass
    os.set_blocking(into, True)
    return out, into


def test_a_reader_that_waits_sees_no_secret_in_proc_and_holds_no_lock(reader):  # CLI-01, CLI-09
    out, into = full_pipe()
    child = subprocess.Popen([Store.program, "--store", reader.path, "--json", "key", "create", "bob", "--role", "reader"],
                             stdout=into, stderr=subprocess.PIPE)
    os.close(into)
    try:
        wait_for(lambda: any(row["name"] == "bob" for row in reader.json("key", "list")))
        assert child.poll() is None
        told = b""
        for name in ("cmdline", "environ"):
            try:
                with open("/proc/%d/%s" % (child.pid, name), "rb") as seen:
                    told += seen.read()
            except PermissionError:
                pass  # not even its own account may look
        reader.key_create("eve", role="reader")
        with os.fdopen(out, "rb") as pipe:
            made = json.loads(pipe.read().lstrip(b"x"))
        assert child.wait(timeout=60) == 0
        assert b"create" in told and made["key"].split("_")[2].encode() not in told
    finally:
        child.kill()
        child.wait()
        child.stderr.close()


def shell(store, words, redirect):
    line = '"$0" --store "$1" --json %s %s' % (words, redirect)
    return subprocess.run(["sh", "-c", line, Store.program, store.path], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)


def test_a_key_that_could_not_be_shown_can_be_had_again(reader):  # CLI-02
    done = shell(reader, "key create bob --role reader", "> /dev/full")
    made = reader.json("key", "show", "bob")
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert "No space left" in done.stderr and made["id"] in done.stderr
    again = re.search(r"apisecctl (--store \S+ key rotate \S+ --overlap 0)", done.stderr).group(1)
    result = Store.call("--json", *again.split())
    assert result.rc == 0 and json.loads(result.out)["id"] == made["id"]


def test_the_way_on_names_the_same_master_key(reader, folder):
    path = folder.path("elsewhere.key")
    os.rename(reader.file("master.key"), path)
    done = shell(reader, "--master-key file:%s key create bob --role reader" % path, "> /dev/full")
    again = re.search(r"apisecctl (--store \S+ --master-key \S+ key rotate \S+ --overlap 0)", done.stderr).group(1)
    assert Store.call(*again.split()).rc == 0


def test_a_closed_pipe_is_an_error_not_a_death(reader):
    out, into = os.pipe()
    os.close(out)
    done = subprocess.run([Store.program, "--store", reader.path, "key", "create", "bob", "--role", "reader"],
                          stdout=into, stderr=subprocess.PIPE, text=True)
    os.close(into)
    assert done.returncode == 1 and "key rotate" in done.stderr
    assert reader.json("key", "show", "bob")["status"] == "active"


@pytest.mark.parametrize("redirect", [">&-", "1</dev/null"])
def test_without_stdout_nothing_is_done(reader, redirect):
    done = shell(reader, "key create bob --role reader", redirect)
    assert done.returncode == 1 and "stdout" in done.stderr
    assert reader.json("key", "list") == []


def test_closed_descriptors_are_not_reused(reader):
    """The store is never opened as descriptor 0 or 2, where messages would be written into it."""
    done = shell(reader, "key create bob --role reader", "<&- 2>&-")
    assert done.returncode == 0 and json.loads(done.stdout)["name"] == "bob"
    done = shell(reader, "key create bob --role reader", "<&- 2>&-")
    assert done.returncode == 4 and done.stdout == ""
    assert reader.json("status")["keys"] == 1


def test_no_core_is_left_with_a_key_in_it(reader, folder):  # CLI-02
    """The process has no room for a core file, whatever the caller's limit."""
    out, into = full_pipe()
    child = subprocess.Popen([Store.program, "--store", reader.path, "key", "create", "bob", "--role", "reader"],
                             stdout=into, stderr=subprocess.DEVNULL, cwd=folder.root)
    os.close(into)
    try:
        wait_for(lambda: any(row["name"] == "bob" for row in reader.json("key", "list")))
        with open("/proc/%d/limits" % child.pid) as seen:
            line = next(line for line in seen if line.startswith("Max core file size"))
        assert line.split()[4:6] == ["0", "0"]
    finally:
        child.kill()
        child.wait()
        os.close(out)
