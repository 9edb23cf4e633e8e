"""What a household sees of its money on the Street page: today, this month, and when energy is cheapest."""

from collections.abc import Mapping
from functools import partial

import streamlit as st
from net8.model import Technology
from net8.units import slot_start
from streamlit.delta_generator import DeltaGenerator

from net8_web import savings, show
from net8_web.amounts import Unusable, energy
from net8_web.cheapest import TWO_HOURS, cheapest
from net8_web.context import Here
from net8_web.day import Day, readings_of
from net8_web.fields import typed_amount
from net8_web.i18n import t
from net8_web.roof import LONGEST_RECORD, OwnUse, own_use, read_record
from net8_web.savings import Month
from net8_web.trading.slots import open_slots

__all__ = ["cheapest_hours", "made_by_roof", "month", "today"]

_RECORD, _ROOF = "own_record_{}", "_roof_{}"  # of a site: the field, gone with the page, and what was read there, kept


def today(at: Here, day: Day) -> None:
    """What the day came to so far, and what it saved."""
    earned, spent, sold, bought = st.columns(4)
    _money(earned, "home.earned", day.earned)
    _money(spent, "home.spent", day.spent)
    sold.metric(t("home.sold"), show.energy(day.sold_wh), border=True, height="stretch")
    bought.metric(t("home.bought"), show.energy(day.bought_wh), border=True, height="stretch")
    saved = savings.saved_today(day, at.view.settings.retail, at.view.now)
    if saved is not None and (day.sold_wh or day.bought_wh):
        amounts = {"amount": show.signed_net8(saved), "euro": show.euro(saved)}
        st.caption(t("home.saved_today", **amounts), help=_counterfactual(at))


def month(at: Here, site: int) -> None:
    """What the month came to so far, and how much of its sun the home used itself."""
    st.subheader(t("home.month"))
    sums, reason = savings.month_of(at.view, site)
    if sums is None:
        st.caption(t("home.month_unknown", reason=reason))
        return
    result, saved, sold, bought = st.columns(4)
    _money(result, "home.result", sums.result, t("home.result_help"))
    _money(saved, "home.saved", sums.saved, _counterfactual(at))
    sold.metric(t("home.sold"), show.energy(sums.sold_wh), border=True, height="stretch")
    bought.metric(t("home.bought"), show.energy(sums.bought_wh), border=True, height="stretch")
    if at.record.technology is not Technology.NONE:
        _own_use(at, site, sums)


def cheapest_hours(at: Here, site: int) -> None:
    """When the washing machine had best run."""
    found = at.view.memo(("cheapest", site), lambda: cheapest(at.view, site, open_slots(at)))
    if found is None:
        st.caption(f"**{t('home.cheapest')}** · {t('home.cheapest_none')}")
        return
    begun, end = slot_start(found.first), slot_start(found.first + TWO_HOURS)
    said = t(
        "home.cheapest_said",
        span=show.span(begun, end),
        price=show.isolate(f"€{show.price_euro(found.price)}"),
        energy=show.energy(found.wh * TWO_HOURS),
    )
    st.caption(f"**{t('home.cheapest')}** · {said}", help=t("home.cheapest_help"))


def _money(column: DeltaGenerator, label: str, grains: int | None, explained: str | None = None) -> None:
    euro = None if grains is None else show.euro(grains)
    amount = show.NOTHING if grains is None else show.net8(grains) if grains >= 0 else show.signed_net8(grains)
    column.metric(
        t(label), amount, euro, delta_color="off", delta_arrow="off", help=explained, border=True, height="stretch"
    )


def _counterfactual(at: Here) -> str:
    """What savings are counted against, in words."""
    retail = at.view.settings.retail
    if retail is None:
        return t("home.without_unknown")
    return t("home.without", price=show.isolate(f"€{show.price_euro(retail.at(at.view.now))}"))


def made_by_roof(site: int) -> Mapping[int, int]:
    """Wh by slot, of the record that was given to this session; empty without one that can be read."""
    record = _record(site)
    return {} if isinstance(record, str) else record


def _record(site: int) -> Mapping[int, int] | str:
    """The same, or why it cannot be read."""
    record: Mapping[int, int] | str = st.session_state.get(_ROOF.format(site), {})
    return record


def _take_record(site: int) -> None:
    text, kept = st.session_state[_RECORD.format(site)], _ROOF.format(site)
    try:
        st.session_state[kept] = read_record(text, show.timezone()) if text.strip() else {}
    except Unusable as fault:
        st.session_state[kept] = str(fault)


def _own_use(at: Here, site: int, month: Month) -> None:
    """How much of its sun the home uses itself: the meter at its connection cannot know, the inverter's does."""
    with st.expander(t("home.own_use")):
        st.caption(t("home.own_use_text", energy=show.energy(month.exported_wh)))
        st.text_area(
            t("home.own_record"),
            key=_RECORD.format(site),
            height=120,
            max_chars=LONGEST_RECORD,
            placeholder="time,energy (kWh)\n2026-11-23 12:00,0.85\n2026-11-23 12:15,0.91",
            help=t("home.own_record_help"),
            on_change=_take_record,
            args=(site,),
        )
        record = _record(site)
        if isinstance(record, str):
            st.warning(record)
        elif record:
            _of_record(own_use(record, readings_of(at.view.market, site)))
        else:
            _of_displays(month)


def _of_record(use: OwnUse) -> None:
    if use.slots == 0:
        st.info(t("home.own_none"))
        return
    amounts = {"made": show.energy(use.made), "out": show.energy(use.exported), "drawn": show.energy(use.imported)}
    st.caption(t("home.own_sums", n=show.isolate(f"{use.slots:,}"), **amounts))
    _shares(use.made, use.kept, use.imported)


def _of_displays(month: Month) -> None:
    """The month's two figures, as somebody reads them off."""
    made_at, drawn_at = st.columns(2)
    with made_at:
        made = typed_amount("own_made", "home.own_made", energy, partial(_check_made, month))
    with drawn_at:
        drawn = typed_amount("own_drawn", "home.own_drawn", partial(energy, zero=True), lambda wh: None)
    if made is not None and drawn is not None:
        _shares(made, made - month.exported_wh, drawn)


def _shares(made: int, kept: int, drawn: int) -> None:
    """Args: made: Wh by the roof. kept: Wh of them that the home used. drawn: Wh from the grid."""
    consumption, sufficiency = st.columns(2)
    share = show.percent(1_000_000 * kept // max(made, 1))
    consumption.metric(t("home.self_consumption"), share, help=t("home.self_consumption_help"), border=True)
    share = show.percent(1_000_000 * kept // max(kept + drawn, 1))
    sufficiency.metric(t("home.self_sufficiency"), share, help=t("home.self_sufficiency_help"), border=True)


def _check_made(month: Month, made: int) -> None:
    if made < month.exported_wh:
        raise Unusable(t("home.own_made_little", energy=show.energy(month.exported_wh)))
