"""Published copies that cannot be trusted, the state file, and the block of mod_status."""

import os
import re
import shutil
import stat

import pytest
from harness import Store, wait_for

CONF = """
KeepAliveTimeout 60
ApiSecRequireTLS Off
<Location /status>
    SetHandler server-status
</Location>
<Location /orders>
    ApiSecEngine On
</Location>
"""


def prepare(site):
    site.role("reader", "GET /orders/**")
    site.key("ci")
    site.key("late")
    other = Store(site.folder.path("other"), site.folder.path("state"))
    other.init()
    site.other = other


@pytest.fixture
def site(make_site):
    made = make_site(CONF, prepare, modules=["status"])
    shutil.copy2(made.store.file("pub", "store.db"), made.folder.path("old.db"))
    made.store.ok("key", "revoke", "late")
    with made.every_child("ci") as connections:
        wait_for(lambda: all(refused_late(made, c) for c in connections), what="the revocation everywhere")
    return made


def refused_late(site, connection):
    """Its line comes after its answer, and after all that was counted on this connection."""
    got = ask(site, connection, "late")
    site.server.wait_audit(lambda line: line["id"] == got.headers["X-Request-Id"])
    return got.status == 401


def ask(site, connection, key):
    return connection.request("GET", "/orders/7.json", [("X-API-Key", site.keys[key])])


def numbers(site):
    rows = (line.split(": ") for line in site.get("/status?auto").text.splitlines() if line.startswith("ApiSec"))
    return {name: int(value) for name, value in rows}


def settled(site, ids):
    """The numbers when these requests are counted, which is after their answers and before their lines."""
    site.server.wait_audit(lambda line: line["id"] in ids, len(ids))
    return numbers(site)


def bytes_of(path):
    with open(path, "rb") as seen:
        return seen.read()


def older(site):
    return bytes_of(site.folder.path("old.db"))


def foreign(site):
    return bytes_of(site.other.file("pub", "store.db"))


def truncated(site):
    text = bytes_of(site.store.file("pub", "store.db"))
    return text[:len(text) // 2]


def garbage(site):
    return os.urandom(40000)


def empty(site):
    return b""


def bent_generation(site):
    """The newest copy as another SQLite would write it, with a higher generation that nobody MACed."""
    import sqlite3
    path = site.folder.path("bent.db")
    shutil.copy2(site.store.file("pub", "store.db"), path)
    with sqlite3.connect(path) as db:
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        assert "meta" in tables, tables
        columns = [row[1] for row in db.execute("PRAGMA table_info(meta)")]
        if "generation" in columns:
            db.execute("UPDATE meta SET generation = generation + 1000")
        else:
            changed = db.execute("UPDATE meta SET value = value + 1000 WHERE name = 'generation'").rowcount
            assert changed == 1, columns
    return bytes_of(path)


def replace(site, content, mode=0o640):
    """As publish does it: a file beside, then a rename."""
    target = site.store.file("pub", "store.db")
    seen = os.stat(target)
    beside = site.store.file("pub", "new")
    with open(beside, "wb") as out:
        out.write(content)
    os.chmod(beside, mode)
    os.chown(beside, seen.st_uid, seen.st_gid)
    os.rename(beside, target)


# AZ-06, TRN-13
@pytest.mark.parametrize("make", [older, foreign, truncated, garbage, empty, bent_generation], ids=lambda f: f.__name__)
def test_copy_that_cannot_be_trusted_is_refused_and_the_last_good_one_stays(site, make):
    good = bytes_of(site.store.file("pub", "store.db"))
    before = numbers(site)["ApiSecReloadFailed"]
    replace(site, make(site))
    # Each child looks on the way of a request.
    wait_for(lambda: site.get(key="ci").status == 200 and site.get(key="late").status == 401
             and numbers(site)["ApiSecReloadFailed"] > before, what="the copy to be refused")
    for _ in range(20):
        assert site.get(key="ci").status == 200
        assert site.get(key="late").status == 401, "what was revoked stays so"
    assert site.server.wait_error(r"APISEC0026: store \S*%s\b.*last good copy stays" % os.path.basename(site.store.path))
    assert "store.db" in site.server.error_log().split("APISEC0026")[1].split("\n")[0]
    assert site.get(key="hunter2").status == 401
    # A good copy is taken again.
    replace(site, good)
    site.store.ok("publish")
    key = site.key("mended")
    wait_for(lambda: site.get(key=key).status == 200)


# SEC-09, TRN-13
@pytest.mark.parametrize("kind", ["mode", "unreadable", "symlink", "fifo", "folder", "gone", "link"])
def test_copy_of_a_wrong_kind_is_refused_and_the_last_good_one_stays(site, kind):
    target = site.store.file("pub", "store.db")
    good = bytes_of(target)
    before = numbers(site)["ApiSecReloadFailed"]
    if kind == "mode":
        replace(site, good, 0o666)
    elif kind == "unreadable":
        replace(site, good, 0)
    elif kind == "symlink":
        os.rename(target, site.folder.path("moved.db"))
        os.symlink(site.folder.path("moved.db"), target)
    elif kind == "link":
        replace(site, good)
        os.link(target, site.store.file("pub", "twin.db"))
    else:
        os.unlink(target)
        if kind == "fifo":
            os.mkfifo(target, 0o640)
        elif kind == "folder":
            os.mkdir(target)
    wait_for(lambda: site.get(key="ci").status == 200 and numbers(site)["ApiSecReloadFailed"] > before,
             what="the copy to be refused")
    assert site.get(key="late").status == 401
    assert site.server.wait_error("APISEC0026.*store.db cannot be opened: Permission denied" if kind == "unreadable" else "APISEC0026")


# AZ-06
def test_refused_copy_is_logged_once_by_each_child(site):
    replace(site, garbage(site))
    wait_for(lambda: site.get(key="ci").status == 200 and numbers(site)["ApiSecReloadFailed"] >= 1)
    with site.every_child("ci") as connections:
        for number in range(200):
            assert ask(site, connections[number % len(connections)], "ci").status == 200
    lines = [line for line in site.server.error_log().splitlines() if "APISEC0026" in line]
    pids = [re.search(r"pid (\d+)", line).group(1) for line in lines]
    assert lines and len(pids) == len(set(pids)), lines


# AZ-06, TRN-13
def test_children_that_nobody_has_asked_have_a_good_copy_too(make_site):
    site = make_site(CONF, prepare, modules=["status"])
    wait_for(lambda: site.server.error_log().count("APISEC0028") >= len(site.server.children()) >= 2,
             what="all children to open the copy")
    asleep = set(site.server.children())
    replace(site, garbage(site))
    with site.every_child("ci") as connections:
        told = {line["pid"] for line in site.server.audit() if line["status"] == 200}
        assert told & asleep and len(connections) >= 2


def two_children(site, connections):
    """A connection to each of two children, which are left alone until they are asked by it."""
    pids = []
    for connection in connections:
        got = ask(site, connection, "ci")
        assert got.status == 200
        pids.append(site.server.wait_audit(lambda line: line["id"] == got.headers["X-Request-Id"])["pid"])
    return connections[0], next(c for c, pid in zip(connections, pids) if pid != pids[0])


# KEY-13: the last good copy of a child is not good where another child has seen a newer one
def test_a_child_that_missed_a_revocation_does_not_go_on_with_the_copy_before_it(make_site):
    site = make_site("ApiSecRefresh 10ms\n" + CONF, prepare, modules=["status"])
    with site.every_child("ci") as connections:
        awake, asleep = two_children(site, connections)
        site.store.ok("key", "revoke", "late")
        wait_for(lambda: ask(site, awake, "late").status == 401, what="the revocation")
        replace(site, garbage(site))
        got = ask(site, asleep, "late")
        assert got.status == 503, got
        assert ask(site, awake, "ci").status == 200
        assert "other children have seen a newer one" in site.server.error_log()
        site.store.ok("publish")
        wait_for(lambda: ask(site, asleep, "ci").status == 200, what="the copy that was made anew")
        assert ask(site, asleep, "late").status == 401


# KEY-13: nor where the other one has seen it after this one failed the first time
def test_a_child_that_failed_before_a_revocation_does_not_go_on_either(make_site):
    site = make_site("ApiSecRefresh 10ms\n" + CONF, prepare, modules=["status"])
    published = site.store.file("pub", "store.db")
    with site.every_child("ci") as connections:
        awake, asleep = two_children(site, connections)
        os.unlink(published)
        wait_for(lambda: (ask(site, asleep, "late").status, "APISEC0026" in site.server.error_log()) == (200, True),
                 what="the child to miss the copy")
        site.store.ok("key", "revoke", "late")
        wait_for(lambda: ask(site, awake, "late").status == 401, what="the revocation")
        os.unlink(published)
        wait_for(lambda: ask(site, asleep, "late").status == 503, what="the child to miss the copy again")
        assert "other children have seen a newer generation" in site.server.error_log()
        assert ask(site, awake, "ci").status == 200
        site.store.ok("publish")
        wait_for(lambda: ask(site, asleep, "ci").status == 200, what="the copy that was made anew")
        assert ask(site, asleep, "late").status == 401


# SEC-09, AUD-03
def test_state_file_is_the_starting_accounts_alone(site):
    seen = os.stat(site.server.state)
    assert stat.S_IMODE(seen.st_mode) == 0o600 and seen.st_uid == os.geteuid()
    for name in site.keys:
        assert site.keys[name].encode() not in bytes_of(site.server.state)
        assert site.ids[name].encode() not in bytes_of(site.server.state)


# TRN-13, TRN-14
@pytest.mark.parametrize("kind", ["symlink", "folder", "mode", "nowhere"])
def test_state_that_cannot_be_used_answers_503_and_other_sites_are_served(make_site, kind):
    site = make_site(CONF.replace("<Location /status>", "ApiSecState @ROOT@/%s\n<Location /status>"
                                  % ("none/state" if kind == "nowhere" else "bad")), prepare, modules=["status"], start=False)
    bad = site.folder.path("bad")
    if kind == "symlink":
        site.folder.write("target", "")
        os.symlink(site.folder.path("target"), bad)
    elif kind == "folder":
        os.mkdir(bad)
    elif kind == "mode":
        site.folder.write("bad", "x" * 100, 0o666)
    site.server.start()
    got = site.get(key="ci")
    assert got.status == 503 and got.headers["Content-Type"] == "application/problem+json"
    assert got.json()["type"] == "about:blank" and "Retry-After" not in got.headers  # LIM-18: no passing overload
    line = site.server.wait_audit(lambda line: line["id"] == got.headers["X-Request-Id"])
    assert line["reason"] == "state_down"
    assert site.get("/index.html").status == 200
    assert numbers(site)["ApiSecStateDown"] == 1
    assert "APISEC0021" in site.server.error_log()


# TRN-13
@pytest.mark.parametrize("content", [b"", b"x" * 100, b"\0" * 70000, b"APISEC" * 20000],
                         ids=["empty", "short", "zeros", "words"])
def test_damaged_state_file_is_replaced(make_site, content):
    site = make_site(CONF, prepare, modules=["status"], start=False)
    site.folder.write("state", content, 0o600)
    site.server.start()
    assert site.get(key="ci").status == 200
    assert numbers(site)["ApiSecStateDown"] == 0
    assert bytes_of(site.folder.path("state.bad")) == content
    assert "is no state file: it is kept as %s.bad" % site.server.state in site.server.error_log()


# LIM-22, TRN-13: limits that begin anew do not do so in silence
@pytest.mark.one_mpm
def test_state_file_with_a_damaged_head_is_replaced_and_the_log_says_so(make_site):
    site = make_site(CONF, prepare, modules=["status"])
    said = "the state file %s was damaged, or of another version" % site.server.state
    for at, n in ((40, 4), (72, 1), (104, 1), (264, 1)):  # a size, the keys, the salt
        assert said not in site.server.error_log()
        with open(site.server.state, "r+b") as state:
            state.seek(at)
            old = state.read(n)
            state.seek(at)
            state.write(bytes(b ^ 16 for b in old))
        assert site.get(key="ci").status == 200
        site.server.graceful()
        assert site.get(key="ci").status == 200
        site.server.wait_error(re.escape(said))
        os.truncate(os.path.join(site.server.logs, "error.log"), 0)


# TRN-18
def test_status_block_counts_and_names_nobody(site):
    before = numbers(site)
    assert {"ApiSecRequests", "ApiSecAllowed", "ApiSecRefusedAuthn", "ApiSecRefusedAuthz", "ApiSecRefusedLimit",
            "ApiSecRefusedInput", "ApiSecRefusedServer", "ApiSecWouldRefuse", "ApiSecStores", "ApiSecStoresDown"} <= set(before)
    assert before["ApiSecStores"] == 1 and before["ApiSecStoresDown"] == 0
    ids = [site.get(path, key=key).headers["X-Request-Id"] for key, path in (
        ("ci", "/orders/7.json"), ("ci", "/orders/8.json"), (None, "/orders/7.json"), ("late", "/orders/7.json"),
        ("ci", "/orders/a//b"))]
    after = settled(site, ids)
    assert after["ApiSecRequests"] == before["ApiSecRequests"] + 5
    change = {name: after[name] - before[name] for name in after}
    assert change["ApiSecAllowed"] == 2 and change["ApiSecRefusedAuthn"] == 2 and change["ApiSecRefusedInput"] == 1
    for page in ("/status", "/status?auto"):
        text = site.get(page).text
        assert "ApiSec" in text or "mod_apisec" in text
        for secret in list(site.keys.values()) + list(site.ids.values()) + [site.folder.root]:
            assert secret not in text


# TRN-13
def test_killed_child_leaves_nothing_behind(make_site):
    site = make_site("""
<Location /orders>
    ApiSecEngine On
    ApiSecLimit kept rate=1000/d by=key
</Location>
""", prepare, children=3)
    spent = 0
    for _ in range(4):
        for _ in range(10):
            spent += site.get(key="ci").status == 200
        victim = site.server.children()[0]
        os.kill(victim, 9)
        wait_for(lambda: victim not in site.server.children())
    got = wait_for(lambda: site.get(key="ci"))
    assert "r=%d;" % (1000 - spent - 1) in got.headers["RateLimit"]
