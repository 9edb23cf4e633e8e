"""Wallets on other devices: with a relay that does not answer, and with one that does, which is not the internet's."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.axe import serious_faults
from tests.browser.conftest import Visitor, start_app
from tests.browser.relay import relay
from tests.browser.small_street import SmallStreet
from tests.ports import free_port

pytestmark = pytest.mark.browser
PROJECT_ID = "ab" * 16
ASSET = re.compile(r"/walletconnect\.js")
HERE = Path(__file__).parent
CLIENT = HERE.parents[1] / "frontend" / "wallet" / "walletconnect" / "node_modules"


@pytest.fixture(scope="module", params=["answers", "silent"])
def relay_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A relay that answers, or an address where there is none."""
    if request.param == "silent":
        yield f"ws://127.0.0.1:{free_port()}"
        return
    with relay() as address:
        yield address


@pytest.fixture(scope="module")
def app(street: SmallStreet, relay_url: str) -> Iterator[str]:
    """An app whose operator has a project id."""
    address, process = start_app(
        {
            "NET8_RPC_URL": street.url,
            "NET8_DEPLOYMENT": str(street.deployment_file),
            "NET8_WALLETCONNECT_ID": PROJECT_ID,
            "NET8_WALLETCONNECT_RELAY": relay_url,
        }
    )
    yield address
    process.terminate()
    process.wait(timeout=10)


@pytest.fixture
def phone(
    browser: Browser, app: str, street: SmallStreet, relay_url: str, tmp_path: Path
) -> Iterator[Callable[..., list[str]]]:
    """Scans a code on another device, and approves or refuses; returns when that is done."""
    bundle = tmp_path / "phone.js"
    esbuild = Path(sys.executable).with_name("esbuild")
    command = [esbuild, HERE / "phone.js", "--bundle", f"--outfile={bundle}", "--log-level=error"]
    subprocess.run(command, check=True, env=os.environ | {"NODE_PATH": str(CLIENT)})
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{app}/_stcore/health")
    page.add_script_tag(path=bundle)

    def scan(uri: str, key: bytes, *, refuses: bool = False) -> list[str]:
        given = {"relayUrl": relay_url, "projectId": PROJECT_ID, "chainId": 31337, "rpcUrl": street.url}
        given |= {"key": "0x" + key.hex(), "uri": uri, "refuses": refuses}
        log: list[str] = page.evaluate("given => globalThis.__phone(given)", given)
        return log

    yield scan
    context.close()


def choose(visitor: Visitor) -> None:
    visitor.page.locator("[data-role=connect]").click()
    visitor.page.get_by_role("button", name="WalletConnect").click()


def code_of(visitor: Visitor) -> str:
    """What the code on the page says."""
    visitor.page.get_by_role("img", name="QR code for your wallet").wait_for()
    uri = visitor.page.get_by_role("link", name="Open a wallet on this device").get_attribute("href")
    assert uri is not None
    assert uri.startswith("wc:")
    return uri


@pytest.mark.parametrize("relay_url", ["silent"], indirect=True)
def test_walletconnect__relay_does_not_answer__one_sentence_and_other_wallets_go_on(visit) -> None:
    visitor = visit()
    visitor.page.clock.install()
    addresses: list[str] = []
    visitor.page.on("request", lambda request: addresses.append(request.url))
    visitor.open("trade")
    visitor.page.locator("[data-role=connect]").wait_for()
    assert not any(ASSET.search(address) for address in addresses), "loaded before anybody chose it"
    choose(visitor)
    while visitor.page.get_by_role("alert").count() == 0:  # it is waited for a while, which need not pass here
        visitor.page.clock.fast_forward(1_000)
    visitor.sees("WalletConnect's relay does not answer. Choose another wallet, or try again later.")
    assert any(ASSET.search(address) for address in addresses)
    visitor.page.get_by_role("alert").get_by_role("button", name="Close").click()
    visitor.connect()


@pytest.mark.parametrize("relay_url", ["answers"], indirect=True)
def test_walletconnect__phone_scans_and_approves__deposits_and_is_known_after_a_reload(
    visit, street: SmallStreet, neighbour, phone
) -> None:
    owner, site = neighbour(net8=20)
    visitor = visit()
    visitor.open("portfolio")
    choose(visitor)
    phone(code_of(visitor), bytes(owner.key))
    visitor.page.locator(f"[data-address='{owner.address}']").wait_for()
    visitor.fill("NET8 to deposit", "4")
    visitor.sign("deposit", "Deposit 4.00 NET8")
    visitor.sees("Deposited. It is free for trading.")
    assert street.chain.read(street.net8.exchange.free_balance(site)) == 4 * 10**7
    visitor.page.reload()
    visitor.page.locator(f"[data-address='{owner.address}']").wait_for()


@pytest.mark.parametrize("relay_url", ["answers"], indirect=True)
def test_walletconnect__refused_on_the_phone_or_closed_here__said_and_tried_again(visit, neighbour, phone) -> None:
    owner, _ = neighbour()
    visitor = visit()
    visitor.open("trade")
    choose(visitor)
    phone(code_of(visitor), bytes(owner.key), refuses=True)
    visitor.sees("You declined in your wallet. Nothing was sent.")
    choose(visitor)
    code_of(visitor)
    assert serious_faults(visitor.page) == []
    visitor.page.get_by_role("dialog").get_by_role("button", name="Close").click()
    visitor.sees("You declined in your wallet. Nothing was sent.")
    visitor.page.locator("[data-role=connect]").wait_for()
