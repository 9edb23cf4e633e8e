"""The words of the exchange: what its views return and its calls take, in whole numbers.

Energy is in Wh, money in grains, prices in grains per Wh, times in slots or hours unless a name says otherwise.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Self

__all__ = [
    "CLEAN_TECHNOLOGIES",
    "LEVELS",
    "AgentLimits",
    "Backing",
    "Certificate",
    "CertificateTotals",
    "CloseReason",
    "Configuration",
    "Dispute",
    "DisputeState",
    "DisputeTier",
    "Level",
    "Link",
    "MeterCurve",
    "MeterKey",
    "MeterRecord",
    "ModelRefused",
    "Operator",
    "Order",
    "OrderKind",
    "Outcome",
    "PoolRequest",
    "Position",
    "Site",
    "SkipReason",
    "Tariff",
    "Technology",
    "Terms",
    "ZoneAccount",
    "site_id",
    "site_index",
    "site_zone",
]

LEVELS = 224  # prices of one side of a book: floor, floor + step, ... floor + 223 steps
SITE_INDEX_MAX = 65535


class ModelRefused(ValueError):
    """A value the exchange has no place for. The message says which and what to do."""


class Technology(IntEnum):
    """What makes the energy of a site."""

    NONE = 0
    SOLAR = 1
    WIND = 2
    HYDRO = 3
    THERMAL = 4
    NEUTRINOVOLTAIC = 5
    STORAGE = 6


CLEAN_TECHNOLOGIES = frozenset(
    {Technology.SOLAR, Technology.WIND, Technology.HYDRO, Technology.THERMAL, Technology.NEUTRINOVOLTAIC}
)  # those whose settled export may be certified


class Configuration(IntEnum):
    """How granular certificates stand beside the official ones of the region (EnergyTag)."""

    OFFICIAL = 1  # they are the official ones
    BESIDE = 2  # an official one exists and is cancelled for them
    ALONE = 3  # there is no official one for this energy


class OrderKind(IntEnum):
    """What happens to the part of an order that does not match at once."""

    LIMIT = 0  # rests in the book
    IMMEDIATE_OR_CANCEL = 1  # lapses
    FILL_OR_KILL = 2  # there must be none, or nothing happens
    POST_ONLY = 3  # all of it rests, or nothing happens


class Outcome(IntEnum):
    """How a position ended."""

    OPEN = 0
    METERED = 1
    NO_READING = 2  # a seller delivered nothing, a buyer used everything
    AS_TRADED = 3  # the zone had no report for the slot at all


class CloseReason(IntEnum):
    """Why a resting order left the book without being filled."""

    CANCELLED = 0  # by its owner or agent
    RELEASED = 1  # by anyone, after the gate
    SELF_TRADE = 2  # met by an order of its own site or owner
    POSITION_BOUND = 3  # its site's position could grow no further
    EXPIRED = 4  # its own time had passed


class SkipReason(IntEnum):
    """Why one slot of a settlement entry was passed over."""

    UNORDERED = 1
    UNKNOWN_SITE = 2
    SLOT_NOT_OVER = 3
    TOO_LATE = 4
    ALREADY_SETTLED = 5
    ABOVE_NAMEPLATE = 6


def site_id(zone: int, index: int) -> int:
    """The id of the `index`-th site (from 1) of `zone` (from 1)."""
    if zone < 1 or not 1 <= index <= SITE_INDEX_MAX:
        raise ModelRefused(f"zone {zone}, site {index}: zones count from 1, sites from 1 to {SITE_INDEX_MAX}")
    return zone << 16 | index


def site_zone(site: int) -> int:
    """The zone in which `site` stands."""
    return site >> 16


def site_index(site: int) -> int:
    """The number of `site` within its zone, from 1 in order of registration."""
    return site & SITE_INDEX_MAX


@dataclass(frozen=True, slots=True)
class Tariff:
    """What a grid operator publishes for one hour, in grains per Wh."""

    feed_in: int  # paid for energy bought but not used
    imbalance: int  # charged for energy sold but not delivered
    grid_fee: int  # on energy bought


@dataclass(frozen=True, slots=True)
class Terms:
    """The rules of a zone's market for one hour, fixed once; grains per Wh but the last two."""

    feed_in: int
    imbalance: int
    grid_fee: int
    oracle_fee: int  # the part of the grid fee that rewards the oracles
    floor: int  # lowest price of the grid
    step: int
    gate_lead: int  # slots before the slot's start at which trading ends
    min_wh: int  # smallest order

    @property
    def top(self) -> int:
        """Highest price of the grid."""
        return self.floor + (LEVELS - 1) * self.step

    def price_of(self, level: int) -> int:
        """Price of a level, 0 to 223."""
        if not 0 <= level < LEVELS:
            raise ModelRefused(f"level {level} is off the grid; levels go from 0 to {LEVELS - 1}")
        return self.floor + level * self.step

    def level_of(self, price: int) -> int:
        """Level of a price.

        Raises:
            ModelRefused: the price is not on the grid; `nearest_price` gives one that is.
        """
        level, off = divmod(price - self.floor, self.step)
        if off or not 0 <= level < LEVELS:
            raise ModelRefused(
                f"price {price} is off the grid; use {self.floor} to {self.top} in steps of {self.step} grains per Wh"
            )
        return level

    def nearest_price(self, price: int) -> int:
        """The price of the grid closest to `price`; the lower of two equally close."""
        level = (2 * (price - self.floor) + self.step - 1) // (2 * self.step)
        return self.price_of(min(max(level, 0), LEVELS - 1))

    @property
    def tariff(self) -> Tariff:
        """The part of the terms that a grid operator publishes."""
        return Tariff(self.feed_in, self.imbalance, self.grid_fee)


@dataclass(frozen=True, slots=True)
class Site:
    """A metered connection point as registered."""

    owner: str
    technology: Technology
    nameplate: int  # W
    meter_key: str


@dataclass(frozen=True, slots=True)
class Level:
    """All resting orders of one side at one price."""

    price: int
    wh: int
    orders: int


@dataclass(frozen=True, slots=True)
class Order:
    """A resting order; `wh` is what is left of it, 0 when it is gone."""

    id: int
    site: int
    sell: bool
    price: int
    wh: int
    expiry: int = 0  # unix time from which it trades no more; 0 for the gate of its slot


@dataclass(frozen=True, slots=True)
class Position:
    """What a site has traded in a slot, and once settled how it ended."""

    net_wh: int  # sold minus bought; 0 once settled
    value: int  # grains received minus paid; 0 once settled
    margin: int  # grains held against it; 0 once settled
    outcome: Outcome
    exported: int  # Wh, only once settled
    imported: int  # Wh, only once settled, and no more than was bought

    @property
    def is_settled(self) -> bool:
        """Whether the slot is closed for the site."""
        return self.outcome is not Outcome.OPEN


@dataclass(frozen=True, slots=True)
class AgentLimits:
    """What an agent key may do for a site. Budgets are used up as orders are placed and never come back."""

    buy_max: int  # highest price to buy at, grains per Wh
    sell_min: int  # lowest price to sell at, grains per Wh
    wh: int  # budget of energy
    value: int  # budget of money, grains
    first_slot: int
    last_slot: int
    expiry: int  # unix seconds


@dataclass(frozen=True, slots=True)
class ZoneAccount:
    """Money of a zone that belongs to no site, in grains."""

    pool: int
    grid_fees: int
    oracle_fees: int


@dataclass(frozen=True, slots=True)
class Link:
    """How far the sites of two zones may trade with each other."""

    capacity: int  # Wh in a slot, both directions together; the smaller of what both grid operators allow
    fee: int  # of the first zone, grains per Wh
    other_fee: int  # of the second


@dataclass(frozen=True, slots=True)
class Operator:
    """An oracle operator as registered."""

    owner: str
    signer: str
    stake: int  # wei
    zones: int  # how many zones it serves
    unbonding_at: int  # unix seconds, 0 while bonded
    frozen: int  # open disputes that keep the stake in place


class DisputeTier(IntEnum):
    """What an operator who signed a false reading is to lose of his stake."""

    CARELESS = 0  # 1 %
    NEGLIGENT = 1  # 5 %
    FRAUDULENT = 2  # all of it


class DisputeState(IntEnum):
    """What has become of a dispute."""

    NONE = 0  # there is no such dispute
    VOTING = 1  # or waiting for an appeal, or to be executed
    SENTENCED = 2  # upheld; some of the stakes is still to be taken
    UPHELD = 3
    REJECTED = 4
    UNDECIDED = 5  # too few voted


@dataclass(frozen=True, slots=True)
class Dispute:
    """A disputed reading. Sums and weights are wei."""

    site: int
    slot: int
    tier: DisputeTier
    truth: tuple[int, int] | None  # (export, import) in Wh as the disputer says, None for no reading
    claim: int  # for the site's owner
    state: DisputeState
    round: int  # from 0
    ends_at: int  # unix seconds at which the round's vote ends
    eligible: int  # stake that may vote
    support: int
    opposition: int
    standing: bool  # what the round before decided
    posters: tuple[str, ...]  # who posted the bond of each round; the zero address for a round not held
    sides: tuple[bool, ...]  # for what
    taken: int
    voters_pot: int
    voters_weight: int

    @classmethod
    def of(cls, raw: Sequence[Any]) -> Self:
        """From the contract's struct."""
        site, slot, tier, truth, claim, state, round_, ends_at, eligible, support, opposition, standing, *end = raw
        posters, sides, taken, voters_pot, voters_weight = end
        said = None if truth >> 48 else (truth & 0xFFFFFF, truth >> 24 & 0xFFFFFF)
        return cls(
            site=site,
            slot=slot,
            tier=DisputeTier(tier),
            truth=said,
            claim=claim,
            state=DisputeState(state),
            round=round_,
            ends_at=ends_at,
            eligible=eligible,
            support=support,
            opposition=opposition,
            standing=standing,
            posters=tuple(posters),
            sides=tuple(sides),
            taken=taken,
            voters_pot=voters_pot,
            voters_weight=voters_weight,
        )


@dataclass(frozen=True, slots=True)
class PoolRequest:
    """An announced withdrawal from a balancing pool; all zero when there is none."""

    grains: int
    ready_at: int  # unix seconds


@dataclass(frozen=True, slots=True)
class CertificateTotals:
    """What became of certificates, in Wh: issued = held + retired + expired."""

    issued: int
    held: int  # in anybody's balance
    retired: int
    expired: int  # taken out of balances after their expiry


class MeterCurve(IntEnum):
    """On which curve a meter signs its own records."""

    NONE = 0
    SECP256K1 = 1
    SECP256R1 = 2


@dataclass(frozen=True, slots=True)
class MeterKey:
    """The public key with which a site's meter signs records; all zero where it does not."""

    curve: MeterCurve
    x: bytes  # 32
    y: bytes  # 32


@dataclass(frozen=True, slots=True)
class MeterRecord:
    """A record that a meter signed, as MeterRecords takes it."""

    site: int
    json: bytes  # what was signed: the second part of OCMF|..|..
    places: tuple[int, int, int, int, int, int]  # bytes before the keys PG, TM, RV, RI, RU, ST of the export register
    r: int
    s: int
    parity: int  # of the signature's point, 0 or 1


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a certificate says: EnergyTag's mandatory attributes."""

    device: int  # site
    technology: Technology
    nameplate: int  # W
    location: str
    interval_start: int  # unix seconds
    interval_end: int  # unix seconds
    issuer: str
    configuration: Configuration
    assurance: int  # 1: a quorum of the zone's oracle operators; 2: and records of the meter for every minted slot
    expires_at: int  # unix seconds
    totals: CertificateTotals

    @classmethod
    def of(cls, raw: Sequence[Any]) -> Self | None:
        """From the contract's own view; None where it is empty."""
        device, technology, nameplate, location, start, end, issuer, configuration, assurance, expires_at, totals = raw
        if not configuration:
            return None
        return cls(
            device,
            Technology(technology),
            nameplate,
            location,
            start,
            end,
            issuer,
            Configuration(configuration),
            assurance,
            expires_at,
            CertificateTotals(*totals),
        )


@dataclass(frozen=True, slots=True)
class Backing:
    """What stands behind NET8."""

    euros: int  # euro units held
    supply: int  # NET8 in existence, wei
    owed: int  # euro units the supply is worth at the nominal price
    coverage: int  # min(1, euros / owed) in millionths
    supply_of_euros: int  # of the supply, created against euros, wei
    supply_of_production: int  # of the supply, created against retired certificates, wei
    retired: int  # Wh retired against NET8, ever
