"""Eleven limits of all kinds on each request, 64 clients, and what must be true of every one of the limits.

All limits but `pace` regain nothing during a run, so what is allowed is known to the last request. Who shares a
limit lies within those who share the next one (key, user and address, organisation, role, all), so the sum that is
admitted does not depend on who comes first.
"""

import collections
import os
import re
import signal
import time

from .crowd import Job, crowd
from .fields import parse_list
from .place import wait_for, wait_seconds
from .server import MPM

KEYS = 16
CLIENTS = 64
OPEN = 6
MOMENTS = 60  # seconds; a unit of a bucket takes an hour or so at scale 1
# Who shares: a holder's number from that of the key, from the inside to the outside.
SHARES = {"key": 1, "user": 2, "org": 4, "role": 8, "all": 16}
# Name -> (who shares it, by=, algorithm or quota).
LIMITS = {
    "key": ("key", "key", "rate=%d/d"),
    "place": ("key", "key+route", "rate=%d/d algorithm=fixed-window"),
    "bucket": ("user", "user", "rate=%d/d algorithm=token-bucket"),
    "day": ("user", "user+role", "quota=%d/day"),
    "source": ("user", "ip", "rate=%d/d"),
    "window": ("org", "org", "rate=%d/d algorithm=sliding-window"),
    "fixed": ("role", "role", "rate=%d/d algorithm=fixed-window"),
    "net": ("all", "ip/24/48", "rate=%d/d algorithm=sliding-window"),
    "all": ("all", "route", "quota=%d/day"),
}
# Section -> name -> how many at scale 1, where another limit of it is the tightest.
SIZES = {
    "a": dict(key=12, place=13, bucket=26, day=25, source=27, window=50, fixed=99, net=195, all=200),
    "b": dict(key=14, place=16, bucket=21, day=18, source=20, window=75, fixed=148, net=150, all=149),
    "c": dict(key=15, place=15, bucket=29, day=30, source=29, window=50, fixed=97, net=180, all=150),
}
# Asked for one by one at the end; a limit by address alone is looked at before others, and refuses without them.
PROBES = {"1": ["key", "place", "bucket", "day"], "2": ["window", "fixed", "all"], "3": ["source"], "4": ["net"]}
OTHERS = """
    ApiSecLimit pace rate=1000000/s algorithm=leaky-bucket delay=1s by=route
    ApiSecLimit open inflight=%d by=org
""" % OPEN


def holder(name, key):
    return key // SHARES[LIMITS[name][0]]


def allowed(sizes):
    """The least sum of limits that covers all callers."""
    total = None
    for share, keys in SHARES.items():
        own = min(n for name, n in sizes.items() if LIMITS[name][0] == share)
        within = total * (keys // inner) if total is not None else own
        total, inner = min(own, within), keys
    return total


def line_of(section, name, n):
    _, by, what = LIMITS[name]
    return "    ApiSecLimit %s-%s %s by=%s\n" % (section, name, what % n, by)


class Storm:
    """Site(storm.conf, storm.prepare, modules=MODULES, children=8); storm.run(site); storm.faults(site, cuts)."""

    MODULES = ["remoteip"]

    def __init__(self, scale=1, sections="abc", mpm=MPM):
        self.mpm = mpm
        self.sizes = {s: {name: n * scale for name, n in SIZES[s].items()} for s in sections}
        self.told = collections.defaultdict(collections.Counter)

    @property
    def conf(self):
        text = "ApiSecEngine On\nApiSecRequireTLS Off\nMaxKeepAliveRequests 25\n" + self._threads()
        for s, sizes in self.sizes.items():
            lines = {probe: "".join(line_of(s, name, sizes[name]) for name in names)
                     for probe, names in PROBES.items()}
            outer, *inner = lines.values()
            text += "<Location /%s>\n%s</Location>\n" % (s, outer)
            text += "<Location /%s/in>\n%s%s</Location>\n" % (s, "".join(inner), OTHERS)
            for probe, line in lines.items():
                text += "<Location /probe/%s/%s>\n%s</Location>\n" % (s, probe, line)
        return text + "<Location /open>%s</Location>\n" % OTHERS

    def _threads(self):
        """A child with more connections than threads closes some."""
        return "ThreadLimit 32\nThreadsPerChild 32\nMaxSpareThreads 1024\n" if self.mpm != "prefork" else ""

    def prepare(self, site):
        for role in range(KEYS // SHARES["role"]):
            site.role("role-%d" % role, "GET /**")
        for key in range(KEYS):
            site.key("key-%d" % key, "role-%d" % (key // SHARES["role"]), owner="user-%d" % (key // SHARES["user"]),
                     org="org-%d" % (key // SHARES["org"]))
        for s in self.sizes:
            for name in ["%s/in" % s] + ["probe/%s/%s" % (s, probe) for probe in PROBES]:
                site.folder.write("htdocs/%s/x.json" % name, "{}\n")
        site.folder.write("htdocs/open/x.json", "{}\n")

    @staticmethod
    def address(key):
        return "192.0.2.%d" % (1 + key // SHARES["user"])

    def jobs(self, site, clients, refusals, count):
        for s in self.sizes:
            for i in range(clients):
                key = i % KEYS
                yield Job("%s %d" % (s, key), "/%s/in/x.json" % s, site.keys["key-%d" % key], count, refusals,
                          self.address(key))

    def run(self, site, during=lambda answers: None, every=0, clients=CLIENTS, refusals=3, count=1 << 40):
        """Until all have been refused, or have asked `count` times; returns the number of answers."""
        told = crowd(site.server.port, self.jobs(site, clients, refusals, count), clients, every, during)
        for name, counts in told.items():
            self.told[name].update(counts)
        return sum(sum(counts.values()) for counts in told.values())

    def finish(self, site):
        """One after the other until each is refused: what is granted here was refused to others before."""
        for name, counts in crowd(site.server.port, self.jobs(site, KEYS, 2, 1 << 40), 1).items():
            self.told[name].update(counts)

    # ---- what came of it

    def admitted(self, section):
        return sum(counts["200"] for name, counts in self.told.items() if name.split()[0] == section)

    def answers(self):
        return sum(sum(counts.values()) for counts in self.told.values()) - self.cuts()

    def allowed(self):
        return sum(allowed(sizes) for sizes in self.sizes.values())

    def cells(self):
        """Entries of the table that stay in use."""
        return sum(KEYS // SHARES[LIMITS[name][0]] for sizes in self.sizes.values() for name in sizes)

    def cuts(self, section=None):
        return sum(counts["cut"] for name, counts in self.told.items() if section in (None, name.split()[0]))

    def used(self, section):
        """(limit, holder) -> how many of his requests were admitted."""
        used = collections.Counter()
        for name, counts in self.told.items():
            s, key = name.split()
            if s == section:
                for limit in LIMITS:
                    used[limit, holder(limit, int(key))] += counts["200"]
        return used

    def _sums(self, cuts):
        for s, sizes in self.sizes.items():
            lost = self.cuts(s) if cuts else 0
            got = self.admitted(s)
            if not got <= allowed(sizes) <= got + lost:
                yield "/%s: admitted %d, allowed %d, cut %d" % (s, got, allowed(sizes), lost)
            for (limit, who), n in self.used(s).items():
                if n > sizes[limit]:
                    yield "%s-%s of %d: admitted %d of %d" % (s, limit, who, n, sizes[limit])

    def _left(self, site, cuts):
        """What each limit has left of each of its holders, by the answers of httpd."""
        for s, sizes in self.sizes.items():
            used = self.used(s)
            for probe in PROBES:
                for key in range(KEYS):
                    yield from self._probe(site, s, probe, key, used, self.cuts(s) if cuts else 0)

    def _probe(self, site, s, probe, key, used, lost):
        got = site.get("/probe/%s/%s/x.json" % (s, probe), key="key-%d" % key,
                       headers=[("X-Forwarded-For", self.address(key))])
        told = dict(parse_list(got.headers["RateLimit"]))
        for name in PROBES[probe]:
            if got.status == 200:
                used[name, holder(name, key)] += 1
            want = self.sizes[s][name] - used[name, holder(name, key)]
            left, soon = (told["%s-%s" % (s, name)][what] for what in "rt")
            # What a bucket takes back lacks the time that it took: the last unit is there some moments later.
            if name in ("key", "bucket", "source") and left < want and soon <= MOMENTS:
                left += 1
            if not want - lost <= left <= max(want, 0):
                yield "%s-%s of key %d: left %d, want %d, cut %d" % (s, name, key, left, want, lost)

    def faults(self, site, cuts=False):
        """Sentences, none if all is exact; `cuts`: what ended without an answer may have been charged."""
        said = [*self._sums(cuts), *self._left(site, cuts)]
        said += ["%s: %s" % (name, what) for name, counts in self.told.items() for what in counts
                 if what.split()[0] not in ("200", "429", "cut")]
        said += re.findall(r".*:(?:crit|alert|emerg)\].*", site.server.error_log())
        return said

    @staticmethod
    def slots_are_back(site):
        """LIM-08: every organisation may have as many under way as before."""
        def full(key):
            got = site.get("/open/x.json", key="key-%d" % key)
            return got.status == 200 and ("open", {"r": OPEN - 1}) in parse_list(got.headers["RateLimit"])
        for key in range(0, KEYS, SHARES["org"]):
            wait_for(lambda: full(key), 30, "all slots to come back")


class Restarts:
    """Called after so many answers: a graceful restart, at most `most` of them."""

    def __init__(self, site, most):
        self.site, self.most, self.times = site, most, 0

    def __call__(self, _answers):
        if self.times < self.most:
            self.site.server.graceful(drained=False)
            self.times += 1


class Kills:
    """Called after so many answers: kill -9 of a child, where at least three others are left."""

    def __init__(self, site, _most=None):
        self.site, self.killed = site, set()

    @property
    def times(self):
        return len(self.killed)

    def __call__(self, answers):
        alive = [pid for pid in self.site.server.children() if pid not in self.killed]
        if len(alive) > 3:
            victim = alive[answers % len(alive)]
            os.kill(victim, signal.SIGKILL)
            self.killed.add(victim)


def clear_of_midnight(seconds=60):
    """Windows and quotas of a day begin anew at midnight, by either clock: waits where that is near."""
    for clock in (time.CLOCK_MONOTONIC, time.CLOCK_REALTIME):
        rest = 86400 - time.clock_gettime(clock) % 86400
        if rest < seconds:
            wait_seconds(rest + 1)
