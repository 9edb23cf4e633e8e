"""The market in memory says what the events said."""

from net8 import events
from net8.model import CloseReason, Level
from net8_web.day import day_of, result_of

from tests.frontend.conftest import BUYER, SELLER, SLOT, TERMS


def test_depth__orders_at_two_prices__best_first_on_both_sides(tape) -> None:
    tape.rest(SELLER, True, 900, 500)
    tape.rest(SELLER, True, 900, 700, index=1)
    tape.rest(SELLER, True, 840, 100)
    tape.rest(BUYER, False, 700, 300)
    tape.rest(BUYER, False, 760, 200)
    assert tape.market.depth(1, SLOT, sell=True) == [Level(840, 100, 1), Level(900, 1200, 2)]
    assert tape.market.depth(1, SLOT, sell=False) == [Level(760, 200, 1), Level(700, 300, 1)]


def test_order__partly_filled_then_cancelled__leaves_the_book(tape) -> None:
    order = tape.rest(SELLER, True, 900, 500)
    tape(events.Trade(SELLER, order, 200, BUYER))
    assert [left.wh for left in tape.market.orders_of(SELLER)] == [300]
    tape(events.OrderClosed(SELLER, order, 300, CloseReason.CANCELLED))
    assert tape.market.orders_of(SELLER) == []
    assert tape.market.busy_slots(SELLER) == [SLOT]  # the position is still open


def test_order__reduced__shows_what_is_left(tape) -> None:
    order = tape.rest(SELLER, True, 900, 500)
    tape(events.OrderReduced(SELLER, order, 200))
    assert tape.market.depth(1, SLOT, sell=True) == [Level(900, 200, 1)]


def test_pairs__traded_beside_the_book__each_a_trade_of_both(tape) -> None:
    pairs = (events.PairTraded(SELLER, BUYER, SLOT, 905, 400), events.PairTraded(SELLER, BUYER, SLOT, 900, 10))
    tape(events.PairsTraded(pairs))
    assert tape.market.position(SELLER, SLOT) == (410, 371_000)
    assert tape.market.position(BUYER, SLOT) == (-410, -371_000)
    trades = [(trade.seller, trade.buyer, trade.price, trade.wh) for trade in tape.market.trades_in(1, SLOT)]
    assert sorted(trades) == [(SELLER, BUYER, 900, 10), (SELLER, BUYER, 905, 400)]


def test_position__bid_is_hit__seller_and_buyer_mirror_each_other(tape) -> None:
    bid = tape.rest(BUYER, False, 900, 500)
    tape(events.Trade(BUYER, bid, 500, SELLER))
    assert tape.market.position(SELLER, SLOT) == (500, 450_000)
    assert tape.market.position(BUYER, SLOT) == (-500, -450_000)
    (trade,) = tape.market.trades_in(1, SLOT)
    assert (trade.seller, trade.buyer, trade.price) == (SELLER, BUYER, 900)


def test_result__less_delivered_than_sold__penalty_for_what_is_short(tape) -> None:
    tape(events.Trade(SELLER, tape.rest(SELLER, True, 900, 500), 500, BUYER))
    result = result_of(tape.market, SELLER, SLOT, (400, 0))
    assert (result.short, result.penalty) == (100, 100 * TERMS.imbalance)
    assert result.net == 500 * 900 - 100 * TERMS.imbalance


def test_result__no_reading__buyer_used_everything_and_pays_the_fee(tape) -> None:
    tape(events.Trade(SELLER, tape.rest(SELLER, True, 900, 500), 500, BUYER))
    result = result_of(tape.market, BUYER, SLOT, None)
    assert (result.unused, result.grid_fee) == (0, 500 * TERMS.grid_fee)
    assert result.net == -500 * 900 - 500 * TERMS.grid_fee


def test_day__settled_sale__earned_beside_feed_in(tape) -> None:
    tape(events.Trade(SELLER, tape.rest(SELLER, True, 900, 500), 500, BUYER))
    tape.settle(SELLER, (600, 0), credited=3_000_000)
    today = day_of(tape.market, SELLER, SLOT * 900, SLOT * 900 + 900)
    assert (today.earned, today.spent, today.sold_wh) == (450_000, 0, 500)
    assert today.at_feed_in == 500 * TERMS.feed_in
    assert tape.market.is_settled(SELLER, SLOT)
    assert tape.market.open_slots(SELLER) == []


def test_certificates__minted_passed_on_retired__held_by_the_last(tape) -> None:
    nobody, first, second = ("0x" + digit * 40 for digit in "012")
    certificate = SELLER << 32 | SLOT // 4
    tape(events.TransferSingle(first, nobody, first, certificate, 900))
    tape(events.TransferSingle(first, first, second, certificate, 400))
    tape(events.TransferSingle(second, second, nobody, certificate, 150))
    assert tape.market.minted[certificate] == 900
    assert tape.market.certificates_of(first) == {certificate: 500}
    assert tape.market.certificates_of(second) == {certificate: 250}
