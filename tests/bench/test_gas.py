"""The gas of every kind of call is what `bench/results.json` says, give or take one per cent.

Measured anew on anvil in virgin storage, which takes seconds; the same code runs in recycled storage, so whatever it
spends more is held against one per cent of the smaller figure there.
"""

import json
import os

import pytest

from bench import certificates, gas, reports
from bench.site import PROGRAMS, PROJECT, open_zone

VIRGIN = gas.STATES[:1]
TOLERANCE = 100  # a hundredth of the recycled figure
RESULTS = json.loads((PROJECT / "bench" / "results.json").read_text(encoding="utf-8"))["gas"]


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    environment = {**os.environ, "PATH": f"{PROGRAMS}{os.pathsep}{os.environ.get('PATH', '')}"}
    with open_zone(tmp_path_factory.mktemp("bench"), environment) as zone:
        return gas.measure(zone, VIRGIN) | certificates.measure(zone, VIRGIN) | reports.measure(zone)


def test_measured__every_row__is_a_row_of_the_file(measured):
    assert set(measured) == set(RESULTS)


@pytest.mark.parametrize("key", RESULTS)
def test_measured__any_row__not_risen_by_more_than_the_file_says(measured, key):
    rise = measured[key]["virgin"] - RESULTS[key]["virgin"]
    assert rise * TOLERANCE <= RESULTS[key]["recycled"], (
        f"{rise} gas more than in bench/results.json; if that is meant, run `python -m bench --gas` and commit the file"
    )
