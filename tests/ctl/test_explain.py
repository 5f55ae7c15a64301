"""explain: the server's decision, with the rule and the role that it came from (CLI-13)."""

import json
import os
import sqlite3

import pytest

from harness import Store, wait_for


@pytest.fixture
def shop(store):
    store.role_create("base", ["GET /items/**", "items:read"], denies="* /items/secret")
    store.role_create("reader", "GET /orders/**", inherit="base")
    store.role_create("writer", ["POST /orders", "PUT /orders/*"])
    return store


def explain(store, request, *who):
    answer = store.run("--json", "explain", *who, request)
    assert answer.err == "" and answer.rc in (0, 5), answer
    found = json.loads(answer.out)
    assert found["decision"] == ("allow" if answer.rc == 0 else "refuse")
    assert found["steps"] and all(set(step) == {"step", "result", "role", "rule", "from", "detail"}
                                  for step in found["steps"])
    return found


@pytest.mark.parametrize("who, request_line, reason, status", [
    ("reader", "GET /orders/7", "allow", 200), ("reader", "HEAD /orders/7", "allow", 200),
    ("reader", "GET /orders", "allow", 200), ("reader", "GET /items/7/size", "allow", 200),
    ("reader", "GET /orders/7?view=full", "allow", 200), ("reader", "GET /%6Frders/7", "allow", 200),
    ("reader", "GET /items/secret", "grant_denied", 403), ("reader,writer", "POST /orders", "allow", 200),
    ("reader", "POST /orders", "grant_missing", 403), ("reader", "GET /other", "grant_missing", 403),
    ("reader", "DELETE /orders/7", "method_not_granted", 405), ("writer", "GET /Orders/7", "grant_missing", 403),
    ("reader", "GET /orders//7", "path_ambiguous", 400), ("reader", "GET /orders/../x", "path_ambiguous", 400),
    ("reader", "GET /orders/%2e%2e/x", "path_ambiguous", 400), ("reader", "GET /orders%2f7", "path_ambiguous", 400),
    ("reader", "GET /orders;x", "path_ambiguous", 400), ("reader", "GET /a%zz", "path_ambiguous", 400),
    ("reader", "FETCH /orders/7", "method_unknown", 501), ("reader", "get /orders/7", "method_unknown", 501),
    ("reader", "GET /orders/7?a=b&_method=DELETE", "method_override", 400), ("reader", "GET /orders/7?method=x", "allow", 200),
    ("reader", "TRACE /orders/7", "method_refused", 405), ("reader", "QUERY /orders/7", "method_unknown", 501),
])
def test_decisions_for_roles(shop, who, request_line, reason, status):  # AZ-01, AZ-02, AZ-03, AZ-05, NEG-02, CLI-13
    answer = explain(shop, request_line, "--role", who)
    assert (answer["reason"], answer["status"]) == (reason, status)
    assert answer["steps"][-1]["result"] == reason


def test_the_rule_and_the_role_it_was_written_in_are_named(shop):  # CLI-13, AZ-16
    step = explain(shop, "GET /items/7", "--role", "reader")["steps"][-1]
    assert (step["rule"], step["role"], step["from"]) == ("GET /items/**", "reader", "base")
    step = explain(shop, "GET /items/secret", "--role", "reader")["steps"][-1]
    assert (step["rule"], step["role"], step["from"]) == ("* /items/secret", "reader", "base")


def test_each_role_says_what_it_says(shop):
    steps = explain(shop, "POST /orders", "--role", "reader", "--role", "writer")["steps"]
    said = {step["role"]: step["result"] for step in steps if step["step"] == "role"}
    assert said == {"reader": "grant_missing", "writer": "allow"}


def test_405_names_what_is_granted(shop):  # AZ-02
    step = explain(shop, "DELETE /orders/7", "--role", "reader")["steps"][-1]
    for method in ("GET", "HEAD", "PUT"):
        assert method in step["detail"]
    assert "DELETE" not in step["detail"]


def test_a_key_that_may(shop):
    made = shop.key_create("bob", role="reader", limit="10/m")
    answer = explain(shop, "GET /orders/7", "--key-id", made["id"])
    assert answer["decision"] == "allow"
    assert [step["step"] for step in answer["steps"]] == ["method", "path", "key", "place", "limit", "role", "access"]
    assert "bob" in answer["steps"][2]["detail"] and "10/m" in answer["steps"][4]["detail"]


def test_the_life_of_a_key_is_judged(shop):  # KEY-11
    early = shop.key_create("early", role="reader", not_before="1d")
    assert explain(shop, "GET /orders", "--key-id", early["id"])["reason"] == "key_not_yet"
    gone = shop.key_create("gone", role="reader")
    shop.ok("key", "revoke", "gone")
    assert explain(shop, "GET /orders", "--key-id", gone["id"])["reason"] == "key_revoked"
    brief = shop.key_create("brief", role="reader", expires="1s")
    wait_for(lambda: explain(shop, "GET /orders", "--key-id", brief["id"])["reason"] == "key_expired")


def test_the_place_of_a_key_is_judged_where_it_is_named(shop):  # KEY-11, KEY-14, AZ-15
    made = shop.key_create("bob", role="reader", cidr="10.0.0.0/8", host="api.example.com")
    who = ["--key-id", made["id"]]
    assert explain(shop, "GET /orders", *who)["decision"] == "allow"
    assert explain(shop, "GET /orders", *who, "--address", "10.1.2.3")["decision"] == "allow"
    assert explain(shop, "GET /orders", *who, "--address", "::ffff:10.1.2.3")["decision"] == "allow"
    assert explain(shop, "GET /orders", *who, "--address", "192.0.2.1")["reason"] == "key_network"
    for host in ("api.example.com", "API.example.com", "api.example.com:8443"):
        assert explain(shop, "GET /orders", *who, "--host", host)["decision"] == "allow"
    assert explain(shop, "GET /orders", *who, "--host", "other.example.com")["reason"] == "key_host"


def test_changes_show_at_once(shop):  # AZ-06
    made = shop.key_create("bob", role="reader")
    before = explain(shop, "POST /orders", "--key-id", made["id"])
    assert before["reason"] == "grant_missing"
    shop.ok("key", "set", "bob", "--role", "+writer")
    after = explain(shop, "POST /orders", "--key-id", made["id"])
    assert after["decision"] == "allow" and after["generation"] > before["generation"]


@pytest.mark.parametrize("request_line", ["", "GET", "/orders", "GET orders", "GET /a /b", "GET  /a", " GET /a",
                                          "GET http://h/a"])
def test_a_malformed_question_is_refused(shop, request_line):
    result = shop.run("explain", "--role", "reader", "--", request_line)
    assert (result.rc, result.out) == (2, "") and "METHOD PATH" in result.err


def test_what_is_not_there_is_named(shop):
    for who in (["--role", "none"], ["--key-id", "AAAAAAAAAAAA"], ["--key-id", "x"]):
        result = shop.run("explain", *who, "GET /a")
        assert (result.rc, result.out) == (3, "") and who[1] in result.err


def test_either_a_key_or_roles(shop):
    made = shop.key_create("bob", role="reader")
    result = shop.run("explain", "--key-id", made["id"], "--role", "reader", "GET /a")
    assert (result.rc, result.out) == (2, "")


def test_a_malformed_address_is_refused(shop):
    made = shop.key_create("bob", role="reader")
    result = shop.run("explain", "--key-id", made["id"], "--address", "10.0.0", "GET /orders")
    assert (result.rc, result.out) == (2, "") and '"10.0.0"' in result.err


def test_people_see_a_table(shop):
    out = shop.run("explain", "--role", "reader", "GET /items/secret").out
    assert "decision    refuse" in out and "reason      grant_denied" in out
    assert "STEP" in out and "* /items/secret" in out


def steps(answer, name):
    return [(step["result"], step["role"], step["rule"], step["detail"]) for step in answer["steps"] if step["step"] == name]


def test_plan_and_limits_are_told_with_where_they_come_from(store):  # CLI-13
    store.json("plan", "create", "gold", "--limit", "calls rate=10/s by=key", "--limit", "daily quota=5/day by=user")
    store.json("plan", "create", "silver", "--limit", "calls rate=1/s by=key")
    store.json("role", "create", "a-role", "--grant", "GET /a", "--plan", "silver", "--priority", "1")
    store.json("role", "create", "b-role", "--grant", "GET /a", "--plan", "gold", "--priority", "2")
    bob = store.key_create("bob", role=["a-role", "b-role"])["id"]

    def ask(*who):
        return store.json("explain", "GET /a", *who)

    for who in (["--key-id", bob], ["--role", "b-role,a-role"]):
        answer = ask(*who)
        assert steps(answer, "plan") == [("ok", "b-role", None, "gold, of role b-role")]
        assert steps(answer, "limit") == [("not_judged", None, "calls rate=10/s by=key", "of plan gold"),
                                          ("not_judged", None, "daily quota=5/day zone=UTC by=user", "of plan gold")]
    store.ok("key", "set", "bob", "--override", "calls rate=7/s")
    assert steps(ask("--key-id", bob), "limit")[0] == ("not_judged", None, "calls rate=7/s by=key", "of the key's own")
    store.ok("key", "set", "bob", "--plan", "silver", "--limit", "9/m")
    answer = ask("--key-id", bob)
    assert steps(answer, "plan") == [("ok", None, None, "silver, of the key")]
    assert [step[3] for step in steps(answer, "limit")] == ["of the key's own", "the key's own limit is 9/m"]
    assert "gold, of role b-role" in store.ok("explain", "GET /a", "--role", "b-role")


def damage(store, sql):
    with sqlite3.connect(store.file("store.db")) as db:
        db.execute(sql)
    store.ok("publish")


def test_a_plan_that_is_lost_refuses(store):
    store.json("plan", "create", "gold", "--limit", "calls rate=10/s by=key")
    store.json("role", "create", "reader", "--grant", "GET /a", "--plan", "gold")
    bob = store.key_create("bob", role="reader")["id"]
    damage(store, "DELETE FROM plan")
    answer = store.json("explain", "GET /a", "--key-id", bob, rc=5)
    assert (answer["reason"], answer["status"]) == ("plan_unknown", 403)
    assert answer["steps"][-1]["step"] == "plan" and answer["steps"][-1]["detail"] == "gold, of role reader"
    (change,) = answer["changes"]
    assert change["command"].endswith("role set reader --plan none")
    assert os.system("%s/%s > /dev/null" % (os.path.dirname(Store.program), change["command"])) == 0
    assert store.json("explain", "GET /a", "--key-id", bob)["decision"] == "allow"


@pytest.mark.parametrize("damaged", ["calls rate=10/s by=me", "other rate=10/s by=key", "calls rate=10/s by=ip", ""])
def test_a_limit_that_cannot_be_read_refuses(store, damaged):
    store.json("plan", "create", "gold", "--limit", "calls rate=10/s by=key")
    store.role_create("reader", "GET /a")
    bob = store.key_create("bob", role="reader", plan="gold")["id"]
    assert store.json("explain", "GET /a", "--key-id", bob)["decision"] == "allow"
    damage(store, "UPDATE plan_limit SET text = '%s'" % damaged)
    answer = store.json("explain", "GET /a", "--key-id", bob, rc=5)
    assert answer["reason"] == "plan_unknown" and answer["changes"][0]["command"].endswith("key set %s --plan none" % bob)
