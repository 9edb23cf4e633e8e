# pragma version 0.4.3
# pragma optimize gas
# pragma nonreentrancy on
"""
@title Purse
@license AGPL-3.0-only
@notice What the court owes to people, and the only place where NET8 moves in or out of it.
@dev Nobody is paid on the way: what is due is noted and fetched, so that no receiver can hold up a proof or a decision.
"""

from ethereum.ercs import IERC20
from ..interfaces import INET8
from ..interfaces import IOracleRegistry


event Collected:
    account: indexed(address)
    receiver: indexed(address)
    amount: uint256  # wei


event Burnt:
    amount: uint256  # wei


# @dev The OracleRegistry, whose stakes are at issue, and the token they are in.
registry: public(immutable(address))
net8: public(immutable(address))

# @dev account -> wei due to it.
owed: public(HashMap[address, uint256])


@deploy
def __init__(registry_: address):
    assert registry_.is_contract, "court: registry no contract"
    registry = registry_
    net8 = staticcall IOracleRegistry(registry_).net8()


@external
def collect(receiver: address) -> uint256:
    """
    @notice Pays what is due to the caller.
    @return Wei paid.
    """
    amount: uint256 = self.owed[msg.sender]
    assert amount != 0, "court: nothing due"
    assert receiver != empty(address) and receiver != self, "court: bad receiver"
    self.owed[msg.sender] = 0
    log Collected(account=msg.sender, receiver=receiver, amount=amount)
    assert extcall IERC20(net8).transfer(receiver, amount), "court: transfer failed"
    return amount


@internal
def _owe(account: address, amount: uint256):
    self.owed[account] += amount


@internal
def _pull(amount: uint256):
    """
    @dev NET8 moves exactly what it is asked to or reverts, so what was asked is what is counted.
    """
    assert extcall IERC20(net8).transferFrom(msg.sender, self, amount), "court: transfer failed"


@internal
def _burn(amount: uint256):
    """
    @notice Destroys what is taken from a stake and due to nobody: no vote and no proof pays more than its stated reward,
            and every holder of NET8 is covered a little better.
    """
    if amount != 0:
        log Burnt(amount=amount)
        extcall INET8(net8).burn(amount)
