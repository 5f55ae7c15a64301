"""init: what it makes, with which owners and modes, and what it refuses."""

import grp
import json
import os
import re
import stat
import subprocess

import pytest

from harness import IS_ROOT, SERVER_GROUP, Store


def mode(path):
    return stat.S_IMODE(os.lstat(path).st_mode)


def with_umask(mask):
    return {"preexec_fn": lambda: os.umask(mask)}


def test_prints_where_the_store_and_its_master_key_are(new_store):
    made = new_store.init()
    assert made == {"store": new_store.path, "master_key": new_store.file("master.key")}


@pytest.mark.parametrize("mask", [0, 0o022, 0o077])
def test_files_have_their_modes_whatever_the_umask(new_store, mask):  # CLI-06, SEC-17
    result = new_store.run("init", "--group", SERVER_GROUP, **with_umask(mask))
    assert result.rc == 0, result
    assert mode(new_store.path) == 0o710
    assert mode(new_store.file("pub")) == 0o750
    assert mode(new_store.file("store.db")) == 0o600
    assert mode(new_store.file("master.key")) == 0o600
    assert mode(new_store.file("pub", "store.db")) == 0o640
    new_store.run("role", "create", "reader", **with_umask(mask))
    new_store.ok("key", "create", "bob", "--role", "reader")
    assert mode(new_store.file("store.db")) == 0o600
    assert mode(new_store.file("pub", "store.db")) == 0o640


def test_owner_is_the_caller_and_group_that_of_httpd(new_store):  # CLI-06
    new_store.init()
    gid = grp.getgrnam(SERVER_GROUP).gr_gid
    for name in ("", "pub", "pub/store.db"):
        info = os.stat(new_store.file(name))
        assert (info.st_uid, info.st_gid) == (os.geteuid(), gid), name
    assert os.stat(new_store.file("store.db")).st_uid == os.geteuid()


def test_a_group_may_be_a_number(new_store):
    gid = grp.getgrnam(SERVER_GROUP).gr_gid
    new_store.json("init", "--group", str(gid))
    assert os.stat(new_store.file("pub")).st_gid == gid


def test_default_group_is_that_of_httpds_children(new_store):
    new_store.ok("init")
    wanted = grp.getgrnam(SERVER_GROUP).gr_gid if IS_ROOT else os.getgid()
    assert os.stat(new_store.file("pub")).st_gid == wanted


def test_unknown_group_is_refused(new_store):
    result = new_store.run("init", "--group", "no-such-group")
    assert result.rc == 3 and '"no-such-group"' in result.err
    assert not os.path.exists(new_store.path)


def test_master_key_is_256_bits_in_hexadecimal(new_store):
    new_store.init()
    text = open(new_store.file("master.key")).read()
    assert re.fullmatch(r"[0-9a-f]{64}\n?", text)


def test_master_key_may_live_elsewhere(new_store, folder):  # SEC-08
    path = folder.path("keys", "shop.key")
    os.mkdir(folder.path("keys"), 0o700)
    source = "--master-key=file:" + path
    assert new_store.init(source)["master_key"] == path
    assert not os.path.exists(new_store.file("master.key")) and mode(path) == 0o600
    assert new_store.run("role", "create", "reader", source).rc == 0
    missing = new_store.run("role", "list")
    assert missing.rc != 0 and new_store.file("master.key") in missing.err


def test_a_helper_command_gives_the_master_key(store, folder):  # SEC-08
    key = open(store.file("master.key")).read()
    helper = folder.write("helper", "#!/bin/sh\necho %s\n" % key.strip(), 0o700)
    os.unlink(store.file("master.key"))
    source = "--master-key=exec:" + helper
    assert store.run(source, "role", "create", "reader").rc == 0
    assert store.json(source, "role", "list")[0]["name"] == "reader"


def test_init_takes_a_key_that_comes_from_elsewhere(new_store, folder):  # SEC-08
    fails = folder.write("fails", "#!/bin/sh\nexit 1\n", 0o700)
    result = new_store.run("init", "--master-key=exec:" + fails)
    assert result.rc == 1 and "run it by hand" in result.err and not os.path.exists(new_store.path)
    helper = folder.write("helper", "#!/bin/sh\necho %s\n" % ("c0" * 32), 0o700)
    source = "--master-key=exec:" + helper
    assert new_store.init(source)["master_key"] == "exec:" + helper
    assert not os.path.exists(new_store.file("master.key"))
    assert new_store.json(source, "status")["keys"] == 0
    assert new_store.run("status").rc == 3


def test_a_wrong_master_key_is_refused(store, folder):  # SEC-16
    other = folder.write("other.key", "0" * 64 + "\n", 0o600)
    for command in (["role", "list"], ["key", "create", "x", "--role", "y"], ["status"], ["publish"],
                    ["explain", "--role", "x", "GET /"]):
        result = store.run("--master-key=file:" + other, *command)
        assert (result.rc, result.out) == (1, "") and "key" in result.err, result


@pytest.mark.parametrize("text", ["", "xyz", "0" * 63, "0" * 65, "0" * 64 + "\n\n", "g" * 64])
def test_a_malformed_master_key_is_refused(store, text):  # SEC-08
    with open(store.file("master.key"), "w") as out:
        out.write(text)
    result = store.run("role", "list")
    assert result.rc in (1, 2) and store.file("master.key") in result.err


@pytest.mark.parametrize("bits", [0o640, 0o604, 0o666])
def test_an_open_master_key_is_refused(store, bits):  # SEC-09, CLI-06
    os.chmod(store.file("master.key"), bits)
    result = store.run("role", "list")
    assert result.rc == 1 and store.file("master.key") in result.err and "chmod" in result.err


def test_a_symlinked_master_key_is_refused(store, folder):  # SEC-09, CLI-06
    os.rename(store.file("master.key"), folder.path("real.key"))
    os.symlink(folder.path("real.key"), store.file("master.key"))
    result = store.run("role", "list")
    assert result.rc == 1 and store.file("master.key") in result.err


def test_a_missing_master_key_is_named(store):
    os.unlink(store.file("master.key"))
    result = store.run("role", "list")
    assert result.rc != 0 and store.file("master.key") in result.err and result.out == ""


@pytest.mark.parametrize("bits", [0o644, 0o660, 0o602])
def test_an_open_store_is_refused(store, bits):  # CLI-06, SEC-09
    os.chmod(store.file("store.db"), bits)
    for command in (["role", "list"], ["role", "create", "x"]):
        result = store.run(*command)
        assert result.rc == 1 and store.file("store.db") in result.err, result
    assert mode(store.file("store.db")) == bits


def test_a_symlinked_store_is_refused(store, folder):  # CLI-06
    os.rename(store.file("store.db"), folder.path("real.db"))
    os.symlink(folder.path("real.db"), store.file("store.db"))
    result = store.run("role", "list")
    assert result.rc == 1 and store.file("store.db") in result.err


@pytest.mark.parametrize("name", ["store.db", "master.key"])
def test_init_follows_no_symlink(new_store, folder, name):  # CLI-06
    os.mkdir(new_store.path, 0o710)
    os.symlink(folder.path("target"), new_store.file(name))
    result = new_store.run("init", "--group", SERVER_GROUP)
    assert result.rc != 0 and name in result.err, result
    assert not os.path.exists(folder.path("target"))


def test_a_published_copy_that_is_a_symlink_is_replaced_not_written(store, folder):  # CLI-06
    target = folder.write("target", "untouched", 0o600)
    os.unlink(store.file("pub", "store.db"))
    os.symlink(target, store.file("pub", "store.db"))
    store.run("publish")
    assert open(target).read() == "untouched"


def test_a_second_init_changes_nothing(store):
    before = {name: open(store.file(name), "rb").read() for name in ("master.key", "store.db")}
    result = store.run("init", "--group", SERVER_GROUP)
    assert (result.rc, result.out) == (4, "") and store.path in result.err
    assert before == {name: open(store.file(name), "rb").read() for name in before}


@pytest.mark.parametrize("prefix", ["ab", "shop2", "a" + "9" * 15])
def test_prefix_begins_every_key(new_store, prefix):  # KEY-01
    new_store.init("--prefix", prefix)
    new_store.role_create("reader", "GET /a")
    assert new_store.key_create("bob", role="reader")["key"].startswith(prefix + "_")
    assert new_store.json("status")["prefix"] == prefix


@pytest.mark.parametrize("prefix", ["", "a", "A1", "1a", "a_b", "a-b", "a" * 17, "a b", "\u00e4b"])
def test_other_prefixes_are_refused(new_store, prefix):  # KEY-01, CLI-07
    result = new_store.run("init", "--group", SERVER_GROUP, "--prefix", prefix)
    assert result.rc == 2 and result.out == "", result
    assert not os.path.exists(new_store.file("store.db"))


def test_two_stores_are_two_tenants(folder):  # AZ-09, KEY-14
    one = Store(folder.path("one"), folder.path("state"))
    two = Store(folder.path("two"), folder.path("state"))
    keys = []
    for store in (one, two):
        store.init()
        store.role_create("reader", "GET /a")
        keys.append(store.key_create("bob", role="reader"))
    assert keys[0]["id"] != keys[1]["id"] and keys[0]["key"] != keys[1]["key"]
    assert two.run("key", "show", keys[0]["id"]).rc == 3
    foreign = two.run("--master-key=file:" + one.file("master.key"), "key", "list")
    assert foreign.rc == 1


def as_nobody(new_store, folder, *args, **popen):
    """As an account without rights, when the tests run as root; else as the caller."""
    if not IS_ROOT:
        return new_store.run(*args, **popen)
    argv = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", Store.program, "--store", new_store.path,
            "--state", new_store.state, *args]
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          cwd="/", env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"}, **popen)
    return done


def test_works_without_root_and_without_a_home(folder):
    os.mkdir(folder.path("own"), 0o755)
    if IS_ROOT:
        os.chown(folder.path("own"), 65534, 65534)
    store = Store(folder.path("own", "store"), folder.path("state"))

    def run(*args):
        done = as_nobody(store, folder, "--json", *args)
        assert getattr(done, "rc", getattr(done, "returncode", None)) == 0, done
        return json.loads(getattr(done, "out", None) or done.stdout)

    run("init")
    run("role", "create", "reader", "--grant", "GET /a")
    made = run("key", "create", "bob", "--role", "reader")
    assert run("key", "show", made["id"])["name"] == "bob"
    uid = os.stat(store.file("store.db")).st_uid
    assert run("changes")[-1]["uid"] == uid == os.stat(store.file("master.key")).st_uid
    assert uid == (65534 if IS_ROOT else os.geteuid())


@pytest.mark.skipif(not IS_ROOT, reason="needs a second account")
def test_another_account_cannot_read_the_store(store, folder):  # CLI-06
    done = as_nobody(store, folder, "key", "list")
    assert done.returncode != 0 and done.stdout == ""
