"""Contracts as ape compiles them, never older than their sources."""

import hashlib
from functools import cache

import ape
from ape.contracts import ContractContainer

__all__ = ["container", "runtime_code"]


def _sources_hash() -> str:
    digest = hashlib.sha256()
    folder = ape.project.path / "contracts"
    for source in sorted(folder.rglob("*.vy*")):
        digest.update(str(source.relative_to(folder)).encode() + b"\0" + source.read_bytes() + b"\0")
    return digest.hexdigest()


@cache
def _compile() -> None:
    """Compile everything anew if a source changed: ape itself overlooks a change of an imported module."""
    stamp, sources = ape.project.path / ".build" / "sources.sha256", _sources_hash()
    if not stamp.exists() or stamp.read_text() != sources:
        stamp.unlink(missing_ok=True)
        ape.project.load_contracts(use_cache=False)
        stamp.parent.mkdir(exist_ok=True)
        stamp.write_text(sources)


def container(name: str) -> ContractContainer:
    """A contract by its name; "Euro" is the test euro."""
    _compile()
    return getattr(ape.project, "TestEuro" if name == "Euro" else name)


def runtime_code(name: str) -> bytes:
    """Code of a contract on chain, without the immutables that its constructor appends."""
    return bytes(container(name).contract_type.get_runtime_bytecode() or b"")
