"""What a command that is killed leaves behind, at each of the calls by which it changes files.

A process that is killed leaves what the kernel has of its files at that moment, so one run is enough: before each call the
folder is copied (preload/killat.c).  States that are the same once SQLite has rolled back what was cut off are looked at
once; that such a copy is what a kill leaves is shown at some of the calls.
"""

import hashlib
import os
import re
import shutil
import sqlite3
import subprocess

from harness import BUILD, Store

KILLAT = os.path.join(BUILD, "tests", "ctl", ".libs", "killat.so")
TEMP = re.compile(r"\.[0-9A-Za-z]{6,}$")


def environment(**variables):
    """It loads killat, after the runtime of the sanitizer where there is one."""
    libraries = [path for path in (os.environ.get("APISEC_SANITIZE"), KILLAT) if path]
    return dict({name: str(value) for name, value in variables.items()}, LD_PRELOAD=":".join(libraries))


def start(store, args, stdin=None, **variables):
    env = {k: v for k, v in os.environ.items() if not k.startswith("APISEC_")}
    env.update(environment(**variables), LC_ALL="C.UTF-8")
    done = subprocess.run([Store.program, "--store", store.path, "--state", store.state, "--json", *args], env=env,
                          input=stdin if stdin is not None else "", stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120)
    assert "Sanitizer" not in done.stderr, done.stderr
    return done


def calls_of(store, args, folder, stdin=None):
    count = folder.path("count")
    done = start(store, args, stdin, KILL_COUNT=count)
    assert done.returncode == 0, done
    return int(open(count).read())


def recovered(path, scratch):
    """A database as the next who opens it finds it: what was cut off is rolled back."""
    shutil.copyfile(path, scratch)
    if os.path.exists(path + "-journal"):
        shutil.copyfile(path + "-journal", scratch + "-journal")
    try:
        with sqlite3.connect(scratch) as db:
            db.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        db.close()
    except sqlite3.DatabaseError:
        pass  # it is not one yet: its bytes tell
    with open(scratch, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def mark_of(path, scratch):
    """What two states that are the same have in common: names of files, and what is in those that have their final name."""
    marks = []
    for folder, _, names in os.walk(path):
        for name in names:
            whole = os.path.join(folder, name)
            shown = os.path.relpath(whole, path)
            if name.startswith(".") or name.endswith("-journal"):
                marks.append((TEMP.sub(".X", shown), os.path.getsize(whole) > 0))
            elif name.endswith(".db"):
                marks.append((shown, recovered(whole, scratch)))
            else:
                with open(whole, "rb") as file:
                    marks.append((shown, hashlib.sha256(file.read()).hexdigest()))
    return tuple(sorted(marks))


def shape_of(path, scratch):
    """The same for two runs, whose ids and times differ: names, and of databases how much is in each table."""
    marks = []
    for folder, _, names in os.walk(path):
        for name in names:
            whole = os.path.join(folder, name)
            shown = TEMP.sub(".X", os.path.relpath(whole, path))
            if not name.endswith(".db") or name.startswith("."):
                marks.append((shown, None))
                continue
            recovered(whole, scratch)
            try:
                with sqlite3.connect(scratch) as db:
                    tables = [row[0] for row in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")]
                    marks.append((shown, tuple(db.execute('SELECT count(*) FROM "%s"' % table).fetchone() for table in tables),
                                  tuple(db.execute("SELECT generation, base FROM meta")) if "meta" in tables else ()))
                db.close()
            except sqlite3.DatabaseError:
                marks.append((shown, "no database"))
    return tuple(sorted(marks, key=repr))


class States:
    """for at, path in States(folder, root, store, args): each other state of `root`, and a call before which it is.

    `calls` is the number of calls; `all` has every call with the mark of its state."""

    def __init__(self, folder, root, store, args, stdin=None):
        self.folder, self.root, self.to = folder, root, folder.path("snapshots")
        shutil.rmtree(self.to, ignore_errors=True)
        os.mkdir(self.to)
        done = start(store, args, stdin, SNAP_OF=root, SNAP_TO=self.to)
        assert done.returncode == 0, done
        self.calls = len(os.listdir(self.to))
        self.all = [(at, self._mark(at)) for at in range(1, self.calls + 1)]

    def _mark(self, at):
        return mark_of(os.path.join(self.to, str(at)), self.folder.path("scratch.db"))

    def __iter__(self):
        seen = set()
        for at, mark in self.all:
            if mark not in seen:
                seen.add(mark)
                yield at, os.path.join(self.to, str(at))

    def put(self, at):
        """The state of this call in the place that it was taken from."""
        shutil.rmtree(self.root, ignore_errors=True)
        subprocess.run(["cp", "-a", os.path.join(self.to, str(at)), self.root], check=True, timeout=60)

    def show_kills(self, store, args, stdin=None):
        """A process that is really killed leaves what was copied."""
        scratch = self.folder.path("scratch.db")
        for at in sorted({1, self.calls // 3, 2 * self.calls // 3, self.calls}):
            self.put(1)  # before the first call nothing was changed
            done = start(store, args, stdin, KILL_AT=at)
            assert done.returncode == -9 and done.stdout == "", (at, done)
            assert shape_of(self.root, scratch) == shape_of(os.path.join(self.to, str(at)), scratch), at
