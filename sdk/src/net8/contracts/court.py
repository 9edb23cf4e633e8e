"""Calls of the OracleCourt: what a lie costs, who proved it, and what is due to whom. Sums are in wei of NET8."""

from collections.abc import Sequence

from net8.contracts.core import Call, Contract
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

    def collect(self, receiver: str) -> Call[int]:
        """Take what is due to the caller; the answer is wei paid."""
        return self._call("collect", receiver, into=int)

    def owed(self, account: str) -> Call[int]:
        """Wei due to an account."""
        return self._call("owed", account, into=int)

    def registry(self) -> Call[str]:
        """The OracleRegistry whose stakes are at issue."""
        return self._call("registry", into=checksum_address)
