"""What each distribution brings along when it is installed by itself."""

from importlib.metadata import requires

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def brought_by(distribution: str) -> set[str]:
    """All distributions that an installation needs, itself included."""
    found: set[str] = set()
    waiting = [distribution]
    while waiting:
        name = canonicalize_name(waiting.pop())
        if name in found:
            continue
        found.add(name)
        needed = [Requirement(line) for line in requires(name) or []]
        waiting += [one.name for one in needed if one.marker is None or one.marker.evaluate({"extra": ""})]
    return found


@pytest.mark.parametrize("distribution", ["net8-sdk", "net8-oracle", "net8-indexer"])
def test_install__sdk_node_or_indexer_alone__brings_neither_ape_nor_streamlit(distribution):
    assert {"eth-ape", "streamlit", "titanoboa", "pandas"}.isdisjoint(brought_by(distribution))


def test_install__app_alone__brings_streamlit_without_ape_or_node():
    brought = brought_by("net8-web")
    assert "streamlit" in brought
    assert {"eth-ape", "titanoboa", "net8-oracle"}.isdisjoint(brought)


def test_install__node_alone__brings_no_library_of_a_single_kind_of_meter_or_transport():
    brought = brought_by("net8-oracle")
    of_meters = {"dsmr-parser", "pysml", "pymeterbus", "pyocmf", "pysunspec2", "aiomqtt", "pymodbus"}
    assert {*of_meters, "nats-py"}.isdisjoint(brought)
