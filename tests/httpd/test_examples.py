"""conf/apisec.conf and conf/examples pass httpd -t; what pages show is run by test_guide.py."""

import glob
import os
import re

import pytest

from harness import SERVER_GROUP, TOP, Folder, Server, Store

pytestmark = pytest.mark.one_mpm


def examples():
    """(name, text) of each file."""
    for path in sorted(glob.glob(os.path.join(TOP, "conf/examples/*.conf"))) + [os.path.join(TOP, "conf/apisec.conf")]:
        with open(path) as seen:
            yield os.path.basename(path), seen.read()


EXAMPLES = dict(examples())
# Where an example's path leads in a test's folder.
MOVED = [("/var/lib/apisec", "lib"), ("/etc/apisec", "etc"), ("/usr/local/sbin", "sbin"), ("/srv/tenants", "htdocs"),
         ("/var/log/apache2", "logs")]
MODULES = {"ProxyPass": "proxy_http", "RemoteIPHeader": "remoteip", "SSLEngine": "ssl", "Header": "headers"}


def place(folder, text):
    """The example with paths of its own, and the stores and files that it names."""
    for old, new in MOVED:
        text = text.replace(old, folder.path(new))
    text = re.sub(r"/etc/apache2/tls/\w+\.pem", "@CERT@", text)
    text = re.sub(r"/etc/apache2/tls/\w+\.key", "@CERTKEY@", text)
    os.makedirs(folder.path("lib"), 0o755)
    for path in re.findall(r"file:(\S+\.txt)", text):
        folder.write(os.path.relpath(path, folder.root), "192.0.2.0/24\n2001:db8::/32\n")
    for block in re.split(r"(?=<VirtualHost)", text):
        for path in re.findall(r"^\s*ApiSecStore (\S+)", block, re.M):
            make_store(folder, path, re.search(r"^\s*ApiSecMasterKey (file|exec):(\S+)", block, re.M),
                       re.findall(r"^\s*ApiSecPlan (\S+)", block, re.M),
                       re.search(r"^\s*ApiSecMasterPassphrase exec:(\S+)", block, re.M),
                       re.findall(r"^\s*ApiSec(Api|Schema json|Schema xml) (?!none)(\S+)", block, re.M))
    return text


# What an example names, as short as it can be.
BUNDLES = {"Api": '{"openapi": "3.1.0", "info": {"title": "a", "version": "1"}, "paths": {}}', "Schema json": "{}",
           "Schema xml": '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="a"/></xs:schema>'}
KINDS = {"Api": "openapi", "Schema json": "json-schema", "Schema xml": "xsd"}


def make_store(folder, path, master, plans, passphrase, bundles):
    if os.path.exists(os.path.join(path, "store.db")):
        return
    options = []
    if master:
        key = master[2] if master[1] == "file" else folder.path("helper.key")
        os.makedirs(os.path.dirname(key), 0o755, exist_ok=True)
        options = ["--master-key", "file:" + key]
    store = Store(path, folder.path("state"))
    protect = []
    if passphrase:
        folder.write(os.path.relpath(passphrase[1], folder.root), "#!/bin/sh\necho correct horse battery\n", mode=0o700)
        options += ["--master-passphrase", "exec:" + passphrase[1]]
        protect = ["--protect"]
    store.ok(*options, "init", "--group", SERVER_GROUP, *protect)
    for plan in plans:
        store.ok(*options, "plan", "create", plan, "--limit", "calls rate=10/s by=key")
    for kind, name in bundles:
        store.ok(*options, "api", "import", name, folder.write("bundle", BUNDLES[kind]), "--kind", KINDS[kind])
    if master and master[1] == "exec":
        with open(key) as seen:
            name = os.path.relpath(master[2], folder.root)
            folder.write(name, "#!/bin/sh\necho %s\n" % seen.read().strip(), mode=0o700)


@pytest.mark.parametrize("name", EXAMPLES)
def test_example_passes_the_configuration_test(folder, name):
    text = place(folder, EXAMPLES[name])
    modules = set(re.findall(r"\w+", "".join(re.findall(r"^# modules: (.*)$", text, re.M))))
    modules |= {module for word, module in MODULES.items() if re.search(r"^\s*%s\b" % word, text, re.M)}
    # What an example says itself comes without the harness's own.
    text = re.sub(r"^LoadModule .*\n", "", text, flags=re.M)
    server = Server(folder, "LogLevel warn\n" + text, modules=sorted(modules), bare="ApiSecState" in text)
    code, said = server.configtest()
    assert code == 0, said
    assert "APISEC" not in said, said


# CLI-05, and the way that the guide for the first API shows
def test_an_example_with_a_mistake_would_fail():
    with Folder() as folder:
        text = place(folder, EXAMPLES["first-api.conf"]).replace("by=key", "by=kye")
        code, said = Server(folder, text).configtest()
        assert code != 0 and "kye" in said and "key, user" in said, said
