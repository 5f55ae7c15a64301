"""A token that is bound to a key comes with a proof of it, each good once, over all children."""

import concurrent.futures
import hashlib
import itertools
import time

import pytest
from harness import Site
from harness.tokens import Issuer, Key, add_issuer, b64

pytestmark = pytest.mark.one_mpm

CONF = """
<VirtualHost *:@PORT@>
    ServerName api.example
    ApiSecOrigin https://api.example:8443
    RewriteEngine On
    RewriteRule ^/orders/old$ /orders/7.json [PT]
    <Location />
        ApiSecEngine On
    </Location>
    <Location /orders>
        ApiSecDPoP On
    </Location>
    <Location /items>
        ApiSecDPoP Required
    </Location>
    <Location /nonce>
        ApiSecDPoP Required nonce
    </Location>
    <Location /dir>
        ApiSecDPoP On
        DirectoryIndex a.html x.json
        ErrorDocument 404 /dir/x.json
    </Location>
    ScriptAlias /echo @ROOT@/cgi/echo
    <Location /echo>
        ApiSecDPoP On
    </Location>
    <Directory @ROOT@/cgi>
        Require all granted
    </Directory>
</VirtualHost>
"""
ORIGIN = "https://api.example:8443"
_number = itertools.count()


def prepare(site):
    for name in ("nonce", "dir"):
        site.folder.write("htdocs/%s/x.json" % name, "{}\n")
    site.script("echo", 'printf "Content-Type: text/plain\\r\\n\\r\\n"; env | grep -i dpop; echo end\n')
    site.role("reader", *("GET /%s/**" % name for name in ("orders", "items", "other", "nonce", "dir")), "GET /echo")
    site.key("ci")
    site.issuer = Issuer(site.folder.root)
    site.holder, site.thief = (Key(site.folder.root, kid, "ES256") for kid in ("holder", "thief"))
    add_issuer(site.store, site.issuer, jwks="static", role_claim="groups")


@pytest.fixture(scope="module")
def site():
    with Site(CONF, prepare, modules=["rewrite", "cgi", "alias"]) as made:
        made.bound = made.issuer.token(groups=["reader"], cnf={"jkt": made.holder.thumbprint()})
        yield made


def proof(key, token, path="/orders/7.json", method="GET", header=(), **claims):
    body = {"jti": "p%d" % next(_number), "htm": method, "htu": ORIGIN + path, "iat": int(time.time()),
            "ath": b64(hashlib.sha256(token.encode()).digest())}
    body.update(claims)
    head = dict({"typ": "dpop+jwt", "alg": key.alg, "jwk": key.public()}, **dict(header))
    return key.jws(head, {name: value for name, value in body.items() if value is not None})


def show(site, token, made=None, path="/orders/7.json", scheme="DPoP", method="GET"):
    fields = [("Authorization", "%s %s" % (scheme, token)), ("Host", "api.example")]
    return site.request(method, path, headers=fields + ([("DPoP", made)] if made is not None else []))


def reason_of(site, answer):
    return site.server.wait_audit(lambda line: line["id"] == answer.headers["X-Request-Id"])["reason"]


def challenge_of(answer, scheme="DPoP"):
    return next(value for value in answer.headers.get_all("WWW-Authenticate") if value.startswith(scheme + " "))


# DPOP-01, DPOP-02, DPOP-03, DPOP-04
def test_a_proof_of_the_right_key_lets_in(site):
    assert show(site, site.bound, proof(site.holder, site.bound)).status == 200
    answer = show(site, site.bound, proof(site.holder, site.bound, "/orders/7.json"), "/orders/7.json?page=2")
    assert answer.status == 200, "htu has no query"


# DPOP-01..06
def test_each_fault_of_a_proof_refuses(site):
    token, key, now = site.bound, site.holder, int(time.time())
    secret = dict(key.public(), d="AAAA")
    for reason, made in [
            ("proof_missing", None), ("proof_missing", ""), ("proof_malformed", "x"),
            ("proof_multiple", "%s, %s" % (proof(key, token), proof(key, token))),
            ("proof_type", proof(key, token, header={"typ": "JWT"})),
            ("proof_alg", proof(key, token, header={"alg": "HS256"})),
            ("proof_alg", proof(key, token, header={"alg": "none"})),
            ("proof_key", proof(key, token, header={"jwk": secret})),
            ("proof_key", proof(key, token, header={"jwk": None})),
            ("proof_signature", proof(key, token, header={"jwk": site.thief.public()})),
            ("proof_method", proof(key, token, htm="POST")), ("proof_method", proof(key, token, htm="get")),
            ("proof_target", proof(key, token, "/orders/8.json")),
            ("proof_target", proof(key, token, htu="https://else.example/orders/7.json")),
            ("proof_target", proof(key, token, htu="https://api.example/orders/7.json")),
            ("proof_token", proof(key, token, ath=None)), ("proof_token", proof(key, token + "x")),
            ("proof_malformed", proof(key, token, jti=None)), ("proof_malformed", proof(key, token, iat=None)),
            ("proof_time", proof(key, token, iat=now - 90)), ("proof_time", proof(key, token, iat=now + 60)),
            ("token_binding", proof(site.thief, token))]:
        answer = show(site, token, made)
        status = 400 if reason == "proof_multiple" else 401
        assert (answer.status, reason_of(site, answer)) == (status, reason), made
        assert "error=" in challenge_of(answer) and "error=" not in challenge_of(answer, "Bearer"), "DPOP-09"
        assert 'algs="ES256 ' in challenge_of(answer)


# DPOP-03
def test_a_field_of_the_client_does_not_choose_the_origin(site):
    made = proof(site.holder, site.bound, htu="https://evil.example/orders/7.json")
    for name in ("Host", "X-Forwarded-Host", "Forwarded"):
        value = "host=evil.example;proto=https" if name == "Forwarded" else "evil.example"
        fields = [("Authorization", "DPoP " + site.bound), ("DPoP", made), (name, value)]
        answer = site.get(headers=fields)
        assert answer.status == 401 and reason_of(site, answer) == "proof_target"


# DPOP-05
def test_the_scheme_has_to_fit_the_token(site):
    unbound = site.issuer.token(groups=["reader"])
    made = proof(site.holder, site.bound)
    assert reason_of(site, show(site, site.bound, made, scheme="Bearer")) == "proof_missing"
    assert reason_of(site, show(site, unbound, proof(site.holder, unbound))) == "token_unbound"
    assert show(site, unbound, scheme="Bearer").status == 200
    answer = show(site, unbound, scheme="Bearer", path="/items/1.json")
    assert answer.status == 401 and reason_of(site, answer) == "proof_missing"
    assert [value.split()[0] for value in answer.headers.get_all("WWW-Authenticate")] == ["DPoP", "ApiKey"]
    assert site.get("/items/1.json", key="ci").status == 401, "nor is a key bound"
    assert reason_of(site, show(site, site.keys["ci"], made)) == "token_unbound"
    # Where no proofs are taken a bound token is nobody's, however it comes.
    answer = show(site, site.bound, made, path="/other/x.json")
    assert answer.status == 401 and reason_of(site, answer) == "credential_missing"
    assert reason_of(site, show(site, site.bound, made, "/other/x.json", "Bearer")) == "token_confirmation"


# DPOP-07
def test_a_proof_is_good_once_over_all_children(site):
    made = proof(site.holder, site.bound)
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: show(site, site.bound, made), range(24)))
    assert sorted(answer.status for answer in answers) == [200] + [401] * 23
    assert {reason_of(site, answer) for answer in answers if answer.status == 401} == {"proof_used"}
    site.server.graceful()
    assert reason_of(site, show(site, site.bound, made)) == "proof_used"
    assert show(site, site.bound, proof(site.holder, site.bound)).status == 200


# DPOP-10
def test_parts_of_a_request_use_a_proof_once(site):
    for path in ("/dir/", "/orders/old"):
        assert show(site, site.bound, proof(site.holder, site.bound, path), path).status == 200, path
    answer = show(site, site.bound, proof(site.holder, site.bound, "/dir/none"), "/dir/none")
    assert answer.status == 404 and answer.text == "{}\n", "the ErrorDocument is no second use"
    answer = show(site, site.bound, proof(site.holder, site.bound, "/echo"), "/echo")
    assert answer.status == 200 and answer.text == "end\n", "a handler sees no proof"


# DPOP-08
def test_a_nonce_is_wanted_and_given(site):
    path = "/nonce/x.json"
    answer = show(site, site.bound, proof(site.holder, site.bound, path), path)
    assert answer.status == 401 and reason_of(site, answer) == "proof_nonce"
    assert 'error="use_dpop_nonce"' in challenge_of(answer) and answer.headers["Cache-Control"] == "no-store"
    nonces = answer.headers.get_all("DPoP-Nonce")
    assert len(nonces) == 1 and len(nonces[0]) == 32
    assert show(site, site.bound, proof(site.holder, site.bound, path, nonce=nonces[0]), path).status == 200
    # The time in the nonce decides, not the client's clock.
    late = proof(site.holder, site.bound, path, nonce=nonces[0], iat=int(time.time()) - 250)
    assert show(site, site.bound, late, path).status == 200
    forged = ("B" if nonces[0][0] != "B" else "C") + nonces[0][1:]
    answer = show(site, site.bound, proof(site.holder, site.bound, path, nonce=forged), path)
    assert reason_of(site, answer) == "proof_nonce"
    # Another start gives and takes the same: all children share the key.
    site.server.stop()
    site.server.start()
    assert show(site, site.bound, proof(site.holder, site.bound, path, nonce=nonces[0]), path).status == 200
