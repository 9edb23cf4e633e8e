"""Matching: price first, then time; who is dropped on the way; how much work a take does."""

import boa
import pytest

from tests.contracts.model import FILL_OR_KILL, IMMEDIATE_OR_CANCEL, MAX_VISITS, Wanted
from tests.contracts.signing import person
from tests.contracts.street import NET8, SOLAR, closed, events, trades


@pytest.fixture(scope="module")
def makers(street, battery):
    """Twelve neighbours with 100 NET8 each."""
    return [street.connect(person(f"maker {i}"), SOLAR, 100_000, 100 * NET8) for i in range(12)]


@pytest.mark.parametrize("sell", [True, False])
def test_take__several_prices__best_first_at_the_makers_price(street, makers, buyer, slot, sell):
    prices = [1000, 980, 1020]
    orders = [street.place(maker, Wanted(slot, sell, p, 10))[0] for maker, p in zip(makers, prices, strict=False)]
    limit, best = (1020, [1, 0, 2]) if sell else (980, [2, 0, 1])
    before = street.free(buyer)
    street.place(buyer, Wanted(slot, not sell, limit, 25))
    expected = [(orders[i], makers[i], buyer, wh) for i, wh in zip(best, (10, 10, 5), strict=True)]
    assert trades(street.exchange) == expected
    value = sum(prices[i] * wh for i, wh in zip(best, (10, 10, 5), strict=True))
    position = street.lens.position(buyer, slot)
    sign = -1 if sell else 1
    assert (position.net_wh, position.value) == (sign * 25, sign * value)
    assert before - street.free(buyer) == (value + 25 * 100 if sell else 25 * 3000 - value)


def test_take__one_price__oldest_first_even_across_words(street, makers, buyer, slot):
    orders = [street.sell(maker, slot, 1000, 10) for maker in makers]
    street.buy(buyer, slot, 1000, 115)
    expected = [(o, m, buyer, 10) for o, m in zip(orders, makers, strict=True)]
    expected[-1] = (orders[-1], makers[-1], buyer, 5)
    assert trades(street.exchange) == expected
    assert street.lens.order(orders[-1]).wh == 5


def test_take__limit_not_reached__rests_beside(street, seller, buyer, slot):
    street.sell(seller, slot, 1000, 10)
    order, filled = street.place(buyer, Wanted(slot, False, 990, 10))
    assert filled == 0
    assert order != 0


def test_take__whole_level_then_new_order__old_numbers_stay_gone(street, seller, buyer, slot):
    old = street.sell(seller, slot, 1000, 10)
    street.buy(buyer, slot, 1000, 10)
    new = street.sell(seller, slot, 1000, 10)
    assert new != old
    assert street.lens.order(old).wh == 0
    assert [o.id for o in street.lens.orders(street.zone, slot, True)] == [new]


def test_take__trade__each_side_holds_its_own_margin(street, seller, buyer, slot):
    free = street.free(seller), street.free(buyer)
    street.trade(seller, buyer, slot, 1000, 50)
    sold, bought = street.lens.position(seller, slot), street.lens.position(buyer, slot)
    assert (sold.net_wh, sold.value, sold.margin) == (50, 50_000, 50 * 2000)
    assert (bought.net_wh, bought.value, bought.margin) == (-50, -50_000, 50 * 1100)
    assert (street.free(seller), street.free(buyer)) == (free[0] - 50 * 2000, free[1] - 50 * 1100)


def test_take__many_orders_at_one_price__every_taker_begins_where_the_one_before_ended(street, seller, buyer, slot):
    """The first five lie in the level's word, six in each queue word."""
    orders = [street.sell(seller, slot, 1000, 10 + place) for place in range(20)]
    filled = iter(orders)
    for count in (2, 5, 1, 4, 8):
        met = [next(filled) for _ in range(count)]
        wh = sum(10 + orders.index(order) for order in met)
        assert street.place(buyer, Wanted(slot, False, 1000, wh)) == (0, wh)
        assert [order for order, *_ in trades(street.exchange)] == met


@pytest.mark.parametrize("place", [0, 4, 5, 6, 10, 11])
def test_take__a_part_of_an_order__the_rest_stays_where_it_was(street, seller, buyer, slot, place):
    orders = [street.sell(seller, slot, 1000, 50) for _ in range(12)]
    assert street.place(buyer, Wanted(slot, False, 1000, 50 * place + 17)) == (0, 50 * place + 17)
    left = street.lens.orders(street.zone, slot, True)
    assert [(order.id, order.wh) for order in left] == list(
        zip(orders[place:], [33] + [50] * (11 - place), strict=True)
    )


def test_take__better_price_than_the_limit__difference_stays_with_the_taker(street, seller, buyer, slot):
    street.sell(seller, slot, 900, 50)
    before = street.free(buyer)
    street.buy(buyer, slot, 2000, 50)
    assert street.free(buyer) == before - 50 * (900 + 100)


def test_take__position_turned_back__margin_returns_and_profit_is_kept_until_settled(street, seller, buyer, slot):
    before = street.free(buyer)
    street.trade(seller, buyer, slot, 1000, 50)
    street.buy(seller, slot, 1200, 50)
    street.sell(buyer, slot, 1200, 50)
    position = street.lens.position(buyer, slot)
    assert (position.net_wh, position.value, position.margin) == (0, 50 * 200, 0)
    assert street.free(buyer) == before


def test_take__position_turned_back_at_a_loss__loss_stays_held(street, seller, buyer, slot):
    before = street.free(buyer)
    street.trade(seller, buyer, slot, 1000, 50)
    street.buy(seller, slot, 900, 50)
    street.sell(buyer, slot, 900, 50)
    position = street.lens.position(buyer, slot)
    assert (position.net_wh, position.value, position.margin) == (0, -50 * 100, 50 * 100)
    assert street.free(buyer) == before - 50 * 100


def test_take__maker_nets_an_earlier_trade__freed_margin_returns_to_him(street, seller, buyer, slot):
    street.trade(seller, buyer, slot, 1000, 50)
    before = street.free(seller)
    street.buy(seller, slot, 1000, 50)
    street.sell(buyer, slot, 1000, 50)
    assert street.free(seller) == before + 50 * 2000
    assert street.lens.margin_held(seller, slot) == 0


# ---- nobody trades with himself -------------------------------------------------------------------------------------


def test_take__own_order_in_the_way__cancelled_and_next_is_taken(street, seller, battery, slot):
    before = street.free(battery)
    own = street.sell(battery, slot, 990, 30)
    other = street.sell(seller, slot, 1000, 10)
    order, filled = street.place(battery, Wanted(slot, False, 1000, 10))
    assert (order, filled) == (0, 10)
    assert closed(street.exchange) == [(own, 30, 2)]
    assert trades(street.exchange) == [(other, seller, battery, 10)]
    assert street.free(battery) == before - 10 * 1100


def test_take__order_of_another_site_of_the_same_owner__cancelled(street, slot, battery):
    second = street.connect(person("battery"), SOLAR, 100_000, NET8)
    before = street.free(second)
    own = street.sell(second, slot, 1000, 10)
    order, filled = street.place(battery, Wanted(slot, False, 1000, 10))
    assert filled == 0
    assert closed(street.exchange) == [(own, 10, 2)]
    assert street.free(second) == before
    assert street.lens.order(order).wh == 10


def test_take__only_own_orders_and_fill_or_kill__refused_and_they_stay(street, battery, slot):
    own = street.sell(battery, slot, 1000, 10)
    with boa.reverts("order: cannot fill"):
        street.buy(battery, slot, 1000, 10, FILL_OR_KILL)
    assert street.lens.order(own).wh == 10


def test_take__own_lock_comes_back_first__counts_for_the_order(street, battery, slot):
    street.leave(battery, 10 * 2000)
    street.sell(battery, slot, 1000, 10)
    assert street.free(battery) == 0
    order = street.buy(battery, slot, 1000, 18)
    assert street.lens.order(order).wh == 18


def test_take__owners_alike_in_the_low_bits__still_trade(street, buyer, slot):
    mine = int(person("buyer").address, 16) & 15
    alike = next(p for p in (person(f"alike {i}") for i in range(1000)) if int(p.address, 16) & 15 == mine)
    site = street.connect(alike, SOLAR, 100_000, NET8)
    street.sell(site, slot, 1000, 10)
    assert street.place(buyer, Wanted(slot, False, 1000, 10)) == (0, 10)


# ---- bounded work ---------------------------------------------------------------------------------------------------


def dust(street, site, slot, count, price=1000):
    """Smallest orders at one price, placed in batches; their numbers."""
    wanted = [Wanted(slot, True, price, 10).packed()] * count
    for i in range(0, count, 96):
        street.exchange.place_many(site, wanted[i : i + 96], sender=street.owner_of(site))
    return [o.id for o in street.lens.orders_of(site, slot) if o.price == price]


def test_take__64_orders_met_exactly__fills_and_rests_as_nothing_crosses(street, seller, buyer, slot):
    dust(street, seller, slot, MAX_VISITS)
    order, filled = street.place(buyer, Wanted(slot, False, 1000, 10 * MAX_VISITS + 10))
    assert filled == 10 * MAX_VISITS
    assert street.lens.order(order).wh == 10


def test_take__65th_order_crosses__rest_lapses_and_book_never_crosses(street, seller, buyer, slot):
    orders = dust(street, seller, slot, MAX_VISITS + 1)
    order, filled = street.place(buyer, Wanted(slot, False, 1000, 10 * MAX_VISITS + 10))
    assert (order, filled) == (0, 10 * MAX_VISITS)
    (lapsed,) = events(street.exchange, "OrderLapsed")
    assert lapsed == (buyer, slot, False, 1000, 10, True)
    assert [o.id for o in street.lens.orders(street.zone, slot, True)] == orders[-1:]


def test_take__bound_reached_across_levels__rest_lapses(street, seller, buyer, slot):
    dust(street, seller, slot, 40, 1000)
    dust(street, seller, slot, 40, 1010)
    order, filled = street.place(buyer, Wanted(slot, False, 1010, 1000))
    assert (order, filled) == (0, 640)
    assert [(level.price, level.orders) for level in street.lens.depth(street.zone, slot, True)] == [(1010, 16)]


def test_take__fill_or_kill_beyond_the_bound__refused(street, seller, buyer, slot):
    dust(street, seller, slot, MAX_VISITS + 1)
    with boa.reverts("order: cannot fill"):
        street.buy(buyer, slot, 1000, 10 * MAX_VISITS + 10, FILL_OR_KILL)


def test_take__cancelled_places__count_as_met_and_are_not_met_again(street, seller, battery, buyer, slot):
    orders = dust(street, seller, slot, 100)
    for order in orders[:99]:
        street.cancel(order)
    assert street.place(buyer, Wanted(slot, False, 1000, 10, IMMEDIATE_OR_CANCEL)) == (0, 0)
    assert street.place(buyer, Wanted(slot, False, 1000, 10, IMMEDIATE_OR_CANCEL)) == (0, 10)


# ---- positions at their bounds --------------------------------------------------------------------------------------


def test_take__taker_beyond_his_position_bound__refused(street, seller, buyer, bakery, slot):
    most = 2**21 - 1
    for site in (seller, buyer, bakery):
        street.fund(site, most * 4000)
    street.sell(seller, slot, 100, most)
    street.buy(buyer, slot, 100, most)
    street.sell(bakery, slot, 100, 10)
    with boa.reverts("position: at its bound"):
        street.buy(buyer, slot, 100, 10)
    assert street.lens.position(buyer, slot).net_wh == -most
    street.sell(buyer, slot, 100, 10)
