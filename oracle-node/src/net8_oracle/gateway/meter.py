"""One meter through its slots: at each boundary it is read, until it answers or the boundary is past."""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from coincurve import PrivateKey
from net8.units import REPORT_TIMEOUT_SLOTS, slot_of, slot_start

from net8_oracle.clock import Clock
from net8_oracle.gateway.sources import Registers, Source, SourceFault
from net8_oracle.logs import fields
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


class Meter:
    """Reads one site's source and hands each new reading on."""

    def __init__(
        self, site: int, epoch: int, key: PrivateKey, source: Source, clock: Clock, last: Reading | None
    ) -> None:
        """`last` is the latest reading that was ever taken for the site."""
        self.site = site
        self.key = key
        self._epoch = epoch
        self._source = source
        self._clock = clock
        self._last = last

    async def run(self, hand_on: Callable[[Taken], None]) -> None:
        """Read at every slot boundary until cancelled."""
        await self._clock.wait_until(1)  # the chain's time is not known before its first block was seen
        boundary = self._first_boundary()
        while True:
            await self._clock.wait_until(slot_start(boundary))
            taken = await self._read(boundary)
            if taken is not None:
                hand_on(taken)
            boundary += 1
            if not self._source.replays:
                boundary = max(boundary, slot_of(self._clock.now()))

    def _first_boundary(self) -> int:
        """Where to go on: a replay gives what was missed while the process was down, a real meter cannot."""
        current = slot_of(self._clock.now())
        if not self._source.replays:
            return current
        if self._last is None:
            return current
        return max(slot_of(self._last.taken_at) + 1, current - REPORT_TIMEOUT_SLOTS)

    async def _read(self, boundary: int) -> Taken | None:
        attempt = 0
        while True:
            attempt += 1
            now = self._clock.now()
            if not self._source.replays and now > slot_start(boundary) + BOUNDARY_TOLERANCE:
                if attempt > 1:
                    log.error("no reading at boundary", extra=fields(site=self.site, slot=boundary))
                return None
            try:
                registers = await self._source.read(boundary, now)
                source_ns = time.time_ns()
                return Taken(self, self._checked(registers), source_ns)
            except SourceFault as fault:
                log.warning("meter not read", extra=fields(site=self.site, slot=boundary, reason=str(fault)))
                if self._source.replays:
                    return None
            except ReadingRefused as fault:
                log.error("registers refused", extra=fields(site=self.site, slot=boundary, reason=str(fault)))
                if self._source.replays:
                    return None
            await asyncio.sleep(_RETRY_PAUSE)

    def _checked(self, registers: Registers) -> Reading:
        """The next reading of the site.

        Raises:
            ReadingRefused: it cannot come after the last one.
        """
        sequence = self._last.sequence + 1 if self._last else 1
        reading = Reading(
            self.site, registers.taken_at, registers.import_wh, registers.export_wh, self._epoch, sequence
        )
        if self._last is not None:
            reading.check_follows(self._last)
        self._last = reading
        return reading

    async def close(self) -> None:
        """Let the source go."""
        await self._source.close()
