"""docs/guide-first-api.md is done, step by step, on a real httpd, and its answers are compared."""

import os
import re
import subprocess

import pytest

from harness import BUILD, MPM, SERVER_GROUP, TOP, Server, Store, wait_for

pytestmark = pytest.mark.skipif(MPM != "event", reason="the MPM does not matter")
PAGE = os.path.join(TOP, "docs/guide-first-api.md")


def blocks():
    """(kind, text) of each fenced block; a ```text block belongs to the ```sh block before it."""
    with open(PAGE) as seen:
        found = re.findall(r"^```(\w+)\n(.*?)^```$", seen.read(), re.M | re.S)
    steps = []
    for kind, text in found:
        if kind == "text":
            assert steps[-1][0] == "sh", "an answer without a question: " + text
            steps[-1][2] = text
        else:
            steps.append([kind, text, None])
    return steps


def matches(expected, got):
    """`...` in the page is any text."""
    pattern = "(?s:.*)".join(re.escape(part) for part in expected.strip().split("..."))
    return re.fullmatch(pattern, got.strip()) is not None


class Reader:
    """Somebody who does what the page says, in a folder of a test."""

    def __init__(self, folder, server):
        self.folder, self.server, self.prelude = folder, server, ""
        self.env = dict(os.environ, PATH=os.path.join(BUILD, "apisecctl") + ":" + os.environ["PATH"], LC_ALL="C",
                        APISEC_STORE=folder.path("lib"), APISEC_STATE=server.state, no_proxy="*")

    def localised(self, text):
        text = text.replace("/var/lib/apisec", self.folder.path("lib")).replace("/var/log/apache2", self.server.logs)
        return text.replace("http://localhost/", self.server.url("/"))

    def configure(self, text):
        self.server.configure("LogLevel warn mpm_event:notice\n" + self.localised(text))
        code, said = self.server.configtest()
        assert code == 0, said
        if self.server.process is None:
            self.server.start()
            return
        old = self.server.children()
        self.server.graceful()
        wait_for(lambda: not set(old) & set(self.server.children()), what="the old children to end")

    def sh(self, text):
        done = subprocess.run(["sh", "-e", "-c", self.prelude + self.localised(text)], env=self.env,
                              cwd=self.folder.path("desk"), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=60)
        return done.returncode, done.stdout.decode().replace("\r", "")

    def do(self, text, expected):
        if "()" in text:
            self.prelude += text
        if expected is None:
            code, said = self.sh(text)
            assert code == 0, text + said
            return
        # A log line comes when httpd has written it, and a change is seen within a second.
        again = re.match(r"(tail|grep|ask|curl)\b", text) is not None
        said = []

        def right():
            code, got = self.sh(text)
            said.append("%s -> exit %d\n%s" % (text, code, got))
            assert again or matches(expected, got), said[-1]
            return code == 0 and matches(expected, got)
        try:
            wait_for(right, 15, "the page's answer")
        except TimeoutError:
            raise AssertionError("%s\nthe page says:\n%s" % (said[-1], expected))


def test_guide_for_the_first_api(folder):
    store = Store(folder.path("lib"), folder.path("state"))
    store.ok("init", "--group", SERVER_GROUP)
    os.mkdir(folder.path("desk"))
    for name in ("orders/7", "orders/8", "reports/2026", "health"):
        folder.write("htdocs/api/%s.json" % name, '{"id": %s}\n' % (name.split("/")[-1].replace("health", "0")))
    server = Server(folder)
    reader = Reader(folder, server)
    steps = blocks()
    assert len(steps) > 15
    try:
        for kind, text, expected in steps:
            if kind == "apache":
                reader.configure(text)
            else:
                assert kind == "sh", "a block of kind %r: %s" % (kind, text)
                reader.do(text, expected)
    finally:
        print(server.report())
        server.stop()


@pytest.mark.parametrize("expected, got, fits", [
    ("200\n401", "200\n401\n", True), ("200", "401", False), ("a...c", "a\nb\nc", True), ("a...c", "a b", False),
    ("{...}", "{}", True), ("a.c", "abc", False),
])
def test_comparing_answers(expected, got, fits):
    assert matches(expected, got) is fits
