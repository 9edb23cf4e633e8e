"""A local chain of its own for each worker, and both kinds of database."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from net8_indexer.settings import IndexerSettings

from tests.indexer.indexing import settings_of
from tests.indexer.street import RandomStreet
from tests.oracle_node import postgresql
from tests.oracle_node.local_chain import LocalChain


@pytest.fixture(scope="session")
def local_chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalChain]:
    """anvil with all contracts."""
    chain = LocalChain(tmp_path_factory.mktemp("chain"))
    yield chain
    chain.stop()


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[postgresql.Server]:
    """A PostgreSQL server."""
    with postgresql.server() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database, as a configuration names it."""
    if request.param == "sqlite":
        return str(tmp_path / "net8.sqlite")
    server: postgresql.Server = request.getfixturevalue("postgresql_server")
    return server.empty_database()


@pytest.fixture
def settings(local_chain: LocalChain, database: str) -> IndexerSettings:
    """Of an indexer of the local chain."""
    return settings_of(local_chain, database)


@pytest.fixture(scope="session")
def street(local_chain: LocalChain) -> RandomStreet:
    """A street that has traded an hour and settled it, and whose next hour stands open."""
    made = RandomStreet(local_chain, seed=8)
    made.trade(actions=60)
    made.finish()
    made.trade(actions=40)
    return made
