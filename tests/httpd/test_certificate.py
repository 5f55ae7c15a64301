"""A client certificate in place of a key: whose it is, and what refuses it."""

import re
import ssl

import pytest
from harness import Site, wait_for
from harness.certs import Certs, TlsConnection, context_of, pin

pytestmark = pytest.mark.one_mpm

HOST = """
<VirtualHost *:@PORT%d@>
    ServerName localhost
    SSLEngine On
    SSLCertificateFile @CERT@
    SSLCertificateKeyFile @CERTKEY@
    SSLCACertificateFile @ROOT@/certs/authority.pem.crt
    SSLVerifyClient %s
</VirtualHost>
"""
CONF = "MaxKeepAliveRequests 0\nSSLSessionCache shmcb:@ROOT@/run/sessions(512000)\n" + HOST % (1, "optional_no_ca") + HOST % (2, "optional") + """
ApiSecEngine On
<Location /orders>
    ApiSecCertificate pinned
    ApiSecLimit each rate=100/d by=key
</Location>
<Location /items>
    ApiSecCertificate pki
</Location>
<Location /items/key>
    ApiSecCertificate Off
</Location>
<Location /items/signed>
    ApiSecSignature On
</Location>
<Location /moved>
    ApiSecCertificate pinned
    RewriteEngine On
    RewriteRule ^ /items/1.json [PT]
</Location>
"""


def prepare(site):
    for name in ("key", "signed"):
        site.folder.write("htdocs/items/%s/1.json" % name, "{}\n")
    site.role("reader", "GET /orders/**", "GET /items/**", "GET /moved/**")
    site.role("weak", "GET /items/1.json")
    for name, options in (("ci", {"owner": "shop"}), ("other", {}), ("weak", {"role": "weak"}), ("revoked", {}),
                          ("elsewhere", {"cidr": "192.0.2.0/24"})):
        site.key(name, **options)
    certs = site.certs = Certs(site.folder.path("certs"))
    site.mine = certs.self_signed("mine")
    site.stranger = certs.self_signed("stranger")
    site.forged = certs.self_signed("forged", "/O=Shop, Inc/CN=till", "URI:spiffe://shop/till")
    site.signed = certs.signed("signed", "/O=Shop, Inc/CN=till")
    site.named = certs.signed("named", san="DNS:Till.Shop,email:till@shop,URI:spiffe://shop/till")
    site.two = certs.signed("two", "/CN=two", "DNS:other.example,URI:spiffe://shop/till")
    site.nobody = certs.signed("nobody")
    site.revoked, site.elsewhere, site.weak = (certs.self_signed(name) for name in ("revoked", "elsewhere", "weak"))
    for path, key in ((site.mine, "ci"), (site.revoked, "revoked"), (site.elsewhere, "elsewhere"), (site.weak, "weak")):
        put(site, pin(path), key)
    put(site, "dn:CN=till,O=Shop\\, Inc", "ci")
    put(site, "san:uri:spiffe://shop/till", "ci")
    put(site, "san:email:till@shop", "ci")
    put(site, "san:dns:other.example", "other")
    site.store.ok("key", "revoke", site.ids["revoked"])


def put(site, name, key):
    """`name` as the store has it: san:dns:NAME is --san-dns NAME."""
    kind, rest = re.match("(sha256|dn|san:[a-z]+):(.*)", name).groups()
    option = "--thumbprint" if kind == "sha256" else "--" + kind.replace(":", "-")
    site.store.ok("key", "certificate", "add", site.ids[key], option, rest)


@pytest.fixture(scope="module")
def site():
    with Site(CONF, prepare, modules=["ssl", "socache_shmcb", "rewrite"], ports=3) as made:
        yield made


def ask(site, path, cert=None, port=1, headers=(), **how):
    with TlsConnection(site.server.ports[port], cert, **how) as connection:
        return connection.get(path, headers)


def line_of(site, answer):
    return site.server.wait_audit(lambda line: line["id"] == answer.headers["X-Request-Id"])


def refused(site, answer, reason, status=401):
    line = line_of(site, answer)
    assert (answer.status, line["reason"]) == (status, reason), line
    return line


# MTLS-02
def test_a_pinned_certificate_is_its_key(site):
    answer = ask(site, "/orders/7.json", site.mine)
    line = line_of(site, answer)
    assert (answer.status, line["key"], line["user"], line["roles"]) == (200, site.ids["ci"], "shop", ["reader"])
    assert "r=99" in answer.headers["RateLimit"], "its key's allowance"
    line = refused(site, ask(site, "/orders/7.json", site.weak), "grant_missing", 403)
    assert line["key"] == site.ids["weak"], "its key's roles"
    answer = ask(site, "/orders/7.json")
    refused(site, answer, "certificate_missing")
    assert answer.headers["WWW-Authenticate"] == 'Certificate realm="api"'
    refused(site, site.get(), "certificate_missing")
    for cert in (site.stranger, site.signed):
        assert "key" not in refused(site, ask(site, "/orders/7.json", cert), "certificate_unknown")


# MTLS-02
def test_a_name_is_believed_of_a_verified_certificate_alone(site):
    for cert, key in ((site.signed, "ci"), (site.named, "ci")):
        for port in (1, 2):
            answer = ask(site, "/items/1.json", cert, port)
            assert (answer.status, line_of(site, answer)["key"]) == (200, site.ids[key])
    for cert in (site.forged, site.mine):
        refused(site, ask(site, "/items/1.json", cert), "certificate_unverified")
    refused(site, ask(site, "/items/1.json", site.nobody), "certificate_unknown")
    refused(site, ask(site, "/items/1.json", site.two), "certificate_ambiguous")
    refused(site, ask(site, "/items/1.json", port=2), "certificate_missing")


# MTLS-02: mod_ssl calls it SUCCESS when a session of TLS 1.2 goes on that began as GENEROUS
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_session_that_goes_on_verifies_nothing(site, version):
    for cert, status in ((site.forged, 401), (site.signed, 200 if version == ssl.TLSVersion.TLSv1_3 else 401)):
        context = context_of(cert, version)
        with TlsConnection(site.server.ports[1], context=context) as first:
            assert first.get("/items/1.json").status == (200 if cert == site.signed else 401)
            session = first.tls.session
        with TlsConnection(site.server.ports[1], context=context, session=session) as second:
            answer = second.get("/items/1.json")
            assert second.tls.session_reused
        assert answer.status == status
        if status == 401:
            refused(site, answer, "certificate_unverified")


# MTLS-02
def test_a_key_that_is_none_any_more_has_no_certificate(site):
    line = refused(site, ask(site, "/orders/7.json", site.revoked), "key_revoked")
    assert line["key"] == site.ids["revoked"]
    refused(site, ask(site, "/orders/7.json", site.elsewhere), "key_network", 403)


# MTLS-02
def test_a_certificate_whose_time_ends_lets_nobody_in(site):
    put(site, "dn:CN=short", "ci")
    short = site.certs.signed("short", lives=3)
    with TlsConnection(site.server.ports[1], short) as connection:
        def reason():
            return line_of(site, connection.get("/items/1.json"))["reason"]

        seen = [reason()]
        wait_for(lambda: seen.append(reason()) or seen[-1] == "certificate_time", what="its end")
        assert set(seen) <= {"allow", "certificate_unknown", "certificate_time"} and "allow" in seen


# AZ-12
def test_one_credential_and_nothing_saves_a_bad_one(site):
    key = [("X-API-Key", site.keys["ci"])]
    for path, cert in (("/orders/7.json", site.mine), ("/orders/7.json", site.stranger), ("/items/1.json", site.signed)):
        refused(site, ask(site, path, cert, headers=key), "credential_multiple", 400)
    refused(site, ask(site, "/orders/7.json", headers=key), "certificate_missing")
    assert site.get("/items/key/1.json", key="ci").status == 200
    assert ask(site, "/items/key/1.json", site.stranger, headers=key).status == 200, "elsewhere it is no credential"
    refused(site, ask(site, "/items/key/1.json", site.signed), "credential_missing")
    refused(site, ask(site, "/items/signed/1.json", site.signed), "signature_missing")


# AZ-12: each section of a transaction is asked in its own way
def test_a_redirect_within_the_server_takes_no_proof_along(site):
    refused(site, ask(site, "/moved/1", site.mine), "certificate_unverified")
    refused(site, ask(site, "/moved/1", site.signed), "certificate_unknown")


# MTLS-02, KEY-14
def test_what_is_taken_out_of_the_store_is_out(site):
    late = site.certs.self_signed("late")
    refused(site, ask(site, "/orders/7.json", late), "certificate_unknown")
    put(site, pin(late), "other")
    wait_for(lambda: ask(site, "/orders/7.json", late).status == 200, what="a new certificate")
    site.store.ok("key", "revoke", site.ids["other"])
    wait_for(lambda: ask(site, "/orders/7.json", late).status == 401, what="the end of its key")
