"""An electricity meter on the wired M-Bus (EN 13757), by a serial level converter or one on the network.

Frames are read by pyMeterBus. What counts are the present energy values of storage 0. Export are those marked as
accumulated from negative flow only, those of sub-unit `export_unit`, and those of `export_tariff` where a meter counts
it so; the others of sub-unit 0 are import. Where a meter shows no total, its tariffs are added up. The bus tells the
time without zone and seconds, so it dates nothing.
"""

import asyncio
from decimal import Decimal
from typing import Any, ClassVar

import meterbus
import serial
from pydantic import Field, model_validator

from net8_oracle.gateway.state import FrameRefused, MeterState, SourceFault, SourceSettings, decoder, in_short, whole

__all__ = ["MbusMeter", "Options", "decode"]

LARGEST = 261  # bytes of the longest frame
_BEGINNING = 9  # bytes of a frame that tell how long it is
_ELECTRICITY = 0x02
_MOST_EXTENSIONS = 10  # VIFE of one value; more are malformed
_ERROR_BITS = {0x08: "a permanent error", 0x10: "a temporary error"}


class Options(SourceSettings):
    """Which meter on which bus: `device`, or `host` and `port`."""

    device: str | None = None
    host: str | None = None
    port: int = Field(default=10_001, ge=1, le=65_535)
    address: int = Field(ge=0, le=250)  # primary address
    baudrate: int = Field(default=2_400, ge=300, le=115_200)
    export_unit: int = Field(default=1, ge=1, le=15)  # sub-unit of the meter that counts export
    export_tariff: int | None = Field(default=None, ge=1, le=15)  # or: tariff that counts export
    timeout_ms: int = Field(default=3_000, ge=100, le=60_000)

    @model_validator(mode="after")
    def _one_way(self) -> "Options":
        if (self.device is None) == (self.host is None):
            raise ValueError("give either device, for a serial converter, or host and port, for one on the network")
        return self


def _value(record: Any, told: dict[str, Any]) -> Decimal:  # noqa: ANN401 - the library has no types
    length, encoding = record.dib.length_encoding
    octets = record.dataField.parts
    if len(octets) != length:
        raise FrameRefused("a value is shorter than it says; read it again")
    digits = [nibble for octet in octets for nibble in (octet & 0xF, octet >> 4)]
    if encoding is meterbus.DataEncoding.ENCODING_BCD and max(digits) > 9:
        raise FrameRefused("a register has digits that are none; read it again, and check the meter if it stays so")
    if not isinstance(told["value"], Decimal | int):
        raise FrameRefused("a register holds no number; check the meter")
    return Decimal(told["value"])


def _register(values: dict[int, Decimal]) -> int | None:
    """From tariff -> Wh: the total is tariff 0; thousandths of a Wh are where the library's floats end."""
    if not values:
        return None
    wanted = [values[0]] if 0 in values else list(values.values())
    return sum(whole("an energy register", round(one, 3)) for one in wanted)


@decoder("mbus", LARGEST)
def decode(raw: bytes, export_unit: int = 1, export_tariff: int | None = None) -> MeterState:
    """The registers of one RSP_UD frame with variable data."""
    frame = meterbus.TelegramLong.parse(list(raw))
    header = frame.body.bodyHeader
    if not frame.body.isVariableData or frame.body.noDataHeader:
        raise FrameRefused("the frame has no variable data; ask the meter for its data (REQ_UD2)")
    records = frame.body.bodyPayload.records
    if any(len(record.vib.parts) > _MOST_EXTENSIONS + 1 for record in records):
        raise FrameRefused(f"a value has more than {_MOST_EXTENSIONS} extensions (VIFE); the frame is malformed")
    medium = header.measure_medium_field.parts[0]
    if medium != _ELECTRICITY:
        raise FrameRefused(f"the meter measures medium {medium:#04x}, not electricity (0x02); check its address")
    energy: dict[str, dict[int, Decimal]] = {"import": {}, "export": {}}
    power: int | None = None
    for record in records:
        told = record.interpreted if record.vib.parts else {}
        if told.get("function") != "FunctionType.INSTANTANEOUS_VALUE" or told["storage_number"] != 0:
            continue
        unit, tariff, extension = told.get("device") or 0, told.get("tariff") or 0, told.get("unit_enh")
        if told["type"] == "VIFUnit.ENERGY_WH":
            negative = extension == "VIFUnitEnhExt.NEGATIVE_ACCUMULATION"
            if not negative and extension not in (None, "VIFUnitEnhExt.POSITIVE_ACCUMULATION"):
                continue
            given = negative or unit == export_unit or (tariff == export_tariff and unit == 0)
            direction = "export" if given else "import" if unit == 0 else None
            if direction is not None:
                if tariff in energy[direction]:
                    raise FrameRefused(f"two {direction} registers have tariff {tariff}; this meter cannot be settled")
                energy[direction][tariff] = _value(record, told)
        elif told["type"] == "VIFUnit.POWER_W" and extension is None and not unit and not tariff:
            power = whole("power", _value(record, told), nearest=True)
    status = header.status_field.parts[0]
    return MeterState(
        time=None,
        import_wh=_register(energy["import"]),
        export_wh=_register(energy["export"]),
        serial="".join(f"{octet:02X}" for octet in header.id_nr),
        power_w=power,
        problems=tuple(f"the meter reports {words}" for bit, words in _ERROR_BITS.items() if status & bit),
    )


class MbusMeter:
    """One meter of a bus; the bus is opened for each reading, so that others may use it in between."""

    replays: ClassVar[bool] = False

    def __init__(self, options: Options) -> None:
        """Connects at the first reading, not yet."""
        self._options = options

    @property
    def _name(self) -> str:
        options = self._options
        return f"M-Bus meter {options.address} on {options.device or f'{options.host}:{options.port}'}"

    def _ask(self) -> bytes:
        options = self._options
        url = options.device if options.device is not None else f"socket://{options.host}:{options.port}"
        with serial.serial_for_url(
            url, baudrate=options.baudrate, bytesize=8, parity="E", stopbits=1, timeout=options.timeout_ms / 1000
        ) as bus:
            meterbus.send_ping_frame(bus, options.address)
            meterbus.recv_frame(bus, 1)  # the acknowledgement; a meter that has none still answers the question
            meterbus.send_request_frame(bus, options.address)
            return bytes(meterbus.recv_frame(bus, _BEGINNING) or b"")

    async def read(self, boundary: int) -> MeterState:
        """Ask the meter for its registers."""
        try:
            answer = await asyncio.to_thread(self._ask)
        except OSError as fault:
            raise SourceFault(f"{self._name}: cannot be opened ({fault}); check cable, address and rights") from None
        except Exception as fault:  # the library raises whatever a strange answer leads it to
            raise SourceFault(
                f"{self._name} answers nonsense ({in_short(fault)}); check address and baud rate"
            ) from None
        if not answer:
            raise SourceFault(f"{self._name} does not answer, or its answer was torn; check address and baud rate")
        return decode(answer, self._options.export_unit, self._options.export_tariff)

    async def close(self) -> None:
        """Nothing is held open."""
