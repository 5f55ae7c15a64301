"""Descriptions and schemas: imported with the files that they refer to, looked at, replaced, removed."""

import hashlib
import json
import os
import sqlite3

import pytest

from harness import Store

SHOP = """openapi: 3.1.0
info: {title: Shop, version: '1.2'}
paths:
  /orders/{id}:
    parameters:
      - {name: id, in: path, required: true, schema: {type: integer}}
    get:
      operationId: getOrder
      responses:
        '200': {description: one, content: {application/json: {schema: {$ref: 'sub/order.yaml#/Order'}}}}
    put:
      deprecated: true
      requestBody: {required: true, content: {application/json: {schema: {$ref: 'sub/order.yaml#/Order'}}}}
      responses: {'204': {description: done}}
"""
ORDER = """Order:
  type: object
  required: [id]
  properties:
    id: {type: integer}
    of: {$ref: '#/Order'}
    item: {$ref: '../item.json'}
"""
ITEM = {"type": "string", "maxLength": 20}
SCHEMA = {"title": "Pet", "type": "object", "properties": {"name": {"type": "string", "format": "date"}}}
XSD = '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="a" type="xs:string"/></xs:schema>'


@pytest.fixture
def files(folder):
    folder.write("api/sub/order.yaml", ORDER)
    folder.write("api/item.json", json.dumps(ITEM))
    folder.write("api/pet.json", json.dumps(SCHEMA))
    folder.write("api/a.xsd", XSD)
    folder.write("outside.yaml", ORDER)
    folder.write("api/shop.yaml", SHOP)
    return folder


@pytest.fixture
def shop(store, files):
    store.json("api", "import", "shop", files.path("api/shop.yaml"))
    return store


def refused(store, rc, says, *args):
    before = store.json("changes")
    result = store.run(*args)
    assert (result.rc, result.out) == (rc, "") and says in result.err, result
    assert store.json("changes") == before
    return result.err


# ---- import


# POS-22
def test_what_was_imported_is_shown_and_published(store, files):
    made = store.json("api", "import", "shop", files.path("api/shop.yaml"))
    assert (made["name"], made["kind"], made["title"], made["version"]) == ("shop", "openapi", "Shop", "1.2")
    assert made["documents"] == 3 and made["changed"] is True and made["gaps"] == made["warnings"] == []
    with open(store.file("pub/api/" + made["digest"]), "rb") as block:
        text = block.read()
    assert hashlib.sha256(text).hexdigest() == made["digest"] and len(text) == made["bytes"]
    assert os.stat(store.file("pub/api/" + made["digest"])).st_mode & 0o7777 == 0o640
    shown = store.json("api", "show", "shop")
    assert [row["uri"] for row in shown["documents"]] == ["file:///shop.yaml", "file:///sub/order.yaml", "file:///item.json"]
    assert [(row["method"], row["path"], row["id"], row["deprecated"]) for row in shown["operations"]] == [
        ("GET", "/orders/{id}", "getOrder", False), ("PUT", "/orders/{id}", "PUT /orders/{id}", True)]
    (row,) = store.json("api", "list")
    assert row == {name: shown[name] for name in row}
    change = store.json("changes")[-1]
    assert (change["command"], change["subject"], change["old"]) == ("api import", "shop", None)
    assert change["new"]["digest"] == made["digest"]
    lines = [line.split() for line in store.ok("api", "list").splitlines()]
    assert lines[0] == ["NAME", "KIND", "TITLE", "VERSION", "BYTES", "CHANGED_AT"] and lines[1][:3] == ["shop", "openapi", "Shop"]


@pytest.mark.parametrize("name, kind", [("pet.json", "json-schema"), ("a.xsd", "xsd"), ("item.json", "json-schema")])
def test_kinds_are_told_apart(store, files, name, kind):  # POS-16
    made = store.json("api", "import", "x", files.path("api/" + name))
    assert made["kind"] == kind
    assert store.json("api", "import", "x", files.path("api/" + name), "--kind", kind)["changed"] is False
    refused(store, 4, 'is %s, and this is' % kind, "api", "import", "x", files.path("api/shop.yaml"))
    refused(store, 2, "want openapi, json-schema or xsd", "api", "import", "x", files.path("api/shop.yaml"), "--kind", "raml")


def test_documents_come_back_as_they_are_stored(shop, files):
    texts = shop.json("api", "show", "shop", "--documents")
    assert [row["uri"] for row in texts] == ["file:///shop.yaml", "file:///sub/order.yaml", "file:///item.json"]
    assert json.loads(texts[2]["text"]) == ITEM and json.loads(texts[0]["text"])["openapi"] == "3.1.0"
    shop.json("api", "import", "pet", files.path("api/pet.json"))
    assert json.loads(shop.ok("api", "show", "pet", "--documents")) == SCHEMA
    assert files.root not in json.dumps(texts)


def test_a_new_one_takes_the_place_of_the_old_as_a_whole(shop, files):  # POS-22
    old = shop.json("api", "show", "shop")
    assert shop.json("api", "import", "shop", files.path("api/shop.yaml"))["changed"] is False
    assert shop.json("api", "list")[0]["changed_at"] == old["changed_at"]
    files.write("api/item.json", json.dumps({"type": "string", "maxLength": 21}))
    made = shop.json("api", "import", "shop", files.path("api/shop.yaml"))
    assert made["changed"] is True and made["digest"] != old["digest"] and made["created_at"] == old["created_at"]
    assert set(os.listdir(shop.file("pub/api"))) == {old["digest"], made["digest"]}
    for bad, says in ((SHOP.replace("3.1.0", "2.0.0"), "2.0.0"), (SHOP.replace("integer", "colour"), "type: want"), ("a: [", "line 2"),
                      (SHOP.replace("sub/order", "sub/none"), "no such file"),
                      (SHOP.replace("type: integer", "type: string, x-apisec-url: [https://a.example, 'https://']"), 'x-apisec-url: URL rule "https://"')):  # POS-23
        files.write("api/shop.yaml", bad)
        result = shop.run("api", "import", "shop", files.path("api/shop.yaml"))
        assert result.rc in (2, 3) and says in result.err, result
        assert shop.json("api", "show", "shop")["digest"] == made["digest"]


def test_a_trial_changes_nothing(store, files):
    made = store.json("api", "import", "shop", files.path("api/shop.yaml"), "--dry-run")
    assert made["dry_run"] is True and made["documents"] == 3
    assert store.json("api", "list") == [] and os.listdir(store.file("pub")) == ["store.db"]


# POS-12
@pytest.mark.parametrize("ref, why", [("../outside.yaml#/Order", "above the folder"), ("https://evil.example/a.yaml#/Order", "nothing is fetched"),
                                      ("sub/link.yaml#/Order", "out of the folder"), ("link/outside.yaml#/Order", "out of the folder"),
                                      ("/etc/passwd", "relative paths"), ("sub/none.yaml", "no such file"), ("sub/fifo", "regular"),
                                      ("%2e%2e/outside.yaml#/Order", "out of the folder"), ("sub/%zz.yaml", "malformed"),
                                      ("file:///etc/passwd", "nothing is fetched")])
def test_nothing_is_read_outside_of_the_folder(store, files, ref, why):
    os.symlink(files.path("outside.yaml"), files.path("api/sub/link.yaml"))
    os.symlink(files.root, files.path("api/link"))
    os.mkfifo(files.path("api/sub/fifo"))
    files.write("api/shop.yaml", SHOP.replace("sub/order.yaml#/Order", ref))
    assert why in refused(store, 3, "was not followed", "api", "import", "shop", files.path("api/shop.yaml"))


def test_a_symlink_that_stays_within_is_followed(store, files):  # POS-12
    os.rename(files.path("api/item.json"), files.path("api/sub/real.json"))
    os.symlink("sub/real.json", files.path("api/item.json"))
    assert store.json("api", "import", "shop", files.path("api/shop.yaml"))["documents"] == 3


@pytest.mark.parametrize("rc, says, args", [(3, "cannot find it", ["import", "x", "/none/x.json"]), (2, "want 1 to 64", ["import", "a/b", "FILE"]),
                                            (3, "there is no API", ["show", "x"]), (3, "there is no API", ["remove", "x", "--yes"]),
                                            (3, "there is no API", ["coverage", "x"]), (2, "--file FILE", ["coverage"]),
                                            (2, "--yes", ["remove", "x"])])
def test_what_is_refused(store, files, rc, says, args):
    refused(store, rc, says, "api", *[files.path("api/pet.json") if word == "FILE" else word for word in args])


def test_one_is_removed(shop, files):
    assert shop.json("api", "remove", "shop", "--dry-run") == {"name": "shop", "dry_run": True}
    assert shop.json("api", "remove", "shop", "--yes") == {"name": "shop", "removed": True}
    assert shop.json("api", "list") == [] and shop.json("changes")[-1]["new"] is None
    with sqlite3.connect("file:%s?mode=ro" % shop.file("store.db"), uri=True) as db:
        assert db.execute("SELECT count(*) FROM api_source").fetchone() == (0,)


def test_an_xml_schema_brings_what_it_includes(store, files):  # POS-16, POS-22
    files.write("api/a.xsd", XSD.replace("<xs:element", '<xs:include schemaLocation="sub/b.xsd"/><xs:element'))
    assert "no such file" in refused(store, 3, "was not followed", "api", "import", "x", files.path("api/a.xsd"))
    files.write("api/sub/b.xsd", XSD.replace('name="a"', 'name="b"'))
    assert store.json("api", "import", "x", files.path("api/a.xsd"))["documents"] == 2
    files.write("api/a.xsd", XSD.replace("xs:string", "xs:colour"))
    refused(store, 2, "colour", "api", "import", "x", files.path("api/a.xsd"))
    assert len(store.json("api", "show", "x")["documents"]) == 2


# ---- validate, coverage


def test_a_file_is_validated_without_a_store(files):
    done = Store.call("api", "validate", files.path("api/shop.yaml"), "--json")
    seen = json.loads(done.out)
    assert done.rc == 0 and seen["valid"] is True and seen["faults"] == [] and seen["title"] == "Shop"
    files.write("api/shop.yaml", SHOP.replace("sub/order", "sub/none"))
    done = Store.call("api", "validate", files.path("api/shop.yaml"), "--json")
    seen = json.loads(done.out)
    assert (done.rc, done.err, seen["valid"]) == (5, "", False)
    assert seen["faults"][0].startswith("#/paths/~1orders~1{id}/") and "no such file" in seen["faults"][1]
    files.write("api/bad.json", '{"a": 1,\n "a": 2}')
    done = Store.call("api", "validate", files.path("api/bad.json"))
    assert done.rc == 5 and "bad.json: line 2: " in done.out
    assert Store.call("api", "validate", files.path("none.json")).rc == 3


def test_what_is_not_enforced_is_named(shop, files):  # POS-09
    assert shop.json("api", "coverage", "shop") == {"name": "shop", "kind": "openapi", "complete": True, "gaps": []}
    files.write("api/item.json", json.dumps({"type": "string", "format": "shout", "colour": 1}))
    made = shop.json("api", "import", "shop", files.path("api/shop.yaml"))
    for words in (["shop"], ["--file", files.path("api/shop.yaml")]):
        done = shop.run("--json", "api", "coverage", *words)
        seen = json.loads(done.out)
        assert done.rc == 5 and seen["complete"] is False and seen["gaps"] == made["gaps"]
        assert any('"shout"' in gap for gap in seen["gaps"]) and any('"colour"' in gap for gap in seen["gaps"])
    assert "what is not enforced:" in shop.run("api", "coverage", "shop").out


# ---- with the store


def test_a_backup_has_them_and_restoring_publishes_them(shop, folder, files):
    passphrase = folder.write("passphrase", "correct horse battery staple\n", 0o600)
    digest = shop.json("api", "show", "shop")["digest"]
    shop.ok("backup", folder.path("shop.backup"), "--passphrase", passphrase)
    shop.ok("api", "remove", "shop", "--yes")
    shop.ok("restore", folder.path("shop.backup"), "--passphrase", passphrase, "--over", "newer", "--yes")
    assert shop.json("api", "show", "shop")["digest"] == digest
    other = Store(folder.path("other"), shop.state)
    other.ok("restore", folder.path("shop.backup"), "--passphrase", passphrase, "--yes")
    assert os.listdir(other.file("pub/api")) == [digest]


def test_names_complete(shop):
    assert Store.call("complete", "--", "api\nshow\n", env={"APISEC_STORE": shop.path}).out.split() == ["shop"]


# ---- diff


def diff(store, files, text, name="shop"):
    files.write("api/new.yaml", text)
    done = store.run("--json", "api", "diff", name, files.path("api/new.yaml"))
    seen = json.loads(done.out)
    assert done.err == "" and done.rc == (5 if seen["breaking"] else 0), done
    assert seen["breaking"] == sum(row["breaks"] for row in seen["changes"])
    return [(row["change"], row["operation"], row["where"], row["breaks"]) for row in seen["changes"]]


GET, PUT = "GET /orders/{id}", "PUT /orders/{id}"
QUERY = "    get:\n      parameters: [{name: q, in: query, required: %s, schema: {type: string}}]\n"


@pytest.mark.parametrize("old, new, want", [
    ("", "", []),
    ("    put:", "    patch:", [("removed", PUT, None, True), ("added", "PATCH /orders/{id}", None, False)]),
    ("    get:\n", QUERY % "true", [("changed", GET, "query parameter q is new, and required", True)]),
    ("    get:\n", QUERY % "false", [("changed", GET, "query parameter q is new", False)]),
    ("{type: integer}", "{type: integer, maximum: 9}", [("changed", GET, "path parameter id: maximum takes less than before", True),
                                                        ("changed", PUT, "path parameter id: maximum takes less than before", True)]),
    ("{type: integer}", "{type: number}", []),
    ("'204'", "'202'", [("changed", PUT, "response 204 is gone", True), ("changed", PUT, "response 202 is new", False)]),
    ("required: true, content", "required: false, content", []),
    ("put:\n      deprecated: true", "put:", []),
    ("{application/json: {schema: {$ref: 'sub/order.yaml#/Order'}}}}\n    p", "{text/csv: {}}}\n    p",
     [("changed", GET, "response 200: application/json is gone", True), ("changed", GET, "response 200: text/csv is new", False)]),
])
def test_what_changes_and_what_breaks_is_told(shop, files, old, new, want):
    text = SHOP
    if "text/csv" in new:
        old, new = "content: {application/json: {schema: {$ref: 'sub/order.yaml#/Order'}}}}\n    put", "content: {text/csv: {}}}\n    put"
    assert old in text
    assert diff(shop, files, text.replace(old, new)) == want


def test_schemas_are_compared_by_what_they_are_for(shop, files):
    """What a body takes is to stay; what an answer gives is to be no more than it was."""
    files.write("api/item.json", json.dumps({"type": "string", "maxLength": 10}))
    assert diff(shop, files, SHOP) == [("changed", PUT, "body application/json/item: maxLength takes less than before", True)]
    files.write("api/item.json", json.dumps({"type": ["string", "null"], "maxLength": 20}))
    assert diff(shop, files, SHOP) == [("changed", GET, "response 200 application/json/item: type gives more than before", True)]
    files.write("api/item.json", json.dumps(ITEM))
    files.write("api/sub/order.yaml", ORDER.replace("[id]", "[id, item]"))
    assert diff(shop, files, SHOP) == [("changed", PUT, "body application/json/item: required takes less than before", True)]


@pytest.mark.parametrize("old, new, want", [
    ({"type": ["string", "integer"]}, {"type": "string"}, "type"), ({"enum": [1, 2]}, {"enum": [2]}, "enum"), ({}, {"enum": [2]}, "enum"),
    ({}, {"minLength": 1}, "minLength"), ({"minimum": 1}, {"minimum": 2}, "minimum"), ({}, {"pattern": "^a"}, "pattern"), ({}, {"x-apisec-url": "https://a.example"}, "x-apisec-url"),
    ({}, {"additionalProperties": False}, "additionalProperties"), ({"anyOf": [{}, {}]}, {"anyOf": [{}]}, "anyOf"),
    ({"allOf": [{}]}, {"allOf": [{}, {"type": "null"}]}, "allOf"), ({}, {"items": {"type": "string"}}, "/items: type"),
    ({"items": {}}, {"items": False}, "/items: false"), ({}, {"uniqueItems": True}, "uniqueItems"),
    ({"type": "string"}, {"type": ["string", "null"]}, None), ({"maxItems": 1}, {"maxItems": 2}, None), ({"enum": [1]}, {"enum": [1, 2]}, None),
    ({"required": ["a"]}, {}, None), ({"type": "integer"}, {"type": "number"}, None), ({"format": "date"}, {}, None)])
def test_what_a_schema_takes_less_of(store, files, old, new, want):
    store.json("api", "import", "x", files.write("api/old.json", json.dumps(old)))
    found = diff(store, files, json.dumps(new), "x")
    assert [row[2] for row in found] == ([want + " takes less than before" if want[0] == "/" else ": " + want + " takes less than before"] if want else [])


def test_only_what_is_alike_is_compared(store, files):
    store.json("api", "import", "x", files.path("api/a.xsd"))
    refused(store, 4, "only two descriptions", "api", "diff", "x", files.path("api/a.xsd"))
    refused(store, 3, "there is no API", "api", "diff", "y", files.path("api/a.xsd"))
