"""The change log: who, when, what (CLI-03, CLI-04)."""

import datetime
import os
import pty
import pwd
import re
import socket
import subprocess

import pytest

from harness import IS_ROOT, Store

FIELDS = ["n", "at", "uid", "login", "sudo", "tty", "host", "command", "subject", "old", "new"]
TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")


def test_each_change_has_its_row(store):  # CLI-03
    store.role_create("base", "GET /a")
    store.role_create("r", "GET /b", denies="GET /c", inherit="base")
    store.ok("role", "grant", "r", "GET /d")
    store.ok("role", "deny", "r", "GET /e")
    store.ok("role", "revoke", "r", "GET /d")
    store.key_create("bob", role="r")
    store.ok("key", "set", "bob", "--owner", "Anna")
    store.ok("key", "rotate", "bob")
    store.ok("key", "revoke", "bob", "--reason", "lost")
    store.ok("key", "delete", "bob", "--yes")
    store.ok("role", "delete", "r", "--yes")
    rows = store.json("changes")
    assert all(list(row) == FIELDS for row in rows)
    assert [row["n"] for row in rows] == list(range(rows[0]["n"], rows[0]["n"] + len(rows)))
    commands = [row["command"] for row in rows]
    for command in ("init", "role create", "role grant", "role deny", "role revoke", "key create", "key set",
                    "key rotate", "key revoke", "key delete", "role delete"):
        assert command in commands, command
    assert all(TIME.match(row["at"]) for row in rows)
    assert [row["at"] for row in rows] == sorted(row["at"] for row in rows)


def test_reading_makes_no_row(store):
    store.role_create("r", "GET /a")
    made = store.key_create("bob", role="r")
    before = store.json("changes"), store.json("status")["generation"]
    for command in (["key", "list"], ["key", "show", "bob"], ["role", "list"], ["role", "show", "r"], ["changes"],
                    ["explain", "--key-id", made["id"], "GET /a"], ["status"]):
        store.ok(*command)
    assert (store.json("changes"), store.json("status")["generation"]) == before


def test_what_fails_makes_no_row(store):  # CLI-03
    store.role_create("r", "GET /a")
    before = store.json("changes")
    for command in (["role", "create", "r"], ["role", "create", "x", "--grant", "GET /b", "--grant", "bad"],
                    ["key", "create", "k", "--role", "none"], ["role", "inherit", "r", "r"]):
        assert store.run(*command).rc in (2, 3, 4)
    assert store.json("changes") == before
    assert [row["name"] for row in store.json("role", "list")] == ["r"]


def test_old_and_new_are_objects_without_secrets(store):  # CLI-03, KEY-04, AUD-03
    store.role_create("r", "GET /a")
    made = store.key_create("bob", role="r")
    store.ok("key", "set", "bob", "--owner", "Anna", "--limit", "5/m")
    turned = store.json("key", "rotate", "bob")
    row = next(row for row in store.json("changes") if row["command"] == "key set")
    assert not row["old"].get("owner") and row["new"]["owner"] == "Anna"
    assert row["subject"] == made["id"]
    text = store.run("--json", "changes").out + store.ok("changes")
    for key in (made["key"], turned["key"]):
        secret = key.split("_")[2]
        assert not any(secret[i:i + 8] in text for i in range(len(secret) - 8))


def test_the_actor_is_the_kernels(store):  # CLI-04
    env = {"USER": "eve", "LOGNAME": "eve", "LOGIN": "eve", "HOSTNAME": "elsewhere", "TTY": "/dev/tty9"}
    assert store.run("role", "create", "r", env=env).rc == 0
    row = store.json("changes")[-1]
    assert row["uid"] == os.getuid() and row["login"] == pwd.getpwuid(os.getuid()).pw_name
    assert row["host"] == socket.gethostname() and row["tty"] is None
    before = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=5)
    assert row["at"] > before.strftime("%Y-%m-%dT%H:%M:%S")


def test_the_terminal_is_kept(store):  # CLI-04
    main, end = pty.openpty()
    try:
        assert subprocess.run([Store.program, "--store", store.path, "role", "create", "r"], stdin=end,
                              stdout=subprocess.DEVNULL).returncode == 0
        assert store.json("changes")[-1]["tty"] == os.ttyname(end)
    finally:
        os.close(main)
        os.close(end)


@pytest.mark.skipif(not IS_ROOT, reason="only root can be sudo's child")
def test_the_sudo_user_is_kept_for_root(store):  # CLI-04
    env = {"SUDO_UID": "1234", "SUDO_USER": "anna"}
    assert store.run("role", "create", "r", env=env).rc == 0
    row = store.json("changes")[-1]
    assert (row["uid"], row["login"], row["sudo"]) == (0, "root", "anna(1234)")
    for bad in ({"SUDO_UID": "x", "SUDO_USER": "anna"}, {"SUDO_UID": "-1", "SUDO_USER": "anna"}, {"SUDO_UID": "1"},
                {"SUDO_UID": "1", "SUDO_USER": "a\nb"}):
        assert store.run("role", "grant", "r", "GET /%d" % store.json("changes")[-1]["n"], env=bad).rc == 0
        assert store.json("changes")[-1]["sudo"] is None


def test_no_option_changes_the_actor(store):  # CLI-04
    for option in ("--actor", "--user", "--uid", "--as", "--login"):
        assert store.run("role", "create", "r", option, "eve").rc == 2


def test_after_shows_only_what_is_newer(store):
    store.role_create("a")
    last = store.json("changes")[-1]["n"]
    store.role_create("b")
    rows = store.json("changes", "--after", str(last))
    assert rows and all(row["n"] > last for row in rows)
    assert store.json("changes", "--after", str(rows[-1]["n"])) == []
    for bad in ("x", "-1", "", "1.5", "99999999999999999999"):
        result = store.run("changes", "--after=" + bad)
        assert (result.rc, result.out) == (2, "")


def test_people_see_a_line_for_each_change(store):
    store.role_create("r", "GET /a")
    lines = store.ok("changes").splitlines()
    assert lines[0].split() == ["N", "AT", "LOGIN", "SUDO", "COMMAND", "SUBJECT", "OLD", "NEW"]
    assert len(lines) == 1 + len(store.json("changes"))
