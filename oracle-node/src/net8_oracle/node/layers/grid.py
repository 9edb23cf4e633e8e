"""The layer of the grid-interaction log: what a feeder's meter saw against the sum of its sites.

The residual of a slot is what the sites say they fed in together, minus what the feeder's meter says. An honest one
is the feeder meter's error, losses, and rounding. A site that overstates its export leaves a residual in the shape of
its own export, so the residuals are fitted, by least squares over a sliding memory, as

    residual = a x export of the site + d x clear sky + b x feeder + c x |feeder| + noise

with b and c (gain of the feeder's meter, losses) held near zero by the stated error of the log. The clear sky is there
for a site that claims a sunnier day than it had: what it adds is some of a clear sky's production less its export.
The fit is made for each site; a without the sky, or d beside a, over its standard error says how sure it is, and the
surest site is named.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from net8_oracle.node.layers import Layer, Opinion
from net8_oracle.node.meters import RegisteredSite

__all__ = ["MEMORIES", "THRESHOLD", "Balance", "GridCheck"]

MEMORIES = (8.0, 200.0)  # slots: a burst, and some days
# Standard errors from which a site is disputed. Fixed on one half of the homes (docs/detection.md).
THRESHOLD = 2.75
_FRESH = 8  # slots for which the latest log record speaks
_FEEDER, _FLOW, _EXPORT, _SKY, _RESIDUAL, _FEATURES = 0, 1, 2, 3, 4, 5
_EXPORT_EXPLAINS = 0.5  # standard deviation of its coefficient: about the size of what is looked for
_ROUNDING = 1 / 3  # Wh^2: variance of two registers' differences, cut to whole Wh


class _Fit:
    """Weighted sums of products (upper triangle) of one site's features over one memory, and what follows from them.

    Features: feeder, |feeder|, export of the site, what it would export under a clear sky, residual.
    """

    __slots__ = ("_sums",)

    def __init__(self) -> None:
        self._sums = [[0.0] * _FEATURES for _ in range(_FEATURES)]

    def add(self, keep: float, weight: float, features: Sequence[float]) -> None:
        """One slot more; what was there before counts `keep` of what it did."""
        for first, row in enumerate(self._sums):
            weighted = weight * features[first]
            for second in range(first, _FEATURES):
                row[second] = keep * row[second] + weighted * features[second]

    def certainty(self, error: float) -> float:
        """The larger of a (without the sky) and d (beside a) over their standard errors."""
        sums = [row[:] for row in self._sums]
        _sweep(sums, _FEEDER, error)
        _sweep(sums, _FLOW, error)
        scaled = _ratio(sums, _EXPORT, self._sums)
        _sweep(sums, _EXPORT, _EXPORT_EXPLAINS)
        return max(scaled, _ratio(sums, _SKY, self._sums))


def _sweep(sums: list[list[float]], by: int, deviation: float) -> None:
    """Take out of all sums what feature `by` explains, its coefficient held near zero by its standard deviation."""
    pivot_row = sums[by]
    pivot = pivot_row[by] + deviation**-2
    for first in range(by + 1, _FEATURES):
        share, row = pivot_row[first] / pivot, sums[first]
        for second in range(first, _FEATURES):
            row[second] -= share * pivot_row[second]


def _ratio(sums: list[list[float]], feature: int, before: list[list[float]]) -> float:
    left = sums[feature][feature]
    return sums[feature][_RESIDUAL] / math.sqrt(left) if left > 1e-6 * before[feature][feature] else 0.0


@dataclass(slots=True)
class Balance:
    """The running balance of one feeder."""

    sites: Sequence[int]
    error: float = 0.02  # of the feeder's meter: standard error of a slot, and of its gain
    threshold: float = THRESHOLD
    slot: int = -1  # the latest one taken up
    suspect: int | None = None
    certainty: float = 0.0
    _fits: dict[int, list[_Fit]] = field(default_factory=dict)

    def add(
        self, slot: int, feeder: int, energies: Mapping[int, tuple[int, int]], clear: Mapping[int, int] | None = None
    ) -> None:
        """Take up a slot later than all before.

        Args:
            slot: its number.
            feeder: Wh that left the feeder towards the grid, less what it drew.
            energies: each site's (export, import) in Wh.
            clear: what sites would produce under a clear sky, in any unit; as far as it is known.
        """
        residual = sum(exported - imported for exported, imported in energies.values()) - feeder
        weight = 1 / ((self.error * feeder) ** 2 + _ROUNDING * len(self.sites) + 1)
        passed = 1 if self.slot < 0 else slot - self.slot
        self.slot = slot
        keeps = [math.exp(-passed / memory) for memory in MEMORIES]
        claimed = any(exported for exported, _ in energies.values())  # otherwise nothing new is to be judged
        surest, suspect = 0.0, None
        for site, (exported, _) in energies.items():
            if site not in self._fits:
                if not exported:
                    continue
                self._fits[site] = [_Fit() for _ in MEMORIES]
            features = (feeder, abs(feeder), exported, clear.get(site, 0) if clear else 0, residual)
            for fit, keep in zip(self._fits[site], keeps, strict=True):
                fit.add(keep, weight, features)
                if claimed and (certainty := fit.certainty(self.error)) > surest:
                    surest, suspect = certainty, site
        if claimed:
            self.certainty, self.suspect = surest, suspect if surest > self.threshold else None


class GridCheck:
    """Balances of all feeders that are logged."""

    layer = Layer.GRID

    def __init__(
        self,
        feeders: Mapping[int, Balance],
        energy: Callable[[int, int], tuple[int, int] | None],
        clear: Callable[[int, int], int] = lambda site, slot: 0,
    ) -> None:
        """Of feeders by number.

        Args:
            feeders: their balances.
            energy: gives a site's (export, import) in Wh in a slot, None while it is not known.
            clear: gives what a clear sky would let a site produce, 0 while it is not known.
        """
        self._feeders = dict(feeders)
        self._energy = energy
        self._clear = clear
        self._waiting: dict[int, dict[int, int]] = {number: {} for number in feeders}  # feeder -> slot -> Wh
        self._feeder_of = {site: number for number, balance in feeders.items() for site in balance.sites}

    def wants(self, feeder: int, slot: int) -> bool:
        """Whether a record of this feeder and slot would be news."""
        known = self._feeders.get(feeder)
        return known is not None and slot > known.slot and slot not in self._waiting[feeder]

    def hear(self, feeder: int, slot: int, net_wh: int) -> None:
        """A record of the log: Wh that left the feeder towards the grid in a slot; negative what it drew."""
        if self.wants(feeder, slot):
            self._waiting[feeder][slot] = net_wh
            self._settle(feeder)

    def _settle(self, feeder: int) -> None:
        """Take up waiting records in order, as far as all sites' readings are there; of old ones none are awaited."""
        balance, waiting = self._feeders[feeder], self._waiting[feeder]
        for slot in sorted(waiting):
            energies = {site: self._energy(site, slot) for site in balance.sites}
            known = {site: energy for site, energy in energies.items() if energy is not None}
            if len(known) == len(energies):
                balance.add(slot, waiting.pop(slot), known, {site: self._clear(site, slot) for site in known})
            elif slot < max(waiting) - _FRESH:
                del waiting[slot]

    def opinion(self, site: RegisteredSite, slot: int, exported: int) -> Opinion:
        """Agrees while the feeder's balance is fresh and does not point at the site."""
        feeder = self._feeder_of.get(site.site)
        if feeder is None:
            return Opinion(None)
        if self._waiting[feeder]:
            self._settle(feeder)
        balance = self._feeders[feeder]
        if balance.slot < max(0, slot - _FRESH):
            return Opinion(None)
        if balance.suspect == site.site:
            return Opinion(False, f"feeder {feeder} misses energy in the shape of this site's export")
        return Opinion(True)
