"""api learn: a draft of an OpenAPI description from the audit log."""

import json
import uuid

import pytest

from harness import Store


def line(path, method="GET", status=200, **more):
    row = {"v": 1, "method": method, "path": path, "status": status, "decision": "allow", "reason": "allow",
           "key": "AAAAAAAAAAAA"}
    row.update(more)
    return json.dumps({k: v for k, v in row.items() if v is not None})


def learn(lines, *words, rc=0):
    result = Store.call("--json", "api", "learn", "--log", "-", *words, input="".join(x + "\n" for x in lines))
    assert result.rc == rc, result
    return json.loads(result.out) if rc == 0 else result


def paths(lines, *words):
    return learn(lines, *words)["description"]["paths"]


def test_ids_become_parameters_with_the_type_that_they_have():
    found = paths([line("/orders/17"), line("/orders/4/items/%s" % uuid.uuid4()), line("/days/2026-11-27"),
                   line("/categories/ord-4711"), line("/v1/people/a@b.example"), line("/orders")])
    assert list(found) == ["/categories/{categoryId}", "/days/{dayId}", "/orders", "/orders/{orderId}",
                           "/orders/{orderId}/items/{itemId}", "/v1/people/{peopleId}"]
    assert found["/orders/{orderId}"]["parameters"] == [
        {"name": "orderId", "in": "path", "required": True, "schema": {"type": "integer"}}]
    assert found["/days/{dayId}"]["parameters"][0]["schema"] == {"type": "string", "format": "date"}
    assert [p["schema"] for p in found["/orders/{orderId}/items/{itemId}"]["parameters"]] == [
        {"type": "integer"}, {"type": "string", "format": "uuid"}]


def test_ids_of_two_kinds_in_one_place_are_texts():
    found = paths([line("/o/17"), line("/o/%s" % uuid.uuid4()), line("/o/1/o/2")])
    assert found["/o/{oId}"]["parameters"][0]["schema"] == {"type": "string", "minLength": 1}
    assert "/o/{oId}/o/{oId2}" in found


def test_names_that_are_many_and_seldom_are_ids_and_words_of_the_api_are_not():
    people = [line("/people/%s%s/mail" % (a, b)) for a in "abcdef" for b in "uvwxyz"]
    words = [line("/word%s" % c) for c in "abcdefghijklmnopqrstuvwxyz" for _ in range(5)]
    found = paths(people + words)
    assert [p for p in found if p.startswith("/people")] == ["/people/{peopleId}/mail"]
    assert len([p for p in found if p.startswith("/word")]) == 26


def test_what_failed_or_was_refused_is_no_part_of_the_api():
    found = learn([line("/a"), line("/.env", status=404), line("/a", "POST", 403), line("/b", status=500)])
    assert list(found["description"]["paths"]) == ["/a"]
    assert (found["used"], found["failed"], found["lines"]) == (1, 3, 4)


def test_callers_bodies_and_answers():
    found = paths([line("/a", "POST", 201), line("/a", "POST", 200), line("/a"), line("/a", key=None), line("/b", key=None)])
    post = found["/a"]["post"]
    assert sorted(post["responses"]) == ["200", "201", "default"]
    assert "requestBody" in post and post["security"] == [{"apiKey": []}]
    assert found["/a"]["get"]["security"] == [{"apiKey": []}, {}]
    assert found["/b"]["get"]["security"] == []
    assert "requestBody" not in found["/a"]["get"]


def test_below_and_least_and_title():
    lines = [line("/shop/a"), line("/shop/a"), line("/shop"), line("/shops/b"), line("/other")]
    found = learn(lines, "--below", "/shop/", "--title", "The shop")
    assert list(found["description"]["paths"]) == ["/", "/a"]
    assert found["left_out"] == 2 and found["description"]["info"]["title"] == "The shop"
    assert list(paths(lines, "--below", "/shop", "--least", "2")) == ["/a"]
    assert "2 times" in learn(lines, "--below", "/other", "--least", "2", rc=3).err


@pytest.mark.parametrize("words, named", [
    (["--below", "shop"], "begins with /"), (["--least", "0"], "1 to 1000000000"), (["--title", "a\nb"], "128 bytes")])
def test_words_that_are_wrong(words, named):
    result = Store.call("api", "learn", "--log", "-", *words, input="")
    assert result.rc == 2 and named in result.err, result


def test_hostile_lines_end_within_the_bounds():
    deep = [line("/" + "/".join("a" * 40)), line("//" * 200)]
    odd = [line('/q"uo\\te\u202e\x01/{x}'), "garbage", "", "[]", '{"v":1}']
    wide = [line("/wide/%s" % "".join("zyxwvutsrq"[int(d)] for d in str(n))) for n in range(3000)]
    found = learn(deep + odd + wide + [line("/ok")])
    assert found["bad"] == 4 and found["left_out"] == 2
    text = json.dumps(found["description"])
    assert "%22uo%5Cte%E2%80%AE%01" in text and "{x}" not in text and "/wide/{wideId}" in text
    assert len(found["description"]["paths"]) == 3


def test_the_text_for_people_is_the_same_description():
    lines = [line("/orders/17"), line("/orders", "POST", 201), line("/yes"), line("/null/")]
    plain = Store.call("api", "learn", "--log", "-", "--title", "no", input="\n".join(lines) + "\n")
    assert plain.rc == 0 and plain.out.startswith("# 4 operations from 4 requests of 4 lines"), plain
    assert "  /orders/{orderId}:\n    parameters:\n      - name: orderId\n        in: path\n" in plain.out
    assert '  title: "no"\n' in plain.out and '        "200":\n' in plain.out and "  /null/:\n" in plain.out
    assert "security: []" not in plain.out and "      security:\n        - apiKey: []\n" in plain.out
