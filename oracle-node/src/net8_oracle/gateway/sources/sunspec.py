"""An AC meter that speaks SunSpec over Modbus/TCP (models 201 to 204 and 211 to 214).

Read are the total real energy registers, imported and exported, with the model's scale factor.
"""

import asyncio
import math
from typing import Any, ClassVar

import sunspec2.modbus.client as sunspec_client
from pydantic import Field
from sunspec2.modbus.modbus import ModbusClientError

from net8_oracle.gateway.sources import Registers, SourceFault
from net8_oracle.settings import Settings

__all__ = ["SunSpecMeter"]

METER_MODELS = (201, 202, 203, 204, 211, 212, 213, 214)


class Options(Settings):
    """Where the meter is."""

    host: str = Field(min_length=1)
    port: int = Field(default=502, ge=1, le=65535)
    unit: int = Field(default=1, ge=0, le=247)  # Modbus unit id
    timeout_ms: int = Field(default=2_000, ge=50, le=60_000)


def _whole_wh(name: str, value: int | float | None, scale: int | None) -> int:
    """A register in whole Wh, cut. Integer models scale by a power of ten, float models carry Wh as they are."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        raise SourceFault(f"the meter does not implement {name}; this model of meter cannot be settled")
    wh = int(value) if not scale else int(value) * 10**scale if scale > 0 else int(value) // 10**-scale
    if wh < 0:
        raise SourceFault(f"the meter shows {name} = {wh} Wh; an energy register is never negative")
    return wh


class SunSpecMeter:
    """A meter on the network. The connection is kept, and made anew after a fault."""

    replays: ClassVar[bool] = False

    def __init__(self, options: Options) -> None:
        """Connects at the first reading, not yet."""
        self._options = options
        self._device: Any = None
        self._model: Any = None

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
        found = [number for number in METER_MODELS if number in device.models]
        if not found:
            device.close()
            raise SourceFault(f"{self._name()} has no meter model (201-204, 211-214); check host and unit")
        self._device, self._model = device, device.models[found[0]][0]

    def _read(self) -> tuple[int, int]:
        if self._device is None:
            self._connect()
        model = self._model
        model.read()
        scale = model.TotWh_SF.value if "TotWh_SF" in model.points else None
        return (
            _whole_wh("TotWhImp", model.TotWhImp.value, scale),
            _whole_wh("TotWhExp", model.TotWhExp.value, scale),
        )

    async def read(self, boundary: int, now: int) -> Registers:
        """Registers right now."""
        try:
            imported, exported = await asyncio.to_thread(self._read)
        except SourceFault:
            raise
        except (ModbusClientError, sunspec_client.SunSpecModbusClientError, OSError, TimeoutError) as fault:
            await self.close()
            raise SourceFault(f"{self._name()} does not answer ({fault}); check cable, address and unit") from None
        return Registers(now, imported, exported)

    async def close(self) -> None:
        """Close the connection."""
        device, self._device, self._model = self._device, None, None
        if device is not None:
            await asyncio.to_thread(device.close)
