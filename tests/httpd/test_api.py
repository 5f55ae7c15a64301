"""ApiSecApi: a section is an API of the store, and takes what its description has."""

import json

import pytest
from harness import Backend, Site, wait_for

SHOP = {
    "openapi": "3.1.0",
    "info": {"title": "Shop", "version": "7"},
    "paths": {
        "/orders": {
            "get": {"parameters": [{"name": "page", "in": "query", "schema": {"type": "integer", "minimum": 1}}],
                    "responses": {"200": {"description": "all"}}},
            "post": {"requestBody": {"required": True, "content": {
                "application/json": {"schema": {"$ref": "#/components/schemas/Order"}},
                "application/xml": {"schema": {"$ref": "#/components/schemas/Order"}},
                "application/x-ndjson": {"schema": {"$ref": "#/components/schemas/Order"}},
                "application/x-www-form-urlencoded": {"schema": {"$ref": "#/components/schemas/Order"}}}},
                "responses": {"201": {"description": "made"}}},
        },
        "/orders/{id}": {
            "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}}],
            "get": {"responses": {"200": {"description": "one"}}},
            "delete": {"security": [{"login": ["orders:write"]}], "responses": {"204": {"description": "gone"}}},
            "put": {"security": [{"key": []}], "x-apisec-limit": "slow",
                    "requestBody": {"content": {"application/octet-stream": {}}}, "x-apisec-stream": True,
                    "responses": {"204": {"description": "kept"}}},
        },
        "/orders/newest": {"get": {"security": [], "responses": {"200": {"description": "one"}}}},
        "/reports/{day}.json": {
            "parameters": [{"name": "day", "in": "path", "required": True, "schema": {"type": "string", "format": "date"}}],
            "get": {"security": [{"role": ["auditor"]}, {"login": ["reports"]}],
                    "responses": {"200": {"description": "one"}}}},
    },
    "security": [{"key": []}, {"login": []}],
    "components": {
        "securitySchemes": {
            "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            "role": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            "login": {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "https://login.example/token",
                                                                     "scopes": {"orders:write": "", "reports": ""}}}}},
        "schemas": {"Order": {
            "type": "object", "required": ["item"], "additionalProperties": False,
            "properties": {"item": {"type": "string", "maxLength": 8}, "count": {"type": "integer", "maximum": 10},
                           "id": {"type": "integer", "readOnly": True}}}},
    },
}

CONF = """
ApiSecRequireTLS Off
ProxyPass / http://127.0.0.1:@BACK@/
<Location /api>
    ApiSecEngine On
    ApiSecApi shop
</Location>
<Location /open>
    ApiSecEngine On
    ApiSecRequire public
    ApiSecApi shop
</Location>
<Location /watched>
    ApiSecEngine DetectOnly
    ApiSecApi shop
</Location>
<Location /paged>
    ApiSecEngine On
    ApiSecApi shop
    ErrorDocument 400 /pages/400
    ErrorDocument 413 /pages/413
    ErrorDocument 401 /pages/401
</Location>
<Location /lost>
    ApiSecEngine On
    ApiSecApi nothing
</Location>
<Location /free>
    ApiSecEngine On
    ApiSecApi shop at=/free/v7 undeclared=pass
</Location>
"""

def prepare(site):
    site.folder.write("shop.json", json.dumps(SHOP))
    site.store.ok("api", "import", "shop", site.folder.path("shop.json"))
    site.store.ok("plan", "create", "slow", "--limit", "writes rate=2/d by=key")
    grants = ["%s /%s/**" % (m, p) for m in ("GET", "POST", "PUT", "DELETE") for p in ("api", "lost", "watched", "free", "paged")]
    site.role("reader", *grants)
    site.role("auditor", *grants)
    for name in ("ci", "other", "third"):
        site.key(name)
    site.key("writer", scope="orders:write")
    site.key("audit", role="auditor")


@pytest.fixture(scope="module")
def site():
    with Backend() as backend:
        with Site(CONF.replace("@BACK@", str(backend.port)), prepare, modules=("proxy", "proxy_http")) as made:
            made.backend = backend
            yield made


def refused(site, *request, status, reason, key="ci", **options):
    got = site.request(*request, key=key, **options)
    assert got.status == status, (request, got)
    line = site.server.wait_audit(lambda line: line["id"] == got.headers["X-Request-Id"], 1)
    assert line["reason"] == reason, line
    return got


def taken(site, *request, key="ci", **options):
    got = site.request(*request, key=key, **options)
    assert got.status == 200, (request, got)
    return got


def test_names_that_the_store_does_not_have_are_told_at_start(site):  # POS-22
    told = [line for line in site.server.error_log().splitlines() if "APISEC0106" in line]
    assert told and 'ApiSecApi nothing: the store has no openapi "nothing"' in told[0] and "apisecctl api import nothing FILE" in told[0]


def test_operations_of_the_description_are_there_and_no_others(site):  # POS-01
    taken(site, "GET", "/api/orders")
    taken(site, "GET", "/api/orders/7")
    taken(site, "HEAD", "/api/orders/7")
    for path in ("/api", "/api/", "/api/orders/", "/api/order", "/api/orders/7/items", "/api/orders/x/y"):
        got = refused(site, "GET", path, status=404, reason="api_path")
        assert (got.json()["title"], got.json()["status"]) == ("Not Found", 404)
    got = refused(site, "DELETE", "/api/orders", status=405, reason="api_method")
    assert got.headers["Allow"] == "GET, HEAD, POST"


def test_the_route_of_the_log_is_the_operation(site):
    got = taken(site, "GET", "/api/orders/7")
    line = site.server.wait_audit(lambda line: line["id"] == got.headers["X-Request-Id"], 1)
    assert line["route"] == "/api/orders/{id}"


def test_concrete_paths_win_and_escapes_are_decoded(site):  # POS-01
    got = taken(site, "GET", "/open/orders/newest", key=None)
    assert got.json()["target"] == "/open/orders/newest"
    taken(site, "GET", "/api/%6Frders/%37")
    taken(site, "GET", "/%61pi/orders")


def test_security_asks_for_a_caller(site):
    refused(site, "GET", "/open/orders", key=None, status=401, reason="credential_missing")
    taken(site, "GET", "/open/orders")
    refused(site, "GET", "/open/orders", key="apisec_wrong", status=401, reason="key_malformed")


def test_security_asks_for_scopes_and_roles(site):
    refused(site, "DELETE", "/api/orders/7", status=403, reason="scope_missing")
    taken(site, "DELETE", "/api/orders/7", key="writer")
    refused(site, "GET", "/api/reports/2026-11-27.json", status=403, reason="role_missing")
    taken(site, "GET", "/api/reports/2026-11-27.json", key="audit")


def test_an_operation_binds_a_plan(site):
    for _ in range(2):
        taken(site, "PUT", "/api/orders/7", key="third", headers={"Content-Type": "application/octet-stream"}, body=b"x")
    refused(site, "PUT", "/api/orders/8", key="third", headers={"Content-Type": "application/octet-stream"}, body=b"x",
            status=429, reason="rate_exceeded")
    taken(site, "GET", "/api/orders/7", key="third")


def test_detect_only_says_what_it_would_do(site):
    taken(site, "GET", "/watched/nowhere")
    line = site.server.wait_audit(lambda line: line["path"] == "/watched/nowhere", 1)
    assert (line["decision"], line["reason"]) == ("would-refuse", "api_path")


def test_an_api_that_is_not_there_refuses(site):
    refused(site, "GET", "/lost/orders", status=503, reason="api_down")
    assert "the API nothing cannot be used" in site.server.error_log()


def refused_later(site):
    """The answer of a child that has the old description; None of another."""
    got = site.request("GET", "/api/later", key="ci")
    return got if got.status == 404 else None


def test_a_new_description_is_in_force_without_a_restart(site):  # POS-22
    changed = json.loads(json.dumps(SHOP))
    changed["paths"]["/later"] = {"get": {"responses": {"200": {"description": "new"}}}}
    refused(site, "GET", "/api/later", status=404, reason="api_path")
    site.folder.write("later.json", json.dumps(changed))
    site.store.ok("api", "import", "shop", site.folder.path("later.json"))
    wait_for(lambda: site.request("GET", "/api/later", key="ci").status == 200, 10, "the new operation")
    site.folder.write("bad.json", json.dumps(dict(changed, paths={"later": {}})))
    assert site.store.run("api", "import", "shop", site.folder.path("bad.json")).rc != 0
    site.reach_children(lambda: taken(site, "GET", "/api/later"))
    site.store.ok("api", "import", "shop", site.folder.path("shop.json"))
    site.reach_children(lambda: wait_for(lambda: refused_later(site), 10, "the old description"))


def test_what_was_read_stays_in_force_whatever_becomes_of_its_file(site):  # POS-22
    path = site.store.file("pub/api", site.store.json("api", "show", "shop")["digest"])
    with open(path, "rb+") as block:
        was = block.read()
        site.reach_children(lambda: taken(site, "GET", "/api/orders"))
        try:
            for text in (b"", b"\xff" * len(was)):
                block.truncate(0)
                block.seek(0)
                block.write(text)
                block.flush()
                site.reach_children(lambda: taken(site, "GET", "/api/orders"))
        finally:
            block.truncate(0)
            block.seek(0)
            block.write(was)


JSON = {"Content-Type": "application/json"}


def test_parameters_are_as_declared(site):  # POS-01, POS-14
    taken(site, "GET", "/api/orders?page=2")
    for query in ("page=0", "page=x", "page=1&page=2", "pages=1", "page=%zz"):
        refused(site, "GET", "/api/orders?" + query, status=400, reason="api_parameter")
    refused(site, "GET", "/api/orders/seven", status=400, reason="api_parameter")
    got = refused(site, "GET", "/api/orders?page=0", status=400, reason="api_parameter")
    (failure,) = got.json()["errors"]
    assert (failure["in"], failure["name"], failure["keyword"], failure["value"]) == ("query", "page", "minimum", "0")
    taken(site, "GET", "/free/v7/orders?more=1")


@pytest.mark.parametrize("body, keyword, pointer", [
    ('{"item":"x","count":11}', "maximum", "/count"), ('{"count":1}', "required", ""), ('{"item":"x","other":1}', None, None),
    ('{"item":"x","item":"y"}', None, None), ('{"item":1}', "type", "/item"), ('{"item":"123456789"}', "maxLength", "/item"),
    ('{"item":"x","id":7}', "readOnly", "/id"), ("{", None, None)])
def test_json_is_judged_by_the_operations_schema(site, body, keyword, pointer):  # POS-10, POS-21
    got = refused(site, "POST", "/api/orders", headers=JSON, body=body.encode(), status=400, reason="api_body")
    failures = got.json()["errors"]
    assert all(f["in"] == "body" for f in failures)
    if keyword is not None:
        assert (failures[0]["keyword"], failures[0].get("pointer", "")) == (keyword, pointer)


def test_what_was_judged_is_what_is_forwarded(site):  # POS-13
    import base64
    import gzip
    body = b'{"item":"shirt", "count": 2}'
    assert base64.b64decode(taken(site, "POST", "/api/orders", headers=JSON, body=body).json()["body"]) == body
    coded = taken(site, "POST", "/api/orders", headers=dict(JSON, **{"Content-Encoding": "gzip"}), body=gzip.compress(body)).json()
    fields = {name.lower(): value for name, value in coded["fields"]}
    assert base64.b64decode(coded["body"]) == body and fields["content-length"] == str(len(body))
    assert "content-encoding" not in fields


def test_what_was_judged_is_not_named_away(site):  # POS-13
    body = b'{"item":"shirt"}'
    for word in ("Content-Type", "close, content-type", "keep-alive,Content-Type,X-Mine"):
        told = taken(site, "POST", "/api/orders", headers=dict(JSON, Connection=word, **{"X-Mine": "1"}), body=body).json()
        fields = {name.lower(): value for name, value in told["fields"]}
        assert (fields.get("content-type"), fields.get("x-mine")) == ("application/json", "1"), (word, fields)


def test_forms_are_judged_by_the_same_schema(site):  # POS-14
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    taken(site, "POST", "/api/orders", headers=form, body=b"item=shirt&count=2")
    for body in (b"item=a&item=b", b"item=a&count=x", b"count=1", b"item=a&more=1", b"item=%zz"):
        refused(site, "POST", "/api/orders", headers=form, body=body, status=400, reason="api_body")


def test_types_that_are_not_declared(site):  # POS-02
    refused(site, "POST", "/api/orders", headers={"Content-Type": "text/plain"}, body=b"x", status=415, reason="api_type")
    refused(site, "POST", "/api/orders", body=b"{}", status=415, reason="api_type")
    refused(site, "POST", "/api/orders", status=400, reason="api_body")
    refused(site, "GET", "/api/orders/7", headers=JSON, body=b"{}", status=415, reason="api_type")


def test_what_is_streamed_is_not_held(site):
    body = b"x" * (3 << 20)
    octets = {"Content-Type": "application/octet-stream"}
    got = taken(site, "PUT", "/api/orders/7", key="other", headers=octets, body=body)
    assert len(got.json()["body"]) >= len(body)
    refused(site, "PUT", "/api/orders/7", key="other", headers=JSON, body=b"{}", status=415, reason="api_type")


def test_a_coding_that_frames_nothing_is_no_request(site):  # NEG-11, NEG-14
    """Also where the engine is on in sections alone, and where content is passed as it comes."""
    before = len(site.backend.seen)
    for coding in (b"identity", b"gzip, chunked", b"chunked, identity"):
        got = site.server.raw(b"PUT /api/orders/7 HTTP/1.1\r\nHost: localhost\r\nX-API-Key: " + site.keys["other"].encode() +
                              b"\r\nContent-Type: application/octet-stream\r\nTransfer-Encoding: " + coding +
                              b"\r\n\r\n1\r\nx\r\n0\r\n\r\nGET /api/orders HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert got.split(b" ", 2)[1] in (b"400", b"501") and got.count(b"HTTP/1.1 ") == 1, (coding, got)
    assert len(site.backend.seen) == before


def test_a_body_over_the_cap(site):
    refused(site, "POST", "/api/orders", headers=JSON, body=b" " * (1 << 20) + b"{}", status=413, reason="body_held")


def test_the_log_names_what_failed_and_no_value(site):
    got = refused(site, "POST", "/api/orders", headers=JSON, body=b'{"item":"canary-item"}', status=400, reason="api_body")
    line = site.server.wait_audit(lambda line: line["id"] == got.headers["X-Request-Id"], 1)
    assert line["fault"] == "body /item maxLength" and "canary" not in json.dumps(line)


def test_a_stranger_is_not_told_what_is_wrong(site):
    got = refused(site, "GET", "/open/orders/newest?x=1", key=None, status=400, reason="api_parameter")
    assert "errors" not in got.json()


def test_xml_is_judged_by_the_same_schema(site):  # POS-15
    xml = {"Content-Type": "application/xml"}
    taken(site, "POST", "/api/orders", headers=xml, body=b"<Order><item>shirt</item><count>2</count></Order>")
    entity = b'<!DOCTYPE o [<!ENTITY x SYSTEM "file:///etc/passwd">]><Order><item>&x;</item></Order>'
    for body in (b"<Order><count>2</count></Order>", b"<Order><item>a</item><count>x</count></Order>", entity,
                 b"<Order><item>a</item><more/></Order>", b"<Order>"):
        refused(site, "POST", "/api/orders", headers=xml, body=body, status=400, reason="api_body")


def test_each_line_is_judged(site):  # POS-03
    lines = {"Content-Type": "application/x-ndjson"}
    taken(site, "POST", "/api/orders", headers=lines, body=b'{"item":"a"}\n{"item":"b"}\n')
    got = refused(site, "POST", "/api/orders", headers=lines, body=b'{"item":"a"}\n{"count":1}\n', status=400, reason="api_body")
    assert got.json()["errors"][0]["name"] == "line 2"
    refused(site, "POST", "/api/orders", headers=lines, body=b'{"item":"a"}\n{', status=400, reason="api_body")


def test_what_was_refused_reaches_no_page_either(site):  # POS-13
    """An ErrorDocument that a backend makes gets nothing of what was sent, whether it was read or not."""
    long = b'{"item":"' + b"x" * (2 << 20) + b'"}'
    for body, key, page in ((b'{"item":1}', "ci", "400"), (long, "ci", "413"), (b'{"item":"a"}', None, "401")):
        credential = [("X-API-Key", site.keys[key])] if key else []
        with site.server.connect() as connection:
            connection.request("POST", "/paged/orders", credential + list(JSON.items()), body)
        seen = site.backend.seen[-1]
        assert (seen["target"], seen["body"], seen["method"]) == ("/pages/" + page, "", "GET")
        fields = {name.lower() for name, _ in seen["fields"]}
        assert not fields & {"content-length", "transfer-encoding", "expect"}, seen["fields"]


def test_explain_says_what_the_server_does(site):  # CLI-13
    """Each request is sent and asked about; then the log of them is judged anew."""
    rows = [("GET", "/api/orders?page=0", "ci", {}, None), ("GET", "/api/orders?page=1", "ci", {}, None), ("GET", "/api/nothing", "ci", {}, None),
            ("DELETE", "/api/orders", "ci", {}, None), ("DELETE", "/api/orders/7", "ci", {}, None), ("DELETE", "/api/orders/7", "writer", {}, None),
            ("GET", "/api/reports/2026-11-27.json", "audit", {}, None), ("GET", "/api/reports/today.json", "audit", {}, None),
            ("POST", "/api/orders", "ci", JSON, b'{"item":1,"id":2}'), ("POST", "/api/orders", "ci", JSON, b'{"item":"a","item":"b"}'),
            ("POST", "/api/orders", "ci", {"Content-Type": "text/plain"}, b"x"), ("POST", "/api/orders", "ci", {}, b"x"),
            ("POST", "/api/orders", "ci", {"Content-Type": "application/xml"}, b"<Order><count>2</count></Order>"),
            ("POST", "/api/orders", "ci", {"Content-Type": "application/x-ndjson"}, b'{"item":"a"}\n{')]
    lines = ""
    for method, target, key, fields, body in rows:
        got = site.request(method, target, key=key, headers=fields, body=body)
        line = site.server.wait_audit(lambda line: line["id"] == got.headers["X-Request-Id"], 1)
        lines += json.dumps(line) + "\n"
        words = ["--field=%s: %s" % field for field in fields.items()] + (["--body", "-"] if body is not None else [])
        answer = site.store.run("--json", "explain", "--key-id", site.ids[key], "--api", "shop", "--at", "/api", "%s %s" % (method, target), *words,
                                input=body.decode() if body is not None else None)
        found = json.loads(answer.out)
        assert (found["reason"], found["status"]) == (line["reason"], got.status), (target, found)
        if "errors" in (got.json() if got.status >= 400 else {}):
            assert found["failures"] == got.json()["errors"], target
    again = json.loads(site.store.run("--json", "explain", "--log", "-", "--api", "shop", "--at", "/api", input=lines).out)
    assert again["different"] == again["bad"] == 0 and again["same"] == 6, again
    assert [row["fault"] for row in again["lines"] if row["reason"] == "api_parameter"] == ["query page minimum", "path day format"]
