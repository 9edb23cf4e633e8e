"""How much one caller may send. Who sends more gets status 429 or is read later; the others do not notice."""

import asyncio
import logging
import math
from collections import OrderedDict

from aiohttp import web
from aiolimiter import AsyncLimiter
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter
from net8.callers import caller_of
from net8.logs import fields

from net8_oracle import crypto
from net8_oracle.node.metrics import Metrics
from net8_oracle.node.peer_settings import LimitSettings, RateSettings

__all__ = ["Budget", "Limits"]

log = logging.getLogger(__name__)

_MOST_SOURCES = 10_000  # addresses remembered, those that were heard last
_HELD_BACK = 1.0  # seconds before a caller is told that it is too much: a connection can ask no faster
_TOLD_EVERY = 60.0  # seconds between two lines in the log about one caller


def _bucket(per_second: float, burst: int) -> AsyncLimiter:
    return AsyncLimiter(burst, burst / per_second)


class Budget:
    """What one caller has left: a bucket of messages and a bucket of bytes."""

    def __init__(self, rate: RateSettings, name: str, metrics: Metrics, counted_as: str) -> None:
        """`name`: in the log; `counted_as`: in the metrics, where strangers have no names."""
        self._messages = _bucket(rate.messages_per_s, rate.messages_burst), rate.messages_per_s
        self._bytes = _bucket(rate.bytes_per_s, rate.bytes_burst), rate.bytes_per_s
        self._name = name
        self._metrics = metrics
        self._counted_as = counted_as
        self._told = -math.inf

    async def spend(self, *, messages: int = 0, bytes_: int = 0) -> None:
        """Take so much out.

        Raises:
            web.HTTPTooManyRequests: there is not so much in it; raised a moment later, so that asking again is slow.
        """
        for (bucket, per_second), amount in ((self._messages, messages), (self._bytes, bytes_)):
            if not bucket.has_capacity(amount):
                await self._refuse(math.ceil(min(amount, bucket.max_rate) / per_second))
            await bucket.acquire(amount)  # at once, because there is room

    async def afford(self, *, messages: int = 0, bytes_: int = 0) -> None:
        """Take so much out, and wait until there is so much in it: for what is held back elsewhere meanwhile.

        More than there can ever be in it costs all that there can be.
        """
        for (bucket, _), amount in ((self._messages, messages), (self._bytes, bytes_)):
            most = min(amount, bucket.max_rate)
            if not bucket.has_capacity(most):
                self._tell()
            await bucket.acquire(most)

    def _tell(self) -> None:
        """Count that there was too little, and say so now and then."""
        self._metrics.limited(self._counted_as)
        now = asyncio.get_running_loop().time()
        if now - self._told >= _TOLD_EVERY:
            self._told = now
            log.warning("caller sends more than it may", extra=fields(caller=self._name))

    async def _refuse(self, again_in: int) -> None:
        self._tell()
        await asyncio.sleep(_HELD_BACK)
        raise web.HTTPTooManyRequests(
            headers={"Retry-After": str(again_in)},
            text=f"more than one caller may send; wait {again_in} s and send it again\n",
        )


class Limits:
    """The budgets of all callers."""

    def __init__(self, settings: LimitSettings, metrics: Metrics) -> None:
        """Nobody has sent anything yet."""
        self.largest_body = settings.largest_body
        self._settings = settings
        self._metrics = metrics
        self._peers: dict[bytes, Budget] = {}
        self._sources: OrderedDict[str, Budget] = OrderedDict()
        self._connections = FixedWindowRateLimiter(MemoryStorage())
        self._connection_rule = RateLimitItemPerMinute(settings.connections_per_minute)

    def of_peer(self, signer: bytes) -> Budget:
        """Of a peer, wherever it calls from."""
        if signer not in self._peers:
            name = crypto.address_text(signer)
            self._peers[signer] = Budget(self._settings.peer, name, self._metrics, name)
        return self._peers[signer]

    def of_source(self, host: str) -> Budget:
        """Of whoever calls from an IPv4 address or IPv6 /64."""
        source = caller_of(host)
        if source not in self._sources:
            self._sources[source] = Budget(self._settings.source, source, self._metrics, "address")
        self._sources.move_to_end(source)
        if len(self._sources) > _MOST_SOURCES:
            self._sources.popitem(last=False)
        return self._sources[source]

    def admits(self, host: str) -> bool:
        """Whether one more connection from there may be opened."""
        if self._connections.hit(self._connection_rule, caller_of(host)):
            return True
        self._metrics.limited("connections")
        return False
