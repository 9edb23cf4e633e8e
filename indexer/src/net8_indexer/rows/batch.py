"""Rows of some blocks as they are gathered, and what their handlers share."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from net8.model import Terms

from net8_indexer.schema import Base

__all__ = ["Batch", "Handler", "Moment", "Resting", "Row"]

Row = dict[str, Any]


@dataclass(slots=True)
class Resting:
    """An order in the book."""

    at: int
    left: int  # Wh
    price: int


@dataclass(frozen=True, slots=True)
class Moment:
    """Where and when something was logged."""

    at: int
    time: int
    tx: bytes

    def row(self, **values: object) -> Row:
        """With where and when."""
        return {"at": self.at, "time": self.time, "tx": self.tx, **values}


@dataclass(slots=True)
class Batch:
    """Rows of the events of some blocks, in the order of the chain.

    Args:
        resting: orders in the book by number; kept up to date here.
        terms_of: terms of a zone's hour that were fixed before this batch.
    """

    resting: dict[int, Resting]
    terms_of: Callable[[int, int], Terms]
    rows: dict[type[Base], list[Row]] = field(default_factory=lambda: defaultdict(list))
    left: dict[int, int] = field(default_factory=dict)  # Order.at -> Wh left, of earlier batches' orders that changed
    terms: dict[tuple[int, int], Terms] = field(default_factory=dict)
    fresh: dict[int, Row] = field(default_factory=dict)  # Order.at -> row of this batch


Handler = Callable[[Batch, Any, Moment], None]
