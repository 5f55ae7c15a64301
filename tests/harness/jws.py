"""Tokens made for tests, with openssl(1) for their keys."""

import base64
import hashlib
import hmac
import json
import os
import subprocess
import time


def b64(data):
    """base64url without padding; of a document its JSON."""
    raw = data if isinstance(data, bytes) else data.encode() if isinstance(data, str) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def token(header, claims, signature=b"no signature"):
    """A compact token of these, whatever they are."""
    return ".".join([b64(header), b64(claims), b64(signature)])


def times(life=300):
    """iat and exp of a token that was issued now."""
    now = int(time.time())
    return {"iat": now, "exp": now + life}


def signed_hs256(secret, header, claims):
    text = b64(header) + "." + b64(claims)
    return text + "." + b64(hmac.new(secret, text.encode(), hashlib.sha256).digest())


class EcKey:
    """A key on P-256, made by openssl in `folder`."""

    def __init__(self, folder, name="ec"):
        self.path = folder.path(name + ".pem")
        subprocess.run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", self.path],
                       check=True, stderr=subprocess.DEVNULL)
        os.chmod(self.path, 0o600)
        spki = subprocess.run(["openssl", "pkey", "-in", self.path, "-pubout", "-outform", "DER"], check=True,
                              stdout=subprocess.PIPE).stdout
        self.x, self.y = spki[-64:-32], spki[-32:]

    def jwk(self, **more):
        return dict({"kty": "EC", "crv": "P-256", "x": b64(self.x), "y": b64(self.y)}, **more)

    def thumbprint(self):
        text = json.dumps(self.jwk(), sort_keys=True, separators=(",", ":"))
        return b64(hashlib.sha256(text.encode()).digest())

    def sign(self, text):
        der = subprocess.run(["openssl", "dgst", "-sha256", "-sign", self.path], input=text, check=True,
                             stdout=subprocess.PIPE).stdout
        at, out = 2, b""
        for _ in range(2):
            n = der[at + 1]
            out += der[at + 2:at + 2 + n].lstrip(b"\0").rjust(32, b"\0")
            at += 2 + n
        return out

    def token(self, header, claims):
        text = b64(dict({"alg": "ES256"}, **header)) + "." + b64(claims)
        return text + "." + b64(self.sign(text.encode()))
