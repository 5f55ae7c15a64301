"""ApiSecRequireTLS, addresses and deny lists."""

import pytest
from harness import Site

CONF = """

<VirtualHost *:@PORT1@>
    ServerName localhost
    SSLEngine On
    SSLCertificateFile @CERT@
    SSLCertificateKeyFile @CERTKEY@
</VirtualHost>
<Location /orders>
    ApiSecEngine On
</Location>
<Location /other>
    ApiSecEngine On
    ApiSecRequireTLS Off
</Location>
<Location /items>
    ApiSecEngine On
    ApiSecRequireTLS proxy
</Location>
<Location /public>
    ApiSecEngine On
    ApiSecRequire public
</Location>
"""
FAR = ("X-Forwarded-For", "203.0.113.5")


def prepare(site):
    site.folder.write("htdocs/public/x.txt", "x\n")
    site.role("reader", "GET /orders/**", "GET /other/**", "GET /items/**")
    site.key("ci")


@pytest.fixture(scope="module")
def site():
    with Site(CONF, prepare, modules=["remoteip", "ssl"], ports=2) as made:
        yield made


def refusal(site, answer, reason, event):
    assert answer.status == 403 and answer.headers["Location"] is None
    assert answer.headers["Content-Type"] == "application/problem+json"
    line = site.server.wait_audit(lambda line: line["id"] == answer.headers["X-Request-Id"])
    assert (line["reason"], line["event"]) == (reason, event)
    return line


# TRN-01
def test_plain_http_is_refused_and_what_was_exposed_is_named(site):
    refusal(site, site.get(headers=[FAR]), "tls_required", "authz_fail")
    line = refusal(site, site.get(key="ci", headers=[FAR]), "credential_exposed", "authn_credential_exposed")
    assert line["severity"] == "critical" and line["key"] == site.ids["ci"], "what is to be revoked"
    # Nothing is processed: nobody learns whether a key is right, and nobody is charged.
    assert not {"user", "roles", "kv", "gen"} & set(line)
    line = refusal(site, site.get(headers=[FAR, ("Authorization", "Bearer " + site.keys["ci"])]), "credential_exposed",
                   "authn_credential_exposed")
    assert line["key"] == site.ids["ci"]
    for text in ("hunter2", site.keys["ci"][:-1] + "_", "x" * 300):
        assert "key" not in refusal(site, site.get(key=text, headers=[FAR]), "credential_exposed", "authn_credential_exposed")
    refused = [site.get(key=text, headers=[FAR]) for text in ("ci", "hunter2")]
    assert len({str(sorted((n, v) for n, v in got.headers.items() if n not in ("Date", "X-Request-Id")))
                for got in refused}) == 1
    refusal(site, site.get("/public/x.txt", headers=[FAR]), "tls_required", "authz_fail")
    assert site.keys["ci"] not in site.server.log("audit.log")


# TRN-01
def test_loopback_alone_is_asked_nothing(site):
    assert site.get(key="ci").status == 200
    # The client is told as loopback by a proxy that is not.
    assert site.get(key="ci", headers=[("X-Forwarded-For", "127.0.0.9")]).status == 200
    assert site.get("/public/x.txt").status == 200


# TRN-01
def test_tls_and_off_let_through(site):
    secure = {"port": site.server.ports[1], "tls": True}
    assert site.get(key="ci", headers=[FAR], **secure).status == 200
    assert site.get(headers=[FAR], **secure).status == 401
    assert site.get("/other/x.json", key="ci", headers=[FAR]).status == 200


# TRN-01, TRN-11
def test_scheme_that_a_listed_proxy_tells(site):
    https = ("X-Forwarded-Proto", "https")
    assert site.get("/items/1.json", key="ci", headers=[FAR, https]).status == 200
    refusal(site, site.get("/items/1.json", key="ci", headers=[FAR, ("X-Forwarded-Proto", "http")]), "credential_exposed",
            "authn_credential_exposed")
    refusal(site, site.get("/items/1.json", key="ci", headers=[FAR]), "credential_exposed", "authn_credential_exposed")
    refusal(site, site.get(key="ci", headers=[FAR, https]), "credential_exposed", "authn_credential_exposed")


DENY = """
ApiSecRequireTLS Off
%s
<Location /orders>
    ApiSecEngine On
    ApiSecDeny 192.0.2.0/24
    ApiSecDeny 2001:db8:1::/48
</Location>
<Location /orders/7.json>
    ApiSecDeny file:@ROOT@/denied.txt
</Location>
<Location /public>
    ApiSecEngine On
    ApiSecRequire public
    ApiSecDeny 203.0.113.9
</Location>
"""


@pytest.fixture(params=["sections", "server"])
def denying(request, make_site):
    def prepare_denying(site):
        prepare(site)
        site.folder.write("denied.txt", "# a list\n198.51.100.0/25\n\n  2001:db8:9::/64 # more\n203.0.113.77\n")

    everywhere = "ApiSecEngine On\nApiSecDeny 198.18.0.0/15\n" if request.param == "server" else ""
    site = make_site(DENY % everywhere, prepare_denying, modules=["remoteip"])
    site.everywhere = bool(everywhere)
    return site


# AZ-15, AZ-16
def test_denied_addresses_are_refused_before_anything_else(denying):
    def ask(path, address, key="ci"):
        got = denying.get(path, key=key, headers=[("X-Forwarded-For", address)])
        if got.status == 403:
            line = denying.server.wait_audit(lambda line: line["id"] == got.headers["X-Request-Id"])
            assert line["reason"] == "address_denied" and "key" not in line
        return got.status

    for address in ("192.0.2.1", "192.0.2.255", "2001:db8:1::5", "::ffff:192.0.2.3"):
        assert ask("/orders/8.json", address) == 403, address
        assert ask("/orders/8.json", address, None) == 403
        assert ask("/orders/7.json", address) == 403, "inner sections add to outer ones"
    for address in ("192.0.3.1", "2001:db8:2::5", "198.51.100.1", "127.0.0.1"):
        assert ask("/orders/8.json", address) == 200, address
    for address in ("198.51.100.127", "2001:db8:9::ffff", "203.0.113.77"):
        assert ask("/orders/7.json", address) == 403, address
        assert ask("/orders/8.json", address) == 200
    assert ask("/orders/7.json", "198.51.100.128") == 200
    assert ask("/public/x.txt", "203.0.113.9", None) == 403
    assert ask("/public/x.txt", "203.0.113.8", None) == 200
    if denying.everywhere:
        for path in ("/orders/8.json", "/public/x.txt", "/none", "/index.html", "/orders/a//b"):
            assert ask(path, "198.19.1.1") == 403, path
        assert denying.request("QUERY", headers=[("X-Forwarded-For", "198.18.0.1")]).status == 403


# AZ-15
def test_forwarding_field_of_a_stranger_counts_for_nothing(make_site):
    site = make_site(DENY % "", lambda site: (prepare(site), site.folder.write("denied.txt", "10.0.0.0/8\n")))
    for field in ("X-Forwarded-For", "X-Real-IP", "Forwarded"):
        assert site.get("/orders/8.json", key="ci", headers=[(field, "192.0.2.1")]).status == 200
