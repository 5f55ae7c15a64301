"""What both kinds of tests share: the folder of a test, and waiting."""

import os
import signal
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from harness import Folder, Store  # noqa: E402  (the path comes first)


@pytest.fixture
def folder():
    """A fresh folder that httpd's user can reach and that no other user can write."""
    with Folder() as made:
        yield made


@pytest.fixture
def new_store(folder):
    """A Store below `folder` that is not there yet: for tests of init itself."""
    return Store(folder.path("store"), folder.path("state"))


@pytest.fixture
def store(new_store):
    """A Store that init has made."""
    new_store.init()
    return new_store


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item):
    """A test that hangs fails, and what it has started is ended by its fixtures."""
    seconds = 900 if item.get_closest_marker("slow") else 240

    def give_up(*_):
        raise TimeoutError("the test has run for %d s" % seconds)

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
