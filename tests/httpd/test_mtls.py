"""A token that is bound to a certificate, and fields that only a proxy may tell a certificate by."""

import hashlib
import http.client
import ssl
import subprocess

import pytest
from harness import Site
from harness.server import Response
from harness.tokens import Issuer, add_issuer, b64

pytestmark = pytest.mark.one_mpm

CONF = """
<VirtualHost *:@PORT1@>
    ServerName localhost
    SSLEngine On
    SSLCertificateFile @CERT@
    SSLCertificateKeyFile @CERTKEY@
    SSLVerifyClient optional_no_ca
</VirtualHost>
<Location />
    ApiSecEngine On
</Location>
ScriptAlias /echo @ROOT@/cgi/echo
<Directory @ROOT@/cgi>
    Require all granted
</Directory>
"""


def certificate(site, name):
    """(path of key and certificate, SHA-256 of its DER in base64url)."""
    path = site.folder.path("run/%s.pem" % name)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
                    "2", "-subj", "/CN=" + name, "-keyout", path, "-out", path + ".crt"], check=True,
                   stderr=subprocess.DEVNULL)
    with open(path + ".crt") as text:
        der = ssl.PEM_cert_to_DER_cert(text.read())
    return path, b64(hashlib.sha256(der).digest())


def prepare(site):
    site.script("echo", 'printf "Content-Type: text/plain\\r\\n\\r\\n"; env | grep -iE "CLIENT_(CERT|VERIFY)"; echo end\n')
    site.role("reader", "GET /orders/**", "GET /echo")
    site.key("ci")
    site.issuer = Issuer(site.folder.root)
    add_issuer(site.store, site.issuer, jwks="static", role_claim="groups")


@pytest.fixture(scope="module")
def site():
    with Site(CONF, prepare, modules=["ssl", "cgi", "remoteip"], ports=2) as made:
        made.mine, made.print = certificate(made, "mine")
        made.other, _ = certificate(made, "other")
        yield made


def show(site, token, cert=None):
    """By TLS, with a client's certificate or without."""
    context = ssl._create_unverified_context()
    if cert:
        context.load_cert_chain(cert + ".crt", cert)
    connection = http.client.HTTPSConnection("127.0.0.1", site.server.ports[1], timeout=30, context=context)
    connection.request("GET", "/orders/7.json", headers={"Authorization": "Bearer " + token})
    answer = Response(connection.getresponse())
    connection.close()
    return answer


# MTLS-01
def test_a_token_is_worth_nothing_without_its_certificate(site):
    bound = site.issuer.token(groups=["reader"], cnf={"x5t#S256": site.print})
    assert show(site, bound, site.mine).status == 200
    for cert in (site.other, None):
        answer = show(site, bound, cert)
        line = site.server.wait_audit(lambda line: line["id"] == answer.headers["X-Request-Id"])
        assert (answer.status, line["reason"]) == (401, "token_binding")
        assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]
    assert show(site, site.issuer.token(groups=["reader"]), site.mine).status == 200
    plain = site.get(headers=[("Authorization", "Bearer " + bound)])
    assert plain.status == 401, "no TLS, no certificate"


# MTLS-03
def test_a_client_tells_no_certificate_by_a_field(site):
    fields = [(name, "x") for name in ("Client-Cert", "Client-Cert-Chain", "X-SSL-Client-Verify", "SSL-Client-Cert",
                                       "X-Client-Cert", "X-SSL-Client-S-DN", "X-Forwarded-Client-Cert")]
    assert site.get("/echo", key="ci", headers=fields).text == "end\n"
    told = site.get("/echo", key="ci", headers=fields[:1] + [("X-Forwarded-For", "127.0.0.2")]).text
    assert "HTTP_CLIENT_CERT=x" in told, "a proxy that the configuration trusts may"
