"""A client of HTTP/2 in clear text that sends what it is told, also what no client should."""

import socket
import struct

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
END_STREAM, END_HEADERS, ACK = 1, 4, 1
# The digits of a status in Huffman's code of HPACK (RFC 7541, appendix B).
_DIGITS = {"00000": "0", "00001": "1", "00010": "2", "011001": "3", "011010": "4", "011011": "5", "011100": "6",
           "011101": "7", "011110": "8", "011111": "9"}
_INDEXED = {8: 200, 9: 204, 10: 206, 11: 304, 12: 400, 13: 404, 14: 500}


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def _string(text):
    data = text if isinstance(text, bytes) else text.encode("latin-1")
    if len(data) < 127:
        return bytes([len(data)]) + data
    rest, out = len(data) - 127, bytes([127])
    while rest >= 128:
        out, rest = out + bytes([rest % 128 + 128]), rest // 128
    return out + bytes([rest]) + data


def field_block(fields):
    """Every field as a literal that is never indexed."""
    return b"".join(b"\x10" + _string(name) + _string(value) for name, value in fields)


def _status_of(block):
    """The status is always the first field; our table has no entries of its own."""
    at = 0
    while block[at] & 0xe0 == 0x20:  # sizes of the dynamic table
        at += 1
    if block[at] & 0x80:
        return _INDEXED[block[at] & 0x7f]
    length = block[at + 1]
    text = block[at + 2:at + 2 + (length & 0x7f)]
    if not length & 0x80:
        return int(text)
    bits, digits, code = "".join("{:08b}".format(b) for b in text), "", ""
    for bit in bits:
        code += bit
        if code in _DIGITS:
            digits, code = digits + _DIGITS[code], ""
            if len(digits) == 3:
                break
    return int(digits)


class Stream:
    """status (None: reset or never answered), body, reset (the error code, or None)."""

    def __init__(self):
        self.status, self.body, self.reset, self.ended = None, b"", None, False


class H2Connection:
    def __init__(self, port, timeout=30):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout)
        self.port, self.next, self.streams, self.out = port, 1, {}, b""
        # No dynamic table, no push, and a window that is never full.
        settings = struct.pack(">HIHIHI", 1, 0, 2, 0, 4, 0x7fffffff)
        self.out += PREFACE + frame(SETTINGS, 0, 0, settings) + frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", 0x7fff0000))

    def request(self, method, path, fields=(), body=b"", pseudo=None):
        """Puts a request into the next write; returns its Stream."""
        if pseudo is None:
            pseudo = [(":method", method), (":scheme", "http"), (":authority", "127.0.0.1:%d" % self.port), (":path", path)]
        block = field_block(list(pseudo) + list(fields))
        number, self.next = self.next, self.next + 2
        self.out += frame(HEADERS, END_HEADERS | (0 if body else END_STREAM), number, block)
        if body:
            self.out += frame(DATA, END_STREAM, number, body)
        self.streams[number] = Stream()
        return self.streams[number]

    def begin(self, method, path, fields=()):
        """As request(), with content that send() adds piece by piece."""
        stream = self.request(method, path, fields, b"-")
        self.out = self.out[:-len(frame(DATA, 0, 0, b"-"))]
        return stream

    def send(self, stream, data, end=False):
        """Sends one more piece at once; at most 16,384 bytes, and 65,535 of all."""
        self.out += frame(DATA, END_STREAM if end else 0, self._number_of(stream), data)
        self.socket.sendall(self.out)
        self.out = b""

    def read(self, stream, size):
        """Reads until so many bytes of this stream's answer are there, or it has ended."""
        while len(stream.body) < size and not stream.ended and self._frame():
            pass
        return stream.body

    def _number_of(self, stream):
        return next(n for n, s in self.streams.items() if s is stream)

    def reset(self, stream):
        """Gives a stream up."""
        number = self._number_of(stream)
        self.out += frame(RST_STREAM, 0, number, struct.pack(">I", 8))
        stream.ended = True

    def finish(self):
        """Sends all of it at once and reads until every stream has ended, or the connection has."""
        try:
            self.socket.sendall(self.out)
        except OSError:
            pass  # the server may have left; what it said is still read
        self.out = b""
        while not all(s.ended for s in self.streams.values()):
            try:
                if not self._frame():
                    break
            except ConnectionError:
                break
        return list(self.streams.values())

    def _read(self, count):
        data = b""
        while len(data) < count:
            more = self.socket.recv(count - len(data))
            if not more:
                return None
            data += more
        return data

    def _frame(self):
        head = self._read(9)
        if head is None:
            return False
        length, kind, flags = int.from_bytes(head[:3], "big"), head[3], head[4]
        payload = self._read(length) if length else b""
        if payload is None:
            return False
        stream = self.streams.get(int.from_bytes(head[5:], "big") & 0x7fffffff)
        if kind == SETTINGS and not flags & ACK:
            self.socket.sendall(frame(SETTINGS, ACK, 0))
        elif kind == PING and not flags & ACK:
            self.socket.sendall(frame(PING, ACK, 0, payload))
        elif stream is not None:
            if kind == HEADERS and stream.status is None and payload:
                stream.status = _status_of(payload)
            elif kind == DATA:
                stream.body += payload
            elif kind == RST_STREAM:
                stream.reset, stream.ended = int.from_bytes(payload, "big"), True
            if kind in (HEADERS, DATA) and flags & END_STREAM:
                stream.ended = True
        return True

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
