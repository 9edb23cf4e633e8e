"""What a market is made of at one block: what stands open, and what happened in the last days.

The indexer tells it, the web app begins with it: one form for both, so that neither can misread the other. Energy in
Wh, money in grains, prices in grains per Wh, times in unix seconds, a slot is unix time // 900, an hour unix time //
3600. As JSON, ids that exceed what its readers keep exact are text.
"""

from dataclasses import dataclass
from typing import Annotated

from pydantic import PlainSerializer, TypeAdapter, ValidationError

from net8.model import Terms

__all__ = [
    "Account",
    "BlockState",
    "Certified",
    "DefaultTerms",
    "HourTerms",
    "Link",
    "Moment",
    "Movement",
    "Open",
    "Payment",
    "Registered",
    "Report",
    "Resting",
    "Retirement",
    "Seats",
    "State",
    "StateRefused",
    "Trade",
    "ZoneState",
    "from_json",
    "to_json",
]

_IdText = Annotated[int, PlainSerializer(str, return_type=str, when_used="json")]


class StateRefused(ValueError):
    """A text that is no state of a market. The message says why."""


# --- what happened --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Moment:
    """Where in the chain something happened."""

    block: int
    time: int  # unix seconds of the block
    tx: str  # as JSON-RPC writes it


@dataclass(frozen=True, slots=True)
class Trade:
    """One match: final at once."""

    at: Moment
    zone: int
    slot: int
    price: int  # grains per Wh
    wh: int
    seller: int  # sites
    buyer: int


@dataclass(frozen=True, slots=True)
class Payment:
    """The end of a site's slots of one hour: what the meters said and what it came to."""

    at: Moment
    site: int
    readings: dict[int, tuple[int, int] | None]  # slot -> (exported, imported) in Wh; None: no reading
    credited: int  # grains to the free balance, returned margin included


@dataclass(frozen=True, slots=True)
class Movement:
    """A deposit (positive) or a withdrawal (negative) of a site, in grains."""

    at: Moment
    site: int
    grains: int


@dataclass(frozen=True, slots=True)
class Report:
    """A signed report as it was submitted."""

    at: Moment
    zone: int
    signers: int  # how many operators signed
    settled: int  # site-slots it settled


@dataclass(frozen=True, slots=True)
class Retirement:
    """Certificates used up for good."""

    at: Moment
    site: int
    hour: int
    account: str
    wh: int
    beneficiary: str
    purpose: str


# --- what stands ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BlockState:
    """The block that a state is of."""

    number: int
    hash: str  # as JSON-RPC writes it
    time: int


@dataclass(frozen=True, slots=True)
class ZoneState:
    """A zone and its grid operator."""

    zone: int
    operator: str
    last_settled: int | None  # the latest slot with a settlement


@dataclass(frozen=True, slots=True)
class Registered:
    """A site as it was registered."""

    site: int
    owner: str
    technology: int  # Technology
    nameplate: int  # W
    meter_key: str


@dataclass(frozen=True, slots=True)
class Link:
    """What sites of a zone may trade with those of another."""

    zone: int
    other: int
    capacity: int  # Wh in a slot
    fee: int  # grains per Wh


@dataclass(frozen=True, slots=True)
class DefaultTerms:
    """Terms of a zone's hours from `from_hour` on for which no tariff is published."""

    zone: int
    from_hour: int
    terms: Terms


@dataclass(frozen=True, slots=True)
class HourTerms:
    """Fixed terms of a zone's hour."""

    zone: int
    hour: int
    terms: Terms


@dataclass(frozen=True, slots=True)
class Resting:
    """An order in the book; its number says where it stands."""

    order: _IdText
    site: int
    left: int  # Wh


@dataclass(frozen=True, slots=True)
class Open:
    """A position that is not settled."""

    site: int
    slot: int
    net_wh: int  # sold minus bought
    value: int  # received minus paid


@dataclass(frozen=True, slots=True)
class Seats:
    """The oracle operators of a zone, in the order of its seats."""

    zone: int
    operators: list[int]


Certified = tuple[int, int, int]  # site and hour of certificates, and Wh of them: there may be very many


@dataclass(frozen=True, slots=True)
class Account:
    """What an account holds of each certificate."""

    account: str
    certificates: list[Certified]


@dataclass(frozen=True, slots=True)
class State:
    """A market at one block. What happened is told from `since` on, in the order of the chain."""

    chain_id: int
    exchange: str  # address of the EnergyExchange
    block: BlockState
    since: int  # unix seconds, the beginning of an hour
    zones: list[ZoneState]  # in the order of their opening
    sites: list[Registered]  # in the order of their registration
    links: list[Link]
    default_terms: list[DefaultTerms]  # in the order in which they were set
    terms: list[HourTerms]  # of hours from `since` on, and of those in which an order rests or a position is open
    orders: list[Resting]
    positions: list[Open]  # of any age
    admitted: list[int]  # sites, to certificates
    operators: list[int]
    seats: list[Seats]
    held: list[Account]
    minted: list[Certified]  # of hours from `since` on
    trades: list[Trade]  # of slots from `since` on
    payments: list[Payment]  # of hours from `since` on
    movements: list[Movement]
    reports: list[Report]
    retirements: list[Retirement]


_ADAPTER = TypeAdapter(State)


def to_json(state: State) -> bytes:
    """A state as JSON."""
    return _ADAPTER.dump_json(state)


def from_json(text: bytes) -> State:
    """A state from JSON, as `to_json` wrote it.

    Raises:
        StateRefused: it is none.
    """
    try:
        return _ADAPTER.validate_json(text)
    except ValidationError as fault:
        first = fault.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the text"
        raise StateRefused(f"{where}: {first['msg']}; no state of a market in the form of this version") from None
