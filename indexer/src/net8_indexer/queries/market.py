"""The market: trades, candles, and what can be traded now."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, case, func, or_, select

from net8_indexer.queries.paging import MOST_ROWS, AnyRow, AnySelect, Page, QueryRefused, page, slot_range
from net8_indexer.queries.places import place_of
from net8_indexer.schema import Order, OrderChange, Trade

__all__ = [
    "Candle",
    "OrderRow",
    "SlotCandle",
    "SlotSummary",
    "TradeRow",
    "candles",
    "open_slots",
    "orders",
    "slot_candles",
    "trades",
]


@dataclass(frozen=True, slots=True)
class TradeRow:
    """One match, final at once."""

    zone: int  # of the market
    slot: int
    time: int
    price: int
    wh: int
    seller: int
    buyer: int
    beside_book: bool  # by two orders that their owners had signed
    maker: int | None  # site whose order had waited in the book; None beside the book
    ordered_at: int | None  # unix seconds from which it had
    order_tx: str | None  # in which it came to rest
    tx: str


def _trade(row: AnyRow) -> TradeRow:
    return TradeRow(
        row.zone, row.slot, row.time, row.price, row.wh, row.seller, row.buyer, row.order_at is None, row.maker,
        row.ordered_at, None if row.order_tx is None else row.order_tx.hex(), row.tx.hex(),
    )  # fmt: skip


def trades(
    db: Connection,
    *,
    zone: int | None = None,
    slot: int | None = None,
    site: int | None = None,
    first_slot: int | None = None,
    last_slot: int | None = None,
    cursor: str | None = None,
    limit: int = 100,
) -> Page[TradeRow]:
    """Trades of a zone's markets, of one of its markets, or of a site, newest first; of a range of slots where given.

    Raises:
        QueryRefused: neither zone nor site is given, or cursor or limit is wrong.
    """
    if zone is None and site is None:
        raise QueryRefused("neither zone nor site is given; give one of them")
    keys = (Trade.at, Trade.place)
    wanted = (
        select(
            *keys, Trade.zone, Trade.slot, Trade.time, Trade.price, Trade.wh, Trade.seller, Trade.buyer, Trade.order_at,
            Trade.tx, Order.site.label("maker"), Order.time.label("ordered_at"), Order.tx.label("order_tx"),
        )
        .outerjoin(Order, Order.at == Trade.order_at)
    )  # fmt: skip
    if zone is not None:
        wanted = wanted.where(Trade.zone == zone)
    if slot is not None:
        wanted = wanted.where(Trade.slot == slot)
    if first_slot is not None:
        wanted = wanted.where(Trade.slot >= first_slot)
    if last_slot is not None:
        wanted = wanted.where(Trade.slot <= last_slot)
    if site is not None:
        wanted = wanted.where(or_(Trade.seller == site, Trade.buyer == site))
    return page(db, wanted, keys, cursor, limit, _trade)


# --- candles --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Candle:
    """Prices of one stretch of trading."""

    time: int  # unix seconds at which it begins
    open: int
    high: int
    low: int
    close: int
    wh: int
    value: int  # grains
    trades: int


@dataclass(frozen=True, slots=True)
class SlotCandle:
    """Prices at which one slot was traded, from its first to its last trade."""

    slot: int
    open: int
    high: int
    low: int
    close: int
    wh: int
    value: int  # grains
    trades: int


def _grouped(bucket: Any, where: Sequence[Any]) -> AnySelect:  # noqa: ANN401 - SQLAlchemy's expressions
    """Open, high, low and close of each bucket, oldest first."""
    first = func.row_number().over(partition_by=bucket, order_by=(Trade.at, Trade.place))
    last = func.row_number().over(partition_by=bucket, order_by=(Trade.at.desc(), Trade.place.desc()))
    ranked = (
        select(bucket.label("bucket"), Trade.price, Trade.wh, first.label("first"), last.label("last"))
        .where(*where)
        .subquery()
    )
    price = ranked.c.price
    return (
        select(
            ranked.c.bucket,
            func.max(case((ranked.c.first == 1, price))).label("open"),
            func.max(price).label("high"),
            func.min(price).label("low"),
            func.max(case((ranked.c.last == 1, price))).label("close"),
            func.sum(ranked.c.wh).label("wh"),
            func.sum(price * ranked.c.wh).label("value"),
            func.count().label("trades"),
        )
        .group_by(ranked.c.bucket)
        .order_by(ranked.c.bucket)
    )


def candles(
    db: Connection, zone: int, first_time: int, last_time: int, seconds: int, slot: int | None = None
) -> list[Candle]:
    """Prices of a zone by the time of trading, oldest first; stretches without a trade are left out.

    Args:
        zone: of the market.
        first_time: the first stretch holds it.
        last_time: the last stretch holds it.
        seconds: length of a stretch.
        slot: of delivery; all of the zone's when left out.

    Raises:
        QueryRefused: more stretches than a page has rows.
    """
    if seconds < 1 or last_time < first_time or (last_time - first_time) // seconds >= MOST_ROWS:
        raise QueryRefused(
            f"{first_time} to {last_time} in steps of {seconds} s is not 1 to {MOST_ROWS} candles; "
            "ask for a shorter time or longer steps"
        )
    begin, end = first_time // seconds * seconds, (last_time // seconds + 1) * seconds
    where = [Trade.zone == zone, Trade.at >= place_of(db, begin), Trade.at < place_of(db, end)]
    where += [Trade.slot == slot] if slot is not None else []
    found = db.execute(_grouped(Trade.time - Trade.time % seconds, where))
    return [Candle(*(int(value) for value in row)) for row in found]


def slot_candles(db: Connection, zone: int, first_slot: int, last_slot: int) -> list[SlotCandle]:
    """Prices of a zone by the slot of delivery, oldest first; slots without a trade are left out.

    Raises:
        QueryRefused: the range is empty or too long.
    """
    slots = slot_range(first_slot, last_slot)
    where = [Trade.zone == zone, Trade.slot.between(slots[0], slots[-1])]
    return [SlotCandle(*(int(value) for value in row)) for row in db.execute(_grouped(Trade.slot, where))]


# --- the book -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SlotSummary:
    """What stands in a slot's book and what was traded there."""

    slot: int
    best_bid: int | None
    best_ask: int | None
    bid_wh: int
    ask_wh: int
    last_price: int | None
    traded_wh: int
    traded_value: int  # grains


def open_slots(db: Connection, zone: int, first_slot: int, last_slot: int) -> list[SlotSummary]:
    """Book and trades of each slot of a zone, in the order of slots; slots with neither are left out.

    Raises:
        QueryRefused: the range is empty or too long.
    """
    slots = slot_range(first_slot, last_slot, days=8)  # the horizon, and the day that runs
    book = {
        (row.slot, row.sell): row
        for row in db.execute(
            select(
                Order.slot, Order.sell, func.min(Order.price).label("low"), func.max(Order.price).label("high"),
                func.sum(Order.left).label("wh"),
            )
            .where(Order.zone == zone, Order.slot.between(slots[0], slots[-1]), Order.left > 0)
            .group_by(Order.slot, Order.sell)
        )
    }  # fmt: skip
    traded = {candle.slot: candle for candle in slot_candles(db, zone, first_slot, last_slot)}
    found = []
    for slot in sorted({slot for slot, _ in book} | set(traded)):
        bids, asks, candle = book.get((slot, False)), book.get((slot, True)), traded.get(slot)
        found.append(
            SlotSummary(
                slot=slot,
                best_bid=bids.high if bids else None,
                best_ask=asks.low if asks else None,
                bid_wh=int(bids.wh) if bids else 0,
                ask_wh=int(asks.wh) if asks else 0,
                last_price=candle.close if candle else None,
                traded_wh=candle.wh if candle else 0,
                traded_value=candle.value if candle else 0,
            )
        )
    return found


@dataclass(frozen=True, slots=True)
class OrderRow:
    """An order that came to rest in the book, and what became of it."""

    order: str  # number on chain
    time: int
    zone: int
    slot: int
    sell: bool
    price: int
    site: int
    wh: int  # when it came to rest
    left: int  # now in the book
    traded: int
    taken_back: int  # reduced, cancelled, released or expired
    tx: str


def orders(
    db: Connection,
    *,
    zone: int | None = None,
    slot: int | None = None,
    site: int | None = None,
    only_open: bool = True,
    cursor: str | None = None,
    limit: int = 100,
) -> Page[OrderRow]:
    """Orders of a market or of a site, newest first.

    Raises:
        QueryRefused: neither site nor zone and slot are given, or cursor or limit is wrong.
    """
    if site is None and (zone is None or slot is None):
        raise QueryRefused("neither site nor zone and slot are given; give one or the other")
    traded = (
        select(func.coalesce(func.sum(OrderChange.wh), 0))
        .where(OrderChange.order_at == Order.at, OrderChange.kind == 0)
        .scalar_subquery()
    )
    wanted = select(
        Order.at, Order.number, Order.time, Order.zone, Order.slot, Order.sell, Order.price, Order.site, Order.wh,
        Order.left, Order.tx, traded.label("traded"),
    )  # fmt: skip
    for column, value in ((Order.zone, zone), (Order.slot, slot), (Order.site, site)):
        if value is not None:
            wanted = wanted.where(column == value)
    if only_open:
        wanted = wanted.where(Order.left > 0)
    return page(db, wanted, (Order.at,), cursor, limit, _order)


def _order(row: AnyRow) -> OrderRow:
    traded = int(row.traded)
    return OrderRow(
        row.number, row.time, row.zone, row.slot, row.sell, row.price, row.site, row.wh, row.left, traded,
        row.wh - row.left - traded, row.tx.hex(),
    )  # fmt: skip
