"""A server that is not httpd, in the foreground on a port of loopback."""

import os
import socket
import subprocess

from .place import wait_for
from .server import ServerFault, children_of, free_ports


class OtherServer:
    """OtherServer(folder, command, conf).  In `command` and `conf` these are replaced:

    @ROOT@ folder    @DOCS@ document root    @PORT@ port    @CONF@ where `conf` is written

    The program runs in the foreground; what it says goes to output.log of the folder.
    """

    def __init__(self, folder, command, conf):
        self.folder, self.process = folder, None
        self.port = free_ports(1)[0]
        self.output = folder.path("output.log")
        os.makedirs(folder.path("htdocs"), exist_ok=True)
        places = {"ROOT": folder.root, "DOCS": folder.path("htdocs"), "PORT": str(self.port),
                  "CONF": folder.path("other.conf")}

        def placed(text):
            for name, value in places.items():
                text = text.replace("@%s@" % name, value)
            return text

        folder.write("other.conf", placed(conf))
        self.command = [placed(word) for word in command]

    def start(self):
        with open(self.output, "ab") as out:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                            start_new_session=True)
        try:
            wait_for(lambda: self.process.poll() is not None or self._answers(), 30, self.command[0] + " to listen")
        except TimeoutError:
            self.stop()
            raise
        if self.process.poll() is not None:
            raise ServerFault("%s ended with %s at start:\n%s" % (self.command[0], self.process.returncode,
                                                                  self.report()))
        return self

    def _answers(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False

    @property
    def pid(self):
        return self.process.pid

    def children(self):
        return children_of(self.pid)

    def report(self):
        with open(self.output, errors="replace") as said:
            return said.read()[-6000:]

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()
