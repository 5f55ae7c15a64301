"""Plans: made, changed, attached to keys and roles, deleted."""

import datetime
import json
import secrets
import sqlite3

import pytest

CALLS = "calls rate=100/s by=key"
DAILY = "daily rate=1000/d by=user"


@pytest.fixture
def shop(store):
    """Plan gold of two limits, role reader."""
    store.role_create("reader", "GET /a")
    store.json("plan", "create", "gold", "--limit", "calls rate=100/s by=key", "--limit", "daily rate=1000/d by=user")
    return store


def apart(first, second):
    first, second = [datetime.datetime.strptime(at, "%Y-%m-%dT%H:%M:%SZ") for at in (first, second)]
    return (second - first).total_seconds()


def texts(store, name="gold"):
    return [row["limit"] for row in store.json("plan", "show", name)["limits"]]


def refused(store, rc, says, *args):
    """The exit code, one line that holds the texts, and nothing done."""
    before = store.json("changes")
    result = store.run(*args)
    assert (result.rc, result.out) == (rc, "") and result.err.count("\n") == 1, result
    for text in [says] if isinstance(says, str) else says:
        assert text in result.err, result
    assert all(c == "\n" or c.isprintable() for c in result.err)  # CLI-08
    assert store.json("changes") == before


# ---- create


def test_create_shows_what_was_made(store):
    made = store.json("plan", "create", "gold", "--limit", "calls rate=100/s by=key", "--limit=daily rate=1000/d by=user",
                      "--description", "for paying customers")
    assert list(made) == ["name", "description", "created_at", "keys", "roles", "limits", "earlier"]
    assert (made["name"], made["description"], made["keys"], made["roles"]) == ("gold", "for paying customers", 0, [])
    assert made["limits"] == [{"name": "calls", "limit": CALLS}, {"name": "daily", "limit": DAILY}] and made["earlier"] == []
    assert store.json("plan", "show", "gold") == {**made, "overridden": 0, "overrides": []} and store.json("plan", "list") == [made]
    row = store.json("changes")[-1]
    assert (row["command"], row["subject"], row["old"]) == ("plan create", "gold", None)
    assert row["new"] == {"plan": "gold", "description": "for paying customers", "limits": [CALLS, DAILY]}


def test_show_lists_the_overrides_of_its_keys(shop):
    shop.ok("role", "create", "golden", "--grant", "GET /a", "--plan", "gold")
    shop.ok("plan", "create", "basic", "--limit", CALLS)
    assert "overrid" not in shop.ok("plan", "show", "gold")
    keys = [shop.key_create("k%d" % i, role="golden", override=["calls rate=%d/h by=key" % (i + 1), "daily rate=9/h by=key"][:1 + i % 2])
            for i in range(3)]
    shop.ok("plan", "set", "gold", "--limit", "-daily")  # an override without a limit to stand for holds beside the others
    shop.key_create("elsewhere", role="golden", plan="basic", override="calls rate=7/h by=key")
    shop.key_create("without", role="golden")
    found = shop.json("plan", "show", "gold")
    assert found["overridden"] == 4 and list(found["overrides"][0]) == ["name", "limit", "key", "key_name"]
    assert sorted((row["key_name"], row["name"], row["limit"]) for row in found["overrides"]) == [
        ("k0", "calls", "calls rate=1/h by=key"), ("k1", "calls", "calls rate=2/h by=key"), ("k1", "daily", "daily rate=9/h by=key"),
        ("k2", "calls", "calls rate=3/h by=key")]
    assert {row["key"] for row in found["overrides"]} == {key["id"] for key in keys}
    assert "overrides:\nNAME   LIMIT" in shop.ok("plan", "show", "gold")


def test_people_see_tables(shop):
    shop.ok("plan", "set", "gold", "--limit", "daily rate=2000/d by=user")
    out = shop.ok("plan", "show", "gold")
    assert "limits:\nNAME   LIMIT\ncalls  " + CALLS in out and "earlier:\nLIMIT" in out
    lines = [line.split() for line in shop.ok("plan", "list").splitlines()]
    assert lines == [["NAME", "LIMITS", "KEYS", "ROLES", "DESCRIPTION"], ["gold", "calls,", "daily", "0", "-", "-"]]


def test_limits_are_kept_in_one_form_and_in_their_order(store):
    made = store.json("plan", "create", "p", "--limit", "  z   by=route+key rate=60/m   burst=5 ", "--limit",
                      "a cost=POST,PUT:5 cost=bytes/64k by=org rate=10/m quota=9/month zone=Europe/Berlin mode=dry-run")
    assert [row["name"] for row in made["limits"]] == ["z", "a"]
    for row in made["limits"]:
        again = store.json("plan", "create", "q", "--limit", row["limit"])
        assert again["limits"] == [row]
        store.ok("plan", "delete", "q", "--yes")


@pytest.mark.parametrize("limit, says", [
    ("", "want a limit"), (" ", "want a limit"), ("none", "want limits"), ("calls", ["calls", "rate="]),
    ("calls rate=1/s", "by="), ("calls by=key", "rate="), ("calls rate=1/y by=key", "1/y"), ("calls rate=1/s by=me", "me"),
    ("calls rate=1/s by=ip", ["by=ip", "key, user, org or route", "ApiSecLimit"]), ("calls rate=1/s by=role", "by=role"),
    ("calls rate=1/s by=key+ip/24/48", "by=key+ip/24/48"), ("c\x1bd rate=1/s by=key", "name"), ("calls colour=blue by=key", "colour=blue"),
    ("-calls", "nothing to take from"), ("calls rate=0/s by=key", "0/s"), ("calls " + "rate=1/s " * 200 + "by=key", "1024"),
])
def test_limits_that_cannot_be_read_are_refused_whole(store, limit, says):  # CLI-07
    refused(store, 2, says, "plan", "create", "gold", "--limit", "good rate=1/s by=key", "--limit=" + limit)
    assert store.json("plan", "list") == []


def test_a_zone_that_is_not_there_is_named(store):
    refused(store, 3, "Europe/Atlantis", "plan", "create", "gold", "--limit", "q quota=1/day zone=Europe/Atlantis by=key")


@pytest.mark.parametrize("name", ["", "none", "a b", "-a", "a" * 65, "\u00fc", "a\x1b", ".."])
def test_names_have_a_form(store, name):  # CLI-07
    refused(store, 2, "letters", "plan", "create", "--limit", CALLS, "--", name)


def test_what_a_plan_cannot_be(shop):
    refused(shop, 4, ['"gold"', "plan set"], "plan", "create", "gold", "--limit", CALLS)
    refused(shop, 2, ["calls", "twice"], "plan", "create", "p", "--limit", CALLS, "--limit", "calls rate=2/s by=key")
    refused(shop, 2, ["--limit is missing", "usage"], "plan", "create", "p")
    refused(shop, 2, ["128 bytes"], "plan", "create", "p", "--limit", CALLS, "--description", "x" * 129)
    refused(shop, 2, ["description"], "plan", "create", "p", "--limit", CALLS, "--description", "a\u202eb")
    most = [word for i in range(17) for word in ("--limit", "l%d rate=1/s by=key" % i)]
    refused(shop, 2, ["17", "16"], "plan", "create", "p", *most)
    assert len(shop.json("plan", "create", "p", *most[2:])["limits"]) == 16
    refused(shop, 2, ["17", "16"], "plan", "set", "p", "--limit", "more rate=1/s by=key")


# ---- set


def test_set_replaces_adds_and_takes_away(shop):
    assert [row["limit"] for row in shop.json("plan", "set", "gold", "--limit", "calls rate=5/s by=key")["limits"]] == [
        "calls rate=5/s by=key", DAILY]  # its place stays
    shop.ok("plan", "set", "gold", "--limit", "+slots rate=3/h by=key", "--limit", "-daily")
    assert texts(shop) == ["calls rate=5/s by=key", "slots rate=3/h by=key"]
    row = shop.json("changes")[-1]
    assert row["command"] == "plan set" and row["old"]["limits"] == ["calls rate=5/s by=key", DAILY]
    assert row["new"]["limits"] == texts(shop)
    assert shop.json("plan", "set", "gold", "--description", "for all")["description"] == "for all"
    assert shop.json("plan", "set", "gold", "--description", "none")["description"] is None
    assert texts(shop) == ["calls rate=5/s by=key", "slots rate=3/h by=key"]


def test_an_edit_remembers_what_was_before(shop):
    """Three definitions at most, newest first; what holds again is none of them."""
    def earlier(limit):
        return [row["limit"] for row in shop.json("plan", "set", "gold", "--limit", limit)["earlier"]]

    hour = "more rate=%d/h by=key"
    assert earlier(hour % 1) == []
    assert earlier(hour % 2) == earlier(hour % 2) == [hour % 1]  # the same again is no edit
    assert earlier(hour % 3) == [hour % 2, hour % 1]
    assert earlier(hour % 4) == [hour % 3, hour % 2, hour % 1]
    assert earlier(hour % 5) == [hour % 4, hour % 3, hour % 2]
    assert earlier(hour % 3) == [hour % 5, hour % 4, hour % 3]
    row = shop.json("plan", "show", "gold")["earlier"][0]
    assert row["changed_at"] < row["until"]
    # A limit that is taken away and comes back goes on from where it was.
    assert earlier("-more") == []
    assert earlier(hour % 7) == [hour % 3, hour % 5, hour % 4]


def test_what_does_not_matter_any_more_is_forgotten(shop):
    """Of a bucket that is full again soon, once every process of httpd has surely heard."""
    shop.ok("plan", "set", "gold", "--limit", "calls rate=5/s by=key")
    (row,) = shop.json("plan", "show", "gold")["earlier"]
    assert row["limit"] == CALLS and apart(row["changed_at"], row["until"]) == 300
    shop.ok("plan", "set", "gold", "--limit", "daily quota=2/week by=user")
    shop.ok("plan", "set", "gold", "--limit", "daily rate=2/d by=user")
    assert [apart(row["changed_at"], row["until"]) / 86400 for row in shop.json("plan", "show", "gold")["earlier"][1:]] == [8, 1]
    with sqlite3.connect(shop.file("store.db")) as db:
        db.execute("UPDATE plan_earlier SET until = changed_at + 1 WHERE name = 'calls'")
    assert [row["limit"] for row in shop.json("plan", "show", "gold")["earlier"]] == ["daily quota=2/week zone=UTC by=user", DAILY]
    shop.ok("plan", "set", "gold", "--limit", "more rate=1/h by=key")
    with sqlite3.connect(shop.file("store.db")) as db:
        assert db.execute("SELECT count(*) FROM plan_earlier").fetchone() == (2,)


@pytest.mark.parametrize("words, rc, says", [
    ([], 2, "nothing to set"),
    (["--limit", "-none"], 3, ['"none"', "plan show"]),
    (["--limit", "-calls", "--limit", "-daily"], 4, ["no limit left"]),
    (["--limit", "-calls", "--limit", "calls rate=1/s by=key"], 2, ["calls", "twice"]),
    (["--limit", "-calls", "--limit", "-calls"], 2, ["calls", "twice"]),
    (["--limit", "calls rate=1/s by=key", "--limit", "calls rate=2/s by=key"], 2, ["calls", "twice"]),
    (["--limit", "none"], 2, "want limits"),
    (["--limit", "-"], 2, "want a limit"),
    (["--description", "x" * 129], 2, "128 bytes"),
])
def test_a_set_that_cannot_be_changes_nothing(shop, words, rc, says):
    refused(shop, rc, says, "plan", "set", "gold", *words)
    assert texts(shop) == [CALLS, DAILY]


@pytest.mark.parametrize("command", [["show", "golf"], ["set", "golf", "--description", "x"], ["delete", "golf", "--yes"]])
def test_a_plan_that_is_not_there_is_named(shop, command):
    refused(shop, 3, ['"golf"', "did you mean gold?"], "plan", *command)


def test_a_dry_run_changes_nothing(shop):  # CLI-11
    shop.json("plan", "create", "spare", "--limit", CALLS)
    before = shop.json("changes"), shop.json("plan", "list"), shop.json("status")["generation"]
    assert shop.json("plan", "delete", "spare", "--dry-run") == {"name": "spare", "dry_run": True}
    tried = shop.json("plan", "set", "gold", "--limit", "-daily", "--dry-run")
    assert tried["dry_run"] is True and [row["name"] for row in tried["limits"]] == ["calls"]
    assert before == (shop.json("changes"), shop.json("plan", "list"), shop.json("status")["generation"])


# ---- keys and roles


def test_a_plan_is_given_to_keys_and_roles(shop):
    assert shop.json("role", "set", "reader", "--plan", "gold", "--priority", "7")["plan"] == "gold"
    made = shop.key_create("bob", role="reader", plan="gold")
    assert made["plan"] == "gold" and shop.json("key", "show", "bob")["plan"] == "gold"
    shop.key_create("eve", role="reader")
    plan = shop.json("plan", "show", "gold")
    assert (plan["keys"], plan["roles"]) == (1, ["reader"])
    assert shop.json("key", "list", "--plan", "gold") == [shop.json("key", "show", "bob")]
    row = shop.json("changes")[1 + len(shop.json("changes")) - 4]
    assert row["subject"] == "reader" and row["new"] == {"role": "reader", "plan": "gold", "priority": 7}
    assert shop.json("key", "set", "bob", "--plan", "none")["plan"] is None
    changed = shop.json("role", "set", "reader", "--plan", "none")
    assert (changed["plan"], changed["priority"]) == (None, 7)
    assert shop.json("role", "set", "reader", "--priority", "0")["priority"] == 0
    assert shop.json("plan", "show", "gold")["keys"] == 0


def test_a_new_role_has_a_plan_at_once(shop):
    made = shop.json("role", "create", "writer", "--plan", "gold", "--priority", "3", "--grant", "POST /a")
    assert (made["plan"], made["priority"]) == ("gold", 3) and made == shop.json("role", "show", "writer")
    assert [row["plan"] for row in shop.json("role", "list")] == [None, "gold"]
    refused(shop, 3, '"golf"', "role", "create", "x", "--plan", "golf")


def test_a_role_keeps_its_age_when_its_plan_changes(shop):
    shop.ok("role", "set", "reader", "--max-age", "90d")
    both = shop.json("role", "set", "reader", "--plan", "gold", "--warn", "7d")
    assert (both["max_age"], both["warn"], both["plan"]) == ("90d", "7d", "gold")


@pytest.mark.parametrize("words, rc, says", [
    (["role", "set", "reader", "--plan", "golf"], 3, ['"golf"', "did you mean gold?"]),
    (["role", "set", "reader", "--plan", ""], 2, "--plan is empty"),
    (["role", "set", "reader", "--priority", "-1"], 2, ['"-1"', "0 to 1000000"]),
    (["role", "set", "reader", "--priority", "1000001"], 2, "0 to 1000000"),
    (["role", "set", "reader", "--priority", "high"], 2, ['"high"', "0 to 1000000"]),
    (["role", "set", "reader"], 2, ["nothing to set", "--plan"]),
    (["key", "create", "bob", "--role", "reader", "--plan", "golf"], 3, ['"golf"', "did you mean gold?"]),
    (["key", "create", "bob", "--role", "reader", "--plan", ""], 2, "--plan is empty"),
    (["key", "create", "bob", "--role", "reader", "--plan", "a b"], 2, '"a b"'),
    (["key", "list", "--plan", "golf"], 3, ['"golf"', "did you mean gold?"]),
])
def test_plans_that_cannot_be_given_are_named(shop, words, rc, says):
    refused(shop, rc, says, *words)


def test_a_plan_in_use_is_not_deleted(shop):
    shop.ok("role", "set", "reader", "--plan", "gold")
    refused(shop, 4, ['"reader"', "role set reader --plan"], "plan", "delete", "gold", "--yes")
    shop.ok("role", "set", "reader", "--plan", "none")
    made = shop.key_create("bob", role="reader", plan="gold")
    refused(shop, 4, [made["id"], "key set --plan"], "plan", "delete", "gold", "--yes")
    shop.ok("key", "revoke", "bob")
    refused(shop, 4, [made["id"], "revoked", "delete that key"], "plan", "delete", "gold", "--yes")
    shop.ok("key", "delete", "bob", "--yes")
    refused(shop, 2, "--yes", "plan", "delete", "gold")
    assert shop.json("plan", "delete", "gold", "--yes") == {"name": "gold", "deleted": True}
    assert shop.json("plan", "list") == []
    row = shop.json("changes")[-1]
    assert (row["command"], row["subject"], row["new"]) == ("plan delete", "gold", None) and row["old"]["limits"] == [CALLS, DAILY]
    # A plan of the same name is a new one.
    assert shop.json("plan", "create", "gold", "--limit", "calls rate=1/s by=key")["earlier"] == []


# ---- overrides


def overrides(store, *values, key="bob"):
    return store.json("key", "set", key, *[word for value in values for word in ("--override", value)])["overrides"]


def test_an_override_stands_for_a_limit_of_the_plan(shop):
    made = shop.key_create("bob", role="reader", plan="gold", override=["daily rate=5/d", "calls rate=1/s"])
    # What they go by is that of the plan's limits, and their order that of their names.
    assert made["overrides"] == ["calls rate=1/s by=key", "daily rate=5/d by=user"]
    assert shop.json("key", "show", "bob")["overrides"] == made["overrides"]
    assert overrides(shop, "daily rate=6/d by=key") == ["calls rate=1/s by=key", "daily rate=6/d by=key"]
    assert overrides(shop, "-calls") == ["daily rate=6/d by=key"]
    assert overrides(shop, "+calls rate=2/s") == ["calls rate=2/s by=key", "daily rate=6/d by=key"]
    assert overrides(shop, "none") == []
    changes = shop.json("changes")
    assert changes[-1]["old"]["overrides"][0] == "calls rate=2/s by=key" and "overrides" not in changes[-1]["new"]


def test_the_plan_of_a_role_is_the_one_that_is_overridden(shop):
    shop.json("plan", "create", "basic", "--limit", "base rate=1/s by=org")
    shop.json("role", "create", "b-role", "--plan", "basic", "--priority", "2")
    shop.json("role", "create", "a-role", "--plan", "gold", "--priority", "1")
    shop.key_create("bob", role=["a-role", "b-role"])
    assert overrides(shop, "base rate=2/s") == ["base rate=2/s by=org"]
    refused(shop, 3, ["basic", '"calls"', "it has base"], "key", "set", "bob", "--override", "calls rate=2/s")
    shop.ok("role", "set", "a-role", "--priority", "2")  # of equal ones the first by name
    assert overrides(shop, "calls rate=2/s") == ["base rate=2/s by=org", "calls rate=2/s by=key"]


def test_without_a_plan_an_override_is_a_limit_of_its_own(shop):
    shop.key_create("bob", role="reader")
    assert overrides(shop, "own rate=2/s") == ["own rate=2/s by=key"]


@pytest.mark.parametrize("words, rc, says", [
    (["--override", "cals rate=1/s"], 3, ['"cals"', "it has calls, daily"]),
    (["--override", "calls rate=1/s", "--override", "calls rate=2/s"], 2, ["calls", "twice"]),
    (["--override", "calls rate=1/s by=ip"], 2, "by=ip"),
    (["--override", "calls"], 2, ["calls", "rate="]),
    (["--override", ""], 2, "want a limit"),
    (["--override", "none", "--override", "calls rate=1/s"], 2, "want limits"),
    (["--override", "-daily"], 3, ['"daily"', "key show bob"]),
    ([word for i in range(9) for word in ("--override", "l%d rate=1/s" % i)], 2, ["9", "8"]),
])
def test_overrides_that_cannot_be_are_refused(shop, words, rc, says):
    shop.key_create("bob", role="reader", plan="gold")
    refused(shop, rc, says, "key", "set", "bob", *words)


# ---- import, completion


def test_an_import_gives_plans(shop, folder):
    rows = [("ann", "gold"), ("bob", ""), ("cid", "none")]
    path = folder.write("keys.csv", "name,key,roles,org,plan\n" + "".join(
        "%s,%s,reader,acme,%s\n" % (name, secrets.token_hex(32), plan) for name, plan in rows), 0o600)
    assert shop.json("key", "import", path)["imported"] == 3
    assert [(row["name"], row["org"], row["plan"]) for row in shop.json("key", "list")] == [
        ("ann", "acme", "gold"), ("bob", "acme", None), ("cid", "acme", None)]
    path = folder.write("more.jsonl", json.dumps({"name": "dan", "key": secrets.token_hex(32), "roles": ["reader"], "plan": "golf"})
                        + "\n", 0o600)
    result = shop.run("key", "import", path)
    assert result.rc == 3 and "line 1, plan: there is no plan \"golf\"" in result.err


@pytest.mark.parametrize("words, names", [
    (["plan", "show", ""], ["gold", "golf"]), (["plan", "set", "gold", ""], []), (["role", "set", "reader", "--plan", "go"], ["gold", "golf"]),
    (["key", "create", "x", "--plan", "gold"], ["gold"]), (["key", "list", "--plan=golf"], ["--plan=golf"]), (["plan", "create", ""], []),
])
def test_plans_are_offered_on_the_command_line(shop, words, names):
    shop.json("plan", "create", "golf", "--limit", CALLS)
    assert shop.run("complete", "--", "\n".join(["--store", shop.path] + words)).out.split("\n")[:-1] == names


def test_a_plan_takes_no_part_in_who_may_do_what(shop):
    shop.ok("role", "set", "reader", "--plan", "gold")
    assert shop.json("explain", "--role", "reader", "GET /a")["decision"] == "allow"
