"""What the compiler makes of a mutant: the code of every contract that it changes, and no more than that.

Source maps and interfaces stay the sound contract's; code that deploys is compiled only where the runtime is the same.
"""

from pathlib import Path
from typing import NamedTuple

import vyper.codegen.core as codegen
from vyper.codegen import module
from vyper.compiler.input_bundle import FileInput, FilesystemInputBundle
from vyper.compiler.phases import CompilerData, generate_assembly, generate_bytecode
from vyper.compiler.settings import anchor_settings
from vyper.exceptions import VyperException, VyperInternalException
from vyper.ir import optimizer
from vyper.ir.compile_ir import reset_symbols

from mutation.contracts import CONTRACTS, imported
from mutation.mutants import Mutant
from mutation.verdicts import BROKEN, SAME
from scripts.compiler import SEARCH_PATHS

__all__ = ["Builder", "Built", "data_of"]


class Built(NamedTuple):
    """A mutant that differs."""

    runtimes: dict[str, bytes]  # contract -> its code, of those whose runtime is another; none: it shows in deploying


class MutatedBundle(FilesystemInputBundle):
    """The files as they are, but for one."""

    def __init__(self, mutant: Mutant | None = None) -> None:
        super().__init__(SEARCH_PATHS)
        self.mutant = mutant

    def _load_from_path(self, resolved_path: Path, original_path: Path) -> FileInput:
        found = super()._load_from_path(resolved_path, original_path)
        if self.mutant is None or Path(resolved_path) != self.mutant.file:
            return found
        return FileInput(found.source_id, found.path, found.resolved_path, self.mutant.source())


def data_of(contract: str, mutant: Mutant | None = None) -> CompilerData:
    """A contract for the compiler, without the hash of its sources in its bytecode, which any mutant would change."""
    bundle = MutatedBundle(mutant)
    return CompilerData(bundle.load_file(CONTRACTS / f"{contract}.vy"), bundle, no_bytecode_metadata=True)


def runtime_of(data: CompilerData) -> bytes:
    """What `data.bytecode_runtime` is, without optimising and assembling the code that deploys it."""
    with anchor_settings(data.settings):
        codegen.reset_names()
        reset_symbols()
        _, ir = module.generate_ir_for_module(data.global_ctx)
        return generate_bytecode(generate_assembly(optimizer.optimize(ir), data.settings.optimize), None)


class Builder:
    """Compiles mutants of some contracts."""

    def __init__(self, contracts: list[str]) -> None:
        self.imports = {name: imported(name) for name in contracts}
        self.sound = {name: runtime_of(data_of(name)) for name in contracts}

    def concerned(self, mutant: Mutant) -> list[str]:
        return [name for name, files in self.imports.items() if mutant.file in files]

    def build(self, mutant: Mutant) -> Built | str:
        """The mutant's code, or why there is nothing to judge."""
        concerned = self.concerned(mutant)
        try:
            compiled = {name: runtime_of(data_of(name, mutant)) for name in concerned}
            changed = {name: code for name, code in compiled.items() if code != self.sound[name]}
            if changed or any(data_of(name, mutant).bytecode != data_of(name).bytecode for name in concerned):
                return Built(changed)
        except (VyperException, VyperInternalException, ArithmeticError):  # 1**60 divides by zero in the compiler
            return BROKEN
        return SAME
