"""Whether the chain shows fresh reports of our zones, whatever this process thinks of itself.

A node can feel well while nothing it does reaches the chain: its key was rotated away, its transactions are dropped,
its peers follow another chain. What users are paid by is on the chain, so health is asked there.
"""

import asyncio
import logging
from typing import Protocol

from net8.logs import fields
from net8.units import slot_end, slot_of, slot_start

from net8_oracle.clock import Clock
from net8_oracle.rpc import RpcRefused, RpcUnreachable

__all__ = ["Freshness"]

log = logging.getLogger(__name__)

_ASK_AGAIN = 1.0  # seconds of the wall clock, while a due report is missing


class Chain(Protocol):
    """What freshness asks of the chain."""

    def metered_since(self, zone: int) -> int | None:
        """Unix time from which the zone has a site to report; None while it has none."""

    async def is_reported(self, zone: int, slot: int) -> bool:
        """Whether a report has settled anything in a slot."""


class Freshness:
    """Watches one zone: by `within` seconds after its end, each slot must have a report on the chain."""

    def __init__(self, chain: Chain, clock: Clock, zone: int, within: int) -> None:
        """Nothing is asked yet.

        Args:
            chain: where reports show.
            clock: what time it is.
            zone: to watch.
            within: seconds after a slot's end by which its report is due.
        """
        self._chain = chain
        self._clock = clock
        self._within = within
        self.zone = zone
        self.last_reported: int | None = None  # the latest slot that was seen reported
        self._missing: int | None = None  # the latest slot that was due and not reported

    @property
    def problem(self) -> str | None:
        """One sentence while the zone's reports are not fresh."""
        if self._missing is None:
            return None
        since = f"slot {self.last_reported}" if self.last_reported is not None else "this node started"
        return (
            f"the chain shows no report of zone {self.zone} since {since} (slot {self._missing} was due); "
            "look at the log, the transmitter's balance and the other operators"
        )

    async def run(self) -> None:
        """Watch until cancelled."""
        await self._clock.wait_until(1)
        slot = slot_of(self._clock.now())
        while True:
            await self._clock.wait_until(slot_end(slot) + self._within)
            slot = max(slot, slot_of(self._clock.now() - self._within) - 1)  # time may have leapt
            await self._watch(slot)
            slot += 1

    async def _watch(self, slot: int) -> None:
        """Ask for one slot that is due, until it is reported or the next one is due."""
        since = self._chain.metered_since(self.zone)
        if since is None or since > slot_start(slot):
            return
        while not await self._is_reported(slot):
            if self._missing is None:
                log.error("no fresh report on chain", extra=fields(zone=self.zone, slot=slot))
            self._missing = slot
            if self._clock.now() >= slot_end(slot + 1) + self._within:
                return
            await asyncio.sleep(_ASK_AGAIN)
        if self._missing is not None:
            log.info("reports are fresh again", extra=fields(zone=self.zone, slot=slot))
        self.last_reported, self._missing = slot, None

    async def _is_reported(self, slot: int) -> bool:
        try:
            return await self._chain.is_reported(self.zone, slot)
        except (RpcUnreachable, RpcRefused) as fault:
            log.warning("reports not looked up", extra=fields(zone=self.zone, slot=slot, reason=str(fault)))
            return False
