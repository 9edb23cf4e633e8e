"""Every page, as axe-core judges it: both languages, light and dark, with a street at work on it."""

import pytest
from net8.packing import certificate_id
from net8.units import hour_of_slot
from net8_web.i18n import table

from tests.browser.axe import serious_faults
from tests.browser.conftest import Visitor
from tests.browser.small_street import SmallStreet
from tests.indexer.processes import Process

pytestmark = pytest.mark.browser

NEIGHBOURS = 4  # sellers beside the one who looks: with fewer, the Community page compares nobody
# Page -> what stands in its last part (key of the tables), so that a page that shows it is drawn.
PAGES = {
    "home": "home.latest_settled",
    "trade": "history.high",
    "portfolio": "export.make",
    "community": "figure.delivered",
    "certificates": "certificates.used",
    "reserve": "reserve.price_rule",
    "oracles": "oracles.dispute_voting",
    "operate": "consent.title",
}


@pytest.fixture(scope="module")
def certificate(street: SmallStreet, indexer: Process) -> int:
    """Something for every page: trades, orders, settlements, and this certificate, partly retired.

    The zone's grid operator owns the roof, so that the forms of the Operate page are his too.
    """
    owner, certificates = street.grid_operator, street.net8.certificates
    roofs = [street.register_roof(owner) for _ in range(1 + NEIGHBOURS)]
    mine = roofs[-1]  # the app shows the latest site of an account
    street.give(owner.address, 200)
    slot = street.slot + 3
    for number, roof in enumerate(roofs):
        street.deposit(owner, roof, 30)
        street.send(street.registrar, certificates.admit(roof, f"small street {number}"))
        _sell(street, roof, slot)
    signed = street.settle(slot, dict.fromkeys(roofs, (380, 0)) | {street.bakery: (0, 1800)})
    hour = hour_of_slot(slot)
    street.send(owner, certificates.mint(mine, hour, owner.address, 1))
    made = certificate_id(mine, hour)
    street.send(owner, certificates.retire(owner.address, {made: 200}, "The bakery", "bread"))
    street.dispute(owner, signed, slot, truth_wh=390)
    street.liven_up()
    _sell(street, mine, street.slot + 30)
    street.place(owner, mine, street.slot + 31, True, 1500, 800)
    street.settle(street.slot, {mine: (700, 0), street.bakery: (0, 0)})  # waits to be minted
    indexer.wait_at_head()
    return made


def _sell(street: SmallStreet, roof: int, slot: int) -> None:
    """The bakery buys 400 Wh from a roof of the grid operator."""
    street.place(street.bakery_owner, street.bakery, slot, False, 900, 400)
    street.place(street.grid_operator, roof, slot, True, 900, 400)


@pytest.mark.parametrize("language", ["en", "ar"])
def test_every_page__light_and_dark__nothing_serious_or_critical(
    visit, street: SmallStreet, certificate: int, language: str
) -> None:
    words = table(language)
    visitor = visit(street.grid_operator, street.owner, language=language)
    visitor.open("trade")
    visitor.page.locator("[data-role=connect]").click()
    faults = _faults(visitor, "the choice of a wallet")
    visitor.choose()
    visitor.page.locator("[data-role=switch]").wait_for()
    for page, last in PAGES.items():
        visitor.page.get_by_role("link", name=words[f"nav.{page}"], exact=True).first.click()
        visitor.page.locator(f":text('{words[last]}'):visible").first.wait_for()
        faults += _faults(visitor, page)
    visitor.page.get_by_role("link", name=words["nav.trade"], exact=True).first.click()
    visitor.fill(words["trade.price"], "0.1")
    visitor.fill(words["trade.quantity"], "5")
    visitor.sees(words["trade.f_margin"])
    faults += _faults(visitor, "an order")
    visitor.page.get_by_role("link", name=words["nav.operate"], exact=True).first.click()
    visitor.sees(words["operate.admit_site"])
    visitor.wallet("setAccount(1)")
    visitor.sees(words["operate.stop"])
    faults += _faults(visitor, "operate, as the contracts' owner")
    visitor.open(f"certificate?id={certificate}")
    visitor.page.get_by_role("cell", name="The bakery").wait_for()
    faults += _faults(visitor, "certificate")
    assert faults == []


@pytest.mark.parametrize("language", ["en", "ar"])
def test_orders_of_other_kinds__light_and_dark__nothing_serious_or_critical(
    visit, street: SmallStreet, neighbour, language: str
) -> None:
    words = table(language)
    maker, site = neighbour(net8=150, deposited=100)
    for slot in (street.slot + 4, street.slot + 5):
        street.place(maker, site, slot, sell=True, price=1500, wh=1000)
    visitor = visit(maker, language=language)
    visitor.open("trade")
    visitor.page.locator("[data-role=connect]").click()
    visitor.choose()
    visitor.sees(words["clear.title"])
    visitor.page.get_by_text(words["clear.title"]).click()
    visitor.page.locator("button[data-panel=panel_clear]").wait_for()
    visitor.page.get_by_role("radio", name=words["trade.mode_many"]).click()
    visitor.fill(words["trade.price"], "0.1")
    visitor.fill(words["trade.quantity"], "1")
    visitor.sees(words["batch.all_or_none"])
    visitor.page.mouse.move(0, 0)  # off the buttons, whose colours under the mouse are Streamlit's own
    faults = _faults(visitor, "many orders")
    visitor.page.get_by_role("radio", name=words["trade.mode_signed"]).click()
    visitor.sees(words["offer.sign_note"])
    visitor.page.mouse.move(0, 0)
    faults += _faults(visitor, "an order to sign")
    visitor.page.locator("button[data-panel=panel_offer]").click()
    visitor.sees(words["offer.hand_over"])
    link = visitor.page.locator("[data-testid=stCode]").inner_text().strip()
    visitor.page.goto(link)  # without the note that it was signed: Streamlit gives its toasts no name
    visitor.page.locator("button[data-panel=panel_cancel_nonce]").wait_for()
    faults += _faults(visitor, "an offer of mine")
    neighbour_, _ = neighbour(deposited=20)
    other = visit(neighbour_, language=language)
    other.page.goto(link)
    other.page.locator("[data-role=connect]").click()
    other.choose()
    other.page.locator("button[data-panel=panel_accept]").wait_for()
    faults += _faults(other, "an offer of somebody else")
    other.open("offer?o=torn")
    other.sees(words["offer.paste"])
    faults += _faults(other, "an offer that is none")
    assert faults == []


def _faults(visitor: Visitor, name: str) -> list[str]:
    """Of a page in light colours, and of those colours that it has in the dark."""
    visitor.page.wait_for_function("!document.querySelector('[data-testid=stSkeleton], [data-stale=true]')")
    light = serious_faults(visitor.page)
    visitor.page.emulate_media(color_scheme="dark")
    dark = serious_faults(visitor.page, "color-contrast")
    visitor.page.emulate_media(color_scheme="light")
    return [f"{name}, {scheme}: {fault}" for scheme, found in (("light", light), ("dark", dark)) for fault in found]


def test_serious_faults__picture_without_words_and_pale_text__both_found(visit) -> None:
    page = visit().page
    page.set_content("<img src='data:,'><p style='color: #ccc; background: #fff'>pale</p>")
    found = [fault.split(":")[0] for fault in serious_faults(page, "color-contrast", "image-alt")]
    assert found == ["color-contrast", "image-alt"]
