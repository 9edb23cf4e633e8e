"""The Reserve's page: what stands behind NET8, and what the forms say before anything is signed."""

from types import SimpleNamespace

import pytest
from net8 import events
from net8.eip712 import Domain
from net8.model import Backing
from net8.packing import certificate_id
from net8_web import context
from net8_web.allowances import allowance_intent
from net8_web.components.wallet import Account, Intent
from net8_web.context import Here
from streamlit.testing.v1 import AppTest

from tests.frontend.conftest import OWNER, SELLER, SLOT
from tests.frontend.pages import KnownChain, html, page, texts, view_of

NET8, EURO = 10**18, 10**6
NOBODY = "0x" + "0" * 40


def answers() -> dict[str, object]:
    """A Reserve that holds 285 euros for 100 NET8, 10 of them from energy, with 20 of 50 NET8 of the day's cap left."""
    return {
        "Reserve.backing": Backing(285 * EURO, 100 * NET8, 300 * EURO, 950_000, 90 * NET8, 10 * NET8, 100_000),
        "Reserve.price": 3 * EURO,
        "Reserve.price_set_at": SLOT * 900 - 86_400,
        "Reserve.least_price": EURO // 100,
        "Reserve.most_price": 1000 * EURO,
        "Reserve.energy_per_net8": 10_000,
        "Reserve.daily_cap": 50 * NET8,
        "Reserve.cap_left": 20 * NET8,
        "Reserve.coverage_floor": 900_000,
        "Reserve.net8_for": 4 * NET8,
        "Reserve.euros_for": 1140 * EURO // 100,
        "Reserve.mint": 4 * NET8,
        "Reserve.redeem": 1140 * EURO // 100,
        "TestEuro.decimals": 6,
        "TestEuro.balanceOf": 60 * EURO,
        "TestEuro.allowance": 2**255,
        "NET8.balanceOf": 7 * NET8,
        "NET8.allowance": 2**255,
        "GreenCertificates.isApprovedForAll": True,
        "Reserve.mint_from_production": NET8,
    }


@pytest.fixture
def chain(tape, monkeypatch: pytest.MonkeyPatch) -> KnownChain:
    """The chain behind the page; the owner holds 200 kWh of certificates."""
    made = KnownChain(answers())
    tape(events.TransferSingle(OWNER, NOBODY, OWNER, certificate_id(SELLER, SLOT // 4 - 9), 200_000))
    view = view_of(tape, made)
    monkeypatch.setattr(context, "feed", lambda: SimpleNamespace(view=lambda: view))
    return made


def typed(field: str, text: str) -> AppTest:
    """The page after something was typed into a field."""
    shown = page("reserve").run()
    shown.text_input(key=field).set_value(text).run()
    assert not shown.exception
    return shown


def said(shown: AppTest) -> list[str]:
    return [warning.value for warning in shown.warning]


def test_backing__partly_from_energy__the_picture_s_sum_is_the_supply(chain) -> None:
    shown = page("reserve", account=None).run()
    assert not shown.exception
    assert [metric.value for metric in shown.metric] == ["€285.00", "100.00 NET8", "95%", "100.00 kWh"]
    assert "100.00 NET8 are in existence: 90.00 NET8 minted against euros and 10.00 NET8" in html(shown)
    assert "width:90.00%" in html(shown)
    assert "width:10.00%" in html(shown)
    assert "width:95.00%" in html(shown)


def test_mint__amount_in_the_wallet__says_what_one_gets(chain) -> None:
    shown = typed("mint_euros", "12")
    assert said(shown) == []
    assert "<dd>4.00 NET8</dd>" in html(shown)


@pytest.mark.parametrize(
    ("field", "text", "sentence"),
    [
        ("mint_euros", "61", "Your wallet holds €60.00. Enter no more than that."),
        ("mint_euros", "1.0000001", "That is too fine. Use at most 6 decimals."),
        ("mint_euros", "ten", "“ten” is not a number. Write one such as 12.5."),
        ("redeem_net8", "7.5", "Your wallet holds 7.00 NET8. Enter no more than that."),
        (
            "produce_kwh",
            "201",
            "You can retire 200.00 kWh at once, in at most 24 certificates. Enter no more than that.",
        ),
        ("produce_kwh", "100", "Coverage would fall below its floor of 90%. Retire at most 55.555 kWh."),
    ],
)
def test_form__unusable_amount__one_sentence(chain, field: str, text: str, sentence: str) -> None:
    assert said(typed(field, text)) == [sentence]


def test_produce__cap_of_the_day_lower_than_the_floor_s_room__said_with_what_is_left(chain) -> None:
    chain.answers["Reserve.cap_left"] = 2 * NET8
    sentence = (
        "The cap of the day leaves room for 20.00 kWh. Retire no more than that, or come back after midnight UTC."
    )
    assert said(typed("produce_kwh", "50")) == [sentence]


def test_produce__coverage_below_the_floor__nothing_can_be_minted(chain) -> None:
    chain.answers["Reserve.coverage_floor"] = 960_000
    assert said(typed("produce_kwh", "1"))[0].startswith("Coverage is at its floor of 96%, so nothing can be minted")


@pytest.mark.parametrize(("field", "call"), [("mint_euros", "mint"), ("redeem_net8", "redeem")])
def test_form__contract_would_refuse__said_before_signing(chain, field: str, call: str) -> None:
    chain.refused[f"Reserve.{call}"] = "redeem: euro refused"
    assert said(typed(field, "5")) == ["The euro token refused to pay out; try another receiver."]


def test_redeem__coverage_below_one__says_that_less_than_nominal_is_paid(chain) -> None:
    shown = typed("redeem_net8", "4")
    assert "Coverage is 95%: whoever redeems now gets that share of the nominal price." in texts(shown)
    assert "<dd>€3.00 \u00d7 95%</dd>" in html(shown)


# --- what the Reserve must be allowed first -------------------------------------------------------------------------


@pytest.fixture
def allow(chain):
    """What the owner would sign so that the Reserve may take ten euros."""
    chain.answers |= {
        "TestEuro.allowance": 10 * EURO - 1,
        "TestEuro.nonces": 3,
        "TestEuro.eip712Domain": Domain("Euro", "2", 31337, "0x" + "e" * 40),
    }

    def asked() -> Intent | None:
        view = context.feed().view()
        at = Here(view, view.network, Account(OWNER, 31337), None, 1)
        return allowance_intent(at, view.contracts.euro, view.contracts.reserve.address, 10 * EURO, "Allow")

    return asked


def test_allowance__token_with_permits__signed_in_the_token_s_own_domain(allow) -> None:
    intent = allow()
    assert intent.kind == "permit"
    assert (intent.typed["domain"]["name"], intent.typed["domain"]["version"]) == ("Euro", "2")
    assert (intent.typed["message"]["value"], intent.typed["message"]["nonce"]) == (str(10 * EURO), "3")


def test_allowance__token_without_permits__approved(allow, chain) -> None:
    chain.refused["TestEuro.eip712Domain"] = ""
    assert allow().kind == "call"


def test_allowance__contract_wallet__approved(allow, chain, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain, "request", lambda *_: "0x6080")
    assert allow().kind == "call"


def test_allowance__large_enough__nothing_to_sign(allow, chain) -> None:
    chain.answers["TestEuro.allowance"] = 10 * EURO
    assert allow() is None
