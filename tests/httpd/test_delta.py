"""A store of more than 10,000 keys: what changes in it reaches a running server by pub/delta.db."""

import os
import shutil
import subprocess

import pytest
from harness import BUILD, MPM, Store, wait_for

CONF = """
ApiSecRequireTLS Off
ApiSecRefresh 50ms
KeepAliveTimeout 300
MaxKeepAliveRequests 0
<Location />
    ApiSecEngine On
</Location>
"""
CHILDREN = 3 if MPM != "prefork" else 5


def fill(store):
    """10,001 keys; the texts of some."""
    store.role_create("reader", "GET /orders/**")
    done = subprocess.run([os.path.join(BUILD, "tests", "bench", "fill"), store.path, "10001"], stdout=subprocess.PIPE,
                          text=True, check=True)
    return done.stdout.split()[::1000]


def prepare(site):
    texts = fill(site.store)
    site.keys.update(("bench-%d" % (i * 1000), text) for i, text in enumerate(texts))


def ask(site, connection, key):
    return connection.request("GET", "/orders/7.json", [("X-API-Key", site.keys[key])]).status


def everywhere(site, connections, key, status):
    wait_for(lambda: all(ask(site, c, key) == status for c in connections), 20, "%d everywhere" % status)
    for connection in connections * 2:
        assert ask(site, connection, key) == status


def copy_of(store):
    return os.stat(store.file("pub", "store.db")).st_ino


# KEY-13, AZ-06
@pytest.mark.slow
def test_changes_come_by_the_delta_and_the_copy_stays(make_site):
    site = make_site(CONF, prepare, children=CHILDREN)
    copy = copy_of(site.store)
    with site.every_child("bench-1000") as connections:
        site.store.ok("key", "revoke", "bench-1000", "--wait")
        everywhere(site, connections, "bench-1000", 401)
        made = site.store.key_create("new", role="reader")
        site.keys["new"] = made["key"]
        everywhere(site, connections, "new", 200)
        site.store.ok("key", "delete", "bench-1000", "--yes")
        site.store.ok("role", "deny", "reader", "GET /orders/7.json")
        everywhere(site, connections, "new", 403)
        everywhere(site, connections, "bench-2000", 403)
        site.store.ok("role", "revoke", "reader", "GET /orders/7.json")
        everywhere(site, connections, "bench-2000", 200)
        everywhere(site, connections, "bench-1000", 401)
        assert copy_of(site.store) == copy
        site.store.ok("publish", "--wait")
        assert copy_of(site.store) != copy
        everywhere(site, connections, "new", 200)
        everywhere(site, connections, "bench-1000", 401)
    assert site.server.wait_audit(lambda line: line["reason"] == "key_revoked")["event"] == "authn_token_reuse"
    site.server.wait_audit(lambda line: line["reason"] == "key_unknown")


# KEY-13
@pytest.mark.slow
def test_a_lost_or_older_delta_brings_no_key_back(make_site):
    site = make_site(CONF, prepare, children=CHILDREN)
    delta = site.store.file("pub", "delta.db")
    with site.every_child("bench-1000") as connections:
        site.store.ok("role", "create", "other")
        os.link(delta, site.folder.path("older.db"))
        site.store.ok("key", "revoke", "bench-1000")
        everywhere(site, connections, "bench-1000", 401)
        os.rename(site.folder.path("older.db"), delta)
        wait_for(lambda: [ask(site, c, "bench-2000") for c in connections] and
                 "older than" in site.server.error_log(), what="the older delta to be refused")
        everywhere(site, connections, "bench-1000", 401)
        os.unlink(delta)
        wait_for(lambda: [ask(site, c, "bench-2000") for c in connections] and
                 "delta.db is gone" in site.server.error_log(), what="the lost delta to be missed")
        everywhere(site, connections, "bench-1000", 401)
        everywhere(site, connections, "bench-2000", 200)
    status = site.store.json("status")
    assert status["published_generation"] is None and "delta.db is gone" in status["published_fault"]
    # Nor does a server that starts now serve what it cannot know to be the newest.
    code, said = site.server.configtest()
    assert code != 0 and "delta.db is gone" in said and "publish" in said
    site.server.graceful()
    wait_for(lambda: site.get(key="bench-2000").status == 503)
    assert site.get(key="bench-1000").status == 503
    site.store.ok("publish")
    wait_for(lambda: site.get(key="bench-2000").status == 200)
    assert site.get(key="bench-1000").status == 401 and site.server.configtest()[0] == 0


def test_two_stores_of_which_one_is_large(make_site):
    def prepare_both(site):
        prepare(site)
        other = Store(site.folder.path("second"), site.folder.path("state"))
        other.init()
        other.role_create("reader", "GET /orders/**")
        site.other, site.keys["other"] = other, other.key_create("ci", role="reader")["key"]

    site = make_site("""
ApiSecRequireTLS Off
ApiSecRefresh 50ms
<VirtualHost *:@PORT0@>
    ServerName a.example
</VirtualHost>
<VirtualHost *:@PORT1@>
    ServerName b.example
    ApiSecStore @ROOT@/second
</VirtualHost>
<Location /orders>
    ApiSecEngine On
</Location>
""", prepare_both, ports=2)
    first, second = site.server.ports
    assert site.get(key="bench-3000", port=first).status == 200
    assert site.get(key="other", port=second).status == 200
    assert site.get(key="bench-3000", port=second).status == 401
    site.store.ok("key", "revoke", "bench-3000")
    wait_for(lambda: site.get(key="bench-3000", port=first).status == 401)
    # The delta of one beside the copy of the other is nobody's: a small store has none.
    shutil.copy2(site.store.file("pub", "delta.db"), site.other.file("pub", "delta.db"))
    site.other.ok("key", "revoke", "ci")
    wait_for(lambda: site.get(key="other", port=second).status == 401)
    assert site.get(key="bench-4000", port=first).status == 200


@pytest.mark.slow
def test_memory_of_a_child_stays_flat_over_many_deltas(make_site):
    site = make_site(CONF, prepare, children=1)
    with site.every_child("bench-5000") as connections:
        pid = site.server.children()[0]

        def resident():
            with open("/proc/%d/statm" % pid) as seen:
                return int(seen.read().split()[1]) * 4096

        def rounds(count):
            for i in range(count):
                site.store.ok("key", "set", "bench-5000", "--owner", "round-%d" % i)
                generation = site.store.json("status")["generation"]
                wait_for(lambda: ask(site, connections[0], "bench-5000") == 200 and
                         site.server.audit()[-1].get("gen") == generation, what="the new generation")

        # Each thread that has loaded one keeps an arena of its own; once they have, nothing is added.
        seen = [resident()]
        while len(seen) < 12 and (len(seen) < 4 or seen[-1] - seen[-3] > 64 << 10):
            rounds(20)
            seen.append(resident())
        assert site.server.children()[0] == pid and seen[-1] - seen[-3] <= 64 << 10, seen
