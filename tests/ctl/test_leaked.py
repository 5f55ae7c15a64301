"""Keys in a text that has come to light: found wherever they lie, told without a piece of them."""

import json
import os
import re
import secrets
import subprocess

import pytest

from harness import key_text, split_key
from test_import import strong


@pytest.fixture
def shop(store):
    store.role_create("reader", "GET /a")
    return store


def leaked(shop, text, *options, rc=None):
    """The rows for this text, given as bytes or str, and the exit code."""
    data = text if isinstance(text, bytes) else text.encode()
    done = subprocess.run([shop.program, "--store", shop.path, "--state", shop.state, "--json", "key", "leaked", *options],
                          input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
    assert done.stderr == b"" and (rc is None or done.returncode == rc), done
    return json.loads(done.stdout)


def imported(shop, folder, *texts):
    path = folder.write("keys.csv", "name,key,roles\n" + "".join("in%d,%s,reader\n" % pair for pair in enumerate(texts)), 0o600)
    shop.ok("key", "import", path)
    return texts


def wrong_secret(text):
    prefix, key_id, secret = split_key(text)
    return key_text(prefix, key_id, secret[::-1])


# ---- the pattern


def test_the_pattern_matches_every_key_and_nothing_near(shop):  # KEY-01
    shown = shop.json("key", "pattern")
    pattern = re.compile(shown["pattern"])
    assert shown["pattern"] == "^" + shown["search"] + "$" and shown["prefix"] == "apisec"
    for i in range(5):
        text = shop.key_create("k%d" % i, role="reader")["key"]
        assert pattern.match(text) and len(text) == shown["length"]
        near = [text[:-1], text + "0", "x" + text, text[1:], text.upper(), text.replace("_", "-"), text.replace("_", "", 1),
                text[:10] + "-" + text[11:], text[:30] + "_" + text[31:], " " + text, "y" + text[1:]]
        assert not any(pattern.match(other) for other in near)
        found = subprocess.run(["grep", "-oE", shown["search"]], input="a=%s;" % text, stdout=subprocess.PIPE, text=True,
                               check=True)
        assert found.stdout == text + "\n"


def test_the_pattern_has_the_prefix_of_its_store(new_store):  # KEY-01
    new_store.init("--prefix", "shop7")
    assert new_store.json("key", "pattern")["pattern"] == "^shop7_[0-9A-Za-z]{12}_[0-9A-Za-z]{49}$"


# ---- finding


def test_an_exposed_key_is_told_with_its_place(shop):
    made = shop.key_create("bob", role="reader", owner="Anna")
    row, = leaked(shop, "one\ntwo\n  key = \"%s\"\n" % made["key"], rc=5)
    assert row == {"id": made["id"], "name": "bob", "owner": "Anna", "status": "active", "decoy": False, "found": "exposed",
                   "kv": 1, "works": True, "revoked": False, "line": 3, "column": 10, "places": 1}


def test_nothing_is_found_in_other_texts(shop):
    made = shop.key_create("bob", role="reader")
    unknown = key_text("apisec", "0" * 12, "0" * 43)
    for text in ("", "\n", made["id"], made["key"][:-1], made["key"][:-1] + ("1" if made["key"][-1] == "0" else "0"),
                 made["key"][1:], unknown, "apisec_" * 50):
        assert leaked(shop, text, rc=0) == []


def test_an_id_with_another_secret_is_no_exposure(shop):
    made = shop.key_create("bob", role="reader")
    row, = leaked(shop, wrong_secret(made["key"]), rc=0)
    assert (row["id"], row["found"], row["kv"], row["works"]) == (made["id"], "id-only", None, False)
    row, = leaked(shop, wrong_secret(made["key"]) + "\n" + made["key"], rc=5)
    assert (row["found"], row["line"], row["places"]) == ("exposed", 2, 2)


@pytest.mark.parametrize("before, after", [("", ""), ("x", "y"), ("=", "&"), ("apisec_", "_apisec"), ("\0\xff", "\0"), ("_", "0"),
                                           ("https://h/?k=", "#"), ("'", "'")])
def test_keys_are_found_whatever_stands_around_them(shop, folder, before, after):
    made = shop.key_create("bob", role="reader")
    text = before.encode("latin-1") + made["key"].encode() + after.encode("latin-1")
    assert leaked(shop, text, rc=5)[0]["column"] == len(before) + 1


def test_a_key_across_any_border_of_the_buffer_is_found(shop, folder):
    made = shop.key_create("bob", role="reader")["key"]
    other, = imported(shop, folder, strong())
    for size in (128 * 1024, 128 * 1024 - 257):
        for back in list(range(0, 80, 7)) + [255, 256, 257, 258]:
            lead = size - back
            rows = leaked(shop, b"\xff" * (lead - 1) + b" " + made.encode() + b" " + other.encode(), rc=5)
            assert [(row["name"], row["column"]) for row in rows] == [("bob", lead + 1), ("in0", lead + len(made) + 2)]


def test_megabytes_without_a_line_are_read(shop):
    made = shop.key_create("bob", role="reader")
    noise = secrets.token_bytes(5 << 20).replace(b"\n", b"")
    row, = leaked(shop, noise + made["key"].encode() + noise + b"\n" + made["key"].encode(), rc=5)
    assert (row["line"], row["column"], row["places"]) == (1, len(noise) + 1, 2)


def test_each_key_has_one_row(shop):
    texts = [shop.key_create("k%d" % i, role="reader")["key"] for i in range(5)]
    rows = leaked(shop, "\n".join(texts + texts[::-1]), rc=5)
    assert [(row["name"], row["line"], row["places"]) for row in rows] == [("k%d" % i, i + 1, 2) for i in range(5)]


def test_an_older_secret_is_told_with_its_version(shop):
    first = shop.key_create("bob", role="reader")["key"]
    second = shop.json("key", "rotate", "bob", "--overlap", "1h")["key"]
    row, = leaked(shop, first, rc=5)
    assert (row["kv"], row["works"]) == (1, True)
    assert leaked(shop, second, rc=5)[0]["kv"] == 2
    shop.ok("key", "rotate", "bob", "--overlap", "0")
    row, = leaked(shop, second, rc=0)
    assert (row["found"], row["kv"], row["works"]) == ("exposed", 2, False)
    row, = leaked(shop, first, rc=0)  # two turns back: no MAC of it is left
    assert row["found"] == "id-only"


@pytest.mark.parametrize("wrap", ["%s", "key=%s", "X-API-Key: %s\r\n", '{"k":"%s"}', "https://h/%s?x", "a/%s/b", "-%s.", "%s=",
                                  "k.%s", "<%s>", "Bearer %s,"])
def test_imported_texts_are_found(shop, folder, wrap):
    for text in imported(shop, folder, strong(), "sk_live_" + strong(), strong() + "==", "3f2b8c1d-9a47-4e65-b0d3-7c518e2fa946"):
        if wrap == "%s=" and text.endswith("="):
            continue
        row, = leaked(shop, wrap % text, rc=5)
        assert row["found"] == "exposed" and row["column"] == wrap.index("%s") + 1, (wrap, text)


@pytest.mark.parametrize("wrap", ["%s", "%s.", "-%s--,", "key=%s\n"])
def test_imported_texts_with_many_marks_are_found(shop, folder, wrap):
    text, = imported(shop, folder, "-".join(strong()[:3] for _ in range(40)))
    row, = leaked(shop, wrap % text, rc=5)
    assert row["found"] == "exposed" and row["column"] == wrap.index("%s") + 1


def test_decoys_are_told_and_left(shop):
    made = shop.json("key", "create", "bait", "--decoy")
    row, = leaked(shop, made["key"], "--revoke", rc=0)
    assert (row["decoy"], row["found"], row["works"], row["revoked"]) == (True, "exposed", False, False)
    assert shop.json("key", "show", "bait")["status"] == "active"


# ---- revoking


def test_exposed_keys_are_revoked_in_one_go(shop, folder):  # CLI-03
    texts = [shop.key_create("k%d" % i, role="reader")["key"] for i in range(3)]
    texts += imported(shop, folder, strong())
    safe = shop.key_create("safe", role="reader")["key"]
    text = "\n".join(texts + [wrong_secret(safe)])
    rows = leaked(shop, text, "--revoke", "--reason", "in a paste", rc=0)
    assert [(row["name"], row["status"], row["revoked"]) for row in rows] == [
        ("k0", "revoked", True), ("k1", "revoked", True), ("k2", "revoked", True), ("in0", "revoked", True),
        ("safe", "active", False)]
    listed = {row["name"]: row for row in shop.json("key", "list")}
    assert [name for name in sorted(listed) if listed[name]["status"] == "revoked"] == ["in0", "k0", "k1", "k2"]
    assert listed["k0"]["revoke_reason"] == "in a paste"
    assert [row["command"] for row in shop.json("changes")][-4:] == ["key leaked"] * 4
    assert shop.json("explain", "--key-id", listed["k0"]["id"], "GET /a", rc=5)["reason"] == "key_revoked"
    rows = leaked(shop, text, "--revoke", rc=0)  # again: nothing is left to do
    assert not any(row["revoked"] or row["works"] for row in rows)


def test_a_reason_wants_revoke_and_has_a_default(shop):
    made = shop.key_create("bob", role="reader")
    result = shop.run("key", "leaked", "--reason", "x", input=made["key"])
    assert result.rc == 2 and "--revoke" in result.err
    leaked(shop, made["key"], "--revoke", rc=0)
    assert shop.json("key", "show", "bob")["revoke_reason"] == "leaked"


def test_no_text_is_ever_shown(shop, folder):  # CLI-02
    texts = [shop.key_create("bob", role="reader")["key"], *imported(shop, folder, strong())]
    for options in ([], ["--json"], ["--json", "--revoke"]):
        result = shop.run("key", "leaked", *options, input="\n".join(texts))
        for text in texts:
            secret = text[-40:]
            assert not any(secret[i:i + 8] in result.out + result.err for i in range(len(secret) - 7))
    assert not any(text[-20:] in str(shop.json("changes")) for text in texts)


def test_reading_holds_no_lock(shop):
    """Who waits for the end of stdin keeps nobody from revoking."""
    made = shop.key_create("bob", role="reader")
    child = subprocess.Popen([shop.program, "--store", shop.path, "--state", shop.state, "--json", "key", "leaked", "--revoke"],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        child.stdin.write(made["key"].encode() + b"\n" + b"x" * (1 << 20))  # more than a pipe holds: it is reading
        shop.ok("role", "create", "meanwhile")
        out, _ = child.communicate(timeout=60)
        assert b'"revoked":true' in out.replace(b" ", b"") and child.returncode == 0
    finally:
        child.kill()
        child.wait()


def test_it_needs_a_store(new_store):
    result = new_store.run("key", "leaked", input=os.urandom(8).hex())
    assert result.rc == 3 and "init" in result.err
