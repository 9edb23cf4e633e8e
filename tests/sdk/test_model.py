"""Terms and ids: the grid of prices and the numbering of sites."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from net8.model import LEVELS, ModelRefused, Tariff, Terms, site_id, site_index, site_zone

grids = st.builds(
    Terms,
    feed_in=st.just(1),
    imbalance=st.just(65535),
    grid_fee=st.just(0),
    oracle_fee=st.just(0),
    floor=st.integers(1, 1000),
    step=st.integers(1, 200),
    gate_lead=st.just(1),
    min_wh=st.just(1),
)


@given(grids, st.integers(0, LEVELS - 1))
def test_grid__level_to_price_and_back__unchanged(terms, level):
    assert terms.level_of(terms.price_of(level)) == level


@given(grids, st.integers(0, 100_000))
def test_nearest_price__any_price__none_of_the_grid_is_closer(terms, price):
    closest = min((terms.price_of(level) for level in range(LEVELS)), key=lambda p: (abs(p - price), p))
    assert terms.nearest_price(price) == closest


@pytest.mark.parametrize("price", [299, 301, 300 + 5 * LEVELS])
def test_level_of__price_off_the_grid__refused_with_the_grid(price):
    terms = Terms(250, 2000, 20, 2, floor=300, step=5, gate_lead=1, min_wh=10)
    with pytest.raises(ModelRefused, match="use 300 to 1415 in steps of 5 grains per Wh"):
        terms.level_of(price)
    assert terms.tariff == Tariff(250, 2000, 20)


@given(st.integers(1, 2**32), st.integers(1, 65535))
def test_site_id__zone_and_index__recovered(zone, index):
    site = site_id(zone, index)
    assert (site_zone(site), site_index(site)) == (zone, index)


@pytest.mark.parametrize(("zone", "index"), [(0, 1), (1, 0), (1, 65536)])
def test_site_id__impossible__refused(zone, index):
    with pytest.raises(ModelRefused, match="count from 1"):
        site_id(zone, index)


@pytest.mark.parametrize("level", [-1, LEVELS])
def test_price_of__no_such_level__refused(level):
    terms = Terms(250, 2000, 20, 2, floor=300, step=5, gate_lead=1, min_wh=10)
    with pytest.raises(ModelRefused, match="levels go from 0 to 223"):
        terms.price_of(level)
