"""Mutants of a small contract: each is one change of behaviour, and reads like it."""

import pytest

from mutation.mutants import mutants_of

SOURCE = '''
"""
@notice Text with 1 + 1 in it.
"""
LIMIT: constant(uint256) = 5
total: uint256[3]


@external
def add(amount: uint256, others: DynArray[uint256, 4]):
    """
    @notice Adds 2 < 3.
    """
    assert amount <= LIMIT and not self.total[0] == 7, "amount: too high"
    self._check_caller()
    self.total[0] += unsafe_add(amount, 1)  # 8 > 7


@internal
def _check_caller():
    pass
'''


@pytest.fixture
def mutants(tmp_path):
    path = tmp_path / "Adder.vy"
    path.write_text(SOURCE, encoding="utf-8")
    return mutants_of(path)


def test_mutants__small_contract__every_operator_constant_and_check(mutants):
    replacements = sorted(m.replacement for m in mutants)
    limit = ["6", "4"]
    assertion = ["pass", "or", "<", ">", "", "!=", "1", "8", "6"]  # its 0 only grows
    check, total = ["pass"], ["-", "unsafe_sub", "2", "0", "1"]
    assert replacements == sorted([*limit, *assertion, *check, *total])


def test_mutants__sources__differ_in_one_place_and_never_in_text_or_types(mutants):
    for mutant in mutants:
        source = mutant.source()
        assert source != SOURCE
        for untouched in ("Text with 1 + 1 in it.", "Adds 2 < 3.", "# 8 > 7", "DynArray[uint256, 4]", "uint256[3]"):
            assert untouched in source


def test_mutants__names__are_unique_and_fix_the_draw(mutants, tmp_path):
    assert len({mutant.name for mutant in mutants}) == len(mutants)
    moved = tmp_path / "elsewhere" / "Adder.vy"
    moved.parent.mkdir()
    moved.write_text("# a line more\n" + SOURCE, encoding="utf-8")
    assert [m.rank for m in mutants_of(moved)] == [m.rank for m in mutants]
