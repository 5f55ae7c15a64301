"""README and each guide of docs/ are done, step by step, on a real httpd, and what they show is compared."""

import glob
import os

import pytest

from harness import IS_ROOT, TOP, Server
from harness.page import Fault, matches, steps
from harness.reader import Reader

pytestmark = pytest.mark.one_mpm

PAGES = {"README.md": os.path.join(TOP, "README.md")}
PAGES.update({os.path.basename(path): path for path in glob.glob(os.path.join(TOP, "docs/guide-*.md"))})

# What guide-first-api.md makes, for the others.
DOCUMENTS = {"health": '{"ok": true}', "orders/7": '{"id": 7}', "orders/8": '{"id": 8}', "reports/2026": '{"id": 2026}'}

# All others go on from here: guide-install.md is done, the store is empty.
FROM_NOTHING = {"README.md", "guide-install.md"}

# These give files to root and to httpd's group.
ROOTS = {"guide-install.md", "guide-upgrade.md"}

# What a page says, and what is done instead.  Paths below /etc, /srv and /var lie below the test's folder, and
# every host name leads to its server; see harness/reader.py.
INSTEAD = {
    "all others": [("/usr/share/doc/mod_apisec", "@TOP@")],
    # The demo has a test of its own, and tests/run is who asks.
    "README.md": [("conf/demo/run ", "test -x @TOP@/conf/demo/run "), ("tests/run ", "test -x @TOP@/tests/run ")],
    # The sources are where tests/run has them, with the configure that it has made; that they build with
    # what is usual is tested by then, so that this time nothing is optimised.
    "guide-install.md": [("autoreconf -fi", "test -x @TOP@/configure"),
                         ("../configure --prefix=/usr --sysconfdir=/etc --localstatedir=/var",
                          "@TOP@/configure --prefix=@ROOT@/usr --sysconfdir=@ROOT@/etc --localstatedir=@ROOT@/var"
                          " --with-module-dir=@ROOT@/usr/lib/apache2/modules --disable-lto CFLAGS=-O0"),
                         ("make > make.txt", "make -j2 > make.txt"),
                         ("/usr/share/doc", "@ROOT@/usr/share/doc")],
}


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(PAGES))
def test_guide(folder, name):
    if name in ROOTS and not IS_ROOT:
        pytest.skip("only root gives files away")
    with open(PAGES[name]) as page:
        todo = steps(page.read())
    assert todo, "nothing in it is done"
    for path, text in DOCUMENTS.items() if name != "guide-first-api.md" else ():
        folder.write("htdocs/api/%s.json" % path, text + "\n")
    server = Server(folder, ports=2)
    reader = Reader(folder, server, INSTEAD.get(name, INSTEAD["all others"]))
    try:
        reader.begin(installed=name not in FROM_NOTHING)
        for step in todo:
            try:
                reader.do(step)
            except AssertionError as fault:
                pytest.fail("%s:%d: %s" % (os.path.relpath(PAGES[name], TOP), step.line, fault), pytrace=False)
    finally:
        print(server.report())
        server.stop()


@pytest.mark.parametrize("expected, got, fits", [
    ("200\n401", "200\n401\n", True), ("200", "401", False), ("a...c", "a\nb\nc", True), ("a...c", "a b", False),
    ("{...}", "{}", True), ("a.c", "abc", False), ("id  7", "id      7", True), ("a b", "ab", False),
])
def test_comparing_answers(expected, got, fits):
    assert matches(expected, got) is fits


@pytest.mark.parametrize("page", [
    "```\nls\n```\n", "```bash\nls\n```\n", "text\n\n    ls\n", "```text\n1\n```\n", "```sh\nls\n", "```sh\n```\n",
    "```sh\nls\n```\n```text\n1\n```\n```text\n2\n```\n", "```ini\nno = path\n```\n",
])
def test_what_would_not_be_done_is_a_fault(page):
    with pytest.raises(Fault):
        steps(page)
