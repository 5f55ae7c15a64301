"""plan set --preview: whom a change would refuse at once, and nothing is written."""

import hashlib
import os
import sqlite3

import pytest

from harness import StateFile

HEAD = ["plan", "preview", "counted", "keys", "keys_over", "keys_over_now", "notes", "changes", "over", "next"]
ROW = ["key", "name", "limit", "most", "used", "next_at", "most_before", "used_before"]
CALLS, DAILY = "calls rate=100/h by=key", "daily quota=1000/day by=user"


@pytest.fixture
def shop(store):
    """Four keys under gold: by themselves, by a role, with an override; and one that is not."""
    store.json("plan", "create", "gold", "--limit", CALLS, "--limit", DAILY, "--limit", "path rate=5/s by=key+route")
    store.role_create("reader", "GET /a")
    store.json("role", "create", "golden", "--grant", "GET /a", "--plan", "gold")
    store.keys = {name: store.key_create(name, role=role, **more)["id"] for name, role, more in [
        ("own", "reader", {"plan": "gold", "owner": "ada"}), ("role", "golden", {"owner": "ada"}), ("idle", "golden", {}),
        ("mine", "golden", {"override": "calls rate=7/h by=key"}), ("other", "reader", {})]}
    os.chmod(os.path.dirname(store.state), 0o755)
    return store


def charge(shop, text, name, units, **who):
    with sqlite3.connect("file:%s?mode=ro" % shop.file("store.db"), uri=True) as db:
        edition = db.execute("SELECT edition FROM plan_limit WHERE name = ?", (text.split()[0],)).fetchone()[0]
    StateFile(shop.state, shop).bind(text, edition).charge(units, key=shop.keys[name], **who).write()


def everything(shop):
    found = {}
    for name in sorted(os.listdir(shop.path)):
        if os.path.isfile(shop.file(name)) and not name.endswith(("-shm", "-wal")):
            with open(shop.file(name), "rb") as file:
                found[name] = hashlib.sha256(file.read()).hexdigest()
    return found, shop.json("changes"), shop.json("plan", "show", "gold")


def preview(shop, *words):
    """Asserts that nothing was written."""
    before = everything(shop)
    found = shop.json("plan", "set", "gold", "--preview", *words)
    assert everything(shop) == before
    assert list(found) == HEAD and found["preview"] is True and all(list(row) == ROW for row in found["over"])
    return found


def over(found):
    return sorted((row["name"], row["limit"], row["most"], row["used"], row["most_before"], row["used_before"]) for row in found["over"])


def test_who_has_nothing_left_is_named(shop):  # CLI-11
    charge(shop, CALLS, "own", 60)
    charge(shop, CALLS, "role", 10)
    charge(shop, CALLS, "mine", 80)
    found = preview(shop, "--limit", "calls rate=50/h by=key")
    assert over(found) == [("own", "calls", 50, 50, 100, 60)]
    assert (found["counted"], found["keys"], found["keys_over"], found["keys_over_now"], found["next"]) == (True, 4, 1, 0, None)
    assert found["changes"] == [{"name": "calls", "limit": "calls rate=50/h by=key", "before": CALLS}]
    assert found["over"][0]["key"] == shop.keys["own"] and found["over"][0]["next_at"]
    # It is so: the change that is made afterwards leaves that key nothing.
    shop.ok("plan", "set", "gold", "--limit", "calls rate=50/h by=key")
    left = {row["limit"]: row["left"] for row in shop.json("limit", "show", "own")["limits"]}
    assert left["calls"] == 0
    # More for all: nobody is over any more, who is over now least of all.
    assert over(preview(shop, "--limit", "calls rate=200/h by=key")) == []


def test_a_quota_of_a_user_concerns_each_key_of_his(shop):  # LIM-09
    charge(shop, DAILY, "own", 700, owner="ada")
    found = preview(shop, "--limit", "daily quota=500/day by=user")
    assert over(found) == [("own", "daily", 500, 500, 1000, 700), ("role", "daily", 500, 500, 1000, 700)]
    shop.ok("limit", "grant", "own", "+300", "--limit", "daily")
    assert over(preview(shop, "--limit", "daily quota=500/day by=user")) == []
    assert over(preview(shop, "--limit", "daily quota=400/day by=user")) == [
        ("own", "daily", 700, 700, 1300, 700), ("role", "daily", 700, 700, 1300, 700)]


def test_who_is_refused_already_is_told(shop):
    charge(shop, CALLS, "own", 100)
    found = preview(shop, "--limit", "calls rate=90/h by=key")
    assert over(found) == [("own", "calls", 90, 90, 100, 100)] and (found["keys_over"], found["keys_over_now"]) == (1, 1)


def test_limits_that_come_and_go(shop):
    charge(shop, CALLS, "own", 100)
    found = preview(shop, "--limit", "-calls", "--limit", "new rate=1/h by=key", "--limit", "path rate=4/s by=key+route")
    assert {row["name"]: (row["limit"], row["before"]) for row in found["changes"]} == {
        "calls": (None, CALLS), "new": ("new rate=1/h by=key", None), "path": ("path rate=4/s by=key+route", "path rate=5/s by=key+route")}
    assert found["over"] == [] and any(note.endswith(": path") for note in found["notes"])


def test_pages(shop):
    charge(shop, DAILY, "own", 700, owner="ada")
    words, names, pages = ["--limit", "daily quota=500/day by=user", "--max", "1"], [], 0
    found = preview(shop, *words)
    while True:
        pages += 1
        assert found["keys"] == 1
        names += [row["name"] for row in found["over"]]
        if found["next"] is None:
            break
        found = preview(shop, *words, "--after", found["next"])
    assert pages == 4 and sorted(names) == ["own", "role"]
    out = shop.ok("plan", "set", "gold", "--preview", *words)
    assert "more keys follow: --after " in out


def test_without_a_state_file_nobody_is_over_yet(shop):
    found = preview(shop, "--limit", "calls rate=1/h by=key")
    assert (found["counted"], found["keys"], found["over"]) == (False, 4, [])
    assert any("not counted yet" in note and shop.state in note for note in found["notes"])
    with open(shop.state, "w") as file:
        file.write("something")
    result = shop.run("plan", "set", "gold", "--preview", "--limit", "calls rate=1/h by=key")
    assert (result.rc, result.out) == (1, "") and "not a state file" in result.err and "--state" in result.err


@pytest.mark.parametrize("words, rc, says", [
    (["gold", "--preview", "--limit", "calls rate=x by=key"], 2, "x"), (["gold", "--preview"], 2, "nothing to set"),
    (["golf", "--preview", "--limit", CALLS], 3, "did you mean gold?"), (["gold", "--limit", CALLS, "--max", "1"], 2, "--max is for --preview"),
    (["gold", "--limit", CALLS, "--after", "x"], 2, "--after is for --preview"), (["gold", "--preview", "--limit", CALLS, "--max", "0"], 2, '"0"'),
])
def test_words_that_are_none(shop, words, rc, says):
    before = everything(shop)
    result = shop.run("plan", "set", *words)
    assert (result.rc, result.out) == (rc, "") and says in result.err, result
    assert everything(shop) == before


def test_people_see_tables(shop):
    charge(shop, CALLS, "own", 60)
    out = shop.ok("plan", "set", "gold", "--preview", "--limit", "calls rate=50/h by=key")
    assert "changes:\nNAME   LIMIT                   BEFORE" in out and "over:\nKEY" in out and "own" in out
