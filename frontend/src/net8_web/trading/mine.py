"""The site's own orders in the book: each with a button that cancels it, and all of a range at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st
from net8.contracts import Call
from net8.errors import Refused
from net8.model import Order
from net8.packing import OrderId

from net8_web import markup, show
from net8_web.components import wallet
from net8_web.context import Here, here
from net8_web.i18n import t
from net8_web.timing import LIVE_SECONDS
from net8_web.trading.slots import choose_range, is_open
from net8_web.words import sentence

__all__ = ["my_orders"]

ORDERS_SHOWN = 10
RELEASED_AT_ONCE = 64  # what one transaction releases
CANCELLED_AT_ONCE = 96  # what one transaction cancels by number


def _slot(order: Order) -> int:
    return OrderId.unpack(order.id).slot


def _order_line(at: Here, order: Order) -> None:
    side = t("trade.sell" if order.sell else "trade.buy")
    price = show.isolate(f"{show.price_net8(order.price)} NET8/kWh")
    with st.container(key=f"line_{order.id}"):
        text, button = st.columns([3, 1], vertical_alignment="center")
    text.markdown(f"**{side} {show.energy(order.wh)}** · {price}  \n{show.slot(_slot(order))}")
    with button:
        intent = wallet.call(t("trade.cancel"), at.view.contracts.exchange.cancel(order.id))
        at.send(f"cancel_{order.id}", intent, "", "trade.cancelled", quiet=True)


def _release(at: Here, expired: list[Order]) -> None:
    """Orders whose gate has closed: nothing can match them any more, but they still hold money."""
    some = [order.id for order in expired[:RELEASED_AT_ONCE]]
    held = sum(at.view.read_many([at.view.contracts.lens.order_lock(order) for order in some]))
    text, button = st.columns([3, 1], vertical_alignment="center")
    text.markdown(t("trade.expired", n=show.isolate(str(len(expired))), held=show.net8(held)))
    with button:
        intent = wallet.call(t("trade.release"), at.view.contracts.exchange.release(some))
        at.send("release", intent, "", "trade.cancelled", quiet=True)


@dataclass(frozen=True, slots=True)
class _Sweep:
    """What cancelling a range would do now."""

    cancelled: int
    go_on_from: int  # slot at which it stops; behind the last when it does all


def _sweep(at: Here, who: str, site: int, first: int, last: int) -> _Sweep:
    """The contract's own answer to a dry run.

    Raises:
        Refused: it would not do it.
    """
    call = at.view.contracts.desk.cancel_range(site, first, last)
    key = ("cancel_range", site, first, last, who)
    return at.view.memo(key, lambda: _Sweep(*at.view.chain.read(call, sender=who)))


def _clear_range(at: Here, site: int, who: str, orders: Sequence[Order]) -> None:
    """All orders of a range of slots with one transaction, as far as one goes."""
    chosen = choose_range("clear", sorted({_slot(order) for order in orders}), len(orders))
    meant = [order for order in orders if chosen[0] <= _slot(order) <= chosen[-1]]
    desk, exchange = at.view.contracts.desk, at.view.contracts.exchange
    try:
        sweep = _sweep(at, who, site, chosen[0], chosen[-1])
    except Refused as refused:
        at.send("clear", None, t("clear.idle"), "trade.cancelled")
        st.warning(sentence(refused))
        return
    if sweep.cancelled:
        call: Call[Any] = desk.cancel_range(site, chosen[0], chosen[-1])
        number = show.isolate(str(sweep.cancelled))
    else:  # so many orders of others rest there that the search would not come to an end: by number it needs none
        by_number = meant[:CANCELLED_AT_ONCE]
        call = exchange.cancel_many([order.id for order in by_number])
        number = show.isolate(str(len(by_number)))
    at.send("clear", wallet.call(t("clear.do", n=number), call), t("clear.idle"), "trade.cancelled")
    if 0 < sweep.cancelled < len(meant):  # below the button, which a note that comes or goes would move
        st.info(t("clear.stops", n=number, of=show.isolate(str(len(meant)))))


@st.fragment(run_every=LIVE_SECONDS)
def my_orders() -> None:
    """Draw them; nothing where there is no site."""
    at = here()
    if at.site is None:
        return
    orders = at.view.market.orders_of(at.site)
    live = [order for order in orders if is_open(at.view, at.zone or 0, _slot(order))]
    expired = [order for order in orders if order not in live]
    st.subheader(t("trade.my_orders"))
    if expired:
        _release(at, expired)
    if not orders:
        markup.empty(t("trade.no_orders"), t("trade.no_orders_way"))
    for order in live[:ORDERS_SHOWN]:
        _order_line(at, order)
    if len(live) > ORDERS_SHOWN:
        st.caption(t("trade.more_orders", n=show.isolate(str(len(live) - ORDERS_SHOWN))))
    if len(orders) > 1 and at.account.address is not None:
        with st.expander(t("clear.title"), key="clear_range", on_change="rerun") as box:
            if box.open:
                _clear_range(at, at.site, at.account.address, orders)
