"""Whose readings of a part of a slot are there, how long the others are waited for, and what is made of them."""

import asyncio
import logging
from collections.abc import Callable, Iterator

from net8.logs import fields
from net8.units import slot_start

from net8_oracle.node import report
from net8_oracle.node.envelopes import Key
from net8_oracle.node.layers import Judgement
from net8_oracle.node.meters import RegisteredSite
from net8_oracle.node.world import World

__all__ = ["Attendance"]

log = logging.getLogger(__name__)

_PATIENT_REPORTS = 3  # a site without reading in so many reports is no longer waited for, until it speaks again


class Attendance:
    """The sites that a report is expected to name."""

    def __init__(self, world: World, key: Key, look: Callable[[], None]) -> None:
        """`look` is called when patience is over."""
        self._world = world
        self._key = key
        self._look = look
        self._expected: list[RegisteredSite] = []
        self._waiting: set[int] = set()
        self._heard = 0  # sites with a complete reading
        self._all_silent = False  # to be reported without any reading
        self._patience_over = False
        self._patience: asyncio.TimerHandle | None = None
        self._disputed: set[int] = set()  # sites whose reading was told to contradict other evidence

    @property
    def sites(self) -> int:
        """How many are expected."""
        return len(self._expected)

    @property
    def anybody(self) -> bool:
        """Whether there is a complete reading of any site."""
        return self._heard > 0

    @property
    def something_to_report(self) -> bool:
        """Whether there is a reading, or it is to be said that there is none."""
        return self.anybody or self._all_silent

    def begin(self) -> None:
        """The slot is over: see who is there."""
        key, energy = self._key, self._world.meters.energy
        start = slot_start(key.slot)
        self._expected = [site for site in self._world.chain.sites_of(key.zone, key.part) if site.since <= start]
        complete = {site.site for site in self._expected if energy(site.site, key.slot) is not None}
        self._heard = len(complete)
        self._waiting = {
            site.site
            for site in self._expected
            if site.site not in complete and self._world.silent_reports[site.site] < _PATIENT_REPORTS
        }

    def heard(self, site: int) -> bool:
        """A site's reading at the end of the slot has come; whether it is complete now."""
        if self._world.meters.energy(site, self._key.slot) is None:
            return False
        self._heard += 1
        self._waiting.discard(site)
        return True

    def all_silent(self) -> None:
        """Nobody has spoken for very long: there is nothing to wait for."""
        self._all_silent = self._patience_over = True
        log.warning("no meter has spoken", extra=fields(**self._key._asdict(), sites=self.sites))

    def is_complete(self) -> bool:
        """Whether it is time to observe. While sites are waited for, patience begins to run out."""
        if not self.something_to_report:
            return False
        if self._waiting and not self._patience_over:
            if self._patience is None:
                loop = asyncio.get_running_loop()
                self._patience = loop.call_later(self._world.timing.patience, self._out_of_patience)
            return False
        return True

    def _out_of_patience(self) -> None:
        self._patience_over = True
        facts = fields(**self._key._asdict(), sites=sorted(self._waiting)[:20], count=len(self._waiting))
        log.warning("readings missing", extra=facts)
        self._look()

    def stop_waiting(self) -> None:
        """Let no patience run out any more."""
        if self._patience is not None:
            self._patience.cancel()

    def close(self) -> None:
        """Count who was silent."""
        self.stop_waiting()
        for site, energy in self.energies():
            self._world.silent_reports[site.site] = self._world.silent_reports[site.site] + 1 if energy is None else 0

    def _tell_dispute(self, site: RegisteredSite, exported: int, judged: Judgement) -> None:
        if site.site not in self._disputed:
            self._disputed.add(site.site)
            self._world.count("disputed_readings" if judged.reported else "withheld_readings")
            facts = fields(**self._key._asdict(), site=site.site, export_wh=exported, reasons=list(judged.reasons))
            log.warning("reading disputed" if judged.reported else "reading withheld", extra=facts)

    def source_ns(self) -> int:
        """When the last source returned its reading at the slot's end (wall clock, ns)."""
        return self._world.meters.source_ns([site.site for site in self._expected], self._key.slot)

    def energies(self) -> Iterator[tuple[RegisteredSite, tuple[int, int] | None]]:
        """The sites that are expected, with (export, import) in Wh by their meters' readings."""
        energy, slot = self._world.meters.energy, self._key.slot
        return ((site, energy(site.site, slot)) for site in self._expected)

    def metered(self) -> list[int]:
        """What the meters say of every site, as words without layers."""
        return [
            report.no_reading(site.index) if energy is None else report.reading_word(site.index, *energy)
            for site, energy in self.energies()
        ]

    def words(self) -> list[int]:
        """What this node states of every site, as an observation says it; tells what other evidence contradicts."""
        words = []
        for site, energy in self.energies():
            if energy is None:
                words.append(report.no_reading(site.index))
                continue
            judged = self._world.layers.judge(site, self._key.slot, energy)
            if judged.reasons:
                self._tell_dispute(site, energy[0], judged)
            word = report.reading_word(site.index, *energy) if judged.reported else report.no_reading(site.index)
            words.append(report.with_layers(word, judged.agreed))
        return words
