"""What all tables share, and how far the chain is taken in."""

from typing import ClassVar, cast

from sqlalchemy import BigInteger, Dialect, Index, LargeBinary, SmallInteger, String, Table, TypeDecorator
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

__all__ = [
    "LOG_BITS",
    "Base",
    "Block",
    "Origin",
    "Wei",
    "at_key",
    "at_of",
    "place_key",
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


def at_key() -> Mapped[int]:
    """The key of most tables: a place in the chain."""
    return mapped_column(primary_key=True, autoincrement=False)


def place_key() -> Mapped[int]:
    """The rest of the key where one log makes several rows."""
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
    __table_args__ = (Index("block_of_time", "time", "number"),)
