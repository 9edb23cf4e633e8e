"""Signing a transaction, on a report's way to the chain.

eth-account makes the same bytes, as the tests check, and takes nine times as long (1.39 ms against 0.15): it looks for
mistakes in what this node has put together itself.
"""

from typing import NamedTuple

import rlp
from coincurve import PrivateKey
from net8.signing import keccak256

from net8_oracle.node.fees import Fees

__all__ = ["Call", "sign"]

_TYPE = b"\x02"  # EIP-1559 in EIP-2718's envelope


class Call(NamedTuple):
    """What a transaction does; it sends no ether."""

    to: bytes  # address, 20 bytes
    data: bytes
    gas: int  # limit


def sign(key: PrivateKey, chain_id: int, nonce: int, call: Call, offer: Fees) -> tuple[bytes, bytes]:
    """Hash of the signed transaction, and its bytes as they are broadcast (EIP-1559)."""
    body = [chain_id, nonce, offer.tip, offer.most, call.gas, call.to, 0, call.data, []]
    signature = key.sign_recoverable(keccak256(_TYPE + rlp.encode(body)), hasher=None)
    r, s, parity = int.from_bytes(signature[:32]), int.from_bytes(signature[32:64]), signature[64]
    raw = _TYPE + rlp.encode([*body, parity, r, s])
    return keccak256(raw), raw
