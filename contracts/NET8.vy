# pragma version 0.4.3
# pragma optimize gas
# pragma nonreentrancy on
"""
@title NET8: the token that energy is traded in
@license AGPL-3.0-only
@notice ERC-20 with 18 decimals, EIP-2612 permit and EIP-5267. 1 NET8 stands for 10 kWh.
        A plain token on purpose: it has no hooks, no fees, no pause and no blocklist,
        so that nothing which holds NET8 depends on anyone's goodwill.
@dev Invariants:
     1. Only `minter` creates NET8, and a holder alone, or whom he gave an allowance, destroys his.
     2. `minter` is set once. In the same call the owner right is given up, so neither the deployer
        nor anyone after him can ever name a second one.
     The Reserve needs the token's address to be built and the token needs the Reserve's to mint.
     Setting the minter after both exist, once, was chosen over computing the Reserve's address
     ahead of its creation: a deployment that is interrupted and continued may create the Reserve
     with another nonce, and a minter at an address where nothing lives could not be mended.
     Until the minter is set nobody can mint at all, the deployer included.
"""

from snekmate.auth import ownable
from snekmate.tokens import erc20

# @dev The owner right exists only between deployment and `set_minter`.
initializes: ownable
initializes: erc20[ownable := ownable]

exports: (
    erc20.IERC20,
    erc20.IERC20Detailed,
    erc20.IERC20Permit,
    erc20.burn,
    erc20.burn_from,
    erc20.owner,
    erc20.eip712Domain,
    # @notice Left out of the module, because one frozen minter takes the place of a list
    # of minters behind an owner: `mint` and `set_minter` (written anew below), `is_minter`,
    # `transfer_ownership` and `renounce_ownership`.
)


# @dev Who alone may create NET8: the Reserve. The zero address until wired.
minter: public(address)


event MinterSet:
    minter: indexed(address)


@deploy
def __init__():
    """
    @notice Nobody holds NET8 at first, and nobody can mint before `set_minter`.
    """
    ownable.__init__()
    erc20.__init__("NET8", "NET8", 18, "NET8", "1")
    # The module makes its deployer a minter and says so in its log: taken back, in the log too.
    erc20.is_minter[msg.sender] = False
    log erc20.RoleMinterChanged(minter=msg.sender, status=False)


@external
def set_minter(minter: address):
    """
    @notice Names the one minter, for ever, and gives up the owner right.
    @dev Invariant 2. Only an address with code is accepted: what is set here by mistake stays for ever.
    @param minter The Reserve.
    """
    ownable._check_owner()
    assert minter.is_contract, "minter: not a contract"
    self.minter = minter
    log MinterSet(minter=minter)
    ownable._transfer_ownership(empty(address))


@external
def mint(owner: address, amount: uint256):
    """
    @notice Creates NET8.
    @dev Invariant 1.
    @param owner Who receives it.
    @param amount Wei of NET8.
    """
    assert msg.sender == self.minter, "mint: not the minter"
    erc20._mint(owner, amount)
