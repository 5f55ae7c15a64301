"""Answers that the module makes: problem documents, HTML, fields, request ids."""

import re

import pytest
from harness import Site

CONF = """
ApiSecRequireTLS Off
ServerTokens Prod
ScriptAlias /echo @ROOT@/cgi/echo
ScriptAlias /cached @ROOT@/cgi/cached
<Directory @ROOT@/cgi>
    Require all granted
</Directory>
<Location />
    ApiSecEngine On
    ApiSecMax target=200 fields=30 field=1000 body=100
</Location>
<Location /denied>
    ApiSecDeny 203.0.113.0/24
</Location>
<Location /public>
    ApiSecRequire public
</Location>
<Location /realm>
    AuthName "the \\"realm\\""
</Location>
"""


def prepare(site):
    site.script("echo", 'printf "Content-Type: text/plain\\n\\n"\nenv\n')
    site.script("cached", 'printf "Content-Type: text/plain\\nCache-Control: max-age=60\\n\\nx\\n"\n')
    site.folder.write("htdocs/public/x.txt", "x\n")
    site.role("reader", "GET /orders/**", "GET /echo", "GET /cached", "POST /orders/*")
    site.key("ci", owner="shop")
    site.key("spent", limit="1/d")
    for i in range(20):
        site.key("many-%d" % i)


@pytest.fixture(scope="module")
def site():
    with Site(CONF, prepare, modules=["cgi", "remoteip"]) as made:
        while made.get(key="spent").status == 200:
            pass
        yield made


KINDS = {
    400: ("GET", "/orders/a//b", "many-0", ()),
    401: ("GET", "/orders/7.json", None, ()),
    403: ("GET", "/denied/x", "many-1", [("X-Forwarded-For", "203.0.113.1")]),
    405: ("PUT", "/orders/7.json", "many-2", ()),
    413: ("POST", "/orders/7.json", "many-3", [("Content-Length", "101")]),
    414: ("GET", "/orders/" + "a" * 200, "many-4", ()),
    429: ("GET", "/orders/7.json", "spent", ()),
    431: ("GET", "/orders/7.json", "many-5", [("X-Long", "v" * 1001)]),
    501: ("QUERY", "/orders/7.json", "many-6", ()),
}


def provoke(site, status, headers=(), method=None):
    was, path, key, own = KINDS[status]
    body = "b" * 101 if status == 413 else None
    return site.request(method or was, path, key, list(own) + list(headers), body=body)


# TRN-04, TRN-05, TRN-12
@pytest.mark.parametrize("status", sorted(KINDS))
def test_error_is_a_problem_document(site, status):
    got = provoke(site, status)
    assert got.status == status
    assert got.headers["Content-Type"] == "application/problem+json"
    assert got.headers["Cache-Control"] == "no-store"
    assert got.headers["X-Content-Type-Options"] == "nosniff"
    assert int(got.headers["Content-Length"]) == len(got.body)
    document = got.json()
    assert document["status"] == status and document["title"] and document["detail"] and document["type"]
    assert document["instance"] == got.headers["X-Request-Id"]
    assert set(document) - {"violated-policies"} == {"type", "title", "status", "detail", "instance"}
    line = site.server.wait_audit(lambda line: line["id"] == document["instance"])
    assert (line["status"], line["decision"]) == (status, "refuse")


# TRN-04
@pytest.mark.parametrize("status", [400, 401, 429, 414, 431])
def test_answer_to_head_has_no_body(site, status):
    got = provoke(site, status, method="HEAD")
    assert got.status == status and got.body == b""
    assert got.headers["Content-Type"] == "application/problem+json" and got.headers["X-Request-Id"]


# TRN-04
def test_html_for_those_who_would_rather_see_it(site):
    for accept in ("text/html", "text/html,application/xhtml+xml,*/*;q=0.8", "text/html, application/json"):
        got = provoke(site, 401, [("Accept", accept)])
        assert got.status == 401 and got.headers["Content-Type"] == "text/html; charset=utf-8", accept
        assert got.headers["X-Request-Id"] in got.text and got.text.startswith("<!DOCTYPE html>")
        assert got.headers["Cache-Control"] == "no-store" and got.headers["X-Content-Type-Options"] == "nosniff"
    for accept in ("*/*", "application/json", "application/json, text/html", "application/problem+json", "text/plain",
                   "", "text/html;q=0, application/json"):
        got = provoke(site, 401, [("Accept", accept)])
        assert got.headers["Content-Type"] == "application/problem+json", accept


# TRN-15, AZ-16
@pytest.mark.parametrize("status", sorted(KINDS))
def test_no_answer_tells_what_is_behind_it(site, status):
    for accept in ("text/html", "*/*"):
        got = provoke(site, status, [("Accept", accept)])
        seen = str(got.headers) + got.text
        for secret in (site.folder.root, "mod_apisec", "apisec/", "store.db", "reader", "/orders/**", "localhost",
                       "203.0.113", "SQLite", site.ids["ci"]):
            assert secret.lower() not in seen.lower(), secret
    assert got.headers["Server"] == "Apache"


# TRN-12
def test_request_id_is_taken_only_if_it_can_do_no_harm(site):
    def sent(*headers):
        return site.get(headers=list(headers)).headers["X-Request-Id"]

    trace = "0af7651916cd43dd8448eb211c80319c"
    good = "00-%s-b7ad6b7169203331-01" % trace
    for text in ["abcdefgh", "a-b_c-D9"] + ["x" * n for n in range(9, 65)]:
        assert sent(("X-Request-Id", text)) == text
        line = site.server.wait_audit(lambda line: line["id"] == text)
        assert line["n"] < 10000 and line["path"] == "/orders/7.json"
    assert sent(("traceparent", good)) == trace
    assert sent(("X-Request-Id", "abcdefgh"), ("traceparent", good)) == "abcdefgh"
    assert sent(("X-Request-Id", "bad id!"), ("traceparent", good)) == trace
    made = set()
    for text in ("short", "x" * 65, "with blank", "a\tb", "semi;colon", "<script>", "..%2f..", "\xe4\xf6\xfc\xdf1234", "",
                 "a" * 500, "abcdefgh, ijklmnop"):
        made.add(sent(("X-Request-Id", text)))
    made.add(sent(("X-Request-Id", "abcdefgh"), ("X-Request-Id", "ijklmnop")))
    for text in ("01" + good[2:], good + "-x", good.upper(), "00-%s-b7ad6b7169203331-01" % ("0" * 32), good[:-1], "00-" + trace):
        made.add(sent(("traceparent", text)))
    assert len(made) == 18 and all(re.fullmatch("[0-9a-f]{16}", text) for text in made)


# TRN-12
def test_same_id_is_in_answer_handler_and_line(site):
    for headers in ([], [("X-Request-Id", "from-client-1")]):
        got = site.get("/echo", key="many-10", headers=headers)
        assert got.status == 200
        request_id = got.headers["X-Request-Id"]
        assert "HTTP_X_REQUEST_ID=%s\n" % request_id in got.text
        assert site.server.wait_audit(lambda line: line["id"] == request_id)["path"] == "/echo"
        assert len(got.headers.get_all("X-Request-Id")) == 1


# TRN-05
def test_authenticated_answers_are_not_stored_unless_the_backend_says_so(site):
    assert site.get(key="many-11").headers["Cache-Control"] == "no-store"
    assert site.get("/echo", key="many-11").headers["Cache-Control"] == "no-store"
    assert site.get("/cached", key="many-11").headers["Cache-Control"] == "max-age=60"
    assert site.get("/public/x.txt").headers["Cache-Control"] is None


# KEY-16
def test_realm_is_that_of_the_section(site):
    got = site.get("/realm/x")
    assert got.headers.get_all("WWW-Authenticate")[0] == 'Bearer realm="the \\"realm\\""'


# TRN-09, AZ-02
def test_preflight_is_no_way_in(site):
    got = site.request("OPTIONS", headers=[("Origin", "https://a.example"), ("Access-Control-Request-Method", "GET")])
    assert got.status == 401 and got.headers["Access-Control-Allow-Origin"] is None
    raw = site.server.raw(b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert raw.split()[1] in (b"200", b"401", b"400")


# TRN-04
def test_keep_alive_survives_refusals(site):
    with site.server.connect() as connection:
        for status in (400, 401, 403, 405, 414, 429, 431, 501):
            method, path, key, headers = KINDS[status]
            pairs = list(headers) + ([("X-API-Key", site.keys[key])] if key else [])
            assert connection.request(method, path, pairs).status == status
        got = connection.request("GET", "/orders/7.json", [("X-API-Key", site.keys["many-12"])])
        assert got.status == 200


DOCUMENT = """
ErrorDocument 401 /sorry.html
ErrorDocument 403 "plain words"
ErrorDocument 429 /none.html
<Location />
    ApiSecEngine On
    ApiSecLimit tiny rate=1/d by=user
</Location>
"""


# TRN-04, TRN-05
def test_error_document_of_the_administrator_keeps_status_and_fields(make_site):
    site = make_site(DOCUMENT, lambda site: (site.folder.write("htdocs/sorry.html", "sorry\n"),
                                             site.role("reader", "GET /orders/**"), site.key("ci"), site.key("two")))
    got = site.get()
    assert got.status == 401 and got.headers["WWW-Authenticate"] and got.headers["Cache-Control"] == "no-store"
    got = site.get("/other/x.json", key="two")
    assert got.status == 403 and got.headers["X-Request-Id"]
    assert site.get(key="ci").status == 200
    got = site.get(key="ci")
    assert got.status == 429 and got.headers["Retry-After"]
