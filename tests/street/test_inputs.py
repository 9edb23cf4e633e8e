"""Files of homes: what is taken, and the one sentence that each mistake gets."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from scripts.street.inputs import HOMES_MAX, InputsRefused, read, write
from scripts.street.measured import DayRefused, newcomer_home, street_homes

TWO_HOMES = "slot_local,load_0,load_1,pv_0\n10:00,0.1,0.25,1.5\n10:15,0.2,0,0.05\n"


@pytest.fixture
def homes_file(tmp_path: Path):
    """Writes a file of homes."""

    def make(content: str) -> Path:
        path = tmp_path / "homes.csv"
        path.write_text(content, encoding="utf-8")
        return path

    return make


def test_read__two_homes_one_roof__energies_nameplate_and_time(homes_file):
    inputs = read(homes_file(TWO_HOMES))
    roof, flat = inputs.homes
    assert (inputs.rows, inputs.first_minute) == (2, 600)
    assert roof.nameplate == 7200  # 1.2 x 1.5 kWh in a quarter hour = 1.2 x 6 kW
    assert flat.nameplate == 0
    assert roof.net(0) == (1400, 0)
    assert roof.net(1) == (0, 150)
    assert flat.net(0) == (0, 250)


def test_net__beyond_the_rows__wraps(homes_file):
    roof = read(homes_file(TWO_HOMES)).homes[0]
    assert roof.net(2) == roof.net(0)
    assert roof.net(97) == roof.net(1)
    assert roof.net(-1) == roof.net(1)


def test_nameplate__fraction_of_a_watt__rounded_up(homes_file):
    path = homes_file("slot_local,load_0,pv_0\n00:00,0,0.00001\n")
    assert read(path).homes[0].nameplate == 1


def test_nameplate__roof_that_never_produced__zero(homes_file):
    assert read(homes_file("slot_local,load_0,pv_0\n00:00,0.1,0\n")).homes[0].nameplate == 0


def test_largest_consumer__several_homes__the_one_with_most_energy(homes_file):
    assert read(homes_file(TWO_HOMES)).largest_consumer == 0
    assert read(homes_file("slot_local,load_0,load_1\n00:00,1,1.5\n")).largest_consumer == 1


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "has no rows; write a header and one row per quarter hour"),
        ("slot_local,load_0\n", "has no rows"),
        ("time,load_0\n00:00,1\n", "the first column is 'time'; it must be slot_local"),
        ("slot_local,pv_0\n00:00,1\n", "has no column load_0; a street needs at least one home"),
        ("slot_local,load_0,load_2\n00:00,1,1\n", "column load_1 is missing; number the homes from 0 without a gap"),
        ("slot_local,load_0,load_0\n00:00,1,1\n", "column load_0 is there twice; keep one"),
        ("slot_local,load_0,pv_1\n00:00,1,1\n", "pv_1 has no load_1; every roof belongs to a home"),
        ("slot_local,load_0,wind_0\n00:00,1,1\n", "column 'wind_0' is unknown"),
        ("slot_local,load_0\n00:00\n", "line 2 has 1 cells; the header has 2"),
        ("slot_local,load_0\n00:00,much\n", "line 2: load_0 is 'much'; write kWh in the quarter hour"),
        ("slot_local,load_0\n00:00,-0.1\n", "line 2: load_0 is '-0.1'; write kWh in the quarter hour"),
        ("slot_local,load_0\n00:00,nan\n", "line 2: load_0 is 'nan'"),
        ("slot_local,load_0\n00:00,2001\n", "load_0 is '2001'; write kWh in the quarter hour, from 0 to 2000"),
        ("slot_local,load_0\n00:05,1\n", "slot_local is '00:05'; write the start of a quarter hour as 06:15"),
        ("slot_local,load_0\n24:00,1\n", "slot_local is '24:00'"),
        ("slot_local,load_0\n00:00,1\n00:30,1\n", "line 3: slot_local is 00:30 after a row that ends at 00:15"),
    ],
)
def test_read__mistake_in_the_file__one_sentence(homes_file, content, sentence):
    with pytest.raises(InputsRefused) as refused:
        read(homes_file(content))
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)


def test_read__file_is_not_there__says_so(tmp_path):
    with pytest.raises(InputsRefused, match=r"cannot be read .*; give the path of a CSV file"):
        read(tmp_path / "nothing.csv")


def test_read__more_homes_than_a_street_takes__refused(homes_file):
    count = HOMES_MAX + 1
    header = ",".join(["slot_local", *(f"load_{i}" for i in range(count))])
    with pytest.raises(InputsRefused, match=f"has {count} homes; at most {HOMES_MAX}"):
        read(homes_file(f"{header}\n00:00{',1' * count}\n"))


def test_read__midnight_between_rows__accepted(homes_file):
    assert read(homes_file("slot_local,load_0\n23:45,1\n00:00,1\n")).rows == 2


def test_write__read_again__the_same_homes(tmp_path):
    homes = street_homes(date(2025, 8, 15), seed=1)
    write(tmp_path / "street.csv", homes)
    assert read(tmp_path / "street.csv").homes == tuple(homes)


# --- the default street ---------------------------------------------------------------------------------------------


def test_street_homes__default__twelve_homes_eight_roofs_two_companies():
    homes = street_homes(date(2025, 8, 15), seed=8)
    assert len(homes) == 14
    assert sum(home.pv is not None for home in homes) == 8
    assert all(len(home.load) == 96 for home in homes)
    bakery = sum(homes[12].load)
    assert bakery == max(sum(home.load) for home in homes)
    assert 200 < bakery < 600  # kWh: 130 MWh a year on a working day


def test_street_homes__same_seed__same_street_and_another_seed_another():
    day = date(2025, 8, 15)
    assert street_homes(day, seed=3) == street_homes(day, seed=3)
    assert street_homes(day, seed=3) != street_homes(day, seed=4)


def test_street_homes__roofs__dark_at_night_and_up_to_their_power_by_day():
    for home, kwp in zip(street_homes(date(2025, 8, 15), seed=8), (5.0, 6.5, 4.0, 8.0), strict=False):
        assert home.pv is not None
        assert home.pv[8] == 0  # two in the morning
        assert Decimal(kwp) * Decimal("0.7") < max(home.pv) * 4 <= Decimal(kwp)


def test_street_homes__day_without_measurements__refused():
    with pytest.raises(DayRefused, match="no PV was measured on 24 December; choose a day from 1 July to 12 October"):
        street_homes(date(2025, 12, 24), seed=1)


def test_newcomer_home__clear_morning__sells_five_kwh_in_a_slot():
    newcomer = newcomer_home(date(2025, 8, 15))
    assert newcomer.nameplate == 30_000  # 1.2 x 25 kW
    assert newcomer.net(9 * 4)[0] >= 5000
