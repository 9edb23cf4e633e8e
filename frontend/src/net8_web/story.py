"""What happened at a site, in words: what it moved, traded and was paid."""

from itertools import islice

from net8.model import site_index
from net8.units import hour_of, slot_of

from net8_web import indexer, show
from net8_web.feed import View
from net8_web.i18n import t
from net8_web.market import Market
from net8_web.older import ask_older

__all__ = ["latest"]

Line = tuple[int, int, str]  # unix seconds, block (0: unknown), words


def latest(view: View, site: int, most: int) -> tuple[list[tuple[int, str]], str | None]:
    """The latest of it as (unix seconds, words), newest first; and why older ones are missing, where they may be."""
    lines, reason = _kept(view.market, site, most), None
    if len(lines) < most:
        older = ask_older(view, lambda url: _older(url, view.market.since, site, most))
        lines, reason = lines + (older.told or []), older.reason
    return [(time, words) for time, _, words in sorted(lines, reverse=True)[:most]], reason


def _kept(market: Market, site: int, most: int) -> list[Line]:
    lines = [
        (movement.at.time, movement.at.block, _moved(movement.grains)) for movement in market.movements_of(site)[-most:]
    ]
    for trade in market.trades_of(site)[-most:]:
        other = trade.buyer if trade.seller == site else trade.seller
        words = _traded(trade.seller == site, other, trade.wh, trade.price, trade.slot)
        lines.append((trade.at.time, trade.at.block, words))
    credited = (payment for payment in reversed(market.payments_of(site)) if payment.credited)
    for payment in islice(credited, most):
        lines.append((payment.at.time, payment.at.block, _paid(max(payment.readings), payment.credited)))
    return lines


def _older(url: str, since: int, site: int, most: int) -> list[Line]:
    lines = [
        (one.time, 0, _moved(one.grains))
        for one in indexer.movements(url, site, most)
        if one.time < since and one.kind in ("deposit", "withdrawal")
    ]
    for trade in indexer.latest_trades(url, site, (0, slot_of(since) - 1), most):
        other = trade.buyer if trade.seller == site else trade.seller
        lines.append((trade.time, 0, _traded(trade.seller == site, other, trade.wh, trade.price, trade.slot)))
    for paid in indexer.payments(url, site, most):
        if paid.hour < hour_of(since):
            lines.append((paid.time, 0, _paid(max(paid.slots), paid.credited)))
    return lines


def _moved(grains: int) -> str:
    return t("story.deposited" if grains > 0 else "story.withdrawn", amount=show.net8(abs(grains)))


def _traded(sold: bool, other: int, wh: int, price: int, slot: int) -> str:
    return t(
        "story.sold" if sold else "story.bought",
        energy=show.energy(wh),
        other=show.isolate(str(site_index(other))),
        price=show.isolate(show.price_net8(price)),
        slot=show.slot(slot),
    )


def _paid(slot: int, credited: int) -> str:
    return t("story.settled", slot=show.slot(slot), credited=show.net8(credited))
