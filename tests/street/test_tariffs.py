"""The street's tariffs: cheap lines at noon, dear ones in the evening, and never an hour in which defaulting pays."""

import pytest

from scripts.street.tariffs import tariff_of
from scripts.street.zone import TERMS


@pytest.mark.parametrize("hour", range(24))
def test_tariff_of__every_hour__allowed_by_the_grid_registry(hour):
    tariff = tariff_of(hour)
    assert tariff.feed_in < TERMS.floor
    assert 4 * tariff.imbalance >= 5 * TERMS.top
    assert TERMS.oracle_fee <= tariff.grid_fee <= TERMS.top


def test_tariff_of__noon_and_evening__line_fees_below_and_above_the_usual():
    assert tariff_of(12).grid_fee < tariff_of(8).grid_fee == TERMS.grid_fee < tariff_of(19).grid_fee
    assert tariff_of(12).feed_in < TERMS.feed_in
    assert tariff_of(19).imbalance > TERMS.imbalance
