"""What an operator does by hand: register with a stake, and see how its node and its seat stand."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from decimal import Decimal

from eth_account import Account
from net8.client import Connection, connect
from net8.units import WEI_PER_GRAIN, WEI_PER_NET8, format_net8

from net8_oracle import keys
from net8_oracle.node.settings import NodeSettings
from net8_oracle.settings import ConfigRefused, host_and_port

__all__ = ["register", "status"]

_ANSWER_WITHIN = 3.0  # seconds, of the node's own HTTP


def _connect(settings: NodeSettings) -> Connection:
    return connect(str(settings.chain.rpc), settings.chain.contracts(), settings.chain.timeout_ms / 1000)


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
    chain, contracts = _connect(settings)
    signer, wei = keys.keystore_address(settings.keys.signer), int(stake * WEI_PER_NET8)
    known = chain.read(contracts.registry.operator_of_signer(signer))
    if known:
        yield f"signer {signer} is registered already, as operator {known}"
        return
    least = chain.read(contracts.registry.min_stake())
    if wei < least:
        raise ConfigRefused(f"a stake of {stake} NET8 is too small; the registry asks for {_net8(least)} at least")
    sender = chain.sender(Account.from_key(owner_key))
    held = chain.read(contracts.token.balance_of(sender.address))
    if held < wei:
        raise ConfigRefused(f"{sender.address} holds {_net8(held)}; bring it to {stake} NET8 first")
    if chain.read(contracts.token.allowance(sender.address, contracts.registry.address)) < wei:
        sender.send(contracts.token.approve(contracts.registry.address, wei))
    sender.send(contracts.registry.register(signer, wei))
    number = chain.read(contracts.registry.operator_of_signer(signer))
    yield f"operator {number} registered with {stake} NET8; ask the registry's owner to admit it to your zones"


def status(settings: NodeSettings) -> Iterator[str]:
    """How the operator stands on chain and what its node says, line by line.

    Raises:
        net8.errors.Net8Error: the chain does not answer.
    """
    chain, contracts = _connect(settings)
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
    host, port = host_and_port(settings.listen)
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - where it listens, not we
    url = f"http://[{reachable}]:{port}" if ":" in reachable else f"http://{reachable}:{port}"
    try:
        with urllib.request.urlopen(f"{url}/status", timeout=_ANSWER_WITHIN) as answer:  # noqa: S310 - http, above
            told = json.loads(answer.read())
    except (urllib.error.URLError, OSError, ValueError):
        return f"node: does not answer at {url}; start it with `net8-oracle run`"
    problems = "; ".join(told["problems"]) or "healthy"
    settled = ", ".join(f"zone {zone['zone']} to slot {zone['last_settled_slot']}" for zone in told["zones"])
    return f"node: {problems}; settled {settled}; {len(told['open'])} open, {told['outbox']} in the outbox"
