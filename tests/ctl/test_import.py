"""Keys from elsewhere: what a file may say, what is refused and how, and that it is all or nothing."""

import base64
import hashlib
import json
import os
import secrets
import subprocess
import uuid

import pytest

from killed import States, calls_of, shape_of, start
from test_crash import copy_of, goes_on, state_of

HEAD = "name,key,roles\n"


@pytest.fixture
def shop(store):
    store.role_create("reader", "GET /a")
    store.role_create("writer", "POST /a")
    return store


def file_of(folder, text, name="keys.csv", mode=0o600):
    path = folder.write(name, text)
    os.chmod(path, mode)
    return path


def strong():
    """32 hexadecimal digits with a letter: digits alone would count as such."""
    while True:
        text = secrets.token_hex(16)
        if not text.isdigit():
            return text


def faults_of(result):
    """[(line, field or None, reason)] of a refused import."""
    head, *rest = result.err.splitlines()
    assert result.out == "" and head.startswith("apisecctl: ") and "nothing was imported" in head, result
    found = []
    for row in rest:
        where, why = row.split(": ", 1)
        line, _, field = where.strip().partition(", ")
        assert line.startswith("line "), row
        found.append((int(line[5:]), field or None, why))
    return found


def refused(shop, folder, text, rc=2):
    before = state_of(shop)
    result = shop.run("key", "import", file_of(folder, text))
    assert result.rc == rc, result
    assert state_of(shop) == before
    return faults_of(result)


def test_a_file_is_imported(shop, folder):  # CLI-03
    texts = [strong() for _ in range(3)]
    path = file_of(folder, "name,key,roles,owner\r\nann,%s,reader,\"Ann, A\"\r\nbob,%s,reader writer,\r\ncid,%s,writer,C"
                   % tuple(texts))
    done = shop.json("key", "import", path)
    assert done == {"file": "keys.csv", "imported": 3, "digests": 0, "decoys": 0, "warnings": []}
    rows = {row["name"]: row for row in shop.json("key", "list")}
    assert sorted(rows) == ["ann", "bob", "cid"]
    assert rows["ann"]["owner"] == "Ann, A" and rows["bob"]["owner"] is None
    assert rows["bob"]["roles"] == ["reader", "writer"]
    assert {row["origin"] for row in rows.values()} == {"imported"}
    assert len({row["id"] for row in rows.values()}) == 3
    assert shop.json("explain", "--key-id", rows["ann"]["id"], "GET /a")["decision"] == "allow"


def test_one_row_of_the_change_log_tells_of_all(shop, folder):  # CLI-03, CLI-04
    path = file_of(folder, HEAD + "a,%s,reader\nb,%s,reader\n" % (strong(), strong()))
    before = len(shop.json("changes"))
    shop.ok("key", "import", path)
    rows = shop.json("changes")[before:]
    assert [row["command"] for row in rows] == ["key import"]
    with open(path, "rb") as seen:
        assert rows[0]["new"] == {"file": "keys.csv", "sha256": hashlib.sha256(seen.read()).hexdigest(), "keys": 2,
                                  "digests": 0, "decoys": 0}
    assert rows[0]["uid"] == os.getuid()


def test_every_field_is_taken(shop, folder):
    made = shop.json("key", "create", "made", "--role", "reader,writer", "--owner", "Anna", "--scope", "b,a", "--expires",
                     "2090-01-31", "--not-before", "2089-01-31", "--limit", "100/m", "--cidr", "10.0.0.0/8",
                     "--cidr", "2001:db8::/32", "--host", "API.example.com", "--host", "b.example.com")
    shop.ok("key", "import", file_of(folder, (
        "hosts,cidrs,limit,not_before,expires,scopes,owner,roles,name,key\n"
        "API.example.com  b.example.com,10.0.0.0/8 2001:db8::/32,100/m,2089-01-31,2090-01-31,b a,Anna,writer reader,in,%s\n"
        % strong())))
    imported = shop.json("key", "show", "in")
    assert imported.pop("origin") == "imported"
    for name in ("id", "name", "created_at"):
        imported.pop(name)
        made.pop(name)
    assert made.pop("origin") == "made" and made.pop("key")
    assert imported == made


def test_a_digest_alone_is_enough(shop, folder):  # KEY-04
    text = strong()
    digest = hashlib.sha256(text.encode()).hexdigest()
    done = shop.json("key", "import", file_of(folder, "name,sha256,roles\nbob,%s,reader\n" % digest.upper()))
    assert (done["imported"], done["digests"]) == (1, 1)
    assert shop.json("key", "show", "bob")["origin"] == "imported-digest"
    # The text of the same digest is the same key.
    faults = refused(shop, folder, HEAD + "twin,%s,reader\n" % text, rc=4)
    assert faults[0][:2] == (2, "key")


def test_nothing_of_a_text_is_stored_or_shown(shop, folder):  # KEY-04, CLI-02
    text = strong()
    path = file_of(folder, HEAD + "bob,%s,reader\n" % text)
    out = [shop.ok("key", "import", path)]
    for command in (["key", "show", "bob"], ["key", "list"], ["changes"], ["key", "rotate", "bob"]):
        out += [shop.ok(*command), shop.ok("--json", *command)]
    stored = b"".join(open(os.path.join(above, name), "rb").read()
                      for above, _, names in os.walk(shop.path) for name in names)
    digest = hashlib.sha256(text.encode())
    for i in range(len(text) - 7):
        assert text[i:i + 8].encode() not in stored and text[i:i + 8] not in "".join(out)
    assert digest.digest() not in stored and digest.hexdigest().encode() not in stored


@pytest.mark.parametrize("make", [
    strong, lambda: str(uuid.uuid4()), lambda: base64.urlsafe_b64encode(secrets.token_bytes(24)).decode(),
    lambda: base64.b64encode(b"\xa5" + secrets.token_bytes(24)).decode(), lambda: "sk_live_" + strong(),
    lambda: "ghp_" + strong() + strong()[:4], lambda: strong() + "." + strong(),
    lambda: "".join(secrets.token_hex(16) for _ in range(8)),
])
def test_strong_texts_of_many_makers_are_taken(shop, folder, make):  # KEY-05
    shop.ok("key", "import", file_of(folder, HEAD + "bob,%s,reader\n" % make()))


@pytest.mark.parametrize("text", [
    "password1234567890123456", "a" * 40, "0123456789abcdef0123456789abcdef", "8f14e45fceea167a",
    "correcthorsebatterystaple", "sk_live_1234567890123456789012345678", "c232ab00-9414-11ec-b3c8-9f6bdeced846",
])
def test_weak_texts_are_refused_with_line_and_reason(shop, folder, text):  # KEY-05
    (line, field, why), = refused(shop, folder, HEAD + "ok,%s,reader\nbob,%s,reader\n" % (strong(), text))
    assert (line, field) == (3, "key") and "easy to guess" in why and "112" in why
    assert text not in why


@pytest.mark.parametrize("text", ["short", "a" * 257, "with space 0123456789abcdef", "\xfcmlaut-0123456789abcdef",
                                  "comma,0123456789abcdef0123", 'quote"0123456789abcdef0123'])
def test_texts_that_no_field_carries_are_refused(shop, folder, text):
    (line, field, why), = refused(shop, folder, HEAD + 'bob,"%s",reader\n' % text.replace('"', '""'))
    assert (line, field) == (2, "key") and "16 to 256" in why and text not in why


def test_a_text_with_the_own_prefix_is_refused_with_a_hint(shop, folder):
    made = shop.key_create("made", role="reader")["key"]
    for text in (made, "apisec_" + strong()):
        (line, field, why), = refused(shop, folder, HEAD + "bob,%s,reader\n" % text)
        assert (line, field) == (2, "key") and '"apisec_"' in why and "key create" in why and text not in why


FAULTS = [
    ("name,key,roles,expires", "bob,@,reader,soon", "expires"),
    ("name,key,roles,expires", "bob,@,reader,2020-01-01", "expires"),
    ("name,key,roles,not_before", "bob,@,reader,2090-01-01", "not_before"),
    ("name,key,roles,limit", "bob,@,reader,many", "limit"),
    ("name,key,roles,cidrs", "bob,@,reader,10.0.0.0/33", "cidrs"),
    ("name,key,roles,hosts", "bob,@,reader,a_b-.example", "hosts"),
    ("name,key,roles,scopes", 'bob,@,reader,"a\\b"', "scopes"),
    ("name,key,roles,owner", 'bob,@,reader,"a\nb"', "owner"),
    ("name,key,roles,decoy", "bob,@,reader,yes", "decoy"),
    ("name,key,roles", "b b,@,reader", "name"),
    ("name,key,roles", ",@,reader", "name"),
    ("name,key,roles", "bob,@,", "roles"),
    ("name,key,roles", "bob,@,reader;writer", "roles"),
    ("name,key,roles", "bob,,reader", "key"),
    ("name,key,sha256,roles", "bob,@," + "0" * 64 + ",reader", "key"),
    ("name,sha256,roles", "bob," + "0" * 63 + ",reader", "sha256"),
    ("name,sha256,roles", "bob," + "0" * 63 + "g,reader", "sha256"),
    ("name,key,roles", "bob,@", None),
    ("name,key,roles", "bob,@,reader,more", None),
    ("name,key,roles", 'bob,@,"reader', None),
    ("name,key,roles", 'bob,@,rea"der', None),
    ("name,key,roles", "", None),
]


@pytest.mark.parametrize("head, row, field", FAULTS)
def test_each_fault_names_line_and_field(shop, folder, head, row, field):
    (line, got, why), = refused(shop, folder, "%s\n%s\n" % (head, row.replace("@", strong())))
    assert line >= 2 and got == field and why


def test_a_role_that_is_not_there_is_a_fault(shop, folder):
    (line, field, why), = refused(shop, folder, HEAD + "bob,%s,reader nope\n" % strong(), rc=3)
    assert (line, field) == (2, "roles") and '"nope"' in why


def test_twins_are_told_with_both_lines(shop, folder):
    texts = [strong() for _ in range(5)]
    shop.ok("key", "import", file_of(folder, HEAD + "old,%s,reader\n" % texts[0]))
    faults = refused(shop, folder, HEAD + "a,%s,reader\nb,%s,reader\na,%s,reader\nc,%s,reader\nold,%s,reader\nd,%s,reader\n"
                     % (texts[1], texts[2], texts[3], texts[1], texts[4], texts[0]), rc=4)
    assert [fault[:2] for fault in faults] == [(4, "name"), (5, "key"), (6, "name"), (7, "key")]
    assert "line 2" in faults[0][2] and "line 2" in faults[1][2] and "already" in faults[2][2]
    assert shop.json("key", "show", "old")["id"] in faults[3][2]


def test_all_faults_are_told_at_once_up_to_twenty(shop, folder):
    rows = ["k%d,%s,nope" % (i, strong()) for i in range(3)] + ["x,weak,reader,"]
    faults = refused(shop, folder, HEAD + "\n".join(rows))
    assert [fault[:2] for fault in faults] == [(2, "roles"), (3, "roles"), (4, "roles"), (5, None)]
    result = shop.run("key", "import", file_of(folder, HEAD + "bob,short,reader\n" * 500))
    assert result.rc == 2 and len(faults_of(result)) == 20
    assert "no more were looked for" in result.err and "in 21 lines" in result.err


def test_an_unknown_column_names_the_accepted_ones(shop, folder):
    for head in ("name,key,roles,colour", "name,key,name"):
        (line, field, why), = refused(shop, folder, "%s\n" % head)
        assert (line, field) == (1, None) and "not_before" in why and "sha256" in why


def test_a_text_in_the_wrong_column_is_not_shown(shop, folder):  # CLI-02
    text = strong()
    for content in (HEAD + "%s,bob,reader\n" % (text + "!"), "name,key,roles,expires\nbob,%s,reader,%s\n" % (strong(), text),
                    HEAD + "bob,%s,%s!\n" % (strong(), text), "bob,%s,reader\n" % text,
                    "name,key,cidrs,roles\nbob,%s,%s,reader\n" % (strong(), text)):
        result = shop.run("key", "import", file_of(folder, content))
        assert result.rc == 2 and result.err, content
        assert not any(text[i:i + 8] in result.out + result.err for i in range(25)), result


def test_a_text_that_is_the_name_of_two_lines_is_not_shown(shop, folder):  # CLI-02
    text = strong()
    result = shop.run("key", "import", file_of(folder, HEAD + "".join("%s,%s,reader\n" % (text, strong()) for _ in range(2))))
    assert faults_of(result) == [(3, "name", "line 2 has the same name")]
    assert text not in result.out + result.err


def refused_json(shop, folder, text, rc=2):
    result = shop.run("key", "import", file_of(folder, text, "keys.jsonl"))
    assert result.rc == rc, result
    return faults_of(result)


def test_json_lines_are_imported(shop, folder):
    text = strong()
    made = shop.json("key", "create", "made", "--role", "reader,writer", "--owner", "\u00dcmit", "--org", "Acme, Inc.", "--scope", "b,a", "--expires",
                     "2090-01-31", "--limit", "100/m", "--cidr", "10.0.0.0/8", "--host", "api.example.com")
    rows = [{"name": "in", "key": text, "roles": ["writer", "reader"], "owner": "\u00dcmit", "org": "Acme, Inc.", "scopes": ["b", "a"],
             "expires": "2090-01-31", "not_before": None, "limit": "100/m", "cidrs": ["10.0.0.0/8"],
             "hosts": ["API.example.com"], "decoy": False},
            {"name": "bait", "sha256": "0f" * 32, "decoy": True, "roles": []}]
    done = shop.json("key", "import", file_of(folder, "\r\n".join(json.dumps(row) for row in rows), "keys.jsonl"))
    assert (done["imported"], done["digests"], done["decoys"]) == (2, 1, 1)
    imported = shop.json("key", "show", "in")
    for name in ("id", "name", "created_at", "origin"):
        imported.pop(name)
        made.pop(name)
    made.pop("key")
    assert imported == made and shop.json("key", "show", "bait")["decoy"] is True


@pytest.mark.parametrize("row, says", [
    ("", "JSON"), ("[]", "object"), ('{"name":"a","name":"b"}', "duplicate"), ('{"name":1}', '"name"'), ("{'name':1}", "JSON"),
    ('{"roles":"reader"}', "array"), ('{"roles":[1]}', "array"), ('{"decoy":"true"}', "true or false"), ('{"colour":"x"}', "colour"),
    ('{"name":"a"} x', "JSON"), ('{"roles":[["a"]]}', "depth"),
])
def test_json_faults_name_their_line(shop, folder, row, says):
    good = json.dumps({"name": "ok", "key": strong(), "roles": ["reader"]})
    faults = refused_json(shop, folder, "%s\n%s\n%s\n" % (good, row, json.dumps({"name": "ok2", "key": "short", "roles": ["reader"]})))
    assert [fault[:2] for fault in faults] == [(2, None), (3, "key")]
    assert says in faults[0][2], faults


def test_no_json_fault_shows_a_text(shop, folder):  # CLI-02
    text = strong()
    for row in ('{"name":"a","key":"%s" x}', '{"name":"a","key":%s}', '{"%s":1}', '{"name":"a","key":"%s\x01"}', '{"name":["%s"]}',
                '{"name":"a","roles":["reader"],"expires":"%s"}', '"%s"'):
        result = shop.run("key", "import", file_of(folder, row % text + "\n", "keys.jsonl"))
        assert result.rc == 2 and not any(text[i:i + 8] in result.err for i in range(25)), result


def test_a_long_json_line_is_refused(shop, folder):
    (line, field, why), = refused_json(shop, folder, '{"name":"%s"}' % ("a" * 200000))
    assert (line, field) == (1, None) and "65536" in why


@pytest.mark.parametrize("content", ["", HEAD, "\ufeff" + HEAD])
def test_a_file_without_keys_is_refused(shop, folder, content):
    result = shop.run("key", "import", file_of(folder, content))
    assert result.rc == 4 and "no key in it" in result.err


def test_a_byte_order_mark_is_passed_over(shop, folder):
    shop.ok("key", "import", file_of(folder, "\ufeff" + HEAD + "bob,%s,reader\n" % strong()))


def test_a_long_line_is_refused(shop, folder):
    (line, field, why), = refused(shop, folder, HEAD + "bob,%s,%s" % (strong(), "r " * 40000))
    assert (line, field) == (2, None) and "65536" in why


def test_stdin_is_read_with_a_format(shop):  # CLI-01
    text = HEAD + "bob,%s,reader\n" % strong()
    assert shop.json("key", "import", "-", "--format", "csv", input=text)["file"] == "stdin"
    result = shop.run("key", "import", "-", input=text)
    assert result.rc == 2 and "--format" in result.err


@pytest.mark.parametrize("name, options, rc", [("keys.txt", [], 2), ("keys.csv", ["--format", "xml"], 2),
                                               ("missing.csv", [], 3), ("folder.csv", [], 1)])
def test_files_that_are_none(shop, folder, name, options, rc):
    os.mkdir(folder.path("folder.csv"))
    file_of(folder, HEAD, "keys.txt")
    result = shop.run("key", "import", folder.path(name), *options)
    assert result.rc == rc and result.out == "" and result.err.count("\n") == 1, result


def test_a_file_that_others_can_read_is_warned_of(shop, folder):
    path = file_of(folder, HEAD + "bob,%s,reader\n" % strong(), mode=0o644)
    warning, = shop.json("key", "import", path)["warnings"]
    assert path in warning and "0644" in warning and "chmod 600" in warning


def test_a_dry_run_changes_nothing(shop, folder):
    path = file_of(folder, HEAD + "bob,%s,reader\n" % strong())
    before = state_of(shop)
    assert shop.json("key", "import", path, "--dry-run")["dry_run"] is True
    assert state_of(shop) == before
    assert shop.json("key", "import", path)["imported"] == 1


def test_many_keys_over_many_buffers(shop, folder):
    """Lines of all lengths, so that some lie across the end of the buffer, wherever that is."""
    rows = ["k%d,%s,reader,%s" % (i, strong(), "x" * (i % 128 + 1)) for i in range(5000)]
    shop.ok("key", "import", file_of(folder, "name,key,roles,owner\n" + "\n".join(rows)))
    listed = {row["name"]: row["owner"] for row in shop.json("key", "list")}
    assert listed == {"k%d" % i: "x" * (i % 128 + 1) for i in range(5000)}


def test_rotation_gives_an_own_text_and_keeps_the_id(shop, folder):
    shop.ok("key", "import", file_of(folder, HEAD + "bob,%s,reader\n" % strong()))
    before = shop.json("key", "show", "bob")
    turned = shop.json("key", "rotate", "bob", "--overlap", "1h")
    assert turned["id"] == before["id"] == turned["key"].split("_")[1]
    assert turned["kv"] == 2 and turned["old_valid_until"] is not None and turned["origin"] == "imported"


def to_cut_off(shop, folder):
    """The command, and the states before and after."""
    shop.role_create("r", "GET /a")
    path = file_of(folder, HEAD + "".join("k%d,%s,reader\n" % (i, strong()) for i in range(40)))
    args = ["key", "import", path]
    old = state_of(shop)
    whole = copy_of(shop, folder, "whole")
    calls = calls_of(whole, args, folder)
    new = state_of(whole)
    assert calls > 20 and len(new[0]) == 40
    return args, calls, old, new


def test_an_import_that_is_killed_leaves_all_or_nothing(shop, folder):  # CLI-03
    args, calls, old, new = to_cut_off(shop, folder)
    states = States(folder, shop.path, shop, args)
    assert states.calls == calls
    seen = set()
    for at, _ in states:
        states.put(at)
        now = state_of(shop)
        assert now in (old, new), at
        seen.add(now == new)
        goes_on(shop)
    assert seen == {False, True}
    states.show_kills(shop, args)


@pytest.mark.slow
def test_an_import_whose_disk_fails_leaves_all_or_nothing(shop, folder):  # CLI-03
    args, calls, old, new = to_cut_off(shop, folder)
    looked = set()
    for at in range(1, calls + 1):
        store = copy_of(shop, folder, "cut")
        done = start(store, args, FAIL_AT=at)
        assert done.returncode in (0, 1), (at, done)
        left = (done.returncode, shape_of(store.path, folder.path("scratch.db")))
        if left not in looked:
            looked.add(left)
            assert state_of(store) in (old, new), at
            goes_on(store)


def test_no_secret_is_in_the_command_line(shop, folder):  # CLI-01
    """The one place where a key's text enters is the file."""
    usage = subprocess.run([shop.program, "help", "key", "import"], stdout=subprocess.PIPE, text=True, check=True).stdout
    assert "<file>" in usage and "--key " not in usage
