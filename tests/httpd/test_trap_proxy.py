"""A reverse proxy: what the backend receives, and what it never does."""

import json
import re
import socket

import pytest
from harness import Backend, Site, body_of, fields_of

CONF = """
ProxyRequests Off
ProxyPreserveHost On
AllowEncodedSlashes NoDecode
<Location /api>
    ApiSecEngine On
    ApiSecRequire api-key
    ApiSecExport key-id user roles
    ProxyPass http://127.0.0.1:BACKEND/api
</Location>
<Location /grants>
    ApiSecEngine On
    ProxyPass http://127.0.0.1:BACKEND/grants nocanon
</Location>
<Location /moved>
    ApiSecEngine On
    ProxyPass http://127.0.0.1:BACKEND/admin
</Location>
<Location /renamed>
    ApiSecEngine On
    ProxyPass http://127.0.0.1:BACKEND/anything
</Location>
<Location /none>
    ApiSecEngine On
    ApiSecRequire api-key
    ApiSecExport none
    ProxyPass http://127.0.0.1:BACKEND/none
</Location>
<Location /pass>
    ApiSecEngine On
    ApiSecRequire api-key
    ApiSecPassCredential On
    ProxyPass http://127.0.0.1:BACKEND/pass
</Location>
<Location /public>
    ApiSecEngine On
    ApiSecRequire public
    ProxyPass http://127.0.0.1:BACKEND/public
</Location>
<Location /watch>
    ApiSecEngine DetectOnly
    ApiSecLimit w rate=2/d by=ip
    ApiSecDeny 127.0.0.0/8
    ProxyPass http://127.0.0.1:BACKEND/same
</Location>
<Location /off>
    ProxyPass http://127.0.0.1:BACKEND/same
</Location>
<Location /admin>
    ApiSecEngine On
    ProxyPass http://127.0.0.1:BACKEND/admin
</Location>
RewriteEngine On
RewriteRule ^/rewritten/(.*)$ http://127.0.0.1:BACKEND/$1 [P]
<Location /rewritten>
    ApiSecEngine On
</Location>
<Directory @DOCS@/perdir>
    ApiSecEngine On
    RewriteEngine On
    RewriteRule ^(.*)$ http://127.0.0.1:BACKEND/$1 [P]
</Directory>
"""


def prepare(site):
    site.role("reader", "GET,HEAD,POST,PUT /api/**", "GET /grants/**", "GET /moved/**", "GET /renamed/**",
              "GET /rewritten/**", "GET /perdir/**")
    site.role("admin", "GET /admin/**", inherit="reader")
    site.key("ci", owner="shop")
    site.key("boss", role="admin")
    site.folder.write("htdocs/perdir/x", "x")


@pytest.fixture(scope="module")
def backend():
    with Backend([("Cache-Control", "max-age=60"), ("X-Backend", "yes")]) as made:
        yield made


@pytest.fixture(scope="module")
def site(backend):
    with Site(CONF.replace("BACKEND", str(backend.port)), prepare, modules=["proxy_http", "rewrite"]) as made:
        yield made


def test_backend_is_reached(site, backend):
    got = site.get("/api/x?a=b", key="ci")
    assert got.status == 200 and got.headers["X-Backend"] == "yes"
    told = got.json()
    assert (told["method"], told["target"]) == ("GET", "/api/x?a=b")


# KEY-10
@pytest.mark.parametrize("place", ["/api/x", "/grants/x", "/none/x", "/renamed/x", "/rewritten/x", "/perdir/x"])
def test_credential_never_reaches_the_backend(site, place):
    key = site.keys["ci"]
    for headers in ([("X-API-Key", key)], [("x-api-KEY", key)], [("Authorization", "Bearer " + key)],
                    [("authorization", "bearer  " + key)]):
        got = site.get(place, headers=headers)
        assert got.status == 200, (headers, got)
        told = got.json()
        assert key not in str(told["fields"]) and key not in told["target"]
        assert fields_of(told, "X-API-Key") == fields_of(told, "Authorization") == []


# KEY-10
def test_credential_is_passed_where_the_administrator_says_so(site):
    key = site.keys["ci"]
    assert fields_of(site.get("/pass/x", key="ci").json(), "X-API-Key") == [key]
    assert fields_of(site.get("/pass/x", headers=[("Authorization", "Bearer " + key)]).json(),
                     "Authorization") == ["Bearer " + key]


LIES = [(name, "lie") for name in (
    "X_Apisec_Key_Id", "x-apisec-key-id", "X-Apisec-Key-Id", "X-APISEC-ROLES", "X-Apisec-User", "x_APISEC-user",
    "X-Apisec-Whatever", "Remote_User", "REMOTE-USER", "X-Remote-User", "X_Remote_User")]
CONTROL = [(name, "lie") for name in (
    "Proxy", "X-Original-URL", "X-Rewrite-URL", "X-HTTP-Method", "X-HTTP-Method-Override", "X-Method-Override",
    "X-Middleware-Subrequest", "Lock-Token", "X-Foo_Bar", "X_HTTP_Method_Override", "x-original_url")]
FORWARDING = [("X-Forwarded-For", "192.0.2.66"), ("X-Forwarded-Host", "lie"), ("X-Forwarded-Proto", "https"),
              ("X-Forwarded-Server", "lie"), ("X-Forwarded-Port", "lie"), ("X-Forwarded-Prefix", "lie"),
              ("Forwarded", "for=192.0.2.66"), ("X-Real-IP", "192.0.2.66"), ("X_Forwarded_For", "192.0.2.66"),
              ("X-Forwarded-User", "lie"), ("X_Real_IP", "192.0.2.66")]


# AZ-11, NEG-15, AZ-03, TRN-11
@pytest.mark.parametrize("place", ["/api/x", "/none/x", "/public/x", "/grants/x"])
def test_fields_that_clients_may_not_send_are_removed(site, place):
    for lies in (LIES, CONTROL, FORWARDING, LIES[:5] * 2):
        got = site.get(place, key="ci", headers=lies)
        assert got.status == 200, (lies, got)
        told = got.json()
        assert "lie" not in [value for _, value in told["fields"]], told["fields"]
        assert "192.0.2.66" not in str(told["fields"])
        names = [name for name, _ in told["fields"]]
        assert not [name for name in names if "_" in name]
        assert not {name.lower() for name in names} & {name.lower() for name, _ in CONTROL}
    for each in LIES + CONTROL + FORWARDING:
        told = site.get(place, key="ci", headers=[each, each]).json()
        assert each[1] not in [value for _, value in told["fields"]], (each, told["fields"])


# AZ-11
def test_backend_is_told_who_calls_once(site):
    told = site.get("/api/x", key="ci", headers=LIES).json()
    assert fields_of(told, "X-Apisec-Key-Id") == [site.ids["ci"]]
    assert fields_of(told, "X-Apisec-User") == ["shop"]
    assert fields_of(told, "X-Apisec-Roles") == ["reader"]
    told = site.get("/none/x", key="ci", headers=LIES).json()
    assert not [name for name, _ in told["fields"] if name.lower().startswith("x-apisec")]
    told = site.get("/public/x", headers=LIES).json()
    assert not [name for name, _ in told["fields"] if name.lower().startswith("x-apisec")]


# AZ-11
@pytest.mark.parametrize("connection", [
    "X-Apisec-Key-Id", "x-apisec-key-id, X-APISEC-USER", "close, X-Apisec-Key-Id", "keep-alive,X-Apisec-User,X-Apisec-Roles",
    "X-Request-Id", ", ,X-Apisec-Key-Id,", "X-Apisec-Key-Id\t", "Keep-Alive, X-Apisec-Roles ,X-Apisec-User,X-Apisec-Key-Id"])
def test_connection_drops_nothing_of_ours(site, connection):
    for headers in ([("Connection", connection)], [("Connection", "close"), ("connection", connection)]):
        told = site.get("/api/x", key="ci", headers=headers + [("X-Request-Id", "abcdefgh12345678")]).json()
        assert fields_of(told, "X-Apisec-Key-Id") == [site.ids["ci"]], told["fields"]
        assert fields_of(told, "X-Apisec-User") == ["shop"] and fields_of(told, "X-Apisec-Roles") == ["reader"]
        assert fields_of(told, "X-Request-Id") == ["abcdefgh12345678"]


# hop-by-hop fields that the client names itself stay hop-by-hop
def test_connection_still_drops_what_is_the_clients(site):
    told = site.get("/api/x", key="ci", headers=[("Connection", "X-Mine, X-Apisec-Key-Id"), ("X-Mine", "1"),
                                                 ("TE", "trailers"), ("Keep-Alive", "x")]).json()
    assert fields_of(told, "X-Mine") == fields_of(told, "Keep-Alive") == []
    assert fields_of(told, "X-Apisec-Key-Id") == [site.ids["ci"]]


# TRN-12, AZ-16
def test_request_id_is_the_same_everywhere(site):
    for headers in ([], [("X-Request-Id", "client-chose-this-1")], [("X-Request-Id", "bad id\x01")],
                    [("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")]):
        got = site.get("/api/x", key="ci", headers=[h for h in headers if "\x01" not in h[1]])
        request_id = got.headers["X-Request-Id"]
        assert fields_of(got.json(), "X-Request-Id") == [request_id]
        assert site.server.wait_audit(lambda line: line["id"] == request_id)["decision"] == "allow"


# AZ-04: the body comes through unharmed
@pytest.mark.parametrize("size", [0, 1, 10, 8192, 300000])
def test_bodies_pass_unharmed(site, size):
    body = bytes(i % 251 for i in range(size))
    for method in ("POST", "PUT"):
        got = site.request(method, "/api/x", "ci", body=body)
        assert got.status == 200 and body_of(got.json()) == body
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(body[i:i + 1000]), body[i:i + 1000]) for i in range(0, size, 1000))
    raw = site.server.raw(b"POST /api/x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-API-Key: %s\r\n"
                          b"Transfer-Encoding: chunked\r\n\r\n%s0\r\n\r\n" % (site.keys["ci"].encode(), chunks))
    assert raw.startswith(b"HTTP/1.1 200"), raw[:300]
    assert body == body_of(site_seen(raw))


def site_seen(raw):
    text = raw.split(b"\r\n\r\n", 1)[1]
    return json.loads(text[text.index(b"{"):text.rindex(b"}") + 1])


def read_head(stream):
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        line = stream.readline()
        if not line:
            return head
        head += line
    return head


# NEG-12, KEY-10: nobody is asked for a body before the decision
@pytest.mark.parametrize("key, wanted", [("ci", b"HTTP/1.1 100"), (None, b"HTTP/1.1 401"), ("hunter2", b"HTTP/1.1 401"),
                                         ("forbidden", b"HTTP/1.1 403")])
def test_expectation_is_answered_after_the_decision(site, key, wanted):
    place = b"/grants/x" if key == "forbidden" else b"/api/x"
    text = site.keys.get("ci" if key == "forbidden" else key, key)
    with socket.create_connection(("127.0.0.1", site.server.port), 30) as s:
        s.sendall(b"POST %s HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 5\r\n%s\r\n"
                  % (place, b"X-API-Key: %s\r\n" % text.encode() if text else b""))
        stream = s.makefile("rb")
        first = read_head(stream)
        if key == "forbidden":
            assert first[:12] in (b"HTTP/1.1 403", b"HTTP/1.1 405"), first
            return
        assert first.startswith(wanted), first
        if key == "ci":
            s.sendall(b"hello")
            last = read_head(stream)
            assert last.startswith(b"HTTP/1.1 200"), last
            length = int(re.search(rb"(?i)content-length: (\d+)", last).group(1))
            assert body_of(site_seen(last + stream.read(length))) == b"hello"


# NEG-03, AZ-04, AZ-14
def test_target_that_is_another_rules_path_is_refused(site):
    for path in ("/moved/x", "/rewritten/admin/x", "/perdir/admin/x", "/admin/x"):
        assert site.get(path, key="ci").status == 403, path
        assert site.get(path).status == 401, path
    for path in ("/moved/x", "/rewritten/admin/x", "/admin/x"):
        got = site.get(path, key="boss")
        assert got.status == 200 and got.json()["target"] == "/admin/x", path
    assert site.get("/renamed/x", key="ci").json()["target"] == "/anything/x"


# NEG-02, AZ-04
@pytest.mark.parametrize("path", [
    "/api/%2e%2e/admin/x", "/api/..%2fadmin/x", "/grants/..%2fadmin/x", "/grants/%2e%2e/admin/x", "/api/a%2fb", "/grants/a%2fb",
    "/grants/a%5cb", "/grants/a;b", "/api/;/x", "/grants/a%00b", "/grants//a", "/grants/./a", "/grants/a%252fb", "/grants/%zz",
    "/grants/%c0%af", "/rewritten/..%2f..%2fx", "/rewritten/%2e%2e/admin/x", "/perdir/..%2fadmin/x"])
def test_ambiguous_path_never_reaches_the_backend(site, backend, path):
    before = len(backend.seen)
    for key in ("ci", "boss", None):
        assert 400 <= site.get(path, key=key).status < 500, (key, path)
    assert [request["target"] for request in backend.seen[before:]] == []


# AZ-04
def test_backend_gets_the_path_that_was_decided(site):
    for sent, seen in (("/api/%6frders", "/api/orders"), ("/api/a%20b", "/api/a%20b"), ("/api/%c3%a4", "/api/%c3%a4"),
                       ("/api/a+b", "/api/a+b"), ("/api/x?y=/../z;%2f%00", "/api/x?y=/../z;%2f%00")):
        assert site.get(sent, key="ci").json()["target"].lower() == seen, sent


# AZ-03
def test_method_override_does_not_reach_the_backend(site, backend):
    for name in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "X_HTTP_Method_Override"):
        told = site.request("POST", "/api/x", "ci", headers=[(name, "DELETE")], body="x=1").json()
        assert told["method"] == "POST" and "DELETE" not in str(told["fields"])
    for path in ("/api/x?_method=DELETE", "/grants/x?a=1&_method=DELETE", "/pass/x?%5fmethod=x", "/public/x?_method=PUT"):
        before = len(backend.seen)
        assert site.request("POST" if path[1] == "a" else "GET", path, "ci").status == 400
        assert len(backend.seen) == before
    for _ in range(2):
        assert site.request("DELETE", "/api/x", "ci").status == 200  # api-key asks for no grant
    assert site.request("POST", "/grants/x", "ci", headers=[("X-HTTP-Method-Override", "GET")]).status in (403, 405)


# TRN-05: what the backend says of caching stays; nothing of an error is kept
def test_policy_of_the_backend_stays(site):
    assert site.get("/api/x", key="ci").headers.get_all("Cache-Control") == ["max-age=60"]
    assert site.get("/api/x").headers.get_all("Cache-Control") == ["no-store"]


# NEG-10: DetectOnly changes nothing at all
def test_detect_only_changes_nothing(site):
    key = site.keys["ci"]
    for headers in (LIES + CONTROL, FORWARDING, [("X-API-Key", key)], [("Authorization", "Bearer " + key)],
                    [("X-API-Key", "hunter2")], [("X-API-Key", key), ("Authorization", "Bearer " + key)],
                    [("Connection", "X-Apisec-Key-Id")], [("X-Request-Id", "abcdefgh12345678")], [],
                    [("Upgrade", "h2c"), ("Connection", "Upgrade")]):
        for method, path, body in (("GET", "x", None), ("POST", "a%20b?c=d", b"body"), ("TRACE", "x", None),
                                   ("QUERY", "x", None), ("GET", "a;b", None), ("GET", "%2e%2e/y", None),
                                   ("GET", "a%2fb", None), ("OPTIONS", "x", None)):
            with_engine = site.request(method, "/watch/" + path, headers=headers, body=body)
            without = site.request(method, "/off/" + path, headers=headers, body=body)
            assert with_engine.status == without.status, (method, path, headers)
            shown = [(n, v) for n, v in with_engine.headers.items() if n != "Date"]
            assert shown == [(n, v) for n, v in without.headers.items() if n != "Date"]
            if without.status == 200 and method != "OPTIONS":
                assert with_engine.body == without.body
    line = site.server.wait_audit(lambda line: line["path"].startswith("/watch") and line["method"] == "OPTIONS")
    assert (line["decision"], line["reason"]) == ("would-refuse", "address_denied")


# TRN-13, AZ-01: a backend that is gone is 502 or 503 for those who may ask, 401 for the rest
def test_backend_that_is_gone(make_site):
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        site = make_site(CONF.replace("BACKEND", str(held.getsockname()[1])), prepare, modules=["proxy_http", "rewrite"])
        assert site.get("/api/x", key="ci").status in (502, 503)
        assert site.get("/api/x").status == 401
