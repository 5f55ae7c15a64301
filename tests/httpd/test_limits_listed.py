"""What `apisecctl limit list` knows of a running server."""

import pytest
from harness import Site

pytestmark = pytest.mark.one_mpm

CONF = """
ApiSecRequireTLS Off
ServerName api.test
<Location /listed>
    ApiSecEngine On
    ApiSecLimit calls rate=2/d by=key
    ApiSecLimit source rate=900/d by=ip
    ApiSecLimit tight rate=1/d by=key mode=dry-run
    ApiSecLimit never quota=5/month by=user cost=5
</Location>
<Location /watched>
    ApiSecEngine DetectOnly
    ApiSecLimit watched rate=1/d by=key
</Location>
<Location /soon>
    ApiSecEngine On
    ApiSecLimit soon rate=4/s burst=1 by=key delay=1s
</Location>
<Location /planned>
    ApiSecEngine On
</Location>
"""


def prepare(site):
    site.role("reader", "GET /listed/**", "GET /watched/**", "GET /soon/**", "GET /planned/**")
    site.store.ok("plan", "create", "basic", "--limit", "hourly rate=2/h by=key")
    site.key("ci")
    site.key("soon")
    site.key("planned", plan="basic")
    for name in ("listed", "watched", "soon", "planned"):
        site.folder.write("htdocs/%s/x.txt" % name, "x\n")


@pytest.fixture(scope="module")
def site():
    with Site(CONF, prepare) as made:
        yield made


def rows(site):
    """(name, where) -> (asked, refused, would refuse, delayed)."""
    return {(row["limit"], row["where"]): tuple(row[name] for name in ("asked", "refused", "would_refuse", "delayed"))
            for row in site.store.json("limit", "list")["limits"]}


def statuses(site, path, key, count):
    return [site.get(path, key=key).status for _ in range(count)]


def test_limits_of_the_configuration_are_listed_with_what_they_said(site):
    listed, watched, soon = "api.test /listed", "api.test /watched", "api.test /soon"
    assert set(rows(site)) >= {("calls", listed), ("source", listed), ("tight", listed), ("never", listed),
                               ("watched", watched), ("soon", soon)}
    assert statuses(site, "/listed/x.txt", "ci", 2) == [200, 429]
    assert statuses(site, "/watched/x.txt", "ci", 3) == [200, 200, 200]
    assert statuses(site, "/soon/x.txt", "soon", 2) == [200, 200]
    got = rows(site)
    # The quota is spent by the first; the dry run is charged with what passes alone.
    assert got["never", listed] == (2, 1, 0, 0) and got["calls", listed] == (2, 0, 0, 0)
    assert got["tight", listed][1:] == (0, 0, 0)
    assert got["watched", watched] == (3, 0, 2, 0) and got["soon", soon] == (2, 0, 0, 1)


def test_limits_of_a_plan_are_listed_once_it_is_met(site):
    assert ("hourly", "basic") not in rows(site)
    assert statuses(site, "/planned/x.txt", "planned", 3) == [200, 200, 429]
    assert rows(site)["hourly", "basic"][:2] == (3, 1)
    # Whom an override is in force for is not asked by the plan's limit.
    site.store.ok("key", "set", "planned", "--override", "hourly rate=9/h by=key", "--wait")
    assert statuses(site, "/planned/x.txt", "planned", 2) == [200, 200]
    assert rows(site)["hourly", "basic"][:2] == (3, 1)
