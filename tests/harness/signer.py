"""A client that signs its requests as RFC 9421 has it."""

import base64
import hashlib
import hmac
import subprocess
import time

STANDARD = ("@method", "@authority", "@path", "@query")


def b64(data):
    return base64.b64encode(data).decode()


def content_digest(body, name="sha-256"):
    return "%s=:%s:" % (name, b64(hashlib.new(name.replace("-", ""), body).digest()))


def by_secret(secret):
    return lambda base: hmac.new(secret.encode(), base, hashlib.sha256).digest()


def by_key(path, *options):
    """By the private key in a PEM file; of an elliptic curve r and s come without DER."""
    def sign(base):
        with open(path + ".base", "wb") as f:
            f.write(base)
        done = subprocess.run(["openssl", "pkeyutl", "-sign", "-rawin", "-inkey", path, "-in", path + ".base", *options],
                              stdout=subprocess.PIPE, check=True)
        return raw_of(done.stdout) if "-digest" in options and "-pkeyopt" not in options else done.stdout
    return sign


def raw_of(der, size=32):
    """r and s of full length."""
    out, at = b"", 2
    for _ in range(2):
        length = der[at + 1]
        out += int.from_bytes(der[at + 2:at + 2 + length], "big").to_bytes(size, "big")
        at += 2 + length
    return out


class Signer:
    """Signer(keyid, sign, authority)(method, path, body, fields) -> the fields with the signature's."""

    def __init__(self, keyid, sign, authority, **params):
        self.keyid, self.sign, self.authority, self.params = keyid, sign, authority, params

    def __call__(self, method, path, body=None, fields=(), cover=None, label="sig", digest=True, **params):
        fields = list(fields)
        if body and digest:
            fields.append(("Content-Digest", content_digest(body)))
        if cover is None:
            cover = list(STANDARD) + (["content-digest"] if body else [])
        bare, _, query = path.partition("?")
        values = {"@method": method, "@authority": self.authority, "@path": bare, "@query": "?" + query, "@scheme": "https",
                  "@request-target": path, "@target-uri": "https://%s%s" % (self.authority, path)}
        for name, value in fields:
            name = name.lower()
            values[name] = values[name] + ", " + value.strip() if name in values else value.strip()
        params = {"created": int(time.time()), "keyid": self.keyid, **self.params, **params}
        inner = "(%s)" % " ".join('"%s"' % name for name in cover)
        inner += "".join(";%s=%s" % (name, value if isinstance(value, int) else '"%s"' % value)
                         for name, value in params.items() if value is not None)
        base = "".join('"%s": %s\n' % (name, values[name]) for name in cover) + '"@signature-params": ' + inner
        return fields + [("Signature-Input", "%s=%s" % (label, inner)), ("Signature", "%s=:%s:" % (label, b64(self.sign(base.encode()))))]
