"""What a neighbour does with the app, in a real browser: from the first visit to the payment."""

import pytest
from eth_account import Account
from net8.units import hour_of_slot, slot_end

from tests.browser.small_street import SmallStreet

pytestmark = pytest.mark.browser


def test_app__deposit_sell_deliver__payment_arrives(visit, street: SmallStreet, neighbour) -> None:
    seller, site = neighbour(net8=50)
    slot = street.slot + 2
    street.place(street.bakery_owner, street.bakery, slot, sell=False, price=900, wh=6000)
    visitor = visit(seller)
    visitor.open("portfolio")
    visitor.connect()
    visitor.sees("Switch to NET8 street")  # the wallet starts on another network; signing brings it over

    visitor.fill("NET8 to deposit", "30")
    visitor.sign("deposit", "Deposit 30.00 NET8")
    visitor.sees("Deposited. It is free for trading.")
    assert street.chain.read(street.net8.exchange.free_balance(site)) == 30 * 10**7

    visitor.go("Trade")
    visitor.page.locator(f"[data-slot='{slot}']").click()
    visitor.fill("Price", "0.09")
    visitor.fill("Energy (kWh)", "5")
    visitor.sees("5.00 kWh of it matches at once.")
    visitor.sign("ticket", "Sell 5.00 kWh at 0.0900 NET8/kWh")
    visitor.sees("Your order is in.")
    assert street.chain.read(street.net8.lens.position(site, slot)).net_wh == 5000

    visitor.go("Portfolio")
    visitor.sees("sold 5.00 kWh")
    street.settle(slot, {site: (5200, 0), street.bakery: (0, 5000)})
    visitor.sees("+0.4500 NET8")
    visitor.sees("5.20 kWh")
    assert street.chain.read(street.net8.exchange.free_balance(site)) == 30 * 10**7 + 5000 * 900


def test_app__order_cancelled__lock_is_free_again(visit, street: SmallStreet, neighbour) -> None:
    seller, site = neighbour(deposited=20)
    slot = street.slot + 5
    street.place(seller, site, slot, sell=True, price=1500, wh=1000)
    visitor = visit(seller)
    visitor.open("trade")
    visitor.connect()
    visitor.sees("Sell 1.00 kWh")
    visitor.page.locator("button[data-panel^=panel_cancel_]").click()
    visitor.sees("confirmed")
    visitor.sees("No order of yours is waiting")
    assert street.chain.read(street.net8.exchange.free_balance(site)) == 20 * 10**7


def test_app__more_than_the_balance_holds__said_before_signing(visit, neighbour) -> None:
    seller, _ = neighbour(deposited=1)
    visitor = visit(seller)
    visitor.open("trade")
    visitor.connect()
    visitor.fill("Price", "0.1")
    visitor.fill("Energy (kWh)", "100")
    visitor.sees("This order holds 50.00 NET8, but only 1.00 NET8 are free.")
    assert visitor.page.locator("button[data-panel=panel_ticket]").is_disabled()


@pytest.mark.parametrize(
    ("price", "energy", "sentence"),
    [
        ("cheap", "5", "“cheap” is not a number. Write one such as 0.1."),
        ("0,1", "5", "Write the number with a point, such as 0.1."),
        ("0.1", "-5", "“-5” is not a number. Write one such as 5."),
        ("0.1001", "5", "0.1001 is not a price of this market. Next to it are 0.1000 and 0.1020 NET8/kWh."),
        ("9", "5", "Prices here go from 0.0100 to 0.4560 NET8/kWh. Choose one between."),
        ("0.1", "0.01", "The smallest order here is 0.10 kWh."),
    ],
)
def test_ticket__bad_input__one_sentence_and_no_button(
    visit, neighbour, price: str, energy: str, sentence: str
) -> None:
    seller, _ = neighbour(deposited=10)
    visitor = visit(seller)
    visitor.open("trade")
    visitor.connect()
    visitor.fill("Price", price)
    visitor.fill("Energy (kWh)", energy)
    visitor.sees(sentence)
    assert visitor.page.locator("button[data-panel=panel_ticket]").is_disabled()


def test_wallet__declined__said_and_tried_again(visit, street: SmallStreet, neighbour) -> None:
    seller, site = neighbour(net8=10)
    visitor = visit(seller)
    visitor.open("portfolio")
    visitor.connect()
    visitor.fill("NET8 to deposit", "4")
    visitor.wallet("rejectNext = true")
    visitor.sign("deposit", "Deposit 4.00 NET8")
    visitor.sees("You declined in your wallet. Nothing was sent.")
    visitor.wallet("rejectNext = true")
    visitor.wallet("delay = 2000")
    visitor.sign("deposit", "Deposit 4.00 NET8")
    visitor.fill("NET8 to deposit", "5")
    visitor.sees("Deposit 4.00 NET8: You declined in your wallet. Nothing was sent.")
    assert street.chain.read(street.net8.exchange.free_balance(site)) == 0
    visitor.wallet("delay = 0")
    visitor.fill("NET8 to deposit", "4")
    visitor.sign("deposit", "Deposit 4.00 NET8")
    visitor.sees("Deposited. It is free for trading.")
    assert street.chain.read(street.net8.exchange.free_balance(site)) == 4 * 10**7


def test_wallet__no_project_id__walletconnect_is_not_offered(visit) -> None:
    visitor = visit()
    asked: list[str] = []
    visitor.page.on("request", lambda request: asked.append(request.url))
    visitor.open("trade")
    visitor.page.locator("[data-role=connect]").click()
    visitor.page.get_by_role("button", name="Test Fox").wait_for()
    assert visitor.page.get_by_role("button", name="WalletConnect").count() == 0
    assert any("wallet.js" in address for address in asked)
    assert not any("walletconnect" in address for address in asked)


def test_wallet__reload_while_pending__transaction_is_not_lost(visit, street: SmallStreet, neighbour) -> None:
    seller, site = neighbour(deposited=10)
    visitor = visit(seller)
    visitor.open("portfolio")
    visitor.connect()
    visitor.fill("NET8 to withdraw", "3")
    with street.without_blocks():
        visitor.sign("withdraw", "Withdraw 3.00 NET8")
        visitor.sees("Sent. Waiting for a block")
        visitor.page.reload()
        visitor.sees("waiting for a block")
        street.chain.request("evm_mine", [])
        visitor.sees("confirmed")
    assert street.chain.read(street.net8.exchange.free_balance(site)) == 7 * 10**7


def test_wallet__other_account_chosen__page_shows_its_site(visit, neighbour) -> None:
    first, _ = neighbour(deposited=11)
    second, _ = neighbour(deposited=22)
    visitor = visit(first, second)
    visitor.open("portfolio")
    visitor.connect()
    visitor.sees("11.00 NET8")
    visitor.wallet("setAccount(1)")
    visitor.sees("22.00 NET8")


def test_wallet__refused_between_dry_run_and_click__reason_in_words(visit, street: SmallStreet, neighbour) -> None:
    seller, site = neighbour(deposited=10)
    slot = street.slot + 6
    street.place(seller, site, slot, sell=True, price=1500, wh=1000)
    visitor = visit(seller)
    visitor.open("trade")
    visitor.connect()
    visitor.sees("Sell 1.00 kWh")
    order = street.chain.read(street.net8.lens.orders_of(site, slot))[0].id
    cancel = visitor.page.locator(f"button[data-panel=panel_cancel_{order}]")
    cancel.wait_for()
    visitor.wallet("delay = 1500")  # the wallet takes its time over the network switch
    cancel.click()
    street.send(seller, street.net8.exchange.cancel(order))
    visitor.sees("No order of yours is waiting")


def test_certificates__settled_production__minted_retired_and_passed_on(visit, street: SmallStreet, neighbour) -> None:
    seller, site = neighbour(deposited=5)
    street.send(street.registrar, street.net8.certificates.admit(site, "small street 3"))
    slot = street.slot + 1
    street.settle(slot, {site: (2500, 0)})
    visitor = visit(seller)
    visitor.open("certificates")
    visitor.connect()
    visitor.sign("mint", "Mint 2.50 kWh")
    visitor.sees("Minted.")
    visitor.fill("Energy (kWh)", "1.5")
    visitor.fill("For whom", "The bakery")
    visitor.sign("retire", "Retire 1.50 kWh for The bakery")
    visitor.sees("Retired.")
    certificate = site << 32 | hour_of_slot(slot)
    assert street.chain.read(street.net8.certificates.totals_of(certificate)).retired == 1500
    assert street.now >= slot_end(slot)
    receiver = Account.create().address
    visitor.fill("Energy to pass on (kWh)", "0.7")
    visitor.fill("Receiver's account", receiver)
    visitor.sign("transfer", "Pass 0.70 kWh on to")
    visitor.sees("Passed on.")
    assert street.chain.read(street.net8.certificates.balance_of(receiver, certificate)) == 700
    region = visitor.page.get_by_role("region", name="What you retired")
    region.get_by_role("link").click()
    visitor.page.get_by_role("heading", name="Certificate of origin").wait_for()
    visitor.page.get_by_role("cell", name="The bakery").wait_for()
    visitor.page.get_by_role("img", name="QR code").wait_for()
    visitor.sees(f"This page: {visitor.app}/certificate?id={certificate}")


def test_reserve__euros_paid_in__net8_is_minted_and_some_of_it_redeemed(visit, street: SmallStreet) -> None:
    saver = Account.create()
    street.give_gas(saver.address)
    street.send(street.owner, street.net8.euro.mint(saver.address, 30_000_000))
    visitor = visit(saver)
    visitor.open("reserve")
    visitor.connect()
    visitor.fill("Euros to pay in", "30")
    visitor.sign("mint_net8", "Allow the Reserve €30.00")
    visitor.sees("Allowed. Now mint it.")
    visitor.sign("mint_net8", "Mint 10.00 NET8")
    visitor.sees("Minted. It is in your wallet.")
    visitor.fill("NET8 to redeem", "4")
    visitor.sign("redeem", "Allow the Reserve 4.00 NET8")
    visitor.sign("redeem", "Redeem 4.00 NET8 for €12.00")
    visitor.sees("Redeemed. The euros are in your wallet.")
    assert street.chain.read(street.net8.euro.balance_of(saver.address)) == 12_000_000
    assert street.chain.read(street.net8.token.balance_of(saver.address)) == 6 * 10**18
