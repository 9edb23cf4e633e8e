"""Ports for the processes that tests start."""

import os
import random
import socket
from collections.abc import Iterator
from functools import cache
from itertools import cycle, islice

__all__ = ["free_port"]

# Below the range from which the system takes ports of outgoing connections: one of those could take the port between
# here and the moment the process listens on it. Each of pytest's workers has a thousand of its own.
_FIRST, _EACH = 20_000, 1_000


@cache
def _in_turn() -> Iterator[int]:
    """This worker's ports in an order of chance, so that one given twice is long out of use."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    return cycle(random.sample(range(_FIRST + worker * _EACH, _FIRST + (worker + 1) * _EACH), _EACH))


def free_port() -> int:
    """A port nobody listens on, and that nobody else is about to."""
    for port in islice(_in_turn(), _EACH):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("none of this worker's ports is free")
