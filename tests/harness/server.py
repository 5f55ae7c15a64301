"""A real httpd in a folder of its own, on loopback, under the MPM of $MPM."""

import functools
import glob
import http.client
import json
import os
import random
import re
import signal
import socket
import ssl
import subprocess
import weakref

from .place import BUILD, IS_ROOT, SERVER_GROUP, SERVER_USER, wait_for
from .store import _no_twins

MPM = os.environ.get("MPM", "event")
MODULE = os.path.join(BUILD, "mod_apisec", ".libs", "mod_apisec.so")
ALWAYS = ["unixd", "log_config", "authn_core", "authz_core", "mime", "dir"]
NEEDS = {"ssl": ["socache_shmcb"], "proxy_http": ["proxy"], "proxy_http2": ["proxy", "http2"],
         "auth_basic": ["authn_file", "authz_user"], "access_compat": ["authz_host"], "cache_disk": ["cache"],
         "authn_dbd": ["dbd"], "cgid": ["alias"], "cgi": ["alias"], "dav_fs": ["dav"]}
# A child that ends by one of these has crashed; Killed is what tests themselves do.
CRASH = re.compile(r"exit signal (?!Killed|Terminated)\w+|AddressSanitizer|runtime error:")


@functools.lru_cache(maxsize=None)
def _apxs(name):
    apxs = os.environ.get("APXS", "apxs")
    return subprocess.run([apxs, "-q", name], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


@functools.lru_cache(maxsize=None)
def _built_in(program):
    """What `httpd -l` lists."""
    return subprocess.run([program, "-l"], stdout=subprocess.PIPE, text=True, check=True).stdout.split()


class ServerFault(Exception):
    """httpd did not start, ended on its own, or a child of it crashed."""


class Response:
    """status, reason, headers (case does not matter, get_all() for several), body in bytes."""

    def __init__(self, got):
        self.status, self.reason, self.headers, self.body = got.status, got.reason, got.headers, got.read()

    @property
    def text(self):
        return self.body.decode("utf-8", "replace")

    def json(self):
        return json.loads(self.body, object_pairs_hook=_no_twins)

    def __repr__(self):
        return "<Response %d %r %r>" % (self.status, list(self.headers.items()), self.body[:300])


class Connection:
    """One connection that is kept: with server.connect() as c: c.request(...)."""

    def __init__(self, port, tls=False, source=None, timeout=30):
        bind = (source, 0) if source else None
        if tls:
            self.http = http.client.HTTPSConnection("127.0.0.1", port, timeout=timeout, source_address=bind,
                                                    context=ssl._create_unverified_context())
        else:
            self.http = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout, source_address=bind)

    def request(self, method, path, headers=(), body=None):
        """`headers`: a dict, or pairs where a name comes twice; Host is added unless it is named."""
        pairs = list(headers.items()) if isinstance(headers, dict) else list(headers)
        names = [name.lower() for name, _ in pairs]
        body = body.encode() if isinstance(body, str) else body
        self.http.putrequest(method, path, skip_host="host" in names, skip_accept_encoding=True)
        for name, value in pairs:
            self.http.putheader(name, value)
        if body is not None and "content-length" not in names and "transfer-encoding" not in names:
            self.http.putheader("Content-Length", str(len(body)))
        self.http.endheaders(body)
        return Response(self.http.getresponse())

    def close(self):
        self.http.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Server:
    """Server(folder, conf).  In `conf` these are replaced:

    @ROOT@ folder    @DOCS@ document root   @LOGS@ logs         @STORE@ folder/store
    @STATE@ state    @PORT@ @PORT1@ ...     @MODULES@ httpd's   @CERT@ @CERTKEY@ a certificate of its own

    modules   further modules by name ("rewrite", "proxy_http"); "cgi" is cgid under a threaded MPM
    ports     how many ports are listened on
    children  processes at start
    bare      nothing of ours but LoadModule: no ApiSecState, no audit log
    load      False: not even LoadModule
    override  AllowOverride of the document root
    access    False: no access log
    fds       descriptors that httpd inherits
    """

    made = weakref.WeakSet()

    def __init__(self, folder, conf="", modules=(), ports=1, children=2, bare=False, load=True, override="None",
                 access=True, mpm=None, program=None, env=None, fds=()):
        self.folder, self.mpm = folder, mpm or MPM
        self.program = program or os.path.join(_apxs("SBINDIR"), _apxs("PROGNAME"))
        self.libexec = _apxs("LIBEXECDIR")
        self.ports = free_ports(ports)
        self.port = self.ports[0]
        self.store, self.state = folder.path("store"), folder.path("state")
        self.docs, self.logs = folder.path("htdocs"), folder.path("logs")
        self.modules, self.children_at_start = list(modules), children
        self.bare, self.load, self.override, self.access = bare, load, override, access
        self.env, self.fds = dict(env or {}), fds
        self.process = None
        self.crash_is_expected = False
        self.before_test = 0  # lines of the audit log that an earlier test of a shared server has left
        self.made.add(self)
        for name in (self.docs, self.logs, folder.path("run")):
            os.makedirs(name, exist_ok=True)
        if not os.path.exists(os.path.join(self.docs, "index.html")):
            folder.write("htdocs/index.html", "hello\n")
        self.configure(conf)

    # ---- configuration

    @property
    def conf_path(self):
        return self.folder.path("httpd.conf")

    def configure(self, conf):
        """Writes the configuration anew; graceful() makes a running server read it."""
        text = self._base() + conf
        for i in range(len(self.ports)):
            text = text.replace("@PORT%d@" % i, str(self.ports[i]))
        if "@CERT@" in text or "@CERTKEY@" in text:
            self._make_certificate()
        for name, value in (("ROOT", self.folder.root), ("DOCS", self.docs), ("LOGS", self.logs),
                            ("STORE", self.store), ("STATE", self.state), ("PORT", str(self.port)),
                            ("MODULES", self.libexec), ("CERT", self.folder.path("run/cert.pem")),
                            ("CERTKEY", self.folder.path("run/cert.key"))):
            text = text.replace("@%s@" % name, value)
        self.folder.write("httpd.conf", text)

    def _base(self):
        lines = ["ServerRoot @ROOT@", "DefaultRuntimeDir @ROOT@/run", "PidFile @ROOT@/run/httpd.pid",
                 "ServerName localhost", "ErrorLog @LOGS@/error.log", "LogLevel info", "Timeout 30",
                 "KeepAliveTimeout 10", "GracefulShutdownTimeout 5"]
        lines += ["Listen 127.0.0.1:%d" % port for port in self.ports]
        lines += self._load_lines()
        if IS_ROOT:
            lines += ["User " + SERVER_USER, "Group " + SERVER_GROUP]
        lines += self._mpm_lines()
        lines += ["TypesConfig /dev/null", "AddType text/html .html", "AddType application/json .json",
                  "DocumentRoot @DOCS@", "DirectoryIndex index.html",
                  "<Directory />", "    AllowOverride None", "    Require all denied", "</Directory>",
                  "<Directory @DOCS@>", "    AllowOverride " + self.override, "    Options FollowSymLinks",
                  "    Require all granted", "</Directory>"]
        if self.access:
            lines += ['CustomLog @LOGS@/access.log "%h %t \\"%r\\" %>s %b"']
        if self.load and not self.bare:
            lines += ["ApiSecState @STATE@", 'CustomLog @LOGS@/audit.log "%^AJ"']
        return "\n".join(lines) + "\n"

    def _load_lines(self):
        names = ["mpm_" + self.mpm]
        for name in ALWAYS + self.modules:
            if name == "cgi" and self.mpm != "prefork":
                name = "cgid"
            names += NEEDS.get(name, []) + [name]
        built_in = _built_in(self.program)
        lines = []
        for name in dict.fromkeys(names):
            if "mod_%s.c" % name not in built_in:
                lines.append("LoadModule %s_module %s/mod_%s.so" % (name, self.libexec, name))
        if "cgid" in names:
            lines.append("ScriptSock @ROOT@/run/cgid.sock")
        if self.load:
            lines.append("LoadModule apisec_module " + MODULE)
        return lines

    def _mpm_lines(self):
        """Room for old and new generations side by side; idle children stay."""
        n = self.children_at_start
        if self.mpm == "prefork":
            room = 4 * n + 8
            return ["StartServers %d" % n, "MinSpareServers 1", "MaxSpareServers %d" % room,
                    "ServerLimit %d" % room, "MaxRequestWorkers %d" % room]
        return ["ServerLimit %d" % (4 * n), "StartServers %d" % n, "ThreadsPerChild 8", "ThreadLimit 8",
                "MinSpareThreads 1", "MaxSpareThreads %d" % (32 * n), "MaxRequestWorkers %d" % (32 * n)]

    def _make_certificate(self):
        if os.path.exists(self.folder.path("run/cert.pem")):
            return
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-days", "30", "-subj", "/CN=localhost", "-addext",
                        "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", self.folder.path("run/cert.key"),
                        "-out", self.folder.path("run/cert.pem")], check=True, stderr=subprocess.DEVNULL)

    # ---- life

    def _environment(self):
        env = {k: v for k, v in os.environ.items() if not k.startswith(("APISEC_", "ASAN_", "UBSAN_"))}
        env.update(self.env, LC_ALL="C")
        preload = os.environ.get("APISEC_SANITIZE")
        if preload:
            env["LD_PRELOAD"] = preload
            env["ASAN_OPTIONS"] = "detect_leaks=0:abort_on_error=1:log_path=%s/asan" % self.logs
            env["UBSAN_OPTIONS"] = "print_stacktrace=1:halt_on_error=1:log_path=%s/ubsan" % self.logs
            # Children write their reports as another user.
            os.chmod(self.logs, 0o777 if IS_ROOT else 0o755)
        return env

    def configtest(self, *args):
        """httpd -t -> (exit code, what it says)."""
        done = subprocess.run([self.program, "-f", self.conf_path, "-t", *args], env=self._environment(),
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=60, pass_fds=self.fds)
        return done.returncode, done.stdout.decode("utf-8", "replace")

    def start(self):
        with open(os.path.join(self.logs, "output.log"), "ab") as out:
            self.process = subprocess.Popen([self.program, "-f", self.conf_path, "-D", "FOREGROUND"],
                                            env=self._environment(), stdin=subprocess.DEVNULL, stdout=out,
                                            stderr=out, start_new_session=True, pass_fds=self.fds)
        self.crash_is_expected = False
        try:
            wait_for(lambda: self.process.poll() is not None or self._ready() > 0 and self._answers(), 30,
                     "httpd to listen")
        except TimeoutError:
            self.kill()
            raise
        if self.process.poll() is not None:
            code, self.process = self.process.returncode, None
            raise ServerFault("httpd ended with %s at start:\n%s" % (code, self.report()))
        return self

    def _ready(self):
        """How often this server has said that it is ready (once for each start and restart)."""
        return len(re.findall(r"pid %d\b.*resuming normal operations" % self.process.pid, self.error_log()))

    def _answers(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False

    def graceful(self, drained=True):
        """SIGUSR1, then waits until the new generation has begun; ServerFault if the server ends.

        A child of before takes connections until it has heard of the restart, so waits until all of them are gone;
        not with drained=False, where the test holds requests over it.
        """
        before = set(self.children())
        self._restart(signal.SIGUSR1)
        if drained:
            wait_for(lambda: not any(_is_alive(pid) for pid in before), 30, "the children of before to end")

    def restart(self):
        """SIGHUP: running requests are cut."""
        self._restart(signal.SIGHUP)

    def _restart(self, sign):
        before = self._ready()
        self.process.send_signal(sign)
        wait_for(lambda: self._ready() > before or self.process.poll() is not None, 30, "the restart")
        if self.process.poll() is not None:
            raise ServerFault("httpd ended at a restart:\n" + self.report())

    def stop(self, sign=signal.SIGTERM):
        """Ends the server and waits for all its children; ServerFault if one of them had crashed."""
        if self.process is None:
            return
        children = self.children()
        if self.process.poll() is None:
            self._let_connections_end()
            self.process.send_signal(sign)
        try:
            self.process.wait(30)
            wait_for(lambda: not any(_is_alive(pid) for pid in children), 30, "the children to end")
        except (subprocess.TimeoutExpired, TimeoutError):
            self._kill_all(children)
            self.process = None
            raise ServerFault("httpd did not stop:\n" + self.report())
        self.process = None
        self.check()

    def _let_connections_end(self):
        """mpm_event may crash when it is stopped while it closes a connection; kept ones are left alone."""
        try:
            wait_for(lambda: not any(self.connections(port) for port in self.ports), 2, "connections to end")
        except TimeoutError:
            pass

    @staticmethod
    def connections(port, read=False):
        """Connections that the server holds; with `read` those of which it has read all that came."""
        count = 0
        with open("/proc/net/tcp") as table:
            for line in table.read().splitlines()[1:]:
                fields = line.split()
                if fields[1].endswith(":%04X" % port) and fields[3] in ("01", "04", "05", "08"):
                    count += not read or fields[4].endswith(":00000000")
        return count

    def kill(self):
        """SIGKILL to parent and children, as a crash of the machine would."""
        if self.process is not None:
            self._kill_all(self.children())
            self.process = None

    def _kill_all(self, children):
        # The parent first: it would start new children.
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(30)
        for pid in children:
            if _is_alive(pid):
                os.kill(pid, signal.SIGKILL)
        wait_for(lambda: not any(_is_alive(pid) for pid in children), 30, "killed children to end")

    def check(self):
        """ServerFault if a child has crashed (crash_is_expected = True allows it)."""
        text = self.report(errors_only=True)
        if not self.crash_is_expected and CRASH.search(text):
            raise ServerFault("a child of httpd crashed:\n" + text)

    @property
    def pid(self):
        return self.process.pid

    def children(self):
        """Process ids of the parent's children, zombies left out."""
        if self.process is None:
            return []
        return [pid for pid in children_of(self.process.pid) if _is_alive(pid)]

    def __enter__(self):
        return self.start() if self.process is None else self

    def __exit__(self, *_):
        self.stop()

    # ---- talking to it

    def connect(self, port=None, tls=False, source=None, timeout=30):
        return Connection(port or self.port, tls, source, timeout)

    def request(self, method, path, headers=(), body=None, port=None, tls=False, source=None, timeout=30):
        with self.connect(port, tls, source, timeout) as connection:
            return connection.request(method, path, headers, body)

    def get(self, path, headers=(), **options):
        return self.request("GET", path, headers, **options)

    def raw(self, data, port=None, timeout=30):
        """Sends these bytes, ends the sending side, and returns all that comes back."""
        with socket.create_connection(("127.0.0.1", port or self.port), timeout) as s:
            got = b""
            try:
                s.sendall(data)
                s.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # the server may have refused what it had seen; its answer is still there
            while True:
                try:
                    more = s.recv(65536)
                except ConnectionResetError:
                    return got
                if not more:
                    return got
                got += more

    def curl(self, *args, timeout=60):
        """curl with these arguments -> (exit code, stdout in bytes); for HTTP/2 and uploads."""
        done = subprocess.run(["curl", "-sS", "-k", "--noproxy", "*", *args], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout)
        return done.returncode, done.stdout

    def url(self, path="/", port=None, tls=False):
        return "%s://127.0.0.1:%d%s" % ("https" if tls else "http", port or self.port, path)

    # ---- what it wrote

    def log(self, name):
        try:
            with open(os.path.join(self.logs, name), errors="replace") as seen:
                return seen.read()
        except FileNotFoundError:
            return ""

    def error_log(self):
        return self.log("error.log")

    def audit(self):
        """Every complete line of the audit log as a dict; a line that is no JSON fails the test."""
        lines = self.log("audit.log").split("\n")[:-1]
        return [json.loads(line, object_pairs_hook=_no_twins) for line in lines]

    @classmethod
    def begin_test(cls):
        """From now on wait_audit() takes no line for this test's that was there before."""
        for server in cls.made:
            if server.process is not None:
                server.before_test = server.log("audit.log").count("\n")

    def empty_audit(self):
        """What was logged is gone; httpd goes on at the file's end."""
        os.truncate(os.path.join(self.logs, "audit.log"), 0)
        self.before_test = 0

    def wait_audit(self, wanted=lambda line: True, count=1, timeout=15):
        """Waits for `count` lines of this test that `wanted` likes; returns the last such line, all if count > 1."""
        def found():
            lines = [line for line in self.audit()[self.before_test:] if wanted(line)]
            return lines if len(lines) >= count else None
        try:
            lines = wait_for(found, timeout, "a line of the audit log")
        except TimeoutError:
            raise TimeoutError("no such line in the audit log:\n" + self.log("audit.log")[-4000:])
        return lines[-1] if count == 1 else lines

    def wait_error(self, pattern, timeout=15):
        """Waits until the error log has a match of this regular expression."""
        return wait_for(lambda: re.search(pattern, self.error_log()), timeout, "%r in the error log" % pattern)

    def report(self, errors_only=False):
        """For a test that failed: what httpd and the sanitizers have to say."""
        names = ["error.log", "output.log"] if not errors_only else ["error.log"]
        names += [os.path.basename(path) for path in glob.glob(os.path.join(self.logs, "*san.*"))]
        return "\n".join("-- %s\n%s" % (name, self.log(name)[-6000:]) for name in names)


def free_ports(count):
    """Ports below those that the kernel gives to clients, so that nobody takes one before we listen."""
    held = []
    try:
        while len(held) < count:
            s = socket.socket()
            try:
                s.bind(("127.0.0.1", random.randrange(12000, 32000)))
                held.append(s)
            except OSError:
                s.close()
        return [s.getsockname()[1] for s in held]
    finally:
        for s in held:
            s.close()


def _stat_of(pid):
    """(state, parent) of a process, or None."""
    try:
        with open("/proc/%d/stat" % pid) as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return fields[0], int(fields[1])
    except (OSError, IndexError):
        return None


def _is_alive(pid):
    stat = _stat_of(pid)
    return stat is not None and stat[0] != "Z"


def children_of(parent):
    pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    return [pid for pid in pids if (_stat_of(pid) or ("", 0))[1] == parent]
