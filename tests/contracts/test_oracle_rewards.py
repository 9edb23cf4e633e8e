"""Rewards: the oracle fee of a zone goes to those who signed its reports, to the wei."""

import boa
import pytest

from tests.contracts.model import Entry, Reading
from tests.contracts.signing import person
from tests.contracts.street import GRAIN, Street, events

NOBODY = "0x" + "00" * 20


@pytest.fixture
def settle(street: Street, seller: int, buyer: int):
    """settle(slot, wh, signers): a trade of so much in a slot, settled by these operators; the oracle fee in wei."""

    def run(slot: int, wh: int, signers: tuple[int, ...]) -> int:
        before = street.exchange.zone_account(street.zone)[2]
        street.trade(seller, buyer, slot, 1_000, wh)
        street.end(slot)
        readings = {seller: Reading(wh, 0), buyer: Reading(0, wh)}
        street.report(*(Entry(site, slot // 4, {slot % 4: what}) for site, what in readings.items()), signers=signers)
        return int(street.exchange.zone_account(street.zone)[2] - before) * GRAIN

    return run


def test_share__three_of_four_signed__get_equal_parts_and_the_fourth_nothing(street, settle, slot):
    fee = settle(slot, 1_000, (0, 1, 3))
    assert fee > 0
    held = street.token.balanceOf(street.registry)
    assert street.registry.share_rewards(street.zone, sender=street.attacker.address) == fee - fee % 3
    (log,) = events(street.registry, "RewardsShared")
    assert (log.zone, log.amount, log.counts) == (street.zone, fee - fee % 3, 1 << 21 | 1 << 7 | 1)
    assert [street.registry.earned(i) for i in range(1, 5)] == [fee // 3, fee // 3, 0, fee // 3]
    assert street.registry.carried(street.zone) == fee % 3
    assert street.token.balanceOf(street.registry) == held + fee
    assert street.exchange.zone_account(street.zone)[2] == 0
    assert street.registry.participation(street.zone) == 0


def test_share__several_reports__in_proportion_to_what_each_signed(street, settle, slot):
    fees = settle(slot, 1_000, (0, 1, 2)) + settle(slot + 4, 1_000, (0, 1, 3)) + settle(slot + 8, 500, (0, 1, 2, 3))
    street.registry.share_rewards(street.zone)
    assert [street.registry.earned(i) for i in range(1, 5)] == [fees * n // 10 for n in (3, 3, 2, 2)]


def test_share__remainder__comes_next_time(street, settle, slot):
    first = settle(slot, 1_001, (0, 1, 2))
    street.registry.share_rewards(street.zone)
    carried = street.registry.carried(street.zone)
    assert carried == first % 3
    second = settle(slot + 4, 1_001, (0, 1, 2, 3))
    street.registry.share_rewards(street.zone)
    shared = (carried + second) // 4
    assert street.registry.earned(4) == shared
    assert street.registry.carried(street.zone) == carried + second - 4 * shared


def test_share__grid_operator_took_his_fees_before__all_the_same(street, settle, slot):
    fee = settle(slot, 1_000, (0, 1, 2, 3))
    street.grid.withdraw_fees(street.zone, person("receiver").address, sender=street.grid_operator.address)
    assert street.exchange.zone_account(street.zone)[1] == 0
    assert street.registry.share_rewards(street.zone) == fee - fee % 4


def test_share__nothing_signed_or_no_fee__refused(street, seller, slot):
    with boa.reverts("reward: nothing to share"):
        street.registry.share_rewards(street.zone)
    street.end(slot)
    street.report(Entry(seller, slot // 4, {slot % 4: Reading(5, 0)}))
    with boa.reverts("reward: nothing to share"):
        street.registry.share_rewards(street.zone)


def test_participation__first_seat_did_not_sign__counts_for_the_others_alone(street, seller, slot):
    street.end(slot)
    street.report(Entry(seller, slot // 4, {slot % 4: Reading(5, 0)}), signers=(1, 2, 3))
    assert street.registry.participation(street.zone) == 1 << 7 | 1 << 14 | 1 << 21


def test_participation__many_reports__fades_and_never_runs_over(street, seller, slot):
    """Seats 0 and 1 sign all of 140 reports, seat 2 the first 35 (odd, for the halving), seat 3 the rest."""
    first = slot - slot % 4
    street.end(first + 143)
    expected = [0] * 5
    for place in range(140):
        signers = (0, 1, 2) if place < 35 else (0, 1, 3)
        street.report(Entry(seller, (first + place) // 4, {place % 4: Reading(1, 0)}), signers=signers)
        if any(expected[seat] >= 64 for seat in signers):
            expected = [count >> 1 for count in expected]
        expected = [count + (seat in signers) for seat, count in enumerate(expected)]
    counts = street.registry.participation(street.zone)
    assert [counts >> 7 * seat & 127 for seat in range(5)] == expected == [44, 44, 4, 39, 0]


def test_seat_changes__rewards_earned_before__stay_with_who_signed(street, settle, slot, owner):
    fee = settle(slot, 1_000, (0, 1, 2))
    newcomer = person("newcomer")
    street.mint(newcomer.address, 1_000 * 10**18)
    street.token.approve(street.registry, 1_000 * 10**18, sender=newcomer.address)
    id_ = street.registry.register(newcomer.address, 1_000 * 10**18, sender=newcomer.address)
    street.registry.replace(street.zone, 1, id_, sender=owner)
    assert street.registry.earned(1) == fee // 3
    assert street.registry.earned(id_) == 0


def test_claim__earned__paid_once_to_the_owner_key_s_receiver(street, settle, slot):
    fee = settle(slot, 1_000, (0, 1, 2))
    street.registry.share_rewards(street.zone)
    operator, receiver = street.oracles[0], person("receiver").address
    with boa.reverts("operator: not yours"):
        street.registry.claim_rewards(1, receiver, sender=street.attacker.address)
    with boa.reverts("stake: bad receiver"):
        street.registry.claim_rewards(1, NOBODY, sender=operator.address)
    assert street.registry.claim_rewards(1, receiver, sender=operator.address) == fee // 3
    assert events(street.registry, "RewardsClaimed") == [(1, receiver, fee // 3)]
    assert street.token.balanceOf(receiver) == fee // 3
    with boa.reverts("reward: nothing earned"):
        street.registry.claim_rewards(1, receiver, sender=operator.address)


def test_draw__not_the_registry__refused(street, owner):
    for caller in (owner, street.attacker.address, street.grid_operator.address):
        with boa.reverts("grid: only the registry"):
            street.grid.draw_oracle_fees(street.zone, sender=caller)
