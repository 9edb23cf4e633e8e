"""Bytecode of the contracts, compiled once for each state of their sources, whichever test asks first."""

import fcntl
import hashlib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from scripts.compiler import PROJECT, compile_contract

__all__ = ["compile_all", "creation_code"]

CONTRACTS = PROJECT / "contracts"
CACHE = PROJECT / ".build" / "compiled"


@cache
def _state() -> str:
    digest = hashlib.sha256()
    for path in sorted(CONTRACTS.rglob("*.vy*")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


@cache
def creation_code(name: str) -> str:
    """Creation code of `contracts/NAME.vy`, 0x and hexadecimal digits. Other processes that want it wait for it."""
    kept = CACHE / f"{name.replace('/', '-')}-{_state()}.hex"
    CACHE.mkdir(parents=True, exist_ok=True)
    with kept.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            half = kept.with_suffix(".half")
            half.write_text(compile_contract(CONTRACTS / f"{name}.vy", "bytecode"))
            half.replace(kept)
    return kept.read_text()


def compile_all(names: Iterable[str]) -> None:
    """Have the creation code of several contracts made, two at a time."""
    with ThreadPoolExecutor(2) as compilers:
        list(compilers.map(creation_code, names))
