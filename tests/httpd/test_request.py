"""Requests that two readers could take for different ones, hosts, expectations, and control fields."""

import json
import re
import socket

import pytest
from harness import Backend, Site, fields_of

pytestmark = pytest.mark.one_mpm

CONF = """
ProxyPreserveHost On
ScriptAlias /cgi @ROOT@/cgi
<Directory @ROOT@/cgi>
    Require all granted
</Directory>
<VirtualHost 127.0.0.1:@PORT@>
    ServerName localhost
    ApiSecEngine On
    ApiSecRequire public
    <Location /p>
        ProxyPass http://127.0.0.1:BACKEND/p
    </Location>
    <Location /key>
        ApiSecRequire api-key
        ApiSecLimit few rate=2/d by=key
        ProxyPass http://127.0.0.1:BACKEND/key
    </Location>
</VirtualHost>
<VirtualHost 127.0.0.1:@PORT1@>
    ServerName api.example.org
    ServerAlias www.example.org *.shop.example
    ApiSecEngine On
    ApiSecRequire public
    ApiSecHosts server-names 127.0.0.1 *.svc.local
</VirtualHost>
<VirtualHost 127.0.0.1:@PORT2@>
    ServerName quiet
    ApiSecEngine DetectOnly
    ApiSecHosts quiet
</VirtualHost>
"""


def prepare(site):
    site.role("reader", "POST /key/**")
    site.key("ci")
    site.key("other")
    site.script("env", 'printf "Content-Type: text/plain\\n\\n"\nenv\n')


@pytest.fixture(scope="module")
def backend():
    with Backend() as made:
        yield made


@pytest.fixture(scope="module")
def site(backend):
    with Site(CONF.replace("BACKEND", str(backend.port)), prepare, modules=["proxy_http", "cgi"], ports=3) as made:
        yield made


HOST = "Host: localhost\r\n"
AGAIN = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
CHUNKED = "Transfer-Encoding: chunked\r\n"
EMPTY = "\r\n0\r\n\r\n"
# Method, target and version; fields; what follows the line of the last one.
AMBIGUOUS = [
    ("POST / HTTP/1.1", HOST + "Content-Length: 5\r\n" + CHUNKED, EMPTY),
    ("POST / HTTP/1.1", HOST + CHUNKED + "Content-Length: 5\r\n", EMPTY),
    ("POST / HTTP/1.1", HOST + CHUNKED + "cOnTeNt-lEnGtH: 0\r\n", EMPTY),
    ("POST / HTTP/1.1", HOST + "Content-Length: 5\r\nContent-Length: 6\r\n", "\r\nhello!"),
    ("POST / HTTP/1.1", HOST + "Content-Length: 5\r\nContent-Length: 5\r\n", "\r\nhello"),
    ("POST / HTTP/1.1", HOST + "Content-Length: 5, 5\r\n", "\r\nhello"),
    ("POST / HTTP/1.1", HOST + "Content-Length: +5\r\n", "\r\nhello"),
    ("POST / HTTP/1.1", HOST + "Content-Length: 0x5\r\n", "\r\nhello"),
    ("POST / HTTP/1.1", HOST + "Content-Length:\r\n", "\r\n"),
    ("POST / HTTP/1.1", HOST + "Transfer-Encoding: gzip\r\n", EMPTY),
    ("POST / HTTP/1.1", HOST + "Transfer-Encoding: gzip, chunked\r\n", EMPTY),
    ("POST / HTTP/1.1", HOST + "Transfer-Encoding: chunked, chunked\r\n", EMPTY),
    ("POST / HTTP/1.1", HOST + CHUNKED + CHUNKED, EMPTY),
    ("POST / HTTP/1.1", HOST + "Transfer-Encoding: identity\r\n" + CHUNKED, EMPTY),
    ("POST / HTTP/1.1", HOST + "Transfer-Encoding: ,chunked\r\n", EMPTY),
    ("POST / HTTP/1.1", HOST + "Transfer-Encoding: chunked;a=b\r\n", EMPTY),
    ("POST / HTTP/1.1", HOST + "Transfer-Encoding: \x0bchunked\r\n", EMPTY),
    ("POST / HTTP/1.1", HOST + "Transfer-Encoding:\r\n", EMPTY),
    ("POST / HTTP/1.1", HOST + "Transfer-Encoding:\r\n chunked\r\n", EMPTY),
    ("POST / HTTP/1.0", HOST + CHUNKED, EMPTY),
    ("GET / HTTP/1.1", HOST + "X-A : b\r\n", "\r\n"), ("GET / HTTP/1.1", HOST + "Content-Length : 0\r\n", "\r\n"),
    ("GET / HTTP/1.1", HOST + "X-A: b\n", "\r\n"), ("GET / HTTP/1.1", HOST, "\n"), ("GET / HTTP/1.1", HOST + "X-A: b\rc\r\n", "\r\n"),
    ("GET / HTTP/1.1", HOST + "X-A: b\r\n c\r\n", "\r\n"), ("GET / HTTP/1.1", HOST + "X-A: b\r\n\tc\r\n", "\r\n"),
    ("GET / HTTP/1.1", "Host:\r\n localhost\r\n", "\r\n"), ("GET / HTTP/1.1", " X: y\r\n" + HOST, "\r\n"),
    ("GET / HTTP/1.1", HOST + "X-A: b\r\n" + " " * 400 + "Content-Length: 5\r\n", "\r\n"),
    ("GET /", "", "\r\n"), ("GET / HTTP/0.9", HOST, "\r\n"), ("GET /\r HTTP/1.1", HOST, "\r\n"),
    # Hosts
    ("GET / HTTP/1.1", "", "\r\n"), ("GET / HTTP/1.1", "Host:\r\n", "\r\n"), ("GET / HTTP/1.1", HOST + HOST, "\r\n"),
    ("GET / HTTP/1.1", HOST + "Host: other\r\n", "\r\n"), ("GET / HTTP/1.1", "Host: localhost, other\r\n", "\r\n"),
    ("GET / HTTP/1.1", "Host: user@localhost\r\n", "\r\n"), ("GET / HTTP/1.1", "Host: user:word@localhost\r\n", "\r\n"),
    ("GET / HTTP/1.1", "Host: localhost/x\r\n", "\r\n"), ("GET / HTTP/1.1", "Host: :80\r\n", "\r\n"),
    ("GET http://other/ HTTP/1.1", HOST, "\r\n"), ("GET http://localhost:81/ HTTP/1.1", HOST, "\r\n"),
    ("GET https://localhost/ HTTP/1.1", "Host: localhost:80\r\n", "\r\n"), ("GET http:/// HTTP/1.1", HOST, "\r\n"),
    ("GET http://user@localhost/ HTTP/1.1", HOST, "\r\n"), ("GET http://localhost.other/ HTTP/1.0", HOST, "\r\n"),
    ("GET http://localhost/ HTTP/1.1", "Host: " + "a" * 600 + "\r\n", "\r\n"),
]
PLAIN = [
    ("POST / HTTP/1.1", HOST + CHUNKED, EMPTY), ("POST / HTTP/1.1", HOST + "Transfer-Encoding: Chunked \r\n", EMPTY),
    ("POST / HTTP/1.1", HOST + "Content-Length: 5\r\n", "\r\nhello"), ("GET / HTTP/1.1", HOST + "X-Content-Length: 5\r\n", "\r\n"),
    ("GET http://localhost/ HTTP/1.1", HOST, "\r\n"), ("GET HTTP://LOCALHOST:80/ HTTP/1.1", HOST, "\r\n"),
    ("GET http://localhost/ HTTP/1.1", "Host: localhost:80\r\n", "\r\n"), ("GET http://localhost HTTP/1.1", "host:localhost\r\n", "\r\n"),
    ("GET / HTTP/1.1", HOST + "X-Long: " + "a" * 7000 + "\r\n", "\r\n"), ("\r\nGET / HTTP/1.1", HOST, "\r\n"),
    ("GET / HTTP/1.1", "Connection: keep-alive\r\n" + HOST + "Cookie: transfer-encoding: x\r\n", "\r\n"),
]


def statuses(got):
    return [int(s) for s in re.findall(rb"HTTP/1\.[01] (\d\d\d)[ \r]", got) if s != b"100"]


# NEG-11, NEG-14: 400, and no further byte of the connection is read
def test_what_could_be_two_messages_is_refused_and_closed(site):
    for line, fields, rest in AMBIGUOUS:
        got = site.server.raw((line + "\r\n" + fields + rest).encode("latin-1") + AGAIN)
        assert statuses(got) == [400] and b"hello\n" not in got, (line, fields, got)
        assert re.search(rb"(?i)\r\nconnection: close\r\n", got), (line, fields, got)
    log = site.server.error_log()
    assert "refused, message_ambiguous" in log and "refused, host_mismatch" in log
    line = site.server.wait_audit(lambda line: line["reason"] == "message_ambiguous")
    assert line["decision"] == "refuse" and line["status"] == 400


# NEG-11, NEG-14: their neighbours are served, and the next request of the connection too
def test_plain_messages_are_served(site):
    for line, fields, rest in PLAIN:
        got = site.server.raw((line + "\r\n" + fields + rest).encode("latin-1") + AGAIN)
        wanted = [405, 200] if line.startswith("POST") else [200, 200]
        assert statuses(got) in (wanted, [200, 200]), (line, fields, got)
    data = ("POST / HTTP/1.1\r\n" + HOST + "Content-Length: 5\r\n\r\nhello").encode()
    whole = data + ("GET / HTTP/1.1\r\n" + HOST + "X: y\r\n z\r\n\r\n").encode()
    for cut in range(1, len(whole), 7):  # however it comes in pieces
        with socket.create_connection(("127.0.0.1", site.server.port), 30) as s:
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            s.sendall(whole[:cut])
            s.sendall(whole[cut:])
            got = b"".join(iter(lambda: s.recv(65536), b""))
        assert statuses(got)[-1] == 400 and len(statuses(got)) == 2, (cut, got)


# NEG-11: nothing of it reaches a backend
def test_backend_sees_none_of_it(site, backend):
    before = len(backend.seen)
    for line, fields, rest in AMBIGUOUS:
        site.server.raw((line.replace(" / ", " /p/x ") + "\r\n" + fields + rest).encode("latin-1") + b"GET /p/smuggled HTTP/1.1\r\n\r\n")
    assert backend.seen[before:] == []


# NEG-11
@pytest.mark.parametrize("conf, good", [
    ("HttpProtocolOptions Unsafe\nApiSecEngine On\n", False), ("HttpProtocolOptions Strict\nApiSecEngine On\n", True),
    ("ApiSecEngine DetectOnly\nHttpProtocolOptions Unsafe\n", True),
    ("<VirtualHost *:1>\nHttpProtocolOptions Unsafe\n</VirtualHost>\n<VirtualHost *:2>\nApiSecEngine On\n</VirtualHost>\n", True),
    ("<VirtualHost *:1>\nHttpProtocolOptions Unsafe\n</VirtualHost>\n<VirtualHost *:1>\nApiSecEngine On\n</VirtualHost>\n", False),
    ("<VirtualHost *:1>\n<Location /x>\nApiSecEngine On\n</Location>\nHttpProtocolOptions Unsafe\n</VirtualHost>\n", False),
])
def test_strict_is_demanded(make_site, conf, good):
    site = make_site(conf, start=False)
    code, said = site.server.configtest()
    assert (code == 0) == good, said
    assert good or "HttpProtocolOptions Unsafe" in said and "want Strict" in said


# NEG-12
@pytest.mark.parametrize("expect", ["x", "100-continue, x", "x, 100-continue", "100-continue, 100-continue", "100-continue;a=b",
                                    "100 continue", "200-ok", "100-continue\r\nExpect: 100-continue", "\"100-continue\""])
def test_other_expectations_are_refused(site, backend, expect):
    before = len(backend.seen)
    for path in ("/", "/p/x", "/key/x"):
        for version in ("1.1", "1.0"):
            got = site.server.raw(("POST %s HTTP/%s\r\nHost: localhost\r\nExpect: %s\r\nConnection: close\r\nContent-Length: 0\r\n\r\n" % (
                path, version, expect)).encode())
            assert statuses(got) == [417], got
    assert backend.seen[before:] == []


# NEG-12: neither without a key nor over a limit is anybody asked for a body
def test_limits_come_before_100_continue(site):
    seen = []
    for key in ("", "hunter2", site.keys["ci"], site.keys["ci"], site.keys["ci"]):
        with socket.create_connection(("127.0.0.1", site.server.port), 30) as s:
            s.sendall(("POST /key/x HTTP/1.1\r\nHost: localhost\r\nExpect: 100-Continue\r\nContent-Length: 5\r\n%s\r\n"
                       % (key and "X-API-Key: %s\r\n" % key)).encode())
            head = s.makefile("rb").readline()
            seen.append(int(head.split()[1]))
            if seen[-1] == 100:
                s.sendall(b"hello")
    assert seen == [401, 401, 100, 100, 429]


def ask(site, port, host, version="1.1"):
    return statuses(site.server.raw(("GET / HTTP/%s\r\n%sConnection: close\r\n\r\n" % (
        version, "" if host is None else "Host: %s\r\n" % host)).encode(), port=port))[0]


# NEG-14
def test_unknown_hosts_are_misdirected(site):
    port, quiet = site.server.ports[1:]
    for host in ("api.example.org", "API.example.org:8443", "www.example.org", "a.shop.example", "127.0.0.1", "127.0.0.1:%d" % port,
                 "x.svc.local", "a.b.svc.local"):
        assert ask(site, port, host) == 200, host
    for host in ("other", "example.org", "api.example.org.evil", "evil-api.example.org", "svc.local", "evilsvc.local", "[::1]", "127.0.0.2"):
        assert ask(site, port, host) == 421, host
    assert ask(site, port, None, "1.0") == 421
    assert ask(site, quiet, "other") == 200  # DetectOnly refuses nothing
    line = site.server.wait_audit(lambda line: line["decision"] == "would-refuse")
    assert line["reason"] == "host_unknown"
    site.server.wait_audit(lambda line: line["reason"] == "host_unknown" and line["status"] == 421)


# NEG-14: the dump, and so doctor, tells of servers that answer for any host
@pytest.mark.parametrize("conf, told", [
    ("ApiSecEngine On\n", ["localhost"]), ("ApiSecEngine On\nApiSecHosts server-names\n", []), ("ApiSecEngine DetectOnly\n", []),
    ("<VirtualHost *:1>\nServerName a\nApiSecEngine On\n</VirtualHost>\n<VirtualHost *:1>\nServerName b\nApiSecEngine On\n</VirtualHost>\n", ["a"]),
    ("<VirtualHost *:1>\nServerName a\n</VirtualHost>\n<VirtualHost *:1>\nServerName b\nApiSecEngine On\n</VirtualHost>\n", []),
])
def test_open_hosts_are_told_of(make_site, conf, told):
    code, said = make_site(conf, start=False).server.configtest("-D", "DUMP_APISEC")
    assert code == 0 and said.count("hosts_open") == len(told) and all(name in said for name in told), said


# NEG-14
@pytest.mark.parametrize("words, fault", [("", "want any, or some of"), ("any x", "\"any\": want any"), ("a/b", "\"a/b\": want any"),
                                          ("localhost:80", "\"localhost:80\": want any"), ("*", "\"*\": want any")])
def test_faults_of_hosts_are_named(make_site, words, fault):
    code, said = make_site("ApiSecEngine On\nApiSecHosts %s\n" % words, start=False).server.configtest()
    assert code != 0 and fault in said, said


CONTROL = ["Proxy", "X-Original-URL", "X-Rewrite-URL", "X-HTTP-Method", "X-HTTP-Method-Override", "X-HTTP-Methods", "X-Method-Override",
           "X-Middleware-Subrequest", "Lock-Token", "X_Anything", "Content_Length", "X-HTTP_Method", "_", "Transfer_Encoding", "x-original_url"]


# NEG-15: by their names in any case, alone and together, for programs and backends
def test_control_fields_are_taken_out(site):
    for case in (str, str.lower, str.upper):
        for chosen in [[name] for name in CONTROL] + [CONTROL]:
            fields = [(case(name), "lie") for name in chosen]
            told = site.get("/p/x", headers=fields).json()
            assert "lie" not in json.dumps(told["fields"]), told["fields"]
        env = site.get("/cgi/env", headers=[(case(name), "lie") for name in CONTROL]).text
        assert "REQUEST_METHOD=GET" in env and "lie" not in env, env
    assert fields_of(site.get("/p/x", headers=[("X-Mine", "1")]).json(), "X-Mine") == ["1"]
