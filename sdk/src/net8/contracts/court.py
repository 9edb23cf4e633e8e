"""Calls of the OracleCourt: what a lie costs, who proved it, and what is due to whom. Sums are in wei of NET8."""

from collections.abc import Sequence

from net8.contracts.core import Call, Contract, nothing
from net8.eip712 import Report
from net8.model import Dispute, DisputeState, DisputeTier
from net8.packing import join_words
from net8.signing import Signature, checksum_address, keccak256

__all__ = ["Court"]


class Court(Contract):
    """The OracleCourt."""

    NAME = "OracleCourt"

    def prove_observations(
        self,
        zone: int,
        slot: int,
        part: int,
        round_: int,
        readings: tuple[Sequence[int], Sequence[int]],
        signatures: tuple[Signature, Signature],
    ) -> Call[int]:
        """Slash an operator who signed two different observations; anyone. The answer is the bounty.

        Args:
            zone, slot, part, round_: of both observations.
            readings: words of each, as signed.
            signatures: of each.
        """
        hashes = [keccak256(join_words(words)) for words in readings]
        pairs = [signature.compact for signature in signatures]
        return self._call("prove_observations", zone, slot, part, round_, hashes, pairs, into=int)

    def prove_reports(
        self,
        zone: int,
        round_: int,
        reports: tuple[Sequence[int], Sequence[int]],
        places: tuple[int, int],
        slot: int,
        signatures: tuple[Signature, Signature],
    ) -> Call[int]:
        """Slash an operator who signed two reports of one round that contradict each other; anyone.

        The answer is the bounty.

        Args:
            zone, round_: of both reports.
            reports: entries of each, as signed.
            places: in each, the place of the entry about the site and hour in question, from 0.
            slot: place of the slot in question in its hour, 0 to 3.
            signatures: of each.
        """
        first, second = (join_words(words) for words in reports)
        pairs = [signature.compact for signature in signatures]
        return self._call("prove_reports", zone, round_, first, second, list(places), slot, pairs, into=int)

    def open_dispute(
        self,
        report: Report,
        place: int,
        slot: int,
        tier: DisputeTier,
        truth: tuple[int, int] | None,
        signatures: Sequence[Signature],
    ) -> Call[int]:
        """Dispute a settled reading; anyone with an allowance for `bond(tier, 0)`. The answer is the dispute's number.

        Args:
            report: what was signed.
            place: of the entry in question, from 0.
            slot: in question, by its place in the hour, 0 to 3.
            tier: what those who signed are to lose.
            truth: what (export, import) ought to have been, in Wh; None for no reading.
            signatures: of those accused, in ascending order of their ids.
        """
        word = 1 << 48 if truth is None else truth[1] << 24 | truth[0]
        case = (report.zone, report.round, place, slot, int(tier), word)
        pairs = [signature.compact for signature in signatures]
        return self._call("open_dispute", case, join_words(report.entries), pairs, into=int)

    def vote(self, dispute: int, operator: int, uphold: bool) -> Call[None]:
        """Vote with an operator's stake; owner key, of an operator of other zones."""
        return self._call("vote", dispute, operator, uphold, into=nothing)

    def appeal(self, dispute: int) -> Call[None]:
        """Ask for another round against what was decided; anyone with an allowance for twice the bond before."""
        return self._call("appeal", dispute, into=nothing)

    def execute(self, dispute: int) -> Call[DisputeState]:
        """Carry out what was decided; anyone."""
        return self._call("execute", dispute, into=DisputeState)

    def claim_vote(self, dispute: int, operator: int) -> Call[int]:
        """Note what is due to an operator for its vote; anyone. The answer is wei, for its owner to collect."""
        return self._call("claim_vote", dispute, operator, into=int)

    def dispute(self, number: int) -> Call[Dispute]:
        """A dispute."""
        return self._call("dispute", number, into=lambda raw: Dispute.of(raw))

    def dispute_count(self) -> Call[int]:
        """Disputes so far; numbers count from 1."""
        return self._call("dispute_count", into=int)

    def accused(self, number: int) -> Call[list[int]]:
        """Operators accused in a dispute."""
        return self._call("accused", number, into=list)

    def dues(self, number: int) -> Call[list[int]]:
        """Wei still to be taken from each accused of a dispute that was upheld."""
        return self._call("dues", number, into=list)

    def bond(self, tier: DisputeTier, round_: int) -> Call[int]:
        """Wei to be posted for a round of a dispute."""
        return self._call("bond", int(tier), round_, into=int)

    def alert_late(self, site: int, slot: int) -> Call[int]:
        """Make a zone pay for a slot not reported after a day; anyone. The answer is the alerter's part.

        Args:
            site: one that traded in the slot.
            slot: the slot.
        """
        return self._call("alert_late", site, slot, into=int)

    def alert_silence(self, zone: int, slot: int, sites: Sequence[int]) -> Call[int]:
        """Make a zone pay for what these sites sold in a slot that nobody reported in time; anyone, once for each.

        The answer is the alerter's part.
        """
        return self._call("alert_silence", zone, slot, list(sites), into=int)

    def is_alerted(self, zone: int, slot: int) -> Call[bool]:
        """Whether the lateness of a slot was paid for."""
        return self._call("is_alerted", zone << 32 | slot, into=bool)

    def secured(self, zone: int) -> Call[tuple[int, int]]:
        """Bribery bound: wei of open value that a zone's stakes secure against a false report, and against silence."""
        return self._call("secured", zone, into=lambda lies, silence: (lies, silence))

    def collect(self, receiver: str) -> Call[int]:
        """Take what is due to the caller; the answer is wei paid."""
        return self._call("collect", receiver, into=int)

    def owed(self, account: str) -> Call[int]:
        """Wei due to an account."""
        return self._call("owed", account, into=int)

    def registry(self) -> Call[str]:
        """The OracleRegistry whose stakes are at issue."""
        return self._call("registry", into=checksum_address)
