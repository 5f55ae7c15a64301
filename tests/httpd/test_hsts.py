"""Strict-Transport-Security on what a server answers by HTTPS, and never over plain HTTP."""

import socket
import ssl
import subprocess

import pytest
from harness import Site
from harness.backend import Backend

pytestmark = pytest.mark.one_mpm

FIELD = "Strict-Transport-Security"
YEAR = "max-age=31536000"
HOST = """
<VirtualHost *:@PORT%d@>
    ServerName localhost
    SSLEngine On
    SSLCertificateFile @CERT@
    SSLCertificateKeyFile @CERTKEY@
    Protocols h2 http/1.1
    %s
</VirtualHost>
"""
SITE = """
<Location /orders>
    ApiSecEngine On
</Location>
"""
OWN = {"weak": "max-age=600", "strong": "max-age=63072000; includeSubDomains", "broken": "max-age=1y",
       "twice": YEAR + ", " + YEAR}
CONF = HOST % (1, SITE + """
    RedirectMatch ^/old$ /orders
    ErrorDocument 404 /gone.html
    ScriptAlias /cgi @ROOT@/cgi
    <Directory @ROOT@/cgi>
        Require all granted
    </Directory>
    ProxyPass /far http://127.0.0.1:@BACKEND@/
    ProxyPass /none http://127.0.0.1:1/
""" + "".join('<Location /own/%s>\nHeader always set %s "%s"\n</Location>\n' % (name, FIELD, value)
              for name, value in OWN.items()) + """
    <Location /own/both>
        Header always set %s "%s"
        Header set %s "%s"
    </Location>
""" % (FIELD, YEAR, FIELD, YEAR)) \
    + HOST % (2, SITE + "ApiSecHSTS max-age=730d includeSubDomains preload\n") \
    + HOST % (3, "") + HOST % (4, SITE + "ApiSecHSTS Off\n") + HOST % (5, "<Location />\nApiSecEngine DetectOnly\n</Location>\n") \
    + "<VirtualHost *:@PORT6@>\nServerName localhost\n<Location /orders>\nApiSecEngine On\nApiSecRequireTLS proxy\n</Location>\n" \
      "</VirtualHost>\n<VirtualHost *:@PORT0@>\nServerName localhost\n<Location /orders>\nApiSecEngine On\n</Location>\n</VirtualHost>\n"


def prepare(site):
    site.script("own", 'printf "%s: max-age=63072000\\r\\nContent-Type: text/plain\\r\\n\\r\\nok"\n' % FIELD)
    site.folder.write("htdocs/gone.html", "gone\n")
    for name in (*OWN, "both"):
        site.folder.write("htdocs/own/" + name, "x\n")
    site.role("reader", "GET /orders/**")
    site.key("ci")


@pytest.fixture(scope="module")
def site():
    with Backend([(FIELD, "max-age=5")]) as backend:
        with Site(CONF.replace("@BACKEND@", str(backend.port)), prepare, ports=7,
                  modules=["ssl", "headers", "alias", "cgi", "proxy_http", "remoteip", "http2"]) as made:
            yield made


def told(site, path, port=1, **options):
    answer = site.get(path, port=site.server.ports[port], tls=port not in (0, 6), **options)
    return answer.status, answer.headers.get_all(FIELD)


# TRN-02
@pytest.mark.parametrize("path, status", [("/orders/7.json", 401), ("/index.html", 200), ("/old", 302), ("/not/there", 404),
                                          ("/orders/a//b", 400), ("/none", 503), ("/orders/%2f", 400)])
def test_every_answer_of_a_host_has_one_field(site, path, status):
    assert told(site, path) == (status, [YEAR])
    assert told(site, path, 2)[1] == ["max-age=63072000; includeSubDomains; preload"]


# TRN-02
def test_what_passes_and_what_has_no_content_has_it_too(site):
    assert told(site, "/orders/7.json", key="ci") == (200, [YEAR])
    connection = {"port": site.server.ports[1], "tls": True}
    answer = site.get("/index.html", **connection)
    again = site.get("/index.html", headers=[("If-None-Match", answer.headers["ETag"])], **connection)
    assert (again.status, again.headers.get_all(FIELD)) == (304, [YEAR])
    head = site.request("HEAD", "/index.html", **connection)
    assert (head.status, head.headers.get_all(FIELD)) == (200, [YEAR])


# TRN-02: what httpd answers before any section is known
@pytest.mark.parametrize("request_line", [b"GET / HTTP/1.1\r\n\r\n", b"GET  /  HTTP/1.1\r\nHost: x\r\n\r\n",
                                          b"GET /\x01 HTTP/1.1\r\nHost: localhost\r\n\r\n",
                                          b"GET / HTTP/1.1\r\nHost: a\r\nHost: b@\r\n\r\n",
                                          b"GET /%zz HTTP/1.1\r\nHost: localhost\r\n\r\n"])
def test_malformed_requests_are_answered_with_it(site, request_line):
    raw = socket.create_connection(("127.0.0.1", site.server.ports[1]), timeout=30)
    with ssl._create_unverified_context().wrap_socket(raw) as tls:
        tls.sendall(request_line)
        got = b""
        while b"\r\n\r\n" not in got:
            more = tls.recv(65536)
            if not more:
                break
            got += more
    assert got.startswith(b"HTTP/1.1 400 ") and got.count(FIELD.encode() + b": " + YEAR.encode() + b"\r\n") == 1


# TRN-02
def test_http2_has_it(site):
    for path, status in (("/orders/7.json", 401), ("/index.html", 200), ("/not/there", 404)):
        said = subprocess.run(["curl", "-sk", "--http2", "-o", "/dev/null", "-D", "-",
                               "https://127.0.0.1:%d%s" % (site.server.ports[1], path)], stdout=subprocess.PIPE, check=True,
                              timeout=30).stdout.decode().lower()
        assert said.startswith("http/2 %d" % status) and said.count(FIELD.lower() + ": " + YEAR) == 1, said


# TRN-02
def test_what_the_site_says_itself_stays_where_it_is_as_strong(site):
    for name, wanted in (("weak", YEAR), ("strong", OWN["strong"]), ("broken", YEAR), ("twice", YEAR), ("both", YEAR)):
        assert told(site, "/own/" + name)[1] == [wanted], name
    assert told(site, "/cgi/own") == (200, ["max-age=63072000"])
    assert told(site, "/far") == (200, [YEAR]), "a backend's is the site's"


# TRN-02
def test_never_over_plain_http(site):
    for path in ("/orders/7.json", "/index.html", "/not/there", "/orders/a//b"):
        assert told(site, path, 0)[1] is None
    answer = site.server.raw(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", port=site.server.ports[1])
    assert b" 400 " in answer and FIELD.encode() not in answer, "plain HTTP spoken to a TLS port"


# TRN-02, TRN-11
def test_a_trusted_proxy_tells_the_scheme(site):
    far, https = ("X-Forwarded-For", "203.0.113.5"), ("X-Forwarded-Proto", "https")
    for path in ("/orders/7.json", "/index.html", "/not/there"):
        assert told(site, path, 6, headers=[far, https])[1] == [YEAR]
        assert told(site, path, 6, headers=[far, ("X-Forwarded-Proto", "http")])[1] is None
        assert told(site, path, 6, headers=[far])[1] is None
        assert told(site, path, 6, headers=[https])[1] is None, "whom mod_remoteip does not trust"
        assert told(site, path, 0, headers=[far, https])[1] is None, "no section of this host believes it"


# TRN-02
def test_off_and_without_an_engine_nothing_is_sent(site):
    for port in (3, 4, 5):
        for path in ("/orders/7.json", "/index.html", "/not/there"):
            assert told(site, path, port)[1] is None
