"""The vector driver, and what it says of the cases from outside.

The cases are in $APISEC_CORPORA (default: shared/corpora beside the source folder) and stay there; without them
only the driver itself is tested.
"""

import base64
import glob
import json
import os
import re
import subprocess

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
