# pragma version 0.4.3
# pragma optimize gas
# pragma nonreentrancy on
"""
@title Trading between zones
@license AGPL-3.0-only
@notice A site takes from another zone's market, as far as the link between the two zones carries.
@dev Both grid operators set what their side of the link carries in a slot and what it costs; the smaller capacity
     holds, both fees are paid. Capacity is used by what really traded, in both directions together: energy that flows
     one way does not make room for the other, since nobody knows yet which of the two will be delivered.
     Word of an hour: hour 32 bits (224..255) | Wh used in its slot s, 56 bits at 56 * s. Words lie in a ring that is
     longer than trading reaches ahead.
"""

from . import market
from ..exchange import refusal

uses: market

RING: constant(uint256) = 1024  # hours; trading reaches 168 ahead
CELL_BITS: constant(uint256) = 56
MASK_CELL: constant(uint256) = 2**56 - 1


interface Grid:
    def link(zone: uint256, other: uint256) -> (uint256, uint256, uint256): view


event TradedAbroad:
    site: indexed(uint256)
    zone: indexed(uint256)
    slot: uint256
    sell: bool
    wh: uint256
    fee: uint256  # grains per Wh, both zones' together


GRID: immutable(Grid)
_used: HashMap[uint256, uint256]  # lower zone << 42 | higher zone << 10 | hour % RING -> word


@deploy
def __init__():
    GRID = Grid(staticcall market.EXCHANGE.grid())


@external
def take_abroad(
    site: uint256,
    zone: uint256,
    slot: uint256,
    sell: bool,
    price: uint256,
    wh: uint256,
    kind: uint256,
    max_fee: uint256,
) -> uint256:
    """
    @notice Takes from another zone's market for a site. Owner only.
    @param price Limit in grains per Wh, on that market's price grid; the transport fee comes on top.
    @param kind 1 immediate or cancel: as much as matches and the link still carries; 2 fill or kill: all or nothing.
    @param max_fee Dearest transport accepted, in grains per Wh, should an operator raise it just before.
    @return Wh that traded.
    """
    market._check_owner(site)
    capacity: uint256 = 0
    home_fee: uint256 = 0
    away_fee: uint256 = 0
    capacity, home_fee, away_fee = staticcall GRID.link(site >> 16, zone)
    if home_fee + away_fee > max_fee:
        refusal._because("link: fee too high")
    key: uint256 = self._key(site >> 16, zone, slot)
    offset: uint256 = unsafe_mul(slot & 3, CELL_BITS)
    word: uint256 = self._used[key]
    if word >> 224 != slot >> 2:
        word = (slot >> 2) << 224
    used: uint256 = (word >> offset) & MASK_CELL
    left: uint256 = capacity - used if capacity > used else 0
    if left == 0 or (wh > left and kind == market.FILL_OR_KILL):
        refusal._because("link: no capacity left")
    filled: uint256 = extcall market.EXCHANGE.take_abroad(
        site, zone, slot, sell, price, min(wh, left), kind, home_fee, away_fee
    )
    # Written after the trade, when its energy is known; nobody can come in between.
    self._used[key] = word + (filled << offset)
    log TradedAbroad(site=site, zone=zone, slot=slot, sell=sell, wh=filled, fee=home_fee + away_fee)
    return filled


@internal
@pure
def _key(zone: uint256, other: uint256, slot: uint256) -> uint256:
    return (min(zone, other) << 42) | (max(zone, other) << 10) | ((slot >> 2) & (RING - 1))


@external
@view
def link_used(zone: uint256, other: uint256, slot: uint256) -> uint256:
    """
    @notice Wh that two zones have traded with each other in a slot, both directions together.
    """
    word: uint256 = self._used[self._key(zone, other, slot)]
    return (word >> unsafe_mul(slot & 3, CELL_BITS)) & MASK_CELL if word >> 224 == slot >> 2 else 0
