"""apisecctl: mistakes in the words of the command (CLI-05)."""

import json
import os
import pty
import re
import subprocess

import pytest

from harness import Store


def usage_error(*args, says=()):
    """Exit 2, one line on stderr that holds each text of `says`, nothing on stdout."""
    result = Store.call(*args)
    assert result.rc == 2, result
    assert result.out == ""
    assert result.err.startswith("apisecctl: ") and result.err.count("\n") == 1, result.err
    for text in says:
        assert text in result.err, result.err
    return result.err


def test_program_is_a_real_binary():
    """The build tree's program runs in place and is no script."""
    with open(Store.program, "rb") as program:
        assert program.read(4) == b"\x7fELF"


def test_no_command_is_a_usage_error():
    usage_error(says=["no command", "key", "role", "init", "apisecctl help"])


def test_unknown_noun_is_a_usage_error(folder):
    result = Store(folder.path("store"), folder.path("state")).run("frobnicate", "all")
    assert result.rc == 2
    assert result.out == "" and "frobnicate" in result.err
    assert not os.path.exists(folder.path("store"))


@pytest.mark.parametrize("words, meant", [
    (["kye", "list"], "key"), (["key", "crate", "x"], "create"), (["role", "shwo", "x"], "show"),
    (["statsu"], "status"), (["key", "list", "--jsno"], "--json"), (["key", "create", "x", "--rol", "y"], "--role"),
    (["key", "rotate", "x", "--overlab", "1h"], "--overlap"),
])
def test_near_misses_are_named(words, meant):
    usage_error(*words, says=["did you mean %s?" % meant])


def test_far_misses_are_not():
    assert "did you mean" not in usage_error("quux")


@pytest.mark.parametrize("noun, verbs", [
    ("key", ["create", "set", "import", "leaked", "list", "pattern", "show", "rotate", "revoke", "delete"]),
    ("role", ["create", "grant", "deny", "revoke", "inherit", "list", "show", "delete"]),
    ("plan", ["create", "set", "list", "show", "delete"]),
])
def test_a_noun_alone_names_its_verbs(noun, verbs):
    usage_error(noun, says=verbs)
    usage_error(noun, "frobnicate", says=["frobnicate"] + verbs)


@pytest.mark.parametrize("words", [
    ["secret", "export"], ["master", "delete"], ["key", "export"], ["doctors"],
])
def test_what_is_not_there_is_unknown(words):
    usage_error(*words, says=["unknown"])


@pytest.mark.parametrize("words, says", [
    (["key", "show"], ["missing", "key show <key>"]),
    (["key", "show", "a", "b"], ["too many", '"b"']),
    (["role", "grant", "r", "GET", "/x"], ["too many", "quote", '"/x"']),
    (["key", "create", "x"], ["want one of --decoy, --role", "usage: apisecctl key create"]),
    (["key", "create", "x", "--role", "a", "--decoy"], ["want only one of --decoy, --role"]),
    (["key", "create", "x", "--role"], ["--role wants a value"]),
    (["key", "create", "x", "--role", "--owner"], ["--role wants a value", "--role=ROLE"]),
    (["key", "create", "x", "--role", "a", "--owner", "p", "--owner", "q"], ["--owner", "more than once"]),
    (["key", "list", "--yes"], ["unknown option --yes of key list"]),
    (["key", "list", "--json=1"], ["--json takes no value"]),
    (["key", "revoke", "x", "--grant"], ["--grant"]),
    (["key", "list", "-x"], ["-x"]),
    (["explain", "GET /"], ["--key-id", "--role"]),
    (["--store", "", "key", "list"], ["empty"]),
    (["--store", "a", "--store", "b", "key", "list"], ["more than once"]),
    (["--master-key", "env:KEY", "key", "list"], ["file:/", "exec:/"]),
    (["--master-key", "file:relative", "key", "list"], ["file:/", "exec:/"]),
    (["key", "create", "--role", "a", "b", "c", "d"], ["too many"]),
])
def test_wrong_words_name_what_is_accepted(words, says):
    usage_error(*words, says=says)


def test_a_key_that_stands_where_its_source_belongs_is_not_repeated():  # CLI-01, SEC-08
    assert "5ec2e7" not in usage_error("--master-key", "5ec2e7" * 10 + "5ec2", "key", "list", says=["file:/"])


def test_json_prints_nothing_on_an_error():  # CLI-05
    result = Store.call("--json", "key", "frobnicate")
    assert (result.rc, result.out) == (2, "")


def test_version():
    out = Store.call("version", "--json").out
    assert re.fullmatch(r"\d+\.\d+\.\d+", json.loads(out)["version"])


def test_options_may_stand_anywhere(store):
    store.role_create("reader", "GET /a")
    base = ["--state", store.state]
    for words in (["--store", store.path, "--json", "role", "list"], ["role", "--json", "list", "--store", store.path],
                  ["role", "list", "--store=" + store.path, "--json"]):
        result = Store.call(*base, *words)
        assert result.rc == 0 and json.loads(result.out)[0]["name"] == "reader", result


def test_two_dashes_end_the_options(store):
    store.role_create("reader", "GET /a")
    assert store.run("role", "show", "--", "reader").rc == 0
    assert store.run("role", "show", "--", "--json").rc == 3


def test_store_and_state_come_from_the_environment(store, folder):
    env = {"APISEC_STORE": store.path, "APISEC_STATE": folder.path("elsewhere")}
    status = json.loads(Store.call("--json", "status", env=env).out)
    assert status["store"] == store.path
    assert folder.path("elsewhere") in status["state_fault"]


def test_store_and_state_have_defaults():
    if os.path.exists("/var/lib/apisec"):
        pytest.skip("this machine has a store at the default place")
    result = Store.call("key", "list")
    assert result.rc == 3 and "no store at /var/lib/apisec: " in result.err


def test_an_option_outweighs_the_environment(store, folder):
    result = Store.call("--store", store.path, "key", "list", env={"APISEC_STORE": folder.path("none")})
    assert result.rc == 0


def test_a_relative_store_is_below_the_current_folder(store):
    result = Store.call("--store", os.path.basename(store.path), "--json", "status", cwd=os.path.dirname(store.path))
    assert json.loads(result.out)["store"] == store.path


def test_no_store_names_the_command_that_makes_one(folder):
    path = folder.path("none")
    for command in (["key", "list"], ["role", "create", "x"], ["explain", "--role", "x", "GET /"], ["status"]):
        result = Store.call("--store", path, *command)
        assert (result.rc, result.out) == (3, "")
        assert "no store at %s: make one with apisecctl --store %s init" % (path, path) in result.err
    assert not os.path.exists(path)


def answer_on_terminal(args, answer):
    """Runs on a pseudo terminal, answers the question; (exit code, all that was said)."""
    main, end = pty.openpty()
    try:
        child = subprocess.Popen([Store.program, *args], stdin=end, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                 env={k: v for k, v in os.environ.items() if not k.startswith("APISEC_")})
        os.write(main, answer.encode())
        out, err = child.communicate(timeout=60)
    finally:
        os.close(main)
        os.close(end)
    return child.returncode, out.decode(), err.decode()


@pytest.mark.parametrize("noun", ["role", "key"])
def test_delete_asks_on_a_terminal(store, noun):  # CLI-11
    store.role_create("reader", "GET /a")
    store.key_create("bob", role="reader")
    store.ok("key", "revoke", "bob")
    if noun == "role":
        store.ok("key", "delete", "bob", "--yes")
    name = {"role": "reader", "key": "bob"}[noun]
    args = ["--store", store.path, noun, "delete", name]
    for answer in ("n\n", "\n", "maybe\n", "\x04"):
        rc, out, err = answer_on_terminal(args, answer)
        assert (rc, out) == (2, "") and "delete %s %s? [y/N]" % (noun, name) in err and "not confirmed" in err
        assert store.run(noun, "show", name).rc == 0
    rc, out, err = answer_on_terminal(args, "y\n")
    assert rc == 0, err
    assert store.run(noun, "show", name).rc == 3


@pytest.mark.parametrize("noun", ["role", "key"])
def test_delete_off_a_terminal_needs_yes(store, noun):  # CLI-11
    store.role_create("reader", "GET /a")
    store.key_create("bob", role="reader")
    store.ok("key", "revoke", "bob")
    result = store.run(noun, "delete", {"role": "reader", "key": "bob"}[noun], input="y\n")
    assert (result.rc, result.out) == (2, "") and "--yes" in result.err
    assert store.run("key", "show", "bob").rc == 0


def test_revoke_and_rotate_never_ask(store):  # CLI-11
    store.role_create("reader", "GET /a")
    store.key_create("bob", role="reader")
    assert store.run("key", "rotate", "bob", input="").rc == 0
    assert store.run("key", "revoke", "bob", input="").rc == 0


def test_what_takes_something_away_can_be_tried_first():  # CLI-11
    verbs = set()
    for row in json.loads(Store.call("help", "--json").out):
        verb = row["command"].split()[-1]
        if verb in ("delete", "remove", "retire", "restore", "revoke", "rotate") or row["command"] == "import":
            verbs.add(verb)
            assert "--dry-run" in row["options"], row["command"]
            assert ("--yes" in row["options"]) == (verb not in ("revoke", "rotate")), row["command"]
        else:
            assert "--yes" not in row["options"], row["command"]
    assert {"delete", "revoke", "rotate"} <= verbs


def test_a_dry_run_changes_nothing_and_never_asks(store):  # CLI-11
    store.role_create("reader", "GET /a")
    store.role_create("spare")
    store.key_create("bob", role="reader")
    store.key_create("old", role="reader")
    store.ok("key", "revoke", "old")
    before = store.json("changes"), store.json("key", "list"), store.json("role", "list"), store.json("status")["generation"]
    for command in (["role", "delete", "spare"], ["role", "revoke", "reader", "GET /a"], ["key", "delete", "old"],
                    ["key", "revoke", "bob"], ["key", "rotate", "bob"], ["key", "rotate", "bob", "--overlap", "0"]):
        for stdin in ("", "n\n"):
            answer = store.json(*command, "--dry-run", input=stdin)
            assert answer["dry_run"] is True and "key" not in answer, command
        assert "dry_run" in store.ok(*command, "--dry-run")
    assert before == (store.json("changes"), store.json("key", "list"), store.json("role", "list"),
                      store.json("status")["generation"])
