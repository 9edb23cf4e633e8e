"""Silence: when it is paid for, by whom, and that it never pays, whoever gains by a slot that settles as traded."""

from typing import Any

import boa
import pytest

from tests.contracts.model import Entry, Reading, Terms
from tests.contracts.oracle_street import MIN_STAKE, Court
from tests.contracts.signing import person
from tests.contracts.street import GRAIN, SOLAR, Street, events, terms_tuple

DAY = 86_400
WEEK = 7 * DAY
SOLD = 1_000


@pytest.fixture(scope="module")
def bench(street: Street, court: Any, terms: Terms, lead: int) -> Court:
    return Court.open(street, court, terms, lead)


@pytest.fixture
def traded(bench: Court, street: Street, seller: int, buyer: int, slot: int) -> int:
    """A slot with one trade, over and not reported."""
    street.trade(seller, buyer, slot, 1_000, SOLD)
    street.end(slot)
    return slot


def stakes(street: Street) -> list[int]:
    return [int(street.registry.operator(i).stake) for i in range(1, 9)]


def test_late__a_day_without_report__operators_pay_the_alerter_a_quarter(bench, street, traded, seller):
    court, token = bench.court, street.token
    street.go_to((traded + 1) * 900 + DAY - 1)
    with boa.reverts("alert: too early"):
        court.alert_late(seller, traded, sender=street.attacker.address)
    street.go_to((traded + 1) * 900 + DAY)
    supply = token.totalSupply()
    each = MIN_STAKE // 1_000
    assert court.alert_late(seller, traded, sender=street.attacker.address) == each
    assert events(court, "SilenceAlerted") == [(street.zone, traded, street.attacker.address, 0, 4 * each, each)]
    assert stakes(street)[:4] == [MIN_STAKE - each] * 4
    assert court.owed(street.attacker.address) == each
    assert token.totalSupply() == supply - 3 * each
    assert court.is_alerted(street.zone << 32 | traded)
    with boa.reverts("alert: made before"):
        court.alert_late(seller, traded)


def test_late__reported_in_time_or_nothing_traded__refused(bench, street, traded, seller, buyer, bakery):
    street.go_to((traded + 1) * 900 + DAY)
    with boa.reverts("alert: nothing traded"):
        bench.court.alert_late(bakery, traded)
    with boa.reverts("alert: nothing traded"):
        bench.court.alert_late(seller, traded - 8)
    with boa.reverts("alert: no such slot"):
        bench.court.alert_late(seller, 2**32)
    street.report(Entry(bakery, traded // 4, {traded % 4: Reading(0, 0)}))
    with boa.reverts("alert: was reported"):
        bench.court.alert_late(seller, traded)


def test_late__zone_without_operators__nothing_to_take(bench, street, court, terms, lead, owner, seller, buyer, slot):
    empty = street.grid.create_zone(street.grid_operator.address, terms_tuple(terms), lead, sender=owner)
    roof = street.connect(person("far roof"), balance=10**9, zone=empty)
    home = street.connect(person("far home"), 0, 0, balance=10**9, zone=empty)
    street.trade(roof, home, slot, 1_000, SOLD)
    street.go_to((slot + 1) * 900 + DAY)
    with boa.reverts("alert: nothing at stake"):
        court.alert_late(roof, slot)


def test_late__fewer_than_could_report_when_the_slot_ended__nobody_pays(
    bench, street, court, terms, lead, owner, seller, slot
):
    far = street.grid.create_zone(street.grid_operator.address, terms_tuple(terms), lead, sender=owner)
    for identifier in (5, 6, 7):
        street.registry.admit(far, identifier, sender=owner)
    roof = street.connect(person("far roof"), balance=10**9, zone=far)
    home = street.connect(person("far home"), 0, 0, balance=10**9, zone=far)
    street.trade(roof, home, slot, 1_000, SOLD)
    street.trade(roof, home, slot + 1, 1_000, SOLD)
    street.end(slot)
    street.registry.admit(far, 8, sender=owner)
    street.go_to((slot + 2) * 900 + DAY)
    with boa.reverts("alert: nothing at stake"):
        court.alert_late(roof, slot)
    assert court.alert_late(roof, slot + 1) == MIN_STAKE // 1_000


@pytest.mark.parametrize("settled", [False, True])
def test_silence__week_without_report__each_pays_his_part_of_five_times_the_gain(
    bench, street, traded, seller, buyer, terms, settled
):
    """The same before and after somebody settled the positions as traded."""
    street.go_to((traded + 1) * 900 + WEEK)
    with boa.reverts("alert: may still be reported"):
        bench.court.alert_silence(street.zone, traded, [seller])
    street.go_to(street.now + 1)
    if settled:
        street.exchange.settle_overdue(seller, traded)
    gain = SOLD * terms.imbalance * GRAIN
    each = 5 * gain // 4
    assert bench.court.alert_silence(street.zone, traded, [seller], sender=street.attacker.address) == 4 * each // 10
    assert stakes(street) == [MIN_STAKE - each] * 4 + stakes(street)[4:]
    assert 2 * each - 4 * each // 10 > gain, "two who keep a report of four from coming lose more, alert included"
    with boa.reverts("alert: made before"):
        bench.court.alert_silence(street.zone, traded, [seller])
    with boa.reverts("alert: nothing sold"):
        bench.court.alert_silence(street.zone, traded, [buyer])


def test_silence__as_many_sites_as_one_call_takes__charged_for_all(bench, street, traded, seller, terms):
    street.go_to((traded + 1) * 900 + WEEK + 1)
    others = [street.zone << 16 | index for index in range(100, 289, 3)]  # 63, of two words of marks
    bench.court.alert_silence(street.zone, traded, [*others, seller])
    (log,) = events(bench.court, "SilenceAlerted")
    assert log.exposure == SOLD * terms.imbalance * GRAIN
    for other in others[::10]:
        with boa.reverts("alert: made before"):
            bench.court.alert_silence(street.zone, traded, [other])


def test_silence__other_zone_s_site_or_reported__refused(bench, street, traded, seller, bakery):
    street.go_to((traded + 1) * 900 + DAY)
    street.report(Entry(bakery, traded // 4, {traded % 4: Reading(0, 0)}))
    street.go_to((traded + 1) * 900 + WEEK + 1)
    with boa.reverts("alert: was reported"):
        bench.court.alert_silence(street.zone, traded, [seller])
    with boa.reverts("alert: site of another zone"):
        bench.court.alert_silence(street.zone, traded - 1, [bench.abroad << 16 | 1])
    with boa.reverts("alert: no such slot"):
        bench.court.alert_silence(street.zone, 2**32, [seller])


def test_silence__window_full__alerted_in_the_next(bench, street, court, traded, seller):
    street.go_to((traded + 1) * 900 + WEEK + 1)
    street.registry.slash(7, street.registry.slashable_now() - 1, sender=court.address)
    for identifier in (5, 6):
        street.registry.slash(identifier, street.registry.slashable_now() - 1, sender=court.address)
    with boa.reverts("alert: window is full"):
        court.alert_silence(street.zone, traded, [seller])
    street.go_to(street.now + WEEK)
    assert court.alert_silence(street.zone, traded, [seller]) > 0


def test_silence__more_than_a_whole_window_allows__taken_as_far_as_that_goes(bench, street, court, slot):
    """Nothing of it can wait for a window that would allow it all."""
    roof, home = (street.connect(person(name), SOLAR, 30_000_000, 10**11) for name in ("big roof", "big home"))
    for due in (slot, slot + 1):
        street.trade(roof, home, due, 1_000, 2_050_000)
    street.go_to_slot(slot + 2, WEEK + 1)
    allowed = street.registry.slashable_now()
    assert allowed == 9 * MIN_STAKE // 3
    court.alert_silence(street.zone, slot, [roof])
    assert sum(stakes(street)) == 9 * MIN_STAKE - allowed
    with boa.reverts("alert: window is full"):
        court.alert_silence(street.zone, slot + 1, [roof])


def test_silence__who_was_silent_leaves__pays_and_who_came_does_not(bench, street, seller, buyer, slot, terms, owner):
    """5 and 6 sat there in the slot's last second, and two of six are enough to keep a report from coming."""
    street.registry.admit(street.zone, 5, sender=owner)
    street.trade(seller, buyer, slot, 1_000, SOLD)
    street.go_to_slot(slot, 899)
    street.registry.admit(street.zone, 6, sender=owner)
    street.go_to((slot + 1) * 900 + WEEK + 1)
    for identifier in (5, 6):
        street.registry.remove(street.zone, identifier, sender=bench.jury[identifier].address)
    street.registry.admit(street.zone, 8, sender=owner)
    each = 5 * SOLD * terms.imbalance * GRAIN // 6
    before = stakes(street)
    assert bench.court.alert_silence(street.zone, slot, [seller]) == 6 * each // 10
    assert stakes(street) == [stake - each for stake in before[:6]] + before[6:]


def test_silence__two_zones_in_one_slot__each_is_alerted(bench, street, court, terms, lead, owner, seller, buyer, slot):
    """Also of sites that have the same number in their zones."""
    far = street.grid.create_zone(street.grid_operator.address, terms_tuple(terms), lead, sender=owner)
    for identifier in bench.jury:
        street.registry.admit(far, identifier, sender=owner)
    roof = street.connect(person("far roof"), balance=10**9, zone=far)
    home = street.connect(person("far home"), 0, 0, balance=10**9, zone=far)
    street.trade(seller, buyer, slot, 1_000, SOLD)
    street.trade(roof, home, slot, 1_000, SOLD)
    assert roof & 0xFFFF == seller & 0xFFFF
    street.go_to((slot + 1) * 900 + WEEK + 1)
    for zone, site in ((street.zone, seller), (far, roof)):
        assert court.alert_silence(zone, slot, [site]) > 0
        with boa.reverts("alert: made before"):
            court.alert_silence(zone, slot, [site])


@pytest.mark.parametrize("operators", range(4, 32))
def test_silence__any_zone__the_silent_lose_more_than_anybody_gains(operators):
    """Factor 5, a tenth to the alerter: for every size the few who can keep a report from coming lose on balance."""
    silent = operators - (2 * operators // 3 + 1) + 1
    assert 5 * silent / operators - 5 / 10 > 1


def test_secured__stakes_of_a_zone__bound_what_a_bribe_may_be(bench, street, court, owner):
    lies, silence = court.secured(bench.abroad)  # 1000, 1000, 2000, 1000; three sign, two can be silent
    assert (lies, silence) == (3 * MIN_STAKE, 2 * MIN_STAKE * 2 // 3)
    street.registry.slash(6, MIN_STAKE // 2, sender=court.address)
    assert court.secured(bench.abroad) == (MIN_STAKE // 2 + 2 * MIN_STAKE, MIN_STAKE * 2 // 3)
    assert court.secured(99) == (0, 0)


def test_secured__the_poorest_sit_last__are_counted_all_the_same(bench, street, court):
    for identifier, taken in ((6, 100), (7, 1_200), (8, 500)):
        street.registry.slash(identifier, MIN_STAKE * taken // 1_000, sender=court.address)
    of_liars = MIN_STAKE * (500 + 800 + 900) // 1_000
    assert court.secured(bench.abroad) == (of_liars, 2 * (MIN_STAKE // 2) * 2 // 3)


def test_secured__the_poorest_of_a_full_zone_sits_last__counts_as_the_poorest(street, court, terms, lead, owner):
    rich = person("owner of many").address
    street.mint(rich, 32 * MIN_STAKE)
    street.token.approve(street.registry, 32 * MIN_STAKE, sender=rich)
    zone = street.grid.create_zone(street.grid_operator.address, terms_tuple(terms), lead, sender=owner)
    for i in range(31):
        identifier = street.registry.register(person(f"signer {i}").address, MIN_STAKE, sender=rich)
        street.registry.admit(zone, identifier, sender=owner)
    street.registry.slash(identifier, MIN_STAKE // 2, sender=court.address)
    assert court.secured(zone) == (MIN_STAKE // 2 + 20 * MIN_STAKE, 11 * (MIN_STAKE // 2) * 2 // 3)
