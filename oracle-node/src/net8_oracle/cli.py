"""The command `net8-oracle`."""

import asyncio
import contextlib
import logging
import signal
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, BinaryIO

import click
from net8 import logs

from net8_oracle import __version__, keys
from net8_oracle.operate.commands import COMMANDS
from net8_oracle.settings import ConfigRefused
from net8_oracle.settings import load as load_settings

__all__ = ["main"]

_CONFIG = click.option(
    "--config", "config", required=True, type=click.Path(path_type=Path), help="The TOML configuration file."
)

LARGEST_FILE = 2 * 2**20  # bytes that `decode` looks at


def _refuse(fault: BaseException, status: int = 2) -> None:
    """Say what is wrong in one sentence and leave."""
    click.echo(f"net8-oracle: {fault}", err=True)
    sys.exit(status)


def _first(group: BaseException) -> BaseException:
    while isinstance(group, BaseExceptionGroup):
        group = group.exceptions[0]
    return group


def _run(make: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a process until SIGINT or SIGTERM."""

    async def until_stopped() -> None:
        task = asyncio.current_task()
        assert task is not None, "runs as a task"
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await make()

    try:
        asyncio.run(until_stopped())
    except (ConfigRefused, keys.KeyRefused) as fault:
        _refuse(fault)
    except BaseExceptionGroup as group:
        first = _first(group)
        if not isinstance(first, ConfigRefused | keys.KeyRefused):
            raise
        _refuse(first)


@click.group()
@click.version_option(__version__)
def main() -> None:
    """Gateway and oracle node of NET8."""


@main.command()
@_CONFIG
def gateway(config: Path) -> None:
    """Read meters, sign readings, and deliver them to the zone's operators."""
    from net8_oracle.gateway import service
    from net8_oracle.gateway.settings import GatewaySettings

    try:
        settings = load_settings(GatewaySettings, config)
    except ConfigRefused as fault:
        _refuse(fault)
        return
    logs.setup(settings.log.form, settings.log.level)
    _run(lambda: service.run(settings, config.parent))


@main.command()
@click.argument("form", metavar="FORMAT")
@click.argument("file", type=click.File("rb"))
@click.option("--key", help="The meter's public key (DER, hexadecimal or base64), for ocmf.")
def decode(form: str, file: BinaryIO, key: str | None) -> None:
    """Print what a meter said in FILE (- is standard input) as one line of JSON.

    FORMAT is dsmr, fronius, homewizard, mbus, ocmf, shelly, sml, sunspec or tasmota.
    """
    from net8_oracle.gateway import sources

    logging.disable(logging.CRITICAL)  # a decoding library's own words would stand beside ours
    try:
        click.echo(sources.decode(form, file.read(LARGEST_FILE + 1), key).canonical())
    except (sources.SourceFault, ConfigRefused) as fault:
        _refuse(fault, status=1)
    finally:
        logging.disable(logging.NOTSET)


@main.command()
@_CONFIG
def run(config: Path) -> None:
    """Check readings, agree with the other operators, and settle on chain."""
    from net8_oracle.node import service
    from net8_oracle.node.settings import NodeSettings

    try:
        settings = load_settings(NodeSettings, config)
    except ConfigRefused as fault:
        _refuse(fault)
        return
    logs.setup(settings.log.form, settings.log.level)
    _run(lambda: service.run(settings))


@main.group("keys")
def keys_group() -> None:
    """Make and show keystores."""


@keys_group.command("new")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--password-file", type=click.Path(path_type=Path), help="File whose first line is the password.")
@click.option("--password-env", help="Name of the environment variable that holds the password.")
@click.option(
    "--iterations",
    default=keys.DEFAULT_ITERATIONS,
    show_default=True,
    type=click.IntRange(1),
    help="Rounds of pbkdf2; fewer open faster and protect less.",
)
def keys_new(path: Path, password_file: Path | None, password_env: str | None, iterations: int) -> None:
    """Make a key, write its keystore to PATH, and print its address."""
    try:
        if password_file is None and password_env is None:
            password = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
        else:
            password = keys.password_from(password_file, password_env)
        click.echo(keys.create(path, password, iterations))
    except keys.KeyRefused as fault:
        _refuse(fault)


@keys_group.command("show")
@click.argument("path", type=click.Path(path_type=Path))
def keys_show(path: Path) -> None:
    """Print the address of the keystore at PATH."""
    try:
        click.echo(keys.keystore_address(path))
    except keys.KeyRefused as fault:
        _refuse(fault)


for command in COMMANDS:
    main.add_command(command)


if __name__ == "__main__":
    main()
