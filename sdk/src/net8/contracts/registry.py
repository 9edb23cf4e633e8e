"""Calls of the OracleRegistry: operators, their stake, their seats, their reports. Stakes are in wei of NET8."""

from collections.abc import Mapping, Sequence

from net8.contracts.core import Call, Owned, nothing
from net8.model import Operator
from net8.packing import join_words
from net8.signing import Signature, checksum_address

__all__ = ["Registry"]


def _operator(raw: tuple[str, str, int, int, int, int]) -> Operator:
    owner, signer, *numbers = raw
    return Operator(checksum_address(owner), checksum_address(signer), *numbers)


class Registry(Owned):
    """The OracleRegistry."""

    NAME = "OracleRegistry"

    def register(self, signer: str, stake: int) -> Call[int]:
        """Become an operator; the caller is the owner key and needs an allowance. The answer is the operator's id."""
        return self._call("register", signer, stake, into=int)

    def top_up(self, operator: int, amount: int) -> Call[None]:
        """Add to an operator's stake; anyone with an allowance."""
        return self._call("top_up", operator, amount, into=nothing)

    def begin_unbonding(self, operator: int) -> Call[None]:
        """Ask for the stake back; the operator may sit in no zone."""
        return self._call("begin_unbonding", operator, into=nothing)

    def withdraw_stake(self, operator: int, receiver: str) -> Call[int]:
        """Take the stake once unbonding is over; the answer is wei paid."""
        return self._call("withdraw_stake", operator, receiver, into=int)

    def rotate_signer(self, operator: int, signer: str, overlap: int) -> Call[None]:
        """Replace an operator's signer key in all its zones; owner key.

        Args:
            operator: its id.
            signer: address of a key that no operator has used before.
            overlap: seconds, up to a day, for which reports signed with the old key still count; 0 if it was stolen.
        """
        return self._call("rotate_signer", operator, signer, overlap, into=nothing)

    def share_rewards(self, zone: int) -> Call[int]:
        """Share a zone's oracle fees among those who signed its reports; anyone. The answer is wei shared."""
        return self._call("share_rewards", zone, into=int)

    def claim_rewards(self, operator: int, receiver: str) -> Call[int]:
        """Take what an operator has earned; owner key. The answer is wei paid."""
        return self._call("claim_rewards", operator, receiver, into=int)

    def connect(self, court: str) -> Call[None]:
        """Name the OracleCourt, once and for ever; owner of the contract."""
        return self._call("connect", court, into=nothing)

    def admit(self, zone: int, operator: int) -> Call[None]:
        """Give an operator a seat in a zone; owner of the contract."""
        return self._call("admit", zone, operator, into=nothing)

    def remove(self, zone: int, operator: int) -> Call[None]:
        """Take an operator's seat away; owner of the contract, or the operator's owner key."""
        return self._call("remove", zone, operator, into=nothing)

    def replace(self, zone: int, operator: int, by: int) -> Call[None]:
        """Give an operator's seat to another; owner of the contract."""
        return self._call("replace", zone, operator, by, into=nothing)

    def mute(self, zone: int, operator: int) -> Call[None]:
        """End that an operator who has lost half of the least stake signs for a zone; anyone."""
        return self._call("mute", zone, operator, into=nothing)

    def restore(self, zone: int, operator: int) -> Call[None]:
        """Let a muted operator sign again who has the least stake again; anyone."""
        return self._call("restore", zone, operator, into=nothing)

    def report(self, zone: int, round_: int, entries: Sequence[int], signatures: Mapping[int, Signature]) -> Call[int]:
        """Submit a report; the answer is slots settled.

        Args:
            zone: the zone of all entries.
            round_: the round in which it was signed.
            entries: packed words, ascending, as signed (`net8.packing.pack_entries`).
            signatures: by seat, the index in `zone_signers`.
        """
        bitmap = sum(1 << seat for seat in signatures)
        ordered = [signatures[seat].compact for seat in sorted(signatures)]
        return self._call("report", zone, round_, join_words(entries), bitmap, ordered, into=int)

    def operator(self, operator: int) -> Call[Operator]:
        """An operator; all zero when there is none of this id."""
        return self._call("operator", operator, into=_operator)

    def operator_count(self) -> Call[int]:
        """Operators registered so far; ids count from 1."""
        return self._call("operator_count", into=int)

    def operator_of_signer(self, signer: str) -> Call[int]:
        """Id of the operator with this signer key, 0 when there is none."""
        return self._call("operator_of_signer", signer, into=int)

    def retired_until(self, signer: str) -> Call[int]:
        """Unix time until which reports signed with a replaced key still count, 0 for a key never replaced."""
        return self._call("retired_until", signer, into=int)

    def operator_zones(self, operator: int) -> Call[list[int]]:
        """Zones in which an operator has a seat."""
        return self._call("operator_zones", operator, into=list)

    def zone_operators_at(self, zone: int, time: int) -> Call[list[int]]:
        """Ids of the operators who sat in a zone at a unix time, in the order of their seats."""
        return self._call("zone_operators_at", zone, time, into=list)

    def seated_until(self, zone: int, operator: int) -> Call[int]:
        """Unix time until which an operator had a seat in a zone: now for who has one, 0 for who never had."""
        return self._call("seated_until", zone, operator, into=int)

    def is_seated(self, zone: int, operator: int) -> Call[bool]:
        """Whether an operator has a seat in a zone, muted or not."""
        return self._call("is_seated", zone, operator, into=bool)

    def earned(self, operator: int) -> Call[int]:
        """Rewards of an operator that are not claimed, in wei."""
        return self._call("earned", operator, into=int)

    def carried(self, zone: int) -> Call[int]:
        """Wei of a zone's fees that did not divide, kept for the next time."""
        return self._call("carried", zone, into=int)

    def participation(self, zone: int) -> Call[int]:
        """Reports signed since fees were last shared: 7 bits for each seat, seat 0 lowest."""
        return self._call("participation", zone, into=int)

    def total_stake(self) -> Call[int]:
        """All stakes, in wei."""
        return self._call("total_stake", into=int)

    def seated_stake(self) -> Call[int]:
        """Stakes of the operators who sit in a zone, in wei."""
        return self._call("seated_stake", into=int)

    def slashable_now(self) -> Call[int]:
        """Wei that may be slashed in the present window for anything but equivocation."""
        return self._call("slashable_now", into=int)

    def court(self) -> Call[str]:
        """The OracleCourt, which alone may slash."""
        return self._call("court", into=checksum_address)

    def zone_operators(self, zone: int) -> Call[list[int]]:
        """Ids of a zone's operators, by seat."""
        return self._call("zone_operators", zone, into=list)

    def zone_signers(self, zone: int) -> Call[list[str]]:
        """Signer keys of a zone's operators, by seat; the zero address for one who is muted."""
        return self._call("zone_signers", zone, into=lambda signers: [checksum_address(signer) for signer in signers])

    def quorum(self, zone: int) -> Call[int]:
        """Signatures a report of the zone needs; refused while the zone has fewer than four operators."""
        return self._call("quorum", zone, into=int)

    def report_digest(self, zone: int, round_: int, entries: Sequence[int]) -> Call[bytes]:
        """What operators sign, as the contract computes it."""
        return self._call("report_digest", zone, round_, join_words(entries), into=bytes)

    def min_stake(self) -> Call[int]:
        """Least stake of an operator, in wei."""
        return self._call("min_stake", into=int)

    def unbonding(self) -> Call[int]:
        """Seconds between asking for a stake and getting it."""
        return self._call("UNBONDING", into=int)

    def exchange(self) -> Call[str]:
        """The EnergyExchange that reports settle."""
        return self._call("exchange", into=checksum_address)

    def grid(self) -> Call[str]:
        """The GridRegistry whose zones are reported."""
        return self._call("grid", into=checksum_address)
