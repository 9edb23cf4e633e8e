"""Where readings come from. A new kind of source is one file here and one line in `KINDS`.

A source's file has a pydantic model `Options` for its table in the configuration (besides `kind`), and a class
with a constructor that takes it and the methods of `Source`.
"""

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar, Protocol

from net8_oracle.settings import ConfigRefused, validated

__all__ = ["KINDS", "Registers", "Source", "SourceFault", "make"]

# kind -> module and class, which has its options beside it; loaded when first used: a small board pays for its meter
KINDS = {
    "csv": ("net8_oracle.gateway.sources.csv_replay", "CsvReplay"),
    "sunspec": ("net8_oracle.gateway.sources.sunspec", "SunSpecMeter"),
}


class SourceFault(RuntimeError):
    """A meter that did not answer, or answered what no meter says. The message says which and what to check."""


@dataclass(frozen=True, slots=True)
class Registers:
    """What a meter shows: cumulative registers in whole Wh and when they were read."""

    taken_at: int  # unix seconds
    import_wh: int
    export_wh: int


class Source(Protocol):
    """A meter."""

    replays: ClassVar[bool]  # can tell the registers of a boundary that is long past

    def __init__(self, options: Any) -> None:  # noqa: ANN401 - each source its own
        """From a checked table of options.

        Raises:
            ConfigRefused: what the options name does not exist or cannot be used.
        """

    async def read(self, boundary: int, now: int) -> Registers:
        """Registers at the start of slot `boundary`, or, from a real meter, right now (`now`, unix seconds).

        Raises:
            SourceFault: they could not be read; the gateway tries again while the boundary lasts.
        """

    async def close(self) -> None:
        """Let the meter go."""


def make(table: dict[str, Any], where: str, folder: Path) -> Source:
    """The source that a `[meters.source]` table describes.

    Raises:
        ConfigRefused: the kind is unknown or an option is wrong.
    """
    options = dict(table)
    kind = options.pop("kind", None)
    if kind not in KINDS:
        raise ConfigRefused(f"{where}.kind is {kind!r}; there are {', '.join(sorted(KINDS))}")
    module, name = KINDS[kind]
    implementation = import_module(module)
    source: type[Source] = getattr(implementation, name)
    return source(validated(implementation.Options, options, where, folder))
