# pragma version 0.4.3
# pragma optimize gas
# pragma nonreentrancy on
"""
@title Matching
@license AGPL-3.0-only
@notice Placing orders: price-time priority, partial fills, bounded work.
@dev A trade changes two positions and is final; nobody depends on the other side afterwards.
     Rules of a take, in the order in which they apply to each resting order it meets:
       same site or same owner   the resting order is cancelled and its lock returned (cancel the older);
       maker at his bound        the resting order is dropped and its lock returned, the taker goes on;
       otherwise                 it fills, at its own price.
     A take meets at most 64 orders, so its cost is bounded; what is left of an order that would still cross lapses.
"""

from . import agents
from . import book
from . import book_words
from . import margin
from . import position_words
from . import positions
from . import refusal
from . import sites
from . import hour_terms
from . import zones

uses: agents
uses: book
uses: positions
uses: sites
uses: zones

HORIZON: constant(uint256) = 672  # slots: one week ahead
MAX_VISITS: constant(uint256) = 64  # resting orders a take meets: about 700,000 gas
MAX_VALUE: constant(uint256) = 2**33 - 1  # grains: an order must fit a position

LIMIT: constant(uint256) = 0  # what does not match rests
IMMEDIATE_OR_CANCEL: constant(uint256) = 1  # what does not match lapses
FILL_OR_KILL: constant(uint256) = 2  # refused unless it matches in full
POST_ONLY: constant(uint256) = 3  # refused if it would match


event Trade:
    order: indexed(uint256)  # the resting order: its number says zone, slot, side and price level
    maker: uint256
    taker: uint256
    wh: uint256


event OrderLapsed:
    site: indexed(uint256)
    slot: uint256
    sell: bool
    price: uint256
    wh: uint256


struct Take:
    left: uint256  # Wh
    change: int256  # grains that the taker's margin grows by
    blocked: bool  # the bound on visits was reached with crossing orders left


@deploy
def __init__():
    pass


@external
def place(site: uint256, slot: uint256, sell: bool, price: uint256, wh: uint256, kind: uint256) -> (uint256, uint256):
    """
    @notice Places an order: what crosses trades at once, the rest waits in the book. Owner, or agent within its limits.
    @param slot Quarter hour of delivery: unix time // 900.
    @param price Limit in grains per Wh, on the zone's price grid.
    @param wh Energy, from the zone's minimum to 2**21 - 1.
    @param kind 0 limit, 1 immediate or cancel, 2 fill or kill, 3 post only.
    @return Number of the resting order (0 when nothing rests) and the Wh that traded.
    """
    owner: address = sites._owner(site)
    if msg.sender != owner:
        agents._charge(site, slot, sell, price, wh)
    order: uint256 = 0
    filled: uint256 = 0
    change: int256 = 0
    order, filled, change = self._execute(site, convert(owner, uint256), slot, sell, price, wh, kind)
    self._charge(site, change)
    return order, filled


@external
def place_many(site: uint256, orders: DynArray[uint256, 96]):
    """
    @notice Places up to a day of orders of one site; all of them or none.
    @param orders Each packed: wh (bits 0..23) | price (24..47) | kind (48..55) | sell (56..63) | slot (64..95).
    """
    owner: address = sites._owner(site)
    change: int256 = 0
    for packed: uint256 in orders:
        slot: uint256 = packed >> 64
        sell: bool = (packed >> 56) & 255 != 0
        price: uint256 = (packed >> 24) & (2**24 - 1)
        wh: uint256 = packed & (2**24 - 1)
        if msg.sender != owner:
            agents._charge(site, slot, sell, price, wh)
        order: uint256 = 0
        filled: uint256 = 0
        one_change: int256 = 0
        order, filled, one_change = self._execute(
            site, convert(owner, uint256), slot, sell, price, wh, (packed >> 48) & 255
        )
        change += one_change
    self._charge(site, change)


@internal
def _charge(site: uint256, change: int256):
    """
    @notice Moves what margins and locks grew or shrank by out of, or into, the free balance.
    """
    if change > 0:
        sites._debit(site, convert(change, uint256))
    elif change < 0:
        sites._credit(site, convert(-change, uint256))


@internal
def _execute(
    site: uint256, owner: uint256, slot: uint256, sell: bool, price: uint256, wh: uint256, kind: uint256
) -> (uint256, uint256, int256):
    """
    @return Resting order or 0, Wh traded, grains the site's margins and locks grew by.
    """
    if slot > unsafe_add(block.timestamp // 900, HORIZON):
        refusal._because("order: beyond the horizon")
    zone: uint256 = site >> 16
    rules: uint256 = zones._fixed_terms(zone, slot >> 2)
    if hour_terms._is_gated(rules, slot):
        refusal._because("order: gate closed")
    if kind > POST_ONLY:
        refusal._because("order: unknown kind")
    if wh < hour_terms._min_wh(rules):
        refusal._because("order: below minimum size")
    if wh > book_words.MASK_WH or unsafe_mul(wh, price) > MAX_VALUE:
        refusal._because("order: too large")
    level: uint256 = hour_terms._level(rules, price)
    crossing: uint256 = book._bitmap(zone, slot, not sell)
    if sell:
        crossing &= max_value(uint256) << level
    else:
        crossing &= ~(max_value(uint256) << unsafe_add(level, 1))
    take: Take = Take(left=wh, change=0, blocked=False)
    if crossing != 0:
        if kind == POST_ONLY:
            refusal._because("order: would match")
        take = self._take(rules, site, owner, slot, sell, crossing, wh)
    order: uint256 = 0
    if take.left != 0:
        if kind == FILL_OR_KILL:
            refusal._because("order: cannot fill")
        if kind == IMMEDIATE_OR_CANCEL or take.blocked:
            log OrderLapsed(site=site, slot=slot, sell=sell, price=price, wh=take.left)
        else:
            order = book._rest(site, owner, slot, sell, level, take.left)
            lock: uint256 = self._lock(rules, sell, price, take.left)
            take.change = unsafe_add(take.change, convert(lock, int256))
    return order, unsafe_sub(wh, take.left), take.change


@internal
def _take(
    rules: uint256, site: uint256, owner: uint256, slot: uint256, sell: bool, crossing: uint256, wh: uint256
) -> Take:
    """
    @notice Matches against the other side, best price first, and books the taker's position.
    @param crossing Levels of the other side that the limit reaches; not zero.
    """
    side_key: uint256 = book_words._side_key(site >> 16, slot, not sell)
    reach: uint256 = crossing
    left: uint256 = wh
    value: uint256 = 0
    visits: uint256 = 0
    for _: uint256 in range(book_words.LEVELS):
        level: uint256 = book_words._best(reach, not sell)
        level_left: uint256 = 0
        emptied: bool = False
        level_left, visits, emptied = self._take_level(rules, site, owner, slot, sell, level, left, visits)
        value = unsafe_add(value, unsafe_mul(unsafe_sub(left, level_left), hour_terms._price(rules, level)))
        left = level_left
        if emptied:
            reach ^= 1 << level
        if left == 0 or reach == 0 or visits == MAX_VISITS:
            break
    if reach != crossing:
        book.side_word[side_key] ^= crossing ^ reach

    change: int256 = 0
    if left != wh:
        fits: bool = False
        fits, change = self._trade(rules, site, slot, sell, unsafe_sub(wh, left), value)
        if not fits:
            refusal._because("position: at its bound")
    return Take(left=left, change=change, blocked=reach != 0)


@internal
def _take_level(
    rules: uint256,
    site: uint256,
    owner: uint256,
    slot: uint256,
    sell: bool,
    level: uint256,
    wh: uint256,
    visits_before: uint256,
) -> (uint256, uint256, bool):
    """
    @notice Matches against one price level, oldest order first.
    @return Wh left, orders met so far, and whether the level is empty now (its word is then left as it was).
    """
    zone: uint256 = site >> 16
    hour: uint256 = slot >> 2
    cell_at: uint256 = position_words._offset(slot)
    price: uint256 = hour_terms._price(rules, level)
    level_key: uint256 = (book_words._side_key(zone, slot, not sell) << 8) | level
    word: uint256 = book.level_word[level_key]
    first_order: uint256 = book_words._order_id(zone, slot, not sell, level, book_words._level_base(word))
    place: uint256 = book_words._level_head(word)
    live: uint256 = book_words._level_live(word)
    left: uint256 = wh
    visits: uint256 = visits_before
    queue: uint256 = 0
    queue_key: uint256 = 0
    for _: uint256 in range(MAX_VISITS):
        if left == 0 or visits == MAX_VISITS:
            break
        visits = unsafe_add(visits, 1)
        offset: uint256 = 0
        entry: uint256 = 0
        if place < book_words.INLINE:
            offset = unsafe_mul(place, book_words.ORDER_BITS)
            entry = (word >> offset) & book_words.MASK_ORDER
        else:
            offset = book_words._queue_offset(place)
            if queue_key == 0 or offset == 0:
                queue_key = book_words._queue_key(level_key, place)
                queue = book.queue_word[queue_key]
            entry = (queue >> offset) & book_words.MASK_ORDER
        resting: uint256 = entry & book_words.MASK_WH
        if resting != 0:
            order: uint256 = unsafe_add(first_order, place)
            maker: uint256 = (zone << 16) | (entry >> 26)
            # Five bits of the owner's address tell most strangers apart without reading the maker's account.
            own: bool = (entry >> 21) & book_words.MASK_OWNER == owner & book_words.MASK_OWNER
            if own:
                own = convert(sites._owner(maker), uint256) == owner
            if own:
                book._close(order, entry, book.SELF_TRADE)
            else:
                filled: uint256 = min(resting, left)
                if not self._fill(rules, maker, hour, cell_at, slot, not sell, filled, price):
                    book._close(order, entry, book.AT_BOUND)
                else:
                    log Trade(order=order, maker=maker, taker=site, wh=filled)
                    left = unsafe_sub(left, filled)
                    if filled != resting:
                        if place < book_words.INLINE:
                            word = unsafe_sub(word, filled << offset)
                        else:
                            book.queue_word[queue_key] = unsafe_sub(queue, filled << offset)
                        break
            live = unsafe_sub(live, 1)
            if live == 0:
                return left, visits, True
        place = unsafe_add(place, 1)
    book.level_word[level_key] = (
        (word & ~((book_words.MASK_16 << 200) | (book_words.MASK_16 << 168))) | (place << 200) | (live << 168)
    )
    return left, visits, False


@internal
def _fill(
    rules: uint256,
    maker: uint256,
    hour: uint256,
    cell_at: uint256,
    slot: uint256,
    sell: bool,
    wh: uint256,
    price: uint256,
) -> bool:
    """
    @notice Adds a fill of a resting order to its maker's position.
    @return False, and nothing changed, if the position would leave its bounds.
    """
    word: uint256 = positions._word(maker, hour)
    paid: uint256 = unsafe_mul(wh, price)
    if (word >> cell_at) & position_words.MASK_CELL == 0:
        # The first trade of a slot fits, as its order did, and the order's lock is exactly its margin.
        positions._store(maker, hour, word | (position_words._first_cell(sell, wh, paid) << cell_at))
        return True
    fits: bool = False
    change: int256 = 0
    fits, change = self._trade(rules, maker, slot, sell, wh, paid)
    if fits:
        # The order's lock covers its fill; what netting against the maker's position frees goes back.
        freed: int256 = unsafe_sub(convert(self._lock(rules, sell, price, wh), int256), change)
        if freed != 0:
            sites._credit(maker, convert(freed, uint256))
    return fits


@internal
def _trade(rules: uint256, site: uint256, slot: uint256, sell: bool, wh: uint256, paid: uint256) -> (bool, int256):
    """
    @notice Adds a trade to a site's position.
    @return False, and nothing changed, if the position would leave its bounds; and the grains its margin grew by.
    """
    hour: uint256 = slot >> 2
    offset: uint256 = position_words._offset(slot)
    word: uint256 = positions._word(site, hour)
    cell: uint256 = (word >> offset) & position_words.MASK_CELL
    imbalance: uint256 = hour_terms._imbalance(rules)
    grid_fee: uint256 = hour_terms._grid_fee(rules)
    net_wh: int256 = convert(wh, int256)
    net_value: int256 = convert(paid, int256)
    if not sell:
        net_wh = unsafe_sub(0, net_wh)
        net_value = unsafe_sub(0, net_value)
    margin_before: uint256 = 0
    if cell != 0:
        old_wh: int256 = position_words._net_wh(cell)
        old_value: int256 = position_words._net_value(cell)
        margin_before = margin._required(old_wh, old_value, imbalance, grid_fee)
        net_wh = unsafe_add(net_wh, old_wh)
        net_value = unsafe_add(net_value, old_value)
    if not position_words._fits(net_wh, net_value):
        return False, 0
    positions._store(site, hour, word ^ ((cell ^ position_words._open_cell(net_wh, net_value)) << offset))
    margin_after: uint256 = margin._required(net_wh, net_value, imbalance, grid_fee)
    return True, unsafe_sub(convert(margin_after, int256), convert(margin_before, int256))


@internal
@pure
def _lock(rules: uint256, sell: bool, price: uint256, wh: uint256) -> uint256:
    return margin._order_lock(sell, price, wh, hour_terms._imbalance(rules), hour_terms._grid_fee(rules))
