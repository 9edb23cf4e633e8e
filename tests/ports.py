"""Ports for the processes that tests start."""

import os
import random
import socket

__all__ = ["free_port"]

# Below the range from which the system takes ports of outgoing connections: one of those could take the port between
# here and the moment the process listens on it. Each of pytest's workers has a thousand of its own.
_FIRST, _EACH = 20_000, 1_000


def free_port() -> int:
    """A port nobody listens on, and that nobody else is about to."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    ports = range(_FIRST + worker * _EACH, _FIRST + (worker + 1) * _EACH)
    for port in random.sample(ports, len(ports)):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError(f"no port is free from {ports.start} to {ports.stop - 1}")
