"""Time from the last reading of a slot to its settlement receipt, recomputed from the raw stamps of a headless demo."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from eth_account import Account
from net8.client import Chain

from bench.site import MNEMONIC, PROJECT, anvil

__all__ = ["SLOTS", "floor", "measure", "recompute"]

SLOTS = 8
TRANSACTIONS = 100  # of the floor
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


def _percentiles(took: list[float]) -> dict[str, float]:
    ordered = sorted(took)
    return {f"p{p}": round(ordered[-(-p * len(ordered) // 100) - 1], 1) for p in (50, 99)}


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
    return _percentiles(list(latencies.values()))
