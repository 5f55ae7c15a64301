"""A backend on loopback that says what it has received."""

import base64
import json
import socket
import threading


class Backend:
    """with Backend() as backend: backend.port; each answer is 200 with JSON of the request:

    method, target, fields (pairs, as received), head and body (base64 of the very bytes).
    `fields` go out with every answer; backend.seen lists the requests in the order of arrival.
    """

    def __init__(self, fields=()):
        self.fields, self.seen = list(fields), []
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.ended = False
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    def _accept(self):
        while True:
            try:
                client = self.socket.accept()[0]
            except OSError:
                return
            if self.ended:
                client.close()
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        with client:
            client.settimeout(30)
            try:
                stream = client.makefile("rb")
                head = b""
                while not head.endswith(b"\r\n\r\n"):
                    line = stream.readline(65536)
                    if not line:
                        return
                    head += line
                request = _parse(head)
                body = _read_body(client, stream, request["fields"])
                request["body"] = base64.b64encode(body).decode()
                self.seen.append(request)
                self._answer(client, request)
            except OSError:
                pass  # the server has gone; the test sees that by itself

    def _answer(self, client, request):
        text = json.dumps(request).encode()
        head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n" % len(text)
        for name, value in self.fields:
            head += "%s: %s\r\n" % (name, value)
        client.sendall(head.encode() + b"Connection: close\r\n\r\n" + (text if request["method"] != "HEAD" else b""))

    def close(self):
        self.ended = True
        try:
            socket.create_connection(("127.0.0.1", self.port), 5).close()  # accept() does not see a close
        except OSError:
            pass
        self.thread.join(5)
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def _parse(head):
    lines = head.decode("latin-1").split("\r\n")[:-2]
    method, target, _ = lines[0].split(" ")
    fields = [[part.strip() for part in line.split(":", 1)] for line in lines[1:]]
    return {"method": method, "target": target, "fields": fields, "head": base64.b64encode(head).decode()}


def _read_body(client, stream, fields):
    named = {name.lower(): value for name, value in fields}
    if named.get("expect", "").lower() == "100-continue":
        client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    if named.get("transfer-encoding", "").lower() != "chunked":
        return stream.read(int(named.get("content-length", 0)))
    body = b""
    while True:
        size = int(stream.readline().split(b";")[0], 16)
        if size == 0:
            while stream.readline() not in (b"\r\n", b""):
                pass
            return body
        body += stream.read(size)
        stream.readline()


def fields_of(request, name):
    """The values of a field, in any case, of a request that the backend has told."""
    return [value for field, value in request["fields"] if field.lower() == name.lower()]


def body_of(request):
    return base64.b64decode(request["body"])
