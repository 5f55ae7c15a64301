"""ApiSecResponses: answers are judged by the description, and say nothing that they must not."""

import gzip
import json
import socket

import pytest
from harness import Site
from harness.said import Said, answer

pytestmark = pytest.mark.one_mpm

CARD = "4111111111111111"
TRACE = "Traceback (most recent call last):\n  File \"/srv/app.py\", line 7, in <module>\nValueError: x\n"
THING = {"type": "object", "required": ["name"],
         "properties": {"name": {"type": "string"}, "parts": {"type": "array", "items": {
             "type": "object", "properties": {"id": {"type": "integer"}}}},
             "password": {"type": "string", "writeOnly": True}, "free": {"type": "object"}}}
API = {
    "openapi": "3.0.3", "info": {"title": "x", "version": "1"},
    "paths": {"/{name}": {
        "parameters": [{"name": "name", "in": "path", "required": True, "schema": {"type": "string"}}],
        "get": {"responses": {
            "200": {"description": "ok", "headers": {"X-Count": {"schema": {"type": "integer"}}},
                    "content": {"application/json": {"schema": THING}, "text/plain": {}, "text/event-stream": {},
                                "image/png": {}}},
            "404": {"description": "none"}}}}},
}

CONF = """
ApiSecRequireTLS Off
ApiSecEngine On
ApiSecRequire public
ProxyPass / http://127.0.0.1:@BACK@/
<Location /block>
    ApiSecApi thing
    ApiSecResponses schema=block max=64k
</Location>
<Location /log>
    ApiSecApi thing
    ApiSecResponses schema=log max=64k
</Location>
<Location /less>
    ApiSecApi thing
    ApiSecResponses schema=block undeclared=remove
</Location>
<Location /mask>
    ApiSecResponses leaks=mask
</Location>
<Location /stop>
    ApiSecResponses leaks=block kinds=stack_trace,private_key
</Location>
<Location /page>
    ApiSecResponses escape=on
</Location>
<Location /watch>
    ApiSecEngine DetectOnly
    ApiSecApi thing
    ApiSecResponses schema=block leaks=mask escape=on undeclared=remove
</Location>
"""


@pytest.fixture(scope="module")
def site():
    def prepare(made):
        made.folder.write("api.json", json.dumps(API))
        made.store.ok("api", "import", "thing", made.folder.path("api.json"))

    with Said() as backend:
        with Site(CONF.replace("@BACK@", str(backend.port)), prepare, modules=("proxy", "proxy_http")) as made:
            made.backend = backend
            yield made


def ask(site, place, body, status=200, method="GET", **fields):
    name = "a%d" % len(site.backend.answers)
    if isinstance(body, (dict, list)):
        body, fields = json.dumps(body), dict({"Content-Type": "application/json"}, **fields)
    fields = {k.replace("_", "-"): v for k, v in fields.items()}
    body = body.encode() if isinstance(body, str) else body
    site.backend.answers[name] = answer(status, fields, body)
    got = site.request(method, "/%s/%s" % (place, name))
    line = site.server.wait_audit(lambda line: line["path"] == "/%s/%s" % (place, name), 1)
    return got, line


GOOD = {"name": "x", "parts": [{"id": 1}]}


def test_what_is_declared_passes_as_it_came(site):  # POS-19
    text = '{ "name" : "x",\n"parts":[ ] }'
    got, line = ask(site, "block", text, Content_Type="application/json", X_Count="7", ETag='"1"')
    assert (got.status, got.body, line["reason"]) == (200, text.encode(), "public")
    assert got.headers["ETag"] == '"1"'
    assert ask(site, "block", b"", 404)[0].status == 404
    assert ask(site, "block", b"\x89PNG", Content_Type="image/png")[0].body == b"\x89PNG"
    for place in ("less", "page", "mask"):  # what is not held is not emptied either
        for kind in ("image/png", "text/event-stream"):
            got, line = ask(site, place, b"\x89PNG", Content_Type=kind, ETag='"1"')
            assert (got.status, got.body, got.headers["ETag"], line["reason"]) == (200, b"\x89PNG", '"1"', "public"), (place, kind)
    assert ask(site, "block", b"", method="HEAD", Content_Type="application/json")[0].status == 200
    packed = gzip.compress(json.dumps(GOOD).encode())
    got, _ = ask(site, "block", packed, Content_Type="application/json", Content_Encoding="gzip")
    assert (got.status, got.body, got.headers["Content-Encoding"]) == (200, packed, "gzip")


@pytest.mark.parametrize("status, body, fields, reason, fault", [
    (201, GOOD, {}, "response_status", "header :status undeclared"),
    (200, {"parts": []}, {}, "response_body", "body required"),
    (200, {"name": "x", "password": "canary"}, {}, "response_body", "body /password writeOnly"),
    (200, '{"name":"x","name":"y"}', {"Content-Type": "application/json"}, "response_body", None),
    (200, GOOD, {"X-Count": "many"}, "response_field", "header x-count type"),
    (200, "<a/>", {"Content-Type": "text/xml"}, "response_type", "header content-type type"),
    (404, "none", {"Content-Type": "text/plain"}, "response_body", "body undeclared"),
    (200, "x", {"Content-Type": "application/json", "Content-Encoding": "zstd"}, "response_coding", None),
    (200, b"\x1f\x8b\x08", {"Content-Type": "application/json", "Content-Encoding": "gzip"}, "response_coding", None),
    (200, '{"name":"%s"}' % ("x" * 70000), {"Content-Type": "application/json"}, "response_large", None)])
def test_what_is_not_declared_is_blocked_or_logged(site, status, body, fields, reason, fault):  # POS-19
    got, line = ask(site, "block", body, status, **fields)
    assert (got.status, line["status"], line["decision"], line["reason"]) == (502, 502, "refuse", reason)
    assert got.headers["Content-Type"] == "application/problem+json" and "errors" not in got.json()
    assert "canary" not in got.body.decode() and "X-Count" not in got.headers
    if fault is not None:
        assert line["fault"] == fault
    got, line = ask(site, "log", body, status, **fields)
    assert (got.status, line["decision"], line["reason"]) == (status, "would-refuse", reason)


def test_members_that_nobody_declared_are_taken_out(site):  # POS-19
    more = {"hash": "canary", "name": "x", "parts": [{"id": 1, "cost": 2}, {"cost": 3}], "free": {"a": 1}, "z": [{"q": 1}]}
    got, line = ask(site, "less", more, ETag='"1"')
    assert got.json() == {"name": "x", "parts": [{"id": 1}, {}], "free": {"a": 1}}
    assert got.headers["Content-Length"] == str(len(got.body)) and "ETag" not in got.headers
    packed = gzip.compress(json.dumps(more).encode())
    got, _ = ask(site, "less", packed, Content_Type="application/json", Content_Encoding="gzip")
    assert "canary" not in got.body.decode() and "Content-Encoding" not in got.headers


def test_leaks_are_masked(site):  # NEG-16
    got, line = ask(site, "mask", {"card": CARD, "number": int(CARD), "name": "x"})
    assert got.json() == {"card": "1" * 16, "number": int("1" * 16), "name": "x"}
    assert line["fault"] == "leak card" and CARD not in json.dumps(line)
    got, _ = ask(site, "mask", "plain text", Content_Type="text/plain")
    assert got.body == b"plain text"


def test_leaks_are_blocked(site):  # NEG-16
    got, line = ask(site, "stop", TRACE, 500, Content_Type="text/plain")
    assert (got.status, line["reason"], line["fault"]) == (502, "response_leak", "leak stack_trace")
    assert "app.py" not in got.body.decode()
    assert ask(site, "stop", {"card": CARD})[0].json() == {"card": CARD}


def test_keys_of_this_deployment_never_leave(site):  # NEG-16
    site.role("reader", "GET /x")
    key = site.key("own")
    got, line = ask(site, "mask", {"key": key})
    assert key not in got.body.decode() and line["fault"] == "leak own_key"


def test_json_ends_nothing_within_a_page(site):  # NEG-22
    value = {"a<b": "</script>&\u2028\u2029", "n": [1.50, None]}
    got, _ = ask(site, "page", json.dumps(value, ensure_ascii=False), Content_Type="application/json")
    assert got.json() == value and not set(b"<>&") & set(got.body)
    assert ask(site, "page", "<p>&</p>", Content_Type="text/html")[0].body == b"<p>&</p>"


def test_detect_only_changes_nothing(site):
    body = json.dumps({"parts": 1, "card": CARD, "more": "<"})
    got, line = ask(site, "watch", body, Content_Type="application/json")
    assert (got.status, got.body.decode(), line["decision"]) == (200, body, "would-refuse")


def test_streams_are_not_held(site):
    """The end of what is sent never comes."""
    name = "stream"
    site.backend.answers[name] = answer(200, {"Content-Type": "text/event-stream", "Content-Length": "1000000"}, b"data: 1\n\n")
    with socket.create_connection(("127.0.0.1", site.server.port), 30) as client:
        client.sendall(b"GET /block/stream HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        seen = b""
        while b"data: 1" not in seen:
            piece = client.recv(4096)
            assert piece, seen
            seen += piece
    assert seen.startswith(b"HTTP/1.1 200")
