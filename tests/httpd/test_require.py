"""AuthType ApiSec, Require api-*, expressions, and what a handler is told."""

import pytest
from harness import Site

pytestmark = pytest.mark.one_mpm

SECTIONS = """
ApiSecRequireTLS Off
ScriptAlias /echo @ROOT@/cgi/echo
<Directory @ROOT@/cgi>
    Require all granted
</Directory>
<Location />
    ApiSecEngine @ENGINE@
    ApiSecRequire api-key
</Location>
<Location /plain>
    Require api-role writer
</Location>
<Location /typed>
    AuthType ApiSec
    AuthName "orders"
    Require api-role reader
</Location>
<Location /all>
    <RequireAll>
        Require api-role reader
        Require api-scope deep
        Require api-permission orders:read
        Require api-access
    </RequireAll>
</Location>
<Location /any>
    <RequireAny>
        Require api-role writer
        Require api-scope deep
    </RequireAny>
</Location>
<Location /user>
    Require api-user
</Location>
<Location /expr>
    Require expr "%{APISEC_ROLES} =~ /reader/ && %{APISEC_USER} == 'shop'"
</Location>
<Location /unpublic>
    ApiSecRequire public
    Require api-key
</Location>
<Location /echo/more>
    ApiSecExport key-id user roles scopes kv
</Location>
<Location /echo/none>
    ApiSecExport none
</Location>
Header always set X-Who "expr=%{APISEC_USER}|%{APISEC_KEY_ID}|%{APISEC_REASON}"
"""
PLACES = ("plain", "typed", "all", "any", "user", "expr", "unpublic", "tenant")


def prepare(site):
    for name in PLACES:
        site.folder.write("htdocs/%s/x.txt" % name, name + "\n")
    site.script("echo", 'printf "Content-Type: text/plain\\n\\n"\nenv\n')
    site.role("reader", "GET /all/**", "orders:read")
    site.role("writer", "GET /plain/**")
    site.key("reader", owner="shop")
    site.key("writer", role="writer")
    site.key("deep", scope=["deep", "wide"], role=["reader", "writer"])


def make(make_site, engine, **options):
    return make_site(SECTIONS.replace("@ENGINE@", engine), prepare, modules=["cgi", "headers"], **options)


@pytest.fixture(scope="module")
def site():
    with Site(SECTIONS.replace("@ENGINE@", "On"), prepare, modules=["cgi", "headers"]) as made:
        yield made


# AZ-01, AZ-02
@pytest.mark.parametrize("place, allowed", [
    ("plain", ["writer", "deep"]), ("typed", ["reader", "deep"]), ("all", ["deep"]), ("any", ["writer", "deep"]),
    ("user", []), ("expr", ["reader"]), ("unpublic", ["reader", "writer", "deep"])])
def test_require_lines_add_to_what_the_section_asks_for(site, place, allowed):
    for key in ("reader", "writer", "deep"):
        got = site.get("/%s/x.txt" % place, key=key)
        assert got.status == (200 if key in allowed else 403), (place, key)
    for key in (None, "hunter2"):
        got = site.get("/%s/x.txt" % place, key=key)
        assert got.status == 401 and got.headers["WWW-Authenticate"], (place, key)


# TRN-04, AZ-16
def test_refusal_by_a_require_line_is_ours(site):
    got = site.get("/plain/x.txt", key="reader")
    document = got.json()
    assert got.headers["Content-Type"] == "application/problem+json" and document["status"] == 403
    line = site.server.wait_audit(lambda line: line["id"] == document["instance"])
    assert (line["reason"], line["decision"], line["key"]) == ("role_missing", "refuse", site.ids["reader"])
    assert 'realm="orders"' in site.get("/typed/x.txt").headers["WWW-Authenticate"]


# AZ-01
def test_require_lines_refuse_where_the_engine_is_off(make_site):
    site = make(make_site, "Off")
    for place in ("plain", "typed", "all", "any", "user", "unpublic"):
        for key in (None, "deep"):
            assert site.get("/%s/x.txt" % place, key=key).status in (401, 403), place
    assert "APISEC0001" in site.server.error_log()


# AZ-16
def test_require_lines_grant_under_detect_only_and_the_line_tells(make_site):
    site = make(make_site, "DetectOnly")
    for place in ("plain", "typed", "all", "any", "user", "unpublic"):
        for key in (None, "hunter2", "reader", "deep"):
            assert site.get("/%s/x.txt" % place, key=key).status == 200, (place, key)
    for key, decision, reason in ((None, "would-refuse", "credential_missing"), ("deep", "allow", "allow")):
        site.get("/typed/x.txt", key=key, headers=[("X-Request-Id", "detect-%s-1" % key)])
        line = site.server.wait_audit(lambda line: line["id"] == "detect-%s-1" % key)
        assert (line["decision"], line["reason"]) == (decision, reason)


# AZ-13
def test_tenant_may_add_requirements(make_site):
    site = make(make_site, "On", override="AuthConfig")
    place = "htdocs/tenant/.htaccess"
    for text, allowed in (("Require api-role writer\n", {"writer", "deep"}),
                          ("AuthType ApiSec\nRequire api-scope wide\n", {"deep"}),
                          ("<RequireAny>\nRequire api-role writer\nRequire api-role reader\n</RequireAny>\n",
                           {"reader", "writer", "deep"})):
        site.folder.write(place, text)
        for key in ("reader", "writer", "deep"):
            assert (site.get("/tenant/x.txt", key=key).status == 200) == (key in allowed), (text, key)
        assert site.get("/tenant/x.txt").status == 401


# KEY-10
def test_handler_is_told_as_much_as_is_exported(site):
    def seen(path, start):
        got = site.get(path, key="deep")
        assert got.status == 200
        env = dict(line.split("=", 1) for line in got.text.splitlines() if "=" in line)
        assert env["REMOTE_USER"] == site.ids["deep"]
        return {name[len(start):]: value for name, value in env.items() if name.startswith(start)}

    wanted = {"KEY_ID": site.ids["deep"], "USER": site.ids["deep"]}
    assert seen("/echo", "HTTP_X_APISEC_") == wanted
    assert seen("/echo", "APISEC_")["KEY_ID"] == site.ids["deep"]
    wanted.update(ROLES="reader writer", SCOPES="deep wide", KV="1")
    assert seen("/echo/more", "HTTP_X_APISEC_") == wanted
    assert seen("/echo/more", "APISEC_")["ROLES"] == "reader writer"
    assert seen("/echo/none", "HTTP_X_APISEC_") == seen("/echo/none", "APISEC_") == {}


# AUD-01
def test_variables_are_known_to_expressions(site):
    assert site.get("/echo", key="reader").headers["X-Who"] == "shop|%s|allow" % site.ids["reader"]
    assert site.get("/echo").headers["X-Who"] == "||credential_missing"
    got = site.get("/plain/x.txt", key="reader")
    assert got.headers["X-Who"].startswith("shop|%s|" % site.ids["reader"])
