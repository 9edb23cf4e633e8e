"""Oracle operators: who they are, what they staked, signed, earned and lost, and how fast they report."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from net8.units import slot_end
from sqlalchemy import Connection, func, select

from net8_indexer.queries.paging import AnyRow, Page, QueryRefused, WeiText, page
from net8_indexer.schema import (
    Dispute,
    DisputeStep,
    Operator,
    Penalty,
    Report,
    Reward,
    Seat,
    Settlement,
    SignerKey,
    StakeChange,
    Unbonding,
)

__all__ = [
    "DisputeRow",
    "DisputeStepRow",
    "Latency",
    "OperatorRow",
    "PenaltyRow",
    "ReportRow",
    "SeatRow",
    "Signer",
    "StakeRow",
    "dispute_steps",
    "disputes",
    "latency",
    "operators",
    "penalties",
    "reports",
    "seats",
    "signers_of",
    "stakes",
]

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
    zones, muted = _seated(db)
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


# --- seats ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SeatRow:
    """Who sits in a zone."""

    seat: int
    operator: int
    muted: bool


@dataclass(frozen=True, slots=True)
class Signer:
    """An operator who signed a report, and the key of that time."""

    operator: int
    signer: str


class _Seats:
    """The seats of one zone, as changes are played: a removed one's seat goes to the last, as on chain."""

    def __init__(self) -> None:
        self.ids: list[int] = []
        self.muted: set[int] = set()

    def play(self, row: AnyRow) -> None:
        if row.kind == "admitted":
            self.ids.append(row.operator)
        elif row.kind == "removed":
            place = self.ids.index(row.operator)
            self.ids[place] = self.ids[-1]
            self.ids.pop()
            self.muted.discard(row.operator)
        elif row.kind == "replaced":
            self.ids[self.ids.index(row.operator)] = row.by
            self.muted.discard(row.operator)
        elif row.kind == "muted":
            self.muted.add(row.operator)
        else:
            self.muted.discard(row.operator)


def _played(db: Connection, zone: int | None = None, before: int | None = None) -> dict[int, _Seats]:
    wanted = select(*Seat.__table__.c).order_by(Seat.at)
    if zone is not None:
        wanted = wanted.where(Seat.zone == zone)
    if before is not None:
        wanted = wanted.where(Seat.at < before)
    found: defaultdict[int, _Seats] = defaultdict(_Seats)
    for row in db.execute(wanted):
        found[row.zone].play(row)
    return found


def _seated(db: Connection) -> tuple[defaultdict[int, list[int]], defaultdict[int, list[int]]]:
    """Zones of each operator, and those in which it is muted."""
    zones: defaultdict[int, list[int]] = defaultdict(list)
    muted: defaultdict[int, list[int]] = defaultdict(list)
    for zone, seated in sorted(_played(db).items()):
        for operator in seated.ids:
            zones[operator].append(zone)
            if operator in seated.muted:
                muted[operator].append(zone)
    return zones, muted


def seats(db: Connection, zone: int) -> list[SeatRow]:
    """Who sits in a zone, in the order of seats; at most 31."""
    played = _played(db, zone).get(zone, _Seats())
    return [SeatRow(seat, operator, operator in played.muted) for seat, operator in enumerate(played.ids)]


def signers_of(db: Connection, zone: int, at: int, bitmap: int) -> list[Signer]:
    """Who signed a report that was logged at `at`, by the seats of that moment."""
    ids = _played(db, zone, at).get(zone, _Seats()).ids
    signed = [operator for seat, operator in enumerate(ids) if bitmap >> seat & 1]
    keys = db.execute(
        select(SignerKey.operator, SignerKey.signer)
        .where(SignerKey.operator.in_(signed), SignerKey.at < at)
        .order_by(SignerKey.at)
    )
    signer = {row.operator: row.signer for row in keys}
    return [Signer(operator, signer[operator]) for operator in signed]


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


# --- stakes, penalties, disputes ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StakeRow:
    """Stake that an operator gave (positive), got back or lost."""

    time: int
    operator: int
    kind: str  # given, withdrawn or slashed
    wei: WeiText
    tx: str


def stakes(
    db: Connection, *, operator: int | None = None, cursor: str | None = None, limit: int = 100
) -> Page[StakeRow]:
    """Changes of stakes, those of an operator where one is given, newest first.

    Raises:
        QueryRefused: cursor or limit is wrong.
    """
    wanted = select(*StakeChange.__table__.c)
    if operator is not None:
        wanted = wanted.where(StakeChange.operator == operator)
    return page(
        db, wanted, (StakeChange.at,), cursor, limit,
        lambda row: StakeRow(row.time, row.operator, row.kind, row.wei, row.tx.hex()),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class PenaltyRow:
    """What operators paid for contradicting themselves, or for silence."""

    time: int
    kind: str  # equivocation or silence
    zone: int
    operator: int | None
    slot: int | None
    party: str  # who showed it
    wei: WeiText
    tx: str


def penalties(
    db: Connection, *, zone: int | None = None, cursor: str | None = None, limit: int = 100
) -> Page[PenaltyRow]:
    """Penalties, those of a zone where one is given, newest first.

    Raises:
        QueryRefused: cursor or limit is wrong.
    """
    wanted = select(*Penalty.__table__.c)
    if zone is not None:
        wanted = wanted.where(Penalty.zone == zone)
    return page(
        db, wanted, (Penalty.at,), cursor, limit,
        lambda row: PenaltyRow(
            row.time, row.kind, row.zone, row.operator, row.slot, row.party, row.wei, row.tx.hex()
        ),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class DisputeRow:
    """Somebody said that a settled reading is false."""

    number: int
    time: int
    site: int
    slot: int
    tier: int  # DisputeTier of the SDK
    export_wh: int | None  # as the opener says; none for no reading
    import_wh: int | None
    claim: WeiText  # wei for the site's owner
    opener: str
    accused: list[int]  # operators
    state: int  # DisputeState of the SDK
    tx: str


@dataclass(frozen=True, slots=True)
class DisputeStepRow:
    """A vote, an appeal, or the end of a dispute."""

    time: int
    kind: str  # vote, appeal or end
    round: int | None
    operator: int | None  # who voted
    account: str | None  # who appealed
    uphold: bool | None
    wei: WeiText  # weight of the vote, bond of the appeal, taken at the end
    compensation: WeiText  # to the site's owner, at the end
    tx: str


_VOTING = 1  # DisputeState of the SDK


def disputes(
    db: Connection, *, site: int | None = None, cursor: str | None = None, limit: int = 100
) -> Page[DisputeRow]:
    """Disputes, those about a site where one is given, newest first.

    Raises:
        QueryRefused: cursor or limit is wrong.
    """
    state = (
        select(DisputeStep.state)
        .where(DisputeStep.dispute == Dispute.number, DisputeStep.kind == "end")
        .order_by(DisputeStep.at.desc())
        .limit(1)
        .scalar_subquery()
    )
    wanted = select(*Dispute.__table__.c, func.coalesce(state, _VOTING).label("state"))
    if site is not None:
        wanted = wanted.where(Dispute.site == site)
    return page(db, wanted, (Dispute.number,), cursor, limit, _dispute)


def _dispute(row: AnyRow) -> DisputeRow:
    return DisputeRow(
        row.number, row.time, row.site, row.slot, row.tier, row.export_wh, row.import_wh, row.claim, row.opener,
        [int(one) for one in row.accused.split(",") if one], row.state, row.tx.hex(),
    )  # fmt: skip


def dispute_steps(db: Connection, dispute: int, *, cursor: str | None = None, limit: int = 100) -> Page[DisputeStepRow]:
    """What happened in a dispute, newest first.

    Raises:
        QueryRefused: cursor or limit is wrong.
    """
    wanted = select(*DisputeStep.__table__.c).where(DisputeStep.dispute == dispute)
    return page(
        db, wanted, (DisputeStep.at,), cursor, limit,
        lambda row: DisputeStepRow(
            row.time, row.kind, row.round, row.operator, row.account, row.uphold, row.wei, row.compensation,
            row.tx.hex(),
        ),
    )  # fmt: skip
