"""Every deployable contract fits into an account of any Ethereum chain."""

import boa

from tests.contracts.conftest import CONTRACTS

MOST_BYTES = 24_576  # EIP-170


def test_code_size__deployed_with_immutables__within_the_limit(
    token, reserve, grid, exchange, lens, registry, court, desk, certificates, meter_records
):
    deployed = {
        "NET8": token,
        "Reserve": reserve,
        "GridRegistry": grid,
        "EnergyExchange": exchange,
        "ExchangeLens": lens,
        "OracleRegistry": registry,
        "OracleCourt": court,
        "TradingDesk": desk,
        "GreenCertificates": certificates,
        "MeterRecords": meter_records,
    }
    assert {path.stem for path in CONTRACTS.glob("*.vy")} == {*deployed}
    sizes = {name: len(boa.env.get_code(contract.address)) for name, contract in deployed.items()}
    assert {name: size for name, size in sizes.items() if not 0 < size <= MOST_BYTES} == {}
