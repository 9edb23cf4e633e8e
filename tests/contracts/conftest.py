"""The contracts, wired as a deployment wires them, and the people who use them.

titanoboa undoes what a test or a fixture did when it ends, so the contracts are deployed once for all tests.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import boa
import pytest
from eth_account.signers.local import LocalAccount

from tests.contracts.signing import person

CONTRACTS = Path(__file__).resolve().parents[2] / "contracts"
START = 555_600 * 3600  # unix time at which every test begins: a full hour
NET8 = 10**18  # wei
EURO = 10**6  # smallest units of a stablecoin with 6 decimals
PRICE = 3 * EURO  # per NET8
MIN_STAKE = 1_000 * NET8
BASE_URI = "https://certificates.example/"

Mint = Callable[[str, int], None]
Deploy = Callable[..., Any]


@pytest.fixture(scope="session", autouse=True)
def clock() -> None:
    boa.env.evm.patch.timestamp = START


@pytest.fixture(scope="session")
def deploy() -> Deploy:
    """Deploy a contract by its path below contracts/, compiled once: deploy("Reserve", *arguments)."""
    deployers: dict[str, Any] = {}

    def deploy_contract(name: str, *arguments: Any, sender: str | None = None) -> Any:
        if name not in deployers:
            deployers[name] = boa.load_partial(str(CONTRACTS / f"{name}.vy"))
        with boa.env.prank(sender or person("owner").address):
            return deployers[name].deploy(*arguments)

    return deploy_contract


@pytest.fixture(scope="session")
def owner() -> str:
    """Deploys the contracts and owns them."""
    return person("owner").address


@pytest.fixture(scope="session")
def grid_operator() -> LocalAccount:
    return person("grid operator")


@pytest.fixture(scope="session")
def registrar() -> str:
    return person("registrar").address


@pytest.fixture(scope="session")
def attacker() -> LocalAccount:
    """Has no role and no right anywhere."""
    return person("attacker")


@pytest.fixture(scope="session")
def euro(deploy: Deploy, owner: str) -> Any:
    """A stablecoin with 6 decimals that the owner mints."""
    return deploy("local/TestEuro", 6)


@pytest.fixture(scope="session")
def token(deploy: Deploy) -> Any:
    """NET8 before wiring: nobody can mint yet, unless `reserve` is asked for too."""
    return deploy("NET8")


@pytest.fixture(scope="session")
def reserve(deploy: Deploy, token: Any, euro: Any, owner: str) -> Any:
    contract = deploy("Reserve", token, euro, PRICE)
    token.set_minter(contract, sender=owner)
    return contract


@pytest.fixture(scope="session")
def mint(reserve: Any, euro: Any, owner: str) -> Mint:
    """mint(receiver, wei): NET8 as everybody gets it, for euros from the Reserve."""

    def mint_net8(receiver: str, wei: int) -> None:
        euros = -(-wei * PRICE // NET8)
        euro.mint(owner, euros, sender=owner)
        euro.approve(reserve, euros, sender=owner)
        reserve.mint(euros, receiver, sender=owner)

    return mint_net8


@pytest.fixture(scope="session")
def exchange(deploy: Deploy, token: Any) -> Any:
    return deploy("EnergyExchange", token)


@pytest.fixture(scope="session")
def registry(deploy: Deploy, token: Any, exchange: Any, owner: str) -> Any:
    contract = deploy("OracleRegistry", token, exchange, MIN_STAKE)
    exchange.set_registry(contract, sender=owner)
    return contract


@pytest.fixture(scope="session")
def certificates(deploy: Deploy, exchange: Any, registrar: str) -> Any:
    return deploy("GreenCertificates", exchange, registrar, BASE_URI)
