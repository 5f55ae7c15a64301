"""Requests under way: how many at once, and that each way out gives the place back."""

import os
import signal
import socket

import pytest
from harness import MPM, Site, parse_list, wait_for
from harness.h2 import H2Connection

CONF = """
Protocols h2c http/1.1
ApiSecRequireTLS Off
ScriptAlias /cgi @ROOT@/cgi
<Directory @ROOT@/cgi>
    Require all granted
</Directory>
<Location /status>
    SetHandler server-status
</Location>
<Location /cgi>
    ApiSecEngine On
    ApiSecLimit slow inflight=2 by=key
</Location>
<Location /cgi/one>
    ApiSecLimit slow inflight=1 by=key cost=7
</Location>
<Location /cgi/paid>
    ApiSecLimit slow inflight=9 by=key
    ApiSecLimit paid rate=3/d inflight=2 by=user
</Location>
<Location /cgi/lone>
    ApiSecLimit slow inflight=1 by=key
</Location>
<Location /cgi/source>
    ApiSecLimit source inflight=1 by=ip
</Location>
<Location /cgi/dry>
    ApiSecLimit slow inflight=1 by=key mode=dry-run
</Location>
"""
# Says that it is there, and ends when it is let go.
SLOW = """printf 'Content-Type: text/plain\\n\\n'
echo begun
mkfifo @GATE@/open-$HTTP_X_NAME
touch @GATE@/$HTTP_X_NAME
timeout 60 head -n 1 @GATE@/open-$HTTP_X_NAME > /dev/null
echo ended
"""


def prepare(site):
    gate = site.folder.path("gate")
    os.mkdir(gate)
    os.chmod(gate, 0o777)
    for name in ("slow", "one", "paid", "source", "dry"):
        site.script(name, SLOW.replace("@GATE@", gate))
    site.script("quick", "printf 'Content-Type: text/plain\\n\\nquick\\n'\n")
    site.script("lone", "printf 'Content-Type: text/plain\\n\\nlone\\n'\n")
    site.script("broken", "echo nonsense\n")
    site.role("reader", "GET /cgi/**")
    for i in range(12):
        site.key("key-%d" % i)
    site.unused = list(site.keys)


@pytest.fixture(scope="module")
def site():
    with Site(CONF, prepare, modules=["cgi", "http2", "remoteip", "status"], children=3) as made:
        yield made


@pytest.fixture
def key(site):
    return site.unused.pop()


class Slow:
    """A request under way, whose program has begun."""

    def __init__(self, site, key, path="/cgi/slow", headers=()):
        self.site, self.name = site, "r" + os.urandom(6).hex()
        fields = [("X-Name", self.name), *headers] + ([("X-API-Key", site.keys[key])] if key else [])
        self.socket = socket.create_connection(("127.0.0.1", site.server.port), 60)
        self.socket.sendall(("GET %s HTTP/1.1\r\nHost: x\r\n%s\r\n"
                             % (path, "".join("%s: %s\r\n" % pair for pair in fields))).encode())
        wait_for(lambda: os.path.exists(self.gate(self.name)), what="the program to begin")

    def gate(self, name):
        return self.site.folder.path("gate/" + name)

    def let_go(self):
        """Also where nobody waits at the gate any more; it stays open, for who comes to it late."""
        self.opened = os.open(self.gate("open-" + self.name), os.O_RDWR)
        os.write(self.opened, b"go\n")

    def end(self):
        """The whole answer; the connection is kept."""
        self.let_go()
        answer = b""
        while not answer.endswith(b"0\r\n\r\n"):
            more = self.socket.recv(65536)
            assert more, answer
            answer += more
        return answer.decode()


def refused(got, name="slow"):
    assert got.status == 429 and got.json()["violated-policies"] == [name], got
    assert got.headers["Retry-After"] == "1"
    return True


def come_back(site, key):
    """Slots come back when the transaction ends, which its client need not wait for."""
    wait_for(lambda: parse_list(site.get("/cgi/quick", key=key).headers["RateLimit"]) == [("slow", {"r": 1})], 30,
             "all slots to come back")


# LIM-08, LIM-16
def test_so_many_at_once_and_no_more(site, key):
    first, second = Slow(site, key), Slow(site, key)
    got = site.get("/cgi/quick", key=key)
    assert refused(got)
    assert parse_list(got.headers["RateLimit-Policy"]) == [("slow", {"q": 2, "qu": "concurrent-requests"})]
    assert parse_list(got.headers["RateLimit"]) == [("slow", {"r": 0})]
    assert site.get("/cgi/quick", key="key-0").status == 200
    line = site.server.wait_audit(lambda line: line["id"] == got.headers["X-Request-Id"])
    assert (line["reason"], line["limit"]) == ("rate_exceeded", "slow")
    # The answer of the first one says what was left when it began; the connection of both is kept.
    assert 'RateLimit: "slow";r=1\r\n' in first.end()
    assert 'RateLimit: "slow";r=0\r\n' in second.end()
    come_back(site, key)


# LIM-08: whatever ends the request
@pytest.mark.parametrize("way", ["done", "head", "not found", "broken", "hang up"])
def test_slot_comes_back_on_every_way_out(site, key, way):
    for _ in range(3):
        if way == "hang up":
            slow = Slow(site, key)
            slow.socket.close()
            slow.let_go()
        else:
            method, path = {"head": ("HEAD", "/cgi/quick"), "not found": ("GET", "/cgi/none"),
                            "broken": ("GET", "/cgi/broken")}.get(way, ("GET", "/cgi/quick"))
            got = site.request(method, path, key)
            assert got.status == {"not found": 404, "broken": 500}.get(way, 200)
        come_back(site, key)


# LIM-08: the slots of a child that was killed come back; the cost of a request makes no difference
def test_slots_of_a_killed_child_come_back(make_site):
    site = make_site(CONF, prepare, modules=["cgi", "http2", "remoteip", "status"], children=3)
    slow = [Slow(site, "key-0"), Slow(site, "key-0"), Slow(site, "key-1", "/cgi/one")]
    assert refused(site.get("/cgi/quick", key="key-0")) and refused(site.get("/cgi/one", key="key-1"))
    old = set(site.server.children())
    for pid in old:
        os.kill(pid, signal.SIGKILL)
    for each in slow:
        each.let_go()
    wait_for(lambda: not any(os.path.exists("/proc/%d" % pid) for pid in old), 30, "the end of all, who may still answer")
    wait_for(lambda: site.server.children() and site.server._answers(), 30, "new children")
    come_back(site, "key-0")
    come_back(site, "key-1")


# LIM-08, LIM-02: with other meters it is all or nothing
def test_slot_and_units_together(site, key):
    slow = [Slow(site, key, "/cgi/paid") for _ in range(2)]
    got = site.get("/cgi/paid", key=key)
    assert refused(got, "paid-inflight")
    for each in slow:
        each.end()
    come_back(site, key)
    # The refusal spent none of three; the third is the last, and a refusal by the rate holds no slot.
    third = Slow(site, key, "/cgi/paid")
    assert 'paid-d";r=0' in third.end()
    for _ in range(4):
        got = site.get("/cgi/paid", key=key)
        assert got.status == 429 and got.json()["violated-policies"] == ["paid-d"]
    come_back(site, key)


# LIM-11: an address's slots are looked at before anybody is asked for a key
def test_slots_by_address(site):
    address = [("X-Forwarded-For", "192.0.2.3")]
    slow = Slow(site, "key-0", "/cgi/source", address)
    assert refused(site.get("/cgi/source", headers=address), "source")
    assert site.get("/cgi/source", headers=[("X-Forwarded-For", "192.0.2.4")]).status == 401
    slow.end()
    wait_for(lambda: site.get("/cgi/source", headers=address).status == 401, 30, "the slot to come back")


def test_slots_in_a_dry_run(site, key):
    slow = Slow(site, key, "/cgi/dry")
    other = Slow(site, key, "/cgi/dry")
    assert "RateLimit" not in other.end() and "RateLimit" not in slow.end()
    lines = site.server.wait_audit(lambda line: line["path"] == "/cgi/dry", 2)
    assert sorted(line.get("would_limit", "") for line in lines) == ["", "slow"]


# LIM-08: a client that asks again when it has read the answer is never too early, though programs take their time to
# end and logs to be written; on one connection, on another one, and by another stream
@pytest.mark.parametrize("way", ["kept", "anew", "stream"])
def test_a_lone_client_is_never_too_early(site, key, way):
    fields = [("x-api-key", site.keys[key])]
    if way == "kept":
        with site.server.connect() as kept:
            seen = [kept.request("GET", "/cgi/lone", fields).status for _ in range(200)]
    elif way == "anew":
        seen = [site.get("/cgi/lone", key=key).status for _ in range(200)]
    elif MPM == "prefork":
        pytest.skip("httpd speaks no HTTP/2 under prefork")
    else:
        with H2Connection(site.server.port) as c:
            for _ in range(200):
                c.request("GET", "/cgi/lone", fields)
                c.finish()
            seen = [stream.status for stream in c.streams.values()]
    assert seen == [200] * 200


# LIM-08, LIM-23: a stream holds one like any request
@pytest.mark.skipif(MPM == "prefork", reason="httpd speaks no HTTP/2 under prefork")
def test_slots_of_streams(site, key):
    slow = [Slow(site, key) for _ in range(2)]
    with H2Connection(site.server.port) as c:
        for _ in range(3):
            c.request("GET", "/cgi/quick", [("x-api-key", site.keys[key])])
        assert [stream.status for stream in c.finish()] == [429] * 3
    for each in slow:
        each.end()
    come_back(site, key)
    with H2Connection(site.server.port) as c:
        c.request("GET", "/cgi/quick", [("x-api-key", site.keys[key])])
        assert [stream.status for stream in c.finish()] == [200]
        # The connection lives on, its stream is over.
        come_back(site, key)
