# pragma version 0.4.3
# pragma optimize gas
# pragma nonreentrancy on
"""
@title Signatures
@license AGPL-3.0-only
@notice Who signed a digest: a key, or a contract that answers for its owners (ERC-1271).
@dev Keys sign compactly (EIP-2098). A second form of the same signature is worth nothing: what an order may do hangs
     on its nonce. A contract wallet is asked within a view call, with a bounded answer and bounded gas, so that all a
     hostile one can do is to have its own order refused.
"""

from ..exchange import refusal

WALLET_GAS: constant(uint256) = 500_000  # enough for a passkey checked in Solidity, or ten owners of a multisig
PARITY_AT: constant(uint256) = 255
MASK_S: constant(uint256) = 2**255 - 1
MAGIC: constant(bytes32) = 0x1626ba7e00000000000000000000000000000000000000000000000000000000


struct Proof:
    taker: address  # the only counterparty that the order allows; zero for anyone
    wallet: address  # owner of the site, when it is a contract; zero for a key
    signature: Bytes[512]  # what the wallet accepts; empty for a key


@internal
@pure
def _signer(digest: bytes32, r: uint256, vs: uint256) -> uint256:
    """
    @notice Address, as a number, of the key that signed.
    """
    signer: uint256 = convert(ecrecover(digest, unsafe_add(27, vs >> PARITY_AT), r, vs & MASK_S), uint256)
    if signer == 0:
        refusal._because("order: bad signature")
    return signer


@internal
@view
def _owner(digest: bytes32, r: uint256, vs: uint256, wallet: address, signature: Bytes[512]) -> uint256:
    """
    @notice Address, as a number, of the wallet that accepts the signature, or of the key that signed when none is named.
    """
    if wallet == empty(address):
        return self._signer(digest, r, vs)
    success: bool = False
    answer: Bytes[32] = b""
    success, answer = raw_call(
        wallet,
        abi_encode(digest, signature, method_id=method_id("isValidSignature(bytes32,bytes)")),
        max_outsize=32,
        gas=WALLET_GAS,
        is_static_call=True,
        revert_on_failure=False,
    )
    if not success or len(answer) != 32 or convert(answer, bytes32) != MAGIC:
        refusal._because("order: wallet says no")
    return convert(wallet, uint256)
