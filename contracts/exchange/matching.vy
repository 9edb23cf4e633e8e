# pragma version 0.4.3
# pragma optimize gas
# pragma nonreentrancy on
"""
@title Matching
@license AGPL-3.0-only
@notice Placing orders: price-time priority, partial fills, bounded work.
@dev A trade changes two positions and is final; nobody depends on the other side afterwards.
     Rules of a take, in the order in which they apply to each resting order it meets:
       expired                   the resting order is dropped and its lock returned, the taker goes on;
       same site or same owner   the same (cancel the older);
       maker at his bound        the same;
       otherwise                 it fills, at its own price.
     A take meets at most 64 orders, so its cost is bounded; what is left of an order that would still cross lapses.
"""

from . import book
from . import book_words
from . import hour_terms
from . import margin
from . import position_words
from . import positions
from . import refusal
from . import roles
from . import sites
from . import zones

uses: book
uses: positions
uses: roles
uses: sites
uses: zones

HORIZON: constant(uint256) = 672  # slots: one week ahead
MAX_VISITS: constant(uint256) = 64  # resting orders a take meets: about 500,000 gas

LIMIT: constant(uint256) = 0  # what does not match rests
IMMEDIATE_OR_CANCEL: constant(uint256) = 1  # what does not match lapses
FILL_OR_KILL: constant(uint256) = 2  # refused unless it matches in full
POST_ONLY: constant(uint256) = 3  # refused if it would match


event Trade:
    # The resting order 96 (bits 0..95): its number says zone, slot, side and price level | Wh 24 (96..119)
    # | maker's site index 16 (120..135) | taker's site 48 (136..183)
    fill: uint256


event OrderLapsed:
    site: indexed(uint256)
    slot: uint256
    sell: bool
    price: uint256
    wh: uint256
    at_bound: bool  # the take met as many orders as one call may, and more would match


@deploy
def __init__():
    pass


# ------------------------------------------------------------------
#                             placing
# ------------------------------------------------------------------


@external
def place(
    site: uint256, slot: uint256, sell: bool, price: uint256, wh: uint256, kind: uint256, expiry: uint256
) -> (uint256, uint256):
    """
    @notice Places an order: what crosses trades at once, the rest waits in the book. Owner of the site, or the desk.
    @param slot Quarter hour of delivery: unix time // 900.
    @param price Limit in grains per Wh, on the zone's price grid.
    @param wh Energy, from the zone's minimum to 2**21 - 1.
    @param kind 0 limit, 1 immediate or cancel, 2 fill or kill, 3 post only.
    @param expiry Unix time from which a resting order trades no more; 0 for the gate of its slot.
    @return Number of the resting order (0 when nothing rests) and the Wh that traded.
    """
    roles._check_running()
    owner: uint256 = convert(sites._owner(site), uint256)
    sites._check_may_trade(owner)
    order: uint256 = 0
    left: uint256 = 0
    change: int256 = 0
    rules: uint256 = self._open_market(site >> 16, slot)
    order, left, change = self._execute(rules, site, owner, site >> 16, slot, sell, price, wh, kind, expiry)
    sites._settle_up(site, change)
    return order, unsafe_sub(wh, left)


@external
def place_many(site: uint256, orders: DynArray[uint256, 96]):
    """
    @notice Places up to a day of orders of one site; all of them or none.
    @param orders Each packed: wh 24 (from bit 0) | price 24 (24) | kind 8 (48) | sell 8 (56) | slot 32 (64) | expiry 40 (96).
    """
    roles._check_running()
    owner: uint256 = convert(sites._owner(site), uint256)
    sites._check_may_trade(owner)
    zone: uint256 = site >> 16
    change: int256 = 0
    rules: uint256 = 0
    first: uint256 = max_value(uint256)  # of the slots that share these terms and are open; none yet
    further: uint256 = 0  # how many of them follow it
    for packed: uint256 in orders:
        slot: uint256 = (packed >> 64) & (2**32 - 1)
        if unsafe_sub(slot, first) > further:
            rules = self._open_market(zone, slot)
            first = max(unsafe_add(hour_terms._gate(rules), 1), (slot >> 2) << 2)
            further = unsafe_sub(min(unsafe_add(unsafe_div(block.timestamp, 900), HORIZON), slot | 3), first)
        order: uint256 = 0
        left: uint256 = 0
        one_change: int256 = 0
        order, left, one_change = self._execute(
            rules,
            site,
            owner,
            zone,
            slot,
            packed & (255 << 56) != 0,
            (packed >> 24) & (2**24 - 1),
            packed & (2**24 - 1),
            (packed >> 48) & 255,
            packed >> 96,
        )
        change = unsafe_add(change, one_change)
    sites._settle_up(site, change)


@external
def take_abroad(
    site: uint256,
    zone: uint256,
    slot: uint256,
    sell: bool,
    price: uint256,
    wh: uint256,
    kind: uint256,
    home_fee: uint256,
    away_fee: uint256,
) -> uint256:
    """
    @notice Takes from another zone's market for a site. Desk only, which knows the capacity between the two zones.
    @dev The site settles under the terms of its own zone, so it may only trade where these make neither waste nor
         default pay: above its feed-in price and below its imbalance price. Better prices of the market are passed over.
    @param zone The market's zone; not the site's own.
    @param price Limit in grains per Wh, on that zone's price grid.
    @param kind 1 immediate or cancel, 2 fill or kill.
    @param home_fee Grains per Wh for carrying the energy, to the fees of the site's zone; below 2**16.
    @param away_fee The same to the fees of the market's zone.
    @return Wh that traded.
    """
    roles._check_desk()
    roles._check_running()
    home: uint256 = site >> 16
    if zone == home or (kind != IMMEDIATE_OR_CANCEL and kind != FILL_OR_KILL):
        refusal._because("order: not a take abroad")
    order: uint256 = 0
    left: uint256 = 0
    change: int256 = 0
    order, left, change = self._execute(
        self._open_market(zone, slot),
        site,
        convert(sites._owner(site), uint256),
        zone,
        slot,
        sell,
        price,
        wh,
        kind,
        0,
    )
    filled: uint256 = unsafe_sub(wh, left)
    zones._book(home, 0, filled * home_fee, 0)
    zones._book(zone, 0, filled * away_fee, 0)
    sites._settle_up(site, change + convert(filled * (home_fee + away_fee), int256))
    return filled


# ------------------------------------------------------------------
#                            execution
# ------------------------------------------------------------------


@internal
def _open_market(zone: uint256, slot: uint256) -> uint256:
    """
    @notice Packed terms of a slot in which orders may be placed now.
    """
    if slot > unsafe_add(unsafe_div(block.timestamp, 900), HORIZON):
        refusal._because("order: beyond the horizon")
    rules: uint256 = zones._fixed_terms(zone, slot >> 2)
    if hour_terms._is_gated(rules, slot):
        refusal._because("order: gate closed")
    return rules


@internal
def _execute(
    rules: uint256,
    site: uint256,
    owner: uint256,
    zone: uint256,
    slot: uint256,
    sell: bool,
    price: uint256,
    wh: uint256,
    kind: uint256,
    expiry: uint256,
) -> (uint256, uint256, int256):
    """
    @dev What every order of a day passes through: fields of `rules` are read in place, as hour_terms lays them out,
         because each internal call would cost the order 60 gas.
    @param rules Terms of the market, which is open.
    @param zone The market's; where it is not the site's own, `kind` is one that never rests.
    @return Resting order or 0, Wh that did not trade, grains the site's margins and locks grew by.
    """
    if kind | expiry != 0:
        self._check_kind(kind, expiry)
    if wh < (rules >> 96) & hour_terms.MASK_16:
        refusal._because("order: below minimum size")
    if (wh >> 21) | (unsafe_mul(wh, price) >> 33) != 0:  # the bits of energy and value that a position has
        refusal._because("order: too large")
    lowest: uint256 = (rules >> 64) & hour_terms.MASK_16
    step: uint256 = (rules >> 80) & hour_terms.MASK_16
    # A price below the lowest wraps to a level beyond every grid.
    level: uint256 = unsafe_div(unsafe_sub(price, lowest), step)
    if unsafe_add(lowest, unsafe_mul(level, step)) != price:
        level = book_words.LEVELS
    if level >= book_words.LEVELS:
        refusal._because("order: off the price grid")
    left: uint256 = wh
    change: int256 = 0
    blocked: bool = False
    sides: uint256 = (zone << 13) | ((slot & (book_words.RING - 1)) << 1)
    side_bit: uint256 = convert(sell, uint256)
    other: uint256 = book.side_word[sides | (side_bit ^ 1)]
    crossing: uint256 = other & book_words.MASK_BITMAP
    if crossing != 0 and other >> 224 == slot:
        taker_rules: uint256 = rules
        if sell:
            crossing &= max_value(uint256) << level
        else:
            crossing &= ~(max_value(uint256) << unsafe_add(level, 1))
        if zone != site >> 16:
            taker_rules = self._open_market(site >> 16, slot)
            crossing &= self._sound_abroad(rules, taker_rules, sell)
        if crossing != 0:
            if kind == POST_ONLY:
                refusal._because("order: would match")
            left, change, blocked = self._take(rules, taker_rules, site, owner, zone, slot, sell, crossing, wh)
    order: uint256 = 0
    if left != 0:
        rests: bool = not blocked
        if kind != LIMIT:
            if kind == FILL_OR_KILL:
                refusal._because("order: cannot fill")
            rests = rests and kind == POST_ONLY
        if rests:
            order = book._rest(site, owner, slot, sides | side_bit, level, left, expiry)
            lock: uint256 = 0
            if sell:
                lock = unsafe_mul(left, unsafe_sub((rules >> 16) & hour_terms.MASK_16, price))
            else:
                lock = unsafe_mul(left, unsafe_add((rules >> 32) & hour_terms.MASK_16, price))
            change = unsafe_add(change, convert(lock, int256))
        else:
            log OrderLapsed(site=site, slot=slot, sell=sell, price=price, wh=left, at_bound=blocked)
    return order, left, change


@internal
@view
def _check_kind(kind: uint256, expiry: uint256):
    if kind > POST_ONLY:
        refusal._because("order: unknown kind")
    if expiry != 0 and (expiry <= block.timestamp or expiry >= 2**32):
        refusal._because("order: bad expiry")


@internal
@pure
def _sound_abroad(rules: uint256, home_rules: uint256, sell: bool) -> uint256:
    """
    @notice Levels of a market at which a site of another zone may trade.
    @dev It settles under its own zone's terms: these must make neither waste nor default pay.
    """
    if sell:
        return hour_terms._levels_below(rules, hour_terms._imbalance(home_rules))
    return ~hour_terms._levels_below(rules, unsafe_add(hour_terms._feed_in(home_rules), 1))


@internal
def _take(
    rules: uint256,
    taker_rules: uint256,
    site: uint256,
    owner: uint256,
    zone: uint256,
    slot: uint256,
    sell: bool,
    crossing: uint256,
    wh: uint256,
) -> (uint256, int256, bool):
    """
    @notice Matches against the other side, best price first, and books the taker's position.
    @param rules Terms of the market.
    @param taker_rules Terms under which the taker settles.
    @param crossing Levels of the other side that may be taken; not zero.
    @return Wh left, grains that the taker's margin grows by, and whether the bound on visits was reached with
            crossing orders left.
    """
    reach: uint256 = crossing
    left: uint256 = wh
    value: uint256 = 0
    visits: uint256 = 0
    for _: uint256 in range(book_words.LEVELS):
        level: uint256 = book_words._best(reach, not sell)
        level_left: uint256 = 0
        emptied: bool = False
        level_left, visits, emptied = self._take_level(rules, site, owner, zone, slot, sell, level, left, visits)
        value = unsafe_add(value, unsafe_mul(unsafe_sub(left, level_left), hour_terms._price(rules, level)))
        left = level_left
        if emptied:
            reach ^= 1 << level
        if left == 0 or reach == 0 or visits == MAX_VISITS:
            break
    if reach != crossing:
        book.side_word[book_words._side_key(zone, slot, not sell)] ^= crossing ^ reach

    change: int256 = 0
    if left != wh:
        fits: bool = False
        fits, change = positions._trade(taker_rules, site, slot, sell, unsafe_sub(wh, left), value)
        if not fits:
            refusal._because("position: at its bound")
    return left, change, reach != 0


@internal
def _take_level(
    rules: uint256,
    site: uint256,
    owner: uint256,
    zone: uint256,
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
    hour: uint256 = slot >> 2
    ring_hour: uint256 = hour & (position_words.RING - 1)
    cell_at: uint256 = position_words._offset(slot)
    price: uint256 = hour_terms._price(rules, level)
    level_key: uint256 = (book_words._side_key(zone, slot, not sell) << 8) | level
    word: uint256 = book.level_word[level_key]
    first: uint256 = book_words._level_base(word)
    level_orders: uint256 = book_words._order_id(zone, slot, not sell, level, 0)
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
            order: uint256 = level_orders | (unsafe_add(first, place) & book_words.MASK_INDEX)
            maker: uint256 = (zone << 16) | (entry >> 26)
            refused: uint256 = 0
            # Four bits of the owner's address tell most strangers apart without reading the maker's account.
            marks: uint256 = (entry >> 21) & 31
            if marks == owner & book_words.MASK_OWNER or marks > book_words.MASK_OWNER:
                refused = self._refused(entry, level_key, place, maker, owner)
            filled: uint256 = min(resting, left)
            if refused == 0:
                # The first trade of a slot fits, as its order did, and the order's lock is exactly its margin.
                key: uint256 = (maker << 10) | ring_hour
                position: uint256 = positions.position_word[key]
                if position >> 232 != hour:
                    position = positions._turn(maker, hour, key, position)
                if (position >> cell_at) & position_words.MASK_CELL == 0:
                    positions.position_word[key] = (
                        position | (position_words._first_cell(not sell, filled, unsafe_mul(filled, price)) << cell_at)
                    )
                elif not self._fill(rules, maker, slot, not sell, filled, price):
                    refused = book.AT_BOUND
            if refused != 0:
                book._close(order, entry, refused)
            else:
                log Trade(fill=order | (filled << 96) | ((entry >> 26) << 120) | (site << 136))
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
        (word & ~((book_words.MASK_11 << book_words.HEAD_AT) | (book_words.MASK_11 << book_words.LIVE_AT)))
        | (place << book_words.HEAD_AT)
        | (live << book_words.LIVE_AT)
    )
    return left, visits, False


@internal
@view
def _refused(entry: uint256, level_key: uint256, place: uint256, maker: uint256, owner: uint256) -> uint256:
    """
    @notice Why a resting order may not trade with the taker; 0 when it may.
    """
    if convert(sites._owner(maker), uint256) == owner:
        return book.SELF_TRADE
    return book.EXPIRED if book._has_expired(entry, level_key, place) else 0


@internal
def _fill(rules: uint256, maker: uint256, slot: uint256, sell: bool, wh: uint256, price: uint256) -> bool:
    """
    @notice Adds a fill of a resting order to the position its maker has in the slot already.
    @return False, and nothing changed, if the position would leave its bounds.
    """
    fits: bool = False
    change: int256 = 0
    fits, change = positions._trade(rules, maker, slot, sell, wh, unsafe_mul(wh, price))
    if fits:
        # The order's lock covers its fill; what netting against the maker's position frees goes back.
        freed: int256 = unsafe_sub(convert(self._lock(rules, sell, price, wh), int256), change)
        if freed != 0:
            sites._credit(maker, convert(freed, uint256))
    return fits


@internal
@pure
def _lock(rules: uint256, sell: bool, price: uint256, wh: uint256) -> uint256:
    return margin._order_lock(sell, price, wh, hour_terms._imbalance(rules), hour_terms._grid_fee(rules))
