"""limit simulate beside the server's own decisions: the audit log, played through the same limits, comes to the same."""

import json
from collections import Counter

import pytest
from harness import Site, Store

pytestmark = pytest.mark.one_mpm

LIMITS = ["each rate=3/d by=key", "all rate=7/d by=ip"]
CONF = """
ApiSecRequireTLS Off
<Location /a>
    ApiSecEngine On
    %s
</Location>
""" % "\n    ".join("ApiSecLimit " + limit for limit in LIMITS)


def prepare(site):
    site.folder.write("htdocs/a/x.txt", "x\n")
    site.role("reader", "GET /a/**")
    for name in ("k0", "k1", "k2"):
        site.key(name)


def test_the_log_played_again_is_decided_as_it_was():  # LIM-01, LIM-12
    """Rates by the day: all requests come at once, whatever the time between them."""
    with Site(CONF, prepare) as site:
        who = ["k0"] * 5 + [None] + ["k1"] * 2 + [None] + ["k2"] * 3
        seen = []
        for key in who:  # a line is written after its answer: the next request waits, so that lines stand in order
            seen.append(site.get("/a/x.txt", key).status)
            lines = site.server.wait_audit(count=len(seen))
    words = [word for limit in LIMITS for word in ("--limit", limit)]
    found = json.loads(Store.call("--json", "limit", "simulate", "--log", "-", "--log-format", "json", *words,
                                  input="".join(json.dumps(line) + "\n" for line in lines)).out)
    refused = [line for line in lines if line["reason"] == "rate_exceeded"]
    assert Counter(seen)[429] == len(refused) > 0 and Counter(seen)[401] > 0
    assert (found["requests"], found["refused"], found["bad"]) == (len(who), len(refused), 0)
    by_limit = Counter(line["limit"] for line in refused)
    assert {one["limit"]: one["refused"] for one in found["limits"]} == {"each": by_limit["each"], "all": by_limit["all"]}
    assert min(by_limit["each"], by_limit["all"]) > 0
