"""What a site's day came to."""

from dataclasses import dataclass

from net8.margin import settle
from net8.model import site_zone
from net8.units import hour_of_slot, slot_of

from net8_web.market import Market

__all__ = ["SLOTS_OF_DAY", "Day", "Result", "day_of", "readings_of", "result_of"]

SLOTS_OF_DAY = 96


@dataclass(frozen=True, slots=True)
class Result:
    """The end of one settled slot of a site, worked out from its trades and its reading. Wh and grains."""

    slot: int
    net_wh: int  # sold minus bought
    value: int  # received minus paid
    exported: int | None  # None: no reading
    imported: int | None
    short: int  # sold but not delivered
    unused: int  # bought but not used
    penalty: int  # for what was short
    grid_fee: int
    net: int  # what the slot brought (or cost) in all, without what the pool paid for unused energy


@dataclass(frozen=True, slots=True)
class Day:
    """Sums over the settled slots of a day. Wh and grains."""

    earned: int
    spent: int
    sold_wh: int
    bought_wh: int
    used_wh: int  # of what was bought
    at_feed_in: int  # what the energy sold and delivered would have brought at the feed-in price

    @property
    def result(self) -> int:
        """What the day brought in all."""
        return self.earned - self.spent


def result_of(market: Market, site: int, slot: int, reading: tuple[int, int] | None) -> Result:
    """How a settled slot ended. Without a reading a seller delivered nothing and a buyer used everything."""
    net_wh, value = market.position(site, slot)
    exported, imported = reading if reading is not None else (None, None)
    terms = market.terms.get((site_zone(site), hour_of_slot(slot)))
    if terms is None:  # nothing was traded in the hour, so nothing fixed its terms
        return Result(slot, net_wh, value, exported, imported, 0, 0, 0, 0, 0)
    counted = (exported or 0, max(-net_wh, 0) if imported is None else imported)
    end = settle(net_wh, value, *counted, terms.tariff)
    net = value - end.charge - end.grid_fee
    return Result(slot, net_wh, value, exported, imported, end.short, end.unused, end.charge, end.grid_fee, net)


def readings_of(market: Market, site: int) -> dict[int, tuple[int, int]]:
    """(Wh out, Wh in) by metered slot, of those that the app keeps."""
    return {
        slot: reading
        for payment in market.payments_of(site)
        for slot, reading in payment.readings.items()
        if reading is not None
    }


def day_of(market: Market, site: int, start: int, end: int) -> Day:
    """Sums over the slots of `site` between two unix seconds that have settled."""
    first, last = slot_of(start), slot_of(end - 1)
    earned = spent = sold = bought = used = at_feed_in = 0
    for payment in market.payments_of(site):
        for slot, reading in payment.readings.items():
            if not first <= slot <= last:
                continue
            result = result_of(market, site, slot, reading)
            if result.net >= 0:
                earned += result.net
            else:
                spent -= result.net
            sold += max(result.net_wh, 0)
            bought += max(-result.net_wh, 0)
            used += max(-result.net_wh, 0) - result.unused
            if result.net_wh > 0:
                terms = market.terms[site_zone(site), hour_of_slot(slot)]
                at_feed_in += (result.net_wh - result.short) * terms.feed_in
    return Day(earned, spent, sold, bought, used, at_feed_in)
