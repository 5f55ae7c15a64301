"""Where the master key and its passphrase come from: descriptors, credentials, files under a passphrase."""

import os
import re
import stat

import pytest

from harness import Store
from harness.terminal import Terminal

pytestmark = pytest.mark.slow  # each passphrase costs what it should; sanitizers see the same by the unit tests

PASSPHRASE = "correct horse battery"
# The form that is documented, with what SEC-10 asks for by default.
LINE = re.compile(r"apisec-master-1\$scrypt\$n=131072,r=8,p=1\$[0-9a-f]{32}\$[0-9a-f]{24}\$[0-9a-f]{96}\n")


def key_of(store):
    with open(store.file("master.key")) as seen:
        return seen.read()


def move(store, path):
    """The key's text; the file is at `path` from now on."""
    text = key_of(store)
    os.rename(store.file("master.key"), path)
    return text


def passphrase_of(folder, text=PASSPHRASE, name="pass"):
    return "file:" + folder.write(name, text + "\n", 0o600)


def on_pipe(text):
    """A descriptor from which the text can be read once."""
    end, into = os.pipe()
    os.write(into, text.encode())
    os.close(into)
    return end


def test_a_descriptor_gives_the_key(store, folder):  # SEC-08
    path = folder.path("moved")
    text = move(store, path)
    with open(path) as file:
        file.read()  # whoever shares it may have read it before
        source = "--master-key=fd:%d" % file.fileno()
        for _ in range(2):
            assert store.run(source, "status", pass_fds=[file.fileno()]).rc == 0
    end = on_pipe(text)
    try:
        assert store.run("--master-key=fd:%d" % end, "status", pass_fds=[end]).rc == 0
        empty = store.run("--master-key=fd:%d" % end, "status", pass_fds=[end])
        assert empty.rc == 2 and "fd:%d" % end in empty.err
    finally:
        os.close(end)
    closed = store.run("--master-key=fd:77", "status")
    assert closed.rc == 3 and "fd:77" in closed.err and "77<" in closed.err


def test_a_credential_gives_the_key(store, folder):  # SEC-08, SEC-09
    text = move(store, folder.path("moved"))
    os.mkdir(folder.path("cred"), 0o700)
    folder.write("cred/apisec.key", text, 0o400)
    env = {"CREDENTIALS_DIRECTORY": folder.path("cred")}
    assert store.run("--master-key=credential:apisec.key", "status", env=env).rc == 0
    none = store.run("--master-key=credential:apisec.key", "status")
    assert none.rc == 3 and "CREDENTIALS_DIRECTORY" in none.err and "LoadCredential=apisec.key:" in none.err
    other = store.run("--master-key=credential:other", "status", env=env)
    assert other.rc == 3 and folder.path("cred/other") in other.err
    os.chmod(folder.path("cred"), 0o777)
    unsafe = store.run("--master-key=credential:apisec.key", "status", env=env)
    assert unsafe.rc == 1 and folder.path("cred") in unsafe.err
    # The environment names a folder, and never a key.
    assert store.run("status", env={"APISEC_MASTER_KEY": text, "MASTER_KEY": text}).rc == 3


def test_a_store_is_made_with_a_key_from_elsewhere(new_store, folder):  # SEC-08
    with open(folder.write("key", "c0" * 32, 0o600)) as file:
        source = "fd:%d" % file.fileno()
        made = new_store.run("--json", "--master-key", source, "init", "--group", str(os.getgid()), pass_fds=[file.fileno()])
        assert made.rc == 0 and '"master_key": "%s"' % source in made.out.replace('":"', '": "'), made
        assert not os.path.exists(new_store.file("master.key"))
        assert new_store.run("--master-key", source, "status", pass_fds=[file.fileno()]).rc == 0
    assert new_store.run("init", "--protect", "--master-key", "fd:9").rc == 2


def test_a_key_file_goes_under_a_passphrase_and_back(store, folder):  # SEC-10
    before, source = key_of(store), passphrase_of(folder)
    shown = store.json("master", "protect", "--new-passphrase", source)
    assert shown == {"master_key": store.file("master.key"), "passphrase": "scrypt"}
    text = key_of(store)
    assert LINE.fullmatch(text) and before.strip() not in text
    assert stat.S_IMODE(os.stat(store.file("master.key")).st_mode) == 0o600
    assert sorted(os.listdir(store.path)) == ["master.key", "pub", "store.db"]
    assert store.run("--master-passphrase", source, "status").rc == 0

    silent = store.run("status")
    assert silent.rc == 2 and "--master-passphrase fd:N" in silent.err
    wrong = store.run("--master-passphrase", passphrase_of(folder, "correct horse batterz", "wrong"), "status")
    assert wrong.rc == 1 and wrong.err.count("\n") == 1 and store.file("master.key") in wrong.err
    assert "the passphrase does not open it" in wrong.err and "batterz" not in wrong.err

    # Another passphrase, from a pipe; what new stores cost less to open is for tests alone.
    end = on_pipe("another passphrase of mine")
    done = store.run("--master-passphrase", source, "master", "protect", "--kdf", "pbkdf2-sha256", "--new-passphrase", "fd:%d" % end,
                     pass_fds=[end])
    os.close(end)
    assert done.rc == 0 and key_of(store).startswith("apisec-master-1$pbkdf2-sha256$i=600000$"), done
    assert store.run("--master-passphrase", source, "status").rc == 1
    other = passphrase_of(folder, "another passphrase of mine", "other")
    assert store.json("--master-passphrase", other, "master", "unprotect")["passphrase"] is None
    assert key_of(store) == before

    # Who gives a passphrase expects a file that is under one.
    plain = store.run("--master-passphrase", other, "status")
    assert plain.rc == 1 and "under no passphrase" in plain.err
    assert store.run("status").rc == 0


def test_init_may_put_the_new_key_under_a_passphrase(new_store, folder):  # SEC-10
    source = passphrase_of(folder)
    new_store.ok("--master-passphrase", source, "init", "--group", str(os.getgid()), "--protect", "--kdf", "pbkdf2-sha256")
    assert key_of(new_store).startswith("apisec-master-1$pbkdf2-sha256$")
    assert new_store.run("--master-passphrase", source, "role", "create", "reader").rc == 0
    assert new_store.run("role", "list").rc == 2
    # What messages tell to run names the passphrase's source too.
    lost = Store.call("--master-passphrase", source, "--store", folder.path("none"), "status")
    assert lost.rc == 3 and "--master-passphrase " + source in lost.err


def test_a_killed_init_is_finished_with_the_key_that_is_there(new_store, folder):
    source = passphrase_of(folder)
    protect = ("init", "--group", str(os.getgid()), "--protect", "--kdf", "pbkdf2-sha256")
    new_store.ok("--master-passphrase", source, *protect)
    os.unlink(new_store.file("store.db"))
    again = new_store.run("--master-passphrase", source, *protect)
    assert again.rc == 4 and "without --protect" in again.err
    new_store.ok("--master-passphrase", source, *protect[:3])
    assert new_store.run("complete", "role show ") == (0, "", "")  # to complete a word asks nobody


@pytest.mark.parametrize("words, rc, says", [
    (["master", "protect", "--new-passphrase", "hunter2"], 2, "credential:NAME"),
    (["master", "protect", "--new-passphrase", "env:PASS"], 2, "credential:NAME"),
    (["--master-passphrase", "hunter2", "status"], 2, "credential:NAME"),
    (["master", "protect", "--kdf", "md5", "--new-passphrase", "fd:3"], 2, "argon2id"),
    (["master", "protect"], 2, "--new-passphrase fd:N"),
    (["--master-key", "exec:/bin/true", "master", "protect"], 2, "file:PATH"),
    (["init", "--kdf", "scrypt"], 2, "--protect"),
    (["master", "protect", "--new-passphrase", "exec:/bin/echo"], 2, "white space"),
])
def test_mistakes_change_nothing(store, words, rc, says):
    before = key_of(store)
    result = store.run(*words)
    assert result.rc == rc and says in result.err and "hunter2" not in result.err, result
    assert key_of(store) == before and store.run("status").rc == 0


def test_a_short_passphrase_is_refused(store, folder):  # SEC-10
    before = key_of(store)
    short = store.run("master", "protect", "--new-passphrase", passphrase_of(folder, "eleven byte"))
    assert short.rc == 2 and "11 bytes" in short.err and "eleven" not in short.err and key_of(store) == before


def test_costs_of_the_file_have_bounds(store, folder):  # SEC-10, SEC-11
    text = "apisec-master-1$pbkdf2-sha256$i=600000$%s$%s$%s\n" % ("0" * 32, "1" * 24, "2" * 96)
    for costs in ("i=599999", "i=10000001"):
        with open(store.file("master.key"), "w") as out:
            out.write(text.replace("i=600000", costs))
        result = store.run("--master-passphrase", passphrase_of(folder), "status")
        assert result.rc == 2 and costs in result.err and "want 600000 to 10000000" in result.err


def ask(store, *words, answers):
    """The command on a terminal, where each question is answered; -> exit code, what was seen."""
    screen = Terminal([Store.program, "--store", store.path, "--state", store.state, *words])
    for n, answer in enumerate(answers, 1):
        while screen.seen().count("(it is not shown): ") < n:
            assert screen.process.poll() is None, screen.seen()
        screen.type(answer + "\n")
    return screen.end()


def test_a_terminal_is_asked(store):  # SEC-10, CLI-01
    protect = ("master", "protect", "--kdf", "pbkdf2-sha256")
    code, seen = ask(store, *protect, answers=[PASSPHRASE, PASSPHRASE + "x"])
    assert code == 2 and "not the same" in seen and len(key_of(store)) == 65
    code, seen = ask(store, *protect, answers=[PASSPHRASE, PASSPHRASE])
    assert code == 0 and "apisec-master-1" in key_of(store) and PASSPHRASE not in seen
    code, seen = ask(store, "role", "create", "reader", answers=[PASSPHRASE])
    assert code == 0 and PASSPHRASE not in seen
    code, seen = ask(store, "role", "list", answers=["correct horse batterz"])
    assert code == 1 and "does not open it" in seen
