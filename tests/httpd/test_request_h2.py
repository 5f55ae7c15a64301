"""Streams of HTTP/2 that no client should send, and what of them a backend of HTTP/1 ever sees."""

import pytest
from harness import MPM, Backend, Site, fields_of
from harness.h2 import H2Connection

pytestmark = [pytest.mark.one_mpm, pytest.mark.skipif(MPM == "prefork", reason="httpd speaks no HTTP/2 under prefork")]

CONF = """
Protocols h2c http/1.1
ProxyPreserveHost On
ApiSecEngine On
ApiSecRequire public
ApiSecHosts 127.0.0.1
ProxyPass / http://127.0.0.1:BACKEND/
"""


@pytest.fixture(scope="module")
def backend():
    with Backend() as made:
        yield made


@pytest.fixture(scope="module")
def site(backend):
    with Site(CONF.replace("BACKEND", str(backend.port)), modules=["proxy_http", "http2"]) as made:
        made.pseudo = [(":method", "GET"), (":scheme", "http"), (":authority", "127.0.0.1:%d" % made.server.port), (":path", "/x")]
        yield made


def ask(site, pseudo=None, fields=(), body=b""):
    with H2Connection(site.server.port) as c:
        c.request("GET", "/x", fields, body, pseudo or site.pseudo)
        return c.finish()[0]


def changed(site, name, value):
    return [(n, v if n != name else value) for n, v in site.pseudo]


# NEG-13: connection-specific fields, bytes that end lines, pseudo fields, :authority, lengths
def test_malformed_streams_end_at_the_server(site, backend):
    names = [name for name, _ in site.pseudo]
    port = ":%d" % site.server.port
    cases = [dict(fields=[pair]) for pair in (
        ("connection", "close"), ("connection", "x-a"), ("keep-alive", "timeout=5"), ("proxy-connection", "close"),
        ("transfer-encoding", "chunked"), ("upgrade", "websocket"), ("te", "gzip"), ("te", "trailers, gzip"), ("x-a", "b\rc"),
        ("x-a", "b\nc"), ("x-a", "b\r\nHost: c"), ("x-a", "b\x00c"), ("x-a\r\nb", "c"), ("X-Upper", "a"), ("x a", "b"), ("x-a:", "b"), ("", "a"),
        ("content-length", "3"), ("expect", "x"), ("expect", "100-continue, x"), (":path", "/y"))]
    cases += [dict(pseudo=[pair for pair in site.pseudo if pair[0] != name]) for name in names]
    cases += [dict(pseudo=site.pseudo + [pair]) for pair in site.pseudo]
    cases += [dict(pseudo=site.pseudo + [(":x", "y")]), dict(pseudo=site.pseudo + [(":status", "200")]),
              dict(pseudo=site.pseudo[:3], fields=[("x-a", "b"), site.pseudo[3]]), dict(pseudo=changed(site, ":path", "")),
              dict(pseudo=changed(site, ":path", "x")), dict(pseudo=changed(site, ":path", "http://other/x")),
              dict(pseudo=changed(site, ":scheme", "ftp")), dict(pseudo=changed(site, ":authority", "")),
              dict(pseudo=changed(site, ":authority", "user@127.0.0.1" + port)), dict(pseudo=changed(site, ":authority", "127.0.0.1, other")),
              dict(pseudo=changed(site, ":authority", "other")), dict(pseudo=changed(site, ":method", "CONNECT")),
              dict(pseudo=[(":method", "CONNECT"), (":authority", "127.0.0.1:80")]),
              dict(pseudo=changed(site, ":method", "CONNECT") + [(":protocol", "websocket")]),
              dict(fields=[("host", "127.0.0.1" + port), ("host", "other")])]
    post = changed(site, ":method", "POST")
    cases += [dict(pseudo=post, fields=[("content-length", n)], body=b"hello") for n in ("4", "6", "0", "5, 5", "+5", "x", "")]
    cases += [dict(pseudo=post, fields=[("content-length", "5"), ("content-length", n)], body=b"hello") for n in ("5", "6")]
    for case in cases:
        stream = ask(site, **case)
        assert stream.status is None or 400 <= stream.status <= 421, (case, stream.status, stream.body)
    assert backend.seen == []
    assert ask(site).status == 200 and ask(site, post, [("content-length", "5")], b"hello").status == 200
    assert len(backend.seen) == 2


# NEG-13, NEG-14: of Host beside :authority nobody sees anything
def test_authority_is_the_only_host(site, backend):
    own = site.pseudo[2][1]
    for host in ("other", "user@other", own, ""):
        before = len(backend.seen)
        stream = ask(site, fields=[("host", host)])
        assert stream.status in (None, 200, 400)
        assert all(fields_of(request, "Host") == [own] for request in backend.seen[before:])
    assert ask(site, [pair for pair in site.pseudo if pair[0] != ":authority"], [("host", "other")]).status == 421
