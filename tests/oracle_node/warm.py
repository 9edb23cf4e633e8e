"""Python programs as processes of their own, forked from one that has the oracle's modules loaded.

Loading them takes two to three seconds of a core, and a street of tests starts five programs at a time.
"""

import os
import runpy
import sys
from collections.abc import Mapping
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import ModuleType
from unittest.mock import patch

PROJECT = Path(__file__).resolve().parents[2]

_context = get_context("forkserver")
_context.set_forkserver_preload(
    ["net8_oracle.operate.commands", "net8_oracle.node.service", "net8_oracle.gateway.service"]
)


def start(arguments: list[str], log: Path, environment: Mapping[str, str]) -> BaseProcess:
    """What `python *arguments` would be, in the project's folder, its output appended to `log`."""
    # By its path: there is no package of tests that the new process could import this from.
    begin = {"ARGUMENTS": arguments, "LOG": log, "ENVIRONMENT": dict(environment)}
    process = _context.Process(target=runpy.run_path, args=(__file__, begin, "begin"), daemon=True)
    # A new process runs the file of `__main__` first, and Streamlit's AppTest leaves a page of the app there.
    with patch.dict(sys.modules, {"__main__": ModuleType("__main__")}):
        process.start()
    return process


def become(arguments: list[str], log: Path, environment: Mapping[str, str]) -> None:
    """In the new process: what was asked for."""
    with log.open("ab") as file:
        os.dup2(file.fileno(), sys.stdout.fileno())
        os.dup2(file.fileno(), sys.stderr.fileno())
    os.environ.update(environment)
    os.chdir(PROJECT)
    if arguments[0] == "-m":
        sys.argv = arguments[1:]
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = arguments
        sys.path.insert(0, str(Path(arguments[0]).parent))
        runpy.run_path(arguments[0], run_name="__main__")


if __name__ == "begin":
    become(ARGUMENTS, LOG, ENVIRONMENT)  # type: ignore[name-defined]  # noqa: F821 - given to run_path
