"""Signed requests (RFC 9421): who signed, what is covered, how old it is, and that the content is what was signed."""

import base64
import itertools
import os
import subprocess
import threading
import time

import pytest
from harness import TOP, Backend, Server, Site, wait_for
from harness.backend import body_of
from harness.h2 import H2Connection
from harness.signer import STANDARD, Signer, by_key, by_secret, content_digest

pytestmark = pytest.mark.one_mpm

HOST, SECRET = "api.example.org", "0123456789abcdef0123456789abcdef"
CONF = """
Protocols h2c http/1.1
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
<Location /cgi/api/once>
    ApiSecSignature nonce max-age=1m
    ApiSecLimit once rate=6/d by=key
</Location>
<Location /cgi/api/hmac>
    ApiSecSignature hmac
</Location>
<Location /cgi/api/tagged>
    ApiSecSignature tag=shop components=@method,@target-uri,x-tenant
</Location>
<Location /cgi/api/off>
    ApiSecSignature Off
</Location>
<Location /cgi/api/public>
    ApiSecRequire public
</Location>
<Location /cgi/api/small>
    ApiSecMax held=1000
</Location>
<Location /cgi/api/watch>
    ApiSecEngine DetectOnly
</Location>
<Location /cgi/api/typed>
    AuthType ApiSec
    Require api-role reader
</Location>
<Location /moved>
    ApiSecSignature nonce
    RewriteEngine On
    RewriteRule ^ /cgi/api/hmac [PT]
</Location>
<Location /back>
    ApiSecSignature On
    ProxyPass http://127.0.0.1:@BACK@/back
</Location>
"""
KEYS = {"ed25519": (["-algorithm", "ed25519"], []),
        "ecdsa-p256-sha256": (["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"], ["-digest", "sha256"]),
        "rsa-pss-sha512": (["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
                           ["-digest", "sha512", "-pkeyopt", "rsa_padding_mode:pss", "-pkeyopt", "rsa_pss_saltlen:64"]),
        "rsa-v1_5-sha256": (["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
                            ["-digest", "sha256", "-pkeyopt", "rsa_padding_mode:pkcs1"])}


def sign_by(site, key, keyid, alg, *options, **how):
    site.store.ok("key", "signer", "add", site.ids[key], "--keyid", keyid, "--alg", alg, *options, **how)


def prepare(site):
    site.role("reader", "GET,POST,PUT /cgi/**", "GET,POST /back/**", "GET,POST /moved/**")
    site.role("weak", "GET /other/**")
    site.key("ci", owner="shop")
    site.key("other", owner="bank")
    site.key("weak", role="weak")
    site.key("revoked")
    site.key("elsewhere", cidr="192.0.2.0/24")
    for name in ("ci", "other", "weak", "revoked", "elsewhere"):
        sign_by(site, name, "sign-" + name, "hmac-sha256", input=SECRET if name != "other" else SECRET[::-1])
    sign_by(site, "ci", "ended", "hmac-sha256", "--expires", "1s", input=SECRET)
    for alg, (options, _) in KEYS.items():
        path = site.folder.path("run-" + alg)
        subprocess.run(["openssl", "genpkey", *options, "-out", path], check=True, stderr=subprocess.DEVNULL)
        subprocess.run(["openssl", "pkey", "-in", path, "-pubout", "-out", path + ".pub"], check=True)
        sign_by(site, "ci", alg, alg, "--public", path + ".pub")
    site.store.ok("key", "revoke", site.ids["revoked"])
    site.folder.write("runs.txt", "", 0o666)
    site.script("api", 'echo run >> %s/runs.txt\nprintf "Content-Type: text/plain\\nX-User: $REMOTE_USER $APISEC_KEY_ID\\n\\n"\ncat\n' % site.folder.root)


@pytest.fixture(scope="module")
def back():
    with Backend() as backend:
        yield backend


@pytest.fixture(scope="module")
def site(back):
    with Site(CONF.replace("@BACK@", str(back.port)), prepare,
              modules=["cgi", "proxy_http", "http2", "remoteip", "rewrite"]) as made:
        yield made


_numbers = itertools.count(1)
ci = Signer("sign-ci", by_secret(SECRET), HOST)


def nonce():
    return "n%d" % next(_numbers)


def send(site, method, path, body=None, signer=ci, fields=(), **params):
    return site.request(method, path, headers=signer(method, path, body, fields, **params), body=body)


def runs(site):
    with open(site.folder.path("runs.txt")) as seen:
        return seen.read().count("run")


def line_of(site, got):
    return site.server.wait_audit(lambda line: line["id"] == got.headers["X-Request-Id"])


def refused(site, got, status, reason):
    return (got.status, line_of(site, got)["reason"]) == (status, reason)


# SIG-01, SIG-11, AZ-11
def test_signed_request_is_that_of_its_key(site):
    for path in ("/cgi/api", "/cgi/api/x%20y?a=%2f&b", "/cgi/api?"):
        got = send(site, "GET", path)
        assert (got.status, got.headers["X-User"]) == (200, "shop " + site.ids["ci"]), path
    line = line_of(site, got)
    assert (line["decision"], line["key"], line["user"]) == ("allow", site.ids["ci"], "shop")
    got = send(site, "POST", "/cgi/api", b"hello")
    assert (got.status, got.body) == (200, b"hello")
    assert send(site, "GET", "/cgi/api/typed").status == 200
    # The origin is the configured one, whatever the Host field says.
    fields = ci("GET", "/cgi/api") + [("Host", "evil.example")]
    assert site.get("/cgi/api", headers=fields).status == 200
    evil = Signer("sign-ci", by_secret(SECRET), "evil.example")
    assert refused(site, site.get("/cgi/api", headers=evil("GET", "/cgi/api") + [("Host", "evil.example")]), 401, "signature_wrong")


# SIG-14, SIG-03
@pytest.mark.parametrize("alg", KEYS)
def test_public_keys(site, alg):
    signer = Signer(alg, by_key(site.folder.path("run-" + alg), *KEYS[alg][1]), HOST)
    assert send(site, "POST", "/cgi/api", b"x", signer).body == b"x"
    assert send(site, "GET", "/cgi/api", signer=signer, alg=alg).status == 200
    assert refused(site, send(site, "GET", "/cgi/api", signer=signer, alg="hmac-sha256"), 401, "signature_key")
    assert refused(site, send(site, "GET", "/cgi/api", signer=Signer(alg, by_secret(SECRET), HOST)), 401, "signature_wrong")


# SIG-01: one changed byte
def test_what_is_covered_cannot_be_changed(site):
    before = runs(site)
    fields = ci("POST", "/cgi/api/a?x=1", b"hello")

    def with_field(name, change):
        return [(n, change(v) if n == name else v) for n, v in fields]

    for method, path, sent in (("PUT", "/cgi/api/a?x=1", fields), ("POST", "/cgi/api/b?x=1", fields), ("POST", "/cgi/api/a?x=2", fields),
                               ("POST", "/cgi/api/a", fields), ("POST", "/cgi/api/%61?x=1", fields),
                               ("POST", "/cgi/api/a?x=1", with_field("Content-Digest", lambda v: content_digest(b"other"))),
                               ("POST", "/cgi/api/a?x=1", with_field("Signature-Input", lambda v: v.replace("created=1", "created=2"))),
                               ("POST", "/cgi/api/a?x=1", with_field("Signature", lambda v: v[:8] + ("A" if v[8] != "A" else "B") + v[9:]))):
        got = site.request(method, path, headers=sent, body=b"hello")
        assert got.status == 401 and line_of(site, got)["reason"] in ("signature_wrong", "signature_time"), (method, path)
    assert runs(site) == before
    assert site.request("POST", "/cgi/api/a?x=1", headers=fields, body=b"hello").status == 200


# SIG-02
def test_what_has_to_be_covered(site):
    for left in STANDARD:
        assert refused(site, send(site, "GET", "/cgi/api", cover=[name for name in STANDARD if name != left]), 401, "signature_policy")
    assert refused(site, send(site, "POST", "/cgi/api", b"x", cover=STANDARD), 401, "signature_policy")
    assert send(site, "GET", "/cgi/api", cover=["@target-uri", "@method"]).status == 200  # says as much
    assert send(site, "GET", "/cgi/api/tagged", tag="shop", fields=[("X-Tenant", "a")], cover=["@method", "@target-uri", "x-tenant"]).status == 200
    assert refused(site, send(site, "GET", "/cgi/api/tagged", tag="shop", cover=["@method", "@target-uri"]), 401, "signature_policy")
    assert refused(site, send(site, "POST", "/cgi/api/tagged", b"x", tag="shop", fields=[("X-Tenant", "a")],
                              cover=["@method", "@target-uri", "x-tenant"]), 401, "signature_policy")


# SIG-03
def test_unknown_and_dead_signers(site):
    wait_for(lambda: send(site, "GET", "/cgi/api", keyid="ended").status == 401)
    for keyid in ("nobody", "ended", "sign-ci ", ""):
        assert refused(site, send(site, "GET", "/cgi/api", keyid=keyid), 401, "signature_key")
    assert refused(site, send(site, "GET", "/cgi/api", keyid=None), 401, "signature_key")
    for name, status, reason in (("revoked", 401, "key_revoked"), ("weak", 403, "grant_missing"), ("elsewhere", 403, "key_network")):
        got = send(site, "GET", "/cgi/api", keyid="sign-" + name)
        assert refused(site, got, status, reason) and line_of(site, got)["key"] == site.ids[name]
    assert refused(site, send(site, "GET", "/cgi/api", keyid="sign-other"), 401, "signature_wrong")


# SIG-04
def test_times(site):
    now = int(time.time())
    for created, expires, reason in ((now - 290, None, "allow"), (now - 310, None, "signature_time"), (now + 60, None, "signature_time"),
                                     (None, None, "signature_policy"), (now, now - 1, "signature_time"), (now, now + 60, "allow"),
                                     (now - 200, now + 60, "allow")):
        got = send(site, "GET", "/cgi/api", created=created, expires=expires)
        assert refused(site, got, 200 if reason == "allow" else 401, reason), (created, expires)
    assert refused(site, send(site, "GET", "/cgi/api/once", created=now - 70, nonce=nonce()), 401, "signature_time")
    fields = [(n, v.replace("created=", "created=0.")) for n, v in ci("GET", "/cgi/api")]
    assert refused(site, site.get("/cgi/api", headers=fields), 401, "signature_malformed")


# SIG-05
def test_nonce_is_used_once(site):
    assert refused(site, send(site, "GET", "/cgi/api/once"), 401, "signature_policy")
    fields = ci("POST", "/cgi/api/once", b"hello", nonce="one")
    # Neither another's content nor a refusal uses it up.
    assert refused(site, site.request("POST", "/cgi/api/once", headers=fields, body=b"hellO"), 401, "digest_wrong")
    assert site.request("POST", "/cgi/api/once", headers=fields, body=b"hello").body == b"hello"
    got = site.request("POST", "/cgi/api/once", headers=fields, body=b"hello")
    assert refused(site, got, 401, "signature_used") and line_of(site, got)["event"] == "authn_token_reuse"
    # A redirect within the server, to a section that asks for one too, is the same request.
    fields = ci("POST", "/moved/x", b"hello", nonce="moved")
    assert site.request("POST", "/moved/x", headers=fields, body=b"hello").body == b"hello"
    assert refused(site, site.request("POST", "/moved/x", headers=fields, body=b"hello"), 401, "signature_used")
    other = Signer("sign-other", by_secret(SECRET[::-1]), HOST)
    assert send(site, "GET", "/cgi/api/once", signer=other, nonce="one").status == 200
    # All processes.
    fields, got = ci("GET", "/cgi/api/once", nonce="race"), []
    gate = threading.Barrier(4)

    def one():
        gate.wait()
        got.append(site.get("/cgi/api/once", headers=fields).status)

    threads = [threading.Thread(target=one) for _ in range(3)]
    for thread in threads:
        thread.start()
    gate.wait()
    for thread in threads:
        thread.join()
    assert sorted(got) == [200, 401, 401]
    # The key's limits hold for what it signed; what they refuse keeps its nonce.
    assert site.get("/cgi/api/once", headers=ci("GET", "/cgi/api/once", nonce="late")).status == 429


# SIG-06, SIG-07, SIG-15
def test_content_is_what_was_signed(site, back):
    before, seen = runs(site), len(back.seen)
    body = b"x" * 9000
    cover = list(STANDARD) + ["content-digest"]
    good = content_digest(body)
    wrong = content_digest(b"other")
    for digest, reason in ((good, "allow"), (content_digest(body, "sha-512"), "allow"), (good + ", " + content_digest(body, "sha-512"), "allow"),
                           ("md5=:AAAA:, " + good, "allow"), (wrong, "digest_wrong"), (content_digest(b""), "digest_wrong"),
                           (good + ", " + content_digest(b"other", "sha-512"), "digest_wrong"), ("md5=:%s:" % base64.b64encode(b"x" * 16).decode(), "digest_wrong"),
                           ("sha-256=xyz", "digest_wrong"), ("crc32c=:AAAAAA==:", "digest_wrong")):
        for path in ("/cgi/api", "/back/x"):
            got = send(site, "POST", path, body, fields=[("Content-Digest", digest)], digest=False, cover=cover)
            assert refused(site, got, 200 if reason == "allow" else 401, reason), digest
    assert (runs(site), len(back.seen)) == (before + 4, seen + 4) and body_of(back.seen[-1]) == body
    # Chunks change nothing; what came without a digest does.
    chunked = [("Transfer-Encoding", "chunked")]
    fields = ci("POST", "/back/x", body)
    got = site.request("POST", "/back/x", headers=fields + chunked, body=b"2328\r\n" + body + b"\r\n0\r\n\r\n")
    assert got.status == 200 and body_of(back.seen[-1]) == body
    assert refused(site, site.request("POST", "/back/x", headers=fields + chunked, body=b"2327\r\n" + body[1:] + b"\r\n0\r\n\r\n"), 401, "digest_wrong")
    assert refused(site, site.request("POST", "/cgi/api", headers=ci("POST", "/cgi/api") + chunked, body=b"1\r\nx\r\n0\r\n\r\n"), 401, "signature_policy")
    assert refused(site, site.request("GET", "/cgi/api", headers=ci("GET", "/cgi/api", fields=[("Content-Digest", wrong)])), 401, "digest_wrong")
    assert site.request("GET", "/cgi/api", headers=ci("GET", "/cgi/api", fields=[("Content-Digest", content_digest(b""))])).status == 200
    assert refused(site, send(site, "POST", "/cgi/api/small", b"x" * 1001), 413, "body_held")
    assert send(site, "POST", "/cgi/api/small", b"x" * 1000).status == 200


# SIG-15
def test_streams(site, back):
    with H2Connection(site.server.port) as c:
        for path, body, sent in (("/back/x", b"one", b"one"), ("/back/x", b"one", b"two"), ("/cgi/api", None, b""), ("/cgi/api", None, b"x")):
            fields = [(n.lower(), v) for n, v in ci("POST", path, body)]
            c.request("POST", path, fields, sent)
        assert [stream.status for stream in c.finish()] == [200, 401, 200, 401]


# SIG-08
def test_further_signatures_neither_grant_nor_break(site):
    def joined(path, *lists):
        names = ("Signature-Input", "Signature")
        return [(name, ", ".join(dict(fields)[name] for fields in lists)) for name in names]

    path = "/cgi/api/tagged"
    options = {"fields": [("X-Tenant", "a")], "cover": ["@method", "@target-uri", "x-tenant"]}
    good = ci("GET", path, label="a", tag="shop", **options)
    other = ci("GET", path, label="b", tag="else", **options)
    bad = [(n, v.replace("x=:", "x=:AAAA") if n == "Signature" else v) for n, v in ci("GET", path, label="x", keyid="nobody", tag="shop", **options)]
    for lists in ((good, other), (other, good), (bad, good), (good, bad), (bad, other, good)):
        assert site.get(path, headers=joined(path, *lists) + [("X-Tenant", "a")]).status == 200
    assert refused(site, site.get(path, headers=joined(path, other) + [("X-Tenant", "a")]), 401, "signature_missing")
    many = [ci("GET", path, label="s%d" % i, tag="shop", **options) for i in range(5)]
    assert refused(site, site.get(path, headers=joined(path, *many) + [("X-Tenant", "a")]), 401, "signature_malformed")
    # Two that hold are two credentials.
    assert refused(site, site.get(path, headers=joined(path, good, many[0]) + [("X-Tenant", "a")]), 400, "credential_multiple")


# SIG-09, SIG-10, SIG-12, SIG-13
def test_what_cannot_be_read(site):
    fields = dict(ci("GET", "/cgi/api"))
    for name, value in (("Signature-Input", "sig=("), ("Signature-Input", fields["Signature-Input"].replace('"@method"', '"@method" "@method"')),
                        ("Signature-Input", fields["Signature-Input"].replace('"@method"', '"@method" "@nothing"')),
                        ("Signature-Input", fields["Signature-Input"].replace('"@method"', '"@method" "x-a";req')),
                        ("Signature", "sig=AAAA"), ("Signature", "other=:AAAA:"), ("Signature", "")):
        got = site.get("/cgi/api", headers={**fields, name: value})
        assert got.status == 401 and line_of(site, got)["reason"] == "signature_malformed", value
    assert refused(site, send(site, "GET", "/cgi/api", fields=[("X-A", "1")], cover=[*STANDARD, "x-a"]), 200, "allow")
    headers = [(n, v) for n, v in ci("GET", "/cgi/api", fields=[("X-A", "1")], cover=[*STANDARD, "x-a"]) if n != "X-A"]
    assert refused(site, site.get("/cgi/api", headers=headers), 401, "signature_wrong")
    headers = ci("GET", "/cgi/api", fields=[("X-A", "1"), ("X-A", " 2 ")], cover=[*STANDARD, "x-a"])
    assert site.get("/cgi/api", headers=headers).status == 200
    assert site.server.raw(b"GET /cgi/api HTTP/1.1\r\nHost: a\r\n@method: GET\r\n\r\n").startswith(b"HTTP/1.1 400 ")


# AZ-12: one way in, and one credential
def test_key_beside_or_in_place_of_a_signature(site):
    before = runs(site)
    got = site.get("/cgi/api")
    assert refused(site, got, 401, "signature_missing")
    assert got.headers.get_all("WWW-Authenticate") == ['Signature realm="api"']
    assert got.headers["Accept-Signature"] == 'sig=("@method" "@authority" "@path" "@query");created;keyid'
    assert site.get("/cgi/api/tagged").headers["Accept-Signature"] == 'sig=("@method" "@target-uri" "x-tenant");created;keyid;tag="shop"'
    assert refused(site, site.get("/cgi/api", key="ci"), 401, "signature_missing")
    assert refused(site, site.get("/cgi/api", key="ci", headers=ci("GET", "/cgi/api")), 400, "credential_multiple")
    assert refused(site, site.get("/cgi/api", headers=ci("GET", "/cgi/api") + [("Authorization", "Bearer x")]), 400, "credential_multiple")
    assert runs(site) == before
    # Where no signature is asked for it is nobody's.
    assert refused(site, send(site, "GET", "/cgi/api/off"), 401, "credential_missing")
    assert site.get("/cgi/api/off", key="ci").status == 200
    assert site.get("/cgi/api/public").status == 200


# SIG-16
def test_hmac_profile(site):
    assert send(site, "POST", "/cgi/api/hmac", b"x", nonce=nonce()).body == b"x"
    assert refused(site, send(site, "POST", "/cgi/api/hmac", b"x"), 401, "signature_policy")
    signer = Signer("ed25519", by_key(site.folder.path("run-ed25519")), HOST)
    assert refused(site, send(site, "GET", "/cgi/api/hmac", signer=signer, nonce=nonce()), 401, "signature_key")
    # A byte that moves from one field into its neighbour.
    one = ci("GET", "/cgi/api/hmac/ab?c", nonce=nonce())
    for path in ("/cgi/api/hmac/a?bc", "/cgi/api/hmac/abc?"):
        assert refused(site, site.get(path, headers=one), 401, "signature_wrong")
    assert site.get("/cgi/api/hmac/ab?c", headers=one).status == 200


CLIENTS = {"send.sh": "sh", "send.py": "python3", "send.mjs": "node"}


# SIG-16: those of docs/clients
@pytest.mark.parametrize("client", CLIENTS)
def test_plain_clients(site, client):
    site.folder.write("secret.txt", SECRET + "\n")
    env = {**os.environ, "API": "http://127.0.0.1:%d" % site.server.port, "AUTHORITY": HOST, "KEYID": "sign-ci",
           "SECRET": site.folder.path("secret.txt"), "no_proxy": "*"}

    def run(*args, **changed):
        return subprocess.run([CLIENTS[client], os.path.join(TOP, "docs/clients", client), *args], env={**env, **changed},
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    for body in ('{"a": "\u00e4\\n%s\'"}', "x" * 9000):
        assert run("POST", "/cgi/api/hmac", body).stdout == body.encode()
    for target in ("/cgi/api/hmac", "/cgi/api/hmac/x%20y?a=%2F&b=?&c"):
        done = run("GET", target)
        assert (done.returncode, done.stdout) == (0, b"")
        line = site.server.wait_audit(lambda line: line["path"] == target.split("?")[0].replace("%20", " ") and line["method"] == "GET")
        assert (line["decision"], line["key"]) == ("allow", site.ids["ci"])
    assert run("GET", "/cgi/api/hmac", KEYID="sign-other").returncode != 0
    assert run("GET", "/cgi/api/hmac", AUTHORITY="evil.example").returncode != 0


# NEG-10
def test_detect_only_changes_nothing(site):
    fields = ci("POST", "/cgi/api/watch", b"hello")
    for body, reason, decision in ((b"hello", "allow", "allow"), (b"other", "digest_wrong", "would-refuse")):
        got = site.request("POST", "/cgi/api/watch", headers=fields, body=body)
        assert (got.status, got.body) == (200, body)
        line = site.server.wait_audit(lambda line: line["path"] == "/cgi/api/watch" and line["reason"] == reason)
        assert line["decision"] == decision


# CLI-05
@pytest.mark.parametrize("words, said", [
    ("ApiSecSignature", "want On, Off"), ("ApiSecSignature yes", '"yes": want On'), ("ApiSecSignature On Off", '"On": want'),
    ("ApiSecSignature max-age=2h", "1s to 1h"), ("ApiSecSignature max-age=0s", "1s to 1h"), ("ApiSecSignature tag=", "tag="),
    ('ApiSecSignature "tag=a b"', "tag="), ('ApiSecSignature "components=@method @nothing"', "@nothing"),
    ("ApiSecSignature components=", "names none"),
])
def test_mistakes_are_found_before_the_start(folder, words, said):
    code, out = Server(folder, "<Location />\n%s\n</Location>\n" % words).configtest()
    assert code != 0 and said in out, out


# SIG-11, CLI-05
@pytest.mark.parametrize("origin", ["http://a", "https://a/", "a", "https://A", "https://a:443", "https://*.a"])
def test_origins_that_are_none(folder, origin):
    code, out = Server(folder, "ApiSecOrigin %s\n" % origin).configtest()
    assert code != 0 and "ApiSecOrigin" in out, out
