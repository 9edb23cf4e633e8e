"""A full disk: nothing is signed or sent that is not stored, the log says why, and all goes on when there is room."""

from pathlib import Path

import pytest

from tests.oracle_node.faults.hostile import HostileRpc
from tests.oracle_node.faults.lone import LoneNode, leader_of, settled, verdict
from tests.oracle_node.local_chain import Zone
from tests.oracle_node.processes import Street, get_json, wait_for

pytestmark = pytest.mark.chain


def fill(folder: Path) -> Path:
    """Leave no byte free; the file to delete."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                """More fits."""
        except OSError:
            return filler
    raise AssertionError("the disk takes nothing, and does not say so")


def nothing_sent_while_full(zone: Zone, proxy: HostileRpc, disk: Path, folder: Path, *patches: str) -> LoneNode:
    """The disk of a running node is full when a report comes that it is to submit; the node."""
    slot = zone.chain.now() // 900
    node = LoneNode(folder, zone, (leader_of(zone, slot) + 1) % 4, [proxy.url], store=str(disk / "node.sqlite"))
    node.start(*patches)
    wait_for(node.status, "the node answers")
    fill(disk)
    zone.chain.move_to((slot + 1) * 900)
    wait_for(lambda: node.status()["now"] >= (slot + 1) * 900, "the slot is over")
    node.tell(verdict(zone, slot))
    wait_for(lambda: proxy.raw or "report not sent" in node.log(), "it tries")
    assert not proxy.raw
    return node


def test_disk__full_when_a_report_comes__nothing_is_sent_until_there_is_room(
    zone: Zone, proxy: HostileRpc, small_disk: Path, tmp_path: Path
) -> None:
    slot = zone.chain.now() // 900
    node = nothing_sent_while_full(zone, proxy, small_disk, tmp_path)
    (small_disk / "filler").unlink()
    wait_for(lambda: settled(zone, slot), "settled")
    wait_for(lambda: not node.rows("select 1 from intent where state = 'pending'"), "the outbox is closed")
    assert node.mined() == 1


def test_disk__sends_what_it_could_not_store__the_check_fails(
    zone: Zone, proxy: HostileRpc, small_disk: Path, tmp_path: Path
) -> None:
    with pytest.raises(AssertionError):
        nothing_sent_while_full(zone, proxy, small_disk, tmp_path, "without:refusal_to_send")


def test_node__started_on_a_full_disk__one_sentence(leader: LoneNode, proxy: HostileRpc, small_disk: Path) -> None:
    leader.config.write_text(leader.config.read_text().replace('"node.sqlite"', f'"{small_disk / "node.sqlite"}"'))
    fill(small_disk)
    leader.start()
    assert leader.wait_ended() == 2
    assert "free disk space" in leader.log()
    assert not proxy.raw


def waited_for(street: Street) -> list[bool]:
    """Per operator, whether the gateway still has readings that it did not confirm."""
    return [one["backlog"] > 0 for one in get_json(f"{street.gateways[0].url}/status")["operators"]]


def test_disk__full_at_one_operator__others_settle_and_it_catches_up_with_every_reading(
    street: Street, small_disk: Path
) -> None:
    full = street.nodes[3]
    full.config.write_text(full.config.read_text().replace('"node.sqlite"', f'"{small_disk / "node.sqlite"}"'))
    first = street.begin()
    filler = fill(small_disk)
    for slot in (first, first + 1):
        street.end_slot(slot)
        street.wait_settled(slot, 60)
    assert "the store cannot be written (database or disk is full)" in full.log()
    wait_for(lambda: waited_for(street) == [False, False, False, True], "all but one have every reading")
    filler.unlink()
    street.wait_delivered()
    street.end_slot(first + 2)
    street.wait_settled(first + 2, 60)
    wait_for(lambda: any(stamp["slot"] == first + 2 and "proposed_ns" in stamp for stamp in full.stamps()), "it votes")
