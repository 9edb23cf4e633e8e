"""The indexer's configuration file."""

from pathlib import Path
from typing import Annotated

from net8.config import ConfigRefused, FilePath, ListenAddress, LogSettings, Settings, Urls
from net8.deployment import Deployment, DeploymentRefused
from net8.deployment import load as load_deployment
from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

__all__ = ["ChainSettings", "DatabaseSettings", "IndexerSettings", "LimitSettings"]

_DRIVERS = {"sqlite": "sqlite", "postgresql": "postgresql+pg8000"}


class DatabaseSettings(Settings):
    """Where the history is kept: a SQLite file, or PostgreSQL with a user whose password is elsewhere."""

    url: str
    password_file: FilePath | None = None  # its first line

    def address(self) -> URL:
        """For SQLAlchemy, with the password.

        Raises:
            ConfigRefused: the password cannot be read.
        """
        url = make_url(self.url)
        if self.password_file is None:
            return url
        try:
            lines = self.password_file.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as fault:
            raise ConfigRefused(
                f"password file {self.password_file} cannot be read ({fault}); create it with mode 600"
            ) from None
        if not lines or not lines[0]:
            raise ConfigRefused(f"password file {self.password_file} is empty; put the database's password there")
        return url.set(password=lines[0])


def _database(value: object) -> object:
    return {"url": value} if isinstance(value, str) else value


def _complete(database: DatabaseSettings, info: ValidationInfo) -> DatabaseSettings:
    scheme, separator, _ = database.url.partition("://")
    if not separator:
        path = ((info.context or {}).get("folder", Path()) / database.url).resolve()
        return database.model_copy(update={"url": f"sqlite:///{path}"})
    if scheme not in _DRIVERS:
        raise ValueError(f"'{scheme}' is no database we know; name a file, or postgresql://user@host:5432/database")
    try:
        url = make_url(database.url)
    except (ArgumentError, ValueError):
        raise ValueError(
            f"'{database.url}' is no address of a database; write one such as postgresql://user@host:5432/database"
        ) from None
    if url.password is not None:
        raise ValueError("a password does not belong into this file; remove it and give password_file")
    return database.model_copy(
        update={"url": url.set(drivername=_DRIVERS[scheme]).render_as_string(hide_password=False)}
    )


Database = Annotated[DatabaseSettings, BeforeValidator(_database), AfterValidator(_complete)]


class ChainSettings(Settings):
    """The chain to follow and the contracts on it."""

    deployment: FilePath
    rpc: Urls = Field(min_length=1)  # chain nodes, the preferred one first
    poll_ms: int = Field(default=500, ge=20, le=600_000)  # between looks at the head
    timeout_ms: int = Field(default=10_000, ge=100, le=120_000)  # for each answer of a chain node

    def contracts(self) -> Deployment:
        """The deployment file's content.

        Raises:
            ConfigRefused: it is missing or wrong.
        """
        try:
            return load_deployment(self.deployment)
        except DeploymentRefused as fault:
            raise ConfigRefused(str(fault)) from None


class LimitSettings(Settings):
    """What one client may ask of the HTTP API."""

    per_minute: int = Field(default=600, ge=1, le=1_000_000)  # questions of one IPv4 address or IPv6 /64
    connections: int = Field(default=200, ge=1, le=100_000)  # at once, of all clients together
    proxies: tuple[str, ...] = ()  # addresses of proxies whose X-Forwarded-For is believed


class IndexerSettings(Settings):
    """One indexer."""

    database: Database
    listen: ListenAddress
    chain: ChainSettings
    limits: LimitSettings = LimitSettings()
    log: LogSettings = LogSettings()
