"""What agreements of a node share: how long they wait, whom they ask, and what carries their words."""

from collections import defaultdict
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from coincurve import PrivateKey
from net8.eip712 import Domain

from net8_oracle.clock import Block
from net8_oracle.node.envelopes import Key
from net8_oracle.node.layers import Layers
from net8_oracle.node.meters import Meters, RegisteredSite
from net8_oracle.node.pace import Pace
from net8_oracle.node.store import Store
from net8_oracle.node.transmitter import Receipt
from net8_oracle.node.transport import Transport

if TYPE_CHECKING:
    from net8_oracle.node.agreement import Agreement

__all__ = ["Chain", "EnvelopeRefused", "Timing", "World"]


class EnvelopeRefused(ValueError):
    """An envelope that no honest operator sends. The message says why."""


@dataclass(frozen=True, slots=True)
class Timing:
    """How long to wait, in seconds of the wall clock."""

    patience: float = 20.0  # for readings, from the first one of a slot on
    round: float = 1.0  # for a proposal and its votes
    settle: float = 3.0  # for the leader's transaction, before the next operator submits
    linger: float = 0.005  # for further observations, once there is a quorum


class Chain(Protocol):
    """What an agreement asks of the chain."""

    def sites_of(self, zone: int, part: int) -> list[RegisteredSite]:
        """The sites of a part, ascending."""

    def signers(self, zone: int) -> tuple[bytes, ...]:
        """Signers of the zone's operators in the order of their seats."""

    async def bought(self, key: Key) -> dict[int, int]:
        """Wh bought in the slot, by site index."""

    async def traded(self, key: Key) -> bool:
        """Whether a site of the part has traded in the slot."""

    async def settled(self, key: Key) -> Block | None:
        """The block as of which the part is settled in the slot."""


class World(Protocol):
    """What an agreement shares with all others of its node."""

    key: PrivateKey
    me: bytes
    domain: Domain
    timing: Timing
    pace: Pace
    meters: Meters
    layers: Layers
    store: Store
    transport: Transport
    silent_reports: defaultdict[int, int]  # site -> reports in a row without its reading

    @property
    def chain(self) -> Chain:
        """What the chain says."""

    def spawn(self, work: Coroutine[Any, Any, None], what: str) -> None:
        """Run in the background; a fault is logged."""

    def may_observe(self, key: Key) -> bool:
        """False while too many earlier slots are in flight."""

    async def transmit(self, agreement: "Agreement") -> Receipt | None:
        """Submit the verdict and wait for its end."""

    def finished(self, agreement: "Agreement", receipt: Receipt | None, block: Block) -> None:
        """The part is settled as of a block; with the receipt, when this node's transaction did it."""

    def count(self, what: str) -> None:
        """Count an event for the metrics."""
