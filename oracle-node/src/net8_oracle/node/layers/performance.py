"""A site's own learned performance: does it produce more of what its weather allows than it used to? Pure functions.

A finished day has two scores, natural logarithms of produced over expected energy: over the slots with a clear sky
(median), where weather is known best, and over the whole day. Site and model differ by a constant that nobody knows:
orientation, soiling, age. So scores are only compared with the same site's earlier ones, and only upwards: producing
less is never held against anybody.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from net8_oracle.node.layers.table import Table

__all__ = ["CLEAR_RISE", "DAY_RISE", "LEARN", "RECENT", "Score", "rise", "score", "verdict"]

RECENT = 7  # days whose median is compared
LEARN = 21  # days before them that it is compared with
_FEWEST = 8  # days with a score among those, or nothing can be said
_CLEAR = 0.8  # of the clear sky's energy, from which a slot counts as clear
_BRIGHT = 0.2  # of the day's best slot, from which a slot counts at all
_CLEAR_SLOTS = 8  # fewer make no score
# Rises of a score that are disputed: a tenth above the highest of the measured series' first half (docs/detection.md).
CLEAR_RISE = 0.06
DAY_RISE = 0.38


@dataclass(frozen=True, slots=True)
class Score:
    """Logarithms of produced over expected energy of one day; None where the day does not tell."""

    clear: float | None
    whole: float | None


def score(produced: Sequence[int], table: Table) -> Score:
    """The scores of a day: Wh of its 96 slots against a table made with that day's weather."""
    best = max(table.clear)
    bright = [at for at, clear in enumerate(table.clear) if clear > _BRIGHT * best and table.expected[at] > 0]
    clear = [
        math.log(max(produced[at], 1) / table.expected[at])
        for at in bright
        if table.expected[at] > _CLEAR * table.clear[at]
    ]
    expected, energy = sum(table.expected), sum(produced)
    return Score(
        median(clear) if len(clear) >= _CLEAR_SLOTS else None,
        math.log(energy / expected) if expected and energy else None,
    )


def rise(scores: Mapping[int, float | None], day: int, recent: int) -> float | None:
    """How far the median of the `recent` days up to `day` is above that of the days before them."""
    late = [value for at in range(day - recent + 1, day + 1) if (value := scores.get(at)) is not None]
    before = [
        value for at in range(day - recent - LEARN + 1, day - recent + 1) if (value := scores.get(at)) is not None
    ]
    if len(late) < -(-recent // 3) or len(before) < _FEWEST:
        return None
    return median(late) - median(before)


def verdict(scores: Mapping[int, Score], day: int) -> str | None:
    """Why the site's readings are disputed after `day`; empty when they are not, None while too little is known."""
    clear = {at: one.clear for at, one in scores.items()}
    whole = {at: one.whole for at, one in scores.items()}
    rises = (
        (rise(clear, day, RECENT), CLEAR_RISE, "under a clear sky over a week"),
        (rise(whole, day, 1), DAY_RISE, "in a day"),
    )
    for risen, most, when in rises:
        if risen is not None and risen > most:
            return f"{math.expm1(risen):.0%} more than its weather and its own past allow {when}"
    return None if all(risen is None for risen, _, _ in rises) else ""
