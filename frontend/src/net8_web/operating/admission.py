"""Admission of sites to certificates: the registrar's form."""

import streamlit as st
from net8.contracts import Call
from net8.model import Configuration, site_index, site_zone

from net8_web import markup, show
from net8_web.amounts import Unusable
from net8_web.context import Here
from net8_web.fields import call_unless_refused, read_or_say
from net8_web.i18n import t

__all__ = ["form"]

MOST_CHARACTERS = 32
_CONFIGURATIONS = [Configuration.ALONE, Configuration.BESIDE, Configuration.OFFICIAL]


def read_location(text: str) -> str:
    """A code of a location as certificates can carry it.

    Raises:
        Unusable: it is longer than 32 characters, or one of them needs an escape in JSON.
    """
    location = text.strip()
    if not location.isascii() or not location.isprintable() or set(location) & set('"\\'):
        raise Unusable(t("operate.location_characters"))
    if len(location) > MOST_CHARACTERS:
        raise Unusable(t("operate.location_too_long", n=len(location), most=MOST_CHARACTERS))
    return location


def form(at: Here, zone: int) -> None:
    """Admits a site to certificates, or dismisses one that was admitted."""
    market = at.view.market
    sites = [number for number in list(market.sites) if site_zone(number) == zone]
    with st.container(border=True):
        st.subheader(t("operate.certify"))
        st.caption(t("operate.certify_text"))
        if not sites:
            markup.empty(t("operate.no_sites"), t("operate.no_sites_way"))
            return

        def name(number: int) -> str:
            who = {"site": show.isolate(str(site_index(number))), "owner": show.short(market.sites[number].owner)}
            return t("operate.site_admitted_name" if number in market.admitted_sites else "operate.site_name", **who)

        site = st.selectbox(t("col.site"), sites, format_func=name, key=f"certify_site_{zone}")
        call, label = _dismissal(at, site) if site in market.admitted_sites else _admission(at, site)
        intent = call_unless_refused(at, label, call) if call is not None else None
        at.send("certify", intent, t("operate.idle"), "operate.certify_done")


def _dismissal(at: Here, site: int) -> tuple[Call[None], str]:
    st.caption(t("operate.dismiss_text"))
    return at.view.contracts.certificates.dismiss(site), t("operate.dismiss_do", site=site_index(site))


def _admission(at: Here, site: int) -> tuple[Call[None] | None, str]:
    configuration = st.selectbox(
        t("operate.configuration"),
        _CONFIGURATIONS,
        format_func=lambda known: t(f"operate.configuration_{known.name.lower()}"),
        key="certify_configuration",
    )
    text = st.text_input(t("operate.location"), key=f"certify_location_{site}", placeholder="10YGB----------A")
    location = read_or_say(lambda: read_location(text)) if text.strip() else None
    call = None if location is None else at.view.contracts.certificates.admit(site, location, configuration)
    return call, t("operate.certify_do", site=site_index(site))
