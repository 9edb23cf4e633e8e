"""Street: what happens now, what it means for my site, and how to join."""

from datetime import datetime

import streamlit as st
from net8.model import Technology, site_index, site_zone
from net8.units import slot_end, slot_of, slot_start

from net8_web import household, markup, show, story, street
from net8_web.components.book import Cell, strip
from net8_web.context import Here, here, no_site_note, site_name
from net8_web.day import SLOTS_OF_DAY, day_of, readings_of
from net8_web.i18n import t
from net8_web.older import say_recent_only
from net8_web.timing import LIVE_SECONDS

__all__ = ["render"]

LINES = 8  # of trades, payments and story


def render() -> None:
    """Draw the page."""
    at = here()
    if at.site is None:
        st.title(t("home.hero"))
        st.write(t("home.hero_text"))
        if at.account.address is None:
            at.panel("hero", None, "")
        elif at.view.settings.street_url:
            street.join(at)
        else:
            no_site_note(at)
    _live()


def midnight(at: Here) -> int:
    """Unix second at which the day of the chain's clock began, in the browser's time zone."""
    now = datetime.fromtimestamp(at.view.now, show.timezone())
    return int(now.replace(hour=0, minute=0, second=0, microsecond=0).timestamp())


@st.fragment(run_every=LIVE_SECONDS)
def _live() -> None:
    at = here()
    if at.zone is None:
        markup.empty(t("problem.no_zone"), t("problem.no_zone_way"))
        return
    start = midnight(at)
    if at.site is not None:
        _mine(at, at.site, start)
    _street_now(at, start)


# --- my site --------------------------------------------------------------------------------------------------------


def _mine(at: Here, site: int, start: int) -> None:
    record = at.record
    power = show.isolate(f"{record.nameplate / 1000:g} kW") if record.technology is not Technology.NONE else ""
    parts = {"index": site_index(site), "zone": site_zone(site), "technology": show.technology(record.technology)}
    st.subheader(t("home.today"))
    st.caption(t("site.line", power=power, **parts))
    household.today(at, day_of(at.view.market, site, start, start + 86400))
    _day_strip(at, site, start)
    household.cheapest_hours(at, site)
    household.month(at, site)
    _story(at, site, start)


def _day_strip(at: Here, site: int, start: int) -> None:
    market, first = at.view.market, slot_of(start)
    now = slot_of(at.view.now)
    zone = site_zone(site)
    readings, made = readings_of(market, site), household.made_by_roof(site)
    prices = {
        slot: trades[-1].price
        for slot in range(first, first + SLOTS_OF_DAY)
        if (trades := market.trades_in(zone, slot))
    }
    low, high = (min(prices.values()), max(prices.values())) if prices else (0, 1)
    cells = []
    for slot in range(first, first + SLOTS_OF_DAY):
        net, _ = market.position(site, slot)
        settled = market.is_settled(site, slot)
        mark = ("▲" if net > 0 else "▼" if net < 0 else "") + ("✓" if settled and net else "")
        price = prices.get(slot)
        height = 0.0 if price is None else (price - low) / max(high - low, 1)
        said = [_traded(net)]
        if price is not None:
            said.append(f"{show.price_net8(price)} NET8/kWh")
        if reading := readings.get(slot):
            said.append(t("home.metered", exported=show.energy(reading[0]), imported=show.energy(reading[1])))
        if slot in made:
            said.append(_roof(made[slot], reading))
        cells.append(
            Cell(
                slot=slot,
                time=show.clock(slot_start(slot)),
                day=show.day(slot_start(slot)),
                text=_flow(reading) if reading else "",
                more=f"☀{_short(made[slot])}" if made.get(slot) else "",
                height=height,
                tone=None if price is None else min(int(height * 5), 4),
                mark=mark,
                state="now" if slot == now else "closed" if slot < now else "open",
                label=f"{show.slot(slot)}: {', '.join(said)}",
            )
        )
    hint = t("home.day_hint") + (f" {t('home.day_hint_sun')}" if made else "")
    st.caption(f"**{t('home.day')}** · {hint}")
    strip("home_day", cells, t("home.day"), pick=False, follow=now)


def _flow(reading: tuple[int, int]) -> str:
    """What the meter showed, in kWh and no wider than its cell: `+1.2` went out, `-0.40` came in."""
    exported, imported = reading
    wh = exported or imported
    sign = "+" if exported else "\N{MINUS SIGN}"
    return "0" if wh == 0 else f"{sign}{_short(wh)}"


def _short(wh: int) -> str:
    return f"{wh / 1000:.{1 if wh >= 1000 else 2}f}"


def _roof(made: int, reading: tuple[int, int] | None) -> str:
    """What the roof made, and where the meter is known what the home used."""
    if reading is None:
        return t("home.made", made=show.energy(made))
    exported, imported = reading
    return t("home.made_used", made=show.energy(made), used=show.energy(max(made - exported, 0) + imported))


def _traded(net_wh: int) -> str:
    if net_wh == 0:
        return t("portfolio.not_traded")
    return t("portfolio.sold" if net_wh > 0 else "portfolio.bought", energy=show.energy(abs(net_wh)))


def _story(at: Here, site: int, start: int) -> None:
    st.subheader(t("home.story"))
    lines, reason = story.latest(at.view, site, LINES)
    if lines:
        times = [show.isolate(show.clock(time)) if time >= start else show.moment(time) for time, _ in lines]
        told = [[time, words] for time, (_, words) in zip(times, lines, strict=True)]
        markup.rows(t("home.story"), [t("col.time"), t("col.what")], told, wrapped=(1,))
    else:
        markup.empty(t("home.story_empty"), t("home.story_empty_way"))
    say_recent_only(at.view, reason)


# --- everybody ------------------------------------------------------------------------------------------------------


def _slot_today(at: Here, slot: int) -> str:
    """A slot without its day where that is today's: a phone has little room."""
    begun, end = slot_start(slot), slot_end(slot)
    if show.day(begun) != show.day(at.view.now):
        return show.slot(slot)
    return show.hours(begun, end)


def _street_now(at: Here, start: int) -> None:
    market, zone = at.view.market, at.zone
    trades = [trade for trade in market.trades_since(start) if trade.zone == zone]
    payments = [payment for payment in market.payments_since(start) if site_zone(payment.site) == zone]
    settled = sum(len(payment.readings) for payment in payments)
    sites = sum(1 for site in market.sites if site_zone(site) == zone)
    st.subheader(t("home.street"))
    traded, last, homes, done = st.columns(4)
    traded.metric(t("home.traded_today"), show.energy(sum(trade.wh for trade in trades)), border=True, height="stretch")
    price = show.isolate(show.price_net8(trades[-1].price)) if trades else show.NOTHING
    unit = show.isolate("NET8/kWh") if trades else None
    last.metric(t("home.last_price"), price, unit, delta_color="off", delta_arrow="off", border=True, height="stretch")
    homes.metric(t("home.sites"), sites, border=True, height="stretch")
    done.metric(t("home.settled_today"), settled, border=True, height="stretch")
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown(f"**{t('home.latest_trades')}**")
        if not trades:
            markup.empty(t("home.no_trades"), t("home.no_trades_way"))
        else:
            lines = [
                [
                    _slot_today(at, trade.slot),
                    show.energy(trade.wh),
                    show.price_net8(trade.price),
                    t("trade.from_to", seller=site_name(trade.seller), buyer=site_name(trade.buyer)),
                ]
                for trade in reversed(trades[-LINES:])
            ]
            columns = [t("col.slot"), t("col.energy"), t("col.price_net8"), t("col.from_to")]
            markup.rows(t("home.latest_trades"), columns, lines, numeric=(1, 2))
    with right:
        st.markdown(f"**{t('home.latest_settled')}**")
        paid = [payment for payment in payments if payment.credited][-LINES:]
        if not paid:
            markup.empty(t("home.no_settled"), t("home.no_settled_way"))
        else:
            lines = [
                [_slot_today(at, max(payment.readings)), site_name(payment.site), show.net8(payment.credited, 4)]
                for payment in reversed(paid)
            ]
            markup.rows(t("home.latest_settled"), [t("col.slot"), t("col.site"), t("col.payment")], lines, numeric=(2,))
