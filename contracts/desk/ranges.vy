# pragma version 0.4.3
# pragma optimize gas
# pragma nonreentrancy on
"""
@title Cancelling a range
@license AGPL-3.0-only
@notice Takes all resting orders of a site in a range of slots out of the book, in one call.
@dev The book knows no list of a site's orders, so they are looked for level by level, in bounded steps.
"""

from . import agents
from . import market
from ..exchange import book_words
from ..exchange import refusal

uses: agents
uses: market

MAX_FOUND: constant(uint256) = 96  # orders one call cancels: what the exchange's cancel_many takes
MAX_READ: constant(uint256) = 1500  # words of the book one call looks at: about 6 million gas


struct Search:
    found: DynArray[uint256, MAX_FOUND]  # order numbers
    read: uint256  # words of the book
    stopped: bool  # by one of the bounds


@deploy
def __init__():
    pass


@external
def cancel_range(site: uint256, first_slot: uint256, last_slot: uint256) -> (uint256, uint256):
    """
    @notice Cancels the resting orders of a site in the slots from the first to the last, both sides. Owner or agent.
    @return Orders cancelled, and the slot to go on from: after the last when all is done. When nothing was cancelled
            and that slot is still the first, the book there is too deep to search: cancel by number instead.
    """
    if msg.sender != staticcall market.EXCHANGE.owner_of(site):
        agents._rights(site)
    if first_slot > last_slot or last_slot >= 2**32:
        refusal._because("slots: bad range")
    search: Search = empty(Search)
    slot: uint256 = first_slot
    for _: uint256 in range(MAX_READ):
        if slot > last_slot or search.read >= MAX_READ:
            break
        search = self._side(search, site, slot, True)
        search = self._side(search, site, slot, False)
        if search.stopped:
            break
        slot = unsafe_add(slot, 1)
    if len(search.found) != 0:
        extcall market.EXCHANGE.cancel_many(search.found)
    return len(search.found), slot


@internal
@view
def _side(before: Search, site: uint256, slot: uint256, sell: bool) -> Search:
    """
    @notice Looks through one side of a market.
    """
    search: Search = before
    side_key: uint256 = book_words._side_key(site >> 16, slot, sell)
    side: uint256 = staticcall market.EXCHANGE.side_word(side_key)
    search.read += 1
    levels: uint256 = side & book_words.MASK_BITMAP if side >> 224 == slot else 0
    for _: uint256 in range(book_words.LEVELS):
        if levels == 0:
            break
        if search.stopped or search.read >= MAX_READ:
            search.stopped = True
            break
        level: uint256 = book_words._lowest(levels)
        levels ^= 1 << level
        search = self._level(search, site, (side_key << 8) | level, slot)
    return search


@internal
@view
def _level(before: Search, site: uint256, level_key: uint256, slot: uint256) -> Search:
    """
    @notice Looks through the orders at one price.
    """
    search: Search = before
    word: uint256 = staticcall market.EXCHANGE.level_word(level_key)
    queue: uint256 = 0
    search.read += 1
    head: uint256 = book_words._level_head(word)
    tail: uint256 = book_words._level_tail(word)
    for place: uint256 in range(head, tail, bound=2048):
        offset: uint256 = unsafe_mul(place, book_words.ORDER_BITS)
        if place < book_words.INLINE:
            queue = word
        else:
            offset = book_words._queue_offset(place)
            if offset == 0 or place == head:
                queue = staticcall market.EXCHANGE.queue_word(book_words._queue_key(level_key, place))
                search.read += 1
        entry: uint256 = (queue >> offset) & book_words.MASK_ORDER
        if entry & book_words.MASK_WH != 0 and entry >> 26 == site & book_words.MASK_SITE:
            if len(search.found) == MAX_FOUND:
                search.stopped = True
                break
            search.found.append(
                book_words._order_id(
                    site >> 16,
                    slot,
                    (level_key >> 8) & 1 == 1,
                    level_key & 255,
                    unsafe_add(book_words._level_base(word), place),
                )
            )
    return search
