"""Signed orders on a chain: what the app makes of letters, of keys and of contract wallets."""

import re
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace

import pytest
from eth_abi import encode
from net8.contracts import Call
from net8.letters import Fault, Letter, LetterRefused, StripLetter
from net8.model import Technology
from net8.nonces import Life
from net8.offers import Offer, Strip
from net8.signing import checksum_address, keccak256, sign
from net8.units import slot_start
from net8_web import context, i18n, show
from net8_web.components.wallet import Account, Kept
from net8_web.feed import Feed, View
from net8_web.offers import mine, standing_of
from net8_web.settings import read
from streamlit.testing.v1 import AppTest

from scripts.compiler import PROJECT, compile_contract
from tests.browser.small_street import SmallStreet, running
from tests.frontend.pages import html, texts

APPROVES, REVERTS, BURNS = 2, 4, 8  # moods of the hostile wallet


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallStreet]:
    with running(tmp_path_factory.mktemp("street")) as made:
        yield made


@pytest.fixture(scope="module")
def feed(street: SmallStreet) -> Iterator[Feed]:
    made = Feed(read({"NET8_RPC_URL": street.url, "NET8_DEPLOYMENT": str(street.deployment_file)}))
    yield made
    made.stop()


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch, feed: Feed) -> None:
    monkeypatch.setattr(i18n, "language", lambda: "en")
    monkeypatch.setattr(show, "language", lambda: "en")
    monkeypatch.setattr(context, "feed", lambda: feed)


def view_of(street: SmallStreet, feed: Feed) -> View:
    """The chain as it is now."""
    number = street.chain.block().number
    feed.catch_up(lambda view: view.head.number >= number)
    return feed.view()


def letter_of(street: SmallStreet, nonce: int, **terms: object) -> Letter:
    """What the roof's owner has signed."""
    slot = street.slot + 8
    values = {"site": street.roof, "slot": slot, "sell": True, "price": 900, "wh": 2000} | terms
    offer = Offer(nonce=nonce, **{"expiry": slot_start(slot) - 900} | values)
    domain = street.deployment.desk_domain
    return Letter(domain, offer, sign(bytes(street.roof_owner.key), offer.digest(domain)).to_bytes())


def page(letter: Letter | str, account: str | None, site: int | None = None) -> AppTest:
    """The page of a letter as an account sees it."""
    made = AppTest.from_string("from net8_web.pages import offer\noffer.render()\n", default_timeout=30)
    made.query_params["o"] = letter if isinstance(letter, str) else letter.token
    if account is not None:
        made.session_state["_account"] = Account(address=account, chain_id=31337, wallet="Test", wallets=1, ready=True)
        made.session_state["_site"] = site
    return made.run()


# --- what has become of one -----------------------------------------------------------------------------------------


def test_standing__traded_in_part_then_cancelled__said(street, feed) -> None:
    letter = letter_of(street, 0)
    assert standing_of(view_of(street, feed), letter).left == 2000
    desk = street.net8.desk
    street.send(street.bakery_owner, desk.accept_signed(letter.signed, letter.proof(""), street.bakery, 500))
    standing = standing_of(view_of(street, feed), letter)
    assert (standing.life, standing.left) == (Life.OPEN, 1500)
    street.send(street.roof_owner, desk.cancel_nonce(street.roof, 0))
    assert standing_of(view_of(street, feed), letter).life is Life.ENDED


def test_standing__site_that_nobody_owns__not_signed(street, feed) -> None:
    with pytest.raises(LetterRefused) as refused:
        standing_of(view_of(street, feed), letter_of(street, 1, site=street.zone << 16 | 60_000))
    assert refused.value.fault is Fault.NOT_SIGNED


def test_standing__contract_wallet__asked_itself(street, feed) -> None:
    wallet = deploy_wallet(street)
    call = street.net8.grid.register_site(
        street.zone, wallet, Technology.SOLAR, 9000, street.owner.address, street.now + 10**6, b"\1"
    )
    street.send(street.grid_operator, call)
    site = street.zone << 16 | street.chain.read(street.net8.grid.site_count(street.zone))
    offer = replace(letter_of(street, 3).offer, site=site)
    letter = Letter(street.deployment.desk_domain, offer, b"\7" * 130, by_wallet=True)
    assert standing_of(view_of(street, feed), letter).owner == wallet
    tell(street, wallet, "feel(uint256)", ["uint256"], [APPROVES])
    with pytest.raises(LetterRefused):
        standing_of(view_of(street, feed), letter)
    digest = offer.digest(street.deployment.desk_domain)
    tell(street, wallet, "approve(bytes32,bytes)", ["bytes32", "bytes"], [digest, letter.signature])
    assert standing_of(view_of(street, feed), letter).life is Life.OPEN
    with pytest.raises(LetterRefused):
        standing_of(view_of(street, feed), replace(letter, signature=b"\x08" * 130))
    tell(street, wallet, "feel(uint256)", ["uint256"], [REVERTS])
    with pytest.raises(LetterRefused):
        standing_of(view_of(street, feed), letter)


def deploy_wallet(street: SmallStreet) -> str:
    """A contract wallet that consents to everything, until it is told otherwise."""
    code = compile_contract(PROJECT / "tests" / "contracts" / "hostile" / "Wallet.vy", "bytecode")
    data = code + encode(["address"], [street.net8.desk.address]).hex()
    sender = street.owner.address
    street.chain.request("anvil_setBalance", [sender, hex(10**20)])
    tx = street.chain.request("eth_sendTransaction", [{"from": sender, "data": data, "gas": hex(10**7)}])
    receipt = None
    while receipt is None:
        receipt = street.chain.request("eth_getTransactionReceipt", [tx])
    return checksum_address(receipt["contractAddress"])


def tell(street: SmallStreet, wallet: str, function: str, types: list[str], values: list) -> None:
    data = keccak256(function.encode())[:4] + encode(types, values)
    street.send(street.bakery_owner, Call(wallet, data, f"Wallet.{function}", lambda _: None))


def test_mine__what_the_browser_claims__only_what_the_owner_signed(street, feed, monkeypatch) -> None:
    letter, other = letter_of(street, 20), letter_of(street, 21)
    unsigned = replace(letter, signature=b"").token
    claims = [Kept(unsigned, letter.signature), Kept(unsigned, other.signature), Kept("rubbish", b"\1" * 65)]
    monkeypatch.setattr("net8_web.components.wallet.kept", lambda: claims)
    at = SimpleNamespace(view=view_of(street, feed), site=street.roof)
    assert [one.letter.token for one in mine(at)] == [letter.token]


# --- the page -------------------------------------------------------------------------------------------------------


def test_page__neighbour__sees_what_taking_it_comes_to(street, feed) -> None:
    view_of(street, feed)
    shown = page(letter_of(street, 30), street.bakery_owner.address, street.bakery)
    assert not shown.exception
    assert [one.value for one in shown.success] == ["Signed by the site's owner, and open."]
    assert "Site 2 sells 2.00 kWh at 0.0900 NET8/kWh" in texts(shown)
    assert "0.22 NET8" in html(shown)
    assert [one.value for one in shown.info] == ["Nothing in the book matches it now."]
    shown.text_input(key=f"accept_wh_{street.roof}_30").set_value("3").run()
    assert [one.value for one in shown.warning] == ["Less of the signed order is left than that; take less."]


def test_page__owner_too_poor__neighbour_is_told_whose_balance(street, feed) -> None:
    letter = letter_of(street, 31, wh=1_000_000)
    shown = page(letter, street.bakery_owner.address, street.bakery)
    assert [one.value[:37] for one in shown.warning] == ["The one who signed has too little fre"]


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda good: good.token[:-4], "This offer is not whole: a part of the link is missing or changed."),
        (
            lambda good: replace(good, offer=replace(good.offer, price=1000)),
            "These terms are not what the site's owner",
        ),
    ],
    ids=["torn", "other terms"],
)
def test_page__bad_letter__one_sentence(street, feed, spoil, sentence: str) -> None:
    shown = page(spoil(letter_of(street, 32)), street.bakery_owner.address, street.bakery)
    assert not shown.exception
    (error,) = shown.error
    assert error.value.startswith(sentence)


def test_page__order_beyond_any_calendar__shown_all_the_same(street, feed) -> None:
    shown = page(letter_of(street, 33, slot=2**32 - 1, expiry=2**40 - 1), street.bakery_owner.address, street.bakery)
    assert not shown.exception
    assert [one.value for one in shown.warning] == ["This slot is closed for trading. Pick a later one."]


# --- strips ---------------------------------------------------------------------------------------------------------


def strip_of(street: SmallStreet, nonce: int, **terms: object) -> StripLetter:
    """What the roof's owner has signed: four quarter hours, the third without energy."""
    first = street.slot + 8
    values = {"site": street.roof, "sell": True, "prices": (900, 900, 0, 1000), "wh": (500, 500, 0, 400)} | terms
    strip = Strip(first_slot=first, nonce=nonce, expiry=slot_start(first + 3) - 900, **values)
    domain = street.deployment.desk_domain
    return StripLetter(domain, strip, sign(bytes(street.roof_owner.key), strip.digest(domain)).to_bytes())


def table_of(shown: AppTest) -> list[list[str]]:
    """Lines of the table of a strip, without their first column."""
    lines = html(shown).partition("<tbody>")[2].partition("</tbody>")[0].split("</tr>")[:-1]
    return [re.findall(r"<td[^>]*>(.*?)</td>", line)[1:] for line in lines]


def test_strip__met_by_the_book_in_part_then_cancelled__said_slot_by_slot(street, feed) -> None:
    letter = strip_of(street, 40)
    street.place(street.bakery_owner, street.bakery, letter.offer.first_slot, sell=False, price=940, wh=300)
    desk = street.net8.desk
    street.send(street.bakery_owner, desk.take_strip(letter.signed, 1))
    standing = standing_of(view_of(street, feed), letter)
    assert [leg.left for leg in standing.legs] == [200, 500, 400]
    assert (standing.life, standing.left, standing.wh) == (Life.OPEN, 1100, 1400)
    shown = page(letter, street.bakery_owner.address, street.bakery)
    assert not shown.exception
    assert "Site 2 sells 1.40 kWh in 3 quarter hours at 0.0900-0.1000 NET8/kWh" in texts(shown)
    assert table_of(shown) == [
        ["1", "0.0900", "0.50", "0.20"], ["1", "0.0900", "0.50", "0.50"], ["1", "0.1000", "0.40", "0.40"],
    ]  # fmt: skip
    street.send(street.roof_owner, desk.cancel_nonce(street.roof, 40))
    assert standing_of(view_of(street, feed), letter).life is Life.ENDED


def test_strip__neighbour__signs_for_its_maker_alone_and_sees_what_it_comes_to(street, feed) -> None:
    view_of(street, feed)
    shown = page(strip_of(street, 41), street.bakery_owner.address, street.bakery)
    key = f"take_{street.roof}_41_most"
    assert "1.40 kWh" in html(shown)
    shown.text_input(key=key).set_value("0.3").run()
    assert not shown.exception
    assert "0.90 kWh" in html(shown)
    shown.text_input(key=key).set_value("much").run()
    assert [warning.value.partition("much")[1] for warning in shown.warning] == ["much"]


def test_strip__of_a_contract_wallet__the_wallet_is_asked(street, feed) -> None:
    wallet = deploy_wallet(street)
    call = street.net8.grid.register_site(
        street.zone, wallet, Technology.SOLAR, 9000, street.owner.address, street.now + 10**6, b"\1"
    )
    street.send(street.grid_operator, call)
    site = street.zone << 16 | street.chain.read(street.net8.grid.site_count(street.zone))
    named = replace(strip_of(street, 42).offer, site=site, taker=street.bakery_owner.address)
    letter = StripLetter(street.deployment.desk_domain, named, b"\7" * 130, by_wallet=True)
    assert standing_of(view_of(street, feed), letter).owner == wallet
    for mood in (APPROVES, REVERTS, BURNS):
        tell(street, wallet, "feel(uint256)", ["uint256"], [mood])
        with pytest.raises(LetterRefused):
            standing_of(view_of(street, feed), letter)


@pytest.mark.parametrize("slot", [2_100_000, 2**32 - 4], ids=["later", "never"])
def test_strip__farther_ahead_than_anything_trades__said_and_nothing_to_take(street, feed, slot: int) -> None:
    domain = street.deployment.desk_domain
    strip = replace(strip_of(street, 43).offer, first_slot=slot, expiry=2**40 - 1)
    letter = StripLetter(domain, strip, sign(bytes(street.roof_owner.key), strip.digest(domain)).to_bytes())
    view_of(street, feed)
    shown = page(letter, street.bakery_owner.address, street.bakery)
    assert not shown.exception
    assert shown.info[0].value.startswith("Trading has ended in every quarter hour of this offer")
    assert "closed" in html(shown)
