"""The processes of the street: started in groups of their own, watched, and stopped without a trace.

Each child leads a process group, so that what it starts in turn ends with it, and Ctrl-C reaches the street alone,
which then stops everything in the reverse order of starting. Each child writes one log file in the run folder.
"""

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Self

import requests

__all__ = ["Child", "ChildDied", "PortTaken", "Processes", "choose_port"]

HOST = "127.0.0.1"
_GRACE = 6.0  # seconds a child has to end by itself
_TAIL_LINES = 12  # of a dead child's log
_LOOK_EVERY = 0.05  # seconds


class PortTaken(RuntimeError):
    """Another program listens where the street should. The message says how to choose another port."""


class ChildDied(RuntimeError):
    """A process of the street ended by itself. The message ends with the tail of its log."""


# Below the range from which the system takes ports of outgoing connections: one of those could take the port between
# here and the moment the process listens on it.
_ANY = range(10_000, 20_000)


def _search_path() -> str:
    """PATH with the virtual environment's programs first: ape looks for vyper there."""
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])


@cache
def _in_turn() -> Iterator[int]:
    """Any ports, in an order of chance, each once: nobody listens yet where this street is about to."""
    return iter(random.sample(_ANY, len(_ANY)))


def choose_port(wanted: int, option: str) -> int:
    """`wanted` if it is free, any free port for 0; never the same twice.

    Raises:
        PortTaken: something listens there already.
    """
    for port in [wanted] if wanted else _in_turn():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return port
    raise PortTaken(
        f"port {wanted or f'{_ANY.start} to {_ANY.stop - 1}'} is taken; stop the program that listens there "
        f"or choose another with {option}=..."
    )


@dataclass
class Child:
    """One process and its log."""

    name: str
    log: Path
    process: subprocess.Popen[bytes]

    def tail(self) -> str:
        """The last lines of its log."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(f"  {line}" for line in lines[-_TAIL_LINES:])

    def check(self) -> None:
        """Do nothing while it runs.

        Raises:
            ChildDied: it has ended.
        """
        status = self.process.poll()
        if status is not None:
            raise ChildDied(f"{self.name} ended with status {status}; its log {self.log} ends with\n{self.tail()}")

    def signal_group(self, number: signal.Signals) -> None:
        """Send a signal to the process and all it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)

    def group_lives(self) -> bool:
        """Whether any process of its group still runs."""
        self.process.poll()  # collects the leader, which otherwise stays as a zombie
        try:
            os.killpg(self.process.pid, 0)
        except (ProcessLookupError, PermissionError):
            return False
        return True


class Processes:
    """All children of the street, as a context: leaving it stops every one."""

    def __init__(self, logs: Path) -> None:
        """`logs`: an existing folder."""
        self._logs = logs
        self._children: list[Child] = []

    def start(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
    ) -> Child:
        """Start a child.

        Args:
            environment: variables besides those of the street itself.
            folder: working directory.

        Raises:
            ChildDied: the program does not exist or cannot be started.
        """
        log = self._logs / f"{name}.log"
        with log.open("ab") as output:
            try:
                process = subprocess.Popen(  # noqa: S603 - the street's own commands
                    command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, cwd=folder,
                    env={**os.environ, "PATH": _search_path(), **(environment or {})}, start_new_session=True,
                )  # fmt: skip
            except OSError as fault:
                raise ChildDied(
                    f"{name} cannot be started ({command[0]}: {fault.strerror}); run `make setup`"
                ) from None
        child = Child(name, log, process)
        self._children.append(child)
        return child

    def run(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
    ) -> None:
        """Run a program to its end.

        Raises:
            ChildDied: it could not be started or did not end well.
        """
        child = self.start(name, command, environment, folder)
        while child.process.poll() is None:
            self.check(besides=child)
            time.sleep(_LOOK_EVERY)
        self._children.remove(child)
        if child.process.returncode != 0:
            child.check()

    def check(self, besides: Child | None = None) -> None:
        """Do nothing while all children run.

        Raises:
            ChildDied: one has ended.
        """
        for child in self._children:
            if child is not besides:
                child.check()

    def wait_ready(self, child: Child, is_ready: Callable[[], bool], timeout: float = 60.0) -> None:
        """Wait until `is_ready()`.

        Raises:
            ChildDied: the child ended, or is not ready after `timeout` seconds.
        """
        deadline = time.monotonic() + timeout
        while not is_ready():
            child.check()
            if time.monotonic() > deadline:
                raise ChildDied(f"{child.name} is not ready after {timeout:.0f} s; its log ends with\n{child.tail()}")
            time.sleep(_LOOK_EVERY)

    def stop(self) -> None:
        """End all children and whatever they started, the youngest first."""
        children, self._children = self._children[::-1], []
        for child in children:
            child.signal_group(signal.SIGTERM)
        deadline = time.monotonic() + _GRACE
        while any(child.group_lives() for child in children) and time.monotonic() < deadline:
            time.sleep(_LOOK_EVERY)
        for child in children:
            if child.group_lives():
                child.signal_group(signal.SIGKILL)
            child.process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def answers(url: str) -> bool:
    """Whether a GET of `url` is answered with success."""
    with contextlib.suppress(requests.RequestException):
        return requests.get(url, timeout=2, proxies={"http": ""}).ok
    return False
