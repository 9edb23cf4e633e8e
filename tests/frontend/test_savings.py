"""What a household sees of its money: today, this month, saved, used by itself, and when energy is cheapest."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from net8 import events
from net8.model import Terms as Tariff
from net8.packing import OrderId
from net8_indexer.schema import Terms
from net8_web import context
from net8_web.cheapest import Stretch, cheapest
from net8_web.feed import View
from net8_web.i18n import table
from net8_web.savings import saved
from sqlalchemy.orm import Session

from tests.frontend.conftest import BUYER, SELLER, SLOT, TERMS, Tape
from tests.frontend.pages import KnownChain, page, texts, view_of

WORDS = table("en")


@pytest.fixture
def street(tape: Tape, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Tape:
    chain = KnownChain(
        {"EnergyExchange.free_balance": 0, "ExchangeLens.is_tradable": False, "ExchangeLens.margin_held": 0}
    )

    def two_hours_later() -> View:
        view = view_of(tape, chain, environment)
        return replace(view, head=replace(view.head, timestamp=SLOT * 900 + 3600))

    monkeypatch.setattr(context, "feed", lambda: SimpleNamespace(view=two_hours_later))
    return tape


def figures(shown) -> dict[str, str]:
    """Of the month, which comes after the day."""
    return {metric.label: metric.value for metric in shown.metric}


# --- savings --------------------------------------------------------------------------------------------------------


def test_saved__sold_and_bought__result_less_the_same_without_neighbours() -> None:
    assert saved(10_000, 4_000, 0, None) == 6_000
    assert saved(-10_000, 0, 100, 120) == 2_000
    assert saved(-13_000, 0, 100, 120) == -1_000, "neighbours may be dearer"
    assert saved(-10_000, 4_000, 100, None) is None, "nobody said what the supplier asks"


def test_street__sold_today__saved_is_told_with_what_it_is_counted_against(street, environment) -> None:
    environment["NET8_RETAIL_EUR"] = "0.36"
    street(events.Trade(SELLER, street.rest(SELLER, True, 900, 500), 500, BUYER))
    street.settle(SELLER, (500, 0), credited=3_000_000)
    shown = page("street").run()
    assert not shown.exception
    (told,) = [one for one in shown.caption if one.value.startswith("Saved today")]
    # 500 Wh at 900 grains, that would have brought 80.
    assert told.value == "Saved today: +0.0410 NET8 (€0.12)"
    assert "€0.360 per kWh" in told.help


def test_street__no_indexer__says_why_there_is_no_month(street) -> None:
    assert f"The month cannot be added up, because {WORDS['indexer.none']}." in texts(page("street").run())


def fix_terms(engine) -> None:
    with Session(engine) as session:
        rules = {name: getattr(TERMS, name) for name in TERMS.__dataclass_fields__}
        session.add(Terms(zone=1, hour=SLOT // 4, at=99, **rules))
        session.commit()


def test_street__month__result_and_saved_from_the_indexer(street, engine, api) -> None:
    fix_terms(engine)
    shown = page("street").run()
    assert not shown.exception
    told = figures(shown)
    # 500 Wh sold at 900 grains, 100 of them short at 6,000; 400 delivered would have brought 80 each.
    result = 500 * 900 - 100 * (6_000 - 900) - 100 * 900
    assert result == -150_000
    assert told[WORDS["home.result"]] == "\N{MINUS SIGN}0.0150 NET8"
    assert told[WORDS["home.saved"]] == "\N{MINUS SIGN}0.0182 NET8"
    assert told[WORDS["home.sold"]] == "0.50 kWh"


# --- used by itself -------------------------------------------------------------------------------------------------


def own_use(made: str, drawn: str):
    shown = page("street").run()
    shown.text_input(key="own_made").set_value(made)
    return shown.text_input(key="own_drawn").set_value(drawn).run()


def test_street__inverter_and_display_read__shares_of_the_own_sun(street, api) -> None:
    shown = own_use("2", "4.8")
    assert not shown.exception
    # 2 kWh made, 0.4 of them out: 1.6 used at home, of 1.6 + 4.8.
    assert figures(shown)[WORDS["home.self_consumption"]] == "80%"
    assert figures(shown)[WORDS["home.self_sufficiency"]] == "25%"


@pytest.mark.parametrize(
    ("made", "sentence"),
    [
        ("0.3", "The roof made at least the 0.40 kWh that went out. Read the inverter's display again."),
        ("much", "“much” is not a number. Write one such as 5."),
    ],
)
def test_street__inverter_read_wrongly__one_sentence_and_no_share(street, api, made: str, sentence: str) -> None:
    shown = own_use(made, "4.8")
    assert [warning.value for warning in shown.warning] == [sentence]
    assert WORDS["home.self_consumption"] not in figures(shown)


# --- cheapest two hours ---------------------------------------------------------------------------------------------


def offer(tape: Tape, slot: int, price: int, wh: int = 500, site: int = SELLER) -> None:
    tape(events.TermsFixed(1, slot // 4, TERMS))
    tape(events.OrderPlaced(site, OrderId(1, slot, True, TERMS.level_of(price), 0).pack(), wh))


def found(tape: Tape, environment: dict[str, str], site: int = BUYER) -> Stretch | None:
    view = view_of(tape, KnownChain({"ExchangeLens.is_tradable": False}), environment)
    return cheapest(view, site, range(SLOT, SLOT + 20))


def test_cheapest__a_day_of_offers__the_stretch_that_costs_least_with_the_grid_fee(tape, environment) -> None:
    for i in range(20):
        offer(tape, SLOT + i, 1000 if i not in range(5, 13) else 600, wh=500 + i)
    assert found(tape, environment) == Stretch(SLOT + 5, 600 + TERMS.grid_fee, 505)


def test_cheapest__fee_of_some_hours_is_higher__counts(tape, environment) -> None:
    for i in range(20):
        offer(tape, SLOT + i, 600)
    dear = {name: getattr(TERMS, name) for name in TERMS.__dataclass_fields__} | {"grid_fee": 700}
    for hour in (SLOT // 4, SLOT // 4 + 1):
        tape(events.TermsFixed(1, hour, Tariff(**dear)))
    assert found(tape, environment) == Stretch((SLOT // 4 + 2) * 4, 600 + TERMS.grid_fee, 500)


def test_cheapest__a_gap_or_own_offers__no_stretch(tape, environment) -> None:
    for i in range(15):
        if i != 7:
            offer(tape, SLOT + i, 600)
    assert found(tape, environment) is None, "seven on either side of the gap"
    offer(tape, SLOT + 7, 600)
    assert found(tape, environment) is not None
    assert found(tape, environment, site=SELLER) is None, "nobody buys from himself"


def test_street__nobody_offers_two_hours__says_so(street) -> None:
    assert "Nobody offers energy for two hours on end yet." in texts(page("street").run())
