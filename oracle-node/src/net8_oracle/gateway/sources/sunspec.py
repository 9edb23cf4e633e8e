"""A meter that speaks SunSpec over Modbus/TCP: an AC meter (models 201 to 204, 211 to 214) or the meter in an inverter
or battery (model 701).

Read are the total real energy registers, drawn and given, with the model's scale factor.
"""

import asyncio
import math
from decimal import Decimal
from typing import Any, ClassVar

import sunspec2.modbus.client as sunspec_client
from pydantic import Field
from sunspec2.file.client import FileClientDevice, FileClientModel

from net8_oracle.gateway.state import (
    FrameRefused,
    MeterState,
    SourceFault,
    SourceSettings,
    checked,
    decoder,
    in_short,
    json_object,
    whole,
)

__all__ = ["Options", "SunSpecMeter", "decode"]

LARGEST = 1024 * 1024  # bytes of a device in SunSpec's JSON
_COMMON = 1
# model -> import, export, their scale factor, power, its scale factor
_METER = ("TotWhImp", "TotWhExp", "TotWh_SF", "W", "W_SF")
_MODELS = dict.fromkeys((201, 202, 203, 204, 211, 212, 213, 214), _METER) | {
    701: ("TotWhAbs", "TotWhInj", "TotWh_SF", "W", "W_SF")
}


class Options(SourceSettings):
    """Where the meter is."""

    host: str = Field(min_length=1)
    port: int = Field(default=502, ge=1, le=65535)
    unit: int = Field(default=1, ge=0, le=247)  # Modbus unit id
    timeout_ms: int = Field(default=2_000, ge=50, le=60_000)


def _scaled(model: Any, name: str, scale_name: str, *, nearest: bool = False) -> int | None:  # noqa: ANN401
    """A point in whole units. Integer models scale by a power of ten, float models carry the value as it is."""
    point = model.points.get(name)
    value = None if point is None else point.value
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return None
    scale = model.points[scale_name].value if scale_name in model.points else 0
    if scale is None or not -10 <= scale <= 10:
        raise FrameRefused(f"{scale_name} is {scale}, which is no scale factor; check the meter")
    return whole(name, Decimal(value).scaleb(scale), nearest=nearest)


def _state(device: Any, model_id: int) -> MeterState:  # noqa: ANN401
    model = device.models[model_id][0]
    imported, exported, scale, power, power_scale = _MODELS[model_id]
    common = device.models.get(_COMMON, [None])[0]
    serial = None if common is None else common.points["SN"].value
    drawn = _scaled(model, power, power_scale, nearest=True)
    return MeterState(
        time=None,
        import_wh=_scaled(model, imported, scale),
        export_wh=_scaled(model, exported, scale),
        serial=str(serial).strip("\0 ") or None if serial else None,
        # model 701 counts power given as positive, meters count power drawn so
        power_w=None if drawn is None else -drawn if model_id == 701 else drawn,
    )


def _meter_model(device: Any) -> int | None:  # noqa: ANN401
    return next((number for number in _MODELS if number in device.models), None)


@decoder("sunspec", LARGEST)
def decode(raw: bytes) -> MeterState:
    """The registers of a device in SunSpec's JSON form, as pysunspec2 writes it."""
    device = FileClientDevice()
    for model in json_object(raw)["models"]:
        if model["ID"] in (_COMMON, *_MODELS):
            device.add_model(FileClientModel(model_id=model["ID"], model_len=model.get("L"), data=model))
    found = _meter_model(device)
    if found is None:
        raise FrameRefused(f"the device has no meter model ({', '.join(map(str, _MODELS))})")
    return _state(device, found)


class SunSpecMeter:
    """A meter on the network. The connection is kept, and made anew after a fault."""

    replays: ClassVar[bool] = False

    def __init__(self, options: Options) -> None:
        """Connects at the first reading, not yet."""
        self._options = options
        self._device: Any = None
        self._model_id = 0

    def _name(self) -> str:
        return f"SunSpec meter {self._options.host}:{self._options.port} unit {self._options.unit}"

    def _connect(self) -> None:
        device = sunspec_client.SunSpecModbusClientDeviceTCP(
            slave_id=self._options.unit,
            ipaddr=self._options.host,
            ipport=self._options.port,
            timeout=self._options.timeout_ms / 1000,
        )
        device.scan()
        found = _meter_model(device)
        if found is None:
            device.close()
            raise SourceFault(f"{self._name()} has no meter model (201-204, 211-214, 701); check host and unit")
        self._device, self._model_id = device, found

    def _read(self) -> MeterState:
        if self._device is None:
            self._connect()
        self._device.models[self._model_id][0].read()
        return checked(_state(self._device, self._model_id))

    async def read(self, boundary: int) -> MeterState:
        """Registers right now."""
        try:
            return await asyncio.to_thread(self._read)
        except FrameRefused as fault:
            raise SourceFault(f"{self._name()}: {fault}") from None
        except SourceFault:
            raise
        except Exception as fault:  # the library raises whatever a strange answer leads it to
            await self.close()
            raise SourceFault(
                f"{self._name()} does not answer ({in_short(fault)}); check cable, address and unit"
            ) from None

    async def close(self) -> None:
        """Close the connection."""
        device, self._device = self._device, None
        if device is not None:
            await asyncio.to_thread(device.close)
