"""Trading in another zone's market: prices, fees, and what the link between two zones carries."""

from dataclasses import replace

import boa
import pytest

from tests.contracts.model import FILL_OR_KILL, IMMEDIATE_OR_CANCEL, LIMIT, Terms
from tests.contracts.signing import person
from tests.contracts.street import CONSUMER, NET8, SOLAR, events

HOME_FEE, AWAY_FEE, CAPACITY = 7, 11, 1000


@pytest.fixture(scope="module")
def other_operator():
    return person("grid operator next door")


@pytest.fixture(scope="module")
def away(street, seller, other_operator):
    """A second zone, linked to the first."""
    zone = street.open_zone(replace(Terms(), imbalance=3100, feed_in=90), 168, other_operator)
    street.grid.set_link(street.zone, zone, CAPACITY, HOME_FEE, sender=street.grid_operator.address)
    street.grid.set_link(zone, street.zone, CAPACITY + 50, AWAY_FEE, sender=other_operator.address)
    return zone


@pytest.fixture(scope="module")
def roof(street, away):
    """A seller in the zone next door."""
    return street.connect(person("roof next door"), SOLAR, 1_000_000, 1_000 * NET8, zone=away)


@pytest.fixture(scope="module")
def shop(street, roof, away):
    """A consumer in the zone next door."""
    return street.connect(person("shop next door"), CONSUMER, 0, 1_000 * NET8, zone=away)


@pytest.fixture
def take(street, slot):
    """take(site, zone, sell, price, wh): Wh traded in that zone's market, by the site's owner."""

    def take(site, zone, sell, price, wh, kind=IMMEDIATE_OR_CANCEL, max_fee=HOME_FEE + AWAY_FEE, at=slot, sender=None):
        sender = sender or street.owner_of(site)
        return street.desk.take_abroad(site, zone, at, sell, price, wh, kind, max_fee, sender=sender)

    return take


def test_take__buys_next_door__pays_both_fees_and_settles_at_home(street, buyer, roof, away, slot, take):
    street.sell(roof, slot, 800, 400)
    before, fees = street.free(buyer), [street.exchange.zone_account(zone)[1] for zone in (street.zone, away)]
    assert take(buyer, away, False, 900, 400) == 400
    (event,) = events(street.desk, "TradedAbroad")
    assert event == (buyer, away, slot, False, 400, HOME_FEE + AWAY_FEE)
    assert before - street.free(buyer) == 400 * (800 + 100 + HOME_FEE + AWAY_FEE)
    paid = [street.exchange.zone_account(zone)[1] for zone in (street.zone, away)]
    assert [now - then for now, then in zip(paid, fees, strict=True)] == [400 * HOME_FEE, 400 * AWAY_FEE]
    assert street.lens.position(buyer, slot).net_wh == -400
    assert street.desk.link_used(street.zone, away, slot) == street.desk.link_used(away, street.zone, slot) == 400


def test_take__sells_next_door__within_its_own_imbalance_price(street, seller, shop, away, slot, take):
    street.buy(shop, slot, 1000, 300)
    before = street.free(seller)
    assert take(seller, away, True, 1000, 300) == 300
    assert before - street.free(seller) == 300 * (3000 - 1000 + HOME_FEE + AWAY_FEE)


def test_take__both_directions__share_the_capacity_to_the_last_wh(street, buyer, shop, seller, roof, away, slot, take):
    street.sell(roof, slot, 800, 2000)
    street.sell(seller, slot, 800, 2000)
    assert take(buyer, away, False, 800, 600) == 600
    assert take(shop, street.zone, False, 800, 300) == 300
    assert take(buyer, away, False, 800, 600) == 100
    assert street.desk.link_used(away, street.zone, slot) == CAPACITY
    for site, zone in ((buyer, away), (shop, street.zone)):
        with boa.reverts("link: no capacity left"):
            take(site, zone, False, 800, 10)


def test_take__exactly_the_capacity__all_or_nothing_both_fit(street, buyer, roof, away, slot, take):
    street.sell(roof, slot, 800, 2000)
    with boa.reverts("link: no capacity left"):
        take(buyer, away, False, 800, CAPACITY + 1, FILL_OR_KILL)
    assert take(buyer, away, False, 800, CAPACITY, FILL_OR_KILL) == CAPACITY


def test_take__finds_less_than_it_asks__uses_only_that_of_the_capacity(street, buyer, roof, away, slot, take):
    street.sell(roof, slot, 800, 40)
    assert take(buyer, away, False, 800, 500) == 40
    assert street.desk.link_used(street.zone, away, slot) == 40


def test_take__other_slots_of_the_hour_and_of_the_ring__have_their_own_capacity(street, buyer, roof, away, slot, take):
    for i in range(5):
        street.sell(roof, slot + i, 800, 100 + i)
        assert take(buyer, away, False, 800, 500, at=slot + i) == 100 + i
    assert [street.desk.link_used(street.zone, away, slot + i) for i in range(6)] == [100, 101, 102, 103, 104, 0]
    assert street.desk.link_used(street.zone, away, slot + 4096) == 0


def test_take__slots_far_apart_and_both_open__each_keeps_its_use(street, buyer, roof, away, slot, take):
    for at in (slot, slot + 256):
        street.sell(roof, at, 800, 600)
        assert take(buyer, away, False, 800, 600, at=at) == 600
    assert [street.desk.link_used(street.zone, away, at) for at in (slot, slot + 256)] == [600, 600]


def test_take__a_turn_of_the_ring_later__capacity_is_fresh(street, buyer, roof, away, slot, take):
    street.sell(roof, slot, 800, 1000)
    assert take(buyer, away, False, 800, 1000) == 1000
    later = slot + 4096
    street.go_to_slot(later - 96)
    street.sell(roof, later, 800, 1000)
    assert take(buyer, away, False, 800, 1000, at=later) == 1000
    assert (street.desk.link_used(street.zone, away, slot), street.desk.link_used(street.zone, away, later)) == (
        0,
        1000,
    )


def test_take__price_at_or_below_the_buyers_own_feed_in__passed_over(street, grid, buyer, away, slot, take):
    home = street.open_zone(replace(Terms(), feed_in=850, floor=860, step=4), 168)
    street.grid.set_link(home, away, CAPACITY, 0, sender=street.grid_operator.address)
    street.grid.set_link(away, home, CAPACITY, 0, sender=person("grid operator next door").address)
    site = street.connect(person("saver"), CONSUMER, 0, 100 * NET8, zone=home)
    roof = street.connect(person("cheap roof"), SOLAR, 1_000_000, 1_000 * NET8, zone=away)
    for price in (800, 850, 860):
        street.sell(roof, slot, price, 100)
    assert take(site, away, False, 900, 300, max_fee=0) == 100
    assert [level.price for level in street.lens.depth(away, slot, True)] == [800, 850]


def test_take__price_at_or_above_the_sellers_own_imbalance__passed_over(street, away, shop, slot, take):
    home = street.open_zone(replace(Terms(), imbalance=1250, floor=100, step=4), 168)
    street.grid.set_link(home, away, CAPACITY, 0, sender=street.grid_operator.address)
    street.grid.set_link(away, home, CAPACITY, 0, sender=person("grid operator next door").address)
    site = street.connect(person("small roof"), SOLAR, 1_000_000, 100 * NET8, zone=home)
    for price in (1240, 1250, 1260):
        street.buy(shop, slot, price, 100)
    assert take(site, away, True, 1000, 300, max_fee=0) == 100
    assert [level.price for level in street.lens.depth(away, slot, False)] == [1260, 1250]


def test_take__fee_raised_just_before__refused(street, buyer, roof, away, slot, take, other_operator):
    street.sell(roof, slot, 800, 100)
    street.grid.set_link(away, street.zone, CAPACITY, AWAY_FEE + 1, sender=other_operator.address)
    with boa.reverts("link: fee too high"):
        take(buyer, away, False, 800, 100)
    assert take(buyer, away, False, 800, 100, max_fee=HOME_FEE + AWAY_FEE + 1) == 100


def test_take__capacity_lowered_below_what_is_used__closed(street, buyer, roof, away, slot, take, other_operator):
    street.sell(roof, slot, 800, 400)
    assert take(buyer, away, False, 800, 100) == 100
    street.grid.set_link(away, street.zone, 99, AWAY_FEE, sender=other_operator.address)
    with boa.reverts("link: no capacity left"):
        take(buyer, away, False, 800, 100)


def test_take__no_link__refused(street, buyer, take):
    unlinked = street.open_zone(Terms(), 168)
    with boa.reverts("link: no capacity left"):
        take(buyer, unlinked, False, 800, 100)


def test_take__own_zone__refused(street, buyer, take):
    with boa.reverts("link: no capacity left"):
        take(buyer, street.zone, False, 800, 100)


def test_take__order_that_would_rest__refused(street, buyer, roof, away, take):
    with boa.reverts("order: not a take abroad"):
        take(buyer, away, False, 800, 100, LIMIT)


def test_take__not_the_owner__refused(street, buyer, away, take):
    with boa.reverts("site: not yours"):
        take(buyer, away, False, 800, 100, sender=street.attacker.address)


def test_take__unknown_site__refused(street, away, take):
    with boa.reverts("site: not yours"):
        take((street.zone << 16) | 0xFFFF, away, False, 800, 100, sender=street.attacker.address)


def test_take__refused_by_the_exchange__capacity_untouched(street, buyer, roof, away, slot, take):
    street.sell(roof, slot, 800, 100)
    with boa.reverts("order: cannot fill"):
        take(buyer, away, False, 800, 200, FILL_OR_KILL)
    assert street.desk.link_used(street.zone, away, slot) == 0
