"""What a home's day costs: 96 orders placed or changed, settled 96 times, certificates of 24 hours."""

from collections.abc import Mapping

__all__ = ["day_gas", "day_lines"]

SLOTS = 96
GAS_PRICES = (0.002, 0.01, 0.05)  # gwei: what layer-2 chains ask on quiet, usual and busy days
EUROS_PER_COIN = 3_000  # assumed price of the coin that pays for gas


def day_gas(gas: Mapping[str, Mapping[str, int]]) -> dict[str, int]:
    """Gas of a home's day by part, in recycled storage, from the bench's figures."""
    return {
        "96 orders placed in one call": SLOTS * gas["place_many_96_per_order"]["recycled"],
        "96 slots settled, a report an hour, 100 homes": SLOTS * gas["settle_per_site_slot_100x4"]["recycled"],
        "certificates of 24 hours minted in one call": gas["certificate_day_24"]["recycled"],
    }


def day_lines(gas: Mapping[str, Mapping[str, int]]) -> list[str]:
    """The same as a table in Markdown, with the whole in cents."""
    parts = day_gas(gas)
    total = sum(parts.values())
    cents = [f"{total * price * 1e-9 * EUROS_PER_COIN * 100:.2f} cents at {price} gwei" for price in GAS_PRICES]
    return [
        "| a home's day | gas |",
        "|---|---|",
        *(f"| {part} | {used:,} |" for part, used in parts.items()),
        f"| **together** | **{total:,}** |",
        "",
        f"That is {', '.join(cents)} (with the coin at {EUROS_PER_COIN:,} euros).",
    ]
