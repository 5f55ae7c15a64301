"""Roles: grants, denials, inheritance."""

import itertools

import pytest


def test_create_shows_what_was_made(store):
    store.role_create("base", "GET /items/**")
    made = store.json("role", "create", "reader", "--grant", "HEAD,GET /orders/**", "--grant", "orders:read",
                      "--deny", "* /orders/*/cost", "--inherit", "base")
    assert made["name"] == "reader" and made["inherits"] == ["base"]
    assert sorted(made["grants"]) == ["GET,HEAD /orders/**", "orders:read"]
    assert made["denies"] == ["* /orders/*/cost"]
    assert {"grant": "GET /items/**", "from": "base"} in made["effective"]
    assert {"deny": "* /orders/*/cost", "from": "reader"} in made["effective"]
    assert store.json("role", "show", "reader") == made


def test_effective_grants_are_flattened_with_their_origin(store):  # AZ-05
    store.role_create("a", "GET /a", denies="GET /a/x")
    store.role_create("b", "GET /b", inherit="a")
    store.role_create("c", "GET /c", inherit=["b"])
    effective = store.json("role", "show", "c")["effective"]
    assert {(e.get("grant"), e.get("deny"), e["from"]) for e in effective} == {
        ("GET /a", None, "a"), ("GET /b", None, "b"), ("GET /c", None, "c"), (None, "GET /a/x", "a")}
    own = store.json("role", "show", "c")
    assert own["grants"] == ["GET /c"] and own["denies"] == []


def test_grant_deny_revoke_change_one_entry(store):
    store.role_create("r")
    assert store.json("role", "grant", "r", "GET /a")["grants"] == ["GET /a"]
    assert store.json("role", "deny", "r", "POST /b")["denies"] == ["POST /b"]
    assert store.json("role", "revoke", "r", "GET /a")["grants"] == []
    assert store.json("role", "revoke", "r", "POST /b")["denies"] == []


def test_revoke_takes_any_spelling_of_the_entry(store):
    store.role_create("r", "GET,POST /a")
    assert store.json("role", "revoke", "r", "POST,GET /a")["grants"] == []


def test_the_same_grant_twice_conflicts(store):
    store.role_create("r", "GET,POST /a")
    for again in ("GET,POST /a", "POST,GET /a"):
        assert store.run("role", "grant", "r", again).rc == 4


def test_revoking_what_is_not_there_is_not_found(store):
    store.role_create("r", "GET /a")
    result = store.run("role", "revoke", "r", "GET /b")
    assert result.rc == 3 and "GET /b" in result.err


@pytest.mark.parametrize("command", [
    ["grant", "none", "GET /a"], ["deny", "none", "GET /a"], ["revoke", "none", "GET /a"], ["show", "none"],
    ["inherit", "none", "r"], ["inherit", "r", "none"], ["delete", "none", "--yes"],
    ["create", "x", "--inherit", "none"],
])
def test_a_role_that_is_not_there_is_named(store, command):
    store.role_create("r")
    before = store.json("changes")
    result = store.run("role", *command)
    assert (result.rc, result.out) == (3, "") and '"none"' in result.err, result
    assert store.json("changes") == before


def test_a_name_is_taken_once(store):
    store.role_create("r", "GET /a")
    result = store.run("role", "create", "r")
    assert (result.rc, result.out) == (4, "") and '"r"' in result.err
    assert store.json("role", "show", "r")["grants"] == ["GET /a"]


@pytest.mark.parametrize("grant, word", [
    ("", ""), ("GET", "GET"), ("/a", "/a"), ("FETCH /a", "FETCH"), ("get /a", "get"), ("GET a", "a"),
    ("GET /a//b", "/a//b"), ("GET /a/../b", ".."), ("GET /a?x=1", "?"), ("GET /a%2fb", "%"), ("GET /**/b", "**"),
    ("GET /a;b", ";"), ("GET,GET, /a", ""), ("orders:", "orders:"), (":read", ":read"), ("a:b:c", "a:b:c"),
    ("GET /" + "x" * 600, "at most"), ("GET /a\x01", ""), ("GET /\u202ea", ""),
])
def test_grants_that_cannot_be_read_are_refused_whole(store, grant, word):  # CLI-07
    store.role_create("r")
    before = store.json("changes")
    for command in (["role", "grant", "r", grant], ["role", "deny", "r", grant],
                    ["role", "create", "x", "--grant", grant]):
        result = store.run(*command)
        assert (result.rc, result.out) == (2, ""), (command, result)
        assert word in result.err and result.err.count("\n") == 1
    assert store.json("changes") == before
    assert store.run("role", "show", "x").rc == 3


@pytest.mark.parametrize("grant", ["GET /a/*/b*c", "* /**", "GET,HEAD,POST,PUT,PATCH,DELETE,OPTIONS /x", "GET /",
                                   "orders:read", "orders:*", "*:*", "GET /a'b\"c"])
def test_grants_of_every_form_are_kept(store, grant):
    shown = store.role_create("r", grant)["grants"]
    assert len(shown) == 1 and shown[0].split(" ")[-1] == grant.split(" ")[-1]


def test_inherit_after_creation(store):
    store.role_create("base", "GET /a")
    store.role_create("r")
    assert store.json("role", "inherit", "r", "base")["inherits"] == ["base"]


@pytest.mark.parametrize("roles", [["a"], ["a", "b"], ["a", "b", "c"]])
def test_a_cycle_is_refused(store, roles):  # AZ-05
    for name in roles:
        store.role_create(name)
    for child, parent in zip(roles, roles[1:]):
        store.ok("role", "inherit", child, parent)
    before = store.json("changes")
    result = store.run("role", "inherit", roles[-1], roles[0])
    assert (result.rc, result.out) == (4, ""), result
    for name in roles:
        assert name in result.err
    assert store.json("changes") == before


def test_deny_wins_whatever_the_order_of_entry(store):  # AZ-05
    steps = [["role", "grant", "r", "GET /a/**"], ["role", "deny", "r", "GET /a/x"], ["role", "inherit", "r", "p"]]
    for i, order in enumerate(itertools.permutations(steps)):
        role, parent = "r%d" % i, "p%d" % i
        store.role_create(parent, "GET /a/x")
        store.role_create(role)
        for step in order:
            store.ok(*[{"r": role, "p": parent}.get(word, word) for word in step])
        answer = store.json("explain", "--role", role, "GET /a/x", rc=5)
        assert answer["decision"] == "refuse" and answer["reason"] == "grant_denied"
        assert store.json("explain", "--role", role, "GET /a/y")["decision"] == "allow"


def test_list_is_in_order_of_name(store):
    for name in ("zeta", "alpha", "mid"):
        store.role_create(name, "GET /" + name)
    rows = store.json("role", "list")
    assert [row["name"] for row in rows] == ["alpha", "mid", "zeta"]
    assert rows[0] == store.json("role", "show", "alpha")


def test_list_of_nothing(store):
    assert store.json("role", "list") == []
    assert store.ok("role", "list").split() == ["NAME", "GRANTS", "DENIES", "INHERITS", "PLAN", "MAX_AGE", "WARN"]


def test_delete_refuses_a_role_in_use(store):
    store.role_create("base")
    store.role_create("child", inherit="base")
    store.role_create("held")
    store.key_create("bob", role="held")
    for role, user in (("base", "child"), ("held", "bob")):
        result = store.run("role", "delete", role, "--yes")
        assert result.rc == 4 and user in result.err, result
    store.ok("role", "delete", "child", "--yes")
    assert store.json("role", "delete", "base", "--yes") == {"name": "base", "deleted": True}
    assert [row["name"] for row in store.json("role", "list")] == ["held"]


def test_dry_run_deletes_nothing(store):  # CLI-11
    store.role_create("r", "GET /a")
    before = store.json("changes"), store.json("status")["generation"]
    assert store.json("role", "delete", "r", "--dry-run") == {"name": "r", "dry_run": True}
    assert store.run("role", "delete", "none", "--dry-run").rc == 3
    assert (store.json("changes"), store.json("status")["generation"]) == before
    assert store.run("role", "show", "r").rc == 0


def test_dry_run_takes_nothing_away(store):  # CLI-11
    store.role_create("r", ["GET /a", "GET /b"])
    before = store.json("changes"), store.json("status")["generation"]
    answer = store.json("role", "revoke", "r", "GET /a", "--dry-run")
    assert answer["dry_run"] is True and answer["grants"] == ["GET /b"]
    assert store.run("role", "revoke", "r", "GET /none", "--dry-run").rc == 3
    assert (store.json("changes"), store.json("status")["generation"]) == before
    assert "dry_run" not in store.json("role", "revoke", "r", "GET /a")
    assert store.json("role", "show", "r")["grants"] == ["GET /b"]
