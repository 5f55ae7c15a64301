"""A command on a pseudo terminal, as a person sees it."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time


class Terminal:
    """Runs argv with stdin, stdout and stderr on a terminal of its own.

    `stdin` or `stderr` may be another file or a pipe.  seen() is what was shown so far.
    """

    def __init__(self, argv, env=None, rows=24, columns=80, **popen):
        self.main, end = pty.openpty()
        fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        full = {k: v for k, v in os.environ.items()
                if not k.startswith(("APISEC_", "LESS")) and k not in ("PAGER", "NO_COLOR", "SUDO_UID", "SUDO_USER")}
        full.update({"TERM": "xterm", "LC_ALL": "C.UTF-8"})
        full.update(env or {})
        full = {k: v for k, v in full.items() if v is not None}
        streams = {"stdin": end, "stdout": end, "stderr": end}
        streams.update(popen)
        try:
            self.process = subprocess.Popen(argv, env=full, start_new_session=True, **streams)
        finally:
            os.close(end)
        self.shown = b""

    def read(self, seconds=0.02):
        """Takes in what is there; false once the other side is closed."""
        if not select.select([self.main], [], [], seconds)[0]:
            return True
        try:
            more = os.read(self.main, 65536)
        except OSError:  # the last one has closed it
            return False
        self.shown += more
        return bool(more)

    def seen(self):
        self.read()
        return self.shown.decode("utf-8", "replace").replace("\r\n", "\n")

    def type(self, keys):
        os.write(self.main, keys.encode())

    def end(self, timeout=60):
        """Its exit code and all that was shown."""
        deadline = time.monotonic() + timeout
        while self.read() and time.monotonic() < deadline:
            pass
        try:
            code = self.process.wait(max(1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        finally:
            os.close(self.main)
        return code, self.shown.decode("utf-8", "replace").replace("\r\n", "\n")
