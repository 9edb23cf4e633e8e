"""What people do beside the plain sale: on a phone, in Arabic, in two tabs, with a wallet that changes its mind."""

import csv
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from eth_account import Account
from eth_account.signers.local import LocalAccount
from net8.signing import checksum_address
from playwright.sync_api import WebSocketRoute
from streamlit.proto.BackMsg_pb2 import BackMsg

from tests.browser.conftest import Visitor
from tests.browser.small_street import SmallStreet
from tests.indexer.processes import Process

pytestmark = pytest.mark.browser


# --- orders ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("language", "width"), [("en", 390), ("ar", 1280)])
def test_sale__on_a_phone_and_in_arabic__from_the_bid_to_the_trade(
    visit, street: SmallStreet, neighbour, language: str, width: int
) -> None:
    seller, site = neighbour(deposited=20)
    slot = street.slot + 4
    street.place(street.bakery_owner, street.bakery, slot, sell=False, price=1100, wh=2000)
    visitor = visit(seller, width=width, language=language)
    words = visitor.words
    visitor.open("trade")
    visitor.connect()
    visitor.page.locator("[data-role=switch]").click()
    visitor.page.get_by_text(words["problem.wrong_network"].split(".")[0]).wait_for(state="detached")
    visitor.page.locator(f"[data-slot='{slot}']").click()
    visitor.page.locator(f"[data-slot='{slot}'][aria-pressed=true]").wait_for()
    visitor.page.locator(".level.bid[data-price='1100']").click()
    visitor.fill(words["trade.quantity"], "2")
    label = words["trade.place_sell"].split("{")[0]
    visitor.sign("ticket", label)
    visitor.sees(words["trade.done"])
    assert street.chain.read(street.net8.lens.position(site, slot)).net_wh == 2000
    assert visitor.page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= width


def test_order__cancelled_and_placed_at_another_price__only_the_new_one_waits(
    visit, street: SmallStreet, neighbour
) -> None:
    seller, site = neighbour(deposited=20)
    slot = street.slot + 7
    street.place(seller, site, slot, sell=True, price=1500, wh=1000)
    visitor = visit(seller)
    visitor.open("trade")
    visitor.connect()
    visitor.page.locator("button[data-panel^=panel_cancel_]").click()
    visitor.sees("No order of yours is waiting")
    visitor.page.locator(f"[data-slot='{slot}']").click()
    visitor.page.locator(f"[data-slot='{slot}'][aria-pressed=true]").wait_for()
    visitor.fill("Price", "0.14")
    visitor.fill("Energy (kWh)", "1")
    visitor.sign("ticket", "Sell 1.00 kWh at 0.1400 NET8/kWh")
    visitor.sees("Your order is in.")
    assert [(order.price, order.wh) for order in street.chain.read(street.net8.lens.orders_of(site, slot))] == [
        (1400, 1000)
    ]


# --- the wallet -----------------------------------------------------------------------------------------------------


def test_network__wrong_one__said_until_the_wallet_agrees_to_switch(visit, neighbour) -> None:
    seller, _ = neighbour(deposited=1)
    visitor = visit(seller)
    visitor.open("portfolio")
    visitor.connect()
    visitor.wallet("rejectNext = true")
    visitor.page.locator("[data-role=switch]").click()
    visitor.sees("You declined in your wallet. Nothing was sent.")
    visitor.page.locator("[data-role=switch]").click()
    visitor.page.locator("[data-role=switch]").wait_for(state="detached")
    visitor.page.get_by_text("Your wallet is on another network").wait_for(state="detached")


def test_two_tabs__sent_in_one__seen_in_the_other(visit, street: SmallStreet, neighbour) -> None:
    seller, _ = neighbour(deposited=10)
    first = visit(seller)
    first.open("portfolio")
    first.connect()
    second = first.another_tab()
    second.open("portfolio")
    second.sees("10.00 NET8")
    first.fill("NET8 to withdraw", "4")
    with street.without_blocks():
        first.sign("withdraw", "Withdraw 4.00 NET8")
        second.sees("waiting for a block")
        street.chain.request("evm_mine", [])
        second.sees("6.00 NET8")
        second.page.locator("li[data-status=confirmed]").wait_for(state="attached")


def test_navigation__wallet_tells_something_before_the_server_answers__page_that_was_asked_for_comes(
    visit, neighbour, started_app
) -> None:
    _, app = started_app
    seller, _ = neighbour(deposited=12)
    visitor = visit(Account.create(), seller)
    visitor.open("portfolio")
    visitor.connect()
    visitor.sees(visitor.words["problem.no_site"])
    app.send_signal(signal.SIGSTOP)
    try:
        visitor.go("Reserve")
        visitor.wallet("setAccount(1)")
        visitor.page.wait_for_timeout(500)
    finally:
        app.send_signal(signal.SIGCONT)
    visitor.page.wait_for_url("**/reserve")
    visitor.page.wait_for_timeout(2_500)  # longer than what the wallet told may wait
    assert visitor.page.url.endswith("/reserve")
    visitor.go("Portfolio")
    visitor.sees("12.00 NET8")


def is_of_a_timer(told: bytes) -> bool:
    """Whether a browser tells the server this by itself, for a fragment that is drawn again and again."""
    return bool(BackMsg.FromString(told).rerun_script.is_auto_rerun)


@pytest.mark.parametrize("moment", ["before the page is begun", "while it is drawn"])
def test_navigation__timers_of_the_page_before_tell_late__page_that_was_asked_for_comes_and_stays(
    visit, moment: str
) -> None:
    """Streamlit's timers go on until the next page has come, each time with the page of before."""
    visitor = visit()
    held: list[bytes] = []
    holding = True
    late: Callable[[bytes], None] = held.append

    def relay(route: WebSocketRoute) -> None:
        nonlocal late
        server = route.connect_to_server()
        late = server.send
        route.on_message(lambda told: held.append(told) if holding and is_of_a_timer(told) else server.send(told))

    visitor.page.route_web_socket("**/_stcore/stream", relay)
    visitor.open("reserve")
    visitor.sees(visitor.words["reserve.price_rule"])
    visitor.page.wait_for_timeout(4_000)  # longer than any timer
    holding = False
    assert held
    visitor.go("Oracles")
    if moment == "while it is drawn":
        visitor.page.wait_for_url("**/oracles")
    for message in held:
        late(message)
    visitor.page.wait_for_url("**/oracles")
    visitor.page.wait_for_timeout(2_000)
    assert visitor.page.url.endswith("/oracles")
    visitor.sees(visitor.words["oracles.signing"], timeout=5_000)
    visitor.sees(visitor.words["oracles.nodes"], timeout=5_000)


@pytest.mark.parametrize("same", [True, False], ids=["sped-up", "cancelled"])
def test_wallet__transaction_replaced__page_says_what_came_of_it(
    visit, street: SmallStreet, neighbour, same: bool
) -> None:
    seller, site = neighbour(deposited=10)
    visitor = visit(seller)
    visitor.open("portfolio")
    visitor.connect()
    visitor.fill("NET8 to withdraw", "3")
    with street.without_blocks():
        visitor.sign("withdraw", "Withdraw 3.00 NET8")
        visitor.sees("Sent. Waiting for a block")
        visitor.page.wait_for_timeout(1_000)  # the page has seen the first transaction wait, as people would have
        _replace(street, seller, visitor, same)
        street.chain.request("evm_mine", [])
        if same:
            visitor.sees("Withdrawn. It is in your wallet.")
        else:
            visitor.sees("You cancelled or replaced it in your wallet.")
    assert street.chain.read(street.net8.exchange.free_balance(site)) == (7 if same else 10) * 10**7


def _replace(street: SmallStreet, sender: LocalAccount, visitor: Visitor, same: bool) -> None:
    """What a wallet sends when its user speeds the waiting transaction up or cancels it."""
    waiting = visitor.page.locator(".panel [data-hash]").get_attribute("data-hash")
    sent = street.chain.request("eth_getTransactionByHash", [waiting])
    content = (
        {"to": checksum_address(sent["to"]), "data": sent["input"]} if same else {"to": sender.address, "data": "0x"}
    )
    fees = {name: 2 * int(sent[name], 16) + 10**9 for name in ("maxFeePerGas", "maxPriorityFeePerGas")}
    numbers = {name: int(sent[name], 16) for name in ("nonce", "gas")}
    signed = sender.sign_transaction({**content, **fees, **numbers, "value": 0, "chainId": 31337, "type": 2})
    street.chain.request("eth_sendRawTransaction", ["0x" + bytes(signed.raw_transaction).hex()])


def test_stranger__no_site_of_his_own__sees_nobody_else_s_and_may_not_sell(visit, neighbour) -> None:
    owner, _ = neighbour(deposited=33)
    visitor = visit(owner, Account.create())
    visitor.open("portfolio")
    visitor.connect()
    visitor.sees("33.00 NET8")
    visitor.wallet("setAccount(1)")
    visitor.sees("No meter belongs to this wallet")
    visitor.page.get_by_text("33.00 NET8").wait_for(state="detached")
    visitor.go("Trade")
    visitor.fill("Price", "0.1")
    visitor.fill("Energy (kWh)", "5")
    visitor.sees("Held until settlement")
    assert visitor.page.locator("button[data-panel=panel_ticket]").is_disabled()


# --- records --------------------------------------------------------------------------------------------------------


def test_export__settlements_of_a_week__file_with_what_was_paid(
    visit, street: SmallStreet, indexer: Process, neighbour, tmp_path: Path
) -> None:
    seller, site = neighbour(deposited=20)
    slot = street.slot + 2
    street.place(street.bakery_owner, street.bakery, slot, sell=False, price=900, wh=1000)
    street.place(seller, site, slot, sell=True, price=900, wh=1000)
    street.settle(slot, {site: (1000, 0), street.bakery: (0, 1000)})
    indexer.wait_at_head()
    visitor = visit(seller)
    visitor.open("portfolio")
    visitor.connect()
    visitor.page.get_by_role("radio", name="Settlements").click()
    visitor.page.get_by_role("button", name="Make the file").click()
    with visitor.page.expect_download() as download:
        visitor.page.get_by_role("button", name="Save net8-settlements.csv").click()
    download.value.save_as(tmp_path / "file.csv")
    with (tmp_path / "file.csv").open(encoding="utf-8-sig") as file:
        (row,) = csv.DictReader(file)
    assert "900000" in row.values(), row
    assert "1000" in row.values(), row


def test_dispute__opened__seen_by_everybody(visit, street: SmallStreet, indexer: Process, neighbour) -> None:
    owner, site = neighbour()
    slot = street.slot + 1
    signed = street.settle(slot, {site: (400, 0)})
    street.dispute(owner, signed, slot, truth_wh=1000)
    indexer.wait_at_head()
    visitor = visit()
    visitor.open("oracles")
    table = visitor.page.get_by_role("region", name="Disputes")
    row = table.get_by_role("row").filter(has_text=f"{site & 0xFFFF} in zone 1")
    for text in ("1.00 kWh exported, 0.00 kWh imported", "1, 2, 3", "5 % of the stake", "votes are open"):
        row.get_by_role("cell", name=text).wait_for()
    assert row.get_by_role("cell", name="never settled").count() == 0
    street.dispute(owner, street.sign(slot, {site: (400, 7)}, (3,)), slot, truth_wh=1000)
    indexer.wait_at_head()
    visitor.open("oracles")
    row.get_by_role("cell", name="votes are open; the report that they signed never settled").wait_for()


def test_indexer__stopped_and_started__community_page_says_so_and_recovers(
    visit, street: SmallStreet, indexer: Process
) -> None:
    visitor = visit()
    visitor.open("community")
    visitor.page.get_by_role("heading", name="Who supplies whom").wait_for()
    assert visitor.page.get_by_text("the indexer does not answer").count() == 0
    indexer.stop()
    try:
        visitor.page.wait_for_timeout(5_500)  # as long as an answer is kept for all sessions
        visitor.page.get_by_role("button", name="Look again").click()
        visitor.sees("This page shows what the chain itself tells, because the indexer does not answer")
    finally:
        indexer.start()
    indexer.wait_at_head()
    visitor.page.wait_for_timeout(5_500)
    visitor.page.get_by_role("button", name="Look again").click()
    visitor.page.get_by_text("the indexer does not answer").wait_for(state="detached")


# --- the grid operator ----------------------------------------------------------------------------------------------


def test_operate__consent_signed_by_the_owner_and_pasted__site_is_admitted(visit, street: SmallStreet) -> None:
    owner, meter = Account.create(), Account.create().address
    before = street.chain.read(street.net8.grid.site_count(street.zone))
    wants = visit(owner)
    wants.open("operate")
    wants.connect()
    wants.fill("Most power it exports (kW; 0 if it only consumes)", "9.5")
    wants.fill("Address of the meter's key", meter)
    wants.sign("consent", "Sign the consent")
    wants.sees("Signed. Copy this and hand it to the grid operator.")
    text = wants.page.locator("[data-testid=stCode] code").inner_text()

    grants = visit(street.grid_operator)
    grants.open("operate")
    grants.connect()
    grants.fill("Owner's consent", text.replace(meter, owner.address))
    grants.page.get_by_text("The contract refuses").or_(grants.page.get_by_text("signature")).first.wait_for()
    assert grants.page.locator("button[data-panel=panel_admit_site]").is_disabled()
    grants.fill("Owner's consent", text)
    grants.sign("admit_site", "Admit the site of")
    grants.sees("The site is admitted.")
    assert street.chain.read(street.net8.grid.site_count(street.zone)) == before + 1
    grants.page.get_by_role("cell", name="9.5 kW").first.wait_for()
