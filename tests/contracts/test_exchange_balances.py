"""Prepaid balances: how NET8 comes in, and that only a site's owner takes it out."""

import boa
import pytest

from tests.contracts.entries import packed
from tests.contracts.model import Entry, Limits, Reading, Wanted
from tests.contracts.signing import PERMIT, domain, person
from tests.contracts.street import GRAIN, NET8, Street, events, limits_tuple, terms_tuple


def permit(street, owner, amount, deadline):
    """(v, r, s) of an EIP-2612 permit for the exchange."""
    message = {
        "owner": owner.address,
        "spender": street.exchange.address,
        "value": amount,
        "nonce": street.token.nonces(owner.address),
        "deadline": deadline,
    }
    signed = owner.sign_typed_data(domain("NET8", street.token), PERMIT, message)
    return signed.v, signed.r.to_bytes(32), signed.s.to_bytes(32)


def test_deposit__by_the_owner__free_at_once(street, seller):
    before, held = street.free(seller), street.held()
    street.fund(seller, 5 * NET8)
    assert events(street.exchange, "Deposited")[0] == (seller, person("seller").address, 5 * NET8)
    assert street.free(seller) == before + 5 * NET8
    assert street.held() == held + 5 * NET8


def test_deposit__by_anybody_with_an_allowance__credited_to_the_site(street, seller):
    before = street.free(seller)
    street.give(street.attacker.address, 7)
    street.exchange.deposit(seller, 7 * GRAIN, sender=street.attacker.address)
    assert street.free(seller) == before + 7


def test_deposit__part_of_a_grain__refused(street, seller):
    with boa.reverts("amount: not whole grains"):
        street.exchange.deposit(seller, GRAIN + 1, sender=person("seller").address)


def test_deposit__nothing__refused(street, seller):
    with boa.reverts("amount: zero"):
        street.exchange.deposit(seller, 0, sender=person("seller").address)


def test_deposit__unknown_site__refused(street, seller):
    street.give(person("seller").address, 1)
    with boa.reverts("site: unknown"):
        street.exchange.deposit(seller + 100, GRAIN, sender=person("seller").address)


def test_deposit__without_allowance__refused_and_nothing_credited(street, seller):
    before = street.free(seller)
    with pytest.raises(boa.BoaError):
        street.exchange.deposit(seller, GRAIN, sender=street.attacker.address)
    assert street.free(seller) == before


def test_deposit_with_permit__signed__one_transaction(street, seller):
    owner = person("seller")
    street.mint(owner.address, 3 * GRAIN)
    street.token.approve(street.exchange, 0, sender=owner.address)
    before = street.free(seller)
    signature = permit(street, owner, 3 * GRAIN, street.now)
    street.exchange.deposit_with_permit(seller, 3 * GRAIN, street.now, *signature, sender=owner.address)
    assert street.free(seller) == before + 3


def test_deposit_with_permit__permit_already_used_by_a_front_runner__still_deposits(street, seller):
    owner = person("seller")
    street.mint(owner.address, 3 * GRAIN)
    street.token.approve(street.exchange, 0, sender=owner.address)
    before = street.free(seller)
    v, r, s = permit(street, owner, 3 * GRAIN, street.now)
    street.token.permit(owner.address, street.exchange, 3 * GRAIN, street.now, v, r, s, sender=street.attacker.address)
    street.exchange.deposit_with_permit(seller, 3 * GRAIN, street.now, v, r, s, sender=owner.address)
    assert street.free(seller) == before + 3


def test_deposit_with_permit__not_signed_by_the_caller__nothing_moves(street, seller):
    street.mint(person("seller").address, 3 * GRAIN)
    street.token.approve(street.exchange, 0, sender=person("seller").address)
    held, free = street.held(), street.free(seller)
    signature = permit(street, person("seller"), 3 * GRAIN, street.now)
    with pytest.raises(boa.BoaError):
        street.exchange.deposit_with_permit(seller, 3 * GRAIN, street.now, *signature, sender=street.attacker.address)
    assert (street.held(), street.free(seller)) == (held, free)


def test_withdraw__by_the_owner__paid_to_the_receiver(street, seller):
    receiver, before = person("savings").address, street.free(seller)
    street.exchange.withdraw(seller, 4 * GRAIN, receiver, sender=person("seller").address)
    assert events(street.exchange, "Withdrawn")[0] == (seller, receiver, 4)
    assert street.token.balanceOf(receiver) == 4 * GRAIN
    assert street.free(seller) == before - 4


def test_withdraw__everything__balance_is_zero(street, seller):
    street.exchange.withdraw(seller, street.free(seller) * GRAIN, street.owner, sender=person("seller").address)
    assert street.free(seller) == 0


def test_withdraw__more_than_free__refused(street, seller):
    with boa.reverts("balance: too low"):
        street.exchange.withdraw(
            seller, (street.free(seller) + 1) * GRAIN, street.owner, sender=person("seller").address
        )


def test_withdraw__what_an_order_locks__refused(street, seller, slot):
    street.sell(seller, slot, 1000, 10)
    everything = 1_000 * NET8
    with boa.reverts("balance: too low"):
        street.exchange.withdraw(seller, everything * GRAIN, street.owner, sender=person("seller").address)


def test_withdraw__not_the_owner__refused(street, seller):
    with boa.reverts("site: not yours"):
        street.exchange.withdraw(seller, GRAIN, street.attacker.address, sender=street.attacker.address)


def test_withdraw__by_the_grid_operator__refused(street, seller):
    with boa.reverts("site: not yours"):
        street.exchange.withdraw(seller, GRAIN, street.owner, sender=street.grid_operator.address)


def test_withdraw__by_an_agent_with_all_limits__refused(street, seller):
    limits = Limits(2**16 - 1, 0, 2**40 - 1, 2**64 - 1, 0, 2**32 - 1, 2**40 - 1)
    street.desk.set_agent(seller, street.attacker.address, limits_tuple(limits), sender=person("seller").address)
    with boa.reverts("site: not yours"):
        street.exchange.withdraw(seller, GRAIN, street.attacker.address, sender=street.attacker.address)


def test_withdraw__unknown_site__refused(street, seller):
    with boa.reverts("site: not yours"):
        street.exchange.withdraw(seller + 100, GRAIN, street.owner, sender=street.owner)


@pytest.mark.parametrize("amount", [GRAIN + 1, GRAIN - 1, 1])
def test_withdraw__part_of_a_grain__refused(street, seller, amount):
    with boa.reverts("amount: not whole grains"):
        street.exchange.withdraw(seller, amount, street.owner, sender=person("seller").address)


def test_withdraw__nothing__refused(street, seller):
    with boa.reverts("amount: zero"):
        street.exchange.withdraw(seller, 0, street.owner, sender=person("seller").address)


def test_withdraw__to_nobody__refused(street, seller):
    with boa.reverts("vault: bad receiver"):
        street.exchange.withdraw(seller, GRAIN, "0x" + "00" * 20, sender=person("seller").address)


def test_withdraw__to_the_exchange_itself__refused(street, seller):
    with boa.reverts("vault: bad receiver"):
        street.exchange.withdraw(seller, GRAIN, street.exchange, sender=person("seller").address)


MEAN_TOKEN = """
# pragma version 0.4.3
willing: public(bool)

@external
def set_willing(willing: bool):
    self.willing = willing

@external
def transfer(to: address, amount: uint256) -> bool:
    return self.willing

@external
def transferFrom(payer: address, to: address, amount: uint256) -> bool:
    return self.willing
"""


def test_vault__token_says_false__nothing_is_credited_or_paid(street, deploy, terms):
    token = boa.loads(MEAN_TOKEN)
    grid = deploy("GridRegistry")
    exchange = deploy("EnergyExchange", token, grid)
    grid.connect(exchange, street.registry, street.desk, sender=street.owner)
    zone = grid.create_zone(street.grid_operator.address, terms_tuple(terms), 24, sender=street.owner)
    other = Street(token, grid, exchange, street.lens, street.registry, street.desk, street.owner, street.mint)
    site = other.connect(person("seller"), zone=zone)
    with boa.reverts("vault: transfer failed"):
        exchange.deposit(site, GRAIN, sender=person("seller").address)
    token.set_willing(True)
    exchange.deposit(site, GRAIN, sender=person("seller").address)
    with boa.reverts("balance: too high"):
        exchange.deposit(site, 2**64 * GRAIN, sender=person("seller").address)
    token.set_willing(False)
    with boa.reverts("vault: transfer failed"):
        exchange.withdraw(site, GRAIN, street.owner, sender=person("seller").address)
    assert exchange.free_balance(site) == 1


def test_exchange__without_a_token__not_deployable(street, deploy):
    with boa.reverts("vault: no token"):
        deploy("EnergyExchange", "0x" + "00" * 20, street.grid)


def test_token__is_the_one_deployed_with(street):
    assert street.exchange.token() == street.token.address


# ---- the desk -------------------------------------------------------------------------------------------------------


def test_withdraw__by_the_desk__refused(street, seller):
    with boa.reverts("site: not yours"):
        street.exchange.withdraw(seller, GRAIN, street.desk, sender=street.desk.address)


def test_charge__by_the_desk__moved_to_its_account(street, seller):
    free, held = street.free(seller), street.held()
    street.exchange.charge(seller, 500, sender=street.desk.address)
    assert events(street.exchange, "Charged") == [(seller, 500)]
    assert (street.free(seller), street.free(0), street.held()) == (free - 500, 500, held)


def test_charge__not_the_desk__refused(street, seller):
    for sender in (street.attacker.address, person("seller").address, street.owner, street.grid.address):
        with boa.reverts("exchange: only the desk"):
            street.exchange.charge(seller, 1, sender=sender)


@pytest.mark.parametrize(
    ("grains", "reason"),
    [
        (1_000 * NET8 + 1, "balance: too low"),
        (2**64, "balance: too low"),
        (2**256 - 5, "balance: too low"),  # what the desk has would wrap around
    ],
)
def test_charge__more_than_is_free__refused_and_nothing_moves(street, seller, grains, reason):
    free = street.free(seller)
    street.exchange.deposit(0, 10 * GRAIN, sender=street.rich())
    with boa.reverts(reason):
        street.exchange.charge(seller, grains, sender=street.desk.address)
    assert (street.free(seller), street.free(0)) == (free, 10)


def test_charge__unknown_site__refused(street, seller):
    with boa.reverts("balance: too low"):
        street.exchange.charge(seller + 100, 1, sender=street.desk.address)


def test_charge__everything_but_what_orders_lock__locks_stay(street, seller, slot):
    order = street.sell(seller, slot, 1000, 10)
    with boa.reverts("balance: too low"):
        street.exchange.charge(seller, street.free(seller) + 1, sender=street.desk.address)
    street.exchange.charge(seller, street.free(seller), sender=street.desk.address)
    assert (street.free(seller), street.lens.order_lock(order)) == (0, 10 * 2000)


def test_account_0__is_the_desks__only_it_withdraws(street, seller):
    assert street.exchange.owner_of(0) == street.desk.address
    street.exchange.charge(seller, 7, sender=street.desk.address)
    for sender in (street.attacker.address, street.owner, street.grid.address, street.registry.address):
        with boa.reverts("site: not yours"):
            street.exchange.withdraw(0, 7 * GRAIN, sender, sender=sender)
    receiver = person("relayer").address
    street.exchange.withdraw(0, 7 * GRAIN, receiver, sender=street.desk.address)
    assert street.token.balanceOf(receiver) == 7 * GRAIN
    assert street.free(0) == 0


def test_account_0__anybody_may_deposit__and_it_trades_nowhere(street, slot):
    street.exchange.deposit(0, 1_000 * NET8 * GRAIN, sender=street.rich())
    assert street.free(0) == 1_000 * NET8
    with boa.reverts("terms: not fixed yet"):
        street.place(0, Wanted(slot, True, 1000, 10), sender=street.desk.address)


def test_account_0__in_a_report__no_zone_to_settle_in(street, slot):
    street.end(slot)
    words = packed([Entry(0, slot // 4, {0: Reading(0, 0)}).word()])
    assert street.exchange.settle(0, words, sender=street.registry.address) == 0
    assert events(street.exchange, "Settled") == []
