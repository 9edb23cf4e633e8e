"""The operators' page: each role finds its forms and nobody else does, and what cannot be is said before signing."""

import json
from types import SimpleNamespace

import pytest
from net8 import events
from net8.eip712 import SiteConsent
from net8.model import Operator, PoolRequest, Tariff, ZoneAccount
from net8.units import hour_of
from net8_web import context, i18n
from net8_web.amounts import Unusable
from net8_web.operating import tariffs
from net8_web.operating.consent import Signed
from streamlit.testing.v1 import AppTest

from tests.frontend.conftest import OWNER, TERMS
from tests.frontend.pages import NOW, KnownChain, html, page, texts, view_of

GRID_OPERATOR = OWNER  # of zone 1 on the tape
OTHER_OPERATOR = "0x" + "2" * 40
CONTRACT_OWNER = "0x" + "3" * 40
GUARDIAN = "0x" + "4" * 40
STRANGER = "0x" + "5" * 40
REGISTRAR = "0x" + "6" * 40
LEAD = 12
DAY = "0.0080 0.6000 0.0200\n" * 23


@pytest.fixture
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(i18n, "language", lambda: "en")


def operator(number: int) -> Operator:
    return Operator("0x" + f"{number:040x}", "0x" + f"{number + 90:040x}", 1000 * 10**18, 1, 0, 0)


@pytest.fixture
def chain(tape, monkeypatch: pytest.MonkeyPatch) -> KnownChain:
    """The chain behind the page: two zones, four seated operators and one who waits."""
    tape(events.ZoneCreated(2, OTHER_OPERATOR))
    for zone in (1, 2):
        tape(events.DefaultTermsSet(zone, 0, TERMS))
    for number in range(1, 6):
        tape(events.OperatorRegistered(number, STRANGER, STRANGER, 10**21))
        if number < 5:
            tape(events.Admitted(1, number))
    labels = ["publish_tariffs", "set_default_terms", "set_link", "stop_orders", "register_site", "create_zone"]
    labels += ["request_pool_withdrawal", "withdraw_pool", "withdraw_fees"]
    accepted = [f"GridRegistry.{name}" for name in labels] + ["OracleRegistry.admit", "OracleRegistry.replace"]
    accepted += ["EnergyExchange.fund_pool", "GreenCertificates.admit", "GreenCertificates.dismiss", "NET8.approve"]
    answers = dict.fromkeys(accepted) | {
        "GridRegistry.owner": CONTRACT_OWNER,
        "OracleRegistry.owner": CONTRACT_OWNER,
        "GridRegistry.guardian": GUARDIAN,
        "GreenCertificates.registrar": REGISTRAR,
        "GridRegistry.stopped_until": 0,
        "GridRegistry.tariff_lead": LEAD,
        "GridRegistry.consent_nonce": 0,
        "GridRegistry.pool_requests": PoolRequest(0, 0),
        "EnergyExchange.zone_account": ZoneAccount(40_000_000, 3_000_000, 500_000),
        "NET8.balanceOf": 10**18,
        "NET8.allowance": 2**255,
        "OracleRegistry.operator": operator(7),
    }
    made = KnownChain(answers)
    view = view_of(tape, made)
    monkeypatch.setattr(context, "feed", lambda: SimpleNamespace(view=lambda: view))
    return made


def shown_to(account: str | None) -> AppTest:
    shown = page("operate", account).run()
    assert not shown.exception
    return shown


def said(shown: AppTest) -> list[str]:
    return [warning.value for warning in shown.warning]


FORMS = {
    "Publish a day's tariffs", "Default terms", "Admit a site", "Link to another zone", "Balancing pool and fees",
}  # fmt: skip
SEATS, STOP, ZONES = {"Seats of oracle operators"}, {"Stop of new orders"}, {"Open a zone"}
CERTIFY = {"Admission to certificates"}


@pytest.mark.parametrize(
    ("account", "forms"),
    [
        (GRID_OPERATOR, FORMS),
        (CONTRACT_OWNER, SEATS | STOP | ZONES),
        (REGISTRAR, CERTIFY),
        (GUARDIAN, STOP),
        (OTHER_OPERATOR, set()),  # of another zone than the one that is shown
        (STRANGER, set()),
        (None, set()),
    ],
)
def test_forms__of_a_role__shown_to_its_holder_alone(chain, account: str | None, forms: set[str]) -> None:
    shown = page("operate", account)
    shown.session_state["_operate_zone"] = 1
    shown.run()
    assert not shown.exception
    headings = {heading.value for heading in shown.subheader}
    assert headings & (FORMS | SEATS | STOP | ZONES | CERTIFY) == forms


def test_state__for_a_stranger__says_who_holds_the_roles_and_how_things_stand(chain, tape) -> None:
    tape(events.LinkSet(1, 2, 5000, 300))
    tape(events.LinkSet(2, 1, 3000, 200))
    shown = shown_to(STRANGER)
    assert "This account holds no role in this zone." in texts(shown)
    told = html(shown)
    for part in ("0x3333…3333", "0x4444…4444", "<td>default, still open</td>", "3.00 kWh", "Operators"):
        assert part in told + texts(shown)
    assert told.count("<td>has a seat</td>") == 4
    assert told.count("<td>none in this zone</td>") == 1


def test_state__seat_passed_on__shown_for_the_new_one(chain, tape) -> None:
    tape(events.Replaced(1, 4, 5))
    assert tape.market.seats[1] == {1, 2, 3, 5}


def test_zone__operator_of_the_second__finds_it_chosen(chain) -> None:
    shown = shown_to(OTHER_OPERATOR)
    assert shown.selectbox(key="_operate_zone").value == 2
    assert {heading.value for heading in shown.subheader} >= FORMS


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        (DAY, "There are 23 lines; write 24, one for each hour."),
        (DAY + "0.008 0.6", "Line 24: 2 values stand there; write feed-in, imbalance and grid fee."),
        (DAY + "0.008 0,6 0.02", "Line 24: Write the number with a point, such as 0.1."),
        (
            DAY + "0.0080 0.5000 0.0200",
            "Line 24: The imbalance price must be 1.25 times the highest price of 0.4560. Write at least 0.5700.",
        ),
        (
            DAY + "0.01 0.6 0.02",
            "Line 24: The feed-in price must be below the lowest price of 0.0100. Write a lower one.",
        ),
        (
            DAY + "0.008 0.6 0",
            "Line 24: The grid fee of 0.0000 is below the oracles' part of 0.0020. Raise the fee or lower the part.",
        ),
    ],
)
def test_read_tariffs__unusable_table__one_sentence(english, table: str, sentence: str) -> None:
    with pytest.raises(Unusable) as fault:
        tariffs.read_tariffs(table, [TERMS] * 24)
    assert str(fault.value) == sentence


def test_read_tariffs__day_from_a_spreadsheet__taken() -> None:
    read = tariffs.read_tariffs(DAY.replace(" ", "\t") + "0;0.7;0.03", [TERMS] * 24)
    assert read == [Tariff(80, 6000, 200)] * 23 + [Tariff(0, 7000, 300)]


def test_publish__day_typed__shown_as_it_will_be(chain) -> None:
    shown = shown_to(GRID_OPERATOR)
    shown.text_area(key="tariff_table_1").set_value(DAY + "0.009 0.7 0.03").run()
    assert said(shown) == []
    assert '<td class="end">0.7000</td>' in html(shown)
    shown.text_area(key="tariff_table_1").set_value(DAY).run()
    assert said(shown) == ["There are 23 lines; write 24, one for each hour."]


def test_publish__contract_would_refuse__said_before_signing(chain) -> None:
    chain.refused["GridRegistry.publish_tariffs"] = "terms: published too late"
    shown = shown_to(GRID_OPERATOR)
    shown.text_area(key="tariff_table_1").set_value(DAY + "0.008 0.7 0.02").run()
    assert said(shown) == ["One of these hours may be traded already; publish only hours beyond the tariff lead."]


def test_first_hours__day_published__not_offered_again(chain, tape) -> None:
    offered = shown_to(GRID_OPERATOR).selectbox(key="tariff_first_1").options
    earliest = hour_of(NOW) + LEAD + 1
    for hour in range(earliest, earliest + tariffs.HOURS):
        tape(events.TermsFixed(1, hour, TERMS))
    assert len(shown_to(GRID_OPERATOR).selectbox(key="tariff_first_1").options) < len(offered)


@pytest.mark.parametrize(
    ("field", "text", "sentence"),
    [
        ("floor", "0", "Lowest price: Enter more than zero."),
        ("oracle_fee", "0.03", "The grid fee of 0.0200 is below the oracles' part of 0.0300."),
        ("grid_fee", "0.5", "The grid fee must not exceed the highest price of 0.4560. Write a lower one."),
        ("gate_lead", "97", "The gate can be at most 96 quarter hours ahead. Write fewer."),
        ("gate_lead", "1.5", "Gate (quarter hours ahead): That is too fine. Use at most 0 decimals."),
        ("min_wh", "66", "The smallest order can be at most 65.535 kWh. Write less."),
        ("imbalance", "7", "Prices go up to 6.5535 NET8/kWh. Write a lower one."),
        ("step", "1", "The highest price would be 223.0100 NET8/kWh, too high for any imbalance price."),
    ],
)
def test_read_terms__unusable_value__one_sentence(english, field: str, text: str, sentence: str) -> None:
    texts_ = {"feed_in": "0.008", "imbalance": "0.6", "grid_fee": "0.02", "oracle_fee": "0.002", "floor": "0.01"}
    texts_ |= {"step": "0.002", "gate_lead": "1", "min_wh": "0.1"}
    assert tariffs.read_terms(texts_) == TERMS
    with pytest.raises(Unusable) as fault:
        tariffs.read_terms(texts_ | {field: text})
    assert str(fault.value).startswith(sentence)


def test_default__unusable_value__one_sentence(chain) -> None:
    shown = shown_to(GRID_OPERATOR)
    shown.text_input(key="default_floor_1").set_value("0").run()
    assert said(shown) == ["Lowest price: Enter more than zero."]


def test_link__capacity_beyond_the_contract__one_sentence(chain) -> None:
    shown = shown_to(GRID_OPERATOR)
    shown.text_input(key="link_capacity_1_2").set_value("5000000")
    shown.text_input(key="link_fee_1_2").set_value("0.01").run()
    assert said(shown) == ["The capacity can be at most 4,294,967.295 kWh. Write less."]


def test_stop__longer_than_three_days__one_sentence(chain) -> None:
    shown = shown_to(GUARDIAN)
    shown.text_input(key="stop_hours").set_value("73").run()
    assert said(shown) == ["A stop lasts at most 72 hours. Write fewer."]


def test_stop__within_a_week_of_the_last__says_from_when(chain) -> None:
    chain.answers["GridRegistry.stopped_until"] = NOW - 60
    assert "Between two stops lies a week. You can stop again from" in texts(shown_to(GUARDIAN))


def test_stop__under_way__everybody_sees_it(chain) -> None:
    chain.answers["GridRegistry.stopped_until"] = NOW + 3600
    assert said(shown_to(STRANGER))[0].startswith("The guardian has stopped new orders until")


def test_seats__operator_with_too_little_at_stake__said_before_signing(chain) -> None:
    chain.refused["OracleRegistry.admit"] = "stake: too low"
    (sentence,) = said(shown_to(CONTRACT_OWNER))
    assert "stake" in sentence


# --- pool, zones, certificates --------------------------------------------------------------------------------------


def step(account: str, name: str) -> AppTest:
    shown = shown_to(account)
    (steps,) = [one for one in shown.get("button_group") if one.key == "pool_step"]
    steps.set_value(name)
    return shown.run()


def test_money__of_a_zone__everybody_sees_it(chain) -> None:
    chain.answers["GridRegistry.pool_requests"] = PoolRequest(10_000_000, NOW + 86_400)
    told = html(shown_to(STRANGER))
    for amount in ("4.00 NET8", "0.30 NET8", "0.05 NET8", "1.00 NET8"):
        assert amount in told


def test_pool__more_than_the_wallet_has__one_sentence(chain) -> None:
    shown = shown_to(GRID_OPERATOR)
    shown.text_input(key="pool_fund").set_value("1.5").run()
    (told,) = said(shown)
    assert "1.00 NET8" in told


def test_pool__more_announced_than_it_holds__one_sentence(chain) -> None:
    shown = step(GRID_OPERATOR, "announce")
    shown.text_input(key="pool_announce").set_value("4.1").run()
    assert said(shown) == ["The pool holds 4.00 NET8. Announce at most that."]


@pytest.mark.parametrize(("name", "request_", "sentence"), [
    ("withdraw", PoolRequest(0, 0), "none"),
    ("withdraw", PoolRequest(10_000_000, NOW + 60), "1.00 NET8, from"),
    ("fees", PoolRequest(0, 0), "Grid fees to collect: 0.30 NET8"),
])  # fmt: skip
def test_pool__step__says_what_there_is(chain, name: str, request_: PoolRequest, sentence: str) -> None:
    chain.answers["GridRegistry.pool_requests"] = request_
    assert sentence in texts(step(GRID_OPERATOR, name))


def test_pool__withdrawal_refused__said_before_signing(chain) -> None:
    chain.answers["GridRegistry.pool_requests"] = PoolRequest(10_000_000, NOW - 60)
    chain.refused["GridRegistry.withdraw_pool"] = "pool: announced too long ago"
    (told,) = said(step(GRID_OPERATOR, "withdraw"))
    assert "announce" in told.lower()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a" * 33, "The location has 33 characters. Write at most 32."),
        ('10YGB"', "A location has Latin letters"),
        ("لندن", "A location has Latin letters"),
    ],
)
def test_certify__location_that_no_certificate_can_carry__one_sentence(chain, text: str, sentence: str) -> None:
    shown = shown_to(REGISTRAR)
    site = shown.selectbox(key="certify_site_1").value
    shown.text_input(key=f"certify_location_{site}").set_value(text).run()
    (told,) = said(shown)
    assert told.startswith(sentence)


def test_certify__admitted_site__can_be_dismissed_alone(chain, tape) -> None:
    site = shown_to(REGISTRAR).selectbox(key="certify_site_1").value
    tape(events.SiteAdmitted(site, 3, "10YGB"))
    shown = shown_to(REGISTRAR)
    assert "A dismissed site mints no more." in texts(shown)
    assert not [field for field in shown.text_input if field.key == f"certify_location_{site}"]


def test_zone__operator_that_is_no_address__one_sentence(chain) -> None:
    shown = shown_to(CONTRACT_OWNER)
    shown.text_input(key="zone_operator").set_value("0x12").run()
    (told,) = said(shown)
    assert "0x" in told


def test_zone__refused__said_before_signing(chain) -> None:
    chain.refused["GridRegistry.create_zone"] = "zone: operator missing"
    shown = shown_to(CONTRACT_OWNER)
    shown.text_input(key="zone_operator").set_value(STRANGER).run()
    assert len(said(shown)) == 1


# --- consent to a site ----------------------------------------------------------------------------------------------

CONSENT = SiteConsent(1, STRANGER, 1, 12_000, GUARDIAN, 0, NOW + 86_400)
SIGNED = Signed(CONSENT, b"\x01" * 65)


def test_consent__handed_over__is_what_was_signed() -> None:
    assert Signed.of_text(SIGNED.text()) == SIGNED


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"zone": 2}, "This consent is for zone 2, not for zone 1. Ask the owner to sign for this zone."),
        ({"nonce": 1}, "This consent was used already, or the owner has signed a newer one since. Ask for a new one."),
        ({"deadline": NOW - 1}, "This consent ended"),
    ],
)
def test_admit_site__consent_of_no_use__one_sentence(chain, change: dict[str, object], sentence: str) -> None:
    shown = shown_to(GRID_OPERATOR)
    shown.text_area(key="site_consent").set_value(json.dumps(json.loads(SIGNED.text()) | change)).run()
    (told,) = said(shown)
    assert told.startswith(sentence)


@pytest.mark.parametrize(
    "change",
    [{"owner": "0x12"}, {"technology": 7}, {"signature": "0x"}, {"nameplate": True}, {"deadline": -1}, {"nonce": None}],
)
def test_consent__part_missing_or_wrong__named(english, change: dict[str, object]) -> None:
    (name,) = change
    with pytest.raises(Unusable, match=f"The part “{name}” of this consent is missing or wrong"):
        Signed.of_text(json.dumps(json.loads(SIGNED.text()) | change))


def test_admit_site__good_consent__shows_what_will_be_registered(chain) -> None:
    shown = shown_to(GRID_OPERATOR)
    shown.text_area(key="site_consent").set_value(SIGNED.text()).run()
    assert said(shown) == []
    assert "<dd>12 kW</dd>" in html(shown)


@pytest.mark.parametrize("text", ["", "[]", "12", "{", "hello", 2_000 * "["], ids=range(6))
def test_consent__other_text__refused(english, text: str) -> None:
    with pytest.raises(Unusable, match=r"This is no consent\."):
        Signed.of_text(text)
