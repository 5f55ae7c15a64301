"""Secrets that httpd gives to backends: in unseen, out only with a reason, and of a known age."""

import json
import os
import sqlite3

import pytest

from harness import Store, Terminal

VALUE, OTHER = "first-0123456789abcdef", "second-fedcba9876543210"
FIELDS = ["name", "max_age", "warn", "on_expiry", "age", "due_at", "due", "created_at", "versions"]
DAY = 86400 * 10 ** 9


@pytest.fixture
def shop(store):
    store.ok("secret", "set", "ledger", input=VALUE + "\n")
    return store


def reveal(store, name="ledger"):
    return store.json("secret", "show", name, "--reveal", "--reason", "a test")["value"]


def refused(store, rc, says, *args, input=OTHER):
    """The exit code, one line that holds the text and no secret, and nothing done."""
    before = store.json("changes"), store.json("secret", "list")
    result = store.run("secret", *args, input=input)
    assert (result.rc, result.out) == (rc, "") and result.err.count("\n") == 1 and says in result.err, result
    assert OTHER not in result.err and VALUE not in result.err
    after = store.json("changes"), store.json("secret", "list")
    assert after[0] == before[0] and [(r["name"], r["live"]) for r in after[1]] == [(r["name"], r["live"]) for r in before[1]]


def older(store, name, days):
    with sqlite3.connect(store.file("store.db")) as db:
        db.execute("UPDATE secret_version SET created_at = created_at - ? WHERE name = ?", (days * DAY, name))


# SEC-01, CLI-01, CLI-02
def test_value_is_in_no_file_and_in_no_output(shop):
    made = shop.json("secret", "rotate", "ledger", input=OTHER)
    assert list(made) == FIELDS and [row["version"] for row in made["versions"]] == [1, 2]
    assert made == dict(shop.json("secret", "show", "ledger"), age=made["age"])
    out = shop.ok("secret", "list") + shop.ok("secret", "show", "ledger") + shop.ok("changes", "--json") + json.dumps(made)
    assert VALUE not in out and OTHER not in out
    for folder, _, names in os.walk(shop.path):
        for name in names:
            with open(os.path.join(folder, name), "rb") as seen:
                content = seen.read()
            assert VALUE.encode() not in content and OTHER.encode() not in content, name
    row = shop.json("changes")[-1]
    assert (row["command"], row["subject"], row["new"]) == ("secret rotate", "ledger", {"name": "ledger", "new_value": True})


# SEC-01
def test_each_version_has_a_data_key_of_its_own(shop):
    shop.ok("secret", "rotate", "ledger", input=VALUE)
    with sqlite3.connect("file:%s?mode=ro" % shop.file("store.db"), uri=True) as db:
        blobs = db.execute("SELECT blob FROM secret_key WHERE name = 'ledger'").fetchall()
    assert len(blobs) == len(set(blobs)) == 2


@pytest.mark.parametrize("value, kept", [
    ("a\n", "a"), ("a\n\n", "a\n"), (" a b\t", " a b\t"), ("two\nlines\n", "two\nlines"), ('q"u\\o\'te', 'q"u\\o\'te'), ("\u00fc\u20ac\u202e\x7f\x1b", "\u00fc\u20ac\u202e\x7f\x1b"),
    ("x" * 8192 + "\n", "x" * 8192),
], ids=repr)
def test_value_comes_out_as_it_went_in(store, value, kept):
    store.ok("secret", "set", "a", input=value)
    assert reveal(store, "a") == kept
    shown = store.ok("secret", "show", "a", "--reveal", "--reason", "a test")
    assert not set(shown) & set("\u202e\x7f\x1b")  # CLI-08


def test_generated_value_is_shown_once(store):  # CLI-02
    first = store.json("secret", "set", "a", "--generate")
    second = store.json("secret", "rotate", "a", "--generate")
    assert list(first)[:2] == ["name", "value"] and len(first["value"]) == 64 and first["value"] != second["value"]
    assert "value" not in store.json("secret", "show", "a") and reveal(store, "a") == second["value"]


def test_revealing_is_recorded(shop):  # CLI-02
    shown = shop.json("secret", "show", "ledger", "--reveal", "--reason", "moving out")
    assert (shown["name"], shown["value"]) == ("ledger", VALUE)
    row = shop.json("changes")[-1]
    assert (row["command"], row["subject"]) == ("secret show", "ledger")
    assert row["new"] == {"name": "ledger", "revealed": True, "reason": "moving out"}
    before = shop.json("changes")
    shop.ok("secret", "show", "ledger")
    assert shop.json("changes") == before


def test_set_replaces_at_once_and_rotate_does_not(shop):
    assert len(shop.json("secret", "rotate", "ledger", input=OTHER)["versions"]) == 2
    assert [row["version"] for row in shop.json("secret", "set", "ledger", input=VALUE)["versions"]] == [3]
    assert [row["version"] for row in shop.json("secret", "rotate", "ledger", "--overlap", "0", input=OTHER)["versions"]] == [4]
    assert reveal(shop) == OTHER


@pytest.mark.parametrize("rc, says, words", [
    (2, "want 1 to 64 letters", ["set", "a/b"]),
    (2, "want 1 to 64 letters", ["set", "webhook/pay"]),
    (2, "want 1 to 64 letters", ["show", "webhook/pay"]),
    (2, "want 1 to 64 letters", ["rotate", "webhook/pay"]),
    (2, "want 1 to 64 letters", ["delete", "webhook/pay", "--yes"]),
    (2, "want 1 to 64 letters", ["show", "webhook/pay", "--reveal", "--reason", "x"]),
    (2, '"maybe": want warn or refuse', ["set", "a", "--max-age", "1d", "--on-expiry", "maybe"]),
    (2, "want --max-age as well", ["set", "a", "--on-expiry", "refuse"]),
    (2, "want --max-age as well", ["set", "a", "--warn", "1d"]),
    (2, "not shorter than the age", ["set", "a", "--max-age", "1d", "--warn", "1d"]),
    (2, "want at most 36525d", ["set", "a", "--max-age", "36526d"]),
    (2, "want at most 365", ["rotate", "ledger", "--overlap", "366d"]),
    (2, "--reveal needs --reason", ["show", "ledger", "--reveal"]),
    (2, "--reason is to say why", ["show", "ledger", "--reveal", "--reason", ""]),
    (2, "--reason is of --reveal", ["show", "ledger", "--reason", "x"]),
    (3, "(did you mean ledger?)", ["show", "legder"]),
    (3, "there is no secret", ["show", "other", "--reveal", "--reason", "x"]),
    (3, "there is no secret", ["rotate", "other"]),
    (3, "there is no secret", ["delete", "other", "--yes"]),
    (2, "delete secret ledger needs a confirmation", ["delete", "ledger"]),  # CLI-11
])
def test_mistakes(shop, rc, says, words):
    shop.ok("webhook", "add", "pay", "--scheme", "github", "--generate")
    refused(shop, rc, says, *words)


@pytest.mark.parametrize("value", ["", "\n", "x" * 8193, "a\0b"], ids=lambda v: repr(v)[:8])
def test_what_is_no_value(store, value):
    result = store.run("secret", "set", "a", input=value)
    assert (result.rc, result.out) == (2, "") and store.json("secret", "list") == [], result


# CLI-11
def test_dry_runs_change_nothing(shop):
    before = shop.json("changes")
    for words in (["set", "new", "--generate"], ["rotate", "ledger", "--generate"], ["delete", "ledger"]):
        made = shop.json("secret", *words, "--dry-run")
        assert made["dry_run"] is True and "value" not in made
    assert shop.json("changes") == before and reveal(shop) == VALUE
    assert shop.json("secret", "delete", "ledger", "--yes") == {"name": "ledger", "deleted": True}
    with sqlite3.connect("file:%s?mode=ro" % shop.file("store.db"), uri=True) as db:
        assert [db.execute("SELECT count(*) FROM " + table).fetchone()[0] for table in ("secret", "secret_version", "secret_key")] == [0, 0, 0]


# SEC-18
def test_list_tells_age_and_what_is_due(shop):
    shop.ok("secret", "set", "ledger", "--max-age", "90d", "--warn", "14d", input=VALUE)
    shop.ok("secret", "set", "strict", "--max-age", "90d", "--on-expiry", "refuse", input=VALUE)
    shop.ok("secret", "set", "free", input=VALUE)

    def told():
        return {row["name"]: (row["age"], row["due"], row["live"]) for row in shop.json("secret", "list")}

    assert [(name, row[1], row[2]) for name, row in told().items()] == [("free", None, 1), ("ledger", "later", 1), ("strict", "later", 1)]
    for name in ("ledger", "strict", "free"):
        older(shop, name, 80)
    assert told() == {"free": ("80d", None, 1), "ledger": ("80d", "soon", 1), "strict": ("80d", "later", 1)}
    for name in ("ledger", "strict"):
        older(shop, name, 20)
    assert told() == {"free": ("80d", None, 1), "ledger": ("100d", "overdue", 1), "strict": ("100d", "refused", 0)}
    assert reveal(shop, "strict") == VALUE
    # What was set stays with another value, and none takes it away.
    made = shop.json("secret", "set", "strict", input=OTHER)
    assert (made["max_age"], made["on_expiry"], made["due"]) == ("90d", "refuse", "later")
    made = shop.json("secret", "set", "strict", "--max-age", "none", input=OTHER)
    assert (made["max_age"], made["on_expiry"], made["due"]) == (None, None, None)


def test_list_has_those_of_others_too(shop):
    shop.ok("webhook", "add", "pay", "--scheme", "github", "--generate")
    assert [(row["name"], row["of"]) for row in shop.json("secret", "list")] == [("ledger", None), ("pay", "webhook")]
    assert Store.call("complete", "--", "secret\nshow\n", env={"APISEC_STORE": shop.path}).out == "ledger\n"


# CLI-01
def test_terminal_does_not_show_the_secret(store):
    screen = Terminal([Store.program, "--store", store.path, "--state", store.state, "secret", "set", "a"])
    while "secret (it is not shown): " not in screen.seen():
        assert screen.process.poll() is None, screen.seen()
    screen.type(VALUE + "\n")
    code, shown = screen.end()
    assert code == 0 and VALUE not in shown and reveal(store, "a") == VALUE
