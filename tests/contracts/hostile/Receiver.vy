# pragma version 0.4.3
# pragma nonreentrancy off
"""
@title A contract that receives certificates: well, badly, or with a call of its own
@license AGPL-3.0-only
@dev For tests alone.
"""


interface Certificates:
    def balanceOf(owner: address, id: uint256) -> uint256: view


struct Told:
    operator: address
    sender: address
    id: uint256  # the first
    amount: uint256  # of the first
    data: Bytes[1_024]


accepts: bool
told: public(Told)
balance_when_told: public(uint256)
target: address
message: Bytes[512]
called_back: public(bool)


@deploy
def __init__(accepts: bool):
    self.accepts = accepts


@external
def call_back(target: address, message: Bytes[512]):
    """
    @notice Makes this call whenever certificates arrive, and remembers whether it went through.
    """
    self.target = target
    self.message = message


@external
def onERC1155Received(operator: address, sender: address, id: uint256, amount: uint256, data: Bytes[1_024]) -> bytes4:
    self._remember(Told(operator=operator, sender=sender, id=id, amount=amount, data=data))
    return self._received(0xf23a6e61)


@external
def onERC1155BatchReceived(
    operator: address,
    sender: address,
    ids: DynArray[uint256, 128],
    amounts: DynArray[uint256, 128],
    data: Bytes[1_024],
) -> bytes4:
    self._remember(Told(operator=operator, sender=sender, id=ids[0], amount=amounts[0], data=data))
    return self._received(0xbc197c81)


@external
def isValidSignature(digest: bytes32, signature: Bytes[65]) -> bytes4:
    """
    @notice ERC-1271: agrees to everything, so that it may own a site.
    """
    return 0x1626ba7e


@internal
def _remember(told: Told):
    """
    @notice Looks at its own balance too: what a receiver is told of has arrived already.
    """
    self.told = told
    self.balance_when_told = staticcall Certificates(msg.sender).balanceOf(self, told.id)


@internal
def _received(answer: bytes4) -> bytes4:
    if self.target != empty(address):
        self.called_back = raw_call(self.target, self.message, revert_on_failure=False)
    return answer if self.accepts else empty(bytes4)
