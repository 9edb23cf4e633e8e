"""What happened since a moment, in the order of the chain, in the form of a market's state."""

from collections.abc import Sequence

from net8.model import Outcome
from net8.state import Moment, Movement, Payment, Report, Retirement, Trade
from net8.units import first_slot_of
from sqlalchemy import Connection, Select, func, select

from net8_indexer import schema
from net8_indexer.queries.paging import AnyRow
from net8_indexer.schema import LOG_BITS

__all__ = ["movements", "payments", "reports", "retirements", "sites", "trades"]

_MOVED = ("deposit", "withdrawal")
_Readings = dict[tuple[int, int], tuple[int, int] | None]  # by site and slot


def _moment(at: int, time: int, tx: bytes) -> Moment:
    return Moment(at >> LOG_BITS, time, "0x" + tx.hex())


def sites() -> Select[int]:
    """All sites: named one by one they let an index by site and time serve, where the time alone has none."""
    return select(schema.Site.site)


def trades(db: Connection, zones: Sequence[int], first_slot: int) -> list[Trade]:
    """Trades of the zones' slots from the first on."""
    trade = schema.Trade
    wanted = (
        select(
            trade.at, trade.time, trade.tx, trade.zone, trade.slot, trade.price, trade.wh, trade.seller, trade.buyer
        )
        .where(trade.zone.in_(zones), trade.slot >= first_slot)
        .order_by(trade.at, trade.place)
    )  # fmt: skip
    return [Trade(_moment(*row[:3]), *row[3:]) for row in db.execute(wanted)]


def payments(db: Connection, first_hour: int) -> list[Payment]:
    """Ends of sites' slots of hours from the first on."""
    payment, settlement, overdue = schema.Payment, schema.Settlement, schema.Overdue
    wanted = (
        select(
            payment.at, func.coalesce(settlement.time, overdue.time).label("time"),
            func.coalesce(settlement.tx, overdue.tx).label("tx"), payment.site, payment.hour, payment.slots,
            payment.credited,
        )
        .outerjoin(settlement, settlement.at == payment.at)
        .outerjoin(overdue, overdue.at == payment.at)
        .where(payment.site.in_(sites()), payment.hour >= first_hour)
        .order_by(payment.at, payment.place)
    )  # fmt: skip
    readings = _readings(db, first_slot_of(first_hour))
    return [_payment(row, readings) for row in db.execute(wanted)]


def _payment(row: AnyRow, readings: _Readings) -> Payment:
    slots = [first_slot_of(row.hour) + i for i in range(4) if row.slots >> i & 1]
    return Payment(_moment(*row[:3]), row.site, {slot: readings[row.site, slot] for slot in slots}, row.credited)


def _readings(db: Connection, first_slot: int) -> _Readings:
    """What meters showed in sites' settled slots; None where there was no reading or no report."""
    slot = schema.SiteSlot
    wanted = select(slot.site, slot.slot, slot.outcome, slot.exported, slot.imported)
    wanted = wanted.where(slot.site.in_(sites()), slot.slot >= first_slot)
    return {
        (site, number): (exported, imported) if outcome == Outcome.METERED else None
        for site, number, outcome, exported, imported in db.execute(wanted)
    }


def movements(db: Connection, cut: int) -> list[Movement]:
    """Deposits and withdrawals from a place in the chain on."""
    move = schema.Movement
    wanted = select(move.at, move.time, move.tx, move.site, move.grains).where(move.at >= cut, move.kind.in_(_MOVED))
    return [Movement(_moment(*row[:3]), *row[3:]) for row in db.execute(wanted.order_by(move.at))]


def reports(db: Connection, cut: int) -> list[Report]:
    """Reports from a place in the chain on."""
    report = schema.Report
    wanted = select(report.at, report.time, report.tx, report.zone, report.signers, report.settled)
    rows = db.execute(wanted.where(report.at >= cut).order_by(report.at))
    return [Report(_moment(*row[:3]), row.zone, row.signers.bit_count(), row.settled) for row in rows]


def retirements(db: Connection, cut: int) -> list[Retirement]:
    """Retirements of certificates from a place in the chain on."""
    used = schema.Retirement
    wanted = select(
        used.at, used.time, used.tx, used.site, used.hour, used.account, used.wh, used.beneficiary, used.purpose
    )  # fmt: skip
    return [
        Retirement(_moment(*row[:3]), *row[3:]) for row in db.execute(wanted.where(used.at >= cut).order_by(used.at))
    ]
