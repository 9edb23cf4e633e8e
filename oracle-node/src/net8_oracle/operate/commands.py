"""The commands an operator types. What they need is imported when they run: a gateway loads none of it."""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click

from net8_oracle import keys
from net8_oracle.settings import ConfigRefused
from net8_oracle.settings import load as load_settings

__all__ = ["COMMANDS"]

_CONFIG = click.option(
    "--config", "config", required=True, type=click.Path(path_type=Path), help="The TOML configuration file."
)
_AMOUNT_HELP = "NET8, such as 1000."


def _with_key(whose: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Options that name the keystore which holds NET8, and where its password is."""

    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in (
            click.option("--owner-password-env", help="Name of the environment variable that holds its password."),
            click.option(
                "--owner-password-file",
                type=click.Path(path_type=Path),
                help="File whose first line is its password.",
            ),
            click.option("--owner", required=True, type=click.Path(path_type=Path), help=f"Keystore of {whose}."),
        ):
            command = option(command)
        return command

    return add


def _say(make: Callable[[], Iterable[object]]) -> None:
    """Print line by line; one sentence and status 2 where something is refused."""
    from net8.errors import Net8Error
    from net8.units import AmountRefused

    try:
        for line in make():
            click.echo(line)
    except (ConfigRefused, keys.KeyRefused, AmountRefused, Net8Error) as fault:
        click.echo(f"net8-oracle: {fault}", err=True)
        sys.exit(2)


def _settings(config: Path) -> Any:  # noqa: ANN401 - NodeSettings, which only commands import
    from net8_oracle.node.settings import NodeSettings

    return load_settings(NodeSettings, config)


def _owner_key(owner: Path, password_file: Path | None, password_env: str | None) -> bytes:
    if password_file is None and password_env is None:
        password = click.prompt("Password of the owner's keystore", hide_input=True, err=True)
    else:
        password = keys.password_from(password_file, password_env)
    return keys.load(owner, password).secret


def _amount(text: str) -> Any:  # noqa: ANN401 - Decimal
    from net8.units import grains_to_net8, parse_net8

    return grains_to_net8(parse_net8(text))


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--deployment", required=True, type=click.Path(path_type=Path), help="File of the contracts' addresses.")
@click.option("--rpc", required=True, help="Address of a chain node, such as http://127.0.0.1:8545.")
@click.option(
    "--zone", "zones", required=True, multiple=True, type=click.IntRange(1), help="Zone to serve; repeatable."
)
@click.option("--listen", default="127.0.0.1:9001", show_default=True, help="IP address and port for gateways.")
@click.option(
    "--mesh-listen", default="0.0.0.0:9002", show_default=True, help="IP address and port for the other operators."
)
def init(folder: Path, deployment: Path, rpc: str, zones: tuple[int, ...], listen: str, mesh_listen: str) -> None:
    """Make FOLDER with keys, a certificate, a password and a configuration to complete."""
    from net8_oracle.operate.beginning import begin

    _say(lambda: begin(folder, deployment, rpc, list(zones), listen, mesh_listen))


@click.group()
def certificate() -> None:
    """Make and show certificates for TLS between operators."""


@certificate.command("new")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", type=click.Path(path_type=Path))
@click.option("--password-file", type=click.Path(path_type=Path), help="File whose first line is the key's password.")
@click.option("--password-env", help="Name of the environment variable that holds it.")
@click.option("--name", default="NET8 operator", show_default=True, help="Whose it is, for people to read.")
@click.option("--days", default=1825, show_default=True, type=click.IntRange(1, 36500), help="How long it is valid.")
def certificate_new(
    paths: tuple[Path, ...], password_file: Path | None, password_env: str | None, name: str, days: int
) -> None:
    """Write a certificate to each PATH, such as mesh.pem, and its key beside it, such as mesh.key."""
    from net8_oracle.certificates import create

    def made() -> Iterable[object]:
        password = keys.password_from(password_file, password_env)
        for path in paths:
            yield create(path, path.with_suffix(".key"), password, name, days)

    _say(made)


@certificate.command("show")
@click.argument("path", type=click.Path(path_type=Path))
def certificate_show(path: Path) -> None:
    """Print fingerprint and end of the certificate at PATH."""
    from net8_oracle.certificates import Certificate

    _say(lambda: [Certificate.load(path)])


@click.command()
@_CONFIG
def check(config: Path) -> None:
    """Look at everything the node depends on, and say what to do. Status 1 when something must be mended."""
    from net8_oracle.operate.checks import Grade
    from net8_oracle.operate.checks import check as look

    failed = False

    def findings() -> Iterable[object]:
        nonlocal failed
        for finding in look(_settings(config)):
            failed = failed or finding.grade is Grade.FAIL
            yield finding

    _say(findings)
    sys.exit(1 if failed else 0)


@click.command()
@_CONFIG
@_with_key("the key that stakes and alone can take the stake back")
@click.option("--stake", "amount", required=True, help=_AMOUNT_HELP)
def register(
    config: Path, owner: Path, owner_password_file: Path | None, owner_password_env: str | None, amount: str
) -> None:
    """Stake NET8 and register the node's signer as an oracle operator."""
    from net8_oracle.operate import standing

    _say(
        lambda: standing.register(
            _settings(config), _owner_key(owner, owner_password_file, owner_password_env), _amount(amount)
        )
    )


@click.command()
@_CONFIG
@_with_key("a key that holds NET8; anyone may add to a stake")
@click.option("--amount", required=True, help=_AMOUNT_HELP)
def stake(
    config: Path, owner: Path, owner_password_file: Path | None, owner_password_env: str | None, amount: str
) -> None:
    """Add to the operator's stake."""
    from net8_oracle.operate import standing

    _say(
        lambda: standing.stake(
            _settings(config), _owner_key(owner, owner_password_file, owner_password_env), _amount(amount)
        )
    )


@click.command()
@_CONFIG
@_with_key("the key that staked")
def unbond(config: Path, owner: Path, owner_password_file: Path | None, owner_password_env: str | None) -> None:
    """Ask for the stake back; run again when its time has come, to take it."""
    from net8_oracle.operate import standing

    _say(lambda: standing.unbond(_settings(config), _owner_key(owner, owner_password_file, owner_password_env)))


@click.command()
@_CONFIG
@_with_key("the key that staked")
@click.option("--new-signer", required=True, type=click.Path(path_type=Path), help="Keystore to make for the new key.")
@click.option(
    "--overlap",
    default=3_600,
    show_default=True,
    type=click.IntRange(0, 86_400),
    help="Seconds for which the old key still counts; 0 when it is in wrong hands.",
)
def rotate(
    config: Path,
    owner: Path,
    owner_password_file: Path | None,
    owner_password_env: str | None,
    new_signer: Path,
    overlap: int,
) -> None:
    """Make a new signer key that takes the old one's place in every zone."""
    from net8_oracle.operate import standing

    _say(
        lambda: standing.rotate(
            _settings(config), _owner_key(owner, owner_password_file, owner_password_env), new_signer, overlap
        )
    )


@click.command()
@_CONFIG
@_with_key("the key that staked")
def claim(config: Path, owner: Path, owner_password_file: Path | None, owner_password_env: str | None) -> None:
    """Take what the operator has earned by signing reports."""
    from net8_oracle.operate import standing

    _say(lambda: standing.claim(_settings(config), _owner_key(owner, owner_password_file, owner_password_env)))


@click.command()
@_CONFIG
def status(config: Path) -> None:
    """Show how the operator stands on chain and what its node says."""
    from net8_oracle.operate import standing

    _say(lambda: standing.status(_settings(config)))


COMMANDS = (init, certificate, check, register, stake, rotate, claim, status, unbond)
