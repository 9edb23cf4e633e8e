"""A Tasmota device with an energy meter, asked through an MQTT broker (`Status 10`, which every version answers)."""

from decimal import Decimal
from typing import Any, ClassVar

from pydantic import Field

from net8_oracle.gateway.mqtt_device import MqttOptions, listen
from net8_oracle.gateway.state import FrameRefused, MeterState, decoder, json_object, whole

__all__ = ["Options", "TasmotaMeter", "decode"]

LARGEST = 16 * 1024  # bytes


class Options(MqttOptions):
    """Which device."""

    topic: str = Field(pattern=r"^[^#+\s]+$")  # the device's own, as set by its command `Topic`


def _kwh(energy: dict[str, Any], name: str) -> int | None:
    """A register in Wh; devices of several phases show a list."""
    shown = energy.get(name)
    if shown is None:
        return None
    phases = shown if isinstance(shown, list) else [shown]
    if not phases:
        raise FrameRefused(f"{name} is an empty list; check the device")
    return sum(whole(name, one, 1000) for one in phases)


@decoder("tasmota", LARGEST)
def decode(raw: bytes) -> MeterState:
    """The registers of a SENSOR or STATUS10 message. Its time has no zone, so it dates nothing."""
    content = json_object(raw)
    energy = content.get("StatusSNS", content).get("ENERGY")
    if not isinstance(energy, dict):
        raise FrameRefused("the message has no ENERGY; check that the device has a meter")
    shown = energy.get("Power")
    power = [Decimal(0)] if shown is None else shown if isinstance(shown, list) else [shown]
    return MeterState(
        time=None,
        import_wh=_kwh(energy, "Total"),
        export_wh=_kwh(energy, "ExportActive"),
        power_w=None if shown is None else sum(whole("Power", one, nearest=True) for one in power),
    )


class TasmotaMeter:
    """A device on a broker."""

    replays: ClassVar[bool] = False

    def __init__(self, options: Options) -> None:
        """Connects at the first reading, not yet."""
        self._options = options

    async def read(self, boundary: int) -> MeterState:
        """Ask the device for its registers."""
        topic = self._options.topic
        return await listen(
            self._options,
            [f"stat/{topic}/STATUS10"],
            lambda _, payload, retained: None if retained else decode(payload),
            question=(f"cmnd/{topic}/STATUS", "10"),
        )

    async def close(self) -> None:
        """Nothing is held open."""
