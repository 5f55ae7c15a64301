"""limit show beside a server: what the tool finds in the state file is what the server answers with."""

import os
import threading

import pytest
from harness import Site, parse_list, wait_for

# What is in the file does not depend on who writes it.
pytestmark = pytest.mark.one_mpm

CONF = """
ApiSecRequireTLS Off
ServerName api.test
ScriptAlias /cgi @ROOT@/cgi
<Directory @ROOT@/cgi>
    Require all granted
</Directory>
<Location /all>
    ApiSecEngine On
    ApiSecLimit bucket rate=9/h burst=7 by=user
    ApiSecLimit fixed rate=50/d by=role algorithm=fixed-window
    ApiSecLimit sliding rate=60/d by=org algorithm=sliding-window
    ApiSecLimit both rate=70/d quota=80/month by=key cost=3 zone=Europe/Berlin
    ApiSecLimit path rate=90/d by=key+route
</Location>
<Location /cgi>
    ApiSecEngine On
    ApiSecLimit open inflight=3 by=user
</Location>
"""
WAITS = """printf 'Content-Type: text/plain\\n\\n'
echo begun
timeout 60 head -n 1 @GATE@ > /dev/null
"""


def prepare(site):
    site.gate = site.folder.path("gate")
    os.mkfifo(site.gate)
    os.chmod(site.gate, 0o666)
    site.script("waits", WAITS.replace("@GATE@", site.gate))
    site.folder.write("htdocs/all/x.txt", "x\n")
    site.role("reader", "GET /all/**", "GET /cgi/**")
    site.store.ok("plan", "create", "gold", "--limit", "calls rate=40/d by=key", "--limit", "day quota=30/day by=user")
    site.key("ci", plan="gold", owner="ann", org="acme", limit="20/h", override="calls rate=35/d by=key")
    site.key("slow", owner="bob")


@pytest.fixture(scope="module")
def site():
    with Site(CONF, prepare, modules=["cgi"], children=2) as made:
        yield made


def shown(site, key):
    found = site.store.json("limit", "show", key)
    assert found["counted"] is True and found["running"] is True
    return {row["limit"]: row for row in found["limits"]}


def test_the_file_says_what_the_server_answers(site):  # LIM-03, LIM-09
    assert [site.get("/all/x.txt", key="ci").status for _ in range(3)] == [200, 200, 200]
    answer = site.get("/all/x.txt", key="ci")
    told = {name: values["r"] for name, values in parse_list(answer.headers["RateLimit"])}
    found = shown(site, "ci")
    assert set(found) == {"key", "calls", "day", "bucket", "fixed", "sliding", "both-d", "both-month", "path", "open"}
    assert {name: found[name]["left"] for name in told if name != "path"} == {name: r for name, r in told.items() if name != "path"}
    assert [(found[name]["most"], found[name]["used"]) for name in ("key", "calls", "day", "bucket", "both-month")] == [
        (20, 4), (35, 4), (30, 4), (7, 4), (80, 12)]
    assert (found["key"]["of"], found["calls"]["of"], found["bucket"]["where"]) == ("key", "override", ["api.test /all"])
    assert found["path"]["used"] is None and found["path"]["unknown"] == "each route has a count of its own"
    site.store.ok("limit", "grant", "ci", "+11", "--limit", "day")
    assert (shown(site, "ci")["day"]["left"], shown(site, "ci")["day"]["bonus"]) == (37, 11)


def test_requests_under_way_are_counted(site):  # LIM-08
    gate = os.open(site.gate, os.O_RDWR)  # open for as long as the program may look for it
    client = threading.Thread(target=site.get, args=("/cgi/waits",), kwargs={"key": "slow"})
    client.start()
    row = wait_for(lambda: next((row for row in [shown(site, "slow")["open"]] if row["used"] == 1), None), what="the request to begin")
    assert (row["most"], row["left"], row["kind"], row["concerns"]) == (3, 2, "inflight", "all keys of user bob")
    os.write(gate, b"go\n")
    client.join()
    wait_for(lambda: shown(site, "slow")["open"]["used"] == 0, what="the place to be given back")
    os.close(gate)
