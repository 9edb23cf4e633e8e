"""Taking in another zone's market: which prices are sound for the site's own terms, what it costs, who is paid."""

from dataclasses import replace

import boa
import pytest

from tests.contracts.model import (
    FILL_OR_KILL,
    HORIZON,
    IMMEDIATE_OR_CANCEL,
    LIMIT,
    MAX_NET_WH,
    MAX_VISITS,
    POST_ONLY,
    SELF_TRADE,
    Entry,
    Reading,
    Terms,
    Wanted,
)
from tests.contracts.signing import person
from tests.contracts.street import NET8, SOLAR, closed, events, trades

HOME_FEE, AWAY_FEE = 7, 5
ABROAD = Terms(feed_in=250, imbalance=4000, grid_fee=300, oracle_fee=30, floor=260, step=11)  # prices 260 to 2713
HOME = Terms(feed_in=300, imbalance=1600, grid_fee=100, oracle_fee=10, floor=310, step=4, gate_lead=2)  # 310 to 1202


@pytest.fixture(scope="module")
def terms():
    """At home energy is cheaper, but the feed-in price lies above the cheapest prices abroad; the gate is earlier."""
    return HOME


@pytest.fixture(scope="module")
def abroad(street, battery):
    """Another zone."""
    return street.open_zone(ABROAD, 168, person("other operator"))


@pytest.fixture(scope="module")
def maker(street, abroad):
    """A site of that zone."""
    return street.connect(person("maker abroad"), SOLAR, 1_000_000, 1_000 * NET8, abroad)


@pytest.fixture(scope="module")
def maker_2(street, maker, abroad):
    return street.connect(person("second maker abroad"), SOLAR, 1_000_000, 1_000 * NET8, abroad)


@pytest.fixture
def take(street, abroad, slot):
    """take(site, sell, price, wh): immediate or cancel unless said otherwise; the Wh that traded."""

    def take(site, sell, price, wh, kind=IMMEDIATE_OR_CANCEL, slot=slot, fees=(HOME_FEE, AWAY_FEE)):
        return street.take_abroad(site, abroad, Wanted(slot, sell, price, wh, kind), *fees)

    return take


def test_take_abroad__purchase__margin_by_the_terms_at_home(street, buyer, maker, slot, take):
    order = street.sell(maker, slot, 1008, 100)
    free = street.free(buyer)
    assert take(buyer, False, 1008, 60) == 60
    assert trades(street.exchange) == [(order, maker, buyer, 60)]
    bought = street.lens.position(buyer, slot)
    assert (bought.net_wh, bought.value, bought.margin) == (-60, -60 * 1008, 60 * (1008 + HOME.grid_fee))
    assert street.free(buyer) == free - 60 * (1008 + HOME.grid_fee + HOME_FEE + AWAY_FEE)
    sold = street.lens.position(maker, slot)
    assert (sold.net_wh, sold.value, sold.margin) == (60, 60 * 1008, 60 * (ABROAD.imbalance - 1008))


def test_take_abroad__sale__margin_by_the_terms_at_home(street, seller, maker, slot, take):
    street.buy(maker, slot, 1008, 100)
    free = street.free(seller)
    assert take(seller, True, 1008, 60) == 60
    sold = street.lens.position(seller, slot)
    assert (sold.net_wh, sold.value, sold.margin) == (60, 60 * 1008, 60 * (HOME.imbalance - 1008))
    assert street.free(seller) == free - 60 * (HOME.imbalance - 1008 + HOME_FEE + AWAY_FEE)


def test_take_abroad__fees__kept_by_both_zones_for_what_traded_only(street, abroad, buyer, maker, slot, take):
    street.sell(maker, slot, 1008, 40)
    assert take(buyer, False, 1008, 100) == 40
    assert street.exchange.zone_account(street.zone) == (0, 40 * HOME_FEE, 0)
    assert street.exchange.zone_account(abroad) == (0, 40 * AWAY_FEE, 0)


def test_take_abroad__meets_nothing__costs_nothing_and_rests_nowhere(street, abroad, buyer, slot, take):
    free = street.free(buyer)
    assert take(buyer, False, 1008, 100) == 0
    (lapsed,) = events(street.exchange, "OrderLapsed")
    assert lapsed == (buyer, slot, False, 1008, 100, False)
    assert street.free(buyer) == free
    for zone in (abroad, street.zone):
        assert street.lens.orders(zone, slot, False) == []
        assert street.exchange.zone_account(zone) == (0, 0, 0)


def test_take_abroad__rest__lapses(street, abroad, buyer, maker, slot, take):
    street.sell(maker, slot, 1008, 40)
    take(buyer, False, 1008, 100)
    assert events(street.exchange, "OrderLapsed")[0].wh == 60
    assert street.lens.orders(abroad, slot, False) == []
    assert street.lens.margin_held(buyer, slot) == 40 * (1008 + HOME.grid_fee)


def test_take_abroad__settles_at_home__by_its_terms_and_fees(street, abroad, seller, buyer, maker, maker_2, slot, take):
    """The purchase pays the grid fee at home; the maker's shortfall stays in the pool abroad."""
    street.sell(maker, slot, 1008, 100)
    take(buyer, False, 1008, 100)
    street.end(slot)
    free = street.free(buyer), street.free(maker)
    street.exchange.fund_pool(street.zone, NET8 * 10**11, sender=street.rich())
    street.report(Entry(buyer, slot // 4, {0: Reading(0, 30)}))
    street.report(Entry(maker, slot // 4, {0: Reading(90, 0)}), zone=abroad)
    assert street.free(buyer) == free[0] + 70 * HOME.feed_in
    assert street.free(maker) == free[1] + 90 * ABROAD.imbalance
    assert street.exchange.zone_account(street.zone) == (NET8 - 70 * HOME.feed_in, 100 * (90 + HOME_FEE), 100 * 10)
    assert street.exchange.zone_account(abroad) == (10 * ABROAD.imbalance, 100 * AWAY_FEE, 0)


# ---- which prices are sound -----------------------------------------------------------------------------------------


def test_take_abroad__offers_at_or_below_the_feed_in_price_at_home__passed_over(
    street, abroad, buyer, maker, slot, take
):
    """Energy bought there could be wasted at a profit at home. Prices abroad: 293, 304 around the 300 at home."""
    cheap = street.sell(maker, slot, 293, 100)
    sound = street.sell(maker, slot, 304, 100)
    assert take(buyer, False, 1008, 150) == 100
    assert trades(street.exchange) == [(sound, maker, buyer, 100)]
    assert street.lens.order(cheap).wh == 100
    assert [level.price for level in street.lens.depth(abroad, slot, True)] == [293]


def test_take_abroad__exactly_the_feed_in_price__passed_over(street, buyer, maker, slot, take, abroad):
    exact = street.open_zone(replace(ABROAD, floor=300, feed_in=1, step=10), 168, person("exact operator"))
    other = street.connect(person("exact maker"), SOLAR, 1_000_000, 100 * NET8, exact)
    street.sell(other, slot, 300, 10)
    dearer = street.sell(other, slot, 310, 10)
    assert street.take_abroad(buyer, exact, Wanted(slot, False, 2000, 20, IMMEDIATE_OR_CANCEL)) == 10
    assert trades(street.exchange) == [(dearer, other, buyer, 10)]


def test_take_abroad__bids_at_or_above_the_imbalance_price_at_home__passed_over(
    street, abroad, seller, maker, slot, take
):
    """A sale there could be defaulted on at a profit at home. Prices abroad: 1591, 1602 around the 1600 at home."""
    dear = street.buy(maker, slot, 1602, 100)
    sound = street.buy(maker, slot, 1591, 100)
    assert take(seller, True, 1008, 150) == 100
    assert trades(street.exchange) == [(sound, maker, seller, 100)]
    assert street.lens.order(dear).wh == 100
    assert [level.price for level in street.lens.depth(abroad, slot, False)] == [1602]


def test_take_abroad__exactly_the_imbalance_price__passed_over(street, seller, slot):
    exact = street.open_zone(replace(ABROAD, floor=300, feed_in=1, step=10), 168, person("exact operator"))
    other = street.connect(person("exact maker"), SOLAR, 1_000_000, 100 * NET8, exact)
    street.buy(other, slot, 1600, 10)
    cheaper = street.buy(other, slot, 1590, 10)
    assert street.take_abroad(seller, exact, Wanted(slot, True, 300, 20, IMMEDIATE_OR_CANCEL)) == 10
    assert trades(street.exchange) == [(cheaper, other, seller, 10)]


@pytest.mark.parametrize(("sell", "price"), [(False, 293), (True, 1602)])
def test_take_abroad__only_unsound_prices__nothing_trades(street, seller, maker, slot, take, sell, price):
    order = street.place(maker, Wanted(slot, not sell, price, 100))[0]
    limit = 2713 if not sell else 260
    assert take(seller, sell, limit, 50) == 0
    with boa.reverts("order: cannot fill"):
        take(seller, sell, limit, 50, FILL_OR_KILL)
    assert street.lens.order(order).wh == 100


def test_take_abroad__limit__still_holds(street, buyer, maker, slot, take):
    street.sell(maker, slot, 1019, 100)
    assert take(buyer, False, 1008, 100) == 0
    assert take(buyer, False, 1019, 100) == 100


def test_take_abroad__book_left_crossed_by_nobody__bids_below_offers(street, abroad, buyer, maker, maker_2, slot, take):
    street.sell(maker, slot, 293, 10)
    street.sell(maker, slot, 304, 10)
    take(buyer, False, 1008, 50)
    street.buy(maker_2, slot, 282, 10)
    assert [level.price for level in street.lens.depth(abroad, slot, False)] == [282]
    assert street.place(maker_2, Wanted(slot, False, 293, 10)) == (0, 10)


# ---- what is refused ------------------------------------------------------------------------------------------------


def test_take_abroad__not_the_desk__refused(street, abroad, buyer, slot):
    wanted = (buyer, abroad, slot, False, 1008, 100, IMMEDIATE_OR_CANCEL, 0, 0)
    for sender in (person("buyer").address, street.attacker.address, street.owner, street.grid_operator.address):
        with boa.reverts("exchange: only the desk"):
            street.exchange.take_abroad(*wanted, sender=sender)


@pytest.mark.parametrize("kind", [LIMIT, POST_ONLY, 4, 255])
def test_take_abroad__kind_that_could_rest__refused(buyer, take, kind):
    with boa.reverts("order: not a take abroad"):
        take(buyer, False, 1008, 100, kind)


def test_take_abroad__at_home__refused(street, buyer, slot):
    with boa.reverts("order: not a take abroad"):
        street.take_abroad(buyer, street.zone, Wanted(slot, False, 1002, 100, IMMEDIATE_OR_CANCEL))


def test_take_abroad__unknown_zone__refused(street, buyer, slot):
    with boa.reverts("terms: not fixed yet"):
        street.take_abroad(buyer, 99, Wanted(slot, False, 1008, 100, IMMEDIATE_OR_CANCEL))


@pytest.mark.parametrize("site", [0, 99 << 16 | 1])
def test_take_abroad__for_no_site_of_a_zone__refused(street, abroad, maker, slot, site):
    street.sell(maker, slot, 1008, 100)
    with boa.reverts("terms: not fixed yet"):
        street.take_abroad(site, abroad, Wanted(slot, False, 1008, 10, IMMEDIATE_OR_CANCEL))


def test_take_abroad__for_an_unknown_site_of_a_zone__refused(street, abroad, buyer, maker, slot):
    street.sell(maker, slot, 1008, 100)
    with boa.reverts("balance: too low"):
        street.take_abroad(buyer + 99, abroad, Wanted(slot, False, 1008, 10, IMMEDIATE_OR_CANCEL))


@pytest.mark.parametrize(
    ("price", "wh", "reason"),
    [
        (1009, 100, "order: off the price grid"),
        (1008, 9, "order: below minimum size"),
        (1008, 2**21, "order: too large"),
    ],
)
def test_take_abroad__not_an_order_of_that_market__refused(buyer, take, price, wh, reason):
    with boa.reverts(reason):
        take(buyer, False, price, wh)


def test_take_abroad__beyond_the_horizon__refused(street, buyer, take):
    with boa.reverts("order: beyond the horizon"):
        take(buyer, False, 1008, 100, slot=street.now_slot + HORIZON + 1)


def test_take_abroad__gate_abroad_closed__refused(street, buyer, slot, take):
    street.go_to_slot(slot)
    with boa.reverts("order: gate closed"):
        take(buyer, False, 1008, 100)


def test_take_abroad__gate_at_home_closed__refused_though_the_market_is_open(street, buyer, maker, slot, take):
    street.go_to_slot(slot - 2, -1)
    street.sell(maker, slot, 1008, 100)
    assert take(buyer, False, 1008, 10) == 10
    street.go_to_slot(slot - 2)
    with boa.reverts("order: gate closed"):
        take(buyer, False, 1008, 10)


def test_take_abroad__no_terms_at_home_yet__refused(street, abroad, maker, slot):
    young = street.open_zone(HOME, 1, person("operator of a young zone"))
    site = street.connect(person("young"), SOLAR, 1_000_000, 100 * NET8, young)
    street.sell(maker, slot, 1008, 100)
    with boa.reverts("terms: not fixed yet"):
        street.take_abroad(site, abroad, Wanted(slot, False, 1008, 10, IMMEDIATE_OR_CANCEL))


def test_take_abroad__one_grain_short_of_the_fees__refused_and_nothing_changes(
    street, abroad, buyer, maker, slot, take
):
    street.sell(maker, slot, 1008, 100)
    price = 1008 + HOME.grid_fee + HOME_FEE + AWAY_FEE
    street.leave(buyer, 100 * price - 1)
    with boa.reverts("balance: too low"):
        take(buyer, False, 1008, 100)
    assert street.exchange.zone_account(abroad) == (0, 0, 0)
    assert street.lens.position(maker, slot).net_wh == 0
    street.fund(buyer, 1)
    assert take(buyer, False, 1008, 100) == 100
    assert street.free(buyer) == 0


def test_take_abroad__fill_or_kill__all_or_nothing(street, buyer, maker, slot, take):
    street.sell(maker, slot, 1008, 100)
    with boa.reverts("order: cannot fill"):
        take(buyer, False, 1008, 101, FILL_OR_KILL)
    assert take(buyer, False, 1008, 100, FILL_OR_KILL) == 100


def test_take_abroad__beyond_the_takers_bound__refused(street, seller, buyer, maker, slot, take):
    for site in (seller, buyer, maker):
        street.fund(site, MAX_NET_WH * 4000)
    street.sell(seller, slot, 1002, MAX_NET_WH)
    street.buy(buyer, slot, 1002, MAX_NET_WH)
    street.sell(maker, slot, 1008, 10)
    with boa.reverts("position: at its bound"):
        take(buyer, False, 1008, 10)


def test_take_abroad__order_of_the_same_owner__dropped(street, abroad, buyer, slot, take):
    holiday_home = street.connect(person("buyer"), SOLAR, 1_000, 100 * NET8, abroad)
    own = street.sell(holiday_home, slot, 1008, 10)
    assert take(buyer, False, 1008, 10) == 0
    assert closed(street.exchange) == [(own, 10, SELF_TRADE)]


def test_take_abroad__more_orders_than_a_take_meets__rest_lapses_at_the_bound(street, buyer, maker, slot, take):
    dust = [Wanted(slot, True, 1008, 10).packed()] * (MAX_VISITS + 1)
    street.exchange.place_many(maker, dust, sender=street.owner_of(maker))
    assert take(buyer, False, 1008, 10 * MAX_VISITS + 10) == 10 * MAX_VISITS
    assert events(street.exchange, "OrderLapsed")[0].at_bound


def test_take_abroad__home_and_abroad_in_one_slot__one_position(street, seller, buyer, maker, slot, take):
    street.trade(seller, buyer, slot, 1002, 100)
    street.buy(maker, slot, 1019, 100)
    free = street.free(buyer)
    assert take(buyer, True, 1019, 100) == 100
    assert tuple(street.lens.position(buyer, slot))[:3] == (0, 100 * 17, 0)
    assert street.free(buyer) == free + 100 * (1002 + 100) - 100 * (HOME_FEE + AWAY_FEE)


def test_take_abroad__every_grain__accounted_for_over_both_zones(
    street, abroad, seller, buyer, maker, maker_2, slot, take
):
    sites = (seller, buyer, maker, maker_2)

    def owned():
        accounts = sum(sum(street.exchange.zone_account(zone)) for zone in (street.zone, abroad))
        held = sum(street.lens.margin_held(site, slot) + street.lens.position(site, slot).value for site in sites)
        return sum(street.free(site) for site in sites) + accounts + held

    start = owned()
    street.sell(maker, slot, 1008, 100)
    street.buy(maker_2, slot, 260, 100)
    take(buyer, False, 1008, 70)
    assert owned() == start
    assert sum(street.lens.position(site, slot).net_wh for site in sites) == 0
    street.end(slot)
    street.report(Entry(maker, slot // 4, {0: Reading(10, 0)}), zone=abroad)
    assert street.lens.position(maker, slot).outcome == 1
    settled = sum(street.free(site) for site in sites)
    accounts = sum(sum(street.exchange.zone_account(zone)) for zone in (street.zone, abroad))
    bought = street.lens.position(buyer, slot)
    locks = sum(street.lens.margin_held(site, slot) for site in (maker, maker_2))
    rest = locks + bought.margin + bought.value
    assert settled + accounts + rest == start
