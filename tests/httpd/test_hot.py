"""Changes of the store reach every child of a running server, with no restart."""

import concurrent.futures
import sqlite3
import time

from harness import MPM, wait_for
from harness.load import Load

CONF = """
ApiSecRequireTLS Off
KeepAliveTimeout 60
MaxKeepAliveRequests 0
<Location />
    ApiSecEngine On
</Location>
"""
CHILDREN = 4 if MPM != "prefork" else 8


def prepare(site):
    site.role("reader", "GET /orders/**")
    site.role("other", "GET /other/**")
    for name in ("one", "two", "three"):
        site.key(name)


def ask(site, connection, key, path="/orders/7.json"):
    headers = [("X-API-Key", site.keys[key])] if key else []
    return connection.request("GET", path, headers)


def becomes(site, connections, key, status, path="/orders/7.json"):
    """Seconds until each of the connections has this status for the key, and stays with it."""
    begin = time.monotonic()
    wait_for(lambda: all(ask(site, c, key, path).status == status for c in connections), 10,
             "status %d everywhere" % status)
    seconds = time.monotonic() - begin
    for connection in connections * 3:
        assert ask(site, connection, key, path).status == status
    return seconds


# KEY-13, AZ-06
def test_revoked_key_is_refused_by_every_child_within_the_bound(make_site):
    site = make_site(CONF, prepare, children=CHILDREN)
    with site.every_child("one") as connections:
        children = set(site.server.children())
        site.store.ok("key", "revoke", "one", "--reason", "test")
        # What a child says after the bound has passed: each was idle until now.
        done = time.monotonic() + 1
        wait_for(lambda: time.monotonic() > done)
        for connection in connections:
            assert ask(site, connection, "one").status == 401
            assert ask(site, connection, "two").status == 200
        assert children <= set(site.server.children())
    lines = site.server.wait_audit(lambda line: line["reason"] != "allow", count=len(connections))
    assert {(line["reason"], line["event"]) for line in lines} == {("key_revoked", "authn_token_reuse")}


# AZ-06, KEY-13
def test_every_change_reaches_busy_children(make_site):
    site = make_site(CONF, prepare, children=CHILDREN)
    with site.every_child("one") as connections:
        site.store.ok("role", "deny", "reader", "GET /orders/7.json")
        becomes(site, connections, "one", 403)
        site.store.ok("role", "revoke", "reader", "GET /orders/7.json")
        becomes(site, connections, "one", 200)
        site.store.ok("key", "set", "one", "--role", "other")
        becomes(site, connections, "one", 403)
        assert ask(site, connections[0], "one", "/other/x.json").status == 200
        assert ask(site, connections[0], "two").status == 200
        site.store.ok("key", "set", "one", "--role", "+reader")
        becomes(site, connections, "one", 200)
        site.store.ok("key", "set", "one", "--cidr", "192.0.2.0/24")
        becomes(site, connections, "one", 403)
        site.store.ok("key", "set", "one", "--cidr", "none")
        becomes(site, connections, "one", 200)
        site.store.ok("key", "set", "one", "--limit", "1/d")
        becomes(site, connections, "one", 429)
        site.store.ok("key", "set", "one", "--limit", "none")
        becomes(site, connections, "one", 200)
        site.key("new")
        becomes(site, connections, "new", 200)


# CLI-09
def test_many_commands_beside_a_busy_server(make_site):
    """No change is lost, and no request waits for a command or fails by one."""
    site = make_site(CONF, prepare)
    with Load(site, [("/orders/7.json", "one"), ("/other/x.json", "one"), ("/orders/7.json", None)], clients=4) as load:
        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            done = list(pool.map(lambda i: site.store.run("key", "create", "k%d" % i, "--role", "reader"), range(12)))
        assert [result.rc for result in done] == [0] * 12, done
        # A writer that holds the store, as one does that is stopped in the middle of its work.
        with sqlite3.connect(site.store.file("store.db"), isolation_level=None) as db:
            db.execute("BEGIN EXCLUSIVE")
            seen = load.total()
            wait_for(lambda: load.total() >= seen + 100, what="answers while the store is held")
            db.execute("ROLLBACK")
    assert {path: set(counts) for path, counts in load.counts.items()} == {
        ("/orders/7.json", "one"): {200}, ("/other/x.json", "one"): {403}, ("/orders/7.json", None): {401}}
    assert {row["name"] for row in site.store.json("key", "list")} == {"one", "two", "three"} | {"k%d" % i for i in range(12)}


# KEY-12
def test_rotation_loses_no_request_and_ends_at_once_without_overlap(make_site):
    site = make_site(CONF, prepare, children=CHILDREN)
    with site.every_child("one") as connections:
        site.keys["one-2"] = site.store.json("key", "rotate", "one", "--overlap", "1h")["key"]
        for connection in connections * 3:
            assert ask(site, connection, "one").status == 200
        becomes(site, connections, "one-2", 200)
        becomes(site, connections, "one", 200)
        site.keys["two-2"] = site.store.json("key", "rotate", "two", "--overlap", "0")["key"]
        becomes(site, connections, "two", 401)
        becomes(site, connections, "two-2", 200)
        site.keys["three-2"] = site.store.json("key", "rotate", "three", "--overlap", "2s")["key"]
        becomes(site, connections, "three-2", 200)
        becomes(site, connections, "three", 401)
        becomes(site, connections, "three-2", 200)


# KEY-11
def test_key_begins_and_ends_at_its_times(make_site):
    site = make_site(CONF, prepare)
    site.key("later", not_before="2s", expires="1h")
    site.key("brief", expires="3s")
    with site.server.connect() as connection:
        assert wait_for(lambda: ask(site, connection, "brief").status == 200)
        wait_for(lambda: ask(site, connection, "later").status == 200)
        wait_for(lambda: ask(site, connection, "brief").status == 401)
        assert ask(site, connection, "later").status == 200
    for reason in ("key_expired", "allow"):
        site.server.wait_audit(lambda line: line["reason"] == reason)


# KEY-13
def test_deleted_key_and_role_are_gone(make_site):
    site = make_site(CONF, prepare)
    with site.server.connect() as connection:
        assert ask(site, connection, "one").status == 200
        site.store.ok("key", "revoke", "one")
        site.store.ok("key", "delete", "one", "--yes")
        becomes(site, [connection], "one", 401)
        got = ask(site, connection, "one")
        line = site.server.wait_audit(lambda line: line["id"] == got.headers["X-Request-Id"])
        assert line["reason"] == "key_unknown"


# AZ-06
def test_line_and_status_tell_the_generation(make_site):
    site = make_site(CONF, prepare)
    before = site.store.json("status")["generation"]
    got = site.get(key="one")
    assert site.server.wait_audit(lambda line: line["id"] == got.headers["X-Request-Id"])["gen"] == before
    site.store.ok("publish")
    after = site.store.json("status")["generation"]
    assert after > before

    def moved():
        got = site.get(key="one")
        assert got.status == 200
        return site.server.wait_audit(lambda line: line["id"] == got.headers["X-Request-Id"])["gen"] == after

    wait_for(moved, what="the new generation")
