# pragma version 0.4.3
# pragma optimize gas
# pragma nonreentrancy on
"""
@title Euro of a local chain
@license AGPL-3.0-only
@notice Stands in for a euro stablecoin where there is none: on the machine of whoever tries NET8 out.
        Its owner mints as much as he likes. On a public chain the Reserve is given the address of a
        real euro instead.
"""

from snekmate.auth import ownable
from snekmate.tokens import erc20

initializes: ownable
initializes: erc20[ownable := ownable]

# @dev Everything of the module: a stand-in should do all that a full-featured stablecoin does.
exports: erc20.__interface__


@deploy
def __init__(decimals: uint8):
    """
    @param decimals 6 as most euro stablecoins have, or 18.
    """
    ownable.__init__()
    erc20.__init__("Test Euro", "tEUR", decimals, "Test Euro", "1")
