"""Answers as they come: in parts, coded, by programs, without an end; none of it gets around ApiSecResponses."""

import gzip
import json
import re
import subprocess

import pytest
from harness import Site
from harness.fcgi import Responder
from harness.h2 import H2Connection
from harness.said import Said, answer

pytestmark = pytest.mark.one_mpm

CARD = "4111111111111111"
TEXT = ("card " + CARD).encode()
MASKED = TEXT.replace(CARD.encode(), b"1" * 16)
THING = {"type": "object", "properties": {"name": {"type": "string"}, "list": {"type": "array", "items": {"type": "integer"}},
                                          "map": {"type": "object", "additionalProperties": {"type": "integer"}}}}
API = {"openapi": "3.0.3", "info": {"title": "x", "version": "1"}, "paths": {"/{name}": {
    "parameters": [{"name": "name", "in": "path", "required": True, "schema": {"type": "string"}}],
    "get": {"responses": {"200": {"description": "ok", "headers": {"X-Count": {"schema": {"type": "integer"}}},
                                  "content": {"application/json": {"schema": THING}}}}}}}}
CONF = """
Protocols h2c http/1.1
ApiSecRequireTLS Off
ApiSecEngine On
ApiSecRequire public
AddType text/html .shtml
AddType text/plain .txt
AddEncoding gzip .gz
AddOutputFilter INCLUDES .shtml
<Directory @DOCS@>
    Options Includes FollowSymLinks
</Directory>
ScriptAlias /cgi @ROOT@/cgi
<Directory @ROOT@/cgi>
    Require all granted
</Directory>
CacheQuickHandler Off
CacheEnable socache /cached
CacheSocache shmcb
CacheDefaultExpire 3600
CacheIgnoreNoLastMod On
CacheHeader On
ProxyPass /cgi !
ProxyPass /pages !
ProxyPass /fcgi fcgi://127.0.0.1:@FCGI@/srv
ProxyPass / http://127.0.0.1:@BACK@/
<LocationMatch "^/(mask|cgi|fcgi|pages|cached|packed)/">
    ApiSecResponses leaks=mask max=1m
</LocationMatch>
<LocationMatch "^/(cgi|fcgi)/stop">
    ApiSecResponses leaks=block
</LocationMatch>
<Location /cgi/log>
    ApiSecResponses leaks=log max=64k
</Location>
<Location /guard>
    ApiSecResponses leaks=block
</Location>
<Location /watch>
    ApiSecResponses leaks=log
</Location>
<Location /less>
    ApiSecApi thing
    ApiSecResponses undeclared=remove max=64k
</Location>
<Location /block>
    ApiSecApi thing
    ApiSecResponses schema=block max=2m
</Location>
<Location /page>
    ApiSecResponses escape=on
</Location>
<Location /packed>
    AddOutputFilterByType DEFLATE text/plain application/json
</Location>
<Location /packed/set>
    SetOutputFilter DEFLATE
</Location>
"""


def prepare(made):
    made.folder.write("api.json", json.dumps(API))
    made.store.ok("api", "import", "thing", made.folder.path("api.json"))
    packed = made.folder.write("packed", gzip.compress(TEXT))
    made.script("text", "printf 'Content-Type: text/plain\\n\\n%s'" % TEXT.decode())
    made.script("stop", "printf 'Content-Type: text/plain\\nX-Debug: canary\\nSet-Cookie: canary\\nContent-Encoding: identity\\n"
                        "ETag: \"canary\"\\n\\n%s'" % TEXT.decode())
    made.script("gzip", "printf 'Content-Type: text/plain\\nContent-Encoding: gzip\\nETag: \"1\"\\n\\n'; cat %s" % packed)
    for name in ("log", "large"):
        made.script(name, "printf 'Content-Type: text/plain\\n\\n'; head -c 60000000 /dev/zero | tr '\\0' x")
    made.folder.write("htdocs/pages/a.shtml", "card 411111<!--#set var='x' value='y' -->1111111111")
    made.folder.write("htdocs/pages/b.txt", b"x" * 100 + TEXT)
    made.folder.write("htdocs/pages/c.txt.gz", gzip.compress(TEXT))


@pytest.fixture(scope="module")
def site():
    modules = ["proxy_http", "proxy_fcgi", "cgi", "alias", "include", "filter", "deflate", "http2", "socache_shmcb", "cache", "cache_socache"]
    with Said() as back, Responder() as fcgi:
        with Site(CONF.replace("@BACK@", str(back.port)).replace("@FCGI@", str(fcgi.port)), prepare, modules=modules) as made:
            made.back, made.fcgi = back, fcgi
            yield made


def say(site, name, status, fields, body):
    site.back.answers[name] = answer(status, fields, body)
    return name


PLAIN = [("Content-Type", "text/plain")]


# NEG-16: 205 has content on the wire, and the parts of a page become one text
def test_whatever_has_content_is_looked_through(site):
    for status in (200, 203, 205, 404, 500):
        say(site, "any", status, PLAIN, TEXT)
        assert site.get("/mask/any").body == MASKED, status
    assert site.get("/pages/a.shtml").body == MASKED
    assert site.get("/cgi/text").body == MASKED
    early = b"HTTP/1.1 103 Early\r\nLink: </a>\r\n\r\n" + answer(200, PLAIN, TEXT)
    site.back.answers["early"] = early
    assert site.server.raw(b"GET /mask/early HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").endswith(b"\r\n\r\n" + MASKED)


# NEG-16
def test_text_in_pieces_of_one_byte_is_one_text(site):
    pieces = b"".join(b"1\r\n%c\r\n" % c for c in TEXT) + b"0\r\n\r\n"
    say(site, "pieces", 200, PLAIN + [("Transfer-Encoding", "chunked")], pieces)
    assert site.get("/mask/pieces").body == MASKED


# NEG-16: a part of an answer is not asked for, and several parts are looked through
def test_nothing_is_had_in_parts(site):
    part = b"--q\r\nContent-Type: text/plain\r\nContent-Range: bytes 0-20/21\r\n\r\n%s\r\n--q--\r\n"
    say(site, "parts", 206, {"Content-Type": "multipart/byteranges; boundary=q"}, part % TEXT)
    ask = [("Range", "bytes=0-11,12-20"), ("If-Range", '"1"'), ("Accept-Encoding", "gzip;q=0.5, zstd, br , *;q=0.1")]
    assert site.get("/mask/parts", headers=ask).body == part % MASKED
    head = site.back.seen[-1].lower()
    assert b"range:" not in head and re.search(rb"accept-encoding: gzip;q=0.5, *br *\r\n", head), head
    say(site, "whole", 200, PLAIN, TEXT)
    assert site.get("/mask/whole", headers=ask[:1]).body == MASKED
    assert site.get("/mask/whole", headers=[("Accept-Encoding", "zstd")]).body == MASKED
    assert b"accept-encoding: identity\r\n" in site.back.seen[-1].lower()
    site.get("/page2/whole", headers=ask)  # a section that looks at no answers asks for what the client does
    assert b"Range: bytes=0-11,12-20\r\n" in site.back.seen[-1] and b"zstd" in site.back.seen[-1]
    got = site.get("/pages/b.txt", headers=[("Range", "bytes=105-109")])  # a file is masked before it is cut
    assert (got.status, got.body) == (206, b"11111")


# NEG-16: wherever a coding is told, and however often
def test_codings_are_found(site):
    packed = gzip.compress(TEXT)
    say(site, "gzip", 200, PLAIN + [("Content-Encoding", "gzip"), ("ETag", '"1"')], packed)
    for path in ("/mask/gzip", "/cgi/gzip", "/pages/c.txt.gz"):
        got = site.get(path)
        assert got.body == MASKED and "Content-Encoding" not in got.headers and "ETag" not in got.headers, path
    site.fcgi.answers["gzip"] = b"Content-Type: text/plain\r\nContent-Encoding: gzip\r\n\r\n" + packed
    assert site.get("/fcgi/gzip").body == MASKED
    for codings in (["identity", "gzip"], ["gzip", "gzip"], ["zstd"]):
        say(site, "odd", 200, PLAIN + [("Content-Encoding", one) for one in codings], packed)
        got = site.get("/mask/odd")
        assert got.status == 502 and got.json()["title"] == "Bad Gateway", codings
    zeros = b"[" + b"0," * 200000 + b"0]"
    say(site, "zeros", 200, {"Content-Type": "application/json", "Content-Encoding": "gzip"}, gzip.compress(zeros))
    assert gzip.decompress(site.get("/mask/zeros").body) == zeros, "what shrinks a lot is no bomb: max= holds"
    say(site, "long", 200, PLAIN, TEXT + b"\n" * 5000)
    for path in ("/packed/long", "/packed/set/long"):
        got = site.get(path, headers=[("Accept-Encoding", "gzip")])
        assert gzip.decompress(got.body) == MASKED + b"\n" * 5000 and got.headers["Content-Encoding"] == "gzip"
        assert site.get(path).body == MASKED + b"\n" * 5000


# POS-19: a program's fields lie with those of errors
def test_a_blocked_answer_leaves_none_of_its_fields(site):
    site.fcgi.answers["stop"] = b"Content-Type: text/plain\r\nX-Debug: canary\r\nSet-Cookie: canary\r\n\r\n" + TEXT
    for path in ("/cgi/stop", "/fcgi/stop"):
        got = site.get(path)
        assert got.status == 502 and got.json()["title"] == "Bad Gateway"
        assert "canary" not in str(got.headers) and "Content-Encoding" not in got.headers and "X-Request-Id" in got.headers


# POS-13, NEG-16: what came before a backend broke off was not judged, and is not sent
def test_an_answer_without_its_end_is_an_error(site):
    for name, fields, body in (("short", [("Content-Length", "1000")], TEXT), ("broken", [("Transfer-Encoding", "chunked")], b"15\r\n%s\r\n40\r\nx" % TEXT)):
        say(site, name, 200, PLAIN + fields, body)
        for place in ("mask", "packed/set"):
            got = site.server.raw(b"GET /%s/%s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" % (place.encode(), name.encode()))
            assert got.startswith(b"HTTP/1.1 502") and CARD.encode() not in got and b"HTTP/1.1 200" not in got, (name, place, got)
    site.fcgi.answers["dies"] = b"Content-Type: text/plain\r\n\r\n" + TEXT
    site.fcgi.dies.add("dies")
    assert CARD.encode() not in site.server.raw(b"GET /fcgi/dies HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")


# POS-19: what cannot be read has nothing taken out of it, and is not sent
@pytest.mark.parametrize("fields, body, status", [
    ({}, b'{"name":"x","hash":"canary"}', 200),
    ({"X-Count": "many"}, b'{"name":"x","hash":"canary"}', 200),
    ({}, b'{"name":"x","name":"y","hash":"canary"}', 502),
    ({}, b'{"name":"x","hash":"canary"', 502),
    ({}, b'{"name":"%s","hash":"canary"}' % (b"x" * 70000), 502),
    ({"Content-Encoding": "zstd"}, b'{"name":"x","hash":"canary"}', 502),
])
def test_members_are_taken_out_or_nothing_is_sent(site, fields, body, status):
    say(site, "less", 200, dict(fields, **{"Content-Type": "application/json"}), body)
    got = site.get("/less/less")
    assert got.status == status and b"canary" not in got.body
    assert status == 502 or got.json() == {"name": "x"}


# POS-19: an answer may be as long as max= says, in each way
@pytest.mark.parametrize("body, status", [
    ({"list": list(range(90000))}, 200), ({"map": {"m%d" % i: i for i in range(30000)}}, 200), ({"name": "x" * 1500000}, 200),
    ({"list": list(range(90000)) + ["x"]}, 502), ({"list": [1] * 300000}, 502), ({"name": "x" * 2100000}, 502)], ids=range(6))
def test_long_answers_are_judged_whole(site, body, status):
    say(site, "block", 200, {"Content-Type": "application/json"}, json.dumps(body).encode())
    got = site.get("/block/block")
    assert got.status == status and (status == 502 or got.json() == body)


# POS-19: what a client has already
def test_not_modified_is_as_it_was_declared(site):
    say(site, "block", 304, {"ETag": '"1"'}, b"")
    got = site.get("/block/block", headers=[("If-None-Match", '"1"')])
    assert (got.status, got.headers["ETag"], got.body) == (304, '"1"', b"")
    assert site.request("HEAD", "/block/block").status == 304


def test_head_promises_no_length_of_what_is_rewritten(site):
    say(site, "page", 200, {"Content-Type": "application/json", "Content-Length": "5"}, b'["<"]')
    assert site.get("/page/page").body == b'["\\u003c"]'
    got = site.request("HEAD", "/page/page")
    assert got.status == 200 and "Content-Length" not in got.headers


TELLING = [("X-Trace", "at com.example.Main(Main.java:12)"), ("Location", "/x?key=AKIAABCDEFGHIJKLMNOP"), ("X-Card", CARD),
           ("Set-Cookie", "n=" + CARD), ("ETag", '"%s"' % CARD), ("X-Plain", "12")]


# NEG-16: fields as well, whatever content there is; a number in a cookie or an ETag means nothing to others
def test_fields_are_looked_through(site):
    for status in (200, 204, 302, 404):
        for name in ("GET", "HEAD"):
            say(site, "told", status, PLAIN + TELLING, b"x" if status != 204 else b"")
            got = site.request(name, "/mask/told")
            shown = [got.headers[field] for field, _ in TELLING]
            assert (got.status, shown[0][:24], shown[2:]) == (status, "at com.example.Main(Main", ["1" * 16] + [v for _, v in TELLING[3:]])
            assert "java" not in shown[0] and "AKIA" not in shown[1] and shown[1].endswith("xxxx"), shown
    got = site.get("/guard/told")
    line = site.server.wait_audit(lambda line: line["id"] == got.headers["X-Request-Id"])
    assert (got.status, line["reason"], line["fault"]) == (502, "response_leak", "leak stack_trace in the field X-Trace")
    assert not [field for field, _ in TELLING if field in got.headers]
    say(site, "told", 200, PLAIN + [("X-Card", CARD)], b"x")
    got = site.get("/watch/told")
    line = site.server.wait_audit(lambda line: line["id"] == got.headers["X-Request-Id"])
    assert (got.status, got.headers["X-Card"], line["decision"]) == (200, CARD, "would-refuse")
    assert line["fault"] == "leak card in the field X-Card"


# NEG-16: what a store of answers has is what was judged
def test_a_cache_has_what_was_masked(site):
    say(site, "cached", 200, PLAIN + [("Cache-Control", "public, max-age=60")], TEXT)
    got = [site.get("/cached/cached") for _ in range(2)]
    assert [one.body for one in got] == [MASKED] * 2 and "HIT" in got[1].headers["X-Cache"]


@pytest.fixture
def highest(site):
    """highest() is the most memory that any child has had, in KiB."""
    def most():
        text = "".join(open("/proc/%d/status" % pid).read() for pid in site.server.children())
        return max(int(n) for n in re.findall(r"VmHWM:\s+(\d+) kB", text))
    return most


# NEG-16: 60 MB by a program are never all in memory
def test_a_long_answer_of_a_program_takes_no_memory(site, highest):
    before = highest()
    got = site.get("/cgi/large")
    assert got.status == 502 and got.json()["title"] == "Bad Gateway"
    done = subprocess.run(["curl", "-s", "-o", "/dev/null", "-w", "%{size_download}", site.server.url("/cgi/log")], stdout=subprocess.PIPE)
    assert done.stdout == b"60000000"
    assert highest() - before < 20000


# NEG-16, POS-19
def test_http2(site):
    say(site, "text", 200, PLAIN, TEXT)
    trailers = b"15\r\n%s\r\n0\r\nX-More: canary\r\n\r\n" % TEXT
    say(site, "trailers", 200, PLAIN + [("Transfer-Encoding", "chunked")], trailers)
    with H2Connection(site.server.port) as h2:
        for path in ("/mask/text", "/mask/trailers", "/mask/short", "/fcgi/stop"):
            h2.request("GET", path)
        got = h2.finish()
    assert [(stream.status, stream.body) for stream in got[:2]] == [(200, MASKED)] * 2
    assert got[2].status in (502, None) and got[3].status == 502
    assert not [stream for stream in got if CARD.encode() in stream.body]
