"""What time it is: the wall's, or the chain's where a local chain's clock is moved by hand."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, Self

from net8.logs import fields

from net8_oracle.rpc import Caller, RpcRefused, RpcUnreachable

__all__ = ["Block", "ChainClock", "Clock", "Head", "HeadPoller", "WallClock", "hash_of"]

log = logging.getLogger(__name__)

_RECENT = 256  # heads whose hash is remembered


class Clock(Protocol):
    """A source of unix time in seconds."""

    def now(self) -> int:
        """Unix seconds."""

    async def wait_until(self, moment: int) -> None:
        """Return once `now()` is `moment` or later."""

    def poke(self) -> None:
        """Somebody says time has moved: look again at once."""


class WallClock:
    """The machine's clock."""

    def now(self) -> int:
        """Unix seconds."""
        return int(time.time())

    async def wait_until(self, moment: int) -> None:
        """Return once it is `moment` or later."""
        while (left := moment - time.time()) > 0:  # noqa: ASYNC110 - no event tells that time has passed
            await asyncio.sleep(min(left, 60.0))  # wakes now and then, so that a corrected clock is noticed

    def poke(self) -> None:
        """Nothing to do: a wall clock is never stale."""


class Block(NamedTuple):
    """A block of the chain, named so that another one in its place is noticed."""

    number: int
    hash: str


@dataclass(frozen=True, slots=True)
class Head:
    """The chain's latest block."""

    number: int
    timestamp: int  # unix seconds
    base_fee: int  # wei per gas
    hash: str
    parent: str

    @classmethod
    def of(cls, block: dict[str, Any]) -> Self:
        """From a block as JSON-RPC gives it."""
        return cls(
            int(block["number"], 16),
            int(block["timestamp"], 16),
            int(block.get("baseFeePerGas", "0x0"), 16),
            str(block["hash"]),
            str(block["parentHash"]),
        )

    @property
    def block(self) -> Block:
        """Its number and hash."""
        return Block(self.number, self.hash)


def hash_of(block: dict[str, Any] | None) -> str | None:
    """Hash of a block as JSON-RPC gives it; None where there is none yet."""
    return None if block is None else str(block["hash"])


class HeadPoller:
    """Follows the chain's latest block.

    Polls every `period` seconds, and at once after `poke()`. Listeners are called with each new head, and those of
    `on_doubt` when a new head does not certainly descend from the one before: blocks may have been replaced.
    """

    def __init__(self, rpc: Caller, period: float) -> None:
        self._rpc = rpc
        self._period = period
        self._poked = asyncio.Event()
        self._news = asyncio.Condition()
        self._listeners: list[Callable[[Head], None]] = []
        self._doubters: list[Callable[[], None]] = []
        self._recent: dict[int, str] = {}  # hash of heads by number
        self.head: Head | None = None
        self.reachable = False

    def listen(self, listener: Callable[[Head], None]) -> None:
        """Call `listener` with every new head from now on."""
        self._listeners.append(listener)

    def on_doubt(self, doubter: Callable[[], None]) -> None:
        """Call `doubter` when blocks may have been replaced."""
        self._doubters.append(doubter)

    def poke(self) -> None:
        """Look again at once."""
        self._poked.set()

    async def refresh(self) -> Head:
        """Ask for the latest block now.

        Raises:
            RpcUnreachable, RpcRefused: the chain node did not give it.
        """
        head = await self._rpc.call("eth_getBlockByNumber", "latest", False, into=Head.of)
        before = self.head
        if before is None or head.hash != before.hash:
            descends = before is None or head.parent == before.hash or self._recent.get(head.number) == head.hash
            self._recent[head.number] = head.hash
            if len(self._recent) > _RECENT:
                del self._recent[min(self._recent)]
            self.head = head
            for listener in self._listeners:
                listener(head)
            async with self._news:
                self._news.notify_all()
            if before is not None and not descends and not await self._is_canonical(before):
                for doubter in self._doubters:
                    doubter()
        return head

    async def _is_canonical(self, head: Head) -> bool:
        """Whether a block that was the head is certainly still part of the chain."""
        try:
            found = await self._rpc.call("eth_getBlockByNumber", hex(head.number), False, into=hash_of)
        except (RpcUnreachable, RpcRefused):
            return False
        return found == head.hash

    async def run(self) -> None:
        """Poll until cancelled; an unreachable chain is logged once per outage and waited for."""
        while True:
            self._poked.clear()
            try:
                await self.refresh()
                if not self.reachable:
                    self.reachable = True
                    log.info("chain reached", extra=fields(head=self.head.number if self.head else None))
            except (RpcUnreachable, RpcRefused) as fault:
                if self.reachable or self.head is None:
                    log.warning("chain not reached", extra=fields(reason=str(fault)))
                self.reachable = False
            pause = self._period if self.reachable else max(self._period, 0.5)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._poked.wait(), pause)

    async def wait(self, moment: int) -> None:
        """Return once the head's timestamp is `moment` or later."""
        async with self._news:
            await self._news.wait_for(lambda: self.head is not None and self.head.timestamp >= moment)


class ChainClock:
    """The timestamp of the chain's latest block."""

    def __init__(self, poller: HeadPoller) -> None:
        self._poller = poller

    def now(self) -> int:
        """Unix seconds; 0 before the first block was seen."""
        return self._poller.head.timestamp if self._poller.head else 0

    async def wait_until(self, moment: int) -> None:
        """Return once the chain's time is `moment` or later."""
        await self._poller.wait(moment)

    def poke(self) -> None:
        """Look for a new block at once."""
        self._poller.poke()
