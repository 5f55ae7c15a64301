"""What the lints share: the project's files, C without comments, and the form of a verdict."""

import os
import re
import shutil
import subprocess
import sys

TOP = os.environ.get("APISEC_TOP") or os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("APISEC_BUILD") or os.path.join(TOP, "build")
C = (".c", ".h", ".def")


def _unpacked():
    """The files of a release, where there is no git: sources in our folders, not what a build leaves."""
    for part in ("apisecctl", "conf", "docs", "include", "libapisec", "mod_apisec", "tests"):
        for folder, below, there in os.walk(os.path.join(TOP, part)):
            below[:] = [b for b in below if b not in (".libs", ".deps", "__pycache__")]
            for name in there:
                path = os.path.join(folder, name)
                if name in ("Makefile", "Makefile.in") or name.endswith((".o", ".lo", ".la", ".log", ".trs")):
                    continue
                with open(path, "rb") as seen:
                    if b"\0" not in seen.read(4096):
                        yield os.path.relpath(path, TOP)


def files(under="", ends=()):
    """Paths below TOP, sorted: what git knows or would add, all files where there is no git."""
    # A release that is unpacked inside another repository is none; a clone may come without the program.
    if os.path.exists(os.path.join(TOP, ".git")) and shutil.which("git"):
        names = subprocess.run(["git", "-C", TOP, "-c", "safe.directory=*", "ls-files", "-co",
                                "--exclude-standard"], stdout=subprocess.PIPE, text=True,
                               check=True).stdout.splitlines()
    else:
        names = list(_unpacked())
    return sorted({n for n in names if n.startswith(under) and n.endswith(tuple(ends) or "")
                   and os.path.isfile(os.path.join(TOP, n))})


def read(name):
    with open(os.path.join(TOP, name), "rb") as seen:
        return seen.read().decode("utf-8", "replace")


def code_only(text):
    """C with comments and the contents of literals blanked; lines keep their numbers."""
    def blank(match):
        seen = match.group(0)
        if seen.startswith("/"):
            return re.sub(r"[^\n]", " ", seen)
        return seen[0] + " " * (len(seen) - 2) + seen[0]
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text, flags=re.S)


def flags_for(name):
    """What a compiler needs for this file of the project."""
    def ask(*argv):
        return subprocess.run(argv, stdout=subprocess.PIPE, text=True, check=True).stdout.split()
    flags = ["-std=gnu11", "-include", os.path.join(BUILD, "config.h"), "-I" + os.path.join(TOP, "include")]
    for flag in ask("pkg-config", "--cflags", "apr-1", "apr-util-1", "openssl", "sqlite3"):
        flags += ["-isystem", flag[2:]] if flag.startswith("-I") else [flag]
    if name.startswith("mod_apisec/"):
        flags += ["-isystem"] + ask(os.environ.get("APXS", "apxs"), "-q", "INCLUDEDIR")
    if os.uname().machine == "x86_64":
        flags.append("-mcx16")
    flags += ['-DAPS_DEFAULT_STATE="/var/lib/apisec/apisec.state"', '-DAPS_DEFAULT_STORE="/var/lib/apisec"']
    return flags + ['-DT_SRCDIR="%s"' % TOP]


def end(name, faults):
    """Prints the verdict of lint `name` and leaves."""
    for fault in faults:
        print("FAIL %s: %s" % (name, fault))
    if not faults:
        print("ok %s" % name)
    sys.exit(1 if faults else 0)
