"""Orders that an owner signs and anyone may bring to the TradingDesk, so that a home needs no gas.

    offer = Offer(site, slot, sell=True, price=900, wh=5000, nonce=7, expiry=slot_start(slot))
    signed = offer.signed(sign(key, offer.digest(deployment.desk_domain)))
    relayer.send(contracts.desk.match_signed([signed, another]))

A `Strip` is a day of such orders under one signature. What a signature covers is the struct a wallet shows
(`typed_data`); what a call carries are the same numbers, packed into words.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from net8.eip712 import Domain, StructType, Value
from net8.packing import ORDER_WH_MAX, WordRefused, fits
from net8.signing import Signature

__all__ = ["LEGS_MAX", "NOBODY", "Offer", "Proof", "Signed", "SignedStrip", "Strip"]

NOBODY = "0x" + 40 * "0"
LEGS_MAX = 96
_LEGS_PER_WORD = 6
_LEG_BITS = 40
_MASK_COUNT = 127

_COMMON = (("uint256", "nonce"), ("uint256", "expiry"), ("address", "taker"), ("uint256", "relay_fee"))
_ORDER = StructType(
    "Order",
    (
        ("uint256", "site"),
        ("bool", "sell"),
        ("uint256", "slot"),
        ("uint256", "price"),
        ("uint256", "wh"),
        *_COMMON,
    ),
)
_STRIP = StructType(
    "Strip",
    (
        ("uint256", "site"),
        ("bool", "sell"),
        ("uint256", "first_slot"),
        ("uint256[]", "prices"),
        ("uint256[]", "wh"),
        *_COMMON,
    ),
)


@dataclass(frozen=True, slots=True)
class Proof:
    """What an order needs beside a key's signature: the taker it names, or the contract wallet that owns the site."""

    taker: str = NOBODY
    wallet: str = NOBODY
    signature: bytes = b""  # what the wallet accepts (ERC-1271), at most 512 bytes; empty for a key


@dataclass(frozen=True, slots=True)
class Signed:
    """An order with its owner's signature, as the desk takes it."""

    terms: int
    r: int
    vs: int


@dataclass(frozen=True, slots=True)
class SignedStrip:
    """A strip with its owner's signature, as the desk takes it."""

    head: int
    legs: tuple[int, ...]
    r: int
    vs: int


class _Signable:
    """Something to sign in the desk's domain."""

    __slots__ = ()
    TYPE: StructType

    def _values(self) -> dict[str, Value]:
        return {name: getattr(self, name) for _, name in self.TYPE.fields}

    def digest(self, domain: Domain) -> bytes:
        """The 32 bytes the owner signs."""
        return self.TYPE.digest(domain, self._values())

    def typed_data(self, domain: Domain) -> dict[str, Any]:
        """The same for a wallet."""
        return self.TYPE.typed_data(domain, self._values())


def _head(of: "Offer | Strip", low: int, slot: int, proof: int = 0) -> int:
    """What words of orders and strips share, above bit 40."""
    return (
        low
        | fits("slot", slot, 0, 2**32 - 1) << 40
        | fits("nonce", of.nonce, 0, 2**27 - 1) << 72
        | fits("relay fee (grains)", of.relay_fee, 0, 2**40 - 1) << 104
        | fits("expiry (unix seconds)", of.expiry, 0, 2**40 - 1) << 144
        | fits("site", of.site, 1, 2**48 - 1) << 184
        | int(of.sell) << 232
        | fits("proof", proof, 0, 255) << 240
    )


def _slot_in(word: int) -> int:
    return word >> 40 & 2**32 - 1


def _unpacked(word: int) -> dict[str, Any]:
    """What words of orders and strips share, but for the slot."""
    return {
        "nonce": word >> 72 & 2**27 - 1,
        "relay_fee": word >> 104 & 2**40 - 1,
        "expiry": word >> 144 & 2**40 - 1,
        "site": word >> 184 & 2**48 - 1,
        "sell": bool(word >> 232 & 1),
    }


def _leg(price: int, wh: int, least: int) -> int:
    """Energy and price, 40 bits."""
    energy = fits("energy of the order (Wh)", wh, least, ORDER_WH_MAX)
    return energy | fits("price (grains per Wh)", price, 0, 2**16 - 1) << 24


def _words_of(signature: Signature | None) -> tuple[int, int]:
    """(r, vs); zeros where a contract wallet's signature stands in the proof."""
    return (0, 0) if signature is None else (signature.r, int(signature.odd) << 255 | signature.s)


@dataclass(frozen=True, slots=True)
class Offer(_Signable):
    """One order of a site in one slot."""

    TYPE = _ORDER

    site: int
    slot: int
    sell: bool
    price: int  # limit, grains per Wh
    wh: int
    nonce: int  # of the site: 128 consecutive ones can be alive
    expiry: int  # unix seconds
    taker: str = NOBODY  # the only counterparty allowed; NOBODY for anyone
    relay_fee: int = 0  # grains for whoever brings it in, in proportion to what fills

    def pack(self, proof: int = 0) -> int:
        """The order's word; `proof` is the number of its proof in the call, from 1, or 0 for none.

        Raises:
            WordRefused: a field does not fit.
        """
        return _head(self, _leg(self.price, self.wh, 1), self.slot, proof)

    @classmethod
    def unpack(cls, word: int, taker: str = NOBODY) -> Self:
        """The order in a word without a proof; the taker it names stands beside it.

        Raises:
            WordRefused: no order packs to that word.
        """
        offer = cls(
            **_unpacked(word), slot=_slot_in(word), price=word >> 24 & 2**16 - 1, wh=word & ORDER_WH_MAX, taker=taker
        )
        if offer.pack() != word:
            raise WordRefused("the word has bits that no order has; copy it again")
        return offer

    def signed(self, signature: Signature | None, proof: int = 0) -> Signed:
        """With the owner's signature; None where a contract wallet's stands in the proof."""
        return Signed(self.pack(proof), *_words_of(signature))


@dataclass(frozen=True, slots=True)
class Strip(_Signable):
    """Orders of a site in up to 96 consecutive slots, each with its own price and energy (0 for none)."""

    TYPE = _STRIP

    site: int
    first_slot: int
    sell: bool
    prices: Sequence[int]  # limits, grains per Wh
    wh: Sequence[int]
    nonce: int
    expiry: int  # unix seconds
    taker: str = NOBODY
    relay_fee: int = 0  # grains for whoever brings it in, in proportion to what fills of the whole

    @property
    def head(self) -> int:
        """The word of everything but prices and energies.

        Raises:
            WordRefused: a field does not fit.
        """
        return _head(self, fits("number of slots", len(self.prices), 1, LEGS_MAX), self.first_slot)

    @property
    def slots(self) -> range:
        """The slots from the first to the last, those with nothing in them too."""
        return range(self.first_slot, self.first_slot + len(self.prices))

    @staticmethod
    def slots_in(head: int) -> int:
        """How many slots the strip of a head word has."""
        return head & _MASK_COUNT

    @classmethod
    def unpack(cls, head: int, legs: Sequence[tuple[int, int]], taker: str = NOBODY) -> Self:
        """The strip of a head word, and of a price and an energy for each of its slots.

        Raises:
            WordRefused: no strip has that head, or a leg does not fit.
        """
        strip = cls(
            **_unpacked(head),
            first_slot=_slot_in(head),
            taker=taker,
            prices=tuple(price for price, _ in legs),
            wh=tuple(wh for _, wh in legs),
        )
        if strip.head != head:
            raise WordRefused("the word has bits that no strip has; copy it again")
        strip.require_whole()
        return strip

    def require_whole(self) -> None:
        """Check that the desk could take it.

        Raises:
            WordRefused: a field does not fit, there are not as many prices as energies, or no energy at all.
        """
        self.signed(None)
        if not any(self.wh):
            raise WordRefused("energy of the strip is 0 Wh in all slots; give one of them some")

    def signed(self, signature: Signature | None) -> SignedStrip:
        """With the owner's signature; None where a contract wallet's stands in the proof.

        Raises:
            WordRefused: a field does not fit, or there are not as many prices as energies.
        """
        head, count = self.head, len(self.prices)
        if len(self.wh) != count:
            raise WordRefused(f"the strip has {count} prices and {len(self.wh)} energies; give one of each for a slot")
        words = [0] * -(-count // _LEGS_PER_WORD)
        for i, (price, wh) in enumerate(zip(self.prices, self.wh, strict=True)):
            words[i // _LEGS_PER_WORD] |= _leg(price, wh, 0) << _LEG_BITS * (i % _LEGS_PER_WORD)
        return SignedStrip(head, tuple(words), *_words_of(signature))
