"""What the node reads from the chain: sites and meter keys, seats, what sites bought, what is settled.

The chain's lists are the truth. They are read once, then followed by events block by block.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import TypeVar

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
    decode_all,
    topic_of,
)
from net8.model import site_id
from net8.packing import OpenSlot, PositionWord
from net8.units import SLOTS_PER_HOUR, hour_of_slot, slot_start

from net8_oracle import crypto
from net8_oracle.clock import Clock, Head, HeadPoller
from net8_oracle.logs import fields
from net8_oracle.node.envelopes import PART_SITES, Key
from net8_oracle.node.meters import RegisteredSite
from net8_oracle.rpc import Rpc, RpcRefused, RpcUnreachable

__all__ = ["ChainView"]

log = logging.getLogger(__name__)

T = TypeVar("T")

_SEATS = (Admitted, Removed, Replaced, Muted, Restored)
_FOLLOWED = (SiteRegistered, Reported, SignerRotated, *_SEATS)
_TOPICS = {"0x" + topic_of(kind).hex(): kind for kind in _FOLLOWED}

_SITES_AT_ONCE = 100  # calls in one JSON-RPC batch
_SETTLE_IN = 60  # seconds after a slot's start from which no block with an earlier timestamp is expected any more


class ChainView:
    """The zones' state on chain, kept up to date while `run` runs."""

    def __init__(self, rpc: Rpc, poller: HeadPoller, clock: Clock, contracts: Contracts, zones: list[int]) -> None:
        self._rpc = rpc
        self._poller = poller
        self._clock = clock
        self._contracts = contracts
        self._zones = zones
        self._sites: dict[int, RegisteredSite] = {}
        self._signers: dict[int, tuple[bytes, ...]] = dict.fromkeys(zones, ())
        self._bought: dict[Key, asyncio.Task[dict[int, int]]] = {}
        self._followed = -1
        self._new_head = asyncio.Event()
        self.on_reported: Callable[[int, bytes], None] = lambda zone, entries_hash: None
        self.on_sites: Callable[[int], None] = lambda zone: None
        poller.listen(self._note)

    def _note(self, head: Head) -> None:
        self._new_head.set()

    async def _read(self, call: Call[T]) -> T:
        answer = await self._rpc.call("eth_call", {"to": call.to, "data": "0x" + call.data.hex()}, "latest")
        return call.decode(bytes.fromhex(answer[2:]))

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

    async def load(self) -> None:
        """Read everything once; afterwards events tell what changes.

        Raises:
            RpcUnreachable, RpcRefused: the chain node did not answer.
        """
        head = await self._poller.refresh()
        for zone in self._zones:
            await self._load_signers(zone)
            count = await self._read(self._contracts.grid.site_count(zone))
            await self._load_sites([site_id(zone, index) for index in range(1, count + 1)], since=0)
        self._followed = head.number

    async def _load_signers(self, zone: int) -> None:
        signers = await self._read(self._contracts.registry.zone_signers(zone))
        self._signers[zone] = tuple(crypto.address_bytes(signer) for signer in signers)

    async def _load_sites(self, sites: list[int], since: int) -> None:
        for at in range(0, len(sites), _SITES_AT_ONCE):
            calls = [self._contracts.grid.site(site) for site in sites[at : at + _SITES_AT_ONCE]]
            asked = [[{"to": call.to, "data": "0x" + call.data.hex()}, "latest"] for call in calls]
            answers = await self._rpc.many("eth_call", asked)
            for site, call, answer in zip(sites[at:], calls, answers, strict=False):
                known = call.decode(bytes.fromhex(answer[2:]))
                key = crypto.address_bytes(known.meter_key)
                self._sites[site] = RegisteredSite(site, key, known.nameplate, since)

    async def run(self) -> None:
        """Follow the events of every new block until cancelled."""
        while True:
            await self._new_head.wait()
            self._new_head.clear()
            head = self._poller.head
            if head is None or head.number <= self._followed:
                continue
            try:
                await self._follow(self._followed + 1, head)
            except (RpcUnreachable, RpcRefused) as fault:
                log.warning("events not read", extra=fields(block=head.number, reason=str(fault)))
                continue  # the next head asks for the same blocks again
            self._followed = head.number

    async def _follow(self, first: int, head: Head) -> None:
        logs = await self._rpc.call(
            "eth_getLogs",
            {
                "fromBlock": hex(first),
                "toBlock": hex(head.number),
                "address": [self._contracts.grid.address, self._contracts.registry.address],
                "topics": [list(_TOPICS)],
            },
        )
        for logged in decode_all(logs):
            event = logged.event
            if isinstance(event, SiteRegistered):
                if event.site >> 16 in self._signers:
                    await self._load_sites([event.site], since=head.timestamp)
                    log.info("site registered", extra=fields(site=event.site))
                    self.on_sites(event.site >> 16)
            elif isinstance(event, Reported):
                if event.zone in self._signers:
                    self.on_reported(event.zone, event.entries_hash)
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
        return await self._read(self._contracts.lens.is_reported(zone, slot))

    # --- positions ---------------------------------------------------------------------------------------------

    async def _positions(self, key: Key) -> list[PositionWord]:
        zone, slot, part = key
        first, hour = site_id(zone, part * PART_SITES + 1), hour_of_slot(slot)
        return await self._read(self._contracts.lens.positions_of(first, PART_SITES, hour))  # some may be new to us

    async def _read_bought(self, key: Key) -> dict[int, int]:
        """After the gate positions are final: any block from the slot's start on gives the same answer."""
        if self._clock.now() < slot_start(key.slot) + _SETTLE_IN:
            await self._poller.wait(slot_start(key.slot))
        bought = {}
        for at, position in enumerate(await self._positions(key)):
            state = position.slots[key.slot % SLOTS_PER_HOUR]
            if isinstance(state, OpenSlot) and state.net_wh < 0:
                bought[key.part * PART_SITES + 1 + at] = -state.net_wh
        return bought

    async def bought(self, key: Key) -> dict[int, int]:
        """Wh that each site bought in the slot, by site index; sites that bought nothing are absent.

        Raises:
            RpcUnreachable, RpcRefused: the chain node did not answer.
        """
        task = self._bought.get(key)
        if task is None or (task.done() and (task.cancelled() or task.exception() is not None)):
            task = self._bought[key] = asyncio.create_task(self._read_bought(key))
        return await asyncio.shield(task)

    def prefetch(self, key: Key) -> None:
        """Read what sites bought before it is needed."""
        if key not in self._bought:
            task = self._bought[key] = asyncio.create_task(self._read_bought(key))
            task.add_done_callback(lambda done: done.cancelled() or done.exception())  # asked for again when needed

    def forget(self, key: Key) -> None:
        """The slot is settled."""
        self._bought.pop(key, None)

    async def is_settled(self, key: Key) -> bool:
        """Whether any site of the part is settled in the slot: a report settles all it names at once.

        Raises:
            RpcUnreachable, RpcRefused: the chain node did not answer.
        """
        place = key.slot % SLOTS_PER_HOUR
        return any(not isinstance(word.slots[place], OpenSlot) for word in await self._positions(key))
