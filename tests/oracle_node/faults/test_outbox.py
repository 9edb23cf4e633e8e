"""kill -9 at every edge of the outbox: the report is settled once, by one transaction, after a restart."""

from pathlib import Path

import pytest

from tests.oracle_node.faults.hostile import HostileRpc
from tests.oracle_node.faults.lone import LoneNode, last_slot, settle_in_its_place, settled, verdict
from tests.oracle_node.local_chain import Zone
from tests.oracle_node.processes import wait_for

pytestmark = pytest.mark.chain


def check_settled_once(node: LoneNode, zone: Zone, slot: int, proxy: HostileRpc, seconds: float = 20) -> None:
    """Settled, by the only transaction that was ever signed, and nothing is left to do."""
    wait_for(lambda: settled(zone, slot), f"slot {slot} is settled", seconds)
    wait_for(lambda: (node.status() or {"outbox": 1})["outbox"] == 0, "nothing is under way")
    wait_for(lambda: not node.rows("select 1 from intent where state = 'pending'"), "the outbox is closed")
    assert len(set(proxy.raw)) == 1, "identical bytes whenever it was sent"
    assert node.mined() == 1
    assert node.rows("select next_nonce from account") == [(1,)]


@pytest.mark.parametrize(
    "edge",
    [
        "die-before:reserve",
        "die-after:attempt",
        "die-after:reserve",
        "die-after:send",
        "die-before:close",
        "die-after:close",
        "die-before:settled",
        "die-after:settled",
    ],
)
def test_outbox__killed_at_an_edge__settled_once_after_restart(
    leader: LoneNode, zone: Zone, slot: int, proxy: HostileRpc, edge: str
) -> None:
    leader.start(edge)
    assert leader.wait_ended() == -9
    leader.start()
    check_settled_once(leader, zone, slot, proxy)


@pytest.mark.parametrize("edge", ["die-before:replace", "die-after:replace"])
def test_outbox__killed_while_a_replacement_is_stored__either_is_mined_and_nothing_twice(
    leader: LoneNode, zone: Zone, slot: int, proxy: HostileRpc, edge: str
) -> None:
    proxy.swallow = True  # so that the first attempt is never mined
    leader.start(edge)
    assert leader.wait_ended() == -9
    proxy.swallow = False
    leader.start()
    wait_for(lambda: settled(zone, slot), "settled")
    wait_for(lambda: not leader.rows("select 1 from intent where state = 'pending'"), "the outbox is closed")
    assert leader.mined() == 1
    attempts = {bytes(raw).hex() for (raw,) in leader.rows("select raw from attempt")}
    assert {raw.removeprefix("0x") for raw in proxy.raw} <= attempts, "nothing was sent that is not stored"


@pytest.mark.parametrize("edge", ["reserve", "close"])
def test_outbox__answer_of_the_database_lost__settled_once(
    leader: LoneNode, zone: Zone, slot: int, proxy: HostileRpc, edge: str
) -> None:
    leader.start(f"unanswered:{edge}")
    check_settled_once(leader, zone, slot, proxy)
    assert "the line broke before the answer" in leader.log()


def test_outbox__answer_lost_and_nobody_looks_what_is_stored__the_check_fails(
    leader: LoneNode, zone: Zone, slot: int, proxy: HostileRpc
) -> None:
    leader.start("unanswered:reserve", "without:finding")
    leader.wait_said("transaction replaced")  # it waits for a nonce that nobody sends
    with pytest.raises(AssertionError):
        check_settled_once(leader, zone, slot, proxy, seconds=2)


def test_outbox__answer_to_a_replacement_lost__replaced_once_more_and_one_is_mined(
    leader: LoneNode, zone: Zone, slot: int, proxy: HostileRpc
) -> None:
    proxy.swallow = True
    leader.start("unanswered:replace")
    wait_for(lambda: len(set(proxy.raw)) >= 2, "it is replaced")
    proxy.swallow = False
    wait_for(lambda: settled(zone, slot), "settled")
    wait_for(lambda: not leader.rows("select 1 from intent where state = 'pending'"), "the outbox is closed")
    assert leader.mined() == 1
    assert "the line broke before the answer" in leader.log()


def test_outbox__report_settled_by_another_while_its_answer_was_lost__nonce_closed_before_the_next_report(
    leader: LoneNode, zone: Zone, slot: int
) -> None:
    leader.start("unanswered:reserve")
    leader.wait_said("report not sent")
    settle_in_its_place(zone, slot)
    later = last_slot(zone)
    leader.tell(verdict(zone, later))
    wait_for(lambda: settled(zone, later), "the next report goes out")
    wait_for(lambda: not leader.rows("select 1 from intent where state = 'pending'"), "the outbox is closed")
    assert leader.rows("select state from intent order by nonce") == [("cancelled",), ("mined",)]
    assert leader.mined() == 2


def swallowed_then_restarted(node: LoneNode, zone: Zone, slot: int, proxy: HostileRpc, *patches: str) -> None:
    """What was sent gets lost, the node is killed, fees change, and it starts again."""
    proxy.swallow = True
    node.start(*patches)
    wait_for(lambda: proxy.raw, "something is sent")
    node.kill()
    for _ in range(8):
        zone.chain.request("evm_mine")
    proxy.swallow = False
    node.start(*patches)
    wait_for(lambda: settled(zone, slot), "settled")


def test_outbox__sent_bytes_lost_and_node_killed__the_same_bytes_are_sent_again(
    leader: LoneNode, zone: Zone, slot: int, proxy: HostileRpc
) -> None:
    swallowed_then_restarted(leader, zone, slot, proxy)
    check_settled_once(leader, zone, slot, proxy)


def test_outbox__nothing_stored_before_sending__the_check_fails(
    leader: LoneNode, zone: Zone, slot: int, proxy: HostileRpc
) -> None:
    swallowed_then_restarted(leader, zone, slot, proxy, "without:memory")
    with pytest.raises(AssertionError):
        check_settled_once(leader, zone, slot, proxy)


def second_process(leader: LoneNode, zone: Zone, proxy: HostileRpc, folder: Path, *patches: str) -> LoneNode:
    """Another process starts on the store of the leader's, which is sending."""
    proxy.swallow = True
    leader.start(*patches)
    wait_for(lambda: proxy.raw, "the first one sends")
    second = LoneNode(folder, zone, leader.seat, [proxy.url])  # another port, the same store
    second.log_file = folder / "second.log"
    second.start(*patches)
    return second


def test_store__second_process_takes_it_over__first_one_stops_and_says_so(
    leader: LoneNode, zone: Zone, slot: int, proxy: HostileRpc, tmp_path: Path
) -> None:
    second_process(leader, zone, proxy, tmp_path)
    assert leader.wait_ended() == 2
    assert "another process works on this store now" in leader.log()
    proxy.swallow = False
    wait_for(lambda: settled(zone, slot), "settled")
    assert leader.mined() == 1


def test_store__nobody_is_fenced__the_first_one_goes_on(
    leader: LoneNode, zone: Zone, proxy: HostileRpc, tmp_path: Path
) -> None:
    second = second_process(leader, zone, proxy, tmp_path, "without:fence")
    wait_for(second.status, "the second one answers")
    sent = len(proxy.raw)
    wait_for(lambda: len(proxy.raw) > sent + 4, "they go on sending")
    assert leader.running
