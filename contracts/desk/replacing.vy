# pragma version 0.4.3
# pragma optimize gas
# pragma nonreentrancy on
"""
@title Replacing orders
@license AGPL-3.0-only
@notice Changes the price or the energy of a resting order in one call.
"""

from . import agents
from . import market
from . import resting
from ..exchange import book_words
from ..exchange import hour_terms
from ..exchange import refusal

uses: agents
uses: market
uses: resting


@deploy
def __init__():
    pass


@external
def replace(order: uint256, price: uint256, wh: uint256) -> (uint256, uint256):
    """
    @notice Less energy at the same price keeps the order's number and its place in the queue; anything else cancels it
            and places a limit order anew, with the expiry it had. Owner of its site, or an agent, for whom a new order
            counts as such and a smaller one costs nothing.
    @param wh Energy that the order shall have from now on.
    @return Number of the order that rests now (0 when nothing rests) and the Wh that traded.
    """
    entry: uint256 = resting._find(order)
    if entry == 0:
        refusal._because("order: gone")
    site: uint256 = book_words._site_of(order, entry)
    slot: uint256 = book_words._slot_of(order)
    sell: bool = (order >> 24) & 1 == 1
    limits: uint256 = 0
    by_agent: bool = msg.sender != staticcall market.EXCHANGE.owner_of(site)
    if by_agent:
        limits = agents._rights(site)
    rules: uint256 = staticcall market.EXCHANGE.terms_word(((site >> 16) << 32) | (slot >> 2))
    if wh < entry & book_words.MASK_WH and price == hour_terms._price(rules, (order >> 16) & 255):
        extcall market.EXCHANGE.reduce(order, wh)
        return order, 0
    if by_agent:
        agents._set(site, agents._spend(limits, slot, sell, price, wh))
    expiry: uint256 = resting._expiry_of(order, entry)
    extcall market.EXCHANGE.cancel(order)
    return extcall market.EXCHANGE.place(site, slot, sell, price, wh, market.LIMIT, expiry)
