"""What `net8-web` serves: the app's pages in a document of its own, and beside them books as they change.

Pages and feed are loaded when the server has started: before, Streamlit does not know where components lie, and a first
visitor would wait for them.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from net8_web.serve.left_pages import ignore_left_pages
from net8_web.serve.whole_runs import send_runs_whole
from net8_web.settings import LIVE_BOOK, SettingsRefused, served_at
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket
from streamlit.file_util import get_static_dir
from streamlit.starlette import App

PACKAGE = Path(__file__).parents[1]
PAGES = tuple(page.name for page in iter_modules([str(PACKAGE / "pages")]))
FIRST = "street"  # the page without a path


def _document() -> str:
    """Streamlit's document with the app's name and style, which a run of the app would bring when much is drawn."""
    style = (PACKAGE / "assets" / "page.css").read_text()
    document = (Path(get_static_dir()) / "index.html").read_text()
    document = document.replace("<title>Streamlit</title>", "<title>NET8</title>")
    return document.replace("</head>", f"<style>\n{style}</style></head>")


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


def _fault(fault: Exception) -> bool:
    from net8_web.serve.faults import say_fault

    return say_fault(fault)


def _routes() -> list[BaseRoute]:
    document = _document()

    async def page(_: Request) -> Response:
        return HTMLResponse(document, headers={"Cache-Control": "no-cache"})

    async def first(request: Request) -> Response:
        return RedirectResponse(request.url.replace(path=served_at("/")))

    others = [Route(served_at(f"/{name}"), page) for name in PAGES if name != FIRST]
    live = WebSocketRoute(served_at(LIVE_BOOK), _book)
    return [Route(served_at("/"), page), Route(served_at(f"/{FIRST}"), first), *others, live]


ignore_left_pages()
send_runs_whole()
app = App(Path(__file__).with_name("app.py"), lifespan=_lifespan, routes=_routes(), on_script_error=_fault)
