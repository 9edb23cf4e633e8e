"""Zones and sites, the market, settlement and money."""

from sqlalchemy import Index, SmallInteger, String, text
from sqlalchemy.orm import Mapped, mapped_column

from net8_indexer.schema.base import Base, at_key, place_key

__all__ = [
    "DefaultTerms",
    "Link",
    "Movement",
    "OpenPosition",
    "Order",
    "OrderChange",
    "Overdue",
    "Payment",
    "Report",
    "Settlement",
    "Site",
    "SiteSlot",
    "Terms",
    "Trade",
    "ZoneFlow",
    "ZoneOperator",
]


# --- zones and sites ------------------------------------------------------------------------------------------------


class ZoneOperator(Base):
    """A zone's grid operator from here on; the first row of a zone opens it."""

    __tablename__ = "zone_operator"
    at: Mapped[int] = at_key()
    zone: Mapped[int] = mapped_column(index=True)
    operator: Mapped[str]


class Site(Base):
    """A registered site; it never changes."""

    __tablename__ = "site"
    site: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[int]
    owner: Mapped[str] = mapped_column(index=True)
    technology: Mapped[int] = mapped_column(SmallInteger)
    nameplate: Mapped[int]  # W
    meter_key: Mapped[str]


class _Rules:
    """The columns of terms."""

    feed_in: Mapped[int]
    imbalance: Mapped[int]
    grid_fee: Mapped[int]
    oracle_fee: Mapped[int]
    floor: Mapped[int]
    step: Mapped[int]
    gate_lead: Mapped[int]
    min_wh: Mapped[int]


class Terms(_Rules, Base):
    """The terms of a zone's hour; they never change."""

    __tablename__ = "terms"
    zone: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    hour: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[int] = mapped_column(index=True)


class DefaultTerms(_Rules, Base):
    """The terms, from here on, of a zone's hours from `from_hour` on for which no tariff is published."""

    __tablename__ = "default_terms"
    at: Mapped[int] = at_key()
    zone: Mapped[int]
    from_hour: Mapped[int]


class Link(Base):
    """What sites of a zone may, from here on, trade with those of another."""

    __tablename__ = "link"
    at: Mapped[int] = at_key()
    zone: Mapped[int]
    other: Mapped[int]
    capacity: Mapped[int]  # Wh in a slot; 0 closes it
    fee: Mapped[int]  # grains per Wh


# --- the market -----------------------------------------------------------------------------------------------------


class Order(Base):
    """An order that came to rest. Its number comes again after 8,192 orders at a price of a slot; `at` never does."""

    __tablename__ = "orders"
    at: Mapped[int] = at_key()
    time: Mapped[int]
    number: Mapped[str] = mapped_column(String(25), index=True)
    zone: Mapped[int]
    slot: Mapped[int]
    sell: Mapped[bool]
    price: Mapped[int]
    site: Mapped[int]
    wh: Mapped[int]  # when it came to rest
    left: Mapped[int]  # now: wh less what changes took
    tx: Mapped[bytes]
    __table_args__ = (
        Index("order_of_market", "zone", "slot"),
        Index("order_of_site", "site", "slot"),
        Index("order_open", "left", sqlite_where=text('"left" > 0'), postgresql_where=text('"left" > 0')),
    )


class OrderChange(Base):
    """Energy that left a resting order: traded, reduced or closed."""

    __tablename__ = "order_change"
    at: Mapped[int] = at_key()
    order_at: Mapped[int] = mapped_column(index=True)
    kind: Mapped[int] = mapped_column(SmallInteger)  # 0 traded, 1 reduced, 2 and up: closed, CloseReason + 2
    wh: Mapped[int]


class Trade(Base):
    """One match, final at once."""

    __tablename__ = "trade"
    at: Mapped[int] = at_key()
    place: Mapped[int] = place_key()  # within a log of several pairs
    time: Mapped[int]
    zone: Mapped[int]  # of the market
    slot: Mapped[int]
    price: Mapped[int]
    wh: Mapped[int]
    seller: Mapped[int]
    buyer: Mapped[int]
    abroad: Mapped[int | None]  # zone of the one of the two that is not of the market's
    order_at: Mapped[int | None]  # of the maker; none for a pair that had signed
    tx: Mapped[bytes]
    __table_args__ = (
        Index("trade_of_market", "zone", "slot"),
        Index("trade_of_abroad", "abroad", "slot"),
        Index("trade_of_zone", "zone", "at", "place"),
        Index("trade_of_seller", "seller", "slot"),
        Index("trade_of_buyer", "buyer", "slot"),
    )


class OpenPosition(Base):
    """A site's slot in which it traded and that is not settled; what it traded stands in the trades.

    It follows from trades and settlements, and is kept because looking for it takes a walk through all of them.
    """

    __tablename__ = "open_position"
    site: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    slot: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[int]  # of the first trade


# --- settlement -----------------------------------------------------------------------------------------------------


class Settlement(Base):
    """What a report's settlement moved in its zone, all sites together."""

    __tablename__ = "settlement"
    at: Mapped[int] = at_key()
    time: Mapped[int]
    zone: Mapped[int]
    last_slot: Mapped[int]  # the latest that it settled
    shortfalls: Mapped[int]
    unused: Mapped[int]
    grid_fees: Mapped[int]
    oracle_fees: Mapped[int]
    tx: Mapped[bytes] = mapped_column(index=True)


class Overdue(Base):
    """When a slot was settled for which no report came in time."""

    __tablename__ = "overdue"
    at: Mapped[int] = at_key()
    time: Mapped[int]
    tx: Mapped[bytes]


class Payment(Base):
    """The end of a site's slots of one hour in one settlement: what was credited for them, margin included."""

    __tablename__ = "payment"
    at: Mapped[int] = at_key()
    place: Mapped[int] = place_key()  # within the settlement
    site: Mapped[int]
    hour: Mapped[int]
    slots: Mapped[int] = mapped_column(SmallInteger)  # bit i: slot i of the hour
    credited: Mapped[int]
    __table_args__ = (Index("payment_of_site", "site", "hour"),)


class SiteSlot(Base):
    """A site's settled slot: what the report said of its meter, 0 and 0 where there was no reading or no report.

    What counts as exported and imported then follows from the outcome and the position, as on chain.
    """

    __tablename__ = "site_slot"
    site: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    slot: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    outcome: Mapped[int] = mapped_column(SmallInteger)  # Outcome of the SDK
    exported: Mapped[int]
    imported: Mapped[int]
    settled_at: Mapped[int]  # Settlement.at, or of the overdue settlement
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012 - as SQLAlchemy asks


class Report(Base):
    """A quorum's report as it was submitted."""

    __tablename__ = "report"
    at: Mapped[int] = at_key()
    time: Mapped[int]
    zone: Mapped[int]
    signers: Mapped[int]  # bit i: the operator in seat i signed
    entries_hash: Mapped[bytes]
    settled: Mapped[int]  # slots
    tx: Mapped[bytes] = mapped_column(index=True)
    __table_args__ = (Index("report_of_zone", "zone", "at"),)


# --- money ----------------------------------------------------------------------------------------------------------


class Movement(Base):
    """Money that came into a site's balance (positive) or left it, other than by settlement."""

    __tablename__ = "movement"
    at: Mapped[int] = at_key()
    time: Mapped[int]
    site: Mapped[int] = mapped_column(index=True)
    kind: Mapped[str] = mapped_column(String(10))  # deposit, withdrawal, relay fee or transport
    grains: Mapped[int]
    party: Mapped[str | None]  # who paid or was paid
    tx: Mapped[bytes]


class ZoneFlow(Base):
    """Money that came into one of a zone's accounts by hand (positive) or left it; settlements move the rest."""

    __tablename__ = "zone_flow"
    at: Mapped[int] = at_key()
    time: Mapped[int]
    zone: Mapped[int] = mapped_column(index=True)
    account: Mapped[int] = mapped_column(SmallInteger)  # 0 pool, 1 grid fees, 2 oracle fees
    grains: Mapped[int]
    party: Mapped[str]
    tx: Mapped[bytes]
