"""How quick the web app is with a year of history: each page after a click, and a first load beside an empty page's.

A chain that began a year ago, its zone of a hundred homes, a year of their history in an indexer's database
(`bench.history`), the indexer's API and the app on top, and Chromium with the wallet of a home that sold all year.

`python -m bench.year --days 30` measures less of it; `--write` puts the figures beside the others.
"""

import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
from net8.packing import Entry, certificate_id
from net8.units import SLOTS_PER_HOUR, hour_of, hour_start, slots_of_hour
from net8_web.i18n import table
from playwright.sync_api import Page

from bench import app
from bench.history import write
from bench.site import BUYERS, PROGRAMS, PROJECT, SELLERS, TERMS, Zone, free_port, open_zone
from docs.every_page import PAGES
from scripts.chromium import chromium

__all__ = ["lines", "measure", "sentence"]

RESULTS = Path(__file__).parent / "results.json"
DAYS, ROUNDS, LOADS = 365, 5, 7
DAY_S, HOURS_OF_DAY = 86_400, 24
HOME = SELLERS[6]  # index of the site whose owner looks at the pages
SETTLED_WH = 1_000  # of each slot of the one hour that the contracts saw
AHEAD = 3  # hours with orders in their books
START_S = 120
WORDS = table("en")
NAMES = {
    "street": "nav.home", **{page: f"nav.{page}" for page in PAGES if page not in ("street", "certificate")},
}  # fmt: skip
_AT_REST = """document.querySelector('[data-testid=stApp]').dataset.testScriptState === 'notRunning'
    && !document.querySelector('[data-testid=stSkeleton], [data-stale=true]')"""
_WALLET = "localStorage.setItem('net8.practice.key', '{key}'); localStorage.setItem('net8.practice.key.granted', '1')"


# --- the street -----------------------------------------------------------------------------------------------------


def _trade(zone: Zone, hour: int, both: bool) -> None:
    """Offers in an hour's slots, and bids that take some of them."""
    place = zone.contracts.exchange.place
    for slot in slots_of_hour(hour):
        for number, index in enumerate((HOME, *SELLERS[10:16])):
            price = TERMS.floor + TERMS.step * (60 + number)
            zone.of_site(index, place(zone.site(index), slot, True, price, 2 * SETTLED_WH))
        for index in BUYERS[:3] if both else ():
            price = TERMS.floor + TERMS.step * 100
            zone.of_site(index, place(zone.site(index), slot, False, price, SETTLED_WH))


def _live(zone: Zone) -> int:
    """An hour that is traded, settled and certified on chain, and coming hours that stand open; the certificate."""
    certificates, site = zone.contracts.certificates, zone.site(HOME)
    for index in SELLERS:
        zone.send(zone.registrar, certificates.admit(zone.site(index), "DK1"))
    hour = hour_of(zone.now()) + 1
    _trade(zone, hour, both=True)
    zone.move_to(hour_start(hour + 1) + 1)
    readings = {index: (SETTLED_WH, 0) if index in SELLERS else (0, SETTLED_WH) for index in (*SELLERS, *BUYERS)}
    zone.report([Entry(hour, index, dict.fromkeys(range(4), reading)) for index, reading in readings.items()])
    zone.of_site(HOME, certificates.mint(site, hour, zone.owners[HOME - 1]))
    for ahead in range(AHEAD):
        _trade(zone, hour + 2 + ahead, both=ahead == 0)
    return certificate_id(site, hour)


@contextmanager
def _indexer(folder: Path, settings: dict[str, Any]) -> Iterator[str]:
    """The indexer as a process, at the chain's head; the address of its API."""
    path = folder / "indexer.toml"
    chain = settings["chain"]
    path.write_text(
        f"database = {json.dumps(settings['database'])}\nlisten = {json.dumps(settings['listen'])}\n\n"
        f"[chain]\ndeployment = {json.dumps(chain['deployment'])}\nrpc = {json.dumps(chain['rpc'])}\n",
        encoding="utf-8",
    )
    url, deadline = f"http://{settings['listen']}/api", time.monotonic() + START_S
    process = subprocess.Popen(
        [str(PROGRAMS / "net8-indexer"), "run", "--config", str(path)], stderr=subprocess.DEVNULL
    )  # fmt: skip
    try:
        while not _at_head(url):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the indexer is not at the chain's head within {START_S} s")
            time.sleep(0.2)
        yield url
    finally:
        process.terminate()
        process.wait(30)


def _at_head(url: str) -> bool:
    try:
        answer = requests.get(f"{url}/health", timeout=2)
        return answer.ok and answer.json()["behind"] == 0
    except requests.ConnectionError:
        return False


# --- the pages ------------------------------------------------------------------------------------------------------


def _useful(page: Page, name: str) -> None:
    """Wait until the last part of a page stands there, and nothing of the page before."""
    page.get_by_text(WORDS[PAGES[name]]).first.wait_for(timeout=START_S * 1e3)
    page.wait_for_function(_AT_REST, timeout=START_S * 1e3)


def _click(page: Page, name: str) -> float:
    """Seconds from the click on a page's name until it is useful."""
    link = page.get_by_role("link", name=WORDS[NAMES[name]], exact=True).first
    began = time.perf_counter()
    link.click()
    _useful(page, name)
    return time.perf_counter() - began


def _loaded(page: Page, address: str, name: str) -> float:
    """Seconds until a page that is gone to by its address is useful."""
    began = time.perf_counter()
    page.goto(address, wait_until="commit")
    _useful(page, name)
    return time.perf_counter() - began


def _clicks(address: str, key: bytes, certificate: int) -> dict[str, Any]:
    """The first visit of all, in which the app begins; clicks through all pages in turn; a certificate's page."""
    with chromium() as browser:
        context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en")
        context.add_init_script(_WALLET.format(key="0x" + key.hex()))
        page = context.new_page()
        first = _loaded(page, address, "street")
        _connect(page)
        took: dict[str, list[float]] = {name: [] for name in NAMES}
        for _ in range(ROUNDS):
            for name in [*list(NAMES)[1:], "street"]:
                took[name].append(_click(page, name))
        proof = [_loaded(page, f"{address}/certificate?id={certificate}", "certificate") for _ in range(ROUNDS)]
        context.close()
    return {
        "first_visit_s": round(first, 2),
        "pages": {
            name: {"median_s": round(statistics.median(each), 2), "most_s": round(max(each), 2)}
            for name, each in took.items()
        },
        "certificate_load_s": round(statistics.median(proof), 2),
    }


def _connect(page: Page) -> None:
    """The practice wallet, whose key is the home's owner's."""
    if not page.locator("[data-role=disconnect]").is_visible():
        page.locator("[data-role=connect]").click()
        page.get_by_role("button", name=WORDS["wallet.practice"]).click()
    page.locator("[data-role=disconnect]").wait_for()
    page.get_by_text(WORDS["home.today"]).first.wait_for(timeout=START_S * 1e3)


def _memory_mb(pid: int) -> int:
    """What a process has in memory (Linux)."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(status.partition("VmRSS:")[2].split()[0]) // 1024


def _state(url: str, since: int) -> dict[str, float]:
    """How long the indexer's state is, and how long it takes."""
    began = time.perf_counter()
    answer = requests.get(f"{url}/state", params={"since": since}, timeout=START_S)
    answer.raise_for_status()
    return {"s": round(time.perf_counter() - began, 2), "mb": round(len(answer.content) / 1e6, 1)}


def measure(folder: Path, days: int = DAYS) -> dict[str, Any]:
    """All figures."""
    environment = {**os.environ, "PATH": f"{PROGRAMS}{os.pathsep}{os.environ.get('PATH', '')}"}
    begin = int(time.time()) - days * DAY_S
    with open_zone(folder, environment, begin) as zone, tempfile.TemporaryDirectory() as place:
        settings: dict[str, Any] = {
            "database": f"{place}/net8.sqlite",
            "listen": f"127.0.0.1:{free_port()}",
            "chain": {"deployment": str(folder / "31337.json"), "rpc": [zone.chain.url]},
        }
        logs = write(zone, settings, days)
        certificate = _live(zone)
        slots = days * HOURS_OF_DAY * SLOTS_PER_HOUR * len((*SELLERS, *BUYERS))
        return {"days": days, "logs": logs, "site_slots": slots, **_served(zone, settings, Path(place), certificate)}


def _served(zone: Zone, settings: dict[str, Any], folder: Path, certificate: int) -> dict[str, Any]:
    deployment = Path(settings["chain"]["deployment"])
    with _indexer(folder, settings) as url:
        state = _state(url, (zone.now() - 8 * DAY_S) // 3600 * 3600)
        with app.served(zone.chain.url, deployment, NET8_INDEXER=url) as (address, pid):
            clicks = _clicks(address, Zone.owner_key(HOME), certificate)
            with app.served_empty(folder) as (empty, _):
                loads = app.first_loads(address, empty, LOADS)
            return {"state": state, **clicks, "first_load": loads, "memory_mb": _memory_mb(pid)}


def sentence(measured: dict[str, Any]) -> str:
    """What the README says of it."""
    pages = measured["pages"].values()
    usual, most = max(one["median_s"] for one in pages), max(one["most_s"] for one in pages)
    return (
        f"With a year of 100 homes indexed, {measured['site_slots']:,} settled site-slots, every page of the app is "
        f"usually whole within {usual} s of a click and at most within {most} s, and a first load takes "
        f"{measured['first_load']['ratio']} times an empty page's."
    )


def lines(measured: dict[str, Any]) -> list[str]:
    """The figures in words."""
    first, state = measured["first_load"], measured["state"]
    return [
        f"with {measured['days']} days of 100 homes ({measured['logs']:,} logs): the app's first visitor waits "
        f"{measured['first_visit_s']} s, first load {first['app_s']} s, an empty page's {first['empty_s']} s, "
        f"ratio {first['ratio']}; {measured['memory_mb']} MB; the indexer's state {state['mb']} MB in {state['s']} s",
        *(
            f"  {name}: {one['median_s']} s from the click (most {one['most_s']} s)"
            for name, one in measured["pages"].items()
        ),
        f"  a certificate by its address: {measured['certificate_load_s']} s",
    ]


def main() -> None:
    """Measure what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m bench.year")
    parser.add_argument("--days", type=int, default=DAYS)
    parser.add_argument("--write", action="store_true", help="put the figures into bench/results.json")
    arguments = parser.parse_args()
    folder = PROJECT / ".street" / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    measured = measure(folder, arguments.days)
    if arguments.write:
        results = json.loads(RESULTS.read_text(encoding="utf-8"))
        RESULTS.write_text(json.dumps({**results, "year": measured}, indent=2) + "\n", encoding="utf-8")
    print(*lines(measured), sep="\n")


if __name__ == "__main__":
    main()
