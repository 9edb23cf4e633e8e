"""Mutants against the tests, each in a process of its own that starts where a test begins.

The judge runs the tests as pytest does, with the sound contracts deployed by their fixtures. Where a test is about to
be called it forks, once for each mutant that the test is asked about, and the child puts the mutant's code in the place
of the sound contract's. Only tests that reach the changed lines are asked, the quickest and most telling ones first.
What they leave alive is deployed anew, as only a fault in deploying or in what fixtures do needs it.
"""

import json
import os
import resource
import signal
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any, TypeVar

import boa
import pytest
from boa.contracts.vyper.vyper_contract import ErrorDetail, StackTrace, VyperContract
from boa.environment import Env
from hypothesis import Phase, settings
from vyper.compiler.phases import CompilerData

from mutation.building import Builder, Built, data_of
from mutation.contracts import CONTRACTS, DEPLOYABLE, LONG, tests_of
from mutation.mutants import Mutant
from mutation.reach import Reach, Recorder, lines_of
from mutation.verdicts import SURVIVED, TIMEOUT
from scripts.compiler import PROJECT

__all__ = ["Judge"]

Answer = TypeVar("Answer")  # what comes from a child, by JSON
PATIENCE, LEAST = 10, 20  # processor time a test may take: so many times its own without a fault, and so many seconds
AT_ONCE = (4, 16, None)  # tests asked about a mutant in one round, the next, and the last
ANEW = 6  # tests asked about a mutant that is deployed anew, each of another file: fixtures that deploy are alike
LOADED = [*DEPLOYABLE, "local/TestEuro"]  # compiled before any child begins
KILLED, ALIVE, FAILED = 1, 0, 2
NO_SOURCES: dict[str, dict[int, Any]] = {"pc_raw_ast_map": {}, "error_map": {}}


def contract_at(filename: str | Path | None) -> str | None:
    """Name of the project's contract in this file, with its folder."""
    path = Path(filename or "")
    return str(path.relative_to(CONTRACTS).with_suffix("")) if path.is_relative_to(CONTRACTS) else None


def without_sources() -> None:
    """Errors tell their reasons alone: the places of a mutant's code are not those of the sound contract's."""

    def stack_trace(contract: VyperContract, computation: object = None) -> StackTrace:
        error = (computation or contract._computation).error
        return StackTrace([ErrorDetail(error, contract.contract_name, None, None, None, None)])

    VyperContract.stack_trace = stack_trace
    VyperContract.find_source_of = lambda contract, computation: None


def put_in_place(runtimes: dict[str, bytes]) -> None:
    """Whatever contract is deployed has the mutant's code, behind it the immutables that it has."""

    def exchange_code(contract: object) -> None:
        code = runtimes.get(contract_at(getattr(contract, "filename", None)) or "")
        if code is None or not isinstance(contract, VyperContract):
            return
        sound, present = contract.compiler_data.bytecode_runtime, boa.env.get_code(contract.address)
        if present.startswith(sound):
            boa.env.set_code(contract.address, code + present[len(sound) :])

    def register_contract(env: Env, address: str, contract: object) -> None:
        registered(env, address, contract)
        exchange_code(contract)

    registered = Env.register_contract
    Env.register_contract = register_contract
    for contract in list(boa.env._contracts.values()):
        exchange_code(contract)


@dataclass
class Children:
    """Processes that each try one mutant, so many at once."""

    jobs: int
    ended: Callable[[str, int], None]  # told a mutant and how its process ended
    running: dict[int, str] = field(default_factory=dict)

    def start(self, mutant: str, seconds: float, work: Callable[[], int]) -> None:
        """Fork; the child ends with what `work` returns, or when it has used so much processor time."""
        while len(self.running) >= self.jobs:
            self.wait()
        child = os.fork()
        if child:
            self.running[child] = mutant
            return
        status = FAILED
        try:
            allowed = int(seconds) + 1
            signal.signal(signal.SIGXCPU, signal.SIG_DFL)
            resource.setrlimit(resource.RLIMIT_CPU, (allowed, allowed + 5))
            status = work()
        finally:
            os._exit(status)

    def wait(self) -> None:
        child, status = os.wait()
        self.ended(self.running.pop(child), status)

    def finish(self) -> None:
        while self.running:
            self.wait()


class Round:
    """A pytest plugin: asks tests about mutants."""

    def __init__(
        self, asked: dict[str, list[str]], built: dict[str, Built], allowed: Callable[[str], float], jobs: int
    ) -> None:
        self.asked, self.built, self.allowed = asked, built, allowed
        self.killers: dict[str, str] = {}
        self.children = Children(jobs, self.ended)
        self.test = ""

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [item for item in items if item.nodeid in self.asked]

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> None:
        self.test = item.nodeid
        for mutant in self.asked[item.nodeid]:
            if mutant not in self.killers:
                self.children.start(mutant, self.allowed(item.nodeid), lambda: self.call(item, mutant))  # noqa: B023
        self.children.finish()
        item.runtest = lambda: None  # it was called often enough

    def call(self, item: pytest.Item, mutant: str) -> int:
        for name, value in LONG.get(item.nodeid, {}).items():
            setattr(item.module, name, value)
        put_in_place(self.built[mutant].runtimes)
        try:
            item.runtest()
        except BaseException:  # pytest's own outcomes are no Exceptions
            return KILLED
        return ALIVE

    def ended(self, mutant: str, status: int) -> None:
        if os.WIFSIGNALED(status):
            self.killers[mutant] = TIMEOUT
        elif os.WEXITSTATUS(status) == KILLED:
            self.killers[mutant] = self.test
        elif os.WEXITSTATUS(status) != ALIVE:
            raise RuntimeError(f"the judge failed at {mutant}; its error is above")


class First:
    """A pytest plugin: notes the first test that fails, of those asked or of all."""

    def __init__(self, asked: list[str] | None = None) -> None:
        self.asked = asked
        self.killer: str | None = None
        self.reason = ""

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [item for item in items if self.asked is None or item.nodeid in self.asked]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and self.killer is None:
            self.killer, self.reason = report.nodeid, report.longreprtext


class Deploying:
    """A pytest plugin: notes which tests deploy contracts themselves, or by a fixture of their own module."""

    def __init__(self) -> None:
        self.tests: list[str] = []

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        self.tests = [item.nodeid for item in items if any("deploy" in names for names in self._asked_for(item))]

    @staticmethod
    def _asked_for(item: pytest.Item) -> Iterator[Iterable[str]]:
        """Fixtures that a test asks for, and those that its module's fixtures do."""
        yield item._fixtureinfo.argnames
        for *_, fixture in item._fixtureinfo.name2fixturedefs.values():
            if fixture.baseid == item.nodeid.split("::")[0]:
                yield fixture.argnames


class Judge:
    """Judges the mutants of one contract.

    Raises:
        RuntimeError: a test fails without any mutant.
    """

    def __init__(self, contract: str, jobs: int = 1) -> None:
        self.contract, self.jobs = contract, jobs
        self.files = tests_of(contract)
        self.original = boa.interpret.compiler_data
        settings.register_profile(
            "mutation", database=None, derandomize=True, deadline=None, phases=[Phase.explicit, Phase.generate]
        )
        settings.load_profile("mutation")
        without_sources()
        self.sound = {name: boa.load_partial(str(CONTRACTS / f"{name}.vy")).compiler_data for name in LOADED}
        boa.interpret.compiler_data = self._compiler_data({})
        self.deploying = Deploying()
        self._pytest([self.deploying], self.files, "--collect-only")  # the children find the modules loaded
        for file in self.files:
            if Reach.load(file) is None:
                self._in_child(lambda: self._record(file))  # noqa: B023
        self.reach = [reach for file in self.files if (reach := Reach.load(file))]
        self.seconds = {test: seconds for reach in self.reach for test, seconds in reach.seconds.items()}
        self.builder = Builder(sorted({self.contract, *self._deployed()}))
        VyperContract._deployment_source_map = NO_SOURCES  # costs more than deploying does

    def judge(self, mutants: dict[str, Mutant], built: dict[str, Built], kills: dict[str, int]) -> dict[str, str]:
        """For every mutant the test that killed it, or why there is none."""
        verdicts: dict[str, str] = {}
        waiting = {key: self._candidates(mutants[key], kills) for key in built if built[key].runtimes}
        for most in AT_ONCE:
            asked = defaultdict(list)
            for key, tests in waiting.items():
                for test in tests[:most]:
                    asked[test].append(key)
                waiting[key] = tests[most:] if most else []
            verdicts |= self._round(asked, built)
            waiting = {key: tests for key, tests in waiting.items() if key not in verdicts}
        for key in built.keys() - verdicts.keys():
            if killer := self._in_child(lambda: self._anew(mutants[key], built[key])):  # noqa: B023
                verdicts[key] = killer
        long = [test for test in LONG if PROJECT / test.split("::")[0] in self.files]
        alive = [key for key in built if key not in verdicts and built[key].runtimes]
        verdicts |= self._round(dict.fromkeys(long, alive), built)
        return {key: verdicts.get(key, SURVIVED) for key in built}

    def _candidates(self, mutant: Mutant, kills: dict[str, int]) -> list[str]:
        """The tests that reach a mutant, those first that cost least for what they have killed so far."""
        found: list[str] = []
        for whole in (False, True):
            lines = {(path, line) for path, numbers in lines_of(mutant, whole=whole).items() for line in numbers}
            found = found or [
                test for reach in self.reach for test, called in reach.called.items() if touches(called, lines)
            ]
        return sorted(found, key=lambda test: self.seconds[test] / (1 + kills.get(test, 0)))

    def _anew(self, mutant: Mutant, built: Built) -> str:
        """The test that kills a mutant which is there from the beginning.

        Asked are tests whose fixtures reach it and, where only deploying differs, those that deploy themselves.
        """
        lines = {(path, line) for path, numbers in lines_of(mutant).items() for line in numbers}
        reached = [reach for reach in self.reach if touches(reach.prepared, lines)] or self.reach
        quickest = sorted(min((seconds, test) for test, seconds in reach.seconds.items()) for reach in reached)
        tests = [*([] if built.runtimes else self.deploying.tests), *(test for _, test in quickest[:ANEW])]
        mutated = {name: data_of(name, mutant) for name in self.builder.concerned(mutant)}
        for data in mutated.values():
            data.source_map = NO_SOURCES
        boa.interpret.compiler_data = self._compiler_data(mutated)
        first = First(tests)
        self._pytest([first], files_of(tests), "-x")
        return first.killer or ""

    def _compiler_data(self, mutated: dict[str, CompilerData]) -> Callable[..., CompilerData]:
        """What titanoboa asks when it loads a contract: the mutated ones, and the others compiled once for all."""
        known = self.sound | mutated

        def compiler_data(
            source: str, name: str, filename: str | Path, *rest: object, **options: object
        ) -> CompilerData:
            found = known.get(contract_at(filename) or "")
            return found or self.original(source, name, filename, *rest, **options)

        return compiler_data

    def _round(self, asked: dict[str, list[str]], built: dict[str, Built]) -> dict[str, str]:
        if not asked:
            return {}

        def work() -> dict[str, str]:
            plugin = Round(asked, built, self._allowed, self.jobs)
            self._pytest([plugin], files_of(asked))
            return plugin.killers

        return self._in_child(work)

    def _allowed(self, test: str) -> float:
        return LEAST + PATIENCE * self.seconds.get(test, 60)

    def _deployed(self) -> Iterator[str]:
        """Contracts of which some test reaches a line."""
        for path in {path for reach in self.reach for path in reach.prepared}:
            if (name := Path(path)).stem[0].isupper():
                yield str((PROJECT / name).relative_to(CONTRACTS).with_suffix(""))

    def _record(self, file: Path) -> None:
        recorder, first = Recorder(), First()
        self._pytest([recorder, first], [file], "-x")
        if first.killer:
            raise RuntimeError(f"without any fault: {first.killer}\n{first.reason}")
        for reach in recorder.of.values():
            reach.save(file)

    def _in_child(self, work: Callable[[], Answer]) -> Answer:
        """What `work` returns in a process that leaves no trace in this one."""
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            os.close(reading)
            status = FAILED
            try:
                with os.fdopen(writing, "w") as answer:
                    json.dump(work(), answer)
                status = 0
            except BaseException as error:
                print(f"{type(error).__name__}: {error}", file=sys.__stderr__, flush=True)
            finally:
                os._exit(status)
        os.close(writing)
        with os.fdopen(reading) as answer:
            told = answer.read()
        _, status = os.waitpid(child, 0)
        if status:
            raise RuntimeError(f"{self.contract}: the judge failed; its error is above")
        return json.loads(told)

    def _pytest(self, plugins: list[object], files: list[Path], *options: str) -> None:
        told = StringIO()
        without = ["-pno:ape_test", "-pno:cacheprovider", "-pno:xdist"]
        with redirect_stdout(told), redirect_stderr(told):
            status = pytest.main(["-q", "--timeout=0", *without, *options, *map(str, files)], plugins=plugins)
        if status not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED):
            sys.__stderr__.write(told.getvalue())
            raise RuntimeError(f"pytest ended with {status!r}")


def touches(reached: dict[str, list[int]], lines: set[tuple[str, int]]) -> bool:
    return any((path, line) in lines for path, numbers in reached.items() for line in numbers)


def files_of(tests: Iterable[str]) -> list[Path]:
    return sorted({PROJECT / test.split("::")[0] for test in tests})
