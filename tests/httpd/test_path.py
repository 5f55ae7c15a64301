"""ApiSecPath: what is relaxed comes to everybody behind us as one path."""

import re

import pytest
from harness import Backend, Site

pytestmark = pytest.mark.one_mpm

CONF = """
MergeSlashes Off
ProxyRequests Off
ScriptAlias /cgi @ROOT@/cgi
<Directory @ROOT@/cgi>
    Require all granted
</Directory>
ApiSecEngine On
<Location /api>
    ApiSecPath double-slash=merge dot-segments=resolve backslash=slash semicolon=cut encoded-slash=slash
    ProxyPass http://127.0.0.1:BACKEND/api
</Location>
<Location /raw>
    ApiSecPath double-slash=merge dot-segments=resolve backslash=slash semicolon=cut encoded-slash=slash encoded-hash=keep
    ProxyPass http://127.0.0.1:BACKEND/raw nocanon
</Location>
<Location /cgi>
    ApiSecPath double-slash=merge semicolon=cut encoded-hash=keep encoded-question-mark=keep
</Location>
<Location /strict>
    ProxyPass http://127.0.0.1:BACKEND/strict
</Location>
<Location /api/strict>
    ApiSecPath strict
</Location>
<Location /keep>
    ApiSecPath encoded-slash=keep semicolon=keep encoded-hash=keep encoded-question-mark=keep
    ProxyPass http://127.0.0.1:BACKEND/keep
</Location>
<Location /keepraw>
    ApiSecPath encoded-slash=keep semicolon=keep encoded-hash=keep encoded-question-mark=keep
    ProxyPass http://127.0.0.1:BACKEND/keepraw nocanon
</Location>
<Location /keep/admin>
    ApiSecRequire api-role admin
</Location>
<Location /watch>
    ApiSecEngine DetectOnly
    ApiSecPath double-slash=merge
    ProxyPass http://127.0.0.1:BACKEND/watch nocanon
</Location>
RewriteEngine On
RewriteRule ^/rewritten/(.*)$ http://127.0.0.1:BACKEND/$1 [P]
<Location /rewritten>
    ApiSecPath double-slash=merge dot-segments=resolve semicolon=cut
</Location>
AllowEncodedSlashes NoDecode
"""


def prepare(site):
    site.role("reader", "GET /api/**", "GET /raw/**", "GET /cgi/**", "GET /keep/*", "GET /keep/group/**", "GET /keepraw/**",
              "GET /rewritten/**", "GET /strict/**", "GET /watch/**", "GET /files/**",
              "GET /orders/**", denies=["GET /keep/secret/**", "GET /files/admin/**"])
    site.role("admin", "GET /keep/admin/**")
    site.key("ci")
    site.script("env", 'printf "Content-Type: text/plain\\n\\n"\nenv\n')


@pytest.fixture(scope="module")
def backend():
    with Backend() as made:
        yield made


@pytest.fixture(scope="module")
def site(backend):
    with Site(CONF.replace("BACKEND", str(backend.port)), prepare, modules=["proxy_http", "rewrite", "cgi"]) as made:
        yield made


def ask(site, target, prefix="", key="ci"):
    got = site.server.raw(("GET %s%s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-API-Key: %s\r\n\r\n" % (
        prefix, target, site.keys[key])).encode("latin-1"))
    return int(re.match(rb"HTTP/1\.1 (\d+)", got).group(1)), got


RELAXED = [
    ("//a", "/a"), ("///a//b//", "/a/b/"), ("/a/./b", "/a/b"), ("/a/../b", "/b"), ("/a/%2e%2e/b", "/b"), ("/a/.%2e", "/"),
    ("/a\\b", "/a/b"), ("/a%5cb", "/a/b"), ("/a;x=1/b;y", "/a/b"), ("/a%3bx/b", "/a/b"), ("/a/..;/b", "/b"),
    ("/a%2fb", "/a/b"), ("/a%2F..%2fb", "/b"), ("/a%2f..;x%5c.//b%20c?d=/../%2f;", "/b%20c?d=/../%2f;"),
    ("//%c3%a9", "/%C3%A9"),
]


# NEG-02: the backend gets the path that was decided, however it was written, by every way to it
@pytest.mark.parametrize("place", ["/api", "/raw"])
def test_relaxed_path_is_the_path_of_the_backend(site, backend, place):
    for sent, seen in RELAXED:
        for prefix in ("", "http://localhost"):
            before = len(backend.seen)
            status, got = ask(site, place + sent, prefix)
            assert status == 200, (sent, got)
            assert [r["target"].replace("%c3%a9", "%C3%A9") for r in backend.seen[before:]] == [place + seen], sent
    path = place + "/b"
    line = site.server.wait_audit(lambda line: line["path"] == path)
    assert line["decision"] == "allow"
    assert ask(site, place + "/c%23")[0] == (200 if place == "/raw" else 400)


# NEG-02: what would leave the section is what it leads to, and not what it was written as
def test_relaxed_path_is_judged_where_it_leads(site, backend):
    before = len(backend.seen)
    for target in ("/api/../strict//a", "/api/..%2fstrict;x/a", "/api/a/../strict//x", "/api/strict//x", "/api/..%2f..",
                   "/api/..%2fadmin", "/strict//a", "/strict/a;x", "/strict/..;/api/a", "/rewritten/a%2fb", "/orders//7.json"):
        status, got = ask(site, target)
        assert status in (400, 403), (target, got)
    assert backend.seen[before:] == []


# NEG-02: these have no relaxation
def test_what_is_never_read(site, backend):
    before = len(backend.seen)
    for place in ("/api", "/raw", "/keep", "/keepraw", "/cgi/env"):
        for rest in ("/a%00", "/a%01", "/a%7f", "/a%zz", "/a%", "/a%252f", "/%c0%af", "/a;%ff", "/%ed%a0%80", "/a%0d%0ax", "/a#b"):
            status, got = ask(site, place + rest)
            assert status == 400, (place, rest, got)
    assert backend.seen[before:] == []


# NEG-02, NEG-03: a rewrite begins with it
def test_rewritten_path_is_the_relaxed_one(site, backend):
    assert ask(site, "/rewritten//files/./x;y/z")[0] == 200
    assert backend.seen[-1]["target"] == "/files/x/z"
    assert ask(site, "/rewritten//files/x/..;/admin/z")[0] == 403


# NEG-02, NEG-15: a program finds it in every variable
def test_program_gets_the_relaxed_path(site):
    status, got = ask(site, "/cgi//env;v=1//a%23b;x//c%3fd?e=//;")
    assert status == 200, got
    env = dict(line.split("=", 1) for line in got.decode().splitlines() if "=" in line)
    assert env["PATH_INFO"] == "/a#b/c?d" and env["REQUEST_URI"] == "/cgi/env/a%23b/c%3Fd?e=//;" and env["SCRIPT_NAME"] == "/cgi/env"
    assert "//" not in re.sub(r"e=//;", "", "".join(v for k, v in env.items() if k in ("PATH_INFO", "REQUEST_URI", "SCRIPT_NAME", "PATH_TRANSLATED")))


# NEG-02, NEG-03: what is kept comes through as it is, and is nobody's way around a rule
def test_what_is_kept_is_kept(site, backend):
    for sent, seen in (("/group%2fproject", "/group%2Fproject"), ("/group;v=1", "/group;v=1"), ("/c%23", "/c%23"),
                       ("/why%3f", "/why%3F"), ("/a%23%3fb?c=d", "/a%23%3Fb?c=d")):
        for place in ("/keep", "/keepraw"):
            if "%2f" in sent and place == "/keep":
                continue
            status, got = ask(site, place + sent)
            assert status == 200, (place, sent, got)
            assert backend.seen[-1]["target"] == place + seen
    before = len(backend.seen)
    for target in ("/keep/secret%2fx", "/keep/secret;x/y", "/keep/secret;x%2fy", "/keep/admin%2fx", "/keep/admin;v/x",
                   "/keep;x/admin/x", "/keep/;x/admin/x", "/keep/x%2f..%2fadmin", "/keep/..%2fstrict", "/keep/..;/strict",
                   "/keep/a%3bb", "/keep//a",
                   "/keep/group%2fproject"):  # the last: without nocanon mod_proxy would make %252F of it
        status, got = ask(site, target)
        assert status in (400, 403), (target, got)
    assert backend.seen[before:] == []


# NEG-10: DetectOnly relaxes its judgement, and nothing else
def test_detect_only_leaves_the_path_alone(site, backend):
    assert ask(site, "/watch//a")[0] == 200
    assert backend.seen[-1]["target"] == "/watch//a"


# NEG-02
@pytest.mark.parametrize("line, fault", [
    ("ApiSecPath", "want strict, or some of double-slash=merge"),
    ("ApiSecPath double-slash", "\"double-slash\": want strict, or some of"),
    ("ApiSecPath semicolon=cut semicolon=keep", "\"semicolon=keep\": says two things about one"),
    ("ApiSecPath double-slash=merge strict", "\"strict\": want strict, or some of"),
    ("ApiSecPath strict encoded-hash=keep", "\"strict\": want strict, or some of"),
    ("ApiSecPath encoded-slash=keep", "wants AllowEncodedSlashes NoDecode in the server localhost"),
    ("<Location /x>\nApiSecPath encoded-slash=keep\n</Location>", "wants AllowEncodedSlashes NoDecode"),
    ("<Directory /x>\nApiSecPath double-slash=merge\n</Directory>", "cannot occur within <Directory> section"),
    ("<If \"true\">\nApiSecPath double-slash=merge\n</If>", "cannot occur within"),
])
def test_configuration_faults_are_named(make_site, line, fault):
    site = make_site("ApiSecEngine On\n" + line + "\n", start=False)
    code, said = site.server.configtest()
    assert code != 0 and fault in said, said
