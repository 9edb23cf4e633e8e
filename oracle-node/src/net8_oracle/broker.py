"""A connection to an MQTT broker. Nobody trusts it: what matters carries its own signature."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, model_validator

from net8_oracle.settings import ConfigRefused, FilePath, PasswordSettings

if TYPE_CHECKING:
    from aiomqtt import Client

__all__ = ["BrokerSettings", "BrokerUnreachable", "connected"]

_PORTS = {"mqtt": 1883, "mqtts": 8883}
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
        ConfigRefused: the MQTT library is not installed.
    """
    try:
        import aiomqtt  # those who use no broker do not pay for it
        from paho.mqtt.packettypes import PacketTypes
        from paho.mqtt.properties import Properties
    except ModuleNotFoundError as fault:
        raise ConfigRefused(
            f"an MQTT broker needs the package {fault.name}, which is not installed; "
            "run: pip install 'net8-oracle[mqtt]'"
        ) from None
    parts = urlsplit(settings.url)
    limits = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    limits.MaximumPacketSize = LARGEST_MESSAGE
    try:
        async with aiomqtt.Client(
            str(parts.hostname),
            parts.port or _PORTS[parts.scheme],
            username=settings.username,
            password=settings.password() if settings.username is not None else None,
            protocol=aiomqtt.ProtocolVersion.V5,
            properties=limits,
            tls_context=settings.tls(),
            timeout=10.0,
            max_queued_incoming_messages=256,
        ) as client:
            yield client
    except aiomqtt.MqttError as fault:
        reason = " ".join(str(fault).split()) or type(fault).__name__
        raise BrokerUnreachable(f"broker {settings.url}: {reason}; check address, name and password") from None
