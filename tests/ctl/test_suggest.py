"""A role or a key that is not there: the one that was probably meant is named."""

import pytest


@pytest.fixture
def shop(store):
    for role in ("reader", "writer"):
        store.role_create(role, "GET /" + role)
    store.key_create("shop-1", role="reader")
    return store


@pytest.mark.parametrize("words, meant", [
    (["role", "show", "raeder"], "reader"), (["role", "grant", "raeder", "GET /x"], "reader"),
    (["role", "revoke", "wirter", "GET /writer"], "writer"), (["role", "inherit", "reader", "wrter"], "writer"),
    (["role", "delete", "readr", "--yes"], "reader"), (["role", "create", "x", "--inherit", "raeder"], "reader"),
    (["key", "create", "x", "--role", "writer,raeder"], "reader"), (["key", "set", "shop-1", "--role", "+wirter"], "writer"),
    (["key", "show", "shop1"], "shop-1"), (["key", "revoke", "shpo-1"], "shop-1"), (["key", "rotate", "Shop-1"], "shop-1"),
    (["explain", "--role", "raeder", "GET /x"], "reader"), (["explain", "--role", "reader,wirter", "GET /x"], "writer"),
])
def test_a_near_name_is_named(shop, words, meant):
    for form in ([], ["--json"]):
        result = shop.run(*form, *words)
        assert (result.rc, result.out) == (3, ""), result
        assert result.err.endswith(" (did you mean %s?)\n" % meant), result.err


@pytest.mark.parametrize("words", [
    ["role", "show", "quux"], ["key", "show", "quux"], ["explain", "--role", "quux", "GET /x"], ["role", "show", "x" * 5000],
    ["role", "revoke", "reader", "GET /nothing"], ["key", "show", ""], ["key", "set", "shop-1", "--role", "-writer"],
])
def test_nothing_near_names_nothing(shop, words):
    result = shop.run(*words)
    assert result.rc == 3 and "did you mean" not in result.err


def test_the_name_of_a_key_where_its_id_belongs(shop):
    key_id = shop.json("key", "show", "shop-1")["id"]
    for word in ("shop-1", key_id[:-1]):
        result = shop.run("explain", "--key-id", word, "GET /reader")
        assert (result.rc, result.out) == (3, "") and result.err.endswith(" (did you mean %s?)\n" % key_id)


def test_the_name_of_a_new_thing_is_no_slip(shop):
    result = shop.run("role", "create", "raeder", "--inherit", "quux")
    assert result.rc == 3 and "did you mean" not in result.err


def test_the_store_is_as_before(shop):
    before = shop.json("changes")
    shop.run("role", "grant", "raeder", "GET /x")
    assert shop.json("changes") == before


@pytest.mark.parametrize("words, rc, says", [
    (["role", "create", "reader"], 4, "role grant"), (["role", "grant", "reader", "GET /reader"], 4, "role revoke"),
    (["role", "revoke", "reader", "GET /x"], 3, "role show"), (["role", "show", "quux"], 3, "role list"),
    (["role", "grant", "quux", "GET /x"], 3, "role list"), (["role", "delete", "writer", "--yes"], 4, "key set --role -ROLE"),
    (["role", "inherit", "child", "reader"], 4, "role show"), (["role", "delete", "parent", "--yes"], 4, "role delete"),
    (["key", "show", "quux"], 3, "key list"), (["key", "set", "shop-1", "--role", "-writer"], 3, "key show shop-1"),
    (["key", "set", "shop-1", "--role", "+"], 2, "help key set"), (["key", "delete", "shop-1", "--yes"], 4, "key revoke"),
    (["key", "delete", "shop-1"], 2, "--yes"), (["explain", "--key-id", "AAAAAAAAAAAA", "GET /x"], 3, "key list"),
    (["init"], 4, "status"), (["help", "quux"], 2, "apisecctl help"), (["--master-key", "file:/nowhere", "key", "list"], 3, "--master-key"),
])
def test_a_refusal_names_the_next_command(shop, words, rc, says):
    shop.key_create("author", role="writer")
    shop.role_create("parent")
    shop.role_create("child", inherit=["parent", "reader"])
    result = shop.run(*words)
    assert (result.rc, result.out) == (rc, "") and says in result.err, result
