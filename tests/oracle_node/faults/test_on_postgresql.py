"""A node whose store is PostgreSQL: killed between storing and sending, and the server restarted under it."""

from pathlib import Path

import pytest

from tests.oracle_node.faults.lone import LoneNode, last_slot, leader_of, settled, verdict
from tests.oracle_node.local_chain import Zone
from tests.oracle_node.postgresql import Server
from tests.oracle_node.processes import wait_for

pytestmark = pytest.mark.chain


def test_node__killed_before_sending_and_server_restarted__every_report_settles_once(
    zone: Zone, slot: int, postgresql_server: Server, tmp_path: Path
) -> None:
    node = LoneNode(tmp_path, zone, leader_of(zone, slot), store=postgresql_server.empty_database())
    node.give(verdict(zone, slot))
    node.start("die-after:reserve")
    assert node.wait_ended() == -9
    assert not settled(zone, slot)
    node.start()
    wait_for(lambda: settled(zone, slot), "settled")
    assert node.mined() == 1
    with postgresql_server.away():
        later = last_slot(zone)
        node.wait_said("slot not opened", 60)  # a connection to a server that is going may hang for a while
    wait_for(lambda: node.log().count("slot not opened") and node.status()["open"], "the slot is open")
    node.tell(verdict(zone, later))
    wait_for(lambda: settled(zone, later), "settled")
    assert node.mined() == 2
