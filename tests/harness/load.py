"""Many clients at once, and what they were told."""

import collections
import http.client
import os
import threading


class Load:
    """with Load(site, [(path, key name or None)], clients=8) as load: ...; load.counts[(path, key)][status].

    Each client makes a connection for each request and goes round the list until stop().  A connection that
    ends without an answer is counted under the status None.
    """

    def __init__(self, site, requests, clients=8):
        self.site, self.requests = site, requests
        self.counts = collections.defaultdict(collections.Counter)
        self.done, self.lock = threading.Event(), threading.Lock()
        self.threads = [threading.Thread(target=self._run, args=(i,), daemon=True) for i in range(clients)]

    def _run(self, at):
        while not self.done.is_set():
            path, key = self.requests[at % len(self.requests)]
            at += 1
            try:
                status = self.site.get(path, key=key, timeout=60).status
            except (OSError, http.client.HTTPException):
                status = None
            with self.lock:
                self.counts[path, key][status] += 1

    def answered(self, path, key, status=200):
        with self.lock:
            return self.counts[path, key][status]

    def total(self):
        with self.lock:
            return sum(sum(counts.values()) for counts in self.counts.values())

    def statuses(self):
        with self.lock:
            return {status for counts in self.counts.values() for status in counts}

    def stop(self):
        self.done.set()
        for thread in self.threads:
            thread.join(90)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop()


def cpu_seconds(pids):
    """What these processes have spent so far, in user and kernel."""
    ticks = 0
    for pid in pids:
        try:
            with open("/proc/%d/stat" % pid) as stat:
                fields = stat.read().rsplit(")", 1)[1].split()
        except OSError:
            continue  # it has gone
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def resident(pid):
    """VmRSS of a process in KB, or 0 if it has gone."""
    try:
        with open("/proc/%d/status" % pid) as status:
            return next((int(line.split()[1]) for line in status if line.startswith("VmRSS:")), 0)
    except OSError:
        return 0
