"""GraphQL: what a section takes of it, by POST and by GET, and which documents (POS-20)."""

import hashlib
import json
from urllib.parse import quote, urlencode

import pytest
from harness import Site

QUERY = "query Q { a { b } }"
MUTATION = "mutation M { a }"
OTHER = "{ other }"
CONF = """
ApiSecRequireTLS Off
ScriptAlias /cgi @ROOT@/cgi
<Directory @ROOT@/cgi>
    Require all granted
</Directory>
ApiSecEngine On
<Location /cgi/graphql>
    ApiSecBody graphql max=2k document=500 tokens=60 depth=3 fields=12 roots=4 aliases=2 directives=2 fragments=4 operations=2 values=2
</Location>
<Location /cgi/graphql/strict>
    ApiSecBody graphql
    ApiSecErrors status
</Location>
<Location /cgi/graphql/open>
    ApiSecBody graphql introspection subscriptions batch=2
    ApiSecMethods POST PUT
</Location>
<Location /cgi/graphql/queries>
    ApiSecBody graphql queries-only
</Location>
<Location /cgi/graphql/listed>
    ApiSecBody graphql allow=@ROOT@/listed.txt allow-get=@ROOT@/reads.txt
</Location>
<Location /cgi/graphql/types>
    ApiSecContentTypes */*
</Location>
<Location /cgi/graphql/public>
    ApiSecRequire public
</Location>
<Location /cgi/graphql/watched>
    ApiSecEngine DetectOnly
</Location>
<Location /cgi/moved>
    ApiSecBody graphql
</Location>
"""
ECHO = r"""
[ "$QUERY_STRING" = "query=%7Bgo%7D" ] && { printf 'Location: /cgi/graphql?query=%%7B__schema%%7Ba%%7D%%7D\n\n'; exit; }
printf 'Content-Type: text/plain\n\n'
[ "$REQUEST_METHOD" = GET ] && printf '%s' "$QUERY_STRING" || cat
"""


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()


def prepare(site):
    site.role("all", *("%s /**" % method for method in ("GET", "POST", "PUT", "DELETE")))
    site.key("ci", role="all", owner="shop")
    for name in ("graphql", "moved"):
        site.script(name, ECHO)
    site.folder.write("listed.txt", "# by the build\n\n%s  mutation.graphql\n%s\n" % (digest(MUTATION), digest(QUERY)))
    site.folder.write("reads.txt", "%s  query.graphql\n" % digest(QUERY))


@pytest.fixture(scope="module")
def site():
    with Site(CONF, prepare, modules=["cgi"]) as made:
        yield made


JSON = "application/json"


def send(site, place, body=None, kind=JSON, method="POST", key="ci"):
    body = json.dumps(body).encode() if isinstance(body, (dict, list)) else body and body.encode()
    return site.request(method, place if place.startswith("/cgi") else "/cgi/graphql" + place, key=key, headers=[("Content-Type", kind)] if body else [], body=body)


def get(site, place="", method="GET", key="ci", **parameters):
    return send(site, place + "?" + urlencode(parameters, quote_via=quote), method=method, key=key)


def line_of(site, got):
    return site.server.wait_audit(lambda line: line["id"] == got.headers["X-Request-Id"])


def verdict(site, got):
    line = line_of(site, got)
    assert got.status == (200 if line["reason"] == "allow" else got.status)
    return (got.status, line["reason"]) + ((line["fault"],) if "fault" in line else ())


def persisted(text, **more):
    return dict(more, extensions={"persistedQuery": {"version": 1, "sha256Hash": digest(text)}})


OK = (200, "allow")
HALF = "{a%sb}" % (" " * 497)  # 501 bytes
POSTS = [
    ("", {"query": QUERY, "operationName": "Q", "variables": {"a": [1]}, "extensions": None}, OK),
    ("", {"query": MUTATION}, OK),
    ("", "[", (400, "body_malformed", "json end 1")),
    ("", '{"query":"{a}","query":"{b}"}', (400, "body_malformed", "json duplicate 16")),
    ("", " " * 2048 + "{}", (413, "body_held")),
    ("", None, (400, "body_missing")),
    ("", {}, (400, "graphql_malformed", "graphql missing 0")),
    ("", "7", (400, "graphql_malformed", "graphql request 0")),
    ("", {"query": QUERY, "id": 1}, (400, "graphql_malformed", "graphql member 0")),
    ("", {"query": 7}, (400, "graphql_malformed", "graphql type 0")),
    ("", {"query": "{a"}, (400, "graphql_malformed", "graphql syntax 2")),
    ("", {"query": QUERY, "operationName": "R"}, (400, "graphql_malformed", "graphql operation 0")),
    ("", {"query": "{...f} fragment f on A {...g} fragment g on A {...f}"}, (400, "graphql_malformed", None)),
    ("", {"query": "{...f}"}, (400, "graphql_malformed", None)),
    ("", {"query": HALF[:-2] + "}"}, OK),
    ("", {"query": HALF}, (400, "graphql_over", "graphql bytes 0")),
    ("", {"query": "{a(b:\"%s\")}" % ("x" * 100)}, OK),
    ("", {"query": "{a{b{c}}}"}, OK),
    ("", {"query": "{a{b{c{d}}}}"}, (400, "graphql_over", "graphql depth 6")),
    ("", {"query": "{a{...f}} fragment f on A {b{c{d}}}"}, (400, "graphql_over", "graphql depth 0")),
    ("", {"query": "{a b c d}"}, OK),
    ("", {"query": "{a b c d e}"}, (400, "graphql_over", "graphql roots 0")),
    ("", {"query": "{a:x b:x}"}, OK),
    ("", {"query": "{a:x b:x c:x}"}, (400, "graphql_over", "graphql aliases 0")),
    ("", {"query": "{a@b@c}"}, OK),
    ("", {"query": "{a@b@c@d}"}, (400, "graphql_over", "graphql directives 0")),
    ("", {"query": "{a{%s}}" % " ".join("bcdefghijkl")}, OK),
    ("", {"query": "{a{%s}}" % " ".join("bcdefghijklm")}, (400, "graphql_over", "graphql fields 0")),
    ("", {"query": "{a(b:[[1]])}"}, OK),
    ("", {"query": "{a(b:[[[1]]])}"}, (400, "graphql_over", None)),
    ("", {"query": "{a(b:[%s])}" % " ".join("1" * 60)}, (400, "graphql_over", None)),
    ("", {"query": "query A{a} query B{a} query C{a}", "operationName": "A"}, (400, "graphql_over", None)),
    ("", {"query": "{a%s}%s" % ("".join("...f%d" % i for i in range(5)), "".join(" fragment f%d on A{a}" % i for i in range(5)))},
     (400, "graphql_over", None)),
    ("", [{"query": QUERY}], (400, "graphql_over", "graphql batch 0")),
    ("", {"query": "{__schema{types{name}}}"}, (400, "graphql_refused", "graphql introspection 1")),
    ("", {"query": "{__typename}"}, OK),
    ("", {"query": "subscription{a}"}, (400, "graphql_refused", "graphql subscription 0")),
    ("", persisted(QUERY, query=QUERY), OK),
    ("", persisted(OTHER, query=QUERY), (400, "graphql_malformed", "graphql hash 0")),
    ("", persisted(QUERY), (400, "graphql_refused", "graphql unlisted 0")),
    ("?query=%7Ba%7D", {"query": QUERY}, (400, "graphql_malformed", "graphql parameter 0")),
    ("?%6fperationName=M", {"query": QUERY}, (400, "graphql_malformed", "graphql parameter 0")),
    ("?page=1", {"query": QUERY}, OK),
    ("/open", [{"query": "{__schema{types{name}}}"}, {"query": "subscription{a}"}], OK),
    ("/open", [{"query": "{%s}" % " ".join("abcdefghij")}] * 2, OK),
    ("/open", [{"query": "{%s}" % " ".join("abcdefghijk")}] * 2, (400, "graphql_over", "graphql batch_roots 0")),
    ("/open", [{"query": QUERY}] * 3, (400, "graphql_over", "graphql batch 0")),
    ("/queries", {"query": QUERY}, OK),
    ("/queries", {"query": MUTATION}, (400, "graphql_refused", "graphql mutation 0")),
    ("/listed", {"query": QUERY}, OK),
    ("/listed", {"query": MUTATION}, OK),
    ("/listed", {"query": OTHER}, (400, "graphql_refused", "graphql unlisted 0")),
    ("/listed", persisted(MUTATION), OK),
    ("/listed", persisted(OTHER), (400, "graphql_refused", "graphql unlisted 0")),
]


# POS-20
@pytest.mark.parametrize("place, body, want", POSTS, ids=range(len(POSTS)))
def test_posts(site, place, body, want):
    got = send(site, place, body)
    seen = verdict(site, got)
    assert seen[:2] == want[:2] and (len(seen) == len(want)) and (want[-1] is None or seen == want), seen
    if got.status == 200:
        assert got.body == (body if isinstance(body, str) else json.dumps(body)).encode()


# POS-20
@pytest.mark.parametrize("place, parameters, want", [
    ("", {"query": QUERY, "operationName": "Q", "variables": "{}"}, OK),
    ("", {"query": MUTATION}, (405, "graphql_method", "graphql method 0")),
    ("", {"query": QUERY + MUTATION, "operationName": "Q"}, (405, "graphql_method", "graphql method 19")),
    ("", {"query": "subscription{a}"}, (405, "graphql_method", "graphql method 0")),
    ("", {}, (400, "graphql_malformed", "graphql missing 0")),
    ("", {"query": "{a"}, (400, "graphql_malformed", "graphql syntax 2")),
    ("", {"query": "{a b c d e}"}, (400, "graphql_over", "graphql roots 0")),
    ("", {"query": "{__schema{types{name}}}"}, (400, "graphql_refused", "graphql introspection 1")),
    ("/listed", {"query": QUERY}, OK),
    ("/listed", {"query": OTHER}, (400, "graphql_refused", "graphql unlisted 0")),
    ("/listed", {"extensions": json.dumps(persisted(QUERY)["extensions"])}, OK),
    ("/listed", {"extensions": json.dumps(persisted(MUTATION)["extensions"])}, (405, "graphql_method", "graphql method 0")),
])
def test_queries_by_get(site, place, parameters, want):
    got = get(site, place, **parameters)
    assert verdict(site, got) == want
    assert got.status != 405 or got.headers["Allow"] == "POST"
    assert verdict(site, get(site, place, method="HEAD", **parameters)) == want


# POS-20, POS-02
def test_methods_and_types(site):
    assert verdict(site, send(site, "", QUERY, "application/graphql")) == OK
    assert verdict(site, send(site, "", "{a", "application/graphql")) == (400, "graphql_malformed", "graphql syntax 2")
    got = send(site, "", "query=%7Ba%7D", "application/x-www-form-urlencoded")
    assert verdict(site, got) == (415, "type_unlisted") and got.headers["Accept"] == "application/json, application/graphql"
    assert verdict(site, send(site, "/types", "query=%7Ba%7D", "text/plain")) == (415, "type_unlisted")
    assert verdict(site, send(site, "/types", {"query": "{a}"}, "application/graphql+json")) == OK
    for place, method, allow in (("", "PUT", "GET, HEAD, POST"), ("", "DELETE", "GET, HEAD, POST"), ("/open", "PUT", "POST"), ("/open", "GET", "POST")):
        got = send(site, place + "?query=%7Ba%7D", method=method)
        assert verdict(site, got) == (405, "method_unlisted") and got.headers["Allow"] == allow
    assert verdict(site, send(site, "?query=%7Ba%7D", {"query": QUERY}, method="GET")) == (400, "body_unwanted")


# POS-20: what a handler's redirect makes of a request is one of its own.
def test_a_redirect_is_judged_by_its_own_query(site):
    got = get(site, "/cgi/moved", query="{go}")
    assert verdict(site, got) == (400, "graphql_refused", "graphql introspection 1")


# POS-21: callers who are known are told; nobody is told or logs a value.
def test_failures_are_told_to_callers_who_are_known(site):
    (failure,) = get(site, query="{secretA secretB c d e}").json()["errors"]
    assert (failure["in"], failure["keyword"]) == ("query", "roots") and "than 4" in failure["expected"]
    (failure,) = send(site, "", {"query": "{a"}).json()["errors"]
    assert (failure["in"], failure["keyword"]) == ("body", "syntax") and "byte 2" in failure["expected"]
    assert "errors" not in send(site, "/strict", {"query": "{a"}).json()
    got = send(site, "/public", {"query": "{a"}, key=None)
    assert got.status == 400 and "errors" not in got.json()
    assert "secretA" not in site.server.log("audit.log")


# POS-20, NEG-10
def test_detect_only_changes_nothing(site):
    for got, reason, fault in ((send(site, "/watched", {"query": "{a b c d e}"}), "graphql_over", "graphql roots 0"),
                               (get(site, "/watched", query=MUTATION), "graphql_method", "graphql method 0")):
        assert got.status == 200 and got.body
        line = site.server.wait_audit(lambda line: line["reason"] == reason and line["path"].endswith("/watched"))
        assert (line["decision"], line["fault"]) == ("would-refuse", fault)


BAD = [("depth=251", "want 1 to 250"), ("values=61", "want 1 to 60"), ("aliases=1000001", "want 1 to 1000000"), ("fragments=10001", "want 1 to 10000"),
       ("optional", "want allow="), ("nodes=3", "want allow="), ("allow=@ROOT@/none.txt", "none.txt"), ("allow=@ROOT@/bad.txt", "bad.txt line 3: want the 64 digits"),
       ("allow=@ROOT@/upper.txt", "upper.txt line 1"), ("allow=@ROOT@/blank.txt", "lists no document"), ("allow-get=@ROOT@/open.txt", "open.txt")]


# POS-20
@pytest.mark.one_mpm
def test_wrong_words_are_refused(make_server):
    server = make_server(start=False)
    sum_ = digest(QUERY)
    for name, text, mode in (("bad", "%s\n# a\n%sa\n" % (sum_, sum_), 0o644), ("upper", sum_.upper() + "\n", 0o644), ("blank", "# none\n", 0o644), ("open", sum_, 0o666)):
        server.folder.write(name + ".txt", text, mode)
    for words, want in BAD:
        server.configure("ApiSecBody graphql %s\n" % words)
        code, said = server.configtest()
        assert code != 0 and "ApiSecBody" in said and want in said, (words, said)
