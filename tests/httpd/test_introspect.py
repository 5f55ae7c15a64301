"""Opaque tokens: the issuer is asked about them, few at a time, and nothing is let in without its answer."""

import base64
import collections
import hashlib
import http.server
import itertools
import json
import os
import sqlite3
import ssl
import threading
import time
import urllib.parse

import pytest
from harness import Site, wait_for
from harness.tokens import Issuer, add_issuer, bearer

pytestmark = pytest.mark.one_mpm

SECRET = "s3cret:/ +%"
CONF = """
ApiSecWaiters 4
ApiSecEngine On
ApiSecIssuer acme
<Location /two>
    ApiSecIssuer acme other
</Location>
<Location /none>
    ApiSecIssuer none
</Location>
<Location /user>
    ApiSecRequire api-user
</Location>
"""


class Asked:
    """The issuer's server: answers[token] is the text of an answer, or (status, type, text); others are not active."""

    def __init__(self, cert, key):
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                form = urllib.parse.parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                token, = form["token"]
                outer.asked.append(token)
                outer.last = (self.path, self.headers, form)
                outer.gates[token].wait(60)
                answer = outer.answers.get(token, '{"active":false}')
                status, kind, text = answer if isinstance(answer, tuple) else (200, "application/json", answer)
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                try:
                    self.wfile.write(text.encode())
                except OSError:
                    pass  # who asked has gone

            def log_message(self, *_):
                pass

        self.asked, self.answers, self.last = [], {}, None
        self.gates = collections.defaultdict(self.open_gate)
        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        self.http.socket = context.wrap_socket(self.http.socket, server_side=True, do_handshake_on_connect=False)
        self.url = "https://127.0.0.1:%d/introspect" % self.http.server_port
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    @staticmethod
    def open_gate():
        gate = threading.Event()
        gate.set()
        return gate

    def hold(self, token):
        self.gates[token] = threading.Event()
        return self.gates[token]

    def active(self, token, **claims):
        """An answer of an hour about eve; a claim of None is left out."""
        members = {"active": True, "iss": "https://login.example", "aud": "https://api.example", "sub": "eve",
                   "client_id": "web", "exp": int(time.time()) + 3600, "groups": ["reader"]}
        members.update(claims)
        self.answers[token] = json.dumps({name: value for name, value in members.items() if value is not None})
        return token

    def close(self):
        for gate in self.gates.values():
            gate.set()
        self.http.shutdown()
        self.http.server_close()


def prepare(site):
    from harness.server import Server
    for name in ("two", "none", "user"):
        site.folder.write("htdocs/%s/x.json" % name, "{}\n")
    site.role("reader", "GET /orders/**", "GET /two/**", "GET /none/**")
    site.key("ci")
    Server(site.folder, "# @CERT@\n", bare=True, load=False)  # for its certificate alone
    ca = site.folder.path("run/cert.pem")
    os.chmod(ca, 0o644)
    site.https = Asked(ca, site.folder.path("run/cert.key"))
    common = {"role_claim": "groups", "leeway": 0, "private": True, "ca": ca, "client_id": "api:1", "secret": SECRET}
    site.issuer = Issuer(site.folder.root, keys=())
    add_issuer(site.store, site.issuer, introspect=site.https.url, **common)
    add_issuer(site.store, Issuer(site.folder.root, "https://other.example", keys=()), "other",
               introspect=site.https.url, **common)


@pytest.fixture(scope="module")
def site():
    with Site(CONF, prepare, children=1) as made:
        yield made
        made.https.close()


def show(site, token, path="/orders/7.json"):
    return site.get(path, headers=bearer(token))


def line_of(site, answer):
    return site.server.wait_audit(lambda line: line["id"] == answer.headers["X-Request-Id"])


def refused(site, token, reason, status=401, path="/orders/7.json"):
    answer = show(site, token, path)
    line = line_of(site, answer)
    assert (answer.status, line["reason"]) == (status, reason), line
    return answer


class Asking(threading.Thread):
    """A request under way."""

    def __init__(self, site, token):
        super().__init__(daemon=True)
        self.site, self.token, self.answer = site, token, None
        self.start()

    def run(self):
        self.answer = show(self.site, self.token)

    def status(self):
        self.join(60)
        return self.answer.status


# JWT-19, JWT-16
def test_the_issuer_says_who_calls_and_is_asked_once(site):
    token = site.https.active("op-1/+~-_=", groups=["reader", "boss"], scope="a b")
    answer = show(site, token)
    line = line_of(site, answer)
    assert (answer.status, line["key"], line["user"], line["roles"]) == (200, "acme:eve", "acme:eve", ["reader"])
    path, headers, form = site.https.last
    assert (path, form) == ("/introspect", {"token": [token], "token_type_hint": ["access_token"]})
    name, _, secret = base64.b64decode(headers["Authorization"].split()[1]).decode().partition(":")
    assert (urllib.parse.unquote(name), urllib.parse.unquote(secret)) == ("api:1", SECRET)
    assert [show(site, token).status for _ in range(5)] == [200] * 5 and site.https.asked.count(token) == 1
    assert show(site, token, "/user/x.json").status == 200
    assert show(site, site.https.active("op-client", sub=None), "/user/x.json").status == 403
    assert site.get(headers=bearer(site.keys["ci"])).status == 200, "a key is a key"


# JWT-19
def test_what_is_not_active_is_refused_and_asked_once_for_a_while(site):
    for _ in range(3):
        assert 'error="invalid_token"' in refused(site, "op-none", "token_inactive").headers["WWW-Authenticate"]
    assert site.https.asked.count("op-none") == 1


# JWT-19: what every token is asked holds for an answer too
def test_an_answer_is_checked_as_a_token_is(site):
    for i, (reason, claims) in enumerate([
            ("token_issuer", {"iss": "https://else.example"}), ("token_audience", {"aud": "https://else.example"}),
            ("token_audience", {"aud": None}), ("token_expired", {"exp": int(time.time()) - 1}),
            ("token_not_yet", {"nbf": int(time.time()) + 600}), ("token_confirmation", {"cnf": {"kid": "x"}}),
            ("token_confirmation", {"cnf": {"jkt": "A" * 43}}), ("token_claims", {"sub": 7})]):
        refused(site, site.https.active("op-bad-%d" % i, **claims), reason)


# JWT-19: anything but true is no answer, and no answer lets nobody in; nor is it remembered
@pytest.mark.parametrize("reason, answer", [
    ("token_answer", '{"active":"true"}'), ("token_answer", '{"active":1}'), ("token_answer", "{}"),
    ("token_answer", "[true]"), ("token_answer", '{"active":true,"active":true}'), ("token_answer", "active"),
    ("token_answer", ""), ("token_issuer_down", (500, "application/json", "{}")),
    ("token_issuer_down", (401, "application/json", '{"active":true}')),
    ("token_issuer_down", (302, "application/json", '{"active":true}')),
    ("token_issuer_down", (200, "text/html", '{"active":true}')),
    ("token_issuer_down", (200, "application/json", '{"active":true,"x":"%s"}' % ("x" * 65536)))])
def test_what_is_no_answer_lets_nobody_in(site, reason, answer):
    token = "op-wrong"
    site.https.answers[token] = answer
    before = site.https.asked.count(token)
    for _ in range(2):
        refused(site, token, reason, 503)
    assert site.https.asked.count(token) == before + 2
    site.https.active(token, exp=int(time.time()) + 1)  # soon over, for the next case


# JWT-19: whoever does not know the token is not told it
def test_one_issuer_is_asked_or_none(site):
    token = site.https.active("op-two")
    before = list(site.https.asked)
    refused(site, token, "token_issuer", path="/two/x.json")
    refused(site, token, "token_issuer", path="/none/x.json")
    assert site.https.asked == before
    assert "op-two" not in site.server.error_log()


# JWT-19: a slow issuer takes few workers, one for each token asks, and who waits gets the same answer
def test_a_slow_issuer_takes_few_workers(site):
    token = site.https.active("op-slow")
    gate = site.https.hold(token)
    waiting = [Asking(site, token) for _ in range(2)]

    names = ("op-quick-%d" % i for i in itertools.count())  # each has to be asked about

    def is_full():
        """One that came while a look took the other place is refused, and comes again."""
        full = show(site, next(names)).status == 503
        if not full:
            waiting[:] = [asking if asking.is_alive() else Asking(site, token) for asking in waiting]
        return full

    wait_for(is_full, what="both places to be taken")
    answer = refused(site, site.https.active("op-third"), "token_issuer_down", 503)
    assert answer.status == 503 and "op-third" not in site.https.asked
    assert site.get(key="ci").status == 200, "others go on"
    gate.set()
    assert [asking.status() for asking in waiting] == [200, 200]
    assert site.https.asked.count(token) == 1
    assert show(site, "op-third").status == 200, "the places are free again"


# JWT-19: fail closed
def test_an_issuer_that_never_answers_is_given_up(site):
    gate = site.https.hold(site.https.active("op-never"))
    waiting = [Asking(site, "op-never") for _ in range(2)]
    assert [asking.status() for asking in waiting] == [503, 503]
    gate.set()
    wait_for(lambda: "APISEC0063" in site.server.error_log(), what="the error log")
    assert SECRET not in site.server.error_log() and "op-never" not in site.server.error_log()
    assert show(site, "op-never").status == 200


# JWT-20
def test_an_opaque_token_that_was_revoked_here_is_out(site):
    token = site.https.active("op-gone")
    assert show(site, token).status == 200
    base = sqlite3.connect(site.store.file("store.db"))
    with base:
        base.execute("INSERT INTO token_gone(hash, issuer, until, created_at) VALUES(?, 'acme', ?, ?)",
                     (hashlib.sha256(b"token\0" + token.encode()).digest(), (int(time.time()) + 3600) * 10**9, time.time_ns()))
    base.close()
    site.store.ok("publish")
    wait_for(lambda: show(site, token).status == 401, what="the new generation")
    refused(site, token, "token_revoked")


# JWT-19: min(limit, exp)
def test_an_answer_is_remembered_no_longer_than_it_may(site):
    token = site.https.active("op-short", exp=int(time.time()) + 2)
    assert show(site, token).status == 200
    wait_for(lambda: show(site, token).status == 401, what="exp")
    refused(site, token, "token_expired")
    token = site.https.active("op-ttl")
    site.store.ok("issuer", "set", "acme", "--answer-ttl", "1s")
    wait_for(lambda: show(site, token).status == 200 and site.https.asked.count(token) > 1, what="a second question")
    site.https.answers[token] = '{"active":false}'
    wait_for(lambda: show(site, token).status == 401, what="the end of what was remembered")


# JWT-19
def test_without_the_clients_secret_or_the_issuer_nobody_is_let_in(site):
    token = site.https.active("op-down")
    base = sqlite3.connect(site.store.file("store.db"))
    with base:
        base.execute("DELETE FROM secret_version WHERE name = 'issuer/acme'")
    base.close()
    site.store.ok("publish")
    before = (token for token in map(site.https.active, ("op-before-%d" % i for i in itertools.count())))
    wait_for(lambda: [show(site, next(before)).status for _ in range(8)] == [503] * 8, what="the new generation")
    refused(site, token, "token_issuer_down", 503)
    assert token not in site.https.asked
    site.store.ok("issuer", "set", "acme", "--client-id", "api", "--introspect", "https://127.0.0.1:1/x", input="other")
    refused(site, token, "token_issuer_down", 503)
