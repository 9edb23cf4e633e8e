"""What operators say to each other about one part of one slot. Every envelope authenticates itself.

observation  what one operator has of every site, signed
proposal     the leader's report, as a digest, with the observations it follows from
vote         one operator's signature of the report itself, as the registry takes it
verdict      the report with a quorum of votes: anyone can submit it
readings     meters' signed readings, shown where operators' observations contradict each other

A slot of a zone is cut into parts of 128 sites, as many as a report may name: part k holds site indices
128*k+1 .. 128*k+128.
"""

from typing import Annotated, Literal, NamedTuple

from net8.eip712 import Domain, StructType
from net8.signing import keccak256
from pydantic import Field, TypeAdapter

from net8_oracle.wire import HexBytes, WireModel, WireReading

__all__ = [
    "ENVELOPE",
    "ENVELOPES",
    "PART_SITES",
    "Attached",
    "Envelope",
    "EnvelopesPost",
    "Key",
    "Message",
    "Observation",
    "Proposal",
    "SignedReadings",
    "Verdict",
    "Vote",
    "observation_digest",
    "part_of",
    "proposal_digest",
    "signatures_in",
]

PART_SITES = 128

_OBSERVATION = StructType(
    "Observation",
    (
        ("uint256", "zone"),
        ("uint256", "slot"),
        ("uint256", "part"),
        ("uint256", "round"),
        ("uint256[]", "readings"),
    ),
)
_PROPOSAL = StructType(
    "Proposal",
    (
        ("uint256", "zone"),
        ("uint256", "slot"),
        ("uint256", "part"),
        ("uint256", "round"),
        ("bytes32", "report"),
    ),
)


class Key(NamedTuple):
    """What one agreement is about."""

    zone: int
    slot: int
    part: int


def part_of(index: int) -> int:
    """The part in which a site index lies."""
    return (index - 1) // PART_SITES


class _About(WireModel):
    """An envelope about one part of one slot in one round."""

    zone: Annotated[int, Field(ge=1, lt=2**32)]
    slot: Annotated[int, Field(ge=0, lt=2**32)]
    part: Annotated[int, Field(ge=0, lt=256)]
    round: Annotated[int, Field(ge=0, lt=2**32)]

    @property
    def key(self) -> Key:
        """What it is about."""
        return Key(self.zone, self.slot, self.part)


Readings = Annotated[list[Annotated[int, Field(ge=0, lt=2**68)]], Field(max_length=PART_SITES)]


class Attached(WireModel):
    """An observation inside a proposal: zone, slot, part and round are the proposal's."""

    readings: Readings
    signature: HexBytes


class Observation(_About):
    """What one operator has of every site: words of `net8_oracle.node.report`, ascending by site."""

    kind: Literal["observation"] = "observation"
    readings: Readings
    signature: HexBytes


class Proposal(_About):
    """The leader's proposal."""

    kind: Literal["proposal"] = "proposal"
    report: HexBytes  # digest of the report
    observations: Annotated[list[Attached], Field(max_length=31)]
    signature: HexBytes


class Vote(_About):
    """A signature of the report."""

    kind: Literal["vote"] = "vote"
    report: HexBytes  # digest of the report
    signature: HexBytes


class Verdict(_About):
    """A report that a quorum has signed."""

    kind: Literal["verdict"] = "verdict"
    entries: HexBytes  # the report's words, 32 bytes each
    votes: Annotated[list[HexBytes], Field(max_length=31)]

    def words(self) -> tuple[int, ...]:
        """The report's entries."""
        raw = self.entries
        return tuple(int.from_bytes(raw[at : at + 32]) for at in range(0, len(raw), 32))


class SignedReadings(_About):
    """Readings of sites at the slot's two ends. Their meters have signed them; who shows them does not matter."""

    kind: Literal["readings"] = "readings"
    readings: Annotated[list[WireReading], Field(max_length=4 * PART_SITES)]


Message = Observation | Proposal | Vote | Verdict | SignedReadings
Envelope = Annotated[Message, Field(discriminator="kind")]
ENVELOPE: TypeAdapter[Message] = TypeAdapter(Envelope)


class EnvelopesPost(WireModel):
    """A batch of envelopes."""

    envelopes: Annotated[list[Envelope], Field(max_length=256)]


ENVELOPES: TypeAdapter[EnvelopesPost] = TypeAdapter(EnvelopesPost)


def signatures_in(envelope: Message) -> int:
    """What there may be to check in an envelope."""
    match envelope:
        case Proposal():
            return 1 + len(envelope.observations)
        case Verdict():
            return max(1, len(envelope.votes))
        case SignedReadings():
            return max(1, len(envelope.readings))
    return 1


def _about(key: Key, round_: int) -> bytes:
    return b"".join(value.to_bytes(32) for value in (key.zone, key.slot, key.part, round_))


def observation_digest(domain: Domain, key: Key, round_: int, readings: list[int]) -> bytes:
    """The 32 bytes an operator signs for its observation (EIP-712, in the registry's domain)."""
    words = keccak256(b"".join(word.to_bytes(32) for word in readings))
    body = keccak256(_OBSERVATION.type_hash + _about(key, round_) + words)
    return keccak256(b"\x19\x01" + domain.separator + body)


def proposal_digest(domain: Domain, key: Key, round_: int, report: bytes) -> bytes:
    """The 32 bytes a leader signs for its proposal (EIP-712, in the registry's domain)."""
    body = keccak256(_PROPOSAL.type_hash + _about(key, round_) + report)
    return keccak256(b"\x19\x01" + domain.separator + body)
