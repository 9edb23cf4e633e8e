"""Routes of oracle operators."""

from typing import Annotated

from fastapi import APIRouter, HTTPException, Query

from net8_indexer.api.reads import Cursor, Db, Limit, Number, SiteFilter, ZoneFilter, ZonePath
from net8_indexer.queries import court, oracles, seats
from net8_indexer.queries.court import DisputeRow, DisputeStepRow, PenaltyRow, StakeRow
from net8_indexer.queries.oracles import Latency, OperatorRow, ReportRow
from net8_indexer.queries.paging import Page
from net8_indexer.queries.seats import SeatRow

__all__ = ["router"]

router = APIRouter(tags=["oracles"])

_Operator = Annotated[int | None, Query(ge=1, le=2**32 - 1)]
_Last = Annotated[int, Query(ge=1, le=1_000, description="reports to measure over")]


@router.get("/operators")
def read_operators(db: Db, cursor: Cursor = None, limit: Limit = 100) -> Page[OperatorRow]:
    """Operators as they stand, the latest first."""
    return oracles.operators(db, cursor=cursor, limit=limit)


@router.get("/stakes")
def read_stakes(db: Db, operator: _Operator = None, cursor: Cursor = None, limit: Limit = 100) -> Page[StakeRow]:
    """Stakes given, taken back and lost, newest first."""
    return court.stakes(db, operator=operator, cursor=cursor, limit=limit)


@router.get("/zones/{zone}/seats")
def read_seats(db: Db, zone: ZonePath) -> list[SeatRow]:
    """Who sits in a zone."""
    return seats.seats(db, zone)


@router.get("/zones/{zone}/latency")
def read_latency(db: Db, zone: ZonePath, last: _Last = 100) -> Latency:
    """How long a zone's last reports took, and how many of them each seat signed."""
    found = oracles.latency(db, zone, last)
    if found is None:
        raise HTTPException(404, f"zone {zone} has no report yet; /api/zones lists the zones there are")
    return found


@router.get("/reports")
def read_reports(db: Db, zone: ZoneFilter = None, cursor: Cursor = None, limit: Limit = 100) -> Page[ReportRow]:
    """Reports that settled, newest first."""
    return oracles.reports(db, zone=zone, cursor=cursor, limit=limit)


@router.get("/penalties")
def read_penalties(db: Db, zone: ZoneFilter = None, cursor: Cursor = None, limit: Limit = 100) -> Page[PenaltyRow]:
    """What operators paid for contradicting themselves, or for silence, newest first."""
    return court.penalties(db, zone=zone, cursor=cursor, limit=limit)


@router.get("/disputes")
def read_disputes(db: Db, site: SiteFilter = None, cursor: Cursor = None, limit: Limit = 100) -> Page[DisputeRow]:
    """Disputes about settled readings, newest first."""
    return court.disputes(db, site=site, cursor=cursor, limit=limit)


@router.get("/disputes/{dispute}/steps")
def read_dispute_steps(db: Db, dispute: Number, cursor: Cursor = None, limit: Limit = 100) -> Page[DisputeStepRow]:
    """Votes, appeals and the end of a dispute, newest first."""
    return court.dispute_steps(db, dispute, cursor=cursor, limit=limit)
