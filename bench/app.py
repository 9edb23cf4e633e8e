"""What the web app's server spends on its sessions, and what a first load takes beside an empty page's.

The ladder of the Trade page is what moves most: it is told its book as it changes, and its fragment runs again as its
timer says, while an order a second changes the book of a chain of its own. Sessions are real web sockets to a real
server, without a browser behind them; the first load is real Chromium's, from an empty cache.
"""

import asyncio
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any

import requests
from net8.units import slot_of
from net8_web.timing import FORM_SECONDS
from playwright.sync_api import Browser
from websockets.asyncio.client import ClientConnection

from bench.session import Session, session, watching
from bench.site import SELLERS, TERMS, Zone, free_port
from scripts.chromium import chromium

__all__ = [
    "EMPTY", "LADDER", "changing", "cpu_share", "first_loads", "fragment_ms", "lines", "live_ms", "measure", "sentence",
    "served", "served_empty",
]  # fmt: skip

LADDER = "net8-web.ladder"
UPDATES, SESSIONS, SECONDS, LOADS = 100, 100, 30, 7
START_S = 60
EMPTY = "bench.empty"
_EMPTY_PAGE = f"""
import streamlit as st

empty = st.components.v2.component("{EMPTY}", html="<div></div>")
st.title("Empty")
st.fragment(lambda: empty(key="empty"))()
"""

Watched = dict[str, int]  # whose changes are told: zone and slot

_OF_PROCESS = 2  # in Linux's number of a clock: time that a process has run, not since when


# --- servers --------------------------------------------------------------------------------------------------------


@contextmanager
def _running(command: list[str], port: int, environment: dict[str, str]) -> Iterator[tuple[str, int]]:
    process = subprocess.Popen(
        [*command, "--server.port", str(port), "--server.address", "127.0.0.1"],
        env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    address, deadline = f"http://127.0.0.1:{port}", time.monotonic() + START_S
    try:
        while not _healthy(address):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{' '.join(command)} does not serve within {START_S} s")
            time.sleep(0.1)
        yield address, process.pid
    finally:
        process.terminate()
        process.wait(30)


def _healthy(address: str) -> bool:
    try:
        return requests.get(f"{address}/_stcore/health", timeout=2).ok
    except (requests.ConnectionError, requests.Timeout):  # not up yet, or up and slow to answer
        return False


@contextmanager
def served(rpc_url: str, deployment: Path, **more: str) -> Iterator[tuple[str, int]]:
    """The app on a chain: its address and its process. `more` are settings, such as NET8_INDEXER."""
    environment = {"NET8_RPC_URL": rpc_url, "NET8_DEPLOYMENT": str(deployment), **more}
    with _running([sys.executable, "-m", "net8_web"], free_port(), environment) as running:
        yield running


@contextmanager
def served_empty(folder: Path) -> Iterator[tuple[str, int]]:
    """A Streamlit page with a heading and a fragment that holds an empty component: its address and process."""
    page = folder / "empty.py"
    page.write_text(_EMPTY_PAGE, encoding="utf-8")
    options = ["--server.headless", "true", "--runner.postScriptGC", "false"]  # as the app's own
    with _running([sys.executable, "-m", "streamlit", "run", str(page), *options], free_port(), {}) as running:
        yield running


# --- what the server spends -----------------------------------------------------------------------------------------


@contextmanager
def changing(change: Callable[[int], None]) -> Iterator[list[float]]:
    """Meanwhile `change` is called once a second, with 0, 1, 2 and so on; when each was done (monotonic)."""
    stop, done = threading.Event(), []

    def go_on() -> None:
        number, due = 0, time.monotonic() + 1
        while not stop.wait(max(due - time.monotonic(), 0)):
            change(number)
            done.append(time.monotonic())
            number += 1
            due += 1

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        yield done
    finally:
        stop.set()
        thread.join()


def _cpu_seconds(pid: int) -> float:
    """What a process has used so far, all its threads together."""
    return time.clock_gettime(~pid << 3 | _OF_PROCESS)


async def _one_by_one(address: str, pid: int, page: str, component: str, updates: int) -> list[tuple[float, float]]:
    found = []
    async with session(address) as one:
        await one.open(page)
        for _ in range(updates):
            used = _cpu_seconds(pid)
            waited = await one.update(component)
            found.append((_cpu_seconds(pid) - used, waited))
    return found


def fragment_ms(address: str, pid: int, page: str, component: str, updates: int = UPDATES) -> dict[str, float]:
    """Medians in ms of one session's runs of the fragment that holds a component: the server's time, all its threads
    together, and the time until the session has the whole answer, in which the server rests too.
    """
    server, answer = zip(*asyncio.run(_one_by_one(address, pid, page, component, updates)), strict=True)
    return {"server_ms": _median_ms(server), "answer_ms": _median_ms(answer)}


def _median_ms(seconds: Sequence[float]) -> float:
    return round(statistics.median(seconds) * 1e3, 2)


async def _listen(socket: ClientConnection, until: float) -> list[float]:
    """When each update came (monotonic)."""
    came = []
    with contextlib.suppress(TimeoutError):
        while True:
            await asyncio.wait_for(socket.recv(), max(until - time.monotonic(), 0))
            came.append(time.monotonic())
    return came


async def _watched(address: str, pid: int, watched: Watched, sockets: int, seconds: float) -> tuple[float, list[float]]:
    """CPU seconds of the server while so many follow a book, and when each of them was told something."""
    async with AsyncExitStack() as stack:
        opened = [await stack.enter_async_context(watching(address, **watched)) for _ in range(sockets)]
        used, until = _cpu_seconds(pid), time.monotonic() + seconds
        _, *came = await asyncio.gather(asyncio.sleep(seconds), *(_listen(socket, until) for socket in opened))
        return _cpu_seconds(pid) - used, [moment for one in came for moment in one]


def live_ms(
    address: str,
    pid: int,
    watched: Watched,
    changed: Sequence[float],
    sockets: int = SESSIONS,
    seconds: float = SECONDS,
) -> dict[str, float]:
    """What it costs to tell one ladder one change of its book, in ms of the server, beyond following the chain: of so
    many ladders told for so long, beside the same time with none. And the median of ms from a change, whose moments
    stand in `changed`, until it is told.
    """
    alone, _ = asyncio.run(_watched(address, pid, watched, 0, seconds))
    together, came = asyncio.run(_watched(address, pid, watched, sockets, seconds))
    after = [moment - max(earlier) for moment in came if (earlier := [one for one in changed if one <= moment])]
    return {"server_ms": round(max(together - alone, 0.0) / len(came) * 1e3, 3), "seen_ms": _median_ms(after)}


async def _tab(stack: AsyncExitStack, address: str, watched: Watched) -> tuple[Session, ClientConnection]:
    one = await stack.enter_async_context(session(address))
    await one.open("trade")
    return one, await stack.enter_async_context(watching(address, **watched))


async def _as_its_timer_does(one: Session, delay: float, until: float) -> list[float]:
    """Runs of the ladder's fragment at a pace that does not wait for a slow server; seconds each took."""
    took, due = [], time.monotonic() + delay
    while due < until:
        await asyncio.sleep(max(due - time.monotonic(), 0))
        took.append(await one.update(LADDER))
        due += FORM_SECONDS
    return took


async def _under_load(
    address: str, pid: int, watched: Watched, sessions: int, seconds: float
) -> tuple[float, int, list[float]]:
    async with AsyncExitStack() as stack:
        tabs = [await _tab(stack, address, watched) for _ in range(sessions)]
        used, until = _cpu_seconds(pid), time.monotonic() + seconds
        runs = [_as_its_timer_does(one, FORM_SECONDS * i / sessions, until) for i, (one, _) in enumerate(tabs)]
        told, took = await asyncio.gather(
            asyncio.gather(*(_listen(socket, until) for _, socket in tabs)), asyncio.gather(*runs)
        )
        spent = _cpu_seconds(pid) - used
        return spent, sum(map(len, told)), [one for each in took for one in each]


def cpu_share(
    address: str, pid: int, watched: Watched, sessions: int = SESSIONS, seconds: float = SECONDS
) -> dict[str, float]:
    """The share of one core that the server needs for so many tabs with the ladder, following the chain included; how
    many updates a second they were told together, and the median ms of a run of its fragment.
    """
    used, told, took = asyncio.run(_under_load(address, pid, watched, sessions, seconds))
    return {
        "core_share": round(used / seconds, 3), "updates_per_second": round(told / seconds, 1),
        "answer_ms": _median_ms(took),
    }  # fmt: skip


# --- first load -----------------------------------------------------------------------------------------------------


def _load(browser: Browser, address: str, last: str) -> float:
    """Seconds until a browser that was never here shows the element `last`."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en")
    try:
        page = context.new_page()
        began = time.perf_counter()
        page.goto(address, wait_until="commit")
        page.locator(last).first.wait_for(timeout=START_S * 1e3)
        return time.perf_counter() - began
    finally:
        context.close()


def first_loads(app: str, empty: str, loads: int = LOADS) -> dict[str, float]:
    """Median seconds of first loads of the app's Street page, the last of its figures drawn, and of an empty page,
    taken in turns; and their ratio.
    """
    with chromium() as browser:
        _load(browser, empty, "h1")  # the browser's own start
        pairs = [
            (_load(browser, app, "[data-testid=stMetricValue] >> nth=3"), _load(browser, empty, "h1"))
            for _ in range(loads)
        ]
    of_app, of_empty = (statistics.median(side) for side in zip(*pairs, strict=True))
    return {"app_s": round(of_app, 2), "empty_s": round(of_empty, 2), "ratio": round(of_app / of_empty, 2)}


# --- all of it ------------------------------------------------------------------------------------------------------


def _order(zone: Zone, slot: int, number: int) -> None:
    """One more offer in a slot: another seller, another price."""
    index = SELLERS[number % len(SELLERS)]
    price = TERMS.floor + TERMS.step * (100 + number % 7)
    zone.of_site(index, zone.contracts.exchange.place(zone.site(index), slot, True, price, 500))


def measure(zone: Zone, deployment: Path) -> dict[str, Any]:
    """All figures, on a fresh chain with a zone of a hundred sites, deployed as the file says."""
    slot = slot_of(zone.now()) + TERMS.gate_lead + 1  # the first that is open, which the page shows by itself
    for number in range(8):
        _order(zone, slot, number)
    with tempfile.TemporaryDirectory() as folder:
        app, empty = served(zone.chain.url, deployment), served_empty(Path(folder))
        with app as (address, pid), empty as (empty_address, empty_pid):
            watched: Watched = {"zone": zone.number, "slot": slot}
            with changing(lambda number: _order(zone, slot, number)) as changed:
                ladder, crowd = live_ms(address, pid, watched, changed), cpu_share(address, pid, watched)
                fragment = fragment_ms(address, pid, "trade", LADDER)
            return {
                "ladder": ladder, "fragment": fragment,
                "empty_fragment": fragment_ms(empty_address, empty_pid, "", EMPTY),
                "crowd": {"sessions": SESSIONS, **crowd}, "first_load": first_loads(address, empty_address),
            }  # fmt: skip


def sentence(measured: dict[str, Any]) -> str:
    """What the README says of it."""
    return (
        f"Telling a ladder one change of its book costs the server {measured['ladder']['server_ms']} ms; a hundred "
        f"open ladders with a change a second need {measured['crowd']['core_share']:.0%} of one core."
    )


def lines(measured: dict[str, Any]) -> list[str]:
    """The figures in words."""
    ladder, crowd, first = (measured[name] for name in ("ladder", "crowd", "first_load"))
    run, floor = (measured[name]["server_ms"] for name in ("fragment", "empty_fragment"))
    return [
        f"one live update of the ladder: {ladder['server_ms']} ms of the server, seen {ladder['seen_ms']} ms after its "
        f"block (median); a run of its fragment: {run} ms, of an empty fragment: {floor} ms",
        f"{crowd['sessions']} sessions, {crowd['updates_per_second']} updates a second together: "
        f"{crowd['core_share']:.0%} of one core",
        f"first load: {first['app_s']} s, an empty page's {first['empty_s']} s, ratio {first['ratio']}",
    ]
