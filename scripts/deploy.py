"""ape run deploy: brings the contracts to a chain and writes `deployments/<chain id>.json`.

Run it again after a failure: it continues where it stopped.
"""

from pathlib import Path

import ape
import click
from ape.api import ProviderAPI
from ape.cli import ConnectedProviderCommand
from eth_utils import is_address, to_checksum_address

from scripts.deployment.deployer import Deployer, DeploymentRefused
from scripts.deployment.ledger import Ledger, LedgerUnreadable
from scripts.deployment.plan import LOCAL_CHAIN_ID, Settings

NOMINAL_PRICE = 3  # euros for one NET8
LOCAL_REGISTRAR = 2  # index among the local chain's development accounts


def _address(_context: click.Context, option: click.Parameter, value: str | None) -> str | None:
    if value is None:
        return None
    if not is_address(value):
        raise click.BadParameter(f"'{value}' is no address; write 0x and 40 hexadecimal digits", param=option)
    return to_checksum_address(value)


@click.command(cls=ConnectedProviderCommand, short_help="Deploy the contracts and write deployments/<chain id>.json")
@click.option("--account", "alias", help="ape account that deploys; the first development account on a local chain.")
@click.option("--owner", callback=_address, help="Owner of the contracts at the end; the deployer on a local chain.")
@click.option("--registrar", callback=_address, help="Who admits sites to certificates.")
@click.option("--euro", callback=_address, envvar="NET8_EURO", help="Euro stablecoin of the Reserve.")
@click.option("--price", type=click.IntRange(1), help="Smallest euro units for one NET8; 3 euros by default.")
@click.option("--min-stake", type=click.IntRange(1), default=1_000, show_default=True, help="NET8 of an operator.")
@click.option("--issuer", default="NET8", show_default=True, help="Name of the body that issues certificates.")
@click.option(
    "--energy", type=click.IntRange(10_000), default=10_000, show_default=True, help="Wh to retire for one NET8."
)
@click.option(
    "--daily-cap", type=click.IntRange(0), default=1_000, show_default=True, help="NET8 a day against production."
)
@click.option(
    "--coverage-floor",
    type=click.FloatRange(50, 100),
    default=100,
    show_default=True,
    help="Per cent of coverage that NET8 against production must leave; 100: it is paid for by surplus alone.",
)
@click.option("--file", "path", type=click.Path(dir_okay=False, path_type=Path), help="Instead of deployments/...")
@click.option("--yes", is_flag=True, help="Sign without asking; the passphrase comes from ape's environment variable.")
def cli(
    provider: ProviderAPI,
    alias: str | None,
    owner: str | None,
    registrar: str | None,
    euro: str | None,
    price: int | None,
    min_stake: int,
    issuer: str,
    energy: int,
    daily_cap: int,
    coverage_floor: float,
    path: Path | None,
    yes: bool,
) -> None:
    """Deploy NET8 and its exchange, wire them to one another and hand them to their owner."""
    chain_id, local = provider.chain_id, provider.chain_id == LOCAL_CHAIN_ID
    for option, value in {"--account": alias, "--owner": owner, "--registrar": registrar, "--euro": euro}.items():
        if value is None and not local:
            raise click.UsageError(f"{option} is missing; only a local chain has a default for it")
    if local and euro is not None:
        raise click.UsageError("--euro is for public chains; a local chain gets a test euro, so leave the option out")
    if not 1 <= len(issuer) <= 64:
        raise click.UsageError(f"--issuer has {len(issuer)} characters; write 1 to 64")
    try:
        account = ape.accounts.load(alias) if alias else ape.accounts.test_accounts[0]
    except KeyError:
        raise click.UsageError(f"ape has no account '{alias}'; `ape accounts list` shows those it has") from None
    if yes and alias:
        account.set_autosign(True)
    try:
        ledger = Ledger(path or Path("deployments") / f"{chain_id}.json", chain_id)
        deployer = Deployer(account, ledger)
        euro_decimals = deployer.prepare_euro(euro)
        settings = Settings(
            owner=owner or account.address,
            registrar=registrar or ape.accounts.test_accounts[LOCAL_REGISTRAR].address,
            price=price or NOMINAL_PRICE * 10**euro_decimals,
            min_stake=min_stake * 10**18,
            issuer=issuer,
            energy_per_net8=energy,
            daily_cap=daily_cap * 10**18,
            coverage_floor=round(coverage_floor * 10_000),
        )
        deployer.deploy_all(settings)
    except (DeploymentRefused, LedgerUnreadable) as refused:
        raise click.ClickException(str(refused)) from None
    click.echo(f"{ledger.path}: {len(ledger.contracts)} contracts on chain {chain_id}, owner {settings.owner}")
    for contract in deployer.awaiting_acceptance(settings.owner):
        click.echo(f"{contract} is {settings.owner}'s once that account calls accept_ownership()")
