"""The two ways to an operator's node: an HTTP post, or a question and a signed answer through an MQTT broker."""

import asyncio
import secrets
import ssl
from typing import TYPE_CHECKING, Protocol

import aiohttp
from net8.eip712 import Domain
from pydantic import ValidationError

from net8_oracle import crypto
from net8_oracle.broker import BrokerSettings, BrokerUnreachable, publish, stay_subscribed
from net8_oracle.receipts import AnswerRefused, answers_prefix, believed, readings_topic
from net8_oracle.wire import ReadingsAnswer

if TYPE_CHECKING:
    from aiomqtt import Client, Message

__all__ = ["BrokerLink", "HttpWay", "MqttWay", "NotDelivered", "Way"]

_PATIENCE = 10.0  # seconds for an answer
_LARGEST_ANSWER = 2**20  # bytes: 512 refusals with their reasons take less


class NotDelivered(RuntimeError):
    """No answer of the operator's: what was sent is to be sent again."""


class Way(Protocol):
    """To one operator."""

    name: str  # in the store, the log and /status
    at_once: int  # posts that may be under way at the same time

    async def post(self, body: bytes) -> ReadingsAnswer:
        """Deliver the body of POST /readings.

        Raises:
            NotDelivered: there is no answer that can be believed.
        """


class HttpWay:
    """Straight to the node's HTTP server."""

    # A node acknowledges what is on its disk, usually within 0.2 s, and no reading is to wait for another site's: of a
    # hundred meters that speak within a second, twenty do in that time. With 31 operators a process stays below the
    # 1024 open files it usually may have.
    at_once = 24

    def __init__(self, session: aiohttp.ClientSession, url: str, tls: ssl.SSLContext | None = None) -> None:
        """`session` bounds the time of a post; `tls`: what an https url is checked by, None for the system's way."""
        self.name = url
        self._session = session
        self._tls: ssl.SSLContext | bool = tls if tls is not None else True

    async def post(self, body: bytes) -> ReadingsAnswer:
        """Deliver a batch."""
        try:
            async with self._session.post(
                f"{self.name}/readings", data=body, headers={"Content-Type": "application/json"}, ssl=self._tls
            ) as response:
                body = await _body_of(response)
                if response.status != 200:
                    raise NotDelivered(f"status {response.status}: {body[:200].decode(errors='replace')}")
                return ReadingsAnswer.model_validate_json(body)
        except (aiohttp.ClientError, TimeoutError, OSError, ValidationError) as fault:
            raise NotDelivered(str(fault).split("\n", 1)[0] or type(fault).__name__) from None


async def _body_of(response: aiohttp.ClientResponse) -> bytes:
    body = b""
    async for chunk in response.content.iter_chunked(2**16):
        body += chunk
        if len(body) > _LARGEST_ANSWER:
            raise NotDelivered("its answer is larger than any may be")
    return body


class BrokerLink:
    """The gateway's one connection to its broker, made again whenever it is lost."""

    def __init__(self, settings: BrokerSettings, chain_id: int) -> None:
        """Connects in `run`, not yet."""
        self._settings = settings
        self._answers = answers_prefix(chain_id) + secrets.token_hex(16)  # nobody else listens there by accident
        self._client: Client | None = None
        self._waiting: dict[bytes, asyncio.Future[bytes]] = {}

    async def run(self) -> None:
        """Stay connected until cancelled."""
        await stay_subscribed(self._settings, self._answers, self._take, self._stands)

    def _stands(self, client: "Client | None") -> None:
        self._client = client
        for waiting in self._waiting.values():
            if client is None and not waiting.done():
                waiting.set_exception(NotDelivered(f"broker {self._settings.url} was lost"))

    async def _take(self, _: "Client", message: "Message") -> None:
        number = getattr(message.properties, "CorrelationData", None)
        waiting = self._waiting.get(number) if isinstance(number, bytes) else None
        if waiting is not None and not waiting.done() and isinstance(message.payload, bytes):
            waiting.set_result(message.payload)

    async def ask(self, topic: str, body: bytes) -> bytes:
        """What somebody says on a question; whether to believe it is the caller's to find out.

        Raises:
            NotDelivered: the broker is not reached, or nobody answers in time.
        """
        client = self._client
        if client is None:
            raise NotDelivered(f"broker {self._settings.url} is not reached")
        number = secrets.token_bytes(16)
        self._waiting[number] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(_PATIENCE):
                await publish(client, topic, body, ResponseTopic=self._answers, CorrelationData=number)
                return await self._waiting[number]
        except TimeoutError:
            raise NotDelivered(f"no answer through broker {self._settings.url} in {_PATIENCE:.0f} s") from None
        except BrokerUnreachable as fault:
            raise NotDelivered(str(fault)) from None
        finally:
            del self._waiting[number]


class MqttWay:
    """To a node that listens on the same broker. Only its own signature counts as an answer."""

    at_once = 1  # the node takes one question after another: what waits here goes as a batch, there each by itself

    def __init__(self, link: BrokerLink, chain_id: int, domain: Domain, signer: str) -> None:
        """`signer` is the address that the operator's node signs with."""
        self.name = f"mqtt:{signer}"
        self._link = link
        self._domain = domain
        self._signer = crypto.address_bytes(signer)
        self._topic = readings_topic(chain_id, self._signer)

    async def post(self, body: bytes) -> ReadingsAnswer:
        """Deliver a batch."""
        try:
            return believed(await self._link.ask(self._topic, body), self._domain, body, self._signer)
        except AnswerRefused as fault:
            raise NotDelivered(f"an answer that is not the operator's: {fault}") from None
