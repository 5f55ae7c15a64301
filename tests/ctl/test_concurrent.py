"""Several runs at once lose nothing (CLI-09)."""

import concurrent.futures
import json


def test_twenty_parallel_creates_are_all_there(store):  # CLI-09, CLI-03
    store.role_create("reader", "GET /a")
    before = len(store.json("changes"))
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        done = list(pool.map(lambda i: store.run("--json", "key", "create", "k%02d" % i, "--role", "reader"), range(20)))
    assert [result.rc for result in done] == [0] * 20, done
    made = {json.loads(result.out)["name"]: json.loads(result.out)["id"] for result in done}
    assert {row["name"]: row["id"] for row in store.json("key", "list")} == made
    rows = store.json("changes")
    assert len(rows) == before + 20 and len({row["n"] for row in rows}) == len(rows)
    status = store.json("status")
    assert status["generation"] == status["published_generation"] and status["keys"] == 20


def test_one_name_goes_to_one_of_many(store):  # CLI-09
    store.role_create("reader", "GET /a")
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda _: store.run("key", "create", "bob", "--role", "reader"), range(8)))
    assert sorted(result.rc for result in done) == [0] + [4] * 7
    assert len(store.json("key", "list")) == 1


def test_readers_beside_writers_see_whole_states(store):  # CLI-09
    """A role's grant and its mirror change in one command; no reader sees one without the other."""
    store.role_create("r")
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        writers = [pool.submit(store.run, "role", "create", "x%d" % i, "--grant", "GET /x", "--deny", "GET /x/y")
                   for i in range(12)]
        readers = [pool.submit(store.run, "--json", "role", "list") for _ in range(12)]
    assert all(w.result().rc == 0 for w in writers)
    for reader in readers:
        assert reader.result().rc == 0, reader.result()
        for row in json.loads(reader.result().out):
            if row["name"] != "r":
                assert row["grants"] == ["GET /x"] and row["denies"] == ["GET /x/y"]


def test_two_inits_make_one_store(new_store):  # CLI-09
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: new_store.run("init"), range(4)))
    codes = sorted(result.rc for result in done)
    assert codes[0] == 0 and codes.count(0) == 1, done
    assert new_store.json("status")["published_fault"] is None
