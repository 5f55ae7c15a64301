"""A store that is restored beside a running server: it is taken up without a restart, and no child goes back to what
was revoked (CLI-14)."""

import shutil

import pytest
from harness import SERVER_GROUP

pytestmark = pytest.mark.one_mpm

CONF = """
ApiSecRequireTLS Off
ApiSecRefresh 50ms
KeepAliveTimeout 60
MaxKeepAliveRequests 0
<Location />
    ApiSecEngine On
</Location>
"""


def prepare(site):
    site.role("reader", "GET /orders/**")
    for name in ("one", "two"):
        site.key(name)


def ask(site, connection, key):
    return connection.request("GET", "/orders/7.json", [("X-API-Key", site.keys[key])]).status


# CLI-14, KEY-13
@pytest.mark.slow
def test_children_take_up_what_is_restored(make_site):
    site = make_site(CONF, prepare, children=3)
    secret = site.folder.write("pass", "correct horse battery staple", 0o600)
    backup = site.folder.path("b")
    site.store.ok("backup", backup, "--passphrase", secret)
    restore = ["--json", "restore", backup, "--passphrase", secret, "--yes", "--over", "newer", "--wait", "--timeout", "60s"]
    with site.every_child("one") as connections:
        site.store.ok("key", "revoke", "one", "--wait")
        site.store.ok("role", "revoke", "reader", "GET /orders/**", "--wait", "--timeout", "60s")
        assert {ask(site, c, "two") for c in connections} == {403}
        # Over the store: the role is back, and the key is not.
        result = site.store.run(*restore)
        assert result.rc == 0 and "have it in force" in result.err, result
        assert {ask(site, c, "two") for c in connections} == {200} and {ask(site, c, "one") for c in connections} == {401}
        # The folder is lost, and the children know of a later generation than the backup.
        shutil.rmtree(site.store.path)
        result = site.store.run(*restore, "--group", SERVER_GROUP)
        assert result.rc == 0 and '"generation_before":null' in result.out, result
        assert {ask(site, c, "two") for c in connections} == {200}
        assert site.store.json("status")["published_fault"] is None
