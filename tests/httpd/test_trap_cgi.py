"""CGI: what a program sees in its environment, and what it never does."""

import pytest
from harness import Site

CONF = """
ScriptAlias /cgi @ROOT@/cgi
<Directory @ROOT@/cgi>
    Require all granted
</Directory>
<Location /cgi>
    ApiSecEngine On
    ApiSecExport key-id user roles scopes kv
    CGIPassAuth On
</Location>
<Location /cgi/typed>
    AuthType ApiSec
    Require api-access
</Location>
<Location /cgi/public>
    ApiSecRequire public
</Location>
<Location /cgi/optional>
    ApiSecRequire public
    AuthType ApiSec
    Require api-key
</Location>
<Location /cgi/silent>
    ApiSecExport none
</Location>
<Location /cgi/watch>
    ApiSecEngine DetectOnly
</Location>
<Location /cgi/off>
    ApiSecEngine Off
</Location>
"""


def prepare(site):
    site.role("reader", "GET,POST /cgi/**")
    site.key("ci", owner="shop", scope=["a:b", "c"])
    site.key("orphan")
    for name in ("env", "typed", "public", "optional", "silent", "watch", "off"):
        site.script(name, 'printf "Content-Type: text/plain\\n\\n"\nenv\necho "ARGS=$*"\nprintf BODY=\ncat\necho\n')


@pytest.fixture(scope="module")
def site():
    with Site(CONF, prepare, modules=["cgi", "alias"]) as made:
        yield made


LIES = [(name, "lie") for name in ("X-Apisec-Key-Id", "X_Apisec_Key_Id", "X-Apisec-Roles", "Remote-User", "Remote_User",
                                   "REMOTE-USER", "Apisec_Key_Id", "Proxy", "X-Remote-User", "Auth_Type", "REDIRECT_REMOTE_USER")]


def environment(got):
    assert got.status == 200, got
    return dict(line.split("=", 1) for line in got.text.splitlines() if "=" in line)


# AZ-11, NEG-15
@pytest.mark.parametrize("program", ["env", "typed", "optional"])
def test_program_knows_who_calls(site, program):
    env = environment(site.get("/cgi/" + program, key="ci", headers=LIES))
    assert (env["REMOTE_USER"], env["AUTH_TYPE"]) == ("shop", "ApiSec")
    assert env["APISEC_KEY_ID"] == env["HTTP_X_APISEC_KEY_ID"] == site.ids["ci"]
    assert env["HTTP_X_APISEC_USER"] == "shop" and env["HTTP_X_APISEC_ROLES"] == "reader"
    assert env["HTTP_X_APISEC_SCOPES"] == "a:b c" and env["HTTP_X_APISEC_KV"] == "1"
    assert "lie" not in env.values() and "HTTP_PROXY" not in env
    assert environment(site.get("/cgi/" + program, key="orphan"))["REMOTE_USER"] == site.ids["orphan"]


# KEY-10
@pytest.mark.parametrize("program", ["env", "typed", "public", "silent", "optional"])
def test_program_sees_no_credential(site, program):
    key = site.keys["ci"]
    for pair in (("X-API-Key", key), ("Authorization", "Bearer " + key)):
        got = site.get("/cgi/" + program, headers=[pair])
        assert got.status == 200 and key not in got.text, (pair, got.text)
        assert not {"HTTP_X_API_KEY", "HTTP_AUTHORIZATION"} & set(environment(got))


# AZ-11
def test_public_program_is_told_nobody(site):
    for key in (None, "ci"):
        env = environment(site.get("/cgi/public", key=key, headers=LIES))
        assert "lie" not in env.values()
        assert not [name for name in env if "APISEC" in name or name in ("REMOTE_USER", "AUTH_TYPE")]


def test_program_is_told_only_what_the_administrator_exports(site):
    env = environment(site.get("/cgi/silent", key="ci", headers=LIES))
    assert not [name for name in env if "APISEC" in name]
    assert env["REMOTE_USER"] == "shop" and "lie" not in env.values()


# NEG-10
def test_detect_only_leaves_the_environment_alone(site):
    def seen(name, **options):
        env = environment(site.get("/cgi/" + name, headers=LIES, **options))
        skip = ("REMOTE_PORT", "SCRIPT_NAME", "SCRIPT_FILENAME", "REQUEST_URI", "UNIQUE_ID")
        return {k: v for k, v in env.items() if k not in skip}
    for key in (None, "ci", "hunter2"):
        assert seen("watch", key=key) == seen("off", key=key)


# AZ-03
def test_method_in_a_form_changes_nothing(site):
    for query in ("_method=DELETE", "a=b&%5Fmethod=DELETE", ".method=DELETE", "a;_METHOD=GET", "_method[]=x"):
        for method in ("POST", "GET"):
            got = site.request(method, "/cgi/env?" + query, "ci")
            assert got.status == 400 and "REQUEST_METHOD" not in got.text, (method, query)
            line = site.server.wait_audit(lambda line: line["id"] == got.headers["X-Request-Id"])
            assert line["reason"] == "method_override"
    assert site.request("GET", "/cgi/env?method=DELETE&x=_method", "ci").status == 200
    got = site.request("POST", "/cgi/env", "ci", body="_method=DELETE",
                       headers=[("Content-Type", "application/x-www-form-urlencoded"), ("X-HTTP-Method-Override", "DELETE")])
    env = environment(got)
    assert env["REQUEST_METHOD"] == "POST" and "HTTP_X_HTTP_METHOD_OVERRIDE" not in env
    assert "BODY=_method=DELETE" in got.text.splitlines()
    assert site.request("DELETE", "/cgi/env", "ci").status == 405


# AZ-04
def test_path_behind_the_program_is_decided(site):
    assert environment(site.get("/cgi/env/a/b", key="ci"))["PATH_INFO"] == "/a/b"
    for path in ("/cgi/env/../silent", "/cgi/env/%2e%2e/silent", "/cgi/env//x", "/cgi/env/a;b", "/cgi/env/a%2fb", "/cgi/env/a%5cb"):
        assert 400 <= site.get(path, key="ci").status < 500, path
    assert site.get("/cgi/env/a/b").status == 401
