"""A household out of a file: loads and PV in kWh per quarter hour become the registers of a meter.

The file has a header and one row per slot: a first column that says when, then columns such as `load_3` and `pv_3`.
Rows repeat when the file ends. The registers at any slot boundary are a function of the file alone, so a restart
needs no memory; each slot's energy differs from the file by less than 1 Wh, because cumulative sums are cut, not slots.
"""

import asyncio
import csv
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

from net8.units import slot_start
from pydantic import Field, model_validator

from net8_oracle.gateway.state import MeterState, SourceFault, SourceSettings
from net8_oracle.settings import ConfigRefused, FilePath

__all__ = ["CsvReplay"]


class Options(SourceSettings):
    """Which columns of which file, and which slot its first row is."""

    path: FilePath
    load: str | int | None = None  # name of the column, or its position counted from 0
    pv: str | int | None = None
    start_slot: int = Field(default=0, ge=0)  # slot of the first row; 0: row = slot modulo the number of rows
    delay_ms: int = Field(default=0, ge=0, le=60_000)  # until it answers: real meters take their time, each its own

    @model_validator(mode="after")
    def _some_column(self) -> "Options":
        if self.load is None and self.pv is None:
            raise ValueError("neither load nor pv is given; name at least one column")
        return self


@lru_cache(maxsize=4)
def _table(path: Path) -> list[list[str]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = [row for row in csv.reader(file) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as fault:
        raise ConfigRefused(f"{path}: cannot be read as CSV ({fault}); give the path of a CSV file") from None
    if len(rows) < 2:
        raise ConfigRefused(f"{path}: has no rows; it needs a header and one row per quarter hour")
    return rows


def _column(path: Path, column: str | int | None) -> list[Decimal]:
    """A column in Wh per slot; zeros when there is none."""
    header, *rows = _table(path)
    if column is None:
        return [Decimal(0)] * len(rows)
    if isinstance(column, str):
        if column not in header:
            raise ConfigRefused(f"{path}: has no column '{column}'; there are {', '.join(header[:6])} ...")
        column = header.index(column)
    if not 0 <= column < len(header):
        raise ConfigRefused(f"{path}: has no column {column}; it has {len(header)}, counted from 0")
    energies = []
    for line, row in enumerate(rows, start=2):
        try:
            energy = Decimal(row[column]) * 1000
        except (IndexError, ArithmeticError):
            energy = Decimal("NaN")
        if not energy.is_finite() or energy < 0:
            raise ConfigRefused(
                f"{path}: line {line}, column {header[column]} is not an energy in kWh; write a number from 0"
            )
        energies.append(energy)
    return energies


def _running_sums(energies: list[Decimal]) -> list[Decimal]:
    sums = [Decimal(0)]
    for energy in energies:
        sums.append(sums[-1] + energy)
    return sums


class CsvReplay:
    """A meter that replays a file."""

    replays: ClassVar[bool] = True

    def __init__(self, options: Options) -> None:
        """Reads the file.

        Raises:
            ConfigRefused: it cannot be read, or a column is missing or holds something else than energies.
        """
        load, pv = _column(options.path, options.load), _column(options.path, options.pv)
        zero = Decimal(0)
        self._imported = _running_sums([max(used - made, zero) for used, made in zip(load, pv, strict=True)])
        self._exported = _running_sums([max(made - used, zero) for used, made in zip(load, pv, strict=True)])
        self._start_slot = options.start_slot
        self._delay = options.delay_ms / 1000  # seconds

    def _register(self, sums: list[Decimal], boundary: int) -> int:
        laps, row = divmod(boundary - self._start_slot, len(sums) - 1)
        return int(laps * sums[-1] + sums[row])

    async def read(self, boundary: int) -> MeterState:
        """Registers at the start of slot `boundary`, told `delay_ms` later."""
        if boundary < self._start_slot:
            raise SourceFault(f"the file begins at slot {self._start_slot}; slot {boundary} lies before it")
        await asyncio.sleep(self._delay)
        return MeterState(
            slot_start(boundary), self._register(self._imported, boundary), self._register(self._exported, boundary)
        )

    async def close(self) -> None:
        """Nothing is held open."""
