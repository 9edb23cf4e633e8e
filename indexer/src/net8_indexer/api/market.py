"""Routes of the market."""

from typing import Annotated

from fastapi import APIRouter, Query

from net8_indexer.api.reads import (
    Cursor,
    Db,
    FirstSlot,
    FirstSlotFilter,
    LastSlot,
    LastSlotFilter,
    Limit,
    SiteFilter,
    SlotFilter,
    Time,
    ZoneFilter,
    ZonePath,
)
from net8_indexer.queries import market
from net8_indexer.queries.market import Candle, OrderRow, SlotCandle, SlotSummary, TradeRow
from net8_indexer.queries.paging import Page

__all__ = ["router"]

router = APIRouter(tags=["market"])

_Seconds = Annotated[int, Query(ge=1, le=31 * 86_400, description="length of a candle")]


@router.get("/trades")
def read_trades(
    db: Db,
    zone: ZoneFilter = None,
    slot: SlotFilter = None,
    site: SiteFilter = None,
    first_slot: FirstSlotFilter = None,
    last_slot: LastSlotFilter = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Page[TradeRow]:
    """Trades of a zone's markets, of one market, or of a site, newest first."""
    return market.trades(
        db, zone=zone, slot=slot, site=site, first_slot=first_slot, last_slot=last_slot, cursor=cursor, limit=limit
    )


@router.get("/orders")
def read_orders(
    db: Db,
    zone: ZoneFilter = None,
    slot: SlotFilter = None,
    site: SiteFilter = None,
    only_open: bool = True,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Page[OrderRow]:
    """Orders that rest, or that ever did, of a market or of a site, newest first."""
    return market.orders(db, zone=zone, slot=slot, site=site, only_open=only_open, cursor=cursor, limit=limit)


@router.get("/zones/{zone}/candles")
def read_candles(
    db: Db, zone: ZonePath, first_time: Time, last_time: Time, seconds: _Seconds = 900, slot: SlotFilter = None
) -> list[Candle]:
    """Prices by the time of trading, oldest first; at most 500 candles."""
    return market.candles(db, zone, first_time, last_time, seconds, slot)


@router.get("/zones/{zone}/slot-candles")
def read_slot_candles(db: Db, zone: ZonePath, first_slot: FirstSlot, last_slot: LastSlot) -> list[SlotCandle]:
    """Prices by the slot of delivery, oldest first; at most 31 days."""
    return market.slot_candles(db, zone, first_slot, last_slot)


@router.get("/zones/{zone}/slots")
def read_slots(db: Db, zone: ZonePath, first_slot: FirstSlot, last_slot: LastSlot) -> list[SlotSummary]:
    """Best prices, energy in the book and traded energy of each slot; at most 8 days."""
    return market.open_slots(db, zone, first_slot, last_slot)
