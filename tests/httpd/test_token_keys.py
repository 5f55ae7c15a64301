"""Keys of an issuer that are fetched: by one child, off the request path, and for a while without the issuer."""

import glob
import http.server
import os
import signal
import ssl
import threading
import time

import pytest
from harness import Site, wait_for
from harness.tokens import Issuer, Key, add_issuer, bearer

pytestmark = pytest.mark.one_mpm

CONF = """
<Location />
    ApiSecEngine On
</Location>
"""


class Https:
    """The issuer's own server: `text` at any path, by HTTPS with a certificate of its own."""

    def __init__(self, cert, key):
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.asked.append(self.path)
                outer.gate.wait(60)
                text = outer.text.encode()
                self.send_response(outer.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        self.asked, self.text, self.status, self.gate = [], "{}", 200, threading.Event()
        self.gate.set()
        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        self.http.socket = context.wrap_socket(self.http.socket, server_side=True)
        self.url = "https://127.0.0.1:%d/keys" % self.http.server_port
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def close(self):
        self.gate.set()
        self.http.shutdown()
        self.http.server_close()


@pytest.fixture
def place(make_site):
    """place(**life of the keys) -> site with site.https, whose issuer's keys are fetched."""
    made = []

    def make(conf=CONF, start=True, mpm=None, late=False, **life):
        def prepare(site):
            from harness.server import Server
            site.role("reader", "GET /orders/**")
            site.key("ci")
            site.issuer = Issuer(site.folder.root, keys=("k1", "k2"))
            maker = Server(site.folder, "# @CERT@\n", bare=True, load=False)  # for its certificate alone
            ca = site.folder.path("run/cert.pem")
            assert maker and os.path.exists(ca)
            os.chmod(ca, 0o644)
            site.https = Https(ca, site.folder.path("run/cert.key"))
            made.append(site.https)
            site.https.text = site.issuer.jwks()
            site.add_issuer = lambda: add_issuer(site.store, site.issuer, jwks=site.https.url, role_claim="groups",
                                                 private=True, ca=ca, **life)
            if not late:
                site.add_issuer()
        return make_site(conf, prepare, start=start, mpm=mpm)

    yield make
    for https in made:
        https.close()


def show(site, token):
    return site.get(headers=bearer(token))


def status(site, key=None):
    return show(site, site.issuer.token(key, groups=["reader"])).status


def reason(site, token):
    answer = show(site, token)
    return answer.status, site.server.wait_audit(lambda line: line["id"] == answer.headers["X-Request-Id"])["reason"]


def reach(site, ask, want):
    """Until each child answers so: each looks at what was fetched for itself, within ApiSecRefresh."""
    def wanted():
        answer = ask()
        return answer if answer.status == want else None

    def ask_until():
        return wait_for(wanted, 30, "status %d" % want)

    site.reach_children(ask_until)


def cache_file(site):
    return glob.glob(os.path.join(os.path.dirname(site.server.state), "cache", "*acme.keys"))


# JWT-17
def test_keys_are_fetched_once_for_all_children(place):
    site = place()
    wait_for(lambda: status(site) == 200, what="the first fetch")
    wait_for(lambda: [status(site) for _ in range(8)] == [200] * 8, what="each child")
    assert site.https.asked == ["/keys"], "one child asks for all"
    site.server.graceful()
    assert status(site) == 200 and site.https.asked == ["/keys"], "they outlive a restart"
    name, = cache_file(site)
    assert os.stat(name).st_mode & 0o77 == 0 and os.stat(os.path.dirname(name)).st_mode & 0o77 == 0


# JWT-18
def test_an_unknown_key_is_looked_for_once_in_an_interval(place):
    site = place(interval=2, ttl=600)
    reach(site, lambda: show(site, site.issuer.token(groups=["reader"])), 200)
    new = Key(site.folder.root, "k3")
    site.issuer.keys.append(new)
    token = site.issuer.token(new, groups=["reader"])
    assert reason(site, token) == (401, "token_key_unknown")
    site.https.text = site.issuer.jwks()
    wait_for(lambda: show(site, token).status == 200, what="the new key")
    assert 2 <= len(site.https.asked) <= 3
    # Whatever kids are named, and by whom: one fetch in an interval.
    before, begun = len(site.https.asked), time.monotonic()
    for i in range(60):
        show(site, site.issuer.token(header={"kid": "made-up-%d" % i}))
    assert len(site.https.asked) - before <= 1 + (time.monotonic() - begun) / 2


# JWT-18, JWT-26
def test_a_key_that_is_gone_stops_verifying(place):
    site = place(interval=1)
    wait_for(lambda: status(site) == 200, what="the first fetch")
    token = site.issuer.token(groups=["reader"])
    reach(site, lambda: show(site, token), 200)
    first = site.issuer.keys.pop(0)
    site.https.text = site.issuer.jwks()
    show(site, site.issuer.token(header={"kid": "other"}))  # else it is fetched when its ttl is over
    reach(site, lambda: show(site, token), 401)
    assert status(site) == 200 and reason(site, site.issuer.token(first)) == (401, "token_key_unknown")


# JWT-18
@pytest.mark.slow
def test_an_issuer_that_is_down_is_believed_for_a_while(place):
    site = place(interval=1, ttl=10, stale=1)
    wait_for(lambda: status(site) == 200, what="the first fetch")
    token = site.issuer.token(groups=["reader"])
    site.https.status = 500
    wait_for(lambda: "cannot be fetched" in site.server.error_log(), 30, "a failed fetch")
    wait_for(lambda: reason(site, token) == (503, "token_no_keys"), 30, "the end of what is known")
    site.https.status = 200
    wait_for(lambda: show(site, token).status == 200, 30, "the issuer again")


# JWT-17
def test_a_forged_file_is_no_key(place):
    site = place(interval=1)
    wait_for(lambda: status(site) == 200, what="the first fetch")
    name, = cache_file(site)
    thief = Issuer(site.folder.root, keys=("k1",))
    with open(name, "rb") as file:
        data = file.read()
    with open(name, "wb") as file:
        file.write(data[:100] + thief.jwks().encode())
    assert show(site, thief.token(groups=["reader"])).status in (401, 503)
    site.server.stop()
    site.server.start()
    assert reason(site, thief.token(groups=["reader"]))[0] in (401, 503)
    assert site.server.wait_error("APISEC0030")
    wait_for(lambda: status(site) == 200, what="a fetch in place of the forged file")


def wait_for_fetcher(site):
    """The process that fetches holds the connection while the issuer does not answer."""
    port = site.https.http.server_port
    wait_for(lambda: site.https.asked, what="a question")

    def find():
        inodes = set()
        with open("/proc/net/tcp") as table:
            for line in table.read().splitlines()[1:]:
                words = line.split()
                if int(words[2].split(":")[1], 16) == port and words[3] == "01":
                    inodes.add("socket:[%s]" % words[9])
        for pid in site.server.children():
            for fd in glob.glob("/proc/%d/fd/*" % pid):
                try:
                    if os.readlink(fd) in inodes:
                        return pid
                except OSError:
                    continue
        return None

    return wait_for(find, what="a fetch under way")


# JWT-17
@pytest.mark.slow
def test_another_child_goes_on_when_the_one_that_fetches_is_killed(place):
    site = place(start=False, interval=1)
    site.https.gate.clear()
    site.server.start()
    site.server.crash_is_expected = True
    os.kill(wait_for_fetcher(site), signal.SIGKILL)
    site.https.gate.set()
    wait_for(lambda: status(site) == 200, 30, "a fetch by another child")
    assert len(site.https.asked) >= 2


# JWT-17
def test_a_fetch_under_way_holds_up_neither_requests_nor_a_stop(place):
    site = place(start=False)
    site.https.gate.clear()
    site.server.start()
    wait_for_fetcher(site)
    assert site.get(key="ci").status == 200
    assert reason(site, site.issuer.token(groups=["reader"])) == (503, "token_no_keys")
    old = set(site.server.children())
    site.server.graceful()
    wait_for(lambda: not old & set(site.server.children()), 15, "the end of the children before")


# JWT-17
@pytest.mark.parametrize("mpm", ["event", "prefork"])
def test_an_issuer_that_comes_later_needs_no_restart(place, mpm):
    site = place(mpm=mpm, late=True, interval=60)  # else who asked before the first fetch may cause a second one
    assert site.get(key="ci").status == 200
    site.add_issuer()
    wait_for(lambda: status(site) == 200, 30, "a fetch")
    reach(site, lambda: show(site, site.issuer.token(groups=["reader"])), 200)
    assert site.https.asked == ["/keys"], "whoever looks after them"
    old = set(site.server.children())
    site.server.graceful()
    wait_for(lambda: not old & set(site.server.children()), 15, "the end of the children before")
    assert status(site) == 200


# JWT-17, JWT-18
def test_the_tool_judges_by_what_httpd_has_fetched(place):
    site = place()
    token = site.issuer.token(groups=["reader"])
    wait_for(lambda: status(site) == 200, what="the first fetch")
    found = site.store.json("token", "check", input=token)
    assert found["accepted"] and found["roles"] == ["reader"] and found["keys_fetched_at"]
    found = site.store.json("issuer", "test", "acme")
    assert found["passed"] and found["usable"] == 2 and found["steps"][0]["url"] == site.https.url
    site.https.text = "{}"
    assert site.store.json("issuer", "test", "acme", rc=5)["passed"] is False
    assert site.store.json("token", "revoke", input=token)["verified"] == "yes"
