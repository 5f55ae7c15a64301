"""A strict reader of structured fields: Lists of Strings with Integer and String parameters (RFC 9651)."""

import re

_STRING = r'"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"'
_VALUE = r'-?[0-9]{1,15}|"[a-z-]*"'
_MEMBER = re.compile(_STRING + r"((?:;[a-z*][a-z0-9_.*-]*=(?:%s))*)" % _VALUE)
_PARAMETER = re.compile(r";([a-z*][a-z0-9_.*-]*)=(%s)" % _VALUE)


def parse_list(text):
    """[(string, {parameter: integer or string})]; a text that is no such List fails the test."""
    members, at = [], 0
    while True:
        match = _MEMBER.match(text, at)
        assert match, "no List of Strings with such parameters at %d: %r" % (at, text)
        names = [name for name, _ in _PARAMETER.findall(match.group(2))]
        assert len(names) == len(set(names)), "a parameter twice: %r" % text
        string = re.sub(r"\\(.)", r"\1", match.group(1))
        members.append((string, {name: value[1:-1] if value[0] == '"' else int(value) for name, value in _PARAMETER.findall(match.group(2))}))
        at = match.end()
        if at == len(text):
            return members
        comma = re.compile(r"[ \t]*,[ \t]*").match(text, at)
        assert comma, "no comma at %d: %r" % (at, text)
        at = comma.end()
