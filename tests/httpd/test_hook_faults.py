"""Every call that the module makes out of a hook fails in turn: nothing opens, and what is refused is told."""

import mmap
import os
import signal
import struct

import pytest
from harness import BUILD, Site, key_text, split_key, wait_for

FAULTAT = os.path.join(BUILD, "tests", "ctl", ".libs", "faultat.so")
# As tests/ctl/preload/faultat.c numbers them, from 1.
FUNCTIONS = ["malloc", "calloc", "clock_gettime", "stat", "lstat", "pthread_mutex_init", "EVP_MAC_CTX_dup",
             "EVP_MAC_init", "EVP_MAC_update", "EVP_MAC_final", "EVP_CipherInit_ex2", "EVP_CipherFinal_ex",
             "EVP_KDF_derive", "RAND_priv_bytes_ex", "sqlite3_open_v2", "sqlite3_exec", "sqlite3_prepare_v2",
             "sqlite3_prepare_v3", "sqlite3_bind_text", "sqlite3_step"]
# Without one of these a child can come to no copy of a store at all.
NEEDED = ["calloc", "clock_gettime", "lstat", "EVP_MAC_init", "EVP_MAC_final", "EVP_CipherInit_ex2",
          "EVP_CipherFinal_ex", "sqlite3_open_v2", "sqlite3_exec", "sqlite3_prepare_v2", "sqlite3_prepare_v3",
          "sqlite3_step"]
FOREVER = 2 ** 63
SECRET = '"name"'

pytestmark = [pytest.mark.one_mpm,
              pytest.mark.skipif("APISEC_SANITIZE" in os.environ, reason="the sanitizers' runtime comes first")]


class Faults:
    def __init__(self, folder):
        self.path = folder.write("faults", b"\0" * 40, 0o666)
        with open(self.path, "r+b") as out:
            self.map = mmap.mmap(out.fileno(), 40)

    def arm(self, function, first=1, last=FOREVER):
        """Calls of this function fail from the first to the last, counted from now."""
        self.off()
        struct.pack_into("QQQ", self.map, 8, first, last, 0)
        struct.pack_into("Q", self.map, 0, FUNCTIONS.index(function) + 1)

    def off(self):
        struct.pack_into("Q", self.map, 0, 0)

    def calls(self):
        return struct.unpack_from("Q", self.map, 24)[0]


# Where each hook is the first that needs the store, the clock or the state.
CONF = """
ApiSecRefresh 10ms
ApiSecLogAddress pseudonym
<Location /orders>
    ApiSecEngine On
    ApiSecLimit all rate=1000000/s by=key
</Location>
<Location /typed>
    ApiSecEngine On
    ApiSecRequire public
    AuthType ApiSec
    Require api-access
</Location>
<Location /asked>
    ApiSecEngine On
    ApiSecRequire public
    Require api-access
</Location>
<Directory @DOCS@/gate>
    DirectoryIndex index.html
</Directory>
<Files index.html>
    ApiSecEngine On
    ApiSecRequire api-access
</Files>
<Location /rewritten>
    ApiSecEngine On
</Location>
RewriteEngine On
RewriteRule ^/rewritten/(.*)$ /orders/$1
<VirtualHost 127.0.0.1:@PORT1@>
    ApiSecEngine On
    ApiSecLimit address rate=1000000/s by=ip
</VirtualHost>
"""
# Of so many stores a child opens none before it is asked for it.
CONF += "".join("""
<VirtualHost 127.0.0.1:@PORT1@>
    ServerName other%d.example
    ApiSecStore @ROOT@/other%d
</VirtualHost>
""" % (n, n) for n in range(16))
# Path, method, port; what is right for the key, for none, and for a wrong one.
HOOKS = {
    "post_read_request": ("/orders/7.json", "GET", 1, (200, 401, 401)),
    "pre_translate_name": ("*", "OPTIONS", 1, (403, 401, 401)),
    "header_parser": ("/orders/7.json", "GET", 0, (200, 401, 401)),
    "check_authn": ("/typed/x.json", "GET", 0, (200, 401, 401)),
    "authz": ("/asked/x.json", "GET", 0, (200, 401, 401)),
    "fixups of a subrequest": ("/gate/", "GET", 0, (200, 401, 401)),
    "fixups, last": ("/rewritten/7.json", "GET", 0, (200, 401, 401)),
    "log_transaction": ("/orders//7.json", "GET", 0, (400, 400, 400)),
}


def prepare(site):
    site.role("reader", "GET /orders/**", "GET /typed/**", "GET /asked/**", "GET /gate/**", "GET /rewritten/**",
              "GET /index.html")
    site.key("ci")
    prefix, key_id, secret = split_key(site.keys["ci"])
    site.keys["wrong"] = key_text(prefix, key_id, secret[::-1])
    for name in ("typed/x.json", "asked/x.json", "gate/index.html"):
        site.folder.write("htdocs/" + name, '{"name":"%s"}\n' % name)


@pytest.fixture(scope="module")
def site():
    made = Site(CONF, prepare, modules=["rewrite"], ports=2, children=1, start=False)
    try:
        made.faults = Faults(made.folder)
        made.server.env.update(LD_PRELOAD=FAULTAT, FAULTAT=made.faults.path)
        made.server.start()
        yield made
        made.faults.off()
    finally:
        made.close()


@pytest.fixture(autouse=True)
def rested(site):
    """No fault from the test before, and a short log, since it is read again and again."""
    site.faults.off()
    site.server.empty_audit()


def ask(site, hook):
    """The answers for a right key, for none and for a wrong one."""
    path, method, port, _ = HOOKS[hook]
    return [site.request(method, path, key, port=site.server.ports[port]) for key in ("ci", None, "wrong")]


def judge(site, hook, answers):
    """Each answer is the right one or 503 with its event, and nobody sees what is not his."""
    for got, right in zip(answers, HOOKS[hook][3]):
        assert got.status in (right, 503), (hook, got)
        assert right == 200 or SECRET not in got.text, (hook, got)
        line = site.server.wait_audit(lambda line: line["id"] == got.headers["X-Request-Id"])
        if got.status == 503:
            assert got.headers["Content-Type"] == "application/problem+json" and SECRET not in got.text
            assert (line["event"], line["severity"], line["decision"]) == ("sys_crash", "critical", "refuse")
            assert line["reason"] in ("internal", "store_down", "state_down")
        assert not line["ip"].startswith("127."), line


def is_whole(site, hook):
    return [got.status for got in ask(site, hook)] == list(HOOKS[hook][3])


# TRN-13: a child that has served before, with a new copy to open and nothing in its cache
@pytest.mark.parametrize("hook", HOOKS)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_call_fails_in_a_child_that_has_served(site, function, hook):
    wait_for(lambda: is_whole(site, hook), what="right answers")
    # Each call of the hook that most requests come to; of the others the first, and all.
    spans = [(n, FOREVER) for n in range(1, 40)] + [(n, n) for n in range(1, 40)]
    if hook != "header_parser":
        spans = [(1, FOREVER), (1, 1)]
    done = set()
    for first, last in spans:
        kind = last == FOREVER
        if kind in done:
            continue
        site.store.ok("publish")
        site.faults.arm(function, first, last)
        judge(site, hook, ask(site, hook))
        if site.faults.calls() < first:
            done.add(kind)
        site.faults.off()
        wait_for(lambda: is_whole(site, hook), what="right answers after a fault")


# TRN-13, AZ-01: a child that has never served
@pytest.mark.parametrize("function", FUNCTIONS)
def test_call_fails_in_a_new_child(site, function):
    site.server.graceful()
    site.faults.arm(function)
    if function in NEEDED:
        wait_for(lambda: site.get(key="ci").status == 503, what="a child that has no copy")
    for hook in HOOKS:
        judge(site, hook, ask(site, hook))
    if function in NEEDED:
        assert site.faults.calls() > 0
        assert [got.status for got in ask(site, "header_parser")][::2] == [503, 503]
    site.faults.off()
    site.server.graceful()  # a child that could not even begin stays as it is
    for hook in HOOKS:
        wait_for(lambda: is_whole(site, hook), what="right answers after a fault")


# TRN-13: its hash tables could be filled by a stranger's choice
def test_a_child_without_random_numbers_refuses(site):
    site.faults.arm("RAND_priv_bytes_ex")
    for pid in site.server.children():
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: "APISEC0024" in site.server.error_log(), 30, "a child that begins")
    for hook in HOOKS:
        judge(site, hook, ask(site, hook))
    assert [got.status for got in ask(site, "header_parser")][::2] == [503, 503]
    site.faults.off()
    site.server.graceful()
    for hook in HOOKS:
        wait_for(lambda: is_whole(site, hook), what="right answers after a fault")
