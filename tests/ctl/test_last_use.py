"""Last uses without a server: what is shown where nothing is known, and how the questions are refused."""

import os

import pytest

USES = ["last_used_at", "last_route", "last_address", "old_last_used_at", "old_last_route", "old_last_address"]


@pytest.fixture
def reader(store):
    store.role_create("reader", "GET /a")
    store.key_create("bob", role="reader")
    return store


def damage(store, kind):
    if kind == "none":
        return
    content = {"empty": b"", "zeros": b"\0" * 70000, "random": os.urandom(2 << 20),
               "head": b"apisec-s" + os.urandom(1 << 20)}[kind]
    with open(store.state, "wb") as out:
        out.write(content)
    os.chmod(store.state, 0o600)


KINDS = ["none", "empty", "zeros", "random", "head"]


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_state_file_uses_are_null(reader, kind):  # CLI-06
    damage(reader, kind)
    reader.ok("key", "rotate", "bob", "--until-used", "1h")
    for row in (reader.json("key", "show", "bob"), reader.json("key", "list")[0]):
        assert all(row[name] is None for name in USES)
        assert row["old_valid_until"] == row["expires_at"] and row["old_ends_after_first_use"] == "1h"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("option", [["--unused", "90d"], ["--rotating"]])
def test_what_needs_a_state_file_says_so(reader, kind, option):  # CLI-06
    damage(reader, kind)
    result = reader.run("key", "list", *option)
    assert result.rc != 0 and result.out == ""
    assert option[0] + " needs what httpd has noted" in result.err and reader.state in result.err
    assert "--state" in result.err and "$APISEC_STATE" in result.err and "ApiSecState" in result.err


@pytest.mark.parametrize("text", ["0", "90", "x", "-1d", "90 d", ""])
def test_a_time_of_no_use_is_a_duration(reader, text):
    result = reader.run("key", "list", "--unused=" + text)
    assert (result.rc, result.out) == (2, "") and '"%s"' % text in result.err


# ---- rotate --until-used


@pytest.mark.parametrize("grace, shown", [("1s", "1s"), ("90m", "90m"), ("24h", "1d"), ("2w", "14d")])
def test_old_secret_may_wait_for_the_first_use(reader, grace, shown):  # KEY-12
    turned = reader.json("key", "rotate", "bob", "--until-used", grace)
    assert (turned["old_ends_after_first_use"], turned["kv"]) == (shown, 2)
    assert turned["old_valid_until"] == turned["expires_at"]
    change = reader.json("changes")[-1]
    assert change["new"]["old_ends_after_first_use"] == shown


def test_overlap_bounds_the_wait(reader):  # KEY-12
    whole = reader.json("key", "rotate", "bob", "--until-used", "1h")
    short = reader.json("key", "rotate", "bob", "--until-used", "1h", "--overlap", "2d")
    assert short["old_valid_until"] < whole["old_valid_until"] and short["old_ends_after_first_use"] == "1h"
    plain = reader.json("key", "rotate", "bob")
    assert plain["old_ends_after_first_use"] is None
    none = reader.json("key", "rotate", "bob", "--until-used", "1h", "--overlap", "0")
    assert none["old_valid_until"] is None and none["old_ends_after_first_use"] is None


@pytest.mark.parametrize("grace", ["0", "999ms", "x", "-1h", "none"])
def test_a_wait_is_a_second_at_least(reader, grace):
    result = reader.run("key", "rotate", "bob", "--until-used=" + grace)
    assert (result.rc, result.out) == (2, "") and result.err.startswith("apisecctl: ")
    assert reader.json("key", "show", "bob")["kv"] == 1


def test_dry_run_of_a_wait_changes_nothing(reader):  # CLI-11
    before = reader.json("key", "show", "bob")
    shown = reader.json("key", "rotate", "bob", "--until-used", "1h", "--dry-run")
    assert shown["old_ends_after_first_use"] == "1h" and "key" not in shown
    assert reader.json("key", "show", "bob") == before


def test_explain_tells_of_the_old_secret(reader):
    key = reader.json("key", "rotate", "bob", "--until-used", "1h")
    told = reader.json("explain", "--key-id", key["id"], "GET /a")
    assert told["decision"] == "allow" and told["old_ends_after_first_use"] == "1h"
    assert told["old_valid_until"] == key["old_valid_until"]
    assert "old_valid_until" not in reader.json("explain", "--role", "reader", "GET /a")
