"""Rotation: two secrets for a while, then one; by the clock, or by the first use of the new one."""

import collections
import datetime

import pytest

from harness import wait_for
from harness.load import Load

pytestmark = [pytest.mark.one_mpm, pytest.mark.slow]

CONF = """
ApiSecRequireTLS Off
<Location /orders>
    ApiSecEngine On
</Location>
"""
PATH = "/orders/7.json"


@pytest.fixture
def site(make_site):
    return make_site(CONF, modules=["remoteip"])


def show(site, name="ci"):
    return site.store.json("key", "show", name)


def rotate(site, *options, name="ci"):
    """Rotates; site.keys has the old text as NAME-old from now on, the new one as NAME."""
    site.keys[name + "-old"] = site.keys[name]
    made = site.store.json("key", "rotate", name, *options)
    site.keys[name] = made["key"]
    return made


def rotating(site):
    return site.store.json("key", "list", "--rotating")


def in_force(site, name="ci"):
    wait_for(lambda: site.get(PATH, key=name).status == 200, what="the new secret")
    site.reach_children(lambda: site.get(PATH, key=name))


def line_of(site, answer):
    return site.server.wait_audit(lambda line: line["id"] == answer.headers["X-Request-Id"])


def seconds(text):
    return datetime.datetime.strptime(text[:19], "%Y-%m-%dT%H:%M:%S")


# KEY-12
@pytest.mark.parametrize("options, until_used", [(["--overlap", "3s"], False), (["--until-used", "2s"], True),
                                                 (["--until-used", "1h", "--overlap", "3s"], False)],
                         ids=["overlap", "until-used", "both"])
def test_no_request_fails_until_the_old_secret_ends(site, options, until_used):
    """A caller goes on with the old secret while the key is rotated and the new one is used."""
    site.keys["ci-old"] = site.keys["ci"]
    with Load(site, [(PATH, "ci-old")], clients=4) as load:
        wait_for(lambda: load.answered(PATH, "ci-old") > 50)
        load.counts.clear()
        made = rotate(site, *options)
        too_early = 0
        while site.get(PATH, key="ci").status != 200:
            too_early += 1  # this child has not seen the rotation
        wait_for(lambda: load.answered(PATH, "ci-old", 401) > 0, what="the end of the old secret")
        site.reach_children(lambda: site.get(PATH, key="ci"))
        for _ in range(20):
            assert site.get(PATH, key="ci-old").status == 401
            assert site.get(PATH, key="ci").status == 200
    assert load.statuses() == {200, 401} and load.answered(PATH, "ci-old") > 50
    lines = [line for line in site.server.audit() if line.get("key") == site.ids["ci"]]
    reasons = collections.Counter(line["reason"] for line in lines if line["status"] == 401)
    assert set(reasons) <= {"key_rotated", "key_wrong"} and reasons["key_wrong"] <= too_early
    end = seconds(made["old_valid_until"])
    if until_used:
        first = min(seconds(line["ts"]) for line in lines if line.get("kv") == 2)
        end = first + datetime.timedelta(seconds=2)
    assert min(seconds(line["ts"]) for line in lines if line["reason"] == "key_rotated") >= end


# KEY-12, AUD-03
def test_id_and_version_are_in_the_audit_log(site):
    old = line_of(site, site.get(PATH, key="ci"))
    assert (old["key"], old["kv"]) == (site.ids["ci"], 1)
    rotate(site, "--until-used", "1h")
    in_force(site)
    assert line_of(site, site.get(PATH, key="ci-old"))["kv"] == 1
    new = line_of(site, site.get(PATH, key="ci"))
    assert (new["key"], new["kv"]) == (site.ids["ci"], 2)


# KEY-12
def test_old_secret_waits_for_the_first_use_and_then_for_the_grace(site):
    made = rotate(site, "--until-used", "3s")
    assert made["old_ends_after_first_use"] == "3s" and made["old_valid_until"] == made["expires_at"]
    wait_for(lambda: site.store.json("status")["state"]["lowest_generation"] == site.store.json("status")["generation"]
             or site.get(PATH, key="ci-old").status != 200, what="the rotation to be seen")
    for _ in range(50):
        assert site.get(PATH, key="ci-old").status == 200, "nobody has used the new one"
    assert show(site)["old_valid_until"] == made["expires_at"]
    assert site.get(PATH, key="ci").status == 200
    row = show(site)
    assert row["last_used_at"] and row["old_valid_until"] < made["expires_at"], "seconds away"
    told = site.store.json("explain", "--key-id", site.ids["ci"], "GET " + PATH)
    assert told["old_valid_until"] == row["old_valid_until"] and told["old_ends_after_first_use"] == "3s"
    refused = wait_for(lambda: next((got for got in [site.get(PATH, key="ci-old")] if got.status == 401), None),
                       what="the end of the old secret")
    line = line_of(site, refused)
    assert line["reason"] == "key_rotated" and line["key"] == site.ids["ci"]
    assert show(site)["old_valid_until"] is None and show(site)["old_ends_after_first_use"] is None
    assert site.get(PATH, key="ci").status == 200


# KEY-12
def test_first_use_in_one_child_ends_the_old_secret_in_all(site):
    rotate(site, "--until-used", "1s")
    wait_for(lambda: site.get(PATH, key="ci").status == 200)
    wait_for(lambda: site.get(PATH, key="ci-old").status == 401)
    site.reach_children(lambda: site.get(PATH, key="ci-old"))
    for _ in range(50):
        assert site.get(PATH, key="ci-old").status == 401


# KEY-12, TRN-13
@pytest.mark.parametrize("how", ["graceful", "stop", "kill"])
def test_first_use_outlives_restarts(site, how):
    rotate(site, "--until-used", "1s")
    wait_for(lambda: site.get(PATH, key="ci").status == 200)
    if how == "graceful":
        site.server.graceful()
    else:
        getattr(site.server, how)()
        site.server.start()
    wait_for(lambda: site.get(PATH, key="ci-old").status == 401)


# KEY-12
def test_overlap_ends_an_old_secret_that_waits(site):
    made = rotate(site, "--until-used", "1h", "--overlap", "2s")
    assert made["old_valid_until"] < made["expires_at"]
    wait_for(lambda: site.get(PATH, key="ci-old").status == 401)
    assert site.get(PATH, key="ci").status == 200


# KEY-11, KEY-12
def test_a_wait_never_outlives_the_key(make_site):
    def prepare(site):
        site.role("reader", "GET /orders/**")
        site.key("ci", expires="3s")

    site = make_site(CONF, prepare)
    rotate(site, "--until-used", "1h", "--overlap", "30d")
    wait_for(lambda: site.get(PATH, key="ci-old").status == 401 and site.get(PATH, key="ci").status == 401)


def test_without_rows_the_old_secret_stays_until_its_overlap_ends(make_site):  # KEY-12
    site = make_site(CONF)
    rotate(site, "--until-used", "1s", "--overlap", "6s")
    site.server.configure("ApiSecStore @STORE@\nApiSecLastUse 0\n" + CONF)
    site.server.restart()
    wait_for(lambda: site.get(PATH, key="ci").status == 200)
    seen = set()

    def ended():
        seen.add(site.get(PATH, key="ci-old").status)
        return 401 in seen

    wait_for(ended, what="the end of the overlap")
    assert 200 in seen and site.get(PATH, key="ci").status == 200


# CMP-08
def test_who_still_calls_with_the_old_one_is_listed(site):
    assert rotating(site) == []
    rotate(site, "--overlap", "1h")
    row, = rotating(site)
    assert row["name"] == "ci" and row["old_last_used_at"] is None and row["old_last_route"] is None
    wait_for(lambda: site.get(PATH, key="ci", headers={"X-Forwarded-For": "198.51.100.1"}).status == 200)
    assert site.get(PATH, key="ci-old", headers={"X-Forwarded-For": "192.0.2.77"}).status == 200
    row, = rotating(site)
    assert row["old_last_used_at"] and row["old_last_route"] == "/orders/**"
    assert row["old_last_address"] == "192.0.2.0/24" and row["last_address"] == "198.51.100.0/24"
    table = site.store.ok("key", "list", "--rotating")
    assert table.split()[:8] == ["ID", "NAME", "OWNER", "OLD_VALID_UNTIL", "OLD_ENDS_AFTER_FIRST_USE",
                                 "OLD_LAST_USED_AT", "OLD_LAST_ROUTE", "OLD_LAST_ADDRESS"]
    assert "192.0.2.0/24" in table
    site.store.ok("key", "revoke", "ci")
    assert rotating(site) == []
