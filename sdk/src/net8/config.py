"""Configuration files: TOML, checked field by field; each mistake becomes one sentence.

Relative paths count from the folder of the file that names them.
"""

import tomllib
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ValidationError,
    ValidationInfo,
)

from net8.signing import SignatureRefused, checksum_address

__all__ = [
    "Address",
    "ConfigRefused",
    "FilePath",
    "ListenAddress",
    "LogSettings",
    "Settings",
    "Url",
    "Urls",
    "host_and_port",
    "load",
    "sentence",
    "validated",
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


FilePath = Annotated[Path, AfterValidator(_from_folder)]
Url = Annotated[str, AfterValidator(_url)]
Urls = Annotated[tuple[str, ...], BeforeValidator(_one_or_more), AfterValidator(_urls)]  # one may stand by itself
Address = Annotated[str, AfterValidator(_address)]
ListenAddress = Annotated[str, AfterValidator(_listens)]


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
