"""Internal redirects, rewrites and subrequests: what is served was decided, and charged once."""

import re

import pytest
from harness import Site, parse_list

CONF = r"""
ApiSecEngine On
ApiSecLimit total rate=2/d burst=5000 by=key
ApiSecLimit place rate=2/d burst=5000 by=ip
Options FollowSymLinks Includes MultiViews ExecCGI
AddType text/html .shtml
AddOutputFilter INCLUDES .shtml
AddHandler type-map .var
AddLanguage en .en
AddLanguage de .de
AddHandler cgi-script .cgi
Alias /also @DOCS@/orders
Alias /sneaky @DOCS@/admin
ScriptAlias /cgi @ROOT@/cgi
<Directory @ROOT@/cgi>
    Require all granted
</Directory>
Action wrapped /cgi/wrapper
<Files *.wrap>
    SetHandler wrapped
</Files>
<Directory @DOCS@>
    Options FollowSymLinks Includes MultiViews ExecCGI Indexes
</Directory>
<Location /role>
    ApiSecRequire api-role admin
</Location>
<Directory @DOCS@/turns>
    <FilesMatch "[02468]\.html$">
        ApiSecRequire api-role reader
    </FilesMatch>
    <FilesMatch "[13579]\.html$">
        ApiSecRequire api-role admin
    </FilesMatch>
</Directory>
<Files role.html>
    ApiSecRequire api-role admin
</Files>
<Directory @DOCS@/fallback>
    FallbackResource /orders/fallback.html
</Directory>
<Directory @DOCS@/fallbad>
    FallbackResource /admin/secret.html
</Directory>
<Directory @DOCS@/perdir>
    RewriteEngine On
    RewriteRule ^good$ /orders/7.json
    RewriteRule ^bad$ /admin/secret.html
    RewriteRule ^badrole$ /role/secret.html
    RewriteRule ^same$ /perdir/target.html
    RewriteRule ^script$ /cgi/env
    RewriteRule ^gone$ - [G]
</Directory>
RewriteEngine On
RewriteRule ^/server/plain$ /admin/secret.html
RewriteRule ^/server/pt$ /admin/secret.html [PT]
RewriteRule ^/server/file$ @DOCS@/admin/secret.html
RewriteRule ^/server/role$ /role/secret.html
RewriteRule ^/server/rolept$ /role/secret.html [PT]
RewriteRule ^/server/good$ /orders/7.json
RewriteRule ^/server/goodpt$ /orders/7.json [PT]
RewriteRule ^/server/any/(.*)$ /$1
RewriteRule ^/server/anypt/(.*)$ /$1 [PT]
RewriteRule ^/server/forbidden$ - [F]
"""

MODULES = ["rewrite", "alias", "include", "negotiation", "actions", "autoindex", "cgi", "env"]
SECRET = "the-secret-of-the-admin"
GOOD = "what-readers-read"
ENV = '#!/bin/sh\nprintf "Content-Type: text/plain\\n\\n"\nenv\n'


def prepare(site):
    site.role("admin", "GET /**", "GET /admin/**")
    site.role("reader", "GET,POST /orders/**", "GET /also/**", "GET /sneaky/**", "GET /server/**", "GET /perdir/**",
              "GET /fallback/**", "GET /fallbad/**", "GET /pages/**", "GET /cgi/**", "GET /list/**", "GET /neg/**",
              "GET /role/**", "GET /turns/**")
    site.key("boss", role="admin")
    site.key("mouse", role="reader", owner="mickey")
    write = site.folder.write
    for name in ("admin/secret.html", "admin/index.html", "role/secret.html", "orders/role.html", "role/index.html",
                 "list/role.html"):
        write("htdocs/" + name, SECRET + "\n")
    for name in ("orders/7.json", "orders/index.html", "orders/fallback.html", "perdir/target.html"):
        write("htdocs/" + name, GOOD + "\n")
    for name in ("fallback", "fallbad", "perdir"):
        write("htdocs/%s/here.html" % name, GOOD + "\n")
    write("htdocs/indexed/role.html", SECRET + "\n")
    write("htdocs/orders/x.wrap", GOOD + "\n")
    write("htdocs/list/open.html", GOOD + "\n")
    write("htdocs/neg/page.html.en", GOOD + "\n")
    write("htdocs/neg/page.html.de", GOOD + "\n")
    write("htdocs/neg/map.var", "URI: ../orders/index.html\nContent-Type: text/html\nContent-Language: en\n\n")
    write("htdocs/neg/badmap.var", "URI: ../admin/secret.html\nContent-Type: text/html\nContent-Language: en\n\n")
    write("htdocs/neg/rolemap.var", "URI: ../role/secret.html\nContent-Type: text/html\nContent-Language: en\n\n")
    write("htdocs/pages/many.shtml", '<!--#include virtual="/orders/7.json" -->\n' * 20)
    for name, target in (("admin", 'virtual="/admin/secret.html"'), ("role", 'virtual="/role/secret.html"'),
                         ("file", 'file="role.html"'), ("dots", 'virtual="../admin/secret.html"'),
                         ("below", 'file="below/role.html"'), ("alias", 'virtual="/sneaky/secret.html"')):
        write("htdocs/pages/%s.shtml" % name, 'before\n<!--#include %s -->\nafter\n' % target)
    for i in range(10):
        write("htdocs/turns/turn-%d%d.html" % (i, i), GOOD + "\n")
    write("htdocs/pages/role.html", SECRET + "\n")
    write("htdocs/pages/below/role.html", SECRET + "\n")
    write("htdocs/pages/cgi.shtml", '<!--#include virtual="/cgi/env" -->\n')
    write("htdocs/pages/env.shtml", '<!--#printenv -->\n\nKEY=<!--#echo var="APISEC_KEY_ID" -->\n')
    site.script("wrapper", 'printf "Content-Type: text/plain\\n\\n"\nenv\n')
    write("cgi/env", ENV, 0o755)
    site.script("local", 'printf "Location: /admin/secret.html\\n\\n"\n')
    site.script("localrole", 'printf "Location: /role/secret.html\\n\\n"\n')
    site.script("localgood", 'printf "Location: /orders/7.json\\n\\n"\n')


@pytest.fixture(scope="module")
def site():
    with Site(CONF, prepare, modules=MODULES, override="All") as made:
        yield made


def left(answer):
    """{limit: what is left of it}."""
    return {name: values["r"] for name, values in parse_list(answer.headers["RateLimit"])}


def charge_of(site, path, key="mouse", method="GET", **options):
    """How much a request costs by each limit."""
    before = left(site.get("/orders/7.json", key=key))
    got = site.request(method, path, key, **options)
    after = left(site.get("/orders/7.json", key=key))
    return got, {name: before[name] - after[name] - 1 for name in before}


ONCE = {"total": 1, "place": 1}


# LIM-23, AZ-14
@pytest.mark.parametrize("path", [
    "/orders/7.json", "/orders/", "/orders/role.html", "/orders/none", "/perdir/good", "/perdir/bad", "/perdir/badrole",
    "/perdir/same", "/perdir/gone", "/perdir/script", "/server/good", "/server/goodpt", "/server/plain",
    "/server/rolept", "/fallback/x", "/fallbad/x", "/pages/many.shtml", "/pages/role.shtml",
    "/pages/admin.shtml", "/pages/cgi.shtml", "/list/", "/neg/page", "/neg/map.var", "/neg/badmap.var",
    "/orders/x.wrap", "/cgi/env/path/info", "/cgi/local", "/cgi/localgood", "/cgi/localrole", "/also/7.json",
    "/role/secret.html", "/admin/secret.html"])
def test_each_request_is_charged_once(site, path):
    got, cost = charge_of(site, path)
    assert cost == ONCE, (path, got)
    if got.status < 300:
        assert "RateLimit" in got.headers, got


# LIM-23, LIM-12
@pytest.mark.parametrize("path", ["/orders/", "/perdir/good", "/pages/many.shtml", "/fallback/x", "/list/", "/neg/page"])
def test_request_without_a_key_costs_its_address_once(site, path):
    got, cost = charge_of(site, path, key="mouse", headers=())
    assert cost == ONCE
    before = left(site.get("/orders/7.json", key="mouse"))
    assert site.get(path).status == 401
    after = left(site.get("/orders/7.json", key="mouse"))
    assert (before["place"] - after["place"], before["total"] - after["total"]) == (2, 1)


# AZ-14, NEG-03, AZ-04
@pytest.mark.parametrize("path", [
    "/perdir/bad", "/perdir/badrole", "/server/plain", "/server/pt", "/server/file", "/server/role", "/server/rolept",
    "/server/any/admin/secret.html", "/server/anypt/admin/secret.html", "/server/any/role/secret.html",
    "/server/anypt/role/secret.html", "/fallbad/x", "/neg/badmap.var", "/neg/rolemap.var", "/cgi/local", "/cgi/localrole",
    "/orders/role.html", "/role/secret.html", "/role/", "/admin/", "/pages/role.html"])
def test_no_way_leads_to_what_cannot_be_asked_for(site, path):
    for key in ("mouse", None):
        got = site.get(path, key=key)
        assert got.status in (401, 403), (key, got)
        assert SECRET not in got.text
    got = site.get(path, key="boss")
    assert got.status == 200 and SECRET in got.text, got


# AZ-14: who may, gets there by every way
@pytest.mark.parametrize("path", [
    "/perdir/good", "/perdir/same", "/server/good", "/server/goodpt", "/server/any/orders/7.json", "/fallback/x",
    "/neg/page", "/neg/map.var", "/cgi/localgood", "/orders/", "/also/7.json", "/pages/many.shtml"])
def test_ways_to_what_may_be_asked_for_are_open(site, path):
    for key in ("mouse", "boss"):
        got = site.get(path, key=key)
        assert got.status == 200 and GOOD in got.text, got
    assert site.get(path).status == 401


# AZ-14
@pytest.mark.parametrize("page", ["admin", "role", "file", "dots", "below"])
def test_includes_show_nothing_that_cannot_be_asked_for(site, page):
    got = site.get("/pages/%s.shtml" % page, key="mouse")
    assert got.status == 200 and "before" in got.text and "after" in got.text
    assert SECRET not in got.text
    if page != "below":
        got = site.get("/pages/%s.shtml" % page, key="boss")
        assert got.status == 200 and SECRET in got.text


# AZ-14: the look-ups of a listing end one by one, and the next one often lies at the address of the last
def test_an_entry_that_may_be_shown_opens_no_way_for_the_next(site):
    for key, shown in (("mouse", "02468"), ("boss", "13579")):
        got = site.get("/turns/", key=key)
        assert got.status == 200
        assert sorted(set(re.findall(r"turn-(\d+)\.html", got.text))) == [d + d for d in shown], got.text


# AZ-14
def test_listing_shows_no_name_that_cannot_be_asked_for(site):
    got = site.get("/list/", key="mouse")
    assert got.status == 200 and "open.html" in got.text and "role.html" not in got.text
    got = site.get("/list/", key="boss")
    assert got.status == 200 and "role.html" in got.text


# KEY-10, AZ-11: the handler at the end of the way knows who calls, and never the credential
@pytest.mark.parametrize("path", ["/cgi/env", "/perdir/script", "/pages/cgi.shtml", "/orders/x.wrap", "/pages/env.shtml",
                                  "/server/anypt/cgi/env"])
def test_identity_comes_along_and_the_credential_does_not(site, path):
    lies = [("X-Apisec-Key-Id", "lie"), ("X-Apisec-Roles", "lie"), ("X_Apisec_User", "lie"), ("Remote-User", "lie"),
            ("Proxy", "lie")]
    key = site.keys["mouse"]
    for headers in ([("X-API-Key", key)], [("Authorization", "Bearer " + key)]):
        got = site.get(path, headers=headers + lies)
        assert got.status == 200
        assert "=lie" not in got.text and key not in got.text, got.text
        if path == "/pages/env.shtml":
            assert "KEY=" + site.ids["mouse"] in got.text.splitlines(), got.text
        else:
            lines = got.text.splitlines()
            assert "REMOTE_USER=mickey" in lines, got.text
            assert "APISEC_KEY_ID=" + site.ids["mouse"] in lines
            assert "HTTP_X_APISEC_KEY_ID=" + site.ids["mouse"] in lines
            assert "HTTP_X_APISEC_USER=mickey" in lines


# AZ-16, LIM-23: one line for each request, with the verdict of what was refused last
def test_one_audit_line_for_each_request(site):
    paths = ["/perdir/good", "/perdir/bad", "/pages/many.shtml", "/list/", "/orders/", "/cgi/localrole", "/neg/map.var"]
    for i, path in enumerate(paths):
        site.get(path, key="mouse", headers=[("X-Request-Id", "one-line-%04d" % i)])
    site.get("/orders/7.json", key="mouse", headers=[("X-Request-Id", "one-line-last")])
    site.server.wait_audit(lambda line: line["id"] == "one-line-last")
    lines = site.server.wait_audit(lambda line: line["id"].startswith("one-line-0"), count=len(paths))
    assert [line["path"] for line in sorted(lines, key=lambda line: line["id"])] == paths
    verdicts = {line["path"]: (line["decision"], line["status"]) for line in lines}
    assert verdicts["/perdir/good"] == ("allow", 200)
    assert verdicts["/perdir/bad"] == ("refuse", 403)
    assert verdicts["/cgi/localrole"] == ("refuse", 403)


MIXED = """
ScriptAlias /cgi @ROOT@/cgi
AddType text/html .shtml
AddOutputFilter INCLUDES .shtml
<Directory @ROOT@/cgi>
    Require all granted
</Directory>
<Directory @DOCS@>
    Options Includes FollowSymLinks
</Directory>
<Location /watched>
    ApiSecEngine DetectOnly
    ApiSecRequire public
</Location>
<Directory @DOCS@/watched>
    RewriteEngine On
    RewriteRule ^script$ /cgi/env
    RewriteRule ^script2$ /script2/env
    RewriteRule ^orders$ /orders/7.json
</Directory>
<Location /cgi>
    ApiSecEngine On
    ApiSecRequire api-key
</Location>
ScriptAlias /script2 @ROOT@/cgi
<Location /script2>
    ApiSecEngine On
    ApiSecRequire api-key
    ApiSecKeyFrom header:X-API-Key header:X-Other-Key
</Location>
<Location /orders>
    ApiSecEngine On
</Location>
"""


# AZ-11, KEY-10: an engine that is Off or only watches on the way changes nothing at its end
@pytest.mark.parametrize("path", ["/off/page.shtml", "/watched/script", "/watched/page.shtml"])
def test_section_without_enforcement_on_the_way(make_site, path):
    site = make_site(MIXED, lambda site: (
        site.role("reader", "GET /**"), site.key("ci", owner="shop"),
        site.folder.write("htdocs/off/page.shtml", '<!--#include virtual="/cgi/env" -->\n' * 2),
        site.folder.write("htdocs/watched/page.shtml",
                          '<!--#include virtual="/cgi/env" -->\n<!--#include virtual="/script2/env" -->\n'),
        site.folder.write("cgi/env", ENV, 0o755)), modules=["cgi", "alias", "include", "rewrite"])
    lies = [("X-Apisec-Key-Id", "lie"), ("X-Apisec-Roles", "lie"), ("X_Apisec_User", "lie"), ("Remote-User", "lie"),
            ("Proxy", "lie"), ("X-Forwarded-For", "lie"), ("Connection", "X-Apisec-Key-Id")]
    key = site.keys["ci"]
    got = site.get(path, headers=[("X-API-Key", key)] + lies)
    assert got.status == 200
    assert "APISEC_KEY_ID=" + site.ids["ci"] in got.text.splitlines(), got.text
    assert "=lie" not in got.text and key not in got.text, got.text
    got = site.get("/watched/script2", headers=[("X-API-Key", key), ("X-Other-Key", "x")] + lies)
    assert got.status in (200, 400) and "HTTP_X_OTHER_KEY" not in got.text and key not in got.text
    got = site.get(path, headers=lies)
    assert "GATEWAY_INTERFACE" not in got.text


# AZ-16: what a subrequest was decided by is still there when the line is written
def test_section_of_a_subrequest_in_the_audit_line(make_site):
    site = make_site(MIXED + "<Directory @DOCS@/indexed>\nDirectoryIndex /orders/7.json\n</Directory>\n", lambda site: (
        site.role("reader", "GET /items/**"), site.key("ci"),
        site.folder.write("htdocs/indexed/x", "x")), modules=["cgi", "alias", "include", "rewrite"])
    for key, status in (("ci", 403), (None, 401), ("hunter2", 401)):
        for _ in range(15):
            assert site.get("/indexed/", key=key).status == status
    lines = site.server.wait_audit(lambda line: line["path"] == "/indexed/", count=45)
    assert {(line["decision"], line["route"]) for line in lines} == {("refuse", "/orders")}


# NEG-03: the authority of a target in absolute form ends at its query
def test_target_whose_query_looks_like_a_path(make_site):
    site = make_site("ApiSecEngine On\n", lambda site: (
        site.role("reader", "GET /orders/**"), site.role("admin", "GET /**"), site.key("ci"),
        site.folder.write("htdocs/index.html", SECRET + "\n")))
    for target in ("http://localhost?/orders/7.json", "http://localhost?x=/orders/7.json", "http://localhost",
                   "http://localhost/"):
        got = site.server.raw(("GET %s HTTP/1.1\r\nHost: localhost\r\nX-API-Key: %s\r\nConnection: close\r\n\r\n"
                               % (target, site.keys["ci"])).encode())
        assert got.split(b" ")[1] in (b"400", b"403"), (target, got)
        assert SECRET.encode() not in got
    got = site.server.raw(("GET http://localhost/orders/7.json?/ HTTP/1.1\r\nHost: localhost\r\nX-API-Key: %s\r\n"
                           "Connection: close\r\n\r\n" % site.keys["ci"]).encode())
    assert got.split(b" ")[1] == b"200"
