"""publish and status."""

import os

import pytest

FIELDS = ["store", "prefix", "keys", "roles", "generation", "published_generation", "published_fault", "state",
          "state_fault"]


def test_status_of_a_new_store(store):
    status = store.json("status")
    assert list(status) == FIELDS
    assert (status["store"], status["prefix"], status["keys"], status["roles"]) == (store.path, "apisec", 0, 0)
    assert status["generation"] == status["published_generation"] >= 1
    assert status["published_fault"] is None and status["state"] is None
    assert "no state file at %s: httpd has not started" % store.state in status["state_fault"]


def test_every_change_is_published(store):  # AZ-06
    steps = [["role", "create", "r", "--grant", "GET /a"], ["role", "grant", "r", "GET /b"],
             ["role", "deny", "r", "GET /c"], ["role", "revoke", "r", "GET /b"],
             ["key", "create", "bob", "--role", "r"], ["key", "set", "bob", "--owner", "x"], ["key", "rotate", "bob"],
             ["key", "revoke", "bob"], ["key", "delete", "bob", "--yes"], ["role", "delete", "r", "--yes"]]
    generation = store.json("status")["generation"]
    for step in steps:
        store.ok(*step)
        status = store.json("status")
        assert status["generation"] == status["published_generation"] == generation + 1, step
        generation += 1


def test_counts(store):
    store.role_create("a")
    store.role_create("b")
    store.key_create("k", role="a")
    status = store.json("status")
    assert (status["keys"], status["roles"]) == (1, 2)


def test_publish_raises_the_generation(store):
    before = store.json("status")["generation"]
    assert store.json("publish") == {"generation": before + 1}
    status = store.json("status")
    assert status["generation"] == status["published_generation"] == before + 1


@pytest.mark.parametrize("damage", ["missing", "empty", "text", "cut"])
def test_a_damaged_copy_is_shown_and_mended_by_publish(store, damage):
    store.role_create("r", "GET /a")
    copy = store.file("pub", "store.db")
    size = os.path.getsize(copy)
    if damage == "missing":
        os.unlink(copy)
    elif damage == "cut":
        os.truncate(copy, size // 2)
    else:
        with open(copy, "wb") as out:
            out.write(b"" if damage == "empty" else b"x" * size)
    status = store.json("status")
    mend = "apisecctl --store %s publish makes it" % store.path
    assert status["published_generation"] is None and copy in status["published_fault"]
    assert status["published_fault"].count(mend) == 1
    result = store.run("explain", "--role", "r", "GET /a")
    assert result.rc != 0 and result.out == "" and result.err.count(mend) == 1, result
    store.ok("publish")
    assert store.json("status")["published_fault"] is None
    assert store.json("explain", "--role", "r", "GET /a")["decision"] == "allow"


@pytest.mark.parametrize("content", [b"", b"x" * 4096, b"\0" * 65536], ids=["empty", "text", "zeros"])
def test_a_damaged_state_file_is_shown(store, content):
    with open(store.state, "wb") as out:
        out.write(content)
    os.chmod(store.state, 0o600)
    status = store.json("status")
    assert status["state"] is None and store.state in status["state_fault"]


def test_a_state_file_that_is_no_file_is_shown(store):
    os.mkfifo(store.state, 0o600)
    status = store.json("status")
    assert status["state"] is None and status["state_fault"]


def test_people_see_names_and_values(store):
    out = store.ok("status")
    assert out.splitlines()[0].split() == ["store", store.path]
    assert "published_generation  " in out
