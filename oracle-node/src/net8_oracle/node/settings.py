"""The node's configuration file."""

from pydantic import Field, model_validator

from net8_oracle.broker import BrokerSettings
from net8_oracle.node.agreement import Timing
from net8_oracle.settings import (
    Address,
    ChainSettings,
    FilePath,
    ListenAddress,
    LogSettings,
    PasswordSettings,
    Settings,
    Url,
)

__all__ = ["NodeSettings", "PeerSettings", "TimingSettings"]


class PeerSettings(Settings):
    """Another operator of the zone."""

    signer: Address
    url: Url


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


class NodeSettings(Settings):
    """One node process."""

    listen: ListenAddress
    zones: list[int] = Field(min_length=1)
    store: FilePath
    stamps: FilePath | None = None
    chain: ChainSettings
    keys: KeySettings
    broker: BrokerSettings | None = None  # readings come through it too
    peers: list[PeerSettings] = Field(default_factory=list)
    timing: TimingSettings = TimingSettings()
    health: HealthSettings = HealthSettings()
    log: LogSettings = LogSettings()

    @model_validator(mode="after")
    def _consistent(self) -> "NodeSettings":
        if self.chain.rpc is None:
            raise ValueError("chain.rpc is missing; give the address of a chain node")
        for zone in self.zones:
            if zone < 1 or self.zones.count(zone) > 1:
                raise ValueError(f"zones names {zone}; name each zone once, from 1")
        signers = [peer.signer for peer in self.peers]
        for signer in signers:
            if signers.count(signer) > 1:
                raise ValueError(f"peer {signer} is named twice; name it once")
        return self
