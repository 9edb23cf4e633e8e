"""One order for each of many quarter hours, in one transaction."""

from collections.abc import Sequence

import streamlit as st

from net8_web import amounts, markup, show
from net8_web.components.wallet import Intent
from net8_web.context import Here
from net8_web.fields import read_or_say
from net8_web.i18n import t
from net8_web.ticket import Draft
from net8_web.trading import summary
from net8_web.trading.batch import BATCH_MAX, Batch, Which, batch, choose, price_met
from net8_web.trading.placing import outcome_note, place_unless_refused
from net8_web.trading.slots import choose_range

__all__ = ["intent", "read_batch", "span_lines"]

_WHICH, _COUNT = "batch_which", "batch_count"


def _chosen(at: Here, slots: Sequence[int], draft: Draft) -> list[int]:
    """The slots that the fields mean.

    Raises:
        Unusable: fewer than that have a price.
    """
    picked = st.segmented_control(
        t("batch.which"), list(Which), default=Which.ALL, required=True, key=_WHICH,
        format_func=lambda which: t(f"batch.{which}"), width="stretch",
    )  # fmt: skip
    which = Which.ALL if picked is None else Which(picked)
    if which is Which.ALL:
        return list(slots)
    typed = st.text_input(t("batch.count"), key=_COUNT, placeholder="8", help=t("batch.count_help"))
    if not typed.strip():
        return []
    count = amounts.whole(typed)
    zone = at.zone or 0
    return choose(slots, which, count, lambda slot: price_met(at.view.market, zone, slot, draft.sell))


def _read(at: Here, draft: Draft, slots: Sequence[int]) -> Batch:
    zone, view = at.zone or 0, at.view
    return batch(
        draft,
        slots,
        lambda hour: view.terms(zone, hour),
        lambda slot: view.market.depth(zone, slot, sell=not draft.sell),
    )


def _summary(at: Here, orders: Batch) -> None:
    markup.facts([*span_lines(orders), *summary.lines(at, orders, held_as="batch.f_margin")])
    st.caption(outcome_note(orders.sell, orders.fills_now, orders.worst, orders.imbalance, orders.feed_in))
    st.caption(t("batch.all_or_none"))


def span_lines(orders: Batch) -> list[tuple[str, str]]:
    """Names and values: how many slots, from when to when, and their energy together."""
    return [
        (t("batch.f_slots"), show.isolate(str(len(orders.orders)))),
        (t("range.first"), show.slot(orders.orders[0].slot)),
        (t("range.last"), show.slot(orders.orders[-1].slot)),
        (t("batch.f_energy"), show.energy(orders.wh)),
    ]


def read_batch(at: Here, slots: Sequence[int], draft: Draft) -> Batch | None:
    """Draw which of `slots` are meant; a draft in each of them. None where that is not whole, or cannot be, which is
    said.
    """
    among = choose_range("batch", slots, BATCH_MAX)
    chosen = read_or_say(lambda: _chosen(at, among, draft))
    if not (chosen and draft.price.strip() and draft.quantity.strip()):
        return None
    return read_or_say(lambda: _read(at, draft, chosen))


def intent(at: Here, slots: Sequence[int], draft: Draft) -> Intent | None:
    """What to sign for a draft in each of a range of `slots`; None where it cannot be placed, which is said."""
    orders = read_batch(at, slots, draft)
    if orders is None:
        return None
    _summary(at, orders)
    if at.site is None:
        return None
    call = at.view.contracts.exchange.place_many(at.site, orders.orders)
    figures = {"n": show.isolate(str(len(orders.orders))), "energy": show.energy(orders.wh)}
    label = t("batch.place_sell" if draft.sell else "batch.place_buy", **figures)
    return place_unless_refused(at, at.site, label, call, orders.held, "batch.too_poor")
