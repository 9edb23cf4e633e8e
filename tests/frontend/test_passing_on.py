"""A certificate is passed on: to whom and how much is asked, and what cannot be is said before anything is signed."""

from types import SimpleNamespace

import pytest
from net8 import events
from net8.packing import certificate_id
from net8.signing import checksum_address
from net8_web import certificate_forms, context
from net8_web.i18n import table

from tests.frontend.conftest import OWNER, SELLER, SLOT, Tape
from tests.frontend.pages import KnownChain, page, view_of

WORDS = table("en")
NOBODY = "0x" + "0" * 40
RECEIVER = checksum_address("0x" + "ab" * 20)
HELD = certificate_id(SELLER, SLOT // 4 - 1)


@pytest.fixture
def chain() -> KnownChain:
    return KnownChain({"GreenCertificates.transfer": None, "GreenCertificates.safeTransferFrom": None})


@pytest.fixture
def asked(tape: Tape, chain, environment, monkeypatch: pytest.MonkeyPatch) -> list:
    """What the wallet is asked to do; the account holds 900 Wh of one certificate."""
    tape(events.TransferSingle(OWNER, NOBODY, OWNER, HELD, 900))
    monkeypatch.setattr(context, "feed", lambda: SimpleNamespace(view=lambda: view_of(tape, chain, environment)))
    intents: list = []
    call = certificate_forms.call_unless_refused
    monkeypatch.setattr(
        certificate_forms,
        "call_unless_refused",
        lambda at, label, what: intents.append((label, what)) or call(at, label, what),
    )
    return intents


def filled(kwh: str, to: str):
    shown = page("certificates").run()
    shown.text_input(key="transfer_kwh").set_value(kwh)
    return shown.text_input(key="transfer_to").set_value(to).run()


def test_transfer__some_of_it_to_an_account__one_call(asked, tape) -> None:
    shown = filled("0.4", RECEIVER.lower())
    assert not shown.exception
    assert not shown.warning
    label, call = asked[-1]
    assert label == f"Pass 0.40 kWh on to {RECEIVER[:6]}…{RECEIVER[-4:]}"
    contracts = context.feed().view().contracts
    wanted = contracts.certificates.transfer(OWNER, RECEIVER, HELD, 400)
    assert (call.to, call.data) == (wanted.to, wanted.data)


@pytest.mark.parametrize(
    ("kwh", "to", "sentence"),
    [
        ("1", RECEIVER, "You hold 0.90 kWh of this certificate. Take no more than that."),
        ("0.4", "bakery", WORDS["amount.no_address"].format(text="bakery")),
        ("0.4", OWNER, WORDS["certificates.transfer_self"]),
        ("none", RECEIVER, "“none” is not a number. Write one such as 5."),
    ],
)
def test_transfer__that_cannot_be__one_sentence_and_nothing_to_sign(asked, kwh: str, to: str, sentence: str) -> None:
    shown = filled(kwh, to)
    assert [warning.value for warning in shown.warning] == [sentence]
    assert asked == []
