"""apisecctl status beside a running server, and explain against what the server does."""

import pytest
from harness import wait_for

pytestmark = pytest.mark.one_mpm

CONF = """
ApiSecRequireTLS Off
<Location />
    ApiSecEngine On
    ApiSecLimit each rate=100/d by=key
</Location>
"""


def prepare(site):
    site.role("reader", "GET /orders/**")
    site.store.role_create("guarded", ["GET /orders/**", "POST /orders/**"], denies="GET /orders/7.json")
    site.key("one")
    site.key("two", role="guarded")


def test_status_shows_what_httpd_serves_and_counts(make_site):  # AZ-06
    site = make_site(CONF, prepare)
    for _ in range(3):
        assert site.server.get("/orders/7.json", [("X-API-Key", site.keys["one"])]).status == 200
    assert site.server.get("/orders/7.json").status == 401
    status = site.store.json("status")
    state = status["state"]
    assert status["state_fault"] is None and state["path"] == site.store.state
    assert state["processes"] >= 1 and state["lowest_generation"] == status["generation"]
    assert 1 <= state["live"] <= state["entries"], "the caller has a cell"
    assert (state["requests"], state["allowed"], state["refused_authn"]) == (4, 3, 1)
    site.store.ok("role", "create", "another")

    def follows():
        site.server.get("/orders/7.json", [("X-API-Key", site.keys["one"])])
        now = site.store.json("status")
        return now["state"]["lowest_generation"] == now["generation"]

    wait_for(follows, what="every child to serve the new generation")
    assert "state.processes" in site.store.ok("status")


def test_explain_says_what_the_server_does(make_site):  # CLI-13
    site = make_site(CONF, prepare)
    for name in ("one", "two"):
        key_id = site.store.json("key", "show", name)["id"]
        for method in ("GET", "POST", "DELETE"):
            for path in ("/orders/7.json", "/orders/8", "/other", "/orders//7", "/orders/%2e%2e/x", "/a;b"):
                answer = site.store.run("--json", "explain", "--key-id", key_id, "%s %s" % (method, path))
                assert answer.rc in (0, 5), answer
                before = len(site.server.audit())
                site.server.request(method, path, [("X-API-Key", site.keys[name])])
                line = wait_for(lambda: site.server.audit()[before:], what="a line of the audit log")[0]
                assert '"reason":"%s"' % line["reason"] in answer.out, (name, method, path, line, answer)
