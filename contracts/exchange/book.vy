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
REDUCED: constant(uint256) = 5  # in part


# One word each, without topics: an order is placed 96 times a day.
# Order number 96 (bits 0..95) | Wh 24 (96..119) | site index 16 (120..135) | reason 8 (136..143).
event OrderPlaced:
    order: uint256


event OrderReduced:
    order: uint256  # with the Wh that are left


event OrderClosed:
    order: uint256  # with the Wh that were left, and why


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
    if not self._take_out(order, 0, CANCELLED):
        refusal._because("order: gone")


@external
def cancel_many(orders: DynArray[uint256, 96]):
    """
    @notice Does what `cancel` does for several orders; those that are gone already are passed over.
    """
    for order: uint256 in orders:
        self._take_out(order, 0, CANCELLED)


@external
def reduce(order: uint256, wh: uint256):
    """
    @notice Makes a resting order smaller; it keeps its number and its place in the queue. Owner of its site, or the desk.
    @param wh Energy that stays: less than it has, and no less than the zone's minimum.
    """
    if wh < hour_terms._min_wh(self._rules_of(order)):
        refusal._because("order: below minimum size")
    if not self._take_out(order, wh, REDUCED):
        refusal._because("order: gone")


@external
def release(orders: DynArray[uint256, 64]):
    """
    @notice Takes orders that can no longer trade out of the book; each lock goes back to its site. Anyone.
    @dev Orders that are gone already are passed over, so that two callers do not spoil each other's batch.
    """
    for order: uint256 in orders:
        rules: uint256 = self._rules_of(order)
        is_gated: bool = rules != 0 and hour_terms._is_gated(rules, book_words._slot_of(order))
        self._take_out(order, 0, RELEASED if is_gated else EXPIRED)


@internal
def _take_out(order: uint256, keep: uint256, reason: uint256) -> bool:
    """
    @notice Takes a resting order, or part of it, out of its queue and credits its lock to its site.
    @param keep Wh that stay; 0 for none.
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
    wh: uint256 = entry & book_words.MASK_WH
    if wh == 0:
        return False
    if reason == EXPIRED:
        if not self._has_expired(entry, level_key, place):
            refusal._because("order: still open")
    elif reason != RELEASED:
        sites._check_may_trade(convert(sites._owner(book_words._site_of(order, entry)), uint256))
    if keep >= wh:
        refusal._because("order: not less")
    if keep == 0 and book_words._level_live(word) == 1:
        self.side_word[level_key >> 8] = side ^ (1 << (level_key & 255))
    else:
        # What stays keeps its site and marks; what goes leaves nothing.
        queue = unsafe_sub(queue, (unsafe_sub(wh, keep) if keep != 0 else entry) << offset)
        if place >= book_words.INLINE:
            self.queue_word[queue_key] = queue
        else:
            word = queue
        if keep == 0:
            word = unsafe_sub(word, book_words.ONE_LIVE)
        self.level_word[level_key] = word
    if keep != 0:
        log OrderReduced(order=order | (keep << 96) | ((entry >> 26) << 120))
        sites._credit(book_words._site_of(order, entry), self._lock_of(order, unsafe_sub(wh, keep)))
    else:
        self._close(order, entry, reason)
    return True


@internal
def _close(order: uint256, entry: uint256, reason: uint256):
    """
    @notice Returns the lock of an order that leaves the book unfilled.
    """
    wh: uint256 = entry & book_words.MASK_WH
    sites._credit(book_words._site_of(order, entry), self._lock_of(order, wh))
    log OrderClosed(order=order | (wh << 96) | ((entry >> 26) << 120) | (reason << 136))


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
    rules: uint256 = self._rules_of(order)
    return margin._order_lock(
        (order >> 24) & 1 == 1,
        hour_terms._price(rules, (order >> 16) & 255),
        wh,
        hour_terms._imbalance(rules),
        hour_terms._grid_fee(rules),
    )


@internal
@view
def _rules_of(order: uint256) -> uint256:
    """
    @notice Packed terms of an order's hour; 0 where none were ever fixed.
    """
    return zones.terms_word[((order >> 49) << 32) | ((order >> 27) & (2**22 - 1))]


@internal
@view
def _has_expired(entry: uint256, level_key: uint256, place: uint256) -> bool:
    """
    @notice Whether an order has a time of its own that has passed.
    """
    if entry & book_words.EXPIRES == 0:
        return False
    times: uint256 = self.expiry_word[book_words._expiry_key(level_key, place)]
    return (times >> book_words._expiry_offset(place)) & (2**32 - 1) <= block.timestamp


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
    place: uint256 = 0
    if (side >> level) & 1 == 0:
        # Starts afresh: no orders, and a base beyond the numbers that were used; what leaves the top is the modulus.
        used: uint256 = (word >> book_words.TAIL_AT) & book_words.MASK_11
        word = unsafe_add(word >> book_words.BASE_AT, used) << book_words.BASE_AT
        self.side_word[side_key] = side | (1 << level)
    else:
        place = (word >> book_words.TAIL_AT) & book_words.MASK_11
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
    log OrderPlaced(order=order | (wh << 96) | ((site & book_words.MASK_SITE) << 120))
    return order


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
