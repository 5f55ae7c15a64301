"""How old the secrets of a role's keys should get, and which keys are due."""

import pytest

from harness import wait_for


@pytest.fixture
def reader(store):
    store.role_create("reader", "GET /a")
    return store


def due(store):
    return [row["name"] for row in store.json("key", "list", "--due")]


def test_a_role_asks_for_nothing_at_first(reader):
    role = reader.json("role", "show", "reader")
    assert role["max_age"] is None and role["warn"] is None
    key = reader.key_create("bob", role="reader")
    assert key["due_at"] is None and key["overdue"] is False
    assert due(reader) == []


@pytest.mark.parametrize("options, shown", [
    (["--max-age", "90d"], ("90d", None)), (["--warn", "14d"], (None, "14d")),
    (["--max-age", "2w", "--warn", "36h"], ("14d", "36h")), (["--max-age", "none"], (None, None)),
])
def test_what_is_set_is_shown_and_logged(reader, options, shown):  # CLI-03
    role = reader.json("role", "set", "reader", *options)
    assert (role["max_age"], role["warn"]) == shown
    assert reader.json("role", "show", "reader") == role == reader.json("role", "list")[0]
    change = reader.json("changes")[-1]
    assert change["command"] == "role set" and change["subject"] == "reader"
    assert change["new"] == {"role": "reader", "max_age": shown[0] or "none", "warn": shown[1] or "none"}
    assert change["old"] == {"role": "reader", "max_age": "none", "warn": "none"}


def test_what_is_not_named_stays_and_none_clears(reader):
    reader.ok("role", "set", "reader", "--max-age", "90d", "--warn", "14d")
    assert reader.json("role", "set", "reader", "--max-age", "30d")["warn"] == "14d"
    assert reader.json("role", "set", "reader", "--warn", "none")["max_age"] == "30d"
    role = reader.json("role", "set", "reader", "--max-age", "none")
    assert (role["max_age"], role["warn"]) == (None, None)


@pytest.mark.parametrize("options, says", [
    ([], "nothing to set"),
    (["--max-age", "30d", "--warn", "30d"], "30d is not shorter"),
    (["--max-age", "30d", "--warn", "90d"], "90d is not shorter than the age of 30d"),
    (["--max-age", "0"], '"0"'), (["--max-age", "x"], '"x"'), (["--warn", "5"], '"5"'),
    (["--max-age", "36526d"], "36525d"),
])
def test_bad_ages_are_refused(reader, options, says):
    before = reader.json("changes")
    result = reader.run("role", "set", "reader", *options)
    assert (result.rc, result.out) == (2, "") and says in result.err, result
    assert reader.json("changes") == before


def test_dry_run_of_an_age_changes_nothing(reader):  # CLI-11
    before = reader.json("role", "show", "reader"), reader.json("changes")
    shown = reader.json("role", "set", "reader", "--max-age", "90d", "--dry-run")
    assert shown["max_age"] == "90d" and shown["dry_run"] is True
    assert (reader.json("role", "show", "reader"), reader.json("changes")) == before


def test_a_role_that_is_not_there_is_named(reader):
    result = reader.run("role", "set", "none", "--max-age", "1d")
    assert (result.rc, result.out) == (3, "") and '"none"' in result.err


def test_keys_are_due_before_they_are_overdue(reader):
    reader.ok("role", "set", "reader", "--max-age", "1h")
    reader.key_create("bob", role="reader")
    assert due(reader) == [] and not reader.json("key", "show", "bob")["overdue"]
    assert reader.ok("key", "list", "--due").split() == ["ID", "NAME", "OWNER", "ROLES", "DUE_AT", "DUE"]
    reader.ok("role", "set", "reader", "--warn", "3599s")
    wait_for(lambda: due(reader) == ["bob"])
    row = reader.json("key", "list", "--due")[0]
    assert row["overdue"] is False and row["due_at"] > row["created_at"] and row["due_at"] < row["expires_at"]
    assert "in 59 minutes" in reader.ok("key", "list", "--due")
    reader.ok("role", "set", "reader", "--max-age", "1s", "--warn", "none")
    row = wait_for(lambda: (reader.json("key", "list", "--due") or [None])[0])
    assert row["overdue"] is True and "overdue" in reader.ok("key", "list", "--due")


def test_rotation_makes_a_secret_young(reader):
    reader.key_create("bob", role="reader")
    reader.ok("role", "set", "reader", "--max-age", "1s")
    wait_for(lambda: due(reader) == ["bob"])
    old = reader.json("key", "show", "bob")["due_at"]
    reader.ok("role", "set", "reader", "--max-age", "1h")
    new = reader.json("key", "rotate", "bob")["due_at"]
    assert new > old and due(reader) == []


def test_the_strictest_role_counts(reader):
    reader.role_create("strict")
    reader.ok("role", "set", "reader", "--max-age", "90d", "--warn", "10d")
    reader.ok("role", "set", "strict", "--max-age", "30d")
    both = reader.key_create("both", role=["reader", "strict"])
    one = reader.key_create("one", role="reader")
    assert both["due_at"] < one["due_at"]


def test_keys_that_soon_expire_are_due(reader):
    reader.key_create("soon", role="reader", expires="1h")
    reader.key_create("late", role="reader", expires="3d")
    assert due(reader) == []
    reader.ok("role", "set", "reader", "--warn", "2h")
    assert due(reader) == ["soon"]
    row = reader.json("key", "show", "soon")
    assert row["due_at"] == row["expires_at"] and row["overdue"] is False
    reader.ok("role", "set", "reader", "--max-age", "90d")
    assert due(reader) == ["soon"]


def test_only_live_keys_are_due(reader):
    reader.ok("role", "set", "reader", "--warn", "2h")
    reader.key_create("gone", role="reader", expires="1h")
    assert due(reader) == ["gone"]
    reader.ok("key", "revoke", "gone")
    assert due(reader) == []
    reader.key_create("brief", role="reader", expires="1s")
    wait_for(lambda: reader.json("key", "show", "brief")["status"] == "expired")
    assert due(reader) == [] and reader.json("key", "show", "brief")["due_at"] is None


def test_a_parent_asks_for_nothing(reader):
    """What a role inherits is what it may do."""
    reader.ok("role", "set", "reader", "--max-age", "90d")
    reader.role_create("child", inherit="reader")
    assert reader.key_create("bob", role="child")["due_at"] is None
