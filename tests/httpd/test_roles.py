"""Who may do what: grants, denials, roles, scopes, permissions, methods."""

import pytest
from harness import Site

pytestmark = pytest.mark.one_mpm

CONF = """
ApiSecRequireTLS Off
ScriptAlias /act @ROOT@/cgi/act
<Directory @ROOT@/cgi>
    Require all granted
</Directory>
<Location />
    ApiSecEngine On
</Location>
<Location /role>
    ApiSecRequire api-role auditor writer
</Location>
<Location /scope>
    ApiSecRequire api-scope orders:read orders:write
</Location>
<Location /permission>
    ApiSecRequire api-permission orders:read
</Location>
<Location /several>
    ApiSecRequire api-role reader writer
    ApiSecRequire api-scope deep
    ApiSecRequire api-access
</Location>
<Location /several/inner>
    ApiSecRequire api-key
</Location>
<Location /public>
    ApiSecRequire public
</Location>
<Location /public/inner>
    ApiSecRequire api-access
</Location>
<Location /anykey>
    ApiSecRequire api-key
</Location>
"""

PLACES = ("role", "scope", "permission", "several", "several/inner", "public", "public/inner", "anykey", "empty")


def prepare(site):
    for name in PLACES:
        site.folder.write("htdocs/%s/x.txt" % name, name + "\n")
    site.script("act", 'printf "Content-Type: text/plain\\n\\n%s\\n" "$REQUEST_METHOD"\n')
    site.role("reader", "GET /orders/**", "GET,POST /act/*", "orders:read", "GET /several/**")
    site.role("writer", "PUT,PATCH,DELETE /orders/*", "POST /act/**", "DELETE /act/**", "orders:*", inherit="reader")
    site.role("barred", "GET,POST /act/**", denies=["GET /orders/8.json", "POST /act/**", "orders:read"])
    site.role("auditor", "GET,OPTIONS /act/audit/*")
    site.role("empty")
    site.role("all", "* /**")
    for name in ("reader", "writer", "auditor", "empty", "all"):
        site.key(name, role=name)
    site.key("both", role=["reader", "barred"])
    site.key("reversed", role=["barred", "reader"])
    site.key("scoped", role="reader", scope=["orders:read", "orders:write", "deep"])
    site.key("half", role="reader", scope=["orders:read", "orders:write2"])


@pytest.fixture(scope="module")
def site():
    with Site(CONF, prepare, modules=["cgi"]) as made:
        yield made


def reason(site, answer):
    return site.server.wait_audit(lambda line: line["id"] == answer.headers["X-Request-Id"])["reason"]


# AZ-01
def test_nothing_is_open_that_was_not_granted(site):
    assert site.get().status == 401
    assert site.get(key="reader").status == 200
    assert site.get(key="empty").status == 403
    assert site.get("/", key="reader").status in (403, 405)
    assert site.get("/index.html", key="reader").status in (403, 405)
    assert site.get("/orders/no-such", key="reader").status == 404
    assert site.get("/no-such", key="reader").status in (403, 405)
    assert site.get("/no-such").status == 401


# AZ-02
def test_head_follows_get(site):
    got = site.request("HEAD", key="reader")
    assert got.status == 200 and got.body == b""
    assert site.request("HEAD", key="empty").status == 403
    assert site.request("HEAD").status == 401


# AZ-02, TRN-09
def test_unknown_methods_are_refused(site):
    for method in ("QUERY", "FOO", "get", "PROPFIND", "MKCOL", "BREW"):
        for key in ("all", None):
            got = site.request(method, key=key)
            assert got.status == 501, method
            assert got.headers["Content-Type"] == "application/problem+json"
    got = site.request("TRACE", key="all")
    assert got.status == 405 and "TRACE" not in got.headers["Allow"]
    raw = site.server.raw(b"CONNECT localhost:80 HTTP/1.1\r\nHost: localhost:80\r\nX-API-Key: "
                          + site.keys["all"].encode() + b"\r\n\r\n")
    assert raw.split()[1] in (b"400", b"405")


# AZ-05
def test_denial_wins_whatever_the_order_of_roles(site):
    for key in ("both", "reversed"):
        assert site.get("/orders/7.json", key=key).status == 200
        got = site.get("/orders/8.json", key=key)
        assert got.status == 403 and reason(site, got) == "grant_denied"
        assert site.request("POST", "/act/x", key=key).status == 403
        assert site.get("/permission/x.txt", key=key).status == 403
    assert site.get("/orders/8.json", key="reader").status == 200


# AZ-05
def test_inherited_grants_count(site):
    assert site.get("/orders/7.json", key="writer").status == 200
    assert site.request("DELETE", "/act/x/y", key="writer").text == "DELETE\n"
    assert site.request("DELETE", "/act/x/y", key="reader").status == 403


# AZ-02
def test_pattern_of_one_segment_stays_in_it(site):
    assert site.get("/act/one", key="reader").text == "GET\n"
    assert site.get("/act/one/two", key="reader").status == 403
    assert site.get("/act", key="reader").status == 403


# AZ-02
def test_role_requirement_takes_any_of_its_roles(site):
    assert site.get("/role/x.txt", key="writer").status == 200
    assert site.get("/role/x.txt", key="auditor").status == 200
    got = site.get("/role/x.txt", key="reader")
    assert got.status == 403 and reason(site, got) == "role_missing"
    assert site.get("/role/x.txt").status == 401


# AZ-02, KEY-11
def test_scope_requirement_takes_all_of_its_scopes(site):
    assert site.get("/scope/x.txt", key="scoped").status == 200
    for key in ("half", "reader"):
        got = site.get("/scope/x.txt", key=key)
        assert got.status == 403 and reason(site, got) == "scope_missing"


# AZ-02
def test_permission_requirement(site):
    assert site.get("/permission/x.txt", key="reader").status == 200
    assert site.get("/permission/x.txt", key="writer").status == 200
    got = site.get("/permission/x.txt", key="auditor")
    assert got.status == 403 and reason(site, got) == "permission_missing"


# AZ-01
def test_several_lines_all_hold_and_inner_ones_replace(site):
    assert site.get("/several/x.txt", key="scoped").status == 200
    assert reason(site, site.get("/several/x.txt", key="reader")) == "scope_missing"
    assert reason(site, site.get("/several/x.txt", key="auditor")) == "role_missing"
    assert site.get("/several/inner/x.txt", key="auditor").status == 200
    assert site.get("/several/inner/x.txt").status == 401


# AZ-01
def test_public_is_open_and_what_lies_within_is_not(site):
    got = site.get("/public/x.txt", headers=[("X-Request-Id", "public-0001")])
    assert got.status == 200
    line = site.server.wait_audit(lambda line: line["id"] == "public-0001")
    assert (line["decision"], line["reason"]) == ("allow", "public")
    assert site.get("/public/x.txt", key="hunter2").status == 200
    assert site.get("/public/inner/x.txt").status == 401
    assert site.get("/public/inner/x.txt", key="all").status == 200
    assert site.get("/public/inner/x.txt", key="reader").status == 403
    assert site.request("QUERY", "/public/x.txt").status == 501


# AZ-16, AZ-02
def test_denial_is_logged_in_full_and_told_in_general(site):
    bodies = set()
    for key, path, why in (("both", "/orders/8.json", "grant_denied"), ("auditor", "/orders/8.json", "grant_missing"),
                           ("reader", "/role/x.txt", "role_missing")):
        got = site.get(path, key=key)
        assert got.status == 403
        document = got.json()
        line = site.server.wait_audit(lambda line: line["id"] == document["instance"])
        assert (line["reason"], line["key"], line["decision"]) == (why, site.ids[key], "refuse")
        assert line["user"] == site.ids[key] and line["roles"] and line["route"] and line["status"] == 403
        assert line["event"] == "authz_fail"
        del document["instance"]
        bodies.add(str(sorted(document.items())))
    assert len(bodies) == 1


ALLOW = """
<Location />
    ApiSecEngine On
</Location>
"""


def prepare_allow(site):
    site.role("reader", "GET /orders/**")
    site.role("writer", "PUT,DELETE /orders/*")
    site.role("barred", denies=["PATCH /orders/*"])
    site.key("ci")
    site.key("writer", role="writer")
    site.key("barred", role="barred")


# AZ-02, TRN-09
def test_405_lists_what_any_role_is_granted(make_site):
    site = make_site(ALLOW, prepare_allow)
    for method in ("POST", "PATCH", "OPTIONS"):
        got = site.request(method, key="ci")
        assert got.status == 405, method
        assert sorted(got.headers["Allow"].replace(",", " ").split()) == ["DELETE", "GET", "HEAD", "PUT"]
        assert got.json()["status"] == 405
    got = site.request("PUT", key="ci")
    assert got.status == 403 and got.headers["Allow"] is None
    assert site.get(key="writer").status == 403
    assert site.get("/nothing/here", key="ci").status == 403
    # Nobody learns what is allowed without a key.
    got = site.request("POST")
    assert got.status == 401 and got.headers["Allow"] is None


# AZ-01
def test_store_without_roles_or_keys_refuses_all(make_site):
    site = make_site(ALLOW, lambda site: None)
    assert site.get().status == 401
    assert site.get(key="apisec_AAAAAAAAAAAA_x").status == 401
    assert site.get("/").status == 401
