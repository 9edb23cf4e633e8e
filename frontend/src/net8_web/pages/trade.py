"""Trade: pick a quarter of an hour, read its book, place and cancel orders, look at past prices."""

from dataclasses import replace

import streamlit as st
from net8.errors import Refused
from net8.model import Order, OrderKind, Terms
from net8.packing import OrderId
from net8.units import hour_of_slot, slot_of, slot_start

from net8_web import markup, show
from net8_web.amounts import Unusable
from net8_web.components import wallet
from net8_web.components.book import Cell, Rung, forget, ladder, strip
from net8_web.context import Here, here, no_site_note, site_name, start_empty
from net8_web.history import history
from net8_web.i18n import language, t
from net8_web.ticket import Draft, Quote, quote
from net8_web.timing import FORM_SECONDS, LIVE_SECONDS
from net8_web.words import sentence

__all__ = ["render"]

SLOTS_SHOWN = 96  # a day ahead in the strip
RUNGS = 9  # prices of each side in the ladder
TRADES_SHOWN = 8
ORDERS_SHOWN = 10
RELEASED_AT_ONCE = 64  # what one transaction releases

_SLOT = "trade_slot"
_QUANTITY, _KIND, _CHOICES = "trade_quantity", "trade_kind", "trade_choices"


def render() -> None:
    """Draw the page."""
    at = here()
    if at.zone is None:
        markup.empty(t("problem.no_zone"), t("problem.no_zone_way"))
        return
    _slots()
    book, ticket = st.columns([6, 5], gap="large")
    with book:
        _book()
    with ticket:
        _ticket()
    _my_orders()
    history(at.zone, _chosen_slot(at))


# --- which slot -----------------------------------------------------------------------------------------------------


def _open_slots(at: Here) -> list[int]:
    now = slot_of(at.view.now)
    return at.view.memo(
        ("open_slots", at.zone), lambda: [slot for slot in range(now, now + SLOTS_SHOWN + 1) if _is_open(at, slot)]
    )


def _is_open(at: Here, slot: int) -> bool:
    """Whether an order may still be placed; from the terms in memory, without asking the chain."""
    terms = at.view.terms(at.zone or 0, hour_of_slot(slot))
    return terms is not None and at.view.now < slot_start(slot - terms.gate_lead)


def _chosen_slot(at: Here) -> int | None:
    """The picked slot; when it closed meanwhile, the next one open."""
    slots = _open_slots(at)
    picked = st.session_state.get(_SLOT)
    if picked in slots:
        return int(picked)
    later = [slot for slot in slots if picked is None or slot > picked]
    return later[0] if later else (slots[0] if slots else None)


def _cell(at: Here, slot: int, top: int, floor: int) -> Cell:
    market, zone = at.view.market, at.zone or 0
    asks, bids, trades = (
        market.depth(zone, slot, sell=True),
        market.depth(zone, slot, sell=False),
        market.trades_in(zone, slot),
    )
    price = trades[-1].price if trades else asks[0].price if asks else bids[0].price if bids else None
    height = 0.0 if price is None else min(max((price - floor) / max(top - floor, 1), 0.0), 1.0)
    nothing = t("trade.nothing")
    label = t(
        "trade.cell",
        when=show.slot(slot),
        state=t("trade.cell_open"),
        ask=show.price_net8(asks[0].price) if asks else nothing,
        bid=show.price_net8(bids[0].price) if bids else nothing,
        volume=show.energy(sum(trade.wh for trade in trades)),
    )
    return Cell(
        slot=slot,
        time=show.clock(slot_start(slot)),
        day=show.day(slot_start(slot)),
        text="" if price is None else show.price_net8(price),
        height=height,
        tone=None if price is None else min(int(height * 5), 4),
        mark="",
        state="open",
        label=label,
    )


def _price_span(at: Here, slots: list[int]) -> tuple[int, int]:
    """Lowest and highest price that occurs, so that the strip's bars use their height."""
    market, zone = at.view.market, at.zone or 0
    prices = [trade.price for slot in slots for trade in market.trades_in(zone, slot)]
    prices += [order.price for slot in slots for order in market.orders_in(zone, slot)]
    return (min(prices), max(prices)) if prices else (0, 1)


def _cells(at: Here, slots: list[int]) -> list[Cell]:
    """The strip's cells as everybody sees them."""
    floor, top = _price_span(at, slots)
    return [_cell(at, slot, top, floor) for slot in slots]


def _mine(at: Here, cell: Cell) -> Cell:
    net = at.view.market.position(at.site, cell.slot)[0] if at.site else 0
    return replace(cell, mark="▲" if net > 0 else "▼") if net else cell


@st.fragment(run_every=LIVE_SECONDS)
def _slots() -> None:
    at = here()
    slots = _open_slots(at)
    if not slots:
        markup.empty(t("trade.none_open"), t("trade.none_open_way"))
        return
    chosen = _chosen_slot(at)
    key = ("cells", at.zone, language(), str(show.timezone()))
    cells = [_mine(at, cell) for cell in at.view.memo(key, lambda: _cells(at, slots))]
    st.caption(t("trade.slots"))
    picked = strip("trade_strip", cells, t("trade.slots"), selected=chosen, pick=True, follow=chosen or slots[0])
    if picked is not None:
        st.session_state[_SLOT] = picked
        forget("trade_strip")
        st.rerun()


# --- the book -------------------------------------------------------------------------------------------------------


def _rungs(at: Here, slot: int, sell: bool) -> list[Rung]:
    market, zone = at.view.market, at.zone or 0
    mine = {order.price for order in market.orders_in(zone, slot) if order.sell is sell and order.site == at.site}
    levels = market.depth(zone, slot, sell)[:RUNGS]
    deepest = max((level.wh for level in levels), default=1)
    return [
        Rung(
            price=level.price,
            net8=show.price_net8(level.price),
            euro=show.price_euro(level.price),
            kwh=show.kwh(level.wh),
            share=round(level.wh / deepest, 3),
            mine=level.price in mine,
        )
        for level in levels
    ]


@st.fragment(run_every=LIVE_SECONDS)
def _book() -> None:
    at = here()
    slot = _chosen_slot(at)
    if slot is None:
        return
    st.subheader(t("trade.ladder"))
    st.caption(show.slot(slot))
    asks, bids = _rungs(at, slot, sell=True), _rungs(at, slot, sell=False)
    spread = t("trade.spread", bid=bids[0].net8, ask=asks[0].net8) if asks and bids else t("trade.no_spread")
    words = {
        "kwh": "kWh",
        "ask": t("trade.ask"),
        "bid": t("trade.bid"),
        "mine": t("trade.mine"),
        "title": t("trade.ladder"),
        "no_asks": t("trade.no_asks"),
        "no_bids": t("trade.no_bids"),
    }
    picked = ladder("trade_ladder", asks, bids, spread, words)
    if picked and isinstance(picked.get("price"), int):
        # Taking an offer is buying, hitting a bid is selling.
        choices = st.session_state.get(_CHOICES, 0) + 1
        st.session_state[f"trade_side_{choices}"] = "buy" if picked.get("side") == "sell" else "sell"
        st.session_state[f"trade_price_{choices}"] = show.price_net8(picked["price"])
        st.session_state[_CHOICES] = choices
        forget("trade_ladder")
        st.rerun()
    _recent(at, slot)


def _recent(at: Here, slot: int) -> None:
    trades = at.view.market.trades_in(at.zone or 0, slot)[-TRADES_SHOWN:]
    if not trades:
        markup.empty(t("trade.no_recent"), t("trade.no_recent_way"))
        return
    columns = [t("col.time"), t("col.energy"), t("col.price_net8"), t("col.from_to")]
    lines = [
        [
            show.isolate(show.clock(trade.at.time)),
            show.energy(trade.wh),
            show.price_net8(trade.price),
            t("trade.from_to", seller=site_name(trade.seller), buyer=site_name(trade.buyer)),
        ]
        for trade in reversed(trades)
    ]
    markup.rows(t("trade.recent"), columns, lines, numeric=(1, 2))


# --- the order ------------------------------------------------------------------------------------------------------


def _price_key() -> str:
    return f"trade_price_{st.session_state.get(_CHOICES, 0)}"


def _form() -> Draft:
    # A row of the ladder fills in new fields instead of changing the old ones: a browser that has not heard of the
    # choice yet sends what they said before along with whatever it reports next.
    choices = st.session_state.get(_CHOICES, 0)
    start_empty(_price_key(), _QUANTITY)
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
        typed = st.text_input(t("trade.price"), key=_price_key(), placeholder="0.1")
    with unit:
        unit_name = st.selectbox(t("trade.unit"), ["NET8/kWh", "EUR/kWh"], key=f"trade_unit_{choices}")
    quantity = st.text_input(t("trade.quantity"), key=_QUANTITY, placeholder="5")
    kind = st.selectbox(
        t("trade.kind"), list(OrderKind), format_func=lambda kind: t(f"trade.kind_{kind.name.lower()}"), key=_KIND
    )
    return Draft(
        side != "buy", typed, unit_name == "EUR/kWh", quantity, OrderKind.LIMIT if kind is None else OrderKind(kind)
    )


def _summary(at: Here, slot: int, terms: Terms, order: Quote) -> None:
    both = f"{show.price_net8(order.price)} NET8/kWh · {show.price_euro(order.price)} EUR/kWh"
    total = order.value if order.sell else order.value + order.fee
    lines = [
        (t("trade.f_price"), show.isolate(both)),
        (t("trade.f_you_get" if order.sell else "trade.f_you_pay"), f"{show.net8(total)} · {show.euro(total)}"),
    ]
    if not order.sell:
        lines.append((t("trade.f_fee"), show.net8(order.fee)))
    lines.append((t("trade.f_margin"), show.net8(order.held)))
    if at.site:
        lines.append((t("trade.f_free"), show.net8(at.view.free_balance(at.site))))
    lines.append((t("trade.f_gate"), show.isolate(show.clock(slot_start(slot - terms.gate_lead)))))
    markup.facts(lines)
    fills = t("trade.fills_now", energy=show.energy(order.fills_now)) if order.fills_now else t("trade.fills_none")
    if order.sell:
        price = show.isolate(f"{show.price_net8(terms.imbalance)} NET8/kWh")
        outcome = t("trade.if_not_sell", imbalance=price, worst=show.net8(order.worst))
    else:
        price = show.isolate(f"{show.price_net8(terms.feed_in)} NET8/kWh")
        outcome = t("trade.if_not_buy", feed_in=price)
    st.caption(f"{fills} {outcome}")


def _refusal_of(at: Here, slot: int, order: Quote) -> str | None:
    """What the contract would say now, in words; None when it would take the order."""
    if at.site is None or at.account.address is None:
        return None
    call = at.view.contracts.exchange.place(at.site, slot, order.sell, order.price, order.wh, order.kind)
    try:
        at.view.try_call(call, at.account.address)
    except Refused as refused:
        free = at.view.free_balance(at.site)
        if refused.reason == "balance: too low" and order.held > free:
            figures = {"needed": order.held, "free": free, "missing": order.held - free}
            return t("trade.too_poor", **{name: show.net8(grains) for name, grains in figures.items()})
        return sentence(refused)
    return None


@st.fragment(run_every=FORM_SECONDS)
def _ticket() -> None:
    at = here()
    slot = _chosen_slot(at)
    st.subheader(t("trade.ticket"))
    with st.container(border=True):
        draft = _form()
        intent = None
        terms = at.view.terms(at.zone or 0, hour_of_slot(slot)) if slot is not None else None
        if slot is None or terms is None:
            st.warning(t("trade.closed"))
        elif draft.price.strip() and draft.quantity.strip():
            intent = _checked(at, slot, terms, draft)
        at.send("ticket", intent, t("trade.idle"), "trade.done", empties=(_price_key(), _QUANTITY))
        if at.site is None:
            no_site_note(at)


def _checked(at: Here, slot: int, terms: Terms, draft: Draft) -> wallet.Intent | None:
    try:
        order = quote(draft, terms, at.view.market.depth(at.zone or 0, slot, sell=not draft.sell))
    except Unusable as fault:
        st.warning(str(fault))
        return None
    _summary(at, slot, terms, order)
    refusal = _refusal_of(at, slot, order)
    if refusal:
        st.warning(refusal)
        return None
    if at.site is None:
        return None
    call = at.view.contracts.exchange.place(at.site, slot, order.sell, order.price, order.wh, order.kind)
    price = show.isolate(f"{show.price_net8(order.price)} NET8/kWh")
    label = t("trade.place_sell" if order.sell else "trade.place_buy", energy=show.energy(order.wh), price=price)
    return wallet.call(label, call)


# --- my orders ------------------------------------------------------------------------------------------------------


def _order_line(at: Here, order: Order) -> None:
    side = t("trade.sell" if order.sell else "trade.buy")
    price = show.isolate(f"{show.price_net8(order.price)} NET8/kWh")
    with st.container(key=f"line_{order.id}"):
        text, button = st.columns([3, 1], vertical_alignment="center")
    text.markdown(f"**{side} {show.energy(order.wh)}** · {price}  \n{show.slot(OrderId.unpack(order.id).slot)}")
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


@st.fragment(run_every=LIVE_SECONDS)
def _my_orders() -> None:
    at = here()
    if at.site is None:
        return
    orders = at.view.market.orders_of(at.site)
    live = [order for order in orders if _is_open(at, OrderId.unpack(order.id).slot)]
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
