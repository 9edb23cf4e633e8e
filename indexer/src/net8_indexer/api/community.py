"""Routes of zones and of the Reserve."""

from fastapi import APIRouter

from net8_indexer.api.reads import Cursor, Db, FirstSlot, LastSlot, Limit, Time, ZonePath
from net8_indexer.queries import community, reserve
from net8_indexer.queries.community import Exchanged, Flows, ZoneDay, ZoneFlowRow, ZoneRow
from net8_indexer.queries.paging import Page
from net8_indexer.queries.reserve import BackingDay, ReserveRow

__all__ = ["router"]

router = APIRouter(tags=["community"])


@router.get("/zones")
def read_zones(db: Db, cursor: Cursor = None, limit: Limit = 100) -> Page[ZoneRow]:
    """All zones, the latest first."""
    return community.zones(db, cursor=cursor, limit=limit)


@router.get("/zones/{zone}/flows")
def read_flows(db: Db, zone: ZonePath, first_slot: FirstSlot, last_slot: LastSlot, limit: Limit = 100) -> Flows:
    """Who supplied whom, the largest flows first; at most 7 days."""
    return community.flows(db, zone, first_slot, last_slot, limit)


@router.get("/flows")
def read_exchanged(db: Db, first_slot: FirstSlot, last_slot: LastSlot) -> list[Exchanged]:
    """How much each zone supplied itself and others, the largest first; at most 7 days."""
    return community.exchanged(db, first_slot, last_slot)


@router.get("/zones/{zone}/days")
def read_zone_days(db: Db, zone: ZonePath, first_slot: FirstSlot, last_slot: LastSlot) -> list[ZoneDay]:
    """What each day (UTC) of a zone came to; at most 31 days."""
    return community.zone_days(db, zone, first_slot, last_slot)


@router.get("/zones/{zone}/payments")
def read_zone_flows(db: Db, zone: ZonePath, cursor: Cursor = None, limit: Limit = 100) -> Page[ZoneFlowRow]:
    """Payments into and out of a zone's accounts, newest first."""
    return community.zone_flows(db, zone, cursor=cursor, limit=limit)


@router.get("/reserve", tags=["reserve"])
def read_reserve(db: Db, cursor: Cursor = None, limit: Limit = 100) -> Page[ReserveRow]:
    """NET8 created and destroyed, and euros that came or went, newest first."""
    return reserve.reserve_flows(db, cursor=cursor, limit=limit)


@router.get("/reserve/days", tags=["reserve"])
def read_backing(db: Db, first_time: Time, last_time: Time) -> list[BackingDay]:
    """What stood behind all NET8 at the end of each day (UTC) on which it changed; at most 366 days."""
    return reserve.backing(db, first_time, last_time)
