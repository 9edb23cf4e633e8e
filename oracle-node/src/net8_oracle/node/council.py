"""All agreements of a node: opens one per part of each slot that is over, hands envelopes on, submits verdicts."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Coroutine
from typing import Any

from coincurve import PrivateKey
from net8.contracts import Registry
from net8.eip712 import Domain
from net8.signing import Signature
from net8.units import REPORT_TIMEOUT_SLOTS, slot_end, slot_of, slot_start

from net8_oracle import crypto
from net8_oracle.clock import Clock
from net8_oracle.logs import fields
from net8_oracle.node.agreement import Agreement, EnvelopeRefused, Timing
from net8_oracle.node.chain import ChainView
from net8_oracle.node.envelopes import Key, Observation, Proposal, Vote, part_of
from net8_oracle.node.layers import Layers, by_layer
from net8_oracle.node.meters import Meters
from net8_oracle.node.metrics import Metrics
from net8_oracle.node.stamps import Stamps
from net8_oracle.node.store import Store
from net8_oracle.node.transmitter import Receipt, Transmitter
from net8_oracle.node.transport import Message, Transport

__all__ = ["Council", "report_gas"]

log = logging.getLogger(__name__)

_IN_FLIGHT = 8  # slots of a zone on which operators agree at the same time
_GAS_MOST = 16_700_000  # just under what one transaction may use
_GAS_BASE = 400_000
_GAS_PER_ENTRY = 80_000  # above the dearest settlement of a site and slot; what is not used is not paid


def report_gas(entries: int) -> int:
    """Gas limit of a report's transaction."""
    return min(_GAS_MOST, _GAS_BASE + _GAS_PER_ENTRY * entries)


class Council:
    """A node's part in its zones' agreements."""

    def __init__(
        self,
        *,
        key: PrivateKey,
        domain: Domain,
        registry: Registry,
        zones: list[int],
        clock: Clock,
        chain: ChainView,
        meters: Meters,
        layers: Layers,
        store: Store,
        transport: Transport,
        transmitter: Transmitter,
        timing: Timing,
        stamps: Stamps,
        metrics: Metrics,
    ) -> None:
        self.key = key
        self.me = crypto.own_address(key)
        self.domain = domain
        self.timing = timing
        self.chain = chain
        self.meters = meters
        self.layers = layers
        self.store = store
        self.transport = transport
        self.silent_reports: defaultdict[int, int] = defaultdict(int)
        self._metrics = metrics
        self.zones = zones
        self.last_settled: dict[int, int] = {}
        self.rests_on: dict[int, dict[str, int]] = {}  # zone -> layer -> sites it agreed with, in the latest report
        self._registry = registry
        self._clock = clock
        self._transmitter = transmitter
        self._stamps = stamps
        self._open: dict[Key, Agreement] = {}
        self._opened_until: dict[int, int] = {}  # zone -> first slot that is not opened
        self._tasks: set[asyncio.Task[None]] = set()
        self._ended: dict[Key, asyncio.Event] = {}
        transport.on_message = self.on_message
        transport.on_unreachable = self._on_unreachable
        chain.on_reported = self._on_reported
        chain.on_sites = self._on_sites

    # --- slots -------------------------------------------------------------------------------------------------

    async def run_zone(self, zone: int) -> None:
        """Open the zone's slots as they end, until cancelled. Slots missed while the process was down come first."""
        await self._clock.wait_until(1)
        current = slot_of(self._clock.now())
        remembered = self.store.next_slot(zone)
        slot = current if remembered is None else max(remembered, current - REPORT_TIMEOUT_SLOTS)
        self._opened_until[zone] = slot
        while True:
            for part in range(self.chain.parts(zone)):
                self.chain.prefetch(Key(zone, slot, part))
            await self._clock.wait_until(slot_end(slot))
            await self._open_slot(zone, slot, missed=slot < current)
            slot += 1

    async def _open_slot(self, zone: int, slot: int, missed: bool) -> None:
        keys = [Key(zone, slot, part) for part in range(self.chain.parts(zone))]
        agreements = [self._open.setdefault(key, Agreement(self, key)) for key in keys]
        self._opened_until[zone] = slot + 1
        if not self._may_sign(zone):
            reason = (
                f"the chain does not list signer {crypto.address_text(self.me)} in a zone of four operators or more; "
                "have it admitted or check the keystore"
            )
            log.error("refusing to sign", extra=fields(zone=zone, slot=slot, reason=reason))
        for agreement in agreements:
            self._ended.setdefault(agreement.key, asyncio.Event())
            if missed:
                await agreement.ask_chain()
            if not agreement.settled:
                agreement.begin()
        if not keys:
            self._advance(zone)

    def _may_sign(self, zone: int) -> bool:
        signers = self.chain.signers(zone)
        return self.me in signers and len(signers) >= 4

    def listed(self) -> dict[int, bool]:
        """Per zone, whether this node may sign."""
        return {zone: self._may_sign(zone) for zone in self.zones}

    def silent_sites(self, zone: int) -> list[int]:
        """Sites of a zone without a reading in their latest report."""
        return sorted(site for site, reports in self.silent_reports.items() if reports and site >> 16 == zone)

    def may_observe(self, key: Key) -> bool:
        """False while too many earlier slots of the zone are in flight."""
        earlier = sum(
            1 for other, one in self._open.items() if other.zone == key.zone and other.slot < key.slot and one.observing
        )
        return earlier < _IN_FLIGHT

    def _advance(self, zone: int) -> None:
        """Remember the earliest slot that is not finished."""
        unfinished = [key.slot for key in self._open if key.zone == zone]
        self.store.set_next_slot(zone, min([*unfinished, self._opened_until[zone]]))

    def in_progress(self) -> list[Agreement]:
        """Open agreements, by slot."""
        return [self._open[key] for key in sorted(self._open)]

    # --- readings, envelopes, chain ------------------------------------------------------------------------------

    def heard(self, site: int, boundary: int) -> None:
        """A site's reading at the start of slot `boundary` was accepted."""
        self.silent_reports[site] = 0
        if slot_start(boundary) > self._clock.now():
            self._clock.poke()
        index = site & 0xFFFF
        for slot in (boundary - 1, boundary):  # late readings may complete the slot after them too
            agreement = self._open.get(Key(site >> 16, slot, part_of(index)))
            if agreement is not None:
                agreement.heard(site)

    def on_message(self, message: Message) -> None:
        """An envelope from anybody."""
        agreement = self._agreement_of(message.key)
        if agreement is None:
            return
        try:
            if isinstance(message, Observation):
                agreement.on_observation(message)
            elif isinstance(message, Proposal):
                agreement.on_proposal(message)
            elif isinstance(message, Vote):
                agreement.on_vote(message)
            else:
                agreement.on_verdict(message)
        except EnvelopeRefused as fault:
            self.count("envelopes_refused")
            log.warning("envelope refused", extra=fields(kind=message.kind, **message.key._asdict(), reason=str(fault)))

    def _agreement_of(self, key: Key) -> Agreement | None:
        """The open agreement an envelope is about; one slot ahead of our clock, it is opened for it."""
        agreement = self._open.get(key)
        if agreement is not None or key.zone not in self._opened_until:
            return agreement
        first = self._opened_until[key.zone]
        if key.slot < first or key.part >= self.chain.parts(key.zone):
            return None
        if slot_end(key.slot) > self._clock.now():
            self._clock.poke()
        if key.slot > slot_of(self._clock.now()) + 1:
            return None
        self._open[key] = Agreement(self, key)
        return self._open[key]

    def _on_unreachable(self, signer: bytes) -> None:
        for agreement in list(self._open.values()):
            agreement.peer_unreachable(signer)

    def _on_sites(self, zone: int) -> None:
        if zone in self._opened_until:
            for part in range(self.chain.parts(zone)):
                self.chain.prefetch(Key(zone, self._opened_until[zone], part))

    def _on_reported(self, zone: int, entries_hash: bytes) -> None:
        """Somebody's report has settled something in the zone."""
        here = [agreement for key, agreement in self._open.items() if key.zone == zone and agreement.over]
        known = [agreement for agreement in here if agreement.knows(entries_hash)]
        for agreement in known or here:
            if agreement.transmitting:
                asyncio.get_running_loop().call_later(self.timing.settle, self._ask_later, agreement)
            elif known:
                agreement.settle(None)
            else:
                self.spawn(agreement.ask_chain(), "settlement")

    def _ask_later(self, agreement: Agreement) -> None:
        if not agreement.settled:
            self.spawn(agreement.ask_chain(), "settlement")

    # --- settlement --------------------------------------------------------------------------------------------

    async def transmit(self, agreement: Agreement) -> Receipt | None:
        """Submit a verdict, after those of earlier slots as far as they come in time."""
        verdict, key = agreement.verdict, agreement.key
        assert verdict is not None, "only verdicts are transmitted"
        votes = agreement.seated_votes(verdict)
        earlier = [
            self._ended[other].wait()
            for other, one in self._open.items()
            if other.zone == key.zone and other.slot < key.slot and one.observing and other in self._ended
        ]
        if earlier:
            _, late = await asyncio.wait([asyncio.ensure_future(one) for one in earlier], timeout=self.timing.settle)
            for one in late:
                one.cancel()
        if agreement.settled:
            return None
        words = verdict.words()
        seated = {seat: Signature.of_bytes(vote) for seat, vote in votes.items()}
        call = self._registry.report(key.zone, verdict.round, words, seated)
        return await self._transmitter.submit(key, call.to, call.data, report_gas(len(words)))

    def resumed(self, receipt: Receipt | None, key: Key) -> None:
        """A transaction left by a killed process has ended."""
        agreement = self._open.get(key)
        if agreement is not None and receipt is not None and receipt.succeeded:
            agreement.settle(receipt)

    def finished(self, agreement: Agreement, receipt: Receipt | None) -> None:
        """The part is settled."""
        key = agreement.key
        self._open.pop(key, None)
        self.last_settled[key.zone] = max(self.last_settled.get(key.zone, 0), key.slot)
        if rests_on := agreement.rests_on():
            self.rests_on[key.zone] = by_layer(rests_on)
        self.chain.forget(key)
        ended = self._ended.pop(key, None)
        if ended is not None:
            ended.set()
        self.count("settled")
        if receipt is not None and agreement.stamps.get("source_ns"):
            self._metrics.settled((agreement.stamps["receipt_ns"] - agreement.stamps["source_ns"]) / 1e9)
        self._stamps.write(
            {
                "node": crypto.address_text(self.me),
                **key._asdict(),
                "round": agreement.round,
                "sites": agreement.sites,
                "transmitter": receipt is not None,
                **agreement.stamps,
                **({"hash": "0x" + receipt.hash.hex(), "gas_used": receipt.gas_used} if receipt else {}),
            }
        )
        if key.zone in self._opened_until:
            self._advance(key.zone)
        for other in self.in_progress():
            other.look()

    def count(self, what: str) -> None:
        """Count an event for the metrics."""
        self._metrics.count(what)

    # --- background --------------------------------------------------------------------------------------------

    def spawn(self, work: Coroutine[Any, Any, None], what: str) -> None:
        """Run in the background; a fault is logged."""
        task = asyncio.create_task(self._guarded(work, what))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _guarded(self, work: Coroutine[Any, Any, None], what: str) -> None:
        try:
            await work
        except EnvelopeRefused as fault:
            log.warning("envelope refused", extra=fields(kind=what, reason=str(fault)))
        except ConnectionError as fault:
            log.warning("chain not reached", extra=fields(work=what, reason=str(fault)))
        except Exception:
            log.exception("fault in the background", extra=fields(work=what))

    async def close(self) -> None:
        """Stop what runs in the background."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
