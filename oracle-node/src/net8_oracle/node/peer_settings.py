"""Settings of what is between operators: who the peers are, TLS, and how much one caller may send."""

from ipaddress import ip_address
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, model_validator

from net8_oracle.settings import Address, FilePath, ListenAddress, Settings, Url

__all__ = ["LimitSettings", "MeshSettings", "PeerSettings", "RateSettings", "is_loopback"]

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
    url: Url  # of its mesh.listen
    certificate: Annotated[
        tuple[FilePath, ...], BeforeValidator(_one_or_more), Field(min_length=1, max_length=MOST_PINS)
    ] = Field(default=(), validate_default=False)

    @property
    def is_here(self) -> bool:
        """Whether it runs on this machine."""
        return is_loopback(urlsplit(self.url).hostname or "")


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


class RateSettings(Settings):
    """What one caller may send: so much a second for ever, and so much at once after a pause."""

    messages_per_s: int = Field(ge=1, le=1_000_000)
    messages_burst: int = Field(ge=4_096, le=10_000_000)  # a peer puts up to 3,000 into one post
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
    """How much a caller may send before it gets status 429."""

    largest_body: int = Field(default=8 * 2**20, ge=2**20, le=2**30)  # bytes of one post
    connections_per_minute: int = Field(default=600, ge=10, le=1_000_000)  # from one address, before TLS
    peer: PeerRate = PeerRate()
    source: SourceRate = SourceRate()

    @model_validator(mode="after")
    def _a_body_fits(self) -> "LimitSettings":
        for name, rate in (("peer", self.peer), ("source", self.source)):
            if rate.bytes_burst < self.largest_body:
                raise ValueError(f"{name}.bytes_burst is less than largest_body; raise it, or no such post would pass")
        return self
