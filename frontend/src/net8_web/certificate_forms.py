"""What becomes of a certificate: used up in somebody's name, or passed on to another account."""

from collections import defaultdict
from collections.abc import Callable
from datetime import date, datetime

import streamlit as st
from net8.model import site_index
from net8.packing import certificate_of
from net8.units import hour_start

from net8_web import amounts, markup, show
from net8_web.amounts import Unusable
from net8_web.components import wallet
from net8_web.components.wallet import Intent
from net8_web.context import Here, here
from net8_web.fields import call_unless_refused, read_or_say
from net8_web.i18n import t

__all__ = ["HELD_SHOWN", "hour_words", "retire", "transfer"]

HELD_SHOWN = 48  # certificates: an hour each; a year of them would be a page of 8,760 lines
TEXT_BYTES = 64  # of beneficiary and purpose

Held = dict[int, int]  # certificate -> Wh
Reader = Callable[[Here, str, Held], Intent | None]  # of a form's fields, for who holds what


def hour_words(hour: int) -> str:
    """`23 Nov 2026, 14:00–15:00`"""
    start = hour_start(hour)
    return t("clock.now", day=show.date(start), time=show.hours(start, start + 3600))


@st.fragment
def retire() -> None:
    """The form that uses a certificate up."""
    _form("retire", _retirement, "certificates.retired_done")


@st.fragment
def transfer() -> None:
    """The form that passes a certificate on."""
    _form("transfer", _handover, "certificates.transferred")


def _form(name: str, read: Reader, done: str) -> None:
    at = here()
    if at.account.address is None:
        return
    with st.container(border=True):
        st.subheader(t(f"certificates.{name}"))
        st.caption(t(f"certificates.{name}_text"))
        held = at.view.market.certificates_of(at.account.address)
        intent = None
        if held:
            intent = read(at, at.account.address, held)
        else:
            markup.empty(t("certificates.no_held"), t("certificates.no_held_way"))
        at.send(name, intent, t(f"certificates.{name}_idle"), done)


# --- which, and how much --------------------------------------------------------------------------------------------


def _which(name: str, held: Held) -> int:
    offered = sorted(held, reverse=True) if len(held) <= HELD_SHOWN else _of_a_day(name, held)
    return st.selectbox(t(f"certificates.{name}_which"), offered, format_func=_name, key=f"{name}_id")


def _of_a_day(name: str, held: Held) -> list[int]:
    """Certificates of the day that is chosen first: a list of very many takes long to draw and to look through."""
    zone = show.timezone()
    of_day: defaultdict[date, list[int]] = defaultdict(list)
    for certificate in sorted(held, reverse=True):
        hour = certificate_of(certificate)[1]
        of_day[datetime.fromtimestamp(hour_start(hour), zone).date()].append(certificate)
    days = sorted(of_day, reverse=True)
    return of_day[st.selectbox(t("certificates.day"), days, format_func=_date, key=f"{name}_day")]


def _date(day: date) -> str:
    return show.isolate(day.isoformat())


def _name(certificate: int) -> str:
    site, hour = certificate_of(certificate)
    return t("certificates.line", index=show.isolate(str(site_index(site))), hour=hour_words(hour))


def _energy(name: str, most: int) -> str:
    return st.text_input(t(f"certificates.{name}_quantity"), key=f"{name}_kwh", placeholder=show.kwh(most))


def _no_more_than(have: int, typed: str) -> int:
    wh = amounts.energy(typed)
    if wh > have:
        raise Unusable(t("certificates.too_much", have=show.energy(have)))
    return wh


# --- the two --------------------------------------------------------------------------------------------------------


def _retirement(at: Here, holder: str, held: Held) -> Intent | None:
    certificate = _which("retire", held)
    typed = _energy("retire", held.get(certificate, 0))
    whom = st.text_input(t("certificates.beneficiary"), key="retire_for")
    purpose = st.text_input(t("certificates.purpose"), key="retire_why")

    def read() -> int:
        wh = _no_more_than(held[certificate], typed)
        if not whom.strip():
            raise Unusable(t("certificates.name_it"))
        for text, name in ((whom, "certificates.beneficiary"), (purpose, "certificates.purpose")):
            if len(text.encode()) > TEXT_BYTES:
                raise Unusable(t("certificates.too_long", what=t(name)))
        return wh

    wh = read_or_say(read) if typed.strip() else None
    if wh is None:
        return None
    call = at.view.contracts.certificates.retire(holder, {certificate: wh}, whom.strip(), purpose.strip())
    return wallet.call(t("certificates.retire_do", energy=show.energy(wh), beneficiary=whom.strip()), call)


def _handover(at: Here, holder: str, held: Held) -> Intent | None:
    certificate = _which("transfer", held)
    typed = _energy("transfer", held.get(certificate, 0))
    to = st.text_input(t("certificates.transfer_to"), key="transfer_to", placeholder="0x…")

    def read() -> tuple[int, str]:
        wh, receiver = _no_more_than(held[certificate], typed), amounts.address(to)
        if receiver == holder:
            raise Unusable(t("certificates.transfer_self"))
        return wh, receiver

    found = read_or_say(read) if typed.strip() and to.strip() else None
    if found is None:
        return None
    wh, receiver = found
    call = at.view.contracts.certificates.transfer(holder, receiver, certificate, wh)
    label = t("certificates.transfer_do", energy=show.energy(wh), receiver=show.short(receiver))
    return call_unless_refused(at, label, call)
