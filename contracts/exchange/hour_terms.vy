# pragma version 0.4.3
# pragma optimize gas
"""
@title Terms of a market hour
@license AGPL-3.0-only
@notice The rules every order of an hour relies on: the tariff, the price grid, the gate and the minimum order.
@dev One storage word, so that an order reads all its rules at the price of one cold load:
       bits   0..15 feed-in price      16..31 imbalance price  32..47 grid fee   48..63 oracle fee
       bits  64..79 floor of the grid  80..95 step             96..111 minimum order (Wh)
       bits 112..119 gate lead (slots) 120 fixed               128..131 slots that have a report
     Prices and fees are grains per Wh.
"""

LEVELS: constant(uint256) = 224  # one side's bitmap beside its 32-bit slot tag fills one word
MAX_GATE_LEAD: constant(uint256) = 96  # slots: a gate more than a day ahead would leave nothing to trade on
FIXED: constant(uint256) = 1 << 120
REPORTED_SHIFT: constant(uint256) = 128
MASK_16: constant(uint256) = 2**16 - 1
MASK_8: constant(uint256) = 2**8 - 1


struct Terms:
    feed_in: uint256  # paid per Wh bought but not used, as far as the balancing pool has money
    imbalance: uint256  # charged per Wh sold but not delivered
    grid_fee: uint256  # charged per Wh bought
    oracle_fee: uint256  # the part of the grid fee that belongs to the oracle operators
    floor: uint256  # lowest price of the grid
    step: uint256  # distance of two prices
    gate_lead: uint256  # slots between the gate and the start of delivery
    min_wh: uint256  # smallest order that may be placed


struct Tariff:
    feed_in: uint256
    imbalance: uint256
    grid_fee: uint256


@internal
@pure
def _check(terms: Terms):
    """
    @notice Refuses terms under which defaulting, or buying to waste, could pay.
    """
    assert terms.floor > 0 and terms.step > 0, "terms: empty price grid"
    assert terms.floor <= MASK_16 and terms.step <= MASK_16, "terms: price too high"
    top: uint256 = terms.floor + (LEVELS - 1) * terms.step
    assert terms.imbalance <= MASK_16, "terms: price too high"
    assert terms.imbalance * 4 >= top * 5, "terms: imbalance price too low"
    assert terms.feed_in < terms.floor, "terms: feed-in too high"
    # A fee above the top of the grid would make energy cost more to carry than to buy.
    assert terms.grid_fee <= top, "terms: grid fee too high"
    assert terms.oracle_fee <= terms.grid_fee, "terms: oracle fee too high"
    assert terms.gate_lead <= MAX_GATE_LEAD, "terms: gate too early"
    assert terms.min_wh > 0 and terms.min_wh <= MASK_16, "terms: bad minimum order"


@internal
@pure
def _pack(terms: Terms) -> uint256:
    return (
        terms.feed_in
        | (terms.imbalance << 16)
        | (terms.grid_fee << 32)
        | (terms.oracle_fee << 48)
        | (terms.floor << 64)
        | (terms.step << 80)
        | (terms.min_wh << 96)
        | (terms.gate_lead << 112)
        | FIXED
    )


@internal
@pure
def _unpack(word: uint256) -> Terms:
    return Terms(
        feed_in=word & MASK_16,
        imbalance=(word >> 16) & MASK_16,
        grid_fee=(word >> 32) & MASK_16,
        oracle_fee=(word >> 48) & MASK_16,
        floor=(word >> 64) & MASK_16,
        step=(word >> 80) & MASK_16,
        gate_lead=(word >> 112) & MASK_8,
        min_wh=(word >> 96) & MASK_16,
    )


@internal
@pure
def _feed_in(word: uint256) -> uint256:
    return word & MASK_16


@internal
@pure
def _imbalance(word: uint256) -> uint256:
    return (word >> 16) & MASK_16


@internal
@pure
def _grid_fee(word: uint256) -> uint256:
    return (word >> 32) & MASK_16


@internal
@pure
def _oracle_fee(word: uint256) -> uint256:
    return (word >> 48) & MASK_16


@internal
@pure
def _price(word: uint256, level: uint256) -> uint256:
    """
    @notice Price of a level of the grid, in grains per Wh.
    """
    return unsafe_add((word >> 64) & MASK_16, unsafe_mul(level, (word >> 80) & MASK_16))


@internal
@pure
def _min_wh(word: uint256) -> uint256:
    return (word >> 96) & MASK_16


@internal
@pure
def _is_in_range(word: uint256, price: uint256) -> bool:
    """
    @notice Whether a price lies between the lowest and the highest of the grid.
    """
    lowest: uint256 = (word >> 64) & MASK_16
    return price >= lowest and unsafe_sub(price, lowest) <= unsafe_mul(LEVELS - 1, (word >> 80) & MASK_16)


@internal
@pure
def _levels_below(word: uint256, price: uint256) -> uint256:
    """
    @notice Bitmap of the levels whose price is below `price`.
    """
    lowest: uint256 = (word >> 64) & MASK_16
    if price <= lowest:
        return 0
    step: uint256 = (word >> 80) & MASK_16
    count: uint256 = unsafe_div(unsafe_add(unsafe_sub(price, lowest), unsafe_sub(step, 1)), step)
    return ~(max_value(uint256) << min(count, LEVELS))


@internal
@view
def _gate(word: uint256) -> uint256:
    """
    @notice The last slot whose gate has closed.
    """
    return unsafe_div(unsafe_add(block.timestamp, unsafe_mul((word >> 112) & MASK_8, 900)), 900)


@internal
@view
def _is_gated(word: uint256, slot: uint256) -> bool:
    """
    @notice Whether the gate of `slot` (below 2**32) has closed: nothing is placed or matched any more.
    """
    return slot <= self._gate(word)


@internal
@pure
def _is_reported(word: uint256, slot: uint256) -> bool:
    return (word >> unsafe_add(REPORTED_SHIFT, slot & 3)) & 1 == 1
