# pragma version 0.4.3
# pragma nonreentrancy off
"""
@title A stablecoin that misbehaves on command
@license AGPL-3.0-only
@dev For tests alone. It honours no allowance, so that tests show what the Reserve itself checks.
"""


# @dev What it does wrong in a transfer; 0 is nothing.
RETURN_FALSE: constant(uint256) = 1
MOVE_NOTHING: constant(uint256) = 2
KEEP_FEE: constant(uint256) = 3
CALL_BACK: constant(uint256) = 4

balanceOf: public(HashMap[address, uint256])
decimals: public(uint8)
move: uint256
target: address
message: Bytes[100]


@deploy
def __init__(decimals: uint8):
    self.decimals = decimals


@external
def give(account: address, amount: uint256):
    self.balanceOf[account] += amount


@external
def seize(account: address, amount: uint256):
    self.balanceOf[account] -= amount


@external
def misbehave(move: uint256):
    self.move = move


@external
def call_back(target: address, message: Bytes[100]):
    """
    @notice Makes this call in the middle of every transfer from now on.
    """
    self.move = CALL_BACK
    self.target = target
    self.message = message


@external
def transfer(receiver: address, amount: uint256) -> bool:
    return self._transfer(msg.sender, receiver, amount)


@external
def transferFrom(owner: address, receiver: address, amount: uint256) -> bool:
    return self._transfer(owner, receiver, amount)


@internal
def _transfer(owner: address, receiver: address, amount: uint256) -> bool:
    move: uint256 = self.move
    if move == RETURN_FALSE:
        return False
    if move == MOVE_NOTHING:
        return True
    arriving: uint256 = amount
    if move == KEEP_FEE:
        arriving -= 1
    self.balanceOf[owner] -= amount
    self.balanceOf[receiver] += arriving
    if move == CALL_BACK:
        raw_call(self.target, self.message)
    return True
