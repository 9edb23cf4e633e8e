"""One certificate's page: what indexer and chain tell of it, without a wallet, and what it says without them."""

from types import SimpleNamespace

import pytest
from net8 import events
from net8.contracts import Registry
from net8.model import Certificate, CertificateTotals, Configuration, Technology
from net8.packing import certificate_id
from net8.signing import Signature
from net8.state import Moment
from net8_indexer.schema import CertificateMove, Report, Retirement, Seat, Settlement, SignerKey, SiteSlot
from net8_web import context
from net8_web.i18n import table
from net8_web.provenance import number_of
from sqlalchemy.orm import Session
from streamlit.testing.v1 import AppTest

from tests.frontend.conftest import BUYER, OWNER, SELLER, SLOT
from tests.frontend.pages import KnownChain, html, page, view_of

HOUR = SLOT // 4
NUMBER = certificate_id(SELLER, HOUR)
REPORTED = Registry(OWNER).report(1, 7, [1 << 200], {0: Signature(1, 2, odd=False)})
KNOWN = Certificate(
    SELLER, Technology.SOLAR, 12_000, "DK1", HOUR * 3600, HOUR * 3600 + 3600, "NET8", Configuration.ALONE, 2, 2**31,
    CertificateTotals(issued=900, held=500, retired=300, expired=100),
)  # fmt: skip


@pytest.fixture
def chain(tape, environment, monkeypatch: pytest.MonkeyPatch) -> KnownChain:
    """A chain on which the seller's hour is certified, its first slot confirmed by the meter."""
    answers = {"GreenCertificates.certificate": KNOWN, "GreenCertificates.minted_mask": 1}
    made = KnownChain(answers | {"MeterRecords.confirmed_mask": 1})
    made.request = lambda *_: {"input": "0x" + REPORTED.data.hex()}
    monkeypatch.setattr(context, "feed", lambda: SimpleNamespace(view=lambda: view_of(tape, made, environment)))
    return made


@pytest.fixture
def history(engine) -> None:
    """The indexer knows who signed the slot's report, and who used 300 Wh."""
    tx = b"\xab" * 32
    with Session(engine) as session:
        for operator in (3, 5):
            session.add(Seat(at=operator, zone=1, kind="admitted", operator=operator, by=None))
            session.add(SignerKey(at=operator, operator=operator, signer=f"0x{operator:040x}", before_until=0))
        money = {"shortfalls": 0, "unused": 0, "grid_fees": 0, "oracle_fees": 0}
        session.add(Settlement(at=200, time=SLOT * 900 + 960, zone=1, last_slot=SLOT, **money, tx=tx))
        session.add(Report(at=201, time=SLOT * 900 + 960, zone=1, signers=3, entries_hash=b"", settled=1, tx=tx))
        session.get(SiteSlot, (SELLER, SLOT)).settled_at = 200
        session.add(CertificateMove(at=300, place=0, time=0, site=SELLER, hour=HOUR, sender=None, receiver=OWNER,
                                    wh=900, tx=tx))  # fmt: skip
        session.add(Retirement(at=301, time=SLOT * 900 + 7200, site=SELLER, hour=HOUR, account=OWNER, wh=300,
                               beneficiary="The <b>bakery</b>", purpose="", consumer=0, slot=0, tx=tx))  # fmt: skip
        session.commit()


def opened(number: object) -> AppTest:
    made = page("certificate", account=None)
    made.query_params["id"] = str(number)
    return made.run()


def test_certificate__opened_by_anybody__origin_reports_and_use(chain, history, api) -> None:
    shown = opened(NUMBER)
    assert not shown.exception
    assert not shown.info
    assert [metric.value for metric in shown.metric] == ["0.90 kWh", "0.50 kWh", "0.30 kWh", "0.10 kWh"]
    told = html(shown)
    for fact in (
        "1 in zone 1",
        "solar",
        "12 kW",
        "DK1",
        "3: there is no official one",
        "records that the meter itself",
    ):
        assert fact in told, fact
    cells = ["14:00\N{EN DASH}14:15", "0.40 kWh", "metered", "confirmed", "3, 5", "7", "2026-09-21 14:16"]
    for cell in cells:
        assert f">{cell}</td>" in told, cell
    assert told.count("not settled") == 3
    assert f"0x{5:040x}" in told
    assert f"0x{'ab' * 32}" in told
    assert "The &lt;b&gt;bakery&lt;/b&gt;" in told


def test_certificate__no_indexer__what_the_chain_tells_and_why_no_more(chain, tape) -> None:
    tape.settle(SELLER, (400, 0))
    at = Moment(tape.block, SLOT * 900 + 960, f"0x{tape.block:064x}")
    tape.market.apply(events.Reported(1, 7, b"", 1), at)
    tape(events.Retired(NUMBER, OWNER, 300, "The bakery", "", 0, 0))
    shown = opened(NUMBER)
    assert not shown.exception
    assert [info.value for info in shown.info] == [
        f"This page shows what the chain itself tells, because {table('en')['indexer.none']}."
    ]
    told = html(shown)
    assert ">3 signed</td>" in told
    assert ">0.40 kWh</td>" in told
    assert ">The bakery</td>" in told


def test_certificate__indexer_has_not_seen_it__said_as_that(chain, api) -> None:
    shown = opened(NUMBER)
    assert not shown.exception
    assert [info.value for info in shown.info] == [
        f"This page shows what the chain itself tells, because {table('en')['indexer.not_yet']}."
    ]


def test_certificate__slot_settled_after_minting__said_to_be_outside(chain, tape) -> None:
    tape.settle(SELLER, (400, 0))
    chain.answers["GreenCertificates.minted_mask"] = 2
    chain.request = lambda *_: {"input": "0x12345678"}  # another contract passed the report on
    told = html(opened(NUMBER))
    assert ">metered, not in the certificate</td>" in told
    assert ">7</td>" not in told


def test_certificate__address_without_its_number__says_where_to_find_one(chain) -> None:
    shown = opened("bread")
    assert not shown.exception
    assert "Open one from the Certificates page" in html(shown)


@pytest.mark.parametrize("text", [None, "", "bread", "-5", "7", str(2**80), "9" * 5_000, "\N{SUPERSCRIPT TWO}"])
def test_number__text_that_is_none__refused(text) -> None:
    assert number_of(text) is None
    assert number_of(str(NUMBER)) == NUMBER


def test_certificate__never_issued__says_so(chain) -> None:
    chain.answers["GreenCertificates.certificate"] = None
    assert f"Certificate {NUMBER} of site 1 in zone 1 does not exist" in html(opened(NUMBER))


def test_certificates__held_and_retired__lead_to_their_pages(chain, tape) -> None:
    other, nobody = certificate_id(BUYER, HOUR), "0x" + "0" * 40
    tape(events.TransferSingle(OWNER, nobody, OWNER, NUMBER, 900))
    tape(events.Retired(other, OWNER, 300, "The bakery", "", 0, 0))
    shown = page("certificates").run()
    assert not shown.exception
    assert [f'<a href="certificate?id={number}">' in html(shown) for number in (NUMBER, other)] == [True, True]
