"""A backend of HTTP/2 in clear text that sends each piece back as it comes, and then trailers."""

import struct

from .h2 import ACK, DATA, END_HEADERS, END_STREAM, HEADERS, PING, PREFACE, RST_STREAM, SETTINGS, WINDOW_UPDATE, field_block, frame
from .loopback import Loopback

ECHOED = 32768
TRAILERS = [("grpc-status", "0"), ("grpc-message", "card 4111111111111111")]


class Duplex(Loopback):
    """with Duplex() as duplex: duplex.port; duplex.counts has the bytes that came by each stream, in order.

    Fields of requests are not read, so each stream is answered alike: 200, application/grpc, the first
    32 KiB of what was sent, and TRAILERS.
    """

    def __init__(self):
        self.counts = []
        super().__init__()

    def serve(self, client):
        with client, client.makefile("rb") as stream:
            client.settimeout(60)
            try:
                if stream.read(len(PREFACE)) != PREFACE:
                    return
                client.sendall(frame(SETTINGS, 0, 0, struct.pack(">HI", 4, 1 << 20)))
                places = {}
                while self._frame(client, stream, places):
                    pass
            except OSError:
                pass  # the server has gone; the test sees that by itself

    def _frame(self, client, stream, places):
        head = stream.read(9)
        if len(head) < 9:
            return False
        length, kind, flags = int.from_bytes(head[:3], "big"), head[3], head[4]
        number = int.from_bytes(head[5:], "big") & 0x7fffffff
        payload = stream.read(length)
        out = b""
        if kind == SETTINGS and not flags & ACK:
            out = frame(SETTINGS, ACK, 0)
        elif kind == PING and not flags & ACK:
            out = frame(PING, ACK, 0, payload)
        elif kind == HEADERS and number not in places:
            places[number] = len(self.counts)
            self.counts.append(0)
            out = frame(HEADERS, END_HEADERS, number, b"\x88" + field_block([("content-type", "application/grpc")]))
        elif kind == DATA and length != 0:
            self.counts[places[number]] += length
            more = struct.pack(">I", length)
            out = frame(WINDOW_UPDATE, 0, 0, more) + frame(WINDOW_UPDATE, 0, number, more)
            if self.counts[places[number]] <= ECHOED:
                out += frame(DATA, 0, number, payload)
        elif kind == RST_STREAM:
            places.pop(number, None)
        if kind in (HEADERS, DATA) and flags & END_STREAM:
            out += frame(HEADERS, END_HEADERS | END_STREAM, number, field_block(TRAILERS))
        client.sendall(out)
        return True
