"""Restarts and deaths under load: nothing stuck, no limit lost, no other answer."""

import os
import signal

import pytest
from harness import Site, wait_for
from harness.load import Load, resident

CONF = """
ApiSecEngine On
<Location /metered>
    ApiSecLimit metered rate=400/d by=key
</Location>
<Location /role>
    ApiSecRequire api-role admin
</Location>
<Location /open>
    ApiSecEngine Off
</Location>
"""
MIX = [("/orders/7.json", "ci"), ("/metered/x.html", "metered"), ("/orders/7.json", None), ("/orders/7.json", "bad"),
       ("/role/x.html", "ci"), ("/open/x.html", None)]
WANTED = {("/orders/7.json", "ci"): {200}, ("/metered/x.html", "metered"): {200, 429}, ("/orders/7.json", None): {401},
          ("/orders/7.json", "bad"): {401}, ("/role/x.html", "ci"): {403}, ("/open/x.html", None): {200}}


def prepare(site):
    site.role("reader", "GET /orders/**", "GET /metered/**", "GET /role/**")
    site.key("ci")
    site.key("metered")
    site.key("other")
    site.keys["bad"] = "hunter2"
    for name in ("metered", "role", "open"):
        site.folder.write("htdocs/%s/x.html" % name, "x\n")


def restarts(site, count, each=lambda i: None):
    """Graceful restarts while clients ask; returns their Load."""
    with Load(site, MIX) as load:
        for i in range(count):
            seen = load.total()
            wait_for(lambda: load.total() >= seen + 30, what="answers between two restarts")
            site.server.graceful()
            each(i)
        wait_for(lambda: load.answered("/metered/x.html", "metered", 429) > 0, 120, "the limit to be reached")
    return load


def check(site, load):
    for (path, key), wanted in WANTED.items():
        assert set(load.counts[path, key]) == wanted, (path, key, load.counts[path, key])
    assert load.answered("/metered/x.html", "metered", 200) == 400
    assert site.get("/metered/x.html", key="metered").status == 429
    assert site.get("/metered/x.html", key="other").status == 200


# LIM-13, TRN-14, TRN-13
def test_graceful_restarts_under_load(make_site):
    site = make_site(CONF, prepare)
    check(site, restarts(site, 15))


# LIM-13, TRN-14: memory stays flat
@pytest.mark.slow
def test_two_hundred_graceful_restarts_under_load(make_site):
    site = make_site(CONF, prepare)
    sizes = {}

    def measure(i):
        if i + 1 in (20, 200):
            pids = site.server.children()
            sizes[i + 1] = resident(site.server.pid), max(resident(pid) for pid in pids)
            print("restart %d: parent %d KB, largest child %d KB" % ((i + 1,) + sizes[i + 1]))
    check(site, restarts(site, 200, measure))
    for early, late in zip(sizes[20], sizes[200]):
        assert late <= early * 1.05, sizes


# LIM-13, LIM-14, TRN-13: a child that is killed at any time leaves everything usable
def test_children_killed_under_load(make_site):
    site = make_site(CONF, prepare, children=3)
    with Load(site, MIX, clients=8) as load:
        for _ in range(12):
            seen = load.total()
            wait_for(lambda: load.total() >= seen + 20, 60, what="answers between two deaths")
            victims = wait_for(site.server.children, what="a child to kill")
            try:
                os.kill(victims[0], signal.SIGKILL)
            except ProcessLookupError:
                pass  # it had ended by itself
            wait_for(lambda: victims[0] not in site.server.children(), what="its end")
        wait_for(lambda: load.answered("/metered/x.html", "metered", 429) > 0, 120, "the limit to be reached")
    for (path, key), wanted in WANTED.items():
        assert set(load.counts[path, key]) <= wanted | {None}, (path, key, load.counts[path, key])
    # What a child had charged and could not answer is spent; no more than allowed was ever let through.
    assert load.answered("/metered/x.html", "metered", 200) <= 400
    assert site.get("/metered/x.html", key="metered").status == 429
    for _ in range(50):
        assert site.get("/metered/x.html", key="other").status == 200
        assert site.get(key="ci").status == 200 and site.get().status == 401


# LIM-13: the state outlives a crash of the whole server
def test_server_killed_and_started_anew(make_site):
    site = make_site(CONF, prepare)
    for round_ in range(3):
        for _ in range(100):
            assert site.get("/metered/x.html", key="metered").status == 200
        site.server.kill()
        site.server.start()
    for _ in range(100):
        assert site.get("/metered/x.html", key="metered").status == 200
    assert site.get("/metered/x.html", key="metered").status == 429


def test_load_counts_what_it_sees():
    with Site("ApiSecEngine On\n") as site:
        with Load(site, [("/orders/7.json", "ci"), ("/orders/7.json", None)], clients=2) as load:
            wait_for(lambda: load.answered("/orders/7.json", "ci") >= 3 and
                     load.answered("/orders/7.json", None, 401) >= 3, what="answers")
        assert load.statuses() == {200, 401}
