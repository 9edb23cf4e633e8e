"""From observations to the one report: pure functions, the same result in every honest operator.

A reading in an observation is one word: layers << 65 | site index << 49 | no reading << 48 | import << 24 | export, in
Wh. `layers` are the data layers that agreed with the reading (`net8_oracle.node.layers.Layer`): their operator signs
them, and the report follows from the rest of the word alone.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from net8.units import SLOTS_PER_HOUR, hour_of_slot

__all__ = [
    "ObservationRefused",
    "agree",
    "bare",
    "check_observation",
    "faulty",
    "imports_follow",
    "index_of",
    "layers_of",
    "leader_seat",
    "no_reading",
    "quorum",
    "reading_word",
    "rests_on",
    "settlement_entries",
    "with_layers",
]

_ENERGY_MAX = 2**24 - 1  # Wh in a slot that a report can carry
_NO_READING = 1 << 48
_INDEX_SHIFT = 49
_INDEX_MAX = 2**16 - 1
_LAYERS_SHIFT = 65
_BARE_MASK = (1 << _LAYERS_SHIFT) - 1
_VALUE_MASK = _NO_READING - 1


class ObservationRefused(ValueError):
    """An observation that no honest operator makes. The message says why."""


def faulty(operators: int) -> int:
    """How many of so many operators may lie or be silent: f of n >= 3f + 1."""
    return (operators - 1) // 3


def quorum(operators: int) -> int:
    """Signatures a report needs: floor(2n/3) + 1, as the registry counts."""
    return 2 * operators // 3 + 1


def leader_seat(slot: int, part: int, round_: int, operators: int) -> int:
    """Seat of the operator that leads a round; each slot and each round begins with the next one."""
    return (slot + part + round_) % operators


def reading_word(index: int, exported: int, imported: int) -> int:
    """A site's energy in a slot, in Wh; what is beyond a report's 24 bits counts as no reading."""
    if not (0 <= exported <= _ENERGY_MAX and 0 <= imported <= _ENERGY_MAX):
        return no_reading(index)
    return index << _INDEX_SHIFT | imported << 24 | exported


def no_reading(index: int) -> int:
    """A site of which no complete reading is there."""
    return index << _INDEX_SHIFT | _NO_READING


def index_of(word: int) -> int:
    """Site index of a word."""
    return word >> _INDEX_SHIFT & _INDEX_MAX


def with_layers(word: int, layers: int) -> int:
    """A bare word together with the layers that agreed."""
    return layers << _LAYERS_SHIFT | word


def layers_of(word: int) -> int:
    """The layers that agreed, of a word."""
    return word >> _LAYERS_SHIFT


def bare(word: int) -> int:
    """A word without its layers: what a report follows from."""
    return word & _BARE_MASK


def check_observation(readings: Sequence[int], first_index: int, last_index: int) -> None:
    """Refuse words out of order, outside the part, or with energies beside "no reading".

    Raises:
        ObservationRefused: what is wrong with them.
    """
    before = first_index - 1
    for word in readings:
        index = word >> _INDEX_SHIFT & _INDEX_MAX
        if index <= before:
            raise ObservationRefused(f"site index {index} comes after {before}; they must ascend within the part")
        if word & _NO_READING and word & _VALUE_MASK:
            raise ObservationRefused(f"site index {index} has energies and no reading at once")
        before = index
    if before > last_index:
        raise ObservationRefused(f"site index {before} is beyond the part's last, {last_index}")


def agree(observations: Sequence[Sequence[int]], operators: int) -> list[int]:
    """What the observations together say of each site, as words without layers, ascending.

    A site that most observations do not name is left out. A site is without reading when most observations say so.
    Otherwise it has the median export and the median import; with at most f liars in 2f + 1 observations a median
    lies between honest values. As meters sign their readings, honest values are equal: a pair that fewer than f + 1
    observations state exactly is no meter's, and the site counts as without reading.
    """
    stated_by = [[word & _BARE_MASK for word in readings] for readings in observations]
    if all(words == stated_by[0] for words in stated_by):
        return stated_by[0]
    total = len(observations)
    said: defaultdict[int, list[int]] = defaultdict(list)
    for words in stated_by:
        for word in words:
            said[word >> _INDEX_SHIFT].append(word)
    agreed = []
    for index in sorted(said):
        words = said[index]
        if 2 * len(words) <= total:
            continue
        stated = [word & _VALUE_MASK for word in words if not word & _NO_READING]
        if 2 * (total - len(stated)) > total:
            agreed.append(no_reading(index))
            continue
        exported = sorted(value & _ENERGY_MAX for value in stated)[(len(stated) - 1) // 2]
        imported = sorted(value >> 24 for value in stated)[(len(stated) - 1) // 2]
        pair = imported << 24 | exported
        known = Counter(stated)[pair] > faulty(operators)
        agreed.append(index << _INDEX_SHIFT | pair if known else no_reading(index))
    return agreed


def rests_on(observations: Sequence[Sequence[int]], operators: int) -> dict[int, int]:
    """Which layers agree with each site's reading, by site index: those that f + 1 operators name, so an honest one."""
    named: defaultdict[int, Counter[int]] = defaultdict(Counter)
    for readings in observations:
        for word in readings:
            named[index_of(word)][word >> _LAYERS_SHIFT] += 1
    enough = faulty(operators) + 1
    return {
        index: sum(
            layer for layer in (1, 2, 4) if sum(times for mask, times in masks.items() if mask & layer) >= enough
        )
        for index, masks in named.items()
    }


def settlement_entries(agreed: Sequence[int], slot: int, bought: Mapping[int, int]) -> tuple[int, ...]:
    """The report's words for one slot: export as agreed, import no higher than what the site bought (Wh by index).

    Layout: `net8.packing.Entry`, written here without objects because a hundred sites pass within milliseconds.
    """
    hour, place = hour_of_slot(slot), slot % SLOTS_PER_HOUR
    head = hour << 216 | 1 << (192 + place)
    entries = []
    for word in agreed:
        index = word >> _INDEX_SHIFT
        entry = head | index << 200
        if word & _NO_READING:
            entry |= 1 << (196 + place)
        else:
            imported = min(word >> 24 & _ENERGY_MAX, bought.get(index, 0))
            entry |= (imported << 24 | word & _ENERGY_MAX) << 48 * place
        entries.append(entry)
    return tuple(entries)


def imports_follow(entries: Sequence[int], own: Sequence[int], slot: int, bought: Mapping[int, int]) -> bool:
    """Whether a report's imports are what readings and purchases (Wh by site index) give, as far as `own` knows.

    A report that was made while the chain was gone may rest on purchases as they were before.
    """
    place, known = slot % SLOTS_PER_HOUR, {word >> _INDEX_SHIFT: word for word in own if not word & _NO_READING}
    for entry in entries:
        index, imported = entry >> 200 & 0xFFFF, entry >> 48 * place + 24 & _ENERGY_MAX
        most = bought.get(index, 0)
        metered = known[index] >> 24 & _ENERGY_MAX if index in known else imported
        if not entry >> 196 + place & 1 and imported != min(metered, most):
            return False
    return True
