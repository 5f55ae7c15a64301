"""conf/demo/run from end to end: it checks each of its answers itself."""

import os
import shutil
import socket
import subprocess

import pytest

from harness import BUILD, IS_ROOT
from harness.place import TOP
from harness.server import free_ports

pytestmark = [pytest.mark.one_mpm,
              pytest.mark.skipif("APISEC_SANITIZE" in os.environ, reason="the demo runs without sanitizers")]
NOBODY = 65534


class Demo:
    def __init__(self, place, port, user=None):
        self.place, self.port = place, port
        self.who = {"user": user, "group": user, "extra_groups": []} if user else {}

    def run(self, *args):
        env = dict(os.environ, APISEC_BUILD=BUILD, APISEC_DEMO=self.place, APISEC_DEMO_PORT=str(self.port))
        done = subprocess.run([os.path.join(TOP, "conf/demo/run"), *args], env=env, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300, cwd="/", **self.who)
        return done.returncode, done.stdout.decode()

    def walk(self):
        return self.run("--no-install", "--no-build")

    def listens(self):
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.port)) == 0


@pytest.fixture
def make_demo(folder):
    made = []

    def make(user=None):
        if user:
            os.mkdir(folder.path("theirs"))
            os.chown(folder.path("theirs"), user, user)
        made.append(Demo(folder.path("theirs" if user else ".", "demo"), free_ports(1)[0], user))
        return made[-1]

    yield make
    for demo in made:
        demo.run("stop")


def test_demo_walks_through_keeps_running_and_stops(make_demo):
    demo = make_demo()
    code, text = demo.walk()
    assert code == 0, text
    assert "every answer was as it should be" in text and demo.listens()

    code, text = demo.walk()
    assert code == 0 and "has ended" in text, text
    assert demo.listens()

    code, text = demo.run("stop")
    assert code == 0 and "has ended" in text, text
    assert not demo.listens()
    code, text = demo.run("stop")
    assert code == 0 and "no server runs" in text, text


@pytest.mark.skipif(not IS_ROOT, reason="only root becomes somebody else")
def test_demo_runs_for_a_user_who_is_not_root(make_demo):
    demo = make_demo(NOBODY)
    if subprocess.run(["test", "-x", os.path.join(BUILD, "apisecctl/apisecctl")], user=NOBODY).returncode != 0:
        pytest.skip("the build folder is closed to others")
    code, text = demo.walk()
    assert code == 0, text
    assert os.stat(demo.place).st_uid == NOBODY and demo.listens()


def test_keys_of_the_demo_are_for_its_owner_alone(make_demo):  # AUD-03
    demo = make_demo()
    assert demo.walk()[0] == 0
    with open(os.path.join(demo.place, "keys/yours")) as seen:
        key = seen.read().split(": ")[1].strip()
    assert key.startswith("apisec_")
    assert os.stat(os.path.join(demo.place, "keys")).st_mode & 0o077 == 0
    for name in ("logs/audit.log", "logs/error.log", "store/store.db", "state"):
        with open(os.path.join(demo.place, name), "rb") as seen:
            assert key.split("_")[2].encode() not in seen.read(), name


def test_a_port_in_use_fails(make_demo):
    demo = make_demo()
    with socket.socket() as s:
        s.bind(("127.0.0.1", demo.port))
        s.listen()
        code, text = demo.walk()
    assert code == 1 and "httpd does not start" in text, text


def test_a_wrong_answer_fails(make_demo, folder):
    """A demo whose sections are not guarded: the first answer that should be 401 is 200."""
    demo = make_demo()
    tree = folder.path("tree")
    shutil.copytree(os.path.join(TOP, "conf/demo"), os.path.join(tree, "conf/demo"))
    os.mkdir(os.path.join(tree, "tests"))
    for name in ("install", "packages"):
        shutil.copy(os.path.join(TOP, "tests", name), os.path.join(tree, "tests", name))
    conf = os.path.join(tree, "conf/demo/httpd.conf.in")
    with open(conf) as seen:
        text = seen.read()
    assert "ApiSecEngine On" in text
    with open(conf, "w") as out:
        out.write(text.replace("ApiSecEngine On", "ApiSecEngine DetectOnly"))
    env = dict(os.environ, APISEC_BUILD=BUILD, APISEC_DEMO=demo.place, APISEC_DEMO_PORT=str(demo.port))
    done = subprocess.run([os.path.join(tree, "conf/demo/run"), "--no-install", "--no-build"], env=env,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300)
    assert done.returncode == 1, done
    assert b"demo: the answer" in done.stderr, done.stderr


def test_a_folder_that_is_no_demo_is_left_alone(make_demo):
    demo = make_demo()
    os.mkdir(demo.place)
    precious = os.path.join(demo.place, "precious")
    open(precious, "w").close()
    code, text = demo.walk()
    assert code == 1 and "is no demo of yours" in text, text
    assert os.path.exists(precious)


@pytest.mark.parametrize("words", [["begin"], ["--port"], ["--port", "http"], ["--port", ""]])
def test_wrong_words_are_a_usage_error(make_demo, words):
    code, text = make_demo().run(*words)
    assert code == 2 and ("usage: conf/demo/run" in text or "want 1 to 65535" in text), text
