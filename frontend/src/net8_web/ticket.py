"""An order before it is placed: what was typed, checked against the market, and what it would come to."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from net8.margin import order_lock
from net8.model import LEVELS, Level, OrderKind, Terms

from net8_web import amounts, show
from net8_web.amounts import Unusable
from net8_web.i18n import t

__all__ = ["ORDER_MAX_WH", "Draft", "Quote", "Sums", "quote", "sums", "together"]

ORDER_MAX_WH = 2**21 - 1  # what one order carries, about 2 MWh


@dataclass(frozen=True, slots=True)
class Draft:
    """The order form as typed."""

    sell: bool
    price: str
    in_euro: bool
    quantity: str  # kWh
    kind: OrderKind


@dataclass(frozen=True, slots=True)
class Sums:
    """What somebody pays or gets, in grains."""

    sell: bool
    value: int  # of the energy at the order's own price
    fee: int  # grid fee, on energy bought
    held: int  # margin until settlement, at most

    @property
    def total(self) -> int:
        """What a seller gets who delivers, or a buyer pays."""
        return self.value if self.sell else self.value + self.fee


@dataclass(frozen=True, slots=True)
class Quote(Sums):
    """What an order would come to. Money in grains, energy in Wh."""

    price: int
    wh: int
    kind: OrderKind
    fills_now: int  # matches at once, by the book as last seen
    worst: int  # what a seller loses who delivers nothing


def _price(draft: Draft, terms: Terms) -> int:
    if draft.in_euro:
        asked = amounts.price_euro(draft.price)
        price = terms.nearest_price(asked)
        outside = not terms.floor - terms.step < asked < terms.top + terms.step
    else:
        price = asked = amounts.price_net8(draft.price)
        outside = not terms.floor <= asked <= terms.top
    if outside:
        floor, top = show.price_net8(terms.floor), show.price_net8(terms.top)
        raise Unusable(t("trade.beyond_grid", floor=floor, top=top))
    if (price - terms.floor) % terms.step:
        below = terms.floor + (price - terms.floor) // terms.step * terms.step
        above = min(below + terms.step, terms.price_of(LEVELS - 1))
        texts = {"price": price, "below": below, "above": above}
        raise Unusable(t("trade.off_grid", **{name: show.price_net8(value) for name, value in texts.items()}))
    return price


def _fills(sell: bool, price: int, wh: int, other_side: list[Level]) -> int:
    matching = [level.wh for level in other_side if (level.price >= price if sell else level.price <= price)]
    return min(wh, sum(matching))


def sums(sell: bool, price: int, wh: int, terms: Terms) -> Sums:
    """What so much energy comes to.

    Args:
        sell: or buy.
        price: grains per Wh.
        wh: energy.
        terms: of the slot's hour.
    """
    held = order_lock(sell, price, wh, terms.tariff)
    return Sums(sell, wh * price, 0 if sell else wh * terms.grid_fee, held)


def together(several: Sequence[Sums]) -> Sums:
    """What several orders of one side come to; at least one."""
    return Sums(
        several[0].sell,
        sum(one.value for one in several),
        sum(one.fee for one in several),
        sum(one.held for one in several),
    )


def quote(draft: Draft, terms: Terms, other_side: list[Level]) -> Quote:
    """Check a draft and work out what it comes to.

    Args:
        terms: of the slot's hour.
        other_side: what it could match, best price first.

    Raises:
        Unusable: the draft is no order of this market; the message says why and what to write.
    """
    price = _price(draft, terms)
    wh = amounts.energy(draft.quantity)
    if wh < terms.min_wh:
        raise Unusable(t("trade.too_small", least=show.energy(terms.min_wh)))
    if wh > ORDER_MAX_WH:
        raise Unusable(t("trade.too_large", most=show.energy(ORDER_MAX_WH)))
    fills = _fills(draft.sell, price, wh, other_side)
    if draft.kind is OrderKind.POST_ONLY and fills:
        raise Unusable(t("trade.post_only_takes"))
    return Quote(
        **asdict(sums(draft.sell, price, wh, terms)),
        price=price,
        wh=wh,
        kind=draft.kind,
        fills_now=fills,
        worst=wh * (terms.imbalance - price) if draft.sell else 0,
    )
