"""Requests by chance from an API's description: such as it asks for, and such that break it in one place.

requests(description, chance) gives pairs of a row for `vectors openapi-request` and whether it is good.  What cannot be made
from a schema without a validator (a pattern, a format that is unknown here) makes no row.
"""

import json
import urllib.parse

METHODS = ("get", "put", "post", "patch", "delete")
FORMATS = {"date-time": "2026-01-31T10:00:00Z", "date": "2026-01-31", "time": "10:00:00Z", "uuid": "123e4567-e89b-12d3-a456-426614174000",
           "uri": "https://a.example/b", "email": "a@b.example", "ipv4": "192.0.2.1", "ipv6": "2001:db8::1",
           "hostname": "a.example", "int32": None, "int64": None, "float": None, "double": None, "byte": "YWI=",
           "password": "a word", "binary": "a"}
COMBINED = ("allOf", "anyOf", "oneOf", "not", "if", "$ref", "unevaluatedProperties", "dependentSchemas", "patternProperties")


class CannotMake(Exception):
    """No value of this schema is made here."""


def token_of(text):
    """A token of a JSON Pointer in a fragment."""
    return urllib.parse.unquote(text).replace("~1", "/").replace("~0", "~")


def resolve(root, value):
    """What the references of an object lead to."""
    for _ in range(20):
        if not isinstance(value, dict) or "$ref" not in value:
            return value
        target = root
        for token in value["$ref"].removeprefix("#/").split("/"):
            target = target[int(token) if isinstance(target, list) else token_of(token)]
        value = target
    raise CannotMake


def types_of(schema):
    types = schema.get("type")
    if types is None:
        types = "object" if "properties" in schema else "array" if "items" in schema else "string"
    return types if isinstance(types, list) else [types]


class Maker:
    def __init__(self, root, chance):
        self.root, self.chance = root, chance

    def merged(self, schema):
        """allOf as one schema, and the first of anyOf or oneOf."""
        schema = resolve(self.root, schema)
        if schema is True:
            return {}
        if schema is False or any(word in schema for word in ("not", "if", "patternProperties", "dependentSchemas")):
            raise CannotMake
        parts = [part for word in ("allOf",) for part in schema.get(word, [])]
        parts += [schema[word][0] for word in ("anyOf", "oneOf") if word in schema]
        if "oneOf" in schema and len(schema["oneOf"]) > 1:
            raise CannotMake  # the others would have to refuse it
        out = {word: value for word, value in schema.items() if word not in ("allOf", "anyOf", "oneOf")}
        for part in map(self.merged, parts):
            for word, value in part.items():
                if word == "properties":
                    out[word] = dict(value, **out.get(word, {}))
                elif word == "required":
                    out[word] = out.get(word, []) + value
                else:
                    out.setdefault(word, value)
        return out

    def value(self, schema, depth=0):
        schema = self.merged(schema)
        if depth > 8:
            raise CannotMake
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self.chance.choice(schema["enum"])
        kind = self.chance.choice(types_of(schema))
        return {"object": self.object, "array": self.array, "string": self.string, "integer": self.number,
                "number": self.number, "boolean": lambda s, d: self.chance.random() < .5, "null": lambda s, d: None}[kind](schema, depth)

    def object(self, schema, depth):
        required, out = schema.get("required", []), {}
        for name, member in schema.get("properties", {}).items():
            member = resolve(self.root, member)
            if isinstance(member, dict) and member.get("readOnly"):
                continue
            if name not in required and (depth > 2 or self.chance.random() < .5):
                continue
            try:
                out[name] = self.value(member, depth + 1)
            except CannotMake:
                if name in required:
                    raise
        for name in required:
            out.setdefault(name, "x")
        if len(out) < schema.get("minProperties", 0):
            raise CannotMake
        return out

    def array(self, schema, depth):
        n = max(schema.get("minItems", 0), 1 if depth < 4 else 0)
        if n > 1 and schema.get("uniqueItems") or n > schema.get("maxItems", n):
            raise CannotMake
        return [self.value(schema.get("items", {}), depth + 1) for _ in range(n)]

    def string(self, schema, _):
        if "pattern" in schema or "contentEncoding" in schema:
            raise CannotMake
        if schema.get("format") in FORMATS and FORMATS[schema["format"]] is not None:
            return FORMATS[schema["format"]]
        low, high = schema.get("minLength", 0), schema.get("maxLength", 64)
        text = "".join(self.chance.choice("ab \u00e9\"\\/&+%,\U0001f600") for _ in range(max(low, min(high, 6))))
        return text

    def number(self, schema, _):
        low = schema.get("minimum", schema.get("exclusiveMinimum", 0))
        number = low + (1 if "exclusiveMinimum" in schema else 0)
        if "multipleOf" in schema or number > schema.get("maximum", number) or number >= schema.get("exclusiveMaximum", number + 1):
            raise CannotMake
        return int(number) if number == int(number) else number


def text_of(value):
    return value if isinstance(value, str) else json.dumps(value)


def is_plain(schema):
    return isinstance(schema, dict) and not any(word in schema for word in COMBINED)


class Request:
    """One request, as parts that can be broken."""

    def __init__(self, method, path):
        self.method, self.path, self.query, self.headers, self.body = method, path, [], [], None

    def row(self, spec, name):
        quoted = urllib.parse.urlencode(self.query, quote_via=urllib.parse.quote)
        return {"id": name, "spec": spec, "method": self.method.upper(), "uri": self.path + ("?" + quoted if quoted else ""),
                "headers": self.headers, "body": self.body}

    def copy(self):
        other = Request(self.method, self.path)
        other.query, other.headers, other.body = list(self.query), list(self.headers), self.body
        return other


def parameters(root, item, operation):
    """By place and name; those of the operation win."""
    both = [resolve(root, p) for p in item.get("parameters", []) + operation.get("parameters", [])]
    return list({(p["in"], p["name"]): p for p in both}.values())


def add_parameter(maker, request, p):
    schema = maker.merged(p.get("schema", {}))
    value = maker.value(schema)
    if isinstance(value, dict) or "content" in p or p.get("style", "form") not in ("form", "simple"):
        raise CannotMake
    values = value if isinstance(value, list) else [value]
    if p["in"] == "path":
        if values == [""]:
            raise CannotMake
        request.path = request.path.replace("{%s}" % p["name"], ",".join(urllib.parse.quote(text_of(v), safe="") for v in values))
    elif p["in"] == "query":
        request.query += [(p["name"], text_of(v)) for v in values]
    elif p["in"] == "header":
        request.headers.append([p["name"], ",".join(urllib.parse.quote(text_of(v)) for v in values)])


def add_credentials(root, operation, request):
    schemes = root.get("components", {}).get("securitySchemes", {})
    for name in (operation.get("security", root.get("security", [])) or [{}])[0]:
        scheme = resolve(root, schemes[name])
        if scheme["type"] == "apiKey" and scheme["in"] == "query":
            request.query.append((scheme["name"], "k"))
        elif scheme["type"] == "apiKey":
            request.headers.append([scheme["name"], "k"] if scheme["in"] == "header" else ["Cookie", scheme["name"] + "=k"])
        else:
            request.headers.append(["Authorization", "Basic YTpi" if scheme.get("scheme") == "basic" else "Bearer x"])


def broken_members(maker, schema, value):
    """The object with one member wrong, where the schema surely refuses that."""
    schema = resolve(maker.root, schema)
    if not is_plain(schema) or not isinstance(value, dict):
        return
    for name in schema.get("required", []):
        yield {n: v for n, v in value.items() if n != name}
    if schema.get("additionalProperties") is False:
        yield dict(value, surely_not_there=1)
    for name, member in schema.get("properties", {}).items():
        member = resolve(maker.root, member)
        if name not in value or not is_plain(member):
            continue
        if "type" in member:
            yield dict(value, **{name: [{}] if "array" not in types_of(member) else {"no": "array"}})
        if types_of(member) == ["string"] and "maxLength" in member:
            yield dict(value, **{name: "x" * (member["maxLength"] + 1)})


def broken(maker, request, params, schema, value):
    for p in params:
        member = resolve(maker.root, p.get("schema", {}))
        if p["in"] == "query" and p.get("required"):
            other = request.copy()
            other.query = [(name, text) for name, text in request.query if name != p["name"]]
            yield other
        if p["in"] == "query" and is_plain(member) and types_of(member) in (["integer"], ["boolean"]):
            other = request.copy()
            other.query = [(name, text) for name, text in request.query if name != p["name"]] + [(p["name"], "x")]
            yield other
    for wrong in broken_members(maker, schema, value):
        other = request.copy()
        other.body = json.dumps(wrong)
        yield other
    if request.body is not None:
        other = request.copy()
        other.headers = [["Content-Type", "surely/not-there"] if h[0] == "Content-Type" else h for h in request.headers]
        yield other
        other = request.copy()
        other.body = request.body[:-1]
        yield other


def excerpt(root, path, item):
    """The description with this path alone, and the components that it leads to; or all of it."""
    out, work = {"components": {}}, [item, root.get("security", []), root.get("components", {}).get("securitySchemes", {})]
    out["components"]["securitySchemes"] = work[2]
    while work:
        value = work.pop()
        if isinstance(value, list):
            work += value
        elif isinstance(value, dict):
            work += value.values()
            ref = value.get("$ref")
            if isinstance(ref, str) and not ref.startswith("#/components/"):
                return root
            if isinstance(ref, str):
                kind, name = map(token_of, ref.removeprefix("#/components/").split("/")[:2])
                if name not in out["components"].setdefault(kind, {}):
                    out["components"][kind][name] = root["components"][kind][name]
                    work.append(root["components"][kind][name])
    return dict(out, openapi=root["openapi"], info={"title": "t", "version": "1"}, paths={path: item},
                security=root.get("security", []))


def of_operation(root, path, item, method, chance):
    operation, maker, request = item[method], Maker(root, chance), Request(method, path)
    params, schema, value = parameters(root, item, operation), {}, None
    body = resolve(root, operation.get("requestBody", {}))
    for p in params:
        if p.get("required") or p["in"] == "path" or chance.random() < .7:
            add_parameter(maker, request, p)
    add_credentials(root, operation, request)
    if "application/json" in body.get("content", {}):
        schema = body["content"]["application/json"].get("schema", {})
        value = maker.value(schema)
        request.headers.append(["Content-Type", "application/json"])
        request.body = json.dumps(value)
    elif body:
        raise CannotMake
    yield request, True
    for other in broken(maker, request, params, schema, value):
        yield other, False


def requests(root, chance, name):
    """(row, good) for each operation of the description."""
    for path, item in root.get("paths", {}).items():
        for method in METHODS:
            if method not in item:
                continue
            spec = excerpt(root, path, item)
            try:
                for i, (request, good) in enumerate(of_operation(root, path, item, method, chance)):
                    yield request.row(spec, "%s %s %s %d" % (name, method, path, i)), good
            except (CannotMake, KeyError):
                continue
