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

from .desk import agents
from .desk import market
from .desk import resting

initializes: market
initializes: resting[market := market]
initializes: agents[market := market, resting := resting]

exports: (
    market.__interface__,
    agents.__interface__,
)


@deploy
def __init__(exchange: address):
    """
    @param exchange The EnergyExchange, which must name this contract its desk afterwards.
    """
    market.__init__(exchange)
    agents.__init__()
