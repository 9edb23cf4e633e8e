"""What tests of signed orders and of signed strips share."""

import json
from collections.abc import Callable

import pytest
from net8.eip712 import desk_domain
from net8.letters import Fault, Letter, LetterRefused, StripLetter, read
from net8.signing import address_of, checksum_address

__all__ = ["DOMAIN", "KEY", "OTHER_KEY", "OWNER", "TAKER", "changer", "fault_of"]

DOMAIN = desk_domain(31337, checksum_address("0x" + "33" * 20))
KEY, OTHER_KEY = b"\x01" * 32, b"\x02" * 32
OWNER, TAKER = address_of(KEY), address_of(OTHER_KEY)


def fault_of(text: str) -> Fault:
    """What is wrong with a letter's text."""
    with pytest.raises(LetterRefused) as refused:
        read(text)
    return refused.value.fault


def changer(letter: Letter | StripLetter, terms: str) -> Callable[..., str]:
    """changed(name=value, ...): the letter's file with parts changed; one of its `terms` by the name alone."""

    def changed(**changes: object) -> str:
        content = json.loads(letter.json)
        for name, value in changes.items():
            (content[terms] if name in content[terms] else content)[name] = value
        return json.dumps(content)

    return changed
