"""Follows the chain: takes in new blocks, goes back where the chain did, and goes on where it stopped.

Logs count only with the hash of the block they are in. Near the head every block is asked for by its hash, and each
must be the child of the one before. Further back logs come by ranges of numbers, and count only when the last block
of the range is the same before and after.
"""

import logging
import threading
import time
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from net8.client import Chain
from net8.client.rpc import Answer, Ask, Flow, Request, result_of
from net8.deployment import Deployment
from net8.errors import ChainFault, ChainUnreachable
from net8.events import decode_all, topic_of
from net8.logs import fields
from sqlalchemy.exc import SQLAlchemyError

from net8_indexer.database import SOCKET_FAULTS, DatabaseRefused, TwoWriters
from net8_indexer.rows import KINDS
from net8_indexer.writer import AlreadyWritten, SeenBlock, Writer

__all__ = ["SOURCES", "Follower"]

log = logging.getLogger(__name__)

SOURCES = (
    "GridRegistry", "EnergyExchange", "TradingDesk", "OracleRegistry", "OracleCourt", "GreenCertificates",
    "MeterRecords", "Reserve",
)  # fmt: skip
_TOPICS = ["0x" + topic_of(kind).hex() for kind in KINDS]
_NEAR = 32  # blocks from the head that are asked for one by one
_STEP, _LEAST_STEP, _MOST_STEP = 2_000, 1, 20_000  # blocks asked for at once: as far as the chain node goes along
_AWAY_S = 1.0  # seconds between questions while the chain node does not answer

Raw = dict[str, Any]


class _Moved(Exception):
    """The chain changed while it was read: read again."""


def _ask_all(requests: list[Request]) -> Flow[list[Any]]:
    answers: list[Answer] = yield Ask(requests)
    return [result_of(answer, method) for answer, (method, _) in zip(answers, requests, strict=True)]


def _seen(block: Raw) -> SeenBlock:
    return SeenBlock(int(block["number"], 16), bytes.fromhex(block["hash"][2:]), int(block["timestamp"], 16))


class Follower:
    """Keeps a writer at the head of a chain."""

    def __init__(self, chains: Sequence[Chain], deployment: Deployment, writer: Writer, every: float) -> None:
        """Nothing is asked yet.

        Args:
            chains: chain nodes, the preferred one first; the next one is asked when one does not answer.
            deployment: whose contracts' events to read.
            writer: what has been read goes there.
            every: seconds between looks at the head.
        """
        self._chains = list(chains)
        self._addresses = [deployment.address(name) for name in SOURCES]
        self._writer = writer
        self._every = every
        self._step = _STEP
        self._is_known = False  # whether the present chain node's chain is ours
        self._stop = threading.Event()
        self.head: int | None = None  # of the chain, as last seen
        self.problem: str | None = "the chain has not answered yet"  # why it does not go on, while it does not

    @property
    def block(self) -> int:
        """The last block that was taken in."""
        return self._writer.block

    @property
    def behind(self) -> int | None:
        """Blocks of the chain that are not taken in; None before the chain has answered."""
        return None if self.head is None else max(self.head - self._writer.block, 0)

    def run(self) -> None:
        """Follow until `stop`.

        A chain node that is away, or of another chain, and a database that is away are waited for: the history that is
        there can be read meanwhile.

        Raises:
            TwoWriters: another process writes to the database; it has gone on where we stood.
        """
        while not self._stop.is_set():
            try:
                at_head = self.look()
            except TwoWriters:
                raise
            except (ChainUnreachable, ChainFault, DatabaseRefused) as fault:
                self._wait_for(str(fault))
                self._chains.append(self._chains.pop(0))
                self._is_known = False
            except (SQLAlchemyError, *SOCKET_FAULTS) as fault:
                self._wait_for(f"the database cannot be written ({getattr(fault, 'orig', fault)}); mend it")
            else:
                if self.problem is not None:
                    log.info("following the chain", extra=fields(block=self._writer.block, head=self.head))
                self.problem = None
                if at_head:
                    self._stop.wait(self._every)

    def _wait_for(self, problem: str) -> None:
        if self.problem != problem:
            log.warning("not following the chain", extra=fields(reason=problem))
        self.problem = problem
        self._stop.wait(_AWAY_S)

    def stop(self) -> None:
        """End `run` after the step it is at."""
        self._stop.set()

    def look(self) -> bool:
        """One step: back to the last block that is still the chain's, or forward. Whether the head is reached.

        Raises:
            ChainUnreachable, ChainFault: the chain node does not answer, or not sensibly.
            DatabaseRefused: it is another chain than so far, or another process writes to the database.
        """
        if not self._is_known:
            (genesis,) = self._blocks([0])
            self._writer.same_chain(_seen(genesis).hash)
            self._is_known = True
        head = self._chains[0].block().number
        try:
            if not self._go_back():
                return False
            self.head = head
            first = self._writer.block + 1
            if first > head:
                return True
            last = min(first + self._step - 1, head)
            began = time.monotonic()
            logs, blocks = self._near(first, head) if head - first < _NEAR else self._far(first, last)
        except (_Moved, AlreadyWritten):
            return False
        except ChainUnreachable:
            raise
        except ChainFault:
            if self._step == _LEAST_STEP:
                raise
            self._step = max(self._step // 4, _LEAST_STEP)  # nodes bound the range or the size of an answer
            return False
        try:
            self._writer.take_in(decode_all(logs), blocks)
        except AlreadyWritten:
            return False
        if head - first >= _NEAR:
            seconds = round(time.monotonic() - began, 2)
            log.info("taken in", extra=fields(first=first, last=last, events=len(logs), seconds=seconds))
            self._step = min(self._step * 2, _MOST_STEP)
        return self._writer.block >= head

    def _go_back(self) -> bool:
        """Forget blocks that are no longer the chain's. False when there were any."""
        known = first = self._writer.known_before(self._writer.block + 1)
        while known is not None:
            (found,) = self._chains[0].run(_ask_all([("eth_getBlockByNumber", [hex(known.number), False])]))
            if found is not None and _seen(found).hash == known.hash:
                break
            known = self._writer.known_before(known.number)
        if known == first:
            return True
        (genesis,) = self._blocks([0])
        self._writer.same_chain(_seen(genesis).hash)  # a chain that was begun anew is no reorganisation
        block = known.number if known else self._writer.first_block - 1
        log.warning("the chain was reorganised", extra=fields(back_to=block, was_at=self._writer.block))
        self._writer.roll_back(block)
        return False

    def _blocks(self, numbers: Sequence[int]) -> list[Raw]:
        """Headers by number.

        Raises:
            _Moved: the chain has no such block any more.
        """
        found = self._chains[0].run(_ask_all([("eth_getBlockByNumber", [hex(number), False]) for number in numbers]))
        if None in found:
            raise _Moved
        return found

    def _filter(self, **where: str) -> Request:
        return "eth_getLogs", [{"address": self._addresses, "topics": [_TOPICS], **where}]

    def _near(self, first: int, last: int) -> tuple[list[Raw], list[SeenBlock]]:
        """Logs of a few blocks, by the blocks' hashes.

        Raises:
            _Moved: the blocks are not of one chain that continues ours.
        """
        known = self._writer.known_before(first)
        blocks = self._blocks(range(first, last + 1))
        parents = [block["parentHash"] for block in blocks[1:]]
        if parents != [block["hash"] for block, _ in pairwise(blocks)]:
            raise _Moved
        if known is not None and known.number == first - 1 and blocks[0]["parentHash"] != "0x" + known.hash.hex():
            raise _Moved
        by_block = self._chains[0].run(_ask_all([self._filter(blockHash=block["hash"]) for block in blocks]))
        logs = [entry for one in by_block for entry in one]
        kept = {entry["blockHash"] for entry in logs} | {blocks[-1]["hash"]}
        return logs, [_seen(block) for block in blocks if block["hash"] in kept]

    def _far(self, first: int, last: int) -> tuple[list[Raw], list[SeenBlock]]:
        """Logs of many blocks, with the headers of those that hold any and of the last.

        Raises:
            _Moved: the chain changed meanwhile.
        """
        (before,) = self._blocks([last])
        (logs,) = self._chains[0].run(_ask_all([self._filter(fromBlock=hex(first), toBlock=hex(last))]))
        hashes = {int(entry["blockNumber"], 16): entry["blockHash"] for entry in logs}
        hashes[last] = before["hash"]
        blocks = self._blocks(sorted(hashes))
        if [block["hash"] for block in blocks] != [hashes[number] for number in sorted(hashes)]:
            raise _Moved
        return logs, [_seen(block) for block in blocks]
