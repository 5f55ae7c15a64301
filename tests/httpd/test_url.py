"""Fields that are URLs: a section's (ApiSecUrl), a description's and a schema's (x-apisec-url) (POS-23)."""

import json

import pytest
from harness import Backend, Site

CONF = """
ApiSecRequireTLS Off
ProxyPass / http://127.0.0.1:@BACK@/
RewriteEngine On
ApiSecEngine On
<Location /hooks>
    ApiSecBody json max=4k
    ApiSecUrl /callback https://api.example https://*.cdn.example:8443
    ApiSecUrl /items/*/link https://api.example
    ApiSecUrl /pair/1 https://api.example
    ApiSecUrl ?next https://api.example http://127.0.0.1:*
</Location>
<Location /hooks/off>
    ApiSecUrl off
</Location>
<Location /hooks/watched>
    ApiSecEngine DetectOnly
</Location>
<Location /hooks/trimmed>
    ApiSecSanitize /callback trim
</Location>
<Location /lines>
    ApiSecBody ndjson
    ApiSecUrl /callback https://api.example
</Location>
<Location /form>
    ApiSecBody form repeated
    ApiSecUrl /callback https://api.example
</Location>
<Location /parts>
    ApiSecBody multipart
    ApiSecUrl /callback https://api.example
</Location>
<Location /next>
    ApiSecUrl ?next https://api.example
</Location>
<Location /moved>
    RewriteEngine On
    RewriteRule ^ /next/moved?next=https://evil.example/ [PT]
</Location>
<Location /schema>
    ApiSecSchema json hook
</Location>
<Location /api>
    ApiSecApi hooks at=/api
</Location>
"""
RULES = ["https://api.example", "https://*.cdn.example:8443"]
URL = {"type": "string", "x-apisec-url": RULES}
HOOK = {"type": "object", "properties": {"callback": URL, "items": {"type": "array", "items": {"properties": {"link": URL}}}}}
API = {"openapi": "3.1.0", "info": {"title": "Hooks", "version": "1"}, "paths": {"/hooks": {"post": {
    "parameters": [{"name": "next", "in": "query", "schema": URL}, {"name": "X-Back", "in": "header", "schema": URL}],
    "requestBody": {"content": {kind: {"schema": HOOK} for kind in ("application/json", "application/x-www-form-urlencoded", "multipart/form-data")}},
    "responses": {"200": {"description": "kept"}}}}}}
JSON, FORM, PARTS = "application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b"


def part(name, value, more=""):
    return '--b\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n--b--\r\n' % (name, more, value)


def prepare(site):
    site.store.ok("api", "import", "hook", site.folder.write("hook.json", json.dumps(HOOK)), "--kind", "json-schema")
    site.store.ok("api", "import", "hooks", site.folder.write("hooks.json", json.dumps(API)))
    site.role("caller", "POST /**")
    site.key("ci", role="caller")


@pytest.fixture(scope="module")
def site():
    with Backend() as backend:
        with Site(CONF.replace("@BACK@", str(backend.port)), prepare, modules=("proxy", "proxy_http", "rewrite")) as made:
            yield made


def send(site, target, kind="", body="", fields=()):
    headers = {**({"Content-Type": kind} if kind else {}), **dict(fields)}
    got = site.request("POST", target, headers=headers, body=body.encode(), key="ci")
    path = target.partition("?")[0]
    line = site.server.wait_audit(lambda line: line["path"] == path if "X-Request-Id" not in got.headers else line["id"] == got.headers["X-Request-Id"], 1)
    return got, line


GOOD, EVIL = "https://api.example/x", "https://evil.example/x"
REFUSED = [  # the texts that lead elsewhere than they seem to
    EVIL, "http://api.example/", "https://api.example@evil.example/", "https://api.example./", "https://2130706433/",
    "https://0x7f.1/", "https://0177.0.0.1/", "https://[::ffff:127.0.0.1]/", "https://127.0.0.1/", "https://\u0430pi.example/",
    "https://api.example:444/", "//api.example/", "https://evil.example\\@api.example/", "javascript:alert(1)", "", " " + GOOD,
]


def test_only_urls_of_the_list_pass(site):
    for url in [GOOD, "https://a.cdn.example:8443/?q"]:
        for target in ("/hooks", "/schema", "/api/hooks"):
            assert send(site, target, JSON, json.dumps({"callback": url}))[0].status == 200, (url, target)
    for url in REFUSED:
        for target, reason in (("/hooks", "url_refused"), ("/schema", "body_invalid"), ("/api/hooks", "api_body")):
            got, line = send(site, target, JSON, json.dumps({"callback": url}))
            assert (got.status, line["reason"]) == (400, reason), (url, target)
            failure = got.json()["errors"][0]
            assert (failure["in"], failure["pointer"], failure["keyword"]) == ("body", "/callback", "x-apisec-url")
            assert failure["expected"].startswith("a URL that is allowed here; of this one, ")
            assert line["fault"].endswith("/callback x-apisec-url")


LINES = "application/x-ndjson"


@pytest.mark.parametrize("target, kind, body, reason, fault", [
    # pointers, and what stands there that is no text
    ("/hooks", JSON, '{"items": [{"link": "%s"}, {"link": "%s"}]}' % (GOOD, EVIL), "url_refused", "/items/1/link x-apisec-url"),
    ("/hooks", JSON, '{"items": {"a": {"link": "%s"}}, "other": "%s"}' % (GOOD, EVIL), "allow", None),
    ("/hooks", JSON, '{"pair": ["%s", "%s"]}' % (EVIL, GOOD), "allow", None),
    ("/hooks", JSON, '{"pair": ["%s", "%s"]}' % (GOOD, EVIL), "url_refused", "/pair/1 x-apisec-url"),
    ("/hooks", JSON, '{"pair": {"1": "%s"}}' % EVIL, "url_refused", "/pair/1 x-apisec-url"),
    ("/hooks", JSON, '{"callback": 2130706433}', "url_refused", "/callback type"),
    ("/hooks", JSON, '{"callback": null}', "url_refused", "/callback type"),
    ("/hooks", JSON, '{"callback": ["%s"]}' % GOOD, "url_refused", "/callback type"),
    ("/hooks", JSON, '[{"callback": "%s"}]' % EVIL, "allow", None),
    ("/hooks", JSON, '{"c\\u0061llback": "https:\\/\\/evil.example"}', "url_refused", "/callback x-apisec-url"),
    ("/hooks/off", JSON, '{"callback": "%s"}' % EVIL, "allow", None),
    # what the handler would get is asked as well
    ("/hooks/trimmed", JSON, '{"callback": "%s"}' % GOOD, "allow", None),
    ("/lines", LINES, '{"callback": "%s"}\n{"callback": "%s"}\n' % (GOOD, EVIL), "url_refused", "/callback x-apisec-url"),
    # forms: each that has the name, however often
    ("/form", FORM, "callback=%s&other=1&other=2" % GOOD, "allow", None),
    ("/form", FORM, "callback=%s&callback=https%%3A%%2F%%2Fevil.example" % GOOD, "url_refused", "/callback x-apisec-url"),
    ("/form", FORM, "a=1;callback=" + EVIL, "url_refused", "/callback x-apisec-url"),
    ("/form", FORM, "callback", "url_refused", "/callback x-apisec-url"),
    ("/parts", PARTS, part("callback", GOOD), "allow", None),
    ("/parts", PARTS, part("callback", EVIL), "url_refused", "/callback x-apisec-url"),
    ("/parts", PARTS, part("callback", GOOD, '; filename="a"'), "url_refused", "/callback type"),
    ("/api/hooks", FORM, "callback=" + EVIL, "api_body", "body /callback x-apisec-url"),
    ("/api/hooks", FORM, "callback=2130706433", "api_body", "body /callback x-apisec-url"),
    ("/api/hooks", PARTS, part("callback", EVIL), "api_body", "body /callback x-apisec-url"),
    # the query
    ("/hooks?next=http://127.0.0.1:8080/", JSON, "{}", "allow", None),
    ("/next?next=%s&a=b" % GOOD, "", "", "allow", None),
    ("/next", "", "", "allow", None),
    ("/next?next=" + EVIL, "", "", "url_refused", "query /next x-apisec-url"),
    ("/next?next=%s&n%%65xt=%s" % (GOOD, EVIL), "", "", "url_refused", "query /next x-apisec-url"),
    ("/next?next", "", "", "url_refused", "query /next x-apisec-url"),
    ("/next?a=b;next=%s" % EVIL, "", "", "url_refused", "query /next x-apisec-url"),
    ("/next?;;next=%s" % EVIL, "", "", "url_refused", "query /next x-apisec-url"),
    ("/next?a=;;next=%s" % EVIL, "", "", "url_refused", "query /next x-apisec-url"),
    ("/next?next=%s;a=b" % GOOD, "", "", "allow", None),
    ("/next?next=%zz", "", "", "url_refused", "query escape 5"),
    ("/moved", "", "", "url_refused", "query /next x-apisec-url"),
    ("/api/hooks?next=" + EVIL, JSON, "{}", "api_parameter", "query next x-apisec-url"),
])
def test_fields_and_parameters(site, target, kind, body, reason, fault):
    got, line = send(site, target, kind, body)
    assert (line["reason"], line.get("fault")) == (reason, fault), got.body
    assert got.status == (200 if reason == "allow" else 400)


def test_a_header_of_a_description(site):
    for url, status in ((GOOD, 200), (EVIL, 400)):
        assert send(site, "/api/hooks", JSON, "{}", {"X-Back": url})[0].status == status


def test_who_watches_says_the_same(site):
    got, line = send(site, "/hooks/watched", JSON, json.dumps({"callback": EVIL}))
    assert got.status == 200
    assert (line["decision"], line["reason"], line["fault"]) == ("would-refuse", "url_refused", "/callback x-apisec-url")


@pytest.fixture(scope="module")
def spare():
    with Site("", start=False) as made:
        yield made


@pytest.mark.parametrize("lines, words", [
    ("ApiSecUrl /a https://a.example", ["ApiSecBody json", "x-apisec-url"]),
    ("ApiSecBody any\nApiSecUrl /a https://a.example", ["ApiSecUrl", "ApiSecBody json"]),
    ("ApiSecBody json\nApiSecUrl /a", ["want off, or a pointer"]),
    ("ApiSecBody json\nApiSecUrl a https://a.example", ["want off, or a pointer"]),
    ("ApiSecBody json\nApiSecUrl /a~2 https://a.example", ['field "/a~2"', "want 0 or 1"]),
    ("ApiSecBody json\nApiSecUrl /a/10000 https://a.example", ["no index above 9999"]),
    ("ApiSecBody json\nApiSecUrl /a https://a.example https://", ['URL rule "https://"']),
    ("ApiSecBody json\nApiSecUrl ?a https://a.example/b", ['URL rule "https://a.example/b"', "nothing behind"]),
    ("ApiSecBody json\nApiSecUrl /a https://a.example\nApiSecUrl /a https://b.example", ["stands twice"]),
    ("ApiSecBody json\nApiSecUrl /a https://a.example\nApiSecUrl off", ["off stands alone"]),
])
def test_a_configuration_that_cannot_hold_is_refused(spare, lines, words):
    spare.server.configure("ApiSecStore @STORE@\nApiSecEngine On\n<Location /x>\n%s\n</Location>" % lines)
    code, said = spare.server.configtest()
    assert code != 0, said
    for word in words:
        assert word in said, said
