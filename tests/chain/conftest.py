"""One anvil with everything deployed, and the people of one street. Each test starts from the same state."""

from dataclasses import dataclass

import pytest
from eth_account import Account
from eth_account.signers.local import LocalAccount
from net8.client import Chain, Sender
from net8.contracts import Contracts
from net8.deployment import Deployment
from net8.eip712 import Report, SiteConsent
from net8.events import OperatorRegistered, SiteRegistered, ZoneCreated
from net8.model import Technology, Terms
from net8.packing import Entry, pack_entries
from net8.signing import sign
from net8.units import WEI_PER_NET8, grains_to_wei, slot_of

from tests.chain.anvil import move_to, running_anvil
from tests.chain.deployed import MIN_STAKE, deploy_all

MNEMONIC = "test test test test test test test test test test test junk"
TERMS = Terms(feed_in=250, imbalance=2000, grid_fee=20, oracle_fee=2, floor=300, step=5, gate_lead=1, min_wh=10)
TARIFF_LEAD = 24  # hours
FIVE_KWH = 5000


def account(number: int) -> LocalAccount:
    Account.enable_unaudited_hdwallet_features()
    return Account.from_mnemonic(MNEMONIC, account_path=f"m/44'/60'/0'/0/{number}")


@pytest.fixture(scope="session")
def url():
    with running_anvil() as address:
        yield address


@pytest.fixture(scope="session")
def chain(url):
    return Chain(url)


@dataclass(frozen=True)
class People:
    """Who is who on the street."""

    owner: LocalAccount
    grid_operator: LocalAccount
    registrar: LocalAccount
    oracles: tuple[LocalAccount, ...]
    seller: LocalAccount
    buyer: LocalAccount
    stranger: LocalAccount
    meter: LocalAccount


@pytest.fixture(scope="session")
def people():
    return People(
        owner=account(0),
        grid_operator=account(1),
        registrar=account(2),
        oracles=tuple(account(i) for i in range(3, 7)),
        seller=account(7),
        buyer=account(8),
        stranger=account(9),
        meter=account(20),
    )


@dataclass(frozen=True)
class Street:
    """A zone that trades: two sites with money, four operators, NET8 in circulation."""

    chain: Chain
    contracts: Contracts
    deployment: Deployment
    people: People
    zone: int
    seller_site: int
    buyer_site: int

    def sender(self, role: LocalAccount) -> Sender:
        return self.chain.sender(role)

    @property
    def slot(self) -> int:
        """A slot a few hours ahead, the second of its hour: open for trading."""
        return slot_of(self.chain.block().timestamp) // 4 * 4 + 9

    def finish(self, slot: int) -> None:
        """Let a slot pass."""
        move_to(self.chain, (slot + 1) * 900 + 1)

    def report(self, *entries: Entry, signers: int = 3) -> object:
        """The call that submits a report signed by the first `signers` seats."""
        words = pack_entries(entries)
        digest = Report(self.zone, 0, tuple(words)).digest(self.deployment.registry_domain)
        signatures = {seat: sign(bytes(self.people.oracles[seat].key), digest) for seat in range(signers)}
        return self.contracts.registry.report(self.zone, 0, words, signatures)


def register(chain, contracts, deployment, people, zone, owner, technology, nameplate):
    nonce = chain.read(contracts.grid.consent_nonce(owner.address))
    consent = SiteConsent(zone, owner.address, technology, nameplate, people.meter.address, nonce, 2**40)
    signature = sign(bytes(owner.key), consent.digest(deployment.grid_domain))
    call = contracts.grid.register_site(
        zone, owner.address, technology, nameplate, people.meter.address, 2**40, signature
    )
    return chain.sender(people.grid_operator).send(call).find(SiteRegistered)[0].site


@pytest.fixture(scope="session")
def built(chain, people):
    """The street as every test finds it."""
    deployment = deploy_all(chain, people.owner, people.registrar.address)
    contracts = Contracts.of(deployment)
    owner = chain.sender(people.owner)
    owner.send(contracts.euro.mint(people.owner.address, 300_000 * 10**6))
    owner.send(contracts.euro.approve(contracts.reserve.address, 300_000 * 10**6))
    owner.send(contracts.reserve.mint(300_000 * 10**6, people.owner.address))
    zone = (
        owner.send(contracts.grid.create_zone(people.grid_operator.address, TERMS, TARIFF_LEAD))
        .find(ZoneCreated)[0]
        .zone
    )
    for oracle in people.oracles:
        owner.send(contracts.token.transfer(oracle.address, MIN_STAKE))
        sender = chain.sender(oracle)
        sender.send(contracts.token.approve(contracts.registry.address, MIN_STAKE))
        operator = sender.send(contracts.registry.register(oracle.address, MIN_STAKE)).find(OperatorRegistered)[0].id
        owner.send(contracts.registry.admit(zone, operator))
    sites = [
        register(chain, contracts, deployment, people, zone, people.seller, Technology.SOLAR, 25_000),
        register(chain, contracts, deployment, people, zone, people.buyer, Technology.NONE, 0),
    ]
    for who, site in zip((people.seller, people.buyer), sites, strict=True):
        owner.send(contracts.token.transfer(who.address, 200 * WEI_PER_NET8))
        sender = chain.sender(who)
        sender.send(contracts.token.approve(contracts.exchange.address, 100 * WEI_PER_NET8))
        sender.send(contracts.exchange.deposit(site, grains_to_wei(10**9)))
    return Street(chain, contracts, deployment, people, zone, *sites)


@pytest.fixture
def street(built):
    """The street, put back afterwards."""
    before = built.chain.request("evm_snapshot")
    yield built
    assert built.chain.request("evm_revert", [before])


@pytest.fixture
def seller(street):
    return street.sender(street.people.seller)


@pytest.fixture
def buyer(street):
    return street.sender(street.people.buyer)


@pytest.fixture
def stranger(street):
    return street.sender(street.people.stranger)


@pytest.fixture
def grid_operator(street):
    return street.sender(street.people.grid_operator)


@pytest.fixture
def oracle(street):
    return street.sender(street.people.oracles[0])


@pytest.fixture
def registrar(street):
    return street.sender(street.people.registrar)
