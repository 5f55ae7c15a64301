"""Each algorithm of the limiter against a slow reference (limits_model.py), on random traces.

SEED=N in the environment replays the traces from that seed alone; a failure names its seed.
"""

import os
import random
import subprocess

import pytest

from harness import BUILD
from limits_model import NEVER, SECOND, Limiter

SEEDS = [int(os.environ["SEED"])] if os.environ.get("SEED") else list(range(1, 9))
MINUTE, HOUR, DAY = 60 * SECOND, 3600 * SECOND, 86400 * SECOND
# In the past of the machine's boot, so that a test notices a clock that was read.
START = 5000 * SECOND


def run(lines):
    done = subprocess.run([os.path.join(BUILD, "tests/vectors/limits")], input="\n".join(lines) + "\n",
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split("\n")[:-1]


class Trace:
    """Lines for the program, and what the model says of them."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.seed, self.model = seed, Limiter()
        self.lines, self.want = [], []
        self.now = START + self.random.randrange(HOUR)

    def limit(self, name, kind, **words):
        self.lines.append(" ".join(["limit", name, kind] + ["%s=%d" % word for word in words.items()]))
        self.model.limit(name, kind, **words)

    def take(self, *asks, verb="take"):
        said = self.model.take(self.now, asks, verb == "take")
        self.lines.append(" ".join([verb, str(self.now), str(self.now)] + ["%s:%s:%d" % ask for ask in asks]))
        self.want.append(said)
        return said.split()

    def check(self):
        got = run(self.lines)
        asked = [line for line in self.lines if not line.startswith("limit")]
        assert len(got) == len(self.want)
        for line, said, want in zip(asked, got, self.want):
            assert said == want, "seed %d: %s" % (self.seed, line)


def some_limit(trace, kind):
    """A limit of the kind, and about how long one unit takes."""
    r = trace.random
    period = r.choice([SECOND, MINUTE, HOUR, DAY])
    count = r.choice([1, 2, 3, 7, 10, r.randrange(1, 100), r.randrange(1, 65536)])
    words = {"count": count, "period": period}
    if kind in ("gcra", "token-bucket", "leaky-bucket") and r.random() < 0.5:
        words["burst"] = r.choice([1, 2, 5, count])
    if kind == "leaky-bucket" or (kind == "gcra" and r.random() < 0.4):
        words["delay"] = r.choice([1, period // count, period, r.randrange(1, 2 * period)])
    return words, max(1, period // count)


def walk(trace, name, kind):
    """Some hundred requests at instants that matter: together, at the end of a wait and just before it, at the
    edges of windows, and after long rests."""
    words, unit = some_limit(trace, kind)
    trace.limit(name, kind, **words)
    r = trace.random
    most = words.get("burst", words["count"])
    for _ in range(300):
        caller = r.choice("abc")
        cost = r.choice([1, 1, 1, r.randrange(1, most + 1), r.randrange(1, most + 1), most + 1])
        said = trace.take((name, caller, cost), verb=r.choice(["take", "take", "take", "peek"]))
        wait = int(said[2]) if said[0] == "refuse" else 0
        if wait not in (0, NEVER) and r.random() < 0.5:
            # LIM-03: not a nanosecond before, and then certainly.
            trace.now += wait - 1
            assert trace.take((name, caller, cost))[0] == "refuse"
            trace.now += 1
            assert trace.take((name, caller, cost))[0] == "allow"
        step = r.random()
        if step < 0.4:
            trace.now += r.randrange(unit + 1)
        elif step < 0.6:
            trace.now += r.randrange(words["period"])
        elif step < 0.7:  # to the edge of a window, or just beside it
            trace.now += words["period"] - trace.now % words["period"] + r.choice([-1, 0, 1])
        elif step < 0.73:
            trace.now += r.randrange(4 * words["period"])


# LIM-01..06
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kind", ["gcra", "token-bucket", "fixed-window", "sliding-window"])
def test_an_algorithm_decides_as_its_formula(kind, seed):
    for part in range(2):
        trace = Trace(seed * 100 + part)
        walk(trace, "x", kind)
        trace.check()


# LIM-07
@pytest.mark.parametrize("seed", SEEDS)
def test_a_leaky_bucket_tells_each_one_his_turn(seed):
    for part in range(2):
        trace = Trace(seed * 100 + part)
        walk(trace, "x", "leaky-bucket")
        trace.check()


# LIM-06
@pytest.mark.parametrize("seed", SEEDS)
def test_a_token_bucket_decides_exactly_as_gcra(seed):
    """Both models on one trace, so that neither can agree with the program by the same mistake."""
    trace = Trace(seed)
    words, unit = some_limit(trace, "token-bucket")
    for kind in ("gcra", "token-bucket"):
        trace.limit(kind, kind, **words)
    for _ in range(300):
        cost = trace.random.randrange(1, words.get("burst", words["count"]) + 1)
        assert trace.take(("gcra", "a", cost)) == trace.take(("token-bucket", "a", cost))
        trace.now += trace.random.randrange(2 * unit * cost)
    trace.check()


# LIM-13
@pytest.mark.parametrize("seed", SEEDS)
def test_limits_of_all_kinds_are_charged_together_or_not_at_all(seed):
    trace = Trace(seed)
    r = trace.random
    kinds = ["gcra", "token-bucket", "leaky-bucket", "fixed-window", "sliding-window"]
    words = {}
    for kind in kinds:
        words[kind], _ = some_limit(trace, kind)
        words[kind]["count"] = r.randrange(5, 30)
        words[kind]["period"] = r.choice([10 * SECOND, 30 * SECOND, MINUTE])
        words[kind].pop("burst", None)
        trace.limit(kind, kind, **words[kind])
    for _ in range(400):
        asked = r.sample(kinds, r.randrange(1, len(kinds) + 1))
        trace.take(*[(kind, r.choice("ab"), r.choice([1, 1, 1, 2, 5])) for kind in asked])
        trace.now += r.choice([0, 0, 0, r.randrange(SECOND), r.randrange(5 * SECOND)])
    trace.check()
    refused = sum(line.startswith("refuse") for line in trace.want)
    assert 0 < refused < 400


def test_what_no_limit_can_be_is_said():
    for line, why in [
        ("limit x sliding-window count=65536 period=%d" % SECOND,
         "a sliding window counts to 65535, not to 65536: want algorithm=gcra for more"),
        ("limit x fixed-window count=1 period=%d" % (2 * DAY), "want whole seconds, at most a day"),
        ("limit x sliding-window count=1 period=%d" % (SECOND + 1), "want whole seconds, at most a day"),
        ("limit x fixed-window count=0 period=%d" % SECOND, "a rate of 0 in"),
        ("limit x leaky-bucket count=1 period=%d" % SECOND, "a delay of 0 ns: want more than 0"),
        ("limit x gcra count=1 period=%d burst=4000" % DAY, "more than ten years"),
    ]:
        [said] = run([line])
        assert said.startswith("error ") and why in said
