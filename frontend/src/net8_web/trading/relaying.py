"""Bringing somebody's signed order to the book for its relay fee, and taking out what such fees have earned."""

import streamlit as st
from net8.errors import Refused
from net8.offers import NOBODY

from net8_web import markup, show
from net8_web.components import wallet
from net8_web.context import Here
from net8_web.i18n import t
from net8_web.offers import Standing
from net8_web.words import sentence

__all__ = ["earnings", "relay_form"]


def relay_form(at: Here, standing: Standing) -> None:
    """Draw the form; nothing for an order that names its taker, which cannot meet the book."""
    letter, offer = standing.letter, standing.letter.offer
    who = at.account.address
    if offer.taker != NOBODY or who is None:
        return
    st.subheader(t("relay.title"))
    with st.container(border=True):
        st.caption(t("relay.text"))
        call = at.view.contracts.desk.take_signed(letter.signed, letter.proof(standing.owner))

        def fill() -> int | Refused:
            try:
                return at.view.chain.read(call, sender=who)
            except Refused as refused:
                return refused

        filled = at.view.memo(("take_signed", call.data, who), fill)
        intent = None
        if isinstance(filled, Refused):
            nothing = filled.reason == "order: nothing matches"
            st.info(t("relay.nothing") if nothing else sentence(filled))
        else:
            reward = show.net8(offer.relay_fee * filled // offer.wh)
            markup.facts([(t("relay.f_matches"), show.energy(filled)), (t("relay.f_reward"), reward)])
            intent = wallet.call(t("relay.do", energy=show.energy(filled)), call)
        at.send("relay", intent, t("relay.idle"), "relay.done")


def earnings(at: Here) -> None:
    """What the connected account has earned by bringing orders in, and the button that pays it out."""
    who = at.account.address
    earned = 0 if who is None else at.view.read(at.view.contracts.desk.earned(who))
    if who is None or not (earned or at.is_under_way("claim")):
        return
    st.subheader(t("relay.earned"))
    text, button = st.columns([3, 1], vertical_alignment="center")
    text.markdown(t("relay.earned_text", amount=show.net8(earned)))
    with button:
        claim = wallet.call(t("relay.claim"), at.view.contracts.desk.claim(who)) if earned else None
        at.send("claim", claim, t("relay.claim"), "relay.claimed", quiet=True)
