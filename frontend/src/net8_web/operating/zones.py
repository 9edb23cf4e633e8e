"""Zones: the form of the grid registry's owner that opens one."""

import streamlit as st
from net8.units import hour_of

from net8_web import amounts, markup, show
from net8_web.context import Here
from net8_web.fields import call_unless_refused, read_or_say
from net8_web.i18n import t

__all__ = ["form"]


def form(at: Here, zone: int) -> None:
    """Opens a zone for a grid operator, with the default terms that `zone` has for hours nobody can trade yet."""
    grid = at.view.contracts.grid
    lead = at.view.read(grid.tariff_lead(zone))
    terms = at.view.market.default_terms(zone, hour_of(at.view.now) + lead + 1)
    with st.container(border=True):
        st.subheader(t("operate.open_zone"))
        st.caption(t("operate.open_zone_text", zone=show.isolate(str(zone))))
        text = st.text_input(t("operate.zone_operator"), key="zone_operator", placeholder="0x…")
        operator = read_or_say(lambda: amounts.address(text)) if text.strip() else None
        intent = None
        if operator is not None and terms is not None:
            markup.facts(
                [
                    (t("operate.zone_operator"), show.short(operator)),
                    (t("operate.floor"), show.price_net8(terms.floor)),
                    (t("operate.feed_in"), show.price_net8(terms.tariff.feed_in)),
                    (t("operate.grid_fee"), show.price_net8(terms.tariff.grid_fee)),
                ]
            )
            label = t("operate.open_zone_do", operator=show.short(operator))
            intent = call_unless_refused(at, label, grid.create_zone(operator, terms, lead))
        at.send("open_zone", intent, t("operate.idle"), "operate.zone_opened")
