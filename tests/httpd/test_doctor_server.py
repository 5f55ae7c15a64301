"""doctor beside a running httpd: its configuration, what its children use, keys that nobody uses (CLI-12)."""

import json
import os
import sqlite3

import pytest

from harness import IS_ROOT, wait_for

pytestmark = [pytest.mark.one_mpm, pytest.mark.slow]  # apachectl is run without what the sanitizers preload

CONF = """
ApiSecRequireTLS Off
<Location />
    ApiSecEngine On
</Location>
"""
DAY = 86400 * 10**9


def prepare(site):
    site.role("reader", "GET /orders/**")
    for name in ("one", "two"):
        site.key(name)
        site.store.ok("key", "set", name, "--owner", "shop")


@pytest.fixture
def site(make_site):
    return make_site(CONF, prepare, children=1)


def ask(site):
    return site.server.get("/orders/7.json", [("X-API-Key", site.keys["one"])]).status


def found(site, *options):
    program = site.folder.write("apachectl", "#!/bin/sh\nexec %s -f %s \"$@\"\n" % (site.server.program, site.server.conf_path),
                                mode=0o755)
    result = site.store.run("--json", "doctor", "--httpd", program, *options)
    assert result.rc in (0, 5) and result.err == "", result
    return {row["id"]: row for row in json.loads(result.out)["findings"]}


def test_a_server_that_is_well(site):
    assert ask(site) == 200
    rows = found(site, "--all")
    assert [row for row in rows.values() if row["severity"] == "error"] == []
    for id in ("generation_old", "generation_held", "copy_unreachable", "copy_old", "state_full", "state_uses_none", "key_unused",
               "httpd_unasked", "httpd_unread", "httpd_other_store", "httpd_other_master", "httpd_other_state"):
        assert rows[id]["severity"] == "ok", rows[id]


def test_names_that_the_store_does_not_have(make_site):  # CLI-12, POS-22
    site = make_site(CONF + "<Location /api>\nApiSecApi shop\n</Location>\n", prepare, start=False)
    row = found(site)["api_unknown"]
    assert row["severity"] == "warning" and row["mend"] == "apisecctl api import shop FILE" and "ApiSecApi shop" in row["reason"]


def test_a_child_that_serves_an_older_generation(site):  # AZ-06
    assert ask(site) == 200
    site.store.role_create("later")
    row = found(site)["generation_old"]
    assert row["count"] >= 1 and all(int(pid) for pid in row["examples"]) and row["mend"] == "apachectl graceful"
    site.server.graceful()
    wait_for(lambda: ask(site) == 200 and "generation_old" not in found(site), what="the new generation in use")


@pytest.mark.skipif(not IS_ROOT, reason="who is not root is the account of the children himself")
def test_a_child_that_was_held_back(site):
    assert ask(site) == 200
    site.store.role_create("later")
    copy = site.store.file("pub", "store.db")
    os.chmod(copy, 0o600)
    wait_for(lambda: ask(site) in (200, 503) and "generation_held" in found(site), what="a child that was held back")
    rows = found(site)
    assert "error log" in rows["generation_held"]["reason"] and rows["copy_unreachable"]["examples"] == [copy]
    os.chmod(copy, 0o640)
    site.store.ok(*rows["generation_held"]["mend"].split()[3:])
    wait_for(lambda: ask(site) == 200 and "generation_held" not in found(site), what="the new generation in use")


def test_keys_that_nobody_uses(site):  # KEY-13
    assert ask(site) == 200
    with sqlite3.connect(site.store.file("store.db")) as db:  # both keys are of long ago
        for id, record in db.execute("SELECT id, record FROM key").fetchall():
            made = int.from_bytes(record[4:12], "big") - 200 * DAY
            db.execute("UPDATE key SET record = ? WHERE id = ?", (record[:4] + made.to_bytes(8, "big") + record[12:], id))
    with open(site.server.state, "r+b") as state:  # and so is the server: SINCE_AT of test_last_use.py
        state.seek(120)
        state.write(b"\1" + b"\0" * 7)
    row = found(site)["key_unused"]
    assert (row["count"], row["examples"]) == (1, ["two"])
    assert "key_unused" not in found(site, "--unused", "300d")
    site.store.ok(*row["mend"].split()[3:])
    assert "key_unused" not in found(site)
