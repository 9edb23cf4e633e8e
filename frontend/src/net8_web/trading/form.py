"""The fields that every kind of order starts from: side, price, energy."""

import streamlit as st
from net8.model import OrderKind

from net8_web import show
from net8_web.context import start_empty
from net8_web.i18n import t
from net8_web.ticket import Draft

__all__ = ["QUANTITY", "draft", "fill_in", "price_key"]

QUANTITY = "trade_quantity"
_KIND, _CHOICES = "trade_kind", "trade_choices"


def price_key() -> str:
    """Key of the price field that is drawn now."""
    return f"trade_price_{st.session_state.get(_CHOICES, 0)}"


def fill_in(side: str, price: int) -> None:
    """Start the form with a side, `sell` or `buy`, and a price in grains per Wh.

    It fills in new fields instead of changing the old ones: a browser that has not heard of the choice yet sends what
    they said before along with whatever it reports next.
    """
    choices = st.session_state.get(_CHOICES, 0) + 1
    st.session_state[f"trade_side_{choices}"] = side
    st.session_state[f"trade_price_{choices}"] = show.price_net8(price)
    st.session_state[_CHOICES] = choices


def draft(*, kinds: bool) -> Draft:
    """Draw the fields; returns what they say. `kinds` tells whether it may be chosen what happens to the rest."""
    choices = st.session_state.get(_CHOICES, 0)
    start_empty(price_key(), QUANTITY)
    st.session_state.setdefault(f"trade_side_{choices}", "sell")
    side = st.segmented_control(
        t("trade.side"),
        ["sell", "buy"],
        required=True,
        format_func=lambda name: t(f"trade.{name}"),
        key=f"trade_side_{choices}",
        label_visibility="collapsed",
        width="stretch",
    )
    price, unit = st.columns([3, 2])
    with price:
        typed = st.text_input(t("trade.price"), key=price_key(), placeholder="0.1")
    with unit:
        unit_name = st.selectbox(t("trade.unit"), ["NET8/kWh", "EUR/kWh"], key=f"trade_unit_{choices}")
    quantity = st.text_input(t("trade.quantity"), key=QUANTITY, placeholder="5")
    kind: OrderKind | None = OrderKind.LIMIT
    if kinds:
        kind = st.selectbox(
            t("trade.kind"), list(OrderKind), format_func=lambda kind: t(f"trade.kind_{kind.name.lower()}"), key=_KIND
        )
    return Draft(
        side != "buy", typed, unit_name == "EUR/kWh", quantity, OrderKind.LIMIT if kind is None else OrderKind(kind)
    )
