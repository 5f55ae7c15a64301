"""What ApiSecTLSFloor says of a configuration, and what handshakes with that server come to."""

import re
import socket
import ssl
import subprocess
import threading

import pytest
from harness import Site
from harness.certs import Certs

# Python warns of old versions, which are what is tried here.
pytestmark = [pytest.mark.one_mpm, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

OFFERED = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
OFFERED.set_ciphers("ALL:COMPLEMENTOFALL:@SECLEVEL=0")
# All that this OpenSSL can still offer up to TLS 1.2, but for what wants a secret that both sides have.
SUITES = {one["name"]: one for one in OFFERED.get_ciphers() if one["kea"] in ("kx-rsa", "kx-dhe", "kx-ecdhe")}
OLD = [ssl.TLSVersion.TLSv1] * ssl.HAS_TLSv1 + [ssl.TLSVersion.TLSv1_1] * ssl.HAS_TLSv1_1
NEW = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]

FLOOR = "SSLProtocol -all +TLSv1.2 +TLSv1.3\nSSLCipherSuite ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM\n"
BELOW = "SSLProtocol all\nSSLCipherSuite ALL:COMPLEMENTOFALL:@SECLEVEL=0\n"
SAFE = """SSLProxyEngine on
SSLProxyProtocol -all +TLSv1.2 +TLSv1.3
SSLProxyCipherSuite ECDHE+AESGCM
SSLProxyVerify require
SSLProxyCACertificateFile @ROOT@/certs/authority.pem.crt
ProxyPass /back https://localhost:@BACK@/
<Location /back>
    ApiSecRequire public
</Location>
"""


def prepare(site):
    site.role("reader", "GET /orders/**")
    site.key("ci")
    rsa = site.folder.path("rsa.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "300", "-subj", "/CN=localhost",
                    "-keyout", rsa, "-out", rsa + ".crt"], check=True, stderr=subprocess.DEVNULL)
    site.certs = Certs(site.folder.path("certs"))


def open_site(floor, lines, **more):
    """With a certificate of each kind, so that no suite is refused for want of one; no openssl.cnf has a say."""
    host = "<VirtualHost *:@PORT1@>\nServerName localhost\nSSLEngine On\nSSLCertificateFile @CERT@\nSSLCertificateKeyFile @CERTKEY@\n" \
           "SSLCertificateFile @ROOT@/rsa.pem.crt\nSSLCertificateKeyFile @ROOT@/rsa.pem\n%s</VirtualHost>\n"
    conf = "ApiSecTLSFloor %s\nApiSecEngine On\nApiSecRequireTLS Off\n" % floor + host % lines
    return Site(conf, prepare, modules=["ssl", "proxy_http"], ports=2, env={"OPENSSL_CONF": "/dev/null"}, **more)


def handshake(port, version=None, suite=None):
    """The suite of a connection by this version and this suite alone; None: the server would not."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers((suite or "ALL") + ":@SECLEVEL=0")
    if suite is not None:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    if version is not None:
        context.minimum_version = context.maximum_version = version
    with socket.create_connection(("127.0.0.1", port), 30) as raw:
        try:
            with context.wrap_socket(raw) as tls:
                return tls.cipher()[0]
        except (ssl.SSLError, ConnectionResetError):
            return None


# TRN-03
def test_a_server_above_the_floor_takes_nothing_below_it():
    with open_site("strict", FLOOR) as site:
        assert "APISEC008" not in site.server.error_log(), "nothing is told of it"
        port = site.server.ports[1]
        assert not any(handshake(port, version) for version in OLD)
        assert all(handshake(port, version) for version in NEW)
        taken = {name for name in SUITES if handshake(port, suite=name) is not None}
        assert taken and all(SUITES[name]["aead"] and SUITES[name]["kea"] in ("kx-dhe", "kx-ecdhe") for name in taken), taken
        left = {name for name in SUITES if SUITES[name]["kea"] == "kx-rsa" or not SUITES[name]["aead"]}
        assert "AES128-SHA" in left and not left & taken
        assert handshake(port, suite="ECDHE-RSA-AES128-SHA") is None and handshake(port, suite="AES256-GCM-SHA384") is None


# TRN-03
def test_what_a_server_below_the_floor_takes_is_told():
    with open_site("warn", BELOW) as site:
        port, said = site.server.ports[1], site.server.error_log()
        assert all(handshake(port, version) for version in OLD)
        assert "SSLProtocol lets TLSv1 in, which is below TLS 1.2" in said
        taken = [name for name in SUITES if handshake(port, suite=name) is not None]
        plain = [name for name in taken if SUITES[name]["kea"] == "kx-rsa"]
        named, more = re.search(r"without forward secrecy are let in for clients: ([^:]*?)(?: and (\d+) more)?:", said).groups()
        assert set(named.split()) <= set(plain) and len(named.split()) + int(more or 0) == len(plain), (plain, said)
        # Each of them alone is told as well, and would keep a strict server from starting.
        site.server.stop()
        for name in plain[:3]:
            site.server.configure("ApiSecStore @STORE@\nApiSecTLSFloor strict\nApiSecEngine On\n<VirtualHost *:@PORT1@>\nSSLEngine On\n"
                                  "SSLCertificateFile @CERT@\nSSLCertificateKeyFile @CERTKEY@\n" + FLOOR +
                                  "SSLCipherSuite %s\n</VirtualHost>\n" % name)
            code, text = site.server.configtest()
            assert code != 0 and name in text, text


class Secure:
    """A backend of TLS that answers all requests with 200, under a context of the test's."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port, self.context, self.served = self.socket.getsockname()[1], None, 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client = self.socket.accept()[0]
            except OSError:
                return
            with client:
                client.settimeout(30)
                try:
                    with self.context.wrap_socket(client, server_side=True) as tls:
                        self._serve(tls)
                except (ssl.SSLError, OSError):
                    pass  # the proxy would not; the test sees that by its answer

    def _serve(self, tls):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            byte = tls.recv(1)
            if not byte:
                return
            head += byte
        self.served += 1
        tls.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nback\n")

    def use(self, path, version=None, suites="ALL"):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(path + ".crt", path)
        self.context.set_ciphers(suites + ":@SECLEVEL=0")
        if version is not None:
            self.context.minimum_version = self.context.maximum_version = version


# TRN-03: the side of backends
def test_a_proxy_above_the_floor_speaks_to_no_backend_below_it():
    backend = Secure()
    with open_site("strict", FLOOR + SAFE.replace("@BACK@", str(backend.port))) as site:
        good = site.certs.signed("good", san="DNS:localhost")
        other = site.certs.signed("other", san="DNS:other.example")
        ended = site.certs.signed("ended", san="DNS:localhost", lives=-60)
        stranger = site.certs.self_signed("stranger", san="DNS:localhost")
        cases = [((good,), True), ((good, ssl.TLSVersion.TLSv1_2, "ECDHE+AESGCM"), True),
                 ((good, ssl.TLSVersion.TLSv1_2, "ECDHE-ECDSA-AES128-SHA"), False), ((other,), False), ((ended,), False), ((stranger,), False)]
        for case, passes in cases + [((good, version), False) for version in OLD]:
            backend.use(*case)
            before = backend.served
            got = site.server.get("/back/x", port=site.server.ports[1], tls=True)
            assert got.status in ((200,) if passes else (500, 502, 503)), case
            assert backend.served - before == passes, case
    backend.socket.close()
