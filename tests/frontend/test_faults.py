"""What stands in the place of a part that could not be drawn. That it comes back by itself, the browser tests show."""

import pytest

from tests.frontend.pages import seen, texts

SAY = """
from net8.errors import ChainFault, ChainUnreachable, refusal
from net8_web.serve.faults import say_fault
assert say_fault({fault})
"""


@pytest.fixture(autouse=True)
def chain_that_stays_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("net8_web.serve.faults.feed", _Away)


class _Away:
    def state(self) -> tuple[None, str]:
        return None, "problem"


@pytest.mark.parametrize("fault", ["ChainUnreachable('no answer')", "ChainFault('the node answered: busy')"])
def test_say_fault__of_the_chain__tried_again(fault: str) -> None:
    shown = seen(SAY.format(fault=fault)).run()
    assert not shown.exception
    assert "It is tried again by itself." in texts(shown)
    assert not shown.error


@pytest.mark.parametrize("fault", ["KeyError('price')", "refusal('order: closed', 'place')"])
def test_say_fault__any_other__way_out_and_nothing_of_the_inside(fault: str) -> None:
    shown = seen(SAY.format(fault=fault)).run()
    assert not shown.exception
    assert [error.value for error in shown.error] == [
        "This part of the page could not be drawn. Reload the page; if it comes again, tell whoever runs this app."
    ]
    assert "tried again" not in texts(shown)
