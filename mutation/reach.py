"""Which lines of the contracts each test reaches: a test that never runs a line cannot tell a fault in it.

Recorded once from titanoboa's traces, for a test file at a time, and kept until a contract or a test changes.
"""

import hashlib
import json
import re
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path

import pytest
from boa.contracts.vyper.vyper_contract import VyperContract
from boa.environment import Env
from vyper import ast as vy
from vyper.ast import parse_to_ast

from mutation.contracts import CONTRACTS, LONG, TESTS
from mutation.mutants import Mutant
from scripts.compiler import PROJECT

__all__ = ["Reach", "Recorder", "lines_of"]

FOLDER = PROJECT / ".build" / "mutation"
Lines = dict[str, list[int]]  # path below the project -> line numbers


@dataclass
class Reach:
    """Of the tests in one file."""

    seconds: dict[str, float] = field(default_factory=dict)  # test -> processor time of its own
    called: dict[str, Lines] = field(default_factory=dict)  # test -> lines that it runs itself
    prepared: Lines = field(default_factory=dict)  # lines that only the fixtures of some test run

    @classmethod
    def load(cls, tests: Path) -> "Reach | None":
        path = cls.path(tests)
        return cls(**json.loads(path.read_text(encoding="utf-8"))) if path.exists() else None

    def save(self, tests: Path) -> None:
        path = self.path(tests)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")

    @staticmethod
    def path(tests: Path) -> Path:
        """Where it is kept, by the content of all that it depends on."""
        shared = [*CONTRACTS.rglob("*.vy"), *(path for path in TESTS.glob("*.py") if not path.name.startswith("test_"))]
        digest = hashlib.sha256()
        for path in [tests, *sorted(shared)]:
            digest.update(path.read_bytes())
        return FOLDER / f"{tests.stem}-{digest.hexdigest()[:16]}.json"


class Recorder:
    """A pytest plugin that records what each test reaches."""

    def __init__(self) -> None:
        self.of: dict[str, Reach] = {}  # test file -> reach
        self._reached: dict[int, tuple[dict[int, vy.VyperNode], set[int]]] = {}  # by source map: places in the code
        Env._coverage_enabled = True
        Env._trace_computation = lambda env, computation, contract=None: self._trace(env, computation, contract)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [item for item in items if item.nodeid not in LONG]

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Iterator[None]:
        self._reached = {}
        yield
        prepared = self._reach_of(item).prepared
        for path, lines in self._lines().items():
            prepared[path] = sorted({*lines, *prepared.get(path, [])})

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Iterator[None]:
        self._reached = {}
        began = time.process_time()
        yield
        reach = self._reach_of(item)
        reach.seconds[item.nodeid] = round(time.process_time() - began, 3)
        reach.called[item.nodeid] = self._lines()

    def _reach_of(self, item: pytest.Item) -> Reach:
        return self.of.setdefault(item.nodeid.split("::")[0], Reach())

    def _lines(self) -> Lines:
        lines: dict[str, set[int]] = {}
        for nodes, reached in self._reached.values():
            for node in {id(node): node for place in reached if (node := nodes.get(place))}.values():
                path = Path(node.module_node.resolved_path or "")  # what titanoboa evaluates lies in no file
                if path.is_relative_to(CONTRACTS):
                    lines.setdefault(str(path.relative_to(PROJECT)), set()).add(node.lineno)
        return {path: sorted(numbers) for path, numbers in sorted(lines.items())}

    def _trace(self, env: Env, computation: object, contract: object) -> None:
        if isinstance(contract, VyperContract):
            nodes = contract.source_map["pc_raw_ast_map"]
            self._reached.setdefault(id(nodes), (nodes, set()))[1].update(computation.code._trace)
        for child in computation.children:
            if child.msg.code_address:
                self._trace(env, child, env._lookup_contract_fast(child.msg.code_address))


def lines_of(mutant: Mutant, *, whole: bool = False) -> Lines:
    """The lines in which a fault shows: of its statement, or of every statement that uses the constant.

    With `whole` it is all lines of those functions: the compiler's map knows no place for some statements, such as
    setting a variable to zero, so that no test seems to reach them.
    """
    lines_at = lines_within if whole else statement_at
    source = mutant.file.read_text(encoding="utf-8")
    line = source.count("\n", 0, mutant.begin) + 1
    tree = tree_of(mutant.file)
    if function := function_at(tree, line):
        return {str(mutant.file.relative_to(PROJECT)): lines_at(function, line)}
    declared = next(node for node in tree.get_children(vy.VariableDecl) if node.lineno <= line <= node.end_lineno)
    any_name = made_of(declared.target.id)
    found = {}
    for path in sources():
        lines = path.read_text(encoding="utf-8").splitlines()
        named = [number for number, text in enumerate(lines, 1) if any_name.search(text)]
        within = [(function_at(tree_of(path), number), number) for number in named]
        found[str(path.relative_to(PROJECT))] = [
            reached for function, number in within if function for reached in lines_at(function, number)
        ]
    return found


@cache
def sources() -> list[Path]:
    return sorted(CONTRACTS.rglob("*.vy"))


@cache
def tree_of(path: Path) -> vy.Module:
    return parse_to_ast(path.read_text(encoding="utf-8"))


@cache
def made_of(name: str) -> re.Pattern[str]:
    """Any of the constants that a constant goes into, itself among them."""
    names = {name}
    while True:
        any_name = re.compile(rf"\b({'|'.join(sorted(names))})\b")
        declared = [node for path in sources() for node in tree_of(path).get_children(vy.VariableDecl)]
        users = {node.target.id for node in declared if node.value and any_name.search(node.value.node_source_code)}
        if users <= names:
            return any_name
        names |= users


def function_at(tree: vy.Module, line: int) -> vy.FunctionDef | None:
    functions = tree.get_children(vy.FunctionDef)
    return next((node for node in functions if node.lineno <= line <= node.end_lineno), None)


def lines_within(function: vy.FunctionDef, line: int) -> list[int]:
    """All lines of a function."""
    return list(range(function.lineno, function.end_lineno + 1))


def statement_at(function: vy.FunctionDef, line: int) -> list[int]:
    """Lines of the innermost statement; of one with a body, those before the body."""
    found = [line]
    waiting = list(function.body)
    while waiting:
        node = waiting.pop()
        body = [*(getattr(node, "body", None) or []), *(getattr(node, "orelse", None) or [])]
        last = body[0].lineno - 1 if body else node.end_lineno
        if node.lineno <= line <= max(last, node.lineno):
            found = list(range(node.lineno, max(last, node.lineno) + 1))
        waiting += body
    return found
