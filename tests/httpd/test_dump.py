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


NAMES = """
ApiSecStore @STORE@
ApiSecHosts server-names
<Location /a>
    ApiSecEngine On
    ApiSecApi shop
</Location>
<Location /b>
    ApiSecApi none
    ApiSecApi gone
</Location>
<Location /c>
    ApiSecApi order
</Location>
<Location /d>
    ApiSecSchema json order
</Location>
<Location /e>
    ApiSecSchema json lost
</Location>
"""


# CLI-12, POS-22: who names what is not there is told, and is not kept from starting: it may be imported later
def test_dump_tells_names_that_the_store_does_not_have(store, make_server, folder):
    shop = {"openapi": "3.1.0", "info": {"title": "Shop", "version": "1"}, "paths": {"/a": {
        "get": {"operationId": "one", "x-apisec-limit": "gold", "responses": {"200": {"description": ""}}},
        "put": {"operationId": "two", "x-apisec-limit": "gold", "responses": {"200": {"description": ""}}}}}}
    store.ok("api", "import", "shop", folder.write("shop.json", json.dumps(shop)))
    store.ok("api", "import", "order", folder.write("order.json", '{"type": "object"}'), "--kind", "json-schema")
    server = make_server(NAMES, start=False)
    code, lines, said = dump(server)
    found = [(line["finding"], line["severity"], line["reason"], line["mend"]) for line in of(lines, "finding")]
    assert code == 0 and [row[:2] for row in found] == [("plan_unknown", "warning"), ("api_unknown", "warning"), ("api_unknown", "warning"),
                                                       ("schema_unknown", "warning")], found
    assert 'x-apisec-limit of one names the plan "gold"' in found[0][2] and found[0][3] == "apisecctl plan create gold"
    assert found[1][2].startswith('ApiSecApi gone: the store has no openapi "gone"') and found[1][3] == "apisecctl api import gone FILE"
    assert 'the store has no openapi "order", that is json-schema' in found[2][2]
    assert found[3][2].startswith('ApiSecSchema json lost: the store has no json-schema "lost"') and found[3][2] in said
    store.ok("plan", "create", "gold", "--limit", "a rate=1/s by=key")
    assert "plan_unknown" not in [line["finding"] for line in of(dump(server)[1], "finding")]
