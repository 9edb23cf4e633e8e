"""What the contracts log, as dataclasses named like the events. Sums in grains and energy in Wh unless said otherwise.

`decode` turns a log as JSON-RPC gives it into one of them; `Logged` adds where it happened. What the contracts pack
into words is taken apart here.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import cache
from typing import Any, ClassVar, Generic, Self, TypeVar, cast, dataclass_transform

from net8 import abi
from net8.model import (
    AgentLimits,
    CloseReason,
    Configuration,
    MeterCurve,
    Outcome,
    SkipReason,
    Technology,
    Terms,
    site_id,
)
from net8.packing import Entry, OrderId, TermsWord, split_words
from net8.signing import checksum_address

__all__ = [
    "Admitted",
    "AgentRevoked",
    "AgentSet",
    "Appealed",
    "Approval",
    "ApprovalForAll",
    "BackingAdded",
    "Burnt",
    "Charged",
    "Collected",
    "Confirmed",
    "Connected",
    "Contradicted",
    "CourtSet",
    "DefaultTermsSet",
    "Deposited",
    "DisputeEnded",
    "DisputeOpened",
    "EarningsClaimed",
    "EntrySkipped",
    "Equivocated",
    "Event",
    "ExchangeSet",
    "Expired",
    "GuardianSet",
    "LinkSet",
    "Logged",
    "LossRecognised",
    "MeterKeySet",
    "Minted",
    "MintedFromProduction",
    "MinterSet",
    "Muted",
    "NonceCancelled",
    "NoncesCancelledBelow",
    "OperatorRegistered",
    "OrderClosed",
    "OrderLapsed",
    "OrderPlaced",
    "OrderReduced",
    "OrdersStopped",
    "OwnershipTransferStarted",
    "OwnershipTransferred",
    "PaidOut",
    "PairTraded",
    "PairsTraded",
    "PoolFunded",
    "PoolWithdrawalRequested",
    "PriceSet",
    "Recorded",
    "RecordsSet",
    "Redeemed",
    "RegistrarSet",
    "Removed",
    "Replaced",
    "Reported",
    "Restored",
    "Retired",
    "RewardsClaimed",
    "RewardsShared",
    "RoleMinterChanged",
    "Settled",
    "SettledOverdue",
    "SettledSite",
    "SignerRotated",
    "SilenceAlerted",
    "SiteAdmitted",
    "SiteDismissed",
    "SiteRegistered",
    "Slashed",
    "StakeAdded",
    "StakeWithdrawn",
    "StripFilled",
    "TermsFixed",
    "Trade",
    "TradedAbroad",
    "Transfer",
    "TransferBatch",
    "TransferSingle",
    "UnbondingBegun",
    "Voted",
    "Withdrawn",
    "ZoneCreated",
    "ZoneOperatorSet",
    "decode",
    "decode_all",
    "topic_of",
]


E_co = TypeVar("E_co", bound="Event", covariant=True)


@dataclass_transform(frozen_default=True)
class Event:
    """Anything a contract logs. Every kind is a frozen dataclass with the fields of its declaration, in their order."""

    CONTRACT: ClassVar[str]  # one whose ABI declares the event

    def __init_subclass__(cls) -> None:
        """Make a kind a dataclass."""
        dataclass(frozen=True)(cls)

    @classmethod
    def of(cls, *values: object) -> Self:
        """An event from the values of its log; kinds whose log is packed have their own."""
        kinds = [field.type for field in fields(cast(Any, cls))]
        return cls(*(_CONVERTED.get(kind, _unchanged)(value) for kind, value in zip(kinds, values, strict=True)))


@dataclass(frozen=True, slots=True)
class Logged(Generic[E_co]):
    """An event and where it happened."""

    event: E_co
    address: str
    block: int
    transaction: str
    index: int  # within the block


# --- GridRegistry ---------------------------------------------------------------------------------------------------


class GridEvent(Event):
    """Logged by the GridRegistry."""

    CONTRACT = "GridRegistry"


class ExchangeSet(GridEvent):
    """The grid registry knows its EnergyExchange."""

    exchange: str


class ZoneCreated(GridEvent):
    """A zone was opened."""

    zone: int
    operator: str


class ZoneOperatorSet(GridEvent):
    """A zone has a new grid operator."""

    zone: int
    operator: str


class DefaultTermsSet(GridEvent):
    """A zone's default terms change for hours from `from_hour` on."""

    zone: int
    from_hour: int
    terms: Terms


class GuardianSet(GridEvent):
    """Who may stop new orders for a while; the zero address for nobody."""

    guardian: str


class LinkSet(GridEvent):
    """A grid operator allows, or no longer, that sites of the zone and of another trade with each other."""

    zone: int
    other: int
    capacity: int  # Wh in a slot
    fee: int  # grains per Wh


class PoolWithdrawalRequested(GridEvent):
    """The grid operator will take money out of the pool from `ready_at` (unix seconds) on."""

    zone: int
    grains: int
    ready_at: int


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

    CONTRACT = "EnergyExchange"


class TermsFixed(ExchangeEvent):
    """The exchange keeps the terms of an hour from now on."""

    zone: int
    hour: int
    terms: Terms


class PoolFunded(ExchangeEvent):
    """Somebody paid into a zone's balancing pool."""

    zone: int
    payer: str
    grains: int


class PaidOut(ExchangeEvent):
    """Money left one of a zone's accounts: for its grid operator, or as the signers' rewards."""

    zone: int
    receiver: str
    account: int  # 0 pool, 1 grid fees, 2 oracle fees
    grains: int


class Connected(ExchangeEvent):
    """The exchange knows its OracleRegistry and its TradingDesk."""

    registry: str
    desk: str


class OrdersStopped(ExchangeEvent):
    """The guardian stopped new orders until a time (unix seconds), or let them go on."""

    until: int


# --- EnergyExchange: sites ------------------------------------------------------------------------------------------


class Deposited(ExchangeEvent):
    """Money came into a site's balance."""

    site: int
    payer: str
    grains: int


class Withdrawn(ExchangeEvent):
    """Money left a site's balance."""

    site: int
    receiver: str
    grains: int


class Charged(ExchangeEvent):
    """A relay fee that the site's owner had signed for went to the desk's account."""

    site: int
    grains: int


# --- EnergyExchange: orders and settlement --------------------------------------------------------------------------


class OrderEvent(ExchangeEvent):
    """What happens to a resting order: order 96 bits | Wh 24 | site index 16 | more."""

    site: int
    order: int
    wh: int

    @classmethod
    def of(cls, *values: object) -> Self:
        """From the one packed word."""
        (word,) = cast(tuple[int], values)
        return cls(_site_of(word), word & _ORDER, word >> 96 & _WH, *cls._more(word >> 136))

    @classmethod
    def _more(cls, _: int) -> tuple[Any, ...]:
        return ()

    @property
    def place(self) -> OrderId:
        """Where it rests: zone, slot, side and price level."""
        return OrderId.unpack(self.order)


class OrderPlaced(OrderEvent):
    """An order rests in the book."""


class OrderReduced(OrderEvent):
    """A resting order was made smaller in its place; `wh` is what is left."""


class OrderClosed(OrderEvent):
    """A resting order left the book unfilled, with `wh` left."""

    reason: CloseReason

    @classmethod
    def _more(cls, rest: int) -> tuple[Any, ...]:
        return (CloseReason(rest),)


class Trade(OrderEvent):
    """Part or all of a resting order of `site` matched, at its price."""

    taker: int  # the other site

    @classmethod
    def _more(cls, rest: int) -> tuple[Any, ...]:
        return (rest,)

    @property
    def seller(self) -> int:
        """The site that sold."""
        return self.site if self.place.sell else self.taker

    @property
    def buyer(self) -> int:
        """The site that bought."""
        return self.taker if self.place.sell else self.site


@dataclass(frozen=True, slots=True)
class PairTraded:
    """Two sites traded beside the book, by orders that both owners had signed or accepted."""

    seller: int
    buyer: int
    slot: int
    price: int
    wh: int

    @classmethod
    def unpack(cls, word: int) -> Self:
        """From a word: seller 48 bits (128..) | buyer's index 16 | slot 32 (40..) | price 16 | Wh 24."""
        seller = word >> 128
        buyer = site_id(seller >> 16, word >> 112 & _INDEX)
        return cls(seller, buyer, word >> 40 & 2**32 - 1, word >> 24 & 2**16 - 1, word & _WH)


class PairsTraded(ExchangeEvent):
    """All that one call traded beside the book."""

    pairs: tuple[PairTraded, ...]

    @classmethod
    def of(cls, *values: object) -> Self:
        """From a word for each pair."""
        (words,) = cast(tuple[list[int]], values)
        return cls(tuple(PairTraded.unpack(word) for word in words))


class OrderLapsed(ExchangeEvent):
    """The part of a new order that neither matched nor rested."""

    site: int
    slot: int
    sell: bool
    price: int
    wh: int
    at_bound: bool  # it met as many orders as one call may; ordered again, it would match more


@dataclass(frozen=True, slots=True)
class SettledSite:
    """How a site's slots of one hour ended in a report."""

    site: int
    entry: Entry  # as reported, reduced to the slots that settled
    credited: int  # grains, margin and payment for unused energy included


class Settled(ExchangeEvent):
    """A report settled slots of a zone's sites."""

    zone: int
    shortfalls: int  # charged for energy sold but not delivered, into the balancing pool
    unused: int  # paid for energy bought but not used, out of the balancing pool
    grid_fees: int
    oracle_fees: int
    sites: tuple[SettledSite, ...]  # in the order of the report: by hour, then by site

    @classmethod
    def of(cls, *values: object) -> Self:
        """From the sums, the entries as reported, and a word for each that settled anything: its place among them."""
        zone, shortfalls, unused, grid_fees, oracle_fees, reported, credited = cast(tuple[Any, ...], values)
        entries = split_words(reported)
        sites = tuple(_settled_site(zone, entries[word >> 68 & 255], word) for word in credited)
        return cls(zone, shortfalls, unused, grid_fees, oracle_fees, sites)


class EntrySkipped(ExchangeEvent):
    """Slots of a report's entry were passed over."""

    site: int
    hour: int
    slots: int  # bit i: slot i of the hour
    reason: SkipReason


class SettledOverdue(ExchangeEvent):
    """A position for which no report came in time was settled."""

    site: int
    slot: int
    outcome: Outcome
    credited: int


# --- TradingDesk ----------------------------------------------------------------------------------------------------


class DeskEvent(Event):
    """Logged by the TradingDesk."""

    CONTRACT = "TradingDesk"


class StripFilled(DeskEvent):
    """Part or all of a strip that a site's owner had signed traded, over all its slots."""

    site: int
    nonce: int
    wh: int

    @classmethod
    def of(cls, *values: object) -> Self:
        """From the site and a packed word: nonce << 32 | Wh."""
        site, word = cast(tuple[int, int], values)
        return cls(site, word >> 32, word & 2**32 - 1)


class NonceCancelled(DeskEvent):
    """Whatever was signed with a nonce for a site is over."""

    site: int
    nonce: int


class NoncesCancelledBelow(DeskEvent):
    """Whatever was signed with a lower nonce for a site is over."""

    site: int
    nonce: int


class EarningsClaimed(DeskEvent):
    """A relayer took the relay fees that waited."""

    relayer: str
    receiver: str
    grains: int


class TradedAbroad(DeskEvent):
    """A site took from another zone's market; its `Trade`s are logged there."""

    site: int
    zone: int  # of the market
    slot: int
    sell: bool
    wh: int
    fee: int  # for transport, grains per Wh


class AgentSet(DeskEvent):
    """A key may trade for a site."""

    site: int
    agent: str
    limits: AgentLimits


class AgentRevoked(DeskEvent):
    """A key may no longer trade for a site."""

    site: int
    agent: str


# --- OracleRegistry -------------------------------------------------------------------------------------------------


class RegistryEvent(Event):
    """Logged by the OracleRegistry."""

    CONTRACT = "OracleRegistry"


class OperatorRegistered(RegistryEvent):
    """Somebody staked and became an operator."""

    id: int
    owner: str
    signer: str
    stake: int  # wei


class StakeAdded(RegistryEvent):
    """An operator's stake grew."""

    id: int
    payer: str
    amount: int  # wei


class UnbondingBegun(RegistryEvent):
    """An operator asked for the stake back."""

    id: int
    ready_at: int  # unix seconds


class StakeWithdrawn(RegistryEvent):
    """A stake was paid out."""

    id: int
    receiver: str
    amount: int  # wei


class Admitted(RegistryEvent):
    """An operator got a seat in a zone."""

    zone: int
    id: int


class Removed(RegistryEvent):
    """An operator lost his seat in a zone."""

    zone: int
    id: int


class Reported(RegistryEvent):
    """A quorum's report was submitted."""

    zone: int
    bitmap: int  # bit i: the operator in seat i signed
    entries_hash: bytes
    settled: int  # slots


class SignerRotated(RegistryEvent):
    """An operator signs with another key."""

    id: int
    signer: str
    before: str
    until: int  # unix seconds until which the replaced key still counts in reports


class Replaced(RegistryEvent):
    """An operator's seat went to another."""

    zone: int
    id: int
    by: int


class Muted(RegistryEvent):
    """An operator may no longer sign for a zone; the seat still counts."""

    zone: int
    id: int


class Restored(RegistryEvent):
    """A muted operator may sign again."""

    zone: int
    id: int


class Slashed(RegistryEvent):
    """The court took from a stake."""

    id: int
    amount: int  # wei


class RewardsShared(RegistryEvent):
    """A zone's oracle fees were shared among those who signed."""

    zone: int
    amount: int  # wei
    counts: int  # reports that seat i signed, from bit 7 * i


class RewardsClaimed(RegistryEvent):
    """An operator took what it earned."""

    id: int
    receiver: str
    amount: int  # wei


class CourtSet(RegistryEvent):
    """The registry knows its court."""

    court: str


# --- OracleCourt ----------------------------------------------------------------------------------------------------


class CourtEvent(Event):
    """Logged by the OracleCourt."""

    CONTRACT = "OracleCourt"


class Equivocated(CourtEvent):
    """An operator signed two statements that contradict each other, and lost everything."""

    id: int
    prover: str
    zone: int
    round: int
    slashed: int  # wei


class DisputeOpened(CourtEvent):
    """Somebody says that a settled reading is false."""

    dispute: int
    site: int
    opener: str
    slot: int
    tier: int
    truth: int  # no reading 1 bit (48) | import 24 | export 24, in Wh
    claim: int  # wei
    report: bytes  # hash of its entries, as `Reported` names those that settled
    accused: list[int]


class Voted(CourtEvent):
    """An operator voted in a dispute."""

    dispute: int
    id: int
    round: int
    uphold: bool
    weight: int  # wei


class Appealed(CourtEvent):
    """Another round of a dispute was paid for."""

    dispute: int
    appellant: str
    round: int
    uphold: bool
    bond: int  # wei


class DisputeEnded(CourtEvent):
    """What was decided has been carried out."""

    dispute: int
    state: int  # `net8.model.DisputeState`
    taken: int  # wei
    compensation: int  # wei to the site's owner


class SilenceAlerted(CourtEvent):
    """A zone's operators paid for their silence."""

    zone: int
    slot: int
    alerter: str
    exposure: int  # wei that sellers can have gained; 0 for a slot that is only late
    taken: int  # wei
    reward: int  # wei


class Collected(CourtEvent):
    """Somebody took what was due to him."""

    account: str
    receiver: str
    amount: int  # wei


class Burnt(CourtEvent):
    """What was taken from a stake and due to nobody was destroyed."""

    amount: int  # wei


# --- GreenCertificates ----------------------------------------------------------------------------------------------


class CertificatesEvent(Event):
    """Logged by GreenCertificates."""

    CONTRACT = "GreenCertificates"


class RegistrarSet(CertificatesEvent):
    """Who admits sites to certificates changed."""

    registrar: str


class SiteAdmitted(CertificatesEvent):
    """A site's owner may mint."""

    site: int
    configuration: Configuration
    location: str


class SiteDismissed(CertificatesEvent):
    """A site's owner may mint no more."""

    site: int


class Retired(CertificatesEvent):
    """Certificates left circulation for good."""

    id: int
    account: str
    amount: int  # Wh
    beneficiary: str
    purpose: str
    site: int  # whose consumption it is matched to; 0 for none
    slot: int  # of that consumption; 0 for none


class Expired(CertificatesEvent):
    """Expired certificates were taken out of a balance; a transfer to the zero address says which."""

    account: str
    site: int
    first_hour: int  # of the eight that were swept
    amount: int  # Wh


class TransferSingle(CertificatesEvent):
    """Certificates of one id were minted (from the zero address), passed on or retired (to the zero address)."""

    operator: str
    sender: str
    receiver: str
    id: int
    value: int  # Wh


class TransferBatch(CertificatesEvent):
    """The same for several ids."""

    operator: str
    sender: str
    receiver: str
    ids: tuple[int, ...]
    values: tuple[int, ...]  # Wh


class ApprovalForAll(CertificatesEvent):
    """An account lets another pass on all its certificates, or no longer."""

    owner: str
    operator: str
    approved: bool


class RecordsSet(CertificatesEvent):
    """Certificates know the MeterRecords from now on."""

    records: str


# --- MeterRecords ---------------------------------------------------------------------------------------------------


class RecordsEvent(Event):
    """Logged by MeterRecords."""

    CONTRACT = "MeterRecords"


class MeterKeySet(RecordsEvent):
    """A site's meter signs records with this key, or with none any more."""

    site: int
    curve: MeterCurve
    x: bytes
    y: bytes


class Recorded(RecordsEvent):
    """A record of a site's own meter was brought."""

    site: int
    boundary: int  # slot at whose start the meter showed it
    pagination: int  # by the meter's own count
    export_wh: int


class Confirmed(RecordsEvent):
    """Records of the site's meter show what was settled in a slot."""

    site: int
    slot: int


class Contradicted(RecordsEvent):
    """Records of the site's meter show something else than what was settled in a slot."""

    site: int
    slot: int
    settled_wh: int
    recorded_wh: int


# --- Reserve and tokens ---------------------------------------------------------------------------------------------


class ReserveEvent(Event):
    """Logged by the Reserve."""

    CONTRACT = "Reserve"


class Minted(ReserveEvent):
    """NET8 was created against euros."""

    payer: str
    receiver: str
    euros: int  # euro units
    net8: int  # wei


class MintedFromProduction(ReserveEvent):
    """NET8 was created against retired certificates."""

    holder: str
    receiver: str
    energy: int  # Wh
    net8: int  # wei


class PriceSet(ReserveEvent):
    """The nominal price moved."""

    price: int  # euro units per NET8


class Redeemed(ReserveEvent):
    """NET8 was destroyed for euros."""

    holder: str
    receiver: str
    net8: int  # wei
    euros: int  # euro units


class BackingAdded(ReserveEvent):
    """Euros were given for nothing."""

    giver: str
    euros: int  # euro units


class LossRecognised(ReserveEvent):
    """The stablecoin took euros away."""

    euros: int  # euro units


class TokenEvent(Event):
    """Logged by NET8 or the euro."""

    CONTRACT = "NET8"


class Transfer(TokenEvent):
    """Tokens moved; from the zero address when created, to it when destroyed."""

    sender: str
    receiver: str
    value: int  # smallest unit


class Approval(TokenEvent):
    """A spender may take tokens of an owner."""

    owner: str
    spender: str
    value: int  # smallest unit


class MinterSet(TokenEvent):
    """NET8's one minter was named."""

    minter: str


class RoleMinterChanged(TokenEvent):
    """An account may mint in a token's module, or no longer."""

    minter: str
    status: bool


class OwnershipTransferred(TokenEvent):
    """A contract has a new owner."""

    previous_owner: str
    new_owner: str


class OwnershipTransferStarted(RegistryEvent):
    """A contract is offered to a new owner."""

    previous_owner: str
    new_owner: str


# --- decoding -------------------------------------------------------------------------------------------------------


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


_ORDER, _WH, _INDEX = 2**96 - 1, 2**24 - 1, 2**16 - 1


def _site_of(word: int) -> int:
    """The site of a resting order: its zone is in its number, its index beside it."""
    return site_id((word & _ORDER) >> 49, word >> 120 & _INDEX)


def _settled_site(zone: int, reported: int, word: int) -> SettledSite:
    """From an entry and its result: grains 64 bits | mask of the slots that settled 4 | more."""
    entry = Entry.unpack(reported)
    settled = {i: reading for i, reading in entry.readings.items() if word >> 64 + i & 1}
    return SettledSite(entry.site(zone), replace(entry, readings=settled), word & 2**64 - 1)


def _terms(raw: Any) -> Terms:  # noqa: ANN401 - a struct, or packed into a word
    word = TermsWord.unpack(raw) if isinstance(raw, int) else None
    return word.terms if word else Terms(*raw)


def _unchanged(value: Any) -> object:  # noqa: ANN401 - of any type
    return value


_CONVERTED: dict[Any, Callable[[Any], object]] = {
    Terms: _terms,
    AgentLimits: lambda raw: AgentLimits(*raw),
    Technology: Technology,
    Configuration: Configuration,
    SkipReason: SkipReason,
    Outcome: Outcome,
}


def decode(log: dict[str, Any]) -> Logged[Event] | None:
    """The event of a log as JSON-RPC gives it; None for a log of no NET8 contract's kind."""
    topics = [bytes.fromhex(topic[2:]) for topic in log["topics"]]
    kind = _by_topic().get(topics[0]) if topics else None
    if kind is None or len(topics) != 1 + sum(indexed for _, _, indexed in _abi_of(kind).inputs):
        return None
    return Logged(
        event=kind.of(*_abi_of(kind).decode(topics, bytes.fromhex(log["data"][2:]))),
        address=checksum_address(log["address"]),
        block=int(log["blockNumber"], 16),
        transaction=log["transactionHash"],
        index=int(log["logIndex"], 16),
    )


def decode_all(logs: list[dict[str, Any]]) -> list[Logged[Event]]:
    """The events of many logs, in their order; logs of other contracts' kinds are left out."""
    return [event for log in logs if (event := decode(log)) is not None]
