"""The tables: what happened, one row an event, and what follows from it where pages ask for it often.

Every row knows where in the chain it came from: `at` is block << 20 | index of the log in its block, which grows with
the chain. A reorganisation takes rows back by that alone. Sums are in grains, energy in Wh, times in unix seconds, a
slot is unix time // 900, an hour unix time // 3600; sums that need not be whole grains are wei, kept as text.
"""

from typing import ClassVar, cast

from sqlalchemy import BigInteger, Dialect, Index, LargeBinary, SmallInteger, String, Table, TypeDecorator, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

__all__ = [
    "LOG_BITS",
    "Admission",
    "Base",
    "Block",
    "CertificateMove",
    "Dispute",
    "DisputeStep",
    "Movement",
    "Operator",
    "Order",
    "OrderChange",
    "Origin",
    "Payment",
    "Penalty",
    "Report",
    "ReserveFlow",
    "ReservePrice",
    "Retirement",
    "Reward",
    "Seat",
    "Settlement",
    "SignerKey",
    "Site",
    "SiteSlot",
    "StakeChange",
    "Terms",
    "Trade",
    "Unbonding",
    "ZoneFlow",
    "ZoneOperator",
    "at_of",
    "table_of",
]

LOG_BITS = 20  # logs of one block: a million, more than a block of any chain can pay for


def at_of(block: int, index: int) -> int:
    """Place of a log in the chain."""
    return block << LOG_BITS | index


class Wei(TypeDecorator[int]):
    """A sum of up to 256 bits, as decimal text: no database's integer holds it."""

    impl = String(78)
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: Dialect) -> str | None:
        """To the database."""
        return None if value is None else str(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> int | None:
        """From the database."""
        return None if value is None else int(value)


class Base(DeclarativeBase):
    """All tables."""

    type_annotation_map: ClassVar = {int: BigInteger, bytes: LargeBinary, str: String}


def table_of(kind: type[Base]) -> Table:
    """The table of a kind of row."""
    return cast(Table, kind.__table__)


def _at() -> Mapped[int]:
    return mapped_column(primary_key=True, autoincrement=False)


def _place() -> Mapped[int]:
    return mapped_column(SmallInteger, primary_key=True, autoincrement=False)


class Origin(Base):
    """The one deployment this database is of, and how far it is followed."""

    __tablename__ = "origin"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)  # 1
    chain_id: Mapped[int]
    exchange: Mapped[str]
    genesis: Mapped[bytes | None]  # hash of the chain's block 0; none before a chain node has answered
    block: Mapped[int]  # the last one that was taken in


class Block(Base):
    """A block with something in it, or the last of a step: its hash tells when the chain was reorganised."""

    __tablename__ = "block"
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    hash: Mapped[bytes]
    time: Mapped[int]


# --- zones and sites ------------------------------------------------------------------------------------------------


class ZoneOperator(Base):
    """A zone's grid operator from here on; the first row of a zone opens it."""

    __tablename__ = "zone_operator"
    at: Mapped[int] = _at()
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


class Terms(Base):
    """The terms of a zone's hour; they never change."""

    __tablename__ = "terms"
    zone: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    hour: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[int] = mapped_column(index=True)
    feed_in: Mapped[int]
    imbalance: Mapped[int]
    grid_fee: Mapped[int]
    oracle_fee: Mapped[int]
    floor: Mapped[int]
    step: Mapped[int]
    gate_lead: Mapped[int]
    min_wh: Mapped[int]


# --- the market -----------------------------------------------------------------------------------------------------


class Order(Base):
    """An order that came to rest. Its number comes again after 8,192 orders at a price of a slot; `at` never does."""

    __tablename__ = "orders"
    at: Mapped[int] = _at()
    number: Mapped[str] = mapped_column(String(25), index=True)
    zone: Mapped[int]
    slot: Mapped[int]
    sell: Mapped[bool]
    price: Mapped[int]
    site: Mapped[int]
    wh: Mapped[int]  # when it came to rest
    left: Mapped[int]  # now: wh less what changes took
    __table_args__ = (
        Index("order_of_market", "zone", "slot"),
        Index("order_of_site", "site", "slot"),
        Index("order_open", "left", sqlite_where=text('"left" > 0'), postgresql_where=text('"left" > 0')),
    )


class OrderChange(Base):
    """Energy that left a resting order: traded, reduced or closed."""

    __tablename__ = "order_change"
    at: Mapped[int] = _at()
    order_at: Mapped[int] = mapped_column(index=True)
    kind: Mapped[int] = mapped_column(SmallInteger)  # 0 traded, 1 reduced, 2 and up: closed, CloseReason + 2
    wh: Mapped[int]


class Trade(Base):
    """One match, final at once."""

    __tablename__ = "trade"
    at: Mapped[int] = _at()
    place: Mapped[int] = _place()  # within a log of several pairs
    time: Mapped[int]
    zone: Mapped[int]  # of the market
    slot: Mapped[int]
    price: Mapped[int]
    wh: Mapped[int]
    seller: Mapped[int]
    buyer: Mapped[int]
    order_at: Mapped[int | None]  # of the maker; none for a pair that had signed
    tx: Mapped[bytes]
    __table_args__ = (
        Index("trade_of_market", "zone", "slot"),
        Index("trade_of_zone", "zone", "at", "place"),
        Index("trade_of_seller", "seller", "slot"),
        Index("trade_of_buyer", "buyer", "slot"),
    )


# --- settlement -----------------------------------------------------------------------------------------------------


class Settlement(Base):
    """What a report's settlement moved in its zone, all sites together."""

    __tablename__ = "settlement"
    at: Mapped[int] = _at()
    time: Mapped[int]
    zone: Mapped[int] = mapped_column(index=True)
    last_slot: Mapped[int]  # the latest that it settled
    shortfalls: Mapped[int]
    unused: Mapped[int]
    grid_fees: Mapped[int]
    oracle_fees: Mapped[int]
    tx: Mapped[bytes] = mapped_column(index=True)


class Payment(Base):
    """The end of a site's slots of one hour in one settlement: what was credited for them, margin included."""

    __tablename__ = "payment"
    at: Mapped[int] = _at()
    place: Mapped[int] = _place()  # within the settlement
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
    at: Mapped[int] = _at()
    time: Mapped[int]
    zone: Mapped[int] = mapped_column(index=True)
    signers: Mapped[int]  # bit i: the operator in seat i signed
    entries_hash: Mapped[bytes]
    settled: Mapped[int]  # slots
    tx: Mapped[bytes] = mapped_column(index=True)


# --- money ----------------------------------------------------------------------------------------------------------


class Movement(Base):
    """Money that came into a site's balance (positive) or left it, other than by settlement."""

    __tablename__ = "movement"
    at: Mapped[int] = _at()
    time: Mapped[int]
    site: Mapped[int] = mapped_column(index=True)
    kind: Mapped[str] = mapped_column(String(10))  # deposit, withdrawal, relay fee or transport
    grains: Mapped[int]
    party: Mapped[str | None]  # who paid or was paid
    tx: Mapped[bytes]


class ZoneFlow(Base):
    """Money that came into one of a zone's accounts by hand (positive) or left it; settlements move the rest."""

    __tablename__ = "zone_flow"
    at: Mapped[int] = _at()
    time: Mapped[int]
    zone: Mapped[int] = mapped_column(index=True)
    account: Mapped[int] = mapped_column(SmallInteger)  # 0 pool, 1 grid fees, 2 oracle fees
    grains: Mapped[int]
    party: Mapped[str]
    tx: Mapped[bytes]


class ReserveFlow(Base):
    """NET8 that was created or destroyed, and what stood against it."""

    __tablename__ = "reserve_flow"
    at: Mapped[int] = _at()
    time: Mapped[int]
    kind: Mapped[str] = mapped_column(String(12))  # mint, redeem, production, backing or loss
    party: Mapped[str | None]
    net8: Mapped[int] = mapped_column(Wei)  # wei created (positive) or destroyed
    euros: Mapped[int] = mapped_column(Wei)  # the euro's units that came in (positive) or left
    energy: Mapped[int]  # Wh of certificates it was created against
    tx: Mapped[bytes]


class ReservePrice(Base):
    """The nominal price from here on."""

    __tablename__ = "reserve_price"
    at: Mapped[int] = _at()
    time: Mapped[int]
    price: Mapped[int] = mapped_column(Wei)  # the euro's units per NET8


# --- certificates ---------------------------------------------------------------------------------------------------


class Admission(Base):
    """A site is admitted to certificates from here on, or no longer."""

    __tablename__ = "admission"
    at: Mapped[int] = _at()
    site: Mapped[int] = mapped_column(index=True)
    admitted: Mapped[bool]
    configuration: Mapped[int] = mapped_column(SmallInteger)
    location: Mapped[str]


class CertificateMove(Base):
    """Certificates of one site and hour that were minted (no sender), passed on, or went (no receiver)."""

    __tablename__ = "certificate_move"
    at: Mapped[int] = _at()
    place: Mapped[int] = _place()  # within its batch
    time: Mapped[int]
    site: Mapped[int]
    hour: Mapped[int]
    sender: Mapped[str | None] = mapped_column(index=True)
    receiver: Mapped[str | None] = mapped_column(index=True)
    wh: Mapped[int]
    tx: Mapped[bytes]
    __table_args__ = (Index("certificate_move_of_certificate", "site", "hour"),)


class Retirement(Base):
    """Certificates used up for good, by whom and what for."""

    __tablename__ = "retirement"
    at: Mapped[int] = _at()
    time: Mapped[int]
    site: Mapped[int]
    hour: Mapped[int]
    account: Mapped[str] = mapped_column(index=True)
    wh: Mapped[int]
    beneficiary: Mapped[str]
    purpose: Mapped[str]
    consumer: Mapped[int]  # site whose consumption it is matched to; 0 for none
    slot: Mapped[int]  # of that consumption; 0 for none
    tx: Mapped[bytes]
    __table_args__ = (Index("retirement_of_certificate", "site", "hour"),)


# --- oracles --------------------------------------------------------------------------------------------------------


class Operator(Base):
    """An oracle operator, as registered."""

    __tablename__ = "operator"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[int]
    owner: Mapped[str]


class SignerKey(Base):
    """The key that an operator signs with from here on; the one before counts in reports until `before_until`."""

    __tablename__ = "signer_key"
    at: Mapped[int] = _at()
    operator: Mapped[int] = mapped_column(index=True)
    signer: Mapped[str] = mapped_column(index=True)
    before_until: Mapped[int]  # 0 for the first key


class StakeChange(Base):
    """Stake that an operator gave (positive), got back or lost, in wei; it sums up to his stake."""

    __tablename__ = "stake_change"
    at: Mapped[int] = _at()
    time: Mapped[int]
    operator: Mapped[int] = mapped_column(index=True)
    kind: Mapped[str] = mapped_column(String(10))  # given, withdrawn or slashed
    wei: Mapped[int] = mapped_column(Wei)
    tx: Mapped[bytes]


class Unbonding(Base):
    """An operator asked for the stake back."""

    __tablename__ = "unbonding"
    at: Mapped[int] = _at()
    operator: Mapped[int] = mapped_column(index=True)
    ready_at: Mapped[int]


class Seat(Base):
    """A change of a zone's seats. Played in order they give who sat where: a removed one's seat goes to the last."""

    __tablename__ = "seat"
    at: Mapped[int] = _at()
    zone: Mapped[int] = mapped_column(index=True)
    kind: Mapped[str] = mapped_column(String(8))  # admitted, removed, replaced, muted or restored
    operator: Mapped[int]
    by: Mapped[int | None]  # who replaced him


class Reward(Base):
    """Oracle fees shared among a zone's signers, or taken by one of them."""

    __tablename__ = "reward"
    at: Mapped[int] = _at()
    time: Mapped[int]
    zone: Mapped[int | None] = mapped_column(index=True)  # of what was shared
    operator: Mapped[int | None] = mapped_column(index=True)  # who took
    wei: Mapped[int] = mapped_column(Wei)
    counts: Mapped[int] = mapped_column(Wei)  # byte i: reports that seat i signed; 0 when taken
    tx: Mapped[bytes]


class Dispute(Base):
    """Somebody said that a settled reading is false."""

    __tablename__ = "dispute"
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[int]
    time: Mapped[int]
    site: Mapped[int]
    slot: Mapped[int]
    tier: Mapped[int] = mapped_column(SmallInteger)  # DisputeTier of the SDK
    export_wh: Mapped[int | None]  # as the opener says; none for no reading
    import_wh: Mapped[int | None]
    claim: Mapped[int] = mapped_column(Wei)
    opener: Mapped[str]
    accused: Mapped[str]  # operators, separated by commas
    tx: Mapped[bytes]
    __table_args__ = (Index("dispute_of_site", "site", "slot"),)


class DisputeStep(Base):
    """A vote, an appeal, or the end of a dispute."""

    __tablename__ = "dispute_step"
    at: Mapped[int] = _at()
    time: Mapped[int]
    dispute: Mapped[int] = mapped_column(index=True)
    kind: Mapped[str] = mapped_column(String(6))  # vote, appeal or end
    round: Mapped[int | None] = mapped_column(SmallInteger)
    operator: Mapped[int | None]  # who voted
    account: Mapped[str | None]  # who appealed
    uphold: Mapped[bool | None]
    wei: Mapped[int] = mapped_column(Wei)  # weight of the vote, bond of the appeal, taken at the end
    compensation: Mapped[int] = mapped_column(Wei)
    state: Mapped[int | None] = mapped_column(SmallInteger)  # DisputeState of the SDK at the end
    tx: Mapped[bytes]


class Penalty(Base):
    """What operators paid for signing two contradicting statements, or for their silence."""

    __tablename__ = "penalty"
    at: Mapped[int] = _at()
    time: Mapped[int]
    kind: Mapped[str] = mapped_column(String(12))  # equivocation or silence
    zone: Mapped[int] = mapped_column(index=True)
    operator: Mapped[int | None]  # who equivocated; silence is the zone's
    slot: Mapped[int | None]  # that was passed over in silence
    party: Mapped[str]  # who showed it
    wei: Mapped[int] = mapped_column(Wei)
    tx: Mapped[bytes]
