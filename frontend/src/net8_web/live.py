"""Books as they change, told over a web socket beside the app's pages: no page has to run for it.

GET /live/book?zone=1&slot=1988888&site=65537, upgraded to a web socket, is told the slot's book at once and then each
time it changes, as `net8_web.rungs.Book.as_seen_by` the site (left out: by nobody) in JSON. Nothing is listened to.
What is told is in the chain for all to see.
"""

import asyncio
import json
from dataclasses import dataclass, field
from functools import cache

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.websockets import WebSocket, WebSocketDisconnect

from net8_web.feed import View, feed
from net8_web.rungs import book_of
from net8_web.settings import SettingsRefused

__all__ = ["book"]

MOST = 2_000  # watchers of one process
_REFUSED, _FULL = 1008, 1013  # of web sockets (RFC 6455): policy violation, try again later


class _Asked(BaseModel):
    """Whose book is watched, and with whose eyes."""

    model_config = ConfigDict(extra="forbid")
    zone: int = Field(ge=1, lt=2**32)
    slot: int = Field(ge=0, lt=2**32)
    site: int | None = Field(default=None, ge=1, lt=2**48)


@dataclass(eq=False, slots=True)
class _Watcher:
    """One socket: what it was told last, and whether there is something newer."""

    asked: _Asked
    text: str = ""
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def look(self, view: View) -> None:
        seen = book_of(view, self.asked.zone, self.asked.slot).as_seen_by(self.asked.site)
        text = json.dumps(seen)
        if text != self.text:
            self.text = text
            self.news.set()


class _Books:
    """All watchers of this process; each block of the chain is looked at once for all of them."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._following = feed()
        self.watchers: set[_Watcher] = set()
        self._following.listen(self._heard)

    def _heard(self, view: View) -> None:
        self._loop.call_soon_threadsafe(self._tell, view)

    def _tell(self, view: View) -> None:
        for watcher in self.watchers:
            watcher.look(view)

    async def watch(self, socket: WebSocket, asked: _Asked) -> None:
        """Tell until the socket is closed."""
        watcher = _Watcher(asked)
        self.watchers.add(watcher)
        try:
            async with asyncio.TaskGroup() as tasks:
                telling = tasks.create_task(_tell(socket, watcher))
                view = self._following.latest()
                if view is not None:
                    watcher.look(view)
                while (await socket.receive())["type"] != "websocket.disconnect":
                    pass
                telling.cancel()
        finally:
            self.watchers.discard(watcher)


async def _tell(socket: WebSocket, watcher: _Watcher) -> None:
    """A socket that is slow is told the newest, not all that was."""
    while True:
        await watcher.news.wait()
        watcher.news.clear()
        try:
            await socket.send_text(watcher.text)
        except (WebSocketDisconnect, RuntimeError):
            return  # it is gone, which whoever listens to it hears too


@cache
def _books() -> _Books:
    """Those of this process; made when somebody watches first."""
    return _Books()


async def book(socket: WebSocket) -> None:
    """Tell who asks a book until the socket is closed; close it with a reason where that cannot be."""
    await socket.accept()
    try:
        asked, books = _Asked.model_validate(dict(socket.query_params)), _books()
    except ValidationError as fault:
        first = fault.errors()[0]
        await socket.close(_REFUSED, f"{first['loc'][0]}: {first['msg']}")
        return
    except SettingsRefused:
        await socket.close(_FULL, "the app's settings cannot be used, as its pages say")
        return
    if len(books.watchers) >= MOST:
        await socket.close(_FULL, "too many watch; try again later")
        return
    await books.watch(socket, asked)
