"""Oracle operators and the court."""

from sqlalchemy import Index, SmallInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from net8_indexer.schema.base import Base, Wei, at_key

__all__ = [
    "Dispute",
    "DisputeStep",
    "Operator",
    "Penalty",
    "Reward",
    "Seat",
    "SignerKey",
    "StakeChange",
    "Unbonding",
]


class Operator(Base):
    """An oracle operator, as registered."""

    __tablename__ = "operator"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[int]
    owner: Mapped[str]


class SignerKey(Base):
    """The key that an operator signs with from here on; the one before counts in reports until `before_until`."""

    __tablename__ = "signer_key"
    at: Mapped[int] = at_key()
    operator: Mapped[int] = mapped_column(index=True)
    signer: Mapped[str] = mapped_column(index=True)
    before_until: Mapped[int]  # 0 for the first key


class StakeChange(Base):
    """Stake that an operator gave (positive), got back or lost, in wei; it sums up to his stake."""

    __tablename__ = "stake_change"
    at: Mapped[int] = at_key()
    time: Mapped[int]
    operator: Mapped[int] = mapped_column(index=True)
    kind: Mapped[str] = mapped_column(String(10))  # given, withdrawn or slashed
    wei: Mapped[int] = mapped_column(Wei)
    tx: Mapped[bytes]


class Unbonding(Base):
    """An operator asked for the stake back."""

    __tablename__ = "unbonding"
    at: Mapped[int] = at_key()
    operator: Mapped[int] = mapped_column(index=True)
    ready_at: Mapped[int]


class Seat(Base):
    """A change of a zone's seats. Played in order they give who sat where: a removed one's seat goes to the last."""

    __tablename__ = "seat"
    at: Mapped[int] = at_key()
    zone: Mapped[int] = mapped_column(index=True)
    kind: Mapped[str] = mapped_column(String(8))  # admitted, removed, replaced, muted or restored
    operator: Mapped[int]
    by: Mapped[int | None]  # who replaced him


class Reward(Base):
    """Oracle fees shared among a zone's signers, or taken by one of them."""

    __tablename__ = "reward"
    at: Mapped[int] = at_key()
    time: Mapped[int]
    zone: Mapped[int | None] = mapped_column(index=True)  # of what was shared
    operator: Mapped[int | None] = mapped_column(index=True)  # who took
    wei: Mapped[int] = mapped_column(Wei)
    counts: Mapped[int] = mapped_column(Wei)  # reports that seat i signed, from bit 7 * i; 0 when taken
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
    entries_hash: Mapped[bytes]  # of the report that the accused signed
    accused: Mapped[str]  # operators, separated by commas
    tx: Mapped[bytes]
    __table_args__ = (Index("dispute_of_site", "site", "slot"),)


class DisputeStep(Base):
    """A vote, an appeal, or the end of a dispute."""

    __tablename__ = "dispute_step"
    at: Mapped[int] = at_key()
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
    at: Mapped[int] = at_key()
    time: Mapped[int]
    kind: Mapped[str] = mapped_column(String(12))  # equivocation or silence
    zone: Mapped[int] = mapped_column(index=True)
    operator: Mapped[int | None]  # who equivocated; silence is the zone's
    slot: Mapped[int | None]  # that was passed over in silence
    party: Mapped[str]  # who showed it
    wei: Mapped[int] = mapped_column(Wei)
    tx: Mapped[bytes]
