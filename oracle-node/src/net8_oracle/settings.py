"""Configuration files: TOML, checked field by field; each mistake becomes one sentence.

Relative paths count from the folder of the file that names them.
"""

import tomllib
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from net8.deployment import Deployment, DeploymentRefused
from net8.deployment import load as load_deployment
from net8.signing import SignatureRefused, checksum_address
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    model_validator,
)

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
    "load",
]


class ConfigRefused(ValueError):
    """A configuration that cannot be used. The message is one sentence: where, what is wrong, what to do."""


class Settings(BaseModel):
    """A table of a configuration file: unknown names are refused, so that a misspelt one is noticed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _from_folder(path: Path, info: ValidationInfo) -> Path:
    folder: Path = (info.context or {}).get("folder", Path())
    return folder / path


def _url(url: str) -> str:
    scheme, _, rest = url.partition("://")
    if scheme not in ("http", "https") or not rest or " " in rest:
        raise ValueError(f"'{url}' is not an address; write one such as http://127.0.0.1:8545")
    return url.rstrip("/")


def _urls(urls: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(urls)) < len(urls):
        raise ValueError("an address is named twice; name each chain node once")
    return tuple(_url(url) for url in urls)


def _one_or_more(value: object) -> object:
    return (value,) if isinstance(value, str) else value


def _address(text: str) -> str:
    try:
        return checksum_address(text)
    except SignatureRefused as fault:
        raise ValueError(str(fault)) from None


def _listen(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    try:
        ip_address(host.strip("[]"))
        number = int(port)
    except ValueError:
        number = -1
    if not 0 <= number <= 65535:
        raise ValueError(f"'{text}' is no place to listen; write an IP address and a port, such as 127.0.0.1:9001")
    return host.strip("[]"), number


def _listens(text: str) -> str:
    _listen(text)
    return text


PASSWORD_FIELDS = ("password_file", "password_env", "password_fd", "password_credential")
FilePath = Annotated[Path, AfterValidator(_from_folder)]
Url = Annotated[str, AfterValidator(_url)]
Urls = Annotated[tuple[str, ...], BeforeValidator(_one_or_more), AfterValidator(_urls)]  # one may stand by itself
Address = Annotated[str, AfterValidator(_address)]
ListenAddress = Annotated[str, AfterValidator(_listens)]


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
    poll_ms: int = Field(default=25, ge=5, le=60_000)
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


class LogSettings(Settings):
    """How the process speaks."""

    form: Literal["text", "json"] = "text"
    level: Literal["debug", "info", "warning", "error"] = "info"


_Model = TypeVar("_Model", bound=Settings)


def sentence(fault: ValidationError) -> str:
    """The first mistake of a validation in one sentence: where, what, what to do."""
    first = fault.errors()[0]
    where = ""
    for part in first["loc"]:
        where += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if where else str(part)
    where = where or "the file"
    if first["type"] == "missing":
        return f"{where} is missing; add it"
    if first["type"] == "extra_forbidden":
        return f"{where} is not a setting; correct its spelling or remove it"
    if first["type"] == "value_error":
        return f"{where}: {first['ctx']['error']}"
    what = first["msg"][0].lower() + first["msg"][1:]
    return f"{where} is {first['input']!r}; {what.replace('input should', 'it should')}"


def validated(model: type[_Model], values: dict[str, Any], where: str, folder: Path) -> _Model:
    """`values` as a checked `model`.

    Raises:
        ConfigRefused: a value is missing, unknown or wrong; the sentence begins with `where`.
    """
    try:
        return model.model_validate(values, context={"folder": folder})
    except ValidationError as fault:
        raise ConfigRefused(f"{where}: {sentence(fault)}") from None


def load(model: type[_Model], path: Path) -> _Model:
    """Read and check a configuration file.

    Raises:
        ConfigRefused: the file is missing, is not TOML, or a field is missing, unknown or wrong.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as fault:
        raise ConfigRefused(f"{path}: cannot be read ({fault.strerror}); give the path of your configuration") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise ConfigRefused(f"{path}: is not TOML ({fault}); correct that line") from None
    return validated(model, content, str(path), path.parent)


def host_and_port(listen: str) -> tuple[str, int]:
    """Parts of a checked listen address."""
    return _listen(listen)
