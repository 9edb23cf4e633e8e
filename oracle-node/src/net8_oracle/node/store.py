"""What a node must not forget: readings, pledges (what it signed), its outbox, and how far it got.

`Store` is the port; `SqlStore` keeps everything in one SQLite file through SQLAlchemy Core. There is one writer, and
every transaction takes the write lock at its beginning, so that "database is locked" cannot happen half-way.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Engine,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    create_engine,
    event,
    func,
    insert,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.exc import SQLAlchemyError

from net8_oracle.node.envelopes import Key
from net8_oracle.reading import Reading, SignedReading
from net8_oracle.settings import ConfigRefused

__all__ = ["OutboxRow", "Pledge", "SqlStore", "Store"]

_METADATA = MetaData()

_READING = Table(
    "reading",
    _METADATA,
    Column("site", BigInteger, primary_key=True),
    Column("sequence", BigInteger, primary_key=True),
    Column("taken_at", BigInteger, nullable=False, index=True),
    Column("import_wh", BigInteger, nullable=False),
    Column("export_wh", BigInteger, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Column("source_ns", BigInteger, nullable=False),
)
_PLEDGE = Table(
    "pledge",
    _METADATA,
    Column("kind", String, primary_key=True),  # observation, proposal or vote
    Column("zone", BigInteger, primary_key=True),
    Column("slot", BigInteger, primary_key=True),
    Column("part", Integer, primary_key=True),
    Column("round", Integer, primary_key=True),
    Column("digest", LargeBinary, nullable=False),
    Column("content", LargeBinary, nullable=False),
)
_PROGRESS = Table(
    "progress",
    _METADATA,
    Column("zone", BigInteger, primary_key=True),
    Column("next_slot", BigInteger, nullable=False),
)
_OUTBOX = Table(
    "outbox",
    _METADATA,
    Column("sender", LargeBinary, primary_key=True),
    Column("nonce", BigInteger, primary_key=True, autoincrement=False),
    Column("zone", BigInteger, nullable=False),
    Column("slot", BigInteger, nullable=False),
    Column("part", Integer, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("state", String, nullable=False, index=True),  # pending, mined, reverted or lost
)


@dataclass(frozen=True, slots=True)
class Pledge:
    """What a node has signed for one kind of envelope in one round, and will never sign differently."""

    digest: bytes
    content: bytes  # what the digest was made of


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """A signed transaction and what it is for."""

    nonce: int
    key: Key
    hash: bytes
    raw: bytes
    state: str


class Store(Protocol):
    """Durable memory of a node. What a method has written is on disk when it returns."""

    def add_readings(self, readings: Sequence[SignedReading]) -> None:
        """Store accepted readings, all or none; those already there stay as they are."""

    def readings_since(self, taken_at: int) -> list[SignedReading]:
        """Readings from `taken_at` (unix seconds) on, in order of site and sequence, and each site's latest."""

    def pledge(self, kind: str, key: Key, round_: int, pledge: Pledge) -> Pledge:
        """Store what is about to be signed, unless something was signed there before; returns what holds."""

    def pledged(self, kind: str, key: Key, round_: int) -> Pledge | None:
        """What was signed there before."""

    def last_round(self, key: Key) -> int:
        """The highest round in which something was signed; 0 when nothing was."""

    def next_slot(self, zone: int) -> int | None:
        """The earliest slot of a zone that is not finished; None on a new node."""

    def set_next_slot(self, zone: int, slot: int) -> None:
        """All slots of the zone before `slot` are finished."""

    def next_nonce(self, sender: bytes) -> int:
        """One above the highest nonce in the outbox; 0 when it is empty."""

    def reserve(self, sender: bytes, row: OutboxRow) -> None:
        """Store nonce, intent and signed bytes together, before the broadcast. A nonce is never stored twice."""

    def pending(self, sender: bytes) -> list[OutboxRow]:
        """Transactions whose end is not known, by nonce."""

    def close_row(self, sender: bytes, nonce: int, state: str) -> None:
        """The end of a pending transaction: `mined`, `reverted` or `lost`."""

    def prune(self, taken_before: int, slot_before: int) -> None:
        """Drop readings and pledges that no report can need any more."""

    def close(self) -> None:
        """Close the store."""


def _prepare(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # transactions begin where we say, not where the driver guesses
    cursor = connection.cursor()
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "busy_timeout = 10000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _row(signed: SignedReading) -> dict[str, Any]:
    r = signed.reading
    return {
        "site": r.site,
        "sequence": r.sequence,
        "taken_at": r.taken_at,
        "import_wh": r.import_wh,
        "export_wh": r.export_wh,
        "epoch": r.epoch,
        "signature": signed.signature,
        "source_ns": signed.source_ns,
    }


class SqlStore:
    """The store in one SQLite file."""

    def __init__(self, path: Path) -> None:
        """Open or create the file.

        Raises:
            ConfigRefused: it cannot be opened or is no database.
        """
        self._engine: Engine = create_engine(f"sqlite:///{path}", connect_args={"check_same_thread": False})
        event.listen(self._engine, "connect", _prepare)
        event.listen(self._engine, "begin", _begin)
        try:
            _METADATA.create_all(self._engine)
            self._connection = self._engine.connect()
        except SQLAlchemyError as fault:
            reason = str(getattr(fault, "orig", fault))
            raise ConfigRefused(f"store {path} cannot be opened ({reason}); check its folder and rights") from None

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with self._connection.begin():
            yield self._connection

    def close(self) -> None:
        """Close the file."""
        self._connection.close()
        self._engine.dispose()

    # --- readings ----------------------------------------------------------------------------------------------

    def add_readings(self, readings: Sequence[SignedReading]) -> None:
        """Store accepted readings, all or none."""
        if readings:
            with self._writing() as connection:
                connection.execute(upsert(_READING).on_conflict_do_nothing(), [_row(signed) for signed in readings])

    def readings_since(self, taken_at: int) -> list[SignedReading]:
        """Readings from `taken_at` on, and each site's latest."""
        latest = select(_READING.c.site, func.max(_READING.c.sequence)).group_by(_READING.c.site)
        with self._writing() as connection:
            rows = connection.execute(
                select(_READING)
                .where((_READING.c.taken_at >= taken_at) | tuple_(_READING.c.site, _READING.c.sequence).in_(latest))
                .order_by(_READING.c.site, _READING.c.sequence)
            ).all()
        return [
            SignedReading(
                Reading(row.site, row.taken_at, row.import_wh, row.export_wh, row.epoch, row.sequence),
                row.signature,
                row.source_ns,
            )
            for row in rows
        ]

    # --- pledges -----------------------------------------------------------------------------------------------

    def pledge(self, kind: str, key: Key, round_: int, pledge: Pledge) -> Pledge:
        """Store what is about to be signed, unless something was signed there before; returns what holds."""
        with self._writing() as connection:
            added = connection.execute(
                upsert(_PLEDGE).on_conflict_do_nothing(),
                {
                    "kind": kind,
                    **key._asdict(),
                    "round": round_,
                    "digest": pledge.digest,
                    "content": pledge.content,
                },
            ).rowcount
            return pledge if added else self._pledged(connection, kind, key, round_) or pledge

    def _pledged(self, connection: Connection, kind: str, key: Key, round_: int) -> Pledge | None:
        row = connection.execute(
            select(_PLEDGE.c.digest, _PLEDGE.c.content).where(
                _PLEDGE.c.kind == kind,
                _PLEDGE.c.zone == key.zone,
                _PLEDGE.c.slot == key.slot,
                _PLEDGE.c.part == key.part,
                _PLEDGE.c.round == round_,
            )
        ).first()
        return Pledge(row.digest, row.content) if row else None

    def pledged(self, kind: str, key: Key, round_: int) -> Pledge | None:
        """What was signed there before."""
        with self._writing() as connection:
            return self._pledged(connection, kind, key, round_)

    def last_round(self, key: Key) -> int:
        """The highest round in which something was signed; 0 when nothing was."""
        with self._writing() as connection:
            highest = connection.execute(
                select(func.max(_PLEDGE.c.round)).where(
                    _PLEDGE.c.zone == key.zone, _PLEDGE.c.slot == key.slot, _PLEDGE.c.part == key.part
                )
            ).scalar()
        return int(highest or 0)

    # --- progress ----------------------------------------------------------------------------------------------

    def next_slot(self, zone: int) -> int | None:
        """The earliest slot of a zone that is not finished."""
        with self._writing() as connection:
            return connection.execute(select(_PROGRESS.c.next_slot).where(_PROGRESS.c.zone == zone)).scalar()

    def set_next_slot(self, zone: int, slot: int) -> None:
        """All slots of the zone before `slot` are finished."""
        with self._writing() as connection:
            statement = upsert(_PROGRESS).values(zone=zone, next_slot=slot)
            connection.execute(
                statement.on_conflict_do_update(
                    index_elements=["zone"], set_={"next_slot": statement.excluded.next_slot}
                )
            )

    # --- outbox ------------------------------------------------------------------------------------------------

    def next_nonce(self, sender: bytes) -> int:
        """One above the highest nonce in the outbox."""
        with self._writing() as connection:
            highest = connection.execute(select(func.max(_OUTBOX.c.nonce)).where(_OUTBOX.c.sender == sender)).scalar()
        return 0 if highest is None else int(highest) + 1

    def reserve(self, sender: bytes, row: OutboxRow) -> None:
        """Store nonce, intent and signed bytes together, before the broadcast."""
        with self._writing() as connection:
            connection.execute(
                insert(_OUTBOX),
                {
                    "sender": sender,
                    "nonce": row.nonce,
                    **row.key._asdict(),
                    "hash": row.hash,
                    "raw": row.raw,
                    "state": row.state,
                },
            )

    def pending(self, sender: bytes) -> list[OutboxRow]:
        """Transactions whose end is not known, by nonce."""
        with self._writing() as connection:
            rows = connection.execute(
                select(_OUTBOX)
                .where(_OUTBOX.c.sender == sender, _OUTBOX.c.state == "pending")
                .order_by(_OUTBOX.c.nonce)
            ).all()
        return [OutboxRow(r.nonce, Key(r.zone, r.slot, r.part), r.hash, r.raw, r.state) for r in rows]

    def close_row(self, sender: bytes, nonce: int, state: str) -> None:
        """The end of a pending transaction."""
        with self._writing() as connection:
            connection.execute(
                update(_OUTBOX)
                .where(_OUTBOX.c.sender == sender, _OUTBOX.c.nonce == nonce, _OUTBOX.c.state == "pending")
                .values(state=state)
            )

    def prune(self, taken_before: int, slot_before: int) -> None:
        """Drop readings and pledges that no report can need any more, but each site's latest reading."""
        latest = select(_READING.c.site, func.max(_READING.c.sequence)).group_by(_READING.c.site)
        with self._writing() as connection:
            connection.execute(
                _READING.delete().where(
                    _READING.c.taken_at < taken_before, ~tuple_(_READING.c.site, _READING.c.sequence).in_(latest)
                )
            )
            connection.execute(_PLEDGE.delete().where(_PLEDGE.c.slot < slot_before))
