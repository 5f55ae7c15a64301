"""A credential on ways that httpd goes without us, or on which a tenant waits for it."""

import base64
import hashlib
import re

import pytest
from harness import Site, wait_for

CONF = r"""
LogFormat "%r %>s %{X-API-Key}i %{Authorization}i %{X-Other-Key}i" fields
CustomLog @LOGS@/fields.log fields
ScriptAlias /cgi @ROOT@/cgi
ScriptAlias /basic @ROOT@/basic
ScriptAlias /people @ROOT@/people
<Directory @ROOT@>
    AllowOverride All
    Require all granted
</Directory>
<Location /orders>
    ApiSecEngine On
</Location>
<Location /cgi>
    ApiSecEngine On
    ApiSecKeyFrom bearer header:X-Other-Key
</Location>
<Location /basic>
    ApiSecEngine On
    ApiSecKeyFrom basic
</Location>
<Location /people>
    ApiSecEngine On
    ApiSecRequire public
</Location>
<Location /watched>
    ApiSecEngine DetectOnly
</Location>
<Location /passed>
    ApiSecEngine On
    ApiSecPassCredential On
</Location>
"""

CATCH = """SetEnvIf Authorization "(.*)" CAUGHT=$1
SetEnvIf X-Other-Key "(.*)" CAUGHT_OTHER=$1
RewriteEngine On
RewriteRule . - [E=REWRITTEN:%{HTTP:Authorization}]
"""
USERS = "AuthType Basic\nAuthName tenants\nAuthUserFile @ROOT@/users\n"


def basic(user, password):
    return ("Authorization", "Basic " + base64.b64encode(("%s:%s" % (user, password)).encode()).decode())


def logged(site, pattern):
    """The part of the log that the pattern finds, once it is there."""
    return wait_for(lambda: re.search(pattern, site.server.log("fields.log")), what=pattern).group()


def prepare(site):
    site.role("reader", "GET /orders/**", "GET /cgi/**", "GET /basic/**", "GET /watched/**", "GET /passed/**")
    site.key("ci", owner="shop")
    site.folder.write("users", "tenant:{SHA}%s\n" % base64.b64encode(
        hashlib.sha1(b"password-of-tenant").digest()).decode())
    for name in ("cgi", "basic", "people"):
        site.folder.write(name + "/env", '#!/bin/sh\nprintf "Content-Type: text/plain\\n\\n"\nenv\n', 0o755)
    for name in ("orders", "watched", "passed", "off"):
        site.folder.write("htdocs/%s/broken/.htaccess" % name, "NoSuchDirective On\n")


@pytest.fixture(scope="module")
def site():
    with Site(CONF, prepare, modules=["alias", "cgi", "setenvif", "rewrite", "auth_basic"], override="All") as made:
        yield made


# KEY-10, AZ-13: AuthType is the tenant's to set
@pytest.mark.parametrize("kind", ["", "AuthType Basic\nAuthName tenants\n"])
def test_tenant_catches_no_key(site, kind):
    key = site.keys["ci"]
    for place, field in (("cgi", ("Authorization", "Bearer " + key)), ("cgi", ("X-Other-Key", key)), ("basic", basic("x", key))):
        site.folder.write(place + "/.htaccess", kind + CATCH)
        got = site.get("/%s/env" % place, headers=[field])
        assert got.status == 200 and "APISEC_KEY_ID=" + site.ids["ci"] in got.text, got
        assert field[1].split()[-1] not in got.text, got.text


# KEY-10: the password of httpd's own users is still theirs
def test_basic_authentication_of_httpd_works_beside_a_key(site):
    site.folder.write("cgi/.htaccess", USERS.replace("@ROOT@", site.folder.root) + "Require valid-user\n")
    site.folder.write("people/.htaccess", USERS.replace("@ROOT@", site.folder.root) + "Require valid-user\n")
    tenant, stranger = basic("tenant", "password-of-tenant"), basic("tenant", "guessed")
    key = [("X-Other-Key", site.keys["ci"])]
    for place, headers in (("cgi", key), ("people", [])):
        got = site.get("/%s/env" % place, headers=headers + [tenant])
        assert got.status == 200 and tenant[1].split()[1] not in got.text, got
        for other in ([], [stranger]):
            assert site.get("/%s/env" % place, headers=headers + other).status == 401
    assert site.get("/cgi/env", headers=[tenant]).status == 401


# KEY-10, SEC-15: what httpd refuses before any section is known
def test_malformed_request_leaves_no_key_in_a_log(site):
    key = site.keys["ci"].encode()
    heads = [b"GET /orders/none-1 HTTP/1.1\r\n", b"GET /orders/none-2 HTTP/1.1\r\nHost: localhost\r\nno colon\r\n",
             b"GET /orders/none-3 HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: odd\r\n",
             b"GET /orders%2fnone-4 HTTP/1.1\r\nHost: localhost\r\n", b"GET /../none-5 HTTP/1.1\r\nHost: localhost\r\n",
             b"GET /orders/none-6 HTTP/1.1\r\nHost: localhost\r\nHost: two\r\n"]
    for head in heads:
        got = site.server.raw(head + b"X-API-Key: %s\r\nAuthorization: Bearer %s\r\nX-Other-Key: %s\r\nConnection: close\r\n\r\n"
                              % (key, key, key))
        assert got.startswith((b"HTTP/1.1 400", b"HTTP/1.1 404")), got
    for i in range(1, len(heads) + 1):
        logged(site, "none-%d " % i)
    assert key.decode() not in site.server.log("fields.log") + site.server.error_log()


# KEY-10, SEC-15: a tenant's mistake is no way into the log, whatever the section would have been
def test_broken_htaccess_leaves_no_key_in_a_log(site):
    for place in ("orders", "watched", "off"):
        got = site.get("/%s/broken/x" % place, key="a-key-for-" + place)
        assert got.status == 500 and "a-key-for-" not in got.text
        assert "a-key-for-" not in logged(site, "/%s/broken/x .*\n" % place)
    assert site.get("/index.html", key="a-key-of-others").status == 200
    assert "a-key-of-others" in logged(site, "/index.html .*\n")
