# pragma version 0.4.3
# pragma optimize gas
"""
@title ExchangeLens
@license AGPL-3.0-only
@notice Readable views of the exchange: terms, depth, orders, positions, margins. It holds nothing and decides nothing.
@dev The exchange gives out its storage words; what they mean is decoded here, by the same layout modules, so that the
     exchange keeps its code for trading. Nothing on chain may depend on these views: they are written for callers
     outside, who pay no gas.
"""

from .exchange import book_words
from .exchange import hour_terms
from .exchange import margin
from .exchange import position_words


interface Exchange:
    def side_word(key: uint256) -> uint256: view
    def level_word(key: uint256) -> uint256: view
    def queue_word(key: uint256) -> uint256: view
    def expiry_word(key: uint256) -> uint256: view
    def position_word(key: uint256) -> uint256: view
    def terms_word(key: uint256) -> uint256: view
    def free_balance(site: uint256) -> uint256: view
    def grid() -> address: view


interface Grid:
    def packed_terms(zone: uint256, hour: uint256) -> uint256: view
    def terms(zone: uint256, hour: uint256) -> (hour_terms.Terms, bool): view


struct Level:
    price: uint256  # grains per Wh
    wh: uint256
    orders: uint256


struct Order:
    id: uint256
    site: uint256
    sell: bool
    price: uint256  # grains per Wh
    wh: uint256  # Wh left
    expiry: uint256  # unix time from which it trades no more; 0 for the gate of its slot


struct Position:
    net_wh: int256  # Wh sold minus bought
    value: int256  # grains received minus paid
    margin: uint256  # grains held for it
    outcome: uint256  # 0 open, 1 metered, 2 no reading, 3 as traded
    exported: uint256  # Wh, once settled
    imported: uint256  # Wh, once settled; no more than was bought


HORIZON: constant(uint256) = 672  # slots: the exchange's
MAX_PLACES: constant(uint256) = 2**11  # of a level
MAX_LISTED: constant(uint256) = 512

EXCHANGE: immutable(Exchange)
GRID: immutable(Grid)


@deploy
def __init__(exchange: address):
    """
    @param exchange The EnergyExchange to read.
    """
    EXCHANGE = Exchange(exchange)
    GRID = Grid(staticcall Exchange(exchange).grid())


@external
@view
def exchange() -> address:
    """
    @notice The exchange that is read.
    """
    return EXCHANGE.address


# ------------------------------------------------------------------
#                              terms
# ------------------------------------------------------------------


@external
@view
def terms(zone: uint256, hour: uint256) -> (hour_terms.Terms, bool):
    """
    @notice Terms of an hour, and whether they are final.
    """
    return staticcall GRID.terms(zone, hour)


@external
@view
def is_tradable(zone: uint256, slot: uint256) -> bool:
    """
    @notice Whether orders may be placed in a slot now.
    """
    if slot > block.timestamp // 900 + HORIZON:
        return False
    rules: uint256 = self._rules(zone, slot)
    if rules == 0:
        rules = staticcall GRID.packed_terms(zone, slot // 4)
    return rules != 0 and not hour_terms._is_gated(rules, slot)


@external
@view
def is_reported(zone: uint256, slot: uint256) -> bool:
    """
    @notice Whether a report has settled anything in a slot of a zone.
    """
    return hour_terms._is_reported(self._rules(zone, slot), slot)


# ------------------------------------------------------------------
#                              orders
# ------------------------------------------------------------------


@external
@view
def order(order: uint256) -> Order:
    """
    @notice A resting order; all zero when it is gone.
    """
    return self._find(self._rules(order >> 49, book_words._slot_of(order)), order)


@external
@view
def order_lock(order: uint256) -> uint256:
    """
    @notice Grains a resting order locks; 0 when it is gone.
    """
    rules: uint256 = self._rules(order >> 49, book_words._slot_of(order))
    return self._lock(rules, self._find(rules, order))


@external
@view
def depth(zone: uint256, slot: uint256, sell: bool) -> DynArray[Level, 224]:
    """
    @notice Price levels of a side, best first, with what can still be taken there: without orders that have expired.
    """
    levels: DynArray[Level, 224] = []
    left: uint256 = self._bitmap(zone, slot, sell)
    rules: uint256 = self._rules(zone, slot)
    for _: uint256 in range(book_words.LEVELS):
        if left == 0:
            break
        level: uint256 = book_words._best(left, sell)
        left ^= 1 << level
        level_key: uint256 = (book_words._side_key(zone, slot, sell) << 8) | level
        word: uint256 = staticcall EXCHANGE.level_word(level_key)
        found: Level = Level(price=hour_terms._price(rules, level), wh=0, orders=0)
        for place: uint256 in range(book_words._level_head(word), book_words._level_tail(word), bound=MAX_PLACES):
            entry: uint256 = self._entry(level_key, word, place)
            expiry: uint256 = self._expiry(level_key, place, entry)
            if entry & book_words.MASK_WH != 0 and (expiry == 0 or expiry > block.timestamp):
                found.wh += entry & book_words.MASK_WH
                found.orders += 1
        if found.orders != 0:
            levels.append(found)
    return levels


@external
@view
def orders(zone: uint256, slot: uint256, sell: bool) -> DynArray[Order, 512]:
    """
    @notice Resting orders of a side in the order in which they would be taken; the first 512. One that has expired
            still holds its lock until it is met or released.
    """
    return self._list(zone, slot, sell, 0)


@external
@view
def orders_of(site: uint256, slot: uint256) -> DynArray[Order, 512]:
    """
    @notice Resting orders of a site in a slot, sales first; the first 512.
    """
    return self._orders_of(site, slot)


@internal
@view
def _orders_of(site: uint256, slot: uint256) -> DynArray[Order, 512]:
    found: DynArray[Order, 512] = self._list(site >> 16, slot, True, site & book_words.MASK_SITE)
    bids: DynArray[Order, 512] = self._list(site >> 16, slot, False, site & book_words.MASK_SITE)
    for bid: Order in bids:
        if len(found) == MAX_LISTED:
            break
        found.append(bid)
    return found


@internal
@view
def _list(zone: uint256, slot: uint256, sell: bool, site_index: uint256) -> DynArray[Order, 512]:
    """
    @notice Orders of a side, of one site or of all (0).
    """
    found: DynArray[Order, 512] = []
    left: uint256 = self._bitmap(zone, slot, sell)
    rules: uint256 = self._rules(zone, slot)
    for _: uint256 in range(book_words.LEVELS):
        if left == 0:
            break
        level: uint256 = book_words._best(left, sell)
        left ^= 1 << level
        level_key: uint256 = (book_words._side_key(zone, slot, sell) << 8) | level
        word: uint256 = staticcall EXCHANGE.level_word(level_key)
        base: uint256 = book_words._level_base(word)
        for place: uint256 in range(book_words._level_head(word), book_words._level_tail(word), bound=MAX_PLACES):
            entry: uint256 = self._entry(level_key, word, place)
            if entry & book_words.MASK_WH == 0 or (site_index != 0 and entry >> 26 != site_index):
                continue
            if len(found) == MAX_LISTED:
                return found
            id: uint256 = book_words._order_id(zone, slot, sell, level, base + place)
            found.append(self._describe(rules, id, entry, self._expiry(level_key, place, entry)))
    return found


@internal
@view
def _find(rules: uint256, order: uint256) -> Order:
    """
    @notice A resting order; all zero when it is gone.
    """
    level_key: uint256 = book_words._level_key_of(order)
    if self._bitmap(order >> 49, book_words._slot_of(order), (order >> 24) & 1 == 1) >> (level_key & 255) & 1 == 0:
        return empty(Order)
    word: uint256 = staticcall EXCHANGE.level_word(level_key)
    place: uint256 = book_words._place_of(word, order)
    if place == book_words.NOWHERE:
        return empty(Order)
    entry: uint256 = self._entry(level_key, word, place)
    if entry & book_words.MASK_WH == 0:
        return empty(Order)
    return self._describe(rules, order, entry, self._expiry(level_key, place, entry))


@internal
@view
def _entry(level_key: uint256, word: uint256, place: uint256) -> uint256:
    if place < book_words.INLINE:
        return (word >> (place * book_words.ORDER_BITS)) & book_words.MASK_ORDER
    queue: uint256 = staticcall EXCHANGE.queue_word(book_words._queue_key(level_key, place))
    return (queue >> book_words._queue_offset(place)) & book_words.MASK_ORDER


@internal
@view
def _expiry(level_key: uint256, place: uint256, entry: uint256) -> uint256:
    """
    @notice Unix time from which an order trades no more; 0 for one that has none of its own.
    """
    if entry & book_words.EXPIRES == 0:
        return 0
    times: uint256 = staticcall EXCHANGE.expiry_word(book_words._expiry_key(level_key, place))
    return (times >> book_words._expiry_offset(place)) & (2**32 - 1)


@internal
@view
def _bitmap(zone: uint256, slot: uint256, sell: bool) -> uint256:
    side: uint256 = staticcall EXCHANGE.side_word(book_words._side_key(zone, slot, sell))
    return side & book_words.MASK_BITMAP if side >> 224 == slot else 0


@internal
@pure
def _describe(rules: uint256, order: uint256, entry: uint256, expiry: uint256) -> Order:
    return Order(
        id=order,
        site=book_words._site_of(order, entry),
        sell=(order >> 24) & 1 == 1,
        price=hour_terms._price(rules, (order >> 16) & 255),
        wh=entry & book_words.MASK_WH,
        expiry=expiry,
    )


@internal
@pure
def _lock(rules: uint256, order: Order) -> uint256:
    return margin._order_lock(
        order.sell, order.price, order.wh, hour_terms._imbalance(rules), hour_terms._grid_fee(rules)
    )


@internal
@view
def _rules(zone: uint256, slot: uint256) -> uint256:
    """
    @notice Packed terms as the exchange keeps them; 0 before an hour's first use.
    """
    return staticcall EXCHANGE.terms_word((zone << 32) | (slot // 4))


# ------------------------------------------------------------------
#                             positions
# ------------------------------------------------------------------


@external
@view
def position(site: uint256, slot: uint256) -> Position:
    """
    @notice A site's position in a slot, or what became of it.
    """
    return self._position(site, slot)


@external
@view
def margin_held(site: uint256, slot: uint256) -> uint256:
    """
    @notice Grains held for a site's position and resting orders in a slot.
    """
    held: uint256 = self._position(site, slot).margin
    rules: uint256 = self._rules(site >> 16, slot)
    orders: DynArray[Order, 512] = self._orders_of(site, slot)
    for resting: Order in orders:
        held += self._lock(rules, resting)
    return held


@external
@view
def positions_of(first_site: uint256, count: uint256, hour: uint256) -> DynArray[uint256, 256]:
    """
    @notice Raw position words of consecutive sites for an hour, zero where the ring holds another hour; at most 256.
    """
    words: DynArray[uint256, 256] = []
    for i: uint256 in range(count, bound=256):
        word: uint256 = staticcall EXCHANGE.position_word(position_words._key(first_site + i, hour))
        words.append(word if word >> 232 == hour else 0)
    return words


@external
@view
def balances_of(first_site: uint256, count: uint256) -> DynArray[uint256, 256]:
    """
    @notice Free balances of consecutive sites, in grains; at most 256.
    """
    balances: DynArray[uint256, 256] = []
    for i: uint256 in range(count, bound=256):
        balances.append(staticcall EXCHANGE.free_balance(first_site + i))
    return balances


@internal
@view
def _position(site: uint256, slot: uint256) -> Position:
    hour: uint256 = slot // 4
    word: uint256 = staticcall EXCHANGE.position_word(position_words._key(site, hour))
    cell: uint256 = (word >> position_words._offset(slot)) & position_words.MASK_CELL
    if word >> 232 != hour or cell == 0:
        return empty(Position)
    if cell >= position_words.SETTLED:
        return Position(
            net_wh=0,
            value=0,
            margin=0,
            outcome=(cell >> 48) & 255,
            exported=cell & position_words.MASK_WH,
            imported=(cell >> 24) & position_words.MASK_WH,
        )
    rules: uint256 = self._rules(site >> 16, slot)
    net_wh: int256 = position_words._net_wh(cell)
    net_value: int256 = position_words._net_value(cell)
    return Position(
        net_wh=net_wh,
        value=net_value,
        margin=margin._required(net_wh, net_value, hour_terms._imbalance(rules), hour_terms._grid_fee(rules)),
        outcome=0,
        exported=0,
        imported=0,
    )
