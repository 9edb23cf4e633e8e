"""Time, energy and money in the exchange's whole numbers, and how people read and write them.

slot   quarter of an hour, unix time // 900      hour   unix time // 3600
Wh     energy, whole                             grain  money, whole: 10**-7 NET8 = 10**11 wei
price  grains per Wh, whole; 1000 (par) is 0.1 NET8 per kWh

Nothing here is a float: people's numbers pass through `Decimal` and are exact or refused.
"""

import re
from datetime import UTC, datetime, tzinfo
from decimal import ROUND_HALF_EVEN, Decimal

__all__ = [
    "GRAINS_PER_NET8",
    "HORIZON_SLOTS",
    "HOUR_SECONDS",
    "NOMINAL_EUR_PER_NET8",
    "PAR_PRICE",
    "REPORT_TIMEOUT_SLOTS",
    "SLOTS_PER_HOUR",
    "SLOT_SECONDS",
    "WEI_PER_GRAIN",
    "WEI_PER_NET8",
    "AmountRefused",
    "euros_per_kwh",
    "first_slot_of",
    "format_energy",
    "format_eur",
    "format_net8",
    "format_price_eur",
    "format_price_net8",
    "format_slot",
    "grains_to_eur",
    "grains_to_net8",
    "grains_to_wei",
    "hour_of",
    "hour_of_slot",
    "hour_start",
    "net8_per_kwh",
    "parse_energy_kwh",
    "parse_net8",
    "parse_price_eur",
    "parse_price_net8",
    "slot_end",
    "slot_of",
    "slot_start",
    "slots_of_hour",
    "wei_to_grains",
]

SLOT_SECONDS = 900
HOUR_SECONDS = 3600
SLOTS_PER_HOUR = 4
HORIZON_SLOTS = 672  # a slot is tradable up to one week ahead
REPORT_TIMEOUT_SLOTS = 672  # an unreported slot may be settled by anyone after one week

WEI_PER_NET8 = 10**18
WEI_PER_GRAIN = 10**11
GRAINS_PER_NET8 = 10**7

PAR_PRICE = 1000  # grains per Wh: one NET8 buys 10 kWh
NOMINAL_EUR_PER_NET8 = Decimal(3)  # what the Reserve takes for one NET8, unless a deployment says otherwise

_PLAIN_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_LONGEST_NUMBER = 40  # characters; more is a paste gone wrong


class AmountRefused(ValueError):
    """A number somebody typed that cannot be used. The message says what is wrong and what to write instead."""


# --- time ---------------------------------------------------------------------------------------------------------


def slot_of(unix: int) -> int:
    """The slot in which the moment `unix` (seconds) lies; a boundary belongs to the slot it starts."""
    return unix // SLOT_SECONDS


def slot_start(slot: int) -> int:
    """Unix seconds at which `slot` starts."""
    return slot * SLOT_SECONDS


def slot_end(slot: int) -> int:
    """Unix seconds at which `slot` is over."""
    return (slot + 1) * SLOT_SECONDS


def hour_of(unix: int) -> int:
    """The hour in which the moment `unix` (seconds) lies."""
    return unix // HOUR_SECONDS


def hour_of_slot(slot: int) -> int:
    """The hour of which `slot` is a quarter."""
    return slot // SLOTS_PER_HOUR


def hour_start(hour: int) -> int:
    """Unix seconds at which `hour` starts."""
    return hour * HOUR_SECONDS


def first_slot_of(hour: int) -> int:
    """The first of the four slots of `hour`."""
    return hour * SLOTS_PER_HOUR


def slots_of_hour(hour: int) -> range:
    """The four slots of `hour`, in order."""
    return range(first_slot_of(hour), first_slot_of(hour + 1))


def format_slot(slot: int, timezone: tzinfo = UTC) -> str:
    """A slot as people read it: `2026-11-23 14:15-14:30`."""
    start = datetime.fromtimestamp(slot_start(slot), timezone)
    end = datetime.fromtimestamp(slot_end(slot), timezone)
    return f"{start:%Y-%m-%d %H:%M}-{end:%H:%M}"


# --- money --------------------------------------------------------------------------------------------------------


def grains_to_wei(grains: int) -> int:
    """Wei of the NET8 token for `grains`."""
    return grains * WEI_PER_GRAIN


def wei_to_grains(wei: int) -> int:
    """Grains for `wei` of the NET8 token.

    Raises:
        AmountRefused: `wei` is negative or not a whole number of grains; the exchange takes no such amount.
    """
    if wei < 0 or wei % WEI_PER_GRAIN:
        raise AmountRefused(f"{wei} wei is not a whole number of grains; use a multiple of {WEI_PER_GRAIN} wei")
    return wei // WEI_PER_GRAIN


def grains_to_net8(grains: int) -> Decimal:
    """`grains` in NET8, exact (seven decimals)."""
    return Decimal(grains).scaleb(-7)


def grains_to_eur(grains: int, eur_per_net8: Decimal = NOMINAL_EUR_PER_NET8) -> Decimal:
    """`grains` in euro at the nominal price, exact."""
    return grains_to_net8(grains) * eur_per_net8


def net8_per_kwh(price: int) -> Decimal:
    """A price in grains per Wh as NET8 per kWh, exact (four decimals)."""
    return Decimal(price).scaleb(-4)


def euros_per_kwh(price: int, eur_per_net8: Decimal = NOMINAL_EUR_PER_NET8) -> Decimal:
    """A price in grains per Wh as euro per kWh at the nominal price, exact."""
    return net8_per_kwh(price) * eur_per_net8


# --- showing ------------------------------------------------------------------------------------------------------


def _plain(number: Decimal) -> str:
    """Without exponent and without trailing zeros behind the point."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def format_net8(grains: int) -> str:
    """An amount exactly as it is: `12.5 NET8`."""
    return f"{_plain(grains_to_net8(grains))} NET8"


def format_eur(grains: int, eur_per_net8: Decimal = NOMINAL_EUR_PER_NET8) -> str:
    """An amount in euro, to the cent, for reading only: `37.50 EUR`."""
    cents = grains_to_eur(grains, eur_per_net8).quantize(Decimal("0.01"), ROUND_HALF_EVEN)
    return f"{cents:f} EUR"


def format_price_net8(price: int) -> str:
    """A price exactly as it is: `0.1 NET8/kWh`."""
    return f"{_plain(net8_per_kwh(price))} NET8/kWh"


def format_price_eur(price: int, eur_per_net8: Decimal = NOMINAL_EUR_PER_NET8) -> str:
    """A price in euro with four decimals, for reading only: `0.3000 EUR/kWh`."""
    return f"{euros_per_kwh(price, eur_per_net8).quantize(Decimal('0.0001'), ROUND_HALF_EVEN):f} EUR/kWh"


def format_energy(wh: int) -> str:
    """Energy exactly as it is, in the unit people would use: `350 Wh`, `5 kWh`, `1.25 kWh`."""
    if abs(wh) < 1000:
        return f"{wh} Wh"
    return f"{_plain(Decimal(wh).scaleb(-3))} kWh"


# --- reading what people write ------------------------------------------------------------------------------------


def _number(text: str, what: str, example: str) -> Decimal:
    stripped = text.strip()
    if len(stripped) > _LONGEST_NUMBER:
        raise AmountRefused(f"that is too long for {what}; write a number such as {example}")
    if "," in stripped:
        raise AmountRefused(f"'{stripped}' has a comma; write {what} with a point, such as {example}")
    if not _PLAIN_NUMBER.fullmatch(stripped):
        raise AmountRefused(f"'{stripped}' is not {what}; write a positive number such as {example}")
    return Decimal(stripped)


def _whole(number: Decimal, decimals: int, what: str) -> int:
    scaled = number.scaleb(decimals)
    whole = int(scaled)
    if whole != scaled:
        raise AmountRefused(f"{_plain(number)} has too many decimals for {what}; use at most {decimals}")
    if whole == 0:
        raise AmountRefused(f"{what} must be above zero")
    return whole


def parse_net8(text: str) -> int:
    """Grains for an amount of NET8 written by a person, such as `12.5`.

    Raises:
        AmountRefused: not a positive decimal number, or finer than a grain (seven decimals).
    """
    what = "an amount of NET8"
    return _whole(_number(text, what, "12.5"), 7, what)


def parse_energy_kwh(text: str) -> int:
    """Wh for an energy in kWh written by a person, such as `5` or `0.25`.

    Raises:
        AmountRefused: not a positive decimal number, or finer than a Wh (three decimals).
    """
    what = "an energy in kWh"
    return _whole(_number(text, what, "0.25"), 3, what)


def parse_price_net8(text: str) -> int:
    """Grains per Wh for a price in NET8 per kWh written by a person, such as `0.1`.

    Raises:
        AmountRefused: not a positive decimal number, or finer than a grain per Wh (four decimals).
    """
    what = "a price in NET8 per kWh"
    return _whole(_number(text, what, "0.1"), 4, what)


def parse_price_eur(text: str, eur_per_net8: Decimal = NOMINAL_EUR_PER_NET8) -> int:
    """Grains per Wh for a price in euro per kWh written by a person, such as `0.28`: the nearest whole one.

    Few euro prices are whole in grains, so show the result (`format_price_eur`) before it is signed.

    Raises:
        AmountRefused: not a positive decimal number, or below half a grain per Wh.
    """
    what = "a price in euro per kWh"
    price = (_number(text, what, "0.28") / eur_per_net8).scaleb(4).to_integral_value(ROUND_HALF_EVEN)
    if price == 0:
        raise AmountRefused(f"{what} must be above zero")
    return int(price)
