"""Terms of an hour: written once, before anybody can trade it, and never changed."""

from dataclasses import replace

import boa
import pytest

from tests.contracts.model import SLOT, Entry, Pair, Reading, Tariff, Terms, Wanted
from tests.contracts.signing import person
from tests.contracts.street import events, tariff_tuple, terms_tuple

TARIFF = Tariff(feed_in=90, imbalance=4000, grid_fee=150)


@pytest.fixture(scope="module")
def lead():
    """The default holds a day ahead; before that the grid operator may publish."""
    return 24


@pytest.fixture
def hour(street):
    """The first hour that can still be published."""
    return street.now // 3600 + 25


@pytest.fixture
def publish(street):
    def publish(first_hour, *tariffs, sender=None):
        street.grid.publish_tariffs(
            street.zone,
            first_hour,
            [tariff_tuple(tariff) for tariff in tariffs],
            sender=sender or street.grid_operator.address,
        )

    return publish


def terms_of(street, hour):
    words, fixed = street.grid.terms(street.zone, hour)
    feed_in, imbalance, grid_fee, oracle_fee, floor, step, gate_lead, min_wh = words
    return Terms(feed_in, imbalance, grid_fee, oracle_fee, floor, step, gate_lead, min_wh), fixed


def test_publish_tariffs__in_time__fixed_and_tradable_at_once(street, publish, hour, terms):
    assert not street.lens.is_tradable(street.zone, 4 * hour)
    publish(hour, TARIFF)
    fixed = replace(terms, feed_in=90, imbalance=4000, grid_fee=150)
    assert events(street.grid, "TermsFixed") == [(street.zone, hour, fixed.word())]
    assert terms_of(street, hour) == (fixed, True)
    assert street.lens.is_tradable(street.zone, 4 * hour)
    assert not street.lens.is_tradable(street.zone, 4 * hour + 4)


def test_publish_tariffs__whole_day__each_hour_its_own(street, publish, hour):
    publish(hour, *(replace(TARIFF, feed_in=i) for i in range(24)))
    assert [terms_of(street, hour + i)[0].feed_in for i in range(24)] == list(range(24))


def test_publish_tariffs__hour_the_default_already_holds_in__refused(publish, hour):
    with boa.reverts("terms: published too late"):
        publish(hour - 1, TARIFF)


def test_publish_tariffs__past_hour__refused(street, publish):
    with boa.reverts("terms: published too late"):
        publish(street.now // 3600 - 1, TARIFF)


def test_publish_tariffs__again__refused(publish, hour):
    publish(hour, TARIFF)
    with boa.reverts("terms: already fixed"):
        publish(hour, replace(TARIFF, feed_in=1))


def test_publish_tariffs__one_hour_of_a_day_is_fixed__none_is_published(street, publish, hour):
    publish(hour + 2, TARIFF)
    with boa.reverts("terms: already fixed"):
        publish(hour, TARIFF, TARIFF, TARIFF)
    assert terms_of(street, hour)[1] is False


def test_publish_tariffs__mistyped_hour_years_ahead__refused(publish, hour):
    with boa.reverts("terms: too far ahead"):
        publish(hour + 100_000, TARIFF)


def test_publish_tariffs__a_leap_year_ahead__last_hour_accepted_and_the_next_refused(street, publish):
    now_hour = street.now // 3600
    publish(now_hour + 366 * 24 - 1, TARIFF)
    with boa.reverts("terms: too far ahead"):
        publish(now_hour + 366 * 24, TARIFF)


def test_publish_tariffs__not_the_grid_operator__refused(street, publish, hour):
    with boa.reverts("zone: not its operator"):
        publish(hour, TARIFF, sender=street.attacker.address)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"feed_in": 100}, "terms: feed-in too high"),
        ({"imbalance": 2912}, "terms: imbalance price too low"),
        ({"imbalance": 2**16}, "terms: price too high"),
        ({"grid_fee": 9}, "terms: oracle fee too high"),
        ({"grid_fee": 2331}, "terms: grid fee too high"),
    ],
)
def test_publish_tariffs__that_could_make_defaulting_pay__refused(street, publish, hour, change, reason):
    with boa.reverts(reason):
        publish(hour, replace(TARIFF, **change))
    assert terms_of(street, hour)[1] is False


def test_publish_tariffs__at_every_bound__accepted(street, publish, hour):
    publish(hour, Tariff(feed_in=99, imbalance=2913, grid_fee=10), Tariff(feed_in=0, imbalance=65535, grid_fee=2330))
    assert terms_of(street, hour + 1)[0].imbalance == 65535


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"floor": 0, "feed_in": 0}, "terms: empty price grid"),
        ({"step": 0}, "terms: empty price grid"),
        ({"floor": 2**16}, "terms: price too high"),
        ({"step": 2**16}, "terms: price too high"),
        ({"imbalance": 2**16}, "terms: price too high"),
        ({"imbalance": 2912}, "terms: imbalance price too low"),
        ({"feed_in": 100}, "terms: feed-in too high"),
        ({"grid_fee": 2331}, "terms: grid fee too high"),
        ({"oracle_fee": 101}, "terms: oracle fee too high"),
        ({"gate_lead": 97}, "terms: gate too early"),
        ({"min_wh": 0}, "terms: bad minimum order"),
        ({"min_wh": 2**16}, "terms: bad minimum order"),
    ],
)
def test_set_default_terms__out_of_bounds__refused(street, terms, change, reason):
    with boa.reverts(reason):
        street.grid.set_default_terms(
            street.zone, terms_tuple(replace(terms, **change)), sender=street.grid_operator.address
        )


def test_create_zone__terms_out_of_bounds__refused(street, terms):
    with boa.reverts("terms: feed-in too high"):
        street.grid.create_zone(street.owner, terms_tuple(replace(terms, feed_in=100)), 24, sender=street.owner)


def test_set_default_terms__new_grid__from_the_first_hour_nobody_can_trade(street, terms, hour):
    new = replace(terms, floor=200, step=5, gate_lead=96, min_wh=2**16 - 1)
    street.grid.set_default_terms(street.zone, terms_tuple(new), sender=street.grid_operator.address)
    (event,) = events(street.grid, "DefaultTermsSet")
    assert (event.zone, event.from_hour, tuple(event.terms)) == (street.zone, hour, terms_tuple(new))
    assert terms_of(street, hour - 1) == (terms, True)
    assert terms_of(street, hour) == (new, False)


def test_set_default_terms__before_the_last_change_holds__refused(street, terms, hour):
    def change():
        street.grid.set_default_terms(street.zone, terms_tuple(terms), sender=street.grid_operator.address)

    change()
    street.go_to(hour * 3600 - 1)
    with boa.reverts("terms: change under way"):
        change()
    street.go_to(hour * 3600)
    change()


def test_set_default_terms__twice__a_past_hour_nobody_used_has_the_default_of_today(
    street, seller, buyer, bakery, terms, hour
):
    """Only two are remembered. One that was used keeps its own, and where nobody traded nobody pays."""
    changed = [replace(terms, imbalance=imbalance) for imbalance in (4000, 5000)]
    street.grid.set_default_terms(street.zone, terms_tuple(changed[0]), sender=street.grid_operator.address)
    street.go_to((hour - 6) * 3600)
    street.trade(seller, buyer, 4 * (hour - 2), 1000, 10)
    street.go_to(hour * 3600)
    assert terms_of(street, hour - 1) == (terms, True)
    street.grid.set_default_terms(street.zone, terms_tuple(changed[1]), sender=street.grid_operator.address)
    assert terms_of(street, hour - 2) == (terms, True)
    assert terms_of(street, hour - 1) == (changed[0], True)
    before = street.free(seller), street.free(bakery), street.pool()
    street.report(Entry(seller, hour - 1, {0: Reading(50, 0)}), Entry(bakery, hour - 1, {0: Reading(0, 50)}))
    assert (street.free(seller), street.free(bakery), street.pool()) == before


def test_set_default_terms__not_the_grid_operator__refused(street, terms):
    with boa.reverts("zone: not its operator"):
        street.grid.set_default_terms(street.zone, terms_tuple(terms), sender=street.attacker.address)


def test_set_default_terms__after_an_hour_was_fixed__that_hour_keeps_its_terms(street, terms, publish, hour):
    publish(hour, TARIFF)
    before = terms_of(street, hour)
    new = replace(terms, floor=500, step=5)
    street.grid.set_default_terms(street.zone, terms_tuple(new), sender=street.grid_operator.address)
    assert terms_of(street, hour) == before


def test_fix_terms__by_anyone__default_written(street, terms, hour):
    street.exchange.fix_terms(street.zone, hour - 1, sender=street.attacker.address)
    assert events(street.exchange, "TermsFixed") == [(street.zone, hour - 1, terms.word())]


def test_fix_terms__twice__changes_nothing(street, terms, hour):
    street.exchange.fix_terms(street.zone, hour - 1)
    street.exchange.fix_terms(street.zone, hour - 1)
    assert events(street.exchange, "TermsFixed") == []
    assert terms_of(street, hour - 1) == (terms, True)


def test_fix_terms__hour_that_may_still_be_published__refused(street, hour):
    with boa.reverts("terms: not fixed yet"):
        street.exchange.fix_terms(street.zone, hour)


def test_fix_terms__unknown_zone__refused(street, hour):
    with boa.reverts("terms: not fixed yet"):
        street.exchange.fix_terms(99, hour - 1)


def test_place__hour_without_terms_yet__refused(street, seller, hour):
    with boa.reverts("terms: not fixed yet"):
        street.sell(seller, 4 * hour, 1000, 10)


def test_place__first_in_an_hour__fixes_the_default(street, seller, terms, hour):
    street.sell(seller, 4 * hour - 1, 1000, 10)
    assert terms_of(street, hour - 1) == (terms, True)


def test_place__new_grid_of_a_later_hour__prices_of_that_hour_hold(street, seller, terms, hour):
    new = replace(terms, floor=203, step=7)
    street.grid.set_default_terms(street.zone, terms_tuple(new), sender=street.grid_operator.address)
    street.go_to(street.now + 4 * SLOT)
    with boa.reverts("order: off the price grid"):
        street.sell(seller, 4 * hour, 1000, 10)
    street.sell(seller, 4 * hour, 203 + 7 * 3, 10)
    street.sell(seller, 4 * hour - 1, 1000, 10)
    assert street.lens.depth(street.zone, 4 * hour, True)[0].price == 224


@pytest.mark.parametrize("places", [(3, 4, 7, 8), (8, 7, 4, 3), (4, 3, 8, 7)])
def test_batch__hours_of_other_tariffs__each_order_and_pair_is_locked_by_its_own(
    street, seller, buyer, publish, hour, places
):
    publish(hour, *(replace(TARIFF, imbalance=4000 + i, grid_fee=150 + i) for i in range(3)))
    before = street.free(seller), street.free(buyer)
    slots = [4 * hour + place for place in places]
    street.exchange.place_many(
        seller, [Wanted(slot, True, 1000, 10).packed() for slot in slots], sender=person("seller").address
    )
    assert street.free(seller) == before[0] - sum(10 * (3000 + place // 4) for place in places)
    street.pair(*(Pair(seller, buyer, slot, 1000, 10) for slot in slots))
    assert street.free(seller) == before[0] - 2 * sum(10 * (3000 + place // 4) for place in places)
    assert street.free(buyer) == before[1] - sum(10 * (1150 + place // 4) for place in places)


def test_zone__its_terms__no_business_of_another_zone(street, publish, hour):
    other = street.open_zone(Terms(), 24, person("other operator"))
    publish(hour, TARIFF)
    assert street.grid.terms(other, hour)[1] is False
    with boa.reverts("zone: not its operator"):
        street.grid.publish_tariffs(other, hour, [tariff_tuple(TARIFF)], sender=street.grid_operator.address)


def test_publish_tariffs__stored_in_the_exchange_at_once(street, publish, hour, terms):
    publish(hour, TARIFF, replace(TARIFF, feed_in=1))
    words = [street.exchange.terms_word(street.zone << 32 | hour + i) for i in range(3)]
    published = replace(terms, feed_in=90, imbalance=4000, grid_fee=150)
    assert words == [published.word(), replace(published, feed_in=1).word(), 0]
    street.exchange.fix_terms(street.zone, hour)
    assert events(street.exchange, "TermsFixed") == []


def test_publish_tariffs__traded_and_settled_by_them(street, seller, buyer, publish, hour):
    publish(hour, TARIFF)
    slot = 4 * hour
    free = street.free(seller), street.free(buyer)
    street.trade(seller, buyer, slot, 1000, 100)
    assert (street.free(seller), street.free(buyer)) == (free[0] - 100 * 3000, free[1] - 100 * 1150)
    assert street.lens.position(seller, slot).margin == 100 * 3000
    street.end(slot)
    street.report(Entry(seller, hour, {0: Reading(60, 0)}), Entry(buyer, hour, {0: Reading(0, 50)}))
    assert street.free(seller) == free[0] + 100 * 1000 - 40 * 4000
    assert street.free(buyer) == free[1] - 100 * 1150 + 50 * 90
    assert street.pool() == 40 * 4000 - 50 * 90


def test_publish_tariffs__default_changed_meanwhile__grid_and_gate_are_those_of_the_hour(street, publish, hour, terms):
    new = replace(terms, floor=200, step=9, gate_lead=7)
    street.grid.set_default_terms(street.zone, terms_tuple(new), sender=street.grid_operator.address)
    publish(hour, TARIFF, TARIFF)
    published = (replace(new, feed_in=90, imbalance=4000, grid_fee=150), True)
    assert [terms_of(street, hour), terms_of(street, hour + 1)] == [published, published]
    assert street.lens.is_tradable(street.zone, 4 * hour)
    street.go_to_slot(4 * hour - 7)
    assert not street.lens.is_tradable(street.zone, 4 * hour)


def test_terms__of_a_published_hour__never_change(street, publish, hour):
    publish(hour, TARIFF)
    word = street.exchange.terms_word(street.zone << 32 | hour)
    street.go_to(3600 * hour - 60)
    street.exchange.fix_terms(street.zone, hour)
    assert street.exchange.terms_word(street.zone << 32 | hour) == word


def test_fix_published__past_the_grid_registry__refused(street, terms, hour):
    for sender in (street.attacker.address, street.owner, street.grid_operator.address, street.desk.address):
        with boa.reverts("exchange: only the grid registry"):
            street.exchange.fix_published(street.zone, hour, [terms.word()], sender=sender)
