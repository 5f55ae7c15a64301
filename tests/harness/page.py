"""A page of the manual as a list of steps: what its reader types, writes and sees.

Fenced blocks are all that is done, so every one has a kind:

    sh       commands; they are run as they stand
    text     what the commands before it print; "..." is any text
    apache   configuration: it is put in force.  Its first line is "# /PATH" of the file that it is the whole
             contents of; without, it is a whole configuration, or is added to the one before
    KIND     with a first line "# /PATH": the contents of that file
"""

import collections
import re

Step = collections.namedtuple("Step", "line kind path text expected")
FENCE = re.compile(r"^```(.*)$")
KINDS = ("sh", "text", "apache", "ini", "conf", "jq")


class Fault(Exception):
    """Something in a page that nobody would do; the message begins with the line's number."""


def _blocks(text):
    """(line, kind, text) of each fenced block."""
    kind, began, lines = None, 0, []
    before = ""
    for number, line in enumerate(text.split("\n"), 1):
        fence = FENCE.match(line)
        if kind is None and fence:
            kind, began, lines = fence[1], number, []
        elif kind is not None and line == "```":
            yield began, kind, "".join(one + "\n" for one in lines)
            kind = None
        elif kind is not None:
            lines.append(line)
        elif line.startswith("    ") and not before.strip():
            raise Fault("%d: an indented block is never run: fence it and name its kind" % number)
        before = line
    if kind is not None:
        raise Fault("%d: this block has no end" % began)


def steps(text):
    """The Steps of a page, in order; Fault for a block that would not be done."""
    made = []
    for line, kind, block in _blocks(text):
        if kind not in KINDS:
            raise Fault("%d: a block of kind %r: want one of %s" % (line, kind, ", ".join(KINDS)))
        if not block.strip():
            raise Fault("%d: an empty block" % line)
        if kind == "text":
            if not made or made[-1].kind != "sh" or made[-1].expected is not None:
                raise Fault("%d: an answer without a question: want a sh block before it" % line)
            made[-1] = made[-1]._replace(expected=block)
            continue
        path = re.match(r"[#;] (/\S+)\n", block) if kind != "sh" else None
        if kind not in ("sh", "apache") and not path:
            raise Fault("%d: a block of kind %s: want \"# /PATH\" as its first line" % (line, kind))
        made.append(Step(line, kind, path and path[1], block, None))
    return made


def matches(expected, got):
    """Whether this is the answer; `...` in the page is any text, and columns may be wider."""
    expected, got = (re.sub(" +", " ", text.strip()) for text in (expected, got))
    pattern = "(?s:.*)".join(re.escape(part) for part in expected.split("..."))
    return re.fullmatch(pattern, got) is not None
