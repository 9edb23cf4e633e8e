"""Links between zones: what two zones may trade with each other, and the grid operator's form that allows it."""

import streamlit as st

from net8_web import amounts, markup, show
from net8_web.amounts import Unusable
from net8_web.context import Here
from net8_web.fields import call_unless_refused, read_or_say
from net8_web.i18n import t

__all__ = ["form", "standing"]

MOST_CAPACITY = 2**32 - 1  # Wh in a slot
MOST_FEE = 65_535  # grains per Wh


def standing(at: Here, zone: int) -> None:
    """The table of the zone's links."""
    st.subheader(t("operate.links"))
    links = dict(at.view.market.links)  # a copy: the feed writes while sessions read
    others = sorted({b for a, b in links if a == zone} | {a for a, b in links if b == zone})
    if not others:
        markup.empty(t("operate.no_links"), t("operate.no_links_way"))
        return
    lines = []
    for other in others:
        (ours, fee), (theirs, their_fee) = links.get((zone, other), (0, 0)), links.get((other, zone), (0, 0))
        energies = [show.energy(wh) for wh in (ours, theirs, min(ours, theirs))]
        lines.append([show.isolate(str(other)), *energies, show.price_net8(fee), show.price_net8(their_fee)])
    columns = [
        "col.zone",
        "operate.allows",
        "operate.other_allows",
        "operate.carries",
        "operate.fee",
        "operate.other_fee",
    ]
    markup.rows(t("operate.links"), [t(name) for name in columns], lines, numeric=(1, 2, 3, 4, 5))


def _read(capacity: str, fee: str) -> tuple[int, int]:
    wh, grains = amounts.energy(capacity, zero=True), amounts.price_net8(fee, zero=True)
    if wh > MOST_CAPACITY:
        raise Unusable(t("operate.capacity_too_large", most=show.energy(MOST_CAPACITY)))
    if grains > MOST_FEE:
        raise Unusable(t("operate.price_too_high", most=show.price_net8(MOST_FEE)))
    return wh, grains


def _name(zone: int) -> str:
    return t("operate.zone_name", zone=show.isolate(str(zone)))


def form(at: Here, zone: int) -> None:
    """The form that sets capacity and transport fee towards another zone."""
    with st.container(border=True):
        st.subheader(t("operate.link"))
        st.caption(t("operate.link_text"))
        others = [other for other in sorted(at.view.market.zones) if other != zone]
        if not others:
            markup.empty(t("operate.no_other_zone"), t("operate.no_other_zone_way"))
            return
        other = st.selectbox(t("operate.other_zone"), others, format_func=_name, key=f"link_other_{zone}")
        known = at.view.market.links.get((zone, other))
        capacity = st.text_input(
            t("operate.capacity"), show.kwh(known[0]) if known else "", key=f"link_capacity_{zone}_{other}"
        )
        fee = st.text_input(
            t("operate.fee_field"), show.price_net8(known[1]) if known else "", key=f"link_fee_{zone}_{other}"
        )
        intent = None
        if capacity.strip() and fee.strip():
            terms = read_or_say(lambda: _read(capacity, fee))
            if terms is not None and terms != known:
                call = at.view.contracts.grid.set_link(zone, other, *terms)
                label = t(
                    "operate.link_do" if terms[0] else "operate.link_close", other=other, capacity=show.energy(terms[0])
                )
                intent = call_unless_refused(at, label, call)
        at.send("link", intent, t("operate.unchanged"), "operate.link_set")
