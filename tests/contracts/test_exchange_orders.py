"""Placing, cancelling and releasing single orders: what is locked, what is refused, what comes back."""

from dataclasses import replace

import boa
import pytest

from tests.contracts.model import (
    FILL_OR_KILL,
    HORIZON,
    IMMEDIATE_OR_CANCEL,
    LIMIT,
    MAX_ORDER_WH,
    POST_ONLY,
    SLOT,
    Terms,
    Wanted,
)
from tests.contracts.signing import person
from tests.contracts.street import closed, events, placed, trades


@pytest.fixture(scope="module")
def terms():
    """The gate closes two slots before delivery."""
    return Terms(gate_lead=2)


def test_place__sale_rests__locks_what_a_default_would_cost(street, seller, slot):
    before = street.free(seller)
    order = street.sell(seller, slot, 1000, 50)
    assert placed(street.exchange) == [(order, seller, 50)]
    assert street.free(seller) == before - 50 * (3000 - 1000)
    assert street.lens.order_lock(order) == 50 * 2000
    assert tuple(street.lens.order(order)) == (order, seller, True, 1000, 50, 0)


def test_place__bid_rests__locks_price_and_grid_fee(street, buyer, slot):
    before = street.free(buyer)
    order = street.buy(buyer, slot, 1000, 50)
    assert street.free(buyer) == before - 50 * (1000 + 100)
    assert street.lens.order_lock(order) == 50 * 1100
    assert tuple(street.lens.order(order)) == (order, buyer, False, 1000, 50, 0)


def test_place__resting__number_says_zone_slot_side_and_level(street, seller, buyer, slot):
    order = street.sell(seller, slot, 1000, 50)
    assert (order >> 49, order >> 25 & 0xFFFFFF, order >> 24 & 1, order >> 16 & 0xFF) == (street.zone, slot, 1, 90)
    bid = street.buy(buyer, slot, 100, 50)
    assert (bid >> 49, bid >> 25 & 0xFFFFFF, bid >> 24 & 1, bid >> 16 & 0xFF) == (street.zone, slot, 0, 0)


@pytest.mark.parametrize("price", [100, 2330])
def test_place__both_ends_of_the_grid__accepted(street, seller, slot, price):
    order = street.sell(seller, slot, price, 10)
    assert street.lens.order(order).price == price


@pytest.mark.parametrize("price", [0, 90, 99, 101, 1005, 2340, 2**255])
def test_place__off_the_grid__refused(street, seller, slot, price):
    with boa.reverts("order: off the price grid"):
        street.sell(seller, slot, price, 10)


def test_place__below_the_minimum__refused(street, seller, slot):
    with boa.reverts("order: below minimum size"):
        street.sell(seller, slot, 1000, 9)
    assert street.sell(seller, slot, 1000, 10)


def test_place__nothing__refused(street, seller, slot):
    with boa.reverts("order: below minimum size"):
        street.sell(seller, slot, 1000, 0)


def test_place__more_than_an_order_holds__refused(street, seller, slot):
    with boa.reverts("order: too large"):
        street.sell(seller, slot, 1000, MAX_ORDER_WH + 1)


def test_place__more_value_than_a_position_holds__refused(street, terms, slot):
    dear = street.open_zone(replace(terms, floor=5000, imbalance=10_000), tariff_lead=24)
    owner = person("dear seller")
    site = street.connect(owner, zone=dear, balance=2**34)
    most = (2**33 - 1) // 5000  # 1.7 MWh
    with boa.reverts("order: too large"):
        street.place(site, Wanted(slot, True, 5000, most + 1), sender=owner.address)
    order, _ = street.place(site, Wanted(slot, True, 5000, most), sender=owner.address)
    assert street.lens.order(order).wh == most


def test_place__largest_order__accepted(street, seller, slot):
    street.fund(seller, MAX_ORDER_WH * 2000)
    order = street.sell(seller, slot, 1000, MAX_ORDER_WH)
    assert street.lens.order(order).wh == MAX_ORDER_WH


def test_place__unknown_kind__refused(street, seller, slot):
    with boa.reverts("order: unknown kind"):
        street.sell(seller, slot, 1000, 10, kind=4)


def test_place__stranger__refused(street, seller, slot):
    with boa.reverts("site: not yours"):
        street.place(seller, Wanted(slot, True, 1000, 10), sender=street.attacker.address)


def test_place__unknown_site__refused(street, seller, slot):
    with boa.reverts("site: not yours"):
        street.place(seller + 77, Wanted(slot, True, 1000, 10), sender=street.attacker.address)


def test_place__last_slot_of_the_horizon__accepted_and_not_one_further(street, seller):
    last = street.now_slot + HORIZON
    assert street.lens.is_tradable(street.zone, last)
    assert street.sell(seller, last, 1000, 10)
    assert not street.lens.is_tradable(street.zone, last + 1)
    with boa.reverts("order: beyond the horizon"):
        street.sell(seller, last + 1, 1000, 10)


def test_place__second_before_the_gate__accepted_then_refused(street, seller, slot):
    street.go_to_slot(slot - 2, -1)
    assert street.lens.is_tradable(street.zone, slot)
    assert street.sell(seller, slot, 1000, 10)
    street.go_to_slot(slot - 2)
    assert not street.lens.is_tradable(street.zone, slot)
    with boa.reverts("order: gate closed"):
        street.sell(seller, slot, 1000, 10)


def test_place__past_slot__refused(street, seller):
    with boa.reverts("order: gate closed"):
        street.sell(seller, street.now_slot - 5, 1000, 10)


def test_place__one_grain_short__refused_and_nothing_changes(street, seller, slot):
    street.leave(seller, 10 * 2000 - 1)
    with boa.reverts("balance: too low"):
        street.sell(seller, slot, 1000, 10)
    assert street.free(seller) == 10 * 2000 - 1
    assert street.lens.orders(street.zone, slot, True) == []


def test_place__exactly_what_is_free__accepted(street, seller, slot):
    street.leave(seller, 10 * 2000)
    street.sell(seller, slot, 1000, 10)
    assert street.free(seller) == 0


# ---- kinds ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "rests"), [(LIMIT, 30), (IMMEDIATE_OR_CANCEL, 0)])
def test_place__partly_filled__rest_waits_or_lapses_by_kind(street, seller, buyer, slot, kind, rests):
    street.sell(seller, slot, 1000, 20)
    order, filled = street.place(buyer, Wanted(slot, False, 1000, 50, kind))
    lapsed = [(e.site, e.slot, e.sell, e.price, e.wh) for e in events(street.exchange, "OrderLapsed")]
    assert filled == 20
    assert lapsed == ([] if rests else [(buyer, slot, False, 1000, 30)])
    assert street.lens.order(order).wh == rests
    assert bool(order) == bool(rests)
    assert street.lens.margin_held(buyer, slot) == 20 * 1100 + rests * 1100


def test_place__immediate_or_cancel_meets_nothing__lapses_whole(street, buyer, slot):
    before = street.free(buyer)
    assert street.place(buyer, Wanted(slot, False, 1000, 50, IMMEDIATE_OR_CANCEL)) == (0, 0)
    assert street.free(buyer) == before


def test_place__fill_or_kill_fits__fills(street, seller, buyer, slot):
    street.sell(seller, slot, 1000, 50)
    assert street.place(buyer, Wanted(slot, False, 1000, 50, FILL_OR_KILL)) == (0, 50)


def test_place__fill_or_kill_one_wh_too_much__refused_and_book_untouched(street, seller, buyer, slot):
    order = street.sell(seller, slot, 1000, 50)
    with boa.reverts("order: cannot fill"):
        street.buy(buyer, slot, 1000, 51, FILL_OR_KILL)
    assert street.lens.order(order).wh == 50
    assert street.lens.position(buyer, slot).net_wh == 0


def test_place__post_only_would_match__refused(street, seller, buyer, slot):
    street.sell(seller, slot, 1000, 50)
    with boa.reverts("order: would match"):
        street.buy(buyer, slot, 1000, 10, POST_ONLY)


def test_place__post_only_one_step_away__rests(street, seller, buyer, slot):
    street.sell(seller, slot, 1000, 50)
    order = street.buy(buyer, slot, 990, 10, POST_ONLY)
    assert street.lens.order(order).wh == 10


# ---- cancel ---------------------------------------------------------------------------------------------------------


def test_cancel__by_the_owner__lock_returned_and_order_gone(street, seller, slot):
    before = street.free(seller)
    order = street.sell(seller, slot, 1000, 50)
    street.cancel(order)
    assert closed(street.exchange) == [(order, 50, 0)]
    assert street.free(seller) == before
    assert tuple(street.lens.order(order)) == (0, 0, False, 0, 0, 0)
    assert street.lens.order_lock(order) == 0


def test_cancel__partly_filled__rest_of_the_lock_returned(street, seller, buyer, slot):
    before = street.free(seller)
    order = street.sell(seller, slot, 1000, 50)
    street.buy(buyer, slot, 1000, 20)
    street.cancel(order)
    assert street.free(seller) == before - 20 * 2000


def test_cancel__after_the_gate__still_possible(street, seller, slot):
    before = street.free(seller)
    order = street.sell(seller, slot, 1000, 50)
    street.end(slot)
    street.cancel(order)
    assert street.free(seller) == before


def test_cancel__twice__refused(street, seller, slot):
    order = street.sell(seller, slot, 1000, 50)
    street.cancel(order)
    with boa.reverts("order: gone"):
        street.cancel(order, sender=person("seller").address)


def test_cancel__filled__refused(street, seller, buyer, slot):
    order = street.sell(seller, slot, 1000, 50)
    street.buy(buyer, slot, 1000, 50)
    with boa.reverts("order: gone"):
        street.cancel(order, sender=person("seller").address)


@pytest.mark.parametrize("number", [0, 1, 2**256 - 1])
def test_cancel__number_of_no_order__refused(street, seller, number):
    with boa.reverts("order: gone"):
        street.cancel(number, sender=person("seller").address)


def test_cancel__order_of_another__refused(street, seller, buyer, slot):
    order = street.sell(seller, slot, 1000, 50)
    with boa.reverts("site: not yours"):
        street.cancel(order, sender=person("buyer").address)


def test_cancel__middle_of_a_level__others_keep_their_places(street, seller, battery, bakery, buyer, slot):
    first, second, third = (street.sell(site, slot, 1000, 10) for site in (seller, battery, seller))
    street.cancel(second)
    assert [o.id for o in street.lens.orders(street.zone, slot, True)] == [first, third]
    assert tuple(street.lens.order(second)) == (0, 0, False, 0, 0, 0)
    assert [tuple(level) for level in street.lens.depth(street.zone, slot, True)] == [(1000, 20, 2)]
    street.buy(buyer, slot, 1000, 15)
    assert street.lens.order(first).wh == 0
    assert street.lens.order(third).wh == 5


def test_cancel__number_of_a_refilled_level__never_names_another_order(street, seller, battery, slot):
    old = street.sell(seller, slot, 1000, 10)
    street.cancel(old)
    new = street.sell(battery, slot, 1000, 10)
    assert new != old
    with boa.reverts("order: gone"):
        street.cancel(old, sender=person("seller").address)


# ---- release --------------------------------------------------------------------------------------------------------


def test_release__after_the_gate_by_anyone__lock_back_to_the_site(street, seller, buyer, slot):
    before = street.free(seller), street.free(buyer)
    orders = [street.sell(seller, slot, 1000, 50), street.buy(buyer, slot, 500, 50)]
    street.go_to_slot(slot - 2)
    street.exchange.release(orders, sender=street.attacker.address)
    assert closed(street.exchange) == [
        (orders[0], 50, 1),
        (orders[1], 50, 1),
    ]
    assert (street.free(seller), street.free(buyer)) == before
    assert street.token.balanceOf(street.attacker.address) == 0


def test_release__gate_still_open__refused(street, seller, slot):
    order = street.sell(seller, slot, 1000, 50)
    street.go_to_slot(slot - 2, -1)
    with boa.reverts("order: still open"):
        street.exchange.release([order])


def test_release__one_gate_open__none_is_released(street, seller, slot):
    orders = [street.sell(seller, slot, 1000, 50), street.sell(seller, slot + 1, 1000, 50)]
    street.go_to_slot(slot - 2)
    with boa.reverts("order: still open"):
        street.exchange.release(orders)
    assert street.lens.order(orders[0]).wh == 50


def test_release__one_is_gone__others_are_released(street, seller, slot):
    orders = [street.sell(seller, slot, 1000, 50), street.sell(seller, slot, 1010, 50)]
    street.go_to_slot(slot)
    street.exchange.release(orders[:1])
    street.exchange.release(orders)
    assert [order for order, _, _ in closed(street.exchange)] == orders[1:]


def test_release__same_order_twice_in_one_call__paid_once(street, seller, slot):
    before = street.free(seller)
    order = street.sell(seller, slot, 1000, 50)
    street.sell(seller, slot, 1000, 50)
    street.go_to_slot(slot)
    street.exchange.release([order, order])
    assert street.free(seller) == before - 50 * 2000


@pytest.mark.parametrize("number", [0, 12345, 2**256 - 1])
def test_release__number_of_no_order__passed_over(street, number):
    street.release(number)
    assert closed(street.exchange) == []


# ---- many -----------------------------------------------------------------------------------------------------------


def test_place_many__a_day_of_96_slots__all_rest(street, seller, slot):
    wanted = [Wanted(slot + i, True, 1000 + 10 * (i % 7), 10 + i) for i in range(96)]
    before = street.free(seller)
    street.exchange.place_many(seller, [w.packed() for w in wanted], sender=person("seller").address)
    assert street.free(seller) == before - sum(w.wh * (3000 - w.price) for w in wanted)
    for w in wanted:
        (order,) = street.lens.orders_of(seller, w.slot)
        assert (order.sell, order.price, order.wh) == (True, w.price, w.wh)


def test_place_many__mixed_kinds_and_sides__as_if_placed_one_by_one(street, seller, buyer, slot):
    street.sell(seller, slot, 1000, 30)
    wanted = [
        Wanted(slot, False, 1000, 20, FILL_OR_KILL),
        Wanted(slot, False, 1000, 20, IMMEDIATE_OR_CANCEL),
        Wanted(slot, False, 900, 15, POST_ONLY),
        Wanted(slot + 1, True, 1200, 10),
    ]
    street.exchange.place_many(buyer, [w.packed() for w in wanted], sender=person("buyer").address)
    assert street.lens.position(buyer, slot).net_wh == -30
    assert [(o.price, o.wh) for o in street.lens.orders_of(buyer, slot)] == [(900, 15)]
    assert [(o.price, o.wh) for o in street.lens.orders_of(buyer, slot + 1)] == [(1200, 10)]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"price": 1001}, "order: off the price grid"),
        ({"wh": 9}, "order: below minimum size"),
        ({"wh": MAX_ORDER_WH + 1}, "order: too large"),
        ({"kind": FILL_OR_KILL}, "order: cannot fill"),
        ({"kind": 9}, "order: unknown kind"),
        ({"slot": 10}, "order: gate closed"),
        ({"slot": 2**32 - 1}, "order: beyond the horizon"),
    ],
)
def test_place_many__one_is_bad__none_is_placed(street, seller, slot, change, reason):
    wanted = [Wanted(slot, True, 1000, 10), replace(Wanted(slot + 1, True, 1000, 10), **change)]
    before = street.free(seller)
    with boa.reverts(reason):
        street.exchange.place_many(seller, [w.packed() for w in wanted], sender=person("seller").address)
    assert street.free(seller) == before
    assert street.lens.orders(street.zone, slot, True) == []


def test_place_many__balance_covers_all_but_a_grain__none_is_placed(street, seller, slot):
    street.leave(seller, 3 * 10 * 2000 - 1)
    wanted = [Wanted(slot + i, True, 1000, 10) for i in range(3)]
    with boa.reverts("balance: too low"):
        street.exchange.place_many(seller, [w.packed() for w in wanted], sender=person("seller").address)
    assert street.lens.orders(street.zone, slot, True) == []


def test_place_many__later_order_frees_what_an_earlier_needs__accepted(street, seller, buyer, slot):
    street.trade(seller, buyer, slot, 1000, 100)
    street.buy(buyer, slot + 1, 1000, 100)
    street.sell(buyer, slot, 1000, 50)
    street.leave(seller, 0)
    wanted = [Wanted(slot + 1, True, 1000, 40), Wanted(slot, False, 1000, 50)]
    street.exchange.place_many(seller, [w.packed() for w in wanted], sender=person("seller").address)
    assert street.lens.position(seller, slot).net_wh == 50
    assert street.free(seller) == (50 - 40) * 2000


def test_place_many__stranger__refused(street, seller, slot):
    with boa.reverts("site: not yours"):
        street.exchange.place_many(seller, [Wanted(slot, True, 1000, 10).packed()], sender=street.attacker.address)


@pytest.mark.parametrize("bit", [96, 96 + 32, 255])
def test_place_many__stray_bits_above_the_slot__refused(street, seller, slot, bit):
    packed = Wanted(slot, True, 1000, 10).packed() | 1 << bit
    with boa.reverts("order: bad expiry"):
        street.exchange.place_many(seller, [packed], sender=person("seller").address)


def test_is_tradable__every_slot_from_gate_to_horizon(street):
    now = street.now_slot
    tradable = [s for s in range(now - 2, now + HORIZON + 3) if street.lens.is_tradable(street.zone, s)]
    assert tradable == list(range(now + 3, now + HORIZON + 1))
    assert SLOT * now == street.now


def level_word(street, slot, level, sell=True):
    """Key of a level's word, and the word."""
    key = (street.zone << 13 | slot % 4096 << 1 | sell) << 8 | level
    return key, street.read(street.exchange, ("book", "level_word"), key)


def test_level__all_its_2047_places_used__refused_not_wrapped(street, seller, slot):
    first = street.sell(seller, slot, 1000, 10)
    key, word = level_word(street, slot, 90)
    # As after 2,045 further orders that were placed and cancelled.
    street.write(street.exchange, ("book", "level_word"), key, word + (2045 << 221))
    last = street.sell(seller, slot, 1000, 10)
    assert last & 0xFFFF == 2046
    with boa.reverts("order: level is full"):
        street.sell(seller, slot, 1000, 10)
    assert street.sell(seller, slot, 1010, 10)
    assert [order.id for order in street.lens.orders(street.zone, slot, True)][:2] == [first, last]


def test_level__full_and_emptied_once__starts_afresh_with_unused_numbers(street, seller, slot):
    first = street.sell(seller, slot, 1000, 10)
    key, word = level_word(street, slot, 90)
    street.write(street.exchange, ("book", "level_word"), key, word + (2046 << 221))
    street.cancel(first)
    again = street.sell(seller, slot, 1000, 10)
    assert again == first + 2047
    assert street.lens.order(again).wh == 10


def test_level__numbers_run_out__they_come_again_from_zero_and_stay_distinct(street, seller, buyer, slot):
    first = street.sell(seller, slot, 1000, 10)
    key, word = level_word(street, slot, 90)
    street.cancel(first)
    # As after 8,190 orders: the next two have the last number of 13 bits and the first.
    street.write(street.exchange, ("book", "level_word"), key, word + (8190 << 243))
    last, zero = street.sell(seller, slot, 1000, 10), street.sell(seller, slot, 1000, 20)
    assert (last & 0xFFFF, zero & 0xFFFF) == (8191, 0)
    assert [order.id for order in street.lens.orders(street.zone, slot, True)] == [last, zero]
    street.buy(buyer, slot, 1000, 15)
    assert trades(street.exchange) == [(last, seller, buyer, 10), (zero, seller, buyer, 5)]
    street.cancel(zero)
    assert closed(street.exchange) == [(zero, 15, 0)]


@pytest.mark.parametrize("bit", [13, 14, 15])
def test_number__its_unused_bits_set__names_no_order(street, seller, slot, bit):
    order = street.sell(seller, slot, 1000, 50)
    malformed, owner = order | 1 << bit, person("seller").address
    with boa.reverts("order: gone"):
        street.exchange.cancel(malformed, sender=owner)
    with boa.reverts("order: gone"):
        street.exchange.reduce(malformed, 20, sender=owner)
    street.exchange.cancel_many([malformed], sender=owner)
    assert tuple(street.lens.order(malformed)) == (0, 0, False, 0, 0, 0)
    street.end(slot)
    street.release(malformed)
    assert street.lens.order(order).wh == 50


@pytest.mark.parametrize("shift", [96, 128, 200])
def test_number__bits_beyond_its_zone__names_no_order(street, seller, slot, shift):
    order = street.sell(seller, slot, 1000, 50)
    with boa.reverts("order: gone"):
        street.exchange.cancel(order + (1 << shift), sender=person("seller").address)


def test_place_many__slots_of_one_hour_around_the_horizon__only_those_within(street, seller):
    last = street.now_slot + HORIZON
    assert last % 4 == 0, "the hour of the horizon has slots beyond it"
    owner = person("seller").address
    within, beyond = (Wanted(slot, True, 1000, 10).packed() for slot in (last, last + 1))
    with boa.reverts("order: beyond the horizon"):
        street.exchange.place_many(seller, [within, beyond], sender=owner)
    street.exchange.place_many(seller, [within], sender=owner)


def test_place_many__slots_of_one_hour_around_the_gate__only_those_open(street, seller, slot):
    owner = person("seller").address
    street.go_to_slot(slot - 2)
    closed_one, open_one = (Wanted(s, True, 1000, 10).packed() for s in (slot, slot + 1))
    with boa.reverts("order: gate closed"):
        street.exchange.place_many(seller, [open_one, closed_one], sender=owner)
    street.exchange.place_many(seller, [open_one], sender=owner)
    assert street.lens.orders(street.zone, slot, True) == []
