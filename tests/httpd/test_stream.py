"""What is passed on as it comes, over HTTP/2 as well: by ApiSecStream, and by an operation that says x-apisec-stream."""

import json
import os
import re
import subprocess
import threading

import pytest
from harness import MPM, Site
from harness.duplex import Duplex
from harness.h2 import H2Connection
from harness.loopback import Loopback, read_head

pytestmark = [pytest.mark.one_mpm, pytest.mark.skipif(MPM == "prefork", reason="httpd speaks no HTTP/2 under prefork")]
API = {"openapi": "3.1.0", "info": {"title": "Files", "version": "1"}, "paths": {"/{name}": {
    "parameters": [{"name": "name", "in": "path", "required": True, "schema": {"type": "string"}}],
    "post": {"x-apisec-stream": True, "requestBody": {"content": {"application/grpc": {}}},
             "responses": {"200": {"description": "done", "content": {"application/grpc": {}}}}}}}}
CONF = """
Protocols h2c http/1.1
ApiSecRequireTLS Off
ApiSecEngine On
SetOutputFilter DEFLATE
ProxyPass /stream/one http://127.0.0.1:@SINK@/
ProxyPass /api/one http://127.0.0.1:@SINK@/
ProxyPass /stream/ h2c://127.0.0.1:@DUPLEX@/
ProxyPass /api/ h2c://127.0.0.1:@DUPLEX@/
<Location /stream>
    ApiSecStream On
</Location>
<Location /api>
    ApiSecApi files
    ApiSecResponses schema=block leaks=mask
</Location>
"""


class Sink(Loopback):
    """A backend of HTTP/1.1 that counts what it is sent; `begun` is set with the first byte of the content."""

    def __init__(self):
        self.heads, self.count, self.begun = [], 0, threading.Event()
        super().__init__()

    def serve(self, client):
        with client, client.makefile("rb") as stream:
            head = read_head(stream)
            if head is None:
                return
            self.heads.append(head)
            while (size := int(stream.readline(), 16)) != 0:
                self.count += len(stream.read(size))
                self.begun.set()
                stream.readline()
            stream.readline()
            client.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/grpc\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


def prepare(site):
    site.role("all", "POST /**")
    site.key("ci", role="all")
    site.store.ok("api", "import", "files", site.folder.write("api.json", json.dumps(API)))


@pytest.fixture(scope="module")
def sink():
    return Sink()


@pytest.fixture(scope="module")
def site(sink):
    with Duplex() as duplex:
        modules = ["proxy_http", "http2", "proxy_http2", "deflate"]
        with Site(CONF.replace("@SINK@", str(sink.port)).replace("@DUPLEX@", str(duplex.port)), prepare, modules=modules, children=1,
                  start=False) as made:
            if not os.path.exists(os.path.join(made.server.libexec, "mod_proxy_http2.so")):
                pytest.skip("no mod_proxy_http2 in " + made.server.libexec)
            made.server.start()
            made.duplex = duplex
            yield made
    sink.close()


def call(site, path, *more):
    """curl that sends what is written to it, as it is written, by HTTP/2."""
    fields = [word for field in ("X-API-Key: " + site.keys["ci"], "Content-Type: application/grpc", "TE: trailers") for word in ("-H", field)]
    return subprocess.Popen(["curl", "-sN", "-m", "60", "--http2-prior-knowledge", "-X", "POST", "-T", ".", *fields, *more, site.server.url(path)],
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)


# gRPC: each side is answered while it still speaks, and the status comes behind it
# NEG-16: with trailers that are looked through
@pytest.mark.parametrize("path, card", [("/stream/x", "4111111111111111"), ("/api/x", "1111111111111111")])
def test_both_ways_go_on_at_once(site, path, card):
    sent, fields = b"", {"x-api-key": site.keys["ci"], "content-type": "application/grpc", "te": "trailers", "accept-encoding": "gzip"}
    with H2Connection(site.server.port) as h2:
        stream = h2.begin("POST", path, fields.items())
        for size in (5, 1, 100, 16000, 16384):
            piece = os.urandom(size)
            sent += piece
            h2.send(stream, piece)
            assert h2.read(stream, len(sent)) == sent and stream.status == 200, size
        h2.send(stream, b"", end=True)
        h2.finish()
        assert stream.ended and stream.reset is None and stream.body == sent
    head = site.folder.path("head")
    with call(site, path, "-D", head) as client:
        client.stdin.close()
        assert client.stdout.read() == b"" and client.wait(60) == 0
    with open(head) as text:
        said = text.read().replace("\r", "")
    assert said.startswith("HTTP/2 200") and re.search(r"(?m)^grpc-status: 0$", said), said
    assert re.search(r"(?m)^grpc-message: card %s$" % card, said), said


# a backend of HTTP/1.1 has the first bytes before the last ones are sent
@pytest.mark.parametrize("path", ["/stream/one", "/api/one"])
def test_a_body_without_a_length_is_passed_on_in_chunks(site, sink, path):
    sink.begun.clear()
    with call(site, path, "-o", "/dev/null", "-w", "%{http_code}") as client:
        client.stdin.write(b"x" * 40000)
        assert sink.begun.wait(30), "it is held until its end"
        client.stdin.write(b"y" * 40000)
        client.stdin.close()
        assert client.stdout.read() == b"200" and client.wait(60) == 0
    assert b"transfer-encoding: chunked" in sink.heads[-1].lower()


def highest(site):
    """The most memory that any child has had, in KiB."""
    text = "".join(open("/proc/%d/status" % pid).read() for pid in site.server.children())
    return max(int(n) for n in re.findall(r"VmHWM:\s+(\d+) kB", text))


# 60 MB are in no child at once, of either kind of backend
@pytest.mark.parametrize("path", ["/stream/one", "/api/one", "/stream/x", "/api/x"])
def test_memory_is_bounded(site, sink, path):
    before, came = highest(site), sink.count
    with call(site, path) as client:
        reader = threading.Thread(target=lambda: [None for _ in iter(lambda: client.stdout.read(65536), b"")])
        reader.start()
        for _ in range(60):
            client.stdin.write(bytes(1 << 20))
        client.stdin.close()
        reader.join(60)
        assert client.wait(60) == 0
    assert 60 << 20 in (sink.count - came, site.duplex.counts[-1])
    assert highest(site) - before < 20000
