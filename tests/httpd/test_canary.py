"""Known secrets are looked for wherever somebody might find them: files, logs, pages, /proc, a core, memory (SEC-14, SEC-15)."""

import base64
import glob
import os
import re
import shutil
import subprocess

import pytest
from harness import IS_ROOT, Backend, Site, wait_for
from harness.sender import github

pytestmark = [pytest.mark.one_mpm, pytest.mark.slow]

UPSTREAM, HOOK = "upstream-Canary-3e91b7c2", "webhook-Canary-58d04af6-long-enough"
PLANTED = "planted-where-all-may-see-it"  # shows that a search finds what is there
CONF = r"""
LogLevel trace8
ServerAdmin """ + PLANTED + r"""@example.com
ApiSecRequireTLS Off
ApiSecEngine On
<Location /back>
    ApiSecUpstreamSecret ledger as=header:Authorization "format=Bearer %s"
    ProxyPass http://127.0.0.1:@BACK@/back
</Location>
<Location /hook>
    ApiSecWebhook pay
    ProxyPass http://127.0.0.1:@BACK@/hook
</Location>
<Location /server-info>
    ApiSecRequire public
    SetHandler server-info
</Location>
<Location /server-status>
    ApiSecRequire public
    SetHandler server-status
</Location>
"""


def forms_of(secret):
    """As it is, in hexadecimal digits of either case, and in base64 at each of the three offsets."""
    found = [secret, secret.hex().encode(), secret.hex().upper().encode()]
    for offset in range(3):
        text = base64.b64encode(b"\0" * offset + secret).rstrip(b"=")
        found.append(text[4:-4])  # without what the neighbours decide
    return found


def prepare(site):
    site.role("all", "GET,POST /**")
    site.key("ci", role="all")
    site.store.ok("secret", "set", "ledger", input=UPSTREAM)
    site.store.ok("webhook", "add", "pay", "--scheme", "github", input=HOOK)


@pytest.fixture(scope="module")
def site():
    with Backend() as backend:
        with Site(CONF.replace("@BACK@", str(backend.port)), prepare, modules=["proxy_http", "info", "status"], children=1) as made:
            made.backend = backend
            use(made)
            yield made


def use(made):
    """Each secret was needed, and by what answers it was the right one."""
    for i in range(3):
        body = b'{"paid":%d}' % i
        assert made.get("/back/a", "ci").status == 200
        assert made.server.request("POST", "/hook", github(HOOK, body), body).status == 200
    assert any(UPSTREAM in str(request) for request in made.backend.seen)


def canaries(site):
    """What each is called, and its bytes."""
    with open(site.store.file("master.key")) as there:
        master = there.read().strip()
    return {"upstream": UPSTREAM.encode(), "webhook": HOOK.encode(), "key": site.keys["ci"].encode(), "master": bytes.fromhex(master)}


def search(data, secrets):
    return sorted(name for name, secret in secrets.items() if any(form in data for form in forms_of(secret)))


def read(path):
    with open(path, "rb") as there:
        return there.read()


# ---- what lies on the disk, and what is shown


# SEC-01, SEC-15
def test_no_file_of_the_store_has_one(site):
    secrets = canaries(site)
    files = [path for path in glob.glob(site.store.path + "/**", recursive=True)
             if os.path.isfile(path) and not path.endswith("/master.key")]
    assert {os.path.basename(path) for path in files} >= {"store.db"} and len(files) >= 2
    for path in files + [site.store.state]:
        assert search(read(path), secrets) == [], path
    assert b"ledger" in read(site.store.file("store.db"))  # the search reads what is there


# SEC-15
def test_no_log_has_one_at_trace8(site):
    logs = glob.glob(site.folder.path("logs", "*"))
    assert logs and any(b"trace" in read(path) for path in logs if os.path.isfile(path))
    for path in filter(os.path.isfile, logs):
        assert search(read(path), canaries(site)) == [], path


# SEC-15
def test_no_page_of_httpd_has_one(site):
    for page in ("/server-info", "/server-info?config", "/server-status", "/server-status?auto"):
        got = site.get(page)
        assert got.status == 200 and search(got.body, canaries(site)) == [], page
    assert "ApiSecUpstreamSecret" in site.get("/server-info?config").text


# SEC-15, CLI-01
@pytest.mark.skipif(not IS_ROOT, reason="only root reads what belongs to httpd's user")
def test_no_argument_and_no_environment_has_one(site):
    for pid in [site.server.pid] + site.server.children():
        for name in ("cmdline", "environ"):
            assert search(read("/proc/%d/%s" % (pid, name)), canaries(site)) == [], (pid, name)


# ---- memory


def areas_of(pid):
    """(first address, last, flags) of each mapping, by the words of the kernel."""
    at = None
    for line in open("/proc/%d/smaps" % pid):
        head = re.match(r"([0-9a-f]+)-([0-9a-f]+) (....) ", line)
        if head:
            at = int(head.group(1), 16), int(head.group(2), 16), head.group(3)
        elif line.startswith("VmFlags:") and at[2].startswith("r"):
            yield at[0], at[1], line.split()[1:]


def memory_of(pid):
    """(bytes, flags) of each mapping that can be read."""
    with open("/proc/%d/mem" % pid, "rb", buffering=0) as memory:
        for start, end, flags in areas_of(pid):
            try:
                memory.seek(start)
                yield memory.read(end - start), flags
            except (OSError, ValueError, OverflowError):
                continue  # [vvar] and its like


# SEC-14
@pytest.mark.skipif(not IS_ROOT, reason="only root reads the memory of a child")
def test_in_memory_it_is_only_where_pages_are_locked_and_not_dumped(site):
    secrets = {name: secret for name, secret in canaries(site).items() if name in ("webhook", "master")}
    [child] = site.server.children()
    # A delivery's key lies in a context of OpenSSL's until its request has ended, which is after its line.
    wait_for(lambda: not any("dd" not in flags for data, flags in memory_of(child) for name in search(data, secrets)), 5)
    planted, seen = False, set()
    for data, flags in memory_of(child):
        planted = planted or PLANTED.encode() in data
        for name in search(data, secrets):
            assert "dd" in flags and "lo" in flags, (name, flags)
            seen.add(name)
    assert planted, "the search finds what is there"
    assert "webhook" in seen, "a secret that is in use lies somewhere"


# SEC-14, SEC-15
@pytest.mark.skipif(not IS_ROOT or shutil.which("gcore") is None, reason="no gcore (gdb), or not root")
def test_no_core_has_one(site):
    secrets = {name: secret for name, secret in canaries(site).items() if name in ("webhook", "master")}
    [child] = site.server.children()
    subprocess.run(["gcore", "-o", site.folder.path("core"), str(child)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                   stdin=subprocess.DEVNULL, timeout=120, check=True)
    core = read(site.folder.path("core.%d" % child))
    os.unlink(site.folder.path("core.%d" % child))
    assert PLANTED.encode() in core
    assert search(core, secrets) == []
