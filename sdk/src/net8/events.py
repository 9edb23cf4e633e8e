"""What the contracts log, as dataclasses named like the events. Sums in grains and energy in Wh unless said otherwise.

`decode` turns a log as JSON-RPC gives it into one of them; `Logged` adds where it happened.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cache
from typing import Any, ClassVar, Generic, TypeVar, cast

from net8 import abi
from net8.model import AgentLimits, CloseReason, Outcome, SkipReason, Technology, Terms
from net8.packing import Entry, OrderId
from net8.signing import checksum_address

__all__ = [
    "Admitted",
    "AgentRevoked",
    "AgentSet",
    "Approval",
    "ApprovalForAll",
    "BackingAdded",
    "DefaultTermsSet",
    "Deposited",
    "EntrySkipped",
    "Event",
    "ExchangeSet",
    "FeesWithdrawn",
    "Logged",
    "LossRecognised",
    "Minted",
    "MinterSet",
    "OperatorRegistered",
    "OrderClosed",
    "OrderLapsed",
    "OrderPlaced",
    "OwnershipTransferStarted",
    "OwnershipTransferred",
    "PoolFunded",
    "PoolWithdrawalRequested",
    "PoolWithdrawn",
    "Redeemed",
    "RegistrarSet",
    "RegistrySet",
    "Removed",
    "Reported",
    "Retired",
    "RoleMinterChanged",
    "Settled",
    "SettledOverdue",
    "SiteAdmitted",
    "SiteDismissed",
    "SiteRegistered",
    "StakeAdded",
    "StakeWithdrawn",
    "TermsFixed",
    "TermsPublished",
    "Trade",
    "Transfer",
    "TransferBatch",
    "TransferSingle",
    "UnbondingBegun",
    "Withdrawn",
    "ZoneCreated",
    "ZoneOperatorSet",
    "decode",
    "decode_all",
    "topic_of",
]


class Event:
    """Anything a contract logs."""

    __slots__ = ()
    CONTRACT: ClassVar[str]  # one whose ABI declares the event


# --- GridRegistry ---------------------------------------------------------------------------------------------------


class GridEvent(Event):
    """Logged by the GridRegistry."""

    __slots__ = ()
    CONTRACT = "GridRegistry"


@dataclass(frozen=True, slots=True)
class ExchangeSet(GridEvent):
    """The grid registry knows its EnergyExchange."""

    exchange: str


@dataclass(frozen=True, slots=True)
class ZoneCreated(GridEvent):
    """A zone was opened."""

    zone: int
    operator: str


@dataclass(frozen=True, slots=True)
class ZoneOperatorSet(GridEvent):
    """A zone has a new grid operator."""

    zone: int
    operator: str


@dataclass(frozen=True, slots=True)
class DefaultTermsSet(GridEvent):
    """A zone's default terms change for hours from `from_hour` on."""

    zone: int
    from_hour: int
    terms: Terms


@dataclass(frozen=True, slots=True)
class TermsPublished(GridEvent):
    """The grid operator published the tariff of an hour; it will not change."""

    zone: int
    hour: int
    terms: Terms


@dataclass(frozen=True, slots=True)
class SiteRegistered(GridEvent):
    """A site was admitted."""

    site: int
    owner: str
    technology: Technology
    nameplate: int  # W
    meter_key: str


# --- EnergyExchange: zones ------------------------------------------------------------------------------------------


class ExchangeEvent(Event):
    """Logged by the EnergyExchange."""

    __slots__ = ()
    CONTRACT = "EnergyExchange"


@dataclass(frozen=True, slots=True)
class TermsFixed(ExchangeEvent):
    """The exchange keeps the terms of an hour from now on."""

    zone: int
    hour: int
    terms: Terms


@dataclass(frozen=True, slots=True)
class PoolFunded(ExchangeEvent):
    """Somebody paid into a zone's balancing pool."""

    zone: int
    payer: str
    grains: int


@dataclass(frozen=True, slots=True)
class PoolWithdrawalRequested(ExchangeEvent):
    """The grid operator will take money out of the pool from `ready_at` (unix seconds) on."""

    zone: int
    grains: int
    ready_at: int


@dataclass(frozen=True, slots=True)
class PoolWithdrawn(ExchangeEvent):
    """Money left a zone's balancing pool."""

    zone: int
    receiver: str
    grains: int


@dataclass(frozen=True, slots=True)
class FeesWithdrawn(ExchangeEvent):
    """The grid operator took collected grid fees."""

    zone: int
    receiver: str
    grains: int


@dataclass(frozen=True, slots=True)
class RegistrySet(ExchangeEvent):
    """The exchange knows its OracleRegistry."""

    registry: str


# --- EnergyExchange: sites ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Deposited(ExchangeEvent):
    """Money came into a site's balance."""

    site: int
    payer: str
    grains: int


@dataclass(frozen=True, slots=True)
class Withdrawn(ExchangeEvent):
    """Money left a site's balance."""

    site: int
    receiver: str
    grains: int


@dataclass(frozen=True, slots=True)
class AgentSet(ExchangeEvent):
    """A key may trade for a site."""

    site: int
    agent: str
    limits: AgentLimits


@dataclass(frozen=True, slots=True)
class AgentRevoked(ExchangeEvent):
    """A key may no longer trade for a site."""

    site: int
    agent: str


# --- EnergyExchange: orders and settlement --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OrderPlaced(ExchangeEvent):
    """An order rests in the book."""

    site: int
    order: int
    wh: int

    @property
    def place(self) -> OrderId:
        """Where it rests."""
        return OrderId.unpack(self.order)


@dataclass(frozen=True, slots=True)
class Trade(ExchangeEvent):
    """Part or all of a resting order matched, at its price."""

    order: int  # the resting one
    maker: int  # its site
    taker: int  # the other site
    wh: int

    @property
    def place(self) -> OrderId:
        """Where the resting order stood: zone, slot, side and price level."""
        return OrderId.unpack(self.order)

    @property
    def seller(self) -> int:
        """The site that sold."""
        return self.maker if self.place.sell else self.taker

    @property
    def buyer(self) -> int:
        """The site that bought."""
        return self.taker if self.place.sell else self.maker


@dataclass(frozen=True, slots=True)
class OrderClosed(ExchangeEvent):
    """A resting order left the book unfilled, with `wh` left."""

    order: int
    wh: int
    reason: CloseReason


@dataclass(frozen=True, slots=True)
class OrderLapsed(ExchangeEvent):
    """The part of a new order that neither matched nor rested."""

    site: int
    slot: int
    sell: bool
    price: int
    wh: int


@dataclass(frozen=True, slots=True)
class Settled(ExchangeEvent):
    """A site's slots were settled by a report."""

    site: int
    entry: int  # the report's word, reduced to the slots that settled
    credited: int

    @property
    def readings(self) -> Entry:
        """What was settled, slot by slot."""
        return Entry.unpack(self.entry)


@dataclass(frozen=True, slots=True)
class EntrySkipped(ExchangeEvent):
    """Slots of a report's entry were passed over."""

    site: int
    hour: int
    slots: int  # bit i: slot i of the hour
    reason: SkipReason


@dataclass(frozen=True, slots=True)
class SettledOverdue(ExchangeEvent):
    """A position for which no report came in time was settled."""

    site: int
    slot: int
    outcome: Outcome
    credited: int


# --- OracleRegistry -------------------------------------------------------------------------------------------------


class RegistryEvent(Event):
    """Logged by the OracleRegistry."""

    __slots__ = ()
    CONTRACT = "OracleRegistry"


@dataclass(frozen=True, slots=True)
class OperatorRegistered(RegistryEvent):
    """Somebody staked and became an operator."""

    id: int
    owner: str
    signer: str
    stake: int  # wei


@dataclass(frozen=True, slots=True)
class StakeAdded(RegistryEvent):
    """An operator's stake grew."""

    id: int
    payer: str
    amount: int  # wei


@dataclass(frozen=True, slots=True)
class UnbondingBegun(RegistryEvent):
    """An operator asked for the stake back."""

    id: int
    ready_at: int  # unix seconds


@dataclass(frozen=True, slots=True)
class StakeWithdrawn(RegistryEvent):
    """A stake was paid out."""

    id: int
    receiver: str
    amount: int  # wei


@dataclass(frozen=True, slots=True)
class Admitted(RegistryEvent):
    """An operator got a seat in a zone."""

    zone: int
    id: int


@dataclass(frozen=True, slots=True)
class Removed(RegistryEvent):
    """An operator lost his seat in a zone."""

    zone: int
    id: int


@dataclass(frozen=True, slots=True)
class Reported(RegistryEvent):
    """A quorum's report was submitted."""

    zone: int
    bitmap: int  # bit i: the operator in seat i signed
    entries_hash: bytes
    settled: int  # slots


# --- GreenCertificates ----------------------------------------------------------------------------------------------


class CertificatesEvent(Event):
    """Logged by GreenCertificates."""

    __slots__ = ()
    CONTRACT = "GreenCertificates"


@dataclass(frozen=True, slots=True)
class RegistrarSet(CertificatesEvent):
    """Who admits sites to certificates changed."""

    registrar: str


@dataclass(frozen=True, slots=True)
class SiteAdmitted(CertificatesEvent):
    """A site's owner may mint."""

    site: int


@dataclass(frozen=True, slots=True)
class SiteDismissed(CertificatesEvent):
    """A site's owner may mint no more."""

    site: int


@dataclass(frozen=True, slots=True)
class Retired(CertificatesEvent):
    """Certificates left circulation for good."""

    id: int
    account: str
    amount: int  # Wh
    beneficiary: str
    purpose: str


@dataclass(frozen=True, slots=True)
class TransferSingle(CertificatesEvent):
    """Certificates of one id were minted (from the zero address), passed on or retired (to the zero address)."""

    operator: str
    sender: str
    receiver: str
    id: int
    value: int  # Wh


@dataclass(frozen=True, slots=True)
class TransferBatch(CertificatesEvent):
    """The same for several ids."""

    operator: str
    sender: str
    receiver: str
    ids: tuple[int, ...]
    values: tuple[int, ...]  # Wh


@dataclass(frozen=True, slots=True)
class ApprovalForAll(CertificatesEvent):
    """An account lets another pass on all its certificates, or no longer."""

    owner: str
    operator: str
    approved: bool


# --- Reserve and tokens ---------------------------------------------------------------------------------------------


class ReserveEvent(Event):
    """Logged by the Reserve."""

    __slots__ = ()
    CONTRACT = "Reserve"


@dataclass(frozen=True, slots=True)
class Minted(ReserveEvent):
    """NET8 was created against euros."""

    payer: str
    receiver: str
    euros: int  # euro units
    net8: int  # wei


@dataclass(frozen=True, slots=True)
class Redeemed(ReserveEvent):
    """NET8 was destroyed for euros."""

    holder: str
    receiver: str
    net8: int  # wei
    euros: int  # euro units


@dataclass(frozen=True, slots=True)
class BackingAdded(ReserveEvent):
    """Euros were given for nothing."""

    giver: str
    euros: int  # euro units


@dataclass(frozen=True, slots=True)
class LossRecognised(ReserveEvent):
    """The stablecoin took euros away."""

    euros: int  # euro units


class TokenEvent(Event):
    """Logged by NET8 or the euro."""

    __slots__ = ()
    CONTRACT = "NET8"


@dataclass(frozen=True, slots=True)
class Transfer(TokenEvent):
    """Tokens moved; from the zero address when created, to it when destroyed."""

    sender: str
    receiver: str
    value: int  # smallest unit


@dataclass(frozen=True, slots=True)
class Approval(TokenEvent):
    """A spender may take tokens of an owner."""

    owner: str
    spender: str
    value: int  # smallest unit


@dataclass(frozen=True, slots=True)
class MinterSet(TokenEvent):
    """NET8's one minter was named."""

    minter: str


@dataclass(frozen=True, slots=True)
class RoleMinterChanged(TokenEvent):
    """An account may mint in a token's module, or no longer."""

    minter: str
    status: bool


@dataclass(frozen=True, slots=True)
class OwnershipTransferred(TokenEvent):
    """A contract has a new owner."""

    previous_owner: str
    new_owner: str


@dataclass(frozen=True, slots=True)
class OwnershipTransferStarted(RegistryEvent):
    """A contract is offered to a new owner."""

    previous_owner: str
    new_owner: str


# --- decoding -------------------------------------------------------------------------------------------------------

E_co = TypeVar("E_co", bound=Event, covariant=True)


@dataclass(frozen=True, slots=True)
class Logged(Generic[E_co]):
    """An event and where it happened."""

    event: E_co
    address: str
    block: int
    transaction: str
    index: int  # within the block


def topic_of(kind: type[Event]) -> bytes:
    """First topic of an event's logs."""
    return _abi_of(kind).topic


def _abi_of(kind: type[Event]) -> abi.EventAbi:
    return abi.load(kind.CONTRACT).events[kind.__name__]


@cache
def _by_topic() -> dict[bytes, type[Event]]:
    exported = (globals()[name] for name in __all__)
    kinds = [kind for kind in exported if isinstance(kind, type) and issubclass(kind, Event) and kind is not Event]
    return {topic_of(kind): kind for kind in kinds}


_CONVERTED: dict[object, Callable[..., object]] = {
    Terms: lambda raw: Terms(*raw),
    AgentLimits: lambda raw: AgentLimits(*raw),
    Technology: Technology,
    CloseReason: CloseReason,
    SkipReason: SkipReason,
    Outcome: Outcome,
}


def _value(kind: object, value: object) -> object:
    return _CONVERTED[kind](value) if kind in _CONVERTED else value


def decode(log: dict[str, Any]) -> Logged[Event] | None:
    """The event of a log as JSON-RPC gives it; None for a log of no NET8 contract's kind."""
    topics = [bytes.fromhex(topic[2:]) for topic in log["topics"]]
    kind = _by_topic().get(topics[0]) if topics else None
    if kind is None or len(topics) != 1 + sum(indexed for _, _, indexed in _abi_of(kind).inputs):
        return None
    values = _abi_of(kind).decode(topics, bytes.fromhex(log["data"][2:]))
    typed = [_value(field.type, value) for field, value in zip(fields(cast(Any, kind)), values, strict=True)]
    return Logged(
        event=kind(*typed),
        address=checksum_address(log["address"]),
        block=int(log["blockNumber"], 16),
        transaction=log["transactionHash"],
        index=int(log["logIndex"], 16),
    )


def decode_all(logs: list[dict[str, Any]]) -> list[Logged[Event]]:
    """The events of many logs, in their order; logs of other contracts' kinds are left out."""
    return [event for log in logs if (event := decode(log)) is not None]
