"""Sites of a zone: which there are, the owner's consent to a new one, and the grid operator's form that admits it."""

import streamlit as st
from net8.eip712 import SiteConsent
from net8.model import Technology, site_index, site_zone

from net8_web import amounts, markup, show
from net8_web.amounts import Unusable
from net8_web.components import wallet
from net8_web.context import Here, start_empty
from net8_web.fields import call_unless_refused, read_or_say
from net8_web.i18n import t
from net8_web.operating.consent import Signed

__all__ = ["admit_form", "consent_form", "standing"]

ROWS = 200
DAY = 86_400
CONSENT_DAYS = 14
MOST_NAMEPLATE = 4 * (2**23 - 1)  # W
_TECHNOLOGIES = list(Technology)


def standing(at: Here, zone: int) -> None:
    """The table of the zone's sites, the latest first."""
    market = at.view.market
    sites = [(number, site) for number, site in list(market.sites.items()) if site_zone(number) == zone]
    st.subheader(t("operate.sites", n=len(sites)))
    if not sites:
        markup.empty(t("operate.no_sites"), t("operate.no_sites_way"))
        return
    lines = [
        [
            show.isolate(str(site_index(number))),
            show.short(site.owner),
            show.technology(site.technology),
            show.power(site.nameplate),
            show.short(site.meter_key),
            t("operate.certified" if number in market.admitted_sites else "operate.not_certified"),
        ]
        for number, site in reversed(sites[-ROWS:])
    ]
    columns = ["col.site", "col.account", "col.technology", "col.power", "col.meter", "col.certificates"]
    markup.rows(t("operate.sites", n=len(sites)), [t(name) for name in columns], lines, numeric=(3,))


# --- the owner ------------------------------------------------------------------------------------------------------


def _read_consent(at: Here, owner: str, zone: int, technology: Technology, power: str, meter: str) -> SiteConsent:
    nameplate = amounts.energy(power, zero=True)  # kW into W as kWh into Wh
    if nameplate > MOST_NAMEPLATE:
        raise Unusable(t("consent.too_powerful", most=show.power(MOST_NAMEPLATE)))
    nonce = at.view.read(at.view.contracts.grid.consent_nonce(owner))
    deadline = at.view.now // DAY * DAY + (CONSENT_DAYS + 1) * DAY
    return SiteConsent(zone, owner, int(technology), nameplate, amounts.address(meter), nonce, deadline)


def consent_form(at: Here, owner: str, zone: int) -> None:
    """The form of whoever wants a site: the wallet signs, the page shows what to hand to the grid operator."""
    with st.container(border=True):
        st.subheader(t("consent.title"))
        st.caption(t("consent.text", zone=show.isolate(str(zone))))
        kind = st.selectbox(
            t("col.technology"), _TECHNOLOGIES, index=1, format_func=show.technology, key="consent_technology"
        )
        power = st.text_input(t("consent.power"), key="consent_power", placeholder="10")
        meter = st.text_input(t("consent.meter"), key="consent_meter", placeholder="0x…")
        consent = None
        if power.strip() and meter.strip():
            consent = read_or_say(lambda: _read_consent(at, owner, zone, kind, power, meter))
        typed = None if consent is None else consent.typed_data(at.view.deployment.grid_domain)
        intent = None if typed is None else wallet.signature(t("consent.sign"), typed)
        outcome = at.panel("consent", intent, t("consent.idle"))
        if consent is None or intent is None or outcome is None or outcome.id != intent.id or not outcome.signature:
            return
        st.success(t("consent.signed"))
        st.code(Signed(consent, bytes.fromhex(outcome.signature.removeprefix("0x"))).text(), language="json")


# --- the grid operator ----------------------------------------------------------------------------------------------


def _read_signed(at: Here, zone: int, text: str) -> Signed:
    signed = Signed.of_text(text)
    consent = signed.consent
    if consent.zone != zone:
        raise Unusable(t("consent.other_zone", theirs=consent.zone, zone=zone))
    if consent.deadline < at.view.now:
        raise Unusable(t("consent.expired", until=show.moment(consent.deadline)))
    if consent.nonce != at.view.read(at.view.contracts.grid.consent_nonce(consent.owner)):
        raise Unusable(t("consent.used"))
    return signed


def admit_form(at: Here, zone: int) -> None:
    """The form that registers a site with its owner's consent."""
    start_empty("site_consent")
    with st.container(border=True):
        st.subheader(t("operate.admit_site"))
        st.caption(t("operate.admit_site_text"))
        text = st.text_area(t("operate.consent_field"), key="site_consent", height=160)
        signed = read_or_say(lambda: _read_signed(at, zone, text)) if text.strip() else None
        intent = None
        if signed is not None:
            consent = signed.consent
            kind = Technology(consent.technology)
            markup.facts(
                [
                    (t("col.account"), show.short(consent.owner)),
                    (t("col.technology"), show.technology(kind)),
                    (t("col.power"), show.power(consent.nameplate)),
                    (t("col.meter"), show.short(consent.meter_key)),
                    (t("consent.until"), show.moment(consent.deadline)),
                ]
            )
            call = at.view.contracts.grid.register_site(
                zone, consent.owner, kind, consent.nameplate, consent.meter_key, consent.deadline, signed.signature
            )
            intent = call_unless_refused(at, t("operate.admit_site_do", owner=show.short(consent.owner)), call)
        at.send("admit_site", intent, t("operate.admit_site_idle"), "operate.site_admitted", empties=("site_consent",))
