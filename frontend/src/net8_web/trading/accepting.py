"""Taking a signed order for the connected owner's own site, at its price."""

from decimal import Decimal

import streamlit as st
from net8.margin import order_lock
from net8.model import Terms, site_zone
from net8.offers import NOBODY
from net8.units import hour_of_slot

from net8_web import amounts, markup, show
from net8_web.components import wallet
from net8_web.components.wallet import Intent
from net8_web.context import Here, no_site_note
from net8_web.fields import read_or_say
from net8_web.i18n import t
from net8_web.offers import Standing
from net8_web.trading.placing import too_poor
from net8_web.words import sentence

__all__ = ["accept_form"]


def accept_form(at: Here, standing: Standing) -> None:
    """Draw the form, or say why the connected account may not take the order."""
    offer = standing.letter.offer
    st.subheader(t("accept.title"))
    if offer.taker not in (NOBODY, at.account.address):
        st.info(t("accept.other_taker", taker=show.short(offer.taker)))
    elif at.site is None:
        no_site_note(at)
    elif at.zone != site_zone(offer.site):
        st.info(t("accept.other_zone", zone=show.isolate(str(site_zone(offer.site)))))
    else:
        with st.container(border=True):
            at.send("accept", _intent(at, at.site, standing), t("accept.idle"), "accept.done")


def _intent(at: Here, site: int, standing: Standing) -> Intent | None:
    """The call as something to sign, with what it comes to shown; None where it would be refused, which is said."""
    letter, offer = standing.letter, standing.letter.offer
    all_of_it = f"{Decimal(standing.left).scaleb(-3):f}"
    typed = st.text_input(t("trade.quantity"), all_of_it, key=f"accept_wh_{offer.site}_{offer.nonce}")
    wh = read_or_say(lambda: amounts.energy(typed)) if typed.strip() else None
    terms = at.view.terms(site_zone(site), hour_of_slot(offer.slot))
    if wh is None:
        return None
    if terms is None:
        st.warning(t("trade.closed"))
        return None
    held = order_lock(not offer.sell, offer.price, wh, terms.tariff)
    _summary(at, site, standing, terms, wh, held)
    call = at.view.contracts.desk.accept_signed(letter.signed, letter.proof(standing.owner), site, wh)
    refused = at.refused(call)
    if refused is not None:
        poor = refused.reason == "balance: too low"
        free = at.view.free_balance(site)
        if poor and free < held:
            st.warning(too_poor(held, free))
        else:
            st.warning(t("accept.maker_poor") if poor else sentence(refused))
        return None
    label = t("accept.buy" if offer.sell else "accept.sell", energy=show.energy(wh), price=_price(offer.price))
    return wallet.call(label, call)


def _price(price: int) -> str:
    return show.isolate(f"{show.price_net8(price)} NET8/kWh")


def _summary(at: Here, site: int, standing: Standing, terms: Terms, wh: int, held: int) -> None:
    offer = standing.letter.offer
    fee = wh * terms.grid_fee if offer.sell else 0
    total = wh * offer.price + fee
    lines = [(t("trade.f_you_pay" if offer.sell else "trade.f_you_get"), f"{show.net8(total)} · {show.euro(total)}")]
    if offer.sell:
        lines.append((t("trade.f_fee"), show.net8(fee)))
    lines += [(t("trade.f_margin"), show.net8(held)), (t("trade.f_free"), show.net8(at.view.free_balance(site)))]
    reward = offer.relay_fee * wh // offer.wh
    if reward:
        lines.append((t("relay.f_reward"), show.net8(reward)))
    markup.facts(lines)
    if offer.sell:
        st.caption(t("trade.if_not_buy", feed_in=_price(terms.feed_in)))
    else:
        worst = show.net8(wh * (terms.imbalance - offer.price))
        st.caption(t("trade.if_not_sell", imbalance=_price(terms.imbalance), worst=worst))
