"""The first look at a page: what is drawn stays where it is, and an address that people guess leads somewhere."""

import re
from collections.abc import Callable

import pytest

from tests.browser.conftest import Visitor

pytestmark = pytest.mark.browser

PLUGIN = re.compile(r"/(remark|rehype)-")  # of Streamlit: a text stays away until the one it needs has come
GOOD = 0.1  # of a cumulative layout shift, says web.dev/articles/cls
# Summed while the page is drawn: nobody has touched it yet, so no shift is excused.
WATCH = """
globalThis.__shift = 0;
new PerformanceObserver((list) => { for (const entry of list.getEntries()) globalThis.__shift += entry.value; })
  .observe({ type: "layout-shift", buffered: true });
"""
# The document as Streamlit has it.
WITHOUT_STYLE = "addEventListener('DOMContentLoaded', () => document.head.querySelector('style').remove());"
DRAWN = """() => document.querySelector(".net8")
  && !document.querySelector("[data-testid=stSkeleton], [data-stale=true]")"""


def shift_of(visitor: Visitor, page: str) -> float:
    """How much of a page moves, and how far, until it is drawn: a cumulative layout shift."""
    visitor.open(page)
    visitor.page.locator("[data-role=connect]").wait_for()
    visitor.page.wait_for_function(DRAWN)
    visitor.page.wait_for_timeout(1_000)
    shift: float = visitor.page.evaluate("globalThis.__shift")
    return shift


def test_pages__drawn_for_the_first_time__hardly_move(visit: Callable[..., Visitor]) -> None:
    visitor = visit()
    visitor.page.add_init_script(WATCH)
    for page in ("", "trade", "reserve", "operate"):
        assert shift_of(visitor, page) < GOOD, page
    visitor.page.add_init_script(WITHOUT_STYLE)
    assert shift_of(visitor, "operate") > GOOD


def test_texts__times_and_prices__need_nothing_more_from_the_server_to_be_drawn(
    visit: Callable[..., Visitor], neighbour
) -> None:
    owner, _ = neighbour(deposited=20)
    visitor = visit(owner)
    asked: list[str] = []
    visitor.page.on("request", lambda request: asked.append(request.url))
    visitor.open("trade")
    visitor.connect()
    for page in ("Trade", "Portfolio", "Community", "Certificates", "Reserve", "Oracles", "Operate", "Street"):
        visitor.go(page)
        visitor.page.wait_for_function(DRAWN)
    assert any("StreamlitMarkdown" in address for address in asked)
    assert [address for address in asked if PLUGIN.search(address)] == []


def test_address__name_of_the_first_page__shows_it(visit: Callable[..., Visitor]) -> None:
    visitor = visit()
    visitor.open("street")
    visitor.sees(visitor.words["home.street"])
    assert visitor.page.url == f"{visitor.app}/"
    assert visitor.page.title() == "NET8"


def test_part_that_never_comes__what_stands_below__shown_after_a_while(visit) -> None:
    visitor = visit()
    visitor.open("trade")
    field = visitor.page.get_by_label("Price", exact=True)
    field.wait_for()
    field.evaluate("""field => {
        let block = field;
        while (!block.parentElement.matches(".stMainBlockContainer")) block = block.parentElement;
        const part = document.createElement("div");
        part.innerHTML = '<i data-testid="stSkeleton"></i>';
        block.before(part);
    }""")
    field.wait_for(state="hidden")
    field.wait_for(state="visible")
