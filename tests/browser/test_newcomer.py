"""What a newcomer does first, on the street that `make demo` runs: join, sell the bakery 5 kWh, be paid."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from net8 import deployment
from net8.client import Chain
from net8.contracts import Contracts
from net8.units import slot_of
from net8_web.i18n import table
from playwright.sync_api import Browser

from docs.pictures import photograph
from tests.ports import free_port

ROOT = Path(__file__).parents[2]
UP_WITHIN = 300.0  # seconds: contracts may have to be compiled
LOOK_BACK = 40  # slots


def _answers(address: str) -> bool:
    try:
        return requests.get(address, timeout=5).ok
    except requests.ConnectionError:
        return False


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The street with its app, as `make demo` starts it: the app's address and the run's folder."""
    tmp_path, port = tmp_path_factory.mktemp("street"), free_port()
    folder = tmp_path / "street"
    address = f"http://127.0.0.1:{port}"
    with (tmp_path / "street.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "scripts.street", "--slot-seconds", "8", "--run-folder", folder,
             "--chain-port", "0", "--street-port", "0", "--indexer-port", "0", "--app-port", str(port)],
            cwd=ROOT, stdout=log, stderr=log,
        )  # fmt: skip
        deadline = time.monotonic() + UP_WITHIN
        while not _answers(address):
            assert process.poll() is None, (tmp_path / "street.log").read_text()
            assert time.monotonic() < deadline, f"the app is not up after {UP_WITHIN:.0f} s"
            time.sleep(0.2)
        yield address, folder
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 130, (tmp_path / "street.log").read_text()


@pytest.mark.timeout(900)
def test_newcomer__joins_and_sells_5_kwh_to_the_bakery__is_paid_when_the_meters_agree(
    street: tuple[str, Path], browser: Browser, tmp_path: Path
) -> None:
    address, folder = street
    photograph(browser, address, tmp_path)
    assert {picture.name for picture in tmp_path.glob("*.png")} == {
        "trade.png", "portfolio.png", "community.png", "certificate.png", "street.png", "street-ar-phone.png",
    }  # fmt: skip
    sold = _exports(folder)
    assert max(sold) >= 5_000, f"the newcomer's settled exports are {sold} Wh"


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("language", "width", "direction"), [("en", 1280, "ltr"), ("ar", 390, "rtl")])
def test_community__both_languages__pictures_and_tables_from_the_indexer(
    street: tuple[str, Path], browser: Browser, language: str, width: int, direction: str
) -> None:
    address, _ = street
    words = table(language)
    context = browser.new_context(viewport={"width": width, "height": 900}, locale=language, reduced_motion="reduce")
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.goto(f"{address}/community")
    page.get_by_role("heading", name=words["community.suppliers"]).wait_for()
    page.locator("canvas").nth(2).wait_for()
    assert page.get_by_role("alert").count() == 0, "the indexer is of no use"
    page.locator("summary").last.click()
    suppliers = page.get_by_role("region", name=words["community.suppliers"])
    suppliers.get_by_role("columnheader", name=words["col.delivered"]).wait_for()
    assert suppliers.get_by_role("row").count() > 1
    page.locator(f"html[dir={direction}]").wait_for(state="attached")
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= width
    context.close()


def _exports(folder: Path) -> list[int]:
    """Wh that the newest site exported in its latest metered slots, read from the chain."""
    note = json.loads((folder / "street.json").read_text())
    deployed = deployment.load(folder / "deployments" / "31337.json")
    chain, contracts = Chain(note["rpc_url"], 10), Contracts.of(deployed)
    site = note["zone"] << 16 | chain.read(contracts.grid.site_count(note["zone"]))
    now = slot_of(chain.block().timestamp)
    positions = [chain.read(contracts.lens.position(site, slot)) for slot in range(now - LOOK_BACK, now)]
    return [position.exported for position in positions if position.outcome == 1]
