# pragma version 0.4.3
# pragma optimize gas
# pragma nonreentrancy on
"""
@title Agent keys
@license AGPL-3.0-only
@notice Keys that may trade for a site within limits its owner set: price bands, budgets, slots and an expiry.
@dev An agent places and cancels; it can never withdraw. Its budgets are consumed when it places an order and are not
     given back by a cancel, so that the limit holds whatever the agent does in between.
     Limits word: buy_max 16 | sell_min 16 | wh 40 | value 64 | first_slot 32 | last_slot 32 | expiry 40, from bit 0.
"""

from . import market
from . import resting
from ..exchange import refusal

uses: market
uses: resting

WH_AT: constant(uint256) = 32
VALUE_AT: constant(uint256) = 72
MASK_16: constant(uint256) = 2**16 - 1
MASK_24: constant(uint256) = 2**24 - 1
MASK_32: constant(uint256) = 2**32 - 1
MASK_40: constant(uint256) = 2**40 - 1
MASK_64: constant(uint256) = 2**64 - 1


struct Limits:
    buy_max: uint256  # grains per Wh: dearest purchase
    sell_min: uint256  # grains per Wh: cheapest sale
    wh: uint256  # energy left to order
    value: uint256  # grains left to order, at limit prices
    first_slot: uint256
    last_slot: uint256
    expiry: uint256  # unix time


event AgentSet:
    site: indexed(uint256)
    agent: indexed(address)
    limits: Limits


event AgentRevoked:
    site: indexed(uint256)
    agent: indexed(address)


_limits: HashMap[uint256, HashMap[address, uint256]]  # site -> agent -> limits word


@deploy
def __init__():
    pass


# ------------------------------------------------------------------
#                             owner
# ------------------------------------------------------------------


@external
def set_agent(site: uint256, agent: address, limits: Limits):
    """
    @notice Lets a key trade for a site within limits; replaces earlier limits of the same key. Owner only.
    """
    market._check_owner(site)
    if agent == empty(address):
        refusal._because("agent: no address")
    if limits.buy_max > MASK_16 or limits.sell_min > MASK_16:
        refusal._because("agent: price out of range")
    if limits.wh > MASK_40 or limits.value > MASK_64:
        refusal._because("agent: budget out of range")
    if limits.first_slot > limits.last_slot or limits.last_slot > MASK_32:
        refusal._because("agent: bad slots")
    if limits.expiry <= block.timestamp or limits.expiry > MASK_40:
        refusal._because("agent: bad expiry")
    self._limits[site][agent] = (
        limits.buy_max
        | (limits.sell_min << 16)
        | (limits.wh << WH_AT)
        | (limits.value << VALUE_AT)
        | (limits.first_slot << 136)
        | (limits.last_slot << 168)
        | (limits.expiry << 200)
    )
    log AgentSet(site=site, agent=agent, limits=limits)


@external
def revoke_agent(site: uint256, agent: address):
    """
    @notice Ends an agent's rights at once. Owner only.
    """
    market._check_owner(site)
    if self._limits[site][agent] == 0:
        refusal._because("agent: unknown")
    self._limits[site][agent] = 0
    log AgentRevoked(site=site, agent=agent)


# ------------------------------------------------------------------
#                             agent
# ------------------------------------------------------------------


@external
def place(
    site: uint256, slot: uint256, sell: bool, price: uint256, wh: uint256, kind: uint256, expiry: uint256
) -> (uint256, uint256):
    """
    @notice Places an order for a site, as the exchange's `place` does. Its agents only.
    @return Number of the resting order (0 when nothing rests) and the Wh that traded.
    """
    self._set(site, self._spend(self._rights(site), slot, sell, price, wh))
    return extcall market.EXCHANGE.place(site, slot, sell, price, wh, kind, expiry)


@external
def place_many(site: uint256, orders: DynArray[uint256, 96]):
    """
    @notice Places up to a day of orders of a site; all of them or none. Its agents only.
    @param orders Packed as the exchange's `place_many` takes them.
    """
    limits: uint256 = self._rights(site)
    for order: uint256 in orders:
        limits = self._spend(
            limits,
            (order >> 64) & MASK_32,
            (order >> 56) & 255 != 0,
            (order >> 24) & MASK_24,
            order & MASK_24,
        )
    self._set(site, limits)
    extcall market.EXCHANGE.place_many(site, orders)


@external
def cancel(order: uint256):
    """
    @notice Takes a resting order out of the book, whoever placed it for the site. Agents of its site only.
    """
    self._rights(self._site_of(order))
    extcall market.EXCHANGE.cancel(order)


@external
def cancel_many(site: uint256, orders: DynArray[uint256, 96]):
    """
    @notice Does the same for several orders of a site; those that are gone already are passed over.
    """
    self._rights(site)
    for order: uint256 in orders:
        found: uint256 = resting._site_of(order)
        if found != 0 and found != site:
            refusal._because("order: not of the site")
    extcall market.EXCHANGE.cancel_many(orders)


# ------------------------------------------------------------------
#                             rules
# ------------------------------------------------------------------


@internal
@view
def _site_of(order: uint256) -> uint256:
    site: uint256 = resting._site_of(order)
    if site == 0:
        refusal._because("order: gone")
    return site


@internal
@view
def _rights(site: uint256) -> uint256:
    """
    @notice Limits of the calling agent, whose time must not be over.
    """
    limits: uint256 = self._limits[site][msg.sender]
    if limits == 0:
        refusal._because("agent: unknown")
    if block.timestamp >= limits >> 200:
        refusal._because("agent: expired")
    return limits


@internal
@pure
def _spend(limits: uint256, slot: uint256, sell: bool, price: uint256, wh: uint256) -> uint256:
    """
    @notice Limits after an order, which must keep them.
    """
    if slot < (limits >> 136) & MASK_32 or slot > (limits >> 168) & MASK_32:
        refusal._because("agent: slot not allowed")
    if sell:
        if price < (limits >> 16) & MASK_16:
            refusal._because("agent: price too low")
    elif price > limits & MASK_16:
        refusal._because("agent: price too high")
    if wh > (limits >> WH_AT) & MASK_40:
        refusal._because("agent: energy used up")
    if wh * price > (limits >> VALUE_AT) & MASK_64:
        refusal._because("agent: value used up")
    return unsafe_sub(limits, (wh << WH_AT) | (unsafe_mul(wh, price) << VALUE_AT))


@internal
def _set(site: uint256, limits: uint256):
    """
    @notice Keeps the limits of the calling agent.
    """
    self._limits[site][msg.sender] = limits


@external
@view
def agent_limits(site: uint256, agent: address) -> Limits:
    """
    @notice What an agent may still do; all zero for a key that is none.
    """
    word: uint256 = self._limits[site][agent]
    return Limits(
        buy_max=word & MASK_16,
        sell_min=(word >> 16) & MASK_16,
        wh=(word >> WH_AT) & MASK_40,
        value=(word >> VALUE_AT) & MASK_64,
        first_slot=(word >> 136) & MASK_32,
        last_slot=(word >> 168) & MASK_32,
        expiry=word >> 200,
    )
