"""Pages of other origins: preflights, refusals that a page can read, and who decides about both."""

import pytest
from harness import Backend, Server, Site
from harness.backend import fields_of
from harness.h2 import H2Connection

pytestmark = pytest.mark.one_mpm

APP, ADMIN, FOREIGN = "https://app.example.org", "http://localhost:3000", "https://evil.example"
EXPOSED = ("WWW-Authenticate, DPoP-Nonce, Retry-After, RateLimit, RateLimit-Policy, Deprecation, Sunset, Link, X-Request-Id")
CONF = """
Protocols h2c http/1.1
ApiSecRequireTLS Off
ErrorDocument 404 /errors/404.txt
ErrorDocument 204 /cgi/ran
ScriptAlias /cgi @ROOT@/cgi
<Directory @ROOT@/cgi>
    Require all granted
</Directory>
ApiSecEngine On
<Location /orders>
    ApiSecCors https://app.example.org http://localhost:3000
    ApiSecLimit calls rate=2/d by=key
</Location>
<Location /orders/list.html>
    ApiSecLimit calls rate=1000/d by=key
    ApiSecKeyFrom header:X-Shop-Key header:X-API-Key
    ApiSecCors https://app.example.org credentials headers=X-Tenant,X-Trace expose=ETag methods=GET,PUT max-age=2h
    ApiSecRateLimitFields both
</Location>
<Location /orders/8.json>
    ApiSecCors none
</Location>
<Location /items>
    ApiSecCors *
    ApiSecRequire public
</Location>
<Location /cgi>
    ApiSecCors https://app.example.org
</Location>
<Location /cgi/quiet>
    ApiSecCors none
</Location>
<Location /watch>
    ApiSecEngine DetectOnly
    ApiSecCors https://app.example.org
</Location>
<Location /few>
    ApiSecCors https://app.example.org
    ApiSecLimit source rate=3/d by=ip
</Location>
<Location /back>
    ApiSecCors https://app.example.org
    ProxyPass http://127.0.0.1:@BACK@/back
</Location>
<Location /theirs>
    ApiSecEngine Off
    ProxyPass http://127.0.0.1:@BACK@/
</Location>
Header always set Access-Control-Allow-Origin "https://evil.example"
Header set Access-Control-Allow-Origin "https://evil.example"
Header always set X-Ours "yes"
"""
THEIRS = [("Access-Control-Allow-Origin", "*"), ("Access-Control-Allow-Private-Network", "true"), ("Vary", "Accept")]


def prepare(site):
    site.role("reader", "GET,POST,PUT,OPTIONS /orders/**", "OPTIONS,GET,POST /cgi/**", "GET /few/**", "GET,OPTIONS /back/**")
    for name in ("ci", "few", "own"):
        site.key(name)
    for name in ("ran", "quiet"):
        site.script(name, 'echo ran >> "@ROOT@/ran.txt"\nprintf "Content-Type: text/plain\\n\\nran %s\\n" "$REQUEST_METHOD"\n'
                    .replace("@ROOT@", site.folder.root))
    site.folder.write("ran.txt", "", 0o666)
    site.folder.write("htdocs/errors/404.txt", "not here\n")
    for name in ("few", "watch"):
        site.folder.write("htdocs/%s/x.txt" % name, "x\n")


@pytest.fixture(scope="module")
def back():
    with Backend(THEIRS) as backend:
        yield backend


@pytest.fixture(scope="module")
def site(back):
    with Site(CONF.replace("@BACK@", str(back.port)), prepare, modules=["cgi", "headers", "proxy_http", "http2", "remoteip"]) as made:
        yield made


def preflight(site, path, origin=APP, method="GET", headers=()):
    return site.request("OPTIONS", path, headers=[("Origin", origin), ("Access-Control-Request-Method", method), *headers])


def cors(got):
    """The fields that are about pages, and Vary; none of them twice."""
    fields = [(name, value) for name, value in got.headers.items() if name.lower().startswith("access-control-")]
    assert len(fields) == len(dict(fields)), fields
    return dict(fields)


def varies(got):
    return "Origin" in [word.strip() for line in got.headers.get_all("Vary", []) for word in line.split(",")]


def reason(site, got):
    line = site.server.wait_audit(lambda line: line["id"] == got.headers["X-Request-Id"])
    return line["decision"], line["reason"], line["event"]


# TRN-06, TRN-08
def test_preflight_is_answered_without_a_credential(site):
    got = preflight(site, "/orders/7.json", headers=[("Access-Control-Request-Headers", "authorization,x-anything")])
    assert (got.status, got.body, varies(got)) == (204, b"", True)
    fields = cors(got)
    listed = fields.pop("Access-Control-Allow-Headers").split(", ")
    assert {"Authorization", "DPoP", "X-API-Key", "Content-Type", "Signature", "Signature-Input", "Content-Digest"} <= set(listed)
    assert "*" not in listed and "x-anything" not in listed
    assert fields == {"Access-Control-Allow-Origin": APP, "Access-Control-Max-Age": "600",
                      "Access-Control-Allow-Methods": "GET, HEAD, POST, PUT, PATCH, DELETE"}
    assert got.headers["X-Ours"] == "yes"  # other fields of mod_headers stay
    assert reason(site, got) == ("allow", "cors_preflight", "authz_allow")
    # Whatever it asks for: the list is the same, and the browser compares.
    assert cors(preflight(site, "/orders/7.json", ADMIN, "DELETE"))["Access-Control-Allow-Origin"] == ADMIN
    assert cors(preflight(site, "/orders/7.json", method="BREW"))["Access-Control-Allow-Methods"] == fields["Access-Control-Allow-Methods"]


# TRN-06, TRN-08
def test_options_of_a_preflight(site):
    fields = cors(preflight(site, "/orders/list.html"))
    listed = fields.pop("Access-Control-Allow-Headers").split(", ")
    assert listed[-4:] == ["X-Shop-Key", "X-API-Key", "X-Tenant", "X-Trace"] and "Authorization" in listed
    assert fields == {"Access-Control-Allow-Origin": APP, "Access-Control-Allow-Credentials": "true",
                      "Access-Control-Max-Age": "7200", "Access-Control-Allow-Methods": "GET, PUT"}
    fields = cors(preflight(site, "/items/1.json", FOREIGN))
    assert fields["Access-Control-Allow-Origin"] == "*" and "Access-Control-Allow-Credentials" not in fields
    # Pages of the Internet get no way into a private network.
    fields = cors(preflight(site, "/orders/7.json", headers=[("Access-Control-Request-Private-Network", "true")]))
    assert "Access-Control-Allow-Private-Network" not in fields


# TRN-06
def test_preflight_reaches_no_handler_and_no_document(site, back):
    def told():
        with open(site.folder.path("ran.txt")) as seen:
            return len(back.seen), seen.read()

    before = told()
    for path in ("/cgi/ran", "/back/x", "/orders/", "/orders", "/orders/nothing"):
        got = preflight(site, path)
        assert (got.status, got.body) == (204, b""), path
        assert cors(got)["Access-Control-Allow-Origin"] == APP
    assert told() == before
    # One with content, and the connection goes on.
    with site.server.connect() as c:
        fields = [("Origin", APP), ("Access-Control-Request-Method", "PUT")]
        assert c.request("OPTIONS", "/cgi/ran", fields, body="x" * 3000).status == 204
        assert c.request("GET", "/orders/list.html", [("X-API-Key", site.keys["ci"])]).status == 200


# TRN-06
@pytest.mark.parametrize("fields", [
    [], [("Origin", APP)], [("Access-Control-Request-Method", "GET")],
    [("Access-Control-Request-Method", "GET"), ("X-Origin", APP)],
])
def test_every_other_options_is_authenticated(site, back, fields):
    before = len(back.seen)
    for path in ("/orders/7.json", "/cgi/ran", "/back/x"):
        got = site.request("OPTIONS", path, headers=fields)
        assert got.status == 401 and reason(site, got)[1] == "credential_missing"
    assert len(back.seen) == before
    assert site.request("OPTIONS", "/cgi/ran", "ci", fields).text == "ran OPTIONS\n"
    # So is a preflight where no page is listed.
    for path in ("/orders/8.json", "/cgi/quiet", "/other/x.json"):
        assert preflight(site, path).status == 401
    got = site.request("OPTIONS", "*", headers=[("Origin", APP), ("Access-Control-Request-Method", "GET")])
    assert got.status == 401
    # A GET that looks like one is a GET.
    got = site.get(headers=[("Origin", APP), ("Access-Control-Request-Method", "GET")])
    assert got.status == 401


# TRN-07
@pytest.mark.parametrize("origin", [
    FOREIGN, "null", "*", "", "https://app.example.org.evil.example", "https://evil.example/https://app.example.org",
    "https://APP.example.org", "http://app.example.org", "https://app.example.org:443", "https://app.example.org/",
    "https://app.example.or", "https://xapp.example.org", "https://app.example.org, https://evil.example",
    "https://app.example.org\tx",
])
def test_other_origins_are_refused_and_never_reflected(site, back, origin):
    before = len(back.seen)
    for ask in (lambda: preflight(site, "/orders/7.json", origin), lambda: preflight(site, "/back/x", origin),
                lambda: site.request("POST", "/back/x", "ci", [("Origin", origin)]),
                lambda: site.get("/back/x", key="ci", headers=[("Origin", origin)])):
        got = ask()
        assert got.status == 403 and cors(got) == {} and varies(got)
    assert reason(site, got) == ("refuse", "cors_origin", "malicious_cors")
    assert len(back.seen) == before


# TRN-07
def test_origin_sent_twice_is_refused(site):
    for pair in ((APP, APP), (APP, FOREIGN), (FOREIGN, APP)):
        got = site.get(key="ci", headers=[("Origin", origin) for origin in pair])
        assert got.status == 403 and cors(got) == {}


# TRN-07
def test_page_of_the_host_itself_is_no_stranger(site):
    own = "://127.0.0.1:%d" % site.server.port
    for scheme in ("http", "https"):
        got = site.request("POST", "/cgi/ran", "ci", [("Origin", scheme + own)])
        assert got.status == 200 and cors(got) == {} and varies(got)
    assert site.request("POST", "/cgi/ran", "ci", [("Origin", "http://127.0.0.1")]).status == 403
    # Its OPTIONS is none of a stranger's page either.
    assert preflight(site, "/cgi/ran", "http" + own).status == 401


# TRN-07
def test_answers_depend_on_the_origin_and_say_so(site):
    for headers, allowed in (([], None), ([("Origin", APP)], APP), ([("Origin", ADMIN)], ADMIN)):
        got = site.get("/cgi/ran" if allowed != ADMIN else "/orders/nothing", key="own", headers=headers)
        assert cors(got).get("Access-Control-Allow-Origin") == allowed and varies(got)
    got = site.get("/items/1.json", headers=[("Origin", FOREIGN)])
    assert got.status == 200 and cors(got)["Access-Control-Allow-Origin"] == "*" and not varies(got)
    got = site.get("/items/1.json", headers=[("Origin", "null")])
    assert cors(got)["Access-Control-Allow-Origin"] == "*"


# TRN-08
def test_refusals_are_readable_by_the_page(site):
    page = [("Origin", APP)]
    seen = {}
    for key, path in ((None, "/orders/7.json"), ("few", "/orders/7.json"), ("few", "/orders/7.json"), ("few", "/orders/7.json"),
                      ("ci", "/cgi/quiet/.."), ("hunter2", "/back/x")):
        got = site.get(path, key=key, headers=page)
        seen.setdefault(got.status, got)
    seen[405] = site.request("DELETE", "/orders/7.json", "ci", page)
    seen[403] = site.request("PUT", "/cgi/ran", "own", page)
    assert set(seen) >= {200, 401, 403, 405, 429}, seen
    for status in (200, 401, 403, 405, 429):
        assert cors(seen[status]) == {"Access-Control-Allow-Origin": APP, "Access-Control-Expose-Headers": EXPOSED}, status
        assert varies(seen[status])
    assert seen[429].headers["Retry-After"] and seen[401].headers["WWW-Authenticate"]
    # With httpd's own errors and their documents, too.
    got = site.get("/orders/nothing", key="own", headers=page)
    assert (got.status, got.text) == (404, "not here\n")
    assert cors(got)["Access-Control-Allow-Origin"] == APP
    got = site.get("/orders/list.html", key="own", headers=page)
    assert cors(got) == {"Access-Control-Allow-Origin": APP, "Access-Control-Allow-Credentials": "true",
                         "Access-Control-Expose-Headers": EXPOSED +
                         ", X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, ETag"}


# TRN-07: who decides is the section, not mod_headers and not the backend
def test_backend_and_mod_headers_have_no_say(site, back):
    got = site.get("/back/x", key="own", headers=[("Origin", APP)])
    assert got.status == 200 and cors(got)["Access-Control-Allow-Origin"] == APP
    assert "Access-Control-Allow-Private-Network" not in cors(got) and varies(got) and "Accept" in str(got.headers.get_all("Vary"))
    assert cors(site.get("/back/x", key="own")) == {}
    assert fields_of(back.seen[-2], "Origin") == [APP]  # the backend may know
    assert site.get("/theirs/x").headers.get_all("Access-Control-Allow-Private-Network") == ["true"]
    # Where no page is listed, ours is not asked.
    assert site.get("/orders/8.json", key="own").headers.get_all("Access-Control-Allow-Origin")


# TRN-06, NEG-10
def test_detect_only_changes_nothing(site):
    got = preflight(site, "/watch/x.txt")
    assert got.status == 200 and got.headers["Allow"] and "Access-Control-Allow-Methods" not in got.headers
    got = site.get("/watch/x.txt", headers=[("Origin", FOREIGN)])
    assert got.status == 200
    line = site.server.wait_audit(lambda line: line["path"] == "/watch/x.txt" and line["method"] == "GET")
    assert (line["decision"], line["reason"]) == ("would-refuse", "cors_origin")
    line = site.server.wait_audit(lambda line: line["path"] == "/watch/x.txt" and line["method"] == "OPTIONS")
    assert (line["decision"], line["reason"]) == ("allow", "cors_preflight")


# TRN-06, LIM-12: it costs its address what any request without a name does
def test_preflights_are_held_to_the_limits_of_their_address(site):
    def ask(origin):
        return preflight(site, "/few/x.txt", origin, headers=[("X-Forwarded-For", "192.0.2.5")])

    assert [ask(origin).status for origin in (APP, FOREIGN, APP, APP)] == [204, 403, 204, 429]
    assert site.get("/few/x.txt", key="ci", headers=[("X-Forwarded-For", "192.0.2.5")]).status == 429
    assert preflight(site, "/few/x.txt").status == 204


# TRN-06
def test_preflight_on_a_stream(site):
    with H2Connection(site.server.port) as c:
        fields = [("access-control-request-method", "GET")]
        c.request("OPTIONS", "/cgi/ran", [("origin", APP), *fields])
        c.request("OPTIONS", "/cgi/ran", [("origin", FOREIGN), *fields])
        c.request("OPTIONS", "/cgi/ran", [("origin", "https://127.0.0.1:%d" % site.server.port), *fields])
        c.request("OPTIONS", "/cgi/ran", fields)
        assert [stream.status for stream in c.finish()] == [204, 403, 401, 401]


# TRN-07, CLI-05
@pytest.mark.parametrize("words, said", [
    ("* credentials", "list the origins"), ("", "want origins"), ("credentials", "want origins"), ("null", "as browsers send it"),
    ("https://*.example.org", "pattern"), ("https://app.example.org/", "not even a slash"), ("app.example.org", "such as https://"),
    ("* https://a.example", "stands for every origin"), ("https://a.example https://a.example", "named twice"),
    ("https://a.example methods=GET,BREW", '"BREW"'), ("https://a.example methods=", "names none"),
    ("https://a.example headers=*", "names of header fields"), ("https://a.example expose=A,,B", "names of header fields"),
    ("https://a.example max-age=2d", "1s to 24h"), ("https://a.example max-age=60", "1s to 24h"),
    ("https://a.example none", "such as https://"), ("https://a.example\nApiSecCors https://b.example", "given before"),
])
def test_mistakes_are_found_before_the_start(folder, words, said):
    code, out = Server(folder, "<Location />\nApiSecCors %s\n</Location>\n" % words).configtest()
    assert code != 0 and "ApiSecCors" in out and said in out, out
