"""What comes in from others over HTTP, before anybody looks at it: who sends it, and whether it is too much."""

import asyncio
import logging
import math
import ssl
from collections import defaultdict, deque
from collections.abc import Callable

from aiohttp import WSCloseCode, web
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
_HEARTBEAT = 20.0  # seconds after which a silent stream is asked whether its caller is still there
_FAREWELL = 1.0  # seconds that a caller has to hang up when asked to
_STREAMS_OF_ADDRESS = 64  # at the same time; a peer that its certificate names has one


class Door:
    """Reads posts within their callers' budgets."""

    def __init__(self, pins: Pins, limits: Limits, metrics: Metrics) -> None:
        """`pins` says which peer a certificate is."""
        self._pins = pins
        self._limits = limits
        self._metrics = metrics
        self._told = -math.inf
        self._streams: defaultdict[bytes | str, deque[web.WebSocketResponse]] = defaultdict(deque)  # by caller

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
            web.HTTPException: it is nobody we know, or asks for no stream.
        """
        signer = self._signer(request)
        budget = self._limits.of_peer(signer) if signer else self._limits.of_source(request.remote or "")
        stream = web.WebSocketResponse(
            timeout=_FAREWELL, heartbeat=_HEARTBEAT, compress=False, max_msg_size=self._limits.largest_body
        )
        await stream.prepare(request)
        there = self._streams[signer or (request.remote or "")]
        there.append(stream)
        try:
            if len(there) > (1 if signer else _STREAMS_OF_ADDRESS):
                await there.popleft().close(code=WSCloseCode.POLICY_VIOLATION, message=b"another stream is open")
            async for message in stream:
                await budget.afford(bytes_=len(message.data))
                try:
                    post = ENVELOPES.validate_json(message.data)
                except ValidationError as fault:
                    self._unreadable(request, fault.errors()[0]["msg"])
                    continue
                await budget.afford(messages=sum(map(signatures_in, post.envelopes)))
                take(post)
        finally:
            if stream in there:
                there.remove(stream)
        return stream

    async def close(self) -> None:
        """Hang up on everybody."""
        streams = [stream for there in self._streams.values() for stream in there]
        await asyncio.gather(*(stream.close(code=WSCloseCode.GOING_AWAY) for stream in streams))

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
