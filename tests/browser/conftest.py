"""A small street on anvil, the app on it, and real Chromium with wallets that sign with local keys."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from eth_account import Account
from eth_account.signers.local import LocalAccount
from net8_web.i18n import table
from playwright.sync_api import Browser, BrowserContext, Page
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from scripts.chromium import chromium
from tests.browser.small_street import SmallStreet, running
from tests.indexer.processes import Process
from tests.ports import free_port

HERE = Path(__file__).parent
START_S = 120  # a machine may be busy


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallStreet]:
    """Contracts, a bakery that buys, a roof that sells."""
    with running(tmp_path_factory.mktemp("street")) as made:
        yield made


def start_app(
    environment: dict[str, str], program: Sequence[str] = ("-m", "net8_web")
) -> tuple[str, subprocess.Popen[bytes]]:
    """Serve the app on a free port, or a program that does so in its own way; returns its address and process."""
    port = free_port()
    command = [sys.executable, *program, "--server.port", str(port), "--server.address", "127.0.0.1"]
    process = subprocess.Popen(command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        try:
            if requests.get(f"{address}/_stcore/health", timeout=1).ok:
                return address, process
        except requests.RequestException:
            time.sleep(0.2)
    process.terminate()
    raise RuntimeError(f"the app did not start within {START_S} s")


@pytest.fixture(scope="module")
def indexer(street: SmallStreet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """The street's history, as a process of its own."""
    made = Process(tmp_path_factory.mktemp("indexer"), street, "net8.sqlite", poll_ms=200)
    made.start()
    yield made
    made.close()


@pytest.fixture(scope="module")
def started_app(street: SmallStreet, indexer: Process) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The running app's address, and its process."""
    address, process = start_app(
        {"NET8_RPC_URL": street.url, "NET8_DEPLOYMENT": str(street.deployment_file), "NET8_INDEXER": indexer.url}
    )
    yield address, process
    process.terminate()
    process.wait(timeout=10)


@pytest.fixture(scope="module")
def app(started_app: tuple[str, subprocess.Popen[bytes]]) -> str:
    """The running app's address."""
    return started_app[0]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Not for the whole session: while it is open, Playwright's event loop runs in this thread, and no other can."""
    with chromium() as launched:
        yield launched


@pytest.fixture(scope="module")
def wallets_script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The test wallets, bundled."""
    bundle = tmp_path_factory.mktemp("wallets") / "wallets.js"
    esbuild = Path(sys.executable).with_name("esbuild")
    subprocess.run([esbuild, HERE / "wallets.js", "--bundle", f"--outfile={bundle}", "--log-level=error"], check=True)
    return bundle


class Visitor:
    """Somebody with a browser, and wallets in it."""

    def __init__(self, page: Page, app: str, language: str = "en", another: Callable[[], Page] | None = None) -> None:
        """Args: page: of the browser. app: address of the app. language: of the browser. another: opens a tab more."""
        self.page = page
        self.app = app
        self.words = table(language)
        self._another = another

    def another_tab(self) -> "Visitor":
        """The same person in a second tab."""
        assert self._another is not None, "opened by `visit`"
        return Visitor(self._another(), self.app)

    def open(self, name: str = "") -> None:
        """Go to a page by its address."""
        self.page.goto(f"{self.app}/{name}")

    def go(self, name: str) -> None:
        """Go to a page by the navigation, as people do; the session stays."""
        self.page.get_by_role("link", name=name).first.click()

    def connect(self, wallet: str = "Test Fox") -> None:
        """Choose a wallet, which is on another network at first."""
        self.page.locator("[data-role=connect]").click()
        self.choose(wallet)
        self.sees(self.words["problem.wrong_network"].split(".")[0])  # the server knows the account now

    def choose(self, wallet: str = "Test Fox") -> None:
        """Choose a wallet from the open list."""
        self.page.get_by_role("button", name=wallet).click()
        self.page.locator("[data-role=disconnect]").wait_for()

    def fill(self, label: str, text: str) -> None:
        """Type into a field and leave it."""
        field = self.page.get_by_label(label, exact=True)
        with self._or_said(f"the field {label!r} cannot be typed into"):
            field.fill(text)
            field.press("Tab")

    def sign(self, panel: str, label: str) -> None:
        """Press a sign button once it reads `label`."""
        with self._or_said(f"no button of {panel!r} reads {label!r}"):
            self.page.locator(f"button[data-panel=panel_{panel}]", has_text=label).click()

    def sees(self, text: str, timeout: float = 60_000) -> None:
        """Wait until a text stands on the page."""
        with self._or_said(f"{text!r} does not stand there"):
            self.page.get_by_text(text).first.wait_for(timeout=timeout)

    @contextmanager
    def _or_said(self, fault: str) -> Iterator[None]:
        """What was waited for and never came is told with what stands on the page instead."""
        try:
            yield
        except PlaywrightTimeout as problem:
            loading = self.page.get_by_test_id("stSkeleton").count()
            stands = self.page.locator("body").inner_text()
            raise AssertionError(f"{self.page.url}: {fault}, {loading} parts are loading; seen:\n{stands}") from problem

    def wallet(self, script: str) -> None:
        """Make the first test wallet do something, such as `rejectNext = true`."""
        self.page.evaluate(f"globalThis.__wallets.fox.{script}")


class Profiles:
    """Browser contexts, each for one visitor at a time, with nothing left of the one before.

    A page of the app takes Chromium five seconds of a core in a context of its own, most of it for what has to be
    compiled anew. While another page of the site is open in the context, the next shares its process and takes three.
    """

    def __init__(self, browser: Browser, app: str) -> None:
        self._browser, self._app = browser, app
        self._free: dict[tuple[str, str], list[BrowserContext]] = {}
        self._taken: list[tuple[tuple[str, str], BrowserContext]] = []

    def take(self, language: str, scheme: str) -> BrowserContext:
        free = self._free.setdefault((language, scheme), [])
        context = free.pop() if free else self._made(language, scheme)
        self._taken.append(((language, scheme), context))
        return context

    def _made(self, language: str, scheme: str) -> BrowserContext:
        context = self._browser.new_context(
            locale=language, color_scheme=scheme, timezone_id="Europe/Berlin", reduced_motion="reduce"
        )
        context.new_page().goto(f"{self._app}/_stcore/health")
        return context

    def give_all_back(self) -> None:
        while self._taken:
            kind, context = self._taken.pop()
            keeper, *pages = context.pages
            for page in pages:
                page.close()
            context.clear_cookies()
            kinds = {"origin": self._app, "storageTypes": "local_storage,indexeddb"}
            context.new_cdp_session(keeper).send("Storage.clearDataForOrigin", kinds)
            self._free[kind].append(context)

    def close(self) -> None:
        for context in [one for free in self._free.values() for one in free]:
            context.close()


@pytest.fixture(scope="module")
def profiles(browser: Browser, app: str) -> Iterator[Profiles]:
    made = Profiles(browser, app)
    yield made
    made.close()


@pytest.fixture
def visit(profiles: Profiles, app: str, street: SmallStreet, wallets_script: Path) -> Iterator[Callable[..., Visitor]]:
    """Open the app with wallets for the given accounts."""

    def opened(*accounts: LocalAccount, width: int = 1280, language: str = "en", scheme: str = "light") -> Visitor:
        context = profiles.take(language, scheme)
        keys = ["0x" + bytes(account.key).hex() for account in accounts or (Account.create(),)]
        config = {"rpcUrl": street.url, "keys": keys * 2 if len(keys) == 1 else keys}

        def tab() -> Page:
            page = context.new_page()
            page.set_viewport_size({"width": width, "height": 900})
            page.set_default_timeout(60_000)
            page.add_init_script(f"globalThis.__walletConfig = {json.dumps(config)}")
            page.add_init_script(path=wallets_script)
            return page

        return Visitor(tab(), app, language, tab)

    yield opened
    profiles.give_all_back()


@pytest.fixture
def neighbour(street: SmallStreet) -> Callable[..., tuple[LocalAccount, int]]:
    """Registers a new home with a roof: (owner, site), with gas, and NET8 in the wallet."""

    def registered(net8: int = 50, deposited: int = 0) -> tuple[LocalAccount, int]:
        owner = Account.create()
        street.give_gas(owner.address)
        site = street.register_roof(owner)
        street.give(owner.address, net8)
        if deposited:
            street.deposit(owner, site, deposited)
        return owner, site

    return registered
