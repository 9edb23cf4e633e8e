"""A zone with a hundred funded sites on a chain of its own, deployed by the script that production uses."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eth_account import Account
from eth_account.signers.local import LocalAccount
from net8.client import Chain
from net8.contracts import Call, Contracts
from net8.deployment import Deployment, load
from net8.eip712 import Report, SiteConsent
from net8.errors import ChainUnreachable
from net8.model import Technology, Terms, site_id
from net8.packing import Entry, pack_entries
from net8.signing import keccak256, sign
from net8.units import WEI_PER_NET8

__all__ = [
    "BUYERS",
    "FOREVER",
    "MNEMONIC",
    "PROGRAMS",
    "PROJECT",
    "SELLERS",
    "TARIFF_LEAD",
    "TERMS",
    "Zone",
    "anvil",
    "fill",
    "free_port",
    "open_zone",
]

PROJECT = Path(__file__).resolve().parents[1]
PROGRAMS = Path(sys.executable).parent
MNEMONIC = "test test test test test test test test test test test junk"  # anvil's own
TERMS = Terms(feed_in=150, imbalance=1650, grid_fee=80, oracle_fee=8, floor=200, step=5, gate_lead=1, min_wh=10)
TARIFF_LEAD = 24  # hours: the grid operator publishes a day ahead, and only what it did not publish has the default
SELLERS, BUYERS = range(1, 51), range(51, 101)  # site indexes, consecutive
OPERATORS = 7  # a report carries the signatures of five
BALANCE = 1_000 * WEI_PER_NET8  # of each site
GAS = 16_000_000
FOREVER = 2**40  # unix seconds


@dataclass(frozen=True)
class Zone:
    """What the scenarios need to act."""

    chain: Chain
    deployment: Deployment
    contracts: Contracts
    owner: str  # of the contracts
    grid_operator: str
    registrar: str
    owners: tuple[str, ...]  # of the sites, by index - 1
    operators: tuple[LocalAccount, ...]
    number: int = 1

    def send(self, sender: str, call: Call[Any]) -> int:
        """Send a call and wait; the gas it used.

        Raises:
            RuntimeError: it was refused: the scenario is wrong.
        """
        transaction = {
            "from": sender, "to": call.to, "data": "0x" + call.data.hex(), "gas": hex(GAS), "gasPrice": "0x0",
        }  # fmt: skip
        receipt = self.chain.request("eth_sendTransactionSync", [transaction])
        if receipt["status"] != "0x1":
            self.chain.read(call, sender=sender)  # raises the reason in words
            raise RuntimeError(f"{call.label} was refused")
        return int(receipt["gasUsed"], 16)

    def site(self, index: int) -> int:
        """Id of a site by its index."""
        return site_id(self.number, index)

    @staticmethod
    def owner_key(index: int) -> bytes:
        """Private key of a site's owner."""
        return keccak256(f"owner {index} of the bench".encode())

    def of_site(self, index: int, call: Call[Any]) -> int:
        """Send a call of a site's owner; its gas."""
        return self.send(self.owners[index - 1], call)

    def now(self) -> int:
        """The chain's time, unix seconds."""
        return self.chain.block().timestamp

    def move_to(self, unix: int) -> None:
        """Let time pass."""
        self.chain.request("evm_setNextBlockTimestamp", [unix])
        self.chain.request("evm_mine")

    def publish(self, hours: range) -> None:
        """Fix the tariffs of hours beyond the tariff lead, a day in each call."""
        for first in hours[::24]:
            tariffs = [TERMS.tariff] * min(24, hours.stop - first)
            self.send(self.grid_operator, self.contracts.grid.publish_tariffs(self.number, first, tariffs))

    def report(self, entries: list[Entry]) -> int:
        """Settle by a report with a quorum of signatures; its gas."""
        words = pack_entries(entries)
        digest = Report(self.number, 0, tuple(words)).digest(self.deployment.registry_domain)
        quorum = 2 * OPERATORS // 3 + 1
        signatures = {seat: sign(bytes(self.operators[seat].key), digest) for seat in range(quorum)}
        return self.send(self.owners[0], self.contracts.registry.report(self.number, 0, words, signatures))


def free_port() -> int:
    """A port that nothing listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def anvil(begin: int | None = None) -> Iterator[str]:
    """A fresh chain; its address. One that begins at a unix time is made for many blocks: it keeps no old states."""
    port = free_port()
    command = [
        str(PROGRAMS / "anvil"), "--port", str(port), "--silent", "--base-fee", "0", "--gas-price", "0",
        "--prune-history", *(["64"] if begin is None else ["--timestamp", str(begin)]),
    ]  # fmt: skip
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    url, deadline = f"http://127.0.0.1:{port}", time.monotonic() + 60
    try:
        while True:
            try:
                Chain(url, timeout=2).block()
                break
            except ChainUnreachable:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
        yield url
    finally:
        process.terminate()
        process.wait(30)


def _ape(script: str, path: Path, environment: Mapping[str, str]) -> None:
    command = [str(PROGRAMS / "ape"), "run", script, "--network", "ethereum:local:foundry", "--file", str(path)]
    done = subprocess.run(command, cwd=PROJECT, env=dict(environment), capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"ape run {script} failed:\n{done.stdout}{done.stderr}")


@contextmanager
def open_zone(folder: Path, environment: Mapping[str, str], begin: int | None = None) -> Iterator[Zone]:
    """A fresh chain with a deployment checked against the sources, a zone, its operators and a hundred funded sites."""
    path = folder / "31337.json"
    path.unlink(missing_ok=True)
    with anvil(begin) as url:
        _ape("deploy", path, {**environment, "APE_FOUNDRY_HOST": url})
        _ape("check_deployment", path, {**environment, "APE_FOUNDRY_HOST": url})
        deployment = load(path)
        chain = Chain(url, timeout=60)
        chain.request("anvil_autoImpersonateAccount", [True])
        yield fill(chain, deployment)


def fill(chain: Chain, deployment: Deployment) -> Zone:
    """A zone with its operators and a hundred funded sites, on a chain whose node sends for any address."""
    Account.enable_unaudited_hdwallet_features()
    accounts = [Account.from_mnemonic(MNEMONIC, account_path=f"m/44'/60'/0'/0/{i}") for i in range(3 + OPERATORS)]
    owner, grid_operator, registrar = (account.address for account in accounts[:3])
    keys = [Zone.owner_key(index) for index in (*SELLERS, *BUYERS)]
    owners = [Account.from_key(key).address for key in keys]
    contracts = Contracts.of(deployment)
    zone = Zone(
        chain, deployment, contracts, owner, grid_operator, registrar, tuple(owners), tuple(accounts[3:])
    )  # fmt: skip
    supply = len(owners) * 2 * BALANCE + OPERATORS * chain.read(contracts.registry.min_stake()) + BALANCE
    euros = supply // WEI_PER_NET8 * chain.read(contracts.reserve.price())
    for call in (
        contracts.euro.mint(owner, euros),
        contracts.euro.approve(contracts.reserve.address, euros),
        contracts.reserve.mint(euros, owner),
        contracts.token.approve(contracts.exchange.address, supply),
        contracts.grid.create_zone(grid_operator, TERMS, TARIFF_LEAD),
        contracts.exchange.fund_pool(zone.number, BALANCE),
    ):
        zone.send(owner, call)
    _admit_operators(zone, owner)
    for index, (key, holder) in enumerate(zip(keys, owners, strict=True), 1):
        technology, nameplate = (Technology.SOLAR, 25_000) if index in SELLERS else (Technology.NONE, 0)
        consent = SiteConsent(zone.number, holder, int(technology), nameplate, holder, 0, FOREVER)
        signature = sign(key, consent.digest(deployment.grid_domain))
        call = contracts.grid.register_site(zone.number, holder, technology, nameplate, holder, FOREVER, signature)
        zone.send(grid_operator, call)
        zone.send(owner, contracts.token.transfer(holder, BALANCE))
        zone.send(owner, contracts.exchange.deposit(zone.site(index), BALANCE))
    return zone


def _admit_operators(zone: Zone, owner: str) -> None:
    stake = zone.chain.read(zone.contracts.registry.min_stake())
    for number, operator in enumerate(zone.operators, 1):
        zone.send(owner, zone.contracts.token.transfer(operator.address, stake))
        zone.send(operator.address, zone.contracts.token.approve(zone.contracts.registry.address, stake))
        zone.send(operator.address, zone.contracts.registry.register(operator.address, stake))
        zone.send(owner, zone.contracts.registry.admit(zone.number, number))
