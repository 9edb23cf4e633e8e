"""The Vyper compiler of this environment, on the contracts of this project."""

import subprocess
import sys
import sysconfig
from pathlib import Path

from vyper.compiler.input_bundle import FilesystemInputBundle
from vyper.compiler.phases import CompilerData

__all__ = ["PROJECT", "CompilationFailed", "analyse", "compile_contract"]

PROJECT = Path(__file__).resolve().parents[1]
SEARCH_PATHS = [Path(sysconfig.get_path("purelib")), PROJECT]


class CompilationFailed(RuntimeError):
    """A contract that does not compile; the message is the compiler's."""


def compile_contract(source: Path, output: str) -> str:
    """What `vyper -f output` prints for a contract: "abi", "bytecode", "bytecode_runtime", ...

    Raises:
        CompilationFailed: the compiler refused it.
    """
    done = subprocess.run(  # noqa: S603
        [
            sys.executable, "-m", "vyper.cli.vyper_compile",
            "-f", output, "-p", str(PROJECT), "-p", sysconfig.get_path("purelib"), str(source),
        ],
        capture_output=True, text=True, check=False, cwd=PROJECT,
    )  # fmt: skip
    if done.returncode:
        raise CompilationFailed(f"{source.relative_to(PROJECT)}: {done.stderr.strip()}")
    return done.stdout.strip()


def analyse(source: Path) -> CompilerData:
    """What the compiler knows of a contract; each phase runs when it is asked for."""
    bundle = FilesystemInputBundle(SEARCH_PATHS)
    return CompilerData(bundle.load_file(source), bundle)
