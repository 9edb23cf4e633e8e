"""Envelopes over HTTP: every operator keeps a stream (WebSocket) open to every other's /envelopes."""

import asyncio
import contextlib
import logging
import ssl
from collections import deque
from collections.abc import Callable, Mapping

import aiohttp
from aiohttp import WSMsgType
from net8.logs import fields

from net8_oracle.handshake import obstacle
from net8_oracle.node.envelopes import ENVELOPE
from net8_oracle.node.transport import Message

__all__ = ["HttpMesh"]

log = logging.getLogger(__name__)

_LONGEST_QUEUE = 1024  # envelopes to one peer; the oldest are dropped first, rounds repeat what matters
_ENVELOPES_AT_ONCE = 64
_BYTES_AT_ONCE = 2**20  # but for a single envelope that is larger
_LONGEST_WAIT = 30.0  # seconds for a peer that takes no more; then its stream is given up
_HEARTBEAT = 60.0  # seconds after which a peer is asked whether it is there; one that holds us back answers later
_IN_DOUBT = 1.0  # seconds for which what was said may not have been read: nobody acknowledges it
_FAREWELL = 1.0  # seconds that a peer has to hang up when asked to
_PAUSE = 0.1  # seconds after an answer to a heartbeat: a peer sends no flood of them


class _Peer:
    """One way to one peer: envelopes go in order, several in one message when they pile up."""

    def __init__(
        self,
        signer: bytes,
        url: str,
        session: aiohttp.ClientSession,
        tls: ssl.SSLContext | None,
        lost: Callable[[bytes], None],
    ) -> None:
        self._signer = signer
        self.url = url
        self._session = session
        self._tls = tls
        self._lost = lost
        self._queue: deque[bytes] = deque(maxlen=_LONGEST_QUEUE)
        self._news = asyncio.Event()
        self._stream: aiohttp.ClientWebSocketResponse | None = None
        self._watching: asyncio.Task[None] | None = None
        self._said: deque[tuple[float, bytes]] = deque()  # when, by the loop's clock, and what
        self._repeated: frozenset[bytes] = frozenset()  # what was said once more already
        self.reachable = True
        self._in_the_way = ""  # of TLS, as last told

    def put(self, envelope: bytes) -> None:
        self._queue.append(envelope)
        self._news.set()

    async def run(self) -> None:
        """Send until cancelled."""
        async with asyncio.TaskGroup() as watches:
            while True:
                if not self._queue:
                    self._news.clear()
                    await self._news.wait()
                batch = self._batch()
                try:
                    await self._send(batch, watches)
                except (aiohttp.ClientError, TimeoutError, OSError) as fault:
                    self._give_up()
                    self._lost(self._signer)
                    await self._tell(fault)
                    continue
                if not self.reachable:
                    log.info("peer reached again", extra=fields(peer=self.url))
                self.reachable, self._in_the_way = True, ""

    async def _send(self, batch: list[bytes], watches: asyncio.TaskGroup) -> None:
        """Send a batch; where the stream has ended and nobody noticed yet, on a new one."""
        if self._stream is not None:
            with contextlib.suppress(ConnectionError):
                await self._say(self._stream, batch)
                return
            self._give_up()
        self._stream = await self._session.ws_connect(
            f"{self.url}/envelopes",
            ssl=self._tls if self._tls is not None else True,
            heartbeat=_HEARTBEAT,
            autoping=False,
        )
        self._watching = watches.create_task(self._watch(self._stream))
        await self._say(self._stream, batch)

    async def _say(self, stream: aiohttp.ClientWebSocketResponse, batch: list[bytes]) -> None:
        """Put a batch on a stream; a peer that takes no more for now is waited for."""
        async with asyncio.timeout(_LONGEST_WAIT):
            await stream.send_bytes(b'{"envelopes":[' + b",".join(batch) + b"]}")
        now = asyncio.get_running_loop().time()
        self._said.extend((now, envelope) for envelope in batch)
        while self._said[0][0] < now - _IN_DOUBT:
            self._said.popleft()

    async def _watch(self, stream: aiohttp.ClientWebSocketResponse) -> None:
        """Notice the end of a stream."""
        try:
            async for message in stream:
                if message.type is not WSMsgType.PONG:
                    break  # peers say nothing here, and who does is hung up on
                await asyncio.sleep(_PAUSE)
        except (aiohttp.ClientError, OSError) as fault:
            log.debug("stream broken", extra=fields(peer=self.url, reason=str(fault)))
        finally:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_FAREWELL):
                    await stream.close()
        if self._stream is stream:
            self._ended()

    def _give_up(self) -> None:
        """End the stream, if there is one."""
        if self._watching is not None:
            self._watching.cancel()
        if self._stream is not None:
            self._ended()

    def _ended(self) -> None:
        """Say once more, on the next stream, what was said just before: the peer may not have read it."""
        self._stream, since = None, asyncio.get_running_loop().time() - _IN_DOUBT
        again = [envelope for at, envelope in self._said if at > since and envelope not in self._repeated]
        self._said.clear()
        self._repeated = frozenset(again)
        room = _LONGEST_QUEUE - len(self._queue)
        self._queue.extendleft(reversed(again[-room:] if room else []))
        if again:
            self._news.set()

    async def _tell(self, fault: Exception) -> None:
        """Say once that a peer is away, and once more when it is back and certificates are in the way."""
        in_the_way = (await obstacle(self.url, self._tls) if self._tls is not None else None) or ""
        if self.reachable or in_the_way not in ("", self._in_the_way):
            plain = fault.os_error if isinstance(fault, aiohttp.ClientConnectorError) else fault
            reason = in_the_way or str(plain) or type(fault).__name__
            log.warning("peer not reached", extra=fields(peer=self.url, reason=reason))
        self.reachable, self._in_the_way = False, in_the_way or self._in_the_way

    def _batch(self) -> list[bytes]:
        batch = [self._queue.popleft()]
        size = len(batch[0])
        while self._queue and len(batch) < _ENVELOPES_AT_ONCE and size + len(self._queue[0]) <= _BYTES_AT_ONCE:
            batch.append(self._queue.popleft())
            size += len(batch[-1])
        return batch


class HttpMesh:
    """All peers of a node."""

    def __init__(
        self, session: aiohttp.ClientSession, peers: dict[bytes, str], tls: Mapping[bytes, ssl.SSLContext]
    ) -> None:
        """Nothing is sent yet.

        Args:
            session: whose connections are used.
            peers: addresses by signer (20 bytes).
            tls: what is shown to each peer and taken from it, by signer; empty for plain HTTP.
        """
        self.on_message: Callable[[Message], None] = lambda message: None
        self.on_unreachable: Callable[[bytes], None] = lambda signer: None
        self.problem = ""  # each peer has its own
        self.peers = {
            signer: _Peer(signer, url, session, tls.get(signer), lambda lost: self.on_unreachable(lost))
            for signer, url in peers.items()
        }

    def send(self, to: bytes, message: Message) -> None:
        """Send to one peer; nothing happens when no address of it is known."""
        if to in self.peers:
            self.peers[to].put(ENVELOPE.dump_json(message))

    def broadcast(self, message: Message) -> None:
        """Send to every peer."""
        body = ENVELOPE.dump_json(message)
        for peer in self.peers.values():
            peer.put(body)

    async def run(self) -> None:
        """Send until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for peer in self.peers.values():
                tasks.create_task(peer.run())
