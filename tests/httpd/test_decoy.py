"""Decoys: a stranger who shows one sees what a wrong key sees; the administrator sees a thief."""

import pytest
from harness import Site, key_text, split_key
from test_keys import comparable

pytestmark = pytest.mark.one_mpm

CONF = """
ApiSecRequireTLS Off
<Location /orders>
    ApiSecEngine On
</Location>
<Location /items>
    ApiSecEngine DetectOnly
</Location>
"""


def prepare(site):
    site.role("reader", "GET /orders/**")
    site.key("ci")
    made = site.store.json("key", "create", "bait", "--decoy", "--owner", "backup folder")
    site.keys["bait"], site.ids["bait"] = made["key"], made["id"]
    made = site.store.json("key", "create", "old-bait", "--decoy")
    site.keys["old-bait"], site.ids["old-bait"] = made["key"], made["id"]
    site.store.ok("key", "revoke", "old-bait")
    path = site.folder.write("decoys.csv", "name,key,decoy\nforeign,sk_live_4eC39HqLyjWDarjtT1zdp7dc,true\n", 0o600)
    site.store.ok("key", "import", path)
    site.keys["foreign"] = "sk_live_4eC39HqLyjWDarjtT1zdp7dc"
    site.ids["foreign"] = site.store.json("key", "show", "foreign")["id"]


@pytest.fixture(scope="module")
def site():
    with Site(CONF, prepare) as made:
        yield made


def line_of(site, answer):
    return site.server.wait_audit(lambda line: line["id"] == answer.headers["X-Request-Id"])


@pytest.mark.parametrize("name", ["bait", "old-bait", "foreign"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_decoy_is_answered_as_an_unknown_key(site, name, method):  # KEY-07
    _, _, secret = split_key(site.keys["ci"])
    unknown = comparable(site.request(method, key=key_text("apisec", "0" * 12, secret)))
    for _ in range(3):
        got = site.request(method, key=name)
        assert comparable(got) == unknown and got.status == 401


@pytest.mark.parametrize("name", ["bait", "old-bait", "foreign"])
def test_the_audit_line_names_the_decoy(site, name):  # AZ-16
    line = line_of(site, site.get(key=name))
    assert (line["reason"], line["event"], line["severity"]) == ("key_decoy", "authn_decoy_used", "critical")
    assert line["key"] == site.ids[name] and line["decision"] == "refuse"
    assert "user" not in line and "roles" not in line


def test_under_detect_only_it_is_logged_as_well(site):
    got = site.get("/items/1.json", key="bait")
    assert got.status == 200
    line = site.server.wait_audit(lambda line: line["path"] == "/items/1.json")
    assert (line["decision"], line["reason"], line["severity"]) == ("would-refuse", "key_decoy", "critical")


def test_a_decoy_is_counted_as_a_failed_authentication(site):
    def failures():
        return site.store.json("status")["state"]["authn_failures"]

    before = failures()
    for _ in range(3):
        line_of(site, site.get(key="bait"))
    assert failures() == before + 3


def test_explain_tells_the_administrator(site):
    told = site.store.json("explain", "--key-id", site.ids["bait"], "GET /orders/7", rc=5)
    assert told["reason"] == "key_decoy" and told["status"] == 401
    assert "decoy" in [step for step in told["steps"] if step["step"] == "key"][0]["detail"]


def test_lists_mark_decoys(site):
    rows = {row["name"]: row["decoy"] for row in site.store.json("key", "list")}
    assert rows == {"ci": False, "bait": True, "old-bait": True, "foreign": True}
    assert site.store.json("key", "show", "bait")["decoy"] is True


def test_a_decoy_is_charged_to_its_source():  # KEY-15
    def prepare_one(site):
        site.role("reader", "GET /orders/**")
        site.keys["bait"] = site.store.json("key", "create", "bait", "--decoy")["key"]

    conf = CONF + "ApiSecFailLimit 3/h\n"
    with Site(conf, prepare_one) as site:
        assert [site.get(key="bait").status for _ in range(5)] == [401, 401, 401, 429, 429]


def test_a_source_past_its_failures_still_tells_of_decoys():  # AZ-16, KEY-07
    """Else a thief would fail by nonsense first, and then find out unheard which keys are none."""
    def prepare_one(site):
        site.role("reader", "GET /orders/**")
        made = site.store.json("key", "create", "bait", "--decoy")
        site.keys["bait"], site.ids["bait"] = made["key"], made["id"]

    with Site(CONF + "ApiSecFailLimit 1/h\n", prepare_one) as site:
        prefix, key_id, secret = split_key(site.keys["bait"])
        site.keys["unknown"] = key_text(prefix, key_id[::-1], secret)
        first, unknown, bait = site.get(key="unknown"), site.get(key="unknown"), site.get(key="bait")
        assert (first.status, unknown.status, bait.status) == (401, 429, 429)
        for answer in unknown, bait:
            assert int(answer.headers["Retry-After"]) > 0
            del answer.headers["Retry-After"]  # seconds, which go by
        assert comparable(unknown) == comparable(bait)
        line = site.server.wait_audit(lambda line: line["reason"] == "decoy_rate")
        assert (line["event"], line["severity"], line["status"]) == ("authn_decoy_used", "critical", 429)
        assert (line["key"], line["limit"]) == (site.ids["bait"], "authentication")
