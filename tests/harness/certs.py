"""Certificates of clients, made by openssl, and requests with one of them."""

import hashlib
import http.client
import os
import socket
import ssl
import subprocess
import time

from .server import Response


def _openssl(*args):
    return subprocess.run(["openssl", *args], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout


class Certs:
    """Certs(folder): `folder` is a path; certs.ca is the file of an authority.

    certs.self_signed(name), certs.signed(name) -> path of the key; that of the certificate has .crt behind it.
    """

    def __init__(self, folder):
        self.folder = folder
        os.makedirs(folder, exist_ok=True)
        self.ca_key = self.self_signed("authority", "/CN=authority", ca=True)
        self.ca = self.ca_key + ".crt"
        os.chmod(self.ca, 0o644)

    def self_signed(self, name, subject=None, san=None, ca=False):
        path = os.path.join(self.folder, name + ".pem")
        more = ["-addext", "subjectAltName=" + san] if san else []
        _openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
                 subject or "/CN=" + name, "-addext", "basicConstraints=critical,CA:%s" % str(ca).upper(), *more,
                 "-keyout", path, "-out", path + ".crt")
        return path

    def signed(self, name, subject=None, san=None, lives=86400):
        """By the authority, until `lives` seconds from now."""
        path = os.path.join(self.folder, name + ".pem")
        _openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                 subject or "/CN=" + name, "-keyout", path, "-out", path + ".csr")
        base = os.path.join(self.folder, name)
        with open(base + ".cnf", "w") as f:
            f.write("[ca]\ndatabase=%s.db\nnew_certs_dir=%s\npolicy=p\ndefault_md=sha256\nrand_serial=yes\nunique_subject=no\n"
                    "x509_extensions=x\n[p]\ncommonName=optional\norganizationName=optional\n"
                    "[x]\nbasicConstraints=CA:FALSE\n%s" % (base, self.folder, "subjectAltName=%s\n" % san if san else ""))
        open(base + ".db", "w").close()
        end = time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + lives))
        _openssl("ca", "-batch", "-name", "ca", "-config", base + ".cnf", "-in", path + ".csr", "-cert", self.ca, "-keyfile",
                 self.ca_key, "-startdate", "20200101000000Z", "-enddate", end, "-notext", "-preserveDN", "-out", path + ".crt")
        return path


def pin(path):
    """sha256:HEX of the certificate."""
    with open(path + ".crt") as text:
        return "sha256:" + hashlib.sha256(ssl.PEM_cert_to_DER_cert(text.read())).hexdigest()


def context_of(path=None, version=None):
    context = ssl._create_unverified_context()
    if path:
        context.load_cert_chain(path + ".crt", path)
    if version:
        context.maximum_version = version
    return context


class TlsConnection:
    """One connection that is kept, made with a certificate or without, or as a session that goes on."""

    def __init__(self, port, path=None, context=None, session=None):
        raw = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.tls = (context or context_of(path)).wrap_socket(raw, session=session)
        self.http = http.client.HTTPConnection("127.0.0.1", port)
        self.http.sock = self.tls

    def get(self, path, headers=()):
        self.http.request("GET", path, headers=dict(headers))
        return Response(self.http.getresponse())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.http.close()
