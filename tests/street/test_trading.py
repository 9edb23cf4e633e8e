"""What homes know and order, and how their figures are added up."""

from decimal import Decimal

import numpy as np
import pytest
from eth_account import Account
from net8.events import Trade
from net8.packing import OrderId

from scripts.street.check import first_difference
from scripts.street.inputs import Home
from scripts.street.latency import latencies_ms, percentile
from scripts.street.tally import SlotTally
from scripts.street.traders import MeterBook, Trader
from scripts.street.zone import TERMS, Resident

FIRST_ROW = 1_000_000  # slot of the first row


def _resident(load: list[str], pv: list[str] | None = None, site: int = 65537) -> Resident:
    home = Home(0, tuple(map(Decimal, load)), None if pv is None else tuple(map(Decimal, pv)))
    return Resident(site, home, FIRST_ROW, FIRST_ROW, Account.from_key(b"\1" * 32), "0")


@pytest.fixture
def roof() -> Resident:
    """Half a kWh used in each slot; more and more sun."""
    return _resident(["0.5"] * 4, ["0.5", "1.0", "1.5", "2.0"])


def _trader(resident: Resident, seed: int = 0) -> Trader:
    assert resident.owner is not None
    return Trader(resident, resident.owner, np.random.default_rng(seed))


def test_surplus__slot_that_is_not_over__refused(roof):
    book = MeterBook(roof)
    assert book.surplus(FIRST_ROW + 1, now_slot=FIRST_ROW + 2) == 500
    with pytest.raises(LookupError, match="not over"):
        book.surplus(FIRST_ROW + 2, now_slot=FIRST_ROW + 2)


def test_order__future_changed__order_is_the_same(roof):
    other = _resident(["0.5"] * 4, ["0.5", "1.0", "0", "0"])
    now, slot = FIRST_ROW + 2, FIRST_ROW + 4
    assert _trader(roof).order(slot, now, TERMS) == _trader(other).order(slot, now, TERMS)


def test_order__surplus_so_far__sells_near_it_on_the_grid(roof):
    order = _trader(roof).order(FIRST_ROW + 4, FIRST_ROW + 2, TERMS)
    assert order is not None
    assert order.sell
    assert 100 < order.wh < 600  # 350 Wh were the weighted surplus
    assert TERMS.price_of(TERMS.level_of(order.price)) == order.price


def test_order__deficit_so_far__buys():
    order = _trader(_resident(["0.4"] * 4)).order(FIRST_ROW + 4, FIRST_ROW + 2, TERMS)
    assert order is not None
    assert not order.sell


def test_order__next_to_nothing_expected__none():
    assert _trader(_resident(["0.001"] * 4)).order(FIRST_ROW + 4, FIRST_ROW + 2, TERMS) is None


# --- adding up ------------------------------------------------------------------------------------------------------

SELLER, BUYER = 65537, 65538


@pytest.fixture
def tally() -> SlotTally:
    """The seller sold 500 Wh and exported 400; the buyer used 450."""
    slot = SlotTally()
    slot.net_wh.update({SELLER: 500, BUYER: -500})
    slot.settled.update({SELLER: (400, 0), BUYER: (0, 450)})
    return slot


def test_slot_tally__both_miss__shortfall_and_unused(tally):
    assert (tally.shortfall_wh, tally.unused_wh) == (100, 50)


def test_slot_tally__no_readings__nothing_delivered_and_everything_used(tally):
    tally.settled.update({SELLER: None, BUYER: None})
    assert (tally.shortfall_wh, tally.unused_wh) == (500, 0)


def test_first_difference__settled_as_in_the_data__none(tally):
    residents = [_resident(["0"], ["0.4"], SELLER), _resident(["0.45"], None, BUYER)]
    assert first_difference(residents, tally, FIRST_ROW) is None


@pytest.mark.parametrize(
    ("residents", "sentence"),
    [
        ([_resident(["0"], ["0.403"], SELLER)], "settled with 400 Wh exported; its input is 403"),
        ([_resident(["0.6"], None, BUYER)], "settled with 450 Wh imported; its input, up to what it bought, is 500"),
        ([_resident(["0.1"], None, SELLER + 7)], "settled without a reading"),
    ],
)
def test_first_difference__settled_otherwise__says_which(tally, residents, sentence):
    difference = first_difference(residents, tally, FIRST_ROW)
    assert difference is not None
    assert sentence in difference


def test_first_difference__within_one_wh__none(tally):
    assert first_difference([_resident(["0"], ["0.4008"], SELLER)], tally, FIRST_ROW) is None


def test_trade__resting_sale_taken__maker_sold():
    resting = OrderId(1, 5, True, 3, 0).pack()
    trade = Trade(SELLER, resting, 10, BUYER)
    assert (trade.seller, trade.buyer) == (SELLER, BUYER)


# --- latency --------------------------------------------------------------------------------------------------------


def _stamp(slot: int, transmitter: bool, source_ns: int, receipt_ns: int) -> str:
    return (
        f'{{"zone": 1, "slot": {slot}, "part": 0, "transmitter": {str(transmitter).lower()}, '
        f'"source_ns": {source_ns}, "receipt_ns": {receipt_ns}}}\n'
    )


def test_latencies__several_nodes__each_slot_once_from_who_has_the_receipt(tmp_path):
    first, second = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    first.write_text(_stamp(5, True, 1_000_000, 61_000_000) + _stamp(6, False, 0, 900_000_000))
    second.write_text(_stamp(5, False, 1_000_000, 99_000_000) + _stamp(6, True, 2_000_000, 42_000_000))
    assert latencies_ms([first, second], range(5, 7)) == [40.0, 60.0]
    assert latencies_ms([first, second], range(6, 7)) == [40.0]


def test_percentile__nearest_rank():
    assert percentile([10.0, 20.0, 30.0, 40.0], 50) == 20.0
    assert percentile([10.0, 20.0, 30.0, 40.0], 99) == 40.0
    assert percentile([], 50) is None
