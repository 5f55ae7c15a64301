"""Periods of all installed time zones, beside what Python's zoneinfo says of each instant (LIM-09)."""

import datetime
import glob
import json
import os
import random
import zoneinfo

import pytest

from test_vectors import run

DATABASE = "/usr/share/zoneinfo"
DAY, MINUTE = 86400, 60
UTC = datetime.timezone.utc
EPOCH = datetime.date(1970, 1, 1)
LAST = int(datetime.datetime(2100, 1, 1, tzinfo=UTC).timestamp())


def names():
    """Every file of the database that begins as a zone does."""
    for path in sorted(glob.glob(DATABASE + "/**", recursive=True)):
        if os.path.isfile(path):
            with open(path, "rb") as zone:
                if zone.read(4) == b"TZif":
                    yield os.path.relpath(path, DATABASE)


ALL = [n for n in names() if not n.startswith("right/")]


class Zone:
    """Periods by the definition: a day begins at the first minute whose local date is that day or a later one."""

    def __init__(self, name):
        with open(os.path.join(DATABASE, name), "rb") as zone:
            self.zone = zoneinfo.ZoneInfo.from_file(zone)
        self.starts = {}

    def offset(self, second):
        return int(datetime.datetime.fromtimestamp(second, self.zone).utcoffset().total_seconds())

    def date(self, second):
        return (second + self.offset(second)) // DAY

    def find_start(self, day):
        first, last = day * DAY - 27 * 3600, day * DAY + 27 * 3600
        offsets = {self.offset(second) for second in range(first, last, 3600)}
        if len(offsets) == 1:
            return -((offsets.pop() - day * DAY) // MINUTE) * MINUTE
        return next(second for second in range(first, last, MINUTE) if self.date(second) >= day)

    def start(self, day):
        if day not in self.starts:
            self.starts[day] = self.find_start(day)
        return self.starts[day]

    def periods(self, second):
        day = self.date(second // MINUTE * MINUTE)
        while self.start(day) > second:
            day -= 1
        while self.start(day + 1) <= second:
            day += 1
        date = EPOCH + datetime.timedelta(days=day)
        monday = day - date.weekday()
        month = (date.replace(day=1) - EPOCH).days
        following = ((date.replace(day=1) + datetime.timedelta(days=32)).replace(day=1) - EPOCH).days
        days = [day, day + 1, monday, monday + 7, month, following]
        return [max(self.start(d), 0) for d in days]

    def near_change(self, dice):
        """A second near one at which the clock is put forward or back, if a random half year has one."""
        low = dice.randrange(DAY * 3, LAST)
        high = low + 183 * DAY
        if self.offset(low) == self.offset(high):
            return low
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.offset(middle) == self.offset(low) else (low, middle)
        return high + dice.choice([0, -1, dice.randrange(-7200, 7200), dice.randrange(-2 * DAY, 2 * DAY)])


def same_files():
    """One name of each file: many zones have several."""
    seen = {}
    for name in ALL:
        with open(os.path.join(DATABASE, name), "rb") as zone:
            seen.setdefault(zone.read(), name)
    return sorted(seen.values())


def compare(rows):
    data = "".join(json.dumps({"id": name, "data": name, "at": at}) + "\n" for name, at in rows)
    for (name, at), row in zip(rows, run("zone", data.encode())):
        assert row["id"] == name
        zone = Zone(name)
        for second, got in zip(at, row["got"]):
            assert got == zone.periods(second), (name, second)
        assert len(row["got"]) == len(at)


def test_all_zones_and_random_times():
    assert len(ALL) > 400
    dice = random.Random(20261123)
    rows = []
    for name in same_files():
        zone = Zone(name)
        at = [dice.randrange(0, LAST) for _ in range(12)] + [zone.near_change(dice) for _ in range(3)]
        rows.append((name, at))
    compare(rows)


def test_every_name_opens():
    data = "".join(json.dumps({"id": name, "data": name, "at": [0]}) + "\n" for name in ALL)
    assert [row["id"] for row in run("zone", data.encode()) if not isinstance(row["got"], list)] == []


def test_the_ends_of_both_clocks_in_a_year_of_each_rule():
    """Each hour around both changes of a year, in zones that change at midnight, by half an hour, or backwards."""
    rows = []
    for name in ["Europe/Berlin", "Europe/Dublin", "America/New_York", "America/St_Johns", "America/Havana",
                 "America/Asuncion", "America/Sao_Paulo", "Africa/Cairo", "Asia/Beirut", "Asia/Tehran",
                 "Australia/Lord_Howe", "Pacific/Apia", "Pacific/Kwajalein", "Africa/Monrovia",
                 "Africa/Casablanca", "America/Scoresbysund", "Antarctica/Troll", "Pacific/Chatham", "America/Nuuk"]:
        zone = Zone(name)
        for year in (1970, 1972, 1988, 1993, 2006, 2011, 2018, 2026, 2037, 2038, 2077):
            first = int(datetime.datetime(year, 1, 3, tzinfo=UTC).timestamp())
            at = []
            for second in range(first, first + 366 * DAY, DAY // 2):
                if zone.offset(second) != zone.offset(second + DAY // 2):
                    at += range(second - 3600, second + DAY, 1800)
                    at += [second + 60 * n + 59 for n in range(0, 720, 97)]
            rows.append((name, at))
    assert sum(len(at) for _, at in rows) > 5000
    compare(rows)


@pytest.mark.parametrize("name,want", [
    ("", "want a name such as Europe/Berlin"),
    ("/etc/passwd", "want a name such as Europe/Berlin"),
    ("../zoneinfo/UTC", "want a name such as Europe/Berlin"),
    ("Europe/../UTC", "want a name such as Europe/Berlin"),
    ("Europe//Berlin", "want a name such as Europe/Berlin"),
    ("Europe/", "want a name such as Europe/Berlin"),
    ("tzdata.zi", "want a name such as Europe/Berlin"),
    ("Europe/Berlin\n", "want a name such as Europe/Berlin"),
    ("Europe\0/Berlin", "want a name such as Europe/Berlin"),
    (":Europe/Berlin", "want a name such as Europe/Berlin"),
    ("A" * 65, "want a name such as Europe/Berlin"),
    ("A" * 64, "there is none in /usr/share/zoneinfo; want one of its names"),
    ("Europe", "there is none in /usr/share/zoneinfo"),
    ("Mars/Olympus", 'time zone "Mars/Olympus": there is none in /usr/share/zoneinfo'),
    ("europe/berlin", "there is none in /usr/share/zoneinfo"),
    ("UTC/more", "there is none in /usr/share/zoneinfo"),
    ("leapseconds", "cannot be used: it has no TZif head"),
])
def test_a_name_that_is_none_is_named(name, want):
    [row] = run("zone", (json.dumps({"id": 1, "data": name, "at": [0]}) + "\n").encode())
    assert want in row["got"]


def test_leap_seconds_are_refused():
    if not os.path.exists(DATABASE + "/right/UTC"):
        pytest.skip("the database has no right/")
    [row] = run("zone", b'{"id":1,"data":"right/UTC","at":[0]}\n')
    assert "leap seconds" in row["got"]
