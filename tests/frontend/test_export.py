"""Files for somebody's books: exact numbers, UTC, and no cell that a spreadsheet calculates."""

import csv
import io
import json
from types import SimpleNamespace

import pytest
from net8 import events
from net8.packing import certificate_id
from net8_indexer.schema import Retirement
from net8_web import context, export, indexer
from net8_web.i18n import table
from sqlalchemy import Engine
from sqlalchemy.orm import Session
from streamlit.testing.v1 import AppTest

from tests.frontend.conftest import BUYER, OWNER, SELLER, SLOT, TERMS
from tests.frontend.pages import NOW, KnownChain, page, view_of

STRANGER = "0x" + "11" * 20  # without a site


@pytest.fixture
def street(tape, environment, monkeypatch: pytest.MonkeyPatch):
    """The owner's portfolio one hour before the slot, the tape's market behind it."""
    chain = KnownChain(
        {
            "NET8.balanceOf": 10**18,
            "EnergyExchange.free_balance": 10**7,
            "ExchangeLens.margin_held": 0,
            "GridRegistry.terms": (TERMS, False),
        }
    )
    monkeypatch.setattr(context, "feed", lambda: SimpleNamespace(view=lambda: view_of(tape, chain, environment)))
    return tape


KINDS = "trades_positions_settlements_retirements"


def made(
    kind: str | None, monkeypatch: pytest.MonkeyPatch, account: str = OWNER, kinds: str = KINDS
) -> tuple[AppTest, list[bytes]]:
    """The page once a file of a kind was asked for, and what its files contain; `kinds` are those to choose from."""
    files: list[bytes] = []
    as_csv = export.as_csv
    monkeypatch.setattr(export, "as_csv", lambda rows: files.append(as_csv(rows)) or files[-1])
    shown = page("portfolio", account).run()
    if kind is not None:
        shown.segmented_control(key=f"export_what_{kinds}").set_value(kind).run()
    return shown.button(key="export_make").click().run(), files


def lines_of(file: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(file.decode(), newline="")))


def test_csv__texts_that_spreadsheets_calculate__quoted_and_numbers_left_alone() -> None:
    dangerous = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"]
    rows = [{"text": text, "net_wh": -5, "beside": True, "at": None} for text in [*dangerous, 'plain "=", text']]
    read = lines_of(export.as_csv(rows))
    assert [row["text"] for row in read] == [*(f"'{text}" for text in dangerous), 'plain "=", text']
    assert {(row["net_wh"], row["beside"], row["at"]) for row in read} == {("-5", "true", "")}
    assert json.loads(export.as_json(rows)) == rows


@pytest.mark.parametrize(
    ("kind", "site", "expected"),
    [
        ("trades", SELLER, {"side": "sold", "energy_wh": "500", "price_grains_per_wh": "900", "value_grains": "450000",
                            "counterparty_site": str(BUYER), "slot_start_utc": "2026-09-21T14:00:00Z",
                            "traded_at_utc": "2026-09-21T13:59:00Z", "beside_book": "true"}),
        ("positions", BUYER, {"net_sold_wh": "-7500", "outcome": "open"}),
        ("settlements", SELLER, {"exported_wh": "400", "short_wh": "100", "outcome": "metered",
                                 "settled_at_utc": "", "transaction": ""}),
    ],
)  # fmt: skip
def test_portfolio__file_from_the_indexer__every_site_of_the_wallet(
    street, api, monkeypatch, kind, site, expected
) -> None:
    shown, (file,) = made(kind, monkeypatch)
    assert not shown.exception
    row = next(row for row in lines_of(file) if row["site"] == str(site))
    assert {name: row[name] for name in expected} == expected
    assert shown.download_button(key="export_save").label == f"Save net8-{kind}.csv"


def used_up(engine: Engine, account: str, number: int, time: int, **values: object) -> None:
    """The account has retired certificates of the seller's hour."""
    with Session(engine) as session:
        matched = {"consumer": 0, "slot": 0, "purpose": ""} | values
        session.add(
            Retirement(at=1000 + number, time=time, site=SELLER, hour=SLOT // 4, account=account, wh=200 + number,
                       beneficiary="=The bakery", tx=bytes([number]) * 32, **matched)
        )  # fmt: skip
        session.commit()


def test_portfolio__retirements__of_the_account_alone_and_of_the_chosen_days(street, engine, api, monkeypatch) -> None:
    used_up(engine, OWNER, 1, NOW - 32 * 86_400)
    used_up(engine, OWNER, 2, NOW - 60, purpose="bread", consumer=BUYER, slot=SLOT)
    used_up(engine, STRANGER, 3, NOW - 50)
    used_up(engine, OWNER, 4, NOW - 40)
    shown, (file,) = made("retirements", monkeypatch)
    assert not shown.exception
    unmatched, matched = lines_of(file)
    assert matched == {
        "certificate": str(certificate_id(SELLER, SLOT // 4)),
        "site": str(SELLER),
        "hour_start_utc": "2026-09-21T14:00:00Z",
        "technology": "solar",
        "energy_wh": "202",
        "beneficiary": "'=The bakery",
        "purpose": "bread",
        "consumer_site": str(BUYER),
        "consumption_slot_start_utc": "2026-09-21T14:00:00Z",
        "retired_at_utc": "2026-09-21T12:59:00Z",
        "transaction": "0x" + "02" * 32,
    }
    assert (unmatched["energy_wh"], unmatched["consumer_site"], unmatched["consumption_slot_start_utc"]) == (
        "204", "", ""
    )  # fmt: skip


def test_portfolio__account_without_a_site__has_its_retirements_and_nothing_else(
    street, engine, api, monkeypatch
) -> None:
    for number in range(1, 4):
        used_up(engine, STRANGER, number, NOW - 60 - number)
    monkeypatch.setattr(indexer, "MOST_ROWS", 2)  # so that there are pages
    shown, (file,) = made(None, monkeypatch, STRANGER)
    assert not shown.exception
    assert shown.segmented_control(key="export_what_retirements").options == ["Retirements"]
    assert [line["energy_wh"] for line in lines_of(file)] == ["203", "202", "201"]


def test_portfolio__account_without_a_site_and_no_indexer__nothing_to_make(street) -> None:
    shown = page("portfolio", STRANGER).run()
    assert not shown.exception
    assert not shown.button


def test_portfolio__no_indexer__settlements_that_the_chain_tells_and_why_no_more(street, monkeypatch) -> None:
    street(events.Trade(SELLER, street.rest(SELLER, True, 900, 500), 500, BUYER))
    street.settle(SELLER, (400, 0))
    shown, (file,) = made(None, monkeypatch)
    assert not shown.exception
    assert [info.value for info in shown.info] == [
        f"Only settlements can be had, as far as the chain itself tells them, because {table('en')['indexer.none']}."
    ]
    (row,) = lines_of(file)
    charge = 100 * TERMS.imbalance
    assert (row["short_wh"], row["charge_grains"], row["result_grains"]) == ("100", str(charge), str(450_000 - charge))
    assert (row["outcome"], row["transaction"]) == ("metered", f"0x{street.block:064x}")
