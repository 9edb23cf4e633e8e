"""The Vyper compiler of this environment, on the contracts of this project."""

import subprocess
import sys
import sysconfig
from pathlib import Path

__all__ = ["CompilationFailed", "compile_contract"]

PROJECT = Path(__file__).resolve().parents[1]


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
