"""limit show: how far one caller is into every limit that counts him, from a file that anybody may have written."""

import os

import pytest

from harness import StateFile

HEAD = ["key", "name", "plan", "plan_of", "state", "counted", "running", "notes", "limits"]
ROW = ["limit", "of", "where", "concerns", "kind", "dry_run", "most", "used", "left", "next_at", "full_at", "period_end",
       "bonus", "resets", "shared", "unknown", "definition"]


@pytest.fixture
def shop(store):
    """a-1 and a-2 of ada, who is of acme, under plan gold by their role; b-1 of nobody, without a plan."""
    store.json("plan", "create", "gold", "--limit", "calls rate=100/h by=key", "--limit", "daily quota=1000/day by=user",
               "--limit", "open inflight=3 by=org", "--limit", "path rate=5/s by=key+route", "--limit", "all rate=9/s by=route")
    store.role_create("reader", "GET /a")
    store.json("role", "create", "golden", "--grant", "GET /a", "--plan", "gold")
    store.keys = {name: store.key_create(name, role=role, **more)["id"] for name, role, more in [
        ("a-1", "golden", {"owner": "ada", "org": "acme"}), ("a-2", "golden", {"owner": "ada", "org": "acme"}), ("b-1", "reader", {})]}
    os.chmod(os.path.dirname(store.state), 0o755)
    return store


def edition(shop, plan, name):
    """Of a limit, as the store numbers it."""
    import sqlite3
    with sqlite3.connect("file:%s?mode=ro" % shop.file("store.db"), uri=True) as db:
        return db.execute("SELECT edition FROM plan_limit WHERE plan = ? AND name = ?", (plan, name)).fetchone()[0]


def show(shop, key, *words):
    found = shop.json("limit", "show", key, *words)
    assert list(found) == HEAD and all(list(row) == ROW for row in found["limits"])
    for row in found["limits"]:
        if row["used"] is not None and row["used"] <= row["most"]:
            assert row["used"] + row["left"] == row["most"]
    return found


def rows(shop, key, *words):
    """name -> (most, used, left)"""
    return {row["limit"]: (row["most"], row["used"], row["left"]) for row in show(shop, key, *words)["limits"]}


def test_what_the_file_counts_is_told_of_the_plan(shop):  # LIM-09
    state = StateFile(shop.state, shop)
    state.bind("calls rate=100/h by=key", edition(shop, "gold", "calls")).charge(7, key=shop.keys["a-1"], owner="ada", org="acme")
    state.bind("daily quota=1000/day by=user", edition(shop, "gold", "daily")).charge(30, owner="ada", key=shop.keys["a-2"])
    state.write()
    found = show(shop, "a-1")
    assert (found["key"], found["name"], found["plan"], found["plan_of"]) == (shop.keys["a-1"], "a-1", "gold", "role golden")
    assert found["counted"] is True and found["running"] is False and found["state"] == shop.state
    by = {row["limit"]: row for row in found["limits"]}
    assert list(by) == ["calls", "daily", "open", "path", "all"]
    calls, daily = by["calls"], by["daily"]
    assert (calls["most"], calls["used"], calls["left"], calls["kind"], calls["of"], calls["where"]) == (100, 7, 93, "rate", "plan", ["gold"])
    assert calls["concerns"] == "key " + shop.keys["a-1"] and calls["next_at"] < calls["full_at"] and calls["period_end"] is None
    assert (daily["most"], daily["used"], daily["left"], daily["kind"]) == (1000, 30, 970, "quota")
    assert daily["full_at"] == daily["period_end"] and daily["period_end"].endswith("T00:00:00Z")
    assert daily["concerns"] == "all keys of user ada"
    assert (by["open"]["used"], by["open"]["left"], by["open"]["kind"], by["open"]["concerns"]) == (0, 3, "inflight", "all keys of org acme")
    # Nobody's guess: a route is no caller.
    assert [by[name]["unknown"] for name in ("path", "all")] == ["each route has a count of its own"] * 2
    assert (by["path"]["most"], by["path"]["used"]) == (None, None) and by["all"]["concerns"] == "all callers"
    # The other key of ada has the same quota, and calls of its own.
    other = rows(shop, "a-2")
    assert other["daily"] == (1000, 30, 970) and other["calls"] == (100, 0, 100)
    # By id as by name.
    assert rows(shop, shop.keys["a-1"])["calls"][1] == 7


def test_an_edit_keeps_what_was_consumed(shop):
    StateFile(shop.state, shop).bind("calls rate=100/h by=key", edition(shop, "gold", "calls")).charge(60, key=shop.keys["a-1"]).write()
    shop.ok("plan", "set", "gold", "--limit", "calls rate=200/h by=key")
    assert rows(shop, "a-1")["calls"] == (200, 60, 140)


def test_grants_and_resets_are_in_it(shop):  # LIM-09
    state = StateFile(shop.state, shop)
    state.bind("daily quota=1000/day by=user", edition(shop, "gold", "daily")).charge(900, owner="ada", key=shop.keys["a-1"])
    state.write()
    shop.ok("limit", "grant", "a-1", "+500", "--limit", "daily")
    (daily,) = [row for row in show(shop, "a-2")["limits"] if row["limit"] == "daily"]
    assert [daily[name] for name in ("most", "used", "left", "bonus", "resets")] == [1500, 900, 600, 500, 0]
    shop.ok("limit", "reset", "a-2", "--limit", "daily")
    (daily,) = [row for row in show(shop, "a-1")["limits"] if row["limit"] == "daily"]
    assert [daily[name] for name in ("most", "used", "left", "bonus", "resets")] == [1000, 0, 1000, 0, 1]
    state.bind("daily quota=1000/day by=user", edition(shop, "gold", "daily")).charge(4, owner="ada", key=shop.keys["a-1"], epoch=1).write()
    assert rows(shop, "a-1")["daily"] == (1000, 4, 996)


def test_limits_of_sections_are_told_where_they_go_by_a_caller(shop):
    state = StateFile(shop.state, shop)
    state.limit("role rate=50/h by=role", "api.test:80 /v1").charge(8, key=shop.keys["b-1"], role="reader")
    state.limit("twice rate=10/h quota=20/day by=key mode=dry-run", "api.test:80 /v1").charge(2, key=shop.keys["b-1"])
    state.limit("twice rate=10/h quota=20/day by=key mode=dry-run", "api.test:80 /v2")
    state.limit("both rate=10/h by=key+ip", "api.test:80 /v1").limit("host rate=10/h by=ip", "api.test:80 /v1")
    state.limit("planned rate=10/h by=key", "gold", plan=True)
    state.write()
    found = show(shop, "b-1")
    by = {row["limit"]: row for row in found["limits"]}
    assert set(by) == {"role", "twice-h", "twice-day", "both"}  # a plan's limit is no section's
    assert (by["role"]["used"], by["role"]["concerns"], by["role"]["of"]) == (8, "all keys of role reader", "section")
    assert (by["twice-h"]["used"], by["twice-day"]["used"], by["twice-h"]["dry_run"], by["role"]["dry_run"]) == (2, 2, True, False)
    assert sorted(by["twice-h"]["where"]) == ["api.test:80 /v1", "api.test:80 /v2"]
    assert by["both"]["unknown"] == "each address has a count of its own" and by["both"]["used"] is None
    assert any("host (api.test:80 /v1)" in note for note in found["notes"])
    assert any("--plan NAME" in note for note in found["notes"])
    assert "calls" in rows(shop, "b-1", "--plan", "gold")
    # What the configuration no longer has is not told, and of another store's callers neither.
    state.restart().limit("new rate=1/h by=key", "/")
    state.tag = "abc"
    state.limit("other rate=1/h by=key", "/").write()
    assert set(rows(shop, "b-1")) == {"new"}


def test_an_override_and_a_limit_of_the_key_alone(shop):
    shop.ok("key", "set", "a-1", "--override", "calls rate=7/h by=key", "--limit", "40/m")
    StateFile(shop.state, shop).bind("calls rate=7/h by=key").charge(3, key=shop.keys["a-1"]).write()
    found = show(shop, "a-1")["limits"]
    assert [(row["limit"], row["of"], row["most"], row["used"], row["definition"]) for row in found[:2]] == [
        ("key", "key", 40, 0, "40/m"), ("calls", "override", 7, 3, "calls rate=7/h by=key")]


def test_without_a_state_file_nothing_was_counted_yet(shop):
    found = show(shop, "a-1")
    assert found["counted"] is False and found["running"] is False
    assert [(row["most"], row["used"], row["left"]) for row in found["limits"][:3]] == [(100, None, None), (1000, None, None), (3, None, None)]
    (note,) = [note for note in found["notes"] if "not counted yet" in note]
    assert shop.state in note and "--state" in note


def test_after_a_reboot_quotas_go_on_and_the_rest_begins_anew(shop):  # LIM-09
    state = StateFile(shop.state, shop)
    state.bind("calls rate=100/h by=key", edition(shop, "gold", "calls")).charge(7, key=shop.keys["a-1"])
    state.bind("daily quota=1000/day by=user", edition(shop, "gold", "daily")).charge(30, owner="ada", key=shop.keys["a-1"])
    state.reboot().write()
    found = show(shop, "a-1")
    by = {row["limit"]: row["used"] for row in found["limits"]}
    assert by["calls"] == 0 and by["daily"] >= 30 and any("started anew" in note for note in found["notes"])


@pytest.mark.parametrize("kind, says", [("empty", "not a state file"), ("random", "not a state file"), ("version", "another version"),
                                        ("short", "damaged"), ("link", "symbolic link"), ("folder", "not a regular file")])
def test_a_file_that_cannot_be_read_is_a_failure_with_a_way_out(shop, kind, says):  # CLI-05, CLI-06
    StateFile(shop.state, shop).limit("calls rate=1/h by=key").write()
    if kind == "short":
        os.truncate(shop.state, os.path.getsize(shop.state) - 4096)
    else:
        os.rename(shop.state, shop.state + ".real")
    if kind == "link":
        os.symlink(shop.state + ".real", shop.state)
    elif kind == "folder":
        os.mkdir(shop.state)
    elif kind != "short":
        with open(shop.state, "wb") as out:
            out.write({"empty": b"", "random": os.urandom(1 << 20), "version": b"apisec-s" + os.urandom(1 << 20)}[kind])
    result = shop.run("limit", "show", "a-1")
    assert (result.rc, result.out) == (1, "") and says in result.err and "--state" in result.err and result.err.count("\n") == 1


def test_noise_in_the_file_is_not_believed(shop):
    """Whatever is in cells, rows and leases: figures stay within the limit, and nothing crashes."""
    state = StateFile(shop.state, shop)
    state.limit("role rate=50/h by=role", "/").bind("calls rate=100/h by=key", edition(shop, "gold", "calls"))
    state.charge(7, key=shop.keys["a-1"]).write()
    size = os.path.getsize(shop.state)
    for _ in range(3):
        with open(shop.state, "r+b") as file:
            file.seek(4096)
            file.write(os.urandom(size - 4096))
        for most, used, left in rows(shop, "a-1").values():
            assert used is None or (0 <= left <= most and used >= 0)


def test_words_that_are_none(shop):
    for words, rc, says in [(["a-9"], 3, '"a-9"'), (["a-1", "--plan", "golf"], 3, "did you mean gold?"), ([], 2, "a word is missing")]:
        result = shop.run("limit", "show", *words)
        assert (result.rc, result.out) == (rc, "") and says in result.err, result


def test_people_see_a_table(shop):
    StateFile(shop.state, shop).bind("calls rate=100/h by=key", edition(shop, "gold", "calls")).charge(7, key=shop.keys["a-1"]).write()
    out = shop.ok("limit", "show", "a-1")
    assert "LIMIT  OF    WHERE  KIND      MOST  USED  LEFT  FULL_AT" in out and "calls  plan  gold   rate      100   7     93 " in out
