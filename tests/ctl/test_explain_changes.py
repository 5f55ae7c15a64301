"""explain: what would change the answer, and that the commands it tells really do (CLI-13)."""

import json
import os
import shlex
import subprocess

import pytest

from harness import Store, wait_for


@pytest.fixture
def shop(store):
    store.role_create("base", ["GET /items/**", "items:read"], denies="* /items/secret")
    store.role_create("reader", "GET /orders/**", inherit="base")
    store.role_create("writer", ["POST /orders", "PUT /orders/*"])
    store.role_create("plain", "GET /items/**")
    return store


def explain(store, request, *who):
    answer = store.run("--json", "explain", *who, request)
    assert answer.err == "" and answer.rc in (0, 5), answer
    found = json.loads(answer.out)
    assert all(set(change) == {"what", "command"} for change in found["changes"])
    return found


def commands(answer):
    return [change["command"] for change in answer["changes"] if change["command"] is not None]


def run(command, *more):
    """A command as a person would type it."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("APISEC_")}
    env["PATH"] = os.path.dirname(Store.program) + os.pathsep + os.environ["PATH"]
    line = " ".join([command] + [shlex.quote(word) for word in more])
    return subprocess.run(["sh", "-c", line], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def done(command, *more):
    result = run(command, *more)
    assert result.returncode == 0, (command, result)
    return result.stdout


REFUSALS = [  # request, what is said, the command that lifts it (behind the store)
    ("POST /orders", "role writer", "key set ID --role +writer"),
    ("POST /orders", "role reader", "role grant reader 'POST /orders'"),
    ("GET /other", "role reader", "role grant reader 'GET /other'"),
    ("GET /it's", "role reader", "role grant reader 'GET /it'\\''s'"),
    ("DELETE /orders/7", "role reader", "role grant reader 'DELETE /orders/7'"),
    ("GET /items/secret", "role base without its denial", "role revoke base '* /items/secret'"),
]


@pytest.mark.parametrize("request_line, says, command", REFUSALS)
def test_a_command_lifts_the_refusal(shop, request_line, says, command):  # CLI-13
    key = shop.key_create("bob", role="reader")
    who = ["--key-id", key["id"]]
    answer = explain(shop, request_line, *who)
    wanted = "apisecctl --store %s %s" % (shop.path, command.replace("ID", key["id"]))
    assert wanted in commands(answer), answer["changes"]
    assert any(says in change["what"] for change in answer["changes"] if change["command"] == wanted)
    done(wanted)
    assert explain(shop, request_line, *who)["decision"] == "allow"


def test_every_command_of_a_refusal_can_be_run_and_helps(shop):  # CLI-13
    for number, (request_line, _, _) in enumerate(REFUSALS):
        for which in range(4):
            key = shop.key_create("k%d.%d" % (number, which), role="reader")
            told = commands(explain(shop, request_line, "--key-id", key["id"]))
            if which < len(told) and " key set " in told[which]:
                done(told[which])
                assert explain(shop, request_line, "--key-id", key["id"])["decision"] == "allow"


def test_a_role_that_denies_it_is_none_that_helps(shop):
    key = shop.key_create("bob", role="writer")
    told = " ".join(commands(explain(shop, "GET /items/secret", "--key-id", key["id"])))
    assert "+plain" in told and "+base" not in told and "+reader" not in told


def test_a_denial_of_one_of_several_roles(shop):
    key = shop.key_create("bob", role=["reader", "plain"])
    told = commands(explain(shop, "GET /items/secret", "--key-id", key["id"]))
    leave = [command for command in told if command.endswith("--role -reader")]
    assert len(leave) == 1 and not any(command.endswith("-plain") for command in told)
    done(leave[0])
    assert explain(shop, "GET /items/secret", "--key-id", key["id"])["decision"] == "allow"


def test_a_denial_without_a_grant_behind_it_says_so(shop):
    shop.role_create("never", denies="GET /x")
    answer = explain(shop, "GET /x", "--role", "never")
    assert any("and a grant" in change["what"] for change in answer["changes"])
    for command in commands(answer):
        done(command)
    assert explain(shop, "GET /x", "--role", "never")["decision"] == "allow"


def test_405_names_the_methods_that_are_granted(shop):  # AZ-02
    changes = explain(shop, "DELETE /orders/7", "--role", "reader")["changes"]
    assert any("GET, HEAD, PUT" in change["what"] for change in changes)


def test_many_roles_that_would_do_are_counted(shop):
    for number in range(12):
        shop.role_create("r%02d" % number, "GET /many")
    changes = explain(shop, "GET /many", "--role", "reader")["changes"]
    assert sum(change["what"].startswith("role r") for change in changes) == 10
    assert any("2 more roles" in change["what"] for change in changes)


def test_asked_for_roles_the_question_is_put_again(shop):
    told = commands(explain(shop, "POST /orders", "--role", "reader"))
    again = [command for command in told if " explain " in command]
    assert len(again) == 1 and json.loads(done(again[0], "--json"))["decision"] == "allow"


def test_a_revoked_key_wants_a_new_one_like_it(shop):
    made = shop.key_create("bob", role=["reader", "writer"], owner="Bob's shop", org="Bob & Co", limit="10/m", scope="a,b",
                           cidr=["10.0.0.0/8", "2001:db8::/32"], host="api.example.com")
    shop.ok("key", "revoke", "bob")
    answer = explain(shop, "GET /orders", "--key-id", made["id"])
    (command,) = commands(answer)
    assert " key create bob-new " in command
    new = json.loads(done(command, "--json"))
    for field in ("owner", "org", "roles", "scopes", "cidrs", "hosts", "limit"):
        assert new[field] == made[field]
    assert explain(shop, "GET /orders", "--key-id", new["id"])["decision"] == "allow"


def test_times_of_a_key_name_the_command(shop):
    early = shop.key_create("early", role="reader", not_before="1d")
    answer = explain(shop, "GET /orders", "--key-id", early["id"])
    assert answer["reason"] == "key_not_yet" and early["not_before"] in answer["changes"][0]["what"]
    done(commands(answer)[0])
    assert explain(shop, "GET /orders", "--key-id", early["id"])["decision"] == "allow"
    brief = shop.key_create("brief", role="reader", expires="1s")
    wait_for(lambda: explain(shop, "GET /orders", "--key-id", brief["id"])["reason"] == "key_expired")
    answer = explain(shop, "GET /orders", "--key-id", brief["id"])
    assert brief["expires_at"] in answer["changes"][0]["what"]
    done(commands(answer)[0])
    assert explain(shop, "GET /orders", "--key-id", brief["id"])["decision"] == "allow"


def test_networks_and_hosts_that_are_allowed_are_named(shop):
    key = shop.key_create("bob", role="reader", cidr="10.0.0.0/8", host="api.example.com")
    who = ["--key-id", key["id"]]
    for option, value, allowed in (("--address", "192.0.2.1", "10.0.0.0/8"), ("--address", "2001:db8::1", "10.0.0.0/8"),
                                   ("--host", "b.example.com", "api.example.com")):
        answer = explain(shop, "GET /orders", *who, option, value)
        assert answer["decision"] == "refuse"
        assert value in answer["changes"][0]["what"] and allowed in answer["changes"][0]["what"]
        done(commands(answer)[0])
        assert explain(shop, "GET /orders", *who, option, value)["decision"] == "allow"


@pytest.mark.parametrize("path, meant", [
    ("/orders//7", "/orders/7"), ("/orders/./7", "/orders/7"), ("/x/../orders/7", "/orders/7"), ("/../orders/", "/orders/"),
    ("/orders%2f7", "/orders/7"), ("/orders%5C7", "/orders/7"), ("/orders\\7", "/orders/7"), ("/orders;v=1/7", "/orders/7"),
    ("/orders/%252e%252e/orders/7", "/orders/7"), ("/orders/a%zz", "/orders/a%25zz"), ("/orders/%2561", "/orders/a"),
    ("/..", "/"),
])
def test_an_ambiguous_path_is_written_plainly(shop, path, meant):  # NEG-02
    shop.role_create("all", "GET /**")
    answer = explain(shop, "GET " + path, "--role", "all")
    assert answer["reason"] == "path_ambiguous"
    assert answer["changes"][0]["what"].endswith("is written " + meant), answer["changes"]
    assert json.loads(done(commands(answer)[0], "--json"))["decision"] == "allow"


@pytest.mark.parametrize("path, rule", [("/a%00b", "no control byte"), ("/a%23b", "no number sign"),
                                        ("/a%3fb", "a question mark begins"), ("/a%ffb", "UTF-8")])
def test_a_path_that_nobody_can_guess_is_told_the_rule(shop, path, rule):  # NEG-02
    answer = explain(shop, "GET " + path, "--role", "reader")
    assert answer["reason"] == "path_ambiguous" and commands(answer) == []
    assert rule in answer["changes"][0]["what"]


def test_words_of_the_request(shop):
    for request, again in (("get /orders", "GET /orders"), ("GET /orders?a=1&_method=PUT", "GET /orders")):
        told = commands(explain(shop, request, "--role", "reader"))
        assert len(told) == 1 and told[0].endswith("'%s'" % again)
        assert json.loads(done(told[0], "--json"))["decision"] == "allow"
    for method in ("TRACE", "BREW"):
        answer = explain(shop, method + " /orders", "--role", "reader")
        assert commands(answer) == [] and "OPTIONS" in answer["changes"][0]["what"]


def test_what_would_end_an_allowed_request(shop):
    key = shop.key_create("bob", role=["plain", "base"], limit="10/m", cidr="10.0.0.0/8", host="a.example.com")
    answer = explain(shop, "GET /items/7", "--key-id", key["id"])
    said = "\n".join(change["what"] for change in answer["changes"])
    for text in (key["expires_at"], "10/m", "10.0.0.0/8", "a.example.com", "of role plain, together", "of role base, together"):
        assert text in said, said
    takes = [command for command in commands(answer) if " role revoke " in command]
    assert len(takes) == 2
    done(takes[0])
    assert explain(shop, "GET /items/7", "--key-id", key["id"])["decision"] == "allow"
    done(takes[1])
    assert explain(shop, "GET /items/7", "--key-id", key["id"])["decision"] == "refuse"


def test_people_see_a_block(shop):
    out = shop.run("explain", "--role", "reader", "GET /items/secret").out
    block = out.split("\n\nwhat would change it:\n")[1].splitlines()
    assert block[0].startswith("  role base without its denial")
    assert block[1] == "      apisecctl --store %s role revoke base '* /items/secret'" % shop.path


def test_a_store_that_no_option_names_is_not_named(shop):
    result = Store.call("explain", "--role", "reader", "GET /items/secret", env={"APISEC_STORE": shop.path})
    assert "      apisecctl role revoke base" in result.out
