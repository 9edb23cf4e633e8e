"""NET8: a plain ERC-20 with permit, and one minter for ever."""

from typing import Any

import boa
import pytest
from eth_account.signers.local import LocalAccount

from tests.contracts.conftest import NET8, START, Deploy
from tests.contracts.signing import PERMIT, domain, person

NOBODY = "0x" + "00" * 20


@pytest.fixture
def unwired(deploy: Deploy) -> Any:
    """NET8 as it is between its deployment and `set_minter`."""
    return deploy("NET8")


@pytest.fixture
def holder(token: Any, reserve: Any) -> LocalAccount:
    """Has 10 NET8, all there are."""
    account = person("holder")
    token.mint(account.address, 10 * NET8, sender=reserve.address)
    return account


@pytest.fixture
def receiver() -> str:
    return person("receiver").address


def permit(token: Any, holder: LocalAccount, spender: str, wei: int, deadline: int, nonce: int = 0) -> tuple[Any, ...]:
    """Arguments of `permit`, signed."""
    message = {"owner": holder.address, "spender": spender, "value": wei, "nonce": nonce, "deadline": deadline}
    signed = holder.sign_typed_data(domain("NET8", token), PERMIT, message)
    return holder.address, spender, wei, deadline, signed.v, signed.r.to_bytes(32), signed.s.to_bytes(32)


def test_metadata__deployed__is_net8_with_18_decimals(unwired):
    assert (unwired.name(), unwired.symbol(), unwired.decimals()) == ("NET8", "NET8", 18)
    assert unwired.totalSupply() == 0


def test_eip712_domain__deployed__names_token_chain_and_address(unwired):
    _, name, version, chain_id, contract, _, _ = unwired.eip712Domain()
    assert (name, version, chain_id, contract) == ("NET8", "1", boa.env.evm.patch.chain_id, unwired.address)


def test_surface__abi__has_neither_minter_list_nor_transferable_owner(unwired):
    functions = {entry["name"] for entry in unwired.abi if entry["type"] == "function"}
    assert functions == {
        *("totalSupply", "balanceOf", "allowance", "transfer", "transferFrom", "approve"),
        *("name", "symbol", "decimals", "permit", "nonces", "DOMAIN_SEPARATOR", "eip712Domain"),
        *("burn", "burn_from", "owner", "minter", "set_minter", "mint"),
    }


# ---- who mints


def test_mint__before_wiring__refused_to_everyone(unwired, owner, attacker):
    for caller in (owner, attacker.address):
        with boa.reverts("mint: not the minter"):
            unwired.mint(caller, NET8, sender=caller)


def test_deploy__module_made_the_deployer_a_minter__taken_back(unwired, owner):
    assert unwired.eval(f"erc20.is_minter[{owner}]") is False


def test_mint__zero_address_before_wiring__refused(unwired):
    """The minter is the zero address then; nobody can call from it but a simulation."""
    with boa.reverts("erc20: mint to the zero address"):
        unwired.mint(NOBODY, NET8, sender=NOBODY)


def test_mint__anyone_but_the_reserve__refused(token, reserve, owner, attacker):
    for caller in (owner, attacker.address):
        with boa.reverts("mint: not the minter"):
            token.mint(caller, NET8, sender=caller)


def test_mint__reserve__creates(token, reserve, receiver):
    token.mint(receiver, NET8, sender=reserve.address)
    assert token.balanceOf(receiver) == token.totalSupply() == NET8


def test_mint__beyond_the_integers__refused(token, reserve, receiver):
    token.mint(receiver, 2**256 - 1, sender=reserve.address)
    with boa.reverts():
        token.mint(receiver, 1, sender=reserve.address)


def test_set_minter__owner__names_it_and_gives_ownership_up(unwired, euro, owner):
    unwired.set_minter(euro, sender=owner)
    assert unwired.minter() == euro.address
    assert unwired.owner() == NOBODY


def test_set_minter__second_time__refused(unwired, euro, owner):
    unwired.set_minter(euro, sender=owner)
    with boa.reverts("ownable: caller is not the owner"):
        unwired.set_minter(unwired, sender=owner)


def test_set_minter__not_the_owner__refused(unwired, euro, attacker):
    with boa.reverts("ownable: caller is not the owner"):
        unwired.set_minter(euro, sender=attacker.address)


@pytest.mark.parametrize("minter", [NOBODY, person("somebody").address])
def test_set_minter__no_contract_there__refused(unwired, owner, minter):
    with boa.reverts("minter: not a contract"):
        unwired.set_minter(minter, sender=owner)


def test_log__deployed_and_wired__ends_with_no_minter_in_the_modules_list(deploy, owner, euro):
    token = deploy("NET8")
    changes = [entry for entry in token.get_logs() if type(entry).__name__ == "RoleMinterChanged"]
    assert [(entry.minter, entry.status) for entry in changes] == [(owner, True), (owner, False)]


# ---- moving and destroying


def test_transfer__holder__moves_exactly_the_amount(token, holder, receiver):
    assert token.transfer(receiver, 3 * NET8, sender=holder.address)
    assert (token.balanceOf(holder.address), token.balanceOf(receiver)) == (7 * NET8, 3 * NET8)


def test_transfer__more_than_held__refused(token, holder, receiver):
    with boa.reverts("erc20: transfer amount exceeds balance"):
        token.transfer(receiver, 11 * NET8, sender=holder.address)


def test_transfer__to_nobody__refused(token, holder):
    with boa.reverts("erc20: transfer to the zero address"):
        token.transfer(NOBODY, 1, sender=holder.address)


def test_transfer_from__within_allowance__spends_it(token, holder, receiver, attacker):
    token.approve(attacker.address, 2 * NET8, sender=holder.address)
    assert token.transferFrom(holder.address, receiver, NET8, sender=attacker.address)
    assert token.allowance(holder.address, attacker.address) == NET8


def test_transfer_from__beyond_allowance__refused(token, holder, attacker):
    with boa.reverts("erc20: insufficient allowance"):
        token.transferFrom(holder.address, attacker.address, 1, sender=attacker.address)


def test_burn__holder__lowers_supply(token, holder):
    token.burn(4 * NET8, sender=holder.address)
    assert token.balanceOf(holder.address) == token.totalSupply() == 6 * NET8


def test_burn__more_than_held__refused(token, holder):
    with boa.reverts("erc20: burn amount exceeds balance"):
        token.burn(11 * NET8, sender=holder.address)


def test_burn_from__within_allowance__lowers_supply(token, holder, receiver):
    token.approve(receiver, NET8, sender=holder.address)
    token.burn_from(holder.address, NET8, sender=receiver)
    assert token.totalSupply() == 9 * NET8
    assert token.allowance(holder.address, receiver) == 0


def test_burn_from__without_allowance__refused_even_to_the_minter(token, reserve, holder):
    with boa.reverts("erc20: insufficient allowance"):
        token.burn_from(holder.address, 1, sender=reserve.address)


# ---- permit


def test_permit__signed_by_holder__allows_and_counts_the_nonce(token, holder, receiver, attacker):
    token.permit(*permit(token, holder, receiver, NET8, START), sender=attacker.address)
    assert token.allowance(holder.address, receiver) == NET8
    assert token.nonces(holder.address) == 1


def test_permit__used_twice__refused(token, holder, receiver):
    arguments = permit(token, holder, receiver, NET8, START)
    token.permit(*arguments)
    with boa.reverts("erc20: invalid signature"):
        token.permit(*arguments)


def test_permit__too_late__refused(token, holder, receiver):
    with boa.reverts("erc20: expired deadline"):
        token.permit(*permit(token, holder, receiver, NET8, START - 1))


def test_permit__signed_by_another__refused(token, holder, attacker):
    _, spender, wei, deadline, v, r, s = permit(token, attacker, attacker.address, NET8, START)
    with boa.reverts("erc20: invalid signature"):
        token.permit(holder.address, spender, wei, deadline, v, r, s)


def test_permit__signed_for_another_token__refused(token, unwired, holder, receiver):
    with boa.reverts("erc20: invalid signature"):
        token.permit(*permit(unwired, holder, receiver, NET8, START))


def test_permit__chain_forked__needs_a_signature_for_the_new_chain(token, holder, receiver):
    arguments = permit(token, holder, receiver, NET8, START)
    boa.env.evm.patch.chain_id = 999
    with boa.reverts("erc20: invalid signature"):
        token.permit(*arguments)
    token.permit(*permit(token, holder, receiver, NET8, START))
    assert token.allowance(holder.address, receiver) == NET8
