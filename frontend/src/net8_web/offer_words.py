"""Signed orders and strips in words."""

from collections.abc import Sequence
from itertools import groupby

from net8.letters import Letter, LetterRefused
from net8.model import site_index
from net8.offers import Strip
from net8.units import slot_start

from net8_web import markup, show
from net8_web.i18n import t
from net8_web.offers import AnyLetter, Leg

__all__ = ["fault_words", "legs_table", "price_words", "terms_words"]


def fault_words(fault: LetterRefused) -> str:
    """What is wrong with a letter, in the session's language."""
    return t(f"offer.fault_{fault.fault}", part=show.isolate(fault.part))


def terms_words(letter: AnyLetter) -> str:
    """`Site 3 sells 5.00 kWh at 0.0900 NET8/kWh, 23 Nov, 14:15–14:30`"""
    offer = letter.offer
    site = t("site.name", index=show.isolate(str(site_index(offer.site))))
    side = "sells" if offer.sell else "buys"
    if isinstance(letter, Letter):
        order = letter.offer
        return t(
            f"offer.{side}",
            site=site,
            energy=show.energy(order.wh),
            price=price_words([order.price]),
            slot=show.slot(order.slot),
        )
    strip = letter.offer
    filled = _filled(strip)
    return t(
        f"strip.{side}",
        site=site,
        energy=show.energy(sum(strip.wh)),
        n=show.isolate(str(len(filled))),
        price=price_words([price for _, price in filled]),
        span=_span(filled[0][0], filled[-1][0]),
    )


def _filled(strip: Strip) -> list[tuple[int, int]]:
    """Slot and price, of the slots that have energy in them."""
    return [(slot, price) for slot, price, wh in zip(strip.slots, strip.prices, strip.wh, strict=True) if wh]


def price_words(prices: Sequence[int]) -> str:
    """`0.0900 NET8/kWh`, or from the lowest to the highest."""
    texts = [show.price_net8(price) for price in (min(prices), max(prices))]
    return show.isolate(f"{texts[0] if texts[0] == texts[1] else '-'.join(texts)} NET8/kWh")


def _span(first: int, last: int) -> str:
    """From the start of one slot to the end of another."""
    start, end = slot_start(first), slot_start(last + 1)
    if show.day(start) == show.day(end):
        return show.span(start, end)
    return t("strip.span", first=show.moment(start), last=show.moment(end))


def legs_table(legs: Sequence[Leg], closed: Sequence[int]) -> None:
    """Prices and energies slot by slot; neighbours that say the same share a line.

    Args:
        legs: earliest first.
        closed: slots in which nothing can be traded now.
    """

    def says(numbered: tuple[int, Leg]) -> tuple[object, ...]:
        place, leg = numbered
        return leg.slot - place, leg.price, leg.wh, leg.left, leg.slot in closed

    lines = []
    for _, same in groupby(enumerate(legs), says):
        run = [leg for _, leg in same]
        leg = run[0]
        lines.append(
            [
                _span(leg.slot, run[-1].slot),
                show.isolate(str(len(run))),
                show.price_net8(leg.price),
                show.kwh(leg.wh),
                t("strip.closed") if leg.slot in closed and leg.left else show.kwh(leg.left),
            ]
        )
    columns = ["strip.col_slots", "strip.col_count", "col.price_net8", "strip.col_each", "strip.col_left"]
    markup.rows(t("strip.table"), [t(name) for name in columns], lines, numeric=(1, 2, 3, 4), wrapped=(0,))
