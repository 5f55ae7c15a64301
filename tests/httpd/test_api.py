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
    grants = ["%s /%s/**" % (m, p) for m in ("GET", "POST", "PUT", "DELETE") for p in ("api", "lost", "watched", "free")]
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


def test_operations_of_the_description_are_there_and_no_others(site):  # POS-01
    taken(site, "GET", "/api/orders")
    taken(site, "GET", "/api/orders/7")
    taken(site, "HEAD", "/api/orders/7")
    for path in ("/api", "/api/", "/api/orders/", "/api/order", "/api/orders/7/items", "/api/orders/x/y"):
        refused(site, "GET", path, status=404, reason="api_path")
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
    wait_for(lambda: site.request("GET", "/api/later", key="ci").status == 404, 10, "the old description")
