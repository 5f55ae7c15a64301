"""help: every command is explained from the tables, and every example works."""

import json
import os
import re
import secrets
import subprocess

import pytest

from harness import SERVER_GROUP, TOP, Folder, StateFile, Store
from harness.jws import EcKey, times, token

pytestmark = pytest.mark.slow  # sanitizers see the same code by other tests

with open(os.path.join(TOP, "apisecctl", "commands.def")) as table:
    USAGES = re.findall(r'^C\("([^"]*)"', table.read(), re.M)
COMMANDS = [re.match(r"[a-z]+(?: [a-z]+)*", usage).group(0) for usage in USAGES]
HEADINGS = ["usage: ", "options of all commands:", "example: ", "exit codes: 0 done; 1 failed; 2 usage; 3", "see also: "]


def rows():
    return json.loads(Store.call("help", "--json").out)


def test_the_table_is_read():
    assert len(COMMANDS) > 20 and "key create" in COMMANDS and "explain" in COMMANDS


def test_help_names_every_command():
    text = Store.call("help")
    assert text.rc == 0 and text.err == ""
    for command in COMMANDS:
        assert re.search(r"^  %s +\S" % command, text.out, re.M), command
    assert "exit codes: 0" in text.out and "--json" in text.out
    assert text.out == Store.call("--help").out == Store.call("-h").out == Store.call("help", "--help").out


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_is_the_same_by_every_way(command):
    text = Store.call("help", *command.split())
    assert text.rc == 0 and text.err == ""
    assert text.out.startswith("usage: apisecctl " + command)
    places = [text.out.find(heading) for heading in HEADINGS]
    assert -1 not in places and places == sorted(places), places
    if command == "help":
        return
    for words in (command.split() + ["--help"], ["-h"] + command.split(), command.split() + ["surplus", "--yes", "-h"]):
        assert Store.call(*words) == text, words


def test_help_of_a_noun_lists_its_verbs():
    for words in (["help", "key"], ["key", "--help"]):
        out = Store.call(*words).out
        assert "key rotate" in out and "role create" not in out


@pytest.mark.parametrize("words, meant", [(["frobnicate"], None), (["kye"], "key"), (["key", "crate"], "create"),
                                          (["key", "frobnicate"], None), (["status", "x"], None), (["ke", "create"], "key")])
def test_help_of_nothing_known_is_a_usage_error(words, meant):
    result = Store.call("help", *words)
    assert (result.rc, result.out) == (2, "") and '"%s"' % " ".join(words) in result.err
    assert ("(did you mean %s?)" % meant in result.err) if meant else ("did you mean" not in result.err)


def test_help_as_json_is_the_table():  # CLI-05
    found = rows()
    assert [row["command"] for row in found] == COMMANDS and [row["usage"] for row in found] == USAGES
    for row in found:
        assert row["text"] and row["example"].startswith("apisecctl ")
        assert set(row["options"]) == set(re.findall(r"--[a-z-]+", row["usage"]))
        assert row["see_also"] and set(row["see_also"]) <= set(COMMANDS) - {row["command"]}


def test_every_option_of_a_usage_is_explained():
    for row in rows():
        text = Store.call("help", *row["command"].split()).out
        for option in row["options"]:
            assert re.search(r"^  %s\b.* \S" % option, text, re.M), (row["command"], option)


def test_lines_are_no_longer_than_a_terminal():
    for words in [["help"]] + [["help"] + command.split() for command in COMMANDS]:
        for line in Store.call(*words).out.splitlines():
            assert len(line) <= 80 or line.startswith("example: "), line


# A public key and a certificate of it.
KEYS = ("genpkey -algorithm ed25519 -out shop-1.pem", "pkey -in shop-1.pem -pubout -out shop-1.pub",
        "req -x509 -key shop-1.pem -subj /CN=shop-1 -out shop-1.crt")
# The two halves of who can open a backup.
RECIPIENT = ("genpkey -algorithm X25519 -out backup.key", "pkey -in backup.key -pubout -out backup.pub")

# What has to be done before an example, where shop() is not enough for it.
FIRST = {
    "role create": ["role delete reader --yes"],
    "role grant": ["role revoke reader 'GET,HEAD /items/**'"],
    "key create": ["key set shop-1 --name other"],
    "plan create": ["plan delete gold --yes"],
    "limit grant": ["key set shop-1 --plan gold"],
    "limit reset": ["key set shop-1 --plan gold"],
    "key delete": ["key revoke shop-1"],
    "key signer add": ["key signer delete shop-1-a --yes"],
    "webhook add": ["webhook delete payments --yes"],
    "issuer add": ["issuer delete acme --yes"],
    "api import": ["api remove shop --yes"],
    "restore": ["backup shop.backup --to backup.pub"],
    "import": ["export | tee config.json"],
    "master retire": ["master rotate"],
    "pepper retire": ["pepper rotate", "key revoke shop-1", "key delete shop-1 --yes"],
}


OPENAPI = """openapi: 3.1.0
info: {title: Shop, version: '1'}
paths:
  /orders:
    get: {responses: {'200': {description: all of them}}}
"""


@pytest.fixture(scope="module")
def made():
    """The store that each example has a copy of."""
    with Folder() as place:
        store = Store(place.path("store"), place.path("state"))
        store.init()
        fill(store, place.write("openapi.yaml", OPENAPI))
        yield store


def fill(store, description):
    store.json("api", "import", "shop", description)
    store.role_create("reader", ["GET,HEAD /items/**", "GET /orders/**"])
    store.role_create("writer", "POST /orders")
    store.json("plan", "create", "gold", "--limit", "calls rate=1/s by=key", "--limit", "daily quota=9/day by=user")
    store.key_create("shop-1", role="writer")
    store.json("key", "signer", "add", "shop-1", "--keyid", "shop-1-a", "--alg", "hmac-sha256", "--generate")
    store.json("key", "certificate", "add", "shop-1", "--san-dns", "shop.example")
    store.json("webhook", "add", "payments", "--scheme", "stripe", input=secrets.token_hex(32))
    store.json("secret", "set", "ledger", "--generate")
    store.json("issuer", "add", "acme", "--issuer", "https://login.example", "--audience", "https://api.example")


@pytest.fixture
def shop(made, folder):
    folder.write("openapi.yaml", OPENAPI)
    subprocess.run(["cp", "-a", made.path, folder.path("store")], check=True)
    return Store(folder.path("store"), folder.path("state"))


@pytest.mark.parametrize("command", COMMANDS)
def test_examples_work(shop, folder, command):
    """As they stand, in a shell; only the store is another one."""
    (example,) = [row["example"] for row in rows() if row["command"] == command]
    env = dict({k: v for k, v in os.environ.items() if not k.startswith("APISEC_")},
               APISEC_STORE=shop.path, APISEC_STATE=shop.state)
    env["PATH"] = os.path.dirname(Store.program) + os.pathsep + env["PATH"]
    folder.write("keys.csv", "name,key,roles\nold-1,%s,reader\n" % secrets.token_hex(32), 0o600)
    folder.write("token.txt", token({"alg": "RS256"}, dict(times(), iss="https://login.example")), 0o600)
    folder.write("access.log", '192.0.2.7 - - [31/Jan/2027:12:00:00 +0000] "GET / HTTP/1.1" 200 5\n')
    folder.write("audit.log", '{"v":1,"method":"GET","path":"/shop/a","status":200,"decision":"allow","reason":"allow"}\n')
    for name in ("payments.secret", "ledger.secret", "new.secret"):
        folder.write(name, secrets.token_hex(32) + "\n", 0o600)
    signer = EcKey(folder, "signer")
    shop.json("issuer", "add", "own", "--issuer", "https://own.example", "--audience", "https://api.example", "--jwks", "-",
              input=json.dumps(signer.jwk()))
    folder.write("good.txt", signer.token({"typ": "at+jwt"}, dict(times(), iss="https://own.example", aud="https://api.example", sub="a",
                                                                  client_id="b", jti="c")), 0o600)
    helper = folder.write("passphrase", "#!/bin/sh\necho correct horse battery\n", 0o700)
    for line in KEYS if "shop-1." in example else RECIPIENT if "backup" in example else ():
        subprocess.run(["openssl", *line.split()], cwd=folder.root, check=True, stderr=subprocess.DEVNULL)
    StateFile(shop.state, shop).limit("calls rate=10/s by=key").write()
    example = example.replace("/etc/apisec/shop", folder.path("another")).replace("www-data", SERVER_GROUP).replace("/usr/local/sbin/passphrase", helper)
    example = example.replace("0123456789abcdef", shop.json("master", "list")[0]["id"])
    for line in ["apisecctl " + words for words in FIRST.get(command, [])] + [example]:
        done = subprocess.run(["sh", "-c", line], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, cwd=folder.root, timeout=60)
        assert done.returncode == 0 and done.stdout and not done.stderr, (line, done)
