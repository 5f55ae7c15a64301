"""issuer: whose tokens are taken, made, changed and deleted by name, and what a definition must not be."""

import json
import os
import secrets
import sqlite3

import pytest

from harness.jws import EcKey, b64
from harness.terminal import Terminal

BASE = ["--issuer", "https://login.example", "--audience", "https://api.example"]
ALGS = ["RS256", "PS256", "ES256", "ES384", "ES512", "Ed25519"]
WHOLE = {"name": "acme", "issuer": "https://login.example", "audiences": ["https://api.example"], "algs": ALGS,
         "mixed": False, "plain_typ": False, "leeway": "30s", "max_age": None, "max_life": None, "needs": [], "roles": [],
         "scopes": ["scope"], "keys": "discover", "jwks": None, "hosts": [], "keys_ttl": "10m", "keys_stale": "1h",
         "fetch_interval": "30s", "introspect": None, "client_id": None, "aud_may_miss": False, "answer_ttl": "1m",
         "private": False, "insecure_http": False, "ca": None}


def add(store, *words, name="acme", **popen):
    return store.json("issuer", "add", name, *BASE, *words, **popen)


def change(store, *words, **popen):
    return store.json("issuer", "set", "acme", *words, **popen)


def refused(store, rc, says, *args, **popen):
    """The exit code, one line that holds the texts, and nothing done."""
    before = store.json("changes")
    result = store.run(*args, **popen)
    assert (result.rc, result.out) == (rc, "") and result.err.count("\n") == 1, result
    for text in [says] if isinstance(says, str) else says:
        assert text in result.err, result
    assert all(c == "\n" or c.isprintable() for c in result.err)  # CLI-08
    assert store.json("changes") == before


@pytest.fixture
def acme(store):
    store.role_create("reader", "GET /a")
    store.role_create("writer", "POST /a")
    add(store)
    return store


# JWT-02, JWT-13, JWT-28: what holds where nothing is said
def test_add_shows_what_was_made(store):
    made = add(store)
    assert list(made) == list(WHOLE) + ["created_at", "client_secret_at", "static_keys"]
    assert {key: made[key] for key in WHOLE} == WHOLE and made["static_keys"] == []
    assert store.json("issuer", "show", "acme") == made
    (row,) = store.json("issuer", "list")
    assert row == {key: value for key, value in made.items() if key not in ("client_secret_at", "static_keys")}
    log = store.json("changes")[-1]
    assert (log["command"], log["subject"], log["old"]) == ("issuer add", "acme", None) and log["new"]["keys"] == "discover"
    lines = [line.split() for line in store.ok("issuer", "list").splitlines()]
    assert lines == [["NAME", "ISSUER", "AUDIENCES", "KEYS", "ROLES"],
                     ["acme", "https://login.example", "https://api.example", "discover", "-"]]


def test_every_option_is_kept(store, folder):
    store.role_create("writer", "POST /a")
    ca = folder.write("ca.pem", "", 0o644)
    words = ["--alg", "RS256,EdDSA", "--alg", "ES256", "--plain-typ", "--leeway", "none", "--max-age", "2h", "--max-life",
             "1d", "--need", "tenant=eu=1", "--need", "/a/b~1c", "--role-claim", "groups", "--role-claim",
             "groups:admins=writer", "--role-claim", '"cognito:groups":urn:x=writer', "--role-claim",
             "/https:~1~1x.example~1roles", "--scope-claim", "scp", "--jwks", "https://keys.example/k", "--host",
             "keys.example", "--keys-ttl", "1m", "--keys-stale", "none", "--fetch-interval", "5s", "--introspect",
             "https://login.example/i", "--client-id", "gate", "--aud-may-miss", "--answer-ttl", "none", "--private",
             "--insecure-http", "--ca", ca]
    want = dict(WHOLE, algs=["RS256", "EdDSA", "ES256"], plain_typ=True, leeway="0s", max_age="2h", max_life="1d",
                needs=["tenant=eu=1", "/a/b~1c"], roles=["groups", "groups:admins=writer", '"cognito:groups":urn:x=writer',
                                                         '"https://x.example/roles"'],
                scopes=["scp"], keys="url", jwks="https://keys.example/k", hosts=["keys.example"], keys_ttl="1m",
                keys_stale="0s", fetch_interval="5s", introspect="https://login.example/i", client_id="gate",
                aud_may_miss=True, answer_ttl="0s", private=True, insecure_http=True, ca=ca)
    secret = secrets.token_hex(16)
    made = add(store, *words, input=secret + "\n")
    assert {key: made[key] for key in WHOLE} == want and made["client_secret_at"]
    # The same from nothing by set, and from there back to nothing.
    store.ok("issuer", "delete", "acme", "--yes")
    add(store)
    assert {**change(store, *words, input=secret), "created_at": None, "client_secret_at": None} == {
        **made, "created_at": None, "client_secret_at": None}
    back = change(store, "--alg", ",".join(ALGS), "--without", "plain-typ,aud-may-miss", "--without", "private,insecure-http",
                  "--leeway", "30s", "--max-age", "none", "--max-life", "none", "--need", "none",
                  "--role-claim", "none", "--scope-claim", "scope", "--jwks", "discover", "--host", "none", "--keys-ttl",
                  "10m", "--keys-stale", "1h", "--fetch-interval", "30s", "--introspect", "none", "--answer-ttl", "1m",
                  "--ca", "none")
    assert {key: back[key] for key in WHOLE} == WHOLE and back["client_secret_at"] is None


def test_set_changes_only_what_is_named(acme):
    change(acme, "--max-life", "1h", "--role-claim", "groups")
    assert change(acme, "--role-claim", "+groups:a=writer", "--audience", "+two")["roles"] == ["groups", "groups:a=writer"]
    made = change(acme, "--audience", "-https://api.example", "--alg", "-PS256", "--role-claim=-groups")
    assert {key: made[key] for key in WHOLE} == dict(WHOLE, audiences=["two"], roles=["groups:a=writer"], max_life="1h",
                                                     algs=[alg for alg in ALGS if alg != "PS256"])
    row = acme.json("changes")[-1]
    assert row["command"] == "issuer set" and "PS256" in row["old"]["algs"] and "PS256" not in row["new"]["algs"]
    assert change(acme, "--max-life", "2h", "--dry-run")["dry_run"] is True
    assert acme.json("issuer", "show", "acme")["max_life"] == "1h"


@pytest.mark.parametrize("words, says", [
    (["--role-claim", "groups:admins"], ["groups:admins", "CLAIM:VALUE=ROLE"]), (["--role-claim", "a=b"], "CLAIM:VALUE=ROLE"),
    (["--role-claim", "cognito:groups:a=writer"], "double quotes"), (["--role-claim", '"a'], "double quotes"),
    (["--role-claim", '"a"b'], "double quotes"), (["--role-claim", "groups:a=w w"], "letters"), (["--role-claim", "/"], "JSON Pointer"),
    (["--role-claim", "/a//b"], "JSON Pointer"), (["--role-claim", ""], "empty"), (["--role-claim", "+a"], ["+a", "new issuer"]),
    (["--role-claim", "groups:=writer"], 'value ""'), (["--role-claim", "g:\x1b=writer"], "control"),
    (["--scope-claim", "a:b"], "CLAIM:VALUE=SCOPE"), (["--need", "a="], "CLAIM=VALUE"), (["--need", '"a"b'], "CLAIM=VALUE"),
    (["--alg", "none"], ["none", "RS256", "Ed448"]), (["--alg", "rs256"], "rs256"), (["--alg", "HS256,RS256"], "HMAC"),
    (["--alg", "HS256"], "--jwks FILE"), (["--leeway", "121s"], "120 s"), (["--leeway", "1.5s"], "1.5s"),
    (["--max-age", "367d"], "max-age"), (["--keys-ttl", "9s"], "10 to"), (["--keys-ttl", "none"], "10 to"),
    (["--fetch-interval", "0"], "1 to"), (["--answer-ttl", "2h"], "3600"),
    (["--jwks", "http://login.example/k"], "https"), (["--jwks", "http://login.example/k", "--insecure-http"], "loopback"),
    (["--jwks", "https://u:p@login.example/k"], "login.example"), (["--jwks", "ftp://login.example/"], "ftp"),
    (["--jwks", "none"], "--introspect"), (["--introspect", "https://a.example/"], "--client-id"),
    (["--client-id", "x"], "--introspect"), (["--introspect", "http://a.example/", "--client-id", "x"], "https"),
    (["--host", "a.example:443"], "without a port"), (["--ca", "ca.pem"], "path from /"), (["--audience", ""], "empty"),
    (["--audience", "a\u0085"], "control"), (["--without", "private"], "--without"),
])
def test_what_a_definition_cannot_be(store, words, says):  # CLI-07, JWT-02, JWT-04, JWT-13, JWT-17
    refused(store, 2, says, "issuer", "add", "acme", "--issuer", "https://login.example",
            *([] if "--audience" in words else ["--audience", "https://api.example"]), *words, input="secret")
    assert store.json("issuer", "list") == []


def test_what_is_there_or_is_not(acme):
    refused(acme, 4, ['"acme"', "issuer set"], "issuer", "add", "acme", "--issuer", "https://b.example", "--audience", "x")
    refused(acme, 4, ['"acme"', "https://login.example"], "issuer", "add", "b", *BASE)  # JWT-11
    refused(acme, 3, "(did you mean acme?)", "issuer", "show", "acm")
    refused(acme, 3, "acne", "issuer", "set", "acne", "--max-age", "1h")
    refused(acme, 3, "acne", "issuer", "delete", "acne", "--yes")
    refused(acme, 3, "nobody", "issuer", "set", "acme", "--role-claim", "groups:a=nobody")
    refused(acme, 3, ["boss", "issuer show acme"], "issuer", "set", "acme", "--role-claim=-boss")
    refused(acme, 2, "nothing to set", "issuer", "set", "acme")
    refused(acme, 2, "nothing to set", "issuer", "set", "acme", "--dry-run")
    refused(acme, 2, ["--private", "--without private"], "issuer", "set", "acme", "--private", "--without", "private")
    refused(acme, 2, ["--without", "plain-typ"], "issuer", "set", "acme", "--without", "ca")
    refused(acme, 2, "audience", "issuer", "set", "acme", "--audience=-https://api.example")
    refused(acme, 2, "--audience is missing", "issuer", "add", "b", "--issuer", "https://b.example")
    for name in ("", "a b", "-a", "a" * 65, "\u00fc", ".."):
        refused(acme, 2, "letters", "issuer", "add", "--issuer", "https://b.example", "--audience", "x", "--", name)


def test_delete_asks_first(acme):  # CLI-11
    refused(acme, 2, ["delete issuer acme", "--yes"], "issuer", "delete", "acme")
    assert acme.json("issuer", "delete", "acme", "--dry-run") == {"name": "acme", "dry_run": True}
    assert acme.json("issuer", "delete", "acme", "--yes") == {"name": "acme", "deleted": True}
    assert acme.json("issuer", "list") == [] and acme.json("changes")[-1]["new"] is None


def test_people_see_a_rule_on_each_line(acme):
    out = acme.ok("issuer", "set", "acme", "--role-claim", "groups:a=writer", "--role-claim", "b")
    assert "roles             groups:a=writer\n                  b\n" in out


# ---- keys of the store


def test_keys_from_a_file(store, folder):
    first, second = EcKey(folder, "first"), EcKey(folder, "second")
    bad = {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "kid": "bad"}
    path = folder.write("keys.json", json.dumps({"keys": [first.jwk(kid="k1", alg="ES256"), bad]}), 0o644)
    made = add(store, "--jwks", path)
    assert (made["keys"], made["jwks"]) == ("static", None)
    good, wrong = made["static_keys"]
    assert good == {"kid": "k1", "type": "P-256", "alg": "ES256", "usable": True, "thumbprint": first.thumbprint(), "fault": None}
    assert (wrong["kid"], wrong["usable"]) == ("bad", False) and wrong["fault"]
    # One key alone, by stdin and by a descriptor.
    assert change(store, "--jwks", "-", input=json.dumps(second.jwk()))["static_keys"][0]["thumbprint"] == second.thumbprint()
    read, write = os.pipe()
    os.write(write, json.dumps(first.jwk()).encode())
    os.close(write)
    done = store.run("--json", "issuer", "set", "acme", "--jwks", str(read), pass_fds=[read])
    assert json.loads(done.out)["static_keys"][0]["thumbprint"] == first.thumbprint()
    refused(store, 3, "k.json", "issuer", "set", "acme", "--jwks", folder.path("k.json"))
    for text in ("{}", "[]", '{"keys":[]}', json.dumps(bad), "x", json.dumps({"kty": "oct", "k": b64(b"x" * 32)})):
        assert store.run("issuer", "set", "acme", "--jwks", "-", input=text).rc in (2, 3)
    refused(store, 3, ["no key"], "issuer", "set", "acme", "--alg", "RS256")
    assert change(store, "--jwks", "https://k.example/")["static_keys"] == []


def test_a_secret_of_tokens_is_kept_as_one(store, folder):  # JWT-04, SEC-01
    secret = secrets.token_bytes(32)
    text = json.dumps({"kty": "oct", "k": b64(secret), "kid": "h"})
    path = folder.write("hmac.json", text, 0o644)
    refused(store, 1, "hmac.json", "issuer", "add", "acme", *BASE, "--alg", "HS256", "--jwks", path)
    os.chmod(path, 0o600)
    made = add(store, "--alg", "HS256", "--jwks", path)
    assert made["keys"] == "static" and made["static_keys"] == []
    for folder_name, _, names in os.walk(store.path):
        for name in names:
            with open(os.path.join(folder_name, name), "rb") as file:
                data = file.read()
            assert secret not in data and b64(secret).encode() not in data, name
    short = json.dumps({"kty": "oct", "k": b64(b"x" * 31)})
    assert store.run("issuer", "set", "acme", "--jwks", "-", input=short).rc in (2, 3)


# ---- the secret of its client


def blob(store):
    with sqlite3.connect("file:%s?mode=ro" % store.file("store.db"), uri=True) as db:
        return db.execute("SELECT version, until, blob FROM secret_version WHERE name = 'issuer/acme' ORDER BY version DESC").fetchone()


def test_the_secret_of_a_client_comes_by_stdin_and_is_sealed(store):  # CLI-01, SEC-01
    secret = secrets.token_hex(20)
    words = ["--introspect", "https://login.example/i", "--client-id", "gate"]
    refused(store, 2, "no secret of the client came", "issuer", "add", "acme", *BASE, *words)
    refused(store, 2, ["--jwks -", "stdin"], "issuer", "add", "acme", *BASE, *words, "--jwks", "-", input=secret)
    add(store, *words, "--jwks", "none", input="  %s\n" % secret)
    version, until, sealed = blob(store)
    assert until == 0 and secret.encode() not in sealed and secret not in json.dumps(store.json("changes"))
    change(store, "--answer-ttl", "5s", input="not read")
    assert blob(store) == (version, until, sealed)
    assert change(store, "--client-id", "gate", input=secrets.token_hex(20))["client_id"] == "gate"
    assert blob(store)[0] == version + 1 and store.json("changes")[-1]["new"]["new_secret"] is True
    refused(store, 2, "too long", "issuer", "set", "acme", "--client-id", "gate", input="x" * 1025)
    store.ok("issuer", "delete", "acme", "--yes")
    assert blob(store) is None


def test_a_terminal_does_not_show_the_secret(store):  # CLI-01
    secret = secrets.token_hex(20)
    end = Terminal([store.program, "--store", store.path, "issuer", "add", "acme", *BASE, "--jwks", "none", "--introspect",
                    "https://login.example/i", "--client-id", "gate"], rows=99)
    while "not shown" not in end.seen():
        assert end.process.poll() is None
    end.type(secret + "\n")
    code, shown = end.end()
    assert code == 0 and secret not in shown and "gate" in shown
    assert blob(store)[0] == 1
