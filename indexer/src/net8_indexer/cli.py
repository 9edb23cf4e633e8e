"""The command `net8-indexer`."""

import json
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click
from net8 import logs
from net8.config import ConfigRefused
from net8.config import load as load_settings

from net8_indexer import __version__

if TYPE_CHECKING:
    from net8_indexer.settings import IndexerSettings

__all__ = ["main"]

_CONFIG = click.option(
    "--config", "config", required=True, type=click.Path(path_type=Path), help="The TOML configuration file."
)


def _refuse(fault: BaseException, status: int = 2) -> NoReturn:
    """Say what is wrong in one sentence and leave."""
    click.echo(f"net8-indexer: {fault}", err=True)
    sys.exit(status)


@click.group()
@click.version_option(__version__)
def main() -> None:
    """Indexer of NET8: what the contracts logged, in SQL and over HTTP."""


@main.command()
@_CONFIG
def run(config: Path) -> None:
    """Follow the chain, and answer the HTTP API."""
    _service(config, follows=True)


@main.command()
@_CONFIG
def serve(config: Path) -> None:
    """Answer the HTTP API alone; another process follows the chain."""
    _service(config, follows=False)


def _settings(config: Path) -> "IndexerSettings":
    from net8_indexer.settings import IndexerSettings

    try:
        return load_settings(IndexerSettings, config)
    except ConfigRefused as fault:
        _refuse(fault)


def _service(config: Path, follows: bool) -> None:
    settings = _settings(config)
    logs.setup(settings.log.form, settings.log.level)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    from net8_indexer import service
    from net8_indexer.database import DatabaseRefused

    try:
        service.run(settings, follows)
    except (ConfigRefused, DatabaseRefused) as fault:
        _refuse(fault)
    except service.Ended as fault:
        _refuse(fault, status=1)


@main.command()
@_CONFIG
def migrate(config: Path) -> None:
    """Make the tables, or bring them up to this version; `run` does so by itself."""
    from net8_indexer.database import DatabaseRefused, open_database, upgrade

    settings = _settings(config)
    try:
        upgrade(open_database(settings.database.address()))
    except (ConfigRefused, DatabaseRefused) as fault:
        _refuse(fault)


@main.command()
@_CONFIG
def status(config: Path) -> None:
    """Print how far the database is, and how far behind the chain, as one line of JSON."""
    from net8_indexer import service
    from net8_indexer.database import DatabaseRefused

    settings = _settings(config)
    try:
        click.echo(json.dumps(service.status(settings)))
    except (ConfigRefused, DatabaseRefused) as fault:
        _refuse(fault)


if __name__ == "__main__":
    main()
