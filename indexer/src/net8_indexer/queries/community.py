"""A zone as a whole: who supplied whom, and what each day came to."""

from collections import defaultdict
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Connection, case, func, select, union_all

from net8_indexer.queries.paging import MOST_ROWS, Page, QueryRefused, page, slot_range
from net8_indexer.schema import SiteSlot, Trade, ZoneFlow, ZoneOperator

__all__ = [
    "MOST_FLOW_DAYS",
    "Exchanged",
    "Flow",
    "Flows",
    "Sale",
    "ZoneDay",
    "ZoneFlowRow",
    "ZoneRow",
    "exchanged",
    "flows",
    "sales",
    "zone_days",
    "zone_flows",
    "zones",
]

MOST_FLOW_DAYS = 7
_SLOTS_PER_DAY = 96
_SITES_PER_ZONE = 2**16


@dataclass(frozen=True, slots=True)
class ZoneRow:
    """A zone and its grid operator."""

    zone: int
    operator: str


def zones(db: Connection, *, cursor: str | None = None, limit: int = 100) -> Page[ZoneRow]:
    """All zones, the latest first.

    Raises:
        QueryRefused: cursor or limit is wrong.
    """
    latest = select(func.max(ZoneOperator.at)).group_by(ZoneOperator.zone)
    wanted = select(ZoneOperator.zone, ZoneOperator.operator).where(ZoneOperator.at.in_(latest))
    return page(db, wanted, (ZoneOperator.zone,), cursor, limit, lambda row: ZoneRow(row.zone, row.operator))


# --- who supplied whom ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Flow:
    """Energy that one site sold another."""

    seller: int
    buyer: int
    traded: int  # Wh
    value: int  # grains
    settled: int  # Wh of these in slots that are settled for the seller
    delivered: int  # Wh of the settled that the seller's meter covered


@dataclass(frozen=True, slots=True)
class Flows:
    """The largest flows of a zone; the rest is summed up."""

    flows: list[Flow]  # the largest first
    others: int  # flows that are not listed
    others_traded: int  # Wh of these


def flows(db: Connection, zone: int, first_slot: int, last_slot: int, limit: int = 100) -> Flows:
    """Who supplied whom, in the zone's markets and where its sites took from others.

    Raises:
        QueryRefused: the range is empty or too long, or the limit out of bounds.
    """
    if not 1 <= limit <= MOST_ROWS:
        raise QueryRefused(f"limit is {limit}; it must be from 1 to {MOST_ROWS}")
    sums: defaultdict[tuple[int, int], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for sale in sales(db, zone, slot_range(first_slot, last_slot, MOST_FLOW_DAYS)):
        flow = sums[sale.seller, sale.buyer]
        flow[0] += sale.wh
        flow[1] += sale.value
        if sale.delivered is not None:
            flow[2] += sale.wh
            flow[3] += sale.delivered
    found = sorted((Flow(*pair, *values) for pair, values in sums.items()), key=_size)
    return Flows(found[:limit], len(found[limit:]), sum(flow.traded for flow in found[limit:]))


class Sale(NamedTuple):  # a week of 100 homes has tens of thousands: a tuple is made in a third of a dataclass's time
    """What one site sold another in one slot."""

    seller: int
    buyer: int
    wh: int
    value: int  # grains
    delivered: int | None  # Wh that the seller's meter covered; None: its slot is not settled


def sales(db: Connection, zone: int, slots: range) -> list[Sale]:
    """All sales in a zone's markets and where its sites took from others, by seller, buyer and slot.

    A seller's energy of a slot that falls short is shared among its trades in proportion, rounded down.
    """
    columns = (Trade.seller, Trade.buyer, Trade.slot, Trade.wh, Trade.price)
    during = Trade.slot.between(slots[0], slots[-1])
    # Two selections, as SQLite would look for one with an OR through all slots of the zone.
    one = union_all(
        select(*columns).where(Trade.zone == zone, during), select(*columns).where(Trade.abroad == zone, during)
    ).subquery()
    rows = db.execute(
        select(
            one.c.seller, one.c.buyer, one.c.slot, func.sum(one.c.wh), func.sum(one.c.wh * one.c.price),
            func.max(SiteSlot.outcome), func.max(SiteSlot.exported),
        )
        .outerjoin(SiteSlot, (SiteSlot.site == one.c.seller) & (SiteSlot.slot == one.c.slot))
        .group_by(one.c.seller, one.c.buyer, one.c.slot)
    ).all()  # fmt: skip
    sold: defaultdict[tuple[int, int], int] = defaultdict(int)
    for seller, _, slot, wh, *_ in rows:
        sold[seller, slot] += int(wh)
    return [
        Sale(
            seller, buyer, int(wh), int(value),
            None if outcome is None else _delivered(int(wh), sold[seller, slot], outcome, exported),
        )
        for seller, buyer, slot, wh, value, outcome, exported in rows
    ]  # fmt: skip


_AS_TRADED, _METERED = 3, 1  # Outcome of the SDK


def _delivered(wh: int, sold: int, outcome: int, exported: int) -> int:
    if outcome == _AS_TRADED:
        return wh
    return wh * min(exported, sold) // sold if outcome == _METERED else 0


def _size(flow: Flow) -> tuple[int, int, int]:
    return -flow.traded, flow.seller, flow.buyer


# --- between zones --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Exchanged:
    """Energy that the sites of one zone sold those of another, or among themselves where both are the same."""

    seller_zone: int
    buyer_zone: int
    traded: int  # Wh
    value: int  # grains


def exchanged(db: Connection, first_slot: int, last_slot: int) -> list[Exchanged]:
    """How much each zone supplied itself and others, the largest first; pairs without a trade are left out.

    Raises:
        QueryRefused: the range is empty or too long.
    """
    slots = slot_range(first_slot, last_slot, MOST_FLOW_DAYS)
    seller_zone, buyer_zone = Trade.seller // _SITES_PER_ZONE, Trade.buyer // _SITES_PER_ZONE
    known = select(ZoneOperator.zone).distinct()  # named one by one, so that the index by zone and slot serves
    wh = func.sum(Trade.wh)
    wanted = (
        select(seller_zone.label("seller_zone"), buyer_zone.label("buyer_zone"), wh, func.sum(Trade.wh * Trade.price))
        .where(Trade.zone.in_(known), Trade.slot.between(slots[0], slots[-1]))
        .group_by("seller_zone", "buyer_zone")
        .order_by(wh.desc(), "seller_zone", "buyer_zone")
    )
    return [Exchanged(*(int(value) for value in row)) for row in db.execute(wanted)]


# --- days -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ZoneDay:
    """A day of a zone (UTC)."""

    day: int  # unix seconds at which it begins
    traded: int  # Wh in its markets
    value: int  # grains
    low: int | None  # grains per Wh
    high: int | None
    exported: int  # Wh on its sites' export registers, as far as settled
    settled: int  # slots of sites


def zone_days(db: Connection, zone: int, first_slot: int, last_slot: int) -> list[ZoneDay]:
    """What each day of a zone came to, oldest first.

    Raises:
        QueryRefused: the range is empty or too long.
    """
    slots = slot_range(first_slot, last_slot)
    trade_day, slot_day = Trade.slot - Trade.slot % _SLOTS_PER_DAY, SiteSlot.slot - SiteSlot.slot % _SLOTS_PER_DAY
    traded = {
        row.day: row
        for row in db.execute(
            select(
                trade_day.label("day"), func.sum(Trade.wh).label("wh"),
                func.sum(Trade.wh * Trade.price).label("value"), func.min(Trade.price).label("low"),
                func.max(Trade.price).label("high"),
            )
            .where(Trade.zone == zone, Trade.slot.between(slots[0], slots[-1]))
            .group_by("day")
        )
    }  # fmt: skip
    exported = func.sum(case((SiteSlot.outcome == _METERED, SiteSlot.exported), else_=0)).label("wh")
    settled = {
        row.day: row
        for row in db.execute(
            select(slot_day.label("day"), exported, func.count().label("slots"))
            .where(
                SiteSlot.site.between(zone << 16, ((zone + 1) << 16) - 1), SiteSlot.slot.between(slots[0], slots[-1])
            )
            .group_by("day")
        )
    }
    found = []
    for day in sorted(traded.keys() | settled.keys()):
        trades, meters = traded.get(day), settled.get(day)
        found.append(
            ZoneDay(
                day * 900, int(trades.wh) if trades else 0, int(trades.value) if trades else 0,
                trades.low if trades else None, trades.high if trades else None,
                int(meters.wh) if meters else 0, meters.slots if meters else 0,
            )
        )  # fmt: skip
    return found


# --- a zone's money -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ZoneFlowRow:
    """Money that came into one of a zone's accounts by hand (positive) or left it."""

    time: int
    account: int  # 0 pool, 1 grid fees, 2 oracle fees
    grains: int
    party: str
    tx: str


def zone_flows(db: Connection, zone: int, *, cursor: str | None = None, limit: int = 100) -> Page[ZoneFlowRow]:
    """Payments into and out of a zone's accounts, newest first.

    Raises:
        QueryRefused: cursor or limit is wrong.
    """
    wanted = select(*ZoneFlow.__table__.c).where(ZoneFlow.zone == zone)
    return page(
        db, wanted, (ZoneFlow.at,), cursor, limit,
        lambda row: ZoneFlowRow(row.time, row.account, row.grains, row.party, row.tx.hex()),
    )  # fmt: skip
