"""The Reserve: NET8 created and destroyed, and what stood behind it as time went by."""

from dataclasses import dataclass

from sqlalchemy import Connection, select

from net8_indexer.queries.paging import Page, QueryRefused, WeiText, page
from net8_indexer.schema import ReserveFlow, ReservePrice

__all__ = ["BackingDay", "ReserveRow", "backing", "reserve_flows"]

_DAY_S = 86_400
_MOST_DAYS = 366


@dataclass(frozen=True, slots=True)
class ReserveRow:
    """NET8 that was created or destroyed, or euros that came or went without."""

    time: int
    kind: str  # mint, redeem, production, backing or loss
    party: str | None
    net8: WeiText  # wei created (positive) or destroyed
    euros: WeiText  # the euro's units that came in (positive) or left
    energy: int  # Wh of certificates it was created against
    tx: str


def reserve_flows(db: Connection, *, cursor: str | None = None, limit: int = 100) -> Page[ReserveRow]:
    """All that happened to the Reserve, newest first.

    Raises:
        QueryRefused: cursor or limit is wrong.
    """
    return page(
        db, select(*ReserveFlow.__table__.c), (ReserveFlow.at,), cursor, limit,
        lambda row: ReserveRow(
            row.time, row.kind, row.party, row.net8, row.euros, row.energy, row.tx.hex()
        ),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class BackingDay:
    """What stood behind all NET8 at the end of a day (UTC)."""

    day: int  # unix seconds at which it begins
    supply: WeiText  # wei of NET8
    euros: WeiText  # the euro's units held
    energy: int  # Wh of certificates retired for it
    price: WeiText  # nominal, the euro's units per NET8


def backing(db: Connection, first_time: int, last_time: int) -> list[BackingDay]:
    """Supply and backing at the end of each day on which they changed, after the state before the first.

    Raises:
        QueryRefused: the time is empty, or longer than 366 days.
    """
    if not 0 <= last_time - first_time < _MOST_DAYS * _DAY_S:
        raise QueryRefused(f"{first_time} to {last_time} is not 1 to {_MOST_DAYS} days; ask for a shorter time")
    found: dict[int, BackingDay] = {}
    supply = euros = energy = 0
    first_day, last_day = first_time // _DAY_S * _DAY_S, last_time // _DAY_S * _DAY_S
    prices = db.execute(select(ReservePrice.time, ReservePrice.price).order_by(ReservePrice.at)).all()
    columns = (ReserveFlow.time, ReserveFlow.net8, ReserveFlow.euros, ReserveFlow.energy)
    rows = db.execute(select(*columns).where(ReserveFlow.time < last_day + _DAY_S).order_by(ReserveFlow.at))
    for row in rows:
        supply, euros, energy = supply + row.net8, euros + row.euros, energy + row.energy
        day = row.time // _DAY_S * _DAY_S
        price = next((one.price for one in reversed(prices) if one.time < day + _DAY_S), 0)
        if day < first_day:
            found.clear()  # only the latest state before the first day is told
        found[day] = BackingDay(day, supply, euros, energy, price)
    return list(found.values())
