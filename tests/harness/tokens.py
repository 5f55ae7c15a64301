"""Tokens of an issuer of the test's own: keys, signatures by openssl, and a set of keys for httpd."""

import base64
import itertools
import json
import os
import subprocess
import time

_number = itertools.count(1)


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _openssl(*args, input=None):
    return subprocess.run(["openssl", *args], input=input, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          check=True).stdout


def _integer(der):
    """(value of the INTEGER at the begin, what follows)."""
    assert der[0] == 2
    return int.from_bytes(der[2:2 + der[1]], "big"), der[2 + der[1]:]


class Key:
    """A private key below `folder`, for RS256 or ES256."""

    def __init__(self, folder, kid, alg="RS256"):
        self.kid, self.alg = kid, alg
        self.path = os.path.join(folder, "%s-%d.pem" % (kid, next(_number)))
        kind = (["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"] if alg == "RS256" else
                ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"])
        _openssl("genpkey", *kind, "-out", self.path)

    def public(self):
        """The members of its public JWK that its thumbprint is made of."""
        if self.alg == "RS256":
            text = _openssl("rsa", "-in", self.path, "-noout", "-modulus").decode().strip()
            return {"e": "AQAB", "kty": "RSA", "n": b64(bytes.fromhex(text.split("=")[1]))}
        point = _openssl("pkey", "-in", self.path, "-pubout", "-outform", "DER")[-64:]
        return {"crv": "P-256", "kty": "EC", "x": b64(point[:32]), "y": b64(point[32:])}

    def jwk(self):
        return dict(self.public(), kid=self.kid, alg=self.alg, use="sig")

    def thumbprint(self):
        text = json.dumps(self.public(), sort_keys=True, separators=(",", ":"))
        return b64(_openssl("dgst", "-sha256", "-binary", input=text.encode()))

    def signature(self, text):
        der = _openssl("dgst", "-sha256", "-sign", self.path, input=text.encode())
        if self.alg == "RS256":
            return b64(der)
        r, rest = _integer(der[2:])
        s, _ = _integer(rest)
        return b64(r.to_bytes(32, "big") + s.to_bytes(32, "big"))

    def jws(self, header, payload):
        text = "%s.%s" % (b64(json.dumps(header).encode()), b64(json.dumps(payload).encode()))
        return text + "." + self.signature(text)


class Issuer:
    """Tokens with `iss`; the first of its keys signs."""

    def __init__(self, folder, iss="https://login.example", aud="https://api.example", keys=("k1",)):
        self.folder, self.iss, self.aud = folder, iss, aud
        self.keys = [Key(folder, kid) for kid in keys]

    def jwks(self):
        return json.dumps({"keys": [key.jwk() for key in self.keys]})

    def token(self, key=None, typ="at+jwt", header=(), **claims):
        """An access token of an hour; a claim of None is left out."""
        key, now = key or self.keys[0], int(time.time())
        body = {"iss": self.iss, "aud": self.aud, "sub": "eve", "client_id": "web", "iat": now, "exp": now + 3600,
                "jti": "j%d" % next(_number)}
        body.update(claims)
        head = dict({"alg": key.alg, "kid": key.kid, "typ": typ}, **dict(header))
        return key.jws(head, {name: value for name, value in body.items() if value is not None})


def bearer(token):
    return [("Authorization", "Bearer " + token)]


NAMES = {"interval": "fetch_interval", "ttl": "keys_ttl", "stale": "keys_stale"}


def add_issuer(store, issuer, name="acme", jwks=None, secret=None, **options):
    """Adds it to the store by `issuer add`, with RS256 and ES256.

    jwks     "static": the issuer's own set; a URL; "discover"; None: its tokens are opaque
    secret   of the client that asks it about tokens
    options  of the command: a list is given again for each, True is a flag, a number is of seconds
    """
    words = ["issuer", "add", name, "--issuer", issuer.iss, "--audience", issuer.aud, "--alg", "RS256,ES256",
             "--jwks", "-" if jwks == "static" else jwks or "none"]
    for option, values in options.items():
        option = "--" + NAMES.get(option, option).replace("_", "-")
        for value in values if isinstance(values, list) else [values]:
            if value is True:
                words.append(option)
            else:
                words += [option, value if isinstance(value, str) else "%ds" % value if value else "none"]
    return store.json(*words, input=issuer.jwks() if jwks == "static" else secret)
