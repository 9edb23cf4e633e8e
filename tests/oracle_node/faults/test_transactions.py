"""Transactions that are not mined at once: fees, funds, strangers and what is settled by others meanwhile."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
import rlp
from eth_account import Account
from net8_oracle.node.broadcast import Refusal, classify
from net8_oracle.node.fees import Fees, bumped, first
from net8_oracle.rpc import RpcRefused

from tests.oracle_node.faults.hostile import HostileRpc
from tests.oracle_node.faults.lone import LoneNode, last_slot, leader_of, settle_in_its_place, settled, verdict
from tests.oracle_node.local_chain import LocalChain, Zone
from tests.oracle_node.processes import wait_for

GWEI = 10**9


def fees_of(raw: str) -> tuple[int, int, int]:
    """Nonce, tip and most per gas of a raw transaction."""
    _, nonce, tip, most, *_ = rlp.decode(bytes.fromhex(raw.removeprefix("0x"))[1:])
    return int.from_bytes(nonce), int.from_bytes(tip), int.from_bytes(most)


def check_bumps(proxy: HostileRpc) -> None:
    """Each new transaction has the nonce of the one before and offers at least a tenth more."""
    sent = [fees_of(raw) for raw in dict.fromkeys(proxy.raw)]
    assert len(sent) >= 2
    for (nonce, tip, most), (next_nonce, next_tip, next_most) in pairwise(sent):
        assert next_nonce == nonce
        assert 10 * next_tip >= 11 * tip
        assert 10 * next_most >= 11 * most


def stored(node: LoneNode) -> set[str]:
    """Raw transactions in its store."""
    return {"0x" + bytes(raw).hex() for (raw,) in node.rows("select raw from attempt")}


@pytest.mark.chain
def test_fee__transaction_stays_unmined__replaced_with_the_same_nonce(own_chain: LocalChain, tmp_path: Path) -> None:
    zone = own_chain.new_zone(operators=4, sites=3)
    slot, proxy = last_slot(zone), HostileRpc(own_chain.url)
    node = LoneNode(tmp_path, zone, leader_of(zone, slot), [proxy.url])
    node.give(verdict(zone, slot))
    own_chain.request("evm_setAutomine", False)
    node.start()
    wait_for(lambda: len(set(proxy.raw)) >= 3, "it is replaced twice")
    assert set(proxy.raw) <= stored(node), "every replacement is stored before it is sent"
    check_bumps(proxy)
    own_chain.request("evm_mine")
    own_chain.request("evm_setAutomine", True)
    wait_for(lambda: settled(zone, slot), "settled")
    wait_for(lambda: node.rows("select 1 from intent where state = 'mined'"), "the outbox is closed")
    assert node.mined() == 1


@pytest.mark.chain
@pytest.mark.parametrize(
    "message", ["replacement transaction underpriced", "max fee per gas less than block base fee: address 0x1"]
)
def test_fee__refused_as_too_low__raised_until_it_is_taken(
    leader: LoneNode, zone: Zone, slot: int, proxy: HostileRpc, message: str
) -> None:
    for method in ("eth_sendRawTransaction", "eth_sendRawTransactionSync"):
        proxy.refusals[method] = {"code": -32000, "message": message}
    leader.start()
    wait_for(lambda: len(set(proxy.raw)) >= 3, "it is raised twice")
    proxy.refusals.clear()
    wait_for(lambda: settled(zone, slot), "settled")
    check_bumps(proxy)
    assert leader.mined() == 1


@pytest.mark.chain
def test_funds__none__health_says_so_and_the_report_goes_out_when_there_are(
    leader: LoneNode, zone: Zone, slot: int
) -> None:
    zone.chain.fund(leader.transmitter(), 0)
    leader.start()
    wait_for(lambda: "cannot pay" in str((leader.status() or {}).get("problems")), "health says so")
    leader.wait_said(f"fund {leader.transmitter()}")
    assert not settled(zone, slot)
    zone.chain.fund(leader.transmitter())
    wait_for(lambda: settled(zone, slot), "settled")
    assert leader.mined() == 1


def stranded(
    leader: LoneNode, zone: Zone, slot: int, proxy: HostileRpc, meanwhile: Callable[[], object], *patches: str
) -> None:
    """What it sends gets lost, and something happens before it gets through."""
    proxy.swallow = True
    leader.start(*patches)
    wait_for(lambda: proxy.raw, "it sends")
    meanwhile()
    proxy.swallow = False
    wait_for(lambda: not leader.rows("select 1 from intent where state = 'pending'"), "the outbox is closed")


def check_closed_without_report(leader: LoneNode) -> None:
    """Its nonce is used, by nothing."""
    assert leader.rows("select state from intent") == [("cancelled",)]
    assert leader.mined() == 1


@pytest.mark.chain
def test_nonce__report_settled_by_another_meanwhile__closed_by_a_transaction_that_does_nothing(
    leader: LoneNode, zone: Zone, slot: int, proxy: HostileRpc
) -> None:
    stranded(leader, zone, slot, proxy, lambda: settle_in_its_place(zone, slot))
    check_closed_without_report(leader)
    later = last_slot(zone)
    leader.tell(verdict(zone, later))
    wait_for(lambda: settled(zone, later), "the next report goes out with the next nonce")
    assert leader.mined() == 2


@pytest.mark.chain
def test_nonce__report_sent_in_vain__the_check_fails(
    leader: LoneNode, zone: Zone, slot: int, proxy: HostileRpc
) -> None:
    stranded(leader, zone, slot, proxy, lambda: settle_in_its_place(zone, slot), "without:giving_up")
    with pytest.raises(AssertionError):
        check_closed_without_report(leader)


@pytest.mark.chain
def test_nonce__taken_by_a_transaction_from_elsewhere__report_goes_out_with_the_next_one(
    leader: LoneNode, zone: Zone, slot: int, proxy: HostileRpc
) -> None:
    key, chain = zone.operators[leader.seat].transmitter, zone.chain

    def spend() -> None:
        transaction = {
            "chainId": 31337, "nonce": 0, "to": leader.transmitter(), "value": 0, "gas": 21_000,
            "gasPrice": 10 * GWEI,
        }  # fmt: skip
        chain.request("eth_sendRawTransaction", "0x" + Account.sign_transaction(transaction, key).raw_transaction.hex())

    stranded(leader, zone, slot, proxy, spend)
    assert settled(zone, slot)
    assert leader.mined() == 2
    leader.wait_said("its nonce was another transaction's")


@pytest.mark.parametrize(
    ("message", "refusal"),
    [
        ("already known", Refusal.ALREADY_KNOWN),
        ("transaction already imported", Refusal.ALREADY_KNOWN),
        ("nonce too low: next nonce 5, tx nonce 4", Refusal.NONCE_TOO_LOW),
        ("OldNonce, Current nonce: 5, nonce of rejected tx: 4", Refusal.NONCE_TOO_LOW),
        ("replacement transaction underpriced", Refusal.REPLACEMENT_UNDERPRICED),
        ("transaction underpriced: tip needed 1, tip permitted 0", Refusal.FEE_TOO_LOW),
        ("max fee per gas less than block base fee", Refusal.FEE_TOO_LOW),
        ("FeeTooLow", Refusal.FEE_TOO_LOW),
        ("insufficient funds for gas * price + value", Refusal.NO_FUNDS),
        ("execution reverted: registry: nothing settled", Refusal.REVERTED),
        ("rate limit exceeded", Refusal.OTHER),
    ],
)
def test_classify__words_of_geth_nethermind_reth_and_anvil__their_class(message: str, refusal: Refusal) -> None:
    assert classify(RpcRefused("eth_sendRawTransaction", -32000, message)) is refusal


def test_fees__raised_again_and_again__a_tenth_more_each_time_and_never_beyond_the_cap() -> None:
    offer, steps = first(GWEI, 20 * GWEI), 0
    assert offer == Fees(2 * GWEI + GWEI // 10, GWEI // 10)
    while (more := bumped(offer, GWEI, 20 * GWEI)) is not None:
        assert 10 * more.most >= 11 * offer.most
        assert 10 * more.tip >= 11 * offer.tip
        assert more.tip <= more.most <= 20 * GWEI
        offer, steps = more, steps + 1
    assert steps > 10


def test_fees__base_fee_has_risen__offer_covers_it_twice() -> None:
    more = bumped(first(GWEI, 10**6 * GWEI), 90 * GWEI, 10**6 * GWEI)
    assert more is not None
    assert more.most >= 180 * GWEI
    assert first(900 * GWEI, 500 * GWEI).most == 500 * GWEI
