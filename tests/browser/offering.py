"""What tests of signed orders and of signed strips do alike."""

from urllib.parse import quote

from tests.browser.conftest import Visitor

__all__ = ["handed_on", "sees_only"]


def handed_on(visitor: Visitor) -> tuple[str, str]:
    """Link and file of the offer that a page hands on; its code is there too."""
    visitor.sees("Hand it on")
    visitor.page.get_by_role("img", name="QR code of this offer's link").wait_for()
    link = visitor.page.locator("[data-testid=stCode]").inner_text().strip()
    with visitor.page.expect_download() as saved:
        visitor.page.get_by_role("button", name="Save as a file").click()
    return link, saved.value.path().read_text()


def sees_only(visitor: Visitor, text: str, sentence: str) -> None:
    """Open a link with some text for an offer: one sentence, and nothing to press."""
    visitor.open(f"offer?o={quote(text)}")
    visitor.sees(sentence)
    assert visitor.page.locator("button.sign").count() == 0
    assert visitor.page.get_by_role("alert").count() == 1
