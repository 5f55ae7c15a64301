"""Slow reference of the limiter's algorithms, written from the formulas of docs/REQUIREMENTS.md.

Each class keeps one caller.  `admits(now, cost)` and `free(now)` (whole units that could be spent now) are the
formulas; when something becomes possible is found by bisection over time, since all of them only rise while
nothing is spent.
"""

from fractions import Fraction

SECOND = 10**9
NEVER = 2**63 - 1


def ceil(x):
    return -((-x.numerator) // x.denominator) if isinstance(x, Fraction) else x


def earliest(now, is_so):
    """The first instant from `now` on at which is_so(t), which once true stays so."""
    if is_so(now):
        return now
    step = 1
    while not is_so(now + step):
        step *= 2
    low, high = now + step // 2, now + step
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if is_so(middle) else (middle, high)
    return high


class Model:
    """What all algorithms share."""

    most = 0  # units that can ever be spent at once

    def delay_of(self, now, cost):
        return 0

    def wait(self, now, cost):
        if cost > self.most:
            return NEVER
        return earliest(now, lambda t: self.admits(t, cost)) - now

    def left(self, now):
        free = self.free(now)
        if self.is_fresh(now):
            return free, 0
        return free, earliest(now, lambda t: self.free(t) > free) - now


class Gcra(Model):
    """LIM-01 to LIM-03, and LIM-07: a delay."""

    def __init__(self, count, period, burst=0, delay=0):
        self.T = (period + count - 1) // count
        self.most = burst or count
        self.delay = delay
        self.tat = 0

    def new(self, now, cost):
        return max(self.tat, now) + cost * self.T

    def admits(self, now, cost):
        return cost <= self.most and self.new(now, cost) - now <= self.most * self.T + self.delay

    def delay_of(self, now, cost):
        return max(0, self.new(now, cost) - now - self.most * self.T)

    def spend(self, now, cost):
        self.tat = self.new(now, cost)

    def free(self, now):
        return max(0, (self.most * self.T - max(0, self.tat - now)) // self.T)

    def is_fresh(self, now):
        return self.tat <= now


class LeakyBucket(Gcra):
    """LIM-07: who is admitted waits max(0, TAT - now), at most `delay`."""

    def admits(self, now, cost):
        return cost <= self.most and self.delay_of(now, cost) <= self.delay

    def delay_of(self, now, cost):
        return max(0, self.tat - now)


class TokenBucket(Model):
    """LIM-06, with tokens in fractions: min(B, tokens + max(0, dt) * rate)."""

    def __init__(self, count, period, burst=0):
        self.rate = Fraction(1, (period + count - 1) // count)
        self.most = burst or count
        self.tokens = Fraction(self.most)
        self.at = 0

    def now_has(self, now):
        return min(Fraction(self.most), self.tokens + max(0, now - self.at) * self.rate)

    def admits(self, now, cost):
        return self.now_has(now) >= cost

    def spend(self, now, cost):
        self.tokens, self.at = self.now_has(now) - cost, now

    def free(self, now):
        return int(self.now_has(now))

    def is_fresh(self, now):
        return self.now_has(now) == self.most


class Windows(Model):
    """Counts by the number of the window since boot."""

    def __init__(self, count, period):
        self.most, self.length = count, period
        self.counts = {}

    def count(self, window):
        return self.counts.get(window, 0)

    def spend(self, now, cost):
        window = now // self.length
        self.counts[window] = self.count(window) + cost

    def admits(self, now, cost):
        return self.used(now) + cost <= self.most

    def free(self, now):
        return max(0, self.most - self.used(now))

    def is_fresh(self, now):
        return self.used(now) == 0


class FixedWindow(Windows):
    def used(self, now):
        return self.count(now // self.length)


class SlidingWindow(Windows):
    """LIM-05."""

    def used(self, now):
        window, elapsed = divmod(now, self.length)
        return ceil(Fraction(self.count(window - 1) * (self.length - elapsed), self.length)) + self.count(window)


KINDS = {
    "gcra": Gcra,
    "token-bucket": TokenBucket,
    "leaky-bucket": LeakyBucket,
    "fixed-window": FixedWindow,
    "sliding-window": SlidingWindow,
}


class Limiter:
    """All callers of all limits; says what tests/vectors/limits prints."""

    def __init__(self):
        self.limits, self.callers = {}, {}

    def limit(self, name, kind, **words):
        self.limits[name] = (KINDS[kind], words)

    def of(self, name, caller):
        if (name, caller) not in self.callers:
            kind, words = self.limits[name]
            self.callers[name, caller] = kind(**words)
        return self.callers[name, caller]

    def take(self, now, asks, spend=True):
        """asks: (name, caller, cost).  All or nothing; the longest wait is told."""
        models = [(self.of(name, caller), cost) for name, caller, cost in asks]
        waits = [m.wait(now, cost) for m, cost in models]
        if any(waits):
            text = "refuse %d %d" % (waits.index(max(waits)), max(waits))
        else:
            text = "allow %d" % max(m.delay_of(now, cost) for m, cost in models)
            for m, cost in models if spend else ():
                m.spend(now, cost)
        return " ".join([text] + ["%d/%d" % m.left(now) for m, _ in models])
