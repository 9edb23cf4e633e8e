"""Options of the street: defaults, what the environment says, and the sentence for each mistake."""

from datetime import UTC, datetime

import pytest
from net8.units import slot_start

from scripts.street.options import OptionsRefused, parse


def _at(slot: int) -> str:
    return f"{datetime.fromtimestamp(slot_start(slot), UTC):%Y-%m-%d %H:%M}"


def test_parse__nothing_given__app_from_the_morning_until_stopped():
    options = parse([], {})
    assert (options.headless, options.slots, options.homes) == (False, None, None)
    assert _at(options.first_slot) == "2025-07-25 08:30"
    assert options.factor == 90


def test_parse__headless__eight_slots_in_the_sun():
    options = parse([], {"HEADLESS": "1"})
    assert (options.headless, options.slots) == (True, 8)
    assert _at(options.first_slot) == "2025-07-25 10:00"


def test_parse__headless_day__begins_at_midnight():
    assert _at(parse([], {"HEADLESS": "1", "SLOTS": "96"}).first_slot) == "2025-07-25 00:00"


def test_parse__command_line_and_environment__command_line_wins():
    assert parse(["--slots", "4", "--headless"], {"SLOTS": "9"}).slots == 4


def test_parse__spread__all_meters_at_once_unless_asked_for():
    assert parse([], {}).spread_ms == 0
    assert parse([], {"SPREAD_MS": "1000"}).spread_ms == 1000
    assert parse(["--spread-ms", "60000", "--headless"], {}).spread_ms == 60_000


def test_parse__spread_longer_than_half_a_slot__refused():
    assert parse(["--spread-ms", "4000", "--slot-seconds", "8"], {}).spread_ms == 4_000
    with pytest.raises(OptionsRefused, match="SPREAD_MS is '4001'; write a whole number from 0 to 4000"):
        parse(["--spread-ms", "4001", "--slot-seconds", "8"], {})


def test_first_slot__place_east_of_greenwich__local_time_is_the_suns():
    options = parse([], {"PLACE": "35.7,139.7", "START": "06:30"})
    assert _at(options.first_slot) == "2025-07-24 21:30"


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("SLOTS", "many", "SLOTS is 'many'; write a whole number from 1 to 100000"),
        ("SLOTS", "0", "SLOTS is '0'"),
        ("HEADLESS", "maybe", "HEADLESS is 'maybe'; write 1 for yes or 0 for no"),
        ("DAY", "yesterday", "DAY is 'yesterday'; write a date from 2000 to 2100 as 2025-07-25"),
        ("PLACE", "London", "PLACE is 'London'; write latitude and longitude in degrees"),
        ("PLACE", "91,0", "PLACE is '91,0'"),
        ("START", "7", "START is '7'; write the local start of a quarter hour as 10:15"),
        ("START", "07:10", "START is '07:10'"),
        ("SLOT_SECONDS", "0.5", "SLOT_SECONDS is '0.5'; write real seconds per slot, from 2 to 900"),
        ("SLOT_SECONDS", "soon", "SLOT_SECONDS is 'soon'"),
        ("SEED", "-1", "SEED is '-1'"),
        ("OPERATORS", "3", "OPERATORS is '3'; write a whole number from 4 to 31"),
        ("OPERATORS", "32", "OPERATORS is '32'"),
        ("SPREAD_MS", "-1", "SPREAD_MS is '-1'; write a whole number from 0 to 5000"),
        ("SPREAD_MS", "60001", "SPREAD_MS is '60001'"),
        ("SPREAD_MS", "a second", "SPREAD_MS is 'a second'"),
        ("CHAIN_PORT", "99999", "CHAIN_PORT is '99999'; write a whole number from 0 to 65535"),
    ],
)
def test_parse__mistake__one_sentence(name, value, sentence):
    with pytest.raises(OptionsRefused) as refused:
        parse([], {name: value})
    assert sentence in str(refused.value)
