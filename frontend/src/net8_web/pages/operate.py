"""Operate: what grid operators, owner and guardian do, and the state of a zone that everybody sees."""

import streamlit as st

from net8_web import markup, show
from net8_web.context import Here, here
from net8_web.i18n import t
from net8_web.operating import admission, links, pool, seats, sites, stops, tariffs, zones
from net8_web.operating.roles import holders, roles_of
from net8_web.timing import FORM_SECONDS, LIVE_SECONDS

__all__ = ["render"]

_ZONE = "_operate_zone"


def render() -> None:
    """Draw the page."""
    at = here()
    st.subheader(t("operate.title"))
    st.caption(t("operate.text"))
    if not at.view.market.zones:
        markup.empty(t("problem.no_zone"), t("problem.no_zone_way"))
        return
    zones = sorted(at.view.market.zones)
    with st.container():  # always there, so that a second zone moves no field somebody types into
        if len(zones) > 1:
            mine = [zone for zone in zones if at.view.market.zones[zone] == at.account.address]
            first = zones.index(mine[0] if mine else zones[0])
            st.selectbox(t("operate.zone"), zones, index=first, key=_ZONE, format_func=_zone_name)
    _forms()
    _state()
    _consent()


def _zone_name(zone: int) -> str:
    return t("operate.zone_name", zone=show.isolate(str(zone)))


def _zone(at: Here) -> int:
    zones = sorted(at.view.market.zones)
    chosen = st.session_state.get(_ZONE)
    return chosen if chosen in zones else zones[0]


@st.fragment(run_every=FORM_SECONDS)
def _forms() -> None:
    """The forms of the roles that the connected account holds, and nobody else's."""
    at = here()
    who, zone, roles = at.account.address, _zone(at), roles_of(at.view)
    if who is None:
        markup.empty(t("problem.no_wallet"), t("operate.no_wallet_way"))
        at.panel("operate_connect", None, "")
        return
    is_operator = who == at.view.market.zones[zone]
    is_guard = who in (roles.guardian, roles.owner)
    seats_people = who == roles.seats_owner
    if not (is_operator or is_guard or seats_people or who == roles.registrar):
        st.info(t("operate.no_role"))
    if is_operator:
        left, right = st.columns(2, gap="large")
        with left:
            tariffs.publish_form(at, zone)
        with right:
            tariffs.default_form(at, zone)
        left, right = st.columns(2, gap="large")
        with left:
            sites.admit_form(at, zone)
        with right:
            links.form(at, zone)
            pool.form(at, zone)
    if who == roles.registrar:
        admission.form(at, zone)
    if is_guard or seats_people:
        left, right = st.columns(2, gap="large")
        with left:
            if seats_people:
                seats.form(at, zone)
            if who == roles.owner:
                zones.form(at, zone)
        with right if seats_people else left:
            if is_guard:
                stops.form(at, roles)


@st.fragment(run_every=LIVE_SECONDS)
def _state() -> None:
    at = here()
    zone, roles = _zone(at), roles_of(at.view)
    stops.standing(at, roles)
    holders(at, roles, zone)
    tariffs.standing(at, zone)
    links.standing(at, zone)
    pool.standing(at, zone)
    sites.standing(at, zone)
    seats.standing(at, zone)


@st.fragment(run_every=FORM_SECONDS)
def _consent() -> None:
    """What everybody may do who wants a site of their own."""
    at = here()
    if at.account.address is not None:
        sites.consent_form(at, at.account.address, _zone(at))
