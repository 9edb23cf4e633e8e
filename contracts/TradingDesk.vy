# pragma version 0.4.3
# pragma optimize gas
# pragma nonreentrancy on
"""
@title TradingDesk
@license AGPL-3.0-only
@notice Trades for sites whose owner is not there to send the order: through agents within limits, and through orders
        he signed; and trades between zones. It never holds a site's money.
@dev Read it module by module:
       market         the exchange it trades on
       resting        what is known of a resting order
       agents         keys that trade within limits
       replacing      another price or energy for a resting order
       ranges         cancelling all orders of a site in a range of slots
       nonces         how much of each signed order has traded, and which are cancelled
       signatures     who signed: a key or a contract wallet
       earnings       what relayers are paid
       signed_orders  one signed order against another, the book, or its named taker (order_words: what is signed)
       strips         a day of orders under one signature (strip_words: what is signed)
       abroad         trading between zones, as far as their link carries
     Invariants, after every call:
       1 No signed order trades more than its energy in its slot, or at a price beyond its limit.
       2 None trades at or after its expiry, or once its nonce is over; what is over stays over.
       3 A signed order counts in one contract, on one chain, for the site and the owner that it names.
       4 An order that names its taker trades with a site of that owner only.
       5 All fills of an order together pay their callers at most its relay fee.
       6 Free balance of account 0 in the exchange = earnings not claimed yet, and what others gave away to it.
       7 No agent orders more energy or value than its owner allowed, outside its prices or slots, or at or after its
         expiry; it never withdraws.
       8 Two zones never trade more in a slot than the smaller of the capacities their operators had set by then.
       9 The desk never trades for a site whose owner, agent or signature did not ask for it.
     Immutable; nobody owns it. The guardian's stop is the exchange's: cancelling goes on.
"""

from snekmate.utils import eip712_domain_separator
from .desk import abroad
from .desk import agents
from .desk import earnings
from .desk import market
from .desk import nonces
from .desk import ranges
from .desk import replacing
from .desk import resting
from .desk import signed_orders
from .desk import strips

initializes: eip712_domain_separator
initializes: market
initializes: resting[market := market]
initializes: agents[market := market, resting := resting]
initializes: replacing[agents := agents, market := market, resting := resting]
initializes: ranges[agents := agents, market := market]
initializes: nonces[market := market]
initializes: earnings[market := market]
initializes: signed_orders[
    earnings := earnings, eip712_domain_separator := eip712_domain_separator, market := market, nonces := nonces
]
initializes: strips[
    earnings := earnings, eip712_domain_separator := eip712_domain_separator, market := market, nonces := nonces
]
initializes: abroad[market := market]

exports: (
    eip712_domain_separator.eip712Domain,
    market.__interface__,
    agents.__interface__,
    replacing.__interface__,
    ranges.__interface__,
    nonces.__interface__,
    earnings.__interface__,
    signed_orders.__interface__,
    strips.__interface__,
    abroad.__interface__,
)


@deploy
def __init__(exchange: address):
    """
    @param exchange The EnergyExchange, which must name this contract its desk afterwards.
    """
    eip712_domain_separator.__init__("NET8 TradingDesk", "1")
    market.__init__(exchange)
    agents.__init__()
    replacing.__init__()
    ranges.__init__()
    nonces.__init__()
    earnings.__init__()
    signed_orders.__init__()
    strips.__init__()
    abroad.__init__()
