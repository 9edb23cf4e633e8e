"""Trade: pick a quarter of an hour, read its book, place and cancel orders, look at past prices."""

from dataclasses import replace

import streamlit as st
from net8.units import hour_of_slot, slot_start

from net8_web import markup, show
from net8_web.components.book import Cell, forget, ladder, strip
from net8_web.context import Here, here, no_site_note, site_name
from net8_web.history import history
from net8_web.i18n import language, t
from net8_web.pages import offer
from net8_web.rungs import book_of
from net8_web.timing import FORM_SECONDS, LIVE_SECONDS
from net8_web.trading import form, many, one
from net8_web.trading.mine import my_orders
from net8_web.trading.offered import my_offers
from net8_web.trading.signing import sign_form
from net8_web.trading.slots import open_slots

__all__ = ["render"]

TRADES_SHOWN = 8
_LADDER_WORDS = ("ask", "bid", "mine", "no_asks", "no_bids", "no_spread", "spread")

_SLOT, _MODE = "trade_slot", "trade_mode"
_MODES = ["one", "many", "signed"]  # kinds of order


def render() -> None:
    """Draw the page."""
    at = here()
    if at.zone is None:
        markup.empty(t("problem.no_zone"), t("problem.no_zone_way"))
        return
    _slots()
    book, ticket = st.columns([6, 5], gap="large")
    with book:
        st.subheader(t("trade.ladder"))
        _book()
        _trades()
    with ticket:
        _ticket()
    my_orders()
    my_offers(offer.page())
    history(at.zone, _chosen_slot(at))


# --- which slot -----------------------------------------------------------------------------------------------------


def _chosen_slot(at: Here) -> int | None:
    """The picked slot; when it closed meanwhile, the next one open."""
    slots = open_slots(at)
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
    slots = open_slots(at)
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


def _recent(at: Here, slot: int) -> list[list[str]]:
    """Lines of the latest trades, newest first."""
    return [
        [
            show.isolate(show.clock(trade.at.time)),
            show.energy(trade.wh),
            show.price_net8(trade.price),
            t("trade.from_to", seller=site_name(trade.seller), buyer=site_name(trade.buyer)),
        ]
        for trade in reversed(at.view.market.trades_in(at.zone or 0, slot)[-TRADES_SHOWN:])
    ]


@st.fragment(run_every=FORM_SECONDS)
def _book() -> None:
    """The ladder follows its book by itself; this goes on to the next slot, and stands in where nothing is told."""
    at = here()
    slot = _chosen_slot(at)
    if slot is None:
        return
    st.caption(show.slot(slot))
    zone = at.zone or 0
    words = {name: t(f"trade.{name}") for name in _LADDER_WORDS} | {"kwh": "kWh", "title": t("trade.ladder")}
    picked = ladder("trade_ladder", book_of(at.view, zone, slot), at.site, words, {"zone": zone, "slot": slot})
    if picked and isinstance(picked.get("price"), int):
        # Taking an offer is buying, hitting a bid is selling.
        form.fill_in("buy" if picked.get("side") == "sell" else "sell", picked["price"])
        forget("trade_ladder")
        st.rerun()


@st.fragment(run_every=LIVE_SECONDS)
def _trades() -> None:
    at = here()
    slot = _chosen_slot(at)
    if slot is None:
        return
    recent = at.view.memo(("recent", at.zone, slot, language(), str(show.timezone())), lambda: _recent(at, slot))
    if recent:
        columns = [t("col.time"), t("col.energy"), t("col.price_net8"), t("col.from_to")]
        markup.rows(t("trade.recent"), columns, recent, numeric=(1, 2))
    else:
        markup.empty(t("trade.no_recent"), t("trade.no_recent_way"))


# --- the order ------------------------------------------------------------------------------------------------------


@st.fragment(run_every=FORM_SECONDS)
def _ticket() -> None:
    at = here()
    slot = _chosen_slot(at)
    terms = at.view.terms(at.zone or 0, hour_of_slot(slot)) if slot is not None else None
    st.subheader(t("trade.ticket"))
    with st.container(border=True):
        mode = st.segmented_control(
            t("trade.mode"), _MODES, default=_MODES[0], required=True, key=_MODE, label_visibility="collapsed",
            format_func=lambda mode: t(f"trade.mode_{mode}"), width="stretch",
        )  # fmt: skip
        draft = form.draft(kinds=mode != "signed")
        used_up = form.price_key(), form.QUANTITY
        if slot is None or terms is None:
            st.warning(t("trade.closed"))
            at.send("ticket", None, t("trade.idle"), "trade.done", empties=used_up)
        elif mode == "signed":
            sign_form(at, slot, terms, draft, offer.page())
        elif mode == "many":
            at.send("batch", many.intent(at, open_slots(at), draft), t("batch.idle"), "batch.done", empties=used_up)
        else:
            at.send("ticket", one.intent(at, slot, terms, draft), t("trade.idle"), "trade.done", empties=used_up)
        if at.site is None:
            no_site_note(at)
