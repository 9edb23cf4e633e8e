"""Where readings come from. A new kind of source is one file here and one line in `KINDS`.

A source's file has a pydantic model `Options` for its table in the configuration (besides `kind`), and a class
with a constructor that takes it and the methods of `Source`. A file whose meters speak a format that can be told
from a single frame also has a function `decode` (made safe by `decoder`) and a line in `FORMATS`.
"""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar, Protocol

from net8_oracle.gateway.state import FrameRefused, MeterState, SourceFault, SourceSettings
from net8_oracle.settings import ConfigRefused, validated

__all__ = ["FORMATS", "KINDS", "FrameRefused", "MeterState", "Source", "SourceFault", "decode", "make"]

# kind -> module and class, which has its options beside it; loaded when first used: a small board pays for its meter
KINDS = {
    "csv": ("csv_replay", "CsvReplay"),
    "dsmr": ("dsmr", "DsmrMeter"),
    "fronius": ("fronius", "FroniusMeter"),
    "homeassistant": ("homeassistant", "HomeAssistantMeter"),
    "homewizard": ("homewizard", "HomeWizardMeter"),
    "mbus": ("mbus", "MbusMeter"),
    "ocmf": ("ocmf", "OcmfMeter"),
    "shelly": ("shelly", "ShellyMeter"),
    "sml": ("sml", "SmlMeter"),
    "sunspec": ("sunspec", "SunSpecMeter"),
    "tasmota": ("tasmota", "TasmotaMeter"),
}
FORMATS = ("dsmr", "fronius", "homewizard", "mbus", "ocmf", "shelly", "sml", "sunspec", "tasmota")


class Source(Protocol):
    """A meter."""

    replays: ClassVar[bool]  # can tell the registers of a boundary that is long past

    def __init__(self, options: Any) -> None:  # noqa: ANN401 - each source its own
        """From a checked table of options.

        Raises:
            ConfigRefused: what the options name does not exist or cannot be used.
        """

    async def read(self, boundary: int) -> MeterState:
        """What the meter shows at the start of slot `boundary`, or, a real one, when this returns.

        Raises:
            SourceFault: it could not be read; the gateway tries again while the boundary lasts.
        """

    async def close(self) -> None:
        """Let the meter go."""


def _module(kind: str) -> ModuleType:
    """The file of a kind.

    Raises:
        ConfigRefused: the library it needs is not installed.
    """
    name, _ = KINDS[kind]
    try:
        return import_module(f"{__name__}.{name}")
    except ModuleNotFoundError as fault:
        raise ConfigRefused(
            f"source '{kind}' needs the package {fault.name}, which is not installed; "
            f"run: pip install 'net8-oracle[{kind}]'"
        ) from None


def make(table: dict[str, Any], where: str, folder: Path) -> tuple[Source, SourceSettings]:
    """The source that a `[meters.source]` table describes, and what the table says of the meter.

    Raises:
        ConfigRefused: the kind is unknown, its library is missing, or an option is wrong.
    """
    options = dict(table)
    kind = options.pop("kind", None)
    if kind not in KINDS:
        raise ConfigRefused(f"{where}.kind is {kind!r}; there are {', '.join(sorted(KINDS))}")
    module = _module(kind)
    checked: SourceSettings = validated(module.Options, options, where, folder)
    source: Source = getattr(module, KINDS[kind][1])(checked)
    return source, checked


def decode(form: str, raw: bytes, key: str | None = None) -> MeterState:
    """What a meter said in one frame of a format of `FORMATS`; `key` is the meter's public key, for ocmf.

    Raises:
        FrameRefused: the bytes are no whole frame of that format.
        ConfigRefused: the format is unknown, its library is missing, or the key does not belong here or is none.
    """
    if form not in FORMATS:
        raise ConfigRefused(f"there is no format {form!r}; there are {', '.join(FORMATS)}")
    module = _module(form)
    function: Callable[..., MeterState] = module.decode
    if key is None:
        return function(raw)
    if form != "ocmf":
        raise ConfigRefused(f"format {form} is not signed; leave the key out")
    return function(raw, module.public_key(key))
