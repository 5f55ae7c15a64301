"""Targets that two readers could read differently, over a bare socket."""

import re

import pytest
from harness import Site

pytestmark = pytest.mark.one_mpm

SECRET = "the-secret-of-the-admin"

# Where the engine stands.
PLACES = {
    "server": "ApiSecEngine On\n",
    "location": "<Location /admin>\nApiSecEngine On\n</Location>\n<Location /orders>\nApiSecEngine On\n</Location>\n",
    "directory": "<Directory @DOCS@/admin>\nApiSecEngine On\n</Directory>\n"
                 "<Directory @DOCS@/orders>\nApiSecEngine On\n</Directory>\n",
    "slashes on": "AllowEncodedSlashes On\nMergeSlashes Off\n<Location /admin>\nApiSecEngine On\n</Location>\n"
                  "<Location /orders>\nApiSecEngine On\n</Location>\n",
    "slashes kept": "AllowEncodedSlashes NoDecode\nMergeSlashes Off\nApiSecEngine On\n",
    "multiviews": "ApiSecEngine On\n<Directory @DOCS@>\nOptions MultiViews FollowSymLinks Indexes\n</Directory>\n",
}

AMBIGUOUS = [
    "/orders%2f7.json", "/orders%2F7.json", "/orders/%2f7.json", "/orders%5c7.json", "/orders%5C7.json", "/orders\\7.json",
    "/orders/7.json;x", "/orders;/7.json", "/orders/7.json%3bx", "/orders/;7.json", "/orders/..;/admin/secret.html",
    "/orders//7.json", "//orders/7.json", "///orders/7.json", "/orders/./7.json", "/./orders/7.json", "/orders/.",
    "/orders/../orders/7.json", "/orders/../admin/secret.html", "/orders/%2e%2e/admin/secret.html",
    "/orders/.%2e/admin/secret.html", "/orders/%2e/7.json", "/orders/%2E%2E/orders/7.json", "/orders/..",
    "/orders/7.json%00", "/orders/7.json%00.html", "/%00/orders/7.json", "/orders/7.json%0a", "/orders/7.json%0d%0aX: y",
    "/orders/7.json%09", "/orders/7.json%7f", "/orders/7.json%1b", "/orders/%zz", "/orders/7.json%", "/orders/7.json%2",
    "/orders/%c0%af7.json", "/orders%c0%afx", "/orders/%e0%80%af7.json", "/orders/%c0%ae%c0%ae/admin/secret.html",
    "/orders/%f0%80%80%af7.json", "/orders/%ff", "/orders/%c3", "/orders/%ed%a0%80", "/orders/%f4%90%80%80",
    "/orders%252f7.json", "/orders/%252e%252e/admin/secret.html", "/orders/%2541", "/orders/7.json#x",
    "/orders/7.json%23x", "/orders/7.json%3fx=1", "/orders/%u002f7.json", "/orders/%5c..%5cadmin/secret.html",
    "/orders/..%2fadmin/secret.html", "/orders/..%5cadmin/secret.html", "/orders/%2e%2e%2fadmin/secret.html",
    "/orders/7.json/..", "/orders/7.json/../8.json", "/orders/...//7.json", "http://localhost//orders/7.json",
    "http://localhost/orders/../admin/secret.html", "http://localhost/orders/7.json;x",
    "http://localhost%2forders/7.json", "http://localhost\\orders/7.json", "http:/orders/7.json", "http:orders/7.json",
    "?x=a://b/orders/7.json", "orders/7.json", "./orders/7.json", "../orders/7.json", "?/orders/7.json", "#/orders/7.json",
    "\\orders\\7.json", "/orders/7.json\x01", "/orders/\x7f", "/orders/\x807.json", "/orders/\xff", "/orders/\tx",
    "ftp://localhost/orders//7.json", "://orders/7.json", "localhost:80", "/orders/7.json HTTP/1.1 x",
]
# What is no more than another spelling of a path: answered like it, or refused.
SPELLINGS = ["/%6frders/7.json", "/orders/%37.json", "/%6F%72%64%65%72%73/7%2ejson", "http://localhost/orders/7.json",
             "HTTP://localhost/orders/7.json", "http:///orders/7.json", "http://localhost:80/orders/7.json"]
# Spellings of what readers may not have.
FORBIDDEN = [
    "/%61dmin/secret.html", "/ADMIN/secret.html", "/Admin/secret.html", "/admin%20/secret.html", "/admin", "/admin/",
    "/admin/secret%2ehtml", "/admin./secret.html", "/admin/secret.html.", "/admin/secret.html/", "/admin/secret.html/x",
    "/admin/SECRET.HTML", "/admin/secret.html%20", "/admin/secret.html?/orders/7.json", "/admin/secret.html?;x",
    "/%61%64%6d%69%6e/%73ecret.html", "http://localhost/admin/secret.html", "http://other/admin/secret.html",
    "http://localhost/%61dmin/secret.html", "/admin/secret", "/admin/secret.html~", "/admin/secret.html%ef%bc%8f",
    "/\xc4\x91dmin/secret.html", "/admin\xe2\x88\x95secret.html", "/%ef%bc%8fadmin/secret.html",
]


def prepare(site):
    site.role("reader", "GET,POST,OPTIONS,HEAD /orders/**")
    site.role("admin", "GET /admin/**")
    site.key("ci")
    site.folder.write("htdocs/admin/secret.html", SECRET + "\n")
    site.folder.write("htdocs/admin/index.html", SECRET + "\n")


@pytest.fixture(scope="module", params=sorted(PLACES))
def site(request):
    with Site("LimitRequestLine 20000\nTraceEnable On\n" + PLACES[request.param], prepare,
              modules=["negotiation", "autoindex"]) as made:
        made.place = request.param
        yield made


def ask(site, target, key=True, method="GET", more=b"", version=b"HTTP/1.1"):
    """All that comes back for one request line with these very bytes."""
    target = target if isinstance(target, bytes) else target.encode("latin-1")
    head = method.encode() + b" " + target + b" " + version + b"\r\nHost: localhost\r\nConnection: close\r\n"
    if key:
        head += b"X-API-Key: " + site.keys["ci"].encode() + b"\r\n"
    return site.server.raw(head + more + b"\r\n")


def status_of(got):
    """The status of the one answer that there is."""
    answers = re.findall(rb"HTTP/1\.[01] (\d\d\d) ", got)
    assert len(answers) == 1, got
    return int(answers[0])


# NEG-02, AZ-04
@pytest.mark.parametrize("key", [True, False])
def test_ambiguous_target_is_refused(site, key):
    children = site.server.children()
    for target in AMBIGUOUS:
        if (target == "/orders/.." or target[0] == "?") and site.place in ("location", "directory", "slashes on"):
            continue  # httpd reads /, where no engine is on
        got = ask(site, target, key)
        assert 400 <= status_of(got) < 500, (target, got)
        assert SECRET.encode() not in got and b'"name"' not in got, (target, got)
        if site.place == "server" and target.startswith("/") and not re.search(
                r"[\x00-\x20\\#\x7f-\xff]|%z|%u|%.?$", target):
            assert status_of(got) == 400 and b"application/problem+json" in got, (target, got)
    assert site.get(key="ci").status == 200
    assert set(children) <= set(site.server.children())


# NEG-02
def test_error_log_tells_what_is_ambiguous(make_site):
    site = make_site("ApiSecEngine On\n", prepare)
    for target, fault in (("/orders%2f7.json", "encoded slash"), ("/orders//7.json", "empty segment"),
                          ("/orders/7.json;x", "semicolon"), ("/orders/%2541", "double encoding")):
        assert status_of(ask(site, target)) == 400
        assert "refused, path_ambiguous: %s (" % fault in site.server.error_log(), target


# NEG-02
def test_control_bytes_and_nul_in_the_target_are_refused(site):
    for byte in list(range(0x21)) + [0x7f, 0x80, 0xbf, 0xc0, 0xfe, 0xff]:
        for target in (b"/orders/7.json%c", b"/orders%c/7.json", b"%c/orders/7.json", b"/orders/%%%02x7.json"):
            target = target % byte
            got = ask(site, target)
            if not got:  # nothing at all is an answer that httpd gives to some of them
                continue
            answers = re.findall(rb"HTTP/1\.[01] (\d\d\d) ", got)
            if byte in (0x0a, 0x0d, 0x20) and not answers:
                assert b'"name"' not in got, (target, got)  # HTTP/0.9
                continue
            assert len(answers) == 1, (target, got)
            if byte in (0x09, 0x0b, 0x0c, 0x20) and target.endswith((b" ", b"%20")):
                assert answers[0] in (b"200", b"400", b"403", b"404"), (target, got)
                continue
            assert answers[0].startswith(b"4"), (target, got)


# NEG-02, AZ-04
def test_other_spellings_of_a_path_are_that_path(site):
    for target in SPELLINGS:
        assert status_of(ask(site, target)) in (200, 400), target
        assert status_of(ask(site, target, key=False)) in (400, 401), target
    assert status_of(ask(site, "/orders/7.json")) == 200


# AZ-04, AZ-14
@pytest.mark.parametrize("key", [True, False])
def test_no_spelling_leads_to_what_is_forbidden(site, key):
    for target in FORBIDDEN:
        for version in (b"HTTP/1.1", b"HTTP/1.0"):
            got = ask(site, target, key, version=version)
            assert 400 <= status_of(got) < 500, (target, got)
            assert SECRET.encode() not in got, target
    assert SECRET.encode() not in site.server.raw(b"GET /admin/secret.html\r\n\r\n")
    assert SECRET.encode() not in site.server.raw(b"GET /admin/secret.html \r\n\r\n")


# TRN-09
def test_methods_that_are_never_served(site):
    for key in (True, False):
        for method in ("TRACE", "CONNECT", "TRACK", "QUERY", "PROPFIND", "get", "Get", "BREW", "GETX", "G", "PRI"):
            if method == "TRACE" and site.place == "directory":
                continue  # httpd asks no folder about it
            got = ask(site, "/orders/7.json", key, method=method)
            assert 400 <= status_of(got) <= 501 and b'"name"' not in got, (method, got)
        assert status_of(ask(site, "localhost:80", key, method="CONNECT")) in (400, 405)
    if site.place in ("server", "location"):
        assert status_of(ask(site, "/orders/7.json", method="TRACE")) == 405
        assert status_of(ask(site, "/orders/7.json", method="QUERY")) in (405, 501)


# TRN-09, AZ-01
def test_options_of_the_server(site):
    got = ask(site, "*", key=False, method="OPTIONS")
    if PLACES[site.place].startswith("ApiSecEngine") or site.place == "slashes kept":
        assert status_of(got) in (400, 401, 403, 405), got
        assert status_of(ask(site, "*", method="OPTIONS")) in (400, 403, 405)
    else:
        assert status_of(got) == 200
    for method in ("GET", "POST", "HEAD"):
        assert 400 <= status_of(ask(site, "*", method=method)) < 500
    assert status_of(ask(site, "/orders/7.json", key=False, method="OPTIONS")) in (401, 403)


# TRN-10
def test_long_targets_are_refused(site):
    for size in (8191, 15000):
        got = ask(site, "/orders/" + "a" * size)
        assert status_of(got) in (403, 414), got
    assert status_of(ask(site, "/orders/" + "a/" * 3000)) in (400, 403, 404, 414)
