"""How fast a zone's reports are and who signed them, on the page of oracles."""

from types import SimpleNamespace

import pytest
from net8_indexer.schema import Report, Seat, Settlement, SignerKey
from net8_web import context
from net8_web.i18n import table
from sqlalchemy.orm import Session

from tests.frontend.conftest import OWNER, SLOT, Tape
from tests.frontend.pages import KnownChain, html, page, texts, view_of

WORDS = table("en")


@pytest.fixture(autouse=True)
def street(tape: Tape, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Tape:
    monkeypatch.setattr(
        context, "feed", lambda: SimpleNamespace(view=lambda: view_of(tape, KnownChain({}), environment))
    )
    return tape


@pytest.fixture
def reported(engine) -> None:
    """Four operators, the last of them muted; three reports, 10, 20 and 40 s after their slots' ends."""
    money = {"shortfalls": 0, "unused": 0, "grid_fees": 0, "oracle_fees": 0}
    with Session(engine) as session:
        for number in range(1, 5):
            session.add(Seat(at=number, zone=1, kind="admitted", operator=number, by=None))
            session.add(SignerKey(at=number, operator=number, signer=OWNER, before_until=0))
        session.add(Seat(at=9, zone=1, kind="muted", operator=4, by=None))
        for i, (seconds, signers) in enumerate([(10, 0b0111), (20, 0b0111), (40, 0b0011)]):
            slot, tx = SLOT + i, bytes([i]) * 32
            when = {"time": (slot + 1) * 900 + seconds, "tx": tx}
            session.add(Settlement(at=300 + i, zone=1, last_slot=slot, **money, **when))
            session.add(Report(at=300 + i, zone=1, signers=signers, entries_hash=b"", settled=1, **when))
        session.commit()


def test_oracles__zone_with_reports__how_fast_and_who_did_not_sign(api, reported) -> None:
    shown = page("oracles").run()
    assert not shown.exception
    assert (
        "The last 3 reports of zone 1: half of them settled within 20 s of their slot's end, 99 of 100 within 40 s."
        in texts(shown)
    )
    (rows,) = [one for one in html(shown).split("<caption>") if one.startswith(WORDS["oracles.signing"])]
    lines = [one.split("</tr>")[0] for one in rows.split("<tbody>")[1].split("<tr>")[1:]]
    told = [[cell.split(">", 1)[1] for cell in line.split("</td>")[:-1]] for line in lines]
    may, may_not = WORDS["oracles.may_sign"], WORDS["oracles.muted"]
    assert told == [["1", "3", "0", may], ["2", "3", "0", may], ["3", "2", "1", may], ["4", "0", "3", may_not]]


def test_oracles__no_report_or_no_indexer__says_so(api, environment) -> None:
    for reason in (WORDS["indexer.not_yet"], WORDS["indexer.none"]):
        shown = page("oracles").run()
        assert not shown.exception
        assert WORDS["oracles.signing_unknown"].format(reason=reason) in texts(shown)
        environment.clear()
