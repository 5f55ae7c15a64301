"""FastCGI: what a responder is given is what was judged, and what was refused never reaches it."""

import base64
import gzip
import shutil
import socket
import subprocess

import pytest
from harness import MPM, Site, wait_for
from harness.fcgi import Responder
from harness.h2 import H2Connection

PHP = shutil.which("php-cgi")
CONF = """
PROTOCOLS
MergeTrailers On
ApiSecRequireTLS Off
ApiSecEngine On
<Directory @DOCS@>
    AllowOverride None
    <FilesMatch "\\.app$">
        SetHandler "proxy:fcgi://127.0.0.1:@BACK@/"
    </FilesMatch>
</Directory>
ProxyPass /fcgi fcgi://127.0.0.1:@BACK@/srv
ProxyPass /stream fcgi://127.0.0.1:@BACK@/srv
<Location /fcgi>
    SetEnv proxy-fcgi-pathinfo 1
    ApiSecBody json max=1m string=1m
    ErrorDocument 400 /page.app
    ErrorDocument 413 /page.app
    ErrorDocument 415 /page.app
</Location>
<Location /fcgi/changed>
    ApiSecSanitize /title html-escape
</Location>
<Location /stream>
    ApiSecStream On
</Location>
<Location /stream/counted>
    SetEnv proxy-sendcl 1
</Location>
<Location /fcgi/who>
    ApiSecBody any
</Location>
<Location /page.app>
    ApiSecRequire public
</Location>
<Location /loose.app>
    ApiSecPath double-slash=merge dot-segments=resolve
</Location>
<Location /real>
    ApiSecBody json
</Location>
"""


def prepare(site):
    site.role("all", "GET,POST,PUT,DELETE /**")
    site.key("ci", role="all", owner="shop")
    for name in ("page.app", "plain.app", "loose.app"):
        site.folder.write("htdocs/" + name, "for the responder\n")


@pytest.fixture(scope="module")
def fcgi():
    with Responder() as made:
        yield made


@pytest.fixture(scope="module")
def site(fcgi):
    conf = CONF.replace("@BACK@", str(fcgi.port)).replace("PROTOCOLS", "Protocols h2c http/1.1" if MPM != "prefork" else "")
    with Site(conf, prepare, modules=["proxy", "proxy_fcgi", "env"] + (["http2"] if MPM != "prefork" else [])) as made:
        yield made


JSON = [("Content-Type", "application/json")]
CHUNKED = [("Transfer-Encoding", "chunked")]
GZIP = [("Content-Encoding", "gzip")]


def chunks(data, size=4000, trailer=b""):
    pieces = (data[at:at + size] for at in range(0, len(data), size))
    return b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in pieces) + b"0\r\n%s\r\n" % trailer


def text_of(size):
    """JSON of so many bytes that shrinks little."""
    return b'"%s"' % b"".join(b"%d" % (i * i * 7919) for i in range(size))[:size - 2]


def post(site, fcgi, path, body, fields=JSON, method="POST", key="ci"):
    """The answer, and what the responder has got; None: nothing."""
    before = len(fcgi.seen)
    got = site.request(method, path, key=key, headers=list(fields), body=body)
    seen = fcgi.seen[before:]
    assert len(seen) <= 1
    return got, seen[0] if seen else None


# POS-13: below and above the sizes of buffers: of one read (8 KiB), of a record (64 KiB), of what is held
@pytest.mark.parametrize("size", [2, 8191, 8192, 8193, 65535, 65536, 300001, 1 << 20])
def test_the_body_that_was_judged_is_what_the_responder_gets(site, fcgi, size):
    text = text_of(size)
    packed = gzip.compress(text)
    for body, fields in ((text, []), (chunks(text), CHUNKED), (packed, GZIP), (chunks(packed), CHUNKED + GZIP)):
        got, seen = post(site, fcgi, "/fcgi/x", body, JSON + fields + [("Content-MD5", "AAAA"), ("Digest", "md5=AAAA")])
        assert got.status == 200 and seen["stdin"] == text, fields
        params = seen["params"]
        assert params["CONTENT_LENGTH"] == str(size) and params["CONTENT_TYPE"] == "application/json"
        gone = {"HTTP_CONTENT_LENGTH", "HTTP_CONTENT_ENCODING", "HTTP_TRANSFER_ENCODING", "HTTP_EXPECT"}
        gone |= {"HTTP_CONTENT_MD5", "HTTP_DIGEST"} if GZIP[0] in fields else set()
        assert not gone & set(params), fields


# NEG-20, NEG-23
def test_what_was_changed_is_what_the_responder_gets(site, fcgi):
    sent = b'{"title": "<b>"}'
    for body, fields in ((sent, []), (gzip.compress(sent), GZIP), (chunks(sent, 3), CHUNKED)):
        _, seen = post(site, fcgi, "/fcgi/changed/x", body, JSON + fields)
        assert seen["stdin"] == b'{"title": "&lt;b&gt;"}' and seen["params"]["CONTENT_LENGTH"] == "22"


def slowly(site, path, body, fields=""):
    """The first status line of a request that waits to be asked for its content, and the rest."""
    head = "POST %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-API-Key: %s\r\nContent-Type: application/json\r\n" \
           "Expect: 100-continue\r\nContent-Length: %d\r\n%s\r\n" % (path, site.keys["ci"], len(body), fields)
    with socket.create_connection(("127.0.0.1", site.server.port), 30) as s:
        s.sendall(head.encode())
        stream = s.makefile("rb")
        first = stream.readline()
        if first.startswith(b"HTTP/1.1 100"):
            s.sendall(body)
        return first, stream.read()


# NEG-12, POS-13
def test_expect_is_met_once_and_not_handed_on(site, fcgi):
    first, rest = slowly(site, "/fcgi/x", text_of(100000))
    assert first.startswith(b"HTTP/1.1 100") and rest.count(b"HTTP/1.1 100") == 0 and b"HTTP/1.1 200" in rest
    seen = fcgi.seen[-1]
    assert seen["stdin"] == text_of(100000) and "HTTP_EXPECT" not in seen["params"]
    before = len(fcgi.seen)
    for body, fields in ((b"[]", "Content-Encoding: zstd\r\n"), (text_of((1 << 20) + 1), "")):
        first, _ = slowly(site, "/fcgi/x", body, fields)
        assert first[9:12] in (b"413", b"415")
    # The page of the refusal was asked for, and nothing else.
    assert [seen["params"]["SCRIPT_NAME"] for seen in fcgi.seen[before:]] == ["/page.app"] * 2


CONTROL = ["Proxy", "X-Original-URL", "X-Rewrite-URL", "X-HTTP-Method", "X-HTTP-Method-Override", "X-Method-Override",
           "X-Middleware-Subrequest", "Lock-Token", "X_Forwarded_For", "X_User", "X-Apisec-User", "X_Apisec_Key_Id", "Remote-User",
           "X-Remote-User", "Content_Length", "Content_Type", "X-Forwarded-For", "X-Real-IP", "Forwarded", "Client-Cert"]


# NEG-15, AZ-03, AZ-11
@pytest.mark.parametrize("path", ["/fcgi/who", "/plain.app"])
@pytest.mark.parametrize("names", [CONTROL[:10], CONTROL[10:]], ids=["first", "rest"])
def test_control_fields_reach_no_program(site, fcgi, path, names):
    got, seen = post(site, fcgi, path, None, [(name, "lie") for name in names], "GET")
    assert got.status == 200
    assert not [name for name, value in seen["params"].items() if value == "lie"]
    assert "HTTP_PROXY" not in seen["params"]
    assert seen["params"]["REMOTE_USER"] == seen["params"]["HTTP_X_APISEC_USER"] == "shop"
    assert seen["params"]["HTTP_X_APISEC_KEY_ID"] == site.ids["ci"]
    assert site.keys["ci"] not in str(seen["params"])


# POS-13, AZ-11
def test_trailers_become_no_variables(site, fcgi):
    names = ["X-Apisec-User", "Proxy", "X-Mine", "Content-Type", "Content-Encoding", "Content-Length", "X_User", "Host"]
    for name in names:
        body = chunks(b'{"a":1}', trailer=b"%s: lie\r\n" % name.encode())
        _, seen = post(site, fcgi, "/fcgi/x", body, JSON + CHUNKED + [("Trailer", name)])
        assert seen["stdin"] == b'{"a":1}' and "lie" not in seen["params"].values() and "HTTP_TRAILER" not in seen["params"], name


# AZ-04, NEG-03: every variable that a program may route by is of the path that was matched
@pytest.mark.parametrize("path, uri, info", [
    ("/plain.app", "/plain.app", None),
    ("/plain.app/a/b?q=1", "/plain.app/a/b?q=1", "/a/b"),
    ("/plain.app/a%20b", "/plain.app/a%20b", "/a b"),
    ("/loose.app/a//b/../c", "/loose.app/a/c", "/a/c"),
    ("/loose.app//a", "/loose.app/a", "/a"),
])
def test_the_path_of_the_program_is_the_path_that_was_matched(site, fcgi, path, uri, info):
    _, seen = post(site, fcgi, path, None, [], "GET")
    params = seen["params"]
    script = uri[:len("/plain.app")]
    assert (params["SCRIPT_NAME"], params["REQUEST_URI"], params.get("PATH_INFO")) == (script, uri, info)
    assert params["SCRIPT_FILENAME"].endswith(site.server.docs + script)
    assert info is None or params["PATH_TRANSLATED"] == site.server.docs + info
    assert params["QUERY_STRING"] == uri.partition("?")[2]
    assert "//" not in params["REQUEST_URI"] and not [v for n, v in params.items() if ".." in v and n != "SERVER_SIGNATURE"]


# NEG-02, AZ-04
def test_other_paths_reach_no_program(site, fcgi):
    for path in ("/fcgi/../plain.app", "/fcgi//x", "/fcgi/a%2fb", "/fcgi/a;b", "/fcgi/%2e%2e/x", "/plain.app/a%2fb", "/plain.app//a",
                 "/plain.app/..%5cx", "/plain.app%00", "/plain.app/a%0ab", "/loose.app/a%2fb"):
        got, seen = post(site, fcgi, path, None, [], "GET")
        assert got.status == 400 and (seen is None or seen["params"]["SCRIPT_NAME"] == "/page.app"), path


REFUSED = [(b"[1,]", JSON, 400), (b"", JSON, 400), (b'"%s"' % (b"x" * (1 << 20)), JSON, 413), (b"a=b", [("Content-Type", "text/plain")], 415),
           (b"[]", JSON + [("Content-Encoding", "zstd")], 415), (gzip.compress(b"[]")[:-1], JSON + GZIP, 400),
           (chunks(b"[1,]", 2), JSON + CHUNKED, 400), (b"[]", JSON + [("Content-Type", "text/html")], 400)]


# POS-13: who makes the page of a refusal is not given what was refused
@pytest.mark.parametrize("body, fields, status", REFUSED, ids=range(len(REFUSED)))
def test_what_was_refused_reaches_no_responder(site, fcgi, body, fields, status):
    got, seen = post(site, fcgi, "/fcgi/x", body, fields)
    assert got.status == status
    params = seen["params"]
    assert (params["SCRIPT_NAME"], params["REQUEST_METHOD"], seen["stdin"]) == ("/page.app", "GET", b"")
    assert params.get("CONTENT_LENGTH", "0") in ("", "0") and not {"HTTP_TRANSFER_ENCODING", "HTTP_CONTENT_LENGTH"} & set(params)
    got, seen = post(site, fcgi, "/real/x", body, fields)
    assert got.status == status and seen is None
    got, seen = post(site, fcgi, "/fcgi/x", b"[]", key=None)
    assert got.status == 401 and seen is None


# what is passed on as it comes has the length that the client has said, or none
def test_a_stream_is_passed_on(site, fcgi):
    data = bytes(range(256)) * 1000
    whole = str(len(data))
    for path, body, fields, length in (("/stream/x", data, [], whole), ("/stream/x", chunks(data, 999), CHUNKED, None),
                                       ("/stream/counted", chunks(data, 999), CHUNKED, whole)):
        got, seen = post(site, fcgi, path, body, fields)
        assert got.status == 200 and seen["stdin"] == data and seen["params"].get("CONTENT_LENGTH") == length


@pytest.mark.skipif(MPM == "prefork", reason="HTTP/2 wants threads")
def test_http2(site, fcgi):  # POS-13
    before = len(fcgi.seen)
    with H2Connection(site.server.port) as h2:
        fields = [("x-api-key", site.keys["ci"]), ("content-type", "application/json")]
        h2.request("POST", "/fcgi/x", fields + [("content-encoding", "gzip")], gzip.compress(b'{"a":1}'))
        h2.request("POST", "/real/x", fields, b"[1,]")
        got = h2.finish()
    assert [stream.status for stream in got] == [200, 400]
    (seen,) = fcgi.seen[before:]
    assert seen["stdin"] == b'{"a":1}' and seen["params"]["CONTENT_LENGTH"] == "7"
    assert "HTTP_CONTENT_ENCODING" not in seen["params"]


ECHO = r"""<?php
header('Content-Type: application/json');
$seen = array('fields' => getallheaders(), 'length' => $_SERVER['CONTENT_LENGTH'] ?? '', 'uri' => $_SERVER['REQUEST_URI'],
              'self' => $_SERVER['PHP_SELF'], 'user' => $_SERVER['REMOTE_USER'] ?? '', 'proxy' => getenv('HTTP_PROXY'),
              'input' => base64_encode(file_get_contents('php://input')), 'post' => $_POST, 'files' => array());
foreach ($_FILES as $name => $file)
    $seen['files'][$name] = array($file['name'], base64_encode(file_get_contents($file['tmp_name'])));
echo json_encode($seen);
"""
PHP_CONF = """
ProxyFCGIBackendType GENERIC
ApiSecRequireTLS Off
ApiSecEngine On
<FilesMatch "\\.php$">
    SetHandler "proxy:fcgi://127.0.0.1:@BACK@/"
</FilesMatch>
<Location /json.php>
    ApiSecBody json
    ApiSecSanitize /title html-escape
</Location>
<Location /form.php>
    ApiSecBody form
    ApiSecSanitize /note html-escape
    ApiSecSanitize /a_b html-escape
</Location>
<Location /parts.php>
    ApiSecBody multipart
</Location>
"""


@pytest.fixture(scope="module")
def php():
    """A site of PHP's own responder."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    def prepared(site):
        prepare(site)
        for name in ("json", "form", "parts"):
            site.folder.write("htdocs/%s.php" % name, ECHO)

    with Site(PHP_CONF.replace("@BACK@", str(port)), prepared, modules=["proxy", "proxy_fcgi"]) as made:
        responder = subprocess.Popen([PHP, "-q", "-b", "127.0.0.1:%d" % port], cwd=made.server.docs, stdin=subprocess.DEVNULL)
        try:
            wait_for(lambda: answers(port), 30, "PHP")
            yield made
        finally:
            responder.terminate()
            responder.wait(30)


def answers(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


# POS-13, NEG-15, NEG-20
@pytest.mark.skipif(PHP is None, reason="no php-cgi; Debian has it in the package php-cgi")
def test_php_reads_what_was_judged(php):
    def ask(path, body, *fields, status=200):
        got = php.request("POST", path, key="ci", headers=list(fields), body=body)
        assert got.status == status, got
        return got.json() if status == 200 else None

    text = b'{"title":"<","more":%s}' % text_of(90000)
    want = text.replace(b'"<"', b'"&lt;"')
    for body, fields in ((text, []), (chunks(text), CHUNKED), (gzip.compress(text), GZIP), (chunks(gzip.compress(text)), CHUNKED + GZIP)):
        seen = ask("/json.php/a%20b", body, *JSON, *fields, ("Proxy", "lie"), ("X_User", "lie"), ("X-HTTP-Method-Override", "DELETE"))
        assert base64.b64decode(seen["input"]) == want and seen["length"] == str(len(want))
        assert (seen["uri"], seen["self"], seen["user"], seen["proxy"]) == ("/json.php/a%20b", "/json.php/a b", "shop", False)
        names = {name.lower() for name in seen["fields"]}
        assert not names & {"content-encoding", "transfer-encoding", "proxy", "x-user", "x-http-method-override", "x-api-key"}
    assert ask("/form.php", b"a=1&b=%C3%A9", ("Content-Type", "application/x-www-form-urlencoded"))["post"] == {"a": "1", "b": "\u00e9"}
    part = b'--b\r\nContent-Disposition: form-data; name="f"; filename="a.txt"\r\n\r\nx\0y\r\n--b--\r\n'
    seen = ask("/parts.php", part, ("Content-Type", "multipart/form-data; boundary=b"))
    assert seen["files"] == {"f": ["a.txt", base64.b64encode(b"x\0y").decode()]}
    ask("/json.php", b"[1,]", *JSON, status=400)
    # POS-14: names that differ, and that PHP takes for one
    for body in (b"a=1&a=2", b"a_b=1&a.b=2", b"a_b=1&a+b=2", b"a_b=1&a%5Bb=2", b"a_b=1&+a_b=2", b"a_b=1&a_b%5Bx%5D=2"):
        ask("/form.php", body, ("Content-Type", "application/x-www-form-urlencoded"), status=400)
    # NEG-19: a field has its rule by whichever name PHP knows it
    for name in (b"note", b"+note", b"note%5Bx%5D", b"a_b", b"a.b", b"a+b", b"a%5Bb"):
        seen = ask("/form.php", name + b"=%3Cb%3E", ("Content-Type", "application/x-www-form-urlencoded"))
        assert "<" not in str(seen["post"]) and "&lt;b&gt;" in str(seen["post"]), name
