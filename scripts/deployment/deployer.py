"""One deployment from its first contract to its owner, each step done once however often it is tried."""

import time
from typing import Any

import ape
from ape.api import AccountAPI
from ape.contracts import ContractInstance
from eth_utils import keccak, to_checksum_address
from rlp import encode

from scripts.deployment.ledger import Ledger, Pending
from scripts.deployment.plan import CONSTRUCTORS, EURO, LOCAL_CHAIN_ID, OWNED, WIRING, Settings, Wire
from scripts.deployment.sources import container, runtime_code

__all__ = ["Deployer", "DeploymentRefused"]

LOCAL_EURO_DECIMALS = 6  # as EURC has
NOBODY = "0x" + 40 * "0"
PATIENCE = 300  # seconds that a transaction of a run before may still take


class DeploymentRefused(RuntimeError):
    """A step that cannot be done. The message says what is wrong and what to do."""


class Deployer:
    """Deploys with one account, noting in one ledger."""

    def __init__(self, account: AccountAPI, ledger: Ledger) -> None:
        """
        Raises:
            DeploymentRefused: contracts in the ledger are not on the chain.
        """
        self._account = account
        self._ledger = ledger
        self._provider = ape.networks.provider
        self._local = ledger.chain_id == LOCAL_CHAIN_ID
        self._check_recorded()
        self._take_up_pending()

    # --- what runs before have left ---------------------------------------------------------------------------------

    def _code(self, address: str) -> bytes:
        return bytes(self._provider.get_code(to_checksum_address(address)))

    def _check_recorded(self) -> None:
        differing = [
            name
            for name, record in self._ledger.contracts.items()
            if "0x" + keccak(self._code(record["address"])).hex() != record["code_hash"]
        ]
        if differing and self._local:
            self._ledger.forget()  # the file of another chain: local ones are thrown away
        elif differing:
            raise DeploymentRefused(
                f"{', '.join(differing)} in {self._ledger.path} is not what is on chain {self._ledger.chain_id}; "
                "check the network, or move the file away to deploy anew"
            )

    def _take_up_pending(self) -> None:
        pending = self._ledger.pending
        if pending is None:
            return
        deadline = time.monotonic() + PATIENCE
        while self._count("pending") > self._count("latest"):
            if time.monotonic() > deadline:
                raise DeploymentRefused("a transaction of the run before is still not mined; try again later")
            time.sleep(1)
        code, source = self._code(pending.address), runtime_code(pending.name)
        if source and code.startswith(source):
            self._record(pending.name, pending.address, pending.args, pending.block)
        else:
            self._ledger.settle_pending()

    def _count(self, block: str) -> int:
        return int(self._provider.make_request("eth_getTransactionCount", [self._account.address, block]), 16)

    # --- steps ------------------------------------------------------------------------------------------------------

    def prepare_euro(self, given: str | None) -> int:
        """Note the euro at the address `given`, or deploy a test euro where none is given; its decimals.

        Raises:
            DeploymentRefused: there is no ERC-20 with decimals at the address, or another euro was noted before.
        """
        if given is None:
            self._deploy(EURO, [LOCAL_EURO_DECIMALS])
            return LOCAL_EURO_DECIMALS
        noted = self._ledger.contracts.get(EURO)
        if noted and noted["address"] != given:
            raise DeploymentRefused(f"{self._ledger.path} has the euro {noted['address']}; give that one with --euro")
        if not self._code(given):
            raise DeploymentRefused(f"there is no contract at {given}; give the euro's address on this chain")
        try:
            decimals = int(self._provider.make_request("eth_call", [{"to": given, "data": "0x313ce567"}, "latest"]), 16)
        except ValueError:
            decimals = -1
        if not 2 <= decimals <= 18:
            raise DeploymentRefused(
                f"the contract at {given} is no ERC-20 with 2 to 18 decimals; give a euro's address"
            )
        if not noted:
            self._record(EURO, given, [decimals], self._head())
        return decimals

    def deploy_all(self, settings: Settings) -> None:
        """Deploy what is missing, wire it, hand it over.

        Raises:
            DeploymentRefused: what an earlier run did contradicts `settings`.
        """
        self._ledger.owner = settings.owner
        for name, arguments in CONSTRUCTORS.items():
            addresses = {known: record["address"] for known, record in self._ledger.contracts.items()}
            self._deploy(name, arguments(addresses, settings))
        for wire in WIRING:
            self._wire(wire)
        for name in OWNED:
            self._hand_over(name, settings.owner)
        self._ledger.save()

    def awaiting_acceptance(self, owner: str) -> list[str]:
        """Contracts that `owner` still has to accept."""
        return [name for name in OWNED if self._instance(name).pending_owner() == owner]

    def _instance(self, name: str) -> ContractInstance:
        return container(name).at(self._ledger.contracts[name]["address"], fetch_from_explorer=False)

    def _deploy(self, name: str, args: list[Any]) -> None:
        record = self._ledger.contracts.get(name)
        if record is None:
            creation = keccak(encode([bytes.fromhex(self._account.address[2:]), self._account.nonce]))[12:]
            first_block = self._head() + 1
            self._ledger.announce(Pending(name, to_checksum_address(creation), args, first_block))
            instance = self._account.deploy(container(name), *args)
            self._record(name, instance.address, args, first_block)
        elif record["args"] != args:
            raise DeploymentRefused(
                f"{name} was deployed with {record['args']}, not {args}; give the options of the first run, "
                f"or move {self._ledger.path} away to deploy anew"
            )

    def _head(self) -> int:
        return int(self._provider.make_request("eth_blockNumber", []), 16)

    def _record(self, name: str, address: str, args: list[Any], block: int) -> None:
        self._ledger.record(name, address, block, args, "0x" + keccak(self._code(address)).hex())

    def _wire(self, wire: Wire) -> None:
        targets = [self._ledger.contracts[target]["address"] for target in wire.targets]
        known = [getattr(self._instance(name), view)() for name, view in wire.views]
        if set(known) == {NOBODY}:
            getattr(self._instance(wire.contract), wire.setter)(*targets, sender=self._account)
            return
        for (name, view), current, target in zip(wire.views, known, targets, strict=True):
            if current != target:
                raise DeploymentRefused(
                    f"{name} names {current} as its {view}, for ever, not {target}; "
                    f"move {self._ledger.path} away to deploy anew"
                )

    def _hand_over(self, name: str, owner: str) -> None:
        contract = self._instance(name)
        current = contract.owner()
        if current == owner:
            return
        if current != self._account.address:
            raise DeploymentRefused(f"{name} belongs to {current}, who alone can give it to {owner}")
        if contract.pending_owner() != owner:
            contract.transfer_ownership(owner, sender=self._account)
        if self._local:
            known = {account.address: account for account in ape.accounts.test_accounts}
            if owner in known:
                contract.accept_ownership(sender=known[owner])
