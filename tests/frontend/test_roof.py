"""What a roof made, from the record that its inverter keeps: read, refused, and shown in the day."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from net8.units import slot_of, slot_start
from net8_web import context
from net8_web.amounts import Unusable
from net8_web.i18n import table
from net8_web.pages import street as street_page
from net8_web.roof import OwnUse, own_use, read_record

from tests.frontend.conftest import BUYER, SELLER, SLOT, Tape
from tests.frontend.pages import KnownChain, page, texts, view_of

WORDS = table("en")
BERLIN = ZoneInfo("Europe/Berlin")
NOON = slot_of(int(datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp()))


# --- read -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "time,energy (Wh)\n2026-11-23 12:00,250\n2026-11-23 12:15,40\n",
        "Date/Time,Inverter,Energy Produced (Wh)\n2026-11-23T12:00:00,a,250\n2026-11-23T12:15:00,b,40\n",
        "\ufeffZeit;Ertrag [kWh]\r\n23.11.2026 12:00;0,25\r\n23.11.2026 12:15;0,04\r\n",
        "time\tmade_kWh\n2026-11-23 13:00+01:00\t0.25\n\n2026-11-23 12:15Z\t0.04",
        'time,"made, all of it (kWh)"\n2026-11-23 12:00,"0,25"\n2026-11-23 12:05,\n2026-11-23 12:15:00,0.04',
        "time,Wh\n2026-11-23 12:00,100\n2026-11-23 12:05,100\n2026-11-23 12:10,50\n2026-11-23 12:15,40.4",
    ],
)
def test_read_record__as_inverters_write_it__wh_by_slot(text: str) -> None:
    assert read_record(text, UTC) == {NOON: 250, NOON + 1: 40}


def test_read_record__clocks_put_back__each_of_the_two_hours_in_its_place() -> None:
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)  # half past two in Berlin, for the first time
    moments = [(first + timedelta(minutes=15 * i)).astimezone(BERLIN) for i in range(8)]
    assert len({f"{moment:%H:%M}" for moment in moments}) == 6
    text = "time,Wh\n" + "".join(f"{moment:%Y-%m-%d %H:%M},{i}\n" for i, moment in enumerate(moments))
    assert read_record(text, BERLIN) == {slot_of(int(first.timestamp())) + i: i for i in range(8)}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("time,energy\n2026-11-23 12:00,1", "No column says its unit."),
        ("Wh\n2026-11-23 12:00", "No column says its unit."),
        ("time,power (kWhat)\n2026-11-23 12:00,1", "No column says its unit."),
        ("time,Wh\n11/23/2026 12:00,1", "Line 2: “11/23/2026 12:00” is not a time."),
        ("time,Wh\n0001-01-01 00:00,1", "Line 2: “0001-01-01 00:00” is not a time."),
        ("time,Wh\n2026-11-23 12:00,1\n2026-11-23 12:15,much", "Line 3: “much” is not an amount of energy."),
        ("time,Wh\n2026-11-23 12:00,-1", "Line 2: “-1” is not an amount of energy."),
        ("time,Wh\n2026-11-23 12:00,NaN", "Line 2: “NaN” is not an amount of energy."),
        ("time,Wh\n2026-11-23 12:00,1e9", "Line 2: “1e9” is not an amount of energy."),
        ("time,Wh\n2026-11-23 12:00,1\n2026-11-23 12:00,1", "Line 3: its time is not after that of the line before."),
        ("time,Wh\n2026-11-23 12:00,1\n2026-11-23 13:00,1", "The lines are 60 minutes apart"),
        ("time,Wh\n2026-11-23 12:00,1", "There are fewer than two lines below the names."),
        ('time,Wh\n2026-11-23 12:00,"1"2', "This is not CSV."),
    ],
)
def test_read_record__what_cannot_be_read__one_sentence(text: str, sentence: str) -> None:
    with pytest.raises(Unusable) as refused:
        read_record(text, UTC)
    assert str(refused.value).startswith(sentence)


# --- used at home ---------------------------------------------------------------------------------------------------


def test_own_use__record_and_readings__sums_of_what_both_know() -> None:
    record, readings = {1: 500, 2: 300, 3: 100}, {2: (200, 10), 3: (0, 60), 4: (0, 900)}
    use = own_use(record, readings)
    assert use == OwnUse(slots=2, made=400, exported=200, imported=70)
    assert use.kept == 200


def test_own_use__record_a_little_behind_the_meter__nothing_less_than_nothing() -> None:
    assert own_use({2: 195}, {2: (200, 0)}).kept == 0


# --- shown ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def street(tape: Tape, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Tape:
    """Two hours after the slot, in which 400 Wh went out of the seller's home and 30 came in."""
    chain = KnownChain(
        {"EnergyExchange.free_balance": 0, "ExchangeLens.is_tradable": False, "ExchangeLens.margin_held": 0}
    )
    view = view_of(tape, chain, environment)
    later = replace(view.head, timestamp=slot_start(SLOT) + 3600)
    monkeypatch.setattr(
        context, "feed", lambda: SimpleNamespace(view=lambda: replace(view_of(tape, chain, environment), head=later))
    )
    tape.settle(SELLER, (400, 30))
    return tape


@pytest.fixture
def cells(monkeypatch: pytest.MonkeyPatch) -> list:
    """The cells of the day, as they were drawn last."""
    drawn: list = []
    monkeypatch.setattr(street_page, "strip", lambda key, told, *rest, **more: drawn.__setitem__(slice(None), told))
    return drawn


def with_record(text: str):
    shown = page("street").run()
    return shown.text_area(key=f"own_record_{SELLER}").set_value(text).run()


def record_of(*steps: int) -> str:
    """From the slot on."""
    times = [datetime.fromtimestamp(slot_start(SLOT + i), UTC) for i in range(len(steps))]
    return "time,Wh\n" + "".join(f"{time:%Y-%m-%d %H:%M},{wh}\n" for time, wh in zip(times, steps, strict=True))


def test_street__record_pasted__day_and_shares_show_what_the_roof_made(street, api, cells) -> None:
    shown = with_record(record_of(1_000, 50))
    assert not shown.exception
    of_slot = {cell.slot: cell for cell in cells}
    assert (of_slot[SLOT].text, of_slot[SLOT].more) == ("+0.40", "☀1.0")
    # 1,000 Wh made and 400 out: 600 used at home, and the 30 that came in.
    assert of_slot[SLOT].label.endswith("meter: 0.40 kWh out, 0.03 kWh in, roof: 1.00 kWh made, 0.63 kWh used at home")
    assert of_slot[SLOT + 1].label.endswith("roof: 0.05 kWh made")
    assert of_slot[SLOT + 2].more == ""
    told = {metric.label: metric.value for metric in shown.metric}
    assert told[WORDS["home.self_consumption"]] == "60%"
    assert told[WORDS["home.self_sufficiency"]] == "95.23%"
    assert "In the 1 quarter hours that both the record and your meter know: 1.00 kWh made, 0.40 kWh out" in texts(
        shown
    )


def test_street__record_that_cannot_be_read__one_sentence_and_the_day_as_before(street, api, cells) -> None:
    shown = with_record("time,Wh\nyesterday,4")
    assert [warning.value for warning in shown.warning] == [
        "Line 2: “yesterday” is not a time. Write one such as 2026-11-23 14:15."
    ]
    assert not any(cell.more for cell in cells)
    shown = shown.text_area(key=f"own_record_{SELLER}").set_value("").run()
    assert not shown.warning
    assert shown.text_input(key="own_made")


def test_street__record_of_other_days__says_what_to_paste(street, api, cells) -> None:
    shown = with_record("time,Wh\n2020-01-01 12:00,4\n2020-01-01 12:15,4")
    assert [info.value for info in shown.info] == [WORDS["home.own_none"]]


def test_street__record_of_one_site__not_of_another(street, api, cells) -> None:
    shown = with_record(record_of(1_000, 50))
    shown.session_state["_site"] = BUYER
    shown.run()
    assert not shown.exception
    assert not any(cell.more for cell in cells)
