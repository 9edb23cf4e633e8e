"""An order for the chosen quarter hour."""

import streamlit as st
from net8.model import Terms
from net8.units import slot_start

from net8_web import markup, show
from net8_web.components.wallet import Intent
from net8_web.context import Here
from net8_web.fields import read_or_say
from net8_web.i18n import t
from net8_web.ticket import Draft, Quote, quote
from net8_web.trading import summary
from net8_web.trading.placing import outcome_note, place_unless_refused

__all__ = ["intent"]


def _summary(at: Here, slot: int, terms: Terms, order: Quote) -> None:
    both = f"{show.price_net8(order.price)} NET8/kWh · {show.price_euro(order.price)} EUR/kWh"
    price = t("trade.f_price"), show.isolate(both)
    gate = t("trade.f_gate"), show.isolate(show.clock(slot_start(slot - terms.gate_lead)))
    markup.facts([price, *summary.lines(at, order), gate])
    st.caption(outcome_note(order.sell, order.fills_now, order.worst, terms.imbalance, terms.feed_in))


def intent(at: Here, slot: int, terms: Terms, draft: Draft) -> Intent | None:
    """What to sign for a draft, with what it comes to shown; None where it is not whole or cannot be placed, which is
    said.
    """
    if not (draft.price.strip() and draft.quantity.strip()):
        return None
    order = read_or_say(lambda: quote(draft, terms, at.view.market.depth(at.zone or 0, slot, sell=not draft.sell)))
    if order is None:
        return None
    _summary(at, slot, terms, order)
    if at.site is None:
        return None
    call = at.view.contracts.exchange.place(at.site, slot, order.sell, order.price, order.wh, order.kind)
    price = show.isolate(f"{show.price_net8(order.price)} NET8/kWh")
    label = t("trade.place_sell" if order.sell else "trade.place_buy", energy=show.energy(order.wh), price=price)
    return place_unless_refused(at, at.site, label, call, order.held)
