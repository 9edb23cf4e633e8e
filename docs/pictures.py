"""Make the README's pictures from a running street: `make demo` in one terminal, `python -m docs.pictures` in another.

Joins the street with the app's own practice wallet, sells the bakery 5 kWh, mints and retires what the roof made, and
photographs the pages on the way. With `--every FOLDER` all pages follow, in both languages, on a desk and on a phone.
"""

import argparse
from pathlib import Path

from playwright.sync_api import Browser, Page

from docs.every_page import every_page
from scripts.chromium import chromium

PICTURES = Path(__file__).parent / "pictures"
PATIENCE_MS = 120_000
SLOTS_AHEAD = 3
GROWING_MS = 1_500  # charts into place


def join(page: Page) -> None:
    """Become a neighbour: connect the practice wallet and agree to be registered."""
    page.locator("[data-role=connect]").click()
    page.get_by_role("button", name="Practice wallet").click()
    page.locator("button[data-panel=panel_join]").click()
    page.get_by_text("Your day").first.wait_for()


def sell(page: Page, folder: Path) -> None:
    """Sell 5 kWh at the price of the deepest bid, the bakery's."""
    page.get_by_role("link", name="Trade").first.click()
    page.locator(".level.bid").first.wait_for()
    slot = page.locator("button[data-slot]").nth(SLOTS_AHEAD).get_attribute("data-slot")  # time enough before its gate
    page.locator(f"[data-slot='{slot}']").click()
    page.locator(f"[data-slot='{slot}'][aria-pressed=true]").wait_for()
    page.locator(".level.bid").first.wait_for()
    page.locator(".level.bid[style*='--share: 1;']").first.click()
    page.get_by_label("Energy (kWh)", exact=True).fill("5")
    page.get_by_label("Energy (kWh)", exact=True).press("Tab")
    page.get_by_text("matches at once").first.wait_for()
    page.screenshot(path=folder / "trade.png")
    page.locator("button[data-panel=panel_ticket]:enabled").click()
    page.get_by_text("Your order is in.").first.wait_for()


def certify(page: Page) -> str:
    """Mint what the roof made, and retire some of it for the bakery: the certificate's number."""
    page.get_by_role("link", name="Certificates").first.click()
    page.locator("button[data-panel=panel_mint]:enabled", has_text="kWh").click()
    page.get_by_text("Minted.").first.wait_for()
    for label, text in (("Energy (kWh)", "0.1"), ("For whom", "The bakery"), ("What for", "Bread")):
        page.get_by_label(label, exact=True).fill(text)
        page.get_by_label(label, exact=True).press("Tab")
    page.locator("button[data-panel=panel_retire]:enabled", has_text="kWh").click()
    page.get_by_text("Retired.").first.wait_for()
    link = page.get_by_role("region", name="What you retired").get_by_role("link").first
    return str(link.get_attribute("href")).partition("id=")[2]


def photograph(browser: Browser, address: str, folder: Path) -> tuple[Page, str]:
    """The README's pictures, in the order in which a newcomer sees the pages; the sale is paid when it returns.

    Returns:
        The newcomer's page, and the number of his certificate.
    """
    context = browser.new_context(viewport={"width": 1280, "height": 860}, device_scale_factor=1, locale="en")
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(address)
    join(page)
    sell(page, folder)
    page.get_by_role("link", name="Portfolio").first.click()
    page.locator("tr", has_text="sold ").filter(has_text="metered").first.wait_for()
    page.screenshot(path=folder / "portfolio.png")
    certificate = certify(page)
    page.get_by_role("link", name="Community").first.click()
    page.locator("canvas").nth(1).wait_for()
    page.wait_for_timeout(GROWING_MS)
    page.screenshot(path=folder / "community.png")
    page.goto(f"{address}/certificate?id={certificate}")
    page.get_by_role("cell", name="The bakery").wait_for()
    page.locator("[data-role=disconnect]").wait_for()  # a wallet that is told of after a click would undo it
    page.screenshot(path=folder / "certificate.png")
    page.get_by_role("link", name="Street").first.click()
    page.get_by_text("Latest payments").first.wait_for()
    page.get_by_text("Saved today").first.wait_for()
    page.screenshot(path=folder / "street.png")
    page.get_by_role("button", name="العربية").click()
    page.locator("html[dir=rtl]").wait_for(state="attached")
    page.set_viewport_size({"width": 390, "height": 860})
    page.get_by_text("يومك").first.wait_for()
    page.screenshot(path=folder / "street-ar-phone.png")
    return page, certificate


def main() -> None:
    """Read the app's address and make the pictures."""
    parser = argparse.ArgumentParser(description="Make the README's pictures from a running street.")
    parser.add_argument("address", nargs="?", default="http://127.0.0.1:8501", help="of the app")
    parser.add_argument("--every", type=Path, metavar="FOLDER", help="photograph all pages, too, into this folder")
    given = parser.parse_args()
    PICTURES.mkdir(exist_ok=True)
    with chromium() as browser:
        page, certificate = photograph(browser, given.address, PICTURES)
        if given.every is not None:
            given.every.mkdir(parents=True, exist_ok=True)
            every_page(page, given.address, certificate, given.every)


if __name__ == "__main__":
    main()
