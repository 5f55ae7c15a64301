"""The guard against guessing: failures cost their source, and nobody else."""

from harness import key_text, split_key

CONF = """
ApiSecFailLimit 5/h
ApiSecRequireTLS Off
<Location /orders>
    ApiSecEngine On
</Location>
"""


def source(address):
    return [("X-Forwarded-For", address)]


def wrong_key(site, name="ci"):
    """A key of the right id and checksum with another secret."""
    prefix, key_id, secret = split_key(site.keys[name])
    return key_text(prefix, key_id, secret[::-1])


def spend(site, address, key, allowed=5):
    for _ in range(allowed):
        assert site.get(key=key, headers=source(address)).status == 401
    return site.get(key=key, headers=source(address))


# KEY-15, LIM-12, LIM-15, LIM-18
def test_failures_past_the_limit_get_429_and_a_right_key_still_passes(make_site):
    site = make_site(CONF, modules=["remoteip"])
    got = spend(site, "192.0.2.1", wrong_key(site))
    assert got.status == 429
    document = got.json()
    assert document["violated-policies"] == ["authentication"] and document["status"] == 429
    assert document["type"] == "https://iana.org/assignments/http-problem-types#abnormal-usage-detected"
    assert int(got.headers["Retry-After"]) in range(600, 721)
    line = site.server.wait_audit(lambda line: line["id"] == document["instance"])
    assert (line["reason"], line["event"], line["limit"]) == ("authn_rate", "authn_login_fail_max", "authentication")
    # The holder of the right secret is not locked out, from there or elsewhere.
    for _ in range(20):
        assert site.get(key="ci", headers=source("192.0.2.1")).status == 200
    assert site.get(key="ci", headers=source("192.0.2.2")).status == 200
    # Other sources have failures of their own.
    assert site.get(key="hunter2", headers=source("192.0.2.2")).status == 401
    # Whatever the failure, it is that source's.
    for key in ("hunter2", "apisec_AAAAAAAAAAAA_x"):
        assert site.get(key=key, headers=source("192.0.2.1")).status == 429


# KEY-15, LIM-11
def test_source_is_an_ipv6_prefix(make_site):
    site = make_site(CONF, modules=["remoteip"])
    for i in range(5):
        assert site.get(key="hunter2", headers=source("2001:db8:1:1::%d" % i)).status == 401
    assert site.get(key="hunter2", headers=source("2001:db8:1:1:ffff::1")).status == 429
    assert site.get(key="hunter2", headers=source("2001:db8:1:2::1")).status == 401


# KEY-15
def test_guard_is_kept_over_restarts(make_site):
    site = make_site(CONF, modules=["remoteip"])
    assert spend(site, "192.0.2.1", "hunter2").status == 429
    site.server.graceful()
    assert site.get(key="hunter2", headers=source("192.0.2.1")).status == 429
    site.server.stop()
    site.server.start()
    assert site.get(key="hunter2", headers=source("192.0.2.1")).status == 429
    assert site.get(key="ci", headers=source("192.0.2.1")).status == 200


# KEY-15
def test_guard_is_there_without_any_directive(make_site):
    # Its name in the comment keeps Site from widening it.
    site = make_site("# ApiSecFailLimit stays at its default\n<Location /orders>\n    ApiSecEngine On\n</Location>\n")
    failures = 0
    while site.get(key="hunter2").status == 401:
        failures += 1
        assert failures < 1000
    assert failures >= 60
    assert site.get(key="ci").status == 200


# KEY-15, AZ-09
def test_each_host_has_the_guard_that_it_is_given(make_site):
    site = make_site(CONF + "<VirtualHost *:@PORT0@>\nServerName a.example\n</VirtualHost>\n"
                     + "<VirtualHost *:@PORT1@>\nServerName b.example\nApiSecFailLimit 2/h\n</VirtualHost>\n",
                     modules=["remoteip"], ports=2)
    other = site.server.ports[1]
    assert [site.get(key="hunter2", headers=source("192.0.2.1"), port=other).status for _ in range(3)] == [401, 401, 429]
    assert [site.get(key="hunter2", headers=source("192.0.2.1")).status for _ in range(6)] == [401] * 5 + [429]
