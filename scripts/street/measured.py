"""The default street: twelve homes, eight of them with PV, a bakery and a workshop, on one summer day.

PV is the measured AC power of a real roof (15-minute series of the package `pvanalytics`, 1 July to 12 October),
scaled so that the highest quarter hour of the day is the roof's peak power, and turned a little east or west.
Loads are the BDEW standard load profiles of 2025 (package `demandlib`: H25 homes, G25 companies) for that day's month
and weekday, varied from home to home. All variation comes from one seeded generator: same seed, same street.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
from demandlib.bdew import G25, H25
from numpy.typing import NDArray

from scripts.street.inputs import Home

__all__ = ["DayRefused", "newcomer_home", "street_homes"]

SLOTS_PER_DAY = 96
ROOFS_KWP = (5.0, 6.5, 4.0, 8.0, 9.5, 5.5, 7.0, 10.0)  # of the first eight homes
HOMES = 12
BAKERY_KWH_PER_YEAR = 130_000.0  # electric ovens
WORKSHOP_KWH_PER_YEAR = 35_000.0
NEWCOMER_KWP = 25.0
NEWCOMER_KWH_PER_YEAR = 2_500.0

_SERIES = "serf_east_15min_ac_power.csv"
_SERIES_YEAR = 2016
_PROFILE_KWH_PER_YEAR = 1_000_000.0  # demandlib gives kW for 1 GWh a year

Energies = NDArray[np.float64]  # kWh in each quarter hour of the day


class DayRefused(ValueError):
    """A day for which there is no measured PV power. The message says which days there are."""


def _measured_pv(day: date) -> Energies:
    """Shape of a roof's day: energy of each quarter hour as a part of the highest one."""
    package = find_spec("pvanalytics")
    if package is None or not package.submodule_search_locations:
        raise DayRefused("the package pvanalytics is not installed; run `make setup`")
    path = Path(next(iter(package.submodule_search_locations))) / "data" / _SERIES
    series = pd.read_csv(path, index_col=0, parse_dates=True)["ac_power"].clip(lower=0)
    power = series[series.index.astype(str).str.startswith(f"{_SERIES_YEAR}-{day:%m-%d}")]
    if len(power) != SLOTS_PER_DAY:
        raise DayRefused(f"no PV was measured on {day:%d %B}; choose a day from 1 July to 12 October")
    return np.asarray(power / power.max(), dtype=np.float64)


def _profile(kind: type[H25] | type[G25], day: date, kwh_per_year: float) -> Energies:
    """Standard load of a day, kWh in each quarter hour."""
    power = kind(pd.date_range(day, periods=SLOTS_PER_DAY, freq="15min"))
    return np.asarray(power, dtype=np.float64) * kwh_per_year / _PROFILE_KWH_PER_YEAR / 4


def _exact(energies: Energies) -> tuple[Decimal, ...]:
    """To the tenth of a Wh, as meters resolve it."""
    return tuple(Decimal(f"{energy:.4f}") for energy in energies)


def _varied_load(profile: Energies, spread: float, generator: np.random.Generator) -> Energies:
    """A standard load as one household's: its habits earlier or later, its appliances on and off."""
    habits = np.roll(profile, generator.integers(-3, 4))
    appliances = generator.gamma(1 / spread**2, spread**2, SLOTS_PER_DAY)  # mean 1, relative deviation `spread`
    return habits * appliances


def _varied_roof(shape: Energies, kwp: float, generator: np.random.Generator) -> Energies:
    """The measured day on another roof: turned east or west, its own passing clouds."""
    turned = np.roll(shape, generator.integers(-2, 3))
    clouds = np.clip(generator.normal(1.0, 0.05, SLOTS_PER_DAY), 0.8, 1.0)
    return turned * clouds * kwp / 4


def street_homes(day: date, seed: int) -> Sequence[Home]:
    """Homes 0 to 11, then the bakery, then the workshop.

    Raises:
        DayRefused: PV was not measured on that day of the year.
    """
    generator = np.random.default_rng(seed)
    shape, household = _measured_pv(day), _profile(H25, day, 1.0)
    homes = []
    for index in range(HOMES):
        load = _varied_load(household * generator.uniform(2_200, 5_500), 0.5, generator)
        roof = _varied_roof(shape, ROOFS_KWP[index], generator) if index < len(ROOFS_KWP) else None
        homes.append(Home(index, _exact(load), None if roof is None else _exact(roof)))
    for index, kwh_per_year in ((HOMES, BAKERY_KWH_PER_YEAR), (HOMES + 1, WORKSHOP_KWH_PER_YEAR)):
        load = _varied_load(_profile(G25, day, kwh_per_year), 0.1, generator)
        homes.append(Home(index, _exact(load), None))
    return homes


def newcomer_home(day: date) -> Home:
    """Who joins the street: a small household under a 25 kWp roof.

    Raises:
        DayRefused: PV was not measured on that day of the year.
    """
    roof = _measured_pv(day) * NEWCOMER_KWP / 4
    return Home(0, _exact(_profile(H25, day, NEWCOMER_KWH_PER_YEAR)), _exact(roof))
