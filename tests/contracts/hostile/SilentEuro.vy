# pragma version 0.4.3
"""
@title A stablecoin whose transfers return nothing, as some old ones do
@license AGPL-3.0-only
@dev For tests alone.
"""

balanceOf: public(HashMap[address, uint256])


@external
@view
def decimals() -> uint8:
    return 6


@external
def give(account: address, amount: uint256):
    self.balanceOf[account] += amount


@external
def transfer(receiver: address, amount: uint256):
    self.balanceOf[msg.sender] -= amount
    self.balanceOf[receiver] += amount


@external
def transferFrom(owner: address, receiver: address, amount: uint256):
    self.balanceOf[owner] -= amount
    self.balanceOf[receiver] += amount
