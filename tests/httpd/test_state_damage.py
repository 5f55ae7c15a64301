"""Random bytes in each part of a state file that is in use: nobody crashes or hangs, and other parts go on."""

import os
import random

import pytest
from harness import Site, parse_list, wait_for

pytestmark = pytest.mark.one_mpm

ENTRIES = 1024
CONF = """
ApiSecRequireTLS Off
ApiSecTable 1024
ApiSecLastUse 1024
<Location /orders>
    ApiSecEngine On
    ApiSecLimit bucket rate=1000/d by=key
    ApiSecLimit fixed rate=1000/d by=key algorithm=fixed-window
    ApiSecLimit window rate=1000/d by=key algorithm=sliding-window
    ApiSecLimit month quota=1000/month by=key
    ApiSecLimit open inflight=50 by=key
    ApiSecLimit turn rate=1000/s algorithm=leaky-bucket delay=1s by=route
</Location>
"""
# Each part begins where the one before ends (docs/design.md, "The file").
SIZES = {"head": 4096, "overflow": 131072, "reserve": 524288, "counters": 32768, "rows": 32 * 4096,
         "cells": 16 * ENTRIES, "uses": 64 * 1024, "shared": 4096 + 8 * 4096, "slots": 32 * 4096, "leases": 4096 + 8 * ENTRIES,
         "limits": 524288, "asked": 131072}
COUNTED = ("bucket", "fixed", "window", "month")
SEED = int(os.environ.get("SEED", random.randrange(1 << 32)))


def prepare(site):
    site.role("reader", "GET /orders/**")
    site.key("ci")


@pytest.fixture(scope="module")
def site():
    with Site(CONF, prepare) as made:
        assert os.path.getsize(made.server.state) == sum(SIZES.values())
        yield made


def noise(size, how):
    chance = random.Random("%d %s" % (SEED, how))
    return {"ones": b"\xff" * size, "noise": chance.randbytes(size)}[how]


def damage(site, part, how):
    at = sum(size for name, size in SIZES.items() if list(SIZES).index(name) < list(SIZES).index(part))
    with open(site.server.state, "r+b") as state:
        state.seek(at)
        state.write(noise(SIZES[part], how))


def left(got):
    found = {name: params["r"] for name, params in parse_list(got.headers["RateLimit"])}
    return {name: found[name] for name in COUNTED}


# LIM-13, LIM-14, LIM-22, TRN-13
@pytest.mark.parametrize("how", ["noise", "ones"])
@pytest.mark.parametrize("part", SIZES)
def test_no_part_crashes_or_stops_httpd_and_what_is_elsewhere_goes_on(site, part, how):
    children = site.server.children()
    before = left(site.get(key="ci"))
    damage(site, part, how)
    seen = [site.get(key="ci") for _ in range(12)]
    assert {got.status for got in seen} <= {200, 429, 503}, (SEED, seen)
    # Where requests under way were counted, they are counted anew within some seconds.
    got = wait_for(lambda: next((g for g in [site.get(key="ci")] if g.status == 200), None), 30, "requests to be let in")
    after = left(got)
    spent = sum(g.status == 200 for g in seen) + 1
    if part != "cells":
        assert after == {name: n - spent for name, n in before.items()}, SEED
    assert after["month"] <= before["month"] - spent, "the lease goes on where its cell is lost"
    assert site.get(key="hunter2").status == 401
    assert site.store.run("status").rc == 0 and site.store.run("limit", "show", "ci").rc in (0, 1)
    assert set(children) <= set(site.server.children())
    site.server.graceful()
    assert site.get(key="ci").status == 200


def test_the_store_can_still_be_told_from_the_next_start_on(site):
    assert site.store.run("limit", "show", "ci").rc == 0
    assert site.store.run("limit", "list").rc == 0
