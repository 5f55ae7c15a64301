"""What an API says of itself, where challenges point to it, and how fresh a login has to be."""

import time

import pytest
from harness import Site
from harness.tokens import Issuer, add_issuer, bearer

pytestmark = pytest.mark.one_mpm

CONF = """
<Location />
    ApiSecEngine On
    ApiSecResource https://api.example orders:read orders:write
</Location>
<Location /items>
    ApiSecResource https://api.example/items
    ApiSecIssuer second
    ApiSecDPoP Required
</Location>
<Location /fresh>
    ApiSecRequire api-role reader
    ApiSecStepUp acr=gold,silver amr=otp max-age=5m
</Location>
<Location /fresh/not>
    ApiSecStepUp none
</Location>
"""
WELL_KNOWN = "/.well-known/oauth-protected-resource"


def prepare(site):
    site.folder.write("htdocs/fresh/x.json", "{}\n")
    site.folder.write("htdocs/fresh/not/x.json", "{}\n")
    site.role("reader", "GET /orders/**")
    site.key("ci")
    site.issuer = Issuer(site.folder.root)
    add_issuer(site.store, site.issuer, jwks="static", role_claim="groups")
    add_issuer(site.store, Issuer(site.folder.root, "https://second.example"), "second", jwks="static")


@pytest.fixture(scope="module")
def site():
    with Site(CONF, prepare) as made:
        yield made


# JWT-24
def test_metadata_is_served_to_everybody(site):
    answer = site.get(WELL_KNOWN)
    assert answer.status == 200 and answer.headers["Content-Type"] == "application/json"
    assert answer.json() == {
        "resource": "https://api.example", "authorization_servers": ["https://login.example", "https://second.example"],
        "scopes_supported": ["orders:read", "orders:write"], "bearer_methods_supported": ["header"]}
    answer = site.get(WELL_KNOWN + "/items")
    document = answer.json()
    assert document["resource"] == "https://api.example/items"
    assert document["authorization_servers"] == ["https://second.example"] and "scopes_supported" not in document
    assert document["dpop_bound_access_tokens_required"] is True and "ES256" in document["dpop_signing_alg_values_supported"]
    assert site.request("HEAD", WELL_KNOWN).status == 200
    answer = site.request("POST", WELL_KNOWN)
    assert answer.status == 405 and "GET" in answer.headers["Allow"]
    assert site.get(WELL_KNOWN + "/other").status == 401, "nothing else is open"


# JWT-24
def test_challenges_point_to_it(site):
    for path, url in (("/orders/7.json", "https://api.example" + WELL_KNOWN),
                      ("/items/1.json", "https://api.example%s/items" % WELL_KNOWN)):
        challenge = site.get(path).headers["WWW-Authenticate"]
        assert 'resource_metadata="%s"' % url in challenge


def fresh(site, path="/fresh/x.json", **claims):
    return site.get(path, headers=bearer(site.issuer.token(groups=["reader"], **claims)))


# JWT-25
def test_a_login_has_to_be_strong_and_fresh(site):
    now = int(time.time())
    good = {"acr": "silver", "amr": ["pwd", "otp"], "auth_time": now - 60}
    assert fresh(site, **good).status == 200
    for change in ({"acr": "tin"}, {"acr": None}, {"amr": ["pwd"]}, {"amr": None}, {"auth_time": now - 900},
                   {"auth_time": None}, {"auth_time": now + 900}):
        answer = fresh(site, **dict(good, **change))
        challenge = answer.headers["WWW-Authenticate"]
        assert answer.status == 401 and 'error="insufficient_user_authentication"' in challenge
        assert 'acr_values="gold silver"' in challenge and 'max_age="300"' in challenge
    line = site.server.wait_audit(lambda line: line["id"] == answer.headers["X-Request-Id"])
    assert (line["reason"], line["user"]) == ("token_step_up", "acme:eve")
    assert site.get("/fresh/x.json", key="ci").status == 401, "a key has logged in nowhere"
    assert fresh(site, "/fresh/not/x.json", acr="tin").status == 200


# CLI-01: each fault is named.
@pytest.mark.parametrize("line, want", [
    ("ApiSecOrigin http://api.example", "https://HOST"), ("ApiSecOrigin https://api.example/x", "nothing behind it"),
    ("ApiSecResource http://api.example", "https"), ("ApiSecResource https://api.example#x", "fragment"),
    ('ApiSecResource https://api.example "a b"', "scope"), ("ApiSecStepUp acr=", "acr=VALUE"),
    ("ApiSecStepUp age=3", "max-age=DURATION"), ("ApiSecStepUp max-age=3", "3"), ("ApiSecDPoP Maybe", "Required"),
    ("ApiSecDPoP Off nonce", "behind On or Required"), ("ApiSecIssuer none acme", "none alone"),
    ("ApiSecIssuer a/b", "names of issuers")])
def test_what_is_wrong_with_a_line_is_said(make_server, line, want):
    rc, text = make_server(line + "\n", start=False).configtest()
    assert rc != 0 and want in text, text
