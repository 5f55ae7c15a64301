"""backup and restore that are killed at any call that changes a file, or whose disk fails there: a backup is
whole or not there, and a store is the old or the new one (CLI-03, CLI-06, CLI-14)."""

import os
import shutil

import pytest
from test_backup import pair
from test_crash import STEP, calls_of, copy_of, start, state_of

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


def hows(name):
    return [pytest.param(how, marks=pytest.mark.slow if how != "KILL_AT" else [], id="%s-%s" % (name, how.lower()))
            for how in ("KILL_AT", "FAIL_AT")]


def points(calls, how):
    """All that is done before and after a database is written page by page, and some of those pages."""
    step = STEP if how == "KILL_AT" else 2 * STEP + 1
    return [at for at in range(1, calls + 1, step) if at <= 16 or at > calls - 40 or at % 7 == 0]


def check(done, how, at):
    """True: it was done all the same."""
    if how == "KILL_AT":
        assert done.returncode == -9 and done.stdout == "", (at, done)
    elif done.returncode != 0:
        assert done.returncode in (1, 4) and done.stdout == "" and done.stderr.count("\n") == 1, (at, done)
    return done.returncode == 0


@pytest.mark.parametrize("how", hows("backup"))
def test_a_backup_is_whole_or_not_there(shop, folder, how):  # CLI-03, CLI-06, CLI-14
    target = folder.path("new")
    args = ["backup", target, "--to", shop.keys[1]]
    calls = calls_of(shop, args, folder)
    before = state_of(shop)
    assert calls > 20
    seen = set()
    for at in points(calls, how):
        if os.path.exists(target):
            os.remove(target)
        done = check(start(shop, args, **{how: at}), how, at)
        there = os.path.exists(target)
        assert there or not done, at
        seen.add(there)
        if there and at % 5 == 0:
            assert shop.json("restore", target, "--identity", shop.keys[0], "--verify")["keys"] == 1
    assert state_of(shop) == before and (seen == {False, True} or STEP > 1 or how == "FAIL_AT")
    # What they left behind is gone with the next one.
    if os.path.exists(target):
        os.remove(target)
    shop.ok(*args)
    assert sorted(os.listdir(shop.path)) == ["master.key", "pub", "store.db"]
    assert not [name for name in os.listdir(os.path.dirname(target)) if name.startswith(".new.")]


@pytest.mark.parametrize("how", hows("over"))
def test_a_restore_leaves_the_old_or_the_new_store(shop, folder, how):  # CLI-03, CLI-14
    args = ["restore", shop.backup, "--identity", shop.keys[0], "--yes", "--over", "newer"]
    old = state_of(shop)
    after = copy_of(shop, folder, "whole")
    calls = calls_of(after, args, folder)
    new = state_of(after)
    assert calls > 40 and old != new and after.json("key", "show", "bob")["status"] == "revoked"
    seen = set()
    for at in points(calls, how):
        store = copy_of(shop, folder, "cut")
        done = check(start(store, args, **{how: at}), how, at)
        now = state_of(store)
        assert now == new if done else now in (old, new), (at, now)
        seen.add(now == new)
        # The next command that writes publishes it, and the next restore sweeps.
        store.ok("role", "create", "after")
        status = store.json("status")
        assert status["published_generation"] == status["generation"], at
        if at % 7 == 0:
            store.ok(*args)
            assert sorted(os.listdir(store.path)) == ["master.key", "pub", "store.db"], at
            assert os.listdir(store.file("pub")) == ["store.db"], at
    assert seen == {False, True} or STEP > 1


@pytest.mark.parametrize("how", hows("nothing"))
def test_a_restore_from_nothing_can_be_repeated(shop, folder, how):  # CLI-03, CLI-14
    args = ["restore", shop.backup, "--identity", shop.keys[0], "--yes", "--over", "newer"]
    calls = calls_of(Store(folder.path("whole"), folder.path("state")), args, folder)
    assert calls > 40
    for at in points(calls, how):
        os.mkdir(folder.path("s"))
        store = Store(folder.path("s", "new"), folder.path("state"))
        check(start(store, args, **{how: at}), how, at)
        store.ok(*args)
        assert sorted(os.listdir(store.path)) == ["master.key", "pub", "store.db"], at
        assert os.listdir(folder.path("s")) == ["new"] and os.listdir(store.file("pub")) == ["store.db"], at
        assert store.json("status")["published_fault"] is None, at
        shutil.rmtree(folder.path("s"))
