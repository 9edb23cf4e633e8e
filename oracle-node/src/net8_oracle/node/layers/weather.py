"""Weather by the quarter hour, out of a file that a local sensor or a weather service fills.

A CSV file with a header: `time` (unix seconds, or ISO 8601 with its offset), `ghi` (W/m2 on a level surface) and
`temperature` (degrees C, may be empty). Values of one slot are averaged.
"""

import csv
from collections import defaultdict
from datetime import datetime
from pathlib import Path

from net8.units import SLOT_SECONDS

from net8_oracle.node.layers.table import SLOTS, Weather

__all__ = ["WeatherRefused", "of_day"]

_DAY_SECONDS = 86_400


class WeatherRefused(ValueError):
    """A weather file that cannot be used. The message says where and why."""


def _unix(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ValueError("time without offset") from None
        return moment.timestamp()


def of_day(path: Path, day: int) -> Weather | None:
    """Weather of a UTC day (days since 1970); None when the file does not tell of every slot of it.

    Raises:
        WeatherRefused: the file cannot be read, or a line is wrong.
    """
    ghi: defaultdict[int, list[float]] = defaultdict(list)
    air: defaultdict[int, list[float]] = defaultdict(list)
    try:
        with path.open(encoding="utf-8", newline="") as file:
            for number, row in enumerate(csv.DictReader(file), 2):
                try:
                    at = int((_unix(row["time"]) - day * _DAY_SECONDS) // SLOT_SECONDS)
                    if 0 <= at < SLOTS:
                        ghi[at].append(float(row["ghi"]))
                        if row["temperature"]:
                            air[at].append(float(row["temperature"]))
                except (KeyError, TypeError, ValueError) as fault:
                    raise WeatherRefused(f"{path}, line {number}: {fault}; write time,ghi,temperature") from None
    except OSError as fault:
        raise WeatherRefused(f"{path}: cannot be read ({fault.strerror})") from None
    if len(ghi) < SLOTS:
        return None
    temperature = [sum(air[at]) / len(air[at]) if at in air else None for at in range(SLOTS)]
    return Weather([sum(ghi[at]) / len(ghi[at]) for at in range(SLOTS)], temperature)
