"""httpd -t -D DUMP_APISEC: findings and what is configured, as JSON lines."""

import json
import subprocess

import pytest
from harness import IS_ROOT, SERVER_GROUP, SERVER_USER

pytestmark = pytest.mark.one_mpm

CONF = """
ApiSecStore @STORE@
ApiSecHosts server-names
<Location /orders>
    ApiSecEngine On
</Location>
<VirtualHost *:@PORT@>
    ServerName a.example
    ApiSecEngine DetectOnly
    ApiSecMasterKey file:@STORE@/master.key
    <Location /w>
        AuthType ApiSec
    </Location>
</VirtualHost>
<VirtualHost *:@PORT@>
    ServerName b.example
    <Location /orders>
        ApiSecEngine Off
    </Location>
</VirtualHost>
"""


def dump(server):
    """(exit code, lines, what stands on stderr)."""
    done = subprocess.run([server.program, "-f", server.conf_path, "-t", "-D", "DUMP_APISEC"], stdin=subprocess.DEVNULL,
                          env=server._environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
    return done.returncode, [json.loads(line) for line in done.stdout.decode().splitlines()], done.stderr.decode()


def of(lines, kind):
    return [line for line in lines if next(iter(line)) == kind]


# CLI-12
def test_dump_tells_findings_servers_stores_and_sections(store, make_server):
    server = make_server(CONF, start=False)
    with open(server.conf_path) as f:
        conf = f.read().splitlines()
    code, lines, said = dump(server)
    assert code == 0 and "Syntax OK" in said
    assert lines[0]["dump"] == 1 and lines[0]["findings"] == 1
    at = {"file": server.conf_path, "line": conf.index("        AuthType ApiSec") + 1}
    finding, = of(lines, "finding")
    assert finding.items() >= {**at, "finding": "authtype_alone", "severity": "warning"}.items()
    assert "ApiSecRequire" in finding["mend"] and finding["mend"] in said, "the log says the same"
    hosts = ["localhost", "a.example:%d" % server.port, "b.example:%d" % server.port]
    servers = {line["server"]: line for line in of(lines, "server")}
    assert set(servers) == set(hosts)
    assert [servers[host]["engine"] for host in hosts] == ["On", "On", "On"], "sections of the main server hold in all"
    stores = {line["host"]: line for line in of(lines, "store")}
    assert set(stores) == set(hosts)
    for line in stores.values():
        assert line["store"] == server.store and line["state"] == server.state
        assert line["master"] == "file:%s/master.key" % server.store
        if IS_ROOT:
            assert (line["user"], line["group"]) == (SERVER_USER, SERVER_GROUP)
    assert [(line["section"], line["host"], line["engine"]) for line in of(lines, "section")] == [
        ("<Location /orders>", hosts[0], "On"), (None, hosts[1], "DetectOnly"), ("<Location /orders>", hosts[2], "Off")]


# CLI-12, SEC-09: what -t refuses is dumped too, with the same exit code as without it
def test_dump_tells_what_is_refused(store, make_server):
    server = make_server(CONF, start=False)
    with open(store.file("master.key"), "w") as f:
        f.write("0" * 64 + "\n")
    code, lines, said = dump(server)
    assert code != 0
    kinds = {line["finding"]: line for line in of(lines, "finding")}
    assert kinds["store_unusable"]["severity"] == "error" and kinds["store_unusable"]["reason"] in said
    assert "0" * 64 not in said + json.dumps(lines)
    assert of(lines, "store"), "what is configured is told as well"


# CLI-12
def test_dump_is_asked_for_by_name_and_under_t_alone(store, make_server):
    server = make_server(CONF)
    assert server.configtest()[1].count("{") == 0
    server.stop()
    done = subprocess.run([server.program, "-f", server.conf_path, "-t", "-D", "DUMP_APISECS"], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, env=server._environment(), timeout=60)
    assert done.stdout == b""
