"""A zone as a whole: who supplies whom, how much stays in the zone, and what the grid asks and pays beside it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from net8.model import Terms, site_zone
from net8.units import hour_of_slot

from net8_web.market import Market

__all__ = ["Exchanged", "Flow", "Prices", "Supply", "prices_of", "supply_of", "traded"]


@dataclass(frozen=True, slots=True)
class Flow:
    """Energy that one site sold another."""

    seller: int
    buyer: int
    traded: int  # Wh
    value: int  # grains
    settled: int  # Wh of these in slots that are settled
    delivered: int | None  # Wh of the settled that the seller's meter covered; None: only the indexer adds it up


@dataclass(frozen=True, slots=True)
class Exchanged:
    """Energy that the sites of one zone sold those of another, or among themselves where both are the same."""

    seller_zone: int
    buyer_zone: int
    traded: int  # Wh
    value: int  # grains


def traded(market: Market, slots: range) -> tuple[list[Flow], list[Exchanged]]:
    """What the chain itself tells of all zones' trades in some slots: by site and by zone, the largest first."""
    sites: defaultdict[tuple[int, int], list[int]] = defaultdict(lambda: [0, 0])
    zones: defaultdict[tuple[int, int], list[int]] = defaultdict(lambda: [0, 0])
    for zone in list(market.zones):
        for slot in slots:
            for trade in market.trades_in(zone, slot):
                pair = trade.seller, trade.buyer
                for sums in (sites[pair], zones[site_zone(trade.seller), site_zone(trade.buyer)]):
                    sums[0] += trade.wh
                    sums[1] += trade.wh * trade.price
    flows = [Flow(*pair, wh, value, 0, None) for pair, (wh, value) in sites.items()]
    between = [Exchanged(*pair, *sums) for pair, sums in zones.items()]
    return sorted(flows, key=lambda flow: -flow.traded), sorted(between, key=lambda one: -one.traded)


@dataclass(frozen=True, slots=True)
class Supply:
    """Where a zone's energy came from and went to. Wh and grains."""

    among: int  # sold by the zone's sites to each other
    value: int  # of it
    bought: int  # by the zone's sites in all
    sold_on: int  # to other zones

    @property
    def share(self) -> int | None:
        """Percent of what the zone bought that its own sites supplied; None: it bought nothing."""
        return (200 * self.among + self.bought) // (2 * self.bought) if self.bought else None

    @property
    def price(self) -> int | None:
        """Mean price among the zone's sites in grains per Wh, the nearest whole one."""
        return (2 * self.value + self.among) // (2 * self.among) if self.among else None


def supply_of(zone: int, between: Sequence[Exchanged]) -> Supply:
    """The sums of one zone."""
    own = [one for one in between if one.seller_zone == one.buyer_zone == zone]
    return Supply(
        among=sum(one.traded for one in own),
        value=sum(one.value for one in own),
        bought=sum(one.traded for one in between if one.buyer_zone == zone),
        sold_on=sum(one.traded for one in between if one.seller_zone == zone != one.buyer_zone),
    )


@dataclass(frozen=True, slots=True)
class Prices:
    """A slot's prices in grains per Wh."""

    slot: int
    local: int | None  # mean of what was traded; None: nothing was
    feed_in: int  # the grid's for energy that nobody bought
    grid_fee: int  # on what is bought


def prices_of(market: Market, zone: int, slots: range, terms: Mapping[int, Terms]) -> list[Prices]:
    """What neighbours paid in each slot, beside the terms of its hour."""
    found = []
    for slot in slots:
        trades, rules = market.trades_in(zone, slot), terms[hour_of_slot(slot)]
        wh, value = sum(trade.wh for trade in trades), sum(trade.wh * trade.price for trade in trades)
        found.append(Prices(slot, (2 * value + wh) // (2 * wh) if wh else None, rules.feed_in, rules.grid_fee))
    return found
