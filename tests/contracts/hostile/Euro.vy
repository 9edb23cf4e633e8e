# pragma version 0.4.3
# pragma nonreentrancy off
"""
@title A stablecoin that misbehaves on command
@license AGPL-3.0-only
@dev For tests alone. It honours no allowance, so that tests show what the Reserve itself checks.
"""


flag Move:
    RETURN_FALSE
    MOVE_NOTHING
    KEEP_FEE
    CALL_BACK


balanceOf: public(HashMap[address, uint256])
decimals: public(uint8)
move: Move
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
def misbehave(move: Move):
    self.move = move


@external
def call_back(target: address, message: Bytes[100]):
    """
    @notice Makes this call in the middle of every transfer from now on.
    """
    self.move = Move.CALL_BACK
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
    move: Move = self.move
    if move == Move.RETURN_FALSE:
        return False
    if move == Move.MOVE_NOTHING:
        return True
    arriving: uint256 = amount
    if move == Move.KEEP_FEE:
        arriving -= 1
    self.balanceOf[owner] -= amount
    self.balanceOf[receiver] += arriving
    if move == Move.CALL_BACK:
        raw_call(self.target, self.message)
    return True
