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
