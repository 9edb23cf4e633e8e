"""A HomeWizard P1 or kWh meter through its local HTTP interface (version 1: /api/v1/data)."""

from typing import Any, ClassVar

from net8_oracle.gateway.http_json import HttpOptions, fetch
from net8_oracle.gateway.state import FrameRefused, MeterState, decoder, json_object, whole
from net8_oracle.settings import Url

__all__ = ["HomeWizardMeter", "Options", "decode"]

LARGEST = 64 * 1024  # bytes


class Options(HttpOptions):
    """Where the meter is."""

    url: Url  # such as http://192.168.1.30


def _register(content: dict[str, Any], direction: str) -> int | None:
    """The total; older firmware shows the tariffs alone."""
    total = content.get(f"total_power_{direction}_kwh")
    if total is not None:
        return whole(f"total_power_{direction}_kwh", total, 1000)
    names = [f"total_power_{direction}_t{number}_kwh" for number in (1, 2, 3, 4)]
    tariffs = [whole(name, content[name], 1000) for name in names if name in content]
    return sum(tariffs) if tariffs else None


@decoder("homewizard", LARGEST)
def decode(raw: bytes) -> MeterState:
    """The registers of one answer. It tells no time of the meter's."""
    content = json_object(raw)
    power, serial = content.get("active_power_w"), content.get("unique_id")
    if serial is not None and not isinstance(serial, str):
        raise FrameRefused("unique_id is no text; check that the address is the meter's")
    return MeterState(
        time=None,
        import_wh=_register(content, "import"),
        export_wh=_register(content, "export"),
        serial=serial,
        power_w=None if power is None else whole("active_power_w", power, nearest=True),
    )


class HomeWizardMeter:
    """A meter on the local network, whose local interface is switched on in its app."""

    replays: ClassVar[bool] = False

    def __init__(self, options: Options) -> None:
        """Connects at the first reading, not yet."""
        self._options = options

    async def read(self, boundary: int) -> MeterState:
        """Ask the meter for its registers."""
        return decode(await fetch(f"{self._options.url}/api/v1/data", self._options, LARGEST))

    async def close(self) -> None:
        """Nothing is held open."""
