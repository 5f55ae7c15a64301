"""--wait beside a running server: it ends when no child decides by an older generation."""

import os
import re
import shutil
import threading

import pytest
from harness import IS_ROOT, wait_for

CONF = """
ApiSecRequireTLS Off
ApiSecRefresh %s
KeepAliveTimeout 60
MaxKeepAliveRequests 0
<Location />
    ApiSecEngine On
</Location>
<Location /status>
    SetHandler server-status
    ApiSecEngine Off
</Location>
"""
CHILDREN = 3


def prepare(site):
    site.role("reader", "GET /orders/**")
    site.key("one")
    site.key("two")


def ask(site, connection, key="one"):
    return connection.request("GET", "/orders/7.json", [("X-API-Key", site.keys[key])]).status


def counts(said):
    """(in force, of all, not asked)"""
    return tuple(int(n) for n in re.search(r": (\d+) of (\d+) have it in force, (\d+) were not asked", said).groups())


# KEY-13
def test_wait_ends_when_no_child_takes_the_key(make_site):
    site = make_site(CONF % "100ms", prepare, children=CHILDREN)
    with site.every_child("one") as connections:
        # Nobody asks: the children look before they answer, and are counted as idle.
        result = site.store.run("--json", "key", "revoke", "one", "--wait")
        assert result.rc == 0, result
        show, everyone, idle = counts(result.err)
        assert show + idle == everyone >= CHILDREN
        for connection in connections:
            assert ask(site, connection) == 401 and ask(site, connection, "two") == 200
        # All of them have it now.
        result = site.store.run("key", "revoke", "one", "--wait")
        show, everyone, idle = counts(result.err)
        assert result.rc == 0 and show == everyone and idle == 0
    line = site.server.wait_audit(lambda line: line["reason"] == "key_revoked")
    assert (line["event"], line["severity"]) == ("authn_token_reuse", "critical")


# KEY-13
def test_children_that_are_asked_end_the_wait_sooner(make_site):
    site = make_site(CONF % "100ms", prepare, children=CHILDREN)
    with site.every_child("two") as connections:
        done = threading.Event()

        def keep_asking():
            while not done.is_set():
                for connection in connections:
                    ask(site, connection, "two")

        client = threading.Thread(target=keep_asking)
        client.start()
        try:
            result = site.store.run("role", "deny", "reader", "GET /orders/8.json", "--wait")
        finally:
            done.set()
            client.join()
        assert result.rc == 0 and counts(result.err)[1] >= CHILDREN, result


def test_time_out_names_those_that_lag(make_site):
    site = make_site(CONF % "1m", prepare, children=CHILDREN)
    with site.every_child("one") as connections:
        generation = site.store.json("status")["generation"]
        result = site.store.run("key", "revoke", "one", "--wait", "--timeout", "300ms")
        assert result.rc == 5 and "revoked" in result.out and result.err.count("\n") == 1, result
        assert "generation %d is stored" % (generation + 1) in result.err
        named = {int(pid) for pid in re.findall(r"process (\d+) serves generation %d\b" % generation, result.err)}
        assert named and named <= set(site.server.children())
        assert ask(site, connections[0]) == 200, "the command was right: the old generation is in force"


@pytest.mark.skipif(not IS_ROOT, reason="only root can take the folder away from the children's group")
def test_a_child_that_cannot_follow_is_never_taken_for_idle(make_site):
    site = make_site(CONF % "50ms", prepare, children=CHILDREN)
    pub = site.store.file("pub")
    group = os.stat(pub).st_gid
    with site.every_child("one") as connections:
        os.chown(pub, 0, 0)
        wait_for(lambda: [ask(site, c, "two") for c in connections] and
                 site.server.error_log().count("APISEC0026") >= len(site.server.children()),
                 what="the children to miss their copy")
        result = site.store.run("key", "revoke", "one", "--wait", "--timeout", "1500ms")
        assert result.rc == 5 and "has refused what was published" in result.err, result
        assert ask(site, connections[0]) == 200, "the last good copy stays"
        shutil.chown(pub, 0, group)
        os.chown(os.path.join(pub, "store.db"), 0, group)
        wait_for(lambda: all(ask(site, c) == 401 for c in connections), what="the children to follow")
        assert site.store.run("publish", "--wait").rc == 0


def test_without_children_of_the_store_nobody_decides_by_less(make_site):
    site = make_site(CONF % "100ms", prepare, children=CHILDREN)
    wait_for(lambda: site.server.error_log().count("APISEC0028") >= CHILDREN, what="the children to open the store")
    result = site.store.run("key", "revoke", "one", "--wait")
    assert result.rc == 0 and "were not asked since" in result.err, result
    site.server.stop()
    result = site.store.run("key", "revoke", "two", "--wait")
    assert result.rc == 0 and "no process of httpd serves this store" in result.err, result


# TRN-18
def test_status_page_numbers_the_stores_and_tells_their_generations(make_site):
    site = make_site(CONF % "50ms", prepare, children=CHILDREN, modules=["status"])

    def status():
        got = site.server.get("/status?auto")
        assert got.status == 200
        for secret in (site.store.path, "reader", *site.keys, *site.keys.values(), *site.ids.values()):
            assert secret not in got.text.partition("ApiSec")[2], secret
        return dict(re.findall(r"ApiSec(Store\d\w+): (\d+)", got.text))

    assert set(status()) == {"Store1Generation", "Store1Oldest", "Store1Processes"}
    with site.every_child("one") as connections:
        before = str(site.store.json("status")["generation"])
        assert status()["Store1Oldest"] == before
        site.store.ok("publish")
        after = str(int(before) + 1)
        wait_for(lambda: ask(site, connections[0]) == 200 and status()["Store1Oldest"] in (before, after))

        def all_have_it():
            for connection in connections:
                ask(site, connection)
            site.get("/orders/7.json", key="one")  # a child that was born meanwhile
            return status()["Store1Oldest"] == after

        wait_for(all_have_it, what="the oldest generation to rise")
        wait_for(lambda: status()["Store1Generation"] == after, what="the answering child to have it too")
        assert int(status()["Store1Processes"]) >= CHILDREN
