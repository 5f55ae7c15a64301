"""What a section takes as content: methods, types, readers and caps; and what the handler then gets."""

import json
import re
import socket

import pytest
from harness import MPM, Backend, Site
from harness.backend import body_of, fields_of
from harness.h2 import H2Connection

CONF = """
Protocols h2c http/1.1
MergeTrailers On
ApiSecRequireTLS Off
ScriptAlias /cgi @ROOT@/cgi
<Directory @ROOT@/cgi>
    Require all granted
</Directory>
ErrorDocument 404 /errors/404.json
ProxyPass /back http://127.0.0.1:@BACK@/back
RewriteEngine On
ApiSecEngine On
<Location /cgi>
    ApiSecMethods GET POST PUT DELETE
    ApiSecBody json max=4k depth=3 nodes=50 string=100 members=5 items=6 digits=9
</Location>
<Location /cgi/status>
    ApiSecErrors status
</Location>
<Location /cgi/public>
    ApiSecRequire public
</Location>
<Location /cgi/optional>
    ApiSecBody json optional
</Location>
<Location /cgi/lines>
    ApiSecBody ndjson max=1k nodes=3 lines=3
</Location>
<Location /cgi/form>
    ApiSecBody form max=1k members=3 string=10
</Location>
<Location /cgi/repeated>
    ApiSecBody form repeated
</Location>
<Location /cgi/any>
    ApiSecBody any max=100
</Location>
<Location /cgi/types>
    ApiSecBody any
    ApiSecContentTypes image/* Text/Plain
</Location>
<Location /cgi/parts>
    ApiSecBody multipart max=1k parts=2 part=20
</Location>
<Location /cgi/many>
    ApiSecBody multipart max=1k repeated
</Location>
<Location /cgi/xml>
    ApiSecBody xml max=1k depth=3 nodes=5 string=10 attributes=1
</Location>
<Location /cgi/schema>
    ApiSecBody json
    ApiSecSchema json order
</Location>
<Location /cgi/schema/any>
    ApiSecBody any
</Location>
<Location /cgi/schema/status>
    ApiSecErrors status
</Location>
<Location /cgi/schemas>
    ApiSecBody ndjson
    ApiSecSchema json order
</Location>
<Location /cgi/fields>
    ApiSecBody form max=1k
    ApiSecSchema json fields
</Location>
<Location /cgi/fields/parts>
    ApiSecBody multipart max=1k
    ApiSecSchema json fields
</Location>
<Location /cgi/unknown>
    ApiSecSchema json nothing
</Location>
<Location /cgi/none>
    ApiSecBody none
</Location>
<Location /cgi/watch>
    ApiSecEngine DetectOnly
    ApiSecMethods GET
</Location>
<Location /cgi/watched>
    ApiSecEngine DetectOnly
</Location>
<Location /cgi/signed>
    ApiSecMax held=100
</Location>
<Location /back>
    ApiSecBody json max=1m
</Location>
<Location /moved>
    ApiSecBody json
    RewriteEngine On
    RewriteRule ^ /cgi/moved [PT]
</Location>
<Location /cgi/redirect>
    ApiSecBody json
</Location>
<Location /orders>
    ApiSecBody json
</Location>
<Location /errors>
    ApiSecRequire public
    ApiSecMethods POST
    ApiSecBody json
</Location>
"""
ECHO = r"""
echo "$REQUEST_METHOD" >> "@RUNS@"
[ "$QUERY_STRING" = redirect ] && { printf 'Location: /cgi/echo\n\n'; exit; }
printf 'Content-Type: text/plain\nX-Length: %s\nX-Coded: %s%s\n\n' "$CONTENT_LENGTH" "$HTTP_CONTENT_ENCODING" "$HTTP_TRANSFER_ENCODING"
[ "$REQUEST_METHOD" = GET ] || cat
"""
PLACES = ["echo", "status", "public", "optional", "lines", "form", "repeated", "any", "types", "none", "watch", "watched", "moved", "redirect", "parts", "many", "xml", "schema", "schemas", "fields", "unknown"]
ORDER = {"type": "object", "required": ["item"], "additionalProperties": False,
         "properties": {"item": {"type": "string"}, "lines": {"type": "array", "items": {"type": "object", "properties": {"n": {"type": "integer", "maximum": 9}}}},
                        "id": {"type": "integer", "readOnly": True}}}

FIELDS = {"type": "object", "required": ["n"], "additionalProperties": False,
          "properties": {"n": {"type": "integer", "maximum": 9}, "text": {"type": "string", "maxLength": 5}, "on": {"type": "boolean"},
                         "all": {"type": "array", "items": {"type": "integer"}}, "file": {"type": "string", "contentMediaType": "image/png"}}}


def prepare(site):
    site.role("all", *("%s /**" % method for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")))
    site.key("ci", role="all", owner="shop")
    site.store.ok("api", "import", "order", site.folder.write("order.json", json.dumps(ORDER)), "--kind", "json-schema")
    site.store.ok("api", "import", "fields", site.folder.write("fields.json", json.dumps(FIELDS)), "--kind", "json-schema")
    site.folder.write("runs.txt", "", 0o666)
    site.folder.write("htdocs/errors/404.json", "not there\n")
    for name in PLACES:
        site.script(name, ECHO.replace("@RUNS@", site.folder.path("runs.txt")))


@pytest.fixture(scope="module")
def back():
    with Backend() as backend:
        yield backend


@pytest.fixture(scope="module")
def site(back):
    modules = ["cgi", "proxy_http", "rewrite"] + (["http2"] if MPM != "prefork" else [])
    conf = CONF if MPM != "prefork" else CONF.replace("Protocols h2c http/1.1\n", "")
    with Site(conf.replace("@BACK@", str(back.port)), prepare, modules=modules) as made:
        yield made


JSON, FORM = "application/json", "application/x-www-form-urlencoded"


def send(site, place, body, kind=JSON, method="POST", headers=(), key="ci"):
    fields = list(headers) + ([("Content-Type", kind)] if kind else [])
    return site.request(method, place if place[0] == "/" else "/cgi/" + place, key=key, headers=fields, body=body)


def line_of(site, got):
    return site.server.wait_audit(lambda line: line["id"] == got.headers["X-Request-Id"])


def verdict(site, got):
    line = line_of(site, got)
    return (got.status, line["reason"]) + ((line["fault"],) if "fault" in line else ())


# POS-02
def test_methods_that_are_not_listed_get_allow(site):
    got = send(site, "echo", None, None, "PATCH")
    assert verdict(site, got) == (405, "method_unlisted")
    assert got.headers["Allow"] == "GET, HEAD, POST, PUT, DELETE"
    for method in ("GET", "HEAD", "DELETE"):
        assert send(site, "echo", None, None, method).status == 200


# POS-02
@pytest.mark.parametrize("place, kind, status, reason", [
    ("echo", JSON, 200, "allow"),
    ("echo", "application/problem+json; charset=UTF-8", 200, "allow"),
    ("echo", None, 415, "type_missing"),
    ("echo", "text/plain", 415, "type_unlisted"),
    ("echo", "application/json; charset", 415, "type_unlisted"),
    ("echo", "application/json; charset=utf-16", 415, "charset_refused"),
    ("echo", "application/json; charset=utf-8; charset=utf-8", 415, "type_unlisted"),
    ("echo", "application/json, application/json", 400, "type_repeated"),
    ("any", None, 200, "allow"),
    ("any", "a/b", 200, "allow"),
    ("any", "a/b, c/d", 400, "type_repeated"),
    ("types", "image/png", 200, "allow"),
    ("types", "TEXT/plain", 200, "allow"),
    ("types", JSON, 415, "type_unlisted"),
    ("none", JSON, 400, "body_unwanted"),
])
def test_content_has_one_type_of_those_listed(site, place, kind, status, reason):
    got = send(site, place, b"[]", kind)
    assert verdict(site, got) == (status, reason)
    if reason in ("type_missing", "type_unlisted"):
        assert got.headers["Accept"] == {"echo": "application/json, application/*+json", "types": "image/*, text/plain"}[place]


# POS-02
def test_a_field_that_is_sent_twice_is_refused(site):
    got = send(site, "echo", b"[]", JSON, headers=[("Content-Type", JSON)])
    assert verdict(site, got) == (400, "type_repeated")


def part(name, text, more=""):
    return '--b\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n' % (name, more, text)


PARTS = "multipart/form-data; boundary=b"


# POS-03, POS-07, NEG-06
@pytest.mark.parametrize("place, kind, body, want", [
    ("echo", JSON, '{"a":[1,{"b":2}]}', (200, "allow")),
    ("echo", JSON, "", (400, "body_missing")),
    ("optional", JSON, "", (200, "allow")),
    ("echo", JSON, "{", (400, "body_malformed", "json end 1")),
    ("echo", JSON, '{"a":1,"a":2}', (400, "body_malformed", "json duplicate 8")),
    ("echo", JSON, "\ufeff[]", (400, "body_malformed", "json bom 0")),
    ("echo", JSON, "[1] [2]", (400, "body_malformed", "json trailing 4")),
    ("echo", JSON, "[[[]]]", (200, "allow")),
    ("echo", JSON, "[[[[]]]]", (413, "body_over", "json depth 3")),
    ("echo", JSON, '"%s"' % ("x" * 100), (200, "allow")),
    ("echo", JSON, '"%s"' % ("x" * 101), (413, "body_over", "json string 1")),
    ("echo", JSON, "[1,2,3,4,5,6]", (200, "allow")),
    ("echo", JSON, "[1,2,3,4,5,6,7]", (413, "body_over", "json items 13")),
    ("echo", JSON, "[[1,2,3,4,5,6]%s]" % (",[1,2,3,4,5,6]" * 5), (200, "allow")),
    ("echo", JSON, "[[[1,2,3,4,5,6]%s]]" % (",[1,2,3,4,5,6]" * 5), (200, "allow")),
    ("echo", JSON, "[[[1,2,3,4,5,6],[1,2,3,4,5,6],[1,2,3,4,5,6]],[[1,2,3,4,5,6],[1,2,3,4,5,6],[1,2,3,4,5,6],[1,2,3,4,5]]]",
     (413, "body_over", "json nodes 97")),
    ("echo", JSON, "1234567890", (413, "body_over", "json digits 0")),
    ("echo", JSON, " " * 4094 + "[]", (200, "allow")),
    ("echo", JSON, " " * 4095 + "[]", (413, "body_held")),
    ("lines", "application/x-ndjson", "1\n2\n3\n", (200, "allow")),
    ("lines", "application/jsonl", "1\n[2]", (200, "allow")),
    ("lines", "application/x-ndjson", "1\n\n2\n", (400, "body_malformed", "ndjson empty 2")),
    ("lines", "application/x-ndjson", "1\n2\n3\n4", (413, "body_over", "ndjson lines 3")),
    ("lines", "application/x-ndjson", "[1,2]\n[3,4,5]", (413, "body_over", "ndjson nodes 2")),
    ("lines", "application/x-ndjson", "1\n{]", (400, "body_malformed", "ndjson syntax 2")),
    ("form", "application/x-www-form-urlencoded", "a=1&b=%C3%A9&c=x+y", (200, "allow")),
    ("form", "application/x-www-form-urlencoded", "a=1&a=2", (400, "body_malformed", "form repeated 4")),
    ("repeated", "application/x-www-form-urlencoded", "a=1&a=2", (200, "allow")),
    ("form", "application/x-www-form-urlencoded", "a=%zz", (400, "body_malformed", "form escape 2")),
    ("form", "application/x-www-form-urlencoded", "a&b&c&d", (413, "body_over", "form pairs 0")),
    ("form", "application/x-www-form-urlencoded", "a=12345678901", (413, "body_over", "form string 2")),
    ("parts", PARTS, part("a", "1") + part("f", "x" * 20, '; filename="a.txt"') + "--b--\r\n", (200, "allow")),
    ("parts", PARTS, part("a", "1"), (400, "body_malformed", "multipart end 52")),
    ("parts", PARTS, part("a", "x" * 21) + "--b--\r\n", (413, "body_over", "multipart part 70")),
    ("parts", PARTS, part("a", "1") * 3 + "--b--\r\n", (413, "body_over", "multipart parts 109")),
    ("parts", PARTS, part("a", "1") * 2 + "--b--\r\n", (400, "body_malformed", "multipart repeated 101")),
    ("parts", PARTS, part("a.b", "1") + part("a_b", "1") + "--b--\r\n", (400, "body_malformed", "multipart repeated 105")),
    ("many", PARTS, part("a", "1") * 2 + "--b--\r\n", (200, "allow")),
    ("many", PARTS, part("f", "1", '; filename="a"') + part("f", "1", '; filename="A"') + "--b--\r\n",
     (400, "body_malformed", "multipart repeated 135")),
    ("parts", PARTS, part("f", "1", '; filename="../a"') + "--b--\r\n", (400, "body_malformed", "multipart filename 72")),
    ("parts", "multipart/form-data", "--b--", (400, "body_malformed", "multipart boundary 0")),
    ("xml", "application/xml", '<a b="1"><c>text</c></a>', (200, "allow")),
    ("xml", "application/atom+xml", "<a></b>", (400, "body_malformed", "xml malformed 0")),
    ("xml", "text/xml", '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', (400, "body_malformed", "xml doctype 0")),
    ("xml", "text/xml", "<a><b><c><d/></c></b></a>", (413, "body_over", "xml depth 0")),
    ("xml", "text/xml", '<a b="1" c="2"/>', (413, "body_over", "xml attributes 0")),
    ("schema", JSON, '{"item":"a","lines":[{"n":9}]}', (200, "allow")),
    ("schema", JSON, '{"item":"a","lines":[{"n":1},{"n":10}]}', (400, "body_invalid", "/lines/1/n maximum")),
    ("schema", JSON, '{"item":"a","id":1}', (400, "body_invalid", "/id readOnly")),
    ("schema", JSON, '{"item":', (400, "body_malformed", "json end 8")),
    ("schema/any", JSON, '{"item":', (200, "allow")),
    ("schemas", "application/jsonl", '{"item":"a"}\n{"item":"b"}\n', (200, "allow")),
    ("schemas", "application/jsonl", '{"item":"a"}\n{}\n', (400, "body_invalid", " required")),
    ("schemas", "application/jsonl", '{"item":"a"}\n{\n', (400, "body_malformed", "ndjson end 2")),
    # POS-14: the fields of a form are the properties of a schema
    ("fields", FORM, "n=9&text=7&on=true&all=1&all=2", (200, "allow")),
    ("fields", FORM, "n=10", (400, "body_invalid", "body /n maximum")),
    ("fields", FORM, "n=x", (400, "body_invalid", "body /n type")),
    ("fields", FORM, "text=a", (400, "body_invalid", "body required")),
    ("fields", FORM, "n=1&text=123456", (400, "body_invalid", "body /text maxLength")),
    ("fields", FORM, "n=1&text=a&text=b", (400, "body_invalid", "body text repeated")),
    ("fields", FORM, "n=1&other=2", (400, "body_invalid", "body /other additionalProperties")),
    ("fields", FORM, "n=1&other=2&other=3", (400, "body_invalid", "body other repeated")),
    ("fields", FORM, "n=%zz", (400, "body_malformed", "form escape 2")),
    ("fields/parts", PARTS, part("n", "1") + part("all", "2") + part("all", "3") + part("file", "x", '; filename="a.png"') + "--b--\r\n", (200, "allow")),
    ("fields/parts", PARTS, part("n", "x") + "--b--\r\n", (400, "body_invalid", "body /n type")),
    ("fields/parts", PARTS, part("n", "1") + part("n", "2") + "--b--\r\n", (400, "body_invalid", "body n repeated")),
    ("fields/parts", PARTS, part("n", "1") + part("other", "2") + "--b--\r\n", (400, "body_invalid", "body /other additionalProperties")),
    ("fields/parts", PARTS, part("n", "1"), (400, "body_malformed", "multipart end 52")),
    ("unknown", JSON, "{}", (503, "schema_down")),
    ("any", JSON, "x" * 100, (200, "allow")),
    ("any", JSON, "x" * 101, (413, "body_held")),
])
def test_content_is_read_strictly(site, place, kind, body, want):
    for chunked in (False, True):
        data = body.encode()
        if chunked:  # in pieces of three bytes
            pieces = [data[i:i + 3] for i in range(0, len(data), 3)]
            data = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
        got = send(site, place, data, kind, headers=[("Transfer-Encoding", "chunked")] if chunked else ())
        assert verdict(site, got) == want
        if got.status == 200:  # POS-13: the very bytes, with their length
            assert got.body == body.encode()
            assert got.headers["X-Length"] == (str(len(body.encode())) if body or chunked else "0")
            assert got.headers["X-Coded"] == ""


# POS-13, NEG-06
@pytest.mark.parametrize("chunked", [False, True])
def test_a_backend_gets_what_was_judged(site, back, chunked):
    body = json.dumps({"list": list(range(2000))}).encode()
    data = body if not chunked else b"%x\r\n%s\r\n0\r\nX-Trailer: a\r\n\r\n" % (len(body), body)
    fields = [("Transfer-Encoding", "chunked"), ("Trailer", "X-Trailer")] if chunked else []
    got = send(site, "/back/x", data, headers=fields)
    assert got.status == 200
    seen = back.seen[-1]
    assert body_of(seen) == body
    assert fields_of(seen, "Content-Length") == [str(len(body))]
    assert fields_of(seen, "Transfer-Encoding") == fields_of(seen, "Trailer") == []
    before = len(back.seen)
    assert send(site, "/back/x", b"[1,]").status == 400
    assert len(back.seen) == before


# POS-13, AZ-11
def test_trailers_are_no_fields(site, back):
    body = b'{"a":1}'
    for name in ("X-Apisec-User", "X-Remote-User", "X-HTTP-Method", "X_User", "Content-Type", "Content-Encoding", "X-Mine"):
        data = b"%x\r\n%s\r\n0\r\n%s: gzip\r\n\r\n" % (len(body), body, name.encode())
        assert send(site, "/back/x", data, headers=[("Transfer-Encoding", "chunked")]).status == 200, name
        assert "gzip" not in [value for _, value in back.seen[-1]["fields"]] and body_of(back.seen[-1]) == body, name


# POS-21
def test_failures_are_told_to_callers_who_are_known(site):
    got = send(site, "echo", b'{"secret-value": }')
    assert got.headers["Content-Type"] == "application/problem+json"
    (failure,) = got.json()["errors"]
    assert (failure["in"], failure["keyword"], failure["fault"]) == ("body", "json", "syntax")
    assert "byte 17" in failure["expected"]
    assert "errors" not in send(site, "status", b"{").json()
    many = json.dumps({"lines": [{"n": 10 + n} for n in range(12)]}).encode()
    errors = send(site, "schema", many).json()["errors"]
    assert len(errors) == 10 and all(error["in"] == "body" for error in errors)
    told = [(error["pointer"], error["keyword"], error["expected"], error["value"]) for error in errors]
    assert ("/lines/0/n", "maximum", "at most 9", "10") in told
    assert "errors" not in send(site, "schema/status", many).json()
    got = send(site, "public", b"{", key=None)
    assert got.status == 400 and "errors" not in got.json()
    line = line_of(site, got)
    assert line["fault"] == "json end 1" and "secret-value" not in site.server.log("audit.log")


# POS-17
def test_the_parser_is_named_at_start(site):
    assert re.search(r"APISEC0035: XML is read by libxml2 2\.\d+\.\d+", site.server.error_log())


def test_detect_only_changes_nothing(site):
    for place, body, reason, fault in (("watch/0", b'{"a":', "method_unlisted", None),
                                       ("watched/1", b'{"a":', "body_malformed", "json end 5"),
                                       ("watched/2", b" " * 20000, "body_held", None)):
        got = send(site, place, body)
        assert (got.status, got.body) == (200, body)
        line = site.server.wait_audit(lambda line: line["path"] == "/cgi/" + place)
        assert (line["decision"], line["reason"], line.get("fault")) == ("would-refuse", reason, fault)


def read_head(stream):
    return iter(stream.readline, b"\r\n")


# NEG-12, NEG-06: nobody is asked to send what will be refused, and the connection goes on or ends.
@pytest.mark.parametrize("fields, status", [
    ("Content-Length: 2\r\nContent-Type: text/plain\r\n", 415),
    ("Content-Length: 5000\r\nContent-Type: application/json\r\n", 413),
    ("Content-Length: 2\r\nContent-Type: application/json\r\nContent-Encoding: zstd\r\n", 415),
])
def test_what_is_refused_by_its_fields_is_not_asked_for(site, fields, status):
    head = "POST /cgi/echo HTTP/1.1\r\nHost: a\r\nX-API-Key: %s\r\nExpect: 100-continue\r\n%s\r\n" % (site.keys["ci"], fields)
    with socket.create_connection(("127.0.0.1", site.server.port), 30) as s:
        s.sendall(head.encode())
        stream = s.makefile("rb")
        assert int(stream.readline().split()[1]) == status


# NEG-06: what was not read is no request of its own.
@pytest.mark.parametrize("fields", [
    "Content-Type: text/plain\r\nContent-Length: %d\r\n",
    "Content-Type: application/json\r\nContent-Encoding: zstd\r\nContent-Length: %d\r\n",
    "Content-Type: application/json\r\nContent-Length: %d\r\n",
])
def test_unread_content_is_no_request(site, fields):
    inner = b"DELETE /cgi/any HTTP/1.1\r\nHost: a\r\nX-API-Key: %s\r\n\r\n" % site.keys["ci"].encode()
    with open(site.folder.path("runs.txt")) as seen:
        before = seen.read().count("DELETE")
    head = "POST /cgi/echo HTTP/1.1\r\nHost: a\r\nX-API-Key: %s\r\n%s\r\n" % (site.keys["ci"], fields % len(inner))
    got = site.server.raw(head.encode() + inner + b"GET /cgi/echo HTTP/1.1\r\nHost: a\r\n\r\n")
    assert got.startswith((b"HTTP/1.1 415", b"HTTP/1.1 400"))
    assert got.count(b"HTTP/1.1 ") <= 2
    with open(site.folder.path("runs.txt")) as seen:
        assert seen.read().count("DELETE") == before


def test_redirects_and_error_pages(site):
    got = send(site, "/moved", b"[1]")
    assert (got.status, got.body) == (200, b"[1]")
    assert verdict(site, send(site, "/moved", b"[1")) == (400, "body_malformed", "json end 2")
    # A handler's redirect is a GET without content.
    got = send(site, "redirect?redirect", b"[1]")
    assert (got.status, got.body, got.headers["X-Length"]) == (200, b"", "")
    # A page that answers an error has no content either, whatever its section asks of others.
    got = send(site, "/orders/none.json", b"[1]")
    assert (got.status, got.body) == (404, b"not there\n")
    assert verdict(site, send(site, "/orders/none.json", b"[1")) == (400, "body_malformed", "json end 2")


@pytest.mark.skipif(MPM == "prefork", reason="HTTP/2 wants threads")
def test_http2(site):
    with H2Connection(site.server.port) as h2:
        fields = [("x-api-key", site.keys["ci"]), ("content-type", JSON)]
        h2.request("POST", "/cgi/echo", fields, b"[1,2]")
        h2.request("POST", "/cgi/echo", fields, b"[1,2")
        h2.request("POST", "/cgi/echo", fields[:1], b"[1,2]")
        h2.request("POST", "/cgi/echo", fields)
        h2.request("PATCH", "/cgi/echo", fields, b"[]")
        got = h2.finish()
    assert [stream.status for stream in got] == [200, 400, 415, 400, 405]
    assert got[0].body == b"[1,2]"


BAD = [("ApiSecMethods", "want some of"), ("ApiSecMethods BREW", "want some of"), ("ApiSecMethods GET GET", "each once"),
       ("ApiSecContentTypes json", "want a type"), ("ApiSecContentTypes a/b;c=d", "want a type"), ("ApiSecContentTypes", "want 1 to"),
       ("ApiSecBody", "want json"), ("ApiSecBody yaml", "want json"), ("ApiSecBody json depth=0", '"depth=0": want 1 to 1000'), ("ApiSecBody json depth=1001", "want 1 to 1000"),
       ("ApiSecBody json repeated", "digits=, optional"), ("ApiSecBody form depth=3", "members=, optional, repeated"), ("ApiSecBody none max=1", "want nothing"),
       ("ApiSecBody any optional", '"optional": want max='), ("ApiSecBody json lines=3", '"lines=3": want max=, depth='), ("ApiSecBody json max=3g", "want 1 to 2147483647"),
       ("ApiSecDecode", "want none"), ("ApiSecDecode zstd", "want none"), ("ApiSecDecode none gzip", "want none"), ("ApiSecDecode ratio=0", "want none"),
       ("ApiSecSchema json", "want json"), ("ApiSecSchema yaml a", "want json"), ("ApiSecSchema json a/b", "want json"),
       ("ApiSecBody any\nApiSecSchema json a", "judges what"), ("ApiSecBody json\nApiSecSchema xml a", "judges what"), ("ApiSecSchema json a\nApiSecBody xml", "judges what"),
       ("ApiSecBody multipart depth=3", "want max=, parts=, part=, optional"), ("ApiSecBody xml items=3", "attributes=, optional"), ("ApiSecErrors all", "want detail or status")]


@pytest.mark.one_mpm
def test_wrong_words_are_refused(make_server):
    server = make_server(start=False)
    for line, want in BAD:
        server.configure(line + "\n")
        code, said = server.configtest()
        assert code != 0 and line.split("\n")[-1].split()[0] in said and any(part in said for part in want.split("|")), (line, said)


@pytest.mark.one_mpm
def test_none_of_it_is_taken_from_htaccess(make_site):
    conf = "ApiSecEngine On\nApiSecRequireTLS Off\n<Directory @DOCS@>\nAllowOverride All\nAllowOverrideList ApiSecBody ApiSecErrors\n</Directory>\n"
    site = make_site(conf)
    for line in ("ApiSecBody any", "ApiSecErrors status"):
        site.folder.write("htdocs/orders/.htaccess", line + "\n")
        assert site.get(key="ci").status == 500
    assert "cannot occur within htaccess" in site.server.error_log()
