"""The one line that a headless run ends with."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from scripts.street.latency import percentile

__all__ = ["Result"]


@dataclass(frozen=True)
class Result:
    """What a run did, in the order in which it is printed."""

    slots: int
    sites: int
    orders: int
    trades: int
    traded_wh: int
    reports: int
    settled_site_slots: int
    shortfall_wh: int
    unused_wh: int
    certificates_wh: int
    latency_ms: Sequence[float]  # ascending
    conserved: bool
    fault: str | None = None  # what did not agree, told beside the line

    def line(self) -> str:
        """As JSON."""
        values: dict[str, Any] = asdict(self)
        del values["fault"]
        values["latency_ms"] = {"p50": percentile(self.latency_ms, 50), "p99": percentile(self.latency_ms, 99)}
        return json.dumps(values)
