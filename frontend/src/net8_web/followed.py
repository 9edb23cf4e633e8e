"""A site's trades, each followed from its order to its payment: from the indexer, or from what the app keeps."""

from dataclasses import dataclass
from itertools import groupby

from net8 import state
from net8.model import Outcome
from net8.units import slot_of

from net8_web import indexer
from net8_web.day import result_of
from net8_web.feed import View
from net8_web.indexer import MOST_SLOTS, IndexerUnusable, Position
from net8_web.market import Market

__all__ = ["Followed", "latest"]

_LAST_SLOT = 2**31 - 1  # as the indexer counts them; later than any


@dataclass(frozen=True, slots=True)
class Waiting:
    """A site's own order in the book, which another's met."""

    since: int  # unix seconds
    tx: str  # that placed it


@dataclass(frozen=True, slots=True)
class End:
    """How a slot ended for a site. Wh and grains."""

    metered: int | None  # on the register that counts for it: out for who sold, in for who bought; None: no reading
    charge: int  # for what was short in the slot
    time: int  # unix seconds of the settlement
    tx: str


@dataclass(frozen=True, slots=True)
class Followed:
    """One trade of a site, and what became of it. Wh and grains."""

    slot: int
    sold: bool
    other: int  # site
    wh: int
    price: int  # grains per Wh
    beside_book: bool | None  # None: not known
    waiting: Waiting | None  # where the site's own order waited in the book
    time: int  # unix seconds of the match
    tx: str  # of it
    end: End | None  # None: the slot has not settled yet


def latest(view: View, site: int, most: int) -> tuple[list[Followed], str | None]:
    """The trades made last; and why no older ones are told, nor whose order waited, without the indexer."""
    try:
        return _from_indexer(view, site, most), None
    except IndexerUnusable as fault:
        return _kept(view.market, site, most), str(fault)


def _from_indexer(view: View, site: int, most: int) -> list[Followed]:
    url = indexer.require_current(view.settings.indexer, view.head.number)
    enough = len(view.market.trades_of(site)) >= most  # are kept, so the newest are not older than what is kept
    span = slot_of(view.market.since) if enough else 0, _LAST_SLOT
    trades = indexer.latest_trades(url, site, span, most)
    ends = {}
    for _, near in groupby(sorted({trade.slot for trade in trades}), lambda slot: slot // MOST_SLOTS):
        slots = list(near)
        ends.update({one.slot: one for one in indexer.positions(url, site, (slots[0], slots[-1]))})
    return [
        _followed(
            site,
            one,
            beside_book=one.beside_book,
            waiting=_waiting(one) if one.maker == site else None,
            time=one.time,
            tx=f"0x{one.tx}",
            end=_end(ends.get(one.slot)),
        )
        for one in trades
    ]


def _waiting(trade: indexer.Trade) -> Waiting | None:
    if trade.ordered_at is None:
        return None
    return Waiting(trade.ordered_at, f"0x{trade.order_tx}")


def _end(position: Position | None) -> End | None:
    if position is None or position.settled_at is None:
        return None
    counts = position.exported if position.net_wh > 0 else position.imported
    metered = counts if position.outcome == Outcome.METERED else None
    return End(metered, position.charge, position.settled_at, f"0x{position.tx}")


def _kept(market: Market, site: int, most: int) -> list[Followed]:
    trades = list(reversed(market.trades_of(site)))[:most]
    ends = {}
    for payment in market.payments_of(site):
        for slot, reading in payment.readings.items():
            result = result_of(market, site, slot, reading)
            metered = result.exported if result.net_wh > 0 else result.imported
            ends[slot] = End(metered, result.penalty, payment.at.time, payment.at.tx)
    return [
        _followed(site, one, beside_book=None, waiting=None, time=one.at.time, tx=one.at.tx, end=ends.get(one.slot))
        for one in trades
    ]


def _followed(
    site: int,
    one: indexer.Trade | state.Trade,
    *,
    beside_book: bool | None,
    waiting: Waiting | None,
    time: int,
    tx: str,
    end: End | None,
) -> Followed:
    """A trade as one of its two sites sees it."""
    sold = one.seller == site
    other = one.buyer if sold else one.seller
    return Followed(one.slot, sold, other, one.wh, one.price, beside_book, waiting, time, tx, end)
