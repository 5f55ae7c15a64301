"""What a request costs: by route, method, bytes and expression; charged once."""

import pytest
from harness import Site, parse_list
from harness.h2 import H2Connection

pytestmark = pytest.mark.one_mpm

CONF = """
Protocols h2c http/1.1
ApiSecRequireTLS Off
AddType text/html .shtml
AddOutputFilter INCLUDES .shtml
<Directory @DOCS@>
    Options Includes FollowSymLinks
</Directory>
ScriptAlias /cgi @ROOT@/cgi
<Directory @ROOT@/cgi>
    Require all granted
</Directory>
<Location /cgi>
    ApiSecEngine On
    ApiSecLimit units rate=100/d by=key
    ApiSecLimit own rate=1000/d by=key cost=7
    ApiSecLimit calls rate=50/d by=user cost=1
</Location>
<Location /cgi/method>
    ApiSecCost 2 POST,PUT:5 DELETE:9
</Location>
<Location /cgi/bytes>
    ApiSecCost bytes/1k
</Location>
<Location /cgi/expr>
    ApiSecCost "expr=%{HTTP:X-Units}"
</Location>
<Location /cgi/dear>
    ApiSecCost 101
</Location>
<Location /cgi/source>
    ApiSecCost bytes/1k
    ApiSecLimit source rate=9/d by=ip
</Location>
<Location /cgi/few>
    ApiSecCost POST:3
    ApiSecLimit units rate=7/d by=key
</Location>
<Location /parts>
    ApiSecEngine On
    ApiSecCost 4
    ApiSecLimit units rate=100/d by=key
</Location>
<Location /parts/index.shtml>
    ApiSecCost 30
</Location>
<Location /led>
    ApiSecEngine On
    ApiSecCost 2
    ApiSecPlan units
    ApiSecLimit units rate=100/d quota=90/month inflight=1 by=key
    ApiSecLimit roles rate=100/d by=role
    ApiSecLimit own rate=1000/d by=key cost=7
</Location>
<Location /led/dear>
    ApiSecCost 30
</Location>
<Location /led/dearest>
    ApiSecCost 120
</Location>
<Directory @DOCS@/led>
    AllowOverride FileInfo Indexes
    DirectoryIndex dear/x.html
</Directory>
"""
PATHS = ("base", "method", "bytes", "expr", "dear", "few", "source")


def prepare(site):
    site.role("reader", "GET,POST,PUT,DELETE /cgi/**", "GET /parts/**")
    site.store.ok("plan", "create", "units", "--limit", "plan rate=100/d by=key")
    for i in range(24):
        site.key("key-%d" % i)
    for name in ("led/x.html", "led/dear/x.html", "led/dearest/x.html"):
        site.folder.write("htdocs/" + name, "x\n")
    for name in PATHS:
        site.script(name, 'cat > /dev/null\nprintf "Content-Type: text/plain\\n\\n"\n')
    site.folder.write("htdocs/parts/a.html", "a\n")
    site.folder.write("htdocs/parts/index.shtml", '<!--#include virtual="a.html" --><!--#include virtual="a.html" -->\n')
    site.unused = list(site.keys)
    for name in ("rewrite", "index", "back", "refused"):
        site.role(name, "GET /led/**")
        site.key(name, role=name, limit="200/d")


@pytest.fixture(scope="module")
def site():
    with Site(CONF, prepare, modules=["cgi", "include", "http2", "remoteip", "rewrite"]) as made:
        yield made


@pytest.fixture
def key(site):
    return site.unused.pop()


def left(answer):
    return {name: values["r"] for name, values in parse_list(answer.headers["RateLimit"])}


def spent(site, key, method, path, headers=(), body=None):
    """(status, what it cost of the limit that the section's cost is for)."""
    before = left(site.get("/cgi/base", key=key))["units"]
    got = site.request(method, path, key, headers, body=body)
    after = left(site.get("/cgi/base", key=key))["units"]
    return got.status, before - after - 1


# LIM-19
def test_cost_by_method_and_route(site, key):
    assert left(site.get("/cgi/base", key=key)) == {"units": 99, "own": 993, "calls": 49}
    costs = {"GET": 2, "HEAD": 2, "POST": 5, "PUT": 5, "DELETE": 9}
    for method, cost in costs.items():
        assert spent(site, key, method, "/cgi/method", body="x" if method in ("POST", "PUT") else None) == (200, cost)
    # A limit with a cost of its own goes by that.
    requests = 1 + 3 * len(costs)
    assert left(site.get("/cgi/base", key=key)) == {
        "units": 100 - sum(costs.values()) - 2 * len(costs) - 2, "own": 1000 - 7 * (requests + 1),
        "calls": 50 - (requests + 1)}


# LIM-19
@pytest.mark.parametrize("size, cost", [(0, 1), (1, 1), (1024, 1), (1025, 2), (10240, 10), (10241, 11)])
def test_cost_by_bytes(site, key, size, cost):
    assert spent(site, key, "POST", "/cgi/bytes", body="x" * size) == (200, cost)


# LIM-19: what cannot be charged before it is read is not read
def test_body_of_unknown_length_is_refused_where_bytes_count(site, key):
    def chunked(path):
        return site.request("POST", path, key, [("Transfer-Encoding", "chunked")], body="5\r\nhello\r\n0\r\n\r\n")

    got = chunked("/cgi/bytes")
    assert got.status == 411 and got.headers["Content-Type"] == "application/problem+json"
    assert got.json()["status"] == 411
    line = site.server.wait_audit(lambda line: line["id"] == got.headers["X-Request-Id"])
    assert (line["reason"], line["decision"]) == ("length_required", "refuse")
    assert chunked("/cgi/method").status == 200
    # It costs its caller as any refusal does, so that nobody sends them for nothing.
    assert spent(site, key, "POST", "/cgi/bytes", [("Transfer-Encoding", "chunked")], "0\r\n\r\n") == (411, 1)
    address = [("X-Forwarded-For", "192.0.2.77")]
    for status in [401] * 9 + [429]:
        got = site.request("POST", "/cgi/source", None, address + [("Transfer-Encoding", "chunked")], body="0\r\n\r\n")
        assert got.status == status


# LIM-19
def test_cost_by_bytes_of_a_stream(site, key):
    def post(path, fields, body):
        with H2Connection(site.server.port) as c:
            c.request("POST", path, [("x-api-key", site.keys[key]), *fields], body)
            return c.finish()[0].status

    before = left(site.get("/cgi/base", key=key))["units"]
    assert post("/cgi/bytes", [("content-length", "5000")], b"x" * 5000) == 200
    assert left(site.get("/cgi/base", key=key))["units"] == before - 5 - 1
    assert post("/cgi/bytes", [], b"x" * 5000) == 411
    assert left(site.get("/cgi/base", key=key))["units"] == before - 5 - 1 - 1 - 1
    assert post("/cgi/bytes", [], b"") == 200


# LIM-19, LIM-02
@pytest.mark.parametrize("units, status, cost", [
    ("1", 200, 1), ("42", 200, 42), ("99", 200, 99), ("0", 400, 1), ("", 400, 1), ("-1", 400, 1), ("1e3", 400, 1),
    ("1000001", 400, 1), (None, 400, 1),
])
def test_cost_by_expression(site, key, units, status, cost):
    def ask(text):
        return site.get("/cgi/expr", key=key, headers=[("X-Units", text)] if text is not None else [])

    assert left(ask("1"))["units"] == 99
    got = ask(units)
    assert (got.status, left(got)["units"]) == (status, 99 - cost)
    if status == 400:
        line = site.server.wait_audit(lambda line: line["id"] == got.headers["X-Request-Id"])
        assert line["reason"] == "cost_invalid"
        assert site.server.wait_error("APISEC0005")


# LIM-02: more than can ever be spent is refused for good
def test_cost_above_all_that_can_be_spent(site, key):
    got = site.get("/cgi/dear", key=key)
    assert got.status == 429 and got.headers["Retry-After"] is None
    assert got.json()["violated-policies"] == ["units"]
    assert left(site.get("/cgi/base", key=key))["units"] == 99
    got = site.request("POST", "/cgi/bytes", key, body="x" * 200000)
    assert got.status == 429 and got.headers["Retry-After"] is None
    assert left(site.get("/cgi/base", key=key))["units"] == 98


# LIM-02: the cost is part of the question
def test_cost_above_what_is_left(site, key):
    for remaining in (4, 1):
        got = site.request("POST", "/cgi/few", key)
        assert got.status == 200 and left(got)["units"] == remaining
    got = site.request("POST", "/cgi/few", key)
    assert got.status == 429 and int(got.headers["Retry-After"]) > 0 and left(got)["units"] == 1
    assert site.get("/cgi/few", key=key).status == 200
    assert site.get("/cgi/few", key=key).status == 429


# LIM-23: a page and its parts are one request, and cost what the page does
def test_request_of_several_parts_is_charged_once(site, key):
    assert left(site.get("/parts/a.html", key=key))["units"] == 96
    assert left(site.get("/parts/index.shtml", key=key))["units"] == 66
    assert left(site.get("/parts/a.html", key=key))["units"] == 62


# LIM-23, LIM-19: by whatever way a dear section is come to, it costs what it costs, and the request is one
@pytest.mark.parametrize("name,path,htaccess,cost", [
    ("rewrite", "/led/x.html", "RewriteEngine On\nRewriteRule ^x.html$ dear/x.html [L]\n", 30),
    ("index", "/led/", "", 30),
    ("back", "/led/dear/x.html", "RewriteEngine On\nRewriteRule ^dear/ x.html [L]\n", 30),
])
def test_a_redirect_within_the_server_costs_the_dearest_section(site, name, path, htaccess, cost):
    site.folder.write("htdocs/led/.htaccess", htaccess)
    got = site.get(path, key=name)
    assert got.status == 200
    told = [policy for policy, _ in parse_list(got.headers["RateLimit"])]
    assert len(told) == len(set(told)) == 7
    assert left(got) == {"units-d": 100 - cost, "units-month": 90 - cost, "units-inflight": 0, "roles": 100 - cost, "own": 993,
                         "plan": 100 - cost, "key": 200 - cost}


def test_a_rest_that_is_refused_refuses(site):
    site.folder.write("htdocs/led/.htaccess", "RewriteEngine On\nRewriteRule ^x.html$ dearest/x.html [L]\n")
    got = site.get("/led/x.html", key="refused")
    assert got.status == 429 and "Retry-After" not in got.headers
    told = [policy for policy, _ in parse_list(got.headers["RateLimit"])]
    assert len(told) == len(set(told))
