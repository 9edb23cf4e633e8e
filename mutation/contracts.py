"""Which sources belong to which contract, and which tests are asked about it."""

from functools import cache
from pathlib import Path

from scripts.compiler import PROJECT, analyse

CONTRACTS = PROJECT / "contracts"
TESTS = PROJECT / "tests" / "contracts"
DEPLOYABLE = sorted(path.stem for path in CONTRACTS.glob("[A-Z]*.vy"))
# What a fault in a contract can show in, by the beginning of a test file's name; for one not named here: every test.
ASKED = {
    "NET8": ("net8", "reserve"),
    "Reserve": ("reserve",),
    "OracleRegistry": ("oracle", "eip712"),
    "OracleCourt": ("oracle",),
    "GreenCertificates": ("green_certificates", "certificate", "meter_records"),
    "MeterRecords": ("meter_records",),
    "TradingDesk": ("desk", "eip712"),
    "ExchangeLens": (
        "exchange_abroad",
        "exchange_expiry",
        "exchange_orders",
        "exchange_pairs",
        "exchange_tariffs",
        "exchange_views",
    ),
    "EnergyExchange": ("exchange", "desk", "green_certificates"),
    "GridRegistry": (
        "eip712",
        "exchange_abroad",
        "exchange_pool",
        "exchange_settlement",
        "exchange_sites",
        "exchange_stop",
        "exchange_tariffs",
        "oracle_rewards",
    ),
}
# Snapshots of sizes tell that a contract is another one, not that it is wrong; the rest compile contracts of their own.
NOT_ASKED = {"test_sizes_and_layout.py", "test_code_size.py", "test_solidity.py", "test_gas.py"}

# Random histories are asked when nothing else tells, and then for a few hundred actions: what to set in their module.
LONG: dict[str, dict[str, object]] = {
    "tests/contracts/test_exchange_stateful.py::test_street__any_history__equals_the_model_and_keeps_every_invariant": {
        "LEAST_ACTIONS": 1,
        "MUST_HAPPEN": frozenset(),
    },
    "tests/contracts/test_oracle_stateful.py::test_oracles__any_history__equal_the_model_and_keep_every_invariant": {
        "HISTORIES": 15,
        "MUST_HAPPEN": frozenset(),
    },
}


def imported(contract: str) -> set[Path]:
    """A contract's own file and all that it imports."""
    source = CONTRACTS / f"{contract}.vy"
    return {source, *(Path(known.resolved_path) for known in analyse(source).resolved_imports.compiler_inputs)}


@cache
def own_sources(contract: str) -> tuple[Path, ...]:
    """The contract's file and its modules in this project; a module that several use is the first one's."""
    taken = {path for other in DEPLOYABLE[: DEPLOYABLE.index(contract)] for path in own_sources(other)}
    paths = imported(contract) - taken
    return tuple(sorted(p for p in paths if p.is_relative_to(CONTRACTS) and p.suffix == ".vy"))


def tests_of(contract: str) -> list[Path]:
    """Files of tests that could notice."""
    asked = ASKED.get(contract, ("",))
    files = sorted(TESTS.glob("test_*.py"))
    return [f for f in files if f.name not in NOT_ASKED and f.stem.removeprefix("test_").startswith(asked)]
