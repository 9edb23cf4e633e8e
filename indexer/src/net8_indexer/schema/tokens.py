"""The Reserve and certificates."""

from sqlalchemy import Index, SmallInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from net8_indexer.schema.base import Base, Wei, at_key, place_key

__all__ = [
    "Admission",
    "CertificateMove",
    "ReserveFlow",
    "ReservePrice",
    "Retirement",
]


class ReserveFlow(Base):
    """NET8 that was created or destroyed, and what stood against it."""

    __tablename__ = "reserve_flow"
    at: Mapped[int] = at_key()
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
    at: Mapped[int] = at_key()
    time: Mapped[int]
    price: Mapped[int] = mapped_column(Wei)  # the euro's units per NET8


# --- certificates ---------------------------------------------------------------------------------------------------


class Admission(Base):
    """A site is admitted to certificates from here on, or no longer."""

    __tablename__ = "admission"
    at: Mapped[int] = at_key()
    site: Mapped[int] = mapped_column(index=True)
    admitted: Mapped[bool]
    configuration: Mapped[int] = mapped_column(SmallInteger)
    location: Mapped[str]


class CertificateMove(Base):
    """Certificates of one site and hour that were minted (no sender), passed on, or went (no receiver)."""

    __tablename__ = "certificate_move"
    at: Mapped[int] = at_key()
    place: Mapped[int] = place_key()  # within its batch
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
    at: Mapped[int] = at_key()
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
