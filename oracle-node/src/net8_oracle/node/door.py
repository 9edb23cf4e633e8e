"""What comes in from others over HTTP, before anybody looks at it: who sends it, and whether it is too much."""

import asyncio
import logging
import math
import ssl
from collections import defaultdict, deque
from collections.abc import Callable

from aiohttp import WebSocketError, WSCloseCode, WSMsgType, web
from net8.callers import caller_of
from net8.logs import fields
from pydantic import ValidationError

from net8_oracle.node.envelopes import ENVELOPES, EnvelopesPost, signatures_in
from net8_oracle.node.limits import Budget, Limits
from net8_oracle.node.metrics import Metrics
from net8_oracle.node.pins import Pins
from net8_oracle.wire import ReadingsPost

__all__ = ["Door"]

log = logging.getLogger(__name__)

_TOLD_EVERY = 60.0  # seconds between two lines in the log about callers without a pinned certificate
_FAREWELL = 1.0  # seconds that a caller has to hang up when asked to
_STREAMS_OF_ADDRESS = 64  # at the same time; a peer that its certificate names has one


_Stream = tuple[web.WebSocketResponse, asyncio.Transport | None]


async def _hang_up(
    stream: web.WebSocketResponse, transport: asyncio.Transport | None, code: int, message: bytes = b""
) -> None:
    """End a stream, whether its caller reads or not."""
    try:
        async with asyncio.timeout(2 * _FAREWELL):
            await stream.close(code=code, message=message)
    except TimeoutError:
        if transport is not None:
            transport.abort()


class Door:
    """Reads what comes in, within its callers' budgets."""

    def __init__(self, pins: Pins, limits: Limits, metrics: Metrics) -> None:
        """`pins` says which peer a certificate is."""
        self._pins = pins
        self._limits = limits
        self._metrics = metrics
        self._told = -math.inf
        self._streams: defaultdict[bytes | str, deque[_Stream]] = defaultdict(deque)  # by caller
        self._closed = False

    def _may_tell(self) -> bool:
        """Whether it is long enough ago that the log told of such callers."""
        now = asyncio.get_running_loop().time()
        if now - self._told < _TOLD_EVERY:
            return False
        self._told = now
        return True

    def refused(self, fault: ssl.SSLError) -> None:
        """Count a caller that showed no pinned certificate, and tell of it now and then."""
        self._metrics.refused_handshake()
        if self._may_tell():
            log.warning(
                "caller refused: it shows no certificate that is pinned here; if it is a peer with a new one, name "
                "that in its [[peers]] entry",
                extra=fields(reason=fault.reason),
            )

    async def readings(self, request: web.Request) -> ReadingsPost:
        """The body of POST /readings; each reading counts as a message.

        Raises:
            web.HTTPException: it is none, or too much.
        """
        budget = self._budget(request)
        body = await self._body(request, budget)
        try:
            post = ReadingsPost.model_validate_json(body)
        except ValidationError as fault:
            raise web.HTTPBadRequest(text=f"not a batch of readings: {fault.errors()[0]['msg']}\n") from None
        await budget.spend(messages=len(post.readings))
        return post

    async def envelopes(self, request: web.Request, take: Callable[[EnvelopesPost], None]) -> web.WebSocketResponse:
        """Hand on what a caller of GET /envelopes says, until it hangs up; each signature counts as a message.

        Who says too much is listened to again when its budget allows: what it says meanwhile waits on its own side.
        A batch that is none is counted and dropped. A caller's further stream takes the place of its first.

        Raises:
            web.HTTPException: it is nobody we know, asks for no stream, or the door is closed.
        """
        if self._closed:
            raise web.HTTPServiceUnavailable(text="this node is ending\n")
        signer = self._signer(request)
        budget = self._limits.of_peer(signer) if signer else self._limits.of_source(request.remote or "")
        # Pings are answered here, within the budget. Callers ask whether we are there; one that is gone is replaced.
        stream = web.WebSocketResponse(
            timeout=_FAREWELL, autoping=False, decode_text=False, compress=False, max_msg_size=self._limits.largest_body
        )
        await stream.prepare(request)
        caller = signer or caller_of(request.remote or "")
        there = self._streams[caller]
        there.append((stream, request.transport))
        try:
            if len(there) > (1 if signer else _STREAMS_OF_ADDRESS):
                await _hang_up(*there.popleft(), WSCloseCode.POLICY_VIOLATION, b"another stream is open")
            async for message in stream:
                if message.type is WSMsgType.ERROR:
                    if isinstance(message.data, WebSocketError):  # such as a message larger than any may be
                        self._unreadable(request, str(message.data))
                    break
                await budget.afford(messages=1, bytes_=len(message.data))
                if message.type is WSMsgType.PING:
                    await stream.pong(message.data)
                elif message.type is not WSMsgType.PONG:
                    await self._hear(message.data, request, budget, take)
        except ConnectionError:
            log.debug("caller gone", extra=fields(caller=request.remote))
        finally:
            if (stream, request.transport) in there:
                there.remove((stream, request.transport))
            if not there and self._streams.get(caller) is there:
                del self._streams[caller]
        return stream

    async def _hear(
        self, body: bytes, request: web.Request, budget: Budget, take: Callable[[EnvelopesPost], None]
    ) -> None:
        """Hand on a batch whose first signature is paid for."""
        try:
            post = ENVELOPES.validate_json(body)
        except ValidationError as fault:
            self._unreadable(request, fault.errors()[0]["msg"])
            return
        await budget.afford(messages=max(0, sum(map(signatures_in, post.envelopes)) - 1))
        take(post)

    async def close(self) -> None:
        """Hang up on everybody, and listen to nobody any more."""
        self._closed = True
        there = [one for streams in self._streams.values() for one in streams]
        await asyncio.gather(*(_hang_up(*one, WSCloseCode.GOING_AWAY) for one in there))

    def _unreadable(self, request: web.Request, reason: str) -> None:
        self._metrics.count("envelopes_unreadable")
        if self._may_tell():
            log.warning("no batch of envelopes, dropped", extra=fields(caller=request.remote, reason=reason))

    async def question(self, request: web.Request) -> None:
        """A request without a body counts as a message.

        Raises:
            web.HTTPTooManyRequests: it is one too many.
        """
        await self._budget(request).spend(messages=1)

    def _budget(self, request: web.Request) -> Budget:
        signer = self._signer(request)
        return self._limits.of_peer(signer) if signer else self._limits.of_source(request.remote or "")

    def _signer(self, request: web.Request) -> bytes | None:
        """The peer that a caller's certificate names; None where nobody shows any."""
        tls = request.transport.get_extra_info("ssl_object") if request.transport is not None else None
        if tls is None or tls.context.verify_mode is ssl.CERT_NONE:
            return None
        signer = self._pins.signer(tls)
        if signer is None:
            raise web.HTTPForbidden(text="no certificate that is pinned here\n")
        return signer

    async def _body(self, request: web.Request, budget: Budget) -> bytes:
        length = request.content_length
        if length is None:
            raise web.HTTPLengthRequired(text="say how long it is (Content-Length)\n")
        if length > self._limits.largest_body:
            raise web.HTTPRequestEntityTooLarge(self._limits.largest_body, length)
        await budget.spend(bytes_=length)
        return await request.read()
