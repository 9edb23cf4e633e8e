"""The balancing pool and the fees of a zone: where they come from, and who may take them out, when."""

import boa
import pytest

from tests.contracts.model import POOL_DELAY, POOL_WINDOW, REPORT_TIMEOUT, SLOT, Entry, Reading
from tests.contracts.signing import person
from tests.contracts.street import GRAIN, NET8, events

FEED_IN, FEE, ORACLE_FEE, PRICE = 80, 100, 10, 1000


@pytest.fixture
def patron(street):
    return street.rich()


@pytest.fixture
def fund(street, patron):
    def fund(grains):
        street.exchange.fund_pool(street.zone, grains * GRAIN, sender=patron)

    return fund


@pytest.fixture
def request_withdrawal(street):
    def request_withdrawal(grains, sender=None):
        street.grid.request_pool_withdrawal(street.zone, grains, sender=sender or street.grid_operator.address)

    return request_withdrawal


@pytest.fixture
def withdraw(street):
    def withdraw(receiver=None, sender=None):
        return street.grid.withdraw_pool(
            street.zone, receiver or person("utility").address, sender=sender or street.grid_operator.address
        )

    return withdraw


def test_fund_pool__by_anyone__in_the_pool(street, patron, fund):
    held = street.held()
    fund(NET8)
    assert events(street.exchange, "PoolFunded") == [(street.zone, patron, NET8)]
    assert street.pool() == NET8
    assert street.held() == held + NET8


def test_fund_pool__unknown_zone__refused(street, patron):
    with boa.reverts("zone: unknown"):
        street.exchange.fund_pool(99, GRAIN, sender=patron)


@pytest.mark.parametrize(("amount", "reason"), [(0, "amount: zero"), (GRAIN + 1, "amount: not whole grains")])
def test_fund_pool__not_an_amount__refused(street, patron, amount, reason):
    with boa.reverts(reason):
        street.exchange.fund_pool(street.zone, amount, sender=patron)


def test_withdraw_pool__after_the_delay__paid(street, fund, request_withdrawal, withdraw):
    fund(NET8)
    request_withdrawal(NET8 // 4)
    ready_at = street.now + POOL_DELAY
    assert events(street.grid, "PoolWithdrawalRequested") == [(street.zone, NET8 // 4, ready_at)]
    street.go_to(ready_at)
    before = street.token.balanceOf(person("utility").address)
    assert withdraw() == NET8 // 4
    assert events(street.grid, "PaidOut") == [(street.zone, person("utility").address, 0, NET8 // 4)]
    assert street.token.balanceOf(person("utility").address) == before + NET8 // 4 * GRAIN
    assert street.pool() == NET8 - NET8 // 4


def test_withdraw_pool__a_second_before__refused(street, fund, request_withdrawal, withdraw):
    fund(NET8)
    request_withdrawal(NET8)
    street.go_to(street.now + POOL_DELAY - 1)
    with boa.reverts("pool: delay not over"):
        withdraw()


def test_withdraw_pool__delay__longer_than_a_report_may_take():
    assert POOL_DELAY > 2 * REPORT_TIMEOUT * SLOT


def test_withdraw_pool__second_time__refused(street, fund, request_withdrawal, withdraw):
    fund(NET8)
    request_withdrawal(NET8 // 2)
    street.go_to(street.now + POOL_DELAY)
    withdraw()
    with boa.reverts("pool: nothing requested"):
        withdraw()


def test_withdraw_pool__last_second_of_its_window__paid(street, fund, request_withdrawal, withdraw):
    fund(NET8)
    request_withdrawal(NET8)
    street.go_to(street.now + POOL_DELAY + POOL_WINDOW - 1)
    assert withdraw() == NET8


def test_withdraw_pool__after_its_window__refused_until_announced_again(street, fund, request_withdrawal, withdraw):
    fund(NET8)
    request_withdrawal(NET8)
    street.go_to(street.now + POOL_DELAY + POOL_WINDOW)
    with boa.reverts("pool: announced too long ago"):
        withdraw()
    request_withdrawal(NET8)
    street.go_to(street.now + POOL_DELAY)
    assert withdraw() == NET8


def test_withdraw_pool__money_that_came_after_the_announcement__stays(street, fund, request_withdrawal, withdraw):
    fund(1)
    request_withdrawal(1)
    fund(NET8)
    street.go_to(street.now + POOL_DELAY)
    assert withdraw() == 1
    assert street.pool() == NET8


def test_withdraw_pool__asked_again__delay_starts_again(street, fund, request_withdrawal, withdraw):
    fund(NET8)
    request_withdrawal(1)
    street.go_to(street.now + POOL_DELAY - 1)
    request_withdrawal(NET8)
    street.go_to(street.now + 1)
    with boa.reverts("pool: delay not over"):
        withdraw()


def test_withdraw_pool__while_waiting__pool_still_pays_for_unused_energy(
    street, seller, buyer, slot, fund, request_withdrawal
):
    fund(100 * FEED_IN)
    request_withdrawal(100 * FEED_IN)
    street.trade(seller, buyer, slot, PRICE, 100)
    street.end(slot)
    before = street.free(buyer)
    street.report(Entry(buyer, slot // 4, {0: Reading(0, 0)}))
    assert street.free(buyer) == before + 100 * FEED_IN
    assert street.pool() == 0


def test_withdraw_pool__not_the_grid_operator__refused(street, fund, request_withdrawal, withdraw):
    fund(NET8)
    with boa.reverts("zone: not its operator"):
        request_withdrawal(1, sender=street.attacker.address)
    request_withdrawal(1)
    street.go_to(street.now + POOL_DELAY)
    with boa.reverts("zone: not its operator"):
        withdraw(sender=street.owner)


def test_request_pool_withdrawal__nothing__refused(request_withdrawal):
    with boa.reverts("amount: zero"):
        request_withdrawal(0)


def test_request_pool_withdrawal__a_grain_more_than_it_holds__refused(street, fund, request_withdrawal):
    fund(NET8)
    with boa.reverts("pool: holds less"):
        request_withdrawal(NET8 + 1)
    request_withdrawal(NET8)
    assert street.grid.pool_requests(street.zone).grains == NET8


@pytest.fixture
def fees(street, seller, buyer, slot):
    """100 Wh bought and settled: 9,000 grains for the grid operator, 1,000 for the oracles."""
    street.trade(seller, buyer, slot, PRICE, 100)
    street.end(slot)
    street.report(Entry(buyer, slot // 4, {0: Reading(0, 100)}))
    return 100 * (FEE - ORACLE_FEE)


def test_withdraw_fees__collected__paid_to_the_operators_receiver(street, fees):
    receiver = person("utility").address
    before = street.token.balanceOf(receiver)
    assert street.grid.withdraw_fees(street.zone, receiver, sender=street.grid_operator.address) == fees
    assert events(street.grid, "PaidOut") == [(street.zone, receiver, 1, fees)]
    assert street.token.balanceOf(receiver) == before + fees * GRAIN
    assert street.exchange.zone_account(street.zone) == (0, 0, 100 * ORACLE_FEE)


def test_withdraw_fees__none_collected__refused(street):
    with boa.reverts("zone: nothing to pay"):
        street.grid.withdraw_fees(street.zone, street.owner, sender=street.grid_operator.address)


def test_withdraw_fees__not_the_grid_operator__refused(street, fees):
    with boa.reverts("zone: not its operator"):
        street.grid.withdraw_fees(street.zone, street.attacker.address, sender=street.attacker.address)


def test_withdraw_fees__to_nobody__refused(street, fees):
    with boa.reverts("vault: bad receiver"):
        street.grid.withdraw_fees(street.zone, "0x" + "00" * 20, sender=street.grid_operator.address)


def test_withdraw_pool__spent_since_on_unused_energy__request_stands_until_there_is_money(
    street, seller, buyer, slot, fund, request_withdrawal, withdraw
):
    fund(100 * FEED_IN)
    request_withdrawal(100 * FEED_IN)
    street.trade(seller, buyer, slot, PRICE, 100)
    street.end(slot)
    street.report(Entry(buyer, slot // 4, {0: Reading(0, 0)}))
    street.go_to(street.grid.pool_requests(street.zone).ready_at)
    with boa.reverts("zone: nothing to pay"):
        withdraw()
    assert street.grid.pool_requests(street.zone).grains == 100 * FEED_IN
    fund(1)
    assert withdraw() == 1
    assert street.grid.pool_requests(street.zone).grains == 0


def test_withdraw_pool__to_nobody__refused_and_request_stands(street, fund, request_withdrawal, withdraw):
    fund(NET8)
    request_withdrawal(NET8)
    street.go_to(street.now + POOL_DELAY)
    with boa.reverts("vault: bad receiver"):
        withdraw(receiver="0x" + "00" * 20)
    assert withdraw() == NET8


def test_withdraw_pool__never_touches_fees(street, fees, fund, request_withdrawal, withdraw):
    fund(5)
    request_withdrawal(5)
    street.go_to(street.now + POOL_DELAY)
    assert withdraw() == 5
    assert street.exchange.zone_account(street.zone) == (0, fees, 100 * ORACLE_FEE)


def test_withdraw_fees__never_touches_the_pool(street, fees, fund):
    fund(5)
    assert street.grid.withdraw_fees(street.zone, street.owner, sender=street.grid_operator.address) == fees
    assert street.exchange.zone_account(street.zone) == (5, 0, 100 * ORACLE_FEE)


def test_pay_out__past_the_grid_registry__refused(street, fees):
    for sender in (street.attacker.address, street.owner, street.grid_operator.address, street.desk.address):
        with boa.reverts("exchange: only the grid registry"):
            street.exchange.pay_out(street.zone, 1, fees, sender, sender=sender)
