"""Requests under way: so many at once, and however one ends, another may come."""

import contextlib
import os
import signal
import socket
import struct

import pytest
from harness import Site, wait_for

CONF = """
ApiSecRequireTLS Off
Timeout 60
<Location /two>
    ApiSecEngine On
    ApiSecLimit two inflight=2 by=key
</Location>
<Location /short>
    ApiSecEngine On
    ApiSecLimit short inflight=1 by=key
</Location>
"""


def prepare(site):
    for name in ("two/x.txt", "short/x.txt"):
        site.folder.write("htdocs/" + name, "x\n")
    site.role("reader", "GET /**")
    for i in range(10):
        site.key("key-%d" % i)


@pytest.fixture(scope="module")
def site():
    with Site(CONF, prepare, children=4) as made:
        made.unused = sorted(made.keys)
        yield made


@contextlib.contextmanager
def under_way(site, key, path="/two/x.txt"):
    """A request that was let in and waits for its body; yields its connection.  It asks again until it is: a slot of a
    client that went away comes back when httpd sees that."""
    lines = ["GET %s HTTP/1.1" % path, "Host: localhost", "X-API-Key: " + site.keys[key], "Content-Length: 4",
             "Expect: 100-continue", "Connection: close", "", ""]

    def let_in():
        link = socket.create_connection(("127.0.0.1", site.server.port), timeout=30)
        link.sendall("\r\n".join(lines).encode())
        if b" 100 " in link.recv(1024):
            return link
        link.close()
        return None

    with wait_for(let_in, what="a request that is let in") as link:
        yield link


def status_of(link):
    """Ends the request's body and reads the answer."""
    link.sendall(b"body")
    with link.makefile("rb") as answer:
        return int(answer.read().split()[1])


def refusal(site, key, path="/two/x.txt"):
    got = site.get(path, key=key)
    assert got.status == 429
    return got


def wait_room(site, key, path="/two/x.txt"):
    wait_for(lambda: site.get(path, key=key).status == 200, what="room for one more")


# LIM-08, LIM-13, LIM-15
def test_so_many_at_once_and_then_the_next(site):
    key, other = site.unused.pop(), site.unused.pop()
    with under_way(site, key) as one, under_way(site, key) as two:
        refused = refusal(site, key)
        assert refused.headers["Retry-After"] == "1"
        assert refused.json()["violated-policies"] == ["two"]
        assert site.get("/two/x.txt", key=other).status == 200
        assert status_of(one) == 200
        with under_way(site, key):
            refusal(site, key)
        assert status_of(two) == 200
    wait_room(site, key)


# LIM-08
def test_an_error_gives_its_slot_back(site):
    key = site.unused.pop()
    never = [("If-Match", '"none"')]
    for _ in range(5):
        wait_for(lambda: site.get("/short/none.txt", key=key).status == 404, what="room for a 404")
        wait_for(lambda: site.get("/short/x.txt", key=key, headers=never).status == 412, what="room for a 412")
    wait_room(site, key, "/short/x.txt")


# LIM-08: what the network has not taken yet is under way
def test_a_large_file_holds_its_slot_until_it_is_sent(site):
    key = site.unused.pop()
    with open(site.folder.path("htdocs/short/large"), "wb") as large:
        large.truncate(64 * 2 ** 20)
    with socket.create_connection(("127.0.0.1", site.server.port), timeout=30) as link:
        link.sendall(("GET /short/large HTTP/1.0\r\nX-API-Key: %s\r\n\r\n" % site.keys[key]).encode())
        assert b" 200 " in link.recv(100)
        refusal(site, key, "/short/x.txt")
        while link.recv(2 ** 20):
            pass
    wait_room(site, key, "/short/x.txt")


# LIM-08: nor is its client too early that asks again by another connection when it has read all
@pytest.mark.parametrize("kib", [70, 1000])
def test_a_lone_client_of_large_files_is_never_too_early(site, kib):
    key = site.unused.pop()
    site.folder.write("htdocs/short/%d" % kib, b"x" * (kib * 1024))
    seen = [site.get("/short/%d" % kib, key=key) for _ in range(150)]
    assert {(got.status, len(got.body)) for got in seen} == {(200, kib * 1024)}


# LIM-08
def test_a_client_that_goes_away_gives_its_slot_back(site):
    key = site.unused.pop()
    with under_way(site, key), under_way(site, key):
        refusal(site, key)
    wait_room(site, key)


# LIM-08
def test_slots_outlive_a_graceful_restart_with_their_requests(site):
    key = site.unused.pop()
    with under_way(site, key) as one, under_way(site, key) as two:
        refusal(site, key)
        site.server.graceful(drained=False)
        refusal(site, key)
        assert (status_of(one), status_of(two)) == (200, 200)
    wait_room(site, key)


# LIM-18
def test_no_row_is_reduced_capacity_and_no_fault_of_the_caller(make_site):
    site = make_site(CONF, prepare)
    with open("/proc/self/stat") as stat:
        me = struct.pack("<QQ", os.getpid(), int(stat.read().rpartition(")")[2].split()[19]))
    with open(site.server.state, "r+b") as state:
        cells, rows, uses = struct.unpack_from("<QQQ", state.read(48), 24)
        begin = 692224 + 32 * rows + 16 * cells + 64 * uses + 36864

        def own(who):
            for i in range(max(4096, cells // 4)):
                state.seek(begin + 32 * i)
                state.write(who)
            state.flush()

        own(me)  # a process that lives, so that nobody takes them
        got = site.get("/two/x.txt", key="key-0")
        assert (got.status, got.headers["Retry-After"]) == (503, "1")
        assert got.json()["type"] == "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity"
        line = site.server.wait_audit(lambda line: line["id"] == got.headers["X-Request-Id"])
        assert line["reason"] == "slots_full" and "limit" not in line
        own(bytes(16))
        assert site.get("/two/x.txt", key="key-0").status == 200


# LIM-08: new children count what old ones still serve; a place is back when the old ones have ended
def test_slots_go_on_in_a_table_of_another_size(make_site):
    site = make_site(CONF + "Include @ROOT@/table.conf\n",
                     lambda made: (prepare(made), made.folder.write("table.conf", "ApiSecTable 4096\n")))
    with under_way(site, "key-0") as one, under_way(site, "key-0") as two:
        for entries in (8192, 2048):
            site.folder.write("table.conf", "ApiSecTable %d\n" % entries)
            site.server.graceful(drained=False)
            seen = [503]  # by old children, which may take a last connection
            while seen[-1] == 503:
                seen.append(site.get("/two/x.txt", key="key-0").status)
            assert seen[-1] == 429
        assert (status_of(one), status_of(two)) == (200, 200)
    wait_room(site, "key-0")


# LIM-08
def test_slots_of_killed_children_come_back(site):
    key = site.unused.pop()
    with under_way(site, key), under_way(site, key):
        refusal(site, key)
        site.server.crash_is_expected = True
        for pid in site.server.children():
            os.kill(pid, signal.SIGKILL)

        def has_room():
            try:
                return site.get("/two/x.txt", key=key).status == 200
            except OSError:  # no child is there yet
                return False

        wait_for(has_room, what="slots of killed children")
