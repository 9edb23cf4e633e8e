"""What comes in from others over HTTP, before anybody looks at it: who sends it, and whether it is too much."""

import asyncio
import logging
import math
import ssl

from aiohttp import web
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


class Door:
    """Reads posts within their callers' budgets."""

    def __init__(self, pins: Pins, limits: Limits, metrics: Metrics) -> None:
        """`pins` says which peer a certificate is."""
        self._pins = pins
        self._limits = limits
        self._metrics = metrics
        self._told = -math.inf

    def refused(self, fault: ssl.SSLError) -> None:
        """Count a caller that showed no pinned certificate, and tell of it now and then."""
        self._metrics.refused_handshake()
        now = asyncio.get_running_loop().time()
        if now - self._told >= _TOLD_EVERY:
            self._told = now
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

    async def envelopes(self, request: web.Request) -> EnvelopesPost:
        """The body of POST /envelopes; each signature in it counts as a message.

        Raises:
            web.HTTPException: it is none, or too much.
        """
        budget = self._budget(request)
        body = await self._body(request, budget)
        try:
            post = ENVELOPES.validate_json(body)
        except ValidationError as fault:
            raise web.HTTPBadRequest(text=f"not a batch of envelopes: {fault.errors()[0]['msg']}\n") from None
        await budget.spend(messages=sum(map(signatures_in, post.envelopes)))
        return post

    async def question(self, request: web.Request) -> None:
        """A request without a body counts as a message.

        Raises:
            web.HTTPTooManyRequests: it is one too many.
        """
        await self._budget(request).spend(messages=1)

    def _budget(self, request: web.Request) -> Budget:
        tls = request.transport.get_extra_info("ssl_object") if request.transport is not None else None
        if tls is None or tls.context.verify_mode is ssl.CERT_NONE:
            return self._limits.of_source(request.remote or "")
        signer = self._pins.signer(tls)
        if signer is None:
            raise web.HTTPForbidden(text="no certificate that is pinned here\n")
        return self._limits.of_peer(signer)

    async def _body(self, request: web.Request, budget: Budget) -> bytes:
        length = request.content_length
        if length is None:
            raise web.HTTPLengthRequired(text="say how long it is (Content-Length)\n")
        if length > self._limits.largest_body:
            raise web.HTTPRequestEntityTooLarge(self._limits.largest_body, length)
        await budget.spend(bytes_=length)
        return await request.read()
