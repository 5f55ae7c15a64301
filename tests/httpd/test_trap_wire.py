"""Bytes on the wire: pipelining, odd and broken requests, and what others have collected of them."""

import base64
import json
import os
import random
import re

import pytest
from harness import TOP, Backend, Server, Site, parse_list

CORPORA = os.environ.get("APISEC_CORPORA") or os.path.join(os.path.dirname(TOP), "shared", "corpora")
# Where a request comes to, by port: without any engine, where all may, where a key is needed, where content and
# answers are held until they are judged, where a backend is behind that; under both settings of HttpProtocolOptions, of which an engine that is On
# wants Strict.
PLACES = [("Strict", "off", ""), ("Strict", "public", "ApiSecEngine On\nApiSecRequire public"),
          ("Strict", "key", "ApiSecEngine On\nApiSecRequire api-key"), ("Unsafe", "off", ""),
          ("Strict", "held", "ApiSecEngine On\nApiSecRequire public\nApiSecBody any\nApiSecResponses leaks=mask"),
          ("Strict", "proxied", "ApiSecEngine On\nApiSecRequire public\nApiSecBody any\nProxyPass / http://127.0.0.1:@BACK@/")]
SITES = "".join("""
<VirtualHost 127.0.0.1:@PORT%d@>
    HttpProtocolOptions %s
    %s
</VirtualHost>
""" % (i, options, engine) for i, (options, _, engine) in enumerate(PLACES))
LIMITS = "LimitRequestFields 0\nLimitRequestFieldSize 100000\nLimitRequestLine 100000\nTraceEnable Off\n"


def prepare(site):
    site.role("reader", "GET,POST,PUT,HEAD,OPTIONS,DELETE,PATCH /**")
    site.key("ci")
    site.key("other")
    site.key("revoked")
    site.store.ok("key", "revoke", "revoked")


@pytest.fixture(scope="module")
def site():
    with Backend() as backend:
        with Site(LIMITS + SITES.replace("@BACK@", str(backend.port)), prepare, ports=len(PLACES), modules=["proxy_http"]) as made:
            made.ports = {place[:2]: made.server.ports[i] for i, place in enumerate(PLACES)}
            made.backend = backend
            yield made


@pytest.fixture(scope="module")
def plain():
    """httpd without the module."""
    conf = LIMITS + "".join("<VirtualHost 127.0.0.1:@PORT%d@>\nHttpProtocolOptions %s\n</VirtualHost>\n" % pair
                            for pair in enumerate(("Strict", "Unsafe")))
    site = Site("", lambda site: None, start=False)
    try:
        with Server(site.folder, conf, ports=2, load=False) as server:
            yield dict(zip(("Strict", "Unsafe"), server.ports)), server
    finally:
        site.folder.remove()


def statuses(got):
    """Of all answers, in order; 100 is none."""
    return [int(s) for s in re.findall(rb"HTTP/1\.[01] (\d\d\d)[ \r]", got) if s != b"100"]


def same(got, port):
    """Without what differs between two servers and two seconds."""
    got = re.sub(rb"(?m)^(Date|Last-Modified|ETag|Allow): .*\r\n", b"", got)
    return got.replace(b":%d" % port, b":PORT")


def rows():
    path = os.path.join(CORPORA, "rawhttp.jsonl")
    if not os.path.exists(path):
        return None
    with open(path) as lines:
        return [json.loads(line) for line in lines]


# NEG-11, TRN-19, AZ-01, TRN-13
def test_requests_that_others_have_collected(site, plain):
    collected = rows()
    if collected is None:
        pytest.skip("no rawhttp.jsonl in %s: name its folder by APISEC_CORPORA" % CORPORA)
    ports, server = plain
    children = site.server.children()
    for row in collected:
        data = base64.b64decode(row["raw_b64"])
        for options in ("Strict", "Unsafe"):
            bare = server.raw(data, port=ports[options])
            off = site.server.raw(data, port=site.ports[options, "off"])
            assert same(off, site.ports[options, "off"]) == same(bare, ports[options]), (row["id"], options)
            if options == "Unsafe":
                continue
            for place in ("public", "held"):
                got = site.server.raw(data, port=site.ports[options, place])
                # HTTP/0.9 is answered without a status, and refused with one.
                assert len(statuses(got)) <= max(len(statuses(bare)), 1), (row["id"], options, got)
                for with_engine, without in zip(statuses(got), statuses(bare)):
                    assert with_engine == without or 400 <= with_engine <= 431 or with_engine == 501, (row["id"], options, got)
            before = len(site.backend.seen)
            got = site.server.raw(data, port=site.ports[options, "proxied"])
            assert len(statuses(got)) <= max(len(statuses(bare)), 1), (row["id"], options, got)
            assert len(site.backend.seen) - before == statuses(got).count(200), (row["id"], options, got)
            closed = site.server.raw(data, port=site.ports[options, "key"])
            assert len(statuses(closed)) <= max(len(statuses(bare)), 1), (row["id"], options, closed)
            assert not [s for s in statuses(closed) if s < 400] and b"hello\n" not in closed, (row["id"], options, closed)
    assert set(children) <= set(site.server.children())


def request(path="/orders/7.json", key=None, method="GET", more="", body=b""):
    head = "%s %s HTTP/1.1\r\nHost: localhost\r\n" % (method, path)
    if key:
        head += "X-API-Key: %s\r\n" % key
    if body:
        head += "Content-Length: %d\r\n" % len(body)
    return (head + more + "\r\n").encode("latin-1") + body


# TRN-19, LIM-23: what was decided for one request says nothing of the next
def test_pipelined_requests_are_decided_one_by_one(make_site):
    site = make_site("ApiSecEngine On\nKeepAlive On\nMaxKeepAliveRequests 0\nApiSecLimit total rate=2/d burst=5000 by=key\n", prepare)
    rng = random.Random(11)
    kinds = {"ci": 200, "other": 200, "revoked": 401, "none": 401, "bad": 401, "post": 200, "missing": 404}
    order = [kind for kind in kinds for _ in range(12)]
    rng.shuffle(order)
    before = {name: site.get(key=name) for name in ("ci", "other")}
    data = b""
    for i, kind in enumerate(order):
        more = "X-Request-Id: pipelined-%04d\r\n" % i
        key = site.keys.get(kind, {"none": None, "bad": "hunter2"}.get(kind, site.keys["ci"]))
        path = "/none" if kind == "missing" else "/orders/7.json"
        method, body = ("POST", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n") if kind == "post" else ("GET", b"")
        data += request(path, key, method, more, body)
    got = site.server.raw(data + request(key=site.keys["ci"], more="Connection: close\r\n"))
    wanted = [kinds[kind] for kind in order] + [200]
    assert statuses(got) == wanted
    ids = re.findall(rb"(?m)^X-Request-Id: pipelined-(\d{4})\r", got)
    assert [int(i) for i in ids] == list(range(len(order)))
    left = {name: parse_list(answer.headers["RateLimit"])[0][1]["r"] for name, answer in before.items()}
    charged = {"ci": 3 * 12 + 2, "other": 13}  # ci: its own, the POSTs, the 404s, the last; and the question itself
    for name in left:
        after = parse_list(site.get(key=name).headers["RateLimit"])[0][1]["r"]
        assert left[name] - after == charged[name], name
    for bad in (request("/orders//7.json", site.keys["ci"]),
                request(key=site.keys["ci"], more="Authorization: Bearer %s\r\n" % site.keys["other"])):
        assert statuses(site.server.raw(bad + request(key=site.keys["ci"]))) == [400]  # httpd trusts no further byte


# TRN-13
def test_one_odd_byte_anywhere(site):
    children = site.server.children()
    whole = request(key=site.keys["ci"], more="Connection: close\r\nAccept: */*\r\nX-Apisec-Roles: x\r\n")
    rng = random.Random(5)
    for at in range(len(whole)):
        for byte in (0, rng.randrange(1, 32), 0x7f, rng.randrange(0x80, 0x100)):
            got = site.server.raw(whole[:at] + bytes([byte]) + whole[at + rng.randrange(2):],
                                  port=site.ports["Strict", "key"])
            assert len(statuses(got)) <= 1, (at, byte, got)
            assert not statuses(got) or statuses(got)[0] in (200, 400, 401, 403, 404, 405, 408, 421, 501, 505), (at, byte, got)
    assert set(children) <= set(site.server.children())


# TRN-13
@pytest.mark.parametrize("seed", range(4))
def test_broken_requests(site, seed):
    children = site.server.children()
    rng = random.Random(seed)
    good = request(key=site.keys["ci"], more="Connection: X-Apisec-Key-Id, close\r\nX-Forwarded-For: 1.2.3.4\r\n")
    for _ in range(150):
        data = bytearray(good)
        for _ in range(rng.randrange(1, 6)):
            what, at = rng.randrange(4), rng.randrange(len(data))
            if what == 0:
                data[at] = rng.randrange(256)
            elif what == 1:
                del data[at:at + rng.randrange(1, 20)]
            elif what == 2:
                data[at:at] = bytes(rng.randrange(256) for _ in range(rng.randrange(1, 20)))
            else:
                data[at:at] = data[at:at + rng.randrange(1, 60)]
            if not data:
                break
        for place in ("key", "public"):
            got = site.server.raw(bytes(data), port=site.ports["Strict", place])
            assert all(s < 506 and s not in (500, 502, 503, 504) for s in statuses(got)), (bytes(data), got)
    assert set(children) <= set(site.server.children())


# NEG-15, TRN-10
def test_many_and_large_fields(site):
    children = site.server.children()
    port = site.ports["Strict", "key"]
    key = site.keys["ci"]
    cases = [
        "".join("X-Apisec-F%d: x\r\n" % i for i in range(50)), "".join("X_f%d: x\r\n" % i for i in range(90)),
        "".join("X-Forwarded-F%d: x\r\n" % i for i in range(17)), "".join("X-N%d: x\r\n" % i for i in range(1000)),
        "X-" + "n" * 8190 + ": x\r\n", "X-" + "n" * 65000 + ": x\r\n", "n" * 65000 + ": x\r\n",
        "X-Long: " + "v" * 65000 + "\r\n", "Connection: " + "X-Apisec-Key-Id, " * 2000 + "close\r\n",
        "Connection: " + "," * 8000 + "\r\n", "X-Request-Id: " + "a" * 65000 + "\r\n", "traceparent: " + "0" * 65000 + "\r\n",
        "Authorization: " + "Bearer " * 5000 + "\r\n", "Accept: " + "text/html," * 5000 + "\r\n", "Host: x\r\n", "X-Apisec-: \r\n",
        "x-apisec-key-id:\r\n" * 900, "Upgrade: " + "h2c," * 2000 + "\r\n", "Cookie: " + "a=b; " * 10000 + "\r\n",
        "X-API-Key:" + " " * 60000 + "\r\n", "X-API-Key\t: x\r\n", "X-API-Key : x\r\n", " X-API-Key: x\r\n",
        "X-API-Key: a\r\n b\r\n", "Content-Length: 99999999999999999999\r\n", "Content-Length: -1\r\n",
    ]
    for more in cases:
        for own in (key, None):
            got = site.server.raw(request(key=own, more=more + "Connection: close\r\n"), port=port)
            assert len(statuses(got)) == 1 and statuses(got)[0] in (200, 400, 401, 413, 431), (more[:60], got[:300])
            if own is None:
                assert statuses(got)[0] != 200, more[:60]
    assert statuses(site.server.raw(request(key=key), port=port)) == [200]
    assert set(children) <= set(site.server.children())


# TRN-19: HTTP/0.9 has no fields, and so no key
def test_oldest_protocol_gets_nothing(site):
    for place in ("key", "public"):
        for line in (b"GET /orders/7.json\r\n\r\n", b"GET /orders/7.json\r\n", b"GET /orders/7.json\n",
                     b"GET /orders/7.json HTTP/0.9\r\n\r\n", b"GET  /orders/7.json\r\nX-API-Key: x\r\n\r\n"):
            assert statuses(site.server.raw(line, port=site.ports["Strict", place])) == [400], line
