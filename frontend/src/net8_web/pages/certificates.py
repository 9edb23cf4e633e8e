"""Certificates: mint what has settled, see what you hold, retire it in somebody's name."""

from collections import defaultdict
from datetime import date, datetime

import streamlit as st
from net8.model import CLEAN_TECHNOLOGIES, site_index
from net8.packing import certificate_id, certificate_of
from net8.units import hour_start

from net8_web import amounts, markup, show, uses
from net8_web.amounts import Unusable
from net8_web.components import wallet
from net8_web.context import Here, choose_site, here, no_site_note
from net8_web.i18n import t
from net8_web.markup import Cell
from net8_web.mintable import mintable
from net8_web.older import say_recent_only
from net8_web.timing import LIVE_SECONDS

__all__ = ["render"]

HOURS_AT_ONCE = 24  # what one transaction mints
TEXT_BYTES = 64  # of beneficiary and purpose
HELD_SHOWN = 48  # certificates: an hour each; a year of them would be a page of 8,760 lines
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
    with retire:
        _retire()
    _inventory()


def _hour(hour: int) -> str:
    start = hour_start(hour)
    return f"{show.day(start)}, {show.isolate(f'{show.clock(start)}-{show.clock(start + 3600)}')}"


def _name(certificate: int) -> str:
    site, hour = certificate_of(certificate)
    return t("certificates.line", index=show.isolate(str(site_index(site))), hour=_hour(hour))


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
                [[_hour(hour), show.energy(wh)] for hour, wh in waiting[-6:]],
                numeric=(1,),
            )
            total = sum(wh for _, wh in waiting)
            first, last = waiting[0][0], waiting[-1][0]
            call = at.view.contracts.certificates.mint(at.site, first, at.account.address, last - first + 1)
            intent = wallet.call(t("certificates.mint", energy=show.energy(total)), call)
        else:
            markup.empty(t("certificates.no_mint"), t("certificates.no_mint_way"))
        at.send("mint", intent, t("certificates.mint_idle"), "certificates.minted")


def _of_a_day(held: dict[int, int]) -> list[int]:
    """Certificates of the day that is chosen first: a list of very many takes long to draw and to look through."""
    zone = show.timezone()
    of_day: defaultdict[date, list[int]] = defaultdict(list)
    for certificate in sorted(held, reverse=True):
        hour = certificate_of(certificate)[1]
        of_day[datetime.fromtimestamp(hour_start(hour), zone).date()].append(certificate)
    days = sorted(of_day, reverse=True)
    return of_day[st.selectbox(t("certificates.day"), days, format_func=_date, key="retire_day")]


def _date(day: date) -> str:
    return show.isolate(day.isoformat())


def _retirement(at: Here, holder: str, held: dict[int, int]) -> wallet.Intent | None:
    offered = sorted(held, reverse=True) if len(held) <= HELD_SHOWN else _of_a_day(held)
    certificate = st.selectbox(t("certificates.which"), offered, format_func=_name, key="retire_id")
    typed = st.text_input(t("certificates.quantity"), key="retire_kwh", placeholder=show.kwh(held.get(certificate, 0)))
    whom = st.text_input(t("certificates.beneficiary"), key="retire_for")
    purpose = st.text_input(t("certificates.purpose"), key="retire_why")
    if not typed.strip():
        return None
    try:
        wh = amounts.energy(typed)
        if wh > held[certificate]:
            raise Unusable(t("certificates.too_much", have=show.energy(held[certificate])))
        if not whom.strip():
            raise Unusable(t("certificates.name_it"))
        for text, name in ((whom, "certificates.beneficiary"), (purpose, "certificates.purpose")):
            if len(text.encode()) > TEXT_BYTES:
                raise Unusable(t("certificates.too_long", what=t(name)))
    except Unusable as fault:
        st.warning(str(fault))
        return None
    call = at.view.contracts.certificates.retire(holder, {certificate: wh}, whom.strip(), purpose.strip())
    return wallet.call(t("certificates.retire_do", energy=show.energy(wh), beneficiary=whom.strip()), call)


@st.fragment
def _retire() -> None:
    at = here()
    if at.account.address is None:
        return
    with st.container(border=True):
        st.subheader(t("certificates.retire"))
        st.caption(t("certificates.retire_text"))
        held = at.view.market.certificates_of(at.account.address)
        intent = None
        if held:
            intent = _retirement(at, at.account.address, held)
        else:
            markup.empty(t("certificates.no_held"), t("certificates.no_held_way"))
        at.send("retire", intent, t("certificates.retire_idle"), "certificates.retired_done")


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
    return Cell(_hour(hour), f"certificate?id={certificate_id(site, hour)}")


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
