"""An electricity meter that speaks SML (Smart Message Language) on its optical port: the German modern meters.

Frames are decoded by pysml, which checks both checksums and undoes the wrong sign of DZG DVS74 firmware: that one
sends a positive power of which the highest bit is set as if it were negative.
"""

import re
from datetime import datetime
from typing import Any, ClassVar, Literal

from sml import SmlBase, SmlGetListResponse

from net8_oracle.gateway.state import FrameRefused, MeterState, decoder, whole
from net8_oracle.gateway.stream import Stream, StreamOptions

__all__ = ["Options", "SmlMeter", "decode"]

LARGEST = 16 * 1024  # bytes; a frame with all historic values has about 1,000
_ESCAPE = rb"\x1b\x1b\x1b\x1b"
_FRAME = re.compile(
    _ESCAPE + rb"\x01\x01\x01\x01(?:(?!" + _ESCAPE + rb").|" + _ESCAPE * 2 + rb")+" + _ESCAPE + rb"\x1a...", re.DOTALL
)
_SERIALS = ("1-0:96.1.0*255", "1-0:0.0.9*255")


class Options(StreamOptions):
    """Where the optical reading head is."""

    baudrate: int = 9_600
    parity: Literal["none", "even"] = "none"


def _entries(body: SmlGetListResponse) -> dict[str, dict[str, Any]]:
    entries: dict[str, dict[str, Any]] = {}
    for entry in body["valList"]:
        name = entry.get("objName")
        if isinstance(name, str) and name in entries and entries[name].get("value") != entry.get("value"):
            raise FrameRefused(f"{name} is in it twice with two values; read it again")
        if isinstance(name, str):
            entries[name] = entry
    return entries


def _number(entries: dict[str, dict[str, Any]], name: str, unit: str) -> int | None:
    entry = entries.get(f"1-0:{name}*255")
    if entry is None or "value" not in entry:
        return None
    if entry.get("unit") != unit:
        raise FrameRefused(f"{name} is in {entry.get('unit')}, not in {unit}; this meter cannot be settled")
    return whole(name, entry["value"])


def _register(entries: dict[str, dict[str, Any]], direction: int) -> int | None:
    """The register without tariff, else the sum of the tariffs."""
    total = _number(entries, f"{direction}.8.0", "Wh")
    if total is not None:
        return total
    tariffs = [_number(entries, f"{direction}.8.{tariff}", "Wh") for tariff in (1, 2)]
    return None if all(one is None for one in tariffs) else sum(one for one in tariffs if one is not None)


@decoder("sml", LARGEST)
def decode(raw: bytes) -> MeterState:
    """The registers of the first whole frame."""
    _, frame = SmlBase.find_frame(raw)
    if frame is None:
        raise FrameRefused("no frame whose checksum is right; it was torn, read it again")
    lists = [body for body in (message.get("messageBody") for message in frame) if isinstance(body, SmlGetListResponse)]
    if len(lists) != 1:
        raise FrameRefused(f"{len(lists)} lists of registers are in the frame, where there should be one")
    entries = _entries(lists[0])
    power = _number(entries, "16.7.0", "W")
    if power is None:
        drawn, given = _number(entries, "1.7.0", "W"), _number(entries, "2.7.0", "W")
        power = None if drawn is None and given is None else (drawn or 0) - (given or 0)
    told = lists[0].get("actSensorTime")  # seconds since it was switched on count as no time
    serial = next((entries[name]["value"] for name in _SERIALS if entries.get(name, {}).get("value")), None)
    return MeterState(
        time=int(told.timestamp()) if isinstance(told, datetime) else None,
        import_wh=_register(entries, 1),
        export_wh=_register(entries, 2),
        serial=str(serial or lists[0]["serverId"]),
        power_w=power,
    )


class SmlMeter:
    """A meter that sends a frame every 1 to 4 seconds."""

    replays: ClassVar[bool] = False

    def __init__(self, options: Options) -> None:
        """Connects at the first reading, not yet."""
        self._stream = Stream(options, options.baudrate, options.parity, _FRAME, LARGEST)

    async def read(self, boundary: int) -> MeterState:
        """The next whole frame."""
        return decode(await self._stream.next_frame())

    async def close(self) -> None:
        """Close the port."""
        await self._stream.close()
