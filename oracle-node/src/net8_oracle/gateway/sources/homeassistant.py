"""Energy sensors that any device announces for Home Assistant's MQTT discovery.

The announcement says on which topic the sensor's value comes, in which unit, and where in the message it stands. Of the
templates that say where, those that name a place are understood (`{{ value_json.energy.total }}`); nothing that a
broker sends is ever executed. Retained values may be of any age and are not taken: the sensor must speak within
`timeout_ms`.
"""

import json
import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar

from pydantic import Field, model_validator

from net8_oracle.gateway.mqtt_device import MqttOptions, listen
from net8_oracle.gateway.state import FrameRefused, MeterState, decoder, guarded, json_object, whole

__all__ = ["HomeAssistantMeter", "Listener", "Options"]

LARGEST = 64 * 1024  # bytes
_WH = {"Wh": 1, "kWh": 1_000, "MWh": 1_000_000}
_SHORT = {  # what discovery may abbreviate
    "state_topic": "stat_t",
    "value_template": "val_tpl",
    "unit_of_measurement": "unit_of_meas",
    "device_class": "dev_cla",
    "state_class": "stat_cla",
    "unique_id": "uniq_id",
}
_TEMPLATE = re.compile(
    r"\{\{\s*(value|value_json(?:\.\w+|\[(?:'[^'\]]+'|\"[^\"\]]+\"|\d+)\])+)\s*(?:\|\s*float\s*)?\}\}"
)
_STEP = re.compile(r"\.(\w+)|\['([^']+)'\]|\[\"([^\"]+)\"\]|\[(\d+)\]")


class Options(MqttOptions):
    """Which sensors: the unique_id of the one that counts import, of the one that counts export, or of both."""

    import_sensor: str | None = None
    export_sensor: str | None = None
    prefix: str = Field(default="homeassistant", pattern=r"^[^#+\s]+$")  # of discovery
    timeout_ms: int = Field(default=50_000, ge=100, le=60_000)

    @model_validator(mode="after")
    def _some_sensor(self) -> "Options":
        if self.import_sensor is None and self.export_sensor is None:
            raise ValueError("neither import_sensor nor export_sensor is given; name a sensor by its unique_id")
        return self


@dataclass(frozen=True, slots=True)
class _Sensor:
    topic: str
    scale: int  # Wh per unit
    path: tuple[str | int, ...]  # to the value in the message; empty: the message is the value

    @classmethod
    def announced(cls, content: dict[str, Any]) -> "_Sensor":
        """From a discovery message.

        Raises:
            FrameRefused: it announces no cumulative energy, or says where its value stands in a way not understood.
        """
        told = {name: content.get(name, content.get(short)) for name, short in _SHORT.items()}
        if not all(value is None or isinstance(value, str) for value in told.values()):
            raise FrameRefused("a sensor is announced with something else than text; name another one")
        base, topic = str(content.get("~", "")), str(told["state_topic"] or "")
        topic = base + topic[1:] if topic.startswith("~") else topic[:-1] + base if topic.endswith("~") else topic
        unit, name = told["unit_of_measurement"], told["unique_id"]
        if unit not in _WH or told["state_class"] not in ("total", "total_increasing") or not topic:
            raise FrameRefused(f"sensor {name} is no total of energy in Wh, kWh or MWh; name another one")
        template = str(told["value_template"] or "{{ value }}").strip()
        found = _TEMPLATE.fullmatch(template)
        if found is None:
            raise FrameRefused(f"sensor {name} computes its value ({template[:60]}); name one that reads it")
        steps = [next(part for part in step if part) for step in _STEP.findall(found[1])]
        return cls(topic, _WH[unit], tuple(int(step) if step.isdigit() else step for step in steps))

    def value(self, payload: bytes) -> int:
        """The register in Wh.

        Raises:
            FrameRefused: there is no number where the announcement says.
        """
        try:
            shown: Any = json.loads(payload, parse_float=Decimal) if self.path else payload.decode()
            for step in self.path:
                shown = shown[step]
            return whole("the sensor's value", Decimal(str(shown).strip()), self.scale)
        except (ValueError, KeyError, IndexError, TypeError, InvalidOperation, RecursionError):
            raise FrameRefused(f"the message on {self.topic} has no number where it was announced") from None


@guarded("homeassistant", LARGEST)
def _announcement(payload: bytes) -> dict[str, Any]:
    return json_object(payload)


@decoder("homeassistant", LARGEST)
def _value(payload: bytes, sensor: _Sensor) -> MeterState:
    return MeterState(time=None, import_wh=sensor.value(payload), export_wh=None)


class Listener:
    """Takes announcements, which the broker keeps, and then the values of the announced sensors."""

    def __init__(self, options: Options) -> None:
        self._wanted = {
            name: direction
            for name, direction in ((options.import_sensor, "import"), (options.export_sensor, "export"))
            if name is not None
        }
        self.sensors: dict[str, _Sensor] = {}
        self.values: dict[str, int] = {}

    def announcement(self, topic: str, payload: bytes, _: bool) -> bool | None:
        """True once every wanted sensor is known."""
        try:
            content = _announcement(payload)
        except FrameRefused:
            return None  # other devices' announcements are none of this meter's business
        direction = self._wanted.get(str(content.get("unique_id", content.get("uniq_id"))))
        if direction is not None:
            self.sensors[direction] = _Sensor.announced(content)
        return True if len(self.sensors) == len(self._wanted) else None

    def message(self, topic: str, payload: bytes, retained: bool) -> MeterState | None:
        """The state once every sensor has spoken."""
        if retained:
            return None
        for direction, sensor in self.sensors.items():
            if sensor.topic == topic:
                value = _value(payload, sensor).import_wh
                assert value is not None, "a sensor's value is a number"
                self.values[direction] = value
        if len(self.values) < len(self.sensors):
            return None
        return MeterState(time=None, import_wh=self.values.get("import"), export_wh=self.values.get("export"))


class HomeAssistantMeter:
    """One or two energy sensors on a broker."""

    replays: ClassVar[bool] = False

    def __init__(self, options: Options) -> None:
        """Connects at the first reading, not yet."""
        self._options = options

    async def read(self, boundary: int) -> MeterState:
        """Find the sensors' announcements, then wait until each has spoken."""
        listener = Listener(self._options)
        await listen(self._options, [f"{self._options.prefix}/sensor/#"], listener.announcement)
        topics = sorted({sensor.topic for sensor in listener.sensors.values()})
        return await listen(self._options, topics, listener.message)

    async def close(self) -> None:
        """Nothing is held open."""
