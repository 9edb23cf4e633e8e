"""Units: exact both ways, and one plain sentence for what cannot be read."""

from datetime import timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from net8 import units
from net8.units import AmountRefused


@given(st.integers(0, 2**40))
def test_slot__any_moment__lies_between_start_and_end(unix):
    slot = units.slot_of(unix)
    assert units.slot_start(slot) <= unix < units.slot_end(slot)
    assert units.hour_of(unix) == units.hour_of_slot(slot)
    assert slot in units.slots_of_hour(units.hour_of(unix))
    assert units.hour_start(units.hour_of(unix)) <= unix < units.hour_start(units.hour_of(unix) + 1)


def test_format_slot__other_timezone__shown_in_local_time():
    slot = units.slot_of(1_700_000_100)  # 2023-11-14 22:15 UTC
    assert units.format_slot(slot) == "2023-11-14 22:15-22:30"
    assert units.format_slot(slot, timezone(timedelta(hours=2))) == "2023-11-15 00:15-00:30"


@given(st.integers(0, 2**80))
def test_grains__to_wei_and_back__unchanged(grains):
    assert units.wei_to_grains(units.grains_to_wei(grains)) == grains


@pytest.mark.parametrize("wei", [1, units.WEI_PER_GRAIN - 1, units.WEI_PER_GRAIN + 1, -units.WEI_PER_GRAIN])
def test_wei_to_grains__not_whole_grains__refused(wei):
    with pytest.raises(AmountRefused, match="whole number of grains"):
        units.wei_to_grains(wei)


@given(st.integers(1, 10**20))
def test_net8__shown_and_read__unchanged(grains):
    assert units.parse_net8(units.format_net8(grains).removesuffix(" NET8")) == grains


@given(st.integers(1, 10**9))
def test_price_net8__shown_and_read__unchanged(price):
    assert units.parse_price_net8(units.format_price_net8(price).removesuffix(" NET8/kWh")) == price


@given(st.integers(1, 65535))
def test_price_eur__exact_price_read__unchanged(price):
    assert units.parse_price_eur(f"{units.euros_per_kwh(price):f}") == price


@given(st.integers(1000, 10**9))
def test_energy__shown_and_read__unchanged(wh):
    assert units.parse_energy_kwh(units.format_energy(wh).removesuffix(" kWh")) == wh


def test_par__in_money_of_people__is_thirty_cents():
    assert units.net8_per_kwh(units.PAR_PRICE) == Decimal("0.1")
    assert units.euros_per_kwh(units.PAR_PRICE) == Decimal("0.3")
    assert units.format_price_eur(units.PAR_PRICE) == "0.3000 EUR/kWh"
    assert units.format_price_net8(units.PAR_PRICE) == "0.1 NET8/kWh"
    assert units.PAR_PRICE * 10_000 == units.GRAINS_PER_NET8  # 10 kWh at par cost one NET8
    assert units.format_eur(units.GRAINS_PER_NET8) == "3.00 EUR"


def test_price_eur__not_whole_in_grains__nearest():
    assert units.parse_price_eur("0.25") == 833
    assert units.format_price_eur(833) == "0.2499 EUR/kWh"


@pytest.mark.parametrize(
    ("wh", "shown"), [(0, "0 Wh"), (350, "350 Wh"), (-350, "-350 Wh"), (5000, "5 kWh"), (1250, "1.25 kWh")]
)
def test_format_energy__small_and_large__unit_fits(wh, shown):
    assert units.format_energy(wh) == shown


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "'' is not an amount of NET8; write a positive number such as 12.5"),
        ("-1", "'-1' is not an amount"),
        ("1e3", "'1e3' is not an amount"),
        ("nan", "'nan' is not an amount"),
        ("1,5", "has a comma; write an amount of NET8 with a point"),
        ("0", "must be above zero"),
        ("0.00000001", "0.00000001 has too many decimals for an amount of NET8; use at most 7"),
        ("9" * 41, "too long"),
    ],
)
def test_parse_net8__unusable__one_sentence(text, sentence):
    with pytest.raises(AmountRefused) as refusal:
        units.parse_net8(text)
    assert sentence in str(refusal.value)


@pytest.mark.parametrize("parse", [units.parse_energy_kwh, units.parse_price_net8, units.parse_price_eur])
@pytest.mark.parametrize("text", ["", "zero", "0", "0.0", "-3", "1,000"])
def test_parse__unusable_in_any_unit__refused(parse, text):
    with pytest.raises(AmountRefused):
        parse(text)


def test_parse__surrounding_spaces__ignored():
    assert units.parse_energy_kwh(" 0.25 ") == 250
