# pragma version 0.4.3
# pragma optimize gas
# pragma nonreentrancy on
"""
@title Order book
@license AGPL-3.0-only
@notice Resting orders of every market (zone, slot), by price, then time; `book_words` says how they lie in storage.
@dev The bitmap is the truth: a level whose bit is clear has no orders whatever its word says. So a take or a cancel
     that empties a level writes nothing there, and the next order starts it afresh with numbers that were not used.
     Sides lie in a ring of 4096 slots. A side is reused only when it is empty; orders that were forgotten there are
     released on the way, as many as a transaction can carry, and by anyone since their gate.
"""

from . import book_words
from . import hour_terms
from . import margin
from . import refusal
from . import sites
from . import zones

uses: sites
uses: zones

MAX_SWEEP: constant(uint256) = 64  # orders released on the way when a side is reused: about 700,000 gas

# Why an order left the book.
CANCELLED: constant(uint256) = 0
RELEASED: constant(uint256) = 1
SELF_TRADE: constant(uint256) = 2
AT_BOUND: constant(uint256) = 3
EXPIRED: constant(uint256) = 4
REPLACED: constant(uint256) = 5


event OrderPlaced:
    site: indexed(uint256)
    order: uint256  # wh << 128 | order number


event OrderClosed:
    site: indexed(uint256)
    order: uint256  # reason << 160 | wh << 128 | order number


event OrderReduced:
    site: indexed(uint256)
    order: uint256  # Wh left << 128 | order number


side_word: public(HashMap[uint256, uint256])  # zone << 13 | slot % book_words.RING << 1 | sell -> slot tag and bitmap
level_word: public(HashMap[uint256, uint256])  # side key << 8 | level -> first five orders
queue_word: public(HashMap[uint256, uint256])  # level key << 9 | (place - 5) // 6 -> six orders
expiry_word: public(HashMap[uint256, uint256])  # level key << 8 | place // 8 -> eight times


@deploy
def __init__():
    pass


# ------------------------------------------------------------------
#                       cancel and release
# ------------------------------------------------------------------


@external
def cancel(order: uint256):
    """
    @notice Takes a resting order out of the book and returns its lock. Owner of its site, or the desk; at any time.
    """
    if not self._remove(order, False, CANCELLED):
        refusal._because("order: gone")


@external
def cancel_many(orders: DynArray[uint256, 96]):
    """
    @notice Does what `cancel` does for several orders; those that are gone already are passed over.
    """
    for order: uint256 in orders:
        self._remove(order, False, CANCELLED)


@external
def release(orders: DynArray[uint256, 64]):
    """
    @notice Takes orders that can no longer trade out of the book; each lock goes back to its site. Anyone.
    @dev Orders that are gone already are passed over, so that two callers do not spoil each other's batch.
    """
    for order: uint256 in orders:
        slot: uint256 = book_words._slot_of(order)
        rules: uint256 = zones.terms_word[((order >> 49) << 32) | (slot >> 2)]
        reason: uint256 = RELEASED
        if rules == 0 or not hour_terms._is_gated(rules, slot):
            if not self._has_expired(order):
                refusal._because("order: still open")
            reason = EXPIRED
        self._remove(order, True, reason)


@internal
def _remove(order: uint256, anyone: bool, reason: uint256) -> bool:
    """
    @notice Takes a resting order out of its queue and credits its lock to its site.
    @param anyone Whether the caller need not be allowed to trade for the site.
    @return False when there is no such order any more.
    """
    level_key: uint256 = book_words._level_key_of(order)
    side: uint256 = self.side_word[level_key >> 8]
    if side >> 224 != book_words._slot_of(order) or (side >> (level_key & 255)) & 1 == 0:
        return False
    word: uint256 = self.level_word[level_key]
    place: uint256 = book_words._place_of(word, order)
    if place == book_words.NOWHERE:
        return False
    queue_key: uint256 = 0
    queue: uint256 = word
    offset: uint256 = unsafe_mul(place, book_words.ORDER_BITS)
    if place >= book_words.INLINE:
        queue_key = book_words._queue_key(level_key, place)
        queue = self.queue_word[queue_key]
        offset = book_words._queue_offset(place)
    entry: uint256 = (queue >> offset) & book_words.MASK_ORDER
    if entry & book_words.MASK_WH == 0:
        return False
    if not anyone:
        sites._check_may_trade(convert(sites._owner(book_words._site_of(order, entry)), uint256))
    if book_words._level_live(word) == 1:
        self.side_word[level_key >> 8] = side ^ (1 << (level_key & 255))
    else:
        if place >= book_words.INLINE:
            self.queue_word[queue_key] = queue ^ (entry << offset)
        else:
            word ^= entry << offset
        self.level_word[level_key] = unsafe_sub(word, book_words.ONE_LIVE)
    self._close(order, entry, reason)
    return True


@internal
def _close(order: uint256, entry: uint256, reason: uint256):
    """
    @notice Returns the lock of an order that leaves the book unfilled.
    """
    wh: uint256 = entry & book_words.MASK_WH
    site: uint256 = book_words._site_of(order, entry)
    sites._credit(site, self._lock_of(order, wh))
    log OrderClosed(site=site, order=(reason << 160) | (wh << 128) | order)


@internal
@view
def _find(order: uint256) -> uint256:
    """
    @notice Entry of a resting order; 0 when it is gone.
    """
    level_key: uint256 = book_words._level_key_of(order)
    side: uint256 = self.side_word[level_key >> 8]
    if side >> 224 != book_words._slot_of(order) or (side >> (level_key & 255)) & 1 == 0:
        return 0
    word: uint256 = self.level_word[level_key]
    place: uint256 = book_words._place_of(word, order)
    if place == book_words.NOWHERE:
        return 0
    entry: uint256 = self._entry(level_key, word, place)
    return 0 if entry & book_words.MASK_WH == 0 else entry


@internal
@view
def _entry(level_key: uint256, word: uint256, place: uint256) -> uint256:
    if place < book_words.INLINE:
        return (word >> unsafe_mul(place, book_words.ORDER_BITS)) & book_words.MASK_ORDER
    return (
        self.queue_word[book_words._queue_key(level_key, place)] >> book_words._queue_offset(place)
    ) & book_words.MASK_ORDER


@internal
@view
def _lock_of(order: uint256, wh: uint256) -> uint256:
    """
    @notice Grains that `wh` of an order lock, by the terms of its hour.
    """
    rules: uint256 = zones.terms_word[((order >> 49) << 32) | ((order >> 27) & (2**22 - 1))]
    return margin._order_lock(
        (order >> 24) & 1 == 1,
        hour_terms._price(rules, (order >> 16) & 255),
        wh,
        hour_terms._imbalance(rules),
        hour_terms._grid_fee(rules),
    )


@internal
@view
def _has_expired(order: uint256) -> bool:
    """
    @notice Whether a resting order has a time of its own that has passed.
    """
    entry: uint256 = self._find(order)
    return entry & book_words.EXPIRES != 0 and self._expiry_of(order) <= block.timestamp


@internal
@view
def _expiry_of(order: uint256) -> uint256:
    """
    @notice Unix time at which a resting order expires, for one whose entry says that it does.
    """
    level_key: uint256 = book_words._level_key_of(order)
    place: uint256 = book_words._place_of(self.level_word[level_key], order)
    times: uint256 = self.expiry_word[book_words._expiry_key(level_key, place)]
    return (times >> book_words._expiry_offset(place)) & (2**32 - 1)


# ------------------------------------------------------------------
#                             resting
# ------------------------------------------------------------------


@internal
def _rest(
    site: uint256, owner: uint256, slot: uint256, side_key: uint256, level: uint256, wh: uint256, expiry: uint256
) -> uint256:
    """
    @notice Puts an order at the end of its level's queue.
    @dev Every order of a day passes here, so the level's word is read in place, as book_words lays it out.
    @param owner Its address as a number; the low bits are kept.
    @param expiry Unix time below 2**32, or 0.
    @return Order number.
    """
    side: uint256 = self.side_word[side_key]
    if side >> 224 != slot:
        if side & book_words.MASK_BITMAP != 0:
            self._sweep(side_key, side)
        side = slot << 224
    level_key: uint256 = (side_key << 8) | level
    word: uint256 = self.level_word[level_key]
    if (side >> level) & 1 == 0:
        word = book_words._restarted(word)
        self.side_word[side_key] = side | (1 << level)
    place: uint256 = (word >> book_words.TAIL_AT) & book_words.MASK_11
    if place == book_words.MAX_PLACES:
        refusal._because("order: level is full")
    entry: uint256 = ((site & book_words.MASK_SITE) << 26) | ((owner & book_words.MASK_OWNER) << 21) | wh
    if expiry != 0:
        entry |= book_words.EXPIRES
        time_key: uint256 = book_words._expiry_key(level_key, place)
        time_at: uint256 = book_words._expiry_offset(place)
        self.expiry_word[time_key] = (self.expiry_word[time_key] & ~((2**32 - 1) << time_at)) | (expiry << time_at)
    if place < book_words.INLINE:
        word |= entry << unsafe_mul(place, book_words.ORDER_BITS)
    else:
        key: uint256 = book_words._queue_key(level_key, place)
        offset: uint256 = book_words._queue_offset(place)
        if offset == 0:
            self.queue_word[key] = entry
        else:
            self.queue_word[key] |= entry << offset
    self.level_word[level_key] = unsafe_add(word, book_words.ONE_TAIL + book_words.ONE_LIVE)
    order: uint256 = (
        ((site >> 16) << 49)
        | (slot << 25)
        | ((level_key & 511) << 16)
        | (unsafe_add(word >> book_words.BASE_AT, place) & book_words.MASK_INDEX)
    )
    log OrderPlaced(site=site, order=(wh << 128) | order)
    return order


@internal
def _reduce(order: uint256, entry: uint256, wh: uint256):
    """
    @notice Makes a resting order smaller in its place.
    @param entry What `_find` returned for it.
    @param wh Wh that stay, fewer than it has and not zero.
    """
    level_key: uint256 = book_words._level_key_of(order)
    word: uint256 = self.level_word[level_key]
    place: uint256 = book_words._place_of(word, order)
    less: uint256 = unsafe_sub(entry & book_words.MASK_WH, wh)
    if place < book_words.INLINE:
        self.level_word[level_key] = unsafe_sub(word, less << unsafe_mul(place, book_words.ORDER_BITS))
    else:
        key: uint256 = book_words._queue_key(level_key, place)
        self.queue_word[key] = unsafe_sub(self.queue_word[key], less << book_words._queue_offset(place))
    site: uint256 = book_words._site_of(order, entry)
    sites._credit(site, self._lock_of(order, less))
    log OrderReduced(site=site, order=(wh << 128) | order)


@internal
def _sweep(side_key: uint256, side: uint256):
    """
    @notice Releases what was forgotten on a side before another slot uses it.
    """
    slot: uint256 = side >> 224
    left: uint256 = side & book_words.MASK_BITMAP
    visits: uint256 = 0
    for _: uint256 in range(book_words.LEVELS):
        if left == 0:
            break
        level: uint256 = book_words._lowest(left)
        left ^= 1 << level
        word: uint256 = self.level_word[(side_key << 8) | level]
        head: uint256 = book_words._level_head(word)
        tail: uint256 = book_words._level_tail(word)
        for place: uint256 in range(head, tail, bound=2048):
            visits = unsafe_add(visits, 1)
            if visits > MAX_SWEEP:
                refusal._because("book: release old orders")
            order: uint256 = book_words._order_id(
                side_key >> 13, slot, side_key & 1 == 1, level, unsafe_add(book_words._level_base(word), place)
            )
            entry: uint256 = self._entry((side_key << 8) | level, word, place)
            if entry & book_words.MASK_WH != 0:
                self._close(order, entry, RELEASED)
