"""When energy is cheapest: the stretch of quarter hours that follow each other and in which every one is offered."""

from collections.abc import Sequence
from dataclasses import dataclass

from net8.model import site_zone
from net8.units import hour_of_slot

from net8_web.feed import View

__all__ = ["TWO_HOURS", "Stretch", "cheapest"]

TWO_HOURS = 8  # slots: a washing machine, a dishwasher, a good part of a car's night


@dataclass(frozen=True, slots=True)
class Stretch:
    """Slots one after the other."""

    first: int
    price: int  # grains per Wh with the zone's grid fee, the mean of the slots' best offers
    wh: int  # offered at these prices in the slot that offers least: more than this costs more, or is not there


def cheapest(view: View, site: int, slots: Sequence[int], length: int = TWO_HOURS) -> Stretch | None:
    """The cheapest stretch for a site to buy in, the earliest of several; None where none is offered throughout.

    Args:
        view: the market.
        site: that would buy; its own offers do not count, because nobody trades with himself.
        slots: open ones, earliest first.
        length: slots of the stretch.
    """
    offers = {slot: offer for slot in slots if (offer := _best(view, site, slot)) is not None}
    found = None
    for first in offers:
        stretch = [offers[slot] for slot in range(first, first + length) if slot in offers]
        if len(stretch) == length:
            price = (2 * sum(one for one, _ in stretch) + length) // (2 * length)
            if found is None or price < found.price:
                found = Stretch(first, price, min(wh for _, wh in stretch))
    return found


def _best(view: View, site: int, slot: int) -> tuple[int, int] | None:
    """(price with grid fee, Wh) of the best offer of others."""
    zone = site_zone(site)
    terms = view.terms(zone, hour_of_slot(slot))
    offered = [one for one in view.market.orders_in(zone, slot) if one.sell and one.site != site]
    if terms is None or not offered:
        return None
    price = min(one.price for one in offered)
    return price + terms.grid_fee, sum(one.wh for one in offered if one.price == price)
