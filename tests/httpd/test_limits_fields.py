"""RateLimit fields on every answer but redirects, in the words that the section asks for."""

import pytest
from harness import Site, parse_list

pytestmark = pytest.mark.one_mpm

CONF = """
Protocols h2c http/1.1
ApiSecRequireTLS Off
ScriptAlias /cgi @ROOT@/cgi
<Directory @ROOT@/cgi>
    Require all granted
</Directory>
<Location /api>
    ApiSecEngine On
    ApiSecLimit calls rate=40/h burst=60 by=key
    ApiSecLimit source rate=900/d by=ip
</Location>
<Location /api/legacy>
    ApiSecRateLimitFields legacy
</Location>
<Location /api/both>
    ApiSecRateLimitFields both
</Location>
<Location /api/none>
    ApiSecRateLimitFields none
</Location>
<Location /api/tight>
    ApiSecLimit tight rate=2/d by=key
</Location>
<Location /api/none/tight>
    ApiSecLimit tight rate=2/d by=key
</Location>
<Location /api/legacy/tight>
    ApiSecLimit tight rate=2/d by=key
</Location>
<Location /api/several>
    ApiSecLimit calls rate=10/s rate=20/m rate=30/h rate=40/d by=key
</Location>
<Location /api/doc>
    ErrorDocument 404 /page.html
</Location>
<Location /api/cgi>
    ApiSecLimit calls rate=40/h by=key
</Location>
"""
DRAFT = ("RateLimit", "RateLimit-Policy")
LEGACY = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")


def prepare(site):
    for name in ("api", "api/legacy", "api/both", "api/none", "api/tight", "api/none/tight", "api/legacy/tight", "api/several"):
        site.folder.write("htdocs/%s/x.txt" % name, "x\n")
    site.folder.write("htdocs/page.html", "page\n")
    site.script("fails", 'printf "Status: 500\\nContent-Type: text/plain\\n\\nno\\n"\n')
    site.script("moved", 'printf "Status: 302\\nLocation: http://localhost/elsewhere\\n\\n"\n')
    site.script("broken", 'echo nonsense\n')
    site.role("reader", "GET,PUT /api/**", "GET /cgi/**")
    site.role("poor", "GET /other/**")
    for i in range(20):
        site.key("key-%d" % i)
    site.key("poor", role="poor")
    site.unused = ["key-%d" % i for i in range(20)]


@pytest.fixture(scope="module")
def site():
    conf = CONF + "<Location /cgi>\n    ApiSecEngine On\n    ApiSecLimit calls rate=40/h by=key\n</Location>\n"
    with Site(conf, prepare, modules=["alias", "cgi", "remoteip", "http2"]) as made:
        yield made


@pytest.fixture
def key(site):
    return site.unused.pop()


def has(got, *names):
    """Exactly these of all fields that tell of limits, each once."""
    seen = [name for name in DRAFT + LEGACY if got.headers[name] is not None]
    assert sorted(seen) == sorted(names), got
    assert all(len(got.headers.get_all(name)) == 1 for name in seen), got


# LIM-16, LIM-17: whatever the answer is, if something was charged for it
@pytest.mark.parametrize("method, path, credential, status", [
    ("GET", "/api/x.txt", True, 200), ("HEAD", "/api/x.txt", True, 200), ("GET", "/api/none.txt", True, 404),
    ("PUT", "/api/x.txt", True, 405), ("GET", "/cgi/fails", True, 500), ("GET", "/cgi/broken", True, 500),
    ("GET", "/api/x.txt", "hunter2", 401), ("GET", "/api/x.txt", None, 401), ("GET", "/api/x.txt", "poor", 403),
    ("GET", "/api/doc/none", True, 404),
])
def test_fields_are_on_every_answer(site, key, method, path, credential, status):
    got = site.request(method, path, key if credential is True else credential)
    assert got.status == status
    has(got, *DRAFT)
    names = [name for name, _ in parse_list(got.headers["RateLimit"])]
    assert names == [name for name, _ in parse_list(got.headers["RateLimit-Policy"])]
    wanted = ["calls"] if path.startswith("/cgi") else ["calls", "source"] if status not in (401,) else ["source"]
    assert names == wanted


# LIM-17
def test_fields_are_on_no_redirect(site, key):
    tag = site.get("/api/x.txt", key=key).headers["ETag"]
    got = site.get("/api/x.txt", key=key, headers=[("If-None-Match", tag)])
    assert got.status == 304
    has(got)
    assert dict(parse_list(site.get("/api/x.txt", key=key).headers["RateLimit"]))["calls"]["r"] == 57
    got = site.get("/cgi/moved", key=key)
    assert got.status == 302
    has(got)
    assert dict(parse_list(site.get("/cgi/fails", key=key).headers["RateLimit"]))["calls"]["r"] == 38


# LIM-16: nothing is charged for what a limit has not been asked about
def test_fields_are_not_where_nothing_is_limited(site):
    got = site.get("/page.html")
    assert got.status == 200
    has(got)


def test_legacy_fields_tell_of_the_limit_with_the_least_left(site, key):
    got = site.get("/api/legacy/x.txt", key=key)
    has(got, *LEGACY)
    assert (got.headers["X-RateLimit-Limit"], got.headers["X-RateLimit-Remaining"]) == ("60", "59")
    assert 1 <= int(got.headers["X-RateLimit-Reset"]) <= 90
    for remaining in ("1", "0", "0"):
        got = site.get("/api/legacy/tight/x.txt", key=key)
        has(got, *LEGACY)
        assert (got.headers["X-RateLimit-Limit"], got.headers["X-RateLimit-Remaining"]) == ("2", remaining)
    assert got.status == 429 and int(got.headers["Retry-After"]) >= int(got.headers["X-RateLimit-Reset"])


def test_both_and_none(site, key):
    got = site.get("/api/both/x.txt", key=key)
    has(got, *DRAFT, *LEGACY)
    assert dict(parse_list(got.headers["RateLimit"]))["calls"]["r"] == int(got.headers["X-RateLimit-Remaining"]) == 59
    has(site.get("/api/none/x.txt", key=key))
    for status in (200, 200, 429):
        got = site.get("/api/none/tight/x.txt", key=key)
        assert got.status == status
        has(got)
    # When to come again is no secret: without it clients would ask at once.
    assert int(got.headers["Retry-After"]) > 0 and got.json()["violated-policies"] == ["tight"]


# LIM-16: the meters of one limit have names of their own
def test_meters_of_one_limit(site, key):
    got = site.get("/api/several/x.txt", key=key)
    assert dict(parse_list(got.headers["RateLimit-Policy"])) == {
        "source": {"q": 900, "w": 86400}, "calls-s": {"q": 10, "w": 1}, "calls-m": {"q": 20, "w": 60},
        "calls-h": {"q": 30, "w": 3600}, "calls-d": {"q": 40, "w": 86400}}
    left = {name: values["r"] for name, values in parse_list(got.headers["RateLimit"])}
    del left["source"]
    assert left == {"calls-s": 9, "calls-m": 19, "calls-h": 29, "calls-d": 39}
    for _ in range(60):
        got = site.get("/api/several/x.txt", key=key)
        if got.status == 429:
            break
    assert got.status == 429 and got.json()["violated-policies"][0] in ("calls-s", "calls-m")


# LIM-16: over HTTP/2 as well
@pytest.mark.parametrize("path, status, wanted", [("/api/x.txt", "200", True), ("/api/none.txt", "404", True),
                                                  ("/cgi/moved", "302", False)])
def test_fields_over_http2(site, key, path, status, wanted):
    code, out = site.server.curl("--http2-prior-knowledge", "-i", "-H", "X-API-Key: " + site.keys[key], site.server.url(path))
    assert code == 0 and out.startswith(b"HTTP/2 " + status.encode())
    assert (b"\nratelimit: " in out) == (b"\nratelimit-policy: " in out) == wanted


def many(site):
    site.role("reader", "GET /orders/**")
    site.key("ci", limit="3/d")


# LIM-16: at most eight meters, those with the least left among them
def test_fields_are_bounded(make_site):
    name = "n" * 60
    lines = "".join("    ApiSecLimit %s%02d rate=%d/m rate=%d/h by=key\n" % (name, i, 100 - i, 1000000000) for i in range(8))
    site = make_site("<Location /orders>\n    ApiSecEngine On\n%s</Location>\n" % lines, many)
    for left in (2, 1, 0, 0):
        got = site.get(key="ci")
        shown = {n: values["r"] for n, values in parse_list(got.headers["RateLimit"])}
        assert len(shown) == 8 and shown["key"] == left
        assert set(shown) == {"key"} | {"%s%02d-m" % (name, i) for i in range(1, 8)}
        assert len(got.headers["RateLimit"]) < 1000 and len(got.headers["RateLimit-Policy"]) < 1100
    assert got.status == 429 and got.json()["violated-policies"] == ["key"]
