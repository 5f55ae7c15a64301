"""Stores that are newer, foreign, damaged, or on a disk that cannot be written."""

import os
import re
import shutil
import sqlite3
import stat
import subprocess

import pytest

from harness import IS_ROOT

READ = [["key", "list"], ["role", "list"], ["changes"], ["status"]]
WRITE = [["role", "create", "x"], ["publish"]]


def content(path):
    with open(path, "rb") as seen:
        return seen.read()


def change(store, sql):
    db = sqlite3.connect(store.file("store.db"), isolation_level=None)
    db.execute(sql)
    db.close()


def refused(store, says):
    """Every command fails with one line that holds each text, and changes nothing."""
    before = content(store.file("store.db"))
    for command in READ + WRITE:
        result = store.run(*command)
        assert (result.rc, result.out) == (1, "") and result.err.count("\n") == 1, (command, result)
        for text in says:
            assert text in result.err, result
    assert content(store.file("store.db")) == before


def test_a_newer_schema_is_refused(store):  # CLI-10
    change(store, "PRAGMA user_version = 999")
    refused(store, [store.file("store.db"), "999", "upgrade"])


def test_another_programs_database_is_refused(store):
    change(store, "PRAGMA application_id = 1234")
    refused(store, [store.file("store.db"), "not a store"])


@pytest.mark.parametrize("sql", [
    "CREATE TABLE extra(x)", "CREATE TRIGGER t AFTER INSERT ON role BEGIN DELETE FROM key; END", "DROP TABLE change",
    "CREATE VIEW v AS SELECT 1",
])
def test_foreign_tables_are_refused(store, sql):  # CLI-07
    change(store, sql)
    refused(store, [store.file("store.db")])


@pytest.mark.parametrize("data", [b"", b"x", b"SQLite format 3\0" + b"\0" * 4080, b"x" * 65536],
                         ids=["empty", "byte", "head", "text"])
def test_what_is_no_database_is_refused(store, data):
    with open(store.file("store.db"), "wb") as out:
        out.write(data)
    refused(store, [store.file("store.db")])


def test_a_damaged_page_is_refused_or_never_read(store):
    store.role_create("r", "GET /a")
    path = store.file("store.db")
    whole = content(path)
    for at in range(100, len(whole), 4096):
        with open(path, "wb") as out:
            out.write(whole[:at] + b"\xff" * 512 + whole[at + 512:])
        for command in READ:
            result = store.run(*command)
            assert result.rc in (0, 1) and "\x1b" not in result.err, (at, command, result)
            assert (result.rc == 0) == (result.err == ""), (at, command, result)


def test_a_foreign_published_copy_is_refused(folder, new_store):  # AZ-09
    from harness import Store
    new_store.init()
    new_store.role_create("r", "GET /a")
    other = Store(folder.path("other"), folder.path("state"))
    other.init()
    shutil.copyfile(other.file("pub", "store.db"), new_store.file("pub", "store.db"))
    assert new_store.run("explain", "--role", "r", "GET /a").rc == 1
    status = new_store.json("status")
    assert status["published_generation"] is None and status["published_fault"]


def test_no_journal_or_wal_is_left_beside_the_store(store):  # SEC-17
    store.role_create("r", "GET /a")
    store.key_create("bob", role="r")
    assert sorted(os.listdir(store.path)) == ["master.key", "pub", "store.db"]
    assert os.listdir(store.file("pub")) == ["store.db"]


@pytest.mark.skipif(IS_ROOT, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_named(store):
    os.chmod(store.path, 0o510)
    try:
        result = store.run("role", "create", "x")
        assert result.rc == 1 and store.path in result.err
    finally:
        os.chmod(store.path, 0o710)


def test_when_publishing_fails_the_change_stays_and_the_way_on_is_named(store):  # CLI-02, CLI-03
    store.role_create("r", "GET /a")
    os.unlink(store.file("pub", "store.db"))
    os.makedirs(store.file("pub", "store.db", "in-the-way"))
    result = store.run("key", "create", "bob", "--role", "r")
    assert (result.rc, result.out) == (1, "") and result.err.count("\n") == 1, result
    assert "apisecctl --store %s publish" % store.path in result.err
    made = store.json("key", "show", "bob")
    assert "key rotate %s" % made["id"] in result.err
    assert store.json("changes")[-1]["command"] == "key create"
    shutil.rmtree(store.file("pub", "store.db"))
    store.ok("publish")
    assert store.json("explain", "--key-id", made["id"], "GET /a")["decision"] == "allow"


def test_a_missing_pub_folder_is_named(store):
    shutil.rmtree(store.file("pub"))
    result = store.run("role", "create", "x")
    assert result.rc != 0 and result.out == "" and store.file("pub") in result.err
    mend = re.search(r"(install -d .*) makes it, then (apisecctl .*)", result.err)
    subprocess.run(mend.group(1), shell=True, check=True)
    store.ok("publish")
    assert stat.S_IMODE(os.stat(store.file("pub")).st_mode) == 0o750
    assert os.stat(store.file("pub", "store.db")).st_gid == os.stat(store.path).st_gid
