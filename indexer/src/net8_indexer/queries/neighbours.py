"""A site beside its neighbours: quartiles of the zone's sites, never the figures of one of them."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from statistics import quantiles

from sqlalchemy import Connection

from net8_indexer.queries.community import MOST_FLOW_DAYS, sales
from net8_indexer.queries.paging import slot_range

__all__ = ["LEAST_SITES", "Standing", "standing"]

LEAST_SITES = 5  # with fewer, a quartile would tell what a certain neighbour does


@dataclass(frozen=True, slots=True)
class Standing:
    """One figure of a site beside the same figure of its zone's sites."""

    figure: str  # sold, bought (Wh), sold_at, bought_at (grains per Wh), delivered (thousandths of what was sold)
    own: int
    lower: int  # quartiles of all sites that have the figure, this one among them
    median: int
    upper: int
    sites: int  # that have it
    above: int  # percent of the others whose figure is smaller; of those with the same, half


@dataclass(slots=True)
class _Sums:
    """Of one site."""

    sold: int = 0
    received: int = 0
    settled: int = 0
    delivered: int = 0
    bought: int = 0
    paid: int = 0


def standing(db: Connection, site: int, first_slot: int, last_slot: int) -> list[Standing]:
    """How a site's trading compares with its zone's.

    A figure that the site does not have, or that fewer than five sites have, is left out.

    Raises:
        QueryRefused: the range is empty or too long.
    """
    zone = site >> 16
    sums: defaultdict[int, _Sums] = defaultdict(_Sums)
    for sale in sales(db, zone, slot_range(first_slot, last_slot, MOST_FLOW_DAYS)):
        seller, buyer = sums[sale.seller], sums[sale.buyer]
        seller.sold += sale.wh
        seller.received += sale.value
        if sale.delivered is not None:
            seller.settled += sale.wh
            seller.delivered += sale.delivered
        buyer.bought += sale.wh
        buyer.paid += sale.value
    of_zone = {number: found for number, found in sums.items() if number >> 16 == zone}
    compared = (_compared(name, figure, site, of_zone) for name, figure in _FIGURES.items())
    return [one for one in compared if one is not None]


def _ratio(part: int, whole: int) -> int | None:
    """The nearest whole number; None of nothing."""
    return (2 * part + whole) // (2 * whole) if whole else None


_FIGURES: dict[str, Callable[[_Sums], int | None]] = {
    "sold": lambda sums: sums.sold or None,
    "bought": lambda sums: sums.bought or None,
    "sold_at": lambda sums: _ratio(sums.received, sums.sold),
    "bought_at": lambda sums: _ratio(sums.paid, sums.bought),
    "delivered": lambda sums: _ratio(1000 * sums.delivered, sums.settled),
}


def _compared(name: str, figure: Callable[[_Sums], int | None], site: int, sums: dict[int, _Sums]) -> Standing | None:
    values = {number: value for number, of in sums.items() if (value := figure(of)) is not None}
    if site not in values or len(values) < LEAST_SITES:
        return None
    own = values.pop(site)
    lower, median, upper = (round(cut) for cut in quantiles([own, *values.values()], n=4, method="inclusive"))
    below, same = sum(value < own for value in values.values()), sum(value == own for value in values.values())
    above = round(100 * (2 * below + same) / (2 * len(values)))
    return Standing(name, own, lower, median, upper, len(values) + 1, above)
