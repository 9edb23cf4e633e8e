"""Pictures of a zone as ECharts options. Colours are of middle lightness: they stand out in the light and in the dark.

Every picture comes with a table that says the same.
"""

import math
from collections.abc import Sequence
from typing import Any

import streamlit as st
from net8.model import Site, Technology, site_index, site_zone
from net8.units import HOUR_SECONDS, euros_per_kwh, slot_start

from net8_web import show
from net8_web.community import Exchanged, Flow, Prices
from net8_web.i18n import t
from net8_web.indexer import Candle

__all__ = ["Option", "map_of_zones", "price_candles", "price_curve", "who_supplies_whom"]

Option = dict[str, Any]  # of ECharts

GREEN, AMBER, GREY, RED, BLUE = "#0d9488", "#d97706", "#8a938f", "#dc5a3c", "#3b82c4"
ZONES_AROUND = 8  # other zones on the map
HOUSES = 120  # of a zone on the map
SMALL = 70  # pixels: the disc of another zone
_KWH = "%.2f kWh"


# --- prices ---------------------------------------------------------------------------------------------------------


def price_curve(prices: Sequence[Prices], retail: int | None, now: int) -> Option:
    """What neighbours paid through the day between what the grid asks and what it pays."""
    series = [
        _line(t("community.local"), GREEN, [one.local for one in prices], width=3, symbol="circle"),
        _line(t("community.feed_in"), AMBER, [one.feed_in for one in prices]),
    ]
    if retail is not None:
        series.append(_line(t("community.retail"), RED, [retail] * len(prices)))
    series[0]["markLine"] = {
        "symbol": "none", "silent": True, "animation": False, "label": {"show": False},
        "lineStyle": {"color": GREY, "type": "dotted"}, "data": [{"xAxis": show.clock(slot_start(now))}],
    }  # fmt: skip
    return {
        "animation": False,
        "grid": {"left": 8, "right": 12, "top": 48, "bottom": 8, "containLabel": True},
        "legend": {"top": 0, "left": 0, "itemWidth": 18, "itemHeight": 4, "icon": "roundRect"},
        "tooltip": {"trigger": "axis", "valueFormatter": "€%.3f"},
        "xAxis": {
            "type": "category",
            "data": [show.clock(slot_start(one.slot)) for one in prices],
            "axisLabel": {"interval": 15},
            "axisTick": {"show": False},
        },
        "yAxis": {"type": "value", "name": show.isolate("€/kWh"), "nameGap": 10, "min": 0},
        "series": series,
    }


def price_candles(candles: Sequence[Candle], first: int, last: int, labels: int) -> Option:
    """Prices of each hour of trading from the one that begins at `first` to that at `last`, and energy below.

    Args:
        candles: of hours; hours without a trade stay empty.
        first: unix seconds.
        last: unix seconds.
        labels: hours from one label of the axis to the next.
    """
    known = {candle.time: candle for candle in candles}
    columns = [
        t("col.hour"),
        t("history.open"),
        t("history.close"),
        t("history.low"),
        t("history.high"),
        t("col.traded"),
    ]
    axis = {"type": "category", "axisTick": {"show": False}, "boundaryGap": True}
    hours = range(first, last + HOUR_SECONDS, HOUR_SECONDS)
    return {
        "animation": False,
        "grid": [
            {"left": 44, "right": 12, "top": 28, "height": 180},
            {"left": 44, "right": 12, "top": 242, "bottom": 38},
        ],
        "tooltip": {"trigger": "axis", "valueFormatter": show.isolate("€%.3f"), "axisPointer": {"type": "shadow"}},
        "axisPointer": {"link": [{"xAxisIndex": "all"}]},
        "dataset": {"dimensions": columns, "source": [_row(hour, known.get(hour)) for hour in hours]},
        "xAxis": [
            {**axis, "axisLabel": {"show": False}},
            {**axis, "gridIndex": 1, "axisLabel": {"interval": labels - 1, "lineHeight": 15}},
        ],
        "yAxis": [
            {"type": "value", "name": show.isolate("€/kWh"), "nameGap": 10, "scale": True},
            {"type": "value", "name": show.isolate("kWh"), "nameGap": 10, "gridIndex": 1, "splitNumber": 2},
        ],
        "series": [
            {
                "type": "candlestick", "name": t("community.local"), "barMaxWidth": 14,
                "encode": {"x": 0, "y": [1, 2, 3, 4], "tooltip": [1, 2, 3, 4]},
                "itemStyle": {"color": GREEN, "borderColor": GREEN, "color0": RED, "borderColor0": RED},
            },
            {
                "type": "bar", "name": t("col.traded"), "xAxisIndex": 1, "yAxisIndex": 1, "barMaxWidth": 14,
                "encode": {"x": 0, "y": 5}, "color": GREY, "tooltip": {"valueFormatter": show.isolate(_KWH)},
            },
        ],
    }  # fmt: skip


def _row(hour: int, candle: Candle | None) -> list[str | float]:
    """An hour of the picture; "-" is ECharts' word for nothing."""
    name = f"{show.clock(hour)}\n{show.day(hour)}"
    if candle is None:
        return [name, *["-"] * 5]
    prices = (candle.open, candle.close, candle.low, candle.high)
    return [name, *(_euro(price) for price in prices), candle.wh / 1000]


def _line(name: str, color: str, prices: Sequence[int | None], width: int = 2, symbol: str = "none") -> Option:
    return {
        "type": "line", "name": name, "step": "middle", "symbol": symbol, "symbolSize": 5, "color": color,
        "lineStyle": {"width": width}, "data": [None if price is None else _euro(price) for price in prices],
    }  # fmt: skip


def _ink() -> str:
    """The colour of text on the page, for text that stands on other colours."""
    return "#e9efec" if st.context.theme.type == "dark" else "#1c2321"


def _euro(price: int) -> float:
    return float(euros_per_kwh(price))


# --- who supplies whom ----------------------------------------------------------------------------------------------


def who_supplies_whom(flows: Sequence[Flow], zone: int, own: int | None) -> Option:
    """Sellers at the left, buyers at the right; the connected account's site is the one in another colour."""
    sellers, buyers = {flow.seller for flow in flows}, {flow.buyer for flow in flows}
    nodes = [_end(site, "▲", "right", zone, own) for site in sorted(sellers)]
    nodes += [_end(site, "▼", "left", zone, own) for site in sorted(buyers)]
    links = [
        {
            "source": f"▲ {place(flow.seller, zone)}",
            "target": f"▼ {place(flow.buyer, zone)}",
            "value": flow.traded / 1000,
        }
        for flow in flows
    ]
    return {
        "animation": False,
        "tooltip": {"trigger": "item", "valueFormatter": _KWH},
        "series": [
            {
                "type": "sankey", "left": 4, "right": 4, "top": 8, "bottom": 8, "nodeWidth": 12, "nodeGap": 16,
                "draggable": False, "emphasis": {"focus": "adjacency"}, "data": nodes, "links": links,
                "lineStyle": {"color": "source", "opacity": 0.3, "curveness": 0.5},
            }
        ],
    }  # fmt: skip


def _end(site: int, mark: str, side: str, zone: int, own: int | None) -> Option:
    color = BLUE if site == own else AMBER if mark == "▲" else GREEN
    return {
        "name": f"{mark} {place(site, zone)}",
        "itemStyle": {"color": color},
        "label": {"position": side, "color": _ink()},
    }


def place(site: int, zone: int) -> str:
    """`Site 3`, or with its zone where that is another than the one shown."""
    index, home = show.isolate(str(site_index(site))), site_zone(site)
    if home == zone:
        return t("site.name", index=index)
    return t("community.site_of_zone", index=index, zone=show.isolate(str(home)))


# --- zones ----------------------------------------------------------------------------------------------------------


def map_of_zones(
    zone: int, sites: dict[int, Site], flows: Sequence[Flow], between: Sequence[Exchanged], own: int | None
) -> Option:
    """The zone with its houses around it, the zones it trades with further out, and the energy that goes between them.

    It is a plan, not a map to scale: nothing on chain says where a site stands.
    """
    others = _zones_beside(zone, between)
    centre = _disc(zone, 0, 0, 92 if others else 120, _among(zone, between))
    around = [
        _disc(other, *_point(i, len(others), 2.6), SMALL, _among(other, between)) for i, other in enumerate(others)
    ]
    shown = {zone, *others}
    links = [
        _arrow(one, max(pair.traded for pair in between))
        for one in between
        if one.seller_zone != one.buyer_zone and {one.seller_zone, one.buyer_zone} <= shown
    ]
    return {
        "animation": False,
        "tooltip": {"trigger": "item"},
        "series": [
            {
                "type": "graph", "layout": "none", "roam": False, "preserveAspect": "contain",
                "left": 48, "right": 48, "top": 36, "bottom": 36,
                "data": [centre, *around, *_houses(zone, sites, flows, own)], "links": links,
                "edgeSymbol": ["none", "arrow"], "edgeSymbolSize": 10, "label": {"show": True},
            }
        ],
    }  # fmt: skip


def _zones_beside(zone: int, between: Sequence[Exchanged]) -> list[int]:
    """Zones that traded with this one, by energy."""
    pairs = [(one.seller_zone, one.buyer_zone) for one in between if one.seller_zone != one.buyer_zone]
    found = [other for pair in pairs if zone in pair for other in pair if other != zone]
    return list(dict.fromkeys(found))[:ZONES_AROUND]


def _among(zone: int, between: Sequence[Exchanged]) -> int:
    return sum(one.traded for one in between if one.seller_zone == one.buyer_zone == zone)


def _point(i: int, of: int, radius: float) -> tuple[float, float]:
    """The i-th of some points on a circle, from one corner of the picture on: two use its width and its height."""
    angle = 2 * math.pi * i / of - math.pi / 4
    return radius * math.cos(angle), radius * math.sin(angle)


def _name(zone: int) -> str:
    return t("community.zone", zone=show.isolate(str(zone)))


def _disc(zone: int, x: float, y: float, size: int, among: int) -> Option:
    return {
        "name": _name(zone), "x": x, "y": y, "symbolSize": size,
        "itemStyle": {"color": GREEN, "opacity": 0.9},
        "label": {
            "formatter": f"{_name(zone)}\n{_about(among)}", "color": "#ffffff", "position": "inside",
            "lineHeight": 17, "fontWeight": 600, "fontSize": 12 if size > SMALL else 11,
        },
        "tooltip": {"formatter": t("community.map_zone", zone=show.isolate(str(zone)), energy=show.energy(among))},
    }  # fmt: skip


def _about(wh: int) -> str:
    """Energy short enough for a disc."""
    return show.isolate(f"{wh / 1000:,.1f} kWh")


def _arrow(one: Exchanged, most: int) -> Option:
    return {
        "source": _name(one.seller_zone), "target": _name(one.buyer_zone),
        "lineStyle": {"color": GREEN, "opacity": 0.7, "width": 1.5 + 6 * one.traded / most, "curveness": 0.18},
        "label": {"show": True, "formatter": _about(one.traded), "color": _ink(), "opacity": 1, "fontSize": 11},
        "tooltip": {
            "formatter": t(
                "community.map_flow", seller=show.isolate(str(one.seller_zone)),
                buyer=show.isolate(str(one.buyer_zone)), energy=show.energy(one.traded),
            )
        },
    }  # fmt: skip


def _houses(zone: int, sites: dict[int, Site], flows: Sequence[Flow], own: int | None) -> list[Option]:
    """Sites on a ring, larger the more they traded; the first ones where there are very many."""
    mine = [site for site in sorted(sites) if site_zone(site) == zone][:HOUSES]
    sold = {site: sum(flow.traded for flow in flows if flow.seller == site) for site in mine}
    bought = {site: sum(flow.traded for flow in flows if flow.buyer == site) for site in mine}
    most = max((sold[site] + bought[site] for site in mine), default=0) or 1
    found = []
    for i, site in enumerate(mine):
        x, y = _point(i, len(mine), 1.0)
        makes = sites[site].technology is not Technology.NONE
        kind = show.technology(sites[site].technology)
        words = t(
            "community.map_site", name=place(site, zone), technology=kind, sold=show.energy(sold[site]),
            bought=show.energy(bought[site]),
        )  # fmt: skip
        found.append(
            {
                "name": f"site {site}", "x": x, "y": y,
                "symbolSize": 9 + 15 * math.sqrt((sold[site] + bought[site]) / most),
                "itemStyle": {"color": BLUE if site == own else AMBER if makes else GREY},
                "label": {"show": site == own, "formatter": t("community.you"), "position": "bottom", "color": _ink()},
                "tooltip": {"formatter": words},
            }
        )  # fmt: skip
    return found
