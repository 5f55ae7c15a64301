"""Tokens of oidc-provider, a real authorization server: found by discovery, asked about by introspection, bound by DPoP."""

import base64
import hashlib
import http.client
import itertools
import json
import os
import re
import ssl
import subprocess
import time
import urllib.parse

import pytest
from harness import Folder, Site, npm, wait_for
from harness.certs import Certs
from harness.tokens import Key, b64, bearer

pytestmark = [pytest.mark.one_mpm, pytest.mark.slow]

CONF = """
ApiSecRequireTLS Off
ApiSecOrigin https://api.example
ApiSecEngine On
<Location /other>
    ApiSecRequire api-scope orders:write
</Location>
<Location /items>
    ApiSecDPoP Required
</Location>
"""
ALGS = ("RS256", "ES256", "EdDSA")
AUDIENCE, ELSE = "https://api.example", "https://else.example"
SECRET = "s3cret:/ +%"
_number = itertools.count()


class Provider:
    """A process of serve.mjs; clients are named by the algorithm of their tokens, or "opaque"."""

    def __init__(self, folder):
        script = os.path.join(npm.folder("npm/oidc"), "serve.mjs")
        certs = Certs(folder.path("certs"))
        key = certs.signed("provider", san="IP:127.0.0.1")
        self.ca, self.log = certs.ca, folder.path("provider.log")
        self.context = ssl.create_default_context(cafile=self.ca)
        with open(self.log, "wb") as out:
            self.process = subprocess.Popen(["node", script, key + ".crt", key, SECRET, AUDIENCE, ELSE], stdin=subprocess.PIPE,
                                            stdout=out, stderr=out)
        try:
            self.issuer = wait_for(self._issuer, 60, "oidc-provider to listen")
            self.known = json.loads(self.ask("GET", self.issuer + "/.well-known/openid-configuration"))
        except BaseException:
            self.close()
            raise

    def _issuer(self):
        with open(self.log) as text:
            said = text.read()
        assert self.process.poll() is None, said
        found = re.search(r"^issuer (\S+)$", said, re.M)
        return found and found[1]

    def ask(self, method, url, headers=(), body=None):
        connection = http.client.HTTPSConnection(urllib.parse.urlsplit(url).netloc, context=self.context, timeout=60)
        connection.request(method, urllib.parse.urlsplit(url).path, body, dict(headers))
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        assert answer.status == 200, (url, text)
        return text

    def post(self, client, name, proof=None, **form):
        """To the endpoint that the metadata has by that name, with the client's secret (RFC 6749, 2.3.1)."""
        who = base64.b64encode(("%s:%s" % (client, urllib.parse.quote_plus(SECRET))).encode()).decode()
        headers = {"Authorization": "Basic " + who, "Content-Type": "application/x-www-form-urlencoded"}
        if proof:
            headers["DPoP"] = proof
        return self.ask("POST", self.known[name], headers, urllib.parse.urlencode(form))

    def token(self, client, key=None, resource=AUDIENCE, scope="orders:read"):
        """Bound to `key` where one is given."""
        proof = key and prove(key, "POST", self.known["token_endpoint"])
        answer = json.loads(self.post(client, "token_endpoint", proof, grant_type="client_credentials", resource=resource, scope=scope))
        assert answer["token_type"] == ("DPoP" if key else "Bearer")
        return answer["access_token"]

    def close(self):
        self.process.stdin.close()
        self.process.terminate()
        self.process.wait()
        with open(self.log) as text:
            print(text.read())


@pytest.fixture(scope="module")
def provider():
    with Folder() as folder:
        made = Provider(folder)
        yield made
        made.close()


@pytest.fixture(scope="module")
def site(provider):
    def prepare(site):
        site.role("reader", "GET /orders/**", "GET /other/**", "GET /items/**")
        site.store.ok("issuer", "add", "login", "--issuer", provider.issuer, "--audience", AUDIENCE, "--alg", ",".join(ALGS),
                      "--role-claim", "groups:staff=reader", "--private", "--ca", provider.ca, "--fetch-interval", "1s",
                      "--introspect", provider.known["introspection_endpoint"], "--client-id", "api", "--answer-ttl", "1s",
                      input=SECRET)
        site.holder = Key(site.folder.root, "holder", "ES256")

    with Site(CONF, prepare, children=1) as made:
        token = provider.token("RS256")
        wait_for(lambda: made.get(headers=bearer(token)).status == 200, 30, "the first fetch of keys")
        yield made


def prove(key, method, url, token=None):
    """A proof of the key by RFC 9449, for a request with that token."""
    claims = {"jti": "p%d" % next(_number), "htm": method, "htu": url, "iat": int(time.time())}
    if token:
        claims["ath"] = b64(hashlib.sha256(token.encode()).digest())
    return key.jws({"typ": "dpop+jwt", "alg": key.alg, "jwk": key.public()}, claims)


def judged(site, path="/orders/7.json", headers=()):
    """(status, line of the audit log)."""
    answer = site.get(path, headers=headers)
    return answer.status, site.server.wait_audit(lambda line: line["id"] == answer.headers["X-Request-Id"])


def refused(site, reason, path="/orders/7.json", headers=(), status=401):
    got, line = judged(site, path, headers)
    assert (got, line["reason"]) == (status, reason), line


# JWT-17
def test_the_tool_finds_keys_and_introspection_by_the_metadata(site, provider):
    found = site.store.json("issuer", "test", "login")
    assert found["passed"] and found["usable"] == len(ALGS), found
    assert sorted(key["kid"] for key in found["found_keys"]) == sorted("key-" + alg for alg in ALGS)
    assert {step["url"] for step in found["steps"]} >= {provider.known["jwks_uri"], provider.known["introspection_endpoint"]}


# JWT-02, JWT-14, JWT-15, JWT-16, JWT-17, JWT-28
@pytest.mark.parametrize("alg", ALGS)
def test_a_token_of_each_algorithm_calls(site, provider, alg):
    token = provider.token(alg)
    status, line = judged(site, headers=bearer(token))
    assert (status, line["key"], line["roles"]) == (200, "login:" + alg, ["reader"]), line
    found = site.store.json("token", "check", input=token)
    assert (found["accepted"], found["caller"], found["scopes"]) == (True, "client", ["orders:read"]), found


# JWT-12
@pytest.mark.parametrize("client", [*ALGS, "opaque"])
def test_a_token_for_another_audience_is_refused(site, provider, client):
    refused(site, "token_audience", headers=bearer(provider.token(client, resource=ELSE)))


# JWT-21
@pytest.mark.parametrize("client", ["RS256", "opaque"])
def test_scopes_are_those_that_were_granted(site, provider, client):
    refused(site, "scope_missing", "/other/x.json", bearer(provider.token(client)), 403)
    both = bearer(provider.token(client, scope="orders:read orders:write"))
    assert site.get("/other/x.json", headers=both).status == 200


# JWT-19
def test_an_opaque_token_calls_until_it_is_revoked(site, provider):
    token = provider.token("opaque")
    status, line = judged(site, headers=bearer(token))
    assert (status, line["key"], line["roles"]) == (200, "login:opaque", ["reader"]), line
    provider.post("opaque", "revocation_endpoint", token=token)
    wait_for(lambda: site.get(headers=bearer(token)).status == 401, what="the end of the answer that is remembered")
    refused(site, "token_inactive", headers=bearer(token))


# JWT-19
def test_an_opaque_token_of_nobody_is_refused(site, provider):
    refused(site, "token_inactive", headers=bearer(b64(os.urandom(32))))


# JWT-19: the server asked says no to who asks
def test_a_wrong_secret_lets_nobody_in(site, provider):
    token = provider.token("opaque")
    site.store.ok("issuer", "set", "login", "--client-id", "api", "--wait", input="another")
    refused(site, "token_issuer_down", headers=bearer(token), status=503)
    assert site.store.json("issuer", "test", "login", rc=5)["passed"] is False
    site.store.ok("issuer", "set", "login", "--client-id", "api", "--wait", input=SECRET)
    assert site.get(headers=bearer(token)).status == 200


# DPOP-01, DPOP-02, DPOP-04, DPOP-05, DPOP-07
@pytest.mark.parametrize("client", [*ALGS, "opaque"])
def test_a_bound_token_calls_with_a_proof_alone(site, provider, client):
    path = "/items/1.json"
    token = provider.token(client, site.holder)

    def fields(scheme="DPoP", key=site.holder):
        return [("Authorization", "%s %s" % (scheme, token)), ("DPoP", prove(key, "GET", AUDIENCE + path, token))]

    once = fields()
    refused(site, "proof_missing", path, once[:1])
    refused(site, "proof_missing", path, fields("Bearer"))
    refused(site, "token_binding", path, fields(key=Key(site.folder.root, "thief", "ES256")))
    status, line = judged(site, path, once)
    assert (status, line["key"]) == (200, "login:" + client), line
    refused(site, "proof_used", path, once)
    refused(site, "proof_missing", path, bearer(provider.token(client)))
    refused(site, "token_confirmation", headers=bearer(token))  # where nobody looks at proofs
