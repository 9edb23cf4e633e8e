"""Strips: a range of quarter hours under one signature, handed on, taken by a neighbour, met by the book, ended."""

from dataclasses import replace

import pytest
from eth_account import Account
from net8.letters import StripLetter, read
from net8.offers import Strip
from net8.signing import sign
from net8.units import slot_start
from net8_web.i18n import table

from tests.browser.axe import serious_faults
from tests.browser.offering import handed_on, sees_only
from tests.browser.small_street import SmallStreet

pytestmark = pytest.mark.browser
NET8 = 10**7


def letter_of(street: SmallStreet, owner, site: int, first: int, **terms) -> StripLetter:
    """What an owner has signed outside of this browser: four quarter hours, the third without energy."""
    values = {"sell": True, "prices": (900, 900, 0, 1000), "wh": (500, 500, 0, 400)} | terms
    strip = Strip(site, first, nonce=values.pop("nonce", 0), expiry=slot_start(first + 3) - 900, **values)
    domain = street.deployment.desk_domain
    return StripLetter(domain, strip, sign(bytes(owner.key), strip.digest(domain)).to_bytes())


def sold(street: SmallStreet, site: int, slots: range) -> list[int]:
    return [street.chain.read(street.net8.lens.position(site, slot)).net_wh for slot in slots]


def test_strip__a_day_signed_without_gas__taken_by_a_neighbour_with_one_transaction_and_cancelled(
    visit, street: SmallStreet, neighbour
) -> None:
    maker, site = neighbour(net8=200, deposited=200)
    taker, home = neighbour(net8=200, deposited=200)
    sent = street.transactions(maker.address), street.transactions(taker.address)
    gas = street.chain.request("eth_getBalance", [maker.address, "latest"])
    street.chain.request("anvil_setBalance", [maker.address, "0x0"])
    seller = visit(maker)
    seller.open("trade")
    seller.connect()
    seller.page.get_by_role("radio", name="By signature").click()
    seller.page.get_by_role("radio", name="Many quarter hours").click()
    seller.fill("Price", "0.09")
    seller.fill("Energy (kWh)", "0.5")
    seller.sees("Signing costs nothing and places nothing.")
    seller.page.locator("button[data-panel=panel_offer]", has_text="Sign: sell").click()
    link, file = handed_on(seller)
    signed = read(link)
    assert isinstance(signed, StripLetter)
    assert read(file).token == signed.token
    assert len(signed.offer.wh) >= 90
    assert set(zip(signed.offer.prices, signed.offer.wh, strict=True)) == {(900, 500)}
    assert street.transactions(maker.address) == sent[0]
    seller.sees(f"sells {len(signed.offer.wh) / 2:.2f} kWh in {len(signed.offer.wh)} quarter hours at 0.0900 NET8/kWh")

    buyer = visit(taker)
    buyer.page.goto(link)
    buyer.sees("Signed by the site's owner, and open.")
    buyer.page.get_by_role("cell", name="0.50").first.wait_for()
    buyer.connect()
    buyer.fill("At most in each quarter hour (kWh)", "0.2")
    buyer.sign("accept", f"1 of 2: sign for {len(signed.offer.wh) * 0.2:.2f} kWh")
    street.chain.request("evm_mine")  # the chain's clock goes on between the steps, and gates close by it
    buyer.sign("accept", "2 of 2: buy")
    buyer.sees("Taken. The trade is final.")
    buyer.page.get_by_role("cell", name="0.30").first.wait_for()
    assert street.transactions(taker.address) == sent[1] + 1
    assert set(sold(street, site, range(street.slot + 2, street.slot + 90))) == {200}
    assert set(sold(street, home, range(street.slot + 2, street.slot + 90))) == {-200}

    street.chain.request("anvil_setBalance", [maker.address, gas])
    seller.go("Trade")
    seller.sees("Offers I have signed")
    seller.page.locator("button[data-panel^=panel_end_]").click()
    seller.sees("Cancelled. Nobody can take this offer any more.")
    assert street.chain.read(street.net8.desk.nonce_state(site, signed.offer.nonce)) == 2**22 - 1
    buyer.sees("Its owner has cancelled it. Ask for a new one.")


def test_strip__brought_to_the_book__relayer_is_paid_for_what_matches(visit, street: SmallStreet, neighbour) -> None:
    maker, site = neighbour(deposited=20)
    first = street.slot + 6
    street.place(street.bakery_owner, street.bakery, first, sell=False, price=1000, wh=300)
    letter = letter_of(street, maker, site, first, relay_fee=NET8 // 10)
    relayer = Account.create()
    street.give_gas(relayer.address)
    visitor = visit(relayer)
    visitor.open(f"offer?o={letter.token}")
    visitor.connect()
    visitor.sign("relay", "Bring in 0.30 kWh")
    visitor.sees("Brought in. Your fee waits for you below.")
    assert street.chain.read(street.net8.desk.strip_traded(site, 0))[:4] == [300, 0, 0, 0]
    visitor.page.get_by_role("cell", name="0.20").wait_for()
    assert street.chain.read(street.net8.desk.earned(relayer.address)) == NET8 // 10 * 300 // 1400


def test_strip__slots_all_different__no_code_but_link_and_file(visit, street: SmallStreet, neighbour) -> None:
    maker, site = neighbour(deposited=20)
    first = street.slot + 3
    letter = letter_of(
        street, maker, site, first, prices=tuple(range(100, 2020, 20)), wh=tuple(range(100, 196)), nonce=3
    )
    visitor = visit(maker)
    visitor.open(f"offer?o={letter.token}")
    visitor.connect()
    visitor.sees("This offer says too much for a code that a camera can read.")
    assert visitor.page.get_by_role("img", name="QR code of this offer's link").count() == 0
    assert read(visitor.page.locator("[data-testid=stCode]").inner_text().strip()).token == letter.token


HOSTILE = {
    "torn": (lambda letter, _: letter.token[:-9], "This offer is not whole"),
    "chain": (
        lambda letter, _: replace(letter, domain=replace(letter.domain, chain_id=1)).token,
        "This offer counts on chain 1, not on the one shown here.",
    ),
    "terms": (
        lambda letter, _: replace(letter, offer=replace(letter.offer, prices=(100, 900, 0, 1000))).token,
        "These terms are not what the site's owner signed.",
    ),
    "other site": (
        lambda letter, street: replace(letter, offer=replace(letter.offer, site=street.roof)).token,
        "These terms are not what the site's owner signed.",
    ),
    "wallet": (
        lambda letter, _: replace(letter, by_wallet=True).token,
        "These terms are not what the site's owner signed.",
    ),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_strip__hostile_link__one_sentence_and_nothing_to_press(
    visit, street: SmallStreet, neighbour, kind: str
) -> None:
    maker, site = neighbour(deposited=1)
    made, sentence = HOSTILE[kind]
    sees_only(visit(maker), made(letter_of(street, maker, site, street.slot + 6), street), sentence)


@pytest.mark.parametrize(("language", "scheme"), [("en", "dark"), ("ar", "light")])
def test_strip__on_a_phone__fits_and_nothing_serious_for_axe(
    visit, street: SmallStreet, neighbour, language: str, scheme: str
) -> None:
    maker, site = neighbour(deposited=20)
    taker, _ = neighbour(deposited=20)
    letter = letter_of(street, maker, site, street.slot + 6)
    words = table(language)
    visitor = visit(taker, width=390, language=language, scheme=scheme)
    visitor.open(f"offer?o={letter.token}")
    visitor.connect()
    visitor.sees(words["strip.most_each"])
    visitor.page.locator("button[data-panel=panel_accept]:enabled").wait_for()
    assert visitor.page.evaluate("document.documentElement.scrollWidth") <= 390
    assert serious_faults(visitor.page) == []
    visitor.open("trade")
    visitor.page.get_by_role("radio", name=words["trade.mode_signed"]).click()
    visitor.page.get_by_role("radio", name=words["strip.span_many"]).click()
    visitor.fill(words["trade.price"], "0.09")
    visitor.fill(words["trade.quantity"], "0.1")
    visitor.sees(words["offer.f_held"])
    assert visitor.page.evaluate("document.documentElement.scrollWidth") <= 390
    assert serious_faults(visitor.page) == []
