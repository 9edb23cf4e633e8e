"""What is older than the app keeps: pages have it from the indexer, and say that it is missing where there is none."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from net8 import events
from net8.model import Certificate, CertificateTotals, Configuration, Outcome, Technology
from net8.packing import certificate_id
from net8_indexer.schema import (
    CertificateMove,
    Movement,
    Payment,
    Report,
    Retirement,
    Settlement,
    SiteSlot,
    Terms,
    Trade,
)
from net8_web import context
from net8_web.i18n import table
from net8_web.mintable import mintable
from sqlalchemy.orm import Session

from tests.frontend.conftest import BUYER, OWNER, SELLER, SLOT, TERMS
from tests.frontend.pages import NOW, KnownChain, html, page, texts, view_of

WORDS = table("en")
DAY_SLOTS = 96
OLD = (SLOT // 4 - 24 * 10) * 4  # ten days before, the first slot of an hour
OLD_TIME = OLD * 900 + 960
SINCE = (NOW - 8 * 86_400) // 3600 * 3600
TX = b"\xcd" * 32
OLD_CERTIFICATE = certificate_id(SELLER, OLD // 4)
ONLY_RECENT = f"is shown, because {WORDS['indexer.none']}."


@pytest.fixture
def chain() -> KnownChain:
    """A chain that answers what pages ask."""
    answers = dict.fromkeys(["EnergyExchange.free_balance", "NET8.nonces", "ExchangeLens.margin_held"], 0)
    known = Certificate(
        SELLER, Technology.SOLAR, 12_000, "DK1", OLD * 900, OLD * 900 + 3600, "NET8", Configuration.ALONE, 2, 2**31,
        CertificateTotals(issued=300, held=0, retired=300, expired=0),
    )  # fmt: skip
    answers |= {"NET8.balanceOf": 0, "GreenCertificates.mint": 0, "GreenCertificates.certificate": known}
    return KnownChain(
        answers
        | {"ExchangeLens.is_tradable": False, "GreenCertificates.minted_mask": 1, "MeterRecords.confirmed_mask": 0}
    )


@pytest.fixture
def street(tape, chain, environment, monkeypatch: pytest.MonkeyPatch):
    """A market that keeps eight days, in which nothing happened; the seller is admitted to certificates."""
    tape(events.SiteAdmitted(SELLER, Configuration.ALONE, "DK1"))
    tape.market.forget(SINCE)
    monkeypatch.setattr(context, "feed", lambda: SimpleNamespace(view=lambda: view_of(tape, chain, environment)))
    return tape


@pytest.fixture
def old(engine) -> None:
    """Ten days ago the seller deposited, sold 500 Wh, delivered 400, was paid, and used up 300 Wh of 350."""
    rules = {name: getattr(TERMS, name) for name in TERMS.__dataclass_fields__}
    money = {"shortfalls": 0, "unused": 0, "grid_fees": 0, "oracle_fees": 0}
    when = {"time": OLD_TIME, "tx": TX}
    with Session(engine) as session:
        session.add(Terms(zone=1, hour=OLD // 4, at=101, **rules))
        session.add(Movement(at=102, site=SELLER, kind="deposit", grains=70_000_000, party=OWNER, **when))
        session.add(
            Trade(at=103, place=0, zone=1, slot=OLD, price=900, wh=500, seller=SELLER, buyer=BUYER, abroad=None,
                  order_at=None, **when)
        )  # fmt: skip
        session.add(Settlement(at=104, zone=1, last_slot=OLD, **money, **when))
        session.add(Payment(at=104, place=0, site=SELLER, hour=OLD // 4, slots=1, credited=30_000_000))
        for slot, wh in ((OLD, 400), (OLD + 1, 600)):
            session.add(
                SiteSlot(site=SELLER, slot=slot, outcome=Outcome.METERED, exported=wh, imported=0, settled_at=104)
            )  # fmt: skip
        session.add(Report(at=105, zone=1, signers=7, entries_hash=b"", settled=2, **when))
        session.add(
            CertificateMove(at=106, place=0, site=SELLER, hour=OLD // 4, sender=None, receiver=OWNER, wh=350, **when)
        )  # fmt: skip
        session.add(
            Retirement(at=107, site=SELLER, hour=OLD // 4, account=OWNER, wh=300, beneficiary="The bakery",
                       purpose="Bread", consumer=0, slot=0, **when)
        )  # fmt: skip
        session.commit()


def figures(shown) -> dict[str, str]:
    return {metric.label: metric.value for metric in shown.metric}


# --- with an indexer ------------------------------------------------------------------------------------------------


def test_street__nothing_happened_since__tells_what_happened_before(street, old, api) -> None:
    shown = page("street").run()
    assert not shown.exception
    for words in ("7.00 NET8", "0.50 kWh", "3.00 NET8"):
        assert words in html(shown)
    assert "Only what happened since" not in texts(shown)


def test_portfolio__nothing_settled_since__slots_that_ended_before(street, old, api) -> None:
    shown = page("portfolio").run()
    assert not shown.exception
    assert "0.40 kWh" in html(shown)
    assert "0.60 kWh" in html(shown)
    assert "0xcdcd" in html(shown)


def test_certificates__produced_and_used_before__may_be_minted_and_counts(street, old, api) -> None:
    shown = page("certificates").run()
    assert not shown.exception
    assert "0.65 kWh" in figures(shown)[WORDS["certificates.to_mint"]]
    assert "0.30 kWh" in figures(shown)[WORDS["certificates.retired"]]
    assert "The bakery" in html(shown)


def test_certificates__minted_a_moment_ago__not_offered_again_though_the_indexer_does_not_know(
    street, old, api, chain, environment
) -> None:
    street(events.TransferSingle(OWNER, "0x" + "0" * 40, OWNER, OLD_CERTIFICATE, 650))
    left, reason = mintable(view_of(street, chain, environment), SELLER)
    assert (left, reason) == ({OLD // 4: 350}, None)
    street(events.TransferSingle(OWNER, "0x" + "0" * 40, OWNER, OLD_CERTIFICATE, 350))
    assert mintable(view_of(street, chain, environment), SELLER) == ({}, None)


def test_certificates__more_than_a_list_can_hold__chosen_by_day_and_hour(street) -> None:
    hours = range(SLOT // 4 - 100, SLOT // 4)
    for hour in hours:
        street(events.TransferSingle(OWNER, "0x" + "0" * 40, OWNER, certificate_id(SELLER, hour), hour))
    shown = page("certificates").run()
    days = shown.selectbox(key="retire_day")
    assert days.options == sorted(
        {str(datetime.fromtimestamp(hour * 3600, UTC).date()) for hour in hours}, reverse=True
    )
    assert len(shown.selectbox(key="retire_id").options) <= 24
    days.select_index(1).run()
    chosen = shown.selectbox(key="retire_id").value
    assert str(datetime.fromtimestamp((chosen & 2**32 - 1) * 3600, UTC).date()) == days.options[1]


def test_oracles__no_report_since__the_last_ones_before(street, old, api) -> None:
    shown = page("oracles").run()
    assert not shown.exception
    assert "0xcdcd" in html(shown)


# --- without --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["street", "portfolio", "certificates", "oracles"])
def test_page__no_indexer__says_since_when_it_knows(street, name) -> None:
    shown = page(name).run()
    assert not shown.exception
    assert ONLY_RECENT in texts(shown)


@pytest.mark.parametrize("name", ["street", "portfolio", "certificates", "oracles"])
def test_page__no_indexer_and_nothing_left_out__says_nothing_of_it(street, name) -> None:
    street.market.since = 0
    shown = page(name).run()
    assert not shown.exception
    assert "Only what happened since" not in texts(shown)


def test_files__no_indexer__say_since_when_they_know(street) -> None:
    assert texts(page("portfolio").run()).count(ONLY_RECENT) == 2  # settled slots, and the files


def test_certificate__old_and_no_indexer__its_reports_are_not_known_rather_than_missing(street) -> None:
    made = page("certificate")
    made.query_params["id"] = str(OLD_CERTIFICATE)
    shown = made.run()
    assert not shown.exception
    assert WORDS["certificate.not_kept"] in html(shown)
    assert WORDS["certificate.no_report"] not in html(shown)
    assert ONLY_RECENT in texts(shown)
