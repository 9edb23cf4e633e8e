"""One mutant against the tests, in a process of its own that starts with everything already loaded and compiled.

A judge forks for every mutant. The child compiles the contracts that the mutant changes, and nothing else, because the
parent's compiled ones come with the fork; then it runs the tests until the first one fails.
"""

import json
import os
import select
import signal
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import boa
import pytest
from hypothesis import Phase, settings
from vyper.compiler.input_bundle import FileInput, FilesystemInputBundle
from vyper.compiler.phases import CompilerData
from vyper.exceptions import VyperException

from mutation.contracts import CONTRACTS, imported, tests_of
from mutation.mutants import Mutant
from mutation.verdicts import BROKEN, SAME, SURVIVED, TIMEOUT
from scripts.compiler import SEARCH_PATHS

__all__ = ["Judge"]

PATIENCE = 10  # times what the tests take without a fault
LEAST, LONGEST = 60.0, 3600.0  # seconds


class MutatedBundle(FilesystemInputBundle):
    """The files as they are, but for one."""

    def __init__(self, mutant: Mutant) -> None:
        super().__init__(SEARCH_PATHS)
        self.mutant = mutant

    def _load_from_path(self, resolved_path: Path, original_path: Path) -> FileInput:
        found = super()._load_from_path(resolved_path, original_path)
        if Path(resolved_path) != self.mutant.file:
            return found
        return FileInput(found.source_id, found.path, found.resolved_path, self.mutant.source())


def compiled(bundle: FilesystemInputBundle, contract: str) -> CompilerData:
    """A contract, compiled to the end; with the source map that titanoboa reads."""
    data = CompilerData(bundle.load_file(CONTRACTS / f"{contract}.vy"), bundle)
    _ = data.bytecode, data.bytecode_runtime
    data.source_map = boa.interpret._compute_source_map(data)
    return data


def contract_at(filename: str | Path) -> str | None:
    """Name of the project's contract in this file, with its folder."""
    path = Path(filename)
    return str(path.relative_to(CONTRACTS).with_suffix("")) if path.is_relative_to(CONTRACTS) else None


class Verdict:
    """Notes the first test that fails, and asks those first that have killed most so far."""

    def __init__(self, kills: dict[str, int]) -> None:
        self.kills = kills
        self.killer: str | None = None
        self.reason = ""

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items.sort(key=lambda item: -self.kills.get(item.nodeid, 0))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and self.killer is None:
            self.killer, self.reason = report.nodeid, report.longreprtext


class Judge:
    """Judges the mutants of one contract.

    Raises:
        RuntimeError: a test fails without any mutant.
    """

    def __init__(self, contract: str) -> None:
        self.contract = contract
        self.tests = [str(path) for path in tests_of(contract)]
        self.sound: dict[str, CompilerData] = {}  # contracts that the tests load
        self.imports: dict[str, set[Path]] = {}
        self.original = boa.interpret.compiler_data
        settings.register_profile(
            "mutation", database=None, derandomize=True, deadline=None, phases=[Phase.explicit, Phase.generate]
        )
        settings.load_profile("mutation")
        self._run_tests({}, "--collect-only")  # the children find the modules loaded
        began = time.monotonic()
        self.limit = LONGEST
        verdict, loaded = self._in_child(self._rehearse)
        if verdict != SURVIVED:
            raise RuntimeError(f"{contract}: without any fault: {verdict}")
        self.seconds = time.monotonic() - began
        self.limit = max(LEAST, PATIENCE * self.seconds)
        for name in loaded:
            self.imports[name] = imported(name)
            path = str(CONTRACTS / f"{name}.vy")
            self.sound[name] = boa.load_partial(path).compiler_data

    def judge(self, mutant: Mutant, kills: dict[str, int]) -> str:
        """The test that killed it, or why there is none."""
        verdict, _ = self._in_child(lambda: (self._try(mutant, kills), []))
        return verdict

    def _in_child(self, work: Callable[[], tuple[str, list[str]]]) -> tuple[str, list[str]]:
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            os.close(reading)
            answer: tuple[str, list[str]] = "the judge itself failed", []
            try:
                answer = work()
            finally:
                os.write(writing, json.dumps(answer).encode())
                os._exit(0)
        os.close(writing)
        answered, _, _ = select.select([reading], [], [], self.limit)
        verdict, loaded = json.loads(os.read(reading, 65_536)) if answered else (TIMEOUT, [])
        os.close(reading)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        if verdict == "the judge itself failed":
            raise RuntimeError(f"{self.contract}: {verdict}; its error is above")
        return verdict, loaded

    def _rehearse(self) -> tuple[str, list[str]]:
        """All tests without a fault, and the contracts they load."""
        loaded: list[str] = []

        def compiler_data(
            source: str, name: str, filename: str | Path, *rest: object, **options: object
        ) -> CompilerData:
            contract = contract_at(filename)
            if contract and contract not in loaded:
                loaded.append(contract)
            return self.original(source, name, filename, *rest, **options)

        boa.interpret.compiler_data = compiler_data
        verdict = self._run_tests({}, "-x")
        return f"{verdict.killer}\n{verdict.reason}" if verdict.killer else SURVIVED, loaded

    def _try(self, mutant: Mutant, kills: dict[str, int]) -> str:
        try:
            if not self._put_in_place(mutant):
                return SAME
        except VyperException:
            return BROKEN
        return self._run_tests(kills, "-x").killer or SURVIVED

    def _put_in_place(self, mutant: Mutant) -> bool:
        """Whether any contract is another one with the mutant; further ones that use it compile when a test asks."""
        bundle = MutatedBundle(mutant)
        concerned = [name for name, files in self.imports.items() if mutant.file in files]
        present = {name: data for name, data in self.sound.items() if name not in concerned}

        def compiler_data(
            source: str, name: str, filename: str | Path, *rest: object, **options: object
        ) -> CompilerData:
            contract = contract_at(filename)
            if contract not in self.sound:
                return self.original(source, name, filename, *rest, **options)
            if contract not in present:
                present[contract] = compiled(bundle, contract)
            return present[contract]

        boa.interpret.compiler_data = compiler_data
        for name in sorted(concerned, key=lambda name: name != self.contract):
            present[name] = compiled(bundle, name)
            if present[name].bytecode != self.sound[name].bytecode:
                return True
        return False

    def _run_tests(self, kills: dict[str, int], *options: str) -> Verdict:
        """The test that failed first, if one did."""
        verdict = Verdict(kills)
        told = StringIO()
        with redirect_stdout(told), redirect_stderr(told):
            status = pytest.main(
                ["-q", "-p", "no:ape_test", "-p", "no:cacheprovider", "-p", "no:xdist", *options, *self.tests],
                plugins=[verdict],
            )
        if status not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED) and verdict.killer is None:
            sys.stderr.write(told.getvalue())
            raise RuntimeError(f"pytest ended with {status!r}")
        return verdict
