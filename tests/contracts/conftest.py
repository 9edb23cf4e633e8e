"""The contracts, wired as a deployment wires them, and the people who use them.

titanoboa undoes what a test and its own fixtures did when it ends. So the contracts are compiled once for all tests,
deployed once for the tests of a module, and whatever a test must find untouched is made for each test anew.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import boa
import pytest
from eth_account.signers.local import LocalAccount

from tests.compiled import keep_for_titanoboa
from tests.contracts.entries import packed
from tests.contracts.exchange_fixtures import *  # noqa: F403
from tests.contracts.signing import consent, person, sign_digest

keep_for_titanoboa()

CONTRACTS = Path(__file__).resolve().parents[2] / "contracts"
START = 555_600 * 3600  # unix time at which every test begins: a full hour
NET8 = 10**18  # wei
EURO = 10**6  # smallest units of a stablecoin with 6 decimals
PRICE = 3 * EURO  # per NET8
MIN_STAKE = 1_000 * NET8
ISSUER = "Neighbourhood Registry"
LOCATION = "10YBE----------2"
CONFIGURATION = 3
ENERGY_PER_NET8 = 10_000  # Wh to retire for one NET8
DAILY_CAP = 100 * NET8  # created against production
COVERAGE_FLOOR = 900_000  # millionths
# feed-in, imbalance, grid fee, oracle fee of it, floor, step in grains per Wh; gate lead in slots; smallest order in Wh
TERMS = (100, 1_400, 80, 5, 200, 4, 0, 100)
TARIFF_LEAD = 24  # hours
HOUR = START // 3600
SOLAR = 1

Deploy = Callable[..., Any]
Mint = Callable[[str, int], None]
NewSite = Callable[..., int]
Report = Callable[..., int]


class Connected(NamedTuple):
    """The contracts that `GridRegistry.connect` wires, in the order it takes them."""

    exchange: Any
    registry: Any
    desk: Any


def open_reserve(
    deploy: Deploy, token: Any, euro: Any, certificates: Any, price: int, owner: str, floor: int = COVERAGE_FLOOR
) -> Any:
    """A Reserve that is the minter of `token` for ever."""
    contract = deploy("Reserve", token, euro, certificates, price, ENERGY_PER_NET8, DAILY_CAP, floor)
    token.set_minter(contract, sender=owner)
    return contract


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


@pytest.fixture(scope="module")
def euro(deploy: Deploy, owner: str) -> Any:
    """A stablecoin with 6 decimals that the owner mints."""
    return deploy("local/TestEuro", 6)


@pytest.fixture(scope="module")
def token(deploy: Deploy) -> Any:
    """NET8 before wiring: nobody can mint yet, unless `reserve` is asked for too."""
    return deploy("NET8")


@pytest.fixture(scope="module")
def reserve(deploy: Deploy, token: Any, euro: Any, certificates: Any, owner: str) -> Any:
    return open_reserve(deploy, token, euro, certificates, PRICE, owner)


@pytest.fixture(scope="module")
def mint(reserve: Any, euro: Any, owner: str) -> Mint:
    """mint(receiver, wei): NET8 as everybody gets it, for euros from the Reserve."""

    def mint_net8(receiver: str, wei: int) -> None:
        euros = -(-wei * PRICE // NET8)
        euro.mint(owner, euros, sender=owner)
        euro.approve(reserve, euros, sender=owner)
        reserve.mint(euros, receiver, sender=owner)

    return mint_net8


@pytest.fixture(scope="module")
def grid(deploy: Deploy) -> Any:
    """Zones and sites; knows its exchange once `exchange` is asked for too."""
    return deploy("GridRegistry")


@pytest.fixture(scope="module")
def unconnected(deploy: Deploy, token: Any, grid: Any) -> Connected:
    """The exchange, its oracle registry and its trading desk before they know each other."""
    exchange = deploy("EnergyExchange", token, grid)
    registry = deploy("OracleRegistry", token, exchange, MIN_STAKE)
    return Connected(exchange, registry, deploy("TradingDesk", exchange))


@pytest.fixture(scope="module")
def connected(unconnected: Connected, grid: Any, owner: str) -> Connected:
    """The same three, wired for ever."""
    grid.connect(*unconnected, sender=owner)
    return unconnected


@pytest.fixture(scope="module")
def exchange(connected: Connected) -> Any:
    return connected.exchange


@pytest.fixture(scope="module")
def registry(connected: Connected) -> Any:
    return connected.registry


@pytest.fixture(scope="module")
def court(deploy: Deploy, registry: Any, owner: str) -> Any:
    """The registry's court, wired for ever."""
    contract = deploy("OracleCourt", registry)
    registry.connect(contract, sender=owner)
    return contract


@pytest.fixture(scope="module")
def desk(connected: Connected) -> Any:
    return connected.desk


@pytest.fixture(scope="module")
def certificates(deploy: Deploy, exchange: Any, registrar: str) -> Any:
    return deploy("GreenCertificates", exchange, registrar, ISSUER)


@pytest.fixture(scope="module")
def meter_records(deploy: Deploy, registry: Any, certificates: Any, owner: str) -> Any:
    """The records of meters, wired for ever."""
    contract = deploy("MeterRecords", registry, certificates)
    certificates.connect(contract, sender=owner)
    return contract


@pytest.fixture
def zone(exchange: Any, grid: Any, owner: str, grid_operator: LocalAccount) -> int:
    return int(grid.create_zone(grid_operator.address, TERMS, TARIFF_LEAD, sender=owner))


@pytest.fixture
def oracles(registry: Any, token: Any, mint: Mint) -> list[LocalAccount]:
    """Seven registered operators with ids 1 to 7; owner and signer of each are one key here."""
    people = [person(f"oracle {i}") for i in range(7)]
    for oracle in people:
        mint(oracle.address, MIN_STAKE)
        token.approve(registry, MIN_STAKE, sender=oracle.address)
        registry.register(oracle.address, MIN_STAKE, sender=oracle.address)
    return people


@pytest.fixture
def seated(registry: Any, oracles: list[LocalAccount], zone: int, owner: str) -> list[LocalAccount]:
    """The four oracles that sit in the zone, in the order of their seats; three are a quorum."""
    for oracle in oracles[:4]:
        registry.admit(zone, registry.operator_of_signer(oracle.address), sender=owner)
    return oracles[:4]


@pytest.fixture
def new_site(grid: Any, zone: int, grid_operator: LocalAccount) -> NewSite:
    """new_site(owner, technology, nameplate in W): registers a site with its owner's consent."""

    def register(account: LocalAccount, technology: int = SOLAR, nameplate: int = 1_000_000) -> int:
        meter = person(f"meter of {account.address}").address
        deadline = boa.env.evm.patch.timestamp
        signature = consent(grid, zone, account, technology, nameplate, meter, deadline)
        arguments = (zone, account.address, technology, nameplate, meter, deadline, signature)
        return int(grid.register_site(*arguments, sender=grid_operator.address))

    return register


@pytest.fixture
def report(registry: Any, zone: int, seated: list[LocalAccount]) -> Report:
    """report(entries): what three of the zone's four operators signed."""

    def submit(entries: list[int]) -> int:
        signatures = sign_digest(registry.report_digest(zone, 0, packed(entries)), seated[:3])
        return int(registry.report(zone, 0, packed(entries), 0b111, signatures))

    return submit
