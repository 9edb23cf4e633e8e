"""What a transaction did is said once, also when the panel that sent it is gone by the time it is mined."""

import time
from types import SimpleNamespace

import pytest
from net8 import events
from net8.model import CloseReason
from net8_web import context
from net8_web.components import wallet
from net8_web.i18n import table
from streamlit.testing.v1 import AppTest

from tests.frontend.conftest import SELLER, SLOT, TERMS, Tape
from tests.frontend.pages import KnownChain, seen, view_of

ORDERS = """
from net8_web.context import celebrate
from net8_web.trading.mine import my_orders
celebrate()
my_orders()
"""
DONE = table("en")["trade.cancelled"]
SENT, SPED_UP = "0x" + "ab" * 32, "0x" + "cd" * 32


@pytest.fixture
def chain(tape: Tape, monkeypatch: pytest.MonkeyPatch) -> KnownChain:
    for hour in range(SLOT // 4 - 1, SLOT // 4 + 26):
        tape(events.TermsFixed(1, hour, TERMS))
    made = KnownChain({})
    feed = SimpleNamespace(view=lambda: view_of(tape, made), catch_up=lambda reached: None)
    monkeypatch.setattr(context, "feed", lambda: feed)
    return made


@pytest.fixture
def order(tape: Tape, chain: KnownChain) -> int:
    """The seller's, in the book."""
    return tape.rest(SELLER, True, 900, 500)


@pytest.fixture
def shown(order: int) -> AppTest:
    """The seller's orders, each with a button that cancels it."""
    return seen(ORDERS).run()


def entry(order: int, status: str, hash_: str = SENT, **more: object) -> dict[str, object]:
    """What the browser says of the transaction that cancels an order."""
    intent = wallet.call("", context.feed().view().contracts.exchange.cancel(order))
    return {"id": intent.id, "hash": hash_, "status": status, "label": "Cancel", "block": 9, **more}


def told(shown: AppTest, *outbox: dict[str, object]) -> list[str]:
    """What the page says is done when the browser tells of these transactions."""
    shown.session_state["_outbox"] = list(outbox)
    shown.run()
    assert not shown.exception
    return [toast.value for toast in shown.toast]


def close(tape: Tape, order: int) -> None:
    tape(events.OrderClosed(SELLER, order, 500, CloseReason.CANCELLED))


def later(monkeypatch: pytest.MonkeyPatch, seconds: float = 9) -> None:
    """A toast has gone by now."""
    monkeypatch.setattr(context, "time", SimpleNamespace(monotonic=lambda: time.monotonic() + seconds))


def test_cancelled__line_gone_before_its_panel_could_tell__said_once(shown, tape, order, monkeypatch) -> None:
    assert told(shown, entry(order, "pending")) == []
    close(tape, order)
    assert told(shown, entry(order, "confirmed")) == [DONE]
    later(monkeypatch)
    assert told(shown, entry(order, "confirmed")) == []


def test_cancelled__next_run_overtakes_the_one_that_said_it__said_there(shown, tape, order, monkeypatch) -> None:
    assert told(shown, entry(order, "pending")) == []
    close(tape, order)
    assert told(shown, entry(order, "confirmed")) == [DONE]
    later(monkeypatch, seconds=7)
    assert told(shown, entry(order, "confirmed")) == [DONE]


def test_cancelled__sped_up_in_the_wallet__said(shown, tape, order) -> None:
    assert told(shown, entry(order, "pending")) == []
    close(tape, order)
    assert told(shown, entry(order, "confirmed", SPED_UP, replaced=SENT)) == [DONE]


def test_cancelled__panel_tells_it_as_well__said_once(shown, order, monkeypatch) -> None:
    assert told(shown, entry(order, "pending")) == []
    assert told(shown, entry(order, "confirmed")) == [DONE]
    outcome = {"id": entry(order, "")["id"], "attempt": 1, "status": "confirmed", "hash": SENT, "block": 9}
    later(monkeypatch)
    shown.session_state[f"panel_cancel_{order}"] = {"outcome": outcome}
    assert told(shown, entry(order, "confirmed")) == []


@pytest.mark.parametrize("status", ["confirmed", "reverted", "cancelled"])
def test_sent__before_this_session_or_without_effect__nothing_is_said(shown, tape, order, status) -> None:
    if status != "confirmed":
        assert told(shown, entry(order, "pending")) == []
    assert told(shown, entry(order, status)) == []


def test_sent__by_something_that_this_session_did_not_offer__nothing_is_said(shown, order) -> None:
    strange = {"id": "another", "replaced": ["no", "hash"]}
    assert told(shown, entry(order, "pending") | strange) == []
    assert told(shown, entry(order, "confirmed") | strange) == []
