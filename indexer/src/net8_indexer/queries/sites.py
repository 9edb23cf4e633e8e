"""Sites: who they are, their positions and how those ended, their balance, and what each day brought."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from net8 import margin
from net8.model import Outcome, Tariff
from net8.units import first_slot_of, hour_of_slot
from sqlalchemy import Connection, func, select

from net8_indexer.queries.paging import AnyRow, Page, QueryRefused, page, slot_range
from net8_indexer.schema import (
    CertificateMove,
    Movement,
    Order,
    Overdue,
    Payment,
    Settlement,
    Site,
    SiteSlot,
    Terms,
    Trade,
)

__all__ = [
    "DayRow",
    "MovementRow",
    "PaymentRow",
    "PositionRow",
    "ProductionRow",
    "SiteRow",
    "balance",
    "days",
    "movements",
    "payments",
    "positions",
    "production",
    "site",
    "sites",
]

_HOUR_S, _DAY_S = 3600, 86_400


@dataclass(frozen=True, slots=True)
class SiteRow:
    """A registered site."""

    site: int
    zone: int
    owner: str
    technology: int  # Technology of the SDK
    nameplate: int  # W


def _site(row: AnyRow) -> SiteRow:
    return SiteRow(row.site, row.site >> 16, row.owner, row.technology, row.nameplate)


_SITE_COLUMNS = (Site.site, Site.owner, Site.technology, Site.nameplate)


def sites(
    db: Connection, *, zone: int | None = None, owner: str | None = None, cursor: str | None = None, limit: int = 100
) -> Page[SiteRow]:
    """Registered sites, those of a zone or of an owner (an address with its checksum), the highest id first.

    Raises:
        QueryRefused: cursor or limit is wrong.
    """
    wanted = select(*_SITE_COLUMNS)
    if zone is not None:
        wanted = wanted.where(Site.site.between(zone << 16, (zone << 16) + 2**16 - 1))
    if owner is not None:
        wanted = wanted.where(Site.owner == owner)
    return page(db, wanted, (Site.site,), cursor, limit, _site)


def site(db: Connection, number: int) -> SiteRow | None:
    """One site; None when there is none of this id."""
    row = db.execute(select(*_SITE_COLUMNS).where(Site.site == number)).one_or_none()
    return _site(row) if row else None


# --- positions ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PositionRow:
    """What a site traded in a slot, and how it ended."""

    slot: int
    net_wh: int  # sold minus bought
    value: int  # grains received minus paid
    margin: int  # grains held against it, or that were until it was settled
    outcome: int  # Outcome of the SDK
    exported: int
    imported: int  # no more than was bought
    short: int  # Wh sold but not exported
    unused: int  # Wh bought but not imported
    charge: int  # grains, for `short`
    grid_fee: int  # grains, on what was bought
    settled_at: int | None  # unix seconds
    tx: str | None  # of the settlement


def tariffs(db: Connection, zone: int, slots: range) -> dict[int, Tariff]:
    """Fixed tariffs of a zone by hour."""
    hours = Terms.hour.between(hour_of_slot(slots[0]), hour_of_slot(slots[-1]))
    wanted = select(Terms.hour, Terms.feed_in, Terms.imbalance, Terms.grid_fee).where(Terms.zone == zone, hours)
    return {row.hour: Tariff(row.feed_in, row.imbalance, row.grid_fee) for row in db.execute(wanted)}


def traded(db: Connection, number: int, slots: range | None = None) -> dict[int, tuple[int, int]]:
    """(Wh sold minus bought, grains received minus paid) of a site by slot, where it traded."""
    sums: dict[int, tuple[int, int]] = {}
    for side, sign in ((Trade.seller, 1), (Trade.buyer, -1)):
        wanted = select(Trade.slot, func.sum(Trade.wh).label("wh"), func.sum(Trade.wh * Trade.price).label("value"))
        wanted = wanted.where(side == number).group_by(Trade.slot)
        if slots is not None:
            wanted = wanted.where(Trade.slot.between(slots[0], slots[-1]))
        for row in db.execute(wanted):
            wh, value = sums.get(row.slot, (0, 0))
            sums[row.slot] = (wh + sign * int(row.wh), value + sign * int(row.value))
    return sums


def metered(outcome: int, net_wh: int, exported: int, imported: int) -> tuple[int, int]:
    """(export, import) that count for a position, from what the report said of the meter."""
    sold, bought = max(net_wh, 0), max(-net_wh, 0)
    if outcome == Outcome.AS_TRADED:
        return sold, bought
    if outcome == Outcome.NO_READING:
        return 0, bought
    return exported, min(imported, bought)


def positions(db: Connection, number: int, first_slot: int, last_slot: int) -> list[PositionRow]:
    """Slots of a site in which it traded or was settled, in their order.

    Raises:
        QueryRefused: the range is empty or too long.
    """
    slots = slot_range(first_slot, last_slot)
    zone_tariffs, nets = tariffs(db, number >> 16, slots), traded(db, number, slots)
    wanted = (
        select(
            *SiteSlot.__table__.c, func.coalesce(Settlement.time, Overdue.time).label("time"),
            func.coalesce(Settlement.tx, Overdue.tx).label("tx"),
        )
        .outerjoin(Settlement, Settlement.at == SiteSlot.settled_at)
        .outerjoin(Overdue, Overdue.at == SiteSlot.settled_at)
        .where(SiteSlot.site == number, SiteSlot.slot.between(slots[0], slots[-1]))
    )  # fmt: skip
    settled = {row.slot: row for row in db.execute(wanted)}
    return [
        _position(slot, *nets.get(slot, (0, 0)), zone_tariffs.get(hour_of_slot(slot)), settled.get(slot))
        for slot in sorted(nets.keys() | settled.keys())
    ]


def _position(slot: int, net_wh: int, value: int, tariff: Tariff | None, row: AnyRow | None) -> PositionRow:
    tariff = tariff or Tariff(0, 0, 0)  # nothing was ever traded in an hour whose terms are not fixed
    held = margin.required(net_wh, value, tariff)
    if row is None:
        return PositionRow(slot, net_wh, value, held, int(Outcome.OPEN), 0, 0, 0, 0, 0, 0, None, None)
    exported, imported = metered(row.outcome, net_wh, row.exported, row.imported)
    ended = margin.settle(net_wh, value, exported, imported, tariff)
    return PositionRow(
        slot, net_wh, value, held, row.outcome, exported, imported, ended.short, ended.unused, ended.charge,
        ended.grid_fee, row.time, row.tx.hex() if row.tx else None,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class ProductionRow:
    """What a site produced in an hour, as its meter showed, and how much of it has certificates."""

    hour: int
    exported: int  # Wh
    issued: int  # Wh


def production(db: Connection, number: int, first_slot: int, last_slot: int) -> list[ProductionRow]:
    """Hours in which a site produced anything, in their order; the range decides which of their slots count.

    Raises:
        QueryRefused: the range is empty or too long.
    """
    slots = slot_range(first_slot, last_slot)
    move = CertificateMove
    hours = range(hour_of_slot(slots[0]), hour_of_slot(slots[-1]) + 1)
    of_hours = select(move.hour, func.sum(move.wh).label("wh")).where(
        move.site == number, move.hour.between(hours[0], hours[-1]), move.sender.is_(None)
    )
    issued = {row.hour: int(row.wh) for row in db.execute(of_hours.group_by(move.hour))}
    wanted = select(SiteSlot.slot, SiteSlot.exported).where(
        SiteSlot.site == number, SiteSlot.slot.between(slots[0], slots[-1]), SiteSlot.outcome == Outcome.METERED,
        SiteSlot.exported > 0,
    )  # fmt: skip
    exported: defaultdict[int, int] = defaultdict(int)
    for row in db.execute(wanted.order_by(SiteSlot.slot)):
        exported[hour_of_slot(row.slot)] += row.exported
    return [ProductionRow(hour, wh, issued.get(hour, 0)) for hour, wh in exported.items()]


# --- money ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MovementRow:
    """Money that came into a site's balance (positive) or left it, other than by trade and settlement."""

    time: int
    kind: str  # deposit, withdrawal, relay fee or transport
    grains: int
    party: str | None  # who paid or was paid
    tx: str


def movements(db: Connection, number: int, *, cursor: str | None = None, limit: int = 100) -> Page[MovementRow]:
    """Deposits, withdrawals and fees of a site, newest first.

    Raises:
        QueryRefused: cursor or limit is wrong.
    """
    wanted = select(
        Movement.at, Movement.time, Movement.kind, Movement.grains, Movement.party, Movement.tx
    ).where(Movement.site == number)  # fmt: skip
    return page(
        db, wanted, (Movement.at,), cursor, limit,
        lambda row: MovementRow(row.time, row.kind, row.grains, row.party, row.tx.hex()),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class PaymentRow:
    """What was credited to a site for slots of an hour, returned margin included."""

    time: int
    hour: int
    slots: list[int]
    credited: int  # grains
    tx: str


def payments(db: Connection, number: int, *, cursor: str | None = None, limit: int = 100) -> Page[PaymentRow]:
    """Settlements that credited a site anything, newest first.

    Raises:
        QueryRefused: cursor or limit is wrong.
    """
    wanted = (
        select(
            Payment.at, Payment.place, Payment.hour, Payment.slots, Payment.credited,
            func.coalesce(Settlement.time, Overdue.time).label("time"),
            func.coalesce(Settlement.tx, Overdue.tx).label("tx"),
        )
        .outerjoin(Settlement, Settlement.at == Payment.at)
        .outerjoin(Overdue, Overdue.at == Payment.at)
        .where(Payment.site == number, Payment.credited > 0)
    )  # fmt: skip
    return page(db, wanted, (Payment.at, Payment.place), cursor, limit, _payment)


def _payment(row: AnyRow) -> PaymentRow:
    first = first_slot_of(row.hour)
    slots = [first + i for i in range(4) if row.slots >> i & 1]
    return PaymentRow(row.time, row.hour, slots, row.credited, row.tx.hex())


def balance(db: Connection, number: int) -> int:
    """A site's free balance in grains: what moved and was credited, less what trades and resting orders hold."""
    moved = db.execute(select(func.sum(Movement.grains)).where(Movement.site == number)).scalar_one() or 0
    credited = db.execute(select(func.sum(Payment.credited)).where(Payment.site == number)).scalar_one() or 0
    nets = traded(db, number)
    resting = db.execute(
        select(Order.slot, Order.sell, Order.price, Order.left).where(Order.site == number, Order.left > 0)
    ).all()
    slots = nets.keys() | {row.slot for row in resting}
    if not slots:
        return int(moved + credited)
    of_hour = tariffs(db, number >> 16, range(min(slots), max(slots) + 1))
    held = sum(margin.required(*net, of_hour[hour_of_slot(slot)]) for slot, net in nets.items())
    locked = sum(margin.order_lock(row.sell, row.price, row.left, of_hour[hour_of_slot(row.slot)]) for row in resting)
    return int(moved + credited) - held - locked


# --- days -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DayRow:
    """What a day brought a site: sums over its slots that are settled, fees at the time of their trade."""

    day: int  # unix seconds at which it begins
    sold: int  # Wh, net in each slot
    bought: int
    exported: int  # Wh on the export register
    imported: int  # Wh, no more than was bought
    delivered: int  # Wh of `sold` that the meter covered; what counts of `bought` is `imported`
    at_feed_in: int  # grains that `delivered` would have brought at the feed-in price of its hour
    received: int  # grains for what was sold, net in each slot
    paid: int  # grains for what was bought
    charges: int  # grains, for energy sold but not delivered
    grid_fees: int
    feed_in: int  # grains from the pool, for energy bought but not used
    transport: int  # grains, for trades in other zones' markets
    relay_fees: int
    result: int  # grains: received + feed_in - all that was paid, charged and taken as a fee
    open_slots: int  # traded, not settled yet: nothing of them is in the sums


def days(db: Connection, number: int, first_slot: int, last_slot: int, offset_minutes: int = 0) -> list[DayRow]:
    """A site's result by day; add the days of a month up for the month's.

    Args:
        db: where to read.
        number: the site.
        first_slot: of the first day.
        last_slot: of the last day.
        offset_minutes: of the local time, east of Greenwich.

    Raises:
        QueryRefused: the range is empty or too long, or the offset is none.
    """
    if not -14 * 60 <= offset_minutes <= 14 * 60:
        raise QueryRefused(f"offset_minutes is {offset_minutes}; it must be from -840 to 840")
    shift = offset_minutes * 60

    def day_of(time: int) -> int:
        return (time + shift) // _DAY_S * _DAY_S - shift

    sums: defaultdict[int, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    rows = positions(db, number, first_slot, last_slot)
    slots = slot_range(first_slot, last_slot)
    fixed = tariffs(db, number >> 16, slots)
    for row in rows:
        day = sums[day_of(row.slot * 900)]
        if row.outcome == Outcome.OPEN:
            day["open_slots"] += 1
            continue
        _add(day, row)
        tariff = fixed.get(hour_of_slot(row.slot))  # fixed wherever anything was traded
        if tariff is not None:
            delivered = max(row.net_wh, 0) - row.short
            day["delivered"] += delivered
            day["at_feed_in"] += delivered * tariff.feed_in
    for hour, grains in _paid_for_unused(db, number, slots, rows):
        sums[day_of(hour * _HOUR_S)]["feed_in"] += grains
    for kind, name in (("transport", "transport"), ("relay fee", "relay_fees")):
        wanted = select(Movement.time, Movement.grains).where(
            Movement.site == number, Movement.kind == kind,
            Movement.time.between(slots[0] * 900, slots[-1] * 900 + 899),
        )  # fmt: skip
        for movement in db.execute(wanted):
            sums[day_of(movement.time)][name] -= movement.grains
    return [_day(day, sums[day]) for day in sorted(sums)]


def _add(day: defaultdict[str, int], row: PositionRow) -> None:
    day["sold"] += max(row.net_wh, 0)
    day["bought"] += max(-row.net_wh, 0)
    day["exported"] += row.exported
    day["imported"] += row.imported
    day["received"] += max(row.value, 0)
    day["paid"] += max(-row.value, 0)
    day["charges"] += row.charge
    day["grid_fees"] += row.grid_fee


def _day(day: int, sums: defaultdict[str, int]) -> DayRow:
    names = (
        "sold", "bought", "exported", "imported", "delivered", "at_feed_in", "received", "paid", "charges", "grid_fees",
        "feed_in", "transport", "relay_fees",
    )  # fmt: skip
    costs = sum(sums[name] for name in ("paid", "charges", "grid_fees", "transport", "relay_fees"))
    result = sums["received"] + sums["feed_in"] - costs
    return DayRow(
        day=day, **{name: sums[name] for name in names}, result=result, open_slots=sums["open_slots"]
    )  # fmt: skip


def _paid_for_unused(
    db: Connection, number: int, slots: range, rows: Iterable[PositionRow]
) -> Iterable[tuple[int, int]]:
    """(hour, grains) that the pool paid: what was credited beyond what the positions themselves returned."""
    returned = {row.slot: row.margin + row.value - row.charge - row.grid_fee for row in rows}
    wanted = select(Payment.hour, Payment.slots, Payment.credited).where(
        Payment.site == number, Payment.hour.between(hour_of_slot(slots[0]), hour_of_slot(slots[-1]))
    )
    for payment in db.execute(wanted):
        first = first_slot_of(payment.hour)
        covered = [first + i for i in range(4) if payment.slots >> i & 1]
        if all(slot in returned for slot in covered):  # an hour that the range cuts belongs to neither side
            yield payment.hour, payment.credited - sum(returned[slot] for slot in covered)
