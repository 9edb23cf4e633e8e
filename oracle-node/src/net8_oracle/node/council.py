"""All agreements of a node: opens one per part of each slot that is over, hands envelopes on, submits verdicts."""

import asyncio
import logging
import math
from collections import defaultdict
from collections.abc import Coroutine
from typing import Any

from coincurve import PrivateKey
from net8.contracts import Records, Registry
from net8.eip712 import Domain
from net8.logs import fields
from net8.signing import Signature
from net8.units import REPORT_TIMEOUT_SLOTS, SLOT_SECONDS, slot_end, slot_of, slot_start

from net8_oracle import crypto
from net8_oracle.clock import Block, Clock
from net8_oracle.node.agreement import Agreement
from net8_oracle.node.attachments import RECORD_GAS, Attachments
from net8_oracle.node.chain import ChainView
from net8_oracle.node.envelopes import (
    Key,
    Observation,
    Proposal,
    SignedReadings,
    Verdict,
    Vote,
    observation_digest,
    part_of,
)
from net8_oracle.node.layers import Layers, by_layer
from net8_oracle.node.meters import Meters
from net8_oracle.node.metrics import Metrics
from net8_oracle.node.outbox import Intent
from net8_oracle.node.pace import Pace
from net8_oracle.node.stamps import Stamps
from net8_oracle.node.store import Store, StoreUnavailable
from net8_oracle.node.transmitter import Receipt, Transmitter
from net8_oracle.node.transport import Message, Transport
from net8_oracle.node.world import EnvelopeRefused, Timing
from net8_oracle.rpc import RpcRefused, RpcUnreachable

__all__ = ["Council", "report_gas"]

log = logging.getLogger(__name__)

_STORE_PAUSE = 1.0  # seconds until a full disk is tried again
_IN_FLIGHT = 8  # slots of a zone on which operators agree at the same time
_VERDICTS_KEPT = 512
_ALL_SILENT = 43_200  # seconds after a slot: half of what the OracleCourt leaves before it takes an alert
_CHAIN_PAUSE = 5.0  # seconds until a chain that did not answer is asked again
_PREPARE_AFTER, _PREPARE_LATEST = 0.1, 1.0  # seconds after the slot before was opened
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
        records: Records,
        attachments: Attachments,
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
        self.pace = Pace(timing.round)
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
        self._records = records
        self._attachments = attachments
        self._clock = clock
        self._transmitter = transmitter
        self._stamps = stamps
        self._open: dict[Key, Agreement] = {}
        self._opened_until: dict[int, int] = {}  # zone -> first slot that is not opened
        self._decided: dict[
            Key, tuple[float, Verdict, dict[bytes, float]]
        ] = {}  # the latest, for operators that were away
        self._tasks: set[asyncio.Task[None]] = set()
        self._ended: dict[Key, asyncio.Event] = {}
        transport.on_message = self.on_message
        transport.on_unreachable = self._on_unreachable
        chain.on_reported = self._on_reported
        chain.on_sites = self._on_sites
        chain.on_replaced = self._on_replaced

    # --- slots -------------------------------------------------------------------------------------------------

    async def run_zone(self, zone: int) -> None:
        """Open the zone's slots as they end, until cancelled. Slots missed while the process was down come first."""
        await self._clock.wait_until(1)
        current = slot_of(self._clock.now())
        remembered = self.store.next_slot(zone)
        slot = current if remembered is None else max(remembered, current - REPORT_TIMEOUT_SLOTS)
        self._opened_until[zone] = slot
        self._advance(zone)  # a process that ends before its first settlement has a beginning to come back to
        while True:
            self._prepare(zone, slot)
            await self._clock.wait_until(slot_end(slot))
            while True:
                try:
                    await self._open_slot(zone, slot, missed=slot < current)
                    break
                except StoreUnavailable as fault:
                    log.error("slot not opened", extra=fields(zone=zone, slot=slot, reason=str(fault)))
                    await asyncio.sleep(_STORE_PAUSE)
            slot += 1

    def _prepare(self, zone: int, slot: int) -> None:
        """Do what a round in the slot would wait for before it ends: read what was bought, be free to sign.

        It is not begun in the middle of a round of the slot before, unless that lasts.
        """
        loop = asyncio.get_running_loop()
        loop.call_later(_PREPARE_AFTER, self._prepare_now, zone, slot, loop.time() + _PREPARE_LATEST)

    def _prepare_now(self, zone: int, slot: int, latest: float) -> None:
        loop = asyncio.get_running_loop()
        if slot < self._opened_until[zone]:
            return
        if self.agreeing() and loop.time() < latest:
            loop.call_later(_PREPARE_AFTER, self._prepare_now, zone, slot, latest)
            return
        for part in range(self.chain.parts(zone)):
            self.chain.prefetch(Key(zone, slot, part))
        try:
            self.store.pledges.reserve(zone, slot)
        except StoreUnavailable as fault:  # tried again when something is to be signed
            log.error("slot not reserved", extra=fields(zone=zone, slot=slot, reason=str(fault)))

    async def watch_silence(self, zone: int) -> None:
        """Have traded slots of which no reading has come for long reported without any, until cancelled.

        A gateway that was cut off delivers late, so this waits long; an alert would charge the zone's operators.
        """
        while True:
            due = slot_of(max(0, self._clock.now() - _ALL_SILENT))
            try:
                for agreement in self.in_progress():
                    if agreement.key.zone == zone and agreement.key.slot < due:
                        await agreement.report_silence()
            except (RpcUnreachable, RpcRefused) as fault:
                log.warning("silent slots not looked at", extra=fields(zone=zone, reason=str(fault)))
                await asyncio.sleep(_CHAIN_PAUSE)
                continue
            await self._clock.wait_until(slot_end(due) + _ALL_SILENT)

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
            if not agreement.settled and not agreement.over:
                await (self._take_up(agreement) if missed else self._begin(agreement))
        if not keys:
            self._advance(zone)

    async def _begin(self, agreement: Agreement) -> None:
        self._ended.setdefault(agreement.key, asyncio.Event())
        agreement.begin()

    async def _take_up(self, agreement: Agreement) -> None:
        """Go on with a slot of the past, with its verdict if that is kept and still counts."""
        self._ended.setdefault(agreement.key, asyncio.Event())
        delivered = self._transmitter.delivers(agreement.key)
        await agreement.ask_chain()
        if delivered and not agreement.settled and not self._transmitter.delivers(agreement.key):
            await agreement.ask_chain()  # what was under way has ended since the chain answered
        if agreement.settled:
            return
        verdict = self.store.verdict(agreement.key)
        if verdict is None:
            agreement.begin()
            return
        try:
            agreement.recall(verdict)
            log.info("verdict recalled", extra=fields(**agreement.key._asdict(), round=verdict.round))
        except EnvelopeRefused as fault:
            log.warning("verdict not recalled", extra=fields(**agreement.key._asdict(), reason=str(fault)))
            agreement.begin()

    async def take_up_kept(self) -> None:
        """Go on with verdicts that were there before a restart and are not settled, in their order."""
        for verdict in self.store.unsettled():
            await self.take_up_again(verdict.key)

    def vanished(self, intents: list[Intent], keys: list[Key]) -> None:
        """What had ended in a block that was replaced, has not: do it again. The contract refuses what it has."""
        self.spawn(self._transmitter.go_on(intents, self.resumed), "transaction")
        for key in keys:
            self.spawn(self.take_up_again(key), "settlement")

    async def take_up_again(self, key: Key) -> None:
        """What was settled or agreed on, is not on chain."""
        if key.zone in self.zones and key not in self._open:
            agreement = self._open[key] = Agreement(self, key)
            await self._take_up(agreement)

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
            1
            for other, one in self._open.items()
            if other.zone == key.zone and other.slot < key.slot and one.observing and one.verdict is None
        )
        return earlier < _IN_FLIGHT

    def agreeing(self) -> bool:
        """Whether some part has an observation of ours and no verdict yet, in its first round."""
        return any(
            one.observing and one.round == 0 and one.verdict is None and not one.settled for one in self._open.values()
        )

    def _advance(self, zone: int) -> None:
        """Remember the earliest slot that is not finished."""
        unfinished = [key.slot for key in self._open if key.zone == zone]
        try:
            self.store.set_next_slot(zone, min([*unfinished, self._opened_until[zone]]))
        except StoreUnavailable as fault:  # after a restart, slots that are settled are looked at again
            log.error("progress not stored", extra=fields(zone=zone, reason=str(fault)))

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
            if isinstance(message, Observation) and message.key in self._decided:
                self._tell_decided(message)
            return
        try:
            if isinstance(message, Observation):
                agreement.on_observation(message)
            elif isinstance(message, Proposal):
                agreement.on_proposal(message)
            elif isinstance(message, Vote):
                agreement.on_vote(message)
            elif isinstance(message, SignedReadings):
                agreement.on_readings(message)
            else:
                agreement.on_verdict(message)
        except EnvelopeRefused as fault:
            self.count("envelopes_refused")
            log.warning("envelope refused", extra=fields(kind=message.kind, **message.key._asdict(), reason=str(fault)))

    def _tell_decided(self, observation: Observation) -> None:
        """An operator that was away observes what is settled: it gets the verdict."""
        decided_at, verdict, told = self._decided[observation.key]
        now = asyncio.get_running_loop().time()
        if now - decided_at < self.timing.round:
            return  # it was only slower than the others, and the verdict is on its way
        digest = observation_digest(self.domain, observation.key, observation.round, observation.readings)
        try:
            signer = crypto.recover(digest, observation.signature)
        except crypto.SignatureInvalid:
            self.count("envelopes_refused")
            return
        if signer not in self.chain.signers(observation.zone) or signer == self.me:
            return
        if now - told.get(signer, -math.inf) >= self.timing.round:
            told[signer] = now
            self.transport.send(signer, verdict)

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
            self._prepare(zone, self._opened_until[zone])

    def _on_replaced(self) -> None:
        """Blocks may have been replaced: what they told is read anew."""
        for agreement in list(self._open.values()):
            if agreement.over:
                self.spawn(agreement.ask_chain(), "settlement")

    def _on_reported(self, zone: int, entries_hash: bytes, block: Block) -> None:
        """Somebody's report has settled something in the zone, in a block."""
        here = [agreement for key, agreement in self._open.items() if key.zone == zone and agreement.over]
        known = [agreement for agreement in here if agreement.knows(entries_hash)]
        for agreement in known or here:
            if agreement.sent:
                asyncio.get_running_loop().call_later(self.timing.settle, self._ask_later, agreement)
            elif known:
                agreement.settle(None, block)
            else:
                self.spawn(agreement.ask_chain(), "settlement")

    def _ask_later(self, agreement: Agreement) -> None:
        if not agreement.settled:
            self.spawn(agreement.ask_chain(), "settlement")

    # --- settlement --------------------------------------------------------------------------------------------

    async def transmit(self, agreement: Agreement) -> Receipt | None:
        """Submit a verdict, after those of earlier slots. While the chain is gone it is kept, as theirs are."""
        key, gone = agreement.key, not self.chain.reachable
        if gone:
            log.info("chain gone, report kept", extra=fields(**key._asdict()))
            for other in self.in_progress():
                other.look()  # one less is in flight
            await self.chain.until_reachable()
            agreement.recalled = True
        if (await self._earlier_first(agreement) or gone) and agreement.panel.listed:
            # Everybody was held up until now: the stages begin anew, so that not all submit at once.
            await asyncio.sleep(self.timing.settle * agreement.panel.rank((agreement.verdict or agreement).round))
        if agreement.settled or agreement.verdict is None:
            return None
        if agreement.recalled and (not await self._still_follows(agreement) or agreement.settled):
            return None
        verdict = agreement.verdict
        seated = {seat: Signature.of_bytes(vote) for seat, vote in agreement.panel.seated_votes(verdict).items()}
        words = verdict.words()
        gas = report_gas(len(words))
        brought = await self._attachments.of(key, (_GAS_MOST - gas) // RECORD_GAS)
        if agreement.settled:
            return None
        report = key.zone, verdict.round, words, seated
        call = self._records.report(*report, brought) if brought else self._registry.report(*report)
        gas += RECORD_GAS * len(brought)
        agreement.sent = True
        while True:
            try:
                return await self._transmitter.submit(key, call.to, call.data, gas)
            except StoreUnavailable as fault:
                log.error("report not sent", extra=fields(**key._asdict(), reason=str(fault)))
                await asyncio.sleep(_STORE_PAUSE)
                if agreement.settled:
                    return None

    async def _earlier_first(self, agreement: Agreement) -> bool:
        """Wait for earlier slots of the zone: to the end for those with a verdict, for others as long as usual.

        Returns whether there was anything to wait for.
        """
        key, patient, waited = agreement.key, True, False
        while not agreement.settled:
            earlier = [
                self._ended[other].wait()
                for other, one in self._open.items()
                if other.zone == key.zone
                and other.slot < key.slot
                and other in self._ended
                and (one.verdict is not None or (patient and one.observing))
            ]
            if not earlier:
                break
            waited = True
            tasks = [asyncio.ensure_future(one) for one in earlier]
            _, late = await asyncio.wait(tasks, timeout=self.timing.settle)
            for one in late:
                one.cancel()
            patient = False
        return waited

    async def _still_follows(self, agreement: Agreement) -> bool:
        """Whether a verdict that has waited still says what was bought; else it is replaced, or dropped if too late."""
        key = agreement.key
        if self._clock.now() >= slot_end(key.slot) + REPORT_TIMEOUT_SLOTS * SLOT_SECONDS:
            log.error("report too late for the exchange, which settles without it", extra=fields(**key._asdict()))
            agreement.abandon()
            self._close(key)
            self._advance(key.zone)
            return False
        if agreement.imports_follow_from(await self.chain.bought(key)):
            return True
        log.warning("report dropped, more or less was bought", extra=fields(**key._asdict()))
        return False

    def resumed(self, receipt: Receipt | None, key: Key) -> None:
        """A transaction left by a killed process, or vanished in a reorg, has ended."""
        agreement = self._open.get(key)
        if receipt is None or not receipt.succeeded:
            return
        if agreement is not None:
            agreement.settle(receipt, receipt.block)
        else:
            self._note_settled(key, receipt.block, None)

    def _note_settled(self, key: Key, block: Block, verdict: Verdict | None) -> None:
        try:
            self.store.settled(key, block, verdict)
        except StoreUnavailable as fault:  # it is settled; a reorg would go unnoticed here
            log.error("settlement not stored", extra=fields(**key._asdict(), reason=str(fault)))

    def _close(self, key: Key) -> None:
        self._open.pop(key, None)
        self.chain.forget(key)
        ended = self._ended.pop(key, None)
        if ended is not None:
            ended.set()

    def finished(self, agreement: Agreement, receipt: Receipt | None, block: Block) -> None:
        """The part is settled as of a block."""
        key = agreement.key
        self._close(key)
        if agreement.verdict is not None:
            self._decided[key] = asyncio.get_running_loop().time(), agreement.verdict, {}
            if len(self._decided) > _VERDICTS_KEPT:
                del self._decided[next(iter(self._decided))]
        self.last_settled[key.zone] = max(self.last_settled.get(key.zone, 0), key.slot)
        if rests_on := agreement.rests_on():
            self.rests_on[key.zone] = by_layer(rests_on)
        self._note_settled(key, block, agreement.verdict)
        self.count("settled")
        if receipt is not None and agreement.stamps.get("source_ns"):
            self._metrics.settled((agreement.stamps["receipt_ns"] - agreement.stamps["source_ns"]) / 1e9)
        self._stamps.write(
            {
                "node": crypto.address_text(self.me),
                **key._asdict(),
                "round": agreement.round,
                "sites": agreement.attendance.sites,
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
        except StoreUnavailable as fault:
            log.error("not stored, so not done", extra=fields(work=what, reason=str(fault)))
        except Exception:
            log.exception("fault in the background", extra=fields(work=what))

    async def close(self) -> None:
        """Stop what runs in the background."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
