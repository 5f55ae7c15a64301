"""What is open in which process: no connection of SQLite is ever carried across a fork."""

import os

import pytest
from harness import Site, wait_for

CONF = """
ScriptAlias /cgi @ROOT@/cgi
<Directory @ROOT@/cgi>
    Require all granted
</Directory>
<Location /orders>
    ApiSecEngine On
</Location>
<Location /cgi>
    ApiSecEngine On
    ApiSecRequire api-key
</Location>
"""


def prepare(site):
    site.role("reader", "GET /orders/**")
    site.key("ci")
    site.script("open", 'printf "Content-Type: text/plain\\n\\n"\nls -l /proc/self/fd\n')


@pytest.fixture
def site(make_site):
    return make_site(CONF, prepare, modules=["cgi"], children=2)


def ask_all(site):
    """Asks until two children at least have answered; their process ids."""
    def served():
        assert site.get(key="ci").status == 200
        pids = {line["pid"] for line in site.server.audit()} & set(site.server.children())
        return pids if len(pids) >= 2 else None

    return wait_for(served, what="answers of two children")


def opened(site, pid):
    """The files below the store that a process has open."""
    seen = []
    for name in os.listdir("/proc/%d/fd" % pid):
        try:
            seen.append(os.readlink("/proc/%d/fd/%s" % (pid, name)))
        except FileNotFoundError:
            pass  # closed meanwhile
    return [path for path in seen if path.startswith(site.store.path)]


# SEC-17
def test_each_child_opens_a_connection_of_its_own(site):
    copy = site.store.file("pub", "store.db")
    for _ in range(2):
        assert opened(site, site.server.pid) == [], "at start httpd has looked at the copy, and has closed it"
        # Beside those that serve there may be the process that starts programs.
        wait_for(lambda: sum(set(opened(site, pid)) == {copy} for pid in site.server.children()) >= 2,
                 what="two children to open the copy")
        served = ask_all(site)
        assert opened(site, site.server.pid) == []
        for pid in served:
            assert set(opened(site, pid)) == {copy}, pid
        # A program that a child starts inherits neither the copy nor the shared state.
        got = site.get("/cgi/open", key="ci")
        assert got.status == 200 and "->" in got.text
        assert site.store.path not in got.text and site.store.state not in got.text, got.text
        old = set(site.server.children())
        site.server.graceful()
        wait_for(lambda: not old & set(site.server.children()), what="the old children to end")


# SEC-17: nor beside it: httpd writes nothing there
def test_server_leaves_no_file_beside_the_copy(site):
    ask_all(site)
    site.store.ok("publish")
    wait_for(lambda: site.get(key="ci").status == 200)
    assert os.listdir(site.store.file("pub")) == ["store.db"]
    assert sorted(os.listdir(site.store.path)) == ["master.key", "pub", "store.db"]
