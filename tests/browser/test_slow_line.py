"""Somebody whose line is slow, and who does not wait for what each click brings."""

from collections.abc import Iterator
from pathlib import Path
from subprocess import Popen

import pytest

from tests.browser.conftest import start_app
from tests.browser.small_street import SmallStreet

pytestmark = pytest.mark.browser

PROGRAM = [str(Path(__file__).with_name("slow_line.py"))]


@pytest.fixture(scope="module")
def started_app(street: SmallStreet) -> Iterator[tuple[str, Popen[bytes]]]:
    address, process = start_app({"NET8_RPC_URL": street.url, "NET8_DEPLOYMENT": str(street.deployment_file)}, PROGRAM)
    yield address, process
    process.terminate()
    process.wait(timeout=10)


def test_choices__made_before_the_answer_to_the_one_before_has_come__all_stay(
    visit, street: SmallStreet, neighbour
) -> None:
    owner, _ = neighbour(deposited=20)
    visitor = visit(owner)
    visitor.open("trade")
    visitor.connect()
    slot = visitor.page.locator(f"[data-slot='{street.slot + 3}']")
    slot.click()
    visitor.page.get_by_role("radio", name="By signature").click()
    visitor.page.get_by_role("radio", name="Many quarter hours").wait_for()
    visitor.fill("Price", "0.09")
    visitor.fill("Energy (kWh)", "2")
    visitor.sees("Signing costs nothing and places nothing.")
    assert slot.get_attribute("aria-pressed") == "true"
