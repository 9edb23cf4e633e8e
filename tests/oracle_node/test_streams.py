"""Envelopes over real sockets: a mesh that speaks, and a door that listens within its callers' budgets."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import aiohttp
import pytest
from aiohttp import WSMsgType, web
from net8_oracle.http_server import serve
from net8_oracle.node import door as doors
from net8_oracle.node import mesh as meshes
from net8_oracle.node.door import Door
from net8_oracle.node.envelopes import EnvelopesPost, Vote
from net8_oracle.node.limits import Limits
from net8_oracle.node.mesh import HttpMesh
from net8_oracle.node.metrics import Metrics
from net8_oracle.node.peer_settings import LimitSettings, SourceRate
from net8_oracle.node.pins import Pins

from tests.ports import free_port

PEER = b"\x11" * 20
BURST, PER_SECOND = 4096, 500  # signatures of one caller
AT_ONCE = 64  # envelopes in a message


def vote(round_: int) -> Vote:
    return Vote(zone=1, slot=2, part=0, round=round_, report=b"\x01" * 32, signature=b"\x02" * 65)


def batch(*rounds: int) -> bytes:
    return EnvelopesPost(envelopes=[vote(round_) for round_ in rounds]).model_dump_json().encode()


async def until(condition: Callable[[], bool]) -> None:
    """Wait until something has happened in the process."""
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - conditions here are plain values
            await asyncio.sleep(0.01)


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Listener:
    """A node's door, open or shut."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.metrics = Metrics()
        self.limit(PER_SECOND)
        self.heard: list[int] = []  # rounds of the votes
        self.batches: list[int] = []  # how many envelopes came in each
        self.hostile: Handler | None = None  # what the next caller meets in the door's place
        self._transports: list[asyncio.Transport] = []

    def limit(self, per_second: int) -> None:
        """What a caller may say, after a burst."""
        rate = SourceRate(messages_per_s=per_second, messages_burst=BURST)
        self.limits = Limits(LimitSettings(source=rate, largest_body=2**20), self.metrics)

    @property
    def limited(self) -> bool:
        """Whether a caller was held back."""
        return 'net8_limited_total{caller="address"}' in self.metrics.text().decode()

    def _take(self, post: EnvelopesPost) -> None:
        self.batches.append(len(post.envelopes))
        self.heard += [envelope.round for envelope in post.envelopes]

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Door]:
        door = Door(Pins(None, [], "", ""), self.limits, self.metrics)

        async def listen(request: web.Request) -> web.StreamResponse:
            assert request.transport is not None
            self._transports.append(request.transport)
            hostile, self.hostile = self.hostile, None
            return await (hostile(request) if hostile is not None else door.envelopes(request, self._take))

        routes = [web.get("/envelopes", listen)]
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(serve(routes, "127.0.0.1", self.port))
            stack.push_async_callback(door.close)
            yield door

    def cut(self) -> None:
        """Break all streams there are."""
        while self._transports:
            self._transports.pop().abort()

    async def until(self, count: int) -> None:
        await until(lambda: len(self.heard) >= count)

    def counted(self, event: str) -> float:
        told = self.metrics.text().decode()
        return float(told.split(f'net8_events_total{{event="{event}"}} ')[1].split("\n")[0]) if event in told else 0.0


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def mesh(listener: Listener, session: aiohttp.ClientSession) -> AsyncIterator[HttpMesh]:
    """Speaks to the listener alone."""
    made = HttpMesh(session, {PEER: listener.url}, {})
    task = asyncio.create_task(made.run())
    yield made
    task.cancel()
    with pytest.raises(asyncio.CancelledError):  # and nothing else has ended it before
        await task


async def test_mesh__envelopes_that_pile_up__come_in_order_and_together(listener: Listener, mesh: HttpMesh) -> None:
    async with listener.open():
        for round_ in range(3 * AT_ONCE):
            mesh.send(PEER, vote(round_))
        mesh.send(b"\x22" * 20, vote(0))
        await listener.until(3 * AT_ONCE)
    assert listener.heard == list(range(3 * AT_ONCE))
    assert listener.batches == [AT_ONCE] * 3
    assert mesh.peers[PEER].reachable


async def test_mesh__peer_away__told_and_reached_when_it_is_back(listener: Listener, mesh: HttpMesh) -> None:
    lost: list[bytes] = []
    mesh.on_unreachable = lost.append
    mesh.send(PEER, vote(1))
    await until(lambda: bool(lost))
    assert lost == [PEER]
    assert not mesh.peers[PEER].reachable
    async with listener.open():
        mesh.broadcast(vote(2))
        await listener.until(1)
        assert mesh.peers[PEER].reachable
    assert listener.heard == [2], "a round repeats what matters; what is old is not kept for a peer that is away"


async def test_mesh__stream_ended_before_it_was_read__said_again_on_the_next(
    listener: Listener, mesh: HttpMesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(meshes, "_IN_DOUBT", 60.0)
    async with listener.open():
        mesh.send(PEER, vote(1))
        await listener.until(1)
        listener.heard.clear()  # as if nobody had looked at it
        listener.cut()
        await listener.until(1)
        mesh.send(PEER, vote(2))
        await listener.until(2)
    assert listener.heard == [1, 2]


async def test_mesh__stream_ended_long_after__said_once(
    listener: Listener, mesh: HttpMesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(meshes, "_IN_DOUBT", 0.0)
    async with listener.open():
        mesh.send(PEER, vote(1))
        await listener.until(1)
        listener.cut()
        await until(lambda: mesh.peers[PEER]._stream is None)  # its end was noticed
        mesh.send(PEER, vote(2))
        await listener.until(2)
    assert listener.heard == [1, 2]


async def test_mesh__peer_ends_with_its_streams__told_at_once(
    listener: Listener, mesh: HttpMesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(meshes, "_IN_DOUBT", 60.0)
    lost: list[bytes] = []
    mesh.on_unreachable = lost.append
    async with listener.open():
        mesh.send(PEER, vote(1))
        await listener.until(1)
    await until(lambda: bool(lost))
    assert lost == [PEER]


async def test_mesh__every_stream_is_ended_at_once__sent_twice_and_no_more(
    mesh: HttpMesh, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(meshes, "_IN_DOUBT", 60.0)
    got = 0

    async def unfriendly(request: web.Request) -> web.StreamResponse:
        nonlocal got
        stream = web.WebSocketResponse()
        await stream.prepare(request)
        await stream.receive()
        got += 1
        return stream

    async with serve([web.get("/envelopes", unfriendly)], "127.0.0.1", listener.port):
        mesh.send(PEER, vote(1))
        await until(lambda: got >= 2)
        await asyncio.sleep(0.3)
    assert got == 2


async def test_mesh__peer_pings_and_breaks_the_stream__goes_on_with_another(listener: Listener, mesh: HttpMesh) -> None:
    async def pinging(request: web.Request) -> web.StreamResponse:
        stream = web.WebSocketResponse()
        await stream.prepare(request)
        with contextlib.suppress(ConnectionError):
            for _ in range(1_000):
                await stream.ping()
        assert request.transport is not None
        request.transport.abort()
        return stream

    listener.hostile = pinging
    async with listener.open():
        mesh.send(PEER, vote(1))
        mesh.send(PEER, vote(2))
        await listener.until(2)
    assert listener.heard == [1, 2]


@pytest.mark.parametrize("nothing", [None, b"", b'{"envelopes":[]}'], ids=["ping", "no bytes", "empty batch"])
async def test_door__says_nothing_very_often__pays_for_it(
    listener: Listener, session: aiohttp.ClientSession, nothing: bytes | None
) -> None:
    listener.limit(per_second=1)
    async with asyncio.timeout(60), listener.open():
        # Not closed here: that would wait for all the answers.
        stream = await session.ws_connect(f"{listener.url}/envelopes", autoping=False)
        for _ in range(2 * BURST):
            await (stream.ping() if nothing is None else stream.send_bytes(nothing))
        await stream.send_bytes(batch(1))
        if nothing is None:
            assert (await stream.receive(timeout=20)).type is WSMsgType.PONG
        await until(lambda: listener.limited)
    assert listener.heard == []


async def test_door__closed__listens_to_nobody_any_more(listener: Listener, session: aiohttp.ClientSession) -> None:
    async with listener.open() as door:
        await door.close()
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await session.ws_connect(f"{listener.url}/envelopes")
    assert refused.value.status == 503


async def test_door__more_than_a_caller_may_say__waits_and_is_not_lost(
    listener: Listener, session: aiohttp.ClientSession
) -> None:
    begun = asyncio.get_running_loop().time()
    async with listener.open(), session.ws_connect(f"{listener.url}/envelopes") as stream:
        for first in range(0, BURST + 512, 256):
            await stream.send_bytes(batch(*range(first, first + 256)))
        await listener.until(BURST)
        assert len(listener.heard) <= BURST + PER_SECOND * (asyncio.get_running_loop().time() - begun)
        await listener.until(BURST + 512)
    assert listener.heard == list(range(BURST + 512))
    assert listener.limited


@pytest.mark.parametrize("garbage", [b"", b"\xff" * 100, b"[" * 10_000, b'{"envelopes": [{"kind": "vote"}]}'])
async def test_door__no_batch_of_envelopes__counted_and_the_stream_goes_on(
    listener: Listener, session: aiohttp.ClientSession, garbage: bytes
) -> None:
    async with listener.open(), session.ws_connect(f"{listener.url}/envelopes") as stream:
        await stream.send_bytes(garbage)
        await stream.send_str(batch(1).decode())
        await listener.until(1)
    assert listener.heard == [1]
    assert listener.counted("envelopes_unreadable") == 1


async def test_door__message_larger_than_any__hung_up_on_unread(
    listener: Listener, session: aiohttp.ClientSession
) -> None:
    async with listener.open(), session.ws_connect(f"{listener.url}/envelopes") as stream:
        await stream.send_bytes(b" " * (2**20 + 1))
        end = await stream.receive(timeout=20)
        assert end.type in (WSMsgType.CLOSE, WSMsgType.CLOSED)
    assert listener.heard == []
    assert listener.counted("envelopes_unreadable") == 1


async def test_door__no_stream_asked_for__told(listener: Listener, session: aiohttp.ClientSession) -> None:
    async with listener.open(), session.get(f"{listener.url}/envelopes") as answer:
        assert answer.status == 400


async def test_door__more_streams_than_a_caller_may_have__the_first_ends(
    listener: Listener, session: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doors, "_STREAMS_OF_ADDRESS", 2)
    async with listener.open():
        first, second, third = [await session.ws_connect(f"{listener.url}/envelopes") for _ in range(3)]
        assert (await first.receive(timeout=20)).type is WSMsgType.CLOSE
        await second.send_bytes(batch(2))
        await third.send_bytes(batch(3))
        await listener.until(2)
    assert sorted(listener.heard) == [2, 3]


async def test_door__closed_while_callers_listen__all_are_let_go(
    listener: Listener, session: aiohttp.ClientSession
) -> None:
    async with listener.open() as door:
        streams = [await session.ws_connect(f"{listener.url}/envelopes") for _ in range(3)]
        await streams[0].send_bytes(batch(1))
        await listener.until(1)
        await asyncio.gather(door.close(), *(stream.receive(timeout=20) for stream in streams))
    assert all(stream.closed for stream in streams)


async def test_door__shut_while_a_caller_is_held_back__does_not_wait_for_its_budget(
    listener: Listener, session: aiohttp.ClientSession
) -> None:
    async def flood() -> None:
        async with session.ws_connect(f"{listener.url}/envelopes") as stream:
            for _ in range(200):  # a hundred seconds' worth
                await stream.send_bytes(batch(*range(256)))

    async with asyncio.timeout(20):
        async with listener.open():
            flooding = asyncio.create_task(flood())
            await listener.until(BURST)
        with contextlib.suppress(aiohttp.ClientError, OSError):  # unless all of it was on its way by then
            await flooding
    assert len(listener.heard) < 200 * 256
