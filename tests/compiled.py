"""The contracts compiled once for each state of their sources, whichever test of whichever process asks first.

titanoboa keeps what it compiled too, but analyses all sources again before it looks: as long as a third of compiling.
"""

import fcntl
import gc
import hashlib
import pickle
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

import boa
import vyper
from vyper.compiler.phases import CompilerData
from vyper.semantics.namespace import get_namespace

from scripts.compiler import PROJECT

__all__ = ["compile_all", "compiled", "creation_code", "keep_for_titanoboa"]

CONTRACTS = PROJECT / "contracts"
CACHE = PROJECT / ".build" / "compiled"
_compile: Callable[..., CompilerData] = boa.interpret.compiler_data


@cache
def _state() -> str:
    digest = hashlib.sha256(vyper.__version__.encode())
    for path in sorted(CONTRACTS.rglob("*.vy*")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _place(name: str) -> Path:
    CACHE.mkdir(parents=True, exist_ok=True)
    return CACHE / f"{name.replace('/', '-')}-{_state()}.pickle"


@contextmanager
def _without_collecting() -> Iterator[None]:
    """Syntax trees are millions of objects: the collector would walk them over and over, and finds nothing."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _make(kept: Path, name: str) -> None:
    """Under the lock of its file."""
    if kept.exists():
        return
    source = CONTRACTS / f"{name}.vy"
    half = kept.with_suffix(".half")
    with _without_collecting():
        data = _compile(source.read_text(), name, str(source))
        kept.with_suffix(".hex").write_text(f"0x{data.bytecode.hex()}")
        half.write_bytes(pickle.dumps(data))
    half.replace(kept)


@contextmanager
def _lock(kept: Path, how: int) -> Iterator[None]:
    with kept.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, how)
        yield


def _made(name: str) -> Path:
    """The file of a contract. Other processes that want it wait for it."""
    kept = _place(name)
    with _lock(kept, fcntl.LOCK_EX):
        _make(kept, name)
    return kept


@cache
def compiled(name: str) -> CompilerData:
    """What the compiler made of `contracts/NAME.vy`."""
    kept = _made(name)
    with _without_collecting():
        data: CompilerData = pickle.loads(kept.read_bytes())
    return data


def compile_all(names: Iterable[str]) -> None:
    """Have several contracts compiled, first those that no other process is at."""
    for name in names:
        kept = _place(name)
        with suppress(BlockingIOError), _lock(kept, fcntl.LOCK_EX | fcntl.LOCK_NB):
            _make(kept, name)


def creation_code(name: str) -> str:
    """Creation code of `contracts/NAME.vy`, 0x and hexadecimal digits."""
    return _made(name).with_suffix(".hex").read_text()


def keep_for_titanoboa() -> None:
    """Let titanoboa load the project's contracts from here, unless something else has taken its compiler's place."""
    if boa.interpret.compiler_data.__module__ != boa.interpret.__name__:
        return
    get_namespace()  # makes the compiler's, which titanoboa takes for given where nothing was compiled yet

    def compiler_data(source: str, name: str, filename: str | Path, *rest: Any, **options: Any) -> CompilerData:
        path = Path(filename)
        if options or not path.is_relative_to(CONTRACTS):
            return _compile(source, name, filename, *rest, **options)
        return compiled(str(path.relative_to(CONTRACTS).with_suffix("")))

    boa.interpret.compiler_data = compiler_data
