"""What the street is asked to do: options of the command, each with an environment variable as its default.

`make demo HEADLESS=1 SLOTS=8` hands its variables on by the environment. Nothing else of the street reads it.
"""

import argparse
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from net8.units import SLOT_SECONDS, slot_of

__all__ = ["DEFAULT_DAY", "Options", "OptionsRefused", "parse"]

SLOTS_PER_DAY = 96
DEFAULT_DAY = "2025-07-25"  # clear: 25 kWp make 5 kWh in every quarter hour from 08:45 to 14:15
OPERATORS_LEAST, OPERATORS_MOST = 4, 31  # what the registry seats in a zone
SPREAD_MOST = 60_000  # ms: a real meter that is missed by more has no reading
DEFAULT_PLACE = "51.48,0.0"  # on the meridian of Greenwich: the clock of the chain is the sun's
_TRUE, _FALSE = ("1", "true", "yes", "on"), ("", "0", "false", "no", "off")


class OptionsRefused(ValueError):
    """An option that cannot be used. The message says which, what is wrong and what to write."""


@dataclass(frozen=True)
class Options:
    """A checked set of options."""

    homes: Path | None  # file to replay instead of the default street
    headless: bool
    slots: int | None  # to run; None: until stopped
    slot_seconds: float  # real seconds per slot when not headless
    start_minute: int | None  # local time of the first slot traded; None: chosen by the mode
    seed: int
    day: date
    latitude: float
    longitude: float
    operators: int  # oracle operators of the zone
    spread_ms: int  # over which the meters' answers are spread at a slot's end; 0: all at once
    run_folder: Path
    chain_port: int  # 0: any free one
    app_port: int
    street_port: int
    indexer_port: int

    @property
    def utc_offset(self) -> timedelta:
        """Of the street's local time: the whole hour closest to the sun's."""
        return timedelta(hours=math.floor(self.longitude / 15 + 0.5))

    @property
    def midnight_slot(self) -> int:
        """The slot in which the street's local day begins."""
        midnight = datetime(self.day.year, self.day.month, self.day.day, tzinfo=UTC) - self.utc_offset
        return slot_of(int(midnight.timestamp()))

    @property
    def first_slot(self) -> int:
        """The first slot that is traded."""
        if self.start_minute is not None:
            minute = self.start_minute
        elif not self.headless:
            minute = 8 * 60 + 30  # a large roof makes 5 kWh a quarter hour from now until noon and after
        elif self.slots is not None and self.slots >= SLOTS_PER_DAY:
            minute = 0  # a whole day begins at midnight
        else:
            minute = 10 * 60  # roofs produce
        return self.midnight_slot + minute * 60 // SLOT_SECONDS

    @property
    def factor(self) -> float:
        """How much faster than the wall's clock the chain's runs when not headless."""
        return SLOT_SECONDS / self.slot_seconds


def _whole(name: str, text: str, low: int, high: int) -> int:
    try:
        number = int(text)
    except ValueError:
        number = low - 1
    if not low <= number <= high:
        raise OptionsRefused(f"{name} is '{text}'; write a whole number from {low} to {high}")
    return number


def _switch(name: str, text: str) -> bool:
    if text.lower() not in _TRUE + _FALSE:
        raise OptionsRefused(f"{name} is '{text}'; write 1 for yes or 0 for no")
    return text.lower() in _TRUE


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = date.min
    if not 2000 <= day.year <= 2100:
        raise OptionsRefused(f"DAY is '{text}'; write a date from 2000 to 2100 as {DEFAULT_DAY}")
    return day


def _place(text: str) -> tuple[float, float]:
    try:
        latitude, longitude = (float(part) for part in text.split(","))
    except ValueError:
        latitude = longitude = math.nan
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise OptionsRefused(f"PLACE is '{text}'; write latitude and longitude in degrees as {DEFAULT_PLACE}")
    return latitude, longitude


def _start(text: str) -> int | None:
    if not text:
        return None
    hours, colon, minutes = text.partition(":")
    is_time = colon and hours.isdecimal() and minutes.isdecimal()
    if not (is_time and int(hours) < 24 and int(minutes) in (0, 15, 30, 45)):
        raise OptionsRefused(f"START is '{text}'; write the local start of a quarter hour as 10:15")
    return int(hours) * 60 + int(minutes)


def _slot_seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 2 <= seconds <= SLOT_SECONDS:
        raise OptionsRefused(f"SLOT_SECONDS is '{text}'; write real seconds per slot, from 2 to {SLOT_SECONDS}")
    return seconds


def _parser(environment: Mapping[str, str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m scripts.street",
        description="A street that trades on a local chain. Every option may also be given as a variable: "
        "make demo HEADLESS=1 SLOTS=8.",
    )

    def option(name: str, default: str, help_text: str) -> None:
        parser.add_argument(
            f"--{name.lower().replace('_', '-')}", dest=name, metavar=name, default=environment.get(name, default),
            help=help_text + (f" (default {default})" if default else ""),
        )  # fmt: skip

    option("HOMES", "", "CSV file to replay: slot_local, load_i..., pv_i... in kWh per quarter hour")
    parser.add_argument(
        "--headless", dest="HEADLESS", action="store_const", const="1", default=environment.get("HEADLESS", ""),
        help="run without the app, as fast as slots settle, and end with a line of JSON",
    )  # fmt: skip
    option("SLOTS", "", "slots to run; without it headless runs 8, the app until Ctrl-C")
    option("SLOT_SECONDS", "10", "real seconds per slot of 15 minutes, when not headless")
    option("START", "", "local time of the first traded slot; default 08:30, headless 10:00, a whole day 00:00")
    option("SEED", "8", "of everything random: loads, roofs, forecast errors, patience")
    option("DAY", DEFAULT_DAY, "day of the first slot; without HOMES from 1 July to 12 October of any year")
    option("PLACE", DEFAULT_PLACE, "where the street is, latitude,longitude; it decides the local time")
    option("OPERATORS", str(OPERATORS_LEAST), f"oracle operators, up to {OPERATORS_MOST}, each a node of its own")
    option(
        "SPREAD_MS", "0",
        "ms over which the meters' answers are spread at a slot's end, as real meters speak at moments of their own; "
        f"up to {SPREAD_MOST} and, unless headless, half a slot; 0: all at once",
    )  # fmt: skip
    option("RUN_FOLDER", ".street", "where keys, logs, settings and stamps of the run go; emptied at the start")
    option("CHAIN_PORT", "8545", "of the local chain; 0 takes a free one")
    option("APP_PORT", "8501", "of the web app; 0 takes a free one")
    option("STREET_PORT", "8600", "of the street's own service for newcomers; 0 takes a free one")
    option("INDEXER_PORT", "8700", "of the indexer's HTTP API; 0 takes a free one")
    return parser


def parse(arguments: Sequence[str] | None = None, environment: Mapping[str, str] = os.environ) -> Options:
    """Options from the command line, else from the environment, else their defaults.

    Raises:
        OptionsRefused: one of them cannot be used.
    """
    given = vars(_parser(environment).parse_args(arguments))
    headless = _switch("HEADLESS", given["HEADLESS"])
    latitude, longitude = _place(given["PLACE"])
    slots = given["SLOTS"] or ("8" if headless else "")
    slot_seconds = _slot_seconds(given["SLOT_SECONDS"])
    # Headless, a slot waits for its readings. Otherwise the next one ends all the same, and the street lags.
    spread_most = SPREAD_MOST if headless else min(SPREAD_MOST, int(slot_seconds * 500))
    return Options(
        homes=Path(given["HOMES"]) if given["HOMES"] else None,
        headless=headless,
        slots=_whole("SLOTS", slots, 1, 100_000) if slots else None,
        slot_seconds=slot_seconds,
        start_minute=_start(given["START"]),
        seed=_whole("SEED", given["SEED"], 0, 2**32 - 1),
        day=_day(given["DAY"]),
        latitude=latitude,
        longitude=longitude,
        operators=_whole("OPERATORS", given["OPERATORS"], OPERATORS_LEAST, OPERATORS_MOST),
        spread_ms=_whole("SPREAD_MS", given["SPREAD_MS"], 0, spread_most),
        run_folder=Path(given["RUN_FOLDER"]),
        chain_port=_whole("CHAIN_PORT", given["CHAIN_PORT"], 0, 65535),
        app_port=_whole("APP_PORT", given["APP_PORT"], 0, 65535),
        street_port=_whole("STREET_PORT", given["STREET_PORT"], 0, 65535),
        indexer_port=_whole("INDEXER_PORT", given["INDEXER_PORT"], 0, 65535),
    )
