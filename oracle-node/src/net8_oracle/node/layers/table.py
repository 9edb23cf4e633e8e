"""What a site can produce on one day, slot by slot: made by pvlib beforehand, in a process of its own.

`python -m net8_oracle.node.layers.table` reads a request as JSON from its standard input, `{"day", "places",
"weather"}`, and writes the tables by site as JSON to its standard output. pvlib takes seconds to import and tens of
milliseconds for a point, so that a node never imports it: it starts this once a day, and looks the numbers up.

Model: position of the sun (NREL SPA); clear sky after Ineichen and Perez with monthly Linke turbidity, or the
irradiance of a weather record split after Erbs; transposition after Hay and Davies; cells at air temperature
+ 0.03 K per W/m2; power = modules x irradiance / 1000 W/m2 x (1 - 0.4 % per K above 25 degrees C). All from pvlib.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from net8.units import SLOT_SECONDS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

__all__ = ["SLOTS", "Place", "Table", "Weather", "make"]

SLOTS = 96  # in a UTC day
_ENHANCED = 1.25  # edges of clouds reflect: a quarter hour may get so much more than a clear sky gives
_OVERSIZED = 1.5  # W of modules to W of inverter, where it is not known
_FREE_W = 10  # standby and rounding of the registers
_COLD = -10.0  # degrees C, for the ceiling where no weather is known: cold cells produce more
_MILD = 20.0  # degrees C, for what is expected then
_KELVIN_PER_WATT = 0.03
_PER_KELVIN = 0.004


@dataclass(frozen=True, slots=True)
class Place:
    """A production site. Without tilt and azimuth it may face the sun at every moment."""

    latitude: float  # degrees north
    longitude: float  # degrees east
    nameplate: int  # W that the inverter gives at most, as registered
    altitude: float = 0.0  # m
    tilt: float | None = None  # degrees from horizontal
    azimuth: float | None = None  # degrees from north, clockwise
    modules: int | None = None  # W of the modules at standard test conditions


@dataclass(frozen=True, slots=True)
class Weather:
    """Measured or forecast weather of one UTC day, one value per slot; None where it is not known."""

    ghi: Sequence[float | None]  # W/m2 on a level surface
    temperature: Sequence[float | None]  # degrees C


@dataclass(frozen=True, slots=True)
class Table:
    """Energy in Wh of the 96 slots of one UTC day."""

    ceiling: list[int] = field(default_factory=list)  # no honest reading is above it
    clear: list[int] = field(default_factory=list)  # under a clear sky
    expected: list[int] = field(default_factory=list)  # in the day's weather; empty where that is not known


def make(place: Place, day: int, weather: Weather | None = None) -> Table:
    """The table of a site for a day (days since 1970, UTC). Imports pvlib."""
    import numpy as np
    import pandas as pd
    from pvlib.irradiance import erbs, get_total_irradiance
    from pvlib.location import Location

    middles = pd.to_datetime((np.arange(SLOTS) + 0.5) * SLOT_SECONDS + day * 86_400, unit="s", utc=True)
    location = Location(place.latitude, place.longitude, altitude=place.altitude)
    sun = location.get_solarposition(middles)
    zenith = sun["apparent_zenith"].to_numpy()
    sky = {name: column.to_numpy() for name, column in location.get_clearsky(middles, solar_position=sun).items()}
    hours = SLOT_SECONDS / 3600

    def on_plane(ghi: "Array", dni: "Array", dhi: "Array") -> "Array":
        if place.tilt is None or place.azimuth is None:
            return dni + dhi + 0.1 * ghi  # facing the sun, with what the ground reflects
        extra = {"dni_extra": 1364.0, "model": "haydavies"}
        plane = get_total_irradiance(
            place.tilt, place.azimuth, zenith, sun["azimuth"].to_numpy(), dni, ghi, dhi, **extra
        )
        total: Array = np.nan_to_num(np.asarray(plane["poa_global"], dtype=float))
        return total

    def energy(modules: float, irradiance: "Array", air: "Array") -> "Array":
        cells = air + _KELVIN_PER_WATT * irradiance
        power: Array = np.minimum(modules * irradiance / 1000 * (1 - _PER_KELVIN * (cells - 25)), place.nameplate)
        return power * hours

    plane = on_plane(sky["ghi"], sky["dni"], sky["dhi"])
    known = None if weather is None else np.array(weather.temperature, dtype=float)
    air, coldest = (
        np.full(SLOTS, usual) if known is None else np.where(np.isnan(known), usual, known) for usual in (_MILD, _COLD)
    )
    # Bright clouds may send a whole clear sky's light to a plane that turns its back to the sun.
    bright = np.maximum(plane, on_plane(sky["ghi"], 0 * sky["dni"], sky["ghi"]))
    # A slot may begin before sunrise or end after sunset: half a slot of sun on either side is let through.
    wide = np.maximum.reduce([np.roll(bright, step) for step in (-1, 0, 1)])
    most = energy(_ENHANCED * (place.modules or _OVERSIZED * place.nameplate), wide, coldest)
    ceiling = np.ceil(most + _FREE_W * hours)
    modules = place.modules or place.nameplate
    expected: list[int] = []
    if weather is not None and not any(value is None for value in weather.ghi):
        ghi = np.array(weather.ghi, dtype=float).clip(min=0)
        parts = erbs(ghi, sun["zenith"].to_numpy(), middles)
        split = (np.asarray(parts[name], dtype=float) for name in ("dni", "dhi"))
        expected = _whole(energy(modules, on_plane(ghi, *split), air))
    return Table(_whole(ceiling), _whole(energy(modules, plane, air)), expected)


def _whole(values: "Array") -> list[int]:
    return [max(0, int(value)) for value in values]


def main() -> None:
    """Standard input to standard output."""
    asked = json.load(sys.stdin)
    weather = Weather(**asked["weather"]) if asked.get("weather") else None
    places = {site: Place(**place) for site, place in asked["places"].items()}
    json.dump({site: asdict(make(place, asked["day"], weather)) for site, place in places.items()}, sys.stdout)


if __name__ == "__main__":
    main()
