"""What `net8-web` serves: the app's pages, and beside them books as they change.

Pages and feed are loaded when the server has started: before, Streamlit does not know where components lie, and a first
visitor would wait for them.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from net8_web.settings import LIVE_BOOK, SettingsRefused
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket
from streamlit.starlette import App


def _begin() -> None:
    from net8_web import pages
    from net8_web.feed import feed

    for page in iter_modules(pages.__path__, "net8_web.pages."):
        import_module(page.name)
    try:
        feed()
    except SettingsRefused:
        return  # every page says so


@asynccontextmanager
async def _lifespan(_: App) -> AsyncIterator[None]:
    beginning = asyncio.create_task(asyncio.to_thread(_begin))
    yield
    await beginning


async def _book(socket: WebSocket) -> None:
    from net8_web.live import book

    await book(socket)


app = App(Path(__file__).with_name("app.py"), lifespan=_lifespan, routes=[WebSocketRoute(LIVE_BOOK, _book)])
