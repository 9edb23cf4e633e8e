"""Envelopes over HTTP: every operator posts to every other's /envelopes, over connections that are kept open."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable

import aiohttp
from net8.logs import fields

from net8_oracle.node.envelopes import ENVELOPE
from net8_oracle.node.transport import Message

__all__ = ["HttpMesh"]

log = logging.getLogger(__name__)

_LONGEST_QUEUE = 1024  # envelopes to one peer; the oldest are dropped first, rounds repeat what matters
_ENVELOPES_PER_POST = 64


class _Peer:
    """One way to one peer: envelopes go in order, several in one post when they pile up."""

    def __init__(self, signer: bytes, url: str, session: aiohttp.ClientSession, lost: Callable[[bytes], None]) -> None:
        self._signer = signer
        self.url = url
        self._session = session
        self._lost = lost
        self._queue: deque[bytes] = deque(maxlen=_LONGEST_QUEUE)
        self._news = asyncio.Event()
        self.reachable = True

    def put(self, envelope: bytes) -> None:
        self._queue.append(envelope)
        self._news.set()

    async def run(self) -> None:
        """Post until cancelled."""
        while True:
            if not self._queue:
                self._news.clear()
                await self._news.wait()
            batch = [self._queue.popleft() for _ in range(min(len(self._queue), _ENVELOPES_PER_POST))]
            body = b'{"envelopes":[' + b",".join(batch) + b"]}"
            try:
                await self._post(body)
            except (aiohttp.ClientError, TimeoutError, OSError) as fault:
                if self.reachable:
                    reason = str(fault) or type(fault).__name__
                    log.warning("peer not reached", extra=fields(peer=self.url, reason=reason))
                self.reachable = False
                self._lost(self._signer)
                continue
            if not self.reachable:
                log.info("peer reached again", extra=fields(peer=self.url))
            self.reachable = True

    async def _post(self, body: bytes) -> None:
        for attempt in (1, 2):
            try:
                async with self._session.post(
                    f"{self.url}/envelopes", data=body, headers={"Content-Type": "application/json"}
                ) as response:
                    if response.status >= 300:
                        log.warning("peer refused envelopes", extra=fields(peer=self.url, status=response.status))
                    return
            except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
                if attempt == 2:  # the first may have met a kept connection that the peer had closed
                    raise


class HttpMesh:
    """All peers of a node."""

    def __init__(self, session: aiohttp.ClientSession, peers: dict[bytes, str]) -> None:
        """`peers` maps signers (20 bytes) to their addresses."""
        self.on_message: Callable[[Message], None] = lambda message: None
        self.on_unreachable: Callable[[bytes], None] = lambda signer: None
        self.peers = {
            signer: _Peer(signer, url, session, lambda lost: self.on_unreachable(lost)) for signer, url in peers.items()
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
