"""Plans: who calls is held to the plan of his key, of a role, or of the section."""

import pytest
from harness import Site, parse_list

CONF = """
ApiSecRequireTLS Off
<Location /api>
    ApiSecEngine On
    ApiSecPlan basic
    ApiSecLimit section rate=90/d by=key
</Location>
<Location /api/free>
    ApiSecPlan none
</Location>
<Location /api/lost>
    ApiSecPlan nowhere
</Location>
<Location /public>
    ApiSecEngine On
    ApiSecRequire public
    ApiSecPlan open
    ApiSecLimit nobody "rate=9/d" by=key
</Location>
<Location /public/lost>
    ApiSecPlan nowhere
</Location>
<Location /watched>
    ApiSecEngine DetectOnly
    ApiSecPlan basic
</Location>
"""


def prepare(site):
    plan = site.store.ok
    plan("plan", "create", "basic", "--limit", "calls rate=2/d by=key", "--limit", "all rate=70/d by=route")
    plan("plan", "create", "open", "--limit", "place rate=3/d by=route", "--limit", "calls rate=1/d by=key",
         "--limit", "tried rate=1/d by=route mode=dry-run", "--limit", "both rate=1/d by=key+route")
    plan("plan", "create", "gold", "--limit", "calls rate=5/d by=key", "--limit", "month quota=9/month by=user",
         "--limit", "tried rate=1/d by=key mode=dry-run")
    plan("plan", "create", "edits", "--limit", "month quota=9/month by=key")
    site.role("reader", "GET /api/**", "GET /watched/**")
    site.store.ok("role", "create", "golden", "--grant", "GET /api/**", "--plan", "gold")
    for name in ("api", "api/free", "api/lost", "watched", "public", "public/lost"):
        site.folder.write("htdocs/%s/x.txt" % name, "x\n")
    for name in ("plain", "other", "free", "lost", "watched"):
        site.key(name)
    site.key("gold", plan="gold")
    site.key("role", role="golden", owner="ann")
    site.key("ann", plan="gold", owner="ann")
    site.key("override", override="calls rate=3/d by=key")
    site.key("beside", override="extra rate=1/d by=key")
    site.key("granted", plan="gold", owner="granted")


@pytest.fixture(scope="module")
def site():
    with Site(CONF, prepare) as made:
        yield made


def left(got):
    return {name: values["r"] for name, values in parse_list(got.headers["RateLimit"])}


def drain(site, key, path="/api/x.txt"):
    """How often it is let in, and by what it is refused then."""
    for count in range(100):
        got = site.get(path, key=key)
        if got.status != 200:
            assert got.status == 429
            return count, got.json()["violated-policies"][0]


def test_section_has_a_plan_for_those_who_bring_none(site):
    assert left(site.get("/api/x.txt", key="plain")) == {"section": 89, "calls": 1, "all": 69}
    assert drain(site, "plain") == (1, "calls")
    assert left(site.get("/api/x.txt", key="other"))["all"] == 67


def test_plan_of_a_key_and_of_a_role_come_first(site):
    got = site.get("/api/x.txt", key="gold")
    assert left(got) == {"section": 89, "calls": 4, "month": 8}
    assert drain(site, "gold") == (4, "calls")
    assert left(site.get("/api/x.txt", key="role")) == {"section": 89, "calls": 4, "month": 8}
    # One user, two keys: the budget of the month is his.
    assert left(site.get("/api/x.txt", key="ann")) == {"section": 89, "calls": 4, "month": 7}


def test_dry_run_of_a_plan_watches(site):
    for wanted in (None, "tried"):
        got = site.get("/api/free/x.txt", key="role")
        line = site.server.wait_audit(lambda line: line["id"] == got.headers["X-Request-Id"])
    assert line["would_limit"] == "tried"


def test_override_takes_a_limits_place_or_stands_beside(site):
    assert drain(site, "override") == (3, "calls")
    assert left(site.get("/api/x.txt", key="beside"))["extra"] == 0
    assert drain(site, "beside") == (0, "extra")


def test_no_plan_and_one_that_is_not_there(site):
    assert left(site.get("/api/free/x.txt", key="free")) == {"section": 89}
    got = site.get("/api/lost/x.txt", key="lost")
    line = site.server.wait_audit(lambda line: line["id"] == got.headers["X-Request-Id"])
    assert got.status == 403
    assert line["reason"] == "plan_unknown"
    # Who brings a plan along does not need the section's.
    assert site.get("/api/lost/x.txt", key="ann").status == 200
    # Nobody is known: nobody is held to it.
    assert site.get("/api/lost/x.txt").status == 401


# LIM-11: of a plan too, a request without a caller has a route
def test_plan_where_nobody_is_known(site):
    assert left(site.get("/public/x.txt")) == {"place": 2}
    # A key is not asked for, and so it is nobody's name.
    assert left(site.get("/public/x.txt", key="gold")) == {"place": 1}
    assert left(site.get("/public/x.txt")) == {"place": 0}
    got = site.get("/public/x.txt")
    assert (got.status, got.json()["violated-policies"]) == (429, ["place"])
    lines = site.server.wait_audit(lambda line: line["path"] == "/public/x.txt" and "would_limit" in line, 2)
    assert {line["would_limit"] for line in lines} == {"tried"}
    got = site.get("/public/lost/x.txt")
    line = site.server.wait_audit(lambda line: line["id"] == got.headers["X-Request-Id"])
    assert (got.status, line["reason"]) == (403, "plan_unknown")


def test_config_test_tells_what_never_counts_and_what_plan_is_not_there(site):
    code, said = site.server.configtest()
    assert code == 0
    told = [line for line in said.splitlines() if "APISEC001" in line]
    never = "nobody is known in a public section, so that nothing is ever counted for the limit "
    assert len([line for line in told if never in line]) == len(told) - 2 == 3
    for words in ("ApiSecLimit: " + never + '"nobody rate=9/d by=key"',
                  "ApiSecPlan: " + never + '"calls rate=1/d by=key"',
                  "ApiSecPlan: " + never + '"both rate=1/d by=key+route"', "ApiSecPlan nowhere: the store has no such plan"):
        assert any(words in line for line in told), said
    assert not any("basic" in line for line in told)


def test_plan_under_detect_only(site):
    for i, wanted in enumerate(["allow", "allow", "would-refuse"]):
        name = "watched-plan-%d" % i
        assert site.get("/watched/x.txt", key="watched", headers=[("X-Request-Id", name)]).status == 200
        assert site.server.wait_audit(lambda line: line["id"] == name)["decision"] == wanted


def change(site, *words):
    """A change of the store that every child goes by when this returns."""
    site.store.ok(*words)
    site.store.ok("publish", "--wait")


# LIM-09: what single callers were granted
def test_grant_and_reset(site):
    assert drain(site, "granted") == (5, "calls")
    change(site, "limit", "reset", "granted", "--limit", "calls")
    assert drain(site, "granted") == (4, "month")
    change(site, "limit", "reset", "granted", "--limit", "calls")
    assert drain(site, "granted") == (0, "month")
    change(site, "limit", "grant", "granted", "+2", "--limit", "month")
    assert drain(site, "granted") == (2, "month")
    change(site, "limit", "reset", "granted", "--limit", "month")
    assert drain(site, "granted")[0] > 0


# LIM-09: an edit of a plan keeps what was consumed, more and less
def test_edit_of_a_plan(site):
    site.key("edited", plan="edits")
    change(site, "publish")
    assert [site.get("/api/free/x.txt", key="edited").status for _ in range(3)] == [200] * 3
    change(site, "plan", "set", "edits", "--limit", "month quota=4/month by=key")
    assert drain(site, "edited", "/api/free/x.txt") == (1, "month")
    change(site, "plan", "set", "edits", "--limit", "month quota=6/month by=key")
    assert drain(site, "edited", "/api/free/x.txt") == (2, "month")


@pytest.mark.one_mpm
def test_a_plan_that_is_made_anew_forgets_buckets_alone(site):
    site.key("anew")
    limits = [word for limit in ("calls rate=9/d by=key", "day rate=9/d by=key algorithm=fixed-window",
                                 "month quota=9/month by=key") for word in ("--limit", limit)]
    for wanted in ({"calls": 8, "day": 8, "month": 8}, {"calls": 8, "day": 7, "month": 7}):
        site.store.ok("plan", "create", "anew", *limits)
        site.store.ok("key", "set", "anew", "--plan", "anew", "--wait")
        got = left(site.get("/api/free/x.txt", key="anew"))
        assert {name: got[name] for name in wanted} == wanted
        site.store.ok("key", "set", "anew", "--plan", "none")
        site.store.ok("plan", "delete", "anew", "--yes")
