"""Certificates: what there is of each, who holds it, and where it comes from."""

from dataclasses import dataclass

from net8.model import Outcome
from net8.packing import certificate_id, certificate_of
from net8.units import first_slot_of
from sqlalchemy import ColumnElement, Connection, case, func, or_, select

from net8_indexer.queries import sites
from net8_indexer.queries.paging import AnyRow, Page, QueryRefused, page
from net8_indexer.queries.seats import Signer, signers_of
from net8_indexer.schema import Admission, CertificateMove, Report, Retirement, Settlement, SiteSlot

__all__ = [
    "CertificateRow",
    "HoldingRow",
    "MoveRow",
    "Provenance",
    "RetirementRow",
    "SettledSlotRow",
    "certificates",
    "holdings",
    "moves",
    "provenance",
    "retired_before",
    "retirements",
]

_MOST_ID = 2**80  # a site of 48 bits and an hour of 32


@dataclass(frozen=True, slots=True)
class CertificateRow:
    """The certificates of one site and hour, in Wh."""

    id: str  # ERC-1155 id
    site: int
    hour: int
    issued: int
    retired: int
    gone: int  # retired or expired: in nobody's balance any more
    held: int


def _sums() -> tuple[ColumnElement[int], ColumnElement[int]]:
    wh = CertificateMove.wh
    issued = func.sum(case((CertificateMove.sender.is_(None), wh), else_=0))
    gone = func.sum(case((CertificateMove.receiver.is_(None), wh), else_=0))
    return issued, gone


def certificates(
    db: Connection, *, site: int | None = None, zone: int | None = None, cursor: str | None = None, limit: int = 100
) -> Page[CertificateRow]:
    """Certificates of a site, of a zone's sites or of all, the highest site and its latest hour first.

    Raises:
        QueryRefused: cursor or limit is wrong.
    """
    move = CertificateMove
    issued, gone = _sums()
    retired = (
        select(func.coalesce(func.sum(Retirement.wh), 0))
        .where(Retirement.site == move.site, Retirement.hour == move.hour)
        .scalar_subquery()
    )
    wanted = select(
        move.site, move.hour, issued.label("issued"), gone.label("gone"), retired.label("retired")
    ).group_by(move.site, move.hour)  # fmt: skip
    if site is not None:
        wanted = wanted.where(move.site == site)
    if zone is not None:
        wanted = wanted.where(move.site.between(zone << 16, (zone << 16) + 2**16 - 1))
    return page(db, wanted, (move.site, move.hour), cursor, limit, _certificate)


def _certificate(row: AnyRow) -> CertificateRow:
    issued, gone = int(row.issued), int(row.gone)
    number = str(certificate_id(row.site, row.hour))
    return CertificateRow(number, row.site, row.hour, issued, int(row.retired), gone, issued - gone)


@dataclass(frozen=True, slots=True)
class HoldingRow:
    """What an account holds of one certificate."""

    id: str
    site: int
    hour: int
    wh: int


def holdings(db: Connection, account: str, *, cursor: str | None = None, limit: int = 100) -> Page[HoldingRow]:
    """Certificates that an account (an address with its checksum) holds, the highest site and latest hour first.

    Raises:
        QueryRefused: cursor or limit is wrong.
    """
    move = CertificateMove
    came = func.sum(case((move.receiver == account, move.wh), else_=0))
    went = func.sum(case((move.sender == account, move.wh), else_=0))
    wanted = (
        select(move.site, move.hour, (came - went).label("wh"))
        .where(or_(move.receiver == account, move.sender == account))
        .group_by(move.site, move.hour)
        .having(came > went)
    )
    return page(
        db, wanted, (move.site, move.hour), cursor, limit,
        lambda row: HoldingRow(str(certificate_id(row.site, row.hour)), row.site, row.hour, int(row.wh)),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class MoveRow:
    """Certificates that were issued (no sender), passed on, or went (no receiver)."""

    id: str
    time: int
    sender: str | None
    receiver: str | None
    wh: int
    tx: str


def moves(
    db: Connection,
    *,
    certificate: int | None = None,
    account: str | None = None,
    cursor: str | None = None,
    limit: int = 100,
) -> Page[MoveRow]:
    """Moves of a certificate or of an account, newest first.

    Raises:
        QueryRefused: neither is given, or certificate, cursor or limit is wrong.
    """
    if certificate is None and account is None:
        raise QueryRefused("neither certificate nor account is given; give one of them")
    move = CertificateMove
    wanted = select(
        move.at, move.place, move.time, move.site, move.hour, move.sender, move.receiver, move.wh, move.tx
    )  # fmt: skip
    if certificate is not None:
        site, hour = _parts(certificate)
        wanted = wanted.where(move.site == site, move.hour == hour)
    if account is not None:
        wanted = wanted.where(or_(move.sender == account, move.receiver == account))
    return page(db, wanted, (move.at, move.place), cursor, limit, _move)


def _move(row: AnyRow) -> MoveRow:
    number = str(certificate_id(row.site, row.hour))
    return MoveRow(number, row.time, row.sender, row.receiver, row.wh, row.tx.hex())


@dataclass(frozen=True, slots=True)
class RetirementRow:
    """Certificates used up for good."""

    id: str
    time: int
    account: str
    wh: int
    beneficiary: str
    purpose: str
    consumer: int | None  # site whose consumption it is matched to
    slot: int | None  # of that consumption
    tx: str


def retirements(
    db: Connection,
    *,
    certificate: int | None = None,
    account: str | None = None,
    cursor: str | None = None,
    limit: int = 100,
) -> Page[RetirementRow]:
    """Retirements, of a certificate or of an account where one is given, newest first.

    Raises:
        QueryRefused: certificate, cursor or limit is wrong.
    """
    wanted = select(*Retirement.__table__.c)
    if certificate is not None:
        site, hour = _parts(certificate)
        wanted = wanted.where(Retirement.site == site, Retirement.hour == hour)
    if account is not None:
        wanted = wanted.where(Retirement.account == account)
    return page(db, wanted, (Retirement.at,), cursor, limit, _retirement)


def retired_before(db: Connection, account: str, time: int) -> int:
    """Wh that an account used up before a moment (unix seconds)."""
    wanted = select(func.sum(Retirement.wh)).where(Retirement.account == account, Retirement.time < time)
    return int(db.execute(wanted).scalar_one() or 0)


def _retirement(row: AnyRow) -> RetirementRow:
    return RetirementRow(
        str(certificate_id(row.site, row.hour)), row.time, row.account, row.wh, row.beneficiary, row.purpose,
        row.consumer or None, row.slot or None, row.tx.hex(),
    )  # fmt: skip


# --- provenance -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SettledSlotRow:
    """One slot of a certificate's hour: what was produced, and the report that says so."""

    slot: int
    exported: int  # Wh
    outcome: int  # Outcome of the SDK
    settled_at: int | None  # unix seconds
    tx: str | None
    entries_hash: str | None  # of the report, as its signers signed it
    signers: list[Signer]


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a certificate comes from. Who passed it on and used it up are `moves` and `retirements`."""

    certificate: CertificateRow
    site: sites.SiteRow
    location: str | None  # as the registrar admitted it
    configuration: int | None  # Configuration of the SDK
    slots: list[SettledSlotRow]


def _parts(certificate: int) -> tuple[int, int]:
    if not 0 < certificate < _MOST_ID:
        raise QueryRefused(f"certificate {certificate} is no id; it is site times 2^32 plus hour")
    return certificate_of(certificate)


def provenance(db: Connection, certificate: int) -> Provenance | None:
    """One certificate's origin; None when none was ever issued.

    Raises:
        QueryRefused: it cannot be the id of a certificate.
    """
    number, hour = _parts(certificate)
    issued, gone = _sums()
    retired = select(func.coalesce(func.sum(Retirement.wh), 0)).where(
        Retirement.site == number, Retirement.hour == hour
    )
    sums = db.execute(
        select(issued, gone).where(CertificateMove.site == number, CertificateMove.hour == hour)
    ).one()  # fmt: skip
    site = sites.site(db, number)
    if sums[0] is None or site is None:
        return None
    total, left = int(sums[0]), int(sums[1])
    row = CertificateRow(
        str(certificate), number, hour, total, int(db.execute(retired).scalar_one()), left, total - left
    )
    admitted = db.execute(
        select(Admission.location, Admission.configuration)
        .where(Admission.site == number, Admission.admitted)
        .order_by(Admission.at.desc())
        .limit(1)
    ).one_or_none()
    return Provenance(
        row, site, admitted.location if admitted else None, admitted.configuration if admitted else None,
        _slots(db, number, hour),
    )  # fmt: skip


def _slots(db: Connection, number: int, hour: int) -> list[SettledSlotRow]:
    first = first_slot_of(hour)
    settled = db.execute(
        select(
            SiteSlot.slot, SiteSlot.outcome, SiteSlot.exported, SiteSlot.settled_at, Settlement.time, Settlement.tx
        )
        .outerjoin(Settlement, Settlement.at == SiteSlot.settled_at)
        .where(SiteSlot.site == number, SiteSlot.slot.between(first, first + 3))
        .order_by(SiteSlot.slot)
    ).all()  # fmt: skip
    return [_settled_slot(db, number >> 16, row) for row in settled]


def _settled_slot(db: Connection, zone: int, row: AnyRow) -> SettledSlotRow:
    exported = row.exported if row.outcome == Outcome.METERED else 0  # only what a meter showed is certified
    if row.tx is None:
        return SettledSlotRow(row.slot, exported, row.outcome, None, None, None, [])
    report = db.execute(  # logged after what it settled, in the same transaction
        select(Report.at, Report.signers, Report.entries_hash)
        .where(Report.tx == row.tx, Report.zone == zone, Report.at > row.settled_at)
        .order_by(Report.at)
        .limit(1)
    ).one()
    signers = signers_of(db, zone, report.at, report.signers)
    return SettledSlotRow(
        row.slot, exported, row.outcome, row.time, row.tx.hex(), report.entries_hash.hex(), signers
    )  # fmt: skip
