"""A backend on loopback that answers what a test has put down, also what no backend should."""

import socket
import threading


def answer(status, fields, body):
    """The bytes of an answer; `fields` is a dict, or pairs where a name comes twice."""
    pairs = fields.items() if isinstance(fields, dict) else fields
    head = ["HTTP/1.1 %d x" % status, "Connection: close"] + ["%s: %s" % pair for pair in pairs]
    return ("\r\n".join(head) + "\r\n\r\n").encode() + body


class Said:
    """with Said() as said: said.answers[name] is what a path's last part is answered by, without a body for HEAD.

    said.seen lists the heads of requests in the order of arrival, as bytes.
    """

    def __init__(self):
        self.answers, self.seen = {}, []
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client = self.socket.accept()[0]
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        with client, client.makefile("rb") as stream:
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                line = stream.readline()
                if not line:
                    return
                head += line
            self.seen.append(head)
            method, target = head.split(b" ")[:2]
            said = self.answers[target.decode().rsplit("/", 1)[1]]
            try:
                client.sendall(said if method != b"HEAD" else said.partition(b"\r\n\r\n")[0] + b"\r\n\r\n")
            except OSError:
                pass  # the server has heard enough

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
