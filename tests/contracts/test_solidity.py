"""What contracts written in Solidity can do here: own a site by ERC-1271, collect certificates by ERC-1155."""

from collections.abc import Callable
from typing import Any, NamedTuple

import boa
import pytest
from eth_account.signers.local import LocalAccount
from net8 import abi

from scripts.solidity import SOURCES, interface_of
from tests.contracts.conftest import CONFIGURATION, HOUR, LOCATION, NET8, Mint, NewSite, Report
from tests.contracts.entries import entry
from tests.contracts.signing import person
from tests.contracts.solidity_build import CONTRACTS, INTERFACES, Built, compile_solidity

WH = 4_000


class ContractOwner(NamedTuple):
    """A contract wallet in the place of a person: the address is its own, the signature its keeper's."""

    address: str
    sign_typed_data: Callable[..., Any]


@pytest.fixture(scope="session")
def compiled() -> dict[str, Built]:
    return compile_solidity([*INTERFACES.glob("*.sol"), *CONTRACTS.glob("*.sol")])


@pytest.fixture(scope="session")
def keeper() -> LocalAccount:
    return person("keeper")


@pytest.fixture
def wallet(compiled: dict[str, Built], exchange: Any, keeper: LocalAccount) -> Any:
    return compiled["SiteWallet"].deploy(keeper.address, exchange.address)


@pytest.fixture
def vault(compiled: dict[str, Built], certificates: Any) -> Any:
    return compiled["CertificateVault"].deploy(certificates.address)


@pytest.fixture
def site(wallet: Any, keeper: LocalAccount, new_site: NewSite) -> int:
    """A solar roof whose owner is the wallet."""
    return new_site(ContractOwner(wallet.address, keeper.sign_typed_data))


def as_wallet(wallet: Any, keeper: LocalAccount, function: Any, *arguments: Any) -> None:
    """Let the wallet call a function of one of our contracts."""
    wallet.execute(function.contract.address, function.prepare_calldata(*arguments), sender=keeper.address)


# ---- interfaces


def test_interfaces__every_deployable_contract__has_one():
    assert {path.stem for path in INTERFACES.glob("*.sol")} == {f"I{source.stem}" for source in SOURCES}


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)
def test_interface__file__is_what_the_contract_gives(source):
    assert (INTERFACES / f"I{source.stem}.sol").read_text(encoding="utf-8") == interface_of(source), "run `make abi`"


def shapes(entries: list[dict[str, Any]]) -> set[str]:
    """Functions and events of an ABI without the names of their arguments, which say nothing to the machine."""

    def shape(argument: dict[str, Any]) -> tuple[Any, ...]:
        return argument["type"], *map(shape, argument.get("components") or []), bool(argument.get("indexed"))

    return {
        repr(
            (
                part["type"],
                part["name"],
                part.get("stateMutability"),
                [*map(shape, part.get("inputs") or [])],
                [*map(shape, part.get("outputs") or [])],
            )
        )
        for part in entries
        if part["type"] in ("function", "event")
    }


@pytest.mark.parametrize("name", [source.stem for source in SOURCES])
def test_interface__compiled_by_solidity__has_the_contracts_own_abi(compiled, name):
    assert shapes(compiled[f"I{name}"].abi) == shapes(abi.raw(name))


# ---- a wallet that owns a site


def test_register_site__signed_by_the_wallets_keeper__wallet_owns_it(grid, wallet, site):
    assert grid.site(site).owner == wallet.address


def test_register_site__signed_by_somebody_else__refused(wallet, attacker, new_site):
    with boa.reverts("site: consent not signed"):
        new_site(ContractOwner(wallet.address, attacker.sign_typed_data))


def test_deposit_and_withdraw__by_the_wallet__its_money_comes_and_goes(
    exchange, token, mint: Mint, wallet, keeper, site
):
    mint(wallet.address, 5 * NET8)
    wallet.topUp(site, 5 * NET8, sender=keeper.address)
    assert token.balanceOf(wallet) == 0
    assert exchange.free_balance(site) == 5 * 10**7
    as_wallet(wallet, keeper, exchange.withdraw, site, 2 * NET8, keeper.address)
    assert token.balanceOf(keeper.address) == 2 * NET8
    assert exchange.free_balance(site) == 3 * 10**7


def test_withdraw__by_the_keeper_past_his_wallet__refused(exchange, mint: Mint, wallet, keeper, site):
    mint(wallet.address, NET8)
    wallet.topUp(site, NET8, sender=keeper.address)
    with boa.reverts("site: not yours"):
        exchange.withdraw(site, NET8, keeper.address, sender=keeper.address)


# ---- a contract that collects certificates


@pytest.fixture
def produced(certificates: Any, registrar: str, site: int, report: Report) -> int:
    """The wallet's site, admitted to certificates, has exported in the hour."""
    certificates.admit(site, LOCATION, CONFIGURATION, sender=registrar)
    boa.env.evm.patch.timestamp = (HOUR + 1) * 3600
    assert report([entry(site, HOUR, {0: WH})]) == 1
    return HOUR


def test_mint__by_the_wallet_into_the_vault__vault_holds_and_counts_it(
    certificates, wallet, keeper, vault, site, produced
):
    as_wallet(wallet, keeper, certificates.mint, site, produced, 1, vault.address)
    identifier = site << 32 | produced
    assert vault.received(identifier) == vault.held(identifier) == certificates.totals_of(identifier).issued == WH


def test_transfer__into_the_vault__accepted(certificates, wallet, keeper, vault, site, produced, grid_operator):
    as_wallet(wallet, keeper, certificates.mint, site, produced, 1, grid_operator.address)
    identifier, sender = site << 32 | produced, grid_operator.address
    certificates.safeTransferFrom(sender, vault, identifier, WH - 1, b"", sender=sender)
    certificates.safeBatchTransferFrom(sender, vault, [identifier], [1], b"", sender=sender)
    assert vault.received(identifier) == vault.held(identifier) == WH


def test_transfer__into_a_contract_without_receiver__refused(
    certificates, wallet, keeper, site, produced, grid_operator
):
    as_wallet(wallet, keeper, certificates.mint, site, produced, 1, grid_operator.address)
    sender = grid_operator.address
    with pytest.raises(boa.BoaError):
        certificates.safeTransferFrom(sender, wallet, site << 32 | produced, 1, b"", sender=sender)
    assert certificates.balanceOf(sender, site << 32 | produced) == WH
