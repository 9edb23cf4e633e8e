"""What is compiled of a mutant: the same code is told from other code, and what does not compile from both."""

import pytest

from mutation.building import Builder, Built, data_of, runtime_of
from mutation.contracts import CONTRACTS
from mutation.mutants import Mutant
from mutation.verdicts import BROKEN, SAME

FILE = CONTRACTS / "NET8.vy"


def mutant(original: str, replacement: str) -> Mutant:
    source = FILE.read_text(encoding="utf-8")
    begin = source.index(original)
    return Mutant(FILE, begin, begin + len(original), replacement, f"{original} -> {replacement}")


@pytest.fixture(scope="module")
def builder():
    return Builder(["NET8"])


def test_runtime__of_a_contract__is_what_the_compiler_says():
    assert runtime_of(data_of("NET8")) == data_of("NET8").bytecode_runtime


def test_build__another_comment__same_bytecode(builder):
    assert builder.build(mutant("@license", "@custom:license")) == SAME


@pytest.mark.parametrize("amount", ["amuont", "amount * 1**60"])  # the second one makes the compiler divide by zero
def test_build__what_the_compiler_refuses_or_fails_at__does_not_compile(builder, amount):
    assert builder.build(mutant("_mint(owner, amount)", f"_mint(owner, {amount})")) == BROKEN


def test_build__another_name_for_a_function__another_runtime(builder):
    built = builder.build(mutant("def set_minter(", "def set_the_minter("))
    assert isinstance(built, Built)
    assert built.runtimes.keys() == {"NET8"}
    assert built.runtimes["NET8"] != builder.sound["NET8"]
