"""Requests that wait for their turn: who does, how many at once, and what ends it."""

import os
import signal
import socket
import threading

import pytest
from harness import MPM, Site, parse_list, wait_for
from harness.h2 import H2Connection

# A turn each quarter of a second, or one so far off that a test sees the request wait.
CONF = """
Protocols h2c http/1.1
ApiSecRequireTLS Off
ApiSecWaiters 4
AddType text/html .shtml
AddOutputFilter INCLUDES .shtml
<Directory @DOCS@>
    Options Includes FollowSymLinks
</Directory>
<Location /status>
    SetHandler server-status
</Location>
<Location /soon>
    ApiSecEngine On
    ApiSecLimit soon rate=4/s burst=1 by=key delay=700ms
</Location>
<Location /leaky>
    ApiSecEngine On
    ApiSecLimit leaky rate=4/s by=key algorithm=leaky-bucket delay=600ms
</Location>
<Location /late>
    ApiSecEngine On
    ApiSecLimit late rate=3/m burst=1 by=key delay=30s
</Location>
<Location /both>
    ApiSecEngine On
    ApiSecLimit late rate=3/m burst=1 by=key delay=30s
    ApiSecLimit few rate=1/d by=user
</Location>
<Location /watched>
    ApiSecEngine DetectOnly
    ApiSecLimit watched rate=3/m burst=1 by=key delay=30s
</Location>
<Location /dry>
    ApiSecEngine On
    ApiSecLimit dry rate=3/m burst=1 by=key delay=30s mode=dry-run
</Location>
<VirtualHost *:@PORT@>
    ServerName one
</VirtualHost>
<VirtualHost *:@PORT1@>
    ServerName two
</VirtualHost>
<VirtualHost *:@PORT2@>
    ServerName three
</VirtualHost>
"""


def prepare(site, keys=24):
    site.role("reader", "GET /page.shtml", "GET /soon/**", "GET /leaky/**", "GET /late/**", "GET /both/**", "GET /watched/**", "GET /dry/**")
    site.role("poor", "GET /soon/none")
    for i in range(keys):
        site.key("key-%d" % i)
    site.key("poor", role="poor")
    for name in ("soon", "leaky", "late", "both", "watched", "dry"):
        site.folder.write("htdocs/%s/x.txt" % name, "x\n")
    site.folder.write("htdocs/page.shtml", '<!--#include virtual="/soon/x.txt" -->')
    site.unused = list(site.keys)[:keys]


def few(site):
    prepare(site, 3)


@pytest.fixture(scope="module")
def site():
    with Site(CONF, prepare, modules=["include", "http2", "status"], ports=3) as made:
        yield made


@pytest.fixture
def key(site):
    return site.unused.pop()


def line_of(site, got):
    return site.server.wait_audit(lambda line: line["id"] == got.headers["X-Request-Id"])


def counter(site, name):
    return int(site.get("/status?auto").text.split("ApiSec%s: " % name)[1].split()[0])


class Waiting:
    """A request that has been sent, and has begun to wait."""

    def __init__(self, site, key, path="/late/x.txt", port=0, name=None):
        self.site, self.id = site, name or "wait-%s" % os.urandom(6).hex()
        before = counter(site, "LimitDelayed")
        self.socket = socket.create_connection(("127.0.0.1", site.server.ports[port]), 60)
        self.socket.sendall(("GET %s HTTP/1.1\r\nHost: x\r\nX-API-Key: %s\r\nX-Request-Id: %s\r\n\r\n"
                             % (path, site.keys[key], self.id)).encode())
        wait_for(lambda: counter(site, "LimitDelayed") > before, what="the request to wait")

    def status(self):
        return int(self.socket.recv(65536).split(None, 2)[1])

    def line(self):
        return self.site.server.wait_audit(lambda line: line["id"] == self.id, timeout=60)

    def hang_up(self):
        """Gone: the request ends with its connection."""
        self.socket.close()
        return self.line()


# LIM-07
def test_request_waits_for_its_turn(site, key):
    first = site.get("/soon/x.txt", key=key)
    got = site.get("/soon/x.txt", key=key)
    assert first.status == 200 and "waited" not in line_of(site, first)
    assert got.status == 200 and dict(parse_list(got.headers["RateLimit"]))["soon"]["r"] == 0
    line = line_of(site, got)
    assert line["decision"] == "allow" and line["waited"] > 0 and line["us"] >= 1000 * line["waited"]


# LIM-07: each in its turn, up to the delay; the rest are told when there is room again
@pytest.mark.parametrize("path, name, admitted", [("/soon/x.txt", "soon", 3), ("/leaky/x.txt", "leaky", 3)])
def test_crowd_waits_turn_by_turn(site, key, path, name, admitted):
    crowd, answers = [], []
    start = threading.Barrier(8)

    def client():
        start.wait()
        answers.append(site.get(path, key=key))

    for _ in range(8):
        crowd.append(threading.Thread(target=client))
        crowd[-1].start()
    for thread in crowd:
        thread.join()
    good = [got for got in answers if got.status == 200]
    bad = [got for got in answers if got.status == 429]
    assert len(good) + len(bad) == 8 and len(good) >= admitted
    turns = sorted(line_of(site, got).get("waited", 0) for got in good)
    assert turns[0] == 0 and all(turn > 0 for turn in turns[1:])
    for got in bad:
        assert int(got.headers["Retry-After"]) >= 1 and got.json()["violated-policies"] == [name]
        assert "waited" not in line_of(site, got)


# LIM-07: no stream waits; and what it was refused is not taken from those who can
@pytest.mark.skipif(MPM == "prefork", reason="httpd speaks no HTTP/2 under prefork")
def test_stream_never_waits(site, key):
    assert site.get("/soon/x.txt", key=key).status == 200
    before = counter(site, "LimitDelayed")
    with H2Connection(site.server.port) as c:
        for i in range(5):
            c.request("GET", "/late/x.txt", [("x-api-key", site.keys[key]), ("x-request-id", "stream-%s-%d" % (key, i))])
        statuses = sorted(stream.status for stream in c.finish())
    assert statuses == [200, 429, 429, 429, 429] and counter(site, "LimitDelayed") == before
    code, out = site.server.curl("--http2-prior-knowledge", "-i", "-H", "X-API-Key: " + site.keys[key],
                                 site.server.url("/late/x.txt"))
    assert code == 0 and out.startswith(b"HTTP/2 429") and b"\nretry-after: " in out
    # One turn fits into the delay: it is still there.
    assert Waiting(site, key).hang_up()["reason"] == "client_gone"


# LIM-07, AZ-14
def test_part_of_a_page_never_waits(site, key):
    before = counter(site, "LimitDelayed")
    first, second = (site.get("/page.shtml", key=key).text for _ in range(2))
    assert first == "x\n" and second != "x\n" and counter(site, "LimitDelayed") == before


# LIM-07, LIM-12: who is refused anyway is refused at once
def test_request_that_is_refused_elsewhere_never_waits(site, key):
    before = counter(site, "LimitDelayed")
    got = site.get("/soon/x.txt", key="poor")
    assert got.status == 403
    got = site.get("/soon/x.txt", key="poor")
    assert got.status == 429 and int(got.headers["Retry-After"]) == 1
    assert site.get("/both/x.txt", key=key).status == 200
    got = site.get("/both/x.txt", key=key)
    assert got.status == 429 and got.json()["violated-policies"] == ["few"]
    assert counter(site, "LimitDelayed") == before


# LIM-07
@pytest.mark.parametrize("path", ["/watched/x.txt", "/dry/x.txt"])
def test_nobody_waits_where_nothing_is_refused(site, key, path):
    before = counter(site, "LimitDelayed")
    ids = ["%s-watch-%d" % (key, i) for i in range(4)]
    for name in ids:
        assert site.get(path, key=key, headers=[("X-Request-Id", name)]).status == 200
    assert counter(site, "LimitDelayed") == before
    lines = [site.server.wait_audit(lambda line, name=name: line["id"] == name) for name in ids]
    refused = [line.get("would_limit") or (line["decision"] == "would-refuse" and line["limit"]) or None for line in lines]
    name = path.split("/")[1]
    assert refused == [None, None, name, name]  # what a wait of 20 s would let through, and what not


# LIM-07: two of four may be one virtual host's, and four all of the server's
def test_share_of_those_who_wait(site):
    keys = [site.unused.pop() for _ in range(7)]
    for key in keys:
        assert site.get("/late/x.txt", key=key).status == 200
    full = counter(site, "LimitWaitersFull")

    def refused(key, port):
        got = site.get("/late/x.txt", key=key, port=site.server.ports[port])
        assert got.status == 429 and int(got.headers["Retry-After"]) >= 1
        assert got.json()["violated-policies"] == ["late"] and "waited" not in line_of(site, got)

    waiting = [Waiting(site, keys[i], port=0) for i in range(2)]
    refused(keys[2], 0)
    waiting += [Waiting(site, keys[i], port=1) for i in (3, 4)]
    refused(keys[5], 1)
    refused(keys[5], 2)
    assert counter(site, "LimitWaitersFull") == full + 3
    # Who goes makes room, and his turn was the client's own.
    line = waiting[0].hang_up()
    assert (line["reason"], line["status"], line["decision"]) == ("client_gone", 429, "refuse")
    again = Waiting(site, keys[6], port=2)
    for each in waiting[1:] + [again]:
        assert each.hang_up()["reason"] == "client_gone"


# LIM-07: a restart lets requests end, also those that wait
def test_wait_goes_on_over_a_graceful_restart(make_site):
    site = make_site(CONF.replace("rate=3/m", "rate=40/m"), few, modules=["include", "http2", "status"], ports=3)
    assert site.get("/late/x.txt", key="key-0").status == 200
    waiting = Waiting(site, "key-0")
    site.server.graceful()
    assert waiting.status() == 200 and waiting.line()["waited"] > 0


# LIM-07: a stop does not wait for them; a child that is killed gives its places back
def test_wait_ends_with_the_server_and_with_its_child(make_site):
    site = make_site(CONF.replace("ApiSecWaiters 4", "ApiSecWaiters 1"), few, modules=["include", "http2", "status"],
                     ports=3)
    for key in ("key-0", "key-1", "key-2"):
        assert site.get("/late/x.txt", key=key).status == 200
    first = Waiting(site, "key-0")
    assert site.get("/late/x.txt", key="key-1").status == 429 and first.id
    for pid in site.server.children():
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: site.server.children() and site.server._answers(), 30, "new children")

    def has_room():
        full = counter(site, "LimitWaitersFull")
        before = counter(site, "LimitDelayed")
        connection = socket.create_connection(("127.0.0.1", site.server.port), 60)
        connection.sendall(("GET /late/x.txt HTTP/1.1\r\nHost: x\r\nX-API-Key: %s\r\n\r\n" % site.keys["key-1"]).encode())
        wait_for(lambda: counter(site, "LimitDelayed") > before or counter(site, "LimitWaitersFull") > full,
                 what="the request to wait or to be refused")
        connection.close()
        return counter(site, "LimitDelayed") > before

    wait_for(has_room, 30, "the dead child's place")
    site.server.wait_audit(lambda line: line["reason"] == "client_gone")  # and the place is free again
    if MPM == "prefork":
        return  # a child of it ends where it stands
    waiting = Waiting(site, "key-2")
    site.server.stop()
    assert waiting.line()["reason"] == "server_stops"
