"""Limits that only watch: they count, and tell what they would have refused."""

import pytest
from harness import Site, parse_list

pytestmark = pytest.mark.one_mpm

CONF = """
ApiSecRequireTLS Off
<Location /status>
    SetHandler server-status
</Location>
<Location /watched>
    ApiSecEngine On
    ApiSecLimit real rate=5/d by=key
    ApiSecLimit tight rate=2/d by=key mode=dry-run
    ApiSecLimit tighter rate=1/d by=user mode=dry-run
    ApiSecLimit loose rate=100/d by=key mode=dry-run
</Location>
<Location /apart>
    ApiSecEngine On
    ApiSecLimit never rate=3/d by=key mode=dry-run cost=2
    ApiSecLimit both rate=2/d rate=3/h by=key mode=dry-run
</Location>
<Location /source>
    ApiSecEngine On
    ApiSecLimit source rate=2/d by=ip mode=dry-run
</Location>
"""


def prepare(site):
    for name in ("watched", "apart", "source"):
        site.folder.write("htdocs/%s/x.txt" % name, "x\n")
    site.role("reader", "GET /watched/**", "GET /apart/**", "GET /source/**")
    for name in ("one", "two", "three", "four", "five"):
        site.key(name, owner=name)


@pytest.fixture(scope="module")
def site():
    with Site(CONF, prepare, modules=["remoteip", "status"]) as made:
        yield made


def would(site, got, name=None):
    """What the audit line says of an answer, or of the request that was named."""
    line = site.server.wait_audit(lambda line: line["id"] == (name or got.headers["X-Request-Id"]))
    return line["decision"], line["reason"], line.get("would_limit")


def would_refuse(site):
    return int(site.get("/status?auto").text.split("ApiSecLimitWouldRefuse: ")[1].split()[0])


def test_dry_run_refuses_nobody_and_says_whom_it_would(site):
    before = would_refuse(site)
    names = [None, "tighter", "tight,tighter", "tight,tighter", "tight,tighter"]
    for i, wanted in enumerate(names):
        got = site.get("/watched/x.txt", key="one")
        assert got.status == 200 and would(site, got) == ("allow", "allow", wanted)
        # Its answer knows nothing of it.
        assert parse_list(got.headers["RateLimit-Policy"]) == [("real", {"q": 5, "w": 86400})]
        assert parse_list(got.headers["RateLimit"])[0][1]["r"] == 4 - i
    assert would_refuse(site) - before == 7
    # What a real limit refuses is not asked of the others.
    got = site.get("/watched/x.txt", key="one")
    assert got.status == 429 and got.json()["violated-policies"] == ["real"]
    assert would(site, got) == ("refuse", "rate_exceeded", None)


def test_dry_run_limits_are_charged_apart(site):
    # The meters of one limit are all or nothing; another limit's refusal is not theirs.
    wanted = [None, "never", "never,both", "never,both"]
    for names in wanted:
        got = site.get("/apart/x.txt", key="two")
        assert got.status == 200 and would(site, got)[2] == names
        assert got.headers["RateLimit"] is None and got.headers["RateLimit-Policy"] is None


# LIM-12: failures count where they would be charged
def test_dry_run_by_address_watches_failures_too(site):
    address = [("X-Forwarded-For", "192.0.2.9")]
    for names in (None, None, "source", "source"):
        got = site.get("/source/x.txt", key="hunter2", headers=address)
        assert got.status == 401 and would(site, got)[2] == names
    got = site.get("/source/x.txt", key="three", headers=address)
    assert got.status == 200 and would(site, got) == ("allow", "allow", "source")


# NEG-10
def test_dry_run_under_detect_only(make_site):
    site = make_site(CONF.replace("ApiSecEngine On", "ApiSecEngine DetectOnly"), prepare, modules=["remoteip", "status"])

    def ask(name):
        got = site.get("/watched/x.txt", key="one", headers=[("X-Request-Id", name)])
        assert got.status == 200
        return would(site, got, name)

    for i, wanted in enumerate([None, "tighter", "tight,tighter", "tight,tighter", "tight,tighter"]):
        assert ask("detect-%d" % i) == ("allow", "allow", wanted)
    assert ask("detect-last") == ("would-refuse", "rate_exceeded", None)
