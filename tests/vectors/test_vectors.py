"""The vector driver, and what it says of the cases from outside.

The cases are in $APISEC_CORPORA (default: shared/corpora beside the source folder) and stay there; without them
only the driver itself is tested.
"""

import base64
import collections
import glob
import json
import os
import random
import re
import subprocess

import openapi_model
import pytest

from harness import BUILD, TOP

CORPORA = os.environ.get("APISEC_CORPORA") or os.path.join(os.path.dirname(TOP), "shared", "corpora")


def run(kind, data):
    """The rows that the driver prints, in order."""
    done = subprocess.run([os.path.join(BUILD, "tests/vectors/vectors"), kind], input=data,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert (done.returncode, done.stderr) == (0, b"")
    return [json.loads(line) for line in done.stdout.decode().split("\n")[:-1]]


def corpus(name):
    """The file's bytes."""
    path = os.path.join(CORPORA, name)
    if not os.path.exists(path):
        pytest.skip("%s is not there: set APISEC_CORPORA to the folder that has it" % path)
    with open(path, "rb") as seen:
        return seen.read()


def rows_of(data):
    return [json.loads(line) for line in data.decode().split("\n") if line]


def test_unknown_kind_names_the_kinds():
    for argv in ([], ["nosuch"], ["json", "more"]):
        done = subprocess.run([os.path.join(BUILD, "tests/vectors/vectors")] + argv, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert done.returncode == 2 and done.stdout == ""
        assert re.search(r"want one of these kinds:( [a-z0-9-]+)* json( [a-z0-9-]+)* zone\b", done.stderr)


def test_no_row_ends_the_driver():
    lines = [
        b'{"id":"a","data":"[1]"}',
        b"",
        b"{",
        b"\xff\x00\xfe",
        b"[1]",
        b'{"id":7}',
        b'{"id":"b","data":1}',
        b'{"id":"c","data_b64":"W10"}',
        b'{"id":"d","data_b64":"W11d"}',
        b'{"id":"e","data_b64":"*"}',
        b'{"id":"f","data_b64":""}',
        b'{"data":"{}"}',
        b'{"id":{"x":[1.50]},"data":"{}","more":1e999}',
        b'{"id":"g","data":"\\"\\\\u0000\\""}',
        b"[" * 100000,
        b'{"id":"h","data":"' + b"x" * (6 << 20) + b'"}',
        b'{"id":"i\\u0000","data":"[' + b" " * 100 + b']"}',  # and no newline behind the last
    ]
    got = run("json", b"\n".join(lines))
    assert len(got) == len(lines)
    seen = [(row["id"], row.get("got")) for row in got]
    assert seen == [
        ("a", "accept"), (None, None), (None, None), (None, None), (None, None), (7, None), ("b", None),
        ("c", "accept"), ("d", "reject"), ("e", None), ("f", "reject"), (None, "accept"), ({"x": [1.50]}, "accept"),
        ("g", "reject"), (None, None), ("h", "reject"), ("i\0", "accept"),
    ]
    for row in got:
        assert list(row) == (["id", "got"] if "got" in row else ["id", "why"])
        assert row.get("got") or row["why"]


def test_every_row_of_every_file_is_read():
    """Plain RFC 8259: whatever a corpus holds, its rows come back by their id."""
    names = sorted(glob.glob(os.path.join(CORPORA, "*.jsonl")))
    if not names:
        pytest.skip("%s has no .jsonl file: set APISEC_CORPORA to the folder that has them" % CORPORA)
    for name in names:
        data = corpus(name)
        assert [row["id"] for row in run("json", data)] == [row.get("id") for row in rows_of(data)], name


def is_ambiguous(document):
    """Whether JSON has a name twice in an object or a NUL in a string: what POS-04 and POS-06 refuse."""
    found = []

    def see(value):
        if isinstance(value, str):
            found.extend(["nul"] * ("\0" in value))
        elif isinstance(value, list):
            for item in value:
                see(item)

    def pairs(members):
        names = [name for name, _ in members]
        found.extend(["twice"] * (len(set(names)) < len(names)))
        for name, value in members:
            see(name)
            see(value)
        return None

    see(json.loads(document, object_pairs_hook=pairs))
    return bool(found)


def test_json():  # POS-03, POS-04, POS-06
    data = corpus("json_parse.jsonl")
    rows = rows_of(data)
    got = run("json", data)
    assert [row["id"] for row in got] == [row["id"] for row in rows]
    wrong = []
    for row, answer in zip(rows, got):
        document = base64.b64decode(row["data_b64"])
        strict = row["expect"] == "accept" and answer["got"] == "reject" and is_ambiguous(document)
        if row["expect"] != "either" and answer["got"] != row["expect"] and not strict:
            wrong.append((row["id"], row["expect"], answer["got"]))
    assert wrong == []
    assert sum(row["expect"] != "either" for row in rows) > 100


def test_openapi_doc():  # POS-01, POS-09, POS-12
    """Descriptions of OpenAPI 3.0 and 3.1, but those whose verdict hangs on documents that are not there."""
    rows = [row for row in rows_of(corpus("openapi_docs.jsonl")) if str(row["openapi"])[:3] in ("3.0", "3.1")]
    got = run("openapi-doc", "\n".join(json.dumps(row) for row in rows).encode())
    asked = [(row["id"], row["valid"], answer["got"]) for row, answer in zip(rows, got)
             if row["valid"] is not None and "sibling" not in row["note"]]
    assert [case for case in asked if case[1] != case[2]] == []
    assert len(asked) > 60
    for row in rows:  # the same as JSON, and as YAML that is written as JSON
        again = json.dumps({"id": row["id"], "text": json.dumps(row["json"])})
        assert run("openapi-doc", again.encode())[0]["got"] == got[rows.index(row)]["got"], row["id"]


def test_sf():  # SIG-13
    data = corpus("sf.jsonl")
    rows = rows_of(data)
    got = run("sf", data)
    assert [row["id"] for row in got] == [row["id"] for row in rows]
    wrong = []
    for row, answer in zip(rows, got):
        want = [None] if row["must_fail"] else [row["raw"] if row["canonical"] is None else row["canonical"]]
        if row["can_fail"]:
            want.append(None)
        if answer["got"] not in want:
            wrong.append((row["id"], want, answer["got"]))
    assert wrong == []
    assert sum(row["must_fail"] for row in rows) > 1000


def test_sf_prints_what_it_is_given():  # SIG-13
    """Numbers are exact, rounded half to even, and an integer is no decimal; what is no such value is not judged."""
    def item(number):
        return ('{"id":%d,"header_type":"item","raw":null,"expected":[%s,[]]}' % (len(lines), number)).encode()

    lines, want = [], []
    for number, printed in [("1", "1"), ("1.0", "1.0"), ("-0", "0"), ("-0.0", "0.0"), ("-0.0004", "0.0"),
                            ("0.0015", "0.002"), ("0.0025", "0.002"), ("0.00250001", "0.003"), ("1e3", "1000.0"),
                            ("-12.5E+1", "-125.0"), ("15e-4", "0.002"), ("999999999999.9994", "999999999999.999"),
                            ("999999999999.9995", None), ("999999999999999", "999999999999999"),
                            ("1000000000000000", None), ("1e39", None), ("1e-39", "0.0")]:
        lines.append(item(number))
        want.append([printed] if printed else None)
    assert [row["got"] for row in run("sf", b"\n".join(lines))] == want
    for bad in (b'{"id":1,"raw":["a"]}', b'{"id":1,"raw":"a","header_type":"item"}',
                b'{"id":1,"raw":null,"header_type":"item","expected":[1e41,[]]}',
                b'{"id":1,"raw":[1],"header_type":"item"}', b'{"id":1,"raw":null,"header_type":"list"}',
                b'{"id":1,"raw":null,"header_type":"item","expected":[null,[]]}',
                b'{"id":1,"raw":null,"header_type":"list","expected":[[1]]}',
                b'{"id":1,"raw":null,"header_type":"dictionary","expected":[[1,[1,[]]]]}',
                b'{"id":1,"raw":null,"header_type":"item","expected":[{"__type":"x","value":"a"},[]]}'):
        assert "why" in run("sf", bad)[0], bad


def test_ratelimit_fields_are_structured():  # SIG-13
    """Field values of drafts, which nobody made as test cases: lists."""
    rows = [row for row in rows_of(corpus("ratelimit_headers.jsonl")) if row["field"].startswith("RateLimit")]
    assert len(rows) > 20
    lines = [json.dumps({"id": row["id"], "header_type": "list", "raw": [row["value"]]}).encode() for row in rows]
    for row, answer in zip(rows, run("sf", b"\n".join(lines))):
        assert answer["got"], row


def test_digest():  # SIG-06, SIG-07
    data = corpus("digest.jsonl")
    rows = rows_of(data)
    got = run("digest", data)
    assert [(row["id"], row["got"]) for row in got] == [(row["id"], row["valid"] and row["secure"]) for row in rows]
    assert sum(row["got"] for row in got) >= 4
    changed = []
    for row in rows:
        body = row["body"].encode()
        for i in range(len(body)):
            bad = body[:i] + bytes([body[i] ^ 1]) + body[i + 1:]
            changed.append(json.dumps({"id": i, "field": row["field"], "body_b64": base64.b64encode(bad).decode()}))
        changed.append(json.dumps({"id": 0, "field": row["field"], "body": row["body"] + " "}))
    assert all(row["got"] is False for row in run("digest", "\n".join(changed).encode()))
    for bad in (b'{"id":1,"body":""}', b'{"id":1,"field":"sha-256=::"}', b'{"id":1,"field":1,"body":""}'):
        assert "why" in run("digest", bad)[0], bad


def test_jws():  # JWT-01..08
    """Of the cases that are compact tokens all are as expected, but those whose verdict the corpus does not ask for:
    contested ones, detached content, and b64=false, which is refused (JWT-07)."""
    data = corpus("jose.jsonl")
    rows = rows_of(data)
    got = run("jws", data)
    assert [row["id"] for row in got] == [row["id"] for row in rows]
    wrong, judged = [], 0
    for row, answer in zip(rows, got):
        if not isinstance(row.get("jws"), str):
            assert answer["why"]
            continue
        judged += 1
        asked = not row.get("contested") and not set(row["flags"]) & {"detached", "b64-false"}
        if asked and answer["got"] != row["expect"]:
            wrong.append((row["id"], row["comment"], row["expect"], answer["got"]))
    assert wrong == []
    assert judged > 200


# What is judged of each file: AES-GCM with the one size of key, nonce and tag that is used, HMAC that is not cut.
WYCHEPROOF = {
    "aes_gcm_test.json": {"ivSize": 96, "keySize": 256, "tagSize": 128},
    "chacha20_poly1305_test.json": None,
    "ed25519_test.json": {},
    "hkdf_sha256_test.json": {},
    "hmac_sha256_test.json": {"tagSize": 256},
    "pbkdf2_hmacsha256_test.json": None,
}


@pytest.mark.parametrize("name", sorted(WYCHEPROOF))
def test_crypto(name):  # SEC-04, JWT-05
    data = corpus("wycheproof/" + name)
    used = WYCHEPROOF[name]
    got = iter(run("crypto", data))
    seen = collections.Counter()
    for group in json.loads(data)["testGroups"]:
        is_used = used is not None and all(group[size] == bits for size, bits in used.items())
        for test in group["tests"]:
            answer = next(got)
            assert answer["id"] == test["tcId"]
            assert ("got" in answer) == is_used, (answer, group)
            assert not is_used or answer["got"] == test["result"], test
            seen[is_used] += 1
    assert next(got, None) is None
    assert seen[used is not None] > 50


def test_crypto_reads_any_file():
    for data in (b"", b"{", b"[]", b"{}", b'{"testGroups":{}}', b"\xff"):
        assert [(row["id"], "why" in row) for row in run("crypto", data)] == [(None, True)]
    odd = b'{"algorithm":7,"testGroups":[1,{"tests":[{"tcId":1},2]},{"type":"MacTest","tests":[{"tcId":"a","key":"0"}]}]}'
    assert [(row["id"], "why" in row) for row in run("crypto", odd)] == [(1, True), (None, True), ("a", True)]


def signed(group, tests, **more):
    """A file of one group; each test is (tcId, sig)."""
    group = dict(group, tests=[{"tcId": tc, "msg": "48656c6c6f", "sig": sig} for tc, sig in tests])
    return json.dumps(dict({"algorithm": "X", "testGroups": [group]}, **more)).encode()


def test_crypto_judges_signatures_of_other_files():  # JWT-05
    """Forms of groups that the shared files lack: ECDSA as r and s, RSA, Ed448; sizes that are not used."""
    point = {"curve": "secp256r1", "uncompressed": "04" + "00" * 64}
    ecdsa = {"type": "EcdsaP1363Verify", "sha": "SHA-256", "publicKey": point}
    assert run("crypto", signed(ecdsa, [(1, "00" * 64)])) == [{"id": 1, "got": "invalid"}]
    for other in ({"sha": "SHA-512"}, {"type": "EcdsaVerify"}, {"publicKey": {"curve": "secp256k1"}}):
        assert "why" in run("crypto", signed(dict(ecdsa, **other), [(1, "00" * 64)]))[0]
    key = {"modulus": "00" + "ff" * 256, "publicExponent": "010001"}
    rsa = {"type": "RsassaPkcs1Verify", "sha": "SHA-512", "publicKey": key}
    pss = dict(rsa, type="RsassaPssVerify", mgfSha="SHA-512", sLen=64)
    for group in (rsa, pss):
        assert run("crypto", signed(group, [(1, "00" * 256), (2, "")])) == [
            {"id": 1, "got": "invalid"}, {"id": 2, "got": "invalid"}]
    for group in (dict(rsa, sha="SHA-1"), dict(pss, sLen=20), dict(pss, mgfSha="SHA-1")):
        assert "why" in run("crypto", signed(group, [(1, "00" * 256)]))[0]
    # RFC 8032 7.4, "blank", with a text of its own instead of none.
    ed448 = {"type": "EddsaVerify", "publicKey": {
        "curve": "edwards448", "pk": "5fd7449b59b461fd2ce787ec616ad46a1da1342485a70e1f8a0ea75d80e96778edf124769b46c706"
        "1bd6783df1e50f6cd1fa1abeafe8256180"}}
    blank = ("533a37f6bbe457251f023c0d88f976ae2dfb504a843e34d2074fd823d41a591f2b233f034f628281f2fd7a22ddd47d7828c59bd0a2"
             "1bfd3980ff0d2028d4b18a9df63e006c5d1c2d345b925d8dc00b4104852db99ac5c7cdda8530a113a0f4dbb61149f05a7363268c71d9"
             "5808ff2e652600")
    assert run("crypto", signed(ed448, [(1, blank)])) == [{"id": 1, "got": "invalid"}]
    assert run("crypto", signed(ed448, [(1, blank)]).replace(b"48656c6c6f", b"")) == [{"id": 1, "got": "valid"}]


def judged(kind, name):
    """Rows of a corpus and the answers to them, of which none says why there is none."""
    data = corpus(name)
    rows, got = rows_of(data), run(kind, data)
    assert [row["id"] for row in got] == [row["id"] for row in rows]
    assert [row for row in got if "got" not in row] == []
    return rows, got


def test_jwt_attack():  # JWT-01..14
    rows, got = judged("jwt-attack", "jwt_attacks.jsonl")
    assert [(r["id"], r["note"]) for r, g in zip(rows, got) if g["got"] is not r["valid"]] == []
    assert len(rows) > 20


def test_httpsig():  # SIG-01, SIG-14
    data = corpus("httpsig.jsonl")
    rows = rows_of(data)
    got = run("httpsig", data)
    assert [(row["id"], row["got"]) for row in got] == [(row["id"], row["expect"]) for row in rows]
    assert {row["alg"] for row in rows} >= {"hmac-sha256", "ed25519", "rsa-pss-sha512", "ecdsa-p256-sha256"}


def test_httpsig_changed():  # SIG-01, SIG-09
    """One bit in any byte of the start line and the fields, unless it is in a part that is not covered."""
    rows = [row for row in rows_of(corpus("httpsig.jsonl")) if row["label"] in ("sig-b25", "sig-b26")]
    assert len(rows) == 2
    for row in rows:
        message = base64.b64decode(row["message_b64"])
        head = message.index(b"\r\n\r\n")
        # What the signature says nothing of.
        free = [(message.index(b"Content-Digest"), message.index(b"Content-Length"))]
        if row["label"] == "sig-b25":
            free += [(0, message.index(b"Host")), (message.index(b"Content-Length"), message.index(b"Signature-Input"))]
        else:
            free += [(message.index(b"?"), message.index(b" HTTP")), (message.index(b"HTTP/"), message.index(b"Host"))]
        changed = []
        for i in range(head):
            if not any(begin <= i < end for begin, end in free):
                bad = message[:i] + bytes([message[i] ^ 1]) + message[i + 1:]
                changed.append(json.dumps(dict(row, id=i, message_b64=base64.b64encode(bad).decode())))
        assert len(changed) > 250
        held = [answer["id"] for answer in run("httpsig", "\n".join(changed).encode()) if answer["got"] != "invalid"]
        assert held == [], [message[i - 10:i + 10] for i in held]


def test_httpsig_judges_what_the_row_says():  # SIG-03, SIG-04, SIG-08
    row = next(row for row in rows_of(corpus("httpsig.jsonl")) if row["label"] == "sig-b25")
    created = 1618884473
    cases = [
        ({}, "valid"), ({"now": created}, "valid"), ({"now": created + 300}, "valid"),
        ({"now": created + 301}, "invalid"), ({"now": created - 5}, "valid"), ({"now": created - 6}, "invalid"),
        ({"keyid": "other"}, "invalid"), ({"label": "sig-b26"}, "invalid"), ({"scheme": "http"}, "valid"),
        ({"secret_b64": base64.b64encode(b"x" * 64).decode()}, "invalid"), ({"message_b64": ""}, "invalid"),
    ]
    lines = "\n".join(json.dumps(dict(row, **more)) for more, _ in cases)
    assert [answer["got"] for answer in run("httpsig", lines.encode())] == [want for _, want in cases]
    for bad in ({"alg": "nosuch"}, {"alg": None}, {"secret_b64": ""}, {"secret_b64": None}, {"message_b64": "*"},
                {"alg": "ed25519"}):
        assert "why" in run("httpsig", json.dumps(dict(row, **bad)).encode())[0], bad


def test_httpsig_component():  # SIG-09, SIG-11, SIG-12
    data = corpus("httpsig_components.jsonl")
    rows = rows_of(data)
    got = run("httpsig-component", data)
    assert [(row["id"], row["got"]) for row in got] == [(row["id"], row["value"]) for row in rows]
    assert all((row["value"] is None) == row["error"] for row in rows)


def test_httpsig_component_forms():  # SIG-11, SIG-12
    """Examples of RFC 9421 2.1 and 2.2, with CRLF and LF."""
    fields = ("Host: WWW.example.com:443\nX-Obs-Fold-Header: Obsolete\n    line folding.\n"
              "Example-Dict:  a=1,    b=2;x=1;y=2,   c=(a   b   c)\n\n")
    cases = [
        ("GET /path?param=value", '"@method"', "GET"),
        ("GET /path?param=value", '"@target-uri"', "https://www.example.com/path?param=value"),
        ("GET /path?param=value", '"@authority"', "www.example.com"),
        ("GET /path?param=value", '"@request-target"', "/path?param=value"),
        ("GET https://www.example.com/path?param=value", '"@request-target"', "https://www.example.com/path?param=value"),
        ("GET http://a.example:80/p", '"@target-uri"', "http://a.example/p"),
        ("GET http://a.example", '"@path"', "/"),
        ("GET /path", '"@query"', "?"),
        ("CONNECT a.example:80", '"@authority"', "a.example:80"),
        ("OPTIONS *", '"@request-target"', "*"),
        ("GET /path", '"x-obs-fold-header"', "Obsolete line folding."),
        ("GET /path", '"example-dict"', "a=1,    b=2;x=1;y=2,   c=(a   b   c)"),
        ("GET /path", '"example-dict";sf', "a=1, b=2;x=1;y=2, c=(a b c)"),
        ("GET /path", '"example-dict";key="c"', "(a b c)"),
        ("GET /path", '"Example-Dict"', None), ("GET /path", 'host', None), ("GET /path", '"host', None),
        ("GET  /path", '"@path"', None), ("GET", '"@path"', None),
    ]
    for end in ("\n", "\r\n"):
        lines = "\n".join(json.dumps({"id": i, "component": component, "request": (start + " HTTP/1.1\n" + fields).replace(
            "\n", end)}) for i, (start, component, _) in enumerate(cases))
        assert [answer["got"] for answer in run("httpsig-component", lines.encode())] == [want for _, _, want in cases]


def test_dpop():  # DPOP-01..04, DPOP-06
    rows, got = judged("dpop", "dpop.jsonl")
    assert [(r["id"], r["note"]) for r, g in zip(rows, got) if g["got"] is not r["valid"]] == []
    assert len(rows) > 5


def test_dpop_after():  # DPOP-07
    """A row with `after` finds the proof of that row used, if it was; another proof is not; doubt refuses."""
    rows = rows_of(corpus("dpop.jsonl"))
    good = [row for row in rows if row["valid"]]
    first, other = good[0], next(row for row in good if row["proof"] != good[0]["proof"])
    cases = [(first, {}, True), (first, {"id": "again", "after": first["id"]}, False),
             (other, {"id": "other", "after": first["id"]}, True), (first, {"id": "alone"}, True),
             (first, {"id": "late", "now": first["now"] + 3600}, False), (first, {"id": "new", "after": "late"}, True),
             (first, {"id": "lost", "after": "nosuch"}, False)]
    data = "".join(json.dumps(dict(row, **more)) + "\n" for row, more, _ in cases).encode()
    assert [row.get("got") for row in run("dpop", data)] == [want for _, _, want in cases]


def test_webhook():  # WHK-01, WHK-03..05
    """A signature in capital letters, of which the corpus says nothing, is taken."""
    rows, got = judged("webhook", "webhooks.jsonl")
    wrong = [(r["id"], r["note"]) for r, g in zip(rows, got) if r["valid"] is not None and g["got"] is not r["valid"]]
    assert wrong == []
    assert [(r["id"], g["got"]) for r, g in zip(rows, got) if r["valid"] is None] == [("gh-upper", True)]
    assert len(rows) > 10


# RFC 5890 2.3.2.1: a U-label is in NFC; what is not is refused, not mapped, since it is forwarded as it came.
NOT_OWED = {"jsts-optional/format/idn-email-0-11"}


def test_schema():  # POS-08, POS-05, POS-12
    rows, got = judged("schema", "schema.jsonl")
    wrong = [(r["id"], r["description"], r["test"]) for r, g in zip(rows, got) if g["got"] is not r["valid"]]
    assert {row[0] for row in wrong} <= NOT_OWED, wrong
    assert {row["kind"] for row in rows} == {"core", "optional", "format"} and len(rows) > 1000


def test_schema_oas30():  # POS-08
    rows, got = judged("schema-oas30", "schema_oas30.jsonl")
    assert [(r["id"], r["test"]) for r, g in zip(rows, got) if g["got"] is not r["valid"]] == []
    assert len(rows) > 200


# A mock that answers 405 since only that is described; and definitions of Authorization and Content-Type, which OpenAPI has
# ignored (3.0.4, 3.1.1 "Parameter Object": in is header).
NOT_ASKED = {"prism-default-responses/default_responses-AC-4.oas3", "lov-test_validate_header-1"}


@pytest.mark.parametrize("name,key", [("openapi_requests.jsonl", "request_valid"), ("openapi_validate.jsonl", "valid")])
def test_openapi_request(name, key):  # POS-01, POS-02, POS-14
    rows = [row for row in rows_of(corpus(name)) if row["version"].startswith("3.") and row.get("mode", "mock") == "mock"
            and row[key] is not None and row["id"] not in NOT_ASKED]
    got = run("openapi-request", "".join(json.dumps(row) + "\n" for row in rows).encode())
    assert [(row["id"], answer) for row, answer in zip(rows, got) if answer.get("got") is not row[key]] == []
    assert len(rows) > 40


def test_openapi_requests_of_real_descriptions():  # POS-01, POS-02, POS-10, POS-14, POS-21
    """What is made as a description says is good, and what then breaks it in one place is not, and says where."""
    folder, rows, wanted, chance = os.path.join(CORPORA, "openapi_real"), [], [], random.Random(7)
    for path in sorted(glob.glob(os.path.join(folder, "*.json"))):
        with open(path, "rb") as seen:
            for row, good in openapi_model.requests(json.load(seen), chance, os.path.basename(path)):
                rows.append(row)
                wanted.append(good)
    if not rows:
        pytest.skip("%s is not there: set APISEC_CORPORA to the folder that has it" % folder)
    got = run("openapi-request", "".join(json.dumps(row) + "\n" for row in rows).encode())
    wrong = [(row["id"], row["uri"], row["body"], answer) for row, good, answer in zip(rows, wanted, got)
             if answer.get("got") is not good]
    assert wrong == []
    assert wanted.count(True) > 100 and wanted.count(False) > 400
    assert all(1 <= len(answer["failures"]) <= 10 for answer in got if not answer["got"])


def test_schema_says_why():  # POS-09, POS-12
    """What is no schema, or leads out of the bundle, is not judged."""
    cases = [({"type": "strin"}, "#: type"), ({"minimum": "1"}, "#: minimum"), ({"$ref": "http://x.example/"}, "nothing is"),
             ({"$ref": "#/nowhere"}, "leads nowhere"), ({"pattern": "("}, "#: pattern"), ({"allOf": []}, "#: allOf"),
             ({"$schema": "http://json-schema.org/draft-07/schema#"}, "$schema"), ({"required": [1]}, "#: required"),
             (3, "want a schema"), ({"$ref": "#"}, "depth")]
    data = "".join(json.dumps({"id": i, "schema": schema, "data": 1}) + "\n" for i, (schema, _) in enumerate(cases))
    for row, (schema, why) in zip(run("schema", data.encode()), cases):
        assert "got" not in row and why in row["why"], (schema, row)


def test_xml_attack():  # POS-15
    data = corpus("xml_attacks.jsonl")
    rows = [row for row in rows_of(data) if row["has_doctype"]]
    got = {row["id"]: row.get("got") for row in run("xml-attack", data)}
    assert rows and [row["id"] for row in rows if got[row["id"]] != row["expect"]] == []


def test_xsd():  # POS-16
    data = corpus("xsd.jsonl")
    rows = rows_of(data)
    got = {row["id"]: row.get("got") for row in run("xsd", data)}
    assert [row["id"] for row in rows if got[row["id"]] != row["expect"]] == []
def test_leak():  # NEG-16
    """Nothing that APIs and their documentation say is taken for a leak; what is one is found among it."""
    trace = "java.lang.IllegalStateException: x\n\tat a.B.c(B.java:12)"
    for name in ("benign_text.jsonl", "benign_api.jsonl"):
        rows = rows_of(corpus(name))
        lines = [json.dumps({"id": row["id"], "payload": row["payload"]}).encode() for row in rows]
        got = run("leak", b"\n".join(lines))
        # Four examples of payment APIs do have what they call the number of a card.
        card = re.compile(r'"(pan|number|cardNumber|token)":"5\d{15}"')
        wanted = ["card" if card.search(row["payload"]) else "benign" for row in rows]
        assert [(row["id"], row.get("got")) for row in got] == [(row["id"], want) for row, want in zip(rows, wanted)]
        assert wanted.count("card") <= 4
        lines = [json.dumps({"id": row["id"], "payload": row["payload"] + trace}).encode() for row in rows]
        assert {row["got"] for row in run("leak", b"\n".join(lines))} <= {"stack_trace", "card"}
