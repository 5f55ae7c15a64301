"""--wait where no server is running; tests/httpd/test_wait.py has one."""

import pytest


@pytest.fixture
def shop(store):
    store.role_create("reader", "GET /a")
    store.key_create("ci", role="reader")
    return store


def test_without_a_state_file_the_change_is_made_and_the_wait_told_to_be_blind(shop):  # KEY-13
    result = shop.run("--json", "key", "revoke", "ci", "--wait")
    assert result.rc == 5 and '"status":"revoked"' in result.out, result
    assert result.err.count("\n") == 1
    for text in ("stored and published", "--wait", shop.state):
        assert text in result.err
    assert shop.json("key", "show", "ci")["status"] == "revoked"


def test_a_new_text_is_shown_whatever_comes_of_the_wait(shop):
    result = shop.run("key", "rotate", "ci", "--wait", "--timeout", "50ms")
    assert result.rc == 5 and "apisec_" in result.out and "apisec_" not in result.err


def test_a_failed_command_does_not_wait(shop):
    result = shop.run("key", "revoke", "nobody", "--wait")
    assert (result.rc, result.out) == (3, "") and "wait" not in result.err


def test_a_dry_run_does_not_wait(shop):
    assert shop.run("key", "revoke", "ci", "--dry-run", "--wait").rc == 0


@pytest.mark.parametrize("options, says", [
    (["--timeout", "3s"], "--timeout is for --wait"),
    (["--wait", "--timeout", "soon"], "soon"),
    (["--wait", "--timeout", "2h"], "at most 1h"),
    (["--wait=1"], "takes no value"),
])
def test_what_is_not_accepted_changes_nothing(shop, options, says):
    result = shop.run("key", "revoke", "ci", *options)
    assert (result.rc, result.out) == (2, "") and says in result.err, result
    assert shop.json("key", "show", "ci")["status"] == "active"


def test_all_that_publishes_changes_takes_it(shop):
    for command in (["role", "grant", "reader", "GET /b"], ["role", "deny", "reader", "GET /c"],
                    ["role", "revoke", "reader", "GET /b"], ["key", "set", "ci", "--owner", "x"], ["key", "revoke", "ci"],
                    ["key", "delete", "ci", "--yes"], ["role", "delete", "reader", "--yes"], ["publish"]):
        result = shop.run(*command, "--wait")
        assert result.rc == 5 and "stored and published" in result.err, (command, result)
