"""Web applications in a thread of the test's process, the indexer's HTTP API among them."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from net8_indexer.api.app import make_app
from net8_indexer.follower import Follower
from sqlalchemy import Engine

from tests.ports import free_port

__all__ = ["listening", "served"]


@contextmanager
def listening(app: Any) -> Iterator[int]:
    """Any of them; its port."""
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_config=None))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield port
    server.should_exit = True
    thread.join()


@contextmanager
def served(engine: Engine, follower: Follower | None = None) -> Iterator[str]:
    """The indexer's HTTP API over a database; its address."""
    with listening(make_app(engine, follower, 10_000)) as port:
        yield f"http://127.0.0.1:{port}/api"
