"""Margin: the properties the whole clearing house rests on."""

from hypothesis import given
from hypothesis import strategies as st
from net8.margin import order_lock, required, settle
from net8.model import Tariff

net_energy = st.integers(-(2**21) + 1, 2**21 - 1)
values = st.integers(-(2**33) + 1, 2**33 - 1)
prices = st.integers(1, 65535)
tariffs = st.builds(Tariff, feed_in=st.integers(0, 65535), imbalance=prices, grid_fee=st.integers(0, 65535))
registers = st.integers(0, 2**22)


@given(net_energy, values, net_energy, values, tariffs)
def test_required__two_positions_joined__never_more_than_both_apart(n1, v1, n2, v2, tariff):
    assert required(n1 + n2, v1 + v2, tariff) <= required(n1, v1, tariff) + required(n2, v2, tariff)


@given(st.integers(1, 2**21 - 1), st.data(), prices, st.booleans(), net_energy, values, tariffs)
def test_order_lock__partly_filled__covers_the_growth_of_the_position(wh, data, price, sell, n, v, tariff):
    filled = data.draw(st.integers(0, wh))
    signed = filled if sell else -filled
    before = required(n, v, tariff) + order_lock(sell, price, wh, tariff)
    after = required(n + signed, v + signed * price, tariff) + order_lock(sell, price, wh - filled, tariff)
    assert after <= before


@given(net_energy, values, registers, registers, tariffs)
def test_settle__any_reading__payout_not_negative_and_conserved(n, v, exported, imported, tariff):
    settlement = settle(n, v, exported, imported, tariff)
    assert settlement.payout >= 0
    held = required(n, v, tariff) + v
    assert settlement.payout + settlement.charge + settlement.grid_fee == held
    assert 0 <= settlement.short <= max(n, 0)
    assert 0 <= settlement.unused <= max(-n, 0)
    assert settlement.feed_in == settlement.unused * tariff.feed_in


@given(st.integers(1, 2**21 - 1), prices, tariffs)
def test_order_lock__buyer__pays_energy_and_grid_fee_once(wh, price, tariff):
    assert order_lock(False, price, wh, tariff) == wh * (price + tariff.grid_fee)


@given(st.integers(1, 2**21 - 1), prices, tariffs)
def test_order_lock__seller__holds_what_defaulting_costs_beyond_the_price(wh, price, tariff):
    assert order_lock(True, price, wh, tariff) == wh * max(0, tariff.imbalance - price)


def test_settle__seller_delivers_in_full__receives_price_and_margin():
    tariff = Tariff(feed_in=250, imbalance=2000, grid_fee=20)
    settlement = settle(5000, 5_000_000, exported=5000, imported=0, tariff=tariff)
    assert settlement.payout == 5_000_000 + required(5000, 5_000_000, tariff) == 10_000_000
    assert (settlement.short, settlement.charge) == (0, 0)


def test_settle__buyer_uses_half__fee_on_all_and_feed_in_on_the_rest():
    tariff = Tariff(feed_in=250, imbalance=2000, grid_fee=20)
    settlement = settle(-1000, -1_000_000, exported=0, imported=500, tariff=tariff)
    assert (settlement.unused, settlement.feed_in) == (500, 125_000)
    assert (settlement.grid_fee, settlement.payout) == (20_000, 0)
