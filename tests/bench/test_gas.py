"""The gas of every kind of call is what `bench/results.json` says, give or take one per cent.

Measured anew on anvil in virgin storage, which takes seconds; the same code runs in recycled storage, so whatever it
spends more is held against one per cent of the smaller figure there.
"""

import json
import os

import pytest

from bench import gas
from bench.__main__ import gas_and_spent
from bench.site import PROGRAMS, PROJECT, open_zone
from bench.spent import PARTS

VIRGIN = gas.STATES[:1]
TOLERANCE = 100  # a hundredth of the recycled figure
RESULTS = json.loads((PROJECT / "bench" / "results.json").read_text(encoding="utf-8"))["gas"]


@pytest.fixture(scope="module")
def measured_and_spent(tmp_path_factory):
    environment = {**os.environ, "PATH": f"{PROGRAMS}{os.pathsep}{os.environ.get('PATH', '')}"}
    with open_zone(tmp_path_factory.mktemp("bench"), environment) as zone:
        return gas_and_spent(zone, VIRGIN)


@pytest.fixture(scope="module")
def measured(measured_and_spent):
    return measured_and_spent[0]


def test_measured__every_row__is_a_row_of_the_file(measured):
    assert set(measured) == set(RESULTS)


@pytest.mark.parametrize("key", RESULTS)
def test_measured__any_row__not_risen_by_more_than_the_file_says(measured, key):
    rise = measured[key]["virgin"] - RESULTS[key]["virgin"]
    assert rise * TOLERANCE <= RESULTS[key]["recycled"], (
        f"{rise} gas more than in bench/results.json; if that is meant, run `python -m bench --gas` and commit the file"
    )


def test_spent__every_transaction__adds_up_to_what_it_used(measured_and_spent):
    measured, parts = measured_and_spent
    assert set(measured) - set(parts) == {gas.ALL_IN, *(key for key in measured if key.startswith("report_"))}
    for key, of in parts.items():
        assert round(sum(of[part] for part in PARTS) / of["units"]) == measured[key]["virgin"]
        assert min(of.values()) > 0


def test_spent__what_is_known_of_a_transfer__is_found(measured_and_spent):
    """Two balances of holders, each read and then written once (2,100 and 2,900), and an event of three topics."""
    transfer = measured_and_spent[1]["net8_transfer"]
    assert (transfer["words_written"], transfer["written"]) == (2, 5_800)
    assert (transfer["words_read"], transfer["read"]) == (2, 4_200)
    assert transfer["logged"] == 375 * 4 + 8 * 32
