"""Latency from the nodes' raw stamps: last reading of a slot returned by its source -> settlement receipt."""

import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

__all__ = ["latencies_ms", "percentile"]


def latencies_ms(stamps: Iterable[Path], slots: range) -> list[float]:
    """Milliseconds of every settled part of the slots, each once: from the node that got the settlement's receipt."""
    settled: dict[tuple[int, int, int], float] = {}
    for path in stamps:
        for line in path.read_text(encoding="utf-8").splitlines():
            stamp = json.loads(line)
            if stamp["transmitter"] and stamp["slot"] in slots and stamp.get("source_ns"):
                key = (stamp["zone"], stamp["slot"], stamp["part"])
                settled[key] = (stamp["receipt_ns"] - stamp["source_ns"]) / 1e6
    return sorted(settled.values())


def percentile(ordered: Sequence[float], percent: float) -> float | None:
    """The nearest-rank percentile of ascending values; None of none."""
    if not ordered:
        return None
    return round(ordered[max(math.ceil(percent / 100 * len(ordered)), 1) - 1], 1)
