"""Input data of the street: a CSV file with one row per quarter hour and kWh in its columns.

    slot_local,load_0,load_1,pv_0
    00:00,0.081,0.120,0

Home i has `load_i` and, where there is one, `pv_i`. `slot_local` is the local time at which the quarter hour starts.
When the file ends, its rows begin anew.
"""

import csv
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path

__all__ = ["HOMES_MAX", "Home", "Inputs", "InputsRefused", "read", "write"]

HOMES_MAX = 200
MINUTES_PER_SLOT = 15
KWH_MAX = Decimal(2000)  # per quarter hour: what fits an order of the exchange, 2**21 Wh
NAMEPLATE_MARGIN = Decimal("1.2")  # a roof's nameplate over its measured peak, so that a clear day stays plausible

_TIME = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])(?::00)?")
_COLUMN = re.compile(r"(load|pv)_(0|[1-9][0-9]*)")


class InputsRefused(ValueError):
    """A file of homes that cannot be used. The message is one sentence: where, what is wrong, what to do."""


@dataclass(frozen=True)
class Home:
    """Energy of one site in kWh per quarter hour, row by row."""

    index: int  # as in load_<index>
    load: tuple[Decimal, ...]
    pv: tuple[Decimal, ...] | None

    @property
    def nameplate(self) -> int:
        """W: 1.2 times the peak of its PV, rounded up; 0 without any."""
        peak_kwh = max(self.pv, default=Decimal(0)) if self.pv else Decimal(0)
        return math.ceil(peak_kwh * 4 * 1000 * NAMEPLATE_MARGIN)

    def net(self, row: int) -> tuple[Decimal, Decimal]:
        """(export, import) in Wh in a row; rows wrap."""
        row %= len(self.load)
        surplus = ((self.pv[row] if self.pv else Decimal(0)) - self.load[row]) * 1000
        return max(surplus, Decimal(0)), max(-surplus, Decimal(0))


@dataclass(frozen=True)
class Inputs:
    """All homes of a street and where their data lies."""

    path: Path
    homes: tuple[Home, ...]
    first_minute: int  # local time of the first row, minutes from midnight

    @property
    def rows(self) -> int:
        """Quarter hours after which the data repeats."""
        return len(self.homes[0].load)

    @property
    def largest_consumer(self) -> int:
        """Position of the home that uses the most energy; the street's bakery where there is one."""
        return max(range(len(self.homes)), key=lambda i: sum(self.homes[i].load))


def _rows(path: Path) -> list[tuple[int, list[str]]]:
    """(line number, cells) of every line that is not empty."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            lines = csv.reader(file)
            return [(lines.line_num, cells) for cells in lines if any(cell.strip() for cell in cells)]
    except OSError as fault:
        raise InputsRefused(f"{path}: cannot be read ({fault.strerror}); give the path of a CSV file") from None
    except (UnicodeDecodeError, csv.Error) as fault:
        raise InputsRefused(f"{path}: is not CSV text ({fault}); export it as CSV in UTF-8") from None


def _columns(path: Path, header: Sequence[str]) -> tuple[dict[int, int], dict[int, int]]:
    """Where load_i and pv_i stand, as {i: column}."""
    if not header or header[0].strip() != "slot_local":
        raise InputsRefused(f"{path}: the first column is '{header[0] if header else ''}'; it must be slot_local")
    places: dict[str, dict[int, int]] = {"load": {}, "pv": {}}
    for column, name in enumerate(header[1:], start=1):
        match = _COLUMN.fullmatch(name.strip())
        if match is None:
            raise InputsRefused(f"{path}: column '{name}' is unknown; use slot_local, load_0, load_1 ... and pv_0 ...")
        of_kind, index = places[match[1]], int(match[2])
        if index in of_kind:
            raise InputsRefused(f"{path}: column {name.strip()} is there twice; keep one")
        of_kind[index] = column
    loads, pvs = places["load"], places["pv"]
    if not loads:
        raise InputsRefused(f"{path}: has no column load_0; a street needs at least one home")
    if len(loads) > HOMES_MAX:
        raise InputsRefused(f"{path}: has {len(loads)} homes; at most {HOMES_MAX} can take part")
    for index in range(len(loads)):
        if index not in loads:
            raise InputsRefused(f"{path}: column load_{index} is missing; number the homes from 0 without a gap")
    for index in pvs:
        if index not in loads:
            raise InputsRefused(f"{path}: pv_{index} has no load_{index}; every roof belongs to a home")
    return loads, pvs


def _minute(path: Path, line: int, text: str) -> int:
    match = _TIME.fullmatch(text.strip())
    if match is None or int(match[2]) % MINUTES_PER_SLOT:
        raise InputsRefused(f"{path}: line {line}: slot_local is '{text}'; write the start of a quarter hour as 06:15")
    return int(match[1]) * 60 + int(match[2])


def _energy(path: Path, line: int, column: str, text: str) -> Decimal:
    try:
        energy = Decimal(text.strip())
    except InvalidOperation:
        energy = Decimal("NaN")
    if not energy.is_finite() or not 0 <= energy <= KWH_MAX:
        raise InputsRefused(
            f"{path}: line {line}: {column.strip()} is '{text}'; write kWh in the quarter hour, from 0 to {KWH_MAX}"
        )
    return energy


def _checked_rows(path: Path, header: Sequence[str], rows: Sequence[tuple[int, list[str]]]) -> Iterator[list[Decimal]]:
    """The energies of each row, in the order of the header (the time left out)."""
    expected: int | None = None
    for line, cells in rows:
        if len(cells) != len(header):
            raise InputsRefused(f"{path}: line {line} has {len(cells)} cells; the header has {len(header)}")
        minute = _minute(path, line, cells[0])
        if expected is not None and minute != expected:
            raise InputsRefused(
                f"{path}: line {line}: slot_local is {cells[0].strip()} after a row that ends at "
                f"{expected // 60:02}:{expected % 60:02}; rows follow each other every 15 minutes"
            )
        expected = (minute + MINUTES_PER_SLOT) % (24 * 60)
        yield [_energy(path, line, name, text) for name, text in zip(header[1:], cells[1:], strict=True)]


def read(path: Path) -> Inputs:
    """Read and check a file of homes.

    Raises:
        InputsRefused: the file cannot be read, or a column, time or energy in it cannot be used.
    """
    lines = _rows(path)
    if len(lines) < 2:
        raise InputsRefused(f"{path}: has no rows; write a header and one row per quarter hour")
    (_, header), *rows = lines
    loads, pvs = _columns(path, header)
    table = list(_checked_rows(path, header, rows))

    def column(place: int) -> tuple[Decimal, ...]:
        return tuple(energies[place - 1] for energies in table)

    homes = tuple(
        Home(index, column(loads[index]), column(pvs[index]) if index in pvs else None) for index in range(len(loads))
    )
    return Inputs(path, homes, _minute(path, rows[0][0], rows[0][1][0]))


def write(path: Path, homes: Sequence[Home], first_minute: int = 0) -> None:
    """Write homes in the format that `read` takes; energies with as many decimals as they have."""
    with_pv = [home for home in homes if home.pv is not None]
    header = ["slot_local", *(f"load_{home.index}" for home in homes), *(f"pv_{home.index}" for home in with_pv)]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        for row in range(len(homes[0].load)):
            minute = (first_minute + row * MINUTES_PER_SLOT) % (24 * 60)
            energies = [home.load[row] for home in homes] + [home.pv[row] for home in with_pv if home.pv]
            writer.writerow([f"{minute // 60:02}:{minute % 60:02}", *energies])
