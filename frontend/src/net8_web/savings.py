"""What trading with neighbours saved a site: its result, less what the same energy would have come to without them.

Without them, what the site sold and delivered is fed in at the feed-in price of its hour, which the grid operator has
published on the chain, and what it used of what it bought comes from the ordinary supplier at the price of that day.
Energy that the site traded with nobody costs and brings the same either way, so it counts on neither side.
"""

from dataclasses import dataclass
from datetime import datetime

from net8.units import slot_of

from net8_web import indexer, show
from net8_web.day import Day
from net8_web.feed import View
from net8_web.indexer import IndexerUnusable, SiteDay
from net8_web.settings import Retail

__all__ = ["Month", "month_of", "saved", "saved_today"]


@dataclass(frozen=True, slots=True)
class Month:
    """Sums over the days of a month so far. Wh and grains."""

    result: int
    saved: int | None  # None: something was bought, and nobody has said what the supplier asks
    sold_wh: int
    bought_wh: int
    exported_wh: int


def saved(result: int, at_feed_in: int, used_wh: int, price: int | None) -> int | None:
    """How much better a result is than the ordinary one; in grains, negative where it is worse.

    Args:
        result: of the trades, in grains.
        at_feed_in: what was delivered would have brought, in grains.
        used_wh: of what was bought.
        price: of the ordinary supplier, in grains per Wh.

    Returns:
        None where it cannot be known: something was bought, and no price of the supplier is.
    """
    if price is None and used_wh:
        return None
    return result - at_feed_in + used_wh * (price or 0)


def saved_today(day: Day, retail: Retail | None, now: int) -> int | None:
    """The same of a day that is not over."""
    return saved(day.result, day.at_feed_in, day.used_wh, retail.at(now) if retail else None)


def month_of(view: View, site: int) -> tuple[Month | None, str | None]:
    """The present month of the browser's calendar, from the indexer; or why it cannot be known."""
    now = datetime.fromtimestamp(view.now, show.timezone())
    begun = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    first = slot_of(int(begun.timestamp()))
    span = first, min(slot_of(view.now), first + indexer.MOST_SLOTS - 1)
    offset = now.utcoffset()
    try:
        url = indexer.require_current(view.settings.indexer, view.head.number)
        days = indexer.days(url, site, span, int(offset.total_seconds()) // 60 if offset else 0)
    except IndexerUnusable as fault:
        return None, str(fault)
    return _sum(days, view.settings.retail), None


def _sum(days: list[SiteDay], retail: Retail | None) -> Month:
    each = [saved(one.result, one.at_feed_in, one.imported, retail.at(one.day) if retail else None) for one in days]
    known = [amount for amount in each if amount is not None]
    return Month(
        result=sum(one.result for one in days),
        saved=sum(known) if len(known) == len(each) else None,
        sold_wh=sum(one.sold for one in days),
        bought_wh=sum(one.bought for one in days),
        exported_wh=sum(one.exported for one in days),
    )
