"""The commands of apisecctl in README and docs/guide-install.md do what the pages say."""

import os
import re
import shlex

import pytest

from harness import SERVER_GROUP, TOP, Store


def commands_in(page):
    """The lines of its indented blocks that call apisecctl, as words."""
    with open(os.path.join(TOP, page)) as seen:
        lines = re.findall(r"^    apisecctl (.*)$", seen.read(), re.M)
    return [shlex.split(line) for line in lines]


@pytest.mark.parametrize("page, least", [("README.md", 3), ("docs/guide-install.md", 2)])
def test_commands_of_the_page_succeed(folder, page, least):
    found = commands_in(page)
    assert len(found) >= least, found
    for number, words in enumerate(found):
        words = [w.replace("/etc/apisec", folder.path("etc")) for w in words]
        # Each init of a page makes a store of its own; what follows works on the last one.
        if "init" in words:
            store = Store(folder.path("store%d" % number), folder.path("state"))
            os.makedirs(folder.path("etc"), exist_ok=True)
            words += ["--group", SERVER_GROUP]
        store.ok(*words)


def test_readme_makes_a_key_that_may_do_what_it_says(folder):
    store = Store(folder.path("store"), folder.path("state"))
    for words in commands_in("README.md"):
        store.ok(*words, *(["--group", SERVER_GROUP] if "init" in words else []))
    key = store.json("key", "show", "shop-1")
    assert key["roles"] == ["reader"] and key["limit"] == "100/m"
    allowed = store.run("explain", "--key-id", key["id"], "GET /api/orders/7")
    refused = store.run("explain", "--key-id", key["id"], "GET /api/reports")
    assert (allowed.rc, refused.rc) == (0, 5)


def test_table_of_modes_is_what_init_makes(folder):
    """The table of files in docs/guide-install.md."""
    store = Store(folder.path("store"), folder.path("state"))
    store.init()
    with open(os.path.join(TOP, "docs/guide-install.md")) as seen:
        rows = re.findall(r"^\| `([\w./]+)` \| .*?(0\d\d\d) \|", seen.read(), re.M)
    modes = {name: mode for name, mode in rows if name != "apisec.state"}
    assert len(modes) == 5
    for name, mode in modes.items():
        path = store.path if name.startswith("/") else store.file(name)
        assert oct(os.stat(path).st_mode & 0o7777) == oct(int(mode, 8)), name
