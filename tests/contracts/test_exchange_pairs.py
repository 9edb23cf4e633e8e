"""Trades that both sides have signed: what the exchange checks itself, and what it charges whom."""

from dataclasses import replace

import boa
import pytest

from tests.contracts.model import HORIZON, MAX_NET_WH, Entry, Pair, Reading, Terms
from tests.contracts.signing import person
from tests.contracts.street import NET8, SOLAR, events, pairs_traded

PRICE, IMBALANCE, FEE = 1000, 3000, 100


@pytest.fixture(scope="module")
def terms():
    """The gate closes two slots before delivery."""
    return Terms(gate_lead=2)


@pytest.fixture
def pair(seller, buyer, slot):
    """100 Wh at par from the seller to the buyer."""
    return Pair(seller, buyer, slot, PRICE, 100)


def positions(street, slot, *sites):
    return [(p.net_wh, p.value, p.margin) for p in (street.lens.position(site, slot) for site in sites)]


def test_trade__one_pair__both_hold_their_margins(street, seller, buyer, slot, pair):
    free = street.free(seller), street.free(buyer)
    street.pair(pair)
    assert pairs_traded(street.exchange) == [(seller, buyer, slot, PRICE, 100)]
    assert positions(street, slot, seller, buyer) == [
        (100, 100_000, 100 * 2000),
        (-100, -100_000, 100 * 1100),
    ]
    assert (street.free(seller), street.free(buyer)) == (free[0] - 100 * 2000, free[1] - 100 * 1100)


def test_trade__settles__like_any_other(street, seller, buyer, slot, pair):
    free = street.free(seller), street.free(buyer)
    street.pair(pair)
    street.end(slot)
    street.report(Entry(seller, slot // 4, {0: Reading(60, 0)}), Entry(buyer, slot // 4, {0: Reading(0, 100)}))
    assert street.free(seller) == free[0] + 100 * PRICE - 40 * IMBALANCE
    assert street.free(buyer) == free[1] - 100 * (PRICE + FEE)


def test_trade__book_in_between__untouched(street, seller, buyer, battery, slot, pair):
    order = street.sell(battery, slot, 500, 50)
    street.pair(pair)
    assert street.lens.order(order).wh == 50


@pytest.mark.parametrize("sender", ["attacker", "owner", "grid_operator"])
def test_trade__not_the_desk__refused(street, pair, sender):
    who = street.owner if sender == "owner" else getattr(street, sender).address
    with boa.reverts("exchange: only the desk"):
        street.exchange.trade([street.fill(pair)], sender=who)


def test_trade__by_a_party_itself__refused(street, pair):
    with boa.reverts("exchange: only the desk"):
        street.exchange.trade([street.fill(pair)], sender=person("seller").address)


def test_trade__nothing__nothing_happens(street):
    street.pair()
    assert pairs_traded(street.exchange) == []


@pytest.mark.parametrize(
    "change",
    [
        {"wh": 0},
        {"wh": 2**21},
        {"wh": 2**24 - 1},
        {"price": 99},
        {"price": 2331},
        {"price": 0},
        {"price": 2**16 - 1},
    ],
)
def test_trade__energy_or_price_that_no_order_could_have__refused(street, pair, change):
    with boa.reverts("order: not a pair"):
        street.pair(replace(pair, **change))


@pytest.mark.parametrize("price", [100, 101, 2330])
def test_trade__any_price_within_the_grids_ends__accepted(street, seller, slot, pair, price):
    street.pair(replace(pair, price=price, wh=1))
    assert street.lens.position(seller, slot).value == price


def test_trade__largest_order__accepted(street, seller, buyer, slot, pair):
    for site in (seller, buyer):
        street.fund(site, MAX_NET_WH * 3000)
    street.pair(replace(pair, wh=MAX_NET_WH))
    assert street.lens.position(seller, slot).net_wh == MAX_NET_WH
    with boa.reverts("position: at its bound"):
        street.pair(replace(pair, wh=1))


def test_trade__value_beyond_a_position__refused(street, seller, buyer, slot, pair):
    dear = street.open_zone(Terms(feed_in=1, imbalance=65535, floor=160, step=200), 168)
    one, two = (street.connect(person(name), SOLAR, 1, 10**6 * NET8, dear) for name in ("rich seller", "rich buyer"))
    most = (2**33 - 1) // 44_760
    with boa.reverts("position: at its bound"):
        street.pair(Pair(one, two, slot, 44_760, most + 1))
    with boa.reverts("position: at its bound"):
        street.pair(Pair(one, two, slot, 2**15, 2**18))
    street.pair(Pair(one, two, slot, 44_760, most))
    with boa.reverts("position: at its bound"):
        street.pair(Pair(one, two, slot, 44_760, 1))


def test_trade__with_itself__refused(street, seller, slot, pair):
    with boa.reverts("order: not a pair"):
        street.pair(replace(pair, buyer=seller))


def test_trade__two_sites_of_one_owner__refused(street, seller, pair):
    second = street.connect(person("seller"), SOLAR, 1000, NET8)
    with boa.reverts("order: not a pair"):
        street.pair(replace(pair, buyer=second))


def test_trade__sites_of_two_zones__refused(street, terms, pair):
    other = street.open_zone(terms, 168, person("other operator"))
    abroad = street.connect(person("abroad"), SOLAR, 1000, 100 * NET8, other)
    for change in ({"buyer": abroad}, {"seller": abroad}):
        with boa.reverts("order: not a pair"):
            street.pair(replace(pair, **change))


@pytest.mark.parametrize("party", [0, 1])
def test_trade__owner_who_signed_is_not_the_sites__refused(street, pair, party):
    fill = list(street.fill(pair))
    site = fill[party] >> 160
    for owner in (int(street.attacker.address, 16), 0):
        fill[party] = site << 160 | owner
        with boa.reverts("order: not its owner"):
            street.exchange.trade([tuple(fill)], sender=street.desk.address)


def test_trade__wrong_owner_in_the_middle_of_many__refused(street, seller, buyer, bakery, slot):
    fills = [street.fill(Pair(seller, site, slot, PRICE, 10)) for site in (buyer, bakery, buyer)]
    fills[1] = (fills[1][0], bakery << 160 | int(street.attacker.address, 16), fills[1][2])
    with boa.reverts("order: not its owner"):
        street.exchange.trade(fills, sender=street.desk.address)


def test_trade__unknown_site__refused(street, pair):
    with boa.reverts("order: not its owner"):
        street.exchange.trade([((pair.seller + 99) << 160 | 7, *street.fill(pair)[1:])], sender=street.desk.address)


def test_trade__sites_of_no_zone__refused(street, slot):
    with boa.reverts("terms: not fixed yet"):
        street.pair(Pair(0, 1, slot, PRICE, 10))


def test_trade__horizon__last_slot_accepted_and_not_one_further(street, pair):
    last = street.now_slot + HORIZON
    with boa.reverts("order: beyond the horizon"):
        street.pair(replace(pair, slot=last + 1))
    assert last // 4 == (last + 1) // 4
    with boa.reverts("order: beyond the horizon"):
        street.pair(replace(pair, slot=last), replace(pair, slot=last + 1))
    street.pair(replace(pair, slot=last))


def test_trade__gate__a_second_before_accepted_then_refused(street, slot, pair):
    street.go_to_slot(slot - 2, -1)
    street.pair(pair)
    street.go_to_slot(slot - 2)
    with boa.reverts("order: gate closed"):
        street.pair(pair)
    with boa.reverts("order: gate closed"):
        street.pair(replace(pair, slot=slot + 1), pair)
    street.pair(replace(pair, slot=slot + 1))


def test_trade__hour_without_terms__refused(street, slot, terms):
    zone = street.open_zone(terms, 1, person("other operator"))
    sites = [street.connect(person(f"abroad {i}"), SOLAR, 1000, 100 * NET8, zone) for i in range(2)]
    with boa.reverts("terms: not fixed yet"):
        street.pair(Pair(*sites, slot, PRICE, 10))


def test_trade__stray_bits_above_the_fees__mean_nothing(street, seller, slot, pair):
    fill = street.fill(pair)
    street.exchange.trade([(*fill[:2], fill[2] | 2**255 | 2**152)], sender=street.desk.address)
    assert street.lens.position(seller, slot).net_wh == 100
    assert street.free(0) == 0


# ---- margins --------------------------------------------------------------------------------------------------------


def test_trade__seller_one_grain_short__refused_and_nothing_changes(street, seller, buyer, slot, pair):
    street.leave(seller, 100 * 2000 - 1)
    before = street.free(buyer)
    with boa.reverts("balance: too low"):
        street.pair(pair)
    assert (street.free(seller), street.free(buyer)) == (100 * 2000 - 1, before)
    assert positions(street, slot, seller, buyer) == [(0, 0, 0)] * 2
    street.fund(seller, 1)
    street.pair(pair)
    assert street.free(seller) == 0


def test_trade__buyer_one_grain_short__refused(street, buyer, pair):
    street.leave(buyer, 100 * 1100 - 1)
    with boa.reverts("balance: too low"):
        street.pair(pair)


def test_trade__onto_positions_there_are__margins_grow_by_the_difference(street, seller, buyer, slot, pair):
    street.trade(seller, buyer, slot, 1200, 50)
    free = street.free(seller), street.free(buyer)
    street.pair(pair)
    assert positions(street, slot, seller, buyer) == [
        (150, 160_000, 150 * 3000 - 160_000),
        (-150, -160_000, 160_000 + 150 * 100),
    ]
    assert (street.free(seller), street.free(buyer)) == (free[0] - 100 * 2000, free[1] - 100 * 1100)


def test_trade__against_positions_there_are__margins_come_back(street, seller, buyer, slot, pair):
    street.trade(seller, buyer, slot, PRICE, 100)
    free = street.free(seller), street.free(buyer)
    street.pair(replace(pair, seller=buyer, buyer=seller, wh=60))
    assert positions(street, slot, seller, buyer) == [(40, 40_000, 40 * 2000), (-40, -40_000, 40 * 1100)]
    assert (street.free(seller), street.free(buyer)) == (free[0] + 60 * 2000, free[1] + 60 * 1100)


def test_trade__through_zero__from_seller_to_buyer(street, seller, buyer, slot, pair):
    street.trade(seller, buyer, slot, PRICE, 40)
    street.pair(replace(pair, seller=buyer, buyer=seller, price=1100))
    assert positions(street, slot, seller, buyer) == [
        (-60, 40_000 - 110_000, 70_000 + 6_000),
        (60, 70_000, 60 * 3000 - 70_000),
    ]


def test_trade__consecutive_fills_of_one_site__charged_once(street, seller, buyer, bakery, slot):
    """What a later fill frees may pay for an earlier one of the same run: only the sum is charged."""
    street.trade(buyer, seller, slot + 1, PRICE, 100)
    street.leave(seller, 100 * 2000 - 100 * 1100)
    pairs = [Pair(seller, bakery, slot, PRICE, 100), Pair(seller, buyer, slot + 1, PRICE, 100)]
    street.pair(*pairs)
    assert street.free(seller) == 0


def test_trade__run_interrupted_by_another_seller__charged_at_the_interruption(street, seller, buyer, battery, slot):
    street.trade(buyer, seller, slot + 1, PRICE, 100)
    street.leave(seller, 100 * 2000 - 100 * 1100)
    pairs = [
        Pair(seller, buyer, slot, PRICE, 100),
        Pair(battery, buyer, slot, PRICE, 10),
        Pair(seller, buyer, slot + 1, PRICE, 100),
    ]
    with boa.reverts("balance: too low"):
        street.pair(*pairs)


def test_trade__day_against_a_day__96_pairs_and_two_charges(street, seller, buyer, slot):
    free = street.free(seller), street.free(buyer)
    pairs = [Pair(seller, buyer, slot + i, PRICE + i, 10 + i) for i in range(96)]
    street.pair(*pairs)
    assert len(pairs_traded(street.exchange)) == 96
    assert street.free(seller) == free[0] - sum(p.wh * (IMBALANCE - p.price) for p in pairs)
    assert street.free(buyer) == free[1] - sum(p.wh * (FEE + p.price) for p in pairs)


def test_trade__seller_and_buyer_change_places_in_one_call__each_charged(street, seller, buyer, slot):
    free = street.free(seller), street.free(buyer)
    street.pair(Pair(seller, buyer, slot, PRICE, 100), Pair(buyer, seller, slot, 1200, 100))
    assert positions(street, slot, seller, buyer) == [(0, -20_000, 20_000), (0, 20_000, 0)]
    assert (street.free(seller), street.free(buyer)) == (free[0] - 20_000, free[1])


# ---- relay fees -----------------------------------------------------------------------------------------------------


def test_trade__relay_fees__go_to_account_0(street, seller, buyer, pair):
    free, held = (street.free(seller), street.free(buyer)), street.held()
    street.pair(replace(pair, seller_fee=71, buyer_fee=3), pair)
    assert events(street.exchange, "Charged") == [(seller, 71), (buyer, 3)]
    ((with_fees, without),) = (event.pairs for event in events(street.exchange, "PairsTraded"))
    assert with_fees == without
    assert street.free(0) == 74
    assert (street.free(seller), street.free(buyer)) == (free[0] - 2 * 100 * 2000 - 71, free[1] - 2 * 100 * 1100 - 3)
    assert street.held() == held


@pytest.mark.parametrize("party", ["seller_fee", "buyer_fee"])
def test_trade__one_side_pays_the_relay__the_other_does_not(street, seller, buyer, pair, party):
    street.pair(replace(pair, **{party: 500}))
    assert events(street.exchange, "Charged") == [(seller if party == "seller_fee" else buyer, 500)]


def test_trade__fee_that_is_not_there__refused_and_not_credited(street, seller, pair):
    street.leave(seller, 100 * 2000 + 5)
    with boa.reverts("balance: too low"):
        street.pair(replace(pair, seller_fee=6))
    assert street.free(0) == 0
    street.pair(replace(pair, seller_fee=5))
    assert (street.free(0), street.free(seller)) == (5, 0)
