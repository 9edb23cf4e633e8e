"""Every refusal of the exchange, its grid registry and its desk is provoked by a test, and well formed."""

import re
from pathlib import Path

CONTRACTS = Path(__file__).resolve().parents[2] / "contracts"
TESTS = Path(__file__).parent
SOURCES = [
    CONTRACTS / "EnergyExchange.vy",
    CONTRACTS / "GridRegistry.vy",
    CONTRACTS / "TradingDesk.vy",
    *sorted((CONTRACTS / "exchange").glob("*.vy")),
    *sorted((CONTRACTS / "desk").glob("*.vy")),
]
REASON = re.compile(r'(?:assert [^#\n]*?, *|_because\()"([^"]*)"')


def reasons() -> dict[str, str]:
    """reason -> file that gives it."""
    return {reason: path.name for path in SOURCES for reason in REASON.findall(path.read_text())}


def test_reasons__all__are_area_and_fault_in_32_characters():
    assert len(reasons()) > 50
    for reason, file in reasons().items():
        assert re.fullmatch(r"[a-z]+: [a-z0-9][a-z0-9 -]*", reason), f"{file}: {reason!r} is not 'area: fault'"
        assert len(reason) <= 32, f"{file}: {reason!r} is longer than 32 characters"


def test_reasons__all__provoked_by_a_test():
    tested = "".join(path.read_text() for path in TESTS.glob("test_*.py") if path != Path(__file__))
    missing = {reason: file for reason, file in reasons().items() if f'"{reason}"' not in tested}
    assert not missing, f"no test provokes {missing}"
