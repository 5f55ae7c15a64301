"""Quotas of the calendar over restarts, kills, reboots and another size of the table (LIM-09, LIM-10)."""

import struct

import pytest
from harness import parse_list

CONF = """
ApiSecRequireTLS Off
Include @ROOT@/table.conf
<Location /orders>
    ApiSecEngine On
    ApiSecLimit month quota=640/month by=key
    ApiSecLimit rush rate=640/d by=key
</Location>
"""

RETIRED = 1 << 63
REDUCED = "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity"


@pytest.fixture
def site(make_site):
    made = make_site(CONF, prepare)
    made.state = made.folder.path("state")
    return made


def prepare(site):
    site.folder.write("table.conf", "ApiSecTable 4096\n")
    site.role("reader", "GET /orders/**")
    for name in ("ci", "late"):
        site.key(name)


def left(answer, name):
    [item] = [params["r"] for policy, params in parse_list(answer.headers["RateLimit"]) if policy == name]
    return item


def ask(site, key="ci"):
    got = site.get(key=key)
    assert got.status == 200
    return left(got, "month"), left(got, "rush")


def set_table(site, entries):
    site.folder.write("table.conf", "ApiSecTable %d\n" % entries)


def test_restarts_and_kills_lose_nothing(site):
    assert ask(site) == (639, 639)
    site.server.graceful()
    assert ask(site) == (638, 638)
    site.server.kill()
    site.server.start()
    assert ask(site) == (637, 637)
    site.server.restart()
    assert ask(site) == (636, 636)


def test_another_size_goes_on_with_what_was_counted(site):
    want = 640
    for entries in (65536, 1024, 2048):
        want -= 1
        assert ask(site) == (want, want)
        set_table(site, entries)
        site.server.graceful()
    assert ask(site) == (want - 1, want - 1)
    assert ask(site, "late") == (639, 639)
    assert site.server.error_log().count("is a new one of another size, in which 2 counts of callers go on") == 3


def cells_of(state, size):
    """Where the cells begin: behind the rows, of which there are at least 4,096."""
    entries, rows = struct.unpack_from("<QQ", state, 24)
    assert entries == size
    return 692224 + 32 * rows, entries


# LIM-18
def test_a_child_whose_table_goes_on_elsewhere_says_come_again(site):
    """What old children find while a start takes their cells over; the next start ends it."""
    assert ask(site) == (639, 639)
    with open(site.state, "r+b") as state:
        data = bytearray(state.read())
        at, entries = cells_of(data, 4096)
        struct.pack_into("<Q", data, 272, 1)
        state.seek(272)
        state.write(data[272:280])
        for i in range(entries):
            word = struct.unpack_from("<Q", data, at + 16 * i + 8)[0]
            state.seek(at + 16 * i + 8)
            state.write(struct.pack("<Q", word | RETIRED))
    for key in ("ci", "late"):
        got = site.get(key=key)
        assert (got.status, got.headers["Retry-After"]) == (503, "1")
        assert got.json()["type"] == REDUCED and "violated-policies" not in got.json()
    # Nor is a failed authentication counted, and so nobody is accused of too many.
    got = site.get(key="hunter2")
    assert (got.status, got.headers["Retry-After"], got.json()["type"]) == (503, "1", REDUCED)
    assert site.server.wait_audit(lambda line: line["reason"] == "state_moved", 3)
    site.server.graceful()
    assert ask(site) == (638, 638)
    assert ask(site, "late") == (639, 639)


def test_after_a_reboot_a_quota_goes_on_at_its_lease(site):
    assert ask(site) == (639, 639)
    site.server.stop()
    with open(site.state, "r+b") as state:
        state.seek(88)
        boot = state.read(16)
        state.seek(88)
        state.write(bytes([boot[0] ^ 1]) + boot[1:])
    site.server.start()
    assert ask(site) == (629, 639)  # ten were leased


def test_retry_after_is_the_end_of_the_month(site):
    site.folder.write("table.conf", """ApiSecTable 4096
<Location /items>
    ApiSecEngine On
    ApiSecRequire public
    ApiSecLimit small quota=2/month by=ip
</Location>
""")
    site.server.restart()  # no child of before answers the first one
    for want in (1, 0):
        got = site.get("/items/1.json")
        assert (got.status, left(got, "small")) == (200, want)
    got = site.get("/items/1.json")
    assert got.status == 429
    assert 0 < int(got.headers["Retry-After"]) <= 31 * 86400


@pytest.mark.parametrize("zone,why", [
    ("Mars/Olympus", 'time zone "Mars/Olympus": there is none in /usr/share/zoneinfo'),
    ("../etc", 'zone "../etc": want'),
])
def test_a_zone_that_is_none_is_a_fault_of_the_configuration(site, zone, why):
    site.folder.write("table.conf", """<Location /items>
    ApiSecEngine On
    ApiSecLimit day quota=2/day by=key zone=%s
</Location>
""" % zone)
    code, said = site.server.configtest()
    assert code != 0 and why in said
    set_table(site, 4096)
