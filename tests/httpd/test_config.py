"""What `httpd -t` finds, and what is said about it."""

import os
import re
import shutil
import stat

import pytest
from harness import IS_ROOT, SERVER_GROUP, SERVER_USER, Store

pytestmark = pytest.mark.one_mpm

GOOD = """
ApiSecStore @STORE@
<Location /orders>
    ApiSecEngine On
</Location>
"""

# Directive with a bad value -> words that the message must have, the value itself among them.
WORDS = {
    "ApiSecEngine Maybe": ["Maybe", "Off", "DetectOnly", "On"],
    "ApiSecEngine": ["ApiSecEngine"],
    "ApiSecEngine On Off": ["ApiSecEngine"],
    "ApiSecRequire api-keys": ["api-keys", "api-key", "api-access", "api-role", "api-scope", "api-permission", "public"],
    "ApiSecRequire": ["ApiSecRequire", "api-access"],
    "ApiSecRequire api-role": ["api-role"],
    "ApiSecRequire api-scope": ["api-scope"],
    "ApiSecRequire api-key extra": ["api-key", "extra"],
    "ApiSecRequire public public": ["public"],
    "ApiSecRequire api-permission orders": ["orders", "RESOURCE:ACTION"],
    "ApiSecRequire api-permission orders:*": ["orders:*"],
    'ApiSecRequire api-role "a b"': ["a b"],
    "ApiSecRequire api-key\nApiSecRequire public": ["public"],
    "ApiSecRequireTLS Sometimes": ["Sometimes", "On", "Off", "proxy"],
    "ApiSecDeny": ["ApiSecDeny", "file:PATH"],
    "ApiSecDeny 192.0.2.0/33": ["192.0.2.0/33"],
    "ApiSecDeny 192.0.2.1/24": ["192.0.2.1/24"],
    "ApiSecDeny example.com": ["example.com"],
    "ApiSecDeny file:@ROOT@/none.txt": ["none.txt"],
    "ApiSecDeny file:@ROOT@/bad.txt": ["bad.txt", "nonsense"],
    "ApiSecKeyFrom": ["ApiSecKeyFrom", "header:NAME", "bearer", "basic"],
    "ApiSecKeyFrom query:key": ["query:key", "header:NAME", "bearer", "basic"],
    "ApiSecKeyFrom header:": ["header:"],
    "ApiSecKeyFrom header:Authorization": ["Authorization"],
    "ApiSecKeyFrom header:Cookie": ["Cookie"],
    "ApiSecKeyFrom header:X_Key": ["X_Key"],
    "ApiSecKeyFrom bearer bearer": ["bearer", "twice"],
    "ApiSecKeyFrom header:A header:B header:C header:D header:E header:F header:G": ["ApiSecKeyFrom"],
    "ApiSecLimit": ["ApiSecLimit", "rate=", "quota=", "inflight=", "by=", "mode="],
    "ApiSecLimit all": ["all", "rate="],
    "ApiSecLimit all rate=10/s": ["all", "by="],
    "ApiSecLimit all by=key": ["all", "rate=", "quota=", "inflight="],
    "ApiSecLimit all rate=0/s by=key": ["0/s"],
    "ApiSecLimit all rate=10/s burst=0 by=key": ["burst=0", "1000000000"],
    "ApiSecLimit all rate=10/y by=key": ["10/y", "s", "m", "h", "d"],
    "ApiSecLimit all rate=10 by=key": ["10", "COUNT/UNIT"],
    "ApiSecLimit all rate=-1/s by=key": ["-1/s"],
    "ApiSecLimit all rate=010/s by=key": ["010/s"],
    "ApiSecLimit all rate=1.5/s by=key": ["1.5/s"],
    "ApiSecLimit all rate=99999999999/s by=key": ["99999999999"],
    "ApiSecLimit all rate=1/d burst=1000000 by=key": ["ApiSecLimit"],
    "ApiSecLimit all rate=10/s by=session": ["session", "key", "user", "org", "role", "ip", "route"],
    "ApiSecLimit all rate=10/s by=key+session": ["key+session", "key", "user", "org", "role", "ip", "route"],
    "ApiSecLimit all rate=10/s by=key+key": ["key+key", "once"],
    "ApiSecLimit all rate=10/s by=ip/33": ["33", "8", "32"],
    "ApiSecLimit all rate=10/s by=ip/24/129": ["129", "16", "128"],
    "ApiSecLimit all rate=10/s by=key cost=0": ["0", "1000000"],
    "ApiSecLimit all rate=10/s by=key cost=11": ["11", "10"],
    "ApiSecLimit all rate=10/s by=key cost=BREW:2": ["BREW", "GET", "POST"],
    "ApiSecLimit all rate=10/s by=key cost=bytes/0": ["0"],
    "ApiSecLimit all rate=10/s by=key delay=31s": ["31s", "30s"],
    "ApiSecLimit all rate=10/s by=key algorithm=leaky-bucket": ["leaky-bucket", "delay="],
    "ApiSecLimit all quota=10/day by=key delay=1s": ["delay=", "rate="],
    "ApiSecLimit all inflight=0 by=key": ["0", "65535"],
    "ApiSecLimit all rate=10/s by=key mode=watch": ["watch", "enforce", "dry-run"],
    "ApiSecLimit all rate=10/s by=key algorithm=fast": ["fast", "gcra", "token-bucket", "leaky-bucket", "sliding-window",
                                                        "fixed-window"],
    "ApiSecLimit all rate=70000/d by=key algorithm=sliding-window": ["70000", "65535", "gcra"],
    "ApiSecLimit all rate=10/s rate=20/s by=key": ["20/s"],
    "ApiSecLimit all rate=10/s by=key size=2": ["size=2", "rate=", "quota=", "by=", "cost="],
    "ApiSecLimit all quota=10/hour by=key": ["10/hour", "day", "week", "month"],
    'ApiSecLimit "a\\"b" rate=10/s by=key': ["ApiSecLimit"],
    "ApiSecLimit one rate=1/s by=key\nApiSecLimit one rate=2/s by=key": ["one", "twice"],
    "\n".join("ApiSecLimit l%d rate=1/s by=key" % i for i in range(9)): ["8"],
    "ApiSecCost": ["ApiSecCost", "METHOD", "bytes/SIZE", "expr="],
    "ApiSecCost 0": ["0", "1000000"],
    "ApiSecCost 1000001": ["1000001", "1000000"],
    "ApiSecCost POST:x": ["x"],
    "ApiSecCost 1 2": ["2", "before"],
    "ApiSecCost bytes/1k bytes/2k": ["bytes/2k", "before"],
    "ApiSecCost expr=": ["expr=", "expression"],
    "ApiSecCost GET:2 GET:3": ["GET:3"],
    "ApiSecCost expr=%{REQUEST_URI} 5": ["expr=", "alone"],
    "ApiSecCost expr=%{NOTHING_KNOWN}": ["NOTHING_KNOWN"],
    "ApiSecCost 2\nApiSecCost 3": ["before"],
    'ApiSecPlan "a b"': ["a b", "plan", "letters", "none"],
    "ApiSecPlan": ["ApiSecPlan"],
    "ApiSecRateLimitFields new": ["new", "draft", "legacy", "both", "none"],
    "ApiSecMax": ["ApiSecMax", "target=", "fields=", "field=", "body="],
    "ApiSecMax target=0": ["0"],
    "ApiSecMax size=10": ["size=10", "target="],
    "ApiSecMax body=1k": ["1k"],
    "ApiSecExport": ["none", "key-id", "user", "roles", "scopes", "kv"],
    "ApiSecExport secret": ["secret", "key-id"],
    "ApiSecExport none user": ["none"],
    "ApiSecPassCredential Yes": ["Yes", "On", "Off"],
    "ApiSecCertificate On": ["ApiSecCertificate", "Off", "pinned", "pki"],
    "ApiSecCertificate pki\nApiSecSignature On": ["ApiSecCertificate", "ApiSecSignature"],
    "ApiSecSignature On\nApiSecCertificate pinned": ["ApiSecCertificate", "ApiSecSignature"],
    "ApiSecUnknown On": ["ApiSecUnknown"],
    "Require api-keys": ["api-keys"],
    "Require api-role": ["api-role"],
    "Require api-scope": ["api-scope"],
    "Require api-permission orders": ["orders"],
    "Require api-key extra": ["extra"],
    "Require not api-key": ["Require not", "api-key"],
    "Require not api-role reader": ["Require not", "api-role"],
    "<RequireNone>\nRequire api-access\n</RequireNone>": ["api-access"],
}
# The same for what stands outside of sections.
SERVER_WORDS = {
    "ApiSecRefresh 0": ["0"],
    "ApiSecRefresh 0s": ["0s", "10ms", "60s"],
    "ApiSecRefresh 5": ["5"],
    "ApiSecRefresh 1ms": ["1ms", "10ms", "60s"],
    "ApiSecRefresh 2m": ["2m", "10ms", "60s"],
    "ApiSecRefresh soon": ["soon"],
    "ApiSecWaiters many": ["many", "65535", "1%", "50%"],
    "ApiSecWaiters 51%": ["51%", "50%"],
    "ApiSecWaiters 0%": ["0%", "1%"],
    "ApiSecWaiters 65536": ["65536", "65535"],
    "<VirtualHost *:1>\nApiSecWaiters 5\n</VirtualHost>": ["ApiSecWaiters", "VirtualHost"],
    "ApiSecTable 10": ["10", "1024", "268435456"],
    "ApiSecTable 268435457": ["268435457", "1024"],
    "ApiSecTable many": ["many"],
    "ApiSecFailLimit 0/m": ["0/m"],
    "ApiSecFailLimit 60": ["60", "COUNT/UNIT"],
    "ApiSecFailLimit off": ["off"],
    "ApiSecTLSFloor": ["ApiSecTLSFloor"],
    "ApiSecTLSFloor On": ["On", "Off", "warn", "strict"],
    "<Location /x>\nApiSecTLSFloor Off\n</Location>": ["ApiSecTLSFloor", "Location"],
    "ApiSecHSTS": ["ApiSecHSTS", "Off", "max-age=", "365d"],
    "ApiSecHSTS On": ["On", "Off", "max-age="],
    "ApiSecHSTS max-age=31536000": ["31536000", "unit", "90d"],
    "ApiSecHSTS max-age=364d": ["364d", "365d", "mod_headers"],
    "ApiSecHSTS max-age=0": ["0"],
    "ApiSecHSTS max-age=365d max-age=366d": ["max-age=366d", "once"],
    "ApiSecHSTS includeSubDomains": ["max-age="],
    "ApiSecHSTS max-age=365d preload": ["preload", "includeSubDomains"],
    "ApiSecHSTS max-age=365d includeSubDomains includesubdomains": ["includesubdomains", "once"],
    "ApiSecHSTS Off max-age=365d": ["Off"],
    "<Location /x>\nApiSecHSTS Off\n</Location>": ["ApiSecHSTS", "Location"],
    "ApiSecLogAddress hashed": ["hashed", "full", "truncated", "pseudonym"],
    # What is no source may be a key: it is not repeated.
    "ApiSecMasterKey /etc/key": ["ApiSecMasterKey", "file:", "exec:"],
    "ApiSecMasterKey env:KEY": ["ApiSecMasterKey", "file:", "exec:"],
    "ApiSecMasterKey file:relative": ["ApiSecMasterKey", "file:/ABSOLUTE/PATH"],
    "ApiSecState": ["ApiSecState"],
    "ApiSecStore": ["ApiSecStore"],
    "ApiSecState @ROOT@/none/state": ["none"],
    "<VirtualHost *:1>\nApiSecState @ROOT@/x\n</VirtualHost>": ["ApiSecState", "VirtualHost"],
    "<VirtualHost *:1>\nApiSecTable 2048\n</VirtualHost>": ["ApiSecTable", "VirtualHost"],
    "<VirtualHost *:1>\nApiSecRefresh 1s\n</VirtualHost>": ["ApiSecRefresh", "VirtualHost"],
    "<Location /x>\nApiSecStore @STORE@\n</Location>": ["ApiSecStore", "Location"],
    "<Location /x>\nApiSecMasterKey file:/x\n</Location>": ["ApiSecMasterKey", "Location"],
    "<Location /x>\nApiSecFailLimit 1/m\n</Location>": ["ApiSecFailLimit", "Location"],
    "<Location /x>\nApiSecLogAddress full\n</Location>": ["ApiSecLogAddress", "Location"],
    'CustomLog @LOGS@/x.log "%{keys}^AS"': ["keys", "key", "reason"],
    'CustomLog @LOGS@/x.log "%{}^AS"': ["^AS", "reason"],
    'CustomLog @LOGS@/x.log "%^AJ" "expr=%{APISEC_NOTHING} == \'x\'"': ["NOTHING"],
    "<Location /y>\nRequire expr \"%{APISEC_SECRET} == 'x'\"\n</Location>": ["SECRET"],
}


@pytest.fixture
def tested(store, make_server):
    """tested(conf) -> (exit code, output) of httpd -t beside a good store."""
    def run(conf, **options):
        return make_server(conf, start=False, **options).configtest()

    return run


@pytest.fixture(scope="module")
def words():
    from harness import Folder, Server
    with Folder() as folder:
        Store(folder.path("store"), folder.path("state")).init()
        folder.write("bad.txt", "192.0.2.0/24\nnonsense\n")
        server = Server(folder, GOOD, modules=["authz_host"])
        assert server.configtest()[0] == 0, server.configtest()[1]
        yield server


def judge(server, text, conf, wanted):
    server.configure(conf)
    code, said = server.configtest()
    assert code != 0, said
    for word in wanted:
        assert word in said, "%r lacks %r" % (said, word)
    assert " line " in said or text.split()[0] in said


# TRN-14
@pytest.mark.parametrize("text", WORDS)
def test_bad_value_in_a_section_is_named_with_what_is_accepted(words, text):
    judge(words, text, GOOD + "<Location /x>\n%s\n</Location>\n" % text, WORDS[text])


# TRN-14
@pytest.mark.parametrize("text", SERVER_WORDS)
def test_bad_value_outside_of_sections_is_named_with_what_is_accepted(words, text):
    judge(words, text, GOOD + text + "\n", SERVER_WORDS[text])


# TRN-14
@pytest.mark.parametrize("conf", [
    "ApiSecEngine Off", "ApiSecEngine DETECTONLY", "ApiSecRequire api-role a b c\nApiSecRequire api-key",
    "ApiSecRequireTLS Proxy", "ApiSecDeny 192.0.2.0/24 2001:db8::/32 198.51.100.7 file:@ROOT@/good.txt",
    "ApiSecKeyFrom header:X-Key bearer basic", "ApiSecLimit a rate=1000000000/s by=key\nApiSecLimit b rate=1/d burst=3000 by=ip",
    "ApiSecLimit a rate=10/s rate=500/h by=key+route cost=POST,PUT:5 cost=bytes/64k\nApiSecLimit b rate=5/s by=ip/24/48 "
    "algorithm=sliding-window mode=dry-run", "ApiSecCost 2 POST:5 bytes/1m\nApiSecRateLimitFields Both",
    'ApiSecCost "expr=%{HTTP:X-Cost}"\nApiSecRateLimitFields none',
    "ApiSecMax target=100 fields=50 field=500 body=none", "ApiSecExport none", "ApiSecExport key-id user roles scopes kv",
    "ApiSecPassCredential On", "AuthType ApiSec\nRequire api-access\nRequire api-role a b",
    "<RequireAny>\nRequire api-key\nRequire all denied\n</RequireAny>",
])
def test_good_values_pass(words, conf):
    words.folder.write("good.txt", "192.0.2.0/24\n")
    words.configure(GOOD + "ApiSecRefresh 1s\nApiSecTable 1024\nApiSecFailLimit 10/h\nApiSecLogAddress Pseudonym\n"
                    "<Location /x>\n%s\n</Location>\n<Files x>\n%s\n</Files>\n" % (conf, conf))
    code, said = words.configtest()
    assert code == 0, said


# TRN-14: what one request could be charged to is bounded, wherever the limits stand
def test_limits_that_meet_are_not_too_many(tested):
    def section(path, *words, kind="Location"):
        lines = "".join("ApiSecLimit %s%d %s\n" % (re.sub("[^a-z]+", "-", path[1:]), i, text)
                        for i, text in enumerate(words))
        return "<%s %s>\nApiSecEngine On\n%s</%s>\n" % (kind, path, lines, kind)

    roles, several = ["rate=1/s by=role"] * 8, ["rate=1/s rate=9/m rate=9/h rate=9/d by=role"]
    host = "<VirtualHost *:%d>\n%s</VirtualHost>\n"
    for conf, cells in ((section("/a", *roles), None),
                        (section("/a", *roles) + section("/b", *roles), None),
                        (section("/a", *roles) + section("/a/b", "rate=1/s by=key"), 129),
                        (section("/a", *several, *several), None),
                        (section("/a", *several, *several, "rate=1/s by=key"), 129),
                        (section("/a", *roles) + section("/b", "rate=1/s by=key", kind="LocationMatch"), 129),
                        (section("/a", *roles) + section("/b*", "rate=1/s by=key"), 129),
                        (section("/a", *roles) + "ApiSecLimit x rate=1/s by=ip\n", 129),
                        (section("/a", *roles) + "<Location /a/b>\nApiSecLimit a0 rate=1/s by=key\n</Location>\n", None),
                        (host % (1, section("/a", *roles)) + host % (2, section("/a/b", *roles)), None),
                        (section("/a", *roles) + host % (1, section("/a/b", "rate=1/s by=key")), 129),
                        (section("/a", "rate=1/s by=key") + host % (1, section("/a/b", *roles)), 129)):
        code, said = tested("ApiSecStore @STORE@\n" + conf)
        if cells is None:
            assert code == 0, (conf, said)
        else:
            assert code != 0 and "%d cells" % cells in said and "128" in said, (conf, said)


# TRN-14
def test_engine_without_a_store(tested):
    code, said = tested("<Location /x>\nApiSecEngine On\n</Location>\n")
    assert code != 0 and "ApiSecStore" in said
    code, said = tested("<VirtualHost *:@PORT@>\nApiSecStore @STORE@\n</VirtualHost>\n"
                        "<VirtualHost *:@PORT@>\nServerName b\n<Location />\nApiSecEngine DetectOnly\n</Location>\n"
                        "</VirtualHost>\n")
    assert code != 0 and "ApiSecStore" in said
    assert tested("<Location /x>\nApiSecEngine Off\n</Location>\n")[0] == 0


# TRN-19
def test_quick_handler_of_the_cache_is_refused(tested):
    for conf in ("CacheQuickHandler On", "CacheEnable disk /\nCacheRoot @ROOT@/cache",
                 "CacheQuickHandler On\nCacheEnable disk /\nCacheRoot @ROOT@/cache"):
        code, said = tested(GOOD + conf + "\n", modules=["cache_disk"])
        assert code != 0 and "CacheQuickHandler Off" in said, conf
        code, said = tested(GOOD.replace("On", "DetectOnly") + conf + "\n", modules=["cache_disk"])
        assert code != 0 and "CacheQuickHandler Off" in said, conf
        assert tested(GOOD.replace("On", "Off") + conf + "\n", modules=["cache_disk"])[0] == 0
    assert tested(GOOD + "CacheQuickHandler Off\nCacheEnable disk /\nCacheRoot @ROOT@/cache\n", modules=["cache_disk"])[0] == 0


# TRN-14, TRN-19: it is each server's own, and another's Off says nothing of it
def test_quick_handler_is_looked_for_in_each_server(tested):
    def server(i, *lines):
        return "<VirtualHost 127.0.0.%d:80>\n%s\n</VirtualHost>\n" % (i, "\n".join(lines))

    store, cache, off = "ApiSecStore @STORE@\n", "CacheEnable disk /", "CacheQuickHandler Off"
    engine = "<Location /x>\nApiSecEngine On\n</Location>"
    for conf, is_open in ((server(1, cache, off) + server(2, cache, engine), True),
                          (server(1, cache, engine, off) + server(2, cache, engine), True),
                          (server(1, off) + engine + "\n" + cache, True),
                          (cache + "\n" + server(1, off) + server(2, engine), True),
                          (engine + "\n" + server(1, cache), True),
                          ('CacheQuickHandler "On"\n' + off + "\n" + engine, True),
                          (server(1, cache, engine, off) + server(2, cache), False),
                          (cache + "\n" + server(1, engine, off) + server(2, "UseCanonicalName Off"), False),
                          (cache + "\n" + off + "\n" + server(1, engine), False)):
        code, said = tested(store + "CacheRoot @ROOT@/cache\n" + conf + "\n", modules=["cache_disk"])
        assert (code != 0) == is_open and ("CacheQuickHandler Off" in said) == is_open, (conf, said)


# TRN-19
def test_quick_handler_of_the_cache_stops_the_start_too(store, make_server):
    from harness import ServerFault
    server = make_server(GOOD + "CacheQuickHandler On\n", start=False, modules=["cache_disk"])
    with pytest.raises(ServerFault):
        server.start()
    assert "CacheQuickHandler" in server.error_log() + server.log("output.log")


# AZ-13
def test_authtype_without_require_is_warned_of(tested):
    code, said = tested(GOOD + "<Location /w>\nAuthType ApiSec\n</Location>\n")
    assert code == 0 and "AuthType ApiSec" in said and "Require" in said
    code, said = tested(GOOD + "<Location /w>\nAuthType ApiSec\nRequire api-key\n</Location>\n")
    assert code == 0 and "AuthType ApiSec without" not in said
    code, said = tested(GOOD + "<Directory @DOCS@/w>\nAuthType ApiSec\n<Files x>\nRequire api-key\n</Files>\n</Directory>\n")
    assert code == 0 and "AuthType ApiSec without" not in said


# MTLS-04
def test_certificates_of_clients_want_mod_ssl(tested):
    conf = GOOD + "<Location /c>\nApiSecCertificate %s\n</Location>\n"
    code, said = tested(conf % "pki")
    assert code != 0 and "ApiSecCertificate" in said and "mod_ssl" in said
    assert tested(conf % "Off")[0] == 0
    for verify, warned in (("", True), ("SSLVerifyClient none\n", True), ("SSLVerifyClient require\n", False)):
        code, said = tested(conf % "pinned" + verify, modules=["ssl"])
        assert code == 0 and ("APISEC0013" in said) == warned, (verify, said)


def hosts(*more):
    """Two virtual hosts with TLS that trust what two files have."""
    return GOOD + "".join("""
<VirtualHost *:@PORT@>
    ServerName h%d
    SSLEngine On
    SSLCertificateFile @CERT@
    SSLCertificateKeyFile @CERTKEY@
    SSLVerifyClient %s
    SSLCACertificateFile @ROOT@/ca%d.pem
    %s
</VirtualHost>
""" % (i, *host) for i, host in enumerate(more))


# MTLS-04: this httpd is open to it where it is told to be
def test_authorities_of_two_hosts_are_not_mixed(store, make_server):
    server = make_server(hosts(("require", 0, "")), start=False, modules=["ssl"])
    for i in range(2):
        shutil.copy(server.folder.path("run/cert.pem"), server.folder.path("ca%d.pem" % i))
    insecure, strict = "SSLVHostSNIPolicy insecure\n", "SSLStrictSNIVHostCheck On"
    for conf, warned in ((insecure + hosts(("require", 0, ""), ("require", 1, "")), True),
                         (insecure + hosts(("require", 0, ""), ("optional", 1, "")), True),
                         (hosts(("require", 0, ""), ("require", 1, "")), False),
                         (insecure + hosts(("require", 0, ""), ("require", 0, "")), False),
                         (insecure + hosts(("require", 0, ""), ("none", 1, "")), False),
                         (insecure + hosts(("require", 0, strict), ("require", 1, "")), False),
                         (insecure + strict + "\n" + hosts(("require", 0, ""), ("require", 1, "")), False)):
        server.configure(conf)
        code, said = server.configtest()
        assert code == 0 and ("APISEC0014" in said) == warned, (conf, said)


# ---- .htaccess

HTACCESS = ("ApiSecEngine Off", "ApiSecRequire public", "ApiSecRequireTLS Off", "ApiSecDeny 10.0.0.0/8",
            "ApiSecKeyFrom bearer", "ApiSecLimit all rate=1/s by=key", "ApiSecStore /tmp", "ApiSecMasterKey file:/tmp/x",
            "ApiSecState /tmp/x", "ApiSecTable 1024", "ApiSecRefresh 1s", "ApiSecFailLimit 1/m", "ApiSecLogAddress full", "ApiSecHSTS Off", "ApiSecTLSFloor Off",
            "ApiSecMax body=1", "ApiSecExport none", "ApiSecCost 5", "ApiSecPlan basic", "ApiSecRateLimitFields none", "ApiSecWaiters 5", "ApiSecPassCredential On", "ApiSecCertificate Off", "Require not api-key")


# AZ-13
@pytest.mark.parametrize("override", ["All", "None"])
def test_no_directive_is_taken_from_htaccess(make_site, override):
    names = sorted({line.split()[0] for line in HTACCESS if line.startswith("ApiSec")})
    conf = """
<Directory @DOCS@>
    AllowOverrideList %s
</Directory>
<Location /orders>
    ApiSecEngine On
</Location>
""" % " ".join(names) if override == "None" else "<Location /orders>\nApiSecEngine On\n</Location>\n"
    site = make_site(conf, override=override)
    assert site.get(key="ci").status == 200
    for line in HTACCESS:
        if override == "None" and line.startswith("Require"):
            continue
        site.folder.write("htdocs/orders/.htaccess", line + "\n")
        for key in (None, "ci"):
            got = site.get(key=key)
            assert got.status == 500, line
            assert b"name" not in got.body
        word = line.split()[0] if line.startswith("ApiSec") else "Require not"
        assert site.server.wait_error(r"\.htaccess: .*%s" % word)
    os.unlink(site.folder.path("htdocs/orders/.htaccess"))
    assert site.get(key="ci").status == 200 and site.get().status == 401


# ---- A store that cannot be used (SEC-09, SEC-16, TRN-14)

def other_master(store, folder):
    other = Store(folder.path("other"), folder.path("state"))
    other.init()
    shutil.copyfile(other.file("master.key"), store.file("master.key"))


def other_copy(store, folder):
    other = Store(folder.path("other"), folder.path("state"))
    other.init()
    shutil.copyfile(other.file("pub", "store.db"), store.file("pub", "store.db"))


def garbage(store, folder):
    with open(store.file("pub", "store.db"), "wb") as out:
        out.write(os.urandom(20000))


def truncated(store, folder):
    os.truncate(store.file("pub", "store.db"), 5000)


def emptied(store, folder):
    os.truncate(store.file("pub", "store.db"), 0)


def short_master(store, folder):
    os.truncate(store.file("master.key"), 10)


def symlink(store, folder, *names):
    os.rename(store.file(*names), folder.path("moved"))
    os.symlink(folder.path("moved"), store.file(*names))


def fifo(store, *names):
    seen = os.stat(store.file(*names))
    os.unlink(store.file(*names))
    os.mkfifo(store.file(*names), stat.S_IMODE(seen.st_mode))
    os.chown(store.file(*names), seen.st_uid, seen.st_gid)


def open_folder(store, folder):
    os.mkdir(folder.path("wide"))
    os.chmod(folder.path("wide"), 0o777)
    os.rename(store.path, folder.path("wide", "store"))
    store.path = folder.path("wide", "store")


FAULTS = {
    "no store": (lambda store, folder: shutil.rmtree(store.path), "store init makes one"),
    "no copy": (lambda store, folder: os.unlink(store.file("pub", "store.db")), "store publish makes it"),
    "no folder of the copy": (lambda store, folder: shutil.rmtree(store.file("pub")), "store publish makes it"),
    "no master key": (lambda store, folder: os.unlink(store.file("master.key")), "ApiSecMasterKey"),
    "wrong master key": (other_master, "master"),
    "short master key": (short_master, "master.key"),
    "empty master key": (lambda store, folder: os.truncate(store.file("master.key"), 0), "master.key"),
    "copy of another store": (other_copy, "store.db"),
    "garbage": (garbage, "store publish makes it anew"),
    "truncated": (truncated, "store publish makes it anew"),
    "emptied": (emptied, "store publish makes it anew"),
    "master key open to group": (lambda store, folder: os.chmod(store.file("master.key"), 0o640), "master.key"),
    "master key open to others": (lambda store, folder: os.chmod(store.file("master.key"), 0o604), "master.key"),
    "copy writable by group": (lambda store, folder: os.chmod(store.file("pub", "store.db"), 0o660), "store.db"),
    "copy writable by others": (lambda store, folder: os.chmod(store.file("pub", "store.db"), 0o642), "store.db"),
    "copy folder writable by others": (lambda store, folder: os.chmod(store.file("pub"), 0o777), "pub"),
    "folder writable by others": (open_folder, "wide"),
    "symlink for the copy": (lambda store, folder: symlink(store, folder, "pub", "store.db"), "store.db"),
    "symlink for the master key": (lambda store, folder: symlink(store, folder, "master.key"), "master.key"),
    "FIFO for the copy": (lambda store, folder: fifo(store, "pub", "store.db"), "store.db"),
    "FIFO for the master key": (lambda store, folder: fifo(store, "master.key"), "master.key"),
    "folder for the copy": (lambda store, folder: (os.unlink(store.file("pub", "store.db")),
                                                   os.mkdir(store.file("pub", "store.db"))), "store.db"),
    "second name of the copy": (lambda store, folder: os.link(store.file("pub", "store.db"), store.file("pub", "x.db")),
                                "store.db"),
}
if IS_ROOT:
    FAULTS["copy of a stranger"] = (lambda store, folder: shutil.chown(store.file("pub", "store.db"), SERVER_USER),
                                    "store.db")
    FAULTS["copy that children cannot read"] = (lambda store, folder: os.chmod(store.file("pub", "store.db"), 0o600),
                                                "chgrp %s " % SERVER_GROUP)
    FAULTS["folder of the copy that children cannot pass"] = (lambda store, folder: os.chmod(store.file("pub"), 0o700),
                                                              "/pub && chmod g+x ")
    FAULTS["store of another group"] = (lambda store, folder: os.chown(store.path, 0, 0), "chgrp %s " % SERVER_GROUP)
    FAULTS["master key of a stranger"] = (lambda store, folder: shutil.chown(store.file("master.key"), SERVER_USER),
                                          "master.key")


# SEC-09, SEC-16, TRN-14
@pytest.mark.parametrize("name", FAULTS)
def test_store_that_cannot_be_used_fails_the_test_and_answers_503(store, folder, make_server, name):
    harm, word = FAULTS[name]
    store.role_create("reader", ["GET /orders/**"])
    key = store.key_create("ci", role="reader")["key"]
    folder.write("htdocs/orders/7.json", "{}\n")
    harm(store, folder)
    conf = GOOD.replace("@STORE@", store.path)
    server = make_server(conf, start=False)
    code, said = server.configtest()
    assert code != 0 and word in said and store.path in said, said
    server.start()
    got = server.get("/orders/7.json", [("X-API-Key", key)])
    assert got.status == 503 and got.headers["Content-Type"] == "application/problem+json"
    assert got.headers["Cache-Control"] == "no-store" and folder.root not in got.text
    assert server.get("/index.html").status == 200
    line = server.wait_audit(lambda line: line["id"] == got.headers["X-Request-Id"])
    assert (line["reason"], line["event"]) == ("store_down", "sys_crash")
    assert word in server.error_log()
    assert server.get("/status").status == 404


# SEC-08
def test_master_key_from_elsewhere(store, folder, make_server):
    store.role_create("reader", ["GET /orders/**"])
    key = store.key_create("ci", role="reader")["key"]
    folder.write("htdocs/orders/7.json", "{}\n")
    os.mkdir(folder.path("vault"), 0o700)
    shutil.move(store.file("master.key"), folder.path("vault/key"))
    program = folder.write("bin/get-key", "#!/bin/sh\nexec cat %s\n" % folder.path("vault/key"), 0o755)
    failing = folder.write("bin/fails", "#!/bin/sh\necho broken >&2\nexit 3\n", 0o755)
    silent = folder.write("bin/silent", "#!/bin/sh\n", 0o755)
    assert make_server(GOOD, start=False).configtest()[0] != 0
    for source in ("file:" + folder.path("vault/key"), "exec:" + program):
        server = make_server(GOOD + "ApiSecMasterKey %s\n" % source, start=False)
        code, said = server.configtest()
        assert code == 0, said
        server.start()
        assert server.get("/orders/7.json", [("X-API-Key", key)]).status == 200
        server.graceful()
        assert server.get("/orders/7.json", [("X-API-Key", key)]).status == 200
        for pid in server.children():
            with open("/proc/%d/environ" % pid, "rb") as seen:
                assert b"MASTER" not in seen.read()
        server.stop()
    for source in ("file:" + folder.path("vault/none"), "exec:" + failing, "exec:" + silent,
                   "exec:" + folder.path("bin/none")):
        code, said = make_server(GOOD + "ApiSecMasterKey %s\n" % source, start=False).configtest()
        assert code != 0 and source.split("/")[-1] in said, said


# TRN-14: what a start would refuse of the state file
@pytest.mark.parametrize("harm, word", [
    (lambda path: os.mkdir(path), "regular file"),
    (lambda path: (open(path, "w").close(), os.chmod(path, 0o644)), "mode is not 0600"),
    (lambda path: os.symlink("/dev/null", path), "regular file"),
])
def test_state_file_that_cannot_be_used_fails_the_test(store, make_server, harm, word):
    server = make_server(GOOD, start=False)
    harm(server.state)
    code, said = server.configtest()
    assert code != 0 and server.state in said and word in said, said


# TRN-14
def test_test_makes_no_file_and_group_may_read_the_copy(store, folder, make_server):
    server = make_server(GOOD, start=False)
    assert server.configtest()[0] == 0
    assert not os.path.exists(server.state)
    import grp
    assert grp.getgrgid(os.stat(store.file("pub", "store.db")).st_gid).gr_name == SERVER_GROUP
