# pragma version 0.4.3
# pragma optimize gas
# pragma nonreentrancy on
"""
@title EnergyExchange
@license AGPL-3.0-only
@notice Neighbours trade electricity here, quarter of an hour by quarter of an hour: sites and their prepaid NET8,
        order books, positions, and settlement by what meters counted.
@dev Read it module by module:
       roles       the contracts that orders, terms and reports come from; the guardian's stop
       vault       NET8 in and out, in whole grains
       zones       terms of every hour, balancing pools, fees
       sites       the balances of connection points
       margin      the one risk formula
       positions   what was traded in each slot, and what is settled without a report
       book        resting orders by price, then time
       matching    placing orders
       pairs       trades whose two sides have signed
       settlement  reports of the oracle network into payments
     Invariants, after every call:
       1 free balances + settled credits + locks of resting orders + (margin + value) of open positions
         + pools + fees = NET8 deposited, in grains.
       2 Net energy and net value of the open positions of a slot, over all zones, are zero until the first of them
         settles: sites trade across zones too, so one zone alone may export.
       3 No balance, pool or fee account is negative, and no payout is.
       4 A set bit of a side's bitmap is a level with at least one live order, and no live order is anywhere else.
       5 The best bid of an open market is below its best offer.
       6 Terms of an hour never change once fixed, and nothing is traded in an hour whose terms are not fixed.
       7 A site's slot settles at most once, and never before it is over.
       8 Nobody but a site's owner moves its NET8 out; neither desk nor guardian can stop it.
     Immutable: no proxy, no pause of withdrawals, cancels or settlement.
"""

from ethereum.ercs import IERC20
from .exchange import book
from .exchange import matching
from .exchange import pairs
from .exchange import positions
from .exchange import roles
from .exchange import settlement
from .exchange import sites
from .exchange import vault
from .exchange import zones

initializes: roles
initializes: vault
initializes: zones[roles := roles, vault := vault]
initializes: sites[roles := roles, vault := vault]
initializes: positions[sites := sites, zones := zones]
initializes: book[sites := sites, zones := zones]
initializes: matching[book := book, positions := positions, roles := roles, sites := sites, zones := zones]
initializes: pairs[matching := matching, positions := positions, roles := roles, sites := sites]
initializes: settlement[positions := positions, roles := roles, sites := sites, zones := zones]

exports: (
    vault.token,
    roles.__interface__,
    zones.__interface__,
    sites.__interface__,
    positions.__interface__,
    book.__interface__,
    matching.__interface__,
    pairs.__interface__,
    settlement.__interface__,
)


@deploy
def __init__(token: IERC20, grid: address):
    """
    @param token The NET8 token; 18 decimals, no fee on transfer.
    @param grid The GridRegistry that admits sites and sets the terms of every hour.
    """
    roles.__init__(grid)
    vault.__init__(token)
    zones.__init__()
    sites.__init__()
    positions.__init__()
    book.__init__()
    matching.__init__()
    pairs.__init__()
    settlement.__init__()
