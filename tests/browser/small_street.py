"""A small street on anvil, without processes of its own: contracts, a bakery that buys, a roof that sells, oracles.

Tests move its clock and settle its slots themselves, so every figure they expect is known.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from eth_abi import encode
from eth_account import Account
from eth_account.signers.local import LocalAccount
from net8.client import Chain, Receipt
from net8.contracts import Call, Contracts
from net8.deployment import Deployment
from net8.eip712 import Report, SiteConsent
from net8.model import DisputeTier, OrderKind, Technology, Terms, site_index
from net8.packing import Entry, pack_entries
from net8.signing import Signature, keccak256, sign
from net8.units import grains_to_wei, hour_of_slot, slot_end, slot_of

from tests.compiled import creation_code
from tests.ports import free_port

__all__ = ["SmallStreet", "running"]

MNEMONIC = "test test test test test test test test test test test junk"  # anvil's own, public
TERMS = Terms(feed_in=80, imbalance=6000, grid_fee=200, oracle_fee=20, floor=100, step=20, gate_lead=1, min_wh=100)
NET8 = 10**7  # grains
MIN_STAKE = 1000 * 10**18
START = 1_790_000_100  # a Monday afternoon; a slot boundary plus a little

Account.enable_unaudited_hdwallet_features()


def account(index: int) -> LocalAccount:
    """One of anvil's accounts."""
    return Account.from_mnemonic(MNEMONIC, account_path=f"m/44'/60'/0'/0/{index}")


@dataclass
class SmallStreet:
    """Anvil and the contracts on it."""

    folder: Path
    port: int = field(default_factory=free_port)
    owner: LocalAccount = field(default_factory=lambda: account(0))
    grid_operator: LocalAccount = field(default_factory=lambda: account(1))
    registrar: LocalAccount = field(default_factory=lambda: account(2))
    oracles: list[LocalAccount] = field(default_factory=lambda: [account(index) for index in range(3, 7)])
    bakery_owner: LocalAccount = field(default_factory=lambda: account(7))
    roof_owner: LocalAccount = field(default_factory=lambda: account(8))

    @property
    def url(self) -> str:
        """JSON-RPC address of the chain."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start anvil, deploy, open the zone, register the bakery and the roof, fund everybody."""
        self.begin()
        self.open_zone()

    def begin(self, unix: int = START) -> None:
        """Start anvil at a time, and deploy; there is no zone yet."""
        anvil = str(Path(sys.executable).with_name("anvil"))
        options = ["--timestamp", str(unix), "--silent", "--hardfork", "osaka"]
        self._anvil = subprocess.Popen([anvil, "--port", str(self.port), *options])
        self._senders: dict = {}
        self.chain = Chain(self.url)
        for _ in range(200):
            try:
                self.chain.block()
                break
            except Exception:
                time.sleep(0.05)
        self._deploy()

    def stop(self) -> None:
        """End anvil."""
        self._anvil.terminate()
        self._anvil.wait(timeout=10)

    @contextmanager
    def without_blocks(self) -> Iterator[None]:
        """Meanwhile what is sent stays pending, until a block is mined by hand."""
        self.chain.request("evm_setAutomine", [False])
        try:
            yield
        finally:
            self.chain.request("evm_setAutomine", [True])

    # --- transactions -----------------------------------------------------------------------------------------------

    def send(self, who: LocalAccount, call: Call) -> Receipt:
        """Send a call from one of the street's accounts."""
        sender = self._senders.setdefault(who.address, self.chain.sender(who))
        return sender.send(call)

    def _create(self, source: str, types: list[str], arguments: list) -> str:
        data = bytes.fromhex(creation_code(source)[2:]) + encode(types, arguments)
        number = self.transactions(self.owner.address)
        signed = self.owner.sign_transaction(
            {"nonce": number, "gas": 16_000_000, "maxFeePerGas": 10**10, "maxPriorityFeePerGas": 0, "data": data,
             "value": 0, "chainId": 31337, "type": 2}
        )  # fmt: skip
        tx = self.chain.request("eth_sendRawTransaction", ["0x" + bytes(signed.raw_transaction).hex()])
        receipt = None
        while receipt is None:
            receipt = self.chain.request("eth_getTransactionReceipt", [tx])
        assert receipt["status"] == "0x1", f"{source} was not deployed"
        return str(receipt["contractAddress"])

    def _deploy(self) -> None:
        token = self._create("NET8", [], [])
        euro = self._create("local/TestEuro", ["uint8"], [6])
        grid = self._create("GridRegistry", [], [])
        exchange = self._create("EnergyExchange", ["address", "address"], [token, grid])
        lens = self._create("ExchangeLens", ["address"], [exchange])
        registry = self._create("OracleRegistry", ["address", "address", "uint256"], [token, exchange, MIN_STAKE])
        court = self._create("OracleCourt", ["address"], [registry])
        desk = self._create("TradingDesk", ["address"], [exchange])
        certificates = self._create(
            "GreenCertificates", ["address", "address", "string"], [exchange, self.registrar.address, "NET8"]
        )
        meter_records = self._create("MeterRecords", ["address", "address"], [registry, certificates])
        reserve = self._create(
            "Reserve",
            ["address", "address", "address", "uint256", "uint256", "uint256", "uint256"],
            [token, euro, certificates, 3_000_000, 10_000, 1_000 * 10**18, 1_000_000],
        )
        places = {
            "NET8": token,
            "GridRegistry": grid,
            "EnergyExchange": exchange,
            "ExchangeLens": lens,
            "OracleRegistry": registry,
            "OracleCourt": court,
            "TradingDesk": desk,
            "GreenCertificates": certificates,
            "MeterRecords": meter_records,
            "Reserve": reserve,
            "Euro": euro,
        }
        records = {}
        for name, address in places.items():
            code = bytes.fromhex(self.chain.request("eth_getCode", [address, "latest"])[2:])
            records[name] = {"address": address, "block": 1, "args": [], "code_hash": "0x" + keccak256(code).hex()}
        content = {"chain_id": 31337, "owner": self.owner.address, "contracts": records}
        self.deployment_file = self.folder / "31337.json"
        self.deployment_file.write_text(json.dumps(content))
        self.deployment = Deployment.model_validate(content)
        self.net8 = Contracts.of(self.deployment)
        self.chain.verify(self.deployment)
        self.send(self.owner, self.net8.token.set_minter(reserve))
        self.send(self.owner, self.net8.grid.connect(exchange, registry, desk))
        self.send(self.owner, self.net8.certificates.connect(meter_records))
        self.send(self.owner, self.net8.registry.connect(court))

    # --- setting up -------------------------------------------------------------------------------------------------

    def give(self, receiver: str, net8: int) -> None:
        """NET8 for an account, minted against test euros."""
        euros = net8 * 3_000_000
        self.send(self.owner, self.net8.euro.mint(self.owner.address, euros))
        self.send(self.owner, self.net8.euro.approve(self.net8.reserve.address, euros))
        self.send(self.owner, self.net8.reserve.mint(euros, receiver))

    def transactions(self, address: str) -> int:
        """How many an account has sent."""
        return int(self.chain.request("eth_getTransactionCount", [address, "latest"]), 16)

    def give_gas(self, receiver: str, coins: int = 10) -> None:
        """Gas money for an account."""
        self.chain.request("anvil_setBalance", [receiver, hex(coins * 10**18)])

    def register(self, owner: LocalAccount, technology: Technology, nameplate: int) -> int:
        """Register a site of `owner`, who consents."""
        meter = Account.create().address
        nonce = self.chain.read(self.net8.grid.consent_nonce(owner.address))
        deadline = self.now + 10**6
        consent = SiteConsent(self.zone, owner.address, int(technology), nameplate, meter, nonce, deadline)
        signature = sign(bytes(owner.key), consent.digest(self.deployment.grid_domain))
        call = self.net8.grid.register_site(self.zone, owner.address, technology, nameplate, meter, deadline, signature)
        self.send(self.grid_operator, call)
        return self.zone << 16 | self.chain.read(self.net8.grid.site_count(self.zone))

    def register_roof(self, owner: LocalAccount) -> int:
        """Register a home with a 25 kWp roof."""
        return self.register(owner, Technology.SOLAR, 25_000)

    def deposit(self, owner: LocalAccount, site: int, net8: int) -> None:
        """Move NET8 from an account into a site's balance."""
        wei = grains_to_wei(net8 * NET8)
        self.send(owner, self.net8.token.approve(self.net8.exchange.address, wei))
        self.send(owner, self.net8.exchange.deposit(site, wei))

    def open_zone(self) -> None:
        """The zone with its oracles, the bakery and the roof, everybody funded."""
        self.send(self.owner, self.net8.grid.create_zone(self.grid_operator.address, TERMS, 168))
        self.zone = 1
        for number, oracle in enumerate(self.oracles, 1):
            self._seat(oracle, self.zone, number)
        self.bakery = self.register(self.bakery_owner, Technology.NONE, 60_000)
        self.roof = self.register(self.roof_owner, Technology.SOLAR, 12_000)
        self.send(self.registrar, self.net8.certificates.admit(self.roof, "small street 2"))
        for owner, site in ((self.bakery_owner, self.bakery), (self.roof_owner, self.roof)):
            self.give(owner.address, 500)
            self.deposit(owner, site, 400)

    def _seat(self, oracle: LocalAccount, zone: int, number: int) -> None:
        """Register an operator, who gets this number, and admit it to a zone."""
        self.give(oracle.address, 1000)
        self.send(oracle, self.net8.token.approve(self.net8.registry.address, MIN_STAKE))
        self.send(oracle, self.net8.registry.register(oracle.address, MIN_STAKE))
        self.send(self.owner, self.net8.registry.admit(zone, number))

    # --- what happens -----------------------------------------------------------------------------------------------

    @property
    def now(self) -> int:
        """The chain's time."""
        return self.chain.block().timestamp

    @property
    def slot(self) -> int:
        """The slot that runs now."""
        return slot_of(self.now)

    def place(self, owner: LocalAccount, site: int, slot: int, sell: bool, price: int, wh: int) -> None:
        """Place a limit order."""
        self.send(owner, self.net8.exchange.place(site, slot, sell, price, wh, OrderKind.LIMIT))

    def move_to(self, unix: int) -> None:
        """Move the chain's clock."""
        self.chain.request("evm_setNextBlockTimestamp", [unix])
        self.chain.request("evm_mine", [])

    def settle(self, slot: int, readings: dict[int, tuple[int, int] | None]) -> tuple[Report, list[Signature]]:
        """Let the slot end and three of four oracles report `readings` (site -> exported, imported) for it.

        Returns:
            What they signed, and their signatures.
        """
        if self.now < slot_end(slot):
            self.move_to(slot_end(slot) + 5)
        report, signatures = self.sign(slot, readings, (0, 1, 2))
        by_seat = dict(enumerate(signatures))
        self.send(self.owner, self.net8.registry.report(self.zone, 0, report.entries, by_seat))
        return report, signatures

    def sign(
        self, slot: int, readings: dict[int, tuple[int, int] | None], seats: tuple[int, ...]
    ) -> tuple[Report, list[Signature]]:
        """A report of `readings` (site -> exported, imported), and the signatures of these oracles under it."""
        hour = hour_of_slot(slot)
        entries = [Entry(hour, site_index(site), {slot % 4: reading}) for site, reading in readings.items()]
        report = Report(self.zone, 0, tuple(pack_entries(entries)))
        digest = report.digest(self.deployment.registry_domain)
        return report, [sign(bytes(self.oracles[seat].key), digest) for seat in seats]

    def dispute(self, opener: LocalAccount, signed: tuple[Report, list[Signature]], slot: int, truth_wh: int) -> None:
        """Say that the export in a report's first entry is false, against all who signed it."""
        self._seat_jury()
        report, signatures = signed
        court, tier = self.net8.court, DisputeTier.NEGLIGENT
        bond = self.chain.read(court.bond(tier, 0))
        self.give(opener.address, -(-bond // 10**18))
        self.send(opener, self.net8.token.approve(court.address, bond))
        self.send(opener, court.open_dispute(report, 0, slot % 4, tier, (truth_wh, 0), signatures))

    def _seat_jury(self) -> None:
        """An operator in a zone of its own: disputes are decided by who had no part in the report."""
        juror = account(9)
        if self.chain.read(self.net8.registry.operator_of_signer(juror.address)):
            return
        self.send(self.owner, self.net8.grid.create_zone(self.grid_operator.address, TERMS, 168))
        self._seat(juror, self.zone + 1, len(self.oracles) + 1)

    def liven_up(self) -> None:
        """Some trading and settling, for pages that show a street at work."""
        first = self.slot + 2
        for ahead in range(24):
            slot = first + ahead
            price = 700 + 20 * (ahead * 7 % 13)
            self.place(self.roof_owner, self.roof, slot, True, price, 900 + 100 * (ahead % 5))
            self.place(self.roof_owner, self.roof, slot, True, price + 60, 700)
            self.place(self.roof_owner, self.roof, slot, True, price + 140, 1500)
            self.place(self.bakery_owner, self.bakery, slot, False, price - 60, 1200)
            self.place(self.bakery_owner, self.bakery, slot, False, price - 140, 2500)
            if ahead < 16:
                self.place(self.bakery_owner, self.bakery, slot, False, price, 500 + 50 * (ahead % 4))
        for ahead in range(6):
            slot = first + ahead
            self.settle(slot, {self.roof: (1600 - 180 * ahead, 0), self.bakery: (0, 450)})


@contextmanager
def running(folder: Path) -> Iterator[SmallStreet]:
    """A street that is up, for the length of a `with` block."""
    street = SmallStreet(folder)
    street.start()
    try:
        yield street
    finally:
        street.stop()
