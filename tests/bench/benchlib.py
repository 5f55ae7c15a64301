"""What the benchmarks share: options, a table, and what a number of figures comes to.

    from benchlib import Table, options, running      (before harness, which it makes known)
"""

import argparse
import contextlib
import io
import os
import statistics
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(TOP, "tests"))
os.environ.setdefault("APISEC_BUILD", os.path.join(TOP, "build"))

from harness import Site  # noqa: E402  (the path comes first)


def options(text, *rows, names=()):
    """The command line: `text` is the program's docstring, a row is (name, default, help); lists by commas.

    `names`: what may be chosen without an option; none chosen means all."""
    parser = argparse.ArgumentParser(description=text.splitlines()[0], epilog="APISEC_BUILD names the build folder.")
    for name, default, what in rows:
        kind = (lambda words, of=type(default[0]): [of(word) for word in words.split(",")]) \
            if isinstance(default, list) else type(default)
        told = ",".join(map(str, default)) if isinstance(default, list) else default
        parser.add_argument("--" + name, default=default, type=kind, help="%s (%s)" % (what, told))
    if names:
        parser.add_argument("names", nargs="*", metavar="NAME", help="of %s" % " ".join(names))
    args = parser.parse_args()
    if names:
        for name in args.names:
            if name not in names:
                parser.error("no row %s: want some of %s" % (name, " ".join(names)))
        args.names = args.names or list(names)
    return args


@contextlib.contextmanager
def running(conf, prepare=None, **named):
    """A Site; what httpd has said is told if something fails."""
    site, said, failed = Site(conf, prepare, **named), io.StringIO(), True
    try:
        yield site
        failed = False
    finally:
        with contextlib.redirect_stdout(said):
            try:
                site.close()
            except BaseException:
                failed = True
                raise
            finally:
                if failed:
                    print(said.getvalue(), file=sys.stderr)


class Table:
    """Columns by (heading, width), printed row by row as they come; text to the left, numbers to the right."""

    def __init__(self, *columns):
        self.columns = columns
        self._print([heading for heading, _ in columns], heading=True)

    def row(self, *values):
        self._print(values)

    def _print(self, values, heading=False):
        cells = []
        for value, (_, width) in zip(values, self.columns):
            text = "%.1f" % value if isinstance(value, float) else str(value)
            cells.append(text.ljust(-width) if width < 0 else text.rjust(width))
        print("  ".join(cells).rstrip(), flush=True)


def spread(values):
    """(least, median, most)."""
    return min(values), statistics.median(values), max(values)
