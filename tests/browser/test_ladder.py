"""The ladder in a real browser: told its book as it changes, and right also where nothing is told."""

from collections.abc import Callable

import pytest
from playwright.sync_api import WebSocketRoute

from tests.browser.conftest import Visitor
from tests.browser.small_street import SmallStreet

pytestmark = pytest.mark.browser

LIVE = "**/live/book?*"


def on_the_ladder(visitor: Visitor, price: int) -> None:
    visitor.page.locator(f".ladder .level[data-price='{price}']").wait_for(timeout=60_000)


def trade(visit: Callable[..., Visitor], slot: int, live: Callable[[WebSocketRoute], None]) -> Visitor:
    """Look at a slot's book while `live` has the socket that tells it."""
    visitor: Visitor = visit()
    visitor.page.route_web_socket(LIVE, live)
    visitor.open("trade")
    visitor.page.locator(f"[data-slot='{slot}']").click()
    return visitor


def test_ladder__order_of_somebody_else__told_without_a_run_of_the_page(visit, street: SmallStreet, neighbour) -> None:
    seller, site = neighbour(deposited=20)
    slot, told = street.slot + 6, []

    def listen(socket: WebSocketRoute) -> None:
        behind = socket.connect_to_server()
        behind.on_message(lambda text: (told.append((socket.url, text)), socket.send(text)))

    visitor = trade(visit, slot, listen)
    street.place(seller, site, slot, sell=True, price=1520, wh=1000)
    on_the_ladder(visitor, 1520)
    assert any(f"slot={slot}" in url and '"price": 1520' in text for url, text in told)


def test_ladder__nothing_is_told__the_page_s_own_looks_go_on(visit, street: SmallStreet, neighbour) -> None:
    seller, site = neighbour(deposited=20)
    slot = street.slot + 7
    visitor = trade(visit, slot, lambda socket: socket.close())
    street.place(seller, site, slot, sell=True, price=1540, wh=1000)
    on_the_ladder(visitor, 1540)


def test_ladder__telling_ends_in_mid_session__told_again_by_itself(visit, street: SmallStreet, neighbour) -> None:
    seller, site = neighbour(deposited=20)
    slot, opened = street.slot + 8, []

    def end_the_first(socket: WebSocketRoute) -> None:
        opened.append(socket.url)
        if sum(f"slot={slot}" in url for url in opened) == 1:
            socket.close()
        else:
            socket.connect_to_server()

    visitor = trade(visit, slot, end_the_first)
    street.place(seller, site, slot, sell=True, price=1560, wh=1000)
    on_the_ladder(visitor, 1560)
    while sum(f"slot={slot}" in url for url in opened) < 2:
        visitor.page.wait_for_timeout(100)
    street.place(seller, site, slot, sell=True, price=1580, wh=1000)
    on_the_ladder(visitor, 1580)
