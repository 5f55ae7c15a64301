"""A state file as a server would leave it, without a server."""

import os
import sqlite3
import subprocess

from .place import BUILD

COUNTERS = ["asked", "refused", "would_refuse", "delayed", "overflow"]


class StateFile:
    """Each call adds to what write() does; then the file is there.

    `store` is the Store whose callers are meant; None: no store's.
    """

    program = os.path.join(BUILD, "tests", "ctl", "statefile")

    def __init__(self, path, store=None):
        self.path, self.lines, self.tag = path, [], "0"
        if store is not None:
            with sqlite3.connect("file:%s?mode=ro" % store.file("store.db"), uri=True) as db:
                self.tag = db.execute("SELECT store_id FROM meta").fetchone()[0][:8].hex()

    def _add(self, *words):
        self.lines.append("\t".join(str(word) for word in words))
        return self

    def limit(self, text, where="gate.example:80 /", plan=False, **counters):
        """Registers a limit, and counts."""
        self._add("limit", "plan" if plan else "section", self.tag, where, text)
        for name, n in counters.items():
            self._add("add", COUNTERS.index(name), n)
        return self

    def bind(self, text, edition=0, plan=True):
        """What is charged next; nobody registers it."""
        return self._add("bind", self.tag if plan else 0, edition, text)

    def charge(self, units, key="", owner="", org="", role="", route="", ip="", epoch=0):
        return self._add("charge", units, key, owner, org, role, route, ip, self.tag, epoch)

    def rows(self, name, n):
        return self._add("row", name, n)

    def restart(self):
        return self._add("restart")

    def reboot(self):
        return self._add("reboot")

    def write(self):
        subprocess.run([self.program, self.path], input="".join(line + "\n" for line in self.lines), text=True,
                       check=True, timeout=60)
        self.lines = []
        return self.path
