"""SetHandler apisec-status: counters of the server and of each limit, as OpenMetrics and as JSON."""

import os
import re

import pytest
from harness import Site

pytestmark = pytest.mark.one_mpm

CONF = """
ApiSecRequireTLS Off
ServerName api.test
<Location /watch>
    SetHandler apisec-status
    ApiSecEngine On
    ApiSecRequire api-role watcher
</Location>
<Location /off>
    SetHandler apisec-status
</Location>
<Location /detect>
    SetHandler apisec-status
    ApiSecEngine DetectOnly
</Location>
<Location /a>
    ApiSecEngine On
    ApiSecLimit calls rate=2/d by=key
    ApiSecLimit tight rate=1/d by=key mode=dry-run
</Location>
<Location /b>
    ApiSecEngine On
    ApiSecLimit calls rate=9/d by=key
</Location>
<Location /soon>
    ApiSecEngine On
    ApiSecLimit soon rate=4/s burst=1 by=key delay=1s
</Location>
<Directory @DOCS@/area>
    ApiSecEngine On
    ApiSecRequire public
    <Files watch.txt>
        SetHandler apisec-status
    </Files>
</Directory>
<VirtualHost *:1>
    ServerName other.test
    <Location /a>
        ApiSecEngine On
        ApiSecLimit secret rate=2/d by=key
    </Location>
</VirtualHost>
"""
FAMILIES = ["apisec_limit_asked", "apisec_limit_refused", "apisec_limit_would_limit", "apisec_limit_waited", "apisec_limit_overflow"]


def prepare(site):
    site.role("reader", "GET /a/**", "GET /b/**", "GET /soon/**", "GET /p/**")
    site.store.role_create("watcher", "GET,HEAD,POST /watch")
    site.store.ok("plan", "create", "basic", "--limit", "hourly rate=9/h by=key")
    site.key("ci", plan="basic")
    site.key("slow")
    site.key("watch", role="watcher")
    for name in ("a", "b", "soon", "area"):
        site.folder.write("htdocs/%s/x.txt" % name, "x\n")


@pytest.fixture(scope="module")
def site():
    with Site(CONF, prepare, modules=["rewrite", "actions"], override="All") as made:
        yield made


def samples(text):
    """{(name, {label: value}) as a tuple: value}; asserts the form of OpenMetrics 1.0."""
    assert text.endswith("# EOF\n")
    found, family, seen = {}, None, set()
    for line in text.splitlines()[:-1]:
        kind = re.fullmatch(r"# (TYPE|HELP) ([a-z_]+) (.+)", line)
        if kind:
            if kind[1] == "TYPE":
                assert kind[2] not in seen and kind[3] == "counter"
                family = kind[2]
                seen.add(family)
            assert kind[2] == family
            continue
        sample = re.fullmatch(r'([a-z_]+)_total(?:\{((?:[a-z]+="[^"\\]*",?)+)\})? ([0-9]+)', line)
        assert sample and sample[1] == family, line
        labels = tuple(sorted(re.findall(r'([a-z]+)="([^"]*)"', sample[2] or "")))
        assert (family, labels) not in found, line
        found[family, labels] = int(sample[3])
    return found


def limits(site):
    got = site.get("/watch?json", key="watch")
    assert got.status == 200 and got.headers["Content-Type"] == "application/json"
    return {(row["limit"], row["of"], row["where"]): row for row in got.json()["limits"]}


def test_each_limit_has_its_counters(site):
    place = "api.test"
    assert [site.get("/a/x.txt", key="ci").status for _ in range(3)] == [200, 200, 429]
    assert [site.get("/soon/x.txt", key="slow").status for _ in range(2)] == [200, 200]
    found = limits(site)
    assert set(found) == {("calls", "section", place + " /a"), ("tight", "section", place + " /a"), ("calls", "section", place + " /b"),
                          ("soon", "section", place + " /soon"), ("hourly", "plan", "basic")}  # none of another virtual host
    counts = {key: tuple(row[name] for name in ("asked", "refused", "would_limit", "waited", "overflow")) for key, row in found.items()}
    assert counts["calls", "section", place + " /a"] == (3, 1, 0, 0, 0) and counts["tight", "section", place + " /a"] == (2, 0, 1, 0, 0)
    assert counts["soon", "section", place + " /soon"] == (2, 0, 0, 1, 0) and counts["hourly", "plan", "basic"][:2] == (3, 0)
    got = site.get("/watch", key="watch")
    assert got.status == 200 and got.headers["Content-Type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert got.headers["Cache-Control"] == "no-store"
    told = samples(got.text)
    for (limit, of, where), row in found.items():
        labels = (("limit", limit), ("of", of), ("where", where))
        assert [told[family, labels] for family in FAMILIES] == [row[name] for name in ("asked", "refused", "would_limit", "waited", "overflow")]
    assert told["apisec_refused_limit", ()] == 1 and told["apisec_decisions", (("reason", "rate_exceeded"),)] == 1


def test_an_edited_plan_has_one_row(site):
    site.get("/a/x.txt", key="ci")
    before = limits(site)["hourly", "plan", "basic"]["asked"]
    site.store.ok("plan", "set", "basic", "--limit", "hourly rate=8/h by=key", "--wait")
    site.get("/b/x.txt", key="ci")
    assert limits(site)["hourly", "plan", "basic"]["asked"] == before + 1
    samples(site.get("/watch?openmetrics", key="watch").text)


def test_what_is_asked_for_and_by_whom(site):
    wants = lambda accept: site.get("/watch", key="watch", headers=[("Accept", accept)]).headers["Content-Type"].split(";")[0]
    assert (wants("application/json"), wants("*/*")) == ("application/json", "application/openmetrics-text")
    assert wants("application/openmetrics-text;version=1.0.0,text/plain;q=0.5,application/json") == "application/openmetrics-text"
    assert site.get("/watch?other", key="watch").status == 400
    assert site.request("POST", "/watch", key="watch").status == 405
    assert site.request("HEAD", "/watch", key="watch").status == 200
    # The limits of an API are nobody's business but the administrator's.
    assert site.get("/watch").status == 401 and site.get("/watch", key="ci").status == 403
    for path in ("/off", "/detect"):
        got = site.get(path)
        assert got.status == 404 and "apisec_" not in got.text
    assert "APISEC0013" in site.server.error_log()


# AZ-13: SetHandler is a directive of httpd, and so a tenant's too
@pytest.mark.parametrize("text", [
    "SetHandler apisec-status\n", "<Files x.txt>\nSetHandler apisec-status\n</Files>\n",
    '<If "true">\nSetHandler apisec-status\n</If>\n', "AddHandler apisec-status .txt\n",
    "RewriteEngine On\nRewriteRule . - [H=apisec-status]\n", 'SetHandler "%{reqenv:X}apisec-status"\n'])
def test_a_tenant_cannot_have_it_by_htaccess(site, text):
    site.folder.write("htdocs/area/watch.txt", "x\n")
    site.folder.write("htdocs/area/.htaccess", "")
    assert "apisec_" in site.get("/area/watch.txt").text and site.get("/area/x.txt").text == "x\n"
    site.folder.write("htdocs/area/.htaccess", text)
    got = site.get("/area/x.txt")
    assert got.status == 404 and "apisec_" not in got.text, got
    os.unlink(site.folder.path("htdocs/area/.htaccess"))
