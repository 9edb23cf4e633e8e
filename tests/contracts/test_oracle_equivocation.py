"""Equivocation: what proves that an operator contradicted himself, what does not, and what it costs."""

from collections.abc import Sequence
from typing import Any

import boa
import pytest
from eth_account.signers.local import LocalAccount
from eth_utils import keccak
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from net8.eip712 import registry_domain
from net8_oracle.node.envelopes import Key, observation_digest

from tests.contracts.conftest import HOUR, MIN_STAKE, START
from tests.contracts.entries import entry, no_reading, packed
from tests.contracts.signing import person, sign_digest

ZONE = 7
SITE = ZONE << 16 | 5
OTHER = ZONE << 16 | 6
NOBODY = "0x" + "00" * 20


@pytest.fixture(autouse=True)
def wired(court: Any, oracles: list[LocalAccount]) -> None:
    """The court is wired and operators 1 to 7 are there."""


@pytest.fixture
def accuse(registry: Any, court: Any, attacker: LocalAccount):
    """accuse(signers, first, second, ...): prove that the two signers are one who signed both reports."""

    def prove(
        signers: Sequence[LocalAccount],
        first: list[int],
        second: list[int],
        places: tuple[int, int] = (0, 0),
        slot: int = 0,
        rounds: tuple[int, int] = (0, 0),
    ) -> int:
        signatures = [
            sign_digest(registry.report_digest(ZONE, round_, packed(words)), [signer])[0]
            for signer, words, round_ in zip(signers, (first, second), rounds, strict=True)
        ]
        return int(
            court.prove_reports(
                ZONE, rounds[0], packed(first), packed(second), places, slot, signatures, sender=attacker.address
            )
        )

    return prove


def readings_hash(words: list[int]) -> bytes:
    return keccak(b"".join(word.to_bytes(32) for word in words))


def observed(registry: Any, signer: LocalAccount, key: Key, round_: int, words: list[int]) -> tuple[bytes, bytes]:
    """An observation signed as the node signs it."""
    domain = registry_domain(boa.env.evm.patch.chain_id, registry.address)
    return sign_digest(observation_digest(domain, key, round_, words), [signer])[0]


# ---- reports


def test_reports__one_slot_two_readings__whole_stake_gone_and_a_tenth_to_the_prover(
    registry, court, token, oracles, accuse, attacker, zone, seated
):
    supply, before = token.totalSupply(), token.balanceOf(registry)
    words = [entry(OTHER, HOUR, {0: 1}), entry(SITE, HOUR, {0: 100, 1: 7})], [entry(SITE, HOUR, {0: 101})]
    assert accuse([oracles[0]] * 2, *words, places=(1, 0)) == MIN_STAKE // 10
    (log,) = [log for log in court.get_logs() if type(log).__name__ == "Equivocated"]
    assert (log.id, log.prover, log.zone, log.round, log.slashed) == (1, attacker.address, ZONE, 0, MIN_STAKE)
    assert registry.operator(1).stake == 0
    assert token.balanceOf(registry) == before - MIN_STAKE
    assert token.totalSupply() == supply - MIN_STAKE * 9 // 10
    assert court.owed(attacker.address) == token.balanceOf(court) == MIN_STAKE // 10
    assert registry.zone_signers(zone)[0] == NOBODY, "muted at once"
    assert registry.zone_operators(zone) == [1, 2, 3, 4], "the seat still counts"


def test_reports__proved_again_or_stake_filled_up__nothing_more(registry, oracles, accuse, token, mint):
    words = [entry(SITE, HOUR, {0: 100})], [no_reading(SITE, HOUR, 1)]
    accuse([oracles[0]] * 2, *words)
    mint(oracles[0].address, MIN_STAKE)
    token.approve(registry, MIN_STAKE, sender=oracles[0].address)
    with boa.reverts("stake: unbonding"):
        registry.top_up(1, MIN_STAKE, sender=oracles[0].address)
    with boa.reverts("proof: nothing at stake"):
        accuse([oracles[0]] * 2, *words)


def test_reports__unbonding_to_its_last_second__still_slashed(registry, oracles, accuse):
    operator = oracles[0]
    registry.begin_unbonding(1, sender=operator.address)
    boa.env.evm.patch.timestamp = START + 14 * 86_400
    accuse([operator] * 2, [entry(SITE, HOUR, {0: 100})], [entry(SITE, HOUR, {0: 99})])
    with boa.reverts("stake: nothing left"):
        registry.withdraw_stake(1, operator.address, sender=operator.address)


def test_reports__old_key_and_new_key__are_one_operator(registry, oracles, accuse):
    fresh = person("fresh key")
    registry.rotate_signer(1, fresh.address, 0, sender=oracles[0].address)
    assert accuse([oracles[0], fresh], [entry(SITE, HOUR, {0: 100})], [entry(SITE, HOUR, {0: 99})])


def test_reports__differ_in_the_highest_bit_alone__proved(oracles, accuse):
    words = [entry(SITE, HOUR, {}, {3: 0})], [entry(SITE, HOUR, {}, {3: 2**23})]
    assert accuse([oracles[0]] * 2, *words, slot=3) == MIN_STAKE // 10


@pytest.mark.parametrize(
    ("first", "second", "slot"),
    [
        ([entry(SITE, HOUR, {0: 100})], [entry(SITE, HOUR, {0: 100, 1: 5})], 0),  # the same there, more elsewhere
        ([entry(SITE, HOUR, {0: 100})], [entry(SITE, HOUR, {1: 101})], 0),  # another slot
        ([entry(SITE, HOUR, {0: 100})], [entry(SITE, HOUR, {1: 101})], 1),
        ([entry(SITE, HOUR, {0: 100})], [entry(SITE, HOUR + 1, {0: 101})], 0),  # another hour
        ([entry(SITE, HOUR, {0: 100})], [entry(OTHER, HOUR, {0: 101})], 0),  # another site
        ([no_reading(SITE, HOUR, 1)], [no_reading(SITE, HOUR, 3)], 0),  # both without a reading
        ([entry(SITE, HOUR, {0: 100})], [entry(SITE, HOUR, {0: 100})], 0),  # the same report twice
    ],
)
def test_reports__no_contradiction__refused(oracles, accuse, first, second, slot):
    with boa.reverts("proof: no contradiction"):
        accuse([oracles[0]] * 2, first, second, slot=slot)


def test_reports__one_report_that_names_a_slot_twice__is_no_two_statements(oracles, accuse):
    words = [entry(SITE, HOUR, {0: 100}), entry(SITE, HOUR, {0: 101})]
    with boa.reverts("proof: no contradiction"):
        accuse([oracles[0]] * 2, words, words, places=(0, 1))


def test_reports__signed_in_two_rounds__an_honest_change_of_view(oracles, accuse):
    words = [entry(SITE, HOUR, {0: 100})], [entry(SITE, HOUR, {0: 101})]
    with boa.reverts("proof: not the same signer"):
        accuse([oracles[0]] * 2, *words, rounds=(0, 1))


def test_reports__of_two_operators_or_of_nobody__refused(oracles, accuse, attacker):
    words = [entry(SITE, HOUR, {0: 100})], [entry(SITE, HOUR, {0: 101})]
    with boa.reverts("proof: not the same signer"):
        accuse(oracles[:2], *words)
    with boa.reverts("proof: no operator signed"):
        accuse([attacker] * 2, *words)


def test_reports__place_or_slot_out_of_range__refused(oracles, accuse):
    words = [entry(SITE, HOUR, {0: 100})], [entry(SITE, HOUR, {0: 101})]
    for places in ((1, 0), (0, 1), (2**256 - 1, 0)):
        with boa.reverts("proof: no such entry"):
            accuse([oracles[0]] * 2, *words, places=places)
    with boa.reverts("proof: no such slot"):
        accuse([oracles[0]] * 2, *words, slot=4)


CELLS = st.one_of(st.none(), st.tuples(st.integers(0, 3), st.integers(0, 3)))
HOURS = st.dictionaries(st.integers(0, 3), CELLS)


def word_of(readings: dict[int, tuple[int, int] | None]) -> int:
    word = HOUR << 216 | (SITE & 0xFFFF) << 200
    for place, reading in readings.items():
        word |= 1 << 192 + place
        word |= 1 << 196 + place if reading is None else (reading[0] | reading[1] << 24) << 48 * place
    return word


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=HOURS, second=HOURS, slot=st.integers(0, 3))
def test_reports__any_two__slashed_when_a_common_reading_differs(registry, oracles, accuse, first, second, slot):
    with boa.env.anchor():
        guilty = slot in first and slot in second and first[slot] != second[slot]
        if guilty:
            accuse([oracles[0]] * 2, [word_of(first)], [word_of(second)], slot=slot)
        else:
            with boa.reverts("proof: no contradiction"):
                accuse([oracles[0]] * 2, [word_of(first)], [word_of(second)], slot=slot)
        assert registry.operator(1).stake == (0 if guilty else MIN_STAKE)


# ---- observations


def test_observations__two_of_one_round__whole_stake_gone(registry, court, oracles, attacker):
    key, words = Key(ZONE, 4 * HOUR, 0), ([1 << 49 | 7], [1 << 49 | 8])
    signatures = [observed(registry, oracles[2], key, 3, one) for one in words]
    hashes = [readings_hash(one) for one in words]
    assert court.prove_observations(*key, 3, hashes, signatures, sender=attacker.address) == MIN_STAKE // 10
    assert registry.operator(3).stake == 0


def test_observations__the_same_one_in_two_forms__is_no_contradiction(registry, court, oracles):
    key, words = Key(ZONE, 4 * HOUR, 0), [1 << 49 | 7]
    signature = observed(registry, oracles[2], key, 3, words)
    with boa.reverts("proof: no contradiction"):
        court.prove_observations(*key, 3, [readings_hash(words)] * 2, [signature, signature])


@pytest.mark.parametrize(
    "other", [(Key(ZONE, 4 * HOUR + 1, 0), 3), (Key(ZONE, 4 * HOUR, 1), 3), (Key(ZONE, 4 * HOUR, 0), 4)]
)
def test_observations__of_another_slot_part_or_round__refused(registry, court, oracles, other):
    key, words = Key(ZONE, 4 * HOUR, 0), ([1 << 49 | 7], [1 << 49 | 8])
    signatures = [observed(registry, oracles[2], key, 3, words[0]), observed(registry, oracles[2], *other, words[1])]
    with boa.reverts("proof: not the same signer"):
        court.prove_observations(*key, 3, [readings_hash(one) for one in words], signatures)


def test_observation_and_report__are_never_taken_for_each_other(registry, court, oracles):
    """Types are part of what is signed: a report's digest is no observation's."""
    report = sign_digest(registry.report_digest(ZONE, 3, packed([1])), [oracles[2]])[0]
    key = Key(ZONE, 4 * HOUR, 0)
    observation = observed(registry, oracles[2], key, 3, [2])
    with boa.reverts("proof: not the same signer"):
        court.prove_observations(*key, 3, [readings_hash([2]), readings_hash([1])], [observation, report])


# ---- the purse


def test_collect__bounty__paid_once(court, token, oracles, accuse, attacker):
    accuse([oracles[0]] * 2, [entry(SITE, HOUR, {0: 100})], [entry(SITE, HOUR, {0: 99})])
    receiver = person("receiver").address
    for bad in (NOBODY, court.address):
        with boa.reverts("court: bad receiver"):
            court.collect(bad, sender=attacker.address)
    assert court.collect(receiver, sender=attacker.address) == MIN_STAKE // 10
    assert token.balanceOf(receiver) == MIN_STAKE // 10
    with boa.reverts("court: nothing due"):
        court.collect(receiver, sender=attacker.address)


def test_deploy__registry_is_no_contract__refused(deploy, attacker):
    with boa.reverts("court: registry no contract"):
        deploy("OracleCourt", attacker.address)
