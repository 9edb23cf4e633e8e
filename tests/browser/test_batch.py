"""One order for many quarter hours, and all of them taken back, from a phone and from a desk."""

import pytest

from tests.browser.small_street import SmallStreet

pytestmark = pytest.mark.browser

# Opens a box; by how many pixels at most something in it lay outside of it while it was opened and drawn.
OPEN = """async (box) => {
    const [title, content] = box.children;
    title.click();
    let most = 0;
    for (const end = performance.now() + 2000; performance.now() < end;) {
        await new Promise(requestAnimationFrame);
        most = Math.max(most, content.getBoundingClientRect().bottom - box.getBoundingClientRect().bottom);
    }
    return most;
}"""


def choose_mode(visitor, name: str) -> None:
    """Press one of the buttons over the order form."""
    visitor.page.get_by_role("radio", name=name).click()


def test_many__on_a_phone__placed_in_one_transaction_and_cancelled_in_another(
    visit, street: SmallStreet, neighbour
) -> None:
    seller, site = neighbour(net8=150, deposited=100)
    visitor = visit(seller, width=390)
    visitor.open("trade")
    visitor.connect()
    choose_mode(visitor, "Many at once")
    visitor.fill("Price", "0.1")
    visitor.fill("Energy (kWh)", "1")
    visitor.sees("One transaction places all of them or none.")
    before = street.transactions(seller.address)
    width = visitor.page.evaluate("document.documentElement.scrollWidth")
    assert width <= 390, f"the page is {width} px wide"
    last = visitor.page.get_by_role("combobox", name="Last quarter hour")
    shown = visitor.page.locator("dt", has_text="Last quarter hour").locator("+ dd")
    assert last.input_value() == shown.inner_text() != ""
    button = visitor.page.locator("button[data-panel=panel_batch]")
    button.get_by_text("orders").wait_for()
    label = button.inner_text()
    button.click()
    visitor.sees("Your orders are in.")
    orders = [
        order for slot in range(street.slot, street.slot + 98)
        for order in street.chain.read(street.net8.lens.orders_of(site, slot))
    ]  # fmt: skip
    assert label == f"Sell {len(orders)}.00 kWh in {len(orders)} orders"
    assert len(orders) >= 90
    assert {(order.price, order.wh) for order in orders} == {(1000, 1000)}
    assert street.transactions(seller.address) == before + 1

    more = 100 - len(orders)  # one transaction cancels 96
    for ahead in range(more):
        street.place(seller, site, street.slot + 10 + ahead, sell=True, price=1500, wh=1000)
    visitor.page.get_by_text("Cancel all of my orders in a range").click()
    visitor.sees("One transaction reaches 96 of these 100 orders.")
    visitor.sign("clear", "Cancel 96 orders")
    visitor.sign("clear", "Cancel 4 orders")
    visitor.sees("No order of yours is waiting")
    assert street.chain.read(street.net8.exchange.free_balance(site)) == 100 * 10**7


def test_many__more_than_the_balance__said_and_no_button(visit, neighbour) -> None:
    seller, _ = neighbour(deposited=1)
    visitor = visit(seller)
    visitor.open("trade")
    visitor.connect()
    choose_mode(visitor, "Many at once")
    visitor.fill("Price", "0.1")
    visitor.fill("Energy (kWh)", "1")
    visitor.sees("only 1.00 NET8 are free")
    assert visitor.page.locator("button[data-panel=panel_batch]").is_disabled()


def test_box__opened__nothing_in_it_is_ever_cut_off(visit, street: SmallStreet, neighbour) -> None:
    seller, site = neighbour(deposited=20)
    for ahead in range(2):
        street.place(seller, site, street.slot + 5 + ahead, sell=True, price=1500, wh=1000)
    visitor = visit(seller)
    visitor.open("trade")
    visitor.connect()
    box = visitor.page.locator("details", has_text="Cancel all of my orders in a range")
    cut_off = box.evaluate(OPEN)
    visitor.page.locator("button[data-panel=panel_clear]", has_text="Cancel 2 orders").wait_for()
    assert cut_off <= 1
