"""The specification says all that the contracts say, and both documents name tests that exist."""

import json
import re
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
SPEC = ROOT / "docs" / "spec.md"
THREATS = ROOT / "docs" / "threat-model.md"
ABIS = ROOT / "sdk" / "src" / "net8" / "abis"


@pytest.fixture(scope="module")
def tables() -> ModuleType:
    spec = spec_from_file_location("spec_tables", ROOT / "docs" / "spec_tables.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_reference__written_again__is_what_the_specification_holds(tables):
    written = SPEC.read_text().partition(tables.BEGIN)[2].partition(tables.END)[0]
    assert written == tables.reference(), "run python docs/spec_tables.py"


def test_specification__every_external_function__mentioned(tables):
    text = SPEC.read_text()
    for contract in tables.DEPLOYABLE:
        abi = json.loads((ABIS / f"{contract}.json").read_text())
        entries = abi if isinstance(abi, list) else abi["abi"]
        names = [entry["name"] for entry in entries if entry["type"] == "function"]
        assert names, contract
        assert not [name for name in names if f"`{name}(" not in text], contract


def test_specification__every_refusal__mentioned(tables):
    text = SPEC.read_text()
    sources = [path for path in tables.CONTRACTS.rglob("*.vy") if path.parent.name != "local"]
    code = [tables.DOCSTRING.sub("", path.read_text()) for path in sources]
    reasons = {reason for text_of_code in code for reason in tables.REASON.findall(text_of_code)}
    assert len(reasons) > 150
    assert not [reason for reason in sorted(reasons) if f'"{reason}"' not in text]


@pytest.mark.parametrize("document", [SPEC, THREATS], ids=["spec", "threat-model"])
def test_document__tests_it_names__exist(document):
    named = set(re.findall(r"`(test_\w+__\w+)`", document.read_text()))
    assert len(named) > 20
    defined = {
        name for path in (ROOT / "tests").rglob("test_*.py") for name in re.findall(r"def (test_\w+)", path.read_text())
    }
    assert not named - defined
