"""The process: a thread that follows the chain, and the HTTP server beside it."""

import logging
import signal
import threading
from types import FrameType

import uvicorn
from net8.client import Chain
from net8.config import host_and_port
from net8.errors import ChainFault, ChainUnreachable, DeploymentMismatch
from sqlalchemy import Engine, select

from net8_indexer.api.app import make_app
from net8_indexer.database import DatabaseRefused, open_database, reading, require_current, upgrade
from net8_indexer.follower import Follower
from net8_indexer.schema import Origin
from net8_indexer.settings import IndexerSettings
from net8_indexer.writer import Writer

__all__ = ["Ended", "run", "status"]

log = logging.getLogger(__name__)

_BATCH = 100  # questions that are sent to a chain node together
_KEEP_ALIVE_S = 5


class Ended(RuntimeError):
    """The process cannot go on. The message says why."""


def run(settings: IndexerSettings, follows: bool) -> None:
    """Run until SIGINT or SIGTERM.

    Args:
        settings: checked.
        follows: whether to follow the chain, or to answer only.

    Raises:
        ConfigRefused, DatabaseRefused: something that the settings name cannot be used.
        Ended: the follower ended by a fault that it does not know.
    """
    engine = open_database(settings.database.address())
    if not follows:
        require_current(engine)
        _answer(_server(settings, engine, None))
        return
    upgrade(engine)
    follower = _follower(settings, engine)
    server = _server(settings, engine, follower)
    ended: list[BaseException] = []

    def follow() -> None:
        try:
            follower.run()
        except BaseException as fault:
            log.exception("the follower ended")
            ended.append(fault)
            server.should_exit = True

    thread = threading.Thread(target=follow, name="follower")
    thread.start()
    try:
        _answer(server)
    finally:
        follower.stop()
        thread.join()
        engine.dispose()
    if ended:
        raise Ended(f"the chain cannot be followed ({ended[0]}); the log says more, a restart goes on where it stopped")


def _answer(server: uvicorn.Server) -> None:
    """Until a signal comes. The server stops by it, and then raises it once more: that must not end us half-way."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _already_handled)
    server.run()


def _already_handled(number: int, frame: FrameType | None) -> None:
    """Nothing is left to do."""


def _chains(settings: IndexerSettings) -> list[Chain]:
    return [Chain(url, settings.chain.timeout_ms / 1000, _BATCH) for url in settings.chain.rpc]


def _follower(settings: IndexerSettings, engine: Engine) -> Follower:
    deployment = settings.chain.contracts()
    chains = _chains(settings)
    for chain in chains:
        try:
            chain.verify(deployment)
        except DeploymentMismatch as fault:
            raise DatabaseRefused(str(fault)) from None
        except (ChainUnreachable, ChainFault) as fault:
            log.warning("chain node not reached yet: %s", fault)
    writer = Writer(engine, deployment.chain_id, deployment.address("EnergyExchange"), deployment.first_block)
    follower = Follower(chains, deployment, writer, settings.chain.poll_ms / 1000)
    try:
        follower.look()
    except (ChainUnreachable, ChainFault) as fault:
        follower.problem = str(fault)  # it may come; the history that is there can be read meanwhile
    return follower


def _server(settings: IndexerSettings, engine: Engine, follower: Follower | None) -> uvicorn.Server:
    host, port = host_and_port(settings.listen)
    config = uvicorn.Config(
        make_app(engine, follower, settings.limits.per_minute),
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.limits.proxies),
        forwarded_allow_ips=list(settings.limits.proxies),
        limit_concurrency=settings.limits.connections,
        timeout_keep_alive=_KEEP_ALIVE_S,
    )
    return uvicorn.Server(config)


def status(settings: IndexerSettings) -> dict[str, object]:
    """How far the database is, and how far the chain.

    Raises:
        ConfigRefused, DatabaseRefused: something that the settings name cannot be used.
    """
    engine = open_database(settings.database.address())
    require_current(engine)
    with reading(engine) as connection:
        block = connection.execute(select(Origin.block)).scalar_one_or_none()
    head, problem = None, None
    try:
        head = _chains(settings)[0].block().number
    except (ChainUnreachable, ChainFault) as fault:
        problem = str(fault)
    behind = None if head is None or block is None else max(head - block, 0)
    return {"block": block, "head": head, "behind": behind, "problem": problem}
