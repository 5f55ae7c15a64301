"""Fixtures for a real httpd; the MPM comes from $MPM (default event)."""

import pytest

from harness import MPM, Server, Site


@pytest.fixture(autouse=True)
def audit_log_of_this_test():
    """A server that tests share has lines of the tests before: wait_audit() leaves them out."""
    Server.begin_test()


@pytest.fixture
def make_server(folder):
    """make_server(conf, start=True, **options of Server) -> Server in `folder`; stopped at the end."""
    made = []

    def make(conf="", start=True, **options):
        server = Server(folder, conf, **options)
        made.append(server)
        if start:
            server.start()
        return server

    yield make
    faults = []
    for server in made:
        try:
            server.stop()
            server.check()
        except Exception as fault:
            faults.append(fault)
        finally:
            print(server.report())  # shown by pytest if the test failed
    if faults:
        raise faults[0]


@pytest.fixture
def make_site():
    """make_site(conf, prepare, **options of Site) -> Site; closed at the end."""
    made = []

    def make(conf, prepare=None, **options):
        made.append(Site(conf, prepare, **options))
        return made[-1]

    yield make
    faults = []
    for site in made:
        try:
            site.close()
        except Exception as fault:
            faults.append(fault)
    if faults:
        raise faults[0]


def pytest_collection_modifyitems(config, items):
    if MPM == "event":
        return
    left_out = [item for item in items if item.get_closest_marker("one_mpm")]
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=left_out)
