"""Master keys: one follows another while what is there stays readable, and retires when nobody has it."""

import os
import re
import secrets
import shutil
import sqlite3

import pytest

from harness import Store, split_key
from killed import States, calls_of, start
from test_crash import STEP, copy_allows


@pytest.fixture
def shop(store):
    store.role_create("r", "GET /a")
    store.bob = store.key_create("bob", role="r")
    return store


def masters(store, *options):
    return store.json(*options, "master", "list")


def ids(store):
    """(the newest, [the others])"""
    rows = masters(store)
    (newest,) = [row["id"] for row in rows if row["newest"]]
    return newest, [row["id"] for row in rows if not row["newest"]]


def key_of(store):
    return open(store.file("master.key")).read()


def rows_of(store, sql):
    """From a copy beside it, so that what a killed command left is not tidied up by the test."""
    path = store.path + ".seen"
    for suffix in ("", "-journal"):
        if os.path.exists(store.file("store.db" + suffix)):
            shutil.copyfile(store.file("store.db" + suffix), path + suffix)
    with sqlite3.connect(path) as db:
        found = db.execute(sql).fetchall()
    os.unlink(path)
    return found


def wrapped(store):
    """{(purpose, version): {master: blob}} of the store's own keys, but those that seal for older master keys."""
    found = {}
    for purpose, version, master, blob in rows_of(store, "SELECT purpose, version, lower(hex(master)), blob FROM wrapped"):
        if not purpose.startswith("master/"):
            found.setdefault((purpose, version), {})[master] = blob
    return found


def newest_of(store, purpose):
    return max(version for name, version in wrapped(store) if name == purpose)


def opens(store, source=None):
    """The published copy lets "r" in for whoever has this master key."""
    return store.run(*(["--master-key", source] if source else []), "explain", "--role", "r", "GET /a").rc == 0


# SEC-06
def test_one_follows_another_and_both_open_what_is_published_later(shop, folder):
    old = folder.write("old.key", key_of(shop), 0o600)
    first, others = ids(shop)
    assert others == []
    done = shop.json("master", "rotate")
    assert done["from"] == first and not done["renewed"] and not done["finished"] and done["keys"] >= 7
    assert ids(shop) == (done["id"], [first])
    assert key_of(shop) != open(old).read() and sorted(os.listdir(shop.path)) == ["master.key", "pub", "store.db"]
    assert os.stat(shop.file("master.key")).st_mode & 0o777 == 0o600
    shop.role_create("later", "GET /b")
    for source in (None, "file:" + old):
        assert opens(shop, source)
        assert shop.json(*(["--master-key", source] if source else []), "explain", "--role", "later", "GET /b")["decision"] == "allow"
    for blobs in wrapped(shop).values():
        assert set(blobs) == {first, done["id"]}, "each lies under both"


# SEC-06
def test_who_has_an_older_key_may_look_and_not_change(shop, folder):
    old = "file:" + folder.write("old.key", key_of(shop), 0o600)
    done = shop.json("master", "rotate")
    assert shop.run("--master-key", old, "key", "list").rc == 0
    refused = shop.run("--master-key", old, "role", "create", "x")
    assert refused.rc == 1 and done["from"] in refused.err and done["id"] in refused.err and "--master-key" in refused.err


# SEC-06, CLI-11
def test_it_retires_and_opens_nothing_any_more(shop, folder):
    old = "file:" + folder.write("old.key", key_of(shop), 0o600)
    done = shop.json("master", "rotate")
    asks = shop.run("master", "retire", done["from"])
    assert asks.rc == 2 and "--yes" in asks.err
    assert shop.json("master", "retire", done["from"], "--dry-run")["dry_run"]
    assert ids(shop)[1] == [done["from"]] and opens(shop, old)
    assert shop.json("master", "retire", done["from"], "--yes")["retired"]
    assert ids(shop) == (done["id"], []) and opens(shop) and not opens(shop, old)
    assert all(set(blobs) == {done["id"]} for blobs in wrapped(shop).values())
    gone = shop.run("--master-key", old, "key", "list")
    assert gone.rc == 1 and "does not fit" in gone.err
    assert [row["command"] for row in shop.json("changes")][-2:] == ["master rotate", "master retire"]


# SEC-06
def test_several_follow_one_another_and_retire_in_any_order(shop, folder):
    sources = []
    for i in range(3):
        sources.append("file:" + folder.write("%d.key" % i, key_of(shop), 0o600))
        shop.json("master", "rotate")
    newest, others = ids(shop)
    assert len(others) == 3
    shop.role_create("after")
    assert all(opens(shop, source) for source in sources)
    shop.ok("master", "retire", others[1], "--yes")
    shop.role_create("again")
    assert [opens(shop, source) for source in sources] == [True, False, True]
    for old in (others[2], others[0]):
        shop.ok("master", "retire", old, "--yes")
    assert ids(shop) == (newest, []) and opens(shop)


# SEC-06
def test_there_are_no_more_than_eight(shop):
    for _ in range(7):
        shop.json("master", "rotate")
    full = shop.run("master", "rotate")
    assert full.rc == 4 and "master retire " + masters(shop)[0]["id"] in full.err
    assert sorted(os.listdir(shop.path)) == ["master.key", "pub", "store.db"]


# CLI-11
@pytest.mark.parametrize("followed", [False, True])
def test_neither_the_last_nor_the_newest_retires(shop, followed):
    if followed:
        shop.json("master", "rotate")
    newest, _ = ids(shop)
    refused = shop.run("master", "retire", newest, "--yes")
    assert refused.rc == 4 and ("newest" if followed else "only one") in refused.err and "master rotate" in refused.err
    unknown = shop.run("master", "retire", "0" * 16, "--yes")
    assert unknown.rc == 3 and "master list" in unknown.err
    assert opens(shop)


# CLI-11
def test_a_dry_run_changes_nothing(shop):
    before = key_of(shop), masters(shop), open(shop.file("store.db"), "rb").read()
    for option in ([], ["--compromised"]):
        assert shop.json("master", "rotate", "--dry-run", *option)["dry_run"]
    assert before == (key_of(shop), masters(shop), open(shop.file("store.db"), "rb").read())
    assert sorted(os.listdir(shop.path)) == ["master.key", "pub", "store.db"]


# SEC-07, SEC-12
def test_after_a_compromise_all_is_made_anew_and_again_when_the_old_one_retires(shop):
    before = wrapped(shop)
    done = shop.json("master", "rotate", "--compromised")
    assert done["renewed"]
    between = wrapped(shop)
    for purpose in ("pepper", "audit", "address", "publish", "nonce", "cache"):
        assert newest_of(shop, purpose) == 2 and (purpose, 2) not in before
    assert ("lookup", 2) not in between and ("lookup", 1) in between
    assert ("publish", 1) not in between and ("pepper", 1) in between
    assert [row["compromised"] for row in masters(shop)] == [True, False]
    refused = shop.run("master", "rotate")
    assert refused.rc == 4 and "rewrapping" in refused.err and "master retire " + done["from"] in refused.err
    assert shop.json("master", "retire", done["from"], "--yes")["renewed"]
    for purpose in ("pepper", "publish"):
        assert newest_of(shop, purpose) == 3, "that one never lay under the old key"
    assert not shop.json("master", "rotate")["renewed"]
    assert copy_allows(shop, "--role", "r") and split_key(shop.bob["key"])[1] == shop.bob["id"]
    assert shop.json("explain", "--key-id", shop.bob["id"], "GET /a")["decision"] == "allow"


# SEC-12
def test_a_new_master_key_leaves_the_stores_own_keys_as_they_are(shop):
    before = set(wrapped(shop))
    shop.json("master", "rotate")
    assert set(wrapped(shop)) == before


# SEC-06, SEC-08
def test_a_key_elsewhere_is_named_where_it_already_lies(shop, folder):
    helper = folder.write("old", "#!/bin/sh\ncat %s\n" % shop.file("master.key"), 0o700)
    refused = shop.run("--master-key", "exec:" + helper, "master", "rotate")
    assert refused.rc == 2 and "--to" in refused.err
    to = "file:" + folder.write("new.key", secrets.token_hex(32) + "\n", 0o600)
    done = shop.json("--master-key", "exec:" + helper, "master", "rotate", "--to", to)
    assert key_of(shop) and masters(shop, "--master-key", to)[-1]["id"] == done["id"]
    shop.ok("--master-key", to, "role", "create", "after")
    again = shop.json("--master-key", "exec:" + helper, "master", "rotate", "--to", to)
    assert again["finished"] and again["id"] == done["id"] and len(masters(shop)) == 2
    same = shop.run("--master-key", to, "master", "rotate", "--to", to)
    assert same.rc == 4 and done["id"] in same.err
    told = shop.run("--master-key", to, "master", "rotate", "--to", "file:" + shop.file("master.key"))
    assert told.rc == 4, "an older one does not come back"


# SEC-16
def test_a_wrong_key_is_told_and_does_nothing(shop, folder):
    wrong = "file:" + folder.write("wrong.key", secrets.token_hex(32), 0o600)
    for args in (["master", "list"], ["master", "rotate"], ["pepper", "rotate"]):
        refused = shop.run("--master-key", wrong, *args)
        assert refused.rc == 1 and "does not fit" in refused.err and refused.err.count("\n") == 1
    assert sorted(os.listdir(folder.root)) == sorted(["store", "wrong.key"]), "no key was made for it"


def test_a_store_of_before_is_completed(shop):
    """Keys that came with later releases are made by the first command that writes."""
    with sqlite3.connect(shop.file("store.db")) as db:
        db.execute("DELETE FROM wrapped WHERE purpose IN ('publish', 'nonce', 'cache')")
    shop.ok("publish")
    assert {("publish", 1), ("nonce", 1), ("cache", 1)} <= set(wrapped(shop)) and opens(shop)


def test_a_master_key_that_cannot_be_sealed_for_is_damage(shop):
    shop.json("master", "rotate")
    with sqlite3.connect(shop.file("store.db")) as db:
        db.execute("INSERT INTO master(id, check_value, mac, created_at) VALUES(x'0001020304050607', x'00', x'', 1)")
    refused = shop.run("pepper", "rotate")
    assert refused.rc == 1 and "3 master keys" in refused.err and "backup" in refused.err


# ---- cut off ----

COMMANDS = {
    "rotate": ["master", "rotate"],
    "compromised": ["master", "rotate", "--compromised"],
    "retire": ["master", "retire", None, "--yes"],
    "pepper": ["pepper", "rotate"],
}


class Frozen:
    """The files of a store, to be put anywhere."""

    def __init__(self, store):
        self.state, self.files = store.state, {}
        for folder, _, names in os.walk(store.path):
            for name in names:
                path = os.path.join(folder, name)
                self.files[os.path.relpath(path, store.path)] = open(path, "rb").read()
        self.modes = {name: os.stat(store.file(name)) for name in ("", "pub", *self.files)}

    def put(self, path):
        shutil.rmtree(path, ignore_errors=True)
        for name in ("", "pub", *self.files):
            target, seen = os.path.join(path, name), self.modes[name]
            if name in self.files:
                with open(target, "wb") as out:
                    out.write(self.files[name])
            else:
                os.mkdir(target)
            os.chown(target, seen.st_uid, seen.st_gid)
            os.chmod(target, seen.st_mode & 0o7777)
        return Store(path, self.state)


def facts(store):
    """Which master keys there are, and which versions of keys."""
    return rows_of(store, "SELECT id, compromised FROM master ORDER BY created_at, id"), sorted(wrapped(store))


def shape(found):
    """The same, without what differs between two runs."""
    return [compromised for _, compromised in found[0]], found[1]


def names_of(store):
    return sorted(os.listdir(store.path)), sorted(os.listdir(store.file("pub")))


CLEAN = (["master.key", "pub", "store.db"], ["store.db"])


class Opened:
    """Asks each copy once whether a key opens it."""

    def __init__(self):
        self.asked = {}

    def __call__(self, store, source):
        seen = hash((open(store.file("pub", "store.db"), "rb").read(), open(source).read()))
        if seen not in self.asked:
            self.asked[seen] = opens(store, "file:" + source)
        return self.asked[seen]


def prepare(shop, name):
    if name == "retire":
        first = shop.json("master", "rotate", "--compromised")["from"]
        return [first if word is None else word for word in COMMANDS[name]]
    return COMMANDS[name]


def goes_on(store, bob, asks):
    """The next command of any kind works, nothing lies about, and every key opens all of it."""
    store.ok("key", "revoke", "bob")
    assert names_of(store) == CLEAN
    if asks:
        assert store.json("explain", "--key-id", bob["id"], "GET /a", rc=5)["reason"] == "key_revoked"
    found = [row[0].hex() for row in facts(store)[0]]
    assert all(set(blobs) == set(found) for blobs in wrapped(store).values())


def does_it_again(store, args, after):
    """The command, given once more, ends what was begun: there is no third key."""
    assert store.json(*args)["id"] and names_of(store) == CLEAN
    assert shape(facts(store)) == after


# SEC-06, SEC-07, SEC-13, CLI-03
@pytest.mark.parametrize("name", list(COMMANDS))
def test_killed_at_any_call_all_is_readable_and_nothing_half_done(shop, folder, name):
    args = prepare(shop, name)
    before, opened = facts(shop), Opened()
    old = folder.write("old.key", key_of(shop), 0o600)
    whole = Frozen(shop).put(folder.path("whole"))
    assert start(whole, args).returncode == 0
    after = shape(facts(whole))
    assert shape(before) != after
    states = States(folder, shop.path, shop, args)
    seen, unused, half = set(), 0, 0
    for at, _ in states:
        states.put(at)
        # What httpd would be started with now opens what is published now; so does what its children have.
        assert opened(shop, shop.file("master.key")) and opened(shop, old), at
        now = facts(shop)
        assert now == before or shape(now) == after, at
        seen.add(now == before)
        unused += now == before and os.path.exists(shop.file(".master.key.next"))
        unfinished = key_of(shop) == open(old).read()
        half += unfinished and now != before
        if "rotate" in args and "master" in args and unfinished:
            does_it_again(shop, args, after)
            states.put(at)
        goes_on(shop, shop.bob, True)
    assert seen == {False, True}
    assert name not in ("rotate", "compromised") or unused > 0 and half > 0
    states.show_kills(shop, args)


@pytest.mark.slow
def test_a_disk_that_fails_anywhere_is_told(shop, folder):  # SEC-06, CLI-03
    args, frozen, opened = ["master", "rotate"], Frozen(shop), Opened()
    calls = calls_of(frozen.put(folder.path("whole")), args, folder)
    for at in range(1, calls + 1, 5 * STEP):
        store = frozen.put(folder.path("cut"))
        done = start(store, args, FAIL_AT=at, FAIL_STICKY=1)
        assert done.returncode in (0, 1) and done.stderr.count("\n") == done.returncode, (at, done)
        assert opened(store, store.file("master.key")), at
        if done.returncode and len(facts(store)[0]) == 2:
            assert "master rotate" in done.stderr or "stdout" in done.stderr, (at, done)
        goes_on(store, shop.bob, at % 8 == 0)


def test_no_key_is_shown(shop):  # SEC-15
    old = key_of(shop).strip()
    shop.json("master", "rotate")
    said = shop.ok("master", "list") + shop.ok("changes") + shop.ok("pepper", "list")
    for key in (old, key_of(shop).strip()):
        assert key not in said
    assert not re.search(r"[0-9a-f]{64}", said)


def test_the_folder_of_another_file_may_be_elsewhere(folder):
    path = folder.path("keys")
    os.mkdir(path, 0o700)
    store = Store(folder.path("elsewhere"), folder.path("state"))
    source = "file:" + os.path.join(path, "shop.key")
    store.json("--master-key", source, "init")
    store.json("--master-key", source, "master", "rotate")
    assert os.listdir(path) == ["shop.key"] and len(masters(store, "--master-key", source)) == 2
