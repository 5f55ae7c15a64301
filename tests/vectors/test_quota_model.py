"""Quotas on random traces, beside a reference that counts by the periods of Python's zoneinfo, with a wall clock that
steps (LIM-09).  SEED=N in the environment replays the traces from that seed alone; a failure names its seed.
"""

import datetime
import os
import random

import pytest

from limits_model import NEVER, SECOND
from test_limits_model import run
from test_zone import DAY, Zone

SEEDS = [int(os.environ["SEED"])] if os.environ.get("SEED") else list(range(1, 5))
UNITS = {"day": 0, "week": 2, "month": 4}
HOUR = 3600
LOST = 1  # leases of a caller: a period that comes back goes on at its lease

# A zone and a date near which its clock is changed: at 2 and 3, at midnight, by half an hour, by a day.
PLACES = [("UTC", "2026-03-01"), ("Europe/Berlin", "2026-03-29"), ("Europe/Berlin", "2026-10-25"),
          ("America/New_York", "2026-11-01"), ("America/Sao_Paulo", "2018-11-04"), ("America/Havana", "2026-11-01"),
          ("Australia/Lord_Howe", "2026-04-05"), ("Pacific/Apia", "2011-12-30"), ("America/St_Johns", "2010-11-07")]


class Quota:
    """One caller's: units by the begin of the period that they were consumed in."""

    def __init__(self, zone, unit, count):
        self.zone, self.at, self.count = zone, UNITS[unit], count
        self.used = {}

    def period(self, wall):
        found = self.zone.periods(wall // SECOND)
        return found[self.at], found[self.at + 1] * SECOND

    def take(self, wall, cost, bonus, spend):
        begin, end = self.period(wall)
        used, most = self.used.get(begin, 0), self.count + bonus
        if cost > most:
            said = "refuse 0 %d" % NEVER
        elif used + cost > most:
            said = "refuse 0 %d" % (end - wall)
        else:
            said = "allow 0"
            used += cost if spend else 0
            self.used[begin] = used
        return "%s %d/%d" % (said, max(0, most - used), end - wall if used else 0)


def start_of(date):
    return int(datetime.datetime.fromisoformat(date).replace(tzinfo=datetime.timezone.utc).timestamp()) * SECOND


def line_of(zone, unit, count):
    return "limit q quota count=%d zone=%s unit=%s" % (count, zone, unit)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("place,date", PLACES)
def test_a_quota_counts_by_the_calendar_of_its_zone(place, date, unit, seed):
    r = random.Random("%d %s %s %s" % (seed, place, date, unit))
    count = r.choice([1, 3, 10, 100, 1000])
    zone, callers = Zone(place), {}
    wall = start_of(date) - r.randrange(2 * DAY) * SECOND
    lines, want = [line_of(place, unit, count)], []
    for _ in range(150):
        caller, bonus = r.choice("ab"), r.choice([0, 0, 0, 5])
        cost = r.choice([1, 1, r.randrange(1, count + 1), count, count + 1])
        verb = r.choice(["take", "take", "take", "peek"])
        quota = callers.setdefault(caller, Quota(zone, unit, count))
        lines.append("%s %d %d q:%s:%d:%d" % (verb, wall, wall, caller, cost, bonus))
        want.append(quota.take(wall, cost, bonus, verb == "take"))
        step = r.random()
        if step < 0.5:
            wall += r.randrange(HOUR * SECOND)
        elif step < 0.7:  # to the end of the period, or just beside it
            wall = quota.period(wall)[1] + r.choice([-1, 0, 1, -60 * SECOND, r.randrange(2 * HOUR) * SECOND])
        else:
            wall += r.randrange(2 * DAY) * SECOND
    for line, said, wanted in zip(lines[1:], run(lines), want, strict=True):
        assert said == wanted, "seed %d: %s" % (seed, line)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("place,date", PLACES)
def test_a_clock_that_steps_by_an_hour_grants_no_period_twice(place, date, unit, seed):
    """Whatever the clock did, what was admitted in a period, which an answer names by its end, is at most the quota;
    and a wait that is told is true when the clock keeps still."""
    r = random.Random("%d %s %s %s" % (seed, place, date, unit))
    count = r.choice([1, 3, 10, 100])
    zone = Zone(place)
    period = Quota(zone, unit, count).period
    wall, mono = start_of(date) - r.randrange(DAY) * SECOND, 10**15
    lines, asked = [line_of(place, unit, count)], []
    for _ in range(300):
        cost = r.choice([1, 1, 1, r.randrange(1, count + 1)])
        lines.append("take %d %d q:a:%d" % (mono, wall, cost))
        asked.append((wall, cost))
        step = r.random()
        passed = r.randrange(HOUR * SECOND) if step < 0.6 else 0
        if step > 0.85:
            passed = period(wall)[1] - wall + r.choice([-1, 0, -1800 * SECOND, 600 * SECOND])
        mono += max(0, passed)
        wall += passed + r.choice([0, 0, 0, HOUR, -HOUR]) * SECOND
    admitted, ends, refused = {}, {}, 0
    for (wall, cost), said in zip(asked, run(lines), strict=True):
        word, *rest = said.split()
        left, reset = rest[-1].split("/")
        begin, end = period(wall)
        until = wall + int(reset) if int(reset) else end
        # The present period or the one after it, since the clock was set back by less than one.
        assert until in (end, period(end)[1]), "seed %d: %s" % (seed, said)
        if word == "allow":
            admitted[until] = admitted.get(until, 0) + cost
            assert admitted[until] <= count, "seed %d: %d of %d" % (seed, admitted[until], count)
            assert int(left) <= count - admitted[until]
        else:
            refused += 1
            assert int(rest[1]) == until - wall
            assert admitted.get(until, 0) + cost > count - LOST * ((count + 63) // 64)
    assert refused > 0 and len(admitted) > (unit == "day")
