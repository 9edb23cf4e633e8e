"""A trade followed on one line of the Portfolio: order, match, meter, settlement, imbalance cost."""

from types import SimpleNamespace

import pytest
from net8 import events
from net8_indexer.schema import Order, Settlement, Terms, Trade, at_of
from net8_web import context
from net8_web.i18n import table
from sqlalchemy import update
from sqlalchemy.orm import Session

from tests.frontend.conftest import BUYER, SELLER, SLOT, TERMS, Tape
from tests.frontend.pages import KnownChain, html, page, texts, view_of

WORDS = table("en")
ORDER, MATCH, SETTLEMENT = "0x" + "12" * 32, "0x" + "ab" * 32, "0x" + "cd" * 32


@pytest.fixture
def street(tape: Tape, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Tape:
    chain = KnownChain(
        {"EnergyExchange.free_balance": 0, "ExchangeLens.margin_held": 0, "NET8.balanceOf": 0, "NET8.nonces": 0}
    )
    environment["NET8_EXPLORER"] = "https://explorer.example"
    monkeypatch.setattr(context, "feed", lambda: SimpleNamespace(view=lambda: view_of(tape, chain, environment)))
    return tape


@pytest.fixture
def settled(engine) -> None:
    """The seller's order had waited since 13:00 UTC; its 500 Wh were matched, and 400 of them delivered and paid."""
    rules = {name: getattr(TERMS, name) for name in TERMS.__dataclass_fields__}
    money = {"shortfalls": 0, "unused": 0, "grid_fees": 0, "oracle_fees": 0}
    with Session(engine) as session:
        session.add(Terms(zone=1, hour=SLOT // 4, at=99, **rules))
        session.add(
            Order(at=at_of(3, 7), time=SLOT * 900 - 3_600, number="1", zone=1, slot=SLOT, sell=True, price=900,
                  site=SELLER, wh=500, left=0, tx=b"\x12" * 32)
        )  # fmt: skip
        session.execute(update(Trade).where(Trade.seller == SELLER).values(order_at=at_of(3, 7), tx=b"\xab" * 32))
        session.add(Settlement(at=1, zone=1, last_slot=SLOT, time=SLOT * 900 + 960, tx=b"\xcd" * 32, **money))
        session.commit()


def line_of(shown) -> str:
    """The first trade's."""
    tables = html(shown).split(f"<caption>{WORDS['portfolio.trades']}</caption>")
    return tables[1].split("<tbody>")[1].split("</tr>")[0]


def test_portfolio__trade_of_an_order_that_waited__followed_to_its_payment(street, api, settled) -> None:
    shown = page("portfolio").run()
    assert not shown.exception
    line = line_of(shown)
    for words in ("sold 0.50 kWh to site 2", "0.0900", "waited since 21 Sep, 13:00", "0.40 kWh"):
        assert words in line
    for tx in (ORDER, MATCH, SETTLEMENT):
        assert f'href="https://explorer.example/tx/{tx}"' in line
    # 100 Wh short at 6,000 grains
    assert "0.0600 NET8" in line


def test_portfolio__trade_that_met_a_waiting_order__says_so(street, api, settled) -> None:
    made = page("portfolio")
    made.session_state["_site"] = BUYER
    (of_seller,) = [one for one in html(made.run()).split("<tr>") if "from site 1<" in one]
    assert WORDS["portfolio.order_took"] in of_seller
    assert WORDS["portfolio.not_yet"] in of_seller, "the buyer's meter was not reported"


def test_portfolio__no_indexer__trades_that_the_app_keeps_and_why_no_more(street) -> None:
    street(events.Trade(SELLER, street.rest(SELLER, True, 900, 500), 500, BUYER))
    shown = page("portfolio").run()
    assert WORDS["portfolio.not_yet"] in line_of(shown)
    street.settle(SELLER, (400, 0), credited=3_000_000)
    shown = page("portfolio").run()
    assert "0.0600 NET8" in line_of(shown)
    assert f"not whose order waited, because {WORDS['indexer.none']}." in texts(shown)


def test_portfolio__no_trade__says_where_to_make_one(street, monkeypatch: pytest.MonkeyPatch) -> None:
    assert WORDS["portfolio.no_trades"] in html(page("portfolio").run())
