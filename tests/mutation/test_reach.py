"""Which tests are asked about a mutant: those that reach its statement, or a statement that uses its constant."""

import pytest

from mutation import reach
from mutation.judge import touches
from mutation.mutants import mutants_of
from mutation.reach import lines_of

ADDER = """
LIMIT: constant(uint256) = 5
TWICE: constant(uint256) = LIMIT * 2
total: uint256

@external
def add(amount: uint256):
    if amount > 7:
        self.total += (
            amount
            - 1
        )
    assert self.total < TWICE
"""
CHECKS = """
@internal
def _check(amount: uint256):
    assert amount < 3
    assert amount < LIMIT
"""
IF, SUM, ASSERTION = [8], [9, 10, 11, 12], [13]


@pytest.fixture
def adder(tmp_path, monkeypatch):
    monkeypatch.setattr(reach, "CONTRACTS", tmp_path)
    monkeypatch.setattr(reach, "PROJECT", tmp_path)
    for cached in (reach.sources, reach.tree_of, reach.made_of):
        monkeypatch.setattr(reach, cached.__name__, cached.__wrapped__)
    (tmp_path / "checks.vy").write_text(CHECKS, encoding="utf-8")
    (tmp_path / "Adder.vy").write_text(ADDER, encoding="utf-8")
    return tmp_path / "Adder.vy"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("if amount > [7]", {"Adder.vy": IF}),
        ("- [1]", {"Adder.vy": SUM}),
        ("assert self.total [<] TWICE", {"Adder.vy": ASSERTION}),
        ("TWICE: constant(uint256) = LIMIT * [2]", {"Adder.vy": ASSERTION, "checks.vy": []}),
        ("LIMIT: constant(uint256) = [5]", {"Adder.vy": ASSERTION, "checks.vy": [5]}),
    ],
)
def test_lines__of_a_mutant__are_its_statement_or_those_that_use_the_constant(adder, line, expected):
    found = [lines_of(mutant) for mutant in mutants_of(adder) if f": {line}" in mutant.name]
    assert found
    assert all(lines == expected for lines in found)


def test_lines__whole__are_all_of_the_functions(adder):
    found = {mutant.name: lines_of(mutant, whole=True) for mutant in mutants_of(adder)}
    assert found["add: if amount > [7]: -> 8"] == {"Adder.vy": list(range(7, 14))}
    assert found["LIMIT: LIMIT: constant(uint256) = [5] -> 6"]["checks.vy"] == [3, 4, 5]


def test_touches__one_line_of_many__enough_and_another_file_is_not():
    reached = {"Adder.vy": [8, 13]}
    assert touches(reached, {("Adder.vy", 13), ("checks.vy", 5)})
    assert not touches(reached, {("Adder.vy", 9), ("checks.vy", 8)})
