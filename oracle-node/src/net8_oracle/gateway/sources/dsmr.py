"""A P1 port (DSMR 2.2 to 5, Fluvius): the Dutch and Belgian smart meter's own telegram, by serial cable or TCP.

The telegram is read by dsmr-parser with a specification of our own, which has only the lines that every version of the
standard shares. From version 4 on a telegram carries a checksum and the meter's time; older ones have neither.
"""

import re
from decimal import Decimal
from typing import ClassVar, Literal

from dsmr_parser import obis_references as obis
from dsmr_parser.objects import CosemObject
from dsmr_parser.parsers import CosemParser, TelegramParser, ValueParser
from dsmr_parser.value_types import timestamp

from net8_oracle.gateway.state import FrameRefused, MeterState, decoder, whole
from net8_oracle.gateway.stream import Stream, StreamOptions

__all__ = ["DsmrMeter", "Options", "decode"]

LARGEST = 8 * 1024  # bytes; a version 5 telegram with the longest message has about 4,000
_TELEGRAM = re.compile(rb"/[^/!]*![0-9A-Fa-f]{0,4}\r?\n")
_VERSIONS_WITH_CHECKSUM = re.compile(rb"^(1-3:0\.2\.8|0-0:96\.1\.4)\(", re.MULTILINE)
_NUMBERS = {
    "import": obis.ELECTRICITY_IMPORTED_TOTAL,
    "import_1": obis.ELECTRICITY_USED_TARIFF_1,
    "import_2": obis.ELECTRICITY_USED_TARIFF_2,
    "export": obis.ELECTRICITY_EXPORTED_TOTAL,
    "export_1": obis.ELECTRICITY_DELIVERED_TARIFF_1,
    "export_2": obis.ELECTRICITY_DELIVERED_TARIFF_2,
    "power_in": obis.CURRENT_ELECTRICITY_USAGE,
    "power_out": obis.CURRENT_ELECTRICITY_DELIVERY,
}
_OBJECTS = [
    {"obis_reference": reference, "value_parser": CosemParser(ValueParser(Decimal)), "value_name": name}
    for name, reference in _NUMBERS.items()
] + [
    {"obis_reference": r"^0-0:96\.1\.1.+?\r\n", "value_parser": CosemParser(ValueParser(str)), "value_name": "serial"},
    {
        "obis_reference": obis.P1_MESSAGE_TIMESTAMP,
        "value_parser": CosemParser(ValueParser(timestamp)),
        "value_name": "time",
    },
]


class Options(StreamOptions):
    """Where the P1 port is. Version 2.2 and 3 ports speak 9600 baud with parity, later ones 115200 without."""

    baudrate: int = 115_200
    parity: Literal["none", "even"] = "none"


def _value(telegram: object, name: str, unit: str | None) -> Decimal | None:
    line: CosemObject | None = getattr(telegram, name, None)
    if line is None or line.value is None:
        return None
    if line.unit != unit:
        raise FrameRefused(f"{name} is in {line.unit}, not in {unit}; check the telegram")
    value: Decimal = line.value
    return value


def _register(telegram: object, name: str) -> int | None:
    """The total register in Wh, else the sum of the two tariffs."""
    total = _value(telegram, name, "kWh")
    if total is not None:
        return whole(name, total, 1000)
    tariffs = [_value(telegram, f"{name}_{number}", "kWh") for number in (1, 2)]
    if all(one is None for one in tariffs):
        return None
    return sum(whole(name, one, 1000) for one in tariffs if one is not None)


@decoder("dsmr", LARGEST)
def decode(raw: bytes) -> MeterState:
    """The registers of one telegram, from '/' to the line of '!'; tariffs are added up."""
    whole_telegram = _TELEGRAM.search(raw if raw.endswith(b"\n") else raw + b"\r\n")
    if whole_telegram is None:
        raise FrameRefused("the telegram does not run from '/' to '!'; it was torn, read it again")
    lines = whole_telegram[0].replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    has_checksum = not lines.rstrip().endswith(b"!")
    if not has_checksum and _VERSIONS_WITH_CHECKSUM.search(lines):
        raise FrameRefused("the telegram's checksum is missing; it was torn, read it again")
    parser = TelegramParser({"checksum_support": has_checksum, "objects": _OBJECTS})
    for reference, pattern in parser.telegram_specification_regexes.items():
        if len(set(pattern.findall(lines.decode("ascii")))) > 1:
            raise FrameRefused(f"two lines match {reference[1:12]} and differ; two telegrams ran into one another")
    telegram = parser.parse(lines.decode("ascii"), throw_ex=True)
    taken = getattr(telegram, "time", None)
    if taken is not None and taken.value is None:
        raise FrameRefused("the telegram's time stamp is no time; read it again")
    power_in, power_out = (_value(telegram, name, "kW") for name in ("power_in", "power_out"))
    serial = getattr(telegram, "serial", None)
    return MeterState(
        time=None if taken is None else int(taken.value.timestamp()),
        import_wh=_register(telegram, "import"),
        export_wh=_register(telegram, "export"),
        serial=None if serial is None else serial.value,
        power_w=None
        if power_in is None and power_out is None
        else whole("power", (power_in or 0) - (power_out or 0), 1000, nearest=True),
    )


class DsmrMeter:
    """A P1 port that sends a telegram every 1 or 10 seconds."""

    replays: ClassVar[bool] = False

    def __init__(self, options: Options) -> None:
        """Connects at the first reading, not yet."""
        self._stream = Stream(options, options.baudrate, options.parity, _TELEGRAM, LARGEST)

    async def read(self, boundary: int) -> MeterState:
        """The next whole telegram."""
        return decode(await self._stream.next_frame())

    async def close(self) -> None:
        """Close the port."""
        await self._stream.close()
