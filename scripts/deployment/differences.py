"""What differs between a deployment file and its chain, one sentence each."""

from collections.abc import Iterator

import ape
from ape.contracts import ContractInstance
from eth_utils import keccak
from net8.deployment import ContractRecord, Deployment

from scripts.deployment.plan import EURO, LOCAL_CHAIN_ID, OWNED, READ_BACK, WIRING
from scripts.deployment.sources import container, runtime_code

__all__ = ["differences"]


def differences(deployment: Deployment) -> Iterator[str]:
    """Compare code, constructor arguments, owner and wiring; nothing is yielded where all is as in the file."""
    chain_id = ape.networks.provider.chain_id
    if deployment.chain_id != chain_id:
        yield f"the file is of chain {deployment.chain_id}, the network is chain {chain_id}"
        return
    present = {}
    for name, record in deployment.contracts.items():
        sentence = _code_difference(name, record, deployment.chain_id)
        if sentence:
            yield sentence
        else:
            present[name] = container(name).at(record.address, fetch_from_explorer=False)
    for name, contract in present.items():
        yield from _argument_differences(name, contract, deployment)
    yield from _wiring_differences(present, deployment)
    yield from _owner_differences(present, deployment.owner)


def _code_difference(name: str, record: ContractRecord, chain_id: int) -> str | None:
    code = bytes(ape.networks.provider.get_code(record.address))
    if not code:
        return f"{name}: there is no contract at {record.address}"
    code_hash = "0x" + keccak(code).hex()
    if code_hash != record.code_hash:
        return f"{name}: the code at {record.address} has the hash {code_hash}, the file says {record.code_hash}"
    if (name != EURO or chain_id == LOCAL_CHAIN_ID) and not code.startswith(runtime_code(name)):
        return f"{name}: the code at {record.address} is not what the sources here compile to"
    return None


def _argument_differences(name: str, contract: ContractInstance, deployment: Deployment) -> Iterator[str]:
    args = deployment.contracts[name].args
    views = READ_BACK[name]
    if len(args) != len(views):
        yield f"{name}: the file has {len(args)} constructor arguments, the contract takes {len(views)}"
        return
    for view, expected in zip(views, args, strict=True):
        actual = expected if view is None else getattr(contract, view)()
        if actual != expected:
            yield f"{name}: {view} is {actual}, the file says it was constructed with {expected}"


def _wiring_differences(present: dict[str, ContractInstance], deployment: Deployment) -> Iterator[str]:
    learnt = [(*view, target) for wire in WIRING for view, target in zip(wire.views, wire.targets, strict=True)]
    for name, view, target in learnt:
        if name in present:
            actual, expected = getattr(present[name], view)(), deployment.contracts[target].address
            if actual != expected:
                yield f"{name}: {view} is {actual}, the file has {target} at {expected}"
    grid = deployment.contracts["GridRegistry"].address
    for name in ("GreenCertificates", "OracleRegistry"):
        if name in present and present[name].grid() != grid:
            yield f"{name}: grid is {present[name].grid()}, the file has GridRegistry at {grid}"


def _owner_differences(present: dict[str, ContractInstance], owner: str) -> Iterator[str]:
    for name in OWNED:
        if name in present and present[name].owner() != owner:
            pending = " and has not accepted it yet" if present[name].pending_owner() == owner else ""
            yield f"{name}: the owner is {present[name].owner()}, the file says {owner}{pending}"
    if "NET8" in present and int(present["NET8"].owner(), 16):
        yield f"NET8: {present['NET8'].owner()} can still name a minter; deploy again to finish"
