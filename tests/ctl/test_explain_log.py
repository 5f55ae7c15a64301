"""explain --log: lines of the audit log, judged anew with the roles and keys of today (CLI-13)."""

import json
import subprocess

import pytest

from harness import Store, Terminal, wait_for

KNOWN = {"line", "method", "path", "key", "decision", "reason", "now_decision", "now_reason", "same", "note", "fault"}


@pytest.fixture
def shop(store):
    store.role_create("reader", "GET /orders/**", denies="GET /orders/secret")
    store.role_create("writer", ["POST /orders", "GET /a/*"])
    return store


def line(**fields):
    """A line as %^AJ writes it; None leaves a field out."""
    whole = {"v": 1, "ts": "2027-01-31T12:00:00.123Z", "boot": 1, "pid": 4711, "n": 1, "event": "authz_allow",
             "severity": "info", "id": "0123456789abcdef", "host": "gate.example", "ip": "192.0.2.7", "method": "GET",
             "path": "/orders/7", "status": 200, "decision": "allow", "reason": "allow", "us": 100}
    whole.update(fields)
    return json.dumps({k: v for k, v in whole.items() if v is not None}, ensure_ascii=False)


def replay(store, *lines, rc=None):
    answer = store.run("--json", "explain", "--log", "-", input="".join(text + "\n" for text in lines))
    assert answer.err == "" and answer.rc in (0, 5), answer
    found = json.loads(answer.out)
    assert all(set(one) == KNOWN for one in found["lines"])
    assert found["same"] + found["different"] + found["not_judged"] + found["bad"] == len(found["lines"])
    assert answer.rc == (5 if found["different"] + found["bad"] else 0) and rc in (None, answer.rc)
    return found


def one(store, **fields):
    found = replay(store, line(**fields))
    assert len(found["lines"]) == 1
    return found["lines"][0]


def test_the_same_answers_end_with_0(shop):  # CLI-13
    key = shop.key_create("bob", role="reader")["id"]
    refused = dict(key=key, decision="refuse")
    found = replay(shop, line(key=key, kv=1), line(path="/orders/secret", reason="grant_denied", **refused),
                   line(path="/x", reason="grant_missing", **refused),
                   line(method="PUT", reason="method_not_granted", **refused),
                   line(method="BREW", decision="refuse", reason="method_unknown"),
                   line(method="TRACE", decision="refuse", reason="method_refused"),
                   line(path="/orders//7", decision="refuse", reason="path_ambiguous"),
                   line(key="AAAAAAAAAAAA", decision="refuse", reason="key_unknown"), rc=0)
    assert found["same"] == 8 and [row["line"] for row in found["lines"]] == list(range(1, 9))
    assert found["lines"][1]["now_decision"] == "refuse" and found["lines"][1]["now_reason"] == "grant_denied"


def test_another_answer_ends_with_5(shop):  # CLI-13
    key = shop.key_create("bob", role="reader")["id"]
    text = line(key=key, kv=1)
    replay(shop, text, rc=0)
    shop.ok("role", "revoke", "reader", "GET /orders/**")
    found = replay(shop, text, line(key=key, path="/x", decision="refuse", reason="grant_missing"), rc=5)
    assert (found["same"], found["different"]) == (1, 1)
    row = found["lines"][0]
    assert (row["decision"], row["reason"], row["now_decision"], row["now_reason"], row["same"]) == \
        ("allow", "allow", "refuse", "grant_missing", False)


def test_the_life_of_the_key_counts(shop):
    made = shop.key_create("bob", role="reader")
    assert one(shop, key=made["id"], kv=1)["same"] is True
    shop.ok("key", "rotate", "bob", "--overlap", "1d")
    assert one(shop, key=made["id"], kv=1)["same"] is True and one(shop, key=made["id"], kv=2)["same"] is True
    shop.ok("key", "rotate", "bob", "--overlap", "0")
    assert one(shop, key=made["id"], kv=1)["now_reason"] == "key_wrong"
    assert one(shop, key=made["id"], kv=2)["now_reason"] in ("key_rotated", "key_wrong")
    assert one(shop, key=made["id"], kv=3)["same"] is True
    shop.ok("key", "revoke", "bob")
    assert one(shop, key=made["id"], kv=3)["now_reason"] == "key_revoked"
    assert one(shop, key=made["id"], decision="refuse", reason="key_revoked")["same"] is True
    shop.ok("key", "delete", "bob", "--yes")
    assert one(shop, key=made["id"], kv=3)["now_reason"] == "key_unknown"


def test_roles_stand_in_where_there_is_no_key(shop):
    assert one(shop, roles=["reader"])["same"] is True
    assert one(shop, roles=["writer"])["now_reason"] == "grant_missing"
    assert one(shop, roles=["reader", "gone"])["now_reason"] == "role_unknown"
    assert one(shop, roles=[])["now_reason"] == "grant_missing"


def test_a_path_is_taken_as_the_log_has_it(shop):
    """Decoded where it was read, raw where it was ambiguous."""
    shop.role_create("all", "GET /files/*")
    for path in ("/files/a b", "/files/100%", "/files/\u00e4", "/files/a\"b'c", "/files/~+&=@"):
        assert one(shop, path=path, roles=["all"])["same"] is True, path
    for path in ("/a%2fb", "/a%zz", "/a\\xffb", "/a\u0001b", "/a\u0000b", "/a;b", "/%2e%2e/", "/a%3fb", "*"):
        assert one(shop, path=path, decision="refuse", reason="path_ambiguous")["same"] is True, path


def test_addresses_are_judged_where_they_are_whole(shop):
    key = shop.key_create("bob", role="reader", cidr=["10.0.0.0/8", "2001:db8::/32"])["id"]
    assert one(shop, key=key, ip="10.1.2.3")["same"] is True
    assert one(shop, key=key, ip="2001:db8::1")["same"] is True
    assert one(shop, key=key, ip="192.0.2.7")["now_reason"] == "key_network"
    assert one(shop, key=key, ip="192.0.2.7", decision="refuse", reason="key_network")["same"] is True
    for hidden in ("192.0.2.0", "2001:db8:1::", "p-0123456789abcdef0123456789abcdef", "unknown", ""):
        row = one(shop, key=key, ip=hidden)
        assert row["same"] is True and "address" in row["note"], hidden
        row = one(shop, key=key, ip=hidden, decision="refuse", reason="key_network")
        assert row["same"] is None and row["now_reason"] is None and "address" in row["note"], hidden
    plain = shop.key_create("anna", role="reader")["id"]
    assert one(shop, key=plain, ip="unknown")["note"] is None


def test_the_name_of_a_virtual_host_is_no_proof(shop):
    key = shop.key_create("bob", role="reader", host="api.example.com")["id"]
    assert one(shop, key=key, host="api.example.com")["same"] is True
    row = one(shop, key=key, host="gate.example")
    assert row["same"] is None and "host" in row["note"]
    assert one(shop, key=key, host="gate.example", decision="refuse", reason="key_host")["same"] is True
    assert one(shop, key=key, host="api.example.com", decision="refuse", reason="key_host")["same"] is None


@pytest.mark.parametrize("fields, says", [
    (dict(reason="rate_exceeded", decision="refuse"), "rate_exceeded"), (dict(reason="public"), "public"),
    (dict(reason="credential_missing", decision="refuse"), "credential_missing"), (dict(reason="engine_off", decision="off"), "engine_off"),
    (dict(reason="scope_missing", decision="refuse"), "scope_missing"), (dict(reason="of_tomorrow"), "of_tomorrow"),
    (dict(), "neither key nor roles"), (dict(path="/" + "x" * 1023 + "...", roles=["reader"]), "path was cut"),
    (dict(path="*", method="OPTIONS", roles=["reader"]), "no path"), (dict(roles=["reader", "..."]), "roles were cut"),
    (dict(key="k" * 64 + "..."), "id was cut"), (dict(roles=["reader"] * 17), "more roles"),
])
def test_what_a_line_does_not_tell_is_not_judged(shop, fields, says):
    found = replay(shop, line(**fields), rc=0)
    (row,) = found["lines"]
    assert found["not_judged"] == 1 and row["same"] is None and row["now_decision"] is None and says in row["note"]


def test_what_detect_only_would_have_refused_is_compared_by_its_reason(shop):
    key = shop.key_create("bob", role="reader")["id"]
    row = one(shop, key=key, path="/x", decision="would-refuse", reason="grant_missing")
    assert (row["same"], row["now_decision"]) == (True, "refuse")


@pytest.mark.parametrize("text", [
    "{", "x", "[]", "1", "null", '"text"', "{}", line()[:200], line() + "x", line() + line(), line(v=None), line(v=2), line(v="1"),
    line(method=None), line(path=None), line(reason=None), line(decision=None), line(method=7), line(path=["/"]), line(key=7),
    line(kv="1"), line(kv=-1), line(kv=1.5), line(roles="reader"), line(roles=[1]), line(ip={}), line(host=[]),
    '{"v":1,"v":1,"method":"GET","path":"/","decision":"allow","reason":"allow"}', "[" * 50000, '{"a":' * 10000,
    line(path="/" + "x" * 70000), "\x00", '127.0.0.1 - - "GET /"',
])
def test_a_bad_line_is_named_and_the_others_count(shop, text):
    good = line(roles=["reader"])
    found = replay(shop, good, text, good, rc=5)
    assert (found["same"], found["bad"]) == (2, 1)
    row = found["lines"][1]
    assert row["line"] == 2 and row["note"] and row["same"] is None


def test_bytes_that_are_no_utf8_are_a_bad_line(shop, folder):
    path = folder.write("log", b'{"v":1,"path":"/\xff\xfe"}\n' + line(roles=["reader"]).encode() + b"\n")
    result = shop.run("--json", "explain", "--log", path)
    found = json.loads(result.out)
    assert (result.rc, found["bad"], found["same"]) == (5, 1, 1)


def test_a_file_an_empty_one_and_none(shop, folder):
    path = folder.write("log", line(roles=["reader"]) + "\n\n" + line(roles=["reader"]))  # cut before its newline
    found = json.loads(shop.ok("--json", "explain", "--log", path))
    assert [row["line"] for row in found["lines"]] == [1, 3]
    assert replay(shop, rc=0)["lines"] == []
    result = shop.run("explain", "--log", folder.path("none"))
    assert (result.rc, result.out) == (3, "") and folder.path("none") in result.err
    result = shop.run("explain", "--log", folder.root)
    assert (result.rc, result.out) == (1, "") and folder.root in result.err


@pytest.mark.parametrize("words", [["GET /x"], ["--host", "a"], ["--address", "192.0.2.1"]])
def test_the_lines_alone_ask(shop, words):
    result = shop.run("explain", "--log", "-", *words)
    assert (result.rc, result.out) == (2, "") and "--log" in result.err
    result = shop.run("explain", "--log", "-", "--role", "reader")
    assert (result.rc, result.out) == (2, "")
    result = shop.run("explain", "--role", "reader")
    assert (result.rc, result.out) == (2, "") and "METHOD PATH" in result.err


def test_people_see_a_table_and_nothing_that_a_terminal_obeys(shop):  # CLI-08
    result = shop.run("explain", "--log", "-", input=line(roles=["reader"]) + "\n" + line(
        path="/orders/\u001b[31m\u202e", key="\u001b]0;x\u0007", decision="refuse", reason="path_ambiguous") + "\nno line\n")
    assert result.rc == 5
    assert "same        2\n" in result.out and "bad         1\n" in result.out
    assert "LINE  METHOD  PATH" in result.out and "\\u{1b}[31m\\u{202e}" in result.out
    assert "\x1b" not in result.out and "\u202e" not in result.out and "\x07" not in result.out


# ---- who watches sees how far it has come


def test_progress_is_shown_on_a_terminal_and_cleared(shop):
    screen = Terminal([Store.program, "--store", shop.path, "--json", "explain", "--log", "-"], stdin=subprocess.PIPE,
                      stdout=subprocess.PIPE)
    text = (line(roles=["reader"]) + "\n").encode()

    def feed():
        screen.process.stdin.write(text * 100)
        screen.process.stdin.flush()
        return "lines: " in screen.seen()

    wait_for(feed, what="progress")
    out, _ = screen.process.communicate(timeout=60)
    code, seen = screen.end()
    assert code == 0 and json.loads(out)["different"] == 0
    assert seen.endswith("\r\x1b[K") and "/s\r\x1b[K" in seen


@pytest.mark.parametrize("env", [{"TERM": "dumb"}, {"TERM": None}])
def test_a_dumb_terminal_shows_no_progress(shop, folder, env):
    path = folder.write("log", (line(roles=["reader"]) + "\n") * 3000)
    screen = Terminal([Store.program, "--store", shop.path, "--json", "explain", "--log", path], env, stdout=subprocess.DEVNULL)
    assert screen.end() == (0, "")


def test_a_pipe_shows_no_progress(shop):
    assert shop.run("--json", "explain", "--log", "-", input=(line(roles=["reader"]) + "\n") * 3000).err == ""


def test_more_lines_than_are_held_are_refused(shop, folder):
    path = folder.write("log", "\n" * 250000)
    assert shop.run("explain", "--log", path).rc == 0
    path = folder.write("log", "\n" * 250001)
    result = shop.run("explain", "--log", path)
    assert (result.rc, result.out) == (2, "") and "in parts" in result.err
