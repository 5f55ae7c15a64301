"""token decode: what a token says, with nothing verified and nothing that a terminal would read otherwise."""

import json
import re
import time

import pytest

from harness import Store
from harness.jws import b64, token

GOOD = {"iss": "https://login.example", "aud": "https://api.example", "exp": 4102444800, "sub": "ann"}
RS = {"alg": "RS256", "typ": "at+jwt", "kid": "k1"}


def decode(text, rc=0):
    done = Store.call("--json", "token", "decode", input=text)
    assert done.rc == rc, done
    return json.loads(done.out)


def warnings(header=RS, claims=GOOD, signature=b"no signature"):
    return [row["warning"] for row in decode(token(header, claims, signature))["warnings"]]


def test_members_and_times():  # CLI-05
    claims = dict(GOOD, iat=1700000000.75, nbf=1, n={"deep": [1, 2.50, None, True]}, big=12345678901234567890)
    shown = decode("\n  %s \r\n" % token(RS, claims))
    assert shown == {"verified": False, "header": RS, "claims": claims, "issued_at": "2023-11-14T22:13:20Z",
                     "not_before": "1970-01-01T00:00:01Z", "expires_at": "2100-01-01T00:00:00Z", "warnings": []}


def test_people_are_told_loudly_that_nothing_is_verified():
    text = token(RS, dict(GOOD, iat=int(time.time()) - 200))
    done = Store.call("token", "decode", input=text)
    assert done.rc == 0 and done.err == "" and done.out.startswith("NOTHING OF THIS IS VERIFIED: anybody can write")
    assert re.search(r"^verified +no$", done.out, re.M) and re.search(r"^kid +k1$", done.out, re.M)
    assert re.search(r"^exp +4102444800 +2100-01-01T00:00:00Z, in \d+d$", done.out, re.M)
    assert re.search(r"^iat +\d+ +\S+Z, 3m ago$", done.out, re.M)
    assert not any(part in done.out for part in text.split("."))


@pytest.mark.parametrize("char", ["\x1b", "\x7f", "\x9b", "\u202e", "\u2028", "\u2066"])
def test_nothing_is_shown_that_a_terminal_reads_otherwise(char):  # CLI-08
    for raw in (True, False):
        if raw and char < " ":
            continue  # no JSON has it as it is
        claims = json.dumps(dict(GOOD, **{"a" + char: ["x" + char + "y", {"b" + char: char}], "c": char}), ensure_ascii=not raw)
        text = token(RS, claims)
        for words in ([], ["--json"]):
            done = Store.call(*words, "token", "decode", input=text)
            assert done.rc == 0 and char not in done.out, done
        assert decode(text)["claims"] == json.loads(claims)


def test_the_shape_of_json_does_not_matter():
    shown = decode(token('{ "alg" :\n"RS256", "q\\"\\\\" : " { } " }', '\t{"aud":[ "a" , "b c" ] ,"e":{ } }\r\n'))
    assert shown["header"] == {"alg": "RS256", 'q"\\': " { } "} and shown["claims"] == {"aud": ["a", "b c"], "e": {}}


@pytest.mark.parametrize("header, claims, signature, words", [  # JWT-02, JWT-06, JWT-07, JWT-12, JWT-13
    (RS, GOOD, b"x", []), (dict(RS, alg="none"), GOOD, b"", ["alg-none", "no-signature"]), (dict(RS, alg="NonE"), GOOD, b"x", ["alg-none"]),
    ({"typ": "JWT"}, GOOD, b"x", ["no-alg"]), (dict(RS, alg=5), GOOD, b"x", ["no-alg"]), (dict(RS, alg="rs256"), GOOD, b"x", ["alg-unknown"]),
    (dict(RS, crit=["exp"]), GOOD, b"x", ["crit"]), (dict(RS, b64=False), GOOD, b"x", ["crit"]),
    (dict(RS, jwk={}), GOOD, b"x", ["key-inside"]), (dict(RS, jku="https://evil.example", x5c=[]), GOOD, b"x", ["key-inside"]),
    (dict(RS, x5u=""), GOOD, b"x", ["key-inside"]), (RS, dict(GOOD, exp=1700000000), b"x", ["expired"]),
    (RS, dict(GOOD, exp="4102444800"), b"x", ["bad-exp"]), (RS, dict(GOOD, exp=-1), b"x", ["bad-exp"]),
    (RS, dict(GOOD, exp=2 ** 33 + 1), b"x", ["bad-exp"]), (RS, dict(GOOD, nbf=4102444800), b"x", ["not-yet"]),
    (RS, dict(GOOD, nbf=None), b"x", ["bad-nbf"]), (RS, {}, b"x", ["no-iss", "no-aud", "no-exp"]),
])
def test_what_is_warned_of(header, claims, signature, words):
    assert warnings(header, claims, signature) == words


@pytest.mark.parametrize("text, says", [
    ("", "no token came"), (" \n\t", "no token came"), ("apisec_0123", "no dots, as an API key or an opaque token"), ("a.b", "2 parts"),
    ("a.b.c.d", "4 parts"), ("a.b.c.d.e", "five parts, as an encrypted token (JWE) has"), ('{"payload":"a"}', "this is no JWT: JSON"),
    ("..", "the header of the token is empty"), ("e30..", "the claims of the token is empty"), ("e31.e30.", "the header of the token: want base64url"),
    ("e30=.e30.", "the header of the token: want base64url"), ("e30.e 30.", "the claims of the token: want base64url"),
    ("Bearer e30.e30.", "the header of the token: want base64url"), ("e30.e30.+", "the signature of the token: want base64url"),
    (token("[1]", GOOD), "the header of the token: want a JSON object"), (token(RS, "null"), "the claims of the token: want a JSON object"),
    (token(RS, '{"a":1,"a":2}'), "the claims of the token: "), (token(RS, b'{"a":"\xff"}'), "the claims of the token: "),
    (token(b"\xef\xbb\xbf{}", GOOD), "the header of the token: "), (token(RS, "[" * 5000), "the claims of the token: "),
    ("a" * 16385, "the token is too long: want at most 16384 bytes"),
])
def test_garbage_gets_a_clear_error(text, says):  # JWT-01, JWT-09
    done = Store.call("token", "decode", input=text)
    assert (done.rc, done.out) == (2, "") and done.err.startswith("apisecctl: ") and says in done.err, done
    assert len(text) < 30 or text not in done.err


def test_the_longest_token_is_read():
    rest = 16384 - len(b64(RS)) - 2 - len(b64(b"sig"))
    text = token(RS, '{"a":"%s"}' % ("x" * (rest * 3 // 4 - 8)), b"sig")
    assert len(text) in (16383, 16384) and decode(text)["claims"]["a"].startswith("xxx")


def test_no_store_is_needed(folder):
    done = Store.call("--store", folder.path("none"), "token", "decode", input=token(RS, GOOD))
    assert done.rc == 0 and done.err == ""
