"""A flood of addresses through a trusted proxy, by limits of addresses and the limit of failures."""

import pytest
from harness.flood import Flood
from harness.storm import clear_of_midnight


# LIM-14, LIM-12, LIM-13, KEY-15: 3,000 addresses are some 4,500 entries for a table of 1,024
@pytest.mark.one_mpm
@pytest.mark.slow
def test_flood_of_addresses_takes_nothing_from_callers_and_gets_nothing_for_nothing(make_site):
    clear_of_midnight()
    flood = Flood(1024, keys=8)
    site = make_site(flood.conf, flood.prepare, modules=["remoteip"], children=4)
    flood.run(site, 3000)
    assert flood.faults() == []
    assert flood.addresses() == 3000
    strangers, guessers = flood.refused()
    # Who finds no room is refused: with the callers, the networks and one shared entry of each limit.
    assert 3000 - 1024 <= strangers + guessers < 3000
    state = site.store.json("status")["state"]
    assert state["table_overflow"] > 0 and state["live"] <= 1024
