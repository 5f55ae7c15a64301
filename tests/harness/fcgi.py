"""A FastCGI responder on loopback that says what it has received (FastCGI 1.0)."""

import json
import struct

from .loopback import Loopback

BEGIN_REQUEST, ABORT_REQUEST, END_REQUEST, PARAMS, STDIN, STDOUT = 1, 2, 3, 4, 5, 6


class Responder(Loopback):
    """with Responder() as fcgi: fcgi.port; fcgi.seen lists what came, in the order of arrival.

    Each is {"params": {NAME: value}, "stdin": the very bytes}; a name that comes twice is a fault of the test.
    The answer is JSON of the parameters, or what fcgi.answers has for the last part of SCRIPT_NAME and PATH_INFO:
    the bytes of a CGI answer, whose connection is cut without an end where `dies` holds the name.
    """

    def __init__(self):
        self.seen, self.answers, self.dies = [], {}, set()
        super().__init__()

    def serve(self, client):
        with client:
            client.settimeout(30)
            try:
                number, params, stdin = _read(client.makefile("rb"))
                if number is not None:
                    self._answer(client, number, params, stdin)
            except OSError:
                pass  # the server has gone; the test sees that by itself

    def _answer(self, client, number, params, stdin):
        self.seen.append({"params": params, "stdin": stdin})
        name = (params.get("SCRIPT_NAME", "") + params.get("PATH_INFO", "")).rsplit("/", 1)[-1]
        out = self.answers.get(name)
        if out is None:
            out = b"Content-Type: application/json\r\n\r\n" + json.dumps(params).encode()
        for at in range(0, len(out), 8000):
            client.sendall(_record(STDOUT, number, out[at:at + 8000]))
        if name not in self.dies:
            client.sendall(_record(STDOUT, number, b"") + _record(END_REQUEST, number, bytes(8)))


def _record(kind, number, content):
    return struct.pack(">BBHHBB", 1, kind, number, len(content), 0, 0) + content


def _read(stream):
    """(number, parameters, stdin) of the one request of a connection; None three times where none came."""
    number, params, stdin = None, b"", b""
    while True:
        head = stream.read(8)
        if len(head) < 8:
            return None, None, None
        _, kind, number, length, padding, _ = struct.unpack(">BBHHBB", head)
        content = stream.read(length)
        stream.read(padding)
        if kind == PARAMS:
            params += content
        elif kind == STDIN and length != 0:
            stdin += content
        elif kind == STDIN:
            return number, _pairs(params), stdin
        elif kind == ABORT_REQUEST:
            return None, None, None


def _length(data, at):
    if data[at] < 0x80:
        return data[at], at + 1
    return int.from_bytes(data[at:at + 4], "big") & 0x7fffffff, at + 4


def _pairs(data):
    at, pairs = 0, {}
    while at < len(data):
        n, at = _length(data, at)
        v, at = _length(data, at)
        name, value = data[at:at + n].decode("latin-1"), data[at + n:at + n + v].decode("latin-1")
        assert name not in pairs, name
        pairs[name] = value
        at += n + v
    return pairs
