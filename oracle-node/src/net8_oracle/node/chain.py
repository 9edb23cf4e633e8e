"""What the node reads from the chain: sites and meter keys, seats, what sites bought, what is settled.

The chain's lists are the truth. They are read once, then followed by events block by block.
"""

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from net8.contracts import Call, Contracts
from net8.events import (
    Admitted,
    Muted,
    Removed,
    Replaced,
    Reported,
    Restored,
    SignerRotated,
    SiteRegistered,
    decode,
    topic_of,
)
from net8.logs import fields
from net8.model import site_id
from net8.packing import OpenSlot, PositionWord
from net8.units import REPORT_TIMEOUT_SLOTS, SLOTS_PER_HOUR, hour_of_slot, slot_end, slot_of, slot_start

from net8_oracle import crypto
from net8_oracle.clock import Block, Clock, Head, HeadPoller
from net8_oracle.node.database import StoreUnavailable
from net8_oracle.node.envelopes import PART_SITES, Key
from net8_oracle.node.memory import ChainMemory
from net8_oracle.node.meters import RegisteredSite
from net8_oracle.rpc import Caller, RpcRefused, RpcUnreachable

__all__ = ["ChainView"]

log = logging.getLogger(__name__)

T = TypeVar("T")

_SEATS = (Admitted, Removed, Replaced, Muted, Restored)
_FOLLOWED = (SiteRegistered, Reported, SignerRotated, *_SEATS)
_TOPICS = {"0x" + topic_of(kind).hex(): kind for kind in _FOLLOWED}

_SITES_AT_ONCE = 100  # calls in one JSON-RPC batch
_SETTLE_IN = 60  # seconds after a slot's start from which no block with an earlier timestamp is expected any more
_AHEAD_EVERY = 900.0  # seconds
_AHEAD_HOURS = REPORT_TIMEOUT_SLOTS // SLOTS_PER_HOUR  # later ones could not be settled by a report any more
_AHEAD_AGAIN = 5.0  # seconds after an attempt that failed
_HOURS_AT_ONCE = 6  # calls in one JSON-RPC batch
_AWAY_LOOK = 0.5  # seconds


class ChainView:
    """The zones' state on chain, kept up to date while `run` runs."""

    def __init__(
        self,
        rpc: Caller,
        poller: HeadPoller,
        clock: Clock,
        contracts: Contracts,
        zones: list[int],
        memory: ChainMemory,
    ) -> None:
        """`memory` keeps what is read, for a start without the chain."""
        self._memory = memory
        self._rpc = rpc
        self._poller = poller
        self._clock = clock
        self._contracts = contracts
        self._zones = zones
        self._sites: dict[int, RegisteredSite] = {}
        self._signers: dict[int, tuple[bytes, ...]] = dict.fromkeys(zones, ())
        self._bought: dict[Key, asyncio.Task[dict[int, int]]] = {}
        self._ahead: dict[Key, dict[int, int]] = {}
        self._followed = -1
        self._doubt = True  # until everything was read once
        self._new_head = asyncio.Event()
        self.on_reported: Callable[[int, bytes, Block], None] = lambda zone, entries_hash, block: None
        self.on_sites: Callable[[int], None] = lambda zone: None
        self.on_replaced: Callable[[], None] = lambda: None
        poller.listen(self._note)
        poller.on_doubt(self._note_doubt)

    def _note(self, head: Head) -> None:
        self._new_head.set()

    def _note_doubt(self) -> None:
        self._doubt = True
        self._new_head.set()

    @property
    def reachable(self) -> bool:
        """Whether a chain node answers."""
        return self._poller.reachable

    async def until_reachable(self) -> None:
        """Return once a chain node answers."""
        while not self._poller.reachable:  # noqa: ASYNC110 - hours, in steps that do not matter
            await asyncio.sleep(_AWAY_LOOK)

    async def read(self, call: Call[T]) -> T:
        """The answer of a view, or of a call that is tried and not sent.

        Raises:
            RpcUnreachable, RpcRefused: the chain node did not answer, or the contract refused.
        """
        request = {"to": call.to, "data": "0x" + call.data.hex()}
        return await self._rpc.call("eth_call", request, "latest", into=lambda told: call.decode(_bytes(told)))

    # --- sites and seats ---------------------------------------------------------------------------------------

    def site(self, site: int) -> RegisteredSite | None:
        """What is registered of a site; None while nothing is."""
        return self._sites.get(site)

    def sites_of(self, zone: int, part: int) -> list[RegisteredSite]:
        """The sites of a part, ascending."""
        first = site_id(zone, part * PART_SITES + 1)
        return [self._sites[site] for site in range(first, first + PART_SITES) if site in self._sites]

    def parts(self, zone: int) -> int:
        """How many parts the zone has."""
        count = sum(site >> 16 == zone for site in self._sites)
        return -(-count // PART_SITES)

    def metered_since(self, zone: int) -> int | None:
        """Unix time from which the zone has a site to report; None while it has none."""
        return min((known.since for site, known in self._sites.items() if site >> 16 == zone), default=None)

    def signers(self, zone: int) -> tuple[bytes, ...]:
        """Signers of the zone's operators in the order of their seats."""
        return self._signers[zone]

    def recall(self) -> bool:
        """Take up what was known before a restart; whether that is enough to begin without a chain node.

        Raises:
            StoreUnavailable: the store cannot be read.
        """
        signers = self._memory.signers()
        self._signers.update((zone, signers[zone]) for zone in self._zones if zone in signers)
        self._sites.update((known.site, known) for known in self._memory.sites() if known.site >> 16 in self._signers)
        self._ahead = {key: bought for key, bought in self._memory.bought().items() if key.zone in self._signers}
        return all(self._signers.values()) and bool(self._sites)

    async def load(self) -> None:
        """Read everything once; afterwards events tell what changes.

        Raises:
            RpcUnreachable, RpcRefused: the chain node did not answer.
        """
        self._doubt = False
        try:
            await self._load()
        except (RpcUnreachable, RpcRefused):
            self._doubt = True
            raise

    async def _load(self) -> None:
        head = await self._poller.refresh()
        since = 0 if self._followed < 0 else head.timestamp
        for zone in self._zones:
            await self._load_signers(zone)
            count = await self.read(self._contracts.grid.site_count(zone))
            for gone in [site for site in self._sites if site >> 16 == zone and site & 0xFFFF > count]:
                del self._sites[gone]  # its registration was undone
            await self._load_sites([site_id(zone, index) for index in range(1, count + 1)], since)
        self._followed = head.number

    async def _load_signers(self, zone: int) -> None:
        signers = await self.read(self._contracts.registry.zone_signers(zone))
        self._signers[zone] = tuple(crypto.address_bytes(signer) for signer in signers)
        self._keep(partial(self._memory.keep_signers, zone, self._signers[zone]))

    async def _load_sites(self, sites: list[int], since: int) -> None:
        for at in range(0, len(sites), _SITES_AT_ONCE):
            some = sites[at : at + _SITES_AT_ONCE]
            known = await self._read_all([self._contracts.grid.site(site) for site in some])
            for site, told in zip(some, known, strict=True):
                before = self._sites.get(site)
                key = crypto.address_bytes(told.meter_key)
                self._sites[site] = RegisteredSite(site, key, told.nameplate, before.since if before else since)
            loaded = [self._sites[site] for site in some]
            self._keep(partial(self._memory.keep_sites, loaded))

    def _keep(self, write: Callable[[], None]) -> None:
        try:
            write()
        except StoreUnavailable as fault:
            log.error("not kept for a start without the chain", extra=fields(reason=str(fault)))

    async def _read_all(self, calls: list[Call[T]]) -> list[T]:
        asked = [[{"to": call.to, "data": "0x" + call.data.hex()}, "latest"] for call in calls]

        def into(answers: list[Any]) -> list[T]:
            return [call.decode(_bytes(told)) for call, told in zip(calls, answers, strict=True)]

        return await self._rpc.many("eth_call", asked, into=into)

    async def run(self) -> None:
        """Follow the events of every new block until cancelled."""
        while True:
            await self._new_head.wait()
            self._new_head.clear()
            head = self._poller.head
            if head is None or (head.number <= self._followed and not self._doubt):
                continue
            try:
                if self._doubt:
                    await self._start_over()
                else:
                    await self._follow(self._followed + 1, head)
            except (RpcUnreachable, RpcRefused) as fault:
                log.warning("events not read", extra=fields(block=head.number, reason=str(fault)))
                continue  # the next head asks for the same blocks again
            self._followed = head.number

    async def _start_over(self) -> None:
        """Blocks may have been replaced, and events with them: read what they would have told."""
        self._bought.clear()
        await self.load()
        self.on_replaced()
        for zone in self._zones:
            self.on_sites(zone)

    async def _follow(self, first: int, head: Head) -> None:
        for block, event in await self._rpc.call(
            "eth_getLogs",
            {
                "fromBlock": hex(first),
                "toBlock": hex(head.number),
                "address": [self._contracts.grid.address, self._contracts.registry.address],
                "topics": [list(_TOPICS)],
            },
            into=_events,
        ):
            if isinstance(event, SiteRegistered):
                if event.site >> 16 in self._signers:
                    await self._load_sites([event.site], since=head.timestamp)
                    log.info("site registered", extra=fields(site=event.site))
                    self.on_sites(event.site >> 16)
            elif isinstance(event, Reported):
                if event.zone in self._signers:
                    self.on_reported(event.zone, event.entries_hash, block)
            elif isinstance(event, SignerRotated):
                for zone in self._signers:
                    await self._load_signers(zone)
                log.info("signer replaced", extra=fields(operator=event.id, signer=event.signer))
            elif isinstance(event, _SEATS) and event.zone in self._signers:
                await self._load_signers(event.zone)
                facts = fields(zone=event.zone, operators=len(self._signers[event.zone]))
                log.info("operators changed", extra=facts)

    async def is_reported(self, zone: int, slot: int) -> bool:
        """Whether a report has settled anything in a slot of a zone.

        Raises:
            RpcUnreachable, RpcRefused: the chain node did not answer.
        """
        return await self.read(self._contracts.lens.is_reported(zone, slot))

    # --- positions ---------------------------------------------------------------------------------------------

    async def _positions(self, key: Key) -> list[PositionWord]:
        zone, slot, part = key
        first, hour = site_id(zone, part * PART_SITES + 1), hour_of_slot(slot)
        return await self.read(self._contracts.lens.positions_of(first, PART_SITES, hour))  # some may be new to us

    async def _read_bought(self, key: Key) -> dict[int, int]:
        """After the gate positions are final: any block from the slot's start on gives the same answer."""
        if self._clock.now() < slot_start(key.slot) + _SETTLE_IN:
            await self._poller.wait(slot_start(key.slot))
        return _bought_in(key, await self._positions(key))

    async def bought(self, key: Key) -> dict[int, int]:
        """Wh that each site bought in the slot, by site index; sites that bought nothing are absent.

        While no chain node answers, as far as it was read ahead: nobody trades on a chain that is gone.

        Raises:
            RpcUnreachable, RpcRefused: the chain node did not answer.
        """
        task = self._bought.get(key)
        if task is None or (task.done() and (task.cancelled() or task.exception() is not None)):
            task = self._bought[key] = asyncio.create_task(self._read_bought(key))
        # What is there is taken at once: a wait that is over all the same lets the loop do something else first.
        while not task.done() and not (await asyncio.wait({task}, timeout=_AWAY_LOOK))[0]:
            if not self.reachable and key in self._ahead:
                return self._ahead[key]
        if task.exception() is not None and not self.reachable and key in self._ahead:
            return self._ahead[key]
        return task.result()

    async def read_ahead(self) -> None:
        """Keep what is bought so far in all slots to come, for the time when the chain is gone; until cancelled."""
        while True:
            await self.until_reachable()
            try:
                self._ahead = await self._read_ahead()
                self._keep(partial(self._memory.keep_bought, self._ahead))
                log.info("positions read ahead", extra=fields(slots=len(self._ahead)))
                await asyncio.sleep(_AHEAD_EVERY)
            except (RpcUnreachable, RpcRefused) as fault:
                log.warning("positions not read ahead", extra=fields(reason=str(fault)))
                await asyncio.sleep(_AHEAD_AGAIN)

    async def _read_ahead(self) -> dict[Key, dict[int, int]]:
        ahead: dict[Key, dict[int, int]] = {}
        first = hour_of_slot(slot_of(self._clock.now()))
        for zone in self._zones:
            for part in range(self.parts(zone)):
                for at in range(first, first + _AHEAD_HOURS, _HOURS_AT_ONCE):
                    start = site_id(zone, part * PART_SITES + 1)
                    hours = range(at, at + _HOURS_AT_ONCE)
                    calls = [self._contracts.lens.positions_of(start, PART_SITES, hour) for hour in hours]
                    for hour, positions in zip(hours, await self._read_all(calls), strict=True):
                        for place in range(SLOTS_PER_HOUR):
                            key = Key(zone, hour * SLOTS_PER_HOUR + place, part)
                            ahead[key] = _bought_in(key, positions)
        return ahead

    def prefetch(self, key: Key) -> None:
        """Read what sites bought before it is needed."""
        if key not in self._bought and slot_end(key.slot) > self._clock.now():
            task = self._bought[key] = asyncio.create_task(self._read_bought(key))
            task.add_done_callback(lambda done: done.cancelled() or done.exception())  # asked for again when needed

    def forget(self, key: Key) -> None:
        """The slot is settled."""
        self._bought.pop(key, None)

    async def traded(self, key: Key) -> bool:
        """Whether a site of the part has an open position in the slot that is not empty.

        Raises:
            RpcUnreachable, RpcRefused: the chain node did not answer.
        """
        here = [word.slots[key.slot % SLOTS_PER_HOUR] for word in await self._positions(key)]
        return any(isinstance(state, OpenSlot) and state != OpenSlot() for state in here)

    async def settled(self, key: Key) -> Block | None:
        """The block as of which the part is settled in the slot: a report settles all it names at once.

        Raises:
            RpcUnreachable, RpcRefused: the chain node did not answer.
        """
        place = key.slot % SLOTS_PER_HOUR
        if all(isinstance(word.slots[place], OpenSlot) for word in await self._positions(key)):
            return None
        return (await self._poller.refresh()).block


def _bytes(told: str) -> bytes:
    return bytes.fromhex(told[2:])


def _events(logs: list[dict[str, Any]]) -> list[tuple[Block, object]]:
    """Events with their blocks, in their order."""
    decoded = [(one, decode(one)) for one in logs]
    return [(Block(logged.block, one["blockHash"]), logged.event) for one, logged in decoded if logged is not None]


def _bought_in(key: Key, positions: list[PositionWord]) -> dict[int, int]:
    bought = {}
    for at, position in enumerate(positions):
        state = position.slots[key.slot % SLOTS_PER_HOUR]
        if isinstance(state, OpenSlot) and state.net_wh < 0:
            bought[key.part * PART_SITES + 1 + at] = -state.net_wh
    return bought
