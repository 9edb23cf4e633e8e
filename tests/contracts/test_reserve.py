"""Reserve: every NET8 is paid for, and redeeming pays nominal x min(1, coverage)."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import boa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contracts.conftest import (
    CONTRACTS,
    COVERAGE_FLOOR,
    DAILY_CAP,
    ENERGY_PER_NET8,
    EURO,
    NET8,
    PRICE,
    START,
    Deploy,
    open_reserve,
)
from tests.contracts.signing import person

HOSTILE = Path(__file__).parent / "hostile"
NOBODY = "0x" + "00" * 20
RETURN_FALSE, MOVE_NOTHING, KEEP_FEE = 1, 2, 3
DAY = 86_400


@pytest.fixture(scope="module")
def saver(euro: Any, reserve: Any, owner: str) -> str:
    """Has 1,000 euros and lets the Reserve take them."""
    account = person("saver").address
    euro.mint(account, 1_000 * EURO, sender=owner)
    euro.approve(reserve, 2**256 - 1, sender=account)
    return account


@pytest.fixture
def holder(reserve: Any, token: Any, saver: str) -> str:
    """Has 100 NET8 for 300 euros and lets the Reserve burn them."""
    account = person("holder").address
    reserve.mint(300 * EURO, account, sender=saver)
    token.approve(reserve, 2**256 - 1, sender=account)
    return account


@pytest.fixture(scope="module")
def any_euro() -> Any:
    """Deploys a stablecoin of so many decimals that honours no allowance and misbehaves on command."""
    return boa.load_partial(str(HOSTILE / "Euro.vy"))


@pytest.fixture(scope="module")
def hostile_euro(any_euro: Any) -> Any:
    return any_euro.deploy(6)


@pytest.fixture(scope="module")
def hostile_reserve(deploy: Deploy, hostile_euro: Any, certificates: Any, owner: str) -> Any:
    """A Reserve whose euro misbehaves on command; `holder` of it is the owner, with 1,000,000 more euros to spend."""
    token = deploy("NET8")
    contract = open_reserve(deploy, token, hostile_euro, certificates, PRICE, owner)
    token.approve(contract, 2**256 - 1, sender=owner)
    hostile_euro.give(owner, 1_000_300 * EURO)
    contract.mint(300 * EURO, owner, sender=owner)
    return contract


@pytest.fixture
def half_covered(hostile_reserve: Any, hostile_euro: Any) -> Any:
    """100 NET8 exist, 150 euros are left of 300."""
    hostile_euro.seize(hostile_reserve, 150 * EURO)
    hostile_reserve.recognise_loss()
    return hostile_reserve


def supply_of(reserve: Any) -> int:
    return int(reserve.backing().supply)


# ---- deployment


def test_deploy__six_decimals__keeps_its_terms(reserve, token, euro, certificates, owner):
    assert (reserve.net8(), reserve.euro(), reserve.price()) == (token.address, euro.address, PRICE)
    assert (reserve.certificates(), reserve.owner()) == (certificates.address, owner)
    assert (reserve.energy_per_net8(), reserve.daily_cap()) == (ENERGY_PER_NET8, DAILY_CAP)
    assert reserve.coverage_floor() == COVERAGE_FLOOR
    assert (reserve.least_price(), reserve.most_price()) == (EURO // 100, 1_000 * EURO)
    assert reserve.price_set_at() == START


@pytest.fixture
def open_with(deploy: Deploy, token: Any, euro: Any, certificates: Any) -> Callable[..., Any]:
    """Deploys a Reserve with other arguments than the usual ones."""

    def open_reserve_with(**changed: Any) -> Any:
        usual = {
            "net8": token,
            "euro": euro,
            "certificates": certificates,
            "price": PRICE,
            "energy_per_net8": ENERGY_PER_NET8,
            "daily_cap": DAILY_CAP,
            "coverage_floor": COVERAGE_FLOOR,
        }
        return deploy("Reserve", *{**usual, **changed}.values())

    return open_reserve_with


@pytest.mark.parametrize("decimals", [0, 1, 19, 255])
def test_deploy__euro_decimals_out_of_range__refused(deploy, open_with, decimals):
    with boa.reverts("reserve: euro decimals"):
        open_with(euro=deploy("local/TestEuro", decimals))


@pytest.mark.parametrize(
    ("decimals", "price"), [(2, 1), (2, 100_000), (6, 10**4), (6, 10**9), (18, 10**16), (18, 10**21)]
)
def test_deploy__price_at_its_bounds__accepted(deploy, open_with, decimals, price):
    assert open_with(euro=deploy("local/TestEuro", decimals), price=price).price() == price


@pytest.mark.parametrize(
    ("decimals", "price"), [(6, 0), (6, 10**4 - 1), (6, 10**9 + 1), (18, PRICE), (6, 3 * 10**18), (2, 100_001)]
)
def test_deploy__price_out_of_bounds_or_in_wrong_decimals__refused(deploy, open_with, decimals, price):
    with boa.reverts("reserve: price out of bounds"):
        open_with(euro=deploy("local/TestEuro", decimals), price=price)


@pytest.mark.parametrize(
    ("argument", "reason"),
    [
        ("net8", "reserve: net8 not a contract"),
        ("euro", "reserve: euro not a contract"),
        ("certificates", "reserve: certificates missing"),
    ],
)
def test_deploy__no_contract__refused(open_with, attacker, argument, reason):
    with boa.reverts(reason):
        open_with(**{argument: attacker.address})


def test_deploy__ten_kilowatt_hours__least_energy_for_a_net8(open_with):
    assert open_with(energy_per_net8=10_000).energy_per_net8() == 10_000
    with boa.reverts("reserve: too little energy"):
        open_with(energy_per_net8=9_999)


@pytest.mark.parametrize("floor", [500_000, 1_000_000])
def test_deploy__coverage_floor_at_its_bounds__accepted(open_with, floor):
    assert open_with(coverage_floor=floor).coverage_floor() == floor


@pytest.mark.parametrize("floor", [0, 499_999, 1_000_001])
def test_deploy__coverage_floor_out_of_bounds__refused(open_with, floor):
    with boa.reverts("reserve: bad coverage floor"):
        open_with(coverage_floor=floor)


# ---- mint


def test_mint__three_euros__creates_one_net8(reserve, token, euro, saver):
    assert reserve.mint(3 * EURO, saver, sender=saver) == NET8
    assert token.balanceOf(saver) == token.totalSupply() == NET8
    assert reserve.euros_held() == euro.balanceOf(reserve) == 3 * EURO


def test_mint__eighteen_decimals__creates_the_same(deploy, certificates, owner):
    token, euro = deploy("NET8"), deploy("local/TestEuro", 18)
    reserve = open_reserve(deploy, token, euro, certificates, 3 * 10**18, owner)
    euro.mint(owner, 3 * 10**18, sender=owner)
    euro.approve(reserve, 3 * 10**18, sender=owner)
    with boa.reverts("mint: too little"):
        reserve.mint(2, owner, sender=owner)
    assert reserve.mint(3 * 10**18 - 1, owner, sender=owner) == NET8 - 1
    assert reserve.euros_held() == 3 * 10**18 - 1


def test_mint__logged__names_payer_and_receiver(reserve, saver, attacker):
    reserve.mint(3 * EURO, attacker.address, sender=saver)
    (log,) = [entry for entry in reserve.get_logs() if type(entry).__name__ == "Minted"]
    assert (log.payer, log.receiver, log.euros, log.net8) == (saver, attacker.address, 3 * EURO, NET8)


def test_mint__nothing__refused(reserve, saver):
    with boa.reverts("mint: too little"):
        reserve.mint(0, saver, sender=saver)


@pytest.mark.parametrize("receiver", [NOBODY, "self"])
def test_mint__to_where_it_would_be_lost__refused(reserve, saver, receiver):
    with boa.reverts("reserve: bad receiver"):
        reserve.mint(3 * EURO, reserve.address if receiver == "self" else receiver, sender=saver)


def test_mint__without_allowance__refused_and_nothing_changes(reserve, token, euro, attacker, owner):
    euro.mint(attacker.address, 3 * EURO, sender=owner)
    with boa.reverts("erc20: insufficient allowance"):
        reserve.mint(3 * EURO, attacker.address, sender=attacker.address)
    assert token.totalSupply() == reserve.euros_held() == 0


# ---- redeem


def test_redeem__covered__pays_nominal_and_destroys(reserve, token, euro, holder, attacker):
    assert reserve.redeem(40 * NET8, attacker.address, sender=holder) == 120 * EURO
    assert euro.balanceOf(attacker.address) == 120 * EURO
    assert token.totalSupply() == 60 * NET8
    assert reserve.euros_held() == euro.balanceOf(reserve) == 180 * EURO


def test_redeem__everything__empties_the_reserve(reserve, token, holder):
    assert reserve.redeem(100 * NET8, holder, sender=holder) == 300 * EURO
    assert token.totalSupply() == reserve.euros_held() == 0


def test_redeem__logged__names_holder_and_receiver(reserve, holder, attacker):
    reserve.redeem(NET8, attacker.address, sender=holder)
    (log,) = [entry for entry in reserve.get_logs() if type(entry).__name__ == "Redeemed"]
    assert (log.holder, log.receiver, log.net8, log.euros) == (holder, attacker.address, NET8, 3 * EURO)


def test_redeem__more_than_nominal_held__still_pays_nominal(reserve, holder, saver):
    reserve.add_backing(700 * EURO, sender=saver)
    assert reserve.redeem(NET8, holder, sender=holder) == 3 * EURO


def test_redeem__not_worth_a_unit__refused(reserve, holder):
    with boa.reverts("redeem: too little"):
        reserve.redeem(NET8 // PRICE - 1, holder, sender=holder)


def test_redeem__fraction_of_a_unit__rounded_down(reserve, holder):
    assert reserve.redeem(2 * NET8 // PRICE, holder, sender=holder) == 1


def test_redeem__nothing_exists__refused(reserve, saver):
    with boa.reverts("redeem: too little"):
        reserve.redeem(NET8, saver, sender=saver)


def test_redeem__more_than_held__refused(reserve, saver, holder):
    reserve.mint(300 * EURO, saver, sender=saver)
    with boa.reverts("erc20: burn amount exceeds balance"):
        reserve.redeem(100 * NET8 + 1, holder, sender=holder)


def test_redeem__more_than_exists__refused(reserve, holder):
    with boa.reverts("erc20: burn amount exceeds balance"):
        reserve.redeem(1_000 * NET8, holder, sender=holder)


def test_redeem__without_allowance__refused(reserve, token, holder):
    token.approve(reserve, 0, sender=holder)
    with boa.reverts("erc20: insufficient allowance"):
        reserve.redeem(NET8, holder, sender=holder)


@pytest.mark.parametrize("receiver", [NOBODY, "self"])
def test_redeem__to_where_it_would_be_lost__refused(reserve, holder, receiver):
    with boa.reverts("reserve: bad receiver"):
        reserve.redeem(NET8, reserve.address if receiver == "self" else receiver, sender=holder)


# ---- coverage


def test_redeem__half_covered__pays_half(half_covered, owner):
    assert half_covered.redeem(40 * NET8, owner, sender=owner) == 60 * EURO
    assert half_covered.backing().coverage == 500_000


def test_redeem__half_covered_all_at_once_or_in_parts__pays_the_same(half_covered, owner):
    with boa.env.anchor():
        at_once = half_covered.redeem(100 * NET8, owner, sender=owner)
    assert at_once == sum(half_covered.redeem(20 * NET8, owner, sender=owner) for _ in range(5)) == 150 * EURO


def test_add_backing__half_covered__restores_nominal(half_covered, owner):
    half_covered.add_backing(150 * EURO, sender=owner)
    (log,) = [entry for entry in half_covered.get_logs() if type(entry).__name__ == "BackingAdded"]
    assert (log.giver, log.euros) == (owner, 150 * EURO)
    assert half_covered.redeem(NET8, owner, sender=owner) == 3 * EURO


def test_add_backing__nothing__refused(reserve, saver):
    with boa.reverts("backing: nothing given"):
        reserve.add_backing(0, sender=saver)


def test_recognise_loss__euros_seized__writes_them_off(hostile_reserve, hostile_euro, attacker):
    hostile_euro.seize(hostile_reserve, 1)
    assert hostile_reserve.recognise_loss(sender=attacker.address) == 1
    (log,) = [entry for entry in hostile_reserve.get_logs() if type(entry).__name__ == "LossRecognised"]
    assert log.euros == 1
    assert hostile_reserve.euros_held() == 300 * EURO - 1


def test_redeem__loss_that_nobody_recognised__borne_by_all_alike(hostile_reserve, hostile_euro, owner):
    """Whoever is quick gets no more than the others: the first redemption after the loss writes it off."""
    hostile_euro.seize(hostile_reserve, 150 * EURO)
    assert hostile_reserve.euros_for(40 * NET8) == 60 * EURO
    assert hostile_reserve.backing().coverage == 500_000
    assert hostile_reserve.redeem(40 * NET8, owner, sender=owner) == 60 * EURO
    (log,) = [entry for entry in hostile_reserve.get_logs() if type(entry).__name__ == "LossRecognised"]
    assert log.euros == 150 * EURO
    assert hostile_reserve.euros_held() == 90 * EURO
    assert hostile_reserve.redeem(60 * NET8, owner, sender=owner) == 90 * EURO


def test_mint__loss_that_nobody_recognised__written_off_first(hostile_reserve, hostile_euro, owner):
    hostile_euro.seize(hostile_reserve, 150 * EURO)
    hostile_reserve.mint(300 * EURO, owner, sender=owner)
    assert "LossRecognised" in [type(entry).__name__ for entry in hostile_reserve.get_logs()]
    assert hostile_reserve.euros_held() == hostile_reserve.backing().euros == 450 * EURO


def test_recognise_loss__nothing_lost__refused(reserve, holder):
    with boa.reverts("backing: no loss"):
        reserve.recognise_loss()


def test_gift__sent_past_the_reserve__changes_no_price(reserve, euro, holder, saver):
    euro.transfer(reserve, 500 * EURO, sender=saver)
    assert reserve.euros_held() == reserve.backing().euros == 300 * EURO
    assert reserve.redeem(NET8, holder, sender=holder) == 3 * EURO


def test_backing__nothing_exists__full(reserve):
    assert tuple(reserve.backing()) == (0, 0, 0, 1_000_000, 0, 0, 0)


def test_backing__half_covered__explains_the_supply(half_covered):
    assert tuple(half_covered.backing()) == (150 * EURO, 100 * NET8, 300 * EURO, 500_000, 100 * NET8, 0, 0)


def test_backing__a_fraction_of_a_unit_owed__rounded_against_the_reserve(reserve, token, holder):
    token.burn(1, sender=holder)
    backing = reserve.backing()
    assert (backing.owed, backing.coverage) == (300 * EURO, 1_000_000)


def test_backing__the_smallest_fraction_of_a_unit_owed__rounded_up(deploy, euro, certificates, owner, saver):
    price = 2_999_999  # with which some amount owes 10**-18 of a unit more than a whole number
    token = deploy("NET8")
    reserve = open_reserve(deploy, token, euro, certificates, price, owner)
    euro.approve(reserve, 2**256 - 1, sender=saver)
    reserve.mint(3 * EURO, saver, sender=saver)
    supply = pow(price, -1, NET8)
    token.burn(token.totalSupply() - supply, sender=saver)
    assert supply * price % NET8 == 1
    assert reserve.backing().owed == supply * price // NET8 + 1


def test_quotes__any_amount__are_what_mint_and_redeem_do(reserve, holder, saver):
    quoted = reserve.net8_for(7 * EURO)
    assert reserve.mint(7 * EURO, saver, sender=saver) == quoted
    quoted = reserve.euros_for(3 * NET8 + 1)
    assert reserve.redeem(3 * NET8 + 1, holder, sender=holder) == quoted


# ---- the nominal price


def test_set_price__a_hundredth_up_or_down_after_a_day__moves(reserve, owner):
    for price in (PRICE + PRICE // 100, PRICE - PRICE // 100, PRICE):
        with boa.env.anchor():
            boa.env.evm.patch.timestamp = START + DAY
            reserve.set_price(price, sender=owner)
            (log,) = reserve.get_logs()
            assert log.price == reserve.price() == price
            assert reserve.price_set_at() == START + DAY


@pytest.mark.parametrize("price", [PRICE + PRICE // 100 + 1, PRICE - PRICE // 100 - 1, 0, 2**256 - 1])
def test_set_price__more_than_a_hundredth__refused(reserve, owner, price):
    boa.env.evm.patch.timestamp = START + 30 * DAY  # days of rest do not add up
    with boa.reverts("price: more than a hundredth"):
        reserve.set_price(price, sender=owner)


def test_set_price__hundredth_below_a_unit_of_the_euro__moves_by_one(deploy, open_with, owner):
    reserve = open_with(euro=deploy("local/TestEuro", 2), price=40)
    boa.env.evm.patch.timestamp = START + DAY
    for price in (38, 42):
        with boa.reverts("price: more than a hundredth"):
            reserve.set_price(price, sender=owner)
    reserve.set_price(41, sender=owner)
    boa.env.evm.patch.timestamp = START + 2 * DAY
    reserve.set_price(40, sender=owner)
    assert reserve.price() == 40


def test_set_price__second_before_a_day_is_over__refused(reserve, owner):
    boa.env.evm.patch.timestamp = START + DAY - 1
    with boa.reverts("price: once a day"):
        reserve.set_price(PRICE, sender=owner)
    boa.env.evm.patch.timestamp = START + DAY
    reserve.set_price(PRICE, sender=owner)
    boa.env.evm.patch.timestamp = START + 2 * DAY - 1
    with boa.reverts("price: once a day"):
        reserve.set_price(PRICE, sender=owner)


@pytest.mark.parametrize("price", [10**4, 10**9])
def test_set_price__at_the_absolute_bounds__accepted(open_with, owner, price):
    reserve = open_with(price=price)
    boa.env.evm.patch.timestamp = START + DAY
    reserve.set_price(price, sender=owner)
    assert reserve.price_set_at() == START + DAY


@pytest.mark.parametrize(("first", "beyond"), [(10**4, 10**4 - 1), (10**9, 10**9 + 1)])
def test_set_price__beyond_the_absolute_bounds__refused(open_with, owner, first, beyond):
    reserve = open_with(price=first)
    boa.env.evm.patch.timestamp = START + DAY
    with boa.reverts("reserve: price out of bounds"):
        reserve.set_price(beyond, sender=owner)


def test_set_price__not_the_owner__refused(reserve, attacker):
    boa.env.evm.patch.timestamp = START + DAY
    with boa.reverts("ownable: caller is not the owner"):
        reserve.set_price(PRICE, sender=attacker.address)


def test_set_price__raised__mints_and_redeems_at_the_new_one_as_far_as_covered(reserve, owner, holder, saver):
    boa.env.evm.patch.timestamp = START + DAY
    reserve.set_price(PRICE + PRICE // 100, sender=owner)
    assert reserve.backing().coverage == 990_099
    assert reserve.redeem(10 * NET8, holder, sender=holder) == 30 * EURO
    assert reserve.mint(303 * EURO, saver, sender=saver) == 100 * NET8


def test_set_price__raised_over_a_surplus__pays_the_new_price(reserve, owner, holder, saver):
    reserve.add_backing(3 * EURO, sender=saver)
    boa.env.evm.patch.timestamp = START + DAY
    reserve.set_price(PRICE + PRICE // 100, sender=owner)
    assert reserve.redeem(100 * NET8, holder, sender=holder) == 303 * EURO


def test_surface__abi__cannot_be_left_without_an_owner(reserve):
    assert "renounce_ownership" not in {entry.get("name") for entry in reserve.abi}


# ---- a stablecoin that misbehaves


def test_mint__euro_keeps_a_fee__refused(hostile_reserve, hostile_euro, owner):
    hostile_euro.misbehave(KEEP_FEE)
    with boa.reverts("euro: not all arrived"):
        hostile_reserve.mint(3 * EURO, owner, sender=owner)


def test_mint__euro_says_yes_and_moves_nothing__refused(hostile_reserve, hostile_euro, owner):
    hostile_euro.misbehave(MOVE_NOTHING)
    with boa.reverts("euro: not all arrived"):
        hostile_reserve.mint(3 * EURO, owner, sender=owner)


def test_mint__euro_says_no__refused(hostile_reserve, hostile_euro, owner):
    hostile_euro.misbehave(RETURN_FALSE)
    with boa.reverts("euro: refused"):
        hostile_reserve.mint(3 * EURO, owner, sender=owner)


def test_add_backing__euro_says_yes_and_moves_nothing__refused(hostile_reserve, hostile_euro, owner):
    hostile_euro.misbehave(MOVE_NOTHING)
    with boa.reverts("euro: not all arrived"):
        hostile_reserve.add_backing(3 * EURO, sender=owner)


def test_redeem__euro_says_no__refused_and_nothing_is_burnt(hostile_reserve, hostile_euro, owner):
    hostile_euro.misbehave(RETURN_FALSE)
    with boa.reverts("redeem: euro refused"):
        hostile_reserve.redeem(NET8, owner, sender=owner)
    assert supply_of(hostile_reserve) == 100 * NET8


@pytest.mark.parametrize(
    "inner", ["mint", "redeem", "add_backing", "recognise_loss", "euros_for", "backing", "euros_held"]
)
@pytest.mark.parametrize(("outer", "amount"), [("mint", 3 * EURO), ("redeem", NET8)])
def test_reserve__euro_calls_back_in_mid_transfer__refused(hostile_reserve, hostile_euro, owner, outer, amount, inner):
    euro = hostile_euro.address
    token = boa.load_partial(str(CONTRACTS / "NET8.vy")).at(hostile_reserve.net8())
    hostile_euro.give(euro, 1_000 * EURO)
    hostile_reserve.mint(300 * EURO, euro, sender=euro)
    token.approve(hostile_reserve, 2**256 - 1, sender=euro)
    hostile_euro.seize(hostile_reserve, EURO)
    arguments = {
        "mint": (3 * EURO, euro),
        "redeem": (NET8, euro),
        "add_backing": (EURO,),
        "euros_for": (NET8,),
    }.get(inner, ())
    function = getattr(hostile_reserve, inner)
    for call in (function, getattr(hostile_reserve, outer)):  # each of them works by itself
        with boa.env.anchor():
            call(*(arguments if call is function else (amount, owner)), sender=euro if call is function else owner)
    hostile_euro.call_back(hostile_reserve, function.prepare_calldata(*arguments))
    with boa.reverts():
        getattr(hostile_reserve, outer)(amount, owner, sender=owner)
    assert supply_of(hostile_reserve) == 200 * NET8


def test_reserve__euro_returns_nothing__mints_and_redeems(deploy, certificates, owner):
    token, euro = deploy("NET8"), boa.load(str(HOSTILE / "SilentEuro.vy"))
    reserve = open_reserve(deploy, token, euro, certificates, PRICE, owner)
    token.approve(reserve, NET8, sender=owner)
    euro.give(owner, 3 * EURO)
    assert reserve.mint(3 * EURO, owner, sender=owner) == NET8
    assert reserve.redeem(NET8, owner, sender=owner) == 3 * EURO
    assert euro.balanceOf(owner) == 3 * EURO


# ---- rounding, for any history

AMOUNT = st.integers(min_value=1, max_value=10**30)
MOVES = st.lists(st.tuples(st.sampled_from(["mint", "redeem", "seize", "give"]), AMOUNT), max_size=12)


@pytest.mark.parametrize(("decimals", "price"), [(2, 299), (6, PRICE), (6, 2_999_999), (18, 3 * 10**18 + 1)])
@settings(max_examples=40, deadline=None)
@given(moves=MOVES)
def test_rounding__any_history__never_favours_the_caller(deploy, certificates, any_euro, owner, decimals, price, moves):
    token, euro = deploy("NET8"), any_euro.deploy(decimals)
    reserve = open_reserve(deploy, token, euro, certificates, price, owner)
    token.approve(reserve, 2**256 - 1, sender=owner)
    euro.give(owner, 10**40)
    for move, amount in moves:
        held, supply = reserve.euros_held(), token.totalSupply()
        if move == "mint" and amount * NET8 // price:
            created = reserve.mint(amount, owner, sender=owner)
            assert created * price <= amount * NET8
        elif move == "redeem" and supply and reserve.euros_for(burnt := min(amount, supply)):
            paid = reserve.redeem(burnt, owner, sender=owner)
            assert paid * NET8 <= burnt * price
            assert paid * supply <= burnt * held
            assert reserve.euros_held() == held - paid
        elif move == "seize" and held:
            euro.seize(reserve, min(amount, held))
            reserve.recognise_loss()
        elif move == "give":
            reserve.add_backing(amount, sender=owner)
        assert reserve.euros_held() == euro.balanceOf(reserve)
        # Whatever is left is worth at least as much per NET8 as the lower of before and nominal.
        if token.totalSupply() and supply and move != "seize":
            left, exists = reserve.euros_held(), token.totalSupply()
            assert left * supply >= exists * held or left * NET8 >= exists * price
