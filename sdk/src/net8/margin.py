"""What the exchange holds against a position or an order, and what a settlement gives back.

For (n Wh sold minus bought, v grains received minus paid), imbalance price P and grid fee f the exchange holds

    L(n, v) = max(0, -v + f*max(-n, 0), n*P - v)

the largest sum its owner could owe. As a maximum of linear functions L(a+b) <= L(a) + L(b): what a resting order
locks, the margin of its full fill, always covers its fills.
"""

from dataclasses import dataclass

from net8.model import Tariff

__all__ = ["Settlement", "order_lock", "required", "settle"]


def required(net_wh: int, value: int, tariff: Tariff) -> int:
    """Margin of a position, in grains.

    Args:
        net_wh: Wh sold minus bought.
        value: grains received minus paid.
        tariff: of the slot's hour.
    """
    bought = max(-net_wh, 0)
    return max(0, bought * tariff.grid_fee - value, net_wh * tariff.imbalance - value)


def order_lock(sell: bool, price: int, wh: int, tariff: Tariff) -> int:
    """Grains a resting order holds: the margin of its full fill at its own price."""
    return required(wh, wh * price, tariff) if sell else required(-wh, -wh * price, tariff)


@dataclass(frozen=True, slots=True)
class Settlement:
    """How a position ends, in Wh and grains."""

    short: int  # Wh sold but not exported
    unused: int  # Wh bought but not imported
    payout: int  # returned to the site out of its own margin and value
    charge: int  # for `short`: goes to the balancing pool
    grid_fee: int  # on what was bought: goes to grid operator and oracles
    feed_in: int  # for `unused`: paid by the balancing pool as far as it has money


def settle(net_wh: int, value: int, exported: int, imported: int, tariff: Tariff) -> Settlement:
    """What a position returns when the meter showed `exported` and `imported` Wh.

    The payout is never negative: each deduction is bounded by the margin held for it.
    """
    sold, bought = max(net_wh, 0), max(-net_wh, 0)
    short = sold - min(exported, sold)
    unused = bought - min(imported, bought)
    charge = short * tariff.imbalance
    grid_fee = bought * tariff.grid_fee
    payout = required(net_wh, value, tariff) + value - charge - grid_fee
    return Settlement(short, unused, payout, charge, grid_fee, unused * tariff.feed_in)
