"""Where things are, as whom the server runs, and waiting."""

import grp
import os
import pwd
import shutil
import stat
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(os.environ.get("APISEC_BUILD") or os.path.join(TOP, "build"))
IS_ROOT = os.geteuid() == 0


def _server_account():
    """Debian's account, or others' names for it; without root the server runs as we do."""
    if not IS_ROOT:
        return pwd.getpwuid(os.geteuid()).pw_name, grp.getgrgid(os.getegid()).gr_name
    for name in ("www-data", "apache", "nobody"):
        try:
            account = pwd.getpwnam(name)
        except KeyError:
            continue
        return name, grp.getgrgid(account.pw_gid).gr_name
    raise RuntimeError("no account for httpd: want www-data, apache or nobody")


SERVER_USER, SERVER_GROUP = _server_account()


def wait_for(condition, timeout=15, what="a condition"):
    """Polls until condition() is true and returns its value; TimeoutError after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError("waited %s s for %s" % (timeout, what))
        time.sleep(0.01)


def wait_seconds(seconds):
    """Waits as long as a server has asked for (Retry-After)."""
    time.sleep(seconds)


def _is_safe(path):
    """Every folder up to the root: others may pass, and cannot rename what is in it."""
    path = os.path.realpath(path)
    while True:
        mode = os.stat(path).st_mode
        if mode & (stat.S_IWOTH | stat.S_IWGRP) and not mode & stat.S_ISVTX:
            return False
        if not mode & stat.S_IXOTH:
            return False
        if path == "/":
            return True
        path = os.path.dirname(path)


class Folder:
    """A folder of mode 0755 that is removed at the end (not below pytest's, which are 0700)."""

    def __init__(self):
        place = next((p for p in (tempfile.gettempdir(), "/tmp", "/var/tmp") if _is_safe(p)), None)
        if place is None:
            raise RuntimeError("no temporary folder that httpd's user can reach safely")
        self.root = os.path.realpath(tempfile.mkdtemp(prefix="apisec-", dir=place))
        os.chmod(self.root, 0o755)

    def path(self, *names):
        return os.path.join(self.root, *names)

    def write(self, name, text, mode=0o644):
        """Writes text or bytes below the folder, making what is above it; returns the path."""
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as out:
            out.write(text if isinstance(text, bytes) else text.encode())
        os.chmod(path, mode)
        return path

    def remove(self):
        shutil.rmtree(self.root, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.remove()
