"""The layer of the production model: a reading against the sun, the weather, and the site's own past."""

from collections.abc import Mapping

from net8.units import SLOT_SECONDS

from net8_oracle.node.layers import Layer, Opinion
from net8_oracle.node.layers.performance import LEARN, RECENT, Score, verdict
from net8_oracle.node.layers.table import SLOTS, Table
from net8_oracle.node.meters import RegisteredSite

__all__ = ["ModelCheck", "day_of", "place_in_day"]

_KEPT_DAYS = 2 * (RECENT + LEARN)


def day_of(slot: int) -> int:
    """The UTC day of a slot, in days since 1970."""
    return slot * SLOT_SECONDS // 86_400


def place_in_day(slot: int) -> int:
    """Which of its day's 96 slots a slot is."""
    return slot % SLOTS


class ModelCheck:
    """Tables and learned scores by site; what it says of a reading is a look-up."""

    layer = Layer.MODEL

    def __init__(self, scores: Mapping[int, Mapping[int, Score]] | None = None) -> None:
        """`scores`: by site and day, as learned before a restart."""
        self._tables: dict[tuple[int, int], Table] = {}  # (site, day)
        self.scores: dict[int, dict[int, Score]] = {site: dict(days) for site, days in (scores or {}).items()}
        self._disputes: dict[int, str] = {}
        for site, days in self.scores.items():
            if days:
                self._judge(site, max(days))

    def put(self, site: int, day: int, table: Table) -> None:
        """Take up a day's table; those of days long gone are dropped."""
        self._tables[site, day] = table
        for key in [key for key in self._tables if key[0] == site and key[1] < day - 8]:
            del self._tables[key]

    def has(self, site: int, day: int) -> bool:
        """Whether the table of a day is there."""
        return (site, day) in self._tables

    def clear(self, site: int, slot: int) -> int:
        """Wh that a clear sky would give the site; 0 where that is not known."""
        table = self._tables.get((site, day_of(slot)))
        return 0 if table is None else table.clear[place_in_day(slot)]

    def learn(self, site: int, day: int, score: Score) -> None:
        """Take up the scores of a finished day."""
        known = self.scores.setdefault(site, {})
        known[day] = score
        for old in [old for old in known if old < day - _KEPT_DAYS]:
            del known[old]
        self._judge(site, max(known))

    def _judge(self, site: int, day: int) -> None:
        self._disputes[site] = verdict(self.scores[site], day) or ""

    def opinion(self, site: RegisteredSite, slot: int, exported: int) -> Opinion:
        """Agrees with what ceiling and the site's past allow. Without a table the ceiling is the nameplate alone."""
        table = self._tables.get((site.site, day_of(slot)))
        nameplate = site.nameplate * SLOT_SECONDS // 3600 + 1  # the registers are cut to whole Wh
        ceiling = nameplate if table is None else min(nameplate, table.ceiling[place_in_day(slot)])
        if exported > ceiling:
            return Opinion(False, f"{exported} Wh where sun, modules and nameplate allow {ceiling}")
        reason = self._disputes.get(site.site, "")
        return Opinion(not reason, reason)
