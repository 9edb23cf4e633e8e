"""The guardian's stop: nothing new is traded for a while, and whatever gets people out goes on."""

import boa
import pytest

from tests.contracts.model import (
    IMMEDIATE_OR_CANCEL,
    MAX_STOP,
    REPORT_TIMEOUT,
    STOP_PAUSE,
    Entry,
    Pair,
    Reading,
    Wanted,
)
from tests.contracts.signing import person
from tests.contracts.street import GRAIN, events

NOBODY = "0x" + "00" * 20


@pytest.fixture(scope="module")
def guardian(street):
    street.grid.set_guardian(person("guardian").address, sender=street.owner)
    return person("guardian").address


@pytest.fixture
def stop(street, guardian):
    """stop(seconds): by the guardian unless somebody else is named."""

    def stop(seconds=3600, sender=None):
        street.grid.stop_orders(seconds, sender=sender or guardian)

    return stop


def test_set_guardian__by_the_owner__readable(street):
    street.grid.set_guardian(person("guardian").address, sender=street.owner)
    assert events(street.grid, "GuardianSet") == [(person("guardian").address,)]
    assert street.grid.guardian() == person("guardian").address


def test_set_guardian__not_the_owner__refused(street, guardian):
    for sender in (guardian, street.attacker.address, street.grid_operator.address):
        with boa.reverts("ownable: caller is not the owner"):
            street.grid.set_guardian(sender, sender=sender)


@pytest.mark.parametrize("seconds", [1, 3600, MAX_STOP])
def test_stop_orders__by_the_guardian__both_contracts_say_until_when(street, stop, seconds):
    stop(seconds)
    assert events(street.grid, "OrdersStopped") == [(street.now + seconds,)]
    assert street.exchange.stopped_until() == street.grid.stopped_until() == street.now + seconds


def test_stop_orders__not_the_guardian__refused(street, stop):
    for sender in (street.attacker.address, street.owner, street.grid_operator.address):
        with boa.reverts("guardian: not you"):
            stop(sender=sender)


def test_stop_orders__no_guardian_named__nobody_stops(street, stop, guardian):
    street.grid.set_guardian(NOBODY, sender=street.owner)
    with boa.reverts("guardian: not you"):
        stop(sender=guardian)


def test_stop_orders__past_the_grid_registry__refused(street, guardian):
    for sender in (guardian, street.owner, street.attacker.address, street.desk.address):
        with boa.reverts("exchange: only the grid registry"):
            street.exchange.stop_orders(street.now + 60, sender=sender)


@pytest.mark.parametrize("seconds", [0, MAX_STOP + 1, 2**256 - 1])
def test_stop_orders__no_time_or_more_than_three_days__refused(stop, seconds):
    with boa.reverts("guardian: bad duration"):
        stop(seconds)


def test_stop_orders__three_days__then_a_week_of_trading(street, stop, seller):
    stop(MAX_STOP)
    over = street.now + MAX_STOP
    for when in (street.now, over, over + STOP_PAUSE - 1):
        street.go_to(when)
        with boa.reverts("guardian: too soon again"):
            stop()
    street.sell(seller, street.now_slot + 96, 1000, 10)
    street.go_to(over + STOP_PAUSE)
    stop()
    with boa.reverts("order: trading is stopped"):
        street.sell(seller, street.now_slot + 96, 1000, 10)


def test_stop_orders__its_last_second__refused_and_then_traded(street, stop, seller, slot):
    stop(3600)
    street.go_to(street.now + 3599)
    with boa.reverts("order: trading is stopped"):
        street.sell(seller, slot, 1000, 10)
    street.go_to(street.now + 1)
    assert street.sell(seller, slot, 1000, 10)


@pytest.mark.parametrize("who", ["guardian", "owner"])
def test_resume_orders__early__traded_at_once_and_the_week_begins(street, stop, guardian, seller, slot, who):
    stop(MAX_STOP)
    street.go_to(street.now + 60)
    street.grid.resume_orders(sender=guardian if who == "guardian" else street.owner)
    assert events(street.grid, "OrdersStopped") == [(street.now,)]
    assert street.sell(seller, slot, 1000, 10)
    street.go_to(street.now + STOP_PAUSE - 1)
    with boa.reverts("guardian: too soon again"):
        stop()
    street.go_to(street.now + 1)
    stop()


def test_resume_orders__not_stopped__refused(street, stop, guardian):
    with boa.reverts("guardian: not stopped"):
        street.grid.resume_orders(sender=guardian)
    stop(60)
    street.go_to(street.now + 60)
    with boa.reverts("guardian: not stopped"):
        street.grid.resume_orders(sender=guardian)


def test_resume_orders__neither_guardian_nor_owner__refused(street, stop):
    stop()
    for sender in (street.attacker.address, street.grid_operator.address):
        with boa.reverts("guardian: not you"):
            street.grid.resume_orders(sender=sender)


# ---- what a stop stops ----------------------------------------------------------------------------------------------

NEW = {
    "place": lambda street, seller, buyer, slot: street.sell(seller, slot, 1000, 10),
    "place by the desk": lambda street, seller, buyer, slot: street.place(
        seller, Wanted(slot, True, 1000, 10), sender=street.desk.address
    ),
    "place_many": lambda street, seller, buyer, slot: street.exchange.place_many(
        seller, [Wanted(slot, True, 1000, 10).packed()], sender=person("seller").address
    ),
    "trade": lambda street, seller, buyer, slot: street.pair(Pair(seller, buyer, slot, 1000, 10)),
    "take_abroad": lambda street, seller, buyer, slot: street.take_abroad(
        seller, street.zone + 1, Wanted(slot, True, 1000, 10, IMMEDIATE_OR_CANCEL)
    ),
}


@pytest.mark.parametrize("call", NEW)
def test_stopped__new_orders__refused(street, stop, terms, seller, buyer, slot, call):
    street.open_zone(terms, 168, person("other operator"))
    stop()
    with boa.reverts("order: trading is stopped"):
        NEW[call](street, seller, buyer, slot)
    street.go_to(street.now + 3600)
    NEW[call](street, seller, buyer, slot)


def test_stopped__orders_leave_the_book__as_ever(street, stop, seller, slot):
    owner, before = person("seller").address, street.free(seller)
    one, two, three, four = (street.sell(seller, slot, 1000 + 10 * i, 50) for i in range(4))
    timed = street.place(seller, Wanted(slot, True, 900, 50, expiry=street.now + 60))[0]
    stop()
    street.exchange.reduce(one, 20, sender=owner)
    street.cancel(one)
    street.exchange.cancel_many([two, three], sender=owner)
    street.go_to(street.now + 60)
    street.release(timed)
    assert street.free(seller) == before - 50 * (3000 - 1030)
    street.cancel(four)
    assert street.free(seller) == before


def test_stopped__money_and_settlement__as_ever(street, stop, seller, buyer, slot):
    free = street.free(seller), street.free(buyer)
    street.trade(seller, buyer, slot, 1000, 100)
    street.trade(seller, buyer, slot + 1, 1000, 100)
    street.go_to_slot(slot + 1)
    stop(MAX_STOP)
    street.report(Entry(seller, slot // 4, {0: Reading(100, 0)}), Entry(buyer, slot // 4, {0: Reading(0, 100)}))
    assert street.free(seller) == free[0] + 100 * 1000 - 100 * 2000
    street.exchange.deposit(seller, GRAIN, sender=street.rich())
    street.exchange.withdraw(seller, street.free(seller) * GRAIN, street.owner, sender=person("seller").address)
    street.exchange.fund_pool(street.zone, GRAIN, sender=street.rich())
    street.exchange.fix_terms(street.zone, slot // 4 + 1)
    assert street.grid.withdraw_fees(street.zone, street.owner, sender=street.grid_operator.address) == 100 * 90
    street.grid.request_pool_withdrawal(street.zone, 1, sender=street.grid_operator.address)


def test_stopped__overdue_positions__settle(street, stop, seller, buyer, slot):
    free = street.free(seller)
    street.trade(seller, buyer, slot, 1000, 100)
    street.go_to_slot(slot + 1 + REPORT_TIMEOUT, 1)
    stop()
    street.exchange.settle_overdue(seller, slot, sender=street.attacker.address)
    assert street.free(seller) == free + 100 * 1000
