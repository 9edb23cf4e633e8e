"""An HTTP server for the length of a `with` block."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from aiohttp import web

from net8_oracle.settings import ConfigRefused

__all__ = ["serve"]

LARGEST_BODY = 8 * 2**20  # bytes: a proposal with 31 observations of 256 sites takes about 0.3 MB


@asynccontextmanager
async def serve(routes: Sequence[web.RouteDef], host: str, port: int) -> AsyncIterator[None]:
    """Serve `routes` on host:port.

    Raises:
        ConfigRefused: the place is taken or not this machine's.
    """
    app = web.Application(client_max_size=LARGEST_BODY)
    app.add_routes(routes)
    runner = web.AppRunner(app, access_log=None, handle_signals=False)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as fault:
            raise ConfigRefused(f"cannot listen on {host}:{port} ({fault.strerror}); choose another port") from None
        yield
    finally:
        await runner.cleanup()
