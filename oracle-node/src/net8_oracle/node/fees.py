"""What a transaction offers per gas (EIP-1559), and what its replacement must."""

from typing import NamedTuple

__all__ = ["Fees", "bumped", "first"]

_TIP = 10**8  # wei per gas, enough on the chains named in the documentation
_STEP = 8  # a replacement offers an eighth more; chain nodes ask for a tenth


class Fees(NamedTuple):
    """Wei per gas."""

    most: int  # all in all; what the base fee leaves of it is not paid
    tip: int


def first(base_fee: int, cap: int) -> Fees:
    """For a first attempt: the base fee may double until it is mined."""
    return Fees(min(2 * base_fee + _TIP, cap), min(_TIP, cap))


def bumped(before: Fees, base_fee: int, cap: int) -> Fees | None:
    """For a replacement; None when it would have to offer more than `cap`."""
    tip = before.tip + before.tip // _STEP + 1
    least = before.most + before.most // _STEP + 1
    most = min(max(least, 2 * base_fee + tip), cap)
    return Fees(most, tip) if most >= max(least, tip) else None
