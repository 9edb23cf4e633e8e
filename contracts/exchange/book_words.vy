# pragma version 0.4.3
# pragma optimize gas
"""
@title Layout of the order book
@license AGPL-3.0-only
@notice How resting orders of a market (zone, slot) lie in storage words.
@dev Side of a market: slot tag 32 bits (224..255) | bitmap of the 224 price levels that have orders.
     Level: slot tag 24 (232) | base 16 (216) | head 16 (200) | tail 16 (184) | live 16 (168) | orders 0..3, 42 bits each;
     further orders lie six to a queue word.
     Order: site index 16 (bits 26..41) | low 5 bits of its owner's address (21..25) | Wh left 21 (0..20).
     Order number: zone << 49 | slot << 25 | sell << 24 | level << 16 | index, the index being base + place.
"""

RING: constant(uint256) = 4096  # slots: the ring of positions
LEVELS: constant(uint256) = 224
INLINE: constant(uint256) = 4  # orders inside the level's word
PER_WORD: constant(uint256) = 6  # orders in each further word
ORDER_BITS: constant(uint256) = 42
MASK_ORDER: constant(uint256) = 2**42 - 1
MASK_WH: constant(uint256) = 2**21 - 1
MASK_BITMAP: constant(uint256) = 2**224 - 1
MASK_SLOT: constant(uint256) = 2**24 - 1
MASK_16: constant(uint256) = 2**16 - 1
MASK_OWNER: constant(uint256) = 31
NOWHERE: constant(uint256) = max_value(uint256)
ONE_LIVE: constant(uint256) = 1 << 168
ONE_TAIL: constant(uint256) = 1 << 184


@internal
@pure
def _level_base(word: uint256) -> uint256:
    return (word >> 216) & MASK_16


@internal
@pure
def _level_head(word: uint256) -> uint256:
    return (word >> 200) & MASK_16


@internal
@pure
def _level_tail(word: uint256) -> uint256:
    return (word >> 184) & MASK_16


@internal
@pure
def _level_live(word: uint256) -> uint256:
    return (word >> 168) & MASK_16


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
    # An index below the base wraps to a place beyond every tail.
    place: uint256 = unsafe_sub(order & MASK_16, self._level_base(word))
    return NOWHERE if place < self._level_head(word) or place >= self._level_tail(word) else place


@internal
@pure
def _site_of(order: uint256, entry: uint256) -> uint256:
    return ((order >> 49) << 16) | (entry >> 26)


@internal
@pure
def _order_id(zone: uint256, slot: uint256, sell: bool, level: uint256, index: uint256) -> uint256:
    return (zone << 49) | (slot << 25) | (convert(sell, uint256) << 24) | (level << 16) | index


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
    return (level_key << 14) | unsafe_div(unsafe_sub(place, INLINE), PER_WORD)


@internal
@pure
def _queue_offset(place: uint256) -> uint256:
    return unsafe_mul(unsafe_sub(place, INLINE) % PER_WORD, ORDER_BITS)


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
