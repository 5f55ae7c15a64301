"""Many clients of a real httpd at once, fast enough to be no bound themselves (tests/bench/crowd.c)."""

import collections
import os
import subprocess

from .place import BUILD

PROGRAM = os.path.join(BUILD, "tests", "bench", "crowd")
FOREVER = 1 << 40


class Job:
    """What one client asks for, on a connection that it keeps.

    name      under which its answers are counted; several may share it
    key       its X-API-Key; None: none
    count     how many requests
    refusals  or until it was refused so often in a row, not counting a 429 that says to come again in a second
    address   its X-Forwarded-For; "{address}" is an own one for each `times` requests, from number `first` on
    """

    def __init__(self, name, path, key=None, count=FOREVER, refusals=0, address=None, first=0, times=1):
        assert count != FOREVER or refusals, "a job without an end"
        fields = (["X-API-Key: " + key] if key else []) + (["X-Forwarded-For: " + address] if address else [])
        self.line = "\t".join(map(str, [name, count, refusals, first, times, path, *fields])) + "\n"


def crowd(port, jobs, clients=64, every=0, during=lambda answers: None):
    """{name: Counter of what they were told}: "200", "429 LIMIT", "cut"; with times=2 "200,429 LIMIT".

    At most `clients` jobs at once, in their order.  during(answers) is called after each `every` answers, while
    the clients go on.
    """
    told = collections.defaultdict(collections.Counter)
    with subprocess.Popen([PROGRAM, str(port), str(clients), str(every)], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True) as process:
        try:
            process.stdin.write("".join(job.line for job in jobs))
            process.stdin.close()
            for line in process.stdout:
                words = line.rstrip("\n").split("\t")
                if words[0] == "-":
                    during(int(words[1]))
                else:
                    told[words[0]][words[1]] += int(words[2])
        except BaseException:
            process.kill()
            raise
    assert process.returncode == 0, "crowd ended with %d" % process.returncode
    return told
