"""Fields of content that are changed before the handler gets them (NEG-19 to NEG-21, NEG-23)."""

import base64
import gzip
import json

import pytest
from harness import Backend, Site

CONF = """
ApiSecRequireTLS Off
ProxyPass /off !
ProxyPass / http://127.0.0.1:@BACK@/
ErrorDocument 404 /errors/404.json
RewriteEngine On
ApiSecEngine On
ApiSecRequire public
<Location /plain>
    ApiSecBody json max=4k
</Location>
<Location /notes>
    ApiSecBody json max=4k
    ApiSecSanitize /title nfc,trim,html-escape
    ApiSecSanitize /tags/* trim
    ApiSecSanitize /text strip-markup
</Location>
<Location /notes/off>
    ApiSecSanitize off
</Location>
<Location /notes/others>
    ApiSecSanitize /other trim
</Location>
<Location /notes/small>
    ApiSecBody json max=64
</Location>
<Location /notes/watched>
    ApiSecEngine DetectOnly
</Location>
<Location /form>
    ApiSecBody form max=4k
    ApiSecSanitize /title trim,html-escape
</Location>
<Location /schema>
    ApiSecSchema json note
    ApiSecSanitize /title html-escape
</Location>
<Location /moved>
    ApiSecBody json
    ApiSecSanitize /title html-escape
    RewriteEngine On
    RewriteRule ^ /notes/moved [PT]
</Location>
<Location /plain/tight>
    ApiSecBody json max=24
</Location>
<Location /tight>
    ApiSecBody json
    ApiSecSanitize /title html-escape
    RewriteEngine On
    RewriteRule ^ /plain/tight [PT]
</Location>
<Location /kept>
    ApiSecBody json
    ApiSecSanitize /title html-escape
    RewriteEngine On
    RewriteRule ^ /plain/kept [PT]
</Location>
<Location /api>
    ApiSecRequire api-access
    ApiSecApi notes
</Location>
<Location /api/own>
    ApiSecApi notes at=/api/own
    ApiSecSanitize /title trim
    ApiSecSanitize /other trim
</Location>
<Location /api/sent>
    ApiSecApi notes at=/api/sent
    ApiSecDecode gzip forward=original
</Location>
<LocationMatch "^/notes/as.sent">
    ApiSecDecode gzip forward=original
</LocationMatch>
"""
NOTE = {"type": "object", "properties": {"title": {"type": "string", "maxLength": 8}}}
FIELD = {"type": "string", "maxLength": 9, "x-apisec-sanitize": "html-escape"}
API_NOTE = {"type": "object", "properties": {"title": FIELD, "other": {"type": "string"}, "lines": {"type": "array", "items": FIELD}}}
API = {"openapi": "3.1.0", "info": {"title": "Notes", "version": "1"}, "paths": {"/notes": {"post": {
    "requestBody": {"content": {"application/json": {"schema": API_NOTE}, "application/x-www-form-urlencoded": {"schema": API_NOTE}}},
    "responses": {"200": {"description": "kept"}}}}}}
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


def prepare(site):
    site.folder.write("note.json", json.dumps(NOTE))
    site.store.ok("api", "import", "note", site.folder.path("note.json"), "--kind", "json-schema")
    site.folder.write("notes.json", json.dumps(API))
    site.store.ok("api", "import", "notes", site.folder.path("notes.json"))
    site.role("writer", "POST /api/**")
    site.key("ci", role="writer")


@pytest.fixture(scope="module")
def backend():
    with Backend() as made:
        yield made


@pytest.fixture(scope="module")
def site(backend):
    with Site(CONF.replace("@BACK@", str(backend.port)), prepare, modules=("proxy", "proxy_http", "rewrite")) as made:
        yield made


def send(site, path, body, type=JSON, fields=(), key=None):
    """What the backend got, as text, its fields in lower case, and the audit line."""
    body = body if isinstance(body, bytes) else body.encode()
    got = site.request("POST", path, headers={"Content-Type": type, **dict(fields)}, body=body, key=key)
    line = site.server.wait_audit(lambda line: line["path"] == path if "X-Request-Id" not in got.headers else line["id"] == got.headers["X-Request-Id"], 1)
    if got.status != 200:
        return got, {}, line
    arrived = got.json()
    return base64.b64decode(arrived["body"]).decode(), {name.lower(): value for name, value in arrived["fields"]}, line


CHANGED = [  # path, type, sent, what arrives, what the log names
    # html-escape: the five signs, once, in decoded values alone (NEG-20)
    ("/notes", JSON, r'{"title": "\u003cb>\"&\u0027", "n": 1.50}', '{"title": "&lt;b&gt;&quot;&amp;&#39;", "n": 1.50}', "/title"),
    ("/notes", JSON, '{"title": "&amp;"}', '{"title": "&amp;amp;"}', "/title"),
    ("/notes", JSON, '{"<b>": "<b>", "title": {"title": "<"}, "tags": [[" x "]]}', None, None),
    ("/notes", JSON, r'{"title": "safe", "other": "\u003c", "number":1e2}', None, None),
    # several fields and actions
    ("/notes", JSON, '{"title": " e\u0301 ", "tags": ["a", " b", "c "]}', '{"title": "\u00e9", "tags": ["a", "b", "c"]}', "/title,/tags/1,/tags/2"),
    # strip-markup, to a fixed point (NEG-21)
    ("/notes", JSON, '{"text": "<scr<script>ipt>x<img src=y onerror=z"}', '{"text": "ipt>ximg src=y onerror=z"}', "/text"),
    ("/notes", JSON, '{"text": "a < b <3"}', None, None),
    # inner sections
    ("/notes/off", JSON, '{"title": " <b> "}', None, None),
    ("/notes/others", JSON, '{"title": " <b> ", "other": " x "}', '{"title": " <b> ", "other": "x"}', "/other"),
    ("/plain", JSON, '{"title": " <b> "}', None, None),
    # forms
    ("/form", FORM, "title=%3Cb%3E+&n=%3Cb%3E", "title=%26lt%3Bb%26gt%3B&n=%3Cb%3E", "/title"),
    ("/form", FORM, "n=1&m=%7e", None, None),
    # a redirect within the server: each action once, and what an outer place asked for holds
    ("/moved", JSON, '{"title": " & ", "tags": [" x"]}', '{"title": "&amp;", "tags": ["x"]}', "/title,/tags/0"),
    ("/kept", JSON, '{"title": "&"}', '{"title": "&amp;"}', "/title"),
    # nobody is changed where the engine only watches
    ("/notes/watched", JSON, '{"title": " <b> "}', None, None),
]


@pytest.mark.parametrize("path, type, sent, arrives, names", CHANGED)
def test_fields_are_changed_where_a_section_says_so(site, path, type, sent, arrives, names):  # NEG-19, NEG-20, NEG-21, NEG-23
    text, fields, line = send(site, path, sent, type)
    assert text == (sent if arrives is None else arrives)
    assert fields["content-length"] == str(len(text.encode()))
    assert line.get("sanitized") == names


DIGESTS = {"Content-Digest": "sha-256=:AAAA:", "Content-MD5": "AAAA", "Digest": "sha-256=AAAA", "Repr-Digest": "sha-256=:AAAA:", "ETag": '"x"'}


@pytest.mark.parametrize("sent, changed", [('{"title": "<"}', True), ('{"title": "x"}', False)])
def test_fields_of_what_came_go_where_it_was_changed(site, sent, changed):  # NEG-23
    _, fields, _ = send(site, "/notes", sent, fields=DIGESTS)
    assert {name for name in fields if name in {name.lower() for name in DIGESTS}} == (set() if changed else {name.lower() for name in DIGESTS})


def test_coded_content_is_changed_decoded(site):  # NEG-20, NEG-23
    text, fields, line = send(site, "/notes", gzip.compress(b'{"title": "<"}'), fields={"Content-Encoding": "gzip"})
    assert text == '{"title": "&lt;"}' and "content-encoding" not in fields
    assert fields["content-length"] == str(len(text)) and line["sanitized"] == "/title"


@pytest.mark.parametrize("path, sent, reason, fault", [
    ("/schema", '{"title": "<<"}', "public", None),
    ("/schema", '{"title": "<<<"}', "body_invalid", "/title"),
    ("/schema", '{"title": "123456789"}', "body_invalid", "/title"),
    ("/tight", '{"title": "&&"}', "public", None),
    ("/tight", '{"title": "&&&"}', "body_over", "sanitize bytes"),
    ("/notes/small", '{"title": "%s"}' % ("&" * 16), "body_over", "sanitize bytes"),
])
def test_lengths_are_asked_once_more(site, path, sent, reason, fault):  # NEG-20
    got, _, line = send(site, path, sent)
    assert line["reason"] == reason and line.get("fault", "").startswith(fault or "")
    assert ("sanitized" in line) == (reason == "public")
    assert "&" not in line.get("fault", "")


@pytest.fixture(scope="module")
def spare():
    with Site("", start=False) as made:
        yield made


@pytest.mark.parametrize("path, type, sent, arrives, names", [
    ("/api/notes", JSON, '{"title": "<", "other": " < ", "lines": ["x", "&"]}', '{"title": "&lt;", "other": " < ", "lines": ["x", "&amp;"]}', "/title,/lines/1"),
    ("/api/notes", FORM, "title=%3C&other=%3C", "title=%26lt%3B&other=%3C", "/title"),
    ("/api/notes", JSON, '{"title": "x"}', '{"title": "x"}', None),
    ("/api/own/notes", JSON, '{"title": " < ", "other": " < "}', '{"title": "&lt;", "other": "<"}', "/title,/other"),
])
def test_a_description_names_fields(site, path, type, sent, arrives, names):  # NEG-19, NEG-20
    text, _, line = send(site, path, sent, type, key="ci")
    assert text == arrives and line.get("sanitized") == names


@pytest.mark.parametrize("path, reason", [("/api/notes", "api_body"), ("/api/sent/notes", "sanitize_barred")])
def test_a_description_is_asked_once_more_and_never_overrides(site, path, reason):  # NEG-20, NEG-23
    got, _, line = send(site, path, '{"title": "<<<"}', key="ci")
    assert line["reason"] == reason and "sanitized" not in line
    assert reason != "api_body" or line["fault"] == "body /title maxLength"


def test_sections_that_meet_in_a_request_alone_are_refused_then(site):  # NEG-23
    got, _, line = send(site, "/notes/as-sent", '{"title": "x"}')
    assert got.status == 503 and line["reason"] == "sanitize_barred"


SECTION = "ApiSecEngine On\n<Location /x>\n%s\n</Location>"


@pytest.mark.parametrize("lines, words", [
    ("ApiSecSanitize /title trim", ["ApiSecSanitize", "ApiSecBody json", "ApiSecApi"]),
    ("ApiSecBody any\nApiSecSanitize /title trim", ["ApiSecSanitize", "ApiSecBody json"]),
    ("ApiSecBody json\nApiSecSignature On\nApiSecSanitize /title trim", ["ApiSecSanitize", "ApiSecSignature"]),
    ("ApiSecBody json\nApiSecWebhook shop\nApiSecSanitize /title trim", ["ApiSecSanitize", "ApiSecWebhook"]),
    ("ApiSecBody json\nApiSecDecode gzip forward=original\nApiSecSanitize /title trim", ["ApiSecSanitize", "forward=original"]),
    ("ApiSecBody json\nApiSecSanitize title trim", ["/items/*/title"]),
    ("ApiSecBody json\nApiSecSanitize /title", ["want off, or a pointer"]),
    ("ApiSecBody json\nApiSecSanitize /title trim,bleach", ["nfc, strip-markup, trim and html-escape"]),
    ("ApiSecBody json\nApiSecSanitize /title trim\nApiSecSanitize /title nfc", ["stands twice"]),
    ("ApiSecBody json\nApiSecSanitize /title trim\nApiSecSanitize off", ["off stands alone"]),
])
def test_a_configuration_that_cannot_hold_is_refused(spare, lines, words):  # NEG-23
    spare.server.configure("ApiSecStore @STORE@\n" + SECTION % lines)
    code, said = spare.server.configtest()
    assert code != 0, said
    for word in words:
        assert word in said, said
