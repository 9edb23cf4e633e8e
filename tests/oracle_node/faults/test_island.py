"""The chain is gone for an hour: operators go on agreeing, keep what they signed, and deliver it in order afterwards.

Time is moved, not waited for: the machine's clock of every process is a file.
"""

from pathlib import Path
from typing import Any

import pytest
from net8.events import Reported, decode_all
from net8.packing import Entry

from tests.oracle_node.faults.lone import Patched
from tests.oracle_node.local_chain import LocalChain
from tests.oracle_node.processes import Street, get_json, wait_for
from tests.oracle_node.test_street_processes import check_settled_as_metered

pytestmark = pytest.mark.chain

HOUR = 4  # slots


class Island:
    """A street whose processes take the time from a file."""

    def __init__(self, street: Street, folder: Path, *patches: str) -> None:
        self.street, self.chain = street, street.zone.chain
        self.clock = folder / "clock"
        self.patches = (f"clock:{self.clock}", *patches)
        for file in folder.rglob("*.toml"):
            text = file.read_text().replace('clock = "chain"', 'clock = "wall"\ntimeout_ms = 1000')
            file.write_text(text)
        names = [*(f"node{seat}" for seat in range(4)), "gateway"]
        self.nodes = [self._process(folder, name, "run") for name in names[:4]]
        self.gateway = self._process(folder, "gateway", "gateway")

    def _process(self, folder: Path, name: str, command: str) -> Patched:
        file = "node.toml" if command == "run" else "gateway.toml"
        return Patched(folder, name, [command, "--config", str(folder / name / file)])

    def begin(self) -> int:
        """Everything runs at the beginning of a fresh slot, and knows what is bought; that slot."""
        slot = self.chain.now() // 900 + 1
        self.set_clock(slot * 900)
        self.chain.move_to(slot * 900)
        for process in (*self.nodes, self.gateway):
            process.start(*self.patches)
        for node in self.nodes:
            node.wait_said("node started")
        wait_for(self._read, "every node has the first readings", 60)
        return slot

    def _read(self) -> bool:
        return all(node.log().count("positions read ahead") for node in self.nodes) and self.delivered()

    def delivered(self) -> bool:
        """Whether every node has all readings."""
        state = self.status(self.street.gateways[0].url)
        moment = int(self.clock.read_text())
        return bool(state) and state["now"] == moment and all(one["backlog"] == 0 for one in state["operators"])

    def status(self, url: str) -> Any:
        """What /status answers."""
        return get_json(f"{url}/status")

    def set_clock(self, moment: int) -> None:
        """Let time pass, but not on the chain."""
        new = self.clock.with_suffix(".new")
        new.write_text(str(moment))
        new.replace(self.clock)

    def agreed(self, slot: int) -> bool:
        """Whether every node has the verdict of a slot."""
        states = [self.status(node.url) for node in self.street.nodes]
        return all(state and any(one["slot"] == slot and one["verdict"] for one in state["open"]) for state in states)

    def an_hour_without_chain(self, first: int, seconds: float = 15) -> None:
        """The chain accepts connections and never answers; four slots end meanwhile, and are agreed on."""
        self.chain.pause()
        for slot in range(first, first + HOUR):
            self.set_clock((slot + 1) * 900)
            wait_for(lambda s=slot: self.agreed(s), f"slot {slot} is agreed on", seconds)

    def chain_returns(self, first: int) -> None:
        """Its time catches up too."""
        self.chain.resume()
        self.chain.move_to((first + HOUR) * 900 + 5)

    def reported(self) -> list[int]:
        """Slots of the zone's reports on chain, in order."""
        logs = self.chain.request(
            "eth_getLogs",
            {"fromBlock": "0x0", "toBlock": "latest", "address": self.chain.contracts.registry.address},
        )
        events = [(one.event, one.transaction) for one in decode_all(logs)]
        mine = [
            hash_ for event, hash_ in events if isinstance(event, Reported) and event.zone == self.street.zone.number
        ]
        return [self._slot_of(hash_) for hash_ in mine]

    def _slot_of(self, hash_: str) -> int:
        data = bytes.fromhex(self.chain.request("eth_getTransactionByHash", hash_)["input"][2:])
        first = int.from_bytes(data[4 + 64 : 4 + 96])  # where the entries begin
        entry = Entry.unpack(int.from_bytes(data[4 + first + 32 : 4 + first + 64]))
        return entry.hour * 4 + next(iter(entry.readings))


def alone(chain: LocalChain, folder: Path, settle_ms: int = 1_500) -> Street:
    """A street on a chain of its own, not started."""
    return Street(folder, chain.new_zone(operators=4, sites=5), settle_ms=settle_ms)


def check_delivered_in_order(island: Island, first: int) -> None:
    """Every slot of the hour is settled as metered, once, one after the other."""
    hour = list(range(first, first + HOUR))
    wait_for(lambda: island.street.settled(hour[-1]), "the last slot is settled", 30)
    assert island.reported() == hour
    for slot in hour:
        check_settled_as_metered(island.street, slot)


def test_island__an_hour_without_chain_and_nodes_killed__all_is_delivered_in_order(
    own_chain: LocalChain, tmp_path: Path
) -> None:
    island = Island(alone(own_chain, tmp_path), tmp_path)
    first = island.begin()
    island.an_hour_without_chain(first)
    leads_first, restarted = island.nodes[first % 4], island.nodes[(first + 1) % 4]
    leads_first.kill()
    restarted.kill()
    restarted.start(*island.patches)
    island.chain_returns(first)
    check_delivered_in_order(island, first)


def test_island__every_node_killed_and_started_without_the_chain__they_go_on(
    own_chain: LocalChain, tmp_path: Path
) -> None:
    island = Island(alone(own_chain, tmp_path), tmp_path)
    first = island.begin()
    gone = first
    while not all("report settled" in node.log() for node in island.nodes):  # those know their nonce
        assert gone < first + 3 * HOUR, "every node has led a slot"
        island.set_clock((gone + 1) * 900)
        island.chain.move_to((gone + 1) * 900 + 1)
        island.street.wait_settled(gone, 30)
        gone += 1
    island.chain.pause()
    for node in island.nodes:
        node.kill()
        node.start(*island.patches)
        node.wait_said("started without the chain")
    island.an_hour_without_chain(gone)
    island.chain_returns(gone)
    wait_for(lambda: island.street.settled(gone + HOUR - 1), "the last slot is settled", 30)
    assert island.reported() == list(range(first, gone + HOUR))


def test_island__node_that_never_saw_the_chain__waits_for_it(own_chain: LocalChain, tmp_path: Path) -> None:
    island = Island(alone(own_chain, tmp_path), tmp_path)
    island.set_clock(own_chain.now())
    own_chain.pause()
    node = island.nodes[0]
    node.start(*island.patches)
    node.wait_said("waiting to start")
    own_chain.resume()
    node.wait_said("node started")
    assert "started without the chain" not in node.log()


def test_island__nothing_read_ahead__nothing_is_agreed_on(own_chain: LocalChain, tmp_path: Path) -> None:
    island = Island(alone(own_chain, tmp_path), tmp_path, "without:readings_ahead")
    first = island.begin()
    with pytest.raises(AssertionError):
        island.an_hour_without_chain(first, 5)


def test_island__delivered_in_whatever_order__the_check_fails(own_chain: LocalChain, tmp_path: Path) -> None:
    island = Island(alone(own_chain, tmp_path, settle_ms=6_000), tmp_path, "without:order")
    first = island.begin()
    island.an_hour_without_chain(first)
    island.nodes[first % 4].kill()
    island.chain_returns(first)
    with pytest.raises(AssertionError):
        check_delivered_in_order(island, first)
