"""Choices and texts while pages are redrawn under them: nothing that somebody types or presses is lost."""

import pytest

from tests.browser.small_street import SmallStreet

pytestmark = pytest.mark.browser
REDRAWN_MS = 5_000  # forms are redrawn every three seconds, live parts every one and a half

# Page -> labels of fields that somebody with a site, or the zone's operator, finds there.
FIELDS = {
    "trade": ["Price", "Energy (kWh)"],
    "portfolio": ["NET8 to deposit", "NET8 to withdraw"],
    "operate": ["Owner's consent", "Address of the meter's key"],
    "offer": ["Link or text of the file"],
}


def happen(street: SmallStreet, number: int) -> None:
    """Something new on the street: an order, a trade, a block."""
    slot = street.slot + 3 + number % 5
    street.place(street.bakery_owner, street.bakery, slot, sell=False, price=500 + 20 * number, wh=400)


@pytest.mark.parametrize("page", FIELDS)
def test_typed_and_not_left__page_is_redrawn__stays_as_typed(visit, street: SmallStreet, neighbour, page: str) -> None:
    owner, _ = neighbour(deposited=20)
    visitor = visit(street.grid_operator if page == "operate" else owner)
    visitor.open(page)
    visitor.connect()
    for number, label in enumerate(FIELDS[page]):
        field = visitor.page.get_by_label(label, exact=True)
        field.click()
        for character in "0.125":
            visitor.page.keyboard.type(character)
            happen(street, number)
            visitor.page.wait_for_timeout(REDRAWN_MS / 5)
        assert field.input_value() == "0.125"
        assert field.evaluate("field => field === document.activeElement")


def test_slot_pressed_and_held__strip_is_redrawn__chosen_when_let_go(visit, street: SmallStreet, neighbour) -> None:
    owner, _ = neighbour(deposited=20)
    visitor = visit(owner)
    visitor.open("trade")
    visitor.connect()
    cell = visitor.page.locator(f"[data-slot='{street.slot + 5}']")
    cell.hover()
    visitor.page.mouse.down()
    for number in range(3):
        happen(street, number)
        visitor.page.wait_for_timeout(REDRAWN_MS / 4)
    visitor.page.mouse.up()
    visitor.page.locator(f"[data-slot='{street.slot + 5}'][aria-pressed=true]").wait_for()


def test_slots_pressed_one_after_the_other__the_last_is_chosen(visit, street: SmallStreet, neighbour) -> None:
    owner, _ = neighbour(deposited=20)
    visitor = visit(owner)
    visitor.open("trade")
    visitor.connect()
    for ahead in (4, 6, 5, 8, 7, 9):
        happen(street, ahead)
        visitor.page.locator(f"[data-slot='{street.slot + ahead}']").click()
    visitor.page.locator(f"[data-slot='{street.slot + 9}'][aria-pressed=true]").wait_for()
    visitor.page.wait_for_timeout(REDRAWN_MS / 2)
    assert visitor.page.locator("[data-slot][aria-pressed=true]").get_attribute("data-slot") == str(street.slot + 9)
