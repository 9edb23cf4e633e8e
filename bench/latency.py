"""How long consensus and settlement take, computed from the raw stamps of a headless demo."""

import itertools
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from eth_account import Account
from net8.client import Chain
from net8_oracle.node.report import quorum

from bench.site import MNEMONIC, PROJECT, anvil
from scripts.street.inputs import Home, write
from scripts.street.measured import street_homes
from scripts.street.options import DEFAULT_DAY

__all__ = ["consensus", "floor", "latency", "lines", "measure", "read", "run"]

SITES, SLOTS = 100, 16
OPERATORS = (4, 7, 16, 31)
DAY_SITES, DAY_SLOTS = 200, 96
SPREAD_MS = 1_000  # a P1 meter sends a telegram every second, at a moment of its own
WARMING_UP = 2  # slots until connections and caches are what they stay
TRANSACTIONS = 100  # of the floor
NEAREST = 1.0  # ms by which the demo's own figures may differ: they are rounded

Part = tuple[int, int, int]  # zone, slot, part
Stamps = dict[Part, list[dict[str, Any]]]  # what each node has noted of a part


def measure(folder: Path) -> dict[str, Any]:
    """Streets of 4 to 31 operators, the smallest also with meters that answer spread over a second, and a day of the
    largest: parts of the bench's results.

    Raises:
        RuntimeError: a street failed; it does so when a slot is not settled in two minutes.
    """
    results: dict[str, Any] = {"floor_ms": floor(), "consensus_ms": {}}
    for operators in OPERATORS:
        print(f"timing {SLOTS} slots of {SITES} sites and {operators} operators", file=sys.stderr)
        _, stamps = run(folder / f"of-{operators}", operators)
        results["consensus_ms"][str(operators)] = consensus(stamps, operators)
        results.setdefault("latency_ms", latency(stamps))
    print(f"timing {SLOTS} slots of {SITES} sites whose meters answer spread over {SPREAD_MS} ms", file=sys.stderr)
    _, stamps = run(folder / "spread", OPERATORS[0], spread_ms=SPREAD_MS)
    spread = {"spread_ms": SPREAD_MS, "latency_ms": latency(stamps), "consensus_ms": consensus(stamps, OPERATORS[0])}
    print(f"a day of {DAY_SITES} sites and {operators} operators", file=sys.stderr)
    day, _ = run(folder / "day", operators, DAY_SITES, DAY_SLOTS)
    missed = DAY_SITES * DAY_SLOTS - day["settled_site_slots"]
    day_of_all = {"operators": operators, "sites": DAY_SITES, "slots": DAY_SLOTS, "missed": missed}
    return {**results, "spread": spread, "day": day_of_all}


def lines(results: Mapping[str, Any]) -> list[str]:
    """What was measured, in words."""
    day, spread = results["day"], results["spread"]
    burst, in_life = "all meters in one instant", "spread over a second, as meters speak"
    return [
        f"last reading to receipt, {SITES} sites, {burst}: {_in_words(results['latency_ms'])}",
        f"last reading to receipt, {SITES} sites, {in_life}: {_in_words(spread['latency_ms'])}",
        f"its floor, a transfer signed, sent and mined: {_in_words(results['floor_ms'])}",
        *(f"consensus of {operators}, {burst}: {_in_words(one)}" for operators, one in results["consensus_ms"].items()),
        f"consensus of {OPERATORS[0]}, {in_life}: {_in_words(spread['consensus_ms'])}",
        f"{day['slots']} slots of {day['sites']} sites by {day['operators']} operators: {day['missed']} missed",
    ]


def _in_words(took: Mapping[str, float]) -> str:
    """Percentiles in ms, and how many slots took a second round where that was counted."""
    later = [f"{took['later']} slots took a second round"] if "later" in took else []
    return ", ".join([f"{took['p50']} ms (median)", f"{took['p99']} ms (99 of 100)", *later])


def run(
    folder: Path, operators: int, sites: int = SITES, slots: int = SLOTS, spread_ms: int = 0
) -> tuple[dict[str, Any], Stamps]:
    """Run the demo headless: its result, and what its nodes noted.

    Meters answer over `spread_ms` at each slot's end; 0: all in one instant.

    Raises:
        RuntimeError: the demo failed, or its own latency is not that of its stamps.
    """
    folder.mkdir(parents=True, exist_ok=True)
    homes = folder.with_suffix(".csv")
    write(homes, _homes(sites))
    environment = {
        **os.environ, "HEADLESS": "1", "SLOTS": str(slots), "RUN_FOLDER": str(folder), "CHAIN_PORT": "0",
        "STREET_PORT": "0", "HOMES": str(homes), "OPERATORS": str(operators), "SPREAD_MS": str(spread_ms),
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "scripts.street"],
        cwd=PROJECT, env=environment, stdout=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"the demo ended with status {done.returncode}: {done.stdout[-2000:]}")
    result = json.loads(done.stdout.strip().splitlines()[-1])
    stamps = read(sorted(folder.joinpath("stamps").glob("*.jsonl")))
    found = _percentiles(times(stamps, "source_ns", "receipt_ns"))
    if any(abs(found[key] - result["latency_ms"][key]) > NEAREST for key in found):
        raise RuntimeError(f"the demo told {result['latency_ms']}, its stamps give {found}")
    return result, stamps


def _homes(count: int) -> list[Home]:
    """As many homes as asked for, street after street of the demo's kind."""
    day = date.fromisoformat(DEFAULT_DAY)
    homes = itertools.chain.from_iterable(street_homes(day, seed) for seed in itertools.count())
    return [replace(home, index=index) for index, home in enumerate(itertools.islice(homes, count))]


def read(paths: Iterable[Path]) -> Stamps:
    """What nodes noted, by part.

    Raises:
        RuntimeError: there are no stamps.
    """
    stamps: Stamps = {}
    for path in paths:
        for line in path.read_text(encoding="utf-8").splitlines():
            stamp = json.loads(line)
            stamps.setdefault((stamp["zone"], stamp["slot"], stamp["part"]), []).append(stamp)
    if not stamps:
        raise RuntimeError("the nodes left no stamps; look into the run folder's logs")
    return stamps


def floor() -> dict[str, float]:
    """Percentiles in ms of what no node can do without: sign a transfer, send it, have anvil's receipt, in one call."""
    Account.enable_unaudited_hdwallet_features()
    sender = Account.from_mnemonic(MNEMONIC)
    took = []
    with anvil() as url:
        chain = Chain(url, timeout=60)
        for nonce in range(TRANSACTIONS):
            began = time.perf_counter()
            signed = sender.sign_transaction(
                {
                    "type": 2, "chainId": 31337, "nonce": nonce, "to": sender.address, "value": 1, "gas": 21_000,
                    "maxFeePerGas": 10**9, "maxPriorityFeePerGas": 0,
                }
            )  # fmt: skip
            receipt = chain.request("eth_sendRawTransactionSync", ["0x" + signed.raw_transaction.hex()])
            took.append((time.perf_counter() - began) * 1e3)
            if receipt["status"] != "0x1":
                raise RuntimeError("a transfer was refused")
    return _percentiles(took)


def times(stamps: Stamps, begin: str, end: str) -> list[float]:
    """ms between two stamps of the node that had a part's settlement receipt, for all parts of which one did."""
    return [
        (stamp[end] - stamp[begin]) / 1e6
        for noted in stamps.values()
        for stamp in noted
        if stamp["transmitter"] and stamp.get(begin)
    ]


def latency(stamps: Stamps) -> dict[str, float]:
    """Percentiles in ms from the last reading of a slot to its settlement receipt, once everything is warm."""
    return _percentiles(times(_warm(stamps), "source_ns", "receipt_ns"))


def consensus(stamps: Stamps, operators: int) -> dict[str, float]:
    """Percentiles in ms from the readings being complete at a quorum of nodes to a quorum's signatures at the first.

    Parts that took a second round are left out of the times and counted in `later`.
    """
    took, later = [], 0
    for noted in _warm(stamps).values():
        complete = sorted(stamp["complete_ns"] for stamp in noted if "complete_ns" in stamp)
        signed = [stamp["quorum_ns"] for stamp in noted if "quorum_ns" in stamp]
        if any(stamp["round"] for stamp in noted):
            later += 1
        elif len(complete) >= quorum(operators) and signed:
            took.append((min(signed) - complete[quorum(operators) - 1]) / 1e6)
    return {**_percentiles(took), "later": later}


def _warm(stamps: Stamps) -> Stamps:
    first = min(slot for _, slot, _ in stamps)
    return {part: noted for part, noted in stamps.items() if part[1] >= first + WARMING_UP}


def _percentiles(took: Sequence[float]) -> dict[str, float]:
    """Nearest rank.

    Raises:
        RuntimeError: nothing was measured.
    """
    if not took:
        raise RuntimeError("no slot was settled in a way that can be measured; look into the run folder's logs")
    ordered = sorted(took)
    return {f"p{p}": round(ordered[-(-p * len(ordered) // 100) - 1], 1) for p in (50, 99)}
