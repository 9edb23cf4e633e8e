# pragma version 0.4.3
# pragma optimize gas
# pragma nonreentrancy on
"""
@title Earnings of relayers
@license AGPL-3.0-only
@notice What callers were paid for bringing signed orders in, kept on account 0 of the exchange until they claim it.
"""

from . import market
from ..exchange import refusal

uses: market

WEI_PER_GRAIN: constant(uint256) = 10**11


event EarningsClaimed:
    relayer: indexed(address)
    receiver: indexed(address)
    grains: uint256


earned: public(HashMap[address, uint256])  # grains


@deploy
def __init__():
    pass


@external
def claim(receiver: address) -> uint256:
    """
    @notice Pays out what the caller has earned, in NET8.
    @return Grains paid.
    """
    grains: uint256 = self.earned[msg.sender]
    if grains == 0:
        refusal._because("earnings: none")
    self.earned[msg.sender] = 0
    log EarningsClaimed(relayer=msg.sender, receiver=receiver, grains=grains)
    extcall market.EXCHANGE.withdraw(0, grains * WEI_PER_GRAIN, receiver)
    return grains


@internal
def _earn(grains: uint256):
    """
    @notice Notes fees that the exchange has moved, or moves in this call, to account 0.
    """
    if grains != 0:
        self.earned[msg.sender] += grains


@internal
@pure
def _share(relay_fee: uint256, filled: uint256, offered: uint256) -> uint256:
    """
    @notice The part of an order's relay fee that goes with a fill. Rounded down, so all fills together never pay more
            than the whole, and cutting an order into small fills pays the caller nothing extra.
    """
    return unsafe_div(unsafe_mul(relay_fee, filled), offered)
