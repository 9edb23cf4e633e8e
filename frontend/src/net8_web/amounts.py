"""Numbers that people type, read into the exchange's whole numbers or refused in one sentence."""

import re
from collections.abc import Callable
from decimal import Decimal

from net8.signing import SignatureRefused, checksum_address
from net8.units import AmountRefused, parse_energy_kwh, parse_net8, parse_price_eur, parse_price_net8

from net8_web.i18n import t

__all__ = ["Unusable", "address", "energy", "euros", "money", "price_euro", "price_net8", "whole"]

_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?")
_ARABIC_DIGITS = str.maketrans("٠١٢٣٤٥٦٧٨٩\u066b", "0123456789.")


class Unusable(ValueError):
    """What was typed cannot be used. The message is one sentence in the session's language."""


def _read(text: str, parse: Callable[[str], int], decimals: int, example: str, zero: bool = False) -> int:
    typed = text.strip().translate(_ARABIC_DIGITS)
    if "," in typed:
        raise Unusable(t("amount.comma", example=example))
    if not _NUMBER.fullmatch(typed) or len(typed) > 30:
        raise Unusable(t("amount.not_number", text=text.strip()[:30], example=example))
    if Decimal(typed) == 0:
        if zero:
            return 0
        raise Unusable(t("amount.zero"))
    try:
        return parse(typed)
    except AmountRefused:
        raise Unusable(t("amount.too_fine", decimals=decimals)) from None


def money(text: str, *, zero: bool = False) -> int:
    """Grains for an amount of NET8; `zero` tells whether that may be none."""
    return _read(text, parse_net8, 7, "12.5", zero)


def euros(text: str, decimals: int) -> int:
    """Smallest units of a euro token with so many decimals."""

    def whole(typed: str) -> int:
        units = Decimal(typed).scaleb(decimals)
        if units != int(units):
            raise AmountRefused(f"{typed} is finer than {decimals} decimals")
        return int(units)

    return _read(text, whole, decimals, "12.5")


def energy(text: str, *, zero: bool = False) -> int:
    """Wh for an energy in kWh; `zero` tells whether that may be none."""
    return _read(text, parse_energy_kwh, 3, "5", zero)


def price_net8(text: str, *, zero: bool = False) -> int:
    """Grains per Wh for a price in NET8 per kWh; `zero` tells whether it may be free."""
    return _read(text, parse_price_net8, 4, "0.1", zero)


def whole(text: str, *, zero: bool = False) -> int:
    """A whole number of something that is counted."""

    def count(typed: str) -> int:
        if not typed.isdecimal():
            raise AmountRefused(f"{typed} is not whole")
        return int(typed)

    return _read(text, count, 0, "3", zero)


def address(text: str) -> str:
    """An account's address, in the spelling that carries its checksum."""
    try:
        return checksum_address(text.strip())
    except SignatureRefused:
        raise Unusable(t("amount.no_address", text=text.strip()[:50])) from None


def price_euro(text: str) -> int:
    """Grains per Wh, the nearest whole one, for a price in euro per kWh."""
    return _read(text, parse_price_eur, 4, "0.30")
