"""Master keys and peppers change under a running httpd, and no request fails."""

import os
import re
import socket

import pytest

from harness import wait_for
from harness.load import Load

pytestmark = [pytest.mark.one_mpm, pytest.mark.slow]

CONF = """
ApiSecRequireTLS Off
ApiSecMasterKey file:@STORE@/master.key
<Location /orders>
    ApiSecEngine On
</Location>
"""
PATH = "/orders/7.json"


@pytest.fixture
def site(make_site):
    return make_site(CONF, modules=["remoteip"])


def uses(site):
    """{id: in_use}, oldest first."""
    return {row["id"]: row["in_use"] for row in site.store.json("master", "list")}


def new_key(site, name):
    """A key that is made now is in force in every child."""
    site.key(name)
    wait_for(lambda: site.get(PATH, key=name).status == 200, what="the new key")
    site.reach_children(lambda: site.get(PATH, key="ci"))
    for _ in range(8):
        assert site.get(PATH, key=name).status == 200


# SEC-06, SEC-07, SEC-12, CLI-11
@pytest.mark.parametrize("options", [[], ["--compromised"]], ids=["rotate", "compromised"])
def test_no_request_fails_from_the_first_key_to_the_end_of_it(site, options):
    with Load(site, [(PATH, "ci")], clients=3) as load:
        wait_for(lambda: load.answered(PATH, "ci") > 20)
        (first,) = uses(site)
        assert uses(site) == {first: "yes"}
        second = site.store.json("master", "rotate", *options)["id"]
        assert uses(site) == {first: "yes", second: "no"}, "the children have the old one until the next restart"
        new_key(site, "later")
        held = site.store.run("master", "retire", first, "--yes")
        assert held.rc == 4 and "apachectl graceful" in held.err
        site.server.graceful()
        wait_for(lambda: uses(site) == {first: "no", second: "yes"}, what="the old children to end")
        new_key(site, "graceful")
        assert site.store.json("master", "retire", first, "--yes")["renewed"] == bool(options)
        new_key(site, "retired")
        site.server.graceful()
        new_key(site, "again")
    assert load.statuses() == {200}
    assert not re.search("APISEC0020|APISEC0026", site.server.error_log())


# SEC-06
def test_a_rotation_that_was_cut_off_serves_whichever_key_is_read(site):
    """The store carries both; a server started between the steps reads the old one."""
    old = open(site.store.file("master.key"), "rb").read()
    (first,) = uses(site)
    second = site.store.json("master", "rotate")["id"]
    new = open(site.store.file("master.key"), "rb").read()
    with open(site.store.file("master.key"), "wb") as out:
        out.write(old)
    with open(site.store.file(".master.key.next"), "wb") as out:
        out.write(new)
    os.chmod(site.store.file(".master.key.next"), 0o600)
    site.server.graceful()
    wait_for(lambda: uses(site) == {first: "yes", second: "no"})
    assert site.get(PATH, key="ci").status == 200
    new_key(site, "later")
    assert open(site.store.file("master.key"), "rb").read() == new
    site.server.graceful()
    wait_for(lambda: uses(site) == {first: "no", second: "yes"})
    assert site.get(PATH, key="later").status == 200


# SEC-06
def test_a_child_from_before_a_restart_may_have_the_old_key(site):
    """It answers yet; so nothing may be published that it cannot read."""
    site.folder.write("htdocs/orders/big.bin", b"x" * 30000000)
    (first,) = uses(site)
    site.store.ok("master", "rotate")
    with socket.create_connection(("127.0.0.1", site.server.port)) as slow:
        slow.sendall(b"GET /orders/big.bin HTTP/1.1\r\nHost: localhost\r\nX-API-Key: %s\r\n\r\n" % site.keys["ci"].encode())
        assert slow.recv(12) == b"HTTP/1.1 200"
        site.server.graceful(drained=False)
        wait_for(lambda: uses(site)[first] != "yes", what="the new children")
        assert uses(site)[first] == "maybe"
        held = site.store.run("master", "retire", first, "--yes")
        assert held.rc == 4 and "before its last restart" in held.err, held
    wait_for(lambda: uses(site)[first] == "no", what="the end of the old child")
    site.store.ok("master", "retire", first, "--yes")


# SEC-16
def test_a_wrong_master_key_is_told_once_and_answers_503(site):
    good = open(site.store.file("master.key")).read()
    with open(site.store.file("master.key"), "w") as out:
        out.write("5a" * 32)
    rc, said = site.server.configtest()
    assert rc != 0 and said.count("APISEC0020") == 1 and "does not fit" in said and "has id" in said
    site.server.graceful()
    wait_for(lambda: site.get(PATH, key="ci").status == 503)
    with open(site.store.file("master.key"), "w") as out:
        out.write(good)
    assert site.server.configtest()[0] == 0
    site.server.graceful()
    wait_for(lambda: site.get(PATH, key="ci").status == 200)


# SEC-13
def test_children_know_a_new_pepper_at_once_and_miss_no_old_one(site):
    with Load(site, [(PATH, "ci")], clients=3) as load:
        wait_for(lambda: load.answered(PATH, "ci") > 20)
        site.store.ok("pepper", "rotate", "--wait")
        new_key(site, "peppered")
        assert site.store.json("pepper", "list")[0]["keys"] == 1
    assert load.statuses() == {200}
    old = site.keys["ci"]
    site.keys["ci"] = site.store.json("key", "rotate", "ci", "--overlap", "0")["key"]
    wait_for(lambda: site.get(PATH, key="ci").status == 200)
    site.reach_children(lambda: site.get(PATH, key="ci"))
    site.store.ok("pepper", "retire", "1", "--yes", "--wait")
    for _ in range(20):
        assert site.get(PATH, key="ci").status == 200 and site.get(PATH, key=old).status == 401
