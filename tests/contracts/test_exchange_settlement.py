"""Settlement by report: who is paid what, what is skipped, and in which order money moves."""

import boa
import pytest

from tests.contracts.entries import packed
from tests.contracts.model import (
    ABOVE_NAMEPLATE,
    ALREADY_SETTLED,
    METERED,
    NO_READING,
    NOT_OVER,
    REPORT_TIMEOUT,
    SLOT,
    TOO_LATE,
    UNKNOWN_SITE,
    UNORDERED,
    Entry,
    Reading,
)
from tests.contracts.signing import person
from tests.contracts.street import CONSUMER, NET8, SOLAR, credits, events

PRICE, IMBALANCE, FEED_IN, FEE, ORACLE_FEE = 1000, 3000, 80, 100, 10


def one(site, slot, reading):
    return Entry(site, slot // 4, {slot % 4: reading})


def skipped(street):
    return [(e.site, e.hour, e.slots, e.reason) for e in events(street.registry, "EntrySkipped")]


@pytest.fixture
def traded(street, seller, buyer, slot):
    """The seller sold 100 Wh to the buyer at par, and the slot is over. Free balances before the trade."""
    before = {site: street.free(site) for site in (seller, buyer)}
    street.trade(seller, buyer, slot, PRICE, 100)
    street.end(slot)
    return before


def test_report__all_delivered_and_used__price_and_fee_move_and_nothing_else(street, seller, buyer, slot, traded):
    street.report(one(seller, slot, Reading(100, 0)), one(buyer, slot, Reading(0, 100)))
    assert street.free(seller) == traded[seller] + 100 * PRICE
    assert street.free(buyer) == traded[buyer] - 100 * (PRICE + FEE)
    assert street.exchange.zone_account(street.zone) == (0, 100 * (FEE - ORACLE_FEE), 100 * ORACLE_FEE)
    assert street.lens.is_reported(street.zone, slot)


def test_report__settled__events_say_what_was_credited(street, seller, buyer, slot, traded):
    entries = one(seller, slot, Reading(100, 0)), one(buyer, slot, Reading(0, 100))
    street.report(*entries)
    assert credits(street.registry) == [
        (seller, 0, 1, 100 * IMBALANCE),
        (buyer, 1, 1, 0),
    ]
    (settled,) = events(street.registry, "Settled")
    assert settled.entries == packed(entry.word() for entry in entries)
    assert (settled.zone, settled.shortfalls, settled.unused) == (street.zone, 0, 0)
    assert (settled.grid_fees, settled.oracle_fees) == (100 * (FEE - ORACLE_FEE), 100 * ORACLE_FEE)
    (reported,) = events(street.registry, "Reported")
    assert (reported.zone, reported.settled) == (street.zone, 2)


def test_report__settled__position_tells_what_became_of_it(street, seller, buyer, slot, traded):
    street.report(one(seller, slot, Reading(120, 7)), one(buyer, slot, Reading(0, 250)))
    assert tuple(street.lens.position(seller, slot)) == (0, 0, 0, METERED, 120, 0)
    assert tuple(street.lens.position(buyer, slot)) == (0, 0, 0, METERED, 0, 100)


def test_report__seller_short__pays_the_imbalance_price_to_the_pool(street, seller, buyer, slot, traded):
    street.report(one(seller, slot, Reading(60, 0)), one(buyer, slot, Reading(0, 100)))
    assert street.free(seller) == traded[seller] + 100 * PRICE - 40 * IMBALANCE
    assert street.pool() == 40 * IMBALANCE
    assert street.free(buyer) == traded[buyer] - 100 * (PRICE + FEE)


def test_report__seller_delivers_nothing__margin_covers_all_of_it(street, seller, buyer, slot, traded):
    street.report(one(seller, slot, Reading(0, 0)), one(buyer, slot, Reading(0, 100)))
    assert street.free(seller) == traded[seller] - 100 * (IMBALANCE - PRICE)
    assert street.pool() == 100 * IMBALANCE


def test_report__seller_delivers_more__paid_for_what_was_sold(street, seller, buyer, slot, traded):
    street.report(one(seller, slot, Reading(5000, 0)), one(buyer, slot, Reading(0, 100)))
    assert street.free(seller) == traded[seller] + 100 * PRICE
    assert street.pool() == 0


def test_report__buyer_leaves_energy_unused__pool_pays_the_feed_in_price(street, seller, buyer, slot, traded):
    street.report(one(seller, slot, Reading(60, 0)), one(buyer, slot, Reading(0, 30)))
    assert street.free(buyer) == traded[buyer] - 100 * (PRICE + FEE) + 70 * FEED_IN
    assert street.pool() == 40 * IMBALANCE - 70 * FEED_IN
    (settled,) = events(street.registry, "Settled")
    assert (settled.shortfalls, settled.unused) == (40 * IMBALANCE, 70 * FEED_IN)
    assert [grains for *_, grains in credits(street.registry)] == [60 * IMBALANCE, 70 * FEED_IN]


def test_report__unused_energy_and_empty_pool__nothing_to_pay_from(street, seller, buyer, slot, traded):
    street.report(one(seller, slot, Reading(100, 0)), one(buyer, slot, Reading(0, 30)))
    assert street.free(buyer) == traded[buyer] - 100 * (PRICE + FEE)
    assert street.pool() == 0


def test_report__buyer_exports__no_use_of_what_he_bought(street, seller, buyer, slot):
    street.exchange.fund_pool(street.zone, 10 * NET8 * 10**11, sender=street.rich())
    roof = street.connect(person("roof that buys"), SOLAR, 100_000, 10 * NET8)
    before = street.free(roof)
    street.trade(seller, roof, slot, PRICE, 100)
    street.end(slot)
    street.report(one(seller, slot, Reading(100, 0)), one(roof, slot, Reading(500, 0)))
    assert street.free(roof) == before - 100 * (PRICE + FEE) + 100 * FEED_IN


def test_report__site_bought_and_sold_the_same__keeps_its_profit_and_pays_no_fee(street, seller, buyer, battery, slot):
    before = street.free(battery)
    street.trade(seller, battery, slot, 1000, 50)
    street.trade(battery, buyer, slot, 1300, 50)
    street.end(slot)
    street.report(one(battery, slot, Reading(0, 0)))
    assert street.free(battery) == before + 50 * 300
    assert street.exchange.zone_account(street.zone) == (0, 0, 0)


@pytest.mark.parametrize("resold", [2_000, 2_050, 2_100, 2_110, 2_200])
def test_report__site_bought_more_than_it_resold_dearer__paid_its_profit_less_the_fee(
    street, seller, buyer, battery, slot, resold
):
    """20 Wh bought and 10 resold for as much or more: what it received covers the fee on the others, or not."""
    before = street.free(battery)
    street.trade(seller, battery, slot, PRICE, 20)
    street.trade(battery, buyer, slot, resold, 10)
    street.end(slot)
    street.report(one(battery, slot, Reading(0, 10)))
    assert street.free(battery) == before + 10 * resold - 20 * PRICE - 10 * FEE


def test_report__site_did_not_trade__settles_for_its_production(street, seller, buyer, slot):
    street.end(slot)
    street.report(one(seller, slot, Reading(777, 0)))
    assert tuple(street.lens.position(seller, slot)) == (0, 0, 0, METERED, 777, 0)
    assert street.production(seller, slot // 4) == (1, [777, 0, 0, 0])


def test_report__whole_hour_in_one_word__four_slots_settle(street, seller, buyer, slot):
    for i in range(4):
        street.trade(seller, buyer, slot + i, PRICE + 10 * i, 100 + i)
    before = street.free(seller)
    street.end(slot + 3)
    street.report(
        Entry(seller, slot // 4, {i: Reading(100 + i, 0) for i in range(4)}),
        Entry(buyer, slot // 4, {i: Reading(0, 100 + i) for i in range(4)}),
    )
    assert street.free(seller) == before + sum((100 + i) * IMBALANCE for i in range(4))
    assert street.production(seller, slot // 4) == (15, [100, 101, 102, 103])


def test_report__hours_and_slots_mixed__each_settles_once(street, seller, buyer, slot):
    street.end(slot + 5)
    street.report(
        Entry(seller, slot // 4, {0: Reading(1, 0), 2: Reading(3, 0)}),
        Entry(buyer, slot // 4, {1: Reading(0, 0)}),
        Entry(seller, slot // 4 + 1, {1: Reading(6, 0)}),
    )
    assert events(street.registry, "Reported")[0].settled == 4
    assert street.production(seller, slot // 4) == (5, [1, 0, 3, 0])
    assert street.production(seller, slot // 4 + 1) == (2, [0, 6, 0, 0])
    assert [street.lens.is_reported(street.zone, slot + i) for i in range(6)] == [1, 1, 1, 0, 0, 1]


def test_report__no_reading_of_an_idle_site__nothing_to_mint(street, seller, slot):
    street.end(slot)
    street.report(one(seller, slot, None))
    assert street.production(seller, slot // 4) == (0, [0, 0, 0, 0])
    assert street.lens.position(seller, slot).outcome == NO_READING


def test_report__readings_beside_a_no_reading_mark__are_not_believed(street, seller, slot):
    street.end(slot)
    word = one(seller, slot, None).word() | 999 | 999 << 24
    street.report(word)
    assert tuple(street.lens.position(seller, slot)) == (0, 0, 0, NO_READING, 0, 0)


def test_report__margin_comes_back_as_credit__tradable_and_withdrawable(street, seller, buyer, slot, traded):
    street.report(one(seller, slot, Reading(100, 0)))
    street.leave(seller, 0)
    assert street.free(seller) == 0


@pytest.mark.parametrize("spare", [0, 1])
def test_report__credit_at_its_bound__moves_into_the_free_balance(street, seller, buyer, slot, traded, spare):
    free, lanes = ("sites", "_lanes"), street.read(street.exchange, ("sites", "_lanes"), seller >> 2)
    paid = 100 * IMBALANCE  # margin and proceeds
    credit = 2**40 - paid - spare  # with the payment one grain too many, or exactly what the lane holds
    neighbours = lanes & ~((2**40 - 1) << 64 * (seller & 3))
    street.write(street.exchange, free, seller >> 2, neighbours | credit << 64 * (seller & 3))
    before = street.free(seller)
    street.report(one(seller, slot, Reading(100, 0)))
    assert street.free(seller) == before + paid
    after = street.read(street.exchange, free, seller >> 2)
    assert after == neighbours | (2**40 - 1 if spare else 0) << 64 * (seller & 3)


# ---- what cannot settle is skipped ----------------------------------------------------------------------------------


def test_report__slot_not_over__skipped(street, seller, slot):
    street.go_to_slot(slot + 2, -1)
    street.report(Entry(seller, slot // 4, {0: Reading(1, 0), 1: Reading(2, 0), 3: Reading(2, 0)}))
    assert skipped(street) == [(seller, slot // 4, 0b1010, NOT_OVER)]
    assert credits(street.registry) == [(seller, 0, 0b0001, 0)]
    assert street.lens.position(seller, slot + 1).outcome == 0


def test_report__last_second_of_the_timeout__counts_and_then_not(street, seller, buyer, slot):
    street.go_to_slot(slot + 1 + REPORT_TIMEOUT)
    street.report(one(seller, slot, Reading(1, 0)))
    street.go_to(street.now + 1)
    street.report(Entry(buyer, slot // 4, {0: Reading(1, 0), 1: Reading(0, 0)}))
    assert skipped(street) == [(buyer, slot // 4, 1, TOO_LATE)]


def test_report__already_settled__skipped_and_not_paid_twice(street, seller, buyer, slot, traded):
    street.report(one(seller, slot, Reading(100, 0)))
    after = street.free(seller)
    street.report(one(seller, slot, Reading(50, 0)), one(buyer, slot, Reading(0, 100)))
    assert skipped(street) == [(seller, slot // 4, 1, ALREADY_SETTLED)]
    assert street.free(seller) == after
    assert street.lens.position(seller, slot).exported == 100


def test_report__more_than_the_nameplate_can__skipped_at_the_first_wh_too_much(street, slot, seller):
    roof = street.connect(person("small roof"), SOLAR, 10_003)
    street.end(slot + 1)
    street.report(Entry(roof, slot // 4, {0: Reading(2501, 0), 1: Reading(2500, 0)}))
    assert skipped(street) == [(roof, slot // 4, 1, ABOVE_NAMEPLATE)]
    assert street.production(roof, slot // 4) == (2, [0, 2500, 0, 0])


def test_report__consumer_that_exports__skipped(street, seller, slot):
    home = street.connect(person("home without a roof"), CONSUMER, 0)
    street.end(slot)
    street.report(one(seller, slot, Reading(0, 0)), one(home, slot, Reading(1, 0)))
    assert skipped(street) == [(home, slot // 4, 1, ABOVE_NAMEPLATE)]


@pytest.mark.parametrize("index", [0, 1000, 0xFFFF])
def test_report__site_that_does_not_exist__skipped(street, seller, buyer, slot, index):
    street.end(slot)
    words = sorted(
        [one(buyer, slot, Reading(0, 0)).word(), one(street.zone << 16 | index, slot, Reading(0, 0)).word()],
        key=lambda word: word >> 200,
    )
    street.report(*words)
    assert skipped(street) == [(street.zone << 16 | index, slot // 4, 1, UNKNOWN_SITE)]


def test_report__entries_out_of_order__the_later_one_skipped(street, seller, buyer, slot):
    street.end(slot)
    street.report(one(buyer, slot, Reading(0, 0)), one(seller, slot, Reading(5, 0)))
    assert skipped(street) == [(seller, slot // 4, 1, UNORDERED)]
    assert street.lens.position(seller, slot).outcome == 0


def test_report__same_site_and_hour_twice__second_skipped(street, seller, slot):
    street.end(slot + 1)
    street.report(one(seller, slot, Reading(5, 0)), one(seller, slot + 1, Reading(6, 0)))
    assert skipped(street) == [(seller, slot // 4, 2, UNORDERED)]


def test_report__settles_nothing__refused(street, seller, slot):
    street.go_to_slot(slot)
    with boa.reverts("report: settles nothing"):
        street.report(one(seller, slot, Reading(5, 0)))


def test_report__hour_before_there_was_an_exchange__refused(street, seller):
    with boa.reverts("report: settles nothing"):
        street.report(Entry(seller, 0, {0: Reading(5, 0)}))


def test_report__empty__refused(street):
    with boa.reverts("report: settles nothing"):
        street.report()


def test_report__largest__128_site_hours_in_one_transaction(street, slot):
    sites = [street.connect(person(f"home {i}"), SOLAR, 10_000) for i in range(32)]
    street.end(slot + 15)
    entries = [
        Entry(site, slot // 4 + h, {i: Reading(10 * h + i, 0) for i in range(4)}) for h in range(4) for site in sites
    ]
    with pytest.raises(boa.BoaError):
        street.report(*entries, Entry(sites[0], slot // 4 + 4, {0: Reading(0, 0)}))
    street.report(*entries)
    assert events(street.registry, "Reported")[0].settled == 512
    assert street.production(sites[-1], slot // 4 + 3) == (15, [30, 31, 32, 33])
    assert street.registry.call_trace().gas_used < 8_000_000


# ---- who may settle -------------------------------------------------------------------------------------------------


def test_settle__not_the_registry__refused(street, seller, slot):
    street.end(slot)
    for sender in (street.attacker.address, street.owner, street.grid_operator.address):
        with boa.reverts("settlement: only the registry"):
            street.exchange.settle(street.zone, packed([one(seller, slot, Reading(1, 0)).word()]), sender=sender)


def test_report__signed_for_another_zone__refused(street, terms, seller, slot):
    other = street.open_zone(terms, 24, person("other operator"))
    street.end(slot)
    words = [one(seller, slot, Reading(1, 0)).word()]
    bitmap, signatures = street.signatures(other, words, (0, 1, 2))
    with pytest.raises(boa.BoaError):
        street.registry.report(street.zone, 0, packed(words), bitmap, signatures)


def test_report__zone_has_no_site_of_that_number__other_zones_site_untouched(street, terms, seller, slot):
    other = street.open_zone(terms, 24, person("other operator"))
    street.end(slot)
    with boa.reverts("report: settles nothing"):
        street.report(one(seller, slot, Reading(1, 0)), zone=other)
    assert street.lens.position(seller, slot).outcome == 0


def test_report__in_the_second_of_the_slots_end__counts(street, seller, slot):
    street.go_to((slot + 1) * SLOT)
    street.report(one(seller, slot, Reading(1, 0)))
    assert street.lens.position(seller, slot).outcome == METERED
