"""Five blocks are replaced and a settlement with them: it is noticed, and sent again."""

from pathlib import Path

import pytest

from tests.oracle_node.faults.lone import LoneNode, last_slot, leader_of, settled, verdict
from tests.oracle_node.local_chain import LocalChain, Zone
from tests.oracle_node.processes import wait_for

pytestmark = pytest.mark.chain

DEEP = 5


@pytest.fixture
def torn(own_chain: LocalChain) -> tuple[Zone, int]:
    """A zone on a chain of its own and a slot that is over."""
    zone = own_chain.new_zone(operators=4, sites=3)
    slot = last_slot(zone)
    for _ in range(DEEP):
        own_chain.request("evm_mine")
    return zone, slot


def settled_then_replaced(zone: Zone, slot: int, *settling: LoneNode) -> None:
    """The slot settles; then the block of its settlement and the four after it are replaced by empty ones."""
    wait_for(lambda: settled(zone, slot), "settled")
    for node in settling:
        wait_for(lambda n=node: n.rows("select 1 from settlement where block is not null"), f"{node.name} has noted it")
    for _ in range(DEEP - 1):
        zone.chain.request("evm_mine")
    zone.chain.request("anvil_reorg", DEEP, [])
    assert not settled(zone, slot)


def check_settled_again(zone: Zone, slot: int, node: LoneNode, seconds: float = 15) -> None:
    """Settled in the chain as it is now, by one transaction, and the node notes the new block."""
    wait_for(lambda: settled(zone, slot), "settled again", seconds)
    assert node.mined() == 1
    node.wait_said("block replaced")


@pytest.mark.parametrize("patches", [(), ("unanswered:reopen",)], ids=["answered", "answer of the database lost"])
def test_reorg__settlement_vanished__same_bytes_are_sent_again(
    torn: tuple[Zone, int], tmp_path: Path, patches: tuple[str, ...]
) -> None:
    zone, slot = torn
    node = LoneNode(tmp_path, zone, leader_of(zone, slot))
    node.give(verdict(zone, slot))
    node.start(*patches)
    settled_then_replaced(zone, slot, node)
    check_settled_again(zone, slot, node)
    assert node.log().count("the line broke before the answer") == len(patches)
    assert len(node.rows("select 1 from attempt")) == 1
    for _ in range(70):  # deeper than what can be replaced
        zone.chain.request("evm_mine")
    wait_for(lambda: not node.rows("select 1 from intent union select 1 from settlement"), "what is final is forgotten")
    assert node.rows("select next_nonce from account") == [(1,)]


def test_reorg__while_the_node_was_down__noticed_after_restart(torn: tuple[Zone, int], tmp_path: Path) -> None:
    zone, slot = torn
    node = LoneNode(tmp_path, zone, leader_of(zone, slot))
    node.give(verdict(zone, slot))
    node.start()
    wait_for(lambda: settled(zone, slot), "settled")
    wait_for(lambda: node.rows("select 1 from intent where state = 'mined'"), "the outbox is closed")
    node.kill()
    settled_then_replaced(zone, slot)
    node.start()
    check_settled_again(zone, slot, node)


@pytest.mark.parametrize("patches", [(), ("unanswered:unsettle",)], ids=["answered", "answer of the database lost"])
def test_reorg__who_had_settled_is_dead__another_operator_settles(
    torn: tuple[Zone, int], tmp_path: Path, patches: tuple[str, ...]
) -> None:
    zone, slot = torn
    first, second = (LoneNode(tmp_path, zone, (leader_of(zone, slot) + rank) % 4) for rank in (0, 1))
    for node in (first, second):
        node.give(verdict(zone, slot))
        node.start(*patches)
    wait_for(lambda: second.rows("select 1 from settlement where block is not null"), "the second one has seen it")
    first.kill()
    settled_then_replaced(zone, slot, second)
    wait_for(lambda: settled(zone, slot), "settled again")
    assert (first.mined(), second.mined()) == (0, 1)


def test_reorg__nobody_looks_whether_blocks_stay__the_check_fails(torn: tuple[Zone, int], tmp_path: Path) -> None:
    zone, slot = torn
    node = LoneNode(tmp_path, zone, leader_of(zone, slot))
    node.give(verdict(zone, slot))
    node.start("without:finality")
    settled_then_replaced(zone, slot, node)
    with pytest.raises(AssertionError):
        check_settled_again(zone, slot, node, seconds=4)
