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

from . import refusal
from . import sites

uses: sites


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


@external
def set_agent(site: uint256, agent: address, limits: Limits):
    """
    @notice Lets a key trade for a site within limits; replaces earlier limits of the same key. Owner only.
    """
    if msg.sender != sites._owner(site):
        refusal._because("site: not yours")
    if agent == empty(address):
        refusal._because("agent: no address")
    if limits.buy_max >= 2**16 or limits.sell_min >= 2**16:
        refusal._because("agent: price out of range")
    if limits.wh >= 2**40 or limits.value >= 2**64:
        refusal._because("agent: budget out of range")
    if limits.first_slot > limits.last_slot or limits.last_slot >= 2**32:
        refusal._because("agent: bad slots")
    if limits.expiry <= block.timestamp or limits.expiry >= 2**40:
        refusal._because("agent: bad expiry")
    self._limits[site][agent] = self._pack(limits)
    log AgentSet(site=site, agent=agent, limits=limits)


@external
def revoke_agent(site: uint256, agent: address):
    """
    @notice Ends an agent's rights at once. Owner only.
    """
    if msg.sender != sites._owner(site):
        refusal._because("site: not yours")
    if self._limits[site][agent] == 0:
        refusal._because("agent: unknown")
    self._limits[site][agent] = 0
    log AgentRevoked(site=site, agent=agent)


@external
@view
def agent_limits(site: uint256, agent: address) -> Limits:
    """
    @notice What an agent may still do; all zero for a key that is none.
    """
    return self._unpack(self._limits[site][agent])


@internal
@view
def _check_may_cancel(site: uint256):
    """
    @notice Owner, or an agent whose time is not over.
    """
    if msg.sender != sites._owner(site):
        limits: Limits = self._unpack(self._limits[site][msg.sender])
        if limits.expiry == 0:
            refusal._because("site: not yours")
        if block.timestamp >= limits.expiry:
            refusal._because("agent: expired")


@internal
def _charge(site: uint256, slot: uint256, sell: bool, price: uint256, wh: uint256):
    """
    @notice Checks an order of the calling agent and takes it from the budgets.
    """
    limits: Limits = self._unpack(self._limits[site][msg.sender])
    if limits.expiry == 0:
        refusal._because("site: not yours")
    if block.timestamp >= limits.expiry:
        refusal._because("agent: expired")
    if slot < limits.first_slot or slot > limits.last_slot:
        refusal._because("agent: slot not allowed")
    if sell:
        if price < limits.sell_min:
            refusal._because("agent: price too low")
    else:
        if price > limits.buy_max:
            refusal._because("agent: price too high")
    if wh > limits.wh:
        refusal._because("agent: energy used up")
    if wh * price > limits.value:
        refusal._because("agent: value used up")
    limits.wh -= wh
    limits.value -= wh * price
    self._limits[site][msg.sender] = self._pack(limits)


@internal
@pure
def _pack(limits: Limits) -> uint256:
    return (
        limits.buy_max
        | (limits.sell_min << 16)
        | (limits.wh << 32)
        | (limits.value << 72)
        | (limits.first_slot << 136)
        | (limits.last_slot << 168)
        | (limits.expiry << 200)
    )


@internal
@pure
def _unpack(word: uint256) -> Limits:
    return Limits(
        buy_max=word & (2**16 - 1),
        sell_min=(word >> 16) & (2**16 - 1),
        wh=(word >> 32) & (2**40 - 1),
        value=(word >> 72) & (2**64 - 1),
        first_slot=(word >> 136) & (2**32 - 1),
        last_slot=(word >> 168) & (2**32 - 1),
        expiry=word >> 200,
    )
