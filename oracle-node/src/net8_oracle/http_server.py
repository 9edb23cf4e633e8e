"""An HTTP server for the length of a `with` block."""

import socket
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from ipaddress import ip_address
from typing import Any

from aiohttp import web

from net8_oracle.settings import ConfigRefused

__all__ = ["serve"]

_FAREWELL = 2.0  # seconds that answers under way have at the end; a caller held back for long would keep us from ending
LARGEST_BODY = 8 * 2**20  # bytes: a proposal with 31 observations of 128 sites takes about 0.15 MB


class _Door(socket.socket):
    """A listening socket that hangs up on who calls too often, before anything is read or computed."""

    admits: Callable[[str], bool]

    def accept(self) -> tuple[socket.socket, Any]:
        connection, address = super().accept()
        if self.admits(address[0]):
            return connection, address
        connection.close()
        raise ConnectionAbortedError  # as if the caller had hung up: the event loop goes on with the next


def _listen(host: str, port: int, admits: Callable[[str], bool]) -> _Door:
    door = _Door(socket.AF_INET6 if ip_address(host).version == 6 else socket.AF_INET)
    door.admits = admits
    try:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        door.bind((host, port))
    except OSError as fault:
        door.close()
        raise ConfigRefused(f"cannot listen on {host}:{port} ({fault.strerror}); choose another port") from None
    return door


@asynccontextmanager
async def serve(
    routes: Sequence[web.RouteDef],
    host: str,
    port: int,
    *,
    largest_body: int = LARGEST_BODY,
    tls: ssl.SSLContext | None = None,
    admits: Callable[[str], bool] = lambda host: True,
) -> AsyncIterator[None]:
    """Serve `routes` on host:port.

    Args:
        routes: what is served.
        host: IP address.
        port: 0 takes any.
        largest_body: bytes of a request; one that names more is refused.
        tls: for https.
        admits: whether a connection from an address is taken; asked for each.

    Raises:
        ConfigRefused: the place is taken or not this machine's.
    """
    app = web.Application(client_max_size=largest_body)
    app.add_routes(routes)
    # Bodies are taken as they are: a small one must not swell to what nobody has counted.
    runner = web.AppRunner(
        app, access_log=None, handle_signals=False, auto_decompress=False, shutdown_timeout=_FAREWELL
    )
    await runner.setup()
    try:
        await web.SockSite(runner, _listen(host, port, admits), ssl_context=tls).start()
        yield
    finally:
        await runner.cleanup()
