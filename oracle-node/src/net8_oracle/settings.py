"""What the configuration files of gateway and node have in common, on top of what every NET8 program's have."""

from typing import Literal

from net8.config import (
    Address,
    ConfigRefused,
    FilePath,
    ListenAddress,
    LogSettings,
    Settings,
    Url,
    Urls,
    host_and_port,
    load,
    validated,
)
from net8.deployment import Deployment, DeploymentRefused
from net8.deployment import load as load_deployment
from pydantic import Field, model_validator

from net8_oracle import keys

__all__ = [
    "Address",
    "ChainSettings",
    "ConfigRefused",
    "FilePath",
    "ListenAddress",
    "LogSettings",
    "PasswordSettings",
    "Settings",
    "Url",
    "host_and_port",
    "load",
    "validated",
]

PASSWORD_FIELDS = ("password_file", "password_env", "password_fd", "password_credential")


class PasswordSettings(Settings):
    """Where a password is: never in the configuration itself."""

    password_file: FilePath | None = None  # its first line
    password_env: str | None = None  # name of an environment variable
    password_fd: int | None = Field(default=None, ge=0)  # number of an open file descriptor, read once
    password_credential: str | None = None  # name of a systemd credential (LoadCredential=)

    @model_validator(mode="after")
    def _one(self) -> "PasswordSettings":
        given = [name for name in PASSWORD_FIELDS if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} are both given; keep one of them")
        return self

    @property
    def names_password(self) -> bool:
        """Whether any place is named."""
        return any(getattr(self, name) is not None for name in PASSWORD_FIELDS)

    def password(self) -> str:
        """The password itself.

        Raises:
            net8_oracle.keys.KeyRefused: it is not there.
        """
        return keys.password_from(self.password_file, self.password_env, self.password_fd, self.password_credential)


class ChainSettings(Settings):
    """The chain and the contracts on it."""

    deployment: FilePath
    rpc: Urls = ()  # chain nodes, the preferred one first
    clock: Literal["wall", "chain"] = "wall"
    poll_ms: int = Field(default=250, ge=5, le=60_000)  # between two looks at the chain's head
    timeout_ms: int = Field(default=5_000, ge=100, le=120_000)  # for each answer of a chain node
    resend_ms: int = Field(default=10_000, ge=100, le=3_600_000)  # without receipt, then a transaction is sent again
    fee_cap_gwei: int = Field(default=500, ge=1, le=1_000_000)  # per gas, for replacements too
    final_blocks: int = Field(default=64, ge=1, le=100_000)  # below the head; what is deeper is taken as final

    @model_validator(mode="after")
    def _clock_needs_chain(self) -> "ChainSettings":
        if self.clock == "chain" and not self.rpc:
            raise ValueError('clock = "chain" needs rpc; give the address of a chain node or use clock = "wall"')
        return self

    def contracts(self) -> Deployment:
        """The deployment file's content.

        Raises:
            ConfigRefused: it is missing or wrong.
        """
        try:
            return load_deployment(self.deployment)
        except DeploymentRefused as fault:
            raise ConfigRefused(str(fault)) from None
