"""When, by which rule and from where each secret was last used: noted by httpd, told by apisecctl."""

import datetime
import os
import re
import signal
import struct

import pytest

from harness import wait_for
from harness.load import Load

CONF = """
ApiSecRequireTLS Off
<Location />
    ApiSecEngine On
</Location>
%s
"""
LONG = "/items/a-rather-long-name-of-a-folder/**"

# Of layout.h: what the tests change by hand.
HEAD = struct.Struct("<8sIIQQQQIIIIq16s16s16sq")
USES_AT, BOOT_AT, SINCE_AT, DISPLACED_AT = 40, 88, 120, 256


def prepare(site):
    site.role("reader", "GET /orders/**", "GET " + LONG)
    site.role("nothing")
    for name in ("ci", "idle", "late"):
        site.key(name)
    site.key("refused", role="nothing")
    site.key("gone")
    site.store.ok("key", "revoke", "gone")


@pytest.fixture
def site(make_site):
    return make_site(CONF % "", prepare, modules=["remoteip"])


def show(site, name):
    return site.store.json("key", "show", name)


def from_(address):
    return {"X-Forwarded-For": address}


def this_hour(row):
    at = datetime.datetime.strptime(row["last_used_at"], "%Y-%m-%dT%H:00:00Z")
    return abs((datetime.datetime.utcnow() - at).total_seconds()) < 7200


def unused(site, time):
    return {row["name"]: row["unused"] for row in site.store.json("key", "list", "--unused", time)}


def head_of(site):
    with open(site.server.state, "rb") as seen:
        return HEAD.unpack(seen.read(HEAD.size))


def poke(site, at, content):
    with open(site.server.state, "r+b") as out:
        out.seek(at)
        out.write(content)


def uses_of(site):
    """Where the rows are, and how many bytes."""
    head = head_of(site)
    return 692224 + head[5] * 32 + head[4] * 16, head[6] * 64


# CMP-08
def test_a_use_is_told_by_hour_rule_and_prefix(site):
    assert show(site, "ci")["last_used_at"] is None
    assert site.get(key="ci", headers=from_("192.0.2.77")).status == 200
    row = show(site, "ci")
    assert this_hour(row) and row["last_route"] == "/orders/**" and row["last_address"] == "192.0.2.0/24"
    assert row["old_last_used_at"] is None
    assert row == [r for r in site.store.json("key", "list") if r["name"] == "ci"][0]
    assert show(site, "idle")["last_used_at"] is None
    assert site.get(key="idle", headers=from_("2001:db8:1:2::9")).status == 200
    assert show(site, "idle")["last_address"] == "2001:db8:1::/48"


def test_within_the_hour_the_first_request_stays(site):
    assert site.get(key="ci", headers=from_("192.0.2.77")).status == 200
    before = show(site, "ci")
    for _ in range(20):
        assert site.get(key="ci", headers=from_("198.51.100.7")).status == 200
    after = show(site, "ci")
    assert after["last_address"] == before["last_address"] or after["last_used_at"] > before["last_used_at"]


def test_a_use_is_what_was_verified_whatever_is_decided_then(site):
    assert site.get(key="refused").status == 403
    assert this_hour(show(site, "refused"))
    site.store.ok("key", "set", "late", "--limit", "1/d")
    wait_for(lambda: site.get(key="late").status == 429)
    assert this_hour(show(site, "late"))


def test_what_was_not_let_in_is_no_use(site):
    wrong = site.keys["ci"][:-1] + ("0" if site.keys["ci"][-1] != "0" else "1")
    assert site.get(key=wrong).status == 401
    assert site.get(key="gone").status == 401
    assert show(site, "ci")["last_used_at"] is None and show(site, "gone")["last_used_at"] is None


def test_a_long_rule_is_cut(site):
    assert site.get(LONG.replace("**", "7"), key="ci").status == 404
    assert show(site, "ci")["last_route"] == LONG[:32] + "..."


def test_no_address_is_kept_where_none_is_to_be_known(make_site):  # AUD-03
    site = make_site("ApiSecLogAddress pseudonym\n" + CONF % "", prepare)
    assert site.get(key="ci").status == 200
    row = show(site, "ci")
    assert this_hour(row) and row["last_address"] is None and row["last_route"] == "/orders/**"


def test_keys_that_nobody_uses_are_listed(site):  # CMP-08
    site.store.ok("key", "create", "bait", "--decoy")
    assert site.get(key="ci").status == 200
    wait_for(lambda: unused(site, "1s").get("idle") == "yes")
    assert "ci" not in unused(site, "1s")
    site.key("later")
    wait_for(lambda: "later" in unused(site, "1s"))
    assert "bait" not in unused(site, "1s")  # though it is older, and there to be unused
    assert unused(site, "90d") == {}  # all keys are younger
    row = site.store.json("key", "list", "--unused", "1s")[0]
    assert re.match(r"\d{4}-", row["known_since"])
    assert site.get(key="idle").status == 200
    assert "idle" not in unused(site, "1s")


def test_what_nobody_noted_is_unknown_and_never_unused(site):
    wait_for(lambda: unused(site, "1s").get("idle") == "yes")
    poke(site, DISPLACED_AT, struct.pack("<Q", 2 ** 63))  # a row of right now gave way
    assert unused(site, "1s")["idle"] == "unknown"
    poke(site, DISPLACED_AT, struct.pack("<Q", 0))
    poke(site, SINCE_AT, struct.pack("<q", 2 ** 40))  # the file is younger than the cut-off
    assert unused(site, "1s")["idle"] == "unknown"


# ---- what uses outlive


@pytest.mark.parametrize("how", ["graceful", "restart", "stop", "kill", "reboot"])
def test_uses_outlive_restarts_stops_crashes_and_boots(site, how):  # TRN-13
    assert site.get(key="ci", headers=from_("192.0.2.77")).status == 200
    before = show(site, "ci")
    if how in ("graceful", "restart"):
        getattr(site.server, how)()
    else:
        site.server.kill() if how == "kill" else site.server.stop()
        if how == "reboot":
            poke(site, BOOT_AT, os.urandom(16))
        site.server.start()
    assert show(site, "ci") == before and before["last_address"] == "192.0.2.0/24"
    assert site.get(key="ci", headers=from_("198.51.100.1")).status == 200
    assert show(site, "ci")["last_used_at"] >= before["last_used_at"]


@pytest.mark.parametrize("change", ["ApiSecLastUse 1024", "ApiSecLastUse 65536", "ApiSecTable 4096"])
def test_another_size_loses_nothing(site, change):
    assert site.get(key="ci", headers=from_("192.0.2.77")).status == 200
    before, since = show(site, "ci"), head_of(site)[15]
    site.server.configure("ApiSecStore @STORE@\n" + change + "\n" + CONF % "")
    site.server.graceful()
    assert show(site, "ci") == before
    assert head_of(site)[15] == since


def test_none_are_kept_where_none_are_wanted(site):
    assert site.get(key="ci").status == 200
    site.server.configure("ApiSecStore @STORE@\nApiSecLastUse 0\n" + CONF % "")
    site.server.graceful()
    wait_for(lambda: head_of(site)[6] == 0)
    assert site.get(key="ci").status == 200 and show(site, "ci")["last_used_at"] is None
    result = site.store.run("key", "list", "--unused", "1d")
    assert result.rc == 4 and "ApiSecLastUse is 0" in result.err
    result = site.store.run("key", "rotate", "ci", "--until-used", "1h")
    assert result.rc == 4 and "ApiSecLastUse is 0" in result.err and "--overlap" in result.err
    assert show(site, "ci")["kv"] == 1


@pytest.mark.parametrize("value", ["1", "1023", "16777217", "-1", "many", "00"])
def test_bad_numbers_of_rows_are_refused(make_server, value):
    server = make_server("ApiSecLastUse %s\n" % value, start=False)
    code, said = server.configtest()
    assert code != 0 and "ApiSecLastUse" in said and "1024 to 16777216" in said


# ---- under load, and hostile


@pytest.mark.slow
def test_uses_are_told_while_children_die_and_restart(site):
    """Children are killed while they note uses: nothing hangs, and what is told is right or unknown."""
    names = ["k%d" % i for i in range(40)]
    for name in names:
        site.key(name)
    wait_for(lambda: site.get(key=names[-1]).status == 200)
    site.server.crash_is_expected = True
    with Load(site, [("/orders/7.json", name) for name in names], clients=4) as load:
        for round_ in range(6):
            before = load.total()
            for pid in site.server.children():
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            if round_ % 2:
                site.server.graceful()
            poke(site, uses_of(site)[0], b"\0" * uses_of(site)[1])  # all is noted anew
            wait_for(lambda: load.total() > before + 100, what="requests to go on")
    assert load.statuses() <= {200, 401, None}, load.statuses()
    assert all(load.answered("/orders/7.json", name) for name in names)
    poke(site, uses_of(site)[0], b"\0" * uses_of(site)[1])
    site.server.restart()
    for name in names:
        wait_for(lambda: site.get(key=name).status == 200)
        row = show(site, name)
        assert this_hour(row) and row["last_route"] == "/orders/**" and row["last_address"] == "127.0.0.0/24"


def test_rows_of_random_bytes_lead_nowhere(site):  # SEC-09, CLI-06
    wait_for(lambda: "idle" in unused(site, "1s"))
    at, size = uses_of(site)
    for _ in range(3):
        poke(site, at, os.urandom(size))
        poke(site, SINCE_AT, os.urandom(8))
        poke(site, DISPLACED_AT, os.urandom(8))
        for name in ("ci", "idle"):
            assert show(site, name)["last_used_at"] is None
        assert set(unused(site, "1s").values()) <= {"yes", "unknown"}
        assert site.store.json("key", "list", "--rotating") == []
        site.key("fresh%d" % _)
        wait_for(lambda: site.get(key="fresh%d" % _).status == 200)
        assert this_hour(show(site, "fresh%d" % _))
    assert site.get(key="late").status == 200 and this_hour(show(site, "late"))


def test_odd_bytes_of_a_row_are_escaped_or_unknown(site):  # CLI-08
    """Whoever writes the file has the key of the check too; without it a changed row tells the time alone."""
    assert site.get(key="ci").status == 200
    at, size = uses_of(site)
    with open(site.server.state, "rb") as seen:
        seen.seek(at)
        rows = seen.read(size)
    mine = rows.index(b"/orders/**\0")
    poke(site, at + mine, b"/\x1b[31m\xff\xfe")
    row = show(site, "ci")
    assert this_hour(row) and row["last_route"] is None and row["last_address"] is None
    assert "\x1b" not in site.store.ok("key", "show", "ci")
    first = mine - 32 + 8
    poke(site, at + first, struct.pack("<II", 4000000000, 4000000000))  # the year 2096
    assert show(site, "ci")["last_used_at"] is None
    assert unused(site, "1s").get("ci", "unknown") == "unknown"
