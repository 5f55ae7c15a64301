"""ApiSecUpgrade and ApiSecStream: what is not HTTP any more, and what is passed on as it comes."""

import base64
import os
import re
import socket
import threading

import pytest
from harness import Backend, Site, body_of, fields_of
from harness.echo import Echo
from harness.signer import Signer, by_secret

pytestmark = pytest.mark.one_mpm

CONF = """
ApiSecEngine On
<Location /deny>
    ProxyPass http://127.0.0.1:ECHO/ws upgrade=ANY
</Location>
<Location /ws>
    ApiSecUpgrade allow websocket
    ProxyPass http://127.0.0.1:ECHO/ws upgrade=websocket
</Location>
<Location /tunnel>
    ApiSecUpgrade allow chat/2 WebSocket
    ProxyPass ws://127.0.0.1:ECHO/ws
</Location>
<Location /ws/not>
    ApiSecUpgrade deny
</Location>
<Location /watch>
    ApiSecEngine DetectOnly
    ProxyPass http://127.0.0.1:ECHO/ws upgrade=websocket
</Location>
<Location /stream>
    ApiSecStream On
    ProxyPass http://127.0.0.1:STREAM/stream
</Location>
<Location /up>
    ApiSecStream On
    ProxyPass http://127.0.0.1:BACKEND/up
</Location>
<IfModule mod_deflate.c>
    SetOutputFilter DEFLATE
</IfModule>
"""


def prepare(site):
    site.role("reader", "GET /**", "POST /**")
    site.key("ci")


class Events:
    """A backend whose answer goes on for as long as the test wants: next() sends one more piece of it."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.client, self.came = None, threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        self.client = self.socket.accept()[0]
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += self.client.recv(1)
        self.client.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
        self.came.set()

    def send(self, data):
        assert self.came.wait(30)
        self.client.sendall(data)

    def end(self):
        self.client.close()
        self.socket.close()


@pytest.fixture(scope="module")
def echo():
    with Echo() as made:
        yield made


@pytest.fixture(scope="module")
def backend():
    with Backend() as made:
        yield made


@pytest.fixture(scope="module")
def events():
    return Events()


@pytest.fixture(scope="module")
def site(echo, backend, events):
    conf = CONF
    for name, port in (("ECHO", echo.port), ("BACKEND", backend.port), ("STREAM", events.port)):
        conf = conf.replace(name, str(port))
    with Site(conf, prepare, modules=["proxy_http", "proxy_wstunnel", "deflate"]) as made:
        yield made


def connect(site, path, upgrade, key="ci"):
    """A connection that has asked for another protocol, and the head of the answer."""
    s = socket.create_connection(("127.0.0.1", site.server.port), 30)
    s.sendall(("GET %s HTTP/1.1\r\nHost: localhost\r\n%sConnection: Upgrade\r\n%sSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n\r\n" % (
        path, "X-API-Key: %s\r\n" % site.keys[key] if key else "", "".join("Upgrade: %s\r\n" % u for u in upgrade.split("|") if u),
        base64.b64encode(os.urandom(16)).decode())).encode())
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = s.recv(1)
        if not byte:
            break
        head += byte
    return s, int(head.split()[1])


# NEG-11: nobody speaks another protocol through a section that has not said so
@pytest.mark.parametrize("path, upgrade", [
    ("/deny", "websocket"), ("/deny", "WebSocket"), ("/deny", "x/1"), ("/deny", "h2c, websocket"), ("/deny", "h2c|websocket"),
    ("/deny", "TLS/1.2"), ("/ws", "websocket, x"), ("/ws", "x"), ("/ws", "x|websocket"), ("/ws/not", "websocket"),
    ("/ws", "websocket/13"), ("/tunnel", "chat"), ("/tunnel", "x")])
def test_other_protocols_are_refused(site, echo, path, upgrade):
    before = len(echo.heads)
    s, status = connect(site, path, upgrade)
    s.close()
    assert status == 403 and len(echo.heads) == before
    assert "refused, upgrade_refused" in site.server.error_log()


# NEG-11
@pytest.mark.parametrize("path, upgrade", [("/ws", "websocket"), ("/ws", "WebSocket"), ("/tunnel", "websocket"), ("/ws", "h2c, websocket"),
                                           ("/watch", "websocket")])
def test_what_is_allowed_passes_both_ways(site, echo, path, upgrade):
    s, status = connect(site, path, upgrade)
    with s:
        assert status == 101
        assert "h2c" not in echo.heads[-1] and site.keys["ci"] not in echo.heads[-1] or path == "/watch"
        for size in (1, 5, 100000):
            data = os.urandom(size)
            s.sendall(data)
            got = b""
            while len(got) < size:
                got += s.recv(65536)
            assert got == data
    s, status = connect(site, path, upgrade, key=None)
    s.close()
    assert status == (101 if path == "/watch" else 401)


# NEG-11: h2c is left alone wherever it is asked for, and CONNECT is never served
def test_h2c_and_connect(site, echo):
    for path in ("/ws", "/deny"):
        s, status = connect(site, path, "h2c")
        s.close()
        assert status == 200 and "h2c" not in echo.heads[-1]
    for target in ("localhost:80", "/ws", "http://localhost/ws", "127.0.0.1:%d" % echo.port):
        got = site.server.raw(("CONNECT %s HTTP/1.1\r\nHost: localhost\r\nX-API-Key: %s\r\n\r\n" % (target, site.keys["ci"])).encode())
        assert re.match(rb"HTTP/1\.1 40[05] ", got), got


# a body without a length is passed on while it comes
def test_large_uploads_are_passed_on(site, backend):
    data = os.urandom(5 << 20)
    got = site.request("POST", "/up/x", "ci", body=data)
    assert got.status == 200 and body_of(got.json()) == data
    with socket.create_connection(("127.0.0.1", site.server.port), 30) as s:
        s.sendall(("POST /up/y HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-API-Key: %s\r\nTransfer-Encoding: chunked\r\n\r\n"
                   % site.keys["ci"]).encode())
        for _ in range(50):
            s.sendall(b"10000\r\n" + data[:65536] + b"\r\n")
        s.sendall(b"0\r\n\r\n")
        got = b"".join(iter(lambda: s.recv(65536), b""))
    assert got.startswith(b"HTTP/1.1 200")
    assert fields_of(backend.seen[-1], "Transfer-Encoding") == ["chunked"] and body_of(backend.seen[-1]) == data[:65536] * 50


# each piece of an answer is with the client before the next one is made
def test_events_come_one_by_one(site, events):
    with socket.create_connection(("127.0.0.1", site.server.port), 30) as s:
        s.sendall(("GET /stream HTTP/1.0\r\nHost: localhost\r\nAccept-Encoding: gzip\r\nX-API-Key: %s\r\n\r\n" % site.keys["ci"]).encode())
        got = b""
        for i in range(5):
            event = b"data: %d\n\n" % i
            events.send(event)
            while not got.endswith(event):
                more = s.recv(65536)
                assert more, got
                got += more
        events.end()
    assert b"Content-Encoding" not in got


@pytest.mark.parametrize("conf, fault", [
    ("ApiSecUpgrade", "want deny, or allow and names"), ("ApiSecUpgrade allow", "want deny, or allow and names"),
    ("ApiSecUpgrade deny websocket", "want deny, or allow and names"), ("ApiSecUpgrade allow h2c", "h2c is never allowed"),
    ("ApiSecUpgrade allow websocket H2C", "h2c is never allowed"), ("ApiSecUpgrade allow a,b", "\"a,b\": want deny"),
    ("ApiSecStream maybe", "want On or Off"),
    ("ApiSecStream On\nApiSecSignature On", "ApiSecSignature holds the content"),
    ("ApiSecStream On\n<Location /a>\nApiSecSignature On\n</Location>", "ApiSecStream On says that nothing does, in /a of"),
    ("<Location /a>\nApiSecWebhook w\nApiSecStream On\n</Location>", "ApiSecWebhook holds the content"),
    ("<Location /a>\nApiSecWebhook w\n</Location>\n<Location /a/b>\nApiSecStream On\n</Location>", "in /a/b of"),
    ("<VirtualHost *:1>\nServerName v\n<Location /a>\nApiSecSignature On\nApiSecStream On\n</Location>\n</VirtualHost>", "of the server v:1"),
    ("<Location /a>\nApiSecApi shop\nApiSecStream On\n</Location>", "ApiSecApi holds the content"),
    ("ApiSecStream On\n<Location /a>\nApiSecBody json\n</Location>", "ApiSecBody holds the content"),
    ("<Location /a>\nApiSecSchema json s\nApiSecStream On\n</Location>", "ApiSecSchema holds the content"),
    ("<Location /a>\nApiSecSchema json s\nApiSecBody none\nApiSecStream On\n</Location>", "ApiSecSchema json judges"),
    ("ApiSecResponses leaks=mask\n<Location /a>\nApiSecStream On\n</Location>", "ApiSecResponses holds the content"),
    ("ApiSecResponses leaks=mask\n<Location /a>\nApiSecStream On\nApiSecResponses off\n</Location>", None),
    ("ApiSecSignature On\n<Location /a>\nApiSecStream On\nApiSecSignature Off\n</Location>", None),
    ("<Location /a>\nApiSecSignature On\n</Location>\n<Location /b>\nApiSecStream On\n</Location>", None),
    ("ApiSecSignature On\n<Location /a>\nApiSecEngine Off\nApiSecStream On\n</Location>", None),
])
def test_configuration_faults_are_named(make_site, conf, fault):
    code, said = make_site("ApiSecEngine On\n" + conf + "\n", start=False).server.configtest()
    assert (code == 0) == (fault is None), said
    assert fault is None or fault in said, said


# what only a request shows is refused then
def test_sections_that_meet_by_pattern(make_site):
    def prepared(site):
        prepare(site)
        site.store.ok("key", "signer", "add", site.ids["ci"], "--keyid", "sign-ci", "--alg", "hmac-sha256", input="s" * 32)

    site = make_site("ApiSecOrigin https://api.example.org\nApiSecEngine On\n<LocationMatch ^/or>\nApiSecSignature On\n</LocationMatch>\n"
                     "<LocationMatch ^/items>\nApiSecResponses leaks=mask\n</LocationMatch>\n<LocationMatch s/[17]>\nApiSecStream On\n</LocationMatch>\n", prepared)
    sign = Signer("sign-ci", by_secret("s" * 32), "api.example.org")
    for path, status in (("/orders/8.json", 200), ("/orders/7.json", 503)):
        assert site.get(path, headers=sign("GET", path)).status == status
    assert site.server.wait_audit(lambda line: line["reason"] == "stream_held")["path"] == "/orders/7.json"
    assert site.get("/items/1.json", key="ci").status == 503
