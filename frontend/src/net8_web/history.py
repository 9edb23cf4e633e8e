"""What a zone, or one of its quarter hours, was traded at in the past days: candles, and the same as a table."""

import streamlit as st
from net8.units import HOUR_SECONDS

from net8_web import charts, indexer, markup, show
from net8_web.context import here
from net8_web.i18n import t
from net8_web.indexer import Candle, IndexerUnusable

__all__ = ["history"]

DAYS = {1: 4, 3: 12, 7: 24}  # to choose from -> hours from one label of the axis to the next
DAY_HOURS = 24


@st.fragment
def history(zone: int, slot: int | None) -> None:
    """Draw it. It is not live: a chart takes the browser longer than a block takes the chain.

    Args:
        zone: whose trades.
        slot: the quarter hour that may be chosen instead of all of the zone's; None when there is none.
    """
    at = here()
    st.subheader(t("history.title"))
    st.caption(t("history.text"))
    chosen, days = _choose(slot)
    last = at.view.now // HOUR_SECONDS * HOUR_SECONDS
    first = last - (days * DAY_HOURS - 1) * HOUR_SECONDS
    try:
        url = indexer.require_current(at.view.settings.indexer, at.view.head.number)
        candles = indexer.candles(url, zone, first, last, HOUR_SECONDS, chosen)
    except IndexerUnusable as fault:
        st.info(t("history.unknown", reason=str(fault)), icon=":material/database_off:")
        return
    if not candles:
        markup.empty(t("history.none"), t("history.none_way"))
        return
    option = charts.price_candles(candles, first, last, DAYS[days])
    st.echarts_chart(option, height=340, key="trade_history", alt=t("history.alt"))
    _table(candles)


def _choose(slot: int | None) -> tuple[int | None, int]:
    """The slot whose trades are shown, None for all, and the number of days."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kinds = ("zone",) if slot is None else ("zone", "slot")
        kind = st.segmented_control(
            t("history.of"), kinds, default="zone", required=True, key=f"history_of_{len(kinds)}",
            format_func=lambda kind: t(f"history.{kind}"),
        )  # fmt: skip
        days = st.segmented_control(
            t("history.period"), list(DAYS), default=1, required=True, key="history_days",
            format_func=lambda days: t(f"history.days_{days}"),
        )  # fmt: skip
    if kind == "slot" and slot is not None:
        st.caption(show.slot(slot))
        return slot, days
    return None, days


def _table(candles: list[Candle]) -> None:
    columns = [
        t("col.hour"),
        t("history.open"),
        t("history.high"),
        t("history.low"),
        t("history.close"),
        t("col.energy"),
    ]
    lines = [
        [
            show.moment(one.time),
            *(show.price_euro(price) for price in (one.open, one.high, one.low, one.close)),
            show.energy(one.wh),
        ]
        for one in reversed(candles)
    ]
    with st.expander(t("community.as_table_euro")):
        markup.rows(t("history.title"), columns, lines, numeric=(1, 2, 3, 4, 5))
