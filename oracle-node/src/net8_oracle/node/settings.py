"""The node's configuration file."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, model_validator
from sqlalchemy import make_url

from net8_oracle.broker import BrokerSettings
from net8_oracle.node.layers.settings import LayersSettings
from net8_oracle.node.peer_settings import LimitSettings, MeshSettings, NatsSettings, PeerSettings, is_loopback
from net8_oracle.node.world import Timing
from net8_oracle.settings import (
    ChainSettings,
    FilePath,
    ListenAddress,
    LogSettings,
    PasswordSettings,
    Settings,
    host_and_port,
)

__all__ = ["NodeSettings", "PeerSettings", "TimingSettings"]


class KeySettings(PasswordSettings):
    """The node's two keys: one signs observations and reports, the other pays for transactions."""

    signer: FilePath
    transmitter: FilePath

    @model_validator(mode="after")
    def _two(self) -> "KeySettings":
        if self.signer == self.transmitter:
            raise ValueError("signer and transmitter are the same keystore; make a second one, they must be two keys")
        return self


class TimingSettings(Settings):
    """How long to wait, in milliseconds of the wall clock."""

    patience_ms: int = Field(default=20_000, ge=10, le=900_000)
    round_ms: int = Field(default=1_000, ge=50, le=60_000)
    settle_ms: int = Field(default=3_000, ge=100, le=600_000)
    linger_ms: int = Field(default=5, ge=0, le=1_000)

    def seconds(self) -> Timing:
        """The same in seconds."""
        return Timing(self.patience_ms / 1000, self.round_ms / 1000, self.settle_ms / 1000, self.linger_ms / 1000)


class HealthSettings(Settings):
    """When health turns red."""

    fresh_within_s: int = Field(default=1_800, ge=60, le=86_400)  # after a slot's end, for its report on chain


class StoreSettings(PasswordSettings):
    """Where the node remembers: a SQLite file, or PostgreSQL with a user whose password is elsewhere."""

    url: str

    @property
    def where(self) -> Path | str:
        """A file, or a URL of PostgreSQL."""
        return self.url if "://" in self.url else Path(self.url)

    def secret(self) -> str | None:
        """The password, where one is named.

        Raises:
            net8_oracle.keys.KeyRefused: it is not there.
        """
        return None if self.password_file is None and self.password_env is None else self.password()


def _store(value: object) -> object:
    return {"url": value} if isinstance(value, str) else value


def _store_from_folder(store: StoreSettings, info: ValidationInfo) -> StoreSettings:
    scheme, separator, _ = store.url.partition("://")
    if not separator:
        return store.model_copy(update={"url": str((info.context or {}).get("folder", Path()) / store.url)})
    if scheme != "postgresql":
        raise ValueError(f"'{scheme}' is no database we know; name a file, or postgresql://user@host:5432/database")
    if make_url(store.url).password is not None:
        raise ValueError("a password does not belong into this file; remove it and give password_file or password_env")
    return store


Store = Annotated[StoreSettings, BeforeValidator(_store), AfterValidator(_store_from_folder)]


class NodeSettings(Settings):
    """One node process."""

    listen: ListenAddress
    listen_tls: bool = False  # https there, with the certificate of [mesh]
    zones: list[int] = Field(min_length=1)
    store: Store
    stamps: FilePath | None = None
    chain: ChainSettings
    keys: KeySettings
    broker: BrokerSettings | None = None  # readings come through it too
    mesh: MeshSettings | None = None  # left out: plain, and nothing leaves this machine
    nats: NatsSettings | None = None  # operators talk through it, not to each other
    peers: list[PeerSettings] = Field(default_factory=list)
    limits: LimitSettings = LimitSettings()
    timing: TimingSettings = TimingSettings()
    health: HealthSettings = HealthSettings()
    layers: LayersSettings | None = None
    log: LogSettings = LogSettings()

    @model_validator(mode="after")
    def _consistent(self) -> "NodeSettings":
        if not self.chain.rpc:
            raise ValueError("chain.rpc is missing; give the address of a chain node")
        for zone in self.zones:
            if zone < 1 or self.zones.count(zone) > 1:
                raise ValueError(f"zones names {zone}; name each zone once, from 1")
        signers = [peer.signer for peer in self.peers]
        for signer in signers:
            if signers.count(signer) > 1:
                raise ValueError(f"peer {signer} is named twice; name it once")
        return self

    @model_validator(mode="after")
    def _one_way(self) -> "NodeSettings":
        if self.nats is not None and self.mesh is not None:
            raise ValueError("[mesh] and [nats] are two ways between operators; keep one of the two tables")
        for peer in self.peers:
            if self.nats is not None and (peer.url is not None or peer.certificate):
                raise ValueError(f"peer {peer.signer} has a url or certificate, but [nats] needs its signer alone")
            if self.nats is None and peer.url is None:
                raise ValueError(f"peer {peer.signer} has no url; give the address of its mesh.listen")
        return self

    @model_validator(mode="after")
    def _peers_by_tls(self) -> "NodeSettings":
        with_tls = self.mesh is not None and not self.mesh.plain
        if self.listen_tls and not with_tls:
            raise ValueError("listen_tls needs the certificate and key of a table [mesh]; add it")
        for peer in self.peers:
            if peer.url is not None and peer.url.startswith("https://") != with_tls:
                other, way = ("http", "with") if with_tls else ("https", "without")
                raise ValueError(
                    f"peer {peer.signer} is at {other}://, but messages between operators go {way} TLS here; "
                    "correct its url or the table [mesh]"
                )
        everything_here = is_loopback(host_and_port(self.listen)[0]) and all(peer.is_here for peer in self.peers)
        if self.mesh is None and self.nats is None and not everything_here:
            raise ValueError(
                "the table [mesh] is missing, and without TLS nothing may leave this machine; give it listen, "
                "certificate and key (`net8-oracle certificate new` makes the two), or plain = true"
            )
        return self
