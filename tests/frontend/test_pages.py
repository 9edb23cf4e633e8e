"""Pages on a market in memory: what they show, and what they say when there is nothing to show."""

import socket
from pathlib import Path

import pytest
from net8 import events
from net8.client import BlockHeader
from net8.contracts import Contracts
from net8.deployment import CONTRACTS, Deployment
from net8_web import context, feed
from net8_web.components.wallet import Account, Network
from net8_web.feed import View
from net8_web.settings import read
from streamlit.testing.v1 import AppTest

from tests.frontend.conftest import BUYER, OWNER, SELLER, SLOT

APP = Path(feed.__file__).parent / "serve" / "app.py"
BALANCE = 7 * 10**7


class KnownChain:
    """Answers what pages ask of a chain: every balance is seven NET8, nothing is refused."""

    def read(self, call, sender=None):
        assert call.label in {"EnergyExchange.free_balance", "NET8.balanceOf", "NET8.nonces", "EnergyExchange.place"}
        return BALANCE * 10**11 if call.label == "NET8.balanceOf" else BALANCE

    def read_many(self, calls):
        return [0] * len(calls)

    def balance(self, _):
        return 10**18

    def request(self, *_):
        return "0x"


@pytest.fixture
def street(tape, monkeypatch: pytest.MonkeyPatch):
    """Pages see the tape's market one hour before the slot."""
    record = {"address": "0x" + "1" * 40, "block": 1, "args": [], "code_hash": "0x" + "0" * 64}
    deployment = Deployment.model_validate(
        {"chain_id": 31337, "owner": OWNER, "contracts": dict.fromkeys(CONTRACTS, record)}
    )
    network = Network(31337, "NET8 street", "http://127.0.0.1:8545", None, "ETH", "0")
    head = BlockHeader(number=9, timestamp=SLOT * 900 - 3600, base_fee=0, hash="0x" + "9" * 64)

    class Still:
        def view(self):
            return View(read({}), deployment, Contracts.of(deployment), network, KnownChain(), head, tape.market, False)

    monkeypatch.setattr(context, "feed", Still)
    return tape


def page(name: str) -> AppTest:
    """A page as the owner of both sites sees it."""
    script = f"from net8_web.pages import {name}\n{name}.render()\n"
    made = AppTest.from_string(script, default_timeout=30)
    made.session_state["_account"] = Account(address=OWNER, chain_id=31337, wallet="Test", wallets=1, ready=True)
    made.session_state["_site"] = SELLER
    return made


def texts(shown: AppTest) -> str:
    """All that a page says outside of components."""
    kinds = ("markdown", "caption", "warning", "info", "subheader", "title")
    return "\n".join(str(element.value) for kind in kinds for element in getattr(shown, kind))


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


def test_home__settled_sale_today__earned_is_shown(street) -> None:
    tape = street
    tape(events.Trade(SELLER, tape.rest(SELLER, True, 900, 500), 500, BUYER))
    tape.settle(SELLER, (500, 0), credited=3_000_000)
    shown = page("home").run()
    assert not shown.exception
    assert [metric.value for metric in shown.metric][:3] == ["0.045 NET8", "0.00 NET8", "0.50 kWh"]


@pytest.mark.parametrize("name", ["home", "trade", "portfolio", "certificates", "oracles"])
def test_page__nobody_connected__says_how_to_go_on(street, name: str) -> None:
    made = AppTest.from_string(f"from net8_web.pages import {name}\n{name}.render()\n", default_timeout=30).run()
    assert not made.exception


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
