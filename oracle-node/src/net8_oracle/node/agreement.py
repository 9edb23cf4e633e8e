"""Agreement of a zone's operators on one part of one slot, from readings to settlement.

Rounds go by as in OCR. In each round every operator signs what it has of every site and tells the round's leader
(observation), who attaches a quorum of observations to the report that follows from them and tells everybody
(proposal); each operator derives the report again, compares it with its own readings and signs it (vote); with a quorum
of votes it is final (verdict) and the leader submits it. An observation that no proposal shows in time goes to
everybody. Whoever has the verdict can submit it, and does so in stages when the leader does not. A round
without result ends by deadline; the first rounds, as many as there may be faulty leaders in a row, end at once when the
leader is unreachable or proposes what does not follow. A node that comes late is told where the others are: it gets the
verdict, or the present round's observation and proposal, in answer to its own observation.

Safety rests on pledges (`net8_oracle.node.pledges`): nothing else is ever signed in the place of what was.
"""

import asyncio
import logging
import math
import time
from collections import defaultdict
from collections.abc import Callable, Mapping

from net8.eip712 import Report as ReportMessage
from net8.logs import fields
from net8.packing import join_words
from net8.signing import keccak256
from net8.units import slot_end

from net8_oracle import crypto
from net8_oracle.clock import Block
from net8_oracle.node import report
from net8_oracle.node.attendance import Attendance
from net8_oracle.node.contest import Contest
from net8_oracle.node.envelopes import (
    Attached,
    Key,
    Observation,
    Proposal,
    SignedReadings,
    Verdict,
    Vote,
    observation_digest,
    proposal_digest,
)
from net8_oracle.node.evidence import of_operator
from net8_oracle.node.panel import Panel
from net8_oracle.node.pledges import Pledge
from net8_oracle.node.store import StoreUnavailable
from net8_oracle.node.transmitter import Receipt
from net8_oracle.node.world import EnvelopeRefused, World
from net8_oracle.reading import ReadingRefused
from net8_oracle.rpc import RpcRefused, RpcUnreachable

__all__ = ["Agreement"]

log = logging.getLogger(__name__)

_ROUNDS_AHEAD = 8  # observations of rounds further ahead are only counted, not kept
_STORE_PAUSE = 1.0  # seconds until a full disk is tried again
_KEEP_AFTER = 0.25  # seconds after which a verdict that is not settled is stored by itself


Signed = Observation | Proposal | Verdict


class Agreement:
    """One part of one slot."""

    def __init__(self, world: World, key: Key) -> None:
        self.key = key
        self._world = world
        self.round = 0
        self.over = False  # the slot is, by our clock
        self.settled = False
        self.transmitting = False
        self.sent = False  # to a chain node, not only kept for one
        self.observing = False
        self.verdict: Verdict | None = None
        self.recalled = False  # the verdict was final before a restart or a reorg
        self.stamps: dict[str, int] = {}
        self.panel = Panel(world, key)
        self.attendance = Attendance(world, key, self.look)
        self._idle = False  # known to be over without a trade
        self._deadline: asyncio.TimerHandle | None = None
        self._linger: asyncio.TimerHandle | None = None
        self._stage: asyncio.TimerHandle | None = None
        self._telling: asyncio.TimerHandle | None = None
        self._lingered = False
        self._observed: defaultdict[int, dict[bytes, Observation]] = defaultdict(dict)
        self._furthest: dict[bytes, int] = {}  # signer -> highest round it was heard in
        self._proposals: dict[int, Proposal] = {}
        self._votes: dict[bytes, bytes] = {}  # signer -> signature of this round's report
        self._reports: dict[bytes, tuple[int, ...]] = {}  # digest -> entries this node derived itself
        self._contest = Contest(key, world.meters, world.store, world.transport)
        self._observed_at = 0.0  # when this round's observation was sent, by the loop's clock
        self._verdict_at = 0.0  # when the verdict was there
        self._told: dict[bytes, float] = {}  # signer -> when it was last told where we are

    def _facts(self, **more: object) -> dict[str, dict[str, object]]:
        return fields(**self.key._asdict(), round=self.round, **more)

    def knows(self, entries_hash: bytes) -> bool:
        """Whether a report with this hash of entries is about this agreement."""
        known = [*self._reports.values(), *([self.verdict.words()] if self.verdict else [])]
        return any(keccak256(join_words(words)) == entries_hash for words in known)

    def rests_on(self) -> dict[int, int]:
        """Layers that agree with each reading of the final report, by site index; empty without its proposal."""
        proposal = self._proposals.get(self.verdict.round) if self.verdict is not None else None
        if proposal is None:
            return {}
        return report.rests_on([one.readings for one in proposal.observations], len(self.panel.seats))

    # --- readings ----------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """The slot is over: wait for the readings that are still missing.

        Raises:
            StoreUnavailable: what was signed before is not known, so nothing may be signed; try again.
        """
        if self.verdict is None and (round_ := self._world.store.pledges.begins_in(self.key)) > self.round:
            log.info("taken up in a later round", extra=self._facts(to=round_))
            self.round = round_
        self.over = True
        self.attendance.begin()
        self.look()

    def heard(self, site: int) -> None:
        """A site's reading at the end of the slot has come."""
        if self.over and not self.settled and self.attendance.heard(site):
            self.look()

    def look(self) -> None:
        """Observe if it is time to."""
        if not self.over or self.observing or self.settled or not self.panel.listed or self.verdict is not None:
            return
        if self.attendance.is_complete() and self._world.may_observe(self.key):
            self.observing = True
            self.stamps |= {"complete_ns": time.time_ns(), "source_ns": self.attendance.source_ns()}
            self.attendance.close()
            self._observe()

    async def report_silence(self) -> None:
        """No reading has come for very long: if anything was traded, sign that there is none, lest an alert says so.

        Raises:
            RpcUnreachable, RpcRefused: the chain does not tell whether anything was traded; try again.
        """
        if not self.over or self.observing or self.settled or self.attendance.anybody or self._idle:
            return
        self._idle = not await self._world.chain.traded(self.key)
        if not self._idle and not self.attendance.anybody:
            self.attendance.all_silent()
            self.look()

    # --- observation -------------------------------------------------------------------------------------------

    def _observe(self) -> None:
        """Sign what we have of every site for the current round, and tell its leader."""
        world, readings = self._world, self.attendance.words()
        pledge = Pledge(
            observation_digest(world.domain, self.key, self.round, readings),
            join_words(readings),
        )
        try:
            held = world.store.pledges.pledge("observation", self.key, self.round, pledge)
        except StoreUnavailable as fault:
            log.error("observation not signed", extra=self._facts(reason=str(fault)))
            self._later(_STORE_PAUSE, self._observe_after_all)
            return
        if held is None:  # before a restart, something may have been
            self._enter(self.round + 1)
            return
        if held.digest != pledge.digest:  # signed before, with what was known then
            readings = [int.from_bytes(held.content[at : at + 32]) for at in range(0, len(held.content), 32)]
        signature = crypto.sign(world.key, held.digest)
        observation = Observation(**self.key._asdict(), round=self.round, readings=readings, signature=signature)
        self.stamps["observed_ns"] = time.time_ns()
        if (leader := self.panel.leader(self.round)) != world.me:
            world.transport.send(leader, observation)
        self._cancel(self._telling)
        self._telling = self._later(world.pace.deadline(0) / 2, self._tell_everybody)
        self._arm_deadline()
        self._observed_at = asyncio.get_running_loop().time()
        for signer, theirs in self._observed[self.round].items():
            if signer != world.me:
                self._contest.compare(readings, theirs.readings)
        self._take(world.me, observation)

    def _tell_everybody(self) -> None:
        """Broadcast our observation when no proposal shows it: the leader may be of no use, or has it not."""
        own = self._observed[self.round].get(self._world.me)
        if own is None or self.settled or self.verdict is not None:
            return
        proposal = self._proposals.get(self.round)
        if proposal is None or all(one.signature != own.signature for one in proposal.observations):
            self._world.transport.broadcast(own)

    def _observe_after_all(self) -> None:
        if not self.settled and self.panel.listed and self._world.me not in self._observed[self.round]:
            self._observe()

    def on_observation(self, observation: Observation) -> None:
        """A peer's observation.

        Raises:
            EnvelopeRefused: it is no operator's, or no honest one's.
        """
        signer = self.panel.check_observation(observation.round, observation.readings, observation.signature)
        self._tell_where_we_are(signer, observation.round)
        if self.round - 1 <= observation.round <= self.round + _ROUNDS_AHEAD:
            before = self._observed[observation.round].get(signer)
            if before is not None and before.readings != observation.readings:
                self._equivocated("observation", signer, before, observation)
                raise EnvelopeRefused(f"operator {crypto.address_text(signer)} signed two different observations")
            self._take(signer, observation)
        else:
            self._heard_of(signer, observation.round)
        self._follow_others()

    def _equivocated(self, kind: str, signer: bytes, first: Signed, second: Signed) -> None:
        """Keep two statements of an operator that cannot both be honest."""
        self._world.count("equivocations")
        evidence = of_operator(kind, signer, self.key, second.round, first, second)
        try:
            self._world.store.add_evidence(evidence)
        except StoreUnavailable as fault:
            log.error("evidence not stored", extra=self._facts(reason=str(fault), content=evidence.content.decode()))
        facts = self._facts(kind=kind, operator=crypto.address_text(signer), evidence=evidence.id.hex())
        log.error("operator equivocated", extra=facts)

    def _tell_where_we_are(self, signer: bytes, round_: int) -> None:
        """Answer an operator who is behind, or who observes what was decided a while ago."""
        world, now = self._world, asyncio.get_running_loop().time()
        if signer == world.me or now - self._told.get(signer, -math.inf) < world.timing.round:
            return  # an old observation that is replayed draws no more answers than that
        if self.verdict is not None:
            if now - self._verdict_at > world.timing.round:
                self._told[signer] = now
                world.transport.send(signer, self.verdict)
        elif round_ < self.round and (own := self._observed[self.round].get(world.me)) is not None:
            self._told[signer] = now
            world.transport.send(signer, own)
            if (proposal := self._proposals.get(self.round)) is not None:
                world.transport.send(signer, proposal)

    def on_readings(self, shown: SignedReadings) -> None:
        """Signed readings that a peer shows because an observation contradicted its own.

        Raises:
            EnvelopeRefused: they are no meters' of this part and slot.
        """
        try:
            if self._contest.shown(shown):
                self._world.count("doubled_readings")
        except ReadingRefused as fault:
            raise EnvelopeRefused(str(fault)) from None

    def _heard_of(self, signer: bytes, round_: int) -> None:
        self._furthest[signer] = max(self._furthest.get(signer, 0), round_)

    def _take(self, signer: bytes, observation: Observation) -> None:
        """Take up an observation, whether its operator told us or the leader showed it."""
        self._heard_of(signer, observation.round)
        self._observed[observation.round][signer] = observation
        own = self._observed[self.round].get(self._world.me)
        if own is not None and signer != self._world.me:
            self._contest.compare(own.readings, observation.readings)
        if observation.round == self.round:
            self._try_to_propose()

    def _follow_others(self) -> None:
        """Go to a later round once f + 1 operators, so at least one honest one, are there."""
        ahead = sorted((round_ for round_ in self._furthest.values() if round_ > self.round), reverse=True)
        enough = self.panel.faulty
        if len(ahead) > enough:
            self._enter(ahead[enough])

    # --- rounds ------------------------------------------------------------------------------------------------

    def _enter(self, round_: int) -> None:
        """Begin a later round."""
        if round_ <= self.round or self.settled:
            return
        log.info("next round", extra=self._facts(to=round_))
        self._world.count("round_changes")
        self.round = round_
        self._votes = {}
        self._lingered = False
        self._cancel(self._linger)
        for past in [past for past in self._observed if past < round_ - 1]:
            del self._observed[past]
        if self.observing and self.panel.listed:
            self._observe()
        self._try_to_propose()
        if (proposal := self._proposals.get(round_)) is not None:
            self._world.spawn(self._consider(proposal), "proposal")

    def _arm_deadline(self) -> None:
        self._cancel(self._deadline)
        self._deadline = self._later(self._world.pace.deadline(self.round - self.panel.faulty), self._give_up_round)

    def _skip_round(self) -> None:
        """The leader is of no use: go on at once, unless that has not helped as often as leaders can be faulty."""
        if self.round <= self.panel.faulty:
            self._enter(self.round + 1)

    def _give_up_round(self) -> None:
        """The round has taken too long. Go on only with a quorum: who runs ahead alone is never caught up with."""
        if self.settled or self.verdict is not None:
            return
        here = sum(self._furthest.get(signer, -1) >= self.round for signer in self.panel.seats)
        if here >= self.panel.quorum:
            self._enter(self.round + 1)
            return
        own = self._observed[self.round].get(self._world.me)
        if own is not None:
            self._world.transport.broadcast(own)  # somebody may have missed it
        self._arm_deadline()

    def peer_unreachable(self, signer: bytes) -> None:
        """A peer certainly did not get what was sent to it: do not wait for it if it leads."""
        stuck = self.observing and self.verdict is None and self.round not in self._proposals
        if stuck and self.panel.leader(self.round) == signer:
            self._skip_round()

    # --- proposal ----------------------------------------------------------------------------------------------

    def _try_to_propose(self) -> None:
        """As leader with a quorum of observations: propose, after lingering for the rest."""
        if not self.over or self.settled or not self.panel.listed or self.panel.leader(self.round) != self._world.me:
            return
        if self.round in self._proposals or self.verdict is not None:
            return
        seats = self.panel.seats
        there = sum(signer in seats for signer in self._observed[self.round])  # a signer may have been replaced
        if there == len(seats) or (self._lingered and there >= self.panel.quorum):
            self._cancel(self._linger)
            self._world.spawn(self._propose(self.round), "proposal")
        elif there >= self.panel.quorum and self._linger is None:
            self._linger = self._later(self._world.timing.linger, self._stop_lingering)

    def _stop_lingering(self) -> None:
        self._lingered = True
        self._linger = None
        self._try_to_propose()

    async def _derive(self, round_: int, observations: list[list[int]]) -> tuple[bytes, tuple[int, ...], list[int]]:
        """The report that follows from a round's observations: digest, entries, and what was agreed of each site."""
        agreed = report.agree(observations, len(self.panel.seats))
        entries = report.settlement_entries(agreed, self.key.slot, await self._world.chain.bought(self.key))
        digest = ReportMessage(self.key.zone, round_, entries).digest(self._world.domain)
        return digest, entries, agreed

    async def _propose(self, round_: int) -> None:
        seats, world = self.panel.seats, self._world
        there = self._observed[round_]
        attached = [there[signer] for signer in seats if signer in there]
        digest, entries, _ = await self._derive(round_, [observation.readings for observation in attached])
        if self.round != round_ or self.settled or round_ in self._proposals or not entries:
            return
        held = world.store.pledges.pledge("proposal", self.key, round_, Pledge(digest, b""))
        if held is None or held.digest != digest:
            return  # proposed something else before, or may have before a restart; the next round's leader goes on
        proposal = Proposal(
            **self.key._asdict(),
            round=round_,
            report=digest,
            observations=[Attached(readings=one.readings, signature=one.signature) for one in attached],
            signature=crypto.sign(world.key, proposal_digest(world.domain, self.key, round_, digest)),
        )
        world.transport.broadcast(proposal)
        self._proposals[round_] = proposal
        await self._consider(proposal)

    def on_proposal(self, proposal: Proposal) -> None:
        """The leader's proposal.

        Raises:
            EnvelopeRefused: it is not the leader's.
        """
        before = self._proposals.get(proposal.round)
        if proposal.round < self.round or self.settled or (before is not None and before.report == proposal.report):
            return
        signed = proposal_digest(self._world.domain, self.key, proposal.round, proposal.report)
        try:
            signer = crypto.recover(signed, proposal.signature)
        except crypto.SignatureInvalid as fault:
            raise EnvelopeRefused(f"proposal: {fault}") from None
        if signer != self.panel.leader(proposal.round):
            raise EnvelopeRefused(
                f"proposal of {crypto.address_text(signer)}, who does not lead round {proposal.round}"
            )
        if before is not None:
            self._equivocated("proposal", signer, before, proposal)
            raise EnvelopeRefused(f"operator {crypto.address_text(signer)} signed two different proposals")
        if proposal.round > self.round + _ROUNDS_AHEAD:
            return
        self._proposals[proposal.round] = proposal
        self._world.spawn(self._consider(proposal), "proposal")

    async def _consider(self, proposal: Proposal) -> None:
        """Check a proposal of the round's leader and vote for it, or go on to the next round."""
        try:
            digest, entries = await self._checked(proposal)
        except EnvelopeRefused as fault:
            log.warning("proposal refused", extra=self._facts(proposed_in=proposal.round, reason=str(fault)))
            self._world.count("proposals_refused")
            if self.observing and proposal.round == self.round:
                self._skip_round()
            return
        if proposal.round > self.round:
            self._enter(proposal.round)
            return  # entering considers it again
        if proposal.round == self.round and not self.settled and self.panel.listed:
            self._reports[digest] = entries
            self._vote(digest, entries)

    async def _checked(self, proposal: Proposal) -> tuple[bytes, tuple[int, ...]]:
        """Digest and entries of a proposal that follows from its observations and does not contradict our readings."""
        known = self._observed.get(proposal.round, {})
        signers = set()
        for attached in proposal.observations:
            signer = next(
                (
                    signer
                    for signer, one in known.items()
                    if one.signature == attached.signature and one.readings == attached.readings
                ),
                None,
            ) or self.panel.check_observation(proposal.round, attached.readings, attached.signature)
            signers.add(signer)
            self._take_attached(signer, known.get(signer), proposal, attached)
        if len(signers) < len(proposal.observations) or len(signers) < self.panel.quorum:
            raise EnvelopeRefused(f"{len(signers)} operators' observations are attached; a quorum is needed, each once")
        digest, entries, agreed = await self._derive(
            proposal.round, [attached.readings for attached in proposal.observations]
        )
        if digest != proposal.report:
            raise EnvelopeRefused("the report does not follow from the observations attached")
        self._check_own(agreed)
        return digest, entries

    def _take_attached(self, signer: bytes, known: Observation | None, proposal: Proposal, attached: Attached) -> None:
        """Take up what an operator told the leader; if he told us something else, he has signed two observations."""
        if known is not None and known.readings == attached.readings:
            return
        told = Observation(
            **self.key._asdict(),
            round=proposal.round,
            readings=attached.readings,
            signature=attached.signature,
        )
        if known is not None:
            self._equivocated("observation", signer, known, told)
            return
        self._take(signer, told)

    def _check_own(self, agreed: list[int]) -> None:
        metered = self.attendance.metered()
        if agreed == metered:
            return
        own = {report.index_of(word): word for word in metered}
        for word in agreed:
            index = report.index_of(word)
            nothing = report.no_reading(index)
            mine = own.get(index, nothing)  # nothing, too, where the meter signed two different readings
            if word in (mine, nothing):
                continue
            if mine != nothing:
                raise EnvelopeRefused(f"site index {index} has another energy than its signed readings here say")
            if self._world.meters.is_doubtful(self.key.zone << 16 | index, self.key.slot):
                raise EnvelopeRefused(f"site index {index} has an energy, but its meter signed two different readings")

    # --- votes -------------------------------------------------------------------------------------------------

    def _vote(self, digest: bytes, entries: tuple[int, ...]) -> None:
        world = self._world
        held = world.store.pledges.pledge("vote", self.key, self.round, Pledge(digest, b""))
        if held is None or held.digest != digest:
            log.warning("vote withheld", extra=self._facts(reason="another report may have been signed in this round"))
            return
        self.stamps["proposed_ns"] = time.time_ns()
        vote = Vote(**self.key._asdict(), round=self.round, report=digest, signature=crypto.sign(world.key, digest))
        leader = self.panel.leader(self.round)
        if leader == world.me:
            self.on_vote(vote)
        else:
            world.transport.send(leader, vote)

    def on_vote(self, vote: Vote) -> None:
        """A peer's vote for the report this node proposed.

        Raises:
            EnvelopeRefused: it is no operator's.
        """
        proposal = self._proposals.get(self.round)
        if vote.round != self.round or self.verdict is not None or proposal is None or proposal.report != vote.report:
            return
        if self.panel.leader(vote.round) != self._world.me:
            return  # whoever carries it has shown it to others, too: if all submitted at once, all would pay
        seats = self.panel.seats
        self._votes[seats[self.panel.seat_of_vote(vote.report, vote.signature)]] = vote.signature
        entries = self._reports.get(vote.report)
        chosen = [signer for signer in seats if signer in self._votes][: self.panel.quorum]
        if entries is None or len(chosen) < self.panel.quorum:
            return
        self.stamps["quorum_ns"] = time.time_ns()
        self.verdict = Verdict(
            **self.key._asdict(),
            round=self.round,
            entries=join_words(entries),
            votes=[self._votes[signer] for signer in chosen],
        )
        self._decided()
        self._world.spawn(self._transmit(), "transmission")
        self._world.transport.broadcast(self.verdict)
        self._later(_KEEP_AFTER, self._keep)

    def _decided(self) -> None:
        self._verdict_at = asyncio.get_running_loop().time()
        if self.verdict is not None and self.verdict.round == self.round and self._observed_at:
            self._world.pace.took(self._verdict_at - self._observed_at)

    # --- verdict and settlement ----------------------------------------------------------------------------------

    def on_verdict(self, verdict: Verdict) -> None:
        """A report that is final: submit it when those before us in the rotation do not.

        Raises:
            EnvelopeRefused: it is not signed by a quorum.
        """
        if self.verdict is not None:
            self._compare_verdicts(self.verdict, verdict)
        if self.verdict is not None or self.settled or not self.panel.listed:
            return
        self.panel.seated_votes(verdict)
        self.verdict = verdict
        self._decided()
        self.stamps.setdefault("quorum_ns", time.time_ns())
        self._cancel(self._deadline)
        self._transmit_after(self._world.timing.settle * (self.panel.rank(verdict.round) or len(self.panel.seats)))
        self._later(_KEEP_AFTER, self._keep)

    def recall(self, verdict: Verdict) -> None:
        """Go on with a verdict that was there before a restart, or before its settlement vanished in a reorg.

        Raises:
            EnvelopeRefused: it is not signed by a quorum of those who have a seat now.
        """
        self.panel.seated_votes(verdict)
        self.verdict, self.round, self.recalled = verdict, verdict.round, True
        self.begin()
        self._transmit_after(self._world.timing.settle * self.panel.rank(verdict.round) if self.panel.listed else 0)

    def renew(self) -> None:
        """The verdict is not to be used: agree on another one."""
        self.verdict, self.recalled, self.sent = None, False, False
        self._enter(self.round + 1)
        self.look()

    def imports_follow_from(self, bought: Mapping[int, int]) -> bool:
        """Whether the verdict's imports are what this node's readings and what was bought (Wh by site index) give."""
        assert self.verdict is not None, "there is a verdict"
        return report.imports_follow(self.verdict.words(), self.attendance.metered(), self.key.slot, bought)

    def _transmit_after(self, seconds: float) -> None:
        self._cancel(self._stage)
        self._stage = self._later(seconds, lambda: self._world.spawn(self._transmit(), "transmission"))

    def _keep(self) -> None:
        """Store a verdict that does not settle at once: whatever happens, it can be delivered later."""
        if self.verdict is not None and not self.settled:
            try:
                self._world.store.keep_verdict(self.verdict)
            except StoreUnavailable as fault:
                log.error("verdict not stored", extra=self._facts(reason=str(fault)))
                self._later(_STORE_PAUSE, self._keep)

    def _compare_verdicts(self, known: Verdict, other: Verdict) -> None:
        """Two different reports with a quorum in one round: whoever signed both has equivocated."""
        if known.round == other.round and known.entries != other.entries:
            seats = self.panel.seats
            for seat in sorted(self.panel.seated_votes(known).keys() & self.panel.seated_votes(other).keys()):
                self._equivocated("report", seats[seat], known, other)

    async def _transmit(self) -> None:
        if self.settled or self.transmitting or self.verdict is None:
            return
        self.transmitting = True
        try:
            receipt = await self._world.transmit(self)
        except (RpcUnreachable, RpcRefused) as fault:
            log.warning("report not submitted yet", extra=self._facts(reason=str(fault)))
            self._transmit_after(self._world.timing.settle)
            return
        except EnvelopeRefused:
            self.renew()  # seats have changed since it was signed
            raise
        finally:
            self.transmitting = False
        if receipt is not None and receipt.succeeded:
            self.stamps["receipt_ns"] = receipt.received_ns
            self.settle(receipt, receipt.block)
        elif not self.settled and self.verdict is not None:
            await self.ask_chain()
            if not self.settled:
                self.renew()

    async def ask_chain(self) -> None:
        """Finish if the chain shows the part settled, whoever did it."""
        try:
            block = await self._world.chain.settled(self.key)
            if block is not None:
                self.settle(None, block)
        except (RpcUnreachable, RpcRefused) as fault:
            log.warning("settlement not read", extra=self._facts(reason=str(fault)))

    def settle(self, receipt: Receipt | None, block: Block) -> None:
        """The chain has it, as of a block."""
        if self.settled:
            return
        self.stamps.setdefault("receipt_ns", time.time_ns())
        self.abandon()
        self._world.finished(self, receipt, block)

    def abandon(self) -> None:
        """Do nothing any more."""
        self.settled = True
        self.attendance.stop_waiting()
        for timer in (self._deadline, self._linger, self._stage, self._telling):
            self._cancel(timer)

    def overdue(self, now: int) -> bool:
        """Whether there was something to report a whole slot ago and nothing is settled yet."""
        return self.over and self.attendance.something_to_report and now >= slot_end(self.key.slot + 1)

    # --- time --------------------------------------------------------------------------------------------------

    def _later(self, seconds: float, action: Callable[[], None]) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(seconds, action)

    def _cancel(self, timer: asyncio.TimerHandle | None) -> None:
        if timer is not None:
            timer.cancel()
