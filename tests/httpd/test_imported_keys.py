"""Keys from elsewhere: let in by the text that their callers have, and by the next one after rotation."""

import base64
import hashlib
import secrets

import pytest
from harness import Site, wait_for
from test_keys import comparable

pytestmark = pytest.mark.one_mpm

CONF = """
ApiSecRequireTLS Off
<Location /orders>
    ApiSecEngine On
    ApiSecKeyFrom header:X-API-Key bearer basic
</Location>
"""
TEXTS = {
    "hex": secrets.token_hex(15) + "ab",
    "tagged": "sk_live_" + secrets.token_hex(15) + "ab",
    "uuid": "f47ac10b-58cc-4372-a567-0e02b2c3d479",
    "base64": base64.b64encode(b"\xfb" + secrets.token_bytes(24)).decode() + "==",
    "long": "".join(secrets.token_hex(16) for _ in range(8)),
    "revoked": secrets.token_hex(15) + "ab",
    "expired": secrets.token_hex(15) + "ab",
    "notyet": secrets.token_hex(15) + "ab",
    "turned": secrets.token_hex(15) + "ab",
    "overlap": secrets.token_hex(15) + "ab",
}
DIGEST = secrets.token_hex(15) + "ab"


def prepare(site):
    site.role("reader", "GET /orders/**")
    site.key("ci")
    rows = ["%s,%s,,reader,%s,%s" % (name, text, "1s" if name == "expired" else "", "1d" if name == "notyet" else "")
            for name, text in TEXTS.items()]
    rows.append("digest,,%s,reader,," % hashlib.sha256(DIGEST.encode()).hexdigest())
    path = site.folder.write("keys.csv", "name,key,sha256,roles,expires,not_before\n" + "\n".join(rows), 0o600)
    site.store.ok("key", "import", path)
    site.store.ok("key", "revoke", "revoked")
    site.keys["turned-new"] = site.store.json("key", "rotate", "turned", "--overlap", "0")["key"]
    site.keys["overlap-new"] = site.store.json("key", "rotate", "overlap", "--overlap", "1h")["key"]
    for row in site.store.json("key", "list"):
        site.ids[row["name"]] = row["id"]


@pytest.fixture(scope="module")
def site():
    with Site(CONF, prepare) as made:
        wait_for(lambda: made.get(key=TEXTS["expired"]).status == 401, what="the key to expire")
        yield made


def line_of(site, answer):
    return site.server.wait_audit(lambda line: line["id"] == answer.headers["X-Request-Id"])


@pytest.mark.parametrize("name", ["hex", "tagged", "uuid", "base64", "long", "overlap"])
def test_an_imported_text_is_let_in_by_every_source(site, name):  # KEY-08
    text = TEXTS[name]
    pair = base64.b64encode(b"client:" + text.encode()).decode()
    for headers in ([("X-API-Key", text)], [("Authorization", "Bearer " + text)], [("Authorization", "Basic " + pair)]):
        got = site.get(headers=headers)
        line = line_of(site, got)
        assert got.status == 200, (headers, line)
        assert (line["key"], line["kv"]) == (site.ids[name], 1)


def test_a_digest_lets_its_text_in(site):  # KEY-04
    got = site.get(key=DIGEST)
    assert got.status == 200 and line_of(site, got)["key"] == site.ids["digest"]


def test_own_keys_work_beside(site):
    assert site.get(key="ci").status == 200


def test_both_texts_work_while_they_overlap_and_then_one(site):  # KEY-12
    for key, kv in ((TEXTS["overlap"], 1), (site.keys["overlap-new"], 2)):
        got = site.get(key=key)
        assert got.status == 200 and line_of(site, got)["kv"] == kv
        assert line_of(site, got)["key"] == site.ids["overlap"]
    assert site.get(key=site.keys["turned-new"]).status == 200
    got = site.get(key=TEXTS["turned"])
    assert got.status == 401 and line_of(site, got)["reason"] == "key_rotated"


def test_refusals_cannot_be_told_apart(site):  # KEY-07
    cases = {
        "key_unknown": secrets.token_hex(16),
        "key_revoked": TEXTS["revoked"],
        "key_expired": TEXTS["expired"],
        "key_not_yet": TEXTS["notyet"],
        "key_rotated": TEXTS["turned"],
        "key_malformed": "apisec_" + secrets.token_hex(16),
        "key_malformed short": "short",
        "key_malformed alphabet": "f47ac10b:58cc:4372:a567:0e02b2c3d479",
    }
    answers = {}
    for name, text in cases.items():
        for again in range(2):
            got = site.get(key=text)
            assert line_of(site, got)["reason"] == name.split()[0]
            answers[name, again] = comparable(got)
    first = answers["key_unknown", 0]
    assert first[0] == 401 and all(answer == first for answer in answers.values())


def test_a_text_beyond_the_bound_is_400(site):  # KEY-18
    assert site.get(key=TEXTS["long"] + "a").status == 400


def test_no_text_is_in_a_log(site):  # KEY-08
    for text in TEXTS.values():
        site.get(key=text)
    logs = site.server.log("audit.log") + site.server.error_log()
    assert not any(text[-20:] in logs for text in [*TEXTS.values(), DIGEST])


def test_an_import_is_in_force_in_a_running_server():  # KEY-13
    """A store that had no imports takes the first one without a restart."""
    text = secrets.token_hex(15) + "ab"
    with Site(CONF) as site:
        got = site.get(key=text)
        assert got.status == 401 and line_of(site, got)["reason"] == "key_malformed"
        site.store.ok("key", "import", site.folder.write("k.csv", "name,key,roles\nnew,%s,reader\n" % text, 0o600))
        wait_for(lambda: site.get(key=text).status == 200, what="the import to be in force")
