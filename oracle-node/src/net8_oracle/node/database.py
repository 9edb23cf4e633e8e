"""The database under a node's store: one SQLite file by default, PostgreSQL by URL, both through SQLAlchemy Core.

SQLite keeps a write-ahead log, and every transaction takes the write lock at its beginning, so that "database is
locked" cannot happen half-way. `synchronous` is FULL: with NORMAL a power cut takes back the latest commits, and what
was taken back may have been signed and sent already (a vote, a nonce), which costs the stake or sends twice. A commit
is one fsync then, 0.3 to 8 ms on the disks that were measured. PostgreSQL's default, synchronous_commit = on, promises
the same.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection, Dialect, Engine, Table, create_engine, event, make_url
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, SQLAlchemyError

from net8_oracle.node.schema import METADATA
from net8_oracle.settings import ConfigRefused

__all__ = ["Database", "StoreUnavailable"]

_WAIT = 10  # seconds for a lock, or for an answer of the server
_LONGEST_PAUSE = 5  # seconds within a transaction: a server that learns of no broken line gives up its locks then
_WAL_MOST = 64 * 2**20  # bytes to which the write-ahead log is cut back
_SOCKET_FAULTS = (ConnectionError, TimeoutError)  # pg8000 lets what befalls its socket through as it is


class StoreUnavailable(OSError):
    """What was to be stored is not: the disk is full, or the server is away.

    All of it is stored nevertheless, perhaps, where the line to a server broke before its last answer.
    """


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # transactions begin where we say, not where the driver guesses
    cursor = connection.cursor()
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",
        f"busy_timeout = {_WAIT * 1000}",
        f"journal_size_limit = {_WAL_MOST}",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _sqlite(path: Path) -> Engine:
    engine = create_engine(f"sqlite:///{path}", connect_args={"check_same_thread": False})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_immediate)
    return engine


def _prepare_postgresql(connection: DBAPIConnection, _record: object) -> None:
    # By a statement: connection poolers refuse what they do not know among the parameters of a connection's start.
    cursor = connection.cursor()
    cursor.execute(f"SET idle_in_transaction_session_timeout = '{_LONGEST_PAUSE}s'")
    cursor.close()
    connection.commit()


def _postgresql(url: URL) -> Engine:
    # A server may restart under us: each transaction begins by asking whether its connection still lives.
    engine = create_engine(url.set(drivername="postgresql+pg8000"), pool_pre_ping=True, connect_args={"timeout": _WAIT})
    event.listen(engine, "connect", _prepare_postgresql)
    return engine


class Database:
    """Opened, with all tables."""

    def __init__(self, where: Path | str, password: str | None = None) -> None:
        """Open or create it.

        Args:
            where: a file, or `postgresql://user@host:port/database`.
            password: of the PostgreSQL user, where the server asks for one.

        Raises:
            ConfigRefused: it cannot be opened or is no database.
        """
        try:
            if isinstance(where, Path):
                self._engine = _sqlite(where)
            else:
                url = make_url(where)
                self._engine = _postgresql(url.set(password=password) if password is not None else url)
            METADATA.create_all(self._engine)
        except (SQLAlchemyError, ArgumentError, OSError) as fault:
            reason = str(getattr(fault, "orig", None) or fault)
            if isinstance(where, Path):
                advice = "free disk space" if "full" in reason else "check its folder and rights"
            else:
                advice = "check server, user and database"
            raise ConfigRefused(f"store {where} cannot be opened ({reason}); {advice}") from None

    @property
    def dialect(self) -> Dialect:
        """By name `sqlite` or `postgresql`."""
        return self._engine.dialect

    def insert(self, table: Table) -> postgresql.Insert | sqlite.Insert:
        """An insert that knows `on_conflict_...`, which SQL has in dialects only."""
        return postgresql.insert(table) if self.dialect.name == "postgresql" else sqlite.insert(table)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """All or nothing; on disk when the block has ended.

        Raises:
            StoreUnavailable: nothing of it was stored, or only the answer was lost.
        """
        try:
            with self._engine.begin() as connection:
                yield connection
        except IntegrityError:
            raise
        except (DBAPIError, *_SOCKET_FAULTS) as fault:
            reason = fault.orig if isinstance(fault, DBAPIError) else fault
            raise StoreUnavailable(f"the store cannot be written ({reason}); free disk space or mend it") from fault

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()
