"""What Venom compiles; part of `make venom` alone, because each contract takes seconds."""

import pytest
from vyper.compiler.input_bundle import FilesystemInputBundle
from vyper.compiler.phases import CompilerData
from vyper.compiler.settings import Settings

from scripts.compiler import SEARCH_PATHS
from venom import CONTRACTS, DOES_NOT_COMPILE

DEPLOYABLE = sorted(path.stem for path in CONTRACTS.glob("*.vy"))


def venom_bytecode(contract: str) -> bytes:
    bundle = FilesystemInputBundle(SEARCH_PATHS)
    source = bundle.load_file(CONTRACTS / f"{contract}.vy")
    return CompilerData(source, bundle, Settings(experimental_codegen=True)).bytecode


@pytest.mark.parametrize("contract", [name for name in DEPLOYABLE if name not in DOES_NOT_COMPILE])
def test_venom__contract_that_is_not_excepted__compiles(contract):
    assert venom_bytecode(contract)


@pytest.mark.parametrize("contract", DOES_NOT_COMPILE)
def test_venom__excepted_contract__still_fails_for_that_reason(contract):
    with pytest.raises(Exception) as error:  # noqa: PT011 - a compiler that gives up raises anything
        venom_bytecode(contract)
    assert DOES_NOT_COMPILE[contract] in repr(error.value)
