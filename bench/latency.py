"""Time from the last reading of a slot to its settlement receipt, recomputed from the raw stamps of a headless demo."""

import json
import os
import subprocess
import sys
from pathlib import Path

from bench.site import PROJECT

__all__ = ["SLOTS", "measure", "recompute"]

SLOTS = 8
NEAREST = 1.0  # ms by which the demo's own figures may differ: they are rounded


def measure(folder: Path) -> dict[str, float]:
    """Run the demo and return the percentiles in ms.

    Raises:
        RuntimeError: the demo failed, or its own figures are not those of its stamps.
    """
    environment = {
        **os.environ, "HEADLESS": "1", "SLOTS": str(SLOTS), "RUN_FOLDER": str(folder), "CHAIN_PORT": "0",
        "STREET_PORT": "0", "HOMES": "",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "scripts.street"],
        cwd=PROJECT, env=environment, stdout=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"the demo ended with status {done.returncode}: {done.stdout[-2000:]}")
    told = json.loads(done.stdout.strip().splitlines()[-1])["latency_ms"]
    found = recompute(sorted(folder.joinpath("stamps").glob("*.jsonl")))
    if any(abs(found[key] - told[key]) > NEAREST for key in found):
        raise RuntimeError(f"the demo told {told}, its stamps give {found}")
    return found


def recompute(stamps: list[Path]) -> dict[str, float]:
    """p50 and p99 (nearest rank, ms) over all settled parts of slots, each counted once.

    Raises:
        RuntimeError: there are no stamps.
    """
    latencies: dict[tuple[int, int, int], float] = {}
    for path in stamps:
        for line in path.read_text(encoding="utf-8").splitlines():
            stamp = json.loads(line)
            if stamp["transmitter"] and stamp.get("source_ns"):
                key = stamp["zone"], stamp["slot"], stamp["part"]
                latencies[key] = (stamp["receipt_ns"] - stamp["source_ns"]) / 1e6
    if not latencies:
        raise RuntimeError("the nodes left no stamps; look into the run folder's logs")
    ordered = sorted(latencies.values())
    return {f"p{p}": round(ordered[-(-p * len(ordered) // 100) - 1], 1) for p in (50, 99)}
