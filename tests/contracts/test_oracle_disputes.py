"""Disputes: who may open one and vote, what it costs whom, and that every wei is somewhere afterwards."""

from dataclasses import replace
from typing import Any

import boa
import pytest
from eth_utils import keccak

from tests.contracts.entries import packed
from tests.contracts.model import Entry, Reading, Terms
from tests.contracts.oracle_street import JURY, MIN_STAKE, Court, settle_falsely
from tests.contracts.signing import person
from tests.contracts.street import GRAIN, Street, events

DAY = 86_400
SOLD, SAID = 1_000, 400
VOTING, SENTENCED, UPHELD, REJECTED, UNDECIDED = range(1, 6)
UNREAD = 1 << 48


@pytest.fixture(scope="module")
def bench(street: Street, court: Any, terms: Terms, lead: int) -> Court:
    return Court.open(street, court, terms, lead)


@pytest.fixture
def opener(bench: Court) -> str:
    return bench.rich("disputer")


@pytest.fixture
def words(bench: Court, street: Street, seller: int, buyer: int, slot: int) -> list[int]:
    """What settled: the seller delivered 1,000 Wh, and three of four operators said 400."""
    return settle_falsely(street, seller, buyer, slot, SOLD, SAID)


@pytest.fixture
def claim(terms: Terms) -> int:
    """What it cost the seller, in grains."""
    return (SOLD - SAID) * terms.imbalance


def stake_of(street: Street, identifier: int) -> int:
    return int(street.registry.operator(identifier).stake)


# ---- a dispute from beginning to end


@pytest.mark.parametrize(("tier", "share"), [(0, 1), (1, 5), (2, 100)])
def test_dispute__upheld__accused_pay_the_site_the_disputer_and_the_voters(
    bench, street, opener, words, slot, claim, tier, share, seller
):
    token, court = street.token, bench.court
    supply, purse = token.totalSupply(), token.balanceOf(opener)
    number = bench.dispute(opener, words, slot, tier=tier)
    bond = MIN_STAKE * share // 100
    assert token.balanceOf(opener) == purse - bond == purse - court.bond(tier, 0)
    assert court.accused(number) == [1, 2, 3]
    bench.vote(number, j5=True, j6=True, j7=False, j8=True)
    bench.after_vote(number, DAY)
    assert court.execute(number) == UPHELD
    taken = 3 * bond
    compensation = min(claim * GRAIN, taken)
    reward = (taken - compensation) // 5
    assert events(court, "DisputeEnded") == [(number, UPHELD, taken, compensation)]
    assert [stake_of(street, i) for i in (1, 2, 3, 4)] == [MIN_STAKE - bond] * 3 + [MIN_STAKE]
    assert court.owed(person("seller").address) == compensation
    assert court.owed(opener) == bond + reward // 2
    for identifier in (5, 6, 8):
        court.claim_vote(number, identifier)
    voters = sum(court.owed(bench.jury[i].address) for i in (5, 6, 8))
    assert voters == reward - reward // 2
    assert token.totalSupply() == supply - (taken - compensation - reward)
    assert token.balanceOf(court) == compensation + bond + reward
    assert [street.registry.operator(i).frozen for i in (1, 2, 3)] == [0, 0, 0]
    with boa.reverts("dispute: nothing due"):
        court.claim_vote(number, 7)
    with boa.reverts("dispute: nothing due"):
        court.claim_vote(number, 5)


def test_dispute__opened_by_anybody__the_site_is_paid_what_it_lost(bench, street, words, slot, claim):
    """Who sees another's dispute and is first has nothing of what is due to the site."""
    number = bench.dispute(bench.rich("passer-by"), words, slot)
    assert bench.court.dispute(number).claim == claim * GRAIN
    bench.vote(number, j7=True)
    bench.after_vote(number, DAY)
    assert bench.court.execute(number) == UPHELD
    assert bench.court.owed(person("seller").address) == claim * GRAIN


def test_dispute__no_reading_would_have_been_right__nothing_is_claimed(bench, opener, words, slot):
    assert bench.court.dispute(bench.dispute(opener, words, slot, truth=UNREAD)).claim == 0


def test_dispute__event__names_the_report_as_the_registry_did_when_it_settled(bench, street, opener, words, slot):
    bench.dispute(opener, words, slot)
    *_, report, accused = events(bench.court, "DisputeOpened")[0]
    assert (report, accused) == (keccak(packed(words)), [1, 2, 3])


def test_dispute__rejected__bond_goes_to_who_voted_so(bench, street, opener, words, slot):
    number = bench.dispute(opener, words, slot, tier=1)
    bench.vote(number, j5=True, j7=False)
    bench.after_vote(number, DAY)
    assert bench.court.execute(number) == REJECTED
    assert bench.court.claim_vote(number, 7) == MIN_STAKE * 5 // 100
    assert bench.court.owed(opener) == 0
    assert [stake_of(street, i) for i in (1, 2, 3)] == [MIN_STAKE] * 3
    with boa.reverts("dispute: not open"):
        bench.court.execute(number)


def test_dispute__tie__rejected(bench, opener, words, slot):
    number = bench.dispute(opener, words, slot)
    bench.vote(number, j5=True, j6=True, j7=False)
    bench.after_vote(number, DAY)
    assert bench.court.execute(number) == REJECTED


def test_dispute__a_third_votes__decides_and_less_does_not(bench, opener, words, slot):
    first = bench.dispute(opener, words, slot, signers=(0,))
    second = bench.dispute(opener, words, slot, signers=(1,))
    bench.vote(first, j5=True)  # 1,000 of 5,000
    bench.vote(second, j7=True)  # 2,000 of 5,000
    bench.after_vote(second, DAY)
    held = bench.court.owed(opener)
    assert bench.court.execute(first) == UNDECIDED
    assert bench.court.owed(opener) == held + MIN_STAKE, "the bond comes back, nobody lost"
    with boa.reverts("dispute: not decided yet"):
        bench.court.claim_vote(first, 5)
    assert bench.court.execute(second) == UPHELD


def test_dispute__exactly_a_third_votes__decides(bench, street, court, opener, words, slot):
    street.registry.slash(7, 2 * MIN_STAKE, sender=court.address)
    number = bench.dispute(opener, words, slot)
    assert court.dispute(number).eligible == 3 * MIN_STAKE
    bench.vote(number, j5=True)
    bench.after_vote(number, DAY)
    assert court.execute(number) == SENTENCED, "upheld; the window has no room left for all of it"


# ---- appeals


def test_appeal__decision_turns__first_winner_loses_the_doubled_bond_s_price(bench, street, opener, words, slot):
    """Upheld, then rejected: the opener's bond goes to the appellant and to the voters of the last round."""
    defender = bench.rich("defender")
    number = bench.dispute(opener, words, slot, tier=1)
    bond = bench.court.bond(1, 0)
    bench.vote(number, j5=True, j6=True)
    bench.after_vote(number)
    bench.court.appeal(number, sender=defender)
    assert events(bench.court, "Appealed") == [(number, defender, 1, False, 2 * bond)]
    bench.vote(number, j5=False, j6=False, j7=False, j8=True)
    bench.after_vote(number, DAY)
    assert bench.court.execute(number) == REJECTED
    assert bench.court.owed(defender) == 2 * bond + bond // 2
    assert sum(bench.court.claim_vote(number, i) for i in (5, 6, 7)) == bond - bond // 2
    assert stake_of(street, 1) == MIN_STAKE


def test_appeal__three_rounds__each_dearer_and_the_last_is_final(bench, street, opener, words, slot, claim):
    defender = bench.rich("defender")
    number = bench.dispute(opener, words, slot, tier=0)
    bond = bench.court.bond(0, 0)
    bench.vote(number, j7=True)
    bench.after_vote(number)
    bench.court.appeal(number, sender=defender)
    bench.vote(number, j7=False)
    bench.after_vote(number)
    bench.court.appeal(number, sender=opener)
    assert bench.court.dispute(number).posters == [opener, defender, opener]
    bench.vote(number, j7=True)
    bench.after_vote(number)
    with boa.reverts("dispute: no more appeals"):
        bench.court.appeal(number, sender=defender)
    assert bench.court.execute(number) == UPHELD
    taken = 3 * MIN_STAKE // 100
    pot = 2 * bond + (taken - claim * GRAIN) // 5
    assert bench.court.owed(opener) == 5 * bond + pot // 2 // 5 + (pot // 2 * 4) // 5
    assert bench.court.claim_vote(number, 7) == pot - (bench.court.owed(opener) - 5 * bond)


def test_appeal__nobody_votes_in_it__what_was_decided_stands(bench, street, opener, words, slot, claim):
    defender = bench.rich("defender")
    number = bench.dispute(opener, words, slot, tier=1)
    bond = bench.court.bond(1, 0)
    bench.vote(number, j7=True)
    bench.after_vote(number)
    bench.court.appeal(number, sender=defender)
    bench.after_vote(number)
    assert bench.court.execute(number) == UPHELD
    assert bench.court.owed(defender) == 0
    reward = (3 * bond - claim * GRAIN) // 5
    assert bench.court.owed(opener) == bond + (2 * bond + reward) // 2
    due = bench.court.owed(opener) + bench.court.owed(person("seller").address)
    assert street.token.balanceOf(bench.court) == due, "what no voter earned is destroyed"


def test_appeal__too_early_too_late_or_nothing_decided__refused(bench, opener, words, slot):
    number = bench.dispute(opener, words, slot, signers=(0,))
    with boa.reverts("dispute: vote goes on"):
        bench.court.appeal(number, sender=opener)
    bench.after_vote(number)
    with boa.reverts("dispute: nothing decided"):
        bench.court.appeal(number, sender=opener)
    other = bench.dispute(opener, words, slot, signers=(1,))
    bench.vote(other, j7=True)
    bench.after_vote(other, DAY - 1)
    with boa.reverts("dispute: not decided yet"):
        bench.court.execute(other)
    bench.after_vote(other, DAY)
    with boa.reverts("dispute: no more appeals"):
        bench.court.appeal(other, sender=opener)


# ---- the cap of a window


def test_execute__window_full__rest_is_taken_in_the_next(bench, street, court, opener, words, slot):
    """9,000 are staked; of the 3,000 that a window allows 500 went before, so 500 of operator 3 have to wait."""
    number = bench.dispute(opener, words, slot, tier=2)
    bench.vote(number, j7=True)
    bench.after_vote(number, DAY)
    street.registry.slash(8, MIN_STAKE // 2, sender=court.address)
    assert court.execute(number) == SENTENCED
    assert court.dues(number) == [0, 0, MIN_STAKE // 2]
    assert [stake_of(street, i) for i in (1, 2, 3)] == [0, 0, MIN_STAKE // 2]
    assert street.registry.operator(3).frozen == 1
    assert court.execute(number) == SENTENCED, "nothing more before the next window"
    with boa.reverts("dispute: not decided yet"):
        court.claim_vote(number, 7)
    with boa.reverts("dispute: not open"):
        court.appeal(number, sender=opener)
    street.go_to(street.now + 7 * DAY)
    assert court.execute(number) == UPHELD
    assert [stake_of(street, i) for i in (1, 2, 3)] == [0, 0, 0]
    assert court.dispute(number).taken == 3 * MIN_STAKE


def test_execute__stake_gone_by_another_proof__takes_what_is_there(bench, street, court, opener, words, slot):
    number = bench.dispute(opener, words, slot, tier=2)
    bench.vote(number, j7=True)
    bench.after_vote(number, DAY)
    street.registry.slash_all(1, sender=court.address)
    assert bench.court.execute(number) == UPHELD
    assert bench.court.dispute(number).taken == 2 * MIN_STAKE


# ---- what cannot be disputed


def test_open__accused_twice__only_in_a_higher_tier(bench, opener, words, slot):
    bench.dispute(opener, words, slot, tier=0, signers=(0,))
    with boa.reverts("dispute: tried before"):
        bench.dispute(opener, words, slot, tier=0, signers=(0, 1))
    bench.dispute(opener, words, slot, tier=1, signers=(0,))
    with boa.reverts("dispute: tried before"):
        bench.dispute(opener, words, slot, tier=0, signers=(0,))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"place": 2}, "dispute: no such entry"),
        ({"tier": 3}, "dispute: no such tier"),
        ({"signers": ()}, "dispute: nobody accused"),
        ({"signers": (1, 0)}, "dispute: ids do not ascend"),
        ({"signers": (0, 0)}, "dispute: ids do not ascend"),
        ({"truth": SAID}, "dispute: no other reading"),
        ({"truth": 1 << 49}, "dispute: no such reading"),
        ({"zone": 2}, "dispute: not what settled"),
        ({"zone": 2**32 + 1}, "zone: unknown"),
    ],
)
def test_open__what_makes_no_sense__refused(bench, opener, words, slot, change, reason):
    with boa.reverts(reason):
        bench.dispute(opener, words, slot, **change)


def test_open__signed_by_nobody_who_is_an_operator__refused(bench, street, opener, words, slot):
    street.oracles.append(person("attacker"))
    try:
        with boa.reverts("dispute: no operator signed"):
            bench.dispute(opener, words, slot, signers=(4,))
    finally:
        street.oracles.pop()


def test_open__slot_beyond_the_hour__refused(bench, street, opener, words):
    with boa.reverts("dispute: no such slot"):
        bench.court.open_dispute((street.zone, 0, 0, 4, 0, 1), words[0].to_bytes(32), [], sender=opener)


def test_open__slot_that_has_not_settled_so__refused(bench, street, opener, words, slot, seller):
    other = [Entry(seller, slot // 4, {slot % 4: Reading(SAID + 1, 0)}).word()]
    with boa.reverts("dispute: not what settled"):
        bench.dispute(opener, other, slot)
    with boa.reverts("dispute: not what settled"):
        bench.dispute(opener, words, slot + 1)
    unread = [Entry(seller, slot // 4, {slot % 4: None}).word()]
    with boa.reverts("dispute: not what settled"):
        bench.dispute(opener, unread, slot)


def test_open__import_above_what_was_said__refused(bench, street, opener, seller, buyer, slot):
    """What settled was more, so this is not the report that did; less can be what a purchase leaves of it."""
    settle_falsely(street, seller, buyer, slot, SOLD, SAID)
    less, more = ([Entry(buyer, slot // 4, {slot % 4: Reading(0, wh)}).word()] for wh in (SOLD - 1, SOLD + 1))
    with boa.reverts("dispute: not what settled"):
        bench.dispute(opener, less, slot, truth=1 << 24)
    assert bench.dispute(opener, more, slot, truth=1 << 24) == 1


def test_open__ten_days_after_the_slot__refused(bench, street, opener, words, slot):
    street.go_to((slot + 1) * 900 + 10 * DAY - 1)
    bench.dispute(opener, words, slot, signers=(0,))
    street.go_to((slot + 1) * 900 + 10 * DAY)
    with boa.reverts("dispute: too late"):
        bench.dispute(opener, words, slot, signers=(1,))


def test_open__no_reading_settled__energy_is_claimed(bench, street, opener, seller, buyer, slot, terms):
    street.trade(seller, buyer, slot, 1_000, SOLD)
    street.end(slot)
    words = [Entry(seller, slot // 4, {slot % 4: None}).word(), Entry(buyer, slot // 4, {slot % 4: None}).word()]
    street.report(*words)
    with boa.reverts("dispute: no other reading"):
        bench.dispute(opener, words, slot, truth=UNREAD)
    delivered = bench.dispute(opener, words, slot, truth=SOLD, signers=(0,))
    assert bench.court.dispute(delivered).claim == SOLD * terms.imbalance * GRAIN
    unused = bench.dispute(opener, words, slot, place=1, truth=300 << 24)
    assert bench.court.dispute(unused).claim == (SOLD - 300) * terms.feed_in * GRAIN


def test_open__zone_and_hour_of_any_parity__names_the_site_and_what_it_lost(bench, street, opener, terms, lead, slot):
    """Neighbouring fields stand against each other: zone 4, an odd hour, a grid fee with its lowest bit set."""
    odd = replace(terms, grid_fee=101)
    zone = [street.open_zone(odd, lead) for _ in range(2)][1]
    seller, buyer = (
        street.connect(person(f"{role} of {zone}"), balance=100_000_000, zone=zone) for role in ("seller", "buyer")
    )
    slot += 4 * (1 - slot // 4 % 2) + 3
    street.trade(seller, buyer, slot, 1_000, SOLD)
    street.end(slot)
    words = [
        Entry(seller, slot // 4, {3: Reading(SAID, 0)}).word(),
        Entry(buyer, slot // 4, {3: Reading(0, SOLD)}).word(),
    ]
    street.report(*words, zone=zone)
    dispute = bench.court.dispute(bench.dispute(opener, words, slot, zone=zone))
    assert (zone % 2, slot // 4 % 2, slot % 4) == (0, 1, 3)
    assert (dispute.site, dispute.claim) == (seller, (SOLD - SAID) * terms.imbalance * GRAIN)
    dispute = bench.court.dispute(bench.dispute(opener, words, slot, zone=zone, place=1, truth=SAID << 24))
    assert (dispute.site, dispute.claim) == (buyer, (SOLD - SAID) * terms.feed_in * GRAIN)


def test_dispute__as_many_accused_as_a_zone_can_seat__each_pays(bench, street, opener, words, slot, monkeypatch):
    rich = bench.rich("owner of many")
    street.token.approve(street.registry, 2**256 - 1, sender=rich)
    signers = [person(f"signer {i}") for i in range(31)]
    first, *_ = [street.registry.register(signer.address, MIN_STAKE, sender=rich) for signer in signers]
    monkeypatch.setattr(street, "oracles", signers)
    number = bench.dispute(opener, words, slot, tier=0, signers=range(31))
    bench.vote(number, j5=True, j6=True)
    bench.after_vote(number, DAY)
    assert bench.court.execute(number) == UPHELD
    assert {stake_of(street, first + i) for i in range(31)} == {MIN_STAKE - MIN_STAKE // 100}


def test_open__without_money__refused(bench, street, words, slot):
    with boa.reverts("erc20: insufficient allowance"):
        bench.dispute(street.attacker.address, words, slot)


def test_open__nobody_in_another_zone__refused(bench, street, opener, words, slot, owner):
    street.registry.admit(street.zone, 8, sender=owner)
    for identifier in (5, 6, 7):
        street.registry.admit(street.zone, identifier, sender=owner)
    with boa.reverts("dispute: nobody could vote"):
        bench.dispute(opener, words, slot)


# ---- who may vote


def test_vote__who_has_none__refused(bench, street, opener, words, slot, owner):
    number = bench.dispute(opener, words, slot, signers=(0, 1))
    court = bench.court
    with boa.reverts("operator: not yours"):
        court.vote(number, 5, True, sender=street.attacker.address)
    with boa.reverts("dispute: of that zone"):
        court.vote(number, 4, True, sender=street.oracles[3].address)
    bench.vote(number, j5=True)
    with boa.reverts("dispute: voted already"):
        bench.vote(number, j5=False)
    with boa.reverts("dispute: not open"):
        court.vote(number + 1, 5, True, sender=bench.jury[5].address)
    loner = person("loner")
    street.mint(loner.address, MIN_STAKE)
    street.token.approve(street.registry, MIN_STAKE, sender=loner.address)
    identifier = street.registry.register(loner.address, MIN_STAKE, sender=loner.address)
    with boa.reverts("dispute: no vote"):
        court.vote(number, identifier, True, sender=loner.address)
    street.registry.replace(street.zone, 1, identifier, sender=owner)
    street.registry.admit(bench.abroad, 1, sender=owner)
    with boa.reverts("dispute: of that zone"):
        court.vote(number, 1, False, sender=street.oracles[0].address)
    bench.after_vote(number)
    with boa.reverts("dispute: vote is over"):
        bench.vote(number, j6=True)


def test_vote__who_left_the_zone_since__refused_and_not_counted(
    bench, street, opener, seller, buyer, slot, owner, monkeypatch
):
    """Whether he left before the dispute or after; and who left before the slot ended may vote."""
    for identifier in (5, 6, 7):
        street.registry.admit(street.zone, identifier, sender=owner)
    street.trade(seller, buyer, slot, 1_000, SOLD)
    street.go_to_slot(slot, 899)
    street.registry.remove(street.zone, 5, sender=bench.jury[5].address)
    street.end(slot)
    words = [Entry(seller, slot // 4, {slot % 4: Reading(SAID, 0)}).word()]
    monkeypatch.setattr(street, "oracles", [*street.oracles, bench.jury[7]])  # who moved into the seat of who left
    street.report(*words, signers=(0, 1, 2, 3, 4))
    street.registry.remove(street.zone, 6, sender=bench.jury[6].address)
    number = bench.dispute(opener, words, slot, signers=(0, 1))
    street.registry.remove(street.zone, 7, sender=bench.jury[7].address)
    assert bench.court.dispute(number).eligible == JURY[5] + JURY[8]
    for juror in (6, 7):
        with boa.reverts("dispute: of that zone"):
            bench.vote(number, **{f"j{juror}": False})
    bench.vote(number, j5=True, j8=True)
    assert bench.court.dispute(number).support == JURY[5] + JURY[8]


def test_vote__accused_who_never_sat_in_the_zone__refused(bench, street, opener, words, slot, monkeypatch):
    """Anybody can sign a report; who is no operator of its zone and did is accused all the same."""
    monkeypatch.setattr(street, "oracles", [*street.oracles, bench.jury[5]])
    number = bench.dispute(opener, words, slot, signers=(0, 4))
    with boa.reverts("dispute: accused"):
        bench.vote(number, j5=False)


def test_bond__rounds_and_tiers__doubled_each_time(bench):
    assert [bench.court.bond(0, r) for r in range(3)] == [MIN_STAKE // 100 << r for r in range(3)]
    assert [bench.court.bond(t, 0) for t in range(3)] == [MIN_STAKE * s // 100 for s in (1, 5, 100)]
    with boa.reverts("dispute: no such tier"):
        bench.court.bond(3, 0)
    with boa.reverts("dispute: no more appeals"):
        bench.court.bond(0, 3)
