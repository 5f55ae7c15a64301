"""explain --api: the steps of a section that is an API of the store, with the description's own rules (CLI-13, POS-01)."""

import json

import pytest

from harness import Folder, Store

SHOP = {
    "openapi": "3.1.0",
    "info": {"title": "Shop", "version": "7"},
    "paths": {
        "/orders": {
            "get": {"operationId": "listOrders", "responses": {"200": {"description": "all"}},
                    "parameters": [{"name": "page", "in": "query", "schema": {"type": "integer", "minimum": 1}},
                                   {"name": "X-Tenant", "in": "header", "schema": {"enum": ["a", "b"]}}]},
            "post": {"requestBody": {"required": True, "content": {kind: {"schema": {"$ref": "#/components/schemas/Order"}} for kind in (
                "application/json", "application/xml", "application/x-ndjson", "application/x-www-form-urlencoded")}},
                "responses": {"201": {"description": "made"}}}},
        "/orders/{id}": {
            "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}}],
            "get": {"security": [], "deprecated": True, "responses": {"200": {"description": "one"}}},
            "delete": {"operationId": "dropOrder", "responses": {"204": {"description": "gone"}},
                       "security": [{"login": ["orders:write"]}, {"key": ["auditor"], "cert": []}]},
            "put": {"x-apisec-limit": "slow", "x-apisec-stream": True, "requestBody": {"content": {"application/octet-stream": {}}},
                    "responses": {"204": {"description": "kept"}}}},
    },
    "security": [{"key": []}],
    "components": {
        "securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-API-Key"}, "cert": {"type": "mutualTLS"},
                            "login": {"type": "oauth2", "flows": {"clientCredentials": {
                                "tokenUrl": "https://login.example/token", "scopes": {"orders:write": ""}}}}},
        "schemas": {"Order": {"type": "object", "required": ["item"], "additionalProperties": False, "properties": {
            "item": {"type": "string", "maxLength": 8}, "count": {"type": "integer", "maximum": 10}}}},
    },
}
JSON = ["--field", "Content-Type: application/json"]


@pytest.fixture(scope="module")
def shop():
    with Folder() as folder:
        store = Store(folder.path("store"), folder.path("state"))
        store.init()
        store.ok("api", "import", "shop", folder.write("shop.json", json.dumps(SHOP)))
        store.role_create("reader", ["GET,POST,PUT,DELETE /api/**"])
        store.role_create("auditor", ["DELETE /api/**"])
        store.keys = {name: store.key_create(name, role=role)["id"] for name, role in (("ci", "reader"), ("audit", ["reader", "auditor"]))}
        store.keys["writer"] = store.key_create("writer", role="reader", scope="orders:write")["id"]
        store.folder = folder
        yield store


def explain(store, request, *options, who=("--role", "reader"), at="/api", body=None):
    words = ["--api", "shop", "--at", at, *(["--body", "-"] if body is not None else [])]
    answer = store.run("--json", "explain", *who, *words, *options, request, input=body)
    assert answer.err == "" and answer.rc in (0, 5), answer
    found = json.loads(answer.out)
    assert found["decision"] == ("allow" if answer.rc == 0 else "refuse")
    return found


def step(found, name):
    return next(step for step in found["steps"] if step["step"] == name)


@pytest.mark.parametrize("request_line, options, body, reason, status", [
    ("GET /api/orders/7", [], None, "allow", 200), ("HEAD /api/orders/7", [], None, "allow", 200),
    ("GET /%61pi/%6Frders/%37", [], None, "allow", 200), ("GET /api/orders?page=2", ["--field", "x-tenant: b"], None, "allow", 200),
    ("GET /api/orders?page=2", ["--field", "x-tenant: c"], None, "api_parameter", 400),
    ("GET /api/orders?page=0", [], None, "api_parameter", 400), ("GET /api/orders?x=1", [], None, "api_parameter", 400),
    ("GET /api/orders?x=1", ["--undeclared", "pass"], None, "allow", 200), ("GET /api/orders/x", [], None, "api_parameter", 400),
    ("GET /api/order", [], None, "api_path", 404), ("GET /api", [], None, "api_path", 404), ("PUT /api/orders", [], None, "api_method", 405),
    ("POST /api/orders", JSON, '{"item":"a"}', "allow", 200), ("POST /api/orders", JSON, '{"item":1}', "api_body", 400),
    ("POST /api/orders", JSON, "{", "api_body", 400), ("POST /api/orders", [], None, "api_body", 400),
    ("POST /api/orders", [], "{}", "api_type", 415), ("POST /api/orders", JSON + JSON, "{}", "api_type_repeated", 400),
    ("POST /api/orders", JSON, 1 << 20, "body_held", 413), ("POST /api/orders", JSON, (1 << 20) - 2, "api_body", 400),
    ("POST /api/orders", ["--field", "Content-Type: application/xml"], "<Order><item>a</item></Order>", "allow", 200),
    ("POST /api/orders", ["--field", "Content-Type: application/xml"], "<Order><count>a</count></Order>", "api_body", 400),
    ("POST /api/orders", ["--field", "Content-Type: application/x-ndjson"], '{"item":"a"}\n{}\n', "api_body", 400),
    ("POST /api/orders", ["--field", "Content-Type: application/x-www-form-urlencoded"], "item=a&count=2", "allow", 200),
])
def test_decisions_are_those_of_the_server(shop, request_line, options, body, reason, status):  # CLI-13, POS-01, POS-21
    found = explain(shop, request_line, *options, body=" " * body + "{}" if isinstance(body, int) else body)
    assert (found["reason"], found["status"]) == (reason, status)
    assert found["steps"][-1]["result"] == (reason if reason != "allow" else "ok")
    assert (found["failures"] != []) == (reason.startswith("api_") and reason not in ("api_path", "api_method"))


def test_each_step_is_told_with_its_rule(shop):
    found = explain(shop, "GET /api/orders/7")
    assert [one["step"] for one in found["steps"]] == ["method", "path", "role", "access", "api", "operation", "security", "parameters", "body"]
    assert step(found, "api")["detail"] == "shop (Shop 7), at /api"
    assert (step(found, "operation")["rule"], step(found, "operation")["detail"]) == ("GET /orders/{id}", "GET /orders/{id}, deprecated")
    found = explain(shop, "POST /api/orders", *JSON, body='{"item":"a"}')
    assert (step(found, "body")["rule"], step(found, "body")["detail"]) == ("application/json", "read as JSON")
    found = explain(shop, "GET /api/orders?page=1")
    assert step(found, "operation")["detail"] == "listOrders" and step(found, "alternative")["rule"] == "key"
    found = explain(shop, "GET /elsewhere", who=("--nobody", "--require", "public"))
    assert found["reason"] == "api_path" and step(found, "api")["detail"] == "the path is not below /api, where shop begins"


def test_failures_are_those_that_the_server_tells(shop):  # POS-21
    found = explain(shop, "POST /api/orders", *JSON, body='{"item":"canary-item","more":1}')
    assert found["failures"] == [
        {"in": "body", "pointer": "/item", "keyword": "maxLength", "schema": "#/components/schemas/Order/properties/item",
         "expected": "at most 8 characters", "value": '"canary-item"'},
        {"in": "body", "pointer": "/more", "keyword": "additionalProperties", "schema": "#/components/schemas/Order",
         "expected": "nothing here", "value": "1"}]
    out = shop.run("explain", "--role", "reader", "--api", "shop", "--at", "/api", "GET /api/orders?page=0&x=1").out
    assert "failures:" in out and "at least 1" in out and "undeclared" in out


def test_security_tells_which_alternative_holds(shop):
    def ask(*who):
        found = explain(shop, "DELETE /api/orders/7", who=who)
        return found["reason"], [(one["rule"], one["result"]) for one in found["steps"] if one["step"] == "alternative"], found["changes"]

    reason, ways, changes = ask("--key-id", shop.keys["ci"])
    assert (reason, ways) == ("scope_missing", [("login orders:write", "scope_missing"), ("key auditor + cert", "role_missing")])
    commands = [change["command"].split(" ", 3)[3] for change in changes if change["command"]]
    assert commands == ["key set %s --scope +orders:write" % shop.keys["ci"], "key set %s --role +auditor" % shop.keys["ci"]]
    reason, ways, _ = ask("--key-id", shop.keys["audit"])
    assert reason == "allow" and ways[1] == ("key auditor + cert", "allow")
    assert ask("--key-id", shop.keys["writer"])[0] == "allow"
    assert ask("--role", "reader", "--scope", "orders:write")[0] == "allow"


def test_a_section_that_is_public_asks_as_the_description_does(shop):
    public = ("--require", "public")
    found = explain(shop, "GET /api/orders/7", who=("--nobody", *public))
    assert (found["decision"], found["reason"]) == ("allow", "public")
    assert [one["step"] for one in found["steps"]] == ["method", "path", "api", "operation", "security", "parameters", "body"]
    found = explain(shop, "GET /api/orders", who=("--nobody", *public))
    assert found["reason"] == "credential_missing" and [one["what"] for one in found["changes"]] == ['a caller, for the alternative "key"']
    assert explain(shop, "GET /api/orders", who=("--key-id", shop.keys["ci"], *public))["reason"] == "public"
    assert explain(shop, "GET /shop/orders", who=("--key-id", shop.keys["ci"], *public), at="/shop")["reason"] == "public"
    assert explain(shop, "GET /shop/orders", who=("--key-id", shop.keys["ci"]), at="/shop")["reason"] == "grant_missing"
    assert explain(shop, "GET /api/orders", who=("--nobody",))["reason"] == "credential_missing"


def test_the_plan_of_an_operation_is_told(shop):
    octets = ["--field", "Content-Type: application/octet-stream"]
    found = explain(shop, "PUT /api/orders/7", *octets, body="x")
    assert found["reason"] == "plan_unknown" and found["steps"][-1]["detail"] == "slow, of x-apisec-limit"
    assert "x-apisec-limit of PUT /orders/{id} names" in found["changes"][0]["what"]
    shop.ok("plan", "create", "slow", "--limit", "writes rate=2/d by=key")
    found = explain(shop, "PUT /api/orders/7", *octets, body="x" * (2 << 20))
    assert found["reason"] == "allow" and step(found, "limit")["rule"] == "writes rate=2/d by=key"
    assert step(found, "body")["detail"] == "x-apisec-stream: its type alone is judged"
    assert explain(shop, "PUT /api/orders/7", *JSON, body="{}")["reason"] == "api_type"


@pytest.mark.parametrize("words, code, says", [
    (["--role", "reader", "--api", "none"], 3, 'the store has no openapi "none"'),
    (["--role", "reader", "--api", "shop", "--at", "api"], 2, "want a path that begins with /"),
    (["--role", "reader", "--at", "/api"], 2, "--api API too"), (["--role", "reader", "--body", "-"], 2, "--api API too"),
    (["--role", "reader", "--api", "shop", "--body", "/none"], 3, "/none"), (["--nobody", "--api", "shop", "--require", "x"], 2, "want api-access or public"),
    (["--role", "reader", "--api", "shop", "--field", "x"], 2, "want 'NAME: VALUE'"),
    (["--role", "reader", "--api", "shop", "--undeclared", "x"], 2, "want refuse or pass"), (["--nobody", "--role", "reader"], 2, "only one of"),
    (["--nobody", "--api", "shop", "--require", "public", "--scope", "x"], 2, "--scope is of a caller"),
])
def test_a_malformed_question_is_refused(shop, words, code, says):
    result = shop.run("explain", *words, "GET /api/orders", input="")
    assert (result.rc, result.out) == (code, "") and says in result.err, result


def line(**fields):
    whole = {"v": 1, "ip": "192.0.2.7", "method": "GET", "path": "/api/orders/7", "status": 200, "decision": "allow", "reason": "allow"}
    return json.dumps({**whole, **fields}) + "\n"


def test_lines_with_a_fault_show_the_rule_that_failed(shop):  # CLI-13
    known = {"roles": ["reader"]}
    refused = {"decision": "refuse", **known}
    text = line(path="/api/orders", reason="api_parameter", fault="query page minimum", **refused) + line(**known) + line(
        path="/api/none", reason="api_path", **refused) + line(method="DELETE", path="/api/orders/7", **known) + line(
        method="DELETE", reason="role_missing", **refused) + line(path="/other%", reason="grant_missing", **refused)

    def replay(*words, rc):
        return [(row["fault"], row["now_reason"], row["note"]) for row in store_json(shop, rc, text, *words)["lines"]]

    rows = replay(rc=0)
    assert rows[0] == ("query page minimum", None, "by a description: the line has neither query nor content to judge it anew")
    assert rows[1] == (None, "allow", None) and rows[2][1] is None and rows[3][1] == "allow" and rows[5][1] == "grant_missing"
    rows = replay("--api", "shop", "--at", "/api", rc=5)
    assert rows[0] == ("query page minimum", None, "by listOrders (GET /orders): the line has neither query nor content to judge it anew")
    assert [row[1] for row in rows[1:]] == ["allow", "api_path", "scope_missing", "scope_missing", "grant_missing"]


def test_lines_of_a_public_section(shop):
    text = line(reason="public") + line(path="/api/orders", reason="public") + line(
        path="/api/orders", reason="credential_missing", decision="refuse") + line(path="/api/orders", reason="public", key=shop.keys["ci"], kv=1)
    rows = store_json(shop, 5, text, "--api", "shop", "--at", "/api", "--require", "public")["lines"]
    assert [row["now_reason"] for row in rows] == ["public", "credential_missing", "credential_missing", "public"]
    rows = store_json(shop, 0, text)["lines"]
    assert [row["now_reason"] for row in rows] == [None] * 4
    assert shop.run("explain", "--log", "-", "--api", "none", input=text).rc == 3


def store_json(store, rc, text, *words):
    answer = store.run("--json", "explain", "--log", "-", *words, input=text)
    assert (answer.rc, answer.err) == (rc, ""), answer
    return json.loads(answer.out)


def test_names_of_apis_are_completed(shop):
    assert shop.run("complete", "--", "--store\n%s\nexplain\n--api\nsh" % shop.path).out == "shop\n"
