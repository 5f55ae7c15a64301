"""A flood of addresses while callers with keys are in the middle of their limits."""

from .crowd import Job, crowd
from .fields import parse_list
from .server import MPM

ALLOWED = 30
CONF = """
ApiSecEngine On
ApiSecRequireTLS Off
LogLevel notice
MaxKeepAliveRequests 0
ApiSecTable %d
ApiSecFailLimit 1/d
<Location /live>
    ApiSecLimit bucket rate=%d/d by=key
    ApiSecLimit window rate=%d/d algorithm=sliding-window by=key+route
    ApiSecLimit day quota=%d/day by=user
</Location>
<Location /flood>
    ApiSecLimit host rate=2/d by=ip
    ApiSecLimit net rate=100000/d by=ip/24/48
</Location>
<Location /flood/public>
    ApiSecRequire public
</Location>
"""
# A child with fewer threads than connections closes some, and so does one that is ended since it has nothing to do.
THREADS = "ThreadLimit 64\nThreadsPerChild 64\nMaxRequestWorkers 1024\nMaxSpareThreads 1024\n"
# What each address is told, which asks four times: without a key, and with a wrong one.
STRANGER = "200,200,429 host,429 host"
GUESSER = "401,429 authentication,429 host,429 host"
TIMES = 4


class Flood:
    """Site(flood.conf, flood.prepare, modules=["remoteip"]); flood.run(site, addresses); flood.faults()."""

    def __init__(self, table, keys, mpm=MPM):
        self.keys = keys
        self.conf = CONF % (table, ALLOWED, ALLOWED, ALLOWED)
        if mpm != "prefork":
            self.conf += THREADS
        self.strangers, self.guessers, self.live = {}, {}, []
        self.requests = 0

    def prepare(self, site):
        site.role("reader", "GET /**")
        for i in range(self.keys):
            site.key("key-%d" % i, owner="user-%d" % i)
        for name in ("live", "flood/public"):
            site.folder.write("htdocs/%s/x.json" % name, "{}\n")

    @staticmethod
    def _live(site, key, count=1 << 40, refusals=0):
        # By the proxy, which passes the request of a client with a name like any other.
        return Job("live %d" % key, "/live/x.json", site.keys["key-%d" % key], count, refusals, "203.0.113.%d" % (key + 1))

    def _flood(self, site, addresses, chunk):
        """Half of the addresses ask for what is public, half guess; between them, now and then, who has a key."""
        asked = 0
        for i, first in enumerate(range(0, addresses, chunk)):
            kind, path, key = (("strangers", "/flood/public/x.json", None), ("guessers", "/flood/x.json", "hunter2"))[i % 2]
            yield Job(kind, path, key, min(chunk, addresses - first) * TIMES, 0, "{address}", first, TIMES)
            while asked < self.keys * 10 * (first + chunk) // addresses:
                yield self._live(site, asked % self.keys, 1)
                asked += 1

    def _crowd(self, site, jobs):
        told = crowd(site.server.port, jobs)
        self.requests += sum(n * (what.count(",") + 1) for counts in told.values() for what, n in counts.items())
        return told

    def run(self, site, addresses, chunk=250):
        before = self._crowd(site, [self._live(site, key, 10) for key in range(self.keys)])
        flood = self._crowd(site, self._flood(site, addresses, chunk))
        self.strangers, self.guessers = flood.pop("strangers"), flood.pop("guessers")
        after = self._crowd(site, [self._live(site, key, refusals=3) for key in range(self.keys)])
        for key in range(self.keys):
            told = [answers["live %d" % key] for answers in (before, flood, after)]
            left = site.get("/live/x.json", key="key-%d" % key).headers["RateLimit"]
            self.live.append((told, {limit: values["r"] for limit, values in parse_list(left)}))

    def addresses(self):
        return sum(self.strangers.values()) + sum(self.guessers.values())

    def refused(self):
        """Newcomers who were refused what they had not asked for before: who found no room shares."""
        return (sum(n for what, n in self.strangers.items() if what.startswith("429")),
                sum(n for what, n in self.guessers.items() if what.startswith("429")))

    def granted(self):
        """Addresses that were let in, or could guess, more often than one may."""
        return (sum(n for what, n in self.strangers.items() if what.split(",").count("200") > 2),
                sum(n for what, n in self.guessers.items() if what.split(",").count("401") > 1))

    @staticmethod
    def _is_exact(told, left):
        """A third before, a third meanwhile, and then all that is left; httpd closes a kept connection now and then."""
        third = all(set(answers) <= {"200", "cut"} and sum(answers.values()) == 10 for answers in told[:2])
        total = sum(answers["200"] for answers in told)
        return third and total == ALLOWED and left == {"bucket": 0, "window": 0, "day": 0}

    def faults(self):
        """Sentences, none if nobody got more than is allowed and no live caller lost anything."""
        said = ["key %d: %s, left %s" % (key, *got) for key, got in enumerate(self.live) if not self._is_exact(*got)]
        said += ["strangers: %s" % what for what in self.strangers
                 if set(what.split(",")) - {"200", "429 host", "cut"}]
        said += ["guessers: %s" % what for what in self.guessers
                 if set(what.split(",")) - {"401", "429 authentication", "429 host", "cut"}]
        if self.granted() != (0, 0):
            said.append("too much was granted: %s %s" % (dict(self.strangers), dict(self.guessers)))
        return said
