"""Slots of a strip in few bytes: most days are a few prices, so slots that say the same are told once.

A run is: number of slots 1 | price 2 | Wh 3. Neighbouring runs differ, so that a strip is written in one way only.
"""

from collections.abc import Sequence
from itertools import groupby

__all__ = ["RUN_BYTES", "of_runs", "runs"]

RUN_BYTES = 6

Leg = tuple[int, int]  # price in grains per Wh, energy in Wh


def runs(legs: Sequence[Leg]) -> bytes:
    """Slots as runs."""
    found = b""
    for (price, wh), same in groupby(legs):
        found += bytes([sum(1 for _ in same)]) + price.to_bytes(2) + wh.to_bytes(3)
    return found


def of_runs(given: bytes, count: int) -> tuple[list[Leg], bytes]:
    """The `count` slots at the beginning, and the bytes behind them.

    Raises:
        ValueError: there are no such runs.
    """
    legs: list[Leg] = []
    rest = given
    while len(legs) < count:
        run, rest = rest[:RUN_BYTES], rest[RUN_BYTES:]
        if len(run) < RUN_BYTES or run[0] == 0:
            raise ValueError("a run is missing or empty")
        leg = int.from_bytes(run[1:3]), int.from_bytes(run[3:])
        if legs and legs[-1] == leg:
            raise ValueError("two runs say the same")
        legs += [leg] * run[0]
    if len(legs) != count:
        raise ValueError("there are more slots than said")
    return legs, rest
