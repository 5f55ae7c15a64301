"""issuer test: the issuer is reached as httpd reaches it, and each document that is asked for is told."""

import base64
import http.server
import json
import secrets
import threading
import urllib.parse

import pytest

from harness.jws import EcKey

SECRET = secrets.token_hex(20) + ":/ +%"


class Issuer:
    """An issuer by plain HTTP on loopback; `pages` says what each path answers: (status, type, text)."""

    def __init__(self, folder):
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                outer.asked.append((self.command, self.path, self.headers.get("Authorization"), body))
                status, kind, text = outer.pages.get(self.path, (404, "text/plain", "no"))
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())

            do_GET = do_POST = answer

            def log_message(self, *_):
                pass

        self.asked, self.pages, self.key = [], {}, EcKey(folder)
        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = "http://127.0.0.1:%d" % self.http.server_port
        self.page("/.well-known/openid-configuration", {"issuer": self.url, "jwks_uri": self.url + "/keys"})
        self.page("/keys", {"keys": [self.key.jwk(kid="k1"), {"kty": "oct", "k": "AAAA", "kid": "s"}]})
        self.page("/ask", {"active": False})
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def page(self, path, document, status=200, kind="application/json"):
        self.pages[path] = (status, kind, document if isinstance(document, str) else json.dumps(document))

    def close(self):
        self.http.shutdown()
        self.http.server_close()


@pytest.fixture
def issuer(folder):
    made = Issuer(folder)
    yield made
    made.close()


def add(store, issuer, *words, private=True, **popen):
    store.ok("issuer", "add", "acme", "--issuer", issuer.url, "--audience", "x", "--insecure-http",
             *(["--private"] if private else []), *words, **popen)


def steps(found):
    return [(row["check"], row["result"], row["url"]) for row in found["steps"]]


def test_each_document_is_told_and_each_key(store, issuer):  # JWT-17, JWT-18
    add(store, issuer)
    found = store.json("issuer", "test", "acme")
    assert steps(found) == [("metadata", "fail", issuer.url + "/.well-known/oauth-authorization-server"),
                            ("metadata", "pass", issuer.url + "/.well-known/openid-configuration"), ("keys", "pass", issuer.url + "/keys")]
    assert "404" in found["steps"][0]["detail"] and found["steps"][1]["address"] == "127.0.0.1"
    assert (found["usable"], found["passed"], found["keys"]) == (1, True, "discover")
    good, secret = found["found_keys"]
    assert (good["kid"], good["usable"], good["thumbprint"]) == ("k1", True, issuer.key.thumbprint())
    assert (secret["kid"], secret["usable"]) == ("s", False) and secret["fault"]
    assert "passed" in store.ok("issuer", "test", "acme")
    assert [method for method, _, _, _ in issuer.asked] == ["GET"] * 6


@pytest.mark.parametrize("path, document, how, says", [
    ("/keys", "no", {"status": 500}, "500"), ("/keys", "no", {"status": 302}, "redirect"), ("/keys", "{}", {}, "keys"),
    ("/keys", "{}", {"kind": "text/html"}, "text/html"), ("/keys", {"keys": [{"kty": "oct", "k": "AAAA"}]}, {}, "key"),
    ("/.well-known/openid-configuration", {"issuer": "https://b.example", "jwks_uri": "https://b.example/"}, {}, "https://b.example"),
    ("/.well-known/openid-configuration", {"jwks_uri": "https://b.example/"}, {}, "no issuer"),
])
def test_what_fails_is_told_with_exit_code_5(store, issuer, path, document, how, says):  # JWT-17
    add(store, issuer)
    issuer.page(path, document, **how)
    found = store.json("issuer", "test", "acme", rc=5)
    assert (found["passed"], found["usable"], found["found_keys"]) == (False, 0, [])
    assert found["steps"][-1]["result"] == "fail" and says in found["steps"][-1]["detail"], found


def test_an_address_that_may_not_be_asked(store, issuer):  # JWT-17
    add(store, issuer, "--jwks", issuer.url + "/keys", private=False)
    found = store.json("issuer", "test", "acme", rc=5)
    assert "127.0.0.1" in found["steps"][0]["detail"] and issuer.asked == []


def test_introspection_is_asked_as_the_client(store, issuer):  # JWT-19
    add(store, issuer, "--jwks", "none", "--introspect", issuer.url + "/ask", "--client-id", "gate:1", input=SECRET)
    assert steps(store.json("issuer", "test", "acme")) == [("introspection", "pass", issuer.url + "/ask")]
    (asked,) = issuer.asked
    assert asked[:2] == ("POST", "/ask") and "token=" in asked[3]
    who = base64.b64decode(asked[2].split()[1]).decode().split(":")
    assert [urllib.parse.unquote(part) for part in who] == ["gate:1", SECRET]  # RFC 6749, 2.3.1
    for document, status, says in [({"active": False}, 401, "its secret"), ({}, 200, "active"), ({"active": "no"}, 200, "active"),
                                   ({"active": True, "aud": "x", "sub": "a"}, 200, "no token"), ("x", 200, "active")]:
        issuer.page("/ask", document, status=status)
        found = store.json("issuer", "test", "acme", rc=5)
        assert says in found["steps"][0]["detail"] and SECRET not in json.dumps(found), found
    issuer.page("/ask", {"active": False}, kind="text/html")
    assert "text/html" in store.json("issuer", "test", "acme", rc=5)["steps"][0]["detail"]


def test_keys_of_the_store_need_no_issuer(store, issuer):
    add(store, issuer, "--jwks", "-", input=json.dumps(issuer.key.jwk(kid="k1")))
    found = store.json("issuer", "test", "acme")
    assert steps(found) == [("keys", "pass", "the store's own")] and found["usable"] == 1 and issuer.asked == []
    assert store.run("issuer", "test", "acne").rc == 3
