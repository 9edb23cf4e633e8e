"""Community: where a zone's energy comes from, what it costs beside the grid's, and how one's own site compares."""

from dataclasses import dataclass

import streamlit as st
from net8.model import Terms
from net8.units import hour_of_slot, hour_start, slot_of, slot_start

from net8_web import charts, indexer, markup, show
from net8_web.community import Exchanged, Flow, Prices, prices_of, supply_of, traded
from net8_web.context import Here, here
from net8_web.day import SLOTS_OF_DAY
from net8_web.i18n import language, t
from net8_web.indexer import IndexerUnusable, Span, Standing
from net8_web.pages.street import midnight

__all__ = ["render"]

FLOWS_DRAWN = 14  # who supplies whom: more cannot be told apart
DAYS = (1, 7)  # to choose from; the indexer adds up seven days at once


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of the chosen days, from the indexer or, where it is of no use, from the chain alone."""

    flows: list[Flow]  # of the zone
    between: list[Exchanged]  # of all zones
    standing: list[Standing]  # of the connected account's site
    note: str | None  # why the indexer is of no use


def render() -> None:
    """Draw the page. Nothing on it is live: a chart takes the browser longer than a block takes the chain."""
    at = here()
    st.subheader(t("community.title"))
    st.caption(t("community.text"))
    if at.zone is None:
        markup.empty(t("problem.no_zone"), t("problem.no_zone_way"))
        return
    zone, days = _choose(at, at.zone)
    start = midnight(at)
    first = slot_of(start) - SLOTS_OF_DAY * (days - 1)
    known = _look(at, zone, (first, slot_of(start) + SLOTS_OF_DAY - 1))
    _say(at, known)
    _figures(zone, known)
    plan, prices = st.columns(2, gap="large")
    with plan:
        _map(at, zone, known)
    with prices:
        _prices(at, zone, slot_of(start))
    _suppliers(at, zone, known)
    if at.site is not None:
        _neighbours(at, zone, known)


def _choose(at: Here, usual: int) -> tuple[int, int]:
    """The zone and the number of days that are shown."""
    zones = sorted(at.view.market.zones)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        days = st.segmented_control(
            t("community.period"), DAYS, default=DAYS[0], required=True, key="community_days",
            format_func=lambda days: t(f"community.days_{days}"),
        )  # fmt: skip
        zone = usual
        if len(zones) > 1:
            names = {zone: t("community.zone", zone=show.isolate(str(zone))) for zone in zones}
            zone = st.selectbox(
                t("col.zone"), zones, index=zones.index(usual), format_func=names.__getitem__, width=180,
                key=f"community_zone_{usual}_{language()}",  # else it shows what was chosen before
            )  # fmt: skip
        st.button(t("community.again"), icon=":material/refresh:", key="community_again")
    return zone, days


def _look(at: Here, zone: int, span: Span) -> _Known:
    try:
        url = indexer.require_current(at.view.settings.indexer, at.view.head.number)
        flows, between = indexer.flows(url, zone, span), indexer.exchanged(url, span)
        mine = at.site if at.site is not None and at.site >> 16 == zone else None
        return _Known(flows, between, [] if mine is None else indexer.standing(url, mine, span), None)
    except IndexerUnusable as fault:
        slots = range(span[0], span[1] + 1)
        flows, between = at.view.memo(("traded", span), lambda: traded(at.view.market, slots))
        mine_of_zone = [flow for flow in flows if zone in (flow.seller >> 16, flow.buyer >> 16)]
        return _Known(mine_of_zone, between, [], t("indexer.chain_alone", reason=str(fault)))


def _say(at: Here, known: _Known) -> None:
    moment = f"{show.day(at.view.now)}, {show.isolate(show.clock(at.view.now))}"
    st.caption(t("community.as_of", moment=moment))
    if known.note is not None:
        st.info(known.note, icon=":material/database_off:")


def _figures(zone: int, known: _Known) -> None:
    supply = supply_of(zone, known.between)
    bought, share, price, sold = st.columns(4)
    bought.metric(t("community.bought"), show.energy(supply.bought), border=True, height="stretch")
    part = show.NOTHING if supply.share is None else show.isolate(f"{supply.share} %")
    share.metric(t("community.share"), part, border=True, height="stretch", help=t("community.share_help"))
    price.metric(
        t("community.mean_price"),
        show.NOTHING if supply.price is None else _euro(supply.price),
        None if supply.price is None else show.isolate(f"{show.price_net8(supply.price)} NET8/kWh"),
        delta_color="off",
        delta_arrow="off",
        border=True,
        height="stretch",
    )
    sold.metric(t("community.sold_on"), show.energy(supply.sold_on), border=True, height="stretch")


def _euro(price: int) -> str:
    return show.isolate(f"€{show.price_euro(price)}/kWh")


# --- zones ----------------------------------------------------------------------------------------------------------


def _map(at: Here, zone: int, known: _Known) -> None:
    st.subheader(t("community.map"))
    sites = dict(at.view.market.sites)
    if not any(site >> 16 == zone for site in sites):
        markup.empty(t("community.no_sites"), t("community.no_sites_way"))
        return
    st.caption(t("community.map_text"))
    option = charts.map_of_zones(zone, sites, known.flows, known.between, at.site)
    st.echarts_chart(option, height=340, key="community_map", alt=t("community.map_alt"))
    if known.between:
        with st.expander(t("community.as_table")):
            columns = [t("community.from_zone"), t("community.to_zone"), t("col.energy")]
            lines = [
                [show.isolate(str(one.seller_zone)), show.isolate(str(one.buyer_zone)), show.energy(one.traded)]
                for one in known.between
            ]
            markup.rows(t("community.map"), columns, lines, numeric=(2,))


# --- prices ---------------------------------------------------------------------------------------------------------


def _terms(at: Here, zone: int, slots: range) -> dict[int, Terms]:
    """Terms of each hour, fixed or as they would be."""
    hours = sorted({hour_of_slot(slot) for slot in slots})
    fixed = {hour: terms for hour in hours if (terms := at.view.market.terms.get((zone, hour))) is not None}
    missing = [hour for hour in hours if hour not in fixed]
    asked = at.view.read_many([at.view.contracts.grid.terms(zone, hour) for hour in missing])
    return fixed | {hour: terms for hour, (terms, _) in zip(missing, asked, strict=True)}


def _prices(at: Here, zone: int, first: int) -> None:
    st.subheader(t("community.prices"))
    slots, known = range(first, first + SLOTS_OF_DAY), at.view.settings.retail
    retail = known.at(slot_start(first)) if known is not None else None
    prices = at.view.memo(
        ("prices", zone, first), lambda: prices_of(at.view.market, zone, slots, _terms(at, zone, slots))
    )
    st.caption(t("community.prices_text") if retail is not None else t("community.no_retail"))
    option = charts.price_curve(prices, retail, slot_of(at.view.now))
    st.echarts_chart(option, height=340, key="community_prices", alt=t("community.prices_alt"))
    with st.expander(t("community.as_table_euro")):
        columns = [t("col.hour"), t("community.local"), t("community.feed_in"), t("community.grid_fee")]
        lines = [_hour_line(prices[i : i + 4]) for i in range(0, len(prices), 4)]
        if retail is not None:
            columns.append(t("community.retail"))
            lines = [[*line, show.price_euro(retail)] for line in lines]
        markup.rows(t("community.prices"), columns, lines, numeric=tuple(range(1, len(columns))))


def _hour_line(prices: list[Prices]) -> list[str]:
    hour = hour_start(hour_of_slot(prices[0].slot))
    local = [one.local for one in prices if one.local is not None]
    span = show.NOTHING
    if local:
        low, high = show.price_euro(min(local)), show.price_euro(max(local))
        span = low if low == high else show.isolate(f"{low}\N{EN DASH}{high}")
    return [
        show.isolate(show.clock(hour)),
        span,
        show.price_euro(prices[0].feed_in),
        show.price_euro(prices[0].grid_fee),
    ]


# --- who supplies whom ----------------------------------------------------------------------------------------------


def _suppliers(at: Here, zone: int, known: _Known) -> None:
    st.subheader(t("community.suppliers"))
    flows = known.flows[:FLOWS_DRAWN]
    if not flows:
        markup.empty(t("home.no_trades"), t("home.no_trades_way"))
        return
    rest = len(known.flows) - len(flows)
    st.caption(t("community.suppliers_text") + (" " + t("community.rest", n=show.isolate(str(rest))) if rest else ""))
    option = charts.who_supplies_whom(flows, zone, at.site)
    height = 60 + 34 * max(len({flow.seller for flow in flows}), len({flow.buyer for flow in flows}))
    st.echarts_chart(option, height=height, key="community_suppliers", alt=t("community.suppliers_alt"))
    with st.expander(t("community.as_table")):
        columns = [t("community.seller"), t("community.buyer"), t("col.traded"), t("community.mean_price")]
        lines = [
            [
                charts.place(flow.seller, zone),
                charts.place(flow.buyer, zone),
                show.energy(flow.traded),
                _euro((2 * flow.value + flow.traded) // (2 * flow.traded)),
            ]
            for flow in flows
        ]
        if known.note is None:  # only the indexer adds up what meters said
            columns.append(t("col.delivered"))
            lines = [[*line, _delivered(flow)] for line, flow in zip(lines, flows, strict=True)]
        markup.rows(t("community.suppliers"), columns, lines, numeric=tuple(range(2, len(columns))))


def _delivered(flow: Flow) -> str:
    if not flow.settled or flow.delivered is None:
        return show.NOTHING
    return t("community.delivered", part=show.energy(flow.delivered), whole=show.energy(flow.settled))


# --- my site beside the others --------------------------------------------------------------------------------------


def _neighbours(at: Here, zone: int, known: _Known) -> None:
    st.subheader(t("community.neighbours"))
    st.caption(t("community.neighbours_text"))
    if known.note is not None:
        markup.empty(t("community.no_comparison"), t("community.needs_indexer"))
        return
    if not known.standing:
        markup.empty(t("community.no_comparison"), t("community.too_few"))
        return
    lines = [
        [
            t(f"figure.{one.figure}"),
            _figure(one, one.own),
            t("community.half", median=_figure(one, one.median), low=_bare(one, one.lower), high=_bare(one, one.upper)),
            t("community.of_them", percent=show.isolate(f"{one.above} %")),
        ]
        for one in known.standing
    ]
    columns = [t("col.what"), t("community.own"), t("community.middle_half"), t("community.rank")]
    markup.rows(t("community.neighbours"), columns, lines, numeric=(1,), wrapped=(0, 2, 3))


def _bare(one: Standing, value: int) -> str:
    """A figure without its unit."""
    if one.figure == "delivered":
        return f"{value / 10:g}"
    return show.price_euro(value) if one.figure.endswith("_at") else show.kwh(value)


def _figure(one: Standing, value: int) -> str:
    bare = _bare(one, value)
    if one.figure == "delivered":
        return show.isolate(f"{bare} %")
    return show.isolate(f"€{bare}/kWh" if one.figure.endswith("_at") else f"{bare} kWh")
