"""Bringing somebody's signed order or strip to the book for its fee, and taking out what such fees have earned."""

import streamlit as st
from net8.contracts import Call
from net8.errors import Refused
from net8.model import site_zone
from net8.offers import NOBODY
from net8.units import hour_of_slot

from net8_web import markup, show
from net8_web.components import wallet
from net8_web.context import Here
from net8_web.i18n import t
from net8_web.offers import AnyStanding, Standing, StripStanding
from net8_web.trading import summary
from net8_web.trading.slots import open_legs
from net8_web.words import sentence

__all__ = ["earnings", "relay_form"]

_NOTHING = {"order: nothing matches", "strip: nothing matches"}


def relay_form(at: Here, standing: AnyStanding) -> None:
    """Draw the form; nothing for an order that names its taker, which cannot meet the book."""
    offer, who = standing.letter.offer, at.account.address
    if offer.taker != NOBODY or who is None:
        return
    st.subheader(t("relay.title"))
    with st.container(border=True):
        st.caption(t("relay.text"))
        call = _order_call(at, standing) if isinstance(standing, Standing) else _strip_call(at, standing)

        def fill() -> int | Refused:
            try:
                return at.view.chain.read(call, sender=who)
            except Refused as refused:
                return refused

        filled = at.view.memo(("take_signed", call.data, who), fill)
        intent = None
        if isinstance(filled, Refused):
            st.info(t("relay.nothing") if filled.reason in _NOTHING else sentence(filled))
        else:
            reward = summary.reward_line(offer.relay_fee, filled, standing.wh)
            markup.facts([(t("relay.f_matches"), show.energy(filled)), reward])
            intent = wallet.call(t("relay.do", energy=show.energy(filled)), call)
        at.send("relay", intent, t("relay.idle"), "relay.done")


def _order_call(at: Here, standing: Standing) -> Call[int]:
    return at.view.contracts.desk.take_signed(standing.letter.signed, standing.letter.proof(standing.owner))


def _strip_call(at: Here, standing: StripStanding) -> Call[int]:
    """In the slots where the desk would place an order: open ones with at least the zone's smallest order left."""
    letter, zone, slots = standing.letter, site_zone(standing.letter.offer.site), 0
    for leg in open_legs(at.view, standing):
        terms = at.view.terms(zone, hour_of_slot(leg.slot))
        if terms is not None and leg.left >= terms.min_wh:
            slots |= 1 << leg.slot - letter.offer.first_slot
    return at.view.contracts.desk.take_strip(letter.signed, slots, letter.proof(standing.owner))


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
