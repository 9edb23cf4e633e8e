"""Handing signed transactions to chain nodes, and what their refusals mean."""

import logging
from dataclasses import dataclass
from enum import Enum
from typing import Self

from net8.logs import fields

from net8_oracle import crypto
from net8_oracle.clock import Block
from net8_oracle.node.endpoints import Endpoint, Endpoints, number
from net8_oracle.node.outbox import Attempt, Intent
from net8_oracle.rpc import RpcRefused, RpcUnreachable

__all__ = ["Broadcaster", "Mined", "Refusal", "classify"]

log = logging.getLogger(__name__)

_METHOD_UNKNOWN = (-32601, -32600)
_SYNC_TIMED_OUT = 4  # EIP-7966: accepted, but not mined within the node's patience
_SYNC_PATIENCE = 1.0  # seconds for a receipt in the same call; after that we ask for it


class Refusal(Enum):
    """What a chain node's refusal of a transaction means."""

    ALREADY_KNOWN = "already known"  # it has these bytes: wait for the receipt
    NONCE_TOO_LOW = "nonce too low"  # this or another transaction with the nonce is mined: look for the receipt
    REPLACEMENT_UNDERPRICED = "replacement underpriced"  # another one waits with the nonce: it takes a higher fee
    FEE_TOO_LOW = "fee too low"  # for the chain as it is now: it takes a higher fee
    NO_FUNDS = "insufficient funds"  # the transmitter's account is empty: say so, wait and repeat
    REVERTED = "reverted"  # the chain node ran it first and it failed
    OTHER = "other"


_WORDS = {
    Refusal.ALREADY_KNOWN: ("already known", "already imported", "known transaction", "alreadyknown"),
    Refusal.NONCE_TOO_LOW: ("nonce too low", "nonce is too low", "oldnonce", "invalid nonce"),
    Refusal.REPLACEMENT_UNDERPRICED: ("replacement", "gas price too low to replace"),
    Refusal.FEE_TOO_LOW: ("underpriced", "fee too low", "feetoolow", "less than block base fee"),
    Refusal.NO_FUNDS: ("insufficient funds", "insufficientfunds", "insufficient balance"),
    Refusal.REVERTED: ("revert",),
}


def classify(fault: RpcRefused) -> Refusal:
    """The class of a refusal. Chain nodes agree on words more than on codes."""
    said = fault.message.lower()
    for refusal, words in _WORDS.items():
        if any(word in said for word in words):
            return refusal
    return Refusal.REVERTED if fault.code == 3 else Refusal.OTHER


@dataclass(frozen=True, slots=True)
class Mined:
    """A transaction's place in the chain."""

    hash: bytes
    succeeded: bool
    block: Block
    gas_used: int

    @classmethod
    def of(cls, hash_: bytes, receipt: dict[str, str] | None) -> Self | None:
        """From its receipt as JSON-RPC gives it; None while it is not mined.

        Raises:
            ValueError: it is another transaction's.
        """
        if receipt is None or receipt.get("blockNumber") is None:
            return None
        if bytes.fromhex(receipt["transactionHash"][2:]) != hash_:
            raise ValueError("receipt of another transaction")
        block = Block(number(receipt["blockNumber"]), receipt["blockHash"])
        return cls(hash_, number(receipt["status"]) == 1, block, number(receipt["gasUsed"]))


class Broadcaster:
    """Sends for one account."""

    def __init__(self, chain: Endpoints, sender: bytes) -> None:
        self._chain = chain
        self._sender = crypto.address_text(sender)

    async def send(self, attempt: Attempt) -> Mined | Refusal | None:
        """Send to the best chain node that answers, and wait a moment for the receipt; None: accepted.

        Raises:
            RpcUnreachable: none answers.
        """
        fault: RpcUnreachable | None = None
        for endpoint in self._chain.ranked():
            try:
                return await self._send_to(endpoint, attempt)
            except RpcUnreachable as silence:
                fault = fault or silence
        raise fault or RpcUnreachable("no chain node can be used")

    async def _send_to(self, endpoint: Endpoint, attempt: Attempt) -> Mined | Refusal | None:
        raw = "0x" + attempt.raw.hex()
        if endpoint.has_sync and endpoint.verified:
            try:
                return await endpoint.rpc.call(
                    "eth_sendRawTransactionSync",
                    raw,
                    into=lambda answer: Mined.of(attempt.hash, answer),
                    within=_SYNC_PATIENCE,
                )
            except RpcUnreachable:
                pass  # slow, or silent: the plain call tells
            except RpcRefused as fault:
                if fault.code in _METHOD_UNKNOWN or "not found" in fault.message.lower():
                    endpoint.has_sync = False
                elif fault.code == _SYNC_TIMED_OUT or "timeout" in fault.message.lower():
                    return None
                else:
                    return self._refused(attempt, fault)
        try:
            await self._chain.ask(endpoint, lambda rpc: rpc.call("eth_sendRawTransaction", raw))
        except RpcRefused as fault:
            return self._refused(attempt, fault)
        return None

    async def send_everywhere(self, attempt: Attempt) -> set[Refusal]:
        """Send to every chain node; their refusals. Empty also when none answers."""
        answers = await self._chain.everywhere("eth_sendRawTransaction", "0x" + attempt.raw.hex())
        return {self._refused(attempt, answer) for answer in answers if isinstance(answer, RpcRefused)}

    def _refused(self, attempt: Attempt, fault: RpcRefused) -> Refusal:
        what = classify(fault)
        if what not in (Refusal.NONCE_TOO_LOW, Refusal.ALREADY_KNOWN):
            advice = f"; fund {self._sender}" if what is Refusal.NO_FUNDS else ""
            facts = fields(nonce=attempt.nonce, kind=what.value, reason=f"{fault.message}{advice}")
            log.warning("broadcast refused", extra=facts)
        return what

    async def mined(self, intent: Intent, everywhere: bool = False) -> tuple[Attempt, Mined] | None:
        """Which attempt is mined, and where; asks every chain node when told to."""
        for attempt in reversed(intent.attempts):
            answers = await self._receipts(attempt, everywhere)
            found = next((answer for answer in answers if isinstance(answer, Mined)), None)
            if found is not None:
                return attempt, found
        return None

    async def _receipts(self, attempt: Attempt, everywhere: bool) -> list[Mined | RpcRefused | None]:
        def into(answer: dict[str, str] | None) -> Mined | None:
            return Mined.of(attempt.hash, answer)

        text = "0x" + attempt.hash.hex()
        if everywhere:
            return await self._chain.everywhere("eth_getTransactionReceipt", text, into=into)
        return [await self._chain.call("eth_getTransactionReceipt", text, into=into)]

    async def counts(self) -> list[int]:
        """How many transactions of the account each chain node that answers knows to be mined, ascending."""
        answers = await self._chain.everywhere("eth_getTransactionCount", self._sender, "latest", into=number)
        return sorted(answer for answer in answers if isinstance(answer, int))

    async def would_revert(self, intent: Intent) -> str | None:
        """The contract's reason, when every chain node that answers says that the call is in vain now."""
        request = {
            "from": self._sender, "to": intent.target, "data": "0x" + intent.data.hex(), "gas": hex(intent.gas),
        }  # fmt: skip
        answers = await self._chain.everywhere("eth_call", request, "latest")
        reverts = [one for one in answers if isinstance(one, RpcRefused) and classify(one) is Refusal.REVERTED]
        return reverts[0].message if reverts and len(reverts) == len(answers) else None
