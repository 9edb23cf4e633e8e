"""ape run check_deployment: compares `deployments/<chain id>.json` with what is on chain."""

from pathlib import Path

import click
from ape.api import ProviderAPI
from ape.cli import ConnectedProviderCommand
from net8.deployment import DeploymentRefused, load

from scripts.deployment.differences import differences


@click.command(cls=ConnectedProviderCommand, short_help="Compare deployments/<chain id>.json with the chain")
@click.option("--file", "path", type=click.Path(dir_okay=False, path_type=Path), help="Instead of deployments/...")
def cli(provider: ProviderAPI, path: Path | None) -> None:
    """Say each difference in a sentence; the exit status is 1 if there is one."""
    path = path or Path("deployments") / f"{provider.chain_id}.json"
    try:
        found = list(differences(load(path)))
    except DeploymentRefused as refused:
        raise click.ClickException(str(refused)) from None
    for sentence in found:
        click.echo(sentence)
    if found:
        raise SystemExit(1)
    click.echo(f"chain {provider.chain_id} is as in {path}")
