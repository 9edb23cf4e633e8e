"""Refusals: every reason the contracts can give has its exception and its sentence, and no sentence is left over."""

import re
from importlib.util import find_spec
from pathlib import Path

import pytest
from net8 import errors
from net8.errors import AREAS, OrderRefused, Refused, reasons, refusal

ROOT = Path(__file__).parents[2]
PLACEHOLDER = re.compile(r"{\w+}")
REASON = re.compile(r'"([a-z0-9_]+: [^"]+)"')
# What the token and ownership modules we build on refuse.
MODULES = ("tokens/erc20.vy", "auth/ownable.vy", "auth/ownable_2step.vy")


def code_of(source: Path) -> str:
    """Source without documentation and comments."""
    without_documentation = re.sub(r'"""(?s:.*?)"""', "", source.read_text())
    return re.sub(r"#.*", "", without_documentation)


def reasons_in(sources: list[Path]) -> set[str]:
    return {reason for source in sources for reason in REASON.findall(code_of(source))}


@pytest.fixture(scope="module")
def contract_reasons():
    found = reasons_in(sorted((ROOT / "contracts").rglob("*.vy")))
    assert len(found) > 100
    return found


@pytest.fixture(scope="module")
def module_reasons():
    snekmate = Path(find_spec("snekmate").submodule_search_locations[0])
    return reasons_in([snekmate / module for module in MODULES])


def test_reasons__every_reason_of_the_contracts__has_a_sentence(contract_reasons):
    assert contract_reasons - reasons().keys() == set()


def test_reasons__every_sentence__belongs_to_a_reason_of_some_contract(contract_reasons, module_reasons):
    assert reasons().keys() - contract_reasons - module_reasons == {"unknown"}


def test_areas__every_area_with_a_sentence__has_an_exception():
    assert {reason.partition(":")[0] for reason in reasons()} - {"unknown"} == set(AREAS)


def test_reasons__every_one__fits_a_vyper_reason_and_is_one_plain_sentence(contract_reasons):
    for reason in contract_reasons:
        assert len(reason) <= 32, reason
    for reason, sentence in reasons().items():
        assert sentence.endswith("."), reason
        assert ". " not in sentence, reason


def test_reasons__in_arabic__a_plain_sentence_for_each_with_the_same_placeholders():
    english, arabic = reasons(), reasons("ar")
    assert arabic.keys() == english.keys()
    for reason, sentence in arabic.items():
        assert sentence.endswith("."), reason
        assert ". " not in sentence, reason
        assert sorted(PLACEHOLDER.findall(sentence)) == sorted(PLACEHOLDER.findall(english[reason])), reason


def test_sentence__in_arabic__of_that_table_else_english(monkeypatch):
    refused = refusal("order: gate closed", "EnergyExchange.place")
    assert refused.sentence("ar") == reasons("ar")["order: gate closed"]
    monkeypatch.setitem(reasons("ar"), "order: gate closed", "")
    assert refused.sentence("ar") == refused.sentence()


def test_refusal__known_reason__typed_and_in_words():
    refused = refusal("order: gate closed", "EnergyExchange.place")
    assert isinstance(refused, OrderRefused)
    assert refused.reason == "order: gate closed"
    assert str(refused) == "EnergyExchange.place refused: Trading in this slot has ended; choose a later one."


@pytest.mark.parametrize(("reason", "shown"), [("odd: new", "odd: new"), ("", "-")])
def test_refusal__reason_without_a_sentence__says_so(reason, shown):
    refused = refusal(reason, "EnergyExchange.place")
    assert type(refused) is Refused
    assert f"no words for ({shown})" in str(refused)


def test_errors__all_names__exported():
    classes = {name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, Exception)}
    assert classes <= set(errors.__all__)
