"""Bytecode of the contracts, compiled once per change of their sources."""

import hashlib
import json
import subprocess
import sys
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
CONTRACTS = ROOT / "contracts"
CACHE = ROOT / ".build" / "browser-tests"


@cache
def _sources_hash() -> str:
    digest = hashlib.sha256()
    for path in sorted(CONTRACTS.rglob("*.vy*")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


@cache
def creation_code(path: str) -> bytes:
    """Creation bytecode of a contract, `path` relative to `contracts/`."""
    kept = CACHE / f"{Path(path).stem}-{_sources_hash()}.json"
    if not kept.exists():
        command = [
            str(Path(sys.executable).with_name("vyper")),
            "-f",
            "bytecode",
            "-p",
            str(CONTRACTS),
            str(CONTRACTS / path),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=CONTRACTS)
        if done.returncode != 0:
            raise RuntimeError(f"{path} does not compile: {done.stderr[-2000:]}")
        CACHE.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps(done.stdout.strip()))
    return bytes.fromhex(json.loads(kept.read_text())[2:])
