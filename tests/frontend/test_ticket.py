"""An order form becomes an order, or one sentence."""

import pytest
from net8.model import Level, OrderKind
from net8_web import show, ticket
from net8_web.amounts import Unusable
from net8_web.ticket import Draft, quote

from tests.frontend.conftest import TERMS


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(show, "language", lambda: "en")
    for module in (ticket, ticket.amounts):
        monkeypatch.setattr(module, "t", lambda key, **values: f"{key} {values}")


def draft(
    price: str = "0.1", quantity: str = "5", *, sell: bool = True, euro: bool = False, kind=OrderKind.LIMIT
) -> Draft:
    return Draft(sell, price, euro, quantity, kind)


def test_quote__sale__margin_is_what_default_would_cost() -> None:
    order = quote(draft(), TERMS, [])
    assert (order.price, order.wh, order.value) == (1000, 5000, 5_000_000)
    assert order.held == 5000 * (TERMS.imbalance - 1000) == order.worst
    assert order.fills_now == 0


def test_quote__purchase__fee_is_held_too() -> None:
    order = quote(draft(sell=False), TERMS, [])
    assert order.fee == 5000 * TERMS.grid_fee
    assert order.held == 5000 * 1000 + order.fee


def test_quote__part_of_the_book_matches__says_how_much() -> None:
    bids = [Level(1100, 1500, 1), Level(1000, 1000, 2), Level(980, 9000, 1)]
    assert quote(draft(), TERMS, bids).fills_now == 2500


def test_quote__price_in_euro__nearest_price_of_the_market() -> None:
    assert quote(draft("0.30", euro=True), TERMS, []).price == 1000
    assert quote(draft("0.301", euro=True), TERMS, []).price == 1000
    assert quote(draft("0.305", euro=True), TERMS, []).price == 1020


@pytest.mark.parametrize(
    ("bad", "key"),
    [
        (draft("abc"), "amount.not_number"),
        (draft("1e3"), "amount.not_number"),
        (draft("0,1"), "amount.comma"),
        (draft("0"), "amount.zero"),
        (draft("0.00001"), "amount.too_fine"),
        (draft("0.1001"), "trade.off_grid"),
        (draft("5"), "trade.beyond_grid"),
        (draft("5", euro=True), "trade.beyond_grid"),
        (draft(quantity="0.05"), "trade.too_small"),
        (draft(quantity="3000"), "trade.too_large"),
        (draft(quantity="0.0001"), "amount.too_fine"),
        (draft(quantity="-1"), "amount.not_number"),
        (draft(quantity=""), "amount.not_number"),
    ],
)
def test_quote__unusable__one_sentence(bad: Draft, key: str) -> None:
    with pytest.raises(Unusable, match=f"^{key}"):
        quote(bad, TERMS, [])


def test_quote__post_only_that_would_match__refused() -> None:
    with pytest.raises(Unusable, match="post_only_takes"):
        quote(draft(kind=OrderKind.POST_ONLY), TERMS, [Level(1000, 100, 1)])


def test_amounts__arabic_digits__read_as_numbers() -> None:
    assert ticket.amounts.energy("\u0662\u066b\u0665") == 2500
