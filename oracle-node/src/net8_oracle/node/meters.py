"""The zone's meters as one node knows them: every accepted reading, and the energy of each slot."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum

from net8.eip712 import Domain
from net8.units import REPORT_TIMEOUT_SLOTS, SLOT_SECONDS

from net8_oracle.node.envelopes import Key, part_of
from net8_oracle.reading import Reading, ReadingRefused, SignedReading, boundary_of

__all__ = ["Acceptance", "Meters", "RegisteredSite"]

log = logging.getLogger(__name__)

_AHEAD = SLOT_SECONDS  # seconds a meter's clock may be ahead of ours
_KEPT_SLOTS = REPORT_TIMEOUT_SLOTS + 2


class Acceptance(Enum):
    """What happened to a reading that was not refused."""

    NEW = "new"
    KNOWN = "known"
    LATER = "later"  # the site is not registered yet, or the reading is from our future: send it again


@dataclass(frozen=True, slots=True)
class RegisteredSite:
    """What the chain says of a site."""

    site: int
    meter_key: bytes
    nameplate: int  # W
    since: int  # unix seconds from which it is expected to be read; 0 when it was there before the node

    @property
    def index(self) -> int:
        """Index within its zone."""
        return self.site & 0xFFFF


@dataclass(slots=True)
class _History:
    """A meter's readings: the latest, and those at slot boundaries."""

    last: SignedReading
    at_boundary: dict[int, SignedReading] = field(default_factory=dict)

    def add(self, signed: SignedReading) -> int | None:
        """Take up a reading; returns the slot at whose start it was taken, if it is the first one there."""
        self.last = signed
        boundary = boundary_of(signed.reading.taken_at)
        if boundary is None or boundary in self.at_boundary:
            return None
        self.at_boundary[boundary] = signed
        if len(self.at_boundary) > _KEPT_SLOTS:
            del self.at_boundary[next(iter(self.at_boundary))]
        return boundary

    def complete(self, signed: SignedReading) -> None:
        """Take up the record of the latest reading, where it came without one the first time."""
        boundary = boundary_of(signed.reading.taken_at)
        known = self.at_boundary.get(boundary) if boundary is not None else None
        if boundary is not None and known is not None and known.signature == signed.signature and not known.record:
            self.at_boundary[boundary] = signed


class Meters:
    """Readings of all sites of the node's zones."""

    def __init__(self, domain: Domain, site_of: Callable[[int], RegisteredSite | None]) -> None:
        """`site_of` gives what the chain says of a site, None while it does not know it."""
        self._domain = domain
        self._site_of = site_of
        self._histories: dict[int, _History] = {}
        self._doubled: set[tuple[int, int]] = set()  # (site, slot): two different readings of the slot's start

    def restore(self, readings: Iterable[SignedReading]) -> None:
        """Take up readings accepted before a restart, in order of sequence."""
        for signed in readings:
            self._add(signed)

    def _add(self, signed: SignedReading) -> int | None:
        history = self._histories.get(signed.reading.site)
        if history is None:
            history = self._histories[signed.reading.site] = _History(signed)
        return history.add(signed)

    def accept(self, signed: SignedReading, now: int) -> tuple[Acceptance, int | None]:
        """Check a reading and take it up; with NEW comes the slot at whose start it was taken, if it was.

        Raises:
            ReadingRefused: the signature is not the site's meter's, a counter or clock ran backwards,
                or more energy flowed than the site can make.
        """
        reading = signed.reading
        site = self._site_of(reading.site)
        if site is None or reading.taken_at > now + _AHEAD:
            return Acceptance.LATER, None
        history = self._histories.get(reading.site)
        if history is not None and history.last.signature == signed.signature:
            history.complete(signed)
            return Acceptance.KNOWN, None
        if signed.signer(self._domain) != site.meter_key:
            raise ReadingRefused(
                f"site {reading.site}: signed by another key than the meter's; check the gateway's keystore"
            )
        if history is not None:
            last = history.last.reading
            if reading.sequence <= last.sequence and self._repeats(reading, history):
                return Acceptance.KNOWN, None
            reading.check_follows(last)
            self._check_nameplate(reading, last, site)
        return Acceptance.NEW, self._add(signed)

    def _repeats(self, reading: Reading, history: _History) -> bool:
        if history.last.reading == reading:
            return True
        boundary = boundary_of(reading.taken_at)
        known = history.at_boundary.get(boundary) if boundary is not None else None
        return known is not None and known.reading == reading

    def _check_nameplate(self, reading: Reading, last: Reading, site: RegisteredSite) -> None:
        if reading.epoch != last.epoch:
            return
        exported = reading.export_wh - last.export_wh
        most = site.nameplate * (reading.taken_at - last.taken_at) // 3600 + 1  # the registers are cut to whole Wh
        if exported > most:
            raise ReadingRefused(
                f"site {reading.site}: exported {exported} Wh where its nameplate of {site.nameplate} W allows {most}; "
                "check the meter's scale, or register the site's true nameplate"
            )

    def energy(self, site: int, slot: int) -> tuple[int, int] | None:
        """(export, import) in Wh of a site in a slot; None without one reading of one meter at each of its ends."""
        history = self._histories.get(site)
        if history is None or (self._doubled and self.is_doubtful(site, slot)):
            return None
        start, end = history.at_boundary.get(slot), history.at_boundary.get(slot + 1)
        if start is None or end is None or start.reading.epoch != end.reading.epoch:
            return None
        return end.reading.export_wh - start.reading.export_wh, end.reading.import_wh - start.reading.import_wh

    def at_boundaries(self, site: int, slot: int) -> list[SignedReading]:
        """The readings at a slot's two ends that `energy` rests on, as far as they are there."""
        known = self._histories[site].at_boundary if site in self._histories else {}
        return [known[boundary] for boundary in (slot, slot + 1) if boundary in known]

    def weigh(self, signed: SignedReading, key: Key) -> tuple[SignedReading, SignedReading] | None:
        """Compare a reading that an operator shows with ours of the same boundary.

        When they differ, both are returned, and the site has no energy in the slots that meet there.

        Raises:
            ReadingRefused: its meter has not signed it, or it is not about this part and slot.
        """
        reading = signed.reading
        site, boundary = self._site_of(reading.site), boundary_of(reading.taken_at)
        about = (reading.site >> 16, part_of(reading.site & 0xFFFF)) == (key.zone, key.part)
        if site is None or not about or boundary not in (key.slot, key.slot + 1):
            raise ReadingRefused(f"site {reading.site}: a reading that is not about this slot was shown")
        ours = self._histories[reading.site].at_boundary.get(boundary) if reading.site in self._histories else None
        if ours is None or ours.reading == reading or (reading.site, boundary) in self._doubled:
            return None
        if signed.signer(self._domain) != site.meter_key:
            raise ReadingRefused(
                f"site {reading.site}: a reading was shown that another key than the meter's has signed"
            )
        self.doubt(reading.site, boundary)
        return ours, signed

    def doubt(self, site: int, boundary: int) -> None:
        """The site's meter signed two different readings of the start of slot `boundary`."""
        self._doubled.add((site, boundary))

    def is_doubtful(self, site: int, slot: int) -> bool:
        """Whether the site's meter signed two different readings of an end of the slot."""
        return (site, slot) in self._doubled or (site, slot + 1) in self._doubled

    def source_ns(self, sites: Iterable[int], slot: int) -> int:
        """When the last of the sites' sources returned the reading that ended `slot` (wall clock, ns)."""
        stamps = [
            history.at_boundary[slot + 1].source_ns
            for site in sites
            if (history := self._histories.get(site)) is not None and slot + 1 in history.at_boundary
        ]
        return max(stamps, default=0)
