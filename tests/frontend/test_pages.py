"""Pages on a market in memory: what they show, and what they say when there is nothing to show."""

import socket
from pathlib import Path
from types import SimpleNamespace

import pytest
from net8 import events
from net8.packing import certificate_id
from net8_web import context, feed
from streamlit.testing.v1 import AppTest

from tests.frontend.conftest import BUYER, OWNER, SELLER, SLOT, TERMS
from tests.frontend.pages import KnownChain, html, page, texts, view_of

APP = Path(feed.__file__).parent / "serve" / "app.py"
BALANCE = 7 * 10**7


@pytest.fixture
def street(tape, monkeypatch: pytest.MonkeyPatch):
    """Pages see the tape's market one hour before the slot; every balance is seven NET8, nothing is refused."""
    answers = dict.fromkeys(["EnergyExchange.free_balance", "NET8.nonces", "EnergyExchange.place"], BALANCE)
    answers |= {"NET8.balanceOf": BALANCE * 10**11, "ExchangeLens.margin_held": 0, "ExchangeLens.is_tradable": False}
    answers |= {"GridRegistry.terms": (TERMS, False)}
    view = view_of(tape, KnownChain(answers))
    monkeypatch.setattr(context, "feed", lambda: SimpleNamespace(view=lambda: view))
    return tape


def test_trade__order_filled_in__shows_what_it_comes_to(street) -> None:
    tape = street
    tape.rest(BUYER, False, 1000, 2000)
    shown = page("trade").run()
    shown.text_input(key="trade_price_0").set_value("0.1")
    shown.text_input(key="trade_quantity").set_value("5").run()
    assert not shown.exception
    assert "2.00 kWh of it matches at once." in texts(shown)
    assert "At worst this order costs you 2.50 NET8." in texts(shown)


def test_trade__bad_quantity__one_sentence(street) -> None:
    shown = page("trade").run()
    shown.text_input(key="trade_price_0").set_value("0.1")
    shown.text_input(key="trade_quantity").set_value("five").run()
    assert [warning.value for warning in shown.warning] == ["“five” is not a number. Write one such as 5."]


def test_portfolio__more_than_the_wallet_holds__one_sentence(street) -> None:
    shown = page("portfolio").run()
    shown.text_input(key="deposit_amount").set_value("8").run()
    assert [warning.value for warning in shown.warning] == ["Your wallet holds 7.00 NET8. Enter no more than that."]


def test_street__settled_sale_today__earned_is_shown(street) -> None:
    tape = street
    tape(events.Trade(SELLER, tape.rest(SELLER, True, 900, 500), 500, BUYER))
    tape.settle(SELLER, (500, 0), credited=3_000_000)
    shown = page("street").run()
    assert not shown.exception
    assert [metric.value for metric in shown.metric][:3] == ["0.045 NET8", "0.00 NET8", "0.50 kWh"]


@pytest.mark.parametrize("name", ["street", "trade", "portfolio", "community", "certificates", "oracles"])
def test_page__nobody_connected__says_how_to_go_on(street, name: str) -> None:
    assert not page(name, account=None).run().exception


def test_app__chain_does_not_answer__says_where_and_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    monkeypatch.setenv("NET8_RPC_URL", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("NET8_DEPLOYMENT", str(tmp_path / "none.json"))
    feed.feed.clear()
    shown = AppTest.from_file(str(APP), default_timeout=40).run()
    assert "does not exist; deploy first" in shown.error[0].value
    feed.feed().stop()
    feed.feed.clear()


def test_street__payment_before_many_slots_without_one__still_told(street) -> None:
    tape = street
    tape.settle(SELLER, (500, 0), credited=3_000_000)
    for _ in range(10):
        tape.settle(SELLER, (500, 0), credited=0)
    assert "settled: 0.30 NET8 credited" in html(page("street").run())


def test_certificates__held_of_many_hours__latest_are_listed_and_the_rest_counted(street) -> None:
    nobody, now = "0x" + "0" * 40, SLOT // 4
    for hour in range(now - 60, now):
        street(events.TransferSingle(OWNER, nobody, OWNER, certificate_id(SELLER, hour), 900))
    shown = page("certificates").run()
    assert "and 12 more, of earlier hours" in texts(shown)
    assert html(shown).count(f'href="certificate?id={certificate_id(SELLER, now - 1)}"') == 1
    assert f"id={certificate_id(SELLER, now - 60)}" not in html(shown)
