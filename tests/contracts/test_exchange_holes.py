"""Holes that others fell into and this design closes, one test each."""

from dataclasses import replace

import boa
import pytest

from tests.contracts.model import (
    AS_TRADED,
    AT_BOUND,
    IMMEDIATE_OR_CANCEL,
    MAX_NET_WH,
    NO_READING,
    REPORT_TIMEOUT,
    RING_SLOTS,
    Entry,
    Reading,
    Tariff,
    Wanted,
)
from tests.contracts.signing import person
from tests.contracts.street import CONSUMER, GRAIN, NET8, closed, events, tariff_tuple, terms_tuple

PRICE, IMBALANCE, FEED_IN, FEE = 1000, 3000, 80, 100


def conserved(street, sites, slots):
    """Every grain held is somebody's: free, held for a position or an order, in the pool or a fee."""
    owned = sum(street.free(site) for site in sites) + sum(street.exchange.zone_account(street.zone))
    for slot in slots:
        for site in sites:
            position = street.lens.position(site, slot)
            owned += street.lens.margin_held(site, slot) + position.value
    return owned == street.held()


def test_unplugged_meter__of_the_seller__pays_for_all_of_it(street, seller, buyer, slot):
    before = street.free(seller)
    street.trade(seller, buyer, slot, PRICE, 100)
    street.end(slot)
    street.report(Entry(seller, slot // 4, {0: None}), Entry(buyer, slot // 4, {0: Reading(0, 100)}))
    assert street.free(seller) == before - 100 * (IMBALANCE - PRICE)
    assert street.pool() == 100 * IMBALANCE


def test_unplugged_meter__of_the_buyer__gets_nothing_back(street, seller, buyer, slot):
    street.exchange.fund_pool(street.zone, NET8 * GRAIN, sender=street.rich())
    before = street.free(buyer)
    street.trade(seller, buyer, slot, PRICE, 100)
    street.end(slot)
    street.report(Entry(seller, slot // 4, {0: Reading(100, 0)}), Entry(buyer, slot // 4, {0: None}))
    assert street.free(buyer) == before - 100 * (PRICE + FEE)
    assert street.pool() == NET8


def test_tariff__changed_between_trade_and_settlement__cannot(street, seller, buyer, slot, terms):
    before = street.free(seller)
    street.trade(seller, buyer, slot, PRICE, 100)
    operator = street.grid_operator.address
    with boa.reverts("terms: published too late"):
        street.grid.publish_tariffs(
            street.zone, slot // 4, [tariff_tuple(Tariff(feed_in=1, imbalance=65535, grid_fee=2000))], sender=operator
        )
    dear = replace(terms, imbalance=65535, grid_fee=2000, oracle_fee=2000)
    street.grid.set_default_terms(street.zone, terms_tuple(dear), sender=operator)
    street.end(slot)
    street.report(Entry(seller, slot // 4, {0: Reading(60, 0)}), Entry(buyer, slot // 4, {0: Reading(0, 100)}))
    assert street.free(seller) == before + 100 * PRICE - 40 * IMBALANCE


def test_forgotten_order__at_ring_reuse__market_lives_and_lock_is_returned(street, seller, buyer, bakery, slot):
    before = street.free(seller)
    street.sell(seller, slot, PRICE, 100)
    street.go_to_slot(slot + RING_SLOTS - 96)
    street.sell(bakery, slot + RING_SLOTS, PRICE, 10)
    assert street.place(buyer, Wanted(slot + RING_SLOTS, False, PRICE, 10)) == (0, 10)
    assert street.free(seller) == before


def test_forgotten_orders__of_several_sites_at_one_price__each_lock_is_returned(street, seller, buyer, bakery, slot):
    """The first five lie in the level's word, the others in queue words."""
    sites = seller, buyer
    before = [street.free(site) for site in sites]
    for place in range(13):
        street.sell(sites[place % 2], slot, PRICE, 10 + place)
    street.cancel(street.lens.orders(street.zone, slot, True)[6].id)
    street.go_to_slot(slot + RING_SLOTS - 96)
    street.sell(bakery, slot + RING_SLOTS, PRICE, 10)
    assert [wh for _, wh, _ in closed(street.exchange)] == [10 + place for place in range(13) if place != 6]
    assert [street.free(site) for site in sites] == before


def test_forgotten_orders__more_than_a_transaction_carries__anyone_frees_the_market(street, seller, buyer, slot):
    before = street.free(seller)
    for _ in range(2):
        street.exchange.place_many(
            seller, [Wanted(slot, True, PRICE, 10).packed()] * 96, sender=street.owner_of(seller)
        )
    street.go_to_slot(slot + RING_SLOTS - 96)
    with boa.reverts("book: release old orders"):
        street.sell(buyer, slot + RING_SLOTS, PRICE, 10)
    while forgotten := [order.id for order in street.lens.orders(street.zone, slot, True)]:
        street.exchange.release(forgotten[:64], sender=street.attacker.address)
    street.sell(buyer, slot + RING_SLOTS, PRICE, 10)
    assert street.free(seller) == before


def test_overdue_position__at_ring_reuse__settles_on_the_way(street, seller, buyer, bakery, slot):
    before = street.free(seller)
    street.trade(seller, buyer, slot, PRICE, 100)
    street.go_to_slot(slot + RING_SLOTS - 96)
    street.trade(seller, bakery, slot + RING_SLOTS, PRICE, 10)
    (settled,) = events(street.exchange, "SettledOverdue")
    assert (settled.site, settled.slot, settled.outcome) == (seller, slot, AS_TRADED)
    assert street.free(seller) == before + 100 * PRICE - 10 * (IMBALANCE - PRICE)


POISON = {
    "above its nameplate": lambda site, slot: Entry(site, slot // 4, {0: Reading(2**24 - 1, 0)}).word(),
    "unknown site": lambda site, slot: Entry(site + 900, slot // 4, {0: Reading(1, 0)}).word(),
    "slot not over": lambda site, slot: Entry(site, slot // 4 + 30, {0: Reading(1, 0)}).word(),
    "too late": lambda site, slot: Entry(site, slot // 4 - 300, {0: Reading(1, 0)}).word(),
    "empty mask": lambda site, slot: Entry(site, slot // 4, {}).word(),
    "zero": lambda site, slot: 0,
    "every bit": lambda site, slot: 2**256 - 1,
}


@pytest.mark.parametrize("poison", POISON)
def test_poisoned_entry__in_a_report__others_settle(street, seller, buyer, bakery, slot, poison):
    before = street.free(seller), street.free(buyer)
    street.trade(seller, buyer, slot, PRICE, 100)
    street.end(slot)
    words = [
        Entry(seller, slot // 4, {0: Reading(100, 0)}).word(),
        Entry(buyer, slot // 4, {0: Reading(0, 100)}).word(),
        POISON[poison](bakery, slot),
    ]
    settled = street.report(*sorted(words, key=lambda word: word >> 200))
    assert settled == 2
    assert (street.free(seller), street.free(buyer)) == (before[0] + 100 * PRICE, before[1] - 100 * (PRICE + FEE))


@pytest.mark.parametrize("poison", POISON)
def test_poisoned_entry__before_all_others_in_a_report__they_settle(street, seller, buyer, bakery, slot, poison):
    street.trade(seller, buyer, slot, PRICE, 100)
    street.end(slot)
    good = Entry(seller, slot // 4, {0: Reading(100, 0)}), Entry(buyer, slot // 4, {0: Reading(0, 100)})
    assert street.report(POISON[poison](bakery, slot), *(entry.word() for entry in good)) == 2


def test_one_site_settled_before_the_others__changes_nothing_for_them(street, seller, buyer, bakery, slot):
    sites = (seller, buyer, bakery)
    before = {site: street.free(site) for site in sites}
    street.trade(seller, buyer, slot, PRICE, 60)
    street.trade(seller, bakery, slot, PRICE, 40)
    street.end(slot)
    for entry in (
        Entry(bakery, slot // 4, {0: Reading(0, 40)}),
        Entry(seller, slot // 4, {0: Reading(100, 0)}),
        Entry(buyer, slot // 4, {0: Reading(0, 60)}),
    ):
        street.report(entry)
        assert conserved(street, sites, [slot])
    assert street.free(seller) == before[seller] + 100 * PRICE
    assert street.free(buyer) == before[buyer] - 60 * (PRICE + FEE)
    assert street.free(bakery) == before[bakery] - 40 * (PRICE + FEE)


def test_maker_at_his_position_bound__dropped_and_unlocked__taker_goes_on(street, seller, battery, buyer, bakery, slot):
    for site in (seller, buyer):
        street.fund(site, MAX_NET_WH * 4000)
    street.sell(seller, slot, PRICE, MAX_NET_WH)
    street.buy(buyer, slot, PRICE, MAX_NET_WH)
    full = street.sell(seller, slot, PRICE, 50)
    free = street.free(seller)
    street.sell(battery, slot, PRICE, 10)
    assert street.place(bakery, Wanted(slot, False, PRICE, 10)) == (0, 10)
    assert closed(street.exchange) == [(full, 50, AT_BOUND)]
    assert street.free(seller) == free + 50 * (IMBALANCE - PRICE)
    assert street.lens.position(seller, slot).net_wh == MAX_NET_WH
    assert street.lens.position(bakery, slot).net_wh == -10


def test_dust_at_the_best_price__work_is_bounded_and_the_next_take_starts_where_this_one_stopped(
    street, seller, battery, buyer, slot
):
    dust = [Wanted(slot, True, PRICE, 10).packed()] * 96
    street.exchange.place_many(seller, dust, sender=street.owner_of(seller))
    for order in [o.id for o in street.lens.orders(street.zone, slot, True)]:
        street.cancel(order)
        break
    for order in [o.id for o in street.lens.orders(street.zone, slot, True)][:80]:
        street.cancel(order)
    reached, filled = street.place(buyer, Wanted(slot, False, PRICE, 10, IMMEDIATE_OR_CANCEL))
    gas = street.exchange.call_trace().gas_used
    assert (reached, filled) == (0, 0)
    assert gas < 1_000_000
    assert street.place(buyer, Wanted(slot, False, PRICE, 10, IMMEDIATE_OR_CANCEL)) == (0, 10)


def test_left_out_site__after_the_timeout__settles_as_no_reading(street, seller, buyer, slot):
    before = street.free(seller)
    street.trade(seller, buyer, slot, PRICE, 100)
    street.end(slot)
    street.report(Entry(buyer, slot // 4, {0: Reading(0, 100)}))
    street.go_to_slot(slot + 1 + REPORT_TIMEOUT, 1)
    street.exchange.settle_overdue(seller, slot, sender=street.attacker.address)
    assert street.lens.position(seller, slot).outcome == NO_READING
    assert street.free(seller) == before - 100 * (IMBALANCE - PRICE)


def test_no_report_at_all__after_the_timeout__settles_as_traded(street, seller, buyer, slot):
    before = street.free(seller), street.free(buyer)
    street.trade(seller, buyer, slot, PRICE, 100)
    street.go_to_slot(slot + 1 + REPORT_TIMEOUT, 1)
    for site in (seller, buyer):
        street.exchange.settle_overdue(site, slot, sender=street.attacker.address)
        assert street.lens.position(site, slot).outcome == AS_TRADED
    assert (street.free(seller), street.free(buyer)) == (before[0] + 100 * PRICE, before[1] - 100 * (PRICE + FEE))
    assert street.pool() == 0


def test_pool__short_of_money__pays_in_order_of_site_as_far_as_it_goes(street, seller, slot):
    homes = [street.connect(person(f"home {i}"), CONSUMER, 0, NET8) for i in range(3)]
    street.exchange.fund_pool(street.zone, 150 * FEED_IN * GRAIN, sender=street.rich())
    for home in homes:
        street.trade(seller, home, slot, PRICE, 100)
    before = [street.free(home) for home in homes]
    street.end(slot)
    street.report(*(Entry(home, slot // 4, {0: Reading(0, 0)}) for home in homes))
    paid = [street.free(home) - free for home, free in zip(homes, before, strict=True)]
    assert paid == [100 * FEED_IN, 50 * FEED_IN, 0]
    assert street.pool() == 0


def test_pool__empty_before__shortfalls_of_the_same_report_pay_even_for_sites_before_them(street, buyer, slot):
    late_seller = street.connect(person("seller with a high number"), 1, 1_000_000, 100 * NET8)
    assert late_seller > buyer
    street.trade(late_seller, buyer, slot, PRICE, 100)
    before = street.free(buyer)
    street.end(slot)
    street.report(Entry(buyer, slot // 4, {0: Reading(0, 60)}), Entry(late_seller, slot // 4, {0: Reading(90, 0)}))
    assert street.free(buyer) == before + 40 * FEED_IN
    assert street.pool() == 10 * IMBALANCE - 40 * FEED_IN


def test_defaulting__at_the_highest_price__costs_more_than_it_brings(street, seller, buyer, slot):
    before = street.free(seller)
    street.trade(seller, buyer, slot, 2330, 100)
    street.end(slot)
    street.report(Entry(seller, slot // 4, {0: Reading(0, 0)}))
    assert street.free(seller) < before


def test_buying_to_waste__at_the_lowest_price__costs_more_than_it_brings(street, seller, buyer, slot):
    street.exchange.fund_pool(street.zone, NET8 * GRAIN, sender=street.rich())
    before = street.free(buyer)
    street.trade(seller, buyer, slot, 100, 100)
    street.end(slot)
    street.report(Entry(buyer, slot // 4, {0: Reading(0, 0)}))
    assert street.free(buyer) < before
