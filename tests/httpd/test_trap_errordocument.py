"""ErrorDocument inside and outside of what is protected: the refusal stays one, and is charged once."""

import pytest
from harness import Site, parse_list

CONF = """
ScriptAlias /cgi @ROOT@/cgi
AddType text/html .shtml
AddOutputFilter INCLUDES .shtml
<Directory @ROOT@/cgi>
    Require all granted
</Directory>
<Directory @DOCS@>
    Options Includes FollowSymLinks
</Directory>
ApiSecEngine On
ApiSecLimit place rate=2/d burst=5000 by=ip
ApiSecLimit total rate=2/d burst=5000 by=key
ErrorDocument 404 /admin/secret.html
<Location /plain>
    ErrorDocument 401 default
    ErrorDocument 403 default
</Location>
<Location /same>
    ErrorDocument 400 /same/error.html
    ErrorDocument 401 /same/error.html
    ErrorDocument 403 /same/error.html
    ErrorDocument 405 /same/error.html
    ErrorDocument 429 /same/error.html
</Location>
<Location /others>
    ErrorDocument 401 /admin/secret.html
    ErrorDocument 403 /admin/secret.html
</Location>
<Location /role>
    ApiSecRequire api-role admin
</Location>
<Location /roles>
    ErrorDocument 401 /role/secret.html
    ErrorDocument 403 /role/secret.html
</Location>
<Location /public>
    ApiSecRequire public
</Location>
<Location /open>
    ErrorDocument 401 /public/error.html
    ErrorDocument 403 /public/error.html
</Location>
<Location /missing>
    ErrorDocument 401 /same/none.html
    ErrorDocument 403 /same/none.html
</Location>
<Location /outside>
    ErrorDocument 403 http://127.0.0.1:@PORT@/public/error.html
</Location>
<Location /text>
    ErrorDocument 401 "a text of ours"
    ErrorDocument 403 "a text of ours"
</Location>
<Location /script>
    ErrorDocument 401 /cgi/env
    ErrorDocument 403 /cgi/env
</Location>
<Location /local>
    ErrorDocument 401 /cgi/local
    ErrorDocument 403 /cgi/local
</Location>
<Location /included>
    ErrorDocument 401 /same/page.shtml
    ErrorDocument 403 /same/page.shtml
</Location>
<Location /loop>
    ErrorDocument 401 /loop/again
    ErrorDocument 403 /loop/again
</Location>
<Location /folder>
    ErrorDocument 401 /same/folder/
    ErrorDocument 403 /same/folder/
</Location>
<Location /limited>
    ApiSecLimit one rate=1/d by=key
    ErrorDocument 429 /same/error.html
</Location>
"""

SECRET = "the-secret-of-the-admin"
PAGE = "the-page-for-errors"


def prepare(site):
    site.role("reader", "GET /orders/**", "GET /limited/**", "GET /nowhere/**")
    site.role("admin", "GET /admin/**", "GET /role/**", "GET /cgi/**")
    site.key("mouse")
    site.key("boss", role="admin")
    write = site.folder.write
    for name in ("admin/secret.html", "role/secret.html", "same/secret.html"):
        write("htdocs/" + name, SECRET + "\n")
    for name in ("same/error.html", "public/error.html", "same/folder/index.html"):
        write("htdocs/" + name, PAGE + "\n")
    write("htdocs/same/page.shtml", PAGE + '<!--#include virtual="/role/secret.html" -->'
                                           '<!--#include virtual="/role/secret.html" -->\n')
    site.script("env", 'printf "Status: $REDIRECT_STATUS\\nContent-Type: text/plain\\n\\n"\nenv\n')
    site.script("local", 'printf "Location: /admin/secret.html\\n\\n"\n')
    write("htdocs/limited/x.html", "x\n")


@pytest.fixture(scope="module")
def site():
    with Site(CONF, prepare, modules=["cgi", "alias", "include", "rewrite"], override="All") as made:
        yield made


PLACES = ["plain", "same", "others", "roles", "open", "missing", "outside", "text", "script", "local", "included", "loop",
          "folder"]


def left(site):
    got = site.get("/orders/7.json", key="mouse")
    assert got.status == 200
    return {name: values["r"] for name, values in parse_list(got.headers["RateLimit"])}


# AZ-14, TRN-19, LIM-23, AZ-01
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("key, status", [(None, 401), ("hunter2", 401), ("mouse", 403)])
def test_refusal_stays_a_refusal(site, place, key, status):
    before = left(site)
    got = site.get("/%s/x" % place, key=key)
    after = left(site)
    if place == "outside" and status == 403:
        assert got.status == 302
    else:
        assert got.status == status, got
    assert SECRET not in got.text, got
    cost = {name: before[name] - after[name] for name in before}
    assert cost == {"place": 2, "total": 2 if key == "mouse" else 1}
    if status == 401:
        assert got.headers.get_all("WWW-Authenticate")
        assert "WWW-Authenticate" in got.headers and got.headers["Cache-Control"] == "no-store"
    assert "X-Request-Id" in got.headers
    line = site.server.wait_audit(lambda line: line["id"] == got.headers["X-Request-Id"])
    assert (line["decision"], line["path"]) == ("refuse", "/%s/x" % place)
    assert line["reason"] in ("credential_missing", "key_malformed", "grant_missing")


# AZ-14: the page that the administrator names is what is shown, if nothing stands against it
@pytest.mark.parametrize("key", [None, "hunter2", "mouse"])
def test_page_of_the_administrator_is_shown(site, key):
    for place in ("same", "open", "folder", "included"):
        got = site.get("/%s/x" % place, key=key)
        assert PAGE in got.text, (place, got)
    for path in ("/same/a;b", "/same/a%2fb"):
        got = site.get(path, key=key)
        assert got.status == 400 and SECRET not in got.text
    got = site.request("DELETE", "/same/x", key="mouse")
    assert got.status == 403 and PAGE in got.text


# AZ-14
@pytest.mark.parametrize("place", ["plain", "others", "roles", "missing", "loop", "text"])
@pytest.mark.parametrize("key, status", [(None, 401), ("mouse", 403)])
def test_our_own_answer_takes_the_place_of_a_page_that_cannot_be_shown(site, place, key, status):
    got = site.get("/%s/x" % place, key=key)
    assert got.status == status and got.headers["Content-Type"] == "application/problem+json", got
    assert got.json()["status"] == status and got.json()["instance"] == got.headers["X-Request-Id"]
    assert len(got.headers.get_all("X-Request-Id")) == 1


# AZ-14: what is missing shows a page by the rules as well
def test_page_for_what_is_missing_is_decided(site):
    got = site.get("/orders/none", key="mouse")
    assert got.status in (403, 404) and SECRET not in got.text
    got = site.get("/admin/none", key="boss")
    assert got.status == 404 and SECRET in got.text
    assert site.get("/orders/none").status == 401


# KEY-10, AZ-11
def test_script_that_shows_a_refusal_sees_no_credential(site):
    lies = [("X-Apisec-Key-Id", "lie"), ("X-Apisec-Roles", "lie"), ("Remote_User", "lie"), ("Proxy", "lie")]
    for headers in ([("X-API-Key", site.keys["mouse"])], [("Authorization", "Bearer " + site.keys["mouse"])],
                    [("X-API-Key", "a-wrong-key")], [("X-API-Key", "a" * 300)]):
        got = site.get("/script/x", headers=headers + lies)
        assert got.status in (400, 401, 403)
        assert "=lie" not in got.text and headers[0][1] not in got.text, got.text


# LIM-15, LIM-23
def test_page_for_a_limit_is_shown_and_costs_nothing(site):
    assert site.get("/limited/x.html", key="mouse").status == 200
    before = left(site)
    for _ in range(3):
        got = site.get("/limited/x.html", key="mouse")
        assert got.status == 429 and PAGE in got.text
        assert int(got.headers["Retry-After"]) > 0 and "one" in got.headers["RateLimit"]
    after = left(site)
    assert {name: before[name] - after[name] for name in before} == {"place": 1, "total": 1}


# AZ-13, AZ-14: .htaccess can name no page that would need a decision
@pytest.mark.parametrize("page", ["/same/secret.html", "/admin/secret.html", "/role/secret.html", "/same/error.html/../secret.html",
                                  "/tenant/secret.html", "/tenant/", "/same/error.html?x"])
@pytest.mark.parametrize("key", [None, "mouse"])
def test_page_that_htaccess_names_is_decided(site, page, key):
    for name in ("secret.html", "index.html"):
        site.folder.write("htdocs/tenant/" + name, SECRET + "\n")
    site.folder.write("htdocs/tenant/.htaccess", "ErrorDocument 401 %s\nErrorDocument 403 %s\n" % (page, page))
    got = site.get("/tenant/secret.html", key=key)
    assert got.status == (403 if key else 401) and SECRET not in got.text, got
