"""Builds and runs the suites for tests/run, and counts what they say.

Every suite writes one log and returns a Tally.  What crashes, does not build, or tests nothing
counts as failed.
"""

import concurrent.futures
import fcntl
import glob
import os
import re
import signal
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as ElementTree

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.abspath(os.environ.get("APISEC_BUILD") or os.path.join(TOP, "build"))
LOGS = os.path.join(BUILD, "logs")
PARTS = ["lint", "unit", "ctl", "vectors", "httpd", "clang", "asan", "tsan"]
MPMS = ["event", "worker", "prefork"]
JOBS = 2    # of a build
LONGEST = ["asan", "ctl", "httpd", "unit"]
SUITES = 3  # at once: they wait for their servers and for the disk much of the time
PROGRAM_SECONDS = 600
SUITE_SECONDS = 1500
# Tests of one suite that are asked again, alone; where more fail, it is no matter of time.
AGAIN_MAX = 3
# What is a fault whenever it comes, and is never asked again.
FINDING = re.compile(r"Sanitizer|runtime error|exit signal|ServerFault|Segmentation|core dump")

print_lock = threading.Lock()


def say(text):
    with print_lock:
        print(text, flush=True)


class Tally:
    """What one suite came to; `why` lists its failures in a line each, `unsteady` what passed when it was asked again."""

    def __init__(self, name, log):
        self.name, self.log = name, log
        self.passed, self.failed, self.skipped = 0, 0, 0
        self.why, self.unsteady = [], []

    def fail(self, why):
        self.failed += 1
        self.why.append(why)


def finish(process, seconds):
    """Its exit code; 124 if it had to be ended: interrupted first, so that pytest stops its servers."""
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        return 124


def run(argv, log, env=None, cwd=TOP, seconds=SUITE_SECONDS):
    """Appends the command's output to the file `log`; returns (exit code, output)."""
    full = dict(os.environ, PYTHONDONTWRITEBYTECODE="1", LC_ALL="C.UTF-8")
    full.update(env or {})
    for name in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL"):
        full.pop(name, None)
    start = time.monotonic()
    with open(log, "ab") as out:
        out.write(("$ %s\n" % " ".join(argv)).encode())
        out.flush()
        at = out.tell()
        try:
            code = finish(subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=cwd,
                                           env=full), seconds)
        except OSError as error:
            out.write(("%s\n" % error).encode())
            code = 127
    with open(log, "rb") as seen:
        seen.seek(at)
        text = seen.read().decode("utf-8", "replace")
    with open(log, "ab") as out:
        out.write(("# exit %d, %.0f s\n" % (code, time.monotonic() - start)).encode())
    return code, text


def open_log(name):
    os.makedirs(LOGS, exist_ok=True)
    path = os.path.join(LOGS, name + ".log")
    open(path, "w").close()
    return path


# ---- building


def autotools_are_stale():
    configure = os.path.join(TOP, "configure")
    if not os.path.exists(configure):
        return True
    if os.path.getmtime(configure) < os.path.getmtime(os.path.join(TOP, "configure.ac")):
        return True
    for source in glob.glob(os.path.join(TOP, "**", "Makefile.am"), recursive=True):
        made = source[:-2] + "in"
        if not os.path.exists(made) or os.path.getmtime(made) < os.path.getmtime(source):
            return True
    return False


def prepare(log):
    """configure and Makefile.in, if they are missing or out of date."""
    lock = os.open(TOP, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        if not autotools_are_stale():
            return True
        fresh = not os.path.exists(os.path.join(TOP, "configure"))
        return run(["autoreconf", "-fi" if fresh else "-i"], log)[0] == 0
    finally:
        os.close(lock)


def build(folder, options, log, part="."):
    """Configures `folder` (once for the same options) and makes it, or one part of it."""
    os.makedirs(folder, exist_ok=True)
    status = os.path.join(folder, "config.status")
    stamp = os.path.join(folder, "configured-with")
    wanted = "\n".join(options)
    had = open(stamp).read() if os.path.exists(stamp) else None
    # A folder that someone has configured by hand is taken as it is.
    if not os.path.exists(status) or (had is not None and had != wanted):
        if run([os.path.join(TOP, "configure")] + options, log, cwd=folder)[0] != 0:
            return False
        with open(stamp, "w") as out:
            out.write(wanted)
    return run(["make", "-j%d" % JOBS, "-C", part], log, cwd=folder)[0] == 0


# ---- suites


def programs_of(folder, part):
    answer = subprocess.run(["make", "-s", "-C", os.path.join(folder, "tests", part), "print-programs"],
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return answer.stdout.split() if answer.returncode == 0 else None


def read_cmocka(tally, name, code, text):
    """A group says how many tests it runs; those that never report have crashed."""
    began = sum(int(n) for n in re.findall(r"\[==========\] Running (\d+) test", text))
    passed = sum(int(n) for n in re.findall(r"\[  PASSED  \] (\d+) test", text))
    plain = len(re.findall(r"^ok: ", text, re.M))  # a program of many processes goes without cmocka
    skipped = sum(int(n) for n in re.findall(r"\[  SKIPPED \] (\d+) test", text))
    names = re.findall(r"\[  FAILED  \] (?!\d+ test)(\S+)", text)
    failed = sum(int(n) for n in re.findall(r"\[  FAILED  \] (\d+) test", text))
    tally.passed += passed + plain
    tally.skipped += skipped
    for i in range(failed):
        tally.fail("%s: %s" % (name, names[i] if i < len(names) else "a test failed"))
    lost = began - passed - skipped - failed
    if lost > 0 or (code != 0 and failed == 0):
        for _ in range(max(lost, 1)):
            tally.fail("%s: did not finish (exit %d)" % (name, code))
    elif passed + plain == 0 and failed == 0:
        tally.fail("%s: tests nothing" % name)


def unit(name, folder, wanted="", env=None):
    """Programs of tests/unit and of the fuzz corpus whose name begins with `wanted`, or one of them."""
    tally = Tally(name, open_log(name))
    for part in ("unit", "fuzz"):
        programs = programs_of(folder, part)
        if programs is None:
            tally.fail("tests/%s: no list of programs" % part)
            continue
        programs = [p for p in programs if p.startswith(wanted)]
        where = os.path.join(folder, "tests", part)
        if not programs:
            continue
        for program in programs:
            if os.path.exists(os.path.join(where, program)):
                os.unlink(os.path.join(where, program))
        run(["make", "-k", "-j%d" % JOBS] + programs, tally.log, cwd=where)
        for program in programs:
            path = os.path.join(where, program)
            if not os.path.exists(path):
                tally.fail("%s: does not build" % program)
                continue
            if part == "unit":
                code, text = run([path], tally.log, env, cwd=where, seconds=PROGRAM_SECONDS)
                read_cmocka(tally, program, code, text)
                continue
            corpus = os.path.join(TOP, "tests", "fuzz", "corpus", program[len("fuzz_"):])
            code, text = run([path, corpus], tally.log, env, cwd=where, seconds=PROGRAM_SECONDS)
            if code == 0 and re.search(r"^[1-9]\d* inputs$", text, re.M):
                tally.passed += 1
            else:
                tally.fail("%s: replay of its corpus (exit %d)" % (program, code))
    if wanted and tally.passed + tally.failed == 0:
        tally.fail("%s: no program named %s*" % (name, wanted))
    return tally


class Asked:
    """What pytest said of the tests that `args` name."""

    def __init__(self, name, log, args, env):
        report = os.path.join(LOGS, name + ".xml")
        if os.path.exists(report):
            os.unlink(report)
        self.code, self.text = run(["/usr/bin/python3", "-B", "-m", "pytest", "-c", os.path.join(TOP, "tests/pytest.ini"),
                                    "--junitxml", report] + args, log, env)
        try:
            self.suite = ElementTree.parse(report).getroot().find("testsuite")
        except (OSError, ElementTree.ParseError):
            self.suite = None
        cases = list(self.suite.iter("testcase")) if self.suite is not None else []
        self.skipped = sum(case.find("skipped") is not None for case in cases)
        self.faults = [fault for case in cases for fault in case.findall("failure") + case.findall("error")]
        self.passed = sum(all(case.find(what) is None for what in ("skipped", "failure", "error")) for case in cases)
        self.lines = re.findall(r"^(?:FAILED|ERROR) (.*)$", self.text, re.M)[:len(self.faults)]

    def names(self):
        """Of the tests that failed, if they may be asked again."""
        found = [re.match(r"\S+?::\w+(?:\[.*?\])?(?= - |$)", line) for line in self.lines]
        said = [" ".join([fault.get("message") or "", fault.text or ""]) for fault in self.faults]
        if not 0 < len(self.faults) == len(found) <= AGAIN_MAX or not all(found) or any(map(FINDING.search, said)):
            return []
        return [name[0] for name in found]


def pytest(name, folder, part, args, env=None):
    """A test that fails beside others is asked once more, alone: one that then holds is named as unsteady."""
    tally = Tally(name, open_log(name))
    paths = [a for a in args if os.path.exists(a.split("::")[0])]
    where = [] if paths else [os.path.join(TOP, "tests", part)]
    full = dict(env or {}, APISEC_BUILD=folder, APISEC_TOP=TOP)
    asked = Asked(name, tally.log, where + args, full)
    if asked.suite is None:
        tally.fail("%s: pytest did not finish (exit %d)" % (name, asked.code))
        return tally
    tally.passed, tally.skipped = asked.passed, asked.skipped
    names = asked.names()
    if names:
        again = Asked(name + "-again", tally.log, names, full)
        if again.code == 0 and again.passed == len(names):
            tally.passed += again.passed
            tally.unsteady = asked.lines
            return tally
    for line in asked.lines:
        tally.fail("%s: %s" % (name, line[:200]))
    while tally.failed < len(asked.faults):
        tally.fail("%s: see the log" % name)
    if tally.failed == 0 and asked.code != 0:
        tally.fail("%s: pytest: exit %d%s" % (name, asked.code, ", no tests" if asked.code == 5 else ""))
    return tally


def lint(folder, slow):
    """Each script prints "ok NAME" or "FAIL NAME: why" lines."""
    tally = Tally("lint", open_log("lint"))
    scripts = sorted(glob.glob(os.path.join(TOP, "tests", "lint", "check_*")))
    if slow:
        scripts += sorted(glob.glob(os.path.join(TOP, "tests", "lint", "slow_*")))
    for script in scripts:
        code, text = run([script], tally.log, {"APISEC_TOP": TOP, "APISEC_BUILD": folder})
        ok = re.findall(r"^ok (\S+)", text, re.M)
        bad = re.findall(r"^FAIL (.*)$", text, re.M)
        tally.passed += len(ok)
        for line in bad:
            tally.fail("lint: " + line[:300])
        if (code != 0 and not bad) or not ok + bad:
            tally.fail("lint: %s: exit %d, said nothing" % (os.path.basename(script), code))
    return tally


def one_build(name, folder, options, part="."):
    """A build that is a test itself: it succeeds, or its warnings fail it."""
    tally = Tally(name, open_log(name))
    if build(folder, options, tally.log, part):
        tally.passed += 1
    else:
        tally.fail("%s: does not build" % name)
    return tally


def sanitizer_env():
    preload = subprocess.run(["gcc", "-print-file-name=libasan.so"], stdout=subprocess.PIPE,
                             text=True).stdout.strip()
    return {"APISEC_SANITIZE": os.path.realpath(preload),
            "ASAN_OPTIONS": "abort_on_error=1:detect_leaks=1:strict_string_checks=1",
            "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1"}


# What a sanitizer finds is in what reads: of apisecctl, files that come from elsewhere; of httpd, all but
# what starts a server for each case, or only counts.
ASAN_CTL = ["api", "api_learn", "backup", "completion", "damage", "explain_log", "import", "sign", "simulate",
            "token_check", "token_decode"]
ASAN_NO_HTTPD = ["config", "delta", "examples", "hot", "inflight", "last_use", "limits", "limits_cost", "limits_inflight",
                 "limits_plan", "limits_wait", "multi_store", "quota", "state", "tls_floor", "token_keys", "trap_cache",
                 "trap_faults", "trap_restarts", "wait"]


def tests_of(part, names):
    return [os.path.join(TOP, "tests", part, "test_%s.py" % name) for name in names]


def asan(args):
    folder = os.path.join(BUILD, "asan")
    built = one_build("asan-build", folder, ["CFLAGS=-O1 -g1", "--enable-sanitize=address,undefined"])
    yield built
    if built.failed:
        return
    env = sanitizer_env()
    # Beside the others: it is the longest, and its servers and clients wait for each other much of the time.
    with concurrent.futures.ThreadPoolExecutor(1) as beside:
        leave = ["--ignore=" + path for path in tests_of("httpd", ASAN_NO_HTTPD)]
        httpd = beside.submit(pytest, "asan-httpd", folder, "httpd", ["-m", "not slow"] + leave + args,
                              dict(env, MPM="event"))
        # The programs of many processes run under the thread sanitizer.
        yield unit("asan-unit", folder, wanted=("test_", "fuzz_", "time_"), env=env)
        yield pytest("asan-ctl", folder, "ctl", ["-m", "not slow"] + (args or tests_of("ctl", ASAN_CTL)), env)
        yield pytest("asan-vectors", folder, "vectors", args, env)
        yield httpd.result()


def tsan(_args):
    folder = os.path.join(BUILD, "tsan")
    built = one_build("tsan-build", folder, ["CFLAGS=-O1 -g1", "--enable-sanitize=thread"], "libapisec")
    yield built
    if not built.failed:
        yield unit("tsan-multi", folder, wanted="multi_", env={"TSAN_OPTIONS": "halt_on_error=1"})


# ---- all of it


def jobs_of(parts, slow, args):
    """(name, function returning an iterable of Tally), in the order they are begun."""
    jobs = []
    mpms = [os.environ["MPM"]] if os.environ.get("MPM") else MPMS

    def add(name, call):
        jobs.append((name, call))

    # The longest go first, so that all workers have something to do until the end.
    for part in sorted(parts, key=lambda part: LONGEST.index(part) if part in LONGEST else len(LONGEST)):
        if part == "lint":
            add(part, lambda: [lint(BUILD, slow)])
        elif part == "unit":
            # Corpora are replayed by the sanitizers where these run as well.
            wanted = ("test_", "multi_", "time_") if "asan" in parts else ""
            add(part, lambda: [unit("unit", BUILD, wanted)])
        elif part in ("ctl", "vectors"):
            add(part, lambda part=part: [pytest(part, BUILD, part, args)])
        elif part == "httpd":
            for mpm in mpms:
                add("httpd-" + mpm,
                    lambda mpm=mpm: [pytest("httpd-" + mpm, BUILD, "httpd", args, {"MPM": mpm})])
        elif part == "clang":
            add(part, lambda: [one_build("clang", os.path.join(BUILD, "clang"), ["CC=clang", "CFLAGS=-O0", "--disable-lto"])])
        elif part == "asan":
            add(part, lambda: asan(args))
        elif part == "tsan":
            add(part, lambda: tsan(args))
    return jobs


def report(tally):
    note = ", %d skipped" % tally.skipped if tally.skipped else ""
    note += ", %d unsteady" % len(tally.unsteady) if tally.unsteady else ""
    say("%-14s %d passed, %d failed%s" % (tally.name, tally.passed, tally.failed, note))
    for line in tally.unsteady:
        say("UNSTEADY %s: %s, and passed alone; see %s" % (tally.name, line[:200], tally.log))
    if tally.failed == 0:
        return
    say("---- %s: %s" % (tally.name, tally.log))
    if tally.name != "lint":  # whose faults are whole sentences
        with open(tally.log, errors="replace") as log:
            say("".join(log.readlines()[-120:]).rstrip())
    for why in tally.why[:40]:
        say("FAILED %s" % why)
    say("----")


def work(job):
    name, call = job
    tallies = []
    try:
        for tally in call():
            tallies.append(tally)
            report(tally)
    except Exception as error:  # a fault of this file must not look like success
        tally = Tally(name, open_log(name + "-fault"))
        tally.fail("%s: %r" % (name, error))
        tallies.append(tally)
        report(tally)
    return tallies


def options_of(argv):
    argv = [a for a in argv if a != "--no-install"]
    parts, i = [], 0
    while i < len(argv) and argv[i] in PARTS:
        parts.append(argv[i])
        i += 1
    slow = "--slow" in argv[i:]
    rest = [a for a in argv[i:] if a != "--slow"]
    if rest and not any(p in ("ctl", "vectors", "httpd", "asan") for p in parts):
        print("tests/run: %r is no part: want %s; see --help" % (rest[0], ", ".join(PARTS)), file=sys.stderr)
        sys.exit(2)
    return parts or PARTS, slow, rest


def main():
    parts, slow, args = options_of(sys.argv[1:])
    log = open_log("build")
    tallies = []
    first = Tally("build", log)
    if not prepare(log):
        first.fail("autoreconf failed")
    elif set(parts) - {"clang", "asan", "tsan"}:
        if build(BUILD, [], log):
            first.passed += 1
        else:
            first.fail("the project does not build")
    if first.passed + first.failed:
        tallies.append(first)
        report(first)
    if not first.failed:
        with concurrent.futures.ThreadPoolExecutor(SUITES) as pool:
            for done in pool.map(work, jobs_of(parts, slow, args)):
                tallies += done
    passed = sum(t.passed for t in tallies)
    failed = sum(t.failed for t in tallies)
    say("%d passed, %d failed" % (passed, failed))
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
