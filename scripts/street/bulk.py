"""Many transactions at once: signed here, sent in one request, put into one block, their receipts fetched together.

Nonces are asked for once and counted on here, so nobody waits for anybody: two hundred homes place an order each in
a fraction of a second. Within the block they stand in the order in which they were given: each offers the chain a
little more for its place than the next one, so the same seed gives the same trades.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import rlp
from eth_account.signers.local import LocalAccount
from net8.client.rpc import call_parameters, result_of
from net8.contracts import Call
from net8.errors import Refused
from net8.events import Event, Logged, decode_all
from net8.signing import keccak256, sign

from scripts.street.rpc import Rpc, RpcFault

__all__ = ["Bulk", "Intent", "Outcome"]

GAS = 3_000_000  # of one transaction: a take of 64 orders needs a third of it
MAX_FEE = 10**10  # wei per gas; the local chain asks for less and for ever less
_RECEIPT_TIMEOUT = 60.0  # seconds
_LOOK_EVERY = 0.02
_EIP_1559 = b"\x02"  # type of the transactions


@dataclass(frozen=True)
class Intent:
    """A call that an account wants to make."""

    account: LocalAccount
    call: Call[Any]


@dataclass(frozen=True)
class Outcome:
    """What became of an intent."""

    intent: Intent
    succeeded: bool
    logs: list[dict[str, Any]]

    @property
    def events(self) -> list[Logged[Event]]:
        """What the contracts told."""
        return decode_all(self.logs)


class Bulk:
    """Sends for many accounts. Not for several threads at once."""

    def __init__(self, rpc: Rpc, chain_id: int) -> None:
        """`rpc` of the chain with this id."""
        self._rpc = rpc
        self._chain_id = chain_id

    def send(self, intents: Sequence[Intent]) -> list[Outcome]:
        """Make all calls and wait until each is in a block. What a contract refuses is an outcome, not a fault.

        Raises:
            RpcFault: the chain did not take a transaction, or has no receipt in time.
        """
        if not intents:
            return []
        nonces = self._nonces(intents)
        raw = []
        for place, intent in enumerate(intents):
            tip = len(intents) - place
            raw.append("0x" + self._signed(intent, nonces[intent.account.address], tip).hex())
            nonces[intent.account.address] += 1
        hashes = self._in_one_block(raw)
        receipts = self._receipts(hashes)
        return [
            Outcome(intent, int(receipt["status"], 16) == 1, receipt["logs"])
            for intent, receipt in zip(intents, receipts, strict=True)
        ]

    def _in_one_block(self, raw: Sequence[str]) -> list[str]:
        """Send signed transactions; their hashes. Others' transactions that come meanwhile go into the block too."""
        self._rpc.call("evm_setAutomine", False)
        try:
            hashes = self._rpc.batch([("eth_sendRawTransaction", (one,)) for one in raw])
            self._rpc.call("evm_mine")
        finally:
            self._rpc.call("evm_setAutomine", True)
        return hashes

    def send_all(self, intents: Sequence[Intent]) -> list[Outcome]:
        """Make all calls.

        Raises:
            Refused: a contract refused one of them; the others went through.
            RpcFault: as `send`.
        """
        outcomes = self.send(intents)
        for outcome in outcomes:
            if not outcome.succeeded:
                raise self.why(outcome)
        return outcomes

    def why(self, outcome: Outcome) -> Refused | RpcFault:
        """Why a call failed, as the chain answers when asked now."""
        intent = outcome.intent
        try:
            self._rpc.call("eth_call", call_parameters(intent.call, intent.account.address), "latest")
        except RpcFault as fault:
            try:
                result_of({"error": {"code": 3, "message": str(fault), "data": fault.data}}, intent.call.label)
            except Refused as refused:
                return refused
            return fault
        return RpcFault(f"{intent.call.label} failed in its block and would not now; run again")

    def _nonces(self, intents: Sequence[Intent]) -> dict[str, int]:
        addresses = list({intent.account.address for intent in intents})
        counts = self._rpc.batch([("eth_getTransactionCount", (address, "pending")) for address in addresses])
        return {address: int(count, 16) for address, count in zip(addresses, counts, strict=True)}

    def _signed(self, intent: Intent, nonce: int, tip: int) -> bytes:
        """A transaction of EIP-1559, by libsecp256k1: ten times as fast as a wallet that checks every field."""
        to = bytes.fromhex(intent.call.to[2:])
        fields = [self._chain_id, nonce, tip, MAX_FEE, GAS, to, 0, intent.call.data, []]
        signature = sign(bytes(intent.account.key), keccak256(_EIP_1559 + rlp.encode(fields)))
        return bytes(_EIP_1559 + rlp.encode([*fields, int(signature.odd), signature.r, signature.s]))

    def _receipts(self, hashes: Sequence[str]) -> list[dict[str, Any]]:
        receipts: dict[str, dict[str, Any]] = {}
        deadline = time.monotonic() + _RECEIPT_TIMEOUT
        while missing := [one for one in hashes if one not in receipts]:
            found = self._rpc.batch([("eth_getTransactionReceipt", (one,)) for one in missing])
            receipts.update({one: receipt for one, receipt in zip(missing, found, strict=True) if receipt})
            if len(receipts) < len(hashes):
                if time.monotonic() > deadline:
                    raise RpcFault(f"{len(hashes) - len(receipts)} transactions have no receipt; see the chain's log")
                time.sleep(_LOOK_EVERY)
        return [receipts[one] for one in hashes]
