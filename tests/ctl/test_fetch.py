"""Documents over verified HTTPS: what a fetch takes from a real server, and what it never does."""

import http.server
import os
import socket
import ssl
import subprocess
import threading

import pytest
from harness import Folder
from harness.certs import Certs
from harness.place import BUILD

PROGRAM = os.path.join(BUILD, "tests", "ctl", "fetchone")


class Docs:
    """A server on loopback, by HTTPS where `cert` is the path of a key; what was asked for is in `asked`."""

    def __init__(self, cert=None):
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.asked.append((self.path, dict(self.headers)))
                getattr(self, self.path.split("?")[0][1:])()

            do_POST = do_GET

            def answer(self, body, status=200, fields=()):
                self.send_response(status)
                for name, value in [("Content-Type", "Application/JSON; charset=utf-8"), *fields]:
                    self.send_header(name, value)
                self.end_headers()
                try:
                    self.wfile.write(body)
                except OSError:
                    pass  # who asked has gone

            def ok(self):
                self.answer(b"{}", fields=[("Set-Cookie", "a=b")])

            def moved(self):
                self.answer(b"moved", 302, [("Location", "/ok")])

            def large(self):
                self.answer(b"x" * 2000)

            def slow(self):
                self.answer(b"{")
                outer.end.wait(60)

            def log_message(self, *_):
                pass

        self.asked, self.end = [], threading.Event()
        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.scheme = "https" if cert else "http"
        if cert:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(cert + ".crt", cert)
            self.http.socket = context.wrap_socket(self.http.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def url(self, path, host="127.0.0.1"):
        return "%s://%s:%d/%s" % (self.scheme, host, self.http.server_port, path)

    def close(self):
        self.end.set()
        self.http.shutdown()
        self.http.server_close()


class Place:
    def __init__(self, folder):
        self.certs = Certs(folder.path("certs"))
        self.good = Docs(self.certs.signed("good", san="IP:127.0.0.1,DNS:localhost"))
        self.made = [self.good]

    def server(self, *args):
        self.made.append(Docs(*args))
        return self.made[-1]

    def fetch(self, url, *options, ca=True, env=()):
        """(exit code, what is said)."""
        words = [PROGRAM, url, *(["ca=" + self.certs.ca] if ca else []), *options]
        done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60,
                              env=dict(os.environ, **dict(env)))
        assert done.returncode in (0, 1), done.stdout
        return done.returncode, done.stdout.strip()


@pytest.fixture(scope="module")
def place():
    with Folder() as folder:
        made = Place(folder)
        yield made
        for server in made.made:
            server.close()


def refused(place, error, *args, **options):
    code, said = place.fetch(*args, **options)
    assert code == 1 and said.startswith(error + ": "), said
    return said


# JWT-17
def test_a_document_comes_from_a_server_that_is_verified(place):
    assert place.fetch(place.good.url("ok"), "private") == (0, "200 application/json 2 127.0.0.1")
    assert place.fetch(place.good.url("ok", "localhost"), "private")[0] == 0
    fields = {name.lower() for name in place.good.asked[-1][1]}
    assert not fields & {"cookie", "authorization", "accept-encoding", "referer"}, fields


# JWT-17: nothing else is asked when the server is another, or its certificate is over
@pytest.mark.parametrize("made", ["else", "expired", "stranger"])
def test_a_server_that_is_not_verified_is_told_nothing(place, made):
    cert = {"else": lambda: place.certs.signed("else", san="DNS:else.example"),
            "expired": lambda: place.certs.signed("expired", san="IP:127.0.0.1", lives=-60),
            "stranger": lambda: place.certs.self_signed("stranger", san="IP:127.0.0.1")}[made]()
    server = place.server(cert)
    refused(place, "unsafe", server.url("ok"), "private", "form=token=secret")
    assert server.asked == []


# JWT-17: the authorities of one file are no others
def test_the_systems_authorities_know_no_server_of_our_own(place):
    refused(place, "unsafe", place.good.url("ok"), "private", ca=False)


# JWT-17
def test_a_redirect_is_an_answer_and_is_not_followed(place):
    before = len(place.good.asked)
    assert place.fetch(place.good.url("moved"), "private")[1].startswith("302 ")
    assert [path for path, _ in place.good.asked[before:]] == ["/moved"]


# JWT-17: a declared length makes no difference, and one byte less is taken
def test_a_large_answer_is_refused(place):
    assert "1999 bytes" in refused(place, "range", place.good.url("large"), "private", "max=1999")
    assert place.fetch(place.good.url("large"), "private", "max=2000")[1].startswith("200 application/json 2000 ")


# JWT-17
def test_a_slow_answer_is_given_up(place):
    refused(place, "busy", place.good.url("slow"), "private", "total=300")


# JWT-17: a server that takes connections and says nothing
def test_a_silent_server_is_given_up(place):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        refused(place, "busy", "https://127.0.0.1:%d/ok" % silent.getsockname()[1], "private", "total=300")


# JWT-17, API7
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_an_address_inside_is_refused_before_it_is_connected_to(place, host):
    before = len(place.good.asked)
    assert "--private" in refused(place, "unsafe", place.good.url("ok", host))
    assert len(place.good.asked) == before


# JWT-17
def test_plain_http_is_refused_but_of_loopback_where_it_is_let(place):
    plain = place.server()
    assert "https" in refused(place, "format", plain.url("ok"), "private")
    assert "https" in refused(place, "format", "http://192.0.2.1/ok", "private", "http")
    assert plain.asked == []
    assert place.fetch(plain.url("ok"), "private", "http")[0] == 0


# JWT-17: the environment is not the administrator's word
def test_no_proxy_of_the_environment_is_used(place):
    proxy = place.server()
    env = {name: proxy.url("") for name in ("https_proxy", "HTTPS_PROXY", "http_proxy", "all_proxy", "ALL_PROXY")}
    assert place.fetch(place.good.url("ok"), "private", env=env)[0] == 0
    assert proxy.asked == []
