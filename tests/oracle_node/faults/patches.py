"""What tests do to a node from inside: kill it at an edge of its outbox, or take one of its defences away.

`python patches.py NAME... run --config FILE` applies patches by name, then is `net8-oracle run --config FILE`.
`die-before:NAME` and `die-after:NAME` kill it around a function of EDGES, and `unanswered:NAME` has the database's
answer lost the first time that this function has stored something; the other names are those of functions in WITHOUT.
"""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from net8_oracle.cli import main
from net8_oracle.clock import WallClock
from net8_oracle.node.broadcast import Broadcaster
from net8_oracle.node.chain import ChainView
from net8_oracle.node.council import Council
from net8_oracle.node.database import Database, StoreUnavailable
from net8_oracle.node.endpoints import Endpoints
from net8_oracle.node.finality import Finality
from net8_oracle.node.outbox import Intent, Outbox
from net8_oracle.node.store import SqlStore
from net8_oracle.node.transmitter import Transmitter

EDGES: dict[str, tuple[type, str]] = {
    "reserve": (Outbox, "reserve"),
    "attempt": (Outbox, "_add"),  # within the transaction that also takes the nonce
    "send": (Broadcaster, "send"),
    "replace": (Outbox, "replace"),
    "close": (Outbox, "close"),
    "settled": (SqlStore, "settled"),
    "finalize": (Outbox, "finalize"),
    "reopen": (Outbox, "reopen"),
    "unsettle": (SqlStore, "unsettle"),
}


def die() -> None:
    """As by kill -9 or a power cut."""
    os.kill(os.getpid(), signal.SIGKILL)


def _around(when: str, where: str) -> None:
    owner, name = EDGES[where]
    honest: Callable[..., Any] = getattr(owner, name)

    async def dying_async(*arguments: Any, **named: Any) -> Any:
        if when == "die-after":
            await honest(*arguments, **named)
        die()

    def dying(*arguments: Any, **named: Any) -> Any:
        if when == "die-after":
            honest(*arguments, **named)
        die()

    setattr(owner, name, dying_async if where == "send" else dying)


def _unanswered(where: str) -> None:
    """What a lost answer is to a node: what it wanted stored is stored, and it is told that it is not."""
    owner, name = EDGES[where]
    honest: Callable[..., Any] = getattr(owner, name)

    def once(self: Any, *arguments: Any, **named: Any) -> Any:
        setattr(owner, name, honest)
        transaction = Database.transaction

        @contextmanager
        def broken(database: Database) -> Iterator[Any]:
            with transaction(database) as connection:
                yield connection
            raise StoreUnavailable("the line broke before the answer")

        Database.transaction = broken  # type: ignore[method-assign]
        try:
            return honest(self, *arguments, **named)
        finally:
            Database.transaction = transaction  # type: ignore[method-assign]

    setattr(owner, name, once)


def memory() -> None:
    """Send without storing first: the outbox is in memory alone."""
    ids = iter(range(1, 10**6))

    def forgotten(self: Outbox, key: Any, target: str, data: bytes, gas: int, sign: Any, first: int) -> Intent:
        number = next(ids)
        attempt = sign(first + number - 1)
        return Intent(number, key, target, data, gas, (attempt,))

    Outbox.reserve = forgotten  # type: ignore[method-assign]
    Outbox.replace = lambda self, intent, attempt: replace(intent, attempts=(*intent.attempts, attempt))  # type: ignore[method-assign]


def failover() -> None:
    """Know one chain node only, whatever it does."""
    Endpoints.ranked = lambda self: self.all[:1]  # type: ignore[method-assign]


def giving_up() -> None:
    """Send a report even when there is nothing to settle any more."""

    async def never(self: Broadcaster, intent: Intent) -> None:
        """No chain node knows a reason against it."""

    Broadcaster.would_revert = never  # type: ignore[method-assign]


def finality() -> None:
    """Take every block for final."""

    async def blind(self: Finality) -> None:
        """Look at nothing."""

    Finality.look = blind  # type: ignore[method-assign]


def refusal_to_send() -> None:
    """Send also what could not be stored."""
    honest = Outbox.reserve

    def anyway(self: Outbox, key: Any, target: str, data: bytes, gas: int, sign: Any, first: int) -> Intent:
        try:
            return honest(self, key, target, data, gas, sign, first)
        except StoreUnavailable:
            return Intent(1, key, target, data, gas, (sign(first),))

    Outbox.reserve = anyway  # type: ignore[method-assign]


def finding() -> None:
    """Believe that nothing is stored where the database did not answer."""
    Transmitter._find = lambda self: None  # type: ignore[method-assign]


def fence() -> None:
    """Two processes may work on one outbox."""
    Outbox._check_owner = lambda self, connection: None  # type: ignore[method-assign]


def readings_ahead() -> None:
    """Agree on nothing while the chain is gone."""

    async def nothing(self: ChainView) -> dict[Any, Any]:
        return {}

    ChainView._read_ahead = nothing  # type: ignore[method-assign]


def order() -> None:
    """Deliver in whatever order."""

    async def at_once(self: Council, agreement: Any) -> bool:
        return False

    Council._earlier_first = at_once  # type: ignore[method-assign]


WITHOUT: dict[str, Callable[[], None]] = {
    one.__name__: one
    for one in (memory, failover, giving_up, finality, refusal_to_send, finding, fence, readings_ahead, order)
}


def clock_file(path: str) -> None:
    """The machine's clock is a file that the test writes."""
    import asyncio
    from pathlib import Path

    file = Path(path)

    async def wait_until(self: WallClock, moment: int) -> None:
        while self.now() < moment:  # noqa: ASYNC110 - a file tells of no change
            await asyncio.sleep(0.02)

    WallClock.now = lambda self: int(file.read_text())  # type: ignore[method-assign]
    WallClock.wait_until = wait_until  # type: ignore[method-assign]


def apply(name: str) -> None:
    """Apply a patch by its name."""
    kind, _, detail = name.partition(":")
    if kind in ("die-before", "die-after"):
        _around(kind, detail)
    elif kind == "unanswered":
        _unanswered(detail)
    elif kind == "clock":
        clock_file(detail)
    else:
        assert kind == "without", f"no such patch: {name}"
        WITHOUT[detail]()


if __name__ == "__main__":
    *names, command, option, file = sys.argv[1:]
    for name in names:
        apply(name)
    sys.argv[1:] = [command, option, file]
    main()
