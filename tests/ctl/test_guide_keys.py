"""docs/guide-keys.md is done, step by step, and its answers are compared."""

import os
import re
import subprocess

from harness import BUILD, TOP
from harness.page import matches, steps

PAGE = os.path.join(TOP, "docs/guide-keys.md")


def test_the_guide_does_what_it_says(store, folder):
    env = dict(os.environ, PATH=os.path.join(BUILD, "apisecctl") + ":" + os.environ["PATH"], LC_ALL="C.UTF-8",
               APISEC_STORE=store.path, APISEC_STATE=store.state)
    desk = folder.path("desk")
    os.mkdir(desk)
    with open(PAGE) as seen:
        todo = steps(seen.read())
    assert len(todo) >= 10
    for command, answer in ((step.text, step.expected) for step in todo):
        done = subprocess.run(["sh", "-e", "-c", "umask 077\n" + command], env=env, cwd=desk, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)
        assert done.returncode == 0 and done.stderr == "", (command, done)
        assert answer is None or matches(answer, done.stdout), (command, done.stdout)
    rows = {row["name"]: row for row in store.json("key", "list")}
    assert rows["shop-1"]["status"] == "revoked" and rows["legacy-1"]["kv"] == 2 and rows["wiki-bait"]["decoy"]


def test_the_guide_names_every_field():
    with open(os.path.join(TOP, "apisecctl/import_fields.def")) as seen:
        fields = re.findall(r'^I\(\w+, "(\w+)"', seen.read(), re.M)
    with open(PAGE) as seen:
        rows = [line for line in seen if line.startswith("|")]
    named = {word for row in rows for word in re.findall(r"`(\w+)`", row.split("|")[1])}
    assert len(fields) >= 14 and set(fields) <= named
