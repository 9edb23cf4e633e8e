"""One meter through its slots: at each boundary it is read, until it answers or the boundary is past."""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from coincurve import PrivateKey
from net8.logs import fields
from net8.units import REPORT_TIMEOUT_SLOTS, slot_of, slot_start

from net8_oracle.clock import Clock
from net8_oracle.gateway.continuity import Continuity, NotYet
from net8_oracle.gateway.sources import Source, SourceFault
from net8_oracle.reading import BOUNDARY_TOLERANCE, Reading, ReadingRefused

__all__ = ["Meter", "Taken"]

log = logging.getLogger(__name__)

_RETRY_PAUSE = 1.0  # seconds between attempts while a boundary lasts


@dataclass(frozen=True, slots=True)
class Taken:
    """A reading just taken, not yet signed."""

    meter: "Meter"
    reading: Reading
    source_ns: int  # wall clock at which the source returned it
    record: str  # what the meter signed by itself, if it does


class Meter:
    """Reads one site's source and hands each new reading on."""

    def __init__(self, key: PrivateKey, source: Source, clock: Clock, continuity: Continuity) -> None:
        """`continuity` knows the site, its meter, and the latest reading that was ever taken."""
        self.site = continuity.site
        self.key = key
        self._source = source
        self._clock = clock
        self._continuity = continuity
        self.fault: str | None = None  # why the present boundary has no reading, or the last one had none

    @property
    def serial(self) -> str | None:
        """The meter's serial number, once it is known."""
        return self._continuity.serial

    async def run(self, hand_on: Callable[[Taken], None]) -> None:
        """Read at every slot boundary until cancelled."""
        await self._clock.wait_until(1)  # the chain's time is not known before its first block was seen
        boundary = self._first_boundary()
        while True:
            await self._clock.wait_until(slot_start(boundary))
            taken = await self._read(boundary)
            if taken is not None:
                self.fault = None
                hand_on(taken)
            boundary += 1
            if not self._source.replays:
                boundary = max(boundary, slot_of(self._clock.now()))

    def _first_boundary(self) -> int:
        """Where to go on: a replay gives what was missed while the process was down, a real meter cannot."""
        current, last = slot_of(self._clock.now()), self._continuity.last
        if not self._source.replays or last is None:
            return current
        return max(slot_of(last.taken_at) + 1, current - REPORT_TIMEOUT_SLOTS)

    async def _read(self, boundary: int) -> Taken | None:
        start, attempt = slot_start(boundary), 0
        while self._source.replays or self._clock.now() <= start + BOUNDARY_TOLERANCE:
            attempt += 1
            try:
                taken = await self._attempt(boundary, start)
                if taken is not None:
                    return taken
            except NotYet as wait:
                log.debug("meter not there yet", extra=fields(site=self.site, slot=boundary, reason=str(wait)))
            except SourceFault as fault:
                self.fault = f"site {self.site}: {fault}"
                log.warning("meter not read", extra=fields(site=self.site, slot=boundary, reason=str(fault)))
            except ReadingRefused as fault:
                self.fault = str(fault)
                log.error("registers refused", extra=fields(site=self.site, slot=boundary, reason=str(fault)))
            if self._source.replays:
                return None
            await asyncio.sleep(_RETRY_PAUSE)
        if attempt:
            log.error("no reading at boundary", extra=fields(site=self.site, slot=boundary, reason=self.fault))
        return None

    async def _attempt(self, boundary: int, start: int) -> Taken | None:
        """One look at the meter; None when another is needed to confirm it, or when it came too late."""
        state = await self._source.read(boundary)
        source_ns, now = time.time_ns(), self._clock.now()
        if not self._source.replays and now > start + BOUNDARY_TOLERANCE:
            return None
        reading = self._continuity.take(state, start, now, live=not self._source.replays)
        return None if reading is None else Taken(self, reading, source_ns, state.record)

    async def close(self) -> None:
        """Let the source go."""
        await self._source.close()
