"""Restarts and deaths under load: nothing stuck, no limit lost, no other answer."""

import os
import signal

import pytest
from harness import Site, wait_for
from harness.load import Load, resident
from harness.traffic import CONF, METERED, MIX, WANTED, answers, check, prepare, restarts


# LIM-13, TRN-14, TRN-13
def test_graceful_restarts_under_load(make_site):
    site = make_site(CONF, prepare)
    check(site, restarts(site, 15))


# LIM-13, TRN-14: memory stays flat
@pytest.mark.slow
def test_two_hundred_graceful_restarts_under_load(make_site):
    site = make_site(CONF, prepare)
    sizes = {}

    def measure(i, load):
        if i in (20, 200):
            answers(load, 400)  # so that every child has served
            pids = site.server.children()
            sizes[i] = resident(site.server.pid), max(resident(pid) for pid in pids)
            print("restart %d: parent %d KB, largest child %d KB" % ((i,) + sizes[i]))
    check(site, restarts(site, 200, measure))
    for early, late in zip(sizes[20], sizes[200]):
        assert late <= early * 1.05, sizes


# LIM-13, LIM-14, TRN-13: a child that is killed at any time leaves everything usable
@pytest.mark.slow
def test_children_killed_under_load(make_site):
    site = make_site(CONF, prepare, children=3)
    with Load(site, MIX, clients=8) as load:
        for _ in range(12):
            answers(load, 20)
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
    assert load.answered("/metered/x.html", "metered", 200) <= METERED
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
