"""Lifetimes: who called is known until the log is written, whatever asked first and whatever came since."""

import os
import re
import resource
import threading

import pytest
from harness import MPM, Site, wait_for

CONF = r"""
ApiSecRefresh 10ms
ScriptAlias /cgi @ROOT@/cgi
<Directory @ROOT@/cgi>
    Require all granted
</Directory>
AddType text/html .shtml
AddOutputFilter INCLUDES .shtml
<Directory @DOCS@>
    Options Includes FollowSymLinks
</Directory>
ApiSecEngine On
<Location /pages>
    ApiSecRequire public
</Location>
<Location /cgi>
    ApiSecRequire public
</Location>
"""

# The first look-up asks who calls; it is over when the program waits.
PAGE = """<!--#flastmod virtual="/orders/7.json" -->
<!--#include virtual="/cgi/wait" -->
<!--#flastmod virtual="/items/1.json" -->
"""


def prepare(site):
    site.role("reader", "GET /orders/**", "GET /pages/**", "GET /cgi/**", "GET /items/**")
    site.key("ci", owner="the-owner-of-the-key")
    site.folder.write("htdocs/pages/slow.shtml", PAGE)
    site.script("wait", 'printf "Content-Type: text/plain\\n\\n"\n: > "%s"\nread line < "%s"\necho "$line"\n'
                % (site.folder.path("run/waits"), site.folder.path("run/go")))
    os.makedirs(site.folder.path("run"), exist_ok=True)
    os.chmod(site.folder.path("run"), 0o777)
    os.mkfifo(site.folder.path("run/go"))
    os.chmod(site.folder.path("run/go"), 0o666)


# AUD-01
@pytest.mark.skipif(MPM == "prefork", reason="a process that serves one request looks at no other copy meanwhile")
def test_caller_that_a_subrequest_asked_for_outlives_it():
    # What is freed is overwritten, so that nobody reads it unnoticed.
    with Site(CONF, prepare, modules=["include", "cgi"], children=1, env={"MALLOC_PERTURB_": "165"}) as site:
        answers = []
        asking = threading.Thread(target=lambda: answers.append(site.get("/pages/slow.shtml", key="ci")))
        asking.start()
        wait_for(lambda: os.path.exists(site.folder.path("run/waits")), what="the program to wait")
        seen = site.get(key="ci").headers["X-Request-Id"]
        before = site.server.wait_audit(lambda line: line["id"] == seen)
        for i in range(3):
            site.role("role%d" % i, "GET /none/**")
            wait_for(lambda: newest(site) > before["gen"] + i, what="the new generation")
        with open(site.folder.path("run/go"), "w") as go:
            go.write("went on\n")
        asking.join(30)
        assert answers and answers[0].status == 200 and "went on" in answers[0].text, answers
        line = site.server.wait_audit(lambda line: line["path"] == "/pages/slow.shtml")
        assert (line["user"], line["roles"], line["gen"]) == ("the-owner-of-the-key", ["reader"], before["gen"])
        assert line["key"] == site.ids["ci"] and line["pid"] == before["pid"]


def newest(site):
    """The generation of an answer that is given now."""
    seen = site.get(key="ci").headers["X-Request-Id"]
    return site.server.wait_audit(lambda line: line["id"] == seen)["gen"]


# SEC-14: neither in swap nor in a core dump, in the parent and in every child
@pytest.mark.skipif(resource.getrlimit(resource.RLIMIT_MEMLOCK)[0] in range(65536) or "APISEC_SANITIZE" in os.environ,
                    reason="no memory may be locked here, or the sanitizer locks none")
def test_master_key_is_locked_in_every_process(make_site):
    site = make_site("ApiSecEngine On\n")
    for restart in (lambda: None, site.server.graceful):
        restart()
        wait_for(lambda: all(is_locked(pid) for pid in [site.server.pid] + site.server.children()),
                 what="the key to be locked in every process")


def is_locked(pid):
    """Whether a process has memory that is neither swapped nor dumped."""
    try:
        with open("/proc/%d/smaps" % pid) as maps:
            flags = re.findall(r"^VmFlags: (.*)$", maps.read(), re.M)
    except OSError:
        return False  # it has just ended
    return any({"lo", "dd"} <= set(f.split()) for f in flags)
