"""The book of a slot as a ladder shows it: the same in every language, worked out once a block for all sessions."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from net8.model import Level, Order

from net8_web import show
from net8_web.feed import View

__all__ = ["Book", "Rung", "book_of"]

RUNGS = 9  # prices of each side


@dataclass(frozen=True, slots=True)
class Rung:
    """One price of the ladder, in the words of a person."""

    price: int  # grains per Wh
    net8: str
    euro: str
    kwh: str
    share: float  # of the deepest price shown, 0 to 1


@dataclass(frozen=True, slots=True)
class Book:
    """Both sides, best price first, and who has an order in it."""

    asks: list[Rung]
    bids: list[Rung]
    orders: list[Order]

    def as_seen_by(self, site: int | None) -> dict[str, Any]:
        """What the ladder's component draws: {asks, bids: [rung]} and the prices at which `site` has orders."""
        return {
            "asks": [asdict(rung) for rung in self.asks],
            "bids": [asdict(rung) for rung in self.bids],
            "mine": {"asks": self._prices(site, sell=True), "bids": self._prices(site, sell=False)},
        }

    def _prices(self, site: int | None, sell: bool) -> list[int]:
        return sorted({order.price for order in self.orders if order.site == site and order.sell is sell})


def book_of(view: View, zone: int, slot: int) -> Book:
    """The book of a zone's slot; empty where there is none."""

    def make() -> Book:
        market = view.market
        asks, bids = (_rungs(market.depth(zone, slot, sell)[:RUNGS]) for sell in (True, False))
        return Book(asks, bids, market.orders_in(zone, slot))

    if not view.market.has_orders(zone, slot):
        return Book([], [], [])  # not remembered: anybody may ask for any slot there could be
    book: Book = view.memo(("book", zone, slot), make)
    return book


def _rungs(levels: Iterable[Level]) -> list[Rung]:
    shown = list(levels)
    deepest = max((level.wh for level in shown), default=1)
    return [
        Rung(
            price=level.price,
            net8=show.price_net8(level.price),
            euro=show.price_euro(level.price),
            kwh=show.kwh(level.wh),
            share=round(level.wh / deepest, 3),
        )
        for level in shown
    ]
