"""ApiSecUpstreamSecret: the handler or backend has its credential, and nobody else ever sees it."""

import contextlib
import re
import socket
import sqlite3
import struct
import threading

import pytest
from harness import Backend, Site, wait_for
from harness.h2 import H2Connection

pytestmark = pytest.mark.one_mpm

FIRST, SECOND, OTHER = "first-Canary-7f3a", "second-Canary-91bc", "other-Canary-55d0"
PARAMS, STDIN, STDOUT, END = 4, 5, 6, 3
SECRETS = {"ledger": FIRST, "other": OTHER, "later": FIRST}
CONF = r"""
LogLevel trace8
Protocols h2c http/1.1
LogFormat "%r %>s a=%{Authorization}i t=%{X-Token}i v=%{TOKEN}e h=%{HTTP_X_TOKEN}e r=%{REDIRECT_TOKEN}e %{REDIRECT_HTTP_X_TOKEN}e" fields
CustomLog @LOGS@/fields.log fields
ApiSecRequireTLS Off
ApiSecEngine On
ScriptAlias /cgi @ROOT@/cgi
<Directory @ROOT@/cgi>
    Require all granted
</Directory>
AddType text/html .shtml
AddOutputFilter INCLUDES .shtml
<Directory @DOCS@>
    Options Includes FollowSymLinks
</Directory>
<Location /back>
    ApiSecUpstreamSecret ledger as=header:Authorization "format=Bearer %s"
    ProxyPass http://127.0.0.1:@BACK@/back
</Location>
<Location /back/two>
    ApiSecUpstreamSecret ledger as=header:X-Token
    ApiSecUpstreamSecret other as=header:X-Other "format=100%% %s;"
</Location>
<Location /back/none>
    ApiSecUpstreamSecret None
</Location>
<Location /back/watch>
    ApiSecEngine DetectOnly
</Location>
<Location /back/public>
    ApiSecRequire public
</Location>
<Location /back/shown>
    ApiSecUpstreamSecret ledger as=header:X-Token
    Header set X-Leak "expr=%{req:X-Token}%{reqenv:HTTP_X_TOKEN}"
</Location>
<Location /cgi>
    ApiSecUpstreamSecret ledger as=header:X-Token
    ApiSecUpstreamSecret other as=env:TOKEN
</Location>
<Location /cgi/plain>
    ApiSecUpstreamSecret None
</Location>
<Location /cgi/auth>
    CGIPassAuth On
    ApiSecUpstreamSecret ledger as=header:Authorization
</Location>
<Location /gone>
    ApiSecUpstreamSecret ledger as=header:X-Token
    ProxyPass http://127.0.0.1:1/gone
    ErrorDocument 503 /cgi/plain
</Location>
<Location /gone/own>
    ErrorDocument 503 /cgi/env
</Location>
<Location /page.shtml>
    ApiSecUpstreamSecret ledger as=header:X-Token
</Location>
<Location /later>
    ApiSecUpstreamSecret later as=header:X-Token
    ProxyPass http://127.0.0.1:@BACK@/later
</Location>
<Location /server-info>
    ApiSecEngine Off
    SetHandler server-info
</Location>
<Location /server-status>
    ApiSecEngine Off
    SetHandler server-status
</Location>
<Location /fcgi>
    ApiSecUpstreamSecret ledger as=header:X-Token
    ApiSecUpstreamSecret other as=env:TOKEN
    ProxyPass fcgi://127.0.0.1:@FCGI@/fcgi
</Location>
"""
MODULES = ["alias", "info", "status", "cgi", "include", "headers", "http2", "proxy_http", "proxy_fcgi"]


def secret_set(store, name, value):
    store.ok("secret", "set", name, input=value)


def secret_drop(store, name):
    store.ok("secret", "delete", name, "--yes")


class FastCgi:
    """Answers each request with the variables that it was sent, a line each."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                client = self.socket.accept()[0]
            except OSError:
                return
            with client, client.makefile("rwb") as stream:
                params, kind = b"", None
                while kind != STDIN:
                    _, kind, number, length, padding, _ = struct.unpack(">BBHHBB", stream.read(8))
                    content = stream.read(length + padding)[:length]
                    params += content if kind == PARAMS else b""
                text = b"Content-Type: text/plain\r\n\r\n" + b"".join(b"%s=%s\n" % pair for pair in _pairs(params))
                stream.write(struct.pack(">BBHHBB", 1, STDOUT, number, len(text), 0, 0) + text)
                stream.write(struct.pack(">BBHHBB", 1, END, number, 8, 0, 0) + bytes(8))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()


def _pairs(params):
    at = 0
    while at < len(params):
        sizes = []
        for _ in range(2):
            long = params[at] & 0x80
            sizes.append(int.from_bytes(params[at:at + 4], "big") & 0x7fffffff if long else params[at])
            at += 4 if long else 1
        yield params[at:at + sizes[0]], params[at + sizes[0]:at + sum(sizes)]
        at += sum(sizes)


def prepare(site):
    site.role("all", "GET,POST /**")
    site.key("ci", role="all")
    for name, value in SECRETS.items():
        secret_set(site.store, name, value)
    site.script("env", 'printf "Content-Type: text/plain\\n\\n"\nenv\n')
    site.script("auth", 'printf "Content-Type: text/plain\\n\\n"\nenv\n')
    site.script("plain", 'printf "Content-Type: text/plain\\n\\n"\nenv\n')
    site.script("moved", 'printf "Location: /cgi/plain\\n\\n"\n')
    site.script("status", 'printf "Status: 503\\nContent-Type: text/plain\\n\\nno\\n"\n')
    site.folder.write("htdocs/page.shtml", '[<!--#include virtual="/cgi/plain" -->]\n')


@pytest.fixture(scope="module")
def site():
    with Backend() as backend, FastCgi() as fcgi:
        with Site(CONF.replace("@BACK@", str(backend.port)).replace("@FCGI@", str(fcgi.port)), prepare, modules=MODULES, children=1) as made:
            made.backend = backend
            yield made
            silent(made)


def silent(site):
    """No log, page or process shows one of them, whatever was asked."""
    for log in ("error.log", "fields.log", "audit.log", "access.log"):
        assert "Canary" not in site.server.log(log), log
    assert "sending env var" not in site.server.log("error.log")
    info, status = site.get("/server-info"), site.get("/server-status")
    assert info.status == status.status == 200 and "Canary" not in info.text + status.text
    assert "ledger as=header:Authorization" in info.text


def sent(site, path, **options):
    """The fields that the backend was sent."""
    got = site.get(path, key="ci", **options)
    assert got.status == 200, got
    return {name.lower(): value for name, value in got.json()["fields"]}


def environment(got):
    assert got.status == 200, got
    return dict(line.split("=", 1) for line in got.text.splitlines() if "=" in line)


# SEC-15: in place of the client's own
def test_backend_has_its_credential_and_not_the_clients(site):
    for headers in ([], [("Authorization", "Basic Y2xpZW50Om93bg==")]):
        fields = sent(site, "/back/1", headers=headers)
        assert fields["authorization"] == "Bearer " + FIRST
        assert "x-api-key" not in fields
    two = sent(site, "/back/two", headers=[("X-Token", "mine"), ("x-other", "mine"), ("X-OTHER", "again")])
    assert (two["x-token"], two["x-other"]) == (FIRST, "100% " + OTHER + ";") and "authorization" not in two
    none = sent(site, "/back/none", headers=[("X-Token", "mine")])
    assert none["x-token"] == "mine" and "authorization" not in none


def test_only_what_the_engine_lets_through_has_it(site):
    before = len(site.backend.seen)
    assert site.get("/back/1").status == 401 and len(site.backend.seen) == before
    assert "authorization" in sent(site, "/back/public")
    watched = site.get("/back/watch", headers=[("X-Token", "mine")])
    assert watched.status == 200 and FIRST not in watched.text


def test_answer_has_nothing_of_it(site):
    got = site.get("/back/shown", key="ci")
    assert got.headers["X-Leak"] in (None, "", "(null)"), got
    assert FIRST in got.text  # the backend had it, and echoes


def test_http2(site):
    with H2Connection(site.server.port) as c:
        got = c.request("GET", "/back/1", [("x-api-key", site.keys["ci"]), ("authorization", "Basic Y2xpZW50Om93bg==")])
        c.finish()
    assert got.status == 200 and "Bearer " + FIRST in got.body.decode()


def test_program_has_fields_and_variables(site):
    got = environment(site.get("/cgi/env", key="ci", headers=[("X-Token", "mine")]))
    assert (got["HTTP_X_TOKEN"], got["TOKEN"]) == (FIRST, OTHER)
    got = environment(site.get("/cgi/auth", key="ci"))
    assert got["HTTP_AUTHORIZATION"] == FIRST and "TOKEN" not in got


# never in another section's hands
@pytest.mark.parametrize("path", ["/cgi/moved", "/gone/x", "/page.shtml"])
def test_redirects_parts_and_error_pages_are_without_it(site, path):
    got = site.get(path, key="ci")
    assert "SCRIPT_NAME=/cgi/plain" in got.text and "Canary" not in got.text, got


def test_error_page_of_a_section_with_it_is_without_it(site):
    got = site.get("/gone/own", key="ci", headers=[("X-Token", "mine")])
    assert "SCRIPT_NAME=/cgi/env" in got.text, got
    assert "Canary" not in got.text and "HTTP_X_TOKEN" not in got.text, got


def test_fastcgi(site):
    got = environment(site.get("/fcgi", key="ci", headers=[("X-Token", "mine")]))
    assert (got["HTTP_X_TOKEN"], got["TOKEN"]) == (FIRST, OTHER)


# SEC-18: without a restart, and never without the credential
def test_new_version_is_used_at_once_and_none_is_refused(site):
    assert sent(site, "/later")["x-token"] == FIRST
    secret_set(site.store, "later", SECOND)
    wait_for(lambda: sent(site, "/later")["x-token"] == SECOND, 1, "the new version")
    secret_set(site.store, "later", "two\nlines")
    refused(site, "secret_unfit", "secret rotate later")
    secret_drop(site.store, "later")
    refused(site, "secret_missing", "secret set later")
    secret_set(site.store, "later", SECOND)
    wait_for(lambda: site.get("/later", key="ci").status == 200, 5, "the secret")


def refused(site, reason, command):
    def answered():
        got = site.get("/later", key="ci")
        line = site.server.wait_audit(lambda line: line["id"] == got.headers["X-Request-Id"])
        return (got.status, line["reason"], line["decision"]) == (503, reason, "refuse")

    wait_for(lambda: all(answered() for _ in range(4)), 10, reason)
    before = len(site.backend.seen)
    assert site.get("/later", key="ci").status == 503 and len(site.backend.seen) == before
    assert "apisecctl --store %s %s" % (site.store.path, command) in site.server.log("error.log")


# SEC-18: past its age it is given to nobody, if that was said
@pytest.mark.parametrize("policy, status", [("refuse", 503), ("warn", 200)])
def test_one_that_came_to_its_age(site, policy, status):
    site.store.ok("secret", "set", "later", "--max-age", "90d", "--on-expiry", policy, input=FIRST)
    wait_for(lambda: site.get("/later", key="ci").status == 200)
    with contextlib.closing(sqlite3.connect(site.store.file("store.db"))) as db:
        db.execute("UPDATE secret_version SET created_at = created_at - ? WHERE name = 'later'", (91 * 86400 * 10**9,))
        db.commit()
    site.store.ok("publish")
    if policy == "refuse":
        refused(site, "secret_missing", "secret set later")
    else:
        secret_set(site.store, "other", "changed-Canary")  # whoever has this one has looked at the age of that one
        wait_for(lambda: "changed-Canary" in sent(site, "/back/two")["x-other"])
        secret_set(site.store, "other", OTHER)
        wait_for(lambda: OTHER in sent(site, "/back/two")["x-other"])
        assert sent(site, "/later")["x-token"] == FIRST
        # Of many requests to all children one line tells it.
        assert all(site.get("/later", key="ci").status == 200 for _ in range(20))
        assert site.server.wait_audit(lambda line: line.get("secret_due") == "later")["path"] == "/later"
        assert len(re.findall("APISEC0071: the secret later came to its greatest age", site.server.error_log())) == 1
    assert site.get("/later", key="ci").status == status
    site.store.ok("secret", "set", "later", "--max-age", "none", "--on-expiry", "warn", input=FIRST)


FAULTS = {
    "ApiSecUpstreamSecret ledger": "want the name of a secret",
    "ApiSecUpstreamSecret led/ger as=header:X-Token": "want the name of a secret",
    "ApiSecUpstreamSecret ledger format=%s": "want as=header:FIELD",
    "ApiSecUpstreamSecret ledger as=cookie:a": "want as=header:FIELD or as=env:VARIABLE",
    "ApiSecUpstreamSecret ledger as=header:Host": "want the name of a header field",
    "ApiSecUpstreamSecret ledger as=header:X_Token": "want the name of a header field",
    "ApiSecUpstreamSecret ledger as=header:X-Apisec-User": "want the name of a header field",
    "ApiSecUpstreamSecret ledger as=env:LD_PRELOAD": "want the name of a variable",
    "ApiSecUpstreamSecret ledger as=env:PATH": "want the name of a variable",
    "ApiSecUpstreamSecret ledger as=env:HTTP_X_TOKEN": "want the name of a variable",
    "ApiSecUpstreamSecret ledger as=env:A-B": "want the name of a variable",
    "ApiSecUpstreamSecret ledger as=header:X-Token as=env:A": "each once",
    "ApiSecUpstreamSecret ledger as=header:X-Token format=Bearer": "want exactly one %s",
    "ApiSecUpstreamSecret ledger as=header:X-Token format=%s%s": "want exactly one %s",
    "ApiSecUpstreamSecret ledger as=header:X-Token format=%d": "want exactly one %s",
    "ApiSecUpstreamSecret ledger as=header:X-Token\nApiSecUpstreamSecret other as=header:x-token": "earlier line",
    "ApiSecUpstreamSecret ledger as=header:X-Token\nApiSecUpstreamSecret None": "None stands alone",
    "ScriptLog logs/script.log\nApiSecUpstreamSecret ledger as=header:X-Token": "ScriptLog writes what a handler",
    "DumpIOOutput On\nApiSecUpstreamSecret ledger as=header:X-Token": "DumpIOOutput writes what a handler",
    "ApiSecUpstreamSecret nobody as=header:X-Token": 'has no secret "nobody"',
}


@pytest.fixture(scope="module")
def unready():
    with Backend() as backend, Site("", modules=["cgi", "dumpio", "proxy_http"], start=False) as made:
        made.backend = backend
        yield made


def test_mistakes_are_found_before_the_start(unready):
    for lines, want in FAULTS.items():
        unready.server.configure("ApiSecStore @STORE@\nApiSecEngine On\n%s\n" % lines)
        code, text = unready.server.configtest()
        assert code != 0 and want in text, (lines, text)
    unready.server.configure("ApiSecStore @STORE@\nApiSecEngine On\nApiSecUpstreamSecret nobody as=header:X-Token\n")
    assert "apisecctl --store %s secret set nobody" % unready.store.path in unready.server.configtest()[1]


# SEC-18: a server starts without a secret, and answers for the section that wants it
def test_section_without_its_secret_is_refused_and_others_are_served(unready):
    unready.server.configure("""
ApiSecStore @STORE@
ApiSecEngine On
<Location /orders/8.json>
    ApiSecUpstreamSecret nobody as=header:X-Token
    ProxyPass http://127.0.0.1:%d/orders/8.json
</Location>
<Location /orders/list.html>
    ApiSecUpstreamSecret nobody as=env:TOKEN
</Location>
""" % unready.backend.port)
    unready.server.start()
    for path in ("/orders/8.json", "/orders/list.html"):
        got = unready.get(path, key="ci")
        line = unready.server.wait_audit(lambda line: line["id"] == got.headers["X-Request-Id"])
        assert (got.status, line["reason"], line["decision"]) == (503, "secret_missing", "refuse")
        assert "nobody" not in got.text
    assert not unready.backend.seen
    assert unready.get("/orders/7.json", key="ci").status == 200
    said = unready.server.log("error.log")
    assert "secret set nobody" in said and "APISEC0064" in said and "APISEC0065" in said


def test_value_that_no_field_can_carry_is_found_before_the_start():
    with Site("ApiSecEngine On\nApiSecUpstreamSecret lines as=header:X-Token\n",
              lambda site: secret_set(site.store, "lines", "a\nb-Canary"), start=False) as site:
        code, text = site.server.configtest()
        assert code != 0 and "control character such as a line end" in text and "Canary" not in text
        secret_set(site.store, "lines", "one")
        assert site.server.configtest()[0] == 0
