# pragma version 0.4.3
# pragma optimize gas
# pragma nonreentrancy on
"""
@title Resting orders
@license AGPL-3.0-only
@notice What is known of a resting order, read from the exchange's raw words.
@dev The exchange cancels any order at the desk's word, so the desk must know the order's site itself.
"""

from . import market
from ..exchange import book_words

uses: market


@internal
@view
def _find(order: uint256) -> uint256:
    """
    @notice Entry of a resting order; 0 when it is gone.
    """
    level_key: uint256 = book_words._level_key_of(order)
    side: uint256 = staticcall market.EXCHANGE.side_word(level_key >> 8)
    if side >> 224 != book_words._slot_of(order) or (side >> (level_key & 255)) & 1 == 0:
        return 0
    word: uint256 = staticcall market.EXCHANGE.level_word(level_key)
    place: uint256 = book_words._place_of(word, order)
    if place == book_words.NOWHERE:
        return 0
    entry: uint256 = self._entry(level_key, word, place)
    return 0 if entry & book_words.MASK_WH == 0 else entry


@internal
@view
def _site_of(order: uint256) -> uint256:
    """
    @notice Site of a resting order; 0 when it is gone.
    """
    entry: uint256 = self._find(order)
    return 0 if entry == 0 else book_words._site_of(order, entry)


@internal
@view
def _expiry_of(order: uint256, entry: uint256) -> uint256:
    """
    @notice Unix time from which a resting order trades no more; 0 for the gate of its slot.
    """
    if entry & book_words.EXPIRES == 0:
        return 0
    level_key: uint256 = book_words._level_key_of(order)
    place: uint256 = book_words._place_of(staticcall market.EXCHANGE.level_word(level_key), order)
    times: uint256 = staticcall market.EXCHANGE.expiry_word(book_words._expiry_key(level_key, place))
    return (times >> book_words._expiry_offset(place)) & (2**32 - 1)


@internal
@view
def _entry(level_key: uint256, word: uint256, place: uint256) -> uint256:
    """
    @notice What lies at a place of a level's queue; its energy is zero where there is no order any more.
    """
    if place < book_words.INLINE:
        return (word >> unsafe_mul(place, book_words.ORDER_BITS)) & book_words.MASK_ORDER
    queue: uint256 = staticcall market.EXCHANGE.queue_word(book_words._queue_key(level_key, place))
    return (queue >> book_words._queue_offset(place)) & book_words.MASK_ORDER
