"""The master key of httpd: inherited descriptors, credentials, passphrases; at start, at restarts, under -t."""

import os

import pytest

from harness import Folder, Server

pytestmark = [pytest.mark.one_mpm, pytest.mark.slow]

GOOD = """
ApiSecStore @STORE@
<Location "/orders">
    ApiSecEngine On
</Location>
"""
PASSPHRASE = "correct horse battery"


@pytest.fixture
def shop(store, folder):
    """The store with a key; the master key's text, which lies nowhere any more."""
    store.role_create("reader", ["GET /orders/**"])
    store.token = store.key_create("ci", role="reader")["key"]
    folder.write("htdocs/orders/7.json", "{}\n")
    with open(store.file("master.key")) as seen:
        store.master = seen.read()
    os.unlink(store.file("master.key"))
    return store


def memfd(text):
    fd = os.memfd_create("master")
    os.write(fd, text.encode())
    return fd


def answers(server, shop):
    return server.get("/orders/7.json", [("X-API-Key", shop.token)]).status


def lives(server, shop, often=True):
    """The configuration is good, and every start and restart has the key."""
    code, said = server.configtest()
    assert code == 0 and "APISEC" not in said, said
    server.start()
    assert answers(server, shop) == 200
    for again in (server.graceful, server.restart)[:2 if often else 1]:
        again()
        assert answers(server, shop) == 200


# SEC-08
def test_an_inherited_descriptor_is_read_at_each_restart(shop, folder, make_server):
    fd = memfd(shop.master)
    script = ("#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n'\nls -l /proc/self/fd | grep -c memfd:master\n"
              "[ -e /proc/self/fd/%d ] && echo open\nexit 0\n" % fd)
    folder.write("htdocs/cgi/fds", script, 0o755)
    log = folder.write("bin/log", "#!/bin/sh\nls -l /proc/$$/fd > %s\nexec cat\n" % folder.path("logs/fds"), 0o755)
    try:
        server = make_server('CustomLog "|%s" common\n' % log + GOOD + "ApiSecMasterKey fd:%d\n" % fd +
                             '<Directory "@DOCS@/cgi">\nOptions +ExecCGI\nSetHandler cgi-script\n</Directory>\n',
                             start=False, fds=[fd], modules=["cgi"])
        lives(server, shop)
        # No program inherits it: neither CGI nor that of a log.
        assert server.get("/cgi/fds").text.split() == ["0"]
        with open(folder.path("logs/fds")) as seen:
            assert "memfd:master" not in seen.read()
        # A key that was changed meanwhile is read as it is now.
        os.ftruncate(fd, 0)
        os.pwrite(fd, ("5e" * 32).encode(), 0)
        server.graceful()
        assert answers(server, shop) == 503
        os.pwrite(fd, shop.master.encode(), 0)
        server.graceful()
        assert answers(server, shop) == 200
    finally:
        os.close(fd)


# SEC-08: it could be read at the first start alone
def test_a_pipe_is_refused(shop, make_server):
    end, into = os.pipe()
    os.write(into, shop.master.encode())
    os.close(into)
    try:
        server = make_server(GOOD + "ApiSecMasterKey fd:%d\n" % end, start=False, fds=[end])
        code, said = server.configtest()
        assert code != 0 and "fd:%d" % end in said and "restart" in said and "credential:NAME" in said, said
    finally:
        os.close(end)
    server = make_server(GOOD + "ApiSecMasterKey fd:77\n", start=False)
    code, said = server.configtest()
    assert code != 0 and "fd:77" in said and "77<" in said, said
    server.start()
    assert answers(server, shop) == 503


# SEC-08, SEC-09
def test_a_credential_of_the_service_manager(shop, folder, make_server):
    os.mkdir(folder.path("cred"), 0o700)
    folder.write("cred/apisec.key", shop.master, 0o400)
    conf = GOOD + "ApiSecMasterKey credential:apisec.key\n"
    code, said = make_server(conf, start=False).configtest()
    assert code != 0 and "CREDENTIALS_DIRECTORY" in said and "LoadCredential=apisec.key:" in said, said
    lives(make_server(conf, start=False, env={"CREDENTIALS_DIRECTORY": folder.path("cred")}), shop)
    os.chmod(folder.path("cred/apisec.key"), 0o444)
    code, said = make_server(conf, start=False, env={"CREDENTIALS_DIRECTORY": folder.path("cred")}).configtest()
    assert code != 0 and "cred/apisec.key" in said and "chmod" in said, said


# SEC-10, SEC-15, SEC-16
def test_a_passphrase_opens_the_key(shop, folder, make_server):
    with open(shop.file("master.key"), "w") as out:
        os.fchmod(out.fileno(), 0o600)
        out.write(shop.master)
    helper = folder.write("bin/passphrase", "#!/bin/sh\necho '%s'\n" % PASSPHRASE, 0o700)
    wrong = folder.write("bin/wrong", "#!/bin/sh\necho correct horse batterz\n", 0o700)
    given = GOOD + "ApiSecMasterPassphrase %s\n"
    code, said = make_server(given % ("exec:" + helper), start=False).configtest()
    assert code != 0 and "under no passphrase" in said, said
    shop.ok("master", "protect", "--kdf", "pbkdf2-sha256", "--new-passphrase", "exec:" + helper)
    for conf, word in ((GOOD, "ApiSecMasterPassphrase"), (given % ("exec:" + wrong), "does not open it")):
        code, said = make_server(conf, start=False).configtest()
        assert code != 0 and word in said and "batterz" not in said, said
    fd = memfd(PASSPHRASE + "\n")
    try:
        server = make_server(given % ("fd:%d" % fd), start=False, fds=[fd])
        lives(server, shop, often=False)
        assert PASSPHRASE not in server.error_log() and shop.master.strip() not in server.error_log()
    finally:
        os.close(fd)


# SEC-08: a virtual host with a store of its own never tries the main server's passphrase
def test_a_passphrase_belongs_to_its_store(shop, folder, make_server):
    helper = folder.write("bin/passphrase", "#!/bin/sh\necho '%s'\n" % PASSPHRASE, 0o700)
    with open(shop.file("master.key"), "w") as out:
        os.fchmod(out.fileno(), 0o600)
        out.write(shop.master)
    conf = "ApiSecMasterPassphrase exec:%s\n<VirtualHost *:@PORT@>\n%s</VirtualHost>\n" % (helper, GOOD)
    server = make_server(conf)
    assert answers(server, shop) == 200


@pytest.mark.parametrize("line", ["ApiSecMasterPassphrase hunter2hunter2", "ApiSecMasterPassphrase env:PASS",
                                  "ApiSecMasterPassphrase credential:../x", "ApiSecMasterKey fd:2", "ApiSecMasterKey credential:" + "c0" * 32])
def test_mistakes_are_found_and_not_repeated(line):  # SEC-08
    with Folder() as folder:
        code, said = Server(folder, line + "\n").configtest()
        assert code != 0 and "fd:N, credential:NAME or exec:/ABSOLUTE/PATH" in said, said
        assert "hunter2" not in said and "c0c0" not in said, said
