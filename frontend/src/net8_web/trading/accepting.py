"""Taking a signed order or strip for the connected owner's own site, at its price."""

from decimal import Decimal

import streamlit as st
from net8.model import site_zone
from net8.offers import NOBODY
from net8.units import hour_of_slot

from net8_web import amounts, markup, show
from net8_web.components.wallet import Intent
from net8_web.context import Here, no_site_note
from net8_web.fields import read_or_say
from net8_web.i18n import t
from net8_web.offer_words import price_words
from net8_web.offers import AnyStanding, Standing
from net8_web.ticket import sums
from net8_web.trading import strip_taking, summary
from net8_web.trading.placing import default_note, place_unless_refused

__all__ = ["accept_form"]


def accept_form(at: Here, standing: AnyStanding) -> None:
    """Draw the form, or say why the connected account may not take it."""
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
            if isinstance(standing, Standing):
                intent = _intent(at, at.site, standing)
            else:
                intent = strip_taking.intent(at, at.site, standing)
            at.send("accept", intent, t("accept.idle"), "accept.done")


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
    due = sums(not offer.sell, offer.price, wh, terms)
    reward = [summary.reward_line(offer.relay_fee, wh, offer.wh)] if offer.relay_fee else []
    markup.facts([*summary.lines(at, due), *reward])
    st.caption(default_note(due.sell, wh * (terms.imbalance - offer.price), terms.imbalance, terms.feed_in))
    call = at.view.contracts.desk.accept_signed(letter.signed, letter.proof(standing.owner), site, wh)
    label = t("accept.buy" if offer.sell else "accept.sell", energy=show.energy(wh), price=price_words([offer.price]))
    return place_unless_refused(at, site, label, call, due.held, others_poor="accept.maker_poor")
