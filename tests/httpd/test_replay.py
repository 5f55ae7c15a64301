"""Lines that a real server wrote are judged anew by apisecctl explain --log, with the same answers (CLI-13)."""

import json
import os

import pytest
from harness import Site

pytestmark = pytest.mark.one_mpm

CONF = """
ServerName gate.example
ApiSecRequireTLS Off
<Location />
    ApiSecEngine On
</Location>
"""


def prepare(site):
    site.role("reader", "GET /orders/**", "GET /odd/*", denies=["GET /orders/8.json"])
    site.role("writer", "PUT /orders/**")
    site.key("ci")
    site.key("revoked")
    site.store.ok("key", "revoke", "revoked")
    site.key("homed", cidr="192.0.2.0/24")
    site.key("hosted", host="api.example.com")
    site.key("notyet", not_before="10d")


@pytest.fixture
def site():
    with Site(CONF, prepare) as made:
        yield made


def replay(site):
    result = site.store.run("--json", "explain", "--log", os.path.join(site.server.logs, "audit.log"))
    assert result.err == ""
    return result.rc, json.loads(result.out)


def test_the_server_and_explain_agree(site):  # CLI-13
    wanted = 0
    for key in ("ci", "revoked", "homed", "hosted", "notyet"):
        for method, path in (("GET", "/orders/7.json"), ("GET", "/orders/8.json"), ("PUT", "/orders/7.json"), ("GET", "/nowhere"),
                             ("DELETE", "/orders/7.json"), ("GET", "/odd/100%25"), ("GET", "/odd/a%20b%22"), ("GET", "/odd/%C3%A4"),
                             ("GET", "/a//b"), ("GET", "/a%2fb"), ("GET", "/a%01b"), ("GET", "/orders/7.json?x=1"), ("BREW", "/orders/7.json")):
            site.request(method, path, key=key)
            wanted += 1
    site.get()
    site.get(key="nonsense")
    site.server.wait_audit(count=wanted + 2)
    rc, found = replay(site)
    assert [row for row in found["lines"] if row["same"] is False or row["same"] is None and row["key"] is not None
            and row["reason"] != "key_host"] == []
    assert rc == 0 and found["bad"] == 0
    reasons = {row["reason"] for row in found["lines"] if row["same"]}
    assert {"allow", "grant_denied", "grant_missing", "method_not_granted", "path_ambiguous", "method_unknown", "key_revoked",
            "key_network", "key_host", "key_not_yet"} <= reasons, reasons
    site.store.ok("role", "revoke", "reader", "GET /orders/8.json")
    rc, found = replay(site)
    assert rc == 5
    assert {(row["reason"], row["now_reason"]) for row in found["lines"] if row["same"] is False} == {("grant_denied", "allow")}
