"""Sending reports to the chain, so that a killed process never sends twice and never leaves a gap.

A transaction's nonce, what it is for and its signed bytes are stored in one database transaction before the first
broadcast; whatever happens then, only these identical bytes are ever sent for that nonce.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from coincurve import PrivateKey
from eth_account import Account

from net8_oracle import crypto
from net8_oracle.clock import HeadPoller
from net8_oracle.logs import fields
from net8_oracle.node.envelopes import Key
from net8_oracle.node.store import OutboxRow, Store
from net8_oracle.rpc import Rpc, RpcRefused, RpcUnreachable

__all__ = ["Broadcast", "Receipt", "Transmitter", "classify"]

log = logging.getLogger(__name__)

_METHOD_UNKNOWN = (-32601, -32600)
_SYNC_TIMED_OUT = 4  # EIP-7966: accepted, but not mined within the node's patience
_TIP = 10**8  # wei per gas, enough on the chains named in the documentation
_FIRST_PAUSE = 0.05  # seconds between looks for a receipt, growing
_LONGEST_PAUSE = 2.0
_REBROADCAST_EVERY = 10.0  # seconds


class Broadcast(Enum):
    """What a chain node's refusal of a transaction means."""

    ALREADY_KNOWN = "already known"  # it has these bytes: wait for the receipt
    NONCE_TOO_LOW = "nonce too low"  # this or another transaction with the nonce is mined: look for the receipt
    UNDERPRICED = "underpriced"  # fee too low now, or another transaction waits with the nonce: wait and repeat
    NO_FUNDS = "no funds"  # the transmitter's account is empty: say so, wait and repeat
    REVERTED = "reverted"  # the node ran it first and it failed
    OTHER = "other"


def classify(fault: RpcRefused) -> Broadcast:
    """The class of a refusal. Nodes agree on words more than on codes."""
    said = fault.message.lower()
    if "already known" in said or "already imported" in said or "known transaction" in said:
        return Broadcast.ALREADY_KNOWN
    if "nonce too low" in said or "nonce is too low" in said or "oldnonce" in said:
        return Broadcast.NONCE_TOO_LOW
    if "underpriced" in said or "fee too low" in said or "less than block base fee" in said:
        return Broadcast.UNDERPRICED
    if "insufficient funds" in said:
        return Broadcast.NO_FUNDS
    if "revert" in said or fault.code == 3:
        return Broadcast.REVERTED
    return Broadcast.OTHER


@dataclass(frozen=True, slots=True)
class Receipt:
    """The end of a transaction."""

    key: Key
    hash: bytes
    succeeded: bool
    block: int
    gas_used: int
    received_ns: int  # wall clock


class Transmitter:
    """One account that only this node uses."""

    def __init__(self, rpc: Rpc, poller: HeadPoller, store: Store, chain_id: int, key: PrivateKey) -> None:
        self._rpc = rpc
        self._poller = poller
        self._store = store
        self._chain_id = chain_id
        self._account = Account.from_key(key.secret)
        self.address = crypto.own_address(key)
        self._one_at_a_time = asyncio.Lock()
        self._has_sync = True
        self._chain_nonce = 0
        self.waiting = 0

    async def start(self) -> None:
        """Learn where the account stands.

        Raises:
            RpcUnreachable, RpcRefused: the chain node did not answer.
        """
        count = await self._rpc.call("eth_getTransactionCount", crypto.address_text(self.address), "latest")
        self._chain_nonce = int(count, 16)

    async def resume(self, done: Callable[[Receipt | None, Key], None]) -> None:
        """Send again what a killed process left unfinished, and wait for its end."""
        rows = self._store.pending(self.address)
        if rows:
            log.info("outbox resumed", extra=fields(transactions=len(rows), first_nonce=rows[0].nonce))
        for row in rows:
            done(await self._deliver(row), row.key)

    async def submit(self, key: Key, to: str, data: bytes, gas: int) -> Receipt | None:
        """Send a call and wait for its end. None: another transaction took its nonce; nothing was executed.

        `gas` is a limit, not an estimate: what is not used is not paid.
        """
        async with self._one_at_a_time:
            row = self._reserve(key, to, data, gas)
        receipt = await self._deliver(row)
        if receipt is not None and not receipt.succeeded:
            await self._say_why(to, data, receipt)
        return receipt

    async def _say_why(self, to: str, data: bytes, receipt: Receipt) -> None:
        """Log the contract's reason by trying the call again where it failed."""
        request = {"from": crypto.address_text(self.address), "to": to, "data": "0x" + data.hex()}
        try:
            await self._rpc.call("eth_call", request, hex(receipt.block))
        except (RpcRefused, RpcUnreachable) as fault:
            log.warning("report reverted", extra=fields(**receipt.key._asdict(), reason=str(fault)))

    def _reserve(self, key: Key, to: str, data: bytes, gas: int) -> OutboxRow:
        base_fee = self._poller.head.base_fee if self._poller.head else 0
        nonce = max(self._store.next_nonce(self.address), self._chain_nonce)
        signed = self._account.sign_transaction(
            {
                "type": 2,
                "chainId": self._chain_id,
                "nonce": nonce,
                "to": to,
                "value": 0,
                "data": data,
                "gas": gas,
                "maxFeePerGas": 2 * base_fee + _TIP,
                "maxPriorityFeePerGas": _TIP,
            }
        )
        row = OutboxRow(nonce, key, bytes(signed.hash), bytes(signed.raw_transaction), "pending")
        self._store.reserve(self.address, row)
        return row

    async def _deliver(self, row: OutboxRow) -> Receipt | None:
        self.waiting += 1
        try:
            receipt = await self._until_known(row)
        finally:
            self.waiting -= 1
        state = "lost" if receipt is None else "mined" if receipt.succeeded else "reverted"
        self._store.close_row(self.address, row.nonce, state)
        facts = fields(zone=row.key.zone, slot=row.key.slot, part=row.key.part, nonce=row.nonce, hash=row.hash.hex())
        if state == "mined":
            log.info("report settled", extra=facts)
        else:
            log.warning(f"report transaction {state}", extra=facts)
        return receipt

    async def _until_known(self, row: OutboxRow) -> Receipt | None:
        """Broadcast the row's bytes, again and again, until its receipt is there or its nonce is another's."""
        pause, sent_at = _FIRST_PAUSE, 0.0
        while True:
            try:
                if time.monotonic() - sent_at > _REBROADCAST_EVERY:
                    receipt = await self._broadcast(row)
                    sent_at = time.monotonic()
                else:
                    receipt = await self._receipt(row)
                if receipt is not None:
                    return receipt
                if await self._nonce_passed(row.nonce) and await self._receipt(row) is None:
                    return None
            except (RpcUnreachable, RpcRefused) as fault:
                log.warning("chain node failed while sending", extra=fields(nonce=row.nonce, reason=str(fault)))
                sent_at = 0.0
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE)

    async def _broadcast(self, row: OutboxRow) -> Receipt | None:
        raw = "0x" + row.raw.hex()
        if self._has_sync:
            try:
                return self._parsed(row, await self._rpc.call("eth_sendRawTransactionSync", raw))
            except RpcRefused as fault:
                if fault.code == _SYNC_TIMED_OUT:
                    return None
                if fault.code not in _METHOD_UNKNOWN and "not found" not in fault.message.lower():
                    self._refused(row, fault)
                    return None
                self._has_sync = False
        try:
            await self._rpc.call("eth_sendRawTransaction", raw)
        except RpcRefused as fault:
            self._refused(row, fault)
            return None
        return await self._receipt(row)

    def _refused(self, row: OutboxRow, fault: RpcRefused) -> None:
        what = classify(fault)
        if what in (Broadcast.NONCE_TOO_LOW, Broadcast.ALREADY_KNOWN):
            return
        advice = "; fund the transmitter's account" if what is Broadcast.NO_FUNDS else ""
        log.warning(
            "broadcast refused", extra=fields(nonce=row.nonce, kind=what.value, reason=f"{fault.message}{advice}")
        )

    async def _receipt(self, row: OutboxRow) -> Receipt | None:
        return self._parsed(row, await self._rpc.call("eth_getTransactionReceipt", "0x" + row.hash.hex()))

    def _parsed(self, row: OutboxRow, receipt: object) -> Receipt | None:
        if not isinstance(receipt, dict) or receipt.get("blockNumber") is None:
            return None
        return Receipt(
            row.key,
            row.hash,
            int(receipt["status"], 16) == 1,
            int(receipt["blockNumber"], 16),
            int(receipt["gasUsed"], 16),
            time.time_ns(),
        )

    async def _nonce_passed(self, nonce: int) -> bool:
        count = await self._rpc.call("eth_getTransactionCount", crypto.address_text(self.address), "latest")
        self._chain_nonce = max(self._chain_nonce, int(count, 16))
        return self._chain_nonce > nonce
