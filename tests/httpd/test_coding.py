"""Content-Encoding of requests: what is decoded is what is read, and what the handler gets."""

import gzip
import json
import re
import subprocess
import zlib

import pytest
from harness import MPM, Backend, Site
from harness.backend import body_of, fields_of
from harness.h2 import H2Connection
from harness.sender import github
from harness.signer import Signer, by_secret, content_digest

SECRET = "0123456789abcdef0123456789abcdef"
CONF = """
Protocols h2c http/1.1
ApiSecRequireTLS Off
ApiSecOrigin https://api.example.org
ScriptAlias /cgi @ROOT@/cgi
<Directory @ROOT@/cgi>
    Require all granted
</Directory>
ProxyPass /back http://127.0.0.1:@BACK@/back
ApiSecEngine On
<Location /back>
    ApiSecBody json max=100k
</Location>
<Location /back/original>
    ApiSecDecode forward=original
</Location>
<Location /back/none>
    ApiSecDecode none
</Location>
<Location /back/gzip>
    ApiSecDecode gzip ratio=10
    ApiSecBody any max=1m
</Location>
<Location /back/signed>
    ApiSecSignature On
</Location>
<Location /back/hook>
    ApiSecWebhook github
</Location>
<Location /back/watch>
    ApiSecEngine DetectOnly
</Location>
<Location /cgi>
    ApiSecBody json
</Location>
<Location /cgi/deflate>
    SetInputFilter DEFLATE
</Location>
<Location /cgi/original>
    SetInputFilter DEFLATE
    ApiSecDecode forward=original
</Location>
<Location /moved>
    ApiSecBody json
    ApiSecSignature On
    RewriteEngine On
    RewriteRule ^ /back/signed/two [PT]
</Location>
"""
ECHO = r"""
printf 'Content-Type: text/plain\nX-Length: %s\nX-Coded: %s\n\n' "$CONTENT_LENGTH" "$HTTP_CONTENT_ENCODING"
cat
"""
PLAIN = json.dumps({"name": "value", "list": list(range(100))}).encode()


def raw_deflate(data):
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


def brotli(data):
    return subprocess.run(["node", "-e", "process.stdout.write(require('zlib').brotliCompressSync(require('fs').readFileSync(0)))"],
                          input=data, stdout=subprocess.PIPE, check=True).stdout


CODED = {"gzip": gzip.compress(PLAIN), "x-gzip": gzip.compress(PLAIN), "deflate": zlib.compress(PLAIN), "DEFLATE": raw_deflate(PLAIN), "br": brotli(PLAIN)}


def prepare(site):
    site.role("all", "POST /**")
    site.key("ci", role="all", owner="shop")
    site.store.ok("key", "signer", "add", site.ids["ci"], "--keyid", "sign-ci", "--alg", "hmac-sha256", input=SECRET)
    site.store.ok("webhook", "add", "github", "--scheme", "github", input=SECRET)
    for name in ("echo", "deflate", "original"):
        site.script(name, ECHO)


@pytest.fixture(scope="module")
def back():
    with Backend() as backend:
        yield backend


@pytest.fixture(scope="module")
def site(back):
    modules = ["cgi", "proxy_http", "rewrite", "deflate"] + (["http2"] if MPM != "prefork" else [])
    conf = CONF if MPM != "prefork" else CONF.replace("Protocols h2c http/1.1\n", "")
    with Site(conf.replace("@BACK@", str(back.port)), prepare, modules=modules) as made:
        yield made


def send(site, path, body, coding, headers=(), key="ci", kind="application/json"):
    fields = [*headers, ("Content-Type", kind)] + ([("Content-Encoding", coding)] if coding is not None else [])
    return site.request("POST", path, key=key, headers=fields, body=body)


def line_of(site, got):
    return site.server.wait_audit(lambda line: line["id"] == got.headers["X-Request-Id"])


def verdict(site, got):
    line = line_of(site, got)
    return (got.status, line["reason"]) + ((line["fault"],) if "fault" in line else ())


# NEG-05, POS-13
@pytest.mark.parametrize("coding", CODED)
@pytest.mark.parametrize("chunked", [False, True])
def test_decoded_bytes_are_read_and_forwarded(site, back, coding, chunked):
    data = CODED[coding]
    fields = [("Content-MD5", "AAAA"), ("Digest", "md5=AAAA"), ("Content-Digest", "sha-256=:AAAA:"), ("Repr-Digest", "sha-256=:AAAA:")]
    if chunked:
        data, fields = b"%x\r\n%s\r\n0\r\n\r\n" % (len(data), data), [*fields, ("Transfer-Encoding", "chunked")]
    got = send(site, "/back/x", data, coding, fields)
    assert verdict(site, got) == (200, "allow")
    seen = back.seen[-1]
    assert body_of(seen) == PLAIN and fields_of(seen, "Content-Length") == [str(len(PLAIN))]
    for name in ("Content-Encoding", "Transfer-Encoding", "Content-MD5", "Digest", "Content-Digest", "Repr-Digest"):
        assert fields_of(seen, name) == [], name
    got = send(site, "/cgi/echo", data, coding, fields)
    assert (got.body, got.headers["X-Length"], got.headers["X-Coded"]) == (PLAIN, str(len(PLAIN)), "")


# POS-13
def test_the_original_may_be_forwarded(site, back):
    data = CODED["gzip"]
    assert send(site, "/back/original/x", data, "gzip", [("Digest", "md5=AAAA")]).status == 200
    seen = back.seen[-1]
    assert (body_of(seen), fields_of(seen, "Content-Encoding"), fields_of(seen, "Content-Length")) == (data, ["gzip"], [str(len(data))])
    assert fields_of(seen, "Digest") == ["md5=AAAA"]
    before = len(back.seen)
    got = send(site, "/back/original/x", gzip.compress(b"[1,]"), "gzip")
    assert verdict(site, got) == (400, "body_malformed", "json syntax 3") and len(back.seen) == before


# NEG-05
@pytest.mark.parametrize("path", ["/cgi/deflate", "/cgi/original"])
def test_nothing_is_decoded_twice(site, path):
    assert send(site, path, CODED["gzip"], "gzip").body == PLAIN
    twice = gzip.compress(gzip.compress(PLAIN))
    assert verdict(site, send(site, path, twice, "gzip"))[:2] == (400, "body_malformed")


def digits(size):
    """A JSON string of so many bytes that does not shrink much."""
    return b'"%s"' % b"".join(b"%d" % (i * i * 7919) for i in range(size))[:size - 2]


BOMB = gzip.compress(b"[" + b" " * 90000 + b"]")
CASES = [
    ("/back/x", "zstd", b"x", (415, "coding_refused"), "gzip, deflate, br"),
    ("/back/x", "gzip, gzip", gzip.compress(CODED["gzip"]), (415, "coding_refused"), "gzip, deflate, br"),
    ("/back/none/x", "gzip", CODED["gzip"], (415, "coding_refused"), "identity"),
    ("/back/gzip/x", "br", CODED["br"], (415, "coding_refused"), "gzip"),
    ("/back/none/x", "identity", PLAIN, (200, "allow"), None),
    ("/back/x", "gzip", CODED["gzip"][:-1], (400, "coding_broken", "gzip truncated 0"), None),
    ("/back/x", "gzip", CODED["gzip"] + b"\0", (400, "coding_broken", "gzip trailing 0"), None),
    ("/back/x", "gzip", CODED["gzip"] * 2, (400, "coding_broken", "gzip trailing 0"), None),
    ("/back/x", "gzip", PLAIN, (400, "coding_broken", "gzip malformed 0"), None),
    ("/back/x", "br", CODED["br"][:-1], (400, "coding_broken", "br truncated 0"), None),
    ("/back/x", "deflate", CODED["deflate"] + b"x", (400, "coding_broken", "deflate trailing 0"), None),
    ("/back/x", None, CODED["gzip"], (400, "body_malformed", "json syntax 0"), None),
    ("/back/gzip/x", "gzip", BOMB, (413, "coding_too_large", "gzip ratio 0"), None),
    ("/back/x", "gzip", BOMB, (413, "coding_too_large", "gzip ratio 0"), None),
    ("/back/x", "gzip", gzip.compress(digits(102400)), (200, "allow"), None),
    ("/back/x", "gzip", gzip.compress(digits(102401)), (413, "coding_too_large", "gzip bytes 0"), None),
    ("/back/x", "gzip", gzip.compress(digits(102400), 0), (413, "body_held"), None),
]


# NEG-05
@pytest.mark.parametrize("path, coding, body, want, accept", CASES, ids=[str(i) for i in range(len(CASES))])
def test_what_cannot_be_decoded_is_refused(site, back, path, coding, body, want, accept):
    before = len(back.seen)
    got = send(site, path, body, coding)
    assert verdict(site, got) == want
    assert got.headers["Accept-Encoding"] == accept
    assert len(back.seen) == before + (want[0] == 200)


# NEG-05, SIG-06: a signature and a delivery are of the bytes as sent, and are looked at before anything is decoded.
def test_signatures_are_over_what_was_sent(site, back):
    signer = Signer("sign-ci", by_secret(SECRET), "api.example.org")
    for path in ("/back/signed/x", "/moved/x"):
        for body, want in ((CODED["gzip"], (200, "allow")), (gzip.compress(b"[1,]"), (400, "body_malformed", "json syntax 3"))):
            fields = signer("POST", path, body, [("Content-Encoding", "gzip")])
            got = site.request("POST", path, headers=[*fields, ("Content-Type", "application/json")], body=body)
            assert verdict(site, got) == want, (path, want)
        assert body_of(back.seen[-1]) == PLAIN and fields_of(back.seen[-1], "Content-Digest") == []
    fields = signer("POST", "/back/signed/x", PLAIN)
    got = send(site, "/back/signed/x", CODED["gzip"], "gzip", fields, key=None)
    assert verdict(site, got) == (401, "digest_wrong")


def test_deliveries_are_signed_as_sent(site, back):
    body = CODED["gzip"]
    got = send(site, "/back/hook/x", body, "gzip", github(SECRET, body), key=None)
    assert verdict(site, got) == (200, "allow") and body_of(back.seen[-1]) == PLAIN
    got = send(site, "/back/hook/x", body, "gzip", github(SECRET, PLAIN), key=None)
    assert verdict(site, got) == (401, "webhook_signature")
    # What is refused was not accepted, and may come again.
    body = gzip.compress(b"{")
    for _ in range(2):
        assert verdict(site, send(site, "/back/hook/x", body, "gzip", github(SECRET, body), key=None)) == (400, "body_malformed", "json end 1")


def test_detect_only_forwards_what_came(site, back):
    for body, reason in ((CODED["gzip"], "allow"), (CODED["gzip"][:-1], "coding_broken")):
        send(site, "/back/watch/" + reason, body, "gzip")
        seen = back.seen[-1]
        assert (body_of(seen), fields_of(seen, "Content-Encoding")) == (body, ["gzip"])
        assert site.server.wait_audit(lambda line: line["path"] == "/back/watch/" + reason)["reason"] == reason


@pytest.mark.skipif(MPM == "prefork", reason="HTTP/2 wants threads")
def test_http2(site):
    with H2Connection(site.server.port) as h2:
        fields = [("x-api-key", site.keys["ci"]), ("content-type", "application/json"), ("content-encoding", "gzip")]
        h2.request("POST", "/cgi/echo", fields, CODED["gzip"])
        h2.request("POST", "/cgi/echo", fields, CODED["gzip"][:-1])
        got = h2.finish()
    assert [stream.status for stream in got] == [200, 400]
    assert got[0].body == PLAIN
