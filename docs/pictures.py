"""Make the README's pictures from a running street: `make demo` in one terminal, `python docs/pictures.py` in another.

Joins the street with the app's own practice wallet, sells the bakery 5 kWh, and photographs the pages on the way.
"""

import argparse
import shutil
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

PICTURES = Path(__file__).parent / "pictures"
OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
PATIENCE_MS = 120_000
SLOTS_AHEAD = 3


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


def photograph(browser: Browser, address: str, folder: Path) -> None:
    """All pictures, in the order in which a newcomer sees the pages; the sale is paid when it returns."""
    context = browser.new_context(viewport={"width": 1280, "height": 860}, device_scale_factor=1, locale="en")
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(address)
    join(page)
    sell(page, folder)
    page.get_by_role("link", name="Portfolio").first.click()
    page.locator("tr", has_text="sold ").filter(has_text="metered").first.wait_for()
    page.screenshot(path=folder / "portfolio.png")
    page.get_by_role("link", name="Street").first.click()
    page.get_by_text("Latest payments").first.wait_for()
    page.screenshot(path=folder / "street.png")
    page.get_by_role("button", name="العربية").click()
    page.locator("html[dir=rtl]").wait_for(state="attached")
    page.set_viewport_size({"width": 390, "height": 860})
    page.get_by_text("يومك").first.wait_for()
    page.screenshot(path=folder / "street-ar-phone.png")


def main() -> None:
    """Read the app's address and make the pictures."""
    parser = argparse.ArgumentParser(description="Make the README's pictures from a running street.")
    parser.add_argument("address", nargs="?", default="http://127.0.0.1:8501", help="of the app")
    address = parser.parse_args().address
    PICTURES.mkdir(exist_ok=True)
    system = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=system, args=OPTIONS)
        photograph(browser, address, PICTURES)
        browser.close()


if __name__ == "__main__":
    main()
