"""Contract wallets: accounts that are contracts, and answer for their owners (ERC-1271)."""

from eth_abi.abi import encode

from net8.contracts.core import Call
from net8.signing import keccak256

__all__ = ["accepts"]

_SELECTOR = keccak256(b"isValidSignature(bytes32,bytes)")[:4]
_YES = _SELECTOR.ljust(32, b"\0")


def accepts(wallet: str, digest: bytes, signature: bytes) -> Call[bool]:
    """Whether a contract wallet stands by a signature of a 32-byte digest. It may refuse instead of saying no."""
    data = _SELECTOR + encode(["bytes32", "bytes"], [digest, signature])
    return Call(wallet, data, "Wallet.isValidSignature", lambda answer: answer[:32] == _YES)
