"""Making an order smaller where it stands, and taking many out at once."""

import boa
import pytest

from tests.contracts.model import BY_OWNER, Wanted
from tests.contracts.signing import person
from tests.contracts.street import closed, reduced, trades

LOCK = 2000  # grains per Wh that a sale at 1000 locks


@pytest.fixture
def reduce(street):
    """reduce(order, wh): by the owner of its site unless somebody else is named."""

    def reduce(order, wh, sender=None):
        owner = sender or person("seller").address
        street.exchange.reduce(order, wh, sender=owner)

    return reduce


@pytest.fixture
def queue(street, seller, battery, slot):
    """Twelve sales of 50 Wh at one price, by turns of two sites: five in the level's word, seven in two queue words."""
    return [street.sell((seller, battery)[i % 2], slot, 1000, 50) for i in range(12)]


def test_reduce__sale__part_of_its_lock_comes_back_exactly(street, seller, slot, reduce):
    order = street.sell(seller, slot, 1000, 50)
    before = street.free(seller)
    reduce(order, 17)
    assert reduced(street.exchange) == [(order, seller, 17)]
    assert street.free(seller) == before + 33 * LOCK
    assert tuple(street.lens.order(order)) == (order, seller, True, 1000, 17, 0)


def test_reduce__bid__part_of_its_lock_comes_back_exactly(street, buyer, slot, reduce):
    order = street.buy(buyer, slot, 1000, 50)
    before = street.free(buyer)
    reduce(order, 10, person("buyer").address)
    assert street.free(buyer) == before + 40 * 1100
    assert street.lens.order_lock(order) == 10 * 1100


@pytest.mark.parametrize("place", [0, 4, 6, 10])
def test_reduce__anywhere_in_the_queue__keeps_number_and_priority(street, buyer, slot, queue, reduce, place):
    reduce(queue[place], 20)
    found = street.lens.orders(street.zone, slot, True)
    assert [order.id for order in found] == queue
    assert [order.wh for order in found] == [20 if i == place else 50 for i in range(12)]
    street.buy(buyer, slot, 1000, 50 * place + 20)
    assert trades(street.exchange)[-1][::3] == (queue[place], 20)


def test_reduce__at_the_end_of_the_queue__others_untouched(street, slot, queue, reduce):
    reduce(queue[11], 20, person("battery").address)
    assert [order.wh for order in street.lens.orders(street.zone, slot, True)] == [50] * 11 + [20]


def test_reduce__after_a_partial_fill__counts_from_what_is_left(street, seller, buyer, slot, reduce):
    order = street.sell(seller, slot, 1000, 50)
    street.buy(buyer, slot, 1000, 20)
    with boa.reverts("order: not less"):
        reduce(order, 30)
    reduce(order, 29)
    assert street.lens.order(order).wh == 29


@pytest.mark.parametrize("wh", [50, 51, 2**21, 2**255])
def test_reduce__not_less__refused(street, seller, slot, reduce, wh):
    order = street.sell(seller, slot, 1000, 50)
    with boa.reverts("order: not less"):
        reduce(order, wh)


def test_reduce__to_the_minimum__accepted_and_not_below(street, seller, slot, reduce):
    order = street.sell(seller, slot, 1000, 50)
    for wh in (0, 9):
        with boa.reverts("order: below minimum size"):
            reduce(order, wh)
    reduce(order, 10)
    assert street.lens.order(order).wh == 10


def test_reduce__gone__refused(street, seller, buyer, slot, reduce):
    cancelled = street.sell(seller, slot, 1000, 50)
    street.cancel(cancelled)
    filled = street.sell(seller, slot, 1010, 50)
    street.buy(buyer, slot, 1010, 50)
    for order in (cancelled, filled):
        with boa.reverts("order: gone"):
            reduce(order, 20)


@pytest.mark.parametrize("number", [0, 2**96 - 1, 2**256 - 1])
def test_reduce__number_of_no_order__refused(reduce, number):
    with boa.reverts("order: gone"):
        reduce(number, 20)


def test_reduce__order_of_another__refused(street, seller, slot, reduce):
    order = street.sell(seller, slot, 1000, 50)
    for stranger in (person("buyer").address, street.owner, street.grid_operator.address):
        with boa.reverts("site: not yours"):
            reduce(order, 20, stranger)


def test_reduce__by_the_desk__for_any_site(street, seller, slot, reduce):
    order = street.sell(seller, slot, 1000, 50)
    before = street.free(seller)
    reduce(order, 20, street.desk.address)
    assert street.free(seller) == before + 30 * LOCK


def test_reduce__then_cancel__all_of_the_lock_is_back(street, seller, slot, reduce):
    before = street.free(seller)
    order = street.sell(seller, slot, 1000, 50)
    reduce(order, 33)
    reduce(order, 12)
    street.cancel(order)
    assert closed(street.exchange) == [(order, 12, BY_OWNER)]
    assert street.free(seller) == before


def test_reduce__after_the_gate__still_possible(street, seller, slot, reduce):
    order = street.sell(seller, slot, 1000, 50)
    street.end(slot)
    reduce(order, 20)
    assert street.lens.order(order).wh == 20


# ---- cancel many ----------------------------------------------------------------------------------------------------


def test_cancel_many__across_slots_sides_and_queues__all_locks_back(street, seller, slot):
    before, owner = street.free(seller), person("seller").address
    orders = [street.sell(seller, slot + i % 3, 1000 + 10 * (i % 2), 50) for i in range(40)]
    orders += [street.buy(seller, slot, 500, 10) for _ in range(8)]
    street.exchange.cancel_many(orders, sender=owner)
    assert sorted(closed(street.exchange)) == sorted((order, 10 if order in orders[40:] else 50, 0) for order in orders)
    assert street.free(seller) == before
    assert all(street.lens.orders_of(seller, slot + i) == [] for i in range(3))


def test_cancel_many__some_gone_already__passed_over(street, seller, buyer, slot, queue):
    street.buy(buyer, slot, 1000, 50)
    street.cancel(queue[2])
    mine = [queue[i] for i in (0, 2, 4, 6)]
    street.exchange.cancel_many([*mine, 0, 2**256 - 1], sender=person("seller").address)
    assert closed(street.exchange) == [(queue[4], 50, BY_OWNER), (queue[6], 50, BY_OWNER)]


def test_cancel_many__same_order_twice__returned_once(street, seller, slot):
    before = street.free(seller)
    order, other = street.sell(seller, slot, 1000, 50), street.sell(seller, slot, 1000, 10)
    street.exchange.cancel_many([order, order], sender=person("seller").address)
    assert street.free(seller) == before - 10 * LOCK
    assert street.lens.order(other).wh == 10


def test_cancel_many__one_of_another__refuses_all(street, slot, queue):
    with boa.reverts("site: not yours"):
        street.exchange.cancel_many(queue[:2], sender=person("seller").address)
    assert [order.wh for order in street.lens.orders(street.zone, slot, True)] == [50] * 12


def test_cancel_many__by_the_desk__of_several_sites(street, slot, queue):
    street.exchange.cancel_many(queue, sender=street.desk.address)
    assert street.lens.orders(street.zone, slot, True) == []


def test_cancel_many__none__nothing(street):
    street.exchange.cancel_many([], sender=street.attacker.address)
    assert closed(street.exchange) == []


def test_cancel_many__level_emptied__next_order_starts_afresh(street, seller, buyer, slot, queue):
    street.exchange.cancel_many(queue, sender=street.desk.address)
    order = street.sell(seller, slot, 1000, 30)
    assert order == queue[-1] + 1
    assert street.place(buyer, Wanted(slot, False, 1000, 30)) == (0, 30)
    assert trades(street.exchange) == [(order, seller, buyer, 30)]
