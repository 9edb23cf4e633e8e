"""Routes of sites."""

from typing import Annotated

from fastapi import APIRouter, HTTPException, Query
from pydantic import BaseModel

from net8_indexer.api.reads import AccountFilter, Cursor, Db, FirstSlot, LastSlot, Limit, SitePath, ZoneFilter
from net8_indexer.queries import neighbours, sites
from net8_indexer.queries.neighbours import Standing
from net8_indexer.queries.paging import Page
from net8_indexer.queries.sites import DayRow, MovementRow, PaymentRow, PositionRow, ProductionRow, SiteRow

__all__ = ["router"]

router = APIRouter(tags=["sites"])

_Offset = Annotated[int, Query(ge=-840, le=840, description="minutes of the local time, east of Greenwich")]


class Balance(BaseModel):
    """A site's free balance."""

    grains: int


def _known(db: Db, site: int) -> SiteRow:
    found = sites.site(db, site)
    if found is None:
        raise HTTPException(404, f"site {site} is not registered; /api/sites lists those that are")
    return found


@router.get("/sites")
def read_sites(
    db: Db, zone: ZoneFilter = None, owner: AccountFilter = None, cursor: Cursor = None, limit: Limit = 100
) -> Page[SiteRow]:
    """Registered sites, of a zone or of an owner, the highest id first."""
    return sites.sites(db, zone=zone, owner=owner, cursor=cursor, limit=limit)


@router.get("/sites/{site}")
def read_site(db: Db, site: SitePath) -> SiteRow:
    """One site."""
    return _known(db, site)


@router.get("/sites/{site}/balance")
def read_balance(db: Db, site: SitePath) -> Balance:
    """What a site's owner may withdraw or trade with."""
    _known(db, site)
    return Balance(grains=sites.balance(db, site))


@router.get("/sites/{site}/positions")
def read_positions(db: Db, site: SitePath, first_slot: FirstSlot, last_slot: LastSlot) -> list[PositionRow]:
    """What a site traded in each slot and how it ended; at most 31 days."""
    _known(db, site)
    return sites.positions(db, site, first_slot, last_slot)


@router.get("/sites/{site}/days")
def read_days(
    db: Db, site: SitePath, first_slot: FirstSlot, last_slot: LastSlot, offset_minutes: _Offset = 0
) -> list[DayRow]:
    """What each day brought a site; at most 31 days. A month is their sum."""
    _known(db, site)
    return sites.days(db, site, first_slot, last_slot, offset_minutes)


@router.get("/sites/{site}/movements")
def read_movements(db: Db, site: SitePath, cursor: Cursor = None, limit: Limit = 100) -> Page[MovementRow]:
    """Deposits, withdrawals and fees of a site, newest first."""
    _known(db, site)
    return sites.movements(db, site, cursor=cursor, limit=limit)


@router.get("/sites/{site}/payments")
def read_payments(db: Db, site: SitePath, cursor: Cursor = None, limit: Limit = 100) -> Page[PaymentRow]:
    """What settlements credited a site, newest first."""
    _known(db, site)
    return sites.payments(db, site, cursor=cursor, limit=limit)


@router.get("/sites/{site}/production")
def read_production(db: Db, site: SitePath, first_slot: FirstSlot, last_slot: LastSlot) -> list[ProductionRow]:
    """What a site produced in each hour, and how much of it has certificates; at most 31 days."""
    _known(db, site)
    return sites.production(db, site, first_slot, last_slot)


@router.get("/sites/{site}/standing")
def read_standing(db: Db, site: SitePath, first_slot: FirstSlot, last_slot: LastSlot) -> list[Standing]:
    """A site beside the quartiles of its zone, for figures that it and at least four others have; at most 7 days."""
    return neighbours.standing(db, site, first_slot, last_slot)
