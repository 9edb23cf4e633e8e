"""What befell oracle operators: stakes, penalties and disputes."""

from dataclasses import dataclass

from sqlalchemy import Connection, and_, func, select

from net8_indexer.queries.paging import AnyRow, Page, WeiText, page
from net8_indexer.schema import Dispute, DisputeStep, Penalty, Report, Settlement, SiteSlot, StakeChange

__all__ = [
    "DisputeRow",
    "DisputeStepRow",
    "PenaltyRow",
    "StakeRow",
    "dispute_steps",
    "disputes",
    "penalties",
    "stakes",
]


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
    entries_hash: str  # of the report that the accused signed
    settled_in: str | None  # the transaction in which that report settled the slot; none: another did, or none
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
    settling = (  # logged after what it settled, in the same transaction
        select(func.min(Report.at))
        .join(
            Settlement,
            and_(Report.tx == Settlement.tx, Report.zone == Settlement.zone, Report.at > Settlement.at),
        )
        .join(SiteSlot, SiteSlot.settled_at == Settlement.at)
        .where(SiteSlot.site == Dispute.site, SiteSlot.slot == Dispute.slot)
        .correlate(Dispute)
        .scalar_subquery()
    )
    settled_in = (
        select(Report.tx)
        .where(Report.at == settling, Report.entries_hash == Dispute.entries_hash)
        .correlate(Dispute)
        .scalar_subquery()
    )
    wanted = select(*Dispute.__table__.c, func.coalesce(state, _VOTING).label("state"), settled_in.label("settled_in"))
    if site is not None:
        wanted = wanted.where(Dispute.site == site)
    return page(db, wanted, (Dispute.number,), cursor, limit, _dispute)


def _dispute(row: AnyRow) -> DisputeRow:
    return DisputeRow(
        row.number, row.time, row.site, row.slot, row.tier, row.export_wh, row.import_wh, row.claim, row.opener,
        row.entries_hash.hex(), row.settled_in and row.settled_in.hex(),
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
