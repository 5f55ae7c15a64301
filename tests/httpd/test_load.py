"""The module in httpd: it loads, answers nothing by itself, survives restarts, exports one symbol."""

import subprocess

from harness import MPM, wait_for
from harness.server import MODULE


def test_configuration_test_passes(make_server):
    server = make_server(start=False, bare=True)
    assert server.configtest()[0] == 0


def test_server_runs_under_the_mpm_asked_for(make_server):
    server = make_server("<Location /status>\nSetHandler server-status\n</Location>\n", modules=["status"], bare=True)
    answer = server.get("/index.html")
    assert answer.status == 200 and answer.body == b"hello\n"
    assert "Server MPM: %s" % MPM in server.get("/status").text
    assert len(server.children()) >= 2


def test_graceful_restart_replaces_the_children(make_server):
    server = make_server(bare=True)
    old = server.children()
    server.graceful()
    wait_for(lambda: not set(old) & set(server.children()), what="the old children to end")
    assert server.get("/").status == 200


def test_stop_leaves_no_process(make_server):
    server = make_server(bare=True)
    pids = [server.pid] + server.children()
    assert len(pids) >= 3
    server.stop()
    for pid in pids:
        assert subprocess.run(["kill", "-0", str(pid)], stderr=subprocess.DEVNULL).returncode != 0


def test_module_record_is_all_that_is_exported():
    text = subprocess.run(["nm", "-D", "--defined-only", MODULE], stdout=subprocess.PIPE, text=True,
                          check=True).stdout
    assert [line.split()[-1] for line in text.splitlines()] == ["apisec_module"]
