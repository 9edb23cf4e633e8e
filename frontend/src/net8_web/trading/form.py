"""The fields that every kind of order starts from: side, price, energy."""

from dataclasses import dataclass

import streamlit as st
from net8.model import OrderKind

from net8_web import show
from net8_web.context import start_anew, start_empty
from net8_web.i18n import t
from net8_web.ticket import Draft

__all__ = ["QUANTITY", "draft", "fill_in", "price_key"]

QUANTITY = "trade_quantity"
_KIND, _START = "trade_kind", "trade_start"


@dataclass(frozen=True, slots=True)
class _Start:
    """What the side and the price start with.

    They are defaults of new fields each time. A value that is put into a field through the session's state is told to
    the browser once, and lost with a run that is overtaken; and a browser that has not heard of it yet sends what the
    old field said along with whatever it reports next.
    """

    number: int = 0
    side: str = "sell"
    price: str = ""


def _start() -> _Start:
    start: _Start = st.session_state.get(_START, _Start())
    return start


def price_key() -> str:
    """Key of the price field that is drawn now."""
    return f"trade_price_{_start().number}"


def fill_in(side: str, price: int) -> None:
    """Start the form with a side, `sell` or `buy`, and a price in grains per Wh."""
    st.session_state[_START] = _Start(_start().number + 1, side, show.price_net8(price))


def _without_price() -> None:
    """Start the form anew with the side it has now."""
    start = _start()
    side: str = st.session_state.get(f"trade_side_{start.number}") or start.side
    st.session_state[_START] = _Start(start.number + 1, side)


def draft(*, kinds: bool) -> Draft:
    """Draw the fields; returns what they say. `kinds` tells whether it may be chosen what happens to the rest."""
    start_empty(QUANTITY)
    start_anew(price_key(), _without_price)
    start = _start()
    side = st.segmented_control(
        t("trade.side"),
        ["sell", "buy"],
        default=start.side,
        required=True,
        format_func=lambda name: t(f"trade.{name}"),
        key=f"trade_side_{start.number}",
        label_visibility="collapsed",
        width="stretch",
    )
    price, unit = st.columns([3, 2])
    with price:
        typed = st.text_input(t("trade.price"), start.price, key=price_key(), placeholder="0.1")
    with unit:
        unit_name = st.selectbox(t("trade.unit"), ["NET8/kWh", "EUR/kWh"], key=f"trade_unit_{start.number}")
    quantity = st.text_input(t("trade.quantity"), key=QUANTITY, placeholder="5")
    kind: OrderKind | None = OrderKind.LIMIT
    if kinds:
        kind = st.selectbox(
            t("trade.kind"), list(OrderKind), format_func=lambda kind: t(f"trade.kind_{kind.name.lower()}"), key=_KIND
        )
    return Draft(
        side != "buy", typed, unit_name == "EUR/kWh", quantity, OrderKind.LIMIT if kind is None else OrderKind(kind)
    )
