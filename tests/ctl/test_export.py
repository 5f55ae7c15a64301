"""export and import: the configuration without secrets, the same bytes for the same configuration; and back, by which
nothing comes to life that was ended and nothing is loosened unseen (CLI-14, SEC-15)."""

import hashlib
import json
import os
import subprocess

import pytest

from harness import Store
from killed import States

SECRET = "of-nobody-else-0123456789abcdef"
KINDS = ["plans", "roles", "keys", "issuers", "webhooks", "signers", "certificates", "apis", "secrets", "adjustments"]

BOOKS = """openapi: 3.1.0
info: {title: Books \u00fc, version: '1'}
paths:
  /books/{id}:
    parameters:
      - {name: id, in: path, required: true, schema: {type: integer}}
    get:
      responses: {'200': {description: one, content: {application/json: {schema: {$ref: 'sub/book.yaml#/Book'}}}}}
"""
BOOK = "Book: {type: object, properties: {title: {type: string, maxLength: 9}}}\n"
XSD = '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="a" type="xs:%s"/></xs:schema>\n'


@pytest.fixture
def shop(store, folder):
    """Something of each kind."""
    store.ok("plan", "create", "gold", "--limit", "calls rate=100/s by=key", "--limit", "daily quota=1000/day by=user",
             "--description", 'for "all"\u00fc')
    store.ok("role", "create", "base", "--grant", "GET /a/**", "--deny", "GET /a/secret")
    store.ok("role", "create", "writer", "--grant", "POST /a/**", "--inherit", "base", "--plan", "gold", "--priority", "7")
    store.ok("role", "set", "writer", "--max-age", "90d", "--warn", "14d")
    store.text = store.key_create("bob", role="writer")["key"]
    store.ok("key", "set", "bob", "--owner", "bob", "--org", "acme", "--scope", "a:read", "--cidr", "10.0.0.0/8", "--host", "a.example",
             "--limit", "10/s", "--override", "calls rate=5/s by=key")
    store.key_create("eve", role="base")
    store.ok("key", "revoke", "eve", "--reason", "leaked")
    store.ok("key", "create", "bait", "--decoy")
    store.ok("secret", "set", "pay", "--max-age", "90d", input=SECRET)
    store.ok("webhook", "add", "orders", "--scheme", "stripe", "--secret", "pay")
    store.ok("webhook", "add", "own", "--scheme", "github", input=SECRET + "-2")
    store.ok("issuer", "add", "acme", "--issuer", "https://acme.example", "--audience", "shop", "--role-claim", "groups:w=writer")
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", "s.key"], cwd=folder.root, check=True)
    subprocess.run(["openssl", "pkey", "-in", "s.key", "-pubout", "-out", "s.pub"], cwd=folder.root, check=True)
    store.ok("key", "signer", "add", "bob", "--keyid", "bob-a", "--alg", "ed25519", "--public", folder.path("s.pub"))
    store.ok("key", "signer", "add", "bob", "--keyid", "bob-b", "--alg", "hmac-sha256", input=SECRET + "-3")
    store.ok("key", "certificate", "add", "bob", "--san-dns", "bob.example")
    store.ok("limit", "grant", "bob", "+5", "--limit", "daily")
    folder.write("api/sub/book.yaml", BOOK)
    for name, text in (("books.yaml", BOOKS), ("a.xsd", XSD % "string"), ("pet.json", '{"title": "Pet", "type": "object"}')):
        store.ok("api", "import", name.split(".")[0], folder.write("api/" + name, text))
    return store


def bring(store, folder, document, *options, rc=0):
    text = document if isinstance(document, str) else json.dumps(document)
    return store.json("import", folder.write("config.json", text), "--yes", *options, rc=rc)


def refused(store, folder, document, says, rc=2):
    text = document if isinstance(document, str) else json.dumps(document)
    before = store.json("changes")
    result = store.run("import", folder.write("config.json", text), "--yes")
    assert (result.rc, result.out) == (rc, "") and result.err.count("\n") == 1 and says in result.err, result
    assert store.json("changes") == before


def rows(done):
    return {(row["kind"], row["name"]): row for row in done["items"]}


def actions(done):
    return {key: row["action"] for key, row in rows(done).items()}


# CLI-14, SEC-15, CLI-02
def test_a_document_is_the_same_bytes_and_holds_no_secret(shop, folder):
    text = shop.ok("export")
    document = json.loads(text)
    assert text == shop.ok("--json", "export") and list(document) == ["apisec_export", "prefix", *KINDS]
    for word in (SECRET, shop.text, shop.text.split("_")[-1], open(shop.file("master.key")).read().strip()):
        assert word not in text
    assert '"mac"' not in text and "digest" not in text
    assert [row["name"] for row in document["roles"]] == ["base", "writer"]
    assert document["roles"][0] == {"name": "base", "grants": ["GET /a/**"], "denials": ["GET /a/secret"]}
    bob = {row["name"]: row for row in document["keys"]}["bob"]
    assert bob["roles"] == ["writer"] and bob["cidrs"] == ["10.0.0.0/8"] and bob["limit"] == "10/s" and bob["status"] == "active"
    assert {row["name"] for row in document["secrets"]} >= {"pay", "webhook/own", "signer/bob-b"}
    # A line for each, so that a difference of two documents is read.
    lines = text.splitlines()
    assert sum(line.startswith('{"name":') or line.startswith('{"keyid":') for line in lines) == sum(len(document[kind]) for kind in KINDS)
    assert list(json.loads(shop.ok("export", "--only", "roles", "--only", "plans"))) == ["apisec_export", "prefix", "plans", "roles"]
    assert shop.run("export", "--only", "hashes").rc == 2


# CLI-14
def test_what_is_there_already_changes_nothing(shop, folder):
    text = shop.ok("export")
    before = shop.json("changes"), shop.json("status")["generation"]
    for document in (text, json.loads(text)):
        done = bring(shop, folder, document, "--prune")
        assert (done["added"], done["changed"], done["deleted"], done["missing"]) == (0, 0, 0, 0), done
        assert set(actions(done).values()) <= {"left"}
    assert (shop.json("changes"), shop.json("status")["generation"]) == before and shop.ok("export") == text


# CLI-14
def test_into_an_empty_store_comes_all_but_what_no_document_holds(shop, folder):
    other = Store(folder.path("other"), folder.path("state"))
    other.init()
    text = shop.ok("export")
    before = other.json("changes")
    told = bring(other, folder, text, "--dry-run")
    assert told.pop("dry_run") and other.json("changes") == before
    done = bring(other, folder, text)
    assert done == told
    got = actions(done)
    assert {key for key, action in got.items() if action == "added"} == {
        ("plans", "gold"), ("roles", "base"), ("roles", "writer"), ("issuers", "acme"),
        ("apis", "a"), ("apis", "books"), ("apis", "pet")}
    assert {key for key, action in got.items() if action == "missing"} == {
        ("keys", "bob"), ("keys", "eve"), ("keys", "bait"), ("webhooks", "orders"), ("webhooks", "own"), ("signers", "bob-a"),
        ("signers", "bob-b"), ("certificates", "san:dns:bob.example"), ("secrets", "pay")}
    assert "key create" in rows(done)["keys", "bob"]["why"] and "secret set" in rows(done)["webhooks", "orders"]["why"]
    # Once a key of the name is made and the secret is there, the same document brings the rest.
    other.key_create("bob", role="base")
    other.ok("secret", "set", "pay", input=SECRET)
    got = rows(bring(other, folder, text))
    assert got["keys", "bob"]["action"] == "changed" and {"roles", "cidrs", "limit", "plan"} & set(got["keys", "bob"]["fields"])
    assert got["keys", "bob"]["looser"] == ["roles", "scopes", "limit", "overrides"]
    for key in (("webhooks", "orders"), ("signers", "bob-a"), ("certificates", "san:dns:bob.example")):
        assert got[key]["action"] == "added", got
    for kind in ("plans", "roles", "issuers", "certificates", "apis"):
        assert json.loads(other.ok("export"))[kind] == json.loads(text)[kind], kind
    assert other.json("status")["published_generation"] == other.json("status")["generation"]


# CLI-14
def test_what_was_ended_stays_so(shop, folder):
    shop.key_create("mia", role="base")
    text = shop.ok("export")
    document = json.loads(text)
    for row in document["keys"]:
        if row["name"] == "eve":
            row.update(status="active", roles=["writer"])
            row.pop("revoke_reason")
    shop.ok("key", "revoke", "bob")
    shop.ok("key", "revoke", "mia")
    shop.ok("key", "delete", "mia", "--yes")
    done = rows(bring(shop, folder, document))
    assert [done["keys", name]["action"] for name in ("bob", "eve", "mia")] == ["left", "left", "missing"]
    assert shop.json("key", "show", "eve")["roles"] == ["base"]
    assert {row["name"]: row["status"] for row in shop.json("key", "list")} == {"bob": "revoked", "eve": "revoked", "bait": "active"}
    # Another key that has got the name is not the one that the document ends.
    mia = shop.key_create("mia", role="base")["id"]
    ended = json.loads(text)
    for row in ended["keys"]:
        if row["name"] == "mia":
            row["status"] = "revoked"
    bring(shop, folder, ended)
    assert shop.json("key", "show", "mia")["status"] == "active"
    for row in ended["keys"]:
        if row["name"] == "mia":
            row["id"] = mia
    assert rows(bring(shop, folder, ended))["keys", "mia"]["fields"] == ["status", "revoke_reason"]
    assert shop.json("key", "show", "mia")["status"] == "revoked"


LOOSER = [
    ("roles", "base", {"grants": ["GET /a/**", "GET /b"]}, ["grants"]), ("roles", "base", {"denials": None}, ["denials"]),
    ("roles", "base", {"grants": ["GET /a/**"], "denials": ["GET /a/secret", "GET /a/x"]}, []),
    ("roles", "writer", {"inherits": None}, ["inherits"]), ("roles", "writer", {"plan": None, "priority": None}, ["plan", "priority"]),
    ("roles", "writer", {"max_age": "200d"}, ["max_age"]),
    ("plans", "gold", {"limits": ["calls rate=200/s by=key"]}, ["limits"]),
    ("plans", "gold", {"description": "x"}, []),
    ("keys", "bob", {"cidrs": None}, ["cidrs"]), ("keys", "bob", {"cidrs": ["10.0.0.0/8", "11.0.0.0/8"]}, ["cidrs"]),
    ("keys", "bob", {"hosts": ["b.example"]}, ["hosts"]), ("keys", "bob", {"scopes": None}, []),
    ("keys", "bob", {"expires": "2099-01-01T00:00:00Z"}, ["expires"]), ("keys", "bob", {"expires": "1d"}, []),
    ("keys", "bob", {"owner": None, "name": "rob"}, []), ("keys", "bob", {"limit": None}, ["limit"]),
    ("webhooks", "own", {"definition": {"scheme": "github", "window": 600}}, ["definition"]),
]


# CLI-14
def test_what_lets_more_through_is_named(shop, folder):
    text = shop.ok("export")
    for kind, name, change, looser in LOOSER:
        document = json.loads(text)
        for row in document[kind]:
            if row["name"] == name:
                row.update(change)
        done = bring(shop, folder, document, "--dry-run")
        row = rows(done)[kind, change.get("name", name)]
        assert (row["action"], row["looser"]) == ("changed", looser), (change, row)
        assert done["changed"] == 1 and done["added"] == 0, (change, done)
        same = [field for field in change if field in row["fields"]]
        assert same or change.get("grants"), (change, row)
    assert shop.ok("export") == text


# CLI-14, CLI-11
def test_prune_deletes_what_the_document_has_not_and_never_a_key(shop, folder):
    text = shop.ok("export")
    shop.ok("role", "create", "late", "--grant", "GET /late")
    shop.ok("role", "create", "later", "--inherit", "late")
    shop.ok("role", "create", "held")
    shop.key_create("new", role="held")
    shop.ok("plan", "create", "late", "--limit", "calls rate=1/s by=key")
    shop.ok("api", "import", "late", folder.path("api/pet.json"))
    assert shop.run("import", folder.write("config.json", text), "--prune").rc == 2
    assert actions(bring(shop, folder, text)).get(("roles", "late")) is None
    got = rows(bring(shop, folder, text, "--prune"))
    assert {key for key, row in got.items() if row["action"] == "deleted"} == {("roles", "late"), ("roles", "later"), ("plans", "late"),
                                                                            ("apis", "late")}
    assert got["roles", "held"]["action"] == "left" and "new" in got["roles", "held"]["why"]
    assert shop.json("key", "show", "new")["status"] == "active"
    # What the document does not speak of is not pruned.
    only = json.loads(text)
    del only["webhooks"], only["certificates"], only["signers"], only["issuers"]
    bring(shop, folder, only, "--prune")
    assert len(shop.json("webhook", "list")) == 2


# CLI-14, POS-22
def test_apis_are_compiled_anew_of_all_their_documents(shop, folder):
    text = shop.ok("export", "--only", "apis")
    a, books, pet = json.loads(text)["apis"]
    assert (a["kind"], books["kind"], books["title"], books["version"], pet["kind"]) == ("xsd", "openapi", "Books \u00fc", "1", "json-schema")
    assert [document["uri"] for document in books["documents"]] == ["file:///books.yaml", "file:///sub/book.yaml"]
    assert [a["documents"][0]["text"], pet["documents"][0]["text"]] == [XSD % "string", '{"title": "Pet", "type": "object"}']
    other = Store(folder.path("other"), folder.path("state"))
    other.init()
    assert set(actions(bring(other, folder, text)).values()) == {"added"}
    assert other.ok("export", "--only", "apis") == text
    digest = shop.json("api", "show", "books")["digest"]
    assert other.json("api", "show", "books")["digest"] == digest and os.path.exists(other.file("pub/api/" + digest))
    # The files are where they came from, and no change.
    assert shop.json("api", "import", "books", folder.path("api/books.yaml"))["changed"] is False
    # Written in another way, and in another order of its members, it says the same.
    before = shop.json("changes")
    done = bring(shop, folder, json.dumps(json.loads(text), indent=1, sort_keys=True))
    assert (done["changed"], done["items"], done["apis"]) == (0, [], []) and shop.json("changes") == before


# CLI-14, POS-22
def test_what_an_api_changes_is_told_before(shop, folder):
    document = json.loads(shop.ok("export", "--only", "apis"))
    a, books, pet = document["apis"]
    was = {name: shop.json("api", "show", name)["digest"] for name in ("a", "books", "pet")}
    main = json.loads(books["documents"][0]["text"])
    main["paths"] = {"/books/{id}": dict(main["paths"]["/books/{id}"], delete={"responses": {"204": {"description": "gone"}}}),
                     "/books": {"get": {"responses": {"200": {"description": "all"}}}}}
    books["documents"][0]["text"] = json.dumps(main)
    books["documents"][1]["text"] = BOOK_NOW
    a["documents"][0]["text"] = XSD % "date"
    pet["documents"][0]["text"] = '{"title": "Pet", "type": "object", "maxProperties": 2}'
    told = bring(shop, folder, document, "--dry-run")
    assert told.pop("dry_run") and shop.json("api", "show", "books")["digest"] == was["books"]
    done = bring(shop, folder, document)
    assert done == told and set(actions(done).values()) == {"changed"} and done["changed"] == 3
    for name, row in ((row["name"], row) for row in done["items"]):
        assert row["looser"] == ["documents"] and was[name][:12] in row["why"], row
        assert shop.json("api", "show", name)["digest"][:12] in row["why"], row
    assert [(row["name"], row["change"], row["operation"], row["breaks"]) for row in done["apis"]] == [
        ("books", "changed", "GET /books/{id}", True), ("books", "added", "DELETE /books/{id}", False),
        ("books", "added", "GET /books", False), ("pet", "changed", None, True)]
    assert [row["command"] for row in shop.json("changes")[-3:]] == ["import"] * 3
    # Another kind is another thing.
    pet.update(kind="xsd", documents=a["documents"])
    row = rows(bring(shop, folder, document))["apis", "pet"]
    assert row["action"] == "left" and "api remove" in row["why"]


BOOK_NOW = '{"Book": {"type": "object", "properties": {"title": {"type": "string", "maxLength": 99}}}}'
DOCUMENT = {"uri": "file:///a.json", "text": "{}"}


# CLI-14, CLI-07, POS-12, POS-22
def test_an_api_that_does_not_compile_leaves_everything_as_it_was(shop, folder):
    document = json.loads(shop.ok("export"))
    books = document["apis"][1]
    # What comes before it is well, and stays as it was.
    document["plans"].append({"name": "silver", "limits": ["calls rate=1/s by=key"]})
    good = books["documents"]
    for documents, rc, says in (
            (good[:1], 3, "sub/book.yaml"), (good[1:], 2, "openapi"), ([], 2, '0 "documents"'), (good + good[:1], 2, "once"),
            ([dict(good[0], text="openapi: 3.1.0")], 2, "line 1"), ([dict(good[0], text='{"a":1,"a":2}')], 2, "this name twice"),
            ([dict(good[0], x=1)], 2, '"uri" and "text" alone'), ([{"uri": "file:///a.json", "text": 7}], 2, '"uri" and "text" alone'),
            ([dict(good[0], uri="https://a.example/x")], 2, "file:///PATH"), ([dict(good[0], uri="file:///a b")], 2, "file:///PATH"),
            (["x"], 2, "array of objects"), ("x", 2, "array of objects")):
        books["documents"] = documents
        refused(shop, folder, document, says, rc=rc)
        refused(shop, folder, document, 'apis "books"', rc=rc)
    refused(shop, folder, {"apisec_export": 1, "apis": [{"name": "a b", "kind": "json-schema", "documents": [DOCUMENT]}]}, "a b")
    refused(shop, folder, {"apisec_export": 1, "apis": [{"name": "a", "kind": "raml", "documents": [DOCUMENT]}]}, "openapi, json-schema or xsd")
    assert len(shop.json("plan", "list")) == 1


# CLI-14
def test_lines_of_parents_may_be_turned_round(shop, folder):
    document = json.loads(shop.ok("export", "--only", "roles"))
    base, writer = document["roles"]
    base["inherits"], writer["inherits"] = ["writer"], []
    assert rows(bring(shop, folder, document))["roles", "base"]["fields"] == ["inherits"]
    assert shop.json("role", "show", "base")["inherits"] == ["writer"] and shop.json("role", "show", "writer")["inherits"] == []
    base["inherits"], writer["inherits"] = ["writer"], ["base"]
    refused(shop, folder, document, "base > writer > base", rc=4)


# CLI-14, CLI-07
def test_documents_that_are_not_believed(shop, folder):
    head = {"apisec_export": 1, "prefix": "apisec"}
    for document, says in (
            ("", "byte 0"), ("[]", "apisec_export"), ('{"apisec_export":2}', "version"), ('{"apisec_export":1,"x":[]}', '"x"'),
            ('{"apisec_export":1,"roles":[],"roles":[]}', "twice"), ('{"apisec_export":1,"roles":{}}', "array"),
            (dict(head, roles=[7]), "name"), (dict(head, roles=[{"name": "a", "grnats": []}]), "grnats"),
            (dict(head, roles=[{"name": "a", "grants": "GET /"}]), "array of strings"),
            (dict(head, roles=[{"name": "a", "grants": ["GET"]}]), 'roles "a"'), (dict(head, roles=[{"name": "a b"}]), "a b"),
            (dict(head, roles=[{"name": "a"}, {"name": "a"}]), "twice"),
            (dict(head, issuers=[{"name": "i", "definition": {"issuer": "https://a.example", "evil": True}}]), 'issuers "i"'),
            (dict(head, webhooks=[{"name": "w", "definition": {"scheme": "none", "window": 1}}]), 'webhooks "w"'),
            (dict(head, keys=[{"name": "bob", "status": "master"}]), "revoked"),
            (dict(head, roles=[{"name": "z"}], plans=[{"name": "p", "limits": ["x"]}]), 'plans "p"'),
            ("[" * 100000, "deeper"), ('{"apisec_export":1,"roles":[' + '{"name":"a"},' * 1000001 + "7]}", "items")):
        refused(shop, folder, document, says)
    refused(shop, folder, dict(head, roles=[{"name": "a", "inherits": ["nobody"]}]), "nobody", rc=3)
    assert shop.run("import", folder.path("nothing"), "--yes").rc == 3


# CLI-14, CLI-03
def test_all_of_it_or_nothing(shop, folder):
    """The first is well, the last is not."""
    document = {"apisec_export": 1, "plans": [{"name": "silver", "limits": ["calls rate=1/s by=key"]}],
                "certificates": [{"name": "nonsense", "key": "bob"}]}
    refused(shop, folder, document, 'certificates "nonsense"')
    assert shop.json("plan", "list")[0]["name"] == "gold" and len(shop.json("plan", "list")) == 1


# CLI-14, CLI-03, POS-22
def test_an_import_of_apis_that_is_killed_leaves_all_or_nothing(store, folder):
    """What is compiled is a file of its own, which is there before the copy that names it."""
    folder.write("api/sub/book.yaml", BOOK)
    store.ok("api", "import", "books", folder.write("api/books.yaml", BOOKS))
    document = json.loads(store.ok("export"))
    document["apis"][0]["documents"][1]["text"] = BOOK_NOW
    document["apis"].append({"name": "pet", "kind": "json-schema", "documents": [DOCUMENT]})
    old = store.ok("export")
    args = ["import", folder.write("config.json", json.dumps(document)), "--yes"]
    states = States(folder, store.path, store, args)
    new = store.ok("export")
    assert new != old
    seen = set()
    for at, _ in states:
        states.put(at)
        now = store.ok("export")
        assert now in (old, new), at
        seen.add(now == new)
        store.ok("role", "create", "after")  # publishes what was cut off, and removes what it left
        for row in store.json("api", "list"):
            with open(store.file("pub/api/" + row["digest"]), "rb") as block:
                assert hashlib.sha256(block.read()).hexdigest() == row["digest"], at
        assert not [name for name in os.listdir(store.file("pub/api")) if name.startswith(".")], at
    assert seen == {False, True}
    states.show_kills(store, args)


# CLI-05
def test_a_full_disk_is_told(shop):
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full here")
    with open("/dev/full", "w") as full:
        done = subprocess.run([Store.program, "--store", shop.path, "export"], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == 1 and "not whole" in done.stderr
