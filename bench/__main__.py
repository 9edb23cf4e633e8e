"""`make bench`: measure, write `bench/results.json`, print it beside the figures to beat.

`python -m bench --gas` measures the gas alone and keeps what else is in the file.
"""

import json
import os
import sys
import tomllib
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from bench import app, certificates, gas, indexer, latency, readings, reports, year
from bench.day import day_lines
from bench.site import PROGRAMS, PROJECT, Zone, open_zone
from bench.spent import markdown, spent

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"
FOLDER = PROJECT / ".street" / "bench"


def gas_and_spent(
    zone: Zone, states: Sequence[str] = gas.STATES
) -> tuple[dict[str, dict[str, int]], dict[str, dict[str, int]]]:
    """Gas of every row by state, and what the last state's is spent on where a row is one transaction."""
    measured: dict[str, dict[str, int]] = {}
    parts: dict[str, dict[str, int]] = {}
    for row in chain(gas.rows(zone, states), certificates.rows(zone, states)):
        measured.setdefault(row.key, {})[row.state] = row.gas
        if row.state == states[-1] and row.key != gas.ALL_IN:
            parts[row.key] = {"units": row.units, **spent(zone.chain)}
    return measured | reports.measure(zone), parts


def table(gas_by_key: dict[str, dict[str, int]], peers: dict[str, dict[str, str | int]]) -> str:
    """Our figures beside our ceilings and the best peer's."""
    lines = [f"{'gas':32}{'virgin':>10}{'recycled':>10}{'at most':>10}{'to beat':>10}"]
    for key, ours in gas_by_key.items():
        known = peers.get(key, {})
        ceiling, best = known.get("at_most"), known.get("gas")
        behind = [state for state, value in ours.items() if best and value >= int(best)]
        verdicts = [
            *([f"not below when {' and '.join(behind)}"] if behind else []),
            *(["above our ceiling"] if ceiling and ours["recycled"] > int(ceiling) else []),
        ]
        told = "  ".join(part for part in (str(known.get("peer", "")), ", ".join(verdicts)) if part)
        columns = (ours["virgin"], ours["recycled"], ceiling or "-", best or "-")
        lines.append(f"{key:32}{''.join(f'{column:>10}' for column in columns)}  {told}".rstrip())
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """The exit status."""
    if arguments not in ([], ["--gas"]):
        print("usage: python -m bench [--gas]", file=sys.stderr)
        return 2
    FOLDER.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "PATH": f"{PROGRAMS}{os.pathsep}{os.environ.get('PATH', '')}"}
    print("measuring gas on anvil, a few minutes", file=sys.stderr)
    with open_zone(FOLDER, environment) as zone:
        measured, parts = gas_and_spent(zone)
        code_hash = zone.deployment.contracts["EnergyExchange"].code_hash
    if arguments:
        kept = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    else:
        kept = measure_times(environment)
    results = {**kept, "gas": measured, "spent": parts, "exchange_code_hash": code_hash}
    RESULTS.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    print(table(measured, tomllib.loads((HERE / "peers.toml").read_text(encoding="utf-8"))))
    print("", markdown(parts), "", *day_lines(measured), "", sep="\n")
    if not arguments:
        rate = results["readings_per_second"]
        print(*latency.lines(results), sep="\n")
        print(
            f"readings checked and aggregated on one core: {rate['checked']} a second "
            f"(their signatures' recovery alone: {rate['recovery_alone']})"
        )
        print(*indexer.lines(results["indexer"]), *app.lines(results["app"]), *year.lines(results["year"]), sep="\n")
    return 0


def measure_times(environment: dict[str, str]) -> dict[str, Any]:
    """All that takes time instead of gas, by key of the file."""
    times: dict[str, Any] = latency.measure(FOLDER / "streets")
    times["readings_per_second"] = readings.measure()
    times["indexer"] = indexer.measure()
    print("measuring the web app, two minutes", file=sys.stderr)
    with open_zone(FOLDER, environment) as zone:
        times["app"] = app.measure(zone, FOLDER / "31337.json")
    print("measuring the web app with a year of history, ten minutes", file=sys.stderr)
    times["year"] = year.measure(FOLDER)
    return times


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
