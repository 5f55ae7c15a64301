"""A store, roles, keys and a server on it: what most tests of a real httpd begin with."""

import contextlib

from .place import Folder, wait_for
from .server import Server
from .store import Store

# The client's address is told by X-Forwarded-For, so that one machine plays many clients.
REMOTE_IP = "RemoteIPHeader X-Forwarded-For\nRemoteIPInternalProxy 127.0.0.1\n"


class Site:
    """with Site(conf, prepare) as site: site.server, site.store, site.keys["name"].

    `prepare(site)` makes roles and keys before the server starts; without it there is the role
    "reader", which may GET /orders/**, and the key "ci" of it, owned by "shop".
    Options are Server's.  ApiSecStore and a wide ApiSecFailLimit come before `conf`.
    """

    def __init__(self, conf, prepare=None, modules=(), start=True, **options):
        self.folder = Folder()
        try:
            self.store = Store(self.folder.path("store"), self.folder.path("state"))
            self.store.init()
            self.keys, self.ids = {}, {}
            for name in ("orders/7.json", "orders/8.json", "orders/list.html", "items/1.json", "other/x.json"):
                self.folder.write("htdocs/" + name, '{"name":"%s"}\n' % name)
            (prepare or reader)(self)
            base = "ApiSecStore @STORE@\n"
            if "ApiSecFailLimit" not in conf:
                base += "ApiSecFailLimit 1000000/s\n"
            if "remoteip" in modules:
                base += REMOTE_IP
            self.server = Server(self.folder, base + conf, modules=modules, **options)
            if start:
                self.server.start()
        except BaseException:
            self.folder.remove()
            raise

    def role(self, name, *grants, **options):
        return self.store.role_create(name, grants, **options)

    def key(self, name, role="reader", **named):
        """Makes a key and remembers its text and id; returns the text."""
        made = self.store.key_create(name, role=role, **named)
        self.keys[name], self.ids[name] = made["key"], made["id"]
        return made["key"]

    def get(self, path="/orders/7.json", key=None, headers=(), **options):
        return self.request("GET", path, key, headers, **options)

    def request(self, method, path="/orders/7.json", key=None, headers=(), **options):
        """`key`: a name of self.keys, or the text that X-API-Key carries."""
        pairs = list(headers.items()) if isinstance(headers, dict) else list(headers)
        if key is not None:
            pairs.append(("X-API-Key", self.keys.get(key, key)))
        return self.server.request(method, path, pairs, **options)

    def reach_children(self, ask):
        """Calls ask(), which makes a request and returns its answer, until each child has answered one."""
        waiting = set(self.server.children())
        ids = set()

        def all_have_answered():
            ids.add(ask().headers["X-Request-Id"])
            lines = self.server.wait_audit(lambda line: line["id"] in ids, len(ids))
            waiting.difference_update(line["pid"] for line in (lines if len(ids) > 1 else [lines]))
            return not waiting & set(self.server.children())

        wait_for(all_have_answered, 30, "an answer of each child")

    @contextlib.contextmanager
    def every_child(self, key, path="/orders/7.json"):
        """Kept connections, so many that each child has answered on one of them."""
        with contextlib.ExitStack() as stack:
            connections = []

            def ask_another():
                connections.append(stack.enter_context(self.server.connect(timeout=60)))
                return connections[-1].request("GET", path, [("X-API-Key", self.keys[key])])

            self.reach_children(ask_another)
            yield connections

    def script(self, name, text):
        """A CGI program below @ROOT@/cgi."""
        return self.folder.write("cgi/" + name, "#!/bin/sh\n" + text, 0o755)

    def close(self):
        try:
            self.server.stop()
            self.server.check()
        finally:
            print(self.server.report())
            self.folder.remove()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def reader(site):
    site.role("reader", "GET /orders/**")
    site.key("ci", owner="shop")
