"""The database: opened, brought up to date, written to by one process."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import as_file, files
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import SQLAlchemyError

__all__ = [
    "SOCKET_FAULTS",
    "DatabaseRefused",
    "TwoWriters",
    "open_database",
    "reading",
    "require_current",
    "upgrade",
    "writing",
]

SOCKET_FAULTS = (ConnectionError, TimeoutError)  # pg8000 lets what befalls its socket through as it is

_WAIT_S = 10  # for a lock, or for an answer of the server
# One connection for each thread that answers: the web framework has 40.
_POOL: dict[str, Any] = {"pool_size": 5, "max_overflow": 40, "pool_timeout": _WAIT_S}
# Within a transaction: a server that learns of no broken line gives up its locks then. Far longer than the writer takes
# to go through the events of one step.
_LONGEST_PAUSE = "5min"
_WAL_MOST = 64 * 2**20  # bytes to which SQLite's write-ahead log is cut back


class DatabaseRefused(ValueError):
    """A database that cannot be used. The message says which and what to do."""


class TwoWriters(DatabaseRefused):
    """Another process writes to the database as well."""


def open_database(url: URL) -> Engine:
    """An engine for SQLite or PostgreSQL; nothing is asked yet.

    SQLite is opened in WAL mode, so that readers never wait for the writer.
    """
    if url.get_backend_name() == "sqlite":
        engine = create_engine(url, connect_args={"check_same_thread": False}, **_POOL)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin)
        return engine
    # A server may restart under us: each transaction begins by asking whether its connection still lives.
    engine = create_engine(url, pool_pre_ping=True, connect_args={"timeout": _WAIT_S}, **_POOL)
    event.listen(engine, "connect", _prepare_postgresql)
    # Many rows go in one statement; the driver's own way is one exchange with the server for each row.
    engine.dialect.use_insertmanyvalues_wo_returning = True
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # transactions begin where we say, not where the driver guesses
    for pragma in (
        f"busy_timeout = {_WAIT_S * 1000}",
        "journal_mode = WAL",
        "synchronous = NORMAL",  # a power cut may cost the last blocks; the chain has them
        f"journal_size_limit = {_WAL_MOST}",
    ):
        connection.execute(f"PRAGMA {pragma}").close()


def _prepare_postgresql(connection: DBAPIConnection, _record: object) -> None:
    # By a statement: connection poolers refuse what they do not know among the parameters of a connection's start.
    cursor = connection.cursor()
    cursor.execute(f"SET idle_in_transaction_session_timeout = '{_LONGEST_PAUSE}'")
    cursor.close()
    connection.commit()


def _begin(connection: Connection) -> None:
    write = connection.get_execution_options().get("net8_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One transaction that writes: all of it or nothing."""
    with engine.connect().execution_options(net8_write=True) as connection, connection.begin():
        yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """One view of the database that no write changes while it lasts."""
    with engine.connect() as opened:
        if engine.dialect.name == "postgresql":
            opened = opened.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        with opened.begin():
            yield opened


@contextmanager
def _refusing(engine: Engine) -> Iterator[None]:
    try:
        yield
    except (SQLAlchemyError, OSError) as fault:
        reason = str(getattr(fault, "orig", None) or fault).splitlines()[0]
        where = engine.url.render_as_string()
        raise DatabaseRefused(f"the database {where} cannot be used ({reason}); check its address and rights") from None
    except CommandError as fault:
        raise DatabaseRefused(f"the database is of another version ({fault}); update net8-indexer") from None


@contextmanager
def _migrations() -> Iterator[Config]:
    with as_file(files("net8_indexer") / "migrations") as scripts:
        config = Config()
        config.set_main_option("script_location", str(scripts))
        yield config


def upgrade(engine: Engine) -> None:
    """Bring the tables up to this version.

    Raises:
        DatabaseRefused: the database does not answer, or is of a later version than this program.
    """
    with _refusing(engine), _migrations() as config, writing(engine) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def require_current(engine: Engine) -> None:
    """Do nothing when the tables are of this version.

    Raises:
        DatabaseRefused: they are not, or the database does not answer.
    """
    with _refusing(engine), _migrations() as config, reading(engine) as connection:
        wanted = ScriptDirectory.from_config(config).get_current_head()
        found = MigrationContext.configure(connection).get_current_revision()
    if found != wanted:
        raise DatabaseRefused(
            f"the database is of version {found or 'none'}, this program of {wanted}; run `net8-indexer migrate`"
        )
