"""The audit line: its fields, its shape, and what never is in it."""

import base64
import json
import os
import re

import pytest
from harness import Site, key_text, split_key, wait_for

pytestmark = pytest.mark.one_mpm

FIELDS = ("v ts boot pid n event severity id host ip method path route status decision reason key kv user roles api "
          "limit us gen").split()
ALWAYS = "v ts boot pid n event severity id host ip method path status decision reason us".split()

PLACES = """
LimitRequestFields 0
LimitRequestLine 100000
LimitRequestFieldSize 100000
ApiSecRequireTLS Off
ServerName gate.example
<Location /orders>
    ApiSecEngine @ENGINE@
    ApiSecLimit narrow rate=2/d by=user
</Location>
<Location /items>
    ApiSecEngine @ENGINE@
    ApiSecRequire api-role writer
</Location>
<Location /scope>
    ApiSecEngine @ENGINE@
    ApiSecRequire api-scope deep
    ApiSecRequire api-permission orders:read
</Location>
<Location /user>
    ApiSecEngine @ENGINE@
    ApiSecRequire api-user
</Location>
<Location /public>
    ApiSecEngine @ENGINE@
    ApiSecRequire public
</Location>
<Location /tls>
    ApiSecEngine @ENGINE@
    ApiSecRequireTLS On
</Location>
<Location /denied>
    ApiSecEngine @ENGINE@
    ApiSecDeny 203.0.113.0/24
</Location>
<Location /capped>
    ApiSecEngine @ENGINE@
    ApiSecMax target=40 fields=10 field=300 body=10
</Location>
"""
CONF = PLACES.replace("@ENGINE@", "On")


def prepare(site):
    site.role("reader", "GET /orders/**", "GET /denied/**", "GET /tls/**", "GET /capped/**")
    site.role("writer", "PUT /orders/**")
    site.role("barred", denies=["GET /orders/8.json"])
    site.key("ci", owner="shop", scope="shallow")
    site.key("two", role=["reader", "barred"], owner="shop2")
    site.key("revoked")
    site.store.ok("key", "revoke", "revoked")
    site.key("homed", cidr="192.0.2.0/24")
    site.key("hosted", host="api.example.com")
    site.key("notyet", not_before="10d")


@pytest.fixture(scope="module")
def site():
    with Site(CONF, prepare, modules=["remoteip"]) as made:
        yield made


def line_of(site, answer):
    return site.server.wait_audit(lambda line: line["id"] == answer.headers["X-Request-Id"])


# AUD-01, AZ-16
def test_line_of_an_allowed_request_has_every_field(site):
    got = site.get("/orders/7.json?secret=value", key="ci", headers=[("X-Forwarded-For", "192.0.2.33")])
    assert got.status == 200
    line = line_of(site, got)
    assert [name for name in FIELDS if name in line] == list(line), "order of the table"
    assert set(FIELDS) - set(line) == {"api", "limit"}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["ts"])
    assert line["v"] == 1 and line["boot"] >= 1 and line["pid"] in site.server.children() and line["n"] >= 1
    wanted = {"event": "authz_allow", "severity": "info", "host": "gate.example", "ip": "192.0.2.33", "method": "GET",
              "path": "/orders/7.json", "route": "/orders/**", "status": 200, "decision": "allow", "reason": "allow",
              "key": site.ids["ci"], "kv": 1, "user": "shop", "roles": ["reader"]}
    assert {name: line[name] for name in wanted} == wanted
    assert isinstance(line["us"], int) and line["gen"] == site.store.json("status")["generation"]


# AUD-01
def test_line_of_a_request_that_the_engine_never_saw_is_off(site):
    for path in ("/index.html", "/other/x.json", "/none"):
        site.get(path, headers=[("X-Request-Id", "never-seen-" + path.strip("/").replace("/", "-").replace(".", "-"))])
    for name in ("index-html", "other-x-json", "none"):
        line = site.server.wait_audit(lambda line: line["id"] == "never-seen-" + name)
        assert (line["decision"], line["reason"]) == ("off", "engine_off")
        assert set(ALWAYS) <= set(line) and not {"key", "user", "roles", "limit", "kv"} & set(line)


# AUD-01
def test_request_that_httpd_refuses_itself_has_a_line_too(site):
    lines = len(site.server.audit())
    assert b" 400 " in site.server.raw(b"GET /orders/7.json HTTP/1.1\r\n\r\n").split(b"\r\n")[0]
    assert b" 400 " in site.server.raw(b"BROKEN\r\n\r\n").split(b"\r\n")[0]
    wait_for(lambda: len(site.server.audit()) >= lines + 2)
    for line in site.server.audit()[lines:]:
        assert line["decision"] == "off" and line["status"] == 400


# AUD-04, AUD-01
def test_hostile_paths_make_one_short_line_each(site):
    key = site.keys["ci"].encode()
    targets = [b"/orders/" + b"a" * 20000, b"/orders/%0a%0d{\"v\":1}", b"/orders/%00", b"/orders/" + b"%e2%80%ae" * 900,
               b"/orders/" + b"%f0%9f%92%a9" * 600, b"/orders/%c0%af", b"/orders/\xff\xfe", b"/orders/\"\\",
               b"/orders/%22%5c%1b[31m", b"/orders/" + b"%e2%80%a8" * 300, b"/orders/" + b"%c2%85" * 100,
               b"/orders/" + b"\"" * 4000, b"/" + b"%01" * 5000, b"/orders/%ed%a0%80", b"/orders/" + b"%7f" * 2000]
    before = len(site.server.audit())
    for target in targets:
        got = site.server.raw(b"GET " + target + b" HTTP/1.1\r\nHost: x\r\nX-API-Key: " + key
                              + b"\r\nConnection: close\r\n\r\n")
        assert got.startswith(b"HTTP/1.1 4"), (target[:40], got[:80])
    lines = wait_for(lambda: site.server.log("audit.log").split("\n")[before:-1][len(targets) - 1:] and
                     site.server.log("audit.log").split("\n")[before:-1])
    assert len(lines) == len(targets)
    for line in lines:
        assert len(line.encode()) <= 3500
        assert not re.search("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]", line)
        for value in json.loads(line).values():
            assert not isinstance(value, str) or len(value) <= 1100


# AUD-04
def test_hostile_methods_hosts_and_ids_stay_in_one_line(site):
    before = len(site.server.audit())
    for request in (b"GET\x01 /orders/7.json HTTP/1.1\r\nHost: x\r\n\r\n",
                    b"M" * 5000 + b" /orders/7.json HTTP/1.1\r\nHost: x\r\n\r\n",
                    b"GET /orders/7.json HTTP/1.1\r\nHost: " + b"h" * 5000 + b"\r\nConnection: close\r\n\r\n",
                    b"GET /orders/7.json HTTP/1.1\r\nHost: x\r\nX-Request-Id: \"},{\r\nConnection: close\r\n\r\n"):
        site.server.raw(request)
    wait_for(lambda: len(site.server.audit()) >= before + 4)
    assert len(site.server.audit()) == before + 4


def the_same_requests(site):
    """Requests of every kind, in order; [(method, path, key, headers)]."""
    prefix, key_id, secret = split_key(site.keys["ci"])
    wrong = key_text(prefix, key_id, secret[::-1])
    unknown = key_text(prefix, "A" * 12, secret)
    far = [("X-Forwarded-For", "203.0.113.9")]
    yield "GET", "/orders/7.json", None, ()
    for key in ("ci", "ci", "ci", "revoked", "notyet", "homed", "hosted", "two", wrong, unknown, "hunter2", "a b"):
        yield "GET", "/orders/7.json", key, ()
    yield "GET", "/orders/8.json", "two", ()
    yield "GET", "/orders/7.json", "ci", [("Authorization", "Bearer " + site.keys["ci"])]
    yield "GET", "/orders/7.json", "k" * 300, ()
    yield "PUT", "/orders/7.json", "two", ()
    yield "POST", "/orders/7.json", "two", ()
    yield "QUERY", "/orders/7.json", "two", ()
    yield "TRACE", "/orders/7.json", "two", ()
    yield "GET", "/items/1.json", "two", ()
    yield "GET", "/scope/x", "two", ()
    yield "GET", "/user/x", "two", ()
    yield "GET", "/public/x", None, ()
    yield "GET", "/tls/x", "two", far
    yield "GET", "/tls/x", None, far
    yield "GET", "/denied/x", "two", far
    yield "GET", "/denied/x", "two", ()
    yield "GET", "/orders/a//b", "two", ()
    yield "GET", "/orders/a;b", "two", ()
    yield "GET", "/orders/%2e%2e/x", "two", ()
    yield "GET", "/orders/a%2fb", "two", ()
    yield "GET", "/orders/a%00b", "two", ()
    yield "GET", "/capped/" + "a" * 40, "two", ()
    yield "GET", "/capped/x", "two", [("X-%d" % i, "v") for i in range(20)]
    yield "GET", "/capped/x", "two", [("X-Long", "v" * 301)]
    yield "POST", "/capped/x", "two", [("Content-Length", "11")]
    yield "GET", "/index.html", "two", ()


def decisions(site, requests):
    seen = []
    for number, (method, path, key, headers) in enumerate(requests):
        request_id = "both-%04d" % number
        body = "12345678901" if method == "POST" else None
        got = site.request(method, path, key, list(headers) + [("X-Request-Id", request_id)], body=body)
        line = site.server.wait_audit(lambda line: line["id"] == request_id)
        assert line["status"] == got.status
        seen.append((method, path, line["decision"], line["reason"], line.get("key"), line.get("limit"), line["event"],
                     line.get("route"), got.status))
    return seen


# AZ-16, AUD-01
def test_detect_only_logs_exactly_what_on_would_refuse(make_site):
    on = make_site(CONF, prepare, modules=["remoteip"])
    seen_on = decisions(on, the_same_requests(on))
    watch = make_site(PLACES.replace("@ENGINE@", "DetectOnly"), prepare, modules=["remoteip"])
    seen_watch = decisions(watch, the_same_requests(watch))
    names = {on.ids[name]: watch.ids[name] for name in on.ids}
    for was, now in zip(seen_on, seen_watch):
        decision = "would-refuse" if was[2] == "refuse" else was[2]
        assert now[:-1] == was[:2] + (decision, was[3], names.get(was[4], was[4])) + was[5:-1], (was, now)
        if was[2] == "refuse":
            assert was[8] >= 400
            assert now[8] in (200, 404, 405, 301, 501) or was[3].startswith("path_") or was[8] == now[8] == 400, (was, now)
    assert len({was[3] for was in seen_on}) >= 24, sorted({was[3] for was in seen_on})


EARLY = """
ApiSecRequireTLS Off
ApiSecEngine @ENGINE@
ApiSecDeny 203.0.113.0/24
ApiSecLimit address rate=3/d by=ip
<Location /orders>
    ApiSecLimit narrow rate=4/d by=key
</Location>
"""


# AZ-16, AUD-01
def test_detect_only_agrees_with_on_where_several_faults_meet(make_site):
    def requests():
        for address in ("203.0.113.7", "192.0.2.1"):
            for path in ("/orders/7.json", "/orders/a//b", "/orders/a%2fb", "/public/x"):
                for method in ("GET", "TRACE", "QUERY"):
                    for key in ("two", None):
                        yield method, path, key, [("X-Forwarded-For", address)]
        for i in range(8):
            yield "GET", "/orders/7.json", "two", [("X-Forwarded-For", "192.0.2.%d" % (100 + i))]

    on = make_site(EARLY.replace("@ENGINE@", "On"), prepare, modules=["remoteip"])
    watch = make_site(EARLY.replace("@ENGINE@", "DetectOnly"), prepare, modules=["remoteip"])
    for was, now in zip(decisions(on, requests()), decisions(watch, requests())):
        assert now[2].replace("would-", "") == was[2] and now[3] == was[3] and now[5] == was[5], (was, now)


# AZ-16
def test_detect_only_changes_nothing(make_site):
    plain = make_site(PLACES.replace("@ENGINE@", "Off"), prepare, modules=["remoteip", "cgi"])
    watch = make_site(PLACES.replace("@ENGINE@", "DetectOnly"), prepare, modules=["remoteip", "cgi"])
    for key in (None, "ci", "revoked", "hunter2"):
        seen = [made.get(key=key) for made in (plain, watch)]
        headers = [[pair for pair in got.headers.items() if pair[0] not in ("Date", "Last-Modified", "ETag")]
                   for got in seen]
        assert seen[0].status == seen[1].status == 200 and seen[0].body == seen[1].body
        assert headers[0] == headers[1]


FORMATS = CONF + """
CustomLog @LOGS@/fields.log "%{key}^AS %{decision}^AS %{reason}^AS %{status}^AS %{user}^AS %{roles}^AS %{limit}^AS %{id}^AS %{path}^AS"
CustomLog @LOGS@/refused.log "%{id}^AS" "expr=%{APISEC_DECISION} == 'refuse'"
CustomLog @LOGS@/reader.log "%{id}^AS" "expr=%{APISEC_ROLES} =~ /reader/ && %{APISEC_KEY_ID} == %{APISEC_KEY}"
CustomLog @LOGS@/twice.log "%^AJ"
CustomLog "|/usr/bin/rotatelogs @LOGS@/piped.log 86400" "%^AJ"
"""


# AUD-01
def test_single_fields_expressions_and_a_piped_log(make_site):
    site = make_site(FORMATS, prepare, modules=["remoteip"])
    for number, (key, path) in enumerate([("ci", "/orders/7.json"), (None, "/orders/7.json"), ("revoked", "/orders/7.json"),
                                          ("two", "/items/1.json"), (None, "/index.html"),
                                          ("ci", "/orders/%22%0Ax"), ("ci", "/orders/a%20b\"")]):
        site.get(path, key=key, headers=[("X-Request-Id", "fields-%02d" % number)])
    wait_for(lambda: site.server.log("twice.log").count("\n") == 7)  # the last file that a request is written to
    rows = sorted((line.split(" ") for line in site.server.log("fields.log").splitlines()), key=lambda row: row[7])
    assert rows[0] == [site.ids["ci"], "allow", "allow", "200", "shop", "reader", "-", "fields-00", "/orders/7.json"]
    assert rows[1][:8] == ["-", "refuse", "credential_missing", "401", "-", "-", "-", "fields-01"]
    assert rows[2][:4] == [site.ids["revoked"], "refuse", "key_revoked", "401"]
    assert rows[3][:4] == [site.ids["two"], "refuse", "role_missing", "403"]
    assert rows[4][:4] == ["-", "off", "engine_off", "200"]
    assert len(rows) == 7, "one line for each request"
    assert sorted(site.server.log("refused.log").split()) == ["fields-01", "fields-02", "fields-03", "fields-05"]
    assert "fields-00" in site.server.log("reader.log") and "fields-02" not in site.server.log("reader.log")
    lines = sorted(site.server.log("audit.log").splitlines())
    assert sorted(site.server.log("twice.log").splitlines()) == lines

    def piped():
        names = [name for name in os.listdir(site.server.logs) if name.startswith("piped.log.")]
        text = "".join(site.server.log(name) for name in names)
        return text if text.count("\n") >= 7 else None

    assert sorted(wait_for(piped, what="the piped log").splitlines()) == lines


# AUD-01
def test_lines_of_a_child_are_numbered_without_gaps(make_site):
    site = make_site(CONF, prepare, modules=["remoteip"], children=3)

    def load(count):
        for number in range(count):
            site.get(("/orders/7.json", "/index.html", "/public/x", "/items/1.json")[number % 4], key=("ci", None)[number % 2])

    def numbers():
        seen = {}
        for line in site.server.audit():
            seen.setdefault((line["boot"], line["pid"]), []).append(line["n"])
        return seen

    load(60)
    site.server.graceful()
    load(60)
    wait_for(lambda: sum(map(len, numbers().values())) == 120)
    for who, seen in numbers().items():
        assert sorted(seen) == list(range(1, len(seen) + 1)), who
    assert len({boot for boot, _ in numbers()}) == 2


SECRETS = """
LogLevel trace8
CustomLog @LOGS@/nosy.log "%{X-API-Key}i|%{Authorization}i|%U"
ApiSecRequireTLS Off
ScriptAlias /echo @ROOT@/cgi/echo
<Directory @ROOT@/cgi>
    Require all granted
</Directory>
<Location /status>
    SetHandler server-status
</Location>
ExtendedStatus On
<Location />
    ApiSecEngine On
    ApiSecKeyFrom header:X-API-Key bearer basic
    ApiSecLimit narrow rate=4/d by=key
</Location>
<Location /status>
    ApiSecRequire public
</Location>
"""


# SEC-15, AUD-03, KEY-10
def test_no_secret_reaches_any_log(make_site):
    def prepare_secrets(site):
        site.script("echo", 'printf "Content-Type: text/plain\\n\\n"\nenv >&2\nenv\n')
        site.role("reader", "GET /**")
        site.key("ci")
        site.key("revoked")
        site.store.ok("key", "revoke", "revoked")

    site = make_site(SECRETS, prepare_secrets, modules=["cgi", "status"])
    bodies = b""
    secrets = []
    for name in ("ci", "revoked"):
        key = site.keys[name]
        prefix, key_id, secret = split_key(key)
        wrong = key_text(prefix, key_id, secret[::-1])
        for text in (key, wrong, key[:-1]):
            encoded = base64.b64encode(("u:" + text).encode()).decode()
            secrets += [split_key(key)[2], secret[::-1], encoded]
            for path in ("/orders/7.json", "/echo", "/none", "/orders/a//b"):
                for pair in (("X-API-Key", text), ("Authorization", "Bearer " + text), ("Authorization", "Basic " + encoded)):
                    bodies += site.get(path, headers=[pair, ("Cookie", "session=cookie-canary")]).body
                bodies += site.get(path, headers=[("X-API-Key", text), ("X-API-Key", text)]).body
        bodies += site.get("/orders/7.json", headers=[("X-API-Key", key), ("Authorization", "Bearer " + key)]).body
    bodies += site.get("/status").body + site.get("/status?auto").body
    site.server.stop()
    everything = {name: site.server.log(name) for name in os.listdir(site.server.logs)}
    assert len(everything["error.log"]) > 100000 and "APISEC0002" in everything["error.log"]
    everything["answers"] = bodies.decode("latin-1")
    with open(site.server.state, "rb") as state:
        everything["state"] = state.read().decode("latin-1")
    for name, text in everything.items():
        for secret in secrets:
            assert secret not in text, "%s holds a secret" % name
            assert secret[:16] not in text, "%s holds a part of a secret" % name
    assert "cookie-canary" not in everything["audit.log"] + everything["answers"].replace("HTTP_COOKIE=session=cookie-canary", "")


# AUD-03, CMP-01
def test_line_holds_nothing_that_is_not_its_own(site):
    before = len(site.server.audit())
    canaries = {name: "canary-" + name for name in ("query", "parameter", "body", "agent", "cookie", "referer", "token", "field",
                                                    "fragment")}
    fields = [("User-Agent", canaries["agent"] + "x" * 2000), ("Cookie", "session=" + canaries["cookie"]),
              ("Referer", "http://x/?" + canaries["referer"]), ("Proxy-Authorization", "Bearer " + canaries["token"]),
              ("X-Any", canaries["field"]), ("Content-Type", "application/x-www-form-urlencoded")]
    query = "?%s=1&token=%s" % (canaries["parameter"], canaries["query"])
    count = 0
    for key in ("ci", None, "revoked", "two"):
        for method, path in (("POST", "/orders/7.json"), ("GET", "/orders/7.json"), ("GET", "/items/1.json"),
                             ("POST", "/orders//x"), ("GET", "/public/x"), ("GET", "/index.html")):
            site.request(method, path + query, key, fields, body="password=" + canaries["body"] if method == "POST" else None)
            count += 1
    targets = (b"http://user:canary-token@localhost/orders/7.json?canary-query", b"http://u:canary-token@localhost?canary-query",
               b"http://u:canary-token@localhost/a//b", b"u:canary-token@localhost:80", b"?canary-query", b"x?canary-query",
               b"http://localhost#canary-fragment", b"/orders/x?a#canary-fragment")
    for target in targets:
        for method in (b"GET", b"CONNECT"):
            site.server.raw(method + b" " + target + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            count += 1
    wait_for(lambda: len(site.server.audit()) >= before + count)
    text = site.server.log("audit.log")
    assert [name for name, canary in canaries.items() if canary in text] == []


ADDRESS = """
ApiSecRequireTLS Off
ApiSecLogAddress %s
<Location /orders>
    ApiSecEngine On
</Location>
"""
CLIENTS = ("192.0.2.77", "192.0.2.78", "198.51.100.1", "2001:db8:1:2:3:4:5:6", "::ffff:192.0.2.77")


def shown_addresses(site):
    seen = []
    for address in CLIENTS:
        got = site.get(key="ci", headers=[("X-Forwarded-For", address)])
        assert got.status == 200
        seen.append(line_of(site, got)["ip"])
    return seen


# CMP-01
def test_address_is_shown_as_asked(make_site):
    site = make_site(ADDRESS % "full", modules=["remoteip"])
    assert shown_addresses(site)[:4] == list(CLIENTS[:4])
    site = make_site(ADDRESS % "truncated", modules=["remoteip"])
    assert shown_addresses(site) == ["192.0.2.0", "192.0.2.0", "198.51.100.0", "2001:db8:1::", "192.0.2.0"]
    site.get("/index.html", headers=[("X-Forwarded-For", "192.0.2.99"), ("X-Request-Id", "off-off-off")])
    assert site.server.wait_audit(lambda line: line["id"] == "off-off-off")["ip"] == "192.0.2.0"


# CMP-02, CMP-01
def test_pseudonym_is_stable_keyed_and_the_stores_own(make_site):
    first = make_site(ADDRESS % "pseudonym", modules=["remoteip"])
    seen = shown_addresses(first)
    assert all(re.fullmatch("p-[0-9a-f]{32}", text) for text in seen)
    assert len(set(seen)) == 4 and seen[0] == seen[4], "IPv4-mapped IPv6 is IPv4"
    first.server.graceful()
    assert shown_addresses(first) == seen
    first.server.stop()
    first.server.start()
    first.store.ok("publish")
    assert shown_addresses(first) == seen
    second = make_site(ADDRESS % "pseudonym", modules=["remoteip"])
    assert not set(shown_addresses(second)) & set(seen)
    for address in CLIENTS:
        assert address not in first.server.log("audit.log")
    # Also of what the engine never saw, and of what has no address to hide.
    first.get("/index.html", headers=[("X-Forwarded-For", CLIENTS[0]), ("X-Request-Id", "off-off-off")])
    assert first.server.wait_audit(lambda line: line["id"] == "off-off-off")["ip"] == seen[0]


# AUD-01
def test_line_shows_the_first_request_and_the_last_status(make_site):
    site = make_site("""
ErrorDocument 404 /sorry.html
ErrorDocument 401 /sorry.html
<Location />
    ApiSecEngine On
</Location>
""", lambda site: (site.role("reader", "GET /orders/**", "GET /dir/**"), site.key("ci"),
                   site.folder.write("htdocs/sorry.html", "sorry\n"), site.folder.write("htdocs/dir/index.html", "index\n")))
    for path, key, status, decision in (("/orders/none", "ci", 404, "allow"), ("/orders/none", None, 401, "refuse"),
                                        ("/dir/", "ci", 200, "allow"), ("/dir", "ci", 301, "allow")):
        before = len(site.server.audit())
        got = site.get(path, key=key, headers=[("X-Request-Id", "one-line-each")])
        assert got.status == status
        wait_for(lambda: len(site.server.audit()) > before)
        (line,) = site.server.audit()[before:]
        assert (line["path"], line["status"], line["decision"]) == (path, status, decision)
        assert line.get("key") == (site.ids["ci"] if key else None)


# AUD-01: what was watched first and refused in the end is a refusal
def test_refusal_behind_a_section_that_only_watches(make_site):
    site = make_site("ApiSecEngine DetectOnly\n<Directory @DOCS@/strict>\n    ApiSecEngine On\n</Directory>\n")
    site.folder.write("htdocs/strict/x.html", "x\n")
    for path, status, reason in (("/strict/x%3bhtml", 400, "path_ambiguous"), ("/strict/x.html", 401, "credential_missing")):
        got = site.get(path)
        assert got.status == status and got.json()["status"] == status, got
        line = site.server.wait_audit(lambda line: line["path"] == path)
        assert (line["decision"], line["reason"], line["status"]) == ("refuse", reason, status)
    assert site.get("/orders/7.json").status == 200
    assert site.server.wait_audit(lambda line: line["path"] == "/orders/7.json")["decision"] == "would-refuse"
