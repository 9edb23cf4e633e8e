# pragma version 0.4.3
# pragma optimize gas
"""
@title Layout of the order book
@license AGPL-3.0-only
@notice How resting orders of a market (zone, slot) lie in storage words.
@dev Side of a market: slot tag 32 bits (224..255) | bitmap of the 224 price levels that have orders.
     Level: base 13 (bits 243..255) | head 11 (232) | tail 11 (221) | live 11 (210) | orders 0..4, 42 bits each;
     further orders lie six to a queue word.
     Order: site index 16 (bits 26..41) | expires 1 (25) | low 4 bits of its owner's address (21..24) | Wh left 21 (0..20).
     Expiry: where an order's bit says so, unix time 32, eight places to a word.
     Order number: zone << 49 | slot << 25 | sell << 24 | level << 16 | index, the index being base + place modulo 2**13.
     A level that was emptied starts afresh, its base moved past every number that was used, so a number comes again
     only after 8,192 orders at one price of one slot, and never while the order that had it still rests.
"""

RING: constant(uint256) = 4096  # slots: the ring of positions
LEVELS: constant(uint256) = 224
INLINE: constant(uint256) = 5  # orders inside the level's word
PER_WORD: constant(uint256) = 6  # orders in each further word
MAX_PLACES: constant(uint256) = 2**11 - 1  # orders at one price before the level must empty once
ORDER_BITS: constant(uint256) = 42
MASK_ORDER: constant(uint256) = 2**42 - 1
MASK_INLINE: constant(uint256) = 2**210 - 1
MASK_WH: constant(uint256) = 2**21 - 1
MASK_BITMAP: constant(uint256) = 2**224 - 1
MASK_SLOT: constant(uint256) = 2**24 - 1
MASK_11: constant(uint256) = 2**11 - 1
MASK_INDEX: constant(uint256) = 2**13 - 1
MASK_SITE: constant(uint256) = 2**16 - 1
MASK_OWNER: constant(uint256) = 15
EXPIRES: constant(uint256) = 1 << 25
MASK_UNUSED: constant(uint256) = 7 << 13  # bits of an order number that are always clear
NOWHERE: constant(uint256) = max_value(uint256)
BASE_AT: constant(uint256) = 243
HEAD_AT: constant(uint256) = 232
TAIL_AT: constant(uint256) = 221
LIVE_AT: constant(uint256) = 210
ONE_LIVE: constant(uint256) = 1 << 210
ONE_TAIL: constant(uint256) = 1 << 221


@internal
@pure
def _level_base(word: uint256) -> uint256:
    return word >> BASE_AT


@internal
@pure
def _level_head(word: uint256) -> uint256:
    return (word >> HEAD_AT) & MASK_11


@internal
@pure
def _level_tail(word: uint256) -> uint256:
    return (word >> TAIL_AT) & MASK_11


@internal
@pure
def _level_live(word: uint256) -> uint256:
    return (word >> LIVE_AT) & MASK_11


@internal
@pure
def _slot_of(order: uint256) -> uint256:
    return (order >> 25) & MASK_SLOT


@internal
@pure
def _place_of(word: uint256, order: uint256) -> uint256:
    """
    @notice Place of an order in its level's queue; NOWHERE when the queue has moved past it or never reached it.
    """
    place: uint256 = unsafe_sub(order & MASK_INDEX, word >> BASE_AT) & MASK_INDEX
    if place < self._level_head(word) or place >= self._level_tail(word) or order & MASK_UNUSED != 0:
        return NOWHERE
    return place


@internal
@pure
def _site_of(order: uint256, entry: uint256) -> uint256:
    return ((order >> 49) << 16) | (entry >> 26)


@internal
@pure
def _order_id(zone: uint256, slot: uint256, sell: bool, level: uint256, index: uint256) -> uint256:
    return (zone << 49) | (slot << 25) | (convert(sell, uint256) << 24) | (level << 16) | (index & MASK_INDEX)


@internal
@pure
def _side_key(zone: uint256, slot: uint256, sell: bool) -> uint256:
    return (zone << 13) | ((slot & (RING - 1)) << 1) | convert(sell, uint256)


@internal
@pure
def _level_key_of(order: uint256) -> uint256:
    """
    @notice Level key of an order: its zone, its slot within the ring, its side and its level.
    """
    return ((order >> 49) << 21) | (((order >> 25) & (RING - 1)) << 9) | ((order >> 16) & 511)


@internal
@pure
def _queue_key(level_key: uint256, place: uint256) -> uint256:
    return (level_key << 9) | unsafe_div(unsafe_sub(place, INLINE), PER_WORD)


@internal
@pure
def _queue_offset(place: uint256) -> uint256:
    return unsafe_mul(unsafe_sub(place, INLINE) % PER_WORD, ORDER_BITS)


@internal
@pure
def _expiry_key(level_key: uint256, place: uint256) -> uint256:
    return (level_key << 8) | (place >> 3)


@internal
@pure
def _expiry_offset(place: uint256) -> uint256:
    return (place & 7) << 5


@internal
@pure
def _lowest(bitmap: uint256) -> uint256:
    """
    @notice Number of the lowest set bit of a non-zero word.
    """
    return self._highest(bitmap & unsafe_add(~bitmap, 1))


@internal
@pure
def _highest(bitmap: uint256) -> uint256:
    """
    @notice Number of the highest set bit of a non-zero word, by halving.
    """
    x: uint256 = bitmap
    bit: uint256 = 0
    if x >= 2**128:
        x >>= 128
        bit = 128
    if x >= 2**64:
        x >>= 64
        bit |= 64
    if x >= 2**32:
        x >>= 32
        bit |= 32
    if x >= 2**16:
        x >>= 16
        bit |= 16
    if x >= 2**8:
        x >>= 8
        bit |= 8
    if x >= 2**4:
        x >>= 4
        bit |= 4
    if x >= 2**2:
        x >>= 2
        bit |= 2
    if x >= 2:
        bit |= 1
    return bit


@internal
@pure
def _best(bitmap: uint256, sell: bool) -> uint256:
    """
    @notice Level that is taken first: the cheapest sale, the dearest bid.
    """
    return self._lowest(bitmap) if sell else self._highest(bitmap)
