"""The gateway's configuration file."""

from typing import Any

from net8.model import site_zone
from pydantic import Field, model_validator

from net8_oracle.broker import BrokerSettings
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

__all__ = ["GatewaySettings", "MeterSettings", "OperatorSettings"]


class OperatorSettings(Settings):
    """An oracle operator of the zone: `url` of its node, or the `signer` of a node that listens on the broker."""

    url: Url | None = None
    certificate: FilePath | None = None  # that its https shows; without it, one that the system trusts
    signer: Address | None = None

    @model_validator(mode="after")
    def _one_way(self) -> "OperatorSettings":
        if (self.url is None) == (self.signer is None):
            raise ValueError("give either url, for HTTP, or signer, for the broker")
        if self.certificate is not None and not (self.url or "").startswith("https://"):
            raise ValueError("a certificate goes with a url that begins with https://; correct the url or remove it")
        return self


class MeterSettings(PasswordSettings):
    """One meter: whose it is, its key, and how it is read."""

    site: int = Field(ge=1 << 16 | 1, lt=2**48)
    keystore: FilePath
    epoch: int = Field(default=0, ge=0, lt=2**32)  # raise it by one when the meter is replaced
    source: dict[str, Any]


class GatewaySettings(PasswordSettings):
    """One gateway process."""

    store: FilePath
    listen: ListenAddress | None = None  # for /healthz and /status
    chain: ChainSettings
    broker: BrokerSettings | None = None  # for the operators that are named by their signer
    operators: list[OperatorSettings] = Field(min_length=1)
    meters: list[MeterSettings] = Field(min_length=1)
    log: LogSettings = LogSettings()

    @model_validator(mode="after")
    def _each_once(self) -> "GatewaySettings":
        sites = [meter.site for meter in self.meters]
        for site in sites:
            if sites.count(site) > 1:
                raise ValueError(f"site {site} has two meters; give every site one")
            if not site & 0xFFFF or not site_zone(site):
                raise ValueError(f"{site} is no site id; it is zone * 65536 + index, both from 1")
        names = [operator.url or operator.signer for operator in self.operators]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"operator {name} is named twice; name it once")
        if self.broker is None and any(operator.signer is not None for operator in self.operators):
            raise ValueError("an operator is named by its signer, but there is no broker; add a table [broker]")
        return self
