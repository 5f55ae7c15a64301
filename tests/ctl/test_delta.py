"""A store of more than 10,000 keys: changes are published beside the complete copy."""

import os
import subprocess

import pytest
from harness import BUILD, split_key

FILL = os.path.join(BUILD, "tests", "bench", "fill")


@pytest.fixture
def large(store):
    """10,001 keys, bench-0 to bench-10000; store.texts are theirs."""
    store.role_create("reader", "GET /a")
    done = subprocess.run([FILL, store.path, "10001"], stdout=subprocess.PIPE, text=True, check=True)
    store.texts = done.stdout.split()
    return store


def copy_of(store):
    return os.stat(store.file("pub", "store.db")).st_ino


def explained(store, number, rc):
    key_id = split_key(store.texts[number])[1]
    return store.json("explain", "--key-id", key_id, "GET /a", rc=rc)


# KEY-13, AZ-06
def test_every_change_is_published_without_a_new_copy(large):
    copy, generation = copy_of(large), large.json("status")["generation"]
    for step in (["key", "create", "new", "--role", "reader"], ["key", "set", "new", "--owner", "x"], ["key", "rotate", "new"],
                 ["key", "revoke", "new"], ["key", "delete", "new", "--yes"], ["role", "grant", "reader", "GET /b"],
                 ["role", "create", "x"], ["role", "delete", "x", "--yes"]):
        large.ok(*step)
        status, generation = large.json("status"), generation + 1
        assert status["generation"] == status["published_generation"] == generation, step
        assert copy_of(large) == copy, step
    assert sorted(os.listdir(large.file("pub"))) == ["delta.db", "store.db"]


def test_explain_reads_what_httpd_reads(large):  # CLI-13
    assert explained(large, 7, 0)["decision"] == "allow"
    large.ok("key", "revoke", "bench-7")
    answer = explained(large, 7, 5)
    assert (answer["reason"], answer["generation"]) == ("key_revoked", large.json("status")["generation"])
    large.ok("role", "deny", "reader", "GET /*")
    assert explained(large, 8, 5)["reason"] == "grant_denied"
    large.ok("key", "delete", "bench-7", "--yes")
    key_id = split_key(large.texts[7])[1]
    assert large.run("explain", "--key-id", key_id, "GET /a").rc == 3


@pytest.mark.parametrize("damage", ["missing", "empty", "text", "cut"])
def test_a_damaged_delta_is_shown_and_mended_by_publish(large, damage):
    large.ok("key", "revoke", "bench-7")
    delta = large.file("pub", "delta.db")
    size = os.path.getsize(delta)
    if damage == "missing":
        os.unlink(delta)
    elif damage == "cut":
        os.truncate(delta, size // 2)
    else:
        with open(delta, "wb") as out:
            out.write(b"" if damage == "empty" else b"x" * size)
    status = large.json("status")
    mend = "apisecctl --store %s publish makes it" % large.path
    assert status["published_generation"] is None and delta in status["published_fault"]
    assert status["published_fault"].count(mend) == 1
    result = large.run("explain", "--role", "reader", "GET /a")
    assert result.rc != 0 and result.out == "" and result.err.count(mend) == 1, result
    large.ok("publish")
    assert large.json("status")["published_fault"] is None
    assert explained(large, 7, 5)["reason"] == "key_revoked"


def test_a_role_in_use_is_found_among_many_keys(large):
    large.role_create("rare")
    large.key_create("one", role="rare")
    result = large.run("role", "delete", "rare", "--yes")
    assert result.rc == 4 and '"one"' in result.err, result
    # A name that only begins like the role, or is an owner, is no use of it.
    large.role_create("rar")
    large.ok("key", "set", "one", "--owner", "rar")
    large.ok("role", "delete", "rar", "--yes")
