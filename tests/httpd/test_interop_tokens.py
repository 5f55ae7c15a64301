"""Keys, tokens and proofs that are made by the library jose, which providers and clients use."""

import json

import pytest
from harness import Site, npm

pytestmark = [pytest.mark.one_mpm, pytest.mark.slow]

CONF = """
ApiSecRequireTLS Off
ApiSecOrigin https://api.example
<Location />
    ApiSecEngine On
    ApiSecDPoP On
</Location>
"""
ALGS = ("RS256", "RS384", "PS256", "PS512", "ES256", "ES384", "ES512", "EdDSA")
BOUND = ("ES256", "RS256", "EdDSA")
CLAIMS = {"iss": "https://login.example", "aud": "https://api.example", "sub": "ann", "client_id": "app", "groups": ["reader"]}


@pytest.fixture(scope="module")
def minted():
    """One of each: plain tokens, then bound ones."""
    return npm.mint(*({"alg": alg, "claims": CLAIMS} for alg in ALGS),
                    *({"alg": "ES256", "claims": CLAIMS, "bound": alg} for alg in BOUND))


@pytest.fixture(scope="module")
def site(minted):
    def prepare(site):
        site.role("reader", "GET /orders/**")
        site.store.ok("issuer", "add", "login", "--issuer", CLAIMS["iss"], "--audience", CLAIMS["aud"], "--alg", ",".join(ALGS),
                      "--role-claim", "groups", "--jwks", "-", input=json.dumps({"keys": [one["jwk"] for one in minted]}))

    with Site(CONF, prepare) as made:
        yield made


# JWT-02, JWT-03, JWT-28
@pytest.mark.parametrize("alg", ALGS)
def test_a_token_of_each_algorithm_calls(site, minted, alg):
    token = minted[ALGS.index(alg)]["token"]
    assert site.get(headers=[("Authorization", "Bearer " + token)]).status == 200
    head, body, sign = token.split(".")
    other = minted[ALGS.index(alg) - 1]["token"].split(".")[1]
    assert site.get(headers=[("Authorization", "Bearer %s.%s.%s" % (head, other, sign))]).status == 401
    assert site.store.json("token", "check", input=token)["id"] == "login:ann"


# DPOP-01, DPOP-04
@pytest.mark.parametrize("alg", BOUND)
def test_a_proof_of_each_algorithm_counts_once(site, minted, alg):
    one = minted[len(ALGS) + BOUND.index(alg)]
    fields = [("Authorization", "DPoP " + one["token"]), ("Host", "api.example")]
    assert site.get(headers=fields).status == 401
    assert site.get(headers=fields + [("DPoP", one["proof"])]).status == 200
    assert site.get(headers=fields + [("DPoP", one["proof"])]).status == 401
