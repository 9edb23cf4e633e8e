"""Running the street as a user does: as a process of its own, with a folder and free ports of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).resolve().parents[2]
PATIENCE = 240.0  # seconds for anything a street does; compiling the contracts takes the most


@dataclass
class RunningStreet:
    """A street in a process."""

    process: subprocess.Popen[str]
    folder: Path

    def facts(self, *names: str) -> dict[str, Any]:
        """What the street has noted, once all of `names` are there."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                known = json.loads((self.folder / "street.json").read_text(encoding="utf-8"))
            except (FileNotFoundError, ValueError):
                known = {}
            if all(name in known for name in names):
                return dict(known)
            assert self.process.poll() is None, self.talk()
            time.sleep(0.05)
        raise AssertionError(f"the street did not note {names} in time\n{self.talk()}")

    def talk(self) -> str:
        """What it said so far."""
        return (self.folder.parent / "talk.txt").read_text(encoding="utf-8")

    def wait_said(self, text: str) -> None:
        """Until it has said `text`."""
        deadline = time.monotonic() + PATIENCE
        while text not in self.talk():
            assert self.process.poll() is None, self.talk()
            assert time.monotonic() < deadline, self.talk()
            time.sleep(0.02)

    def ends(self) -> tuple[int, str]:
        """Its exit status and what it wrote to the standard output."""
        output, _ = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, output


@pytest.fixture
def start_street(tmp_path: Path) -> Iterator[Callable[..., RunningStreet]]:
    """Starts streets with the given variables; those still running at the end are stopped."""
    started: list[RunningStreet] = []

    def start(**variables: object) -> RunningStreet:
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("NET8_")},
            "CHAIN_PORT": "0", "APP_PORT": "0", "STREET_PORT": "0", "INDEXER_PORT": "0",
            "RUN_FOLDER": str(tmp_path / "run"),
            **{name: str(value) for name, value in variables.items()},
        }  # fmt: skip
        with (tmp_path / "talk.txt").open("w", encoding="utf-8") as talk:
            process = subprocess.Popen(
                [sys.executable, "-m", "scripts.street"], cwd=PROJECT, env=environment, text=True,
                stdout=subprocess.PIPE, stderr=talk, start_new_session=True,
            )  # fmt: skip
        street = RunningStreet(process, tmp_path / "run")
        started.append(street)
        return street

    yield start
    for street in started:
        if street.process.poll() is None:
            street.process.send_signal(signal.SIGTERM)
            street.process.wait(timeout=30)
