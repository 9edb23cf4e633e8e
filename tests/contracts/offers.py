"""Signed orders as a wallet makes them, packed as the desk takes them."""

from dataclasses import dataclass
from typing import Any

from eth_account.messages import encode_typed_data
from eth_account.signers.local import LocalAccount
from eth_utils import keccak

from tests.contracts.signing import domain, sign_digest

NOBODY = "0x" + 40 * "0"
ORDER_FIELDS = [
    ("uint256", "site"),
    ("bool", "sell"),
    ("uint256", "slot"),
    ("uint256", "price"),
    ("uint256", "wh"),
    ("uint256", "nonce"),
    ("uint256", "expiry"),
    ("address", "taker"),
    ("uint256", "relay_fee"),
]
FOREVER = 2**40 - 1
Signed = tuple[int, int, int]


def digest_of(desk: Any, name: str, fields: list[tuple[str, str]], message: dict[str, Any]) -> bytes:
    """What eth-account signs for a struct in the desk's domain."""
    types = {name: [{"name": field, "type": kind} for kind, field in fields]}
    signable = encode_typed_data(domain("NET8 TradingDesk", desk), types, message)
    return keccak(b"\x19" + signable.version + signable.header + signable.body)


def sign_compact(digest: bytes, key: LocalAccount) -> tuple[int, int]:
    ((r, vs),) = sign_digest(digest, [key])
    return int.from_bytes(r), int.from_bytes(vs)


@dataclass(frozen=True)
class Offer:
    """An order that a site's owner signs."""

    site: int
    slot: int
    sell: bool
    price: int
    wh: int
    nonce: int = 0
    expiry: int = FOREVER
    taker: str = NOBODY
    relay_fee: int = 0

    def word(self, proof: int = 0) -> int:
        """As the desk takes it."""
        return (
            self.wh
            | self.price << 24
            | self.slot << 40
            | self.nonce << 72
            | self.relay_fee << 104
            | self.expiry << 144
            | self.site << 184
            | self.sell << 232
            | proof << 240
        )

    def digest(self, desk: Any) -> bytes:
        return digest_of(desk, "Order", ORDER_FIELDS, {name: getattr(self, name) for _, name in ORDER_FIELDS})

    def signed(self, desk: Any, key: LocalAccount, proof: int = 0) -> Signed:
        """(word, r, vs)"""
        return (self.word(proof), *sign_compact(self.digest(desk), key))
