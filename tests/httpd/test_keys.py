"""API keys: where they are read, when they work, and what a refusal shows."""

import base64
import re

import pytest
from harness import Site, key_text, split_key, wait_for

CONF = """
LimitRequestFields 0
LimitRequestFieldSize 200000
LimitRequestLine 200000
ApiSecRequireTLS Off
ScriptAlias /echo @ROOT@/cgi/echo
ScriptAlias /pass @ROOT@/cgi/echo
<Directory @ROOT@/cgi>
    Require all granted
</Directory>
<Location /orders>
    ApiSecEngine On
    ApiSecMax field=9000
</Location>
<Location /basic>
    ApiSecEngine On
    ApiSecKeyFrom header:X-Other-Key basic
</Location>
<Location /onlyheader>
    ApiSecEngine On
    ApiSecKeyFrom header:X-API-Key
</Location>
<Location /either>
    ApiSecEngine On
    ApiSecRequire public
    <RequireAny>
        Require api-key
        Require ip 127.0.0.1
    </RequireAny>
</Location>
<Location /user>
    ApiSecEngine On
    ApiSecRequire api-user
</Location>
<Location /echo>
    ApiSecEngine On
    ApiSecRequire api-key
    ApiSecKeyFrom header:X-API-Key bearer basic
</Location>
<Location /pass>
    ApiSecEngine On
    ApiSecRequire api-key
    ApiSecPassCredential On
</Location>
"""


def prepare(site):
    site.folder.write("htdocs/basic/index.html", "basic\n")
    site.folder.write("htdocs/user/index.html", "user\n")
    site.folder.write("htdocs/either/index.html", "either\n")
    site.script("echo", 'printf "Content-Type: text/plain\\n\\n"\nenv\ncat\n')
    site.role("reader", "GET /orders/**", "GET /basic/**", "GET /user/**")
    site.key("ci", owner="shop")
    site.key("nobody")
    site.key("revoked")
    site.store.ok("key", "revoke", "revoked")
    site.key("expired", expires="1s")
    site.key("notyet", not_before="10d")
    site.key("rotated")
    site.keys["rotated-new"] = site.store.json("key", "rotate", "rotated", "--overlap", "0")["key"]
    site.key("overlap")
    site.keys["overlap-new"] = site.store.json("key", "rotate", "overlap", "--overlap", "1h")["key"]
    site.key("hosted", host=["api.example.com", "b.example.com"])
    site.key("homed", cidr=["192.0.2.0/24", "2001:db8:1::/48", "127.0.0.0/8"])


@pytest.fixture(scope="module")
def site():
    with Site(CONF, prepare, modules=["cgi", "remoteip", "authz_host"]) as made:
        wait_for(lambda: made.get(key="expired").status == 401, what="the key to expire")
        yield made


def basic(user, password):
    return ("Authorization", "Basic " + base64.b64encode(("%s:%s" % (user, password)).encode()).decode())


# KEY-08
def test_key_in_the_header_or_as_bearer_is_let_through(site):
    assert site.get(key="ci").status == 200
    for scheme in ("Bearer", "bearer", "BEARER"):
        assert site.get(headers=[("Authorization", "%s %s" % (scheme, site.keys["ci"]))]).status == 200


# KEY-08
def test_basic_is_read_only_where_it_is_configured(site):
    key = site.keys["ci"]
    for pair in (basic("anyone", key), basic(key, ""), ("X-Other-Key", key)):
        assert site.get("/basic/", headers=[pair]).status == 200
    assert site.get("/basic/", headers=[("X-API-Key", key)]).status == 401
    assert site.get(headers=[basic("anyone", key)]).status == 401
    for bad in ("Basic !!!", "Basic " + base64.b64encode(b"nocolon").decode(), "Basic"):
        assert site.get("/basic/", headers=[("Authorization", bad)]).status == 400, bad


# KEY-08
def test_key_elsewhere_is_no_credential(site):
    key = site.keys["ci"]
    assert site.get("/orders/7.json?api_key=%s&access_token=%s&X-API-Key=%s" % (key, key, key)).status == 401
    assert site.get(headers=[("Cookie", "X-API-Key=%s; key=%s" % (key, key))]).status == 401
    assert site.request("POST", headers=[("Content-Type", "application/x-www-form-urlencoded")],
                        body="access_token=" + key).status == 401
    assert site.get(headers=[("X_API_Key", key)]).status in (400, 401)
    assert site.get(headers=[("Proxy-Authorization", "Bearer " + key)]).status == 401


def refused_keys(site):
    prefix, key_id, secret = split_key(site.keys["ci"])
    other = secret[:-1] + ("A" if secret[-1] != "A" else "B")
    good = site.keys["ci"]
    return {
        "key_unknown": key_text(prefix, "A" * 12, secret),
        "key_wrong": key_text(prefix, key_id, other),
        "key_revoked": site.keys["revoked"],
        "key_expired": site.keys["expired"],
        "key_not_yet": site.keys["notyet"],
        "key_rotated": site.keys["rotated"],
        "key_malformed checksum": good[:-1] + ("A" if good[-1] != "A" else "B"),
        "key_malformed prefix": key_text("other", key_id, secret),
        "key_malformed short": good[:-8],
        "key_malformed long": good + "AAAA",
        "key_malformed garbage": "hunter2",
    }


def comparable(answer):
    """Everything that a client sees but the date and the request id."""
    request_id = answer.headers["X-Request-Id"]
    headers = [(name, value) for name, value in answer.headers.items() if name not in ("Date", "X-Request-Id")]
    assert answer.body.count(request_id.encode()) == (1 if answer.body else 0)
    return answer.status, answer.reason, headers, answer.body.replace(request_id.encode(), b"ID")


# KEY-07, KEY-03, AZ-16
@pytest.mark.parametrize("how", ["header", "bearer", "HEAD", "html"])
def test_refused_keys_cannot_be_told_apart(site, how):
    answers = {}
    for name, key in refused_keys(site).items():
        before = len(site.server.audit())
        if how == "bearer":
            got = site.get(headers=[("Authorization", "Bearer " + key)])
        elif how == "HEAD":
            got = site.request("HEAD", key=key)
        elif how == "html":
            got = site.get(key=key, headers=[("Accept", "text/html")])
        else:
            got = site.get(key=key)
        assert got.status == 401, name
        answers[name] = comparable(got)
        line = site.server.wait_audit(lambda line: line["id"] == got.headers["X-Request-Id"])
        assert line["reason"] == name.split()[0], name
        assert len(site.server.audit()) > before
    first = answers["key_unknown"]
    for name, answer in answers.items():
        assert answer == first, name
    assert (first[3] == b"") == (how == "HEAD")


# KEY-16
def test_each_401_carries_a_challenge_for_each_way_in(site):
    got = site.get()
    assert got.status == 401
    assert got.headers.get_all("WWW-Authenticate") == ['Bearer realm="api"', 'ApiKey realm="api", header="X-API-Key"']
    got = site.get(key="revoked")
    assert got.headers.get_all("WWW-Authenticate")[0] == 'Bearer realm="api", error="invalid_token"'
    got = site.get("/basic/")
    assert got.headers.get_all("WWW-Authenticate") == ['Basic realm="api", charset="UTF-8"',
                                                       'ApiKey realm="api", header="X-Other-Key"']
    got = site.get("/onlyheader/x", key="revoked")
    assert got.status == 401
    assert got.headers.get_all("WWW-Authenticate") == ['ApiKey realm="api", header="X-API-Key"']


# KEY-09
def test_two_credentials_are_refused(site):
    key, other = site.keys["ci"], site.keys["nobody"]
    bearer = ("Authorization", "Bearer " + key)
    cases = [
        [("X-API-Key", key), bearer],
        [("X-API-Key", key), ("Authorization", "Bearer " + other)],
        [("X-API-Key", key), ("X-API-Key", key)],
        [("X-API-Key", key), ("x-api-key", "hunter2")],
        [("X-API-Key", "hunter2"), ("X-API-Key", key)],
        [("X-API-Key", key + ", " + key)],
        [bearer, bearer],
        [bearer, basic("a", key)],
        [basic("a", key), bearer],
    ]
    for headers in cases:
        got = site.get(headers=headers)
        assert got.status == 400, headers
        assert got.headers["Content-Type"] == "application/problem+json"
        line = site.server.wait_audit(lambda line: line["id"] == got.headers["X-Request-Id"])
        assert line["reason"] == "credential_multiple"
    assert site.get("/echo", headers=[bearer, basic("a", key)]).status == 400


# KEY-18
def test_credential_fields_are_capped_before_they_are_read(site):
    assert site.get(key="A" * 256).status == 401
    assert site.get(key="A" * 257).status == 400
    assert site.get(headers=[("Authorization", "Bearer " + "A" * (8192 - 7))]).status == 401
    assert site.get(headers=[("Authorization", "Bearer " + "A" * (8192 - 6))]).status == 400
    assert site.get("/basic/", headers=[basic("u", "A" * 257)]).status == 400


# KEY-18
@pytest.mark.parametrize("bad", ["a b", "Bearer", "a\tb", '"key"', "key;x", "\xe4\xf6", "{}", "%41", "=", "a,"])
def test_credential_that_cannot_be_read_is_refused(site, bad):
    assert site.get(key=bad).status in (400, 401)
    assert site.get(headers=[("Authorization", "Bearer " + bad)]).status in (400, 401)
    assert site.get(headers=[("Authorization", bad)]).status in (400, 401)


# KEY-18, TRN-10
def test_huge_fields_are_refused_and_the_server_lives(site):
    children = site.server.children()
    for size in (8300, 65536, 150000):
        for name, value in (("X-API-Key", "k" * size), ("Authorization", "Bearer " + "k" * size), ("X-Other", "k" * size)):
            got = site.get(headers=[(name, value)] + [("X-API-Key", site.keys["ci"])] * (name == "X-Other"))
            if size > 9000:
                assert got.status == 431, (name, size)
            else:
                assert got.status == (200 if name == "X-Other" else 400), (name, size)
    many = [("X-N%d" % i, "v") for i in range(1000)]
    assert site.get(key="ci", headers=many).status == 431
    assert site.get(headers=[("X-API-Key", site.keys["ci"])] * 1000).status in (400, 431)
    assert site.get("/orders/" + "a/" * 4200, key="ci").status in (403, 414)
    assert site.get("/orders/" + "a" * 100000, key="ci").status in (403, 414)
    assert site.get(key="ci").status == 200
    assert set(children) <= set(site.server.children())


# KEY-18, TRN-13
def test_odd_bytes_are_refused_and_the_server_lives(site):
    children = site.server.children()
    key = site.keys["ci"].encode()
    for byte in list(range(0x20)) + list(range(0x7f, 0x100)):
        if byte in (0x09, 0x0a, 0x0d, 0x20):
            continue
        odd = bytes([byte])
        for value in (odd, key + odd, odd + key, key[:20] + odd + key[20:]):
            for field in (b"X-API-Key: ", b"Authorization: Bearer "):
                got = site.server.raw(b"GET /orders/7.json HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                                      + field + value + b"\r\n\r\n")
                status = re.match(rb"HTTP/1\.1 (\d+)", got)
                assert status and status.group(1) in (b"400", b"401"), (byte, value, got[:200])
    assert site.get(key="ci").status == 200
    assert set(children) <= set(site.server.children())


def environment(answer):
    assert answer.status == 200, answer
    return dict(line.split("=", 1) for line in answer.text.splitlines() if "=" in line)


# KEY-10
def test_credential_is_taken_out_before_the_handler_sees_the_request(site):
    key = site.keys["ci"]
    for pair in (("X-API-Key", key), ("Authorization", "Bearer " + key), basic("me", key), basic(key, "")):
        got = site.get("/echo", headers=[pair])
        assert got.status == 200
        assert key not in got.text and split_key(key)[2] not in got.text
        assert pair[1].split()[-1] not in got.text
        assert "HTTP_X_API_KEY" not in got.text and "AUTHORIZATION" not in got.text
    got = site.get("/pass", key="ci")
    assert environment(got)["HTTP_X_API_KEY"] == key


# KEY-10, AZ-11
def test_handler_is_told_who_calls_and_never_by_the_client(site):
    lies = [(name, "root") for name in ("X-Apisec-Key-Id", "x-apisec-user", "X-APISEC-ROLES", "X-Apisec-New",
                                        "X_Apisec_User", "Remote-User", "REMOTE_USER", "X-Remote-User")]
    env = environment(site.get("/echo", key="ci", headers=lies))
    assert "root" not in [value for name, value in env.items() if name.startswith(("HTTP_", "REMOTE_", "APISEC"))]
    assert env["REMOTE_USER"] == "shop" and env["AUTH_TYPE"] == "ApiSec"
    assert env["APISEC_KEY_ID"] == env["HTTP_X_APISEC_KEY_ID"] == site.ids["ci"]
    assert environment(site.get("/echo", key="nobody"))["REMOTE_USER"] == site.ids["nobody"]
    for word in ("X-Apisec-Key-Id", "x-apisec-user, close", "close, X-Request-Id", "X-API-Key"):
        env = environment(site.get("/echo", key="ci", headers=[("Connection", word)]))
        assert env["HTTP_X_APISEC_KEY_ID"] == site.ids["ci"] and env["HTTP_X_APISEC_USER"] == "shop"


# KEY-14, KEY-11
def test_key_of_one_host_is_refused_on_another(site):
    for host in ("api.example.com", "API.Example.Com", "api.example.com:8080", "b.example.com"):
        assert site.get(key="hosted", headers=[("Host", host)]).status == 200, host
    for host in ("localhost", "example.com", "x.api.example.com", "api.example.com.evil.org", "127.0.0.1"):
        got = site.get(key="hosted", headers=[("Host", host)])
        assert got.status == 403, host
        line = site.server.wait_audit(lambda line: line["id"] == got.headers["X-Request-Id"])
        assert (line["reason"], line["key"]) == ("key_host", site.ids["hosted"])


# KEY-11, AZ-15
def test_key_is_refused_from_other_networks(site):
    assert site.get(key="homed").status == 200
    for address in ("192.0.2.1", "192.0.2.255", "2001:db8:1:2::3", "::ffff:192.0.2.9"):
        assert site.get(key="homed", headers=[("X-Forwarded-For", address)]).status == 200, address
    for address in ("192.0.3.1", "2001:db8:2::1", "::ffff:192.0.3.9", "10.0.0.1"):
        got = site.get(key="homed", headers=[("X-Forwarded-For", address)])
        assert got.status == 403, address
        line = site.server.wait_audit(lambda line: line["id"] == got.headers["X-Request-Id"])
        assert line["reason"] == "key_network"


# KEY-12
def test_both_secrets_work_during_the_overlap(site):
    for name, version in (("overlap", 1), ("overlap-new", 2), ("rotated-new", 2)):
        got = site.get(key=name, headers=[("X-Request-Id", "version-of-" + name)])
        assert got.status == 200, name
        line = site.server.wait_audit(lambda line: line["id"] == "version-of-" + name)
        assert (line["kv"], line["key"]) == (version, site.ids[name.replace("-new", "")])
    assert site.get(key="rotated").status == 401


# KEY-17
def test_route_that_wants_a_user_refuses_a_key(site):
    got = site.get("/user/", key="ci")
    assert got.status == 403
    assert site.server.wait_audit(lambda line: line["id"] == got.headers["X-Request-Id"])["reason"] == "user_required"
    assert site.get("/user/").status == 401


# KEY-13
def test_use_of_a_revoked_key_is_an_event_of_its_own(site):
    got = site.get(key="revoked")
    line = site.server.wait_audit(lambda line: line["id"] == got.headers["X-Request-Id"])
    assert (line["event"], line["severity"], line["key"]) == ("authn_token_reuse", "critical", site.ids["revoked"])


# AZ-12
def test_invalid_credential_never_falls_through_to_another_method(site):
    assert site.get("/basic/", headers=[("X-Other-Key", "hunter2"), basic("a", site.keys["ci"])]).status == 400
    assert site.get("/basic/", headers=[basic("a", "hunter2")]).status == 401
    # Where an address alone would do, a bad key still does not.
    assert site.get("/either/").status == site.get("/either/", key="ci").status == 200
    for bad in ("hunter2", "revoked", "expired", "rotated"):
        for where in ("/either/", "/either/index.html"):
            got = site.get(where, key=bad)
            assert got.status == 401 and got.headers["WWW-Authenticate"], (bad, where)
            assert got.headers["Content-Type"] == "application/problem+json"
            line = site.server.wait_audit(lambda line: line["id"] == got.headers["X-Request-Id"])
            assert (line["decision"], line["reason"][:4]) == ("refuse", "key_")
    assert site.get("/either/", headers=[("X-API-Key", site.keys["ci"])] * 2).status == 400
