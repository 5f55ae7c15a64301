"""Peppers: a new version, which keys hang on an old one, and its end."""

import os
import sqlite3

import pytest


@pytest.fixture
def shop(store):
    store.role_create("r", "GET /a")
    store.key_create("ada", role="r")
    store.key_create("bob", role="r")
    return store


def rows(store):
    return {row["version"]: (row["newest"], row["keys"], row["older"]) for row in store.json("pepper", "list")}


def names(store, version):
    return [row["name"] for row in store.json("key", "list", "--pepper", str(version))]


# SEC-13
def test_a_key_comes_under_the_newest_when_it_is_rotated(shop):
    assert rows(shop) == {1: (True, 2, 0)}
    assert shop.json("pepper", "rotate") == {"version": 2, "newest": True}
    shop.key_create("eve", role="r")
    assert rows(shop) == {1: (False, 2, 0), 2: (True, 1, 0)}
    assert names(shop, 1) == ["ada", "bob"] and names(shop, 2) == ["eve"]
    shop.ok("key", "rotate", "ada", "--overlap", "1h")
    assert rows(shop) == {1: (False, 1, 1), 2: (True, 2, 0)}
    assert names(shop, 1) == ["ada", "bob"], "the old text of one still works"
    shop.ok("key", "rotate", "bob", "--overlap", "0")
    assert rows(shop)[1] == (False, 0, 1)


# SEC-13, CLI-11
def test_it_retires_when_no_key_hangs_on_it(shop):
    shop.json("pepper", "rotate")
    held = shop.run("pepper", "retire", "1", "--yes")
    assert held.rc == 4 and "2 keys hang on pepper 1" in held.err and "key list --pepper 1" in held.err
    shop.ok("key", "rotate", "ada", "--overlap", "1h")
    shop.ok("key", "revoke", "bob")
    held = shop.run("pepper", "retire", "1", "--yes")
    assert held.rc == 4 and "1 keys" in held.err and "1 texts" in held.err
    shop.ok("key", "delete", "bob", "--yes")
    shop.ok("key", "rotate", "ada", "--overlap", "0")
    asks = shop.run("pepper", "retire", "1")
    assert asks.rc == 2 and "--yes" in asks.err
    assert shop.json("pepper", "retire", "1", "--dry-run")["dry_run"] and 1 in rows(shop)
    assert shop.json("pepper", "retire", "1", "--yes") == {"version": 1, "retired": True}
    assert rows(shop) == {2: (True, 1, 0)}
    assert [(row["command"], row["new"]) for row in shop.json("changes")][-1] == ("pepper retire", {"retired": 1})


# SEC-13
def test_an_old_text_that_has_ended_holds_nothing(shop):
    """Its pepper may go; who shows it yet is refused as anybody is."""
    shop.json("pepper", "rotate")
    for name in ("ada", "bob"):
        shop.ok("key", "rotate", name, "--overlap", "1h")
    with sqlite3.connect(shop.file("store.db")) as db:
        assert db.execute("SELECT count(*) FROM wrapped WHERE purpose = 'pepper'").fetchone() == (2,)
    for name in ("ada", "bob"):
        shop.ok("key", "rotate", name, "--overlap", "1h")
    assert rows(shop)[1] == (False, 0, 0)
    shop.json("pepper", "retire", "1", "--yes")
    assert shop.json("explain", "--role", "r", "GET /a")["decision"] == "allow"


# SEC-13
def test_the_newest_stays(shop):
    refused = shop.run("pepper", "retire", "1", "--yes")
    assert refused.rc == 4 and "pepper rotate" in refused.err
    assert shop.run("pepper", "retire", "7", "--yes").rc == 3
    for bad in ("0", "x", "1x", "99999999999"):
        assert shop.run("pepper", "retire", bad, "--yes").rc == 2
        assert shop.run("key", "list", "--pepper", bad).rc == 2


def test_there_are_no_more_than_a_server_holds(shop):
    with sqlite3.connect(shop.file("store.db")) as db:
        for version in range(2, 65):
            db.execute("INSERT INTO wrapped SELECT purpose, ?, master, blob, created_at FROM wrapped"
                       " WHERE purpose = 'pepper' AND version = 1", (version,))
    full = shop.run("pepper", "rotate")
    assert full.rc == 4 and "pepper retire 1" in full.err


# CLI-11
def test_a_dry_run_changes_nothing(shop):
    assert shop.json("pepper", "rotate", "--dry-run") == {"version": 2, "dry_run": True}
    assert rows(shop) == {1: (True, 2, 0)} and sorted(os.listdir(shop.path)) == ["master.key", "pub", "store.db"]
