"""The bench of the web app on a small street: its figures are of a real server that answers real sessions."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench import app
from bench.session import session
from tests.browser.small_street import SmallStreet, running

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallStreet]:
    with running(tmp_path_factory.mktemp("street")) as made:
        yield made


@pytest.fixture(scope="module")
def served(street: SmallStreet) -> Iterator[tuple[str, int]]:
    with app.served(street.url, street.deployment_file) as running:
        yield running


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    with app.served_empty(tmp_path_factory.mktemp("empty")) as running:
        yield running


def _offer(street: SmallStreet, slot: int, number: int) -> None:
    street.place(street.roof_owner, street.roof, slot, True, 500 + 20 * (number % 7), 200)


@pytest.fixture
def watched(street: SmallStreet) -> dict[str, int]:
    """The slot that orders are placed in."""
    return {"zone": 1, "slot": street.slot + 2}


def test_fragment_ms__ladder__not_far_from_an_empty_fragment(served, empty) -> None:
    ladder = app.fragment_ms(*served, "trade", app.LADDER, updates=15)
    floor = app.fragment_ms(*empty, "", app.EMPTY, updates=15)
    assert 0 < ladder["server_ms"] < floor["server_ms"] + 50  # a machine may be busy
    assert ladder["answer_ms"] > 0


def test_live_ms__an_order_a_second__each_is_told_for_less_than_a_fragment_costs(
    street: SmallStreet, served, watched
) -> None:
    with app.changing(lambda number: _offer(street, watched["slot"], number)) as changed:
        told = app.live_ms(*served, watched, changed, sockets=20, seconds=6)
    assert 0 <= told["server_ms"] < app.fragment_ms(*served, "trade", app.LADDER, updates=5)["server_ms"]
    assert 0 < told["seen_ms"] < 30_000


def test_cpu_share__few_sessions__updates_are_told_to_all(street: SmallStreet, served, watched) -> None:
    with app.changing(lambda number: _offer(street, watched["slot"], 10 + number)):
        crowd = app.cpu_share(*served, watched, sessions=4, seconds=6)
    assert crowd["updates_per_second"] > 0
    assert 0 < crowd["core_share"] < 2


def test_first_loads__one_of_each__both_are_drawn(served, empty) -> None:
    loads = app.first_loads(served[0], empty[0], loads=1)
    assert loads["ratio"] == pytest.approx(loads["app_s"] / loads["empty_s"], abs=0.05)
    assert loads["empty_s"] > 0


def test_session__component_that_is_not_there__named_with_those_that_are(empty) -> None:
    async def look() -> None:
        async with session(empty[0]) as one:
            await one.open("")
            await one.update(app.LADDER)

    with pytest.raises(LookupError, match=r"shows no net8-web\.ladder, only \['bench\.empty'\]"):
        asyncio.run(look())


def test_served__no_such_deployment__page_says_so(street: SmallStreet, tmp_path: Path) -> None:
    async def look(address: str) -> None:
        async with session(address) as one:
            await one.open("trade")
            await one.update(app.LADDER)

    with app.served(street.url, tmp_path / "none.json") as (address, _), pytest.raises(LookupError):
        asyncio.run(look(address))
