"""A Shelly meter of the second generation or later, asked through an MQTT broker by its RPC (`Shelly.GetStatus`)."""

import json
import secrets
from typing import Any, ClassVar

from pydantic import Field

from net8_oracle.gateway.mqtt_device import MqttOptions, listen
from net8_oracle.gateway.state import FrameRefused, MeterState, decoder, json_object, whole

__all__ = ["Options", "ShellyMeter", "decode"]

LARGEST = 64 * 1024  # bytes
# component -> its registers of import and export in Wh; three-phase meters, single-phase meters
_REGISTERS = {"emdata": ("total_act", "total_act_ret"), "em1data": ("total_act_energy", "total_act_ret_energy")}
_POWERS = {"emdata": ("em", "total_act_power"), "em1data": ("em1", "act_power")}


class Options(MqttOptions):
    """Which device, and which of its meters."""

    topic: str = Field(pattern=r"^[^#+\s]+$")  # the device's topic prefix, with `Enable RPC over MQTT` on
    channel: int = Field(default=0, ge=0, le=9)


def _component(result: dict[str, Any], channel: int) -> tuple[str, dict[str, Any]]:
    for name in _REGISTERS:
        found = result.get(f"{name}:{channel}")
        if isinstance(found, dict):
            return name, found
    raise FrameRefused(f"the device has no meter {channel} (emdata:{channel}, em1data:{channel}); check the channel")


@decoder("shelly", LARGEST)
def decode(raw: bytes, channel: int = 0) -> MeterState:
    """The registers of an answer to Shelly.GetStatus."""
    content = json_object(raw)
    if "error" in content:
        raise FrameRefused("the device refuses the question; switch its authentication off for RPC over MQTT")
    result = content.get("result", content)
    name, registers = _component(result, channel)
    system = result.get("sys", {})
    serial, time = content.get("src") or system.get("mac"), system.get("unixtime")
    place, field = _POWERS[name]
    power = result.get(f"{place}:{channel}", {}).get(field)
    imported, exported = (registers.get(register) for register in _REGISTERS[name])
    faults = registers.get("errors") or []
    return MeterState(
        time=None if time is None else whole("unixtime", time),
        import_wh=None if imported is None else whole("the import register", imported),
        export_wh=None if exported is None else whole("the export register", exported),
        serial=None if serial is None else str(serial),
        power_w=None if power is None else whole("power", power, nearest=True),
        problems=tuple(f"the device reports {fault}" for fault in faults),
    )


class ShellyMeter:
    """A device on a broker."""

    replays: ClassVar[bool] = False

    def __init__(self, options: Options) -> None:
        """Connects at the first reading, not yet."""
        self._options = options

    async def read(self, boundary: int) -> MeterState:
        """Ask the device for its registers."""
        name = f"net8/{secrets.token_hex(8)}"  # nobody else's answers, and none to an earlier question
        question = json.dumps({"id": 1, "src": name, "method": "Shelly.GetStatus"})
        return await listen(
            self._options,
            [f"{name}/rpc"],
            lambda _, payload, retained: None if retained else decode(payload, self._options.channel),
            question=(f"{self._options.topic}/rpc", question),
        )

    async def close(self) -> None:
        """Nothing is held open."""
