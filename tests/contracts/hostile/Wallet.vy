# pragma version 0.4.3
# pragma nonreentrancy off
"""
@title A contract wallet (ERC-1271) that answers as a test tells it to
@license AGPL-3.0-only
@dev For tests alone.
"""

from ethereum.ercs import IERC20


interface Exchange:
    def deposit(site: uint256, amount: uint256): nonpayable


interface Desk:
    def cancel_nonce(site: uint256, nonce: uint256): nonpayable


flag Mood:
    CONSENTS  # to everything
    APPROVES  # what it has approved before
    REVERTS
    BURNS  # all the gas it gets
    RAMBLES  # a long answer, of which only the beginning counts
    MUMBLES  # an answer that is too short
    INTERFERES  # tries to cancel the nonce it is asked about

MAGIC: constant(bytes32) = 0x1626ba7e00000000000000000000000000000000000000000000000000000000

mood: Mood
approved: HashMap[bytes32, bytes32]  # digest -> hash of the signature
desk: Desk
site: uint256


@deploy
def __init__(desk: address):
    self.mood = Mood.CONSENTS
    self.desk = Desk(desk)


@external
def feel(mood: Mood):
    self.mood = mood


@external
def approve(digest: bytes32, signature: Bytes[512]):
    self.approved[digest] = keccak256(signature)


@external
def fund(token: IERC20, exchange: Exchange, site: uint256, amount: uint256):
    """
    @notice Deposits for its own site.
    """
    self.site = site
    extcall token.approve(exchange.address, amount)
    extcall exchange.deposit(site, amount)


@external
def cancel_nonce(nonce: uint256):
    extcall self.desk.cancel_nonce(self.site, nonce)


@external
@raw_return
def isValidSignature(digest: bytes32, signature: Bytes[512]) -> Bytes[8192]:
    if self.mood == Mood.APPROVES:
        return abi_encode(MAGIC) if self.approved[digest] == keccak256(signature) else abi_encode(empty(bytes32))
    if self.mood == Mood.REVERTS:
        raise "wallet: not today"
    if self.mood == Mood.BURNS:
        waste: bytes32 = digest
        for i: uint256 in range(2**64):
            waste = keccak256(waste)
    if self.mood == Mood.RAMBLES:
        return concat(MAGIC, abi_encode(empty(uint256[255])))
    if self.mood == Mood.MUMBLES:
        return slice(MAGIC, 0, 4)
    if self.mood == Mood.INTERFERES:
        extcall self.desk.cancel_nonce(self.site, 0)
    return abi_encode(MAGIC)
