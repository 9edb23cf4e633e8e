"""Portfolio: balance, deposit and withdraw, open positions, trades and what became of them, all of it as files."""

import streamlit as st
from net8.model import site_index
from net8.units import grains_to_wei

from net8_web import amounts, followed, markup, settled, show
from net8_web.amounts import Unusable
from net8_web.components import wallet
from net8_web.context import Here, choose_site, here, no_site_note, start_empty
from net8_web.deposits import approve_intent, deposit_intent, permit_intent
from net8_web.downloads import files
from net8_web.followed import Followed
from net8_web.i18n import t
from net8_web.markup import Cell
from net8_web.older import say_recent_only
from net8_web.settled import Ended
from net8_web.timing import FORM_SECONDS, LIVE_SECONDS

__all__ = ["render"]

TRADES = 20  # shown; files have all
ROWS = 40  # settled slots


def render() -> None:
    """Draw the page."""
    at = here()
    if at.site is None:
        no_site_note(at)
        if at.account.address is None:
            at.panel("portfolio_connect", None, "")
        files()
        return
    choose_site(at)
    _figures()
    deposit, withdraw = st.columns(2, gap="large")
    with deposit:
        _deposit()
    with withdraw:
        _withdraw()
    _positions()
    files()


@st.fragment(run_every=LIVE_SECONDS)
def _figures() -> None:
    at = here()
    if at.site is None or at.account.address is None:
        return
    in_wallet, free, held, gas = st.columns(4)
    balance = at.view.token_balance(at.account.address)
    available = at.view.free_balance(at.site)
    margin = at.view.held(at.site)
    in_wallet.metric(
        t("portfolio.wallet"), show.net8(balance), show.euro(balance), delta_color="off", delta_arrow="off", border=True
    )
    free.metric(
        t("portfolio.free"),
        show.net8(available),
        show.euro(available),
        delta_color="off",
        delta_arrow="off",
        border=True,
        height="stretch",
    )
    held.metric(
        t("portfolio.held"), show.net8(margin), show.euro(margin), delta_color="off", delta_arrow="off", border=True
    )
    native = show.isolate(f"{at.view.gas_balance(at.account.address) / 10**18:.4f} {at.network.currency}")
    gas.metric(t("portfolio.gas"), native, border=True, height="stretch")


# --- deposit and withdraw -------------------------------------------------------------------------------------------


def _amount(key: str, most: int, too_much: str) -> int | None:
    """Grains typed into the field `key`; None while it is empty or unusable, which is said on the page."""
    start_empty(key)
    typed = st.text_input(t(f"portfolio.{key}"), key=key, placeholder="10")
    if not typed.strip():
        return None
    try:
        grains = amounts.money(typed)
    except Unusable as fault:
        st.warning(str(fault))
        return None
    if grains > most:
        st.warning(t(too_much, have=show.net8(most)))
        return None
    return grains


@st.fragment(run_every=FORM_SECONDS)
def _deposit() -> None:
    at = here()
    if at.site is None or at.account.address is None:
        return
    with st.container(border=True):
        st.subheader(t("portfolio.deposit"))
        st.caption(t("portfolio.deposit_text"))
        have = at.view.token_balance(at.account.address)
        grains = _amount("deposit_amount", have, "portfolio.too_much_wallet")
        intent = None
        if grains is not None:
            if at.view.is_contract(at.account.address):
                approval = approve_intent(at, grains)
                if approval is not None:  # a step of its own: its confirmation deposits nothing yet
                    at.send("deposit", approval, "", "portfolio.approved")
                    return
                intent = deposit_intent(at, grains)
            else:
                intent = permit_intent(at, grains)
        at.send("deposit", intent, t("portfolio.idle"), "portfolio.deposited", empties=("deposit_amount",))


@st.fragment(run_every=FORM_SECONDS)
def _withdraw() -> None:
    at = here()
    if at.site is None or at.account.address is None:
        return
    with st.container(border=True):
        st.subheader(t("portfolio.withdraw"))
        st.caption(t("portfolio.withdraw_text"))
        free = at.view.free_balance(at.site)
        grains = _amount("withdraw_amount", free, "portfolio.too_much_free")
        intent = None
        if grains is not None:
            call = at.view.contracts.exchange.withdraw(at.site, grains_to_wei(grains), at.account.address)
            intent = wallet.call(t("portfolio.withdraw_do", amount=show.net8(grains)), call)
        at.send("withdraw", intent, t("portfolio.idle"), "portfolio.withdrawn", empties=("withdraw_amount",))


# --- positions ------------------------------------------------------------------------------------------------------


def _side(net_wh: int) -> str:
    if net_wh == 0:
        return t("portfolio.not_traded")
    return t("portfolio.sold" if net_wh > 0 else "portfolio.bought", energy=show.energy(abs(net_wh)))


@st.fragment(run_every=LIVE_SECONDS)
def _positions() -> None:
    at = here()
    if at.site is None:
        return
    _open(at, at.site)
    _trades(at, at.site)
    _settled(at, at.site)


def _open(at: Here, site: int) -> None:
    market = at.view.market
    st.subheader(t("portfolio.open"))
    lines = []
    for slot in market.open_slots(site):
        net, value = market.position(site, slot)
        lines.append(
            [show.slot(slot), _side(net), show.signed_net8(value), show.net8(at.view.margin_held(site, slot), 4)]
        )
    if not lines:
        markup.empty(t("portfolio.no_open"), t("portfolio.no_open_way"))
        return
    columns = [t("col.slot"), t("col.traded"), t("col.value"), t("col.margin")]
    markup.rows(t("portfolio.open"), columns, lines, numeric=(2, 3))


def _trades(at: Here, site: int) -> None:
    """Each trade on one line: order, match, meter, settlement, and what the slot's imbalance cost."""
    st.subheader(t("portfolio.trades"))
    trades, reason = followed.latest(at.view, site, TRADES)
    if not trades:
        markup.empty(t("portfolio.no_trades"), t("portfolio.no_trades_way"))
        return
    columns = ["slot", "traded", "price_net8", "order", "matched", "metered", "paid", "imbalance_cost"]
    names = [t(f"col.{name}") for name in columns]
    markup.rows(t("portfolio.trades"), names, [_trade_line(at, one) for one in trades], numeric=(2, 5, 7))
    if reason is not None:
        st.caption(t("portfolio.trades_recent", reason=reason))


def _trade_line(at: Here, one: Followed) -> list[str | Cell]:
    side = t(
        "portfolio.sold_to" if one.sold else "portfolio.bought_from",
        energy=show.energy(one.wh),
        other=show.isolate(str(site_index(one.other))),
    )
    line: list[str | Cell] = [
        show.slot(one.slot),
        side,
        show.price_net8(one.price),
        _order(at, one),
        at.transaction(one.tx, show.moment(one.time)),
    ]
    if one.end is None:
        return [*line, show.NOTHING, t("portfolio.not_yet"), show.NOTHING]
    metered = t("portfolio.no_reading") if one.end.metered is None else show.energy(one.end.metered)
    return [*line, metered, at.transaction(one.end.tx, show.moment(one.end.time)), show.net8(one.end.charge, 4)]


def _order(at: Here, one: Followed) -> str | Cell:
    if one.beside_book is None:
        return show.NOTHING
    if one.beside_book:
        return t("portfolio.order_signed")
    if one.waiting is None:
        return t("portfolio.order_took")
    return at.transaction(one.waiting.tx, t("portfolio.order_waited", moment=show.moment(one.waiting.since)))


def _settled(at: Here, site: int) -> None:
    st.subheader(t("portfolio.settled"))
    ended, reason = settled.latest(at.view, site, ROWS)
    if ended:
        columns = ["slot", "traded", "delivered", "used", "payment", "outcome", "tx"]
        names = [t(f"col.{name}") for name in columns]
        markup.rows(t("portfolio.settled"), names, [_settled_line(at, one) for one in ended], numeric=(2, 3, 4))
    else:
        markup.empty(t("portfolio.no_settled"), t("portfolio.no_settled_way"))
    say_recent_only(at.view, reason)


def _settled_line(at: Here, one: Ended) -> list[str | Cell]:
    return [
        show.slot(one.slot),
        _side(one.net_wh),
        show.NOTHING if one.exported is None else show.energy(one.exported),
        show.NOTHING if one.imported is None else show.energy(one.imported),
        show.signed_net8(one.result) if one.net_wh else show.NOTHING,
        show.outcome(one.outcome),
        show.NOTHING if one.tx is None else at.transaction(one.tx),
    ]
