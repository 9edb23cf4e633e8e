"""Both languages say everything, with the same placeholders."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from net8_web.i18n import LANGUAGES, table

ROOT = Path(__file__).parents[2] / "frontend"


@pytest.mark.parametrize("language", sorted(set(LANGUAGES) - {"en"}))
def test_tables__other_language__same_keys_and_placeholders(language: str) -> None:
    english, other = table("en"), table(language)
    assert english.keys() == other.keys()
    for key, text in english.items():
        assert sorted(re.findall(r"{(\w+)}", text)) == sorted(re.findall(r"{(\w+)}", other[key])), key


def test_tables__keys_named_in_code__are_there() -> None:
    named = set()
    for path in (ROOT / "src" / "net8_web").rglob("*.py"):
        named |= set(re.findall(r"""\bt\(\s*"([a-z_0-9.]+)"[,)]""", path.read_text(encoding="utf-8")))
    assert named
    assert named <= table("en").keys()


def test_bundle__committed__is_what_the_sources_give() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "wallet" / "build.py", "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
