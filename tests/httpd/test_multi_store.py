"""Several stores in one server: equal names and ids never meet, and a fault stays where it is."""

import os
import shutil

import pytest
from harness import Store, key_text, parse_list, split_key, wait_for

CONF = """
ApiSecRequireTLS Off
<VirtualHost *:@PORT0@>
    ServerName a.example
    ApiSecStore @STORE@
</VirtualHost>
<VirtualHost *:@PORT1@>
    ServerName b.example
    ApiSecStore @ROOT@/second
</VirtualHost>
<Location /orders>
    ApiSecEngine On
    ApiSecLimit same rate=3/d by=key
    ApiSecLimit user rate=50/d by=user
</Location>
<Location /open>
    ApiSecEngine On
    ApiSecRequire public
    ApiSecLimit gate rate=9/d by=ip
    ApiSecLimit door rate=2/d by=route
</Location>
<Location /gate>
    ApiSecEngine On
    ApiSecRequire public
    ApiSecLimit gate rate=9/d by=ip
</Location>
"""


def prepare(site):
    site.role("reader", "GET /orders/**")
    site.key("ci", owner="shop")
    other = Store(site.folder.path("second"), site.folder.path("state"))
    other.init()
    other.role_create("reader", "GET /orders/**")
    made = other.key_create("ci", role="reader", owner="shop")
    site.other, site.keys["other"], site.ids["other"] = other, made["key"], made["id"]


@pytest.fixture
def site(make_site):
    made = make_site(CONF, prepare, ports=2)
    made.first, made.second = made.server.ports
    return made


# AZ-09, KEY-14
def test_key_of_one_store_is_unknown_to_the_other(site):
    assert site.get(key="ci", port=site.first).status == 200
    assert site.get(key="other", port=site.second).status == 200
    assert site.get(key="ci", port=site.second).status == 401
    assert site.get(key="other", port=site.first).status == 401
    # The one's id with the other's secret.
    prefix, key_id, _ = split_key(site.keys["ci"])
    assert site.get(key=key_text(prefix, key_id, split_key(site.keys["other"])[2]), port=site.first).status == 401


# AZ-09: nor do the visitors of two sites
def test_limits_by_address_and_route_never_meet(site):
    for place in ("open", "gate"):
        site.folder.write("htdocs/%s/x.html" % place, "x\n")
    for port in (site.first, site.second):
        assert [site.get("/open/x.html", port=port).status for _ in range(3)] == [200, 200, 429]
        assert [site.get("/gate/x.html", port=port).status for _ in range(8)] == [200] * 7 + [429]


# AZ-09
def test_limits_of_equal_names_owners_and_roles_never_meet(site):
    def left(port, key):
        got = site.get(key=key, port=port)
        return got.status, dict(parse_list(got.headers["RateLimit"]))["user"]["r"]

    assert [left(site.first, "ci") for _ in range(3)] == [(200, 49), (200, 48), (200, 47)]
    assert site.get(key="ci", port=site.first).status == 429
    assert left(site.second, "other") == (200, 49)


# AZ-09
def test_failures_with_one_tenant_are_none_with_another(make_site):
    site = make_site("ApiSecFailLimit 2/h\n" + CONF, prepare, ports=2)
    for port in site.server.ports:
        assert [site.get(key="hunter2", port=port).status for _ in range(3)] == [401, 401, 429]


# AZ-09
def test_one_id_in_two_stores_is_two_keys(make_site):
    """A copied store is the hardest case: the same ids, secrets and names, one of them revoked."""
    def prepare_copy(site):
        prepare(site)
        shutil.rmtree(site.folder.path("second"))
        shutil.copytree(site.store.path, site.folder.path("second"), copy_function=shutil.copy2)
        for place, below, files in os.walk(site.folder.path("second")):
            for name in below + files + ["."]:
                seen = os.stat(os.path.join(place.replace("/second", "/store", 1), name))
                os.chown(os.path.join(place, name), seen.st_uid, seen.st_gid)

    site = make_site(CONF, prepare_copy, ports=2)
    first, second = site.server.ports
    assert site.get(key="ci", port=first).status == site.get(key="ci", port=second).status == 200
    site.other.ok("key", "revoke", "ci")
    wait_for(lambda: site.get(key="ci", port=second).status == 401)
    assert site.get(key="ci", port=first).status in (200, 429)


# TRN-14
def test_broken_store_answers_503_and_the_other_sites_are_served(make_site):
    def prepare_broken(site):
        prepare(site)
        os.rename(site.folder.path("second/pub/store.db"), site.folder.path("away.db"))

    site = make_site(CONF, prepare_broken, ports=2)
    first, second = site.server.ports
    assert site.server.configtest()[0] != 0
    assert site.get(key="ci", port=first).status == 200
    assert site.get("/index.html", port=second).status == 200
    for key in ("other", "ci", "hunter2"):
        got = site.get(key=key, port=second)
        assert got.status == 503 and got.headers["Content-Type"] == "application/problem+json", key
        assert site.folder.root not in got.text
        line = site.server.wait_audit(lambda line: line["id"] == got.headers["X-Request-Id"])
        assert (line["reason"], line["event"], line["severity"]) == ("store_down", "sys_crash", "critical")
    assert "second" in site.server.error_log() and "503" in site.server.error_log()
    # What is mended works, with no restart.
    os.rename(site.folder.path("away.db"), site.folder.path("second/pub/store.db"))
    wait_for(lambda: site.get(key="other", port=second).status == 200)
    assert site.server.configtest()[0] == 0


# TRN-14, SEC-16
def test_wrong_master_key_answers_503_until_it_is_mended_and_restarted(make_site):
    def prepare_swapped(site):
        prepare(site)
        key = site.folder.path("second/master.key")
        shutil.copy2(key, site.folder.path("right.key"))
        shutil.copy2(site.store.file("master.key"), key)

    site = make_site(CONF, prepare_swapped, ports=2)
    first, second = site.server.ports
    code, said = site.server.configtest()
    assert code != 0 and site.folder.path("second") in said and "master" in said
    assert site.get(key="ci", port=first).status == 200
    assert site.get(key="other", port=second).status == 503
    site.server.graceful()
    assert site.get(key="ci", port=first).status == 200
    assert site.get(key="other", port=second).status == 503
    shutil.copy2(site.folder.path("right.key"), site.folder.path("second/master.key"))
    site.server.graceful()
    wait_for(lambda: site.get(key="other", port=second).status == 200)


# TRN-14
def test_store_that_breaks_before_a_graceful_restart_never_ends_the_server(site):
    os.rename(site.folder.path("second"), site.folder.path("hidden"))
    site.server.graceful()
    assert site.get(key="ci", port=site.first).status == 200
    assert site.get(key="other", port=site.second).status == 503
    os.rename(site.folder.path("hidden"), site.folder.path("second"))
    site.server.graceful()
    wait_for(lambda: site.get(key="other", port=site.second).status == 200)
