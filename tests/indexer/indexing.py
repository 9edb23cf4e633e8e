"""The indexer inside the test's process: a follower that goes as far as it is told, and all that it wrote."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from net8.client import Chain
from net8.config import validated
from net8_indexer.database import open_database, upgrade
from net8_indexer.follower import Follower
from net8_indexer.schema import Base, Block, Origin, table_of
from net8_indexer.settings import IndexerSettings
from net8_indexer.writer import Writer
from sqlalchemy import Engine, select

from tests.oracle_node.local_chain import LocalChain

__all__ = ["contents", "follower_of", "settings_of", "to_head"]


def settings_of(chain: LocalChain, database: str, **more: Any) -> IndexerSettings:
    """Settings as a configuration file would give them."""
    content = {
        "database": database,
        "listen": "127.0.0.1:0",
        "chain": {"deployment": str(chain.deployment_file), "rpc": chain.url, "poll_ms": 20},
        **more,
    }
    return validated(IndexerSettings, content, "settings", Path())


@contextmanager
def follower_of(chain: LocalChain, settings: IndexerSettings) -> Iterator[tuple[Follower, Engine]]:
    """A follower that has not looked yet, and its database."""
    engine = open_database(settings.database.address())
    upgrade(engine)
    deployment = settings.chain.contracts()
    writer = Writer(engine, deployment.chain_id, deployment.address("EnergyExchange"), deployment.first_block)
    yield Follower([Chain(chain.url)], deployment, writer, 0.01), engine
    engine.dispose()


def to_head(follower: Follower) -> None:
    """Look until the head is reached."""
    for _ in range(1_000):
        if follower.look():
            return
    raise AssertionError("the head is never reached")


def contents(engine: Engine) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables but those that tell how the chain was followed."""
    found = {}
    with engine.connect() as connection:
        for mapper in Base.registry.mappers:
            if mapper.class_ not in (Origin, Block):
                table = table_of(mapper.class_)
                found[table.name] = [
                    tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key))
                ]
    return found
