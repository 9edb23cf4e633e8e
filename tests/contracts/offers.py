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


STRIP_FIELDS = [
    ("uint256", "site"),
    ("bool", "sell"),
    ("uint256", "first_slot"),
    ("uint256[]", "prices"),
    ("uint256[]", "wh"),
    ("uint256", "nonce"),
    ("uint256", "expiry"),
    ("address", "taker"),
    ("uint256", "relay_fee"),
]
SignedStrip = tuple[int, list[int], int, int]


@dataclass(frozen=True)
class StripOffer:
    """A strip that a site's owner signs: price and energy of consecutive slots."""

    site: int
    first_slot: int
    sell: bool
    prices: tuple[int, ...]
    wh: tuple[int, ...]
    nonce: int = 0
    expiry: int = FOREVER
    taker: str = NOBODY
    relay_fee: int = 0

    def head(self) -> int:
        return (
            len(self.prices)
            | self.first_slot << 40
            | self.nonce << 72
            | self.relay_fee << 104
            | self.expiry << 144
            | self.site << 184
            | self.sell << 232
        )

    def legs(self) -> list[int]:
        """Six legs to a word."""
        words = [0] * -(-len(self.prices) // 6)
        for i, (price, wh) in enumerate(zip(self.prices, self.wh, strict=True)):
            words[i // 6] |= (wh | price << 24) << 40 * (i % 6)
        return words

    def digest(self, desk: Any) -> bytes:
        values = {name: getattr(self, name) for _, name in STRIP_FIELDS}
        message = {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}
        return digest_of(desk, "Strip", STRIP_FIELDS, message)

    def signed(self, desk: Any, key: LocalAccount) -> SignedStrip:
        """(head, legs, r, vs)"""
        return (self.head(), self.legs(), *sign_compact(self.digest(desk), key))


PLAIN = (NOBODY, NOBODY, b"")  # proof of a strip or order that anyone may take and a key has signed


def for_taker(taker: str) -> tuple[str, str, bytes]:
    """Proof of an order that names its taker and that a key has signed."""
    return (taker, NOBODY, b"")
