"""limit list: what httpd's state file says of its limits, read as a file that anybody may have written."""

import json
import os

import pytest

from harness import StateFile, Store

KNOWN = {"limit", "of", "where", "asked", "refused", "would_refuse", "delayed", "overflow", "current", "last_met", "definition"}


@pytest.fixture
def state(folder):
    os.chmod(folder.root, 0o755)
    return StateFile(folder.path("apisec.state"))


def listing(state, *words):
    result = Store.call("--json", "--state", state.path, "limit", "list", *words)
    assert result.rc == 0 and result.err == "", result
    found = json.loads(result.out)
    assert set(found) == {"state", "boot", "running", "unlisted", "limits"} and found["state"] == state.path
    assert all(set(row) == KNOWN for row in found["limits"])
    return found


def test_all_that_is_registered_is_listed_with_its_counters(state):
    state.limit("calls rate=10/s by=key", "shop.example:443 /v1", asked=7, refused=3, would_refuse=2, delayed=4, overflow=1)
    state.limit("month quota=1000/month by=org", "gold", plan=True, refused=5).limit("a rate=1/h by=ip", "shop.example:443 /")
    state.write()
    found = listing(state)
    assert (found["boot"], found["running"], found["unlisted"]) == (1, False, 0)
    assert [(row["limit"], row["of"], row["where"]) for row in found["limits"]] == [
        ("a", "section", "shop.example:443 /"), ("calls", "section", "shop.example:443 /v1"), ("month", "plan", "gold")]
    calls = found["limits"][1]
    assert calls["definition"] == "calls rate=10/s by=key" and calls["current"] is True and calls["last_met"]
    assert [calls[name] for name in ("asked", "refused", "would_refuse", "delayed", "overflow")] == [7, 3, 2, 4, 1]
    assert [found["limits"][2][name] for name in ("asked", "refused")] == [0, 5]
    assert found["limits"][2]["definition"] == "month quota=1000/month zone=UTC by=org"


def test_what_is_gone_from_the_configuration_is_told_on_demand(state):
    state.limit("old rate=1/s by=key", "/", refused=9).restart().limit("new rate=2/s by=key", "/").write()
    assert [row["limit"] for row in listing(state)["limits"]] == ["new"]
    rows = listing(state, "--all")["limits"]
    assert [(row["limit"], row["current"], row["refused"]) for row in rows] == [("new", True, 0), ("old", False, 9)]
    assert listing(state)["boot"] == 2


def test_a_restart_goes_on_counting(state):
    state.limit("day rate=1/d by=key", "/", refused=2).restart().limit("day rate=1/d by=key", "/", refused=3).write()
    assert [row["refused"] for row in listing(state)["limits"]] == [5]
    state.limit("day rate=1/d by=key", "/", asked=1).reboot().write()
    assert [(row["refused"], row["asked"]) for row in listing(state)["limits"]] == [(5, 1)]


def test_more_limits_than_rows_are_counted(state):
    state.rows("x", 1030).write()
    found = listing(state)
    assert (len(found["limits"]), found["unlisted"]) == (1024, 6)


def test_a_long_limit_is_cut_with_a_mark(state):
    costs = " ".join("cost=%s:%d" % (m, 900000 + i) for i, m in enumerate(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]))
    text = "%s rate=1000000/s rate=1000000/m rate=1000000/h rate=1000000/d quota=1000000/month zone=America/Argentina/Buenos_Aires "\
           "by=key+route %s cost=OPTIONS:900007 cost=bytes/65536 mode=dry-run" % ("n" * 64, costs)
    state.limit(text, "/" + "p" * 200).write()
    (row,) = listing(state)["limits"]
    assert row["limit"] == "n" * 64 and row["definition"] == row["definition"][:320] + "..."
    assert row["where"] == "/" + "p" * 95 + "..."


@pytest.mark.parametrize("kind, rc, says", [
    ("none", 3, "has the server been started"), ("empty", 1, "not a state file"), ("zeros", 1, "not a state file"),
    ("random", 1, "not a state file"), ("head", 1, "another version"),
])
def test_without_a_sound_file_it_says_why(state, kind, rc, says):  # CLI-06
    content = {"empty": b"", "zeros": b"\0" * 70000, "random": os.urandom(1 << 20), "head": b"apisec-s" + os.urandom(1 << 20)}
    if kind != "none":
        with open(state.path, "wb") as out:
            out.write(content[kind])
    result = Store.call("--state", state.path, "limit", "list")
    assert (result.rc, result.out) == (rc, "") and says in result.err and state.path in result.err


def test_a_file_that_is_cut_short_is_damaged(state):
    state.limit("day rate=1/d by=key", "/").write()
    os.truncate(state.path, os.path.getsize(state.path) - 4096)
    result = Store.call("--state", state.path, "limit", "list")
    assert (result.rc, result.out) == (1, "") and "damaged" in result.err


def test_what_others_wrote_is_not_believed(state):
    """Noise in place of all rows: none has the key that its text gives."""
    state.limit("day rate=1/d by=key", "/").limit("hour rate=1/h by=key", "/").write()
    with open(state.path, "r+b") as file:
        whole = file.read()
        at = whole.index(b"day rate=1/d")
        file.seek(at)
        file.write(b"DAY")
    assert [row["limit"] for row in listing(state)["limits"]] == ["hour"]
    with open(state.path, "r+b") as file:
        file.seek(len(whole) - 1024 * 512 - 16 * 8192)
        file.write(os.urandom(1024 * 512 + 16 * 8192))
    assert listing(state)["limits"] == []


def test_people_see_a_table(state):
    state.limit("day rate=1/d by=key", "/v1", refused=12).write()
    result = Store.call("--state", state.path, "limit", "list")
    assert result.rc == 0 and "LIMIT  OF       WHERE  ASKED  REFUSED" in result.out
    assert "day    section  /v1    0      12 " in result.out and "day rate=1/d by=key" in result.out
