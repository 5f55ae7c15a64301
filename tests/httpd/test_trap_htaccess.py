"""Tenants' .htaccess against what the administrator requires: it may only add."""

import base64
import os
import re
import subprocess

import pytest
from harness import TOP, Site

pytestmark = pytest.mark.one_mpm

# One folder guarded by <Directory>, which .htaccess is merged after, and one by <Location>.
CONF = """
LimitRequestFields 0
<Directory @DOCS@/area>
    ApiSecEngine On
    ApiSecRequire api-role admin
</Directory>
<Location /place>
    ApiSecEngine On
    ApiSecRequire api-role admin
</Location>
<Directory @DOCS@/merged>
    ApiSecEngine On
    AuthType ApiSec
    AuthMerging And
    Require api-role admin
    ApiSecRequire api-role admin
</Directory>
ScriptAlias /cgi @ROOT@/cgi
<Directory @ROOT@/cgi>
    Require all granted
</Directory>
"""

AREAS = ["area", "place", "merged"]
MODULES = ["access_compat", "auth_basic", "authn_anon", "authz_host", "setenvif", "rewrite", "alias", "headers", "env",
           "include", "negotiation", "actions", "autoindex", "cgi"]
SECRET = "the-secret-of-the-area"


def prepare(site):
    site.role("admin", "GET /**")
    site.role("reader", "GET /**")
    site.key("boss", role="admin")
    site.key("mouse", role="reader")
    for area in AREAS:
        site.folder.write("htdocs/%s/secret.html" % area, SECRET + "\n")
        site.folder.write("htdocs/%s/index.html" % area, SECRET + "\n")
        site.folder.write("htdocs/%s/page.shtml" % area, '<!--#include virtual="secret.html" -->\n')
    site.folder.write("htdocs/open/index.html", "open\n")
    users = site.folder.path("users")
    subprocess.run(["htpasswd", "-bc", users, "tenant", "pass"], check=True, stderr=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def site():
    with Site(CONF, prepare, modules=MODULES, override="All Options=All,MultiViews") as made:
        yield made


@pytest.fixture(autouse=True)
def clean(site):
    """No .htaccess is left behind for the next test."""
    yield
    for area in AREAS + ["open"]:
        site.folder.write("htdocs/%s/.htaccess" % area, "")


def basic(user, password):
    return ("Authorization", "Basic " + base64.b64encode(("%s:%s" % (user, password)).encode()).decode())


OPENINGS = {
    "satisfy any, allow": "Satisfy Any\nOrder Allow,Deny\nAllow from all\n",
    "satisfy any, granted": "Satisfy Any\nRequire all granted\n",
    "satisfy any alone": "Satisfy Any\n",
    "satisfy any, deny": "Satisfy Any\nOrder Deny,Allow\nDeny from all\nRequire all granted\n",
    "satisfy any, env": "SetEnvIf Request_URI . let_me_in\nSatisfy Any\nOrder Deny,Allow\nDeny from all\n"
                        "Allow from env=let_me_in\n",
    "satisfy any, address": "Satisfy Any\nOrder Deny,Allow\nDeny from all\nAllow from 127.0.0.1\n",
    "granted": "Require all granted\n",
    "granted, merging or": "AuthMerging Or\nRequire all granted\n",
    "granted, merging off": "AuthMerging Off\nRequire all granted\n",
    "allow from all": "Order Allow,Deny\nAllow from all\n",
    "no type": "AuthType None\n",
    "no type, granted": "AuthType None\nRequire all granted\n",
    "no type, allow": "AuthType None\nSatisfy Any\nAllow from all\nRequire all granted\n",
    "any key": "Require api-key\n",
    "any access": "AuthType ApiSec\nRequire api-access\n",
    "another role": "AuthType ApiSec\nRequire api-role reader\n",
    "require any": "<RequireAny>\nRequire api-key\nRequire all granted\n</RequireAny>\n",
    "require none": "<RequireAll>\nRequire all granted\n<RequireNone>\nRequire ip 192.0.2.1\n</RequireNone>\n"
                    "</RequireAll>\n",
    "valid user": "AuthType Basic\nAuthName x\nAuthUserFile @ROOT@/users\nRequire valid-user\n",
    "valid user, satisfy any": "AuthType Basic\nAuthName x\nAuthUserFile @ROOT@/users\nRequire valid-user\nSatisfy Any\n",
    "anonymous user": "AuthType Basic\nAuthName x\nAuthBasicProvider anon\nAnonymous *\nRequire valid-user\n",
    "any user, no type": "Require valid-user\n",
    "files": "<Files *>\nSatisfy Any\nRequire all granted\n</Files>\n",
    "files match": "<FilesMatch .*>\nSatisfy Any\nRequire all granted\n</FilesMatch>\n",
    "if": '<If "true">\nSatisfy Any\nRequire all granted\n</If>\n',
    "if, address": "<If \"%{REMOTE_ADDR} == '127.0.0.1'\">\nAuthType None\nRequire all granted\n</If>\n",
    "limit": "<Limit GET POST>\nSatisfy Any\nRequire all granted\n</Limit>\n",
    "limit except": "<LimitExcept PUT>\nSatisfy Any\nRequire all granted\n</LimitExcept>\n",
    "error page": "ErrorDocument 401 /@AREA@/secret.html\nErrorDocument 403 /@AREA@/secret.html\n",
    "error page, what was asked": "ErrorDocument 401 /@AREA@/no-such\nErrorDocument 403 /@AREA@/no-such\n"
                                  "RewriteEngine On\nRewriteCond %{ENV:REDIRECT_STATUS} ^40[13]$\n"
                                  "RewriteRule . /@AREA@/secret.html [L]\n",
    "error page, index": "ErrorDocument 401 /@AREA@/\nErrorDocument 403 /@AREA@/\n",
    "error page, with includes": "Options +Includes\nAddType text/html .shtml\nAddOutputFilter INCLUDES .shtml\n"
                                 "ErrorDocument 401 /@AREA@/page.shtml\nErrorDocument 403 /@AREA@/page.shtml\n",
    "rewrite to another name": "RewriteEngine On\nRewriteRule ^(.*)$ /open/ [L]\n",
    "forged variable": "SetEnv APISEC_KEY_ID x\nSetEnv APISEC_ROLES admin\nSetEnv REMOTE_USER boss\n",
    "forged field": "RequestHeader set X-Apisec-Roles admin\nRequestHeader set X-API-Key x\n"
                    "RequestHeader set Authorization x\n",
}


def put(site, area, text):
    text = text.replace("@ROOT@", site.folder.root).replace("@AREA@", area)
    site.folder.write("htdocs/%s/.htaccess" % area, text)


# AZ-13, AZ-01, AZ-14
@pytest.mark.parametrize("area", AREAS)
@pytest.mark.parametrize("opening", sorted(OPENINGS))
def test_htaccess_opens_nothing(site, area, opening):
    put(site, area, OPENINGS[opening])
    children = site.server.children()
    for headers, key in (([], None), ([], "mouse"), ([basic("tenant", "pass")], None), ([], "hunter2"),
                         ([basic("tenant", "pass")], "mouse")):
        for path in ("/%s/secret.html", "/%s/", "/%s/index.html", "/%s/page.shtml"):
            got = site.get(path % area, key=key, headers=headers)
            assert got.status >= 400, (path, key, headers, got)
            assert SECRET not in got.text, (path, key, headers, got)
    assert set(children) <= set(site.server.children())


# AZ-13: what is open beside stays open, and the right key still passes
@pytest.mark.parametrize("area", AREAS)
def test_right_key_passes_with_htaccess_that_only_adds(site, area):
    assert site.get("/%s/secret.html" % area, key="boss").status == 200
    assert site.get("/open/").status == 200
    put(site, area, "AuthType ApiSec\nRequire api-role admin\n")
    assert site.get("/%s/secret.html" % area, key="boss").status == 200
    for more in ("Require all denied\n", "AuthType ApiSec\nRequire api-role reader\n", "Require ip 192.0.2.1\n",
                 "AuthType ApiSec\nRequire api-scope never\n", "AuthType ApiSec\nRequire api-permission a:b\n",
                 "AuthType ApiSec\nRequire api-user\n", "Order Deny,Allow\nDeny from all\n"):
        put(site, area, more)
        assert site.get("/%s/secret.html" % area, key="boss").status == 403, more
        assert site.get("/%s/secret.html" % area).status in (401, 403), more
    put(site, area, "AuthType Basic\nAuthName x\nAuthUserFile @ROOT@/users\nRequire user tenant\n")
    assert site.get("/%s/secret.html" % area, key="boss").status == 401
    assert site.get("/%s/secret.html" % area, key="boss", headers=[basic("tenant", "wrong")]).status == 401
    assert site.get("/%s/secret.html" % area, headers=[basic("tenant", "pass")]).status == 401
    assert site.get("/%s/secret.html" % area, key="boss", headers=[basic("tenant", "pass")]).status == 200


# AZ-13: Require api-* where no engine is on refuses, whatever else is said
@pytest.mark.parametrize("require", ["api-key", "api-role reader", "api-access", "api-scope x", "api-permission a:b"])
def test_require_without_an_engine_refuses(site, require):
    for head in ("AuthType ApiSec\n", ""):
        put(site, "open", head + "Require %s\n" % require)
        for key in (None, "boss", "hunter2"):
            assert site.get("/open/", key=key).status in (401, 403), (head, key)


# AZ-13
NEGATIONS = ["Require not api-key\nRequire all granted\n",
             "<RequireAll>\nRequire all granted\nRequire not api-role reader\n</RequireAll>\n",
             "<RequireAll>\nRequire all granted\n<RequireNone>\nRequire api-key\n</RequireNone>\n</RequireAll>\n",
             "<RequireAll>\nRequire all granted\n<RequireNone>\n<RequireAny>\nRequire api-scope x\n</RequireAny>\n"
             "</RequireNone>\n</RequireAll>\n",
             "<RequireAll>\nRequire all granted\nRequire NOT api-access\n</RequireAll>\n",
             "<RequireAll>\nRequire all granted\nRequire   not\tapi-key\n</RequireAll>\n"]


@pytest.mark.parametrize("text", NEGATIONS)
def test_negated_requirement_is_a_fault_of_the_configuration(site, make_site, text):
    put(site, "area", text)
    for key in (None, "mouse", "boss"):
        assert site.get("/area/secret.html", key=key).status == 500
    other = make_site("<Location /x>\nApiSecEngine On\n%s</Location>\n" % text, prepare, start=False)
    code, said = other.server.configtest()
    assert code != 0 and "negated" in said, said


# AZ-13: AllowOverrideList lets any name in; ours refuse by themselves
SMUGGLED = ["ApiSecEngine Off", "ApiSecEngine DetectOnly", "ApiSecRequire public", "ApiSecRequire api-key",
            "ApiSecRequireTLS Off", "ApiSecDeny 192.0.2.1", "ApiSecKeyFrom basic", "ApiSecMax target=100",
            "ApiSecLimit total rate=1000000/s by=key", "ApiSecExport none", "ApiSecPassCredential On",
            "ApiSecStore /tmp", "ApiSecMasterKey file:/tmp/key", "ApiSecState /tmp/state", "ApiSecTable 4096",
            "ApiSecRefresh 10s", "ApiSecFailLimit 1000000/s", "ApiSecLogAddress full", "ApiSecLastUse 0",
            "ApiSecWaiters 50%", "ApiSecCost 1", "ApiSecRateLimitFields none", "ApiSecPlan none"]


def directives():
    with open(os.path.join(TOP, "mod_apisec", "directives.def")) as table:
        return set(re.findall(r"^D\((\w+)", table.read(), re.M))


def test_directives_of_the_administrator_are_never_taken_from_htaccess(make_site):
    lines = SMUGGLED + [name + " On" for name in sorted(directives() - {line.split()[0] for line in SMUGGLED})]
    names = " ".join(sorted(directives()))
    site = make_site(CONF + "<Directory @DOCS@>\nAllowOverrideList %s <Files> <If> <Limit>\n</Directory>\n" % names,
                     prepare, modules=MODULES, override="All")
    wrappers = ["%s\n", "<Files secret.html>\n%s\n</Files>\n", '<If "true">\n%s\n</If>\n',
                "<FilesMatch .>\n%s\n</FilesMatch>\n", "<Limit GET>\n%s\n</Limit>\n", "<IfModule apisec_module>\n%s\n</IfModule>\n",
                '<Files *>\n<If "true">\n%s\n</If>\n</Files>\n']
    for line in lines:
        for wrapper in wrappers:
            put(site, "area", wrapper % line)
            for key in (None, "mouse"):
                got = site.get("/area/secret.html", key=key)
                assert got.status == 500, (line, wrapper, got)
                assert SECRET not in got.text
    said = site.server.error_log()
    assert directives() == set(re.findall(r"htaccess: (\w+)(?: cannot occur within| not allowed here)", said)), said[-2000:]
    put(site, "area", "")
    assert site.get("/area/secret.html", key="mouse").status == 403
    assert site.get("/area/secret.html", key="boss").status == 200


# KEY-10, AZ-13: a tenant cannot have the credential copied out before it is taken
@pytest.mark.parametrize("text", [
    'SetEnvIf X-API-Key "(.+)" STOLEN=$1\nSetEnvIf Authorization "(.+)" STOLEN2=$1\n',
    'RewriteEngine On\nRewriteCond %{HTTP:X-API-Key} (.+)\nRewriteRule . - [E=STOLEN:%1]\n'
    'RewriteCond %{HTTP:Authorization} (.+)\nRewriteRule . - [E=STOLEN2:%1]\n',
    'RequestHeader set Stolen "expr=%{HTTP:X-API-Key}%{HTTP:Authorization}"\nHeader echo ^.*$\n',
    'SetEnvIfExpr "%{HTTP:X-API-Key} =~ /(.+)/" STOLEN=$1\n',
    '<If "%{HTTP:X-API-Key} =~ /^a/">\nSetEnv STOLEN yes\n</If>\nCGIPassAuth On\n',
    'CGIPassAuth On\nPassEnv X\nSetEnvIf Request_Method . A\n',
    'Header set Stolen "expr=%{HTTP:X-API-Key}%{HTTP:Authorization}"\n',
])
def test_htaccess_cannot_copy_the_credential(site, text):
    site.folder.write("htdocs/area/env.cgi", '#!/bin/sh\nprintf "Content-Type: text/plain\\n\\n"\nenv\n', 0o755)
    put(site, "area", "Options +ExecCGI\nAddHandler cgi-script .cgi\n" + text)
    key = site.keys["boss"]
    for headers in ([("X-API-Key", key)], [("Authorization", "Bearer " + key)]):
        got = site.get("/area/env.cgi", headers=headers)
        assert got.status == 200
        assert "APISEC_KEY_ID" in got.text
        assert key not in got.text and key not in str(got.headers)


# AZ-14, AZ-13: from an open folder, every way that .htaccess has to show what lies elsewhere
WAYS = {
    "header of a listing": "Options +Indexes\nDirectoryIndex disabled\nHeaderName /@AREA@/secret.html\nReadmeName /@AREA@/secret.html\n",
    "plain header of a listing": "Options +Indexes\nDirectoryIndex disabled\nIndexOptions SuppressHTMLPreamble\n"
                                 "HeaderName ../@AREA@/secret.html\n",
    "index": "DirectoryIndex /@AREA@/secret.html\n",
    "index beside": "DirectoryIndex ../@AREA@/secret.html\n",
    "fallback": "DirectoryIndex disabled\nFallbackResource /@AREA@/secret.html\n",
    "missing page": "ErrorDocument 404 /@AREA@/secret.html\nErrorDocument 403 /@AREA@/secret.html\n",
    "denied": "Require all denied\nErrorDocument 403 /@AREA@/secret.html\n",
    "rewrite": "RewriteEngine On\nRewriteRule . /@AREA@/secret.html [L]\n",
    "rewrite, passed through": "RewriteEngine On\nRewriteRule . /@AREA@/secret.html [PT]\n",
    "rewrite to a file": "RewriteEngine On\nRewriteRule . @ROOT@/htdocs/@AREA@/secret.html [L]\n",
    "rewrite and end": "RewriteEngine On\nRewriteRule . ../@AREA@/secret.html [END]\n",
    "include": "Options +Includes\nAddType text/html .shtml\nAddOutputFilter INCLUDES .shtml\nDirectoryIndex page.shtml\n",
    "variants": "Options +MultiViews\nAddHandler type-map .var\nDirectoryIndex map.var\n",
    "script": "Options +ExecCGI\nAddHandler cgi-script .cgi\nDirectoryIndex local.cgi\n",
    "gone": "RewriteEngine On\nRewriteRule . - [G]\nErrorDocument 410 /@AREA@/secret.html\n",
}


@pytest.mark.parametrize("area", AREAS)
@pytest.mark.parametrize("way", sorted(WAYS))
def test_open_folder_leads_nowhere(site, area, way):
    write = site.folder.write
    write("htdocs/open/page.shtml", '<!--#include virtual="/%s/secret.html" --><!--#include file="../%s/secret.html" -->\n'
          % (area, area))
    write("htdocs/open/map.var", "URI: ../%s/secret.html\nContent-Type: text/html\n\n" % area)
    write("htdocs/open/local.cgi", '#!/bin/sh\nprintf "Location: /%s/secret.html\\n\\n"\n' % area, 0o755)
    put(site, "open", WAYS[way].replace("@AREA@", area))
    paths = ("/open/", "/open/none", "/open/index.html", "/open/page.shtml", "/open/map.var", "/open/map")
    for key in (None, "mouse", "hunter2"):
        for path in paths:
            got = site.get(path, key=key)
            assert SECRET not in got.text, (path, key, got)
    # The way is one: who may ask for what lies at its end gets there.
    assert [path for path in paths if SECRET in site.get(path, key="boss").text]
