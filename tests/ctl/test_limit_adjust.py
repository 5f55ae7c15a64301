"""limit grant, limit reset: what single callers get beyond a plan."""

import datetime

import pytest


@pytest.fixture
def shop(store):
    """Keys a-1 and a-2 of ada, who is of acme, b-1 of nobody; all under plan gold by their role."""
    store.json("plan", "create", "gold", "--limit", "calls rate=100/s by=key", "--limit", "daily quota=1000/day by=user",
               "--limit", "wide quota=9/week quota=30/month by=org+route", "--limit", "all rate=5/s by=route")
    store.json("role", "create", "reader", "--grant", "GET /a", "--plan", "gold")
    for name, owner in (("a-1", "ada"), ("a-2", "ada"), ("b-1", None)):
        store.key_create(name, role="reader", **({"owner": owner, "org": "acme"} if owner else {}))
    return store


def limits(store, *args, rc=0):
    return store.json("limit", *args, rc=rc)["limits"]


def refused(store, rc, says, *args):
    before = store.json("changes")
    result = store.run(*args)
    assert (result.rc, result.out) == (rc, "") and result.err.count("\n") == 1, result
    for text in [says] if isinstance(says, str) else says:
        assert text in result.err, result
    assert store.json("changes") == before


def next_days(count=1):
    """The first instants, in UTC, of the days to come."""
    today = datetime.datetime.now(datetime.timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)
    return [(today + datetime.timedelta(days=day)).strftime("%Y-%m-%dT%H:%M:%SZ") for day in range(count)]


def test_grant_raises_the_running_period(shop):  # LIM-09
    days = next_days(3)
    answer = shop.json("limit", "grant", "a-1", "+1000", "--limit", "daily")
    assert list(answer) == ["key", "name", "limits"] and answer["name"] == "a-1"
    (row,) = answer["limits"]
    assert list(row) == ["limit", "by", "concerns", "bonus", "until", "resets"]
    assert (row["limit"], row["by"], row["concerns"], row["bonus"], row["resets"]) == ("daily", "user", "all keys of user ada", 1000, 0)
    assert row["until"] in days[1:]  # also where the day changes meanwhile
    # More of the same caller, whichever key is named; another caller has his own.
    assert limits(shop, "grant", "a-2", "+5", "--limit", "daily")[0]["bonus"] == 1005
    (row,) = limits(shop, "grant", "b-1", "+7", "--limit", "daily")
    assert row["bonus"] == 7 and row["concerns"].startswith("key ") and row["concerns"].endswith(" (b-1)")
    change = shop.json("changes")[-2]
    assert change["command"] == "limit grant" and change["old"]["bonus"] == 1000
    assert (change["new"]["limit"], change["new"]["who"], change["new"]["bonus"]) == ("daily", "user ada", 1005)


def test_a_quota_among_several_is_named(shop):
    refused(shop, 2, ["which quota?", "daily, wide-week, wide-month"], "limit", "grant", "a-1", "+1")
    refused(shop, 2, "wide-week, wide-month", "limit", "grant", "a-1", "+1", "--limit", "wide")
    (row,) = limits(shop, "grant", "a-1", "+1", "--limit", "wide-month")
    assert (row["limit"], row["by"], row["concerns"]) == ("wide-month", "org+route", "all keys of org acme")
    assert row["until"].endswith("-01T00:00:00Z")
    shop.ok("plan", "set", "gold", "--limit", "-wide")
    assert limits(shop, "grant", "a-1", "+1")[0]["limit"] == "daily"


def test_reset_begins_anew(shop):
    shop.ok("limit", "grant", "a-1", "+3", "--limit", "daily")
    shop.ok("limit", "grant", "a-1", "+3", "--limit", "wide-week")
    rows = limits(shop, "reset", "a-1")
    assert [(row["limit"], row["concerns"].split(" (")[0].split(" ")[0], row["resets"], row["bonus"]) for row in rows] == [
        ("calls", "key", 1, 0), ("daily", "all", 1, 0), ("wide", "all", 1, 0)]  # none of all callers' together
    assert [row["limit"] for row in limits(shop, "reset", "a-2", "--limit", "daily")] == ["daily"]
    assert limits(shop, "reset", "a-1", "--limit", "daily")[0]["resets"] == 3
    # What was granted before is gone with what was consumed, and can be granted again.
    (row,) = limits(shop, "grant", "a-1", "+2", "--limit", "wide-week")
    assert row["bonus"] == 2
    (row,) = limits(shop, "grant", "a-1", "+2", "--limit", "daily")
    assert (row["bonus"], row["resets"]) == (2, 3)


def test_people_see_whom_it_concerns(shop):
    out = shop.ok("limit", "reset", "a-1", "--limit", "daily")
    assert "limits:\nLIMIT  BY    CONCERNS" in out and "all keys of user ada" in out


def test_an_override_is_adjusted_in_place_of_the_plans_limit(shop):
    shop.ok("key", "set", "a-1", "--override", "daily quota=5/day by=key")
    assert limits(shop, "reset", "a-1", "--limit", "daily")[0]["by"] == "key"
    assert limits(shop, "reset", "a-2", "--limit", "daily")[0]["by"] == "user"


def test_the_plan_of_a_section_can_be_named(shop):
    shop.ok("role", "set", "reader", "--plan", "none")
    refused(shop, 3, ["a-1", "no plan and no override", "--plan NAME"], "limit", "reset", "a-1")
    refused(shop, 3, ['"golf"', "did you mean gold?"], "limit", "reset", "a-1", "--plan", "golf")
    assert len(limits(shop, "reset", "a-1", "--plan", "gold")) == 3
    shop.ok("key", "set", "b-1", "--override", "own quota=5/day")
    assert limits(shop, "grant", "b-1", "+5")[0]["limit"] == "own"


@pytest.mark.parametrize("words, rc, says", [
    (["grant", "a-1", "1000"], 2, ['"1000"', "+1000"]), (["grant", "a-1", "+0"], 2, '"+0"'),
    (["grant", "a-1", "+x"], 2, '"+x"'), (["grant", "a-1", "+1000000001"], 2, "+1000000000"), (["grant", "a-1", "+"], 2, '"+"'),
    (["grant", "a-1"], 2, "a word is missing"),
    (["grant", "none", "+1"], 3, '"none"'), (["reset", "none"], 3, '"none"'),
    (["grant", "a-1", "+1", "--limit", "calls"], 3, ["no quota", '"calls"']),
    (["grant", "a-1", "+1", "--limit", "other"], 3, '"other"'),
    (["reset", "a-1", "--limit", "other"], 3, ['"other"', "calls, daily, wide"]),
    (["reset", "a-1", "--limit", "all"], 3, ['"all"', "calls, daily, wide"]),
    (["reset", "a-1", "--limit", "wide-week"], 3, '"wide-week"'),
])
def test_what_cannot_be_adjusted_is_named(shop, words, rc, says):
    refused(shop, rc, says, "limit", *words)


def test_a_bonus_has_a_bound(shop):
    shop.ok("limit", "grant", "a-1", "+1000000000", "--limit", "daily")
    refused(shop, 2, "1000000001", "limit", "grant", "a-1", "+1", "--limit", "daily")


def test_a_dry_run_changes_nothing(shop):  # CLI-11
    before = shop.json("changes"), shop.json("status")["generation"]
    assert shop.json("limit", "reset", "a-1", "--dry-run")["dry_run"] is True
    assert shop.json("limit", "grant", "a-1", "+1", "--limit", "daily", "--dry-run")["limits"][0]["bonus"] == 1
    assert before == (shop.json("changes"), shop.json("status")["generation"])
