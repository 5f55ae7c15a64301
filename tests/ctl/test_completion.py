"""Completion on the command line: what apisecctl offers, and what bash makes of it."""

import json
import os
import shlex
import shutil
import subprocess

import pytest

from harness import BUILD, TOP, Store

pytestmark = pytest.mark.slow  # sanitizers see the same code by other tests

BASH = shutil.which("bash")
SCRIPTS = os.path.join(TOP, "apisecctl", "completion")


@pytest.fixture
def shop(store):
    for role in ("reader", "writer", "read-only"):
        store.role_create(role)
    store.key_create("shop-1", role="reader")
    store.key_create("shop-2", role="reader")
    return store


def offered(store, *words, env=None):
    """What may stand for the last of these words."""
    return store.run("complete", "--", "\n".join(words), env=env)


def found(store, *words):
    result = offered(store, "--store", store.path, *words)
    assert result.rc == 0 and result.err == "", result
    return result.out.split("\n")[:-1]


def rows():
    return json.loads(Store.call("help", "--json").out)


def test_every_command_is_offered(folder):
    store = Store(folder.path("none"), folder.path("state"))
    names = [row["command"] for row in rows()]
    assert found(store, "") == list(dict.fromkeys(name.split()[0] for name in names))
    for noun in ("key", "plan", "role"):
        assert found(store, noun, "") == list(dict.fromkeys(name.split()[1] for name in names if name.startswith(noun + " ")))
        assert found(store, "help", noun, "") == found(store, noun, "")
    assert found(store, "help", "rol") == ["role"]
    assert found(store, "key", "cr") == ["create"] and found(store, "key", "x") == []


def test_every_option_of_a_command_is_offered(folder):
    store = Store(folder.path("none"), folder.path("state"))
    common = found(store, "--")
    assert "--json" in common and "--role" not in common
    for row in rows():
        assert sorted(found(store, *row["command"].split(), "-")) == sorted(common + row["options"]), row["command"]
    assert found(store, "key", "create", "x", "--ow") == ["--owner"]
    assert found(store, "key", "create", "--", "--ow") == []
    assert found(store, "--color", "") == ["auto", "always", "never"]
    assert found(store, "--color=a") == ["--color=auto", "--color=always"]


@pytest.mark.parametrize("words, names", [
    (["role", "show", ""], ["read-only", "reader", "writer"]), (["role", "show", "reader", ""], []),
    (["role", "inherit", "writer", "rea"], ["read-only", "reader"]), (["key", "show", "shop-"], ["shop-1", "shop-2"]),
    (["key", "create", ""], []), (["key", "create", "x", "--role", "w"], ["writer"]),
    (["key", "create", "x", "--role", "reader,w"], ["reader,writer"]), (["key", "set", "shop-1", "--role", "+w"], ["+writer"]),
    (["key", "set", "shop-1", "--role", "-r"], ["-read-only", "-reader"]),
    (["key", "set", "shop-1", "--role", "+writer,-re"], ["+writer,-read-only", "+writer,-reader"]),
    (["key", "create", "x", "--role", "read-"], ["read-only"]), (["key", "create", "x", "--role=w"], ["--role=writer"]),
    (["key", "create", "x", "--role", "=", "w"], ["writer"]), (["key", "create", "x", "--role", "="], ["read-only", "reader", "writer"]),
    (["key", "create", "x", "--owner", ""], []), (["--json", "role", "delete", "--yes", "w"], ["writer"]),
])
def test_names_come_from_the_store(shop, words, names):
    assert found(shop, *words) == names


def test_ids_are_offered_where_an_id_is_wanted(shop):
    ids = sorted(row["id"] for row in shop.json("key", "list"))
    assert sorted(found(shop, "explain", "--key-id", "")) == ids


def test_the_store_of_the_environment_counts(shop, folder):
    words = "role\nshow\nw"
    assert Store.call("complete", "--", words, env={"APISEC_STORE": shop.path}).out == "writer\n"
    assert Store.call("complete", "--", words, env={"APISEC_STORE": folder.path("none")}).out == ""


def test_what_cannot_be_read_is_passed_over_in_silence(shop):
    os.rename(shop.file("master.key"), shop.file("away"))
    result = offered(shop, "--store", shop.path, "role", "show", "")
    assert result == (0, "", "")


def test_no_program_runs_for_a_word(shop, folder):  # CLI-01
    program = folder.write("give", "#!/bin/sh\ntouch %s\ncat %s\n" % (folder.path("ran"), shop.file("master.key")), 0o755)
    assert offered(shop, "--store", shop.path, "--master-key", "exec:" + program, "role", "show", "") == (0, "", "")
    assert not os.path.exists(folder.path("ran"))
    assert shop.run("--master-key", "exec:" + program, "role", "list").rc == 0 and os.path.exists(folder.path("ran"))


@pytest.mark.parametrize("line", ["", "\n\n\n", "--", "=", "--=", "--role=", "\x1b[31m", "a" * 5000, "key\ncreate\n--role\n,,,",
                                  "key\ncreate\n--role\n-", "key\ncreate\n--role\n+", "-\n-", "help\nhelp\nhelp\nhelp\n"])
def test_odd_lines_are_no_trouble(shop, line):
    result = Store.call("complete", "--", line, env={"APISEC_STORE": shop.path})
    assert (result.rc, result.err) == (0, "")
    assert isinstance(json.loads(Store.call("complete", "--json", "--", line).out), list)


# ---- bash


def complete_in_bash(store, line, home=None):
    """COMPREPLY for a line that ends where the cursor is; as bash splits it, at blanks and =."""
    script = """
        source %s
        COMP_LINE=%s
        COMP_POINT=${#COMP_LINE}
        COMP_WORDS=(%s)
        COMP_CWORD=$(( ${#COMP_WORDS[@]} - 1 ))
        _apisecctl apisecctl "${COMP_WORDS[COMP_CWORD]}" ""
        printf '%%s\\n' "${COMPREPLY[@]}"
        complete -p apisecctl >&2
    """ % (shlex.quote(os.path.join(SCRIPTS, "apisecctl.bash")), shlex.quote(line),
           " ".join(shlex.quote(word) for word in line.replace("=", " = ").split(" ") if word or line.endswith(" ")))
    env = {"PATH": os.path.dirname(Store.program) + ":" + os.environ["PATH"], "APISEC_STORE": store.path, "LC_ALL": "C.UTF-8"}
    done = subprocess.run([BASH, "--norc", "--noprofile", "-c", script], env=env, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == 0, done
    assert done.stderr.startswith("complete ") and "-F _apisecctl apisecctl" in done.stderr, done
    return done.stdout.split()


@pytest.mark.skipif(BASH is None, reason="there is no bash here")
@pytest.mark.parametrize("line, words", [
    ("apisecctl ro", ["role"]), ("apisecctl key ro", ["rotate"]), ("apisecctl key create x --exp", ["--expires"]),
    ("apisecctl role show re", ["read-only", "reader"]), ("apisecctl key show ", ["shop-1", "shop-2"]),
    ("apisecctl key create x --role=w", ["writer"]), ("apisecctl key set shop-1 --role +w", ["+writer"]),
    ("apisecctl frobnicate ", []), ("apisecctl --color n", ["never"]),
])
def test_bash_completes(shop, line, words):
    assert complete_in_bash(shop, line) == words


@pytest.mark.skipif(shutil.which("zsh") is None, reason="there is no zsh here")
def test_zsh_reads_its_script():
    subprocess.run(["zsh", "-n", os.path.join(SCRIPTS, "_apisecctl")], check=True)


def test_both_scripts_are_installed(folder):
    subprocess.run(["make", "-s", "-C", os.path.join(BUILD, "apisecctl"), "install-data", "DESTDIR=" + folder.root],
                   check=True, stdout=subprocess.DEVNULL)
    made = {os.path.relpath(os.path.join(above, name), folder.root)
            for above, _, names in os.walk(folder.root) for name in names}
    for ending, script in (("bash-completion/completions/apisecctl", "apisecctl.bash"), ("zsh/site-functions/_apisecctl", "_apisecctl")):
        (path,) = [name for name in made if name.endswith("share/" + ending)]
        with open(folder.path(path)) as installed, open(os.path.join(SCRIPTS, script)) as source:
            assert installed.read() == source.read()
