"""Views: what wallets, agents and auditors read, also where there is nothing to read."""

import pytest

from tests.contracts.model import METERED, RING_SLOTS, Entry, Pair, Reading, Wanted
from tests.contracts.street import NET8


def test_depth__several_levels__best_first_with_sums(street, seller, battery, buyer, slot):
    last = street.sell(seller, slot, 1010, 10)
    street.sell(battery, slot, 1000, 20)
    street.sell(seller, slot, 1000, 30)
    for price, wh in ((900, 11), (950, 12)):
        street.buy(buyer, slot, price, wh)
    assert [tuple(level) for level in street.lens.depth(street.zone, slot, True)] == [(1000, 50, 2), (1010, 10, 1)]
    assert [tuple(level) for level in street.lens.depth(street.zone, slot, False)] == [(950, 12, 1), (900, 11, 1)]
    street.buy(buyer, slot, 1010, 59)
    assert [tuple(level) for level in street.lens.depth(street.zone, slot, True)] == [(1010, 1, 1)]
    assert street.lens.order(last).wh == 1


def test_depth__all_224_levels__listed(street, buyer, slot):
    prices = [100 + 10 * level for level in range(224)]
    for start in range(0, 224, 96):
        batch = [Wanted(slot, False, price, 10).packed() for price in prices[start : start + 96]]
        street.exchange.place_many(buyer, batch, sender=street.owner_of(buyer))
    assert [level.price for level in street.lens.depth(street.zone, slot, False)] == prices[::-1]


def test_orders__priority__price_then_time(street, seller, battery, slot):
    late_but_cheap, first, second = (
        street.sell(battery, slot, 1000, 10),
        street.sell(seller, slot, 990, 10),
        street.sell(battery, slot, 990, 10),
    )
    assert [order.id for order in street.lens.orders(street.zone, slot, True)] == [first, second, late_but_cheap]


def test_orders_of__both_sides__sales_first(street, seller, battery, slot):
    bid = street.buy(battery, slot, 900, 10)
    street.sell(seller, slot, 1000, 10)
    sale = street.sell(battery, slot, 1000, 10)
    assert [order.id for order in street.lens.orders_of(battery, slot)] == [sale, bid]


def test_orders__more_than_512__the_first_512_of_a_side_and_of_a_site(street, battery, slot):
    for level in range(6):
        street.exchange.place_many(
            battery, [Wanted(slot, True, 1000 + 10 * level, 10).packed()] * 96, sender=street.owner_of(battery)
        )
    street.buy(battery, slot, 900, 10)
    sales = street.lens.orders(street.zone, slot, True)
    assert [order.price for order in sales] == sorted([1000 + 10 * level for level in range(6)] * 96)[:512]
    assert street.lens.orders_of(battery, slot) == sales


def test_margin_held__position_and_orders__their_sum(street, seller, buyer, slot):
    street.trade(seller, buyer, slot, 1000, 100)
    street.sell(seller, slot, 1200, 50)
    street.buy(seller, slot, 500, 10)
    assert street.lens.position(seller, slot).margin == 100 * 2000
    assert street.lens.margin_held(seller, slot) == 100 * 2000 + 50 * 1800 + 10 * 600


def test_balances_of__consecutive_sites__same_as_one_by_one(street, seller, buyer, bakery, battery):
    assert list(street.lens.balances_of(seller, 4)) == [street.free(site) for site in (seller, buyer, bakery, battery)]
    assert list(street.lens.balances_of(buyer, 256))[:3] == [street.free(site) for site in (buyer, bakery, battery)]


def test_free_balance__credit_of_a_settlement__included(street, seller, buyer, slot):
    street.trade(seller, buyer, slot, 1000, 100)
    street.end(slot)
    street.report(Entry(seller, slot // 4, {0: Reading(100, 0)}))
    assert street.free(seller) == 1_000 * NET8 + 100 * 1000


def test_positions_of__hour__words_of_all_sites(street, seller, buyer, bakery, slot):
    street.trade(seller, buyer, slot + 1, 1000, 100)
    words = street.lens.positions_of(seller, 256, slot // 4)
    assert [word >> 232 for word in words] == [slot // 4, slot // 4] + [0] * 254
    assert words[0] >> 58 & (2**58 - 1) == 100 << 34 | 100_000
    assert words[1] >> 58 & (2**58 - 1) == (2**22 - 100) << 34 | (2**34 - 100_000)


def test_position__settled__what_was_metered_and_nothing_else(street, seller, buyer, slot):
    for place in (1, 2):
        street.trade(seller, buyer, slot + place, 1000, 100)
    street.end(slot + 2)
    street.report(Entry(seller, slot // 4, {1: Reading(90, 7)}), Entry(buyer, slot // 4, {1: Reading(0, 80)}))
    assert tuple(street.lens.position(seller, slot + 1)) == (0, 0, 0, METERED, 90, 0)
    assert tuple(street.lens.position(buyer, slot + 1)) == (0, 0, 0, METERED, 0, 80)
    assert street.lens.position(seller, slot + 2).outcome == 0
    street.report(Entry(seller, slot // 4, {2: Reading(0, 0)}))
    assert tuple(street.lens.position(seller, slot + 2)) == (0, 0, 0, METERED, 0, 0)


def test_position__bought_back_for_a_grain_less__open_with_nothing_held(street, seller, buyer, slot):
    street.pair(Pair(seller, buyer, slot, 999, 10), Pair(seller, buyer, slot, 1001, 11))
    street.pair(Pair(buyer, seller, slot, 1000, 21))
    assert tuple(street.lens.position(seller, slot)) == (0, 1, 0, 0, 0, 0)


@pytest.mark.parametrize("shift", [RING_SLOTS, -RING_SLOTS])
def test_views__same_cell_of_another_turn__empty(street, seller, buyer, slot, shift):
    street.trade(seller, buyer, slot, 1000, 100)
    order = street.sell(seller, slot, 100, 100)
    other = slot + shift
    assert tuple(street.lens.position(seller, other)) == (0, 0, 0, 0, 0, 0)
    assert list(street.lens.positions_of(seller, 1, other // 4)) == [0]
    assert street.lens.orders(street.zone, other, True) == []
    assert street.lens.depth(street.zone, other, True) == []
    assert street.lens.orders_of(seller, other) == []
    assert street.lens.margin_held(seller, other) == 0
    assert street.lens.order(order + (shift << 25)).wh == 0
    assert street.production(seller, other // 4) == (0, [0, 0, 0, 0])
    assert not street.lens.is_reported(street.zone, other)


def test_views__market_nobody_touched__empty(street, seller, slot):
    assert street.lens.depth(street.zone, slot, True) == []
    assert street.lens.orders(street.zone, slot, False) == []
    assert tuple(street.lens.position(seller, slot)) == (0, 0, 0, 0, 0, 0)
    assert not street.lens.is_reported(street.zone, slot)
    assert street.exchange.zone_account(street.zone) == (0, 0, 0)


def test_lens__reads__the_exchange_it_was_made_for(street):
    assert street.lens.exchange() == street.exchange.address
