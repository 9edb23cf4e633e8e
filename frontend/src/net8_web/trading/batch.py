"""One order in many quarter hours: which of them, and what they come to together."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

from net8.model import Level, Terms
from net8.packing import OrderRequest
from net8.units import hour_of_slot

from net8_web import show
from net8_web.amounts import Unusable
from net8_web.i18n import t
from net8_web.market import Market
from net8_web.ticket import Draft, Quote, Sums, quote, together

__all__ = ["BATCH_MAX", "Batch", "Which", "batch", "choose", "price_met"]

BATCH_MAX = 96  # orders that one transaction places


class Which(StrEnum):
    """Which slots of a range."""

    ALL = "all"
    CHEAPEST = "cheapest"
    DEAREST = "dearest"


@dataclass(frozen=True, slots=True)
class Batch(Sums):
    """Orders of one side in several slots. Money in grains, energy in Wh, all of them together."""

    orders: tuple[OrderRequest, ...]
    wh: int
    fills_now: int  # matches at once, by the books as last seen
    worst: int  # what a seller loses who delivers nothing in any slot
    imbalance: int  # highest price of missing energy, grains per Wh
    feed_in: int  # lowest price of unused energy, grains per Wh


def price_met(market: Market, zone: int, slot: int, sell: bool) -> int | None:
    """Grains per Wh that an order would meet: the best price of the other side, else the last traded one, else None."""
    other = market.depth(zone, slot, sell=not sell)
    if other:
        return other[0].price
    trades = market.trades_in(zone, slot)
    return trades[-1].price if trades else None


def choose(slots: Sequence[int], which: Which, count: int, price_of: Callable[[int], int | None]) -> list[int]:
    """The slots that are meant, earliest first; of two with the same price the earlier one.

    Args:
        slots: of the range.
        which: all of them, or the `count` cheapest or dearest.
        count: how many; not used for all.
        price_of: grains per Wh of a slot, None where nobody has named any.

    Raises:
        Unusable: there are not so many, or not so many with a price.
    """
    if which is Which.ALL:
        return list(slots)
    priced = [(price, slot) for slot in slots if (price := price_of(slot)) is not None]
    if len(priced) < count:
        numbers = {"n": len(priced), "of": len(slots)}
        raise Unusable(t("batch.few_prices", **{name: show.isolate(str(number)) for name, number in numbers.items()}))
    sign = 1 if which is Which.CHEAPEST else -1
    ranked = sorted(priced, key=lambda pair: (sign * pair[0], pair[1]))
    return sorted(slot for _, slot in ranked[:count])


def batch(
    draft: Draft,
    slots: Sequence[int],
    terms_of: Callable[[int], Terms | None],
    other_side: Callable[[int], list[Level]],
) -> Batch:
    """Check a draft in every slot and add up what it comes to.

    Args:
        draft: of each of the orders.
        slots: at least one.
        terms_of: an hour's terms; None where nothing may be traded.
        other_side: what an order could match in a slot, best price first.

    Raises:
        Unusable: the draft is no order of one of these markets; the message says of which where it is not the first.
    """
    found: dict[int, tuple[Terms, Quote]] = {}
    for slot in slots:
        terms = terms_of(hour_of_slot(slot))
        if terms is None:
            raise Unusable(t("batch.in_slot", slot=show.slot(slot), fault=t("trade.closed")))
        try:
            found[slot] = terms, quote(draft, terms, other_side(slot))
        except Unusable as fault:
            if not found:
                raise
            raise Unusable(t("batch.in_slot", slot=show.slot(slot), fault=str(fault))) from None
    quotes = [one for _, one in found.values()]
    return Batch(
        **asdict(together(quotes)),
        orders=tuple(OrderRequest(slot, one.sell, one.price, one.wh, one.kind) for slot, (_, one) in found.items()),
        wh=sum(one.wh for one in quotes),
        fills_now=sum(one.fills_now for one in quotes),
        worst=sum(one.worst for one in quotes),
        imbalance=max(terms.imbalance for terms, _ in found.values()),
        feed_in=min(terms.feed_in for terms, _ in found.values()),
    )
