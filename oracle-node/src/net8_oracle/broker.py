"""A connection to an MQTT broker. Nobody trusts it: what matters carries its own signature."""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

from net8.logs import fields
from pydantic import AfterValidator, model_validator

from net8_oracle.settings import ConfigRefused, FilePath, PasswordSettings

if TYPE_CHECKING:
    from aiomqtt import Client, Message

__all__ = ["BrokerSettings", "BrokerUnreachable", "connected", "publish", "stay_subscribed"]

log = logging.getLogger(__name__)

_PORTS = {"mqtt": 1883, "mqtts": 8883}
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 10.0  # seconds before the broker is tried again
LARGEST_MESSAGE = 2 * 2**20  # bytes; a full batch of readings has about 0.2 MB


class BrokerUnreachable(RuntimeError):
    """The broker does not answer, or lets nobody in. The message says which and what to check."""


def _broker_url(url: str) -> str:
    parts = urlsplit(url)
    try:
        usable = parts.scheme in _PORTS and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable or parts.username or parts.password or parts.path.strip("/"):
        raise ValueError(f"'{url}' is no broker; write one such as mqtts://broker.example:8883, with no name in it")
    return url


class BrokerSettings(PasswordSettings):
    """Where the broker is and how to get in: by a name and a password where it asks for them."""

    url: Annotated[str, AfterValidator(_broker_url)]  # mqtt:// or mqtts://, with TLS
    username: str | None = None
    ca_file: FilePath | None = None  # certificates to trust instead of the system's

    @model_validator(mode="after")
    def _usable(self) -> "BrokerSettings":
        if find_spec("aiomqtt") is None:
            raise ValueError("needs the package aiomqtt, which is not installed; run: pip install 'net8-oracle[mqtt]'")
        if self.username is not None:
            self.password()
        self.tls()
        return self

    def tls(self) -> ssl.SSLContext | None:
        """What TLS must satisfy; None without TLS.

        Raises:
            ConfigRefused: the certificates cannot be read.
        """
        if not self.url.startswith("mqtts:"):
            return None
        try:
            return ssl.create_default_context(cafile=self.ca_file)
        except OSError as fault:
            raise ConfigRefused(f"ca_file {self.ca_file} cannot be read ({fault}); give a PEM file") from None


@asynccontextmanager
async def connected(settings: BrokerSettings) -> AsyncIterator["Client"]:
    """A client that is connected for the length of a `with` block.

    Raises:
        BrokerUnreachable: it could not be connected, or the connection was lost in between.
    """
    import aiomqtt  # those who use no broker do not pay for it

    parts = urlsplit(settings.url)
    try:
        async with aiomqtt.Client(
            str(parts.hostname),
            parts.port or _PORTS[parts.scheme],
            username=settings.username,
            password=settings.password() if settings.username is not None else None,
            protocol=aiomqtt.ProtocolVersion.V5,
            properties=_properties("CONNECT", MaximumPacketSize=LARGEST_MESSAGE),
            tls_context=settings.tls(),
            timeout=10.0,
            max_queued_incoming_messages=256,
        ) as client:
            yield client
    except aiomqtt.MqttError as fault:
        reason = " ".join(str(fault).split()) or type(fault).__name__
        raise BrokerUnreachable(f"broker {settings.url}: {reason}; check address, name and password") from None


def _properties(kind: str, **values: object) -> Any:  # noqa: ANN401 - the library has no types
    from paho.mqtt.packettypes import PacketTypes
    from paho.mqtt.properties import Properties

    properties = Properties(getattr(PacketTypes, kind))  # type: ignore[no-untyped-call]
    for name, value in values.items():
        setattr(properties, name, value)
    return properties


async def publish(client: "Client", topic: str, payload: bytes, **properties: object) -> None:
    """Publish with MQTT's own properties, such as ResponseTopic and CorrelationData.

    At most once: a question that gets no answer is asked again, and waiting for a broker's receipt helps nobody.

    Raises:
        BrokerUnreachable: the connection was lost.
    """
    from aiomqtt import MqttError

    try:
        await client.publish(topic, payload, qos=0, properties=_properties("PUBLISH", **properties), timeout=3.0)
    except MqttError as fault:
        raise BrokerUnreachable(f"the broker took nothing: {fault}") from None


async def stay_subscribed(
    settings: BrokerSettings,
    topic: str,
    take: Callable[["Client", "Message"], Awaitable[None]],
    standing: Callable[["Client | None"], None],
) -> None:
    """Hand every message of a topic to `take` until cancelled, connecting anew whenever the connection is lost.

    `standing` is told the client once it is subscribed, and None once it is no longer.
    """
    pause, told = _FIRST_PAUSE, False
    while True:
        try:
            async with connected(settings) as client:
                await client.subscribe(topic, qos=1)
                standing(client)
                pause, told = _FIRST_PAUSE, False
                log.info("broker reached", extra=fields(broker=settings.url, topic=topic))
                async for message in client.messages:
                    await take(client, message)
        except BrokerUnreachable as fault:
            if not told:
                log.warning("broker not reached", extra=fields(reason=str(fault)))
            told = True
        finally:
            standing(None)
        await asyncio.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)
