"""The same tests on what the compiler's other code generator, Venom, makes of the contracts: `make venom`.

Two code generators that agree on every test make a fault of the one that is deployed unlikely. Venom is experimental in
Vyper 0.4.3 and does not compile everything: such a contract is tested as it is deployed, and named here with the words
in which the compiler gives up.
"""

from pathlib import Path
from typing import Any

import boa
from vyper.compiler.phases import CompilerData

CONTRACTS = Path(__file__).resolve().parents[1] / "contracts"
DOES_NOT_COMPILE = {
    "EnergyExchange": "StopIteration",
    "TradingDesk": "StopIteration",
}


def pytest_configure() -> None:
    """As a plugin (`-p venom`) it lets titanoboa compile the project's contracts so from now on."""
    original = boa.interpret.compiler_data

    def compiler_data(source: str, name: str, filename: str, *rest: Any, **options: Any) -> CompilerData:
        path = Path(filename)
        if path.parent == CONTRACTS and path.stem not in DOES_NOT_COMPILE:
            options["experimental_codegen"] = True
        return original(source, name, filename, *rest, **options)

    boa.interpret.compiler_data = compiler_data
