"""Oracle operators as they stand, what they reported, and how fast."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from net8.units import slot_end
from sqlalchemy import Connection, func, select

from net8_indexer.queries.paging import AnyRow, Page, QueryRefused, WeiText, page
from net8_indexer.queries.seats import seated, seats
from net8_indexer.schema import Operator, Report, Reward, Settlement, SignerKey, StakeChange, Unbonding

__all__ = ["Latency", "OperatorRow", "ReportRow", "latency", "operators", "reports"]

_RECENT = 1_000  # reports over which participation and latency are measured, at most


@dataclass(frozen=True, slots=True)
class OperatorRow:
    """An operator as it stands."""

    id: int
    owner: str
    signer: str
    stake: WeiText  # wei
    earned: WeiText  # wei taken as rewards
    zones: list[int]  # where it has a seat
    muted: list[int]  # of these, where it may not sign
    unbonding_at: int | None  # unix seconds from which the stake can be taken back


def operators(db: Connection, *, cursor: str | None = None, limit: int = 100) -> Page[OperatorRow]:
    """All operators, the latest first.

    Raises:
        QueryRefused: cursor or limit is wrong.
    """
    found = page(
        db, select(Operator.id, Operator.owner), (Operator.id,), cursor, limit, lambda row: (row.id, row.owner)
    )
    ids = [number for number, _ in found.items]
    stake, earned = _sums(db, StakeChange, ids), _sums(db, Reward, ids)
    keys = db.execute(
        select(SignerKey.operator, SignerKey.signer).where(SignerKey.operator.in_(ids)).order_by(SignerKey.at)
    )
    signer = {row.operator: row.signer for row in keys}
    leaving = db.execute(
        select(Unbonding.operator, Unbonding.ready_at).where(Unbonding.operator.in_(ids)).order_by(Unbonding.at)
    )
    unbonding = {row.operator: row.ready_at for row in leaving}
    zones, muted = seated(db)
    items = [
        OperatorRow(
            number, owner, signer[number], stake[number], earned[number], zones[number], muted[number],
            unbonding.get(number),
        )
        for number, owner in found.items
    ]  # fmt: skip
    return Page(items=items, next=found.next)


def _sums(db: Connection, table: Any, ids: list[int]) -> defaultdict[int, int]:  # noqa: ANN401 - a mapped class
    """Wei of each operator; no database adds up 256 bits."""
    sums: defaultdict[int, int] = defaultdict(int)
    for row in db.execute(select(table.operator, table.wei).where(table.operator.in_(ids))):
        sums[row.operator] += row.wei
    return sums


# --- reports --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ReportRow:
    """A quorum's report."""

    zone: int
    time: int
    last_slot: int  # the latest that it settled
    seconds: int  # from the end of that slot to the block
    settled: int  # slots of sites
    signers: list[int]  # seats
    entries_hash: str
    tx: str


_REPORT = select(
    *Report.__table__.c,
    select(func.max(Settlement.last_slot))
    .where(Settlement.tx == Report.tx, Settlement.zone == Report.zone)
    .scalar_subquery()
    .label("last_slot"),
)


def _report(row: AnyRow) -> ReportRow:
    signers = [seat for seat in range(row.signers.bit_length()) if row.signers >> seat & 1]
    return ReportRow(
        row.zone, row.time, row.last_slot, row.time - slot_end(row.last_slot), row.settled, signers,
        row.entries_hash.hex(), row.tx.hex(),
    )  # fmt: skip


def reports(db: Connection, *, zone: int | None = None, cursor: str | None = None, limit: int = 100) -> Page[ReportRow]:
    """Reports, those of a zone where one is given, newest first.

    Raises:
        QueryRefused: cursor or limit is wrong.
    """
    wanted = _REPORT if zone is None else _REPORT.where(Report.zone == zone)
    return page(db, wanted, (Report.at,), cursor, limit, _report)


@dataclass(frozen=True, slots=True)
class Latency:
    """How long a zone's reports took, in seconds from the end of a slot to the block that settled it."""

    reports: int  # over which it is measured
    median: int
    most: int  # of 99 of 100
    signed: list[int]  # reports that each seat signed of these


def latency(db: Connection, zone: int, last: int = 100) -> Latency | None:
    """Latency of a zone's last reports; None when it has none.

    Raises:
        QueryRefused: `last` is out of bounds.
    """
    if not 1 <= last <= _RECENT:
        raise QueryRefused(f"last is {last}; it must be from 1 to {_RECENT}")
    wanted = _REPORT.where(Report.zone == zone).order_by(Report.at.desc()).limit(last)
    found = [_report(row) for row in db.execute(wanted)]
    if not found:
        return None
    took = sorted(row.seconds for row in found)
    signed = [sum(seat.seat in row.signers for row in found) for seat in seats(db, zone)]
    return Latency(len(took), took[(len(took) - 1) // 2], took[-(-99 * len(took) // 100) - 1], signed)
