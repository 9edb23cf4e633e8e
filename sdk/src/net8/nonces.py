"""Nonces of signed orders: what their state says of an order, and which one the next order takes.

Every site has a ring: 128 consecutive nonces can be alive, and a nonce that is used or cancelled ends the one that lies
128 before it. So they are taken in sequence.
"""

from collections.abc import Callable, Collection, Sequence
from enum import StrEnum

from net8.offers import Offer, Strip

__all__ = ["RING", "Life", "left", "life", "next_nonce", "strip_left", "strip_life"]

RING = 128
_STRIP = 2**21  # states from here on are a strip's, or over
_OVER = 2**22 - 1
_LAST_ROUND = 2**20 - 1


class Life(StrEnum):
    """What has become of a signed order."""

    OPEN = "open"  # some of it may still trade
    FILLED = "filled"
    ENDED = "ended"  # cancelled, or its nonce used for something else
    EXPIRED = "expired"


def left(offer: Offer, state: int) -> int:
    """Wh of an order that have not traded. `state` is its nonce's, as `Desk.nonce_state` tells it."""
    return 0 if state >= _STRIP else max(0, offer.wh - state)


def strip_left(strip: Strip, state: int, traded: Sequence[int]) -> tuple[int, ...]:
    """Wh of each slot of a strip that have not traded.

    Args:
        strip: as signed.
        state: of its nonce, as `Desk.nonce_state` tells it.
        traded: Wh by slot, as `Desk.strip_traded` tells them.
    """
    if not _is_strips(state):
        return (0,) * len(strip.wh)
    return tuple(max(0, wh - gone) for wh, gone in zip(strip.wh, traded, strict=False))


def life(offer: Offer, state: int, now: int) -> Life:
    """What has become of an order.

    Args:
        offer: as signed.
        state: of its nonce, as `Desk.nonce_state` tells it.
        now: unix seconds of the chain.
    """
    if state >= _STRIP:
        return Life.ENDED
    return _life(left(offer, state), offer.expiry, now)


def strip_life(strip: Strip, state: int, traded: Sequence[int], now: int) -> Life:
    """What has become of a strip; the arguments of `strip_left`, and unix seconds of the chain."""
    if not _is_strips(state):
        return Life.ENDED
    return _life(sum(strip_left(strip, state, traded)), strip.expiry, now)


def _is_strips(state: int) -> bool:
    """Whether a strip may have a nonce: unused, or a strip has used it. Any strip of the nonce is meant by both."""
    return state == 0 or _STRIP <= state < _OVER


def _life(wh: int, expiry: int, now: int) -> Life:
    if wh == 0:
        return Life.FILLED
    return Life.EXPIRED if expiry <= now else Life.OPEN


def next_nonce(states: Callable[[Sequence[int]], Sequence[int]], signed: Collection[int] = ()) -> int:
    """The nonce behind all that were used or cancelled, and behind those that are known to be signed.

    The chain hears of a nonce only when it is used: who signs on several machines and tells this one nothing of the
    others may give a nonce twice. Then both orders share it: together they trade no more than the larger of them, and a
    cancel ends both.

    Args:
        states: `nonce_state` of a site's nonces, asked together; a few times 128 of them.
        signed: nonces that were signed and may not have been used.
    """

    def touched(round_: int) -> list[int]:
        nonces = range(RING * round_, RING * (round_ + 1))
        return [nonce for nonce, state in zip(nonces, states(nonces), strict=True) if state]

    # In a round that is touched all earlier ones are, so the last of them is found by doubling and halving.
    first_clean, step = 0, 1
    last_touched: list[int] = []
    while first_clean <= _LAST_ROUND and (found := touched(first_clean)):
        last_touched, first_clean, step = found, first_clean + step, 2 * step
    low, high = (last_touched[0] // RING if last_touched else 0), min(first_clean, _LAST_ROUND + 1)
    while high - low > 1:
        middle = (low + high) // 2
        if found := touched(middle):
            last_touched, low = found, middle
        else:
            high = middle
    behind_used = last_touched[-1] + 1 if last_touched else 0
    return max(behind_used, max(signed, default=-1) + 1)
