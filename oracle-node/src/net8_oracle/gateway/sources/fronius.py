"""A Fronius Smart Meter through the inverter's HTTP interface (Solar API version 1, GetMeterRealtimeData)."""

from typing import Any, ClassVar

from pydantic import Field

from net8_oracle.gateway.http_json import HttpOptions, fetch
from net8_oracle.gateway.state import FrameRefused, MeterState, decoder, json_object, whole
from net8_oracle.settings import Url

__all__ = ["FroniusMeter", "Options", "decode"]

LARGEST = 64 * 1024  # bytes
_AT_THE_GRID = 0
# what the meter counts as drawn, as given, and its power; the second names are those of GEN24 firmware
_IMPORT = ("EnergyReal_WAC_Sum_Consumed", "SMARTMETER_ENERGYACTIVE_CONSUMED_SUM_F64")
_EXPORT = ("EnergyReal_WAC_Sum_Produced", "SMARTMETER_ENERGYACTIVE_PRODUCED_SUM_F64")
_POWER = ("PowerReal_P_Sum", "SMARTMETER_POWERACTIVE_MEAN_SUM_F64")
_LOCATION = ("Meter_Location_Current", "SMARTMETER_VALUE_LOCATION_U16")


class Options(HttpOptions):
    """Where the inverter is, and which of its meters is meant."""

    url: Url  # such as http://192.168.1.40
    meter: int = Field(default=0, ge=0, le=99)  # DeviceId


def _number(data: dict[str, Any], names: tuple[str, str], *, nearest: bool = False) -> int | None:
    for name in names:
        if data.get(name) is not None:
            return whole(name, data[name], nearest=nearest)
    return None


@decoder("fronius", LARGEST)
def decode(raw: bytes) -> MeterState:
    """The registers of one answer to GetMeterRealtimeData with scope Device. Registers are in Wh."""
    content = json_object(raw)
    status = content["Head"]["Status"]
    if status["Code"] != 0:
        raise FrameRefused(f"the inverter reports error {status['Code']!r}; check the number of the meter")
    data = content["Body"]["Data"]
    location, time = _number(data, _LOCATION), data.get("TimeStamp")
    serial = data.get("Details", {}).get("Serial")
    return MeterState(
        time=None if time is None else whole("TimeStamp", time),
        import_wh=_number(data, _IMPORT),
        export_wh=_number(data, _EXPORT),
        serial=str(serial).strip() if serial else None,
        power_w=_number(data, _POWER, nearest=True),
        problems=()
        if location in (None, _AT_THE_GRID)
        else (f"the meter sits at place {location}, not at the grid connection (0)",),
    )


class FroniusMeter:
    """A smart meter behind an inverter on the local network."""

    replays: ClassVar[bool] = False

    def __init__(self, options: Options) -> None:
        """Connects at the first reading, not yet."""
        self._options = options

    async def read(self, boundary: int) -> MeterState:
        """Ask the inverter for its meter's registers."""
        query = f"Scope=Device&DeviceId={self._options.meter}"
        url = f"{self._options.url}/solar_api/v1/GetMeterRealtimeData.cgi?{query}"
        return decode(await fetch(url, self._options, LARGEST))

    async def close(self) -> None:
        """Nothing is held open."""
