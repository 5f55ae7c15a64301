"""Forwarding fields: from a listed proxy they count and go on, from anybody else they are nothing."""

import pytest
from harness import Backend, Site, fields_of

PROXY, STRANGER = "127.0.0.2", "127.0.0.3"
CONF = """
RemoteIPHeader X-Forwarded-For
RemoteIPTrustedProxy 127.0.0.2
<Location /api>
    ApiSecEngine On
    ApiSecRequireTLS Off
    ApiSecDeny 203.0.113.66
    ApiSecLimit address rate=5/d by=ip
    ProxyPass http://127.0.0.1:BACKEND/api
</Location>
<Location /proxied>
    ApiSecEngine On
    ApiSecRequireTLS proxy
    ProxyPass http://127.0.0.1:BACKEND/proxied
</Location>
"""
FIELDS = [("X-Forwarded-Host", "told.example"), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Port", "8443"),
          ("X-Forwarded-Prefix", "/told"), ("X-Forwarded-Server", "told"), ("Forwarded", "for=198.51.100.9;proto=https"),
          ("X-Real-IP", "198.51.100.9")]


def prepare(site):
    site.role("reader", "GET /api/**", "GET /proxied/**")
    site.key("ci")
    site.key("homed", cidr="203.0.113.0/24")


@pytest.fixture
def site(make_site):
    with Backend() as backend:
        yield make_site(CONF.replace("BACKEND", str(backend.port)), prepare, modules=["proxy_http", "remoteip"])


def forwarded(*addresses):
    return [("X-Forwarded-For", ", ".join(addresses))] + FIELDS


def told(site, source, headers, path="/api/x"):
    got = site.get(path, key="ci", headers=headers, source=source)
    assert got.status == 200, got
    line = site.server.wait_audit(lambda line: line["id"] == got.headers["X-Request-Id"])
    return line["ip"], got.json()


# TRN-11, AZ-15
def test_fields_of_a_stranger_count_for_nothing_and_go_no_further(site):
    ip, seen = told(site, STRANGER, forwarded("203.0.113.7"))
    assert ip == STRANGER
    assert "203.0.113" not in str(seen["fields"]) and "198.51.100" not in str(seen["fields"])
    assert fields_of(seen, "X-Forwarded-For") == [STRANGER], "mod_proxy's own"
    for name, value in FIELDS:
        assert value not in fields_of(seen, name), (name, seen["fields"])
    for name in ("Forwarded", "X-Real-IP", "X-Forwarded-Port", "X-Forwarded-Prefix", "X-Forwarded-Proto"):
        assert fields_of(seen, name) == []
    # Neither a denial nor a network nor a bucket follows what it says.
    assert site.get("/api/x", key="ci", headers=forwarded("203.0.113.66"), source=STRANGER).status == 200
    assert site.get("/api/x", key="homed", headers=forwarded("203.0.113.7"), source=STRANGER).status == 403
    statuses = [site.get("/api/x", key="ci", headers=forwarded("203.0.113.%d" % i), source=STRANGER).status for i in range(4)]
    assert statuses == [200, 200, 429, 429], "five from this address"


# TRN-11, AZ-15
def test_fields_of_a_listed_proxy_count_and_go_on(site):
    ip, seen = told(site, PROXY, forwarded("203.0.113.7"))
    assert ip == "203.0.113.7"
    for name, value in FIELDS:
        assert any(value in field for field in fields_of(seen, name)), (name, seen["fields"])
    assert site.get("/api/x", key="ci", headers=forwarded("203.0.113.66"), source=PROXY).status == 403
    assert site.get("/api/x", key="homed", headers=forwarded("203.0.113.7"), source=PROXY).status == 200
    # What stands before the address that the proxy itself has seen was said by its client.
    assert told(site, PROXY, forwarded("198.51.100.1", "203.0.113.8"))[0] == "203.0.113.8"
    # Spellings that programs read as the same are nobody's.
    _, seen = told(site, PROXY, forwarded("203.0.113.9") + [("X_Forwarded_For", "lie"), ("X_Real_IP", "lie")])
    assert "lie" not in [value for _, value in seen["fields"]]


# TRN-11, TRN-01
def test_scheme_is_the_listed_proxys_to_tell(site):
    https, http = ("X-Forwarded-Proto", "https"), ("X-Forwarded-Proto", "http")
    far = ("X-Forwarded-For", "203.0.113.7")
    assert site.get("/proxied/x", key="ci", headers=[far, https], source=PROXY).status == 200
    assert site.get("/proxied/x", key="ci", headers=[far, http], source=PROXY).status == 403
    assert site.get("/proxied/x", key="ci", headers=[far], source=PROXY).status == 403
    for values in ("http, https", "https, http", "HTTPS ", "https;", "xhttps"):
        got = site.get("/proxied/x", key="ci", headers=[far, ("X-Forwarded-Proto", values)], source=PROXY)
        assert got.status == (200 if values.strip().lower() == "https" else 403), values
