#!/usr/bin/python3 -B
"""Schemas and values by chance: the vector driver against a plain validator that shares nothing with it.

usage: schema_model.py [CASES [SEED]]      APISEC_BUILD: the build folder
"""

import json
import os
import random
import subprocess
import sys
from fractions import Fraction

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
VECTORS = os.path.join(os.environ.get("APISEC_BUILD", os.path.join(TOP, "build")), "tests/vectors/vectors")
NAMES = ["a", "b", "c", "longer_name", "a name of more than sixteen bytes"]
NUMBERS = ["0", "-0", "1", "1.0", "10e-1", "2", "-3", "2.5", "-2.5", "0.1", "0.10", "9007199254740993", "9007199254740992",
           "1e3", "1000", "123456789012345678901234567890", "1e-3"]
TYPES = ["null", "boolean", "number", "integer", "string", "array", "object"]


class Number:
    """A number as it is written, and its exact value."""

    def __init__(self, text):
        self.text, self.value = text, Fraction(text)


def dump(v):
    if isinstance(v, Number):
        return v.text
    if isinstance(v, dict):
        return "{%s}" % ",".join("%s:%s" % (json.dumps(k), dump(x)) for k, x in v.items())
    if isinstance(v, list):
        return "[%s]" % ",".join(map(dump, v))
    return json.dumps(v)


def key(v):
    """Equal for equal values only."""
    if isinstance(v, Number):
        return ("n", v.value)
    if isinstance(v, dict):
        return ("o", tuple(sorted((k, key(x)) for k, x in v.items())))
    if isinstance(v, list):
        return ("a", tuple(map(key, v)))
    return (type(v).__name__, repr(v))


def is_type(v, name):
    return {"null": v is None, "boolean": isinstance(v, bool), "number": isinstance(v, Number), "string": isinstance(v, str),
            "integer": isinstance(v, Number) and v.value.denominator == 1, "array": isinstance(v, list),
            "object": isinstance(v, dict)}[name]


def holds(s, v, root):
    """None: not valid; else the members and items that were spoken of."""
    if isinstance(s, bool):
        return set() if s else None
    seen, good = set(), True

    def within(sub):
        nonlocal good
        found = holds(sub, v, root)
        good = good and found is not None
        seen.update(found or ())

    if "$ref" in s:
        within(root["$defs"][s["$ref"].rsplit("/", 1)[1]])
    if "type" in s:
        good = good and any(is_type(v, t) for t in s["type"])
    if "enum" in s:
        good = good and key(v) in [key(x) for x in s["enum"]]
    if "const" in s:
        good = good and key(v) == key(s["const"])
    if isinstance(v, Number):
        tests = {"minimum": lambda b: v.value >= b, "maximum": lambda b: v.value <= b, "exclusiveMinimum": lambda b: v.value > b,
                 "exclusiveMaximum": lambda b: v.value < b, "multipleOf": lambda b: (v.value / b).denominator == 1}
        good = good and all(test(s[k].value) for k, test in tests.items() if k in s)
    if isinstance(v, str):
        good = good and s.get("minLength", 0) <= len(v) <= s.get("maxLength", 99)
    for sub in s.get("allOf", ()):
        within(sub)
    for name in ("anyOf", "oneOf"):
        if name in s:
            found = [x for x in (holds(sub, v, root) for sub in s[name]) if x is not None]
            good = good and (len(found) == 1 if name == "oneOf" else len(found) > 0)
            seen.update(*found)
    if "not" in s:
        good = good and holds(s["not"], v, root) is None
    if "if" in s:
        found = holds(s["if"], v, root)
        seen.update(found or ())
        branch = "then" if found is not None else "else"
        if branch in s:
            within(s[branch])
    if isinstance(v, list):
        good = good and s.get("minItems", 0) <= len(v) <= s.get("maxItems", 99)
        good = good and (not s.get("uniqueItems") or len({key(x) for x in v}) == len(v))
        for i, x in enumerate(v):
            sub = s["prefixItems"][i] if i < len(s.get("prefixItems", ())) else s.get("items")
            if sub is not None:
                seen.add(i)
                good = good and holds(sub, x, root) is not None
        if "contains" in s:
            found = [i for i, x in enumerate(v) if holds(s["contains"], x, root) is not None]
            good = good and s.get("minContains", 1) <= len(found) <= s.get("maxContains", 99)
            seen.update(found)
        if "unevaluatedItems" in s:
            good = good and all(i in seen or holds(s["unevaluatedItems"], x, root) is not None for i, x in enumerate(v))
            seen.update(range(len(v)))
    if isinstance(v, dict):
        good = good and all(k in v for k in s.get("required", ()))
        for k, x in v.items():
            sub = s.get("properties", {}).get(k, s.get("additionalProperties"))
            if sub is not None:
                seen.add(k)
                good = good and holds(sub, x, root) is not None
        for k, wanted in s.get("dependentRequired", {}).items():
            good = good and (k not in v or all(w in v for w in wanted))
        if "unevaluatedProperties" in s:
            good = good and all(k in seen or holds(s["unevaluatedProperties"], x, root) is not None for k, x in v.items())
            seen.update(v)
    return seen if good else None


def value(r, depth):
    kind = r.randrange(8 if depth else 5)
    if kind < 2:
        return Number(r.choice(NUMBERS))
    if kind < 5:
        return [r.choice(["", "x", "ab", "\u00e9\U0001f600"]), r.choice([None, True, False]), r.choice(NAMES)][kind - 2]
    if kind == 5:
        return [value(r, depth - 1) for _ in range(r.randrange(5))]
    return {k: value(r, depth - 1) for k in r.sample(NAMES, r.randrange(4))}


def schema(r, depth):
    if depth == 0 or r.random() < 0.1:
        return r.choice([True, True, False, {"type": [r.choice(TYPES)]}, {"$ref": "#/$defs/" + r.choice("pq")}])

    def one():
        return schema(r, depth - 1)

    def some():
        return [one() for _ in range(1 + r.randrange(3))]

    def number():
        return Number(r.choice(NUMBERS))

    makers = {
        "type": lambda: r.sample(TYPES, 1 + r.randrange(4)), "enum": lambda: [value(r, 1) for _ in range(1 + r.randrange(6))],
        "const": lambda: value(r, 2), "minimum": number, "maximum": number, "exclusiveMinimum": number, "exclusiveMaximum": number,
        "multipleOf": lambda: Number(r.choice(["1", "3", "0.1", "2.5", "1e-3", "1e2"])), "minLength": lambda: r.randrange(3),
        "maxLength": lambda: r.randrange(3), "allOf": some, "anyOf": some, "oneOf": some, "not": one, "if": one, "then": one, "else": one,
        "minItems": lambda: r.randrange(3), "maxItems": lambda: r.randrange(4), "uniqueItems": lambda: True, "prefixItems": some,
        "items": one, "contains": one, "minContains": lambda: r.randrange(3), "maxContains": lambda: r.randrange(3),
        "unevaluatedItems": one, "unevaluatedProperties": one, "additionalProperties": one,
        "properties": lambda: {k: one() for k in r.sample(NAMES, 1 + r.randrange(3))},
        "required": lambda: r.sample(NAMES, r.randrange(3)), "dependentRequired": lambda: {r.choice(NAMES): r.sample(NAMES, 1)},
        "$ref": lambda: "#/$defs/" + r.choice("pq"),
    }
    return {k: makers[k]() for k in r.sample(sorted(makers), 1 + r.randrange(4))}


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20000
    r = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    rows, want = [], []
    for i in range(count):
        s = schema(r, 3)
        if isinstance(s, bool):
            s = {"allOf": [s]}
        # Depth 0 may refer to these: they refer to nothing.
        s["$defs"] = {"p": {"type": ["number", "object"]}, "q": {"properties": {"a": True}, "maxItems": 2}}
        v = value(r, 3)
        rows.append('{"id":%d,"schema":%s,"data":%s}' % (i, dump(s), dump(v)))
        want.append(holds(s, v, s) is not None)
    done = subprocess.run([VECTORS, "schema"], input="\n".join(rows).encode(), stdout=subprocess.PIPE, check=True)
    got = [json.loads(line) for line in done.stdout.decode().split("\n")[:-1]]
    wrong = [row for row, answer, right in zip(rows, got, want) if answer.get("got") is not right]
    print("\n".join(wrong[:5]))
    print("%d cases, %d valid, %d differ" % (count, sum(want), len(wrong)))
    return 1 if wrong or len(got) != count else 0


if __name__ == "__main__":
    sys.exit(main())
