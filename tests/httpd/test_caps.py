"""Caps on what a request says: each is judged before anybody is asked for a name."""

import re
import socket

import pytest
from harness import Site, parse_list

pytestmark = pytest.mark.one_mpm

CONF = """
LimitRequestFields 0
LimitRequestLine 100000
LimitRequestFieldSize 100000
ApiSecFailLimit 3/h
ApiSecEngine On
ApiSecMax target=100 fields=10 field=200 body=50
ApiSecLimit total rate=1000/d by=key
ScriptAlias /cgi @ROOT@/cgi
<Directory @ROOT@/cgi>
    Require all granted
</Directory>
<VirtualHost 127.0.0.1:@PORT1@>
    RequestReadTimeout header=1 body=1,MinRate=100000
</VirtualHost>
"""
# Status, then the request: method, path, fields, body.
ABOVE = {
    "target": (414, "GET", "/orders/" + "x" * 93, [], None),
    "query": (414, "GET", "/orders/7.json?" + "x" * 86, [], None),
    "field": (431, "GET", "/orders/7.json", [("X-Long", "v" * 201)], None),
    "fields": (431, "GET", "/orders/7.json", [("X-%d" % i, "v") for i in range(8)], None),
    "body": (413, "POST", "/cgi/read", [], "b" * 51),
    "declared body": (413, "POST", "/cgi/read", [("Content-Length", "999999999999")], None),
}
AT = {
    "target": (404, "GET", "/orders/" + "x" * 92, [], None),
    "query": (200, "GET", "/orders/7.json?" + "x" * 85, [], None),
    "field": (200, "GET", "/orders/7.json", [("X-Long", "v" * 200)], None),
    "fields": (200, "GET", "/orders/7.json", [("X-%d" % i, "v") for i in range(7)], None),
    "body": (200, "POST", "/cgi/read", [], "b" * 50),
}


def prepare(site):
    site.role("reader", "GET /orders/**", "POST /cgi/*")
    site.key("ci")
    site.key("revoked")
    site.store.ok("key", "revoke", "revoked")
    site.script("read", 'printf "Content-Type: text/plain\\n\\n"\ncat\n')


@pytest.fixture
def site(make_site):
    return make_site(CONF, prepare, modules=["cgi", "reqtimeout"], ports=2)


def ask(site, case, key):
    status, method, path, fields, body = case
    # Host, Accept-Encoding and the key are fields, too; so that every key is counted alike there is always one.
    return status, site.request(method, path, key or "", [("Accept", "*/*")] + fields, body=body)


def work(site):
    """What authentication leaves behind in the counters."""
    state = site.store.json("status")["state"]
    return {name: value for name, value in state.items() if name.startswith(("cache_", "authn_", "refused_authn"))}


# TRN-10
def test_what_is_too_large_is_refused_before_authentication(site):
    before = work(site)
    assert before and not any(before.values()), before
    for name, case in ABOVE.items():
        for key in ("ci", "hunter2", "revoked", None):
            wanted, got = ask(site, case, key)
            assert got.status == wanted, (name, key, got)
            assert got.headers["RateLimit"] is None and got.headers["WWW-Authenticate"] is None
            line = site.server.wait_audit(lambda line: line["id"] == got.headers["X-Request-Id"])
            assert line["event"] == "input_validation_fail" and not {"key", "user", "gen"} & set(line), line
    assert work(site) == before, "nobody was asked for a name"
    # Nothing was charged, neither to a source nor to a key.
    assert [site.get(key="hunter2").status for _ in range(4)] == [401, 401, 401, 429]
    assert dict(parse_list(site.get(key="ci").headers["RateLimit"]))["total"]["r"] == 999


# TRN-10
def test_what_is_at_its_cap_is_served(site):
    for name, case in AT.items():
        wanted, got = ask(site, case, "ci")
        assert got.status == wanted, (name, got)


def send_and_wait(port, data):
    """Sends the bytes, keeps the connection open, and reads until the server has had enough."""
    with socket.create_connection(("127.0.0.1", port), 30) as s:
        s.sendall(data)
        got = b""
        while more := s.recv(65536):
            got += more
            if b"\r\n\r\n" in got and not re.match(rb"HTTP/1\.1 (408|200)", got):
                break
        return got


# TRN-10: mod_reqtimeout's times, beside the engine
def test_slow_requests_are_ended_before_anything_is_decided(site):
    before = work(site)
    key = site.keys["ci"].encode()
    slow = site.server.ports[1]
    head = b"POST /cgi/read HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: slow-request-1\r\nX-API-Key: "
    got = send_and_wait(slow, head + key + b"\r\n")
    assert got.startswith(b"HTTP/1.1 408"), got
    assert work(site) == before
    line = site.server.wait_audit(lambda line: line["status"] == 408)
    assert line["decision"] == "off" and "key" not in line
    # Of a body nothing is read before the decision; then its rate counts.
    got = send_and_wait(slow, head + b"hunter2\r\nContent-Length: 50\r\n\r\nb")
    assert got.startswith(b"HTTP/1.1 401"), got
    got = send_and_wait(slow, head + key + b"\r\nContent-Length: 50\r\n\r\nb")
    assert got.startswith(b"HTTP/1.1 408"), got
