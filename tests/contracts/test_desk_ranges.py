"""Cancelling all of a site in a range of slots."""

from dataclasses import replace

import boa
import pytest

from tests.contracts.model import Limits, Wanted
from tests.contracts.signing import person
from tests.contracts.street import limits_tuple

SELLER, AGENT = person("seller").address, person("agent").address


@pytest.fixture
def cancel(street, seller):
    """cancel(first, last): for the seller's site, by its owner; (orders cancelled, slot to go on from)."""

    def cancel(first, last, sender=SELLER):
        return tuple(street.desk.cancel_range(seller, first, last, sender=sender))

    return cancel


def resting(street, site, slot):
    return [(order.sell, order.price, order.wh) for order in street.lens.orders_of(site, slot)]


def test_cancel_range__orders_of_both_sides_in_three_slots__all_gone_and_paid_back(street, seller, slot, cancel):
    before = street.free(seller)
    for i in range(3):
        street.sell(seller, slot + i, 1000, 50)
        street.sell(seller, slot + i, 1010, 60)
        street.buy(seller, slot + i, 500, 70)
    assert cancel(slot, slot + 2) == (9, slot + 3)
    assert [resting(street, seller, slot + i) for i in range(3)] == [[], [], []]
    assert street.free(seller) == before


def test_cancel_range__slots_beside_it__stay(street, seller, slot, cancel):
    for i in range(4):
        street.sell(seller, slot + i, 1000, 50)
    assert cancel(slot + 1, slot + 2) == (2, slot + 3)
    assert [len(resting(street, seller, slot + i)) for i in range(4)] == [1, 0, 0, 1]


def test_cancel_range__orders_of_others_between__stay(street, seller, battery, buyer, slot, cancel):
    for _ in range(7):
        street.sell(battery, slot, 1000, 10)
        street.sell(seller, slot, 1000, 20)
    street.buy(buyer, slot, 500, 30)
    assert cancel(slot, slot) == (7, slot + 1)
    assert resting(street, battery, slot) == [(True, 1000, 10)] * 7
    assert resting(street, buyer, slot) == [(False, 500, 30)]


def test_cancel_range__queue_taken_from_the_front__finds_the_rest(street, seller, battery, buyer, slot, cancel):
    for i in range(20):
        street.sell(seller if i % 2 else battery, slot, 1000, 10 + i)
    street.buy(buyer, slot, 1000, sum(10 + i for i in range(8)))
    assert cancel(slot, slot) == (6, slot + 1)
    assert len(resting(street, battery, slot)) == 6


def test_cancel_range__own_order_is_first_where_a_word_of_the_queue_was_begun__found(
    street, seller, battery, buyer, slot, cancel
):
    for i in range(8):
        street.sell(battery if i < 7 else seller, slot, 1000, 10)
    street.buy(buyer, slot, 1000, 70)
    assert cancel(slot, slot) == (1, slot + 1)


def test_cancel_range__nothing_there__zero(slot, cancel):
    assert cancel(slot, slot + 95) == (0, slot + 96)


def test_cancel_range__more_than_a_call_cancels__goes_on_from_the_slot_it_names(street, seller, slot, cancel):
    for i in range(3):
        street.exchange.place_many(
            seller, [Wanted(slot + i, True, 1000 + 10 * k, 10).packed() for k in range(40)], sender=SELLER
        )
    assert cancel(slot, slot + 2) == (96, slot + 2)
    assert cancel(slot + 2, slot + 2) == (24, slot + 3)


def test_cancel_range__exactly_as_many_as_a_call_cancels__done(street, seller, slot, cancel):
    orders = [Wanted(slot, True, 1000 + 10 * k, 10).packed() for k in range(96)]
    street.exchange.place_many(seller, orders, sender=SELLER)
    assert cancel(slot, slot) == (96, slot + 1)


def test_cancel_range__wide_and_empty__stops_after_bounded_work(slot, cancel):
    assert cancel(slot, slot + 5000) == (0, slot + 750)


def test_cancel_range__levels_and_queues_on_the_way__are_work_too(street, seller, battery, slot, cancel):
    for level in range(4):
        street.sell(battery, slot, 1000 + 10 * level, 10)
    for _ in range(6):
        street.sell(battery, slot + 1, 1000, 10)
    assert cancel(slot, slot + 5000) == (0, slot + 747)


def test_cancel_range__slots_of_the_rings_last_turn__not_taken_for_these(street, seller, slot, cancel):
    street.sell(seller, slot, 1000, 50)
    assert cancel(slot + 4096, slot + 4096) == (0, slot + 4097)
    assert len(resting(street, seller, slot)) == 1


@pytest.mark.parametrize(("first", "last"), [(2, 1), (0, 2**32)])
def test_cancel_range__no_range__refused(cancel, first, last):
    with boa.reverts("slots: bad range"):
        cancel(first, last)


def test_cancel_range__agent_within_its_time__allowed(street, seller, slot, cancel):
    street.sell(seller, slot, 1000, 50)
    limits = Limits(0, 0, 0, 0, 0, 0, street.now + 100)
    street.desk.set_agent(seller, AGENT, limits_tuple(limits), sender=SELLER)
    assert cancel(slot, slot, sender=AGENT) == (1, slot + 1)
    street.go_to(street.now + 100)
    with boa.reverts("agent: expired"):
        cancel(slot, slot, sender=AGENT)


def test_cancel_range__stranger__refused(street, seller, buyer, slot, cancel):
    with boa.reverts("agent: unknown"):
        cancel(slot, slot, sender=street.attacker.address)
    with boa.reverts("agent: unknown"):
        cancel(slot, slot, sender=street.owner_of(buyer))


# ---- replace and cancel_many by an agent ----------------------------------------------------------------------------


@pytest.fixture
def limits(street, seller, slot):
    limits = Limits(1000, 900, 500, 500_000, slot, slot + 3, street.now + 86_400)
    street.desk.set_agent(seller, AGENT, limits_tuple(limits), sender=SELLER)
    return limits


def left(street, seller):
    return Limits(*street.desk.agent_limits(seller, AGENT))


def test_replace__agent_makes_an_order_smaller__keeps_its_number_and_costs_no_budget(street, seller, slot, limits):
    order = street.sell(seller, slot, 1000, 100)
    assert tuple(street.desk.replace(order, 1000, 60, sender=AGENT)) == (order, 0)
    assert street.lens.order(order).wh == 60
    assert left(street, seller) == limits


def test_replace__agent_changes_the_price__counts_as_a_new_order(street, seller, slot, limits):
    order = street.sell(seller, slot, 1000, 100)
    new, filled = street.desk.replace(order, 950, 100, sender=AGENT)
    assert (street.lens.order(order).wh, street.lens.order(new).price, filled) == (0, 950, 0)
    assert left(street, seller) == replace(limits, wh=400, value=500_000 - 95_000)


def test_replace__place_of_an_order_with_an_expiry__takes_none_over(street, seller, slot, limits):
    timed, _ = street.place(seller, Wanted(slot, True, 1000, 100, expiry=street.now + 900))
    street.cancel(timed)
    order = street.sell(seller, slot, 1000, 100)
    new, _ = street.desk.replace(order, 1010, 100, sender=SELLER)
    assert street.lens.order(new).expiry == 0


def test_replace__agent_beyond_its_limit__refused(street, seller, slot, limits):
    order = street.sell(seller, slot, 1000, 100)
    with boa.reverts("agent: price too low"):
        street.desk.replace(order, 890, 100, sender=AGENT)
    with boa.reverts("agent: energy used up"):
        street.desk.replace(order, 1000, 501, sender=AGENT)
    assert street.lens.order(order).wh == 100


def test_replace__owner_changes_price_and_energy__new_order_with_the_expiry_it_had(street, seller, slot):
    expiry = street.now + 501
    order, _ = street.place(seller, Wanted(slot, True, 1000, 100, expiry=expiry))
    new, filled = street.desk.replace(order, 1010, 150, sender=SELLER)
    assert (street.lens.order(new).wh, filled) == (150, 0)
    street.go_to(expiry - 1)
    with boa.reverts("order: still open"):
        street.exchange.release([new], sender=street.attacker.address)
    street.go_to(expiry)
    with boa.reverts("order: bad expiry"):
        street.desk.replace(new, 1010, 160, sender=SELLER)
    street.exchange.release([new], sender=street.attacker.address)
    assert street.lens.order(new).wh == 0


def test_replace__crosses_now__trades_at_once(street, seller, buyer, slot):
    order = street.sell(seller, slot, 1000, 100)
    street.buy(buyer, slot, 950, 70)
    new, filled = street.desk.replace(order, 950, 100, sender=SELLER)
    assert (street.lens.order(new).wh, filled) == (30, 70)


def test_replace__deep_in_a_queue_with_an_expiry__keeps_it(street, seller, slot):
    orders = [street.place(seller, Wanted(slot, True, 1000, 50, expiry=street.now + 300 + i))[0] for i in range(12)]
    new, _ = street.desk.replace(orders[10], 1000, 60, sender=SELLER)
    street.go_to(street.now + 309)
    with boa.reverts("order: still open"):
        street.exchange.release([new], sender=street.attacker.address)
    street.go_to(street.now + 1)
    street.exchange.release([new], sender=street.attacker.address)
    assert street.lens.order(new).wh == 0


@pytest.mark.parametrize("place", range(5))
def test_replace__any_place_of_a_level__found(street, seller, slot, place):
    orders = [street.sell(seller, slot, 1000, 50) for _ in range(5)]
    street.desk.replace(orders[place], 1000, 20, sender=SELLER)
    assert street.lens.order(orders[place]).wh == 20


def test_replace__same_price_and_smaller_than_allowed__refused(street, seller, slot):
    order = street.sell(seller, slot, 1000, 100)
    with boa.reverts("order: below minimum size"):
        street.desk.replace(order, 1000, 9, sender=SELLER)


def test_replace__order_gone__refused(street, seller, slot, limits):
    order = street.sell(seller, slot, 1000, 100)
    street.sell(seller, slot, 1000, 100)
    street.cancel(order)
    for act in (
        lambda: street.desk.replace(order, 1000, 10, sender=AGENT),
        lambda: street.desk.cancel(order, sender=AGENT),
    ):
        with boa.reverts("order: gone"):
            act()


def test_replace__not_an_agent_of_the_site__refused(street, buyer, slot, limits):
    order = street.buy(buyer, slot, 900, 100)
    with boa.reverts("agent: unknown"):
        street.desk.replace(order, 900, 50, sender=AGENT)


def test_cancel_many__agent__those_gone_are_passed_over(street, seller, slot, limits):
    orders = [street.sell(seller, slot + i, 1000, 50) for i in range(3)]
    street.cancel(orders[1])
    street.desk.cancel_many(seller, orders, sender=AGENT)
    assert [street.lens.order(order).wh for order in orders] == [0, 0, 0]


def test_cancel_many__deep_in_a_queue__found(street, seller, slot, limits):
    orders = [street.sell(seller, slot, 1000, 50 + i) for i in range(13)]
    street.desk.cancel_many(seller, orders[5:], sender=AGENT)
    assert [street.lens.order(order).wh for order in orders] == [50, 51, 52, 53, 54] + [0] * 8


def test_cancel_many__order_of_another_site_among_them__refused(street, seller, buyer, slot, limits):
    orders = [street.sell(seller, slot, 1000, 50), street.buy(buyer, slot, 900, 50)]
    with boa.reverts("order: not of the site"):
        street.desk.cancel_many(seller, orders, sender=AGENT)
    of_another_turn = orders[1] + (4096 << 25)
    street.cancel(orders[1])
    street.desk.cancel_many(seller, [orders[1]], sender=AGENT)
    assert street.buy(buyer, slot, 900, 50) == orders[1] + 1
    street.desk.cancel_many(seller, [of_another_turn + 1], sender=AGENT)
    assert street.lens.order(orders[1] + 1).wh == 50


def test_cancel_many__stranger__refused(street, seller, slot):
    with boa.reverts("agent: unknown"):
        street.desk.cancel_many(seller, [street.sell(seller, slot, 1000, 50)], sender=street.attacker.address)


def test_stop__agents_cancel__goes_on_while_placing_is_refused(street, owner, seller, limits):
    street.grid.set_guardian(street.attacker.address, sender=owner)
    street.go_to(street.now + 8 * 86_400)
    slot = street.now_slot + 96
    street.desk.set_agent(
        seller,
        AGENT,
        limits_tuple(replace(limits, first_slot=slot, last_slot=slot, expiry=street.now + 99)),
        sender=SELLER,
    )
    orders = [street.sell(seller, slot, 1000, 50) for _ in range(3)]
    street.grid.stop_orders(3600, sender=street.attacker.address)
    with boa.reverts("order: trading is stopped"):
        street.desk.place(seller, slot, True, 1000, 50, 0, 0, sender=AGENT)
    street.desk.cancel(orders[0], sender=AGENT)
    street.desk.cancel_many(seller, orders[1:2], sender=AGENT)
    assert tuple(street.desk.cancel_range(seller, slot, slot, sender=AGENT)) == (1, slot + 1)
