"""Seats of zones: signer keys that change without a gap, operators who are muted, replaced, or leave by themselves."""

import random
from typing import Any

import boa
import pytest
from eth_account.signers.local import LocalAccount

from tests.contracts.conftest import HOUR, MIN_STAKE, START, TARIFF_LEAD, TERMS, NewSite
from tests.contracts.entries import entry, packed
from tests.contracts.signing import person, sign_digest

DAY = 86_400
NOBODY = "0x" + "00" * 20


@pytest.fixture
def site(new_site: NewSite) -> int:
    return new_site(person("producer"))


@pytest.fixture
def fresh_key() -> LocalAccount:
    return person("fresh key")


@pytest.fixture
def words(site: int) -> list[int]:
    """A report of the hour's first slot, just over."""
    boa.env.evm.patch.timestamp = START + 900
    return [entry(site, HOUR, {0: 1_000})]


@pytest.fixture
def poor(registry: Any, court: Any, seated: list[LocalAccount]) -> int:
    """Operator 2 with one wei less than half of the least stake."""
    registry.slash(2, MIN_STAKE // 3, sender=court.address)
    boa.env.evm.patch.timestamp += 7 * DAY
    registry.slash(2, MIN_STAKE // 2 + 1 - MIN_STAKE // 3, sender=court.address)
    boa.env.evm.patch.timestamp -= 7 * DAY
    return 2


def events(registry: Any, name: str) -> list[Any]:
    return [log for log in registry.get_logs() if type(log).__name__ == name]


def submit(registry: Any, zone: int, words: list[int], signers: list[LocalAccount]) -> int:
    """A report that the operators in the first seats signed with these keys."""
    signatures = sign_digest(registry.report_digest(zone, 0, packed(words)), signers)
    return int(registry.report(zone, 0, packed(words), (1 << len(signers)) - 1, signatures))


# ---- rotation


def test_rotate__overlap__both_keys_count_until_it_ends(registry, zone, seated, site, words, fresh_key):
    registry.rotate_signer(1, fresh_key.address, DAY, sender=seated[0].address)
    (log,) = events(registry, "SignerRotated")
    assert (log.id, log.signer, log.before) == (1, fresh_key.address, seated[0].address)
    assert log.until == registry.retired_until(seated[0].address) == START + 900 + DAY
    assert registry.zone_signers(zone)[0] == registry.operator(1).signer == fresh_key.address
    assert submit(registry, zone, words, seated[:3]) == 1
    boa.env.evm.patch.timestamp = START + 900 + DAY - 1
    assert submit(registry, zone, [entry(site, HOUR, {1: 5})], [fresh_key, *seated[1:3]]) == 1
    assert submit(registry, zone, [entry(site, HOUR, {2: 5})], seated[:3]) == 1
    boa.env.evm.patch.timestamp += 1
    with boa.reverts("report: bad signature"):
        submit(registry, zone, [entry(site, HOUR, {3: 5})], seated[:3])
    assert submit(registry, zone, [entry(site, HOUR, {3: 5})], [fresh_key, *seated[1:3]]) == 1


def test_rotate__key_in_wrong_hands__ends_at_once(registry, zone, seated, words, fresh_key):
    registry.rotate_signer(1, fresh_key.address, 0, sender=seated[0].address)
    with boa.reverts("report: bad signature"):
        submit(registry, zone, words, seated[:3])


def test_rotate__old_key_in_another_seat__refused(registry, zone, seated, words, fresh_key):
    registry.rotate_signer(1, fresh_key.address, DAY, sender=seated[0].address)
    with boa.reverts("report: bad signature"):
        submit(registry, zone, words, [seated[0], seated[0], seated[2]])


def test_rotate__several_zones__changes_in_all(registry, grid, zone, seated, grid_operator, owner, fresh_key):
    other = grid.create_zone(grid_operator.address, TERMS, TARIFF_LEAD, sender=owner)
    registry.admit(other, 1, sender=owner)
    registry.rotate_signer(1, fresh_key.address, 0, sender=seated[0].address)
    assert registry.zone_signers(other) == [fresh_key.address]
    assert registry.zone_signers(zone)[0] == fresh_key.address
    assert registry.operator_zones(1) == [zone, other]


@pytest.mark.parametrize(
    ("key", "overlap", "reason"),
    [
        ("oracle 1", 0, "operator: signer taken"),
        ("oracle 0", 0, "operator: signer taken"),
        (None, 0, "operator: no signer"),
        ("fresh key", DAY + 1, "operator: overlap too long"),
    ],
)
def test_rotate__impossible__refused(registry, zone, seated, key, overlap, reason):
    signer = person(key).address if key else NOBODY
    with boa.reverts(reason):
        registry.rotate_signer(1, signer, overlap, sender=seated[0].address)


def test_rotate__by_another__refused(registry, zone, seated, fresh_key):
    with boa.reverts("operator: not yours"):
        registry.rotate_signer(1, fresh_key.address, 0, sender=seated[1].address)


# ---- muting


def test_mute__lost_more_than_half__cannot_sign_but_still_counts(registry, zone, seated, poor, words):
    registry.mute(zone, poor)
    assert registry.zone_signers(zone)[1] == NOBODY
    assert registry.quorum(zone) == 3
    with boa.reverts("report: bad signature"):
        submit(registry, zone, words, seated[:3])
    signers = [seated[0], seated[2], seated[3]]
    signatures = sign_digest(registry.report_digest(zone, 0, packed(words)), signers)
    assert registry.report(zone, 0, packed(words), 0b1101, signatures) == 1
    with boa.reverts("operator: is muted"):
        registry.mute(zone, poor)


def test_mute__rotated_before_or_after__stays_mute(registry, zone, seated, poor, words, fresh_key):
    registry.rotate_signer(poor, fresh_key.address, DAY, sender=seated[1].address)
    registry.mute(zone, poor)
    with boa.reverts("report: bad signature"):
        submit(registry, zone, words, seated[:3])
    registry.rotate_signer(poor, person("fresher key").address, DAY, sender=seated[1].address)
    assert registry.zone_signers(zone)[1] == NOBODY


def test_mute__half_is_there__refused(registry, court, zone, seated):
    registry.slash(2, MIN_STAKE // 2, sender=court.address)
    with boa.reverts("operator: has enough at stake"):
        registry.mute(zone, 2)


def test_mute__not_seated__refused(registry, zone, oracles, seated):
    with boa.reverts("operator: not admitted"):
        registry.mute(zone, 7)


def test_restore__filled_up__signs_again(registry, token, mint, zone, seated, poor, words):
    registry.mute(zone, poor)
    mint(seated[1].address, MIN_STAKE)
    token.approve(registry, MIN_STAKE, sender=seated[1].address)
    with boa.reverts("stake: too low"):
        registry.restore(zone, poor)
    registry.top_up(poor, MIN_STAKE, sender=seated[1].address)
    registry.restore(zone, poor)
    assert submit(registry, zone, words, seated[:3]) == 1
    with boa.reverts("operator: is not muted"):
        registry.restore(zone, poor)


def test_restore__exactly_the_least_stake__signs_again(registry, token, mint, zone, seated, poor, words):
    registry.mute(zone, poor)
    missing = MIN_STAKE - registry.operator(poor).stake
    mint(seated[1].address, missing)
    token.approve(registry, missing, sender=seated[1].address)
    registry.top_up(poor, missing - 1, sender=seated[1].address)
    with boa.reverts("stake: too low"):
        registry.restore(zone, poor)
    registry.top_up(poor, 1, sender=seated[1].address)
    registry.restore(zone, poor)
    assert submit(registry, zone, words, seated[:3]) == 1


def test_slash_all__last_seat_of_several_zones__muted_in_all(registry, grid, court, zone, seated, grid_operator, owner):
    other = grid.create_zone(grid_operator.address, TERMS, TARIFF_LEAD, sender=owner)
    registry.admit(other, 4, sender=owner)
    registry.slash_all(4, sender=court.address)
    assert [(log.zone, log.id) for log in events(registry, "Muted")] == [(zone, 4), (other, 4)]
    assert registry.zone_signers(zone)[3] == NOBODY
    assert registry.zone_signers(other) == [NOBODY]


def test_slash_all__muted_before__not_told_again(registry, court, zone, seated, poor):
    registry.mute(zone, poor)
    registry.slash_all(poor, sender=court.address)
    assert events(registry, "Muted") == []


def test_restore__not_seated__refused(registry, zone, oracles, seated):
    with boa.reverts("operator: not admitted"):
        registry.restore(zone, 7)


# ---- seats change hands


def test_replace__zone_of_four__newcomer_takes_the_seat(registry, zone, oracles, seated, words, owner):
    registry.replace(zone, 2, 5, sender=owner)
    (log,) = events(registry, "Replaced")
    assert (log.zone, log.id, log.by) == (zone, 2, 5)
    assert registry.zone_operators(zone) == [1, 5, 3, 4]
    assert (registry.operator(2).zones, registry.operator(5).zones) == (0, 1)
    assert (registry.is_seated(zone, 2), registry.is_seated(zone, 5)) == (False, True)
    assert submit(registry, zone, words, [seated[0], oracles[4], seated[2]]) == 1


def test_replace__not_possible__refused(registry, zone, oracles, seated, owner, attacker):
    for arguments, reason in (
        ((zone, 7, 5), "operator: not admitted"),
        ((zone, 2, 3), "operator: already admitted"),
        ((zone, 2, 99), "operator: unknown"),
    ):
        with boa.reverts(reason):
            registry.replace(*arguments, sender=owner)
    with boa.reverts("ownable: caller is not the owner"):
        registry.replace(zone, 2, 5, sender=attacker.address)


def test_remove__by_the_operator_himself__leaves(registry, zone, oracles, seated, owner):
    registry.admit(zone, 5, sender=owner)
    registry.remove(zone, 5, sender=oracles[4].address)
    assert registry.zone_operators(zone) == [1, 2, 3, 4]
    with boa.reverts("zone: too few operators"):
        registry.remove(zone, 1, sender=seated[0].address)


def test_admit__lost_some_of_the_least_stake__refused(registry, court, zone, oracles, seated, owner):
    registry.slash(5, 1, sender=court.address)
    with boa.reverts("stake: too low"):
        registry.admit(zone, 5, sender=owner)


def test_admit__seventeenth_zone__refused(registry, grid, oracles, grid_operator, owner):
    zones = [grid.create_zone(grid_operator.address, TERMS, TARIFF_LEAD, sender=owner) for _ in range(17)]
    for zone in zones[:16]:
        registry.admit(zone, 1, sender=owner)
    with boa.reverts("operator: in too many zones"):
        registry.admit(zones[16], 1, sender=owner)
    registry.rotate_signer(1, person("fresh key").address, DAY, sender=oracles[0].address)
    assert registry._computation.get_gas_used() < 16_000_000  # all zones fit the transaction that changes his key
    assert all(registry.zone_signers(zone) == [person("fresh key").address] for zone in zones[:16])


def test_stakes__seats_taken_and_left__seated_stake_follows(registry, token, mint, zone, oracles, seated, owner):
    assert registry.total_stake() == 7 * MIN_STAKE
    assert registry.seated_stake() == 4 * MIN_STAKE
    registry.admit(zone, 5, sender=owner)
    mint(owner, MIN_STAKE)
    token.approve(registry, MIN_STAKE, sender=owner)
    registry.top_up(5, 3, sender=owner)
    registry.top_up(6, 4, sender=owner)
    assert registry.seated_stake() == 5 * MIN_STAKE + 3
    registry.remove(zone, 5, sender=owner)
    assert registry.seated_stake() == 4 * MIN_STAKE
    assert registry.total_stake() == 7 * MIN_STAKE + 7


# ---- what the court may do


def test_court__named_once__alone_may_take(registry, deploy, court, seated, owner, attacker):
    assert registry.court() == court.address
    with boa.reverts("registry: court is set"):
        registry.connect(attacker.address, sender=owner)
    for call, arguments in (("slash_all", (1,)), ("slash", (1, 1)), ("freeze", ([1],)), ("unfreeze", ([1],))):
        for caller in (owner, attacker.address):
            with boa.reverts("registry: only the court"):
                getattr(registry, call)(*arguments, sender=caller)


def test_connect__no_contract_or_not_the_owner__refused(deploy, token, exchange, owner, attacker):
    registry = deploy("OracleRegistry", token, exchange, MIN_STAKE)
    with boa.reverts("registry: court no contract"):
        registry.connect(attacker.address, sender=owner)
    with boa.reverts("ownable: caller is not the owner"):
        registry.connect(registry.address, sender=attacker.address)


def test_withdraw_stake__dispute_open__stays_until_it_ends(registry, court, oracles):
    operator = oracles[6]
    registry.begin_unbonding(7, sender=operator.address)
    registry.freeze([7], sender=court.address)
    boa.env.evm.patch.timestamp = START + 14 * DAY
    with boa.reverts("stake: in dispute"):
        registry.withdraw_stake(7, operator.address, sender=operator.address)
    registry.slash(7, 5, sender=court.address)
    registry.unfreeze([7], sender=court.address)
    assert registry.withdraw_stake(7, operator.address, sender=operator.address) == MIN_STAKE - 5


def test_slash__window__at_most_a_third_of_all_stakes(registry, token, court, oracles):
    assert registry.slashable_now() == 7 * MIN_STAKE // 3
    before = token.balanceOf(court)
    assert [registry.slash(i, MIN_STAKE, sender=court.address) for i in (1, 2, 3)] == [
        MIN_STAKE,
        MIN_STAKE,
        7 * MIN_STAKE // 3 - 2 * MIN_STAKE,
    ]
    assert registry.slashable_now() == 0
    assert registry.slash(4, 1, sender=court.address) == 0
    assert registry.slash_all(4, sender=court.address) == MIN_STAKE, "equivocation knows no cap"
    assert registry.SLASH_WINDOW() == 7 * DAY
    boa.env.evm.patch.timestamp = (boa.env.evm.patch.timestamp // (7 * DAY) + 1) * 7 * DAY - 1
    assert registry.slashable_now() == 0
    boa.env.evm.patch.timestamp += 1
    left = 7 * MIN_STAKE - 7 * MIN_STAKE // 3 - MIN_STAKE
    assert registry.slashable_now() == left // 3
    assert registry.slash(5, MIN_STAKE, sender=court.address) == MIN_STAKE
    assert token.balanceOf(court) - before == 7 * MIN_STAKE // 3 + 2 * MIN_STAKE


# ---- lists of seats


@pytest.mark.parametrize("lists", [127, 128, 255, 256, 700])
def test_report__after_many_changes_of_seats__finds_the_latest_list(
    registry, zone, seated, oracles, site, words, owner, lists
):
    """A list is found by its number, which is written with one byte up to 127, with two to 255, and so on."""
    for written in range(len(seated), lists):
        change = registry.admit if written % 2 == 0 else registry.remove
        change(zone, 5, sender=owner)
    assert boa.env.evm.vm.state.get_nonce(registry.address.canonical_address) == lists + 1
    signers = oracles[: len(registry.zone_operators(zone))]
    with boa.reverts("report: bad signature"):
        submit(registry, zone, words, [*signers[:-1], person("stranger")])
    assert submit(registry, zone, words, signers) == 1


# ---- who sat where, and until when


def test_zone_operators_at__any_history__as_they_were(registry, zone, oracles, site, owner):
    """Also of seconds with several changes, between them, before the first, and while keys change."""
    draw = random.Random(8)
    was = {0: [], START - 1: []}  # second -> the operators from then on
    now, seated = START, []
    for step in range(60):
        now += draw.choice([0, 1, 700])
        boa.env.evm.patch.timestamp = now
        out = [i for i in range(1, 8) if i not in seated]
        match draw.choice(["admit", "remove", "replace", "rotate"]):
            case "admit" if out:
                seated.append(draw.choice(out))
                registry.admit(zone, seated[-1], sender=owner)
            case "remove" if len(seated) not in (0, 4):
                place = draw.randrange(len(seated))
                registry.remove(zone, seated[place], sender=owner)
                seated[place] = seated[-1]
                seated.pop()
            case "replace" if seated and out:
                place, by = draw.randrange(len(seated)), draw.choice(out)
                registry.replace(zone, seated[place], by, sender=owner)
                seated[place] = by
            case "rotate" if seated:
                identifier = draw.choice(seated)
                registry.rotate_signer(
                    identifier, person(f"key {step}").address, 0, sender=oracles[identifier - 1].address
                )
        was[now] = list(seated)
    seconds = sorted(was)
    assert len({tuple(ids) for ids in was.values()}) > 20
    for second, following in zip(seconds, [*seconds[1:], 2**40], strict=True):
        assert registry.zone_operators_at(zone, second) == was[second]
        assert registry.zone_operators_at(zone, following - 1) == was[second]
    assert registry.zone_operators_at(zone + 1, now) == []


def test_seated_until__seated_left_and_never__now_then_and_zero(registry, zone, oracles, seated, owner):
    registry.admit(zone, 5, sender=owner)
    assert registry.seated_until(zone, 5) == boa.env.evm.patch.timestamp
    left = boa.env.evm.patch.timestamp
    registry.remove(zone, 5, sender=oracles[4].address)
    registry.replace(zone, 2, 6, sender=owner)
    boa.env.evm.patch.timestamp += DAY
    assert [registry.seated_until(zone, i) for i in (1, 2, 5, 6, 7)] == [left + DAY, left, left, left + DAY, 0]
    registry.admit(zone, 5, sender=owner)
    assert registry.seated_until(zone, 5) == left + DAY


def test_rotate__reports_signed_before__still_count(registry, zone, seated, site, words, fresh_key):
    submit(registry, zone, words, seated[:3])
    before = registry.participation(zone)
    registry.rotate_signer(1, fresh_key.address, 0, sender=seated[0].address)
    assert registry.participation(zone) == before == 1 << 14 | 1 << 7 | 1
    assert registry.zone_signers(zone) == [fresh_key.address, *(account.address for account in seated[1:])]
