"""Code sizes and storage layouts are what the snapshot beside this file says.

Where things lie in storage is part of what users of the raw words rely on, and a contract that grows eats the room that
the next feature needs: neither may change unseen. After a change that is meant, write the snapshot anew and commit it:

    UPDATE_SNAPSHOTS=1 .venv/bin/pytest -p no:ape_test tests/contracts/test_sizes_and_layout.py
"""

import json
import os
from pathlib import Path
from typing import Any

import boa
import pytest

from tests.contracts.layout import flat

CONTRACTS = Path(__file__).resolve().parents[2] / "contracts"
SNAPSHOT = Path(__file__).parent / "snapshots" / "sizes_and_layout.json"
MOST_BYTES = 24_576  # EIP-170
TOLERANCE = 100  # a hundredth: a size may move by 1 % before the snapshot has to say so
HOW_TO_UPDATE = f"If that is meant, run this test with UPDATE_SNAPSHOTS=1 and commit {SNAPSHOT.name}."


def told(entry: dict[str, Any]) -> str:
    """Such as "slot 3, 1 word, uint256" of a variable."""
    words = entry["n_slots"]
    return f"slot {entry['slot']}, {words} word{'s' * (words != 1)}, {entry['type']}"


def measure(path: Path) -> dict[str, Any]:
    compiled = boa.load_partial(str(path)).compiler_data
    layout = compiled.storage_layout.get("storage_layout", {})
    return {
        "bytes": len(compiled.bytecode_runtime),
        "storage": {name: told(entry) for name, entry in flat(layout).items()},
    }


@pytest.fixture(scope="module")
def measured() -> dict[str, Any]:
    return {path.stem: measure(path) for path in sorted(CONTRACTS.glob("*.vy"))}


@pytest.fixture(scope="module")
def snapshot(measured: dict[str, Any]) -> dict[str, Any]:
    if os.environ.get("UPDATE_SNAPSHOTS"):
        SNAPSHOT.parent.mkdir(exist_ok=True)
        SNAPSHOT.write_text(json.dumps(measured, indent=2) + "\n")
    return dict(json.loads(SNAPSHOT.read_text()))


def test_snapshot__contracts__the_ones_there_are(measured, snapshot):
    assert sorted(measured) == sorted(snapshot), HOW_TO_UPDATE


def test_size__every_contract__deployable_anywhere(measured):
    too_large = {name: found["bytes"] for name, found in measured.items() if found["bytes"] > MOST_BYTES}
    assert not too_large, f"larger than {MOST_BYTES} bytes, which no chain deploys: {too_large}"


def test_size__every_contract__within_one_percent_of_the_snapshot(measured, snapshot):
    moved = [
        f"{name}: {snapshot[name]['bytes']} -> {found['bytes']} bytes"
        for name, found in measured.items()
        if abs(found["bytes"] - snapshot[name]["bytes"]) * TOLERANCE > snapshot[name]["bytes"]
    ]
    assert not moved, f"{'; '.join(moved)}. {HOW_TO_UPDATE}"


def test_layout__every_contract__as_in_the_snapshot(measured, snapshot):
    moved = []
    for name, found in measured.items():
        before, after = snapshot[name]["storage"], found["storage"]
        for variable in sorted(before.keys() | after.keys()):
            if before.get(variable) != after.get(variable):
                was, now = before.get(variable, "not there"), after.get(variable, "gone")
                moved.append(f"{name}.{variable}: {was} -> {now}")
    assert not moved, f"{'; '.join(moved)}. {HOW_TO_UPDATE}"
