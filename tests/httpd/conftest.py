"""Fixtures for a real httpd; the MPM comes from $MPM (default event)."""

import pytest

from harness import Server


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
