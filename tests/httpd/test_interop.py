"""Deliveries and requests that are signed by the libraries which senders and clients use."""

import secrets
import subprocess

import pytest
from harness import Site, npm
from harness.signer import STANDARD, content_digest

pytestmark = [pytest.mark.one_mpm, pytest.mark.slow]

HOST = "api.example.org"
KINDS = {"ed25519": ["-algorithm", "ed25519"], "ecdsa-p256-sha256": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
         "ecdsa-p384-sha384": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
         "rsa-pss-sha512": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
         "rsa-v1_5-sha256": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]}
SENDERS = ("standard", "stripe", "github")
CONF = """
ApiSecRequireTLS Off
ApiSecOrigin https://api.example.org
ScriptAlias /cgi @ROOT@/cgi
<Directory @ROOT@/cgi>
    Require all granted
</Directory>
ApiSecEngine On
<Location /cgi/api>
    ApiSecSignature On
</Location>
<Location /cgi/api/hmac>
    ApiSecSignature hmac
</Location>
""" + "".join("""
<Location /cgi/hook/%s>
    ApiSecWebhook %s
</Location>
""" % (name, name) for name in SENDERS)
SECRETS = {}


def prepare(site):
    site.role("reader", "GET,POST /cgi/**")
    site.key("ci")
    for name in SENDERS:
        SECRETS[name] = site.store.json("webhook", "add", name, "--scheme", name, "--generate")["secret"]
    SECRETS["hmac-sha256"] = site.store.json("key", "signer", "add", "ci", "--keyid", "hmac-sha256", "--alg", "hmac-sha256", "--generate")["secret"]
    for alg, options in KINDS.items():
        path = site.folder.path("run-" + alg)
        subprocess.run(["openssl", "genpkey", *options, "-out", path], check=True, stderr=subprocess.DEVNULL)
        subprocess.run(["openssl", "pkey", "-in", path, "-pubout", "-out", path + ".pub"], check=True)
        with open(path) as seen:
            SECRETS[alg] = seen.read()
        site.store.ok("key", "signer", "add", "ci", "--keyid", alg, "--alg", alg, "--public", path + ".pub")
    for name in ("api", "hook"):
        site.script(name, 'printf "Content-Type: application/octet-stream\\n\\n"\ncat\n')


@pytest.fixture(scope="module")
def site():
    npm.folder()
    with Site(CONF, prepare, modules=["cgi"]) as made:
        yield made


# WHK-01, WHK-02, WHK-03: standardwebhooks, stripe, @octokit/webhooks
def test_deliveries_of_the_senders_libraries(site):
    bodies = ('{"n": 1}', '{"text": "\u00e4\u20ac\\n"}', "x" * 20000)
    asked = [{"by": name, "secret": SECRETS[name], "body": body, "id": "msg_%d" % i} for name in SENDERS for i, body in enumerate(bodies)]
    for one, fields in zip(asked, npm.sign(*asked)):
        path, body = "/cgi/hook/" + one["by"], one["body"].encode()
        changed = site.request("POST", path, headers=fields, body=body + b" ")
        assert changed.status == 401, one["by"]
        got = site.request("POST", path, headers=fields, body=body)
        assert (got.status, got.body) == (200, body), one["by"]
        assert site.request("POST", path, headers=fields, body=body).body == b""  # WHK-06


# SIG-01, SIG-14: http-message-signatures
@pytest.mark.parametrize("alg", [*KINDS, "hmac-sha256"])
def test_requests_of_a_clients_library(site, alg):
    asked = []
    for method, path, body in (("GET", "/cgi/api/hmac" if alg == "hmac-sha256" else "/cgi/api", None), ("GET", "/cgi/api/a%20b?x=%2f&y", None),
                               ("POST", "/cgi/api?x", b'{"a": 1}')):
        headers = {"Content-Digest": content_digest(body), "Content-Type": "application/json"} if body else {}
        asked.append({"by": "request", "alg": alg, "key": SECRETS[alg], "keyid": alg, "nonce": secrets.token_hex(16), "method": method,
                      "salt": 64 if alg == "rsa-pss-sha512" else None,
                      "url": "https://%s%s" % (HOST, path), "headers": headers, "body": body and body.decode(),
                      "cover": [*STANDARD, *(["content-digest", "content-type"] if body else [])]})
    for one, fields in zip(asked, npm.sign(*asked)):
        path, body = one["url"].split(HOST)[1], one["body"] and one["body"].encode()
        got = site.request(one["method"], path, headers=fields, body=body)
        assert (got.status, got.body) == (200, body or b""), (path, fields)
        assert site.request(one["method"], path + "z", headers=fields, body=body).status == 401


# SIG-14: a salt of another length, as that library makes it by itself
def test_salt_has_64_bytes(site):
    alg = "rsa-pss-sha512"
    asked = {"by": "request", "alg": alg, "key": SECRETS[alg], "keyid": alg, "method": "GET", "url": "https://%s/cgi/api" % HOST, "headers": {},
             "cover": STANDARD}
    wanted = {64: 200, 32: 401, None: 401}
    for salt, fields in zip(wanted, npm.sign(*({**asked, "salt": salt} for salt in wanted))):
        assert site.get("/cgi/api", headers=fields).status == wanted[salt], salt
