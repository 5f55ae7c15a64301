"""Exactly what is allowed, whatever happens meanwhile: eleven limits on each request, 64 clients, eight processes."""

import glob
import os
import time

import pytest
from harness import Folder
from harness.crowd import Job, crowd
from harness.storm import Kills, Restarts, Storm, clear_of_midnight


@pytest.fixture
def make_storm(make_site):
    """make_storm(conf, **options of Storm) -> (storm, site)."""
    def make(conf="", **options):
        clear_of_midnight()
        storm = Storm(**options)
        return storm, make_site(conf + storm.conf, storm.prepare, modules=Storm.MODULES, children=8)

    return make


def lines_of(site, storm):
    """Each answer has one, and what was cut has none unless it was decided."""
    return site.server.wait_audit(lambda line: line["path"].endswith("/in/x.json"), count=storm.answers())


def served(lines):
    return sum(line["status"] == 200 for line in lines)


# LIM-13, LIM-02, LIM-23
@pytest.mark.one_mpm
def test_exactly_the_allowed_number(make_storm):
    storm, site = make_storm()
    storm.run(site)
    storm.finish(site)
    lines = lines_of(site, storm)
    assert len({line["pid"] for line in lines}) >= 8
    assert (len(lines), served(lines)) == (storm.answers(), storm.allowed())
    assert storm.faults(site) == []
    storm.slots_are_back(site)


# LIM-13, LIM-02, LIM-09, LIM-10: children end and begin; what a connection lost that httpd had closed was not charged
@pytest.mark.slow
def test_exactly_the_allowed_number_over_graceful_restarts(make_storm):
    storm, site = make_storm()
    restarts = Restarts(site, 3)
    storm.run(site, restarts, every=150)
    storm.finish(site)
    assert restarts.times == 3
    lines = lines_of(site, storm)
    assert served(lines) == storm.allowed()
    assert storm.faults(site, cuts=len(lines) > storm.answers()) == []
    storm.slots_are_back(site)


# LIM-13, LIM-02, LIM-08, LIM-10
@pytest.mark.slow
def test_children_that_are_killed_cost_what_they_had_not_answered(make_storm):
    storm, site = make_storm()
    kills = Kills(site)
    storm.run(site, kills, every=80)
    storm.finish(site)
    assert kills.times >= 5
    assert served(site.server.audit()) <= storm.allowed()
    assert storm.faults(site, cuts=True) == []
    storm.slots_are_back(site)


FILL = """
ApiSecTable 1024
<Location /fill>
    ApiSecRequire public
    ApiSecLimit fill rate=1/d by=ip
</Location>
"""


def fill(site, first=0):
    """Two requests of each of 1,600 addresses; what they were told together, and how many were let in."""
    jobs = [Job("fill", "/fill/x.json", count=400, address="{address}", first=first + 200 * i, times=2)
            for i in range(8)]
    told = crowd(site.server.port, jobs)["fill"]
    return set(told), sum(n * what.split(",").count("200") for what, n in told.items())


# LIM-14, LIM-13: who has begun goes on exactly where he is, and who finds no room is not unlimited
@pytest.mark.one_mpm
@pytest.mark.slow
def test_full_table_forgets_nobody_and_lets_nobody_in_for_nothing(make_storm):
    storm, site = make_storm(FILL)
    site.folder.write("htdocs/fill/x.json", "{}\n")
    storm.run(site, count=2)
    told, let_in = fill(site)
    assert told <= {"200,429 fill", "429 fill,429 fill"}
    # The store has 256 places of its own; one more is let in by the entry that is shared; places of which no address
    # came by are left for others.
    room = 1024 + 256 - storm.cells() + 1
    assert 512 <= let_in <= room
    assert fill(site) == ({"429 fill,429 fill"}, 0)
    storm.run(site)
    storm.finish(site)
    lines = lines_of(site, storm)
    assert (len(lines), served(lines)) == (storm.answers(), storm.allowed())
    assert storm.faults(site) == []
    storm.slots_are_back(site)
    told, more = fill(site, first=5000)
    assert "200,200" not in told and let_in + more <= room
    assert site.store.json("status")["state"]["table_overflow"] > 0


class Wall:
    """The wall clock of a server, by libfaketime: set(hours) from the midnight, UTC, in ten days."""

    LIBRARY = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")

    def __init__(self, folder):
        self.folder, now = folder, int(time.time())
        self.ahead = now // 86400 * 86400 + 10 * 86400 - now
        self.set(0)
        self.env = {"LD_PRELOAD": self.LIBRARY[0], "FAKETIME_TIMESTAMP_FILE": folder.path("offset"),
                    "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}

    def day(self, n):
        """The date that begins with hour 24 * n."""
        return time.strftime("%Y-%m-%d", time.gmtime(time.time() // 86400 * 86400 + (10 + n) * 86400))

    def set(self, hours):
        self.folder.write("offset.new", "+%d\n" % (self.ahead + hours * 3600))
        os.replace(self.folder.path("offset.new"), self.folder.path("offset"))


CLOCK = """
ApiSecEngine On
ApiSecRequireTLS Off
<Location /day>
    ApiSecLimit day quota=20/day by=key
    ApiSecLimit bucket rate=50/d by=key
    ApiSecLimit window rate=50/d by=key algorithm=sliding-window
    ApiSecLimit fixed rate=50/d by=key algorithm=fixed-window
</Location>
"""


def spend_all(site, steps, wall):
    """What each key is let in while the clock steps, and after it has stepped to the first of these hours again."""
    def step(answers):
        wall.set(steps[answers // 40 % len(steps)])

    def jobs(clients):
        return [Job(str(i % 8), "/day/x.json", site.keys["key-%d" % (i % 8)], refusals=3) for i in range(clients)]

    wall.set(steps[0])
    told = crowd(site.server.port, jobs(64), every=40, during=step)
    wall.set(steps[0])
    for name, counts in crowd(site.server.port, jobs(8)).items():
        told[name].update(counts)
    assert {what.split()[0] for counts in told.values() for what in counts} <= {"200", "429", "cut"}
    return {counts["200"] for counts in told.values()}


# LIM-04, LIM-09: the wall clock steps, the monotonic one does not
@pytest.mark.one_mpm
@pytest.mark.slow
def test_wall_clock_that_steps_gives_each_day_once_and_no_window_twice(make_site):
    def prepare(site):
        site.role("reader", "GET /**")
        for i in range(8):
            site.key("key-%d" % i)
        site.folder.write("htdocs/day/x.json", "{}\n")

    clear_of_midnight()
    with Folder() as folder:
        wall = Wall(folder)
        site = make_site(CLOCK, prepare, children=8, env=wall.env)
        assert spend_all(site, [22.5, 23.5, 21.5], wall) == {20}
        assert spend_all(site, [24.5, 23.5], wall) == {20}
        assert spend_all(site, [23.5, 22.5, 24.5, 25.5], wall) == {0}
        # The third day's quota would be 20 again: what hangs on the monotonic clock has ten left.
        assert spend_all(site, [48.5, 47.5, 24.5], wall) == {10}
        assert spend_all(site, [72.5], wall) == {0}
        assert {line["ts"][:10] for line in site.server.audit()} >= {wall.day(n) for n in range(4)}
