"""backup and restore that are killed at any call that changes a file, or whose disk fails there: a backup is
whole or not there, and a store is the old or the new one (CLI-03, CLI-06, CLI-14)."""

import os
import shutil

import pytest
from test_backup import pair
from killed import States, calls_of, shape_of, start
from test_crash import STEP, copy_of, state_of

from harness import Store


@pytest.fixture
def shop(store, folder):
    """A store that goes on after its backup: bob is revoked, and role "late" is new."""
    store.role_create("r", "GET /a")
    store.key_create("bob", role="r")
    store.keys = pair(folder, "backup")
    store.backup = folder.path("b")
    store.ok("backup", store.backup, "--to", store.keys[1])
    store.ok("key", "revoke", "bob")
    store.role_create("late", "GET /b")
    return store


def check(done, at):
    """True: it was done all the same."""
    if done.returncode != 0:
        assert done.returncode in (1, 4) and done.stdout == "" and done.stderr.count("\n") == 1, (at, done)
    return done.returncode == 0


def at_work(shop, folder):
    """The store in a folder that can be copied with what lies beside it."""
    os.mkdir(folder.path("w"))
    return copy_of(shop, folder, "w/store")


def new_backup(folder):
    target = folder.path("w", "new")
    return target, ["backup", target, "--to", folder.path("backup.pub")]


def look_at_backup(store, target, keys, old):
    assert state_of(store) == old
    if os.path.exists(target):
        assert store.json("restore", target, "--identity", keys[0], "--verify")["keys"] == 1


def test_a_backup_that_is_killed_is_whole_or_not_there(shop, folder):  # CLI-03, CLI-06, CLI-14
    store, old = at_work(shop, folder), state_of(shop)
    target, args = new_backup(folder)
    states = States(folder, folder.path("w"), store, args)
    seen = set()
    assert states.calls > 20
    for at, path in states:
        states.put(at)
        seen.add(os.path.exists(target))
        look_at_backup(store, target, shop.keys, old)
        # What they left behind is gone with the next one.
        if os.path.exists(target):
            os.remove(target)
        store.ok(*args)
        assert sorted(os.listdir(store.path)) == ["master.key", "pub", "store.db"], at
        assert sorted(os.listdir(folder.path("w"))) == ["new", "store"], at
    assert seen == {False, True}
    states.show_kills(store, args)


@pytest.mark.slow
def test_a_backup_whose_disk_fails_is_whole_or_not_there(shop, folder):  # CLI-03, CLI-06, CLI-14
    store, old, seen = at_work(shop, folder), state_of(shop), set()
    target, args = new_backup(folder)
    calls = calls_of(store, args, folder)
    for at in range(1, calls + 1, STEP):
        if os.path.exists(target):
            os.remove(target)
        done = check(start(store, args, FAIL_AT=at), at)
        assert os.path.exists(target) or not done, at
        left = shape_of(folder.path("w"), folder.path("scratch.db"))
        if (done, left) not in seen:
            seen.add((done, left))
            look_at_backup(store, target, shop.keys, old)


OVER = ["--yes", "--over", "newer"]


def look_at_restored(store, old, new, at):
    now = state_of(store)
    assert now in (old, new), (at, now)
    # The next command that writes publishes it.
    store.ok("role", "create", "after")
    status = store.json("status")
    assert status["published_generation"] == status["generation"], at
    return now == new


def test_a_restore_that_is_killed_leaves_the_old_or_the_new_store(shop, folder):  # CLI-03, CLI-14
    args = ["restore", shop.backup, "--identity", shop.keys[0], *OVER]
    old, after = state_of(shop), copy_of(shop, folder, "whole")
    assert start(after, args).returncode == 0
    new = state_of(after)
    assert old != new and after.json("key", "show", "bob")["status"] == "revoked"
    states = States(folder, shop.path, shop, args)
    seen = set()
    for at, _ in states:
        states.put(at)
        seen.add(look_at_restored(shop, old, new, at))
        shop.ok(*args)  # which sweeps
        assert sorted(os.listdir(shop.path)) == ["master.key", "pub", "store.db"], at
        assert os.listdir(shop.file("pub")) == ["store.db"], at
    assert seen == {False, True}
    states.show_kills(shop, args)


@pytest.mark.slow
def test_a_restore_whose_disk_fails_leaves_the_old_or_the_new_store(shop, folder):  # CLI-03, CLI-14
    args = ["restore", shop.backup, "--identity", shop.keys[0], *OVER]
    old, after, seen = state_of(shop), copy_of(shop, folder, "whole"), set()
    calls = calls_of(after, args, folder)
    new = state_of(after)
    for at in range(1, calls + 1, STEP):
        store = copy_of(shop, folder, "cut")
        done = check(start(store, args, FAIL_AT=at), at)
        left = (done, shape_of(store.path, folder.path("scratch.db")))
        if left not in seen:
            seen.add(left)
            assert look_at_restored(store, old, new, at) or not done


def look_at_new(store, folder, args, at):
    store.ok(*args)
    assert sorted(os.listdir(store.path)) == ["master.key", "pub", "store.db"], at
    assert os.listdir(folder.path("s")) == ["new"] and os.listdir(store.file("pub")) == ["store.db"], at
    assert store.json("status")["published_fault"] is None, at


def test_a_restore_from_nothing_that_is_killed_can_be_repeated(shop, folder):  # CLI-03, CLI-14
    args = ["restore", shop.backup, "--identity", shop.keys[0], *OVER]
    os.mkdir(folder.path("s"))
    store = Store(folder.path("s", "new"), folder.path("state"))
    states = States(folder, folder.path("s"), store, args)
    assert states.calls > 40
    for at, _ in states:
        states.put(at)
        look_at_new(store, folder, args, at)
    states.show_kills(store, args)


@pytest.mark.slow
def test_a_restore_from_nothing_whose_disk_fails_can_be_repeated(shop, folder):  # CLI-03, CLI-14
    args, seen = ["restore", shop.backup, "--identity", shop.keys[0], *OVER], set()
    calls = calls_of(Store(folder.path("whole"), folder.path("state")), args, folder)
    for at in range(1, calls + 1, STEP):
        os.mkdir(folder.path("s"))
        store = Store(folder.path("s", "new"), folder.path("state"))
        done = check(start(store, args, FAIL_AT=at), at)
        left = (done, shape_of(folder.path("s"), folder.path("scratch.db")))
        if left not in seen:
            seen.add(left)
            look_at_new(store, folder, args, at)
        shutil.rmtree(folder.path("s"))
