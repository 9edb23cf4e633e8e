"""The operators of a zone, as one part of one slot sees them: who leads, who may sign, and whether he did."""

from net8.eip712 import Report as ReportMessage

from net8_oracle import crypto
from net8_oracle.node import report
from net8_oracle.node.envelopes import PART_SITES, Key, Verdict, observation_digest
from net8_oracle.node.world import EnvelopeRefused, World

__all__ = ["Panel"]


class Panel:
    """Seats and signatures. Seats are as the chain lists them now, whenever they are asked for."""

    def __init__(self, world: World, key: Key) -> None:
        self._world = world
        self._key = key

    # --- who is who --------------------------------------------------------------------------------------------

    @property
    def seats(self) -> tuple[bytes, ...]:
        """The zone's signers, as the chain lists them now."""
        return self._world.chain.signers(self._key.zone)

    @property
    def listed(self) -> bool:
        """Whether this node may sign for the zone."""
        return self._world.me in self.seats and len(self.seats) >= 4

    def leader(self, round_: int) -> bytes:
        """Signer that leads a round."""
        seats = self.seats
        return seats[report.leader_seat(self._key.slot, self._key.part, round_, len(seats))]

    def rank(self, round_: int) -> int:
        """How many operators submit a round's report before this one: its leader is the first."""
        seats = self.seats
        leader = report.leader_seat(self._key.slot, self._key.part, round_, len(seats))
        return (seats.index(self._world.me) - leader) % len(seats)

    @property
    def quorum(self) -> int:
        """Operators whose word is enough."""
        return report.quorum(len(self.seats))

    @property
    def faulty(self) -> int:
        """Operators who may lie or be silent without doing harm."""
        return report.faulty(len(self.seats))

    # --- what they signed --------------------------------------------------------------------------------------

    def check_observation(self, round_: int, readings: list[int], signature: bytes) -> bytes:
        """Signer of an observation of this part and slot.

        Raises:
            EnvelopeRefused: it is no operator's, or no honest one's.
        """
        digest = observation_digest(self._world.domain, self._key, round_, readings)
        try:
            signer = crypto.recover(digest, signature)
            first = self._key.part * PART_SITES + 1
            report.check_observation(readings, first, first + PART_SITES - 1)
        except (crypto.SignatureInvalid, report.ObservationRefused) as fault:
            raise EnvelopeRefused(f"observation: {fault}") from None
        if signer not in self.seats:
            raise EnvelopeRefused(f"observation of {crypto.address_text(signer)}, who has no seat in the zone")
        return signer

    def seat_of_vote(self, digest: bytes, signature: bytes) -> int:
        """Seat of the operator that signed a report.

        Raises:
            EnvelopeRefused: it is none's.
        """
        try:
            signer = crypto.recover(digest, signature)
        except crypto.SignatureInvalid as fault:
            raise EnvelopeRefused(f"vote: {fault}") from None
        if signer not in self.seats:
            raise EnvelopeRefused(f"vote of {crypto.address_text(signer)}, who has no seat in the zone")
        return self.seats.index(signer)

    def seated_votes(self, verdict: Verdict) -> dict[int, bytes]:
        """Votes of a verdict by seat.

        Raises:
            EnvelopeRefused: one is no operator's, or they are no quorum of this part and slot.
        """
        words = verdict.words()
        first = self._key.part * PART_SITES + 1
        digest = ReportMessage(self._key.zone, verdict.round, words).digest(self._world.domain)
        for word in words:
            about = report.settlement_entries([report.no_reading(word >> 200 & 0xFFFF)], self._key.slot, {})[0]
            if word >> 200 != about >> 200 or word >> 192 & 15 != about >> 192 & 15:
                raise EnvelopeRefused("verdict about another slot")
            if not first <= word >> 200 & 0xFFFF < first + PART_SITES:
                raise EnvelopeRefused("verdict about another part")
        votes = {self.seat_of_vote(digest, vote): vote for vote in verdict.votes}
        if len(votes) < self.quorum:
            raise EnvelopeRefused(f"verdict with {len(votes)} votes, which are no quorum")
        return votes
