"""The exchange's packed words, field by field.

Every word is one integer on chain. Here each is a dataclass with `pack` and `unpack`; what does not fit its field
is refused with one sentence instead of spilling into the neighbour.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

from net8.model import LEVELS, Order, OrderKind, Outcome, Position, Terms, site_id
from net8.units import SLOTS_PER_HOUR, slots_of_hour

__all__ = [
    "NET_WH_MAX",
    "ORDER_WH_MAX",
    "VALUE_MAX",
    "Entry",
    "OpenSlot",
    "OrderId",
    "OrderRequest",
    "PositionWord",
    "SettledSlot",
    "TermsWord",
    "WordRefused",
    "certificate_id",
    "certificate_of",
    "fits",
    "join_words",
    "order_of",
    "pack_entries",
    "position_of",
    "positions_of",
    "split_words",
]

ORDER_WH_MAX = 2**21 - 1
NET_WH_MAX = 2**21 - 1
VALUE_MAX = 2**33 - 1

_WORD = 2**256
_WORD_BYTES = 32
_ZONE_BITS = 32
_SLOT_BITS = 24
_INDEX_BITS = 13
_EXPIRY_BITS = 32
_ENERGY_BITS = 24


class WordRefused(ValueError):
    """A value that has no place in the word. The message names the field and its range."""


def fits(name: str, value: int, low: int, high: int) -> int:
    """`value` if it is from `low` to `high`.

    Raises:
        WordRefused: it is not; the message names it.
    """
    if not low <= value <= high:
        raise WordRefused(f"{name} is {value}; it must be from {low} to {high}")
    return value


def _bits(word: int, shift: int, width: int) -> int:
    return word >> shift & ((1 << width) - 1)


def _signed(raw: int, width: int) -> int:
    return raw - (1 << width) if raw >> (width - 1) else raw


@dataclass(frozen=True, slots=True, order=True)
class OrderId:
    """Where an order stands: `zone << 49 | slot << 25 | sell << 24 | level << 16 | index`."""

    zone: int
    slot: int
    sell: bool
    level: int  # price step, 0 to 223
    index: int  # counts the orders of its level, modulo 8192

    def pack(self) -> int:
        """The order id of the exchange."""
        return (
            fits("zone", self.zone, 1, 2**_ZONE_BITS - 1) << 49
            | fits("slot", self.slot, 0, 2**_SLOT_BITS - 1) << 25
            | int(self.sell) << 24
            | fits("level", self.level, 0, LEVELS - 1) << 16
            | fits("index", self.index, 0, 2**_INDEX_BITS - 1)
        )

    @classmethod
    def unpack(cls, order: int) -> Self:
        """The parts of an order id."""
        fits("order", order, 1 << 49, 2 ** (49 + _ZONE_BITS) - 1)
        level = fits("level", _bits(order, 16, 8), 0, LEVELS - 1)
        index = fits("index", _bits(order, 0, 16), 0, 2**_INDEX_BITS - 1)
        return cls(order >> 49, _bits(order, 25, _SLOT_BITS), bool(order >> 24 & 1), level, index)

    def price(self, terms: Terms) -> int:
        """Price of the order in grains per Wh, given the terms of its hour."""
        return terms.price_of(self.level)


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """One order of `place_many`: wh 0..23 | price 24..47 | kind 48..55 | sell 56..63 | slot 64..95 | expiry 96..135."""

    slot: int
    sell: bool
    price: int  # grains per Wh
    wh: int
    kind: OrderKind = OrderKind.LIMIT
    expiry: int = 0  # unix seconds from which it trades no more once it rests; 0: the gate of its slot

    def pack(self) -> int:
        """The word for `place_many`."""
        return (
            fits("energy of the order (Wh)", self.wh, 1, ORDER_WH_MAX)
            | fits("price (grains per Wh)", self.price, 1, 2**24 - 1) << 24
            | int(self.kind) << 48
            | int(self.sell) << 56
            | fits("slot", self.slot, 0, 2**_SLOT_BITS - 1) << 64
            | fits("expiry (unix seconds)", self.expiry, 0, 2**_EXPIRY_BITS - 1) << 96
        )

    @classmethod
    def unpack(cls, word: int) -> Self:
        """The order in a word for `place_many`."""
        fits("order word", word, 0, 2**136 - 1)
        return cls(
            slot=_bits(word, 64, 32),
            sell=bool(fits("sell", _bits(word, 56, 8), 0, 1)),
            price=_bits(word, 24, 24),
            wh=_bits(word, 0, 24),
            kind=OrderKind(fits("kind", _bits(word, 48, 8), 0, max(OrderKind))),
            expiry=fits("expiry (unix seconds)", word >> 96, 0, 2**_EXPIRY_BITS - 1),
        )


@dataclass(frozen=True, slots=True)
class TermsWord:
    """Terms of an hour as the exchange keeps them: eight fields of 16 bits, the gate's of 8, and what is reported."""

    terms: Terms
    reported_mask: int  # bit i: a report has settled something in slot i of the hour

    @classmethod
    def unpack(cls, word: int) -> Self | None:
        """The terms in a word; None for 0, an hour not used yet."""
        if word == 0:
            return None
        feed_in, imbalance, grid_fee, oracle_fee, floor, step, min_wh = (_bits(word, 16 * i, 16) for i in range(7))
        terms = Terms(feed_in, imbalance, grid_fee, oracle_fee, floor, step, _bits(word, 112, 8), min_wh)
        return cls(terms, _bits(word, 128, 4))


@dataclass(frozen=True, slots=True)
class OpenSlot:
    """A position that is not settled yet: Wh sold minus bought, grains received minus paid."""

    net_wh: int = 0
    value: int = 0

    def pack(self) -> int:
        """58 bits: state 0 | net_wh int22 | value int34."""
        net_wh = fits("net energy (Wh)", self.net_wh, -NET_WH_MAX, NET_WH_MAX)
        value = fits("value (grains)", self.value, -VALUE_MAX, VALUE_MAX)
        return (net_wh & 2**22 - 1) << 34 | value & 2**34 - 1


@dataclass(frozen=True, slots=True)
class SettledSlot:
    """A slot that is closed for a site."""

    outcome: Outcome
    exported: int  # Wh
    imported: int  # Wh, no more than was bought

    def pack(self) -> int:
        """58 bits: state 1 | outcome 2 | imported 24 | exported 24."""
        fits("outcome", self.outcome, Outcome.METERED, Outcome.AS_TRADED)
        return (
            1 << 56
            | int(self.outcome) << 48
            | fits("imported energy (Wh)", self.imported, 0, 2**_ENERGY_BITS - 1) << 24
            | fits("exported energy (Wh)", self.exported, 0, 2**_ENERGY_BITS - 1)
        )


def _unpack_slot(raw: int) -> OpenSlot | SettledSlot:
    if _bits(raw, 56, 2) == 0:
        return OpenSlot(_signed(_bits(raw, 34, 22), 22), _signed(_bits(raw, 0, 34), 34))
    return SettledSlot(Outcome(_bits(raw, 48, 2)), _bits(raw, 0, 24), _bits(raw, 24, 24))


@dataclass(frozen=True, slots=True)
class PositionWord:
    """The four positions of a site in one hour: hour 232..255, slot i of the hour at bits 58*i."""

    hour: int
    slots: tuple[OpenSlot | SettledSlot, OpenSlot | SettledSlot, OpenSlot | SettledSlot, OpenSlot | SettledSlot]

    def pack(self) -> int:
        """The storage word."""
        word = fits("hour", self.hour, 0, 2**24 - 1) << 232
        for i, slot in enumerate(self.slots):
            word |= slot.pack() << 58 * i
        return word

    @classmethod
    def unpack(cls, word: int, hour: int) -> Self:
        """The positions of `hour` in a storage word; a word left there by another hour counts as empty."""
        fits("position word", word, 0, _WORD - 1)
        if word >> 232 != hour:
            word = 0
        first, second, third, fourth = (_unpack_slot(_bits(word, 58 * i, 58)) for i in range(SLOTS_PER_HOUR))
        return cls(hour, (first, second, third, fourth))


@dataclass(frozen=True, slots=True)
class Entry:
    """What a report says about one site in one hour.

    slot i at bits 48*i: export 24 | import 24; slots covered 192..195; of those without a reading 196..199;
    site index 200..215; hour 216..247. The zone is the report's.
    """

    hour: int
    index: int  # site index within the zone
    readings: dict[int, tuple[int, int] | None]  # slot of the hour (0..3) -> (export, import) in Wh; None: no reading

    def pack(self) -> int:
        """The word for `report`."""
        if not self.readings:
            raise WordRefused(f"entry of site {self.index} in hour {self.hour} covers no slot; leave it out")
        word = fits("hour", self.hour, 0, 2**32 - 1) << 216 | fits("site index", self.index, 1, 2**16 - 1) << 200
        for i, reading in self.readings.items():
            fits("slot of the hour", i, 0, SLOTS_PER_HOUR - 1)
            word |= 1 << (192 + i)
            if reading is None:
                word |= 1 << (196 + i)
                continue
            exported, imported = reading
            limit = 2**_ENERGY_BITS - 1
            word |= fits("exported energy (Wh)", exported, 0, limit) << 48 * i
            word |= fits("imported energy (Wh)", imported, 0, limit) << (48 * i + 24)
        return word

    @classmethod
    def unpack(cls, word: int) -> Self:
        """The entry in a word of a report."""
        fits("settlement entry", word, 0, 2**248 - 1)
        readings: dict[int, tuple[int, int] | None] = {}
        for i in range(SLOTS_PER_HOUR):
            if not word >> (192 + i) & 1:
                continue
            no_reading = word >> (196 + i) & 1
            readings[i] = None if no_reading else (_bits(word, 48 * i, 24), _bits(word, 48 * i + 24, 24))
        return cls(_bits(word, 216, 32), _bits(word, 200, 16), readings)

    def site(self, zone: int) -> int:
        """Id of the site, given the report's zone."""
        return site_id(zone, self.index)

    def slots(self) -> list[int]:
        """The slots this entry settles."""
        return [slots_of_hour(self.hour)[i] for i in sorted(self.readings)]


def pack_entries(entries: Iterable[Entry]) -> list[int]:
    """Words of a report in the order the exchange wants: by hour, then by site.

    Raises:
        WordRefused: two entries for the same site and hour; merge their readings.
    """
    words = sorted(entry.pack() for entry in entries)
    for before, after in pairwise(words):
        if before >> 200 == after >> 200:
            twice = Entry.unpack(after)
            raise WordRefused(f"site {twice.index} has two entries for hour {twice.hour}; merge them into one")
    return words


def join_words(words: Iterable[int]) -> bytes:
    """Words one after the other, as reports are submitted and hashed."""
    return b"".join(word.to_bytes(_WORD_BYTES) for word in words)


def split_words(joined: bytes) -> list[int]:
    """The words that `join_words` put together."""
    return [int.from_bytes(joined[at : at + _WORD_BYTES]) for at in range(0, len(joined), _WORD_BYTES)]


def certificate_id(site: int, hour: int) -> int:
    """ERC-1155 id of the certificates of a site's hour."""
    return fits("site", site, 1, _WORD // 2**32 - 1) << 32 | fits("hour", hour, 0, 2**32 - 1)


def certificate_of(token_id: int) -> tuple[int, int]:
    """(site, hour) of a certificate id."""
    return token_id >> 32, _bits(token_id, 0, 32)


def order_of(order_id: int, site: int, wh: int, terms: Terms) -> Order:
    """A resting order known by its id."""
    parts = OrderId.unpack(order_id)
    return Order(order_id, site, parts.sell, parts.price(terms), wh)


def positions_of(words: Sequence[int], hour: int) -> list[PositionWord]:
    """Many storage words of one hour, as the exchange's batch view returns them; most are empty."""
    empty = PositionWord.unpack(0, hour)
    return [PositionWord.unpack(word, hour) if word >> 232 == hour else empty for word in words]


def position_of(slot: OpenSlot | SettledSlot, margin: int) -> Position:
    """One slot of a position word as the exchange's view shows it."""
    if isinstance(slot, OpenSlot):
        return Position(slot.net_wh, slot.value, margin, Outcome.OPEN, 0, 0)
    return Position(0, 0, 0, slot.outcome, slot.exported, slot.imported)
