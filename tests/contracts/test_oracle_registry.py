"""OracleRegistry: stake, seats, and reports that a quorum signed."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import boa
import pytest
from eth_account.messages import encode_typed_data
from eth_account.signers.local import LocalAccount
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.contracts.conftest import HOUR, MIN_STAKE, NET8, START, TARIFF_LEAD, TERMS, Mint, NewSite
from tests.contracts.entries import entry, no_reading, packed
from tests.contracts.signing import domain, person, sign_digest

HOSTILE = Path(__file__).parent / "hostile"
RETURN_FALSE = 1  # what the hostile token does wrong in a transfer
NOBODY = "0x" + "00" * 20
DAY = 86_400
UNBONDING = 14 * DAY

Staked = Callable[..., LocalAccount]


@pytest.fixture
def staked(token: Any, registry: Any, mint: Mint) -> Staked:
    """staked(role): somebody with ten times the least stake in NET8 and an allowance for the registry."""

    def prepare(role: str) -> LocalAccount:
        account = person(role)
        mint(account.address, 10 * MIN_STAKE)
        token.approve(registry, 2**256 - 1, sender=account.address)
        return account

    return prepare


@pytest.fixture
def newcomer(staked: Staked) -> LocalAccount:
    """Wants to become an operator."""
    return staked("newcomer")


@pytest.fixture
def signer() -> LocalAccount:
    return person("signer of the newcomer")


@pytest.fixture
def newcomer_id(registry: Any, newcomer: LocalAccount, signer: LocalAccount) -> int:
    """The newcomer, registered with the least stake."""
    return int(registry.register(signer.address, MIN_STAKE, sender=newcomer.address))


@pytest.fixture
def site(new_site: NewSite) -> int:
    return new_site(person("producer"))


@pytest.fixture
def entries(site: int) -> list[int]:
    """A report that settles the first slot of the hour, just over."""
    boa.env.evm.patch.timestamp = START + 900
    return [entry(site, HOUR, {0: 1_000})]


def signatures_of(
    registry: Any, zone: int, entries: Sequence[int], signers: Sequence[LocalAccount], round_: int = 0
) -> list[Any]:
    return sign_digest(registry.report_digest(zone, round_, packed(entries)), signers)


# ---- deployment


def test_deploy__wired__knows_token_exchange_grid_and_stake(registry, token, exchange, grid, owner):
    assert (registry.net8(), registry.exchange(), registry.min_stake()) == (token.address, exchange.address, MIN_STAKE)
    assert registry.grid() == grid.address
    assert (registry.owner(), registry.UNBONDING(), registry.MIN_OPERATORS()) == (owner, UNBONDING, 4)


def test_deploy__token_is_no_contract__refused(deploy, exchange, attacker):
    with boa.reverts("registry: net8 not a contract"):
        deploy("OracleRegistry", attacker.address, exchange, MIN_STAKE)


def test_deploy__exchange_is_no_contract__refused(deploy, token, attacker):
    with boa.reverts("registry: exchange no contract"):
        deploy("OracleRegistry", token, attacker.address, MIN_STAKE)


def test_deploy__no_stake_asked__refused(deploy, token, exchange):
    with boa.reverts("registry: no stake asked"):
        deploy("OracleRegistry", token, exchange, 0)


def test_ownership__handed_over__moves_in_two_steps(registry, owner, attacker):
    registry.transfer_ownership(attacker.address, sender=owner)
    assert registry.owner() == owner
    registry.accept_ownership(sender=attacker.address)
    assert registry.owner() == attacker.address


def test_ownership__abi__cannot_be_renounced(registry):
    assert "renounce_ownership" not in {entry.get("name") for entry in registry.abi}


# ---- register


def test_register__least_stake__becomes_an_operator(registry, token, newcomer, signer):
    held, count = token.balanceOf(registry), registry.operator_count()
    identifier = registry.register(signer.address, MIN_STAKE, sender=newcomer.address)
    (log,) = [entry for entry in registry.get_logs() if type(entry).__name__ == "OperatorRegistered"]
    assert identifier == registry.operator_count() == count + 1
    assert tuple(registry.operator(identifier)) == (newcomer.address, signer.address, MIN_STAKE, 0, 0, 0)
    assert registry.operator_of_signer(signer.address) == identifier
    assert token.balanceOf(registry) == held + MIN_STAKE
    assert (log.id, log.owner, log.signer, log.stake) == (identifier, newcomer.address, signer.address, MIN_STAKE)


def test_register__first__has_id_1(deploy, token, exchange, newcomer, signer):
    registry = deploy("OracleRegistry", token, exchange, MIN_STAKE)
    token.approve(registry, MIN_STAKE, sender=newcomer.address)
    assert registry.register(signer.address, MIN_STAKE, sender=newcomer.address) == 1


def test_register__one_wei_short__refused(registry, newcomer, signer):
    with boa.reverts("stake: too low"):
        registry.register(signer.address, MIN_STAKE - 1, sender=newcomer.address)


def test_register__no_signer__refused(registry, newcomer):
    with boa.reverts("operator: no signer"):
        registry.register(NOBODY, MIN_STAKE, sender=newcomer.address)


def test_register__signer_of_another__refused(registry, newcomer_id, newcomer, signer):
    with boa.reverts("operator: signer taken"):
        registry.register(signer.address, MIN_STAKE, sender=newcomer.address)


def test_register__without_allowance__refused(registry, mint, attacker, signer):
    mint(attacker.address, MIN_STAKE)
    with boa.reverts("erc20: insufficient allowance"):
        registry.register(signer.address, MIN_STAKE, sender=attacker.address)


def test_register__token_says_no__refused(deploy, exchange, newcomer, signer):
    token = boa.load(str(HOSTILE / "Euro.vy"), 18)
    token.give(newcomer.address, MIN_STAKE)
    registry = deploy("OracleRegistry", token, exchange, MIN_STAKE)
    token.misbehave(RETURN_FALSE)
    with boa.reverts("stake: transfer failed"):
        registry.register(signer.address, MIN_STAKE, sender=newcomer.address)


def test_withdraw_stake__token_says_no__refused_and_kept(deploy, exchange, newcomer, signer):
    token = boa.load(str(HOSTILE / "Euro.vy"), 18)
    token.give(newcomer.address, MIN_STAKE)
    registry = deploy("OracleRegistry", token, exchange, MIN_STAKE)
    registry.register(signer.address, MIN_STAKE, sender=newcomer.address)
    registry.begin_unbonding(1, sender=newcomer.address)
    boa.env.evm.patch.timestamp = START + UNBONDING
    token.misbehave(RETURN_FALSE)
    with boa.reverts("stake: transfer failed"):
        registry.withdraw_stake(1, newcomer.address, sender=newcomer.address)
    assert registry.operator(1).stake == MIN_STAKE


def test_operator__unknown__is_empty(registry):
    assert tuple(registry.operator(0)) == tuple(registry.operator(99)) == (NOBODY, NOBODY, 0, 0, 0, 0)


# ---- stake


def test_top_up__anyone__adds_to_the_stake(registry, token, newcomer_id, staked):
    payer = staked("payer")
    held = token.balanceOf(registry)
    registry.top_up(newcomer_id, NET8, sender=payer.address)
    (log,) = [entry for entry in registry.get_logs() if type(entry).__name__ == "StakeAdded"]
    assert registry.operator(newcomer_id).stake == MIN_STAKE + NET8
    assert token.balanceOf(registry) == held + NET8
    assert (log.id, log.payer, log.amount) == (newcomer_id, payer.address, NET8)


def test_top_up__nothing__refused(registry, newcomer_id, newcomer):
    with boa.reverts("stake: nothing added"):
        registry.top_up(newcomer_id, 0, sender=newcomer.address)


def test_top_up__unknown_operator__refused(registry, newcomer):
    with boa.reverts("operator: unknown"):
        registry.top_up(99, NET8, sender=newcomer.address)


def test_top_up__unbonding__refused(registry, newcomer_id, newcomer):
    registry.begin_unbonding(newcomer_id, sender=newcomer.address)
    with boa.reverts("stake: unbonding"):
        registry.top_up(newcomer_id, NET8, sender=newcomer.address)


def test_unbonding__begun__announces_when_it_ends(registry, newcomer_id, newcomer):
    registry.begin_unbonding(newcomer_id, sender=newcomer.address)
    (log,) = [entry for entry in registry.get_logs() if type(entry).__name__ == "UnbondingBegun"]
    assert registry.operator(newcomer_id).unbonding_at == START
    assert (log.id, log.ready_at) == (newcomer_id, START + UNBONDING)


@pytest.mark.parametrize("role", ["signer", "attacker"])
def test_unbonding__by_another_than_the_owner__refused(registry, newcomer_id, signer, attacker, role):
    caller = {"signer": signer, "attacker": attacker}[role]
    with boa.reverts("operator: not yours"):
        registry.begin_unbonding(newcomer_id, sender=caller.address)


def test_unbonding__second_time__refused(registry, newcomer_id, newcomer):
    registry.begin_unbonding(newcomer_id, sender=newcomer.address)
    with boa.reverts("stake: unbonding"):
        registry.begin_unbonding(newcomer_id, sender=newcomer.address)


def test_unbonding__seated__refused_until_removed(registry, zone, owner, newcomer_id, newcomer):
    registry.admit(zone, newcomer_id, sender=owner)
    with boa.reverts("stake: seated in a zone"):
        registry.begin_unbonding(newcomer_id, sender=newcomer.address)
    registry.remove(zone, newcomer_id, sender=owner)
    registry.begin_unbonding(newcomer_id, sender=newcomer.address)
    assert registry.operator(newcomer_id).unbonding_at == START


def test_withdraw_stake__unbonding_over__pays_everything_once(registry, token, newcomer_id, newcomer, attacker):
    registry.top_up(newcomer_id, NET8, sender=newcomer.address)
    registry.begin_unbonding(newcomer_id, sender=newcomer.address)
    boa.env.evm.patch.timestamp = START + UNBONDING
    receiver = person("receiver").address
    staked = registry.total_stake()
    assert registry.withdraw_stake(newcomer_id, receiver, sender=newcomer.address) == MIN_STAKE + NET8
    (log,) = [entry for entry in registry.get_logs() if type(entry).__name__ == "StakeWithdrawn"]
    assert (log.id, log.receiver, log.amount) == (newcomer_id, receiver, MIN_STAKE + NET8)
    assert registry.total_stake() == staked - MIN_STAKE - NET8
    assert token.balanceOf(receiver) == MIN_STAKE + NET8
    with boa.reverts("stake: nothing left"):
        registry.withdraw_stake(newcomer_id, receiver, sender=newcomer.address)


def test_withdraw_stake__a_second_early__refused(registry, newcomer_id, newcomer):
    registry.begin_unbonding(newcomer_id, sender=newcomer.address)
    boa.env.evm.patch.timestamp = START + UNBONDING - 1
    with boa.reverts("stake: unbonding"):
        registry.withdraw_stake(newcomer_id, newcomer.address, sender=newcomer.address)


def test_withdraw_stake__never_asked_for__refused(registry, newcomer_id, newcomer):
    boa.env.evm.patch.timestamp = START + 10 * UNBONDING
    with boa.reverts("stake: still bonded"):
        registry.withdraw_stake(newcomer_id, newcomer.address, sender=newcomer.address)


def test_withdraw_stake__not_the_owner__refused(registry, newcomer_id, newcomer, attacker):
    registry.begin_unbonding(newcomer_id, sender=newcomer.address)
    boa.env.evm.patch.timestamp = START + UNBONDING
    with boa.reverts("operator: not yours"):
        registry.withdraw_stake(newcomer_id, attacker.address, sender=attacker.address)


def test_withdraw_stake__unknown_operator__refused(registry, attacker):
    with boa.reverts("operator: not yours"):
        registry.withdraw_stake(99, attacker.address, sender=attacker.address)


@pytest.mark.parametrize("receiver", [NOBODY, "self"])
def test_withdraw_stake__to_where_it_would_be_lost__refused(registry, newcomer_id, newcomer, receiver):
    registry.begin_unbonding(newcomer_id, sender=newcomer.address)
    boa.env.evm.patch.timestamp = START + UNBONDING
    with boa.reverts("stake: bad receiver"):
        target = registry.address if receiver == "self" else receiver
        registry.withdraw_stake(newcomer_id, target, sender=newcomer.address)


def test_register__after_leaving__needs_a_new_signer(registry, newcomer_id, newcomer, signer):
    registry.begin_unbonding(newcomer_id, sender=newcomer.address)
    boa.env.evm.patch.timestamp = START + UNBONDING
    registry.withdraw_stake(newcomer_id, newcomer.address, sender=newcomer.address)
    with boa.reverts("operator: signer taken"):
        registry.register(signer.address, MIN_STAKE, sender=newcomer.address)


# ---- seats


def test_admit__owner__gives_the_next_seat(registry, zone, seated, newcomer_id, signer, owner):
    registry.admit(zone, newcomer_id, sender=owner)
    (log,) = [entry for entry in registry.get_logs() if type(entry).__name__ == "Admitted"]
    assert (log.zone, log.id) == (zone, newcomer_id)
    assert registry.zone_operators(zone) == [1, 2, 3, 4, newcomer_id]
    assert registry.zone_signers(zone) == [*(oracle.address for oracle in seated), signer.address]
    assert registry.operator(newcomer_id).zones == 1


def test_admit__second_zone__keeps_both_seats(registry, grid, zone, grid_operator, newcomer_id, owner):
    other = grid.create_zone(grid_operator.address, TERMS, TARIFF_LEAD, sender=owner)
    registry.admit(zone, newcomer_id, sender=owner)
    registry.admit(other, newcomer_id, sender=owner)
    assert registry.operator(newcomer_id).zones == 2
    assert registry.zone_operators(other) == [newcomer_id]


@pytest.mark.parametrize("call", ["admit", "remove"])
def test_seats__not_the_contract_owner__refused(registry, zone, seated, grid_operator, newcomer, call):
    for caller in (grid_operator, newcomer):
        with boa.reverts("ownable: caller is not the owner"):
            getattr(registry, call)(zone, 1, sender=caller.address)


def test_admit__unknown_zone__refused(registry, newcomer_id, owner):
    with boa.reverts("zone: unknown"):
        registry.admit(99, newcomer_id, sender=owner)


def test_admit__unknown_operator__refused(registry, zone, owner):
    with boa.reverts("operator: unknown"):
        registry.admit(zone, 99, sender=owner)


def test_admit__already_seated__refused(registry, zone, seated, owner):
    with boa.reverts("operator: already admitted"):
        registry.admit(zone, 1, sender=owner)


def test_admit__unbonding__refused(registry, zone, newcomer_id, newcomer, owner):
    registry.begin_unbonding(newcomer_id, sender=newcomer.address)
    with boa.reverts("stake: unbonding"):
        registry.admit(zone, newcomer_id, sender=owner)


def test_admit__thirty_second_operator__refused(registry, zone, staked, owner):
    rich = staked("rich operator")
    identifiers = []
    for i in range(32):
        if i % 10 == 0:
            staked("rich operator")
        identifiers.append(registry.register(person(f"signer {i}").address, MIN_STAKE, sender=rich.address))
    for identifier in identifiers[:31]:
        registry.admit(zone, identifier, sender=owner)
    assert registry.quorum(zone) == 21
    with boa.reverts("zone: full"):
        registry.admit(zone, identifiers[31], sender=owner)
    assert registry.zone_operators_at(zone, boa.env.evm.patch.timestamp) == identifiers[:31]


def test_remove__from_the_middle__last_takes_the_seat(registry, zone, seated, newcomer_id, signer, owner):
    registry.admit(zone, newcomer_id, sender=owner)
    registry.remove(zone, 2, sender=owner)
    (log,) = [entry for entry in registry.get_logs() if type(entry).__name__ == "Removed"]
    assert (log.zone, log.id) == (zone, 2)
    assert registry.zone_operators(zone) == [1, newcomer_id, 3, 4]
    assert registry.zone_signers(zone)[1] == signer.address
    assert registry.operator(2).zones == 0


def test_remove__last_seat__others_stay(registry, zone, seated, newcomer_id, owner):
    registry.admit(zone, newcomer_id, sender=owner)
    registry.remove(zone, newcomer_id, sender=owner)
    assert registry.zone_operators(zone) == [1, 2, 3, 4]


def test_remove__moved_operator__can_still_be_removed(registry, zone, oracles, seated, owner):
    for identifier in (5, 6, 7):
        registry.admit(zone, identifier, sender=owner)
    for identifier in (1, 7, 2):
        registry.remove(zone, identifier, sender=owner)
    assert sorted(registry.zone_operators(zone)) == [3, 4, 5, 6]
    assert len(set(registry.zone_signers(zone))) == 4


def test_remove__zone_has_four__refused(registry, zone, seated, owner):
    with boa.reverts("zone: too few operators"):
        registry.remove(zone, 1, sender=owner)


def test_remove__zone_never_had_four__allowed(registry, zone, newcomer_id, owner):
    registry.admit(zone, newcomer_id, sender=owner)
    registry.remove(zone, newcomer_id, sender=owner)
    assert registry.zone_operators(zone) == []


def test_remove__not_seated__refused(registry, zone, seated, newcomer_id, owner):
    with boa.reverts("operator: not admitted"):
        registry.remove(zone, newcomer_id, sender=owner)


def test_admit__removed_before__gets_a_seat_again(registry, zone, seated, newcomer_id, owner):
    for _ in range(2):
        registry.admit(zone, newcomer_id, sender=owner)
        assert registry.zone_operators(zone) == [1, 2, 3, 4, newcomer_id]
        registry.remove(zone, newcomer_id, sender=owner)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moves=st.lists(st.tuples(st.booleans(), st.integers(1, 7)), max_size=30))
def test_seats__any_history__are_distinct_consecutive_and_never_fall_below_four(registry, zone, oracles, owner, moves):
    inside: set[int] = set()
    reached_four = False
    for admitting, identifier in moves:
        if admitting and identifier in inside:
            with boa.reverts("operator: already admitted"):
                registry.admit(zone, identifier, sender=owner)
        elif admitting:
            registry.admit(zone, identifier, sender=owner)
            inside.add(identifier)
        elif identifier not in inside:
            with boa.reverts("operator: not admitted"):
                registry.remove(zone, identifier, sender=owner)
        elif len(inside) == 4:
            with boa.reverts("zone: too few operators"):
                registry.remove(zone, identifier, sender=owner)
        else:
            registry.remove(zone, identifier, sender=owner)
            inside.remove(identifier)
        reached_four |= len(inside) >= 4
        seats = registry.zone_operators(zone)
        assert len(seats) == len(inside) >= 4 * reached_four
        assert set(seats) == inside
        assert registry.zone_signers(zone) == [oracles[i - 1].address for i in seats]
        assert [registry.operator(i).zones for i in range(1, 8)] == [int(i in inside) for i in range(1, 8)]


# ---- quorum


def test_quorum__four_to_seven_operators__is_two_thirds_and_one(registry, zone, oracles, seated, owner):
    quorums = {4: registry.quorum(zone)}
    for identifier in (5, 6, 7):
        registry.admit(zone, identifier, sender=owner)
        quorums[identifier] = registry.quorum(zone)
    assert quorums == {4: 3, 5: 4, 6: 5, 7: 5}


@pytest.mark.parametrize("seats", [0, 3])
def test_quorum__fewer_than_four__refused(registry, zone, oracles, owner, seats):
    for identifier in range(1, seats + 1):
        registry.admit(zone, identifier, sender=owner)
    with boa.reverts("zone: too few operators"):
        registry.quorum(zone)


def test_report__fewer_than_four_operators__refused(registry, zone, oracles, owner, entries):
    for identifier in (1, 2, 3):
        registry.admit(zone, identifier, sender=owner)
    with boa.reverts("zone: too few operators"):
        registry.report(zone, 0, packed(entries), 0b111, signatures_of(registry, zone, entries, oracles[:3]))


# ---- the digest


@pytest.mark.parametrize("count", [0, 1, 2, 128])
def test_report_digest__any_length__is_what_eip712_says(registry, zone, count):
    entries = [2**256 - 1 - i for i in range(count)]
    typed = {
        "types": {
            "Report": [
                {"name": "zone", "type": "uint256"},
                {"name": "round", "type": "uint256"},
                {"name": "entries", "type": "uint256[]"},
            ]
        },
        "primaryType": "Report",
        "domain": domain("NET8 OracleRegistry", registry),
        "message": {"zone": zone, "round": 7, "entries": entries},
    }
    signed = person("somebody").sign_message(encode_typed_data(full_message={**typed, "types": eip712_types(typed)}))
    assert registry.report_digest(zone, 7, packed(entries)) == signed.message_hash


def eip712_types(typed: dict[str, Any]) -> dict[str, Any]:
    names = {"name": "string", "version": "string", "chainId": "uint256", "verifyingContract": "address"}
    return {**typed["types"], "EIP712Domain": [{"name": name, "type": kind} for name, kind in names.items()]}


def test_domain__deployed__names_registry_chain_and_address(registry):
    _, name, version, chain_id, contract, _, _ = registry.eip712Domain()
    assert (name, version) == ("NET8 OracleRegistry", "1")
    assert (chain_id, contract) == (boa.env.evm.patch.chain_id, registry.address)


def test_domain_separator__chain_forked__changes(registry):
    before = registry.DOMAIN_SEPARATOR()
    boa.env.evm.patch.chain_id = 999
    assert registry.DOMAIN_SEPARATOR() != before


# ---- reports


def metered(exchange: Any, site: int) -> dict[int, int]:
    """Wh exported in the slots of the hour that settled by a reading; the layout is that of position_words.vy."""
    (word,) = exchange.position_words_of(site, HOUR, 1)
    cells = {slot: word >> 58 * slot & (2**58 - 1) for slot in range(4)}
    return {slot: cell & (2**24 - 1) for slot, cell in cells.items() if cell >> 48 == 1 << 8 | 1}


def test_report__quorum_signed__settles_in_the_same_call(registry, exchange, zone, seated, site, entries, attacker):
    signatures = signatures_of(registry, zone, entries, seated[:3])
    assert registry.report(zone, 0, packed(entries), 0b0111, signatures, sender=attacker.address) == 1
    (log,) = [entry for entry in registry.get_logs() if type(entry).__name__ == "Reported"]
    assert (log.zone, log.bitmap, log.settled) == (zone, 0b0111, 1)
    assert log.entries_hash == boa.eval(f"keccak256(convert({entries[0]}, bytes32))")
    assert metered(exchange, site) == {0: 1_000}


@pytest.mark.parametrize("seats", [(0, 1, 2), (0, 1, 3), (0, 2, 3), (1, 2, 3), (0, 1, 2, 3)])
def test_report__any_quorum_or_all__settles(registry, zone, seated, entries, seats):
    signatures = signatures_of(registry, zone, entries, [seated[i] for i in seats])
    assert registry.report(zone, 0, packed(entries), sum(1 << i for i in seats), signatures) == 1


def test_report__several_sites_slots_and_hours__settles_all(registry, zone, seated, new_site):
    sites = [new_site(person(f"home {i}")) for i in range(3)]
    boa.env.evm.patch.timestamp = START + 2 * 3600
    words = [entry(site, HOUR + hour, {0: 1, 1: 2, 2: 3, 3: 4}) for hour in range(2) for site in sites]
    assert registry.report(zone, 0, packed(words), 0b111, signatures_of(registry, zone, words, seated[:3])) == 24


def test_report__no_reading__settles(registry, exchange, zone, seated, site):
    boa.env.evm.patch.timestamp = START + 3600
    words = [no_reading(site, HOUR, 0b1111)]
    assert registry.report(zone, 0, packed(words), 0b111, signatures_of(registry, zone, words, seated[:3])) == 4
    assert metered(exchange, site) == {}


def test_report__one_signature_short__refused(registry, zone, seated, entries):
    with boa.reverts("report: no quorum"):
        registry.report(zone, 0, packed(entries), 0b11, signatures_of(registry, zone, entries, seated[:2]))


def test_report__torn_entry__refused(registry, exchange, zone, seated, site, entries):
    torn = packed(entries) + b"\x01"
    signatures = sign_digest(registry.report_digest(zone, 0, torn), seated[:3])
    with boa.reverts("report: torn entry"):
        registry.report(zone, 0, torn, 0b111, signatures)
    assert metered(exchange, site) == {}


def test_report__no_signatures__refused(registry, zone, seated, entries):
    with boa.reverts("report: no quorum"):
        registry.report(zone, 0, packed(entries), 0, [])


def test_report__zone_nobody_sits_in__refused(registry, zone, seated, entries):
    with boa.reverts("zone: too few operators"):
        registry.report(99, 0, packed(entries), 0b111, signatures_of(registry, 99, entries, seated[:3]))


def test_report__one_signer_three_times__refused(registry, zone, seated, entries):
    signatures = signatures_of(registry, zone, entries, [seated[0]] * 3)
    with boa.reverts("report: bad signature"):
        registry.report(zone, 0, packed(entries), 0b111, signatures)
    with boa.reverts("report: surplus signature"):
        registry.report(zone, 0, packed(entries), 0b001, signatures)


def test_report__bitmap_names_more_than_signed__refused(registry, zone, seated, entries):
    with boa.reverts("report: signature missing"):
        registry.report(zone, 0, packed(entries), 0b1111, signatures_of(registry, zone, entries, seated[:3]))


def test_report__more_signed_than_bitmap_names__refused(registry, zone, seated, entries):
    with boa.reverts("report: surplus signature"):
        registry.report(zone, 0, packed(entries), 0b0111, signatures_of(registry, zone, entries, seated))


@pytest.mark.parametrize("bitmap", [0b10011, 1 << 255 | 0b0111, 1 << 31 | 0b0111])
def test_report__bitmap_beyond_the_seats__refused(registry, zone, seated, entries, bitmap):
    with boa.reverts("report: bitmap beyond seats"):
        registry.report(zone, 0, packed(entries), bitmap, signatures_of(registry, zone, entries, seated[:3]))


def test_report__signatures_out_of_order__refused(registry, zone, seated, entries):
    signatures = signatures_of(registry, zone, entries, [seated[1], seated[0], seated[2]])
    with boa.reverts("report: bad signature"):
        registry.report(zone, 0, packed(entries), 0b0111, signatures)


def test_report__stranger_among_the_signers__refused(registry, zone, seated, entries, attacker):
    signatures = signatures_of(registry, zone, entries, [seated[0], seated[1], attacker])
    with boa.reverts("report: bad signature"):
        registry.report(zone, 0, packed(entries), 0b0111, signatures)


def test_report__operator_of_another_zone_signs__refused(registry, zone, oracles, seated, entries):
    signatures = signatures_of(registry, zone, entries, [oracles[0], oracles[1], oracles[6]])
    with boa.reverts("report: bad signature"):
        registry.report(zone, 0, packed(entries), 0b0111, signatures)


def test_report__changed_after_signing__refused(registry, zone, seated, site, entries):
    signatures = signatures_of(registry, zone, entries, seated[:3])
    with boa.reverts("report: bad signature"):
        registry.report(zone, 0, packed([entry(site, HOUR, {0: 1_001})]), 0b0111, signatures)


def test_report__signed_for_another_zone__refused(registry, zone, seated, entries):
    signatures = signatures_of(registry, zone + 1, entries, seated[:3])
    with boa.reverts("report: bad signature"):
        registry.report(zone, 0, packed(entries), 0b0111, signatures)


def test_report__signed_in_another_round__refused(registry, zone, seated, entries):
    signatures = signatures_of(registry, zone, entries, seated[:3], round_=1)
    with boa.reverts("report: bad signature"):
        registry.report(zone, 0, packed(entries), 0b0111, signatures)
    assert registry.report(zone, 1, packed(entries), 0b0111, signatures) == 1


def test_report__signed_for_another_registry__refused(registry, deploy, token, exchange, zone, seated, entries):
    other = deploy("OracleRegistry", token, exchange, MIN_STAKE)
    with boa.reverts("report: bad signature"):
        registry.report(zone, 0, packed(entries), 0b0111, signatures_of(other, zone, entries, seated[:3]))


def test_report__signed_for_another_chain__refused(registry, zone, seated, entries):
    signatures = signatures_of(registry, zone, entries, seated[:3])
    boa.env.evm.patch.chain_id = 999
    with boa.reverts("report: bad signature"):
        registry.report(zone, 0, packed(entries), 0b0111, signatures)


@pytest.mark.parametrize("forged", [(bytes(32), bytes(32)), (b"\xff" * 32, b"\xff" * 32), (b"\x01" * 32, bytes(32))])
def test_report__signature_recovers_to_nobody__refused(registry, zone, seated, entries, forged):
    signatures = signatures_of(registry, zone, entries, seated[:2])
    with boa.reverts("report: bad signature"):
        registry.report(zone, 0, packed(entries), 0b0111, [*signatures, forged])


def test_report__repeated__refused(registry, zone, seated, entries):
    signatures = signatures_of(registry, zone, entries, seated[:3])
    registry.report(zone, 0, packed(entries), 0b0111, signatures)
    with boa.reverts("report: settles nothing"):
        registry.report(zone, 0, packed(entries), 0b0111, signatures)


def test_report__other_quorum_for_what_is_settled__refused(registry, zone, seated, entries):
    registry.report(zone, 0, packed(entries), 0b0111, signatures_of(registry, zone, entries, seated[:3]))
    with boa.reverts("report: settles nothing"):
        registry.report(zone, 0, packed(entries), 0b1110, signatures_of(registry, zone, entries, seated[1:]))


def test_report__partly_settled__settles_the_rest(registry, exchange, zone, seated, site, report):
    boa.env.evm.patch.timestamp = START + 1_800
    report([entry(site, HOUR, {0: 1_000})])
    assert report([entry(site, HOUR, {0: 9_999, 1: 2_000})]) == 1
    assert metered(exchange, site) == {0: 1_000, 1: 2_000}


def test_report__empty__refused(registry, zone, seated):
    with boa.reverts("report: settles nothing"):
        registry.report(zone, 0, packed([]), 0b0111, signatures_of(registry, zone, [], seated[:3]))


def test_report__slot_not_over__refused(registry, zone, seated, site, report):
    with boa.reverts("report: settles nothing"):
        report([entry(site, HOUR, {0: 1_000})])


def test_report__signers_removed_before_it_arrives__refused(registry, zone, oracles, seated, entries, owner):
    """The quorum is that of the operators at submission, not at signing."""
    signatures = signatures_of(registry, zone, entries, seated[:3])
    registry.admit(zone, 5, sender=owner)
    with boa.reverts("report: no quorum"):
        registry.report(zone, 0, packed(entries), 0b0111, signatures)
    registry.remove(zone, 1, sender=owner)
    with boa.reverts("report: bad signature"):
        registry.report(zone, 0, packed(entries), 0b0111, signatures)


def test_report__operators_change_seats__same_signatures_in_the_new_order(
    registry, zone, oracles, seated, entries, owner
):
    registry.admit(zone, 5, sender=owner)
    registry.remove(zone, 1, sender=owner)  # seats are now 5, 2, 3, 4
    signers = [oracles[4], oracles[1], oracles[3]]
    assert registry.report(zone, 0, packed(entries), 0b1011, signatures_of(registry, zone, entries, signers)) == 1


def test_settle__not_through_the_registry__refused(exchange, zone, seated, entries, owner, attacker):
    for caller in (owner, attacker.address):
        with boa.reverts("settlement: only the registry"):
            exchange.settle(zone, packed(entries), sender=caller)


@pytest.fixture
def full_zone(registry: Any, zone: int, staked: Any, owner: str) -> list[LocalAccount]:
    """Signers of 31 operators who sit in the zone, in the order of their seats."""
    signers = [person(f"signer {i}") for i in range(31)]
    rich = staked("rich operator")
    for i, account in enumerate(signers):
        if i % 10 == 0:
            staked("rich operator")
        registry.admit(zone, registry.register(account.address, MIN_STAKE, sender=rich.address), sender=owner)
    return signers


def test_report__thirty_one_operators_and_a_full_report__fits_a_transaction(registry, zone, full_zone, new_site):
    sites = [new_site(person(f"home {i}")) for i in range(128)]
    boa.env.evm.patch.timestamp = START + 3600
    words = [entry(site, HOUR, {0: 1, 1: 2, 2: 3, 3: 4}) for site in sites]
    arguments = (zone, 0, packed(words), 2**21 - 1, signatures_of(registry, zone, words, full_zone[:21]))
    assert registry.report(*arguments) == 512
    execution = registry._computation.get_gas_used()
    calldata = registry.report.prepare_calldata(*arguments)
    assert execution + 21_000 + 16 * len(calldata) < 16_777_216  # the most a transaction may use since Osaka


def test_report__last_seats_of_a_full_zone__count_are_noted_and_are_left(registry, zone, full_zone, new_site, owner):
    last = registry.zone_operators(zone)[30]
    words = [entry(new_site(person("home")), HOUR, {0: 1})]
    boa.env.evm.patch.timestamp = START + 3600
    signatures = signatures_of(registry, zone, words, full_zone[10:])
    assert registry.report(zone, 0, packed(words), 2**31 - 2**10, signatures) == 1
    assert registry.participation(zone) >> 7 * 30 == 1
    with boa.reverts("reward: nothing to share"):
        registry.share_rewards(zone)  # nothing was traded, so there is no fee
    registry.remove(zone, last, sender=owner)
    assert len(registry.zone_operators(zone)) == 30
    registry.admit(zone, last, sender=owner)
    assert registry.zone_operators(zone)[30] == last


# ---- nothing is made or lost


def test_stakes__any_history__add_up_to_what_is_held(registry, token, oracles, seated, staked, owner, zone):
    leaver = staked("leaver")
    identifier = registry.register(person("a signer").address, 3 * MIN_STAKE, sender=leaver.address)
    registry.top_up(2, NET8, sender=leaver.address)
    registry.begin_unbonding(identifier, sender=leaver.address)
    boa.env.evm.patch.timestamp = START + UNBONDING
    registry.withdraw_stake(identifier, leaver.address, sender=leaver.address)
    stakes = sum(registry.operator(i).stake for i in range(1, registry.operator_count() + 1))
    assert stakes == token.balanceOf(registry) == 7 * MIN_STAKE + NET8


def test_gift__sent_past_the_functions__is_no_stake(registry, token, newcomer_id, newcomer):
    token.transfer(registry, NET8, sender=newcomer.address)
    assert registry.operator(newcomer_id).stake == MIN_STAKE
    registry.begin_unbonding(newcomer_id, sender=newcomer.address)
    boa.env.evm.patch.timestamp = START + UNBONDING
    assert registry.withdraw_stake(newcomer_id, newcomer.address, sender=newcomer.address) == MIN_STAKE
