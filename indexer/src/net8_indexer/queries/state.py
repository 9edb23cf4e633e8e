"""What a market is made of at the block that was taken in last: for who begins to follow it there."""

from collections import defaultdict

from net8.model import Terms
from net8.packing import OrderId
from net8.state import (
    Account,
    BlockState,
    Certified,
    DefaultTerms,
    HourTerms,
    Link,
    Open,
    Registered,
    Resting,
    Seats,
    State,
    ZoneState,
)
from net8.units import HOUR_SECONDS, SLOTS_PER_HOUR, hour_of, hour_of_slot
from sqlalchemy import Connection, case, func, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute

from net8_indexer import schema
from net8_indexer.queries import happened
from net8_indexer.queries.paging import AnyRow, QueryRefused
from net8_indexer.queries.places import place_of
from net8_indexer.queries.seats import seated_by_zone
from net8_indexer.rows import TERMS_COLUMNS

__all__ = ["MOST_DAYS", "state"]

MOST_DAYS = 10  # of what happened: a week that is traded ahead, and what whoever asks adds to it
_DAY_S = 86_400
_AT_ONCE = 400  # hours of one question

_ZoneHour = tuple[int, int]


def state(db: Connection, since: int) -> State | None:
    """The market at the last block taken in; None before there is one.

    Args:
        db: where to read; all of it is one view.
        since: unix seconds from which on is told what happened; of slots and hours, those that begin then or later.

    Raises:
        QueryRefused: `since` is more than `MOST_DAYS` before the block, or not the beginning of an hour.
    """
    origin = db.execute(select(schema.Origin.chain_id, schema.Origin.exchange, schema.Origin.block)).one_or_none()
    block = None if origin is None else _block(db, origin.block)
    if origin is None or block is None:
        return None
    _check(since, block)
    first_hour = hour_of(since)
    orders, positions = _orders(db), _positions(db)
    busy = {(site >> 16, hour_of_slot(slot)) for site, slot, *_ in positions}
    busy |= {(place.zone, hour_of_slot(place.slot)) for place in (OrderId.unpack(one.order) for one in orders)}
    zones, cut = _zones(db), place_of(db, since)
    return State(
        chain_id=origin.chain_id,
        exchange=origin.exchange,
        block=block,
        since=since,
        zones=zones,
        sites=_sites(db),
        links=_links(db),
        default_terms=_default_terms(db),
        terms=_terms(db, first_hour, busy),
        orders=orders,
        positions=[Open(*one) for one in positions],
        admitted=_admitted(db),
        operators=list(db.execute(select(schema.Operator.id).order_by(schema.Operator.id)).scalars()),
        seats=[Seats(zone, ids) for zone, ids in sorted(seated_by_zone(db).items())],
        held=_held(db),
        minted=_minted(db, first_hour),
        trades=happened.trades(db, [one.zone for one in zones], first_hour * SLOTS_PER_HOUR),
        payments=happened.payments(db, first_hour),
        movements=happened.movements(db, cut),
        reports=happened.reports(db, cut),
        retirements=happened.retirements(db, cut),
    )


def _block(db: Connection, number: int) -> BlockState | None:
    wanted = select(schema.Block.hash, schema.Block.time).where(schema.Block.number == number)
    row = db.execute(wanted).one_or_none()
    return None if row is None else BlockState(number, "0x" + row.hash.hex(), row.time)


def _check(since: int, block: BlockState) -> None:
    if since % HOUR_SECONDS:
        raise QueryRefused(f"since {since} is not the beginning of an hour; give {since - since % HOUR_SECONDS}")
    earliest = block.time - MOST_DAYS * _DAY_S
    if since < earliest:
        raise QueryRefused(f"since {since} is more than {MOST_DAYS} days ago; give {earliest} or later")


# --- zones and sites ------------------------------------------------------------------------------------------------


def _zones(db: Connection) -> list[ZoneState]:
    """In the order of their opening, each with its operator of now."""
    found: dict[int, str] = {}
    wanted = select(schema.ZoneOperator.zone, schema.ZoneOperator.operator).order_by(schema.ZoneOperator.at)
    for row in db.execute(wanted):
        found[row.zone] = row.operator
    settled = _last_settled(db)
    return [ZoneState(zone, operator, settled.get(zone)) for zone, operator in found.items()]


def _last_settled(db: Connection) -> dict[int, int]:
    """The latest settled slot of each zone, by that of each of its sites."""
    latest = (
        select(func.max(schema.SiteSlot.slot)).where(schema.SiteSlot.site == schema.Site.site).scalar_subquery()
    )  # fmt: skip
    found: dict[int, int] = {}
    for row in db.execute(select(schema.Site.site, latest.label("slot"))):
        if row.slot is not None:
            zone = row.site >> 16
            found[zone] = max(found.get(zone, 0), row.slot)
    return found


def _sites(db: Connection) -> list[Registered]:
    site = schema.Site
    wanted = select(site.site, site.owner, site.technology, site.nameplate, site.meter_key).order_by(site.at)
    return [Registered(*row) for row in db.execute(wanted)]


def _links(db: Connection) -> list[Link]:
    link = schema.Link
    found = {
        (row.zone, row.other): Link(*row)
        for row in db.execute(select(link.zone, link.other, link.capacity, link.fee).order_by(link.at))
    }
    return [found[key] for key in sorted(found)]


def _admitted(db: Connection) -> list[int]:
    wanted = select(schema.Admission.site, schema.Admission.admitted).order_by(schema.Admission.at)
    found = {row.site: row.admitted for row in db.execute(wanted)}
    return sorted(site for site, is_admitted in found.items() if is_admitted)


# --- terms ----------------------------------------------------------------------------------------------------------


def _columns(kind: type[schema.Terms | schema.DefaultTerms]) -> list[InstrumentedAttribute[int]]:
    return [getattr(kind, name) for name in TERMS_COLUMNS]


def _rules(row: AnyRow) -> Terms:
    return Terms(*(getattr(row, name) for name in TERMS_COLUMNS))


def _default_terms(db: Connection) -> list[DefaultTerms]:
    kind = schema.DefaultTerms
    wanted = select(kind.zone, kind.from_hour, *_columns(kind)).order_by(kind.at)
    return [DefaultTerms(row.zone, row.from_hour, _rules(row)) for row in db.execute(wanted)]


def _terms(db: Connection, first_hour: int, busy: set[_ZoneHour]) -> list[HourTerms]:
    """Of hours from the first on, and of earlier ones that are busy."""
    kind = schema.Terms
    wanted = select(kind.zone, kind.hour, *_columns(kind))
    rows: list[AnyRow] = list(db.execute(wanted.where(kind.hour >= first_hour)))
    earlier = sorted(key for key in busy if key[1] < first_hour)
    for i in range(0, len(earlier), _AT_ONCE):
        rows += db.execute(wanted.where(tuple_(kind.zone, kind.hour).in_(earlier[i : i + _AT_ONCE])))
    rows.sort(key=lambda row: (row.zone, row.hour))
    return [HourTerms(row.zone, row.hour, _rules(row)) for row in rows]


# --- the market -----------------------------------------------------------------------------------------------------


def _orders(db: Connection) -> list[Resting]:
    order = schema.Order
    wanted = select(order.at, order.number, order.site, order.left).where(order.left > 0)
    rows = db.execute(wanted).all()  # sorted here: to have them in order, SQLite would walk through all there ever were
    return [Resting(int(number), site, left) for _, number, site, left in sorted(rows, key=lambda row: row.at)]


def _positions(db: Connection) -> list[tuple[int, int, int, int]]:
    """Site, slot, Wh sold minus bought, grains received minus paid of each open position."""
    trade, place = schema.Trade, schema.OpenPosition
    sums: defaultdict[tuple[int, int], tuple[int, int]] = defaultdict(lambda: (0, 0))
    for side, sign in ((trade.seller, 1), (trade.buyer, -1)):
        wanted = (
            select(
                place.site, place.slot, func.sum(trade.wh).label("wh"), func.sum(trade.wh * trade.price).label("value")
            )
            .join(trade, (side == place.site) & (trade.slot == place.slot))
            .group_by(place.site, place.slot)
        )
        for row in db.execute(wanted):
            wh, value = sums[row.site, row.slot]
            sums[row.site, row.slot] = wh + sign * int(row.wh), value + sign * int(row.value)
    return [(*key, *sums[key]) for key in sorted(sums)]


# --- certificates ---------------------------------------------------------------------------------------------------


def _held(db: Connection) -> list[Account]:
    """What each account holds, as far as it holds anything; summed up here, for hardly two moves are of one sum."""
    move = schema.CertificateMove
    sums: defaultdict[str, defaultdict[tuple[int, int], int]] = defaultdict(lambda: defaultdict(int))
    for sender, receiver, site, hour, wh in db.execute(
        select(move.sender, move.receiver, move.site, move.hour, move.wh)
    ):
        if sender is not None:
            sums[sender][site, hour] -= wh
        if receiver is not None:
            sums[receiver][site, hour] += wh
    found = []
    for account in sorted(sums):
        held: list[Certified] = [(*key, wh) for key, wh in sorted(sums[account].items()) if wh]
        if held:
            found.append(Account(account, held))
    return found


def _minted(db: Connection, first_hour: int) -> list[Certified]:
    move = schema.CertificateMove
    wh = func.sum(case((move.sender.is_(None), move.wh), else_=0))
    wanted = (
        select(move.site, move.hour, wh)
        .where(move.site.in_(happened.sites()), move.hour >= first_hour)
        .group_by(move.site, move.hour)
        .order_by(move.site, move.hour)
    )
    return [(site, hour, int(minted)) for site, hour, minted in db.execute(wanted) if minted]
