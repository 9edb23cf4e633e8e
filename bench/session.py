"""What a browser's tab says to the app's server and hears from it: Streamlit's own messages over its web socket.

No page is drawn, so one process can be a hundred tabs. Numbers and names of the messages are those of the installed
Streamlit, whose protobuf classes are used.
"""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlencode, urlsplit

from net8_web.settings import LIVE_BOOK
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect

__all__ = ["Session", "session", "watching"]

PATIENCE_S = 60
_DONE = (ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY)


class Session:
    """One tab that shows a page of the app."""

    def __init__(self, socket: ClientConnection) -> None:
        """Args: socket: connected."""
        self._socket = socket
        self._fragments: dict[str, str] = {}  # of components, by name
        self._page = ""

    async def open(self, page: str) -> None:
        """Show a page: a run of the whole app."""
        message = BackMsg()
        message.rerun_script.page_name = page
        await self._run(message)

    async def update(self, component: str) -> float:
        """Let the fragment that holds a component run again, as its timer does: seconds until it is done.

        Raises:
            LookupError: the page has no such component.
        """
        if component not in self._fragments:
            raise LookupError(f"the page shows no {component}, only {sorted(self._fragments)}")
        message = BackMsg()
        message.rerun_script.page_script_hash = self._page
        message.rerun_script.fragment_id = self._fragments[component]
        message.rerun_script.is_auto_rerun = True
        began = time.perf_counter()
        await self._run(message)
        return time.perf_counter() - began

    async def _run(self, message: BackMsg) -> None:
        await self._socket.send(message.SerializeToString())
        while True:
            heard = ForwardMsg.FromString(await self._socket.recv(decode=False))
            kind = heard.WhichOneof("type")
            if kind == "new_session":
                self._page = heard.new_session.page_script_hash
            elif kind == "delta" and heard.delta.new_element.WhichOneof("type") == "bidi_component":
                self._fragments[heard.delta.new_element.bidi_component.component_name] = heard.delta.fragment_id
            elif kind == "delta" and heard.delta.new_element.WhichOneof("type") == "exception":
                raise RuntimeError(f"the page failed: {heard.delta.new_element.exception.message}")
            elif kind == "script_finished" and heard.script_finished in _DONE:
                return


@asynccontextmanager
async def session(address: str) -> AsyncIterator[Session]:
    """A tab at the app's address, such as http://127.0.0.1:8501."""
    url = f"ws://{urlsplit(address).netloc}/_stcore/stream"
    async with connect(url, subprotocols=["streamlit"], max_size=None, open_timeout=PATIENCE_S) as socket:
        yield Session(socket)


@asynccontextmanager
async def watching(address: str, **asked: int) -> AsyncIterator[ClientConnection]:
    """A socket that is told a book as it changes, as the tab's ladder has one; `asked`: zone and slot."""
    url = f"ws://{urlsplit(address).netloc}{LIVE_BOOK}?{urlencode(asked)}"
    async with connect(url, open_timeout=PATIENCE_S) as socket:
        await socket.recv()  # the book as it is
        yield socket
