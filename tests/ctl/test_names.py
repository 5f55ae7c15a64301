"""Names and texts from outside: refused, or stored so that they do no harm."""

import json
import os

import pytest

from harness import Store

pytestmark = pytest.mark.slow

EVIL = ["", " ", "a b", "-a", ".a", "_a", "a/b", "../a", "a'b", 'a"b', "a;DROP TABLE keys;--", "a\nb", "a\tb",
        "a\x1b[31mb", "a\x7fb", "a\u202eb", "a\u2066b", "a\u0085b", "\u00e4", "a\u2028b", "a%b", "a<b>", "x" * 65, "a,b",
        "a*b", "$(id)", "`id`"]


@pytest.mark.parametrize("name", EVIL)
def test_names_outside_the_pattern_are_refused(store, name):  # CLI-07
    store.role_create("r")
    store.key_create("bob", role="r")
    before = store.json("changes")
    for command in (["role", "create", "--", name], ["key", "create", "--role", "r", "--", name],
                    ["key", "set", "bob", "--name=" + name]):
        result = store.run(*command)
        assert (result.rc, result.out) == (2, ""), (command, result)
        assert result.err.count("\n") == 1
        assert all(c == "\n" or c.isprintable() for c in result.err), repr(result.err)  # CLI-08
    assert store.json("changes") == before


@pytest.mark.parametrize("name", ["a", "A", "0", "a" * 64, "a.b-c_d", "2024-01.x"])
def test_names_within_the_pattern_are_kept(store, name):  # CLI-07
    store.role_create(name)
    store.key_create(name, role=name)
    assert store.json("key", "show", name)["roles"] == [name]


def test_a_lookup_with_an_evil_name_finds_nothing(store):  # CLI-07
    store.role_create("r")
    store.key_create("bob", role="r")
    for ref in ("' OR '1'='1", "bob' --", "%", "_ob", "b*", "\u202e", "x" * 5000, ""):
        for command in (["key", "show"], ["key", "revoke"], ["role", "show"]):
            result = store.run(*command, "--", ref)
            assert result.rc in (2, 3) and result.out == "", (command, ref, result)
            assert all(c == "\n" or c.isprintable() for c in result.err)  # CLI-08
    assert store.json("key", "show", "bob")["status"] == "active"


def test_bytes_that_are_not_utf8_are_refused(store):  # CLI-07, CLI-08
    store.role_create("r")
    for args in ([b"role", b"create", b"a\xff"], [b"key", b"create", b"k", b"--role", b"r", b"--owner", b"\xc0\xaf"]):
        result = Store.call("--store", store.path, *args)
        assert result.rc == 2 and result.out == ""


@pytest.mark.parametrize("option, value", [
    ("--owner", ""), ("--owner", "a\nb"), ("--owner", "a\x1b[2Jb"), ("--owner", "a\u202eb"), ("--owner", "x" * 129),
    ("--org", ""), ("--org", "a\nb"), ("--org", "x" * 129), ("--org", "a\u202eb"),
    ("--scope", "a b"), ("--scope", ""), ("--scope", 'a"b'), ("--scope", "a\\b"), ("--scope", "a\x01"),
    ("--host", "a/b"), ("--host", "a:80"), ("--host", ""), ("--host", "a b"), ("--host", "x" * 254), ("--host", "a-"), ("--host", "a..b"),
    ("--cidr", "10.0.0.0/33"), ("--cidr", "10.0.0.1/24"), ("--cidr", "fe80::/129"), ("--cidr", "x"), ("--cidr", ""),
    ("--cidr", "10.0.0/8"), ("--limit", "0/m"), ("--limit", "10"), ("--limit", "10/w"), ("--limit", "-1/s"),
    ("--limit", "99999999999/s"), ("--limit", ""), ("--expires", "0d"), ("--expires", "yesterday"), ("--expires", ""),
    ("--expires", "2020-01-01"), ("--expires", "2027-02-30"), ("--expires", "none"), ("--not-before", "soon"),
    ("--role", "a,,b"), ("--role", ""),
])
def test_values_outside_their_form_are_refused(store, option, value):  # CLI-07
    store.role_create("r")
    store.key_create("bob", role="r")
    before = store.json("changes"), store.json("key", "list")
    create = [] if option == "--role" else ["--role", "r"]
    for command in (["key", "create", "eve"] + create, ["key", "set", "bob"]):
        result = store.run(*command, option + "=" + value)
        assert result.rc == 2 and result.out == "" and result.err.count("\n") == 1, (command, result)
        assert all(c == "\n" or c.isprintable() for c in result.err)  # CLI-08
    assert (store.json("changes"), store.json("key", "list")) == before


@pytest.mark.parametrize("owner", ["Anna Meier", "a'b\"c", "<script>alert(1)</script>", "=cmd()", "\u00fc\u4e2d", "x" * 128])
def test_texts_for_people_are_stored_inert(store, owner):  # CLI-07
    store.role_create("r")
    store.key_create("bob", "--owner", owner, "--org", owner[::-1], role="r")
    assert store.json("key", "show", "bob")["owner"] == store.json("key", "show", "bob")["org"][::-1] == owner
    assert owner in store.ok("key", "show", "bob")
    assert store.json("changes")[-1]["new"]["owner"] == owner


def test_a_terminal_gets_no_control_bytes_from_the_environment(store):  # CLI-08
    env = {"SUDO_UID": "1000", "SUDO_USER": "eve\x1b[31m\u202e"}
    assert store.run("role", "create", "r", env=env).rc == 0
    out = store.ok("changes")
    assert "\x1b" not in out and "\u202e" not in out
    assert "\x1b" not in store.run("--json", "changes").out


def test_an_evil_store_path_is_data(folder):  # CLI-07, CLI-08
    path = folder.path("st'ore \"x\" ?mode=memory&cache=shared#%41")
    store = Store(path, folder.path("state"))
    assert store.init()["store"] == path
    store.role_create("r", "GET /a")
    assert store.json("explain", "--role", "r", "GET /a")["decision"] == "allow"
    assert sorted(os.listdir(folder.root)) == [os.path.basename(path)]
    result = Store.call("--store", folder.path("no\x1b[31m\nstore"), "key", "list")
    assert result.rc == 3 and "\x1b" not in result.err and result.err.count("\n") == 1


def test_json_escapes_what_a_reader_could_trip_over(store):  # CLI-08
    store.role_create("r", "GET /a\"b")
    out = store.run("--json", "role", "show", "r").out
    assert json.loads(out)["grants"] == ['GET /a"b']
    assert all(c == "\n" or c.isprintable() for c in out)
