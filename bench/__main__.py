"""`make bench`: measure, write `bench/results.json`, print it beside the figures to beat.

`python -m bench --gas` measures the gas alone and keeps the times of the file.
"""

import json
import os
import sys
import tomllib
from pathlib import Path

from bench import app, certificates, gas, indexer, latency, readings, reports, year
from bench.day import day_lines
from bench.site import PROGRAMS, PROJECT, open_zone

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"
STREETS = ("latency_ms", "floor_ms", "consensus_ms", "spread", "day")
FOLDER = PROJECT / ".street" / "bench"


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
        measured = gas.measure(zone) | certificates.measure(zone) | reports.measure(zone)
        code_hash = zone.deployment.contracts["EnergyExchange"].code_hash
    if arguments:
        before = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
        streets = {key: before[key] for key in STREETS if key in before}
    else:
        streets = latency.measure(FOLDER / "streets")
    rate = readings.measure()
    indexed = indexer.measure()
    print("measuring the web app, two minutes", file=sys.stderr)
    with open_zone(FOLDER, environment) as zone:
        pages = app.measure(zone, FOLDER / "31337.json")
    print("measuring the web app with a year of history, ten minutes", file=sys.stderr)
    of_year = year.measure(FOLDER)
    results = {
        "gas": measured, **streets, "readings_per_second": rate, "indexer": indexed, "app": pages,
        "year": of_year, "exchange_code_hash": code_hash,
    }  # fmt: skip
    RESULTS.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    print(table(measured, tomllib.loads((HERE / "peers.toml").read_text(encoding="utf-8"))))
    print("", *day_lines(measured), "", sep="\n")
    if len(streets) == len(STREETS):
        print(*latency.lines(streets), sep="\n")
    print(
        f"readings checked and aggregated on one core: {rate['checked']} a second "
        f"(their signatures' recovery alone: {rate['recovery_alone']})"
    )
    print(*indexer.lines(indexed), *app.lines(pages), *year.lines(of_year), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
