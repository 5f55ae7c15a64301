"""A signed token in place of a key: who calls by it, what it may do, and what refuses it."""

import json
import time

import pytest
from harness import Site, wait_for
from harness.tokens import Issuer, Key, add_issuer, bearer

pytestmark = pytest.mark.one_mpm

CONF = """
<Location />
    ApiSecEngine On
</Location>
<Location /orders>
    ApiSecLimit each rate=1000/h by=key
    ApiSecExport key-id user roles scopes kv
</Location>
<Location /user>
    ApiSecRequire api-user
</Location>
<Location /key>
    ApiSecRequire api-key
</Location>
<Location /deep>
    ApiSecRequire api-scope deep more
</Location>
<Location /other>
    ApiSecIssuer second
</Location>
<Location /none>
    ApiSecIssuer none
</Location>
<Location /any>
    ApiSecRequire public
    <RequireAny>
        Require api-role nobody
        Require all granted
    </RequireAny>
</Location>
ScriptAlias /echo @ROOT@/cgi/echo
<Directory @ROOT@/cgi>
    Require all granted
</Directory>
"""


def prepare(site):
    for name in ("user", "key", "deep", "none", "any"):
        site.folder.write("htdocs/%s/x.json" % name, "{}\n")
    site.script("echo", 'printf "Content-Type: text/plain\\r\\n\\r\\n"; env | grep -E "APISEC|REMOTE_USER|AUTHORIZ"\n')
    site.role("reader", "GET /orders/**", "GET /other/**", "GET /none/**", "GET /echo")
    site.key("ci")
    site.issuer, site.second = (Issuer(site.folder.root, iss, keys=keys) for iss, keys in (
        ("https://login.example", ("k1", "k2")), ("https://second.example", ("k1",))))
    add_issuer(site.store, site.issuer, jwks="static", role_claim="groups", leeway=0)
    add_issuer(site.store, site.second, "second", jwks="static", role_claim="groups")


@pytest.fixture(scope="module")
def site():
    with Site(CONF, prepare, modules=["cgi"]) as made:
        yield made


def line_of(site, answer):
    return site.server.wait_audit(lambda line: line["id"] == answer.headers["X-Request-Id"])


def show(site, token, path="/orders/7.json"):
    return site.get(path, headers=bearer(token))


def refused(site, token, reason, path="/orders/7.json", status=401, error="invalid_token"):
    answer = show(site, token, path)
    challenge = answer.headers["WWW-Authenticate"] or ""
    assert (answer.status, 'error="%s"' % error in challenge) == (status, error is not None), (reason, answer)
    line = line_of(site, answer)
    assert line["reason"] == reason
    return answer, line


# JWT-16, JWT-10
def test_a_token_calls_as_its_issuers_subject(site):
    answer = show(site, site.issuer.token(groups=["reader", "boss"], scope="deep x"))
    assert answer.status == 200 and answer.headers["RateLimit"]
    line = line_of(site, answer)
    assert (line["key"], line["user"], line["roles"]) == ("acme:eve", "acme:eve", ["reader"])
    assert "kv" not in line
    # by=key counts the caller, whichever token he shows; another subject has an allowance of its own.
    left = [int(show(site, site.issuer.token(groups=["reader"], sub=sub)).headers["RateLimit"].split("r=")[1].split(";")[0])
            for sub in ("bob", "bob", "kim")]
    assert left[1] == left[0] - 1 and left[2] == left[0]


# JWT-16
def test_the_handler_is_told_who_calls_and_not_by_what(site):
    token = site.issuer.token(groups=["reader"], scope="deep x")
    text = show(site, token, "/echo").text
    assert "REMOTE_USER=acme:eve" in text and "APISEC_KEY_ID=acme:eve" in text
    assert token not in text and "AUTHORIZ" not in text


# JWT-16, KEY-17
def test_a_user_and_a_client_and_a_key_are_three_things(site):
    user, client = site.issuer.token(), site.issuer.token(sub="web")
    assert show(site, user, "/user/x.json").status == 200
    refused(site, client, "user_required", "/user/x.json", 403, None)
    refused(site, user, "key_required", "/key/x.json", 403, None)
    assert site.get("/key/x.json", key="ci").status == 200
    answer = show(site, client, "/user/x.json")
    assert line_of(site, answer)["user"] == "acme:web"


# JWT-21
def test_too_little_scope_is_told(site):
    assert show(site, site.issuer.token(scope="more deep"), "/deep/x.json").status == 200
    answer, _ = refused(site, site.issuer.token(scope="deeper more"), "scope_missing", "/deep/x.json", 403,
                        "insufficient_scope")
    assert 'scope="deep more"' in answer.headers["WWW-Authenticate"]


# AZ-12, JWT-22
def test_one_credential_and_nothing_saves_a_bad_one(site):
    good, bad = site.issuer.token(groups=["reader"]), site.issuer.token(aud="https://else.example")
    answer = site.get(key="ci", headers=bearer(good))
    assert answer.status == 400 and line_of(site, answer)["reason"] == "credential_multiple"
    assert 'error="invalid_request"' in answer.headers["WWW-Authenticate"]
    answer = site.get(key="ci", headers=bearer(bad))
    assert answer.status == 400
    answer = site.get(headers=[("Authorization", "Bearer %s, Bearer %s" % (good, good))])
    assert answer.status == 400
    refused(site, bad, "token_audience", "/any/x.json")
    assert site.get("/any/x.json").status == 200, "without any it is open"
    answer = site.get()
    assert answer.status == 401 and "error" not in answer.headers["WWW-Authenticate"]


def bad_tokens(site):
    i, now = site.issuer, int(time.time())
    stranger = Key(site.folder.root, "k1")
    good = i.token()
    head, body, sign = good.split(".")
    return [
        ("token_malformed", good + ".x"), ("token_malformed", head + "." + body), ("token_malformed", "." + body + "."),
        ("token_signature", ".".join([head, body, ("B" if sign[9] == "A" else "A").join([sign[:9], sign[10:]])])),
        ("token_signature", i.token(stranger)),
        ("token_issuer", i.token(iss="https://nobody.example")), ("token_issuer", i.token(iss=None)),
        ("token_alg", i.token(header={"alg": "RS384"})), ("token_alg", i.token(header={"alg": "none"})),
        ("token_key_unknown", i.token(header={"kid": "k9"})),
        ("token_signature", site.second.token(iss=i.iss)),
        ("token_key_inside", i.token(header={"jwk": stranger.jwk()})),
        ("token_critical", i.token(header={"crit": ["exp"]})),
        ("token_type", i.token(typ="JWT")), ("token_type", i.token(typ="dpop+jwt")),
        ("token_audience", i.token(aud=None)), ("token_audience", i.token(aud=["a", "b"])),
        ("token_expired", i.token(exp=now - 100)), ("token_claim_missing", i.token(exp=None)),
        ("token_not_yet", i.token(nbf=now + 500)), ("token_from_future", i.token(iat=now + 500)),
        ("token_claim_missing", i.token(sub=None, client_id=None)),
        ("token_claims", i.token(sub="a\nb")), ("token_claims", i.token(exp="soon")),
        ("token_confirmation", i.token(cnf={"jku": "https://x.example"})),
        ("token_confirmation", i.token(cnf={"jkt": "A" * 43})),
    ]


# JWT-01, JWT-02, JWT-06, JWT-07, JWT-11, JWT-12, JWT-13, JWT-14, JWT-22, JWT-27
def test_each_fault_refuses_and_is_told_to_the_log_alone(site):
    for reason, token in bad_tokens(site):
        answer, _ = refused(site, token, reason)
        assert token not in answer.text and token not in str(answer.headers)
        assert reason.split("_", 1)[1] not in answer.headers["WWW-Authenticate"].replace("invalid_token", "")
    answer = site.get("/orders/7.json?access_token=" + site.issuer.token(groups=["reader"]))
    assert answer.status == 401 and line_of(site, answer)["reason"] == "credential_missing", "JWT-23"
    assert site.get(headers=[("Authorization", "bEARER " + site.issuer.token(groups=["reader"]))]).status == 200
    assert site.get(headers=[("X-API-Key", site.issuer.token())]).status in (400, 401), "that field is for keys"


# JWT-16, AZ-03
def test_an_issuer_gives_no_role_that_the_store_does_not_have(site):
    refused(site, site.issuer.token(groups=["admin", "root"]), "grant_missing", status=403, error=None)


# JWT-11
def test_a_section_takes_the_issuers_that_it_names(site):
    ours, second = site.issuer.token(groups=["reader"]), site.second.token(groups=["reader"])
    assert show(site, second, "/other/x.json").status == 200
    refused(site, ours, "token_issuer", "/other/x.json")
    refused(site, ours, "token_issuer", "/none/x.json")
    assert show(site, ours).status == show(site, second).status == 200


# JWT-26
def test_a_token_is_found_again_and_ends_at_its_exp(site):
    token = site.issuer.token(groups=["reader"], exp=int(time.time()) + 2)
    assert show(site, token, "/echo").status == 200
    wait_for(lambda: show(site, token, "/echo").status == 401, 15, "the end of a token")
    refused(site, token, "token_expired")


# KEY-15
def test_failures_are_charged_to_their_source(make_site):
    site = make_site("ApiSecFailLimit 3/h\nApiSecRequireTLS Off\n" + CONF, prepare, modules=["cgi", "remoteip"])
    headers = bearer(site.issuer.token(aud="https://else.example")) + [("X-Forwarded-For", "203.0.113.9")]
    assert [site.get(headers=headers).status for _ in range(5)] == [401] * 3 + [429] * 2
    good = bearer(site.issuer.token(groups=["reader"])) + [("X-Forwarded-For", "203.0.113.9")]
    assert site.get(headers=good).status == 200
