"""Opening a zone and filling it: terms, money, sites, stakes, certificates. The same calls production makes."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from eth_account.signers.local import LocalAccount
from net8.client import Chain
from net8.contracts import Contracts
from net8.deployment import Deployment
from net8.eip712 import Permit, SiteConsent
from net8.events import OperatorRegistered, SiteRegistered, ZoneCreated
from net8.model import Technology, Terms
from net8.signing import Signature, sign
from net8.units import WEI_PER_NET8

from scripts.street import accounts
from scripts.street.bulk import Bulk, Intent
from scripts.street.inputs import Home
from scripts.street.rpc import Rpc

__all__ = ["RETAIL_EUR", "TARIFF_LEAD", "TERMS", "Resident", "ZoneBuilder"]

TERMS = Terms(
    feed_in=150, imbalance=1650, grid_fee=80, oracle_fee=8, floor=200, step=5, gate_lead=1, min_wh=10
)  # top of the grid 1315 grains per Wh; imbalance is dearer than 1.25 times that
RETAIL_EUR = "0.36"  # what homes pay their ordinary supplier for a kWh, all included
TARIFF_LEAD = 12  # hours: tariffs of a day come before noon of the day before
GAS_MONEY = 100 * 10**18  # wei of the chain's own coin for each account
HOME_DEPOSIT = 40  # NET8, times the size of the home's largest quarter hour in kWh where that is above 1
POOL_DEPOSIT = 100  # NET8: pays for unused energy before the first shortfall
NEWCOMER_NET8 = 40  # in the wallet
NEWCOMER_DEPOSIT = 10  # in the site's balance: margin for selling about 90 kWh
LOCATION = "net8 street"  # code in the certificates of its sites
_FOREVER = 2**40  # unix seconds: a deadline beyond every demo


@dataclass(frozen=True)
class Resident:
    """A site of the street with the keys that belong to it."""

    site: int
    home: Home
    first_row_slot: int  # the slot of the first row of the home's data
    first_slot: int  # the first whole slot with a meter
    owner: LocalAccount | None  # None: a wallet outside the street has the key
    meter: str  # name of the meter's key

    def net(self, slot: int) -> tuple[Decimal, Decimal]:
        """(export, import) in Wh that the meter counts in a slot."""
        return self.home.net(slot - self.first_row_slot)


class ZoneBuilder:
    """Brings a fresh deployment to life."""

    def __init__(self, rpc: Rpc, chain: Chain, bulk: Bulk, deployment: Deployment) -> None:
        """`rpc`, `chain` and `bulk` ask, read and send on the one chain that `deployment` is on."""
        self._rpc = rpc
        self._chain = chain
        self._bulk = bulk
        self._deployment = deployment
        self._to = Contracts.of(deployment)
        self.owner = accounts.development_account(accounts.OWNER)
        self.grid_operator = accounts.development_account(accounts.GRID_OPERATOR)
        self.registrar = accounts.development_account(accounts.REGISTRAR)

    # --- money ------------------------------------------------------------------------------------------------------

    def pay_gas_of(self, addresses: Sequence[str]) -> None:
        """Give accounts the chain's own coin; only a local chain can."""
        balances = self._rpc.batch([("eth_getBalance", (address, "latest")) for address in addresses])
        self._rpc.batch(
            [
                ("anvil_setBalance", (address, hex(GAS_MONEY)))
                for address, balance in zip(addresses, balances, strict=True)
                if int(balance, 16) < GAS_MONEY
            ]
        )

    def buy_net8(self, amounts: Sequence[tuple[str, int]]) -> None:
        """Buy NET8 from the Reserve with euros for (receiver, whole NET8)."""
        price = self._chain.read(self._to.reserve.price())  # euro units for one NET8
        euros = sum(amount for _, amount in amounts) * price
        self._bulk.send_all(
            [
                Intent(self.owner, self._to.euro.mint(self.owner.address, euros)),
                Intent(self.owner, self._to.euro.approve(self._to.reserve.address, euros)),
                *(Intent(self.owner, self._to.reserve.mint(amount * price, receiver)) for receiver, amount in amounts),
            ]
        )

    def _deposit(self, sites: Sequence[int], owners: Sequence[LocalAccount], amounts: Sequence[int]) -> None:
        """Move whole NET8 of new owners into their sites' balances, by permit."""
        intents = []
        for site, owner, amount in zip(sites, owners, amounts, strict=True):
            wei = amount * WEI_PER_NET8
            permit = Permit(owner.address, self._to.exchange.address, wei, 0, _FOREVER)
            signature = sign(bytes(owner.key), permit.digest(self._deployment.token_domain))
            intents.append(Intent(owner, self._to.exchange.deposit_with_permit(site, wei, _FOREVER, signature)))
        self._bulk.send_all(intents)

    def welcome(self, site: int, wallet: str) -> None:
        """Give a newcomer's wallet NET8, and its site a first deposit so that it can sell at once."""
        wei = NEWCOMER_DEPOSIT * WEI_PER_NET8
        self.buy_net8([(wallet, NEWCOMER_NET8), (self.grid_operator.address, NEWCOMER_DEPOSIT)])
        self._bulk.send_all(
            [
                Intent(self.grid_operator, self._to.token.approve(self._to.exchange.address, wei)),
                Intent(self.grid_operator, self._to.exchange.deposit(site, wei)),
            ]
        )
        self.admit_producers([site])

    def fund_pool(self, zone: int) -> None:
        """The grid operator's start of the balancing pool."""
        wei = POOL_DEPOSIT * WEI_PER_NET8
        self.buy_net8([(self.grid_operator.address, POOL_DEPOSIT)])
        self._bulk.send_all(
            [
                Intent(self.grid_operator, self._to.token.approve(self._to.exchange.address, wei)),
                Intent(self.grid_operator, self._to.exchange.fund_pool(zone, wei)),
            ]
        )

    # --- zone and sites ---------------------------------------------------------------------------------------------

    def open_zone(self) -> int:
        """Name the guardian and create the zone; its number."""
        guardian = accounts.development_account(accounts.GUARDIAN)
        zone = self._to.grid.create_zone(self.grid_operator.address, TERMS, TARIFF_LEAD)
        calls = (self._to.grid.set_guardian(guardian.address), zone)
        *_, outcome = self._bulk.send_all([Intent(self.owner, call) for call in calls])
        return next(one.event.zone for one in outcome.events if isinstance(one.event, ZoneCreated))

    def consent(self, zone: int, owner: str, home: Home, meter: str, nonce: int = 0) -> SiteConsent:
        """What a site's owner signs."""
        technology = Technology.SOLAR if home.nameplate else Technology.NONE
        return SiteConsent(zone, owner, int(technology), home.nameplate, meter, nonce, _FOREVER)

    def register(self, consents: Sequence[tuple[SiteConsent, Signature]]) -> list[int]:
        """Admit sites; their ids."""
        outcomes = self._bulk.send_all(
            [
                Intent(
                    self.grid_operator,
                    self._to.grid.register_site(
                        c.zone, c.owner, Technology(c.technology), c.nameplate, c.meter_key, c.deadline, signature
                    ),
                )
                for c, signature in consents
            ]
        )
        return [
            next(one.event.site for one in outcome.events if isinstance(one.event, SiteRegistered))
            for outcome in outcomes
        ]

    def settle_in(self, zone: int, homes: Sequence[Home], first_row_slot: int, first_slot: int) -> list[Resident]:
        """Register homes, give them money and deposit it, and admit producers to certificates."""
        owners = [accounts.home_account(home.index) for home in homes]
        self.pay_gas_of([owner.address for owner in owners])
        consents = []
        for home, owner in zip(homes, owners, strict=True):
            consent = self.consent(zone, owner.address, home, accounts.meter_address(str(home.index)))
            consents.append((consent, sign(bytes(owner.key), consent.digest(self._deployment.grid_domain))))
        sites = self.register(consents)
        residents = [
            Resident(site, home, first_row_slot, first_slot, owner, str(home.index))
            for site, home, owner in zip(sites, homes, owners, strict=True)
        ]
        amounts = [_deposit_of(home) for home in homes]
        self.buy_net8([(owner.address, amount) for owner, amount in zip(owners, amounts, strict=True)])
        self._deposit(sites, owners, amounts)
        self.admit_producers([resident.site for resident in residents if resident.home.nameplate])
        return residents

    def admit_producers(self, sites: Sequence[int]) -> None:
        """Let sites mint certificates; the registrar's decision, not the grid operator's."""
        self._bulk.send_all([Intent(self.registrar, self._to.certificates.admit(site, LOCATION)) for site in sites])

    # --- oracles ----------------------------------------------------------------------------------------------------

    def seat_operators(self, zone: int, signers: Sequence[str]) -> None:
        """Stake for each operator and admit all of them to the zone."""
        stake = self._chain.read(self._to.registry.min_stake())
        operators = [accounts.operator_account(i) for i in range(len(signers))]
        self.buy_net8([(operator.address, -(-stake // WEI_PER_NET8)) for operator in operators])
        approvals = [Intent(one, self._to.token.approve(self._to.registry.address, stake)) for one in operators]
        registrations = [
            Intent(operator, self._to.registry.register(signer, stake))
            for operator, signer in zip(operators, signers, strict=True)
        ]
        outcomes = self._bulk.send_all([*approvals, *registrations])
        ids = [
            one.event.id for outcome in outcomes for one in outcome.events if isinstance(one.event, OperatorRegistered)
        ]
        self._bulk.send_all([Intent(self.owner, self._to.registry.admit(zone, id_)) for id_ in ids])


def _deposit_of(home: Home) -> int:
    """Whole NET8 that cover a home's trading for many days."""
    largest = max(max(home.net(row)) for row in range(len(home.load))) / 1000
    return HOME_DEPOSIT * max(1, int(largest) + 1)
