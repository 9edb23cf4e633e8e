"""Nothing to show yet, and a chain that goes away: the app says so, and goes on by itself."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.conftest import Visitor, start_app
from tests.browser.small_street import START, SmallStreet

pytestmark = pytest.mark.browser
LATER = 86_400  # seconds by which a chain that is started again is ahead: another day is another chain


@pytest.fixture(scope="module")
def young(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallStreet]:
    """Contracts without a zone."""
    made = SmallStreet(tmp_path_factory.mktemp("young"))
    made.begin()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def its_app(young: SmallStreet) -> Iterator[str]:
    """The app on it; its address."""
    address, process = start_app({"NET8_RPC_URL": young.url, "NET8_DEPLOYMENT": str(young.deployment_file)})
    yield address
    process.terminate()
    process.wait(timeout=10)


@pytest.fixture
def visitor(browser: Browser, its_app: str) -> Iterator[Visitor]:
    """Somebody without a wallet."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en", reduced_motion="reduce")
    page = context.new_page()
    page.set_default_timeout(60_000)
    yield Visitor(page, its_app)
    context.close()


def test_community__empty__every_page_says_how_to_go_on_and_the_street_shows_by_itself(
    visitor: Visitor, young: SmallStreet
) -> None:
    visitor.open("trade")
    for page in ("Trade", "Community", "Oracles", "Operate", "Street"):
        visitor.go(page)
        visitor.sees("No market zone yet")
    for page, text in (("Portfolio", "See your own numbers here"), ("Reserve", "NET8 in existence")):
        visitor.go(page)
        visitor.sees(text)
    assert visitor.page.get_by_test_id("stException").count() == 0
    visitor.go("Street")
    visitor.sees("No market zone yet")
    young.open_zone()
    visitor.sees("The street now")


def test_chain__stopped_and_begun_anew__app_says_so_and_shows_the_new_one(visitor: Visitor, young: SmallStreet) -> None:
    visitor.open()
    visitor.sees("21 Sep")
    young.stop()
    visitor.sees("The chain does not answer at the moment.")
    visitor.go("Reserve")  # asks what nobody has asked yet
    visitor.sees("This part could not be read from the chain. It is tried again by itself.")
    assert visitor.page.get_by_test_id("stException").count() == 0
    young.begin(START + LATER)
    visitor.sees("22 Sep")
    visitor.page.get_by_text("The chain does not answer at the moment.").wait_for(state="detached")
    visitor.sees("NET8 in existence")
    assert visitor.page.get_by_text("This part could not be read").count() == 0
    visitor.go("Street")
    visitor.sees("No market zone yet")
