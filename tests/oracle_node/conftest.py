"""One local chain for all tests of a worker; every test that trades gets a zone of its own."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.oracle_node import postgresql
from tests.oracle_node.broker import Mosquitto
from tests.oracle_node.local_chain import LocalChain
from tests.oracle_node.processes import Street
from tests.oracle_node.prompt_loop import PromptLoop


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Frames of meters make no names of tests: they are long, and those that are signed differ from run to run."""
    return argname if isinstance(val, bytes) else None


def pytest_asyncio_loop_factories(item: pytest.Item) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Tests of the mark `prompt` run on the loop's own time."""
    return {"loop": PromptLoop if item.get_closest_marker("prompt") else asyncio.new_event_loop}


@pytest.fixture(scope="session")
def local_chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalChain]:
    """anvil with all contracts."""
    chain = LocalChain(tmp_path_factory.mktemp("chain"))
    yield chain
    chain.stop()


@pytest.fixture(scope="session")
def mosquitto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    """A running MQTT broker; a test that stops it starts it again."""
    broker = Mosquitto(tmp_path_factory.mktemp("broker"))
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[postgresql.Server]:
    """A PostgreSQL server."""
    with postgresql.server() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    """A new database for a node's store, of either kind."""
    if request.param == "sqlite":
        return tmp_path / "node.sqlite"
    server: postgresql.Server = request.getfixturevalue("postgresql_server")
    return server.empty_database()


@pytest.fixture
def make_street(local_chain: LocalChain, tmp_path: Path) -> Iterator[Callable[..., Street]]:
    """make_street(**timing): four node processes and a gateway for five homes, not started."""
    streets = []

    def make(**timing: int) -> Street:
        streets.append(Street(tmp_path, local_chain.new_zone(operators=4, sites=5), **timing))
        return streets[-1]

    yield make
    for street in streets:
        street.stop()


@pytest.fixture
def street(make_street: Callable[..., Street]) -> Street:
    """A street with the usual timing."""
    return make_street()
