"""An operator's standing: stake, keys, earnings, and how its node and seats stand."""

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from eth_account import Account
from net8.client import Chain, Sender
from net8.contracts import Contracts
from net8.errors import RewardRefused
from net8.units import WEI_PER_GRAIN, WEI_PER_NET8, format_net8

from net8_oracle import keys
from net8_oracle.node.settings import NodeSettings
from net8_oracle.operate.nodes import connected, own_status, own_url
from net8_oracle.settings import ConfigRefused

__all__ = ["claim", "register", "rotate", "stake", "status", "unbond"]


def _net8(wei: int) -> str:
    return format_net8(wei // WEI_PER_GRAIN)


def register(settings: NodeSettings, owner_key: bytes, stake: Decimal) -> Iterator[str]:
    """Stake NET8 from the owner key and register the node's signer; says what it did, line by line.

    Args:
        settings: of the node whose signer is registered.
        owner_key: private key that holds the NET8, pays gas, and alone can take the stake back later.
        stake: NET8, at least the registry's minimum.

    Raises:
        ConfigRefused: the stake is too small, or the owner has too little NET8.
        net8.errors.Net8Error: the chain refuses or does not answer.
    """
    chain, contracts = connected(settings)
    signer, wei = keys.keystore_address(settings.keys.signer), int(stake * WEI_PER_NET8)
    known = chain.read(contracts.registry.operator_of_signer(signer))
    if known:
        yield f"signer {signer} is registered already, as operator {known}"
        return
    least = chain.read(contracts.registry.min_stake())
    if wei < least:
        raise ConfigRefused(f"a stake of {stake} NET8 is too small; the registry asks for {_net8(least)} at least")
    sender = chain.sender(Account.from_key(owner_key))
    _allow(chain, contracts, sender, wei)
    sender.send(contracts.registry.register(signer, wei))
    number = chain.read(contracts.registry.operator_of_signer(signer))
    yield f"operator {number} registered with {stake} NET8; ask the registry's owner to admit it to your zones"


def _allow(chain: Chain, contracts: Contracts, sender: Sender, wei: int) -> None:
    """Let the registry take so much of the sender's NET8.

    Raises:
        ConfigRefused: it holds less.
    """
    held = chain.read(contracts.token.balance_of(sender.address))
    if held < wei:
        raise ConfigRefused(f"{sender.address} holds {_net8(held)}; bring it to {_net8(wei)} first")
    if chain.read(contracts.token.allowance(sender.address, contracts.registry.address)) < wei:
        sender.send(contracts.token.approve(contracts.registry.address, wei))


def _own_number(settings: NodeSettings, chain: Chain, contracts: Contracts) -> int:
    signer = keys.keystore_address(settings.keys.signer)
    number = chain.read(contracts.registry.operator_of_signer(signer))
    if not number:
        raise ConfigRefused(f"signer {signer} is not registered; run `net8-oracle register`")
    return number


def stake(settings: NodeSettings, payer_key: bytes, amount: Decimal) -> Iterator[str]:
    """Add to the operator's stake from any key that holds NET8; says what it did, line by line.

    Args:
        settings: of the operator's node.
        payer_key: private key that holds the NET8 and pays gas.
        amount: NET8.

    Raises:
        ConfigRefused: the signer is not registered, or the payer has too little NET8.
        net8.errors.Net8Error: the chain refuses or does not answer.
    """
    chain, contracts = connected(settings)
    number, wei = _own_number(settings, chain, contracts), int(amount * WEI_PER_NET8)
    sender = chain.sender(Account.from_key(payer_key))
    _allow(chain, contracts, sender, wei)
    sender.send(contracts.registry.top_up(number, wei))
    yield f"operator {number} has a stake of {_net8(chain.read(contracts.registry.operator(number)).stake)} now"


def rotate(
    settings: NodeSettings, owner_key: bytes, keystore: Path, overlap: int, iterations: int = keys.DEFAULT_ITERATIONS
) -> Iterator[str]:
    """Make a new signer key and let it take the old one's place on chain; says what to do next, line by line.

    Reports that were signed with the old key count until the overlap ends, so nothing is lost while the node is
    started anew. The two keys stand for one operator: never run two nodes with them at the same time.

    Args:
        settings: of the operator's node; its present signer is the one that is replaced.
        owner_key: private key that staked.
        keystore: where the new key goes, under the password of the node's keystores; nothing may be there.
        overlap: seconds for which the old key still counts; 0 when it is in wrong hands.
        iterations: rounds of pbkdf2 of the keystore.

    Raises:
        ConfigRefused: the signer is not registered.
        KeyRefused: the keystore cannot be written.
        net8.errors.Net8Error: the chain refuses or does not answer.
    """
    chain, contracts = connected(settings)
    number = _own_number(settings, chain, contracts)
    sender = chain.sender(Account.from_key(owner_key))
    signer = keys.create(keystore, settings.keys.password(), iterations)
    sender.send(contracts.registry.rotate_signer(number, signer, overlap))
    yield f"operator {number} signs with {signer} from now on, in every zone"
    yield f'write signer = "{keystore}" under [keys] and start the node again within {overlap} s'


def claim(settings: NodeSettings, owner_key: bytes) -> Iterator[str]:
    """Share the fees of the node's zones among those who signed, and take what the operator has earned.

    Raises:
        ConfigRefused: the signer is not registered.
        net8.errors.Net8Error: the chain refuses or does not answer.
    """
    chain, contracts = connected(settings)
    number = _own_number(settings, chain, contracts)
    sender = chain.sender(Account.from_key(owner_key))
    for zone in settings.zones:
        with contextlib.suppress(RewardRefused):  # nothing to share since the last time
            sender.send(contracts.registry.share_rewards(zone))
    earned = chain.read(contracts.registry.earned(number))
    if not earned:
        yield f"operator {number} has earned nothing since its last claim"
        return
    sender.send(contracts.registry.claim_rewards(number, sender.address))
    yield f"{_net8(earned)} paid to {sender.address}"


def unbond(settings: NodeSettings, owner_key: bytes) -> Iterator[str]:
    """Ask for the stake back, or take it once its time has come; says which, line by line.

    Raises:
        ConfigRefused: the signer is not registered.
        net8.errors.Net8Error: the chain refuses, as while the operator has a seat, or does not answer.
    """
    chain, contracts = connected(settings)
    number = _own_number(settings, chain, contracts)
    sender = chain.sender(Account.from_key(owner_key))
    asked_at = chain.read(contracts.registry.operator(number)).unbonding_at
    if not asked_at:
        sender.send(contracts.registry.begin_unbonding(number))
        asked_at = chain.read(contracts.registry.operator(number)).unbonding_at
    ready_at = asked_at + chain.read(contracts.registry.unbonding())
    if chain.block().timestamp < ready_at:
        when = datetime.fromtimestamp(ready_at, UTC).isoformat(sep=" ", timespec="minutes")
        yield f"operator {number} is unbonding; run this again after {when} to take its stake"
        return
    paid = chain.read(contracts.registry.withdraw_stake(number, sender.address), sender=sender.address)
    sender.send(contracts.registry.withdraw_stake(number, sender.address))
    yield f"{_net8(paid)} paid to {sender.address}"


def status(settings: NodeSettings) -> Iterator[str]:
    """How the operator stands on chain and what its node says, line by line.

    Raises:
        net8.errors.Net8Error: the chain does not answer.
    """
    chain, contracts = connected(settings)
    signer = keys.keystore_address(settings.keys.signer)
    number = chain.read(contracts.registry.operator_of_signer(signer))
    if number:
        operator = chain.read(contracts.registry.operator(number))
        yield f"operator {number}, signer {signer}, stake {_net8(operator.stake)}, in {operator.zones} zones"
        if operator.unbonding_at:
            yield "unbonding: it serves no zone any more"
    else:
        yield f"signer {signer} is not registered; run `net8-oracle register`"
    for zone in settings.zones:
        seats = chain.read(contracts.registry.zone_signers(zone))
        seat = f"seat {seats.index(signer)}" if signer in seats else "NO SEAT; ask the registry's owner to admit you"
        yield f"zone {zone}: {len(seats)} operators, {seat}"
    transmitter = keys.keystore_address(settings.keys.transmitter)
    balance = chain.balance(transmitter)
    advice = "" if balance else "; it cannot pay for transactions, fund it"
    yield f"transmitter {transmitter} has {Decimal(balance).scaleb(-18).normalize():f} of the chain's coin{advice}"
    yield _node_says(settings)


def _node_says(settings: NodeSettings) -> str:
    url = own_url(settings)
    told = own_status(settings)
    if told is None:
        return f"node: does not answer at {url}; start it with `net8-oracle run`"
    problems = "; ".join(told["problems"]) or "healthy"
    settled = ", ".join(f"zone {zone['zone']} to slot {zone['last_settled_slot']}" for zone in told["zones"])
    return f"node: {problems}; settled {settled}; {len(told['open'])} open, {told['outbox']} in the outbox"
