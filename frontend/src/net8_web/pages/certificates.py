"""Certificates: mint what has settled, see what you hold, retire it in somebody's name or pass it on."""

import streamlit as st
from net8.model import CLEAN_TECHNOLOGIES, site_index
from net8.packing import certificate_id, certificate_of

from net8_web import certificate_forms, markup, show, uses
from net8_web.certificate_forms import HELD_SHOWN, hour_words
from net8_web.components import wallet
from net8_web.context import Here, choose_site, here, no_site_note
from net8_web.i18n import t
from net8_web.markup import Cell
from net8_web.mintable import mintable
from net8_web.older import say_recent_only
from net8_web.timing import LIVE_SECONDS

__all__ = ["render"]

HOURS_AT_ONCE = 24  # what one transaction mints
USED_SHOWN = 20  # retirements


def render() -> None:
    """Draw the page."""
    at = here()
    st.subheader(t("certificates.title"))
    st.caption(t("certificates.text"))
    if at.account.address is None:
        no_site_note(at)
        at.panel("certificates_connect", None, "")
        return
    choose_site(at)
    _figures()
    mint, retire = st.columns(2, gap="large")
    with mint:
        _mint()
        certificate_forms.transfer()
    with retire:
        certificate_forms.retire()
    _inventory()


def _is_clean(at: Here) -> bool:
    return at.record.technology in CLEAN_TECHNOLOGIES


def _first_day(waiting: dict[int, int]) -> list[tuple[int, int]]:
    """Those of the hours that one transaction can mint, beginning with the earliest."""
    return [(hour, wh) for hour, wh in waiting.items() if hour < min(waiting) + HOURS_AT_ONCE]


@st.fragment(run_every=LIVE_SECONDS)
def _figures() -> None:
    at = here()
    if at.account.address is None:
        return
    ready, held, retired = st.columns(3)
    waiting, no_older = mintable(at.view, at.site) if at.site and _is_clean(at) else ({}, None)
    ready.metric(t("certificates.to_mint"), show.energy(sum(waiting.values())), border=True, height="stretch")
    held.metric(
        t("certificates.held"),
        show.energy(sum(at.view.market.certificates_of(at.account.address).values())),
        border=True,
        height="stretch",
    )
    mine, reason = uses.retired_by(at.view, at.account.address)
    retired.metric(t("certificates.retired"), show.energy(mine), border=True, height="stretch")
    say_recent_only(at.view, no_older or reason)


@st.fragment(run_every=LIVE_SECONDS)
def _mint() -> None:
    at = here()
    with st.container(border=True):
        st.subheader(t("certificates.to_mint"))
        if at.site is None or at.account.address is None:
            no_site_note(at)
            return
        if not _is_clean(at):
            st.info(t("certificates.not_clean", technology=show.technology(at.record.technology)))
            return
        if at.site not in at.view.market.admitted_sites:
            st.info(t("certificates.not_admitted", index=show.isolate(str(site_index(at.site)))))
            return
        waiting = _first_day(mintable(at.view, at.site)[0])
        intent = None
        if waiting:
            markup.rows(
                t("certificates.to_mint"),
                [t("col.hour"), t("col.energy")],
                [[hour_words(hour), show.energy(wh)] for hour, wh in waiting[-6:]],
                numeric=(1,),
            )
            total = sum(wh for _, wh in waiting)
            first, last = waiting[0][0], waiting[-1][0]
            call = at.view.contracts.certificates.mint(at.site, first, at.account.address, last - first + 1)
            intent = wallet.call(t("certificates.mint", energy=show.energy(total)), call)
        else:
            markup.empty(t("certificates.no_mint"), t("certificates.no_mint_way"))
        at.send("mint", intent, t("certificates.mint_idle"), "certificates.minted")


@st.fragment(run_every=LIVE_SECONDS)
def _inventory() -> None:
    at = here()
    if at.account.address is None:
        return
    st.subheader(t("certificates.inventory"))
    st.caption(t("certificates.proof"))
    held = at.view.market.certificates_of(at.account.address)
    if held:
        latest = sorted(held.items(), key=lambda item: certificate_of(item[0])[1], reverse=True)
        lines = [_line(at, certificate, wh) for certificate, wh in latest[:HELD_SHOWN]]
        columns = [t("col.hour"), t("col.site"), t("col.technology"), t("col.energy")]
        markup.rows(t("certificates.inventory"), columns, lines, numeric=(3,))
        if len(held) > HELD_SHOWN:
            st.caption(t("certificates.more", n=show.isolate(f"{len(held) - HELD_SHOWN:,}")))
    else:
        markup.empty(t("certificates.no_held"), t("certificates.no_held_way"))
    _used(at, at.account.address)


def _line(at: Here, certificate: int, wh: int) -> list[str | Cell]:
    site, hour = certificate_of(certificate)
    kind = show.technology(at.view.market.sites[site].technology)
    return [_proof(site, hour), show.isolate(str(site_index(site))), kind, show.energy(wh)]


def _proof(site: int, hour: int) -> Cell:
    """The hour, which leads to the certificate's own page."""
    return Cell(hour_words(hour), f"certificate?id={certificate_id(site, hour)}")


def _used(at: Here, account: str) -> None:
    used = uses.latest(at.view, account, USED_SHOWN)
    if not used:
        return
    st.subheader(t("certificates.used"))
    lines: list[list[str | Cell]] = [
        [_proof(*certificate_of(one.certificate)), show.energy(one.wh), one.beneficiary, one.purpose or show.NOTHING]
        for one in used
    ]
    columns = [t("col.hour"), t("col.energy"), t("certificates.beneficiary"), t("certificates.purpose")]
    markup.rows(t("certificates.used"), columns, lines, numeric=(1,), wrapped=(2, 3))
