"""Books as they change: who watches one is told each change once, and nothing that is no book."""

import json
import time
from collections.abc import Callable, Iterator

import pytest
from net8_web import live
from net8_web.feed import View
from net8_web.settings import LIVE_BOOK, SettingsRefused
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from websockets.exceptions import ConnectionClosedError
from websockets.sync.client import ClientConnection, connect

from tests.frontend.conftest import BUYER, SELLER, SLOT, Tape
from tests.frontend.pages import KnownChain, view_of
from tests.frontend.serving import listening

BOOK = f"{LIVE_BOOK}?zone=1&slot={SLOT}"


class KnownFeed:
    """Shows what the tape has, whenever it is told to."""

    def __init__(self, tape: Tape) -> None:
        self.tape = tape
        self.listeners: list[Callable[[View], None]] = []
        self.shown: View | None = view_of(tape, KnownChain({}))

    def latest(self) -> View | None:
        return self.shown

    def listen(self, listener: Callable[[View], None]) -> None:
        self.listeners.append(listener)

    def show(self) -> None:
        self.shown = view_of(self.tape, KnownChain({}))
        for listener in self.listeners:
            listener(self.shown)


@pytest.fixture
def following(tape: Tape, monkeypatch: pytest.MonkeyPatch) -> KnownFeed:
    made = KnownFeed(tape)
    monkeypatch.setattr(live, "feed", lambda: made)
    live._books.cache_clear()
    return made


@pytest.fixture
def watch(following: KnownFeed) -> Iterator[Callable[..., ClientConnection]]:
    """Open a socket by its path and query."""
    with listening(Starlette(routes=[WebSocketRoute(LIVE_BOOK, live.book)])) as port:
        yield lambda path=BOOK: connect(f"ws://127.0.0.1:{port}{path}")
    live._books.cache_clear()


def prices(text: str) -> tuple[list[int], list[int]]:
    told = json.loads(text)
    return [rung["price"] for rung in told["asks"]], [rung["price"] for rung in told["bids"]]


def test_book__orders_come_and_go__each_change_is_told(watch, following, tape) -> None:
    tape.rest(SELLER, True, 900, 500)
    following.show()
    with watch() as socket:
        assert prices(socket.recv(timeout=20)) == ([900], [])
        tape.rest(BUYER, False, 700, 300)
        tape.rest(SELLER, True, 880, 200)
        following.show()
        assert prices(socket.recv(timeout=20)) == ([880, 900], [700])


def test_book__blocks_that_change_nothing__nothing_is_told(watch, following, tape) -> None:
    with watch() as socket:
        assert prices(socket.recv(timeout=20)) == ([], [])
        following.show()
        following.show()
        tape.rest(SELLER, True, 900, 500)
        following.show()
        assert prices(socket.recv(timeout=20)) == ([900], [])


def test_book__of_a_site__its_own_prices_are_named(watch, following, tape) -> None:
    tape.rest(SELLER, True, 900, 500)
    tape.rest(BUYER, False, 700, 300)
    following.show()
    with watch(f"{BOOK}&site={SELLER}") as mine, watch() as nobody_s:
        assert json.loads(mine.recv(timeout=20))["mine"] == {"asks": [900], "bids": []}
        assert json.loads(nobody_s.recv(timeout=20))["mine"] == {"asks": [], "bids": []}


def test_book__no_view_yet__told_with_the_first_one(watch, following, tape) -> None:
    following.shown = None
    with watch() as socket:
        tape.rest(SELLER, True, 900, 500)
        following.show()
        assert prices(socket.recv(timeout=20)) == ([900], [])


def test_book__slots_without_orders__nothing_of_them_is_remembered(watch, following, tape) -> None:
    tape.rest(SELLER, True, 900, 500)
    following.show()
    for slot in range(SLOT, SLOT + 20):
        with watch(f"{LIVE_BOOK}?zone=1&slot={slot}") as socket:
            socket.recv(timeout=20)
    assert [key for key in following.shown._answers if key[0] == "book"] == [("book", 1, SLOT)]


def test_book__socket_closed__watched_no_more(watch) -> None:
    with watch() as socket:
        socket.recv(timeout=20)
        assert len(live._books().watchers) == 1
    deadline = time.monotonic() + 20
    while live._books().watchers and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not live._books().watchers


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ("zone=0&slot=1", "zone: Input should be greater than or equal to 1"),
        ("zone=1", "slot: Field required"),
        ("zone=1&slot=x", "slot: Input should be a valid integer"),
        ("zone=1&slot=1&who=me", "who: Extra inputs are not permitted"),
        (f"zone=1&slot=1&site={2**48}", "site: Input should be less than"),
    ],
)
def test_book__asked_for_what_is_none__closed_with_the_reason(watch, asked: str, reason: str) -> None:
    with watch(f"{LIVE_BOOK}?{asked}") as socket, pytest.raises(ConnectionClosedError) as refused:
        socket.recv(timeout=20)
    assert refused.value.rcvd.code == 1008
    assert reason in refused.value.rcvd.reason


def test_book__as_many_watch_as_may__the_next_is_told_to_come_later(watch, monkeypatch) -> None:
    monkeypatch.setattr(live, "MOST", 1)
    with watch() as first:
        first.recv(timeout=20)
        with watch() as second, pytest.raises(ConnectionClosedError) as refused:
            second.recv(timeout=20)
    assert (refused.value.rcvd.code, refused.value.rcvd.reason) == (1013, "too many watch; try again later")


def test_book__settings_that_cannot_be_used__closed(watch, monkeypatch) -> None:
    def refuse() -> None:
        raise SettingsRefused("NET8_RPC_URL is 'x'")

    monkeypatch.setattr(live, "feed", refuse)
    with watch() as socket, pytest.raises(ConnectionClosedError) as refused:
        socket.recv(timeout=20)
    assert refused.value.rcvd.code == 1013
