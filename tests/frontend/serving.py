"""The indexer's HTTP API in a thread of the test's process."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from net8_indexer.api.app import make_app
from net8_indexer.follower import Follower
from sqlalchemy import Engine

from tests.ports import free_port

__all__ = ["served"]


@contextmanager
def served(engine: Engine, follower: Follower | None = None) -> Iterator[str]:
    """The indexer's HTTP API over a database; its address."""
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(make_app(engine, follower, 10_000), port=port, log_config=None))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{port}/api"
    server.should_exit = True
    thread.join()
