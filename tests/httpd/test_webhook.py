"""Deliveries of webhooks: five schemes, each delivery once, and the handler reads what was signed."""

import base64
import gzip
import itertools
import socket
import threading
import types

import pytest
from harness import Backend, Server, Site
from harness.backend import body_of, fields_of
from harness.h2 import H2Connection
from harness.sender import SENDERS, github, now, standard

pytestmark = pytest.mark.one_mpm

SECRETS = {name: "secret-of-%s-0123456789abcdef" % name for name in SENDERS}
SECRETS["standard"] = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()
OLD, NEW = "old-secret-0123456789abcdef", "new-secret-0123456789abcdef"
OTHER = "another-secret-0123456789abcdef"
OWN = ["--signature-field", "X-Signature", "--prefix", "sha256="]
OPTIONS = {"plain": OWN, "timed": [*OWN, "--time-field", "X-Time"]}
CONF = """
Protocols h2c http/1.1
ApiSecRequireTLS Off
ApiSecFailLimit 100000/s
ScriptAlias /cgi @ROOT@/cgi
<Directory @ROOT@/cgi>
    Require all granted
</Directory>
AddType text/html .shtml
AddOutputFilter INCLUDES .shtml
<Directory @DOCS@>
    Options Includes FollowSymLinks
</Directory>
ApiSecEngine On
""" + "".join("""
<Location /cgi/%s>
    ApiSecWebhook %s
</Location>
""" % (name, name) for name in SENDERS) + """
<Location /cgi/github/conflict>
    ApiSecWebhook github repeat=409
</Location>
<Location /cgi/github/empty>
    ApiSecWebhook github repeat=204
</Location>
<Location /cgi/github/small>
    ApiSecMax held=1000
</Location>
<Location /cgi/github/limited>
    ApiSecLimit route rate=3/d by=route
    ApiSecLimit source rate=7/d by=ip
</Location>
<Location /cgi/github/unpacked>
    SetInputFilter DEFLATE
</Location>
<Location /cgi/github/kept>
    KeptBodySize 100000
</Location>
<Location /cgi/github/watch>
    ApiSecEngine DetectOnly
    ApiSecMax held=1000
</Location>
<VirtualHost *:@PORT1@>
    RequestReadTimeout body=1
</VirtualHost>
<Location /cgi/github/inner>
    ApiSecRequire api-key
</Location>
<Location /unknown>
    ApiSecWebhook nobody
</Location>
<Location /cgi/two>
    ApiSecWebhook rotating
</Location>
<Location /cgi/named>
    ApiSecWebhook named
</Location>
<Location /cgi/status>
    ApiSecWebhook github
</Location>
<Location /back>
    ApiSecWebhook github
    ProxyPass http://127.0.0.1:@BACK@/back
</Location>
<Location /length>
    ApiSecWebhook github
    ProxyPass http://127.0.0.1:@BACK@/length
    SetEnv proxy-sendcl 1
</Location>
<Location /chunked>
    ApiSecWebhook github
    ProxyPass http://127.0.0.1:@BACK@/chunked
    SetEnv proxy-sendchunked 1
</Location>
<Location /gone>
    ApiSecWebhook github
    ProxyPass http://127.0.0.1:1/
</Location>
<Location /moved>
    ApiSecWebhook github
    RewriteEngine On
    RewriteRule ^ /cgi/github/moved [PT]
</Location>
<Location /static>
    ApiSecWebhook github
    ErrorDocument 401 /static/401.txt
</Location>
<Location /part>
    ApiSecRequire public
</Location>
"""
ECHO = """printf "Content-Type: application/octet-stream\\n"
[ -z "$STATUS_OF" ] || printf "Status: $STATUS_OF\\n"
printf "\\n"
echo run >> "@ROOT@/runs.txt"
cat
"""


def prepare(site):
    site.role("reader", "POST /cgi/**")
    site.key("ci")
    site.folder.write("runs.txt", "", 0o666)
    for name in SENDERS:
        site.store.ok("webhook", "add", name, "--scheme", "hmac" if name in OPTIONS else name, *OPTIONS.get(name, []), input=SECRETS[name])
    site.store.ok("webhook", "add", "rotating", "--scheme", "github", input=OLD)
    site.store.ok("webhook", "rotate", "rotating", input=NEW)
    site.store.ok("secret", "set", "shared", input="named-" + OLD)
    site.store.ok("webhook", "add", "named", "--scheme", "github", "--secret", "shared")
    site.store.ok("secret", "rotate", "shared", input="named-" + NEW)
    for name in [*SENDERS, "two", "named"]:
        site.script(name, ECHO.replace("@ROOT@", site.folder.root))
    site.script("status", 'cat > /dev/null\nprintf "Status: %s\\nContent-Type: text/plain\\n\\n" "$(cat @ROOT@/status.txt)"\n'
                .replace("@ROOT@", site.folder.root))
    site.folder.write("htdocs/static/401.txt", "sign it\n")
    site.folder.write("htdocs/part/index.shtml", '[<!--#include virtual="/cgi/github" -->]\n')


@pytest.fixture(scope="module")
def back():
    with Backend() as backend:
        yield backend


@pytest.fixture(scope="module")
def site(back):
    with Site(CONF.replace("@BACK@", str(back.port)), prepare,
              ports=2, modules=["cgi", "proxy_http", "http2", "deflate", "filter", "request", "rewrite", "reqtimeout", "include", "remoteip", "env"]) as made:
        yield made


_numbers = itertools.count(1)


def fresh(size=20):
    """Content that nobody has sent yet."""
    return (b"%d " % next(_numbers)).ljust(size, b"x")


def send(site, path, body, fields, method="POST", **options):
    return site.request(method, path, headers=fields, body=body, **options)


def runs(site):
    with open(site.folder.path("runs.txt")) as seen:
        return seen.read().count("run")


def line_of(site, got):
    return site.server.wait_audit(lambda line: line["id"] == got.headers["X-Request-Id"])


# ---- the schemes

# WHK-01..04, WHK-08
@pytest.mark.parametrize("name", SENDERS)
def test_signed_delivery_reaches_the_handler(site, name):
    body = fresh()
    got = send(site, "/cgi/" + name, body, SENDERS[name](SECRETS[name], body))
    assert (got.status, got.body) == (200, body)
    line = line_of(site, got)
    assert (line["decision"], line["reason"], line["webhook"]) == ("allow", "allow", name)
    # One byte of the content or of the secret, and each field missing.
    before = runs(site)
    for sent, secret in ((body + b"x", SECRETS[name]), (body, OTHER if name != "standard" else "whsec_" + base64.b64encode(b"x" * 32).decode())):
        got = send(site, "/cgi/" + name, sent, SENDERS[name](secret, body))
        assert got.status == 401 and got.headers.get_all("WWW-Authenticate") == ['Webhook realm="api"']
        assert line_of(site, got)["reason"] == "webhook_signature"
    fields = SENDERS[name](SECRETS[name], body)
    for i in range(len(fields) - (name == "github")):
        got = send(site, "/cgi/" + name, body, fields[:i] + fields[i + 1:])
        line = line_of(site, got)
        assert (got.status, line["reason"], line["webhook"]) == (401, "webhook_missing", name)
    assert runs(site) == before


# WHK-05
@pytest.mark.parametrize("name", ["standard", "stripe", "slack", "timed"])
def test_time_has_two_sides(site, name):
    for at, status in ((now() - 290, 200), (now() + 290, 200), (now() - 310, 401), (now() + 310, 401)):
        body = fresh()
        options = {"id": "msg_%s" % body.split()[0].decode()} if name == "standard" else {}
        got = send(site, "/cgi/" + name, body, SENDERS[name](SECRETS[name], body, at=at, **options))
        assert got.status == status, at - now()
        assert line_of(site, got)["reason"] == ("allow" if status == 200 else "webhook_time")


# WHK-05
def test_malformed_fields(site):
    body = fresh()
    for fields in (standard(SECRETS["standard"], body, id="a.b"), standard(SECRETS["standard"], body, id="x" * 257)):
        got = send(site, "/cgi/standard", body, fields)
        assert (got.status, line_of(site, got)["reason"]) == (401, "webhook_malformed")
    twice = github(SECRETS["github"], body)[:1] * 2
    assert send(site, "/cgi/github", body, twice).status == 401


# WHK-07, SEC-18
@pytest.mark.parametrize("name, prefix", [("two", ""), ("named", "named-")])
def test_both_secrets_of_a_rotation(site, name, prefix):
    for secret, other in ((OLD, NEW), (NEW, OLD)):
        body = fresh()
        assert send(site, "/cgi/" + name, body, github(prefix + secret, body)).body == body
        # A repeat is one, whichever of them it is signed with.
        assert send(site, "/cgi/" + name, body, github(prefix + other, body)).body == b""


# ---- once

# WHK-06
@pytest.mark.parametrize("name", SENDERS)
def test_delivery_is_accepted_once(site, name):
    body = fresh()
    options = {"id": "once"} if name == "standard" else {}
    fields = SENDERS[name](SECRETS[name], body, **options)
    assert send(site, "/cgi/" + name, body, fields).body == body
    before = runs(site)
    for _ in range(3):
        got = send(site, "/cgi/" + name, body, fields)
        assert (got.status, got.body) == (200, b"")
    assert line_of(site, got)["reason"] == "webhook_repeat" and line_of(site, got)["decision"] == "refuse"
    assert runs(site) == before
    if name == "standard":  # its id is what makes it one, at whatever time
        body = fresh()
        assert send(site, "/cgi/standard", body, standard(SECRETS[name], body, id="once", at=now() - 5)).body == b""
        assert send(site, "/cgi/standard", body, standard(SECRETS[name], body, id="twice")).body == body


# WHK-06
def test_answer_to_a_repeat_is_configured(site):
    for path, status in (("/cgi/github/conflict", 409), ("/cgi/github/empty", 204)):
        body = fresh()
        fields = github(SECRETS["github"], body)
        assert send(site, path, body, fields).body == body
        got = send(site, path, body, fields)
        assert got.status == status and got.headers["X-Request-Id"]
        assert (got.json()["status"] == 409) if status == 409 else got.body == b""
    # On a kept connection, the next request is the next.
    body = fresh(9000)
    with site.server.connect() as c:
        assert c.request("POST", "/cgi/github", github(SECRETS["github"], body), body).body == body
        assert c.request("POST", "/cgi/github", github(SECRETS["github"], body), body).body == b""
        body = fresh()
        assert c.request("POST", "/cgi/github", github(SECRETS["github"], body), body).body == body


# WHK-06: the same content is a delivery of its own to another endpoint
def test_endpoints_are_apart(site):
    body = fresh()
    assert send(site, "/cgi/github", body, github(SECRETS["github"], body)).body == body
    assert send(site, "/cgi/two", body, github(NEW, body)).body == body


# WHK-06: all processes
def test_racing_deliveries(site):
    body, got = fresh(), []
    fields = github(SECRETS["github"], body)
    gate = threading.Barrier(8)

    def one():
        gate.wait()
        got.append(send(site, "/cgi/github", body, fields).body)

    threads = [threading.Thread(target=one) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == [b""] * 7 + [body]


# WHK-06: over restarts
def test_restarts_forget_no_delivery(site):
    body = fresh()
    fields = github(SECRETS["github"], body)
    assert send(site, "/cgi/github", body, fields).body == body
    for again in (site.server.graceful, site.server.restart, lambda: (site.server.stop(), site.server.start())):
        again()
        got = send(site, "/cgi/github", body, fields)
        assert (got.status, got.body, line_of(site, got)["reason"]) == (200, b"", "webhook_repeat")


# WHK-06: what the handler did not accept, the sender sends again
@pytest.mark.parametrize("status", ["500 Oops", "503 Later", "404 Not Found", "302 Found"])
def test_delivery_that_failed_may_come_again(site, status):
    body = fresh()
    fields = github(SECRETS["github"], body)
    for answer in (status, status, "202 Accepted"):
        site.folder.write("status.txt", answer)
        assert send(site, "/cgi/status", body, fields).status == int(answer[:3])
    site.folder.write("status.txt", status)
    assert send(site, "/cgi/status", body, fields).status == 200


# WHK-06
def test_delivery_that_met_no_backend_may_come_again(site):
    body = fresh()
    fields = github(SECRETS["github"], body)
    for _ in range(2):
        assert send(site, "/gone/x", body, fields).status == 503


# ---- one credential

# AZ-12
def test_key_beside_or_in_place_of_a_signature(site):
    body, before = fresh(), runs(site)
    for key in ("ci", "hunter2"):
        assert send(site, "/cgi/github", body, [], key=key).status == 400
        got = send(site, "/cgi/github", body, github(SECRETS["github"], body), key=key)
        assert (got.status, line_of(site, got)["reason"]) == (400, "credential_multiple")
    got = send(site, "/cgi/github", body, github(SECRETS["github"], body) + [("Authorization", "Bearer x")])
    assert got.status == 400
    assert runs(site) == before
    # An inner section's requirement takes the place of the delivery.
    assert send(site, "/cgi/github/inner", body, github(SECRETS["github"], body)).status == 401
    assert send(site, "/cgi/github/inner", body, [], key="ci").body == body


# WHK-08
def test_part_of_a_page_is_no_delivery(site):
    before = runs(site)
    assert "run" not in site.get("/part/index.shtml").text and runs(site) == before


def test_document_of_a_refusal(site):
    body = fresh()
    for fields in ([], github(OTHER, body)):
        got = send(site, "/static/x", body, fields)
        assert (got.status, got.text) == (401, "sign it\n")
    assert site.get("/static/401.txt").status == 401


def test_webhook_that_the_store_does_not_have(site):
    body = fresh()
    got = send(site, "/unknown", body, github(SECRETS["github"], body))
    assert (got.status, line_of(site, got)["reason"]) == (503, "webhook_unknown")


# LIM-12, KEY-15: strangers close nothing but their own way
def test_limits_hold(site):
    def ask(good, address):
        body = fresh()
        fields = github(SECRETS["github"] if good else OTHER, body) + [("X-Forwarded-For", address)]
        return send(site, "/cgi/github/limited", body, fields).status

    assert [ask(False, "192.0.2.1") for _ in range(6)] == [401] * 6
    assert [ask(True, "192.0.2.1"), ask(True, "192.0.2.1")] == [200, 429]
    assert [ask(True, "192.0.2.2") for _ in range(3)] == [200, 200, 429]
    # What a limit refused was not accepted.
    body = fresh()
    for _ in range(2):
        assert send(site, "/cgi/github/limited", body, github(SECRETS["github"], body)).status == 429


# ---- the content

# SIG-15: the very bytes, whoever reads them and however they came
@pytest.mark.parametrize("size", [0, 1, 8000, 8192, 60000, 1 << 20])
@pytest.mark.parametrize("path", ["/cgi/github", "/back/x", "/length/x", "/chunked/x"])
@pytest.mark.parametrize("framing", ["length", "chunked", "expect"])
def test_handler_reads_what_was_signed(site, back, path, size, framing):
    if size > 60000 and path.startswith("/cgi"):
        pytest.skip("httpd writes all of it before it reads what a program says")
    body = fresh(size)
    if size < 8:
        body = b"%d" % next(_numbers) if size else b""
    fields = github(SECRETS["github"], body)
    if not size:
        fields = [("X-Hub-Signature-256", fields[0][1])]
    before = len(back.seen)
    if framing == "chunked":
        data = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[i:i + 5000] for i in range(0, len(body), 5000)))
        got = send(site, path, data + b"0\r\n\r\n", fields + [("Transfer-Encoding", "chunked")])
    elif framing == "expect":
        status, got = expect(site, path, body, fields)
        assert status == [b"HTTP/1.1 100 Continue"] * (size > 0)
    else:
        got = send(site, path, body, fields)
    if got.status == 200 and got.body == b"" and not size:
        return  # the empty delivery was seen before
    assert got.status == 200
    if path.startswith("/cgi"):
        assert got.body == body
    else:
        assert len(back.seen) == before + 1 and body_of(back.seen[-1]) == body
        if path == "/length/x":
            assert fields_of(back.seen[-1], "Content-Length") == [str(len(body))]


def expect(site, path, body, fields, length=None):
    """Sends the content only when it is asked for -> (interim lines, answer)."""
    with socket.create_connection(("127.0.0.1", site.server.port), 30) as s:
        head = "POST %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: %d\r\n" % (path, len(body) if length is None else length)
        head += "Expect: 100-continue\r\n" + "".join("%s: %s\r\n" % pair for pair in fields) + "\r\n"
        s.sendall(head.encode())
        stream = s.makefile("rb")
        first = stream.readline().strip()
        interim = []
        if first == b"HTTP/1.1 100 Continue":
            interim.append(first)
            stream.readline()
            s.sendall(body)
            first = stream.readline().strip()
        got = types.SimpleNamespace(status=int(first.split()[1]))
        rest = stream.read()
        head, got.body = rest.split(b"\r\n\r\n", 1)
        if b"Transfer-Encoding: chunked" in head:
            got.body = unchunk(got.body)
        return interim, got


def unchunk(data):
    out = b""
    while True:
        size, data = data.split(b"\r\n", 1)
        if int(size, 16) == 0:
            return out
        out, data = out + data[:int(size, 16)], data[int(size, 16) + 2:]


# SIG-15: capped; what is declared is not even asked for
def test_larger_bodies_are_refused(site):
    before = runs(site)
    for size, status in ((1000, 200), (1001, 413)):
        body = fresh(size)
        assert send(site, "/cgi/github/small", body, github(SECRETS["github"], body)).status == status
        got = send(site, "/cgi/github/small", b"%x\r\n%s\r\n0\r\n\r\n" % (size, body), github(OTHER, body) + [("Transfer-Encoding", "chunked")])
        assert got.status == (401 if status == 200 else 413)
    assert line_of(site, got)["reason"] == "body_held"
    interim, got = expect(site, "/cgi/github/small", b"", github(OTHER, b""), length=10**12)
    assert (interim, got.status) == ([], 413)
    assert runs(site) == before + 1
    # Without a signature nobody's content is read.
    interim, got = expect(site, "/cgi/github/small", b"", [], length=10)
    assert (interim, got.status) == ([], 401)


# SIG-15
def test_body_that_ends_early_reaches_nobody(site):
    before = runs(site)
    body = fresh()
    head = "POST /cgi/github HTTP/1.1\r\nHost: localhost\r\n%s\r\n" % "".join("%s: %s\r\n" % pair for pair in github(SECRETS["github"], body))
    for framing, sent in (("Content-Length: 21\r\n", body), ("Transfer-Encoding: chunked\r\n", b"14\r\n%s\r\n" % body),
                          ("Transfer-Encoding: chunked\r\n", b"14\r\n%s\r\nzz\r\n\r\n" % body)):
        data = head[:-2] + framing + "\r\n"
        got = site.server.raw(data.encode() + sent)
        assert got == b"" or b" 400 " in got.split(b"\r\n", 1)[0], got
    assert runs(site) == before
    # A second request after the content is one, and no part of it.
    more = head[:-2] + "Content-Length: 20\r\n\r\n"
    got = site.server.raw(more.encode() + body + b"GET /cgi/github/inner HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert got.count(b"HTTP/1.1 ") == 2 and b"HTTP/1.1 401" in got and body in got


# SIG-15, with mod_reqtimeout
def test_slow_body_is_cut(site):
    body = fresh()
    head = "POST /cgi/github HTTP/1.1\r\nHost: localhost\r\nContent-Length: 20\r\n%s\r\n" % "".join("%s: %s\r\n" % pair for pair in github(SECRETS["github"], body))
    with socket.create_connection(("127.0.0.1", site.server.ports[1]), 30) as s:
        s.sendall(head.encode() + body[:10])
        got = s.recv(65536)
    assert got.split(b"\r\n")[0] == b"HTTP/1.1 408 Request Timeout"


# WHK-08, SIG-06: what is signed is what was sent, not what it is unpacked to
def test_packed_content(site):
    body = fresh(2000)
    packed = gzip.compress(body)
    got = send(site, "/cgi/github/unpacked", packed, github(SECRETS["github"], packed) + [("Content-Encoding", "gzip")])
    assert (got.status, got.body) == (200, body)
    body = fresh(2000)
    packed = gzip.compress(body)
    assert send(site, "/cgi/github/unpacked", packed, github(SECRETS["github"], body) + [("Content-Encoding", "gzip")]).status == 401
    # A bomb is what it is packed: nothing of it is unpacked before it is known who sends it.
    bomb = gzip.compress(b"0" * (4 << 20))
    assert send(site, "/cgi/github/unpacked", bomb, github(OTHER, bomb) + [("Content-Encoding", "gzip")]).status == 401


def test_kept_body_and_redirects_within_the_server(site):
    for path in ("/cgi/github/kept", "/moved/x"):
        body = fresh(9000)
        got = send(site, path, body, github(SECRETS["github"], body))
        assert (got.status, got.body) == (200, body), path


# SIG-15
def test_streams(site, back):
    with H2Connection(site.server.port) as c:
        bodies = [fresh(n) for n in (10, 5000, 16000, 20)]
        for i, body in enumerate(bodies):
            fields = [(name.lower(), value) for name, value in github(SECRETS["github"] if i < 3 else OTHER, body)]
            c.request("POST", "/back/x" if i == 1 else "/cgi/github", fields, body)
        streams = c.finish()
    assert [stream.status for stream in streams] == [200, 200, 200, 401]
    assert streams[0].body == bodies[0] and streams[2].body == bodies[2] and body_of(back.seen[-1]) == bodies[1]


# NEG-10
def test_detect_only_changes_nothing(site):
    before = runs(site)
    for size, reason in ((20, "allow"), (20, "webhook_signature"), (5000, "body_held"), (70000, "body_held")):
        body = fresh(size)
        for repeat in range(2):
            fields = github(SECRETS["github"] if reason != "webhook_signature" else OTHER, body)
            got = send(site, "/cgi/github/watch", b"%x\r\n%s\r\n0\r\n\r\n" % (size, body), fields + [("Transfer-Encoding", "chunked")])
            assert (got.status, got.body) == (200, body)
            line = site.server.wait_audit(lambda line: line["path"] == "/cgi/github/watch" and line["reason"] == reason)
            assert line["decision"] == ("allow" if reason == "allow" else "would-refuse")
    assert runs(site) == before + 8


# ---- words

# CLI-05
@pytest.mark.parametrize("words, said", [
    ("", "want the name"), ("a b", "want repeat=200"), ("a repeat=500", "202, 204 or 409"), ("a repeat=", "want repeat="), ("a/b", "want the name"),
    ("a repeat=200 b", "want the name"), ("a\nApiSecRequire public", "a section requires that or"), ("a\nApiSecWebhook b", "given before"),
])
def test_mistakes_are_found_before_the_start(folder, words, said):
    code, out = Server(folder, "<Location />\nApiSecWebhook %s\n</Location>\n" % words).configtest()
    assert code != 0 and said in out, out
