"""A local chain with NET8 on it: anvil as a process, all contracts, zones with operators and sites on demand."""

import json
import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eth_abi.abi import encode
from eth_account import Account
from eth_account.signers.local import LocalAccount
from net8.client import Chain, Sender
from net8.contracts import Call, Contracts
from net8.deployment import Deployment, load
from net8.eip712 import SiteConsent, grid_domain
from net8.model import Technology, Terms
from net8.signing import checksum_address, keccak256, sign

from tests.compiled import compile_all, creation_code
from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
START = 2_000_160_000  # unix time at which the chain begins: a full hour
NET8 = 10**18
EURO = 10**6
MIN_STAKE = 1_000 * NET8
TERMS = Terms(feed_in=100, imbalance=1_400, grid_fee=80, oracle_fee=5, floor=200, step=4, gate_lead=0, min_wh=100)


def key_of(name: str) -> bytes:
    """A private key that is the same in every run."""
    return keccak256(f"net8 node tests: {name}".encode())


def account_of(name: str) -> LocalAccount:
    """The account of `key_of`."""
    account: LocalAccount = Account.from_key(key_of(name))
    return account


@dataclass
class Operator:
    """An oracle operator of a zone."""

    signer: bytes
    transmitter: bytes
    id: int

    @property
    def address(self) -> str:
        """Address of the signer."""
        return str(Account.from_key(self.signer).address)


@dataclass
class Zone:
    """A zone with its operators and sites."""

    chain: "LocalChain"
    number: int
    operators: list[Operator] = field(default_factory=list)
    sites: list[int] = field(default_factory=list)
    meter_keys: dict[int, bytes] = field(default_factory=dict)
    owners: dict[int, LocalAccount] = field(default_factory=dict)

    def add_operator(self) -> Operator:
        """Register an operator with a stake and admit it."""
        chain, name = self.chain, f"zone {self.number} operator {len(self.operators)}"
        signer, transmitter = key_of(f"{name} signer"), key_of(f"{name} transmitter")
        chain.send(chain.contracts.registry.register(str(Account.from_key(signer).address), MIN_STAKE))
        operator = Operator(signer, transmitter, chain.read(chain.contracts.registry.operator_count()))
        chain.send(chain.contracts.registry.admit(self.number, operator.id))
        chain.fund(str(Account.from_key(transmitter).address))
        self.operators.append(operator)
        return operator

    def add_site(self, nameplate: int = 50_000, technology: Technology = Technology.SOLAR) -> int:
        """Register a site with a meter key and an owner of its own."""
        chain, name = self.chain, f"zone {self.number} site {len(self.sites)}"
        owner, meter_key = account_of(f"{name} owner"), key_of(f"{name} meter")
        meter = str(Account.from_key(meter_key).address)
        deadline = chain.now() + 3600
        consent = SiteConsent(
            self.number,
            owner.address,
            technology,
            nameplate,
            meter,
            chain.read(chain.contracts.grid.consent_nonce(owner.address)),
            deadline,
        )
        domain = grid_domain(chain.deployment.chain_id, chain.contracts.grid.address)
        signature = sign(bytes(owner.key), consent.digest(domain))
        chain.send(
            chain.contracts.grid.register_site(
                self.number, owner.address, technology, nameplate, meter, deadline, signature
            )
        )
        site = self.number << 16 | len(self.sites) + 1
        self.sites.append(site)
        self.meter_keys[site] = meter_key
        self.owners[site] = owner
        return site

    def fund_site(self, site: int, net8: int) -> None:
        """Deposit NET8 into a site's balance."""
        chain = self.chain
        chain.send(chain.contracts.token.approve(chain.contracts.exchange.address, net8 * NET8))
        chain.send(chain.contracts.exchange.deposit(site, net8 * NET8))

    def trade(self, seller: int, buyer: int, slot: int, wh: int, price: int = 1_000) -> None:
        """`seller` sells `wh` to `buyer` in `slot`."""
        for site, sell in ((seller, True), (buyer, False)):
            self.chain.fund(self.owners[site].address)
            call = self.chain.contracts.exchange.place(site, slot, sell, price, wh)
            self.chain.chain.sender(self.owners[site]).send(call)


class LocalChain:
    """anvil with the contracts of a deployment."""

    def __init__(self, folder: Path, begin: int = START) -> None:
        """`begin`: unix time of its first block."""
        anvil = shutil.which("anvil")
        assert anvil is not None, "anvil is not on PATH; run `make setup`"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = (folder / "anvil.log").open("w")
        self.process = subprocess.Popen(
            [anvil, "--port", str(self.port), "--timestamp", str(begin), "--silent"],
            stdout=self.log,
            stderr=self.log,
            env={**os.environ, "NO_COLOR": "1"},
        )
        self.chain = Chain(self.url)
        self._wait()
        self.deployer: LocalAccount = account_of("deployer")
        self.fund(self.deployer.address)
        self.sender: Sender = self.chain.sender(self.deployer)
        self.deployment_file = folder / "31337.json"
        self.deployment: Deployment = self._deploy()
        self.contracts = Contracts.of(self.deployment)
        self._wire()

    def _wait(self) -> None:
        for _ in range(200):
            try:
                self.chain.request("eth_chainId")
                return
            except Exception:
                time.sleep(0.05)
        raise AssertionError("anvil does not answer")

    def request(self, method: str, *parameters: Any) -> Any:
        """Any question of JSON-RPC."""
        return self.chain.request(method, list(parameters))

    def fund(self, address: str, wei: int = 10**21) -> None:
        """Give an account gas money."""
        self.request("anvil_setBalance", address, hex(wei))

    def send(self, call: Call[Any]) -> Any:
        """Send a call as the deployer, who owns all contracts and operates all zones."""
        return self.sender.send(call)

    def read(self, call: Call[Any]) -> Any:
        """Answer of a view."""
        return self.chain.read(call)

    def now(self) -> int:
        """Time of the latest block."""
        return self.chain.block().timestamp

    def move_to(self, moment: int) -> None:
        """Mine a block at unix time `moment`."""
        self.request("evm_setNextBlockTimestamp", moment)
        self.request("evm_mine")

    def _create(self, code: str, types: list[str], arguments: list[Any]) -> str:
        data = code + encode(types, arguments).hex()
        gas_price = int(self.request("eth_gasPrice"), 16)
        nonce = int(self.request("eth_getTransactionCount", self.deployer.address, "latest"), 16)
        signed = self.deployer.sign_transaction(
            {"chainId": 31337, "nonce": nonce, "gas": 16_000_000, "gasPrice": 2 * gas_price, "data": data, "value": 0}
        )
        sent = self.request("eth_sendRawTransaction", "0x" + signed.raw_transaction.hex())
        receipt = self.request("eth_getTransactionReceipt", sent)
        while receipt is None:
            time.sleep(0.01)
            receipt = self.request("eth_getTransactionReceipt", sent)
        assert int(receipt["status"], 16) == 1, "deployment reverted"
        return checksum_address(receipt["contractAddress"])

    def _deploy(self) -> Deployment:
        addresses: dict[str, str] = {}
        plan: list[tuple[str, str, list[str], list[Any]]] = [
            ("NET8", "NET8", [], []),
            ("Euro", "local/TestEuro", ["uint8"], [6]),
            ("GridRegistry", "GridRegistry", [], []),
            ("EnergyExchange", "EnergyExchange", ["address", "address"], ["@NET8", "@GridRegistry"]),
            ("ExchangeLens", "ExchangeLens", ["address"], ["@EnergyExchange"]),
            (
                "OracleRegistry",
                "OracleRegistry",
                ["address", "address", "uint256"],
                ["@NET8", "@EnergyExchange", MIN_STAKE],
            ),
            ("OracleCourt", "OracleCourt", ["address"], ["@OracleRegistry"]),
            ("TradingDesk", "TradingDesk", ["address"], ["@EnergyExchange"]),
            (
                "GreenCertificates",
                "GreenCertificates",
                ["address", "address", "string"],
                ["@EnergyExchange", self.deployer.address, "NET8"],
            ),
            (
                "MeterRecords",
                "MeterRecords",
                ["address", "address"],
                ["@OracleRegistry", "@GreenCertificates"],
            ),
            (
                "Reserve",
                "Reserve",
                ["address", "address", "address", "uint256", "uint256", "uint256", "uint256"],
                ["@NET8", "@Euro", "@GreenCertificates", 3 * EURO, 10_000, 0, 1_000_000],
            ),
        ]
        records = {}
        compile_all(contract for _, contract, _, _ in plan)
        for name, contract, types, arguments in plan:
            values = [addresses[v[1:]] if isinstance(v, str) and v.startswith("@") else v for v in arguments]
            addresses[name] = self._create(creation_code(contract), types, values)
            code = bytes.fromhex(self.request("eth_getCode", addresses[name], "latest")[2:])
            records[name] = {
                "address": addresses[name],
                "block": self.chain.block().number,
                "args": values,
                "code_hash": "0x" + keccak256(code).hex(),
            }
        content = {"chain_id": 31337, "owner": self.deployer.address, "contracts": records}
        self.deployment_file.write_text(json.dumps(content))
        return load(self.deployment_file)

    def _wire(self) -> None:
        c = self.contracts
        self.send(c.token.set_minter(c.reserve.address))
        self.send(c.grid.connect(c.exchange.address, c.registry.address, c.desk.address))
        self.send(c.registry.connect(c.court.address))
        self.send(c.certificates.connect(c.records.address))
        self.send(c.euro.mint(self.deployer.address, 10**9 * EURO))
        self.send(c.euro.approve(c.reserve.address, 10**9 * EURO))
        self.send(c.reserve.mint(10**9 * EURO, self.deployer.address))
        self.send(c.token.approve(c.registry.address, 10**30))

    def new_zone(self, operators: int = 4, sites: int = 0) -> Zone:
        """A zone with operators and sites; the deployer is its grid operator."""
        self.send(self.contracts.grid.create_zone(self.deployer.address, TERMS, 24))
        zone = Zone(self, self.read(self.contracts.grid.zone_count()))
        for _ in range(operators):
            zone.add_operator()
        for _ in range(sites):
            zone.add_site()
        return zone

    def pause(self) -> None:
        """Freeze it: it accepts connections and never answers."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """End of `pause`."""
        self.process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """End the process."""
        self.process.terminate()
        self.process.wait(10)
        self.log.close()
