# pragma version 0.4.3
# pragma optimize gas
# pragma nonreentrancy on
"""
@title EnergyExchange
@license AGPL-3.0-only
@notice Neighbours trade electricity here, quarter of an hour by quarter of an hour: sites and their prepaid NET8,
        order books, positions, and settlement by what meters counted.
@dev Read it module by module:
       vault       NET8 in and out, in whole grains
       zones       terms of every hour, balancing pools, fees
       sites       the balances of connection points
       agents      keys that trade within limits
       margin      the one risk formula
       positions   what was traded in each slot, and what is settled without a report
       book        resting orders by price, then time
       matching    placing orders
       settlement  reports of the oracle network into payments
     Invariants, after every call:
       1 free balances + settled credits + locks of resting orders + (margin + value) of open positions
         + pools + fees = NET8 deposited, in grains.
       2 Net energy and net value of the open positions of a market nobody has settled in are zero.
       3 No balance, pool or fee account is negative, and no payout is.
       4 A set bit of a side's bitmap is a level with at least one live order, and no live order is anywhere else.
       5 The best bid of an open market is below its best offer.
       6 Terms of an hour never change once fixed, and nothing is traded in an hour whose terms are not fixed.
       7 A site's slot settles at most once, and never before it is over.
       8 An agent never moves NET8 out.
     Immutable: no proxy, no pause of withdrawals, cancels or settlement.
"""

from ethereum.ercs import IERC20
from snekmate.auth import ownable
from snekmate.auth import ownable_2step
from .exchange import agents
from .exchange import book
from .exchange import matching
from .exchange import positions
from .exchange import settlement
from .exchange import sites
from .exchange import vault
from .exchange import zones

initializes: ownable
initializes: ownable_2step[ownable := ownable]
initializes: vault
initializes: zones[vault := vault]
initializes: sites[vault := vault, zones := zones]
initializes: agents[sites := sites]
initializes: positions[sites := sites, zones := zones]
initializes: book[agents := agents, sites := sites, zones := zones]
initializes: matching[agents := agents, book := book, positions := positions, sites := sites, zones := zones]
initializes: settlement[ownable := ownable, positions := positions, sites := sites, zones := zones]

exports: (
    ownable_2step.owner,
    ownable_2step.pending_owner,
    ownable_2step.transfer_ownership,
    ownable_2step.accept_ownership,
    vault.token,
    zones.__interface__,
    sites.__interface__,
    agents.__interface__,
    positions.__interface__,
    book.__interface__,
    matching.__interface__,
    settlement.__interface__,
)


@deploy
def __init__(token: IERC20, grid: address):
    """
    @param token The NET8 token; 18 decimals, no fee on transfer.
    @param grid The GridRegistry that admits sites and sets the terms of every hour.
    """
    ownable.__init__()
    ownable_2step.__init__()
    vault.__init__(token)
    zones.__init__(grid)
    sites.__init__()
    agents.__init__()
    positions.__init__()
    book.__init__()
    matching.__init__()
    settlement.__init__()
