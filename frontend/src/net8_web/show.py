"""Numbers, times and names as people read them, in the session's language.

Digits stay Western and numbers left-to-right in both languages; in Arabic text each is isolated (U+2066, U+2069) so
that signs and units stay on their side.
"""

from datetime import UTC, datetime, tzinfo
from decimal import ROUND_HALF_EVEN, Decimal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st
from net8.model import Outcome, Technology
from net8.units import (
    SLOT_SECONDS,
    WEI_PER_GRAIN,
    euros_per_kwh,
    grains_to_eur,
    grains_to_net8,
    net8_per_kwh,
    slot_start,
)

from net8_web.i18n import direction, language, t

__all__ = [
    "NOTHING",
    "clock",
    "date",
    "day",
    "energy",
    "euro",
    "euros",
    "hash_short",
    "hours",
    "isolate",
    "kwh",
    "moment",
    "net8",
    "outcome",
    "percent",
    "power",
    "price_euro",
    "price_net8",
    "short",
    "signed_net8",
    "slot",
    "span",
    "technology",
    "timezone",
    "wei",
]

NOTHING = "\u2013"  # stands where there is no value
_MINUS = "\u2212"
_LAST = int(datetime(9999, 12, 30, tzinfo=UTC).timestamp())
_LRI, _PDI = "\u2066", "\u2069"


def isolate(text: str) -> str:
    """Keep `text` left-to-right inside a right-to-left sentence."""
    return f"{_LRI}{text}{_PDI}" if direction(language()) == "rtl" else text


def _decimal(number: Decimal, least: int, most: int) -> str:
    rounded = number.quantize(Decimal(1).scaleb(-most), ROUND_HALF_EVEN)
    text = f"{rounded:,f}"
    whole, _, fraction = text.partition(".")
    kept = fraction.rstrip("0").ljust(least, "0")
    return f"{whole}.{kept}" if kept else whole


def net8(grains: int, decimals: int = 2) -> str:
    """An amount, to the tenth of a thousandth, with at least `decimals`: `12.50 NET8`. For reading, not for sums."""
    return isolate(f"{_decimal(grains_to_net8(grains), decimals, 4)} NET8")


def wei(amount: int, decimals: int = 2) -> str:
    """An amount of NET8 in wei, as `net8` shows it; what is less than a grain is left out."""
    return net8(amount // WEI_PER_GRAIN, decimals)


def signed_net8(grains: int) -> str:
    """An amount with its sign: `+0.50 NET8`."""
    sign = "+" if grains > 0 else _MINUS if grains < 0 else ""
    return isolate(f"{sign}{_decimal(abs(grains_to_net8(grains)), 4, 4)} NET8")


def euro(grains: int) -> str:
    """An amount in euro at the nominal price, to the cent: `€37.50`."""
    amount = grains_to_eur(grains)
    return isolate(f"{_MINUS if amount < 0 else ''}€{_decimal(abs(amount), 2, 2)}")


def euros(units: int, decimals: int) -> str:
    """An amount of a euro token in its smallest unit, rounded down to the cent: `€37.50`."""
    cents = Decimal(units * 100 // 10**decimals).scaleb(-2)
    return isolate(f"€{_decimal(cents, 2, 2)}")


def percent(millionths: int) -> str:
    """A share, rounded down to the hundredth of a per cent, so that only what is full says so: `99.99%`."""
    return isolate(f"{_decimal(Decimal(millionths // 100).scaleb(-2), 0, 2)}%")


def kwh(wh: int) -> str:
    """Energy in kWh without its unit: `1.25`."""
    return _decimal(Decimal(wh).scaleb(-3), 2, 3)


def energy(wh: int) -> str:
    """Energy in kWh: `1.25 kWh`."""
    return isolate(f"{kwh(wh)} kWh")


def power(watt: int) -> str:
    """A power in kW: `12.5 kW`."""
    return isolate(f"{_decimal(Decimal(watt).scaleb(-3), 0, 3)} kW")


def price_net8(price: int) -> str:
    """A price in NET8 per kWh without its unit: `0.1000`."""
    return _decimal(net8_per_kwh(price), 4, 4)


def price_euro(price: int) -> str:
    """A price in euro per kWh without its unit: `0.300`."""
    return _decimal(euros_per_kwh(price), 3, 3)


def timezone() -> tzinfo:
    """The browser's time zone, UTC where it tells none that we know."""
    name = st.context.timezone
    if not name:
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def _local(unix: int) -> datetime:
    """A moment in the browser's time zone; what is beyond the calendar, as somebody may have signed it, is its end."""
    return datetime.fromtimestamp(min(unix, _LAST), timezone())


def clock(unix: int) -> str:
    """Time of day: `14:15`."""
    return f"{_local(unix):%H:%M}"


def day(unix: int) -> str:
    """Day and month: `23 Nov`."""
    moment = _local(unix)
    return f"{moment.day} {t(f'month.{moment.month}')}"


def date(unix: int) -> str:
    """Day, month and year, for what is kept: `23 Nov 2026`."""
    return f"{day(unix)} {_local(unix).year}"


def moment(unix: int) -> str:
    """Day and time: `23 Nov, 14:15`."""
    return t("clock.now", day=day(unix), time=isolate(clock(unix)))


def slot(number: int) -> str:
    """A slot: `23 Nov, 14:15–14:30`."""
    start = slot_start(number)
    return span(start, start + SLOT_SECONDS)


def hours(start: int, end: int) -> str:
    """Times of day: `14:15–15:00`.

    With a hyphen Streamlit takes what is between the colons for an emoji's name, and a text that has one stays away
    until its browser has loaded all emojis.
    """
    return isolate(f"{clock(start)}–{clock(end)}")


def span(start: int, end: int) -> str:
    """From one moment to another of the same day: `23 Nov, 14:15–15:00`."""
    return t("clock.now", day=day(start), time=hours(start, end))


def short(address: str) -> str:
    """`0x1234…cdef`"""
    return isolate(f"{address[:6]}…{address[-4:]}")


hash_short = short


def technology(kind: Technology) -> str:
    """Name of a technology."""
    return t(f"technology.{kind.name.lower()}")


def outcome(kind: Outcome) -> str:
    """How a position ended, in words."""
    return t(f"outcome.{kind.name.lower()}")
