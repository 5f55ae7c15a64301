"""A backend on loopback that changes to WebSocket, or whatever it is asked for, and sends all bytes back."""

import base64
import hashlib

from .loopback import Loopback

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Echo(Loopback):
    """with Echo() as echo: echo.port; echo.heads lists the heads of requests in the order of arrival."""

    def __init__(self):
        self.heads = []
        super().__init__()

    def serve(self, client):
        with client:
            client.settimeout(30)
            try:
                self._echo(client)
            except OSError:
                pass  # the server has gone; the test sees that by itself

    def _echo(self, client):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            byte = client.recv(1)
            if not byte:
                return
            head += byte
        self.heads.append(head.decode("latin-1"))
        fields = {line.split(b":", 1)[0].lower(): line.split(b":", 1)[1].strip() for line in head.split(b"\r\n")[1:-2]}
        if b"upgrade" not in fields:
            client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nplain\n")
            return
        accept = base64.b64encode(hashlib.sha1(fields.get(b"sec-websocket-key", b"") + GUID).digest())
        client.sendall(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: %s\r\nSec-WebSocket-Accept: %s\r\n\r\n"
                       % (fields[b"upgrade"], accept))
        while True:
            data = client.recv(65536)
            if not data:
                return
            client.sendall(data)
