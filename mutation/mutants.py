"""Small faults put into Vyper sources: other operators, comparisons and constants, and checks that are left out.

No maintained tool knows Vyper's grammar (universalmutator's rules for it are empty, so it mutates comments too): places
come from the compiler's own syntax tree.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from vyper import ast as vy
from vyper.ast import parse_to_ast

__all__ = ["Mutant", "mutants_of"]

SEED = "NET8"
OPERATORS = {
    vy.Add: ("+", ["-"]), vy.Sub: ("-", ["+"]), vy.Mult: ("*", ["+"]), vy.FloorDiv: ("//", ["*"]), vy.Mod: ("%", ["*"]),
    vy.BitAnd: ("&", ["|"]), vy.BitOr: ("|", ["&"]), vy.BitXor: ("^", ["|"]),
    vy.LShift: ("<<", [">>"]), vy.RShift: (">>", ["<<"]),
    vy.Lt: ("<", ["<=", ">="]), vy.LtE: ("<=", ["<", ">"]), vy.Gt: (">", [">=", "<="]), vy.GtE: (">=", [">", "<"]),
    vy.Eq: ("==", ["!="]), vy.NotEq: ("!=", ["=="]), vy.And: ("and", ["or"]), vy.Or: ("or", ["and"]),
}  # fmt: skip
FUNCTIONS = {
    "unsafe_add": "unsafe_sub", "unsafe_sub": "unsafe_add", "unsafe_mul": "unsafe_add", "unsafe_div": "unsafe_mul",
    "min": "max", "max": "min",
}  # fmt: skip
CHECKS = re.compile(r"(refusal\._because|(\w+\.)*_check\w*)\(")


@dataclass(frozen=True)
class Mutant:
    """One fault in one file."""

    file: Path
    begin: int  # offsets in the source
    end: int
    replacement: str
    name: str  # function, original -> replacement, and which one of these when there are more

    def source(self) -> str:
        """The whole file with the fault."""
        text = self.file.read_text(encoding="utf-8")
        return text[: self.begin] + self.replacement + text[self.end :]

    @property
    def rank(self) -> str:
        """Place in the draw: fixed by the seed and the fault alone, whatever else changes."""
        return hashlib.sha256(f"{SEED}:{self.file.name}:{self.name}".encode()).hexdigest()


def mutants_of(file: Path) -> list[Mutant]:
    """All mutants of a source file, in its order."""
    source = file.read_text(encoding="utf-8")
    lines = [0]
    for line in source.splitlines(keepends=True):
        lines.append(lines[-1] + len(line))
    seen: Counter[str] = Counter()
    found = []
    for function in parse_to_ast(source).get_children((vy.FunctionDef, vy.VariableDecl)):
        place = function.name if isinstance(function, vy.FunctionDef) else function.target.node_source_code
        for node in function.get_descendants():
            if not _is_code(node):
                continue
            for begin, end, replacement in _changes(node, source, lines):
                name = f"{place}: {_line(source, begin, end)} -> {replacement}"
                seen[name] += 1
                nth = f" #{seen[name]}" if seen[name] > 1 else ""
                found.append(Mutant(file, begin, end, replacement, name + nth))
    return found


def _line(source: str, begin: int, end: int) -> str:
    """The line that changes, the changed part in brackets."""
    first = source.rfind("\n", 0, begin) + 1
    last = source.find("\n", end)
    return f"{source[first:begin].lstrip()}[{source[begin:end]}]{source[end:last]}"


def _is_code(node: vy.VyperNode) -> bool:
    """Sizes in types are no behaviour, and a mutant of a docstring is none."""
    child, parent = node, node.get_ancestor()
    while parent is not None and not isinstance(parent, vy.Module):
        if child in (getattr(parent, "annotation", None), getattr(parent, "returns", None)):
            return False
        if isinstance(parent, vy.FunctionDef) and child not in parent.body:
            return False
        child, parent = parent, parent.get_ancestor()
    return True


def _changes(node: vy.VyperNode, source: str, lines: list[int]) -> Iterator[tuple[int, int, str]]:
    begin, end = lines[node.lineno - 1] + node.col_offset, lines[node.end_lineno - 1] + node.end_col_offset
    text = source[begin:end]
    match node:
        case vy.BinOp() | vy.Compare():
            right = lines[node.right.lineno - 1] + node.right.col_offset
            left = lines[node.left.end_lineno - 1] + node.left.end_col_offset
            yield from _operator(node.op, source, left, right)
        case vy.BoolOp():
            for one, other in zip(node.values, node.values[1:], strict=False):
                left, right = lines[one.end_lineno - 1] + one.end_col_offset, lines[other.lineno - 1] + other.col_offset
                yield from _operator(node.op, source, left, right)
        case vy.AugAssign():
            left = lines[node.target.end_lineno - 1] + node.target.end_col_offset
            yield from _operator(node.op, source, left, lines[node.value.lineno - 1] + node.value.col_offset)
        case vy.Int() if text.isdigit():
            yield begin, end, str(node.value + 1)
            if node.value:
                yield begin, end, str(node.value - 1)
        case vy.NameConstant() if text in ("True", "False"):
            yield begin, end, str(text != "True")
        case vy.UnaryOp() if text.startswith("not "):
            yield begin, begin + len("not "), ""
        case vy.UnaryOp() if text.startswith("~"):
            yield begin, begin + 1, ""
        case vy.Assert():
            yield begin, end, "pass"
        case vy.Expr() if CHECKS.match(text):
            yield begin, end, "pass"
        case vy.Call() if isinstance(node.func, vy.Name) and node.func.id in FUNCTIONS:
            yield begin, begin + len(node.func.id), FUNCTIONS[node.func.id]


def _operator(operator: vy.VyperNode, source: str, left: int, right: int) -> Iterable[tuple[int, int, str]]:
    """Replacements of the operator between two operands; what stands there besides are brackets and line ends."""
    if type(operator) not in OPERATORS:
        return
    sign, others = OPERATORS[type(operator)]
    between = source[left:right]
    if between.count(sign) != 1:
        return
    at = left + between.index(sign)
    for other in others:
        yield at, at + len(sign), other
