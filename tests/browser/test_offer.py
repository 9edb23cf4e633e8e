"""Orders that are only signed: handed on as a link, taken by somebody else, brought to the book, ended."""

from dataclasses import replace

import pytest
from eth_account import Account
from net8.letters import LONGEST, Letter, read
from net8.offers import Offer
from net8.signing import sign
from net8.units import slot_start

from tests.browser.offering import handed_on, sees_only
from tests.browser.small_street import SmallStreet

pytestmark = pytest.mark.browser
NET8 = 10**7


def letter_of(street: SmallStreet, owner, site: int, slot: int, *, nonce: int = 0, **terms) -> Letter:
    """What an owner has signed outside of this browser."""
    values = {"sell": True, "price": 900, "wh": 2000, "expiry": slot_start(slot) - 900} | terms
    offer = Offer(site=site, slot=slot, nonce=nonce, **values)
    domain = street.deployment.desk_domain
    return Letter(domain, offer, sign(bytes(owner.key), offer.digest(domain)).to_bytes())


def fill_in(visitor, price: str, energy: str) -> None:
    visitor.page.get_by_role("radio", name="By signature").click()
    visitor.fill("Price", price)
    visitor.fill("Energy (kWh)", energy)


def test_offer__signed_without_gas__taken_by_its_link_and_settled(visit, street: SmallStreet, neighbour) -> None:
    maker, site = neighbour(deposited=20)
    taker, home = neighbour(deposited=20)
    street.chain.request("anvil_setBalance", [maker.address, "0x0"])
    slot = street.slot + 3
    sent = street.transactions(maker.address)
    seller = visit(maker)
    seller.open("trade")
    seller.connect()
    seller.page.locator(f"[data-slot='{slot}']").click()
    fill_in(seller, "0.09", "2")
    seller.sees("Signing costs nothing and places nothing.")
    seller.sign("offer", "Sign: sell 2.00 kWh at 0.0900 NET8/kWh")
    link, file = handed_on(seller)
    assert link.startswith(f"{seller.app}/offer?o=")
    assert read(file).token == read(link).token == link.partition("=")[2]
    assert street.transactions(maker.address) == sent

    buyer = visit(taker)
    buyer.page.goto(link)
    buyer.sees("sells 2.00 kWh at 0.0900 NET8/kWh")
    buyer.sees("Signed by the site's owner, and open.")
    buyer.connect()
    buyer.fill("Energy (kWh)", "1.5")
    buyer.sign("accept", "Buy 1.50 kWh at 0.0900 NET8/kWh")
    buyer.sees("Taken. The trade is final.")
    buyer.sees("0.50 kWh")
    assert street.chain.read(street.net8.lens.position(site, slot)).net_wh == 1500

    seller.go("Trade")
    seller.sees("0.50 kWh still open")
    street.settle(slot, {site: (1600, 0), home: (0, 1500)})
    buyer.go("Portfolio")
    buyer.sees("1.50 kWh")
    assert street.chain.read(street.net8.exchange.free_balance(site)) == 20 * NET8 + 1500 * 900
    buyer.page.goto(link)
    buyer.sees("Its time is over. Ask for a new one.")


def test_offer__declined_in_the_wallet__said_and_nothing_kept(visit, neighbour) -> None:
    maker, _ = neighbour(deposited=20)
    seller = visit(maker)
    seller.open("trade")
    seller.connect()
    fill_in(seller, "0.09", "2")
    seller.wallet("rejectNext = true")
    seller.sign("offer", "Sign: sell 2.00 kWh")
    seller.sees("You declined in your wallet. Nothing was sent.")
    seller.sees("Somebody gave you an offer? Open it here")
    assert seller.page.get_by_text("Offers I have signed").count() == 0


def test_offer__signed_and_reloaded__still_known_and_cancelled(visit, street: SmallStreet, neighbour) -> None:
    maker, site = neighbour(deposited=20)
    seller = visit(maker)
    seller.open("trade")
    seller.connect()
    fill_in(seller, "0.09", "2")
    seller.sign("offer", "Sign: sell 2.00 kWh")
    seller.sees("Hand it on")
    seller.open("trade")
    seller.sees("Offers I have signed")
    seller.sees("2.00 kWh still open")
    seller.page.get_by_role("link", name="Link and code").click()
    seller.sees("Hand it on")
    seller.sign("cancel_nonce", "Cancel this offer")
    seller.sees("Its owner has cancelled it.")
    assert street.chain.read(street.net8.desk.nonce_state(site, 0)) == 2**22 - 1
    seller.go("Trade")
    seller.page.get_by_role("radio", name="By signature").click()
    seller.sees("Somebody gave you an offer? Open it here")
    assert seller.page.get_by_text("Offers I have signed").count() == 0


def test_offer__brought_to_the_book__relayer_without_a_site_is_paid(visit, street: SmallStreet, neighbour) -> None:
    maker, site = neighbour(deposited=20)
    slot = street.slot + 6
    street.place(street.bakery_owner, street.bakery, slot, sell=False, price=1000, wh=1000)
    letter = letter_of(street, maker, site, slot, relay_fee=NET8 // 10)
    relayer = Account.create()
    street.give_gas(relayer.address)
    visitor = visit(relayer)
    visitor.open(f"offer?o={letter.token}")
    visitor.connect()
    visitor.sign("relay", "Bring in 1.00 kWh")
    visitor.sees("Brought in. Your fee waits for you below.")
    visitor.sees("0.05 NET8 wait for you at the desk.")
    visitor.sign("claim", "Take it out")
    visitor.sees("Paid out into your wallet.")
    assert street.chain.read(street.net8.token.balance_of(relayer.address)) == 5 * 10**16
    assert street.chain.read(street.net8.lens.position(site, slot)).net_wh == 1000


def test_offer__for_one_account_alone__others_are_told(visit, street: SmallStreet, neighbour) -> None:
    maker, site = neighbour(deposited=20)
    named, _ = neighbour(deposited=20)
    other, _ = neighbour(deposited=20)
    letter = letter_of(street, maker, site, street.slot + 6, taker=named.address)
    stranger = visit(other)
    stranger.open("offer")
    stranger.connect()
    stranger.fill("Link or text of the file", letter.json)
    stranger.sees("This offer is for")
    assert stranger.page.locator("button[data-panel=panel_accept], button[data-panel=panel_relay]").count() == 0
    friend = visit(named)
    friend.open(f"offer?o={letter.token}")
    friend.connect()
    friend.sign("accept", "Buy 2.00 kWh")
    friend.sees("Taken. The trade is final.")
    friend.sees("All of it has traded.")


HOSTILE = {
    "nothing": ("hello neighbour", "That is no signed offer."),
    "torn": (lambda letter, _: letter.token[:-9], "This offer is not whole"),
    "huge": ("A" * (LONGEST + 1), "That is too long for a signed offer."),
    "chain": (
        lambda letter, _: replace(letter, domain=replace(letter.domain, chain_id=1)).token,
        "This offer counts on chain 1, not on the one shown here.",
    ),
    "contract": (
        lambda letter, street: (
            replace(letter, domain=replace(letter.domain, contract=street.deployment.address("NET8"))).token
        ),
        "This offer is for another contract",
    ),
    "terms": (
        lambda letter, _: replace(letter, offer=replace(letter.offer, price=100)).token,
        "These terms are not what the site's owner signed.",
    ),
    "wallet": (
        lambda letter, _: replace(letter, by_wallet=True).token,
        "These terms are not what the site's owner signed.",
    ),
    "script": ("<script>alert(1)</script>", "That is no signed offer."),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_offer__hostile_link__one_sentence_and_nothing_to_press(
    visit, street: SmallStreet, neighbour, kind: str
) -> None:
    maker, site = neighbour(deposited=1)
    made, sentence = HOSTILE[kind]
    text = made if isinstance(made, str) else made(letter_of(street, maker, site, street.slot + 6), street)
    sees_only(visit(maker), text, sentence)


@pytest.mark.parametrize(("language", "scheme"), [("en", "dark"), ("ar", "light")])
def test_offer__on_a_phone__fits(visit, street: SmallStreet, neighbour, language: str, scheme: str) -> None:
    maker, site = neighbour(deposited=20)
    letter = letter_of(street, maker, site, street.slot + 6)
    visitor = visit(maker, width=390, language=language, scheme=scheme)
    visitor.open(f"offer?o={letter.token}")
    visitor.page.locator("dl.net8-facts").wait_for()
    visitor.page.wait_for_function(f"document.documentElement.dir === '{'rtl' if language == 'ar' else 'ltr'}'")
    assert visitor.page.evaluate("document.documentElement.scrollWidth") <= 390
