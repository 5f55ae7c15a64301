"""ApiSecSchema xml: content meets an XML schema of the store (POS-15, POS-16)."""

import pytest
from harness import Backend, Site, wait_for

pytestmark = pytest.mark.one_mpm

XSD = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
<xs:element name="order"><xs:complexType><xs:sequence>
<xs:element name="item" type="xs:string"/><xs:element name="count" type="xs:%s"/>
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
    site.role("writer", "POST /**")
    site.key("ci", role="writer")


@pytest.fixture(scope="module")
def site():
    with Backend() as backend:
        with Site(CONF.replace("@BACK@", str(backend.port)), prepare, modules=("proxy", "proxy_http")) as made:
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
