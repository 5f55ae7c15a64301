"""ApiSecSchema xml: content meets an XML schema of the store (POS-15, POS-16)."""

import gzip
import os
import socket

import pytest
from harness import Backend, Site, wait_for

pytestmark = pytest.mark.one_mpm

XSD = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
<xs:element name="order"><xs:complexType><xs:sequence>
<xs:element name="item" type="xs:string"/><xs:element name="count" type="xs:%s"/>
</xs:sequence></xs:complexType></xs:element></xs:schema>"""
LIST = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
<xs:element name="list"><xs:complexType><xs:sequence>
<xs:element name="n" type="xs:decimal" minOccurs="0" maxOccurs="unbounded"/>
<xs:element name="word" minOccurs="0" maxOccurs="unbounded"><xs:simpleType><xs:restriction base="xs:string">
<xs:pattern value="(a*)*b"/></xs:restriction></xs:simpleType></xs:element>
<xs:element name="at" type="xs:dateTime" minOccurs="0" maxOccurs="unbounded"/>
<xs:element name="any" minOccurs="0" maxOccurs="unbounded"><xs:complexType><xs:sequence>
<xs:any minOccurs="0" maxOccurs="unbounded" processContents="lax"/></xs:sequence>
<xs:anyAttribute processContents="lax"/></xs:complexType></xs:element>
</xs:sequence></xs:complexType></xs:element></xs:schema>"""

CONF = """
ApiSecRequireTLS Off
ProxyPass / http://127.0.0.1:@BACK@/
<Location />
    ApiSecEngine On
    ApiSecSchema xml order
</Location>
<Location /small>
    ApiSecBody xml max=64
    ApiSecSchema xml order
</Location>
<Location /list>
    ApiSecSchema xml list
</Location>
<Location /lost>
    ApiSecSchema xml nothing
</Location>
"""

XML = {"Content-Type": "application/xml"}


def put(site, kind):
    site.folder.write("order.xsd", XSD % kind)
    site.store.ok("api", "import", "order", site.folder.path("order.xsd"))


def prepare(site):
    put(site, "int")
    site.folder.write("list.xsd", LIST)
    site.store.ok("api", "import", "list", site.folder.path("list.xsd"))
    site.role("writer", "POST /**")
    site.key("ci", role="writer")


@pytest.fixture(scope="module")
def site():
    with Backend() as backend:
        with Site(CONF.replace("@BACK@", str(backend.port)), prepare, modules=("proxy", "proxy_http")) as made:
            made.backend = backend
            yield made


def post(site, body, path="/orders", **fields):
    return site.request("POST", path, key="ci", headers=dict(XML, **fields), body=body)


def order(count, more=""):
    return ("<order%s><item>x</item><count>%s</count></order>" % (more, count)).encode()


def test_what_the_schema_takes_passes(site):  # POS-15
    assert post(site, order(2)).status == 200


@pytest.mark.parametrize("body, reason", [
    (order("two"), "body_invalid"), (b"<order><item>x</item></order>", "body_invalid"), (b"<other/>", "body_invalid"),
    (b"<order>", "body_malformed"), (b'<!DOCTYPE o [<!ENTITY e SYSTEM "file:///etc/passwd">]>' + order("&e;"), "body_malformed")])
def test_what_it_does_not_take_is_refused(site, body, reason):  # POS-15, POS-21
    got = post(site, body)
    assert got.status in (400, 422), got
    line = site.server.wait_audit(lambda line: line["id"] == got.headers["X-Request-Id"], 1)
    assert line["reason"] == reason, line
    errors = got.json()["errors"]
    assert errors and "passwd" not in str(errors)
    if body == order("two"):
        assert errors[0]["pointer"] == "/order/count" and errors[0]["value"] == "two"


def test_where_a_document_says_its_schema_is_nobody_looks(site):  # POS-16
    more = ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation="file:///nowhere.xsd"'
    assert post(site, order(2, more)).status == 200
    assert post(site, order("two", more)).status == post(site, order("two")).status


def test_a_body_over_the_cap_and_a_schema_that_is_not_there(site):
    assert post(site, order(2) + b" " * 64, "/small/x").status == 413
    assert post(site, order(2), "/lost/x").status == 503
    assert "the XML schema nothing cannot be used" in site.server.error_log()


def test_another_schema_of_the_name_is_in_force_without_a_restart(site):  # POS-22
    put(site, "string")
    wait_for(lambda: post(site, order("two")).status == 200, 10, "the new schema")
    site.key("more", role="writer")  # another generation of the store, and the same schema
    site.reach_children(lambda: post(site, order("two")))
    put(site, "int")
    wait_for(lambda: post(site, order("two")).status != 200, 10, "the old schema")
    assert post(site, order(2)).status == 200


LAUGHS = "".join('<!ENTITY l%d "%s">' % (i, "&l%d;" % (i - 1) * 10 if i else "lol") for i in range(10))
XI = "http://www.w3.org/2001/XInclude"
GOOD = order(2).decode()
DEEP = "<list><any>%s</any></list>"
ATTACKS = {  # /order or /list by the outermost element; ASK is an address that nobody may ask
    "laughs": "<!DOCTYPE order [%s]><order><item>&l9;</item><count>2</count></order>" % LAUGHS,
    "quadratic": '<!DOCTYPE order [<!ENTITY a "%s">]><order><item>%s</item><count>2</count></order>' % ("a" * 50000, "&a;" * 5000),
    "file": '<!DOCTYPE order [<!ENTITY e SYSTEM "file:///etc/passwd">]>' + GOOD.replace("x", "&e;"),
    "network": '<!DOCTYPE order SYSTEM "ASK/a.dtd">' + GOOD,
    "parameter": '<!DOCTYPE order [<!ENTITY % p SYSTEM "ASK/p"> %p;]>' + GOOD,
    "public": '<!DOCTYPE order PUBLIC "-//W3C//DTD XHTML 1.0//EN" "ASK/x">' + GOOD,
    "comment first": "<!-- a --><!DOCTYPE order>" + GOOD,
    "entity": GOOD.replace("x", "&nbsp;"),
    "character": GOOD.replace("x", "&#0;"),
    "instruction": '<?xml-stylesheet href="ASK/s"?>' + GOOD,
    "xinclude": '<list><any><xi:include xmlns:xi="%s" href="ASK/i"/></any></list>' % XI,
    "deep": DEEP % ("<a>" * 5000 + "</a>" * 5000),
    "deep open": "<list><any>" + "<a>" * 200000,
    "attributes": DEEP % ("<a %s/>" % " ".join('a%d="1"' % i for i in range(2000))),
    "same attributes": DEEP % '<a b="1" b="2"/>',
    "huge attribute": DEEP % ('<a b="%s"/>' % ("x" * 900000)),
    "huge name": DEEP % ("<%s/>" % ("a" * 900000)),
    "huge text": GOOD.replace("x", "x" * 900000),
    "namespaces": DEEP % ("<a %s/>" % " ".join('xmlns:n%d="u%d"' % (i, i) for i in range(2000))),
    "names": DEEP % "".join("<a%d/>" % i for i in range(50000)),
    "nul": GOOD.replace("x", "\0"),
    "control": GOOD.replace("x", "\x08"),
    "surrogate": GOOD.encode().replace(b"x", b"\xed\xa0\x80"),
    "overlong": GOOD.encode().replace(b"x", b"\xc0\xbc"),
    "utf-16": ('<?xml version="1.0" encoding="UTF-16"?>' + GOOD).encode("utf-16"),
    "utf-16be": GOOD.encode("utf-16-be"),
    "utf-32": GOOD.encode("utf-32"),
    "ebcdic": ('<?xml version="1.0" encoding="IBM037"?>' + GOOD).encode("cp037"),
    "utf-7": '<?xml version="1.0" encoding="UTF-7"?>+ADw-!DOCTYPE order+AD4-' + GOOD,
    "latin": '<?xml version="1.0" encoding="ISO-8859-1"?>' + GOOD,
    "xml 1.1": '<?xml version="1.1"?>' + GOOD,
    "two": GOOD + GOOD,
    "tail": GOOD + "\0",
    "digits": "<list><n>%s</n></list>" % ("9" * 200000),
    "many digits": "<list>%s</list>" % ("<n>%s</n>" % ("9" * 30) * 20000),
    "pattern": "<list><word>%s</word></list>" % ("a" * 5000),
    "patterns": "<list>%s</list>" % ("<word>%s</word>" % ("a" * 64) * 5000),
    "year": "<list><at>%s-01-01T00:00:00Z</at></list>" % ("9" * 100000),
    "type": '<list xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="nothing"/>',
    "schema": '<list xmlns:xs="http://www.w3.org/2001/XMLSchema"><any><xs:schema><xs:import schemaLocation="ASK/s"/></xs:schema></any><n>x</n></list>',
    "location": '<list xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="u ASK/s"><any><u:a xmlns:u="u"/></any><n>x</n></list>',
}


@pytest.fixture(scope="module")
def nobody():
    """An address that is listened at, and that nobody has come to in the end."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield "http://127.0.0.1:%d" % listening.getsockname()[1]
        listening.setblocking(False)
        with pytest.raises(BlockingIOError):
            listening.accept()


@pytest.mark.parametrize("name", ATTACKS)
def test_hostile_documents_are_refused_and_ask_nobody(site, nobody, name):  # POS-15, POS-16, POS-07
    body, before = ATTACKS[name], len(site.backend.seen)
    body = (body if isinstance(body, bytes) else body.encode()).replace(b"ASK", nobody.encode())
    path = "/list" if b"list" in body[:1000] else "/orders"
    for sent, fields in ((body, {}), (gzip.compress(body), {"Content-Encoding": "gzip"}),
                         (b"".join(b"%x\r\n%s\r\n" % (len(body[i:i + 9999]), body[i:i + 9999]) for i in range(0, len(body), 9999)) + b"0\r\n\r\n",
                          {"Transfer-Encoding": "chunked"})):
        got = post(site, sent, path, **fields)
        assert got.status in (400, 413, 422), got
        assert "root:" not in got.text
    assert len(site.backend.seen) == before


def test_harmless_documents_pass(site):  # POS-15
    for body in ("<list><any><u:a xmlns:u='u' u:b='1'><c/></u:a></any></list>", "\ufeff<list/>", "<?xml version='1.0' encoding='utf-8'?><list/>",
                 "<list><n>1.50</n><word>aab</word><at>2026-01-01T00:00:00Z</at><any><![CDATA[]]><!-- c --></any></list>"):
        assert post(site, body.encode(), "/list").status == 200, body


@pytest.mark.skipif("APISEC_SANITIZE" in os.environ, reason="a sanitizer keeps what was freed")
def test_memory_stays_what_it_was(site):  # POS-15
    def most():
        return max(int(line.split()[1]) for pid in site.server.children() for line in open("/proc/%d/status" % pid) if line.startswith("VmRSS"))
    hostile = [ATTACKS[name].encode() for name in ("deep open", "huge attribute", "names", "many digits", "patterns")]
    for body in hostile * 2:
        post(site, body, "/list")
    before = most()
    for body in hostile * 6:
        post(site, body, "/list")
    assert most() - before < 16 * 1024
