"""Chain nodes that are down, never answer, lie about the nonce, lag, or stand elsewhere: the next one is used."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.oracle_node.faults.hostile import HostileRpc
from tests.oracle_node.faults.lone import LoneNode, leader_of, settled, verdict
from tests.oracle_node.local_chain import LocalChain, Zone
from tests.oracle_node.processes import Street, wait_for
from tests.oracle_node.test_street_processes import check_settled_as_metered

pytestmark = pytest.mark.chain

Misbehave = Callable[[HostileRpc], None]


def stall(proxy: HostileRpc) -> None:
    """Accept and never answer."""
    proxy.stalled = True


def be_down(proxy: HostileRpc) -> None:
    """Refuse connections."""
    proxy.down()


def lie_high(proxy: HostileRpc) -> None:
    """Tell of transactions that never were."""
    proxy.nonce_off = 7


def lag(proxy: HostileRpc) -> None:
    """Stay at the present block for ever."""
    proxy.freeze()


def use_up_quota(proxy: HostileRpc) -> None:
    """Answer everything with an error."""
    proxy.refusals["*"] = {"code": -32005, "message": "daily request count exceeded"}


def talk_nonsense(proxy: HostileRpc) -> None:
    """Answer with what is no block and no number."""
    proxy.nonsense = True


@pytest.fixture
def two_nodes(zone: Zone, slot: int, proxy: HostileRpc, tmp_path: Path) -> LoneNode:
    """The leader's node with the proxy as its preferred chain node, and a good one after it."""
    node = LoneNode(tmp_path, zone, leader_of(zone, slot), [proxy.url, zone.chain.url])
    node.give(verdict(zone, slot))
    return node


def settles(node: LoneNode, zone: Zone, slot: int, seconds: float = 20) -> None:
    """The node's own transaction settles the slot."""
    wait_for(lambda: settled(zone, slot), "settled", seconds)
    assert node.mined() == 1


@pytest.mark.parametrize("how", [stall, be_down, lie_high, use_up_quota, talk_nonsense])
def test_node__preferred_chain_node_misbehaves_from_the_start__settles(
    two_nodes: LoneNode, zone: Zone, slot: int, proxy: HostileRpc, how: Misbehave
) -> None:
    how(proxy)
    two_nodes.start()
    settles(two_nodes, zone, slot)


def follows(node: LoneNode, zone: Zone, proxy: HostileRpc, how: Misbehave, *patches: str) -> None:
    """The preferred chain node of a running node misbehaves; the node still follows the chain."""
    node.start(*patches)
    wait_for(lambda: settled(zone, zone.chain.now() // 900 - 1), "the node is at work")
    how(proxy)
    for _ in range(3):
        zone.chain.request("evm_mine")
    head = zone.chain.chain.block().number
    wait_for(lambda: node.status()["block"] >= head, "the node knows the latest block", 5)


@pytest.mark.parametrize("how", [lag, stall])
def test_node__chain_node_misbehaves_later__the_next_one_is_used(
    two_nodes: LoneNode, zone: Zone, proxy: HostileRpc, how: Misbehave
) -> None:
    follows(two_nodes, zone, proxy, how)


@pytest.mark.parametrize("how", [lag, stall])
def test_node__chain_node_misbehaves_later_and_no_other_is_known__the_check_fails(
    two_nodes: LoneNode, zone: Zone, proxy: HostileRpc, how: Misbehave
) -> None:
    with pytest.raises(AssertionError):
        follows(two_nodes, zone, proxy, how, "without:failover")


def test_node__knows_one_chain_node_only__the_check_fails(
    two_nodes: LoneNode, zone: Zone, slot: int, proxy: HostileRpc
) -> None:
    stall(proxy)
    two_nodes.start("without:failover")
    with pytest.raises(AssertionError):
        settles(two_nodes, zone, slot, seconds=4)


def test_node__another_chain_among_its_chain_nodes__never_used_and_health_says_so(
    zone: Zone, slot: int, tmp_path: Path, own_chain: LocalChain
) -> None:
    own_chain.request("anvil_setCode", zone.chain.contracts.registry.address, "0x00")
    node = LoneNode(tmp_path, zone, leader_of(zone, slot), [own_chain.url, zone.chain.url])
    node.give(verdict(zone, slot))
    node.start()
    settles(node, zone, slot)
    assert any("another contract" in problem for problem in node.status()["problems"])


def test_node__nonce_lie_believed_on_a_new_store__gap_is_closed_when_the_truth_is_told(
    leader: LoneNode, zone: Zone, slot: int, proxy: HostileRpc
) -> None:
    lie_high(proxy)  # its only chain node: who else should know
    leader.start()
    wait_for(lambda: proxy.raw, "something is sent")
    assert leader.mined() == 0
    proxy.nonce_off = 0
    settles(leader, zone, slot)
    leader.wait_said("the chain waits for nonce 0")


def test_street__chain_nodes_of_half_the_operators_fail_in_turn__every_slot_settles_by_its_own_leader(
    make_street: Callable[..., Street],
) -> None:
    street = make_street(settle_ms=600_000)  # nobody steps in for a leader
    url = street.zone.chain.url
    proxies = [HostileRpc(url), HostileRpc(url)]
    for node, proxy in zip(street.nodes, proxies, strict=False):
        text = node.config.read_text().replace(f'rpc = "{url}"', f'rpc = ["{proxy.url}", "{url}"]\ntimeout_ms = 500')
        node.config.write_text(text)
    first = street.begin()
    for slot, how in enumerate([None, None, stall, stall, lie_high, lie_high, be_down, be_down], first):
        for proxy in proxies:
            proxy.stalled, proxy.nonce_off = False, 0
            if how is not None:
                how(proxy)
        street.end_slot(slot)
        street.wait_settled(slot, 40)
        check_settled_as_metered(street, slot)
