"""token check, revoke and gone: what httpd would make of a token, and which tokens are stopped."""

import base64
import json
import re
import secrets
import sqlite3
import time

import pytest

from harness.jws import EcKey, b64, signed_hs256, times

ISS, AUD = "https://login.example", "https://api.example"
FORM = ["form", "issuer", "no key inside", "algorithm", "key", "signature", "type"]
CLAIMS = ["types of claims", "iss", "aud", "exp", "nbf", "iat", "age", "life", "needed claims", "cnf", "roles and scopes"]


class Acme:
    """A store with the issuer acme, and who signs for it."""

    def __init__(self, store, folder):
        self.store, self.key, self.other = store, EcKey(folder, "acme"), EcKey(folder, "other")
        store.role_create("reader", "GET /a")
        store.json("issuer", "add", "acme", "--issuer", ISS, "--audience", AUD, "--role-claim", "groups", "--jwks", "-",
                   "--max-life", "1h", input=json.dumps(self.key.jwk(kid="k1")))

    def token(self, key=None, header=(), **claims):
        said = dict(times(), iss=ISS, aud=AUD, sub="ann", client_id="app", jti=secrets.token_hex(4), groups=["reader", "boss"],
                    scope="a b")
        said.update(claims)
        head = dict({"typ": "at+jwt", "kid": "k1"}, **dict(header))
        return (key or self.key).token(head, {name: value for name, value in said.items() if value is not None})

    def check(self, token, rc=0):
        found = self.store.json("token", "check", input=token, rc=rc)
        assert not any(part in json.dumps(found) for part in token.split(".") if len(part) > 20)
        return found

    def fault(self, token):
        """(the reason, the check that fails, the checks that pass)."""
        found = self.check(token, rc=5)
        assert found["accepted"] is False
        return (found["reason"], [row["check"] for row in found["steps"] if row["result"] == "fail"],
                [row["check"] for row in found["steps"] if row["result"] == "pass"])

    def revoke(self, *words, **popen):
        return self.store.json("token", "revoke", *words, **popen)


@pytest.fixture
def acme(store, folder):
    return Acme(store, folder)


# ---- check


def test_a_good_token_is_told_with_its_caller(acme):  # JWT-16
    exp = int(time.time()) + 600
    found = acme.check(acme.token(exp=exp))
    steps = found.pop("steps")
    assert [row["check"] for row in steps] == FORM + CLAIMS + ["not revoked"]
    assert all(row["result"] == "pass" and row["detail"] is None for row in steps)
    assert found == {"accepted": True, "reason": None, "issuer": "acme", "keys_fetched_at": None, "id": "acme:ann", "caller": "user",
                     "roles": ["reader"], "unknown_roles": ["boss"], "scopes": ["a", "b"], "bound_to": None,
                     "expires_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(exp))}
    client = acme.check(acme.token(sub="app", cnf={"jkt": b64(b"x" * 32)}))
    assert (client["id"], client["caller"], client["bound_to"]) == ("acme:app", "client", "a DPoP key")
    people = acme.store.ok("token", "check", input=acme.token())
    assert re.search(r"^accepted +yes$", people, re.M) and re.search(r"^not revoked +pass +-$", people, re.M)


# JWT-01, JWT-02, JWT-03, JWT-06, JWT-07, JWT-11, JWT-12, JWT-13, JWT-14, JWT-15
def test_the_check_that_fails_is_named(acme):
    now = int(time.time())
    for reason, check, token in [
            ("token_malformed", "form", "a.b"), ("token_malformed", "form", "opaque"),
            ("token_critical", "form", acme.token(header={"crit": ["x"]})),
            ("token_issuer", "issuer", acme.token(iss="https://b.example")), ("token_key_inside", "no key inside", acme.token(header={"jwk": {}})),
            ("token_alg", "algorithm", acme.token(header={"alg": "HS256"})), ("token_key_unknown", "key", acme.token(header={"kid": "k2"})),
            ("token_signature", "signature", acme.token(acme.other)), ("token_type", "type", acme.token(header={"typ": "JWT"})),
            ("token_audience", "aud", acme.token(aud="x")), ("token_expired", "exp", acme.token(exp=now - 60)),
            ("token_not_yet", "nbf", acme.token(nbf=now + 500)), ("token_too_long_lived", "life", acme.token(exp=now + 5000)),
            ("token_claim_missing", "needed claims", acme.token(jti=None)), ("token_claims", "types of claims", acme.token(sub=5))]:
        got, failed, passed = acme.fault(token)
        order = FORM + CLAIMS
        assert (got, failed[0]) == (reason, check), (got, failed)
        assert passed[:order.index(check)] == order[:order.index(check)], (reason, passed)
        if check in FORM:
            assert len(failed) + len(passed) == order.index(check) + 1, "nothing behind it is known"
    got, failed, _ = acme.fault(acme.token(aud="x", exp=now - 60))
    assert (got, failed) == ("token_audience", ["aud", "exp"]), "every check of the claims is told"


def test_keys_that_were_not_fetched_are_told(acme):  # JWT-17
    acme.store.ok("issuer", "set", "acme", "--jwks", "https://keys.example/k")
    found = acme.check(acme.token(), rc=5)
    assert found["reason"] == "token_no_keys" and "apisecctl issuer test acme" in found["steps"][-1]["detail"]


def test_what_is_no_token_is_told(acme):
    key = acme.store.key_create("k", role="reader")["key"]
    for command in ("check", "revoke"):
        done = acme.store.run("token", command, input=key)
        assert done.rc == 2 and "API key" in done.err and key not in done.err
        assert acme.store.run("token", command).rc == 2


# ---- revoke


def test_a_token_is_revoked_by_its_jti_until_it_ends(acme):  # JWT-20
    exp = int(time.time()) + 600
    token, twin = acme.token(jti="j1", exp=exp), acme.token(jti="j1", sub="bob")
    made = acme.revoke(input=token + "\n")
    assert {key: made[key] for key in ("by", "issuer", "jti", "verified", "until")} == {
        "by": "jti", "issuer": "acme", "jti": "j1", "verified": "yes",
        "until": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(exp + 120))}
    assert acme.fault(token) == ("token_revoked", ["not revoked"], FORM + CLAIMS) == acme.fault(twin)
    (row,) = acme.store.json("token", "gone")
    assert (row["hash"], row["issuer"], row["until"]) == (made["hash"], "acme", made["until"]) and row["revoked_at"]
    assert acme.store.json("token", "gone", "--issuer", "other") == []
    log = acme.store.json("changes")[-1]
    assert log["command"] == "token revoke" and log["new"]["token"] == made["hash"] and token not in json.dumps(log)
    assert acme.revoke("--issuer", "acme", "--jti", "j1")["hash"] == made["hash"]
    assert acme.check(acme.token())["accepted"]


def test_a_jti_is_revoked_for_good_unless_its_end_is_said(acme):  # JWT-20
    assert acme.revoke("--issuer", "acme", "--jti", "a")["until"] is None
    assert acme.revoke("--issuer", "acme", "--jti", "b", "--expires", "1h")["until"]
    assert acme.fault(acme.token(jti="a"))[0] == acme.fault(acme.token(jti="b"))[0] == "token_revoked"
    assert acme.revoke("--issuer", "acme", "--jti", "c", "--dry-run")["dry_run"] is True
    assert acme.check(acme.token(jti="c"))["accepted"] and len(acme.store.json("token", "gone")) == 2
    with sqlite3.connect(acme.store.file("store.db")) as db:
        db.execute("UPDATE token_gone SET until = 1 WHERE until <> 0")
    assert len(acme.store.json("token", "gone")) == 1, "one that has ended is not told"
    for rc, says, words in [(2, "--issuer", ["--jti", "a"]), (3, "nobody", ["--issuer", "nobody", "--jti", "a"]),
                            (2, "1 to 1024", ["--issuer", "acme", "--jti", ""]), (2, "ahead", ["--issuer", "acme", "--jti", "a", "--expires", "2020-01-01"]),
                            (3, "nobody", ["--issuer", "nobody"])]:
        done = acme.store.run("token", "revoke", *words, input="x")
        assert done.rc == rc and says in done.err, done


def test_the_end_that_a_forged_token_says_does_not_count(acme):  # JWT-20
    """Whoever has a stolen token could hand in another text with its jti, that ends at once."""
    made = acme.revoke(input=acme.token(acme.other, jti="j1", exp=int(time.time()) + 1))
    assert (made["by"], made["verified"], made["until"]) == ("jti", "no", None)
    assert acme.fault(acme.token(jti="j1"))[0] == "token_revoked"


def test_a_token_that_has_ended_needs_no_revoking(acme):
    done = acme.store.run("token", "revoke", input=acme.token(exp=int(time.time()) - 500))
    assert done.rc == 4 and "ended by itself" in done.err and acme.store.json("token", "gone") == []


def test_a_token_without_jti_is_known_by_what_is_signed(acme):  # JWT-20
    acme.store.ok("issuer", "set", "acme", "--plain-typ")
    token = acme.token(jti=None)
    assert acme.check(token)["accepted"]
    made = acme.revoke(input=token)
    assert (made["by"], made["jti"], made["verified"]) == ("text", None, "yes")
    assert acme.fault(token)[0] == "token_revoked"
    # The other signature that ECDSA has for the same text: r and n - s.
    order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551
    head, body, sign = token.split(".")
    raw = base64.urlsafe_b64decode(sign + "==")
    twin = ".".join([head, body, b64(raw[:32] + (order - int.from_bytes(raw[32:], "big")).to_bytes(32, "big"))])
    assert twin != token and acme.fault(twin)[0] == "token_revoked"


def test_an_opaque_token_and_one_of_a_stranger_are_known_by_their_text(acme):  # JWT-20
    opaque = secrets.token_hex(20)
    made = acme.revoke("--issuer", "acme", input=opaque)
    assert (made["by"], made["issuer"], made["verified"], made["until"]) == ("text", "acme", "no", None)
    stranger = signed_hs256(b"x" * 32, {"alg": "HS256", "typ": "at+jwt"}, dict(times(), iss="https://b.example", jti="j"))
    made = acme.revoke(input=stranger)
    assert (made["by"], made["issuer"], made["verified"]) == ("text", None, "no")
