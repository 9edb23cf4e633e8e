"""Envelopes over HTTP: every operator posts to every other's /envelopes, over connections that are kept open."""

import asyncio
import logging
import ssl
from collections import deque
from collections.abc import Callable, Mapping

import aiohttp
from net8.logs import fields

from net8_oracle.handshake import obstacle
from net8_oracle.node.envelopes import ENVELOPE
from net8_oracle.node.transport import Message

__all__ = ["HttpMesh"]

log = logging.getLogger(__name__)

_LONGEST_QUEUE = 1024  # envelopes to one peer; the oldest are dropped first, rounds repeat what matters
_ENVELOPES_PER_POST = 64
_BYTES_PER_POST = 2**20  # but for a single envelope that is larger
_LONGEST_WAIT = 30.0  # seconds that a batch waits for a peer that takes no more; then it is dropped


class _Peer:
    """One way to one peer: envelopes go in order, several in one post when they pile up."""

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
        self.reachable = True
        self._in_the_way = ""  # of TLS, as last told

    def put(self, envelope: bytes) -> None:
        self._queue.append(envelope)
        self._news.set()

    async def run(self) -> None:
        """Post until cancelled."""
        while True:
            if not self._queue:
                self._news.clear()
                await self._news.wait()
            try:
                await self._post(b'{"envelopes":[' + b",".join(self._batch()) + b"]}")
            except (aiohttp.ClientError, TimeoutError, OSError) as fault:
                self._lost(self._signer)
                await self._tell(fault)
                continue
            if not self.reachable:
                log.info("peer reached again", extra=fields(peer=self.url))
            self.reachable, self._in_the_way = True, ""

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
        while self._queue and len(batch) < _ENVELOPES_PER_POST and size + len(self._queue[0]) <= _BYTES_PER_POST:
            batch.append(self._queue.popleft())
            size += len(batch[-1])
        return batch

    async def _post(self, body: bytes) -> None:
        """Deliver a batch; one that the peer has no room for waits."""
        waited = 0.0
        while pause := await self._pause_after(body):
            if not waited:
                log.warning("peer takes no more for now", extra=fields(peer=self.url, wait_s=pause))
            if waited >= _LONGEST_WAIT:
                log.warning("envelopes dropped, peer takes no more", extra=fields(peer=self.url))
                return
            waited += pause
            await asyncio.sleep(pause)

    async def _pause_after(self, body: bytes) -> float:
        """Post once; seconds to wait before it is posted again, 0 when it is done with."""
        for attempt in (1, 2):
            try:
                async with self._session.post(
                    f"{self.url}/envelopes",
                    data=body,
                    headers={"Content-Type": "application/json"},
                    ssl=self._tls if self._tls is not None else True,
                ) as response:
                    if response.status == 429:
                        told = response.headers.get("Retry-After", "")
                        return min(max(float(told) if told.isdecimal() else 1.0, 1.0), _LONGEST_WAIT)
                    if response.status >= 300:
                        log.warning("peer refused envelopes", extra=fields(peer=self.url, status=response.status))
                    return 0.0
            except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
                if attempt == 2:  # the first may have met a kept connection that the peer had closed
                    raise
        raise AssertionError("the second attempt returns or raises")


class HttpMesh:
    """All peers of a node."""

    def __init__(
        self, session: aiohttp.ClientSession, peers: dict[bytes, str], tls: Mapping[bytes, ssl.SSLContext]
    ) -> None:
        """Nothing is posted yet.

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
        """Post until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for peer in self.peers.values():
                tasks.create_task(peer.run())
