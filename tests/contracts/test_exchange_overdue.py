"""What happens without a report: after the timeout everything still settles, and the ring never blocks anybody."""

from dataclasses import replace

import boa
import pytest

from tests.contracts.model import (
    AS_TRADED,
    LEVELS,
    NO_READING,
    RELEASED,
    REPORT_TIMEOUT,
    RING_HOURS,
    RING_SLOTS,
    Entry,
    Reading,
    Wanted,
)
from tests.contracts.signing import person
from tests.contracts.street import NET8, SOLAR, closed, events, terms_tuple

PRICE, IMBALANCE, FEE, ORACLE_FEE = 1000, 3000, 100, 10


def time_out(street, slot):
    """The first second in which no report for the slot counts any more."""
    street.go_to_slot(slot + 1 + REPORT_TIMEOUT, 1)


@pytest.fixture
def traded(street, seller, buyer, slot):
    """The seller sold 100 Wh to the buyer at par. Free balances before."""
    before = {site: street.free(site) for site in (seller, buyer)}
    street.trade(seller, buyer, slot, PRICE, 100)
    return before


def test_settle_overdue__no_report_at_all__as_traded_for_both(street, seller, buyer, slot, traded):
    time_out(street, slot)
    street.exchange.settle_overdue(seller, slot, sender=street.attacker.address)
    (event,) = events(street.exchange, "SettledOverdue")
    assert event == (seller, slot, AS_TRADED, 100 * IMBALANCE)
    street.exchange.settle_overdue(buyer, slot, sender=street.attacker.address)
    assert street.free(seller) == traded[seller] + 100 * PRICE
    assert street.free(buyer) == traded[buyer] - 100 * (PRICE + FEE)
    assert street.exchange.zone_account(street.zone) == (0, 100 * (FEE - ORACLE_FEE), 100 * ORACLE_FEE)
    assert tuple(street.lens.position(seller, slot)) == (0, 0, 0, AS_TRADED, 100, 0)
    assert tuple(street.lens.position(buyer, slot)) == (0, 0, 0, AS_TRADED, 0, 100)


def test_settle_overdue__as_traded__is_no_production_for_certificates(street, seller, slot, traded):
    time_out(street, slot)
    street.exchange.settle_overdue(seller, slot)
    assert street.production(seller, slot // 4) == (0, [0, 0, 0, 0])


def test_settle_overdue__report_left_the_seller_out__no_reading(street, seller, buyer, slot, traded):
    street.end(slot)
    street.report(Entry(buyer, slot // 4, {0: Reading(0, 100)}))
    time_out(street, slot)
    street.exchange.settle_overdue(seller, slot)
    assert events(street.exchange, "SettledOverdue")[0].outcome == NO_READING
    assert street.free(seller) == traded[seller] - 100 * (IMBALANCE - PRICE)
    assert street.pool() == 100 * IMBALANCE


def test_settle_overdue__report_left_the_buyer_out__used_everything(street, seller, buyer, slot, traded):
    street.exchange.fund_pool(street.zone, NET8 * 10**11, sender=street.rich())
    street.end(slot)
    street.report(Entry(seller, slot // 4, {0: Reading(100, 0)}))
    time_out(street, slot)
    street.exchange.settle_overdue(buyer, slot)
    assert street.free(buyer) == traded[buyer] - 100 * (PRICE + FEE)
    assert street.pool() == NET8


def test_settle_overdue__another_slot_of_the_hour_was_reported__still_as_traded(street, seller, slot, traded):
    street.end(slot + 1)
    street.report(Entry(seller, slot // 4, {1: Reading(0, 0)}))
    time_out(street, slot)
    street.exchange.settle_overdue(seller, slot)
    assert events(street.exchange, "SettledOverdue")[0].outcome == AS_TRADED


@pytest.mark.parametrize("place", range(4))
def test_settle_overdue__one_slot_of_the_hour_was_reported__counts_for_that_one_alone(
    street, seller, buyer, bakery, slot, place
):
    """In an even hour and in an odd one."""
    for quarter in range(slot, slot + 8):
        street.trade(seller, buyer, quarter, PRICE, 10)
    street.end(slot + 7)
    street.report(*(Entry(bakery, slot // 4 + hour, {place: Reading(0, 0)}) for hour in range(2)))
    time_out(street, slot + 7)
    for quarter in range(slot, slot + 8):
        street.exchange.settle_overdue(seller, quarter)
        (event,) = events(street.exchange, "SettledOverdue")
        assert event.outcome == (NO_READING if quarter % 4 == place else AS_TRADED)


def test_settle_overdue__report_of_another_zone__does_not_count(street, seller, slot, terms, traded):
    other = street.open_zone(terms, 168, person("other operator"))
    site = street.connect(person("other seller"), SOLAR, 1000, zone=other)
    street.end(slot)
    street.report(Entry(site, slot // 4, {0: Reading(1, 0)}), zone=other)
    time_out(street, slot)
    street.exchange.settle_overdue(seller, slot)
    assert events(street.exchange, "SettledOverdue")[0].outcome == AS_TRADED


def test_settle_overdue__last_second_of_the_timeout__refused(street, seller, slot, traded):
    street.go_to_slot(slot + 1 + REPORT_TIMEOUT)
    with boa.reverts("position: not overdue"):
        street.exchange.settle_overdue(seller, slot)


def test_settle_overdue__twice__refused(street, seller, slot, traded):
    time_out(street, slot)
    street.exchange.settle_overdue(seller, slot)
    with boa.reverts("position: nothing to settle"):
        street.exchange.settle_overdue(seller, slot)


def test_settle_overdue__site_did_not_trade__refused(street, bakery, slot, traded):
    time_out(street, slot)
    with boa.reverts("position: nothing to settle"):
        street.exchange.settle_overdue(bakery, slot)


def test_settle_overdue__settled_by_report__refused(street, seller, slot, traded):
    street.end(slot)
    street.report(Entry(seller, slot // 4, {0: Reading(100, 0)}))
    time_out(street, slot)
    with boa.reverts("position: nothing to settle"):
        street.exchange.settle_overdue(seller, slot)


@pytest.mark.parametrize("shift", [2**16 * 2**16, 2**230, 2**240, 2**246, 2**255])
def test_settle_overdue__number_that_only_resembles_a_site__refused_and_nothing_moves(
    street, seller, slot, traded, shift
):
    time_out(street, slot)
    before = street.free(seller)
    with boa.reverts("site: unknown"):
        street.exchange.settle_overdue(seller + shift, slot)
    street.exchange.settle_overdue(seller, slot)
    assert street.free(seller) == before + 100 * IMBALANCE


# ---- the ring comes round -------------------------------------------------------------------------------------------


def next_turn(street, slot):
    """Go to where the slot one ring later can be traded; that slot."""
    street.go_to_slot(slot + RING_SLOTS - 96)
    return slot + RING_SLOTS


def test_ring__seller_trades_again_one_turn_later__old_position_settles_on_the_way(
    street, seller, buyer, bakery, slot, traded
):
    later = next_turn(street, slot)
    street.trade(seller, bakery, later, PRICE, 50)
    (event,) = events(street.exchange, "SettledOverdue")
    assert event == (seller, slot, AS_TRADED, 100 * IMBALANCE)
    assert street.free(seller) == traded[seller] + 100 * PRICE - 50 * (IMBALANCE - PRICE)
    assert street.lens.position(seller, later).net_wh == 50
    assert tuple(street.lens.position(seller, slot)) == (0, 0, 0, 0, 0, 0)


def test_ring__taker_trades_again_one_turn_later__old_position_settles_on_the_way(
    street, seller, buyer, bakery, slot, traded
):
    later = next_turn(street, slot)
    street.sell(bakery, later, PRICE, 50)
    street.buy(buyer, later, PRICE, 50)
    assert events(street.exchange, "SettledOverdue") == [(buyer, slot, AS_TRADED, 0)]
    assert street.free(buyer) == traded[buyer] - 100 * (PRICE + FEE) - 50 * (PRICE + FEE)


def test_ring__report_one_turn_later__old_position_settles_on_the_way(street, seller, slot, traded):
    later = next_turn(street, slot)
    street.end(later)
    street.report(Entry(seller, later // 4, {0: Reading(5, 0)}))
    assert events(street.registry, "SettledOverdue") == [(seller, slot, AS_TRADED, 100 * IMBALANCE)]
    assert street.free(seller) == traded[seller] + 100 * PRICE
    assert street.production(seller, later // 4) == (1, [5, 0, 0, 0])


def test_ring__report_left_the_old_slot_out__still_no_reading_a_turn_later(street, seller, buyer, bakery, slot, traded):
    street.end(slot)
    street.report(Entry(buyer, slot // 4, {0: Reading(0, 100)}))
    later = next_turn(street, slot)
    street.trade(seller, bakery, later, PRICE, 50)
    assert events(street.exchange, "SettledOverdue") == [(seller, slot, NO_READING, 0)]
    assert street.pool() == 100 * IMBALANCE


def test_ring__four_old_positions_of_the_hour__all_settle_on_the_way(street, seller, buyer, slot):
    before = street.free(seller)
    for i in range(4):
        street.trade(seller, buyer, slot + i, PRICE, 100)
    later = next_turn(street, slot)
    street.end(later + 3)
    street.report(Entry(seller, later // 4, {3: Reading(5, 0)}))
    assert [event.slot for event in events(street.registry, "SettledOverdue")] == [slot + i for i in range(4)]
    assert street.free(seller) == before + 400 * PRICE


def test_ring__impossible_reading_one_turn_later__old_position_is_paid_once(street, seller, buyer, slot, traded):
    later = next_turn(street, slot)
    street.end(later + 3)
    for i in range(3):
        street.report(
            Entry(seller, later // 4, {0: Reading(2**24 - 1, 0)}),
            Entry(buyer, later // 4, {i: Reading(0, 0)}),
        )
    assert street.free(seller) <= traded[seller] + 100 * PRICE
    street.report(Entry(seller, later // 4, {0: Reading(0, 0)}))
    assert street.free(seller) == traded[seller] + 100 * PRICE


def test_ring__old_terms_of_the_hour__hold_for_the_old_position(street, seller, buyer, bakery, slot, traded, terms):
    dear = replace(terms, imbalance=9000, grid_fee=1000)
    street.grid.set_default_terms(street.zone, terms_tuple(dear), sender=street.grid_operator.address)
    later = next_turn(street, slot)
    street.trade(seller, bakery, later, PRICE, 50)
    assert events(street.exchange, "SettledOverdue") == [(seller, slot, AS_TRADED, 100 * IMBALANCE)]
    assert street.lens.position(seller, later).margin == 50 * (9000 - PRICE)


def test_ring__settled_hour__makes_room_without_a_word(street, seller, buyer, bakery, slot, traded):
    street.end(slot)
    street.report(Entry(seller, slot // 4, {0: Reading(100, 0)}))
    later = next_turn(street, slot)
    street.sell(seller, later, PRICE, 50)
    street.buy(bakery, later, PRICE, 50)
    assert events(street.exchange, "SettledOverdue") == []
    assert street.production(seller, slot // 4) == (0, [0, 0, 0, 0])


@pytest.mark.parametrize("level", [0, 90, LEVELS - 1])
def test_ring__forgotten_order__released_by_the_next_on_that_side(street, seller, buyer, terms, slot, level):
    before = street.free(seller)
    forgotten = street.sell(seller, slot, terms.price(level), 100)
    later = next_turn(street, slot)
    assert street.lens.order(forgotten).wh == 100
    assert street.lens.orders(street.zone, later, True) == []
    order = street.sell(buyer, later, PRICE + 10, 10)
    assert closed(street.exchange) == [(forgotten, 100, RELEASED)]
    assert street.free(seller) == before
    assert [o.id for o in street.lens.orders(street.zone, later, True)] == [order]
    assert street.lens.order(forgotten).wh == 0


def test_ring__forgotten_order__is_never_taken_in_the_new_slot(street, seller, buyer, slot):
    street.sell(seller, slot, PRICE, 100)
    later = next_turn(street, slot)
    order, filled = street.place(buyer, Wanted(later, False, PRICE, 100))
    assert filled == 0
    assert street.lens.order(order).wh == 100


def test_ring__forgotten_order__its_owner_can_still_cancel_it(street, seller, slot):
    before = street.free(seller)
    forgotten = street.sell(seller, slot, PRICE, 100)
    next_turn(street, slot)
    street.cancel(forgotten)
    assert street.free(seller) == before


def test_ring__forgotten_orders_on_many_levels__all_released_on_the_way(street, seller, battery, buyer, slot):
    before = street.free(seller), street.free(battery)
    for i in range(32):
        street.sell(seller, slot, PRICE + 10 * i, 10)
        street.sell(battery, slot, PRICE + 10 * i, 10)
    later = next_turn(street, slot)
    street.sell(buyer, later, PRICE, 10)
    assert len(closed(street.exchange)) == 64
    assert (street.free(seller), street.free(battery)) == before


def test_ring__more_forgotten_than_one_order_can_carry__refused_until_anyone_released_them(street, seller, buyer, slot):
    before = street.free(seller)
    street.exchange.place_many(seller, [Wanted(slot, True, PRICE, 10).packed()] * 65, sender=street.owner_of(seller))
    later = next_turn(street, slot)
    with boa.reverts("book: release old orders"):
        street.sell(buyer, later, PRICE, 10)
    forgotten = [o.id for o in street.lens.orders(street.zone, slot, True)]
    street.exchange.release(forgotten[:64], sender=street.attacker.address)
    street.exchange.release(forgotten[64:], sender=street.attacker.address)
    street.sell(buyer, later, PRICE, 10)
    assert street.free(seller) == before


def test_ring__its_length__outlasts_horizon_timeout_and_minting(street):
    assert RING_SLOTS == 4 * RING_HOURS
    assert RING_HOURS > 2 * 168 + 28 * 24
