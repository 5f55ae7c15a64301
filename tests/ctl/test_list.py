"""key list: filters, pages, and lists that are longer than what is held in memory."""

import json
import os
import resource
import sqlite3
import subprocess

import pytest
from harness import BUILD, wait_for

pytestmark = pytest.mark.slow

FILL = os.path.join(BUILD, "tests", "bench", "fill")


@pytest.fixture
def shop(store):
    """a-1 a-2 a-3 of reader, b-1 of writer, b.2 of both; owners ada and bob, who is of acme; a-2 revoked, a-3 soon expired."""
    store.role_create("reader")
    store.role_create("writer")
    for name, role, owner in (("a-1", "reader", "ada"), ("a-2", "reader", "ada"), ("a-3", "reader", "bob"),
                              ("b-1", "writer", "ada"), ("b.2", ["reader", "writer"], "bob")):
        store.key_create(name, role=role, owner=owner, **({"org": "acme"} if owner == "bob" else {}))
    store.ok("key", "revoke", "a-2")
    return store


def names(store, *options):
    return [row["name"] for row in store.json("key", "list", *options)]


def filled(store, count):
    store.role_create("reader")
    subprocess.run([FILL, store.path, str(count)], stdout=subprocess.DEVNULL, check=True)
    return sorted("bench-%d" % i for i in range(count))


@pytest.mark.parametrize("options, want", [
    ([], "a-1 a-2 a-3 b-1 b.2"),
    (["--status", "active"], "a-1 a-3 b-1 b.2"),
    (["--status", "revoked"], "a-2"),
    (["--status", "expired"], ""),
    (["--role", "writer"], "b-1 b.2"),
    (["--owner", "bob"], "a-3 b.2"),
    (["--owner", "bo"], ""),
    (["--org", "acme"], "a-3 b.2"),
    (["--org", "acm"], ""),
    (["--org", "bob"], ""),
    (["--org", "acme", "--role", "writer"], "b.2"),
    (["--name", "a-*"], "a-1 a-2 a-3"),
    (["--name", "*-1"], "a-1 b-1"),
    (["--name", "b*2"], "b.2"),
    (["--name", "b.2"], "b.2"),
    (["--name", "*-*1*"], "a-1 b-1"),
    (["--name", "b"], ""),
    (["--after", "a-2"], "a-3 b-1 b.2"),
    (["--after", "a-2x"], "a-3 b-1 b.2"),
    (["--after", "b.2"], ""),
    (["--after", "a-2", "--name", "a*"], "a-3"),
    (["--role", "reader", "--owner", "ada", "--status", "active"], "a-1"),
    (["--role", "writer", "--owner", "bob", "--name", "*2", "--status", "active"], "b.2"),
])
def test_all_that_is_asked_for_must_hold(shop, options, want):
    assert names(shop, *options) == want.split()


def test_an_expired_key_is_neither_active_nor_revoked(shop):
    made = shop.key_create("brief", role="reader", expires="1s")
    wait_for(lambda: shop.json("key", "show", made["id"])["status"] == "expired")
    assert names(shop, "--status", "expired") == ["brief"]
    assert "brief" not in names(shop, "--status", "active")
    shop.ok("key", "revoke", "brief")
    assert names(shop, "--status", "expired") == [] and names(shop, "--status", "revoked") == ["a-2", "brief"]


@pytest.mark.parametrize("options, rc, says", [
    (["--status", "ended"], 2, ['"ended"', "active, revoked or expired"]),
    (["--max", "0"], 2, ['"0"', "1 to 1000000"]),
    (["--max", "x"], 2, ['"x"', "1 to 1000000"]),
    (["--max", "1000001"], 2, ["1 to 1000000"]),
    (["--name", "a b"], 2, ['"a b"', "*"]),
    (["--name", "a%"], 2, ['"a%"']),
    (["--role", "none"], 3, ['"none"']),
])
def test_what_is_not_accepted_is_named(shop, options, rc, says):
    result = shop.run("key", "list", *options)
    assert (result.rc, result.out) == (rc, "") and result.err.count("\n") == 1, result
    for text in says:
        assert text in result.err, result


def test_pages_meet_without_gap_or_twin(shop):
    seen, after = [], []
    while True:
        page = shop.json("key", "list", "--max", "2", *after)
        assert list(page) == ["keys", "next"] and len(page["keys"]) <= 2
        seen += [row["name"] for row in page["keys"]]
        if page["next"] is None:
            break
        assert page["next"] == seen[-1]
        after = ["--after", page["next"]]
    assert seen == ["a-1", "a-2", "a-3", "b-1", "b.2"]
    # The rows are those of the list without pages; a page that is just full is the last one.
    assert shop.json("key", "list", "--max", "5") == {"keys": shop.json("key", "list"), "next": None}
    # A page counts what passes the filter.
    page = shop.json("key", "list", "--max", "1", "--owner", "bob")
    assert ([row["name"] for row in page["keys"]], page["next"]) == (["a-3"], "a-3")


def test_people_are_told_where_to_go_on(shop):
    out = shop.ok("key", "list", "--max", "2")
    assert out.splitlines()[0].split()[:2] == ["ID", "NAME"] and out.splitlines()[-1] == "more follow: --after a-2 goes on"
    assert "more follow" not in shop.ok("key", "list", "--max", "5")
    assert "more follow" not in shop.ok("key", "list")


@pytest.mark.parametrize("extra", [0, 1])
def test_a_list_of_several_pages_is_one_document(store, extra):
    want = filled(store, 2 * 4096 + extra)
    rows = store.json("key", "list")
    assert [row["name"] for row in rows] == want
    assert rows[5000] == store.json("key", "show", want[5000])
    lines = store.ok("key", "list").splitlines()
    assert [line.split()[1] for line in lines] == ["NAME"] + want
    page = store.json("key", "list", "--max", "5000")
    assert [row["name"] for row in page["keys"]] == want[:5000] and page["next"] == want[4999]
    assert names(store, "--name", "bench-81*") == [name for name in want if name.startswith("bench-81")]


def test_memory_does_not_grow_with_the_list(store):
    """20,000 rows of JSON are 8 MB; under this limit they could not be held twice over."""
    filled(store, 20000)
    limit = 20 << 20

    def few():
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))

    if os.environ.get("APISEC_SANITIZE"):
        pytest.skip("a sanitizer reserves more")
    for form in (["--json"], []):
        result = store.run(*form, "key", "list", preexec_fn=few)
        assert result.rc == 0 and result.out.count("bench-") == 20000, result.err


def test_a_slow_reader_keeps_no_writer_waiting(store):  # CLI-09
    filled(store, 20000)
    argv = [store.program, "--store", store.path, "--json", "key", "list"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0) as slow:
        first = slow.stdout.read(1)  # a page is on its way, and the pipe is full
        store.ok("role", "create", "meanwhile")
        rest, err = slow.communicate()
    assert (slow.returncode, err) == (0, b"") and len(json.loads(first + rest)) == 20000


def test_a_fault_on_a_later_page_is_told_and_the_document_stays_open(store):
    want = filled(store, 10000)
    db = sqlite3.connect(store.file("store.db"), isolation_level=None)
    db.execute("UPDATE key SET record = x'00' WHERE name = ?", [want[5000]])
    db.close()
    result = store.run("--json", "key", "list")
    assert result.rc == 1 and "is damaged" in result.err and not result.out.rstrip().endswith("]")
    # On the first page it is known before anything is printed.
    result = store.run("--json", "key", "list", "--after", want[4000])
    assert (result.rc, result.out) == (1, "")
