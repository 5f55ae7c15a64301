"""HTTP/2: every stream is a request of its own, with its own caller and its own charge."""

import json
import random
import re

import pytest
from harness import MPM, Site, parse_list
from harness.h2 import H2Connection

pytestmark = pytest.mark.skipif(MPM == "prefork", reason="httpd speaks no HTTP/2 under prefork")

CONF = """
Protocols h2c http/1.1
H2MaxSessionStreams 200
LimitRequestFieldSize 100000
LimitRequestFields 0
AddType text/html .shtml
AddOutputFilter INCLUDES .shtml
ScriptAlias /cgi @ROOT@/cgi
<Directory @ROOT@/cgi>
    Require all granted
</Directory>
<Directory @DOCS@>
    Options Includes FollowSymLinks
</Directory>
ApiSecEngine On
ApiSecLimit total rate=2/d burst=5000 by=key
<Location /few>
    ApiSecLimit few rate=10/d burst=37 by=key
</Location>
<Location /off>
    ApiSecEngine Off
</Location>
"""

WHO = 'key=<!--#echo var="APISEC_KEY_ID" --> user=<!--#echo var="REMOTE_USER" -->\n'


def prepare(site):
    site.role("reader", "GET,POST /who/**", "GET /few/**", "GET /orders/**", "GET /cgi/**")
    for i in range(5):
        site.key("key%d" % i, owner="owner%d" % i)
    site.key("revoked")
    site.store.ok("key", "revoke", "revoked")
    for name in ("who", "few", "off"):
        site.folder.write("htdocs/%s/page.shtml" % name, WHO)
    site.script("env", 'printf "Content-Type: text/plain\\n\\n"\nenv\n')


@pytest.fixture(scope="module")
def site():
    with Site(CONF, prepare, modules=["http2", "include", "cgi", "alias"]) as made:
        yield made


def left(site, key):
    got = site.get("/orders/7.json", key=key)
    assert got.status == 200
    return parse_list(got.headers["RateLimit"])[0][1]["r"]


def h2(site):
    return H2Connection(site.server.port)


# LIM-23, LIM-13, AZ-14
def test_hundred_streams_of_several_callers(site):
    names = ["key%d" % (i % 5) for i in range(80)] + ["revoked"] * 7 + ["none"] * 7 + ["bad"] * 6
    random.Random(7).shuffle(names)
    before = {name: left(site, name) for name in sorted(site.keys) if name != "revoked"}
    with h2(site) as c:
        for i, name in enumerate(names):
            fields = [] if name == "none" else [("x-api-key", site.keys.get(name, "hunter2"))]
            c.request("GET", "/who/page.shtml", fields + [("x-request-id", "stream-%04d" % i)])
        streams = c.finish()
    for name, stream in zip(names, streams):
        if name in before:
            assert stream.status == 200, (name, stream.body)
            assert stream.body.decode() == "key=%s user=owner%s\n" % (site.ids[name], name[-1])
        else:
            assert stream.status == 401 and json.loads(stream.body)["status"] == 401
    after = {name: left(site, name) for name in before}
    assert {name: before[name] - after[name] for name in before} == {name: 17 for name in before}
    site.server.wait_audit(lambda line: line["id"].startswith("stream-"), count=100)
    lines = {line["id"]: line for line in site.server.audit() if line["id"].startswith("stream-")}
    assert len(lines) == 100
    for i, name in enumerate(names):
        if name in before:
            assert lines["stream-%04d" % i]["key"] == site.ids[name]


# LIM-13, LIM-23: as many as allowed, whatever the number of connections and streams
def test_limit_over_streams_is_exact(site):
    connections = [h2(site) for _ in range(2)]
    try:
        for c in connections:
            for _ in range(50):
                c.request("GET", "/few/page.shtml", [("x-api-key", site.keys["key0"])])
        statuses = [s.status for c in connections for s in c.finish()]
    finally:
        for c in connections:
            c.close()
    assert sorted(set(statuses)) == [200, 429] and statuses.count(200) == 37


# KEY-10, AZ-11
def test_program_behind_a_stream(site):
    key = site.keys["key1"]
    lies = [(n, "lie") for n in ("x-apisec-key-id", "x-apisec-roles", "x_apisec_user", "remote-user", "remote_user", "proxy")]
    with h2(site) as c:
        for pair in (("x-api-key", key), ("authorization", "Bearer " + key)):
            c.request("GET", "/cgi/env", [pair] + lies)
        for stream in c.finish():
            lines = stream.body.decode().splitlines()
            assert stream.status == 200 and "REMOTE_USER=owner1" in lines, lines
            assert "APISEC_KEY_ID=" + site.ids["key1"] in lines and "HTTP_X_APISEC_KEY_ID=" + site.ids["key1"] in lines
            assert key not in str(lines) and "=lie" not in str(lines)


# KEY-09, NEG-02, NEG-13, KEY-18
def test_streams_that_say_something_odd(site):
    children = site.server.children()
    key = ("x-api-key", site.keys["key2"])
    paths = ["/orders%2f7.json", "/orders//7.json", "/orders/../orders/7.json", "/orders/7.json;x", "/orders/7.json%00",
             "/orders/%zz", "/orders/%c0%af", "orders/7.json", "*", "?/orders/7.json", "?x=a://b/orders/7.json", "", "/\\orders",
             "/orders/7.json#x", "http://localhost/orders/../x", "/orders/\x017.json", "/orders/\xff"]
    odd = [dict(path=path, fields=[key]) for path in paths]
    odd += [dict(fields=[key, key]), dict(fields=[key, ("authorization", "Bearer " + site.keys["key2"])]),
            dict(fields=[("x-api-key", "a" * 70000)]), dict(fields=[("x-api-key", "a\x00b")]), dict(fields=[("x-api-key", "a\nb")]),
            dict(fields=[("X-API-Key", key[1])]), dict(fields=[("connection", "x-apisec-key-id"), ("x-api-key", "x")]),
            dict(fields=[(":path", "/orders/8.json"), key]), dict(fields=[("host", "other"), ("x-api-key", "x")]),
            dict(fields=[("x-n%d" % i, "v") for i in range(300)]), dict(method="CONNECT", fields=[key]),
            dict(method="TRACE", fields=[key]), dict(method="QUERY", fields=[key]), dict(method="get", fields=[key])]
    for case in odd:
        with h2(site) as c:
            stream = c.request(case.get("method", "GET"), case.get("path", "/orders/7.json"), case.get("fields"))
            c.finish()
        assert stream.status is None or 400 <= stream.status <= 501, (case, stream.status, stream.body)
        assert b'"name"' not in stream.body
    for byte in list(range(0x20)) + [0x7f, 0x80, 0xff]:
        with h2(site) as c:
            streams = [c.request("GET", "/orders/7.json", [("x-api-key", b"apisec_" + bytes([byte]))]),
                       c.request("GET", "/orders/7.json", [(b"x-odd" + bytes([byte]), "v")]),
                       c.request("GET", "/orders/7.json", [key, (b"x-odd", bytes([byte]))])]
            c.finish()
        assert streams[0].status in (None, 400, 401) and streams[1].status in (None, 400, 401)
    with h2(site) as c:
        c.request("GET", "/orders/7.json", [key])
        assert c.finish()[0].status == 200
    assert set(children) <= set(site.server.children())


# TRN-13: streams that are given up leave nothing behind
def test_streams_that_are_given_up(site):
    for _ in range(5):
        with h2(site) as c:
            streams = [c.request("GET", "/who/page.shtml", [("x-api-key", site.keys["key3"])]) for _ in range(60)]
            for stream in streams[::2]:
                c.reset(stream)
            c.finish()
            assert {s.status for s in streams[1::2]} <= {200, None}
        with h2(site) as c:
            for _ in range(60):
                c.request("POST", "/who/page.shtml", [("x-api-key", site.keys["key3"])], body=b"x")
            c.socket.sendall(c.out)  # and away
    assert site.get("/orders/7.json", key="key3").status == 200


# LIM-23, KEY-10: httpd would run the request a second time as a stream
def test_upgrade_from_http_1_is_left_alone(site):
    def ask(path, key):
        return site.server.raw(b"GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
                               b"HTTP2-Settings: AAMAAABkAAQAAP__\r\nX-API-Key: %s\r\n\r\n" % (path.encode(), key.encode()))
    before = left(site, "key4")
    got = ask("/who/page.shtml", site.keys["key4"])
    assert got.startswith(b"HTTP/1.1 200") and site.ids["key4"].encode() in got, got
    assert before - left(site, "key4") == 2
    assert ask("/who/page.shtml", "hunter2").startswith(b"HTTP/1.1 401")
    assert re.match(rb"HTTP/1\.1 101", ask("/off/page.shtml", "hunter2"))


def test_curl_agrees(site):
    code, out = site.server.curl("--http2-prior-knowledge", "-H", "X-API-Key: " + site.keys["key0"],
                                 site.server.url("/who/page.shtml"))
    assert code == 0 and out.decode() == "key=%s user=owner0\n" % site.ids["key0"]
