"""One local chain for all tests of a worker; every test that trades gets a zone of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.oracle_node.local_chain import LocalChain
from tests.oracle_node.processes import Street


@pytest.fixture(scope="session")
def local_chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalChain]:
    """anvil with all contracts."""
    chain = LocalChain(tmp_path_factory.mktemp("chain"))
    yield chain
    chain.stop()


@pytest.fixture
def street(local_chain: LocalChain, tmp_path: Path) -> Iterator[Street]:
    """Four node processes and a gateway for five homes, not started."""
    street = Street(tmp_path, local_chain.new_zone(operators=4, sites=5))
    yield street
    street.stop()
