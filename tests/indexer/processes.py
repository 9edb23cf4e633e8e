"""`net8-indexer` as a process of its own, and what its HTTP API answers."""

import contextlib
import logging
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import requests
from click.testing import CliRunner
from net8.client import Chain
from net8_indexer.cli import main

from tests.ports import free_port

__all__ = ["Process", "run_to_end", "wait_until"]

PATIENCE = 60.0  # seconds


def wait_until(holds: Callable[[], bool], what: str) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, f"{what}: not within {PATIENCE:.0f} s"
        time.sleep(0.02)


class Followed(Protocol):
    """A chain of the tests that an indexer can follow."""

    chain: Chain
    deployment_file: Path

    @property
    def url(self) -> str:
        """Its JSON-RPC address."""
        ...


class Process:
    """One indexer over one database; `start` and `kill` as often as one likes."""

    def __init__(
        self, folder: Path, chain: Followed, database: str, per_minute: int = 1_000_000, poll_ms: int = 20
    ) -> None:
        self.url = f"http://127.0.0.1:{(port := free_port())}/api"
        self.log = folder / "indexer.log"
        self.config = folder / "indexer.toml"
        self.config.write_text(
            f'database = "{database}"\nlisten = "127.0.0.1:{port}"\n'
            f'[chain]\ndeployment = "{chain.deployment_file}"\nrpc = "{chain.url}"\npoll_ms = {poll_ms}\n'
            "timeout_ms = 500\n"
            f"[limits]\nper_minute = {per_minute}\n",
            encoding="utf-8",
        )
        self._chain = chain
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, command: str = "run") -> None:
        """Start it and wait until it answers."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                ["net8-indexer", command, "--config", str(self.config)], stdout=log, stderr=log
            )
        wait_until(self._answers, "an answer")

    def _answers(self) -> bool:
        assert self._process is not None, "it was started"
        assert self._process.poll() is None, f"it ended: {self.log.read_text()[-3000:]}"
        with contextlib.suppress(requests.ConnectionError):
            return bool(self.get("/health").status_code)
        return False

    def get(self, path: str, **parameters: Any) -> requests.Response:
        """A question."""
        return requests.get(self.url + path, params=parameters, timeout=PATIENCE)

    def wait_at_head(self) -> None:
        """Wait until the chain's latest block is taken in."""
        head = self._chain.chain.block().number
        wait_until(lambda: (self.get("/health").json()["block"] or 0) >= head, f"block {head} taken in")

    def kill(self) -> None:
        """kill -9."""
        self._end(9)

    def stop(self) -> int:
        """SIGTERM; its status."""
        return self._end(15)

    def _end(self, number: int) -> int:
        assert self._process is not None, "it was started"
        process, self._process = self._process, None
        process.send_signal(number)
        return process.wait(PATIENCE)

    def close(self) -> None:
        """End it if it runs."""
        if self._process is not None:
            self.kill()


def run_to_end(*arguments: str) -> tuple[int, str, str]:
    """Status, standard output and standard error of the command `net8-indexer` with some arguments."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    try:
        done = CliRunner(mix_stderr=False).invoke(main, arguments)
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
    return done.exit_code, done.stdout, done.stderr
