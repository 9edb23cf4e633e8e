"""Past prices on the Trade page: candles of the indexer's trades, and one sentence where there is no indexer."""

from types import SimpleNamespace

import pytest
from net8_web import context
from net8_web.charts import price_candles
from net8_web.i18n import table
from net8_web.indexer import Candle

from tests.frontend.conftest import SLOT, TERMS
from tests.frontend.pages import KnownChain, html, page, view_of

HOUR = SLOT * 900 - 3600  # in which the indexer's trades happened


@pytest.fixture
def street(tape, environment, monkeypatch: pytest.MonkeyPatch):
    """The Trade page one hour before the slot, the only one that is open."""
    chain = KnownChain({"ExchangeLens.is_tradable": False, "EnergyExchange.free_balance": 0})
    monkeypatch.setattr(context, "feed", lambda: SimpleNamespace(view=lambda: view_of(tape, chain, environment)))
    return tape


def test_candles__hours_with_and_without_trades__each_has_its_place(tape) -> None:
    option = price_candles([Candle(HOUR, 900, 980, 880, 940, 7500)], HOUR - 3600, HOUR, 4)
    assert option["dataset"]["dimensions"] == ["Hour", "First", "Last", "Lowest", "Highest", "Traded"]
    assert option["dataset"]["source"] == [
        ["12:00\n21 Sep", "-", "-", "-", "-", "-"], ["13:00\n21 Sep", 0.27, 0.282, 0.264, 0.294, 7.5]
    ]  # fmt: skip


@pytest.mark.parametrize("of", ["zone", "slot"])
def test_trade__indexer_answers__candle_of_the_hour_and_the_same_as_a_table(street, api, of) -> None:
    shown = page("trade").run()
    shown.segmented_control(key="history_of_2").set_value(of).run()
    assert not shown.exception
    assert not shown.info
    assert len(shown.get("echarts_chart")) == 1
    figures = ["0.270", "0.294", "0.270", "0.294", "7.50 kWh"]
    line = "<td>21 Sep, 13:00</td>" + "".join(f'<td class="end">{figure}</td>' for figure in figures)
    assert line in html(shown)


def test_trade__slot_that_nobody_traded_and_no_indexer__says_so(street, api, environment) -> None:
    street.market.terms[1, SLOT // 4 + 1] = TERMS
    made = page("trade")
    made.session_state["trade_slot"] = SLOT + 4
    made.run().segmented_control(key="history_of_2").set_value("slot").run()
    assert table("en")["history.none"] in html(made)
    del environment["NET8_INDEXER"]
    assert [info.value for info in made.run().info] == [
        f"Past prices cannot be shown, because {table('en')['indexer.none']}."
    ]
