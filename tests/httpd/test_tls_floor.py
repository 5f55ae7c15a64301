"""What -t and the start say of TLS below the floor: of clients' side, of backends' side, of certificates."""

import json
import subprocess

import pytest
from harness import Folder, Server, ServerFault, Store
from harness.certs import Certs

pytestmark = pytest.mark.one_mpm

ENGINE = "ApiSecStore @STORE@\n<Location /orders>\nApiSecEngine On\n</Location>\n"
GOOD = "SSLProtocol -all +TLSv1.2 +TLSv1.3\nSSLCipherSuite ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM\n"
# Mozilla's configurations of July 2023.
INTERMEDIATE = ("SSLProtocol -all +TLSv1.2 +TLSv1.3\nSSLCipherSuite ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
                "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:"
                "ECDHE-RSA-CHACHA20-POLY1305:DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384:DHE-RSA-CHACHA20-POLY1305\n"
                "SSLHonorCipherOrder off\nSSLSessionTickets off\n")
MODERN = "SSLProtocol -all +TLSv1.3\nSSLOpenSSLConfCmd Curves X25519:prime256v1:secp384r1\nSSLHonorCipherOrder off\n"
SAFE = "SSLProxyEngine on\nSSLProxyProtocol -all +TLSv1.2 +TLSv1.3\nSSLProxyCipherSuite ECDHE+AESGCM\n" \
       "SSLProxyVerify require\nSSLProxyCACertificateFile @CERT@\n"


def host(lines="", address="*:@PORT1@", name="a.example", cert="@CERT@", engine="SSLEngine On"):
    return "<VirtualHost %s>\nServerName %s\n%s\nSSLCertificateFile %s\nSSLCertificateKeyFile @CERTKEY@\n%s\n</VirtualHost>\n" % (
        address, name, engine, cert, lines)


@pytest.fixture(scope="module")
def server():
    with Folder() as folder:
        Store(folder.path("store"), folder.path("state")).init()
        yield Server(folder, "", modules=["ssl", "proxy_http", "macro"], ports=2)


def dump(server, conf):
    """(exit code, findings about TLS, what is said)."""
    server.configure(ENGINE + conf)
    done = subprocess.run([server.program, "-f", server.conf_path, "-t", "-D", "DUMP_APISEC"], env=server._environment(),
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
    lines = [json.loads(line) for line in done.stdout.decode().splitlines()]
    assert lines, done.stderr
    # That any Host reaches these servers is no matter of TLS.
    return done.returncode, [line for line in lines if line.get("finding", "hosts_open") != "hosts_open"], done.stderr.decode()


def found(server, conf):
    """[(finding, text of the line)]; each is in the log with its file, its line and what mends it."""
    code, findings, said = dump(server, conf)
    assert code == 0, said
    with open(server.conf_path) as f:
        text = f.read().splitlines()
    for one in findings:
        assert one["severity"] == "warning" and one["file"] == server.conf_path
        assert "%s line %d: %s: %s" % (one["file"], one["line"], one["reason"], one["mend"]) in said
    return [(one["finding"], text[one["line"] - 1].strip()) for one in findings]


# TRN-03
@pytest.mark.parametrize("lines", [GOOD, INTERMEDIATE, MODERN, GOOD + SAFE, GOOD + "SSLCompression off\n",
                                   "SSLProtocol all -SSLv3 -TLSv1 -TLSv1.1\nSSLCipherSuite ECDHE+AESGCM\n",
                                   "SSLProtocol all\nSSLOpenSSLConfCmd MinProtocol TLSv1.2\nSSLCipherSuite ECDHE+AESGCM\n",
                                   "SSLProtocol TLSv1\n" + GOOD, "SSLProtocol TLSv1.2\nSSLCipherSuite SSL ECDHE+AESGCM\n",
                                   GOOD + SAFE + "SSLProxyCheckPeerCN off\nSSLProxyCheckPeerName on\n",
                                   GOOD + SAFE.replace("SSLProxyVerify require\n", "") +
                                   "<Proxy https://b/>\nSSLProxyVerify require\n</Proxy>\nSSLProxyVerify require\n"])
def test_good_configurations_have_no_findings(server, lines):
    assert found(server, host(lines)) == []


WEAK = {
    "SSLProtocol all": ["tls_protocol"],
    "SSLProtocol all -SSLv3": ["tls_protocol"],
    "SSLProtocol +TLSv1.1 +TLSv1.2": ["tls_protocol"],
    "SSLProtocol -all +TLSv1.2 +TLSv1.3 +TLSv1 +TLSv1.1": ["tls_protocol"],
    "SSLOpenSSLConfCmd MinProtocol TLSv1": ["tls_protocol"],
    "SSLCipherSuite AES128-GCM-SHA256:ECDHE+AESGCM": ["tls_secrecy"],
    "SSLCipherSuite HIGH:!aNULL": ["tls_secrecy"],
    "SSLOpenSSLConfCmd CipherString ECDHE+AESGCM:AES256-SHA256": ["tls_secrecy"],
    # mod_ssl takes NULL and anonymous suites out of its own lists, and not out of this one.
    "SSLOpenSSLConfCmd CipherString ECDHE+AESGCM:ECDHE-RSA-NULL-SHA:@SECLEVEL=0": ["tls_ciphers"],
    "SSLOpenSSLConfCmd CipherString ECDHE+AESGCM:AECDH-AES128-SHA:@SECLEVEL=0": ["tls_ciphers"],
    "SSLOpenSSLConfCmd Options UnsafeLegacyRenegotiation": ["tls_option"],
    "SSLInsecureRenegotiation on": ["tls_option"],
    "SSLCipherSuite NOTHING": ["tls_unread"],
    "SSLOpenSSLConfCmd MinProtocol TLSv9": ["tls_unread"],
}


# TRN-03
@pytest.mark.parametrize("line", WEAK)
def test_each_weakness_of_a_server_is_told_with_its_line(server, line):
    assert found(server, host(GOOD + line)) == [(kind, line) for kind in WEAK[line]]


BACKEND = {
    "SSLProxyProtocol all": ["tls_protocol"],
    "SSLProxyCipherSuite AES256-GCM-SHA384": ["tls_secrecy"],
    "SSLProxyVerify none": ["backend_unverified"],
    "SSLProxyVerify optional": ["backend_unverified"],
    "SSLProxyVerify optional_no_ca": ["backend_unverified"],
    "SSLProxyCheckPeerName off": ["backend_name"],
    "SSLProxyCheckPeerCN off": ["backend_name"],
}


# TRN-03
@pytest.mark.parametrize("line", BACKEND)
def test_each_weakness_of_a_proxy_is_told_with_its_line(server, line):
    wanted = [(kind, line) for kind in BACKEND[line]]
    assert found(server, host(GOOD + SAFE + line)) == wanted
    assert found(server, SAFE + line + "\n" + host(GOOD)) == wanted, "once, wherever it is inherited"
    assert found(server, SAFE + host(GOOD + "<Proxy https://b/>\n%s\n</Proxy>" % line)) == wanted
    assert found(server, SAFE + line + "\n" + host(GOOD + "SSLProxyEngine off")) == wanted, "the main server has it on"


# TRN-03: what mod_ssl does where there is no line
def test_defaults_are_judged_as_well(server):
    assert found(server, host()) == [("tls_protocol", "SSLEngine On"), ("tls_secrecy", "SSLEngine On")]
    assert found(server, host(GOOD + "SSLProxyEngine on")) == [
        (kind, "SSLProxyEngine on") for kind in ("tls_protocol", "tls_secrecy", "backend_unverified")]
    assert found(server, host(GOOD + SAFE.replace("SSLProxyCACertificateFile @CERT@\n", ""))) == [
        ("backend_authority", "SSLProxyVerify require")]
    assert found(server, host(engine="SSLEngine Off")) == []
    assert found(server, host(engine="SSLEngine optional"))[0][0] == "tls_protocol"
    assert found(server, host(engine="", address="192.0.2.1:443")) == []
    assert [kind for kind, _ in found(server, "Listen 127.0.0.1:1 https\n" + host(engine="", address="*:1"))] == [
        "tls_protocol", "tls_secrecy"]


# TRN-03: the last line of the innermost place
def test_lines_are_read_as_httpd_reads_them(server):
    low = "SSLProtocol all"
    assert found(server, low + "\n" + host(GOOD)) == []
    assert found(server, GOOD + host(low)) == [("tls_protocol", low)]
    assert found(server, GOOD + host() + host(name="b.example")) == []
    assert found(server, host(low + "\n" + GOOD)) == []
    assert found(server, "Define low TLSv1\n" + host(GOOD + "SSLProtocol ${low} +TLSv1.1 +TLSv1.2")) == [
        ("tls_protocol", "SSLProtocol ${low} +TLSv1.1 +TLSv1.2")]
    assert found(server, host(GOOD + "<IfDefine NOTHING>\n%s\n</IfDefine>" % low)) == []
    assert found(server, host(GOOD + "<IfModule mod_ssl.c>\n%s\n</IfModule>" % low)) == [("tls_protocol", low)]
    assert found(server, host(GOOD, "[::1]:@PORT1@") + host(GOOD + low, "[::1]:@PORT1@", "b.example")) == [("tls_protocol", low)]
    server.folder.write("more.conf", low + "\n")
    code, findings, _ = dump(server, host(GOOD + "Include @ROOT@/more.conf"))
    assert code == 0 and [(one["file"], one["line"]) for one in findings] == [(server.folder.path("more.conf"), 1)]
    code, findings, _ = dump(server, "<Macro h $name>\n%s</Macro>\nUse h a.example\nUse h b.example\n" % host(low, name="$name"))
    assert code == 0 and len({one["file"] for one in findings}) == 2, "each use of a macro is a place of its own"
    assert {one["host"].split(":")[0] for one in findings} == {"a.example", "b.example"}


# TRN-03
def test_suites_of_sections_are_judged(server):
    line = "SSLCipherSuite AES128-SHA"
    for section in ("Location /x", "Directory @ROOT@/x", "Files x"):
        text = "<%s>\n%s\n</%s>\n" % (section, line, section.split()[0])
        assert found(server, host(GOOD + text)) == [("tls_secrecy", line)]
        assert found(server, text + host(GOOD)) == [("tls_secrecy", line)]


def certificate(server, name, *options):
    path = server.folder.path(name)
    key = server.folder.path(name + ".key")
    subprocess.run(["openssl", "req", "-x509", "-nodes", "-subj", "/CN=a", "-keyout", key, "-out", path, *options], check=True,
                   stderr=subprocess.DEVNULL)
    return path, key


# TRN-03
def test_certificates_are_judged(server):
    authority, key = certificate(server, "ca.pem", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-days", "400")
    sha1 = server.folder.path("sha1.pem")
    subprocess.run("openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=b -keyout %s.key -out %s.csr && "
                   "openssl x509 -req -in %s.csr -CA %s -CAkey %s -CAcreateserial -sha1 -days 400 -out %s"
                   % (sha1, sha1, sha1, authority, key, sha1), shell=True, check=True, stderr=subprocess.DEVNULL)
    small, _ = certificate(server, "small.pem", "-newkey", "rsa:1024", "-days", "400")
    soon, _ = certificate(server, "soon.pem", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-days", "13")
    ended = Certs(server.folder.path("certs")).signed("ended", lives=-60) + ".crt"
    server.folder.write("empty.pem", "no certificate\n")
    for path, kind, word in ((authority, None, None), (small, "tls_certificate", "1024"), (sha1, "tls_certificate", "SHA1"),
                             (soon, "tls_certificate_time", "soon"), (ended, "tls_certificate_time", "ended"),
                             (server.folder.path("empty.pem"), "tls_unread", "PEM")):
        code, findings, said = dump(server, host(GOOD, cert=path))
        assert code == 0 and [one["finding"] for one in findings] == ([kind] if kind else []), said
        assert not kind or word in findings[0]["reason"] + findings[0]["mend"]
    # Time alone keeps no server from starting: a restart at night would end it.
    assert dump(server, "ApiSecTLSFloor strict\n" + host(GOOD, cert=ended))[0] == 0
    assert dump(server, "ApiSecTLSFloor strict\n" + host(GOOD, cert=small))[0] != 0


# TRN-03
def test_strict_refuses_and_off_is_silent(server):
    low = host("SSLProtocol all\nSSLCipherSuite ECDHE+AESGCM\n%s")
    code, findings, said = dump(server, "ApiSecTLSFloor strict\n" + low % "")
    assert code != 0 and "APISEC0080" in said and "SSLProtocol -all +TLSv1.2 +TLSv1.3" in said
    assert [(one["finding"], one["severity"]) for one in findings] == [("tls_protocol", "error"), ("configuration", "error")]
    for conf in (SAFE + "SSLProxyVerify none\n", SAFE + "SSLProxyCheckPeerName off\n", host(GOOD + "SSLInsecureRenegotiation on")):
        assert dump(server, "ApiSecTLSFloor strict\n" + conf)[0] != 0
    assert dump(server, "ApiSecTLSFloor strict\n" + host(GOOD + SAFE))[0:2] == (0, [])
    assert dump(server, "ApiSecTLSFloor Off\n" + low % "")[0:2] == (0, [])
    assert dump(server, "ApiSecTLSFloor strict\n" + low % "ApiSecTLSFloor Off")[0:2] == (0, []), "a host of its own address"
    assert found(server, "ApiSecTLSFloor strict\n" + low % "ApiSecTLSFloor warn")


# TRN-03: the first host of an address meets clients that were meant for others
def test_hosts_of_one_address_have_the_strictest_floor(server):
    low = host("SSLProtocol all\nSSLCipherSuite ECDHE+AESGCM\nApiSecTLSFloor Off")
    assert dump(server, low + host(GOOD, "*:1", "b.example"))[0:2] == (0, [])
    assert found(server, low + host(GOOD, name="b.example")) == [("tls_protocol", "SSLProtocol all")]
    for other in ("*:@PORT1@", "127.0.0.1:@PORT1@", "*:*"):
        assert dump(server, low + host(GOOD + "ApiSecTLSFloor strict\n", other, "b.example"))[0] != 0, other
    # What a host inherits is told once for each floor, and refused where one is strict.
    both = "SSLProtocol all\nSSLCipherSuite ECDHE+AESGCM\n" + host() + host("ApiSecTLSFloor strict", "*:1", "b.example")
    code, findings, _ = dump(server, both)
    assert code != 0 and [one["severity"] for one in findings] == ["warning", "error", "error"]


# TRN-03
def test_strict_stops_the_start_and_warnings_do_not(store, make_server):
    conf = ENGINE + host("SSLProtocol all\nSSLCipherSuite ECDHE+AESGCM\n")
    server = make_server(conf, modules=["ssl"], ports=2)
    assert "APISEC0080" in server.error_log() + server.log("output.log")
    server.stop()
    server.configure("ApiSecTLSFloor strict\n" + conf)
    with pytest.raises(ServerFault):
        server.start()
    assert "APISEC0080" in server.error_log() + server.log("output.log")
    server.configure("ApiSecTLSFloor strict\n" + ENGINE + host(GOOD))
    server.start()


# TRN-03
def test_without_an_engine_nothing_is_judged(server):
    server.configure("ApiSecStore @STORE@\n" + host("SSLProtocol all"))
    assert "APISEC008" not in server.configtest()[1]
