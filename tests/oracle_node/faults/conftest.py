"""What several faults need: a zone whose leader has a verdict to deliver, and an end to every process."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import NO_SMALL_DISK
from tests.oracle_node.faults.hostile import HostileRpc
from tests.oracle_node.faults.lone import LoneNode, Patched, last_slot, leader_of, verdict
from tests.oracle_node.local_chain import LocalChain, Zone

MakeNode = Callable[..., LoneNode]


@pytest.fixture(autouse=True)
def _nothing_left_running() -> Iterator[None]:
    yield
    Patched.kill_all()
    HostileRpc.down_all()


@pytest.fixture
def own_chain(tmp_path: Path) -> Iterator[LocalChain]:
    """A chain of the test's own, to be torn about."""
    chain = LocalChain(tmp_path)
    yield chain
    chain.resume()
    chain.stop()


@pytest.fixture
def zone(local_chain: LocalChain) -> Zone:
    """Four operators and three sites."""
    return local_chain.new_zone(operators=4, sites=3)


@pytest.fixture
def slot(zone: Zone) -> int:
    """A slot of the zone that is over and not settled."""
    return last_slot(zone)


@pytest.fixture
def proxy(local_chain: LocalChain) -> HostileRpc:
    """A chain node that records what is sent, and misbehaves when told to."""
    return HostileRpc(local_chain.url)


@pytest.fixture
def leader(zone: Zone, slot: int, proxy: HostileRpc, tmp_path: Path) -> LoneNode:
    """The node that leads the slot, with a verdict to deliver through the proxy alone; not started."""
    node = LoneNode(tmp_path, zone, leader_of(zone, slot), [proxy.url])
    node.give(verdict(zone, slot))
    return node


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of three megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    made = mount and subprocess.run(
        [mount, "-t", "tmpfs", "-o", "size=3m", "none", str(folder)], capture_output=True, check=False
    )
    if not made or made.returncode:
        pytest.skip(NO_SMALL_DISK)
    yield folder
    Patched.kill_all()
    subprocess.run(["umount", "-l", str(folder)], check=True)
