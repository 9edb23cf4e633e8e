"""Tariffs and default terms of a zone: as they stand, and the grid operator's forms that publish and change them."""

from collections.abc import Iterator
from dataclasses import astuple, dataclass
from datetime import datetime, timedelta
from itertools import groupby

import streamlit as st
from net8.model import Tariff, Terms
from net8.units import hour_of, hour_start

from net8_web import amounts, markup, show
from net8_web.amounts import Unusable
from net8_web.context import Here
from net8_web.fields import call_unless_refused, read_or_say
from net8_web.i18n import t

__all__ = ["default_form", "publish_form", "read_tariffs", "read_terms", "standing"]

HOURS = 24  # of a day's tariffs
SHOWN_HOURS = 48
DAYS_AHEAD = 9  # midnights offered beyond the zone's lead
MOST_PRICE = 65_535  # grains per Wh
MOST_GATE_LEAD = 96  # slots
MOST_LEAST_ORDER = 65_535  # Wh
_TARIFF = ("feed_in", "imbalance", "grid_fee")
_TERMS = (*_TARIFF, "oracle_fee", "floor", "step", "gate_lead", "min_wh")


# --- as they stand --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Hour:
    hour: int
    tariff: Tariff
    final: bool


def _hours(at: Here, zone: int) -> Iterator[_Hour]:
    market, now = at.view.market, hour_of(at.view.now)
    lead = at.view.read(at.view.contracts.grid.tariff_lead(zone))
    for hour in range(now, now + max(SHOWN_HOURS, lead + HOURS)):
        fixed = market.terms.get((zone, hour))
        terms = fixed or market.default_terms(zone, hour)
        if terms is not None:
            yield _Hour(hour, terms.tariff, fixed is not None or hour <= now + lead)


def standing(at: Here, zone: int) -> None:
    """The tariffs of the coming hours; hours of one tariff are one line."""
    st.subheader(t("operate.tariffs"))
    lines = []
    for (tariff, final), run in groupby(_hours(at, zone), key=lambda hour: (hour.tariff, hour.final)):
        hours = [hour.hour for hour in run]
        state = t("operate.final" if final else "operate.open_hours")
        lines.append([_span(hours[0], hours[-1]), *_prices(tariff), state])
    columns = [t("col.hours"), *(t(f"operate.{name}") for name in _TARIFF), t("col.state")]
    markup.rows(t("operate.tariffs"), columns, lines, numeric=(1, 2, 3))
    st.caption(t("operate.unit"))


def _span(first: int, last: int) -> str:
    return t("operate.span", first=show.moment(hour_start(first)), end=show.moment(hour_start(last + 1)))


def _prices(tariff: Tariff) -> list[str]:
    return [show.price_net8(price) for price in astuple(tariff)]


# --- checks ---------------------------------------------------------------------------------------------------------


def _check(terms: Terms) -> None:
    """Refuse terms under which not delivering, or buying to waste, could pay; the contract's own rules, in words.

    Raises:
        Unusable: the first rule that is broken, and what to write.
    """
    top, least = terms.top, -(-terms.top * 5 // 4)
    if max(terms.imbalance, terms.floor, terms.step) > MOST_PRICE:
        raise Unusable(t("operate.price_too_high", most=show.price_net8(MOST_PRICE)))
    if least > MOST_PRICE:
        raise Unusable(t("operate.grid_too_high", top=show.price_net8(top)))
    if terms.imbalance < least:
        raise Unusable(t("operate.imbalance_too_low", top=show.price_net8(top), least=show.price_net8(least)))
    if terms.feed_in >= terms.floor:
        raise Unusable(t("operate.feed_in_too_high", floor=show.price_net8(terms.floor)))
    if terms.grid_fee > top:
        raise Unusable(t("operate.grid_fee_too_high", top=show.price_net8(top)))
    if terms.oracle_fee > terms.grid_fee:
        fees = {"fee": show.price_net8(terms.grid_fee), "part": show.price_net8(terms.oracle_fee)}
        raise Unusable(t("operate.oracle_fee_too_high", **fees))
    if terms.gate_lead > MOST_GATE_LEAD:
        raise Unusable(t("operate.gate_too_early", most=MOST_GATE_LEAD))
    if terms.min_wh > MOST_LEAST_ORDER:
        raise Unusable(t("operate.least_order_too_large", most=show.energy(MOST_LEAST_ORDER)))


def read_terms(texts: dict[str, str]) -> Terms:
    """Terms for the texts of the form's fields.

    Raises:
        Unusable: in one sentence that names the field or the rule.
    """
    values = {}
    for name in _TERMS:
        try:
            if name == "gate_lead":
                values[name] = amounts.whole(texts[name], zero=True)
            elif name == "min_wh":
                values[name] = amounts.energy(texts[name])
            else:
                values[name] = amounts.price_net8(texts[name], zero=name not in ("floor", "step"))
        except Unusable as fault:
            raise Unusable(t("operate.field", name=t(f"operate.{name}"), fault=str(fault))) from None
    terms = Terms(**values)
    _check(terms)
    return terms


def read_tariffs(text: str, defaults: list[Terms]) -> list[Tariff]:
    """Tariffs for a table of 24 lines with three prices each, parted by blanks, tabs or semicolons.

    Args:
        text: as typed or pasted from a spreadsheet.
        defaults: terms that each hour would have otherwise; grid and gate stay theirs.

    Raises:
        Unusable: in one sentence that names the line and what is wrong with it.
    """
    lines = [line.replace(";", " ").split() for line in text.strip().splitlines()]
    if len(lines) != HOURS:
        raise Unusable(t("operate.not_24_lines", n=len(lines), most=HOURS))
    tariffs = []
    for number, (words, default) in enumerate(zip(lines, defaults, strict=True), start=1):
        try:
            if len(words) != len(_TARIFF):
                raise Unusable(t("operate.not_three", n=len(words)))
            tariff = Tariff(*(amounts.price_net8(word, zero=True) for word in words))
            _check(Terms(*astuple(tariff), *astuple(default)[len(_TARIFF) :]))
        except Unusable as fault:
            raise Unusable(t("operate.line", number=number, fault=str(fault))) from None
        tariffs.append(tariff)
    return tariffs


# --- forms ----------------------------------------------------------------------------------------------------------


def _first_hours(at: Here, zone: int, lead: int) -> list[int]:
    """Hours with which a day can begin: the earliest open one and the coming midnights, where nothing is fixed yet."""
    earliest = hour_of(at.view.now) + lead + 1
    start = datetime.fromtimestamp(hour_start(earliest), show.timezone()).replace(hour=0, minute=0)
    midnights = [hour_of(int((start + timedelta(days=day)).timestamp())) for day in range(1, DAYS_AHEAD)]
    fixed = at.view.market.terms
    return [
        hour
        for hour in sorted({earliest, *midnights})
        if not any((zone, each) in fixed for each in range(hour, hour + HOURS))
    ]


def _starts(hour: int) -> str:
    return show.moment(hour_start(hour))


def publish_form(at: Here, zone: int) -> None:
    """The form that fixes the tariffs of 24 hours."""
    lead = at.view.read(at.view.contracts.grid.tariff_lead(zone))
    with st.container(border=True):
        st.subheader(t("operate.publish"))
        st.caption(t("operate.publish_text", lead=lead))
        firsts = _first_hours(at, zone, lead)
        default = at.view.market.default_terms(zone, hour_of(at.view.now) + lead + 1)
        if not firsts or default is None:
            markup.empty(t("operate.all_fixed"), t("operate.all_fixed_way"))
            at.send("publish", None, t("operate.idle"), "operate.published")
            return
        first = st.selectbox(t("operate.first_hour"), firsts, format_func=_starts, key=f"tariff_first_{zone}")
        written = "\n".join(["   ".join(_prices(default.tariff))] * HOURS)
        text = st.text_area(t("operate.table"), written, height=260, key=f"tariff_table_{zone}")
        defaults = [at.view.market.default_terms(zone, first + ahead) or default for ahead in range(HOURS)]
        tariffs = read_or_say(lambda: read_tariffs(text, defaults))
        intent = None
        if tariffs is not None and tariffs != [terms.tariff for terms in defaults]:  # which hold without publishing
            _preview(first, tariffs)
            call = at.view.contracts.grid.publish_tariffs(zone, first, tariffs)
            intent = call_unless_refused(at, t("operate.publish_do", first=_starts(first)), call)
        at.send("publish", intent, t("operate.unchanged"), "operate.published")


def _preview(first: int, tariffs: list[Tariff]) -> None:
    lines = []
    for tariff, run in groupby(enumerate(tariffs, start=first), key=lambda pair: pair[1]):
        hours = [hour for hour, _ in run]
        lines.append([_span(hours[0], hours[-1]), *_prices(tariff)])
    columns = [t("col.hours"), *(t(f"operate.{name}") for name in _TARIFF)]
    markup.rows(t("operate.publish"), columns, lines, numeric=(1, 2, 3))


def _written(terms: Terms, name: str) -> str:
    value = getattr(terms, name)
    if name == "gate_lead":
        return str(value)
    return show.kwh(value) if name == "min_wh" else show.price_net8(value)


def default_form(at: Here, zone: int) -> None:
    """The form that changes the terms of hours without a published tariff."""
    lead = at.view.read(at.view.contracts.grid.tariff_lead(zone))
    known = at.view.market.default_terms(zone, hour_of(at.view.now) + lead + 1)
    with st.container(border=True):
        st.subheader(t("operate.default"))
        st.caption(t("operate.default_text", lead=lead))
        texts = {}
        for first, second in zip(_TERMS[::2], _TERMS[1::2], strict=True):
            with st.container(key=f"line_{first}"):  # two in a row on a phone, too
                for column, name in zip(st.columns(2, vertical_alignment="bottom"), (first, second), strict=True):
                    shown = _written(known, name) if known else ""
                    texts[name] = column.text_input(t(f"operate.{name}"), shown, key=f"default_{name}_{zone}")
        terms = read_or_say(lambda: read_terms(texts))
        intent = None
        if terms is not None and terms != known:
            call = at.view.contracts.grid.set_default_terms(zone, terms)
            intent = call_unless_refused(at, t("operate.default_do"), call)
        at.send("default", intent, t("operate.unchanged"), "operate.default_set")
