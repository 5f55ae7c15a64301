"""What people see on a terminal: colours, a pager for what is long, and never more than they should."""

import json
import os
import pwd
import re

import pytest

from harness import IS_ROOT, Store, Terminal, wait_for

pytestmark = pytest.mark.slow  # sanitizers see the same code by other tests

CODE = re.compile("\x1b\\[[0-9]*m")


@pytest.fixture
def shop(store):
    store.role_create("reader", "GET /orders/**")
    store.key_create("bob", role="reader", owner="J\u00f6rg")
    store.key_create("anna", role="reader")
    store.ok("key", "revoke", "anna")
    return store


@pytest.fixture
def long_list(store):
    for number in range(30):
        store.role_create("role%02d" % number)
    return store


def on_terminal(store, *args, env=None, rows=50, columns=200, keys="", **popen):
    screen = Terminal([Store.program, "--store", store.path, "--state", store.state, *args], env, rows, columns, **popen)
    if keys:
        screen.type(keys)
    return screen.end()


# ---- colours


def test_a_terminal_gets_colours_and_the_same_text(shop):
    for command in (["key", "list"], ["key", "show", "bob"], ["role", "show", "reader"], ["changes"],
                    ["explain", "--role", "reader", "GET /orders"], ["help"], ["help", "key", "create"]):
        plain = shop.run(*command, env={"TERM": "xterm"})
        coloured = shop.run(*command, "--color", "always")
        assert CODE.search(coloured.out) and "\x1b" not in plain.out, command
        assert CODE.sub("", coloured.out) == plain.out  # so columns stay aligned
        code, out = on_terminal(shop, "--no-pager", *command)
        assert CODE.search(out) and code == plain.rc


def test_words_of_a_status_have_their_colour(shop):
    out = shop.run("key", "list", "--color=always").out
    assert "\x1b[32mactive\x1b[0m" in out and "\x1b[31mrevoked\x1b[0m" in out
    out = shop.run("explain", "--role", "reader", "GET /x", "--color=always").out
    assert "\x1b[31mrefuse\x1b[0m" in out and "\x1b[32mok\x1b[0m" in out


@pytest.mark.parametrize("env", [{"NO_COLOR": "1"}, {"TERM": "dumb"}, {"TERM": None}, {"TERM": ""}])
def test_who_wants_no_colours_gets_none(shop, env):
    assert "\x1b" not in on_terminal(shop, "key", "list", env=env)[1]


def test_an_empty_no_color_says_nothing(shop):
    assert CODE.search(on_terminal(shop, "key", "list", env={"NO_COLOR": ""})[1])


def test_the_option_outweighs_what_is_around(shop):
    assert "\x1b" not in on_terminal(shop, "key", "list", "--color", "never")[1]
    assert CODE.search(shop.run("key", "list", "--color", "always", env={"NO_COLOR": "1", "TERM": "dumb"}).out)
    assert "\x1b" not in shop.run("key", "list", "--color", "auto", env={"TERM": "xterm"}).out


def test_json_has_no_colours(shop):  # CLI-05
    out = shop.run("key", "list", "--json", "--color", "always").out
    assert "\x1b" not in out and len(json.loads(out)) == 2
    assert "\x1b" not in on_terminal(shop, "key", "list", "--json")[1]


def test_another_word_for_colours_is_refused(shop):
    result = shop.run("key", "list", "--color", "alwasy")
    assert (result.rc, result.out) == (2, "")
    assert '"alwasy": want auto, always or never (did you mean always?)' in result.err


def test_colours_do_not_open_the_door_to_other_codes(shop):  # CLI-08
    code, out = on_terminal(shop, "explain", "--role", "reader", "GET /%E2%80%AEtxt/%C2%9B31m")
    assert code == 5 and "\\u{202e}txt/\\u{9b}31m" in out
    assert "\u202e" not in out and "\x9b" not in out and "\x1b" not in CODE.sub("", out)


# ---- the pager


def test_what_is_longer_than_the_screen_goes_through_the_pager(long_list):
    code, out = on_terminal(long_list, "role", "list", env={"PAGER": "sed 's/^/> /'"}, rows=10)
    assert code == 0 and len(re.findall("^> ", out, re.M)) == 31
    assert "role29" in out


def test_what_fits_does_not(long_list):
    code, out = on_terminal(long_list, "role", "list", env={"PAGER": "sed 's/^/> /'"}, rows=32)
    assert code == 0 and "> " not in out
    code, out = on_terminal(long_list, "role", "list", env={"PAGER": "sed 's/^/> /'"}, rows=31)
    assert code == 0 and "> " in out  # the prompt takes a row as well


def test_long_lines_take_several_rows(store):
    store.role_create("r", ["GET /" + "x" * 300 + "/%d" % n for n in range(3)])
    assert "> " in on_terminal(store, "role", "list", env={"PAGER": "sed 's/^/> /'"}, rows=12, columns=80)[1]
    assert "> " not in on_terminal(store, "role", "list", env={"PAGER": "sed 's/^/> /'"}, rows=14, columns=1000)[1]


@pytest.mark.parametrize("env, more", [({"PAGER": ""}, []), ({"PAGER": "cat"}, []),
                                       ({"PAGER": "sed 's/^/> /'"}, ["--no-pager"]), ({"PAGER": "/no/such/pager"}, []),
                                       ({"PATH": "/nowhere", "PAGER": None}, [])])
def test_without_a_pager_all_is_shown(long_list, env, more):
    code, out = on_terminal(long_list, "role", "list", *more, env=env, rows=10)
    assert code == 0 and "> " not in out
    assert all("role%02d" % number in out for number in range(30))


def test_less_is_the_pager_where_none_is_named(long_list):
    screen = Terminal([Store.program, "--store", long_list.path, "role", "list"], {"HOME": None, "PAGER": None}, rows=10)
    wait_for(lambda: "role07" in screen.seen(), what="the first screen")
    assert "role20" not in screen.seen()
    screen.type("q")
    code, out = screen.end()
    assert code == 0 and "role29" not in out


def test_who_leaves_the_pager_has_seen_enough(store):
    store.role_create("wide", ["GET /" + "y" * 480 + "/%d" % n for n in range(200)])
    code, out = on_terminal(store, "role", "show", "wide", env={"PAGER": "head -1"}, rows=10)
    assert code == 0 and len(out) < 2000


def test_an_interrupt_is_for_the_pager(long_list):
    env = {"PAGER": "trap 'echo caught; exit 0' INT; cat; echo ready; while :; do read x < /dev/tty; done"}
    screen = Terminal(["setsid", "-c", "-w", Store.program, "--store", long_list.path, "role", "list"], env, rows=10)
    wait_for(lambda: "ready" in screen.seen(), what="the pager")
    screen.type("\x03")
    code, out = screen.end()
    assert code == 0 and "caught" in out


def test_a_new_key_goes_to_the_terminal_alone(shop, folder):  # CLI-02
    seen = folder.path("seen")
    for command in (["key", "create", "new", "--role", "reader"], ["key", "rotate", "new"]):
        code, out = on_terminal(shop, *command, env={"PAGER": "tee " + seen}, rows=4)
        assert code == 0 and re.search(r"apisec_[A-Za-z0-9]{12}_", out)
        with pytest.raises(FileNotFoundError):
            open(seen)


def test_json_is_not_paged(long_list):
    code, out = on_terminal(long_list, "role", "list", "--json", env={"PAGER": "sed 's/^/> /'"}, rows=4)
    assert code == 0 and len(json.loads(out)) == 30


def test_a_pipe_is_not_paged(long_list):
    assert "> " not in long_list.ok("role", "list")


def test_less_opens_no_shell_and_no_file_of_a_home(long_list):
    env = {"PAGER": "echo $LESSSECURE$LESSHISTFILE"}
    assert on_terminal(long_list, "role", "list", env=env, rows=10)[1].strip() == "1-"


@pytest.mark.skipif(not IS_ROOT, reason="needs root, as sudo lends it")
def test_who_borrows_root_brings_no_pager(long_list):
    env = {"PAGER": "echo mine", "SUDO_UID": "1000", "SUDO_USER": "anna", "PATH": "/nowhere"}
    out = on_terminal(long_list, "role", "list", env=env, rows=10)[1]
    assert "mine" not in out and "role29" in out


# ---- whoever it is, wherever he lives


@pytest.mark.skipif(not IS_ROOT, reason="needs root, to be somebody else")
def test_an_account_without_a_home_has_all_of_it(folder):
    """Nobody, whose HOME is not there, has a store of his own; and sees nothing of another's."""
    account = pwd.getpwnam("nobody")
    who = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    os.mkdir(folder.path("his"), 0o700)
    os.chown(folder.path("his"), account.pw_uid, account.pw_gid)
    place = ["--store", folder.path("his", "store"), "--state", folder.path("state")]
    env = {"HOME": None, "PAGER": None, "USER": None}

    def on_his_terminal(*args, rows=50):
        screen = Terminal([Store.program, *place, *args], env, rows, 200, **who)
        return screen.end()

    assert on_his_terminal("init")[0] == 0
    for number in range(12):
        assert Store.call(*place, "role", "create", "role%02d" % number, "--grant", "GET /x", **who).rc == 0
    code, out = on_his_terminal("role", "list")
    assert code == 0 and CODE.search(out) and "role11" in out
    code, out = on_his_terminal("explain", "--role", "role00", "GET /y")
    assert code == 5 and "what would change it" in out
    assert Store.call(*place, "complete", "--", "--store\n%s\nrole\nshow\nrole1" % place[1], **who).out == "role10\nrole11\n"
    assert "see also:" in on_his_terminal("help", "key", "create", rows=200)[1]
    screen = Terminal([Store.program, *place, "role", "list"], env, 8, **who)
    wait_for(lambda: "role05" in screen.seen(), what="the first screen")
    screen.type("q")
    assert screen.end()[0] == 0


@pytest.mark.skipif(not IS_ROOT, reason="needs root, to be somebody else")
def test_a_store_that_an_account_cannot_read_offers_nothing(shop):
    account = pwd.getpwnam("nobody")
    who = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    assert Store.call("complete", "--", "--store\n%s\nrole\nshow\n" % shop.path, **who) == (0, "", "")
    result = Store.call("--store", shop.path, "role", "show", "raeder", **who)
    assert result.rc == 1 and "did you mean" not in result.err
