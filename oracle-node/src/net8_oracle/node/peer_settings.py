"""Settings of what is between operators: who the peers are, TLS, and how much one caller may send."""

import ssl
from importlib.util import find_spec
from ipaddress import ip_address
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from net8_oracle.settings import Address, ConfigRefused, FilePath, ListenAddress, PasswordSettings, Settings, Url

__all__ = ["LimitSettings", "MeshSettings", "NatsSettings", "PeerSettings", "RateSettings", "is_loopback"]

MOST_PINS = 2  # certificates of a peer: the present one, and one it is changing from or to


def _one_or_more(value: object) -> object:
    return (value,) if isinstance(value, str) else value


def is_loopback(host: str) -> bool:
    """Whether what is sent there never leaves this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class PeerSettings(Settings):
    """Another operator of the zone."""

    signer: Address
    url: Url | None = None  # of its mesh.listen; none where operators talk through NATS
    certificate: Annotated[
        tuple[FilePath, ...], BeforeValidator(_one_or_more), Field(min_length=1, max_length=MOST_PINS)
    ] = Field(default=(), validate_default=False)

    @property
    def is_here(self) -> bool:
        """Whether it runs on this machine."""
        return is_loopback(urlsplit(self.url or "").hostname or "")


class MeshSettings(Settings):
    """Where peers' messages come in, and the certificate we show to them; or, without TLS, `plain`."""

    listen: ListenAddress | None = None
    certificate: FilePath | None = None
    key: FilePath | None = None  # encrypted with the password of [keys]
    plain: bool = False

    @model_validator(mode="after")
    def _either(self) -> "MeshSettings":
        given = [name for name in ("listen", "certificate", "key") if getattr(self, name) is not None]
        if self.plain and given:
            raise ValueError(f"plain = true goes without {given[0]}; remove one of the two")
        if not self.plain and len(given) < 3:
            raise ValueError(
                "listen, certificate and key belong together; make the last two with `net8-oracle certificate new`"
            )
        return self


def _nats_url(url: str) -> str:
    parts = urlsplit(url)
    try:
        usable = parts.scheme in ("nats", "tls") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable or parts.username or parts.password or parts.path.strip("/"):
        raise ValueError(f"'{url}' is no NATS server; write one such as tls://nats.example:4222, with no name in it")
    if parts.scheme == "nats" and not is_loopback(parts.hostname or ""):
        raise ValueError(f"'{url}' is not on this machine, and without TLS nothing may leave it; write tls://")
    return url


class NatsSettings(PasswordSettings):
    """A NATS server with JetStream that operators talk through, and how to get in. It is trusted with nothing."""

    url: Annotated[
        tuple[Annotated[str, AfterValidator(_nats_url)], ...], BeforeValidator(_one_or_more), Field(min_length=1)
    ]  # tls://, or nats:// on this machine; several are servers of one cluster
    username: str | None = None  # with a password's place
    ca_file: FilePath | None = None  # certificates to trust instead of the system's
    certificate: FilePath | None = None  # ours, where the server asks for one
    key: FilePath | None = None  # encrypted with the password of [keys]
    keep_hours: int = Field(default=24, ge=1, le=168)  # how long the stream keeps what operators said
    keep_bytes: int = Field(default=256 * 2**20, ge=16 * 2**20, le=2**40)  # and how much of it
    replicas: int = Field(default=1, ge=1, le=5)  # servers of a cluster that keep it

    @model_validator(mode="after")
    def _usable(self) -> "NatsSettings":
        if find_spec("nats") is None:
            raise ValueError("needs the package nats-py, which is not installed; run: pip install 'net8-oracle[nats]'")
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key belong together; give both or none")
        if len({url.partition(":")[0] for url in self.url}) > 1:
            raise ValueError("some urls are with TLS and some without; write tls:// in all of them")
        if self.names_password and self.username is None:
            raise ValueError("a password needs a username; give both or none")
        if self.username is not None:
            self.password()
        self._context()
        return self

    def _context(self) -> ssl.SSLContext | None:
        if self.url[0].startswith("nats:"):
            return None
        try:
            return ssl.create_default_context(cafile=self.ca_file)
        except OSError as fault:
            raise ConfigRefused(f"ca_file {self.ca_file} cannot be read ({fault}); give a PEM file") from None

    def tls(self, password: str) -> ssl.SSLContext | None:
        """What TLS must satisfy, and what we show; None without TLS.

        Args:
            password: of our certificate's key.

        Raises:
            ConfigRefused: a file cannot be used.
        """
        context = self._context()
        if context is not None and self.certificate is not None:
            try:
                context.load_cert_chain(self.certificate, self.key, password)
            except OSError as fault:
                raise ConfigRefused(
                    f"nats.certificate {self.certificate} and nats.key {self.key} cannot be used together ({fault}); "
                    "name a pair that `net8-oracle certificate new` made"
                ) from None
        return context


class RateSettings(Settings):
    """What one caller may send: so much a second for ever, and so much at once after a pause."""

    messages_per_s: int = Field(ge=1, le=1_000_000)
    messages_burst: int = Field(ge=4_096, le=10_000_000)  # a peer puts up to 3,000 into one message
    bytes_per_s: int = Field(ge=1_000, le=1_000_000_000)
    bytes_burst: int = Field(ge=1_000_000, le=10_000_000_000)


class PeerRate(RateSettings):
    """For one peer, which its certificate names."""

    messages_per_s: int = Field(default=200, ge=1, le=1_000_000)
    messages_burst: int = Field(default=5_000, ge=4_096, le=10_000_000)
    bytes_per_s: int = Field(default=4_000_000, ge=1_000, le=1_000_000_000)
    bytes_burst: int = Field(default=64_000_000, ge=1_000_000, le=10_000_000_000)


class SourceRate(RateSettings):
    """For one address of callers that no certificate names, such as gateways behind one router."""

    messages_per_s: int = Field(default=1_000, ge=1, le=1_000_000)
    messages_burst: int = Field(default=20_000, ge=4_096, le=10_000_000)
    bytes_per_s: int = Field(default=2_000_000, ge=1_000, le=1_000_000_000)
    bytes_burst: int = Field(default=32_000_000, ge=1_000_000, le=10_000_000_000)


class LimitSettings(Settings):
    """How much a caller may send before it gets status 429, or, on a stream, is read no further for now."""

    largest_body: int = Field(default=8 * 2**20, ge=2**20, le=2**30)  # bytes of one post or message
    connections_per_minute: int = Field(default=600, ge=10, le=1_000_000)  # from one address, before TLS
    peer: PeerRate = PeerRate()
    source: SourceRate = SourceRate()

    @model_validator(mode="after")
    def _a_body_fits(self) -> "LimitSettings":
        for name, rate in (("peer", self.peer), ("source", self.source)):
            if rate.bytes_burst < self.largest_body:
                raise ValueError(f"{name}.bytes_burst is less than largest_body; raise it, or no such post would pass")
        return self
