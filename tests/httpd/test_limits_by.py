"""Who shares an allowance: levels in combination, organisations, and addresses in tiers."""

import pytest
from harness import Site, parse_list

pytestmark = pytest.mark.one_mpm

CONF = """
ApiSecRequireTLS Off
<Location /pair>
    ApiSecEngine On
    ApiSecLimit pair rate=2/d by=key+route
</Location>
<Location /source>
    ApiSecEngine On
    ApiSecLimit source rate=2/d by=key+ip
</Location>
<Location /class>
    ApiSecEngine On
    ApiSecLimit class rate=2/d by=role+route
</Location>
<Location /org>
    ApiSecEngine On
    ApiSecLimit org rate=4/d by=org
    ApiSecLimit user rate=3/d by=user
    ApiSecLimit key rate=2/d by=key
</Location>
<Location /net>
    ApiSecEngine On
    ApiSecLimit host rate=2/d by=ip/32/64
    ApiSecLimit net rate=4/d by=ip/24/56
    ApiSecLimit wide rate=6/d by=ip/16/48
</Location>
<Location /place>
    ApiSecEngine On
    ApiSecRequire public
    ApiSecLimit place rate=2/d by=ip+route
    ApiSecLimit nobody rate=1/d by=org+route
</Location>
"""


def prepare(site):
    for name in ("pair/a", "pair/b", "source", "class/a", "class/b", "org", "net", "place"):
        site.folder.write("htdocs/%s/x.txt" % name, "x\n")
    site.role("reader", "GET /pair/a/**", "GET /pair/b/**", "GET /source/**", "GET /class/a/**", "GET /class/b/**",
              "GET /org/**", "GET /net/**")
    site.role("second", "GET /class/a/**", "GET /class/b/**")
    for i in range(4):
        site.key("key-%d" % i)
    site.key("two", role=["reader", "second"])
    site.key("other", role="second")
    for name, owner, org in (("a1", "ann", "acme"), ("a2", "ann", "acme"), ("b1", "bob", "acme"), ("c1", "ann", None),
                             ("d1", None, "acme"), ("e1", "acme", None)):
        site.key(name, **{k: v for k, v in (("owner", owner), ("org", org)) if v is not None})


@pytest.fixture(scope="module")
def site():
    with Site(CONF, prepare, modules=["remoteip"]) as made:
        yield made


def ask(site, path, key=None, address="192.0.2.1"):
    return site.get(path, key=key, headers=[("X-Forwarded-For", address)])


def statuses(site, path, key, count, address="192.0.2.1"):
    return [ask(site, path, key, address).status for _ in range(count)]


# LIM-11
def test_each_key_on_each_route(site):
    for key in ("key-0", "key-1"):
        for route in ("a", "b"):
            assert statuses(site, "/pair/%s/x.txt" % route, key, 3) == [200, 200, 429]


# LIM-11: an address is a level like any other where a caller is one too
def test_each_key_from_each_address(site):
    assert statuses(site, "/source/x.txt", "key-0", 3) == [200, 200, 429]
    assert statuses(site, "/source/x.txt", "key-0", 3, "192.0.2.2") == [200, 200, 429]
    assert statuses(site, "/source/x.txt", "key-1", 3) == [200, 200, 429]
    # Who is not let in is charged for no key, and so for no pair.
    assert statuses(site, "/source/x.txt", "hunter2", 4) == [401] * 4
    assert ask(site, "/source/x.txt", "key-2").status == 200


# LIM-11
def test_each_role_on_each_route(site):
    assert statuses(site, "/class/a/x.txt", "key-0", 3) == [200, 200, 429]
    # One of his roles is spent there: nothing is charged to the other.
    assert statuses(site, "/class/a/x.txt", "two", 2) == [429, 429]
    assert statuses(site, "/class/b/x.txt", "two", 3) == [200, 200, 429]
    assert statuses(site, "/class/a/x.txt", "other", 3) == [200, 200, 429]


# LIM-11: whoever is not his organisation's only counts below it
def test_budgets_of_a_tree_are_charged_all_or_none(site):
    def left(key):
        got = ask(site, "/org/x.txt", key)
        return got.status, {name: values["r"] for name, values in parse_list(got.headers["RateLimit"])}

    assert left("a1") == (200, {"org": 3, "user": 2, "key": 1})
    assert left("a1") == (200, {"org": 2, "user": 1, "key": 0})
    assert left("a1") == (429, {"org": 2, "user": 1, "key": 0})
    assert left("a2") == (200, {"org": 1, "user": 0, "key": 1})
    assert left("a2") == (429, {"org": 1, "user": 0, "key": 1})
    assert left("b1") == (200, {"org": 0, "user": 2, "key": 1})
    assert left("b1") == (429, {"org": 0, "user": 2, "key": 1})
    assert left("d1") == (429, {"org": 0, "user": 3, "key": 2})
    # A user without an organisation is none of that name, and his own otherwise.
    assert left("e1") == (200, {"org": 3, "user": 2, "key": 1})
    assert left("c1") == (429, {"org": 4, "user": 0, "key": 2})


# LIM-11: addresses in tiers, IPv4 and IPv6
@pytest.mark.parametrize("hosts, near, far", [
    (("198.51.100.1", "198.51.100.2"), ("198.51.101.1", "198.51.102.1"), "198.52.100.1"),
    (("2001:db8:a:b00::1", "2001:db8:a:b01::1"), ("2001:db8:a:c00::1", "2001:db8:a:d00::1"), "2001:db8:b:b00::1"),
])
def test_tiers_of_addresses(site, hosts, near, far):
    def ask_from(address):
        got = ask(site, "/net/x.txt", "key-0", address)
        refused = got.json()["violated-policies"] if got.status == 429 else []
        return got.status, refused

    assert [ask_from(hosts[0]) for _ in range(3)] == [(200, []), (200, []), (429, ["host"])]
    same = "::2" if ":" in hosts[0] else None
    if same:
        assert ask_from(hosts[0].replace("::1", same)) == (429, ["host"])
    assert [ask_from(hosts[1]) for _ in range(2)] == [(200, [])] * 2
    assert ask_from(hosts[1])[1] == ["host"]
    third = hosts[1].replace("b01", "b02") if same else "198.51.100.3"
    assert ask_from(third) == (429, ["net"])
    assert [ask_from(near[0]) for _ in range(2)] == [(200, [])] * 2
    assert ask_from(near[1]) == (429, ["wide"])
    assert ask_from(far) == (200, [])


# LIM-12: failures are charged to their source, in every tier, and close it to guesses and to nothing else
def test_failures_are_charged_to_every_tier(site):
    def guess(address):
        return ask(site, "/net/x.txt", "hunter2", address).status

    assert [guess("203.0.113.1") for _ in range(3)] == [401, 401, 429]
    assert [guess("203.0.113.2") for _ in range(3)] == [401, 401, 429]
    assert guess("203.0.113.3") == 429
    assert [guess("203.0.114.%d" % i) for i in (1, 2, 3)] == [401, 401, 429]
    assert ask(site, "/pair/a/x.txt", "key-3", "203.0.113.1").status == 200


# LIM-11: without a caller nobody is charged for an organisation; the address on the route still is
def test_nobody_is_charged_where_nobody_is_known(site):
    assert statuses(site, "/place/x.txt", None, 3, "203.0.120.1") == [200, 200, 429]
    assert statuses(site, "/place/x.txt", None, 3, "203.0.120.2") == [200, 200, 429]
