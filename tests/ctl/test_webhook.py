"""Webhooks: who sends, how it is signed, and secrets that come in unseen and never out again."""

import base64
import os
import re
import secrets
import termios

import pytest

from harness import Store, Terminal

SECRET = "of-nobody-else-0123456789abcdef"
FIELDS = ["name", "scheme", "window", "signature_field", "time_field", "prefix", "encoding", "secret_of", "created_at", "secrets"]


@pytest.fixture
def shop(store):
    store.json("webhook", "add", "payments", "--scheme", "stripe", input=SECRET + "\n")
    return store


def refused(store, rc, says, *args, input=SECRET):
    """The exit code, one line that holds the text and no secret, and nothing done."""
    before = store.json("changes")
    result = store.run(*args, input=input)
    assert (result.rc, result.out) == (rc, "") and result.err.count("\n") == 1 and says in result.err, result
    assert not input or input.strip() not in result.err
    assert store.json("changes") == before


def all_files(store):
    for folder, _, names in os.walk(store.path):
        for name in names:
            with open(os.path.join(folder, name), "rb") as seen:
                yield name, seen.read()


# ---- add


# WHK-07
def test_what_was_added_is_shown(store):
    made = store.json("webhook", "add", "payments", "--scheme", "stripe", input=SECRET)
    assert list(made) == FIELDS
    assert (made["name"], made["scheme"], made["window"], made["encoding"]) == ("payments", "stripe", "5m", None)
    assert [(row["version"], row["until"]) for row in made["secrets"]] == [(1, None)]
    assert store.json("webhook", "show", "payments") == made and store.json("webhook", "list") == [made]
    row = store.json("changes")[-1]
    assert (row["command"], row["subject"], row["old"]) == ("webhook add", "payments", None)
    assert row["new"] == {"name": "payments", "scheme": "stripe", "window": 300, "new_secret": True}
    lines = [line.split() for line in store.ok("webhook", "list").splitlines()]
    assert lines == [["NAME", "SCHEME", "WINDOW", "SECRETS", "CREATED_AT"], ["payments", "stripe", "5m", "1", made["created_at"]]]


# WHK-07, CLI-01: handed in
def test_secret_is_in_no_file_and_in_no_output(shop):
    other = secrets.token_hex(32)
    out = shop.ok("webhook", "rotate", "payments", input=other) + shop.ok("webhook", "show", "payments") + shop.ok("changes", "--json")
    for text in (SECRET, other):
        assert text not in out
        for name, content in all_files(shop):
            assert text.encode() not in content and base64.b64encode(text.encode()) not in content, name


# WHK-07
@pytest.mark.parametrize("scheme, form", [("standard", r"whsec_[A-Za-z0-9+/]{43}=$"), ("github", "[0-9a-f]{64}$"), ("stripe", "[0-9a-f]{64}$")])
def test_generated_secret_is_shown_once(store, scheme, form):
    made = store.json("webhook", "add", "a", "--scheme", scheme, "--generate")
    assert list(made) == ["name", "secret"] + FIELDS[1:] and re.match(form, made["secret"])
    other = store.json("webhook", "rotate", "a", "--generate")["secret"]
    assert re.match(form, other) and other != made["secret"]
    assert "secret" not in store.json("webhook", "show", "a")
    assert made["secret"] not in store.ok("webhook", "show", "a") + store.ok("changes", "--json")
    refused(store, 4, "that of a webhook already", "webhook", "add", "b", "--scheme", scheme, input=made["secret"])


# WHK-07, WHK-01
@pytest.mark.parametrize("scheme, secret, rc", [
    ("github", "x" * 24, 0), ("github", "x" * 23, 2), ("github", "x" * 1024, 0), ("github", "x" * 1025, 2), ("github", " \n", 2), ("github", "", 2),
    ("standard", "whsec_" + base64.b64encode(b"x" * 24).decode(), 0), ("standard", base64.b64encode(b"x" * 64).decode(), 0),
    ("standard", "whsec_" + base64.b64encode(b"x" * 23).decode(), 2), ("standard", base64.b64encode(b"x" * 65).decode(), 2),
    ("standard", "whsec_of no base64 at all, is it?", 2), ("standard", "whpk_" + base64.b64encode(b"x" * 31).decode(), 2),
], ids=lambda value: str(value)[:12])
def test_secret_has_24_bytes_or_more(store, scheme, secret, rc):
    result = store.run("webhook", "add", "a", "--scheme", scheme, input=secret)
    assert result.rc == rc, result
    assert (result.out == "") == (rc != 0) and (len(secret) < 24 or secret not in result.err)


def test_sender_of_its_own_kind(store):
    made = store.json("webhook", "add", "own", "--scheme", "hmac", "--signature-field", "X-Sign", "--time-field", "X-Time", "--prefix", "v1=",
                      "--encoding", "base64", "--window", "90s", input=SECRET)
    assert [made[name] for name in FIELDS[1:7]] == ["hmac", "90s", "X-Sign", "X-Time", "v1=", "base64"]
    made = store.json("webhook", "set", "own", "--time-field", "none", "--prefix", "none", "--encoding", "hex")
    assert [made[name] for name in FIELDS[1:7]] == ["hmac", "90s", "X-Sign", None, None, "hex"]
    made = store.json("webhook", "set", "own", "--signature-field", "X-Other", "--window", "1d")
    assert [made[name] for name in FIELDS[1:7]] == ["hmac", "1d", "X-Other", None, None, "hex"] and len(made["secrets"]) == 1
    row = store.json("changes")[-1]
    assert (row["old"]["window"], row["new"]["window"], "new_secret" in row["new"]) == (90, 86400, False)


@pytest.mark.parametrize("rc, says, words", [
    (2, '"git": want standard, github, stripe, slack or hmac', ["add", "a", "--scheme", "git"]),
    (2, "want 1 to 64 letters", ["add", "a/b", "--scheme", "github"]),
    (2, "--signature-field is missing", ["add", "a", "--scheme", "hmac"]),
    (2, "--prefix is of the scheme hmac", ["add", "a", "--scheme", "github", "--prefix", "x"]),
    (2, "--encoding is of the scheme hmac", ["set", "payments", "--encoding", "hex"]),
    (2, "github signs no time", ["add", "a", "--scheme", "github", "--window", "1m"]),
    (2, '"X Sign": want the name of a header field', ["add", "a", "--scheme", "hmac", "--signature-field", "X Sign"]),
    (2, '"b64": want hex or base64', ["add", "a", "--scheme", "hmac", "--signature-field", "X", "--encoding", "b64"]),
    (2, "want whole seconds from 1s to 24h", ["set", "payments", "--window", "25h"]),
    (2, "want whole seconds from 1s to 24h", ["set", "payments", "--window", "1500ms"]),
    (2, "nothing to set", ["set", "payments"]),
    (4, "there is a webhook", ["add", "payments", "--scheme", "github"]),
    (4, "that of a webhook already", ["rotate", "payments"]),
    (2, "want at most 365", ["rotate", "payments", "--overlap", "366d"]),
    (3, "(did you mean payments?)", ["show", "paymnets"]),
    (3, "there is no webhook", ["rotate", "other"]),
    (3, "there is no webhook", ["set", "other", "--window", "1m"]),
    (3, "there is no webhook", ["delete", "other", "--yes"]),
    (2, "delete webhook payments needs a confirmation", ["delete", "payments"]),
])
def test_mistakes(shop, rc, says, words):
    refused(shop, rc, says, "webhook", *words)


# ---- rotate


# WHK-07
def test_older_secrets_end(shop):
    made = shop.json("webhook", "rotate", "payments", "--generate")  # 24h
    assert [row["version"] for row in made["secrets"]] == [1, 2] and made["secrets"][0]["until"] > made["secrets"][1]["created_at"]
    assert made["secrets"][1]["until"] is None
    assert [row["version"] for row in shop.json("webhook", "rotate", "payments", "--generate", "--overlap", "0")["secrets"]] == [3]
    for _ in range(7):
        shop.ok("webhook", "rotate", "payments", "--generate", "--overlap", "1h")
    assert len(shop.json("webhook", "show", "payments")["secrets"]) == 8
    refused(shop, 4, "8 secrets that have not ended", "webhook", "rotate", "payments", "--generate", input=None)
    assert "new_secret" in shop.json("changes")[-1]["new"]


# CLI-11
def test_dry_runs_change_nothing(shop):
    before = shop.json("webhook", "list"), shop.json("changes")
    for words in (["set", "payments", "--window", "1m"], ["rotate", "payments", "--generate"], ["delete", "payments"]):
        made = shop.json("webhook", *words, "--dry-run")
        assert made["dry_run"] is True and "secret" not in made
    assert (shop.json("webhook", "list"), shop.json("changes")) == before


def test_deleted_webhook_may_come_again_with_its_secret(shop):
    assert shop.json("webhook", "delete", "payments", "--yes") == {"name": "payments", "deleted": True}
    assert shop.json("webhook", "list") == []
    shop.ok("webhook", "add", "payments", "--scheme", "github", input=SECRET)


# ---- the terminal


def on_terminal(store, *words):
    return Terminal([Store.program, "--store", store.path, "--state", store.state, *words])


def answer(screen, keys):
    while "secret (it is not shown): " not in screen.seen():
        assert screen.process.poll() is None, screen.seen()
    screen.type(keys)
    return screen.end()


# CLI-01
def test_terminal_does_not_show_the_secret(store):
    code, shown = answer(on_terminal(store, "webhook", "add", "a", "--scheme", "github"), "  %s \n" % SECRET)
    assert code == 0 and SECRET not in shown and "github" in shown
    refused(store, 4, "that of a webhook already", "webhook", "add", "b", "--scheme", "github")
    code, shown = answer(on_terminal(store, "webhook", "rotate", "a"), "\n")
    assert code == 2 and "nothing but white space" in shown


# CLI-01
def test_terminal_is_left_as_it_was(store):
    screen = on_terminal(store, "webhook", "add", "a", "--scheme", "github")
    with open(os.dup(screen.main), "rb", buffering=0) as kept:
        code, shown = answer(screen, SECRET + "\x03")
        flags, wanted = termios.tcgetattr(kept)[3], termios.ECHO | termios.ISIG | termios.ICANON
    assert code == 2 and flags & wanted == wanted and "cancelled" in shown and SECRET not in shown
    assert store.json("webhook", "list") == []


# ---- a secret of the store

# WHK-07, SEC-18
def test_a_secret_of_the_store_is_the_webhooks(store):
    store.json("secret", "set", "pay", "--max-age", "90d", input=SECRET)
    made = store.json("webhook", "add", "payments", "--scheme", "stripe", "--secret", "pay", input="")
    assert made["secret_of"] == "pay" and [row["version"] for row in made["secrets"]] == [1]
    assert store.json("changes")[-1]["new"] == {"name": "payments", "scheme": "stripe", "window": 300, "secret": "pay"}
    assert [row["name"] for row in store.json("secret", "list")] == ["pay"]
    store.json("secret", "rotate", "pay", input=SECRET + "-2")
    assert [row["version"] for row in store.json("webhook", "show", "payments")["secrets"]] == [1, 2]
    store.json("webhook", "set", "payments", "--window", "10m")
    assert store.json("webhook", "show", "payments")["secret_of"] == "pay"
    store.ok("webhook", "delete", "payments", "--yes")
    assert [row["name"] for row in store.json("secret", "list")] == ["pay"]
    store.ok("secret", "delete", "pay", "--yes")


# WHK-07
def test_a_secret_of_the_store_is_one_webhooks_alone(store):
    store.json("secret", "set", "pay", input=SECRET)
    store.json("secret", "set", "same", input=SECRET)
    store.json("secret", "set", "short", input="x")
    add = ["webhook", "add", "other", "--scheme", "stripe", "--secret"]
    refused(store, 3, "no secret", *add, "gone", input="")
    refused(store, 2, "bytes", *add, "short", input="")
    refused(store, 2, "--generate", *add, "pay", "--generate", input="")
    store.json("webhook", "add", "payments", "--scheme", "stripe", "--secret", "pay", input="")
    refused(store, 4, "payments", *add, "pay", input="")
    refused(store, 4, "a webhook already", *add, "same", input="")
    refused(store, 4, "a webhook already", "webhook", "add", "other", "--scheme", "stripe")
    refused(store, 2, "bytes", "secret", "rotate", "pay", input="%%%")
    refused(store, 4, "delete that first", "secret", "delete", "pay", "--yes", input="")
    refused(store, 4, "secret rotate", "webhook", "rotate", "payments", input=SECRET + "-3")
