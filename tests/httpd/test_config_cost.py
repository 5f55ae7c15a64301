"""httpd -t: a cost above what a limit ever allows, told with both values where both are sure to hold (LIM-02)."""

import pytest

pytestmark = pytest.mark.one_mpm

HEAD = "ApiSecStore @STORE@\nApiSecRequireTLS Off\n"
CALLS, WIDE = "ApiSecLimit calls rate=9/s burst=5 by=key\n", "ApiSecLimit calls rate=900/s by=key\n"


def location(path, *lines):
    return "<Location %s>\n%s</Location>\n" % (path, "".join(lines))


def cost(text):
    return "ApiSecCost %s\n" % text


ON = "ApiSecEngine On\n"
# Name -> configuration, cost and room that are told; None: nothing is.
CASES = {
    "one section": (location("/a", ON, CALLS, cost(8)), (8, 5)),
    "as much as there is": (location("/a", ON, CALLS, cost(5)), None),
    "by method": (location("/a", ON, CALLS, cost("2 POST:6")), (6, 5)),
    "a limit around": (location("/a", ON, CALLS) + location("/a/b", cost(8)), (8, 5)),
    "a limit around, with a slash": (location("/a/", ON, CALLS) + location("/a/b", cost(8)), (8, 5)),
    "a limit within": (location("/a", ON, cost(8)) + location("/a/b", CALLS), (8, 5)),
    "a limit of the server": (CALLS + location("/a", ON, cost(8)), (8, 5)),
    "a cost of the server": (cost(8) + location("/a", ON, CALLS), (8, 5)),
    "an If": (location("/a", ON, CALLS, "<If \"%{QUERY_STRING} == 'x'\">\n", cost(8), "</If>\n"), (8, 5)),
    "a window": (location("/a", ON, "ApiSecLimit w rate=7/h by=ip algorithm=fixed-window\n", cost(8)), (8, 7)),
    "a quota": (location("/a", ON, "ApiSecLimit q quota=7/day by=ip\n", cost(8)), (8, 7)),
    "another section": (location("/a", ON, CALLS) + location("/b", ON, cost(8)), None),
    "a path that only begins alike": (location("/a", ON, CALLS) + location("/ab", ON, cost(8)), None),
    "a pattern": (location("/a", ON, CALLS) + "<LocationMatch ^/a/b>\n" + cost(8) + "</LocationMatch>\n", None),
    "another limit of the name": (location("/a", ON, CALLS) + location("/a/b", WIDE, cost(8)), None),
    "a cost nearer": (cost(8) + location("/a", ON, CALLS, cost(2)), None),
    "a cost between": (location("/a", ON, cost(8)) + location("/a/b", cost(2)) + location("/a/b/c", CALLS), None),
    "a cost of the limit": (location("/a", ON, "ApiSecLimit calls rate=5/s by=key cost=2\n", cost(8)), None),
    "a trial": (location("/a", ON, "ApiSecLimit calls rate=5/s by=key mode=dry-run\n", cost(8)), None),
    "requests under way": (location("/a", ON, "ApiSecLimit calls inflight=5 by=key\n", cost(8)), None),
    "an expression": (location("/a", ON, CALLS, cost('"expr=%{HTTP:X-Cost}"')), None),
    "bytes": (location("/a", ON, CALLS, cost("bytes/1k")), None),
    "another virtual host": (location("/a", ON, CALLS) + "<VirtualHost *:1>\nServerName x.test\n" + location("/a", ON, WIDE, cost(8))
                             + "</VirtualHost>\n", None),
}


@pytest.fixture(scope="module")
def server():
    from harness import Folder, Server, Store
    with Folder() as folder:
        store = Store(folder.path("store"), folder.path("state"))
        store.init()
        store.ok("plan", "create", "small", "--limit", "month quota=3/month by=user")
        yield Server(folder, HEAD)


@pytest.mark.parametrize("name", CASES)
def test_both_values_are_told(server, name):
    conf, told = CASES[name]
    server.configure(HEAD + conf)
    code, said = server.configtest()
    assert code == 0, said
    lines = [line for line in said.splitlines() if "APISEC0014" in line]
    assert len(lines) == (1 if told else 0), said
    if told:
        assert "what costs %d is refused for good by the limit" % told[0] in lines[0] and "lets at most %d be spent" % told[1] in lines[0]
        assert lines[0].count(" line ") == 2


def test_a_plan_of_the_section(server):
    server.configure(HEAD + location("/a", ON, "ApiSecPlan small\n", cost(8)) + location("/b", ON, "ApiSecPlan small\n", cost(3)))
    code, said = server.configtest()
    (line,) = [line for line in said.splitlines() if "APISEC0014" in line]
    assert code == 0 and "month quota=3/month" in line and "costs 8" in line and "at most 3" in line
