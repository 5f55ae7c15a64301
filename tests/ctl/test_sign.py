"""sign: what it signs holds by the module's own code, over the base that RFC 9421 says, computed here once more."""

import base64
import hashlib
import hmac
import json
import os
import shlex
import subprocess
import time

import pytest

from harness import BUILD, Store
from harness.jws import EcKey, b64

VECTORS = os.path.join(BUILD, "tests", "vectors", "vectors")
GENPKEY = {"ed25519": ["ED25519"], "ecdsa-p256-sha256": ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
           "ecdsa-p384-sha384": ["EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
           "rsa-pss-sha512": ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"], "rsa-v1_5-sha256": ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"]}
SECRET = "0123456789abcdef0123456789abcdef"
URL = "https://API.example:8443/orders/a%2Fb?x=1&y"


def genpkey(folder, alg):
    path = folder.path(alg + ".pem")
    subprocess.run(["openssl", "genpkey", "-algorithm", *GENPKEY[alg], "-out", path], check=True, stderr=subprocess.DEVNULL)
    os.chmod(path, 0o600)
    return path


def public(path):
    return subprocess.run(["openssl", "pkey", "-in", path, "-pubout"], check=True, stdout=subprocess.PIPE, text=True).stdout


def sign(*words, rc=0, **popen):
    done = Store.call("--json", "sign", "--keyid", "shop-1", *words, **popen)
    assert done.rc == rc, done
    return json.loads(done.out)


def fields(made):
    return {row["name"]: row["value"] for row in made["fields"]}


def holds(made, host, **key):
    """What the module's code says of the request, now and with these fields."""
    target = "/" + made["url"].split("/", 3)[3]
    lines = ["%s %s HTTP/1.1" % (made["method"], target), "Host: " + host] + ["%s: %s" % pair for pair in fields(made).items()]
    row = dict({"id": 1, "kind": "httpsig", "label": "sig1", "keyid": "shop-1", "now": int(time.time()), "scheme": made["url"].split(":")[0],
                "alg": made["alg"], "message": "\r\n".join(lines) + "\r\n\r\n"}, **key)
    done = subprocess.run([VECTORS, "httpsig"], input=json.dumps(row).encode() + b"\n", stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)["got"] == "valid"


@pytest.mark.parametrize("alg", sorted(GENPKEY))
def test_what_is_signed_holds(folder, alg):  # SIG-01, SIG-14
    path = genpkey(folder, alg)
    asked = ["--alg", alg] if alg == "rsa-v1_5-sha256" else []
    made = sign("--key", path, *asked, "--tag", "t1", "--nonce", "--expires", "5m", "GET " + URL)
    assert made["alg"] == alg and set(fields(made)) == {"Signature-Input", "Signature"}
    assert holds(made, "api.example:8443", public_pem=public(path))
    for name in ("Signature", "Signature-Input"):
        value = fields(made)[name]
        changed = value.replace("=:", "=:AAAA", 1) if name == "Signature" else value.replace("created=", "created=1", 1)
        other = dict(made, fields=[row if row["name"] != name else {"name": name, "value": changed} for row in made["fields"]])
        assert not holds(other, "api.example:8443", public_pem=public(path)), name


def test_the_base_is_that_of_the_rfc(folder):  # SIG-01, SIG-02, SIG-11
    key = folder.write("secret", SECRET + "\n", 0o600)
    body = folder.write("body", '{"a": 1}\n')
    digest = "sha-256=:%s:" % base64.b64encode(hashlib.sha256(b'{"a": 1}\n').digest()).decode()
    made = sign("--key", key, "--alg", "hmac-sha256", "--body", body, "--created", "2027-01-31T12:00:00Z", "--expires", "5m", "POST " + URL)
    params = ('("@method" "@authority" "@path" "@query" "content-digest");created=1801396800;expires=1801397100;keyid="shop-1"')
    base = "\n".join(['"@method": POST', '"@authority": api.example:8443', '"@path": /orders/a%2Fb', '"@query": ?x=1&y',
                      '"content-digest": ' + digest, '"@signature-params": ' + params])
    mac = base64.b64encode(hmac.new(SECRET.encode(), base.encode(), hashlib.sha256).digest()).decode()
    assert made["base"] == base and fields(made) == {"Content-Digest": digest, "Signature-Input": "sig1=" + params, "Signature": "sig1=:%s:" % mac}
    assert (made["created_at"], made["expires_at"]) == ("2027-01-31T12:00:00Z", "2027-01-31T12:05:00Z")


def test_components_of_ones_own(folder):  # SIG-02, SIG-12
    key = folder.write("secret", SECRET, 0o600)
    made = sign("--key", key, "--alg", "hmac-sha256", "--field", "X-Note:  a b ", "--component", "x-note", "--component",
                '"@query-param";name="x"', "--component", "@target-uri", "GET " + URL)
    assert made["base"].split("\n")[:3] == ['"x-note": a b', '"@query-param";name="x": 1', '"@target-uri": https://api.example:8443/orders/a%2Fb?x=1&y']
    assert holds(made, "api.example:8443", secret_b64=base64.b64encode(SECRET.encode()).decode())


def test_keys_as_jwk(folder):
    ec = EcKey(folder)
    text = subprocess.run(["openssl", "pkey", "-in", ec.path, "-text", "-noout"], check=True, stdout=subprocess.PIPE, text=True).stdout
    d = bytes.fromhex("".join(text.split("priv:")[1].split("pub:")[0].split()).replace(":", ""))[-32:]
    made = sign("--key", folder.write("ec.jwk", json.dumps(ec.jwk(d=b64(d.rjust(32, b"\0")), alg="ES256")), 0o600), "GET " + URL)
    assert made["alg"] == "ecdsa-p256-sha256" and holds(made, "api.example:8443", public_pem=public(ec.path))
    path = genpkey(folder, "ed25519")
    der = subprocess.run(["openssl", "pkey", "-in", path, "-outform", "DER"], check=True, stdout=subprocess.PIPE).stdout
    made = sign("--key", folder.write("ed.jwk", json.dumps({"kty": "OKP", "crv": "Ed25519", "d": b64(der[-32:])}), 0o600), "GET " + URL)
    assert made["alg"] == "ed25519" and holds(made, "api.example:8443", public_pem=public(path))
    made = sign("--key", folder.write("oct.jwk", json.dumps({"kty": "oct", "k": b64(SECRET)}), 0o600), "GET " + URL)
    assert made["alg"] == "hmac-sha256" and holds(made, "api.example:8443", secret_b64=base64.b64encode(SECRET.encode()).decode())


def test_an_rsa_key_as_jwk(folder):
    path = genpkey(folder, "rsa-pss-sha512")
    done = subprocess.run(["openssl", "rsa", "-in", path, "-traditional", "-outform", "DER"], check=True, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL).stdout
    numbers, at = [], 4
    while at < len(done):
        size, at = done[at + 1], at + 2
        if size & 0x80:
            size, at = int.from_bytes(done[at:at + (size & 0x7f)], "big"), at + (size & 0x7f)
        numbers.append(done[at:at + size].lstrip(b"\0"))
        at += size
    jwk = dict(zip(("n", "e", "d", "p", "q", "dp", "dq", "qi"), map(b64, numbers[1:])), kty="RSA")
    made = sign("--key", folder.write("rsa.jwk", json.dumps(jwk), 0o600), "GET " + URL)
    assert made["alg"] == "rsa-pss-sha512" and holds(made, "api.example:8443", public_pem=public(path))


def test_the_key_comes_by_stdin_or_a_descriptor(folder):  # CLI-01
    words = ["--alg", "hmac-sha256", "--created", "2027-01-31", "GET " + URL]
    first = sign("--key", "-", *words, input=SECRET)
    read, write = os.pipe()
    os.write(write, SECRET.encode())
    os.close(write)
    assert sign("--key", str(read), *words, pass_fds=[read]) == first
    os.close(read)


def test_a_key_that_others_can_read_is_refused(folder):  # CLI-06
    for mode in (0o644, 0o602, 0o660):
        key = folder.write("key%o" % mode, SECRET, mode)
        done = Store.call("sign", "--keyid", "a", "--key", key, "--alg", "hmac-sha256", "GET " + URL)
        assert (done.rc, done.out) == (1, "") and key in done.err, done


def test_fields_and_curl_for_people(folder):
    key = folder.write("secret", SECRET, 0o600)
    words = ["sign", "--keyid", "a", "--key", key, "--alg", "hmac-sha256", "--created", "2027-01-31", "--body", key, "PUT " + URL]
    lines = Store.call(*words).out.splitlines()
    assert [line.split(":")[0] for line in lines] == ["Content-Digest", "Signature-Input", "Signature"]
    curl = shlex.split(Store.call(*words, "--curl").out)
    assert curl == ["curl", "--path-as-is", "-X", "PUT"] + [w for line in lines for w in ("-H", line)] + ["--data-binary", "@" + key, URL]
    assert SECRET not in " ".join(curl + lines)


def test_a_nonce_is_new_each_time(folder):  # SIG-05
    key = folder.write("secret", SECRET, 0o600)
    seen = {fields(sign("--key", key, "--alg", "hmac-sha256", "--nonce", "GET " + URL))["Signature-Input"].split('nonce="')[1].split('"')[0]
            for _ in range(3)}
    assert len(seen) == 3 and {len(nonce) for nonce in seen} == {24}


@pytest.mark.parametrize("words, says", [
    (["GET"], "want 'METHOD URL'"), (["G(T https://a/"], "want 'METHOD URL'"), (["GET /orders"], "/orders"), (["GET ftp://a/"], "ftp://a/"),
    (["--alg", "HS256", "GET " + URL], '--alg "HS256": want ed25519'), (["--alg", "ed25519", "GET " + URL], "want a private key in PEM or a JWK"),
    (["--component", "x-none", "GET " + URL], "x-none"), (["--component", "@nothing", "GET " + URL], "@nothing"),
    (["--component", "@path", "--component", "@path", "GET " + URL], "@path"), (["--field", "a b: c", "GET " + URL], '--field "a b: c"'),
    (["--field", "a", "GET " + URL], '--field "a"'), (["--field", "a: b\nc", "GET " + URL], "--field"),
    (["--expires", "2001-01-01", "GET " + URL], "want a time after --created"), (["--tag", "\x7f", "GET " + URL], "printable"),
])
def test_what_cannot_be_signed(folder, words, says):  # SIG-09
    key = folder.write("secret", SECRET, 0o600)
    done = Store.call("sign", "--keyid", "a", "--key", key, *([] if "--alg" in words else ["--alg", "hmac-sha256"]), *words)
    assert (done.rc, done.out) == (2, "") and says in done.err, done


@pytest.mark.parametrize("text", ['{"kty":"EC","crv":"P-256"}', '{"kty":"EC","crv":"P-521","d":"AA"}', '{"kty":"OKP","crv":"Ed25519","d":"AA"}',
                                  '{"kty":"RSA","n":"AA"}', '{"kty":"oct","k":"AAAA"}', '{"kty":"x"}', '{"a"', "[]", "-----BEGIN PRIVATE KEY-----\n"])
def test_what_is_no_key(folder, text):
    done = Store.call("sign", "--keyid", "a", "--key", folder.write("key", text, 0o600), "GET " + URL)
    assert (done.rc, done.out) == (2, "") and "key" in done.err.lower() or "secret" in done.err, done
