"""A backend on loopback that answers what a test has put down, also what no backend should."""

from .loopback import Loopback, read_head


def answer(status, fields, body):
    """The bytes of an answer; `fields` is a dict, or pairs where a name comes twice."""
    pairs = fields.items() if isinstance(fields, dict) else fields
    head = ["HTTP/1.1 %d x" % status, "Connection: close"] + ["%s: %s" % pair for pair in pairs]
    return ("\r\n".join(head) + "\r\n\r\n").encode() + body


class Said(Loopback):
    """with Said() as said: said.answers[name] is what a path's last part is answered by, without a body for HEAD.

    said.seen lists the heads of requests in the order of arrival, as bytes.
    """

    def __init__(self):
        self.answers, self.seen = {}, []
        super().__init__()

    def serve(self, client):
        with client, client.makefile("rb") as stream:
            head = read_head(stream)
            if head is None:
                return
            self.seen.append(head)
            method, target = head.split(b" ")[:2]
            said = self.answers[target.decode().rsplit("/", 1)[1]]
            try:
                client.sendall(said if method != b"HEAD" else said.partition(b"\r\n\r\n")[0] + b"\r\n\r\n")
            except OSError:
                pass  # the server has heard enough
