"""Contracts compiled by Vyper, handed to forge as bytecode, and what a campaign of its fuzzer came to."""

import os
import re
import subprocess
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from scripts.compiler import PROJECT, analyse

FOLDER = Path(__file__).parent
BUILD = PROJECT / ".build" / "forge"
DEPLOYED = ("NET8", "GridRegistry", "EnergyExchange", "OracleRegistry", "ExchangeLens")
SOLC = next((PROJECT / ".venv" / "solc").glob("solc-v*"))


@dataclass(frozen=True)
class Campaign:
    """How many calls the fuzzer made, what they did, and what forge said."""

    passed: bool
    calls: int
    deeds: Counter[str]
    output: str


def bytecode(source: Path) -> str:
    """Deployment bytecode in hex; compiled once for each state of the contract and all that it imports."""
    compiler = analyse(source)
    cached = BUILD / "code" / f"{source.stem}-{compiler.integrity_sum}.hex"
    if not cached.exists():
        cached.parent.mkdir(parents=True, exist_ok=True)
        cached.write_text(f"0x{compiler.bytecode.hex()}")
    return cached.read_text()


def run(contracts: Path, folder: Path, runs: int, depth: int, seed: str) -> Campaign:
    """Let the fuzzer loose on the contracts below `contracts`; `folder` is this campaign's, below the build folder."""
    folder.mkdir(parents=True, exist_ok=True)
    deeds = folder / "deeds.txt"
    deeds.unlink(missing_ok=True)
    for name in DEPLOYED:
        folder.joinpath(f"{name}.hex").write_text(bytecode(contracts / f"{name}.vy"))
    done = subprocess.run(
        ["forge", "test", "--root", str(FOLDER), "--use", str(SOLC), "--fuzz-seed", seed],
        env=os.environ | {
            "NET8_BYTECODE": str(folder), "NET8_DEEDS": str(deeds),
            "FOUNDRY_INVARIANT_RUNS": str(runs), "FOUNDRY_INVARIANT_DEPTH": str(depth),
            "FOUNDRY_INVARIANT_FAILURE_PERSIST_DIR": str(folder / "failures"),
            "PATH": f"{PROJECT / '.venv' / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}",
        },
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    told = done.stdout + done.stderr
    calls = re.search(r"calls: (\d+)", told)
    lines = deeds.read_text().splitlines() if deeds.exists() else []
    happened: Counter[str] = Counter()
    for line in lines:
        deed, count = line.split("=")
        happened[deed] += int(count)
    return Campaign(done.returncode == 0, int(calls[1]) if calls else 0, happened, told)
