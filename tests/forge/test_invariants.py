"""The exchange's invariants on revm, over the bytecode itself: another engine and language than the other tests'."""

import os
import shutil
from pathlib import Path

import pytest

from scripts.compiler import PROJECT
from tests.forge.forge import BUILD, run

PROFILES = {
    # histories, calls in each, seed (drawn anew where there is none)
    "default": (12, 80, "0x8e7"),
    "nightly": (500, 200, None),
}
RUNS, DEPTH, SEED = PROFILES[os.environ.get("HYPOTHESIS_PROFILE", "default")]
DEEDS = {
    "rested", "matched", "lapsed", "reduced", "cancelled", "released", "refused", "paired", "traded abroad",
    "deposited", "withdrew", "funded", "waited", "reported", "settled late", "refused to settle twice",
}  # fmt: skip

# A fault, where it goes, and what the fuzzer says when it has found it.
FAULTS = {
    "a grain of every fee is lost": (
        "exchange/zones.vy",
        "self._accounts[zone] += pool | (grid_fees << 80) | (oracle_fees << 160)",
        "self._accounts[zone] += pool | ((grid_fees >> 1) << 80) | (oracle_fees << 160)",
        "money came or went",
    ),
}


def test_invariants__random_histories__hold():
    campaign = run(PROJECT / "contracts", BUILD / "sound", RUNS, DEPTH, SEED or f"0x{os.urandom(16).hex()}")
    assert campaign.passed, campaign.output
    assert campaign.calls == RUNS * DEPTH
    assert DEEDS - campaign.deeds.keys() == set(), "the fuzzer never got there"


@pytest.mark.parametrize("fault", FAULTS)
def test_invariants__contract_with_a_fault__found(fault, tmp_path: Path):
    file, sound, faulty, said = FAULTS[fault]
    contracts = tmp_path / "contracts"
    shutil.copytree(PROJECT / "contracts", contracts)
    text = contracts.joinpath(file).read_text()
    assert text.count(sound) == 1, f"{file} has changed: name another fault"
    contracts.joinpath(file).write_text(text.replace(sound, faulty))
    campaign = run(contracts, BUILD / "faulty", RUNS, DEPTH, "0x8e7")
    assert not campaign.passed
    assert said in campaign.output, campaign.output
