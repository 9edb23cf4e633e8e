"""Registers never jump: what a meter shows becomes the site's next reading only if it can follow the last one.

A momentary zero, a torn frame that passed its checksum, a wrong sign and a clock that runs backwards all show as
registers or times that cannot follow. What may look the same and is none of it is declared: another meter by its serial
number and a higher `epoch`, a register that starts again by `rollover_wh`.
"""

from dataclasses import dataclass

from net8_oracle.gateway.state import MeterState, SourceSettings
from net8_oracle.reading import BOUNDARY_TOLERANCE, Reading, ReadingRefused

__all__ = ["Continuity", "NotYet"]

_STEP_WH = 1_000  # a register may count whole kWh, and then makes such a step in no time


class NotYet(ReadingRefused):
    """A state from before the boundary, by the meter's own clock: the next one will do."""


@dataclass(slots=True)
class Continuity:
    """The readings of one site, each of which follows the one before."""

    site: int
    epoch: int
    meter: SourceSettings
    last: Reading | None  # the latest that was ever taken for the site
    serial: str | None  # of the meter that the present epoch's readings came from, once known
    _unconfirmed: Reading | None = None  # the first of an epoch: a zero of a moment would be believed for ever

    def take(self, state: MeterState, start: int, now: int, *, live: bool) -> Reading | None:
        """The site's next reading, or None while the first one of an epoch waits for a second that confirms it.

        Args:
            state: what the meter shows.
            start: of the slot at whose boundary it is read, unix seconds.
            now: by the gateway's clock.
            live: from a meter; otherwise a file's registers at `start`, which need no confirmation.

        Raises:
            NotYet: the meter's clock has not reached the boundary.
            ReadingRefused: it cannot follow the last reading; the message says why and what to do.
        """
        if state.problems:
            raise ReadingRefused(f"site {self.site}: {'; '.join(state.problems)}")
        self._check_serial(state)
        taken_at = self._time(state, start, now) if live else start
        known = self.last if self.last is not None and self.last.epoch == self.epoch else None
        if live and known is None:
            known, self._unconfirmed = self._unconfirmed, self._next(state, taken_at, None)
            if known is None:
                return None
        reading = self._next(state, taken_at, known)
        if self.last is not None:
            reading.check_follows(self.last)
        self._unconfirmed, self.last = None, reading
        self.serial = state.serial if self.serial is None else self.serial
        return reading

    def _next(self, state: MeterState, taken_at: int, before: Reading | None) -> Reading:
        return Reading(
            self.site,
            taken_at,
            self._register("import", state.import_wh, before, taken_at),
            self._register("export", state.export_wh, before, taken_at),
            self.epoch,
            self.last.sequence + 1 if self.last is not None else 1,
        )

    def _check_serial(self, state: MeterState) -> None:
        known = self.meter.serial if self.meter.serial is not None else self.serial
        if known is not None and state.serial is not None and state.serial != known:
            raise ReadingRefused(
                f"site {self.site}: this is meter {state.serial}, not {known}; "
                "if it was replaced, write its serial and raise the site's epoch by one"
            )
        if self.meter.serial is not None and state.serial is None:
            raise ReadingRefused(
                f"site {self.site}: the meter does not tell its serial, so it cannot be known as {known}; "
                "remove serial from its source"
            )

    def _time(self, state: MeterState, start: int, now: int) -> int:
        if state.time is None or self.meter.clock == "gateway":
            return now
        if abs(state.time - now) > BOUNDARY_TOLERANCE:
            raise ReadingRefused(
                f"site {self.site}: the meter's clock is {abs(state.time - now)} s "
                f'{"ahead of" if state.time > now else "behind"} the gateway\'s; set it, or write clock = "gateway"'
            )
        if state.time < start:
            raise NotYet(f"site {self.site}: the meter's clock is {start - state.time} s before the boundary")
        return state.time

    def _register(self, name: str, shown: int | None, before: Reading | None, taken_at: int) -> int:
        """The register without its turns, in Wh.

        Raises:
            ReadingRefused: the meter has none, or it cannot follow the one of `before`.
        """
        if self.meter.registers not in ("both", name):
            return 0
        if shown is None:
            raise ReadingRefused(
                f"site {self.site}: the meter shows no {name} register; "
                f'if it has none, write registers = "{"export" if name == "import" else "import"}"'
            )
        modulus = self.meter.rollover_wh
        if modulus is not None and shown >= modulus:
            raise ReadingRefused(
                f"site {self.site}: the {name} register shows {shown} Wh, but is said to start again at {modulus}; "
                "correct rollover_wh"
            )
        if before is None:
            return shown
        earlier = before.import_wh if name == "import" else before.export_wh
        now_wh = shown if modulus is None else earlier + (shown - earlier) % modulus
        most = self.meter.largest_power_w * max(taken_at - before.taken_at, 0) // 3600 + _STEP_WH
        if now_wh < earlier:
            raise ReadingRefused(
                f"site {self.site}: the {name} register went back from {earlier} to {shown} Wh; "
                "if the meter was replaced, raise the site's epoch by one"
            )
        if now_wh - earlier > most:
            raise ReadingRefused(
                f"site {self.site}: the {name} register jumped from {earlier} to {now_wh} Wh, where "
                f"{self.meter.largest_power_w} W allow {most} Wh more; check the meter, or raise largest_power_w"
            )
        return now_wh
