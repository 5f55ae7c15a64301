"""Limits: by whom they count, what a refusal says, and that they are exact."""

import socket
import threading

import pytest
from harness import MPM, Site, parse_list, split_key, wait_for, wait_seconds

QUOTA = "https://iana.org/assignments/http-problem-types#quota-exceeded"

CONF = """
ApiSecRequireTLS Off
Redirect 307 /moved /orders/7.json
<Location /orders>
    ApiSecEngine On
</Location>
<Location /by/key>
    ApiSecEngine On
    ApiSecLimit by-key rate=3/d by=key
</Location>
<Location /by/user>
    ApiSecEngine On
    ApiSecLimit by-user rate=4/d by=user
</Location>
<Location /by/role>
    ApiSecEngine On
    ApiSecLimit by-role rate=5/d by=role
</Location>
<Location /by/ip>
    ApiSecEngine On
    ApiSecLimit by-ip rate=3/d by=ip
</Location>
<Location /by/route>
    ApiSecEngine On
    ApiSecLimit by-route rate=4/d by=route
</Location>
<Location /public>
    ApiSecEngine On
    ApiSecRequire public
    ApiSecLimit public rate=3/d by=ip
    ApiSecLimit nobody rate=1/d by=key
</Location>
<Location /burst>
    ApiSecEngine On
    ApiSecLimit burst rate=1/h burst=6 by=key
</Location>
<Location /several>
    ApiSecEngine On
    ApiSecLimit wide rate=100/d by=key
    ApiSecLimit narrow rate=2/d by=user
</Location>
<Location /several/inner>
    ApiSecLimit narrow rate=5/d by=key
    ApiSecLimit third rate=50/h burst=7 by=route
</Location>
<Location /wait>
    ApiSecEngine On
    ApiSecLimit wait rate=30/m burst=2 by=key
</Location>
<Location /moved>
    ApiSecEngine On
    ApiSecLimit moved rate=10/d by=key
</Location>
<Location /cgi>
    ApiSecEngine On
    ApiSecLimit cgi rate=10/d by=key
    ErrorDocument 429 http://127.0.0.1:@PORT@/x.txt
</Location>
ScriptAlias /cgi @ROOT@/cgi
<Directory @ROOT@/cgi>
    Require all granted
</Directory>
<Location /dir>
    ApiSecEngine On
    ApiSecLimit dir rate=10/d by=key
</Location>
<Location /errors>
    ApiSecEngine On
    ApiSecLimit errors rate=10/d by=key
    ErrorDocument 404 /dir/index.html
</Location>
"""


def prepare(site):
    site.folder.write("htdocs/x.txt", "x\n")
    for name in ("by/key", "by/user", "by/role", "by/ip", "by/route", "public", "burst", "several", "several/inner",
                 "wait", "dir"):
        site.folder.write("htdocs/%s/x.txt" % name, "x\n")
    site.folder.write("htdocs/dir/index.html", "index\n")
    site.script("there", 'printf "Location: http://localhost/elsewhere\\n\\n"\n')
    site.script("other", 'printf "Status: 303\\nLocation: http://localhost/elsewhere\\n\\n"\n')
    site.script("long", 'printf "Content-Type: text/plain\\n\\n"\nyes | head -c 100000\n')
    site.role("reader", "GET /**")
    site.role("second", "GET /**")
    site.role("third", "GET /by/role/x.txt")
    kinds = {"plain": (24, {}), "same": (2, {"owner": "same"}), "other": (1, {"owner": "other"}),
             "second": (1, {"role": "second"}), "both": (1, {"role": ["second", "third"]}),
             "third": (2, {"role": "third"}), "own": (1, {"limit": "7/d"})}
    site.unused = {}
    for kind, (count, options) in kinds.items():
        site.unused[kind] = ["%s-%d" % (kind, i) for i in range(count)]
        for name in site.unused[kind]:
            site.key(name, **options)


@pytest.fixture(scope="module")
def site():
    with Site(CONF, prepare, modules=["remoteip", "alias", "cgi"]) as made:
        yield made


def fresh(site, count=1, kind="plain"):
    """Names of keys that no test has used before."""
    return [site.unused[kind].pop() for _ in range(count)]


def drain(site, path, key, allowed, headers=()):
    """Asks `allowed` + 2 times; returns the last answer, which is a 429."""
    for i in range(allowed):
        got = site.get(path, key=key, headers=headers)
        assert got.status == 200, "%s: refused after %d of %d" % (path, i, allowed)
    for _ in range(2):
        got = site.get(path, key=key, headers=headers)
        assert got.status == 429, "%s: %d allowed" % (path, allowed)
    return got


def left(answer, name):
    """r of one policy in the RateLimit field."""
    return dict(parse_list(answer.headers["RateLimit"]))[name]["r"]


# LIM-01, LIM-11
def test_by_key(site):
    one, two = "same-0", "same-1"
    drain(site, "/by/key/x.txt", one, 3)
    drain(site, "/by/key/x.txt", two, 3)


# LIM-11
def test_by_user_counts_the_owner(site):
    one, two, other = ("same-0", "same-1") + tuple(fresh(site, kind="other"))
    for key in (one, two, one, two):
        assert site.get("/by/user/x.txt", key=key).status == 200
    assert site.get("/by/user/x.txt", key=one).status == 429
    assert site.get("/by/user/x.txt", key=two).status == 429
    drain(site, "/by/user/x.txt", other, 4)


# LIM-11
def test_by_role_counts_all_keys_of_a_role(site):
    one, two, both = fresh(site) + fresh(site, kind="second") + fresh(site, kind="both")
    drain(site, "/by/role/x.txt", one, 5)
    drain(site, "/by/role/x.txt", two, 5)
    # One of its roles is spent: all or nothing, the other is not charged.
    assert site.get("/by/role/x.txt", key=both).status == 429
    (third,) = fresh(site, kind="third")
    drain(site, "/by/role/x.txt", third, 5)


# LIM-11, AZ-15
def test_by_address_counts_ipv6_by_prefix(site):
    (key,) = fresh(site)

    def ask(address):
        return site.get("/by/ip/x.txt", key=key, headers=[("X-Forwarded-For", address)]).status

    for host in ("::1", "::2", "ffff:ffff:ffff:ffff"):
        assert ask("2001:db8:a:b:" + host.lstrip(":") if "::" not in host else "2001:db8:a:b" + host) == 200
    assert ask("2001:db8:a:b::4") == 429
    assert ask("2001:db8:a:c::1") == 200
    assert [ask("192.0.2.7") for _ in range(3)] == [200] * 3
    assert ask("192.0.2.7") == 429
    assert ask("::ffff:192.0.2.7") == 429
    assert ask("192.0.2.8") == 200


# LIM-11
def test_unverified_key_is_no_bucket(site):
    def ask(name):
        return site.get("/by/ip/x.txt", key=name, headers=[("X-Forwarded-For", "198.51.100.1")]).status

    assert [ask("hunter%d" % i) for i in range(5)] == [401, 401, 401, 429, 429]
    (key,) = fresh(site)
    assert ask(key) == 429


# LIM-11
def test_by_route_counts_all_callers(site):
    keys = fresh(site, 4)
    for key in keys:
        assert site.get("/by/route/x.txt", key=key).status == 200
    assert site.get("/by/route/x.txt", key=keys[0]).status == 429
    # Strangers cannot close a route.
    assert site.get("/by/route/x.txt").status == 401


# LIM-11
def test_public_section_is_limited_by_address(site):
    address = [("X-Forwarded-For", "198.51.100.50")]
    drain(site, "/public/x.txt", None, 3, address)
    assert site.get("/public/x.txt", headers=[("X-Forwarded-For", "198.51.100.51")]).status == 200


# LIM-01, LIM-16
def test_burst_is_what_may_come_at_once(site):
    (key,) = fresh(site)
    got = drain(site, "/burst/x.txt", key, 6)
    assert parse_list(got.headers["RateLimit-Policy"]) == [("burst", {"q": 1, "w": 3600})]
    assert int(got.headers["Retry-After"]) in range(3500, 3601)


# LIM-02, LIM-16
def test_several_limits_are_charged_all_or_none(site):
    (key,) = fresh(site)
    assert left(site.get("/several/x.txt", key=key), "wide") == 99
    got = drain(site, "/several/x.txt", key, 1)
    assert left(got, "wide") == 98 and left(got, "narrow") == 0
    assert got.json()["violated-policies"] == ["narrow"]
    got = site.get("/several/inner/x.txt", key=key)
    assert got.status == 200
    policies = dict(parse_list(got.headers["RateLimit-Policy"]))
    assert policies == {"wide": {"q": 100, "w": 86400}, "narrow": {"q": 5, "w": 86400}, "third": {"q": 50, "w": 3600}}
    assert left(got, "wide") == 97 and left(got, "narrow") == 4 and left(got, "third") == 6


# KEY-11, LIM-15
def test_limit_of_the_key_itself_applies_wherever_the_engine_is_on(site):
    (key,) = fresh(site, kind="own")
    used = 7 - 1 - left(site.get(key=key), "key")
    got = drain(site, "/burst/x.txt", key, 6 - used)
    assert got.json()["violated-policies"] == ["key"]
    assert site.get("/by/key/x.txt", key=key).status == 429
    line = site.server.wait_audit(lambda line: line["id"] == got.headers["X-Request-Id"])
    assert (line["limit"], line["reason"], line["event"]) == ("key", "rate_exceeded", "excess_rate_limit_exceeded")


# LIM-15, TRN-04, TRN-05
def test_refusal_says_what_was_spent_and_when_to_come_again(site):
    (key,) = fresh(site)
    got = drain(site, "/by/key/x.txt", key, 3)
    document = got.json()
    assert document["type"] == QUOTA and document["status"] == 429 and document["violated-policies"] == ["by-key"]
    assert document["instance"] == got.headers["X-Request-Id"]
    assert got.headers["Content-Type"] == "application/problem+json"
    assert got.headers["Cache-Control"] == "no-store"
    assert int(got.headers["Retry-After"]) in range(28000, 28801)
    line = site.server.wait_audit(lambda line: line["id"] == document["instance"])
    assert (line["limit"], line["reason"], line["status"]) == ("by-key", "rate_exceeded", 429)


# LIM-16, LIM-17, TRN-16
def test_ratelimit_fields_are_structured_and_true(site):
    (key,) = fresh(site)
    for remaining in (2, 1, 0, 0):
        got = site.get("/by/key/x.txt", key=key)
        assert parse_list(got.headers["RateLimit-Policy"]) == [("by-key", {"q": 3, "w": 86400})]
        ((name, values),) = parse_list(got.headers["RateLimit"])
        assert name == "by-key" and set(values) == {"r", "t"} and values["r"] == remaining
        assert 0 < values["t"] <= 86400
        assert len(got.headers.get_all("RateLimit")) == len(got.headers.get_all("RateLimit-Policy")) == 1
    assert got.status == 429 and int(got.headers["Retry-After"]) >= values["t"]
    assert site.ids[key] not in got.headers["RateLimit"]
    head = site.request("HEAD", "/by/key/x.txt", key=key)
    assert head.status == 429 and head.body == b"" and head.headers["Retry-After"]


# LIM-17
def test_ratelimit_fields_are_left_out_of_redirects(site):
    (key,) = fresh(site)

    def redirected(path, status, headers=()):
        got = site.get(path, key=key, headers=headers)
        assert got.status == status, (path, got)
        for name in ("RateLimit", "RateLimit-Policy", "Retry-After"):
            assert got.headers[name] is None, (path, name, got)

    for _ in range(2):
        redirected("/moved", 307)
    redirected("/dir", 301)
    redirected("/cgi/there", 302)
    redirected("/cgi/other", 303)
    tag = site.get("/dir/index.html", key=key)
    assert left(tag, "dir") == 8, "they are charged all the same"
    redirected("/dir/index.html", 304, [("If-None-Match", tag.headers["ETag"])])
    assert left(site.get("/cgi/long", key=key), "cgi") == 7
    for _ in range(7):
        site.get("/cgi/long", key=key)
    redirected("/cgi/long", 302)  # the page that the administrator names for 429


# LIM-16
def test_ratelimit_fields_are_no_trailers(site):
    (key,) = fresh(site)
    got = site.server.raw(("GET /cgi/long HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTE: trailers\r\nX-API-Key: %s\r\n\r\n"
                           % site.keys[key]).encode())
    head, body = got.split(b"\r\n\r\n", 1)
    assert b"Transfer-Encoding: chunked" in head and body.endswith(b"0\r\n\r\n")
    assert head.count(b"\r\nRateLimit:") == head.count(b"\r\nRateLimit-Policy:") == 1
    assert b"Trailer" not in head and b"RateLimit" not in body


# LIM-03
def test_client_that_waits_as_told_is_admitted(site):
    (key,) = fresh(site)
    admitted = 0
    while site.get("/wait/x.txt", key=key).status == 200:
        admitted += 1
    assert admitted >= 2
    for _ in range(2):
        got = site.get("/wait/x.txt", key=key)
        if got.status == 429:
            told = int(got.headers["Retry-After"])
            assert 1 <= told <= 2
            wait_seconds(told)
            assert site.get("/wait/x.txt", key=key).status == 200


# LIM-12
def test_failures_are_never_charged_to_the_claimed_key(site):
    (key,) = fresh(site)
    text = site.keys[key]
    assert split_key(text)[1] == site.ids[key]
    wrong = text[:-1] + ("A" if text[-1] != "A" else "B")
    assert left(site.get("/by/key/x.txt", key=key), "by-key") == 2
    for _ in range(10):
        assert site.get("/by/key/x.txt", key=wrong).status == 401
    assert left(site.get("/by/key/x.txt", key=key), "by-key") == 1


# LIM-12
def test_refused_access_of_a_known_caller_costs_the_caller(site):
    (key,) = fresh(site, kind="third")
    for status in (403, 403, 403, 429):
        assert site.get("/by/key/x.txt", key=key).status == status


# LIM-23
def test_request_is_charged_once_whatever_httpd_makes_of_it(site):
    (key,) = fresh(site)
    assert left(site.get("/dir/", key=key), "dir") == 9
    assert left(site.get("/dir/index.html", key=key), "dir") == 8
    assert site.get("/errors/none", key=key).status == 404
    assert left(site.get("/errors/none", key=key), "errors") == 8


# LIM-15: httpd ends the connection of a request that is refused before its section is known; the answer says so
@pytest.mark.parametrize("rule, status", [("ApiSecLimit early rate=1/h burst=1 by=ip", 429),
                                          ("ApiSecDeny 127.0.0.1", 403)])
def test_refusal_by_address_says_that_the_connection_closes(make_site, rule, status):
    site = make_site("ApiSecEngine On\n" + rule + "\n")
    if status == 429:
        assert site.get(key="ci").status == 200
    ask = b"GET /orders/7.json HTTP/1.1\r\nHost: x\r\n\r\n"
    answer = site.server.raw(ask * 2).decode()
    assert answer.startswith("HTTP/1.1 %d " % status) and answer.count("HTTP/1.1 ") == 1
    assert "\r\nConnection: close\r\n" in answer
    with site.server.connect() as connection:
        for _ in range(3):
            assert connection.request("GET", "/orders/7.json").status == status


EXACT = """
<Location /orders>
    ApiSecEngine On
    ApiSecLimit exact rate=40/d by=key
    ApiSecLimit all rate=230/d by=route
</Location>
<Location /items>
    ApiSecEngine On
    ApiSecLimit once rate=1/d by=key
</Location>
"""
CLIENTS = 64


def race(site, key, held, path="/orders/7.json"):
    """One request of each client; all but its last line is sent before any is finished.  The statuses."""
    head = "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-API-Key: %s\r\n" % (path, site.keys[key])
    clients, seen, start = [], [], threading.Barrier(CLIENTS)
    for _ in range(CLIENTS):
        clients.append(socket.create_connection(("127.0.0.1", site.server.port), 30))
        clients[-1].sendall(head.encode())
    wait_for(lambda: site.server.connections(site.server.port, read=True) >= held, what="all workers to hold a request")

    def client(connection):
        start.wait()
        connection.sendall(b"\r\n")
        answer = b""
        while more := connection.recv(65536):
            answer += more
        seen.append(int(answer.split(None, 2)[1]))

    crowd = [threading.Thread(target=client, args=(connection,)) for connection in clients]
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join()
    for connection in clients:
        connection.close()
    return seen


# LIM-13
def test_exactly_the_allowed_number_is_admitted_from_64_clients_over_8_processes(make_site):
    def prepare_race(site):
        site.role("reader", "GET /orders/**", "GET /items/**")
        for i in range(8):
            site.key("racer-%d" % i)

    # Eight children of eight threads; prefork starts more than eight processes as it needs them.
    site = make_site(EXACT, prepare_race, children=8)
    held = CLIENTS if MPM != "prefork" else 8
    for i, allowed in enumerate([40, 40, 40, 40, 40, 30, 0, 0]):
        seen = race(site, "racer-%d" % i, held)
        assert len(seen) == CLIENTS and set(seen) <= {200, 429}
        assert seen.count(200) == allowed, "round %d" % i
    wait_for(lambda: len(site.server.audit()) == 8 * CLIENTS)
    pids = {line["pid"] for line in site.server.audit()}
    assert len(pids) >= 8, "only %d processes took part" % len(pids)
    # AZ-17: what may be done once is done once, whoever else asks at that moment.
    for i in range(8):
        assert race(site, "racer-%d" % i, held, "/items/1.json").count(200) == 1, "round %d" % i


KEPT = """
<Location /orders>
    ApiSecEngine On
    ApiSecLimit kept rate=5/d by=key
</Location>
"""


# LIM-04
def test_limits_are_kept_over_restarts_and_a_crash(make_site):
    site = make_site(KEPT)
    boots = []

    def spend(remaining):
        got = site.get(key="ci")
        assert (got.status, left(got, "kept")) == (200, remaining)
        boots.append(site.server.wait_audit(lambda line: line["id"] == got.headers["X-Request-Id"])["boot"])

    spend(4)
    site.server.graceful()
    spend(3)
    site.server.stop()
    site.server.start()
    spend(2)
    site.server.restart()
    spend(1)
    site.server.kill()
    site.server.start()
    spend(0)
    assert boots == sorted(set(boots))
    assert site.get(key="ci").status == 429


FULL = """
ApiSecTable 1024
ApiSecRequireTLS Off
<Location /status>
    SetHandler server-status
</Location>
<Location /orders>
    ApiSecEngine On
    ApiSecLimit full rate=1/d by=ip
</Location>
"""


# LIM-14
def test_full_table_is_still_a_bound(make_site):
    site = make_site(FULL, modules=["remoteip", "status"])

    def sweep():
        admitted = 0
        with site.server.connect() as connection:
            for i in range(2500):
                headers = {"X-API-Key": site.keys["ci"], "X-Forwarded-For": "198.18.%d.%d" % (i // 250, i % 250 + 1)}
                try:
                    got = connection.request("GET", "/orders/7.json", headers)
                except (ConnectionError, OSError):
                    raise AssertionError("connection lost at %d" % i)
                assert got.status in (200, 429)
                admitted += got.status == 200
        return admitted

    first = sweep()
    assert 512 <= first <= 1300  # 256 of them in places that only callers of this store can take
    assert sweep() == 0
    overflow = int(site.get("/status?auto").text.split("ApiSecTableOverflow: ")[1].split()[0])
    assert overflow > 0


PARTS = """
ApiSecRequireTLS Off
AddType text/html .shtml
AddOutputFilter INCLUDES .shtml
<Directory @DOCS@>
    Options Includes FollowSymLinks
</Directory>
<Location /parts>
    ApiSecEngine On
    ApiSecLimit parts rate=1/d by=key
    ApiSecLimit all rate=100/d by=key
</Location>
<Location /parts/b>
    ApiSecRequire api-role reader
</Location>
"""


def parts(site):
    site.role("reader", "GET /pages/**", "GET /parts/**")
    site.key("ci")
    for name in ("a", "b"):
        site.folder.write("htdocs/parts/%s/x.html" % name, "part-%s\n" % name)
    site.folder.write("htdocs/pages/two.shtml", "".join('<!--#include virtual="/parts/%s/x.html" -->' % n for n in "abab"))


# LIM-23, AZ-14: a limit that is spent is spent for every part of a page, under whatever requirement
def test_parts_of_a_page_beyond_a_limit(make_site):
    site = make_site(PARTS, parts, modules=["include"])
    got = site.get("/pages/two.shtml", key="ci")
    assert got.status == 200 and got.text.count("part-") == 4
    got = site.get("/pages/two.shtml", key="ci")
    assert got.status == 200 and "part-" not in got.text, got
    assert dict(parse_list(site.get("/parts/a/x.html", key="ci").headers["RateLimit"]))["all"]["r"] == 99


def many_roles(site):
    names = ["role%d" % i for i in range(16)]
    for name in names:
        site.role(name, "GET /**")
    site.key("ci", role=names, limit="90/d")


# LIM-14: as many limits by role as a section may have, for a key with as many roles as it may have
def test_most_limits_of_the_most_roles(make_site):
    lines = "".join("    ApiSecLimit limit%d rate=%d/d by=role\n" % (i, 100 + i) for i in range(8))
    site = make_site("ApiSecRequireTLS Off\n<Location /orders>\n    ApiSecEngine On\n%s</Location>\n" % lines, many_roles)
    for spent in (1, 2):
        got = site.get(key="ci")
        assert got.status == 200, got
        left = {name: values["r"] for name, values in parse_list(got.headers["RateLimit"])}
        # No more than eight are told, and that with the most left is not.
        assert left == {"key": 90 - spent, **{"limit%d" % i: 100 + i - spent for i in range(7)}}


NO_ROWS = """
ApiSecTable 1024
ApiSecRequireTLS Off
<Location /orders>
    ApiSecEngine On
    ApiSecLimit each quota=1000/month by=key+ip
</Location>
"""


# LIM-09: what cannot be kept on disk is counted all the same, and told once a minute by each child
def test_quota_that_cannot_be_kept_is_told(make_site):
    site = make_site(NO_ROWS, modules=["remoteip"])
    with site.server.connect() as connection:
        for i in range(700):
            headers = {"X-API-Key": site.keys["ci"], "X-Forwarded-For": "198.18.%d.%d" % (i // 250, i % 250 + 1)}
            assert connection.request("GET", "/orders/7.json", headers).status == 200
    assert site.server.wait_error("APISEC0030: .*raise ApiSecTable")
    assert site.server.error_log().count("APISEC0030") <= len(site.server.children())
