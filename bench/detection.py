"""`python -m bench.detection`: what false data the layers notice, and how often they wrong an honest site.

Method and results in words: docs/detection.md. Thresholds are constants of the product, fixed on one half of the homes
and the first half of the measured series (`--fix` prints what they follow from); figures are of the other halves.
"""

import json
import sys
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pvanalytics
from net8.units import SLOT_SECONDS
from net8_oracle.node.layers.grid import THRESHOLD, Balance
from net8_oracle.node.layers.performance import RECENT, Score, rise, score, verdict
from net8_oracle.node.layers.table import SLOTS, Place, Table, Weather, make

__all__ = ["HOMES", "Homes", "Trial", "days_disputed", "main", "markdown", "measured", "series_attacks"]

PROJECT = Path(__file__).resolve().parents[1]
HOMES = PROJECT.parent / "shared" / "data" / "homes" / "community_2013-06_15min.csv"
RESULTS = Path(__file__).parent / "detection.json"
SIZES = (0.1, 0.2, 0.5)  # of the attacked site's energy
FEEDERS = (8, 16)  # homes behind one feeder meter; a quarter of them produce, as in the data
LOG_ERROR, STEADY_NOISE, LOSSES = 0.02, 0.005, 0.015
LEAST = 500  # Wh that a liar exports on the day: who exports next to nothing has nothing to gain
DRAWS = 100  # feeder-days with a liar for each figure
HONEST_DRAWS = 300  # feeder-days without
# A British single-phase home may feed in 16 A (Engineering Recommendation G83). Orientations are not known.
HOME = Place(54.9, -1.6, 3_680)
HOME_DAY = 15_871  # 2013-06-15; the data name the month alone
SUMMER_TIME = 4  # slots by which its local time is ahead of UTC
# SERF East, as PVDAQ describes it.
SERIES = Place(39.742, -105.173, 6_000, 1_830, 45.0, 158.0)
HALF = 52  # days
SOON, LATER = 14, 30  # days within which an attack must be noticed: steady ones, drift

Array = np.ndarray[Any, np.dtype[np.float64]]
Day = dict[str, float]


class Homes:
    """One half of the homes: production and load in Wh, one column per home, one row per slot."""

    def __init__(self, path: Path, second: bool) -> None:
        frame = pd.read_csv(path)
        everything = {int(name[3:]): frame[name].to_numpy() * 1000 for name in frame if str(name).startswith("pv_")}
        seen: set[bytes] = set()
        producing = []
        for home, energy in everything.items():
            if energy.sum() > 0 and energy.tobytes() not in seen:  # copies of a system would give each other away
                seen.add(energy.tobytes())
                producing.append(home)
        homes = [int(name[5:]) for name in frame if str(name).startswith("load_")]
        others = [home for home in homes if home not in everything or everything[home].sum() == 0]
        self.produced = np.array([everything[home] for home in producing[second::2]]).T
        self.used = np.array([frame[f"load_{home}"] * 1000 for home in producing[second::2]]).T
        self.used_elsewhere = np.array([frame[f"load_{home}"] * 1000 for home in others[second::2]]).T

    def draw(self, size: int, net: bool, random: np.random.Generator) -> tuple[Array, Array]:
        """Export and import in whole Wh of a feeder's homes; those that produce come first."""
        producing = min(size // 4, self.produced.shape[1])
        first = random.choice(self.produced.shape[1], producing, replace=False)
        rest = random.choice(self.used_elsewhere.shape[1], size - producing, replace=False)
        used = np.hstack([self.used[:, first], self.used_elsewhere[:, rest]])
        produced = np.hstack([self.produced[:, first], np.zeros((SLOTS, size - producing))])
        if net:
            produced, used = np.maximum(produced - used, 0), np.maximum(used - produced, 0)
        return np.floor(produced), np.floor(used)


def feeder_log(exported: Array, imported: Array, steady: bool, random: np.random.Generator) -> Array:
    """What the feeder's meter logs: net energy less losses, its error of 2 % drawn per slot or once a day."""
    net = (exported - imported).sum(axis=1)
    true = net - LOSSES * np.abs(net)
    if steady:
        return true * (1 + random.uniform(-LOG_ERROR, LOG_ERROR) + STEADY_NOISE * random.standard_normal(SLOTS))
    return true * (1 + LOG_ERROR * random.standard_normal(SLOTS))


def certainties(exported: Array, imported: Array, log: Array, clear: Array) -> Array:
    """Of each home the highest certainty with which it was the suspect in any slot of the day."""
    homes = range(exported.shape[1])
    balance, highest = Balance(list(homes), LOG_ERROR, threshold=0.0), np.zeros(len(homes))
    for slot in range(SLOTS):
        now = {home: (int(exported[slot, home]), int(imported[slot, home])) for home in homes}
        balance.add(slot, round(log[slot]), now, dict.fromkeys(homes, int(clear[slot])))
        if balance.suspect is not None:
            highest[balance.suspect] = max(highest[balance.suspect], balance.certainty)
    return highest


def home_attacks(clear: Array) -> dict[str, Callable[[Array, float, np.random.Generator], Array]]:
    """What a liar reports for a day, by how much of its energy is added; `clear`: the shape of a day without clouds."""
    light = np.flatnonzero(clear > 0)

    def scaling(export: Array, size: float, random: np.random.Generator) -> Array:
        return export * (1 + size)

    def sunnier(export: Array, size: float, random: np.random.Generator) -> Array:
        missing = np.maximum(clear / clear.max() * export.max() - export, 0)
        return export + missing * (size * export.sum() / missing.sum())

    def night(export: Array, size: float, random: np.random.Generator) -> Array:
        dark = random.choice(np.setdiff1d(np.arange(SLOTS), light), 4, replace=False)
        added = np.zeros(SLOTS)
        added[dark] = size * export.sum() / 4
        return export + added

    def drift(export: Array, size: float, random: np.random.Generator) -> Array:
        grown = export * np.clip((np.arange(SLOTS) - light[0]) / (light[-1] - light[0]), 0, 1)
        return export + grown * (size * export.sum() / grown.sum())

    return {"scaling": scaling, "sunnier day": sunnier, "night": night, "drift over the day": drift}


def measure_homes(path: Path) -> list[dict[str, Any]]:
    """Figures of the second half of the homes, with THRESHOLD as the product has it."""
    trial = Trial(Homes(path, second=True))
    rows: list[dict[str, Any]] = []
    for net, steady, size in product((False, True), (False, True), FEEDERS):
        random = np.random.default_rng([size, steady, net])
        place = {"registers": "net" if net else "gross", "log": "steady" if steady else "random", "homes": size}
        honest = [trial.honest(size, net, steady, random) for _ in range(HONEST_DRAWS)]
        rows.append({**place, "attack": "none", **_share(honest)})
        for name, extent in product(trial.attacks, SIZES):
            days = [trial.attacked(size, net, steady, name, extent, random) for _ in range(DRAWS)]
            rows.append({**place, "attack": name, "size": extent, **_share(days)})
    return rows


def _share(days: list[Day]) -> dict[str, float]:
    return {key: round(float(np.mean([day[key] for day in days])), 4) for key in days[0]}


class Trial:
    """Feeder-days of one half of the homes, judged by the layers as the product has them."""

    def __init__(self, homes: Homes) -> None:
        table = make(HOME, HOME_DAY)
        self._homes = homes
        self._ceiling, self._clear = (
            np.roll(np.array(values, dtype=float), SUMMER_TIME) for values in (table.ceiling, table.clear)
        )
        self.attacks = home_attacks(self._clear)

    def certainties(self, size: int, net: bool, steady: bool, random: np.random.Generator) -> Array:
        """Of the producing homes of an honest feeder-day."""
        exported, imported = self._homes.draw(size, net, random)
        log = feeder_log(exported, imported, steady, random)
        return certainties(exported, imported, log, self._clear)[exported.sum(axis=0) > 0]

    def honest(self, size: int, net: bool, steady: bool, random: np.random.Generator) -> Day:
        """Shares of the producing homes of an honest feeder-day that are disputed."""
        exported, imported = self._homes.draw(size, net, random)
        log, producing = feeder_log(exported, imported, steady, random), exported.sum(axis=0) > 0
        grid = certainties(exported, imported, log, self._clear)[producing] > THRESHOLD
        model = (exported > self._ceiling[:, None]).any(axis=0)[producing]
        return {"false_with_log": float((grid | model).mean()), "false_without_log": float(model.mean())}

    def attacked(
        self, size: int, net: bool, steady: bool, attack: str, extent: float, random: np.random.Generator
    ) -> Day:
        """Whether one liar is noticed, and which share of its honest neighbours is disputed in its place."""
        exported, imported = self._homes.draw(size, net, random)
        while exported[:, 0].sum() < LEAST:
            exported, imported = self._homes.draw(size, net, random)
        log = feeder_log(exported, imported, steady, random)
        exported[:, 0] = np.floor(self.attacks[attack](exported[:, 0], extent, random))
        grid = certainties(exported, imported, log, self._clear) > THRESHOLD
        model = bool((exported[:, 0] > self._ceiling).any())
        others = grid[1:][exported[:, 1:].sum(axis=0) > 0]
        return {
            "with_log": float(grid[0] or model),
            "without_log": float(model),
            "feeder_with_log": float(grid.any() or model),  # noticed, whoever was named
            "others_named": float(others.mean()) if others.size else 0.0,
        }


# --- the measured series ---------------------------------------------------------------------------------------------


def measured() -> tuple[list[int], Array, list[Table]]:
    """Days, Wh by day and slot, and the tables made with the satellite's weather, of pvanalytics' SERF East."""
    folder = Path(pvanalytics.__file__).parent / "data"
    power = pd.read_csv(folder / "serf_east_15min_ac_power.csv", index_col=0, parse_dates=True).tz_convert("UTC")
    sky = pd.read_csv(folder / "serf_east_psm3_data.csv", index_col=0, parse_dates=True).tz_convert("UTC")
    # The site's evening lies beyond midnight UTC: a day of the series is cut at 08:00 UTC, its night.
    shift = pd.Timedelta(hours=8)
    days, energies, tables = [], [], []
    for date, rows in power.groupby((power.index - shift).date):
        weather = sky.loc[rows.index]
        if len(rows) != SLOTS or bool(weather["ghi"].isna().any()):
            continue
        day = (pd.Timestamp(str(date)) - pd.Timestamp("1970-01-01")).days
        days.append(day)
        energies.append(np.floor(rows["ac_power"].clip(lower=0).to_numpy() * SLOT_SECONDS / 3600))
        tables.append(_shifted(day, weather["ghi"].to_numpy(), weather["temp_air"].to_numpy()))
    return days, np.array(energies), tables


def _shifted(day: int, ghi: Array, air: Array) -> Table:
    """A table from 08:00 UTC to 08:00 UTC, of the two UTC days it lies in."""
    first = make(SERIES, day, Weather(list(np.roll(ghi, 32)), list(np.roll(air, 32))))
    return Table(*(values[32:] + values[:32] for values in (first.ceiling, first.clear, first.expected)))


def series_attacks() -> dict[str, Callable[[Array, int, float], Array]]:
    """What a liar reports in place of all days' energies from a day on, by size."""

    def scaling(energies: Array, start: int, size: float) -> Array:
        false = energies.copy()
        false[start:] *= 1 + size
        return false

    def drift(energies: Array, start: int, size: float) -> Array:
        grown = np.clip((np.arange(len(energies)) - start + 1) / LATER, 0, 1) * size
        return energies * (1 + grown)[:, None]

    def sunnier(energies: Array, start: int, size: float) -> Array:
        """Each day at least `size` poorer than the sunniest of the fortnight before is replaced by that one."""
        false, totals = energies.copy(), energies.sum(axis=1)
        best = start - SOON + int(np.argmax(totals[start - SOON : start]))
        for day in range(start, len(energies)):
            if totals[best] >= totals[day] * (1 + size):
                false[day] = energies[best]
        return false

    def night(energies: Array, start: int, size: float) -> Array:
        false = energies.copy()
        false[start:, -8:-4] += size * energies.max()  # the hour from 06:00 UTC, around midnight there
        return false

    return {"scaling": scaling, "slow drift": drift, "sunnier day": sunnier, "night": night}


def days_disputed(energies: Array, tables: list[Table], known: dict[int, Score] | None = None) -> Iterator[bool]:
    """For each day whether the model layer disputes it: its readings at once, or after its end what was learned."""
    scores = dict(known or {})
    for day, (energy, table) in enumerate(zip(energies, tables, strict=True)):
        scores[day] = score([int(value) for value in energy], table)
        yield bool(verdict(scores, day)) or bool((energy > np.array(table.ceiling)).any())


def measure_series() -> dict[str, Any]:
    """Figures of the second half of the measured series."""
    _, energies, tables = measured()
    honest = list(days_disputed(energies, tables))
    rows: list[dict[str, Any]] = [
        {"attack": "none", "days": len(honest) - HALF, "disputed": sum(honest[HALF:]), "first_half": sum(honest[:HALF])}
    ]
    for name, attack in series_attacks().items():
        within = LATER if name == "slow drift" else SOON
        for size in SIZES:
            noticed, delays, excesses = [], [], []
            for start in range(HALF, len(energies) - within + 1):
                end = start + within
                false = np.floor(attack(energies, start, size))
                excess = false[start:end].sum() / energies[start:end].sum() - 1
                if excess <= 0:
                    continue  # no day of the window was poorer: nothing was replaced
                disputed = list(days_disputed(false[:end], tables[:end]))[start:]
                noticed.append(any(disputed))
                excesses.append(excess)
                if any(disputed):
                    delays.append(disputed.index(True) + 1)
            rows.append(
                {
                    "attack": name, "size": size, "starts": len(noticed), "within_days": within,
                    "excess": round(float(np.mean(excesses)), 3), "noticed": round(float(np.mean(noticed)), 4),
                    "median_days": float(np.median(delays)) if delays else None,
                }
            )  # fmt: skip
    return {"days": len(energies), "rows": rows}


def fix() -> None:
    """Print what the product's thresholds follow from: the first halves alone."""
    trial, certain = Trial(Homes(HOMES, second=False)), []
    for net, size in product((False, True), FEEDERS):
        random = np.random.default_rng([7, size, net])
        for _ in range(DRAWS):
            certain += list(trial.certainties(size, net, False, random))
    print(f"grid: 98 of 100 honest site-days below {np.quantile(certain, 0.98):.2f}")
    _, energies, tables = measured()
    scores = {day: score([int(wh) for wh in energies[day]], tables[day]) for day in range(HALF)}
    for kind, recent in (("clear", RECENT), ("whole", 1)):
        values = {day: getattr(one, kind) for day, one in scores.items()}
        rises = [risen for day in range(HALF) if (risen := rise(values, day, recent)) is not None]
        print(f"{kind}: highest {max(rises):.3f} of {len(rises)} days")


def markdown(results: dict[str, Any]) -> str:
    """The tables of docs/detection.md."""
    lines = ["| attack | added energy | " + " | ".join(f"{size} homes" for size in FEEDERS) + " | without log |"]
    lines.append("|---" * (3 + len(FEEDERS)) + "|")
    rows = [row for row in results["homes"] if row["attack"] != "none"]
    for name, size in dict.fromkeys((row["attack"], row["size"]) for row in rows):
        here = [row for row in rows if (row["attack"], row["size"]) == (name, size)]
        cells = [
            " / ".join(f"{100 * row['with_log']:.0f}" for row in here if row["homes"] == homes) for homes in FEEDERS
        ]
        without = np.mean([row["without_log"] for row in here])
        lines.append(f"| {name} | {size:.0%} | {' | '.join(cells)} | {100 * without:.0f} |")
    honest = [row for row in results["homes"] if row["attack"] == "none"]
    cells = [
        " / ".join(f"{100 * row['false_with_log']:.1f}" for row in honest if row["homes"] == homes) for homes in FEEDERS
    ]
    without = np.mean([row["false_without_log"] for row in honest])
    lines += [f"| **honest, disputed** | | {' | '.join(cells)} | {100 * without:.1f} |", ""]
    lines += [
        "| attack | size | energy added in the window | noticed | days until then (median) |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {row['attack']} | {row['size']:.0%} | {row['excess']:.1%} | {100 * row['noticed']:.0f} "
        f"| {row['median_days']:g} |"
        for row in results["series"]["rows"][1:]
    ]
    honest_days = results["series"]["rows"][0]
    return "\n".join([*lines, f"| **honest** | | | {honest_days['disputed']} of {honest_days['days']} days | |"])


def main(arguments: list[str]) -> int:
    """The exit status."""
    if arguments == ["--fix"]:
        fix()
        return 0
    if arguments == ["--series"]:
        print(pd.DataFrame(measure_series()["rows"]).to_string(index=False))
        return 0
    if arguments or not HOMES.exists():
        print(f"usage: python -m bench.detection [--fix]; needs {HOMES}", file=sys.stderr)
        return 2
    results = {"homes": measure_homes(HOMES), "series": measure_series()}
    RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print(markdown(results))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
