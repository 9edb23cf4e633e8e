"""One order for many quarter hours, and all orders of a range taken back."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from net8 import events
from net8.model import OrderKind
from net8.packing import OrderId
from net8_web import context
from net8_web.amounts import Unusable
from net8_web.ticket import Draft
from net8_web.trading.batch import Which, batch, choose, price_met
from streamlit.testing.v1 import AppTest

from tests.frontend.conftest import BUYER, SELLER, SLOT, TERMS
from tests.frontend.pages import KnownChain, page, texts, view_of

BALANCE = 7 * 10**7
DRAFT = Draft(sell=True, price="0.1", in_euro=False, quantity="2", kind=OrderKind.LIMIT)


@pytest.fixture
def chain(tape, monkeypatch: pytest.MonkeyPatch) -> KnownChain:
    """Pages see a market whose next hours are fixed, one hour before the slot."""
    for hour in range(SLOT // 4 - 1, SLOT // 4 + 26):
        tape(events.TermsFixed(1, hour, TERMS))
    made = KnownChain(
        {
            "EnergyExchange.free_balance": BALANCE,
            "EnergyExchange.place_many": None,
            "ExchangeLens.is_tradable": False,
            "TradingDesk.cancel_range": (2, SLOT + 2),
        }
    )
    view = view_of(tape, made)
    monkeypatch.setattr(context, "feed", lambda: SimpleNamespace(view=lambda: view))
    return made


def rest(tape, slot: int, price: int, wh: int = 1000, *, site: int = SELLER, sell: bool = True) -> None:
    order = OrderId(1, slot, sell, TERMS.level_of(price), 0).pack()
    tape(events.OrderPlaced(site, order, wh))


def many() -> AppTest:
    shown = page("trade").run()
    shown.segmented_control(key="trade_mode").set_value("many").run()
    shown.text_input(key="trade_price_0").set_value("0.1")
    return shown.text_input(key="trade_quantity").set_value("2").run()


# --- which slots ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("which", "expected"), [(Which.ALL, [1, 2, 3, 4]), (Which.CHEAPEST, [2, 3]), (Which.DEAREST, [1, 2])]
)
def test_choose__prices_with_a_tie__earlier_slot_first(which: Which, expected: list[int]) -> None:
    assert choose([1, 2, 3, 4], which, 2, {1: 900, 2: 700, 3: 700, 4: None}.get) == expected


def test_choose__fewer_prices_than_asked__refused(tape) -> None:
    with pytest.raises(Unusable, match=r"Only 1 of these 2 quarter hours have a price yet\."):
        choose([1, 2], Which.CHEAPEST, 2, {1: 900, 2: None}.get)


def test_price_met__other_side_else_last_trade(tape) -> None:
    assert price_met(tape.market, 1, SLOT, sell=True) is None
    tape(events.Trade(SELLER, tape.rest(SELLER, True, 900, 500), 500, BUYER))
    assert price_met(tape.market, 1, SLOT, sell=True) == 900
    tape.rest(BUYER, False, 800, 500)
    assert price_met(tape.market, 1, SLOT, sell=True) == 800
    assert price_met(tape.market, 1, SLOT, sell=False) == 900


# --- what they come to ----------------------------------------------------------------------------------------------


def test_batch__two_hours_with_other_terms__sums_by_each_hour() -> None:
    dearer = replace(TERMS, imbalance=7000, feed_in=90)
    terms = {SLOT // 4: TERMS, SLOT // 4 + 1: dearer}
    made = batch(DRAFT, [SLOT, SLOT + 4], terms.get, lambda _: [])
    assert [order.slot for order in made.orders] == [SLOT, SLOT + 4]
    assert (made.wh, made.value, made.fee) == (4000, 4_000_000, 0)
    assert made.held == made.worst == 2000 * (6000 - 1000) + 2000 * (7000 - 1000)
    assert (made.imbalance, made.feed_in) == (7000, 80)


def test_batch__off_the_grid_of_a_later_hour__says_of_which() -> None:
    odd = replace(TERMS, floor=110)
    with pytest.raises(Unusable, match=r"^\d+ \w+, [\d:–]+ · 0\.1000 is not a price of this market"):
        batch(DRAFT, [SLOT, SLOT + 4], {SLOT // 4: TERMS, SLOT // 4 + 1: odd}.get, lambda _: [])
    with pytest.raises(Unusable, match=r"^“x” is not a number"):
        batch(replace(DRAFT, price="x"), [SLOT, SLOT + 4], lambda _: TERMS, lambda _: [])


# --- on the page ----------------------------------------------------------------------------------------------------


def test_many__whole_day__sums_and_button(chain) -> None:
    shown = many()
    assert not shown.exception
    assert "At worst this order costs you" in texts(shown)
    assert "One transaction places all of them or none." in texts(shown)
    assert not [warning.value for warning in shown.warning]


def test_many__more_than_the_balance__said_before_signing(chain) -> None:
    chain.refused["EnergyExchange.place_many"] = "balance: too low"
    (warning,) = many().warning
    assert warning.value.startswith("These orders hold 95.00 NET8 together, but only 7.00 NET8 are free.")


def test_many__cheapest_without_any_price__one_sentence(chain) -> None:
    shown = many()
    shown.segmented_control(key="batch_which").set_value(Which.CHEAPEST).run()
    shown.text_input(key="batch_count").set_value("3").run()
    assert [warning.value[:35] for warning in shown.warning] == ["Only 0 of these 95 quarter hours ha"]
    shown.text_input(key="batch_count").set_value("1.5").run()
    assert [warning.value for warning in shown.warning] == ["That is too fine. Use at most 0 decimals."]


def clear(tape, orders: int) -> AppTest:
    for i in range(orders):
        rest(tape, SLOT + i, 900)
    shown = page("trade")
    shown.session_state["clear_range"] = True
    return shown.run()


def said(shown: AppTest) -> list[str]:
    return [info.value for info in shown.info if "indexer" not in info.value]


def test_clear__all_within_one_transaction__nothing_more_is_said(chain, tape) -> None:
    shown = clear(tape, 2)
    assert not shown.exception
    assert not said(shown)


def test_clear__stops_at_its_bound__said(chain, tape) -> None:
    (info,) = said(clear(tape, 3))
    assert info.startswith("One transaction reaches 2 of these 3 orders.")


def test_clear__contract_refuses__said(chain, tape) -> None:
    chain.refused["TradingDesk.cancel_range"] = "slots: bad range"
    (warning,) = clear(tape, 2).warning
    assert warning.value.startswith("The first slot lies behind the last")
