"""Photographs of every page in both languages, on a desk and on a phone, to look for what is ugly or cut off."""

from pathlib import Path

from net8_web.i18n import LANGUAGES, table
from playwright.sync_api import Page

__all__ = ["every_page"]

WIDTHS = {"desk": 1280, "phone": 390}
TALLEST = 9_000  # pixels
START = "street"  # the page without a path
# Page -> what stands in its last part (key of the tables): when it shows, the page is drawn.
PAGES = {
    START: "home.latest_settled",
    "trade": "history.text",
    "portfolio": "export.make",
    "community": "community.neighbours",
    "certificates": "certificates.inventory",
    "certificate": "certificate.retirements",
    "reserve": "reserve.price_rule",
    "oracles": "oracles.latest",
    "operate": "consent.title",
}


def every_page(page: Page, address: str, certificate: str, folder: Path) -> None:
    """Photograph all pages in full height as the visitor sees them who is connected already.

    Args:
        page: of the browser; it keeps the last language and width.
        address: of the app.
        certificate: number of one that was issued.
        folder: gets files such as trade-ar-phone.png.
    """
    for language, name in LANGUAGES.items():
        button = page.get_by_role("button", name=name)
        if button.is_enabled():
            button.click()
        page.locator(f"html[lang={language}]").wait_for(state="attached")
        for device, width in WIDTHS.items():
            for path, last in PAGES.items():
                page.set_viewport_size({"width": width, "height": 900})
                query = f"?id={certificate}" if path == "certificate" else ""
                page.goto(f"{address}/{'' if path == START else path}{query}")
                _take(page, table(language)[last], width, folder / f"{path}-{language}-{device}.png")


def _take(page: Page, last: str, width: int, file: Path) -> None:
    page.locator("[data-role=disconnect]").wait_for()
    page.get_by_text(last).first.wait_for()
    _wait_drawn(page)
    tall = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
    page.set_viewport_size({"width": width, "height": min(max(tall, 900), TALLEST)})
    page.wait_for_timeout(1_500)  # charts grow into place
    _wait_drawn(page)  # a form that knows its visitor may have come meanwhile
    page.screenshot(path=file)


def _wait_drawn(page: Page) -> None:
    page.wait_for_function("!document.querySelector('[data-testid=stSkeleton], [data-stale=true]')")
