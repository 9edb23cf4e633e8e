"""Words of a report, packed as the exchange reads them."""

from collections.abc import Iterable, Mapping


def entry(site: int, hour: int, exported: Mapping[int, int], imported: Mapping[int, int] | None = None) -> int:
    """Metered slots of a site's hour: {slot of the hour: Wh}. A slot in either mapping is covered."""
    imported = imported or {}
    word = (site & 0xFFFF) << 200 | hour << 216
    for slot in {*exported, *imported}:
        word |= 1 << 192 + slot
        word |= (exported.get(slot, 0) | imported.get(slot, 0) << 24) << 48 * slot
    return word


def no_reading(site: int, hour: int, slots: int) -> int:
    """Slots of a site's hour, a mask, for which the operators found no reading."""
    return (site & 0xFFFF) << 200 | hour << 216 | slots << 192 | slots << 196


def packed(words: Iterable[int]) -> bytes:
    """Entries as a report carries them, one after the other."""
    return b"".join(word.to_bytes(32) for word in words)
