# pragma version 0.4.3
# pragma optimize gas
# pragma nonreentrancy on
"""
@title TradingDesk
@license AGPL-3.0-only
@notice Trades for sites whose owner is not the caller: agents within the limits he set.
@dev Read it module by module:
       market         the exchange it trades on
       resting        whose a resting order is
       agents         keys with limits
"""

from snekmate.utils import eip712_domain_separator
from .desk import agents
from .desk import earnings
from .desk import market
from .desk import nonces
from .desk import resting
from .desk import signed_orders

initializes: eip712_domain_separator
initializes: market
initializes: resting[market := market]
initializes: agents[market := market, resting := resting]
initializes: nonces[market := market]
initializes: earnings[market := market]
initializes: signed_orders[
    earnings := earnings, eip712_domain_separator := eip712_domain_separator, market := market, nonces := nonces
]

exports: (
    eip712_domain_separator.eip712Domain,
    market.__interface__,
    agents.__interface__,
    nonces.__interface__,
    earnings.__interface__,
    signed_orders.__interface__,
)


@deploy
def __init__(exchange: address):
    """
    @param exchange The EnergyExchange, which must name this contract its desk afterwards.
    """
    eip712_domain_separator.__init__("NET8 TradingDesk", "1")
    market.__init__(exchange)
    agents.__init__()
    nonces.__init__()
    earnings.__init__()
    signed_orders.__init__()
