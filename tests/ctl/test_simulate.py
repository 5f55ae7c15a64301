"""limit simulate: a log, played through limits that nobody has yet (LIM-01, LIM-02, LIM-03)."""

import json
import math
import os
import random
import resource
import subprocess
import time

import pytest

from harness import Store, Terminal, wait_for

T0 = 1801396800  # 2027-01-31T12:00:00Z
COUNTS = ["lines", "requests", "admitted", "refused", "delayed", "not_asked", "out_of_order", "bad"]


def stamp(at):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))


def common(at=0, host="192.0.2.7", user="-", request="GET /a HTTP/1.1", status=200):
    """A line of httpd's common format, `at` seconds after T0."""
    when = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(T0 + at))
    return '%s - %s [%s] "%s" %s 5' % (host, user, when, request, status)


def audit(at=0.0, **fields):
    """A line as %^AJ writes it; None leaves a field out."""
    ms = round((T0 + at) * 1000)
    whole = {"v": 1, "ts": "%s.%03dZ" % (stamp(ms // 1000)[:-1], ms % 1000), "boot": 1, "pid": 4711, "n": 1,
             "event": "authz_allow", "severity": "info", "id": "0123456789abcdef", "host": "gate.example",
             "ip": "192.0.2.7", "method": "GET", "path": "/orders/7", "route": "/orders/**", "status": 200,
             "decision": "allow", "reason": "allow", "key": "AAAAAAAAAAAA", "kv": 1, "user": "shop",
             "roles": ["reader"], "us": 100}
    whole.update(fields)
    return json.dumps({k: v for k, v in whole.items() if v is not None}, ensure_ascii=False)


def simulate(lines, *limits, words=(), rc=0):
    words = [word for limit in limits for word in ("--limit", limit)] + list(words)
    result = Store.call("--json", "limit", "simulate", "--log", "-", *words, input="".join(x + "\n" for x in lines))
    assert result.rc == rc, result
    found = json.loads(result.out)
    assert found["requests"] == found["admitted"] + found["refused"]
    assert found["lines"] == found["requests"] + found["not_asked"] + found["out_of_order"] + found["bad"]
    assert (rc == 5) == (found["bad"] + found["out_of_order"] > 0)
    for one in found["limits"]:
        assert sum(row["refused"] for row in found["worst"] if row["limit"] == one["limit"]) \
            <= one["refused"] + one["would_refuse"]
    return found


def counts(found, *names):
    return tuple(found[name] for name in names)


def refused(lines, limit, **more):
    return simulate(lines, limit, **more)["refused"]


# ---- traces by hand


def test_a_bucket_as_a_hand_counts_it():  # LIM-01
    """3/m: three at once, then one each 20 seconds."""
    at = [0, 0, 0, 0, 19, 20, 20, 39, 40, 41, 200, 200, 200, 200]
    #     a  a  a  R  R   a   R   R   a   R   a    a    a    R
    found = simulate([common(t) for t in at], "api rate=3/m by=ip")
    assert counts(found, *COUNTS) == (14, 14, 8, 6, 0, 0, 0, 0)
    assert (found["first"], found["last"]) == (stamp(T0), stamp(T0 + 200))
    (one,) = found["limits"]
    assert counts(one, "limit", "asked", "refused", "would_refuse", "callers_refused", "delayed", "longest_delay",
                  "definition") == ("api", 14, 6, 0, 1, 0, None, "api rate=3/m by=ip")
    (row,) = found["worst"]
    # Passed since the first refusal: at 20, 40, 200, 200, 200.
    assert counts(row, "limit", "who", "refused", "passed", "over_percent", "longest_run", "run_lasts", "first",
                  "last") == ("api", "192.0.2.7", 6, 5, 120.0, 2, "19s", stamp(T0), stamp(T0 + 200))


def test_a_refusal_spends_nothing():  # LIM-01
    """A second each; who asks every 0.4 s gets one of three and not fewer."""
    lines = [audit(0.4 * i) for i in range(30)]
    assert refused(lines, "api rate=1/s by=key", words=["--log-format", "json"]) == 20  # admitted at 0, 1.2, 2.4, ...


def test_cost_is_inside_of_the_test():  # LIM-02
    """Five units; a POST costs three: the second one has two left and is refused, a GET is not."""
    post = "POST /a HTTP/1.1"
    lines = [common(0, request=post), common(0, request=post), common(0), common(0), common(0)]
    found = simulate(lines, "api rate=5/m by=ip cost=POST:3")
    assert counts(found, "admitted", "refused") == (3, 2)
    result = Store.call("limit", "simulate", "--log", "-", "--limit", "api rate=5/m by=ip cost=POST:6", input="")
    assert (result.rc, result.out) == (2, "") and "above the 5" in result.err


def test_who_waits_as_long_as_he_is_told_passes():  # LIM-03
    """7/h is a step of 514.3 s, told as 515: at 514 refused, at 515 admitted."""
    full = [common(0)] * 7
    assert refused(full + [common(514)], "api rate=7/h by=ip") == 1
    assert refused(full + [common(515)], "api rate=7/h by=ip") == 0


def test_a_fixed_window_begins_with_the_clock():
    limit = "api rate=2/m algorithm=fixed-window by=ip"
    at = [0, 30, 59, 60, 119, 119, 120]  # a a R a a R a
    assert refused([common(t) for t in at], limit) == 2


def test_a_sliding_window_weighs_what_was_before():  # LIM-05
    """4/m: four in the first minute; at 30 s of the next one they still weigh two."""
    limit = "api rate=4/m algorithm=sliding-window by=ip"
    at = [0, 10, 20, 30, 90, 90, 90]  # a a a a | 2+1, 2+2, R
    assert refused([common(t) for t in at], limit) == 1


def test_a_quota_ends_with_the_day_of_its_zone():
    """T0 is noon in UTC, an hour before midnight in Noumea (+11)."""
    at = [0, 1, 2, 3600, 3601]
    assert refused([common(t) for t in at], "api quota=2/day by=ip") == 3
    assert refused([common(t) for t in at], "api quota=2/day by=ip zone=Pacific/Noumea") == 1


def test_who_may_wait_is_delayed():  # LIM-07
    """One a second, two at once, and up to 1.5 s of waiting: the third waits 1 s, the fourth is refused."""
    found = simulate([common(0)] * 4, "api rate=1/s burst=2 delay=1500ms by=ip")
    assert counts(found, "admitted", "refused", "delayed") == (3, 1, 1)
    assert counts(found["limits"][0], "delayed", "longest_delay") == (1, "1s")


def test_each_limit_has_its_own_delays():
    lines = [common(0)] * 3
    found = simulate(lines, "slow rate=1/s burst=1 delay=10s by=ip", "fast rate=10/s burst=1 delay=10s by=ip")
    assert counts(found, "admitted", "delayed") == (3, 2)
    assert [(one["delayed"], one["longest_delay"]) for one in found["limits"]] == [(2, "2s"), (2, "200ms")]


def test_limits_are_asked_together_all_or_nothing():
    """What the second one refuses costs the first one nothing."""
    a, b = common(0, user="shop"), common(0, user="bank")
    found = simulate([a] * 4 + [b], "all rate=3/h by=ip", "each rate=2/h by=user")
    assert counts(found, "admitted", "refused") == (3, 2)
    assert [(one["limit"], one["asked"], one["refused"]) for one in found["limits"]] == [("all", 5, 0), ("each", 5, 2)]
    # An address that is over its limit is refused before anybody is asked for a name.
    found = simulate([a, b, a, b, a], "all rate=3/h by=ip", "each rate=2/h by=user")
    assert counts(found, "admitted", "refused") == (3, 2)
    assert [(one["limit"], one["refused"]) for one in found["limits"]] == [("all", 2), ("each", 0)]


def test_dry_run_refuses_nothing_and_says_so():
    """What the others refuse, it is not asked about, as in httpd."""
    found = simulate([common(0)] * 5, "api rate=2/h by=ip mode=dry-run", "other rate=4/h by=ip")
    assert counts(found, "admitted", "refused") == (4, 1)
    names = "limit", "asked", "refused", "would_refuse"
    assert [counts(one, *names) for one in found["limits"]] == [("api", 4, 0, 2), ("other", 5, 1, 0)]
    assert [row["limit"] for row in found["worst"]] == ["api", "other"]


# ---- beside a second reader of the definition


def gcra(at, count, period, burst):
    """Admissions of one caller: integer nanoseconds, T = ceil(period / count)."""
    step, tat, passed = -(-period // count), 0, 0
    for t in at:
        if max(tat, t) + step - t <= burst * step:
            tat = max(tat, t) + step
            passed += 1
    return passed


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("algorithm", ["gcra", "token-bucket"])
def test_random_traces_come_to_the_same(seed, algorithm):  # LIM-01, LIM-06
    dice = random.Random(seed)
    unit, period = dice.choice([("s", 1), ("m", 60), ("h", 3600)])
    count, burst = dice.randint(1, 40), dice.randint(1, 30)
    traces, lines, now = {}, [], 0
    for _ in range(3000):
        now += dice.choice([0, 0, 0, 1, 7, 40, 1000]) * period // 20  # ms
        who = "k%d" % dice.randint(1, 5)
        traces.setdefault(who, []).append((T0 * 1000 + now) * 10**6)
        lines.append(audit(now / 1000, key=who))
    found = simulate(lines, "api rate=%d/%s burst=%d algorithm=%s by=key" % (count, unit, burst, algorithm),
                     words=["--log-format", "json"])
    want = {who: len(at) - gcra(at, count, period * 10**9, burst) for who, at in traces.items()}
    assert {row["who"]: row["refused"] for row in found["worst"]} == {k: n for k, n in want.items() if n}
    assert found["refused"] == sum(want.values()) and found["admitted"] == 3000 - found["refused"]


@pytest.mark.parametrize("seed", range(4))
def test_random_windows_come_to_the_same(seed):  # LIM-05
    dice = random.Random(seed)
    lines, passed, windows, now = [], 0, {}, 0
    for _ in range(2000):
        now += dice.choice([0, 0, 1, 2, 15, 100])
        lines.append(common(now))
        this = (T0 + now) // 60
        before = math.ceil(windows.get(this - 1, 0) * (60 - (T0 + now) % 60) / 60)
        if before + windows.get(this, 0) + 1 <= 6:
            windows[this] = windows.get(this, 0) + 1
            passed += 1
    assert simulate(lines, "api rate=6/m algorithm=sliding-window by=ip")["admitted"] == passed


# ---- who it is


def test_addresses_are_cut_as_the_limit_says():  # LIM-11
    lines = [common(host=host) for host in ("192.0.2.1", "192.0.2.9", "192.0.3.1", "2001:db8::1", "2001:db8::2",
                                            "2001:db8:0:1::1")]
    found = simulate(lines, "api rate=1/h by=ip")
    assert [row["who"] for row in found["worst"]] == ["2001:db8::/64"]
    found = simulate(lines, "api rate=1/h by=ip/24/48")
    assert sorted((row["who"], row["refused"]) for row in found["worst"]) == [("192.0.2.0/24", 1), ("2001:db8::/48", 2)]


def test_users_count_where_they_are_known():  # LIM-11, LIM-12
    lines = [common(user="shop"), common(user="shop"), common(user="-"), common(user="-"), common(user='""'),
             common(user="shop", status=401), common(user="a b"), common(user="a b")]
    found = simulate(lines, "api rate=1/h by=user")
    assert counts(found, "admitted", "refused") == (6, 2)
    assert found["limits"][0]["asked"] == 4
    assert sorted(row["who"] for row in found["worst"]) == ["a b", "shop"]
    # What is claimed without proof costs the address.
    found = simulate(lines, "api rate=7/h by=ip")
    assert counts(found, "admitted", "refused") == (7, 1)


def test_several_levels_make_a_caller_each():
    lines = [common(user=user, host=host) for user in ("a", "b") for host in ("192.0.2.1", "192.0.2.2") for _ in "12"]
    found = simulate(lines, "api rate=1/h by=user+ip")
    assert sorted(row["who"] for row in found["worst"]) == ["a + 192.0.2.1", "a + 192.0.2.2", "b + 192.0.2.1",
                                                             "b + 192.0.2.2"]


def test_a_field_may_stand_for_a_level():
    lines = [common(user="a", request="GET /x?q=1 HTTP/1.1"), common(user="a", request="GET /x?q=2 HTTP/1.1"),
             common(user="b", request="GET /x HTTP/1.1"), common(user="b", request="GET /y HTTP/1.1")]

    def who(limit, *fields):
        words = [word for field in fields for word in ("--by-field", field)]
        return sorted(row["who"] for row in simulate(lines, limit, words=words)["worst"])

    assert who("api rate=1/h by=key", "key=user") == ["a", "b"]
    assert who("api rate=1/h by=route", "route=path") == ["/x"]
    assert who("api rate=1/h by=key+route", "key=user", "route=path") == ["a + /x"]
    assert who("api rate=1/h by=user", "user=ip") == ["192.0.2.7"]
    assert who("api rate=1/h by=org", "org=path") == ["/x"]
    assert who("api rate=1/h by=role", "role=user") == ["a", "b"]


@pytest.mark.parametrize("by", ["key", "org", "role", "route"])
def test_a_level_that_the_lines_do_not_have_is_an_error(by):
    result = Store.call("limit", "simulate", "--log", "-", "--limit", "api rate=1/h by=" + by, input="")
    assert (result.rc, result.out) == (2, "") and "--by-field %s=FIELD" % by in result.err


@pytest.mark.parametrize("field", ["key", "=user", "key=", "key=name", "user=key", "ip=user", "key=user=ip", "Key=user"])
def test_a_field_that_is_none_is_an_error(field):
    result = Store.call("limit", "simulate", "--log", "-", "--limit", "api rate=1/h by=ip", "--by-field", field, input="")
    assert (result.rc, result.out) == (2, "") and '"%s"' % field in result.err and "LEVEL=FIELD" in result.err


# ---- audit lines


def test_audit_lines_tell_all_levels():
    lines = [audit(key="AAAA", user="x"), audit(key="BBBB", user="x"), audit(key="BBBB", user="x", route="/b"),
             audit(key="CCCC", user="y", roles=["reader", "writer"])]

    def who(limit, *words):
        found = simulate(lines, limit, words=["--log-format", "json", *words])
        return sorted((row["who"], row["refused"]) for row in found["worst"])

    assert who("api rate=1/h by=key") == [("BBBB", 1)]
    assert who("api rate=1/h by=user") == [("x", 2)]
    assert who("api rate=1/h by=role") == [("reader", 3)]
    assert who("api rate=1/h by=route") == [("/orders/**", 2)]
    assert who("api rate=1/h by=ip") == [("192.0.2.7", 3)]
    assert who("api rate=1/h by=org", "--by-field", "org=user") == [("x", 2)]
    assert who("api rate=1/h by=key", "--by-field", "key=roles") == [("reader", 3)]


@pytest.mark.parametrize("reason, status, caller, address", [
    ("allow", 200, True, True), ("rate_exceeded", 429, True, True), ("grant_missing", 403, True, True),
    ("key_wrong", 401, False, True), ("credential_missing", 401, False, True), ("authn_rate", 429, False, True),
    ("address_denied", 403, False, False), ("path_ambiguous", 400, False, False), ("store_down", 503, False, False),
    ("engine_off", 403, False, False), ("no such reason", 200, False, False),
])
def test_lines_are_charged_as_httpd_charged_them(reason, status, caller, address):  # LIM-12
    lines = [audit(reason=reason, status=status)] * 2
    words = ["--log-format", "json"]
    assert refused(lines, "api rate=1/h by=key", words=words) == (1 if caller else 0)
    found = simulate(lines, "api rate=1/h by=ip", words=words)
    assert counts(found, "refused", "not_asked") == ((1, 0) if address else (0, 2))


def test_a_key_that_was_only_named_is_nobody():  # LIM-11
    words = ["--log-format", "json"]
    assert refused([audit(reason="rate_exceeded", kv=None)] * 3, "api rate=1/h by=key", words=words) == 0
    assert refused([audit(key=None, kv=None, user="carol")] * 3, "api rate=1/h by=user", words=words) == 2


def test_milliseconds_count():
    lines = [audit(0), audit(0.499), audit(0.5)]
    assert refused(lines, "api rate=2/s burst=1 by=key", words=["--log-format", "json"]) == 1


# ---- what cannot be read or played


BAD_COMMON = ["", "no line", common() .replace("Jan", "Foo"), common().replace('"', ""), common(status="ok"), "\0" * 40]
BAD_AUDIT = ["", "no line", "[]", "{}", audit(v=2), audit(ts=None), audit(ts="2027-01-31T12:00:00Z"), audit(ts="2027-01-31T12:00:00.1x3Z"),
             audit(ts="2027-02-30T12:00:00.123Z"), audit(method=None), audit(key=7), audit(roles=["r%d" % i for i in range(17)]),
             audit()[:-1]]


@pytest.mark.parametrize("text", BAD_COMMON)
def test_a_bad_line_is_named_and_the_others_count(text):
    found = simulate([common(), text, common(), text], "api rate=1/h by=ip", rc=5)
    assert counts(found, "requests", "admitted", "refused", "bad") == (2, 1, 1, 2)
    assert [row["line"] for row in found["bad_lines"]] == [2, 4] and all(row["why"] for row in found["bad_lines"])


@pytest.mark.parametrize("text", BAD_AUDIT)
def test_a_bad_audit_line_is_named_and_the_others_count(text):
    found = simulate([audit(), text, audit()], "api rate=1/h by=key", words=["--log-format", "json"], rc=5)
    assert counts(found, "requests", "refused", "bad") == (2, 1, 1)
    assert [row["line"] for row in found["bad_lines"]] == [2] and found["bad_lines"][0]["why"]


def test_only_the_first_bad_lines_are_named_and_all_are_counted():
    found = simulate(["x"] * 1000 + [common()], "api rate=1/h by=ip", rc=5)
    assert found["bad"] == 1000 and [row["line"] for row in found["bad_lines"]] == list(range(1, 21))


def test_a_line_without_an_address_is_bad_where_one_is_asked_for():
    lines = [common(host="client.example", user="shop")] * 2
    assert refused(lines, "api rate=1/h by=user") == 1
    found = simulate(lines, "api rate=1/h by=ip", rc=5)
    assert found["bad"] == 2 and "client.example" in found["bad_lines"][0]["why"]
    hidden = [audit(ip="p:0123456789abcdef")]
    found = simulate(hidden, "api rate=1/h by=ip", words=["--log-format", "json"], rc=5)
    assert "ApiSecLogAddress" in found["bad_lines"][0]["why"]


def test_what_is_no_request_is_not_asked():
    lines = [common(request="-", status=408), common(request=r"\x16\x03\x01", status=400), common()]
    assert counts(simulate(lines, "api rate=1/h by=ip"), "not_asked", "requests", "refused") == (2, 1, 0)


def test_a_line_that_came_late_is_played_in_its_turn():
    """httpd writes a line when a request ends, so a long one stands behind what came after it."""
    found = simulate([common(0), common(60), common(30), common(60)], "api rate=1/m by=ip")
    assert counts(found, "admitted", "refused") == (2, 2)
    assert any("1 lines were received before" in note and "30s" in note for note in found["notes"])


def test_lines_out_of_order_are_told_and_not_played():
    found = simulate([common(0), common(4000), common(399), common(400), common(4000)], "api rate=9/d by=ip", rc=5)
    assert counts(found, "requests", "out_of_order") == (4, 1)
    assert any("the first is line 3" in note for note in found["notes"])


def test_a_time_far_ahead_is_no_time_of_the_log():
    ahead = common(6 * 366 * 86400)
    found = simulate([common(0), ahead, common(1)], "api rate=1/m by=ip", rc=5)
    assert counts(found, "refused", "bad") == (1, 1) and "five years" in found["bad_lines"][0]["why"]


def test_what_a_log_cannot_tell_is_said():
    found = simulate([common()], "api rate=2/s inflight=3 by=ip cost=bytes/1k")
    notes = "\n".join(found["notes"])
    assert "inflight=" in notes and "cost=bytes/" in notes and "whole seconds" in notes
    assert simulate([audit()], "api rate=2/s by=key", words=["--log-format", "json"])["notes"] == []
    result = Store.call("limit", "simulate", "--log", "-", "--limit", "api inflight=3 by=ip", input="")
    assert (result.rc, result.out) == (2, "") and "under way" in result.err


# ---- words


@pytest.mark.parametrize("words, says", [
    ([], "want --limit, --plan or both"), (["--limit", "api"], "want at least one of"), (["--limit", "api rate=0/s by=ip"], "0/s"),
    (["--limit", "api rate=1/s by=nobody"], "nobody"), (["--limit", "a rate=1/s by=ip", "--limit", "a rate=2/s by=ip"], "another one"),
    (["--limit", "a rate=1/s by=ip", "--log-format", "nginx"], "combined"), (["--limit", "a rate=1/s by=ip", "--max", "0"], "from 1"),
    (["--limit", "a rate=1/s by=ip", "--max", "1000001"], "1000000"), (["--limit", "a rate=1/s by=ip", "surplus/word"], "surplus"),
    (["--limit", "a quota=1/day zone=Mars/Olympus by=ip"], "Mars"),
])
def test_words_that_are_wrong_are_named(words, says):
    result = Store.call("limit", "simulate", "--log", "-", *words, input="")
    assert result.rc in (2, 3, 4) and result.out == "" and says in result.err, result


def test_no_more_limits_than_are_played_together():
    words = [word for i in range(17) for word in ("--limit", "l%d rate=1/s by=ip" % i)]
    result = Store.call("limit", "simulate", "--log", "-", *words, input="")
    assert (result.rc, result.out) == (2, "") and "16 limits" in result.err
    assert Store.call("limit", "simulate", "--log", "-", *words[:-2], input="").rc == 0


def test_so_many_of_the_worst_as_are_asked_for():
    lines = [common(host="192.0.2.%d" % i) for i in range(1, 40) for _ in range(1 + i)]
    worst = simulate(lines, "api rate=1/h by=ip")["worst"]
    assert [row["refused"] for row in worst] == list(range(39, 19, -1))
    worst = simulate(lines, "api rate=1/h by=ip", words=["--max", "3"])["worst"]
    assert [row["who"] for row in worst] == ["192.0.2.39", "192.0.2.38", "192.0.2.37"]


# ---- files of all kinds


def test_a_file_an_empty_one_and_none(folder):
    limit = ["--limit", "api rate=1/h by=ip"]
    path = folder.write("access.log", common() + "\n" + common())  # the last line has no newline
    found = json.loads(Store.call("--json", "limit", "simulate", "--log", path, *limit).out)
    assert counts(found, "lines", "refused") == (2, 1)
    found = json.loads(Store.call("--json", "limit", "simulate", "--log", folder.write("empty", ""), *limit).out)
    assert counts(found, *COUNTS) == (0,) * 8 and found["first"] is None
    result = Store.call("limit", "simulate", "--log", folder.path("none"), *limit)
    assert (result.rc, result.out) == (3, "") and "cannot be opened" in result.err
    result = Store.call("limit", "simulate", "--log", folder.root, *limit)
    assert (result.rc, result.out) == (1, "") and "cannot be read" in result.err


def test_lines_of_any_length_are_passed_over_and_named():
    long = common(request="GET /" + "x" * 65000)
    lines = [common(), long, "y" * 65537, common(), "z" * 300000, common()]
    found = simulate(lines, "api rate=1/h by=ip", rc=5)
    assert counts(found, "lines", "requests", "refused", "bad") == (6, 4, 3, 2)
    assert [row["line"] for row in found["bad_lines"]] == [3, 5]


def test_lines_that_come_in_pieces_are_whole():
    run = subprocess.Popen([Store.program, "--json", "limit", "simulate", "--log", "-", "--limit", "api rate=1/h by=ip"],
                           stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    for byte in (common() + "\n" + common()).encode():
        run.stdin.write(bytes([byte]))
        run.stdin.flush()
    out, _ = run.communicate(timeout=60)
    assert run.returncode == 0 and counts(json.loads(out), "lines", "refused") == (2, 1)


def test_memory_is_bounded_whatever_the_log(folder):
    """As many callers as there are, each refused: rows give way, and that is said."""
    path = folder.path("log")
    with open(path, "w", encoding="ascii") as log:
        for i in range(80000):
            line = common(host="10.%d.%d.%d" % (i >> 16, i >> 8 & 255, i & 255))
            log.write(line + "\n" + line + "\n")
            if i % 100 == 0:
                log.write((common() + "\n") * 3)
    run = subprocess.run([Store.program, "--json", "limit", "simulate", "--log", path, "--limit", "api rate=1/d by=ip"],
                         stdout=subprocess.PIPE, check=True, timeout=120)
    found = json.loads(run.stdout)
    assert counts(found, "requests", "refused") == (162400, 82399)
    assert found["worst"][0]["who"] == "192.0.2.7" and found["worst"][0]["refused"] == 2399
    assert any("more callers were refused than are kept" in note for note in found["notes"])
    if not os.environ.get("APISEC_SANITIZE"):  # which keeps what was freed
        assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < 300 * 1024  # KiB


def test_people_see_tables_and_nothing_that_a_terminal_obeys():  # CLI-08
    lines = [common(user="\x1b[31m\u202e"), common(user="\x1b[31m\u202e"), "\x1b]0;x\x07"]
    result = Store.call("limit", "simulate", "--log", "-", "--limit", "api rate=1/h by=user",
                        input="".join(line + "\n" for line in lines))
    assert result.rc == 5 and "refused       1\n" in result.out
    assert "LIMIT  ASKED  REFUSED" in result.out and "LIMIT  WHO" in result.out
    assert "lines that cannot be read:\n  3\n" in result.out and "\\u{1b}[31m\\u{202e}" in result.out
    assert "\x1b" not in result.out and "\u202e" not in result.out and "\x07" not in result.out


def test_progress_is_shown_on_a_terminal_and_cleared():
    screen = Terminal([Store.program, "--json", "limit", "simulate", "--log", "-", "--limit", "api rate=1/h by=ip"],
                      stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    text = (common() + "\n").encode()

    def feed():
        screen.process.stdin.write(text * 2000)
        screen.process.stdin.flush()
        return "lines: " in screen.seen()

    wait_for(feed, what="progress")
    out, _ = screen.process.communicate(timeout=60)
    code, seen = screen.end()
    assert code == 0 and json.loads(out)["bad"] == 0
    assert seen.endswith("\r\x1b[K") and "/s\r\x1b[K" in seen


def test_no_store_and_no_server_are_needed(folder):
    """Nor is anything changed."""
    result = Store(folder.path("none"), folder.path("state")).run(
        "limit", "simulate", "--log", "-", "--limit", "api rate=1/h by=ip", input=common() + "\n")
    assert result.rc == 0 and os.listdir(folder.root) == []


# ---- a plan of the store


@pytest.fixture
def shop(store):
    store.json("plan", "create", "gold", "--limit", "calls rate=3/h by=user", "--limit", "day quota=9/day by=user",
               "--limit", "open inflight=2 by=user")
    return store


def play(shop, lines, *words, rc=0):
    result = shop.run("--json", "limit", "simulate", "--log", "-", *words, input="".join(line + "\n" for line in lines))
    assert result.rc == rc, result
    return json.loads(result.out) if rc == 0 else result


def test_a_plan_is_played_as_its_limits_are(shop):
    lines = [common(at, user="ada") for at in range(8)] + [common(9, user="bob")]
    found = play(shop, lines, "--plan", "gold")
    alone = simulate(lines, "calls rate=3/h by=user", "day quota=9/day by=user")
    for name in COUNTS + ["limits", "worst"]:
        assert found[name] == alone[name], name
    assert [row["limit"] for row in found["limits"]] == ["calls", "day"] and found["refused"] == 5
    (note,) = [note for note in found["notes"] if "under way" in note]
    assert note.endswith(": open")


def test_a_plan_with_changes_is_played_as_it_would_be(shop):
    lines = [common(at, user="ada") for at in range(8)]
    before = shop.json("changes")
    assert play(shop, lines, "--plan", "gold", "--limit", "calls rate=6/h by=user")["refused"] == 2
    assert play(shop, lines, "--plan", "gold", "--limit", "-calls")["refused"] == 0
    found = play(shop, lines, "--plan", "gold", "--limit", "-calls", "--limit", "host rate=1/h by=ip")
    assert [row["limit"] for row in found["limits"]] == ["day", "host"] and found["refused"] == 7
    assert shop.json("changes") == before


@pytest.mark.parametrize("words, rc, says", [
    (["--plan", "golf"], 3, "did you mean gold?"), (["--plan", "gold", "--limit", "-calls2"], 3, "calls2"),
    (["--plan", "gold", "--limit", "-calls", "--limit", "-day"], 2, "no limit left"), ([], 2, "want --limit, --plan or both"),
    (["--plan", "gold", "--limit", "calls rate=x by=user"], 2, "x"), (["--plan", ""], 3, ""),
])
def test_a_plan_that_cannot_be_played_is_named(shop, words, rc, says):
    result = play(shop, [common()], *words, rc=rc)
    assert result.out == "" and says in result.err


def test_a_plan_needs_the_store_and_nothing_else_does(folder):
    for words, rc in [(["--plan", "gold"], 3), (["--limit", "a rate=1/s by=ip"], 0)]:
        result = Store.call("--store", folder.path("nowhere"), "limit", "simulate", "--log", "-", *words, input=common() + "\n")
        assert result.rc == rc and ("no store at" in result.err) == (rc != 0), result
