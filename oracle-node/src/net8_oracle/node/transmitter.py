"""Sending reports to the chain, so that a killed process never sends twice and never leaves a gap.

A transaction's nonce, what it is for and its signed bytes are stored in one transaction of the database before the
first broadcast. Until the end is known these identical bytes are sent again; a replacement (a higher fee, or nothing
to be done any more) takes the same nonce and is stored before it is sent. Any of the attempts may be mined in the end.
The contract refuses what is settled already, so that sending at least once is safe.
"""

import asyncio
import logging
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple, Self, TypeVar

from coincurve import PrivateKey
from net8.logs import fields

from net8_oracle import crypto
from net8_oracle.clock import Block, HeadPoller
from net8_oracle.node import fees
from net8_oracle.node.broadcast import Broadcaster, Mined, Refusal
from net8_oracle.node.endpoints import Endpoints
from net8_oracle.node.envelopes import Key
from net8_oracle.node.outbox import Attempt, Fenced, Intent, Outbox
from net8_oracle.node.store import StoreUnavailable
from net8_oracle.node.transactions import Call, sign
from net8_oracle.rpc import RpcRefused, RpcUnreachable

__all__ = ["Receipt", "Transmitter"]

log = logging.getLogger(__name__)

T = TypeVar("T")

_FIRST_PAUSE = 0.05  # seconds between looks for a receipt, growing
_LONGEST_PAUSE = 2.0
_STORE_PAUSE = 1.0  # seconds until a full disk is tried again
_NOTHING_GAS = 21_000  # of a transfer of nothing to oneself


@dataclass(frozen=True, slots=True)
class Receipt:
    """The end of a report's transaction."""

    key: Key
    hash: bytes
    succeeded: bool
    block: Block
    gas_used: int
    received_ns: int  # wall clock


class _End(NamedTuple):
    """How an intent ended."""

    state: str  # mined, reverted or cancelled
    block: Block
    mined: Mined | None  # None when cancelled

    @classmethod
    def of(cls, attempt: Attempt, mined: Mined) -> Self:
        """By one of its attempts."""
        if attempt.does_nothing:
            return cls("cancelled", mined.block, None)
        return cls("mined" if mined.succeeded else "reverted", mined.block, mined)


_SAID = {"mined": "report settled", "reverted": "report reverted", "cancelled": "report not needed any more"}


@dataclass(slots=True)
class _Delivery:
    """An intent on its way."""

    intent: Intent
    again: bool  # was sent before: perhaps by a process that was killed
    sent_at: float | None = None  # monotonic
    signed_at: float = field(default_factory=time.monotonic)

    @property
    def facts(self) -> dict[str, object]:
        """For the log."""
        latest = self.intent.latest
        return {**self.intent.key._asdict(), "nonce": latest.nonce, "hash": latest.hash.hex()}


class Transmitter:
    """One account that only this node uses."""

    def __init__(
        self,
        chain: Endpoints,
        poller: HeadPoller,
        outbox: Outbox,
        chain_id: int,
        key: PrivateKey,
        fee_cap: int,
        resend: float,
    ) -> None:
        """`fee_cap`: most wei per gas; `resend`: seconds without receipt until it is sent again, and then replaced."""
        self._poller = poller
        self._outbox = outbox
        self._chain_id = chain_id
        self._key = key
        self.address = crypto.own_address(key)
        self._net = Broadcaster(chain, self.address)
        self._fee_cap = fee_cap
        self._resend = resend
        self._first_nonce = 0
        self._under_way: dict[int, _Delivery] = {}  # by intent
        self._ends: dict[Key, asyncio.Task[Receipt | None]] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._fenced: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.problem = ""

    # --- life --------------------------------------------------------------------------------------------------

    @property
    def waiting(self) -> int:
        """Transactions without receipt."""
        return len(self._under_way)

    def delivers(self, key: Key) -> bool:
        """Whether something for this key is under way."""
        return key in self._ends

    def take_over(self) -> bool:
        """Take the outbox over; whether it tells where the account stands.

        Raises:
            StoreUnavailable: the store cannot be used.
        """
        self._outbox.take_over()
        return self._outbox.has_nonce()

    async def learn_nonce(self) -> None:
        """Ask the chain where the account of a new outbox stands.

        Raises:
            RpcUnreachable: no chain node answered.
        """
        if self._outbox.has_nonce():
            return  # what a chain node says of the nonce cannot mislead us any more
        counts = await self._net.counts()
        if not counts:
            raise RpcUnreachable("no chain node tells the transmitter's nonce")
        self._first_nonce = statistics.median_low(counts)

    async def until_fenced(self) -> None:
        """Return never; raise when another process has taken the store over.

        Raises:
            Fenced: then.
        """
        await asyncio.shield(self._fenced)

    async def resume(self, done: Callable[[Receipt | None, Key], None]) -> None:
        """Go on with what a killed process left unfinished, and tell how each ended."""
        claimed = [mine for one in self._outbox.pending() if (mine := self._outbox.claim(one.id)) is not None]
        if claimed:
            first = claimed[0].latest.nonce
            log.info("outbox resumed", extra=fields(transactions=len(claimed), first_nonce=first))
        await self.go_on(claimed, done)

    async def go_on(self, intents: list[Intent], done: Callable[[Receipt | None, Key], None]) -> None:
        """Deliver intents that are pending again, at once, and tell how each ended."""

        async def one(intent: Intent) -> None:
            done(await asyncio.shield(self._begin(_Delivery(intent, again=True))), intent.key)

        await asyncio.gather(*map(one, intents))

    async def submit(self, key: Key, to: str, data: bytes, gas: int) -> Receipt | None:
        """Send a call and wait for its end; None: it was not needed any more, and its nonce is closed without it.

        What is on its way for the same key is waited for instead. `gas` is a limit, not an estimate: what is not used
        is not paid.

        Raises:
            StoreUnavailable: nothing could be stored, or only the answer was lost; nothing was sent.
        """
        if self._outbox.in_doubt:
            self._find()
        if key not in self._ends:
            intent = self._guard(
                lambda: self._outbox.reserve(
                    key, to, data, gas, lambda nonce: self._sign(to, data, gas, nonce), self._first_nonce
                )
            )
            self._begin(_Delivery(intent, again=False))
        return await asyncio.shield(self._ends[key])

    def _find(self) -> None:
        """Deliver what is pending without anybody knowing: all later nonces wait for it."""
        pending = self._outbox.pending()
        self._outbox.in_doubt = False
        for intent in pending:
            if intent.id not in self._under_way:
                self._begin(_Delivery(intent, again=True))

    def _guard(self, write: Callable[[], T]) -> T:
        try:
            return write()
        except Fenced as fault:
            if not self._fenced.done():
                self._fenced.set_exception(fault)
            raise

    # --- signing -----------------------------------------------------------------------------------------------

    @property
    def _base_fee(self) -> int:
        return self._poller.head.base_fee if self._poller.head else 0

    def _sign(
        self,
        to: str,
        data: bytes,
        gas: int,
        nonce: int,
        offer: fees.Fees | None = None,
        does_nothing: bool = False,
    ) -> Attempt:
        offer = offer or fees.first(self._base_fee, self._fee_cap)
        call = Call(self.address, b"", _NOTHING_GAS) if does_nothing else Call(crypto.address_bytes(to), data, gas)
        hash_, raw = sign(self._key, self._chain_id, nonce, call, offer)
        return Attempt(nonce, hash_, raw, offer.most, offer.tip, does_nothing)

    def _sign_again(
        self, intent: Intent, nonce: int, offer: fees.Fees | None = None, does_nothing: bool = False
    ) -> Attempt:
        return self._sign(intent.target, intent.data, intent.gas, nonce, offer, does_nothing)

    # --- delivering --------------------------------------------------------------------------------------------

    def _begin(self, delivery: _Delivery) -> "asyncio.Task[Receipt | None]":
        key = delivery.intent.key
        self._under_way[delivery.intent.id] = delivery
        task = self._ends[key] = asyncio.create_task(self._deliver(delivery))

        def ended(task: "asyncio.Task[Receipt | None]") -> None:
            self._under_way.pop(delivery.intent.id, None)
            if self._ends.get(key) is task:
                del self._ends[key]

        task.add_done_callback(ended)
        return task

    async def _deliver(self, delivery: _Delivery) -> Receipt | None:
        state, block, mined = await self._until_ended(delivery)
        received_ns = time.time_ns()
        closing = asyncio.create_task(self._close(delivery.intent, state, block))
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)
        level = logging.INFO if state == "mined" else logging.WARNING
        log.log(level, _SAID[state], extra=fields(**delivery.facts, block=block.number))
        if mined is None:
            return None
        return Receipt(delivery.intent.key, mined.hash, mined.succeeded, block, mined.gas_used, received_ns)

    async def _close(self, intent: Intent, state: str, block: Block) -> None:
        while True:
            try:
                self._outbox.close(intent, state, block)
                return
            except Fenced:
                return  # whoever took over finds the same receipt
            except StoreUnavailable as fault:
                log.error("outbox not written", extra=fields(**intent.key._asdict(), reason=str(fault)))
                await asyncio.sleep(_STORE_PAUSE)

    async def _until_ended(self, delivery: _Delivery) -> _End:
        """Send, send again, replace, until one of the attempts is mined or the nonce is another transaction's."""
        pause = _FIRST_PAUSE
        while True:
            try:
                end = await self._step(delivery)
                if end is not None:
                    return end
            except (RpcUnreachable, RpcRefused, StoreUnavailable) as fault:
                log.warning("sending failed", extra=fields(**delivery.facts, reason=str(fault)))
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE)

    async def _mined(self, delivery: _Delivery, everywhere: bool = False) -> _End | None:
        found = await self._net.mined(delivery.intent, everywhere)
        return None if found is None else _End.of(*found)

    async def _step(self, delivery: _Delivery) -> _End | None:
        if delivery.again:  # perhaps it is mined long since, or in vain
            end = await self._mined(delivery, everywhere=True) or await self._given_up(delivery)
            delivery.again = False
            if end is not None:
                return end
        latest = delivery.intent.latest
        if delivery.sent_at is None:
            answer = await self._net.send(latest)
            delivery.sent_at = time.monotonic()
            if isinstance(answer, Mined):
                return _End.of(latest, answer)
            return await self._after({answer} if answer else set(), delivery)
        if time.monotonic() - delivery.sent_at >= self._resend:
            end = await self._given_up(delivery)
            if end is not None or delivery.sent_at is None:
                return end
            refusals = await self._net.send_everywhere(latest)
            delivery.sent_at = time.monotonic()
            return await self._after(refusals, delivery, everywhere=True)
        return await self._mined(delivery)

    async def _after(self, refusals: set[Refusal], delivery: _Delivery, everywhere: bool = False) -> _End | None:
        """What to do about an attempt that was sent and is not mined yet."""
        self.problem = "the transmitter's account cannot pay; fund it" if Refusal.NO_FUNDS in refusals else ""
        end = await self._mined(delivery, everywhere or bool(refusals))
        if end is not None:
            return end
        if Refusal.NONCE_TOO_LOW in refusals:
            return await self._nonce_gone(delivery)
        late = time.monotonic() - delivery.signed_at >= 2 * self._resend
        if late and await self._gap_closed():
            return None
        if Refusal.REVERTED in refusals:
            return await self._given_up(delivery)
        if late or refusals & {Refusal.REPLACEMENT_UNDERPRICED, Refusal.FEE_TOO_LOW}:
            self._replace(delivery, delivery.intent.latest.does_nothing, "fee raised")
        return None

    async def _given_up(self, delivery: _Delivery) -> _End | None:
        """Where nothing is to be settled any more: close the nonce by a transaction that does nothing."""
        if delivery.intent.latest.does_nothing:
            return None
        reason = await self._net.would_revert(delivery.intent)
        if reason is None:
            return None
        end = await self._mined(delivery, everywhere=True)  # perhaps it is our own that has settled
        if end is None:
            self._replace(delivery, does_nothing=True, why=f"nonce closed, the report is in vain: {reason}")
        return end

    def _replace(self, delivery: _Delivery, does_nothing: bool, why: str) -> None:
        """Store another attempt under the same nonce; it is sent in the next step."""
        intent, latest = delivery.intent, delivery.intent.latest
        offer = fees.bumped(fees.Fees(latest.max_fee, latest.tip), self._base_fee, self._fee_cap)
        if offer is None:
            log.warning("fee at its cap", extra=fields(**delivery.facts, cap=self._fee_cap))
            return
        attempt = self._sign_again(intent, latest.nonce, offer, does_nothing)
        self._renewed(delivery, self._guard(lambda: self._outbox.replace(intent, attempt)), why)

    def _renewed(self, delivery: _Delivery, intent: Intent, why: str) -> None:
        delivery.intent = intent
        delivery.sent_at = None
        delivery.signed_at = time.monotonic()
        log.info("transaction replaced", extra=fields(**delivery.facts, why=why))

    async def _nonce_gone(self, delivery: _Delivery) -> _End | None:
        """A chain node says that the nonce is another transaction's. Believed when half of them say so."""
        intent, counts = delivery.intent, await self._net.counts()
        passed = [count for count in counts if count > intent.latest.nonce]
        if not passed or 2 * len(passed) < len(counts):
            return None
        end = await self._mined(delivery, everywhere=True)
        if end is not None or self._poller.head is None:
            return end
        if intent.latest.does_nothing or await self._net.would_revert(intent) is not None:
            return _End("cancelled", self._poller.head.block, None)
        moved = self._guard(
            lambda: self._outbox.renumber(intent, lambda nonce: self._sign_again(intent, nonce), passed[0])
        )
        self._renewed(delivery, moved, "its nonce was another transaction's")
        return None

    async def _gap_closed(self) -> bool:
        """Where the chain waits for a nonce below all of ours, number them anew; whether that was so."""
        counts = await self._net.counts()
        if not counts or not self._under_way:
            return False
        first = statistics.median_low(counts)
        if first >= min(delivery.intent.latest.nonce for delivery in self._under_way.values()):
            return False
        moved = self._guard(lambda: self._outbox.close_gap(first, self._sign_again))
        for id_, intent in moved.items():
            if id_ in self._under_way:
                self._renewed(self._under_way[id_], intent, f"the chain waits for nonce {first}")
        return True
